/*
 * Streams of MSRP (RFC 4975): sessions whose bytes are its chunks. One that was accepted at a media
 * port serves whatever large messages it names, as peers use a connection again (5.4); one that we
 * opened serves the message that it was opened for. Where a message is lies in struct sip_large,
 * what belongs to the chunk that is being read in struct msrp_stream.
 *
 * Taking: the chunks of a message come without overlap, in any order (msrp_order.c). Each is
 * answered at its end, the one that makes it whole when the pipeline has answered. Sending: chunks
 * of MSRP_CHUNK_MAX bytes, of which as many may be unanswered as find room in a connection that
 * nobody reads.
 */
#include <assert.h>

#include "sip/msrp_private.h"

static_assert(sizeof(struct msrp_stream) <= sizeof(((struct sip_block *)NULL)->bytes),
	      "one block holds a stream");
static_assert(sizeof(struct msrp_back) <= sizeof(((struct sip_block *)NULL)->bytes),
	      "one block holds the way back");
static_assert((MSG_SIZE_MAX + MSRP_CHUNK_MAX - 1) / MSRP_CHUNK_MAX <=
		      8 * sizeof(((struct sip_large *)NULL)->acked),
	      "each chunk of a message has a bit");

/* ---- which messages it serves ---- */

bool sip_stream_is_full(const struct sip_session *s)
{
	return msrp_stream_of(s)->count == LARGES_MAX || s->state != SIP_STATE_UP;
}

bool sip_stream_bind(struct sip_session *s, struct sip_large *l, struct now now)
{
	struct msrp_stream *st = msrp_stream_of(s);

	if (sip_stream_is_full(s))
		return false;
	sip_links_append(&s->instance->transactions.pool, &st->larges, l->number, LINKS);
	st->count++;
	l->stream = s;
	l->progress_us = now.us;
	if (l->chat)
		sip_chat_ready(s->instance, l, now);
	return true;
}

static void unbind(struct sip_session *s, struct sip_large *l)
{
	struct msrp_stream *st = msrp_stream_of(s);

	ASSERT(l->stream == s && st->count > 0 && st->open >= msrp_open_chunks(l));
	sip_links_remove(&s->instance->transactions.pool, &st->larges, l->number, LINKS);
	msrp_back_give(s->instance, &l->back_block);
	while (l->backs != SIP_BLOCK_NONE) {
		uint32_t next = msrp_back_at(s->instance, l->backs)->next;

		msrp_back_give(s->instance, &l->backs);
		l->backs = next;
	}
	l->backs_open = 0;
	st->open -= msrp_open_chunks(l);
	st->count--;
	st->idle_us = 0;
	l->stream = NULL;
}

void sip_stream_forget(struct sip_session *s, struct sip_large *l)
{
	const struct proto_services *services = s->instance->services;

	unbind(s, l);
	if (s->role == PROTO_CONNECTING && msrp_stream_of(s)->count == 0)
		sip_close_later(s, REASON_UNBOUND);
	services->wake(services->context, s);
}

/* ---- taking ---- */

/* False: it has no sender that could be answered, or there is no memory to note it. */
static bool back_keep(struct msrp_input *in, const struct msrp_head *h)
{
	struct msrp_stream *st = in->st;
	struct msrp_back   *back;

	if (h->from_path.n == 0 || h->to_path.n == 0)
		return false;
	if (st->back_block == SIP_BLOCK_NONE)
		st->back_block = sip_pool_take(&in->i->transactions.pool);
	if (st->back_block == SIP_BLOCK_NONE)
		return false;
	back = msrp_back_at(in->i, st->back_block);
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
static struct sip_large *current(struct msrp_input *in)
{
	struct sip_large *l = sip_large_by_token(in->i, in->st->large);

	if (in->st->large != 0 && (l == NULL || l->stream != in->s)) {
		msrp_refuse(in->st, 481, REASON_MSRP_SESSION);
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
static void on_content(struct msrp_input *in, const struct msrp_head *h, struct sip_large *l)
{
	struct msrp_stream *st = in->st;
	bool                first = l->message_id_size == 0;

	if (l->sends) {
		msrp_refuse(st, 403, REASON_FORBIDDEN);
	} else if (l->over || l->back_block != SIP_BLOCK_NONE ||
		   (!first &&
		    !str_eq(h->message_id, (struct str){l->message_id, l->message_id_size}))) {
		msrp_refuse(st, 413, REASON_MSRP_ORDER);
	} else {
		st->large = sip_large_token(in->i, l);
		if (first && h->content_type.n > SIP_LARGE_TYPE_MAX)
			msrp_refuse(st, 415, REASON_CODING);
		else if (first)
			begin_message(l, h);
		if (beyond(h->range.total, l->size_max) || beyond(h->range.last, l->size_max))
			msrp_refuse(st, 413, REASON_MESSAGE_SIZE);
		if (h->range.first <= l->m->body.size)
			msrp_refuse(st, 400, REASON_MSRP_ORDER);
		else if (h->range.first != (uint64_t)l->m->body.size + 1)
			msrp_ahead_begin(in, l);
	}
}

static void on_send(struct msrp_input *in, const struct msrp_head *h)
{
	struct sip_large *l = sip_large_by_id(in->i, h->to_last.session);

	if (l == NULL || (l->stream == NULL && l->over))
		msrp_refuse(in->st, 481, REASON_MSRP_SESSION);
	else if (l->stream != NULL && l->stream != in->s)
		msrp_refuse(in->st, 506, REASON_MSRP_SESSION_TAKEN);
	else if (l->stream == NULL && !sip_stream_bind(in->s, l, in->now))
		msrp_refuse(in->st, 506, REASON_WINDOW);
	else if (h->has_body)
		on_content(in, h, l);
}

static bool on_head(struct msrp_input *in, const struct msrp_head *h)
{
	struct msrp_stream *st = in->st;

	st->large = 0;
	st->ahead = 0;
	st->status = 200;
	st->why = REASON_NONE;
	st->size = 0;
	st->range = h->range;
	st->asks = false;
	metric_inc(in->i->metrics, METRIC_msrp_chunks_in);
	if (h->kind == MSRP_RESPONSE) {
		msrp_on_response(in, h);
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
		msrp_refuse(st, 400, h->fault);
	else if (h->method != MSRP_SEND)
		msrp_refuse(st, 501, REASON_PDU_COMMAND);
	else
		on_send(in, h);
	return true;
}

static void append(struct msrp_input *in, struct sip_large *l, struct str bytes)
{
	struct msg     *m = l->m;
	uint32_t        had = m->body.size;
	struct msg_part part;

	if (had + bytes.n > l->size_max) {
		msrp_refuse(in->st, 413, REASON_MESSAGE_SIZE);
	} else if (in->st->range.last < had + bytes.n) {
		msrp_refuse(in->st, 400, REASON_MSRP_RANGE);
	} else if (!msg_append(m, bytes.p, bytes.n, &part)) {
		msrp_refuse(in->st, 408, REASON_POOL);
	} else {
		m->body = (struct msg_part){had > 0 ? m->body.off : part.off,
					    had + (uint32_t)bytes.n};
		ASSERT(m->body.off + m->body.size == m->data_size);
		l->progress_us = in->now.us;
	}
}

/* False: the rest of a chunk that is refused is not waited for. */
static bool on_body(struct msrp_input *in, struct str bytes)
{
	struct msrp_stream *st = in->st;
	struct sip_large   *l = current(in);

	st->size += (uint32_t)bytes.n;
	if (l != NULL && st->status == 200 && msrp_is_ahead(in)) {
		msrp_ahead_append(in, l, bytes);
	} else if (l != NULL && st->status == 200) {
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
	sip_large_forget_ahead(l);
	l->message_id_size = 0;
}

static uint64_t chat_back_token(const struct sip_instance *i, uint32_t number)
{
	const struct sip_pool *pool = &i->transactions.pool;

	return SIP_TOKEN_OTHER | CHAT_TOKEN | number |
	       (uint64_t)(sip_pool_at(pool, number)->generation & SIP_TOKEN_GENERATION) << 32;
}

/* The way back of the message that is whole waits for the answer. */
static uint64_t chat_keep_back(struct msrp_input *in, struct sip_large *l)
{
	struct msrp_stream *st = in->st;
	struct msrp_back   *b = msrp_back_at(in->i, st->back_block);
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

	for (uint32_t at = msrp_stream_of(s)->larges.first; at != SIP_BLOCK_NONE;) {
		struct sip_large *l = msrp_large_at(i, at);

		at = l->links.next;
		for (uint32_t *link = &l->backs; *link != SIP_BLOCK_NONE;
		     link = &msrp_back_at(i, *link)->next) {
			if (chat_back_token(i, *link) != token)
				continue;
			*number = *link;
			*link = msrp_back_at(i, *number)->next;
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
	b = msrp_back_at(i, number);
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
	msrp_back_give(i, &number);
}

/* The last chunk of a message is here. True: the pipeline has it, and will answer. */
static bool complete(struct msrp_input *in, struct sip_large *l)
{
	struct msrp_stream *st = in->st;
	uint32_t            size = l->m->body.size;
	enum reason         why;
	unsigned            status;

	if (st->range.total != MSRP_UNKNOWN && st->range.total != size) {
		msrp_refuse(st, 400, REASON_MSRP_RANGE);
		return false;
	}
	if (l->chat && l->backs_open == CHAT_BACKS_MAX) {
		msrp_refuse(st, 413, REASON_WINDOW);
		return false;
	}
	status = sip_large_map(l, in->now, in->event->msg, &why);
	if (status != 200) {
		msg_reset(in->event->msg);
		msrp_refuse(st, msrp_status_of_sip(status), why);
		return false;
	}
	if (l->chat) {
		in->event->msg->token = chat_keep_back(in, l);
		sip_chat_learn(l, in->event->msg);
		sip_chat_wrote(l, in->now, in->event->msg);
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

/* Is the message here, with this chunk, which ends it or not? */
static bool whole(struct msrp_input *in, struct sip_large *l, bool last)
{
	struct msrp_stream *st = in->st;

	if (last && st->range.last != MSRP_UNKNOWN && st->range.last != l->m->body.size) {
		msrp_refuse(st, 400, REASON_MSRP_RANGE);
		return false;
	}
	if (!last)
		return msrp_ahead_follow(in, l);
	if (l->ahead_count > 0 || l->ends_at != 0)
		msrp_refuse(st, 400, REASON_MSRP_ORDER); /* something is behind the end */
	return st->status == 200;
}

static void on_end(struct msrp_input *in, enum msrp_flag flag)
{
	struct msrp_stream *st = in->st;
	struct sip_large   *l = current(in);

	if (!st->asks)
		return;
	if (l != NULL && msrp_is_ahead(in))
		msrp_ahead_end(in, l, flag == MSRP_COMPLETE);
	else if (st->status == 200 && l != NULL && flag != MSRP_ABORTED &&
		 whole(in, l, flag == MSRP_COMPLETE) && complete(in, l))
		return;
	respond(msrp_back_at(in->i, st->back_block), st->status, in->out);
	if (st->status != 200)
		metric_refused(in->i->metrics, (enum reason)st->why);
	if (l != NULL && l->chat && (st->status != 200 || flag == MSRP_ABORTED))
		chat_next(l); /* the chat goes on */
	else if (l != NULL && st->status != 200)
		msrp_over(in->i, l, (enum reason)st->why, false);
	else if (l != NULL && flag == MSRP_ABORTED)
		msrp_over(in->i, l, REASON_MSRP_ABORTED, false);
	if (st->count == 0 && (st->status == 481 || st->status == 506))
		sip_close_later(in->s, (enum reason)st->why);
	msrp_send_all(in->s, in->out);
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
	*msrp_stream_of(s) = (struct msrp_stream){.idle_us = now.us};
	if (how->dial == 0)
		return;
	s->known = true;
	l = sip_large_by_token(s->instance, how->dial);
	if (l == NULL || l->stream != NULL || l->over || !sip_stream_bind(s, l, now))
		sip_close_later(s, REASON_UNBOUND);
	else
		msrp_send_more(s, l, out);
}

enum pull sip_stream_feed(struct sip_session *s, struct now now, struct cur *in, struct out *out,
			  struct proto_event *event)
{
	struct msrp_input input = {s, s->instance, msrp_stream_of(s), now, out, event};
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
	respond(msrp_back_at(i, l->back_block), status, out);
	if (status == 200 && r->delivered && l->success_report)
		report(i, l, msrp_back_at(i, l->back_block), out);
	msrp_back_give(i, &l->back_block);
	sip_large_over(i, l, r);
}

/* What had no outcome until now: where its last byte may have arrived, nobody knows. */
static void lost(struct sip_instance *i, struct sip_large *l, enum reason why)
{
	bool maybe = l->sends && l->sent == msrp_chunk_count(l);

	msrp_over(i, l, maybe ? REASON_UNKNOWN_OUTCOME : why, maybe);
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
	struct msrp_stream *st = msrp_stream_of(s);

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

/* Nothing is heard of who was writing: then it is not any more (RFC 3994, 3.2). True: *event says
 * so. */
static bool tick_writing(struct sip_large *l, struct now now, struct proto_event *event,
			 uint64_t *next)
{
	if (l->writes_until_us == 0)
		return false;
	if (now.us < l->writes_until_us) {
		earliest(next, l->writes_until_us);
		return false;
	}
	l->writes_until_us = 0;
	return sip_chat_tell(l, now, STR("idle"), event);
}

uint64_t sip_stream_tick(struct sip_session *s, struct now now, struct out *out,
			 struct proto_event *event)
{
	struct msrp_stream *st = msrp_stream_of(s);
	uint64_t            next = UINT64_MAX;

	if (s->state == SIP_STATE_CLOSED && !s->close_due)
		return next;
	if (s->close_due) {
		give_close(s, event, (enum reason)s->close_why);
		return now.us;
	}
	for (uint32_t number = st->larges.first; number != SIP_BLOCK_NONE;) {
		struct sip_large *l = msrp_large_at(s->instance, number);
		uint64_t          due = l->progress_us +
			       (l->chat ? l->dialog->settings.chat_idle_us : SIP_LARGE_PROGRESS_US);

		number = l->links.next;
		if (l->over || l->back_block != SIP_BLOCK_NONE)
			continue;
		if (tick_writing(l, now, event, &next))
			return now.us;
		if (now.us < due)
			earliest(&next, due);
		else
			lost(s->instance, l, l->chat ? REASON_INACTIVITY : REASON_MSRP_STALLED);
	}
	if (tick_idle(s, now, event, &next))
		return now.us;
	msrp_send_all(s, out);
	return next;
}

void sip_stream_close(struct sip_session *s, enum reason why)
{
	struct sip_instance *i = s->instance;
	struct msrp_stream  *st = msrp_stream_of(s);

	while (st->larges.first != SIP_BLOCK_NONE) {
		struct sip_large *l = msrp_large_at(i, st->larges.first);

		unbind(s, l);
		lost(i, l, why);
	}
	msrp_back_give(i, &st->back_block);
	sip_pool_give(&i->transactions.pool, s->media_block);
	s->media_block = SIP_BLOCK_NONE;
	s->state = SIP_STATE_CLOSED;
}
