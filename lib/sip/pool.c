#include "sip/pool.h"

#include <assert.h>

#include "base/assert.h"

static_assert(sizeof(struct sip_block) == SIP_BLOCK_SIZE, "a block of the size that is told");

#define BYTES (uint32_t)sizeof(((struct sip_block *)0)->bytes)

void sip_pool_init(struct sip_pool *p, void *blocks, uint32_t count)
{
	ASSERT(count < UINT32_MAX);
	*p = (struct sip_pool){.blocks = blocks, .count = count};
}

/* The next one to be taken is written from its first byte to its last. */
static void prefetch(const struct sip_block *b)
{
	for (size_t at = 0; at < sizeof(*b); at += 64)
		__builtin_prefetch((const uint8_t *)b + at, 1);
}

uint32_t sip_pool_take(struct sip_pool *p)
{
	uint32_t number = p->free;

	if (number != SIP_BLOCK_NONE)
		p->free = sip_pool_at(p, number)->next;
	else if (p->touched < p->count)
		number = ++p->touched;
	else
		return SIP_BLOCK_NONE;
	sip_pool_at(p, number)->next = SIP_BLOCK_NONE;
	p->used++;
	if (p->free != SIP_BLOCK_NONE)
		prefetch(sip_pool_at(p, p->free));
	return number;
}

void sip_pool_give(struct sip_pool *p, uint32_t number)
{
	struct sip_block *b;

	ASSERT(number != SIP_BLOCK_NONE && number <= p->touched && p->used > 0);
	b = sip_pool_at(p, number);
	b->generation++;
	b->next = p->free;
	p->free = number;
	p->used--;
}

static void give_from(struct sip_pool *p, uint32_t number)
{
	while (number != SIP_BLOCK_NONE) {
		uint32_t next = sip_pool_at(p, number)->next;

		sip_pool_give(p, number);
		number = next;
	}
}

void sip_chain_give(struct sip_pool *p, const struct sip_chain *c)
{
	give_from(p, c->first);
}

bool sip_chain_append(struct sip_pool *p, struct sip_chain *c, const void *bytes, size_t n)
{
	const uint8_t   *from = bytes;
	struct sip_chain before = *c;
	uint32_t         end = c->start + c->size; /* as if all blocks were one */

	while (n > 0) {
		uint32_t at = end % BYTES;
		size_t   part = BYTES - at < n ? BYTES - at : n;

		if (at == 0 && end > 0) {
			uint32_t more = sip_pool_take(p);

			if (more == SIP_BLOCK_NONE) {
				give_from(p, sip_pool_at(p, before.last)->next);
				sip_pool_at(p, before.last)->next = SIP_BLOCK_NONE;
				*c = before;
				return false;
			}
			sip_pool_at(p, c->last)->next = more;
			c->last = more;
		}
		memcpy(sip_pool_at(p, c->last)->bytes + at, from, part);
		from += part;
		n -= part;
		end += (uint32_t)part;
	}
	c->size = end - c->start;
	return true;
}

void sip_chain_put(const struct sip_pool *p, const struct sip_chain *c, size_t offset, size_t n,
		   struct put *w)
{
	const struct sip_block *b = sip_pool_at(p, c->first);
	size_t                  at = c->start + offset;

	ASSERT(offset + n <= c->size);
	for (; n > 0 && at >= BYTES; at -= BYTES)
		b = sip_pool_at(p, b->next);
	while (n > 0) {
		size_t part = BYTES - at < n ? BYTES - at : n;

		put_bytes(w, b->bytes + at, part);
		n -= part;
		at = 0;
		if (n > 0)
			b = sip_pool_at(p, b->next);
	}
}
