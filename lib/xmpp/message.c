/* Stanzas for others, both ways, and the presence that makes a client reachable. */
#include "xmpp/session_private.h"

uint8_t xmpp_keep(char *room, size_t size, struct str s)
{
	size_t n = s.n < size ? s.n : size;

	if (n > 0)
		memcpy(room, s.p, n);
	return (uint8_t)n;
}

/* Nothing answers an error or a result (RFC 6120, 8.2.3 and 8.3.1), and presence for who is not
 * there is for nobody (RFC 6121, 8.5). */
static bool is_silent(const struct xmpp_stanza *stanza)
{
	return stanza->kind == XMPP_PRESENCE || stanza->type == XMPP_TYPE_RESULT ||
	       stanza->type == XMPP_TYPE_ERROR;
}

/* What the answer will need, in a block. NONE: there is none. */
static uint32_t request_open(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	struct xmpp_blocks  *b = &s->instance->blocks;
	uint32_t             number = xmpp_block_take(b);
	struct xmpp_request *r;

	if (number == XMPP_BLOCK_NONE) {
		metric_inc(s->instance->metrics, METRIC_xmpp_blocks_full);
		return number;
	}
	r = &xmpp_block_at(b, number)->u.request;
	r->kind = (uint8_t)in->stanza->kind;
	r->silent = is_silent(in->stanza);
	r->id_size = xmpp_keep(r->id, sizeof(r->id), in->id);
	r->to_size = (uint16_t)in->to.n;
	if (in->to.n > 0)
		memcpy(r->to, in->to.p, in->to.n);
	r->from_size = (uint16_t)in->from.n;
	if (in->from.n > 0)
		memcpy(r->from, in->from.p, in->from.n);
	xmpp_list_append(b, &s->in, number);
	return number;
}

static void request_close(struct xmpp_session *s, struct xmpp_list *list, uint32_t number)
{
	xmpp_list_remove(&s->instance->blocks, list, number);
	xmpp_block_give(&s->instance->blocks, number);
}

/* As what the stream proved, and the number that goes with it. */
static struct xmpp_sender sender_of(const struct xmpp_input *in)
{
	const struct xmpp_session   *s = in->s;
	const struct proto_services *services = s->instance->services;
	struct xmpp_sender           from = {in->sender, STR("")};
	char                         text[MSG_ADDR_SIZE_MAX];
	struct put                   w = put_to(text, sizeof(text));
	struct proto_credentials     c;

	if (s->link != XMPP_BLOCK_NONE)
		return from;
	from.jid = xmpp_self(s);

	xmpp_aor_put(&w, &from.jid);
	if (!w.failed && services->credentials(services->context, s->instance->protocol,
					       (struct str){text, put_size(&w)}, &c))
		from.number = c.number;
	return from;
}

static void give(struct xmpp_input *in, const struct xmpp_jid *to)
{
	struct xmpp_session *s = in->s;
	struct xmpp_map      map = xmpp_session_map(s, in->now);
	struct xmpp_sender   from = sender_of(in);
	struct msg          *m = in->event->msg;
	uint32_t             number = request_open(in);
	enum reason          why = REASON_POOL;
	enum xmpp_condition  c = XMPP_RESOURCE_CONSTRAINT;

	map.several = in->several;
	if (number != XMPP_BLOCK_NONE && m != NULL)
		c = xmpp_map_in(&map, in->stanza, to, &from, &in->room, m, &why);
	if (c == XMPP_CONDITION_NONE && m->kind != XMPP_NO_MESSAGE) {
		m->token = xmpp_block_token(&s->instance->blocks, number);
		in->event->kind = EVENT_MSG;
		return;
	}
	if (m != NULL)
		msg_reset(m);
	if (number != XMPP_BLOCK_NONE)
		request_close(s, &s->in, number);
	if (c != XMPP_CONDITION_NONE)
		xmpp_refuse(in, c, why);
	else
		metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_ignored);
}

bool xmpp_to(struct xmpp_input *in, struct xmpp_jid *to)
{
	if (in->s->link == XMPP_BLOCK_NONE) {
		*to = xmpp_self(in->s);
		to->resource = STR("");
	}
	if (in->id.n > XMPP_STANZA_ID_MAX || in->to.n > XMPP_TO_MAX)
		xmpp_refuse(in, XMPP_POLICY_VIOLATION, REASON_XMPP_STANZA);
	else if (in->stanza->has_to && !xmpp_jid_parse(in->to, &in->room, to))
		xmpp_refuse(in, XMPP_JID_MALFORMED, REASON_DESTINATION);
	else
		return true;
	return false;
}

void xmpp_give(struct xmpp_input *in, const struct xmpp_jid *to)
{
	struct xmpp_session *s = in->s;

	s->message_us = in->now.us;
	if (s->in.count >= s->settings.window_max)
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_WINDOW);
	else
		give(in, to);
}

static bool serves(const struct xmpp_session *s, struct str domain)
{
	const struct proto_services *services = s->instance->services;

	return services->serves(services->context, s->instance->protocol, domain);
}

void xmpp_on_message(struct xmpp_input *in)
{
	struct xmpp_jid to;

	if (in->stanza->type == XMPP_TYPE_GROUPCHAT)
		xmpp_refuse(in, XMPP_SERVICE_UNAVAILABLE, REASON_NOT_SUPPORTED);
	else if (xmpp_to(in, &to) &&
		 !(to.local.n == 0 && serves(in->s, to.domain) && xmpp_multicast(in)))
		xmpp_give(in, &to);
}

/* -128 .. 127 (RFC 6121, 4.7.2.3); false: no such number. */
static bool priority_of(struct str text, int8_t *priority)
{
	bool       minus = str_starts(text, STR("-"));
	struct str digits = str_skip(text, minus ? 1 : 0);
	int        v = 0;

	*priority = 0;
	if (text.n == 0)
		return true;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9' || v > 128)
			return false;
		v = v * 10 + (digits.p[i] - '0');
	}
	if (digits.n == 0 || v > (minus ? 128 : 127))
		return false;
	*priority = (int8_t)(minus ? -v : v);
	return true;
}

static struct str trimmed(struct str s)
{
	while (s.n > 0 && (uint8_t)s.p[0] <= ' ')
		s = str_skip(s, 1);
	while (s.n > 0 && (uint8_t)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

/* Directed to somebody (RFC 6121, 4.6), or the answer to such. The domain itself is nobody. */
static void on_directed(struct xmpp_input *in)
{
	struct xmpp_jid to;

	if (!xmpp_to(in, &to))
		return;
	if (to.local.n > 0)
		xmpp_give(in, &to);
	else
		metric_inc(in->s->instance->metrics, METRIC_xmpp_stanzas_ignored);
}

/* Presence of the client itself (RFC 6121, 4.2, 4.4 and 4.5). */
static void on_own(struct xmpp_input *in)
{
	struct xmpp_stanza  *stanza = in->stanza;
	struct xmpp_session *s = in->s;
	struct str           text = STR("");
	enum xmpp_payload    p;
	int8_t               priority;

	while (xmpp_payload_next(stanza, &p)) {
		if (p == XMPP_PAYLOAD_PRIORITY && !xmpp_text(&stanza->x, &in->room, &text))
			break;
	}
	if (!priority_of(trimmed(text), &priority)) {
		xmpp_refuse(in, XMPP_BAD_REQUEST, REASON_XMPP_STANZA);
		return;
	}
	if (s->available == (stanza->type == XMPP_TYPE_NONE) && s->priority == priority)
		return; /* whether somebody is away is of no matter here */
	s->available = stanza->type == XMPP_TYPE_NONE;
	s->priority = priority;
	xmpp_registration(s, XMPP_TOKEN_PRESENCE);
	in->event->kind = EVENT_BINDING;
	in->event->registration = &s->instance->registration;
}

/* Subscriptions have no place to go. */
void xmpp_on_presence(struct xmpp_input *in)
{
	enum xmpp_type type = in->stanza->type;
	bool           directed = in->stanza->has_to;

	if (type != XMPP_TYPE_NONE && type != XMPP_TYPE_UNAVAILABLE &&
	    (type != XMPP_TYPE_ERROR || !directed))
		metric_inc(in->s->instance->metrics, METRIC_xmpp_stanzas_ignored);
	else if (directed)
		on_directed(in);
	else
		on_own(in);
}

void xmpp_request_error_put(const struct xmpp_request *q, enum reason why, struct put *w)
{
	xmpp_put_error_stanza(w,
			      &(struct xmpp_head){.kind = (enum xmpp_kind)q->kind,
						  .id = {q->id, q->id_size},
						  .from = {q->to, q->to_size},
						  .to = {q->from, q->from_size}},
			      xmpp_condition_of(why), str_of(reason_text(why)));
}

void xmpp_answer_message(struct xmpp_session *s, uint64_t token, const struct result *r,
			 struct put *w)
{
	struct xmpp_blocks  *b = &s->instance->blocks;
	uint32_t             number = xmpp_block_find(b, token);
	struct xmpp_request *q;
	enum reason          why = (enum reason)r->why;

	if (number == XMPP_BLOCK_NONE)
		return;
	q = &xmpp_block_at(b, number)->u.request;
	if (reason_class(why) == REASON_CLASS_OK || q->silent) {
		request_close(s, &s->in, number);
	} else if (s->role == XMPP_ROLE_SERVER_IN) {
		q->why = r->why;
		xmpp_list_remove(b, &s->in, number);
		xmpp_list_append(b, &s->back, number);
		s->instance->services->wake(s->instance->services->context, s);
	} else {
		xmpp_request_error_put(q, why, w);
		xmpp_sent(s);
		request_close(s, &s->in, number);
	}
}

enum submit xmpp_later(struct xmpp_session *s)
{
	s->blocked = true;
	return SUBMIT_LATER;
}

/* Does the client hear of it? There are no words for a report that is not the last; and nobody who
 * does not look is told who writes (XEP-0352). */
static bool is_heard(const struct xmpp_session *s, const struct msg *m)
{
	if (m->kind == MSG_COMPOSING)
		return !s->inactive;
	if (!msg_is_report(m))
		return true;
	switch ((enum msg_state)m->receipt.state) {
	case MSG_STATE_DELIVERED:
		return true;
	case MSG_STATE_EXPIRED:
	case MSG_STATE_DELETED:
	case MSG_STATE_UNDELIVERABLE:
	case MSG_STATE_REJECTED:
		return m->kind == MSG_RECEIPT && !m->receipt.intermediate;
	case MSG_STATE_UNKNOWN:
	case MSG_STATE_ENROUTE:
	case MSG_STATE_ACCEPTED:
	case MSG_STATE_COUNT:
		break;
	}
	return false;
}

static enum reason write_message(struct xmpp_session *s, struct now now, const struct msg *m,
				 struct str id, bool *later, struct put *w)
{
	struct xmpp_map map = xmpp_session_map(s, now);
	struct xmpp_way way = {.domain = xmpp_host(s), .id = id};
	char            room[XMPP_JID_SIZE_MAX];
	struct put      full = put_to(room, sizeof(room));
	enum reason     why = REASON_NONE;

	if (s->link != XMPP_BLOCK_NONE) {
		why = xmpp_link_way(s, m, later, &way, &full);
	} else {
		struct xmpp_jid self = xmpp_self(s);

		xmpp_jid_put(&full, &self);
		way.address = (struct str){room, put_size(&full)};
	}
	if (why == REASON_NONE && !*later)
		why = xmpp_map_out(&map, m, &way, w);
	if (why == REASON_NONE && w->failed)
		return REASON_MESSAGE_SIZE; /* there was all the room that a message may have */
	if (why == REASON_NONE && !*later)
		xmpp_sent(s);
	return why;
}

void xmpp_ask_ack(struct xmpp_session *s, struct put *w)
{
	if (!s->sm || s->sm_asked)
		return;
	put_str(w, STR("<r xmlns=\"" XMPP_SPACE_SM "\"/>"));
	s->sm_asked = true;
}

enum submit xmpp_submit(struct xmpp_session *s, struct now now, const struct msg *m, uint64_t token,
			struct out *out, struct result *result)
{
	struct xmpp_blocks  *b = &s->instance->blocks;
	struct xmpp_map      map = xmpp_session_map(s, now);
	char                 room[MSG_ORIGIN_ID_MAX];
	struct str           id = xmpp_map_id(&map, m, room);
	size_t               mark = out_mark(out);
	enum reason          why = REASON_NONE;
	bool                 wait = false;
	uint32_t             number;
	struct xmpp_request *r;

	if (s->out.count >= s->settings.window_max || !out_fits(out, XMPP_OUT_SIZE_MAX))
		return xmpp_later(s);
	number = xmpp_block_take(b);
	if (number == XMPP_BLOCK_NONE) {
		metric_inc(s->instance->metrics, METRIC_xmpp_blocks_full);
		return xmpp_later(s);
	}
	if (is_heard(s, m))
		why = write_message(s, now, m, id, &wait, &out->put);
	if (wait) {
		out_undo(out, mark);
		xmpp_block_give(b, number);
		return xmpp_later(s);
	}
	if (why != REASON_NONE) {
		out_undo(out, mark);
		xmpp_block_give(b, number);
		*result = (struct result){.why = (uint8_t)why};
		return SUBMIT_REFUSED;
	}
	xmpp_ask_ack(s, &out->put);
	r = &xmpp_block_at(b, number)->u.request;
	r->token = token;
	r->due_us = now.us + s->settings.response_us;
	r->sequence = s->sm_out;
	r->remote_id_size = xmpp_keep(r->id, RESULT_REMOTE_ID_MAX, id);
	xmpp_list_append(b, &s->out, number);
	s->message_us = now.us;
	return SUBMIT_SENT;
}

uint64_t xmpp_out_due_us(const struct xmpp_session *s)
{
	const struct xmpp_request *r =
		&xmpp_block_at(&s->instance->blocks, s->out.first)->u.request;

	return r->due_us + (s->detached ? XMPP_DETACHED_US : 0);
}

/* Acknowledged by XEP-0198, or handed to the stream where the client has none. */
bool xmpp_out_done(struct xmpp_session *s, struct now now, struct proto_event *event)
{
	struct xmpp_blocks  *b = &s->instance->blocks;
	uint32_t             number = s->out.first;
	struct xmpp_request *r;
	bool                 done;

	if (number == XMPP_BLOCK_NONE)
		return false;
	r = &xmpp_block_at(b, number)->u.request;
	done = !s->sm || (int32_t)(s->sm_acked - r->sequence) >= 0;
	if (!done && !s->moved && now.us < xmpp_out_due_us(s))
		return false;
	event->kind = EVENT_RESULT;
	event->token = r->token;
	event->result = (struct result){.why = REASON_NONE, .remote_id_size = r->remote_id_size};
	if (!done && s->moved) { /* the client says that it has not got it */
		event->result.why = REASON_SESSION_GONE;
	} else if (!done) {
		event->result.why = REASON_UNKNOWN_OUTCOME;
		event->result.maybe_sent = true;
	}
	memcpy(event->result.remote_id, r->id, r->remote_id_size);
	request_close(s, &s->out, number);
	return true;
}
