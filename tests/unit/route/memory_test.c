/* Changes that run out of memory at any allocation. The code under test is compiled in, with
 * allocators that fail when told to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned allowed; /* allocations before one fails */

static void *scarce_malloc(size_t n)
{
	return allowed-- == 0 ? NULL : malloc(n);
}

static void *scarce_calloc(size_t n, size_t size)
{
	return allowed-- == 0 ? NULL : calloc(n, size);
}

static void *scarce_realloc(void *p, size_t n)
{
	return allowed-- == 0 ? NULL : realloc(p, n);
}

#define malloc(n) scarce_malloc(n)
#define calloc(n, size) scarce_calloc(n, size)
#define realloc(p, n) scarce_realloc(p, n)
#include "route/set.c"
#include "route/edit.c"
#undef malloc
#undef calloc
#undef realloc

#include "base/random.h"
#include "test.h"

#define SEED 20260615u
#define PLENTY UINT32_MAX
#define ENTRIES 120u

struct entry {
	char     to[ROUTE_TO_MAX + 1];
	bool     live;
	uint32_t slot;
};

/* Short and long, digits and letters, prefixes of each other: every way to change a node. */
static void entry_name(unsigned i, char to[ROUTE_TO_MAX + 1])
{
	static const char *const stems[] = {"+46",      "=+46", "7", "=7", "shared-letters-",
					    "+46701234"};
	unsigned                 n = (unsigned)snprintf(to, ROUTE_TO_MAX + 1, "%s", stems[i % 6]);

	for (unsigned v = i / 6; v > 0 && n < ROUTE_TO_MAX; v /= 3)
		to[n++] = (char)('0' + v % 3);
	to[n] = '\0';
}

static void check(const struct entry entries[], const struct route_table *t)
{
	unsigned live = 0;

	for (unsigned i = 0; i < ENTRIES; i++) {
		const struct route_set *set = route_table_get(t, str_of(entries[i].to));

		assert_int_equal(set != NULL, entries[i].live);
		if (set != NULL)
			assert_int_equal(set->choices[0]->targets[0].slot, entries[i].slot);
		live += entries[i].live;
	}
	assert_int_equal(route_table_count(t), live);
}

static int change(struct route_edit *e, const struct entry *entry, bool remove, uint32_t slot)
{
	struct route_target t = {.slot = slot};

	if (remove)
		return route_edit_remove(e, str_of(entry->to), 1);
	return route_edit_put(e, str_of(entry->to), 1, false, &t, 1);
}

static void a_change_without_memory_changes_nothing_and_can_be_tried_again(void **state)
{
	static struct entry       entries[ENTRIES], before[ENTRIES];
	const struct route_table *t = NULL;
	struct random             r;
	unsigned                  failed = 0;

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	for (unsigned i = 0; i < ENTRIES; i++)
		entry_name(i, entries[i].to);
	for (unsigned round = 0; round < 600; round++) {
		struct route_edit *e;

		for (allowed = 0; (e = route_edit_begin(t)) == NULL; allowed = ++failed % 3)
			;
		memcpy(before, entries, sizeof(entries));
		for (unsigned k = 1 + random_below(&r, 4); k > 0; k--) {
			struct entry *entry = &entries[random_below(&r, ENTRIES)];
			bool          remove = entry->live && random_below(&r, 3) > 0;
			uint32_t      slot = random_below(&r, 1000);

			for (unsigned n = 0;; n++) {
				int err;

				allowed = n;
				err = change(e, entry, remove, slot);
				allowed = PLENTY;
				if (err == 0)
					break;
				assert_int_equal(err, -ENOMEM);
				check(entries, route_edit_table(e));
				check(before, t);
				failed++;
			}
			entry->live = !remove;
			entry->slot = slot;
			check(entries, route_edit_table(e));
		}
		if (random_below(&r, 4) == 0) {
			route_edit_abandon(e);
			memcpy(entries, before, sizeof(entries));
		} else {
			t = route_edit_table(e);
			route_edit_reclaim(e);
		}
		check(entries, t);
	}
	assert_true(failed > 1000);
	route_table_free(t);
}

static void a_number_of_any_length_is_read_to_its_end_and_no_further(void **state)
{
	static const char         digits[] = "+12345678901234567890";
	const struct route_table *t;
	struct route_edit        *e;
	struct route_target       target = {.slot = 1};

	(void)state;
	allowed = PLENTY;
	e = route_edit_begin(NULL);
	for (size_t n = 1; n <= 16; n++)
		assert_int_equal(route_edit_put(e, (struct str){digits, n}, 1, false, &target, 1),
				 0);
	t = route_edit_table(e);
	route_edit_reclaim(e);
	for (size_t n = 0; n < sizeof(digits); n++) {
		char                   *exact = (char *)test_copy(digits, n);
		const struct route_set *set = route_find(t, (struct str){exact, n});

		assert_int_equal(set != NULL ? set->to_size : 0, n < 16 ? n : 16);
		for (size_t i = 1; i < n; i++) { /* and a letter or sign anywhere stops it there */
			for (unsigned k = 0; k < 4; k++) {
				char was = exact[i];

				exact[i] = "/:+\xb1"[k];
				set = route_find(t, (struct str){exact, n});
				assert_int_equal(set->to_size, i < 16 ? i : 16);
				exact[i] = was;
			}
		}
		free(exact);
	}
	route_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_without_memory_changes_nothing_and_can_be_tried_again),
		cmocka_unit_test(a_number_of_any_length_is_read_to_its_end_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
