/*
 * Where a host that is a name is found: what control has resolved, in the order of RFC 2782. Live
 * data of a world: it changes without a new version. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/put.h"

#define WORLD_ADDRESSES_MAX 8u
#define WORLD_ADDRESSES_SIZE_MAX (1u + WORLD_ADDRESSES_MAX * 24u) /* packed */

struct world_address {
	uint32_t w[4]; /* network order; IPv4 in w[0] */
	bool     ip6;
	uint8_t  server; /* number; a server may have several addresses, which stand together */
	uint16_t port;   /* 0: the peer's own */
	uint16_t priority, weight;
};

struct world_addresses {
	uint32_t             n;
	struct world_address items[WORLD_ADDRESSES_MAX]; /* by rising priority, then server */
};

bool world_addresses_equal(const struct world_addresses *a, const struct world_addresses *b);

void world_addresses_pack(const struct world_addresses *a, struct put *to);
/* False: damaged, or not in their order. */
bool world_addresses_unpack(struct cur *from, struct world_addresses *a);

/*
 * A worker asks control where the server of a domain is (RFC 6120, 3.2), beside questions of
 * lib/roster, from whose first bytes this one's differs. The answer comes at once
 * and is addresses as packed, none while they are being looked up; of a domain that has none it is
 * a reason instead.
 */
#define WORLD_DOMAIN_SIZE_MAX 120u
#define WORLD_DOMAIN_QUESTION_SIZE_MAX (2u + WORLD_DOMAIN_SIZE_MAX)

/* The room fails where the domain is empty or too long. */
void world_domain_question_put(struct put *to, struct str domain);
/* False: it is another question, or damaged. The domain is lent from the bytes. */
bool world_domain_question_read(struct cur question, struct str *domain);

/*
 * The order in which they are tried: by priority, among servers of one priority drawn by weight
 * (RFC 2782, page 3); where none has a weight, all are as likely. The same seed gives the same
 * order. Returns how many, which are their numbers in items.
 */
unsigned world_addresses_order(const struct world_addresses *a, uint64_t seed,
			       uint8_t order[WORLD_ADDRESSES_MAX]);
