/*
 * The checksum of the internet (RFC 1071). A sum is of words of 32 bits as they lie in memory,
 * whose carries gather in its upper half, so that sums of parts can be added, where each part but
 * the last is of even size. Parts are of less than 4 GiB. Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#include "net/net.h"

uint64_t sum_bytes(const void *bytes, size_t n);

/* The same of few, such as a header. */
static inline uint64_t sum_few(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t       sum = 0, pair;
	uint32_t       word = 0;
	uint16_t       half;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&pair, p, 8);
		sum += (pair & UINT32_MAX) + (pair >> 32);
	}
	if (n >= 4) {
		memcpy(&word, p, 4);
		sum += word;
		n -= 4;
		p += 4;
	}
	if (n >= 2) {
		memcpy(&half, p, 2);
		sum += half;
		n -= 2;
		p += 2;
	}
	if (n > 0) {
		half = 0; /* beside the last byte stands a zero */
		memcpy(&half, p, 1);
		sum += half;
	}
	return sum;
}

/* Of what IP says of a packet beside its payload, which is of size bytes (RFC 9293, 3.1; RFC 8200,
 * 8.1). */
static inline uint64_t sum_pseudo(const struct net_addr *source, const struct net_addr *destination,
				  uint8_t protocol, uint32_t size)
{
	size_t n = source->ip6 ? 16 : 4;

	return sum_few(source->w, n) + sum_few(destination->w, n) + rte_cpu_to_be_32(size) +
	       rte_cpu_to_be_32(protocol);
}

/* 0xffff: the checksum among what was summed is right. */
static inline uint16_t sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)((sum & UINT16_MAX) + (sum >> 16));
}

/* As it is stored, of a sum in which its own place is 0. */
static inline uint16_t sum_checksum(uint64_t sum)
{
	return (uint16_t)~sum_fold(sum);
}
