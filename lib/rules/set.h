/* A loaded rule set: what load.c makes and scan.c reads. Immutable but for the scratches, each its
 * caller's own. */
#pragma once

#include "rules/image.h"

#define RULES_CACHE_LINE 64u

struct set_test {
	uint32_t bit;
	uint16_t next_if_set, next_if_not; /* of the same rule, or IMAGE_NEXT_ */
};

struct set_rule {
	uint32_t test_first, action_first;
	uint16_t test_count, action_count;
};

struct set_action {
	uint32_t   action, argument;
	struct str text; /* rewrite_*: the address */
};

struct set_account {
	struct str name; /* p NULL: free place */
	uint32_t   bit;
};

/* Rules that bits call for, as a bitmap with a bitmap of its words that are not zero. */
struct set_candidates {
	uint64_t *words, *summary;
};

struct scratch {
	hs_scratch_t         *hs;
	uint64_t             *bits;    /* zero between scans */
	uint32_t             *touched; /* bits that are set */
	uint32_t              touched_count, bit_count;
	struct set_candidates candidates; /* zero between scans */
	uint64_t             *hits;       /* of each rule; owner: writes; management: reads */
} __attribute__((aligned(RULES_CACHE_LINE)));

struct rules {
	uint32_t                 bit_count, rule_count, summary_count;
	uint32_t                 fact_count;
	bool                     always_any; /* some rule is tried for every message */
	unsigned                 fields;
	hs_database_t           *from, *to, *text; /* NULL: no pattern looks at it */
	struct set_rule         *rules;
	struct set_test         *tests;
	struct set_action       *actions;
	uint32_t                *called_first; /* bit -> its part of called[]; one more than bits */
	uint32_t                *called;       /* rules */
	struct set_candidates    always;
	struct set_account      *accounts; /* open addressing, room a power of two; NULL: none */
	uint32_t                 account_room;
	uint32_t                *target_first; /* of each route; one more than routes */
	const struct image_fact *facts;        /* of the image */
	struct image             image;        /* names, limits, routes, tags, facts */
	unsigned                 scratch_count;
	struct scratch          *scratches;
};

/* The place of the name, or the free place where it would be. */
struct set_account *set_account_place(const struct rules *r, struct str name);
