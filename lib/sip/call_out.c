/* INVITEs of ours: a message that is too long for one request where it goes (large message mode of
 * OMA CPM), or a chat (session mode). */
#include "sip/identity.h"
#include "sip/session_private.h"

/* What is not asked for again once the message is on its way is made here and in its dialog. */
struct call {
	struct sip_dialog *d;
	struct sip_large  *l;
	struct sip_client *c;
};

static bool is_calling(const struct sip_dialog *d)
{
	return d->state == SIP_DIALOG_CALLING || (d->state == SIP_DIALOG_WAITING && d->asks);
}

static void call_undo(struct sip_session *s, struct call *call)
{
	if (call->c != NULL)
		sip_client_end(&s->instance->transactions, call->c);
	if (call->d != NULL)
		sip_call_end(s, call->d);
}

/* With the message that waits for it. */
static void chat_undo(struct sip_session *s, struct call *call)
{
	const struct sip_large *l = call->l;

	if (l != NULL && l->waiting_count > 0)
		sip_call_end(
			s, sip_dialog_at(&s->instance->transactions,
					 sip_chat_at(s->instance, l->waiting.first)->dialog_block));
	call_undo(s, call);
}

/* False: no block is free. */
static bool call_new(struct sip_session *s, struct now now, uint64_t token, bool chat,
		     struct call *call)
{
	struct sip_transactions *t = &s->instance->transactions;

	*call = (struct call){.d = sip_dialog_new(t, &s->dialogs, s, now,
						  chat ? SIP_DIALOG_WAITING : SIP_DIALOG_CALLING)};
	if (call->d == NULL)
		return false;
	call->d->asks = chat;
	call->l = sip_large_new(s->instance, s);
	call->c = sip_client_new(t, &s->clients);
	if (call->l == NULL || call->c == NULL)
		return false;
	call->d->large = sip_large_token(s->instance, call->l);
	call->d->sequence = 1;
	call->l->dialog_block = call->d->number;
	call->l->local = s->media;
	call->l->cema = true;
	call->l->token = token;
	return true;
}

static enum reason put_invite(struct sip_session *s, struct now now, const struct call *call,
			      const struct msg *m, const struct proto_target *at,
			      const struct sip_way *way, struct str call_id, struct put *w)
{
	const struct sip_map map = sip_session_map(s, now);
	struct sip_sdp_ours  ours;
	char                 uri_room[SIP_URI_MAX], tag[SIP_NAME_SIZE], body_room[2048];
	struct put uri = put_to(uri_room, sizeof(uri_room)), tag_to = put_to(tag, sizeof(tag)),
		   body = put_to(body_room, sizeof(body_room));
	enum reason why = sip_map_uri(m, way, &uri);

	if (why == REASON_NONE && uri.failed)
		why = REASON_DESTINATION;
	if (why != REASON_NONE)
		return why;
	sip_dialog_tag_put(&s->instance->transactions, call->d, &tag_to);
	sip_request_head(s, call->c,
			 &(struct sip_request){STR("INVITE"),
					       {uri_room, put_size(&uri)},
					       call_id,
					       sip_map_forwards(&map, m),
					       sip_request_route(at),
					       1},
			 w);
	why = sip_map_head(&map, m, way, (struct str){tag, sizeof(tag)}, w);
	if (why != REASON_NONE)
		return why;
	sip_identity_put_invite(&map, m, way, w);
	sip_our_contact_put(s, call->l->chat, w);
	sip_allow_put(w);
	sip_timer_put_request(w, &(struct sip_timer){.seconds = SIP_TIMER_S}, 0);
	sip_ours_of(call->d, call->l, &ours);
	ours.setup = SIP_SDP_ACTPASS;
	sip_offer_put(s, call->l, &ours, NULL, NULL, &body);
	w->failed |= body.failed;
	sip_put_body(w, STR("application/sdp"), body_room, put_size(&body));
	return REASON_NONE;
}

enum submit sip_call(struct sip_session *s, struct now now, const struct msg *m,
		     const struct proto_target *at, uint64_t token, struct out *out,
		     struct result *result)
{
	const struct flow     to = sip_request_to(s, at);
	struct sip_client_how how = sip_request_how(s, SIP_CLIENT_INVITE, &to);
	struct sip_way        way = sip_request_way(s, at);
	size_t                mark = out_mark(out), room = put_room(&out->put);
	char                  id[SIP_TEXT_SIZE];
	struct str            call_id = {id, sizeof(id)};
	struct call           call;
	enum reason           why;

	if (!call_new(s, now, token, false, &call)) {
		call_undo(s, &call);
		return sip_request_later(s, 0);
	}
	way.cpim = way.wraps = way.large = true;
	sip_text_new(s->instance, id);
	why = sip_large_fill(call.l, now, m, &way, call_id);
	how.token = sip_dialog_token(&s->instance->transactions, call.d);
	call.d->to = to;
	call.d->notified = sip_map_notified(m, &way);
	sip_request_begin(s, &to, out);
	if (why == REASON_NONE)
		why = put_invite(s, now, &call, m, at, &way, call_id, &out->put);
	if (why == REASON_NONE && sip_request_start(s, now, call.c, &how, out, mark)) {
		s->message_us = now.us;
		metric_inc(s->instance->metrics, METRIC_sip_invites_out);
		return SUBMIT_SENT;
	}
	room = out->put.failed ? room + 1 : 0;
	call_undo(s, &call);
	out_undo(out, mark);
	if (why == REASON_NONE)
		return sip_request_later(s, room);
	*result = (struct result){.why = (uint8_t)why};
	return SUBMIT_REFUSED;
}

bool sip_call_chat(struct sip_session *s, struct now now, const struct msg *m,
		   const struct proto_target *at, uint64_t token, struct out *out,
		   enum submit *submitted)
{
	const struct flow     to = sip_request_to(s, at);
	struct sip_client_how how = sip_request_how(s, SIP_CLIENT_INVITE, &to);
	struct sip_way        way = sip_request_way(s, at);
	size_t                mark = out_mark(out), room = put_room(&out->put);
	char                  id[SIP_TEXT_SIZE];
	struct call           call;
	enum reason           why = REASON_NONE;

	if (!call_new(s, now, 0, true, &call) || !sip_chat_open(s, now, call.l, m, at, token)) {
		chat_undo(s, &call);
		return false;
	}
	way.cpim = way.wraps = way.large = way.chat = true;
	sip_text_new(s->instance, id);
	how.token = sip_dialog_token(&s->instance->transactions, call.d);
	call.d->to = to;
	sip_request_begin(s, &to, out);
	why = put_invite(s, now, &call, m, at, &way, (struct str){id, sizeof(id)}, &out->put);
	if (why == REASON_NONE && sip_request_start(s, now, call.c, &how, out, mark)) {
		s->message_us = now.us;
		call.d->client = sip_client_token(&s->instance->transactions, call.c);
		metric_inc(s->instance->metrics, METRIC_sip_chats_opened);
		*submitted = SUBMIT_SENT;
		return true;
	}
	room = out->put.failed ? room + 1 : 0;
	chat_undo(s, &call);
	out_undo(out, mark);
	*submitted = sip_request_later(s, room);
	return why == REASON_NONE;
}

/* The dialog's outcome as the answer to submit(); it and the dialog are over. */
static bool give(struct sip_session *s, struct sip_dialog *d, const struct result *r,
		 struct proto_event *event)
{
	struct sip_large *l = sip_large_by_token(s->instance, d->large);

	ASSERT(l != NULL);
	if (l->chat) { /* what waits for it gets results of its own */
		sip_chat_failed(s, d, r);
		return false;
	}
	event->kind = EVENT_RESULT;
	event->token = l->token;
	event->result = *r;
	sip_call_end(s, d);
	return true;
}

/* Of one that is calling still. */
static bool give_calling(struct sip_session *s, uint64_t token, const struct result *r,
			 struct proto_event *event)
{
	struct sip_dialog *d = sip_dialog_by_token(&s->instance->transactions, token);

	return d != NULL && is_calling(d) && give(s, d, r, event);
}

bool sip_call_over(struct sip_session *s, struct sip_client *c, const struct result *r,
		   struct proto_event *event)
{
	uint64_t token = c->token;

	sip_client_end(&s->instance->transactions, c);
	return give_calling(s, token, r, event);
}

bool sip_call_timeout(struct sip_session *s, struct now now, struct sip_client *c, struct out *out,
		      struct proto_event *event)
{
	const struct result late = {.why = REASON_ANSWER_TIMEOUT};

	if (c->state != SIP_CLIENT_PROCEEDING || c->cancelled)
		return sip_call_over(s, c, &late, event);
	sip_invite_cancel(&s->instance->transactions, c, now, out);
	return give_calling(s, c->token, &late, event);
}

bool sip_call_cancel(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_client       *c = d->asks ? sip_client_by_token(t, d->client) : NULL;
	bool                     rings = c != NULL && c->state == SIP_CLIENT_PROCEEDING;

	if (c != NULL)
		sip_invite_cancel(t, c, now, out);
	return rings;
}

/* Whom it rings at takes what is said to him, and who says nothing is not there. */
void sip_call_hang_up(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out)
{
	const struct result late = {.why = REASON_ANSWER_TIMEOUT,
				    .again = sip_call_cancel(s, now, d, out)};

	sip_chat_failed(s, d, &late);
}

static void on_refused(struct sip_input *in, struct sip_session *s, struct sip_client *c)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_dialog       *d = sip_dialog_by_token(t, c->token);
	unsigned                 status = in->m.status;
	bool                     refreshes = c->kind == SIP_CLIENT_AGAIN;
	uint64_t                 token = c->token;
	bool                     again =
		d != NULL && (((status == 401 || status == 407) && sip_request_again(in, s, c)) ||
			      (status == 422 && !refreshes && sip_request_slower(in, s, c)));

	if (!c->datagram)
		sip_client_end(t, c); /* timer D is 0 */
	if (again)
		d->sequence++;
	else if (refreshes)
		sip_on_refresh_answer(in, s, token);
	if (again || d == NULL || !is_calling(d))
		return;
	s->message_us = in->now.us;
	give(s, d,
	     &(struct result){.why = (uint8_t)sip_reason_of_status(status),
			      .has_status = true,
			      .peer_protocol = s->instance->protocol,
			      .way_gone = status == 430,
			      .peer_status = status,
			      .retry_after_ms = sip_retry_after_ms(&in->m)},
	     in->event);
}

/* ACK of a 2xx: a request of its own, which is not answered, with the credentials of the INVITE
 * (13.2.2.4). */
static void put_ack(struct sip_input *in, struct sip_session *s, struct sip_client *c,
		    const struct str texts[SIP_DIALOG_TEXTS])
{
	struct put        *w = &in->out->put;
	size_t             mark = out_item_begin(in->out, c->datagram ? &c->to : NULL);
	char               room[SIP_DIALOG_TEXT_MAX], branch[SIP_BRANCH_SIZE];
	struct put         b = put_to(branch, sizeof(branch));
	char               unique[SIP_TEXT_SIZE];
	struct str         uri, route;
	struct sip_message invite;

	if (!sip_dialog_way(texts, room, &uri, &route)) {
		out_undo(in->out, mark);
		return;
	}
	sip_text_new(s->instance, unique);
	put_str(&b, STR(SIP_BRANCH_COOKIE));
	put_bytes(&b, unique, sizeof(unique));
	sip_put_request(w, STR("ACK"), uri);
	sip_own_via_put(s, (struct str){branch, put_size(&b)}, w);
	sip_put_header_number(w, SIP_MAX_FORWARDS, SIP_FORWARDS_FIRST);
	if (route.n > 0)
		sip_put_header(w, SIP_ROUTE, route);
	sip_put_header(w, SIP_FROM, texts[SIP_DIALOG_LOCAL]);
	sip_put_header(w, SIP_TO, texts[SIP_DIALOG_REMOTE]);
	sip_put_header(w, SIP_CALL_ID, texts[SIP_DIALOG_CALL_ID]);
	sip_put_cseq(w, in->known.cseq.number, STR("ACK"));
	sip_invite_sent(&s->instance->transactions, c, &invite);
	sip_put_headers_of(w, &invite, SIP_AUTHORIZATION);
	sip_put_headers_of(w, &invite, SIP_PROXY_AUTHORIZATION);
	sip_put_body(w, STR(""), "", 0);
	out_item_end(in->out, mark, c->datagram);
}

/* What stands in the way of the message by this answer; NONE: nothing. */
static enum reason answer_read(struct sip_input *in, struct sip_session *s, struct sip_dialog *d,
			       struct sip_large *l)
{
	const struct sip_sdp_media *m;
	struct sip_sdp              sdp;
	struct msrp_uri             first, last;
	struct cur                  body = in->m.body;
	size_t                      n = cur_left(&body);
	struct str                  text = {(const char *)cur_bytes(&body, n), n};

	if (n == 0 || sip_sdp_parse(text, &sdp) != SIP_BODY_OK || sdp.count != 1)
		return REASON_SIP_CONTENT;
	m = &sdp.media[0];
	if (m->port == 0 || !sip_same(m->protocol, STR("TCP/MSRP")) ||
	    !(m->direction & SIP_SDP_RECEIVES) || m->setup == SIP_SDP_HOLDCONN ||
	    !msrp_path_parse(m->path, &first, &last) || first.secure)
		return REASON_SIP_OFFER;
	if (!sip_sdp_accepts(m->accept_types, STR("message/cpim")))
		return REASON_CODING;
	if (m->has_max_size && m->max_size != 0 && m->max_size < l->m->body.size)
		return REASON_MESSAGE_SIZE;
	d->dials = m->setup != SIP_SDP_ACTIVE;
	if (d->dials && !sip_call_there(s->instance, m, &l->there))
		return REASON_SIP_OFFER;
	return sip_large_path(s->instance, l, m->path) ? REASON_NONE : REASON_POOL;
}

static void establish(struct sip_input *in, struct sip_session *s, struct sip_dialog *d,
		      const struct str texts[SIP_DIALOG_TEXTS])
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_large        *l = sip_large_by_token(s->instance, d->large);
	enum reason              why = answer_read(in, s, d, l);

	d->asks = false;
	sip_dialog_move(t, &s->dialogs, d, in->now, SIP_DIALOG_WAITING);
	sip_timed_agreed(in, s, d);
	if (!sip_dialog_keep(t, d, texts))
		why = REASON_POOL;
	if (why == REASON_NONE && l->chat && sip_chat_elsewhere(l))
		why = REASON_SESSION_GONE;
	if (why == REASON_NONE && d->dials && !sip_call_dial(in, s, l))
		why = REASON_CONNECTION_UNREACHABLE;
	if (why == REASON_NONE && l->chat)
		sip_chat_ready(s->instance, l, in->now);
	if (why != REASON_NONE)
		sip_large_over(s->instance, l, &(struct result){.why = (uint8_t)why});
}

/* Each 2xx is acknowledged, and all dialogs but the first ended (13.2.2.4; a cancelled one, too).
 */
static void on_accepted(struct sip_input *in, struct sip_session *s, struct sip_client *c)
{
	static const struct hash_key spread = {0x666f726b656420ull, 0x6469616c6f6773ull};
	struct sip_transactions     *t = &s->instance->transactions;
	struct sip_dialog           *d = sip_dialog_by_token(t, c->token);
	char                         room[SIP_DIALOG_TEXT_MAX];
	struct str                   texts[SIP_DIALOG_TEXTS];
	struct sip_name_addr         to;
	enum reason                  why;
	uint32_t                     hash;
	bool                         first = c->tag == 0;

	why = sip_dialog_texts_of(&in->m, STR(""), room, texts);
	if (why == REASON_NONE && !sip_name_addr_parse(texts[SIP_DIALOG_REMOTE], &to))
		why = REASON_SIP_TO;
	if (why != REASON_NONE) {
		metric_refused(s->instance->metrics, why);
		return; /* nobody can be told */
	}
	hash = (uint32_t)hash_sip(&spread, to.tag.p, to.tag.n) | 1u;
	put_ack(in, s, c, texts);
	if (first)
		c->tag = hash;
	if (c->kind == SIP_CLIENT_AGAIN) {
		if (first)
			sip_on_refresh_answer(in, s, c->token);
		return;
	}
	if (first && d != NULL && is_calling(d)) {
		establish(in, s, d, texts);
	} else if (first || hash != c->tag) {
		metric_inc(s->instance->metrics, METRIC_sip_forks_ended);
		sip_request_bye(s, in->now, &c->to, texts, in->known.cseq.number + 1, in->out);
	}
}

void sip_on_invite_response(struct sip_input *in, struct sip_client *c)
{
	struct sip_session *s = c->of->session;

	if (s != in->s)
		in->event->session = s;
	switch (sip_invite_response(&s->instance->transactions, c, in->now, &in->m, &in->known,
				    in->out)) {
	case SIP_INVITE_NOTHING:
		return;
	case SIP_INVITE_REFUSED:
		on_refused(in, s, c);
		return;
	case SIP_INVITE_ACCEPTED:
		on_accepted(in, s, c);
		return;
	}
}
