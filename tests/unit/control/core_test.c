/* One change at a time: what it does, what refuses it, what it reports. */
#include "appliance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "db_sql.h"
#include "test.h"

#define ESME "{\"name\": \"esme1\", \"password\": \"topsecret1\"}"
#define SMSC "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\", \"password\": \"peersecret\"}"
#define ROUTE "{\"to\": \"+46\", \"via\": [\"smsc1\"]}"

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

static void put_basics(struct appliance *a)
{
	struct change *ch = change_begin(a->control, "test");

	put(ch, CONF_ACCOUNT, ESME);
	put(ch, CONF_PEER, SMSC);
	put(ch, CONF_ROUTE, ROUTE);
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
}

static void a_change_is_in_force_when_the_command_returns(void **state)
{
	struct appliance *a = *state;
	uint64_t          version = a->control->version;

	until_in_step(a);
	put_basics(a);
	assert_int_equal(a->control->version, version + 1);
	assert_int_equal(dataplane_version(a), version + 1);
	assert_int_equal(dataplane_checksum(a), a->control->checksum);
	assert_true(dataplane_has_route(a, "+46701234567", "smsc1"));
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 1);
	assert_int_equal(remove_one(a, CONF_ROUTE, "+46 100"), CHANGE_IN_FORCE);
	assert_false(dataplane_has_route(a, "+46701234567", "smsc1"));
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 0);
}

static void what_is_there_already_changes_nothing(void **state)
{
	struct appliance *a = *state;
	uint64_t          version;

	put_basics(a);
	version = a->control->version;
	assert_int_equal(apply_one(a, CONF_ACCOUNT, ESME), CHANGE_NOTHING);
	assert_int_equal(apply_one(a, CONF_PEER, SMSC), CHANGE_NOTHING);
	assert_int_equal(apply_one(a, CONF_ROUTE, ROUTE), CHANGE_NOTHING);
	assert_int_equal(a->control->version, version);
}

static void a_dry_change_is_checked_and_changes_nothing(void **state)
{
	struct appliance *a = *state;
	uint64_t          version;
	struct change    *ch;

	put_basics(a);
	version = a->control->version;
	ch = change_begin(a->control, "test");
	put(ch, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"smsc1\"]}");
	assert_int_equal(finish(ch, true, NULL), CHANGE_DRY);
	ch = change_begin(a->control, "test");
	put(ch, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"nobody\"]}");
	assert_int_equal(finish(ch, true, "there is no peer or account 'nobody'"), CHANGE_REFUSED);
	assert_int_equal(a->control->version, version);
	assert_int_equal(dataplane_version(a), version);
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 1);
}

static void what_comes_later_in_a_change_wins(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;

	put_basics(a);
	ch = change_begin(a->control, "test");
	put(ch, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"smsc1\"]}");
	put(ch, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"esme1\"]}");
	change_remove(ch, CONF_ROUTE, "+46 100");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_true(dataplane_has_route(a, "+47", "esme1"));
	assert_false(dataplane_has_route(a, "+46", "smsc1"));
}

static void prune_removes_what_the_change_does_not_put(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;

	put_basics(a);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"smsc1\"]}"),
			 CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+45\", \"via\": [\"smsc1\"]}"),
			 CHANGE_IN_FORCE);
	ch = change_begin(a->control, "test");
	put(ch, CONF_ROUTE, ROUTE);
	put(ch, CONF_ROUTE, "{\"to\": \"=71234\", \"via\": [\"esme1\"]}");
	change_prune(ch, CONF_ROUTE);
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 2);
	assert_int_equal(control_object_count(a->control, CONF_PEER), 1);
	assert_false(dataplane_has_route(a, "+47", "smsc1"));
	assert_true(dataplane_has_route(a, "71234", "esme1"));
}

static void two_accounts_may_swap_what_they_log_in_as(void **state)
{
	struct appliance *a = *state;
	struct change    *ch = change_begin(a->control, "test");

	put(ch, CONF_ACCOUNT, "{\"name\": \"a1\", \"password\": \"x\", \"system_id\": \"one\"}");
	put(ch, CONF_ACCOUNT, "{\"name\": \"a2\", \"password\": \"x\", \"system_id\": \"two\"}");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	ch = change_begin(a->control, "test");
	put(ch, CONF_ACCOUNT, "{\"name\": \"a1\", \"password\": \"x\", \"system_id\": \"two\"}");
	put(ch, CONF_ACCOUNT, "{\"name\": \"a2\", \"password\": \"x\", \"system_id\": \"one\"}");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_string_equal(world_account_login(dataplane_world(a), 0, STR("one"))->conf->name,
			    "a2");
}

static void a_peer_and_its_routes_go_together(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;

	put_basics(a);
	ch = change_begin(a->control, "test");
	change_remove(ch, CONF_PEER, "smsc1");
	change_remove(ch, CONF_ROUTE, "+46 100");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_null(world_peer_find(dataplane_world(a), STR("smsc1")));
}

static void a_route_to_a_domain_is_one_however_its_name_is_written(void **state)
{
	struct appliance  *a = *state;
	struct conf_route *route = conf_object_new(CONF_ROUTE);

	assert_int_equal(apply_one(a, CONF_ROUTE,
				   "{\"to\": \"SIP:*@IMS.Example\", \"via\": [\"registered\"]}"),
			 CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_ROUTE,
				   "{\"to\": \"sip:*@ims.example\", \"via\": [\"registered\"]}"),
			 CHANGE_NOTHING);
	assert_int_equal(control_object_get(a->control, CONF_ROUTE, "Sip:*@IMS.EXAMPLE 100", route),
			 0);
	assert_string_equal(route->to, "sip:*@ims.example");
	conf_object_free(CONF_ROUTE, route);
	assert_non_null(route_find(dataplane_world(a)->routes, STR("sip:alice@ims.example")));
	assert_int_equal(remove_one(a, CONF_ROUTE, "sip:*@Ims.Example 100"), CHANGE_IN_FORCE);
	assert_null(route_find(dataplane_world(a)->routes, STR("sip:alice@ims.example")));
}

static void the_longest_destination_is_kept_whole(void **state)
{
	struct appliance *a = *state;
	char              json[256], id[DB_KEY_SIZE] = "", domain[115];

	memset(domain, 'd', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	snprintf(json, sizeof(json),
		 "{\"to\": \"sip:*@%s\", \"priority\": 65535, \"via\": [\"registered\"]}", domain);
	assert_int_equal(apply_one(a, CONF_ROUTE, json), CHANGE_IN_FORCE);
	snprintf(id, sizeof(id), "sip:*@%s 65535", domain);
	assert_int_equal(strlen(id), 126);
	assert_int_equal(remove_one(a, CONF_ROUTE, id), CHANGE_IN_FORCE);
	assert_int_equal(route_table_count(dataplane_world(a)->routes), 0);
}

/* Each is refused whole: a good route beside the fault is not there afterwards. */
static const struct refusal {
	enum conf_kind kind;
	const char    *put, *remove, *fault;
} refusals[] = {
	{CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"nobody\"]}", NULL,
	 "route '+47 100': via: there is no peer or account 'nobody'"},
	{CONF_ROUTE, "{\"to\": \"+47\", \"via\": {\"smsc1\": 1, \"nobody\": 2}}", NULL,
	 "there is no peer or account 'nobody'"},
	{CONF_RULE,
	 "{\"name\": \"r\", \"position\": 10, \"when\": {\"text\": \"x\"}, \"then\": {\"route\": "
	 "[\"smsc1\", \"nobody\"]}}",
	 NULL, "rule 'r': then.route: there is no peer or account 'nobody'"},
	{CONF_RULE,
	 "{\"name\": \"r\", \"position\": 10, \"when\": {\"text\": \"(\"}, \"then\": {\"reject\": "
	 "\"spam\"}}",
	 NULL, "rule 'r': when"},
	{CONF_RULE,
	 "{\"name\": \"r\", \"position\": 10, \"when\": {\"text\": \"x\"}, \"then\": {\"explode\": "
	 "true}}",
	 NULL, "rule 'r': then"},
	{CONF_ACCOUNT, "{\"name\": \"esme2\", \"password\": \"x\", \"system_id\": \"esme1\"}", NULL,
	 "account 'esme2': system_id: account 'esme1' logs in as 'esme1' already"},
	{CONF_ACCOUNT, "{\"name\": \"smsc1\", \"password\": \"x\"}", NULL,
	 "account 'smsc1': name: is the name of a peer as well"},
	{CONF_PEER, "{\"name\": \"esme1\", \"host\": \"198.18.0.2\"}", NULL,
	 "peer 'esme1': name: is the name of an account as well"},
	{CONF_PEER, NULL, "smsc1", "peer 'smsc1': route '+46 100' leads to it (1 in all)"},
	{CONF_PEER, NULL, "nobody", "peer 'nobody': there is none; `cpmctl peer list`"},
	{CONF_ROUTE, NULL, "+48 100", "route '+48 100': there is none"},
	{CONF_ROUTE, NULL, "+46", "there is none"},
	{CONF_ROUTE, NULL, "+46 ", "there is none"},
	{CONF_ROUTE, NULL, "+46 abc", "there is none"},
	{CONF_ROUTE, NULL, "+46 100x", "there is none"},
	{CONF_ROUTE, NULL, "+46 65636", "there is none"},      /* 100 in sixteen bits */
	{CONF_ROUTE, NULL, "+46 4294967396", "there is none"}, /* in thirty-two */
	{CONF_ROUTE, NULL, "nonsense", "there is none"},
};

static void a_refused_change_changes_nothing(void **state)
{
	struct appliance *a = *state;
	uint64_t          version, checksum;

	put_basics(a);
	version = a->control->version;
	checksum = a->control->checksum;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		struct change        *ch = change_begin(a->control, "test");

		put(ch, CONF_ROUTE, "{\"to\": \"+358\", \"via\": [\"smsc1\"]}");
		if (r->put != NULL)
			put(ch, r->kind, r->put);
		else
			change_remove(ch, r->kind, r->remove);
		if (r->remove != NULL && strcmp(r->remove, "smsc1") == 0)
			change_remove(ch, CONF_ROUTE, "+358 100");
		assert_int_equal(finish(ch, false, r->fault), CHANGE_REFUSED);
		assert_int_equal(a->control->version, version);
		assert_int_equal(dataplane_version(a), version);
		assert_false(dataplane_has_route(a, "+358", "smsc1"));
		assert_int_equal(control_object_count(a->control, CONF_ROUTE), 1);
		assert_int_equal(db_count(a->control->db, CONF_ROUTE), 1);
		assert_int_equal(db_uses(a->control->db, "smsc1"), 1);
	}
	control_stop(a);
	control_start(a);
	until_in_step(a);
	assert_int_equal(a->control->checksum, checksum);
}

static void a_fault_of_a_file_names_file_and_line(void **state)
{
	struct appliance  *a = *state;
	struct change     *ch = change_begin(a->control, "test");
	struct conf_route *route = conf_object_new(CONF_ROUTE);

	strcpy(route->to, "+47");
	route->via.n = 1;
	route->via.items = calloc(1, sizeof(route->via.items[0]));
	strcpy(route->via.items[0].name, "nobody");
	change_put_at(ch, CONF_ROUTE, route, "site.yaml", 12);
	finish(ch, false,
	       "site.yaml:12: via: route '+47 100': there is no peer or account 'nobody'");
}

static void a_full_disk_refuses_changes_and_nothing_is_lost(void **state)
{
	struct appliance *a = *state;
	struct change    *ch = change_begin(a->control, "test");
	uint64_t          version;

	put_basics(a);
	version = a->control->version;
	assert_int_equal(
		sqlite3_exec(a->control->db->sqlite, "PRAGMA max_page_count = 1", NULL, NULL, NULL),
		SQLITE_OK);
	for (int i = 0; i < 2000; i++) {
		char json[128];

		snprintf(json, sizeof(json), "{\"to\": \"+47%d\", \"via\": [\"smsc1\"]}", i);
		put(ch, CONF_ROUTE, json);
	}
	finish(ch, false, "the change cannot be kept: No space left on device");
	assert_int_equal(a->control->version, version);
	assert_int_equal(dataplane_version(a), version);
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 1);
	assert_int_equal(sqlite3_exec(a->control->db->sqlite, "PRAGMA max_page_count = 1000000",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"smsc1\"]}"),
			 CHANGE_IN_FORCE);
	until_in_step(a);
}

static int refuse_commit(void *user)
{
	return 1;
}

static void a_commit_that_fails_after_the_dataplane_has_prepared_changes_nothing(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;
	uint64_t          version;

	put_basics(a);
	version = a->control->version;
	sqlite3_commit_hook(a->control->db->sqlite, refuse_commit, NULL);
	ch = change_begin(a->control, "test");
	put(ch, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"smsc1\"]}");
	finish(ch, false, "the change cannot be kept");
	assert_int_equal(a->control->version, version);
	assert_int_equal(dataplane_version(a), version);
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 1);
	sqlite3_commit_hook(a->control->db->sqlite, NULL, NULL);
	until_in_step(a);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"smsc1\"]}"),
			 CHANGE_IN_FORCE);
	assert_true(dataplane_has_route(a, "+47", "smsc1"));
}

static void a_second_control_on_the_same_state_does_not_start(void **state)
{
	struct appliance  *a = *state;
	struct event_loop *loop = event_loop_new();
	char               error[256] = "";

	assert_null(control_new(&a->file, loop, error));
	assert_non_null(strstr(error, "another cpm-control uses it"));
	event_loop_free(loop);
}

static void a_database_of_a_newer_program_or_no_database_is_not_touched(void **state)
{
	static const char *const spoilt[] = {"sqlite schema 3", "no database"};
	struct appliance        *a = *state;

	put_basics(a);
	assert_int_equal(
		sqlite3_exec(a->control->db->sqlite, "PRAGMA user_version = 3", NULL, NULL, NULL),
		SQLITE_OK);
	control_stop(a);
	for (size_t i = 0; i < 2; i++) {
		struct event_loop *loop = event_loop_new();
		char               error[256] = "", command[256];

		if (i == 1) {
			snprintf(command, sizeof(command),
				 "rm %s/state/control.db*; echo nonsense > %s/state/control.db",
				 a->dir, a->dir);
			assert_int_equal(system(command), 0);
		}
		assert_null(control_new(&a->file, loop, error));
		if (strstr(error, i == 0 ? "install the newer program again"
					 : "file is not a database") == NULL)
			fail_msg("%s: %s", spoilt[i], error);
		event_loop_free(loop);
	}
}

static bool collect(void *user, const char *id, const void *object)
{
	strcat(user, id);
	strcat(user, ";");
	return true;
}

static void objects_come_in_their_order(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;
	char              ids[512] = "";

	put_basics(a);
	ch = change_begin(a->control, "test");
	put(ch, CONF_ROUTE, "{\"to\": \"+46\", \"priority\": 20, \"via\": [\"esme1\"]}");
	put(ch, CONF_ROUTE, "{\"to\": \"+4670\", \"via\": [\"smsc1\"]}");
	put(ch, CONF_ROUTE, "{\"to\": \"=71234\", \"via\": [\"smsc1\"]}");
	put(ch, CONF_RULE,
	    "{\"name\": \"z\", \"position\": 10, \"when\": {\"text\": \"x\"}, \"then\": {\"drop\": "
	    "true}}");
	put(ch, CONF_RULE,
	    "{\"name\": \"a\", \"position\": 20, \"when\": {\"text\": \"y\"}, \"then\": {\"drop\": "
	    "true}}");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	control_object_each(a->control, CONF_ROUTE, "", collect, ids);
	assert_string_equal(ids, "+46 20;+46 100;+4670 100;=71234 100;");
	ids[0] = '\0';
	control_object_each(a->control, CONF_ROUTE, "+46 100", collect, ids);
	assert_string_equal(ids, "+46 100;+4670 100;=71234 100;");
	ids[0] = '\0';
	control_object_each(a->control, CONF_RULE, "", collect, ids);
	assert_string_equal(ids, "z;a;");
	ids[0] = '\0';
	control_object_each(a->control, CONF_RULE, "a", collect, ids);
	assert_string_equal(ids, "a;");
}

static bool password_fits(struct appliance *a, const char *password)
{
	const struct world_account *account = world_account_find(dataplane_world(a), STR("esme1"));

	assert_int_equal(account->conf->password.form, CONF_SECRET_SHA256);
	return world_secret_fits(&account->conf->password, str_of(password));
}

static void an_account_is_checked_by_digest_and_a_peer_gets_its_password(void **state)
{
	struct appliance        *a = *state;
	const struct world_peer *peer;
	struct conf_secret       before;

	put_basics(a);
	assert_true(password_fits(a, "topsecret1"));
	assert_false(password_fits(a, "topsecret2"));
	before = world_account_find(dataplane_world(a), STR("esme1"))->conf->password;
	assert_int_equal(
		apply_one(a, CONF_ACCOUNT,
			  "{\"name\": \"esme1\", \"password\": \"topsecret1\", \"window\": 5}"),
		CHANGE_IN_FORCE);
	assert_memory_equal(&before,
			    &world_account_find(dataplane_world(a), STR("esme1"))->conf->password,
			    sizeof(before));
	assert_int_equal(
		apply_one(a, CONF_ACCOUNT, "{\"name\": \"esme1\", \"password\": \"topsecret2\"}"),
		CHANGE_IN_FORCE);
	assert_true(password_fits(a, "topsecret2"));
	peer = world_peer_find(dataplane_world(a), STR("smsc1"));
	assert_int_equal(peer->conf->password.form, CONF_SECRET_PLAIN);
	assert_memory_equal(peer->conf->password.bytes, "peersecret", 10);
}

static void an_object_read_and_put_again_keeps_its_password(void **state)
{
	struct appliance    *a = *state;
	struct conf_account *account = conf_object_new(CONF_ACCOUNT);
	struct change       *ch;

	put_basics(a);
	assert_int_equal(control_object_get(a->control, CONF_ACCOUNT, "esme1", account), 0);
	assert_int_equal(account->password.form, CONF_SECRET_SEALED);
	account->window = 7;
	ch = change_begin(a->control, "test");
	change_put(ch, CONF_ACCOUNT, account);
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_true(password_fits(a, "topsecret1"));
	assert_int_equal(world_account_find(dataplane_world(a), STR("esme1"))->conf->window, 7);
}

static void a_password_is_never_in_the_database_files(void **state)
{
	static const char *const secrets[] = {"topsecret1", "topsecret2", "peersecret"};
	struct appliance        *a = *state;
	char                     command[256];

	put_basics(a);
	assert_int_equal(
		apply_one(a, CONF_ACCOUNT, "{\"name\": \"esme1\", \"password\": \"topsecret2\"}"),
		CHANGE_IN_FORCE);
	for (int closed = 0; closed < 2; closed++) {
		for (size_t i = 0; i < 3; i++) {
			snprintf(command, sizeof(command), "grep -qa %s %s/state/control.db*",
				 secrets[i], a->dir);
			assert_int_not_equal(system(command), 0);
		}
		snprintf(command, sizeof(command), "grep -qa 198.18.0.2 %s/state/control.db*",
			 a->dir); /* the search finds what is there */
		assert_int_equal(system(command), 0);
		control_stop(a);
	}
	snprintf(command, sizeof(command), "test -z \"$(find %s/state -perm /077 -type f)\"",
		 a->dir);
	assert_int_equal(system(command), 0);
}

static void differences_name_keys_and_never_a_password(void **state)
{
	struct appliance    *a = *state;
	struct change       *ch;
	struct change_result r;
	char                *text;

	put_basics(a);
	ch = change_begin(a->control, "test");
	put(ch, CONF_ACCOUNT, "{\"name\": \"esme1\", \"password\": \"topsecret2\", \"window\": 5}");
	change_commit(ch, false, &r);
	text = json_dumps(r.differences, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "[{\"id\":\"esme1\",\"keys\":{\"password\":\"changed\","
				  "\"window\":{\"is\":5,\"was\":1000}},"
				  "\"kind\":\"account\",\"what\":\"replace\"}]");
	assert_int_equal(r.replaced, 1);
	assert_int_equal(r.added + r.removed, 0);
	free(text);
	conf_faults_free(&r.faults);
	json_decref(r.differences);
}

static void questions_are_answered_by_the_dataplane(void **state)
{
	struct appliance *a = *state;
	json_t           *args = json_pack("{s:s}", "to", "+46"), *reply = NULL;
	char              error[256];

	until_in_step(a);
	assert_int_equal(control_query(a->control, "echo", args, &reply, error), 0);
	assert_true(json_equal(args, reply));
	json_decref(reply);
	assert_int_equal(control_query(a->control, "large", args, &reply, error), 0);
	assert_int_equal(json_array_size(reply), 30000);
	json_decref(reply);
	assert_int_equal(control_query(a->control, "nonsense", args, &reply, error), -EINVAL);
	assert_string_equal(error, "there is no question 'nonsense'");
	dataplane_stop(a, false);
	assert_int_equal(control_query(a->control, "echo", args, &reply, error), -ENOTCONN);
	until_down(a);
	json_decref(args);
}

static void counters_are_mapped_while_the_dataplane_is_up(void **state)
{
	struct appliance     *a = *state;
	unsigned              workers;
	const struct metrics *m = control_metrics(a->control, &workers);

	assert_non_null(m);
	assert_int_equal(workers, 2);
	assert_int_equal(metrics_sum(m, workers, METRIC_turns), 0);
	dataplane_stop(a, false);
	until_down(a);
	assert_null(control_metrics(a->control, &workers));
	assert_int_equal(workers, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(a_change_is_in_force_when_the_command_returns),
		T(what_is_there_already_changes_nothing),
		T(a_dry_change_is_checked_and_changes_nothing),
		T(what_comes_later_in_a_change_wins),
		T(prune_removes_what_the_change_does_not_put),
		T(two_accounts_may_swap_what_they_log_in_as),
		T(a_peer_and_its_routes_go_together),
		T(a_route_to_a_domain_is_one_however_its_name_is_written),
		T(the_longest_destination_is_kept_whole),
		T(a_refused_change_changes_nothing),
		T(a_full_disk_refuses_changes_and_nothing_is_lost),
		T(a_database_of_a_newer_program_or_no_database_is_not_touched),
		T(a_commit_that_fails_after_the_dataplane_has_prepared_changes_nothing),
		T(a_second_control_on_the_same_state_does_not_start),
		T(a_fault_of_a_file_names_file_and_line),
		T(objects_come_in_their_order),
		T(an_account_is_checked_by_digest_and_a_peer_gets_its_password),
		T(an_object_read_and_put_again_keeps_its_password),
		T(a_password_is_never_in_the_database_files),
		T(differences_name_keys_and_never_a_password),
		T(questions_are_answered_by_the_dataplane),
		T(counters_are_mapped_while_the_dataplane_is_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
