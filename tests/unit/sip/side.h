/*
 * One end under test: an instance, the session that is fed (a listener of datagrams or a stream)
 * and, over datagrams, the session of a peer beside it; their virtual clock, and the bytes that
 * they want sent.
 */
#pragma once

#include "services.h"

#include "sip/message.h"
#include "sip/session.h"

#define SIDE_BLOCKS 512u
#define SIDE_POOL 512u
#define SIDE_OUT (1u << 20)
#define SIDE_EVENTS 128u

struct side_event {
	enum proto_event_kind kind;
	uint64_t              token;
	struct result         result;
	struct msg           *msg;
	enum reason           why;
	void                 *session;
	uint32_t              peer;
	struct flow           dial;
};

struct side {
	void                 *instance, *session, *peer, *blocks, *memory;
	struct msg_pool      *pool;
	struct metrics       *metrics;
	struct services       services;
	struct proto_settings settings;
	struct now            now;
	struct flow           address; /* of this side */
	bool                  datagram;
	uint8_t              *sent; /* SIDE_OUT bytes; sent_size of them not yet moved */
	size_t                sent_size, room_max;
	unsigned              lose; /* datagrams that do not arrive */
	uint64_t              due;
	struct result         registered; /* the directory's verdict */
	bool                  hold;       /* registrations are answered by the test */
	struct side_event     events[SIDE_EVENTS];
	unsigned              event_count;
};

static inline struct flow side_flow(uint8_t last, uint16_t port)
{
	struct flow f = {.port = port};

	memcpy(f.address, (uint8_t[]){192, 0, 2, last}, 4);
	return f;
}

static inline struct proto_settings side_settings(void)
{
	return (struct proto_settings){
		.window_max = 10,
		.message_size_max = 65535,
		.keepalive_us = 0,
		.response_us = 10 * US_PER_SECOND,
	};
}

struct stir;

/* With keys and certificates; NULL: none. */
static inline struct side *side_new_with(uint8_t number, struct stir *keys)
{
	struct side                 *s = calloc(1, sizeof(*s));
	struct proto_instance_config config;

	s->metrics = aligned_alloc(64, sizeof(*s->metrics));
	memset(s->metrics, 0, sizeof(*s->metrics));
	s->instance = calloc(1, sip_ops.instance_size);
	s->session = calloc(1, sip_ops.session_size);
	s->blocks = aligned_alloc(64, SIDE_BLOCKS * sip_ops.block_size);
	memset(s->blocks, 0, SIDE_BLOCKS * sip_ops.block_size);
	s->memory = aligned_alloc(64, (msg_pool_size(SIDE_POOL) + 63) / 64 * 64);
	s->pool = msg_pool_init(s->memory, SIDE_POOL);
	s->sent = malloc(SIDE_OUT);
	s->room_max = SIDE_OUT;
	s->settings = side_settings();
	s->now = (struct now){1000000, 1790000000000ull};
	s->address = side_flow(number, 5060);
	services_init(&s->services);
	config = (struct proto_instance_config){.metrics = s->metrics,
						.blocks = s->blocks,
						.block_count = SIDE_BLOCKS,
						.protocol = 1,
						.worker = number,
						.seed = 42u + number,
						.shared_seed = 4711,
						.services = &s->services.ops,
						.messages = s->pool,
						.stir = keys};
	assert_int_equal(sip_ops.instance_init(s->instance, &config), 0);
	return s;
}

static inline struct side *side_new(uint8_t number)
{
	return side_new_with(number, NULL);
}

static inline void side_forget_events(struct side *s)
{
	for (unsigned i = 0; i < s->event_count; i++)
		msg_free(s->events[i].msg);
	s->event_count = 0;
}

static inline void side_end(struct side *s, void *session)
{
	uint64_t token;

	sip_ops.close(session, s->now, REASON_SHUTDOWN, NULL);
	while (sip_ops.drain(session, &token))
		;
}

static inline uint64_t side_metric(const struct side *s, unsigned id)
{
	return s->metrics->value[id];
}

static inline uint64_t side_refused(const struct side *s, enum reason why)
{
	return s->metrics->value[METRIC_REFUSED + why];
}

static inline void side_free(struct side *s)
{
	side_forget_events(s);
	side_end(s, s->session);
	if (s->peer != NULL)
		side_end(s, s->peer);
	assert_int_equal(msg_pool_free_count(s->pool), SIDE_POOL);
	assert_int_equal(side_metric(s, METRIC_sip_transactions_open), 0);
	services_free(&s->services);
	free(s->metrics);
	free(s->instance);
	free(s->session);
	free(s->peer);
	free(s->blocks);
	free(s->memory);
	free(s->sent);
	free(s);
}

static inline struct out side_out(struct side *s)
{
	size_t room = SIDE_OUT - s->sent_size;

	return out_to(s->sent + s->sent_size, room < s->room_max ? room : s->room_max);
}

static inline void side_took(struct side *s, const struct out *out)
{
	s->sent_size += out_mark(out);
}

static inline struct proto_open side_how(struct side *s, enum proto_role role)
{
	return (struct proto_open){.role = role,
				   .instance = s->instance,
				   .login_us = 5 * US_PER_SECOND,
				   .settings = &s->settings,
				   .identity = STR("alice"),
				   .secret = STR("wonderland"),
				   .wants = PROTO_SENDS | PROTO_RECEIVES,
				   .datagram = s->datagram,
				   .local = s->address,
				   .domain = STR(SERVICES_DOMAIN)};
}

static inline void side_open_as(struct side *s, void *session, const struct proto_open *how)
{
	struct out out = side_out(s);

	sip_ops.open(session, s->now, how, &out);
	side_took(s, &out);
}

/* A listener of datagrams; open_to_all: whoever comes is let in. */
static inline void side_listen(struct side *s, bool open_to_all)
{
	struct proto_open how;

	s->datagram = true;
	how = side_how(s, PROTO_DATAGRAM);
	how.open_to_all = open_to_all;
	side_open_as(s, s->session, &how);
}

/* A peer over datagrams, beside the listener. */
static inline void side_peer(struct side *s, const struct side *other, bool trusted)
{
	struct proto_open how = side_how(s, PROTO_CONNECTING);

	how.remote = other->address;
	how.host = STR("peer.example");
	how.trusted = trusted;
	s->peer = calloc(1, sip_ops.session_size);
	side_open_as(s, s->peer, &how);
}

static inline void side_note(struct side *s, const struct proto_event *e)
{
	void *session = e->session != NULL ? e->session : s->session;

	assert_true(s->event_count < SIDE_EVENTS);
	if (e->kind == EVENT_BINDING && !s->hold) {
		struct out out = side_out(s);

		if (s->registered.why == REASON_NONE && !e->registration->remove_all)
			services_register(&s->services, e->registration);
		sip_ops.answer(session, s->now, e->registration->token, &s->registered, &out);
		side_took(s, &out);
	}
	s->events[s->event_count++] =
		(struct side_event){e->kind,   e->kind == EVENT_MSG ? e->msg->token : e->token,
				    e->result, e->kind == EVENT_MSG ? e->msg : NULL,
				    e->why,    session,
				    e->peer,   e->dial};
}

/* Feeds bytes as one received run or datagram, in memory that ends where they end. Returns how many
 * were consumed. */
static inline size_t side_feed(struct side *s, const struct flow *from, const void *bytes, size_t n,
			       enum pull *last)
{
	uint8_t   *exact = test_copy(bytes, n);
	struct cur in = cur_of(exact, n);
	size_t     left;

	do {
		struct msg        *m = msg_new(s->pool);
		struct proto_event e = {.msg = m};
		struct out         out = side_out(s);

		*last = sip_ops.feed(s->session, s->now, from, &in, &out, &e);
		side_took(s, &out);
		if (*last == PULL_ITEM && e.kind != EVENT_NONE)
			side_note(s, &e);
		if (*last != PULL_ITEM || e.kind != EVENT_MSG)
			msg_free(m);
		if (*last == PULL_BAD)
			s->events[s->event_count++] =
				(struct side_event){.kind = EVENT_CLOSE, .why = e.why};
	} while (*last == PULL_ITEM && cur_left(&in) > 0);
	left = cur_left(&in);
	free(exact);
	return n - left;
}

static inline void side_tick_one(struct side *s, void *session)
{
	for (;;) {
		struct msg        *m = msg_new(s->pool);
		struct proto_event e = {.msg = m};
		struct out         out = side_out(s);
		uint64_t           due = sip_ops.tick(session, s->now, &out, &e);

		side_took(s, &out);
		if (e.kind != EVENT_MSG)
			msg_free(m);
		if (e.kind == EVENT_NONE) {
			if (due < s->due)
				s->due = due;
			return;
		}
		e.session = session;
		side_note(s, &e);
	}
}

static inline void side_tick(struct side *s)
{
	s->due = UINT64_MAX;
	side_tick_one(s, s->session);
	if (s->peer != NULL)
		side_tick_one(s, s->peer);
}

/* All that a has sent goes to b. */
static inline void side_move(struct side *a, struct side *b)
{
	uint8_t    *bytes = test_copy(a->sent, a->sent_size);
	struct cur  written = cur_of(bytes, a->sent_size), one;
	enum pull   last;
	struct flow to;

	a->sent_size = 0;
	if (!a->datagram) {
		if (cur_left(&written) > 0)
			side_feed(b, &a->address, bytes, cur_left(&written), &last);
	} else {
		while (out_datagram_next(&written, &to, &one)) {
			size_t n = cur_left(&one);

			if (a->lose > 0)
				a->lose--;
			else if (flow_eq(&to, &b->address))
				side_feed(b, &a->address, cur_bytes(&one, n), n, &last);
		}
	}
	free(bytes);
}

static inline void sides_pump(struct side *a, struct side *b)
{
	do {
		while (a->sent_size > 0 || b->sent_size > 0) {
			side_move(a, b);
			side_move(b, a);
		}
		side_tick(a);
		side_tick(b);
	} while (a->sent_size > 0 || b->sent_size > 0);
}

static inline void side_at(struct side *s, uint64_t us)
{
	s->now.us = us;
	s->now.wall_ms = 1790000000000ull + us / 1000;
}

static inline void sides_at(struct side *a, struct side *b, uint64_t us)
{
	side_at(a, us);
	side_at(b, us);
}

static inline enum submit side_submit_to(struct side *s, void *session, const struct msg *m,
					 const struct proto_target *at, uint64_t token,
					 struct result *result)
{
	struct out  out = side_out(s);
	enum submit how = sip_ops.submit(session, s->now, m, at, token, &out, result);

	side_took(s, &out);
	return how;
}

static inline void side_answer(struct side *s, const struct side_event *e, const struct result *r)
{
	struct out out = side_out(s);

	sip_ops.answer(e->session, s->now, e->token, r, &out);
	side_took(s, &out);
}

/* The last event of a kind, or NULL. */
static inline struct side_event *side_last(struct side *s, enum proto_event_kind kind)
{
	for (unsigned i = s->event_count; i-- > 0;) {
		if (s->events[i].kind == kind)
			return &s->events[i];
	}
	return NULL;
}

/* What s has sent and nobody took yet, one message at a time, as a NUL-terminated text that holds
 * until the next call; NULL: nothing. */
static inline const char *side_heard(struct side *s, struct flow *to)
{
	static char kept[SIP_MESSAGE_SIZE_MAX + 1];
	struct cur  in = cur_of(s->sent, s->sent_size), one = in;
	size_t      n, taken;

	if (s->sent_size == 0)
		return NULL;
	if (s->datagram) {
		assert_true(out_datagram_next(&in, to, &one));
	} else {
		struct sip_scan    scan = {0};
		struct sip_message m;
		enum reason        why;

		assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_ITEM);
		one.end = in.p;
	}
	n = cur_left(&one);
	taken = s->sent_size - cur_left(&in);
	memcpy(kept, cur_bytes(&one, n), n);
	kept[n] = '\0';
	s->sent_size -= taken;
	memmove(s->sent, s->sent + taken, s->sent_size);
	return kept;
}

/* A text from somebody; its answer, or NULL. */
static inline const char *side_say(struct side *s, const struct flow *from, const char *text)
{
	enum pull   last;
	struct flow to;

	side_feed(s, from, text, strlen(text), &last);
	return side_heard(s, &to);
}

static inline unsigned side_status(const char *response)
{
	assert_non_null(response);
	assert_memory_equal(response, "SIP/2.0 ", 8);
	return (unsigned)strtoul(response + 8, NULL, 10);
}
