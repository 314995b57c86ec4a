/* One script in one variant: its steps against the device, and in the script's words what went
 * wrong. */
#pragma once

#include "device.h"

struct run_start {
	uint32_t traits;
	uint64_t start_us; /* the clock, a multiple of 1 ms */
	uint32_t peer_isn, peer_ts;
};

struct run_result {
	bool     ok;
	char     why[4096];
	bool     syn_seen; /* of the first flow: what our numbers were and when */
	uint32_t isn, ts;
	uint64_t syn_us;
};

void run_script(struct device *d, const struct script *script, const struct run_start *start,
		struct run_result *result);
