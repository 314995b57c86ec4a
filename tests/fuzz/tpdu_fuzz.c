/*
 * Fuzz target: short messages over IP. The bytes are an RP message and, with the first byte as the
 * message that carried it, a TPDU; what is read is written, read again the same, and written again
 * the same; user data comes back from unpacking and packing.
 */
#include <string.h>

#include "base/assert.h"
#include "sip/rp.h"
#include "sip/tpdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void user_data(const struct sip_tpdu *t)
{
	uint8_t         body[SIP_TPDU_BODY_MAX], again[SIP_TPDU_BODY_MAX], udh_size, again_size;
	uint8_t         octets[SIP_TPDU_OCTETS_MAX];
	struct put      w = put_to(body, sizeof(body)), packed = put_to(octets, sizeof(octets));
	struct put      v = put_to(again, sizeof(again));
	struct sip_tpdu u = *t;

	sip_tpdu_unpack(t, &w, &udh_size);
	ASSERT(!w.failed && udh_size <= put_size(&w));
	ASSERT(sip_tpdu_pack(&u, (struct str){(char *)body, put_size(&w)}, udh_size, &packed));
	ASSERT(u.udl == t->udl && u.data.n == t->data.n && u.header == t->header);
	sip_tpdu_unpack(&u, &v, &again_size);
	ASSERT(again_size == udh_size && put_size(&v) == put_size(&w));
	ASSERT(memcmp(body, again, put_size(&w)) == 0);
}

static void times(const struct sip_tpdu *t)
{
	uint8_t  octets[7];
	uint64_t ms = 0, again = 0;
	bool     single_shot;

	if (sip_tpdu_time(t->time, &ms)) {
		sip_tpdu_time_of(ms, octets);
		/* An offset may carry the time out of the hundred years that have a form. */
		ASSERT(!sip_tpdu_time(octets, &again) || again == ms || ms < 631152000000ull ||
		       ms >= 3786912000000ull);
	}
	sip_tpdu_validity(t, (struct now){1, 1700000000000ull}, &ms, &single_shot);
}

static void tpdu(struct cur in, enum sip_rp_type carrier)
{
	uint8_t         one[512], other[512];
	struct put      w = put_to(one, sizeof(one)), v = put_to(other, sizeof(other));
	struct sip_tpdu t, u;

	if (sip_tpdu_parse(in, carrier, &t) != SIP_BODY_OK)
		return;
	sip_tpdu_put(&w, &t);
	ASSERT(!w.failed && put_size(&w) <= cur_left(&in));
	ASSERT(sip_tpdu_parse(cur_of(one, put_size(&w)), carrier, &u) == SIP_BODY_OK);
	ASSERT(t.type == u.type && t.has == u.has && t.reference == u.reference &&
	       t.header == u.header && t.more == u.more && t.report == u.report);
	ASSERT(str_eq(t.data, u.data) && t.udl == u.udl && t.dcs == u.dcs && t.pid == u.pid);
	ASSERT(t.address.number.size == u.address.number.size && t.address.size == u.address.size);
	sip_tpdu_put(&v, &u);
	ASSERT(put_size(&v) == put_size(&w) && memcmp(one, other, put_size(&w)) == 0);
	if (t.has & SIP_TPDU_HAS_DATA)
		user_data(&t);
	times(&t);
}

static void rp(struct cur in)
{
	uint8_t       one[1024], other[1024];
	struct put    w = put_to(one, sizeof(one)), v = put_to(other, sizeof(other));
	struct sip_rp a, b;

	if (sip_rp_parse(in, &a) != SIP_BODY_OK)
		return;
	sip_rp_put(&w, &a);
	ASSERT(!w.failed && put_size(&w) <= cur_left(&in));
	ASSERT(sip_rp_parse(cur_of(one, put_size(&w)), &b) == SIP_BODY_OK);
	ASSERT(a.type == b.type && a.reference == b.reference && a.cause == b.cause &&
	       a.has_user_data == b.has_user_data && a.originator.size == b.originator.size);
	sip_rp_put(&v, &b);
	ASSERT(put_size(&v) == put_size(&w) && memcmp(one, other, put_size(&w)) == 0);
	if (a.has_user_data)
		tpdu(a.user_data, a.type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	rp(cur_of(data, size));
	tpdu(cur_of(data + 1, size - 1), (enum sip_rp_type)(data[0] % SIP_RP_TYPE_COUNT));
	return 0;
}
