/* Words of the command line become commands and arguments; mistakes get the nearest right word. */
#include "test.h"

#include <errno.h>

#include "ctl/ctl.h"

static int parse(const char *line, enum ctl_command *command, json_t **args, char error[512])
{
	char        room[512];
	const char *words[32];
	unsigned    n = 0;

	snprintf(room, sizeof(room), "%s", line);
	for (char *save, *word = strtok_r(room, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	return ctl_parse(n, words, command, args, error);
}

static const struct {
	const char      *line;
	enum ctl_command command;
	const char      *args;
} good[] = {
	{"status", CTL_status, "{}"},
	{"stat", CTL_status, "{}"},
	{"route add +4670 via a,b", CTL_route_add, "{\"to\":\"+4670\",\"via\":[\"a\",\"b\"]}"},
	{"rou a +4670 v a:70,b:30 priority 10", CTL_route_add,
	 "{\"priority\":10,\"to\":\"+4670\",\"via\":{\"a\":\"70\",\"b\":\"30\"}}"},
	{"route explain +4670 +4671 hello", CTL_route_explain,
	 "{\"from\":\"+4670\",\"text\":\"hello\",\"to\":\"+4671\"}"},
	{"route explain +4670 +4671 account esme1", CTL_route_explain,
	 "{\"account\":\"esme1\",\"from\":\"+4670\",\"to\":\"+4671\"}"},
	{"route explain +4670 +4671 account", CTL_route_explain,
	 "{\"from\":\"+4670\",\"text\":\"account\",\"to\":\"+4671\"}"},
	{"route explain a b text account esme1", CTL_route_explain,
	 "{\"account\":\"esme1\",\"from\":\"a\",\"text\":\"text\",\"to\":\"b\"}"},
	{"account set esme1 window=500 resend_unknown=true sender=+46,=ACME password=a=b",
	 CTL_account_set,
	 "{\"name\":\"esme1\",\"password\":\"a=b\",\"resend_unknown\":true,\"sender\":[\"+46\",\"="
	 "ACME\"],\"window\":500}"},
	{"account set esme1 sender=", CTL_account_set, "{\"name\":\"esme1\",\"sender\":[]}"},
	{"account set esme1 window=many", CTL_account_set,
	 "{\"name\":\"esme1\",\"window\":\"many\"}"},
	{"rule add r when={\"to\":\"x\"} then={\"drop\":true}", CTL_rule_add,
	 "{\"name\":\"r\",\"then\":{\"drop\":true},\"when\":{\"to\":\"x\"}}"},
	{"apply -f site.yaml --dry-run", CTL_apply, "{\"dry-run\":true,\"file\":\"site.yaml\"}"},
	{"apply --dry -f site.yaml --prune", CTL_apply,
	 "{\"dry-run\":true,\"file\":\"site.yaml\",\"prune\":true}"},
	{"session list account a protocol smpp", CTL_session_list,
	 "{\"account\":\"a\",\"protocol\":\"smpp\"}"},
	{"domain list", CTL_domain_list, "{}"},
	{"domain retry far.example", CTL_domain_retry, "{\"name\":\"far.example\"}"},
	{"metric", CTL_metric, "{}"},
	{"metric smpp", CTL_metric, "{\"name\":\"smpp\"}"},
	{"port fault core0 loss=10 direction=rx", CTL_port_fault,
	 "{\"direction\":\"rx\",\"loss\":10,\"name\":\"core0\"}"},
	{"port fault core0 off", CTL_port_fault, "{\"name\":\"core0\",\"off\":\"off\"}"},
	{"top --count 3", CTL_top, "{\"count\":\"3\"}"},
};

static void words_become_a_command_and_typed_arguments(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		enum ctl_command command;
		json_t          *args;
		char             error[512] = "", *text;

		if (parse(good[i].line, &command, &args, error) != 0)
			fail_msg("%s: %s", good[i].line, error);
		assert_int_equal(command, good[i].command);
		text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(text, good[i].args);
		free(text);
		json_decref(args);
	}
}

static const struct {
	const char *line, *error;
} bad[] = {
	{"", "write a command: status, top, apply, account, peer, route, rule, subscriber, roster, "
	     "block, "
	     "session, domain, registration, connection, "
	     "worker, port or metric"},
	{"r list", "'r' could be route, rule, roster or registration; write more of it"},
	{"rotue list", "'rotue' is unknown here; did you mean 'route'?"},
	{"xyzzy", "'xyzzy' is unknown here; write status, top, apply, account, peer, route, rule, "
		  "subscriber, roster, block, "
		  "session, domain, registration, connection, worker, port or metric"},
	{"route", "this goes on with list, show, add, set, remove or explain"},
	{"route lst", "'lst' is unknown here; did you mean 'list'?"},
	{"route s +4670", "'s' could be show or set; write more of it"},
	{"route add", "this wants more; write route add TO via VIA [priority PRIORITY]"},
	{"route add +4670", "this wants more; write route add TO via VIA [priority PRIORITY]"},
	{"route add +4670 via",
	 "'via' wants a value; write route add TO via VIA [priority PRIORITY]"},
	{"route add +4670 via a prioriyt 5",
	 "'prioriyt' is unknown here; did you mean 'priority'?"},
	{"route add +4670 via a via b", "via is given twice; keep one"},
	{"account set a window", "'window' is no KEY=VALUE; write as in window=500"},
	{"account set a window=1 window=2", "window is given twice; keep one"},
	{"rule add a when=x", "when: 'x' is not JSON; write it as in '{\"text\": \"bit\\\\.ly\"}'"},
	{"port fault", "this wants more; write port fault NAME [OFF] [KEY=VALUE...]"},
	{"port fault core0 loss=1 loss=2", "loss is given twice; keep one"},
	{"status now", "'now' is too much; write status"},
	{"apply --dryrun -f x", "'--dryrun' is unknown here; did you mean '--dry-run'?"},
	{"apply -f", "'-f' wants a value; write apply -f FILE [--dry-run] [--prune]"},
};

static void a_mistake_is_told_with_what_would_be_right(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum ctl_command command;
		json_t          *args;
		char             error[512] = "";

		assert_int_equal(parse(bad[i].line, &command, &args, error), -EINVAL);
		assert_string_equal(error, bad[i].error);
		assert_null(args);
	}
}

static void every_command_has_a_path_of_its_own_that_finds_it(void **state)
{
	(void)state;
	enum ctl_command found;
	char             path[64];

	for (enum ctl_command c = 0; c < CTL_COUNT; c++) {
		ctl_path(c, path);
		assert_true(ctl_find(path, &found));
		assert_int_equal(found, c);
	}
	ctl_path(CTL_route_add, path);
	assert_string_equal(path, "/v1/route/add");
	assert_string_equal(ctl_method(CTL_route_add), "POST");
	assert_string_equal(ctl_method(CTL_route_list), "GET");
	assert_false(ctl_find("/v1/route", &found));
	assert_false(ctl_find("/v1/route/add/", &found));
	assert_false(ctl_find("", &found));
}

static void roles_follow_the_uid_of_the_peer(void **state)
{
	(void)state;
	assert_int_equal(ctl_role_of(0, 0, 5, 6), ROLE_ADMIN);
	assert_int_equal(ctl_role_of(5, 9, 5, 6), ROLE_ADMIN);
	assert_int_equal(ctl_role_of(7, 6, 5, 6), ROLE_OPERATE);
	assert_int_equal(ctl_role_of(7, 9, 5, 6), ROLE_VIEW);
	assert_int_equal(ctl_role(CTL_account_list), ROLE_VIEW);
	assert_int_equal(ctl_role(CTL_account_set), ROLE_ADMIN);
	assert_int_equal(ctl_role(CTL_session_close), ROLE_OPERATE);
}

static char *help_of(unsigned n, const char *const words[], bool *found)
{
	char  *text = NULL;
	size_t size = 0;
	FILE  *f = open_memstream(&text, &size);

	*found = ctl_help_print(f, n, words);
	fclose(f);
	return text;
}

static void help_names_every_command_and_the_keys_of_a_noun(void **state)
{
	(void)state;
	const char *account[] = {"account"}, *nothing[] = {"nothing"}, *fault[] = {"port", "fault"};
	bool        found;
	char       *text = help_of(0, NULL, &found);

	assert_true(found);
	for (enum ctl_command c = 0; c < CTL_COUNT; c++)
		assert_non_null(strstr(text, ctl_grammar(c)));
	free(text);
	text = help_of(1, account, &found);
	assert_true(found);
	assert_non_null(strstr(text, "resend_unknown"));
	assert_non_null(strstr(text, "a number of 1 to 65535"));
	assert_null(strstr(text, "route add"));
	free(text);
	text = help_of(2, fault, &found);
	assert_non_null(strstr(text, "Keys of fault:"));
	assert_null(strstr(text, "resend_unknown"));
	free(text);
	free(help_of(1, nothing, &found));
	assert_false(found);
}

static void completion_knows_nouns_verbs_and_keys(void **state)
{
	(void)state;
	char  *text = NULL;
	size_t size = 0;
	FILE  *f = open_memstream(&text, &size);

	ctl_completion_bash(f, "cpmctl");
	fclose(f);
	assert_non_null(strstr(text, "'') words='status top apply account peer route rule "
				     "subscriber roster block session domain registration "
				     "connection worker port metric' ;;"));
	assert_non_null(strstr(text, "'route') words='list show add set remove explain' ;;"));
	assert_non_null(strstr(text, "'route add') words='via priority' ;;"));
	assert_non_null(strstr(text,
			       "'port fault') words='name= loss= duplicate= reorder= corrupt= "
			       "delay= direction= seed=' ;;"));
	assert_non_null(strstr(text, "'rule set') words='name= position= when= then=' ;;"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_a_command_and_typed_arguments),
		cmocka_unit_test(a_mistake_is_told_with_what_would_be_right),
		cmocka_unit_test(every_command_has_a_path_of_its_own_that_finds_it),
		cmocka_unit_test(roles_follow_the_uid_of_the_peer),
		cmocka_unit_test(help_names_every_command_and_the_keys_of_a_noun),
		cmocka_unit_test(completion_knows_nouns_verbs_and_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
