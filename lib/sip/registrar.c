/* REGISTER (RFC 3261, 10.3; Path: RFC 3327; Service-Route: RFC 3608; outbound: RFC 5626). The
 * bindings themselves are kept by whoever takes EVENT_BINDING. */
#include "sip/session_private.h"

/* What the 200 needs and the request says; kept with the transaction. */
struct reply {
	struct str aor;
	struct str path; /* as it came, all lines; empty: none */
	bool       outbound;
	bool       core; /* an S-CSCF says so of its user */
	/* Of the request at hand: */
	struct sip_uri edge;          /* the first of the Path */
	bool           peer, trusted; /* it comes from a peer */
};

struct contact {
	struct sip_name_addr name;
	uint32_t             expires, reg_id;
	unsigned             q;
	struct str           instance;
	uint16_t             features;
};

static bool contact_parse(struct str element, uint32_t expires_all, struct contact *c)
{
	struct sip_param p;

	*c = (struct contact){.expires = expires_all, .q = 1000};
	if (!sip_name_addr_parse(element, &c->name))
		return false;
	if (c->name.uri.scheme != SIP_SCHEME_SIP && c->name.uri.scheme != SIP_SCHEME_SIPS)
		return false;
	if (sip_param_find(c->name.params, STR("expires"), &p) &&
	    !sip_number_parse(p.value, &c->expires))
		c->expires = SIP_EXPIRES_MAX; /* 10.2.1.1: as if there were none */
	if (sip_param_find(c->name.params, STR("q"), &p) && !sip_q_parse(p.value, &c->q))
		return false;
	if (sip_param_find(c->name.params, STR("+sip.instance"), &p))
		c->instance = p.value;
	if (sip_param_find(c->name.params, STR("reg-id"), &p) &&
	    (!sip_number_parse(p.value, &c->reg_id) || c->reg_id == 0 ||
	     c->reg_id > SIP_REG_ID_MAX))
		return false;
	c->features = sip_features_of(c->name.params);
	return true;
}

/* 10.3, step 7; RFC 5626, 6: equal for two registrations of one place. */
static uint64_t key_of(const struct contact *c, bool outbound)
{
	static const struct hash_key spread = {0x5349502062696e64ull, 0x696e67206b657973ull};
	char                         room[2 * SIP_URI_MAX];
	struct put                   w = put_to(room, sizeof(room));

	if (outbound) {
		put_be32(&w, c->reg_id);
		put_str(&w, c->instance);
	} else {
		sip_uri_aor_put(&w, &c->name.uri);
		put_str(&w, c->name.uri.params);
	}
	return hash_sip(&spread, room, put_size(&w));
}

static bool same_address(const struct flow *a, const struct flow *b)
{
	return a->ip6 == b->ip6 && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

bool sip_flow_of_uri(const struct sip_input *in, const struct sip_uri *uri, struct flow *to)
{
	const struct proto_services *services = in->s->instance->services;
	const struct sip_host       *host = &uri->host;
	char                         room[SIP_HOST_SIZE_MAX];
	struct str                   name;

	*to = (struct flow){.port = uri->has_port ? uri->port
						  : sip_transport_port(SIP_TRANSPORT_UDP)};
	if (host->kind == SIP_HOST_NAME)
		return sip_host_fold(host->text, room, &name) &&
		       services->resolve(services->context, name, to);
	to->ip6 = host->kind == SIP_HOST_IP6;
	memcpy(to->address, host->address, to->ip6 ? 16 : 4);
	return host->kind != SIP_HOST_NONE;
}

/*
 * Datagrams go back to where the registration came from, which has proved that it is there, and not
 * to where a Contact points, which could be somebody else; but for the port, where the Contact
 * names the same host. A trusted peer speaks for others: they go where its Path says (RFC 3327,
 * 5.3), else where its Contact does. False: that is not known here.
 */
static bool flow_of(const struct sip_input *in, const struct contact *c, const struct reply *reply,
		    struct flow *to)
{
	const struct sip_uri *uri = reply->path.n > 0 ? &reply->edge : &c->name.uri;
	struct sip_param      transport;
	struct flow           there;

	*to = *in->from;
	if (!in->s->datagram || c->expires == 0 ||
	    (sip_uri_param_find(uri, STR("transport"), &transport) &&
	     !sip_same(transport.value, STR("udp"))))
		return true;
	if (reply->trusted) {
		if (!sip_flow_of_uri(in, uri, &there) || there.ip6 != in->from->ip6)
			return false;
		*to = there;
		return true;
	}
	if (reply->path.n == 0 && uri->host.kind != SIP_HOST_NAME &&
	    sip_flow_of_uri(in, uri, &there) && same_address(&there, in->from))
		*to = there;
	return true;
}

/* RFC 3327, 6: who is let in puts himself on the way, and nobody else. */
static bool may_path(const struct sip_input *in, const struct reply *reply)
{
	struct flow there;

	return reply->path.n == 0 || reply->peer || in->s->open_to_all ||
	       (sip_flow_of_uri(in, &reply->edge, &there) && same_address(&there, in->from));
}

bool sip_binding_text_put(struct put *w, struct proto_binding *b, enum proto_binding_text which,
			  struct str text)
{
	if (text.n > UINT16_MAX)
		return false;
	b->text[which].off = (uint16_t)put_size(w);
	b->text[which].size = (uint16_t)text.n;
	put_str(w, text);
	return !w->failed;
}

/* 200, or the status that refuses it. */
static unsigned binding_add(struct sip_input *in, const struct contact *c,
			    const struct reply *reply, struct put *text, enum reason *why)
{
	struct proto_registration *r = &in->s->instance->registration;
	struct proto_binding      *b = &r->bindings[r->count];
	uint64_t life = c->expires < SIP_EXPIRES_MAX ? c->expires : SIP_EXPIRES_MAX;

	*why = REASON_BIND_LIMIT;
	if (r->count == PROTO_BINDINGS_MAX)
		return 403;
	*b = (struct proto_binding){
		.key = key_of(c, reply->outbound && c->reg_id > 0),
		.expires_us = in->now.us + life * US_PER_SECOND,
		.sequence = in->known.cseq.number,
		.priority = (uint16_t)c->q,
		.features = (uint16_t)(c->features | c->reg_id << SIP_FEATURE_REG_ID_SHIFT |
				       (in->s->datagram ? 0 : SIP_FEATURE_STREAM)),
	};
	r->count++;
	if (!sip_binding_text_put(text, b, BINDING_CONTACT, c->name.uri_text) ||
	    !sip_binding_text_put(text, b, BINDING_PATH, reply->path) ||
	    !sip_binding_text_put(text, b, BINDING_INSTANCE, c->instance) ||
	    !sip_binding_text_put(text, b, BINDING_CALL, in->known.call_id))
		return 403;
	*why = REASON_SIP_HOST;
	return flow_of(in, c, reply, &b->flow) ? 200 : 400;
}

static bool wants_outbound(const struct sip_input *in, const struct contact *c)
{
	return c->reg_id > 0 && c->instance.n > 0 &&
	       (sip_list_has(&in->m, SIP_SUPPORTED, STR("outbound")) ||
		sip_list_has(&in->m, SIP_REQUIRE, STR("outbound")));
}

/* The Path as it goes into a request; more than one line is joined. */
static bool path_of(const struct sip_message *m, struct put *w)
{
	struct sip_list l;
	struct str      element;

	sip_list_init(&l, m, SIP_PATH);
	while (sip_list_next(&l, &element)) {
		struct sip_name_addr name;

		if (!sip_name_addr_parse(element, &name))
			return false;
		if (put_size(w) > 0)
			put_str(w, STR(", "));
		put_str(w, element);
	}
	return !l.failed && !w->failed;
}

static unsigned contacts_read(struct sip_input *in, struct reply *reply, struct put *text,
			      enum reason *why)
{
	struct sip_list l;
	struct str      element, value;
	uint32_t        expires_all = SIP_EXPIRES_MAX;
	struct contact  c;
	unsigned        status;

	if (sip_header_find(&in->m, SIP_EXPIRES, &value) && !sip_seconds_parse(value, &expires_all))
		expires_all = SIP_EXPIRES_MAX;
	sip_list_init(&l, &in->m, SIP_CONTACT);
	while (sip_list_next(&l, &element)) {
		*why = REASON_SIP_CONTACT;
		if (!contact_parse(element, expires_all, &c))
			return 400;
		*why = REASON_VALIDITY;
		if (c.expires > 0 && c.expires < SIP_EXPIRES_MIN)
			return 423;
		reply->outbound = reply->outbound || wants_outbound(in, &c);
		status = binding_add(in, &c, reply, text, why);
		if (status != 200)
			return status;
	}
	*why = REASON_SIP_CONTACT;
	if (l.failed || (reply->outbound && in->s->instance->registration.count > 1))
		return 400; /* RFC 5626, 6: one Contact only */
	return 200;
}

/* "Contact: *": only alone, and only to end all (10.3, step 6). */
static bool is_star(const struct sip_message *m, bool *valid)
{
	struct sip_list l;
	struct str      element, value;
	uint32_t        expires = 1;
	bool            star = false;
	unsigned        count = 0;

	sip_list_init(&l, m, SIP_CONTACT);
	while (sip_list_next(&l, &element)) {
		star = star || str_eq(element, STR("*"));
		count++;
	}
	if (sip_header_find(m, SIP_EXPIRES, &value) && !sip_seconds_parse(value, &expires))
		expires = 1;
	*valid = count == 1 && expires == 0;
	return star;
}

static bool aor_of(const struct sip_input *in, bool core, struct put *w)
{
	if (core)
		sip_third_party_aor(in, w);
	else
		sip_aor_put(w, &in->known.to.uri);
	return !w->failed;
}

/* 10.3, steps 1 to 5. 200: it may. */
static unsigned may_register(const struct sip_input *in, struct str aor, enum reason *why)
{
	const struct sip_map  map = sip_session_map(in->s, in->now);
	const struct sip_uri *to = &in->known.to.uri;
	struct sip_address    a;

	*why = REASON_DESTINATION;
	if ((to->scheme != SIP_SCHEME_SIP && to->scheme != SIP_SCHEME_SIPS) ||
	    !sip_serves(&map, to->host.text) || !sip_address_of(&map, to, &a))
		return 404;
	*why = REASON_SENDER;
	return in->sender.proven.n == 0 || str_eq(in->sender.proven, aor) ||
			       sip_sender_owns(&in->sender, &a)
		       ? 200
		       : 403;
}

/* A contact of a record with what remains of it. */
static void put_contact(const struct proto_record *r, const struct proto_binding *b, struct now now,
			struct put *w)
{
	struct str instance = proto_binding_text(r, b, BINDING_INSTANCE);
	uint32_t   reg_id = b->features >> SIP_FEATURE_REG_ID_SHIFT & SIP_REG_ID_MAX;

	if (b->expires_us <= now.us)
		return;
	sip_put_header_begin(w, SIP_CONTACT);
	if (b->features & PROTO_BINDING_AT_PEER) {
		sip_put_text(w, proto_binding_text(r, b, BINDING_PATH));
	} else {
		put_u8(w, '<');
		sip_put_text(w, proto_binding_text(r, b, BINDING_CONTACT));
		put_u8(w, '>');
	}
	put_str(w, STR(";expires="));
	put_number(w, (uint32_t)((b->expires_us - now.us + US_PER_SECOND - 1) / US_PER_SECOND));
	if (b->priority < 1000) {
		put_str(w, STR(";q=0."));
		for (unsigned digit = 100; digit > 0; digit /= 10)
			put_u8(w, (uint8_t)('0' + b->priority / digit % 10));
	}
	if (instance.n > 0 && !(b->features & PROTO_BINDING_AT_PEER)) {
		put_str(w, STR(";+sip.instance=\""));
		sip_put_text(w, instance);
		put_u8(w, '"');
	}
	if (reg_id > 0) {
		put_str(w, STR(";reg-id="));
		put_number(w, reg_id);
	}
	sip_put_header_end(w);
}

static void put_reply(const struct sip_session *s, struct now now, const struct reply *reply,
		      struct put *w)
{
	const struct proto_services *services = s->instance->services;
	const struct proto_record   *r =
		services->record(services->context, s->instance->protocol, reply->aor);
	struct str route = reply->core ? STR("") : sip_session_service_route(s);

	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		if (!reply->core || (r->bindings[i].features & PROTO_BINDING_AT_PEER))
			put_contact(r, &r->bindings[i], now, w);
	}
	sip_put_header_begin(w, SIP_DATE);
	sip_put_date(w, now.wall_ms / 1000);
	sip_put_header_end(w);
	if (reply->path.n > 0)
		sip_put_header(w, SIP_PATH, reply->path);
	if (route.n > 0)
		sip_put_header(w, SIP_SERVICE_ROUTE, route);
	if (reply->outbound)
		sip_put_header(w, SIP_REQUIRE, STR("outbound"));
	sip_supported_put(w);
}

static void source_read(const struct sip_input *in, struct reply *reply)
{
	const struct proto_services *services = in->s->instance->services;
	struct proto_source          source;
	struct sip_name_addr         name;
	struct sip_list              l;
	struct str                   element;

	reply->peer =
		services->source(services->context, in->s->instance->protocol, in->from, &source);
	reply->trusted = reply->peer && source.trusted;
	sip_list_init(&l, &in->m, SIP_PATH);
	if (sip_list_next(&l, &element) && sip_name_addr_parse(element, &name))
		reply->edge = name.uri;
}

/* What the request says for its 200; read again when it comes again. */
static bool reply_read(struct sip_input *in, struct reply *reply, struct put *aor, struct put *path)
{
	struct sip_list l;
	struct str      element;
	struct contact  c;
	bool            core = sip_is_third_party(in);

	if (!aor_of(in, core, aor) || !path_of(&in->m, path))
		return false;
	*reply = (struct reply){.core = core,
				.aor = {(const char *)aor->start, put_size(aor)},
				.path = {(const char *)path->start, put_size(path)}};
	sip_list_init(&l, &in->m, SIP_CONTACT);
	if (!core && sip_list_next(&l, &element) && contact_parse(element, 0, &c))
		reply->outbound = wants_outbound(in, &c);
	return true;
}

void sip_register_lines(struct sip_input *in, struct put *w)
{
	char         aor_room[SIP_URI_MAX], path_room[PROTO_RECORD_TEXT_MAX];
	struct put   aor = put_to(aor_room, sizeof(aor_room));
	struct put   path = put_to(path_room, sizeof(path_room));
	struct reply reply;

	if (reply_read(in, &reply, &aor, &path))
		put_reply(in->s, in->now, &reply, w);
}

static bool reply_keep(struct sip_input *in, struct sip_server *server, const struct reply *reply)
{
	struct sip_transactions *t = &in->s->instance->transactions;
	uint16_t sizes[4] = {(uint16_t)reply->aor.n, (uint16_t)reply->path.n, reply->outbound,
			     reply->core};

	return sip_server_keep(t, server, sizes, sizeof(sizes)) &&
	       sip_server_keep(t, server, reply->aor.p, reply->aor.n) &&
	       sip_server_keep(t, server, reply->path.p, reply->path.n);
}

static void give_registration(struct sip_input *in, struct sip_server *server,
			      const struct reply *reply, const struct put *text)
{
	struct sip_instance       *i = in->s->instance;
	struct proto_registration *r = &i->registration;

	if (!reply_keep(in, server, reply)) {
		sip_refuse_open(in, server, 503, REASON_POOL);
		return;
	}
	r->address = reply->aor;
	r->text = (struct str){i->text, put_size(text)};
	r->token = sip_server_token(&i->transactions, server);
	in->event->kind = EVENT_BINDING;
	in->event->registration = r;
	in->event->token = r->token;
	in->event->peer = in->peer;
}

/* What is asked for oneself. 200, or the status that refuses it. */
static unsigned bindings_read(struct sip_input *in, struct reply *reply, struct put *text,
			      bool *star, enum reason *why)
{
	unsigned status = may_register(in, reply->aor, why);
	bool     valid;

	*star = is_star(&in->m, &valid);
	in->s->instance->registration.remove_all = *star;
	if (status != 200)
		return status;
	*why = REASON_SIP_CONTACT;
	if (*star && !valid)
		return 400;
	*why = REASON_SIP_PATH;
	if (!may_path(in, reply))
		return 403;
	return *star ? 200 : contacts_read(in, reply, text, why);
}

/* The user of an S-CSCF. 200, or the status that refuses it. */
static unsigned core_read(struct sip_input *in, const struct reply *reply, struct put *text,
			  enum reason *why)
{
	*why = REASON_DESTINATION;
	if (reply->aor.n == 0)
		return 404;
	if (in->m.first[SIP_CONTACT] == SIP_NO_SLOT)
		return 200;
	return sip_third_party_read(in, reply->aor, text, why);
}

static void on_register(struct sip_input *in, struct sip_server *server, struct reply *reply)
{
	struct sip_instance *i = in->s->instance;
	struct put           text = put_to(i->text, sizeof(i->text));
	enum reason          why;
	unsigned             status;
	bool                 star = false;

	i->registration = (struct proto_registration){0};
	status = reply->core ? core_read(in, reply, &text, &why)
			     : bindings_read(in, reply, &text, &star, &why);
	if (status != 200)
		sip_refuse_open(in, server, status, why);
	else if (!star && i->registration.count == 0)
		sip_answer_open(in, server, 200); /* 10.2.3: it only asks */
	else
		give_registration(in, server, reply, &text);
}

void sip_on_register(struct sip_input *in)
{
	struct sip_instance *i = in->s->instance;
	char                 path_room[PROTO_RECORD_TEXT_MAX];
	struct put           aor = put_to(i->scratch, SIP_URI_MAX);
	struct put           path = put_to(path_room, sizeof(path_room));
	struct sip_server   *server;
	struct reply         reply;

	if (in->s->role == PROTO_CONNECTING && !sip_is_third_party(in)) {
		sip_refuse(in, 405, REASON_NOT_SUPPORTED);
		return;
	}
	if (!reply_read(in, &reply, &aor, &path)) {
		sip_refuse(in, 400, REASON_SIP_FIELD);
		return;
	}
	server = sip_admit(in);
	if (server == NULL)
		return;
	if (!reply.core)
		source_read(in, &reply);
	on_register(in, server, &reply);
}

void sip_answer_register(struct sip_session *s, struct now now, struct sip_server *server,
			 const struct result *r, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;
	char                     room[SIP_HEADERS_ROOM];
	struct put               lines = put_to(room, sizeof(room));
	struct put               kept = put_to(s->instance->scratch, sizeof(s->instance->scratch));
	unsigned                 status = 200;
	uint32_t                 note = 0;
	struct reply             reply = {0};

	if (r->why != REASON_NONE)
		status = sip_status_of_reason((enum reason)r->why);
	if (status == 503)
		note = r->retry_after_ms > 0 ? (r->retry_after_ms + 999) / 1000 : SIP_RETRY_AFTER_S;
	if (note > 0)
		sip_put_header_number(&lines, SIP_RETRY_AFTER, note);
	sip_server_kept(t, server, &kept);
	if (status == 200) {
		struct cur c = cur_of(s->instance->scratch, put_size(&kept));
		uint16_t   sizes[4];

		memcpy(sizes, cur_bytes(&c, sizeof(sizes)), sizeof(sizes));
		reply.aor = (struct str){(const char *)cur_bytes(&c, sizes[0]), sizes[0]};
		reply.path = (struct str){(const char *)cur_bytes(&c, sizes[1]), sizes[1]};
		reply.outbound = sizes[2] != 0;
		reply.core = sizes[3] != 0;
		put_reply(s, now, &reply, &lines);
	}
	sip_server_answer(t, server, now,
			  &(struct sip_answer){.status = status,
					       .reason = sip_status_phrase(status),
					       .headers = {room, put_size(&lines)},
					       .note = note},
			  out);
	metric_inc(s->instance->metrics, METRIC_sip_responses_out);
	if (status == 200 && reply.core)
		sip_watch_begin(s, now, reply.aor, out);
}
