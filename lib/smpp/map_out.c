#include "smpp/map.h"

#include "msg/addr.h"
#include "msg/concat.h"
#include "msg/sms.h"
#include "msg/id.h"
#include "msg/text.h"
#include "smpp/receipt.h"

#define FIELDS_SIZE 64u
#define FORCED(override, value) ((override) != 0xff ? (override) : (value))

/* What goes into short_message or message_payload. */
struct body {
	const uint8_t *p; /* NULL: the record's own bytes */
	size_t         size;
	bool           as_payload;
};

/* The fields that only SMPP knows, when the message came by SMPP. */
static bool native_fields(const struct smpp_map *map, const struct msg *m,
			  uint8_t room[FIELDS_SIZE], struct smpp_sm *sm)
{
	struct msg_extra extra;
	struct cur       c;

	if (!msg_extra_find(m, map->protocol, SMPP_EXTRA_FIELDS, &extra) ||
	    extra.value.size > FIELDS_SIZE)
		return false;
	c = cur_of(msg_view(m, extra.value, room), extra.value.size);
	sm->esm_class = cur_u8(&c);
	sm->protocol_id = cur_u8(&c);
	sm->priority = cur_u8(&c);
	sm->registered_delivery = cur_u8(&c);
	sm->replace_if_present = cur_u8(&c);
	sm->sm_default_msg_id = cur_u8(&c);
	sm->service_type = cur_cstr(&c, SMPP_SERVICE_TYPE_MAX);
	sm->schedule = cur_cstr(&c, SMPP_TIME_MAX);
	sm->validity = cur_cstr(&c, SMPP_TIME_MAX);
	return !c.failed;
}

static void foreign_fields(const struct msg *m, struct smpp_sm *sm)
{
	static const uint8_t esm_modes[MSG_MODE_COUNT] = {0, 1, 2, 3};

	sm->esm_class = m->mode < MSG_MODE_COUNT ? esm_modes[m->mode] : 0;
	if (m->udh_size > 0)
		sm->esm_class |= SMPP_ESM_UDHI;
	if (m->wants & MSG_WANT_SUCCESS)
		sm->registered_delivery = SMPP_REGISTERED_ANY;
	else if (m->wants & MSG_WANT_FAILURE)
		sm->registered_delivery = SMPP_REGISTERED_FAILURE;
	if (m->wants & MSG_WANT_INTERMEDIATE)
		sm->registered_delivery |= SMPP_REGISTERED_INTERMEDIATE;
	if (m->class == MSG_EMERGENCY)
		sm->priority = 3;
	sm->protocol_id = m->sms_pid;
}

static bool map_addr(const struct smpp_map *map, const struct msg *m, const struct addr *a,
		     struct smpp_addr *to)
{
	struct addr_number n;

	if (!addr_to_number((enum addr_kind)a->kind, msg_addr(m, a), &n))
		return false;
	*to = (struct smpp_addr){n.ton, n.npi, n.digits};
	if (m->native_protocol == map->protocol && a->kind == ADDR_SHORT && a->ton != TON_UNKNOWN) {
		to->ton = a->ton; /* national, subscriber and abbreviated numbers are one kind to us
				     and not to the next hop */
		to->npi = a->npi;
	}
	return true;
}

static enum reason map_addrs(const struct smpp_map *map, const struct msg *m, struct smpp_sm *sm)
{
	const struct proto_settings *s = map->settings;

	if (!map_addr(map, m, &m->from, &sm->source))
		return REASON_SENDER;
	if (!map_addr(map, m, &m->to, &sm->dest))
		return REASON_DESTINATION;
	sm->source.ton = FORCED(s->source_ton, sm->source.ton);
	sm->source.npi = FORCED(s->source_npi, sm->source.npi);
	sm->dest.ton = FORCED(s->dest_ton, sm->dest.ton);
	sm->dest.npi = FORCED(s->dest_npi, sm->dest.npi);
	return REASON_NONE;
}

/* The text of a receipt with our own id in it; a text that has none to replace gives way to one of
 * ours. */
static enum reason receipt_body(const struct smpp_map *map, const struct msg *m, bool native,
				uint8_t room[SMPP_RECEIPT_TEXT_MAX], struct smpp_sm *sm,
				struct body *body)
{
	struct put               w = put_to(room, SMPP_RECEIPT_TEXT_MAX);
	uint8_t                  gathered[SMPP_RECEIPT_TEXT_MAX];
	struct smpp_receipt_text parsed;
	struct str               text = {"", 0};

	if (native && m->coding != MSG_CODING_UCS2 && m->udh_size == 0 &&
	    m->body.size <= sizeof(gathered))
		text = (struct str){(const char *)msg_view(m, m->body, gathered), m->body.size};
	if (smpp_receipt_parse(text, &parsed)) {
		sm->data_coding = m->native_coding;
		smpp_receipt_rewrite(&w, text, &parsed, m->receipt.msg_id);
	} else {
		smpp_receipt_write(&w, &m->receipt, map->now.wall_ms);
		sm->data_coding = 0;
		sm->esm_class &= (uint8_t)~SMPP_ESM_UDHI;
	}
	body->p = room;
	body->size = put_size(&w);
	return w.failed ? REASON_MESSAGE_SIZE : REASON_NONE;
}

/* Room for a body that must be written in another coding, none of whose bytes becomes more than one
 * character. */
#define TRANSCODE_MAX UINT16_MAX /* as long as a message_payload */
struct transcode {
	uint8_t gathered[TRANSCODE_MAX];
	char    utf8[TEXT_UTF8_SIZE(TRANSCODE_MAX)];
	uint8_t coded[2 * TRANSCODE_MAX + UINT8_MAX];
};

/* The data_coding of a form, in an alphabet of short messages (5.2.19). */
static uint8_t formed(const struct msg *m, enum msg_coding coding)
{
	bool    octets = coding == MSG_CODING_BINARY || coding == MSG_CODING_UCS2;
	uint8_t dcs = msg_sms_dcs(m->sms_form, octets ? coding : MSG_CODING_GSM7);

	return (dcs & 0xf8) == MSG_SMS_CLASS ? (uint8_t)(dcs | 0xf0) : dcs;
}

/* The body in another coding, its user data header as it was; in UCS-2 where that coding lacks a
 * character. */
static bool transcode(const struct msg *m, enum msg_coding to, struct transcode *t,
		      struct smpp_sm *sm, struct body *body)
{
	size_t             head = m->udh_size, room = sizeof(t->coded) - head;
	struct text_tables plain = {0};
	struct text_coded  coded;
	struct str         text;

	if (m->body.size > TRANSCODE_MAX || head > m->body.size)
		return false;
	text = concat_text(m, t->gathered, t->utf8, sizeof(t->utf8));
	memcpy(t->coded, msg_view(m, (struct msg_part){m->body.off, head}, t->gathered), head);
	coded = text_from_utf8(to, plain, text, t->coded + head, room);
	if (coded.replaced > 0) {
		coded = text_from_utf8(MSG_CODING_UCS2, plain, text, t->coded + head, room);
		sm->data_coding = formed(m, MSG_CODING_UCS2);
	}
	*body = (struct body){.p = t->coded, .size = head + coded.size};
	return !coded.cut;
}

static uint8_t data_coding_of(const struct msg *m)
{
	if (m->sms_form != 0)
		return formed(m, (enum msg_coding)m->coding);
	switch ((enum msg_coding)m->coding) {
	case MSG_CODING_ASCII:
		return 1;
	case MSG_CODING_LATIN1:
		return 3;
	case MSG_CODING_UCS2:
		return 8;
	case MSG_CODING_BINARY:
		return 4;
	case MSG_CODING_GSM7:
	case MSG_CODING_UTF8:
	case MSG_CODING_COUNT:
		break;
	}
	return 0;
}

/* The body as it came where its coding's number means the same to this peer, else rewritten. */
static enum reason text_body(const struct smpp_map *map, const struct msg *m, bool native,
			     struct transcode *t, struct smpp_sm *sm, struct body *body)
{
	enum msg_coding there;

	sm->data_coding = native ? m->native_coding : data_coding_of(m);
	there = smpp_coding_of(sm->data_coding, map->settings->default_alphabet);
	if (there == (enum msg_coding)m->coding || there == MSG_CODING_BINARY)
		return REASON_NONE;
	return transcode(m, there, t, sm, body) ? REASON_NONE : REASON_CODING;
}

static void put_extra_value(struct put *w, const struct msg *m, struct msg_part part)
{
	uint8_t *to = put_reserve(w, part.size);

	if (to != NULL && part.size > 0) {
		const uint8_t *from = msg_view(m, part, to);

		if (from != to)
			memcpy(to, from, part.size);
	}
}

static void put_body(struct put *w, const struct msg *m, const struct body *body)
{
	if (body->p != NULL)
		put_bytes(w, body->p, body->size);
	else
		put_extra_value(w, m, m->body);
}

static void put_payload(struct put *w, const struct msg *m, const struct body *body)
{
	put_be16(w, SMPP_TLV_message_payload);
	put_be16(w, (uint16_t)body->size);
	put_body(w, m, body);
}

static void put_receipted_id(struct put *w, uint64_t id)
{
	char   text[MSG_ID_TEXT_SIZE_MAX];
	size_t n = msg_id_text(id, text);

	put_be16(w, SMPP_TLV_receipted_message_id);
	put_be16(w, (uint16_t)(n + 1));
	put_cstr(w, (struct str){text, n});
}

/* The optional parameters as they came, but for the body and, in a receipt, the id. */
static void put_tlvs(const struct smpp_map *map, const struct msg *m, const struct body *body,
		     struct put *w)
{
	struct msg_extra extra;
	uint32_t         at = 0;
	bool             fields = true, receipt = m->kind == MSG_RECEIPT && m->receipt.msg_id != 0,
	     placed = false;

	while (msg_extra_next(m, &at, &extra)) {
		if (extra.protocol != map->protocol)
			continue;
		if (fields && extra.tag == SMPP_EXTRA_FIELDS) {
			fields = false;
			continue;
		}
		if (extra.tag == SMPP_TLV_message_payload) {
			if (body->as_payload && !placed)
				put_payload(w, m, body);
			placed = true;
			continue;
		}
		if (extra.tag == SMPP_TLV_receipted_message_id && receipt) {
			put_receipted_id(w, m->receipt.msg_id);
			continue;
		}
		put_be16(w, extra.tag);
		put_be16(w, (uint16_t)extra.value.size);
		put_extra_value(w, m, extra.value);
	}
	if (body->as_payload && !placed)
		put_payload(w, m, body);
	if (m->possible_duplicate && map->settings->mark_duplicates)
		smpp_tlv_put_u8(w, SMPP_TLV_possible_duplicate, 1);
}

static void put_foreign_tlvs(const struct msg *m, struct put *w)
{
	if (msg_is_report(m) && m->receipt.msg_id != 0) {
		put_receipted_id(w, m->receipt.msg_id);
		smpp_tlv_put_u8(w, SMPP_TLV_message_state,
				smpp_receipt_state_out(m->receipt.state));
	}
	if (m->concat.parts > 1 && !m->concat.udh) {
		put_be16(w, SMPP_TLV_sar_msg_ref_num);
		put_be16(w, 2);
		put_be16(w, m->concat.reference);
		smpp_tlv_put_u8(w, SMPP_TLV_sar_total_segments, m->concat.parts);
		smpp_tlv_put_u8(w, SMPP_TLV_sar_segment_seqnum, m->concat.part);
	}
}

/* What deliver_sm does not have (4.6.1) or submit_sm may not say. */
static enum reason fit_direction(const struct smpp_map *map, const struct msg *m,
				 struct smpp_sm *sm)
{
	if (map->to_centre)
		return REASON_NONE;
	if (sm->schedule.n > 0)
		return REASON_SCHEDULE; /* an ESME gets it at once: it cannot wait for us */
	sm->validity = STR("");
	sm->replace_if_present = 0;
	sm->sm_default_msg_id = 0;
	sm->esm_class &= (uint8_t)~SMPP_ESM_MODE_MASK;
	if (m->kind == MSG_READ_REPORT && (sm->esm_class & SMPP_ESM_TYPE_MASK) == 0)
		sm->esm_class |= SMPP_ESM_USER_ACK;
	if (m->kind == MSG_RECEIPT && (sm->esm_class & SMPP_ESM_TYPE_MASK) == 0)
		sm->esm_class |= m->receipt.intermediate ? SMPP_ESM_INTERMEDIATE : SMPP_ESM_RECEIPT;
	return REASON_NONE;
}

enum reason smpp_map_out(const struct smpp_map *map, const struct msg *m, struct put *w)
{
	struct smpp_sm   sm = {.service_type = STR(""), .schedule = STR(""), .validity = STR("")};
	struct body      body = {.size = m->body.size};
	uint8_t          fields[FIELDS_SIZE], receipt[SMPP_RECEIPT_TEXT_MAX];
	bool             native = native_fields(map, m, fields, &sm);
	struct msg_extra payload;
	struct transcode t;
	enum reason      why;

	if (m->kind == MSG_COMPOSING || m->kind == MSG_NATIVE ||
	    (m->kind == MSG_BINARY && m->carries == MSG_CONTENT_DOCUMENT))
		return REASON_CODING; /* no short message says so */
	if (m->kind == MSG_RECEIPT && m->receipt.msg_id == 0 && m->native_protocol != map->protocol)
		return REASON_RECEIPT_UNKNOWN; /* of no message that came by SMPP */
	if (!native)
		foreign_fields(m, &sm);
	why = map_addrs(map, m, &sm);
	if (why == REASON_NONE)
		why = fit_direction(map, m, &sm);
	if (why == REASON_NONE && m->kind == MSG_RECEIPT && m->receipt.msg_id != 0)
		why = receipt_body(map, m, native, receipt, &sm, &body);
	else if (why == REASON_NONE)
		why = text_body(map, m, native, &t, &sm, &body);
	if (why != REASON_NONE)
		return why;
	body.as_payload =
		body.size > SMPP_SHORT_MESSAGE_MAX ||
		(map->tlvs && msg_extra_find(m, map->protocol, SMPP_TLV_message_payload, &payload));
	if (body.as_payload && (!map->tlvs || body.size > UINT16_MAX))
		return REASON_MESSAGE_SIZE;
	smpp_sm_head_put(w, &sm);
	put_u8(w, body.as_payload ? 0 : (uint8_t)body.size);
	if (!body.as_payload)
		put_body(w, m, &body);
	if (map->tlvs && !native)
		put_foreign_tlvs(m, w);
	if (map->tlvs)
		put_tlvs(map, m, &body, w);
	return REASON_NONE;
}
