#include "chats.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/aor.h"
#include "base/assert.h"

#include "worker.h"

#define WORKER_BITS 8u

static_assert(NET_WORKERS_MAX < 1u << WORKER_BITS, "a number fits");

int chats_init(struct chats *c, uint64_t shared_seed)
{
	c->key = (struct hash_key){hash_mix(shared_seed + 401), hash_mix(shared_seed + 402)};
	c->marks = calloc(CHATS_MARKS, sizeof(c->marks[0]));
	return c->marks != NULL ? 0 : -ENOMEM;
}

void chats_free(struct chats *c)
{
	free(c->marks);
}

/* Each with an end; without its lowest byte. */
static uint64_t pair_hash(const struct chats *c, struct str device, struct str other)
{
	uint8_t    bytes[2 * MSG_ADDR_SIZE_MAX + 2];
	size_t     n = device.n;
	struct aor who;

	if (aor_split(other, &who) && who.scheme.n > 0)
		other = str_skip(other, who.scheme.n + 1);
	ASSERT(device.n <= MSG_ADDR_SIZE_MAX && other.n <= MSG_ADDR_SIZE_MAX);
	if (device.n > 0)
		memcpy(bytes, device.p, device.n);
	bytes[n++] = 0;
	if (other.n > 0)
		memcpy(bytes + n, other.p, other.n);
	n += other.n;
	return hash_sip(&c->key, bytes, n) >> WORKER_BITS << WORKER_BITS;
}

static _Atomic uint64_t *mark_at(const struct chats *c, uint64_t mark)
{
	return &c->marks[(mark >> WORKER_BITS) % CHATS_MARKS];
}

/* Relaxed, here and below: nothing is published by a mark. */
uint64_t chats_begun(struct worker *w, struct str device, struct str other)
{
	struct chats *c = &w->dp->chats;
	uint64_t      mark;

	if (device.n > MSG_ADDR_SIZE_MAX || other.n > MSG_ADDR_SIZE_MAX)
		return 0;
	mark = pair_hash(c, device, other) | (w->number + 1);
	atomic_store_explicit(mark_at(c, mark), mark, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->open, 1, memory_order_relaxed);
	return mark;
}

void chats_over(struct worker *w, uint64_t mark, bool another)
{
	struct chats *c = &w->dp->chats;
	uint64_t      expected = mark;

	if (mark == 0)
		return;
	if (!another) /* a word that somebody else has taken stays */
		atomic_compare_exchange_strong_explicit(mark_at(c, mark), &expected, 0,
							memory_order_relaxed, memory_order_relaxed);
	atomic_fetch_sub_explicit(&c->open, 1, memory_order_relaxed);
}

bool chats_taken(const struct worker *w, uint64_t mark)
{
	uint64_t there =
		mark != 0 ? atomic_load_explicit(mark_at(&w->dp->chats, mark), memory_order_relaxed)
			  : 0;

	return there != mark && there >> WORKER_BITS == mark >> WORKER_BITS;
}

unsigned chats_worker(const struct worker *w, struct str device, struct str other)
{
	const struct chats *c = &w->dp->chats;
	uint64_t            hash, mark;

	if (atomic_load_explicit(&c->open, memory_order_relaxed) == 0)
		return w->number;
	hash = pair_hash(c, device, other);
	mark = atomic_load_explicit(mark_at(c, hash), memory_order_relaxed);
	return mark >> WORKER_BITS == hash >> WORKER_BITS && mark != 0
		       ? (unsigned)(mark & ((1u << WORKER_BITS) - 1)) - 1
		       : w->number;
}
