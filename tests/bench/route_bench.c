/*
 * What routes cost: memory, building, one look-up alone and in bursts, one change. Random
 * destinations, so that nothing but the top of the trie is in the caches. usage: route_bench
 * [--json] [ROUTES]
 */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/random.h"
#include "route/route.h"

#define LOOKUPS 4000000u
#define CHANGES 20000u
#define NUMBER_MAX 16u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put_one(struct route_edit *e, const char *to, uint16_t priority)
{
	struct route_target t = {.slot = 1, .weight = 1};

	ASSERT(route_edit_put(e, str_of(to), priority, false, &t, 1) == 0);
}

/* A tenth prefixes of 6 to 9 digits, the rest numbers. */
static void random_route(struct random *r, char to[NUMBER_MAX + 2])
{
	if (random_below(r, 10) == 0)
		snprintf(to, NUMBER_MAX + 2, "+4%0*u", 5 + (int)random_below(r, 4),
			 random_below(r, 100000));
	else
		snprintf(to, NUMBER_MAX + 2, "=+46%09u", random_below(r, 1000000000));
}

static const struct route_table *build(unsigned routes, char (*numbers)[NUMBER_MAX + 2])
{
	struct route_edit        *e = route_edit_begin(NULL);
	const struct route_table *t = route_edit_table(e);
	struct random             r;

	random_seed(&r, 1);
	for (unsigned i = 0; route_table_count(t) < routes; i++) {
		random_route(&r, numbers[i % routes]);
		put_one(e, numbers[i % routes], 100);
	}
	route_edit_reclaim(e);
	return t;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void pick(struct random *r, char (*numbers)[NUMBER_MAX + 2], unsigned routes,
		 char (*copies)[NUMBER_MAX + 2], struct str to[32])
{
	for (unsigned k = 0; k < 32; k++) {
		const char *number = numbers[random_below(r, routes)];

		strcpy(copies[k], number + (number[0] == '='));
		to[k] = str_of(copies[k]);
	}
}

/* The median of many times 32 look-ups: what others do on the machine does not count. */
static double find_ns(const struct route_table *t, char (*numbers)[NUMBER_MAX + 2], unsigned routes,
		      bool burst)
{
	static uint32_t         spent[LOOKUPS / 32];
	const struct route_set *sets[32];
	char                    copies[32][NUMBER_MAX + 2]; /* warm, as a message's recipient is */
	struct str              to[32];
	struct random           r;
	uint64_t                start, hits = 0;

	random_seed(&r, 2);
	for (unsigned i = 0; i < LOOKUPS / 32; i++) {
		pick(&r, numbers, routes, copies, to);
		start = now_ns();
		if (burst)
			route_find_burst(t, to, 32, sets);
		for (unsigned k = 0; k < 32 && !burst; k++)
			sets[k] = route_find(t, to[k]);
		for (unsigned k = 0; k < 32; k++) /* use them, as the pipeline does */
			hits += sets[k]->choices[0]->targets[0].slot;
		spent[i] = (uint32_t)(now_ns() - start);
	}
	ASSERT(hits == LOOKUPS);
	qsort(spent, LOOKUPS / 32, sizeof(spent[0]), compare);
	return (double)spent[LOOKUPS / 64] / 32;
}

static double change_ns(const struct route_table **t, char (*numbers)[NUMBER_MAX + 2],
			unsigned                   routes)
{
	struct random r;
	uint64_t      start = now_ns();

	random_seed(&r, 3);
	for (unsigned i = 0; i < CHANGES; i++) {
		struct route_edit *e = route_edit_begin(*t);

		put_one(e, numbers[random_below(&r, routes)], 100);
		*t = route_edit_table(e);
		route_edit_reclaim(e);
	}
	return (double)(now_ns() - start) / CHANGES;
}

int main(int argc, char **argv)
{
	bool     json = argc > 1 && strcmp(argv[1], "--json") == 0;
	unsigned routes = argc > 1 + json ? (unsigned)strtoul(argv[1 + json], NULL, 10) : 1000000u;
	char(*numbers)[NUMBER_MAX + 2] = calloc(routes, sizeof(*numbers));
	const struct route_table *t;
	size_t                    before = mallinfo2().uordblks;
	uint64_t                  start = now_ns();
	double                    built, bytes, single, burst, change;

	ASSERT(numbers != NULL && routes > 0);
	t = build(routes, numbers);
	built = (double)(now_ns() - start) / routes;
	bytes = (double)(mallinfo2().uordblks - before) / routes;
	single = find_ns(t, numbers, routes, false);
	burst = find_ns(t, numbers, routes, true);
	change = change_ns(&t, numbers, routes);
	if (json)
		printf("{\"bench\": \"route\", \"routes\": %u, \"bytes_per_route\": %.1f, "
		       "\"build_ns\": %.0f, \"find_ns\": %.0f, \"find_burst_ns\": %.0f, "
		       "\"change_ns\": %.0f}\n",
		       routes, bytes, built, single, burst, change);
	else
		printf("%-28s%12u\n%-28s%12.1f\n%-28s%12.0f\n%-28s%12.0f\n%-28s%12.0f\n%-28s%12."
		       "0f\n",
		       "routes", routes, "bytes per route", bytes, "built, ns per route", built,
		       "found alone, ns", single, "found in bursts of 32, ns", burst,
		       "one changed, ns", change);
	route_table_free(t);
	free(numbers);
	return 0;
}
