/* The variants of a script: families, options, numbers near their wraps, checksums, chains. */
#pragma once

#include "run.h"

struct variant {
	const struct script *script;
	unsigned             next;      /* of what is still to be run */
	bool                 measuring; /* only to learn what numbers the stack gives itself */
	struct run_start     start;
	char                 name[96];
	bool                 known;     /* what a run of this family said of the stack's numbers */
	uint32_t             isn, ts;   /* as they would be at time 0 */
	uint64_t             passed_us; /* from the start to our SYN */
	uint32_t             family;
};

void variant_first(struct variant *v, const struct script *script);
/* false: no more. before: what the run of the last one said. */
bool variant_next(struct variant *v, const struct run_result *before);
