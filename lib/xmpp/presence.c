/*
 * Presence (RFC 6121, 3 and 4). What a client says of itself is kept beside who it is, and told in
 * a tour: to the user's own resources, and to those of whom control says that they may see it; who
 * asks later is answered from what is kept. A tour goes on when the connection is gone, to say so.
 */
#include "xmpp/session_private.h"

/* Of this resource, as it is. */
static struct xmpp_own own_presence(const struct xmpp_session *s)
{
	const struct xmpp_who *who = xmpp_who(s);
	struct str             presence = xmpp_who_part(who, XMPP_WHO_PRESENCE);

	return (struct xmpp_own){
		.head = {.kind = XMPP_PRESENCE,
			 .type = s->available ? XMPP_TYPE_NONE : XMPP_TYPE_UNAVAILABLE,
			 .lang = {presence.p, who->language_size}},
		.payloads = str_skip(presence, who->language_size),
	};
}

/* ---- whom the client told by name ---- */

/* Where it stands; the end: it does not. */
static uint32_t directed_find(const struct xmpp_directed *d, struct str jid)
{
	uint32_t at = 0;

	while (at < d->size) {
		uint32_t n = (uint32_t)d->text[at] << 8 | d->text[at + 1];

		if (str_eq(jid, (struct str){(const char *)d->text + at + 2, n}))
			return at;
		at += 2 + n;
	}
	return at;
}

static struct xmpp_directed *directed_of(struct xmpp_session *s)
{
	return s->directed != XMPP_BLOCK_NONE
		       ? &xmpp_block_at(&s->instance->blocks, s->directed)->u.directed
		       : NULL;
}

/* False: there is no room to remember it. */
static bool directed_add(struct xmpp_session *s, struct str jid)
{
	struct xmpp_directed *d = directed_of(s);

	if (d == NULL) {
		s->directed = xmpp_block_take(&s->instance->blocks);
		if (s->directed == XMPP_BLOCK_NONE)
			return false;
		d = directed_of(s);
		d->size = 0;
	}
	if (directed_find(d, jid) < d->size)
		return true;
	if (jid.n + 2 > sizeof(d->text) - d->size)
		return false;
	d->text[d->size] = (uint8_t)(jid.n >> 8);
	d->text[d->size + 1] = (uint8_t)jid.n;
	memcpy(d->text + d->size + 2, jid.p, jid.n);
	d->size = (uint16_t)(d->size + 2 + jid.n);
	return true;
}

static void directed_remove(struct xmpp_session *s, struct str jid)
{
	struct xmpp_directed *d = directed_of(s);
	uint32_t              at = d != NULL ? directed_find(d, jid) : 0;

	if (d == NULL || at == d->size)
		return;
	memmove(d->text + at, d->text + at + 2 + jid.n, d->size - at - 2 - jid.n);
	d->size = (uint16_t)(d->size - 2 - jid.n);
}

/* Who knows all that the client says of itself is told its end with all others (RFC 6121, 4.6.3).
 * False: it came back. */
static bool directed_note(struct xmpp_input *in, const struct xmpp_jid *to)
{
	char       text[XMPP_JID_SIZE_MAX];
	struct put w = put_to(text, sizeof(text));
	struct str jid;

	xmpp_jid_put(&w, to);
	jid = (struct str){text, put_size(&w)};
	if (in->stanza->type == XMPP_TYPE_UNAVAILABLE) {
		directed_remove(in->s, jid);
		return true;
	}
	if (in->stanza->type != XMPP_TYPE_NONE || directed_add(in->s, jid))
		return true;
	xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_POOL);
	return false;
}

/* Directed to somebody (RFC 6121, 4.6), or the answer to such. A domain of ours is nobody. */
static void on_directed(struct xmpp_input *in)
{
	struct xmpp_jid to;

	if (!xmpp_to(in, &to))
		return;
	if (to.local.n == 0 && xmpp_serves(in->s, to.domain))
		metric_inc(in->s->instance->metrics, METRIC_xmpp_stanzas_ignored);
	else if (xmpp_is_blocked(in->s, &to))
		xmpp_refuse_blocked(in);
	else if (in->s->item_place != 0 || directed_note(in, &to))
		xmpp_give(in, &to);
}

/* ---- what the client says of itself ---- */

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

/* The text of a payload that stands for itself. */
static bool read_priority(struct str payload, struct put *room, int8_t *priority)
{
	struct xml_scope none = {0};
	struct xml       x;
	struct str       text;

	xml_child_open(&x, payload, &none);
	return xml_next(&x) == XML_START && xmpp_text(&x, room, &text) &&
	       priority_of(trimmed(text), priority);
}

struct said { /* by a client, of itself */
	struct str          language, payloads;
	int8_t              priority;
	enum xmpp_condition wrong;
};

static struct said read_said(struct xmpp_input *in)
{
	struct xmpp_stanza *stanza = in->stanza;
	struct said         said = {.language = xmpp_value(stanza->lang, &in->room)};
	size_t              half = put_room(&in->room) / 2;
	struct put payloads = put_to(in->room.p, half), rest = put_to(in->room.p + half, half);
	enum xmpp_payload p;

	while (xmpp_payload_next(stanza, &p)) {
		const char *start = (const char *)payloads.p;

		xmpp_element_put(&stanza->x, stanza->content, &payloads);
		if (p == XMPP_PAYLOAD_PRIORITY &&
		    !read_priority((struct str){start, (size_t)((const char *)payloads.p - start)},
				   &rest, &said.priority))
			said.wrong = XMPP_BAD_REQUEST;
	}
	said.payloads = (struct str){(const char *)payloads.start, put_size(&payloads)};
	if (said.wrong == XMPP_CONDITION_NONE &&
	    (payloads.failed || said.language.n > UINT8_MAX ||
	     said.language.n + said.payloads.n > XMPP_PRESENCE_MAX))
		said.wrong = XMPP_POLICY_VIOLATION;
	return said;
}

/* False: there is no block for so much. */
static bool keep_said(struct xmpp_session *s, const struct said *said, bool available)
{
	char       room[XMPP_PRESENCE_MAX];
	struct put w = put_to(room, sizeof(room));

	put_str(&w, said->language);
	put_str(&w, said->payloads);
	if (!xmpp_who_set(s, XMPP_WHO_PRESENCE, (struct str){room, put_size(&w)}))
		return false;
	xmpp_who(s)->language_size = (uint8_t)said->language.n;
	s->arriving = available && (!s->available || s->arriving);
	s->available = available;
	s->priority = said->priority;
	return true;
}

/* ---- for who goes on in its place ---- */

bool xmpp_kept_any(const struct xmpp_session *s)
{
	return s->who != XMPP_BLOCK_NONE && (xmpp_who_part(xmpp_who(s), XMPP_WHO_PRESENCE).n > 0 ||
					     s->directed != XMPP_BLOCK_NONE);
}

void xmpp_kept_put(struct xmpp_session *s, struct put *w)
{
	const struct xmpp_who      *who = xmpp_who(s);
	const struct xmpp_directed *d = directed_of(s);
	struct str                  presence = xmpp_who_part(who, XMPP_WHO_PRESENCE);

	put_u8(w, who->language_size);
	put_be16(w, (uint16_t)(presence.n - who->language_size));
	put_str(w, presence);
	if (d != NULL)
		put_bytes(w, d->text, d->size);
}

void xmpp_kept_read(struct xmpp_session *s, struct cur kept)
{
	struct said said = {.priority = s->priority};
	size_t      language = cur_u8(&kept), payloads = cur_be16(&kept);

	said.language = (struct str){(const char *)cur_bytes(&kept, language), language};
	said.payloads = (struct str){(const char *)cur_bytes(&kept, payloads), payloads};
	if (kept.failed || language + payloads > XMPP_PRESENCE_MAX)
		return;
	if (!s->said_own)
		keep_said(s, &said, s->available);
	while (cur_left(&kept) > 0) {
		size_t         n = cur_be16(&kept);
		const uint8_t *jid = cur_bytes(&kept, n);

		if (kept.failed || !directed_add(s, (struct str){(const char *)jid, n}))
			return;
	}
}

/* ---- what the client says of itself, again ---- */

/* Over time one a second, for each is told to as many as the roster has. */
static bool too_often(struct xmpp_session *s, struct now now)
{
	if (s->presence_us > now.us + (XMPP_PRESENCE_BURST - 1) * XMPP_PRESENCE_US)
		return true;
	s->presence_us = (s->presence_us > now.us ? s->presence_us : now.us) + XMPP_PRESENCE_US;
	return false;
}

/* Presence of the client itself (RFC 6121, 4.2, 4.4 and 4.5). */
static void on_own(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	bool                 available = in->stanza->type == XMPP_TYPE_NONE;
	bool                 same_place;
	struct said          said = read_said(in);

	if (said.wrong == XMPP_CONDITION_NONE && available && too_often(s, in->now))
		said.wrong = XMPP_POLICY_VIOLATION;
	if (said.wrong != XMPP_CONDITION_NONE) {
		xmpp_refuse(in, said.wrong, REASON_XMPP_STANZA);
		return;
	}
	if (!available && !s->available && s->directed == XMPP_BLOCK_NONE)
		return; /* nobody knows of it */
	s->said_own = true;
	same_place = s->available == available && s->priority == said.priority;
	if (!keep_said(s, &said, available)) {
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_POOL);
		return;
	}
	s->tour = same_place ? XMPP_TOUR_OWN : XMPP_TOUR_BINDING;
	s->tour_place = s->at = 0;
	if (!same_place)
		xmpp_register(in);
}

/* What is known to no one but us is told to nobody: the next presence tries again. */
void xmpp_answer_presence(struct xmpp_session *s, enum reason why)
{
	ASSERT(s->registering > 0);
	if (--s->registering > 0)
		return;
	s->rebinding = false;
	if (s->tour == XMPP_TOUR_BINDING)
		s->tour = why == REASON_NONE ? XMPP_TOUR_OWN : XMPP_TOUR_NONE;
}

/* ---- subscriptions ---- */

enum roster_presence xmpp_roster_type(enum xmpp_type type)
{
	return type == XMPP_TYPE_SUBSCRIBE     ? ROSTER_SUBSCRIBE
	       : type == XMPP_TYPE_SUBSCRIBED  ? ROSTER_SUBSCRIBED
	       : type == XMPP_TYPE_UNSUBSCRIBE ? ROSTER_UNSUBSCRIBE
					       : ROSTER_UNSUBSCRIBED;
}

bool xmpp_roster_payload(struct xmpp_input *in, struct str *payload)
{
	struct put        w = put_to(in->room.p, put_room(&in->room));
	enum xmpp_payload p;

	while (xmpp_payload_next(in->stanza, &p))
		xmpp_element_put(&in->stanza->x, in->stanza->content, &w);
	*payload = (struct str){(const char *)w.start, put_size(&w)};
	return !w.failed && payload->n <= ROSTER_PAYLOAD_SIZE_MAX;
}

/* To control, whatever it comes to (RFC 6121, 3): from the user, to the user. */
static void on_subscription(struct xmpp_input *in)
{
	struct xmpp_session   *s = in->s;
	struct xmpp_jid        self = xmpp_self(s), to;
	char                   text[ROSTER_BARE_SIZE_MAX];
	struct put             bare = put_to(text, sizeof(text));
	struct roster_question q = {.ask = ROSTER_ASK_SUBSCRIPTION_OUT,
				    .type = xmpp_roster_type(in->stanza->type)};

	if (!in->stanza->has_to) {
		xmpp_refuse(in, XMPP_BAD_REQUEST, REASON_XMPP_STANZA);
		return;
	}
	if (!xmpp_to(in, &to) || xmpp_jid_same_bare(&to, &self))
		return;
	if (xmpp_is_blocked(s, &to)) {
		xmpp_refuse_blocked(in);
		return;
	}
	xmpp_jid_put_bare(&bare, &to);
	if (!xmpp_roster_payload(in, &q.payload) || bare.failed) {
		xmpp_refuse(in, XMPP_POLICY_VIOLATION, REASON_MESSAGE_SIZE);
		return;
	}
	q.contact = (struct str){text, put_size(&bare)};
	q.contact_is_local = xmpp_serves(s, to.domain);
	xmpp_ask_for(in, &q);
}

void xmpp_on_presence(struct xmpp_input *in)
{
	switch (in->stanza->type) {
	case XMPP_TYPE_NONE:
	case XMPP_TYPE_UNAVAILABLE:
		if (in->stanza->has_to)
			on_directed(in);
		else
			on_own(in);
		return;
	case XMPP_TYPE_ERROR:
		if (in->stanza->has_to)
			on_directed(in);
		return;
	case XMPP_TYPE_SUBSCRIBE:
	case XMPP_TYPE_SUBSCRIBED:
	case XMPP_TYPE_UNSUBSCRIBE:
	case XMPP_TYPE_UNSUBSCRIBED:
		on_subscription(in);
		return;
	case XMPP_TYPE_PROBE: /* for servers to send (4.3) */
	case XMPP_TYPE_NORMAL:
	case XMPP_TYPE_CHAT:
	case XMPP_TYPE_GROUPCHAT:
	case XMPP_TYPE_HEADLINE:
	case XMPP_TYPE_GET:
	case XMPP_TYPE_SET:
	case XMPP_TYPE_RESULT:
	case XMPP_TYPE_BAD:
	case XMPP_TYPE_COUNT:
		break;
	}
	metric_inc(in->s->instance->metrics, METRIC_xmpp_stanzas_ignored);
}

/* ---- the tour ---- */

/* Another stream has the resource and says for itself that it is there. */
static bool is_succeeded(struct xmpp_session *s)
{
	struct xmpp_jid            self = xmpp_self(s);
	struct str                 stream = {xmpp_who(s)->stream, XMPP_TEXT_SIZE};
	const struct proto_record *r = NULL;

	if (s->state == XMPP_STATE_LEAVING)
		r = xmpp_record(s, &self);
	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		const struct proto_binding *b = &r->bindings[i];

		if ((b->features & XMPP_FEATURE_AVAILABLE) != 0 &&
		    str_eq(proto_binding_text(r, b, BINDING_CONTACT), self.resource) &&
		    !str_eq(proto_binding_text(r, b, BINDING_CALL), stream))
			return true;
	}
	return false;
}

static struct xmpp_parcel parcel_to(struct xmpp_session *s, const struct xmpp_jid *to, bool probe)
{
	struct xmpp_parcel p = {.own = own_presence(s),
				.from = xmpp_self(s),
				.to = *to,
				.features = XMPP_FEATURE_AVAILABLE,
				.not_self = probe || !s->available};

	if (probe)
		p.own = (struct xmpp_own){
			.head = {.kind = XMPP_PRESENCE, .type = XMPP_TYPE_PROBE},
			.order = XMPP_ORDER_PRESENCE,
		};
	return p;
}

void xmpp_tour_over(struct xmpp_session *s)
{
	s->tour = XMPP_TOUR_NONE;
	s->arriving = false;
	s->tour_place = s->at = 0;
}

/* Each that was told by name; then nobody is. */
static enum xmpp_carried tour_directed(struct xmpp_session *s, struct now now,
				       struct proto_event *event)
{
	struct xmpp_directed *d = directed_of(s);
	enum xmpp_carried     carried;
	struct xmpp_parcel    p;
	struct xmpp_jid       to;

	while (d != NULL && s->at < d->size) {
		uint32_t n = (uint32_t)d->text[s->at] << 8 | d->text[s->at + 1];

		xmpp_bare((struct str){(const char *)d->text + s->at + 2, n}, &to);
		p = parcel_to(s, &to, false);
		carried = xmpp_carry(s, now, event, &p, &s->tour_place);
		if (carried != XMPP_CARRIED_ALL)
			return carried;
		s->at += 2 + n;
	}
	if (d != NULL)
		xmpp_block_give(&s->instance->blocks, s->directed);
	s->directed = XMPP_BLOCK_NONE;
	s->at = 0;
	return XMPP_CARRIED_ALL;
}

static enum xmpp_carried tour_own(struct xmpp_session *s, struct now now, struct proto_event *event,
				  bool probe)
{
	struct xmpp_jid    to = xmpp_self(s);
	struct xmpp_parcel p;

	to.resource = STR("");
	p = parcel_to(s, &to, probe);
	return xmpp_carry(s, now, event, &p, &s->tour_place);
}

static enum xmpp_tour tour_next(const struct xmpp_session *s)
{
	if (s->tour == XMPP_TOUR_OWN && s->arriving)
		return XMPP_TOUR_PROBE;
	if (s->tour == XMPP_TOUR_OWN && !s->available)
		return XMPP_TOUR_DIRECTED;
	return XMPP_TOUR_AUDIENCE;
}

/* True: event is given. */
static bool ask_audience(struct xmpp_session *s, struct now now, struct proto_event *event,
			 uint64_t *next)
{
	if (s->asked)
		return false;
	if (now.us < s->ask_due_us) {
		if (s->ask_due_us < *next)
			*next = s->ask_due_us;
		return false;
	}
	xmpp_ask(s, now, event, XMPP_ASKER_TOUR,
		 &(struct roster_question){.ask = ROSTER_ASK_AUDIENCE});
	return true;
}

static bool leave(struct xmpp_session *s, struct proto_event *event)
{
	s->state = XMPP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = (enum reason)s->close_why;
	return true;
}

bool xmpp_tick_tour(struct xmpp_session *s, struct now now, struct proto_event *event,
		    uint64_t *next)
{
	enum xmpp_carried carried = XMPP_CARRIED_ALL;

	if (s->state == XMPP_STATE_LEAVING && !s->asked &&
	    (s->tour == XMPP_TOUR_NONE || is_succeeded(s) || now.us >= s->login_due_us))
		return leave(s, event);
	if (s->state == XMPP_STATE_LEAVING && s->login_due_us < *next)
		*next = s->login_due_us;
	while (s->tour > XMPP_TOUR_BINDING && s->tour < XMPP_TOUR_AUDIENCE &&
	       carried == XMPP_CARRIED_ALL) {
		carried = s->tour == XMPP_TOUR_DIRECTED
				  ? tour_directed(s, now, event)
				  : tour_own(s, now, event, s->tour == XMPP_TOUR_PROBE);
		if (carried == XMPP_CARRIED_ALL)
			s->tour = (uint8_t)tour_next(s);
	}
	if (carried == XMPP_CARRIED_WAIT && s->carried == 0)
		*next = now.us;
	if (s->tour == XMPP_TOUR_AUDIENCE)
		return ask_audience(s, now, event, next);
	return carried == XMPP_CARRIED_ONE;
}

/* ---- the audience ---- */

/* Who has asked to be let in and is not answered (RFC 6121, 3.1.3). */
static void put_request(struct xmpp_session *s, const struct roster_contact *c, struct out *out)
{
	struct xmpp_jid self = xmpp_self(s);
	char            text[XMPP_JID_SIZE_MAX];
	struct put      to = put_to(text, sizeof(text));

	xmpp_jid_put_bare(&to, &self);
	xmpp_put_head(&out->put, &(struct xmpp_head){.kind = XMPP_PRESENCE,
						     .type = XMPP_TYPE_SUBSCRIBE,
						     .from = c->jid,
						     .to = {text, put_size(&to)}});
	put_str(&out->put, STR(">"));
	put_str(&out->put, c->payload);
	put_str(&out->put, STR("</presence>"));
	xmpp_sent(s);
}

/* What one of them gets: presence first, then the question for its own. */
static enum xmpp_carried tell_contact(struct xmpp_session *s, struct now now,
				      const struct roster_contact *c, struct proto_event *event)
{
	enum xmpp_carried  carried = XMPP_CARRIED_ALL;
	struct xmpp_parcel p;
	struct xmpp_jid    to;

	if (!xmpp_bare(c->jid, &to) || xmpp_is_blocked(s, &to))
		return XMPP_CARRIED_ALL;
	if (s->at == 0 && c->watches) {
		p = parcel_to(s, &to, false);
		carried = xmpp_carry(s, now, event, &p, &s->tour_place);
	}
	if (carried != XMPP_CARRIED_ALL)
		return carried;
	s->at = 1;
	if (c->watched && s->arriving) {
		p = parcel_to(s, &to, true);
		carried = xmpp_carry(s, now, event, &p, &s->tour_place);
	}
	if (carried == XMPP_CARRIED_ALL)
		s->at = 0;
	return carried;
}

bool xmpp_told_audience(struct xmpp_session *s, struct now now, struct cur *answer, struct out *out,
			struct proto_event *event)
{
	struct cur            c = *answer;
	struct roster_contact contact;

	while (roster_contact_next(&c, &contact)) {
		enum xmpp_carried carried = XMPP_CARRIED_ALL;

		if (!is_succeeded(s))
			carried = tell_contact(s, now, &contact, event);
		if (carried != XMPP_CARRIED_ALL)
			return carried == XMPP_CARRIED_ONE;
		if (contact.request && s->arriving && s->state == XMPP_STATE_UP) {
			if (!out_fits(out, XMPP_ANSWER_ROOM))
				return false;
			put_request(s, &contact, out);
		}
		*answer = c;
	}
	answer->p = answer->end;
	return false;
}

bool xmpp_tick_owed(struct xmpp_session *s, struct now now, struct proto_event *event,
		    uint64_t *next)
{
	struct xmpp_blocks *b = &s->instance->blocks;

	while (s->owed.first != XMPP_BLOCK_NONE && !xmpp_blocks_awaited(s, now)) {
		uint32_t                number = s->owed.first;
		const struct xmpp_owed *o = &xmpp_block_at(b, number)->u.owed;
		enum xmpp_carried       carried = XMPP_CARRIED_ALL;
		struct xmpp_parcel      p;
		struct xmpp_jid         to;

		if (xmpp_bare((struct str){o->to, o->to_size}, &to) &&
		    (s->available || o->farewell) && (o->farewell || !xmpp_is_blocked(s, &to))) {
			p = parcel_to(s, &to, false);
			if (o->farewell)
				p.own = (struct xmpp_own){.head = {.kind = XMPP_PRESENCE,
								   .type = XMPP_TYPE_UNAVAILABLE}};
			carried = xmpp_carry(s, now, event, &p, &s->owed_place);
		}
		if (carried == XMPP_CARRIED_WAIT && s->carried == 0)
			*next = now.us;
		if (carried != XMPP_CARRIED_ALL)
			return carried == XMPP_CARRIED_ONE;
		xmpp_list_remove(b, &s->owed, number);
		xmpp_block_give(b, number);
	}
	return false;
}

/* ---- the end ---- */

bool xmpp_outlive(void *session, struct now now, enum reason why, struct out *out)
{
	struct xmpp_session *s = session;

	if (s->link != XMPP_BLOCK_NONE)
		return xmpp_link_outlive(s, now, why);
	if (s->who == XMPP_BLOCK_NONE || why == REASON_SHUTDOWN || s->moved ||
	    (!s->available && s->directed == XMPP_BLOCK_NONE) || s->state == XMPP_STATE_LEAVING)
		return false;
	if (out != NULL && s->state != XMPP_STATE_CLOSED)
		xmpp_end_put(s, &out->put, xmpp_stream_error_of(why));
	s->state = XMPP_STATE_LEAVING;
	s->close_why = (uint8_t)why;
	s->close_due = s->available = false;
	s->interested = s->blocklist = false;
	xmpp_who_set(s, XMPP_WHO_PRESENCE, STR(""));
	xmpp_who(s)->language_size = 0;
	xmpp_tour_over(s);
	s->tour = XMPP_TOUR_OWN;
	s->login_due_us = now.us + XMPP_LEAVE_US;
	return true;
}
