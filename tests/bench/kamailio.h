/*
 * Kamailio beside us: one process for UDP that relays MESSAGE with transactions, in a network
 * namespace of its own, on a core of its own, with the load on another. On its loopback what comes
 * in is dealt with in the time of who sent it: Kamailio pays for what the load receives and the
 * load for what Kamailio receives, which are the same packets but for their direction, so that the
 * sum of its processes is a whole core's, the kernel's part included.
 */
#pragma once

#include <stdint.h>

struct kamailio {
	uint64_t messages, lost;
	double   seconds;
	double   cpu_s;    /* of all its processes, in them and for them */
	double   kernel_s; /* of that for them: sockets, UDP, IP and the loopback */
};

/* At most so many messages, in at most half a minute. NULL, or why it was not measured. */
const char *kamailio_measure(uint64_t messages, struct kamailio *k);
