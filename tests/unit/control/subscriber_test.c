/* Subscribers as live objects: what workers get of them, whose they are, and that nothing of them
 * is left when they are gone. */
#include "appliance.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>

#include "db_sql.h"
#include "test.h"

#define ALICE                                                                                      \
	"{\"address\": \"+46701234567\", \"sip\": \"sip:alice@example.org\", \"password\": "       \
	"\"topsecret1\"}"
#define BOB                                                                                        \
	"{\"address\": \"+46707654321\", \"sip\": \"sip:bob@example.org\", \"password\": "         \
	"\"topsecret2\", \"reach\": \"sms\"}"

static struct appliance appliance;

static int start(void **state)
{
	appliance_make(&appliance);
	dataplane_start(&appliance);
	control_start(&appliance);
	*state = &appliance;
	return 0;
}

static int stop(void **state)
{
	appliance_remove(*state);
	return 0;
}

static const struct world_subscriber *by_address(const struct appliance *a, const char *address)
{
	return world_subscriber_by_address(dataplane_world(a), str_of(address));
}

static const struct world_subscriber *by_uri(const struct appliance *a, const char *uri)
{
	return world_subscriber_by_uri(dataplane_world(a), str_of(uri));
}

/* Both digests over "user:realm:password". */
static void has_ha1(const struct world_subscriber *s, const char *text)
{
	uint8_t md5[16], sha256[32];

	assert_non_null(s);
	assert_int_equal(EVP_Q_digest(NULL, "MD5", NULL, text, strlen(text), md5, NULL), 1);
	assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), sha256, NULL), 1);
	assert_non_null(world_subscriber_ha1_md5(s));
	assert_memory_equal(world_subscriber_ha1_md5(s), md5, sizeof(md5));
	assert_memory_equal(world_subscriber_ha1_sha256(s), sha256, sizeof(sha256));
}

static void workers_get_what_they_check_and_no_password(void **state)
{
	struct appliance *a = *state;

	until_in_step(a);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, BOB), CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, BOB), CHANGE_NOTHING);
	assert_int_equal(dataplane_checksum(a), a->control->checksum);
	has_ha1(by_address(a, "+46701234567"), "alice:example.org:topsecret1");
	has_ha1(by_uri(a, "sip:bob@example.org"), "bob:example.org:topsecret2");
	assert_int_equal(world_subscriber_reach(by_address(a, "+46707654321")).n, 1);
	assert_int_equal((uint8_t)world_subscriber_reach(by_address(a, "+46707654321")).p[0],
			 CONF_REACH_SMS);
	assert_int_equal(control_object_count(a->control, CONF_SUBSCRIBER), 2);
}

static void another_name_needs_another_digest_of_the_same_password(void **state)
{
	struct appliance *a = *state;

	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	for (unsigned i = 0; i < 2; i++) {
		struct conf_subscriber *s = conf_object_new(CONF_SUBSCRIBER);
		struct change          *ch = change_begin(a->control, "test");

		assert_int_equal(control_object_get(a->control, CONF_SUBSCRIBER, "+46701234567", s),
				 0);
		assert_int_equal(s->password.form, CONF_SECRET_SEALED);
		strcpy(s->sip, i == 0 ? "" : "sip:alice@ims.example");
		change_put(ch, CONF_SUBSCRIBER, s);
		assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
		assert_null(by_uri(a, "sip:alice@example.org"));
		if (i == 0)
			assert_null(world_subscriber_ha1_md5(by_address(a, "+46701234567")));
	}
	has_ha1(by_uri(a, "sip:alice@ims.example"), "alice:ims.example:topsecret1");
}

static void an_address_of_record_is_one_subscribers(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;

	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, BOB), CHANGE_IN_FORCE);
	ch = change_begin(a->control, "test");
	put(ch, CONF_SUBSCRIBER, "{\"address\": \"71234\", \"sip\": \"sip:bob@EXAMPLE.org\"}");
	assert_int_equal(finish(ch, false,
				"subscriber '71234': sip: subscriber '+46707654321' logs in as "
				"'sip:bob@example.org' already; give one of them another sip"),
			 CHANGE_REFUSED);
	ch = change_begin(a->control, "test"); /* but two may swap */
	put(ch, CONF_SUBSCRIBER,
	    "{\"address\": \"+46701234567\", \"sip\": \"sip:bob@example.org\"}");
	put(ch, CONF_SUBSCRIBER,
	    "{\"address\": \"+46707654321\", \"sip\": \"sip:alice@example.org\"}");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_ptr_equal(by_uri(a, "sip:alice@example.org"), by_address(a, "+46707654321"));
	assert_ptr_equal(by_uri(a, "sip:bob@example.org"), by_address(a, "+46701234567"));
	assert_int_equal(remove_one(a, CONF_SUBSCRIBER, "+46701234567"), CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER,
				   "{\"address\": \"71234\", \"sip\": \"sip:bob@example.org\"}"),
			 CHANGE_IN_FORCE);
}

static void whoever_gets_an_address_of_xmpp_later_logs_in_with_the_password_it_has(void **state)
{
	struct appliance       *a = *state;
	struct conf_subscriber *s = conf_object_new(CONF_SUBSCRIBER);
	struct change          *ch;
	uint64_t                version;

	until_in_step(a);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	assert_null(world_subscriber_scram(by_address(a, "+46701234567")));
	assert_int_equal(control_object_get(a->control, CONF_SUBSCRIBER, "+46701234567", s), 0);
	strcpy(s->xmpp, "xmpp:alice@chat.example");
	ch = change_begin(a->control, "test");
	change_put(ch, CONF_SUBSCRIBER, s);
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_ptr_equal(by_uri(a, "xmpp:alice@chat.example"), by_address(a, "+46701234567"));
	assert_non_null(world_subscriber_scram(by_uri(a, "xmpp:alice@chat.example")));
	has_ha1(by_uri(a, "sip:alice@example.org"), "alice:example.org:topsecret1");
	version = a->control->version;
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER,
				   "{\"address\": \"+46701234567\", \"sip\": "
				   "\"sip:alice@example.org\", \"xmpp\": \"Alice@Chat.example\", "
				   "\"password\": \"topsecret1\"}"),
			 CHANGE_NOTHING);
	assert_int_equal(a->control->version, version);
	ch = change_begin(a->control, "test");
	put(ch, CONF_SUBSCRIBER, "{\"address\": \"71234\", \"xmpp\": \"alice@chat.example\"}");
	assert_int_equal(finish(ch, false,
				"subscriber '71234': xmpp: subscriber '+46701234567' logs in as "
				"'xmpp:alice@chat.example' already; give one of them another xmpp"),
			 CHANGE_REFUSED);
}

static bool is_in_files(const struct appliance *a, const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -qaF -e '%s' %s/state/*", text, a->dir);
	return system(command) == 0;
}

static void nothing_of_an_erased_subscriber_is_left_in_any_file(void **state)
{
	static const char *const gone[] = {"+46701234567", "sip:alice@example.org"};
	struct appliance        *a = *state;
	const struct world      *w;
	time_t                   end = time(NULL) + 20;

	until_in_step(a);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, BOB), CHANGE_IN_FORCE);
	for (unsigned i = 0; i < 2; i++)
		assert_true(is_in_files(a, gone[i]));
	assert_int_equal(remove_one(a, CONF_SUBSCRIBER, gone[0]), CHANGE_IN_FORCE);
	w = dataplane_world(a);
	assert_null(world_subscriber_by_address(w, str_of(gone[0])));
	assert_null(world_subscriber_by_uri(w, str_of(gone[1])));
	for (unsigned i = 0; i < 2; i++) /* the dataplane's image when changes have settled */
		while (is_in_files(a, gone[i])) {
			if (time(NULL) > end)
				fail_msg("%s is still there", gone[i]);
			assert_int_equal(event_loop_turn(a->loop, 50), 0);
		}
	assert_true(is_in_files(a, "+46707654321"));
	control_stop(a);
	dataplane_stop(a, true);
	for (unsigned i = 0; i < 2; i++)
		assert_false(is_in_files(a, gone[i]));
	assert_true(is_in_files(a, "sip:bob@example.org"));
}

static void the_history_says_what_was_set_and_not_whose_it_is(void **state)
{
	struct appliance *a = *state;
	sqlite3_stmt     *s;
	const char       *text;

	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	assert_int_equal(sqlite3_prepare_v2(a->control->db->sqlite,
					    "SELECT differences FROM versions ORDER BY version "
					    "DESC LIMIT 1",
					    -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	text = (const char *)sqlite3_column_text(s, 0);
	assert_non_null(strstr(text, "\"id\":\"+46*******67\""));
	assert_non_null(strstr(text, "\"sip\":\"set\""));
	assert_non_null(strstr(text, "\"password\":\"set\""));
	assert_null(strstr(text, "alice"));
	assert_null(strstr(text, "+46701234567"));
	sqlite3_finalize(s);
}

static void who_was_erased_while_the_dataplane_was_down_is_not_there_when_it_is_back(void **state)
{
	struct appliance *a = *state;

	until_in_step(a);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, BOB), CHANGE_IN_FORCE);
	dataplane_stop(a, true);
	until_down(a);
	assert_int_equal(remove_one(a, CONF_SUBSCRIBER, "+46701234567"), CHANGE_NOT_IN_FORCE);
	dataplane_start(a);
	assert_non_null(by_address(a, "+46701234567"));
	until_in_step(a);
	assert_null(by_address(a, "+46701234567"));
	has_ha1(by_uri(a, "sip:bob@example.org"), "bob:example.org:topsecret2");
	assert_false(is_in_files(a, "+46701234567"));
}

static void a_dataplane_that_has_nothing_gets_all_of_them(void **state)
{
	struct appliance *a = *state;
	struct change    *ch = change_begin(a->control, "test");
	char              json[160], command[128];

	until_in_step(a);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(json, sizeof(json),
			 "{\"address\": \"+4670%u\", \"sip\": \"sip:user%u@example.org\", "
			 "\"password\": \"pw%u\"}",
			 i, i, i);
		put(ch, CONF_SUBSCRIBER, json);
	}
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	dataplane_stop(a, false);
	until_down(a);
	snprintf(command, sizeof(command), "rm %s/state/world.*", a->dir);
	assert_int_equal(system(command), 0);
	dataplane_start(a);
	until_in_step(a);
	assert_int_equal(world_subscriber_count(dataplane_world(a)), 1000);
	has_ha1(by_uri(a, "sip:user999@example.org"), "user999:example.org:pw999");
	ch = change_begin(a->control, "test");
	put(ch, CONF_SUBSCRIBER, ALICE);
	change_prune(ch, CONF_SUBSCRIBER);
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_int_equal(world_subscriber_count(dataplane_world(a)), 1);
}

static void a_password_is_in_no_file(void **state)
{
	struct appliance *a = *state;

	until_in_step(a);
	assert_int_equal(apply_one(a, CONF_SUBSCRIBER, ALICE), CHANGE_IN_FORCE);
	assert_true(is_in_files(a, "sip:alice@example.org"));
	assert_false(is_in_files(a, "topsecret1"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(workers_get_what_they_check_and_no_password),
		T(another_name_needs_another_digest_of_the_same_password),
		T(an_address_of_record_is_one_subscribers),
		T(whoever_gets_an_address_of_xmpp_later_logs_in_with_the_password_it_has),
		T(nothing_of_an_erased_subscriber_is_left_in_any_file),
		T(the_history_says_what_was_set_and_not_whose_it_is),
		T(who_was_erased_while_the_dataplane_was_down_is_not_there_when_it_is_back),
		T(a_dataplane_that_has_nothing_gets_all_of_them),
		T(a_password_is_in_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
