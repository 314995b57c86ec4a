/* cpmctl as people run it, against control on this thread: what it prints, and how it exits. */
#include "test.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api.h"
#include "appliance.h"
#include "roster.h"

#define OUTPUT_MAX 65536u

static struct appliance appliance;
static struct api      *api;
static char             socket_path[100], program[PATH_MAX];

static void begin(bool with_dataplane)
{
	char error[256] = "";

	appliance_make(&appliance);
	if (with_dataplane)
		dataplane_start(&appliance);
	control_start(&appliance);
	if (with_dataplane)
		until_in_step(&appliance);
	snprintf(socket_path, sizeof(socket_path), "%s/api.sock", appliance.dir);
	api = api_new(appliance.control, socket_path, error);
	if (api == NULL)
		fail_msg("%s", error);
}

static void end(void)
{
	api_free(api);
	api = NULL;
	appliance_remove(&appliance);
}

/* The exit code; what it printed on both outputs is in output. Control's loop turns meanwhile. */
static int run(char output[OUTPUT_MAX], const char *const words[])
{
	int     ends[2], status = 0;
	size_t  got = 0;
	ssize_t r = -1;
	pid_t   child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const char *argv[24] = {program, "--socket", socket_path};

		for (unsigned i = 0; words[i] != NULL; i++)
			argv[3 + i] = words[i];
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execv(program, (char *const *)argv);
		_exit(127);
	}
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (unsigned turn = 0; turn < 3000 && r != 0; turn++) {
		if (api != NULL)
			assert_int_equal(event_loop_turn(appliance.loop, 5), 0);
		else
			poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 5000);
		r = read(ends[0], output + got, OUTPUT_MAX - 1 - got);
		got += r > 0 ? (size_t)r : 0;
	}
	close(ends[0]);
	output[got] = '\0';
	assert_int_equal(r, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect(int code, const char *holds, const char *const words[])
{
	static char output[OUTPUT_MAX];
	int         got = run(output, words);

	if (got != code || strstr(output, holds) == NULL)
		fail_msg("exit %d, wanted %d and '%s':\n%s", got, code, holds, output);
}

#define EXPECT(code, holds, ...) expect(code, holds, (const char *const[]){__VA_ARGS__, NULL})

static void a_change_is_printed_with_its_version(void **state)
{
	(void)state;
	begin(true);
	EXPECT(0,
	       "add     peer smsc1\n    host: 198.18.0.2\n    password: set\n    window: "
	       "7\nversion ",
	       "peer", "add", "smsc1", "host=198.18.0.2", "password=pw", "window=7");
	EXPECT(0, "in force after", "peer", "add", "smsc2", "host=198.18.0.3");
	EXPECT(0, "add     route +4670 10\n", "route", "add", "+4670", "via", "smsc1", "priority",
	       "10");
	EXPECT(0, "to     priority  via\n+4670        10  smsc1\n", "rou", "li");
	EXPECT(0, "window: 7 -> 8", "peer", "set", "smsc1", "window=8");
	EXPECT(0, "nothing differs", "peer", "set", "smsc1", "window=8");
	EXPECT(0, "remove  route +4670 10\n", "route", "remove", "+4670", "priority", "10");
	EXPECT(0, "\"rows\":[]", "--json", "route", "list");
	end();
}

/* As its client asks. */
static void ask(const struct roster_question *q)
{
	static uint8_t question[ROSTER_QUESTION_SIZE_MAX], room[ROSTER_ANSWER_SIZE_MAX];
	struct put     w = put_to(question, sizeof(question)), answer = put_to(room, sizeof(room));

	roster_question_put(&w, q);
	assert_false(w.failed);
	assert_int_equal(db_begin(appliance.control->db), 0);
	assert_int_equal(roster_answer(appliance.control, cur_of(question, put_size(&w)), &answer),
			 REASON_NONE);
	assert_int_equal(db_commit(appliance.control->db), 0);
}

static void what_a_subscriber_made_is_listed_and_a_contact_removed(void **state)
{
	char       list[64];
	struct put w = put_to(list, sizeof(list));

	(void)state;
	begin(true);
	EXPECT(0, "add", "subscriber", "add", "+46701", "xmpp=alice@example.org");
	EXPECT(0, "add", "subscriber", "add", "+46702", "reach=sms");
	EXPECT(0, "reach: sms -> sip, sms", "subscriber", "set", "+46702", "reach=sip,sms");
	EXPECT(0, "reach     sip, sms", "subscriber", "show", "+46702");
	EXPECT(1, "'any' is not a list of sip or sms", "subscriber", "set", "+46702", "reach=any");
	roster_text_put(&w, STR("Friends"));
	ask(&(struct roster_question){.ask = ROSTER_ASK_ROSTER_SET,
				      .owner = STR("alice@example.org"),
				      .item = {.jid = STR("eve@far.example"),
					       .name = STR("Eve"),
					       .groups = {list, put_size(&w)}}});
	ask(&(struct roster_question){.ask = ROSTER_ASK_SUBSCRIPTION_OUT,
				      .owner = STR("alice@example.org"),
				      .contact = STR("eve@far.example"),
				      .type = ROSTER_SUBSCRIBE});
	w = put_to(list, sizeof(list));
	roster_text_put(&w, STR("spam.example"));
	ask(&(struct roster_question){.ask = ROSTER_ASK_BLOCK_ADD,
				      .owner = STR("alice@example.org"),
				      .jids = {list, put_size(&w)}});
	EXPECT(0, "eve@far.example  Eve", "roster", "list", "+46701");
	EXPECT(0, "[\"eve@far.example\",\"Eve\",[\"Friends\"],\"none\",\"asked\",false,false]",
	       "--json", "roster", "list", "+46701");
	EXPECT(0, "[\"subscription\",\"none\"]", "--json", "roster", "show", "+46701",
	       "eve@far.example");
	EXPECT(0, "spam.example", "block", "list", "+46701");
	EXPECT(1, "'bob@far.example' is not in that roster", "roster", "show", "+46701",
	       "bob@far.example");
	EXPECT(1, "there is no subscriber '+46703'", "roster", "list", "+46703");
	EXPECT(1, "subscriber '+46702' is no chat client", "block", "list", "+46702");
	EXPECT(0, "eve@far.example", "roster", "remove", "+46701", "eve@far.example");
	EXPECT(1, "is not in that roster", "roster", "remove", "+46701", "eve@far.example");
	EXPECT(0, "\"rows\":[]", "--json", "roster", "list", "+46701");
	end();
}

static void moments_are_dates_in_tables_and_numbers_in_json(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	begin(true);
	EXPECT(0, "id     since\n0-1-2  2023-11-14 22:13:20\n", "session", "list");
	EXPECT(0, "1700000000123", "--json", "session", "list");
	end();
}

static void a_refusal_is_printed_fault_by_fault(void **state)
{
	(void)state;
	begin(true);
	EXPECT(1, "did you mean 'window'?", "peer", "add", "p", "host=h", "windwo=5");
	EXPECT(1, "there is no peer or account 'nobody'", "route", "add", "+46", "via", "nobody");
	EXPECT(1, "'1.2.3.400' is not an IPv4 or IPv6 address, or a name", "peer", "add", "p",
	       "host=1.2.3.400");
	EXPECT(0, "p6", "peer", "add", "p6", "host=2001:2::2");
	EXPECT(0, "p6", "peer", "remove", "p6");
	EXPECT(1, "there is no account 'nobody'", "account", "show", "nobody");
	EXPECT(1, "\"error\"", "--json", "account", "show", "nobody");
	EXPECT(1, "/nonexistent: No such file", "apply", "-f", "/nonexistent");
	end();
}

static void usage_is_told_without_asking_control(void **state)
{
	(void)state;
	snprintf(socket_path, sizeof(socket_path), "/nonexistent/control.sock");
	EXPECT(2, "did you mean 'route'?", "rotue");
	EXPECT(2, "write route add TO via VIA", "route", "add");
	EXPECT(2, "--count", "top", "--count", "x");
	EXPECT(0, "Keys of account", "account", "--help");
	EXPECT(0, "complete -F _cpmctl cpmctl", "completion", "bash");
}

static void without_a_dataplane_a_change_exits_with_3(void **state)
{
	(void)state;
	begin(false);
	EXPECT(3, "NOT IN FORCE", "peer", "add", "smsc1", "host=198.18.0.2");
	EXPECT(0, "smsc1", "peer", "list");
	EXPECT(1, "the dataplane is down", "session", "list");
	end();
}

static void without_control_it_says_what_to_do(void **state)
{
	(void)state;
	snprintf(socket_path, sizeof(socket_path), "/nonexistent/control.sock");
	EXPECT(4, "cpm-control cannot be reached at /nonexistent/control.sock; is it running",
	       "status");
	EXPECT(4, "cannot be reached", "top");
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_printed_with_its_version),
		cmocka_unit_test(what_a_subscriber_made_is_listed_and_a_contact_removed),
		cmocka_unit_test(moments_are_dates_in_tables_and_numbers_in_json),
		cmocka_unit_test(a_refusal_is_printed_fault_by_fault),
		cmocka_unit_test(usage_is_told_without_asking_control),
		cmocka_unit_test(without_a_dataplane_a_change_exits_with_3),
		cmocka_unit_test(without_control_it_says_what_to_do),
	};
	char room[PATH_MAX];

	/* cpmctl is built beside this test. */
	snprintf(room, sizeof(room), "%s", argc > 0 ? argv[0] : "");
	snprintf(program, sizeof(program), "%.4000s/cpmctl", dirname(room));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
