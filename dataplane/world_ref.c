#include "world_ref.h"

#include <time.h>

#include "rcu/rcu.h"

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t world_ref_publish(struct world_ref *ref, struct world_change *change)
{
	uint64_t start = clock_us(), took;

	/* Pairs with rcu_read() in the workers' turn. */
	rcu_publish(ref->current, world_change_world(change));
	rcu_wait();
	took = clock_us() - start;
	world_change_reclaim(change);
	return took;
}
