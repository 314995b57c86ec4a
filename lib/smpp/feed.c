/* What comes in: one PDU at a time, to its handler. A handler that refuses answers, counts, and
 * lets the session go on. */
#include "smpp/session_private.h"

struct input { /* one call of feed() */
	struct smpp_session *s;
	struct smpp_pdu      pdu;
	struct now           now;
	struct out          *out;
	struct proto_event  *event;
};

static void refuse(const struct input *i, uint32_t status, enum reason why)
{
	metric_refused(i->s->instance->metrics, why);
	smpp_send(i->s, i->out, i->pdu.command | SMPP_RESPONSE, status, i->pdu.sequence);
}

static void nack(const struct input *i, uint32_t status, enum reason why)
{
	metric_refused(i->s->instance->metrics, why);
	smpp_send(i->s, i->out, SMPP_generic_nack, status, i->pdu.sequence);
}

static void give_close(const struct input *i, enum reason why)
{
	i->s->state = SMPP_STATE_CLOSED;
	i->s->close_due = false;
	i->event->kind = EVENT_CLOSE;
	i->event->why = why;
}

static void on_bind(const struct input *i)
{
	struct smpp_session *s = i->s;
	struct smpp_bind     b;
	enum smpp_status     status;

	if (s->connecting) {
		refuse(i, SMPP_RINVBNDSTS, REASON_BIND_STATE);
		return;
	}
	if (s->state != SMPP_STATE_OPEN) {
		refuse(i, SMPP_RALYBND, REASON_BIND_AGAIN);
		return;
	}
	status = smpp_bind_parse(i->pdu.body, &b);
	if (status != SMPP_ROK) {
		refuse(i, status, smpp_reason_of_fault(status));
		return;
	}
	s->state = SMPP_STATE_LOGIN;
	s->login_command = i->pdu.command;
	s->login_sequence = i->pdu.sequence;
	s->peer_version = b.interface_version;
	s->may = i->pdu.command == SMPP_bind_transmitter ? PROTO_SENDS
		 : i->pdu.command == SMPP_bind_receiver  ? PROTO_RECEIVES
							 : PROTO_SENDS | PROTO_RECEIVES;
	i->event->kind = EVENT_LOGIN;
	i->event->login = (struct proto_login){.identity = b.system_id,
					       .proof = b.password,
					       .system_type = b.system_type,
					       .may = s->may};
}

static void stray_response(const struct input *i)
{
	metric_refused(i->s->instance->metrics, REASON_PDU_RESPONSE);
	metric_inc(i->s->instance->metrics, METRIC_smpp_responses_late);
}

static void bind_refused(const struct input *i)
{
	give_close(i, smpp_reason_of_bind(i->pdu.status));
}

static void on_bind_resp(const struct input *i)
{
	struct smpp_session  *s = i->s;
	struct smpp_bind_resp r;
	struct smpp_tlv       version;

	if (!s->connecting || s->state != SMPP_STATE_OPEN || i->pdu.sequence != s->login_sequence ||
	    i->pdu.command != (s->login_command | SMPP_RESPONSE)) {
		stray_response(i);
		return;
	}
	if (i->pdu.status != SMPP_ROK) {
		bind_refused(i);
		return;
	}
	/* A peer that leaves the version out may be of 3.3 or careless (3.4.3): most are careless.
	 */
	if (smpp_bind_resp_parse(i->pdu.body, &r) == SMPP_ROK &&
	    smpp_tlv_find(r.tlvs, SMPP_TLV_sc_interface_version, &version) && version.size == 1)
		s->peer_version = cur_u8(&version.value);
	s->state = SMPP_STATE_BOUND;
	s->message_us = i->now.us;
	i->event->kind = EVENT_UP;
}

static void on_unbind(const struct input *i)
{
	struct smpp_session *s = i->s;

	switch ((enum smpp_state)s->state) {
	case SMPP_STATE_BOUND:
	case SMPP_STATE_PARTING:
		s->state = SMPP_STATE_UNBOUND;
		s->part_sequence = i->pdu.sequence;
		s->part_due_us = i->now.us + SMPP_PART_US;
		smpp_part_step(s, i->now, i->out);
		if (s->close_due)
			give_close(i, REASON_UNBOUND);
		break;
	case SMPP_STATE_UNBINDING: /* both at once */
		smpp_send(s, i->out, SMPP_unbind_resp, SMPP_ROK, i->pdu.sequence);
		break;
	case SMPP_STATE_OPEN:
	case SMPP_STATE_LOGIN:
	case SMPP_STATE_UNBOUND:
	case SMPP_STATE_CLOSED:
	case SMPP_STATE_COUNT:
		refuse(i, SMPP_RINVBNDSTS, REASON_BIND_STATE);
		break;
	}
}

static void on_unbind_resp(const struct input *i)
{
	if (i->s->state == SMPP_STATE_UNBINDING && i->pdu.sequence == i->s->part_sequence)
		give_close(i, (enum reason)i->s->close_why);
	else
		stray_response(i);
}

static void on_enquire_link_resp(const struct input *i)
{
	if (i->s->enquiring && i->pdu.sequence == i->s->enquire_sequence)
		i->s->enquiring = false;
	else
		stray_response(i);
}

static enum smpp_status parse_sm(const struct input *i, struct smpp_sm *sm)
{
	if (i->pdu.command == SMPP_data_sm)
		return smpp_data_parse(i->pdu.body, sm);
	return i->pdu.command == SMPP_deliver_sm ? smpp_deliver_parse(i->pdu.body, sm)
						 : smpp_submit_parse(i->pdu.body, sm);
}

static void refuse_message(const struct input *i, uint32_t status, enum reason why)
{
	metric_refused(i->s->instance->metrics, why);
	smpp_send_answer(i->s, i->out, i->pdu.command, status, i->pdu.sequence, 0);
}

static bool may_send(const struct smpp_session *s, uint32_t command)
{
	uint32_t wrong_way = s->connecting ? SMPP_submit_sm : SMPP_deliver_sm;

	return s->state == SMPP_STATE_BOUND && (s->may & PROTO_SENDS) && command != wrong_way;
}

/* submit_sm, data_sm, deliver_sm */
static void on_message(const struct input *i)
{
	struct smpp_session  *s = i->s;
	const struct smpp_map map = {&s->settings,          s->instance->metrics, i->now,
				     s->instance->protocol, !s->connecting,       true};
	struct smpp_sm        sm;
	uint32_t              status;
	enum reason           why;

	if (!may_send(s, i->pdu.command)) {
		refuse_message(i, SMPP_RINVBNDSTS, REASON_BIND_STATE);
		return;
	}
	s->message_us = i->now.us;
	if (s->in_open >= s->settings.window_max) {
		refuse_message(i, SMPP_RTHROTTLED, REASON_WINDOW);
		return;
	}
	status = parse_sm(i, &sm);
	if (status != SMPP_ROK) {
		refuse_message(i, status, smpp_reason_of_fault(status));
		return;
	}
	if (i->event->msg == NULL) {
		refuse_message(i, smpp_status_of_reason(i->pdu.command, REASON_POOL), REASON_POOL);
		return;
	}
	status = smpp_map_in(&map, &sm, i->event->msg, &why);
	if (status != SMPP_ROK) {
		msg_reset(i->event->msg);
		refuse_message(i, status, why);
		return;
	}
	i->event->msg->token = (uint64_t)i->pdu.command << 32 | i->pdu.sequence;
	i->event->kind = EVENT_MSG;
	s->in_open++;
}

static void give_result(const struct input *i, uint64_t token)
{
	struct result      *r = &i->event->result;
	struct smpp_id_resp resp;

	*r = (struct result){0};
	r->why = (uint8_t)smpp_reason_of_status(i->pdu.status, &r->retry_after_ms);
	r->has_status = true;
	r->peer_protocol = i->s->instance->protocol;
	r->peer_status = i->pdu.status;
	if (i->pdu.status == SMPP_ROK && smpp_id_resp_parse(i->pdu.body, &resp) == SMPP_ROK &&
	    resp.message_id.n <= sizeof(r->remote_id)) {
		r->remote_id_size = (uint8_t)resp.message_id.n;
		if (resp.message_id.n > 0)
			memcpy(r->remote_id, resp.message_id.p, resp.message_id.n);
	}
	r->short_message = r->why == REASON_NONE && i->s->connecting; /* to a message centre */
	i->event->token = token;
	i->event->kind = EVENT_RESULT;
	i->s->message_us = i->now.us;
	smpp_part_step(i->s, i->now, i->out);
}

static void on_message_resp(const struct input *i)
{
	struct smpp_session *s = i->s;
	uint64_t             token;

	if (i->pdu.command == (smpp_out_command(s) | SMPP_RESPONSE) &&
	    smpp_request_take(&s->instance->requests, &s->out_open, i->pdu.sequence, &token))
		give_result(i, token);
	else
		stray_response(i);
}

static void on_nack(const struct input *i)
{
	struct smpp_session *s = i->s;
	uint64_t             token;

	metric_inc(s->instance->metrics, METRIC_smpp_nacks_in);
	if (i->pdu.status == SMPP_ROK)
		return; /* says nothing */
	if (smpp_request_take(&s->instance->requests, &s->out_open, i->pdu.sequence, &token))
		give_result(i, token);
	else if (s->connecting && s->state == SMPP_STATE_OPEN &&
		 i->pdu.sequence == s->login_sequence)
		bind_refused(i);
	else if (s->state == SMPP_STATE_UNBINDING && i->pdu.sequence == s->part_sequence)
		give_close(i, (enum reason)s->close_why);
}

static void on_query(const struct input *i)
{
	struct smpp_query q;
	enum smpp_status  status = smpp_query_parse(i->pdu.body, &q);
	size_t            mark;

	if (status != SMPP_ROK) {
		refuse(i, status, smpp_reason_of_fault(status));
		return;
	}
	metric_refused(i->s->instance->metrics, REASON_NOT_SUPPORTED);
	mark = smpp_pdu_begin(&i->out->put, SMPP_query_sm_resp, SMPP_RQUERYFAIL, i->pdu.sequence);
	smpp_query_resp_put(&i->out->put, &(struct smpp_query_resp){q.message_id, STR(""), 7, 0});
	smpp_send_end(i->s, i->out, mark);
}

/* What a message centre may decline: well-formed requests get the failure that the standard has for
 * them. */
static void on_declined(const struct input *i)
{
	struct smpp_cancel  cancel;
	struct smpp_replace replace;
	struct smpp_multi   multi;
	enum smpp_status    status = SMPP_ROK, failure = SMPP_RINVCMDID;

	if (i->s->state != SMPP_STATE_BOUND || i->s->connecting || !(i->s->may & PROTO_SENDS)) {
		refuse(i, SMPP_RINVBNDSTS, REASON_BIND_STATE);
		return;
	}
	switch (i->pdu.command) {
	case SMPP_query_sm:
		on_query(i);
		return;
	case SMPP_cancel_sm:
		status = smpp_cancel_parse(i->pdu.body, &cancel);
		failure = SMPP_RCANCELFAIL;
		break;
	case SMPP_replace_sm:
		status = smpp_replace_parse(i->pdu.body, &replace);
		failure = SMPP_RREPLACEFAIL;
		break;
	case SMPP_submit_multi:
		status = smpp_multi_parse(i->pdu.body, &multi);
		failure = smpp_status_of_reason(SMPP_submit_multi, REASON_NOT_SUPPORTED);
		break;
	}
	refuse(i, status != SMPP_ROK ? status : failure,
	       status != SMPP_ROK ? smpp_reason_of_fault(status) : REASON_NOT_SUPPORTED);
}

static void on_unknown(const struct input *i)
{
	if (i->pdu.command & SMPP_RESPONSE)
		stray_response(i);
	else
		nack(i, SMPP_RINVCMDID, REASON_PDU_COMMAND);
}

static void dispatch(const struct input *i)
{
	switch (i->pdu.command) {
	case SMPP_submit_sm:
	case SMPP_deliver_sm:
	case SMPP_data_sm:
		on_message(i);
		break;
	case SMPP_submit_sm_resp:
	case SMPP_deliver_sm_resp:
		on_message_resp(i);
		break;
	case SMPP_enquire_link:
		smpp_send(i->s, i->out, SMPP_enquire_link_resp, SMPP_ROK, i->pdu.sequence);
		break;
	case SMPP_enquire_link_resp:
		on_enquire_link_resp(i);
		break;
	case SMPP_bind_receiver:
	case SMPP_bind_transmitter:
	case SMPP_bind_transceiver:
		on_bind(i);
		break;
	case SMPP_bind_receiver_resp:
	case SMPP_bind_transmitter_resp:
	case SMPP_bind_transceiver_resp:
		on_bind_resp(i);
		break;
	case SMPP_unbind:
		on_unbind(i);
		break;
	case SMPP_unbind_resp:
		on_unbind_resp(i);
		break;
	case SMPP_generic_nack:
		on_nack(i);
		break;
	case SMPP_query_sm:
	case SMPP_cancel_sm:
	case SMPP_replace_sm:
	case SMPP_submit_multi:
		on_declined(i);
		break;
	case SMPP_alert_notification: /* no answer exists (4.12); nobody here waits for the handset
				       */
	case SMPP_outbind:            /* for an ESME that listens, which this is not (4.1.7) */
		metric_refused(i->s->instance->metrics, REASON_NOT_SUPPORTED);
		break;
	default:
		on_unknown(i);
	}
}

enum pull smpp_session_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			    struct out *out, struct proto_event *event)
{
	struct input i = {.s = session, .now = now, .out = out, .event = event};
	enum pull    pull;

	ASSERT(i.s->state != SMPP_STATE_LOGIN);
	event->kind = EVENT_NONE;
	event->need = 1;
	if (i.s->state == SMPP_STATE_CLOSED || !out_fits(out, SMPP_ANSWER_ROOM))
		return PULL_MORE;
	pull = smpp_pdu_next(in, &i.pdu, &event->need);
	if (pull == PULL_ITEM) {
		metric_inc(i.s->instance->metrics, METRIC_smpp_pdus_in);
		i.s->heard_us = now.us;
		dispatch(&i);
	} else if (pull == PULL_BAD) {
		/* Counted as the end of the connection, by whoever closes it. */
		smpp_send(i.s, out, SMPP_generic_nack, SMPP_RINVCMDLEN, i.pdu.sequence);
		event->why = REASON_PDU_SIZE;
	}
	return pull;
}
