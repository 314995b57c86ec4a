/* Dialogs of a session, each for one large message, whoever called: what both sides have. */
#include "sip/session_private.h"

#define LEAVING_US (5 * US_PER_SECOND) /* for their BYE, or for the outcome after it */

static struct sip_large *large_of(const struct sip_session *s, const struct sip_dialog *d)
{
	return sip_large_by_token(s->instance, d->large);
}

void sip_our_contact_put(const struct sip_session *s, bool chat, struct put *w)
{
	char room[SIP_FLOW_TEXT_SIZE];

	sip_put_header_begin(w, SIP_CONTACT);
	put_str(w, STR("<sip:"));
	sip_host_text_put(w, sip_flow_text(&s->local, room));
	put_u8(w, ':');
	put_number(w, s->local.port);
	if (!s->datagram)
		put_str(w, s->messages ? STR(";transport=ws") : STR(";transport=tcp"));
	put_u8(w, '>');
	put_str(w, chat ? STR(";" SIP_CHAT_TAG) : STR(";" SIP_LARGE_TAG));
	sip_put_header_end(w);
}

void sip_sdp_as_put(struct sip_sdp_ours *ours, const struct sip_sdp *offer,
		    const struct sip_sdp_media *chosen, struct put *w)
{
	char       room[1024];
	struct put types = put_to(room, sizeof(room));

	sip_types_put(&types);
	ours->types = ours->both ? STR("message/cpim application/im-iscomposing+xml")
				 : STR("message/cpim");
	ours->wrapped_types = (struct str){room, put_size(&types)};
	w->failed |= types.failed;
	sip_sdp_put(w, ours, offer, chosen);
}

void sip_offer_put(const struct sip_session *s, const struct sip_large *l,
		   struct sip_sdp_ours *ours, const struct sip_sdp *offer,
		   const struct sip_sdp_media *chosen, struct put *w)
{
	char       room[MSRP_URI_MAX];
	struct put path = put_to(room, sizeof(room));

	sip_large_uri_put(s->instance, l, &path);
	ours->media = l->local;
	ours->path = (struct str){room, put_size(&path)};
	ours->both = l->chat;
	ours->number = l->number;
	ours->cema = l->cema;
	w->failed |= path.failed;
	sip_sdp_as_put(ours, offer, chosen, w);
}

void sip_ours_of(const struct sip_dialog *d, const struct sip_large *l, struct sip_sdp_ours *ours)
{
	*ours = (struct sip_sdp_ours){.setup = d->dials ? SIP_SDP_ACTIVE : SIP_SDP_PASSIVE,
				      .sends = l->sends,
				      .size_max = l->sends ? 0 : l->size_max,
				      .file_size = l->sends ? l->m->body.size : 0};
}

/* A peer of ours may name whom it likes, for it speaks for others; everybody else himself alone, so
 * that we connect to no third party. */
static bool may_dial(const struct sip_input *in, const struct flow *to)
{
	const struct sip_instance *i = in->s->instance;
	struct proto_source        source;

	return in->s->peer_block != SIP_BLOCK_NONE ||
	       (to->ip6 == in->from->ip6 &&
		memcmp(to->address, in->from->address, sizeof(to->address)) == 0) ||
	       i->services->source(i->services->context, i->protocol, in->from, &source);
}

static bool host_find(const struct sip_instance *i, const struct sip_host *host, struct flow *to)
{
	if (host->kind == SIP_HOST_NAME)
		return i->services->resolve(i->services->context, host->text, to);
	to->ip6 = host->kind == SIP_HOST_IP6;
	memcpy(to->address, host->address, to->ip6 ? 16 : 4);
	return true;
}

bool sip_call_there(const struct sip_instance *i, const struct sip_sdp_media *m, struct flow *there)
{
	struct sip_host host;

	*there = (struct flow){0};
	if (!m->cema)
		return true;
	if (!sip_sdp_host(m, &host) || !host_find(i, &host, there))
		return false;
	there->port = m->port;
	return true;
}

/* RFC 4975, 5.4. */
static bool by_path(const struct sip_instance *i, const struct sip_large *l, struct flow *to)
{
	char            room[SIP_LARGE_PATH_MAX];
	struct put      w = put_to(room, sizeof(room));
	struct msrp_uri first, last;

	sip_large_path_put(i, l, &w);
	if (!msrp_path_parse((struct str){room, put_size(&w)}, &first, &last) ||
	    !host_find(i, &first.host, to))
		return false;
	to->port = first.port != 0 ? first.port : MSRP_PORT_DEFAULT;
	return true;
}

bool sip_call_dial(const struct sip_input *in, struct sip_session *s, struct sip_large *l)
{
	struct proto_event *event = in->event;
	struct flow         to = l->there;

	if ((to.port == 0 && !by_path(s->instance, l, &to)) || !may_dial(in, &to))
		return false;
	event->kind = EVENT_DIAL;
	event->dial = to;
	event->token = sip_large_token(s->instance, l);
	return true;
}

void sip_call_dialled(struct sip_session *s, uint64_t token, const struct result *r)
{
	struct sip_large *l = sip_large_by_token(s->instance, token);

	if (l != NULL && l->dialog == s && r->why != REASON_NONE)
		sip_large_over(s->instance, l, &(struct result){.why = r->why});
}

void sip_dialog_over(struct sip_instance *i, struct sip_large *l)
{
	struct sip_transactions *t = &i->transactions;
	struct sip_session      *s = l->dialog;
	struct sip_dialog       *d;
	struct now               now;

	if (l->dialog_block == SIP_BLOCK_NONE)
		return;
	d = sip_dialog_at(t, l->dialog_block);
	if (d->state == SIP_DIALOG_ANSWERED)
		return; /* not before the ACK (15) */
	/* The clock is not at hand: what is due by it is so at the next tick, which sees to it. */
	now.us = d->since_us;
	sip_dialog_move(t, &s->dialogs, d, now, SIP_DIALOG_ENDED);
}

static void put_inside(const struct sip_session *s, const struct sip_client *c,
		       const struct str texts[SIP_DIALOG_TEXTS], struct str uri, struct str route,
		       uint32_t sequence, struct put *w)
{
	sip_request_head(s, c,
			 &(struct sip_request){STR("BYE"), uri, texts[SIP_DIALOG_CALL_ID],
					       SIP_FORWARDS_FIRST, route, sequence},
			 w);
	sip_put_header(w, SIP_FROM, texts[SIP_DIALOG_LOCAL]);
	sip_put_header(w, SIP_TO, texts[SIP_DIALOG_REMOTE]);
	sip_put_body(w, STR(""), "", 0);
}

bool sip_request_bye(struct sip_session *s, struct now now, const struct flow *to,
		     const struct str texts[SIP_DIALOG_TEXTS], uint32_t sequence, struct out *out)
{
	struct sip_transactions    *t = &s->instance->transactions;
	const struct sip_client_how how = sip_request_how(s, SIP_CLIENT_BYE, to);
	struct sip_client          *c;
	char                        room[SIP_DIALOG_TEXT_MAX];
	struct str                  uri, route;
	size_t                      mark = out_mark(out);

	if (!sip_dialog_way(texts, room, &uri, &route))
		return true; /* to nobody */
	c = sip_client_new(t, &s->clients);
	if (c == NULL)
		return false;
	sip_request_begin(s, to, out);
	put_inside(s, c, texts, uri, route, sequence, &out->put);
	if (sip_request_start(s, now, c, &how, out, mark))
		return true;
	sip_client_end(t, c);
	out_undo(out, mark);
	return false;
}

void sip_call_end(struct sip_session *s, struct sip_dialog *d)
{
	struct sip_large *l = large_of(s, d);

	if (l != NULL)
		sip_large_end(s->instance, l);
	sip_dialog_end(&s->instance->transactions, &s->dialogs, d);
}

static bool say_bye(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out)
{
	char       room[SIP_DIALOG_TEXT_MAX];
	struct str texts[SIP_DIALOG_TEXTS];

	if (d->gone || d->unheard || d->texts.size == 0)
		return true;
	sip_dialog_texts(&s->instance->transactions, d, room, texts);
	return sip_request_bye(s, now, &d->to, texts, d->sequence + 1, out);
}

/* Notifications that come back will name the message by the Call-ID, which went with it. */
static void await_notification(const struct sip_session *s, const struct sip_dialog *d,
			       const struct sip_large *l, struct result *r)
{
	char       room[SIP_DIALOG_TEXT_MAX];
	struct str texts[SIP_DIALOG_TEXTS];
	struct str id;

	if (d->texts.size > 0) {
		sip_dialog_texts(&s->instance->transactions, d, room, texts);
		id = texts[SIP_DIALOG_CALL_ID];
	} else { /* within a chat */
		id = (struct str){l->message_id, l->message_id_size};
	}
	r->delivered = false;
	r->remote_id_size = (uint8_t)id.n;
	ASSERT(id.n <= sizeof(r->remote_id));
	memcpy(r->remote_id, id.p, id.n);
}

static struct result result_of(const struct sip_outcome *o)
{
	return (struct result){.why = o->why,
			       .peer_protocol = o->peer_protocol,
			       .has_status = o->has_status,
			       .maybe_sent = o->maybe_sent,
			       .again = o->again,
			       .way_gone = o->way_gone,
			       .peer_status = o->peer_status,
			       .retry_after_ms = o->retry_after_ms};
}

/* BYE goes, the result is given, and all of it is over. False: there was no room. */
static bool finish(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out,
		   struct proto_event *event)
{
	struct sip_large *l = large_of(s, d);

	if (!out_fits(out, SIP_ANSWER_ROOM) || !say_bye(s, now, d, out))
		return false;
	sip_call_cancel(s, now, d, out);
	if (l != NULL && l->chat)
		sip_chat_leave(l, now, d->gone, event);
	if (d->calls && l != NULL) {
		event->kind = EVENT_RESULT;
		event->token = l->token;
		event->result = l->over ? result_of(&l->result)
					: (struct result){.why = REASON_UNKNOWN_OUTCOME,
							  .maybe_sent = true};
		if (d->notified && event->result.why == REASON_NONE)
			await_notification(s, d, l, &event->result);
		s->message_us = now.us;
	}
	sip_call_end(s, d);
	return true;
}

static const uint64_t lasts_us[SIP_DIALOG_STATES] = {
	[SIP_DIALOG_CALLING] = UINT64_MAX,          /* its transaction has the timer */
	[SIP_DIALOG_ANSWERED] = SIP_TIMEOUT_US,     /* 13.3.1.4 */
	[SIP_DIALOG_WAITING] = SIP_LARGE_STREAM_US, /* the stream has a timer of its own */
	[SIP_DIALOG_OPEN] = UINT64_MAX,
	[SIP_DIALOG_LEAVING] = LEAVING_US,
};

/* The time of a state is over, but for that of ENDED. */
static void expire(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_large        *l = large_of(s, d);

	if (d->state == SIP_DIALOG_WAITING && d->asks) {
		sip_call_hang_up(s, now, d, out);
		return;
	}
	if (d->state == SIP_DIALOG_WAITING && l != NULL && l->stream != NULL) {
		sip_dialog_move(t, &s->dialogs, d, now, SIP_DIALOG_OPEN);
		return;
	}
	if (d->state == SIP_DIALOG_WAITING && l != NULL)
		sip_large_over(s->instance, l, &(struct result){.why = REASON_CONNECTION_TIMEOUT});
	if (d->state != SIP_DIALOG_ENDED)
		sip_dialog_move(t, &s->dialogs, d, now, SIP_DIALOG_ENDED);
}

/* An outcome that is here: who took a message waits for their BYE before its own. */
static bool leave(struct sip_session *s, struct now now, struct sip_dialog *d)
{
	struct sip_large *l = large_of(s, d);

	if (d->calls || d->gone || l == NULL || !l->over || l->result.why != REASON_NONE || d->left)
		return false;
	d->left = true;
	sip_dialog_move(&s->instance->transactions, &s->dialogs, d, now, SIP_DIALOG_LEAVING);
	return true;
}

/* What was in a state for as long as that lasts; returns when the next one will be. */
static uint64_t expire_due(struct sip_session *s, struct now now, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_dialog       *d;
	uint64_t                 next = UINT64_MAX;

	for (unsigned state = 0; state < SIP_DIALOG_ENDED; state++) {
		while (lasts_us[state] != UINT64_MAX &&
		       (d = sip_dialog_first(t, &s->dialogs, (enum sip_dialog_state)state)) !=
			       NULL) {
			uint64_t due = d->since_us + lasts_us[state];

			if (due > now.us) {
				next = due < next ? due : next;
				break;
			}
			expire(s, now, d, out);
		}
	}
	return next;
}

bool sip_tick_calls(struct sip_session *s, struct now now, struct out *out,
		    struct proto_event *event, uint64_t *next)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_dialog       *d;

	*next = UINT64_MAX;
	if (s->dialogs.open == 0)
		return false;
	*next = expire_due(s, now, out);
	while ((d = sip_dialog_first(t, &s->dialogs, SIP_DIALOG_ENDED)) != NULL) {
		if (leave(s, now, d)) {
			*next = now.us + LEAVING_US < *next ? now.us + LEAVING_US : *next;
			continue;
		}
		if (!finish(s, now, d, out, event)) {
			*next = now.us + SIP_POOL_WAIT_US;
			return false;
		}
		if (event->kind != EVENT_NONE)
			return true;
	}
	return false;
}

/* The session ends: nothing more is said; what we sent has an unknown outcome, by drain. */
void sip_calls_close(struct sip_session *s)
{
	struct sip_transactions *t = &s->instance->transactions;

	for (unsigned state = 0; state < SIP_DIALOG_STATES; state++) {
		uint32_t number = s->dialogs.in[state].first;

		while (number != SIP_BLOCK_NONE) {
			struct sip_dialog *d = sip_dialog_at(t, number);

			number = d->links.next;
			if (!d->calls)
				sip_call_end(s, d);
		}
	}
}

bool sip_calls_drain(struct sip_session *s, uint64_t *token)
{
	for (unsigned state = 0; state < SIP_DIALOG_STATES; state++) {
		struct sip_dialog *d = sip_dialog_first(&s->instance->transactions, &s->dialogs,
							(enum sip_dialog_state)state);
		struct sip_large  *l;

		if (d == NULL)
			continue;
		l = large_of(s, d);
		ASSERT(d->calls && l != NULL);
		*token = l->token;
		sip_call_end(s, d);
		return true;
	}
	return false;
}
