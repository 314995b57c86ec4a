#include "sip/completed.h"

#include <assert.h>

#include "base/assert.h"
#include "sip/transaction.h"

static_assert(sizeof(struct sip_completed_entry) == 32, "an answered request costs 32 bytes");

#define UNIT_SHIFT 16u /* of us: 2^32 of them are 8.9 years */
#define LIFE (uint32_t)((SIP_TIMEOUT_US >> UNIT_SHIFT) + 1)
#define EXPIRE_AT_ONCE 4u

static uint32_t units(struct now now)
{
	return (uint32_t)(now.us >> UNIT_SHIFT);
}

static bool over(const struct sip_completed_entry *e, struct now now)
{
	return units(now) - e->ended > LIFE;
}

void sip_completed_init(struct sip_completed *c, void *memory, size_t bytes)
{
	size_t   count = bytes / (sizeof(struct sip_completed_entry) + 2 * sizeof(uint32_t));
	uint32_t buckets = 1;

	ASSERT(count < UINT32_MAX / 2);
	*c = (struct sip_completed){0};
	if (count == 0)
		return;
	while (buckets <= count)
		buckets *= 2;
	*c = (struct sip_completed){
		.entries = memory,
		.buckets = (uint32_t *)((struct sip_completed_entry *)memory + count),
		.count = (uint32_t)count,
		.bucket_mask = buckets - 1,
	};
}

static uint32_t *bucket(struct sip_completed *c, const struct sip_key *key)
{
	return &c->buckets[key->word[0] & c->bucket_mask];
}

static struct sip_completed_entry *at(struct sip_completed *c, uint32_t number)
{
	return &c->entries[number - 1];
}

static void drop_oldest(struct sip_completed *c)
{
	uint32_t  number = c->oldest + 1;
	uint32_t *link = bucket(c, &at(c, number)->key);

	while (*link != number)
		link = &at(c, *link)->next;
	*link = at(c, number)->next;
	c->oldest = number < c->count ? number : 0;
	c->used--;
	__builtin_prefetch(bucket(c, &at(c, c->oldest + 1)->key));
}

/* More go than come, so that those whose time is over do not gather. */
static void expire(struct sip_completed *c, struct now now)
{
	for (unsigned i = 0; i < EXPIRE_AT_ONCE && c->used > 0 && over(at(c, c->oldest + 1), now);
	     i++)
		drop_oldest(c);
}

bool sip_completed_add(struct sip_completed *c, struct now now, const struct sip_key *key,
		       unsigned status, uint32_t note)
{
	bool     early;
	uint32_t number, *head;

	if (c->count == 0)
		return true;
	expire(c, now);
	early = c->used == c->count;
	if (early)
		drop_oldest(c);
	number = (uint32_t)(((uint64_t)c->oldest + c->used) % c->count) + 1;
	head = bucket(c, key);
	*at(c, number) = (struct sip_completed_entry){
		.key = *key,
		.next = *head,
		.ended = units(now),
		.note = note,
		.status = (uint16_t)status,
	};
	*head = number;
	c->used++;
	return early;
}

const struct sip_completed_entry *sip_completed_find(struct sip_completed *c, struct now now,
						     const struct sip_key *key, bool *merged)
{
	if (c->count == 0)
		return NULL;
	expire(c, now);
	for (uint32_t number = *bucket(c, key); number != 0; number = at(c, number)->next) {
		const struct sip_completed_entry *e = at(c, number);

		if (e->key.word[0] != key->word[0] || over(e, now))
			continue;
		if (e->key.word[1] == key->word[1])
			return e;
		*merged = true;
	}
	return NULL;
}
