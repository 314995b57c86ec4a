/* Stanzas for others, both ways. */
#include "xmpp/session_private.h"

#define RECEIVED_LOOK_MAX 64u /* messages that are looked through for the one of a receipt */

uint8_t xmpp_keep(char *room, size_t size, struct str s)
{
	size_t n = s.n < size ? s.n : size;

	if (n > 0)
		memcpy(room, s.p, n);
	return (uint8_t)n;
}

/* Nothing answers an error or a result (RFC 6120, 8.2.3 and 8.3.1), and presence or a headline for
 * who is not there is for nobody (RFC 6121, 8.5.2.2). */
static bool is_silent(const struct xmpp_stanza *stanza)
{
	return stanza->kind == XMPP_PRESENCE || stanza->type == XMPP_TYPE_RESULT ||
	       stanza->type == XMPP_TYPE_ERROR || stanza->type == XMPP_TYPE_HEADLINE;
}

uint32_t xmpp_request_new(struct xmpp_input *in)
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
	r->why = REASON_NONE;
	r->reply = XMPP_TYPE_NONE;
	r->to_size = (uint16_t)in->to.n;
	if (in->to.n > 0)
		memcpy(r->to, in->to.p, in->to.n);
	r->from_size = (uint16_t)in->from.n;
	if (in->from.n > 0)
		memcpy(r->from, in->from.p, in->from.n);
	return number;
}

static uint32_t request_open(struct xmpp_input *in)
{
	uint32_t number = xmpp_request_new(in);

	if (number != XMPP_BLOCK_NONE)
		xmpp_list_append(&in->s->instance->blocks, &in->s->in, number);
	return number;
}

static void request_close(struct xmpp_session *s, struct xmpp_list *list, uint32_t number)
{
	xmpp_list_remove(&s->instance->blocks, list, number);
	xmpp_block_give(&s->instance->blocks, number);
}

/* As what the stream proved, or the server of that domain says. */
static struct xmpp_sender sender_of(const struct xmpp_input *in)
{
	struct xmpp_jid self;

	if (in->s->link != XMPP_BLOCK_NONE)
		return (struct xmpp_sender){in->sender, STR("")};
	self = xmpp_self(in->s);
	return xmpp_sender_of(in->s, &self);
}

/* By receipts. */
static bool is_called(const struct xmpp_block *block, struct str id)
{
	const struct xmpp_request *r = &block->u.request;

	return str_eq(id, (struct str){r->id, r->remote_id_size});
}

/* Who tells the receipt of a message has it, and what was sent before it, whatever it acknowledges
 * (XEP-0198): its h may lag behind for good. */
static void has_got(struct xmpp_session *s, const struct msg *m)
{
	const struct xmpp_blocks *b = &s->instance->blocks;
	uint8_t                   room[RESULT_REMOTE_ID_MAX];
	struct str                id = {NULL, m->receipt.remote_id.size};
	uint32_t                  number = s->out.first, before = s->out.first;

	if (!s->sm || id.n == 0 || id.n > sizeof(room))
		return;
	id.p = (const char *)msg_view(m, m->receipt.remote_id, room);
	for (unsigned i = 0; i < RECEIVED_LOOK_MAX && number != XMPP_BLOCK_NONE &&
			     !is_called(xmpp_block_at(b, number), id);
	     i++)
		number = xmpp_block_at(b, number)->next;
	if (number == XMPP_BLOCK_NONE || !is_called(xmpp_block_at(b, number), id))
		return;
	for (; before != number; before = xmpp_block_at(b, before)->next)
		xmpp_block_at(b, before)->u.request.sequence = s->sm_acked;
	xmpp_block_at(b, number)->u.request.sequence = s->sm_acked;
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
		if (m->kind == MSG_RECEIPT)
			has_got(s, m);
		if (m->kind == MSG_COMPOSING) /* that it has no place there is no news */
			xmpp_block_at(&s->instance->blocks, number)->u.request.silent = true;
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

bool xmpp_jid_of(struct xmpp_input *in, struct str text, struct xmpp_jid *jid)
{
	struct put room = in->room;

	if (!xmpp_jid_parse(text, &room, jid))
		return false;
	in->room = room;
	return true;
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

/*
 * RFC 6121, 8.5.2.1: to an account, presence goes to all that are available, a headline to all of
 * them that want messages. The item is read again for each. False: there is none.
 */
static bool next_place(struct xmpp_input *in, struct xmpp_jid *to)
{
	struct xmpp_session *s = in->s;
	struct xmpp_jid      bare = *to;
	uint16_t             features = XMPP_FEATURE_AVAILABLE;
	struct str           after;
	uint32_t             place;

	if (in->stanza->kind == XMPP_MESSAGE)
		features = XMPP_FEATURE_WANTS;
	place = xmpp_place_next(s, &bare, features, s->item_place, &to->resource);
	in->again = place != 0 && xmpp_place_next(s, &bare, features, place, &after) != 0;
	s->item_place = in->again ? place : 0;
	return place != 0;
}

static bool goes_to_all(const struct xmpp_input *in, const struct xmpp_jid *to)
{
	enum xmpp_type type = in->stanza->type;

	return !in->listed && to->resource.n == 0 && to->local.n > 0 &&
	       xmpp_serves(in->s, to->domain) &&
	       (in->stanza->kind == XMPP_PRESENCE
			? type != XMPP_TYPE_ERROR
			: in->stanza->kind == XMPP_MESSAGE && type == XMPP_TYPE_HEADLINE);
}

void xmpp_give(struct xmpp_input *in, const struct xmpp_jid *to)
{
	struct xmpp_session *s = in->s;
	struct xmpp_jid      place = *to;

	s->message_us = in->now.us;
	if (xmpp_is_blocked(s, to)) {
		xmpp_refuse_blocked(in);
	} else if (s->in.count >= s->settings.window_max) {
		s->item_place = 0;
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_WINDOW);
	} else if (goes_to_all(in, to) && !next_place(in, &place) &&
		   in->stanza->kind == XMPP_PRESENCE) {
		metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_ignored);
	} else {
		give(in, &place);
	}
}

bool xmpp_is_for_no_room(const struct xmpp_input *in, const struct xmpp_jid *to)
{
	return in->stanza->type == XMPP_TYPE_GROUPCHAT && to->resource.n == 0;
}

void xmpp_on_message(struct xmpp_input *in)
{
	struct xmpp_jid to;

	if (!xmpp_to(in, &to))
		return;
	if (!xmpp_serves(in->s, to.domain))
		xmpp_give(in, &to);
	else if (xmpp_is_for_no_room(in, &to))
		xmpp_refuse(in, XMPP_SERVICE_UNAVAILABLE, REASON_NOT_SUPPORTED);
	else if (to.local.n > 0 || !xmpp_multicast(in))
		xmpp_give(in, &to);
}

void xmpp_release(struct xmpp_session *s, uint32_t number, struct put *w)
{
	const struct xmpp_request *q = &xmpp_block_at(&s->instance->blocks, number)->u.request;
	enum reason                why = (enum reason)q->why;

	if (why == REASON_NONE)
		return;
	xmpp_request_error_put(q, why, w);
	xmpp_sent(s);
	request_close(s, &s->in, number);
}

static void put_reply(const struct xmpp_request *q, struct put *w)
{
	xmpp_put_head(w, &(struct xmpp_head){.kind = XMPP_PRESENCE,
					     .type = (enum xmpp_type)q->reply,
					     .from = {q->to, q->to_size},
					     .to = {q->from, q->from_size}});
	put_str(w, STR("></presence>"));
}

void xmpp_request_error_put(const struct xmpp_request *q, enum reason why, struct put *w)
{
	if (q->reply != XMPP_TYPE_NONE) {
		put_reply(q, w);
		return;
	}
	xmpp_put_error_stanza(w,
			      &(struct xmpp_head){.kind = (enum xmpp_kind)q->kind,
						  .id = {q->id, q->id_size},
						  .from = {q->to, q->to_size},
						  .to = {q->from, q->from_size}},
			      xmpp_condition_of(why), str_of(reason_text(why)));
}

void xmpp_request_answer(struct xmpp_session *s, uint32_t number, struct put *w)
{
	struct xmpp_blocks *b = &s->instance->blocks;

	if (s->role == XMPP_ROLE_SERVER_IN) {
		xmpp_list_remove(b, &s->in, number);
		xmpp_list_append(b, &s->back, number);
		s->instance->services->wake(s->instance->services->context, s);
	} else if (s->midway) {
		s->held = true;
	} else {
		xmpp_release(s, number, w);
	}
}

void xmpp_answer_message(struct xmpp_session *s, uint64_t token, const struct result *r,
			 struct put *w)
{
	struct xmpp_blocks  *b = &s->instance->blocks;
	uint32_t             number = xmpp_block_find(b, token);
	struct xmpp_request *q;

	if (number == XMPP_BLOCK_NONE)
		return;
	q = &xmpp_block_at(b, number)->u.request;
	if (reason_class((enum reason)r->why) == REASON_CLASS_OK || q->silent) {
		request_close(s, &s->in, number);
		return;
	}
	q->why = r->why;
	xmpp_request_answer(s, number, w);
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

/* What is to be done with one. */
enum fate { FATE_WRITE, FATE_TAKE, FATE_BLOCKED, FATE_LATER };

static enum fate fate_of(struct xmpp_session *s, const struct xmpp_map *map, const struct msg *m)
{
	char            text[XMPP_JID_SIZE_MAX];
	struct put      w = put_to(text, sizeof(text));
	enum xmpp_order order = xmpp_map_order(map, m);
	struct xmpp_jid from;
	struct str      jid;
	bool            known;

	if (s->link != XMPP_BLOCK_NONE) /* its server knows what to do with it */
		return is_heard(s, m) ? FATE_WRITE : FATE_TAKE;
	if (order == XMPP_ORDER_BLOCKS) {
		s->blocks_due = true;
		s->ask_due_us = 0;
		return s->blocklist ? FATE_WRITE : FATE_TAKE;
	}
	if (order == XMPP_ORDER_KEPT) {
		xmpp_resume_kept(s, map, m);
		return FATE_TAKE;
	}
	if (order == XMPP_ORDER_NONE && xmpp_blocks_hold(s))
		return FATE_LATER;
	if (order == XMPP_ORDER_NONE && s->barred == XMPP_BLOCK_NONE)
		return is_heard(s, m) ? FATE_WRITE : FATE_TAKE;
	known = xmpp_map_from(map, m, &(struct xmpp_way){.domain = xmpp_domain(s)}, &w) &&
		!w.failed;
	jid = (struct str){text, put_size(&w)};
	if (order != XMPP_ORDER_NONE)
		return !known || xmpp_owe(s, jid, order == XMPP_ORDER_FAREWELL) ? FATE_TAKE
										: FATE_LATER;
	if (known && xmpp_bare(jid, &from) && xmpp_is_blocked(s, &from))
		return xmpp_map_kind(map, m) == XMPP_PRESENCE ? FATE_TAKE : FATE_BLOCKED;
	return is_heard(s, m) ? FATE_WRITE : FATE_TAKE;
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
	enum fate            fate;
	uint32_t             number;
	struct xmpp_request *r;

	if (s->midway || s->out.count >= s->settings.window_max ||
	    !out_fits(out, XMPP_OUT_SIZE_MAX) || b->used == b->count)
		return xmpp_later(s);
	fate = fate_of(s, &map, m);
	if (fate == FATE_LATER)
		return xmpp_later(s);
	number = xmpp_block_take(b);
	if (number == XMPP_BLOCK_NONE) {
		metric_inc(s->instance->metrics, METRIC_xmpp_blocks_full);
		return xmpp_later(s);
	}
	if (fate == FATE_WRITE)
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
	/* Not what it is: who is blocked shall not know (XEP-0191, 3.4). */
	r->why = fate == FATE_BLOCKED ? REASON_NOT_REGISTERED : REASON_NONE;
	if (fate == FATE_BLOCKED)
		metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_blocked);
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
	done = !s->sm || r->why != REASON_NONE || (int32_t)(s->sm_acked - r->sequence) >= 0;
	if (!done && !s->moved && now.us < xmpp_out_due_us(s))
		return false;
	event->kind = EVENT_RESULT;
	event->token = r->token;
	event->result = (struct result){.why = r->why, .remote_id_size = r->remote_id_size};
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
