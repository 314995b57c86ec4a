/* Live objects: defaults, ids, and the binary form. */
#include "test.h"

#include <jansson.h>

#include "conf/conf.h"
#include "conf/key.h"

static const struct conf_protocol protocols[] = {
	{"smpp", TCP_ONLY, NULL, 2775, CONF_ACCOUNTS},
	{"testing", UDP_AND_TCP, NULL, 7, CONF_ACCOUNTS_AND_SUBSCRIBERS}};

static const char *const samples[CONF_KIND_COUNT] = {
	[CONF_ACCOUNT] = "{\"name\": \"esme1\", \"protocol\": \"testing\", \"password\": "
			 "\"secret1\", \"window\": 7, \"rate\": 50000,"
			 " \"mode\": \"datagram\", \"sender\": [\"+46\", \"=ACME\"], "
			 "\"resend_unknown\": true}",
	[CONF_PEER] = "{\"name\": \"smsc1\", \"host\": \"2001:2::9\", \"port\": 2776, "
		      "\"system_id\": \"cpm\", \"password\": \"pw\", \"connections\": 2,"
		      " \"ids\": \"hexadecimal\", \"dest_ton\": 1}",
	[CONF_ROUTE] = "{\"to\": \"+4670\", \"priority\": 5, \"via\": {\"a\": 70, \"b\": 30}}",
	[CONF_RULE] = "{\"name\": \"spam-url\", \"position\": 10, \"when\": {\"all\": [{\"text\": "
		      "\"bit\\\\.ly\"}, {\"not\": {\"from\": \"^\\\\+46\"}}]},"
		      " \"then\": {\"reject\": \"spam\"}}",
	[CONF_SUBSCRIBER] = ("{\"address\": \"+4670\", \"sip\": \"sip:a@b.example\", "
			     "\"password\": \"pw\", \"reach\": [\"sms\", "
			     "\"testing\"]}"),
};

static void *sample(enum conf_kind kind)
{
	struct conf_faults faults = {0, NULL};
	void              *object = conf_object_new(kind);
	json_t            *json = json_loads(samples[kind], 0, NULL);

	assert_non_null(object);
	assert_non_null(json);
	assert_int_equal(conf_object_from_json(kind, object, json, "sample", &faults), 0);
	assert_true(conf_object_complete(kind, object, "sample", &faults));
	assert_int_equal(faults.n, 0);
	json_decref(json);
	return object;
}

static void a_new_object_has_the_defaults_of_keys_def(void **state)
{
	(void)state;
	struct conf_account *a = conf_object_new(CONF_ACCOUNT);
	struct conf_peer    *p = conf_object_new(CONF_PEER);

	assert_non_null(a);
	assert_non_null(p);
	assert_int_equal(a->window, 1000);
	assert_int_equal(a->mode, CONF_MODE_TRANSACTION);
	assert_int_equal(a->bind, CONF_BIND_ANY);
	assert_int_equal(a->password.form, CONF_SECRET_NONE);
	assert_int_equal(p->bind, CONF_BIND_TRANSCEIVER);
	assert_int_equal(p->source_ton, 255);
	assert_string_equal(p->system_id, "cpm");
	conf_object_free(CONF_ACCOUNT, a);
	conf_object_free(CONF_PEER, p);
}

static void an_object_is_named_by_its_id(void **state)
{
	(void)state;
	static const char *const ids[CONF_KIND_COUNT] = {"esme1", "smsc1", "+4670 5", "spam-url",
							 "+4670"};

	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		void *object = sample(kind);
		char  id[128];

		conf_object_id(kind, object, id);
		assert_string_equal(id, ids[kind]);
		conf_object_free(kind, object);
	}
}

static void what_is_packed_unpacks_to_the_same(void **state)
{
	(void)state;
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		void      *object = sample(kind), *copy = conf_object_new(kind);
		uint8_t    first[4096], second[4096];
		struct put to = put_to(first, sizeof(first)),
			   again = put_to(second, sizeof(second));
		json_t *a, *b;

		assert_true(conf_object_pack(kind, object, &to));
		uint8_t   *exact = test_copy(first, put_size(&to));
		struct cur from = cur_of(exact, put_size(&to));

		assert_true(conf_object_unpack(kind, &from, copy));
		assert_int_equal(cur_left(&from), 0);
		assert_true(conf_object_pack(kind, copy, &again));
		assert_int_equal(put_size(&again), put_size(&to));
		assert_memory_equal(first, second, put_size(&to));
		a = conf_object_to_json(kind, object);
		b = conf_object_to_json(kind, copy);
		assert_true(json_equal(a, b));
		json_decref(a);
		json_decref(b);
		free(exact);
		conf_object_free(kind, object);
		conf_object_free(kind, copy);
	}
}

static void bytes_cut_anywhere_are_refused(void **state)
{
	(void)state;
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		void      *object = sample(kind);
		uint8_t    bytes[4096];
		struct put to = put_to(bytes, sizeof(bytes));

		assert_true(conf_object_pack(kind, object, &to));
		for (size_t cut = 0; cut < put_size(&to); cut++) {
			uint8_t   *exact = test_copy(bytes, cut);
			struct cur from = cur_of(exact, cut);
			void      *copy = conf_object_new(kind);

			assert_false(conf_object_unpack(kind, &from, copy));
			conf_object_free(kind, copy);
			free(exact);
		}
		conf_object_free(kind, object);
	}
}

/* An order of reach as it comes from a message or a database; hex: its bytes. */
static bool order_unpacks(const char *hex, char room[64])
{
	const struct conf_key *key = conf_key_find(CONF_SECTION_subscriber, STR("reach"));
	struct conf_reach      reach = {.n = 0};
	uint8_t                bytes[16], again[16];
	struct put             to = put_to(again, sizeof(again));
	size_t                 n = strlen(hex) / 2;
	struct cur             from;
	json_t                *json;
	bool                   good;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)strtoul((char[]){hex[2 * i], hex[2 * i + 1], '\0'}, NULL, 16);
	uint8_t *exact = test_copy(bytes, n);

	from = cur_of(exact, n);
	good = key->type->unpack(key, &from, &reach) && cur_left(&from) == 0;
	free(exact);
	if (!good)
		return false;
	key->type->pack(key, &reach, &to);
	assert_int_equal(put_size(&to), n);
	assert_memory_equal(again, bytes, n);
	json = key->type->print(key, &reach);
	char *text = json_dumps(json, JSON_COMPACT);

	snprintf(room, 64, "%s", text);
	free(text);
	json_decref(json);
	return true;
}

static void an_order_has_one_form_and_unpacks_from_no_other(void **state)
{
	static const char *const refused[] = {
		"", "02", "02ff", "0301", "030101", "03ffff", "0a0001020304050607ff", "ff"};
	char text[64];

	(void)state;
	assert_true(order_unpacks("00", text));
	assert_string_equal(text, "[]");
	assert_true(order_unpacks("01", text));
	assert_string_equal(text, "[\"sms\"]");
	assert_true(order_unpacks("0201", text));
	assert_string_equal(text, "[\"testing\"]");
	assert_true(order_unpacks("0301ff", text));
	assert_string_equal(text, "[\"testing\",\"sms\"]");
	assert_true(order_unpacks("090001020304050607", text));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(order_unpacks(refused[i], text));
}

static void languages_that_nobody_knows_do_not_unpack(void **state)
{
	const struct conf_key *key = conf_key_find(CONF_SECTION_peer, STR("languages"));

	(void)state;
	for (unsigned bit = 0; bit < 16; bit++) {
		const uint8_t packed[] = {(uint8_t)(1u << bit >> 8), (uint8_t)(1u << bit)};
		uint8_t      *exact = test_copy(packed, sizeof(packed)), again[2];
		struct cur    from = cur_of(exact, sizeof(packed));
		struct put    to = put_to(again, sizeof(again));
		uint16_t      field = 0;

		assert_int_equal(key->type->unpack(key, &from, &field), bit >= 1 && bit <= 13);
		if (bit >= 1 && bit <= 13) {
			key->type->pack(key, &field, &to);
			assert_memory_equal(again, packed, sizeof(packed));
		}
		free(exact);
	}
}

static void a_room_too_small_is_told(void **state)
{
	(void)state;
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		void      *object = sample(kind);
		uint8_t    bytes[4096];
		struct put to = put_to(bytes, sizeof(bytes));

		assert_true(conf_object_pack(kind, object, &to));
		for (size_t room = 0; room < put_size(&to); room++) {
			struct put small = put_to(bytes, room);

			assert_false(conf_object_pack(kind, object, &small));
		}
		conf_object_free(kind, object);
	}
}

static void any_byte_changed_does_no_harm(void **state)
{
	(void)state;
	unsigned refused = 0;

	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		void      *object = sample(kind);
		uint8_t    bytes[4096];
		struct put to = put_to(bytes, sizeof(bytes));

		assert_true(conf_object_pack(kind, object, &to));
		for (size_t i = 0; i < put_size(&to) * 3; i++) {
			uint8_t   *exact = test_copy(bytes, put_size(&to));
			struct cur from = cur_of(exact, put_size(&to));
			void      *copy = conf_object_new(kind);

			exact[i / 3] = (uint8_t[]){0x00, 0xff, (uint8_t)(exact[i / 3] + 1)}[i % 3];
			refused += !conf_object_unpack(kind, &from, copy);
			conf_object_free(kind, copy);
			free(exact);
		}
		conf_object_free(kind, object);
	}
	assert_true(refused > 0);
}

static void a_secret_is_never_printed(void **state)
{
	(void)state;
	struct conf_account *a = sample(CONF_ACCOUNT);
	json_t              *json = conf_object_to_json(CONF_ACCOUNT, a);

	assert_string_equal(json_string_value(json_object_get(json, "password")), "set");
	assert_int_equal(a->password.form, CONF_SECRET_PLAIN);
	assert_int_equal(a->password.size, 7);
	assert_memory_equal(a->password.bytes, "secret1", 7);
	json_decref(json);
	conf_object_free(CONF_ACCOUNT, a);
}

static void a_tree_is_kept_as_canonical_json(void **state)
{
	(void)state;
	struct conf_rule *rule = sample(CONF_RULE);

	assert_string_equal(
		rule->when,
		"{\"all\":[{\"text\":\"bit\\\\.ly\"},{\"not\":{\"from\":\"^\\\\+46\"}}]}");
	assert_string_equal(rule->then, "{\"reject\":\"spam\"}");
	conf_object_free(CONF_RULE, rule);
}

static int setup(void **state)
{
	(void)state;
	conf_protocols_set(protocols, 2);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_object_has_the_defaults_of_keys_def),
		cmocka_unit_test(an_object_is_named_by_its_id),
		cmocka_unit_test(what_is_packed_unpacks_to_the_same),
		cmocka_unit_test(bytes_cut_anywhere_are_refused),
		cmocka_unit_test(an_order_has_one_form_and_unpacks_from_no_other),
		cmocka_unit_test(languages_that_nobody_knows_do_not_unpack),
		cmocka_unit_test(a_room_too_small_is_told),
		cmocka_unit_test(any_byte_changed_does_no_harm),
		cmocka_unit_test(a_secret_is_never_printed),
		cmocka_unit_test(a_tree_is_kept_as_canonical_json),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
