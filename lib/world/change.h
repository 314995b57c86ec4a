/*
 * Inside lib/world: a change being built. Nothing of the older world is written to: a page or
 * bucket is copied at its first change and the original put on the list of what the older world
 * alone uses. What the change made stands on another list. One of the two is freed in the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world/delta.h"
#include "world/index.h"

enum part_kind { PART_BLOCK, PART_PARTY, PART_RULES, PART_RULE_ROUTES };

struct part {
	void          *p;
	enum part_kind kind;
};

struct parts {
	struct part *items;
	size_t       n, room;
};

struct world_change {
	const struct world     *from; /* NULL: the first world */
	struct world           *world;
	struct world_index     *index;  /* of world */
	struct route_edit      *routes; /* NULL: they stay */
	struct parts            made, replaced;
	struct conf_route      *route; /* during the build: one, unpacked into again and again */
	struct conf_subscriber *subscriber; /* likewise */
	uint32_t hints[2]; /* CONF_ACCOUNT, CONF_PEER: no slot below is free in both worlds */
	unsigned scratches;
	bool     image;      /* everything is new, all of `from` is replaced */
	bool     rules_kept; /* an image brought the same rules: `from` must leave them alone */
	bool     parties_changed, rules_changed, addresses_changed;
	bool     erases; /* a subscriber was removed */
	char    *gone;   /* world_change_take_gone() */
	size_t   gone_size;
	char    *error; /* [256] */
};

/* Fills error; returns false, so that a refusal is one line. */
bool change_refuse(struct world_change *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool change_short_of_memory(struct world_change *c);

/* Puts p on a list; takes p also when it fails, being short of memory. */
bool change_made(struct world_change *c, enum part_kind kind, void *p);
/* p is no longer in the new world. */
bool change_replaced(struct world_change *c, enum part_kind kind, const void *p);
void world_parts_free(struct parts *parts); /* and what is on the list */
void parts_forget(struct parts *parts);     /* the list alone */

static inline struct world_parties *change_parties(struct world_change *c, enum conf_kind kind)
{
	return kind == CONF_ACCOUNT ? &c->index->accounts : &c->index->peers;
}

/* Store, replace or (NULL) clear the party of a slot; uses are kept. */
bool pages_set(struct world_change *c, struct world_parties *parties, uint32_t slot,
	       const struct world_party *party);
/* Of a peer; NULL: none. Those it had are put on the list of what was replaced. */
bool pages_addresses(struct world_change *c, uint32_t slot,
		     const struct world_addresses *addresses);
/* One more or one less place in a route that leads to the slot. */
bool     pages_use(struct world_change *c, struct world_parties *parties, uint32_t slot, int by);
uint32_t pages_uses(const struct world_parties *parties, uint32_t slot);
bool     buckets_add(struct world_change *c, struct world_bucket *buckets[], uint64_t hash,
		     uint32_t slot);
bool     buckets_remove(struct world_change *c, struct world_bucket *buckets[], uint64_t hash,
			uint32_t slot);

/* The parts of a build; each false when it refused, error filled. */
bool parties_put(struct world_change *c, const struct delta_op *op, bool known);
bool parties_remove(struct world_change *c, const struct delta_op *op);
bool parties_check_logins(struct world_change *c);
bool addresses_apply(struct world_change *c, const struct delta_op *op);
/* A peer was put in its slot; before: the one of its name in the older world, or NULL. */
bool addresses_follow(struct world_change *c, const struct world_peer *peer,
		      const struct world_peer *before);
bool routes_apply(struct world_change *c, const struct delta_op *op);
/* Subscribers put and removed; then, when all are, the names under which they register. */
bool subscribers_apply(struct world_change *c, const struct delta_op *op);
bool subscribers_name(struct world_change *c, const struct delta_op *op);
bool rules_apply(struct world_change *c, struct cur image);
/* Where the rules' routes lead in the new world. */
bool rules_resolve(struct world_change *c);
/* A target by name: a peer, else an account. */
bool routes_target(struct world_change *c, const char *name, struct route_target *t);
