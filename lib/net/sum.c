#include "net/sum.h"

typedef uint64_t lanes __attribute__((vector_size(32)));

uint64_t sum_bytes(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	lanes          low = {0}, high = {0}, v;

#pragma GCC unroll 4
	for (; n >= sizeof(v); n -= sizeof(v), p += sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		low += v & UINT32_MAX;
		high += v >> 32;
	}
	low += high;
	return low[0] + low[1] + low[2] + low[3] + sum_few(p, n);
}
