/* The user agent server (RFC 3261, 8.2): who sends a request, and its answer. */
#include "sip/identity.h"
#include "sip/session_private.h"

#define NOTE_STALE 1u      /* of a 401 */
#define NOTE_USER 0x10000u /* of a 200 to OPTIONS: above what the user can do */
/* Of other answers the note is Retry-After. */

/* A registrar's realm is the domain of the address of record, a gateway's that of the sender, where
 * we serve it. */
static struct str realm_of(struct sip_input *in)
{
	const struct sip_uri *uri =
		in->m.method == SIP_METHOD_REGISTER ? &in->known.to.uri : &in->known.from.uri;
	const struct sip_map map = sip_session_map(in->s, in->now);
	struct str           realm;

	if (uri->host.kind == SIP_HOST_NAME && sip_serves(&map, uri->host.text) &&
	    sip_host_fold(uri->host.text, in->realm, &realm))
		return realm;
	return sip_session_domain(in->s);
}

void sip_allow_put(struct put *w)
{
	sip_put_header(w, SIP_ALLOW,
		       STR("MESSAGE, OPTIONS, REGISTER, INVITE, ACK, BYE, CANCEL, UPDATE, NOTIFY"));
}

/* Bytes of what is told; a refusal needs but one. */
#define UNSUPPORTED_MAX 1024u

static void put_unsupported(const struct sip_message *m, struct put *w)
{
	struct sip_list l;
	struct str      element;
	size_t          told = 0;

	sip_list_init(&l, m, SIP_REQUIRE);
	while (sip_list_next(&l, &element)) {
		if (sip_extension_known(element))
			continue;
		if (told + element.n + 2 > UNSUPPORTED_MAX)
			break;
		if (told > 0)
			put_str(w, STR(", "));
		else
			sip_put_header_begin(w, SIP_UNSUPPORTED);
		sip_put_text(w, element);
		told += element.n + 2;
	}
	if (told > 0)
		sip_put_header_end(w);
}

/* What a user can do where it is registered, as its own devices would say it (RFC 3840, 9; RCC.07,
 * 2.6). */
static void put_user(const struct sip_input *in, uint32_t features, struct put *w)
{
	sip_allow_put(w);
	sip_supported_put(w);
	sip_accept_put(w);
	sip_put_header_begin(w, SIP_CONTACT);
	put_str(w, STR("<sip:"));
	sip_host_text_put(w, sip_session_domain(in->s));
	put_u8(w, '>');
	sip_features_put(features, w);
	sip_put_header_end(w);
}

/* RFC 3261, 20.43. */
void sip_warning_put(const struct sip_session *s, uint32_t code, struct put *w)
{
	static const struct {
		uint32_t   code;
		struct str text;
	} texts[] = {
		{302, {"MSRP is spoken over TCP here: TCP/MSRP", 38}},
		{304, {"A message comes by m=message with TCP/MSRP here", 47}},
		{306, {"The medium needs a=path, and must send", 38}},
		{370, {"A session carries one message here and is not changed", 53}},
		{399, {"Messages come by MESSAGE alone here: no msrp_port is configured", 63}},
	};
	char room[SIP_FLOW_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].code != code)
			continue;
		sip_put_header_begin(w, SIP_WARNING);
		put_number(w, code);
		put_u8(w, ' ');
		sip_host_text_put(w, sip_flow_text(&s->local, room));
		put_u8(w, ' ');
		sip_put_quoted(w, texts[i].text);
		sip_put_header_end(w);
	}
}

/* The header fields that belong to a status, which the request and the note tell; so they can be
 * written again when it comes again. */
static void put_lines(struct sip_input *in, unsigned status, uint32_t note, struct put *w)
{
	struct sip_instance *i = in->s->instance;

	switch (status) {
	case 200:
		if (in->m.method == SIP_METHOD_REGISTER)
			sip_register_lines(in, w);
		else if (in->m.method == SIP_METHOD_UPDATE)
			sip_timed_lines(in->s, note, w);
		else if (note & NOTE_USER)
			put_user(in, note, w);
		return;
	case 401:
		sip_digest_challenge(&i->digest, in->now, SIP_WWW_AUTHENTICATE, realm_of(in),
				     in->s->md5_alone ? SIP_OFFER_MD5 : SIP_OFFER_ALL,
				     note == NOTE_STALE, w);
		return;
	case 405:
		sip_allow_put(w);
		return;
	case 415:
		if (in->m.method == SIP_METHOD_INVITE)
			sip_put_header(w, SIP_ACCEPT, STR("application/sdp"));
		else
			sip_accept_put(w);
		return;
	case 489: /* RFC 6665, 8.2.2 */
		put_str(w, STR("Allow-Events: reg\r\n"));
		return;
	case 488:
		sip_warning_put(in->s, note, w);
		return;
	case 420:
		put_unsupported(&in->m, w);
		return;
	case 422:
		sip_put_header_number(w, SIP_MIN_SE, SIP_TIMER_MIN_S);
		return;
	case 423:
		sip_put_header_number(w, SIP_MIN_EXPIRES, SIP_EXPIRES_MIN);
		return;
	}
	if (note > 0)
		sip_put_header_number(w, SIP_RETRY_AFTER, note);
}

static struct sip_incoming incoming(const struct sip_input *in)
{
	return (struct sip_incoming){&in->m, &in->known, in->from, in->s->datagram};
}

static struct str phrase(unsigned status, enum reason why)
{
	if (why == REASON_IDENTITY_STALE)
		return STR("Stale Date"); /* RFC 8224, 6.2.2 */
	return status == 400 && why != REASON_NONE ? str_of(reason_text(why))
						   : sip_status_phrase(status);
}

/* Nothing that follows from a datagram alone is many times as long as that: who forges its source
 * has no use of it against that one. Requests of real agents are longer than that asks for. */
static bool amplifies(const struct sip_input *in, size_t mark)
{
	size_t head = sizeof(struct out_datagram);

	return in->s->datagram &&
	       out_mark(in->out) - mark > head + SIP_AMPLIFICATION_MAX * in->m.whole.n;
}

static void reply_lines(struct sip_input *in, unsigned status, enum reason why, struct str lines)
{
	struct sip_transactions  *t = &in->s->instance->transactions;
	const struct sip_incoming request = incoming(in);
	size_t                    mark = out_mark(in->out);

	sip_server_reply(t, &request,
			 &(struct sip_answer){
				 .status = status, .reason = phrase(status, why), .headers = lines},
			 in->out);
	if (amplifies(in, mark)) {
		out_undo(in->out, mark);
		metric_inc(in->s->instance->metrics, METRIC_sip_malformed_dropped);
		return;
	}
	metric_inc(in->s->instance->metrics, METRIC_sip_responses_out);
}

static void reply(struct sip_input *in, unsigned status, uint32_t note, enum reason why)
{
	char       room[SIP_HEADERS_ROOM];
	struct put lines = put_to(room, sizeof(room));

	put_lines(in, status, note, &lines);
	reply_lines(in, status, why, (struct str){room, put_size(&lines)});
}

static uint32_t note_of(unsigned status)
{
	return status == 503 ? SIP_RETRY_AFTER_S : 0;
}

void sip_refuse(struct sip_input *in, unsigned status, enum reason why)
{
	metric_refused(in->s->instance->metrics, why);
	reply(in, status, note_of(status), why);
}

static void answer_open(struct sip_input *in, struct sip_server *server, unsigned status,
			uint32_t note, enum reason why)
{
	char       room[SIP_HEADERS_ROOM];
	struct put lines = put_to(room, sizeof(room));

	struct sip_transactions *t = &in->s->instance->transactions;
	struct sip_answer a = {.status = status, .reason = phrase(status, why), .note = note};

	put_lines(in, status, note, &lines);
	a.headers = (struct str){room, put_size(&lines)};
	if (server->method == SIP_METHOD_INVITE)
		sip_invite_answer(t, server, in->now, &a, in->out);
	else
		sip_server_answer(t, server, in->now, &a, in->out);
	metric_inc(in->s->instance->metrics, METRIC_sip_responses_out);
}

void sip_refuse_open(struct sip_input *in, struct sip_server *server, unsigned status,
		     enum reason why)
{
	metric_refused(in->s->instance->metrics, why);
	answer_open(in, server, status, note_of(status), why);
}

void sip_refuse_noted(struct sip_input *in, struct sip_server *server, unsigned status,
		      uint32_t note, enum reason why)
{
	metric_refused(in->s->instance->metrics, why);
	if (server != NULL)
		answer_open(in, server, status, note, why);
	else
		reply(in, status, note, why);
}

void sip_answer_open(struct sip_input *in, struct sip_server *server, unsigned status)
{
	answer_open(in, server, status, 0, REASON_NONE);
}

void sip_answer_noted(struct sip_input *in, struct sip_server *server, unsigned status,
		      uint32_t note)
{
	answer_open(in, server, status, note, REASON_NONE);
}

void sip_say_open(struct sip_input *in, struct sip_server *server, unsigned status)
{
	sip_server_say(&in->s->instance->transactions, server, in->now,
		       &(struct sip_answer){.status = status, .reason = sip_status_phrase(status)},
		       in->out);
	metric_inc(in->s->instance->metrics, METRIC_sip_responses_out);
}

/* As if it had not come: its answer follows from the request alone, and is sent once for each. */
static void forget(struct sip_input *in, struct sip_server *server)
{
	sip_server_end(&in->s->instance->transactions, server);
}

struct sip_server *sip_begin(struct sip_input *in)
{
	struct sip_session       *s = in->s;
	const struct sip_incoming request = incoming(in);
	struct sip_server        *server;
	struct sip_again          again;

	switch (sip_server_request(&s->instance->transactions, &s->servers, in->now, &request,
				   in->out, &server, &again)) {
	case SIP_SERVER_PENDING:
		return NULL;
	case SIP_SERVER_AGAIN:
		reply(in, again.status, again.note, REASON_NONE);
		return NULL;
	case SIP_SERVER_MERGED:
		sip_refuse(in, 482, REASON_SIP_MERGED);
		return NULL;
	case SIP_SERVER_FULL:
		sip_refuse(in, 503, REASON_POOL);
		return NULL;
	case SIP_SERVER_NEW:
		break;
	}
	if (s->state == SIP_STATE_PARTING || s->servers.open > s->settings.window_max) {
		forget(in, server);
		sip_refuse(in, 503,
			   s->state == SIP_STATE_PARTING ? REASON_SHUTDOWN : REASON_WINDOW);
		return NULL;
	}
	s->message_us = in->now.us;
	return server;
}

/* Is it let in by where it comes from? To register somebody only an S-CSCF is. */
static bool let_in(struct sip_input *in)
{
	const struct proto_services *services = in->s->instance->services;
	struct proto_source          source;

	if (in->m.method == SIP_METHOD_REGISTER)
		return in->s->open_to_all || sip_is_third_party(in);
	in->identity = in->s->settings.identity;
	if (in->s->role == PROTO_CONNECTING) {
		in->sender.trusted = in->s->trusted;
		in->sender.keeps_identity = true;
		return true;
	}
	if (services->source(services->context, in->s->instance->protocol, in->from, &source)) {
		in->peer = source.peer;
		in->sender.trusted = source.trusted;
		in->sender.keeps_identity = true;
		in->identity = source.identity;
		return true;
	}
	return in->s->open_to_all;
}

/* The address of record that a user name of a realm stands for. */
static bool address_of_user(struct str username, struct str realm, struct put *aor)
{
	char           plain[SIP_URI_MAX], text[SIP_URI_MAX];
	struct put     user = put_to(plain, sizeof(plain)), w = put_to(text, sizeof(text));
	struct sip_uri uri;

	sip_unquote_put(&user, username);
	put_str(&w, STR("sip:"));
	if (memchr(plain, '@', put_size(&user)) != NULL) {
		put_bytes(&w, plain, put_size(&user));
	} else {
		sip_put_user(&w, (struct str){plain, put_size(&user)});
		put_u8(&w, '@');
		put_str(&w, realm);
	}
	if (user.failed || w.failed || !sip_uri_parse((struct str){text, put_size(&w)}, &uri))
		return false;
	sip_aor_put(aor, &uri);
	return !aor->failed;
}

static enum sip_proof prove(struct sip_input *in, struct str realm)
{
	struct sip_instance     *i = in->s->instance;
	struct put               aor = put_to(in->proven, sizeof(in->proven));
	struct proto_credentials credentials;
	struct sip_claim         claim;
	enum sip_proof           proof;
	bool                     there;

	proof = sip_digest_claim(&i->digest, &in->m, SIP_AUTHORIZATION, realm, &claim);
	if (proof != SIP_PROOF_PROVEN)
		return proof;
	there = address_of_user(claim.username, realm, &aor) &&
		i->services->credentials(i->services->context, i->protocol,
					 (struct str){in->proven, put_size(&aor)}, &credentials);
	proof = sip_digest_check(&i->digest, in->now, &claim, in->m.method_text, in->m.uri,
				 there && credentials.has_ha1 ? &credentials : NULL);
	if (proof == SIP_PROOF_PROVEN) {
		in->sender.proven = (struct str){in->proven, put_size(&aor)};
		in->sender.number = credentials.number;
	}
	return proof;
}

static bool authenticate(struct sip_input *in, struct sip_server *server)
{
	const enum sip_proof proof = prove(in, realm_of(in));

	if (proof == SIP_PROOF_PROVEN) {
		server->proven = true;
		return true;
	}
	forget(in, server);
	if (proof == SIP_PROOF_MALFORMED)
		sip_refuse(in, 400, REASON_SIP_FIELD);
	else if (proof == SIP_PROOF_WRONG)
		sip_refuse(in, 401, REASON_PASSWORD);
	else
		reply(in, 401, proof == SIP_PROOF_STALE ? NOTE_STALE : 0, REASON_NONE);
	return false;
}

/*
 * What has no credentials is turned away before it costs memory; what has some gets a transaction
 * first, so that a request that comes again is no replay of its nonce count. It keeps that only
 * when they are right: the same request gets the same answer without.
 */
struct sip_server *sip_admit(struct sip_input *in)
{
	bool               in_already = let_in(in);
	struct sip_claim   claim;
	struct sip_server *server;

	if (!in_already && sip_digest_claim(&in->s->instance->digest, &in->m, SIP_AUTHORIZATION,
					    realm_of(in), &claim) == SIP_PROOF_NONE) {
		reply(in, 401, 0, REASON_NONE);
		return NULL;
	}
	server = sip_begin(in);
	if (server == NULL || in_already || authenticate(in, server))
		return server;
	return NULL;
}

static void found(struct sip_input *in, enum msg_identity identity, enum metric metric)
{
	in->sender.identity = (uint8_t)identity;
	metric_inc(in->s->instance->metrics, metric);
}

bool sip_identified(struct sip_input *in, struct sip_server *server)
{
	const struct sip_map map = sip_session_map(in->s, in->now);
	enum reason          why;

	if (!(in->identity & (PROTO_IDENTITY_VERIFY | PROTO_IDENTITY_REQUIRE)))
		return true;
	why = sip_identity_check(&map, &in->m, &in->known, &in->sender);
	if (why == REASON_NONE)
		found(in, MSG_IDENTITY_PASSED, METRIC_sip_identities_passed);
	else if (why == REASON_IDENTITY_MISSING)
		found(in, MSG_IDENTITY_NONE, METRIC_sip_identities_missing);
	else
		found(in, MSG_IDENTITY_FAILED, METRIC_sip_identities_failed);
	if (in->sender.identity == MSG_IDENTITY_FAILED)
		in->sender.keeps_identity = false;
	if (why == REASON_NONE || !(in->identity & PROTO_IDENTITY_REQUIRE))
		return true;
	sip_refuse_open(in, server, sip_status_of_reason(why), why);
	return false;
}

static bool is_ours(const struct sip_session *s, const struct sip_via *via)
{
	char     room[SIP_FLOW_TEXT_SIZE];
	unsigned worker;

	return via->port == s->local.port && sip_branch_worker(via->branch, &worker) &&
	       sip_same(via->host.text, sip_flow_text(&s->local, room));
}

/* One of our own requests has come back: its Via is among those of this one (16.3, step 4). */
static bool loops(const struct sip_input *in)
{
	struct sip_list l;
	struct str      element;
	struct sip_via  via;

	if (in->known.via_count == 1)
		return is_ours(in->s, &in->known.via);
	for (sip_list_init(&l, &in->m, SIP_VIA); sip_list_next(&l, &element);) {
		if (sip_via_parse(element, &via) && is_ours(in->s, &via))
			return true;
	}
	return false;
}

/* What its sender calls the conversation with the recipient, for answers that do not say. */
static void learn_conversation(const struct sip_input *in, const struct msg *m)
{
	const struct proto_services *services = in->s->instance->services;
	struct str                   id;

	if ((m->kind == MSG_TEXT || m->kind == MSG_BINARY) && m->from.kind != ADDR_NONE &&
	    sip_header_find(&in->m, SIP_CONVERSATION_ID, &id))
		services->converse(services->context, msg_addr(m, &m->from), msg_addr(m, &m->to),
				   id);
}

bool sip_passes(struct sip_input *in)
{
	if (in->known.has_max_forwards && in->known.max_forwards == 0)
		sip_refuse(in, 483, REASON_LOOP);
	else if (loops(in))
		sip_refuse(in, 482, REASON_LOOP);
	else
		return true;
	return false;
}

void sip_on_message(struct sip_input *in)
{
	struct sip_session  *s = in->s;
	const struct sip_map map = sip_session_map(s, in->now);
	struct msg          *m = in->event->msg;
	struct sip_server   *server;
	enum reason          why;
	unsigned             status;

	if (!sip_passes(in))
		return;
	server = sip_admit(in);
	if (server == NULL || !sip_identified(in, server))
		return;
	if (sip_is_sms(in)) {
		sip_on_sms(in, server);
		return;
	}
	if (!(s->may & PROTO_SENDS)) {
		sip_refuse_open(in, server, 403, REASON_BIND_STATE);
		return;
	}
	if (sip_is_list(in)) {
		sip_on_list(in, server);
		return;
	}
	if (m == NULL) {
		sip_refuse_open(in, server, 503, REASON_POOL);
		return;
	}
	status = sip_map_in(&map, &in->m, &in->known, &in->sender, m, &why);
	if (status != 200) {
		msg_reset(m);
		sip_refuse_open(in, server, status, why);
		return;
	}
	learn_conversation(in, m);
	m->token = sip_server_token(&s->instance->transactions, server);
	in->event->kind = EVENT_MSG;
	in->event->peer = in->peer;
}

void sip_answer_message(struct sip_session *s, struct now now, struct sip_server *server,
			const struct result *r, struct out *out)
{
	unsigned   status = sip_status_of_result(r, s->instance->protocol);
	char       room[1024];
	struct put lines = put_to(room, sizeof(room));
	uint32_t   note = 0;

	if (status == 503 || (r->retry_after_ms > 0 && sip_status_retries(status)))
		note = r->retry_after_ms > 0 ? (r->retry_after_ms + 999) / 1000 : SIP_RETRY_AFTER_S;
	if (note > 0)
		sip_put_header_number(&lines, SIP_RETRY_AFTER, note);
	if (status == 415)
		sip_accept_put(&lines);
	sip_server_answer(&s->instance->transactions, server, now,
			  &(struct sip_answer){.status = status,
					       .reason = sip_status_phrase(status),
					       .headers = {room, put_size(&lines)},
					       .note = note},
			  out);
	metric_inc(s->instance->metrics, METRIC_sip_responses_out);
}

/* RFC 3261, 9.2: what is no INVITE goes on as if nothing had come. */
void sip_on_cancel(struct sip_input *in)
{
	const struct sip_incoming request = incoming(in);
	struct sip_server        *open;

	if (sip_server_cancels(&in->s->instance->transactions, in->now, &request, &open))
		reply(in, 200, 0, REASON_NONE);
	else
		sip_refuse(in, 481, REASON_SIP_TRANSACTION);
}

/* Whom it asks about, in normal form. False: us. */
static bool asks_of_user(const struct sip_input *in, const struct sip_map *map,
			 struct sip_address *a)
{
	const struct sip_uri *uri = &in->known.uri;

	return sip_address_of(map, uri, a) && a->kind != ADDR_NONE &&
	       (uri->scheme == SIP_SCHEME_TEL ||
		(uri->user.n > 0 && sip_serves(map, uri->host.text)));
}

/* What a user can do, for who is let in. */
static void answer_of_user(struct sip_input *in, const struct sip_address *a)
{
	const struct proto_services *services = in->s->instance->services;
	struct sip_server           *server = sip_admit(in);
	uint16_t                     features;

	if (server == NULL)
		return;
	switch (services->reach(services->context, in->s->instance->protocol, sip_address_text(a),
				&features)) {
	case PROTO_REACH_NOBODY:
		sip_refuse_open(in, server, 404, REASON_DESTINATION);
		break;
	case PROTO_REACH_AWAY:
		sip_refuse_open(in, server, 480, REASON_NOT_REGISTERED);
		break;
	case PROTO_REACH_HERE:
		answer_open(in, server, 200, NOTE_USER | features, REASON_NONE);
		break;
	}
}

/* RFC 3261, 11.2: what we can, to whoever asks. Over UDP a short question does not get a long
 * answer, which would be of use against somebody else. */
void sip_on_options(struct sip_input *in)
{
	const struct sip_map map = sip_session_map(in->s, in->now);
	struct sip_address   user;
	char                 room[2048];
	struct put           lines = put_to(room, sizeof(room));
	size_t               mark;

	if (asks_of_user(in, &map, &user)) {
		answer_of_user(in, &user);
		return;
	}
	sip_allow_put(&lines);
	sip_supported_put(&lines);
	mark = put_size(&lines);
	sip_accept_put(&lines);
	if (in->s->media.port != 0) {
		sip_put_header(&lines, SIP_ACCEPT, STR("application/sdp"));
		sip_our_contact_put(in->s, false, &lines);
	}
	if (in->s->datagram && put_size(&lines) > in->m.whole.n)
		lines.p = lines.start + mark;
	reply_lines(in, 200, REASON_NONE, (struct str){room, put_size(&lines)});
}
