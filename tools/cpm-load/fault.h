/* Fault scripts: how a simulated SMSC misbehaves, by chance but seeded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_THROTTLE,
	FAULT_SILENT,
	FAULT_SLOW,
	FAULT_DISCONNECT,
	FAULT_ERROR,
	FAULT_EARLY,
	FAULT_UNDELIVERABLE,
	FAULT_KIND_COUNT
};

#define FAULT_MAX 16u

struct fault {
	enum fault_kind kind;
	uint32_t        millionths; /* of the messages */
	uint64_t        slow_us;
	uint32_t        status; /* ERROR: what to answer */
};

struct fault_script {
	unsigned     count;
	struct fault fault[FAULT_MAX];
};

extern const char *const fault_names[FAULT_KIND_COUNT];

/* False: what is wrong is in why[256]. */
bool fault_parse(const char *text, struct fault_script *script, char why[256]);

/* The first fault of the script that strikes now, or one of kind NONE. EARLY and UNDELIVERABLE
 * strike on their own: fault_also(). */
const struct fault *fault_draw(const struct fault_script *script, struct random *random);
bool fault_also(const struct fault_script *script, enum fault_kind kind, struct random *random);
