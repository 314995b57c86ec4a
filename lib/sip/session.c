#include "sip/session.h"

#include <assert.h>
#include <errno.h>

#include "base/punycode.h"
#include "sip/inflate.h"
#include "sip/owner.h"
#include "sip/session_private.h"

static_assert(sizeof(struct sip_peer) <= sizeof(((struct sip_block *)NULL)->bytes),
	      "one block holds what only peers have");
static_assert(sizeof(struct sip_challenge) <= sizeof(((struct sip_block *)NULL)->bytes),
	      "one block holds a challenge");
static_assert(sizeof(struct sip_session) <= 512, "a hundred thousand idle sessions fit in 50 MB");

static_assert((SIP_REG_ID_MAX << SIP_FEATURE_REG_ID_SHIFT &
	       (PROTO_BINDING_DIRECT | PROTO_BINDING_COPIES | PROTO_BINDING_AT_PEER)) == 0,
	      "a reg-id says nothing that the directory reads");

/* Of the blocks, one in so many remembers nonces. */
#define DIGEST_SHARE 16u

static int instance_init(void *instance, const struct proto_instance_config *config)
{
	struct sip_instance *i = instance;
	size_t               digest = config->block_count / DIGEST_SHARE * SIP_BLOCK_SIZE;
	size_t               transactions = (size_t)config->block_count * SIP_BLOCK_SIZE - digest;
	uint8_t             *memory = config->blocks;

	if (config->block_count < SIP_BLOCKS_MIN || config->services == NULL)
		return -EINVAL;
	i->metrics = config->metrics;
	i->services = config->services;
	i->messages = config->messages;
	i->stir = config->stir;
	i->protocol = config->protocol;
	i->worker = config->worker;
	i->word_count = 0;
	i->texts = 0;
	for (unsigned v = 0; v < SIP_OWN_VIAS; v++)
		i->own_via[v].size = 0;
	i->date = (struct sip_date){0};
	random_seed(&i->random, config->seed ^ 0x736970ull);
	i->text_key.k0 = random_next(&i->random);
	i->text_key.k1 = random_next(&i->random);
	for (size_t n = 0; n < sizeof(i->large_keys) / sizeof(i->large_keys[0]); n++) {
		i->large_keys[n].k0 = random_next(&i->random);
		i->large_keys[n].k1 = random_next(&i->random);
	}
	i->watch_key.k0 = random_next(&i->random);
	i->watch_key.k1 = random_next(&i->random);
	i->sms_seen.key.k0 = random_next(&i->random);
	i->sms_seen.key.k1 = random_next(&i->random);
	sip_transactions_init(&i->transactions, config->metrics, config->worker, config->seed,
			      memory, transactions);
	if (config->remembered_count > 0)
		sip_transactions_remember(&i->transactions, config->remembered,
					  (size_t)config->remembered_count * SIP_REMEMBERED_SIZE);
	if (!sip_inflate_works())
		return -ENOMEM;
	sip_digest_init(&i->digest, config->metrics, config->worker, config->shared_seed,
			memory + transactions, digest);
	return 0;
}

void sip_text_new(struct sip_instance *i, char room[SIP_TEXT_SIZE])
{
	uint64_t   hash = hash_sip(&i->text_key, &i->texts, sizeof(i->texts));
	struct put w = put_to(room, SIP_TEXT_SIZE);

	sip_base32_five(&w, hash >> 24);
	sip_base32_five(&w, (hash & 0xffffff) << 16 | (i->texts & 0xffff));
	i->texts++;
}

/* They are few and sessions many: each is kept once. 0, which is a domain, where there is no room.
 */
static uint8_t word_intern(struct sip_instance *i, struct str word)
{
	struct sip_word *new;

	for (uint32_t n = 0; n < i->word_count; n++) {
		if (str_eq((struct str){i->words[n].text, i->words[n].size}, word))
			return (uint8_t)n;
	}
	if (i->word_count == SIP_WORDS_MAX || word.n > SIP_WORD_SIZE_MAX)
		return 0;
	new = &i->words[i->word_count];
	new->size = (uint8_t)word.n;
	memcpy(new->text, word.p, word.n);
	return (uint8_t)i->word_count++;
}

static struct str word_at(const struct sip_instance *i, uint8_t at)
{
	return (struct str){i->words[at].text, i->words[at].size};
}

struct str sip_session_domain(const struct sip_session *s)
{
	return word_at(s->instance, s->domain);
}

struct str sip_session_service_route(const struct sip_session *s)
{
	return s->service_route != 0 ? word_at(s->instance, s->service_route) : STR("");
}

void sip_close_later(struct sip_session *s, enum reason why)
{
	s->close_due = true;
	s->close_why = (uint8_t)why;
	s->state = SIP_STATE_CLOSED;
}

static uint8_t copy(char *room, size_t size, struct str from)
{
	size_t n = from.n < size ? from.n : size;

	if (n > 0)
		memcpy(room, from.p, n);
	return (uint8_t)n;
}

static bool peer_keep(struct sip_session *s, const struct proto_open *how)
{
	struct sip_pool *pool = &s->instance->transactions.pool;
	char             room[SIP_FLOW_TEXT_SIZE];
	struct str       host = how->host.n > 0 ? how->host : sip_flow_text(&how->remote, room);
	struct sip_peer *peer;

	s->peer_block = sip_pool_take(pool);
	if (s->peer_block == SIP_BLOCK_NONE)
		return false;
	peer = (void *)sip_pool_at(pool, s->peer_block)->bytes;
	peer->host_size = copy(peer->host, sizeof(peer->host), host);
	peer->identity_size = copy(peer->identity, sizeof(peer->identity), how->identity);
	peer->secret_size = copy(peer->secret, sizeof(peer->secret), how->secret);
	return true;
}

static void session_open(void *session, struct now now, const struct proto_open *how,
			 struct out *out)
{
	struct sip_session *s = session;
	char                room[SIP_FLOW_TEXT_SIZE], name[SIP_HOST_SIZE_MAX];
	struct put          ascii = put_to(name, sizeof(name));

	s->instance = how->instance;
	s->role = (uint8_t)how->role;
	s->datagram = how->datagram;
	s->messages = how->messages;
	s->trusted = how->trusted;
	s->open_to_all = how->open_to_all;
	s->md5_alone = how->md5_alone;
	s->settings = *how->settings;
	s->local = how->local;
	s->remote = how->remote;
	s->media = how->media;
	s->clients.session = s->servers.session = s;
	s->heard_us = s->message_us = now.us;
	s->domain = word_intern(s->instance, how->domain.n == 0 ? sip_flow_text(&how->local, room)
					     : punycode_ascii_put(&ascii, how->domain)
						     ? (struct str){name, put_size(&ascii)}
						     : how->domain);
	if (how->service_route.n > 0)
		s->service_route = word_intern(s->instance, how->service_route);
	s->may = how->role == PROTO_CONNECTING ? (uint8_t)how->wants : PROTO_SENDS | PROTO_RECEIVES;
	s->state = SIP_STATE_UP;
	if (how->media_stream || how->dial != 0) {
		sip_stream_open(s, now, how, out);
		return;
	}
	if (how->role == PROTO_ACCEPTED)
		s->due_us = now.us + how->login_us;
	if (how->role != PROTO_CONNECTING)
		return;
	if (!peer_keep(s, how)) {
		sip_close_later(s, REASON_POOL);
	} else if (s->datagram) {
		s->state = SIP_STATE_OPEN;
		sip_request_options(s, now, out);
	} else {
		s->up_due = true;
	}
}

/* Nobody logs in here: requests have credentials of their own. */
static void session_login(void *session, struct now now, const struct login_verdict *v,
			  struct out *out)
{
}

static void session_settings(void *session, const struct proto_settings *settings)
{
	struct sip_session *s = session;

	s->settings = *settings;
}

static bool session_ready(const void *session)
{
	const struct sip_session *s = session;

	return s->state == SIP_STATE_UP && !s->up_due && (s->may & PROTO_RECEIVES);
}

static enum submit session_submit(void *session, struct now now, const struct msg *m,
				  const struct proto_target *at, uint64_t token, struct out *out,
				  struct result *result)
{
	struct sip_session *s = session;

	if (session_ready(s) && (at != NULL || s->role == PROTO_CONNECTING))
		return sip_request_message(s, now, m, at, token, out, result);
	*result = (struct result){.why = REASON_SESSION_GONE};
	return SUBMIT_REFUSED;
}

static void session_answer(void *session, struct now now, uint64_t msg_token,
			   const struct result *r, struct out *out)
{
	struct sip_session *s = session;
	struct sip_server  *server;

	if (sip_session_is_stream(s)) {
		sip_stream_answer(s, msg_token, r, out);
		return;
	}
	if (msg_token & SIP_TOKEN_OTHER) {
		sip_call_dialled(s, msg_token, r);
		return;
	}
	server = sip_server_find(&s->instance->transactions, msg_token);
	if (server == NULL || server->of != &s->servers)
		return;
	s->message_us = now.us;
	if (sip_server_is_sms(server))
		sip_answer_sms(s, now, server, r, out);
	else if (sip_server_is_list(server))
		sip_answer_list(s, server, r);
	else if (server->method == SIP_METHOD_BYE || server->method == SIP_METHOD_INVITE ||
		 server->method == SIP_METHOD_UPDATE || server->method == SIP_METHOD_NOTIFY)
		sip_answer_inside(s, now, server, r, out);
	else if (server->method == SIP_METHOD_REGISTER)
		sip_answer_register(s, now, server, r, out);
	else
		sip_answer_message(s, now, server, r, out);
}

static void session_part(void *session, struct now now, struct out *out)
{
	struct sip_session *s = session;

	if (s->state != SIP_STATE_OPEN && s->state != SIP_STATE_UP)
		return;
	s->state = SIP_STATE_PARTING;
	s->due_us = now.us + SIP_PART_US;
}

static unsigned session_window_used(const void *session)
{
	const struct sip_session *s = session;

	return s->clients.open - s->asking + s->parts_due + s->dialogs.calling;
}

static void session_close(void *session, struct now now, enum reason why, struct out *out)
{
	struct sip_session *s = session;
	struct sip_pool    *pool = &s->instance->transactions.pool;

	if (sip_session_is_stream(s)) {
		sip_stream_close(s, why);
		return;
	}
	sip_lists_end(s);
	sip_calls_close(s);
	sip_watches_end(s);
	sip_server_end_all(&s->instance->transactions, &s->servers);
	if (s->peer_block != SIP_BLOCK_NONE)
		sip_pool_give(pool, s->peer_block);
	if (s->challenge_block != SIP_BLOCK_NONE)
		sip_pool_give(pool, s->challenge_block);
	s->peer_block = s->challenge_block = SIP_BLOCK_NONE;
	s->state = SIP_STATE_CLOSED;
}

static bool session_drain(void *session, uint64_t *token)
{
	struct sip_session      *s = session;
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_client       *c;

	if (sip_calls_drain(s, token))
		return true;
	while ((c = sip_client_oldest(t, &s->clients)) != NULL) {
		bool message = c->kind == SIP_CLIENT_MESSAGE;

		*token = c->token;
		sip_client_end_all(s, c);
		if (message)
			return true;
	}
	return sip_parts_drain(s, token);
}

static bool give_close(struct sip_session *s, struct proto_event *event, enum reason why)
{
	s->close_due = false;
	s->state = SIP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = why;
	return true;
}

static void earliest(uint64_t *next, uint64_t due)
{
	if (due < *next)
		*next = due;
}

/* No response will come. True: *event says what became of what was submitted. */
static bool client_over(struct sip_session *s, struct now now, struct sip_client *c,
			const struct result *result, struct proto_event *event)
{
	uint64_t token = c->token;
	uint8_t  kind = c->kind;

	if (kind == SIP_CLIENT_INVITE)
		return sip_call_over(s, c, result, event);
	sip_client_end_all(s, c);
	if (kind == SIP_CLIENT_UPDATE || kind == SIP_CLIENT_AGAIN)
		sip_refresh_lost(s, now, token);
	if (kind == SIP_CLIENT_BYE || kind == SIP_CLIENT_UPDATE || kind == SIP_CLIENT_AGAIN)
		return false;
	if (kind == SIP_CLIENT_WATCH) {
		sip_watch_lost(s, now, token);
		return false;
	}
	if (kind == SIP_CLIENT_MESSAGE) {
		event->kind = EVENT_RESULT;
		event->token = token;
		event->result = *result;
		return true;
	}
	if (kind == SIP_CLIENT_REPORT) {
		metric_inc(s->instance->metrics, METRIC_sip_sms_reports_lost);
		return false;
	}
	ASSERT(s->asking > 0);
	s->asking--;
	s->missed++;
	return false;
}

/* Timers E and F. True: *event says what ended. */
static bool tick_clients(struct sip_session *s, struct now now, struct out *out,
			 struct proto_event *event, uint64_t *next)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_client       *c;

	while ((c = sip_client_tick(t, &s->clients, now, out, next)) != NULL) {
		const struct result unknown = {.why = REASON_UNKNOWN_OUTCOME, .maybe_sent = true};

		if (c->kind == SIP_CLIENT_INVITE ? sip_call_timeout(s, now, c, out, event)
						 : client_over(s, now, c, &unknown, event))
			return true;
	}
	return false;
}

/*
 * RFC 3261, 18.4. Only what was sent once cannot have come by another way; and whose it is, is said
 * by its branch, which only those know who had the request before them.
 */
static void session_unreached(void *session, struct now now, struct cur quoted,
			      struct proto_event *event)
{
	struct sip_instance *i = ((struct sip_session *)session)->instance;
	struct sip_client   *c = sip_client_quoted(&i->transactions, quoted);
	const struct result  unreached = {.why = REASON_CONNECTION_UNREACHABLE};
	struct sip_session  *s;

	if (c == NULL || !c->datagram || c->state != SIP_CLIENT_TRYING || c->sends != 1)
		return;
	s = c->of->session;
	metric_inc(i->metrics, METRIC_sip_requests_unreached);
	if (client_over(s, now, c, &unreached, event))
		event->session = s;
	else
		i->services->wake(i->services->context, s);
}

/* The health of a peer: OPTIONS while nothing is heard. */
static bool tick_peer(struct sip_session *s, struct now now, struct out *out,
		      struct proto_event *event, uint64_t *next)
{
	uint64_t due = UINT64_MAX;

	if (s->role != PROTO_CONNECTING || s->state > SIP_STATE_UP)
		return false;
	if (s->up_due) {
		s->up_due = false;
		event->kind = EVENT_UP;
		return true;
	}
	if (s->missed >= SIP_MISSED_MAX)
		return give_close(s, event, REASON_LINK_DEAD);
	if (s->asking > 0)
		return false;
	if (s->state == SIP_STATE_OPEN || s->missed > 0)
		due = now.us;
	else if (s->settings.keepalive_us > 0)
		due = s->heard_us + s->settings.keepalive_us;
	if (due > now.us)
		earliest(next, due);
	else
		earliest(next,
			 sip_request_options(s, now, out) ? now.us : now.us + SIP_POOL_WAIT_US);
	return false;
}

/* A stream that somebody opened must be used for something. */
static bool tick_accepted(struct sip_session *s, struct now now, struct proto_event *event,
			  uint64_t *next)
{
	uint64_t due;

	if (s->role != PROTO_ACCEPTED || s->state != SIP_STATE_UP)
		return false;
	if (!s->known) {
		if (now.us >= s->due_us)
			return give_close(s, event, REASON_BIND_TIMEOUT);
		earliest(next, s->due_us);
		return false;
	}
	if (s->settings.inactivity_us == 0 || s->clients.open > 0 || s->servers.open > 0 ||
	    s->dialogs.open > 0)
		return false;
	due = s->message_us + s->settings.inactivity_us;
	if (now.us >= due)
		return give_close(s, event, REASON_INACTIVITY);
	earliest(next, due);
	return false;
}

static bool tick_part(struct sip_session *s, struct now now, struct proto_event *event,
		      uint64_t *next)
{
	if (s->state != SIP_STATE_PARTING)
		return false;
	if (now.us >= s->due_us ||
	    (s->servers.open == 0 && session_window_used(s) == 0 && s->dialogs.open == 0))
		return give_close(s, event, REASON_UNBOUND);
	earliest(next, s->due_us);
	return false;
}

static bool tick_ready(struct sip_session *s, struct now now, const struct out *out,
		       struct proto_event *event, uint64_t *next)
{
	const struct sip_pool *pool = &s->instance->transactions.pool;

	if (!s->blocked || s->state != SIP_STATE_UP)
		return false;
	if (pool->used == pool->count)
		earliest(next, now.us + SIP_POOL_WAIT_US);
	if (pool->used == pool->count ||
	    s->clients.open + s->dialogs.calling >= s->settings.window_max ||
	    !out_fits(out, s->blocked_room))
		return false;
	s->blocked = false;
	event->kind = EVENT_READY;
	return true;
}

static uint64_t session_tick(void *session, struct now now, struct out *out,
			     struct proto_event *event)
{
	struct sip_session *s = session;
	uint64_t            next = UINT64_MAX, due;

	event->kind = EVENT_NONE;
	event->session = NULL;
	if (sip_session_is_stream(s))
		return sip_stream_tick(s, now, out, event);
	if (tick_clients(s, now, out, event, &next) || sip_tick_parts(s, now, out, event, &next))
		return now.us;
	if (s->dialogs.timed.first != SIP_BLOCK_NONE)
		earliest(&next, sip_tick_timed(s, now, out));
	if (s->clients.watches != SIP_BLOCK_NONE)
		earliest(&next, sip_tick_watches(s, now, out));
	if (sip_tick_calls(s, now, out, event, &due))
		return now.us;
	earliest(&next, due);
	earliest(&next, sip_server_tick(&s->instance->transactions, &s->servers, now, out));
	if (s->close_due) {
		give_close(s, event, (enum reason)s->close_why);
		return now.us;
	}
	if (sip_tick_list(s, now, event, &due))
		return now.us;
	earliest(&next, due);
	if (tick_peer(s, now, out, event, &next) || tick_accepted(s, now, event, &next) ||
	    tick_part(s, now, event, &next) || tick_ready(s, now, out, event, &next))
		return now.us;
	return next;
}

const struct proto_ops sip_ops = {
	.name = "sip",
	.instance_size = sizeof(struct sip_instance),
	.session_size = sizeof(struct sip_session),
	.block_size = SIP_BLOCK_SIZE,
	.subprotocol = "sip", /* RFC 7118 */
	.item_size_max = SIP_MESSAGE_SIZE_MAX,
	.out_size_max = SIP_ANSWER_ROOM + SIP_MESSAGE_SIZE_MAX,
	.remembered_size = SIP_REMEMBERED_SIZE,
	.ids_are_ours = true,
	.numbers = true,
	.instance_init = instance_init,
	.owner = sip_owner,
	.open = session_open,
	.feed = sip_session_feed,
	.unreached = session_unreached,
	.item = sip_item,
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
	.abilities = sip_abilities,
};
