/* A seeded generator (xoshiro256**): the same seed gives the same run. Not for secrets. One owner
 * each. */
#pragma once

#include <stdint.h>

struct random {
	uint64_t s[4];
};

void     random_seed(struct random *r, uint64_t seed);
uint64_t random_next(struct random *r);

/* 0 .. below - 1; below is not 0. */
static inline uint32_t random_below(struct random *r, uint32_t below)
{
	return (uint32_t)((random_next(r) >> 32) * below >> 32);
}
