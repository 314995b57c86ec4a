/*
 * Requests of others within a dialog that refresh it: UPDATE (RFC 3311) and INVITE (RFC 3261, 14.2;
 * RFC 4028, 7.4). They change how long the session holds and where the other side is reached
 * (12.2.1.2), and nothing else: what would change the session is refused.
 *
 * One that came over a stream of another worker has its transaction there, and its effect here:
 * what the 200 says goes there in the remote_id of the result.
 */
#include <assert.h>

#include "sip/session_private.h"

#define WARNING_ONE_MESSAGE 370u
#define ID_BYTES (SIP_LARGE_ID_SIZE / 8 * 5)

/* What of a description the dialog alone knows. */
struct part {
	struct flow media;
	uint8_t     medium; /* of the offer, from 1; 0: there was none */
	uint8_t     flags;
	uint32_t    number, size_max, file_size;
	uint8_t     id[ID_BYTES]; /* of the session */
};

enum { PART_ACTIVE = 1, PART_SENDS = 2, PART_CHAT = 4, PART_CEMA = 8, PART_IP6 = 16 };

#define PART_SIZE (16u + 2u + 2u + 12u + ID_BYTES)

static_assert(sizeof(uint32_t) + PART_SIZE <= RESULT_REMOTE_ID_MAX, "it fits");

struct asked {
	struct sip_timer            timer;
	struct sip_large           *l;
	struct sip_sdp              sdp; /* of the offer */
	const struct sip_sdp_media *chosen;
	bool                        offered;
	uint32_t                    note; /* of the refusal */
	enum reason                 why;
};

/* The medium of an offer that leaves the session as it is; NULL: none. */
static const struct sip_sdp_media *unchanged(const struct sip_input *in, const struct sip_large *l,
					     struct sip_sdp *sdp)
{
	char       room[SIP_LARGE_PATH_MAX];
	struct put path = put_to(room, sizeof(room));
	struct cur body = in->m.body;
	size_t     n = cur_left(&body);
	struct str text = {(const char *)cur_bytes(&body, n), n};

	if (!sip_has_sdp(in) || sip_sdp_parse(text, sdp) != SIP_BODY_OK)
		return NULL;
	sip_large_path_put(l->dialog->instance, l, &path);
	for (unsigned i = 0; i < sdp->count; i++) {
		const struct sip_sdp_media *m = &sdp->media[i];

		if (sip_same(m->kind, STR("message")) && m->port != 0 &&
		    sip_same(m->protocol, STR("TCP/MSRP")) && m->setup != SIP_SDP_HOLDCONN &&
		    str_eq(m->path, (struct str){room, put_size(&path)}))
			return m;
	}
	return NULL;
}

/* 200, or the status that refuses it. The request is one of the dialog. */
static unsigned read_asked(const struct sip_input *in, const struct sip_dialog *d, struct asked *a)
{
	bool update = in->m.method == SIP_METHOD_UPDATE;
	bool opening = d->state == SIP_DIALOG_ANSWERED && !update;

	a->l = sip_large_by_token(d->session->instance, d->large);
	a->offered = cur_left(&in->m.body) > 0;
	a->sdp.count = 0;
	a->chosen = NULL;
	if (a->l != NULL && a->offered && !update && !opening)
		a->chosen = unchanged(in, a->l, &a->sdp);
	a->note = WARNING_ONE_MESSAGE;
	a->why = REASON_NOT_SUPPORTED;
	if (a->l == NULL || d->gone || opening || (a->offered && a->chosen == NULL))
		return 488;
	a->note = 0;
	return sip_timed_refresh(in, d, &a->timer, &a->why);
}

/* The 2xx is certain. */
static void refreshed(const struct sip_input *in, struct sip_dialog *d, const struct asked *a)
{
	struct sip_session *s = d->session;

	sip_dialog_retarget(&s->instance->transactions, d, &in->m);
	metric_inc(s->instance->metrics, METRIC_sip_refreshes_in);
	sip_timed_begin(s, in->now, d, &a->timer, SIP_REFRESHER_UAS);
}

/* ---- on this worker ---- */

/* Who knows our tag is the other side, wherever it is by now. */
static void moved(const struct sip_input *in, struct sip_dialog *d)
{
	if (d->session->datagram && in->s->datagram)
		d->to = *in->from;
}

void sip_on_again(struct sip_input *in, struct sip_dialog *d)
{
	const struct sip_session *s = d->session;
	struct asked              a; /* not zeroed: it is mostly room */
	struct sip_server        *server;
	unsigned                  status = read_asked(in, d, &a);

	if (status != 200) {
		sip_refuse_noted(in, NULL, status, a.note, a.why);
		return;
	}
	server = sip_begin(in);
	if (server == NULL)
		return;
	if (!sip_put_accepted(in, server, d, a.l, a.offered ? &a.sdp : NULL, a.chosen, &a.timer,
			      STR(""))) {
		sip_refuse_open(in, server, 503, REASON_POOL);
		return;
	}
	metric_inc(s->instance->metrics, METRIC_sip_responses_out);
	d->server = sip_server_token(&s->instance->transactions, server);
	moved(in, d);
	refreshed(in, d, &a);
}

void sip_on_update(struct sip_input *in)
{
	struct sip_transactions  *t = &in->s->instance->transactions;
	const struct sip_incoming request = {&in->m, &in->known, in->from, in->s->datagram};
	struct sip_dialog        *d = sip_dialog_by_tag(t, in->known.to.tag);
	struct asked              a = {.why = REASON_SIP_DIALOG};
	struct sip_server        *server;
	unsigned                  status, worker;

	if (sip_server_knows(t, in->now, &request)) {
		sip_begin(in);
		return;
	}
	if (d == NULL && sip_tag_elsewhere(in, &worker)) {
		sip_ask_elsewhere(in, worker);
		return;
	}
	status = d != NULL ? sip_inside_status(in, d) : 481;
	if (status == 200)
		status = read_asked(in, d, &a);
	if (status != 200) {
		sip_refuse_noted(in, NULL, status, a.note, a.why);
		return;
	}
	server = sip_begin(in);
	if (server == NULL)
		return;
	sip_answer_noted(in, server, 200, sip_timed_note(&a.timer, a.l->chat));
	moved(in, d);
	refreshed(in, d, &a);
}

/* ---- for another worker ---- */

static void part_put(struct put *w, const struct sip_dialog *d, const struct asked *a)
{
	const struct sip_large *l = a->l;
	char                    text[SIP_LARGE_ID_SIZE];
	uint8_t                 id[ID_BYTES];
	struct put              session = put_to(text, sizeof(text));
	struct sip_sdp_ours     ours;

	sip_ours_of(d, l, &ours);
	sip_large_id_put(l->dialog->instance, l, &session);
	sip_base32_parse((struct str){text, sizeof(text)}, id, sizeof(id));
	put_bytes(w, l->local.address, sizeof(l->local.address));
	put_be16(w, l->local.port);
	put_u8(w, a->chosen != NULL ? (uint8_t)(a->chosen - a->sdp.media + 1) : 0);
	put_u8(w, (uint8_t)((ours.setup == SIP_SDP_ACTIVE ? PART_ACTIVE : 0) |
			    (ours.sends ? PART_SENDS : 0) | (l->chat ? PART_CHAT : 0) |
			    (l->cema ? PART_CEMA : 0) | (l->local.ip6 ? PART_IP6 : 0)));
	put_be32(w, l->number);
	put_be32(w, (uint32_t)ours.size_max);
	put_be32(w, (uint32_t)ours.file_size);
	put_bytes(w, id, sizeof(id));
}

static bool part_read(struct cur *c, struct part *p)
{
	const uint8_t *address = cur_bytes(c, sizeof(p->media.address)), *id;

	*p = (struct part){0};
	if (address != NULL)
		memcpy(p->media.address, address, sizeof(p->media.address));
	p->media.port = cur_be16(c);
	p->medium = cur_u8(c);
	p->flags = cur_u8(c);
	p->media.ip6 = (p->flags & PART_IP6) != 0;
	p->number = cur_be32(c);
	p->size_max = cur_be32(c);
	p->file_size = cur_be32(c);
	id = cur_bytes(c, sizeof(p->id));
	if (id != NULL)
		memcpy(p->id, id, sizeof(p->id));
	return !c->failed;
}

unsigned sip_again_elsewhere(struct sip_input *in, struct sip_dialog *d, struct result *answer)
{
	struct asked a; /* not zeroed: it is mostly room */
	struct put   w = put_to(answer->remote_id, sizeof(answer->remote_id));
	unsigned     status =
                in->m.method == SIP_METHOD_UPDATE
			    ? sip_inside_status(in, d)
			    : sip_dialog_takes(&d->session->instance->transactions, d, &in->known);

	if (status != 200)
		return status;
	status = read_asked(in, d, &a);
	put_be32(&w, status == 200 ? sip_timed_note(&a.timer, a.l->chat) : a.note);
	if (status == 200 && in->m.method == SIP_METHOD_INVITE)
		part_put(&w, d, &a);
	ASSERT(!w.failed);
	answer->remote_id_size = (uint8_t)put_size(&w);
	if (status == 200)
		refreshed(in, d, &a);
	return status;
}

/* The answer to the INVITE, whose offer is kept with its transaction. */
static bool body_put(struct sip_session *s, const struct sip_server *server, const struct part *p,
		     struct put *w)
{
	struct put          offer = put_to(s->instance->content, sizeof(s->instance->content));
	struct sip_sdp_ours ours = {.media = p->media,
				    .setup = p->flags & PART_ACTIVE ? SIP_SDP_ACTIVE
								    : SIP_SDP_PASSIVE,
				    .sends = (p->flags & PART_SENDS) != 0,
				    .both = (p->flags & PART_CHAT) != 0,
				    .cema = (p->flags & PART_CEMA) != 0,
				    .number = p->number,
				    .size_max = p->size_max,
				    .file_size = p->file_size};
	char                host[SIP_FLOW_TEXT_SIZE], id[SIP_LARGE_ID_SIZE], room[MSRP_URI_MAX];
	struct put          session = put_to(id, sizeof(id)), path = put_to(room, sizeof(room));
	struct sip_sdp      sdp;

	sdp.count = 0;
	sip_server_kept(&s->instance->transactions, server, &offer);
	if (p->medium > 0 &&
	    (sip_sdp_parse((struct str){(const char *)s->instance->content, put_size(&offer)},
			   &sdp) != SIP_BODY_OK ||
	     p->medium > sdp.count))
		return false;
	sip_base32_put(&session, p->id, sizeof(p->id));
	msrp_uri_put(&path, sip_flow_text(&p->media, host), p->media.port,
		     (struct str){id, put_size(&session)});
	ours.path = (struct str){room, put_size(&path)};
	sip_sdp_as_put(&ours, p->medium > 0 ? &sdp : NULL,
		       p->medium > 0 ? &sdp.media[p->medium - 1] : NULL, w);
	return !path.failed && !w->failed;
}

static void lines_put(const struct sip_session *s, unsigned method, unsigned status, uint32_t note,
		      struct put *w)
{
	if (status == 200 && method == SIP_METHOD_INVITE)
		sip_allow_put(w);
	if (status == 200)
		sip_timed_lines(s, note, w);
	else if (status == 422)
		sip_put_header_number(w, SIP_MIN_SE, SIP_TIMER_MIN_S);
	else if (status == 488)
		sip_warning_put(s, note, w);
}

static void answer(struct sip_session *s, struct now now, struct sip_server *server,
		   const struct sip_answer *a, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;

	if (a->status >= 300)
		metric_refused(s->instance->metrics, REASON_SIP_DIALOG);
	if (server->method == SIP_METHOD_INVITE)
		sip_invite_answer(t, server, now, a, out);
	else
		sip_server_answer(t, server, now, a, out);
	metric_inc(s->instance->metrics, METRIC_sip_responses_out);
}

void sip_answer_inside(struct sip_session *s, struct now now, struct sip_server *server,
		       const struct result *r, struct out *out)
{
	unsigned   status = r->has_status ? r->peer_status : 481;
	struct cur said = cur_of(r->remote_id, r->remote_id_size);
	uint32_t   note = cur_be32(&said);
	char       lines_room[1024], body_room[SIP_SDP_SIZE_MAX];
	struct put lines = put_to(lines_room, sizeof(lines_room)),
		   body = put_to(body_room, sizeof(body_room));
	struct part p;

	if (status == 200 && server->method == SIP_METHOD_INVITE &&
	    (!part_read(&said, &p) || !body_put(s, server, &p, &body)))
		status = 500; /* there it is refreshed all the same, as if the 200 had been lost */
	if (server->method == SIP_METHOD_INVITE || server->method == SIP_METHOD_UPDATE)
		lines_put(s, server->method, status, note, &lines);
	answer(s, now, server,
	       &(struct sip_answer){.status = status,
				    .reason = sip_status_phrase(status),
				    .headers = {lines_room, put_size(&lines)},
				    .type = status == 200 && put_size(&body) > 0
						    ? STR("application/sdp")
						    : STR(""),
				    .body = {body_room, status == 200 ? put_size(&body) : 0}},
	       out);
}
