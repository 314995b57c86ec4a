/*
 * The sum of RFC 1071 over many bytes, in the byte order of the machine, as rte_raw_cksum() gives
 * it: of 32-bit words in 64 bits, which a compiler adds four or eight at a time. Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t net_sum(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t       sum = 0;
	uint32_t       last = 0;
	size_t         words = n / sizeof(uint32_t);

	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, p + i * sizeof(word), sizeof(word));
		sum += word;
	}
	p += words * sizeof(uint32_t);
	for (size_t i = 0; i < n % sizeof(uint32_t); i++)
		last |= (uint32_t)p[i] << 8 * i;
	sum += last;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}
