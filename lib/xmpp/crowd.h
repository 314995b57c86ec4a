/*
 * How many there are of each, of kinds too many to list: streams from one address, domains that
 * are claimed. Each is counted in two places by its hash, and there are at most as many of it as
 * the lower one says; so that who shares both places with others may be refused too early, which is
 * rare, and nobody too late. Whoever entered leaves with the same hash. One worker; constant time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define XMPP_CROWD_PLACES 2048u

struct xmpp_crowd { /* zeroed: empty */
	uint16_t counts[2][XMPP_CROWD_PLACES];
};

/* False: there are max already. */
bool xmpp_crowd_enter(struct xmpp_crowd *crowd, uint64_t hash, uint16_t max);
void xmpp_crowd_leave(struct xmpp_crowd *crowd, uint64_t hash);
