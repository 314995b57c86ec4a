/*
 * The published world: routes, rules, accounts, peers and subscribers, reached from one pointer
 * that workers read once per turn under RCU. A world is immutable and persistent: a delta makes the
 * next one, sharing what it does not change.
 *
 * What workers change (buckets, link states, counters) is not here but in slabs of the dataplane,
 * by the slot number that an account or peer keeps for as long as its name exists. Look-ups: any
 * thread that may read the world. world_build_*(): the writer only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "conf/model.h"
#include "route/route.h"
#include "rules/rules.h"
#include "world/address.h"
#include "world/subscriber.h"

#define WORLD_ACCOUNTS_MAX 16384u
#define WORLD_PEERS_MAX 4096u

struct world_account {
	uint32_t                   slot;
	struct str                 name; /* lent with the account */
	const struct conf_account *conf;
};

struct world_peer {
	uint32_t                slot;
	struct str              name;
	const struct conf_peer *conf;
};

struct world {
	uint64_t version;
	uint64_t checksum; /* of all objects: equal on both sides when they are in step */
	const struct route_table *routes; /* NULL: none */
	const struct rules       *rules;  /* NULL: none */
	uint64_t parties_version; /* of the world in which an account or peer last changed: sessions
				     follow it */
	uint64_t rules_version;   /* of the world in which the rules last changed: numbers of rules
				     and of their routes hold for it */
	uint64_t addresses_made;  /* number of the change in which addresses of peers last changed:
				     sessions follow that too. They are no part of a version */
	uint32_t                  account_slots, peer_slots; /* one above the highest slot in use */
	const struct world_index *index;                     /* names to objects; for world.c */
};

const struct world_account *world_account(const struct world *w,
					  uint32_t            slot); /* NULL: nobody has the slot */
const struct world_peer    *world_peer(const struct world *w, uint32_t slot);
/* Where the peer's host, being a name, is found. NULL: not known; none in it: the name leads
 * nowhere. */
const struct world_addresses *world_peer_addresses(const struct world *w, uint32_t slot);
const struct world_account   *world_account_find(const struct world *w, struct str name);
const struct world_peer      *world_peer_find(const struct world *w, struct str name);
/* Who logs in so: by protocol and domain or system_id (or the name where it has neither). */
const struct world_account *world_account_login(const struct world *w, uint8_t protocol,
						struct str identity);
/* May the account use this sender (normal form)? Empty list: all. Pure, bounded by the list. */
bool world_sender_allowed(const struct world_account *a, struct str from);
/* Does the secret fit what is stored (CONF_SECRET_SHA256)? One SHA-256, constant-time comparison.
 */
bool world_secret_fits(const struct conf_secret *stored, struct str secret);
/* Is the proof SHA-1 of the challenge and the secret, in lower-case hexadecimal (XEP-0114)? For
 * CONF_SECRET_PLAIN; constant-time comparison. */
bool world_secret_proves(const struct conf_secret *stored, struct str challenge, struct str proof);
/* Targets of the rules' route action number `route`, resolved. */
const struct route_set *world_rule_route(const struct world *w, uint32_t route);
/* The slab slot (0 .. WORLD_RULE_LIMITS_MAX - 1) of the rules' limit, kept across versions by the
 * limit's name. */
#define WORLD_RULE_LIMITS_MAX 4096u
uint32_t world_rule_limit_slot(const struct world *w, uint32_t limit);

/*
 * A delta: a list of operations in bytes, made by control with world_delta_*(), applied by the
 * dataplane. An image is a delta against nothing. header: magic, format, from version (0: image),
 * to version, checksum after it, size of all; then operations {PUT kind object | REMOVE kind id |
 *   RULES image | ADDRESSES peer and where it is found}; then a hash of all bytes. All of that is
 * verified before any of it is used. Addresses are live data: they count in no checksum, a delta of
 * them alone leads to the version that it comes from, and an image that says nothing of a peer's
 * leaves those that are known of the same host.
 * The order of the operations does not matter: accounts and peers are put first and removed last,
 * so a delta may bring a route with its target, or remove both. A name stands once in a delta. A
 * route's target is the peer of that name, else the account; "registered" is neither.
 */
struct world_delta {
	uint8_t *bytes; /* owned, grows */
	size_t   size, room;
	bool     failed; /* memory was short */
};
void world_delta_begin(struct world_delta *d, uint64_t from_version, uint64_t to_version);
void world_delta_put(
	struct world_delta *d, enum conf_kind kind,
	const void *object); /* struct conf_account etc.; CONF_RULE is not shipped singly */
void world_delta_remove(struct world_delta *d, enum conf_kind kind,
			const char *id); /* conf_object_id() */
void world_delta_rules(struct world_delta *d, const uint8_t *image,
		       size_t size); /* size 0: no rules */
void world_delta_addresses(struct world_delta *d, const char *peer,
			   const struct world_addresses *addresses);
bool world_delta_end(struct world_delta *d, uint64_t checksum_after);
void world_delta_free(struct world_delta *d);

/*
 * Order-independent checksum of objects, kept up to date by addition and subtraction: sum of the
 * 64-bit digest of each packed object (SipHash with a fixed key: it finds drift, not forgery) and
 * of the rules' image. Not for CONF_RULE; no allocation, 72 KiB of stack.
 */
uint64_t world_object_digest(enum conf_kind kind, const void *object);
uint64_t world_rules_digest(const uint8_t *image, size_t size);

/*
 * Build the next world aside. from NULL: delta must be an image. NULL with error filled: refused
 * (damaged, unknown target, limits, rule image of another platform); from stays as it was.
 * scratches: for rules_load().
 */
struct world_change;
struct world_change *world_change_build(const struct world *from, struct cur delta,
					unsigned scratches, char error[256]);
const struct world  *world_change_world(const struct world_change *c); /* to publish */
/* Did the delta remove a subscriber? Then what is kept elsewhere of the world before it must go. */
bool world_change_erases(const struct world_change *c);
/* The addresses of record that belong to nobody, or to somebody else, by the change: texts that end
 * in NUL, *size bytes. The caller frees them; NULL: none. */
char *world_change_take_gone(struct world_change *c, size_t *size);
void world_change_reclaim(struct world_change *c); /* published and a grace period has passed: frees
						      what only the old one used */
void world_change_abandon(
	struct world_change *c);        /* not published: frees what only the new one used */
void world_free(const struct world *w); /* at the end; nobody reads */

/* The whole world as an image (for state_dir/world.img): objects and rules. Caller frees d. */
bool world_to_image(const struct world *w, struct world_delta *d);
