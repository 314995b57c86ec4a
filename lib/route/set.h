/* Inside lib/route: making sets. A set is one allocation and never changed once it hangs in a
 * table; writer only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "route/route.h"

struct set_choice { /* what is put */
	uint16_t                   priority;
	bool                       weighted;
	uint8_t                    count;
	const struct route_target *targets;
};

/* Is there a choice of this priority? */
bool set_has(const struct route_set *set, uint16_t priority);

/* What `from` (NULL: empty) says, with the choice put, or replaced where it has its priority. NULL:
 * memory is short. */
struct route_set *set_with(const struct route_set *from, struct str to, const struct set_choice *c,
			   uint64_t made);

/* What `from` says, without the choice of this priority; it must have another. NULL: memory is
 * short. */
struct route_set *set_without(const struct route_set *from, uint16_t priority, uint64_t made);
