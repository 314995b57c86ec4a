/* The published world of the dataplane: one RCU pointer. Workers read it once a turn; the
 * management thread alone publishes. */
#pragma once

#include <stdint.h>

#include "world/world.h"

struct world_ref {
	const struct world *current; /* RCU; NULL before the first world */
};

/* Publish the change's world, wait until every worker is quiescent with it, free what it replaced.
 * Returns the microseconds that took until quiescence. */
uint64_t world_ref_publish(struct world_ref *ref, struct world_change *change);
