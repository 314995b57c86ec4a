/* Links: streams of components and servers. What they have in common: the head, whom a stanza may
 * be from and for, what goes back to its sender, and by which addresses messages leave. */
#include "xmpp/session_private.h"

static bool is_ours(const struct xmpp_session *s) /* we opened it */
{
	return s->role == XMPP_ROLE_COMPONENT_OF || s->role == XMPP_ROLE_SERVER_OUT ||
	       s->role == XMPP_ROLE_VERIFY;
}

static bool is_component(const struct xmpp_session *s)
{
	return s->role == XMPP_ROLE_COMPONENT || s->role == XMPP_ROLE_COMPONENT_OF;
}

struct str xmpp_link_space(const struct xmpp_session *s)
{
	if (s->role == XMPP_ROLE_CLIENT)
		return STR(XMPP_SPACE_CLIENT);
	return is_component(s) ? STR(XMPP_SPACE_COMPONENT) : STR(XMPP_SPACE_SERVER);
}

/* ---- begin ---- */

static enum xmpp_role role_of(const struct proto_open *how)
{
	if (how->dial != 0)
		return XMPP_ROLE_VERIFY;
	if (how->role == PROTO_ACCEPTED)
		return how->link == LINK_COMPONENT ? XMPP_ROLE_COMPONENT : XMPP_ROLE_SERVER_IN;
	return how->link == LINK_COMPONENT ? XMPP_ROLE_COMPONENT_OF : XMPP_ROLE_SERVER_OUT;
}

/* What it joins, as far as it is known before a word was said. False: nothing that can be. */
static bool link_fill(struct xmpp_session *s, const struct proto_open *how)
{
	struct xmpp_link *l = xmpp_link(s);
	struct str        own = how->domain, other = STR("");
	uint32_t pair = xmpp_block_find(&s->instance->blocks, how->dial & ~XMPP_TOKEN_DIAL);

	*l = (struct xmpp_link){.pair = how->dial & ~XMPP_TOKEN_DIAL};
	if (s->role == XMPP_ROLE_COMPONENT_OF)
		own = how->link_domain;
	else if (s->role == XMPP_ROLE_SERVER_OUT)
		other = how->link_domain;
	if (s->role == XMPP_ROLE_VERIFY) {
		const struct xmpp_pair *p;

		if (pair == XMPP_BLOCK_NONE)
			return false; /* who asked is gone */
		p = &xmpp_block_at(&s->instance->blocks, pair)->u.pair;
		own = (struct str){p->own, p->own_size};
		other = (struct str){p->other, p->other_size};
	}
	l->own_size = xmpp_keep(l->own, sizeof(l->own), own);
	l->other_size = xmpp_keep(l->other, sizeof(l->other), other);
	l->password_size = xmpp_keep(l->password, sizeof(l->password), how->secret);
	return own.n <= sizeof(l->own) && other.n <= sizeof(l->other) &&
	       (own.n > 0 || s->role == XMPP_ROLE_COMPONENT);
}

/* False: too many prove nothing, altogether or from there. */
static bool stranger_enters(struct xmpp_session *s, const struct flow *from)
{
	struct xmpp_instance *i = s->instance;
	struct xmpp_link     *l = xmpp_link(s);

	l->source = hash_sip(&i->text_key, from->address, sizeof(from->address));
	s->stranger = i->strangers < XMPP_STRANGERS_MAX &&
		      xmpp_crowd_enter(&i->sources, l->source, XMPP_SOURCE_MAX);
	i->strangers += s->stranger;
	return s->stranger;
}

void xmpp_link_open(struct xmpp_session *s, struct now now, const struct proto_open *how,
		    struct out *out)
{
	s->role = (uint8_t)role_of(how);
	s->link = xmpp_block_take(&s->instance->blocks);
	s->close_why = s->link == XMPP_BLOCK_NONE ? REASON_POOL : REASON_NOT_SUPPORTED;
	if (s->link == XMPP_BLOCK_NONE || !link_fill(s, how)) {
		s->close_due = true;
		s->state = XMPP_STATE_CLOSED;
		return;
	}
	if (s->role == XMPP_ROLE_SERVER_IN && !stranger_enters(s, &how->remote)) {
		xmpp_end_put(s, &out->put, XMPP_STREAM_RESOURCE_CONSTRAINT);
		s->close_due = true;
		s->close_why = REASON_BIND_LIMIT;
		s->state = XMPP_STATE_CLOSED;
		return;
	}
	if (!is_ours(s))
		return;
	s->login_due_us = now.us + XMPP_LINK_UP_US;
	xmpp_link_head_put(s, &out->put);
}

void xmpp_link_head_put(struct xmpp_session *s, struct put *w)
{
	struct xmpp_link *l = xmpp_link(s);
	char              room[XMPP_TEXT_SIZE];
	bool              ours = is_ours(s), server = !is_component(s);

	put_str(w, STR("<?xml version=\"1.0\"?><stream:stream xmlns=\""));
	put_str(w, xmpp_link_space(s));
	put_str(w, STR("\" xmlns:stream=\"" XMPP_SPACE_STREAMS "\""));
	if (server)
		put_str(w, STR(" xmlns:db=\"" XMPP_SPACE_DIALBACK "\""));
	if (!ours) {
		l->id_size = xmpp_keep(l->id, sizeof(l->id), xmpp_text_new(s->instance, room));
		xmpp_put_attribute(w, STR("id"), (struct str){l->id, l->id_size});
	}
	if (s->role == XMPP_ROLE_COMPONENT_OF) {
		xmpp_put_attribute(w, STR("to"), xmpp_own(s));
	} else if (s->role == XMPP_ROLE_COMPONENT) {
		xmpp_put_attribute(w, STR("from"), xmpp_other(s));
	} else {
		xmpp_put_attribute(w, STR("from"), xmpp_own(s));
		if (xmpp_other(s).n > 0)
			xmpp_put_attribute(w, STR("to"), xmpp_other(s));
		put_str(w, STR(" version=\"1.0\""));
	}
	put_u8(w, '>');
	s->head_sent = true;
}

/* An attribute of the root, as it is meant. */
static struct str head_value(const struct xml *x, struct str name, struct put *room)
{
	return xmpp_value(xmpp_attribute(x, name), room);
}

/* Another server: whom it wants must be here (RFC 6120, 4.9.3.6); who it is need not be said before
 * it proves it. */
static void on_server(struct xmpp_input *in, const struct xml *x, struct put *room)
{
	struct xmpp_session *s = in->s;
	struct xmpp_link    *l = xmpp_link(s);
	char                 text[XMPP_PART_SIZE_MAX];
	struct put           own = put_to(text, sizeof(text));
	struct str           to = head_value(x, STR("to"), room), domain;

	if (to.n > 0) {
		domain = xmpp_domain_put(&own, to) ? (struct str){text, put_size(&own)} : STR("");
		if (domain.n == 0 || domain.n > sizeof(l->own) || !xmpp_serves(s, domain)) {
			xmpp_close(in, XMPP_STREAM_HOST_UNKNOWN, REASON_XMPP_STREAM);
			return;
		}
		l->own_size = xmpp_keep(l->own, sizeof(l->own), domain);
	}
	xmpp_link_head_put(s, &in->out->put);
	if (str_starts(head_value(x, STR("version"), room), STR("1."))) {
		xmpp_put(in, STR("<stream:features><dialback "
				 "xmlns=\"urn:xmpp:features:dialback\"><errors/></dialback>"));
		xmpp_limits_put(&in->out->put, XMPP_ITEM_SIZE_MAX); /* of who has proven itself */
		xmpp_put(in, STR("</stream:features>"));
	}
	s->state = XMPP_STATE_AUTH;
}

/* The answer to our own head. */
static void on_answer(struct xmpp_input *in, const struct xml *x, struct put *room)
{
	struct xmpp_link *l = xmpp_link(in->s);
	struct str        id = head_value(x, STR("id"), room);

	if (id.n == 0 || id.n > sizeof(l->id)) {
		xmpp_close(in, XMPP_STREAM_BAD_FORMAT, REASON_XMPP_STREAM);
		return;
	}
	l->id_size = xmpp_keep(l->id, sizeof(l->id), id);
	in->s->state = XMPP_STATE_AUTH;
	if (!str_starts(head_value(x, STR("version"), room), STR("1.")))
		xmpp_dialback_begin(in); /* no features will come */
}

void xmpp_link_on_head(struct xmpp_input *in, const struct xml *x, struct put *room)
{
	if (is_component(in->s))
		xmpp_component_on_head(in, head_value(x, STR("to"), room),
				       head_value(x, STR("id"), room));
	else if (in->s->role == XMPP_ROLE_SERVER_IN)
		on_server(in, x, room);
	else
		on_answer(in, x, room);
}

/* ---- the world ---- */

/* False: whom it speaks for is not let in any more. */
static bool may_stay(struct xmpp_session *s)
{
	struct xmpp_link *l = xmpp_link(s);

	if (!l->changed)
		return true;
	l->changed = false;
	l->look_us = 0;
	return xmpp_dialback_holds(s);
}

/* Of those that are silent a few in each turn, as all hear of a change at once. True: the stream is
 * over. */
static bool tick_change(struct xmpp_session *s, struct now now, struct out *out,
			struct proto_event *event, uint64_t *next)
{
	struct xmpp_link *l = xmpp_link(s);

	if (!l->changed)
		return false;
	if (l->look_us == 0)
		l->look_us = now.us + s->instance->looks++ % XMPP_LOOKS * XMPP_LOOK_US;
	if (now.us < l->look_us) {
		*next = l->look_us < *next ? l->look_us : *next;
		return false;
	}
	if (may_stay(s))
		return false;
	xmpp_end_put(s, &out->put, XMPP_STREAM_NOT_AUTHORIZED);
	s->state = XMPP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = REASON_ACCOUNT_GONE;
	return true;
}

/* ---- stanzas ---- */

/* Whom it is from and for. False: the stream is closed (RFC 6120, 4.9.3.7, 8.1.1.2, 8.1.2.2). */
static bool ends_read(struct xmpp_input *in, struct xmpp_jid *to)
{
	in->from = in->stanza->has_from ? xmpp_value(in->stanza->from, &in->room)
		   : in->s->role == XMPP_ROLE_COMPONENT
			   ? xmpp_other(in->s) /* which libraries leave out */
			   : STR("");
	if (in->from.n > 0 && in->to.n > 0 && xmpp_jid_parse(in->from, &in->room, &in->sender) &&
	    xmpp_jid_parse(in->to, &in->room, to))
		return true;
	xmpp_close(in, XMPP_STREAM_IMPROPER_ADDRESSING, REASON_XMPP_STANZA);
	return false;
}

/* May who sends on this stream speak for that address, and for whom it is may it? */
static bool ends_fit(struct xmpp_input *in, const struct xmpp_jid *to)
{
	struct xmpp_session    *s = in->s;
	const struct xmpp_pair *pair;
	enum xmpp_stream_error  error = XMPP_STREAM_INVALID_FROM;

	switch ((enum xmpp_role)s->role) {
	case XMPP_ROLE_COMPONENT:
		if (str_eq(in->sender.domain, xmpp_other(s)))
			return true;
		break;
	case XMPP_ROLE_COMPONENT_OF: /* its users are anybody's but ours */
		if (!xmpp_serves(s, in->sender.domain) && !str_eq(in->sender.domain, xmpp_own(s)))
			return true;
		break;
	case XMPP_ROLE_SERVER_IN:
		pair = xmpp_pair_find(s, to->domain, in->sender.domain);
		if (pair != NULL && pair->state == XMPP_PAIR_VALID) {
			in->event->peer = pair->peer;
			return true;
		}
		if (!xmpp_serves(s, to->domain))
			error = XMPP_STREAM_HOST_UNKNOWN;
		break;
	case XMPP_ROLE_SERVER_OUT:
	case XMPP_ROLE_VERIFY:
	case XMPP_ROLE_CLIENT:
		error = XMPP_STREAM_NOT_AUTHORIZED; /* ours goes one way (RFC 6120, 4.6.4) */
		break;
	}
	xmpp_close(in, error, REASON_XMPP_STANZA);
	return false;
}

/* A stanza of ours, as text, becomes a message to the remote server. */
static void send_back(struct xmpp_session *s, struct now now, struct str text,
		      struct proto_event *event)
{
	struct xmpp_instance *i = s->instance;
	struct xmpp_map       map = xmpp_session_map(s, now);
	struct xmpp_stanza   *stanza = &i->stanza;
	struct put            room = put_to(i->room, sizeof(i->room));
	struct xmpp_jid       to, from;
	enum reason           why;

	map.native = true;
	if (event->msg == NULL)
		metric_refused(i->metrics, REASON_POOL);
	else if (xmpp_stanza_open(stanza, text, &s->scope) &&
		 xmpp_jid_parse(xmpp_value(stanza->to, &room), &room, &to) &&
		 xmpp_jid_parse(xmpp_value(stanza->from, &room), &room, &from) &&
		 xmpp_map_in(&map, stanza, &to, &(struct xmpp_sender){from, STR("")}, &room,
			     event->msg, &why) == XMPP_CONDITION_NONE) {
		event->msg->token = XMPP_TOKEN_BACK;
		event->kind = EVENT_MSG;
		return;
	} else {
		msg_reset(event->msg);
	}
	metric_inc(i->metrics, METRIC_xmpp_stanzas_ignored);
}

static void on_message(struct xmpp_input *in, const struct xmpp_jid *to)
{
	if (xmpp_is_here(in->s, to->domain) && (to->local.n == 0 || xmpp_is_for_no_room(in, to)))
		xmpp_refuse(in, XMPP_SERVICE_UNAVAILABLE, REASON_NOT_SUPPORTED);
	else
		xmpp_give(in, to);
}

/* Addresses longer than we remember. The error goes to what there is room for: the sender without
 * its resource. */
static void refuse_long(struct xmpp_input *in)
{
	const char *slash = memchr(in->from.p, '/', in->from.n);

	if (in->from.n > XMPP_TO_MAX && slash != NULL)
		in->from.n = (size_t)(slash - in->from.p);
	xmpp_refuse(in, XMPP_POLICY_VIOLATION, REASON_XMPP_STANZA);
}

static void on_kind(struct xmpp_input *in, const struct xmpp_jid *to)
{
	if (in->from.n > XMPP_TO_MAX || in->to.n > XMPP_TO_MAX)
		refuse_long(in);
	else if (in->id.n > XMPP_STANZA_ID_MAX)
		xmpp_refuse(in, XMPP_POLICY_VIOLATION, REASON_XMPP_STANZA);
	else if (in->stanza->kind == XMPP_MESSAGE)
		on_message(in, to);
	else if (in->stanza->kind == XMPP_PRESENCE)
		xmpp_link_on_presence(in, to);
	else
		xmpp_on_iq(in);
}

/* What is answered at once goes the same way back, or, to another server, by a stream of ours. */
void xmpp_link_on_stanza(struct xmpp_input *in)
{
	struct xmpp_instance *i = in->s->instance;
	struct out            back = out_to(i->back, sizeof(i->back)), *out = in->out;
	struct xmpp_jid       to;

	if (in->s->state != XMPP_STATE_UP) {
		xmpp_close(in, XMPP_STREAM_NOT_AUTHORIZED, REASON_XMPP_STANZA);
		return;
	}
	if (!may_stay(in->s)) {
		xmpp_close(in, XMPP_STREAM_NOT_AUTHORIZED, REASON_ACCOUNT_GONE);
		return;
	}
	if (!ends_read(in, &to) || !ends_fit(in, &to))
		return;
	if (in->s->role != XMPP_ROLE_SERVER_IN) {
		on_kind(in, &to);
		return;
	}
	in->s->message_us = in->now.us;
	in->out = &back;
	on_kind(in, &to);
	in->out = out;
	if (out_mark(&back) > 0 && !back.put.failed && in->event->kind == EVENT_NONE)
		send_back(in->s, in->now, (struct str){i->back, out_mark(&back)}, in->event);
}

void xmpp_link_on_element(struct xmpp_input *in)
{
	const struct xml *x = &in->stanza->x;

	if (xml_is(x, STR(XMPP_SPACE_STREAMS), STR("error")))
		xmpp_close(in, XMPP_STREAM_ERROR_NONE,
			   in->s->state == XMPP_STATE_UP ? REASON_CLOSED_BY_PEER
							 : REASON_BIND_REFUSED);
	else if (xml_is(x, STR(XMPP_SPACE_STREAMS), STR("features")) && is_ours(in->s) &&
		 !is_component(in->s))
		xmpp_dialback_begin(in);
	else if (!may_stay(in->s))
		xmpp_close(in, XMPP_STREAM_NOT_AUTHORIZED, REASON_ACCOUNT_GONE);
	else if (is_component(in->s))
		xmpp_component_on_element(in);
	else
		xmpp_dialback_on_element(in);
}

/* ---- messages out ---- */

static struct str domain_of(struct str jid)
{
	struct xmpp_jid parts;

	xmpp_bare(jid, &parts);
	return parts.domain;
}

/* The domain that the message is from must be ours, and proven to the other side. */
static enum reason way_proven(struct xmpp_session *s, const struct msg *m, bool *later,
			      struct xmpp_way *way)
{
	struct str              from = msg_addr(m, &m->from);
	const struct xmpp_pair *pair;

	if (m->from.kind == ADDR_URI) /* our domain itself is "xmpp:example.org" */
		way->domain = domain_of(str_starts(from, STR("xmpp:")) ? str_skip(from, 5) : from);
	pair = xmpp_pair_find(s, way->domain, xmpp_other(s));
	if (pair == NULL && xmpp_serves(s, way->domain))
		pair = xmpp_pair_new(s, way->domain, xmpp_other(s));
	if (pair == NULL || pair->state == XMPP_PAIR_FAILED)
		return REASON_SENDER;
	*later = s->waits = pair->state != XMPP_PAIR_VALID;
	return REASON_NONE;
}

enum reason xmpp_link_way(struct xmpp_session *s, const struct msg *m, bool *later,
			  struct xmpp_way *way, struct put *room)
{
	struct xmpp_map map = {.protocol = s->instance->protocol};
	struct str      of = xmpp_other(s);

	way->gateway = s->role == XMPP_ROLE_COMPONENT_OF;
	if (way->gateway && m->to.kind != ADDR_URI)
		return REASON_DESTINATION; /* whose users numbers would be is not known */
	if (!xmpp_map_to_put(&map, m, of, room))
		return REASON_DESTINATION;
	way->address = (struct str){(const char *)room->start, put_size(room)};
	if (!way->gateway && !str_eq(domain_of(way->address), of))
		return REASON_NO_ROUTE; /* the other side serves no other */
	if (way->domain.n == 0)
		way->domain = of;
	return s->role == XMPP_ROLE_SERVER_OUT ? way_proven(s, m, later, way) : REASON_NONE;
}

/* ---- timers and end ---- */

/* Errors of what came over a stream that we may not send on. */
static bool tick_back(struct xmpp_session *s, struct now now, struct proto_event *event,
		      uint64_t *next)
{
	struct xmpp_instance *i = s->instance;
	struct xmpp_blocks   *b = &i->blocks;
	uint32_t              number = s->back.first;
	struct put            w = put_to(i->back, sizeof(i->back));

	if (number == XMPP_BLOCK_NONE)
		return false;
	if (event->msg == NULL) { /* the pool is dry */
		*next = now.us + XMPP_POOL_WAIT_US;
		return false;
	}
	xmpp_request_error_put(&xmpp_block_at(b, number)->u.request,
			       (enum reason)xmpp_block_at(b, number)->u.request.why, &w);
	xmpp_list_remove(b, &s->back, number);
	xmpp_block_give(b, number);
	if (!w.failed)
		send_back(s, now, (struct str){i->back, put_size(&w)}, event);
	return event->kind != EVENT_NONE;
}

/* White space keeps the ways through firewalls open, and finds out who is gone (RFC 6120, 4.6.1).
 */
static void tick_alive(struct xmpp_session *s, struct now now, struct out *out, uint64_t *next)
{
	uint64_t due;

	if (s->settings.keepalive_us == 0 || s->state != XMPP_STATE_UP)
		return;
	due = (s->ping_us > s->message_us ? s->ping_us : s->message_us) + s->settings.keepalive_us;
	if (now.us >= due && out_fits(out, 1)) {
		put_u8(&out->put, ' ');
		s->ping_us = now.us;
		due = now.us + s->settings.keepalive_us;
	}
	if (due < *next)
		*next = due;
}

bool xmpp_link_tick(struct xmpp_session *s, struct now now, struct out *out,
		    struct proto_event *event, uint64_t *next)
{
	if (tick_back(s, now, event, next))
		return true;
	if (s->state == XMPP_STATE_LEAVING)
		return xmpp_link_leave(s, now, event, next);
	if (tick_change(s, now, out, event, next))
		return true;
	if (!is_component(s) && xmpp_dialback_tick(s, now, out, event, next))
		return true;
	tick_alive(s, now, out, next);
	return false;
}

static void give_all(struct xmpp_blocks *b, struct xmpp_list *list)
{
	while (list->first != XMPP_BLOCK_NONE) {
		uint32_t number = list->first;

		xmpp_list_remove(b, list, number);
		xmpp_block_give(b, number);
	}
}

/* Of several domains that a server has proven the first. */
void xmpp_link_party(const struct xmpp_session *s, struct proto_party *p)
{
	const struct xmpp_blocks *b = &s->instance->blocks;
	uint32_t                  number = s->pairs.first;
	const struct xmpp_pair   *pair = NULL;

	p->link = is_component(s) ? LINK_COMPONENT : LINK_SERVER;
	p->domain = true;
	if (s->role != XMPP_ROLE_SERVER_IN) {
		str_copy(p->name, sizeof(p->name), xmpp_other(s));
		return;
	}
	while (number != XMPP_BLOCK_NONE && pair == NULL) {
		if (xmpp_block_at(b, number)->u.pair.state == XMPP_PAIR_VALID)
			pair = &xmpp_block_at(b, number)->u.pair;
		number = xmpp_block_at(b, number)->next;
	}
	if (pair != NULL)
		str_copy(p->name, sizeof(p->name), (struct str){pair->other, pair->other_size});
}

void xmpp_link_known(struct xmpp_session *s)
{
	if (!s->stranger)
		return;
	s->instance->strangers--;
	xmpp_crowd_leave(&s->instance->sources, xmpp_link(s)->source);
	s->stranger = false;
}

bool xmpp_link_has_place(const struct xmpp_session *s)
{
	return xmpp_link(s)->federated || s->instance->federated < s->instance->federated_max;
}

void xmpp_link_federate(struct xmpp_session *s, struct now now)
{
	struct xmpp_link *l = xmpp_link(s);

	if (l->federated)
		return;
	ASSERT(s->instance->federated < s->instance->federated_max);
	l->federated = true;
	s->message_us = now.us;
	s->instance->federated++;
	metric_inc(s->instance->metrics, METRIC_xmpp_streams_federated);
}

static void federation_ends(struct xmpp_session *s)
{
	if (!xmpp_link(s)->federated)
		return;
	s->instance->federated--;
	metric_sub(s->instance->metrics, METRIC_xmpp_streams_federated, 1);
}

void xmpp_link_close(struct xmpp_session *s)
{
	xmpp_link_known(s);
	federation_ends(s);
	if (!is_component(s))
		xmpp_dialback_close(s);
	give_all(&s->instance->blocks, &s->back);
	xmpp_block_give(&s->instance->blocks, s->link);
	s->link = XMPP_BLOCK_NONE;
}
