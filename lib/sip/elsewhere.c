/* Between the workers of an instance: requests that came over a stream to one of them and are about
 * a dialog or a short message of another. Each keeps its own transactions; what is asked of the
 * other is the effect, and its status. */
#include "sip/session_private.h"

bool sip_tag_elsewhere(const struct sip_input *in, unsigned *worker)
{
	return !in->s->datagram && sip_name_worker(in->known.to.tag, worker) &&
	       *worker != in->s->instance->worker;
}

bool sip_reply_elsewhere(const struct sip_input *in, unsigned *worker)
{
	struct str id;

	return !in->s->datagram && sip_header_find(&in->m, SIP_IN_REPLY_TO, &id) &&
	       sip_branch_worker(id, worker) && *worker != in->s->instance->worker;
}

bool sip_hand_over(struct sip_input *in, unsigned worker, uint64_t token)
{
	struct msg *m = in->event->msg;

	if (m == NULL)
		return false;
	if (!msg_append(m, in->m.whole.p, in->m.whole.n, &m->body)) {
		msg_reset(m);
		return false;
	}
	m->token = token;
	in->event->kind = EVENT_ELSEWHERE;
	in->event->worker = worker;
	return true;
}

static bool item_parse(struct cur item, struct sip_input *in)
{
	struct sip_scan scan = {0};
	enum reason     why;

	return sip_message_next(&scan, &item, SIP_DATAGRAM, &in->m, &why) == PULL_ITEM &&
	       in->m.kind == SIP_REQUEST && in->m.fault == REASON_NONE &&
	       sip_mandatory_parse(&in->m, &in->known) == REASON_NONE;
}

static unsigned inside(struct sip_input *in, struct sip_dialog *d, struct result *answer)
{
	unsigned status;

	in->s = d->session;
	switch (in->m.method) {
	case SIP_METHOD_ACK:
		sip_acked(in, d);
		return 200;
	case SIP_METHOD_BYE:
		status = sip_inside_status(in, d);
		if (status == 200)
			sip_gone(in, d);
		return status;
	default: /* INVITE, UPDATE */
		return sip_again_elsewhere(in, d, answer);
	}
}

void sip_item(void *instance, struct now now, const struct flow *from, struct cur item,
	      struct proto_event *event, struct result *answer)
{
	struct sip_instance *i = instance;
	struct sip_dialog   *d;
	struct sip_input     in; /* not zeroed: most of it is the index of a message */
	unsigned             status = 481;

	*answer = (struct result){.has_status = true, .peer_protocol = i->protocol};
	in.s = NULL;
	in.from = from;
	in.now = now;
	in.out = NULL;
	in.event = event;
	in.sender = (struct sip_sender){0};
	in.peer = MSG_SLOT_NONE;
	if (item_parse(item, &in) && in.m.method == SIP_METHOD_MESSAGE) {
		sip_on_report_elsewhere(i, &in);
		status = 202;
	} else if (in.m.fault == REASON_NONE && in.m.method == SIP_METHOD_NOTIFY) {
		status = sip_notify_elsewhere(i, &in);
	} else if (in.m.fault == REASON_NONE) {
		d = sip_dialog_by_tag(&i->transactions, in.known.to.tag);
		status = d != NULL ? inside(&in, d, answer) : 481;
	}
	answer->why = status < 300 ? REASON_NONE : REASON_SIP_DIALOG;
	answer->peer_status = status;
}
