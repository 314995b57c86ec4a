#include "route/route.h"

#include <stdio.h>

#include "test.h"

#define PAIRS 20000u

static const struct route_table *table_of(bool weighted, const struct route_target targets[],
					  unsigned n)
{
	struct route_edit        *e = route_edit_begin(NULL);
	const struct route_table *t = route_edit_table(e);

	assert_int_equal(route_edit_put(e, STR("+"), 100, weighted, targets, n), 0);
	route_edit_reclaim(e);
	return t;
}

static unsigned order_of(const struct route_table *t, unsigned pair,
			 struct route_target order[ROUTE_TARGETS_MAX])
{
	char from[24], to[24];

	snprintf(from, sizeof(from), "+4670%07u", pair / 7);
	snprintf(to, sizeof(to), "+4673%07u", pair);
	return route_order(route_find(t, str_of(to)), str_of(from), str_of(to), order);
}

static void first_places_are_shared_out_by_weight(void **state)
{
	static const struct route_target targets[] = {
		{.slot = 1, .weight = 70},
		{.slot = 2, .weight = 20},
		{.slot = 2, .weight = 9, .kind = ROUTE_ACCOUNT},
		{.slot = 3, .weight = 1},
		{.slot = 4, .weight = 0}};
	const struct route_table *t = table_of(true, targets, 5);
	struct route_target       order[ROUTE_TARGETS_MAX];
	unsigned                  first[5] = {0};

	(void)state;
	for (unsigned p = 0; p < PAIRS; p++) {
		assert_int_equal(order_of(t, p, order), 5);
		assert_int_equal(order[4].slot, 4); /* weight 0: last */
		first[order[0].kind == ROUTE_ACCOUNT ? 0 : order[0].slot]++;
	}
	assert_in_range(first[1], PAIRS * 69 / 100, PAIRS * 71 / 100);
	assert_in_range(first[2], PAIRS * 19 / 100, PAIRS * 21 / 100);
	assert_in_range(first[0], PAIRS * 83 / 1000, PAIRS * 97 / 1000);
	assert_in_range(first[3], PAIRS * 7 / 1000, PAIRS * 13 / 1000);
	route_table_free(t);
}

static void second_places_are_shared_out_by_weight_too(void **state)
{
	static const struct route_target targets[] = {
		{.slot = 1, .weight = 60000}, {.slot = 2, .weight = 2}, {.slot = 3, .weight = 1}};
	const struct route_table *t = table_of(true, targets, 3);
	struct route_target       order[ROUTE_TARGETS_MAX];
	unsigned                  second[4] = {0};

	(void)state;
	for (unsigned p = 0; p < PAIRS; p++) {
		assert_int_equal(order_of(t, p, order), 3);
		second[order[1].slot]++;
	}
	assert_in_range(second[2], PAIRS * 65 / 100, PAIRS * 68 / 100);
	route_table_free(t);
}

static void only_what_went_to_a_removed_target_moves(void **state)
{
	static const struct route_target targets[] = {{.slot = 11, .weight = 3},
						      {.slot = 12, .weight = 5},
						      {.slot = 13, .weight = 4},
						      {.slot = 14, .weight = 9}};
	const struct route_table        *all = table_of(true, targets, 4);
	const struct route_table        *less = table_of(true, targets, 3);
	struct route_target              a[ROUTE_TARGETS_MAX], b[ROUTE_TARGETS_MAX];
	unsigned                         moved = 0;

	(void)state;
	for (unsigned p = 0; p < PAIRS; p++) {
		unsigned k = 0;

		order_of(all, p, a);
		assert_int_equal(order_of(less, p, b), 3);
		moved += a[0].slot != b[0].slot;
		for (unsigned i = 0; i < 4; i++) /* the others keep their places among themselves */
			if (a[i].slot != 14)
				assert_int_equal(a[i].slot, b[k++].slot);
	}
	assert_in_range(moved, PAIRS * 41 / 100, PAIRS * 45 / 100); /* 9 of 21 */
	route_table_free(all);
	route_table_free(less);
}

static void unweighted_targets_stand_as_written(void **state)
{
	static const struct route_target targets[] = {
		{.slot = 9, .weight = 1}, {.slot = 3, .weight = 8}, {.slot = 5, .weight = 2}};
	const struct route_table *t = table_of(false, targets, 3);
	struct route_target       order[ROUTE_TARGETS_MAX];

	(void)state;
	for (unsigned p = 0; p < 100; p++) {
		assert_int_equal(order_of(t, p, order), 3);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(order[i].slot, targets[i].slot);
	}
	route_table_free(t);
}

static void fail_over_goes_on_with_the_next_priority_and_tries_nobody_twice(void **state)
{
	static const struct route_target first[] = {{.slot = 1}, {.slot = 2}};
	static const struct route_target then[] = {
		{.slot = 2}, {.slot = 1, .kind = ROUTE_ACCOUNT}, {.slot = 3}};
	struct route_edit        *e = route_edit_begin(NULL);
	const struct route_table *t = route_edit_table(e);
	struct route_target       order[ROUTE_TARGETS_MAX];

	(void)state;
	assert_int_equal(route_edit_put(e, STR("+"), 200, false, then, 3), 0);
	assert_int_equal(route_edit_put(e, STR("+"), 100, false, first, 2), 0);
	route_edit_reclaim(e);
	assert_int_equal(order_of(t, 1, order), 4);
	assert_int_equal(order[0].slot, 1);
	assert_int_equal(order[0].kind, ROUTE_PEER);
	assert_int_equal(order[1].slot, 2);
	assert_int_equal(order[2].slot, 1);
	assert_int_equal(order[2].kind, ROUTE_ACCOUNT);
	assert_int_equal(order[3].slot, 3);
	route_table_free(t);
}

static void no_more_targets_are_named_than_there_is_room_for(void **state)
{
	struct route_edit        *e = route_edit_begin(NULL);
	const struct route_table *t = route_edit_table(e);
	struct route_target       order[ROUTE_TARGETS_MAX];

	(void)state;
	for (uint16_t p = 0; p < 3; p++) {
		struct route_target targets[10] = {{.slot = 0}};

		for (uint32_t i = 0; i < 10; i++)
			targets[i] = (struct route_target){.slot = p * 10u + i, .weight = 1};
		assert_int_equal(route_edit_put(e, STR("+"), p, true, targets, 10), 0);
	}
	route_edit_reclaim(e);
	assert_int_equal(order_of(t, 5, order), ROUTE_TARGETS_MAX);
	for (unsigned i = 0; i < 10; i++)
		assert_in_range(order[i].slot, 0, 9);
	for (unsigned i = 10; i < ROUTE_TARGETS_MAX; i++)
		assert_in_range(order[i].slot, 10, 19);
	route_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_places_are_shared_out_by_weight),
		cmocka_unit_test(second_places_are_shared_out_by_weight_too),
		cmocka_unit_test(only_what_went_to_a_removed_target_moves),
		cmocka_unit_test(unweighted_targets_stand_as_written),
		cmocka_unit_test(fail_over_goes_on_with_the_next_priority_and_tries_nobody_twice),
		cmocka_unit_test(no_more_targets_are_named_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
