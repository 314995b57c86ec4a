#include "limit/limit.h"

#include <assert.h>

#include "base/assert.h"

#define FRACTION_BITS 16
#define TRIES_MAX 64 /* each lost try means that another worker got tokens */

static_assert(sizeof(struct limit_bucket) == 64, "a bucket shares its line with nobody");

static uint64_t ticks_of(uint64_t us)
{
	return us << FRACTION_BITS;
}

static uint64_t token_ticks(uint32_t rate)
{
	return (ticks_of(US_PER_SECOND) + rate / 2) / rate;
}

/* One token at least, and a little time more, so that who asks a little late loses nothing of the
 * next one. */
static uint64_t burst_ticks(uint64_t token)
{
	uint64_t least = token + ticks_of(LIMIT_BURST_US / 10);

	return least > ticks_of(LIMIT_BURST_US) ? least : ticks_of(LIMIT_BURST_US);
}

void limit_init(struct limit_bucket *bucket, uint32_t rate, struct now now)
{
	uint64_t burst = burst_ticks(rate > 0 ? token_ticks(rate) : 0);

	ASSERT(rate <= LIMIT_RATE_MAX);
	atomic_init(&bucket->spent, ticks_of(now.us) - burst);
	atomic_init(&bucket->rate, rate);
}

void limit_set_rate(struct limit_bucket *bucket, uint32_t rate)
{
	ASSERT(rate <= LIMIT_RATE_MAX);
	/* Relaxed; read by limit_take(). The rate is all that is told, nothing is published with
	 * it. */
	atomic_store_explicit(&bucket->rate, rate, memory_order_relaxed);
}

/* Between least and most tokens, or none. */
static uint32_t lease_tokens(struct limit_bucket *bucket, uint32_t rate, struct now now,
			     uint32_t least, uint32_t most)
{
	uint64_t token = token_ticks(rate), burst = burst_ticks(token);
	/* Relaxed; the partner is the exchange below: the point in time is all that workers share.
	 */
	uint64_t spent = atomic_load_explicit(&bucket->spent, memory_order_relaxed);

	for (int tries = 0; tries < TRIES_MAX; tries++) {
		int64_t  left = (int64_t)(ticks_of(now.us) -
                                         spent); /* negative: this worker's clock is behind */
		uint64_t from = left > (int64_t)burst ? ticks_of(now.us) - burst : spent;
		uint64_t count = left > 0 ? (ticks_of(now.us) - from) / token : 0;

		if (count < least)
			return 0;
		count = count < most ? count : most;
		/* Relaxed, both ways; the partners are the load above and this line on other
		 * workers. */
		if (atomic_compare_exchange_weak_explicit(
			    &bucket->spent, &spent, from + count * token, memory_order_relaxed,
			    memory_order_relaxed))
			return (uint32_t)count;
	}
	return 0;
}

bool limit_take(struct limit_bucket *bucket, struct limit_lease *lease, struct now now, uint32_t n)
{
	/* Relaxed; written by limit_set_rate(). */
	uint32_t rate = atomic_load_explicit(&bucket->rate, memory_order_relaxed);
	uint32_t missing, most;

	if (rate == 0)
		return true;
	if (lease->rate != rate)
		*lease = (struct limit_lease){0, rate};
	if (lease->tokens < n) {
		missing = n - lease->tokens;
		most = (uint32_t)((uint64_t)rate * LIMIT_LEASE_US / US_PER_SECOND);
		lease->tokens +=
			lease_tokens(bucket, rate, now, missing, most > missing ? most : missing);
	}
	if (lease->tokens < n)
		return false;
	lease->tokens -= n;
	return true;
}
