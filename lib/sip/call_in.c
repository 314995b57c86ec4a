/* INVITEs of others, each for one large message (large message mode of OMA CPM): let in as a
 * MESSAGE is, answered at once, and over when the message is here. */
#include "sip/session_private.h"

#define WARNING_NO_MEDIA 399u
/* Ours, and Record-Route as it came: at most each element in a line of its own. */
#define LINES_MAX (1024u + SIP_DIALOG_ROUTE_SIZE_MAX + 32u * SIP_DIALOG_ROUTES_MAX)

struct offer {
	struct sip_sdp              sdp;
	const struct sip_sdp_media *chosen;
	struct sip_timer            timer;
	struct flow                 there;
	uint32_t                    note; /* of the refusal */
	enum reason                 why;
};

bool sip_has_sdp(const struct sip_input *in)
{
	struct sip_media media;
	struct str       type;

	return sip_header_find(&in->m, SIP_CONTENT_TYPE, &type) && sip_media_parse(type, &media) &&
	       sip_media_is(&media, STR("application"), STR("sdp"));
}

/* 200, or the status that refuses the offer. */
static unsigned offer_read(const struct sip_input *in, struct offer *o)
{
	const struct sip_session *s = in->s;
	struct msrp_uri           first, last;
	struct sip_timer_asked    asked;
	struct cur                body = in->m.body;
	size_t                    n = cur_left(&body);
	struct str                text = {(const char *)cur_bytes(&body, n), n};

	o->note = WARNING_NO_MEDIA;
	o->why = REASON_NOT_SUPPORTED;
	if (s->media.port == 0)
		return 488;
	o->why = REASON_CODING;
	if (n > 0 && !sip_has_sdp(in))
		return 415;
	o->why = REASON_SIP_CONTENT;
	o->sdp.count = 0;
	if (n > 0 && sip_sdp_parse(text, &o->sdp) != SIP_BODY_OK)
		return 400;
	o->why = REASON_SIP_OFFER;
	o->chosen = sip_sdp_choose(&o->sdp, &o->note);
	if (o->chosen == NULL)
		return 488;
	o->note = 306;
	if (!msrp_path_parse(o->chosen->path, &first, &last) || first.secure)
		return 488;
	o->there = (struct flow){0};
	if (o->chosen->setup == SIP_SDP_PASSIVE &&
	    !sip_call_there(s->instance, o->chosen, &o->there))
		return 488;
	o->note = 0;
	o->why = REASON_SIP_FIELD;
	if (!sip_timer_read(&in->m, &asked))
		return 400;
	o->why = REASON_VALIDITY;
	if (!sip_timer_grant(&asked, sip_chat_asked(in), &o->timer))
		return 422;
	o->why = REASON_MESSAGE_SIZE;
	if (o->chosen->has_file_size &&
	    o->chosen->file_size > s->settings.message_size_max + SIP_LARGE_ENVELOPE_MAX)
		return 413;
	return 200;
}

/* What the message is to be, from the INVITE. 200, or the status that refuses it. */
static unsigned large_begin(struct sip_input *in, const struct offer *o, struct sip_large *l,
			    enum reason *why)
{
	struct sip_instance *i = in->s->instance;

	l->local = in->s->media;
	l->there = o->there;
	l->cema = o->chosen->cema;
	l->size_max = in->s->settings.message_size_max + SIP_LARGE_ENVELOPE_MAX;
	l->m = msg_new(i->messages);
	*why = REASON_POOL;
	if (l->m == NULL || in->event->msg == NULL || !sip_large_keep(i, l, in) ||
	    !sip_large_path(i, l, o->chosen->path))
		return 503;
	if (sip_chat_asked(in)) {
		sip_chat_begin(l, in);
		l->hears = (o->chosen->direction & SIP_SDP_RECEIVES) != 0 &&
			   sip_sdp_accepts(o->chosen->accept_types, STR("message/cpim"));
	}
	return sip_large_check(l, in->now, in->event->msg, why);
}

bool sip_put_accepted(struct sip_input *in, struct sip_server *server, const struct sip_dialog *d,
		      const struct sip_large *l, const struct sip_sdp *offer,
		      const struct sip_sdp_media *chosen, const struct sip_timer *timer,
		      struct str tag)
{
	struct sip_session *s = in->s;
	char                lines_room[LINES_MAX], body_room[SIP_SDP_SIZE_MAX];
	struct put          lines = put_to(lines_room, sizeof(lines_room)),
		   body = put_to(body_room, sizeof(body_room));
	struct sip_sdp_ours ours;

	sip_our_contact_put(s, l->chat, &lines);
	if (tag.n > 0)
		sip_put_headers_of(&lines, &in->m, SIP_RECORD_ROUTE); /* 12.1.1 */
	sip_allow_put(&lines);
	sip_supported_put(&lines);
	sip_timer_put_answer(&lines, timer);
	sip_ours_of(d, l, &ours);
	sip_offer_put(s, l, &ours, offer, chosen, &body);
	return !lines.failed && !body.failed &&
	       sip_invite_answer(&s->instance->transactions, server, in->now,
				 &(struct sip_answer){.status = 200,
						      .reason = sip_status_phrase(200),
						      .headers = {lines_room, put_size(&lines)},
						      .type = STR("application/sdp"),
						      .body = {body_room, put_size(&body)},
						      .tag = tag},
				 in->out);
}

/* 200, or the status that refuses it. */
static unsigned accept(struct sip_input *in, struct sip_server *server, const struct offer *o,
		       struct sip_dialog *d, const struct sip_large *l, enum reason *why)
{
	struct sip_session      *s = in->s;
	struct sip_transactions *t = &s->instance->transactions;
	char                     tag[SIP_NAME_SIZE], room[SIP_DIALOG_TEXT_MAX];
	struct put               w = put_to(tag, sizeof(tag));
	struct str               texts[SIP_DIALOG_TEXTS];

	d->dials = o->chosen->setup == SIP_SDP_PASSIVE;
	sip_dialog_tag_put(t, d, &w);
	*why = sip_dialog_texts_of(&in->m, (struct str){tag, sizeof(tag)}, room, texts);
	if (*why != REASON_NONE)
		return 400;
	*why = REASON_POOL;
	if (!sip_dialog_keep(t, d, texts))
		return 503;
	d->server = sip_server_token(t, server);
	d->sequence_theirs = in->known.cseq.number;
	d->to = *in->from;
	d->updates = sip_list_has(&in->m, SIP_ALLOW, STR("UPDATE"));
	if (!sip_put_accepted(in, server, d, l, &o->sdp, o->chosen, &o->timer,
			      (struct str){tag, sizeof(tag)}))
		return 503;
	d->unheard = s->datagram && !server->proven;
	sip_timed_begin(s, in->now, d, &o->timer, SIP_REFRESHER_UAS);
	return 200;
}

static void begin(struct sip_input *in, struct sip_server *server, const struct offer *o)
{
	struct sip_session      *s = in->s;
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_dialog *d = sip_dialog_new(t, &s->dialogs, s, in->now, SIP_DIALOG_ANSWERED);
	struct sip_large  *l = d != NULL ? sip_large_new(s->instance, s) : NULL;
	enum reason        why = REASON_POOL;
	unsigned           status = 503;

	if (l != NULL) {
		d->large = sip_large_token(s->instance, l);
		l->dialog_block = d->number;
		status = large_begin(in, o, l, &why);
	}
	if (status == 200)
		status = accept(in, server, o, d, l, &why);
	if (status == 200) {
		if (l->chat && l->hears)
			sip_chat_take_over(s->instance, l, in->now);
		metric_inc(s->instance->metrics, METRIC_sip_invites_in);
		metric_inc(s->instance->metrics, METRIC_sip_responses_out);
		return;
	}
	if (d != NULL)
		sip_call_end(s, d);
	sip_refuse_open(in, server, status, why);
}

/* By it the ACK of a 2xx finds what another worker's dialog has answered. */
static uint32_t note_of_elsewhere(const struct sip_mandatory *known)
{
	static const struct hash_key spread = {0x6c73657768657265ull, 0x20697473204143ull};

	return (uint32_t)hash_sip(&spread, known->call_id.p, known->call_id.n) ^ known->cseq.number;
}

void sip_ask_elsewhere(struct sip_input *in, unsigned worker)
{
	struct sip_transactions *t = &in->s->instance->transactions;
	struct sip_server       *server = sip_begin(in);
	struct cur               body = in->m.body;
	size_t                   n = cur_left(&body);

	if (server == NULL)
		return;
	server->note = note_of_elsewhere(&in->known);
	if (!sip_server_keep(t, server, cur_bytes(&body, n), n) ||
	    !sip_hand_over(in, worker, sip_server_token(t, server)))
		sip_refuse_open(in, server, 503, REASON_POOL);
}

static void on_inside(struct sip_input *in)
{
	struct sip_transactions *t = &in->s->instance->transactions;
	struct sip_dialog       *d = sip_dialog_by_tag(t, in->known.to.tag);
	unsigned                 status = d != NULL ? sip_dialog_takes(t, d, &in->known) : 481;
	unsigned                 worker;

	if (d == NULL && sip_tag_elsewhere(in, &worker))
		sip_ask_elsewhere(in, worker);
	else if (status == 200)
		sip_on_again(in, d);
	else
		sip_refuse(in, status, REASON_SIP_DIALOG);
}

void sip_on_invite(struct sip_input *in)
{
	struct sip_session *s = in->s;
	struct sip_server  *server;
	struct offer        o; /* not zeroed: it is mostly room */
	unsigned            status;

	if (in->known.to.tag.n > 0) {
		on_inside(in);
		return;
	}
	if (!sip_passes(in))
		return;
	server = sip_admit(in);
	if (server == NULL || !sip_identified(in, server))
		return;
	if (!(s->may & PROTO_SENDS)) {
		sip_refuse_open(in, server, 403, REASON_BIND_STATE);
		return;
	}
	status = offer_read(in, &o);
	if (status != 200)
		sip_refuse_noted(in, server, status, o.note, o.why);
	else if (s->dialogs.open >= s->settings.window_max ||
		 (sip_chat_asked(in) && s->instance->chats >= s->settings.chats_max))
		sip_refuse_noted(in, server, 486, SIP_RETRY_AFTER_S, REASON_WINDOW);
	else
		begin(in, server, &o);
}

/* Of a 2xx: then the stream may come, or we go for it. */
void sip_acked(struct sip_input *in, struct sip_dialog *d)
{
	struct sip_session      *s = d->session;
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_server       *server;
	struct sip_large        *l;

	if (sip_dialog_takes(t, d, &in->known) != 200 ||
	    in->known.cseq.number != d->sequence_theirs)
		return;
	server = sip_server_find(t, d->server);
	if (server != NULL)
		sip_invite_acked(t, server, in->now);
	if (d->state != SIP_DIALOG_ANSWERED)
		return; /* of a refresh, or again */
	d->unheard = false;
	l = sip_large_by_token(s->instance, d->large);
	ASSERT(l != NULL);
	sip_dialog_move(t, &s->dialogs, d, in->now,
			l->over ? SIP_DIALOG_ENDED : SIP_DIALOG_WAITING);
	in->event->session = s;
	if (!l->over && d->dials && !sip_call_dial(in, s, l))
		sip_large_over(s->instance, l,
			       &(struct result){.why = REASON_CONNECTION_UNREACHABLE});
	s->instance->services->wake(s->instance->services->context, s);
}

/* Of a refusal, or of a 2xx. */
void sip_on_ack(struct sip_input *in)
{
	const struct sip_incoming request = {&in->m, &in->known, in->from, in->s->datagram};
	struct sip_transactions  *t = &in->s->instance->transactions;
	struct sip_dialog        *d;
	unsigned                  worker;

	if (sip_invite_ack(t, in->now, &request))
		return;
	d = sip_dialog_by_tag(t, in->known.to.tag);
	if (d != NULL) {
		sip_heard(t, &d->to, &request, in->now);
		sip_acked(in, d);
	} else if (sip_tag_elsewhere(in, &worker)) {
		sip_invite_acked_by(t, &in->s->servers, note_of_elsewhere(&in->known), in->now);
		sip_hand_over(in, worker, 0); /* without memory it is as if it had been lost */
	}
}

/* Theirs: what is not here by then does not come, but for what is under way beside it. */
void sip_gone(struct sip_input *in, struct sip_dialog *d)
{
	struct sip_session      *s = d->session;
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_large        *l = sip_large_by_token(s->instance, d->large);
	struct sip_server       *server = sip_server_find(t, d->server);

	ASSERT(l != NULL);
	if (d->state == SIP_DIALOG_ANSWERED && server != NULL)
		sip_invite_acked(t, server, in->now);
	d->gone = true;
	if (l->over || l->stream == NULL || l->chat)
		sip_dialog_move(t, &s->dialogs, d, in->now, SIP_DIALOG_ENDED);
	else
		sip_dialog_move(t, &s->dialogs, d, in->now, SIP_DIALOG_LEAVING);
	if (!l->over && l->stream == NULL)
		sip_large_over(s->instance, l, &(struct result){.why = REASON_CLOSED_BY_PEER});
	s->instance->services->wake(s->instance->services->context, s);
}

unsigned sip_inside_status(const struct sip_input *in, struct sip_dialog *d)
{
	return d->gone ? 481 : sip_dialog_takes(&d->session->instance->transactions, d, &in->known);
}

void sip_on_bye(struct sip_input *in)
{
	struct sip_transactions  *t = &in->s->instance->transactions;
	const struct sip_incoming request = {&in->m, &in->known, in->from, in->s->datagram};
	struct sip_dialog        *d = sip_dialog_by_tag(t, in->known.to.tag);
	struct sip_server        *server;
	unsigned                  status, worker;

	if (sip_server_knows(t, in->now, &request)) {
		sip_begin(in); /* it came again: so does its answer */
		return;
	}
	if (d == NULL && sip_tag_elsewhere(in, &worker)) {
		sip_ask_elsewhere(in, worker);
		return;
	}
	status = d != NULL ? sip_inside_status(in, d) : 481;
	if (status != 200) {
		sip_refuse(in, status, REASON_SIP_DIALOG);
		return;
	}
	server = sip_begin(in);
	if (server == NULL)
		return;
	sip_answer_open(in, server, 200);
	sip_gone(in, d);
}
