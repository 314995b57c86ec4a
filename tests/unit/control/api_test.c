/* The API over its Unix socket: requests byte by byte as clients send them, answered on control's
 * own loop. */
#include "test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api.h"
#include "appliance.h"
#include "resolver.h"
#include "zone.h"

#define TURNS_MAX 2000

struct setup {
	struct appliance appliance;
	struct api      *api;
	char             socket[100];
};

static struct conf_list dns; /* the servers that control asks */

static void setup_begin(struct setup *s, bool with_dataplane)
{
	char error[256] = "";

	appliance_make(&s->appliance);
	s->appliance.control_file.control.dns = dns;
	s->appliance.control_file.port_count = 1;
	s->appliance.control_file.ports[0].addresses.n = 1;
	if (with_dataplane)
		dataplane_start(&s->appliance);
	control_start(&s->appliance);
	if (with_dataplane)
		until_in_step(&s->appliance);
	snprintf(s->socket, sizeof(s->socket), "%s/api.sock", s->appliance.dir);
	s->api = api_new(s->appliance.control, s->socket, error);
	if (s->api == NULL)
		fail_msg("%s", error);
}

static void setup_end(struct setup *s)
{
	api_free(s->api);
	assert_int_not_equal(access(s->socket, F_OK), 0);
	control_stop(&s->appliance);
	appliance_remove(&s->appliance);
}

/* Sends the bytes in pieces of `step` and gives the whole response, NUL-terminated, for the caller
 * to free. */
static char *exchange(struct setup *s, const char *bytes, size_t n, size_t step)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	size_t             sent = 0, got = 0, room = 1 << 20;
	char              *response = malloc(room + 1);
	ssize_t            r = -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	for (unsigned turn = 0; turn < TURNS_MAX + n && r != 0; turn++) {
		ssize_t w = sent < n ? send(fd, bytes + sent, n - sent < step ? n - sent : step,
					    MSG_NOSIGNAL)
				     : 0;

		sent += w > 0 ? (size_t)w : 0;
		assert_int_equal(event_loop_turn(s->appliance.loop, sent < n ? 0 : 10), 0);
		r = recv(fd, response + got, room - got, 0);
		got += r > 0 ? (size_t)r : 0;
	}
	close(fd);
	response[got] = '\0';
	return response;
}

/* One request; the status, and the body as JSON (NULL: none). */
static int ask(struct setup *s, const char *method, const char *path, const char *body,
	       json_t **reply)
{
	char request[8192];
	int  n = snprintf(
		 request, sizeof(request),
		 "%s %s HTTP/1.1\r\nHost: cpm\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		 method, path, strlen(body), body);
	char *response = exchange(s, request, (size_t)n, sizeof(request)),
	     *begin = strstr(response, "\r\n\r\n");
	int status = 0;

	assert_int_equal(sscanf(response, "HTTP/1.1 %d", &status), 1);
	assert_non_null(begin);
	*reply = json_loads(begin + 4, 0, NULL);
	free(response);
	return status;
}

static void expect(struct setup *s, const char *method, const char *path, const char *body,
		   int status, const char *holds)
{
	json_t *reply;
	int     got = ask(s, method, path, body, &reply);
	char   *text = json_dumps(reply, JSON_COMPACT);

	if (got != status || text == NULL || strstr(text, holds) == NULL)
		fail_msg("%s %s %s: %d %s; wanted %d and %s", method, path, body, got,
			 text != NULL ? text : "", status, holds);
	free(text);
	json_decref(reply);
}

/* Within some turns. */
static void expect_soon(struct setup *s, const char *path, const char *holds)
{
	bool found = false;

	for (unsigned i = 0; i < 500 && !found; i++) {
		json_t *reply;
		char   *text;

		assert_int_equal(event_loop_turn(s->appliance.loop, 10), 0);
		assert_int_equal(ask(s, "GET", path, "", &reply), 200);
		text = json_dumps(reply, JSON_COMPACT);
		found = strstr(text, holds) != NULL;
		free(text);
		json_decref(reply);
	}
	if (!found)
		fail_msg("%s does not come to say %s", path, holds);
}

#define PEER "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\", \"port\": 2776, \"password\": \"pw\"}"

static void a_change_is_in_force_when_it_is_answered(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, true);
	expect(&s, "POST", "/v1/peer/add", PEER, 200, "\"outcome\":\"in force\"");
	expect(&s, "POST", "/v1/route/add", "{\"to\": \"+4670\", \"via\": [\"smsc1\"]}", 200,
	       "\"added\":1");
	assert_true(dataplane_has_route(&s.appliance, "+46701", "smsc1"));
	expect(&s, "GET", "/v1/route/list", "", 200, "[\"+4670\",100,[\"smsc1\"]]");
	expect(&s, "GET", "/v1/route/show?to=%2B4670", "", 200, "[\"priority\",100,");
	expect(&s, "POST", "/v1/peer/set", "{\"name\": \"smsc1\", \"window\": 7}", 200,
	       "\"window\":{\"was\":100,\"is\":7}");
	expect(&s, "POST", "/v1/route/remove", "{\"to\": \"+4670\"}", 200, "\"removed\":1");
	assert_false(dataplane_has_route(&s.appliance, "+46701", "smsc1"));
	setup_end(&s);
}

static void subscribers_are_kept_over_the_api_and_their_passwords_are_not_told(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, true);
	expect(&s, "POST", "/v1/subscriber/add",
	       "{\"address\": \"+46701\", \"sip\": \"sip:a@b.example\", \"password\": \"pw\"}", 200,
	       "\"outcome\":\"in force\"");
	expect(&s, "GET", "/v1/subscriber/list", "", 200,
	       "[\"+46701\",\"sip:a@b.example\",\"\",\"set\",[]]");
	expect(&s, "GET", "/v1/subscriber/show?address=%2B46701", "", 200,
	       "[\"password\",\"set\",");
	expect(&s, "POST", "/v1/subscriber/set", "{\"address\": \"+46701\", \"reach\": \"sms\"}",
	       200, "\"reach\":{\"was\":[],\"is\":[\"sms\"]}");
	expect(&s, "POST", "/v1/subscriber/set",
	       "{\"address\": \"+46701\", \"reach\": [\"sip\", \"sms\"]}", 200,
	       "\"reach\":{\"was\":[\"sms\"],\"is\":[\"sip\",\"sms\"]}");
	expect(&s, "POST", "/v1/subscriber/set", "{\"address\": \"+46701\", \"reach\": [\"any\"]}",
	       422, "'any' is not a list of sip or sms, each at most once");
	expect(&s, "POST", "/v1/subscriber/add", "{\"address\": \"+46701\"}", 422,
	       "there is a subscriber '+46701' already");
	expect(&s, "GET", "/v1/status", "", 200, "[\"subscribers\",1]");
	expect(&s, "POST", "/v1/apply?file=site.yaml",
	       "subscribers:\n- {address: 71234}\n- {address: '+46701', sip: 'sip:c@d'}\n", 200,
	       "\"added\":1");
	expect(&s, "POST", "/v1/subscriber/remove", "{\"address\": \"+46701\"}", 200,
	       "\"removed\":1");
	expect(&s, "GET", "/v1/subscriber/show?address=%2B46701", "", 404,
	       "there is no subscriber '+46701'");
	setup_end(&s);
}

static void without_a_dataplane_a_change_is_committed_and_not_in_force(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, false);
	expect(&s, "POST", "/v1/peer/add", PEER, 202, "\"outcome\":\"not in force\"");
	expect(&s, "GET", "/v1/peer/list", "", 200, "smsc1");
	expect(&s, "GET", "/v1/session/list", "", 503, "the dataplane is down");
	expect(&s, "GET", "/v1/status", "", 200, "[\"dataplane\",\"down\"]");
	setup_end(&s);
}

static void a_peer_by_name_says_where_it_is_or_why_it_is_nowhere(void **state)
{
	(void)state;
	static const struct zone_record found[] = {{"smsc.example", "A", 60, "198.18.0.2"},
						   {NULL, NULL, 0, NULL}};
	static const struct zone_record nothing[] = {{NULL, NULL, 0, NULL}};
	static char                     server[32], *servers[] = {server};
	struct zone                     zone = {.negative_ttl = 30, .records = nothing};
	struct setup                    s;

	zone_open(&zone);
	snprintf(server, sizeof(server), "127.0.0.1:%u", zone.port);
	dns = (struct conf_list){1, servers};
	setup_begin(&s, true);
	expect(&s, "POST", "/v1/peer/add", "{\"name\": \"p\", \"host\": \"smsc.example\"}", 200,
	       "in force");
	expect(&s, "GET", "/v1/peer/list", "", 200, "none: it was not looked up yet");
	zone_serve(&zone, s.appliance.loop);
	expect_soon(&s, "/v1/peer/show?name=p", "none: there is no such name");
	expect(&s, "GET", "/v1/status", "", 200,
	       "peer p: host smsc.example has no address: there is no such name");
	zone.records = found;
	resolver_pass(s.appliance.control->resolver, 30000);
	expect_soon(&s, "/v1/peer/list", "not connected; found at 198.18.0.2");
	zone_close(&zone);
	setup_end(&s);
	dns = (struct conf_list){0, NULL};
}

static void a_file_is_applied_whole_or_not_at_all(void **state)
{
	(void)state;
	static const char good[] =
		"peers:\n- {name: p1, host: 198.18.0.2}\nroutes:\n- {to: \"+46\", via: [p1]}\n";
	static const char bad[] =
		"peers:\n- {name: p2, host: 198.18.0.3}\nroutes:\n- {to: \"+47\", via: [nobody]}\n";
	struct setup s;

	setup_begin(&s, true);
	expect(&s, "POST", "/v1/apply?file=site.yaml&dry-run=true", good, 200,
	       "\"outcome\":\"checked\"");
	expect(&s, "GET", "/v1/peer/list", "", 200, "\"rows\":[]");
	expect(&s, "POST", "/v1/apply?file=site.yaml", good, 200, "\"added\":2");
	expect(&s, "POST", "/v1/apply?file=site.yaml", good, 200,
	       "\"outcome\":\"nothing differs\"");
	expect(&s, "POST", "/v1/apply?file=site.yaml", bad, 422, "site.yaml:4");
	expect(&s, "GET", "/v1/peer/show?name=p2", "", 404, "there is no peer 'p2'");
	expect(&s, "POST", "/v1/apply?file=site.yaml", "peers: [\n", 422,
	       "site.yaml:2: peers: this is not YAML");
	expect(&s, "POST", "/v1/apply?file=site.yaml&prune=true", "peers: []\n", 200,
	       "\"removed\":2");
	setup_end(&s);
}

static void a_list_shows_nothing_of_what_a_protocol_has_not(void **state)
{
	struct setup s;

	(void)state;
	setup_begin(&s, true);
	expect(&s, "POST", "/v1/apply?file=site.yaml", "peers:\n- {name: p1, host: 198.18.0.2}\n",
	       200, "\"added\":1");
	expect(&s, "GET", "/v1/peer/list", "", 200, "[\"p1\",\"smpp\",\"\",\"\",\"198.18.0.2\",");
	setup_end(&s);
}

static void what_is_wrong_is_answered_with_a_reason(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, true);
	expect(&s, "GET", "/v1/rout/list", "", 404, "there is no such path");
	expect(&s, "GET", "/", "", 404, "there is no such path");
	expect(&s, "GET", "/v1/route/add", "", 405, "use POST");
	expect(&s, "POST", "/v1/route/list", "{}", 405, "use GET");
	expect(&s, "POST", "/v1/route/add", "{\"to\": ", 400, "the body is not JSON");
	expect(&s, "POST", "/v1/route/add", "{\"to\": \"a\", \"to\": \"b\"}", 400,
	       "the body is not JSON");
	expect(&s, "POST", "/v1/route/add", "[]", 400, "the body is no object");
	expect(&s, "POST", "/v1/route/add",
	       "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
	       "]]]]}",
	       400, "nested deeper");
	expect(&s, "POST", "/v1/route/add", "", 422, "to: is missing");
	expect(&s, "POST", "/v1/route/add", "{\"to\": \"+46\", \"vai\": [\"x\"]}", 422,
	       "did you mean 'via'?");
	expect(&s, "POST", "/v1/account/set", "{\"name\": \"nobody\", \"window\": 5}", 404,
	       "there is no account 'nobody'");
	expect(&s, "GET", "/v1/route/list?limit=0", "", 400,
	       "limit: '0' is not a number of 1 to 100000");
	expect(&s, "GET", "/v1/metric?name=zebra", "", 404, "no counter begins with 'zebra'");
	setup_end(&s);
}

static void a_name_in_use_is_not_added_again(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, true);
	expect(&s, "POST", "/v1/peer/add", PEER, 200, "in force");
	expect(&s, "POST", "/v1/peer/add", PEER, 422, "there is a peer 'smsc1' already");
	setup_end(&s);
}

static void a_secret_is_in_no_reply(void **state)
{
	(void)state;
	static const char *const paths[] = {"/v1/account/list", "/v1/account/show?name=a"};
	struct setup             s;
	json_t                  *reply;

	setup_begin(&s, true);
	assert_int_equal(ask(&s, "POST", "/v1/account/add",
			     "{\"name\": \"a\", \"password\": \"topsecret\"}", &reply),
			 200);
	for (unsigned i = 0; i <= 2; i++) {
		char *text = json_dumps(reply, 0);

		assert_null(strstr(text, "topsecret"));
		assert_non_null(strstr(text, "\"set\""));
		free(text);
		json_decref(reply);
		if (i < 2)
			assert_int_equal(ask(&s, "GET", paths[i], "", &reply), 200);
	}
	setup_end(&s);
}

static void rules_without_a_position_come_after_the_last(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, true);
	expect(&s, "POST", "/v1/rule/add",
	       "{\"name\": \"b\", \"when\": {\"text\": \"x\"}, \"then\": {\"reject\": \"spam\"}}",
	       200, "\"position\":10");
	expect(&s, "POST", "/v1/rule/add",
	       "{\"name\": \"a\", \"when\": {\"text\": \"y\"}, \"then\": {\"reject\": \"spam\"}}",
	       200, "\"position\":20");
	setup_end(&s);
}

static void a_request_in_single_bytes_is_understood(void **state)
{
	(void)state;
	static const char request[] =
		"GET /v1/status HTTP/1.1\r\nHost: cpm\r\nConnection: close\r\n\r\n";
	struct setup s;
	char        *response;

	setup_begin(&s, true);
	response = exchange(&s, request, sizeof(request) - 1, 1);
	assert_non_null(strstr(response, "HTTP/1.1 200"));
	assert_non_null(strstr(response, "[\"in step\",true]"));
	free(response);
	setup_end(&s);
}

static void a_body_that_is_announced_too_long_is_refused_at_once(void **state)
{
	(void)state;
	static const char request[] =
		"POST /v1/route/add HTTP/1.1\r\nHost: cpm\r\nContent-Length: 1048577\r\n\r\n{";
	struct setup s;
	char        *response;

	setup_begin(&s, true);
	response = exchange(&s, request, sizeof(request) - 1, 4096);
	assert_non_null(strstr(response, "HTTP/1.1 413"));
	assert_non_null(strstr(response, "the body is too long"));
	free(response);
	setup_end(&s);
}

static void bytes_that_are_no_http_end_their_connection_only(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, true);
	free(exchange(&s, "\x16\x03\x01\r\n\r\n\0\0", 9, 4096));
	free(exchange(&s, "GET\r\n\r\n", 7, 4096));
	expect(&s, "GET", "/v1/status", "", 200, "in step");
	setup_end(&s);
}

static void faults_of_a_port_are_checked_and_warned_of_until_they_are_off(void **state)
{
	(void)state;
	struct setup s;

	setup_begin(&s, true);
	expect(&s, "POST", "/v1/port/fault", "{\"name\": \"core0\"}", 400, "this wants more");
	expect(&s, "POST", "/v1/port/fault", "{\"name\": \"core0\", \"loss\": 1001}", 422,
	       "a number of 0 to 1000");
	expect(&s, "POST", "/v1/port/fault", "{\"name\": \"core0\", \"lost\": 1}", 422,
	       "did you mean 'loss'");
	expect(&s, "POST", "/v1/port/fault", "{\"loss\": 1}", 422, "name: is missing");
	expect(&s, "POST", "/v1/port/fault", "{\"name\": \"core0\", \"off\": \"of\"}", 400,
	       "write `off` alone");
	expect(&s, "POST", "/v1/port/fault", "{\"name\": \"core0\", \"off\": \"off\", \"loss\": 1}",
	       400, "write `off` alone");
	expect(&s, "GET", "/v1/port/fault", "", 405, "use POST");
	expect(&s, "GET", "/v1/port/list", "", 200, "[\"core0\",\"one worker\",\"\"]");
	expect(&s, "POST", "/v1/port/fault", "{\"name\": \"core0\", \"loss\": 10}", 200,
	       "[\"core0\",10]");
	expect(&s, "GET", "/v1/status", "", 200, "port core0 injects faults: loss=10; `cpmctl");
	expect(&s, "POST", "/v1/port/fault", "{\"name\": \"core0\", \"off\": \"off\"}", 200,
	       "[\"core0\",0]");
	{
		json_t *reply;
		char   *text;

		assert_int_equal(ask(&s, "GET", "/v1/status", "", &reply), 200);
		text = json_dumps(reply, JSON_COMPACT);
		assert_null(strstr(text, "warning"));
		free(text);
		json_decref(reply);
	}
	setup_end(&s);
}

static void the_socket_is_for_its_user_and_group(void **state)
{
	(void)state;
	struct setup s;
	struct stat  about;

	setup_begin(&s, true);
	assert_int_equal(stat(s.socket, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0660);
	setup_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_in_force_when_it_is_answered),
		cmocka_unit_test(
			subscribers_are_kept_over_the_api_and_their_passwords_are_not_told),
		cmocka_unit_test(without_a_dataplane_a_change_is_committed_and_not_in_force),
		cmocka_unit_test(a_peer_by_name_says_where_it_is_or_why_it_is_nowhere),
		cmocka_unit_test(a_file_is_applied_whole_or_not_at_all),
		cmocka_unit_test(a_list_shows_nothing_of_what_a_protocol_has_not),
		cmocka_unit_test(what_is_wrong_is_answered_with_a_reason),
		cmocka_unit_test(a_name_in_use_is_not_added_again),
		cmocka_unit_test(a_secret_is_in_no_reply),
		cmocka_unit_test(rules_without_a_position_come_after_the_last),
		cmocka_unit_test(a_request_in_single_bytes_is_understood),
		cmocka_unit_test(a_body_that_is_announced_too_long_is_refused_at_once),
		cmocka_unit_test(bytes_that_are_no_http_end_their_connection_only),
		cmocka_unit_test(faults_of_a_port_are_checked_and_warned_of_until_they_are_off),
		cmocka_unit_test(the_socket_is_for_its_user_and_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
