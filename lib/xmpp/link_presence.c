/*
 * Presence that comes over a link, from users of components and of other servers to ours (RFC 6121,
 * 3 and 4). Who is there, and who is not any more, goes to whom it is for, as between clients.
 * Requests, their answers and probes are control's: it is asked, for several at a time, and what
 * it says is carried out here, by messages to our clients and back to the server. Whom a question
 * is about is kept in a block of s->in.
 *
 * Presence comes to our clients in the order in which it came in: what comes after a question
 * waits for its answer, unless control lets us wait for too long.
 */
#include "xmpp/session_private.h"

#define QUESTIONS_MAX 8u /* of a stream, without answer */

static void ignore(const struct xmpp_session *s)
{
	metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_ignored);
}

/* True: the item is read again when the answer is there. */
static bool waits(struct xmpp_input *in, unsigned questions_max)
{
	struct xmpp_session *s = in->s;

	if (s->questions <= questions_max || in->now.us >= s->patient_us)
		return false;
	in->again = in->wait = true;
	return true;
}

/* A probe has no answer but presence. */
static void refuse(struct xmpp_input *in, enum xmpp_condition c, enum reason why)
{
	if (in->stanza->type == XMPP_TYPE_PROBE)
		ignore(in->s);
	else
		xmpp_refuse(in, c, why);
}

static uint16_t keep_jid(char room[XMPP_TO_MAX], const struct xmpp_jid *jid, bool *failed)
{
	struct put w = put_to(room, XMPP_TO_MAX);

	xmpp_jid_put(&w, jid);
	*failed = *failed || w.failed;
	return (uint16_t)put_size(&w);
}

/* Whose list it is about and who wants to know, in normal form. NULL: the stanza came back. */
static struct xmpp_request *request_new(struct xmpp_input *in, const struct xmpp_jid *to,
					uint32_t *number)
{
	struct xmpp_blocks  *b = &in->s->instance->blocks;
	struct xmpp_jid      owner = {to->local, to->domain, STR("")};
	bool                 failed = false;
	struct xmpp_request *r;

	*number = in->s->questions < QUESTIONS_MAX ? xmpp_request_new(in) : XMPP_BLOCK_NONE;
	if (*number == XMPP_BLOCK_NONE) {
		refuse(in, XMPP_RESOURCE_CONSTRAINT,
		       in->s->questions < QUESTIONS_MAX ? REASON_POOL : REASON_QUESTIONS_FULL);
		return NULL;
	}
	r = &xmpp_block_at(b, *number)->u.request;
	r->type = (uint8_t)in->stanza->type;
	r->to_size = keep_jid(r->to, &owner, &failed);
	r->from_size = keep_jid(r->from, &in->sender, &failed);
	if (failed) {
		xmpp_block_give(b, *number);
		refuse(in, XMPP_POLICY_VIOLATION, REASON_XMPP_STANZA);
		return NULL;
	}
	xmpp_list_append(b, &in->s->in, *number);
	return r;
}

static void ask(struct xmpp_input *in, const struct xmpp_jid *to, struct roster_question *q)
{
	struct xmpp_session       *s = in->s;
	char                       text[ROSTER_BARE_SIZE_MAX];
	struct put                 contact = put_to(text, sizeof(text));
	uint32_t                   number;
	const struct xmpp_request *r = request_new(in, to, &number);

	if (r == NULL)
		return;
	xmpp_jid_put_bare(&contact, &in->sender);
	q->owner = (struct str){r->to, r->to_size};
	q->contact = (struct str){text, put_size(&contact)};
	if (s->questions++ == 0)
		s->patient_us = in->now.us + XMPP_PATIENCE_US;
	xmpp_ask_control(s, in->event, xmpp_block_token(&s->instance->blocks, number), q);
}

static void on_subscription(struct xmpp_input *in, const struct xmpp_jid *to)
{
	struct roster_question q = {.ask = ROSTER_ASK_SUBSCRIPTION_IN,
				    .type = xmpp_roster_type(in->stanza->type)};

	if (waits(in, QUESTIONS_MAX - 1))
		return;
	if (xmpp_roster_payload(in, &q.payload))
		ask(in, to, &q);
	else
		xmpp_refuse(in, XMPP_POLICY_VIOLATION, REASON_MESSAGE_SIZE);
}

void xmpp_link_on_presence(struct xmpp_input *in, const struct xmpp_jid *to)
{
	bool ours = to->local.n > 0 && in->s->role != XMPP_ROLE_COMPONENT_OF &&
		    xmpp_serves(in->s, to->domain);

	switch (in->stanza->type) {
	case XMPP_TYPE_SUBSCRIBE:
	case XMPP_TYPE_SUBSCRIBED:
	case XMPP_TYPE_UNSUBSCRIBE:
	case XMPP_TYPE_UNSUBSCRIBED:
		if (ours) {
			on_subscription(in, to);
			return;
		}
		break;
	case XMPP_TYPE_PROBE:
		if (ours) {
			if (!waits(in, QUESTIONS_MAX - 1))
				ask(in, to, &(struct roster_question){.ask = ROSTER_ASK_MAY_SEE});
			return;
		}
		break;
	case XMPP_TYPE_NONE:
	case XMPP_TYPE_UNAVAILABLE:
	case XMPP_TYPE_ERROR:
		if (waits(in, 0))
			return;
		break;
	case XMPP_TYPE_NORMAL:
	case XMPP_TYPE_CHAT:
	case XMPP_TYPE_GROUPCHAT:
	case XMPP_TYPE_HEADLINE:
	case XMPP_TYPE_GET:
	case XMPP_TYPE_SET:
	case XMPP_TYPE_RESULT:
	case XMPP_TYPE_BAD:
	case XMPP_TYPE_COUNT:
		ignore(in->s);
		return;
	}
	if (to->local.n == 0 && xmpp_is_here(in->s, to->domain)) /* a domain of ours has none */
		ignore(in->s);
	else
		xmpp_give(in, to);
}

/* ---- answers ---- */

/* In the name of whom it was about; NONE: an error that says why. */
static void reply(struct xmpp_session *s, uint32_t number, enum xmpp_type type, enum reason why,
		  struct out *out)
{
	struct xmpp_request *r = &xmpp_block_at(&s->instance->blocks, number)->u.request;

	r->reply = (uint8_t)type;
	r->why = (uint8_t)why;
	xmpp_request_answer(s, number, &out->put);
}

static void over(struct xmpp_session *s, uint32_t number)
{
	xmpp_list_remove(&s->instance->blocks, &s->in, number);
	xmpp_block_give(&s->instance->blocks, number);
}

/* Who is no user of ours lets nobody in (RFC 6121, 3.1.3 and 4.3.2). */
static void told_failure(struct xmpp_session *s, uint32_t number, enum reason why, struct out *out)
{
	const struct xmpp_request *r = &xmpp_block_at(&s->instance->blocks, number)->u.request;
	bool                       probe = r->type == XMPP_TYPE_PROBE;

	metric_refused(s->instance->metrics, why);
	if (why == REASON_ROSTER_OWNER && (probe || r->type == XMPP_TYPE_SUBSCRIBE)) {
		reply(s, number, XMPP_TYPE_UNSUBSCRIBED, why, out);
	} else if (why == REASON_ROSTER_OWNER || probe) {
		ignore(s);
		over(s, number);
	} else {
		reply(s, number, XMPP_TYPE_NONE, why, out);
	}
}

/*
 * Each resource that is there says to who asks what it has last said of itself. Where none is,
 * that is said for them; where the owner blocks who asks, nothing (XEP-0191, 3.4). True: there is
 * more to be done.
 */
static bool told_probe(struct xmpp_session *s, struct now now, uint32_t number, struct cur *answer,
		       struct out *out, struct proto_event *event)
{
	const struct xmpp_request *r = &xmpp_block_at(&s->instance->blocks, number)->u.request;
	struct xmpp_parcel p = {.own = {.head = {.kind = XMPP_PRESENCE, .type = XMPP_TYPE_PROBE},
					.order = XMPP_ORDER_PRESENCE},
				.features = XMPP_FEATURE_AVAILABLE};
	struct cur         verdict = *answer;
	bool               silent = cur_left(answer) == 0;
	struct str         resource;

	if (silent || !roster_verdict_read(&verdict)) {
		if (silent)
			over(s, number);
		else
			reply(s, number, XMPP_TYPE_UNSUBSCRIBED, REASON_ROSTER_ITEM, out);
		answer->p = answer->end;
		return false;
	}
	if (xmpp_bare((struct str){r->from, r->from_size}, &p.from) &&
	    xmpp_bare((struct str){r->to, r->to_size}, &p.to)) {
		if (s->told_place == 0 &&
		    xmpp_place_next(s, &p.to, p.features, 0, &resource) == 0) {
			reply(s, number, XMPP_TYPE_UNAVAILABLE, REASON_NOT_REGISTERED, out);
			answer->p = answer->end;
			return false;
		}
		if (xmpp_carry(s, now, event, &p, &s->told_place) != XMPP_CARRIED_ALL)
			return true;
	}
	over(s, number);
	answer->p = answer->end;
	return false;
}

void xmpp_told_link(struct xmpp_session *s, struct now now, uint64_t token, enum reason why,
		    struct cur *answer, struct out *out, struct proto_event *event)
{
	uint32_t number = xmpp_block_find(&s->instance->blocks, token);

	ASSERT(number != XMPP_BLOCK_NONE && s->questions > 0);
	s->patient_us = now.us + XMPP_PATIENCE_US;
	if (why != REASON_NONE) {
		told_failure(s, number, why, out);
	} else if (xmpp_block_at(&s->instance->blocks, number)->u.request.type == XMPP_TYPE_PROBE) {
		if (told_probe(s, now, number, answer, out, event))
			return;
	} else {
		if (xmpp_told_effects(s, now, answer, event) || cur_left(answer) > 0)
			return;
		over(s, number);
	}
	s->questions--;
	s->instance->services->wake(s->instance->services->context, s);
}

/* ---- the end ---- */

bool xmpp_link_outlive(struct xmpp_session *s, struct now now, enum reason why)
{
	if (s->role != XMPP_ROLE_SERVER_IN || s->questions == 0 || why == REASON_SHUTDOWN ||
	    s->state == XMPP_STATE_LEAVING)
		return false;
	s->state = XMPP_STATE_LEAVING;
	s->close_why = (uint8_t)why;
	s->close_due = false;
	s->login_due_us = now.us + XMPP_LEAVE_US;
	return true;
}

bool xmpp_link_leave(struct xmpp_session *s, struct now now, struct proto_event *event,
		     uint64_t *next)
{
	if (s->questions > 0 && now.us < s->login_due_us) {
		*next = s->login_due_us;
		return false;
	}
	s->state = XMPP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = (enum reason)s->close_why;
	return true;
}
