/* The dataplane's management thread against a control that is broken, of another build, or hostile:
 * what is in force stays. */
#include "appliance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/random.h"
#include "ipc/channel.h"
#include "ipc/hello.h"
#include "test.h"

#define ANSWER_MS 5000

static struct appliance   appliance;
static struct ipc_channel channel;

static void connect_raw(void)
{
	char path[128];
	int  fd;

	snprintf(path, sizeof(path), "%s/run/dataplane.sock", appliance.dir);
	fd = ipc_connect(path);
	assert_true(fd >= 0);
	ipc_open(&channel, fd, IPC_TO_CONTROL);
}

static struct ipc_hello greet(uint64_t channel_version)
{
	struct ipc_hello ours = {.channel = channel_version, .objects = ipc_objects_version()},
			 theirs;
	uint8_t            room[1024];
	struct put         w = put_to(room, sizeof(room));
	struct ipc_message in;

	assert_true(ipc_hello_pack(&ours, &w));
	assert_int_equal(ipc_send(&channel, IPC_HELLO, 1, &(struct iovec){room, put_size(&w)}, 1,
				  -1, ANSWER_MS),
			 0);
	assert_int_equal(ipc_receive(&channel, &in, ANSWER_MS), 0);
	assert_int_equal(in.type, IPC_HELLO);
	assert_true(in.fd >= 0);
	assert_true(ipc_hello_unpack(in.body, &theirs));
	ipc_message_done(&in);
	return theirs;
}

/* A world is in force, and control is gone. */
static int start(void **state)
{
	appliance_make(&appliance);
	dataplane_start(&appliance);
	control_start(&appliance);
	until_in_step(&appliance);
	assert_int_equal(
		apply_one(&appliance, CONF_PEER, "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\"}"),
		CHANGE_IN_FORCE);
	control_stop(&appliance);
	connect_raw();
	return 0;
}

static int stop(void **state)
{
	ipc_close(&channel);
	appliance_remove(&appliance);
	return 0;
}

static void is_closed(void)
{
	struct ipc_message in;

	assert_int_equal(ipc_receive(&channel, &in, ANSWER_MS), -ECONNRESET);
}

static enum ipc_type ask(enum ipc_type type, const void *body, size_t n, char text[256])
{
	struct ipc_message in;
	enum ipc_type      answer;

	assert_int_equal(
		ipc_send(&channel, type, 7, &(struct iovec){(void *)body, n}, 1, -1, ANSWER_MS), 0);
	assert_int_equal(ipc_receive(&channel, &in, ANSWER_MS), 0);
	assert_int_equal(in.id, 7);
	str_copy(text, 256, (struct str){(const char *)in.body.p, cur_left(&in.body)});
	answer = in.type;
	ipc_message_done(&in);
	return answer;
}

static enum ipc_type publish(uint64_t version, char text[256])
{
	uint8_t    room[8];
	struct put w = put_to(room, sizeof(room));

	put_be64(&w, version);
	return ask(IPC_PUBLISH, room, sizeof(room), text);
}

/* The same world under the next version. */
static enum ipc_type prepare(uint64_t to, char text[256])
{
	struct world_delta d;
	enum ipc_type      answer;

	world_delta_begin(&d, dataplane_version(&appliance), to);
	assert_true(world_delta_end(&d, dataplane_checksum(&appliance)));
	answer = ask(IPC_PREPARE, d.bytes, d.size, text);
	world_delta_free(&d);
	return answer;
}

static void nothing_is_heard_before_a_hello(void **state)
{
	static const enum ipc_type types[] = {IPC_PREPARE, IPC_IMAGE, IPC_PUBLISH, IPC_ABANDON,
					      IPC_QUERY};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(ipc_send(&channel, types[i], 1, NULL, 0, -1, ANSWER_MS), 0);
		is_closed();
		connect_raw();
	}
}

static void a_control_of_another_build_learns_so_and_is_turned_away(void **state)
{
	struct ipc_hello theirs = greet(ipc_version() ^ 1);

	assert_int_equal(theirs.channel, ipc_version());
	is_closed();
}

static void a_damaged_hello_ends_the_connection(void **state)
{
	assert_int_equal(ipc_send(&channel, IPC_HELLO, 1, &(struct iovec){(char *)"hello", 5}, 1,
				  -1, ANSWER_MS),
			 0);
	is_closed();
}

static void the_hello_says_what_is_in_force(void **state)
{
	struct ipc_hello theirs = greet(ipc_version());

	assert_int_equal(theirs.world_version, dataplane_version(&appliance));
	assert_int_equal(theirs.world_checksum, dataplane_checksum(&appliance));
	assert_int_equal(theirs.workers, 2);
	assert_int_not_equal(theirs.hyperscan[0], '\0');
}

static void what_is_no_delta_is_refused_and_the_connection_lives(void **state)
{
	uint64_t version = dataplane_version(&appliance);
	char     text[256];

	greet(ipc_version());
	assert_int_equal(ask(IPC_PREPARE, "nonsense", 8, text), IPC_REFUSED);
	assert_int_not_equal(text[0], '\0');
	assert_int_equal(ask(IPC_IMAGE, "nonsense", 8, text), IPC_REFUSED);
	assert_int_equal(publish(version + 1, text), IPC_REFUSED);
	assert_string_equal(text, "nothing is prepared with that version");
	assert_int_equal(prepare(version + 1, text), IPC_READY);
	assert_int_equal(publish(version + 2, text), IPC_REFUSED);
	assert_int_equal(publish(version + 1, text), IPC_IN_FORCE);
	assert_int_equal(publish(version + 1, text), IPC_REFUSED);
	assert_int_equal(dataplane_version(&appliance), version + 1);
}

static void the_last_that_was_prepared_counts_until_it_is_abandoned(void **state)
{
	uint64_t version = dataplane_version(&appliance);
	char     text[256];

	greet(ipc_version());
	assert_int_equal(prepare(version + 1, text), IPC_READY);
	assert_int_equal(prepare(version + 5, text), IPC_READY);
	assert_int_equal(publish(version + 1, text), IPC_REFUSED);
	assert_int_equal(publish(version + 5, text), IPC_IN_FORCE);
	assert_int_equal(prepare(version + 6, text), IPC_READY);
	assert_int_equal(ipc_send(&channel, IPC_ABANDON, 2, NULL, 0, -1, ANSWER_MS), 0);
	assert_int_equal(publish(version + 6, text), IPC_REFUSED);
	assert_int_equal(dataplane_version(&appliance), version + 5);
}

static void what_was_prepared_ends_with_its_connection(void **state)
{
	uint64_t version = dataplane_version(&appliance);
	char     text[256];

	greet(ipc_version());
	assert_int_equal(prepare(version + 1, text), IPC_READY);
	ipc_close(&channel);
	connect_raw();
	greet(ipc_version());
	assert_int_equal(publish(version + 1, text), IPC_REFUSED);
	assert_int_equal(dataplane_version(&appliance), version);
}

static void a_damaged_question_is_answered_so(void **state)
{
	char text[256];

	greet(ipc_version());
	assert_int_equal(ask(IPC_QUERY, "echo", 4, text), IPC_REPLY); /* no end of the name */
	assert_string_equal(text + 4, "the question is damaged");
	assert_int_equal(ask(IPC_QUERY, "echo\0{", 6, text), IPC_REPLY);
	assert_string_equal(text + 4, "the question is damaged");
	assert_int_equal(ask(IPC_QUERY, "echo\0{\"a\":1}", 12, text), IPC_REPLY);
	assert_memory_equal(text, "\0\0\0\0", 4);
	assert_string_equal(text + 4, "{\"a\":1}");
}

static void any_bytes_leave_what_is_in_force(void **state)
{
	struct random r;
	uint64_t      version = dataplane_version(&appliance);
	uint8_t       bytes[64];

	random_seed(&r, 20);
	for (int i = 0; i < 500; i++) {
		unsigned n = 1 + random_below(&r, sizeof(bytes));

		for (unsigned b = 0; b < n; b++)
			bytes[b] = (uint8_t)random_next(&r);
		assert_int_equal(send(channel.fd, bytes, n, MSG_NOSIGNAL), n);
		is_closed();
		connect_raw();
	}
	greet(ipc_version());
	assert_int_equal(dataplane_version(&appliance), version);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(nothing_is_heard_before_a_hello),
		T(a_control_of_another_build_learns_so_and_is_turned_away),
		T(a_damaged_hello_ends_the_connection),
		T(the_hello_says_what_is_in_force),
		T(what_is_no_delta_is_refused_and_the_connection_lives),
		T(the_last_that_was_prepared_counts_until_it_is_abandoned),
		T(what_was_prepared_ends_with_its_connection),
		T(a_damaged_question_is_answered_so),
		T(any_bytes_leave_what_is_in_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
