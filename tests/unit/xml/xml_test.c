#include "test.h"

#include "xml/xml.h"

/* Reads to the end; the number of tokens before DONE, or 0: BAD. */
static unsigned tokens(const char *bytes, size_t n, bool *limit)
{
	uint8_t       *copy = test_copy(bytes, n);
	struct xml     x;
	enum xml_token t;
	unsigned       count = 0;

	xml_open(&x, cur_of(copy, n));
	while ((t = xml_next(&x)) != XML_DONE && t != XML_BAD)
		count++;
	*limit = x.limit;
	free(copy);
	return t == XML_DONE ? count : 0;
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
	static const char *const table[] = {
		"",
		" ",
		"x",
		"<a>",
		"<a/>x",
		"<a/><b/>",
		"<a></b>",
		"<a><b></a></b>",
		"<p:a xmlns:p='u'></a>",
		"</a>",
		"<a b='1' b='2'/>",
		"<a p:b='1' q:b='2' xmlns:p='u' xmlns:q='u'/>",
		"<a b=1/>",
		"<a b/>",
		"<a b='<'/>",
		"<a b='&'/>",
		"<a b='1'c='2'/>",
		"<a b='1/>",
		"<p:a/>",
		"<a p:b=''/>",
		"<a xmlns:p=''/>",
		"<a xmlns:xmlns='u'/>",
		"<a xmlns:xml='u'/>",
		"<a xmlns='http://www.w3.org/2000/xmlns/'/>",
		"<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
		"<a xmlns='u&amp;v'/>",
		"<xmlns:a/>",
		"<:a/>",
		"<a:/>",
		"<1/>",
		"< a/>",
		"<a / >",
		"<a>&b;</a>",
		"<a>&amp</a>",
		"<a>&#;</a>",
		"<a>&#x;</a>",
		"<a>&#X41;</a>",
		"<a>&#0;</a>",
		"<a>&#xD800;</a>",
		"<a>&#xFFFE;</a>",
		"<a>&#x110000;</a>",
		"<a>&#4294967361;</a>",
		"<a>]]></a>",
		"<a><![CDATA[</a>",
		"<![CDATA[a]]>",
		"<a><!-- b --></a>",
		"<!-- b --><a/>",
		"<a><?b?></a>",
		"<?b?><a/>",
		" <?xml version='1.0'?><a/>",
		"<?xml?><a/>",
		"<?xml version='1.1'?><a/>",
		"<?xml version='1.0' encoding='UTF-16'?><a/>",
		"<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
		"<?xml version='1.0' standalone='maybe'?><a/>",
		"<?xml standalone='yes' version='1.0'?><a/>",
		"<!DOCTYPE a><a/>",
		"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
		"<a>\x01</a>",
		"<a>\xff</a>",
		"<a>\xc0\xbc</a>",
		"<a>\xed\xa0\x80</a>",
		"<a>\xf4\x90\x80\x80</a>",
		"<a>\xef\xbf\xbe</a>",
		"<a>\xe2\x82</a>",
		"\xff\xfe<\0a\0/\0>\0",
		"<\xc3\x97/>",
		"<\xcc\x80/>",
		"<a\xe2\x80\x80/>",
	};
	bool limit;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned count = tokens(table[i], strlen(table[i]), &limit);

		if (count != 0 || limit)
			print_error("%s\n", table[i]);
		assert_int_equal(count, 0);
		assert_false(limit);
	}
	assert_int_equal(tokens("<a>\0</a>", 8, &limit), 0);
}

static void repeat(struct put *w, const char *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put_str(w, str_of(text));
}

static void size_depth_attributes_and_namespaces_are_limited(void **state)
{
	static char room[XML_SIZE_MAX + 16];
	bool        limit;

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct put w = put_to(room, sizeof(room));

		repeat(&w, "<a>", XML_DEPTH_MAX + over);
		repeat(&w, "</a>", XML_DEPTH_MAX + over);
		assert_int_equal(tokens(room, put_size(&w), &limit) == 0, over);
		assert_int_equal(limit, over);

		w = put_to(room, sizeof(room));
		put_str(&w, STR("<a"));
		for (unsigned i = 0; i < XML_ATTRIBUTES_MAX + over; i++) {
			put_str(&w, STR(" b"));
			put_u8(&w, (uint8_t)('a' + i % 16));
			put_u8(&w, (uint8_t)('a' + i / 16));
			put_str(&w, STR("=''"));
		}
		put_str(&w, STR("/>"));
		assert_int_equal(tokens(room, put_size(&w), &limit) == 0, over);
		assert_int_equal(limit, over);

		w = put_to(room, sizeof(room));
		repeat(&w, "<a xmlns='u' xmlns:p='u' xmlns:q='u' xmlns:r='u'>",
		       XML_BINDINGS_MAX / 4);
		put_str(&w, over ? STR("<a xmlns='u'/>") : STR("<a/>"));
		repeat(&w, "</a>", XML_BINDINGS_MAX / 4);
		assert_int_equal(tokens(room, put_size(&w), &limit) == 0, over);
		assert_int_equal(limit, over);

		w = put_to(room, sizeof(room));
		put_str(&w, STR("<a>"));
		repeat(&w, "x", XML_SIZE_MAX - 7 + over);
		put_str(&w, STR("</a>"));
		assert_int_equal(tokens(room, put_size(&w), &limit) == 0, over);
		assert_int_equal(limit, over);

		w = put_to(room, sizeof(room));
		put_str(&w, STR("<"));
		repeat(&w, "x", XML_NAME_MAX + over);
		put_str(&w, STR("/>"));
		assert_int_equal(tokens(room, put_size(&w), &limit) == 0, over);
	}
}

static void names_may_have_letters_of_all_scripts(void **state)
{
	static const char text[] =
		"<\xd0\xb8\xd0\xbc\xd1\x8f:\xe5\x90\x8d "
		"xmlns:\xd0\xb8\xd0\xbc\xd1\x8f='u' \xf0\x90\x8c\xb0\xc2\xb7='1'/>";
	struct xml x;

	(void)state;
	xml_open(&x, cur_of(text, sizeof(text) - 1));
	assert_int_equal(xml_next(&x), XML_START);
	assert_true(xml_is(&x, STR("u"), STR("\xe5\x90\x8d")));
	assert_int_equal(x.attributes, 1);
	assert_int_equal(xml_next(&x), XML_END);
	assert_int_equal(xml_next(&x), XML_DONE);
}

static void keep_all(struct xml_tape *tape, const char *text, size_t n)
{
	struct xml     x;
	enum xml_token t;

	xml_open(&x, cur_of(text, n));
	xml_tape_begin(tape);
	do {
		t = xml_next(&x);
		xml_tape_keep(tape, &x, t);
	} while (t != XML_DONE && t != XML_BAD);
}

static void what_is_kept_on_a_tape_is_read_as_it_was(void **state)
{
	static const char      text[] = "<a xmlns='u' b='1' c='2'><d xmlns:p='v' p:e='3'/>f</a>";
	static struct xml_tape tape;
	struct xml             x;

	(void)state;
	keep_all(&tape, text, sizeof(text) - 1);
	for (unsigned times = 0; times < 2; times++) {
		xml_tape_read(&x, &tape);
		assert_int_equal(xml_next(&x), XML_START);
		assert_true(xml_is(&x, STR("u"), STR("a")));
		assert_int_equal(x.attributes, 2);
		assert_true(str_eq(x.attribute[1].name.local, STR("c")));
		assert_int_equal(xml_next(&x), XML_START);
		assert_int_equal(x.depth, 2);
		assert_int_equal(x.attributes, 1);
		assert_true(str_eq(x.attribute[0].space, STR("v")));
		assert_true(str_eq(x.attribute[0].value, STR("3")));
		assert_int_equal(xml_next(&x), XML_END);
		assert_int_equal(xml_next(&x), XML_TEXT);
		assert_true(str_eq(x.text, STR("f")));
		assert_int_equal(xml_next(&x), XML_END);
		assert_int_equal(x.depth, 1);
		assert_int_equal(xml_next(&x), XML_DONE);
		assert_int_equal(xml_next(&x), XML_DONE);
	}
	keep_all(&tape, "<a></b>", 7);
	xml_tape_read(&x, &tape);
	assert_int_equal(xml_next(&x), XML_START);
	assert_int_equal(xml_next(&x), XML_BAD);
	assert_true(x.bad);
}

static void a_tape_that_has_not_all_says_so(void **state)
{
	static struct xml_tape tape;
	char                   text[1024];

	(void)state;
	for (unsigned elements = 1; elements < XML_TAPE_STEPS; elements++) {
		struct put w = put_to(text, sizeof(text));

		put_str(&w, STR("<a>"));
		for (unsigned i = 0; i < elements; i++)
			put_str(&w, STR("<b c='' d='' e=''/>"));
		put_str(&w, STR("</a>"));
		keep_all(&tape, text, put_size(&w));
		assert_int_equal(tape.full, 2 * elements + 3 > XML_TAPE_STEPS ||
						    3 * elements > XML_TAPE_ATTRIBUTES);
	}
}

static void namespaces_end_with_their_element(void **state)
{
	static const char text[] =
		"<p:a xmlns:p='1' xmlns='2'><b xmlns='3' xmlns:p='4'><p:c/></b><d/><p:e/></p:a>";
	static const char *const spaces[] = {"1", "3", "4", "4", "3", "2", "2", "1", "1", "1"};
	struct xml               x;

	(void)state;
	xml_open(&x, cur_of(text, sizeof(text) - 1));
	for (unsigned i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		enum xml_token t = xml_next(&x);

		assert_true(t == XML_START || t == XML_END);
		assert_true(str_eq(x.space, str_of(spaces[i])));
	}
	assert_int_equal(xml_next(&x), XML_DONE);
}

static void what_is_escaped_comes_back(void **state)
{
	static const char text[] = "<a b=\"c\">'&amp;\t\r\n]]>\xf0\x9f\x98\x80</a>";
	char              escaped[256], back[256];
	struct put        w = put_to(escaped, sizeof(escaped)), again = put_to(back, sizeof(back));

	(void)state;
	xml_escape_put(&w, str_of(text));
	assert_false(w.failed);
	xml_value_put(&again, (struct str){escaped, put_size(&w)});
	assert_true(str_eq((struct str){back, put_size(&again)}, str_of(text)));
	again = put_to(back, sizeof(back));
	xml_text_put(&again, (struct str){escaped, put_size(&w)});
	assert_true(str_eq((struct str){back, put_size(&again)}, str_of(text)));
	for (unsigned i = 0; i < 3; i++) {
		static const char *const bad[] = {"\x01", "\xff", "\xef\xbf\xbf"};

		w = put_to(escaped, sizeof(escaped));
		xml_escape_put(&w, str_of(bad[i]));
		assert_true(w.failed);
	}
}

static void assert_escaped(struct str text, struct str expected)
{
	uint8_t   *room = test_copy(expected.p, expected.n);
	struct put w = put_to(room, expected.n);

	memset(room, '#', expected.n);
	xml_escape_put(&w, text);
	assert_false(w.failed);
	assert_true(str_eq((struct str){(const char *)room, put_size(&w)}, expected));
	if (expected.n > 0) {
		w = put_to(room, expected.n - 1);
		xml_escape_put(&w, text);
		assert_true(w.failed);
	}
	free(room);
}

/* One character of each kind at each place of texts of every length, in a room that has just what
 * it takes, and in one that has a byte less. */
static void a_text_of_any_length_is_escaped_into_the_room_that_it_takes(void **state)
{
	static const struct {
		const char *character, *escaped;
	} kinds[] = {{"x", "x"},       {"&", "&amp;"},  {"<", "&lt;"},           {">", "&gt;"},
		     {"\"", "&quot;"}, {"\n", "&#10;"}, {"\xc3\xa9", "\xc3\xa9"}};
	char text[64], expected[64];

	(void)state;
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t n = 0; n < 50; n++) {
			for (size_t at = 0; at <= n; at++) {
				struct put t = put_to(text, sizeof(text));
				struct put e = put_to(expected, sizeof(expected));

				for (size_t i = 0; i < n; i++) {
					put_str(&t,
						i == at ? str_of(kinds[k].character) : STR("="));
					put_str(&e, i == at ? str_of(kinds[k].escaped) : STR("="));
				}
				assert_escaped((struct str){text, put_size(&t)},
					       (struct str){expected, put_size(&e)});
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
		cmocka_unit_test(size_depth_attributes_and_namespaces_are_limited),
		cmocka_unit_test(names_may_have_letters_of_all_scripts),
		cmocka_unit_test(what_is_kept_on_a_tape_is_read_as_it_was),
		cmocka_unit_test(a_tape_that_has_not_all_says_so),
		cmocka_unit_test(namespaces_end_with_their_element),
		cmocka_unit_test(what_is_escaped_comes_back),
		cmocka_unit_test(a_text_of_any_length_is_escaped_into_the_room_that_it_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
