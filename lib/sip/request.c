/* The user agent client (RFC 3261, 8.1): our own requests, and the responses to them. */
#include "sip/session_private.h"
#include "sip/sms.h"

static bool has_credentials(const struct sip_session *s)
{
	return s->challenge_block != SIP_BLOCK_NONE;
}

static struct sip_challenge *challenge(const struct sip_session *s)
{
	return (void *)sip_pool_at(&s->instance->transactions.pool, s->challenge_block)->bytes;
}

static void put_credentials(const struct sip_session *s, struct str method, struct str uri,
			    struct put *w)
{
	const struct sip_peer *peer;

	if (!has_credentials(s))
		return;
	peer = sip_session_peer(s);
	sip_challenge_answer(challenge(s), (struct str){peer->identity, peer->identity_size},
			     method, uri, random_next(&s->instance->random), w);
}

struct str sip_request_head(const struct sip_session *s, const struct sip_client *c,
			    const struct sip_request *r, struct put *w)
{
	struct str name;

	sip_put_request(w, r->method, r->uri);
	name = sip_own_via_of(s, c, w);
	sip_put_header_number(w, SIP_MAX_FORWARDS, r->max_forwards);
	if (r->route.n > 0)
		sip_put_header(w, SIP_ROUTE, r->route);
	sip_put_header(w, SIP_CALL_ID, r->call_id.n > 0 ? r->call_id : name);
	sip_put_cseq(w, r->sequence, r->method);
	put_credentials(s, r->method, r->uri, w);
	return name;
}

struct str sip_request_route(const struct proto_target *at)
{
	return at != NULL ? proto_binding_text(at->record, at->binding, BINDING_PATH) : STR("");
}

static uint32_t *plain(struct sip_instance *i, uint32_t binding)
{
	return &i->plain[binding % SIP_PLAIN_MAX];
}

/* By what it is told how to write there; NULL: by what the peer is configured with, also for the
 * user of an S-CSCF that has not said what its devices take. */
static const struct proto_target *form_of(const struct proto_target *at)
{
	return sip_at_peer(at) && !(at->binding->features & SIP_FEATURES_TOLD) ? NULL : at;
}

/* Those that have refused it were asked once. */
static bool takes_cpim(const struct sip_session *s, const struct proto_target *at)
{
	at = form_of(at);
	if (at == NULL)
		return !s->plain && s->settings.body != PROTO_BODY_TEXT;
	return (at->binding->features & SIP_FEATURE_CPM) != 0 &&
	       *plain(s->instance, at->binding->id) != (at->binding->id & SIP_NOTE_VALUE_MAX);
}

/* By INVITE and MSRP, where we can be reached by that. */
static bool takes_large(const struct sip_session *s, const struct proto_target *at)
{
	at = form_of(at);
	if (s->media.port == 0)
		return false;
	return at != NULL ? (at->binding->features & SIP_FEATURE_LARGE) != 0 : s->settings.large;
}

struct sip_way sip_request_way(const struct sip_session *s, const struct proto_target *at)
{
	struct sip_way way = {.domain = sip_session_domain(s),
			      .at = at,
			      .trusted = s->trusted,
			      .cpim = takes_cpim(s, at),
			      .wraps = form_of(at) == NULL && s->settings.body == PROTO_BODY_CPIM};

	if (s->peer_block != SIP_BLOCK_NONE) {
		const struct sip_peer *peer = sip_session_peer(s);

		way.host = (struct str){peer->host, peer->host_size};
		way.port = s->remote.port == sip_transport_port(sip_session_transport(s))
				   ? 0
				   : s->remote.port;
	}
	return way;
}

enum submit sip_request_later(struct sip_session *s, size_t room)
{
	s->blocked = true;
	s->blocked_room = (uint32_t)room;
	return SUBMIT_LATER;
}

struct flow sip_request_to(const struct sip_session *s, const struct proto_target *at)
{
	return at != NULL && !sip_at_peer(at) ? at->binding->flow : s->remote;
}

/* The request is written from the mark on: make it a transaction. False: nothing is left of it. */
bool sip_request_start(struct sip_session *s, struct now now, struct sip_client *c,
		       const struct sip_client_how *how, struct out *out, size_t mark)
{
	const uint8_t *bytes = out->put.start + mark + out_item_head(out, s->datagram);

	if (out->put.failed || !out_item_end(out, mark, s->datagram))
		return false;
	if (!sip_client_start(&s->instance->transactions, c, now, how, bytes,
			      (size_t)(out->put.p - bytes)))
		return false;
	metric_inc(s->instance->metrics, METRIC_sip_requests_out);
	return true;
}

size_t sip_request_begin(const struct sip_session *s, const struct flow *to, struct out *out)
{
	return out_item_begin(out, s->datagram ? to : NULL);
}

struct str sip_own_uri(const struct sip_session *s, char room[SIP_URI_MAX])
{
	struct put w = put_to(room, SIP_URI_MAX);

	put_str(&w, STR("sip:"));
	sip_host_text_put(&w, sip_session_domain(s));
	return (struct str){room, put_size(&w)};
}

struct sms_lines {
	struct str self, to, in_reply_to, rpdu;
};

/* All that follows the head of a request that carries an RPDU (TS 24.341, 5.3.3.4). */
static void put_sms_lines(struct sip_session *s, const struct sms_lines *l, struct put *w)
{
	char tag[SIP_TEXT_SIZE];

	sip_text_new(s->instance, tag);
	sip_put_header_begin(w, SIP_FROM);
	sip_put_name_addr(w, STR(""), l->self);
	put_str(w, STR(";tag="));
	sip_put_token(w, (struct str){tag, sizeof(tag)});
	sip_put_header_end(w);
	sip_put_header_begin(w, SIP_TO);
	sip_put_name_addr(w, STR(""), l->to);
	sip_put_header_end(w);
	if (l->in_reply_to.n > 0)
		sip_put_header(w, SIP_IN_REPLY_TO, l->in_reply_to);
	sip_put_header_begin(w, SIP_P_ASSERTED_IDENTITY);
	sip_put_name_addr(w, STR(""), l->self);
	sip_put_header_end(w);
	sip_put_header(w, SIP_REQUEST_DISPOSITION, STR("no-fork"));
	sip_put_header(w, SIP_ACCEPT_CONTACT, STR("*;+g.3gpp.smsip;require;explicit"));
	sip_put_header(w, SIP_CONTENT_TRANSFER_ENCODING, STR("binary"));
	sip_put_body(w, STR(SIP_SMS_TYPE), l->rpdu.p, l->rpdu.n);
}

/* RP-DATA. Its Call-ID is its first branch, by which the report that comes names it. */
static void put_short(struct sip_session *s, struct sip_client *c, const struct sip_short *r,
		      struct sip_client_how *how, struct put *w)
{
	char       self[SIP_URI_MAX], branch[SIP_BRANCH_SIZE];
	struct put call_id = put_to(branch, sizeof(branch));

	sip_client_branch(&s->instance->transactions, c, &call_id);
	sip_request_head(s, c,
			 &(struct sip_request){STR("MESSAGE"),
					       r->texts[SIP_SHORT_URI],
					       {branch, put_size(&call_id)},
					       r->forwards,
					       r->texts[SIP_SHORT_ROUTE],
					       1},
			 w);
	put_sms_lines(s,
		      &(struct sms_lines){.self = sip_own_uri(s, self),
					  .to = r->texts[SIP_SHORT_TO],
					  .rpdu = r->rpdu},
		      w);
	how->note |= SIP_NOTE_SMS | (uint32_t)r->reference << SIP_NOTE_VALUE_SHIFT;
}

/* Whole, or its first part. */
static enum reason put_sms(struct sip_session *s, struct now now, struct sip_client *c,
			   const struct msg *m, const struct proto_target *at,
			   struct sip_client_how *how, struct put *w)
{
	const struct sip_map map = sip_session_map(s, now);
	const struct sip_way way = sip_request_way(s, at);
	uint8_t              bytes[SIP_RPDU_MAX];
	char                 uri_room[SIP_URI_MAX], to_room[SIP_URI_MAX];
	struct put uri = put_to(uri_room, sizeof(uri_room)), to = put_to(to_room, sizeof(to_room)),
		   rpdu = put_to(bytes, sizeof(bytes));
	struct sip_short r = {.forwards = sip_map_forwards(&map, m),
			      .reference = (uint8_t)random_next(&s->instance->random)};
	enum reason      why = sip_map_uri(m, &way, &uri);

	if (why == REASON_NONE)
		why = sip_target_put(&to, m, &way);
	if (why == REASON_NONE && (uri.failed || to.failed))
		why = REASON_DESTINATION;
	if (why != REASON_NONE)
		return why;
	r.texts[SIP_SHORT_URI] = (struct str){uri_room, put_size(&uri)};
	r.texts[SIP_SHORT_ROUTE] = sip_request_route(at);
	r.texts[SIP_SHORT_TO] = (struct str){to_room, put_size(&to)};
	why = sip_sms_out(&map, m, r.reference, &rpdu);
	if (why == REASON_MESSAGE_SIZE && !msg_is_report(m))
		why = sip_parts_begin(s, now, m, &r, how, &c->rest, &rpdu);
	if (why == REASON_NONE && rpdu.failed)
		why = REASON_SENDER;
	if (why != REASON_NONE)
		return why;
	r.rpdu = (struct str){(const char *)bytes, put_size(&rpdu)};
	put_short(s, c, &r, how, w);
	return REASON_NONE;
}

static enum reason put_message(const struct sip_session *s, struct now now, struct sip_client *c,
			       const struct msg *m, const struct proto_target *at,
			       struct sip_client_how *how, struct put *w)
{
	const struct sip_map map = sip_session_map(s, now);
	struct sip_way       way = sip_request_way(s, at);
	char                 uri_room[SIP_URI_MAX];
	struct put           uri = put_to(uri_room, sizeof(uri_room));
	enum reason          why = sip_map_uri(m, &way, &uri);
	struct str           name;

	if (why == REASON_NONE && uri.failed)
		why = REASON_DESTINATION;
	if (why != REASON_NONE)
		return why;
	if (at == NULL && !msg_is_report(m))
		way.target = (struct str){uri_room, put_size(&uri)};
	name = sip_request_head(s, c,
				&(struct sip_request){STR("MESSAGE"),
						      {uri_room, put_size(&uri)},
						      STR(""),
						      sip_map_forwards(&map, m),
						      sip_request_route(at),
						      1},
				w);
	if (sip_map_notified(m, &way))
		how->note |= SIP_NOTE_NOTIFIED;
	if (sip_map_wrapped(&map, m, &way))
		how->note |= SIP_NOTE_WRAPPED | (at != NULL ? at->binding->id : 0)
							<< SIP_NOTE_VALUE_SHIFT;
	return sip_map_out(&map, m, &way, &(struct sip_names){name, name}, w);
}

/* Is it to be a short message? *only: or nothing. */
static bool wants_sms(const struct sip_session *s, const struct msg *m,
		      const struct proto_target *at, bool *only)
{
	at = form_of(at);
	*only = at == NULL && s->settings.body == PROTO_BODY_SMS;
	if (sip_sms_reported(m) && (at == NULL || (at->binding->features & SIP_FEATURE_SMSIP)))
		return true;
	return *only ||
	       (at != NULL && (at->binding->features & (SIP_FEATURE_SMSIP | SIP_FEATURE_CPM)) ==
				      SIP_FEATURE_SMSIP);
}

/* What has no place in a short message goes as text, to who may take both. */
static enum reason put_in_form(struct sip_session *s, struct now now, struct sip_client *c,
			       const struct msg *m, const struct proto_target *at,
			       struct sip_client_how *how, struct put *w)
{
	bool        only;
	enum reason why;

	if (!wants_sms(s, m, at, &only))
		return put_message(s, now, c, m, at, how, w);
	why = put_sms(s, now, c, m, at, how, w);
	return why == REASON_NONE || only ? why : put_message(s, now, c, m, at, how, w);
}

static const enum sip_method method_of[] = {
	[SIP_CLIENT_MESSAGE] = SIP_METHOD_MESSAGE, [SIP_CLIENT_OPTIONS] = SIP_METHOD_OPTIONS,
	[SIP_CLIENT_REPORT] = SIP_METHOD_MESSAGE,  [SIP_CLIENT_INVITE] = SIP_METHOD_INVITE,
	[SIP_CLIENT_BYE] = SIP_METHOD_BYE,         [SIP_CLIENT_UPDATE] = SIP_METHOD_UPDATE,
	[SIP_CLIENT_AGAIN] = SIP_METHOD_INVITE,    [SIP_CLIENT_WATCH] = SIP_METHOD_SUBSCRIBE,
};

struct sip_client_how sip_request_how(const struct sip_session *s, enum sip_client_kind kind,
				      const struct flow *to)
{
	bool secret = s->peer_block != SIP_BLOCK_NONE && sip_session_peer(s)->secret_size > 0;

	return (struct sip_client_how){
		.timeout_us = s->settings.response_us,
		.to = *to,
		.datagram = s->datagram,
		.keep = secret,
		.method = (uint8_t)method_of[kind],
		.kind = (uint8_t)kind,
		.note = has_credentials(s) ? SIP_NOTE_CREDENTIALS : 0,
	};
}

static enum submit refuse(enum reason why, struct result *result)
{
	*result = (struct result){.why = (uint8_t)why};
	return SUBMIT_REFUSED;
}

void sip_client_end_all(struct sip_session *s, struct sip_client *c)
{
	sip_parts_end(s, c->rest);
	sip_client_end(&s->instance->transactions, c);
}

enum submit sip_request_message(struct sip_session *s, struct now now, const struct msg *m,
				const struct proto_target *at, uint64_t token, struct out *out,
				struct result *result)
{
	struct sip_transactions *t = &s->instance->transactions;
	const struct flow        to = sip_request_to(s, at);
	struct sip_client_how    how = sip_request_how(s, SIP_CLIENT_MESSAGE, &to);
	size_t                   mark = out_mark(out), room = put_room(&out->put), size;
	struct sip_client       *c;
	enum reason              why;
	enum submit              submitted;

	if (s->clients.open + s->dialogs.calling >= s->settings.window_max)
		return sip_request_later(s, 0);
	if (at != NULL && (s->instance->chats > 0 || sip_chat_takes(s, at)) &&
	    sip_chat_submit(s, now, m, at, token, out, result, &submitted))
		return submitted;
	c = sip_client_new(t, &s->clients);
	if (c == NULL)
		return sip_request_later(s, 0);
	how.token = token;
	sip_request_begin(s, &to, out);
	why = put_in_form(s, now, c, m, at, &how, &out->put);
	size = out_mark(out) - mark - out_item_head(out, s->datagram);
	if (why == REASON_NONE && !out->put.failed && s->datagram && size > SIP_DATAGRAM_MAX)
		why = at == NULL || sip_at_peer(at) ? REASON_DATAGRAM_SIZE : REASON_MESSAGE_SIZE;
	if (why == REASON_NONE && out->put.failed && room >= SIP_ANSWER_ROOM + SIP_MESSAGE_SIZE_MAX)
		why = REASON_MESSAGE_SIZE;
	if (takes_large(s, at) && !msg_is_report(m) && m->kind != MSG_COMPOSING &&
	    (why == REASON_MESSAGE_SIZE || why == REASON_DATAGRAM_SIZE ||
	     (why == REASON_NONE && size > SIP_DATAGRAM_MAX))) {
		sip_client_end_all(s, c);
		out_undo(out, mark);
		return sip_call(s, now, m, at, token, out, result);
	}
	if (why == REASON_NONE && sip_request_start(s, now, c, &how, out, mark)) {
		s->message_us = now.us;
		if (how.note & SIP_NOTE_SMS)
			metric_inc(s->instance->metrics, METRIC_sip_sms_out);
		return SUBMIT_SENT;
	}
	size = out->put.failed ? room + 1 : 0;
	sip_client_end_all(s, c);
	out_undo(out, mark);
	return why == REASON_NONE ? sip_request_later(s, size) : refuse(why, result);
}

bool sip_request_part(struct sip_session *s, struct now now, const struct sip_short *part,
		      const struct flow *to, uint64_t token, uint32_t rest, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_client_how    how = sip_request_how(s, SIP_CLIENT_MESSAGE, to);
	struct sip_client       *c = sip_client_new(t, &s->clients);
	size_t                   mark = out_mark(out);

	if (c == NULL)
		return false;
	how.token = token;
	sip_request_begin(s, to, out);
	put_short(s, c, part, &how, &out->put);
	if (sip_request_start(s, now, c, &how, out, mark)) {
		c->rest = rest;
		s->message_us = now.us;
		metric_inc(s->instance->metrics, METRIC_sip_sms_out);
		return true;
	}
	sip_client_end(t, c);
	out_undo(out, mark);
	return false;
}

bool sip_request_report(struct sip_session *s, struct now now, const struct flow *to,
			const struct str texts[SIP_BACK_TEXTS], struct str rpdu, struct out *out)
{
	struct sip_transactions    *t = &s->instance->transactions;
	const struct sip_client_how how = sip_request_how(s, SIP_CLIENT_REPORT, to);
	struct sip_client          *c = sip_client_new(t, &s->clients);
	size_t                      mark = out_mark(out);
	char                        call_id[SIP_TEXT_SIZE];

	if (c == NULL)
		return false;
	sip_request_begin(s, to, out);
	sip_text_new(s->instance, call_id);
	sip_request_head(s, c,
			 &(struct sip_request){STR("MESSAGE"),
					       texts[SIP_BACK_URI],
					       {call_id, sizeof(call_id)},
					       SIP_FORWARDS_FIRST,
					       texts[SIP_BACK_ROUTE],
					       1},
			 &out->put);
	put_sms_lines(s,
		      &(struct sms_lines){texts[SIP_BACK_SELF], texts[SIP_BACK_TO],
					  texts[SIP_BACK_CALL_ID], rpdu},
		      &out->put);
	if (sip_request_start(s, now, c, &how, out, mark))
		return true;
	sip_client_end(t, c);
	out_undo(out, mark);
	return false;
}

/* RFC 3261, 11.1, to ask whether it is there. */
bool sip_request_options(struct sip_session *s, struct now now, struct out *out)
{
	struct sip_transactions    *t = &s->instance->transactions;
	const struct sip_peer      *peer = sip_session_peer(s);
	const struct sip_client_how how = sip_request_how(s, SIP_CLIENT_OPTIONS, &s->remote);
	struct sip_client          *c = sip_client_new(t, &s->clients);
	const struct sip_way        way = sip_request_way(s, NULL);
	size_t                      mark = out_mark(out);
	char       uri_room[SIP_URI_MAX], tag[SIP_TEXT_SIZE], call_id[SIP_TEXT_SIZE];
	struct put uri = put_to(uri_room, sizeof(uri_room)), *w = &out->put;

	if (c == NULL)
		return false;
	put_str(&uri, STR("sip:"));
	sip_host_text_put(&uri, (struct str){peer->host, peer->host_size});
	if (way.port != 0) {
		put_u8(&uri, ':');
		put_number(&uri, way.port);
	}
	sip_request_begin(s, &s->remote, out);
	sip_text_new(s->instance, call_id);
	sip_text_new(s->instance, tag);
	sip_request_head(s, c,
			 &(struct sip_request){STR("OPTIONS"),
					       {uri_room, put_size(&uri)},
					       {call_id, sizeof(call_id)},
					       SIP_FORWARDS_FIRST,
					       STR(""),
					       1},
			 w);
	sip_put_header_begin(w, SIP_FROM);
	put_str(w, STR("<sip:"));
	sip_host_text_put(w, way.domain);
	put_str(w, STR(">;tag="));
	sip_put_token(w, (struct str){tag, sizeof(tag)});
	sip_put_header_end(w);
	sip_put_header_begin(w, SIP_TO);
	put_u8(w, '<');
	put_bytes(w, uri_room, put_size(&uri));
	put_u8(w, '>');
	sip_put_header_end(w);
	sip_accept_put(w);
	sip_put_body(w, STR(""), "", 0);
	if (!uri.failed && sip_request_start(s, now, c, &how, out, mark)) {
		s->asking++;
		return true;
	}
	sip_client_end(t, c);
	out_undo(out, mark);
	return false;
}

static bool take_challenge(struct sip_session *s, const struct sip_message *response)
{
	struct sip_pool       *pool = &s->instance->transactions.pool;
	const struct sip_peer *peer = sip_session_peer(s);

	if (peer->secret_size == 0)
		return false;
	if (s->challenge_block == SIP_BLOCK_NONE) {
		s->challenge_block = sip_pool_take(pool);
		if (s->challenge_block == SIP_BLOCK_NONE)
			return false;
		*challenge(s) = (struct sip_challenge){0};
	}
	if (sip_challenge_take(challenge(s), response,
			       (struct str){peer->identity, peer->identity_size},
			       (struct str){peer->secret, peer->secret_size}))
		return true;
	if (!challenge(s)->there) {
		sip_pool_give(pool, s->challenge_block);
		s->challenge_block = SIP_BLOCK_NONE;
	}
	return false;
}

/* One that has a stale nonce for ever ends all the same. */
#define ATTEMPTS_MAX 4u

static bool attempts_left(const struct sip_message *was)
{
	struct str      value = STR("");
	struct sip_cseq cseq;

	return sip_header_find(was, SIP_CSEQ, &value) && sip_cseq_parse(value, &cseq) &&
	       cseq.number < ATTEMPTS_MAX;
}

static void put_branch_id(const struct sip_session *s, const struct sip_client *c, struct put *w)
{
	char       branch[SIP_BRANCH_SIZE];
	struct put b = put_to(branch, sizeof(branch));

	sip_client_branch(&s->instance->transactions, c, &b);
	sip_put_header(w, SIP_CALL_ID, (struct str){branch, put_size(&b)});
}

/* The request once more, with credentials, or with another interval (0: the same): another
 * transaction, the next CSeq (22.2). */
static void put_again(const struct sip_session *s, const struct sip_client *c, uint32_t note,
		      const struct sip_message *was, uint32_t interval, struct put *w)
{
	struct sip_cseq cseq;
	struct str      value = STR("");
	struct cur      body = was->body;
	size_t          n = cur_left(&body);

	sip_put_request(w, was->method_text, was->uri);
	sip_own_via_of(s, c, w);
	for (unsigned i = 0; i < was->header_count; i++) {
		const struct sip_header *h = &was->headers[i];

		if (h->id == SIP_VIA || h->id == SIP_CSEQ || h->id == SIP_AUTHORIZATION ||
		    h->id == SIP_PROXY_AUTHORIZATION || h->id == SIP_CONTENT_LENGTH)
			continue;
		if (interval > 0 &&
		    (h->id == SIP_SUPPORTED || h->id == SIP_SESSION_EXPIRES || h->id == SIP_MIN_SE))
			continue;
		if (h->id == SIP_CALL_ID && (note & SIP_NOTE_SMS)) {
			put_branch_id(s, c, w);
			continue;
		}
		sip_put_header_named(w, h->name, h->value);
	}
	if (sip_header_find(was, SIP_CSEQ, &value) && sip_cseq_parse(value, &cseq))
		sip_put_cseq(w, cseq.number + 1, was->method_text);
	put_credentials(s, was->method_text, was->uri, w);
	if (interval > 0)
		sip_timer_put_request(w, &(struct sip_timer){.seconds = interval}, interval);
	sip_put_body(w, STR(""), cur_bytes(&body, n), n);
}

static bool resend(struct sip_input *in, struct sip_session *s, struct sip_client *c,
		   uint32_t interval)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct put               kept = put_to(s->instance->scratch, sizeof(s->instance->scratch));
	struct sip_client_how    how = sip_request_how(s, (enum sip_client_kind)c->kind, &c->to);
	struct sip_scan          scan = {0};
	struct sip_message       was;
	struct sip_client       *again;
	struct cur               bytes;
	enum reason              why;
	size_t                   mark = out_mark(in->out);

	sip_client_request(t, c, &kept);
	bytes = cur_of(s->instance->scratch, put_size(&kept));
	if (kept.failed || sip_message_next(&scan, &bytes, SIP_DATAGRAM, &was, &why) != PULL_ITEM ||
	    !attempts_left(&was))
		return false;
	again = sip_client_new(t, &s->clients);
	if (again == NULL)
		return false;
	how.token = c->token;
	how.note |= c->note;
	sip_request_begin(s, &c->to, in->out);
	put_again(s, again, how.note, &was, interval, &in->out->put);
	if (sip_request_start(s, in->now, again, &how, in->out, mark)) {
		again->rest = c->rest;
		c->rest = SIP_BLOCK_NONE;
		return true;
	}
	sip_client_end(t, again);
	out_undo(in->out, mark);
	return false;
}

/* A 401 or 407 is answered with credentials. False: they cannot be given, or were there. */
bool sip_request_again(struct sip_input *in, struct sip_session *s, struct sip_client *c)
{
	return s->peer_block != SIP_BLOCK_NONE && c->request.size > 0 &&
	       take_challenge(s, &in->m) &&
	       (!(c->note & SIP_NOTE_CREDENTIALS) || challenge(s)->stale) && resend(in, s, c, 0);
}

bool sip_request_slower(struct sip_input *in, struct sip_session *s, struct sip_client *c)
{
	struct sip_timer_asked asked;

	return c->request.size > 0 && sip_timer_read(&in->m, &asked) &&
	       asked.min <= SIP_TIMER_MAX_S &&
	       resend(in, s, c, asked.min > SIP_TIMER_S ? asked.min : SIP_TIMER_S);
}

uint32_t sip_retry_after_ms(const struct sip_message *m)
{
	struct str value;
	uint32_t   seconds;

	if (!sip_status_retries(m->status) || !sip_header_find(m, SIP_RETRY_AFTER, &value) ||
	    !sip_seconds_parse(value, &seconds))
		return 0;
	return seconds < UINT32_MAX / 1000 ? seconds * 1000 : UINT32_MAX;
}

/* Notifications that come back will name the request by its Call-ID. */
static void await_notification(struct sip_input *in, struct result *r)
{
	struct str id = in->known.call_id;

	if (r->why != REASON_NONE || id.n > sizeof(r->remote_id))
		return;
	r->delivered = false;
	r->remote_id_size = (uint8_t)id.n;
	memcpy(r->remote_id, id.p, id.n);
}

/* 415 (21.4.13) to what could have been plain text: it will be. */
static bool learn_plain(const struct sip_input *in, struct sip_session *s, uint32_t note)
{
	uint32_t binding = note >> SIP_NOTE_VALUE_SHIFT;

	if (in->m.status != 415 || !(note & SIP_NOTE_WRAPPED))
		return false;
	if (binding == 0)
		s->plain = true;
	else
		*plain(s->instance, binding) = binding;
	metric_inc(s->instance->metrics, METRIC_sip_plain_learnt);
	return true;
}

static void give_result(struct sip_input *in, struct sip_session *s, uint64_t token, uint32_t note)
{
	struct result *r = &in->event->result;

	*r = (struct result){
		.why = (uint8_t)sip_reason_of_status(in->m.status),
		.has_status = true,
		.peer_protocol = s->instance->protocol,
		.peer_status = in->m.status,
		.delivered = in->m.status == 200,
		.way_gone = in->m.status == 430, /* RFC 5626, 5.3.1: of an edge proxy */
	};
	r->retry_after_ms = sip_retry_after_ms(&in->m);
	if (note & SIP_NOTE_NOTIFIED)
		await_notification(in, r);
	if (learn_plain(in, s, note)) {
		r->why = REASON_PEER_TEMPORARY;
		r->again = true;
	}
	in->event->kind = EVENT_RESULT;
	in->event->token = token;
	s->message_us = in->now.us;
}

static void on_options_answer(struct sip_input *in, struct sip_session *s)
{
	s->missed = 0;
	if (s->state != SIP_STATE_OPEN)
		return;
	s->state = SIP_STATE_UP;
	in->event->kind = EVENT_UP;
}

void sip_on_response(struct sip_input *in)
{
	struct sip_transactions *t = &in->s->instance->transactions;
	struct sip_client       *c = sip_client_match(t, &in->m, &in->known);
	struct sip_session      *s;
	uint64_t                 token;
	uint32_t                 note;
	uint8_t                  kind;
	bool                     again;

	if (c == NULL)
		return;
	s = c->of->session;
	if (s != in->s && !(in->s->role == PROTO_DATAGRAM && c->datagram)) {
		metric_refused(in->s->instance->metrics, REASON_PDU_RESPONSE);
		return;
	}
	metric_inc(in->s->instance->metrics, METRIC_sip_responses_in);
	s->heard_us = in->now.us;
	if (c->method == SIP_METHOD_INVITE) {
		sip_on_invite_response(in, c);
		return;
	}
	if (!sip_client_response(t, c, in->m.status))
		return;
	if (c->kind == SIP_CLIENT_MESSAGE && (c->note & SIP_NOTE_SMS) && in->m.status < 300)
		return; /* the device has it; what it says of it comes as a request */
	again = (in->m.status == 401 || in->m.status == 407) && sip_request_again(in, s, c);
	kind = c->kind;
	token = c->token;
	note = c->note;
	sip_client_end_all(s, c);
	if (s != in->s)
		in->event->session = s;
	if (kind == SIP_CLIENT_OPTIONS) {
		ASSERT(s->asking > 0);
		s->asking--;
	}
	if (again && kind == SIP_CLIENT_OPTIONS)
		s->asking++;
	else if (kind == SIP_CLIENT_OPTIONS)
		on_options_answer(in, s);
	else if (kind == SIP_CLIENT_REPORT && !again && in->m.status >= 300)
		metric_inc(s->instance->metrics, METRIC_sip_sms_reports_lost);
	else if (kind == SIP_CLIENT_MESSAGE && !again)
		give_result(in, s, token, note);
	else if (kind == SIP_CLIENT_UPDATE)
		sip_on_update_answer(in, s, token, again);
	else if (kind == SIP_CLIENT_WATCH && !again)
		sip_on_watch_answer(in, s, token);
}
