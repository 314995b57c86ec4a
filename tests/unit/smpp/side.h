/* One end of a connection under test: an instance, a session, its virtual clock and the bytes it
 * wants sent. */
#pragma once

#include "test.h"

#include "smpp/session.h"

#define SIDE_BLOCKS 256u
#define SIDE_POOL 512u
#define SIDE_OUT (1u << 20)
#define SIDE_EVENTS 512u

struct side_event {
	enum proto_event_kind kind;
	uint64_t              token;
	struct result         result;
	struct msg           *msg;
	enum reason           why;
};

struct side {
	void                 *instance, *session, *blocks, *memory;
	struct msg_pool      *pool;
	struct metrics       *metrics;
	struct proto_settings settings;
	struct now            now;
	uint8_t              *sent; /* SIDE_OUT bytes; sent_size of them not yet moved */
	size_t                sent_size, room_max;
	uint64_t              due;
	enum reason           verdict; /* of a login */
	struct proto_login    login;
	struct side_event     events[SIDE_EVENTS];
	unsigned              event_count;
};

static inline struct proto_settings side_settings(void)
{
	return (struct proto_settings){
		.window_max = 10,
		.message_size_max = 65535,
		.keepalive_us = 0,
		.response_us = 10 * US_PER_SECOND,
		.inactivity_us = 0,
		.default_alphabet = MSG_CODING_GSM7,
		.default_ton = 1,
		.source_ton = 0xff,
		.source_npi = 0xff,
		.dest_ton = 0xff,
		.dest_npi = 0xff,
	};
}

static inline struct side *side_new(void)
{
	struct side                 *s = calloc(1, sizeof(*s));
	struct proto_instance_config config;

	s->metrics = aligned_alloc(64, sizeof(*s->metrics));
	memset(s->metrics, 0, sizeof(*s->metrics));
	s->instance = calloc(1, smpp_ops.instance_size);
	s->session = calloc(1, smpp_ops.session_size);
	s->blocks = calloc(SIDE_BLOCKS, smpp_ops.block_size);
	s->memory = aligned_alloc(64, (msg_pool_size(SIDE_POOL) + 63) / 64 * 64);
	s->pool = msg_pool_init(s->memory, SIDE_POOL);
	s->sent = malloc(SIDE_OUT);
	s->room_max = SIDE_OUT;
	s->settings = side_settings();
	s->now = (struct now){1000000, 1790000000000ull};
	config = (struct proto_instance_config){
		.metrics = s->metrics, .blocks = s->blocks, .block_count = SIDE_BLOCKS, .seed = 42};
	assert_int_equal(smpp_ops.instance_init(s->instance, &config), 0);
	return s;
}

static inline void side_forget_events(struct side *s)
{
	for (unsigned i = 0; i < s->event_count; i++)
		msg_free(s->events[i].msg);
	s->event_count = 0;
}

static inline void side_free(struct side *s)
{
	side_forget_events(s);
	assert_int_equal(msg_pool_free_count(s->pool), SIDE_POOL);
	free(s->metrics);
	free(s->instance);
	free(s->session);
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

static inline void side_open(struct side *s, enum proto_role role, unsigned wants)
{
	struct out out = side_out(s);

	smpp_ops.open(s->session, s->now,
		      &(struct proto_open){.role = role,
					   .instance = s->instance,
					   .login_us = 5 * US_PER_SECOND,
					   .settings = &s->settings,
					   .identity = STR("esme1"),
					   .secret = STR("secret1"),
					   .system_type = STR(""),
					   .wants = wants,
					   .node = STR("cpm1")},
		      &out);
	side_took(s, &out);
}

static inline void side_note(struct side *s, const struct proto_event *e)
{
	struct out out = side_out(s);

	assert_true(s->event_count < SIDE_EVENTS);
	if (e->kind == EVENT_LOGIN) {
		s->login = e->login;
		smpp_ops.login(s->session, s->now,
			       &(struct login_verdict){s->verdict, &s->settings}, &out);
		side_took(s, &out);
	}
	s->events[s->event_count++] =
		(struct side_event){e->kind, e->kind == EVENT_MSG ? e->msg->token : e->token,
				    e->result, e->kind == EVENT_MSG ? e->msg : NULL, e->why};
}

/* Feeds bytes as one received run, in memory that ends where they end. Returns how many were
 * consumed. */
static inline size_t side_feed(struct side *s, const uint8_t *bytes, size_t n, enum pull *last)
{
	uint8_t    *exact = test_copy(bytes, n);
	struct cur  in = cur_of(exact, n);
	struct flow from = {0};
	size_t      left;

	do {
		struct msg        *m = msg_new(s->pool);
		struct proto_event e = {.msg = m};
		struct out         out = side_out(s);

		*last = smpp_ops.feed(s->session, s->now, &from, &in, &out, &e);
		side_took(s, &out);
		if (*last == PULL_ITEM && e.kind != EVENT_NONE)
			side_note(s, &e);
		if (*last != PULL_ITEM || e.kind != EVENT_MSG)
			msg_free(m);
		if (*last == PULL_BAD)
			s->events[s->event_count++] =
				(struct side_event){.kind = EVENT_CLOSE, .why = e.why};
	} while (*last == PULL_ITEM);
	left = cur_left(&in);
	free(exact);
	return n - left;
}

static inline void side_tick(struct side *s)
{
	for (;;) {
		struct proto_event e = {0};
		struct out         out = side_out(s);

		s->due = smpp_ops.tick(s->session, s->now, &out, &e);
		side_took(s, &out);
		if (e.kind == EVENT_NONE)
			return;
		side_note(s, &e);
	}
}

/* All that a has sent goes to b. */
static inline void side_move(struct side *a, struct side *b)
{
	enum pull last;
	size_t    n = a->sent_size;

	if (n > 0) {
		a->sent_size = 0;
		assert_int_equal(side_feed(b, a->sent, n, &last), n);
	}
}

static inline void sides_pump(struct side *a, struct side *b)
{
	while (a->sent_size > 0 || b->sent_size > 0) {
		side_move(a, b);
		side_move(b, a);
	}
	side_tick(a);
	side_tick(b);
}

static inline void sides_at(struct side *a, struct side *b, uint64_t us)
{
	a->now.us = b->now.us = us;
	a->now.wall_ms = b->now.wall_ms = 1790000000000ull + us / 1000;
}

static inline enum submit side_submit(struct side *s, const struct msg *m, uint64_t token,
				      struct result *result)
{
	struct out  out = side_out(s);
	enum submit how = smpp_ops.submit(s->session, s->now, m, NULL, token, &out, result);

	side_took(s, &out);
	return how;
}

static inline void side_answer(struct side *s, uint64_t token, const struct result *r)
{
	struct out out = side_out(s);

	smpp_ops.answer(s->session, s->now, token, r, &out);
	side_took(s, &out);
}

static inline uint64_t side_metric(const struct side *s, unsigned id)
{
	return s->metrics->value[id];
}

static inline uint64_t side_refused(const struct side *s, enum reason why)
{
	return s->metrics->value[METRIC_REFUSED + why];
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

/* One PDU of what s has sent and nobody took yet, from the start; false: there is none. */
static inline bool side_sent_pdu(struct side *s, struct smpp_pdu *pdu)
{
	static uint8_t kept[SMPP_PDU_SIZE_MAX];
	struct cur     in = cur_of(s->sent, s->sent_size);
	uint32_t       need;

	if (smpp_pdu_next(&in, pdu, &need) != PULL_ITEM)
		return false;
	memcpy(kept, s->sent, pdu->size);
	pdu->body = cur_of(kept + SMPP_HEADER_SIZE, pdu->size - SMPP_HEADER_SIZE);
	s->sent_size -= pdu->size;
	memmove(s->sent, s->sent + pdu->size, s->sent_size);
	return true;
}

/* An accepted and a connecting session, bound. */
static inline void sides_bind(struct side *server, struct side *client, unsigned wants)
{
	side_open(server, PROTO_ACCEPTED, 0);
	side_open(client, PROTO_CONNECTING, wants);
	sides_pump(server, client);
	assert_non_null(side_last(client, EVENT_UP));
	side_forget_events(server);
	side_forget_events(client);
}
