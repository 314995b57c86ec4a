/* Pages and buckets, copied at their first change. */
#include "world/change.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static struct world_page *page_own(struct world_change *c, struct world_parties *parties,
				   uint32_t slot)
{
	struct world_page **at = &parties->pages[slot / WORLD_PAGE_SLOTS], *page;

	if (*at != NULL && (*at)->made == c->index->made)
		return *at;
	page = calloc(1, sizeof(*page));
	if (page == NULL)
		return NULL;
	if (*at != NULL)
		memcpy(page, *at, sizeof(*page));
	page->made = c->index->made;
	if (!change_made(c, PART_BLOCK, page) ||
	    (*at != NULL && !change_replaced(c, PART_BLOCK, *at)))
		return NULL;
	*at = page;
	return page;
}

bool pages_set(struct world_change *c, struct world_parties *parties, uint32_t slot,
	       const struct world_party *party)
{
	struct world_page *page = page_own(c, parties, slot);

	if (page == NULL)
		return change_short_of_memory(c);
	page->parties[slot % WORLD_PAGE_SLOTS] = party;
	if (party != NULL && slot >= parties->slots_max)
		parties->slots_max = slot + 1;
	while (parties->slots_max > 0 && world_party_at(parties, parties->slots_max - 1) == NULL)
		parties->slots_max--;
	return true;
}

bool pages_addresses(struct world_change *c, uint32_t slot, const struct world_addresses *addresses)
{
	struct world_page            *page = page_own(c, &c->index->peers, slot);
	const struct world_addresses *old;

	if (page == NULL)
		return change_short_of_memory(c);
	old = page->addresses[slot % WORLD_PAGE_SLOTS];
	page->addresses[slot % WORLD_PAGE_SLOTS] = addresses;
	c->addresses_changed = true;
	return old == NULL || change_replaced(c, PART_BLOCK, old);
}

uint32_t pages_uses(const struct world_parties *parties, uint32_t slot)
{
	const struct world_page *page = parties->pages[slot / WORLD_PAGE_SLOTS];

	return page != NULL ? page->uses[slot % WORLD_PAGE_SLOTS] : 0;
}

bool pages_use(struct world_change *c, struct world_parties *parties, uint32_t slot, int by)
{
	struct world_page *page = page_own(c, parties, slot);

	if (page == NULL)
		return change_short_of_memory(c);
	ASSERT(by > 0 || page->uses[slot % WORLD_PAGE_SLOTS] > 0);
	page->uses[slot % WORLD_PAGE_SLOTS] += (uint32_t)by;
	return true;
}

/* The bucket as our own, with room for one more entry. */
static struct world_bucket *bucket_own(struct world_change *c, struct world_bucket **at)
{
	struct world_bucket *old = *at, *b;
	uint32_t             n = old != NULL ? old->n : 0;
	uint32_t             room;

	if (old != NULL && old->made == c->index->made && n < old->room)
		return old;
	room = n + (c->image ? n + 3 : 1);
	b = malloc(sizeof(*b) + room * sizeof(b->entries[0]));
	if (b == NULL)
		return NULL;
	b->made = c->index->made;
	b->n = n;
	b->room = room;
	if (n > 0)
		memcpy(b->entries, old->entries, n * sizeof(b->entries[0]));
	if (!change_made(c, PART_BLOCK, b) || (old != NULL && !change_replaced(c, PART_BLOCK, old)))
		return NULL;
	*at = b;
	return b;
}

bool buckets_add(struct world_change *c, struct world_bucket *buckets[], uint64_t hash,
		 uint32_t slot)
{
	struct world_bucket *b = bucket_own(c, &buckets[hash >> 56]);
	uint32_t             at;

	if (b == NULL)
		return change_short_of_memory(c);
	for (at = b->n; at > 0 && b->entries[at - 1].hash > hash; at--)
		b->entries[at] = b->entries[at - 1];
	b->entries[at] = (struct world_entry){hash, slot};
	b->n++;
	return true;
}

bool buckets_remove(struct world_change *c, struct world_bucket *buckets[], uint64_t hash,
		    uint32_t slot)
{
	struct world_bucket *b = bucket_own(c, &buckets[hash >> 56]);
	uint32_t             at = 0;

	if (b == NULL)
		return change_short_of_memory(c);
	while (at < b->n && (b->entries[at].hash != hash || b->entries[at].slot != slot))
		at++;
	ASSERT(at < b->n);
	b->n--;
	memmove(&b->entries[at], &b->entries[at + 1], (b->n - at) * sizeof(b->entries[0]));
	return true;
}
