#include "sip/transaction.h"

#include <assert.h>

#include "base/assert.h"

static_assert(sizeof(struct sip_client) <= 192 && sizeof(struct sip_server) <= 192,
	      "most of a block is left for what a transaction keeps");

#define MEMORY_MIN (16u * 1024u)
#define COMPLETED_SHARE 8u

static struct hash_key key_of(uint64_t *seed)
{
	struct hash_key k = {hash_mix(*seed + 1), hash_mix(*seed + 2)};

	*seed += 2;
	return k;
}

static size_t rounded(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

void sip_transactions_init(struct sip_transactions *t, struct metrics *metrics, uint8_t worker,
			   uint64_t seed, void *memory, size_t bytes)
{
	size_t   completed = bytes / COMPLETED_SHARE & ~(size_t)63;
	uint8_t *rest = (uint8_t *)memory + completed;
	size_t   left = bytes - completed;
	uint32_t buckets = 1;

	ASSERT(bytes >= MEMORY_MIN && (uintptr_t)memory % 64 == 0);
	ASSERT(bytes / SIP_BLOCK_SIZE < UINT32_MAX);
	while ((size_t)buckets * 2 * SIP_BLOCK_SIZE <= left)
		buckets *= 2;
	t->metrics = metrics;
	t->worker = worker;
	t->branch_key = key_of(&seed);
	t->tag_key = key_of(&seed);
	t->match_key = key_of(&seed);
	t->buckets = (uint32_t *)(void *)rest;
	t->bucket_mask = buckets - 1;
	sip_reached_init(&t->reached, key_of(&seed));
	sip_completed_init(&t->completed, memory, completed);
	rest += rounded(buckets * sizeof(uint32_t));
	left -= rounded(buckets * sizeof(uint32_t));
	sip_pool_init(&t->pool, rest, (uint32_t)(left / SIP_BLOCK_SIZE));
}

void sip_transactions_remember(struct sip_transactions *t, void *memory, size_t bytes)
{
	ASSERT(t->completed.used == 0 && (uintptr_t)memory % 64 == 0);
	sip_completed_init(&t->completed, memory, bytes);
}
