#include "xmpp/block.h"

#include <assert.h>

#include "base/assert.h"

static_assert(XMPP_QUARTERS * XMPP_QUARTER_SIZE <= sizeof(struct xmpp_block) &&
		      XMPP_QUARTER_SIZE % _Alignof(struct xmpp_block) == 0,
	      "a block has room for its quarters");

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
		number = b->touched++ * XMPP_QUARTERS + 1;
	if (number != XMPP_BLOCK_NONE)
		b->used++;
	return number;
}

static uint32_t whole_of(uint32_t quarter)
{
	return quarter - (quarter - 1) % XMPP_QUARTERS;
}

uint32_t xmpp_quarter_take(struct xmpp_blocks *b)
{
	uint32_t number = b->quarters.first;

	if (number != XMPP_BLOCK_NONE) {
		xmpp_list_remove(b, &b->quarters, number);
	} else {
		number = xmpp_block_take(b);
		if (number == XMPP_BLOCK_NONE)
			return number;
		for (uint32_t i = 1; i < XMPP_QUARTERS; i++)
			xmpp_list_append(b, &b->quarters, number + i);
	}
	xmpp_block_at(b, whole_of(number))->quarters++;
	return number;
}

/* The last that is given back makes the block whole again. */
static void quarter_give(struct xmpp_blocks *b, uint32_t number)
{
	uint32_t whole = whole_of(number);

	xmpp_list_append(b, &b->quarters, number);
	if (--xmpp_block_at(b, whole)->quarters > 0)
		return;
	for (uint32_t i = 0; i < XMPP_QUARTERS; i++)
		xmpp_list_remove(b, &b->quarters, whole + i);
	xmpp_block_give(b, whole);
}

void xmpp_block_give(struct xmpp_blocks *b, uint32_t number)
{
	struct xmpp_block *block = xmpp_block_at(b, number);

	ASSERT(number != XMPP_BLOCK_NONE && number <= b->touched * XMPP_QUARTERS && b->used > 0);
	if (xmpp_block_is_quarter(b, number)) {
		quarter_give(b, number);
		return;
	}
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

	if (number == XMPP_BLOCK_NONE || number > b->touched * XMPP_QUARTERS ||
	    xmpp_block_at(b, number)->generation != token >> 32)
		return XMPP_BLOCK_NONE;
	return number;
}
