#include "base/hash.h"

#include <string.h>

static inline uint64_t rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* The last of the bytes, fewer than eight, each part read as one: of a word put together in memory
 * a processor waits for all earlier stores. */
static inline uint64_t tail(const uint8_t *p, size_t n)
{
	uint64_t word = 0;
	unsigned shift = 0;
	uint32_t four;
	uint16_t two;

	if (n & 4) {
		memcpy(&four, p, 4);
		word = four;
		shift = 32;
		p += 4;
	}
	if (n & 2) {
		memcpy(&two, p, 2);
		word |= (uint64_t)two << shift;
		shift += 16;
		p += 2;
	}
	if (n & 1)
		word |= (uint64_t)*p << shift;
	return word;
}

/* All bytes and their number, in v. wide: 0, or what tells that the hash is to have 128 bits. */
static inline void absorb(uint64_t v[4], const struct hash_key *key, uint64_t wide,
			  const uint8_t *p, size_t n)
{
	uint64_t word;
	size_t   left = n;

	v[0] = key->k0 ^ 0x736f6d6570736575ull;
	v[1] = key->k1 ^ 0x646f72616e646f6dull ^ wide;
	v[2] = key->k0 ^ 0x6c7967656e657261ull;
	v[3] = key->k1 ^ 0x7465646279746573ull;
	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = tail(p, left) | (uint64_t)n << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static inline uint64_t finish(uint64_t v[4])
{
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_sip(const struct hash_key *key, const void *bytes, size_t n)
{
	uint64_t v[4];

	absorb(v, key, 0, bytes, n);
	v[2] ^= 0xff;
	return finish(v);
}

void hash_sip_wide(const struct hash_key *key, const void *bytes, size_t n, uint64_t words[2])
{
	uint64_t v[4];

	absorb(v, key, 0xee, bytes, n);
	v[2] ^= 0xee;
	words[0] = finish(v);
	v[1] ^= 0xdd;
	words[1] = finish(v);
}
