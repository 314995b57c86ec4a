/* Hashes. SipHash-1-3 where a stranger chooses the key bytes; the mixer for our own integers. Pure;
 * any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* SipHash-1-3 (Aumasson and Bernstein, 2012, with 1 and 3 rounds). */
uint64_t hash_sip(const struct hash_key *key, const void *bytes, size_t n);
/* The same of 128 bits. */
void hash_sip_wide(const struct hash_key *key, const void *bytes, size_t n, uint64_t words[2]);

/* A bijection of 64 bits that spreads every input bit (the finaliser of MurmurHash3). */
static inline uint64_t hash_mix(uint64_t v)
{
	v ^= v >> 33;
	v *= 0xff51afd7ed558ccdull;
	v ^= v >> 33;
	v *= 0xc4ceb9fe1a85ec53ull;
	return v ^ v >> 33;
}
