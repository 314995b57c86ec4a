/* The watch over workers that no longer turn. */
#include "test.h"

#include "../../dataplane/stall.h"

static struct metrics arrays[2];
static struct stall   stalls[2];

static unsigned look(uint64_t now_ms)
{
	return stalls_look(stalls, arrays, 2, now_ms);
}

static int forget(void **state)
{
	(void)state;
	memset(arrays, 0, sizeof(arrays));
	memset(stalls, 0, sizeof(stalls));
	return 0;
}

static void workers_that_turn_are_well_however_slowly(void **state)
{
	(void)state;
	for (uint64_t ms = 0; ms < 20000; ms += STALL_MS - 1) {
		assert_int_equal(look(ms), 0);
		metric_inc(&arrays[0], METRIC_turns);
		metric_inc(&arrays[1], METRIC_turns);
	}
}

static void a_worker_without_a_turn_for_a_second_is_stalled_until_its_next(void **state)
{
	(void)state;
	assert_int_equal(look(500), 0);
	for (uint64_t ms = 600; ms < 500 + STALL_MS; ms += 100) {
		metric_inc(&arrays[0], METRIC_turns);
		assert_int_equal(look(ms), 0);
	}
	metric_inc(&arrays[0], METRIC_turns);
	assert_int_equal(look(500 + STALL_MS), 1);
	assert_false(stalls[0].stalled);
	assert_true(stalls[1].stalled);
	metric_inc(&arrays[1], METRIC_turns);
	assert_int_equal(look(600 + STALL_MS), 0);
}

static void each_stalled_worker_counts(void **state)
{
	(void)state;
	assert_int_equal(look(1), 0);
	assert_int_equal(look(1 + STALL_MS), 2);
	assert_int_equal(look(2 + STALL_MS), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(workers_that_turn_are_well_however_slowly, forget),
		cmocka_unit_test_setup(
			a_worker_without_a_turn_for_a_second_is_stalled_until_its_next, forget),
		cmocka_unit_test_setup(each_stalled_worker_counts, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
