/* One end of a way that bytes come and go. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct flow {
	uint32_t address[4]; /* network order; IPv4 in [0], the rest 0 */
	uint16_t port;       /* host order */
	bool     ip6;
};

static inline bool flow_eq(const struct flow *a, const struct flow *b)
{
	return a->port == b->port && a->ip6 == b->ip6 &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}
