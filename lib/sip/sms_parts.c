/*
 * A message that takes several short ones (TS 23.040, 9.2.3.24.1): a part goes out when the device
 * has acknowledged the one before it, so that they come in order and nothing is sent in vain. What
 * is left of the message is kept with the transaction of the part that is out; the first part that
 * fails is the result of the whole, the acknowledgement of the last its success.
 */
#include "sip/links.h"
#include "sip/session_private.h"
#include "sip/sms.h"

struct rest { /* in the first block of its chain; its texts follow, then the coded text */
	struct sip_links     links; /* of ->due */
	struct sip_chain     chain;
	uint64_t             token, begun_us;
	struct flow          to;
	uint32_t             forwards, at; /* at: of the coded text that is sent */
	uint32_t             text_size;
	uint16_t             sizes[SIP_SHORT_TEXTS];
	uint8_t              part; /* sent last */
	struct sip_sms_parts parts;
};

_Static_assert(sizeof(struct rest) <= sizeof(((struct sip_block *)0)->bytes),
	       "it lies in one block");

static struct rest *rest_at(const struct sip_session *s, uint32_t number)
{
	return (void *)sip_pool_at(&s->instance->transactions.pool, number)->bytes;
}

/* The next part of the coded text, which is at w. */
static enum reason part_out(const struct sip_map *map, struct rest *r, const uint8_t *bytes,
			    size_t n, uint8_t reference, struct put *rpdu)
{
	struct str text = {(const char *)bytes, sip_sms_part_size(&r->parts, bytes, n)};

	r->at += (uint32_t)text.n;
	r->part++;
	return sip_sms_part_out(map, &r->parts, r->part, text, reference, rpdu);
}

/* All in one piece: the head, and what follows it. */
static bool rest_keep(struct sip_session *s, const struct rest *r,
		      const struct str texts[SIP_SHORT_TEXTS], struct str coded, uint32_t *rest)
{
	struct sip_pool *pool = &s->instance->transactions.pool;
	uint32_t         number = sip_pool_take(pool);
	struct rest     *kept;
	bool             room = number != SIP_BLOCK_NONE;

	if (!room)
		return false;
	kept = rest_at(s, number);
	*kept = *r;
	kept->chain =
		(struct sip_chain){.first = number, .last = number, .start = sizeof(struct rest)};
	for (unsigned i = 0; i < SIP_SHORT_TEXTS && room; i++) {
		kept->sizes[i] = (uint16_t)texts[i].n;
		kept->text_size += (uint32_t)texts[i].n;
		room = sip_chain_append(pool, &kept->chain, texts[i].p, texts[i].n);
	}
	if (room && sip_chain_append(pool, &kept->chain, coded.p, coded.n)) {
		*rest = number;
		return true;
	}
	sip_chain_give(pool, &kept->chain);
	return false;
}

enum reason sip_parts_begin(struct sip_session *s, struct now now, const struct msg *m,
			    const struct sip_short *first, const struct sip_client_how *how,
			    uint32_t *rest, struct put *rpdu)
{
	const struct sip_map map = sip_session_map(s, now);
	uint8_t              coded[SIP_SMS_CODED_MAX];
	struct put           w = put_to(coded, sizeof(coded));
	struct rest          r = {.token = how->token,
				  .begun_us = now.us,
				  .to = how->to,
				  .forwards = first->forwards};
	enum reason          why =
		sip_sms_split(&map, m, (uint16_t)random_next(&s->instance->random), &r.parts, &w);

	if (why == REASON_NONE)
		why = part_out(&map, &r, coded, r.parts.size, first->reference, rpdu);
	if (why != REASON_NONE)
		return why;
	return rest_keep(s, &r, first->texts, (struct str){(const char *)coded, r.parts.size}, rest)
		       ? REASON_NONE
		       : REASON_POOL;
}

void sip_parts_end(struct sip_session *s, uint32_t rest)
{
	if (rest != SIP_BLOCK_NONE)
		sip_chain_give(&s->instance->transactions.pool, &rest_at(s, rest)->chain);
}

bool sip_parts_acknowledged(struct sip_session *s, uint32_t rest)
{
	const struct rest *r = rest != SIP_BLOCK_NONE ? rest_at(s, rest) : NULL;

	if (r == NULL || r->at == r->parts.size)
		return false;
	sip_links_append(&s->instance->transactions.pool, &s->parts, rest, 0);
	s->parts_due++;
	return true;
}

/* Takes the first of those that are due. */
static void parts_take(struct sip_session *s, uint32_t rest)
{
	sip_links_remove(&s->instance->transactions.pool, &s->parts, rest, 0);
	s->parts_due--;
}

bool sip_parts_drain(struct sip_session *s, uint64_t *token)
{
	uint32_t rest = s->parts.first;

	if (rest == SIP_BLOCK_NONE)
		return false;
	*token = rest_at(s, rest)->token;
	parts_take(s, rest);
	sip_parts_end(s, rest);
	return true;
}

static bool part_send(struct sip_session *s, struct now now, uint32_t rest, struct out *out)
{
	const struct sip_map map = sip_session_map(s, now);
	struct sip_pool     *pool = &s->instance->transactions.pool;
	struct rest         *r = rest_at(s, rest);
	char                 texts[SIP_SHORT_TEXTS * SIP_URI_MAX];
	uint8_t              coded[SIP_SMS_LOOK], bytes[SIP_RPDU_MAX];
	size_t     left = r->parts.size - r->at, n = left < sizeof(coded) ? left : sizeof(coded);
	struct put w = put_to(texts, sizeof(texts)), c = put_to(coded, sizeof(coded)),
		   rpdu = put_to(bytes, sizeof(bytes));
	struct sip_short next = {.forwards = r->forwards,
				 .reference = (uint8_t)random_next(&s->instance->random)};
	const char      *at = texts;

	sip_chain_put(pool, &r->chain, 0, r->text_size, &w);
	sip_chain_put(pool, &r->chain, r->text_size + r->at, n, &c);
	ASSERT(!w.failed && !c.failed);
	for (unsigned i = 0; i < SIP_SHORT_TEXTS; i++) {
		next.texts[i] = (struct str){at, r->sizes[i]};
		at += r->sizes[i];
	}
	if (part_out(&map, r, coded, n, next.reference, &rpdu) != REASON_NONE || rpdu.failed)
		return false;
	next.rpdu = (struct str){(const char *)bytes, put_size(&rpdu)};
	return sip_request_part(s, now, &next, &r->to, r->token, rest, out);
}

/* True: it is the end of the message, and *event says so. */
static bool part_next(struct sip_session *s, struct now now, struct out *out,
		      struct proto_event *event)
{
	uint32_t           rest = s->parts.first;
	const struct rest *r = rest_at(s, rest);
	uint64_t           token = r->token;
	bool               late = now.us - r->begun_us >= SIP_PARTS_US;

	parts_take(s, rest);
	if (!late && part_send(s, now, rest, out))
		return false;
	sip_parts_end(s, rest);
	metric_inc(s->instance->metrics, METRIC_sip_sms_parts_cut);
	event->kind = EVENT_RESULT;
	event->token = token;
	event->result = (struct result){
		.why = (uint8_t)(late ? REASON_UNKNOWN_OUTCOME : REASON_POOL),
		.maybe_sent = late, /* some of it is there */
	};
	return true;
}

bool sip_tick_parts(struct sip_session *s, struct now now, struct out *out,
		    struct proto_event *event, uint64_t *next)
{
	while (s->parts_due > 0) {
		if (!out_fits(out, SIP_ANSWER_ROOM)) {
			*next = now.us;
			return false;
		}
		if (part_next(s, now, out, event))
			return true;
	}
	return false;
}
