/* What the files of MSRP sessions share, and nobody else includes. */
#pragma once

#include "sip/links.h"
#include "sip/session_private.h"

#define LINKS offsetof(struct sip_large, links)
#define LARGES_MAX 32u      /* that one stream serves at a time */
#define CHUNKS_OPEN_MAX 16u /* sent and not answered, of all messages of a stream */
#define DISCARD_MAX                                                                                \
	65536u /* bytes of a refused chunk that are read before the stream is closed               \
		*/
#define IDLE_US (60 * US_PER_SECOND) /* without a large message */
#define HEAD_ROOM (SIP_LARGE_PATH_MAX + MSRP_URI_MAX + SIP_LARGE_TYPE_MAX + 256u)
#define CHUNK_ROOM (HEAD_ROOM + MSRP_CHUNK_MAX)
#define ANSWER_ROOM (2 * HEAD_ROOM) /* a response and a REPORT */
#define TRANSACTION_NAMED 10u       /* number, generation, chunk, try */
#define TRANSACTION_BYTES 15u       /* with what proves them */
#define TRANSACTION_SIZE (TRANSACTION_BYTES / 5 * 8)
#define HELLO UINT8_MAX /* instead of a chunk's number */

/* Where the answer to a request goes. */
struct msrp_back {
	uint8_t transaction_size, to_size, own_size;
	uint8_t failure_report; /* enum msrp_failure_report */
	/* Of a message of a chat: */
	bool     success_report;
	uint8_t  message_id_size; /* in place of our own URI, which is the chat's */
	uint32_t next, size;
	char     transaction[MSRP_ID_MAX];
	char     to[MSRP_URI_MAX], own[MSRP_URI_MAX];
};

struct msrp_stream {
	struct msrp_reader    reader;
	struct sip_block_list larges;
	uint32_t              count;   /* of them */
	uint32_t              open;    /* chunks sent and not answered */
	uint64_t              idle_us; /* since when there are none; 0: found out by tick() */
	/* The chunk that is being read. */
	bool     asks;   /* a request that is to be answered */
	uint8_t  why;    /* enum reason of ... */
	uint16_t status; /* ... its answer as far as is known */
	uint32_t back_block;
	uint32_t size;  /* bytes of its body until here */
	uint64_t large; /* token of what it belongs to; 0: nothing */
	uint8_t  ahead; /* its place in ->ahead of that, from 1; 0: it follows what is here */
	struct msrp_range range;
};

struct msrp_input {
	struct sip_session  *s;
	struct sip_instance *i;
	struct msrp_stream  *st;
	struct now           now;
	struct out          *out;
	struct proto_event  *event;
};

static inline struct msrp_stream *msrp_stream_of(const struct sip_session *s)
{
	return (void *)sip_pool_at(&s->instance->transactions.pool, s->media_block)->bytes;
}

static inline struct msrp_back *msrp_back_at(const struct sip_instance *i, uint32_t number)
{
	return (void *)sip_pool_at(&i->transactions.pool, number)->bytes;
}

static inline struct sip_large *msrp_large_at(const struct sip_instance *i, uint32_t number)
{
	return (void *)sip_pool_at(&i->transactions.pool, number)->bytes;
}

static inline void msrp_back_give(struct sip_instance *i, uint32_t *block)
{
	if (*block != SIP_BLOCK_NONE)
		sip_pool_give(&i->transactions.pool, *block);
	*block = SIP_BLOCK_NONE;
}

static inline unsigned msrp_open_chunks(const struct sip_large *l)
{
	return l->sent - (unsigned)__builtin_popcountll(l->acked);
}

static inline unsigned msrp_chunk_count(const struct sip_large *l)
{
	return (l->m->body.size + MSRP_CHUNK_MAX - 1) / MSRP_CHUNK_MAX;
}

static inline void msrp_over(struct sip_instance *i, struct sip_large *l, enum reason why,
			     bool maybe_sent)
{
	struct result r = {.why = (uint8_t)why, .maybe_sent = maybe_sent};

	sip_large_over(i, l, &r);
}

static inline void msrp_refuse(struct msrp_stream *st, unsigned status, enum reason why)
{
	if (st->status == 200) {
		st->status = (uint16_t)status;
		st->why = (uint8_t)why;
	}
}

/* msrp_sending.c */
void msrp_send_more(struct sip_session *s, struct sip_large *l, struct out *out);
void msrp_send_all(struct sip_session *s, struct out *out);
void msrp_on_response(struct msrp_input *in, const struct msrp_head *h);

/*
 * msrp_order.c: chunks that come before what they follow (RFC 4975, 7.3.1) wait in records of their
 * own, MSRP_AHEAD_MAX of them, within the size of the message. One that does not fit there, or
 * overlaps, is refused.
 */
/* The chunk that begins is one of those. */
void msrp_ahead_begin(struct msrp_input *in, struct sip_large *l);
bool msrp_is_ahead(const struct msrp_input *in);
void msrp_ahead_append(struct msrp_input *in, struct sip_large *l, struct str bytes);
/* It has ended; refused, it is forgotten. last: the message ends with it. */
void msrp_ahead_end(struct msrp_input *in, struct sip_large *l, bool last);
/* What waited for the bytes that are here now follows them. True: the message is whole. */
bool msrp_ahead_follow(struct msrp_input *in, struct sip_large *l);
