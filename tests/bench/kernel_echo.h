/*
 * The kernel's side of the comparison: an epoll echo server and a client of many connections on
 * loopback sockets, a thread each. Counted is CPU time by getrusage, the kernel's own included.
 * What the kernel does for a received packet runs in the time of the side that sent it, so the sum
 * of both sides says more than the server's share; both are told.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

#define KERNEL_NODELAY                                                                             \
	1 /* TCP_NODELAY of the kernel, whose header names a struct as ours is named */
#define KERNEL_EVENTS 512
#define KERNEL_ROOM 65536
#define KERNEL_PER_ADDRESS 25000u /* connections from each of 127.0.0.2 and up */

struct kernel_echo {
	unsigned      connections, outstanding, size; /* requests of so many bytes */
	double        seconds;
	int           listener, epoll;
	int          *accepted_fds;
	atomic_bool   stop;
	atomic_uint   accepted;
	atomic_ullong answered;                   /* requests */
	double        server_cpu_s, client_cpu_s; /* of the measured time */
};

static inline double kernel_cpu_s(void)
{
	struct rusage u;

	ASSERT(getrusage(RUSAGE_THREAD, &u) == 0);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static inline double kernel_clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void kernel_watch(int epoll, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	ASSERT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0);
}

static inline void kernel_nodelay(int fd)
{
	int one = 1;

	ASSERT(setsockopt(fd, IPPROTO_TCP, KERNEL_NODELAY, &one, sizeof(one)) == 0);
}

static inline void kernel_accept(struct kernel_echo *k)
{
	for (int fd; (fd = accept4(k->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
		kernel_nodelay(fd);
		kernel_watch(k->epoll, fd);
		k->accepted_fds[atomic_fetch_add(&k->accepted, 1)] = fd;
	}
}

static inline void *kernel_server(void *user)
{
	static char         room[KERNEL_ROOM];
	struct kernel_echo *k = user;
	struct epoll_event  events[KERNEL_EVENTS];
	unsigned long long  before = 0;
	double              start = 0;

	while (!atomic_load(&k->stop)) {
		int n = epoll_wait(k->epoll, events, KERNEL_EVENTS, 100);

		for (int i = 0; i < n; i++) {
			ssize_t got;

			if (events[i].data.fd == k->listener) {
				kernel_accept(k);
				continue;
			}
			got = read(events[i].data.fd, room, sizeof(room));
			if (got > 0)
				ASSERT(write(events[i].data.fd, room, (size_t)got) == got);
		}
		if (before == 0 && atomic_load(&k->answered) > 0) { /* all are connected */
			before = 1;
			start = kernel_cpu_s();
		}
	}
	k->server_cpu_s = kernel_cpu_s() - start;
	return NULL;
}

static inline bool kernel_listen(struct kernel_echo *k, struct sockaddr_in *to)
{
	socklen_t size = sizeof(*to);

	*to = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	k->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k->listener < 0 || k->epoll < 0 ||
	    bind(k->listener, (struct sockaddr *)to, sizeof(*to)) < 0 ||
	    listen(k->listener, 4096) < 0 ||
	    getsockname(k->listener, (struct sockaddr *)to, &size) < 0)
		return false;
	kernel_watch(k->epoll, k->listener);
	return true;
}

static inline int kernel_connect(unsigned index, const struct sockaddr_in *to)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr.s_addr =
					   htonl(INADDR_LOOPBACK + 1 + index / KERNEL_PER_ADDRESS)};
	int                one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	kernel_nodelay(fd);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Each answer that is complete is followed by the next request. */
static inline void kernel_client(struct kernel_echo *k, const int fds[])
{
	static char         room[KERNEL_ROOM];
	struct epoll_event  events[KERNEL_EVENTS];
	unsigned long long *bytes = calloc(k->connections, sizeof(*bytes));
	int                 epoll = epoll_create1(EPOLL_CLOEXEC);
	double              end, cpu = kernel_cpu_s();

	ASSERT(bytes != NULL && epoll >= 0);
	for (unsigned i = 0; i < k->connections; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
		size_t             first = (size_t)k->outstanding * k->size;

		ASSERT(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e) == 0);
		ASSERT(write(fds[i], room, first) == (ssize_t)first);
	}
	end = kernel_clock_s() + k->seconds;
	while (kernel_clock_s() < end) {
		int n = epoll_wait(epoll, events, KERNEL_EVENTS, 100);

		for (int i = 0; i < n; i++) {
			unsigned           c = events[i].data.u32;
			ssize_t            got = read(fds[c], room, sizeof(room));
			unsigned long long done;

			ASSERT(got > 0);
			done = (bytes[c] + (unsigned long long)got) / k->size - bytes[c] / k->size;
			bytes[c] += (unsigned long long)got;
			if (done > 0)
				ASSERT(write(fds[c], room, done * k->size) ==
				       (ssize_t)(done * k->size));
			atomic_fetch_add(&k->answered, done);
		}
	}
	k->client_cpu_s = kernel_cpu_s() - cpu;
	close(epoll);
	free(bytes);
}

/* How many connections of both ends this process may hold. */
static inline unsigned kernel_connections_max(void)
{
	struct rlimit limit = {1u << 20, 1u << 20};

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) { /* root may */
		ASSERT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return (unsigned)(limit.rlim_cur - 100) / 2;
}

/* With fewer connections where the process may not hold so many files. */
static inline void kernel_echo_run(struct kernel_echo *k)
{
	struct sockaddr_in to;
	pthread_t          server;
	unsigned           open = 0, most = kernel_connections_max();
	int               *fds = calloc(k->connections, sizeof(*fds));

	if (k->connections > most)
		k->connections = most;
	k->accepted_fds = calloc(k->connections, sizeof(*fds));
	ASSERT(fds != NULL && k->accepted_fds != NULL && kernel_listen(k, &to));
	ASSERT(pthread_create(&server, NULL, kernel_server, k) == 0);
	for (; open < k->connections; open++) {
		fds[open] = kernel_connect(open, &to);
		ASSERT(fds[open] >= 0);
	}
	while (atomic_load(&k->accepted) < open)
		usleep(1000);
	kernel_client(k, fds);
	atomic_store(&k->stop, true);
	pthread_join(server, NULL);
	for (unsigned i = 0; i < open; i++) {
		struct linger now = {1, 0}; /* a reset: no TIME_WAIT is left to the next run */

		setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fds[i]);
	}
	for (unsigned i = 0; i < atomic_load(&k->accepted); i++)
		close(k->accepted_fds[i]);
	close(k->listener);
	close(k->epoll);
	free(k->accepted_fds);
	free(fds);
}
