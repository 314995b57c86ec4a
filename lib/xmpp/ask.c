/* What only control knows, rosters and block lists: a question goes out, one a session, and nothing
 * of the client is read until the answer is read, and the client has its own. Where control hangs
 * the client is read from all the same, and what would ask more is refused. */
#include "xmpp/session_private.h"

static uint64_t token_of(enum xmpp_asker asker, enum roster_ask ask)
{
	return (uint64_t)ask << 8 | asker;
}

void xmpp_ask_control(struct xmpp_session *s, struct proto_event *event, uint64_t token,
		      const struct roster_question *q)
{
	struct xmpp_instance *i = s->instance;
	struct put            bytes = put_to(i->question, sizeof(i->question));

	roster_question_put(&bytes, q);
	ASSERT(!bytes.failed); /* whoever asks has looked at the limits */
	event->kind = EVENT_ASK;
	event->ask.bytes = (struct str){i->question, put_size(&bytes)};
	event->ask.token = token;
}

void xmpp_ask(struct xmpp_session *s, struct now now, struct proto_event *event,
	      enum xmpp_asker asker, struct roster_question *q)
{
	struct xmpp_jid self = xmpp_self(s);
	char            owner[ROSTER_BARE_SIZE_MAX];
	struct put      w = put_to(owner, sizeof(owner));

	ASSERT(!s->asked);
	xmpp_jid_put_bare(&w, &self);
	q->owner = (struct str){owner, put_size(&w)};
	s->asked = true;
	s->patient_us = now.us + XMPP_PATIENCE_US;
	xmpp_ask_control(s, event, token_of(asker, q->ask), q);
}

void xmpp_ask_for(struct xmpp_input *in, struct roster_question *q)
{
	struct xmpp_session *s = in->s;

	if (s->asked && in->now.us < s->patient_us) { /* for ourselves */
		in->again = in->wait = true;
		return;
	}
	if (s->asked) { /* and it hangs */
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_CONTROL_DOWN);
		return;
	}
	ASSERT(s->asker == XMPP_BLOCK_NONE);
	s->asker = xmpp_request_new(in);
	if (s->asker == XMPP_BLOCK_NONE)
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_POOL);
	else
		xmpp_ask(s, in->now, in->event, XMPP_ASKER_CLIENT, q);
}

static struct xmpp_request *asker_of(struct xmpp_session *s)
{
	return &xmpp_block_at(&s->instance->blocks, s->asker)->u.request;
}

static void asker_over(struct xmpp_session *s)
{
	xmpp_block_give(&s->instance->blocks, s->asker);
	s->asker = XMPP_BLOCK_NONE;
}

static void put_failure(struct xmpp_session *s, enum reason why, struct put *w)
{
	const struct xmpp_request *r = asker_of(s);

	metric_refused(s->instance->metrics, why);
	xmpp_put_error_stanza(w,
			      &(struct xmpp_head){.kind = (enum xmpp_kind)r->kind,
						  .id = {r->id, r->id_size},
						  .from = {r->to, r->to_size}},
			      xmpp_condition_of(why), str_of(reason_text(why)));
	xmpp_sent(s);
}

void xmpp_put_result(struct xmpp_session *s, struct put *w)
{
	const struct xmpp_request *r = asker_of(s);

	xmpp_put_head(w, &(struct xmpp_head){.kind = XMPP_IQ,
					     .type = XMPP_TYPE_RESULT,
					     .id = {r->id, r->id_size},
					     .from = {r->to, r->to_size}});
	put_u8(w, '>');
	xmpp_sent(s);
}

/* Errors that waited for an answer which was written by halves. */
static void release_held(struct xmpp_session *s, struct put *w)
{
	struct xmpp_blocks *b = &s->instance->blocks;
	uint32_t            number = s->in.first, next;

	for (; s->held && number != XMPP_BLOCK_NONE; number = next) {
		next = xmpp_block_at(b, number)->next;
		xmpp_release(s, number, w);
	}
	s->held = false;
}

/* True: event is given. */
static bool told_client(struct xmpp_session *s, struct now now, enum roster_ask ask,
			struct cur *answer, struct out *out, struct proto_event *event)
{
	switch (ask) {
	case ROSTER_ASK_ROSTER_GET:
		xmpp_told_roster(s, answer, out);
		break;
	case ROSTER_ASK_BLOCK_GET:
		xmpp_told_blocklist(s, answer, out);
		break;
	case ROSTER_ASK_ROSTER_SET:
	case ROSTER_ASK_ROSTER_REMOVE:
	case ROSTER_ASK_SUBSCRIPTION_OUT:
	case ROSTER_ASK_BLOCK_ADD:
	case ROSTER_ASK_BLOCK_REMOVE:
		if (xmpp_told_effects(s, now, answer, event))
			return true;
		if (cur_left(answer) > 0)
			break;
		if (ask == ROSTER_ASK_BLOCK_ADD || ask == ROSTER_ASK_BLOCK_REMOVE) {
			s->blocks_due = true; /* before anything else is read */
			s->ask_due_us = 0;
		}
		if (asker_of(s)->kind == XMPP_IQ) {
			xmpp_put_result(s, &out->put);
			put_str(&out->put, STR("</iq>"));
		}
		break;
	case ROSTER_ASK_EFFECTS: /* not of clients */
	case ROSTER_ASK_SUBSCRIPTION_IN:
	case ROSTER_ASK_AUDIENCE:
	case ROSTER_ASK_MAY_SEE:
	case ROSTER_ASK_COUNT:
		answer->p = answer->end;
		break;
	}
	return false;
}

static void told_failure(struct xmpp_session *s, struct now now, enum xmpp_asker asker,
			 enum reason why, struct out *out)
{
	switch (asker) {
	case XMPP_ASKER_CLIENT:
		put_failure(s, why, &out->put);
		asker_over(s);
		break;
	case XMPP_ASKER_TOUR:
		s->ask_due_us = now.us + XMPP_ASK_AGAIN_US;
		break;
	case XMPP_ASKER_BLOCKS:
		xmpp_blocks_unknown(s, now);
		break;
	case XMPP_ASKER_NOTICE: /* who asks next is told by the version of the roster */
		break;
	}
}

static void over(struct xmpp_session *s)
{
	const struct proto_services *services = s->instance->services;

	s->asked = false;
	services->wake(services->context, s); /* feed() has waited */
}

static void told(struct xmpp_session *s, struct now now, uint64_t token, enum reason why,
		 struct cur *answer, struct out *out, struct proto_event *event)
{
	enum xmpp_asker asker = (enum xmpp_asker)(token & 0xff);

	s->patient_us = now.us + XMPP_PATIENCE_US; /* it does not hang */
	if (why != REASON_NONE) {
		told_failure(s, now, asker, why, out);
		over(s);
		return;
	}
	if (asker == XMPP_ASKER_CLIENT && s->binding && !s->midway && cur_left(answer) > 0)
		return; /* for what is written when it is over does not go between halves */
	switch (asker) {
	case XMPP_ASKER_CLIENT:
		if (told_client(s, now, (enum roster_ask)(token >> 8), answer, out, event))
			return;
		break;
	case XMPP_ASKER_TOUR:
		if (xmpp_told_audience(s, now, answer, out, event))
			return;
		break;
	case XMPP_ASKER_BLOCKS:
		xmpp_told_blocks(s, now, answer);
		break;
	case XMPP_ASKER_NOTICE:
		if (xmpp_told_effects(s, now, answer, event))
			return;
		break;
	}
	if (cur_left(answer) > 0)
		return;
	if (asker == XMPP_ASKER_CLIENT) {
		s->midway = false;
		asker_over(s);
	} else if (asker == XMPP_ASKER_TOUR) {
		xmpp_tour_over(s);
	}
	over(s);
}

/* What is longer than this, or written by halves, is asked for again by who went on elsewhere
 * without it. */
#define SAID_MAX (8u * XMPP_SAID_SIZE)

void xmpp_told(void *session, struct now now, uint64_t token, enum reason why, struct cur *answer,
	       struct out *out, struct proto_event *event)
{
	struct xmpp_session *s = session;
	size_t               mark = out_mark(out);
	bool                 midway = s->midway;

	event->kind = EVENT_NONE;
	event->session = NULL;
	s->spoke = false;
	if (s->link != XMPP_BLOCK_NONE) {
		xmpp_told_link(s, now, token, why, answer, out, event);
		return;
	}
	told(s, now, token, why, answer, out, event);
	if (!midway && !s->midway && out_mark(out) - mark <= SAID_MAX)
		xmpp_said(s, out, mark);
	if (s->midway)
		return;
	mark = out_mark(out);
	s->spoke = false;
	release_held(s, &out->put);
	xmpp_said(s, out, mark);
}
