#include "sip/map_private.h"

#include "msg/addr.h"

#include "sip/identity.h"
#include "sip/status.h"

static const struct {
	enum sip_content content;
	struct str       type, subtype;
} contents[] = {
#define SIP_CONTENT(id, type, subtype)                                                             \
	{SIP_CONTENT_##id, {type, sizeof(type) - 1}, {subtype, sizeof(subtype) - 1}},
#include "sip/contents.def"
#undef SIP_CONTENT
};

enum sip_content sip_content_of(struct str type, struct sip_media *media)
{
	return sip_media_parse(type.n > 0 ? type : STR("text/plain"), media)
		       ? sip_content_known(media)
		       : SIP_CONTENT_NONE;
}

enum sip_content sip_content_known(const struct sip_media *media)
{
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		if (sip_media_is(media, contents[i].type, contents[i].subtype))
			return contents[i].content;
	}
	return SIP_CONTENT_NONE;
}

void sip_accept_put(struct put *w)
{
	sip_put_header_begin(w, SIP_ACCEPT);
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		if (i > 0)
			put_str(w, STR(", "));
		put_str(w, contents[i].type);
		put_u8(w, '/');
		put_str(w, contents[i].subtype);
	}
	sip_put_header_end(w);
	sip_put_header(w, SIP_ACCEPT_ENCODING, STR("deflate, gzip, identity"));
}

void sip_types_put(struct put *w)
{
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		if (contents[i].content == SIP_CONTENT_CPIM ||
		    contents[i].content == SIP_CONTENT_LIST ||
		    contents[i].content == SIP_CONTENT_SMS)
			continue;
		if (put_size(w) > 0)
			put_u8(w, ' ');
		put_str(w, contents[i].type);
		put_u8(w, '/');
		put_str(w, contents[i].subtype);
	}
}

static bool append(struct msg *m, const struct sip_address *a, struct addr *addr)
{
	return msg_append_addr(m, a->kind, 0, 0, sip_address_text(a), addr);
}

bool sip_asserted(const struct sip_map *map, const struct sip_message *in, struct sip_address *a)
{
	struct sip_name_addr name;
	struct sip_list      l;
	struct str           element;
	struct sip_address   next;
	bool                 found = false;

	if (!sip_header_find(in, SIP_P_ASSERTED_IDENTITY, &element))
		return false;
	if (in->headers[in->first[SIP_P_ASSERTED_IDENTITY]].next == SIP_NO_SLOT &&
	    sip_name_addr_parse(element, &name)) /* what is one is no list of some */
		return sip_address_of(map, &name.uri, a) && a->kind != ADDR_NONE;
	sip_list_init(&l, in, SIP_P_ASSERTED_IDENTITY);
	while (sip_list_next(&l, &element)) {
		if (!sip_name_addr_parse(element, &name) ||
		    !sip_address_of(map, &name.uri, &next) || next.kind == ADDR_NONE)
			continue;
		if (!found || (next.kind == ADDR_E164 && a->kind != ADDR_E164))
			*a = next;
		found = true;
	}
	return found;
}

bool sip_sender_owns(const struct sip_sender *from, const struct sip_address *a)
{
	if (a->kind == ADDR_E164)
		return str_eq(sip_address_text(a), from->number);
	return a->kind == ADDR_URI && str_eq(sip_address_text(a), from->proven);
}

/* RFC 3323, 4.2 and RFC 3325, 7: "none" overrules the rest. */
static bool wants_privacy(const struct sip_message *in)
{
	if (in->first[SIP_PRIVACY] == SIP_NO_SLOT || sip_list_has(in, SIP_PRIVACY, STR("none")))
		return false;
	return sip_list_has(in, SIP_PRIVACY, STR("id")) ||
	       sip_list_has(in, SIP_PRIVACY, STR("user"));
}

/* By its number, where it has one: what every protocol can answer to. */
static bool address_of_proven(const struct sip_map *map, const struct sip_sender *from,
			      struct sip_address *a)
{
	struct sip_uri uri;

	if (from->number.n > 0 && from->number.n <= sizeof(a->text)) {
		a->kind = ADDR_E164;
		a->size = (uint8_t)from->number.n;
		memcpy(a->text, from->number.p, from->number.n);
		return true;
	}
	return sip_uri_parse(from->proven, &uri) && sip_address_of(map, &uri, a);
}

/* Who sent it; *withheld: and only our trust domain may know. False: it says that it is somebody
 * else. */
static bool identify(const struct sip_map *map, const struct sip_message *in,
		     const struct sip_mandatory *known, const struct sip_sender *from,
		     struct sip_address *a, bool *withheld)
{
	bool named;

	*withheld = wants_privacy(in);
	if (from->trusted && sip_asserted(map, in, a))
		return true;
	named = sip_address_of(map, &known->from.uri, a);
	if (named && a->kind == ADDR_NONE)
		*withheld = true;
	if (from->proven.n == 0)
		return named;
	if (!*withheld && !(named && sip_sender_owns(from, a)))
		return false;
	return address_of_proven(map, from, a);
}

/* A subscriber is known by its number; *uri keeps what it calls itself. */
static void take_number(const struct sip_map *map, const struct sip_sender *from,
			struct sip_address *a, struct sip_address *uri)
{
	struct proto_credentials c;

	if (a->kind == ADDR_E164 && sip_sender_owns(from, a) &&
	    from->proven.n <= sizeof(uri->text)) {
		uri->kind = ADDR_URI;
		uri->size = (uint8_t)from->proven.n;
		memcpy(uri->text, from->proven.p, from->proven.n);
		return;
	}
	if (a->kind != ADDR_URI || !(from->trusted || from->proven.n > 0) ||
	    !map->services->credentials(map->services->context, map->protocol, sip_address_text(a),
					&c) ||
	    c.number.n == 0 || c.number.n > sizeof(a->text))
		return;
	*uri = *a;
	a->kind = addr_kind_of(c.number);
	a->size = (uint8_t)c.number.n;
	memcpy(a->text, c.number.p, c.number.n);
}

/* What we have found out, else what a trusted peer says that it has. */
static enum msg_identity identity_in(const struct sip_message   *in,
				     const struct sip_mandatory *known,
				     const struct sip_sender    *from)
{
	enum msg_identity    said = MSG_IDENTITY_UNKNOWN;
	struct sip_name_addr name;
	struct sip_list      l;
	struct str           element;

	if (from->identity != MSG_IDENTITY_UNKNOWN || !from->trusted)
		return (enum msg_identity)from->identity;
	sip_list_init(&l, in, SIP_P_ASSERTED_IDENTITY);
	while (said == MSG_IDENTITY_UNKNOWN && sip_list_next(&l, &element)) {
		if (sip_name_addr_parse(element, &name))
			said = sip_verstat_of(&name.uri);
	}
	return said != MSG_IDENTITY_UNKNOWN ? said : sip_verstat_of(&known->from.uri);
}

bool sip_sender_in(const struct sip_map *map, const struct sip_message *in,
		   const struct sip_mandatory *known, const struct sip_sender *from, struct msg *m,
		   struct sip_senders *beside)
{
	struct sip_address a;
	bool               withheld;

	beside->hidden.kind = beside->uri.kind = ADDR_NONE;
	if (!identify(map, in, known, from, &a, &withheld))
		return false;
	m->identity = (uint8_t)identity_in(in, known, from);
	if (withheld) {
		beside->hidden = a;
		a = (struct sip_address){.kind = ADDR_NONE};
	}
	take_number(map, from, &a, &beside->uri);
	return append(m, &a, &m->from);
}

static unsigned map_to(const struct sip_map *map, const struct sip_mandatory *known, struct msg *m,
		       enum reason *why)
{
	struct sip_address a;

	*why = REASON_DESTINATION;
	if (known->uri.scheme == SIP_SCHEME_OTHER)
		return 416;
	if (!sip_address_of(map, &known->uri, &a) || a.kind == ADDR_NONE || !append(m, &a, &m->to))
		return 404;
	*why = REASON_NONE;
	return 200;
}

bool sip_extra_add(const struct sip_map *map, struct msg *m, uint16_t tag, struct str value)
{
	if (value.n > SIP_EXTRA_VALUE_MAX) {
		metric_inc(map->metrics, METRIC_sip_headers_dropped);
		return true;
	}
	return msg_extra_add(m, map->protocol, tag, value.p, (uint16_t)value.n);
}

/* A list that came on several lines goes on as several extras. */
static bool header_add(const struct sip_map *map, const struct sip_message *in, struct msg *m,
		       uint16_t tag, enum sip_header_id id)
{
	for (uint8_t slot = in->first[id]; slot != SIP_NO_SLOT; slot = in->headers[slot].next) {
		if (!sip_extra_add(map, m, tag, in->headers[slot].value))
			return false;
	}
	return true;
}

static bool common_add(const struct sip_message *in, struct msg *m, enum msg_common_tag tag,
		       enum sip_header_id id)
{
	struct str value;

	return !sip_header_find(in, id, &value) || value.n == 0 || value.n > MSG_COMMON_SIZE_MAX ||
	       msg_extra_add(m, MSG_COMMON, (uint16_t)tag, value.p, (uint16_t)value.n);
}

/* The one by which a MESSAGE is held; of several the first. */
static bool identities_in(const struct sip_map *map, const struct sip_message *in, struct msg *m)
{
	struct sip_identity identity;

	for (uint8_t slot = in->first[SIP_IDENTITY]; slot != SIP_NO_SLOT;
	     slot = in->headers[slot].next) {
		struct str value = in->headers[slot].value;

		if (value.n <= SIP_IDENTITY_KEPT_MAX && sip_identity_parse(value, &identity) &&
		    str_eq(identity.ppt, STR("msg")))
			return msg_extra_add(m, map->protocol, SIP_EXTRA_IDENTITY, value.p,
					     (uint16_t)value.n);
	}
	return true;
}

static bool headers_in(const struct sip_map *map, const struct sip_message *in,
		       const struct sip_sender *from, struct msg *m)
{
	if (!common_add(in, m, MSG_COMMON_SUBJECT, SIP_SUBJECT) ||
	    !common_add(in, m, MSG_COMMON_LANGUAGE, SIP_CONTENT_LANGUAGE))
		return false;
	if (from->keeps_identity && !identities_in(map, in, m))
		return false;
	for (size_t i = 0; i < SIP_EXTRA_HEADERS; i++) {
		if ((!sip_extra_headers[i].trusted || from->trusted) &&
		    !header_add(map, in, m, sip_extra_headers[i].tag, sip_extra_headers[i].id))
			return false;
	}
	return true;
}

bool sip_way_in(const struct sip_map *map, const struct sip_mandatory *known,
		const struct sip_senders *beside, struct msg *m)
{
	char       room[2 * MSG_ADDR_SIZE_MAX + 1];
	struct put uri = put_to(room, sizeof(room));

	if (known->has_max_forwards && known->max_forwards < MSG_HOPS_MAX)
		m->hops = (uint8_t)(MSG_HOPS_MAX - known->max_forwards);
	if ((known->has_max_forwards &&
	     !msg_extra_add(m, map->protocol, SIP_EXTRA_FORWARDS, &known->max_forwards, 1)))
		return false;
	if (beside->hidden.kind != ADDR_NONE &&
	    !sip_extra_add(map, m, SIP_EXTRA_ASSERTED, sip_address_text(&beside->hidden)))
		return false;
	if (beside->uri.kind == ADDR_NONE)
		return true;
	put_str(&uri, msg_addr(m, &m->from));
	put_u8(&uri, ' ');
	put_str(&uri, sip_address_text(&beside->uri));
	return sip_extra_add(map, m, SIP_EXTRA_URI, (struct str){room, put_size(&uri)});
}

static void map_times(const struct sip_map *map, const struct sip_message *in, struct msg *m)
{
	struct str value;
	uint32_t   seconds;

	m->received_us = map->now.us;
	if (sip_header_find(in, SIP_EXPIRES, &value) && sip_seconds_parse(value, &seconds) &&
	    seconds > 0)
		m->expires_us = map->now.us + seconds * US_PER_SECOND;
}

static enum msg_class class_of(const struct sip_message *in)
{
	struct str value;

	/* Emergency is what our own rules and accounts say, not what a stranger writes (20.26). */
	if (sip_header_find(in, SIP_PRIORITY, &value) && sip_same(value, STR("non-urgent")))
		return MSG_BULK;
	return MSG_NORMAL;
}

unsigned sip_map_in(const struct sip_map *map, const struct sip_message *in,
		    const struct sip_mandatory *known, const struct sip_sender *from, struct msg *m,
		    enum reason *why)
{
	struct sip_senders beside;
	unsigned           status;

	*why = REASON_SENDER;
	if (!sip_sender_in(map, in, known, from, m, &beside))
		return 403;
	status = map_to(map, known, m, why);
	if (status == 200)
		status = sip_body_in(map, in, known, m, why);
	if (status != 200)
		return status;
	m->class = (uint8_t)class_of(in);
	map_times(map, in, m);
	if (!sip_way_in(map, known, &beside, m) || !headers_in(map, in, from, m)) {
		*why = REASON_POOL;
		return 503;
	}
	return 200;
}
