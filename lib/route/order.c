#include "route/route.h"

#include "base/hash.h"

/* Natural logarithm of a number in (0, 1], to 1e-7: enough to weigh by, and the same with every C
 * library. */
static double log_of(uint64_t h)
{
	union {
		double   d;
		uint64_t bits;
	} x = {.d = (double)((h >> 11) + 1) * 0x1p-53};
	int    exponent = (int)(x.bits >> 52) - 1023;
	double s, s2;

	x.bits = (x.bits & ((1ull << 52) - 1)) | 1023ull << 52; /* 1 <= x < 2 */
	s = (x.d - 1) / (x.d + 1);                              /* ln x = 2 atanh s, and s <= 1/3 */
	s2 = s * s;
	return exponent * 0.69314718055994531 +
	       2 * s *
		       (1 + s2 * (1. / 3 +
				  s2 * (1. / 5 +
					s2 * (1. / 7 + s2 * (1. / 9 + s2 * (1. / 11 + s2 / 13))))));
}

/* The smaller, the earlier; it depends on no other target, so that one that goes moves only what
 * went to it. */
static double score(uint64_t pair, const struct route_target *t)
{
	uint64_t who = (uint64_t)t->kind << 32 | t->slot;

	if (t->weight == 0)
		return __DBL_MAX__;
	return -log_of(hash_mix(pair ^ hash_mix(who + 0x9e3779b97f4a7c15ull))) / t->weight;
}

static uint64_t hash_pair(struct str from, struct str to)
{
	static const struct hash_key key = {0x726f7574652d6f72ull, 0x6465722d70616972ull};
	uint64_t                     h = hash_sip(&key, from.p, from.n);

	return hash_sip(&(struct hash_key){key.k0 ^ h, key.k1}, to.p, to.n);
}

static void sort_weighted(const struct route_choice *c, uint64_t pair,
			  struct route_target sorted[ROUTE_TARGETS_MAX])
{
	double scores[ROUTE_TARGETS_MAX];

	for (unsigned i = 0; i < c->count; i++) {
		double   s = score(pair, &c->targets[i]);
		unsigned at = i;

		for (; at > 0 && scores[at - 1] > s; at--) {
			scores[at] = scores[at - 1];
			sorted[at] = sorted[at - 1];
		}
		scores[at] = s;
		sorted[at] = c->targets[i];
	}
}

static bool is_in(const struct route_target order[], unsigned n, const struct route_target *t)
{
	for (unsigned i = 0; i < n; i++)
		if (order[i].slot == t->slot && order[i].kind == t->kind)
			return true;
	return false;
}

unsigned route_order(const struct route_set *set, struct str from, struct str to,
		     struct route_target order[ROUTE_TARGETS_MAX])
{
	struct route_target sorted[ROUTE_TARGETS_MAX];
	unsigned            n = 0;

	for (unsigned i = 0; i < set->count; i++) {
		const struct route_choice *c = set->choices[i];
		const struct route_target *targets = c->targets;

		if (c->weighted && c->count > 1) {
			sort_weighted(c, hash_pair(from, to), sorted);
			targets = sorted;
		}
		for (unsigned t = 0; t < c->count && n < ROUTE_TARGETS_MAX; t++)
			if (!is_in(order, n, &targets[t]))
				order[n++] = targets[t];
	}
	return n;
}
