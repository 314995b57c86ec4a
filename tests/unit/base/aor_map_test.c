/* Users and domains as another protocol writes them (RFC 7247, 5; XEP-0106; RFC 7622, 3.5). */
#include "test.h"

#include <stdio.h>

#include "base/aor_map.h"
#include "base/random.h"

#define SEED 20260712u
#define ROUNDS 50000u

/* False: it has no such form. */
static bool maps(const char *text, const char *scheme, char to[1024])
{
	size_t     n = strlen(text);
	char      *exact = (char *)test_copy(text, n);
	struct put w = put_to(to, 1023);
	struct aor a;
	bool       good;

	assert_true(aor_split((struct str){exact, n}, &a));
	good = aor_map_put(&w, &a, str_of(scheme));
	assert_true(!good || !w.failed);
	to[put_size(&w)] = '\0';
	free(exact);
	return good;
}

static void a_user_has_a_form_in_each_protocol(void **state)
{
	static const struct {
		const char *xmpp, *sip;
	} table[] = {
		{"juliet@example.com", "juliet@example.com"}, /* RFC 7247, 5.1 */
		{"bob@example.com", "bob@example.com"},
		{"tsch\xc3\xbc\xc3\x9f@example.com", "tsch%C3%BC%C3%9F@example.com"},
		{"jürgen@example.com", "j%C3%BCrgen@example.com"},
		{"fußball@example.com", "fu%C3%9Fball@example.com"}, /* RFC 7622, 3.5 */
		{"π@example.com", "%CF%80@example.com"},
		{"space\\20cadet@example.com", "space%20cadet@example.com"}, /* XEP-0106, 5.1 */
		{"call\\20me\\20\\22ishmael\\22@example.com",
		 "call%20me%20%22ishmael%22@example.com"},
		{"at\\26t\\20guy@example.com", "at&t%20guy@example.com"},
		{"d\\27artagnan@example.com", "d'artagnan@example.com"},
		{"\\2f.fanboy@example.com", "/.fanboy@example.com"},
		{"\\3a\\3afoo\\3a\\3a@example.com", "%3A%3Afoo%3A%3A@example.com"},
		{"\\3cfoo\\3e@example.com", "%3Cfoo%3E@example.com"},
		{"user\\40host@example.com", "user%40host@example.com"},
		{"c\\3a\\net@example.com", "c%3A%5Cnet@example.com"},
		{"c\\3a\\5c5commas@example.com", "c%3A%5C5commas@example.com"},
		{"a#b@example.com", "a%23b@example.com"},
		{"a[1]{2}@example.com", "a%5B1%5D%7B2%7D@example.com"},
		{"100%@example.com", "100%25@example.com"},
		{"bob@münchen.example", "bob@xn--mnchen-3ya.example"},
		{"a@[2001:db8::1]", "a@[2001:db8::1]"},
	};
	char text[300], to[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), "xmpp:%s", table[i].xmpp);
		assert_true(maps(text, "sip", to));
		assert_string_equal(to, table[i].sip);
		snprintf(text, sizeof(text), "sip:%s", table[i].sip);
		assert_true(maps(text, "xmpp", to));
		assert_string_equal(to, table[i].xmpp);
		snprintf(text, sizeof(text), "sips:%s", table[i].sip);
		assert_true(maps(text, "xmpp", to));
		assert_string_equal(to, table[i].xmpp);
	}
}

static void what_is_written_right_stays(void **state)
{
	char to[1024];

	(void)state;
	assert_true(maps("xmpp:d\\27artagnan@münchen.example", "xmpp", to));
	assert_string_equal(to, "d\\27artagnan@münchen.example");
	assert_true(maps("sip:a%40b@xn--mnchen-3ya.example", "sip", to));
	assert_string_equal(to, "a%40b@xn--mnchen-3ya.example");
	assert_true(maps("o'hara@example.org", "sip", to));
	assert_string_equal(to, "o'hara@example.org");
	assert_true(maps("o'hara@example.org", "xmpp", to));
	assert_string_equal(to, "o\\27hara@example.org");
	assert_true(maps("o\\27hara@example.org", "sip", to));
	assert_string_equal(to, "o'hara@example.org");
	assert_true(maps("xmpp:transport.example", "sip", to));
	assert_string_equal(to, "transport.example");
}

static void what_has_no_form_there_is_refused(void **state)
{
	static const char *const odd[] = {"sip:a%FF@b", "sip:a%00@b", "sip:a%0A@b", "sip:a%7F@b",
					  "sip:%20a@b", "sip:a%20@b", "sip:%C3@b"};
	char                     to[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (maps(odd[i], "xmpp", to))
			fail_msg("%s", odd[i]);
	}
}

static void a_room_too_small_fails(void **state)
{
	struct aor a;

	(void)state;
	assert_true(aor_split(STR("xmpp:at\\26t\\20guy@münchen.example"), &a));
	for (size_t n = 0; n <= 36; n++) {
		char       room[64];
		struct put w = put_to(room, n);
		bool       good = aor_map_put(&w, &a, STR("sip")) && !w.failed;

		assert_int_equal(good, n >= sizeof("at&t%20guy@xn--mnchen-3ya.example") - 1);
	}
}

/* Over the other protocol and back, it is from then on what it was. */
static void a_random_user_comes_back(void **state)
{
	static const char of_xmpp[] = "abz019._-+#[]{}!%\\\\\\\\2027345cef";
	char              text[1100], sip[1024], xmpp[1024], again[1024];
	struct random     r;
	unsigned          mapped = 0;

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char     user[32];
		unsigned n = 1 + random_below(&r, 20);

		for (unsigned k = 0; k < n; k++)
			user[k] = of_xmpp[random_below(&r, sizeof(of_xmpp) - 1)];
		user[n] = '\0';
		snprintf(text, sizeof(text), "xmpp:%s@x.example", user);
		if (!maps(text, "sip", sip))
			continue;
		snprintf(text, sizeof(text), "sip:%s", sip);
		if (!maps(text, "xmpp", xmpp))
			continue; /* it begins or ends with a blank */
		snprintf(text, sizeof(text), "xmpp:%s", xmpp);
		assert_true(maps(text, "sip", again));
		assert_string_equal(again, sip);
		mapped++;
	}
	assert_true(mapped > ROUNDS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_has_a_form_in_each_protocol),
		cmocka_unit_test(what_is_written_right_stays),
		cmocka_unit_test(what_has_no_form_there_is_refused),
		cmocka_unit_test(a_room_too_small_fails),
		cmocka_unit_test(a_random_user_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
