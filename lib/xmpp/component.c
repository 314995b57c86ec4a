/* Components (XEP-0114): one secret proves both sides, by SHA-1 of what the stream is called and
 * it. One that comes to us logs in by an account, as its domain. */
#include "xmpp/scram_hash.h"
#include "xmpp/session_private.h"

#define HANDSHAKE_SIZE (2 * SHA_DIGEST_LENGTH)

static void handshake_put(const struct xmpp_link *l, struct put *w)
{
	uint8_t digest[SCRAM_HASH_MAX];

	scram_hash(false, (struct str){l->id, l->id_size},
		   (struct str){l->password, l->password_size}, digest);
	put_str(w, STR("<handshake>"));
	xmpp_hex_put(w, digest, SHA_DIGEST_LENGTH);
	put_str(w, STR("</handshake>"));
}

void xmpp_component_on_head(struct xmpp_input *in, struct str to, struct str id)
{
	struct xmpp_session *s = in->s;
	struct xmpp_link    *l = xmpp_link(s);
	char                 room[XMPP_PART_SIZE_MAX];
	struct put           domain = put_to(room, sizeof(room));

	if (s->role == XMPP_ROLE_COMPONENT_OF) {
		if (id.n == 0 || id.n > sizeof(l->id)) {
			xmpp_close(in, XMPP_STREAM_BAD_FORMAT, REASON_XMPP_STREAM);
			return;
		}
		l->id_size = xmpp_keep(l->id, sizeof(l->id), id);
		handshake_put(l, &in->out->put);
	} else {
		if (!xmpp_domain_put(&domain, to) || put_size(&domain) > sizeof(l->other)) {
			xmpp_close(in, XMPP_STREAM_HOST_UNKNOWN, REASON_XMPP_STREAM);
			return;
		}
		l->other_size = xmpp_keep(l->other, sizeof(l->other),
					  (struct str){room, put_size(&domain)});
		xmpp_link_head_put(s, &in->out->put);
	}
	s->state = XMPP_STATE_AUTH;
}

/* Who it says it is, and what proves it. */
static void on_handshake(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	struct xmpp_link    *l = xmpp_link(s);
	struct str           proof;

	if (!xml_text(&in->stanza->x, &in->room, &proof)) {
		xmpp_close(in, XMPP_STREAM_BAD_FORMAT, REASON_XMPP_STREAM);
		return;
	}
	if (s->role == XMPP_ROLE_COMPONENT_OF) {
		s->state = XMPP_STATE_UP;
		in->event->kind = EVENT_UP;
		return;
	}
	in->event->kind = EVENT_LOGIN;
	in->event->login = (struct proto_login){.identity = xmpp_other(s),
						.proof = proof,
						.challenge = {l->id, l->id_size},
						.may = PROTO_SENDS | PROTO_RECEIVES};
}

void xmpp_component_login(struct xmpp_session *s, const struct login_verdict *v, struct put *w)
{
	if (s->role != XMPP_ROLE_COMPONENT || s->state != XMPP_STATE_AUTH)
		return;
	if (v->why != REASON_NONE) {
		metric_inc(s->instance->metrics, METRIC_xmpp_proofs_wrong);
		xmpp_end_put(s, w,
			     v->why == REASON_BIND_LIMIT  ? XMPP_STREAM_CONFLICT
			     : v->why == REASON_SYSTEM_ID ? XMPP_STREAM_HOST_UNKNOWN
							  : XMPP_STREAM_NOT_AUTHORIZED);
		s->state = XMPP_STATE_CLOSED;
		return;
	}
	metric_inc(s->instance->metrics, METRIC_xmpp_proofs_right);
	s->settings = *v->settings;
	s->state = XMPP_STATE_UP;
	put_str(w, STR("<handshake/>"));
}

void xmpp_component_on_element(struct xmpp_input *in)
{
	if (in->s->state == XMPP_STATE_AUTH &&
	    xml_is(&in->stanza->x, STR(XMPP_SPACE_COMPONENT), STR("handshake")))
		on_handshake(in);
	else
		xmpp_close(in,
			   in->s->state == XMPP_STATE_UP ? XMPP_STREAM_UNSUPPORTED_STANZA_TYPE
							 : XMPP_STREAM_NOT_AUTHORIZED,
			   REASON_XMPP_STANZA);
}
