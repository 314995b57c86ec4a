#include "histogram.h"

#define SUB (1u << HISTOGRAM_SUB_BITS)

static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < SUB)
		return (unsigned)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift) - SUB;
}

static uint64_t bucket_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < SUB)
		return bucket;
	shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	return (((uint64_t)(bucket & (SUB - 1)) + SUB + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->bucket[bucket_of(value)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	double   wanted = share * (double)h->count;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->count > 0; i++) {
		seen += h->bucket[i];
		if (seen > 0 && (double)seen >= wanted)
			return bucket_end(i) < h->max ? bucket_end(i) : h->max;
	}
	return h->max;
}
