/* Addresses of record: which texts are some, their parts, and their normal form. */
#include "test.h"

#include "base/aor.h"

static const struct {
	const char *text, *normal; /* NULL: it is none */
} cases[] = {
	{"sip:alice@example.org", "sip:alice@example.org"},
	{"SIP:Alice@Example.ORG", "sip:Alice@example.org"},
	{"bob@chat.example", "bob@chat.example"},
	{"Bob@CHAT.example", "Bob@chat.example"},
	{"*@chat.example", "*@chat.example"},
	{"sip:*@ims.mnc001.mcc240.3gppnetwork.org", "sip:*@ims.mnc001.mcc240.3gppnetwork.org"},
	{"sips:a%40b@example.org", "sips:a%40b@example.org"},
	{"sip:+46701234567@example.org", "sip:+46701234567@example.org"},
	{"sip:a@[2001:DB8::1]", "sip:a@[2001:db8::1]"},
	{"sip:a@198.18.0.1", "sip:a@198.18.0.1"},
	{"a@b", "a@b"},
	{"a@b-c.d", "a@b-c.d"},
	{"", NULL},
	{"@", NULL},
	{"a@", NULL},
	{"@b", NULL},
	{"sip:@b", NULL},
	{":a@b", NULL},
	{"4:a@b", NULL},
	{"s ip:a@b", NULL},
	{"sip:a:pw@b", NULL},
	{"sip:a@b:5060", NULL},
	{"sip:a@b;transport=udp", NULL},
	{"a@b@c", NULL},
	{"a b@c", NULL},
	{"\"a\"@c", NULL},
	{"<sip:a@b>", NULL},
	{"a\n@b", NULL},
	{"a@b..c", NULL},
	{"a@.b", NULL},
	{"a@b.", NULL},
	{"a@-b", NULL},
	{"a@b.-c", NULL},
	{"a@b/phone", NULL},
	{"a@[::1", NULL},
	{"a@[]", NULL},
	{"a@[2001:db8::g]", NULL},
	{"sip:example.org", NULL},
	{"example.org", NULL},
	{"xmpp:transport.example", "xmpp:transport.example"},
	{"XMPP:Transport.Example", "xmpp:transport.example"},
	{"xmpp:[2001:DB8::1]", "xmpp:[2001:db8::1]"},
	{"xmpp:", NULL},
	{"xmpp", NULL},
	{"xmpp:transport.example/phone", NULL},
	{"xmpp:transport.example:5222", NULL},
	{"ympp:transport.example", NULL},
	/* XEP-0106, 5.1, and what RFC 7622 lets a localpart have */
	{"xmpp:user\\40gmail.com@transport.example", "xmpp:user\\40gmail.com@transport.example"},
	{"xmpp:d\\27artagnan@musketeers.lit", "xmpp:d\\27artagnan@musketeers.lit"},
	{"xmpp:space\\20cadet@example.com", "xmpp:space\\20cadet@example.com"},
	{"xmpp:c\\3a\\5cnet@example.com", "xmpp:c\\3a\\5cnet@example.com"},
	{"xmpp:a[1]{2}@b", "xmpp:a[1]{2}@b"},
	{"xmpp:a#b%c@b", "xmpp:a#b%c@b"},
	{"xmpp:jürgen@b", "xmpp:jürgen@b"},
	{"xmpp:d'artagnan@b", NULL},
	{"xmpp:a&b@b", NULL},
	{"xmpp:a/b@b", NULL},
	{"xmpp:a\"b@b", NULL},
	{"xmpp:a<b@b", NULL},
	{"xmpp:a:b@b", NULL},
	{"xmpp:\xff@b", NULL},
	{"xmpp:bob@münchen.example", "xmpp:bob@münchen.example"},
	{"xmpp:bob@M\u00fcNCHEN.Example", "xmpp:bob@m\u00fcnchen.example"},
	{"xmpp:bob@m\xfcnchen.example", NULL},
	/* RFC 3261, 25.1 */
	{"sip:o'hara@b", "sip:o'hara@b"},
	{"sip:a&=+$,;?/b@b", "sip:a&=+$,;?/b@b"},
	{"sip:j%C3%BCrgen@b", "sip:j%C3%BCrgen@b"},
	{"sip:jürgen@b", NULL},
	{"sip:a%4@b", NULL},
	{"sip:a%@b", NULL},
	{"sip:a%4g@b", NULL},
	{"sip:a#b@b", NULL},
	{"sips:a[1]@b", NULL},
	{"sip:d\\27@b", NULL},
	/* by either */
	{"o'hara@b", "o'hara@b"},
	{"o\\27hara@b", "o\\27hara@b"},
	{"o'\\hara@b", NULL},
	{"+46701234567", NULL},
};

static void an_address_is_split_and_written_in_normal_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t     n = strlen(cases[i].text);
		char      *exact = (char *)test_copy(cases[i].text, n);
		char       room[80];
		struct aor a;
		bool       good = aor_split((struct str){exact, n}, &a);

		if (good != (cases[i].normal != NULL))
			fail_msg("%s", cases[i].text);
		if (good) {
			assert_int_equal(aor_write(room, sizeof(room), &a), n);
			assert_string_equal(room, cases[i].normal);
			assert_int_equal(aor_is_all_users(&a), strchr(room, '*') != NULL);
		}
		free(exact);
	}
}

static void a_room_too_small_holds_nothing(void **state)
{
	struct aor a;
	char       room[22];

	(void)state;
	assert_true(aor_split(STR("sip:alice@example.org"), &a));
	for (size_t size = 0; size < sizeof(room); size++)
		assert_int_equal(aor_write(room, size, &a), 0);
	assert_int_equal(aor_write(room, sizeof(room), &a), 21);
}

static void a_domain_has_at_most_253_characters(void **state)
{
	char domain[254];

	(void)state;
	memset(domain, 'x', sizeof(domain));
	assert_true(aor_is_domain((struct str){domain, 253}));
	assert_false(aor_is_domain((struct str){domain, 254}));
}

static void an_escape_cut_at_the_end_of_its_user_is_none(void **state)
{
	static const char text[] = "sip:a%40@b";
	struct aor        a;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *exact = (char *)test_copy(text, n);

		assert_false(aor_split((struct str){exact, n}, &a));
		free(exact);
	}
	assert_true(aor_split(STR("sip:a%40@b"), &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_split_and_written_in_normal_form),
		cmocka_unit_test(a_room_too_small_holds_nothing),
		cmocka_unit_test(a_domain_has_at_most_253_characters),
		cmocka_unit_test(an_escape_cut_at_the_end_of_its_user_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
