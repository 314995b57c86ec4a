/*
 * REGISTER of an S-CSCF about one of its users (TS 24.229, 5.4.1.7): the user is reached through
 * the peer that said so, by its own identity and a Route to that S-CSCF, until it says otherwise.
 * What the user's devices take is in the REGISTER of one of them, where that is enclosed.
 */
#include "sip/features.h"
#include "sip/multipart.h"
#include "sip/session_private.h"
#include "sip/watch.h"

static bool same_aor(const struct sip_uri *a, const struct sip_uri *b)
{
	char       one[SIP_URI_MAX], other[SIP_URI_MAX];
	struct put first = put_to(one, sizeof(one)), second = put_to(other, sizeof(other));

	sip_uri_aor_put(&first, a);
	sip_uri_aor_put(&second, b);
	return str_eq((struct str){one, put_size(&first)}, (struct str){other, put_size(&second)});
}

bool sip_is_third_party(const struct sip_input *in)
{
	const struct proto_services *services = in->s->instance->services;
	struct proto_source          source;
	bool                         trusted = in->s->trusted;

	if (in->s->role != PROTO_CONNECTING)
		trusted = services->source(services->context, in->s->instance->protocol, in->from,
					   &source) &&
			  source.trusted;
	return trusted && !same_aor(&in->known.from.uri, &in->known.to.uri);
}

/*
 * By what a user is found here: as a subscriber who has this address; else by its number; else by
 * its address in a domain that is served. Nothing is written where it is none of these.
 */
void sip_third_party_aor(const struct sip_input *in, struct put *w)
{
	const struct proto_services *services = in->s->instance->services;
	const struct sip_map         map = sip_session_map(in->s, in->now);
	const struct sip_uri        *to = &in->known.to.uri;
	struct proto_credentials     credentials;
	struct sip_address           a;
	size_t                       mark = put_size(w);

	if (!sip_address_of(&map, to, &a))
		return;
	if (to->scheme == SIP_SCHEME_SIP || to->scheme == SIP_SCHEME_SIPS) {
		sip_aor_put(w, to);
		if (!w->failed &&
		    (services->credentials(
			     services->context, in->s->instance->protocol,
			     (struct str){(const char *)w->start + mark, put_size(w) - mark},
			     &credentials) ||
		     (a.kind != ADDR_E164 && sip_serves(&map, to->host.text))))
			return;
	}
	w->p = w->start + mark;
	if (a.kind == ADDR_E164)
		put_str(w, sip_address_text(&a));
}

/* ---- what its devices take ---- */

static bool features_of_register(struct str text, uint16_t *features)
{
	struct sip_scan      scan = {0};
	struct cur           bytes = cur_of((const uint8_t *)text.p, text.n);
	struct sip_message   m; /* not zeroed: most of it is an index */
	struct sip_name_addr name;
	struct sip_list      l;
	struct str           element;
	enum reason          why;

	if (sip_message_next(&scan, &bytes, SIP_DATAGRAM, &m, &why) != PULL_ITEM ||
	    m.kind != SIP_REQUEST || m.method != SIP_METHOD_REGISTER)
		return false;
	for (sip_list_init(&l, &m, SIP_CONTACT); sip_list_next(&l, &element);) {
		if (sip_name_addr_parse(element, &name))
			*features |= sip_features_of(name.params);
	}
	return true;
}

static bool is_sip(struct str type)
{
	struct sip_media media;

	return sip_media_parse(type, &media) && sip_media_is(&media, STR("message"), STR("sip"));
}

/* The REGISTER of a device, alone or beside the service profile and the answer to it. False: there
 * is none that can be read. */
static bool features_enclosed(const struct sip_input *in, uint16_t *features)
{
	struct cur           body = in->m.body;
	size_t               n = cur_left(&body);
	struct str           type, whole = {(const char *)body.p, n};
	struct sip_multipart parts;
	struct sip_part      part;

	if (n == 0 || !sip_header_find(&in->m, SIP_CONTENT_TYPE, &type))
		return false;
	if (is_sip(type))
		return features_of_register(whole, features);
	if (!sip_multipart_open(&parts, type, body, NULL))
		return false;
	while (sip_multipart_next(&parts, &part)) {
		if (is_sip(part.mime.type) && features_of_register(part.body, features))
			return true;
	}
	return false;
}

/* ---- the binding ---- */

/* NULL: there is none. */
static const struct proto_binding *binding_of(const struct proto_record *r)
{
	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		if (r->bindings[i].features & PROTO_BINDING_AT_PEER)
			return &r->bindings[i];
	}
	return NULL;
}

/* The peer is found by where its Contact leads, if that is one we believe, else by where it comes
 * from. */
static struct flow flow_of_core(const struct sip_input *in, const struct sip_uri *contact)
{
	const struct proto_services *services = in->s->instance->services;
	struct proto_source          source;
	struct flow                  there;

	if (in->s->role == PROTO_CONNECTING)
		return in->s->remote;
	if (sip_flow_of_uri(in, contact, &there) &&
	    services->source(services->context, in->s->instance->protocol, &there, &source) &&
	    source.trusted)
		return there;
	return *in->from;
}

/* "<sip:scscf1.home.net;lr>" */
static void put_route(struct put *w, const struct sip_name_addr *contact)
{
	struct sip_param lr;

	put_u8(w, '<');
	sip_put_text(w, contact->uri_text);
	if (!sip_uri_param_find(&contact->uri, STR("lr"), &lr))
		put_str(w, STR(";lr"));
	put_u8(w, '>');
}

/* Who speaks for it, and how long. 200, or the status that refuses it. */
static unsigned contact_read(const struct sip_input *in, struct sip_name_addr *contact,
			     uint32_t *expires, enum reason *why)
{
	struct sip_list  l;
	struct sip_param p;
	struct str       element, value;

	*expires = SIP_EXPIRES_MAX;
	if (sip_header_find(&in->m, SIP_EXPIRES, &value) && !sip_seconds_parse(value, expires))
		*expires = SIP_EXPIRES_MAX;
	sip_list_init(&l, &in->m, SIP_CONTACT);
	*why = REASON_SIP_CONTACT;
	if (!sip_list_next(&l, &element) || !sip_name_addr_parse(element, contact) ||
	    (contact->uri.scheme != SIP_SCHEME_SIP && contact->uri.scheme != SIP_SCHEME_SIPS) ||
	    contact->uri.headers.n > 0 || in->known.to.uri.headers.n > 0 ||
	    sip_list_next(&l, &element) || l.failed)
		return 400;
	if (sip_param_find(contact->params, STR("expires"), &p))
		sip_number_parse(p.value, expires);
	if (*expires > SIP_EXPIRES_PEER_MAX)
		*expires = SIP_EXPIRES_PEER_MAX;
	return 200;
}

/* What watches it for this S-CSCF: what does so already, or another. NULL: it is not to be watched,
 * or there is no memory for that. */
static struct sip_watch *watch_of(const struct sip_input *in, struct str aor,
				  const struct proto_record  *record,
				  const struct proto_binding *before, struct str route,
				  const struct flow *there)
{
	const struct proto_services *services = in->s->instance->services;
	struct sip_watch            *w = NULL;
	struct proto_source          source;

	if (before != NULL)
		w = sip_watch_by_tag(in->s->instance,
				     proto_binding_text(record, before, BINDING_INSTANCE));
	if (!services->source(services->context, in->s->instance->protocol, in->from, &source) ||
	    !source.watched) {
		if (w != NULL)
			sip_watch_end(w);
		return NULL;
	}
	if (w != NULL && w->session == in->s &&
	    str_eq(proto_binding_text(record, before, BINDING_PATH), route))
		return w;
	if (w != NULL)
		sip_watch_end(w);
	return sip_watch_new(in->s, in->now, there,
			     (struct str[SIP_WATCH_TEXTS]){aor, in->known.to.uri_text, route});
}

/* Its texts. False: too long. */
static bool texts_put(const struct sip_input *in, struct str route, const struct sip_watch *w,
		      struct proto_binding *b, struct put *text)
{
	char       tag[SIP_NAME_SIZE];
	struct put to = put_to(tag, sizeof(tag));

	if (w != NULL)
		sip_watch_tag_put(w, &to);
	return sip_binding_text_put(text, b, BINDING_CONTACT, in->known.to.uri_text) &&
	       sip_binding_text_put(text, b, BINDING_PATH, route) &&
	       sip_binding_text_put(text, b, BINDING_INSTANCE, (struct str){tag, put_size(&to)}) &&
	       sip_binding_text_put(text, b, BINDING_CALL, in->known.call_id);
}

unsigned sip_third_party_read(struct sip_input *in, struct str aor, struct put *text,
			      enum reason *why)
{
	const struct proto_services *services = in->s->instance->services;
	struct proto_registration   *r = &in->s->instance->registration;
	const struct proto_record   *record =
		services->record(services->context, in->s->instance->protocol, aor);
	const struct proto_binding *before = binding_of(record);
	struct proto_binding       *b = &r->bindings[0];
	char                        room[SIP_URI_MAX + 8];
	struct put                  to = put_to(room, sizeof(room));
	struct sip_watch           *watch = NULL;
	struct sip_name_addr        contact;
	struct flow                 there;
	struct str                  route;
	uint32_t                    expires;
	uint16_t                    features = 0;
	unsigned                    status = contact_read(in, &contact, &expires, why);

	if (status != 200)
		return status;
	put_route(&to, &contact);
	route = (struct str){room, put_size(&to)};
	if (to.failed)
		return 400;
	if (expires == 0 &&
	    (before == NULL || !str_eq(proto_binding_text(record, before, BINDING_PATH), route)))
		return 200; /* the user has another S-CSCF since, or none */
	there = flow_of_core(in, &contact.uri);
	if (expires > 0)
		watch = watch_of(in, aor, record, before, route, &there);
	if (before != NULL &&
	    ((watch != NULL && watch->has_version) || !features_enclosed(in, &features)))
		features = before->features & SIP_FEATURES_TOLD;
	else if (before == NULL)
		features_enclosed(in, &features);
	*b = (struct proto_binding){.key = SIP_THIRD_PARTY_KEY,
				    .expires_us = in->now.us + expires * US_PER_SECOND,
				    .sequence = in->known.cseq.number,
				    .priority = 1000,
				    .features = features | PROTO_BINDING_AT_PEER,
				    .flow = there};
	r->count = 1;
	return texts_put(in, route, watch, b, text) ? 200 : 400;
}
