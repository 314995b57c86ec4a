/*
 * Blocks of an instance for open transactions, and bytes kept in chains of them. The memory is
 * given zeroed and stays untouched until a block is used. One worker; all in constant time but for
 * the blocks of a chain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/put.h"

#define SIP_BLOCK_SIZE 512u
#define SIP_BLOCK_NONE 0u /* blocks are numbered from 1, so that zeroed memory names none */

struct sip_block {
	uint32_t next;       /* of a chain, or of the free ones */
	uint32_t generation; /* rises when it is freed; what still names the old use is found out */
	uint8_t  bytes[SIP_BLOCK_SIZE - 8] __attribute__((aligned(8)));
};

struct sip_pool {
	struct sip_block *blocks;
	uint32_t          count, used, touched, free; /* those after touched were never used */
};

void sip_pool_init(struct sip_pool *p, void *blocks, uint32_t count);
/* SIP_BLOCK_NONE: all are in use. */
uint32_t sip_pool_take(struct sip_pool *p);
void     sip_pool_give(struct sip_pool *p, uint32_t number);

static inline struct sip_block *sip_pool_at(const struct sip_pool *p, uint32_t number)
{
	return &p->blocks[number - 1];
}

/* Bytes from an offset in the first block on, which its owner keeps for itself. */
struct sip_chain {
	uint32_t first, last;
	uint32_t start; /* in the bytes of the first block */
	uint32_t size;
};

/* False: no block was free, and the chain is as before. */
bool sip_chain_append(struct sip_pool *p, struct sip_chain *c, const void *bytes, size_t n);
/* n bytes from an offset on, which must be there. */
void sip_chain_put(const struct sip_pool *p, const struct sip_chain *c, size_t offset, size_t n,
		   struct put *w);
/* It will be given back soon. */
static inline void sip_chain_prefetch(const struct sip_pool *p, const struct sip_chain *c)
{
	__builtin_prefetch(sip_pool_at(p, c->last), 1);
}

/* All blocks, the first too. */
void sip_chain_give(struct sip_pool *p, const struct sip_chain *c);
