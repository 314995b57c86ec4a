/* What an operator sees of TCP connections, asked as the management thread asks. */
#include "test.h"

#include <pthread.h>

#include "../../dataplane/query.h"

#include "record.h"

static struct sim sim;

static const char *const world =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n";

struct question {
	const char *name;
	json_t     *args, *reply;
	char        error[256];
	int         err;
	atomic_bool answered;
};

static void *ask_there(void *user)
{
	struct question *q = user;

	q->err = query_run(&sim.dp, q->name, q->args, &q->reply, q->error);
	atomic_store(&q->answered, true);
	return NULL;
}

/* The workers turn while the question waits. */
static void ask(struct question *q)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, ask_there, q), 0);
	while (!atomic_load(&q->answered))
		sim_step(&sim, 100);
	pthread_join(thread, NULL);
	json_decref(q->args);
}

static const char *cell(const json_t *reply, size_t row, const char *column)
{
	const json_t *columns = json_object_get(reply, "columns"), *value;

	for (size_t i = 0; i < json_array_size(columns); i++) {
		if (strcmp(json_string_value(json_array_get(columns, i)), column) != 0)
			continue;
		value = json_array_get(json_array_get(json_object_get(reply, "rows"), row), i);
		return json_string_value(value);
	}
	return NULL;
}

static size_t row_of(const json_t *reply, const char *column, const char *wanted)
{
	size_t n = json_array_size(json_object_get(reply, "rows"));

	for (size_t i = 0; i < n; i++) {
		if (strcmp(cell(reply, i, column), wanted) == 0)
			return i;
	}
	return SIZE_MAX;
}

static void media_event(struct host *h, const struct tcp_event *event)
{
	(void)h;
	(void)event;
}

static int begin(void **state)
{
	struct sim_config config = {.workers = 2,
				    .seed = 3,
				    .window = 10,
				    .hooks = record_hooks,
				    .sip = true,
				    .msrp_port = 2855};

	(void)state;
	record.limit = 0;
	config.hooks.tcp_event = media_event;
	record_world(&sim, &config, world, 1, 1, 1);
	record_more(20);
	return sim_until(&sim, record_all_answered, 10 * US_PER_SECOND) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	sim_free(&sim);
	record_end();
	return 0;
}

static void the_list_names_who_is_at_the_other_end(void **state)
{
	struct question q = {.name = "connection_list", .args = json_object()};
	size_t          account, peer;

	(void)state;
	ask(&q);
	assert_int_equal(q.err, 0);
	assert_int_equal(json_array_size(json_object_get(q.reply, "rows")), 2);
	account = row_of(q.reply, "party", "esme1");
	peer = row_of(q.reply, "party", "smsc1");
	assert_true(account != SIZE_MAX && peer != SIZE_MAX);
	assert_string_equal(cell(q.reply, account, "state"), "established");
	assert_string_equal(cell(q.reply, account, "local"), "198.18.0.1:2775");
	assert_string_equal(cell(q.reply, peer, "remote"), "198.18.0.2:2776");
	assert_true(strlen(cell(q.reply, peer, "session")) > 0);
	json_decref(q.reply);
}

static void a_connection_shows_its_numbers_and_its_record(void **state)
{
	struct question list = {.name = "connection_list", .args = json_object()};
	struct question show = {.name = "connection_show"};
	size_t          row;

	(void)state;
	ask(&list);
	show.args = json_pack("{s:s}", "id",
			      cell(list.reply, row_of(list.reply, "party", "smsc1"), "id"));
	ask(&show);
	assert_int_equal(show.err, 0);
	assert_string_equal(cell(show.reply, row_of(show.reply, "what", "party"), "value"),
			    "smsc1");
	assert_string_equal(cell(show.reply, row_of(show.reply, "what", "opened_by"), "value"),
			    "us");
	row = row_of(show.reply, "what", "state");
	assert_string_equal(cell(show.reply, row, "value"), "established");
	assert_true(row_of(show.reply, "value", "closed to syn-sent") != SIZE_MAX);
	assert_true(row_of(show.reply, "what", "in") != SIZE_MAX);
	assert_true(row_of(show.reply, "what", "out") != SIZE_MAX);
	json_decref(list.reply);
	json_decref(show.reply);
}

static void one_that_ended_is_listed_and_shown_among_the_closed(void **state)
{
	struct question list = {.name = "connection_list", .args = json_pack("{s:b}", "closed", 1)};
	struct question show = {.name = "connection_show"};

	(void)state;
	tcp_close(sim.host.tcp, sim.host.sessions[0].tcp, true);
	sim_pass(&sim, US_PER_SECOND);
	ask(&list);
	assert_int_equal(list.err, 0);
	assert_int_equal(json_array_size(json_object_get(list.reply, "rows")), 1);
	assert_string_equal(cell(list.reply, 0, "state"), "closed");
	show.args = json_pack("{s:s}", "id", cell(list.reply, 0, "id"));
	ask(&show);
	assert_int_equal(show.err, 0);
	assert_string_equal(cell(show.reply, row_of(show.reply, "what", "why"), "value"),
			    reason_text(REASON_CONNECTION_RESET));
	assert_true(row_of(show.reply, "value", "established to closed") != SIZE_MAX);
	json_decref(list.reply);
	json_decref(show.reply);
}

/* Whom we refuse we close. */
static void one_in_time_wait_is_listed_without_an_id(void **state)
{
	struct question q = {.name = "connection_list", .args = json_object()};
	size_t          row;

	(void)state;
	assert_true(host_connect(&sim.host, sim.now, 2775, "nobody", "knows",
				 PROTO_SENDS | PROTO_RECEIVES));
	sim_pass(&sim, 5 * US_PER_SECOND);
	ask(&q);
	assert_int_equal(q.err, 0);
	assert_int_equal(json_array_size(json_object_get(q.reply, "rows")), 3);
	row = row_of(q.reply, "state", "time-wait");
	assert_true(row != SIZE_MAX);
	assert_string_equal(cell(q.reply, row, "id"), "");
	assert_string_equal(cell(q.reply, row, "local"), "198.18.0.1:2775");
	json_decref(q.reply);
}

static void an_id_that_nobody_has_is_refused_with_a_remedy(void **state)
{
	static const char *const wrong[] = {"0-4000-3", "9-0-0", "x", "0-0", "0-99999999-0"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct question q = {.name = "connection_show",
				     .args = json_pack("{s:s}", "id", wrong[i])};

		ask(&q);
		assert_int_equal(q.err, -EINVAL);
		assert_true(q.error[0] != '\0');
	}
}

static void a_stream_of_media_is_listed_at_the_port_of_its_worker(void **state)
{
	struct question q = {.name = "connection_list", .args = json_object()};
	size_t          row;

	(void)state;
	host_tcp_connect(&sim.host, 2856, HOST_SESSIONS_MAX);
	sim_pass(&sim, 100000);
	ask(&q);
	assert_int_equal(q.err, 0);
	row = row_of(q.reply, "local", "198.18.0.1:2856");
	assert_int_not_equal(row, SIZE_MAX);
	assert_string_equal(cell(q.reply, row, "state"), "established");
	assert_string_not_equal(cell(q.reply, row, "session"), "");
	assert_memory_equal(cell(q.reply, row, "id"), "1-", 2); /* worker 1 */
	json_decref(q.reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_list_names_who_is_at_the_other_end, begin, end),
		cmocka_unit_test_setup_teardown(a_connection_shows_its_numbers_and_its_record,
						begin, end),
		cmocka_unit_test_setup_teardown(one_that_ended_is_listed_and_shown_among_the_closed,
						begin, end),
		cmocka_unit_test_setup_teardown(
			a_stream_of_media_is_listed_at_the_port_of_its_worker, begin, end),
		cmocka_unit_test_setup_teardown(one_in_time_wait_is_listed_without_an_id, begin,
						end),
		cmocka_unit_test_setup_teardown(an_id_that_nobody_has_is_refused_with_a_remedy,
						begin, end),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
