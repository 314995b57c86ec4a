/* Messages of ours as chunks of MSRP, and the answers to them. */
#include "sip/msrp_private.h"

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

void msrp_send_more(struct sip_session *s, struct sip_large *l, struct out *out)
{
	struct sip_instance *i = s->instance;
	struct msrp_stream  *st = msrp_stream_of(s);

	if (!l->sends || l->over || l->path.size == 0)
		return;
	if (l->message_id_size == 0) {
		sip_text_new(i, l->message_id);
		l->message_id_size = SIP_TEXT_SIZE;
	}
	while (l->sent < msrp_chunk_count(l) && st->open < CHUNKS_OPEN_MAX &&
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

void msrp_send_all(struct sip_session *s, struct out *out)
{
	struct msrp_stream *st = msrp_stream_of(s);
	uint32_t            next;

	for (uint32_t number = st->larges.first; number != SIP_BLOCK_NONE; number = next) {
		struct sip_large *l = msrp_large_at(s->instance, number);

		next = l->links.next;
		send_hello(s, l, out);
		msrp_send_more(s, l, out);
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
static struct sip_large *answered(const struct msrp_input *in, struct str transaction,
				  unsigned *chunk)
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

void msrp_on_response(struct msrp_input *in, const struct msrp_head *h)
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
	else if (l->sends && l->sent == msrp_chunk_count(l) && msrp_open_chunks(l) == 0)
		msrp_over(in->i, l, REASON_NONE, false);
	msrp_send_all(in->s, in->out);
}
