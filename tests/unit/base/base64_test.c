#include "test.h"

#include "base/base64.h"

static void the_alphabet_of_urls_has_no_padding(void **state)
{
	const uint8_t bytes[] = {0xfb, 0xef, 0xff, 0x00};
	char          text[16];
	struct put    w = put_to(text, sizeof(text));

	base64url_put(&w, bytes, 3);
	put_u8(&w, ' ');
	base64url_put(&w, bytes, 2);
	put_u8(&w, ' ');
	base64url_put(&w, bytes, 4);
	assert_true(str_eq((struct str){text, put_size(&w)}, STR("--__ --8 --__AA")));
}

static void what_is_written_for_urls_is_read_in_one_form_only(void **state)
{
	static const char *const bad[] = {"A",     "AA==", "AAA=",  "AB",  "AAB",
					  "AAAAA", "AA A", "AAA\n", "+/AA"};
	uint8_t                  bytes[64], back[64];
	char                     text[96];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct put w = put_to(bytes, sizeof(bytes));

		assert_false(base64url_parse(str_of(bad[i]), &w));
	}
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct put w = put_to(text, sizeof(text)), b = put_to(back, n);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(i * 89 + n);
		base64url_put(&w, bytes, n);
		assert_int_equal(put_size(&w), (n * 4 + 2) / 3);
		assert_true(base64url_parse((struct str){text, put_size(&w)}, &b));
		assert_int_equal(put_size(&b), n);
		assert_memory_equal(bytes, back, n);
		if (n > 0) { /* no room for the last byte */
			b = put_to(back, n - 1);
			assert_false(base64url_parse((struct str){text, put_size(&w)}, &b));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_alphabet_of_urls_has_no_padding),
		cmocka_unit_test(what_is_written_for_urls_is_read_in_one_form_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
