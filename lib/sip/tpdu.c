#include "sip/tpdu.h"

#include "msg/addr.h"
#include "msg/concat.h"
#include "sip/tpdu_private.h"

/* TP-MTI and the flags of the first octet (TS 23.040, 9.2.3.1 to 9.2.3.26). */
#define MTI_MASK 0x03u
#define NO_MORE 0x04u /* of what the service centre sends */
#define REJECT_DUPLICATES 0x04u
#define LOOP 0x08u
#define VPF_SHIFT 3u
#define VPF_MASK 0x18u
#define REPORT 0x20u
#define HEADER 0x40u
#define REPLY_PATH 0x80u

#define PI_MORE 0x80u /* another octet of TP-PI follows */
#define PI_MAX 4u

/* By TP-MTI and direction (9.2.3.1). */
static enum sip_tpdu_type type_of(enum sip_rp_type carrier, unsigned mti)
{
	static const enum sip_tpdu_type from_ms[4] = {SIP_TPDU_DELIVER_REPORT, SIP_TPDU_SUBMIT,
						      SIP_TPDU_COMMAND, SIP_TPDU_TYPE_COUNT};
	static const enum sip_tpdu_type from_n[4] = {SIP_TPDU_DELIVER, SIP_TPDU_SUBMIT_REPORT,
						     SIP_TPDU_STATUS_REPORT, SIP_TPDU_TYPE_COUNT};
	enum sip_tpdu_type              type = SIP_TPDU_TYPE_COUNT;

	switch (carrier) {
	case SIP_RP_DATA_MS:
		type = from_ms[mti];
		return type != SIP_TPDU_DELIVER_REPORT ? type : SIP_TPDU_TYPE_COUNT;
	case SIP_RP_DATA_N:
		type = from_n[mti];
		return type != SIP_TPDU_SUBMIT_REPORT ? type : SIP_TPDU_TYPE_COUNT;
	case SIP_RP_ACK_MS:
	case SIP_RP_ERROR_MS:
		type = from_ms[mti];
		return type == SIP_TPDU_DELIVER_REPORT ? type : SIP_TPDU_TYPE_COUNT;
	case SIP_RP_ACK_N:
	case SIP_RP_ERROR_N:
		type = from_n[mti];
		return type == SIP_TPDU_SUBMIT_REPORT ? type : SIP_TPDU_TYPE_COUNT;
	case SIP_RP_SMMA_MS:
	case SIP_RP_TYPE_COUNT:
		break;
	}
	return type;
}

static bool address_read(struct cur *in, struct sip_tpdu_address *a)
{
	uint8_t semi_octets = cur_u8(in), type = cur_u8(in);

	a->ton = type >> 4 & 7;
	a->npi = type & 15;
	if (in->failed || semi_octets > SIP_TPDU_ADDRESS_MAX)
		return false;
	if (a->ton == TON_ALPHANUMERIC) {
		const uint8_t *octets = cur_bytes(in, (semi_octets + 1) / 2);

		a->size = (uint8_t)(semi_octets * 4 / 7);
		if (octets != NULL)
			sip_tpdu_septets_read(octets, 0, a->septets, a->size);
		return octets != NULL;
	}
	a->number.ton = a->ton;
	a->number.npi = a->npi;
	return sip_rp_digits_read(in, semi_octets, false, &a->number);
}

static void copy_read(struct cur *in, uint8_t *to, size_t n)
{
	const uint8_t *from = cur_bytes(in, n);

	if (from != NULL)
		memcpy(to, from, n);
}

/* TP-UDL and TP-UD. */
static enum sip_body data_read(struct cur *in, struct sip_tpdu *t)
{
	size_t octets;

	t->udl = cur_u8(in);
	octets = sip_tpdu_data_octets(t);
	if (octets > SIP_TPDU_OCTETS_MAX)
		return SIP_BODY_LIMIT;
	t->data.p = (const char *)cur_bytes(in, octets);
	if (t->data.p == NULL)
		return SIP_BODY_SYNTAX;
	t->data.n = octets;
	return sip_tpdu_header_valid(t) ? SIP_BODY_OK : SIP_BODY_SYNTAX;
}

static enum sip_body optional_read(struct cur *in, struct sip_tpdu *t)
{
	if (t->has & SIP_TPDU_HAS_PID)
		t->pid = cur_u8(in);
	if (t->has & SIP_TPDU_HAS_DCS)
		t->dcs = cur_u8(in);
	if (t->has & SIP_TPDU_HAS_DATA)
		return data_read(in, t);
	return in->failed ? SIP_BODY_SYNTAX : SIP_BODY_OK;
}

/* TP-PI: only the bits of the first octet mean anything yet. */
static enum sip_body parameters_read(struct cur *in, struct sip_tpdu *t)
{
	uint8_t  octet = cur_u8(in);
	unsigned n = 1;

	t->has = octet & (SIP_TPDU_HAS_PID | SIP_TPDU_HAS_DCS | SIP_TPDU_HAS_DATA);
	while ((octet & PI_MORE) != 0 && n++ < PI_MAX)
		octet = cur_u8(in);
	if ((octet & PI_MORE) != 0)
		return SIP_BODY_LIMIT;
	return in->failed ? SIP_BODY_SYNTAX : SIP_BODY_OK;
}

static enum sip_body message_read(struct cur *in, uint8_t first, struct sip_tpdu *t)
{
	static const uint8_t vp_sizes[4] = {[SIP_TPDU_VP_NONE] = 0,
					    [SIP_TPDU_VP_ENHANCED] = 7,
					    [SIP_TPDU_VP_RELATIVE] = 1,
					    [SIP_TPDU_VP_ABSOLUTE] = 7};
	enum sip_body        fault;

	t->has = SIP_TPDU_HAS_PID | SIP_TPDU_HAS_DCS | SIP_TPDU_HAS_DATA;
	t->reply_path = first & REPLY_PATH;
	if (t->type == SIP_TPDU_SUBMIT) {
		t->reject_duplicates = first & REJECT_DUPLICATES;
		t->vpf = (enum sip_tpdu_vpf)((first & VPF_MASK) >> VPF_SHIFT);
		t->reference = cur_u8(in);
	}
	if (!address_read(in, &t->address))
		return SIP_BODY_SYNTAX;
	t->pid = cur_u8(in);
	t->dcs = cur_u8(in);
	if (t->type == SIP_TPDU_SUBMIT)
		copy_read(in, t->vp, vp_sizes[t->vpf]);
	else
		copy_read(in, t->time, sizeof(t->time));
	fault = data_read(in, t);
	if (fault == SIP_BODY_OK && cur_left(in) > 0)
		return SIP_BODY_SYNTAX;
	return fault;
}

static enum sip_body report_read(struct cur *in, struct sip_tpdu *t)
{
	enum sip_body fault;

	if (t->failed)
		t->fcs = cur_u8(in);
	fault = parameters_read(in, t);
	if (fault != SIP_BODY_OK)
		return fault;
	if (t->type == SIP_TPDU_SUBMIT_REPORT)
		copy_read(in, t->time, sizeof(t->time));
	return optional_read(in, t);
}

static enum sip_body status_read(struct cur *in, struct sip_tpdu *t)
{
	enum sip_body fault;

	t->reference = cur_u8(in);
	if (!address_read(in, &t->address))
		return SIP_BODY_SYNTAX;
	copy_read(in, t->time, sizeof(t->time));
	copy_read(in, t->discharge, sizeof(t->discharge));
	t->status = cur_u8(in);
	if (in->failed)
		return SIP_BODY_SYNTAX;
	if (cur_left(in) == 0)
		return SIP_BODY_OK;
	fault = parameters_read(in, t);
	return fault != SIP_BODY_OK ? fault : optional_read(in, t);
}

enum sip_body sip_tpdu_parse(struct cur in, enum sip_rp_type carrier, struct sip_tpdu *t)
{
	uint8_t first = cur_u8(&in);

	*t = (struct sip_tpdu){.type = type_of(carrier, first & MTI_MASK), .data = {"", 0}};
	if (in.failed)
		return SIP_BODY_SYNTAX;
	t->header = first & HEADER;
	t->failed = carrier == SIP_RP_ERROR_MS || carrier == SIP_RP_ERROR_N;
	switch (t->type) {
	case SIP_TPDU_DELIVER:
	case SIP_TPDU_STATUS_REPORT:
		t->more = (first & NO_MORE) == 0;
		t->loop = first & LOOP;
		t->report = first & REPORT;
		return t->type == SIP_TPDU_DELIVER ? message_read(&in, first, t)
						   : status_read(&in, t);
	case SIP_TPDU_SUBMIT:
		t->report = first & REPORT;
		return message_read(&in, first, t);
	case SIP_TPDU_DELIVER_REPORT:
	case SIP_TPDU_SUBMIT_REPORT:
		return report_read(&in, t);
	case SIP_TPDU_COMMAND:
	case SIP_TPDU_TYPE_COUNT:
		break;
	}
	return SIP_BODY_UNSUPPORTED;
}

static void address_put(struct put *w, const struct sip_tpdu_address *a)
{
	bool    alphanumeric = a->ton == TON_ALPHANUMERIC;
	uint8_t octets[(sizeof(a->septets) * 7 + 7) / 8] = {0};

	if (a->size > sizeof(a->septets)) {
		w->failed = true;
		return;
	}
	put_u8(w, alphanumeric ? (uint8_t)((a->size * 7 + 3) / 4) : a->number.size);
	put_u8(w, (uint8_t)(0x80 | (a->ton & 7) << 4 | (a->npi & 15)));
	if (!alphanumeric) {
		sip_rp_digits_put(w, &a->number);
		return;
	}
	w->failed |= !sip_tpdu_septets_put(a->septets, a->size, 0, octets);
	put_bytes(w, octets, (a->size * 7u + 7) / 8);
}

static void data_put(struct put *w, const struct sip_tpdu *t)
{
	w->failed |= t->data.n != sip_tpdu_data_octets(t) || t->data.n > SIP_TPDU_OCTETS_MAX;
	put_u8(w, t->udl);
	put_str(w, t->data);
}

static void optional_put(struct put *w, const struct sip_tpdu *t)
{
	if (t->has & SIP_TPDU_HAS_PID)
		put_u8(w, t->pid);
	if (t->has & SIP_TPDU_HAS_DCS)
		put_u8(w, t->dcs);
	if (t->has & SIP_TPDU_HAS_DATA)
		data_put(w, t);
}

static uint8_t flag(bool set, unsigned bit)
{
	return set ? (uint8_t)bit : 0;
}

static void submit_put(struct put *w, const struct sip_tpdu *t)
{
	put_u8(w, (uint8_t)(1 | flag(t->reject_duplicates, REJECT_DUPLICATES) |
			    (t->vpf << VPF_SHIFT & VPF_MASK) | flag(t->report, REPORT) |
			    flag(t->header, HEADER) | flag(t->reply_path, REPLY_PATH)));
	put_u8(w, t->reference);
	address_put(w, &t->address);
	put_u8(w, t->pid);
	put_u8(w, t->dcs);
	if (t->vpf != SIP_TPDU_VP_NONE)
		put_bytes(w, t->vp, t->vpf == SIP_TPDU_VP_RELATIVE ? 1 : sizeof(t->vp));
	data_put(w, t);
}

static void deliver_put(struct put *w, const struct sip_tpdu *t)
{
	put_u8(w,
	       (uint8_t)(flag(!t->more, NO_MORE) | flag(t->loop, LOOP) | flag(t->report, REPORT) |
			 flag(t->header, HEADER) | flag(t->reply_path, REPLY_PATH)));
	address_put(w, &t->address);
	put_u8(w, t->pid);
	put_u8(w, t->dcs);
	put_bytes(w, t->time, sizeof(t->time));
	data_put(w, t);
}

static void report_put(struct put *w, const struct sip_tpdu *t)
{
	bool submit = t->type == SIP_TPDU_SUBMIT_REPORT;

	put_u8(w, (uint8_t)(flag(submit, 1) | flag(t->header, HEADER)));
	if (t->failed)
		put_u8(w, t->fcs);
	put_u8(w, t->has);
	if (submit)
		put_bytes(w, t->time, sizeof(t->time));
	optional_put(w, t);
}

static void status_put(struct put *w, const struct sip_tpdu *t)
{
	put_u8(w, (uint8_t)(2 | flag(!t->more, NO_MORE) | flag(t->loop, LOOP) |
			    flag(t->report, REPORT) | flag(t->header, HEADER)));
	put_u8(w, t->reference);
	address_put(w, &t->address);
	put_bytes(w, t->time, sizeof(t->time));
	put_bytes(w, t->discharge, sizeof(t->discharge));
	put_u8(w, t->status);
	if (t->has == 0)
		return;
	put_u8(w, t->has);
	optional_put(w, t);
}

void sip_tpdu_put(struct put *w, const struct sip_tpdu *t)
{
	switch (t->type) {
	case SIP_TPDU_DELIVER:
		deliver_put(w, t);
		break;
	case SIP_TPDU_SUBMIT:
		submit_put(w, t);
		break;
	case SIP_TPDU_DELIVER_REPORT:
	case SIP_TPDU_SUBMIT_REPORT:
		report_put(w, t);
		break;
	case SIP_TPDU_STATUS_REPORT:
		status_put(w, t);
		break;
	case SIP_TPDU_COMMAND:
	case SIP_TPDU_TYPE_COUNT:
		w->failed = true;
		break;
	}
}
