#include <stdlib.h>
#include <string.h>

#include "tcp/conn.h"

/* Full buckets are followed by others; only the last of a row has room, so entries / 8 others
 * always suffice. */

bool tcp_table_init(struct tcp_table *table, uint32_t entries_max, uint64_t seed)
{
	uint32_t home = 1, others = entries_max / TCP_BUCKET_SIZE + 1;

	while (home * 5ull < entries_max) /* at most 5 of 8 used: 62 % */
		home *= 2;
	table->mask = home - 1;
	table->count = home + others;
	table->key = (struct hash_key){hash_mix(seed + 1), hash_mix(seed + 2)};
	table->buckets = aligned_alloc(64, (home + (size_t)others) * sizeof(*table->buckets));
	if (table->buckets == NULL)
		return false;
	memset(table->buckets, 0xff, (home + (size_t)others) * sizeof(*table->buckets));
	table->free = TCP_NONE;
	for (uint32_t i = home + others; i-- > home;) {
		table->buckets[i].more = table->free;
		table->free = i;
	}
	return true;
}

void tcp_table_end(struct tcp_table *table)
{
	free(table->buckets);
}

size_t tcp_table_memory(const struct tcp_table *table)
{
	return table->count * sizeof(*table->buckets);
}

uint64_t tcp_table_hash(const struct tcp_table *table, const struct tcp_key *key)
{
	uint32_t words[9] = {key->local.w[0], key->remote.w[0],
			     (uint32_t)key->local_port << 16 | key->remote_port};

	if (!key->local.ip6)
		return hash_sip(&table->key, words, 12);
	memcpy(words + 3, key->local.w + 1, 12);
	memcpy(words + 6, key->remote.w + 1, 12);
	return hash_sip(&table->key, words, 36);
}

void tcp_table_prefetch(const struct tcp_table *table, uint64_t hash)
{
	__builtin_prefetch(&table->buckets[hash & table->mask]);
}

static inline uint16_t tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

static const struct tcp_key *key_at(const struct tcp *tcp, uint32_t what)
{
	uint32_t index = what & TCP_KIND_INDEX;

	switch ((enum tcp_kind)(what >> TCP_KIND_SHIFT)) {
	case TCP_KIND_CONN:
		return &tcp->conns[index].key;
	case TCP_KIND_HALF:
		return &tcp->halves[index].key;
	case TCP_KIND_TIME_WAIT:
		return &tcp->time_waits[index].key;
	}
	ASSERT(false);
	return NULL;
}

static bool key_equal(const struct tcp_key *a, const struct tcp_key *b)
{
	if (a->local_port != b->local_port || a->remote_port != b->remote_port ||
	    a->remote.w[0] != b->remote.w[0] || a->local.w[0] != b->local.w[0] ||
	    a->local.ip6 != b->local.ip6)
		return false;
	return !a->local.ip6 || (memcmp(a->local.w, b->local.w, sizeof(a->local.w)) == 0 &&
				 memcmp(a->remote.w, b->remote.w, sizeof(a->remote.w)) == 0);
}

uint32_t tcp_table_find(const struct tcp *tcp, const struct tcp_key *key, uint64_t hash)
{
	const struct tcp_table *table = &tcp->table;
	uint16_t                tag = tag_of(hash);

	for (uint32_t b = (uint32_t)(hash & table->mask); b != TCP_NONE;
	     b = table->buckets[b].more) {
		const struct tcp_bucket *bucket = &table->buckets[b];

		for (unsigned i = 0; i < TCP_BUCKET_SIZE; i++) {
			if (bucket->tag[i] == tag && bucket->what[i] != TCP_NONE &&
			    key_equal(key_at(tcp, bucket->what[i]), key))
				return bucket->what[i];
		}
	}
	return TCP_NONE;
}

/* What may be it, by its tag alone, so that nothing but the bucket is read: for prefetching. */
uint32_t tcp_table_guess(const struct tcp_table *table, uint64_t hash)
{
	const struct tcp_bucket *bucket = &table->buckets[hash & table->mask];

	for (unsigned i = 0; i < TCP_BUCKET_SIZE; i++) {
		if (bucket->tag[i] == tag_of(hash))
			return bucket->what[i];
	}
	return TCP_NONE;
}

void tcp_table_add(struct tcp *tcp, const struct tcp_key *key, enum tcp_kind kind, uint32_t index)
{
	struct tcp_table *table = &tcp->table;
	uint64_t          hash = tcp_table_hash(table, key);
	uint32_t          b = (uint32_t)(hash & table->mask);

	for (;;) {
		struct tcp_bucket *bucket = &table->buckets[b];

		for (unsigned i = 0; i < TCP_BUCKET_SIZE; i++) {
			if (bucket->what[i] == TCP_NONE) {
				bucket->tag[i] = tag_of(hash);
				bucket->what[i] = (uint32_t)kind << TCP_KIND_SHIFT | index;
				return;
			}
		}
		if (bucket->more == TCP_NONE) {
			ASSERT(table->free != TCP_NONE);
			bucket->more = table->free;
			table->free = table->buckets[bucket->more].more;
			table->buckets[bucket->more].more = TCP_NONE;
		}
		b = bucket->more;
	}
}

/* The last entry of the row fills the gap; a bucket that became empty goes back. */
static void close_gap(struct tcp_table *table, uint32_t home, struct tcp_bucket *bucket,
		      unsigned gap)
{
	struct tcp_bucket *last = &table->buckets[home], *before = NULL;
	unsigned           i = TCP_BUCKET_SIZE;

	while (last->more != TCP_NONE) {
		before = last;
		last = &table->buckets[last->more];
	}
	while (i > 0 && last->what[i - 1] == TCP_NONE)
		i--;
	ASSERT(i > 0);
	bucket->tag[gap] = last->tag[i - 1];
	bucket->what[gap] = last->what[i - 1];
	last->what[i - 1] = TCP_NONE;
	if (i == 1 && before != NULL) {
		uint32_t index = before->more;

		before->more = TCP_NONE;
		last->more = table->free;
		table->free = index;
	}
}

void tcp_table_remove(struct tcp *tcp, const struct tcp_key *key, enum tcp_kind kind,
		      uint32_t index)
{
	struct tcp_table *table = &tcp->table;
	uint64_t          hash = tcp_table_hash(table, key);
	uint32_t          what = (uint32_t)kind << TCP_KIND_SHIFT | index;
	uint32_t          home = (uint32_t)(hash & table->mask);

	for (uint32_t b = home; b != TCP_NONE; b = table->buckets[b].more) {
		struct tcp_bucket *bucket = &table->buckets[b];

		for (unsigned i = 0; i < TCP_BUCKET_SIZE; i++) {
			if (bucket->what[i] == what) {
				close_gap(table, home, bucket, i);
				return;
			}
		}
	}
	ASSERT(false); /* what was added is found */
}
