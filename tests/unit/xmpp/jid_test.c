#include "test.h"

#include "base/aor_map.h"
#include "xmpp/jid.h"

static char room[XMPP_JID_SIZE_MAX];

/* The normal form, or NULL: none. */
static const char *normal(struct str text)
{
	static char     out[XMPP_JID_SIZE_MAX + 1];
	char           *copy = (char *)test_copy(text.p, text.n);
	struct put      r = put_to(room, sizeof(room)), w = put_to(out, XMPP_JID_SIZE_MAX);
	struct xmpp_jid jid;
	bool            ok = xmpp_jid_parse((struct str){copy, text.n}, &r, &jid);

	free(copy);
	if (!ok)
		return NULL;
	xmpp_jid_put(&w, &jid);
	assert_false(w.failed);
	out[put_size(&w)] = '\0';
	return out;
}

static void addresses_have_one_normal_form(void **state)
{
	static const struct {
		const char *text, *normal;
	} table[] = {
		{"juliet@example.com", "juliet@example.com"},
		{"Juliet@Example.COM", "juliet@example.com"},
		{"juliet@example.com/foo", "juliet@example.com/foo"},
		{"juliet@example.com/foo bar", "juliet@example.com/foo bar"},
		{"juliet@example.com/foo@bar", "juliet@example.com/foo@bar"},
		{"juliet@example.com/a/b", "juliet@example.com/a/b"},
		{"foo\\20bar@example.com", "foo\\20bar@example.com"},
		{"fussball@example.com", "fussball@example.com"},
		{"fu\xc3\x9f"
		 "ball@example.com",
		 "fu\xc3\x9f"
		 "ball@example.com"},
		{"\xcf\x80@example.com", "\xcf\x80@example.com"},
		{"\xce\xa0@example.com/\xce\xa0", "\xcf\x80@example.com/\xce\xa0"},
		{"king@example.com/\xe2\x99\x9a", "king@example.com/\xe2\x99\x9a"},
		{"example.com", "example.com"},
		{"example.com/foobar", "example.com/foobar"},
		{"a.example.com/b@example.net", "a.example.com/b@example.net"},
		{"example.com.", "example.com"},
		{"a@[2001:DB8::1]/r", "a@[2001:db8::1]/r"},
		{"a@192.0.2.1", "a@192.0.2.1"},
		{"a@xn--bcher-kva.example", "a@b\xc3\xbc"
					    "cher.example"},
		{"a@XN--Bcher-KVA.example", "a@b\xc3\xbc"
					    "cher.example"},
		{"a@B\xc3\x9c"
		 "CHER.example",
		 "a@b\xc3\xbc"
		 "cher.example"},
		/* decomposed, wide and compatible forms */
		{"e\xcc\x81@x.example", "\xc3\xa9@x.example"},
		{"\xef\xbd\x81\xef\xbc\xa2@x.example", "ab@x.example"},
		{"a@x.example/e\xcc\x81", "a@x.example/\xc3\xa9"},
		{"a@x.example/b\xc2\xa0\xe3\x80\x80z", "a@x.example/b  z"},
		{"a@x.example/\xef\xac\x81", "a@x.example/\xef\xac\x81"},
		/* right to left */
		{"\xd7\x90\xd7\x91@x.example", "\xd7\x90\xd7\x91@x.example"},
		{"\xd7\x90"
		 "1\xd7\x91@x.example",
		 "\xd7\x90"
		 "1\xd7\x91@x.example"},
		/* in their context: middle dot in Catalan, keraia, geresh, ZWNJ after a virama */
		{"l\xc2\xb7l@x.example", "l\xc2\xb7l@x.example"},
		{"\xcd\xb5\xce\xb1@x.example", "\xcd\xb5\xce\xb1@x.example"},
		{"\xd7\x90\xd7\xb3@x.example", "\xd7\x90\xd7\xb3@x.example"},
		{"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c\xe0\xa4\xb7@x.example",
		 "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c\xe0\xa4\xb7@x.example"},
		{"\xe3\x82\xa2\xe3\x83\xbb\xe3\x82\xa2@x.example",
		 "\xe3\x82\xa2\xe3\x83\xbb\xe3\x82\xa2@x.example"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *got = normal(str_of(table[i].text));
		char        once[256];

		if (got == NULL)
			print_error("%s\n", table[i].text);
		assert_non_null(got);
		assert_string_equal(got, table[i].normal);
		assert_true(str_copy(once, sizeof(once), str_of(got)));
		assert_string_equal(normal(str_of(once)), once);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const table[] = {
		"",
		"@example.com",
		"a@",
		"/r",
		"a@/r",
		"a@b@example.com",
		"example.com/",
		"a@example.com/",
		"\"juliet\"@example.com", /* RFC 7622, 3.5 and on */
		"foo bar@example.com",
		"<a>@example.com",
		"a&b@example.com",
		"a'b@example.com",
		"a:b@example.com",
		"henry\xe2\x85\xa3@example.com", /* U+2163 */
		"\xe2\x99\x9a@example.com",      /* U+265A */
		"juliet@",
		"a@example..com",
		"a@.example.com",
		"a@..",
		"a@.",
		"a@-a.example",
		"a@a-.example",
		"a@a_b.example",
		"a@ab--\xc3\xbc.example",
		"a@\xcc\x81"
		"a.example",
		"a@[::1",
		"a@[x::1]",
		"a@ex ample",
		"a\x01@example.com",
		"a@example.com/\x01",
		"a@example.com/\x7f",
		"a@example.com/\xe2\x80\x8b", /* zero width space */
		"a@example.com/\xef\xbf\xbe", /* no character */
		"a@example.com/\xff",
		"\xc3@example.com",
		"\xef\xbc\xa0@example.com",  /* a wide @ */
		"\xef\xac\x81@example.com",  /* a ligature */
		"a\xcd\xb8@example.com",     /* unassigned */
		"a\xe1\x84\x80@example.com", /* old Hangul */
		"a\xd9\x80@example.com",     /* tatweel */
		"a\xc2\xb7@example.com",     /* out of its context, as the next ones are */
		"\xcd\xb5"
		"a@example.com",
		"a\xd7\xb3@example.com",
		"a\xe2\x80\x8d"
		"b@example.com",
		"a\xe2\x80\x8c"
		"b@example.com",
		"a\xe3\x83\xbb@example.com",
		"\xd9\xa1\xdb\xb1@example.com",
		"\xd7\x90"
		"a@example.com", /* the bidi rule, in each of its ways */
		"a\xd7\x90@example.com",
		"1\xd7\x90@example.com",
		"\xd7\x90-@example.com",
		"\xd8\xa7"
		"1\xd9\xa1@example.com",
		"\xef\xbc\x8f@example.com", /* a wide slash */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (normal(str_of(table[i])) != NULL)
			print_error("%s\n", table[i]);
		assert_null(normal(str_of(table[i])));
	}
	assert_null(normal((struct str){"a\0b@x", 5}));
}

static void each_part_has_1023_bytes_at_most(void **state)
{
	static char text[XMPP_JID_SIZE_MAX + 8];

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct put w = put_to(text, sizeof(text));

		memset(put_reserve(&w, 1023 + over), 'a', 1023 + over);
		put_str(&w, STR("@x"));
		assert_int_equal(normal((struct str){text, put_size(&w)}) == NULL, over);
		w = put_to(text, sizeof(text));
		put_str(&w, STR("x/"));
		memset(put_reserve(&w, 1023 + over), 'a', 1023 + over);
		assert_int_equal(normal((struct str){text, put_size(&w)}) == NULL, over);
		w = put_to(text, sizeof(text));
		for (unsigned i = 0; i < 16; i++) {
			memset(put_reserve(&w, 63), 'a', 63);
			put_u8(&w, i < 15 ? '.' : over ? 'b' : '/');
		}
		put_str(&w, STR("r"));
		assert_int_equal(normal((struct str){text, put_size(&w)}) == NULL, over);
		/* U+0130 gets longer as it gets small, also in a label. */
		w = put_to(text, sizeof(text));
		for (unsigned i = 0; i < 21 + over; i++)
			put_str(&w, STR("\xc4\xb0"));
		assert_int_equal(normal((struct str){text, put_size(&w)}) == NULL, over);
		w = put_to(text, sizeof(text));
		for (unsigned i = 0; i < 341 + over; i++)
			put_str(&w, STR("\xc4\xb0"));
		put_str(&w, STR("@x"));
		assert_int_equal(normal((struct str){text, put_size(&w)}) == NULL, over);
	}
}

static void marks_in_a_row_are_bounded(void **state)
{
	static char text[256];

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct put w = put_to(text, sizeof(text));

		put_str(&w, STR("q"));
		for (unsigned i = 0; i < 30 + over; i++)
			put_str(&w, STR("\xcc\x81"));
		put_str(&w, STR("@x"));
		assert_int_equal(normal((struct str){text, put_size(&w)}) == NULL, over);
	}
}

/* XEP-0106, 5. */
static void localparts_are_escaped_and_come_back(void **state)
{
	static const struct {
		const char *text, *escaped;
	} table[] = {
		{"space cadet", "space\\20cadet"},
		{"call me \"ishmael\"", "call\\20me\\20\\22ishmael\\22"},
		{"at&t guy", "at\\26t\\20guy"},
		{"d'artagnan", "d\\27artagnan"},
		{"/.fanboy", "\\2f.fanboy"},
		{"::foo::", "\\3a\\3afoo\\3a\\3a"},
		{"<foo>", "\\3cfoo\\3e"},
		{"user@host", "user\\40host"},
		{"c:\\net", "c\\3a\\net"},
		{"c:\\\\net", "c\\3a\\\\net"},
		{"c:\\cool stuff", "c\\3a\\cool\\20stuff"},
		{"c:\\5commas", "c\\3a\\5c5commas"},
		{"+46701234567", "+46701234567"},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct put w = put_to(out, sizeof(out));

		assert_true(aor_escape_put(&w, str_of(table[i].text)));
		assert_true(str_eq((struct str){out, put_size(&w)}, str_of(table[i].escaped)));
		w = put_to(out, sizeof(out));
		aor_unescape_put(&w, str_of(table[i].escaped));
		assert_true(str_eq((struct str){out, put_size(&w)}, str_of(table[i].text)));
	}
	for (unsigned i = 0; i < 3; i++) {
		static const char *const bad[] = {"", " a", "a "};
		struct put               w = put_to(out, sizeof(out));

		assert_false(aor_escape_put(&w, str_of(bad[i])));
	}
}

/*
 * PRECIS folds what is the same character written otherwise, and knows nothing of characters that
 * only look alike (RFC 8264, 12.5, leaves those to who registers names): each pair here is of two
 * accounts.
 */
static void names_that_look_alike_are_not_the_same(void **state)
{
	static const struct {
		const char *one, *other;
	} pairs[] = {
		{"paypal@x.example", "p\xd0\xb0ypal@x.example"}, /* U+0430, mixed with Latin */
		{"scope@x.example", "\xd1\x95\xd1\x81\xd0\xbe\xd1\x80\xd0\xb5@x.example"},
		{"omega@x.example", "\xce\xbfmega@x.example"},       /* U+03BF */
		{"c@x.example", "\xd1\x81@x.example"},               /* U+0441 */
		{"istanbul@x.example", "\xc4\xb1stanbul@x.example"}, /* U+0131, dotless */
		{"modern@x.example", "modem@x.example"},
		{"l0l@x.example", "lol@x.example"},
		{"\xce\xb1@x.example", "\xc9\x91@x.example"}, /* Greek and Latin alpha */
		{"\xd8\xa7\xd9\xa3@x.example",
		 "\xd8\xa7\xdb\xb3@x.example"}, /* digits of Arabic and Persian */
		{"a@paypal.example", "a@p\xd0\xb0ypal.example"},
		{"a@x.example/desk", "a@x.example/d\xd0\xb5sk"},
		{"a@x.example/desk", "a@x.example/Desk"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char one[256];

		assert_non_null(normal(str_of(pairs[i].one)));
		assert_true(str_copy(one, sizeof(one), str_of(normal(str_of(pairs[i].one)))));
		if (normal(str_of(pairs[i].other)) == NULL)
			fail_msg("%s", pairs[i].other);
		assert_string_not_equal(one, normal(str_of(pairs[i].other)));
	}
}

static void one_character_written_in_another_way_is_the_same_or_refused(void **state)
{
	static const struct {
		const char *one, *other; /* NULL: refused */
	} pairs[] = {
		{"paypal@x.example", "P\xef\xbd\x81ypal@x.example"}, /* wide */
		{"\xc3\xa9@x.example", "e\xcc\x81@x.example"},       /* composed */
		{"\xd0\xb0@x.example", "\xd0\x90@x.example"},        /* capital, of Cyrillic too */
		{"k@x.example", "\xe2\x84\xaa@x.example"},           /* the sign of kelvin */
		{"a@x.example", "a@\xef\xbd\x98.example"},           /* wide, in a domain */
		{"\xef\xac\x81sh@x.example", NULL},                  /* a ligature */
		{"\xf0\x9d\x90\x9a@x.example", NULL},                /* mathematical bold a */
		{"\xe2\x93\x90@x.example", NULL},                    /* circled a */
		{"pay\xe2\x80\x8bpal@x.example", NULL},              /* zero width space */
		{"pay\xe2\x80\x8dpal@x.example", NULL},              /* joiner without a virama */
		{"pay\xc2\xadpal@x.example", NULL},                  /* soft hyphen */
		{"\xe2\x80\xaelapyap@x.example", NULL},              /* right to left override */
		{"pay\xef\xb8\x8fpal@x.example", NULL},              /* variation selector */
		{"\xd7\x90"
		 "a@x.example",
		 NULL}, /* both directions in one */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char one[256];

		if (pairs[i].other == NULL) {
			if (normal(str_of(pairs[i].one)) != NULL)
				fail_msg("%zu", i);
			continue;
		}
		assert_non_null(normal(str_of(pairs[i].one)));
		assert_true(str_copy(one, sizeof(one), str_of(normal(str_of(pairs[i].one)))));
		if (normal(str_of(pairs[i].other)) == NULL)
			fail_msg("%zu", i);
		assert_string_equal(one, normal(str_of(pairs[i].other)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_normal_form),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(each_part_has_1023_bytes_at_most),
		cmocka_unit_test(marks_in_a_row_are_bounded),
		cmocka_unit_test(localparts_are_escaped_and_come_back),
		cmocka_unit_test(names_that_look_alike_are_not_the_same),
		cmocka_unit_test(one_character_written_in_another_way_is_the_same_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
