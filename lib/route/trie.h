/*
 * Inside lib/route: the trie. A destination is a string of nibbles: a digit is one, "+" is one, any
 * other byte is three (an escape and its halves), so that E.164 numbers take 16 of them, one 64-bit
 * word. No code is the start of another, so a prefix in bytes is a prefix in nibbles and the other
 * way round.
 *
 * A node skips the nibbles that all below it share, then has up to 18 places: the set of the prefix
 * that ends here, the set of the number that ends here, and 16 children, of which only those in use
 * have a slot. A destination below which there is no other is no node but a leaf: its set, which
 * carries its own destination and so can be compared in one step.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "route/route.h"

#define TRIE_BYTES_MAX                                                                             \
	(ROUTE_TO_MAX +                                                                            \
	 1) /* looked at; one more than any entry has, so that a longer one ends nowhere */
#define TRIE_NIBBLES_MAX (3 * TRIE_BYTES_MAX)
#define TRIE_KEY_WORDS (TRIE_NIBBLES_MAX / 16 + 2) /* and one to look over the end */
#define TRIE_SKIP_MAX 16u
#define TRIE_MADE_BITS 40

struct trie_key {
	unsigned n;                     /* nibbles */
	uint64_t words[TRIE_KEY_WORDS]; /* the first nibble highest */
};

enum trie_place { TRIE_PREFIX, TRIE_EXACT, TRIE_CHILD }; /* child of nibble c: TRIE_CHILD + c */

/* What a slot, or the root, holds: 0, a node, or a set with the lowest bit on. */
#define TRIE_LEAF 1u

struct trie_node {
	uint64_t made : TRIE_MADE_BITS; /* number of the edit that made it: that edit may change it
					   in place */
	uint64_t  places : 18;          /* bit of enum trie_place: it has a slot */
	uint64_t  skip : 5;
	uint64_t  label;   /* the nibbles skipped, the first highest, the rest 0 */
	uintptr_t slots[]; /* by rising place */
};

/* How an address with a domain can be written, in the order in which they are looked for. */
enum trie_form { TRIE_ADDRESS, TRIE_ADDRESS_ANY, TRIE_DOMAIN, TRIE_DOMAIN_ANY, TRIE_FORMS };

struct route_table {
	uintptr_t root;
	uint64_t  count, made;
	uint64_t  forms[TRIE_FORMS]; /* of count: what there is none of need not be looked for */
};

/* True: digits and "+" only, so that it is no address with a domain. */
bool trie_key_of(struct trie_key *key, struct str bytes);

/* The form of an entry as written; TRIE_FORMS: it has no domain. */
enum trie_form trie_form_of(struct str to);

/* "=71234" and, as a domain has no longer ones below it, "sip:*@ims.example". */
static inline bool trie_is_exact(struct str to)
{
	return to.n > 0 && to.p[0] != '+' && (to.p[0] == '=' || trie_form_of(to) != TRIE_FORMS);
}

/* What is looked for to find it. */
static inline struct str trie_body(struct str to)
{
	return to.n > 0 && to.p[0] == '=' ? str_skip(to, 1) : to;
}

static inline unsigned trie_nibble(const struct trie_key *key, unsigned at)
{
	return (unsigned)(key->words[at / 16] >> (60 - at % 16 * 4)) & 15u;
}

/* 16 nibbles from `at` on. */
static inline uint64_t trie_window(const struct trie_key *key, unsigned at)
{
	unsigned bits = at % 16 * 4;

	return key->words[at / 16] << bits | key->words[at / 16 + 1] >> 1 >> (63 - bits);
}

/* The first n nibbles of a window, the rest 0. */
static inline uint64_t trie_first(uint64_t window, unsigned n)
{
	return n == 0 ? 0 : window & ~0ull << (64 - 4 * n);
}

static inline unsigned trie_index(const struct trie_node *node, unsigned place)
{
	return (unsigned)__builtin_popcountll(node->places & ((1ull << place) - 1));
}

static inline unsigned trie_size(const struct trie_node *node)
{
	return (unsigned)__builtin_popcountll(node->places);
}

static inline bool trie_has(const struct trie_node *node, unsigned place)
{
	return node->places >> place & 1;
}

static inline bool trie_is_leaf(uintptr_t at)
{
	return (at & TRIE_LEAF) != 0;
}

static inline struct trie_node *trie_node_of(uintptr_t at)
{
	return (struct trie_node *)at;
}

static inline struct route_set *trie_set_of(uintptr_t at)
{
	return (struct route_set *)(at & ~(uintptr_t)TRIE_LEAF);
}

static inline uintptr_t trie_leaf_of(const struct route_set *set)
{
	return (uintptr_t)set | TRIE_LEAF;
}

static inline struct str trie_to(const struct route_set *set)
{
	return (struct str){set->to, set->to_size};
}

static inline uint64_t trie_set_made(const struct route_set *set)
{
	return (uint64_t)set->made_high << 32 | set->made_low;
}
