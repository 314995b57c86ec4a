#include "rules_test.h"

#include "msg/msg.h"

static void a_message_that_no_rule_meets_passes(void **state)
{
	const struct rules_source source[] = {
		{"spam", "{\"text\": \"casino\"}", "{\"reject\": \"spam\"}"}};
	struct rules        *r = test_rules(source, 1);
	struct rules_verdict v = test_scan(r, "+461", "+462", "esme1", "hello");

	(void)state;
	assert_int_equal(v.outcome, RULES_PASS);
	assert_int_equal(v.rule, UINT32_MAX);
	assert_false(v.hit);
	assert_null(v.from.p);
	assert_null(v.to.p);
	assert_int_equal(rules_hits(r, 1, 0), 0);
	rules_free(r);
}

static void reject_drop_and_route_end_the_rules(void **state)
{
	const struct rules_source source[] = {
		{"a", "{\"text\": \"casino\"}", "{\"reject\": \"rule-limit\"}"},
		{"b", "{\"text\": \"lottery\"}", "{\"drop\": true}"},
		{"c", "{\"to\": \"^\\\\+4670\"}", "{\"route\": [\"smsc1\", \"smsc2\"]}"},
		{"d", "{\"to\": \"^\\\\+46\"}", "{\"route\": \"smsc3\"}"},
	};
	struct rules        *r = test_rules(source, 4);
	struct rules_verdict v = test_scan(r, "+461", "+46701", NULL, "my casino lottery");
	const char          *targets[RULES_TARGETS_MAX];

	(void)state;
	assert_int_equal(v.outcome, RULES_REJECT);
	assert_int_equal(v.why, REASON_RULE_LIMIT);
	assert_int_equal(v.rule, 0);
	v = test_scan(r, "+461", "+46701", NULL, "lottery");
	assert_int_equal(v.outcome, RULES_DROP);
	assert_int_equal(v.rule, 1);
	v = test_scan(r, "+461", "+46701", NULL, "hello");
	assert_int_equal(v.outcome, RULES_ROUTE);
	assert_int_equal(v.rule, 2);
	assert_int_equal(rules_route_count(r), 2);
	assert_int_equal(rules_route_targets(r, v.route, targets), 2);
	assert_string_equal(targets[0], "smsc1");
	assert_string_equal(targets[1], "smsc2");
	v = test_scan(r, "+461", "+4671", NULL, NULL);
	assert_int_equal(rules_route_targets(r, v.route, targets), 1);
	assert_string_equal(targets[0], "smsc3");
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(rules_hits(r, 1, i), 1);
	assert_string_equal(rules_name(r, 3), "d");
	assert_int_equal(rules_count(r), 4);
	rules_free(r);
}

static void what_does_not_end_the_rules_is_gathered_in_order(void **state)
{
	const struct rules_source source[] = {
		{"a", "{\"text\": \"x\"}",
		 "{\"tag\": [\"one\", \"two\"], \"rewrite_from\": \"ACME\"}"},
		{"b", "{\"text\": \"x\"}", "{\"limit\": 7, \"rewrite_to\": \"+1\"}"},
		{"c", "{\"text\": \"y\"}", "{\"tag\": \"three\"}"},
		{"d", "{\"text\": \"x\"}",
		 "{\"drop\": true, \"limit\": \"9/s\", \"tag\": \"two\", \"rewrite_to\": \"+22\"}"},
		{"e", "{\"text\": \"x\"}", "{\"tag\": \"four\"}"},
	};
	struct rules        *r = test_rules(source, 5);
	struct rules_verdict v = test_scan(r, "+461", "+462", NULL, "x");

	(void)state;
	assert_int_equal(v.outcome, RULES_DROP);
	assert_int_equal(v.rule, 3);
	assert_int_equal(v.tags, 3);
	assert_string_equal(rules_tag_name(r, 0), "one");
	assert_string_equal(rules_tag_name(r, 1), "two");
	assert_null(rules_tag_name(r, 15));
	assert_true(str_eq(v.from, STR("ACME")));
	assert_true(str_eq(v.to, STR("+22")));
	assert_int_equal(v.limit_count, 2);
	assert_int_equal(rules_limit_count(r), 2);
	assert_string_equal(rules_limit_name(r, v.limits[0]), "b");
	assert_int_equal(rules_limit_rate(r, v.limits[0]), 7);
	assert_string_equal(rules_limit_name(r, v.limits[1]), "d");
	assert_int_equal(rules_limit_rate(r, v.limits[1]), 9);
	assert_int_equal(rules_hits(r, 1, 4), 0);
	v = test_scan(r, "+461", "+462", NULL, "y");
	assert_int_equal(v.outcome, RULES_PASS);
	assert_true(v.hit);
	assert_int_equal(v.rule, UINT32_MAX);
	rules_free(r);
}

static void a_rewrite_is_not_seen_by_later_rules(void **state)
{
	const struct rules_source source[] = {
		{"a", "{}", "{\"rewrite_to\": \"+999\"}"},
		{"b", "{\"to\": \"999\"}", "{\"drop\": true}"},
	};
	struct rules *r = test_rules(source, 2);

	(void)state;
	assert_int_equal(test_scan(r, "+1", "+2", NULL, NULL).outcome, RULES_PASS);
	assert_int_equal(test_scan(r, "+1", "+999", NULL, NULL).outcome, RULES_DROP);
	rules_free(r);
}

static void the_ninth_limit_of_a_message_refuses_it(void **state)
{
	char                 name[RULES_LIMITS_MAX + 1][8];
	struct rules_source  source[RULES_LIMITS_MAX + 1];
	struct rules        *r;
	struct rules_verdict v;

	(void)state;
	for (unsigned i = 0; i <= RULES_LIMITS_MAX; i++) {
		snprintf(name[i], sizeof(name[i]), "l%u", i);
		source[i] = (struct rules_source){name[i],
						  i < RULES_LIMITS_MAX ? "{}" : "{\"text\": \"x\"}",
						  "{\"limit\": 5}"};
	}
	r = test_rules(source, RULES_LIMITS_MAX + 1);
	v = test_scan(r, NULL, NULL, NULL, "y");
	assert_int_equal(v.outcome, RULES_PASS);
	assert_int_equal(v.limit_count, RULES_LIMITS_MAX);
	v = test_scan(r, NULL, NULL, NULL, "x");
	assert_int_equal(v.outcome, RULES_REJECT);
	assert_int_equal(v.why, REASON_RULE_LIMIT);
	assert_int_equal(v.rule, RULES_LIMITS_MAX);
	rules_free(r);
}

/* a, b and c stand for themselves in the text; want: for the texts "", a, b, ab, c, ac, bc, abc, is
 * the rule met? */
static const struct {
	const char *when, *want;
} truths[] = {
	{"{\"text\": \"a\"}", "01010101"},
	{"{\"text\": [\"a\", \"b\"]}", "01110111"},
	{"{\"not\": {\"text\": \"a\"}}", "10101010"},
	{"{\"not\": {\"text\": [\"a\", \"b\"]}}", "10001000"},
	{"{\"not\": {\"not\": {\"text\": \"a\"}}}", "01010101"},
	{"{\"all\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}", "00010001"},
	{"{\"any\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}", "01110111"},
	{"{\"all\": [{\"text\": \"a\"}, {\"not\": {\"text\": \"b\"}}]}", "01000100"},
	{"{\"any\": [{\"text\": \"a\"}, {\"not\": {\"text\": \"b\"}}]}", "11011101"},
	{"{\"not\": {\"all\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}}", "11101110"},
	{"{\"not\": {\"any\": [{\"text\": \"a\"}, {\"not\": {\"text\": \"b\"}}]}}", "00100010"},
	{"{\"text\": \"a\", \"any\": [{\"text\": \"b\"}, {\"text\": \"c\"}]}", "00010101"},
	{"{\"text\": \"a\", \"not\": {\"all\": [{\"text\": \"b\"}, {\"text\": \"c\"}]}}",
	 "01010100"},
	{"{\"any\": [{\"all\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}, {\"text\": \"c\"}]}",
	 "00011111"},
	{"{\"all\": [{\"any\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}, {\"text\": \"c\"}]}",
	 "00000111"},
	{"{}", "11111111"},
};

static void all_any_and_not_follow_their_truth_tables(void **state)
{
	static const char *const texts[] = {"", "a", "b", "ab", "c", "ac", "bc", "abc"};

	(void)state;
	for (size_t i = 0; i < COUNT(truths); i++) {
		const struct rules_source source = {"r", truths[i].when, "{\"drop\": true}"};
		struct rules             *r = test_rules(&source, 1);

		for (unsigned t = 0; t < 8; t++) {
			bool met = test_scan(r, NULL, NULL, NULL, texts[t]).outcome == RULES_DROP;

			if (met != (truths[i].want[t] == '1'))
				fail_msg("%s over \"%s\": %d", truths[i].when, texts[t], met);
		}
		rules_free(r);
	}
}

static void each_field_is_looked_at_alone(void **state)
{
	const struct rules_source source[] = {
		{"all", "{\"from\": \"x\", \"to\": \"x\", \"text\": \"x\", \"account\": \"x\"}",
		 "{\"drop\": true}"},
		{"from", "{\"from\": \"x\"}", "{\"tag\": \"from\"}"},
		{"to", "{\"to\": \"x\"}", "{\"tag\": \"to\"}"},
		{"text", "{\"text\": \"x\"}", "{\"tag\": \"text\"}"},
		{"account", "{\"account\": [\"w\", \"x\"]}", "{\"tag\": \"account\"}"},
	};
	struct rules *r = test_rules(source, 5);

	(void)state;
	assert_int_equal(rules_fields(r), RULES_FIELD_FROM | RULES_FIELD_TO | RULES_FIELD_TEXT |
						  RULES_FIELD_ACCOUNT);
	assert_int_equal(test_scan(r, "x", "y", "y", "y").tags, 1);
	assert_int_equal(test_scan(r, "y", "x", "y", "y").tags, 2);
	assert_int_equal(test_scan(r, "y", "y", "y", "x").tags, 4);
	assert_int_equal(test_scan(r, "y", "y", "x", "y").tags, 8);
	assert_int_equal(test_scan(r, "y", "y", "w", "y").tags, 8);
	assert_int_equal(test_scan(r, "y", "y", "xx", "y").tags, 0);
	assert_int_equal(test_scan(r, "x", "x", "x", "x").outcome, RULES_DROP);
	rules_free(r);
}

static void only_fields_that_rules_name_are_looked_at(void **state)
{
	const struct rules_source source = {"r", "{\"to\": \"1\", \"not\": {\"account\": \"a\"}}",
					    "{\"drop\": true}"};
	struct rules             *r = test_rules(&source, 1), *none = test_rules(NULL, 0);

	(void)state;
	assert_int_equal(rules_fields(r), RULES_FIELD_TO | RULES_FIELD_ACCOUNT);
	assert_int_equal(rules_fields(none), 0);
	assert_int_equal(test_scan(none, "1", "1", "a", "x").outcome, RULES_PASS);
	rules_free(r);
	rules_free(none);
}

/* A text that must match and one that must not. */
static const struct {
	const char *pattern, *yes, *no;
} unicode[] = {
	{"^.{3}$", "\u00e5\u00e4\u00f6", "\u00e5\u00e4"},
	{"a.b", "a\u20acb", "ab"},
	{"a.b", "a\nb", "a\n\nb"},
	{"^[^a]{2}$", "\u20ac\u20ac", "\u20ac"},
	{"x[^a]+y", "x\u20acy", "xay"},
	{"a.*b", "a\u20ac\u20acb", "ba"},
	{"^\u00e5+$", "\u00e5\u00e5\u00e5", "\u00e5\u00e4"},
	{"[\u00e5\u00e4]x", "\u00e4x", "\u00f6x"},
	{"(?i)\u00c5L", "\u00e5l", "\u00e4l"},
	{"(?i)casino", "CaSiNo", "CaSin"},
	{"(?i:CASINO) now", "casino now", "casino NOW"},
	{"^\\\\w+$", "\u00e5\u00e4\u00f6", "\u00e5 \u00e4"},
	{"\\\\bfree\\\\b", "it is free!", "freedom"},
	{"\u00e5|\u00e4", "\u00e4", "\u00f6"},
	{"bit\\\\.ly/[a-z0-9]+", "go to bit.ly/x9", "bit,ly/x9"},
	{"^a\\\\x{e5}$", "a\u00e5", "aa"},
	{"\\\\p{Greek}", "\u03b1", "a"},
};

static void texts_are_read_as_characters(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(unicode); i++) {
		char                      when[128];
		const struct rules_source source = {"r", when, "{\"drop\": true}"};
		struct rules             *r;

		snprintf(when, sizeof(when), "{\"text\": \"%s\"}", unicode[i].pattern);
		r = test_rules(&source, 1);
		if (test_scan(r, NULL, NULL, NULL, unicode[i].yes).outcome != RULES_DROP)
			fail_msg("%s does not match %s", unicode[i].pattern, unicode[i].yes);
		if (test_scan(r, NULL, NULL, NULL, unicode[i].no).outcome != RULES_PASS)
			fail_msg("%s matches %s", unicode[i].pattern, unicode[i].no);
		rules_free(r);
	}
}

static void an_address_may_hold_any_bytes(void **state)
{
	const struct rules_source source[] = {
		{"a", "{\"from\": \"^.{3}$\"}", "{\"tag\": \"three\"}"},
		{"b", "{\"from\": \"\u00e5\"}", "{\"tag\": \"letter\"}"},
		{"c", "{\"from\": \"[^a-z]\"}", "{\"tag\": \"other\"}"},
	};
	struct rules *r = test_rules(source, 3);

	(void)state;
	assert_int_equal(test_scan(r, "\xff\xc3\x80", NULL, NULL, NULL).tags, 5);
	assert_int_equal(test_scan(r, "a\u00e5", NULL, NULL, NULL).tags, 7);
	assert_int_equal(test_scan(r, "\xc3", NULL, NULL, NULL).tags, 4);
	assert_int_equal(test_scan(r, "abcd", NULL, NULL, NULL).tags, 0);
	rules_free(r);
}

static void scratches_count_their_own_hits(void **state)
{
	const struct rules_source source = {"r", "{\"text\": \"x\"}", "{\"tag\": \"t\"}"};
	struct rules             *r = test_rules(&source, 1);
	struct rules_input        in = {.text = STR("x")};
	struct rules_verdict      v;

	(void)state;
	rules_scan(r, 0, &in, &v);
	rules_scan(r, 1, &in, &v);
	rules_scan(r, 1, &in, &v);
	assert_int_equal(rules_hits(r, 1, 0), 1);
	assert_int_equal(rules_hits(r, 2, 0), 3);
	rules_free(r);
}

static void one_message_leaves_nothing_for_the_next(void **state)
{
	enum { RULES = 5000 };
	struct rules_source *source = calloc(RULES, sizeof(*source));
	char(*text)[3][48] = calloc(RULES, sizeof(*text));
	struct rules *r;

	(void)state;
	assert_non_null(source);
	assert_non_null(text);
	for (unsigned i = 0; i < RULES; i++) { /* over 64 * 64 rules, so that each level is used */
		snprintf(text[i][0], sizeof(text[i][0]), "r%u", i);
		snprintf(text[i][1], sizeof(text[i][1]), "{\"account\": [\"a%u\", \"every\"]}", i);
		source[i] =
			(struct rules_source){text[i][0], text[i][1],
					      i == 4500 ? "{\"drop\": true}" : "{\"tag\": \"t\"}"};
	}
	r = test_rules(source, RULES);
	for (unsigned i = 0; i < RULES; i += 7) {
		struct rules_verdict v = test_scan(r, NULL, NULL, "every", NULL);

		assert_int_equal(v.rule, 4500); /* ends before all that were called were tried */
		v = test_scan(r, NULL, NULL, text[i][1] + 14, NULL);
		assert_false(v.hit);
	}
	assert_int_equal(rules_hits(r, 1, 4501), 0);
	assert_int_equal(rules_hits(r, 1, 4499), (RULES + 6) / 7);
	assert_int_equal(test_scan(r, NULL, NULL, "a4999", NULL).tags, 1);
	assert_int_equal(rules_hits(r, 1, 4999), 1);
	rules_free(r);
	free(source);
	free(text);
}

/* Of one condition: does it hold for that message? */
static bool says(const char *when, struct rules_input beside)
{
	const struct rules_source source[] = {{"r", when, "{\"drop\": true}"}};
	struct rules             *r = test_rules(source, 1);
	bool hit = test_scan_beside(r, "+461", "+462", NULL, "x", beside).outcome == RULES_DROP;

	rules_free(r);
	return hit;
}

static void bounds_are_themselves_outside(void **state)
{
	static const struct {
		const char *when;
		uint32_t    first, last; /* sizes for which it holds */
	} ranges[] = {
		{"{\"size\": {\"over\": 3}}", 4, UINT32_MAX},
		{"{\"size\": {\"over\": 0}}", 1, UINT32_MAX},
		{"{\"size\": {\"under\": 3}}", 0, 2},
		{"{\"size\": {\"under\": 1}}", 0, 0},
		{"{\"size\": {\"over\": 3, \"under\": 5}}", 4, 4},
		{"{\"size\": {\"over\": 1000000}}", 1000001, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ranges); i++) {
		uint32_t first = ranges[i].first, last = ranges[i].last;

		assert_true(says(ranges[i].when, (struct rules_input){.size = first}));
		assert_true(says(ranges[i].when, (struct rules_input){.size = last}));
		assert_true(first == 0 ||
			    !says(ranges[i].when, (struct rules_input){.size = first - 1}));
		assert_true(last == UINT32_MAX ||
			    !says(ranges[i].when, (struct rules_input){.size = last + 1}));
	}
	assert_true(says("{\"parts\": {\"over\": 1}}", (struct rules_input){.parts = 2}));
	assert_false(says("{\"parts\": {\"over\": 1}}", (struct rules_input){.size = 2}));
}

static void one_of_the_words_is_enough(void **state)
{
	static const char content[] = "{\"content\": [\"file\", \"location\"]}",
			  reached[] = "{\"reached\": [\"xmpp\", \"nobody\"]}",
			  device[] = "{\"device\": [\"sms\", \"chat\"]}";
	const uint32_t sms = 1u << MSG_ABILITY_SMS, chat = 1u << MSG_ABILITY_CHAT,
		       large = 1u << MSG_ABILITY_LARGE;

	(void)state;
	assert_true(says(content, (struct rules_input){.content = MSG_CONTENT_FILE}));
	assert_true(says(content, (struct rules_input){.content = MSG_CONTENT_LOCATION}));
	assert_false(says(content, (struct rules_input){.content = MSG_CONTENT_TEXT}));
	assert_false(says(content, (struct rules_input){.content = 1000}));
	assert_true(says(reached, (struct rules_input){.reached = 1u << 2}));
	assert_true(says(reached, (struct rules_input){.reached = 1u << 1 | 1u << 2}));
	assert_true(says(reached, (struct rules_input){.reached = 1u << RULES_NOBODY}));
	assert_false(says(reached, (struct rules_input){.reached = 1u << 1}));
	assert_false(says("{\"reached\": \"sip\"}", (struct rules_input){.reached = 1u << 2}));
	assert_true(says(device, (struct rules_input){.device = sms}));
	assert_true(says(device, (struct rules_input){.device = chat | large}));
	assert_false(says(device, (struct rules_input){.device = large}));
	assert_false(says(device, (struct rules_input){.reached = sms | chat}));
	assert_true(says("{\"not\": {\"device\": \"sms\"}}", (struct rules_input){0}));
}

static void what_a_message_is_joins_with_its_texts(void **state)
{
	static const char when[] = "{\"text\": \"x\", \"parts\": {\"over\": 3}, \"not\": "
				   "{\"reached\": [\"sip\", \"xmpp\"]}}";

	(void)state;
	assert_true(says(when, (struct rules_input){.parts = 4, .reached = 1u << RULES_NOBODY}));
	assert_false(says(when, (struct rules_input){.parts = 3, .reached = 1u << RULES_NOBODY}));
	assert_false(says(when, (struct rules_input){.parts = 4, .reached = 2}));
}

static void what_is_proven_of_the_sender_is_compared(void **state)
{
	const char *const        bad = "{\"identity\": [\"failed\", \"none\"]}",
			  *const good = "{\"identity\": \"passed\"}";

	(void)state;
	for (unsigned i = 0; i < MSG_IDENTITY_COUNT; i++) {
		const struct rules_input input = {.identity = i};

		assert_int_equal(says(bad, input),
				 i == MSG_IDENTITY_FAILED || i == MSG_IDENTITY_NONE);
		assert_int_equal(says(good, input), i == MSG_IDENTITY_PASSED);
	}
	assert_true(says("{\"not\": {\"identity\": \"passed\"}}", (struct rules_input){0}));
}

static void fields_beside_are_asked_for_where_a_rule_names_them(void **state)
{
	static const struct {
		const char *when;
		unsigned    fields;
	} asked[] = {
		{"{\"text\": \"a\"}", RULES_FIELD_TEXT},
		{"{\"size\": {\"over\": 1}}", RULES_FIELD_SIZE},
		{"{\"parts\": {\"over\": 1}, \"text\": \"a\"}",
		 RULES_FIELD_PARTS | RULES_FIELD_TEXT},
		{"{\"not\": {\"content\": \"text\"}}", RULES_FIELD_CONTENT},
		{"{\"reached\": \"nobody\"}", RULES_FIELD_REACHED},
		{"{\"any\": [{\"device\": \"cpm\"}]}", RULES_FIELD_DEVICE},
		{"{\"identity\": \"failed\"}", RULES_FIELD_IDENTITY},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		const struct rules_source source[] = {{"r", asked[i].when, "{\"drop\": true}"}};
		struct rules             *r = test_rules(source, 1);

		assert_int_equal(rules_fields(r), asked[i].fields);
		rules_free(r);
	}
}

int main(void)
{
	rules_protocols_set(test_protocols);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_that_no_rule_meets_passes),
		cmocka_unit_test(reject_drop_and_route_end_the_rules),
		cmocka_unit_test(what_does_not_end_the_rules_is_gathered_in_order),
		cmocka_unit_test(a_rewrite_is_not_seen_by_later_rules),
		cmocka_unit_test(the_ninth_limit_of_a_message_refuses_it),
		cmocka_unit_test(all_any_and_not_follow_their_truth_tables),
		cmocka_unit_test(each_field_is_looked_at_alone),
		cmocka_unit_test(only_fields_that_rules_name_are_looked_at),
		cmocka_unit_test(texts_are_read_as_characters),
		cmocka_unit_test(an_address_may_hold_any_bytes),
		cmocka_unit_test(scratches_count_their_own_hits),
		cmocka_unit_test(bounds_are_themselves_outside),
		cmocka_unit_test(one_of_the_words_is_enough),
		cmocka_unit_test(what_a_message_is_joins_with_its_texts),
		cmocka_unit_test(what_is_proven_of_the_sender_is_compared),
		cmocka_unit_test(fields_beside_are_asked_for_where_a_rule_names_them),
		cmocka_unit_test(one_message_leaves_nothing_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
