/*
 * Workers that no longer turn (DESIGN.md 2.5): each is watched by the turns that it counts. The
 * management thread looks at its ticks and tells the service manager that all is well only while
 * every worker turns, so that a stuck dataplane is restarted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "metrics/metrics.h"

#define STALL_MS 1000u /* without a turn for so long, a worker is said to be stalled */

struct stall { /* of one worker; zeroed before the first look */
	uint64_t turns, moved_ms;
	bool     known, stalled;
};

/* arrays: the counters of the workers, which may be running. Returns how many are stalled; each
 * that stalls, or turns again, is logged once. */
unsigned stalls_look(struct stall stalls[], const struct metrics arrays[], unsigned workers,
		     uint64_t now_ms);
