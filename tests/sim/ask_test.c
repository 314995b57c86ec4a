/* Questions of sessions to control: what a protocol may rely on, told to one of the test's own in
 * the place of XMPP; the test is the management thread, with control behind it. */
#include "test.h"

#include <stdlib.h>

#include "sim.h"

#define CLIENTS_MAX 80u
#define TOLD_MAX 2048u

static struct sim sim;

/* ---- the protocol ----
 *
 * "Qx" asks x, of which the token is x, too; "X" ends the session; "W" makes it wait before it
 * takes an answer, until it gets "G"; all else is counted. */

struct probe_session {
	bool     waits;
	unsigned bytes; /* of the answer at hand */
};

static struct {
	unsigned told_count, plain, closed;
	struct {
		uint64_t    token;
		enum reason why;
		unsigned    bytes;
	} told[TOLD_MAX];
	unsigned take; /* bytes of an answer that a session takes in one call */
} probe;

static int probe_instance_init(void *instance, const struct proto_instance_config *config)
{
	(void)instance;
	(void)config;
	return 0;
}

static void probe_open(void *session, struct now now, const struct proto_open *how, struct out *out)
{
	(void)session;
	(void)now;
	(void)how;
	(void)out;
}

static enum pull probe_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			    struct out *out, struct proto_event *event)
{
	static uint8_t        asked;
	struct probe_session *s = session;

	(void)now;
	(void)from;
	(void)out;
	event->kind = EVENT_NONE;
	if (in->p[0] == 'Q' && cur_left(in) < 2) {
		event->need = 2;
		return PULL_MORE;
	}
	switch (cur_u8(in)) {
	case 'Q':
		asked = cur_u8(in);
		event->kind = EVENT_ASK;
		event->ask = (struct proto_question){{(const char *)&asked, 1}, asked};
		break;
	case 'W':
		s->waits = true;
		break;
	case 'G':
		s->waits = false;
		break;
	case 'X':
		event->kind = EVENT_CLOSE;
		event->why = REASON_UNBOUND;
		break;
	default:
		probe.plain++;
	}
	return PULL_ITEM;
}

static void probe_told(void *session, struct now now, uint64_t token, enum reason why,
		       struct cur *answer, struct out *out, struct proto_event *event)
{
	struct probe_session *s = session;
	size_t                n = cur_left(answer);

	(void)now;
	event->kind = EVENT_NONE;
	if (why == REASON_NONE && s->waits)
		return;
	n = n < probe.take ? n : probe.take;
	cur_bytes(answer, n);
	s->bytes += (unsigned)n;
	if (cur_left(answer) > 0)
		return;
	assert_true(probe.told_count < TOLD_MAX);
	probe.told[probe.told_count].token = token;
	probe.told[probe.told_count].why = why;
	probe.told[probe.told_count++].bytes = s->bytes;
	s->bytes = 0;
	put_u8(&out->put, (uint8_t)token);
}

static uint64_t probe_tick(void *session, struct now now, struct out *out,
			   struct proto_event *event)
{
	(void)session;
	(void)now;
	(void)out;
	event->kind = EVENT_NONE;
	return UINT64_MAX;
}

static void probe_close(void *session, struct now now, enum reason why, struct out *out)
{
	(void)session;
	(void)now;
	(void)why;
	(void)out;
	probe.closed++;
}

static void probe_part(void *session, struct now now, struct out *out)
{
	(void)session;
	(void)now;
	(void)out;
}

static bool probe_drain(void *session, uint64_t *token)
{
	(void)session;
	(void)token;
	return false;
}

static const struct proto_ops probe_ops = {
	.name = "xmpp",
	.instance_size = 64,
	.session_size = sizeof(struct probe_session),
	.block_size = 64,
	.item_size_max = 64,
	.out_size_max = 64,
	.instance_init = probe_instance_init,
	.open = probe_open,
	.feed = probe_feed,
	.told = probe_told,
	.tick = probe_tick,
	.close = probe_close,
	.drain = probe_drain,
	.part = probe_part,
};

const struct proto_ops *__real_registry_ops(unsigned proto);
const struct proto_ops *__wrap_registry_ops(unsigned proto);

const struct proto_ops *__wrap_registry_ops(unsigned proto)
{
	return proto == PROTO_xmpp ? &probe_ops : __real_registry_ops(proto);
}

/* ---- the host ---- */

static struct {
	uint32_t conns[CLIENTS_MAX];
	unsigned count, connected, closed;
} clients;

static void host_event(struct host *h, const struct tcp_event *event)
{
	struct cur in;

	switch (event->kind) {
	case TCP_EVENT_CONNECTED:
		clients.connected++;
		break;
	case TCP_EVENT_CLOSED:
		clients.closed++;
		break;
	case TCP_EVENT_READABLE:
		tcp_consume(h->tcp, event->conn, tcp_peek(h->tcp, event->conn, 1, &in));
		break;
	case TCP_EVENT_ACCEPTED:
	case TCP_EVENT_WRITABLE:
		break;
	}
}

static int begin_with(unsigned workers)
{
	memset(&probe, 0, sizeof(probe));
	memset(&clients, 0, sizeof(clients));
	probe.take = UINT32_MAX;
	sim_new(&sim, &(struct sim_config){.workers = workers,
					   .seed = 5,
					   .window = 10,
					   .hooks = {.tcp_event = host_event},
					   .xmpp = true});
	sim_apply(&sim, "accounts:\n  - {name: esme1, password: secret1}\n");
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_with(2);
}

static bool all_connected(struct sim *s)
{
	(void)s;
	return clients.connected == clients.count;
}

/* Returns its number. */
static unsigned client(void)
{
	unsigned i = clients.count++;

	sim_step(&sim, 100); /* the host knows what time it is */
	clients.conns[i] = host_tcp_connect(&sim.host, 5222, HOST_SESSIONS_MAX + i);
	assert_int_not_equal(clients.conns[i], TCP_CONN_NONE);
	assert_true(sim_until(&sim, all_connected, US_PER_SECOND));
	return i;
}

static void sends(unsigned c, const char *text)
{
	assert_int_equal(tcp_send(sim.host.tcp, clients.conns[c], text, strlen(text)),
			 strlen(text));
	sim_pass(&sim, 20000);
}

/* ---- the management thread ---- */

struct taken {
	uint64_t id;
	char     what;
};

static bool next(struct taken *t)
{
	struct cur q;

	if (!asks_next(&sim.dp, sim.now.us, &t->id, &q))
		return false;
	assert_int_equal(cur_left(&q), 1);
	t->what = (char)cur_u8(&q);
	return true;
}

static void take(struct taken *t, char what)
{
	assert_true(next(t));
	assert_int_equal(t->what, what);
}

static void answer(const struct taken *t, size_t n)
{
	uint8_t *bytes = calloc(1, n + 1);

	asks_told(&sim.dp, t->id, REASON_NONE, cur_of(bytes, n));
	free(bytes);
}

static void is_told(unsigned at, char token, enum reason why, unsigned bytes)
{
	assert_true(probe.told_count > at);
	assert_int_equal(probe.told[at].token, token);
	assert_int_equal(probe.told[at].why, why);
	assert_int_equal(probe.told[at].bytes, bytes);
}

/* Whatever is asked is answered with nothing. */
static void answer_all(void)
{
	struct taken t;

	while (next(&t))
		answer(&t, 0);
	sim_pass(&sim, 20000);
}

static int end(void **state)
{
	(void)state;
	answer_all();
	assert_int_equal(sim.dp.answer_bytes, 0); /* whatever came is given back */
	sim_free(&sim);
	return 0;
}

/* ---- */

static void an_answer_reaches_the_session_that_asked(void **state)
{
	struct taken one, two;

	(void)state;
	sends(client(), "Qa");
	take(&one, 'a');
	sends(client(), "Qb");
	take(&two, 'b');
	assert_false(next(&one) && one.what != 'a');
	answer(&two, 5);
	answer(&two, 7); /* a second time: to nobody */
	sim_pass(&sim, 20000);
	is_told(0, 'b', REASON_NONE, 5);
	assert_int_equal(probe.told_count, 1);
	asks_told(&sim.dp, one.id, REASON_ROSTER_FULL, cur_of("", 0));
	sim_pass(&sim, 20000);
	is_told(1, 'a', REASON_ROSTER_FULL, 0);
	assert_int_equal(sim_metric(&sim, METRIC_questions_asked), 2);
	assert_int_equal(sim_metric(&sim, METRIC_questions_answered), 2);
}

static void a_large_answer_is_taken_piece_by_piece(void **state)
{
	struct taken t;

	(void)state;
	probe.take = 1000;
	sends(client(), "Qa");
	take(&t, 'a');
	answer(&t, ASK_ANSWER_MAX);
	assert_int_equal(sim.dp.answer_bytes, ASK_ANSWER_MAX);
	sim_pass(&sim, US_PER_SECOND);
	sim_pass(&sim, US_PER_SECOND);
	is_told(0, 'a', REASON_NONE, ASK_ANSWER_MAX);
}

static void answers_are_told_in_the_order_of_the_questions(void **state)
{
	struct taken t[3];
	unsigned     c = client();

	(void)state;
	sends(c, "WQaQbQc");
	for (unsigned i = 0; i < 3; i++)
		take(&t[i], (char)('a' + i));
	for (unsigned i = 0; i < 3; i++)
		answer(&t[i], 10 + i);
	sim_pass(&sim, 100000);
	assert_int_equal(probe.told_count, 0);
	sends(c, "mmG"); /* what comes meanwhile is read */
	assert_int_equal(probe.plain, 2);
	for (unsigned i = 0; i < 3; i++)
		is_told(i, (char)('a' + i), REASON_NONE, 10 + i);
}

static void a_question_without_an_answer_is_given_up_and_the_stream_lives(void **state)
{
	struct taken t;
	unsigned     c = client();

	(void)state;
	sends(c, "Qa");
	take(&t, 'a');
	sim_pass(&sim, ASK_ANSWER_US - 100000);
	assert_int_equal(probe.told_count, 0);
	sim_pass(&sim, 200000);
	is_told(0, 'a', REASON_CONTROL_DOWN, 0);
	answer(&t, 100);
	sim_pass(&sim, 20000);
	assert_int_equal(probe.told_count, 1);
	assert_int_equal(sim_metric(&sim, METRIC_questions_late), 1);
	answer_all();
	sends(c, "Qb");
	take(&t, 'b');
	answer(&t, 1);
	sim_pass(&sim, 20000);
	is_told(1, 'b', REASON_NONE, 1);
	assert_int_equal(probe.closed, 0);
}

static void control_that_is_killed_costs_its_questions_and_no_stream(void **state)
{
	struct taken t;
	unsigned     one = client(), two = client();

	(void)state;
	sends(one, "QaQb");
	sends(two, "Qc");
	for (unsigned i = 0; i < 3; i++)
		assert_true(next(&t));
	asks_lost(&sim.dp);
	sim_pass(&sim, 20000);
	assert_int_equal(probe.told_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(probe.told[i].why, REASON_CONTROL_DOWN);
	answer(&t, 1); /* what it had answered still */
	sends(one, "Qd");
	take(&t, 'd');
	answer(&t, 3);
	sim_pass(&sim, 20000);
	is_told(3, 'd', REASON_NONE, 3);
	assert_int_equal(probe.closed, 0);
}

static void what_waits_too_long_is_not_asked_any_more(void **state)
{
	struct taken t;

	(void)state;
	sends(client(), "Qa");
	sim_pass(&sim, ASK_ANSWER_US + 100000);
	is_told(0, 'a', REASON_CONTROL_DOWN, 0);
	assert_false(next(&t));
}

static void a_session_with_many_questions_is_read_again_when_one_is_told(void **state)
{
	struct taken t;
	unsigned     c = client();

	(void)state;
	for (unsigned i = 0; i < ASKS_SESSION_MAX; i++)
		sends(c, "Qa");
	sends(c, "mmm");
	assert_int_equal(probe.plain, 0);
	take(&t, 'a');
	answer(&t, 0);
	sim_pass(&sim, 20000);
	assert_int_equal(probe.plain, 3);
	answer_all();
	assert_int_equal(probe.told_count, ASKS_SESSION_MAX);
}

static void a_worker_with_too_many_questions_refuses_more(void **state)
{
	(void)state;
	sim_free(&sim);
	begin_with(1);
	for (unsigned i = 0; i < ASKS_MAX / ASKS_SESSION_MAX; i++)
		sends(client(), "QaQaQaQaQaQaQaQaQaQaQaQaQaQaQaQa");
	assert_int_equal(sim_metric(&sim, METRIC_questions_asked), ASKS_MAX);
	assert_int_equal(probe.told_count, 0);
	sends(client(), "Qb");
	is_told(0, 'b', REASON_QUESTIONS_FULL, 0);
	answer_all();
	answer_all();
	assert_int_equal(probe.told_count, 1 + ASKS_MAX);
}

static void the_answer_to_a_session_that_ended_is_given_back(void **state)
{
	struct taken t[2];

	(void)state;
	sends(client(), "QaQbX");
	take(&t[0], 'a');
	take(&t[1], 'b');
	answer(&t[0], 1000);
	answer(&t[1], 1000);
	sim_pass(&sim, 20000);
	answer_all();
	assert_int_equal(probe.told_count, 0);
	assert_int_equal(sim.dp.answer_bytes, 0);
}

static void a_session_that_does_not_take_its_answer_is_reset(void **state)
{
	struct taken t;

	(void)state;
	sends(client(), "WQa");
	take(&t, 'a');
	answer(&t, 1000);
	sim_pass(&sim, ASK_ANSWER_US + ASK_TAKE_US - US_PER_SECOND);
	assert_int_equal(clients.closed, 0);
	sim_pass(&sim, 2 * US_PER_SECOND);
	assert_int_equal(clients.closed, 1);
	assert_int_equal(probe.told_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_reaches_the_session_that_asked),
		TEST(a_large_answer_is_taken_piece_by_piece),
		TEST(answers_are_told_in_the_order_of_the_questions),
		TEST(a_question_without_an_answer_is_given_up_and_the_stream_lives),
		TEST(control_that_is_killed_costs_its_questions_and_no_stream),
		TEST(what_waits_too_long_is_not_asked_any_more),
		TEST(a_session_with_many_questions_is_read_again_when_one_is_told),
		TEST(a_worker_with_too_many_questions_refuses_more),
		TEST(the_answer_to_a_session_that_ended_is_given_back),
		TEST(a_session_that_does_not_take_its_answer_is_reset),
	};
#undef TEST

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
