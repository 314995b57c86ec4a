#include "proxy.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/channel.h"

#include "test.h"

struct proxy {
	char             to[128];
	int              listener, stop;
	int              ends[2]; /* control's, the dataplane's; -1 */
	pthread_t        thread;
	_Atomic unsigned cut, passed;
	uint8_t          frame[IPC_FRAME_SIZE];
};

static void cut_both(struct proxy *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->ends[i] >= 0)
			close(p->ends[i]);
		p->ends[i] = -1;
	}
}

/* One frame from one end to the other; false: the connection has ended. */
static bool pass(struct proxy *p, int from, int to)
{
	char          room[CMSG_SPACE(sizeof(int))];
	struct iovec  vec = {p->frame, sizeof(p->frame)};
	struct msghdr m = {.msg_iov = &vec,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};
	ssize_t       n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	int           fd = -1;
	bool          cut;

	if (n <= 0)
		return false;
	if (m.msg_controllen > 0)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	cut = p->cut > 0 && --p->cut == 0;
	vec.iov_len = (size_t)n;
	if (!cut && sendmsg(to, &m, MSG_NOSIGNAL) < 0)
		cut = true;
	p->passed += !cut;
	if (fd >= 0)
		close(fd);
	return !cut;
}

static void take_connection(struct proxy *p)
{
	int fd = accept(p->listener, NULL, NULL);

	cut_both(p);
	p->ends[0] = fd;
	p->ends[1] = ipc_connect(p->to);
	if (p->ends[1] < 0)
		cut_both(p);
}

static void *run(void *user)
{
	struct proxy *p = user;

	for (;;) {
		struct pollfd f[4] = {{.fd = p->listener, .events = POLLIN},
				      {.fd = p->stop, .events = POLLIN},
				      {.fd = p->ends[0], .events = POLLIN},
				      {.fd = p->ends[1], .events = POLLIN}};

		poll(f, 4, -1);
		if (f[1].revents != 0)
			return NULL;
		if (f[2].revents != 0 && !pass(p, p->ends[0], p->ends[1]))
			cut_both(p);
		else if (f[3].revents != 0 && p->ends[1] >= 0 && !pass(p, p->ends[1], p->ends[0]))
			cut_both(p);
		if (f[0].revents != 0)
			take_connection(p);
	}
}

struct proxy *proxy_start(const char *from, const char *to)
{
	struct proxy *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->to, sizeof(p->to), "%s", to);
	p->ends[0] = p->ends[1] = -1;
	p->listener = ipc_listen(from);
	p->stop = eventfd(0, EFD_CLOEXEC);
	assert_true(p->listener >= 0 && p->stop >= 0);
	assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
	return p;
}

void proxy_stop(struct proxy *p)
{
	uint64_t one = 1;

	assert_int_equal(write(p->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(p->thread, NULL);
	cut_both(p);
	close(p->listener);
	close(p->stop);
	free(p);
}

void proxy_cut(struct proxy *p, unsigned n)
{
	p->passed = 0;
	p->cut = n;
}

unsigned proxy_frames(const struct proxy *p)
{
	return p->passed;
}
