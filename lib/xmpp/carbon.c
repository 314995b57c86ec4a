/* Who wants copies of what the other clients of its account send and get (XEP-0280): a feature of
 * its registration. Which message has copies is decided when it is read (map_in.c), and how they
 * are written in map_out.c. */
#include "xmpp/session_private.h"

/* Answered when it is in force at every worker. */
static void set(struct xmpp_input *in, bool carbons)
{
	struct xmpp_session *s = in->s;

	if (s->binding || in->id.n > XMPP_STANZA_ID_MAX) {
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_WINDOW);
		return;
	}
	if (!xmpp_who_set(s, XMPP_WHO_BIND_ID, in->id)) {
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_POOL);
		return;
	}
	s->binding = true;
	s->carbons = carbons;
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
	struct xmpp_head head = {.kind = XMPP_IQ,
				 .type = XMPP_TYPE_RESULT,
				 .id = xmpp_who_part(xmpp_who(s), XMPP_WHO_BIND_ID)};

	s->binding = false;
	if (why != REASON_NONE) {
		xmpp_put_error_stanza(w, &head, xmpp_condition_of(why), str_of(reason_text(why)));
	} else {
		xmpp_put_head(w, &head);
		put_str(w, STR("/>"));
	}
	xmpp_who_set(s, XMPP_WHO_BIND_ID, STR(""));
	xmpp_sent(s);
}
