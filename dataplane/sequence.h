/*
 * Message ids never come twice: sequences are leased ahead in state_dir/sequence, on disk before
 * they are used, so a crash skips what was leased and no clock matters. Management thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_LEASE (UINT64_C(1) << 28)

struct sequence {
	uint64_t first, end; /* of this run: first <= sequence < end */
	char     path[128];
};

/* 0; or -1 after saying why in the log. */
int sequence_begin(struct sequence *s, const char *state_dir);
/* Lease more when less than half is left. True: end has moved. */
bool sequence_extend(struct sequence *s, uint64_t used);
