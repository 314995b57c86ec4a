#include "test.h"

#include "sip/completed.h"
#include "sip/transaction.h"

#define COUNT 20u
#define BYTES (COUNT * 40u)

static struct sip_key key(uint64_t n)
{
	return (struct sip_key){{n, n * 3}};
}

static const struct sip_completed_entry *find(struct sip_completed *c, struct now now, uint64_t n)
{
	struct sip_key k = key(n);
	bool           merged = false;

	return sip_completed_find(c, now, &k, &merged);
}

static bool add(struct sip_completed *c, struct now now, uint64_t n)
{
	struct sip_key k = key(n);

	return sip_completed_add(c, now, &k, 200 + (unsigned)n % 100, (uint32_t)n);
}

static void an_entry_lives_for_timer_j_and_not_much_longer(void **state)
{
	void                *memory = calloc(1, BYTES);
	struct sip_completed c;
	struct now           now = {.us = 70000};

	sip_completed_init(&c, memory, BYTES);
	assert_int_equal(c.count, COUNT);
	assert_false(add(&c, now, 1));
	now.us += SIP_TIMEOUT_US;
	assert_non_null(find(&c, now, 1));
	assert_int_equal(find(&c, now, 1)->status, 201);
	assert_int_equal(find(&c, now, 1)->note, 1);
	now.us += 2 << 16;
	assert_null(find(&c, now, 1));
	assert_int_equal(c.used, 0);
	free(memory);
}

static void an_entry_of_which_only_the_first_word_is_the_same_came_another_way(void **state)
{
	void                *memory = calloc(1, BYTES);
	struct sip_completed c;
	struct now           now = {.us = 70000};
	struct sip_key       way = {{1, 4}}, other = {{5, 3}};
	bool                 merged = false;

	sip_completed_init(&c, memory, BYTES);
	add(&c, now, 1);
	assert_null(sip_completed_find(&c, now, &other, &merged));
	assert_false(merged);
	assert_null(sip_completed_find(&c, now, &way, &merged));
	assert_true(merged);
	free(memory);
}

static void a_full_table_forgets_the_oldest_through_many_rounds(void **state)
{
	void                *memory = calloc(1, BYTES);
	struct sip_completed c;
	struct now           now = {.us = 70000};

	sip_completed_init(&c, memory, BYTES);
	for (uint64_t n = 1; n < 30 * COUNT; n++) {
		/* two of the key's bits choose the bucket: chains are long here */
		assert_int_equal(add(&c, now, n * 4), n > COUNT);
		for (uint64_t m = n > COUNT ? n - COUNT : 1; m <= n; m++)
			assert_int_equal(find(&c, now, m * 4) != NULL, m + COUNT > n);
	}
	free(memory);
}

static void entries_whose_time_is_over_make_place_without_being_missed(void **state)
{
	void                *memory = calloc(1, BYTES);
	struct sip_completed c;
	struct now           now = {.us = 70000};

	sip_completed_init(&c, memory, BYTES);
	for (uint64_t n = 1; n < 200; n++) {
		assert_false(add(&c, now, n));
		now.us += SIP_TIMEOUT_US / (COUNT - 2);
	}
	free(memory);
}

static void without_memory_nothing_is_remembered(void **state)
{
	struct sip_completed c;
	struct now           now = {.us = 70000};

	sip_completed_init(&c, NULL, 0);
	assert_true(add(&c, now, 1));
	assert_null(find(&c, now, 1));
}

static void each_answer_takes_the_size_that_is_reckoned_for_it(void **state)
{
	enum { ANSWERS = 1000 };
	struct sip_transactions *t = calloc(1, sizeof(*t));
	void *memory = aligned_alloc(64, (ANSWERS * SIP_REMEMBERED_SIZE + 63) / 64 * 64);
	bool  forgotten = false;

	(void)state;
	memset(memory, 0, ANSWERS * SIP_REMEMBERED_SIZE);
	sip_transactions_remember(t, memory, ANSWERS * SIP_REMEMBERED_SIZE);
	for (uint64_t n = 0; n < ANSWERS; n++)
		forgotten = add(&t->completed, (struct now){.us = 1}, n) || forgotten;
	assert_false(forgotten);
	assert_true(add(&t->completed, (struct now){.us = 1}, ANSWERS));
	free(memory);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_lives_for_timer_j_and_not_much_longer),
		cmocka_unit_test(
			an_entry_of_which_only_the_first_word_is_the_same_came_another_way),
		cmocka_unit_test(a_full_table_forgets_the_oldest_through_many_rounds),
		cmocka_unit_test(entries_whose_time_is_over_make_place_without_being_missed),
		cmocka_unit_test(without_memory_nothing_is_remembered),
		cmocka_unit_test(each_answer_takes_the_size_that_is_reckoned_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
