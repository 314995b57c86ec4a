#include "smpp/map.h"

#include "msg/addr.h"
#include "msg/concat.h"
#include "msg/sms.h"
#include "smpp/receipt.h"
#include "smpp/status.h"
#include "smpp/time.h"

/* The optional parameters that say what a message is; each may come once. */
struct known {
	uint32_t   seen; /* one bit each */
	struct cur payload, receipted_id, error;
	uint16_t   sar_reference;
	uint8_t    sar_parts, sar_part, state, subunit, waiting;
};

enum known_bit {
	PAYLOAD = 1,
	SAR_REFERENCE = 2,
	SAR_PARTS = 4,
	SAR_PART = 8,
	RECEIPTED_ID = 16,
	STATE = 32,
	ERROR = 64,
	SUBUNIT = 128,
	WAITING = 256
};

static uint32_t known_bit(uint16_t tag)
{
	switch (tag) {
	case SMPP_TLV_message_payload:
		return PAYLOAD;
	case SMPP_TLV_sar_msg_ref_num:
		return SAR_REFERENCE;
	case SMPP_TLV_sar_total_segments:
		return SAR_PARTS;
	case SMPP_TLV_sar_segment_seqnum:
		return SAR_PART;
	case SMPP_TLV_receipted_message_id:
		return RECEIPTED_ID;
	case SMPP_TLV_message_state:
		return STATE;
	case SMPP_TLV_network_error_code:
		return ERROR;
	case SMPP_TLV_dest_addr_subunit:
		return SUBUNIT;
	case SMPP_TLV_ms_msg_wait_facilities:
		return WAITING;
	default:
		return 0;
	}
}

static void known_take(struct known *k, enum known_bit bit, struct cur value)
{
	switch (bit) {
	case PAYLOAD:
		k->payload = value;
		break;
	case SAR_REFERENCE:
		k->sar_reference = cur_be16(&value);
		break;
	case SAR_PARTS:
		k->sar_parts = cur_u8(&value);
		break;
	case SAR_PART:
		k->sar_part = cur_u8(&value);
		break;
	case RECEIPTED_ID:
		k->receipted_id = value;
		break;
	case STATE:
		k->state = cur_u8(&value);
		break;
	case ERROR:
		k->error = value;
		break;
	case SUBUNIT:
		k->subunit = cur_u8(&value);
		break;
	case WAITING:
		k->waiting = cur_u8(&value);
		break;
	}
}

static uint32_t known_read(const struct smpp_map *map, struct cur tlvs, struct known *k)
{
	struct smpp_tlv tlv;
	uint16_t        min, max;
	uint32_t        bit;
	unsigned        count = 0;

	*k = (struct known){0};
	while (smpp_tlv_next(&tlvs, &tlv)) {
		if (++count > SMPP_TLVS_MAX)
			return SMPP_RINVOPTPARSTREAM;
		if (!smpp_tlv_limits(tlv.tag, &min, &max)) {
			metric_inc(map->metrics, METRIC_smpp_tlvs_unknown);
			continue;
		}
		if (tlv.size < min || tlv.size > max)
			return SMPP_RINVPARLEN;
		bit = known_bit(tlv.tag);
		if (bit == 0)
			continue;
		if (k->seen & bit)
			return SMPP_ROPTPARNOTALLWD; /* two payloads: which one was the rule to see?
						      */
		k->seen |= bit;
		known_take(k, (enum known_bit)bit, tlv.value);
	}
	return tlvs.failed ? SMPP_RINVOPTPARSTREAM : SMPP_ROK;
}

enum msg_coding smpp_coding_of(uint8_t data_coding, uint8_t default_alphabet)
{
	switch (data_coding) {
	case 0:
		return (enum msg_coding)default_alphabet;
	case 1:
		return MSG_CODING_ASCII;
	case 3:
		return MSG_CODING_LATIN1;
	case 8:
		return MSG_CODING_UCS2;
	default:
		break;
	}
	/* TS 23.038, 4: the groups that SMPP carries as they are (5.2.19): classes, waiting
	 * indications. */
	if (data_coding >= 0xf0)
		return data_coding & 4 ? MSG_CODING_BINARY : (enum msg_coding)default_alphabet;
	if (data_coding >= 0xe0)
		return MSG_CODING_UCS2;
	if (data_coding >= 0xc0)
		return (enum msg_coding)default_alphabet;
	if (data_coding >= 0x10 && data_coding <= 0x13)
		return (enum msg_coding)default_alphabet;
	if (data_coding >= 0x18 && data_coding <= 0x1b)
		return MSG_CODING_UCS2;
	return MSG_CODING_BINARY;
}

/* esm_class, priority_flag, replace_if_present_flag: what the standard lets this side send
 * (5.2.12, 5.2.14, 5.2.18). */
static uint32_t check_fields(const struct smpp_map *map, const struct smpp_sm *sm)
{
	uint8_t type = sm->esm_class & SMPP_ESM_TYPE_MASK;
	bool    receipt = type == SMPP_ESM_RECEIPT || type == SMPP_ESM_INTERMEDIATE;

	switch (type) {
	case 0:
	case SMPP_ESM_RECEIPT:
	case SMPP_ESM_DELIVERY_ACK:
	case SMPP_ESM_USER_ACK:
	case SMPP_ESM_ABORT:
	case SMPP_ESM_INTERMEDIATE:
		break;
	default:
		return SMPP_RINVESMCLASS;
	}
	if (!map->to_centre)
		return SMPP_ROK;
	if (receipt || type == SMPP_ESM_ABORT)
		return SMPP_RINVESMCLASS; /* only a message centre makes receipts: this would be a
					     forged one */
	if (sm->priority > 4)
		return SMPP_RINVPRTFLG;
	if (sm->replace_if_present > 1)
		return SMPP_RINVREPFLAG;
	return SMPP_ROK;
}

static uint32_t map_times(const struct smpp_map *map, const struct smpp_sm *sm, struct msg *m,
			  enum reason *why)
{
	uint64_t       schedule_ms = 0, validity_ms = 0;
	enum smpp_time schedule, validity;

	if (!map->to_centre)
		return SMPP_ROK; /* deliver_sm has no times; what a peer put there means nothing
				    (4.6.1) */
	schedule = smpp_time_parse(sm->schedule, map->now, &schedule_ms);
	if (schedule == SMPP_TIME_BAD ||
	    (schedule == SMPP_TIME_PAST && sm->schedule.p[15] != 'R')) {
		*why = REASON_SCHEDULE;
		return SMPP_RINVSCHED;
	}
	validity = smpp_time_parse(sm->validity, map->now, &validity_ms);
	if (validity == SMPP_TIME_BAD || validity == SMPP_TIME_PAST) {
		*why = REASON_VALIDITY;
		return SMPP_RINVEXPIRY;
	}
	if (validity == SMPP_TIME_OK)
		m->expires_us = map->now.us + validity_ms * US_PER_MS;
	return SMPP_ROK;
}

static uint32_t map_addrs(const struct smpp_map *map, const struct smpp_sm *sm, struct msg *m,
			  enum reason *why)
{
	const uint8_t      ton = map->settings->default_ton;
	struct addr_normal a;

	*why = REASON_SENDER;
	if (!addr_normalise(sm->source.ton, sm->source.text, ton, &a) ||
	    !msg_append_addr(m, a.kind, sm->source.ton, sm->source.npi,
			     (struct str){a.text, a.size}, &m->from))
		return SMPP_RINVSRCADR;
	*why = REASON_DESTINATION;
	if (!addr_normalise(sm->dest.ton, sm->dest.text, ton, &a) || a.kind == ADDR_NONE ||
	    !msg_append_addr(m, a.kind, sm->dest.ton, sm->dest.npi, (struct str){a.text, a.size},
			     &m->to))
		return SMPP_RINVDSTADR;
	*why = REASON_NONE;
	return SMPP_ROK;
}

/* The class or what waits, by data_coding or by the parameters for it (5.3.2.1, 5.3.2.13). */
static uint8_t form_in(const struct smpp_sm *sm, const struct known *k)
{
	uint8_t form = msg_sms_form(sm->data_coding);

	if (form != 0)
		return form;
	if (k->subunit >= 1 && k->subunit <= 4)
		return (uint8_t)(MSG_SMS_CLASS | (k->subunit - 1u));
	if (k->seen & WAITING)
		return (uint8_t)(MSG_SMS_STORE | (k->waiting & 0x80 ? 8u : 0u) | (k->waiting & 3u));
	return 0;
}

static uint32_t map_body(const struct smpp_map *map, const struct smpp_sm *sm,
			 const struct known *k, struct msg *m, enum reason *why)
{
	struct cur        body = k->seen & PAYLOAD ? k->payload : sm->text;
	size_t            n = cur_left(&body);
	const uint8_t    *bytes = cur_bytes(&body, n);
	struct concat_udh udh;

	if (k->seen & PAYLOAD && cur_left(&sm->text) > 0)
		return SMPP_ROPTPARNOTALLWD; /* 5.3.2.32: one or the other */
	if (n > map->settings->message_size_max) {
		*why = REASON_MESSAGE_SIZE;
		return SMPP_RINVMSGLEN;
	}
	if (sm->esm_class & SMPP_ESM_UDHI) {
		if (!concat_parse(bytes, n, &udh))
			return SMPP_RINVESMCLASS;
		m->udh_size = udh.size;
		m->concat = udh.concat;
	}
	if (m->concat.parts == 0 && k->sar_parts > 1 && k->sar_part >= 1 &&
	    k->sar_part <= k->sar_parts)
		m->concat = (struct msg_concat){
			.reference = k->sar_reference, .part = k->sar_part, .parts = k->sar_parts};
	m->native_protocol = map->protocol;
	m->native_coding = sm->data_coding;
	m->coding = (uint8_t)smpp_coding_of(sm->data_coding, map->settings->default_alphabet);
	m->kind = m->coding == MSG_CODING_BINARY ? MSG_BINARY : MSG_TEXT;
	m->sms_form = form_in(sm, k);
	m->sms_pid = sm->protocol_id;
	if (!msg_append(m, bytes, n, &m->body)) {
		*why = REASON_POOL;
		return SMPP_RMSGQFUL;
	}
	return SMPP_ROK;
}

static bool map_extras(const struct smpp_map *map, const struct smpp_sm *sm, struct msg *m)
{
	uint8_t         room[64];
	struct put      w = put_to(room, sizeof(room));
	struct cur      tlvs = sm->tlvs;
	struct smpp_tlv tlv;

	put_bytes(&w,
		  (uint8_t[]){sm->esm_class, sm->protocol_id, sm->priority, sm->registered_delivery,
			      sm->replace_if_present, sm->sm_default_msg_id},
		  6);
	put_cstr(&w, sm->service_type);
	put_cstr(&w, sm->schedule);
	put_cstr(&w, sm->validity);
	if (!msg_extra_add(m, map->protocol, SMPP_EXTRA_FIELDS, room, (uint16_t)put_size(&w)))
		return false;
	while (smpp_tlv_next(&tlvs, &tlv)) {
		uint16_t n = tlv.tag == SMPP_TLV_message_payload ? 0 : tlv.size;

		if (!msg_extra_add(m, map->protocol, tlv.tag, cur_bytes(&tlv.value, n), n))
			return false;
	}
	return true;
}

/* The id without the NUL that ends it, or does not. */
static struct str trimmed(struct cur value)
{
	size_t         n = cur_left(&value);
	const uint8_t *p = cur_bytes(&value, n);

	while (n > 0 && p[n - 1] == 0)
		n--;
	return (struct str){(const char *)p, n};
}

static bool map_receipt(const struct smpp_sm *sm, const struct known *k, struct msg *m)
{
	struct cur               body = k->seen & PAYLOAD ? k->payload : sm->text;
	size_t                   n = cur_left(&body);
	struct str               text = {(const char *)cur_bytes(&body, n), n}, id;
	struct smpp_receipt_text parsed;
	struct cur               error = k->error;

	smpp_receipt_parse(text, &parsed);
	id = k->seen & RECEIPTED_ID ? trimmed(k->receipted_id) : parsed.id;
	m->kind = MSG_RECEIPT;
	m->receipt.state = k->seen & STATE ? smpp_receipt_state_in(k->state) : parsed.state;
	m->receipt.intermediate = (sm->esm_class & SMPP_ESM_TYPE_MASK) == SMPP_ESM_INTERMEDIATE ||
				  m->receipt.state == MSG_STATE_ENROUTE ||
				  m->receipt.state == MSG_STATE_ACCEPTED;
	if (k->seen & ERROR) {
		for (unsigned i = 0; i < 3; i++)
			m->receipt.error[i] = cur_u8(&error);
	} else if (parsed.has_error) {
		m->receipt.error[1] = (uint8_t)(parsed.error >> 8);
		m->receipt.error[2] = (uint8_t)parsed.error;
	}
	return msg_append(m, id.p, id.n, &m->receipt.remote_id);
}

static void map_wants(const struct smpp_map *map, const struct smpp_sm *sm, struct msg *m)
{
	static const uint8_t wants[] = {0, MSG_WANT_SUCCESS | MSG_WANT_FAILURE, MSG_WANT_FAILURE,
					MSG_WANT_SUCCESS};
	static const uint8_t modes[] = {MSG_MODE_DEFAULT, MSG_DATAGRAM, MSG_TRANSACTION, MSG_STORE};
	const uint8_t        asked = sm->registered_delivery;

	if (asked & 0x08)
		m->wants |= MSG_WANT_READ;
	if (!map->to_centre)
		return; /* of a deliver_sm, these mean nothing (5.2.12, 5.2.17) */
	m->wants |= wants[asked & SMPP_REGISTERED_MASK];
	if (asked & SMPP_REGISTERED_INTERMEDIATE)
		m->wants |= MSG_WANT_INTERMEDIATE;
	m->mode = modes[sm->esm_class & SMPP_ESM_MODE_MASK];
}

uint32_t smpp_map_in(const struct smpp_map *map, const struct smpp_sm *sm, struct msg *m,
		     enum reason *why)
{
	uint8_t      type = sm->esm_class & SMPP_ESM_TYPE_MASK;
	struct known k;
	uint32_t     status = known_read(map, sm->tlvs, &k);

	*why = REASON_NONE;
	if (status == SMPP_ROK)
		status = check_fields(map, sm);
	if (status == SMPP_ROK)
		status = map_times(map, sm, m, why);
	if (status == SMPP_ROK)
		status = map_addrs(map, sm, m, why);
	if (status == SMPP_ROK)
		status = map_body(map, sm, &k, m, why);
	if (status != SMPP_ROK) {
		if (*why == REASON_NONE)
			*why = smpp_reason_of_fault(status);
		return status;
	}
	m->class = MSG_NORMAL;
	m->received_us = map->now.us;
	map_wants(map, sm, m);
	if (((type == SMPP_ESM_RECEIPT || type == SMPP_ESM_INTERMEDIATE) &&
	     !map_receipt(sm, &k, m)) ||
	    !map_extras(map, sm, m)) {
		*why = REASON_POOL;
		return SMPP_RMSGQFUL;
	}
	return SMPP_ROK;
}
