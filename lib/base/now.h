/* Time as it is passed in: nothing below the programs' main loops reads a clock. */
#pragma once

#include <stdint.h>

struct now {
	uint64_t us;      /* monotonic microseconds; never 0 */
	uint64_t wall_ms; /* milliseconds since 1970, for what is shown or sent to people */
};

#define US_PER_MS 1000ull
#define US_PER_SECOND 1000000ull /* not US_PER_S: that is an int in DPDK's rte_cycles.h */
