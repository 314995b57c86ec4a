#include "sip/rp.h"

#define IEI_USER_DATA 0x41u /* TS 24.011, 7.3.3 and 7.3.4 */
#define FILLER 15u
#define ADDRESS_MAX 11u /* octets: the type of number, and 20 digits */

static const char digit_chars[FILLER + 1] = "0123456789*#abc";

bool sip_rp_digits_read(struct cur *in, unsigned n, bool stop, struct sip_rp_number *number)
{
	const uint8_t *octets = cur_bytes(in, (n + 1) / 2);

	number->size = 0;
	if (octets == NULL || n > SIP_RP_DIGITS_MAX)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned digit = octets[i / 2] >> (i % 2 * 4) & 15;

		if (digit == FILLER)
			return stop && i + 1 == n;
		number->digits[number->size++] = digit_chars[digit];
	}
	return true;
}

static unsigned digit_of(char c)
{
	unsigned i = 0;

	while (i < FILLER && digit_chars[i] != c)
		i++;
	return i;
}

void sip_rp_digits_put(struct put *w, const struct sip_rp_number *number)
{
	if (number->size > SIP_RP_DIGITS_MAX) {
		w->failed = true;
		return;
	}
	for (unsigned i = 0; i < number->size; i += 2) {
		bool     last = i + 1 == number->size;
		unsigned low = digit_of(number->digits[i]);
		unsigned high = last ? FILLER : digit_of(number->digits[i + 1]);

		w->failed |= low == FILLER || (high == FILLER && !last);
		put_u8(w, (uint8_t)(high << 4 | low));
	}
}

static bool address_read(struct cur *in, bool *there, struct sip_rp_number *number)
{
	uint8_t    size = cur_u8(in);
	struct cur value = cur_sub(in, size);
	uint8_t    type;

	*there = size > 0;
	if (in->failed || size > ADDRESS_MAX)
		return false;
	if (size == 0)
		return true;
	type = cur_u8(&value);
	number->ton = type >> 4 & 7;
	number->npi = type & 15;
	return sip_rp_digits_read(&value, 2 * (size - 1u), true, number);
}

static enum sip_body user_data_read(struct cur *in, struct sip_rp *rp)
{
	uint8_t size = cur_u8(in);

	rp->user_data = cur_sub(in, size);
	rp->has_user_data = !in->failed;
	if (in->failed)
		return SIP_BODY_SYNTAX;
	return size > SIP_RP_USER_DATA_MAX ? SIP_BODY_LIMIT : SIP_BODY_OK;
}

static enum sip_body cause_read(struct cur *in, struct sip_rp *rp)
{
	uint8_t    size = cur_u8(in);
	struct cur value = cur_sub(in, size);

	rp->cause = cur_u8(&value) & 0x7f;
	rp->diagnostic = size > 1 ? cur_u8(&value) : 0;
	return value.failed || size > 2 ? SIP_BODY_SYNTAX : SIP_BODY_OK;
}

/* TS 24.007, 11.2.4: an identifier with bit 8 set is the whole element. */
static enum sip_body optional_read(struct cur *in, struct sip_rp *rp)
{
	bool may = rp->type != SIP_RP_SMMA_MS && !rp->has_user_data;

	while (cur_left(in) > 0) {
		uint8_t id = cur_u8(in);

		if (id == IEI_USER_DATA && may) {
			enum sip_body fault = user_data_read(in, rp);

			if (fault != SIP_BODY_OK)
				return fault;
			may = false;
		} else if (id < 0x80) {
			cur_bytes(in, cur_u8(in));
		}
	}
	return in->failed ? SIP_BODY_SYNTAX : SIP_BODY_OK;
}

static enum sip_body data_read(struct cur *in, struct sip_rp *rp)
{
	if (!address_read(in, &rp->has_originator, &rp->originator) ||
	    !address_read(in, &rp->has_destination, &rp->destination))
		return SIP_BODY_SYNTAX;
	return user_data_read(in, rp);
}

enum sip_body sip_rp_parse(struct cur in, struct sip_rp *rp)
{
	enum sip_body fault = SIP_BODY_OK;

	*rp = (struct sip_rp){.type = (enum sip_rp_type)(cur_u8(&in) & 7)};
	rp->reference = cur_u8(&in);
	if (in.failed)
		return SIP_BODY_SYNTAX;
	switch (rp->type) {
	case SIP_RP_DATA_MS:
	case SIP_RP_DATA_N:
		fault = data_read(&in, rp);
		break;
	case SIP_RP_ERROR_MS:
	case SIP_RP_ERROR_N:
		fault = cause_read(&in, rp);
		break;
	case SIP_RP_ACK_MS:
	case SIP_RP_ACK_N:
	case SIP_RP_SMMA_MS:
		break;
	case SIP_RP_TYPE_COUNT: /* reserved */
		return SIP_BODY_UNSUPPORTED;
	}
	return fault != SIP_BODY_OK ? fault : optional_read(&in, rp);
}

static void address_put(struct put *w, bool there, const struct sip_rp_number *number)
{
	put_u8(w, there ? (uint8_t)(1 + (number->size + 1) / 2) : 0);
	if (!there)
		return;
	put_u8(w, (uint8_t)(0x80 | (number->ton & 7) << 4 | (number->npi & 15)));
	sip_rp_digits_put(w, number);
}

static void user_data_put(struct put *w, const struct sip_rp *rp)
{
	size_t size = rp->has_user_data ? cur_left(&rp->user_data) : 0;

	w->failed |= size > SIP_RP_USER_DATA_MAX;
	put_u8(w, (uint8_t)size);
	put_bytes(w, rp->user_data.p, size);
}

static void optional_put(struct put *w, const struct sip_rp *rp)
{
	if (!rp->has_user_data)
		return;
	put_u8(w, IEI_USER_DATA);
	user_data_put(w, rp);
}

void sip_rp_put(struct put *w, const struct sip_rp *rp)
{
	put_u8(w, (uint8_t)rp->type);
	put_u8(w, rp->reference);
	switch (rp->type) {
	case SIP_RP_DATA_MS:
	case SIP_RP_DATA_N:
		address_put(w, rp->has_originator, &rp->originator);
		address_put(w, rp->has_destination, &rp->destination);
		user_data_put(w, rp);
		break;
	case SIP_RP_ERROR_MS:
	case SIP_RP_ERROR_N:
		put_u8(w, rp->diagnostic != 0 ? 2 : 1);
		put_u8(w, rp->cause & 0x7f);
		if (rp->diagnostic != 0)
			put_u8(w, rp->diagnostic);
		optional_put(w, rp);
		break;
	case SIP_RP_ACK_MS:
	case SIP_RP_ACK_N:
		optional_put(w, rp);
		break;
	case SIP_RP_SMMA_MS:
		break;
	case SIP_RP_TYPE_COUNT:
		w->failed = true;
		break;
	}
}
