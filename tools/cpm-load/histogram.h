/* Latencies in buckets that widen with the value: 32 for each power of two, so that every
 * percentile is true to 3 %. */
#pragma once

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 5u
#define HISTOGRAM_BUCKETS ((64u - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* The value that `share` (0 to 1) of all values do not exceed, rounded up to its bucket's end and
 * never above the maximum; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *h, double share);
