#include "test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

/* What a service manager at this abstract name is told; the size, or -1 for nothing. */
static ssize_t told(const char *variable, const char *state, char room[32])
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int                n = snprintf(a.sun_path + 1, 60, "cpm-notify-test-%d", (int)getpid());
	ssize_t            got;

	assert_int_equal(bind(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
			 0);
	setenv("NOTIFY_SOCKET", variable, 1);
	notify(state);
	got = recv(fd, room, 32, 0);
	close(fd);
	return got;
}

static void the_manager_is_told_each_state_as_it_is(void **state)
{
	static const char *const states[] = {NOTIFY_READY, NOTIFY_ALIVE};
	char                     name[60], room[32];

	(void)state;
	snprintf(name, sizeof(name), "@cpm-notify-test-%d", (int)getpid());
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(told(name, states[i], room), strlen(states[i]));
		assert_memory_equal(room, states[i], strlen(states[i]));
	}
}

static void a_name_that_is_none_tells_nobody(void **state)
{
	char name[300], room[32];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(told("", NOTIFY_READY, room), -1);
	assert_int_equal(told(name, NOTIFY_READY, room), -1);
	assert_int_equal(told("/nonexistent/notify", NOTIFY_READY, room), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_is_told_each_state_as_it_is),
		cmocka_unit_test(a_name_that_is_none_tells_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
