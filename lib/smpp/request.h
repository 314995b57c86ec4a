/*
 * Open requests of all sessions of an instance: a pool of equal blocks that the dataplane gives at
 * start, a hash table whose buckets lie in the same blocks, and for each session a list in the
 * order of sending, which is that of the deadlines. One worker; constant time but for the chain of
 * a bucket, one block long on average at most.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMPP_REQUEST_NONE UINT32_MAX

struct smpp_request {
	uint64_t token;
	uint64_t deadline_us;
	uint32_t session, sequence;
	uint32_t hash_next;  /* also the list of free blocks */
	uint32_t next, prev; /* of the session */
	uint32_t bucket; /* head of the bucket that has this block's number; no part of the request
			  */
};

struct smpp_requests {
	struct smpp_request *blocks;
	uint32_t             count, free, free_count;
	uint64_t             seed;
};

/* The list of a session: oldest first. */
struct smpp_request_list {
	uint32_t session; /* number of the session, never that of another one at the same time */
	uint32_t first, last, count;
};

void smpp_requests_init(struct smpp_requests *r, void *blocks, uint32_t count, uint64_t seed);

/* False: no block is free. */
bool smpp_request_add(struct smpp_requests *r, struct smpp_request_list *l, uint32_t sequence,
		      uint64_t token, uint64_t deadline_us);
/* Takes it out; false: there is none. */
bool smpp_request_take(struct smpp_requests *r, struct smpp_request_list *l, uint32_t sequence,
		       uint64_t *token);
/* Takes the oldest out; false: the list is empty. */
bool smpp_request_take_first(struct smpp_requests *r, struct smpp_request_list *l, uint64_t *token);

/* Deadline of the oldest; UINT64_MAX: none. */
static inline uint64_t smpp_request_deadline(const struct smpp_requests     *r,
					     const struct smpp_request_list *l)
{
	return l->first != SMPP_REQUEST_NONE ? r->blocks[l->first].deadline_us : UINT64_MAX;
}
