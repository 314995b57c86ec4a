/*
 * Fuzz target: bytes from whoever speaks to a SIP session. The first byte says what the session is
 * and who the others are to it, and how messages go to the peer, the second seeds where a stream is
 * cut; 0xff parts datagrams. What the session says must be SIP without a fault, and over UDP go to
 * who asked; what it takes as a message is given to a session of a peer and must come out as a
 * request that can be read; every submission has one result; at the end nothing is open.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "sip/session.h"
#include "sip/via.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 256u
#define POOL 256u
#define OUT (256u * 1024u)
#define BLOCK_SIZE_MAX 512u

struct end {
	void          *instance, *session;
	uint8_t       *blocks;
	struct metrics metrics;
	struct now     now;
	bool           datagram, over;
	unsigned       submitted, resulted;
};

static struct end            one, other;
static uint8_t               room[OUT];
static uint8_t               pool_memory[64 + POOL * MSG_BLOCK_SIZE] __attribute__((aligned(64)));
static struct msg_pool      *pool;
static bool                  are_peers;
static const struct flow     asker = {.address = {0x010200c0}, .port = 5066};
static const struct flow     here = {.address = {0x020200c0}, .port = 5060};
static struct proto_settings settings = {
	.window_max = 8,
	.message_size_max = 20000,
	.keepalive_us = 3000000,
	.response_us = 1000000,
	.inactivity_us = 9000000,
};

static bool credentials(void *context, unsigned protocol, struct str address,
			struct proto_credentials *c)
{
	memset(c, 0x41, sizeof(*c));
	c->number = STR("+46701234567");
	return address.n % 2 == 0;
}

static const struct proto_record *record(void *context, unsigned protocol, struct str address)
{
	return NULL;
}

static enum proto_reach reach(void *context, unsigned protocol, struct str address,
			      uint16_t *features)
{
	*features = (uint16_t)(address.n * 3);
	return (enum proto_reach)(address.n % 3);
}

static bool serves(void *context, unsigned protocol, struct str domain)
{
	return str_eq(domain, STR("example.org"));
}

static bool source(void *context, unsigned protocol, const struct flow *from,
		   struct proto_source *s)
{
	*s = (struct proto_source){.peer = 1, .trusted = true};
	return are_peers;
}

static bool resolve(void *context, struct str host, struct flow *to)
{
	return false;
}

static void wake(void *context, void *session)
{
}

static struct str conversation(void *context, struct str from, struct str to)
{
	return from.n % 2 == 0 ? STR("f81d4fae-7dec-11d0") : STR("");
}

static void converse(void *context, struct str from, struct str to, struct str id)
{
}

static uint64_t chat_begun(void *context, struct str device, struct str party)
{
	return device.n + 1;
}

static bool chat_taken(void *context, uint64_t mark)
{
	return false;
}

static void chat_over(void *context, uint64_t mark, bool another)
{
	ASSERT(mark > 0);
}

static const struct proto_services services = {.credentials = credentials,
					       .record = record,
					       .reach = reach,
					       .serves = serves,
					       .source = source,
					       .resolve = resolve,
					       .wake = wake,
					       .conversation = conversation,
					       .converse = converse,
					       .chat_begun = chat_begun,
					       .chat_over = chat_over,
					       .chat_taken = chat_taken};

static struct out fresh(void)
{
	return out_to(room, sizeof(room));
}

static void check_message(struct cur bytes, enum sip_framing framing)
{
	struct sip_scan      scan = {0};
	struct sip_message   m;
	struct sip_mandatory known;
	enum reason          why;

	while (cur_left(&bytes) > 0) {
		ASSERT(sip_message_next(&scan, &bytes, framing, &m, &why) == PULL_ITEM);
		ASSERT(m.kind != SIP_REQUEST ||
		       (m.fault == REASON_NONE && sip_mandatory_parse(&m, &known) == REASON_NONE));
	}
}

static void check_out(const struct end *e, const struct out *out)
{
	struct cur  written = cur_of(room, out_mark(out)), bytes;
	struct flow to;

	ASSERT(!out->put.failed);
	if (!e->datagram) {
		check_message(written, SIP_STREAM);
		return;
	}
	while (out_datagram_next(&written, &to, &bytes)) {
		ASSERT(memcmp(to.address, asker.address, sizeof(to.address)) == 0);
		check_message(bytes, SIP_DATAGRAM);
	}
}

static void end_open(struct end *e, const struct proto_open *how)
{
	struct proto_open with = *how;
	struct out        out = fresh();

	if (e->instance == NULL) {
		ASSERT(sip_ops.block_size <= BLOCK_SIZE_MAX);
		e->instance = malloc(sip_ops.instance_size);
		e->session = malloc(sip_ops.session_size);
		e->blocks = aligned_alloc(64, BLOCKS * BLOCK_SIZE_MAX);
	}
	memset(e->instance, 0, sip_ops.instance_size);
	memset(e->session, 0, sip_ops.session_size);
	memset(e->blocks, 0, BLOCKS * BLOCK_SIZE_MAX);
	memset(&e->metrics, 0, sizeof(e->metrics));
	e->now = (struct now){1000000, 1790000000000ull};
	e->datagram = how->datagram;
	e->over = false;
	e->submitted = e->resulted = 0;
	ASSERT(sip_ops.instance_init(e->instance,
				     &(struct proto_instance_config){.metrics = &e->metrics,
								     .blocks = e->blocks,
								     .block_count = BLOCKS,
								     .protocol = 1,
								     .seed = 1,
								     .shared_seed = 2,
								     .services = &services}) == 0);
	with.instance = e->instance;
	with.login_us = 5000000;
	with.settings = &settings;
	with.wants = PROTO_SENDS | PROTO_RECEIVES;
	with.local = here;
	with.remote = asker;
	with.host = STR("peer.example");
	with.domain = STR("example.org");
	sip_ops.open(e->session, e->now, &with, &out);
	check_out(e, &out);
}

/* To the peer, in a session of its own. */
static void pass_on(const struct msg *m)
{
	struct out    out = fresh();
	struct result refused;

	if (sip_ops.submit(other.session, other.now, m, NULL, 1, &out, &refused) == SUBMIT_SENT) {
		other.submitted++;
		check_out(&other, &out);
	} else {
		ASSERT(out_mark(&out) == 0);
	}
}

static void answer(struct end *e, uint64_t token)
{
	static const uint8_t reasons[] = {REASON_NONE, REASON_QUEUE_FULL, REASON_NO_ROUTE,
					  REASON_CODING};
	const struct result  r = {.why = reasons[token % sizeof(reasons)]};
	struct out           out = fresh();

	sip_ops.answer(e->session, e->now, token, &r, &out);
	check_out(e, &out);
}

/* As to another worker, where it is about nothing, or about what the peer's session has. */
static void hand_over(struct end *e, const struct msg *m)
{
	static uint8_t     room[MSG_SIZE_MAX];
	struct proto_event event = {.kind = EVENT_NONE};
	struct result      result;
	struct out         out = fresh();
	const struct flow  from = {.port = 5060};

	sip_ops.item(other.instance, other.now, &from,
		     cur_of(msg_view(m, m->body, room), m->body.size), &event, &result);
	if (event.kind == EVENT_RESULT)
		other.resulted++;
	if (m->token != 0)
		sip_ops.answer(e->session, e->now, m->token, &result, &out);
	check_out(e, &out);
}

static void on_event(struct end *e, const struct proto_event *event)
{
	switch (event->kind) {
	case EVENT_MSG:
		pass_on(event->msg);
		answer(e, event->msg->token);
		break;
	case EVENT_ELSEWHERE:
		hand_over(e, event->msg);
		break;
	case EVENT_BINDING:
	case EVENT_DIAL:
		answer(e, event->token);
		break;
	case EVENT_RESULT:
		e->resulted++;
		break;
	case EVENT_CLOSE:
		e->over = true;
		break;
	case EVENT_NONE:
	case EVENT_LOGIN:
	case EVENT_UP:
	case EVENT_READY:
	case EVENT_ASK:
		break;
	}
}

static void tick(struct end *e, uint64_t us)
{
	struct proto_event event;

	e->now.us += us;
	for (unsigned n = 0; !e->over; n++) {
		struct out  out = fresh();
		struct msg *m = msg_new(pool);

		ASSERT(n < 1000);
		event = (struct proto_event){.msg = m};
		sip_ops.tick(e->session, e->now, &out, &event);
		check_out(e, &out);
		on_event(e, &event);
		msg_free(m);
		if (event.kind == EVENT_NONE)
			return;
	}
}

/* False: no more of it. */
static bool feed_one(struct end *e, struct cur *in)
{
	struct msg        *m = msg_new(pool);
	struct proto_event event = {.msg = m};
	struct out         out = fresh();
	enum pull          pull;

	pull = sip_ops.feed(e->session, e->now, &asker, in, &out, &event);
	check_out(e, &out);
	if (pull == PULL_ITEM)
		on_event(e, &event);
	msg_free(m);
	if (pull == PULL_BAD && !e->datagram)
		e->over = true;
	return pull == PULL_ITEM && !e->over;
}

static void feed_datagrams(struct end *e, const uint8_t *bytes, size_t n)
{
	while (n > 0 && !e->over) {
		const uint8_t *stop = memchr(bytes, 0xff, n);
		size_t         part = stop != NULL ? (size_t)(stop - bytes) : n;
		uint8_t       *exact = malloc(part > 0 ? part : 1);
		struct cur     in;

		memcpy(exact, bytes, part);
		in = cur_of(exact, part);
		if (part > 0)
			feed_one(e, &in);
		free(exact);
		bytes += stop != NULL ? part + 1 : part;
		n -= stop != NULL ? part + 1 : part;
		tick(e, 100000);
	}
}

static void feed_stream(struct end *e, const uint8_t *bytes, size_t n, struct random *cuts)
{
	size_t have = 0;

	while (have < n && !e->over) {
		size_t     more = 1 + random_below(cuts, 400);
		uint8_t   *exact;
		struct cur in;

		have = have + more < n ? have + more : n;
		exact = malloc(have);
		memcpy(exact, bytes, have);
		in = cur_of(exact, have);
		while (cur_left(&in) > 0 && feed_one(e, &in))
			;
		bytes += have - cur_left(&in);
		n -= have - cur_left(&in);
		have = cur_left(&in);
		free(exact);
		tick(e, 10000);
		if (have == n)
			break;
	}
}

static void end_close(struct end *e)
{
	uint64_t token;

	tick(e, 2000000);
	sip_ops.close(e->session, e->now, REASON_SHUTDOWN, NULL);
	while (sip_ops.drain(e->session, &token))
		e->resulted++;
	ASSERT(e->submitted == e->resulted);
	ASSERT(e->metrics.value[METRIC_sip_transactions_open] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_open how = {0}, peer = {.role = PROTO_CONNECTING, .trusted = true};
	struct random     cuts;

	if (size < 2)
		return 0;
	pool = msg_pool_init(pool_memory, POOL);
	random_seed(&cuts, data[1]);
	are_peers = data[0] & 1;
	how.open_to_all = data[0] & 2;
	how.datagram = data[0] & 4;
	how.role = how.datagram    ? PROTO_DATAGRAM
		   : (data[0] & 8) ? PROTO_CONNECTING
				   : PROTO_ACCEPTED;
	settings.body = data[0] >> 4 & 3;
	end_open(&other, &peer);
	tick(&other, 0);
	end_open(&one, &how);
	tick(&one, 0);
	if (how.datagram)
		feed_datagrams(&one, data + 2, size - 2);
	else
		feed_stream(&one, data + 2, size - 2, &cuts);
	end_close(&one);
	end_close(&other);
	ASSERT(msg_pool_free_count(pool) == POOL);
	return 0;
}
