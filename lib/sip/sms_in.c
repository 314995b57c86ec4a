#include "msg/addr.h"
#include "msg/concat.h"
#include "msg/sms.h"
#include "msg/text.h"
#include "sip/map_private.h"
#include "sip/sms.h"

/* A number of which nobody says what it is stays as it was dialled. */
#define TON_DIALLED TON_NETWORK

static bool address_in(struct msg *m, const struct sip_tpdu_address *t, struct addr *a)
{
	static const struct text_tables plain = {0};
	char                            text[TEXT_UTF8_SIZE(sizeof(t->septets))];
	struct str                      digits = {t->number.digits, t->number.size};
	struct addr_normal              normal;

	if (t->ton == TON_ALPHANUMERIC)
		digits = (struct str){text, text_to_utf8(MSG_CODING_GSM7, plain, t->septets,
							 t->size, text, sizeof(text))};
	return addr_normalise(t->ton, digits, TON_DIALLED, &normal) &&
	       msg_append_addr(m, normal.kind, t->ton, t->npi,
			       (struct str){normal.text, normal.size}, a);
}

static bool uri_in(const struct sip_map *map, const struct sip_mandatory *known, struct msg *m)
{
	struct sip_address a;

	return sip_address_of(map, &known->uri, &a) && a.kind != ADDR_NONE &&
	       msg_append_addr(m, a.kind, 0, 0, sip_address_text(&a), &m->to);
}

static enum reason addresses_in(const struct sip_map *map, const struct sip_message *in,
				const struct sip_mandatory *known, const struct sip_sender *from,
				const struct sip_tpdu *t, struct msg *m, struct sip_senders *beside)
{
	beside->hidden.kind = beside->uri.kind = ADDR_NONE;
	if (t->type == SIP_TPDU_DELIVER) {
		if (!from->trusted || !address_in(m, &t->address, &m->from))
			return REASON_SENDER;
		return uri_in(map, known, m) ? REASON_NONE : REASON_DESTINATION;
	}
	if (!sip_sender_in(map, in, known, from, m, beside))
		return REASON_SENDER;
	return address_in(m, &t->address, &m->to) && m->to.kind != ADDR_NONE &&
			       m->to.kind != ADDR_ALPHA
		       ? REASON_NONE
		       : REASON_DESTINATION;
}

static enum reason validity_in(const struct sip_map *map, const struct sip_tpdu *t, struct msg *m)
{
	uint64_t in_ms;
	bool     single_shot;

	m->received_us = map->now.us;
	if (t->type != SIP_TPDU_SUBMIT)
		return REASON_NONE;
	switch (sip_tpdu_validity(t, map->now, &in_ms, &single_shot)) {
	case SIP_TPDU_VALIDITY_NONE:
		return REASON_NONE;
	case SIP_TPDU_VALIDITY_OK:
		m->expires_us = map->now.us + in_ms * US_PER_MS;
		return REASON_NONE;
	case SIP_TPDU_VALIDITY_PAST:
	case SIP_TPDU_VALIDITY_BAD:
		break;
	}
	return REASON_VALIDITY;
}

static bool body_in(const struct sip_map *map, const struct sip_tpdu *t, struct msg *m)
{
	uint8_t           room[SIP_TPDU_BODY_MAX];
	struct put        w = put_to(room, sizeof(room));
	struct concat_udh udh;

	m->coding = (uint8_t)sip_tpdu_dcs(t->dcs).coding;
	m->kind = m->coding == MSG_CODING_BINARY ? MSG_BINARY : MSG_TEXT;
	m->native_protocol = map->protocol;
	m->native_coding = t->dcs;
	m->sms_form = msg_sms_form(t->dcs);
	m->sms_pid = t->pid;
	sip_tpdu_unpack(t, &w, &m->udh_size);
	if (m->udh_size > 0 && concat_parse(room, put_size(&w), &udh)) {
		m->concat = udh.concat;
		m->concat.udh = udh.concat.parts > 0;
	}
	return !w.failed && msg_append(m, room, put_size(&w), &m->body);
}

/* The receipt that it asks for will name it so. */
static bool wants_in(const struct sip_tpdu *t, const uint8_t scts[7], struct msg *m)
{
	uint8_t id[SIP_SMS_ORIGIN_SIZE] = {SIP_SMS_ORIGIN, t->reference};

	if (t->type != SIP_TPDU_SUBMIT || !t->report)
		return true;
	m->wants = MSG_WANT_SUCCESS | MSG_WANT_FAILURE;
	memcpy(id + 2, scts, sizeof(id) - 2);
	return msg_append(m, id, sizeof(id), &m->origin_id);
}

enum reason sip_sms_in(const struct sip_map *map, const struct sip_message *in,
		       const struct sip_mandatory *known, const struct sip_sender *from,
		       const struct sip_tpdu *t, const uint8_t scts[7], struct msg *m)
{
	const uint8_t      kept[] = {t->pid, t->dcs};
	struct sip_senders beside;
	enum reason        why = addresses_in(map, in, known, from, t, m, &beside);

	if (why == REASON_NONE)
		why = validity_in(map, t, m);
	if (why != REASON_NONE)
		return why;
	m->class = MSG_NORMAL;
	return body_in(map, t, m) && wants_in(t, scts, m) && sip_way_in(map, known, &beside, m) &&
			       msg_extra_add(m, map->protocol, SIP_EXTRA_TPDU, kept, sizeof(kept))
		       ? REASON_NONE
		       : REASON_POOL;
}

enum reason sip_sms_status_in(const struct sip_map *map, const struct sip_message *in,
			      const struct sip_mandatory *known, const struct sip_sender *from,
			      const struct sip_tpdu *t, struct msg *m)
{
	const struct sip_senders nobody = {0};
	uint8_t                  id[SIP_SMS_ORIGIN_SIZE] = {SIP_SMS_ORIGIN, t->reference};
	uint8_t                  kept[SIP_SMS_STATUS_SIZE] = {t->status};
	bool                     more;

	if (!from->trusted || !address_in(m, &t->address, &m->from))
		return REASON_SENDER;
	if (!uri_in(map, known, m))
		return REASON_DESTINATION;
	m->kind = MSG_RECEIPT;
	m->class = MSG_NORMAL;
	m->coding = MSG_CODING_ASCII;
	m->native_protocol = map->protocol;
	m->received_us = map->now.us;
	m->receipt.state = (uint8_t)sip_state_of_tpdu(t->status, &more);
	m->receipt.intermediate = more;
	memcpy(id + 2, t->time, sizeof(t->time));
	memcpy(kept + 1, t->discharge, sizeof(t->discharge));
	return msg_append(m, id, sizeof(id), &m->origin_id) && sip_way_in(map, known, &nobody, m) &&
			       msg_extra_add(m, map->protocol, SIP_EXTRA_TPDU, kept, sizeof(kept))
		       ? REASON_NONE
		       : REASON_POOL;
}
