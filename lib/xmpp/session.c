#include "xmpp/session.h"

#include <assert.h>
#include <errno.h>

#include "xmpp/scram_hash.h"
#include "xmpp/session_private.h"

static_assert(XMPP_SASL_SECRET_SIZE == PROTO_KEPT_SECRET_SIZE &&
		      XMPP_SASL_SECRET_SIZE == SHA256_DIGEST_LENGTH,
	      "one is made of the other");
static_assert(sizeof(struct xmpp_session) <= 640, "a hundred thousand idle sessions fit in 64 MB");

static int instance_init(void *instance, const struct proto_instance_config *config)
{
	struct xmpp_instance *i = instance;
	struct random         random;

	if (config->block_count < XMPP_BLOCKS_MIN || config->services == NULL)
		return -EINVAL;
	i->metrics = config->metrics;
	i->services = config->services;
	i->protocol = config->protocol;
	i->federated_max = config->federated_max;
	i->domain_count = 0;
	i->texts = 0;
	random_seed(&random, config->seed ^ 0x786d7070ull);
	i->text_key.k0 = random_next(&random);
	i->text_key.k1 = random_next(&random);
	scram_hmac(true, config->kept_secret, STR("XMPP SASL salts"), i->secret);
	xmpp_blocks_init(&i->blocks, config->blocks, config->block_count);
	xmpp_caps_make(i, config->contacts, config->contact_count);
	return 0;
}

struct str xmpp_domain(const struct xmpp_session *s)
{
	const struct xmpp_domain *d = &s->instance->domains[s->domain];

	return (struct str){d->text, d->size};
}

/* Domains are few and sessions many: each is kept once. False: there is no place for it. */
bool xmpp_domain_set(struct xmpp_session *s, struct str domain)
{
	struct xmpp_instance *i = s->instance;
	struct xmpp_domain   *d;

	for (uint32_t n = 0; n < i->domain_count; n++) {
		s->domain = (uint8_t)n;
		if (str_eq(xmpp_domain(s), domain))
			return true;
	}
	s->domain = 0;
	if (i->domain_count == XMPP_DOMAINS_MAX || domain.n > XMPP_DOMAIN_SIZE_MAX)
		return false;
	s->domain = (uint8_t)i->domain_count;
	d = &i->domains[i->domain_count++];
	d->size = (uint8_t)domain.n;
	if (domain.n > 0)
		memcpy(d->text, domain.p, domain.n);
	return true;
}

/* Letters and digits that nobody can guess, each time others. */
struct str xmpp_text_new(struct xmpp_instance *i, char room[XMPP_TEXT_SIZE])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t          hash = hash_sip(&i->text_key, &i->texts, sizeof(i->texts));
	uint64_t          number = i->texts++;

	for (unsigned n = 0; n < 12; n++)
		room[n] = digits[hash >> (5 * n) & 31];
	for (unsigned n = 12; n < XMPP_TEXT_SIZE; n++) /* and for a million none comes again */
		room[n] = digits[number >> (5 * (n - 12)) & 31];
	return (struct str){room, XMPP_TEXT_SIZE};
}

struct xmpp_jid xmpp_self(const struct xmpp_session *s)
{
	const struct xmpp_who *who = xmpp_who(s);

	return (struct xmpp_jid){xmpp_who_part(who, XMPP_WHO_USER), xmpp_domain(s),
				 xmpp_who_part(who, XMPP_WHO_RESOURCE)};
}

static void binding_text(struct proto_binding *b, enum proto_binding_text which, struct str text,
			 struct put *w)
{
	b->text[which].off = (uint16_t)put_size(w);
	b->text[which].size = (uint16_t)text.n;
	put_str(w, text);
}

static uint16_t features_of(const struct xmpp_session *s)
{
	unsigned features = s->interested ? XMPP_FEATURE_INTERESTED : 0;

	if (s->available)
		features |= XMPP_FEATURE_AVAILABLE;
	features |= s->available && s->priority >= 0 ? XMPP_FEATURE_WANTS : PROTO_BINDING_DIRECT;
	if (s->carbons)
		features |= PROTO_BINDING_COPIES;
	return (uint16_t)features;
}

void xmpp_registration(struct xmpp_session *s, uint64_t token)
{
	struct xmpp_instance      *i = s->instance;
	struct proto_registration *r = &i->registration;
	struct proto_binding      *b = &r->bindings[0];
	struct put                 w = put_to(i->registration_text, sizeof(i->registration_text));
	struct xmpp_jid            self = xmpp_self(s);
	size_t                     address;

	*b = (struct proto_binding){
		.key = xmpp_resource_key(self.resource),
		.expires_us = UINT64_MAX / 2,
		.sequence = ++s->registrations,
		.priority = (uint16_t)(s->priority >= 0 ? 128 + s->priority : 0),
		.features = features_of(s),
	};
	binding_text(b, BINDING_CONTACT, self.resource, &w);
	binding_text(b, BINDING_CALL, (struct str){xmpp_who(s)->stream, XMPP_TEXT_SIZE}, &w);
	address = put_size(&w);
	xmpp_aor_put(&w, &self);
	ASSERT(!w.failed);
	*r = (struct proto_registration){
		.address = {i->registration_text + address, put_size(&w) - address},
		.count = 1,
		.bindings = {*b},
		.text = {i->registration_text, address},
		.token = token,
		.takes_over = true,
	};
}

void xmpp_register(struct xmpp_input *in)
{
	in->s->registering++;
	xmpp_registration(in->s, XMPP_TOKEN_PRESENCE);
	in->event->kind = EVENT_BINDING;
	in->event->registration = &in->s->instance->registration;
}

void xmpp_aor_put(struct put *w, const struct xmpp_jid *jid)
{
	put_str(w, STR("xmpp:"));
	xmpp_jid_put_bare(w, jid);
}

enum xmpp_stream_error xmpp_stream_error_of(enum reason why)
{
	static const struct {
		enum reason            why;
		enum xmpp_stream_error error;
	} table[] = {
		{REASON_UNBOUND, XMPP_STREAM_ERROR_NONE},
		{REASON_REPLACED, XMPP_STREAM_CONFLICT},
		{REASON_SHUTDOWN, XMPP_STREAM_SYSTEM_SHUTDOWN},
		{REASON_BIND_TIMEOUT, XMPP_STREAM_CONNECTION_TIMEOUT},
		{REASON_LINK_DEAD, XMPP_STREAM_CONNECTION_TIMEOUT},
		{REASON_INACTIVITY, XMPP_STREAM_CONNECTION_TIMEOUT},
		{REASON_ACCOUNT_GONE, XMPP_STREAM_NOT_AUTHORIZED},
		{REASON_CLOSED_BY_OPERATOR, XMPP_STREAM_RESET},
		{REASON_POOL, XMPP_STREAM_RESOURCE_CONSTRAINT},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].why == why)
			return table[i].error;
	}
	return XMPP_STREAM_UNDEFINED_CONDITION;
}

struct str xmpp_host(const struct xmpp_session *s)
{
	return s->role == XMPP_ROLE_CLIENT ? xmpp_domain(s) : xmpp_own(s);
}

struct xmpp_map xmpp_session_map(const struct xmpp_session *s, struct now now)
{
	struct xmpp_map map = {.settings = &s->settings,
			       .services = s->instance->services,
			       .now = now,
			       .protocol = s->instance->protocol};

	map.link = s->role != XMPP_ROLE_CLIENT;
	if (s->role == XMPP_ROLE_COMPONENT_OF)
		map.gateway = xmpp_own(s);
	return map;
}

static void session_open(void *session, struct now now, const struct proto_open *how,
			 struct out *out)
{
	struct xmpp_session *s = session;
	char                 room[XMPP_DOMAIN_SIZE_MAX];
	struct put           w = put_to(room, sizeof(room));

	s->instance = how->instance;
	s->settings = *how->settings;
	s->plain = how->plain;
	s->framed = how->messages;
	s->heard_us = s->message_us = now.us;
	s->login_due_us = now.us + how->login_us;
	if (how->link != LINK_CLIENT || how->dial != 0) {
		xmpp_link_open(s, now, how, out);
		return;
	}
	if (how->role != PROTO_ACCEPTED || !xmpp_domain_put(&w, how->domain) ||
	    !xmpp_domain_set(s, (struct str){room, put_size(&w)})) {
		s->close_due = true;
		s->close_why = REASON_NOT_SUPPORTED;
		s->state = XMPP_STATE_CLOSED;
	}
}

/* Components log in by an account; subscribers have credentials of their own. */
static void session_login(void *session, struct now now, const struct login_verdict *v,
			  struct out *out)
{
	xmpp_component_login(session, v, &out->put);
}

static void session_settings(void *session, const struct proto_settings *settings)
{
	struct xmpp_session *s = session;

	s->settings = *settings;
	if (s->role == XMPP_ROLE_SERVER_IN && s->link != XMPP_BLOCK_NONE)
		xmpp_link(s)->changed = true;
}

static bool session_ready(const void *session)
{
	const struct xmpp_session *s = session;

	return s->state == XMPP_STATE_UP && !s->parting && !s->detached && !s->moved;
}

static enum submit session_submit(void *session, struct now now, const struct msg *m,
				  const struct proto_target *at, uint64_t token, struct out *out,
				  struct result *result)
{
	struct xmpp_session *s = session;

	if ((s->detached && !s->moved) || s->resuming)
		return xmpp_later(s);
	if (session_ready(s) && (at != NULL) == (s->role == XMPP_ROLE_CLIENT))
		return xmpp_submit(session, now, m, token, out, result);
	*result = (struct result){.why = REASON_SESSION_GONE};
	return SUBMIT_REFUSED;
}

static void session_answer(void *session, struct now now, uint64_t msg_token,
			   const struct result *r, struct out *out)
{
	struct xmpp_session         *s = session;
	size_t                       mark = out_mark(out);
	const struct proto_services *services = s->instance->services;

	s->spoke = false;
	if (s->state == XMPP_STATE_CLOSED)
		return;
	if ((msg_token & XMPP_TOKEN_DIAL) != 0) {
		if (r->why != REASON_NONE)
			xmpp_dialback_undialled(s, msg_token);
	} else if (msg_token == XMPP_TOKEN_SAID)
		s->said_open--;
	else if (msg_token == XMPP_TOKEN_RESUME)
		xmpp_answer_resume(s, now, r, &out->put);
	else if (msg_token == XMPP_TOKEN_BIND)
		xmpp_answer_bind(s, (enum reason)r->why, &out->put);
	else if (msg_token == XMPP_TOKEN_CARBONS)
		xmpp_answer_carbons(s, (enum reason)r->why, &out->put);
	else if (msg_token == XMPP_TOKEN_PRESENCE)
		xmpp_answer_presence(s, (enum reason)r->why);
	else if (msg_token == XMPP_TOKEN_CARRIED)
		s->carried--;
	else if (msg_token != XMPP_TOKEN_BACK)
		xmpp_answer_message(s, msg_token, r, &out->put);
	xmpp_said(s, out, mark);
	if (s->link == XMPP_BLOCK_NONE || s->questions > 0)
		services->wake(services->context, s); /* what waited for it goes on */
}

static bool session_detach(void *session, struct now now)
{
	return xmpp_detach(session, now);
}

static uint64_t session_hand_over(void *session, struct now now, uint64_t word, struct out *out)
{
	return xmpp_hand_over(session, now, word, out);
}

static void session_part(void *session, struct now now, struct out *out)
{
	struct xmpp_session *s = session;

	if (s->state == XMPP_STATE_CLOSED)
		return;
	xmpp_end_put(s, &out->put, XMPP_STREAM_ERROR_NONE);
	s->state = XMPP_STATE_CLOSED;
	s->close_due = true;
	s->close_why = REASON_UNBOUND;
}

static unsigned session_window_used(const void *session)
{
	return ((const struct xmpp_session *)session)->out.count;
}

static void session_party(const void *session, struct proto_party *p)
{
	const struct xmpp_session *s = session;
	struct put                 w = put_to(p->name, sizeof(p->name) - 1);

	if (s->link != XMPP_BLOCK_NONE) {
		xmpp_link_party(s, p);
		return;
	}
	p->link = LINK_CLIENT;
	if (s->who == XMPP_BLOCK_NONE || s->state == XMPP_STATE_CLOSED)
		return;
	if (xmpp_who_part(xmpp_who(s), XMPP_WHO_RESOURCE).n > 0) {
		struct xmpp_jid self = xmpp_self(s);

		xmpp_jid_put(&w, &self);
	}
}

static void give_all(struct xmpp_blocks *b, struct xmpp_list *l)
{
	while (l->first != XMPP_BLOCK_NONE) {
		uint32_t number = l->first;

		xmpp_list_remove(b, l, number);
		xmpp_block_give(b, number);
	}
}

static void give_one(struct xmpp_blocks *b, uint32_t *number)
{
	if (*number != XMPP_BLOCK_NONE)
		xmpp_block_give(b, *number);
	*number = XMPP_BLOCK_NONE;
}

static void session_close(void *session, struct now now, enum reason why, struct out *out)
{
	struct xmpp_session *s = session;
	struct xmpp_blocks  *b = &s->instance->blocks;

	if (out != NULL && s->state != XMPP_STATE_CLOSED && s->state != XMPP_STATE_LEAVING)
		xmpp_end_put(s, &out->put, xmpp_stream_error_of(why));
	if (s->link != XMPP_BLOCK_NONE)
		xmpp_link_close(s);
	give_all(b, &s->in);
	give_all(b, &s->said);
	give_all(b, &s->owed);
	give_one(b, &s->who);
	give_one(b, &s->sasl);
	give_one(b, &s->asker);
	give_one(b, &s->directed);
	give_one(b, &s->barred);
	s->state = XMPP_STATE_CLOSED;
}

static bool session_drain(void *session, uint64_t *token)
{
	struct xmpp_session *s = session;
	struct xmpp_blocks  *b = &s->instance->blocks;
	uint32_t             number = s->out.first;

	if (number == XMPP_BLOCK_NONE)
		return false;
	*token = xmpp_block_at(b, number)->u.request.token;
	xmpp_list_remove(b, &s->out, number);
	xmpp_block_give(b, number);
	return true;
}

static bool give_close(struct xmpp_session *s, struct proto_event *event, enum reason why)
{
	s->close_due = false;
	s->state = XMPP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = why;
	return true;
}

static bool time_out(struct xmpp_session *s, struct out *out, struct proto_event *event,
		     enum reason why)
{
	xmpp_end_put(s, &out->put, xmpp_stream_error_of(why));
	return give_close(s, event, why);
}

static void earliest(uint64_t *next, uint64_t due)
{
	if (due < *next)
		*next = due;
}

/* XEP-0199, from our side: whatever comes is an answer. */
static bool tick_ping(struct xmpp_session *s, struct now now, struct out *out,
		      struct proto_event *event, uint64_t *next)
{
	uint64_t due;

	if (s->pinging && s->heard_us > s->ping_us)
		s->pinging = false;
	if (s->settings.keepalive_us == 0 || s->midway)
		return false;
	due = s->pinging ? s->ping_us + s->settings.response_us
			 : s->heard_us + s->settings.keepalive_us;
	if (now.us < due) {
		earliest(next, due);
		return false;
	}
	if (s->pinging)
		return time_out(s, out, event, REASON_LINK_DEAD);
	put_str(&out->put, STR("<iq type=\"get\" id=\"ping\""));
	xmpp_put_attribute(&out->put, STR("from"), xmpp_domain(s));
	put_str(&out->put, STR("><ping xmlns=\"urn:xmpp:ping\"/></iq>"));
	xmpp_sent(s);
	s->pinging = true;
	s->ping_us = now.us;
	earliest(next, now.us + s->settings.response_us);
	return false;
}

static bool tick_inactivity(struct xmpp_session *s, struct now now, struct out *out,
			    struct proto_event *event, uint64_t *next)
{
	uint64_t due = s->message_us + s->settings.inactivity_us;

	if (s->settings.inactivity_us == 0)
		return false;
	if (s->role == XMPP_ROLE_SERVER_IN && !xmpp_link(s)->federated)
		return false; /* it has a peer of its own, which may be silent */
	if (now.us >= due && s->in.count == 0 && s->out.count == 0)
		return time_out(s, out, event, REASON_INACTIVITY);
	earliest(next, now.us < due ? due : now.us + s->settings.inactivity_us);
	return false;
}

static bool tick_ready(struct xmpp_session *s, struct now now, const struct out *out,
		       struct proto_event *event, uint64_t *next)
{
	const struct xmpp_blocks *b = &s->instance->blocks;

	if (!s->blocked || s->waits)
		return false;
	if (b->used == b->count)
		earliest(next, now.us + XMPP_POOL_WAIT_US);
	if (b->used == b->count || xmpp_blocks_hold(s) || s->out.count >= s->settings.window_max ||
	    s->midway || (s->link == XMPP_BLOCK_NONE && s->owed.count >= XMPP_OWED_COUNT_MAX) ||
	    !out_fits(out, XMPP_OUT_SIZE_MAX))
		return false;
	s->blocked = false;
	event->kind = EVENT_READY;
	return true;
}

static bool tick_stream(struct xmpp_session *s, struct now now, struct out *out,
			struct proto_event *event, uint64_t *next)
{
	if (s->said.count > 0 && !s->midway)
		xmpp_ask_ack(s, &out->put);
	return (s->role == XMPP_ROLE_CLIENT && tick_ping(s, now, out, event, next)) ||
	       tick_inactivity(s, now, out, event, next) || tick_ready(s, now, out, event, next);
}

/* What is said to others, also when nobody hears us. */
static bool tick_presence(struct xmpp_session *s, struct now now, struct proto_event *event,
			  uint64_t *next)
{
	if (s->link != XMPP_BLOCK_NONE)
		return false;
	if (xmpp_tick_blocks(s, now, event, next) || xmpp_tick_notice(s, now, event))
		return true;
	return !xmpp_resume_awaits(s, now, next) &&
	       (xmpp_tick_owed(s, now, event, next) || xmpp_tick_tour(s, now, event, next));
}

static void session_notice(void *session)
{
	((struct xmpp_session *)session)->notice = true;
}

static uint64_t session_tick(void *session, struct now now, struct out *out,
			     struct proto_event *event)
{
	struct xmpp_session *s = session;
	uint64_t             next = UINT64_MAX;

	event->kind = EVENT_NONE;
	event->session = NULL;
	if (s->close_due) {
		give_close(s, event, (enum reason)s->close_why);
		return now.us;
	}
	if (s->state == XMPP_STATE_CLOSED)
		return UINT64_MAX;
	if (s->state == XMPP_STATE_LEAVING && s->link == XMPP_BLOCK_NONE)
		return xmpp_tick_tour(s, now, event, &next) ? now.us : next;
	if ((s->asked || s->questions > 0) && now.us < s->patient_us)
		next = s->patient_us; /* feed() goes on */
	if (s->link != XMPP_BLOCK_NONE && xmpp_link_tick(s, now, out, event, &next))
		return now.us;
	if (s->state == XMPP_STATE_LEAVING)
		return next;
	if (s->state != XMPP_STATE_UP) {
		if (xmpp_resume_undo(s, event))
			return now.us;
		if (now.us < s->login_due_us)
			return s->login_due_us < next ? s->login_due_us : next;
		time_out(s, out, event, REASON_BIND_TIMEOUT);
		return now.us;
	}
	if (xmpp_out_done(s, now, event) ||
	    (s->detached || s->moved ? xmpp_resume_tick(s, now, event, &next)
				     : tick_stream(s, now, out, event, &next)) ||
	    (!s->moved && tick_presence(s, now, event, &next)))
		return now.us;
	if (s->out.first != XMPP_BLOCK_NONE)
		earliest(&next, xmpp_out_due_us(s));
	return next;
}

static void session_message(void *session, struct cur *written, struct proto_piece *piece)
{
	struct xmpp_session *s = session;

	xmpp_framing_next(&s->framing, written, piece);
}

const struct proto_ops xmpp_ops = {
	.name = "xmpp",
	.instance_size = sizeof(struct xmpp_instance),
	.session_size = sizeof(struct xmpp_session),
	.block_size = sizeof(struct xmpp_block),
	.subprotocol = "xmpp", /* RFC 7395 */
	.message = session_message,
	.item_size_max = XMPP_ITEM_SIZE_MAX,
	.out_size_max = XMPP_OUT_SIZE_MAX,
	.instance_init = instance_init,
	.open = session_open,
	.feed = xmpp_session_feed,
	.login = session_login,
	.settings = session_settings,
	.submit = session_submit,
	.answer = session_answer,
	.tick = session_tick,
	.close = session_close,
	.drain = session_drain,
	.told = xmpp_told,
	.notice = session_notice,
	.outlive = xmpp_outlive,
	.part = session_part,
	.ready = session_ready,
	.detach = session_detach,
	.hand_over = session_hand_over,
	.window_used = session_window_used,
	.party = session_party,
};
