/*
 * Dialback (XEP-0220): a server that comes says which domain it speaks for, and we ask the server
 * of that domain, over a stream that we open to it, whether the key is its own. The other way we
 * give a key and vouch for it to whoever asks: it is made of what it is for (XEP-0185), so that
 * every worker knows its own without having made it.
 */
#include "xmpp/scram_hash.h"
#include "xmpp/session_private.h"

#define KEY_SIZE (2 * SHA256_DIGEST_LENGTH)

static struct str key_of(const struct xmpp_session *s, struct str receiving, struct str originating,
			 struct str id, char room[KEY_SIZE])
{
	char       text[2 * XMPP_PART_SIZE_MAX + XMPP_STANZA_ID_MAX + 2];
	struct put w = put_to(text, sizeof(text)), key = put_to(room, KEY_SIZE);
	uint8_t    digest[SCRAM_HASH_MAX];

	put_str(&w, receiving);
	put_u8(&w, ' ');
	put_str(&w, originating);
	put_u8(&w, ' ');
	put_str(&w, id);
	ASSERT(!w.failed);
	scram_hmac(true, s->instance->secret, (struct str){text, put_size(&w)}, digest);
	xmpp_hex_put(&key, digest, SHA256_DIGEST_LENGTH);
	return (struct str){room, KEY_SIZE};
}

/* ---- pairs ---- */

static struct str own_of(const struct xmpp_pair *p)
{
	return (struct str){p->own, p->own_size};
}

static struct str other_of(const struct xmpp_pair *p)
{
	return (struct str){p->other, p->other_size};
}

struct xmpp_pair *xmpp_pair_find(const struct xmpp_session *s, struct str own, struct str other)
{
	const struct xmpp_blocks *b = &s->instance->blocks;

	for (uint32_t n = s->pairs.first; n != XMPP_BLOCK_NONE; n = xmpp_block_at(b, n)->next) {
		struct xmpp_pair *p = &xmpp_block_at(b, n)->u.pair;

		if (str_eq(own_of(p), own) && str_eq(other_of(p), other))
			return p;
	}
	return NULL;
}

static uint32_t pair_number(const struct xmpp_session *s, const struct xmpp_pair *p)
{
	const struct xmpp_block *block =
		(const struct xmpp_block *)((const char *)p - offsetof(struct xmpp_block, u));

	return xmpp_block_number(&s->instance->blocks, block);
}

/* Another server may prove its domain over a few streams, each for a few of ours. */
static bool pair_enters(struct xmpp_session *s, struct str other)
{
	struct xmpp_instance *i = s->instance;

	return s->role != XMPP_ROLE_SERVER_IN ||
	       xmpp_crowd_enter(&i->claimed, hash_sip(&i->text_key, other.p, other.n),
				XMPP_DOMAIN_PAIRS_MAX);
}

static void pair_leaves(struct xmpp_session *s, struct str other)
{
	struct xmpp_instance *i = s->instance;

	if (s->role == XMPP_ROLE_SERVER_IN)
		xmpp_crowd_leave(&i->claimed, hash_sip(&i->text_key, other.p, other.n));
}

struct xmpp_pair *xmpp_pair_new(struct xmpp_session *s, struct str own, struct str other)
{
	struct xmpp_blocks *b = &s->instance->blocks;
	uint32_t            number;
	struct xmpp_pair   *p;

	if (s->pairs.count == XMPP_PAIRS_MAX || own.n > XMPP_DOMAIN_MAX ||
	    other.n > XMPP_DOMAIN_MAX || !pair_enters(s, other))
		return NULL;
	number = xmpp_block_take(b);
	if (number == XMPP_BLOCK_NONE) {
		pair_leaves(s, other);
		return NULL;
	}
	p = &xmpp_block_at(b, number)->u.pair;
	*p = (struct xmpp_pair){
		.state = XMPP_PAIR_NEW, .peer = MSG_SLOT_NONE, .due_us = UINT64_MAX, .session = s};
	p->own_size = xmpp_keep(p->own, sizeof(p->own), own);
	p->other_size = xmpp_keep(p->other, sizeof(p->other), other);
	xmpp_list_append(b, &s->pairs, number);
	return p;
}

static void pair_end(struct xmpp_session *s, struct xmpp_pair *p)
{
	uint32_t number = pair_number(s, p);

	pair_leaves(s, other_of(p));
	xmpp_list_remove(&s->instance->blocks, &s->pairs, number);
	xmpp_block_give(&s->instance->blocks, number);
}

/* ---- what is said ---- */

/* "<db:result from='' to=''", up to what comes after its attributes. */
static void element_put(struct put *w, const char *name, struct str from, struct str to)
{
	put_str(w, STR("<db:"));
	put_str(w, str_of(name));
	xmpp_put_attribute(w, STR("from"), from);
	xmpp_put_attribute(w, STR("to"), to);
}

static void verdict_put(struct put *w, const char *name, struct str from, struct str to,
			struct str id, const char *type)
{
	element_put(w, name, from, to);
	if (id.n > 0)
		xmpp_put_attribute(w, STR("id"), id);
	xmpp_put_attribute(w, STR("type"), str_of(type));
	put_str(w, STR("/>"));
}

static void error_put(struct put *w, const char *name, struct str from, struct str to,
		      struct str id, enum xmpp_condition c)
{
	element_put(w, name, from, to);
	if (id.n > 0)
		xmpp_put_attribute(w, STR("id"), id);
	put_str(w, STR(" type=\"error\">"));
	xmpp_put_error(w, c, STR(""));
	put_str(w, STR("</db:"));
	put_str(w, str_of(name));
	put_u8(w, '>');
}

/* We prove a domain of ours to the server that we went to. */
static void prove(struct xmpp_session *s, struct now now, struct xmpp_pair *p, struct put *w)
{
	struct xmpp_link *l = xmpp_link(s);
	char              room[KEY_SIZE];

	element_put(w, "result", own_of(p), other_of(p));
	put_u8(w, '>');
	put_str(w, key_of(s, other_of(p), own_of(p), (struct str){l->id, l->id_size}, room));
	put_str(w, STR("</db:result>"));
	p->state = XMPP_PAIR_ASKED;
	p->due_us = now.us + XMPP_LINK_UP_US;
}

/* Of a stream that asks: what it is about; NULL: who wanted to know is gone. */
static struct xmpp_pair *asked_pair(const struct xmpp_session *s)
{
	struct xmpp_blocks *b = &s->instance->blocks;
	uint32_t            number = xmpp_block_find(b, xmpp_link(s)->pair);

	return number != XMPP_BLOCK_NONE ? &xmpp_block_at(b, number)->u.pair : NULL;
}

void xmpp_dialback_begin(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	struct xmpp_pair    *p;

	if (s->asks || s->state != XMPP_STATE_AUTH)
		return;
	s->asks = true;
	if (s->role == XMPP_ROLE_SERVER_OUT) {
		p = xmpp_pair_new(s, xmpp_own(s), xmpp_other(s));
		if (p == NULL)
			xmpp_close(in, XMPP_STREAM_RESOURCE_CONSTRAINT, REASON_POOL);
		else
			prove(s, in->now, p, &in->out->put);
		return;
	}
	p = asked_pair(s);
	if (p == NULL) {
		xmpp_close(in, XMPP_STREAM_ERROR_NONE, REASON_UNBOUND);
		return;
	}
	element_put(&in->out->put, "verify", own_of(p), other_of(p));
	xmpp_put_attribute(&in->out->put, STR("id"), (struct str){p->id, p->id_size});
	put_u8(&in->out->put, '>');
	xml_escape_put(&in->out->put, (struct str){p->key, p->key_size});
	xmpp_put(in, STR("</db:verify>"));
}

/* ---- what is heard ---- */

struct heard { /* of an element of dialback; in normal form */
	struct str from, to, id, key, type;
	char       room[2 * XMPP_PART_SIZE_MAX];
};

static bool heard_read(struct xmpp_input *in, struct heard *h)
{
	const struct xml *x = &in->stanza->x;
	struct put        w = put_to(h->room, sizeof(h->room));
	size_t            mark;

	if (!xmpp_domain_put(&w, xmpp_value(in->stanza->from, &in->room)))
		return false;
	h->from = (struct str){h->room, put_size(&w)};
	mark = put_size(&w);
	if (!xmpp_domain_put(&w, in->to))
		return false;
	h->to = (struct str){h->room + mark, put_size(&w) - mark};
	h->id = in->id;
	h->type = xmpp_attribute(x, STR("type"));
	h->key = STR("");
	return h->type.n > 0 || xml_text(&in->stanza->x, &in->room, &h->key);
}

/* Another server says which domain it speaks for. */
static void on_claim(struct xmpp_input *in, const struct heard *h)
{
	struct xmpp_session         *s = in->s;
	const struct proto_services *services = s->instance->services;
	struct xmpp_link            *l = xmpp_link(s);
	struct xmpp_pair            *p = xmpp_pair_find(s, h->to, h->from);
	enum xmpp_condition          c = XMPP_RESOURCE_CONSTRAINT;
	enum reason                  why = REASON_XMPP_DOMAIN;
	uint32_t                     slot = MSG_SLOT_NONE;
	struct flow                  where;

	if (p != NULL && p->state == XMPP_PAIR_VALID) {
		verdict_put(&in->out->put, "result", h->to, h->from, STR(""), "valid");
		return;
	}
	if (p != NULL)
		return; /* it is being asked for */
	if (l->claims == XMPP_CLAIMS_MAX) {
		xmpp_close(in, XMPP_STREAM_POLICY_VIOLATION, REASON_XMPP_DOMAIN);
		return;
	}
	l->claims++;
	if (!xmpp_serves(s, h->to))
		c = XMPP_ITEM_NOT_FOUND;
	else if (xmpp_serves(s, h->from) || h->key.n == 0 || h->key.n > XMPP_KEY_MAX)
		c = XMPP_NOT_ACCEPTABLE;
	else if (!services->server(services->context, s->instance->protocol, h->from, &slot,
				   &where))
		c = XMPP_REMOTE_SERVER_NOT_FOUND;
	else if (where.port == 0 && !xmpp_link_has_place(s))
		why = REASON_FEDERATION_FULL;
	else
		p = xmpp_pair_new(s, h->to, h->from);
	if (p == NULL) {
		metric_refused(s->instance->metrics, why);
		error_put(&in->out->put, "result", h->to, h->from, STR(""), c);
		return;
	}
	p->state = XMPP_PAIR_ASKED;
	p->peer = slot;
	p->open = where.port == 0;
	p->due_us = in->now.us + XMPP_LINK_UP_US;
	p->key_size = xmpp_keep(p->key, sizeof(p->key), h->key);
	p->id_size = xmpp_keep(p->id, sizeof(p->id), (struct str){l->id, l->id_size});
	in->event->kind = EVENT_DIAL;
	in->event->dial = where;
	in->event->dial_domain = other_of(p);
	in->event->token =
		xmpp_block_token(&s->instance->blocks, pair_number(s, p)) | XMPP_TOKEN_DIAL;
}

/* Somebody asks whether a key is ours: it says itself what it is for. */
static void on_question(struct xmpp_input *in, const struct heard *h)
{
	char room[KEY_SIZE];
	bool right;

	if (h->id.n == 0 || h->id.n > XMPP_STANZA_ID_MAX) {
		xmpp_close(in, XMPP_STREAM_IMPROPER_ADDRESSING, REASON_XMPP_STANZA);
		return;
	}
	if (!xmpp_serves(in->s, h->to)) {
		error_put(&in->out->put, "verify", h->to, h->from, h->id, XMPP_ITEM_NOT_FOUND);
		return;
	}
	right = str_eq(h->key, key_of(in->s, h->from, h->to, h->id, room));
	verdict_put(&in->out->put, "verify", h->to, h->from, h->id, right ? "valid" : "invalid");
}

/* The answer to our own claim. */
static void on_verdict(struct xmpp_input *in, const struct heard *h)
{
	struct xmpp_session *s = in->s;
	struct xmpp_pair    *p = xmpp_pair_find(s, h->to, h->from);

	if (p == NULL || p->state != XMPP_PAIR_ASKED)
		return;
	p->due_us = UINT64_MAX;
	p->state = str_eq(h->type, STR("valid")) ? XMPP_PAIR_VALID : XMPP_PAIR_FAILED;
	s->waits = false;
	if (p->state == XMPP_PAIR_FAILED)
		metric_refused(s->instance->metrics, REASON_XMPP_DOMAIN);
	if (s->state == XMPP_STATE_UP)
		return;
	if (p->state == XMPP_PAIR_FAILED) {
		xmpp_close(in, XMPP_STREAM_ERROR_NONE, REASON_XMPP_DOMAIN);
		return;
	}
	s->state = XMPP_STATE_UP;
	in->event->kind = EVENT_UP;
}

/* The stream that wanted to know hears of it. */
static void asked_end(struct xmpp_session *s, enum xmpp_pair_state state)
{
	const struct proto_services *services = s->instance->services;
	struct xmpp_pair            *p = asked_pair(s);

	if (p == NULL || p->state != XMPP_PAIR_ASKED)
		return;
	p->state = (uint8_t)state;
	services->wake(services->context, p->session);
}

/* The answer to our question. */
static void on_answer(struct xmpp_input *in, const struct heard *h)
{
	struct xmpp_session    *s = in->s;
	const struct xmpp_pair *p = asked_pair(s);

	if (p != NULL && str_eq(own_of(p), h->to) && str_eq(other_of(p), h->from) &&
	    str_eq(h->id, (struct str){p->id, p->id_size}))
		asked_end(s, str_eq(h->type, STR("valid"))     ? XMPP_PAIR_RIGHT
			     : str_eq(h->type, STR("invalid")) ? XMPP_PAIR_WRONG
							       : XMPP_PAIR_UNKNOWN);
	xmpp_close(in, XMPP_STREAM_ERROR_NONE, REASON_UNBOUND);
}

void xmpp_dialback_on_element(struct xmpp_input *in)
{
	const struct xml *x = &in->stanza->x;
	bool              result = xml_is(x, STR(XMPP_SPACE_DIALBACK), STR("result"));
	bool              verify = xml_is(x, STR(XMPP_SPACE_DIALBACK), STR("verify"));
	enum xmpp_role    role = (enum xmpp_role)in->s->role;
	struct heard      h;

	if (!result && !verify)
		xmpp_close(in, XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, REASON_XMPP_STANZA);
	else if (!heard_read(in, &h))
		xmpp_close(in, XMPP_STREAM_IMPROPER_ADDRESSING, REASON_XMPP_STANZA);
	else if (role == XMPP_ROLE_SERVER_IN && h.type.n == 0)
		(result ? on_claim : on_question)(in, &h);
	else if (role == XMPP_ROLE_SERVER_OUT && result && h.type.n > 0)
		on_verdict(in, &h);
	else if (role == XMPP_ROLE_VERIFY && verify && h.type.n > 0)
		on_answer(in, &h);
	else
		xmpp_close(in, XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, REASON_XMPP_STANZA);
}

/* ---- timers and ends ---- */

/* It is who it says. */
static void tell_right(struct xmpp_session *s, struct now now, struct xmpp_pair *p, struct out *out)
{
	const struct proto_services *services = s->instance->services;

	if (p->open)
		xmpp_link_federate(s, now);
	verdict_put(&out->put, "result", own_of(p), other_of(p), STR(""), "valid");
	p->state = XMPP_PAIR_VALID;
	p->due_us = UINT64_MAX;
	s->state = XMPP_STATE_UP;
	xmpp_link_known(s);
	metric_inc(s->instance->metrics, METRIC_xmpp_domains_proven);
	services->proven(services->context, other_of(p));
}

/* Nothing comes of the claim. */
static void tell_error(struct xmpp_session *s, struct xmpp_pair *p, struct out *out,
		       enum xmpp_condition c, enum reason why)
{
	error_put(&out->put, "result", own_of(p), other_of(p), STR(""), c);
	metric_refused(s->instance->metrics, why);
	pair_end(s, p);
}

/* What was found out of a claim is told. True: the stream is over. */
static bool tell(struct xmpp_session *s, struct now now, struct xmpp_pair *p, struct out *out,
		 struct proto_event *event)
{
	if (p->state == XMPP_PAIR_RIGHT && p->open && !xmpp_link_has_place(s)) {
		tell_error(s, p, out, XMPP_RESOURCE_CONSTRAINT, REASON_FEDERATION_FULL);
		return false;
	}
	if (p->state == XMPP_PAIR_RIGHT) {
		tell_right(s, now, p, out);
		return false;
	}
	if (p->state == XMPP_PAIR_UNKNOWN) {
		tell_error(s, p, out, XMPP_REMOTE_SERVER_TIMEOUT, REASON_XMPP_DOMAIN);
		return false;
	}
	verdict_put(&out->put, "result", own_of(p), other_of(p), STR(""), "invalid");
	xmpp_end_put(s, &out->put, XMPP_STREAM_ERROR_NONE);
	s->state = XMPP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = REASON_XMPP_DOMAIN;
	return true;
}

/* Ours: one more domain is proven, or no answer came in time. */
static void tick_own(struct xmpp_session *s, struct now now, struct xmpp_pair *p, struct out *out)
{
	if (p->state == XMPP_PAIR_NEW && out_fits(out, XMPP_ANSWER_ROOM)) {
		prove(s, now, p, &out->put);
	} else if (p->state == XMPP_PAIR_ASKED) {
		p->state = XMPP_PAIR_FAILED;
		p->due_us = UINT64_MAX;
		s->waits = false;
		metric_refused(s->instance->metrics, REASON_XMPP_DOMAIN);
	}
}

/* Of the other side: told as soon as it is known. True: the stream is over. */
static bool tick_other(struct xmpp_session *s, struct now now, struct xmpp_pair *p, struct out *out,
		       struct proto_event *event)
{
	if (p->state == XMPP_PAIR_ASKED)
		p->state = XMPP_PAIR_UNKNOWN; /* its time is over */
	return p->state >= XMPP_PAIR_RIGHT && p->state <= XMPP_PAIR_UNKNOWN &&
	       out_fits(out, XMPP_ANSWER_ROOM) && tell(s, now, p, out, event);
}

bool xmpp_dialback_tick(struct xmpp_session *s, struct now now, struct out *out,
			struct proto_event *event, uint64_t *next)
{
	const struct xmpp_blocks *b = &s->instance->blocks;
	uint32_t                  after;

	for (uint32_t n = s->pairs.first; n != XMPP_BLOCK_NONE; n = after) {
		struct xmpp_pair *p = &xmpp_block_at(b, n)->u.pair;

		after = xmpp_block_at(b, n)->next;
		if (p->state == XMPP_PAIR_ASKED && now.us < p->due_us) {
			if (p->due_us < *next)
				*next = p->due_us;
		} else if (s->role == XMPP_ROLE_SERVER_OUT) {
			tick_own(s, now, p, out);
		} else if (tick_other(s, now, p, out, event)) {
			return true;
		}
	}
	return false;
}

bool xmpp_dialback_holds(struct xmpp_session *s)
{
	const struct xmpp_blocks    *b = &s->instance->blocks;
	const struct proto_services *services = s->instance->services;

	for (uint32_t n = s->pairs.first; n != XMPP_BLOCK_NONE; n = xmpp_block_at(b, n)->next) {
		struct xmpp_pair *p = &xmpp_block_at(b, n)->u.pair;
		struct flow       where;

		if (p->open && (!services->server(services->context, s->instance->protocol,
						  other_of(p), &p->peer, &where) ||
				where.port != 0)) /* it has a peer, which says where to ask */
			return false;
	}
	return true;
}

void xmpp_dialback_undialled(struct xmpp_session *s, uint64_t token)
{
	struct xmpp_blocks          *b = &s->instance->blocks;
	const struct proto_services *services = s->instance->services;
	uint32_t                     number = xmpp_block_find(b, token & ~XMPP_TOKEN_DIAL);

	if (number == XMPP_BLOCK_NONE)
		return;
	xmpp_block_at(b, number)->u.pair.state = XMPP_PAIR_UNKNOWN;
	services->wake(services->context, s);
}

void xmpp_dialback_close(struct xmpp_session *s)
{
	if (s->role == XMPP_ROLE_VERIFY)
		asked_end(s, XMPP_PAIR_UNKNOWN);
	while (s->pairs.first != XMPP_BLOCK_NONE)
		pair_end(s, &xmpp_block_at(&s->instance->blocks, s->pairs.first)->u.pair);
}
