#include "event.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/list.h"

#define TURN_MAX 64

struct watch {
	struct list node;
	int         fd;
	bool        timer; /* the descriptor is ours, and its count must be read */
	void (*ready)(void *user);
	void *user;
};

struct event_loop {
	int         epoll;
	bool        stopping;
	struct list watches;
	struct list ended; /* freed at the end of the turn: an event of this turn may still point to
			      them */
};

struct event_loop *event_loop_new(void)
{
	struct event_loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	list_init(&l->watches);
	list_init(&l->ended);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll >= 0)
		return l;
	free(l);
	return NULL;
}

static void free_all(struct list *head)
{
	while (!list_empty(head)) {
		struct watch *w = list_entry(head->next, struct watch, node);

		list_remove(&w->node);
		if (w->timer && w->fd >= 0)
			close(w->fd);
		free(w);
	}
}

void event_loop_free(struct event_loop *l)
{
	if (l == NULL)
		return;
	free_all(&l->watches);
	free_all(&l->ended);
	close(l->epoll);
	free(l);
}

static int watch_add(struct event_loop *l, int fd, bool timer, void (*ready)(void *), void *user)
{
	struct watch      *w = calloc(1, sizeof(*w));
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = w};

	if (w == NULL)
		return -ENOMEM;
	*w = (struct watch){.fd = fd, .timer = timer, .ready = ready, .user = user};
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		free(w);
		return -errno;
	}
	list_append(&l->watches, &w->node);
	return 0;
}

int event_watch(struct event_loop *l, int fd, void (*ready)(void *user), void *user)
{
	return watch_add(l, fd, false, ready, user);
}

void event_want(struct event_loop *l, int fd, bool readable, bool writable)
{
	for (struct list *n = l->watches.next; n != &l->watches; n = n->next) {
		struct watch      *w = list_entry(n, struct watch, node);
		struct epoll_event e = {.events = (readable ? (uint32_t)EPOLLIN : 0) |
						  (writable ? (uint32_t)EPOLLOUT : 0),
					.data.ptr = w};

		if (w->fd != fd)
			continue;
		epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e);
		return;
	}
}

void event_unwatch(struct event_loop *l, int fd)
{
	for (struct list *n = l->watches.next; n != &l->watches; n = n->next) {
		struct watch *w = list_entry(n, struct watch, node);

		if (w->fd != fd)
			continue;
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
		w->ready = NULL;
		list_remove(&w->node);
		list_append(&l->ended, &w->node);
		return;
	}
}

int event_every(struct event_loop *l, unsigned ms, void (*due)(void *user), void *user)
{
	struct timespec   period = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	struct itimerspec t = {period, period};
	int               fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int               err;

	if (fd < 0)
		return -errno;
	err = timerfd_settime(fd, 0, &t, NULL) < 0 ? -errno : watch_add(l, fd, true, due, user);
	if (err < 0)
		close(fd);
	return err;
}

static void call(struct watch *w)
{
	uint64_t times;

	if (w->ready == NULL) /* ended earlier in this turn */
		return;
	if (w->timer && read(w->fd, &times, sizeof(times)) < 0)
		return;
	w->ready(w->user);
}

int event_loop_turn(struct event_loop *l, int timeout_ms)
{
	struct epoll_event e[TURN_MAX];
	int                n = epoll_wait(l->epoll, e, TURN_MAX, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		call(e[i].data.ptr);
	free_all(&l->ended);
	return 0;
}

int event_loop_run(struct event_loop *l)
{
	int err = 0;

	while (!l->stopping && err == 0)
		err = event_loop_turn(l, -1);
	return err;
}

void event_loop_stop(struct event_loop *l)
{
	l->stopping = true;
}
