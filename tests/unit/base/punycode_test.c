/* Names beyond ASCII in both forms: RFC 3492's own examples, what is none, and random names. */
#include "test.h"

#include "base/punycode.h"
#include "base/random.h"
#include "base/utf8.h"

#define SEED 20260711u
#define ROUNDS 20000u

static const struct {
	const char *unicode, *ascii;
} names[] = {
	{"example.org", "example.org"},
	{"münchen.example", "xn--mnchen-3ya.example"},
	{"a.bücher.example", "a.xn--bcher-kva.example"},
	{"ü.ö", "xn--tda.xn--nda"},
	/* RFC 3492, 7.1, in small letters */
	{"ليهمابتكلموشعربي؟", "xn--egbpdaj6bu4bxfgehfvwxn"},
	{"他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"},
	{"他們爲什麽不說中文", "xn--ihqwctvzc91f659drss3x8bo0yb"},
	{"pročprostěnemluvíčesky", "xn--proprostnemluvesky-uyb24dma41a"},
	{"3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b"},
	{"ひとつ屋根の下2", "xn--2-u9tlzr9756bt3uc0v"},
	{"パフィーdeルンバ", "xn--de-jg4avhby1noc0d"},
	{"そのスピードで", "xn--d9juau41awczczp"},
	{"[2001:db8::1]", "[2001:db8::1]"},
	{"", ""},
	{".", "."},
};

static struct str ascii_of(const char *text, size_t n, char room[512], bool *good)
{
	char      *exact = (char *)test_copy(text, n);
	struct put w = put_to(room, 512);

	*good = punycode_ascii_put(&w, (struct str){exact, n});
	free(exact);
	return (struct str){room, put_size(&w)};
}

static struct str unicode_of(const char *text, size_t n, char room[512])
{
	char      *exact = (char *)test_copy(text, n);
	struct put w = put_to(room, 512);

	assert_true(punycode_unicode_put(&w, (struct str){exact, n}));
	free(exact);
	return (struct str){room, put_size(&w)};
}

static void a_name_has_two_forms(void **state)
{
	char room[512];
	bool good;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str s = ascii_of(names[i].unicode, strlen(names[i].unicode), room, &good);

		assert_true(good);
		if (!str_eq(s, str_of(names[i].ascii)))
			fail_msg("%.*s", STR_ARG(s));
		s = unicode_of(names[i].ascii, strlen(names[i].ascii), room);
		if (!str_eq(s, str_of(names[i].unicode)))
			fail_msg("%.*s", STR_ARG(s));
	}
}

static void what_stands_for_nothing_stays_as_it_is(void **state)
{
	static const char *const odd[] = {"xn--",          "xn--a",        "xn---",
					  "xn--abc-",      "xn--example",  "xn--99999999999",
					  "xn--mnchen-3y", "xn--\xc3\xbc", "xn--mnchen-3ya-",
					  "xn--a-b-c_",    "xn-mnchen-3ya"};
	char                     room[512];

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct str s = unicode_of(odd[i], strlen(odd[i]), room);
		bool       same = str_eq(s, str_of(odd[i])), good;

		if (!same) { /* then it stands for that alone */
			char again[512];

			s = ascii_of(s.p, s.n, again, &good);
			if (!good || !str_eq(s, str_of(odd[i])))
				fail_msg("%s", odd[i]);
		}
	}
	assert_true(str_eq(unicode_of("XN--MNCHEN-3YA", 14, room), STR("münchen")));
	for (size_t n = 0; n < 14; n++)
		unicode_of("xn--mnchen-3ya", n, room);
}

static void a_label_is_not_too_long_in_ascii(void **state)
{
	char text[256], room[512];
	bool good;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + 50, "ü", 2);
	for (size_t n = 52; n < 70; n++) {
		struct str s = ascii_of(text, n, room, &good);

		assert_int_equal(good, n - 2 + 4 + 1 + 3 <= PUNYCODE_LABEL_MAX);
		if (good)
			assert_true(s.n <= PUNYCODE_LABEL_MAX);
	}
	ascii_of("a\xff", 2, room, &good);
	assert_false(good);
}

static void a_random_name_comes_back(void **state)
{
	static const uint32_t tops[] = {0x80, 0x250, 0x3000, 0xd7ff, 0x10ffff};
	struct random         r;
	unsigned              fitted = 0;

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char       text[300], ascii[512], back[512];
		struct put w = put_to(text, sizeof(text));
		unsigned   n = 1 + random_below(&r, 20);
		struct str s;
		bool       good;

		while (n-- > 0) {
			uint32_t code = 'a' + random_below(&r, 26);

			if (random_below(&r, 2) == 0)
				code = 0x80 + random_below(&r, tops[random_below(&r, 5)] - 0x7f);
			if (code < 0xd800 || code > 0xdfff)
				utf8_put(&w, code);
		}
		utf8_put(&w, 0xe9);
		s = ascii_of(text, put_size(&w), ascii, &good);
		if (!good)
			continue;
		fitted++;
		s = unicode_of(s.p, s.n, back);
		assert_true(str_eq(s, (struct str){text, put_size(&w)}));
	}
	assert_true(fitted > ROUNDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_two_forms),
		cmocka_unit_test(what_stands_for_nothing_stays_as_it_is),
		cmocka_unit_test(a_label_is_not_too_long_in_ascii),
		cmocka_unit_test(a_random_name_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
