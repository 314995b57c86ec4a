/* The end in order: what was accepted is answered, everybody is parted from, and nobody can hold it
 * up. */
#include "test.h"

#include "record.h"

static struct sim sim;

static const char *const world =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw,\n"
	"     connections: 2}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n";

static uint64_t answer_after_us;

struct owed {
	struct host_session *session;
	uint64_t             token, due_us;
};
static struct owed owed[1024];
static unsigned    owed_count, owed_next;

/* A slow SMSC. */
static bool slow(struct host_session *s, uint32_t number, struct msg *m, struct result *answer)
{
	(void)number;
	(void)answer;
	if (answer_after_us == 0)
		return true;
	assert_true(owed_count < 1024);
	owed[owed_count++] = (struct owed){
		.session = s, .token = m->token, .due_us = sim.now.us + answer_after_us};
	return false;
}

static void begin(void)
{
	record.limit = 0;
	record.arrives = slow;
	answer_after_us = 0;
	owed_count = owed_next = 0;
	record_world(
		&sim,
		&(struct sim_config){.workers = 2, .seed = 9, .window = 50, .hooks = record_hooks},
		world, 1, 4, 2);
}

static void end(void)
{
	sim_free(&sim);
	record_end();
}

static bool all_done(struct sim *s)
{
	bool done = true;

	for (; owed_next < owed_count && owed[owed_next].due_us <= s->now.us; owed_next++) {
		struct result taken = {.why = REASON_NONE};

		host_answer(&s->host, owed[owed_next].session, owed[owed_next].token, &taken);
	}
	for (unsigned w = 0; w < s->dp.worker_count; w++)
		done = done && drain_done(s->dp.workers[w]);
	return done;
}

static bool all_arrived(struct sim *s)
{
	(void)s;
	return record.arrivals == record.limit;
}

static void stop(void)
{
	atomic_store(&sim.dp.stopping, true);
}

static void everything_submitted_is_answered(void)
{
	sim_pass(&sim, 100000); /* what is still on the wire */
	assert_true(record.next > 0);
	for (uint32_t i = 0; i < record.next; i++) {
		const struct fate *f = &record.fates[i];

		assert_int_equal(f->positive + f->negative, 1);
		assert_true(f->positive == 0 || f->arrivals == 1);
	}
}

static void sessions_without_work_part_at_once(void **state)
{
	(void)state;
	begin();
	stop();
	assert_true(sim_until(&sim, all_done, US_PER_SECOND));
	assert_int_equal(sim_metric(&sim, METRIC_tcp_resets_in), 0);
	assert_int_equal(sim_metric(&sim, METRIC_tcp_out_rsts), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), 0);
	end();
}

static void messages_under_way_are_answered_before_the_end(void **state)
{
	uint32_t positive = 0;

	(void)state;
	begin();
	answer_after_us = 700000;
	record_more(40);
	assert_true(sim_until(&sim, all_arrived, 100000)); /* at an SMSC that takes its time */
	stop();
	assert_true(sim_until(&sim, all_done, 3 * US_PER_SECOND));
	everything_submitted_is_answered();
	for (uint32_t i = 0; i < record.next; i++)
		positive += record.fates[i].positive;
	assert_int_equal(positive, 40);
	assert_int_equal(sim_metric(&sim, METRIC_tcp_out_rsts), 0);
	end();
}

static void under_full_load_each_submission_has_one_answer(void **state)
{
	(void)state;
	begin();
	record_more(20000);
	sim_pass(&sim, 30000);
	assert_true(record.answered < 20000);
	stop();
	assert_true(sim_until(&sim, all_done, 3 * US_PER_SECOND));
	everything_submitted_is_answered();
	end();
}

static void who_never_answers_is_reset_when_the_time_is_over(void **state)
{
	(void)state;
	begin();
	answer_after_us = 3600 * US_PER_SECOND;
	record_more(10);
	sim_pass(&sim, 20000);
	sim.host_dead = true;
	stop();
	assert_false(sim_until(&sim, all_done, DRAIN_PART_US - US_PER_SECOND));
	assert_true(sim_until(&sim, all_done, US_PER_SECOND + 100000));
	assert_true(sim_metric(&sim, METRIC_tcp_out_rsts) > 0);
	end();
}

static void a_caller_who_comes_too_late_is_refused_at_once(void **state)
{
	unsigned sessions;

	(void)state;
	begin();
	answer_after_us = 2 * US_PER_SECOND;
	record_more(10);
	sim_pass(&sim, 20000);
	stop();
	sim_pass(&sim, 10000);
	sessions = sim.host.session_count;
	host_connect(&sim.host, sim.now, 2775, "esme1", "secret1", PROTO_SENDS);
	sim_pass(&sim, 10000);
	assert_int_equal(sim_metric(&sim, METRIC_tcp_out_rsts), 1);
	assert_true(sim.host.session_count == sessions || !sim.host.sessions[sessions].up);
	assert_true(sim_until(&sim, all_done, 3 * US_PER_SECOND));
	everything_submitted_is_answered();
	end();
}

static int start(void **state)
{
	(void)state;
	sim_eal();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_without_work_part_at_once),
		cmocka_unit_test(messages_under_way_are_answered_before_the_end),
		cmocka_unit_test(under_full_load_each_submission_has_one_answer),
		cmocka_unit_test(who_never_answers_is_reset_when_the_time_is_over),
		cmocka_unit_test(a_caller_who_comes_too_late_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
