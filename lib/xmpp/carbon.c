/* Who wants copies of what the other clients of its account send and get (XEP-0280): a feature of
 * its registration. Which message has copies is decided when it is read (map_in.c), and how they
 * are written in map_out.c. */
#include "xmpp/session_private.h"

/* Answered when it is in force at every worker. */
static void set(struct xmpp_input *in, bool carbons)
{
	struct xmpp_session *s = in->s;
	struct xmpp_who     *who = xmpp_who(s);

	if (s->binding || in->id.n > XMPP_STANZA_ID_MAX) {
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_WINDOW);
		return;
	}
	s->binding = true;
	s->carbons = carbons;
	who->bind_id_size = (uint8_t)in->id.n;
	memcpy(who->bind_id, in->id.p, in->id.n);
	xmpp_registration(s, XMPP_TOKEN_CARBONS);
	in->event->kind = EVENT_BINDING;
	in->event->registration = &s->instance->registration;
}

void xmpp_on_carbons_enable(struct xmpp_input *in)
{
	set(in, true);
}

void xmpp_on_carbons_disable(struct xmpp_input *in)
{
	set(in, false);
}

void xmpp_answer_carbons(struct xmpp_session *s, enum reason why, struct put *w)
{
	const struct xmpp_who *who = xmpp_who(s);
	struct xmpp_head       head = {
		      .kind = XMPP_IQ, .type = XMPP_TYPE_RESULT, .id = {who->bind_id, who->bind_id_size}};

	s->binding = false;
	if (why != REASON_NONE) {
		xmpp_put_error_stanza(w, &head, xmpp_condition_of(why), str_of(reason_text(why)));
	} else {
		xmpp_put_head(w, &head);
		put_str(w, STR("/>"));
	}
	xmpp_sent(s);
}
