/*
 * A second opinion: libGammu reads the TPDUs that we write. Where it departs from TS 23.040, the
 * test says so where it steps round it.
 */
#include "test.h"

#include <gammu.h>

#include "base/date.h"
#include "base/random.h"
#include "msg/addr.h"
#include "msg/text.h"
#include "sip/tpdu.h"

#define MESSAGES 20000u

struct sample {
	struct sip_tpdu t;
	uint8_t         body[SIP_TPDU_BODY_MAX + 8], packed[SIP_TPDU_OCTETS_MAX];
	size_t          size;
	uint8_t         udh_size;
	uint64_t        time_ms;
};

/* Readers differ in what an escape means that nothing follows in the extension table. */
static uint8_t septet(struct random *random)
{
	uint8_t s = (uint8_t)random_below(random, 128);

	return s == TEXT_ESCAPE ? 'e' : s;
}

static void body_of(struct sample *s, struct random *random)
{
	static const uint8_t header[] = {5, 0, 3, 0xc8, 2, 1};
	static const uint8_t codings[] = {0x00, 0x04, 0x08, 0x11, 0xf1};
	bool                 gsm7;
	size_t               max, n;

	s->t.dcs = codings[random_below(random, sizeof(codings))];
	gsm7 = sip_tpdu_dcs(s->t.dcs).coding == MSG_CODING_GSM7;
	s->udh_size = random_below(random, 2) ? sizeof(header) : 0;
	memcpy(s->body, header, s->udh_size);
	max = gsm7 ? SIP_TPDU_SEPTETS_MAX - (s->udh_size > 0 ? 7 : 0)
		   : SIP_TPDU_OCTETS_MAX - s->udh_size;
	n = 1 + random_below(random, (uint32_t)max);
	n -= s->t.dcs == 8 ? n % 2 : 0;
	for (size_t i = 0; i < n; i++)
		s->body[s->udh_size + i] =
			gsm7 ? septet(random) : (uint8_t)(1 + random_below(random, 0xd7));
	s->size = s->udh_size + n;
}

/* Of more than 16 digits libGammu wants more room after them than a short text takes. */
static void number_of(struct sip_tpdu_address *a, struct random *random)
{
	a->ton = a->number.ton = random_below(random, 2) ? TON_INTERNATIONAL : TON_UNKNOWN;
	a->npi = a->number.npi = NPI_E164;
	a->number.size = (uint8_t)(1 + random_below(random, 16));
	for (unsigned i = 0; i < a->number.size; i++)
		a->number.digits[i] = (char)('0' + random_below(random, 10));
}

static void name_of(struct sip_tpdu_address *a, struct random *random)
{
	a->ton = TON_ALPHANUMERIC;
	a->size = (uint8_t)(1 + random_below(random, sizeof(a->septets)));
	for (unsigned i = 0; i < a->size; i++)
		a->septets[i] = (uint8_t)('a' + random_below(random, 26));
}

static void make(struct sample *s, struct random *random)
{
	struct put room = put_to(s->packed, sizeof(s->packed));

	*s = (struct sample){.t.type =
				     random_below(random, 2) ? SIP_TPDU_DELIVER : SIP_TPDU_SUBMIT};
	s->t.reference = (uint8_t)random_below(random, 256);
	if (s->t.type == SIP_TPDU_SUBMIT) {
		s->t.reject_duplicates = random_below(random, 2);
		s->t.report = random_below(random, 2);
		s->t.vpf = random_below(random, 2) ? SIP_TPDU_VP_RELATIVE : SIP_TPDU_VP_NONE;
		s->t.vp[0] = (uint8_t)random_below(random, 256);
	}
	if (s->t.type == SIP_TPDU_DELIVER && random_below(random, 4) == 0)
		name_of(&s->t.address, random);
	else
		number_of(&s->t.address, random);
	s->time_ms = 1000ull * (946684800 + random_below(random, 2000000000));
	sip_tpdu_time_of(s->time_ms, s->t.time);
	body_of(s, random);
	assert_true(
		sip_tpdu_pack(&s->t, (struct str){(char *)s->body, s->size}, s->udh_size, &room));
}

/* UTF-8 of libGammu's big-endian UCS-2 text. */
static size_t utf8_of(const unsigned char *text, char *utf8, size_t room)
{
	size_t n = 0;

	while (text[n] != 0 || text[n + 1] != 0)
		n += 2;
	return text_to_utf8(MSG_CODING_UCS2, (struct text_tables){0}, text, n, utf8, room);
}

static void check_number(const struct sample *s, const GSM_SMSMessage *sms)
{
	const struct sip_tpdu_address *a = &s->t.address;
	char                           theirs[256], ours[32];
	size_t                         n = utf8_of(sms->Number, theirs, sizeof(theirs)), size;

	if (a->ton == TON_ALPHANUMERIC) {
		memcpy(ours, a->septets, a->size);
		size = a->size;
	} else {
		ours[0] = '+';
		size = a->ton == TON_INTERNATIONAL ? 1 : 0;
		memcpy(ours + size, a->number.digits, a->number.size);
		size += a->number.size;
	}
	assert_int_equal(n, size);
	assert_memory_equal(theirs, ours, size);
}

static void check_body(const struct sample *s, const GSM_SMSMessage *sms)
{
	enum msg_coding coding = sip_tpdu_dcs(s->t.dcs).coding;
	const uint8_t  *text = s->body + s->udh_size;
	size_t          size = s->size - s->udh_size, n, expected;
	char            theirs[3 * 512], ours[3 * 512];

	assert_int_equal(sms->UDH.Length, s->udh_size);
	assert_memory_equal(sms->UDH.Text, s->body, s->udh_size);
	if (coding == MSG_CODING_BINARY) {
		assert_int_equal(sms->Coding, SMS_Coding_8bit);
		assert_int_equal(sms->Length, size);
		assert_memory_equal(sms->Text, text, size);
		return;
	}
	assert_int_equal(sms->Coding, coding == MSG_CODING_UCS2
					      ? SMS_Coding_Unicode_No_Compression
					      : SMS_Coding_Default_No_Compression);
	n = utf8_of(sms->Text, theirs, sizeof(theirs));
	expected = text_to_utf8(coding, (struct text_tables){0}, text, size, ours, sizeof(ours));
	assert_int_equal(n, expected);
	assert_memory_equal(theirs, ours, n);
}

static void check_time(const struct sample *s, const GSM_DateTime *at)
{
	uint64_t seconds =
		(uint64_t)date_days(at->Year, (unsigned)at->Month, (unsigned)at->Day) * 86400 +
		(unsigned)(at->Hour * 3600 + at->Minute * 60 + at->Second);

	assert_int_equal(seconds, s->time_ms / 1000);
}

static void libgammu_reads_what_we_write(void **state)
{
	struct random random;

	(void)state;
	random_seed(&random, 7);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct sample  s;
		uint8_t        octets[256];
		struct put     w = put_to(octets, sizeof(octets));
		GSM_SMSMessage sms;
		size_t         end = 0;
		GSM_Error      error;

		make(&s, &random);
		sip_tpdu_put(&w, &s.t);
		assert_false(w.failed);
		memset(&sms, 0, sizeof(sms));
		error = GSM_DecodePDUFrame(GSM_GetGlobalDebug(), &sms, octets, put_size(&w), &end,
					   FALSE);
		assert_int_equal(error, ERR_NONE);
		assert_int_equal(sms.PDU, s.t.type == SIP_TPDU_SUBMIT ? SMS_Submit : SMS_Deliver);
		if (s.t.type == SIP_TPDU_DELIVER)
			check_time(&s, &sms.DateTime);
		check_number(&s, &sms);
		check_body(&s, &sms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libgammu_reads_what_we_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
