/*
 * Where peers are whose host is a name: looked up by DNS when they are added, again before an
 * answer expires, and put in force at the dataplane as live data of its world (world.h,
 * world_delta_addresses()). While no server answers, the last good answer stays in use. Control's
 * main thread.
 */
#pragma once

#include "world/world.h"

#include "control.h"

struct resolver;

/* Servers of cpm.yaml's `control: dns`, else of the system. NULL with error filled. */
struct resolver *resolver_new(struct control *c, char error[256]);
void             resolver_free(struct resolver *r);

/* Peers were added, changed or removed. 0 or -errno: it goes on with those it had. */
int resolver_follow(struct resolver *r);

/* Adds to an image what is known of peers. */
void resolver_put(const struct resolver *r, struct world_delta *d);

/* A name of no peer is looked up, in the families that are ours (lookup.h). */
struct lookup_wanted;
struct lookup_result;
void resolver_look_up(struct resolver *r, const struct lookup_wanted                     *wanted,
		      void (*done)(void *user, const struct lookup_result *result), void *user);

/* How things stand with a peer whose host is a name. */
struct resolver_state {
	const char                   *peer, *host;
	const struct world_addresses *known; /* NULL: no answer yet. None in it: it leads nowhere */
	bool                          stale; /* known, but the answer has expired */
	unsigned                      failures; /* look-ups in a row that no server answered */
	const char *why; /* there is no address, or no answer; "" where all is well */
};
/* Lent until the loop turns. False: the peer's host is an address, or a name that `hosts:` fixes.
 */
bool resolver_get(const struct resolver *r, const char *peer, struct resolver_state *state);
/* The i-th of those by name; false beyond the last. */
bool resolver_at(const struct resolver *r, size_t i, struct resolver_state *state);

/* For tests: as if so much time had passed for what is known. */
void resolver_pass(struct resolver *r, uint64_t ms);

/* "198.18.0.2, 198.18.0.3:5070": those that fit in. */
void resolver_text(const struct world_addresses *a, char *room, size_t size);
