/*
 * Inside lib/world: what a world consists of. Accounts and peers stand in pages of 64 slots; names
 * lead to slots through 256 buckets, each sorted by hash. A change copies the pages and buckets it
 * touches and shares the others with the older world; `made` tells it which are its own. Routes are
 * counted for each target, so that nothing is removed that a route still leads to.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "world/world.h"

#define WORLD_PAGE_SLOTS 64u
#define WORLD_PAGES (WORLD_ACCOUNTS_MAX / WORLD_PAGE_SLOTS)
#define WORLD_BUCKETS 256u

/* An account or peer; immutable. */
struct world_party {
	union {
		struct world_account account;
		struct world_peer    peer;
	};
	enum conf_kind kind;
	void          *conf;          /* owned: of conf_object_new() */
	uint64_t       digest, login; /* login: hash of what an account logs in as */
};

struct world_page {
	uint64_t                      made;
	const struct world_party     *parties[WORLD_PAGE_SLOTS];
	uint32_t                      uses[WORLD_PAGE_SLOTS]; /* places in routes that lead there */
	const struct world_addresses *addresses[WORLD_PAGE_SLOTS]; /* of peers; owned */
};

struct world_bucket {
	uint64_t made;
	uint32_t n, room;
	struct world_entry {
		uint64_t hash;
		uint32_t slot;
	} entries[]; /* by rising hash */
};

struct world_parties { /* all accounts, or all peers */
	struct world_page   *pages[WORLD_PAGES];
	struct world_bucket *names[WORLD_BUCKETS];
	uint32_t             count, slots_max;
};

/* The compiled rules, with the bytes they came from. Shared by worlds until a change replaces them.
 */
struct world_rules {
	struct rules *rules;
	uint8_t      *image;
	size_t        size;
	uint64_t      digest;
	uint32_t      limit_count;
	uint32_t      limit_slots[]; /* by the rules' limit numbers */
};

/* Where the rules' route actions lead: the n-th is the entry "rule route n" of a table of their
 * own. */
struct world_rule_routes {
	const struct route_table *table;
	uint32_t                  count;
	const struct route_set   *sets[];
};

enum subscriber_text { SUBSCRIBER_ADDRESS, SUBSCRIBER_SIP, SUBSCRIBER_XMPP, SUBSCRIBER_TEXTS };

static inline struct str subscriber_text(const struct world_subscriber *s,
					 enum subscriber_text           which)
{
	switch (which) {
	case SUBSCRIBER_ADDRESS:
		return world_subscriber_address(s);
	case SUBSCRIBER_SIP:
		return world_subscriber_sip(s);
	case SUBSCRIBER_XMPP:
		return world_subscriber_xmpp(s);
	case SUBSCRIBER_TEXTS:
		break;
	}
	return STR("");
}

struct world_index {
	uint64_t                  made; /* number of the change that made this world */
	uintptr_t                 subscribers[SUBSCRIBER_TEXTS]; /* roots, of hash_trie.h */
	uint64_t                  subscriber_count;
	struct world_parties      accounts, peers;
	struct world_bucket      *logins[WORLD_BUCKETS];
	struct world_rules       *rules;       /* NULL: none */
	struct world_rule_routes *rule_routes; /* NULL: none */
};

static_assert(WORLD_PEERS_MAX <= WORLD_ACCOUNTS_MAX, "pages are dimensioned for accounts");

static inline const struct world_parties *world_parties(const struct world *w, enum conf_kind kind)
{
	return kind == CONF_ACCOUNT ? &w->index->accounts : &w->index->peers;
}

static inline struct str world_party_name(const struct world_party *p)
{
	return p->kind == CONF_ACCOUNT ? p->account.name : p->peer.name;
}

static inline uint32_t world_party_slot(const struct world_party *p)
{
	return p->kind == CONF_ACCOUNT ? p->account.slot : p->peer.slot;
}

/* What it logs in as: domain or system_id, or the name where it has neither. */
struct str world_login_of(const struct conf_account *a);
uint64_t   world_login_hash(uint8_t protocol, struct str identity);
uint64_t   world_name_hash(struct str name);

/* The first entry of a bucket that has this hash, NULL when there is none; the next ones may have
 * it too. */
const struct world_entry *world_bucket_find(const struct world_bucket *b, uint64_t hash);

const struct world_party *world_party_at(const struct world_parties *parties, uint32_t slot);
const struct world_party *world_party_find(const struct world_parties *parties, struct str name);

/* A choice of a route as it was configured; items has room for ROUTE_TARGETS_MAX. */
void world_route_conf(const struct world *w, const struct route_set *set,
		      const struct route_choice *c, struct conf_via_item items[],
		      struct conf_route *route);

/* Frees all that belongs to this world, its rules only where asked to. */
void world_release(const struct world *w, bool rules_too);
void world_party_free(struct world_party *p);
/* A subscriber as it was configured. */
void world_subscriber_conf(const struct world_subscriber *s, struct conf_subscriber *conf);
/* Those, and the parts of their indexes, that were made since. */
void subscribers_free(const struct world_index *index, uint64_t since);
void world_rules_free(struct world_rules *r);
void world_rule_routes_free(struct world_rule_routes *r);
