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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_split_and_written_in_normal_form),
		cmocka_unit_test(a_room_too_small_holds_nothing),
		cmocka_unit_test(a_domain_has_at_most_253_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
