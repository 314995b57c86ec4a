/* The Via of our own requests (RFC 3261, 8.1.1.7). */
#include "sip/session_private.h"

static struct sip_own_via *own_via(const struct sip_session *s)
{
	return &s->instance->own_via[s->messages ? 2 : s->datagram];
}

/* It is the same in most requests of a worker: written once, and again when they go from
 * elsewhere. */
static struct str own_via_begin(const struct sip_session *s)
{
	struct sip_own_via *v = own_via(s);

	if (v->size == 0 || !flow_eq(&v->from, &s->local)) {
		char                  room[SIP_FLOW_TEXT_SIZE];
		const struct sip_host host = {.kind = s->local.ip6 ? SIP_HOST_IP6 : SIP_HOST_IP4,
					      .text = sip_flow_text(&s->local, room)};
		struct put            w = put_to(v->text, sizeof(v->text));

		sip_put_via_begin(&w, sip_session_transport(s), &host, s->local.port);
		ASSERT(!w.failed);
		v->from = s->local;
		v->size = (uint8_t)put_size(&w);
	}
	return (struct str){v->text, v->size};
}

#define BRANCH ";branch="

struct str sip_own_sent(const struct sip_session *s)
{
	const struct sip_own_via *v = own_via(s);
	size_t                    label = sip_labels[SIP_VIA].size;

	return v->size > 0 ? (struct str){v->text + label, v->size - label - strlen(BRANCH)}
			   : STR("");
}

static void own_via_end(const struct sip_session *s, struct put *w)
{
	if (s->datagram)
		put_str(w, STR(";rport"));
	sip_put_header_end(w);
}

void sip_own_via_put(const struct sip_session *s, struct str branch, struct put *w)
{
	put_str(w, own_via_begin(s));
	sip_put_token(w, branch);
	own_via_end(s, w);
}

struct str sip_own_via_of(const struct sip_session *s, const struct sip_client *c, struct put *w)
{
	struct str name = STR("");

	put_str(w, own_via_begin(s));
	sip_client_branch(&s->instance->transactions, c, w);
	if (!w->failed)
		name = (struct str){(const char *)w->p - SIP_NAME_SIZE, SIP_NAME_SIZE};
	own_via_end(s, w);
	return name;
}
