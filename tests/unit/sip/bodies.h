/* What the tests of message bodies share. */
#pragma once

#include "test.h"

#include "base/str.h"

static inline void assert_str(struct str s, const char *expected)
{
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.n > 0 ? s.p : "", expected, s.n);
}

/* Of a table: names the line that fails. */
static inline void assert_case(size_t i, unsigned got, unsigned expected)
{
	if (got != expected)
		print_error("case %zu\n", i);
	assert_int_equal(got, expected);
}
