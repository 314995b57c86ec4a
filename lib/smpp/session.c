#include "smpp/session.h"

#include <assert.h>
#include <errno.h>

#include "msg/id.h"
#include "smpp/session_private.h"

static int instance_init(void *instance, const struct proto_instance_config *config)
{
	struct smpp_instance *i = instance;

	if (config->block_count == 0 || config->block_count >= SMPP_REQUEST_NONE)
		return -EINVAL;
	i->metrics = config->metrics;
	i->protocol = config->protocol;
	i->sessions = 0;
	smpp_requests_init(&i->requests, config->blocks, config->block_count, config->seed);
	return 0;
}

uint32_t smpp_next_sequence(struct smpp_session *s)
{
	s->sequence = s->sequence < SMPP_SEQUENCE_MAX ? s->sequence + 1 : 1;
	return s->sequence;
}

bool smpp_send_end(struct smpp_session *s, struct out *out, size_t mark)
{
	if (!smpp_pdu_end(&out->put, mark))
		return false;
	metric_inc(s->instance->metrics, METRIC_smpp_pdus_out);
	return true;
}

bool smpp_send(struct smpp_session *s, struct out *out, uint32_t command, uint32_t status,
	       uint32_t sequence)
{
	return smpp_send_end(s, out, smpp_pdu_begin(&out->put, command, status, sequence));
}

void smpp_send_answer(struct smpp_session *s, struct out *out, uint32_t command, uint32_t status,
		      uint32_t sequence, uint64_t msg_id)
{
	size_t mark = smpp_pdu_begin(&out->put, command | SMPP_RESPONSE, status, sequence);
	char   text[MSG_ID_TEXT_SIZE_MAX];

	if (command == SMPP_deliver_sm)
		put_u8(&out->put, 0); /* 4.6.2: message_id is there and empty */
	else if (status == SMPP_ROK)
		put_cstr(&out->put, (struct str){text, msg_id_text(msg_id, text)});
	else if (command == SMPP_data_sm)
		put_u8(&out->put, 0); /* 4.4.2 lets submit_sm_resp go without a body on an
					 error, 4.7.2 does not */
	smpp_send_end(s, out, mark);
}

void smpp_close_later(struct smpp_session *s, enum reason why)
{
	s->close_due = true;
	s->close_why = (uint8_t)why;
	s->state = SMPP_STATE_CLOSED;
}

static void send_bind(struct smpp_session *s, const struct proto_open *how, struct out *out)
{
	struct smpp_bind b = {
		.system_id = how->identity,
		.password = how->secret,
		.system_type = how->system_type,
		.interface_version = SMPP_INTERFACE_VERSION,
		.address_range = STR(""),
	};
	size_t mark;

	s->login_command = s->may == PROTO_RECEIVES ? SMPP_bind_transmitter
			   : s->may == PROTO_SENDS  ? SMPP_bind_receiver
						    : SMPP_bind_transceiver;
	s->login_sequence = smpp_next_sequence(s);
	mark = smpp_pdu_begin(&out->put, s->login_command, 0, s->login_sequence);
	smpp_bind_put(&out->put, &b);
	/* Longer than the standard allows: no message centre can let us in. */
	if (!smpp_send_end(s, out, mark))
		smpp_close_later(s, how->identity.n < SMPP_SYSTEM_ID_MAX ? REASON_PASSWORD
									 : REASON_SYSTEM_ID);
}

static void session_open(void *session, struct now now, const struct proto_open *how,
			 struct out *out)
{
	struct smpp_session *s = session;

	ASSERT(how->role != PROTO_DATAGRAM);
	s->instance = how->instance;
	s->state = SMPP_STATE_OPEN;
	s->connecting = how->role == PROTO_CONNECTING;
	s->settings = *how->settings;
	s->heard_us = s->message_us = now.us;
	s->out_open = (struct smpp_request_list){++s->instance->sessions, SMPP_REQUEST_NONE,
						 SMPP_REQUEST_NONE, 0};
	s->peer_version = SMPP_INTERFACE_VERSION;
	if (s->connecting) {
		s->may = (uint8_t)how->wants;
		s->login_due_us = now.us + s->settings.response_us;
		send_bind(s, how, out);
	} else {
		s->login_due_us = now.us + how->login_us;
		str_copy(s->node, sizeof(s->node), how->node);
		s->node_size = (uint8_t)(how->node.n < sizeof(s->node) ? how->node.n
								       : sizeof(s->node) - 1);
	}
}

static void session_login(void *session, struct now now, const struct login_verdict *v,
			  struct out *out)
{
	struct smpp_session *s = session;
	struct put          *w = &out->put;
	uint32_t             status = smpp_status_of_login(v->why);
	size_t               mark;

	if (s->state != SMPP_STATE_LOGIN)
		return; /* its time ran out meanwhile, or it was asked to part */
	mark = smpp_pdu_begin(w, s->login_command | SMPP_RESPONSE, status, s->login_sequence);
	if (v->why == REASON_NONE) {
		s->settings = *v->settings;
		s->state = SMPP_STATE_BOUND;
		s->message_us = now.us;
		put_cstr(w, (struct str){s->node, s->node_size});
		if (s->peer_version >= SMPP_INTERFACE_VERSION)
			smpp_tlv_put_u8(w, SMPP_TLV_sc_interface_version, SMPP_INTERFACE_VERSION);
	}
	smpp_send_end(s, out, mark);
	if (v->why != REASON_NONE)
		smpp_close_later(s, v->why);
}

static void session_settings(void *session, const struct proto_settings *settings)
{
	struct smpp_session *s = session;

	s->settings = *settings;
}

static enum submit later(struct smpp_session *s, size_t room)
{
	s->blocked = true;
	s->blocked_room = (uint32_t)room;
	return SUBMIT_LATER;
}

static enum submit session_submit(void *session, struct now now, const struct msg *m,
				  const struct proto_target *at, uint64_t token, struct out *out, struct result *result)
{
	struct smpp_session  *s = session;
	struct smpp_requests *requests = &s->instance->requests;
	const struct smpp_map map = {&s->settings,  s->instance->metrics,
				     now,           s->instance->protocol,
				     s->connecting, s->peer_version >= SMPP_INTERFACE_VERSION};
	size_t                mark, room = put_room(&out->put);
	enum reason           why = REASON_SESSION_GONE;

	if (s->state == SMPP_STATE_BOUND && (s->may & PROTO_RECEIVES)) {
		if (s->out_open.count >= s->settings.window_max || requests->free_count == 0)
			return later(s, 0);
		mark = smpp_pdu_begin(&out->put, smpp_out_command(s), 0,
				      s->sequence < SMPP_SEQUENCE_MAX ? s->sequence + 1 : 1);
		why = smpp_map_out(&map, m, &out->put);
		if (why == REASON_NONE && smpp_send_end(s, out, mark)) {
			bool added = smpp_request_add(requests, &s->out_open, smpp_next_sequence(s),
						      token, now.us + s->settings.response_us);

			ASSERT(added); /* free_count was looked at above */
			s->message_us = now.us;
			return SUBMIT_SENT;
		}
		out_undo(out, mark);
		if (why == REASON_NONE && room < SMPP_PDU_SIZE_MAX)
			return later(s, room + 1);
		if (why == REASON_NONE)
			why = REASON_MESSAGE_SIZE;
	}
	*result = (struct result){.why = (uint8_t)why};
	return SUBMIT_REFUSED;
}

static void session_answer(void *session, struct now now, uint64_t msg_token,
			   const struct result *r, struct out *out)
{
	struct smpp_session *s = session;
	uint32_t             command = (uint32_t)(msg_token >> 32);
	uint32_t             status = smpp_status_of_result(command, r, s->instance->protocol);

	ASSERT(s->in_open > 0);
	s->in_open--;
	s->message_us = now.us;
	if (s->state != SMPP_STATE_CLOSED)
		smpp_send_answer(s, out, command, status, (uint32_t)msg_token, r->msg_id);
	smpp_part_step(s, now, out);
}

void smpp_part_step(struct smpp_session *s, struct now now, struct out *out)
{
	bool due = now.us >= s->part_due_us;

	if (s->state != SMPP_STATE_PARTING && s->state != SMPP_STATE_UNBOUND)
		return;
	if (!due && (s->in_open > 0 || s->out_open.count > 0))
		return;
	if (s->state == SMPP_STATE_UNBOUND) {
		smpp_send(s, out, SMPP_unbind_resp, SMPP_ROK, s->part_sequence);
		smpp_close_later(s, REASON_UNBOUND);
		return;
	}
	s->part_sequence = smpp_next_sequence(s);
	s->part_due_us = now.us + SMPP_PART_US;
	s->state = SMPP_STATE_UNBINDING;
	smpp_send(s, out, SMPP_unbind, 0, s->part_sequence);
}

void smpp_part_begin(struct smpp_session *s, struct now now, struct out *out, enum reason why)
{
	s->close_why = (uint8_t)why;
	if (s->state != SMPP_STATE_BOUND) {
		if (s->state == SMPP_STATE_OPEN || s->state == SMPP_STATE_LOGIN)
			smpp_close_later(s, why);
		return;
	}
	s->state = SMPP_STATE_PARTING;
	s->part_due_us = now.us + SMPP_PART_US;
	smpp_part_step(s, now, out);
}

static void session_part(void *session, struct now now, struct out *out)
{
	smpp_part_begin(session, now, out, REASON_UNBOUND);
}

static bool session_ready(const void *session)
{
	const struct smpp_session *s = session;

	return s->state == SMPP_STATE_BOUND && (s->may & PROTO_RECEIVES);
}

static unsigned session_window_used(const void *session)
{
	return ((const struct smpp_session *)session)->out_open.count;
}

static void session_close(void *session, struct now now, enum reason why, struct out *out)
{
	struct smpp_session *s = session;

	if (out != NULL && smpp_bound(s))
		smpp_send(s, out, SMPP_unbind, 0, smpp_next_sequence(s));
	else if (out != NULL && s->state == SMPP_STATE_UNBOUND)
		smpp_send(s, out, SMPP_unbind_resp, SMPP_ROK, s->part_sequence);
	s->state = SMPP_STATE_CLOSED;
}

static bool session_drain(void *session, uint64_t *token)
{
	struct smpp_session *s = session;

	return smpp_request_take_first(&s->instance->requests, &s->out_open, token);
}

static bool awaits_login(const struct smpp_session *s)
{
	return s->state == SMPP_STATE_OPEN || s->state == SMPP_STATE_LOGIN;
}

static bool tick_close(struct smpp_session *s, struct proto_event *event, enum reason why)
{
	s->close_due = false;
	s->state = SMPP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = why;
	return true;
}

/* The peer's silence and the deadlines of the state. True: *event says that it is over. */
static bool tick_state(struct smpp_session *s, struct now now, struct out *out,
		       struct proto_event *event)
{
	if (awaits_login(s) && now.us >= s->login_due_us)
		return tick_close(s, event, REASON_BIND_TIMEOUT);
	smpp_part_step(s, now, out);
	if (s->close_due || (s->state == SMPP_STATE_UNBINDING && now.us >= s->part_due_us))
		return tick_close(s, event, (enum reason)s->close_why);
	if (!smpp_bound(s))
		return false;
	if (s->enquiring && s->heard_us > s->enquire_us)
		s->enquiring = false; /* it lives: whatever it sent is an answer */
	if (s->enquiring && now.us >= s->enquire_us + s->settings.response_us)
		return tick_close(s, event, REASON_LINK_DEAD);
	if (!s->enquiring && s->settings.keepalive_us > 0 &&
	    now.us >= s->heard_us + s->settings.keepalive_us &&
	    smpp_send(s, out, SMPP_enquire_link, 0, smpp_next_sequence(s))) {
		s->enquiring = true;
		s->enquire_sequence = s->sequence;
		s->enquire_us = now.us;
	}
	if (s->settings.inactivity_us > 0 && s->state == SMPP_STATE_BOUND && s->in_open == 0 &&
	    s->out_open.count == 0 && now.us >= s->message_us + s->settings.inactivity_us)
		smpp_part_begin(s, now, out, REASON_INACTIVITY);
	return false;
}

static bool tick_ready(struct smpp_session *s, const struct out *out, struct proto_event *event)
{
	if (!s->blocked || s->state != SMPP_STATE_BOUND ||
	    s->out_open.count >= s->settings.window_max || s->instance->requests.free_count == 0 ||
	    !out_fits(out, s->blocked_room))
		return false;
	s->blocked = false;
	event->kind = EVENT_READY;
	return true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_deadline(const struct smpp_session *s, struct now now)
{
	uint64_t due = smpp_request_deadline(&s->instance->requests, &s->out_open);

	if (awaits_login(s))
		return earlier(due, s->login_due_us);
	if (s->state == SMPP_STATE_PARTING || s->state == SMPP_STATE_UNBINDING ||
	    s->state == SMPP_STATE_UNBOUND)
		due = earlier(due, s->part_due_us);
	if (!smpp_bound(s))
		return due;
	if (s->enquiring)
		due = earlier(due, s->enquire_us + s->settings.response_us);
	else if (s->settings.keepalive_us > 0)
		due = earlier(due, s->heard_us + s->settings.keepalive_us);
	if (s->settings.inactivity_us > 0 && s->in_open == 0 && s->out_open.count == 0 &&
	    s->state == SMPP_STATE_BOUND)
		due = earlier(due, s->message_us + s->settings.inactivity_us);
	if (s->blocked && s->instance->requests.free_count == 0)
		due = earlier(due, now.us + SMPP_POOL_WAIT_US);
	return due;
}

static uint64_t session_tick(void *session, struct now now, struct out *out,
			     struct proto_event *event)
{
	struct smpp_session *s = session;

	event->kind = EVENT_NONE;
	if (now.us >= smpp_request_deadline(&s->instance->requests, &s->out_open) &&
	    smpp_request_take_first(&s->instance->requests, &s->out_open, &event->token)) {
		event->kind = EVENT_RESULT;
		event->result = (struct result){.why = REASON_UNKNOWN_OUTCOME, .maybe_sent = true};
		s->message_us = now.us;
		return now.us;
	}
	if (tick_state(s, now, out, event) || tick_ready(s, out, event))
		return now.us;
	if (s->close_due)
		return now.us;
	return next_deadline(s, now);
}

const struct proto_ops smpp_ops = {
	.name = "smpp",
	.instance_size = sizeof(struct smpp_instance),
	.session_size = sizeof(struct smpp_session),
	.block_size = sizeof(struct smpp_request),
	.item_size_max = SMPP_PDU_SIZE_MAX,
	.out_size_max = SMPP_PDU_SIZE_MAX,
	.instance_init = instance_init,
	.open = session_open,
	.feed = smpp_session_feed,
	.login = session_login,
	.settings = session_settings,
	.submit = session_submit,
	.answer = session_answer,
	.tick = session_tick,
	.close = session_close,
	.drain = session_drain,
	.part = session_part,
	.ready = session_ready,
	.window_used = session_window_used,
};

static_assert(sizeof(struct smpp_session) <= 512, "a hundred thousand idle sessions fit in 50 MB");
