/* The user agent client (RFC 3261, 8.1): our own requests, and the responses to them. */
#include "sip/session_private.h"

struct request {
	struct str                 method, uri;
	struct str                 call_id;
	uint32_t                   max_forwards;
	const struct proto_target *at;
};

static bool has_credentials(const struct sip_session *s)
{
	return s->challenge_block != SIP_BLOCK_NONE;
}

static struct sip_challenge *challenge(const struct sip_session *s)
{
	return (void *)sip_pool_at(&s->instance->transactions.pool, s->challenge_block)->bytes;
}

static enum sip_transport transport_of(const struct sip_session *s)
{
	return s->datagram ? SIP_TRANSPORT_UDP : SIP_TRANSPORT_TCP;
}

static void put_own_via(const struct sip_session *s, const struct sip_client *c, struct put *w)
{
	char       host[SIP_FLOW_TEXT_SIZE], branch[SIP_BRANCH_SIZE];
	struct put b = put_to(branch, sizeof(branch));

	sip_client_branch(&s->instance->transactions, c, &b);
	sip_put_via(w, transport_of(s), sip_flow_text(&s->local, host), s->local.port,
		    (struct str){branch, put_size(&b)}, s->datagram);
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

/* From the request line to CSeq and credentials. */
static void put_head(const struct sip_session *s, const struct sip_client *c,
		     const struct request *r, struct put *w)
{
	sip_put_request(w, r->method, r->uri);
	put_own_via(s, c, w);
	sip_put_header_number(w, SIP_MAX_FORWARDS, r->max_forwards);
	if (r->at != NULL) {
		struct str path = proto_binding_text(r->at->record, r->at->binding, BINDING_PATH);

		if (path.n > 0)
			sip_put_header(w, SIP_ROUTE, path);
	}
	sip_put_header(w, SIP_CALL_ID, r->call_id);
	sip_put_cseq(w, 1, r->method);
	put_credentials(s, r->method, r->uri, w);
}

static struct sip_way way_of(const struct sip_session *s, const struct proto_target *at)
{
	struct sip_way way = {.domain = sip_session_domain(s),
			      .at = at,
			      .trusted = s->trusted,
			      .cpim = at == NULL || (at->binding->features & SIP_FEATURE_CPM) != 0};

	if (s->peer_block != SIP_BLOCK_NONE) {
		const struct sip_peer *peer = sip_session_peer(s);

		way.host = (struct str){peer->host, peer->host_size};
		way.port =
			s->remote.port == sip_transport_port(transport_of(s)) ? 0 : s->remote.port;
	}
	return way;
}

static enum submit later(struct sip_session *s, size_t room)
{
	s->blocked = true;
	s->blocked_room = (uint32_t)room;
	return SUBMIT_LATER;
}

static struct flow destination(const struct sip_session *s, const struct proto_target *at)
{
	return at != NULL ? at->binding->flow : s->remote;
}

/* The request is written from the mark on: make it a transaction. False: nothing is left of it. */
static bool start(struct sip_session *s, struct now now, struct sip_client *c,
		  const struct sip_client_how *how, struct out *out, size_t mark)
{
	size_t         head = s->datagram ? sizeof(struct out_datagram) : 0;
	const uint8_t *bytes = out->put.start + mark + head;

	if (s->datagram ? !out_datagram_end(out, mark) : out->put.failed)
		return false;
	if (!sip_client_start(&s->instance->transactions, c, now, how, bytes,
			      (size_t)(out->put.p - bytes)))
		return false;
	metric_inc(s->instance->metrics, METRIC_sip_requests_out);
	return true;
}

static size_t begin(const struct sip_session *s, const struct flow *to, struct out *out)
{
	return s->datagram ? out_datagram_begin(out, to) : out_mark(out);
}

static enum reason put_message(const struct sip_session *s, struct now now, struct sip_client *c,
			       const struct msg *m, const struct proto_target *at,
			       struct sip_client_how *how, struct put *w)
{
	const struct sip_map map = sip_session_map(s, now);
	const struct sip_way way = way_of(s, at);
	char                 uri_room[SIP_URI_MAX], tag[SIP_TEXT_SIZE], call_id[SIP_TEXT_SIZE];
	struct put           uri = put_to(uri_room, sizeof(uri_room));
	enum reason          why = sip_map_uri(m, &way, &uri);

	if (why == REASON_NONE && uri.failed)
		why = REASON_DESTINATION;
	if (why != REASON_NONE)
		return why;
	sip_text_new(s->instance, call_id);
	sip_text_new(s->instance, tag);
	put_head(s, c,
		 &(struct request){STR("MESSAGE"),
				   {uri_room, put_size(&uri)},
				   {call_id, sizeof(call_id)},
				   sip_map_forwards(&map, m),
				   at},
		 w);
	if (sip_map_notified(m, &way))
		how->note |= SIP_NOTE_NOTIFIED;
	return sip_map_out(&map, m, &way,
			   &(struct sip_names){{tag, sizeof(tag)}, {call_id, sizeof(call_id)}}, w);
}

static struct sip_client_how how_of(const struct sip_session *s, enum sip_client_kind kind,
				    const struct flow *to)
{
	bool secret = s->peer_block != SIP_BLOCK_NONE && sip_session_peer(s)->secret_size > 0;

	return (struct sip_client_how){
		.timeout_us = s->settings.response_us,
		.to = *to,
		.datagram = s->datagram,
		.keep = secret,
		.method = kind == SIP_CLIENT_MESSAGE ? SIP_METHOD_MESSAGE : SIP_METHOD_OPTIONS,
		.kind = (uint8_t)kind,
		.note = has_credentials(s) ? SIP_NOTE_CREDENTIALS : 0,
	};
}

static enum submit refuse(enum reason why, struct result *result)
{
	*result = (struct result){.why = (uint8_t)why};
	return SUBMIT_REFUSED;
}

enum submit sip_request_message(struct sip_session *s, struct now now, const struct msg *m,
				const struct proto_target *at, uint64_t token, struct out *out,
				struct result *result)
{
	struct sip_transactions *t = &s->instance->transactions;
	const struct flow        to = destination(s, at);
	struct sip_client_how    how = how_of(s, SIP_CLIENT_MESSAGE, &to);
	size_t                   mark = out_mark(out), room = put_room(&out->put), size;
	struct sip_client       *c;
	enum reason              why;

	if (s->clients.open >= s->settings.window_max)
		return later(s, 0);
	c = sip_client_new(t, &s->clients);
	if (c == NULL)
		return later(s, 0);
	how.token = token;
	begin(s, &to, out);
	why = put_message(s, now, c, m, at, &how, &out->put);
	size = out_mark(out) - mark - (s->datagram ? sizeof(struct out_datagram) : 0);
	if (why == REASON_NONE && !out->put.failed && s->datagram && size > SIP_DATAGRAM_MAX)
		why = at == NULL ? REASON_DATAGRAM_SIZE : REASON_MESSAGE_SIZE;
	if (why == REASON_NONE && out->put.failed && room >= SIP_ANSWER_ROOM + SIP_MESSAGE_SIZE_MAX)
		why = REASON_MESSAGE_SIZE;
	if (why == REASON_NONE && start(s, now, c, &how, out, mark)) {
		s->message_us = now.us;
		return SUBMIT_SENT;
	}
	size = out->put.failed ? room + 1 : 0;
	sip_client_end(t, c);
	out_undo(out, mark);
	return why == REASON_NONE ? later(s, size) : refuse(why, result);
}

/* RFC 3261, 11.1, to ask whether it is there. */
bool sip_request_options(struct sip_session *s, struct now now, struct out *out)
{
	struct sip_transactions    *t = &s->instance->transactions;
	const struct sip_peer      *peer = sip_session_peer(s);
	const struct sip_client_how how = how_of(s, SIP_CLIENT_OPTIONS, &s->remote);
	struct sip_client          *c = sip_client_new(t, &s->clients);
	const struct sip_way        way = way_of(s, NULL);
	size_t                      mark = out_mark(out);
	char       uri_room[SIP_URI_MAX], tag[SIP_TEXT_SIZE], call_id[SIP_TEXT_SIZE];
	struct put uri = put_to(uri_room, sizeof(uri_room)), *w = &out->put;

	if (c == NULL)
		return false;
	put_str(&uri, STR("sip:"));
	sip_host_text_put(&uri, (struct str){peer->host, peer->host_size});
	if (way.port != 0) {
		put_u8(&uri, ':');
		sip_put_number(&uri, way.port);
	}
	begin(s, &s->remote, out);
	sip_text_new(s->instance, call_id);
	sip_text_new(s->instance, tag);
	put_head(s, c,
		 &(struct request){STR("OPTIONS"),
				   {uri_room, put_size(&uri)},
				   {call_id, sizeof(call_id)},
				   SIP_FORWARDS_FIRST,
				   NULL},
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
	if (!uri.failed && start(s, now, c, &how, out, mark)) {
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

/* The request once more, with credentials: another transaction, the next CSeq (22.2). */
static void put_again(const struct sip_session *s, const struct sip_client *c,
		      const struct sip_message *was, struct put *w)
{
	struct sip_cseq cseq;
	struct str      value = STR("");
	struct cur      body = was->body;
	size_t          n = cur_left(&body);

	sip_put_request(w, was->method_text, was->uri);
	put_own_via(s, c, w);
	for (unsigned i = 0; i < was->header_count; i++) {
		const struct sip_header *h = &was->headers[i];

		if (h->id == SIP_VIA || h->id == SIP_CSEQ || h->id == SIP_AUTHORIZATION ||
		    h->id == SIP_PROXY_AUTHORIZATION || h->id == SIP_CONTENT_LENGTH)
			continue;
		sip_put_header_named(w, h->name, h->value);
	}
	if (sip_header_find(was, SIP_CSEQ, &value) && sip_cseq_parse(value, &cseq))
		sip_put_cseq(w, cseq.number + 1, was->method_text);
	put_credentials(s, was->method_text, was->uri, w);
	sip_put_body(w, STR(""), cur_bytes(&body, n), n);
}

/* A 401 or 407 is answered with credentials. False: they cannot be given, or were there. */
static bool try_credentials(struct sip_input *in, struct sip_session *s, struct sip_client *c)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct put               kept = put_to(s->instance->scratch, sizeof(s->instance->scratch));
	struct sip_client_how    how = how_of(s, (enum sip_client_kind)c->kind, &c->to);
	struct sip_scan          scan = {0};
	struct sip_message       was;
	struct sip_client       *again;
	struct cur               bytes;
	enum reason              why;
	size_t                   mark = out_mark(in->out);

	if (s->peer_block == SIP_BLOCK_NONE || c->request.size == 0 || !take_challenge(s, &in->m) ||
	    ((c->note & SIP_NOTE_CREDENTIALS) && !challenge(s)->stale))
		return false;
	sip_client_request(t, c, &kept);
	bytes = cur_of(s->instance->scratch, put_size(&kept));
	if (kept.failed || sip_message_next(&scan, &bytes, SIP_DATAGRAM, &was, &why) != PULL_ITEM ||
	    !attempts_left(&was))
		return false;
	again = sip_client_new(t, &s->clients);
	if (again == NULL)
		return false;
	how.token = c->token;
	how.note = SIP_NOTE_CREDENTIALS | c->note;
	begin(s, &c->to, in->out);
	put_again(s, again, &was, &in->out->put);
	if (start(s, in->now, again, &how, in->out, mark))
		return true;
	sip_client_end(t, again);
	out_undo(in->out, mark);
	return false;
}

static uint32_t retry_after_ms(const struct sip_message *m)
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

static void give_result(struct sip_input *in, struct sip_session *s, uint64_t token, uint32_t note)
{
	struct result *r = &in->event->result;

	*r = (struct result){
		.why = (uint8_t)sip_reason_of_status(in->m.status),
		.has_status = true,
		.peer_protocol = s->instance->protocol,
		.peer_status = in->m.status,
		.delivered = in->m.status == 200,
	};
	r->retry_after_ms = retry_after_ms(&in->m);
	if (note & SIP_NOTE_NOTIFIED)
		await_notification(in, r);
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
	if (!sip_client_response(t, c, in->m.status))
		return;
	again = (in->m.status == 401 || in->m.status == 407) && try_credentials(in, s, c);
	kind = c->kind;
	token = c->token;
	note = c->note;
	sip_client_end(t, c);
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
	else if (!again)
		give_result(in, s, token, note);
}
