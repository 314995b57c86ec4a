/*
 * Fuzz target: a stream of a client, of a component, or between servers. The first byte says which
 * it is (bits 1 to 3), and whether it has been let in already (bit 0); the second how the rest is
 * cut, and whether a client's hands over in the end; timers run between. Whatever comes, what we
 * send is well-formed, nothing is left of a stream that is closed, and every message was given
 * back. What it sends to others comes to itself. A client may go on in the place of another
 * session. Control has an answer to each question, but to every third.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "xml/frame.h"
#include "xmpp/session_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 16384u
#define BLOCKS 64u
#define POOL 32u
#define OUT (XMPP_OUT_SIZE_MAX + 4096u)

static struct {
	struct xmpp_instance *instance;
	struct xmpp_session  *session, *asker; /* asker: whom a stream that verifies is for */
	uint64_t              dialled;         /* token of the last EVENT_DIAL */
	struct msg_pool      *pool;
	struct proto_settings settings;
	struct proto_services services;
	struct now            now;
	uint8_t               out[OUT];
	struct xml_frame      seen; /* of what we send */
	bool                  over;
	unsigned              asked; /* questions so far, and a number of the input's */
	bool                  waits; /* the session, to be fed the same again */
} rig;

/* Alice's password is "x": SHA-256 of 16 zero bytes and it. */
static const uint8_t plain[32] = {0xe3, 0x33, 0x41, 0x63, 0x81, 0xd4, 0x6a, 0x5a, 0x03, 0xdd, 0x56,
				  0xf2, 0x8c, 0x2b, 0xc5, 0x37, 0x78, 0x7f, 0xb7, 0x07, 0xb7, 0xb8,
				  0x18, 0x45, 0x0b, 0x9f, 0xe0, 0x22, 0xad, 0x03, 0xa6, 0x83};
static struct scram_credentials alice;

static bool credentials(void *context, unsigned protocol, struct str address,
			struct proto_credentials *c)
{
	*c = (struct proto_credentials){.scram = &alice, .number = STR("+46701234567")};
	return str_eq(address, STR("xmpp:alice@example.org"));
}

static bool serves(void *context, unsigned protocol, struct str domain)
{
	return str_eq(domain, STR("example.org"));
}

/* One session of hers is there to go on in: "aaaaaaaaaaaaaaaa". */
static const struct proto_record *record(void *context, unsigned protocol, struct str address)
{
	static const char text[] = "raaaaaaaaaaaaaaaa";
	static _Alignas(8) uint8_t
		bytes[sizeof(struct proto_record) + sizeof(struct proto_binding) + sizeof(text)];
	struct proto_record *r = (void *)bytes;

	r->count = 1;
	r->text_size = sizeof(text) - 1;
	r->bindings[0].id = 1;
	r->bindings[0].features =
		XMPP_FEATURE_AVAILABLE | XMPP_FEATURE_WANTS | XMPP_FEATURE_INTERESTED;
	r->bindings[0].sequence = 3;
	r->bindings[0].text[BINDING_CONTACT].size = 1;
	r->bindings[0].text[BINDING_CALL].off = 1;
	r->bindings[0].text[BINDING_CALL].size = 16;
	memcpy(&r->bindings[1], text, sizeof(text));
	return str_eq(address, STR("xmpp:alice@example.org")) ? r : NULL;
}

static struct str conversation(void *context, struct str one, struct str other)
{
	return STR("");
}

static void converse(void *context, struct str one, struct str other, struct str id)
{
}

static bool server(void *context, unsigned protocol, struct str domain, uint32_t *slot,
		   struct flow *where)
{
	*slot = 1;
	*where = (struct flow){.port = 5269};
	return str_eq(domain, STR("chat.example"));
}

static void wake(void *context, void *session)
{
}

static void proven(void *context, struct str domain)
{
}

static void rig_make(void)
{
	struct proto_instance_config config;
	static struct metrics        metrics;
	size_t                       pool = (msg_pool_size(POOL) + 63) / 64 * 64;

	rig.instance = calloc(1, sizeof(*rig.instance));
	rig.session = calloc(1, sizeof(*rig.session));
	rig.asker = calloc(1, sizeof(*rig.asker));
	rig.pool = msg_pool_init(aligned_alloc(64, pool), POOL);
	rig.settings = (struct proto_settings){.window_max = 4,
					       .message_size_max = 4096,
					       .keepalive_us = 1000,
					       .response_us = 100,
					       .resume_us = US_PER_SECOND};
	rig.services = (struct proto_services){.credentials = credentials,
					       .serves = serves,
					       .record = record,
					       .wake = wake,
					       .conversation = conversation,
					       .converse = converse,
					       .server = server,
					       .proven = proven};
	config = (struct proto_instance_config){.metrics = &metrics,
						.blocks = calloc(BLOCKS, xmpp_ops.block_size),
						.block_count = BLOCKS,
						.services = &rig.services};
	ASSERT(xmpp_ops.instance_init(rig.instance, &config) == 0);
	memcpy(alice.plain, plain, sizeof(plain));
}

/* Of a stream whose head the client has read: every stanza is well-formed by itself. */
static void check_item(enum xml_frame_item kind, struct str item)
{
	static struct xml_scope scope;
	struct xml              x;
	enum xml_token          t;

	if (kind == XML_FRAME_OPEN)
		ASSERT(xml_root_open(&x, item, &scope) == XML_FAULT_NONE);
	if (kind != XML_FRAME_CHILD)
		return;
	xml_child_open(&x, item, &scope);
	do
		t = xml_next(&x);
	while (t != XML_DONE && t != XML_BAD);
	ASSERT(t == XML_DONE);
}

/* Our own stream, as the client reads it. */
static void check(const struct out *out)
{
	static uint8_t all[4 * OUT];
	static size_t  n;
	struct cur     in;
	struct str     item;

	if (rig.over)
		n = 0;
	rig.over = false;
	ASSERT(!out->put.failed);
	if (n + out_mark(out) > sizeof(all)) {
		rig.over = true;
		return;
	}
	memcpy(all + n, out->put.start, out_mark(out));
	n += out_mark(out);
	in = cur_of(all, n);
	for (;;) {
		enum xml_frame_item kind =
			xml_frame_next(&rig.seen, &in, XML_FRAME_SIZE_MAX, &item);

		ASSERT(kind != XML_FRAME_BAD);
		if (kind == XML_FRAME_MORE)
			break;
		check_item(kind, item);
	}
	n = cur_left(&in);
	memmove(all, in.p, n);
}

static void on_event(const struct proto_event *event);
static void tick(void);

/* What control has of whoever asks. */
static void answer_put(const struct roster_question *q, struct put *w)
{
	struct roster_item item = {.jid = STR("bob@example.org"), .name = STR("B<o>b")};

	switch (q->ask) {
	case ROSTER_ASK_ROSTER_GET:
		roster_head_put(w, &(struct roster_head){.same = str_eq(q->version, STR("1")),
							 .version = STR("1")});
		for (unsigned i = 0; i < 100 && !str_eq(q->version, STR("1")); i++)
			roster_item_put(w, &item);
		return;
	case ROSTER_ASK_AUDIENCE:
		roster_contact_put(w, &(struct roster_contact){.jid = item.jid,
							       .watches = true,
							       .watched = true,
							       .request = true});
		return;
	case ROSTER_ASK_BLOCK_GET:
		roster_text_put(w, STR("eve@example.org"));
		return;
	default:
		break;
	}
	item = q->ask == ROSTER_ASK_ROSTER_SET ? q->item : item;
	roster_effect_put(w, &(struct roster_effect){.kind = ROSTER_EFFECT_PUSH,
						     .to = q->owner,
						     .item = item,
						     .version = STR("2")});
	roster_effect_put(w, &(struct roster_effect){.kind = q->ask == ROSTER_ASK_BLOCK_ADD
								     ? ROSTER_EFFECT_BLOCKED
								     : ROSTER_EFFECT_UNBLOCKED,
						     .to = q->owner,
						     .jids = q->jids});
	roster_effect_put(w, &(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
						     .from = q->owner,
						     .to = STR("bob@example.org"),
						     .type = ROSTER_AVAILABLE});
	roster_effect_put(w, &(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
						     .from = STR("bob@example.org"),
						     .to = q->owner,
						     .type = q->type,
						     .payload = q->payload});
}

static void on_ask(const struct proto_question *ask)
{
	static const size_t sizes[] = {sizeof(rig.out), 27000, 40000};
	static uint8_t      bytes[ROSTER_QUESTION_SIZE_MAX], answer[4 * ROSTER_QUESTION_SIZE_MAX];
	struct put          w = put_to(answer, sizeof(answer));
	struct roster_question q;
	enum reason            why = rig.asked++ % 3 == 2 ? REASON_CONTROL_DOWN : REASON_NONE;
	uint64_t               token = ask->token;
	struct cur             c;
	struct proto_event     event;

	memcpy(bytes, ask->bytes.p, ask->bytes.n);
	ASSERT(roster_question_read(cur_of(bytes, ask->bytes.n), &q));
	answer_put(&q, &w);
	ASSERT(!w.failed);
	c = cur_of(answer, put_size(&w));
	do {
		struct out out = out_to(rig.out, sizes[rig.asked % 4 % 3]);

		event = (struct proto_event){.msg = msg_new(rig.pool)};
		xmpp_ops.told(rig.session, rig.now, token, why, &c, &out, &event);
		if (event.kind != EVENT_MSG)
			msg_free(event.msg);
		check(&out);
		on_event(&event);
		rig.now.us += event.kind == EVENT_NONE;
		if (event.kind == EVENT_NONE && cur_left(&c) > 0)
			tick(); /* a turn is over */
	} while (rig.session->state != XMPP_STATE_CLOSED &&
		 (event.kind != EVENT_NONE || (why == REASON_NONE && cur_left(&c) > 0)));
}

static void on_event(const struct proto_event *event)
{
	struct out          out = out_to(rig.out, sizeof(rig.out));
	struct proto_target at = {0};
	struct result       result;

	if (event->kind == EVENT_ASK) {
		on_ask(&event->ask);
		return;
	}
	if (event->kind == EVENT_MSG) {
		uint64_t token = event->msg->token;

		xmpp_ops.submit(rig.session, rig.now, event->msg,
				rig.session->role == XMPP_ROLE_CLIENT ? &at : NULL, token, &out,
				&result);
		msg_free(event->msg);
		xmpp_ops.answer(rig.session, rig.now, token,
				&(struct result){.why = token % 3 ? REASON_NO_ROUTE : REASON_NONE},
				&out);
	} else if (event->kind == EVENT_BINDING) {
		ASSERT(event->registration->count == 1 && event->registration->address.n > 0);
		xmpp_ops.answer(rig.session, rig.now, event->registration->token,
				&(struct result){.word = event->registration->hands_over
								 ? event->registration->word << 40
								 : 0},
				&out);
	}
	if (event->kind == EVENT_LOGIN)
		xmpp_ops.login(rig.session, rig.now,
			       &(struct login_verdict){.settings = &rig.settings}, &out);
	if (event->kind == EVENT_DIAL)
		rig.dialled = event->token;
	if (event->kind == EVENT_DIAL && rig.now.us % 2 == 0)
		xmpp_ops.answer(rig.session, rig.now, event->token,
				&(struct result){.why = REASON_CONNECTION_REFUSED}, &out);
	check(&out);
}

static void tick(void)
{
	struct proto_event event;

	do {
		struct out out = out_to(rig.out, sizeof(rig.out));

		event = (struct proto_event){.msg = msg_new(rig.pool)};
		xmpp_ops.tick(rig.session, rig.now, &out, &event);
		if (event.kind != EVENT_MSG && event.msg != NULL)
			msg_free(event.msg);
		check(&out);
		if (event.kind != EVENT_CLOSE)
			on_event(&event);
	} while (event.kind != EVENT_NONE && event.kind != EVENT_CLOSE);
}

/* False: the stream is over. */
static bool feed(struct cur *in)
{
	struct out         out = out_to(rig.out, sizeof(rig.out));
	struct proto_event event = {.msg = msg_new(rig.pool)};
	const uint8_t     *start = in->p;
	bool               restart = rig.session->state == XMPP_STATE_AUTH;
	enum pull          pull = xmpp_ops.feed(rig.session, rig.now, NULL, in, &out, &event);

	ASSERT(event.msg != NULL);
	ASSERT((pull != PULL_WAIT && pull != PULL_MORE) || in->p == start);
	rig.waits = pull == PULL_WAIT;
	if (event.kind != EVENT_MSG)
		msg_free(event.msg);
	check(&out);
	if (restart && rig.session->state == XMPP_STATE_OPEN)
		rig.seen = (struct xml_frame){0}; /* ours begins anew, too */
	if (pull == PULL_ITEM)
		on_event(&event);
	return pull == PULL_ITEM && event.kind != EVENT_CLOSE;
}

static void feed_pieces(const uint8_t *data, size_t size, size_t step)
{
	size_t from = 0, to = 0;

	while (to < size && rig.session->state != XMPP_STATE_CLOSED) {
		uint8_t   *copy;
		struct cur in;

		to = to + step < size ? to + step : size;
		copy = malloc(to - from + 1);
		memcpy(copy, data + from, to - from);
		in = cur_of(copy, to - from);
		for (unsigned turn = 0; turn == 0 || rig.waits; turn++) {
			ASSERT(turn < 8); /* whatever it waits for, a timer or an answer ends it */
			while (feed(&in))
				;
			rig.now.us += 50;
			tick();
		}
		from += (size_t)(in.p - copy);
		free(copy);
	}
}

static void feed_text(const char *text)
{
	feed_pieces((const uint8_t *)text, strlen(text), strlen(text));
}

/* ---- the kinds of streams ---- */

#define HEAD(space, attributes)                                                                    \
	"<stream:stream xmlns='" space "' xmlns:db='jabber:server:dialback' version='1.0' "        \
	"xmlns:stream='http://etherx.jabber.org/streams' " attributes ">"
#define CLIENT HEAD("jabber:client", "to='example.org'")
#define SERVER HEAD("jabber:server", "from='chat.example' to='example.org' id='s1'")

static const struct {
	struct proto_open how;
	const char       *let_in[5]; /* what leads to UP */
} kinds[] = {
	{{.role = PROTO_ACCEPTED, .link = LINK_CLIENT},
	 {CLIENT,
	  "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHg=</auth>",
	  CLIENT, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"}},
	{{.role = PROTO_ACCEPTED, .link = LINK_COMPONENT},
	 {HEAD("jabber:component:accept", "to='bot.example.org'"), "<handshake>x</handshake>"}},
	{{.role = PROTO_CONNECTING, .link = LINK_COMPONENT, .link_domain = {"sms.example.org", 15}},
	 {HEAD("jabber:component:accept", "id='s1'"), "<handshake/>"}},
	{{.role = PROTO_ACCEPTED, .link = LINK_SERVER}, {SERVER}},
	{{.role = PROTO_CONNECTING, .link = LINK_SERVER, .link_domain = {"chat.example", 12}},
	 {SERVER, "<stream:features/>",
	  "<db:result from='chat.example' to='example.org' type='valid'/>"}},
	{{.role = PROTO_CONNECTING, .link = LINK_SERVER}, {SERVER, "<stream:features/>"}},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define VERIFIES (KINDS - 1)

static void open_as(unsigned kind, uint64_t dial)
{
	struct proto_open how = kinds[kind].how;
	struct out        out = out_to(rig.out, sizeof(rig.out));

	memset(rig.session, 0, sizeof(*rig.session));
	rig.seen = (struct xml_frame){0};
	rig.over = true;
	how.instance = rig.instance;
	how.login_us = 100000;
	how.settings = &rig.settings;
	how.domain = STR("example.org");
	how.plain = true;
	how.dial = dial;
	xmpp_ops.open(rig.session, rig.now, &how, &out);
	check(&out);
}

static void swap(void)
{
	struct xmpp_session *s = rig.session;

	rig.session = rig.asker;
	rig.asker = s;
}

static void close_session(void)
{
	uint64_t token;

	xmpp_ops.close(rig.session, rig.now, REASON_CONNECTION_RESET, NULL);
	while (xmpp_ops.drain(rig.session, &token))
		;
}

/* A server has claimed a domain, and we ask about it. */
static void begin_verifying(void)
{
	rig.now.us |= 1; /* the dial is not refused */
	open_as(3, 0);
	feed_text(SERVER);
	feed_text("<db:result from='chat.example' to='example.org'>k</db:result>");
	swap();
	open_as(VERIFIES, rig.dialled);
}

static void hand_over(uint64_t h)
{
	struct out out = out_to(rig.out, sizeof(rig.out));
	bool       detached = xmpp_ops.detach(rig.session, rig.now);

	tick();
	xmpp_ops.hand_over(rig.session, rig.now, h, &out);
	if (!detached)
		check(&out);
	tick();
	rig.now.us += 30 * US_PER_SECOND;
	tick();
	ASSERT(rig.session->state == XMPP_STATE_CLOSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = size > 0 ? data[0] / 2 % KINDS : 0;

	if (size < 2 || size > SIZE_MAX_IN)
		return 0;
	if (rig.instance == NULL)
		rig_make();
	rig.now = (struct now){1000000, 1790000000000ull};
	rig.asked = (unsigned)size;
	if (kind == VERIFIES)
		begin_verifying();
	else
		open_as(kind, 0);
	for (unsigned i = 0; (data[0] & 1) != 0 && kinds[kind].let_in[i] != NULL; i++)
		feed_text(kinds[kind].let_in[i]);
	if ((data[0] & 1) != 0)
		ASSERT(rig.session->state == (kinds[kind].how.link == LINK_SERVER && kind != 4
						      ? XMPP_STATE_AUTH
						      : XMPP_STATE_UP));
	feed_pieces(data + 2, size - 2, 1 + data[1] % 64);
	if (kind == 0 && (data[1] & 64) != 0)
		hand_over(data[1] & 63);
	if (xmpp_ops.outlive(rig.session, rig.now, REASON_CONNECTION_RESET, NULL))
		tick();
	close_session();
	if (kind == VERIFIES) {
		swap();
		rig.over = true;
		rig.seen = (struct xml_frame){0};
		close_session();
	}
	ASSERT(rig.instance->blocks.used == 0 && msg_pool_free_count(rig.pool) == POOL);
	return 0;
}
