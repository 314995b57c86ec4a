/* What the files of transactions share, and nobody else includes. Lists of blocks by number: a
 * list's links lie at an offset in each block's bytes. */
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

/* ---- client.c, for invite_client.c ---- */

static inline struct sip_client *sip_client_at(const struct sip_transactions *t, uint32_t number)
{
	return (struct sip_client *)(void *)sip_pool_at(&t->pool, number)->bytes;
}

/* It is sent (again) by timers A or E from this stage on. */
void sip_client_schedule(struct sip_transactions *t, struct sip_client *c, struct now now,
			 uint8_t stage);
void sip_client_still(struct sip_transactions *t, struct sip_client *c);

/* ---- invite_client.c, for client.c ---- */

void sip_invite_begin(struct sip_transactions *t, struct sip_client *c, struct now now);
/* CANCEL as a datagram or into the stream. False: no room. */
bool sip_invite_put_cancel(struct sip_transactions *t, struct sip_client *c, struct out *out);
/* The first whose time is over before its final response; what ended by itself goes. */
struct sip_client *sip_invite_over(struct sip_transactions *t, struct sip_clients *of,
				   struct now now, uint64_t *next);

/* ---- server.c, for invite_server.c ---- */

static inline struct sip_server *sip_server_at(const struct sip_transactions *t, uint32_t number)
{
	return (struct sip_server *)(void *)sip_pool_at(&t->pool, number)->bytes;
}

/* The one that waits with the key of this request, as if its method were that; NULL: none. */
struct sip_server *sip_server_pending(struct sip_transactions *t, const struct sip_incoming *in,
				      struct str method, struct sip_key *key);
/* Our To tag in the answers to requests with that key. */
struct str sip_server_tag(const struct sip_transactions *t, const struct sip_key *key,
			  char room[SIP_TAG_SIZE]);
/* The whole response, as respond() writes it. */
void sip_server_put(const struct sip_transactions *t, const struct sip_server *s,
		    const struct sip_answer *a, struct put *w);
/* It leaves the list that it waits in. */
void sip_server_unlist(struct sip_transactions *t, struct sip_server *s);

/* ---- invite_server.c, for server.c ---- */

/* The request came again: so does the kept answer, where that is paid for. */
void sip_invite_again(struct sip_transactions *t, struct sip_server *s, struct out *out);
/* Timers G and H; the next deadline. */
uint64_t sip_invite_server_tick(struct sip_transactions *t, struct sip_servers *of, struct now now,
				struct out *out);
