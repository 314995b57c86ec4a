/* Between control and the dataplane: passes frames and their descriptors on, and cuts both
 * connections instead of passing on the frame it is told. */
#pragma once

struct proxy;

/* Listens at `from`; each connection is passed on to `to`. */
struct proxy *proxy_start(const char *from, const char *to);
void          proxy_stop(struct proxy *p);
/* The n-th frame from now on (1: the next), of both directions together, is not passed on: both
 * connections end. 0: none. */
void     proxy_cut(struct proxy *p, unsigned n);
unsigned proxy_frames(const struct proxy *p); /* passed on since proxy_cut() */
