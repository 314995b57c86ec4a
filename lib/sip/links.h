/* Lists of blocks by number, for client.c and server.c: a list's links lie at an offset in each
 * block's bytes. */
#pragma once

#include "base/assert.h"
#include "sip/transaction.h"

static inline struct sip_links *sip_links_at(const struct sip_pool *p, uint32_t number,
					     size_t offset)
{
	return (struct sip_links *)(void *)(sip_pool_at(p, number)->bytes + offset);
}

static inline void sip_links_append(const struct sip_pool *p, struct sip_block_list *l,
				    uint32_t number, size_t offset)
{
	*sip_links_at(p, number, offset) = (struct sip_links){SIP_BLOCK_NONE, l->last};
	if (l->last != SIP_BLOCK_NONE)
		sip_links_at(p, l->last, offset)->next = number;
	else
		l->first = number;
	l->last = number;
}

static inline void sip_links_remove(const struct sip_pool *p, struct sip_block_list *l,
				    uint32_t number, size_t offset)
{
	struct sip_links at = *sip_links_at(p, number, offset);

	ASSERT_HOT(at.prev != SIP_BLOCK_NONE || l->first == number);
	if (at.prev != SIP_BLOCK_NONE)
		sip_links_at(p, at.prev, offset)->next = at.next;
	else
		l->first = at.next;
	if (at.next != SIP_BLOCK_NONE)
		sip_links_at(p, at.next, offset)->prev = at.prev;
	else
		l->last = at.prev;
}
