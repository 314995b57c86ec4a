#include "xmpp/block.h"

#include "base/assert.h"

void xmpp_blocks_init(struct xmpp_blocks *b, void *memory, uint32_t count)
{
	*b = (struct xmpp_blocks){.blocks = memory, .count = count};
}

uint32_t xmpp_block_take(struct xmpp_blocks *b)
{
	uint32_t number = b->free;

	if (number != XMPP_BLOCK_NONE)
		b->free = xmpp_block_at(b, number)->next;
	else if (b->touched < b->count)
		number = ++b->touched;
	if (number != XMPP_BLOCK_NONE)
		b->used++;
	return number;
}

void xmpp_block_give(struct xmpp_blocks *b, uint32_t number)
{
	struct xmpp_block *block = xmpp_block_at(b, number);

	ASSERT(number != XMPP_BLOCK_NONE && number <= b->touched && b->used > 0);
	block->generation++;
	block->next = b->free;
	b->free = number;
	b->used--;
}

void xmpp_list_append(struct xmpp_blocks *b, struct xmpp_list *l, uint32_t number)
{
	struct xmpp_block *block = xmpp_block_at(b, number);

	block->next = XMPP_BLOCK_NONE;
	block->previous = l->last;
	if (l->last != XMPP_BLOCK_NONE)
		xmpp_block_at(b, l->last)->next = number;
	else
		l->first = number;
	l->last = number;
	l->count++;
}

void xmpp_list_remove(struct xmpp_blocks *b, struct xmpp_list *l, uint32_t number)
{
	struct xmpp_block *block = xmpp_block_at(b, number);

	ASSERT(l->count > 0);
	if (block->previous != XMPP_BLOCK_NONE)
		xmpp_block_at(b, block->previous)->next = block->next;
	else
		l->first = block->next;
	if (block->next != XMPP_BLOCK_NONE)
		xmpp_block_at(b, block->next)->previous = block->previous;
	else
		l->last = block->previous;
	l->count--;
}

uint64_t xmpp_block_token(const struct xmpp_blocks *b, uint32_t number)
{
	return (uint64_t)xmpp_block_at(b, number)->generation << 32 | number;
}

uint32_t xmpp_block_find(const struct xmpp_blocks *b, uint64_t token)
{
	uint32_t number = (uint32_t)token;

	if (number == XMPP_BLOCK_NONE || number > b->touched ||
	    xmpp_block_at(b, number)->generation != token >> 32)
		return XMPP_BLOCK_NONE;
	return number;
}
