/* INVITE transactions: each timer and each state of RFC 3261 (17.1.1, 17.2.1) and RFC 6026. */
#include "transactions.h"

#include "sip/invite.h"

static uint8_t room[32768];

/* ---- the client ---- */

static size_t write_invite(const struct bench *b, const struct sip_client *c, char *to, size_t size)
{
	struct put w = put_to(to, size);

	put_str(&w, STR("INVITE sip:bob@example.net SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 198.51.100.1:5060;branch="));
	sip_client_branch(&b->t, c, &w);
	put_str(&w, STR("\r\nMax-Forwards: 70\r\nRoute: <sip:p1.example.net;lr>\r\n"
			"Route: <sip:p2.example.net;lr>\r\nFrom: <sip:a@example.org>;tag=1\r\n"
			"To: <sip:bob@example.net>\r\nCall-ID: x@example.org\r\nCSeq: 7 INVITE\r\n"
			"Contact: <sip:a@198.51.100.1>\r\nContent-Type: application/sdp\r\n"
			"Content-Length: 5\r\n\r\nv=0\r\n"));
	assert_false(w.failed);
	return put_size(&w);
}

static struct sip_client *begin(struct bench *b, bool datagram)
{
	struct sip_client    *c = sip_client_new(&b->t, &b->clients);
	struct sip_client_how how = {.token = 5,
				     .timeout_us = UINT64_MAX,
				     .to = peer_flow(),
				     .datagram = datagram,
				     .method = SIP_METHOD_INVITE};
	char                  text[1024];

	assert_non_null(c);
	assert_true(sip_client_start(&b->t, c, b->now, &how, text,
				     write_invite(b, c, text, sizeof(text))));
	assert_int_equal(b->clients.open, 0); /* the window is its session's affair */
	return c;
}

/* A response to c; what is written to it goes to *text, empty: nothing. */
static enum sip_invite_step hear(struct bench *b, struct sip_client *c, unsigned status,
				 const char *method, const char *tag, struct str *text)
{
	static char          answer[1024];
	char                 branch[SIP_BRANCH_SIZE];
	struct put           w = put_to(branch, sizeof(branch));
	struct out           out = out_to(room, sizeof(room));
	struct taken         k;
	enum sip_invite_step step;
	struct flow          to, want = peer_flow();
	int                  n;

	sip_client_branch(&b->t, c, &w);
	n = snprintf(answer, sizeof(answer),
		     "SIP/2.0 %u Whatever\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=%.*s\r\n"
		     "From: <sip:a@example.org>;tag=1\r\nTo: <sip:bob@example.net>;tag=%s\r\n"
		     "Call-ID: x@example.org\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
		     status, (int)sizeof(branch), branch, tag, method);
	take(&k, answer, (size_t)n);
	assert_ptr_equal(sip_client_match(&b->t, &k.message, &k.known), c);
	step = sip_invite_response(&b->t, c, b->now, &k.message, &k.known, &out);
	drop(&k);
	*text = STR("");
	if (put_size(&out.put) > 0 && c->datagram) {
		*text = only_datagram(&out, &to);
		assert_true(flow_eq(&to, &want));
	} else if (put_size(&out.put) > 0) {
		*text = (struct str){(char *)room, put_size(&out.put)};
	}
	return step;
}

struct sendings {
	unsigned count;
	unsigned ms[32];
	char     first[32][8]; /* word of each */
};

/* Lets time go from deadline to deadline until one is over or nothing is left to wait for. */
static struct sip_client *run(struct bench *b, uint64_t start_us, struct sendings *s)
{
	for (;;) {
		struct out         out = out_to(room, sizeof(room));
		uint64_t           next;
		struct sip_client *over = sip_client_tick(&b->t, &b->clients, b->now, &out, &next);

		if (put_size(&out.put) > 0) {
			struct flow to;
			struct str  text = only_datagram(&out, &to);

			assert_true(s->count < 32);
			snprintf(s->first[s->count], 8, "%.*s",
				 (int)((const char *)memchr(text.p, ' ', text.n) - text.p), text.p);
			s->ms[s->count++] = (unsigned)((b->now.us - start_us) / US_PER_MS);
		}
		if (over != NULL || next == UINT64_MAX)
			return over;
		assert_true(next > b->now.us);
		b->now.us = next;
	}
}

static void expect(const struct sendings *s, const char *word, const unsigned ms[], unsigned n)
{
	assert_int_equal(s->count, n);
	for (unsigned i = 0; i < n; i++) {
		assert_string_equal(s->first[i], word);
		assert_int_equal(s->ms[i], ms[i]);
	}
}

static void an_invite_over_udp_is_sent_again_by_timer_a_until_timer_b(void **state)
{
	static const unsigned ms[] = {500, 1500, 3500, 7500, 15500, 31500};
	struct sendings       s = {0};
	struct bench          b;
	struct sip_client    *c;
	uint64_t              start;

	bench_open(&b, MEMORY);
	start = b.now.us;
	c = begin(&b, true);
	assert_ptr_equal(run(&b, start, &s), c);
	assert_int_equal(c->state, SIP_CLIENT_TRYING);
	assert_int_equal(b.now.us - start, 32000000);
	expect(&s, "INVITE", ms, 6);
	sip_client_end(&b.t, c);
	assert_int_equal(b.t.pool.used, 0);
	assert_int_equal(count(&b, METRIC_sip_transactions_open), 0);
	bench_close(&b);
}

static void an_invite_over_tcp_is_sent_once_and_ends_by_timer_b(void **state)
{
	struct sendings    s = {0};
	struct bench       b;
	struct sip_client *c;
	uint64_t           start;

	bench_open(&b, MEMORY);
	start = b.now.us;
	c = begin(&b, false);
	assert_true(c->request.size > 0); /* for its ACK and CANCEL */
	assert_ptr_equal(run(&b, start, &s), c);
	assert_int_equal(b.now.us - start, 32000000);
	assert_int_equal(s.count, 0);
	bench_close(&b);
}

static void a_provisional_response_ends_timer_a_and_leaves_the_rest_to_the_session(void **state)
{
	static const unsigned ms[] = {500};
	struct sendings       s = {0};
	struct bench          b;
	struct sip_client    *c;
	struct str            text;
	struct out            out = out_to(room, sizeof(room));
	uint64_t              start, next;

	bench_open(&b, MEMORY);
	start = b.now.us;
	c = begin(&b, true);
	b.now.us += SIP_T1_US;
	assert_null(sip_client_tick(&b.t, &b.clients, b.now, &out, &next));
	s = (struct sendings){.count = 1, .ms = {500}, .first = {"INVITE"}};
	assert_int_equal(hear(&b, c, 180, "INVITE", "2", &text), SIP_INVITE_NOTHING);
	assert_int_equal(hear(&b, c, 183, "INVITE", "2", &text), SIP_INVITE_NOTHING);
	assert_int_equal(text.n, 0);
	assert_ptr_equal(run(&b, start, &s), c);
	assert_int_equal(c->state, SIP_CLIENT_PROCEEDING);
	assert_int_equal(b.now.us - start, 32000000);
	expect(&s, "INVITE", ms, 1);
	bench_close(&b);
}

/* 17.1.1.3. */
static void a_refusal_is_acknowledged_with_the_branch_of_the_invite(void **state)
{
	static const bool over_udp[] = {true, false};

	for (size_t i = 0; i < 2; i++) {
		struct bench       b;
		struct sip_client *c;
		struct str         text;
		char               branch[SIP_BRANCH_SIZE], want[1024];
		struct put         w = put_to(branch, sizeof(branch));

		bench_open(&b, MEMORY);
		c = begin(&b, over_udp[i]);
		sip_client_branch(&b.t, c, &w);
		assert_int_equal(hear(&b, c, 486, "INVITE", "99", &text), SIP_INVITE_REFUSED);
		snprintf(want, sizeof(want),
			 "ACK sip:bob@example.net SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=%.*s\r\n"
			 "Max-Forwards: 70\r\nRoute: <sip:p1.example.net;lr>\r\n"
			 "Route: <sip:p2.example.net;lr>\r\nFrom: <sip:a@example.org>;tag=1\r\n"
			 "To: <sip:bob@example.net>;tag=99\r\nCall-ID: x@example.org\r\n"
			 "CSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n",
			 (int)sizeof(branch), branch);
		assert_true(str_eq(text, str_of(want)));
		bench_close(&b);
	}
}

static void a_refusal_that_comes_again_is_acknowledged_again_until_timer_d(void **state)
{
	struct sendings    s = {0};
	struct bench       b;
	struct sip_client *c;
	struct str         text;
	uint64_t           refused;

	bench_open(&b, MEMORY);
	c = begin(&b, true);
	b.now.us += 700 * US_PER_MS;
	refused = b.now.us;
	assert_int_equal(hear(&b, c, 404, "INVITE", "2", &text), SIP_INVITE_REFUSED);
	for (unsigned i = 0; i < 3; i++) {
		b.now.us += 10 * US_PER_SECOND;
		assert_int_equal(hear(&b, c, 404, "INVITE", "2", &text), SIP_INVITE_NOTHING);
		assert_true(str_starts(text, STR("ACK ")));
	}
	assert_int_equal(hear(&b, c, 200, "INVITE", "2", &text), SIP_INVITE_NOTHING);
	assert_int_equal(hear(&b, c, 180, "INVITE", "2", &text), SIP_INVITE_NOTHING);
	assert_int_equal(text.n, 0);
	assert_int_equal(c->state, SIP_CLIENT_COMPLETED);
	assert_false(sip_invite_cancel(&b.t, c, b.now, &(struct out){0}));
	assert_null(run(&b, refused, &s));
	assert_int_equal(s.count, 0);
	assert_int_equal(b.now.us - refused, 32000000);
	assert_int_equal(b.t.pool.used, 0);
	bench_close(&b);
}

/* RFC 6026, 7.2: 2xx go to the session, of other branches of a fork too. */
static void an_accepted_invite_takes_further_2xx_until_timer_m(void **state)
{
	struct sendings    s = {0};
	struct bench       b;
	struct sip_client *c;
	struct str         text;
	uint64_t           accepted;

	bench_open(&b, MEMORY);
	c = begin(&b, true);
	b.now.us += 3 * US_PER_SECOND;
	accepted = b.now.us;
	assert_int_equal(hear(&b, c, 200, "INVITE", "2", &text), SIP_INVITE_ACCEPTED);
	assert_int_equal(text.n, 0);
	b.now.us += 20 * US_PER_SECOND;
	assert_int_equal(hear(&b, c, 200, "INVITE", "2", &text), SIP_INVITE_ACCEPTED);
	assert_int_equal(hear(&b, c, 200, "INVITE", "3", &text), SIP_INVITE_ACCEPTED);
	assert_int_equal(hear(&b, c, 404, "INVITE", "4", &text), SIP_INVITE_NOTHING);
	assert_int_equal(text.n, 0);
	assert_null(run(&b, accepted, &s));
	assert_int_equal(b.now.us - accepted, 32000000);
	assert_int_equal(b.t.pool.used, 0);
	bench_close(&b);
}

/* 9.1. */
static void cancel_waits_for_a_provisional_response(void **state)
{
	static const unsigned ms[] = {500, 1500, 3500};
	struct sendings       s = {0};
	struct bench          b;
	struct sip_client    *c;
	struct out            out = out_to(room, sizeof(room));
	struct str            text;
	uint64_t              start;
	char                  branch[SIP_BRANCH_SIZE], want[1024];
	struct put            w = put_to(branch, sizeof(branch));

	bench_open(&b, MEMORY);
	c = begin(&b, true);
	sip_client_branch(&b.t, c, &w);
	assert_true(sip_invite_cancel(&b.t, c, b.now, &out));
	assert_int_equal(put_size(&out.put), 0);
	b.now.us += US_PER_SECOND / 4;
	start = b.now.us;
	assert_int_equal(hear(&b, c, 100, "INVITE", "2", &text), SIP_INVITE_NOTHING);
	snprintf(want, sizeof(want),
		 "CANCEL sip:bob@example.net SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=%.*s\r\n"
		 "Max-Forwards: 70\r\nRoute: <sip:p1.example.net;lr>\r\n"
		 "Route: <sip:p2.example.net;lr>\r\nFrom: <sip:a@example.org>;tag=1\r\n"
		 "To: <sip:bob@example.net>\r\nCall-ID: x@example.org\r\n"
		 "CSeq: 7 CANCEL\r\nContent-Length: 0\r\n\r\n",
		 (int)sizeof(branch), branch);
	assert_true(str_eq(text, str_of(want)));
	for (unsigned i = 0; i < 3; i++) {
		uint64_t next;

		b.now.us = start + ms[i] * (uint64_t)US_PER_MS;
		out = out_to(room, sizeof(room));
		assert_null(sip_client_tick(&b.t, &b.clients, b.now, &out, &next));
		assert_true(str_starts(only_datagram(&out, &(struct flow){0}), STR("CANCEL ")));
	}
	assert_int_equal(hear(&b, c, 200, "CANCEL", "2", &text), SIP_INVITE_NOTHING);
	assert_int_equal(hear(&b, c, 487, "INVITE", "2", &text), SIP_INVITE_REFUSED);
	assert_true(str_starts(text, STR("ACK ")));
	assert_null(run(&b, start, &s));
	assert_int_equal(s.count, 0);
	assert_int_equal(b.t.pool.used, 0);
	bench_close(&b);
}

static void a_cancel_without_effect_ends_after_64_t1(void **state)
{
	static const unsigned ms[] = {500,   1500,  3500,  7500,  11500,
				      15500, 19500, 23500, 27500, 31500};
	struct sendings       s = {0};
	struct bench          b;
	struct sip_client    *c;
	struct out            out = out_to(room, sizeof(room));
	struct str            text;
	uint64_t              start;

	bench_open(&b, MEMORY);
	c = begin(&b, true);
	hear(&b, c, 180, "INVITE", "2", &text);
	b.now.us += 10 * US_PER_SECOND;
	start = b.now.us;
	assert_true(sip_invite_cancel(&b.t, c, b.now, &out));
	assert_true(put_size(&out.put) > 0);
	assert_true(sip_invite_cancel(&b.t, c, b.now, &out)); /* asked for twice, sent once */
	only_datagram(&out, &(struct flow){0});
	assert_ptr_equal(run(&b, start, &s), c);
	assert_int_equal(b.now.us - start, 32000000);
	expect(&s, "CANCEL", ms, 10);
	assert_true(c->cancelled);
	bench_close(&b);
}

static void a_2xx_that_crosses_with_cancel_is_accepted(void **state)
{
	struct bench       b;
	struct sip_client *c;
	struct out         out = out_to(room, sizeof(room));
	struct str         text;
	uint64_t           next;

	bench_open(&b, MEMORY);
	c = begin(&b, true);
	hear(&b, c, 180, "INVITE", "2", &text);
	sip_invite_cancel(&b.t, c, b.now, &out);
	assert_int_equal(hear(&b, c, 200, "INVITE", "2", &text), SIP_INVITE_ACCEPTED);
	assert_int_equal(hear(&b, c, 481, "CANCEL", "2", &text), SIP_INVITE_NOTHING);
	b.now.us += SIP_T1_US;
	out = out_to(room, sizeof(room));
	assert_null(sip_client_tick(&b.t, &b.clients, b.now, &out, &next));
	assert_int_equal(put_size(&out.put), 0);
	bench_close(&b);
}

static void a_response_to_a_cancel_that_was_not_sent_belongs_to_nothing(void **state)
{
	struct bench       b;
	struct sip_client *c;
	struct taken       k;
	char               branch[SIP_BRANCH_SIZE], text[512];
	struct put         w = put_to(branch, sizeof(branch));
	int                n;

	bench_open(&b, MEMORY);
	c = begin(&b, true);
	sip_client_branch(&b.t, c, &w);
	n = snprintf(text, sizeof(text),
		     "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=%.*s\r\n"
		     "From: <sip:a@example.org>;tag=1\r\nTo: <sip:bob@example.net>;tag=2\r\n"
		     "Call-ID: x@example.org\r\nCSeq: 7 CANCEL\r\nContent-Length: 0\r\n\r\n",
		     (int)sizeof(branch), branch);
	take(&k, text, (size_t)n);
	assert_null(sip_client_match(&b.t, &k.message, &k.known));
	assert_int_equal(count(&b, METRIC_sip_responses_stray), 1);
	drop(&k);
	bench_close(&b);
}

/* ---- the server ---- */

#define INVITE                                                                                     \
	"INVITE sip:bob@example.org SIP/2.0\r\n"                                                   \
	"Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKabc;rport\r\n"                              \
	"From: <sip:alice@example.net>;tag=88\r\nTo: <sip:bob@example.org>\r\n"                    \
	"Call-ID: c1@example.net\r\nCSeq: 4 INVITE\r\nMax-Forwards: 70\r\n"                        \
	"Content-Length: 0\r\n\r\n"
#define BESIDE(method, branch, to)                                                                 \
	method " sip:bob@example.org SIP/2.0\r\n"                                                  \
	       "Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK" branch ";rport\r\n"                \
	       "From: <sip:alice@example.net>;tag=88\r\nTo: <sip:bob@example.org>" to "\r\n"       \
	       "Call-ID: c1@example.net\r\nCSeq: 4 " method "\r\nMax-Forwards: 70\r\n"             \
	       "Content-Length: 0\r\n\r\n"

struct asked {
	struct taken        k;
	struct flow         from;
	struct sip_incoming in;
};

static void asks(struct asked *a, const char *text, bool datagram)
{
	take_text(&a->k, text);
	a->from = peer_flow();
	a->in = (struct sip_incoming){&a->k.message, &a->k.known, &a->from, datagram};
}

/* The INVITE comes (again); *text is what is written at once. */
static enum sip_server_step invite(struct bench *b, bool datagram, struct sip_server **s,
				   struct str *text)
{
	struct asked         a;
	struct out           out = out_to(room, sizeof(room));
	struct sip_again     again;
	enum sip_server_step step;

	asks(&a, INVITE, datagram);
	step = sip_server_request(&b->t, &b->servers, b->now, &a.in, &out, s, &again);
	drop(&a.k);
	*text = put_size(&out.put) == 0 ? STR("") : only_datagram(&out, &(struct flow){0});
	return step;
}

static bool ack(struct bench *b, bool datagram, const char *text)
{
	struct asked a;
	bool         taken;

	asks(&a, text, datagram);
	taken = sip_invite_ack(&b->t, b->now, &a.in);
	drop(&a.k);
	return taken;
}

static const struct sip_answer busy = {.status = 486, .reason = {"Busy Here", 9}};
static const struct sip_answer ok = {.status = 200,
				     .reason = {"OK", 2},
				     .type = {"application/sdp", 15},
				     .body = {"v=0\r\n", 5}};

static struct sip_server *answered_to(struct bench *b, bool datagram, bool proven,
				      const struct sip_answer *a, struct str *text)
{
	struct sip_server *s;
	struct out         out = out_to(room, sizeof(room));

	assert_int_equal(invite(b, datagram, &s, text), SIP_SERVER_NEW);
	assert_int_equal(b->servers.open, 1);
	s->proven = proven;
	assert_true(sip_invite_answer(&b->t, s, b->now, a, &out) ||
		    (!datagram && a->status >= 300));
	assert_int_equal(b->servers.open, 0);
	*text = datagram ? only_datagram(&out, &(struct flow){0})
			 : (struct str){(char *)room, put_size(&out.put)};
	return s;
}

static struct sip_server *answered(struct bench *b, bool datagram, const struct sip_answer *a,
				   struct str *text)
{
	return answered_to(b, datagram, true, a, text);
}

/* Until nothing is left to wait for: when something was sent, which must be this text. */
static void serve(struct bench *b, uint64_t start_us, bool datagram, struct str want,
		  struct sendings *sent)
{
	char copy[2048];

	memcpy(copy, want.p, want.n);
	for (;;) {
		struct out out = out_to(room, sizeof(room));
		uint64_t   next = sip_server_tick(&b->t, &b->servers, b->now, &out);

		if (put_size(&out.put) > 0) {
			struct str text = datagram ? only_datagram(&out, &(struct flow){0})
						   : (struct str){(char *)room, put_size(&out.put)};

			assert_true(str_eq(text, (struct str){copy, want.n}));
			sent->ms[sent->count++] = (unsigned)((b->now.us - start_us) / US_PER_MS);
		}
		if (next == UINT64_MAX)
			return;
		assert_true(next > b->now.us);
		b->now.us = next;
	}
}

static void an_invite_without_an_answer_gets_100_after_200_ms(void **state)
{
	static const bool over_udp[] = {true, false};

	for (size_t i = 0; i < 2; i++) {
		struct bench       b;
		struct sip_server *s;
		struct out         out = out_to(room, sizeof(room));
		struct str         text, want = STR("SIP/2.0 100 Trying\r\n");

		bench_open(&b, MEMORY);
		assert_int_equal(invite(&b, over_udp[i], &s, &text), SIP_SERVER_NEW);
		assert_int_equal(text.n, 0);
		assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), b.now.us + 200000);
		b.now.us += 200000;
		assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), UINT64_MAX);
		text = over_udp[i] ? only_datagram(&out, &(struct flow){0})
				   : (struct str){(char *)room, put_size(&out.put)};
		assert_true(str_starts(text, want));
		if (over_udp[i]) {
			assert_int_equal(invite(&b, true, &(struct sip_server *){0}, &text),
					 SIP_SERVER_PENDING);
			assert_true(str_starts(text, want));
		}
		sip_server_end(&b.t, s);
		assert_int_equal(b.t.pool.used, 0);
		bench_close(&b);
	}
}

static void a_refusal_over_udp_is_sent_again_by_timer_g_until_timer_h(void **state)
{
	static const unsigned ms[] = {500,   1500,  3500,  7500,  11500,
				      15500, 19500, 23500, 27500, 31500};
	struct sendings       sent = {0};
	struct bench          b;
	struct str            text;
	uint64_t              start;

	bench_open(&b, MEMORY);
	start = b.now.us;
	answered(&b, true, &busy, &text);
	assert_true(str_starts(text, STR("SIP/2.0 486 Busy Here\r\n")));
	serve(&b, start, true, text, &sent);
	assert_int_equal(b.now.us - start, 32000000);
	assert_int_equal(sent.count, 10);
	assert_memory_equal(sent.ms, ms, sizeof(ms));
	assert_int_equal(count(&b, METRIC_sip_answers_unacknowledged), 1);
	assert_int_equal(count(&b, METRIC_sip_responses_resent), 10);
	assert_int_equal(b.t.pool.used, 0);
	bench_close(&b);
}

/* Who forges where his INVITE comes from makes us send there one answer, and after it no more than
 * he sends himself. */
static void to_who_has_proven_nothing_an_answer_goes_again_as_far_as_the_request_pays(void **state)
{
	static const struct sip_answer *const answers[] = {&busy, &ok};

	for (size_t i = 0; i < 2; i++) {
		size_t       came = sizeof(INVITE) - 1, first, went;
		struct bench b;
		struct str   text;

		bench_open(&b, MEMORY);
		answered_to(&b, true, false, answers[i], &text);
		first = went = text.n;
		for (unsigned again = 0; again < 40; again++) {
			struct sip_server *s;
			struct out         out = out_to(room, sizeof(room));

			b.now.us += US_PER_SECOND / 2;
			sip_server_tick(&b.t, &b.servers, b.now, &out);
			if (put_size(&out.put) > 0)
				went += only_datagram(&out, &(struct flow){0}).n;
			assert_true(went - first <= came);
			came += sizeof(INVITE) - 1;
			assert_int_equal(invite(&b, true, &s, &text), SIP_SERVER_PENDING);
			went += text.n;
			assert_true(went - first <= came);
		}
		assert_true(went - first > came / 2); /* who is there is answered all the same */
		assert_true(count(&b, METRIC_sip_responses_withheld) > 0);
		while (b.t.pool.used > 0) {
			struct out out = out_to(room, sizeof(room));

			b.now.us += US_PER_SECOND / 2;
			sip_server_tick(&b.t, &b.servers, b.now, &out);
			went += put_size(&out.put);
			assert_true(went - first <= came);
		}
		bench_close(&b);
	}
}

/* No answer is sent to who is unproven that is out of proportion, the first neither. */
static void an_answer_much_longer_than_the_request_goes_to_who_is_proven_alone(void **state)
{
	static char             lines[4096];
	const struct sip_answer big[] = {
		{.status = 486, .reason = STR("Busy Here"), .headers = {lines, sizeof(lines)}},
		{.status = 200, .reason = STR("OK"), .headers = {lines, sizeof(lines)}},
	};

	memset(lines, 'x', sizeof(lines));
	memcpy(lines, "Subject: ", 9);
	memcpy(lines + sizeof(lines) - 2, "\r\n", 2);
	for (size_t i = 0; i < 4; i++) {
		struct sip_server *s;
		struct bench       b;
		struct str         text;
		struct out         out = out_to(room, sizeof(room));
		bool               proven = i >= 2;

		bench_open(&b, MEMORY);
		assert_int_equal(invite(&b, true, &s, &text), SIP_SERVER_NEW);
		s->proven = proven;
		assert_int_equal(sip_invite_answer(&b.t, s, b.now, &big[i % 2], &out), proven);
		assert_int_equal(put_size(&out.put) > 0, proven);
		assert_int_equal(count(&b, METRIC_sip_malformed_dropped), !proven);
		/* a refusal is over, an acceptance can still be refused */
		assert_int_equal(b.servers.open, !proven && big[i % 2].status == 200);
		sip_server_end_all(&b.t, &b.servers);
		assert_int_equal(b.t.pool.used, 0);
		bench_close(&b);
	}
}

/* The tag of our answer is known to who got it; at another address that proves nothing. */
static void whose_ack_has_our_tag_gets_answers_again_by_the_timer(void **state)
{
	static const struct {
		bool    right_tag;
		uint8_t address;
		bool    proves;
	} cases[] = {{true, 7, true}, {false, 7, false}, {true, 8, false}};

	for (size_t i = 0; i < 3; i++) {
		struct sendings sent = {0};
		struct bench    b;
		struct str      text;
		struct asked    a;
		char            request[1024];
		const char     *tag;
		uint64_t        start;

		bench_open(&b, MEMORY);
		answered_to(&b, true, false, &busy, &text);
		tag = memmem(text.p, text.n, "org>;tag=", 9);
		assert_non_null(tag);
		snprintf(request, sizeof(request), BESIDE("ACK", "abc", ";tag=%.16s"),
			 cases[i].right_tag ? tag + 9 : "aaaaaaaaaaaaaaaa");
		asks(&a, request, true);
		a.from = flow_of(192, 0, 2, cases[i].address, 9999);
		assert_true(sip_invite_ack(&b.t, b.now, &a.in));
		drop(&a.k);
		b.now.us += SIP_REACHED_US / 2;
		start = b.now.us;
		answered_to(&b, true, false, &busy, &text);
		serve(&b, start, true, text, &sent);
		assert_int_equal(sent.count, cases[i].proves ? 10 : 0);
		b.now.us += SIP_REACHED_US; /* not for ever */
		sent.count = 0;
		answered_to(&b, true, false, &busy, &text);
		serve(&b, start, true, text, &sent);
		assert_int_equal(sent.count, 0);
		bench_close(&b);
	}
}

static void an_invite_that_comes_again_gets_its_refusal_at_once(void **state)
{
	struct bench       b;
	struct str         first, text;
	struct sip_server *s;
	char               copy[2048];

	bench_open(&b, MEMORY);
	answered(&b, true, &busy, &first);
	memcpy(copy, first.p, first.n);
	b.now.us += US_PER_SECOND / 10;
	assert_int_equal(invite(&b, true, &s, &text), SIP_SERVER_PENDING);
	assert_true(str_eq(text, (struct str){copy, first.n}));
	bench_close(&b);
}

/* Figure 7: Confirmed. ACK has the branch of the INVITE, and the To tag of the answer. */
static void the_ack_of_a_refusal_ends_it_and_all_that_comes_again_is_absorbed(void **state)
{
	struct bench       b;
	struct str         text;
	struct sip_server *s;
	struct out         out = out_to(room, sizeof(room));

	bench_open(&b, MEMORY);
	answered(&b, true, &busy, &text);
	assert_false(ack(&b, true, BESIDE("ACK", "abd", ";tag=x")));
	assert_true(ack(&b, true, BESIDE("ACK", "abc", ";tag=x")));
	assert_int_equal(b.t.pool.used, 0);
	assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), UINT64_MAX);
	for (unsigned i = 0; i < 4; i++) { /* timer I is T4, 5 s */
		assert_true(ack(&b, true, BESIDE("ACK", "abc", ";tag=x")));
		assert_int_equal(invite(&b, true, &s, &text), SIP_SERVER_PENDING);
		assert_int_equal(text.n, 0);
		b.now.us += US_PER_SECOND * 5 / 4;
	}
	b.now.us += SIP_TIMEOUT_US;
	assert_int_equal(invite(&b, true, &s, &text), SIP_SERVER_NEW);
	bench_close(&b);
}

static void over_tcp_a_refusal_is_the_end(void **state)
{
	struct bench b;
	struct str   text;
	struct out   out = out_to(room, sizeof(room));

	bench_open(&b, MEMORY);
	answered(&b, false, &busy, &text);
	assert_true(str_starts(text, STR("SIP/2.0 486 Busy Here\r\n")));
	assert_int_equal(b.t.pool.used, 0);
	assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), UINT64_MAX);
	assert_false(ack(&b, false, BESIDE("ACK", "abc", ";tag=x")));
	bench_close(&b);
}

/* 13.3.1.4: over any transport. */
static void a_2xx_is_sent_again_until_its_dialog_has_the_ack(void **state)
{
	static const unsigned ms[] = {500,   1500,  3500,  7500,  11500,
				      15500, 19500, 23500, 27500, 31500};
	static const bool     over_udp[] = {true, false};

	for (size_t i = 0; i < 2; i++) {
		struct sendings    sent = {0};
		struct bench       b;
		struct str         text;
		struct sip_server *s;
		uint64_t           start, token;

		bench_open(&b, MEMORY);
		start = b.now.us;
		s = answered(&b, over_udp[i], &ok, &text);
		token = sip_server_token(&b.t, s);
		assert_true(str_starts(text, STR("SIP/2.0 200 OK\r\n")));
		serve(&b, start, over_udp[i], text, &sent);
		assert_int_equal(sent.count, 10);
		assert_memory_equal(sent.ms, ms, sizeof(ms));
		assert_null(sip_server_find(&b.t, token)); /* timer L */
		assert_int_equal(b.t.pool.used, 0);
		bench_close(&b);
	}
}

static void an_accepted_invite_is_absorbed_before_and_after_its_ack(void **state)
{
	struct bench       b;
	struct str         text;
	struct sip_server *s, *again;
	struct out         out = out_to(room, sizeof(room));

	bench_open(&b, MEMORY);
	s = answered(&b, true, &ok, &text);
	assert_int_equal(invite(&b, true, &again, &text), SIP_SERVER_PENDING);
	assert_int_equal(text.n, 0); /* its dialog sends the 2xx again, by the timer */
	assert_false(ack(&b, true, BESIDE("ACK", "new", ";tag=x")));
	assert_false(ack(&b, true, BESIDE("ACK", "abc", ";tag=x"))); /* of a peer of RFC 2543 */
	sip_invite_acked(&b.t, s, b.now);
	assert_int_equal(b.t.pool.used, 0);
	assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), UINT64_MAX);
	b.now.us += 30 * US_PER_SECOND;
	assert_int_equal(invite(&b, true, &again, &text), SIP_SERVER_PENDING);
	assert_int_equal(text.n, 0);
	bench_close(&b);
}

/* 9.2. */
static void cancel_finds_the_invite_that_has_no_final_answer(void **state)
{
	struct bench       b;
	struct asked       a;
	struct sip_server *s, *open;
	struct str         text;
	struct out         out = out_to(room, sizeof(room));
	struct sip_answer  terminated = {.status = 487, .reason = STR("Request Terminated")};

	bench_open(&b, MEMORY);
	asks(&a, BESIDE("CANCEL", "abc", ""), true);
	assert_false(sip_server_cancels(&b.t, b.now, &a.in, &open));
	invite(&b, true, &s, &text);
	assert_true(sip_server_cancels(&b.t, b.now, &a.in, &open));
	assert_ptr_equal(open, s);
	assert_true(sip_invite_answer(&b.t, s, b.now, &terminated, &out));
	assert_true(sip_server_cancels(&b.t, b.now, &a.in, &open));
	assert_null(open);
	assert_true(ack(&b, true, BESIDE("ACK", "abc", ";tag=x")));
	assert_true(sip_server_cancels(&b.t, b.now, &a.in, &open)); /* late, and of no effect */
	assert_null(open);
	drop(&a.k);
	bench_close(&b);
}

static void without_memory_for_it_a_refusal_goes_once_and_a_2xx_does_not(void **state)
{
	struct bench       b;
	struct str         text;
	struct sip_server *s;
	struct out         out = out_to(room, sizeof(room));

	bench_open(&b, MEMORY);
	assert_int_equal(invite(&b, true, &s, &text), SIP_SERVER_NEW);
	while (sip_pool_take(&b.t.pool) != SIP_BLOCK_NONE)
		;
	assert_false(sip_invite_answer(&b.t, s, b.now, &ok, &out));
	assert_int_equal(put_size(&out.put), 0);
	assert_int_equal(b.servers.open, 1);
	sip_invite_answer(&b.t, s, b.now, &busy, &out);
	assert_true(str_starts(only_datagram(&out, &(struct flow){0}), STR("SIP/2.0 486 ")));
	assert_int_equal(b.servers.open, 0);
	assert_true(ack(&b, true, BESIDE("ACK", "abc", ";tag=x")));
	bench_close(&b);
}

static void the_end_of_a_session_ends_all_that_waits_for_ack(void **state)
{
	struct bench b;
	struct str   text;

	bench_open(&b, MEMORY);
	answered(&b, true, &ok, &text);
	begin(&b, true);
	sip_server_end_all(&b.t, &b.servers);
	sip_client_end(&b.t, sip_client_oldest(&b.t, &b.clients));
	assert_null(sip_client_oldest(&b.t, &b.clients));
	assert_int_equal(b.t.pool.used, 0);
	assert_int_equal(count(&b, METRIC_sip_transactions_open), 0);
	bench_close(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_over_udp_is_sent_again_by_timer_a_until_timer_b),
		cmocka_unit_test(an_invite_over_tcp_is_sent_once_and_ends_by_timer_b),
		cmocka_unit_test(
			a_provisional_response_ends_timer_a_and_leaves_the_rest_to_the_session),
		cmocka_unit_test(a_refusal_is_acknowledged_with_the_branch_of_the_invite),
		cmocka_unit_test(a_refusal_that_comes_again_is_acknowledged_again_until_timer_d),
		cmocka_unit_test(an_accepted_invite_takes_further_2xx_until_timer_m),
		cmocka_unit_test(cancel_waits_for_a_provisional_response),
		cmocka_unit_test(a_cancel_without_effect_ends_after_64_t1),
		cmocka_unit_test(a_2xx_that_crosses_with_cancel_is_accepted),
		cmocka_unit_test(a_response_to_a_cancel_that_was_not_sent_belongs_to_nothing),
		cmocka_unit_test(an_invite_without_an_answer_gets_100_after_200_ms),
		cmocka_unit_test(a_refusal_over_udp_is_sent_again_by_timer_g_until_timer_h),
		cmocka_unit_test(
			to_who_has_proven_nothing_an_answer_goes_again_as_far_as_the_request_pays),
		cmocka_unit_test(
			an_answer_much_longer_than_the_request_goes_to_who_is_proven_alone),
		cmocka_unit_test(whose_ack_has_our_tag_gets_answers_again_by_the_timer),
		cmocka_unit_test(an_invite_that_comes_again_gets_its_refusal_at_once),
		cmocka_unit_test(the_ack_of_a_refusal_ends_it_and_all_that_comes_again_is_absorbed),
		cmocka_unit_test(over_tcp_a_refusal_is_the_end),
		cmocka_unit_test(a_2xx_is_sent_again_until_its_dialog_has_the_ack),
		cmocka_unit_test(an_accepted_invite_is_absorbed_before_and_after_its_ack),
		cmocka_unit_test(cancel_finds_the_invite_that_has_no_final_answer),
		cmocka_unit_test(without_memory_for_it_a_refusal_goes_once_and_a_2xx_does_not),
		cmocka_unit_test(the_end_of_a_session_ends_all_that_waits_for_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
