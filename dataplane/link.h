/*
 * Links: sessions that take messages from us, of peers (connections that we make) and of accounts
 * (their receiver-capable binds). Each publishes one cache line, written by the worker that owns
 * the session and read by every worker and by `route explain`.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "msg/msg.h"
#include "route/route.h"
#include "world/world.h"

#define LINKS_PER_TARGET 64u /* connections of a peer; published receivers of an account */

struct link_line {
	_Atomic uint64_t session; /* struct session_ref as 64 bits; stored before the bit in the
				     group's mask */
	_Atomic uint64_t throttled_until_us;
	_Atomic uint32_t queued; /* messages that wait; written at the end of a turn */
	_Atomic uint32_t queue_max;
	_Atomic uint32_t window_used;
} __attribute__((aligned(64)));

/* All links of one peer or account. */
struct link_group {
	_Atomic uint64_t up; /* bit k: line k is up; release after the line is written, pairs with
				the acquire in link_choose() */
	_Atomic uint64_t taken; /* bit k: line k has an owner */
	uint8_t          unused[48];
	struct link_line lines[LINKS_PER_TARGET];
} __attribute__((aligned(64)));

struct link_lines {
	struct link_group *peers;    /* [WORLD_PEERS_MAX] */
	struct link_group *accounts; /* [WORLD_ACCOUNTS_MAX] */
};

/* Both: zeroed pages, touched only where there are links. */
struct link_lines *link_lines_new(void);
void               link_lines_free(struct link_lines *lines);

struct link_group *link_group(const struct link_lines *lines, const struct route_target *target);

/* A free line of the group for a new session, or -1: all are taken. Any worker. */
int link_take(struct link_group *group);
/* A peer's connection k has line k. */
void link_up(struct link_group *group, unsigned k, struct session_ref ref, uint32_t queue_max);
void link_down(struct link_group *group, unsigned k);    /* no more messages come */
void link_release(struct link_group *group, unsigned k); /* after link_down(): the line is free */

/*
 * The link of the group for a recipient: rendezvous hash of `to` over the links that are up, so a
 * recipient keeps its link while links stay. NULL: none is up. Pure over the lines.
 */
struct link_line *link_choose(struct link_group *group, struct str to);

static inline uint64_t session_ref_pack(struct session_ref r)
{
	return (uint64_t)r.index << 32 | (uint64_t)r.generation << 16 | (uint64_t)r.worker << 8 |
	       r.protocol;
}

static inline struct session_ref session_ref_unpack(uint64_t v)
{
	return (struct session_ref){(uint32_t)(v >> 32), (uint16_t)(v >> 16), (uint8_t)(v >> 8),
				    (uint8_t)v};
}
