/* The reader of JSON beside jansson: what the one takes the other takes, within the limits. */
#include "test.h"

#include <jansson.h>

#include "base/random.h"
#include "stir/json.h"

static bool ours(const void *bytes, size_t n)
{
	uint8_t         *exact = test_copy(bytes, n), *room = test_copy(bytes, n);
	struct put       w = put_to(room, n);
	struct stir_json j;
	bool             good;

	stir_json_open(&j, cur_of(exact, n), &w);
	stir_json_skip(&j);
	good = stir_json_end(&j);
	assert_false(w.failed); /* no text is longer than it was */
	free(exact);
	free(room);
	return good;
}

static bool theirs(const void *bytes, size_t n)
{
	json_t *json = json_loadb(bytes, n, JSON_DECODE_ANY, NULL);
	bool    good = json != NULL;

	json_decref(json);
	return good;
}

static void the_same_documents_are_taken(void **state)
{
	static const char *const table[] = {"{}",
					    "[]",
					    "[1]",
					    "[1,]",
					    "[,1]",
					    "{\"a\":1,}",
					    "{\"a\"}",
					    "{a:1}",
					    "\"\\u00e4\"",
					    "\"\\ud800\"",
					    "\"\\udc00\"",
					    "\"\\ud83d\\ude00\"",
					    "\"\\ud83d\\u0041\"",
					    "\"\\u0000\"",
					    "\"\\x\"",
					    "\"\t\"",
					    "\"a",
					    "1",
					    "-1",
					    "-",
					    "01",
					    "1.",
					    "1.5",
					    ".5",
					    "1e3",
					    "1e",
					    "1E-2",
					    "true",
					    "tru",
					    "nul",
					    "null",
					    "truefalse",
					    " [ 1 , 2 ] ",
					    "[1 2]",
					    "[[]]",
					    "[[]",
					    "[}",
					    "{]",
					    "",
					    " ",
					    "\"\xc3\xa4\"",
					    "\"\xc3\"",
					    "\"\xed\xa0\x80\"",
					    "\"\xf8\x88\x80\x80\x80\"",
					    "\"\xc0\x80\"",
					    "{\"a\":{\"b\":[]}}"};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t n = strlen(table[i]);

		if (ours(table[i], n) != theirs(table[i], n))
			fail_msg("%s", table[i]);
	}
}

static void the_same_mutated_documents_are_taken(void **state)
{
	static const char document[] =
		"{\"a\":[1,-2,3.5e-1,\"b\\u00e4\\\"\"],\"c\":{\"d\":null,\"e\":true},\"f\":[]}";
	static const char bytes[] = "{}[]\",:\\u0123abe.-+ \t\xc3\xa4";
	struct random     r;
	unsigned          taken = 0;

	random_seed(&r, 9475);
	for (unsigned round = 0; round < 200000; round++) {
		char   text[sizeof(document)];
		size_t n = sizeof(document) - 1;

		memcpy(text, document, n);
		for (unsigned k = 1 + random_next(&r) % 2; k > 0; k--) {
			size_t at = random_next(&r) % n;

			if (random_next(&r) % 3 > 0) {
				text[at] = bytes[random_next(&r) % (sizeof(bytes) - 1)];
			} else {
				memmove(text + at, text + at + 1, n - at - 1);
				n--;
			}
		}
		if (ours(text, n) != theirs(text, n))
			fail_msg("round %u: %.*s", round, (int)n, text);
		taken += ours(text, n);
	}
	assert_in_range(taken, 1000, 199000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_documents_are_taken),
		cmocka_unit_test(the_same_mutated_documents_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
