#include "base/assert.h"
#include "sip/invite.h"
#include "sip/links.h"
#include "sip/print.h"

#define LINKS offsetof(struct sip_server, links)

static void part(struct put *w, struct str s)
{
	put_be16(w, (uint16_t)s.n);
	put_str(w, s);
}

/* A text as 64 bits, without a key; any_case: of a host name, whose letters may be capitals. */
static uint64_t fold(uint64_t h, struct str s, bool any_case)
{
	const uint64_t small = any_case ? SIP_OF_EACH(0x20) : 0;

	h = hash_mix(h ^ s.n);
	for (; s.n >= 8; s = str_skip(s, 8))
		h = hash_mix(h ^ (sip_word_at(s.p) | small));
	return hash_mix(h ^ (sip_short_word(s.p, s.n) | small));
}

/*
 * A key has two words. The first is of what a request is wherever it came through: From tag,
 * Call-ID and CSeq, which two ways from one sender leave alike (8.2.2.2); within a dialog also the
 * branch, so that no sender can make many of one first word. The second is of what makes two
 * requests one (17.2.3): branch, sent-by and method; for peers of RFC 2543, whose branch is not
 * unique, of the rest of what that document compares, too. It has no key of its own: who makes two
 * that are the same has two of one first word, which are requests of one sender.
 */
static struct sip_key key_for(struct sip_transactions *t, const struct sip_incoming *in,
			      struct str method, bool inside)
{
	const struct sip_mandatory *known = in->known;
	const struct sip_via       *via = &known->via;
	struct put                  w = put_to(t->scratch, sizeof(t->scratch));
	struct sip_key              key;

	put_be32(&w, known->cseq.number);
	part(&w, known->from.tag);
	part(&w, known->call_id);
	part(&w, inside || known->from.tag.n == 0 ? via->branch : STR(""));
	put_str(&w, method);
	ASSERT(!w.failed); /* all of it is from one head */
	key.word[0] = hash_sip(&t->match_key, t->scratch, put_size(&w));
	key.word[1] = fold(via->port, via->host.text, true);
	key.word[1] = fold(key.word[1], method, false);
	key.word[1] = fold(key.word[1], via->branch, false);
	if (!via->has_cookie) {
		key.word[1] = fold(key.word[1], via->params, false);
		key.word[1] = fold(key.word[1], in->message->uri, false);
		key.word[1] = fold(key.word[1], known->to.tag, false);
	}
	return key;
}

static struct sip_key key_of(struct sip_transactions *t, const struct sip_incoming *in)
{
	return key_for(t, in, in->message->method_text, in->known->to.tag.n > 0);
}

struct str sip_server_tag(const struct sip_transactions *t, const struct sip_key *key,
			  char room[SIP_TAG_SIZE])
{
	uint64_t   h = hash_sip(&t->tag_key, key, sizeof(*key));
	struct put w = put_to(room, SIP_TAG_SIZE);

	sip_base32_five(&w, h >> 24);
	sip_base32_five(&w, (h & 0xffffff) << 16);
	return (struct str){room, SIP_TAG_SIZE};
}

/* The fields that every response takes over from the request; 100 needs Timestamp (8.2.6.1). */
static void put_fields(const struct sip_transactions *t, struct put *w,
		       const struct sip_incoming *in, const struct sip_key *key)
{
	char tag[SIP_TAG_SIZE], source[SIP_FLOW_TEXT_SIZE];

	sip_put_response_fields(w, in->message, in->known, sip_flow_text(in->from, source),
				in->from->port, sip_server_tag(t, key, tag));
	sip_put_headers_of(w, in->message, SIP_TIMESTAMP);
}

struct flow sip_response_flow(const struct sip_via *via, const struct flow *from)
{
	struct flow to = *from;

	if (!via->has_rport)
		to.port = via->has_port ? via->port : sip_transport_port(SIP_TRANSPORT_UDP);
	return to;
}

static uint32_t *bucket(const struct sip_transactions *t, const struct sip_key *key)
{
	return &t->buckets[key->word[0] & t->bucket_mask];
}

/* *merged: another one of the same sender's request is there. */
static struct sip_server *pending(const struct sip_transactions *t, const struct sip_key *key,
				  bool *merged)
{
	for (uint32_t number = *bucket(t, key); number != SIP_BLOCK_NONE;) {
		struct sip_server *s = sip_server_at(t, number);

		if (s->key.word[0] == key->word[0]) {
			if (s->key.word[1] == key->word[1])
				return s;
			*merged = true;
		}
		number = s->bucket_next;
	}
	return NULL;
}

struct sip_server *sip_server_pending(struct sip_transactions *t, const struct sip_incoming *in,
				      struct str method, struct sip_key *key)
{
	bool merged;

	*key = key_for(t, in, method, false);
	return pending(t, key, &merged);
}

/* Where our tag is in the fields that were written into ->scratch. */
static uint32_t tag_place(const struct sip_transactions *t, const struct sip_key *key, size_t n)
{
	char           room[SIP_TAG_SIZE];
	struct str     tag = sip_server_tag(t, key, room);
	const uint8_t *at = memmem(t->scratch, n, tag.p, tag.n);

	return at != NULL ? (uint32_t)(at - t->scratch) : 0;
}

/* The list of one that has no final answer. */
static struct sip_block_list *waits_in(const struct sip_server *s)
{
	if (s->trying)
		return &s->of->trying;
	return s->method == SIP_METHOD_INVITE ? &s->of->ringing : &s->of->quiet;
}

/* NULL: there is no memory for it. */
static struct sip_server *begin(struct sip_transactions *t, struct sip_servers *of, struct now now,
				const struct sip_incoming *in, const struct sip_key *key)
{
	uint32_t           number = sip_pool_take(&t->pool);
	struct put         fields = put_to(t->scratch, sizeof(t->scratch));
	struct sip_server *s;

	if (number == SIP_BLOCK_NONE)
		return NULL;
	s = sip_server_at(t, number);
	*s = (struct sip_server){
		.key = *key,
		.begun_us = now.us,
		.of = of,
		.to = in->datagram ? sip_response_flow(&in->known->via, in->from) : *in->from,
		.number = number,
		.bucket_next = *bucket(t, key),
		.kept = {.first = number, .last = number, .start = sizeof(*s)},
		.credit = (uint32_t)in->message->whole.n,
		.method = (uint8_t)in->message->method,
		.datagram = in->datagram,
	};
	put_fields(t, &fields, in, key);
	if (fields.failed || !sip_chain_append(&t->pool, &s->kept, t->scratch, put_size(&fields))) {
		sip_chain_give(&t->pool, &s->kept);
		return NULL;
	}
	s->head_size = s->kept.size;
	if (s->method == SIP_METHOD_INVITE && in->known->to.tag.n == 0)
		s->tag_at = tag_place(t, key, put_size(&fields));
	*bucket(t, key) = number;
	sip_links_append(&t->pool, waits_in(s), number, LINKS);
	of->open++;
	metric_inc(t->metrics, METRIC_sip_transactions_open);
	return s;
}

static void unhash(struct sip_transactions *t, const struct sip_server *s)
{
	uint32_t *link = bucket(t, &s->key);

	while (*link != s->number)
		link = &sip_server_at(t, *link)->bucket_next;
	*link = s->bucket_next;
}

void sip_server_unlist(struct sip_transactions *t, struct sip_server *s)
{
	struct sip_servers *of = s->of;

	if (s->resends)
		sip_links_remove(&t->pool, &of->stages[s->stage], s->number,
				 offsetof(struct sip_server, by_stage));
	s->resends = false;
	if (s->final != 0) {
		sip_links_remove(&t->pool, &of->answered, s->number, LINKS);
		return;
	}
	sip_links_remove(&t->pool, waits_in(s), s->number, LINKS);
	ASSERT(of->open > 0);
	of->open--;
}

void sip_server_end(struct sip_transactions *t, struct sip_server *s)
{
	if (!s->said)
		unhash(t, s);
	sip_server_unlist(t, s);
	metric_sub(t->metrics, METRIC_sip_transactions_open, 1);
	sip_chain_give(&t->pool, &s->kept);
}

/* A response between its first line and its body is open in *out. */
static size_t response_begin(struct out *out, const struct flow *to, const struct sip_answer *a)
{
	size_t mark = out_item_begin(out, to);

	sip_put_response(&out->put, a->status, a->reason);
	return mark;
}

static bool response_end(struct out *out, const struct flow *to, const struct sip_answer *a,
			 size_t mark)
{
	put_str(&out->put, a->headers);
	sip_put_body(&out->put, a->type, a->body.p, a->body.n);
	return out_item_end(out, mark, to != NULL);
}

static bool respond(const struct sip_transactions *t, const struct sip_server *s,
		    const struct sip_answer *a, struct out *out)
{
	const struct flow *to = s->datagram ? &s->to : NULL;
	size_t             mark = response_begin(out, to, a);

	sip_chain_put(&t->pool, &s->kept, 0, s->head_size, &out->put);
	return response_end(out, to, a, mark);
}

void sip_server_put(const struct sip_transactions *t, const struct sip_server *s,
		    const struct sip_answer *a, struct put *w)
{
	uint32_t before = a->tag.n > 0 ? s->tag_at : s->head_size;

	sip_put_response(w, a->status, a->reason);
	sip_chain_put(&t->pool, &s->kept, 0, before, w);
	if (before < s->head_size) {
		put_str(w, a->tag);
		before += SIP_TAG_SIZE;
		sip_chain_put(&t->pool, &s->kept, before, s->head_size - before, w);
	}
	put_str(w, a->headers);
	sip_put_body(w, a->type, a->body.p, a->body.n);
}

static bool respond_trying(const struct sip_transactions *t, const struct sip_server *s,
			   struct out *out)
{
	return respond(t, s, &(struct sip_answer){.status = 100, .reason = STR("Trying")}, out);
}

enum sip_server_step sip_server_request(struct sip_transactions *t, struct sip_servers *of,
					struct now now, const struct sip_incoming *in,
					struct out *out, struct sip_server **server,
					struct sip_again *again)
{
	struct sip_key                    key = key_of(t, in);
	const struct sip_completed_entry *done;
	struct sip_server                *s;
	bool                              merged = false;

	sip_completed_prefetch(&t->completed, &key);
	s = pending(t, &key, &merged);
	ASSERT_HOT(in->message->method != SIP_METHOD_ACK);
	*server = NULL;
	if (s != NULL) {
		metric_inc(t->metrics, METRIC_sip_requests_again);
		s->credit += (uint32_t)in->message->whole.n;
		if (s->final >= 300 || (s->final != 0 && !s->resends))
			sip_invite_again(t, s, out);
		else if (s->final == 0 && s->trying && s->datagram)
			respond_trying(t, s, out);
		return SIP_SERVER_PENDING;
	}
	done = in->datagram ? sip_completed_find(&t->completed, now, &key, &merged) : NULL;
	if (done != NULL) {
		metric_inc(t->metrics, METRIC_sip_requests_again);
		if (done->status == 0) /* of an INVITE, whose ACK is here */
			return SIP_SERVER_PENDING;
		*again = (struct sip_again){done->status, done->note};
		return SIP_SERVER_AGAIN;
	}
	if (merged && in->known->to.tag.n == 0)
		return SIP_SERVER_MERGED;
	*server = begin(t, of, now, in, &key);
	if (*server == NULL) {
		metric_inc(t->metrics, METRIC_sip_transactions_full);
		return SIP_SERVER_FULL;
	}
	return SIP_SERVER_NEW;
}

/* Its method is not told: it is one of those that have transactions (9.1). */
bool sip_server_cancels(struct sip_transactions *t, struct now now, const struct sip_incoming *in,
			struct sip_server **open)
{
	static const struct str methods[] = {{"INVITE", 6}, {"MESSAGE", 7}, {"REGISTER", 8}};
	bool                    merged;

	*open = NULL;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct sip_key key = key_for(t, in, methods[i], in->known->to.tag.n > 0);

		*open = pending(t, &key, &merged);
		if (*open != NULL) {
			if ((*open)->method != SIP_METHOD_INVITE || (*open)->final != 0)
				*open = NULL;
			return true;
		}
		if (sip_completed_find(&t->completed, now, &key, &merged) != NULL)
			return true;
	}
	return false;
}

bool sip_server_knows(struct sip_transactions *t, struct now now, const struct sip_incoming *in)
{
	struct sip_key key = key_of(t, in);
	bool           merged;

	return pending(t, &key, &merged) != NULL ||
	       (in->datagram && sip_completed_find(&t->completed, now, &key, &merged) != NULL);
}

bool sip_server_keep(struct sip_transactions *t, struct sip_server *s, const void *bytes, size_t n)
{
	if (sip_chain_append(&t->pool, &s->kept, bytes, n))
		return true;
	metric_inc(t->metrics, METRIC_sip_transactions_full);
	return false;
}

size_t sip_server_kept_size(const struct sip_server *s)
{
	return s->kept.size - s->head_size;
}

void sip_server_kept(const struct sip_transactions *t, const struct sip_server *s, struct put *w)
{
	sip_chain_put(&t->pool, &s->kept, s->head_size, sip_server_kept_size(s), w);
}

uint64_t sip_server_token(const struct sip_transactions *t, const struct sip_server *s)
{
	uint32_t generation = sip_pool_at(&t->pool, s->number)->generation & SIP_TOKEN_GENERATION;

	return (uint64_t)generation << 32 | s->number;
}

struct sip_server *sip_server_find(const struct sip_transactions *t, uint64_t token)
{
	uint32_t number = (uint32_t)token;

	if (number == SIP_BLOCK_NONE || number > t->pool.touched ||
	    (sip_pool_at(&t->pool, number)->generation & SIP_TOKEN_GENERATION) != token >> 32)
		return NULL;
	sip_chain_prefetch(&t->pool, &sip_server_at(t, number)->kept);
	return sip_server_at(t, number);
}

bool sip_server_say(struct sip_transactions *t, struct sip_server *s, struct now now,
		    const struct sip_answer *a, struct out *out)
{
	bool written = respond(t, s, a, out);

	ASSERT(a->status >= 200 && !s->said);
	if (s->datagram && sip_completed_add(&t->completed, now, &s->key, a->status, a->note))
		metric_inc(t->metrics, METRIC_sip_answers_forgotten);
	unhash(t, s);
	s->said = true;
	if (!s->trying) { /* no 100 after it */
		sip_links_remove(&t->pool, waits_in(s), s->number, LINKS);
		sip_links_append(&t->pool, &s->of->trying, s->number, LINKS);
		s->trying = true;
	}
	return written;
}

bool sip_server_answer(struct sip_transactions *t, struct sip_server *s, struct now now,
		       const struct sip_answer *a, struct out *out)
{
	bool written = sip_server_say(t, s, now, a, out);

	sip_server_end(t, s);
	return written;
}

/* The answer to a CANCEL has the tag of those to its INVITE (9.2). */
static struct sip_key key_of_answer(struct sip_transactions *t, const struct sip_incoming *in)
{
	return in->message->method == SIP_METHOD_CANCEL
		       ? key_for(t, in, STR("INVITE"), in->known->to.tag.n > 0)
		       : key_of(t, in);
}

bool sip_server_reply(struct sip_transactions *t, const struct sip_incoming *in,
		      const struct sip_answer *a, struct out *out)
{
	struct sip_key     key = key_of_answer(t, in);
	struct flow        back = sip_response_flow(&in->known->via, in->from);
	const struct flow *to = in->datagram ? &back : NULL;
	size_t             mark = response_begin(out, to, a);

	put_fields(t, &out->put, in, &key);
	return response_end(out, to, a, mark);
}

/* 100 to those of a list that have waited so long; when the next one has. */
static uint64_t say_trying(struct sip_transactions *t, struct sip_block_list *l, uint64_t after_us,
			   struct now now, struct out *out)
{
	while (l->first != SIP_BLOCK_NONE) {
		struct sip_server *s = sip_server_at(t, l->first);

		if (s->begun_us + after_us > now.us)
			return s->begun_us + after_us;
		if (!respond_trying(t, s, out))
			return now.us;
		sip_links_remove(&t->pool, l, s->number, LINKS);
		s->trying = true;
		sip_links_append(&t->pool, &s->of->trying, s->number, LINKS);
	}
	return UINT64_MAX;
}

uint64_t sip_server_tick(struct sip_transactions *t, struct sip_servers *of, struct now now,
			 struct out *out)
{
	uint64_t next = say_trying(t, &of->quiet, SIP_TRYING_US, now, out), due;

	if (of->ringing.first != SIP_BLOCK_NONE) {
		due = say_trying(t, &of->ringing, SIP_RINGING_US, now, out);
		next = due < next ? due : next;
	}
	if (of->answered.first != SIP_BLOCK_NONE) {
		due = sip_invite_server_tick(t, of, now, out);
		next = due < next ? due : next;
	}
	return next;
}

void sip_server_end_all(struct sip_transactions *t, struct sip_servers *of)
{
	while (of->quiet.first != SIP_BLOCK_NONE)
		sip_server_end(t, sip_server_at(t, of->quiet.first));
	while (of->ringing.first != SIP_BLOCK_NONE)
		sip_server_end(t, sip_server_at(t, of->ringing.first));
	while (of->trying.first != SIP_BLOCK_NONE)
		sip_server_end(t, sip_server_at(t, of->trying.first));
	while (of->answered.first != SIP_BLOCK_NONE)
		sip_server_end(t, sip_server_at(t, of->answered.first));
}
