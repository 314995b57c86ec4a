#include "rules_test.h"

#include "msg/msg.h"

#define GOOD_WHEN "{\"text\": \"x\"}"
#define GOOD_THEN "{\"drop\": true}"

struct wrong {
	const char *when, *then;
	const char *key, *text; /* the path, and a part of what is said */
};

static const struct wrong wrongs[] = {
	{"[]", GOOD_THEN, "when", "is not an object"},
	{"{", GOOD_THEN, "when", "is not valid JSON"},
	{"{\"text\": \"a\", \"text\": \"b\"}", GOOD_THEN, "when", "is not valid JSON"},
	{"{\"body\": \"a\"}", GOOD_THEN, "when.body",
	 "from, to, text, account, size, parts, content, "
	 "reached, device, identity, all, any, not"},
	{"{\"text\": 5}", GOOD_THEN, "when.text", "put it in quotes"},
	{"{\"text\": \"\"}", GOOD_THEN, "when.text", "is empty"},
	{"{\"text\": []}", GOOD_THEN, "when.text", "1 to 1024"},
	{"{\"text\": [\"a\", 5]}", GOOD_THEN, "when.text[1]", "put it in quotes"},
	{"{\"account\": {}}", GOOD_THEN, "when.account", "put it in quotes"},
	{"{\"size\": 1000}", GOOD_THEN, "when.size", "write {over: 160}, {under: 1000} or both"},
	{"{\"size\": {}}", GOOD_THEN, "when.size", "write {over: 160}"},
	{"{\"size\": {\"above\": 5}}", GOOD_THEN, "when.size.above",
	 "the bounds are over and under"},
	{"{\"size\": {\"over\": \"5\"}}", GOOD_THEN, "when.size.over",
	 "is not a number of 0 to 1000000"},
	{"{\"size\": {\"over\": -1}}", GOOD_THEN, "when.size.over", "0 to 1000000"},
	{"{\"size\": {\"over\": 1000001}}", GOOD_THEN, "when.size.over", "0 to 1000000"},
	{"{\"size\": {\"over\": 1.5}}", GOOD_THEN, "when.size.over", "0 to 1000000"},
	{"{\"size\": {\"under\": 0}}", GOOD_THEN, "when.size.under", "1 to 1000000"},
	{"{\"parts\": {\"over\": 5, \"under\": 6}}", GOOD_THEN, "when.parts",
	 "nothing is over 5 and under 6; turn them round"},
	{"{\"content\": \"picture\"}", GOOD_THEN, "when.content",
	 "\"picture\" is no content; write of text, file, location, binary, document, composing, "
	 "receipt, "
	 "native"},
	{"{\"content\": [\"text\", \"\"]}", GOOD_THEN, "when.content[1]", "is empty"},
	{"{\"content\": {\"text\": true}}", GOOD_THEN, "when.content", "put it in quotes"},
	{"{\"reached\": [\"sip\", \"smpp\"]}", GOOD_THEN, "when.reached[1]",
	 "\"smpp\" is no way to be reached; write of sip, xmpp, nobody"},
	{"{\"device\": [\"sms\", \"mms\"]}", GOOD_THEN, "when.device[1]",
	 "\"mms\" is no ability of a device; write of sms, cpm, large, chat, file, location"},
	{"{\"device\": 5}", GOOD_THEN, "when.device", "put it in quotes"},
	{"{\"identity\": \"proven\"}", GOOD_THEN, "when.identity",
	 "\"proven\" is no state of an identity; write of unknown, none, passed, failed"},
	{"{\"all\": {\"text\": \"a\"}}", GOOD_THEN, "when.all", "list of 1 to 1024 conditions"},
	{"{\"any\": []}", GOOD_THEN, "when.any", "list of 1 to 1024 conditions"},
	{"{\"any\": [{}]}", GOOD_THEN, "when.any[0]", "empty condition"},
	{"{\"not\": {}}", GOOD_THEN, "when.not", "empty condition"},
	{"{\"not\": [\"a\"]}", GOOD_THEN, "when.not", "is not an object"},
	{"{\"all\": [{\"text\": \"a\"}, {\"any\": [{\"not\": {\"to\": \"(\"}}]}]}", GOOD_THEN,
	 "when.all[1].any[0].not.to", "( without its )"},
	{GOOD_WHEN, "[]", "then", "is not an object"},
	{GOOD_WHEN, "{}", "then", "reject, drop, route, tag"},
	{GOOD_WHEN, "nothing", "then", "is not valid JSON"},
	{GOOD_WHEN, "{\"forward\": \"a\"}", "then.forward", "reject, drop, route, tag"},
	{GOOD_WHEN, "{\"reject\": \"spam\", \"drop\": true}", "then", "at most one"},
	{GOOD_WHEN, "{\"reject\": \"spam\", \"drop\": true, \"route\": \"a\"}", "then", "has 3 of"},
	{GOOD_WHEN, "{\"reject\": true}", "then.reject", "put it in quotes"},
	{GOOD_WHEN, "{\"reject\": \"annoying\"}", "then.reject", "write spam, forbidden"},
	{GOOD_WHEN, "{\"reject\": \"none\"}", "then.reject", "write spam, forbidden"},
	{GOOD_WHEN, "{\"reject\": \"pdu-size\"}", "then.reject", "write spam, forbidden"},
	{GOOD_WHEN, "{\"drop\": false}", "then.drop", "can only be true"},
	{GOOD_WHEN, "{\"route\": []}", "then.route", "1 to 16"},
	{GOOD_WHEN, "{\"route\": 7}", "then.route", "put it in quotes"},
	{GOOD_WHEN, "{\"tag\": [\"a\", \"\"]}", "then.tag[1]", "is empty"},
	{GOOD_WHEN, "{\"rewrite_from\": \"+46x\"}", "then.rewrite_from", "is not an address"},
	{GOOD_WHEN, "{\"rewrite_to\": \"+\"}", "then.rewrite_to", "is not an address"},
	{GOOD_WHEN, "{\"rewrite_to\": \"a\\nb\"}", "then.rewrite_to", "is not an address"},
	{GOOD_WHEN, "{\"limit\": 0}", "then.limit", "from 1 to 4294967295"},
	{GOOD_WHEN, "{\"limit\": -1}", "then.limit", "from 1 to 4294967295"},
	{GOOD_WHEN, "{\"limit\": 4294967296}", "then.limit", "from 1 to 4294967295"},
	{GOOD_WHEN, "{\"limit\": \"5/h\"}", "then.limit", "\"50/s\""},
	{GOOD_WHEN, "{\"limit\": \"fast\"}", "then.limit", "\"50/s\""},
};

static void each_fault_names_rule_key_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		const struct rules_source source[] = {
			{"good", GOOD_WHEN, GOOD_THEN},
			{"wrong", wrongs[i].when, wrongs[i].then},
		};
		struct test_faults f = {0};
		uint8_t           *image;
		size_t             size;

		assert_int_equal(rules_check(source, 2, test_fault, &f), 1);
		assert_int_equal(f.count, 1);
		assert_int_equal(f.rule, 1);
		assert_string_equal(f.key, wrongs[i].key);
		if (strstr(f.text, wrongs[i].text) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", f.key, f.text, wrongs[i].text);
		assert_int_equal(rules_compile(source, 2, NULL, &image, &size, test_fault, &f),
				 -22);
		assert_null(image);
	}
}

/* The pattern as JSON has it, and a part of what is said about it. */
static const struct {
	const char *pattern, *text;
} patterns[] = {
	{"a(b", "( without its ), at character 2 (\"(b\"); close the group"},
	{"a)b", ") without its (, at character 2"},
	{"\u00e5\u00e4[b", "[ without its ], at character 3 (\"[b\")"},
	{"x*", "also matches where nothing is; make a part of it necessary"},
	{"^$", "also matches where nothing is"},
	{"a|", "also matches where nothing is"},
	{"(?=a)b", "looks ahead or behind"},
	{"(?<!a)b", "looks ahead or behind"},
	{"(a)\\\\1", "refers back to a group; write out"},
	{"(?>a)b", "atomic group (?>...); write (?:...)"},
	{"a*+b", "possessive quantifier"},
	{"a**", "quantifier that does not follow"},
	{"*a", "quantifier that does not follow"},
	{"a{5,2}", "n above m, at character 2 (\"{5,2}\")"},
	{"a{1001}", "above 1000; write *, + or a smaller number"},
	{"a{1,99999999999999999999}", "above 1000"},
	{"a^b", "^ where no match begins; put ^ at the start"},
	{"a$b", "$ where no match ends; put $ at the end"},
	{"(?(1)a|b)", "has a condition"},
	{"[z-a]", "goes backwards, at character 4"},
	{"[[:foo:]]", "unknown or stands alone"},
	{"[[.a.]]", "collating element"},
	{"a\\\\", "ends in a \\; write \\\\ for the character"},
	{"\\\\p{Foo}", "unknown Unicode property"},
	{"\\\\x{110000}", "at most \\x{10ffff}"},
	{"(?R)", "unknown kind of group"},
	{"(?i", "unknown kind of group"},
	{"(?<1a>b)", "begins with a digit"},
	{"(?<n>a)(?<n>b)", "two groups of one name"},
	{"(?C)a", "callout"},
	{"(*UTF8)a", "has a verb, (*...); leave it out"},
	{"\\\\Ga", "is not offered, at character 1 (\"\\Ga\")"},
};

static void hyperscans_messages_are_said_for_people(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++) {
		char                when[256];
		struct rules_source source = {"wrong", when, GOOD_THEN};
		struct test_faults  f = {0};

		snprintf(when, sizeof(when), "{\"text\": [\"fine\", \"%s\"]}", patterns[i].pattern);
		assert_int_equal(rules_check(&source, 1, test_fault, &f), 1);
		assert_string_equal(f.key, "when.text[1]");
		if (strstr(f.text, patterns[i].text) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", patterns[i].pattern, f.text,
				 patterns[i].text);
	}
}

static void a_pattern_that_only_the_compiler_refuses_is_traced_to_its_rule(void **state)
{
	const struct rules_source source[] = {
		{"good", GOOD_WHEN, GOOD_THEN},
		{"wrong", "{\"any\": [{\"to\": \"1\"}, {\"text\": \"a.{0,1000}b\"}]}", GOOD_THEN},
	};
	struct test_faults f = {0};
	uint8_t           *image;
	size_t             size;

	(void)state;
	assert_int_equal(rules_check(source, 2, test_fault, &f), 0);
	assert_int_equal(rules_compile(source, 2, NULL, &image, &size, test_fault, &f), -22);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.rule, 1);
	assert_string_equal(f.key, "when.any[1].text");
	assert_non_null(strstr(f.text, "too large; make its {n,m} smaller"));
}

static void addresses_are_bytes_so_letters_beyond_ascii_are_written_out(void **state)
{
	static const char *const refused[] = {"[\u00e5\u00e4]", "\u00e5+", "(?i)\u00e5"};
	struct test_faults       f = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		char                when[64];
		struct rules_source source = {"r", when, GOOD_THEN};

		snprintf(when, sizeof(when), "{\"from\": \"%s\"}", refused[i]);
		assert_int_equal(rules_check(&source, 1, test_fault, &f), 1);
		assert_non_null(strstr(f.text, "write them out"));
		snprintf(when, sizeof(when), "{\"text\": \"%s\"}", refused[i]);
		assert_int_equal(rules_check(&source, 1, test_fault, &f), 0);
	}
}

static void braces_that_repeat_nothing_may_hold_any_number(void **state)
{
	static const char *const fine[] = {"a{1000}",    "\\\\x{20000}", "[{2000}]",
					   "\\\\{2000}", "{,2000}a",     "a{2000x}"};
	struct test_faults       f = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(fine); i++) {
		char                when[64];
		struct rules_source source = {"r", when, GOOD_THEN};

		snprintf(when, sizeof(when), "{\"text\": \"%s\"}", fine[i]);
		if (rules_check(&source, 1, test_fault, &f) != 0)
			fail_msg("%s: %s", fine[i], f.text);
	}
}

static void a_bad_pattern_is_said_again_for_each_rule_that_has_it(void **state)
{
	const struct rules_source source[] = {
		{"a", "{\"text\": \"(\"}", GOOD_THEN},
		{"b", "{\"text\": [\"y\", \"(\"]}", GOOD_THEN},
	};
	struct test_faults f = {0};

	(void)state;
	assert_int_equal(rules_check(source, 2, test_fault, &f), 2);
	assert_int_equal(f.rule, 1);
	assert_string_equal(f.key, "when.text[1]");
}

static void names_are_present_short_and_different(void **state)
{
	const struct rules_source source[] = {
		{"a", GOOD_WHEN, GOOD_THEN},
		{"a", GOOD_WHEN, GOOD_THEN},
		{"", GOOD_WHEN, GOOD_THEN},
		{"a-name-that-has-thirty-three-byte", GOOD_WHEN, GOOD_THEN},
	};
	struct test_faults f = {0};

	(void)state;
	assert_int_equal(rules_check(source, 2, test_fault, &f), 1);
	assert_string_equal(f.key, "name");
	assert_non_null(strstr(f.text, "the name of rule 1 as well"));
	assert_int_equal(rules_check(source + 2, 2, test_fault, &f), 2);
	assert_non_null(strstr(f.text, "has 33 bytes; a name has 1 to 32"));
}

/* {"not": {"not": ... {"text": "x"} ...}} */
static char *nested(unsigned depth)
{
	char *text = calloc(1, depth * 10u + 32u);

	assert_non_null(text);
	for (unsigned i = 0; i < depth; i++)
		strcat(text, "{\"not\": ");
	strcat(text, GOOD_WHEN);
	for (unsigned i = 0; i < depth; i++)
		strcat(text, "}");
	return text;
}

static void conditions_nest_sixteen_deep_and_no_deeper(void **state)
{
	char               *fits = nested(15), *over = nested(16);
	struct rules_source source = {"r", fits, GOOD_THEN};
	struct test_faults  f = {0};

	(void)state;
	assert_int_equal(rules_check(&source, 1, test_fault, &f), 0);
	source.when = over;
	assert_int_equal(rules_check(&source, 1, test_fault, &f), 1);
	assert_non_null(strstr(f.text, "deeper than 16"));
	free(fits);
	free(over);
}

/* lists objects, each a list of `each` accounts, under any. */
static char *long_lists(unsigned lists, unsigned each)
{
	size_t room = 64u + lists * (32u + each * 8u), n;
	char  *text = malloc(room);

	assert_non_null(text);
	n = (size_t)snprintf(text, room, "{\"any\": [");
	for (unsigned i = 0; i < lists; i++) {
		n += (size_t)snprintf(text + n, room - n, "%s{\"account\": [", i > 0 ? "," : "");
		for (unsigned j = 0; j < each; j++)
			n += (size_t)snprintf(text + n, room - n, "%s\"%u\"", j > 0 ? "," : "", j);
		n += (size_t)snprintf(text + n, room - n, "]}");
	}
	snprintf(text + n, room - n, "]}");
	return text;
}

static void lists_and_rules_have_limits_that_say_so(void **state)
{
	char *fits = long_lists(4, 1024), *list = long_lists(1, 1025), *rule = long_lists(5, 1000);
	struct rules_source source = {"r", fits, GOOD_THEN};
	struct test_faults  f = {0};

	(void)state;
	assert_int_equal(rules_check(&source, 1, test_fault, &f), 0);
	source.when = list;
	assert_int_equal(rules_check(&source, 1, test_fault, &f), 1);
	assert_string_equal(f.key, "when.any[0].account");
	source.when = rule;
	assert_int_equal(rules_check(&source, 1, test_fault, &f), 1);
	assert_non_null(strstr(f.text, "a rule has at most 4096: make several rules of it"));
	free(fits);
	free(list);
	free(rule);
}

static void a_set_has_sixteen_tags(void **state)
{
	static const char sixteen[] = "{\"tag\": [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\","
				      "\"i\",\"j\",\"k\",\"l\",\"m\",\"n\",\"o\",\"p\"]}";
	struct rules_source source[] = {
		{"r1", GOOD_WHEN, sixteen},
		{"r2", GOOD_WHEN, "{\"tag\": [\"p\", \"a\"]}"},
		{"r3", GOOD_WHEN, "{\"tag\": [\"a\", \"q\"]}"},
	};
	struct test_faults f = {0};

	(void)state;
	assert_int_equal(rules_check(source, 2, test_fault, &f), 0);
	assert_int_equal(rules_check(source, 3, test_fault, &f), 1);
	assert_int_equal(f.rule, 2);
	assert_string_equal(f.key, "then.tag[1]");
}

static void an_endless_key_is_cut_between_characters(void **state)
{
	char                when[1024] = "{\"";
	struct rules_source source = {"r", when, GOOD_THEN};
	struct test_faults  f = {0};

	(void)state;
	strcat(when, "x");
	for (unsigned i = 0; i < 200; i++)
		strcat(when, "\u00e5");
	strcat(when, "\": 1}");
	assert_int_equal(rules_check(&source, 1, test_fault, &f), 1);
	assert_int_equal(strlen(f.key), strlen("when.") + 39);
}

static void the_manual_names_every_content(void **state)
{
	static const char said[] =
#define RULE_TYPE(key, reader, field, value, text) text
#include "rules/rule_types.def"
#undef RULE_TYPE
		;

	(void)state;
	for (unsigned i = 0; i < MSG_CONTENT_COUNT; i++)
		assert_non_null(strstr(said, msg_content_word(i)));
	assert_null(msg_content_word(MSG_CONTENT_COUNT));
}

static void so_many_different_conditions_and_no_more_are_compared_with_a_message(void **state)
{
	static char         when[300][64], name[300][16];
	struct rules_source many[300];
	struct test_faults  f = {0};

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name[i], sizeof(name[i]), "r%u", i);
		snprintf(when[i], sizeof(when[i]), "{\"size\": {\"over\": %u}}", i < 257 ? i : 7);
		many[i] = (struct rules_source){name[i], when[i], GOOD_THEN};
	}
	assert_int_equal(rules_check(many, 256, test_fault, &f), 0);
	assert_int_equal(rules_check(many + 1, 299, test_fault, &f), 0); /* the rest is 7 again */
	assert_int_equal(rules_check(many, 257, test_fault, &f), 1);
	assert_string_equal(f.key, "when.size");
	assert_non_null(strstr(f.text, "more than 256 different conditions"));
}

int main(void)
{
	rules_protocols_set(test_protocols);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_names_rule_key_and_remedy),
		cmocka_unit_test(hyperscans_messages_are_said_for_people),
		cmocka_unit_test(a_pattern_that_only_the_compiler_refuses_is_traced_to_its_rule),
		cmocka_unit_test(addresses_are_bytes_so_letters_beyond_ascii_are_written_out),
		cmocka_unit_test(braces_that_repeat_nothing_may_hold_any_number),
		cmocka_unit_test(a_bad_pattern_is_said_again_for_each_rule_that_has_it),
		cmocka_unit_test(names_are_present_short_and_different),
		cmocka_unit_test(conditions_nest_sixteen_deep_and_no_deeper),
		cmocka_unit_test(lists_and_rules_have_limits_that_say_so),
		cmocka_unit_test(a_set_has_sixteen_tags),
		cmocka_unit_test(the_manual_names_every_content),
		cmocka_unit_test(
			so_many_different_conditions_and_no_more_are_compared_with_a_message),
		cmocka_unit_test(an_endless_key_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
