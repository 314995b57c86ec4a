#include "test.h"

#include <pthread.h>

#include "limit/limit.h"

static struct now at(uint64_t us)
{
	return (struct now){us, 0};
}

/* Tokens got between two times by as many workers as there are leases, each asking every step. */
static uint64_t taken(struct limit_bucket *bucket, struct limit_lease *leases, unsigned workers,
		      uint64_t from_us, uint64_t to_us, uint64_t step_us)
{
	uint64_t count = 0;

	for (uint64_t us = from_us; us < to_us; us += step_us) {
		for (unsigned w = 0; w < workers; w++) {
			while (limit_take(bucket, &leases[w], at(us), 1))
				count++;
		}
	}
	return count;
}

static void every_rate_is_kept_to_a_few_millionths(void **state)
{
	static const uint32_t rates[] = {1,    2,    3,     7,     10,     99,     1000,
					 1001, 3333, 50000, 99991, 333333, 999983, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct limit_bucket bucket;
		struct limit_lease  lease = {0};
		uint32_t            rate = rates[i];
		uint64_t            seconds = rate < 100 ? 1000 : 10, got, want = seconds * rate;

		limit_init(&bucket, rate, at(5));
		taken(&bucket, &lease, 1, 5, 6, 1); /* the burst that was saved */
		got = taken(&bucket, &lease, 1, 6, 6 + seconds * US_PER_SECOND,
			    rate < 100 ? 997 : 53);
		assert_in_range(got, want - 1 - want / 100000, want + 1 + want / 100000);
	}
}

static void two_leases_share_one_rate(void **state)
{
	static const uint32_t rates[] = {1, 5, 999, 20000, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct limit_bucket bucket;
		struct limit_lease  leases[2] = {0};
		uint64_t            want = 10 * (uint64_t)rates[i], got;

		limit_init(&bucket, rates[i], at(1));
		taken(&bucket, leases, 2, 1, 2, 1);
		got = taken(&bucket, leases, 2, 2, 2 + 10 * US_PER_SECOND, 101);
		assert_in_range(got, want - 1 - want / 100000, want + 1 + want / 100000);
	}
}

static void silence_saves_a_tenth_of_a_second_and_at_least_one_token(void **state)
{
	static const struct {
		uint32_t rate, burst;
	} cases[] = {{1, 1}, {9, 1}, {10, 1}, {50, 5}, {1000, 100}, {1000000, 100000}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct limit_bucket bucket;
		struct limit_lease  lease = {0};
		const uint64_t      later = 3600 * US_PER_SECOND;

		limit_init(&bucket, cases[i].rate, at(1));
		assert_in_range(taken(&bucket, &lease, 1, 1, 2, 1), cases[i].burst,
				cases[i].burst + cases[i].burst / 100000);
		assert_in_range(taken(&bucket, &lease, 1, later, later + 1, 1), cases[i].burst,
				cases[i].burst + cases[i].burst / 100000);
	}
}

static void a_rate_of_zero_meters_nothing(void **state)
{
	struct limit_bucket bucket;
	struct limit_lease  lease = {0};

	(void)state;
	limit_init(&bucket, 0, at(1));
	for (int i = 0; i < 1000; i++)
		assert_true(limit_take(&bucket, &lease, at(1), UINT32_MAX));
}

static void a_new_rate_holds_from_the_next_message_on(void **state)
{
	struct limit_bucket bucket;
	struct limit_lease  lease = {0};

	(void)state;
	limit_init(&bucket, 1000000, at(1));
	taken(&bucket, &lease, 1, 1, 2, 1);
	assert_true(limit_take(&bucket, &lease, at(1 + US_PER_MS),
			       1)); /* leases 1,000, of which 999 are left */
	assert_true(lease.tokens > 900);
	limit_set_rate(&bucket, 1);
	assert_false(limit_take(&bucket, &lease, at(1 + US_PER_MS), 1));
	assert_true(limit_take(&bucket, &lease, at(2 * US_PER_SECOND), 1));
	assert_false(limit_take(&bucket, &lease, at(2 * US_PER_SECOND), 1));
	limit_set_rate(&bucket, 0);
	assert_true(limit_take(&bucket, &lease, at(2 * US_PER_SECOND), 1));
	limit_set_rate(&bucket, 100);
	assert_in_range(taken(&bucket, &lease, 1, 2 * US_PER_SECOND, 3 * US_PER_SECOND, 1000), 99,
			101);
}

static void many_tokens_are_taken_together_or_not_at_all(void **state)
{
	struct limit_bucket bucket;
	struct limit_lease  lease = {0};

	(void)state;
	limit_init(&bucket, 100, at(1)); /* a burst of 10 */
	assert_false(limit_take(&bucket, &lease, at(1), 11));
	assert_true(limit_take(&bucket, &lease, at(1), 10));
	assert_false(limit_take(&bucket, &lease, at(1), 1));
	assert_false(limit_take(&bucket, &lease, at(30000), 3));
	assert_true(limit_take(&bucket, &lease, at(30001), 3));
}

static void a_clock_far_from_zero_or_a_little_behind_does_no_harm(void **state)
{
	struct limit_bucket bucket;
	struct limit_lease  lease = {0};
	const uint64_t      uptime = 10ull * 365 * 86400 * US_PER_SECOND;

	(void)state;
	limit_init(&bucket, 10, at(uptime));
	assert_true(limit_take(&bucket, &lease, at(uptime), 1));
	assert_false(limit_take(&bucket, &lease, at(uptime - 50), 1));
	assert_true(limit_take(&bucket, &lease, at(uptime + US_PER_SECOND / 10), 1));
	assert_true(limit_take(&bucket, &lease, at(uptime + 86400 * US_PER_SECOND), 1));
}

struct racer {
	struct limit_bucket *bucket;
	uint64_t             got;
};

static void *race(void *arg)
{
	struct racer      *racer = arg;
	struct limit_lease lease = {0};

	racer->got = taken(racer->bucket, &lease, 1, 1, 1 + US_PER_SECOND, 1);
	return NULL;
}

/* Each runs through the same virtual second at its own pace: together they never get more than the
 * rate and one burst. */
static void racing_workers_never_get_more_than_the_rate(void **state)
{
	struct limit_bucket bucket;
	struct racer        racers[3];
	pthread_t           threads[3];
	uint64_t            got = 0;

	(void)state;
	limit_init(&bucket, 100000, at(1));
	for (int i = 0; i < 3; i++) {
		racers[i] = (struct racer){&bucket, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		got += racers[i].got;
	}
	assert_in_range(got, 99000, 110010);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rate_is_kept_to_a_few_millionths),
		cmocka_unit_test(two_leases_share_one_rate),
		cmocka_unit_test(silence_saves_a_tenth_of_a_second_and_at_least_one_token),
		cmocka_unit_test(a_rate_of_zero_meters_nothing),
		cmocka_unit_test(a_new_rate_holds_from_the_next_message_on),
		cmocka_unit_test(many_tokens_are_taken_together_or_not_at_all),
		cmocka_unit_test(a_clock_far_from_zero_or_a_little_behind_does_no_harm),
		cmocka_unit_test(racing_workers_never_get_more_than_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
