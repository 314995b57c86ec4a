/*
 * Streams of MSRP (RFC 4975): sessions whose bytes are its chunks. One that was accepted at a media
 * port serves whatever large messages it names, as peers use a connection again (5.4); one that we
 * opened serves the message that it was opened for. Where a message is lies in struct sip_large,
 * what belongs to the chunk that is being read in struct msrp_stream.
 *
 * Taking: the chunks of a message come in order, without overlap. Each is answered at its end, the
 * last one when the pipeline has answered. Sending: chunks of MSRP_CHUNK_MAX bytes, of which as
 * many may be unanswered as find room in a connection that nobody reads.
 */
#include <assert.h>

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
	bool              asks;   /* a request that is to be answered */
	uint8_t           why;    /* enum reason of ... */
	uint16_t          status; /* ... its answer as far as is known */
	uint32_t          back_block;
	uint32_t          size;  /* bytes of its body until here */
	uint64_t          large; /* token of what it belongs to; 0: nothing */
	struct msrp_range range;
};

static_assert(sizeof(struct msrp_stream) <= sizeof(((struct sip_block *)NULL)->bytes),
	      "one block holds a stream");
static_assert(sizeof(struct msrp_back) <= sizeof(((struct sip_block *)NULL)->bytes),
	      "one block holds the way back");
static_assert((MSG_SIZE_MAX + MSRP_CHUNK_MAX - 1) / MSRP_CHUNK_MAX <=
		      8 * sizeof(((struct sip_large *)NULL)->acked),
	      "each chunk of a message has a bit");

struct input {
	struct sip_session  *s;
	struct sip_instance *i;
	struct msrp_stream  *st;
	struct now           now;
	struct out          *out;
	struct proto_event  *event;
};

static struct msrp_stream *stream_of(const struct sip_session *s)
{
	return (void *)sip_pool_at(&s->instance->transactions.pool, s->media_block)->bytes;
}

static struct msrp_back *back_at(const struct sip_instance *i, uint32_t number)
{
	return (void *)sip_pool_at(&i->transactions.pool, number)->bytes;
}

static struct sip_large *large_at(const struct sip_instance *i, uint32_t number)
{
	return (void *)sip_pool_at(&i->transactions.pool, number)->bytes;
}

static void back_give(struct sip_instance *i, uint32_t *block)
{
	if (*block != SIP_BLOCK_NONE)
		sip_pool_give(&i->transactions.pool, *block);
	*block = SIP_BLOCK_NONE;
}

/* ---- which messages it serves ---- */

bool sip_stream_bind(struct sip_session *s, struct sip_large *l, struct now now)
{
	struct msrp_stream *st = stream_of(s);

	if (st->count == LARGES_MAX || s->state != SIP_STATE_UP)
		return false;
	sip_links_append(&s->instance->transactions.pool, &st->larges, l->number, LINKS);
	st->count++;
	l->stream = s;
	l->progress_us = now.us;
	return true;
}

static unsigned open_chunks(const struct sip_large *l)
{
	return l->sent - (unsigned)__builtin_popcountll(l->acked);
}

static void unbind(struct sip_session *s, struct sip_large *l)
{
	struct msrp_stream *st = stream_of(s);

	ASSERT(l->stream == s && st->count > 0 && st->open >= open_chunks(l));
	sip_links_remove(&s->instance->transactions.pool, &st->larges, l->number, LINKS);
	back_give(s->instance, &l->back_block);
	while (l->backs != SIP_BLOCK_NONE) {
		uint32_t next = back_at(s->instance, l->backs)->next;

		back_give(s->instance, &l->backs);
		l->backs = next;
	}
	l->backs_open = 0;
	st->open -= open_chunks(l);
	st->count--;
	st->idle_us = 0;
	l->stream = NULL;
}

void sip_stream_forget(struct sip_session *s, struct sip_large *l)
{
	const struct proto_services *services = s->instance->services;

	unbind(s, l);
	if (s->role == PROTO_CONNECTING && stream_of(s)->count == 0)
		sip_close_later(s, REASON_UNBOUND);
	services->wake(services->context, s);
}

static void over(struct sip_instance *i, struct sip_large *l, enum reason why, bool maybe_sent)
{
	struct result r = {.why = (uint8_t)why, .maybe_sent = maybe_sent};

	sip_large_over(i, l, &r);
}

/* ---- sending ---- */

static unsigned chunk_count(const struct sip_large *l)
{
	return (l->m->body.size + MSRP_CHUNK_MAX - 1) / MSRP_CHUNK_MAX;
}

static void transaction_name(const struct sip_instance *i, uint64_t token, unsigned chunk,
			     unsigned attempt, uint8_t bytes[TRANSACTION_BYTES])
{
	struct put w = put_to(bytes, TRANSACTION_BYTES);
	uint64_t   proof;

	put_be64(&w, token);
	put_u8(&w, (uint8_t)chunk);
	put_u8(&w, (uint8_t)attempt);
	proof = hash_sip(&i->large_keys[0], bytes, TRANSACTION_NAMED);
	put_bytes(&w, &proof, TRANSACTION_BYTES - TRANSACTION_NAMED);
}

static void chunk_put(struct sip_instance *i, const struct sip_large *l, struct put *w)
{
	uint32_t        at = l->sent * MSRP_CHUNK_MAX, left = l->m->body.size - at;
	struct msg_part part = {l->m->body.off + at, left < MSRP_CHUNK_MAX ? left : MSRP_CHUNK_MAX};
	uint8_t         room[MSRP_CHUNK_MAX], named[TRANSACTION_BYTES];
	char            path[SIP_LARGE_PATH_MAX], own[MSRP_URI_MAX], name[TRANSACTION_SIZE];
	struct put      to = put_to(path, sizeof(path)), from = put_to(own, sizeof(own));
	const uint8_t  *bytes = msg_view(l->m, part, room);
	struct msrp_send s = {.message_id = {l->message_id, l->message_id_size},
			      .content_type = {l->type, l->type_size},
			      .range = {at + 1, at + part.size, l->m->body.size},
			      .flag = left > part.size ? MSRP_CONTINUED : MSRP_COMPLETE};

	sip_large_path_put(i, l, &to);
	sip_large_uri_put(i, l, &from);
	s.to_path = (struct str){path, put_size(&to)};
	s.from_path = (struct str){own, put_size(&from)};
	for (unsigned attempt = 0; attempt <= UINT8_MAX; attempt++) {
		struct put id = put_to(name, sizeof(name));

		transaction_name(i, sip_large_token(i, l), l->sent, attempt, named);
		sip_base32_put(&id, named, sizeof(named));
		s.transaction = (struct str){name, put_size(&id)};
		if (msrp_send_put(w, &s, bytes, part.size))
			return;
	}
	ASSERT(false); /* who made the body knew 256 ids that nobody can guess */
}

static void send_more(struct sip_session *s, struct sip_large *l, struct out *out)
{
	struct sip_instance *i = s->instance;
	struct msrp_stream  *st = stream_of(s);

	if (!l->sends || l->over || l->path.size == 0)
		return;
	if (l->message_id_size == 0) {
		sip_text_new(i, l->message_id);
		l->message_id_size = SIP_TEXT_SIZE;
	}
	while (l->sent < chunk_count(l) && st->open < CHUNKS_OPEN_MAX &&
	       out_fits(out, CHUNK_ROOM)) {
		chunk_put(i, l, &out->put);
		metric_inc(i->metrics, METRIC_msrp_chunks_out);
		l->sent++;
		st->open++;
	}
}

/* An empty SEND, where we connected to take a message: it tells the other side whose connection
 * this is (5.4). */
static void send_hello(struct sip_session *s, struct sip_large *l, struct out *out)
{
	struct sip_instance *i = s->instance;
	uint8_t              named[TRANSACTION_BYTES];
	char                 path[SIP_LARGE_PATH_MAX], own[MSRP_URI_MAX];
	char                 name[TRANSACTION_SIZE], id[SIP_TEXT_SIZE];
	struct put           to = put_to(path, sizeof(path)), from = put_to(own, sizeof(own));
	struct put           transaction = put_to(name, sizeof(name));
	struct msrp_send     hello = {.transaction = {name, sizeof(name)},
				      .message_id = {id, sizeof(id)},
				      .range = {1, 0, 0},
				      .flag = MSRP_COMPLETE};

	if (l->sends || l->over || l->greeted || l->path.size == 0 || s->role != PROTO_CONNECTING ||
	    !out_fits(out, HEAD_ROOM))
		return;
	l->greeted = true;
	transaction_name(i, sip_large_token(i, l), HELLO, 0, named);
	sip_base32_put(&transaction, named, sizeof(named));
	sip_text_new(i, id);
	sip_large_path_put(i, l, &to);
	sip_large_uri_put(i, l, &from);
	hello.to_path = (struct str){path, put_size(&to)};
	hello.from_path = (struct str){own, put_size(&from)};
	msrp_send_put(&out->put, &hello, NULL, 0);
}

static void send_all(struct sip_session *s, struct out *out)
{
	struct msrp_stream *st = stream_of(s);
	uint32_t            next;

	for (uint32_t number = st->larges.first; number != SIP_BLOCK_NONE; number = next) {
		struct sip_large *l = large_at(s->instance, number);

		next = l->links.next;
		send_hello(s, l, out);
		send_more(s, l, out);
	}
}

static void refused_by_peer(struct sip_instance *i, struct sip_large *l, unsigned status)
{
	struct result r = {.why = (uint8_t)msrp_reason_of_status(status),
			   .has_status = true,
			   .peer_protocol = i->protocol,
			   .peer_status = status};

	sip_large_over(i, l, &r);
}

/* What a response is for, by its transaction: *chunk of a message of ours, or HELLO; NULL: nothing.
 */
static struct sip_large *answered(const struct input *in, struct str transaction, unsigned *chunk)
{
	uint8_t           bytes[TRANSACTION_BYTES], right[TRANSACTION_BYTES];
	struct cur        c = cur_of(bytes, sizeof(bytes));
	struct sip_large *l;
	uint64_t          token;

	if (!sip_base32_parse(transaction, bytes, sizeof(bytes)))
		return NULL;
	token = cur_be64(&c);
	*chunk = cur_u8(&c);
	transaction_name(in->i, token, *chunk, cur_u8(&c), right);
	l = memcmp(bytes, right, sizeof(right)) == 0 ? sip_large_by_token(in->i, token) : NULL;
	return l != NULL && l->stream == in->s ? l : NULL;
}

static void on_response(struct input *in, const struct msrp_head *h)
{
	unsigned          chunk;
	struct sip_large *l = answered(in, h->transaction, &chunk);
	uint64_t          bit = l != NULL && chunk != HELLO ? 1ull << chunk : 0;

	if (l == NULL || (bit != 0 && (chunk >= l->sent || (l->acked & bit) != 0))) {
		metric_inc(in->i->metrics, METRIC_msrp_responses_stray);
		return;
	}
	l->acked |= bit;
	l->progress_us = in->now.us;
	in->st->open -= bit != 0;
	if (h->status / 100 != 2)
		refused_by_peer(in->i, l, h->status);
	else if (l->sends && l->sent == chunk_count(l) && open_chunks(l) == 0)
		over(in->i, l, REASON_NONE, false);
	send_all(in->s, in->out);
}

/* ---- taking ---- */

static void refuse(struct msrp_stream *st, unsigned status, enum reason why)
{
	if (st->status == 200) {
		st->status = (uint16_t)status;
		st->why = (uint8_t)why;
	}
}

/* False: it has no sender that could be answered, or there is no memory to note it. */
static bool back_keep(struct input *in, const struct msrp_head *h)
{
	struct msrp_stream *st = in->st;
	struct msrp_back   *back;

	if (h->from_path.n == 0 || h->to_path.n == 0)
		return false;
	if (st->back_block == SIP_BLOCK_NONE)
		st->back_block = sip_pool_take(&in->i->transactions.pool);
	if (st->back_block == SIP_BLOCK_NONE)
		return false;
	back = back_at(in->i, st->back_block);
	back->transaction_size = (uint8_t)h->transaction.n;
	back->to_size = (uint8_t)h->from.text.n;
	back->own_size = (uint8_t)h->to.text.n;
	back->failure_report = h->failure_report;
	memcpy(back->transaction, h->transaction.p, h->transaction.n);
	memcpy(back->to, h->from.text.p, h->from.text.n);
	memcpy(back->own, h->to.text.p, h->to.text.n);
	return true;
}

/* 7.2: who said so hears of nothing, or of failures alone. */
static void respond(const struct msrp_back *b, unsigned status, struct out *out)
{
	if (b->failure_report == MSRP_FAILURE_NO ||
	    (b->failure_report == MSRP_FAILURE_PARTIAL && status == 200))
		return;
	msrp_response_put(&out->put, (struct str){b->transaction, b->transaction_size}, status,
			  (struct str){b->to, b->to_size}, (struct str){b->own, b->own_size});
}

/* The message that the chunk belongs to; NULL: to none, or it is no more, which refuses it. */
static struct sip_large *current(struct input *in)
{
	struct sip_large *l = sip_large_by_token(in->i, in->st->large);

	if (in->st->large != 0 && (l == NULL || l->stream != in->s)) {
		refuse(in->st, 481, REASON_MSRP_SESSION);
		in->st->large = 0;
		l = NULL;
	}
	return l;
}

static void begin_message(struct sip_large *l, const struct msrp_head *h)
{
	l->message_id_size = (uint8_t)h->message_id.n;
	memcpy(l->message_id, h->message_id.p, h->message_id.n);
	l->type_size = (uint8_t)h->content_type.n;
	memcpy(l->type, h->content_type.p, h->content_type.n);
	l->success_report = h->success_report;
}

static bool beyond(uint64_t number, uint32_t max)
{
	return number != MSRP_UNKNOWN && number > max;
}

/* A chunk with content, of this message. One of another message, or after the end, does not harm
 * it. */
static void on_content(struct input *in, const struct msrp_head *h, struct sip_large *l)
{
	struct msrp_stream *st = in->st;
	bool                first = l->message_id_size == 0;

	if (l->sends) {
		refuse(st, 403, REASON_FORBIDDEN);
	} else if (l->over || l->back_block != SIP_BLOCK_NONE ||
		   (!first &&
		    !str_eq(h->message_id, (struct str){l->message_id, l->message_id_size}))) {
		refuse(st, 413, REASON_MSRP_ORDER);
	} else {
		st->large = sip_large_token(in->i, l);
		if (first && h->content_type.n > SIP_LARGE_TYPE_MAX)
			refuse(st, 415, REASON_CODING);
		else if (first)
			begin_message(l, h);
		if (beyond(h->range.total, l->size_max) || beyond(h->range.last, l->size_max))
			refuse(st, 413, REASON_MESSAGE_SIZE);
		if (h->range.first != (uint64_t)l->m->body.size + 1)
			refuse(st, 400, REASON_MSRP_ORDER);
	}
}

static void on_send(struct input *in, const struct msrp_head *h)
{
	struct sip_large *l = sip_large_by_id(in->i, h->to_last.session);

	if (l == NULL || (l->stream == NULL && l->over))
		refuse(in->st, 481, REASON_MSRP_SESSION);
	else if (l->stream != NULL && l->stream != in->s)
		refuse(in->st, 506, REASON_MSRP_SESSION_TAKEN);
	else if (l->stream == NULL && !sip_stream_bind(in->s, l, in->now))
		refuse(in->st, 506, REASON_WINDOW);
	else if (h->has_body)
		on_content(in, h, l);
}

static bool on_head(struct input *in, const struct msrp_head *h)
{
	struct msrp_stream *st = in->st;

	st->large = 0;
	st->status = 200;
	st->why = REASON_NONE;
	st->size = 0;
	st->range = h->range;
	st->asks = false;
	metric_inc(in->i->metrics, METRIC_msrp_chunks_in);
	if (h->kind == MSRP_RESPONSE) {
		on_response(in, h);
		return true;
	}
	if (h->method == MSRP_REPORT) /* never answered (7.1.2); IMDN tells what is told in it */
		return true;
	if (!back_keep(in, h)) {
		in->event->why = h->fault != REASON_NONE ? h->fault : REASON_POOL;
		return false;
	}
	st->asks = true;
	if (h->fault != REASON_NONE)
		refuse(st, 400, h->fault);
	else if (h->method != MSRP_SEND)
		refuse(st, 501, REASON_PDU_COMMAND);
	else
		on_send(in, h);
	return true;
}

static void append(struct input *in, struct sip_large *l, struct str bytes)
{
	struct msg     *m = l->m;
	uint32_t        had = m->body.size;
	struct msg_part part;

	if (had + bytes.n > l->size_max) {
		refuse(in->st, 413, REASON_MESSAGE_SIZE);
	} else if (in->st->range.last < had + bytes.n) {
		refuse(in->st, 400, REASON_MSRP_RANGE);
	} else if (!msg_append(m, bytes.p, bytes.n, &part)) {
		refuse(in->st, 408, REASON_POOL);
	} else {
		m->body = (struct msg_part){had > 0 ? m->body.off : part.off,
					    had + (uint32_t)bytes.n};
		ASSERT(m->body.off + m->body.size == m->data_size);
		l->progress_us = in->now.us;
	}
}

/* False: the rest of a chunk that is refused is not waited for. */
static bool on_body(struct input *in, struct str bytes)
{
	struct msrp_stream *st = in->st;
	struct sip_large   *l = current(in);

	st->size += (uint32_t)bytes.n;
	if (l != NULL && st->status == 200) {
		append(in, l, bytes);
	} else if (st->size > DISCARD_MAX) {
		in->event->why =
			st->why != REASON_NONE ? (enum reason)st->why : REASON_MESSAGE_SIZE;
		return false;
	}
	return true;
}

/* ---- in a chat: one message after the other ---- */

#define CHAT_TOKEN (1ull << 31) /* of tokens: the block is of struct msrp_back */
#define CHAT_BACKS_MAX 16u      /* messages of a chat that have no answer */

/* Whatever comes next is another message. */
static void chat_next(struct sip_large *l)
{
	msg_reset(l->m);
	l->message_id_size = 0;
}

static uint64_t chat_back_token(const struct sip_instance *i, uint32_t number)
{
	const struct sip_pool *pool = &i->transactions.pool;

	return SIP_TOKEN_OTHER | CHAT_TOKEN | number |
	       (uint64_t)(sip_pool_at(pool, number)->generation & SIP_TOKEN_GENERATION) << 32;
}

/* The way back of the message that is whole waits for the answer. */
static uint64_t chat_keep_back(struct input *in, struct sip_large *l)
{
	struct msrp_stream *st = in->st;
	struct msrp_back   *b = back_at(in->i, st->back_block);
	uint64_t            token = chat_back_token(in->i, st->back_block);

	b->success_report = l->success_report;
	b->message_id_size = l->message_id_size;
	memcpy(b->own, l->message_id, l->message_id_size);
	b->size = l->m->body.size;
	b->next = l->backs;
	l->backs = st->back_block;
	l->backs_open++;
	st->back_block = SIP_BLOCK_NONE;
	return token;
}

/* Out of the list of its chat; NULL: that is over. */
static struct sip_large *chat_take_back(struct sip_session *s, uint64_t token, uint32_t *number)
{
	struct sip_instance *i = s->instance;

	for (uint32_t at = stream_of(s)->larges.first; at != SIP_BLOCK_NONE;) {
		struct sip_large *l = large_at(i, at);

		at = l->links.next;
		for (uint32_t *link = &l->backs; *link != SIP_BLOCK_NONE;
		     link = &back_at(i, *link)->next) {
			if (chat_back_token(i, *link) != token)
				continue;
			*number = *link;
			*link = back_at(i, *number)->next;
			l->backs_open--;
			return l;
		}
	}
	return NULL;
}

static void chat_answer(struct sip_session *s, uint64_t token, const struct result *r,
			struct out *out)
{
	struct sip_instance *i = s->instance;
	uint32_t             number;
	struct sip_large    *l = chat_take_back(s, token, &number);
	unsigned             status = msrp_status_of_sip(sip_status_of_result(r, i->protocol));
	char                 own_room[MSRP_URI_MAX], path[SIP_LARGE_PATH_MAX], id[SIP_TEXT_SIZE];
	struct put        own = put_to(own_room, sizeof(own_room)), to = put_to(path, sizeof(path));
	struct msrp_back *b;

	if (l == NULL)
		return;
	b = back_at(i, number);
	sip_large_uri_put(i, l, &own);
	if (b->failure_report == MSRP_FAILURE_YES ||
	    (b->failure_report == MSRP_FAILURE_PARTIAL && status != 200))
		msrp_response_put(&out->put, (struct str){b->transaction, b->transaction_size},
				  status, (struct str){b->to, b->to_size},
				  (struct str){own_room, put_size(&own)});
	if (status == 200 && r->delivered && b->success_report) {
		sip_text_new(i, id);
		sip_large_path_put(i, l, &to);
		msrp_report_put(&out->put, (struct str){id, sizeof(id)},
				(struct str){path, put_size(&to)},
				(struct str){own_room, put_size(&own)},
				(struct str){b->own, b->message_id_size}, b->size, 200);
	}
	back_give(i, &number);
}

/* The last chunk of a message is here. True: the pipeline has it, and will answer. */
static bool complete(struct input *in, struct sip_large *l)
{
	struct msrp_stream *st = in->st;
	uint32_t            size = l->m->body.size;
	enum reason         why;
	unsigned            status;

	if ((st->range.total != MSRP_UNKNOWN && st->range.total != size) ||
	    (st->range.last != MSRP_UNKNOWN && st->range.last != size)) {
		refuse(st, 400, REASON_MSRP_RANGE);
		return false;
	}
	if (l->chat && l->backs_open == CHAT_BACKS_MAX) {
		refuse(st, 413, REASON_WINDOW);
		return false;
	}
	status = sip_large_map(l, in->now, in->event->msg, &why);
	if (status != 200) {
		msg_reset(in->event->msg);
		refuse(st, msrp_status_of_sip(status), why);
		return false;
	}
	if (l->chat) {
		in->event->msg->token = chat_keep_back(in, l);
		sip_chat_learn(l, in->event->msg);
		chat_next(l);
	} else {
		l->back_block = st->back_block;
		st->back_block = SIP_BLOCK_NONE;
		in->event->msg->token = sip_large_token(in->i, l);
	}
	in->event->kind = EVENT_MSG;
	in->event->peer = l->peer;
	metric_inc(in->i->metrics, METRIC_msrp_messages_in);
	return true;
}

static void on_end(struct input *in, enum msrp_flag flag)
{
	struct msrp_stream *st = in->st;
	struct sip_large   *l = current(in);

	if (!st->asks)
		return;
	if (st->status == 200 && l != NULL && flag == MSRP_COMPLETE && complete(in, l))
		return;
	respond(back_at(in->i, st->back_block), st->status, in->out);
	if (st->status != 200)
		metric_refused(in->i->metrics, (enum reason)st->why);
	if (l != NULL && l->chat && (st->status != 200 || flag == MSRP_ABORTED))
		chat_next(l); /* the chat goes on */
	else if (l != NULL && st->status != 200)
		over(in->i, l, (enum reason)st->why, false);
	else if (l != NULL && flag == MSRP_ABORTED)
		over(in->i, l, REASON_MSRP_ABORTED, false);
	if (st->count == 0 && (st->status == 481 || st->status == 506))
		sip_close_later(in->s, (enum reason)st->why);
	send_all(in->s, in->out);
}

/* ---- the hooks ---- */

void sip_stream_open(struct sip_session *s, struct now now, const struct proto_open *how,
		     struct out *out)
{
	struct sip_large *l;

	s->may = 0;
	s->due_us = now.us + how->login_us;
	s->media_block = sip_pool_take(&s->instance->transactions.pool);
	if (s->media_block == SIP_BLOCK_NONE) {
		sip_close_later(s, REASON_POOL);
		return;
	}
	*stream_of(s) = (struct msrp_stream){.idle_us = now.us};
	if (how->dial == 0)
		return;
	s->known = true;
	l = sip_large_by_token(s->instance, how->dial);
	if (l == NULL || l->stream != NULL || l->over || !sip_stream_bind(s, l, now))
		sip_close_later(s, REASON_UNBOUND);
	else
		send_more(s, l, out);
}

enum pull sip_stream_feed(struct sip_session *s, struct now now, struct cur *in, struct out *out,
			  struct proto_event *event)
{
	struct input      input = {s, s->instance, stream_of(s), now, out, event};
	struct msrp_chunk chunk;
	enum pull         pull;
	bool              good = true;

	if (s->state == SIP_STATE_CLOSED || !out_fits(out, ANSWER_ROOM))
		return PULL_MORE;
	pull = msrp_next(&input.st->reader, in, &chunk, &event->why);
	event->need = input.st->reader.need;
	if (pull != PULL_ITEM)
		return pull;
	s->heard_us = now.us;
	switch (chunk.item) {
	case MSRP_ITEM_HEAD:
		good = on_head(&input, &chunk.head);
		break;
	case MSRP_ITEM_BODY:
		good = on_body(&input, chunk.body);
		break;
	case MSRP_ITEM_END:
		on_end(&input, chunk.flag);
		break;
	}
	s->known |= input.st->count > 0;
	return good ? PULL_ITEM : PULL_BAD;
}

static void report(struct sip_instance *i, const struct sip_large *l, const struct msrp_back *b,
		   struct out *out)
{
	char       path[SIP_LARGE_PATH_MAX], transaction[SIP_TEXT_SIZE];
	struct put to = put_to(path, sizeof(path));

	sip_text_new(i, transaction);
	sip_large_path_put(i, l, &to);
	msrp_report_put(&out->put, (struct str){transaction, sizeof(transaction)},
			(struct str){path, put_size(&to)}, (struct str){b->own, b->own_size},
			(struct str){l->message_id, l->message_id_size}, l->m->body.size, 200);
}

void sip_stream_answer(struct sip_session *s, uint64_t token, const struct result *r,
		       struct out *out)
{
	struct sip_instance *i = s->instance;
	struct sip_large    *l;
	unsigned             status;

	if (token & CHAT_TOKEN) {
		chat_answer(s, token, r, out);
		return;
	}
	l = sip_large_by_token(i, token);
	if (l == NULL || l->stream != s || l->back_block == SIP_BLOCK_NONE)
		return;
	status = msrp_status_of_sip(sip_status_of_result(r, i->protocol));
	respond(back_at(i, l->back_block), status, out);
	if (status == 200 && r->delivered && l->success_report)
		report(i, l, back_at(i, l->back_block), out);
	back_give(i, &l->back_block);
	sip_large_over(i, l, r);
}

/* What had no outcome until now: where its last byte may have arrived, nobody knows. */
static void lost(struct sip_instance *i, struct sip_large *l, enum reason why)
{
	bool maybe = l->sends && l->sent == chunk_count(l);

	over(i, l, maybe ? REASON_UNKNOWN_OUTCOME : why, maybe);
}

static void earliest(uint64_t *next, uint64_t due)
{
	if (due < *next)
		*next = due;
}

static bool give_close(struct sip_session *s, struct proto_event *event, enum reason why)
{
	s->close_due = false;
	s->state = SIP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = why;
	return true;
}

static bool tick_idle(struct sip_session *s, struct now now, struct proto_event *event,
		      uint64_t *next)
{
	struct msrp_stream *st = stream_of(s);

	if (st->count > 0)
		return false;
	if (s->state == SIP_STATE_PARTING)
		return give_close(s, event, REASON_UNBOUND);
	if (st->idle_us == 0)
		st->idle_us = now.us;
	if (!s->known && now.us >= s->due_us)
		return give_close(s, event, REASON_BIND_TIMEOUT);
	if (now.us >= st->idle_us + IDLE_US)
		return give_close(s, event, REASON_INACTIVITY);
	earliest(next, s->known ? st->idle_us + IDLE_US : s->due_us);
	return false;
}

uint64_t sip_stream_tick(struct sip_session *s, struct now now, struct out *out,
			 struct proto_event *event)
{
	struct msrp_stream *st = stream_of(s);
	uint64_t            next = UINT64_MAX;

	if (s->state == SIP_STATE_CLOSED && !s->close_due)
		return next;
	if (s->close_due) {
		give_close(s, event, (enum reason)s->close_why);
		return now.us;
	}
	for (uint32_t number = st->larges.first; number != SIP_BLOCK_NONE;) {
		struct sip_large *l = large_at(s->instance, number);
		uint64_t          due = l->progress_us +
			       (l->chat ? l->dialog->settings.chat_idle_us : SIP_LARGE_PROGRESS_US);

		number = l->links.next;
		if (l->over || l->back_block != SIP_BLOCK_NONE)
			continue;
		if (now.us < due)
			earliest(&next, due);
		else
			lost(s->instance, l, l->chat ? REASON_INACTIVITY : REASON_MSRP_STALLED);
	}
	if (tick_idle(s, now, event, &next))
		return now.us;
	send_all(s, out);
	return next;
}

void sip_stream_close(struct sip_session *s, enum reason why)
{
	struct sip_instance *i = s->instance;
	struct msrp_stream  *st = stream_of(s);

	while (st->larges.first != SIP_BLOCK_NONE) {
		struct sip_large *l = large_at(i, st->larges.first);

		unbind(s, l);
		lost(i, l, why);
	}
	back_give(i, &st->back_block);
	sip_pool_give(&i->transactions.pool, s->media_block);
	s->media_block = SIP_BLOCK_NONE;
	s->state = SIP_STATE_CLOSED;
}
