#include "test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

/* What a service manager at this abstract name is told; the size, or -1 for nothing. */
static ssize_t told(const char *variable, char room[32])
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int                n = snprintf(a.sun_path + 1, 60, "cpm-notify-test-%d", (int)getpid());
	ssize_t            got;

	assert_int_equal(bind(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
			 0);
	setenv("NOTIFY_SOCKET", variable, 1);
	notify_ready();
	got = recv(fd, room, 32, 0);
	close(fd);
	return got;
}

static void the_manager_is_told_once_that_the_program_is_ready(void **state)
{
	char name[60], room[32];

	(void)state;
	snprintf(name, sizeof(name), "@cpm-notify-test-%d", (int)getpid());
	assert_int_equal(told(name, room), strlen("READY=1"));
	assert_memory_equal(room, "READY=1", strlen("READY=1"));
}

static void a_name_that_is_none_tells_nobody(void **state)
{
	char name[300], room[32];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(told("", room), -1);
	assert_int_equal(told(name, room), -1);
	assert_int_equal(told("/nonexistent/notify", room), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_is_told_once_that_the_program_is_ready),
		cmocka_unit_test(a_name_that_is_none_tells_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
