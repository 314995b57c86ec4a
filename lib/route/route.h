/*
 * Routes: exact number or address, else longest prefix or domain, then priority, then targets with
 * weights and fail-over. A table is persistent: a change copies only the nodes on its path and
 * shares the rest with the older table, so that readers under RCU go on undisturbed.
 *
 * route_find() and route_order(): any thread, on a table that it may read. route_edit_*(): the
 * writer only (the management thread).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define ROUTE_TARGETS_MAX 16u
#define ROUTE_CHOICES_MAX 16u /* routes to one destination: more could never all be tried */
#define ROUTE_TO_MAX 121u     /* bytes of a destination as written */

enum route_target_kind {
	ROUTE_PEER,
	ROUTE_ACCOUNT,
	ROUTE_REGISTERED /* what the recipient has registered itself; slot 0 */
};

struct route_target {
	uint32_t slot; /* of the peer or account */
	uint16_t weight;
	uint8_t  kind; /* enum route_target_kind */
	uint8_t  unused;
};

struct route_choice { /* one configured route */
	uint16_t            priority;
	uint8_t             count;
	bool                weighted;
	struct route_target targets[];
};

/*
 * All routes to one destination, by rising priority. Immutable; one allocation holds its choices
 * and `to` too, because with one target it then fits a cache line.
 */
struct route_set {
	uint16_t    count;
	uint8_t     to_size;
	uint8_t     made_high; /* route's own: number of the edit that made it */
	uint32_t    made_low;
	const char *to; /* as written: "+4670", "=71234", "sip:*@ims.example" ..., NUL-terminated;
			   for explain */
	const struct route_choice *choices[];
};

struct route_table; /* immutable; one version */

/*
 * The routes that a destination has (in normal form: "+46701234567", "71234", "ACME",
 * "sip:alice@example.org"): the exact entry, else the longest prefix. For an address with a domain:
 * the exact entry, else the entry for all users of the domain; each with the scheme of the address
 * before the one without a scheme, which holds for every scheme. Scheme and domain are compared
 * without regard to case. NULL: none.
 */
const struct route_set *route_find(const struct route_table *table, struct str to);

/* The same for a burst: all loads are started before they are used. */
void route_find_burst(const struct route_table *table, const struct str to[], unsigned n,
		      const struct route_set *found[]);

/*
 * The targets in the order to try them: by priority; within a choice as written, or, where it is
 * weighted, by weighted rendezvous hash of (from, to), so that the same pair goes the same way
 * while the targets stay. A target that stands in several choices is tried once, at its first
 * place; weight 0 comes last. Pure. Returns their number, at most ROUTE_TARGETS_MAX.
 */
unsigned route_order(const struct route_set *set, struct str from, struct str to,
		     struct route_target order[ROUTE_TARGETS_MAX]);

/*
 * A change of a table. Begin with the table in force (NULL: empty), put and remove, then take the
 * new table; what it replaced is freed by route_edit_reclaim() after a grace period.
 * route_edit_abandon() undoes all.
 */
struct route_edit;

struct route_edit *route_edit_begin(const struct route_table *from);
/*
 * to: "+4670", "=71234", "sip:*@ims.example" or "*@chat.example" for all users of a domain,
 * "=sip:alice@example.org" or "=bob@chat.example" for one. Puts or replaces the choice of that
 * priority. 0, -EINVAL (bad destination: empty, longer than ROUTE_TO_MAX, control characters, a "+"
 * not followed by at most 15 digits, an address that is not in normal form, an exact one for the
 * user "*"; no target or more than ROUTE_TARGETS_MAX), -E2BIG (ROUTE_CHOICES_MAX reached),
 * -ENOMEM. When it fails, the table says what it said before.
 */
int route_edit_put(struct route_edit *e, struct str to, uint16_t priority, bool weighted,
		   const struct route_target targets[], unsigned n);
/* 0, -ENOENT when there is none, -ENOMEM. */
int                       route_edit_remove(struct route_edit *e, struct str to, uint16_t priority);
const struct route_table *route_edit_table(
	const struct route_edit *e); /* the new version, to be published; lent until e ends */
void route_edit_reclaim(
	struct route_edit *e); /* after the grace period: nobody reads the old table or an older
				  one; frees what the new one does not use, and e */
void route_edit_abandon(struct route_edit *e); /* frees what only the new table used, and e */
void route_table_free(
	const struct route_table *table); /* NULL: nothing; everything; nobody reads it any more */
uint64_t route_table_count(
	const struct route_table *table); /* routes: pairs of destination and priority; NULL: 0 */

/* The routes written with exactly this destination ("+4670"), whatever a longer or shorter one
 * says; NULL: none. */
const struct route_set *route_table_get(const struct route_table *table, struct str to);

/* Every set, in no order that is promised, until visit returns false, which is then the result. The
 * writer only. */
bool route_table_each(const struct route_table *table,
		      bool (*visit)(void *user, const struct route_set *set), void *user);
