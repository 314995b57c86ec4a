/*
 * Deliveries: a message that is lent to the worker of a link, from there to its one result. The
 * queue of a link is a list of deliveries, in order; a throttled link holds its queue. A delivery
 * frees nothing: the message stays its home worker's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "msg/msg.h"
#include "proto/proto.h"

struct worker;
struct conn;

#define DELIVERY_NONE UINT32_MAX

struct delivery {
	struct msg *msg;         /* lent; read-only where home is another worker */
	uint64_t    deadline_us; /* latest moment to be sent */
	uint32_t    flight;      /* of the home worker */
	uint32_t    next;        /* in the link's queue, or the free list */
	uint32_t    generation;
	uint32_t    binding; /* registration that it goes to; 0: the session's other side */
	uint32_t order; /* among the deliveries of its link, by which what was throttled goes back
			   to its place; wraps */
	uint16_t home;
	uint8_t  state; /* enum delivery_state */
};

enum delivery_state { DELIVERY_FREE, DELIVERY_QUEUED, DELIVERY_SENT };

struct deliveries {
	struct delivery *table;
	uint32_t         max, free_head;
};

int  deliveries_init(struct deliveries *d, uint32_t max);
void deliveries_free(struct deliveries *d);

/*
 * Take a message for a session of this worker: sent at once, or queued. at: the registration that
 * it goes to, as this turn has found it; NULL: to be looked for by the order. False: not taken,
 * *why says so (SESSION_GONE, QUEUE_FULL, POOL, or what the session said: then *result is filled),
 * and no result will come.
 */
struct delivery_order { /* as it travels between workers */
	struct msg        *msg;
	struct session_ref to;
	uint32_t           binding; /* registration that it goes to; 0: the session's other side */
	uint64_t           deadline_us;
};
bool deliver_accept(struct worker *w, const struct delivery_order *order,
		    const struct proto_target *at, unsigned home, uint32_t flight,
		    struct result *result);

/* The session has an answer to token; or more room; or ended (whatever waits or is open has an
 * unknown or failed result). */
void deliver_result(struct worker *w, struct conn *c, uint64_t token, const struct result *result);
void deliver_pump(struct worker *w, struct conn *c);
void deliver_closed(struct worker *w, struct conn *c);
void deliver_unsent(struct worker *w, struct conn *c); /* of what waits alone */
/* Results for queued messages that waited too long. */
void deliver_expire(struct worker *w, struct conn *c);
/* When the queue is to be looked at again by itself; UINT64_MAX: it is empty. */
uint64_t deliver_due_us(const struct worker *w, const struct conn *c);
