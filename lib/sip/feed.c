/* What comes in: one message at a time, to its handler. A request that is refused is answered and
 * counted, and the session goes on. */
#include "sip/session_private.h"

static const struct str extensions[] = {
	{"path", 4},                    /* RFC 3327 */
	{"outbound", 8},                /* RFC 5626 */
	{"recipient-list-message", 22}, /* RFC 5365 */
	{"timer", 5},                   /* RFC 4028 */
};

bool sip_extension_known(struct str name)
{
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		if (sip_same(name, extensions[i]))
			return true;
	}
	return false;
}

void sip_supported_put(struct put *w)
{
	sip_put_header_begin(w, SIP_SUPPORTED);
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		if (i > 0)
			put_str(w, STR(", "));
		put_str(w, extensions[i]);
	}
	sip_put_header_end(w);
}

static bool requires_more(const struct sip_message *m)
{
	struct sip_list l;
	struct str      element;

	if (m->first[SIP_REQUIRE] == SIP_NO_SLOT)
		return false;
	sip_list_init(&l, m, SIP_REQUIRE);
	while (sip_list_next(&l, &element)) {
		if (!sip_extension_known(element))
			return true;
	}
	return false;
}

static void drop(const struct sip_input *in, enum reason why)
{
	metric_refused(in->s->instance->metrics, why);
	metric_inc(in->s->instance->metrics, METRIC_sip_malformed_dropped);
}

/*
 * Is there what an answer needs? Via says whither, and its branch and CSeq to what (17.1.3): what
 * else a request lacks, its answer lacks too (RFC 4475, 3.3.1). An ACK has none (17.1.1.3).
 */
static bool answerable(const struct sip_input *in)
{
	return in->known.via.host.kind != SIP_HOST_NONE && in->m.first[SIP_CSEQ] != SIP_NO_SLOT &&
	       in->m.method != SIP_METHOD_ACK;
}

static void on_fault(struct sip_input *in, enum reason fault)
{
	if (answerable(in))
		sip_refuse(in, sip_fault_status(fault), fault);
	else
		drop(in, fault);
}

static void on_request(struct sip_input *in)
{
	enum reason fault = in->m.fault, value_fault;

	value_fault = sip_mandatory_parse(&in->m, &in->known);
	if (fault == REASON_NONE)
		fault = value_fault;
	if (fault != REASON_NONE) {
		on_fault(in, fault);
		return;
	}
	in->s->known = true;
	metric_inc(in->s->instance->metrics, METRIC_sip_requests_in);
	switch (in->m.method) {
	case SIP_METHOD_ACK:
		sip_on_ack(in);
		return;
	case SIP_METHOD_CANCEL:
		sip_on_cancel(in);
		return;
	case SIP_METHOD_MESSAGE:
	case SIP_METHOD_REGISTER:
	case SIP_METHOD_OPTIONS:
	case SIP_METHOD_INVITE:
	case SIP_METHOD_BYE:
	case SIP_METHOD_UPDATE:
	case SIP_METHOD_NOTIFY:
		break;
	default:
		sip_refuse(in, 405,
			   in->m.method == SIP_METHOD_OTHER ? REASON_PDU_COMMAND
							    : REASON_NOT_SUPPORTED);
		return;
	}
	if (requires_more(&in->m))
		sip_refuse(in, 420, REASON_SIP_EXTENSION);
	else if (in->m.method == SIP_METHOD_MESSAGE)
		sip_on_message(in);
	else if (in->m.method == SIP_METHOD_REGISTER)
		sip_on_register(in);
	else if (in->m.method == SIP_METHOD_INVITE)
		sip_on_invite(in);
	else if (in->m.method == SIP_METHOD_BYE)
		sip_on_bye(in);
	else if (in->m.method == SIP_METHOD_UPDATE)
		sip_on_update(in);
	else if (in->m.method == SIP_METHOD_NOTIFY)
		sip_on_notify(in);
	else
		sip_on_options(in);
}

static void on_response(struct sip_input *in)
{
	enum reason fault = in->m.fault;

	if (fault == REASON_NONE)
		fault = sip_response_parse(&in->m, sip_own_sent(in->s), &in->known);
	if (fault == REASON_NONE)
		sip_on_response(in);
	else
		drop(in, fault);
}

/* RFC 5626, 4.4.1: over UDP keepalives are those of STUN, and CRLFs have no answer. */
static void on_ping(struct sip_input *in)
{
	size_t mark;

	metric_inc(in->s->instance->metrics, METRIC_sip_pings_in);
	in->s->message_us = in->now.us;
	if (in->s->datagram)
		return;
	mark = out_item_begin(in->out, NULL);
	put_str(&in->out->put, STR("\r\n"));
	out_item_end(in->out, mark, false);
}

static void dispatch(struct sip_input *in)
{
	in->s->heard_us = in->now.us;
	switch (in->m.kind) {
	case SIP_REQUEST:
		on_request(in);
		break;
	case SIP_RESPONSE:
		on_response(in);
		break;
	case SIP_PING:
		on_ping(in);
		break;
	case SIP_PONG:
	case SIP_NOTHING:
		break;
	}
}

/* Framing is lost: a request whose head was readable is told so, and then there is no more. */
static void on_bad(struct sip_input *in, enum reason why)
{
	if (in->m.kind == SIP_REQUEST) {
		sip_mandatory_parse(&in->m, &in->known);
		if (answerable(in))
			sip_refuse(in, sip_fault_status(why), why);
	} else if (in->s->datagram || in->s->messages) {
		drop(in, why);
	}
	in->event->why = why;
}

enum pull sip_session_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			   struct out *out, struct proto_event *event)
{
	struct sip_session *s = session;
	struct sip_input    input; /* not zeroed: most of it is the index of a message */
	enum reason         why = REASON_NONE;
	enum pull           pull;

	event->kind = EVENT_NONE;
	event->need = 1;
	event->session = NULL;
	event->peer = MSG_SLOT_NONE;
	if (sip_session_is_stream(s))
		return sip_stream_feed(s, now, in, out, event);
	if (s->state == SIP_STATE_CLOSED || !out_fits(out, SIP_ANSWER_ROOM))
		return PULL_MORE;
	input.s = s;
	input.from = from;
	input.now = now;
	input.out = out;
	input.event = event;
	input.sender = (struct sip_sender){0};
	input.peer = MSG_SLOT_NONE;
	pull = sip_message_next(&s->scan, in,
				s->datagram || s->messages ? SIP_DATAGRAM : SIP_STREAM, &input.m,
				&why);
	if (pull == PULL_ITEM)
		dispatch(&input);
	else if (pull == PULL_BAD)
		on_bad(&input, why);
	else
		event->need = s->scan.need > 0 ? s->scan.need : 1;
	if (pull != PULL_BAD || !s->messages)
		return pull;
	cur_bytes(in, cur_left(in)); /* the next message begins where it begins */
	return PULL_ITEM;
}
