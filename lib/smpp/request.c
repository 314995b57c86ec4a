#include "smpp/request.h"

#include <assert.h>

#include "base/assert.h"
#include "base/hash.h"

static_assert(sizeof(struct smpp_request) == 40, "an open request costs 40 bytes");

void smpp_requests_init(struct smpp_requests *r, void *blocks, uint32_t count, uint64_t seed)
{
	ASSERT(count < SMPP_REQUEST_NONE);
	*r = (struct smpp_requests){blocks, count, SMPP_REQUEST_NONE, count, seed};
	for (uint32_t i = count; i-- > 0;) {
		r->blocks[i].bucket = SMPP_REQUEST_NONE;
		r->blocks[i].hash_next = r->free;
		r->free = i;
	}
}

/*
 * Sequence numbers are ours and rise by one, so a session's requests lie side by side in a stretch
 * of buckets that it uses again and again: its lines stay in the cache, where a spread by hash
 * would miss with each request. Beyond a window of a stretch, requests share buckets.
 */
#define STRETCH 1024u

static uint32_t *bucket(struct smpp_requests *r, uint32_t session, uint32_t sequence)
{
	uint64_t start = (hash_mix(session ^ r->seed) >> 32) * r->count >> 32;

	return &r->blocks[(uint32_t)(start + sequence % STRETCH) % r->count].bucket;
}

bool smpp_request_add(struct smpp_requests *r, struct smpp_request_list *l, uint32_t sequence,
		      uint64_t token, uint64_t deadline_us)
{
	uint32_t             at = r->free, *head;
	struct smpp_request *q;

	if (at == SMPP_REQUEST_NONE)
		return false;
	q = &r->blocks[at];
	r->free = q->hash_next;
	r->free_count--;
	head = bucket(r, l->session, sequence);
	q->token = token;
	q->deadline_us = deadline_us;
	q->session = l->session;
	q->sequence = sequence;
	q->hash_next = *head;
	*head = at;
	q->next = SMPP_REQUEST_NONE;
	q->prev = l->last;
	if (l->last != SMPP_REQUEST_NONE)
		r->blocks[l->last].next = at;
	else
		l->first = at;
	l->last = at;
	l->count++;
	return true;
}

/* Takes the block that *link names out of its bucket and its session's list. */
static void unlink_request(struct smpp_requests *r, struct smpp_request_list *l, uint32_t *link)
{
	uint32_t             at = *link;
	struct smpp_request *q = &r->blocks[at];

	*link = q->hash_next;
	if (q->prev != SMPP_REQUEST_NONE)
		r->blocks[q->prev].next = q->next;
	else
		l->first = q->next;
	if (q->next != SMPP_REQUEST_NONE)
		r->blocks[q->next].prev = q->prev;
	else
		l->last = q->prev;
	ASSERT_HOT(l->count > 0);
	l->count--;
	q->hash_next = r->free;
	r->free = at;
	r->free_count++;
}

bool smpp_request_take(struct smpp_requests *r, struct smpp_request_list *l, uint32_t sequence,
		       uint64_t *token)
{
	if (r->count == 0)
		return false;
	for (uint32_t *link = bucket(r, l->session, sequence); *link != SMPP_REQUEST_NONE;
	     link = &r->blocks[*link].hash_next) {
		const struct smpp_request *q = &r->blocks[*link];

		if (q->session == l->session && q->sequence == sequence) {
			*token = q->token;
			unlink_request(r, l, link);
			return true;
		}
	}
	return false;
}

bool smpp_request_take_first(struct smpp_requests *r, struct smpp_request_list *l, uint64_t *token)
{
	return l->first != SMPP_REQUEST_NONE &&
	       smpp_request_take(r, l, r->blocks[l->first].sequence, token);
}
