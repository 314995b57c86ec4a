/* Sets as large as operators make them. */
#include "rules_test.h"

#define RULES 10000u

struct many {
	struct rules_source source[RULES];
	char                text[RULES][3][64];
};

static void ten_thousand_rules_each_find_their_own_message(void **state)
{
	struct many  *m = calloc(1, sizeof(*m));
	struct rules *r;

	(void)state;
	assert_non_null(m);
	for (unsigned i = 0; i < RULES; i++) {
		snprintf(m->text[i][0], 64, "r%u", i);
		snprintf(m->text[i][1], 64,
			 i % 2 == 0 ? "{\"text\": \"word%05u\"}" : "{\"text\": \"word%05u/[a-z]\"}",
			 i);
		snprintf(m->text[i][2], 64, "{\"tag\": \"t%u\"}", i % 16);
		m->source[i] = (struct rules_source){m->text[i][0], m->text[i][1], m->text[i][2]};
	}
	r = test_rules(m->source, RULES);
	for (unsigned i = 0; i < RULES; i++) {
		char                 text[64];
		struct rules_verdict v;

		snprintf(text, sizeof(text), "before word%05u/after", i);
		v = test_scan(r, "+461", "+462", "a", text);
		assert_true(v.hit);
		assert_int_equal(v.tags, 1u << i % 16);
		assert_int_equal(rules_hits(r, 1, i), 1);
		snprintf(text, sizeof(text), "before wort%05u/after", i);
		assert_false(test_scan(r, "+461", "+462", "a", text).hit);
	}
	rules_free(r);
	free(m);
}

static void more_rules_than_there_may_be_are_refused_as_a_whole(void **state)
{
	struct rules_source *source = calloc(65537, sizeof(*source));
	struct test_faults   f = {0};

	(void)state;
	assert_non_null(source);
	assert_int_equal(rules_check(source, 65537, test_fault, &f), 1);
	assert_non_null(strstr(f.text, "at most 65536"));
	free(source);
}

static void more_limits_than_there_may_be_are_refused(void **state)
{
	enum { LIMITS = RULES_LIMIT_RULES_MAX + 1 };
	struct rules_source *source = calloc(LIMITS, sizeof(*source));
	char(*name)[8] = calloc(LIMITS, sizeof(*name));
	struct test_faults f = {0};

	(void)state;
	assert_non_null(source);
	assert_non_null(name);
	for (unsigned i = 0; i < LIMITS; i++) {
		snprintf(name[i], sizeof(name[i]), "r%u", i);
		source[i] = (struct rules_source){name[i], "{}", "{\"limit\": 5}"};
	}
	assert_int_equal(rules_check(source, LIMITS - 1, test_fault, &f), 0);
	assert_int_equal(rules_check(source, LIMITS, test_fault, &f), 1);
	assert_int_equal(f.rule, LIMITS - 1);
	assert_string_equal(f.key, "then.limit");
	free(source);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_rules_each_find_their_own_message),
		cmocka_unit_test(more_rules_than_there_may_be_are_refused_as_a_whole),
		cmocka_unit_test(more_limits_than_there_may_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
