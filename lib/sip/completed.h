/*
 * Server transactions that are answered (RFC 3261, 17.2.2, state "Completed"), over UDP: for 64*T1
 * a request that comes again gets the same answer and is not delivered twice. An entry has 32
 * bytes, because all else of the answer can be made again from the request itself. When the table
 * is full the oldest entry goes. One worker; constant time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/now.h"

/* Of a server transaction, hashed with a secret: what its sender made (RFC 3261, 8.2.2.2), and the
 * way it came (17.2.3). */
struct sip_key {
	uint64_t word[2];
};

struct sip_completed_entry {
	struct sip_key key;
	uint32_t       next;  /* of the bucket: number of an entry from 1, 0: none */
	uint32_t       ended; /* in units of 2^16 us */
	uint32_t       note;  /* the session's */
	uint16_t       status;
};

struct sip_completed {
	struct sip_completed_entry *entries;
	uint32_t                   *buckets;
	uint32_t                    count, bucket_mask;
	uint32_t                    oldest, used; /* a ring */
};

/* Bytes of zeroed memory, aligned to 64, kept by the caller; 0: nothing is remembered. */
void sip_completed_init(struct sip_completed *c, void *memory, size_t bytes);
/* True: the oldest had to go before its time. */
bool sip_completed_add(struct sip_completed *c, struct now now, const struct sip_key *key,
		       unsigned status, uint32_t note);
/* It will be looked for. */
static inline void sip_completed_prefetch(const struct sip_completed *c, const struct sip_key *key)
{
	if (c->count > 0)
		__builtin_prefetch(&c->buckets[key->word[0] & c->bucket_mask]);
}

/* NULL: there is none, or its time is over. *merged becomes true where one is there that came
 * another way. Lent until the next call. */
const struct sip_completed_entry *sip_completed_find(struct sip_completed *c, struct now now,
						     const struct sip_key *key, bool *merged);
