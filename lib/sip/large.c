#include "sip/large.h"

#include <assert.h>

#include "sip/session_private.h"

#define NAMED 8u  /* number, generation */
#define BYTES 20u /* with what proves them */

static_assert(SIP_LARGE_ID_SIZE == BYTES / 5 * 8, "a session id has the size that is told");
static_assert(sizeof(struct sip_large) <= sizeof(((struct sip_block *)NULL)->bytes),
	      "one block holds a large message's state");

static struct sip_large *large_at(const struct sip_pool *p, uint32_t number)
{
	return (struct sip_large *)(void *)sip_pool_at(p, number)->bytes;
}

/* The block that had this generation when it was named, if it is in use by the same still. */
static struct sip_large *large_named(const struct sip_pool *p, uint32_t number, uint32_t generation)
{
	if (number == SIP_BLOCK_NONE || number > p->touched ||
	    (sip_pool_at(p, number)->generation & SIP_TOKEN_GENERATION) != generation)
		return NULL;
	return large_at(p, number);
}

struct sip_large *sip_large_new(struct sip_instance *i, struct sip_session *dialog)
{
	struct sip_pool  *pool = &i->transactions.pool;
	uint32_t          number = sip_pool_take(pool);
	struct sip_large *l;

	if (number == SIP_BLOCK_NONE) {
		metric_inc(i->metrics, METRIC_sip_transactions_full);
		return NULL;
	}
	l = large_at(pool, number);
	*l = (struct sip_large){.dialog = dialog, .number = number};
	metric_inc(i->metrics, METRIC_sip_large_open);
	return l;
}

void sip_large_forget_ahead(struct sip_large *l)
{
	while (l->ahead_count > 0)
		msg_free(l->ahead[--l->ahead_count].m);
	l->ends_at = 0;
}

void sip_large_end(struct sip_instance *i, struct sip_large *l)
{
	struct sip_pool *pool = &i->transactions.pool;

	if (l->stream != NULL)
		sip_stream_forget(l->stream, l);
	if (l->path.first != SIP_BLOCK_NONE)
		sip_chain_give(pool, &l->path);
	if (l->waits)
		sip_chat_unwait(i, l);
	if (l->chat)
		sip_chat_end(i, l);
	sip_large_forget_ahead(l);
	msg_free(l->m);
	msg_free(l->invite);
	sip_pool_give(pool, l->number);
	metric_sub(i->metrics, METRIC_sip_large_open, 1);
}

static void name(const struct sip_instance *i, uint32_t number, uint32_t generation,
		 uint8_t bytes[BYTES])
{
	struct put w = put_to(bytes, BYTES);
	uint64_t   proofs[2];

	put_be32(&w, number);
	put_be32(&w, generation);
	for (size_t n = 0; n < 2; n++)
		proofs[n] = hash_sip(&i->large_keys[n], bytes, NAMED);
	put_be64(&w, proofs[0]);
	put_be32(&w, (uint32_t)proofs[1]);
	ASSERT(put_room(&w) == 0);
}

void sip_large_uri_put(const struct sip_instance *i, const struct sip_large *l, struct put *w)
{
	const struct sip_large *chat = l->chat_of != 0 ? sip_large_by_token(i, l->chat_of) : NULL;
	char                    host[SIP_FLOW_TEXT_SIZE], id[SIP_LARGE_ID_SIZE];
	struct put              session = put_to(id, sizeof(id));

	if (chat != NULL) /* the session is the chat's */
		l = chat;
	sip_large_id_put(i, l, &session);
	msrp_uri_put(w, sip_flow_text(&l->local, host), l->local.port,
		     (struct str){id, put_size(&session)});
}

void sip_large_id_put(const struct sip_instance *i, const struct sip_large *l, struct put *w)
{
	uint8_t bytes[BYTES];

	name(i, l->number, sip_pool_at(&i->transactions.pool, l->number)->generation, bytes);
	sip_base32_put(w, bytes, sizeof(bytes));
}

struct sip_large *sip_large_by_id(const struct sip_instance *i, struct str id)
{
	uint8_t    bytes[BYTES], right[BYTES];
	struct cur c = cur_of(bytes, sizeof(bytes));
	uint32_t   number, generation;

	if (!sip_base32_parse(id, bytes, sizeof(bytes)))
		return NULL;
	number = cur_be32(&c);
	generation = cur_be32(&c);
	name(i, number, generation, right);
	if (memcmp(bytes, right, sizeof(right)) != 0)
		return NULL;
	return large_named(&i->transactions.pool, number, generation & SIP_TOKEN_GENERATION);
}

uint64_t sip_large_token(const struct sip_instance *i, const struct sip_large *l)
{
	uint32_t generation =
		sip_pool_at(&i->transactions.pool, l->number)->generation & SIP_TOKEN_GENERATION;

	return SIP_TOKEN_OTHER | (uint64_t)generation << 32 | l->number;
}

struct sip_large *sip_large_by_token(const struct sip_instance *i, uint64_t token)
{
	if (!(token & SIP_TOKEN_OTHER))
		return NULL;
	return large_named(&i->transactions.pool, (uint32_t)token,
			   (uint32_t)(token >> 32) & SIP_TOKEN_GENERATION);
}

bool sip_large_path(struct sip_instance *i, struct sip_large *l, struct str path)
{
	struct sip_pool *pool = &i->transactions.pool;
	uint32_t         first;

	ASSERT(l->path.first == SIP_BLOCK_NONE);
	if (path.n > SIP_LARGE_PATH_MAX)
		return false;
	first = sip_pool_take(pool);
	if (first == SIP_BLOCK_NONE)
		return false;
	l->path = (struct sip_chain){.first = first, .last = first};
	if (sip_chain_append(pool, &l->path, path.p, path.n)) {
		if (l->stream != NULL)
			i->services->wake(i->services->context, l->stream);
		return true;
	}
	sip_chain_give(pool, &l->path);
	l->path = (struct sip_chain){0};
	return false;
}

void sip_large_path_put(const struct sip_instance *i, const struct sip_large *l, struct put *w)
{
	if (l->path.size > 0)
		sip_chain_put(&i->transactions.pool, &l->path, 0, l->path.size, w);
}

void sip_large_over(struct sip_instance *i, struct sip_large *l, const struct result *r)
{
	if (l->over)
		return;
	l->over = true;
	l->result = (struct sip_outcome){.why = r->why,
					 .peer_protocol = r->peer_protocol,
					 .has_status = r->has_status,
					 .maybe_sent = r->maybe_sent,
					 .again = r->again,
					 .way_gone = r->way_gone,
					 .peer_status = r->peer_status,
					 .retry_after_ms = r->retry_after_ms};
	sip_dialog_over(i, l);
	i->services->wake(i->services->context, l->dialog);
}
