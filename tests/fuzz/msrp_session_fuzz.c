/*
 * Fuzz target: bytes from whoever speaks to a stream of MSRP that two large messages are for, one
 * that comes and one that goes. The first byte seeds how the bytes are cut and when time passes; 1
 * and 2 in the rest stand for our URIs of the two, 3 for the transaction of the last chunk that we
 * sent. What the stream says must be MSRP without a fault, the content that goes is in order and as
 * it was, a message that comes is given once, an outcome comes once, and at the end nothing is
 * open.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "sip/session_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 256u
#define POOL 256u
#define OUT (256u * 1024u)
#define IN_MAX (64u * 1024u)
#define GOING 40000u
#define PATH "msrp://relay.example:2855;tcp msrp://192.0.2.9:7654/theirs;tcp"

static struct {
	struct sip_instance *instance;
	struct sip_session  *dialog, *stream;
	uint8_t             *blocks;
	struct metrics       metrics;
	struct now           now;
	struct msrp_reader   reader;
	struct sip_large    *comes, *goes;
	size_t               content; /* bytes of the one that goes that were seen */
	char                 transaction[MSRP_ID_MAX];
	size_t               transaction_size;
	bool                 over;
	unsigned             messages;
	struct random        random;
} w;

static uint8_t               room[OUT], in_room[IN_MAX], going[GOING];
static uint8_t               pool_memory[64 + POOL * MSG_BLOCK_SIZE] __attribute__((aligned(64)));
static struct msg_pool      *pool;
static struct proto_settings settings = {.window_max = 8, .message_size_max = 20000};

static bool credentials(void *context, unsigned protocol, struct str address,
			struct proto_credentials *c)
{
	return false;
}

static bool serves(void *context, unsigned protocol, struct str domain)
{
	return str_eq(domain, STR("example.org"));
}

static void wake(void *context, void *session)
{
	ASSERT(session == w.dialog || session == w.stream);
}

static const struct proto_services services = {
	.credentials = credentials, .serves = serves, .wake = wake};

static const char invite[] = "INVITE sip:+46705550001@example.org SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKinvite\r\n"
			     "Max-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=1\r\n"
			     "To: <sip:+46705550001@example.org>\r\nCall-ID: a@192.0.2.9\r\n"
			     "CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n"
			     "Content-Length: 3\r\n\r\nv=0";

static void comes(void)
{
	static struct sip_input in;
	struct sip_scan         scan = {0};
	struct cur              c = cur_of(invite, sizeof(invite) - 1);
	enum reason             why;

	w.comes = sip_large_new(w.instance, w.dialog);
	ASSERT(sip_message_next(&scan, &c, SIP_DATAGRAM, &in.m, &why) == PULL_ITEM);
	in.peer = 3;
	ASSERT(sip_large_keep(w.instance, w.comes, &in));
	ASSERT(sip_large_path(w.instance, w.comes, STR(PATH)));
	w.comes->m = msg_new(pool);
	w.comes->size_max = 20000;
	w.comes->local.port = 9100;
}

static void goes(void)
{
	w.goes = sip_large_new(w.instance, w.dialog);
	ASSERT(sip_large_path(w.instance, w.goes, STR(PATH)));
	w.goes->sends = true;
	w.goes->m = msg_new(pool);
	ASSERT(msg_append(w.goes->m, going, sizeof(going), &w.goes->m->body));
	w.goes->local.port = 9100;
	w.goes->type_size = 12;
	memcpy(w.goes->type, "message/cpim", 12);
}

static void began(void)
{
	struct out        out = out_to(room, sizeof(room));
	struct proto_open how = {.role = PROTO_DATAGRAM, .settings = &settings, .datagram = true};

	if (w.instance == NULL) {
		w.instance = malloc(sizeof(*w.instance));
		w.dialog = malloc(sip_ops.session_size);
		w.stream = malloc(sip_ops.session_size);
		w.blocks = aligned_alloc(64, BLOCKS * sip_ops.block_size);
		for (size_t i = 0; i < sizeof(going); i++)
			going[i] = (uint8_t)(i % 251);
	}
	how.instance = w.instance;
	memset(w.instance, 0, sizeof(*w.instance));
	memset(w.dialog, 0, sip_ops.session_size);
	memset(w.stream, 0, sip_ops.session_size);
	memset(w.blocks, 0, BLOCKS * sip_ops.block_size);
	pool = msg_pool_init(pool_memory, POOL);
	w.now = (struct now){1000000, 1790000000000ull};
	w.reader = (struct msrp_reader){0};
	w.content = w.transaction_size = 0;
	w.messages = 0;
	w.over = false;
	ASSERT(sip_ops.instance_init(w.instance,
				     &(struct proto_instance_config){.metrics = &w.metrics,
								     .blocks = w.blocks,
								     .block_count = BLOCKS,
								     .protocol = 1,
								     .seed = 1,
								     .shared_seed = 2,
								     .services = &services,
								     .messages = pool}) == 0);
	sip_ops.open(w.dialog, w.now, &how, &out);
	how.role = PROTO_ACCEPTED;
	how.datagram = false;
	how.media_stream = true;
	how.login_us = 5000000;
	sip_ops.open(w.stream, w.now, &how, &out);
	comes();
	goes();
}

/* ---- what it says ---- */

static void said(const struct msrp_chunk *c)
{
	switch (c->item) {
	case MSRP_ITEM_HEAD:
		ASSERT(c->head.fault == REASON_NONE && c->head.method != MSRP_REPORT);
		if (c->head.kind == MSRP_RESPONSE)
			break;
		ASSERT(str_eq(c->head.to_path, STR(PATH)) && w.goes != NULL);
		ASSERT(c->head.range.first == w.content + 1 && c->head.range.total == GOING);
		w.transaction_size = c->head.transaction.n;
		memcpy(w.transaction, c->head.transaction.p, w.transaction_size);
		break;
	case MSRP_ITEM_BODY:
		ASSERT(memcmp(going + w.content, c->body.p, c->body.n) == 0);
		w.content += c->body.n;
		break;
	case MSRP_ITEM_END:
		break;
	}
}

static void sent(const struct out *out)
{
	struct cur        in = cur_of(out->put.start, out_mark(out));
	struct msrp_chunk c;
	enum reason       why;

	ASSERT(!out->put.failed);
	while (msrp_next(&w.reader, &in, &c, &why) == PULL_ITEM)
		said(&c);
	ASSERT(cur_left(&in) == 0);
}

/* ---- what happens ---- */

static void happened(struct proto_event *e)
{
	struct out    out = out_to(room, sizeof(room));
	struct result r = {.why = random_below(&w.random, 2) ? REASON_NONE : REASON_SPAM};

	if (e->kind == EVENT_CLOSE) {
		w.over = true;
	} else if (e->kind == EVENT_MSG) {
		ASSERT(++w.messages == 1 && e->msg->body.size <= 20000 && !w.comes->over);
		sip_ops.answer(w.stream, w.now, e->msg->token, &r, &out);
		ASSERT(w.comes->over);
		sent(&out);
	}
}

static void ticked(void)
{
	struct proto_event e = {0};

	do {
		struct out out = out_to(room, sizeof(room));

		sip_ops.tick(w.stream, w.now, &out, &e);
		sent(&out);
		happened(&e);
	} while (e.kind != EVENT_NONE && !w.over);
}

static void fed(struct cur *in)
{
	enum pull pull;

	do {
		struct out         out = out_to(room, sizeof(room));
		struct msg        *m = msg_new(pool);
		struct proto_event e = {.msg = m};

		ASSERT(m != NULL);
		pull = sip_ops.feed(w.stream, w.now, &w.goes->local, in, &out, &e);
		sent(&out);
		if (pull == PULL_ITEM)
			happened(&e);
		ASSERT(pull != PULL_MORE || e.need > 0);
		ASSERT((pull == PULL_ITEM && e.kind == EVENT_MSG) || m->data_size == 0);
		msg_free(m);
	} while (pull == PULL_ITEM && !w.over);
	w.over |= pull == PULL_BAD;
}

static size_t written(const uint8_t *data, size_t size)
{
	struct put to = put_to(in_room, sizeof(in_room));

	for (size_t i = 0; i < size; i++) {
		if (data[i] == 1)
			sip_large_uri_put(w.instance, w.comes, &to);
		else if (data[i] == 2)
			sip_large_uri_put(w.instance, w.goes, &to);
		else
			put_u8(&to, data[i]);
	}
	return put_size(&to);
}

/* A 3 becomes what it stands for when its turn has come. */
static size_t next_piece(const uint8_t *p, size_t left, uint8_t piece[4096])
{
	struct put to = put_to(piece, 4096);
	size_t     n = 1 + random_below(&w.random, 700);

	n = n < left ? n : left;
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 3) {
			put_u8(&to, p[i]);
		} else if (i > 0) {
			n = i;
		} else {
			put_bytes(&to, w.transaction, w.transaction_size);
			n = 1;
		}
	}
	return n | put_size(&to) << 16;
}

static void conversation(size_t size)
{
	static uint8_t unread[IN_MAX + 4096];
	size_t         had = 0;

	for (size_t at = 0; at < size && !w.over && had < IN_MAX;) {
		uint8_t    piece[4096];
		size_t     n = next_piece(in_room + at, size - at, piece);
		struct cur in;

		at += n & 0xffff;
		memcpy(unread + had, piece, n >> 16);
		had += n >> 16;
		in = cur_of(unread, had);
		fed(&in);
		had = cur_left(&in);
		memmove(unread, in.p, had);
		if (!w.over && random_below(&w.random, 16) == 0) {
			w.now.us += random_below(&w.random, 20000000);
			ticked();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool dialog_first;

	if (size < 2 || size > 16384)
		return 0;
	random_seed(&w.random, data[0]);
	began();
	conversation(written(data + 1, size - 1));
	dialog_first = random_below(&w.random, 2);
	if (!dialog_first)
		sip_ops.close(w.stream, w.now, REASON_CONNECTION_RESET, NULL);
	ASSERT(dialog_first || w.goes->over || w.goes->sent == 0);
	sip_large_end(w.instance, w.comes);
	sip_large_end(w.instance, w.goes);
	if (dialog_first)
		sip_ops.close(w.stream, w.now, REASON_CONNECTION_RESET, NULL);
	sip_ops.close(w.dialog, w.now, REASON_SHUTDOWN, NULL);
	ASSERT(w.instance->transactions.pool.used == 0);
	ASSERT(msg_pool_free_count(pool) == POOL);
	return 0;
}
