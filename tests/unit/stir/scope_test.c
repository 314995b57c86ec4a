#include "test.h"

#include <stdio.h>

#include "stir/scope.h"

/* DER as hexadecimal. */
static bool read_hex(const char *hex, struct stir_scope *scope)
{
	size_t   n = strlen(hex) / 2;
	uint8_t *bytes = malloc(n + 1), *exact;
	bool     good;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(str_hex(hex[2 * i]) << 4 | str_hex(hex[2 * i + 1]));
	exact = test_copy(bytes, n);
	good = stir_scope_read(cur_of(exact, n), scope);
	free(exact);
	free(bytes);
	return good;
}

/* One number, 46701; ten from 46710 on; the provider "1234". */
#define ONE "a20716053436373031"
#define TEN                                                                                        \
	"a10c300a16053436373130"                                                                   \
	"02010a"
#define PROVIDER "a006160431323334"

static void a_list_of_numbers_has_those_and_no_others(void **state)
{
	struct stir_scope s;

	assert_true(read_hex("3017" ONE TEN, &s));
	assert_int_equal(s.count, 2);
	assert_true(stir_scope_has(&s, STR("+46701")));
	assert_true(stir_scope_has(&s, STR("46710")));
	assert_true(stir_scope_has(&s, STR("46719")));
	assert_false(stir_scope_has(&s, STR("46702")));
	assert_false(stir_scope_has(&s, STR("46709")));
	assert_false(stir_scope_has(&s, STR("46720")));
	assert_false(stir_scope_has(&s, STR("046701"))); /* another number */
	assert_false(stir_scope_has(&s, STR("ACME")));
	assert_false(stir_scope_has(&s, STR("1234567890123456")));
}

static void a_provider_speaks_for_any_number(void **state)
{
	struct stir_scope s;

	assert_true(read_hex("3008" PROVIDER, &s));
	assert_int_equal(s.providers, 1);
	assert_true(stir_scope_has(&s, STR("46702")));
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const table[] = {
		"",
		"3000",
		"3109" ONE,
		"300a" ONE,               /* longer than it is */
		"3009" ONE "00",          /* more behind it */
		"3009a30716053436373031", /* no such choice */
		"3009820716053436373031",
		"3009a20713053436373031",
		"300aa2081605343637303100",
		"3009a20716053436373058",           /* no digit */
		"3004a2021600",                     /* no number */
		"300ea10c300a16053436373130020100", /* none of them */
		"300ea10c300a16053436373130020181", /* fewer than none */
		"3080" ONE "0000",                  /* no DER */
	};
	struct stir_scope s;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (read_hex(table[i], &s))
			fail_msg("%s", table[i]);
	}
}

static void a_list_cut_at_any_byte_is_refused(void **state)
{
	static const char whole[] = "301f" ONE TEN PROVIDER;
	char                                       cut[sizeof(whole)];
	struct stir_scope                          s;

	assert_true(read_hex(whole, &s));
	for (size_t n = 0; n < sizeof(whole) - 1; n += 2) {
		memcpy(cut, whole, n);
		cut[n] = '\0';
		assert_false(read_hex(cut, &s));
	}
}

static void a_list_has_as_many_entries_as_it_may(void **state)
{
	for (unsigned n = STIR_SCOPE_MAX; n <= STIR_SCOPE_MAX + 1; n++) {
		char              hex[4096];
		struct stir_scope s;
		int               at = snprintf(hex, sizeof(hex), "3082%04x", n * 9);

		for (unsigned i = 0; i < n; i++)
			at += snprintf(hex + at, sizeof(hex) - (size_t)at, ONE);
		assert_int_equal(read_hex(hex, &s), n == STIR_SCOPE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_numbers_has_those_and_no_others),
		cmocka_unit_test(a_provider_speaks_for_any_number),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(a_list_cut_at_any_byte_is_refused),
		cmocka_unit_test(a_list_has_as_many_entries_as_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
