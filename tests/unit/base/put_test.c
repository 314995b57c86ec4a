#include "test.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/date.h"
#include "base/put.h"

static const char *made(struct put *w)
{
	assert_false(w->failed);
	*w->p = '\0';
	return (const char *)w->start;
}

static void numbers_have_all_their_digits_and_no_more(void **state)
{
	char room[64], wanted[32];

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int by = -1; by <= 1; by++) {
			uint64_t   v = (UINT64_C(1) << bit) + (uint64_t)(int64_t)by;
			struct put w = put_to(room, sizeof(room));

			put_number(&w, v);
			snprintf(wanted, sizeof(wanted), "%" PRIu64, v);
			assert_string_equal(made(&w), wanted);
		}
	}
	for (uint64_t v = 1; v <= UINT64_MAX / 10; v *= 10) {
		struct put w = put_to(room, sizeof(room));

		put_number(&w, v * 10 - 1);
		put_u8(&w, ' ');
		put_number(&w, v * 10);
		snprintf(wanted, sizeof(wanted), "%" PRIu64, v * 10 - 1);
		assert_true(str_starts(str_of(made(&w)), str_of(wanted)));
		snprintf(wanted, sizeof(wanted), " %" PRIu64, v * 10);
		assert_string_equal(strchr(room, ' '), wanted);
	}
}

static void a_number_that_does_not_fit_is_not_there(void **state)
{
	char       room[4] = "";
	struct put w = put_to(room, 3);

	(void)state;
	put_number(&w, 1000);
	assert_true(w.failed);
	assert_int_equal(put_size(&w), 0);
}

static void moments_are_written_in_utc(void **state)
{
	static const struct {
		uint64_t    wall_ms;
		const char *text;
	} table[] = {
		{0, "1970-01-01T00:00:00Z"},
		{951782399999, "2000-02-28T23:59:59Z"},
		{951782400000, "2000-02-29T00:00:00Z"},
		{1790000000000, "2026-09-21T14:13:20Z"},
		{4107542399000, "2100-02-28T23:59:59Z"},
		{4107542400000, "2100-03-01T00:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char       room[DATE_TEXT_SIZE + 1];
		struct put w = put_to(room, DATE_TEXT_SIZE);

		date_put(&w, table[i].wall_ms);
		assert_int_equal(put_size(&w), DATE_TEXT_SIZE);
		assert_string_equal(made(&w), table[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_all_their_digits_and_no_more),
		cmocka_unit_test(a_number_that_does_not_fit_is_not_there),
		cmocka_unit_test(moments_are_written_in_utc),
	};

	return cmocka_run_group_tests_name("put", tests, NULL, NULL);
}
