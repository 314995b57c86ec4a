/*
 * Which nonce counts were seen of nonces in use (RFC 7616, 3.4 and 5.4), in sets of five. A count
 * is good once, in any order as far as 64 behind the highest. When a sixth nonce comes to a set the
 * one issued first goes, and all that were issued no later count as seen, so that forgetting never
 * lets a request in again. One worker; constant time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIP_NONCE_WAYS 5u

struct sip_nonce_use {
	uint64_t id;     /* 0: free */
	uint64_t window; /* bit n: count highest - n was seen */
	uint32_t highest;
	uint32_t issued; /* in units of 2^16 us, as in the set */
};

struct sip_nonce_set {
	struct sip_nonce_use use[SIP_NONCE_WAYS];
	uint32_t floor; /* nonces issued then or before are forgotten; valid with bound */
	bool     bound;
} __attribute__((aligned(64)));

/* Marks the count as seen; false: it was, or may have been. issued_us is at most life_us ago; one
 * later than now is as good as now. */
bool sip_nonce_use(struct sip_nonce_set *set, uint64_t id, uint64_t issued_us, uint32_t nc,
		   uint64_t now_us, uint64_t life_us);
