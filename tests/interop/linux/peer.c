/*
 * The kernel's end of an interop run: the tests of app.h over sockets.
 *
 *   peer listen|connect ADDRESS PORT TEST [bytes=N] [count=N] [parallel=N] [congestion=NAME]
 * [half=1]
 *
 * Prints "ready", and "done ..." with what app_print() says and the kernel's retransmissions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app.h"

#define FDS_MAX 65536u
#define SOURCES 8u /* addresses from ours on, for more connections than one has ports */

static struct {
	struct app          app;
	struct sockaddr_in6 address;
	socklen_t           address_size;
	const char         *congestion;
	int                 epoll, listener;
	bool                reset[FDS_MAX]; /* a read has said so: the socket forgets it then */
	struct app_conn    *conns[FDS_MAX]; /* by file descriptor, which is the handle */
	uint64_t            retransmits, segments;
	uint64_t            started_us;
} peer;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void fail(const char *what)
{
	printf("failed: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void retransmits_add(int fd)
{
	struct tcp_info info;
	socklen_t       size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
		peer.retransmits += info.tcpi_total_retrans;
		peer.segments += info.tcpi_segs_out;
	}
}

static int socket_new(void)
{
	int fd = socket(peer.address.sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || fd >= (int)FDS_MAX)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (peer.congestion != NULL && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, peer.congestion,
						  (socklen_t)strlen(peer.congestion)) < 0)
		fail(peer.congestion);
	return fd;
}

static void watch(int fd)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, .data.fd = fd};

	if (epoll_ctl(peer.epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("epoll_ctl");
}

static void forget(int fd, bool reset, bool failed)
{
	struct app_conn *c = peer.conns[fd];

	app_closed(&peer.app, c, reset || peer.reset[fd], failed);
	peer.conns[fd] = NULL;
	peer.reset[fd] = false;
}

static bool io_connect(void *context, struct app_conn *c)
{
	int fd = socket_new();

	(void)context;
	c->handle = (uint32_t)fd;
	peer.conns[fd] = c;
	if (connect(fd, (struct sockaddr *)&peer.address, peer.address_size) < 0 &&
	    errno != EINPROGRESS)
		fail("connect");
	watch(fd);
	return true;
}

static size_t io_send(void *context, uint32_t fd, const void *bytes, size_t n)
{
	ssize_t sent = send((int)fd, bytes, n, MSG_NOSIGNAL);

	(void)context;
	return sent > 0 ? (size_t)sent : 0;
}

static long io_receive(void *context, uint32_t fd, void *room, size_t n)
{
	ssize_t got = recv((int)fd, room, n, 0);

	(void)context;
	if (got < 0 && errno == ECONNRESET) {
		peer.reset[fd] = true;
		return -1;
	}
	return got > 0 ? got : got == 0 ? -1 : 0;
}

static void io_end(void *context, uint32_t fd)
{
	(void)context;
	shutdown((int)fd, SHUT_WR);
}

/* An orderly end is waited for by nobody: the kernel sends the rest. */
static void io_close(void *context, uint32_t fd, bool abort)
{
	struct linger at_once = {1, 0};

	(void)context;
	retransmits_add((int)fd);
	if (abort)
		setsockopt((int)fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close((int)fd);
	forget((int)fd, false, false);
}

static void accept_all(void)
{
	int fd;

	while ((fd = accept4(peer.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		int              on = 1;
		struct app_conn *c;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (peer.app.opened == 0)
			peer.started_us = now_us();
		watch(fd);
		c = app_accepted(&peer.app, (uint32_t)fd);
		if (c == NULL)
			fail("too many connections");
		peer.conns[fd] = c;
		app_opened(&peer.app, c);
	}
}

/* The error of a socket that failed; 0: none. */
static int error_of(int fd)
{
	int       error = 0;
	socklen_t size = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

static void ready(int fd, uint32_t events)
{
	struct app_conn *c = peer.conns[fd];

	if (c == NULL)
		return;
	if ((events & EPOLLERR) != 0) {
		int error = error_of(fd);

		errno = error;
		if (error != ECONNRESET && error != EPIPE)
			fprintf(stderr, "connection %u: %s\n", c->number, strerror(error));
		retransmits_add(fd);
		close(fd);
		forget(fd, error == ECONNRESET || error == EPIPE, error == 0 || !c->open);
		return;
	}
	if (!c->open && (events & EPOLLOUT) != 0)
		app_opened(&peer.app, c);
	else
		app_ready(&peer.app, c);
}

static void options_read(struct app_config *config, int argc, char **argv)
{
	for (int i = 5; i < argc; i++) {
		unsigned long long value;
		static char        name[16];

		if (sscanf(argv[i], "bytes=%llu", &value) == 1)
			config->bytes = value;
		else if (sscanf(argv[i], "count=%llu", &value) == 1)
			config->count = (uint32_t)value;
		else if (sscanf(argv[i], "parallel=%llu", &value) == 1)
			config->parallel = (uint32_t)value;
		else if (sscanf(argv[i], "half=%llu", &value) == 1)
			config->half_closer = value != 0;
		else if (sscanf(argv[i], "congestion=%15s", name) == 1)
			peer.congestion = name;
	}
}

static void address_read(const char *text, const char *port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&peer.address;

	if (strchr(text, ':') != NULL) {
		peer.address.sin6_family = AF_INET6;
		peer.address.sin6_port = htons((uint16_t)atoi(port));
		peer.address_size = sizeof(peer.address);
		if (inet_pton(AF_INET6, text, &peer.address.sin6_addr) != 1)
			fail(text);
		return;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(port));
	peer.address_size = sizeof(*in);
	if (inet_pton(AF_INET, text, &in->sin_addr) != 1)
		fail(text);
}

static void begin(const struct app_config *config)
{
	const struct app_io io = {io_connect, io_send, io_receive, io_end, io_close, NULL};

	peer.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!app_new(&peer.app, config, &io))
		fail("memory");
	if (!config->connector) {
		peer.listener = socket_new();
		if (bind(peer.listener, (struct sockaddr *)&peer.address, peer.address_size) < 0 ||
		    listen(peer.listener, 4096) < 0)
			fail("listen");
		watch(peer.listener);
	}
	puts("ready");
	fflush(stdout);
	peer.started_us = now_us();
}

int main(int argc, char **argv)
{
	struct app_config  config = {.bytes = 1 << 20, .count = 1, .parallel = 1, .seed = 1};
	struct epoll_event events[256];
	int                test = argc > 4 ? app_test(argv[4]) : -1;

	if (test < 0) {
		fputs("usage: peer listen|connect ADDRESS PORT TEST [KEY=VALUE...]\n", stderr);
		return 2;
	}
	config.test = (enum app_test)test;
	config.connector = strcmp(argv[1], "connect") == 0;
	options_read(&config, argc, argv);
	address_read(argv[2], argv[3]);
	begin(&config);
	while (!app_done(&peer.app)) {
		int n;

		app_connect(&peer.app);
		n = epoll_wait(peer.epoll, events, 256, 1000);
		for (int i = 0; i < n; i++) {
			if (!config.connector && events[i].data.fd == peer.listener)
				accept_all();
			else
				ready(events[i].data.fd, events[i].events);
		}
	}
	app_print(&peer.app, now_us() - peer.started_us);
	printf(" retransmits=%llu segments=%llu\n", (unsigned long long)peer.retransmits,
	       (unsigned long long)peer.segments);
	app_free(&peer.app);
	return peer.app.failed > 0;
}
