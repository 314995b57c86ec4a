#include "rules_test.h"

static void a_message_that_no_rule_meets_passes(void **state)
{
	const struct rules_source source[] = {
		{"spam", "{\"text\": \"casino\"}", "{\"reject\": \"spam\"}"}};
	struct rules        *r = test_rules(source, 1);
	struct rules_verdict v = test_scan(r, "+461", "+462", "esme1", "hello");

	assert_int_equal(v.outcome, RULES_PASS);
	assert_int_equal(v.rule, UINT32_MAX);
	assert_false(v.hit);
	assert_null(v.from.p);
	assert_int_equal(rules_hits(r, 0), 0);
	rules_free(r);
}

static void reject_drop_and_route_end_the_rules(void **state)
{
	const struct rules_source source[] = {
		{"a", "{\"text\": \"casino\"}", "{\"reject\": \"forbidden\"}"},
		{"b", "{\"text\": \"lottery\"}", "{\"drop\": true}"},
		{"c", "{\"to\": \"^\\\\+4670\"}", "{\"route\": [\"smsc1\", \"smsc2\"]}"},
	};
	struct rules        *r = test_rules(source, 3);
	struct rules_verdict v = test_scan(r, "+461", "+46701", NULL, "my casino lottery");
	const char          *targets[RULES_TARGETS_MAX];

	assert_int_equal(v.outcome, RULES_REJECT);
	assert_int_equal(v.why, REASON_FORBIDDEN);
	assert_int_equal(v.rule, 0);
	v = test_scan(r, "+461", "+46701", NULL, "lottery");
	assert_int_equal(v.outcome, RULES_DROP);
	assert_int_equal(v.rule, 1);
	v = test_scan(r, "+461", "+46701", NULL, "hello");
	assert_int_equal(v.outcome, RULES_ROUTE);
	assert_int_equal(v.rule, 2);
	assert_int_equal(rules_route_targets(r, v.route, targets), 2);
	assert_string_equal(targets[0], "smsc1");
	assert_string_equal(targets[1], "smsc2");
	assert_int_equal(rules_hits(r, 0), 1);
	assert_int_equal(rules_hits(r, 1), 1);
	assert_int_equal(rules_hits(r, 2), 1);
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_that_no_rule_meets_passes),
		cmocka_unit_test(reject_drop_and_route_end_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
