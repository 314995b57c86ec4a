/*
 * Rates that hold for all workers together. A bucket is one cache line that the workers share; each
 * has a lease of its own on it, filled with at most 1 ms of tokens by one atomic operation, so that
 * at high rates the line is touched a thousand times a second and not once a message. Nothing here
 * allocates, waits or reads a clock. DESIGN.md 2.5.
 *
 * The bucket is a point in time: up to where tokens have been given out. A token costs 1/rate of
 * time; what lies between that point and now is what may still be given out, and LIMIT_BURST_US of
 * it is kept for who was silent (one token's worth at rates below 10/s). So a new rate needs no
 * conversion of what is left. Time is counted in 2^-16 us, which makes rates true to 8 parts in a
 * million at 1 M/s.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/now.h"

#define LIMIT_BURST_US 100000u
#define LIMIT_LEASE_US 1000u
#define LIMIT_RATE_MAX 100000000u

struct limit_bucket {
	_Alignas(64) _Atomic uint64_t spent; /* the point in time; workers: read, write */
	_Atomic uint32_t rate; /* tokens a second, 0: not metered; management: writes */
};

/* A worker's lease on one bucket; begins as zero. */
struct limit_lease {
	uint32_t tokens;
	uint32_t rate; /* of the bucket when the tokens were leased: a new rate voids them */
};

/* A full bucket; before any worker knows it. */
void limit_init(struct limit_bucket *bucket, uint32_t rate, struct now now);

/* From now on this rate holds: tokens leased at the old one are void. Any thread; at most
 * LIMIT_RATE_MAX. */
void limit_set_rate(struct limit_bucket *bucket, uint32_t rate);

/*
 * Take n tokens, all or none. False: the rate is used up for now. Worker that owns the lease; n
 * beyond what a burst holds is never granted. Tokens left in a lease are bounded by 1 ms of the
 * rate for each worker.
 */
bool limit_take(struct limit_bucket *bucket, struct limit_lease *lease, struct now now, uint32_t n);
