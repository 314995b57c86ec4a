/*
 * Fuzz target: bytes from an SMPP peer. The first byte says what the session is, the second seeds
 * where the rest is cut. What a session takes as a message is given to a session of the other side
 * and must come out as a PDU that can be read; every PDU that can be read is written again and must
 * be the same; every submission has one result; work is bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "smpp/pdu.h"
#include "smpp/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 64u
#define POOL 256u
#define OUT (2 * SMPP_PDU_SIZE_MAX)

struct end {
	uint8_t        instance[256] __attribute__((aligned(64)));
	uint8_t        session[512] __attribute__((aligned(64)));
	uint8_t        blocks[BLOCKS * 64] __attribute__((aligned(64)));
	struct metrics metrics;
	struct now     now;
	unsigned       submitted, resulted;
	uint64_t       unanswered[32];
	unsigned       unanswered_count;
	bool           over;
};

static struct end            one, other;
static uint8_t               room[OUT];
static uint8_t               pool_memory[64 + POOL * MSG_BLOCK_SIZE] __attribute__((aligned(64)));
static struct msg_pool      *pool;
static struct proto_settings settings = {
	.window_max = 8,
	.message_size_max = 65535,
	.keepalive_us = 3000000,
	.response_us = 1000000,
	.inactivity_us = 9000000,
	.default_alphabet = MSG_CODING_GSM7,
	.default_ton = 1,
	.source_ton = 0xff,
	.source_npi = 0xff,
	.dest_ton = 0xff,
	.dest_npi = 0xff,
};

static struct out fresh(void)
{
	return out_to(room, sizeof(room));
}

static void feed_all(struct end *e, const uint8_t *bytes, size_t n, struct random *cuts);

static void end_open(struct end *e, enum proto_role role, unsigned wants)
{
	struct out out = fresh();

	memset(e, 0, sizeof(*e));
	ASSERT(smpp_ops.instance_size <= sizeof(e->instance) &&
	       smpp_ops.session_size <= sizeof(e->session) && smpp_ops.block_size <= 64);
	e->now = (struct now){1000000, 1790000000000ull};
	ASSERT(smpp_ops.instance_init(e->instance,
				      &(struct proto_instance_config){.metrics = &e->metrics,
								      .blocks = e->blocks,
								      .block_count = BLOCKS,
								      .seed = 1}) == 0);
	smpp_ops.open(e->session, e->now,
		      &(struct proto_open){.role = role,
					   .instance = e->instance,
					   .login_us = 5000000,
					   .settings = &settings,
					   .identity = STR("a"),
					   .secret = STR("b"),
					   .system_type = STR(""),
					   .wants = wants,
					   .node = STR("n")},
		      &out);
}

static void end_bind(struct end *e, bool accepted)
{
	static const uint8_t bind[] = {0, 0, 0, 25,  0, 0,   0, 9, 0,    0, 0, 0, 0,
				       0, 0, 1, 'a', 0, 'b', 0, 0, 0x34, 0, 0, 0};
	static const uint8_t resp[] = {0, 0, 0, 18, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 'n', 0};

	feed_all(e, accepted ? bind : resp, accepted ? sizeof(bind) : sizeof(resp), NULL);
	ASSERT(smpp_ops.ready(e->session));
}

/* What was taken here goes out at the other side, where it must be a PDU that its receiver can
 * read. */
static void pass_on(struct end *to, const struct msg *m)
{
	struct out      out = fresh();
	struct result   result;
	struct smpp_pdu pdu;
	struct smpp_sm  sm;
	struct cur      sent;
	uint32_t        need;
	unsigned        unknown;
	enum submit     how = smpp_ops.submit(to->session, to->now, m, NULL, 7, &out, &result);

	if (how == SUBMIT_REFUSED)
		ASSERT(result.why != REASON_NONE);
	if (how != SUBMIT_SENT) {
		ASSERT(out_mark(&out) == 0);
		return;
	}
	to->submitted++;
	sent = cur_of(room, out_mark(&out));
	ASSERT(smpp_pdu_next(&sent, &pdu, &need) == PULL_ITEM && cur_left(&sent) == 0);
	ASSERT(smpp_submit_parse(pdu.body, &sm) == SMPP_ROK);
	ASSERT(smpp_tlvs_check(sm.tlvs, &unknown) == SMPP_ROK);
}

static void take(struct end *e, const struct proto_event *event)
{
	struct out out = fresh();

	switch (event->kind) {
	case EVENT_LOGIN:
		smpp_ops.login(e->session, e->now, &(struct login_verdict){REASON_NONE, &settings},
			       &out);
		break;
	case EVENT_MSG:
		pass_on(e == &one ? &other : &one, event->msg);
		ASSERT(e->unanswered_count < settings.window_max);
		e->unanswered[e->unanswered_count++] = event->msg->token;
		break;
	case EVENT_RESULT:
		ASSERT(++e->resulted <= e->submitted);
		break;
	case EVENT_CLOSE:
		e->over = true;
		break;
	case EVENT_NONE:
	case EVENT_UP:
	case EVENT_READY:
	case EVENT_BINDING:
	case EVENT_ELSEWHERE:
	case EVENT_DIAL:
	case EVENT_ASK:
		break;
	}
}

static void answer_one(struct end *e)
{
	struct out out = fresh();

	if (e->unanswered_count > 0)
		smpp_ops.answer(e->session, e->now, e->unanswered[--e->unanswered_count],
				&(struct result){.msg_id = 12345}, &out);
}

static void tick(struct end *e)
{
	for (unsigned i = 0;; i++) {
		struct proto_event event = {0};
		struct out         out = fresh();

		ASSERT(smpp_ops.tick(e->session, e->now, &out, &event) > 0);
		if (event.kind == EVENT_NONE)
			break;
		take(e, &event);
		ASSERT(i < BLOCKS + 4);
	}
}

/* Every call either takes a whole item or asks for more: at most one call an item and one a cut. */
static void feed_all(struct end *e, const uint8_t *bytes, size_t n, struct random *cuts)
{
	size_t at = 0, end = 0, calls = 0, cut_count = 0;

	while (end < n && !e->over) {
		size_t     step = cuts != NULL ? 1 + random_below(cuts, 64) : n;
		enum pull  pull = PULL_ITEM;
		uint8_t   *exact;
		struct cur in;

		end = n - end < step ? n : end + step;
		cut_count++;
		exact = malloc(end - at + 1);
		memcpy(exact, bytes + at, end - at);
		in = cur_of(exact, end - at);
		while (pull == PULL_ITEM && !e->over) {
			struct proto_event event = {.msg = msg_new(pool)};
			struct out         out = fresh();
			struct flow        from = {0};
			size_t             left = cur_left(&in);

			pull = smpp_ops.feed(e->session, e->now, &from, &in, &out, &event);
			ASSERT(!out.put.failed && out_mark(&out) <= 256);
			ASSERT(pull == PULL_ITEM ? left - cur_left(&in) >= SMPP_HEADER_SIZE
						 : cur_left(&in) == left);
			ASSERT(pull != PULL_MORE || event.need >= 1);
			ASSERT(pull != PULL_BAD || event.why == REASON_PDU_SIZE);
			if (pull == PULL_ITEM)
				take(e, &event);
			msg_free(event.msg);
			e->over = e->over || pull == PULL_BAD;
			calls++;
		}
		at = end - cur_left(&in);
		free(exact);
		if (cuts != NULL && random_below(cuts, 4) == 0)
			answer_one(e);
		if (cuts != NULL && random_below(cuts, 8) == 0) {
			e->now.us += random_below(cuts, 2000000);
			tick(e);
		}
	}
	ASSERT(calls <= cut_count + n / SMPP_HEADER_SIZE + 1);
}

static void end_close(struct end *e)
{
	struct out out = fresh();
	uint64_t   token;

	while (e->unanswered_count > 0)
		answer_one(e);
	smpp_ops.close(e->session, e->now, REASON_SHUTDOWN, &out);
	while (smpp_ops.drain(e->session, &token))
		e->resulted++;
	ASSERT(e->resulted == e->submitted);
}

/* Read, write, the same. */
static void round_trip(const struct smpp_pdu *pdu)
{
	struct put             w = put_to(room, sizeof(room));
	struct smpp_sm         sm;
	struct smpp_multi      multi;
	struct smpp_multi_resp multi_resp;
	struct smpp_alert      alert;
	struct cur             body = pdu->body;
	size_t                 n = cur_left(&body);

	if (pdu->command == SMPP_submit_sm && smpp_submit_parse(body, &sm) == SMPP_ROK)
		smpp_sm_put(&w, &sm);
	else if (pdu->command == SMPP_data_sm && smpp_data_parse(body, &sm) == SMPP_ROK)
		smpp_data_put(&w, &sm);
	else if (pdu->command == SMPP_submit_multi && smpp_multi_parse(body, &multi) == SMPP_ROK)
		smpp_multi_put(&w, &multi);
	else if (pdu->command == SMPP_submit_multi_resp &&
		 smpp_multi_resp_parse(body, &multi_resp) == SMPP_ROK)
		smpp_multi_resp_put(&w, &multi_resp);
	else if (pdu->command == SMPP_alert_notification &&
		 smpp_alert_parse(body, &alert) == SMPP_ROK)
		smpp_alert_put(&w, &alert);
	else
		return;
	ASSERT(!w.failed && put_size(&w) <= n &&
	       memcmp(room, cur_bytes(&body, n), put_size(&w)) == 0);
	ASSERT(put_size(&w) == n ||
	       pdu->command == SMPP_submit_multi_resp); /* which alone has no parameters after it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct random   cuts;
	struct smpp_pdu pdu;
	struct cur      in;
	uint32_t        need;
	bool            accepted;

	if (size < 2)
		return 0;
	accepted = (data[0] & 1) == 0;
	in = cur_of(data + 2, size - 2);
	while (smpp_pdu_next(&in, &pdu, &need) == PULL_ITEM)
		round_trip(&pdu);
	pool = msg_pool_init(pool_memory, POOL);
	random_seed(&cuts, data[1]);
	end_open(&one, accepted ? PROTO_ACCEPTED : PROTO_CONNECTING, PROTO_SENDS | PROTO_RECEIVES);
	end_open(&other, accepted ? PROTO_CONNECTING : PROTO_ACCEPTED,
		 PROTO_SENDS | PROTO_RECEIVES);
	end_bind(&other, !accepted);
	if (data[0] & 2)
		end_bind(&one, accepted);
	feed_all(&one, data + 2, size - 2, &cuts);
	tick(&one);
	end_close(&one);
	end_close(&other);
	ASSERT(msg_pool_free_count(pool) == POOL);
	return 0;
}
