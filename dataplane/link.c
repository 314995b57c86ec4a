#include "link.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

#include "pages.h"

struct link_lines *link_lines_new(void)
{
	struct link_lines *lines = calloc(1, sizeof(*lines));

	if (lines == NULL)
		return NULL;
	lines->peers = pages_new(WORLD_PEERS_MAX * sizeof(struct link_group));
	lines->accounts = pages_new(WORLD_ACCOUNTS_MAX * sizeof(struct link_group));
	if (lines->peers == NULL || lines->accounts == NULL) {
		link_lines_free(lines);
		return NULL;
	}
	return lines;
}

void link_lines_free(struct link_lines *lines)
{
	if (lines == NULL)
		return;
	pages_free(lines->peers, WORLD_PEERS_MAX * sizeof(struct link_group));
	pages_free(lines->accounts, WORLD_ACCOUNTS_MAX * sizeof(struct link_group));
	free(lines);
}

struct link_group *link_group(const struct link_lines *lines, const struct route_target *target)
{
	if (target->kind == ROUTE_PEER) {
		ASSERT(target->slot < WORLD_PEERS_MAX);
		return &lines->peers[target->slot];
	}
	ASSERT(target->slot < WORLD_ACCOUNTS_MAX);
	return &lines->accounts[target->slot];
}

int link_take(struct link_group *group)
{
	uint64_t taken = atomic_load_explicit(&group->taken, memory_order_relaxed);

	while (taken != UINT64_MAX) {
		int k = __builtin_ctzll(~taken);

		/* Acquire: pairs with the release in link_release(), so the line's last writer is
		 * done with it. */
		if (atomic_compare_exchange_weak_explicit(&group->taken, &taken, taken | 1ull << k,
							  memory_order_acquire,
							  memory_order_relaxed))
			return k;
	}
	return -1;
}

void link_up(struct link_group *group, unsigned k, struct session_ref ref, uint32_t queue_max)
{
	struct link_line *line = &group->lines[k];

	atomic_store_explicit(&line->session, session_ref_pack(ref), memory_order_relaxed);
	atomic_store_explicit(&line->queued, 0, memory_order_relaxed);
	atomic_store_explicit(&line->queue_max, queue_max, memory_order_relaxed);
	atomic_store_explicit(&line->throttled_until_us, 0, memory_order_relaxed);
	/* Release: the line above is seen by who sees the bit; pairs with the acquire in
	 * link_choose(). */
	atomic_fetch_or_explicit(&group->up, 1ull << k, memory_order_release);
}

void link_down(struct link_group *group, unsigned k)
{
	atomic_fetch_and_explicit(&group->up, ~(1ull << k), memory_order_relaxed);
}

void link_release(struct link_group *group, unsigned k)
{
	/* Release: pairs with the acquire in link_take(). */
	atomic_fetch_and_explicit(&group->taken, ~(1ull << k), memory_order_release);
}

/* The same in every run, so that `route explain` says what happens. */
static const struct hash_key to_key = {0x6a09e667f3bcc908ull, 0xbb67ae8584caa73bull};

struct link_line *link_choose(struct link_group *group, struct str to)
{
	uint64_t up =
		atomic_load_explicit(&group->up, memory_order_acquire); /* pairs with link_up() */
	uint64_t best = 0, to_hash;
	int      chosen = -1;

	if (up == 0)
		return NULL;
	if ((up & (up - 1)) == 0)
		return &group->lines[__builtin_ctzll(up)];
	to_hash = hash_sip(&to_key, to.p, to.n);
	for (; up != 0; up &= up - 1) {
		int      k = __builtin_ctzll(up);
		uint64_t score = hash_mix(to_hash ^ ((uint64_t)k + 1) * 0x9e3779b97f4a7c15ull);

		if (chosen < 0 || score > best) {
			best = score;
			chosen = k;
		}
	}
	return &group->lines[chosen];
}
