/* size and parts: how long a message is, between two bounds that are themselves outside. */
#include "rules/language.h"

#include <string.h>

#define BOUND_MAX 1000000

/* 0 <= over, 1 <= under: a range that could hold nothing is not written. */
static bool read_bound(struct language *l, const char *key, const json_t *value, uint32_t *low,
		       uint32_t *high)
{
	size_t     mark = language_enter_key(l, key);
	bool       over = strcmp(key, "over") == 0, known = over || strcmp(key, "under") == 0;
	json_int_t n = json_integer_value(value);
	bool       good = known && json_is_integer(value) && n >= (over ? 0 : 1) && n <= BOUND_MAX;

	if (!known)
		language_fault(l, "is no bound; the bounds are over and under");
	else if (!good)
		language_fault(l, "is not a number of %d to %d", over ? 0 : 1, BOUND_MAX);
	else if (over)
		*low = (uint32_t)n + 1;
	else
		*high = (uint32_t)n - 1;
	language_leave(l, mark);
	return good;
}

uint32_t type_range(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	uint32_t    low = 0, high = UINT32_MAX;
	bool        good = true;
	const char *key;
	json_t     *value;

	if (!json_is_object(json) || json_object_size(json) == 0)
		return language_fault(
			l, "is no range; write {over: 160}, {under: 1000} or both in one");
	json_object_foreach((json_t *)json, key, value) good =
		read_bound(l, key, value, &low, &high) && good;
	if (good && low > high)
		return language_fault(l, "nothing is over %u and under %u; turn them round",
				      low - 1, high + 1);
	return good ? language_fact(l, field, low, high) : NODE_NONE;
}
