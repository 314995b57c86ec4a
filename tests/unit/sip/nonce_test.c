#include "test.h"

#include "base/now.h"
#include "base/random.h"
#include "sip/nonce.h"

#define LIFE (300 * US_PER_SECOND)

static void a_count_is_good_once_in_any_order_within_64(void **state)
{
	static const struct {
		uint32_t nc;
		bool     good;
	} steps[] = {{1, true},          {1, false},         {2, true},   {5, true},
		     {4, true},          {4, false},         {3, true},   {68, true},
		     {5, false},         {6, true},          {67, true},  {67, false},
		     {200, true},        {136, false},       {137, true}, {200, false},
		     {0xffffffff, true}, {0xffffffff, false}};
	struct sip_nonce_set set = {0};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(sip_nonce_use(&set, 9, 1000000, steps[i].nc, 2000000, LIFE),
				 steps[i].good);
}

static void nonces_of_one_set_do_not_know_each_other(void **state)
{
	struct sip_nonce_set set = {0};

	for (uint64_t id = 1; id <= SIP_NONCE_WAYS; id++)
		assert_true(sip_nonce_use(&set, id, 1000000, 1, 2000000, LIFE));
	for (uint64_t id = 1; id <= SIP_NONCE_WAYS; id++) {
		assert_false(sip_nonce_use(&set, id, 1000000, 1, 2000000, LIFE));
		assert_true(sip_nonce_use(&set, id, 1000000, 2, 2000000, LIFE));
	}
}

static void a_nonce_whose_time_is_over_makes_place_and_takes_none_along(void **state)
{
	struct sip_nonce_set set = {0};

	for (uint64_t id = 1; id <= 50; id++) {
		uint64_t now = id * 100 * US_PER_SECOND;

		assert_true(sip_nonce_use(&set, id, now - 1000, 1, now, LIFE));
		assert_false(set.bound);
	}
}

/* Whatever is forgotten: no count is taken twice within the life of its nonce. */
static void no_count_is_ever_taken_twice(void **state)
{
	enum { NONCES = 12, COUNTS = 40 };

	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct sip_nonce_set set = {0};
		struct random        r;
		bool                 taken[NONCES][COUNTS] = {{0}};
		uint64_t             now = 10 * US_PER_SECOND;
		unsigned             good = 0;

		random_seed(&r, seed);
		for (unsigned i = 0; i < 3000; i++) {
			uint32_t n = random_below(&r, NONCES), nc = random_below(&r, COUNTS);

			now += 50000;
			if (!sip_nonce_use(&set, n + 1, (n + 1) * US_PER_SECOND / 2, nc + 1, now,
					   LIFE))
				continue;
			assert_false(taken[n][nc]);
			taken[n][nc] = true;
			good++;
		}
		assert_true(good > COUNTS);
	}
}

static void after_the_life_of_the_forgotten_every_new_nonce_is_good(void **state)
{
	struct sip_nonce_set set = {0};

	for (uint64_t id = 1; id <= 9; id++)
		sip_nonce_use(&set, id, 10000000 + id * 100000, 1, 20000000, LIFE);
	assert_true(set.bound);
	assert_false(sip_nonce_use(&set, 77, 10000000, 1, 20000000, LIFE));
	assert_true(sip_nonce_use(&set, 78, 19000000, 1, 20000000, LIFE));
	assert_true(sip_nonce_use(&set, 79, 10000000 + 2 * LIFE, 1, 10000000 + 2 * LIFE, LIFE));
	assert_false(set.bound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_count_is_good_once_in_any_order_within_64),
		cmocka_unit_test(nonces_of_one_set_do_not_know_each_other),
		cmocka_unit_test(a_nonce_whose_time_is_over_makes_place_and_takes_none_along),
		cmocka_unit_test(no_count_is_ever_taken_twice),
		cmocka_unit_test(after_the_life_of_the_forgotten_every_new_nonce_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
