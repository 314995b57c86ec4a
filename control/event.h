/* Control's loop: one thread, epoll; descriptors that become readable, and timers. All calls on
 * that thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_loop;

struct event_loop *event_loop_new(void); /* NULL: errno says why */
void               event_loop_free(struct event_loop *l);

/* Calls ready(user) on each turn in which fd is readable or has failed. 0 or -errno. */
int event_watch(struct event_loop *l, int fd, void (*ready)(void *user), void *user);
/* From now on ready() is called when fd, which is watched, is one of these; at first, readable. */
void event_want(struct event_loop *l, int fd, bool readable, bool writable);
/* Before fd is closed; no further call comes, not even in the same turn. */
void event_unwatch(struct event_loop *l, int fd);

/* Calls due(user) every ms milliseconds from now on, for as long as the loop lives. 0 or -errno. */
int event_every(struct event_loop *l, unsigned ms, void (*due)(void *user), void *user);

/* Until event_loop_stop(). 0 or -errno. */
int  event_loop_run(struct event_loop *l);
void event_loop_stop(struct event_loop *l);
/* One turn: what is ready now, or within timeout_ms. */
int event_loop_turn(struct event_loop *l, int timeout_ms);
