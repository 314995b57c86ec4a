#include "sip/tpdu.h"

#include "base/assert.h"
#include "msg/concat.h"
#include "sip/tpdu_private.h"

void sip_tpdu_septets_read(const uint8_t *octets, unsigned first_bit, uint8_t *septets, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned bit = first_bit + 7 * i, shift = bit % 8;
		unsigned two = octets[bit / 8];

		if (shift > 1) /* it ends in the next octet */
			two |= (unsigned)octets[bit / 8 + 1] << 8;
		septets[i] = two >> shift & 0x7f;
	}
}

bool sip_tpdu_septets_put(const uint8_t *septets, unsigned n, unsigned first_bit, uint8_t *octets)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned bit = first_bit + 7 * i, shift = bit % 8;

		if (septets[i] > 0x7f)
			return false;
		octets[bit / 8] |= (uint8_t)(septets[i] << shift);
		if (shift > 1)
			octets[bit / 8 + 1] |= (uint8_t)(septets[i] >> (8 - shift));
	}
	return true;
}

static bool packed(const struct sip_tpdu *t)
{
	return sip_tpdu_dcs(t->dcs).coding == MSG_CODING_GSM7;
}

size_t sip_tpdu_data_octets(const struct sip_tpdu *t)
{
	return packed(t) ? (t->udl * 7u + 7) / 8 : t->udl;
}

/* Septets that a header of so many octets takes up, its fill bits counted (9.2.3.24). */
static unsigned header_septets(unsigned octets)
{
	return (octets * 8 + 6) / 7;
}

bool sip_tpdu_header_valid(const struct sip_tpdu *t)
{
	struct concat_udh udh;

	if (!t->header)
		return true;
	return concat_parse((const uint8_t *)t->data.p, t->data.n, &udh) &&
	       (!packed(t) || header_septets(udh.size) <= t->udl);
}

void sip_tpdu_unpack(const struct sip_tpdu *t, struct put *w, uint8_t *udh_size)
{
	const uint8_t *octets = (const uint8_t *)t->data.p;
	unsigned       skip;
	uint8_t       *septets;

	*udh_size = t->header ? (uint8_t)(octets[0] + 1) : 0;
	if (!packed(t)) {
		put_str(w, t->data);
		return;
	}
	skip = header_septets(*udh_size);
	ASSERT(*udh_size <= t->data.n && skip <= t->udl && sip_tpdu_data_octets(t) == t->data.n);
	put_bytes(w, octets, *udh_size);
	septets = put_reserve(w, t->udl - skip);
	if (septets != NULL)
		sip_tpdu_septets_read(octets, 7 * skip, septets, t->udl - skip);
}

bool sip_tpdu_pack(struct sip_tpdu *t, struct str body, uint8_t udh_size, struct put *room)
{
	struct str text = str_skip(body, udh_size);
	size_t     max = packed(t) ? SIP_TPDU_SEPTETS_MAX : SIP_TPDU_OCTETS_MAX;
	size_t     udl = packed(t) ? header_septets(udh_size) + text.n : body.n;
	uint8_t   *octets;

	if (udl > max || udh_size > body.n)
		return false;
	t->has |= SIP_TPDU_HAS_DATA;
	t->header = udh_size > 0;
	t->udl = (uint8_t)udl;
	octets = put_reserve(room, sip_tpdu_data_octets(t));
	if (octets == NULL)
		return false;
	t->data = (struct str){(const char *)octets, sip_tpdu_data_octets(t)};
	if (!packed(t)) {
		if (body.n > 0)
			memcpy(octets, body.p, body.n);
		return sip_tpdu_header_valid(t);
	}
	memset(octets, 0, t->data.n);
	if (udh_size > 0)
		memcpy(octets, body.p, udh_size);
	return sip_tpdu_header_valid(t) &&
	       sip_tpdu_septets_put((const uint8_t *)text.p, (unsigned)text.n,
				    7 * header_septets(udh_size), octets);
}

/* The general groups 00xx and 01xx (TS 23.038, 4). */
static void general(uint8_t dcs, struct sip_tpdu_dcs *d)
{
	static const enum msg_coding codings[4] = {MSG_CODING_GSM7, MSG_CODING_BINARY,
						   MSG_CODING_UCS2, MSG_CODING_GSM7};

	d->coding = codings[dcs >> 2 & 3];
	d->reserved = (dcs >> 2 & 3) == 3;
	d->compressed = dcs & 0x20;
	d->delete_after_reading = dcs & 0x40;
	if (d->compressed)
		d->coding = MSG_CODING_BINARY;
	if (dcs & 0x10)
		d->message_class = dcs & 3;
}

struct sip_tpdu_dcs sip_tpdu_dcs(uint8_t dcs)
{
	struct sip_tpdu_dcs d = {.coding = MSG_CODING_GSM7, .message_class = SIP_TPDU_NO_CLASS};

	switch (dcs >> 4) {
	case 0xc: /* message waiting: discard, store, store with UCS-2 */
	case 0xd:
	case 0xe:
		d.waiting = true;
		d.waiting_active = dcs & 8;
		d.waiting_discard = dcs >> 4 == 0xc;
		d.waiting_type = dcs & 3;
		d.coding = dcs >> 4 == 0xe ? MSG_CODING_UCS2 : MSG_CODING_GSM7;
		break;
	case 0xf:
		d.coding = dcs & 4 ? MSG_CODING_BINARY : MSG_CODING_GSM7;
		d.message_class = dcs & 3;
		d.reserved = dcs & 8;
		break;
	default:
		if (dcs < 0x80)
			general(dcs, &d);
		else
			d.reserved = true;
		break;
	}
	return d;
}
