#include "sip/map.h"

#include "base/hash.h"
#include "msg/addr.h"
#include "sip/identity.h"
#include "sip/session.h"

const struct sip_extra_header sip_extra_headers[SIP_EXTRA_HEADERS] = {
#define ANYONE false
#define TRUSTED true
#define SIP_EXTRA(tag, header, to) [SIP_EXTRA_AT_##header] = {tag, SIP_##header, to},
#include "sip/extras.def"
#undef SIP_EXTRA
#undef ANYONE
#undef TRUSTED
};

bool sip_extra_text(const struct sip_map *map, const struct msg *m, uint16_t tag,
		    uint8_t room[SIP_EXTRA_VALUE_MAX], struct str *value)
{
	struct msg_extra extra;

	if (!msg_extra_find(m, map->protocol, tag, &extra) ||
	    extra.value.size > SIP_EXTRA_VALUE_MAX)
		return false;
	*value = (struct str){(const char *)msg_view(m, extra.value, room), extra.value.size};
	return true;
}

static bool put_address(struct put *w, const struct msg *m, const struct addr *a, struct str host,
			uint16_t port)
{
	return sip_address_put(w, (enum addr_kind)a->kind, msg_addr(m, a), host, port);
}

enum reason sip_target_put(struct put *w, const struct msg *m, const struct sip_way *way)
{
	if (way->at != NULL && (way->at->binding->features & PROTO_BINDING_AT_PEER)) {
		sip_put_text(
			w, proto_binding_text(way->at->record, way->at->binding, BINDING_CONTACT));
		return REASON_NONE;
	}
	if (way->at != NULL || way->target.n > 0) {
		sip_put_text(w, way->at != NULL ? way->at->record->address : way->target);
		return REASON_NONE;
	}
	if (m->to.kind == ADDR_NONE || m->to.kind == ADDR_ALPHA)
		return REASON_DESTINATION;
	return put_address(w, m, &m->to, way->host, way->port) ? REASON_NONE : REASON_DESTINATION;
}

/* A notification goes to the first who recorded its route, which then sends it on. */
static bool route_put(const struct msg *m, struct put *w)
{
	uint8_t           room[MSG_ORIGIN_ID_MAX];
	struct sip_origin origin;
	struct sip_uri    uri;
	struct str        first;

	if (!msg_is_report(m) || !sip_origin_of(m, room, &origin))
		return false;
	first = sip_origin_route(&origin.routes);
	if (!sip_uri_parse(first, &uri) ||
	    (uri.scheme != SIP_SCHEME_SIP && uri.scheme != SIP_SCHEME_SIPS))
		return false;
	sip_put_text(w, first);
	return true;
}

enum reason sip_map_uri(const struct msg *m, const struct sip_way *way, struct put *w)
{
	if (way->at == NULL)
		return route_put(m, w) ? REASON_NONE : sip_target_put(w, m, way);
	sip_put_text(w, proto_binding_text(way->at->record, way->at->binding, BINDING_CONTACT));
	return REASON_NONE;
}

/* What the sender calls itself, where no rule has made somebody else of it. */
static bool own_uri(const struct sip_map *map, const struct msg *m,
		    uint8_t room[SIP_EXTRA_VALUE_MAX], struct str *uri)
{
	struct str number = msg_addr(m, &m->from);

	if (!sip_extra_text(map, m, SIP_EXTRA_URI, room, uri) || !str_starts(*uri, number) ||
	    uri->n == number.n || uri->p[number.n] != ' ')
		return false;
	*uri = str_skip(*uri, number.n + 1);
	return true;
}

/* *plain: it is the address of the record. */
static bool source_put(const struct sip_map *map, struct put *w, const struct msg *m,
		       const struct sip_way *way, bool *plain)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str uri;

	*plain = !own_uri(map, m, room, &uri);
	if (*plain)
		return put_address(w, m, &m->from, way->domain, 0);
	sip_put_text(w, uri);
	return true;
}

enum reason sip_source_put(const struct sip_map *map, struct put *w, const struct msg *m,
			   const struct sip_way *way)
{
	bool plain;

	return source_put(map, w, m, way, &plain) ? REASON_NONE : REASON_SENDER;
}

/* *uri: the address of the record as it was written, lent; empty: it was not. */
static enum reason put_from(const struct sip_map *map, struct put *w, const struct msg *m,
			    const struct sip_way *way, struct str tag, struct str *uri)
{
	const uint8_t *at;
	bool           plain;

	*uri = STR("");
	sip_put_header_begin(w, SIP_FROM);
	if (m->from.kind == ADDR_NONE)
		put_str(w, STR("\"Anonymous\" "));
	else if (m->from.kind == ADDR_ALPHA)
		sip_put_quoted(w, msg_addr(m, &m->from));
	put_u8(w, '<');
	at = w->p;
	if (!source_put(map, w, m, way, &plain))
		return REASON_SENDER;
	if (plain && !w->failed)
		*uri = (struct str){(const char *)at, (size_t)(w->p - at)};
	put_str(w, STR(">;tag="));
	sip_put_token(w, tag);
	sip_put_header_end(w);
	return REASON_NONE;
}

static enum reason put_to_field(struct put *w, const struct msg *m, const struct sip_way *way)
{
	enum reason why;

	sip_put_header_begin(w, SIP_TO);
	put_u8(w, '<');
	why = sip_target_put(w, m, way);
	put_u8(w, '>');
	sip_put_header_end(w);
	return why;
}

/* uri: what the address was written as before; empty: it was not. */
static void put_asserted(struct put *w, enum addr_kind kind, struct str text, struct str uri,
			 enum msg_identity identity, const struct sip_way *way)
{
	struct str verstat = sip_verstat(identity);
	size_t     mark = put_size(w);

	sip_put_header_begin(w, SIP_P_ASSERTED_IDENTITY);
	put_u8(w, '<');
	if (uri.n > 0) {
		put_str(w, uri);
	} else if (!sip_address_put(w, kind, text, way->domain, 0)) {
		w->p = w->start + mark;
		return;
	}
	put_u8(w, '>');
	if (kind == ADDR_E164) {
		put_str(w, STR(", <tel:"));
		put_str(w, text);
		if (verstat.n > 0)
			put_str(w, STR(";verstat="));
		put_str(w, verstat);
		put_u8(w, '>');
	}
	sip_put_header_end(w);
}

/* RFC 3325, 9.1: who sent it, for those who may know. */
static void put_identity(const struct sip_map *map, struct put *w, const struct msg *m,
			 const struct sip_way *way, struct str uri)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str hidden, privacy;

	if (!way->trusted)
		return;
	if (m->from.kind != ADDR_NONE) {
		put_asserted(w, (enum addr_kind)m->from.kind, msg_addr(m, &m->from), uri,
			     (enum msg_identity)m->identity, way);
		return;
	}
	if (!sip_extra_text(map, m, SIP_EXTRA_ASSERTED, room, &hidden))
		return;
	put_asserted(w, addr_kind_of(hidden), hidden, STR(""), (enum msg_identity)m->identity, way);
	if (!sip_extra_text(map, m, SIP_EXTRA_PRIVACY, room, &privacy))
		sip_put_header(w, SIP_PRIVACY, STR("id"));
}

/* Of the service that a message came by, which is another where it goes by INVITE. */
static bool names_service(enum sip_header_id id)
{
	return id == SIP_ACCEPT_CONTACT || id == SIP_P_ASSERTED_SERVICE ||
	       id == SIP_CONTENT_DISPOSITION;
}

/* A text of another protocol has no line ends here, and a language no other letters than those of
 * RFC 5646. */
static bool is_language_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-';
}

static struct str tame(struct str text, bool language, char room[MSG_COMMON_SIZE_MAX])
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (language && !is_language_char(c))
			return STR("");
		room[i] = (uint8_t)c < ' ' || c == 0x7f ? ' ' : c;
	}
	return (struct str){room, text.n};
}

static void put_common(const struct sip_map *map, const struct msg *m, enum msg_common_tag tag,
		       enum sip_header_id id, struct put *w)
{
	uint8_t          room[MSG_COMMON_SIZE_MAX];
	char             tamed[MSG_COMMON_SIZE_MAX];
	struct msg_extra extra;
	struct str       value;

	if (!msg_extra_find(m, MSG_COMMON, (uint16_t)tag, &extra) ||
	    extra.value.size > MSG_COMMON_SIZE_MAX)
		return;
	value = (struct str){(const char *)msg_view(m, extra.value, room), extra.value.size};
	if (m->native_protocol != map->protocol)
		value = tame(value, tag == MSG_COMMON_LANGUAGE, tamed);
	if (value.n > 0)
		sip_put_header(w, id, value);
}

static const uint8_t extra_at[] = {
/* place + 1 by tag; 0: no header field */
#define SIP_EXTRA(tag, header, to) [tag] = SIP_EXTRA_AT_##header + 1,
#include "sip/extras.def"
#undef SIP_EXTRA
};

static void put_extras(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
		       struct put *w)
{
	uint8_t          room[SIP_EXTRA_VALUE_MAX];
	struct msg_extra extra;
	uint32_t         at = 0;

	while (msg_extra_next(m, &at, &extra)) {
		const struct sip_extra_header *h;
		size_t                         n = extra.value.size;

		if (extra.protocol != map->protocol || n > sizeof(room) ||
		    extra.tag >= sizeof(extra_at) || extra_at[extra.tag] == 0)
			continue;
		h = &sip_extra_headers[extra_at[extra.tag] - 1];
		if ((h->trusted && !way->trusted) || (way->large && names_service(h->id)))
			continue;
		sip_put_header(w, h->id,
			       (struct str){(const char *)msg_view(m, extra.value, room), n});
	}
}

/* 128 bits as 32 digits: a byte for each four bits, and by it the digit. */
static void put_hex(struct put *w, uint64_t high, uint64_t low)
{
	const __m128i digits = _mm_loadu_si128((const void *)"0123456789abcdef"),
		      half = _mm_set1_epi8(0x0f);
	__m128i bytes = _mm_set_epi64x((long long)htobe64(low), (long long)htobe64(high)),
		first = _mm_and_si128(_mm_srli_epi16(bytes, 4), half),
		second = _mm_and_si128(bytes, half);
	uint8_t *to = put_reserve(w, 2 * sizeof(bytes));

	if (to == NULL)
		return;
	_mm_storeu_si128((void *)to, _mm_shuffle_epi8(digits, _mm_unpacklo_epi8(first, second)));
	_mm_storeu_si128((void *)(to + sizeof(bytes)),
			 _mm_shuffle_epi8(digits, _mm_unpackhi_epi8(first, second)));
}

/* The two parties in whichever order, each with an end. */
static size_t pair_of(const struct msg *m, char room[2 * MSG_ADDR_SIZE_MAX + 2])
{
	struct str from = msg_addr(m, &m->from), to = msg_addr(m, &m->to);
	struct put w = put_to(room, 2 * MSG_ADDR_SIZE_MAX + 2);
	bool       swap = str_cmp(from, to) > 0;

	put_cstr(&w, swap ? to : from);
	put_cstr(&w, swap ? from : to);
	return put_size(&w);
}

/*
 * What comes from a protocol without conversations gets the ids that CPM wants. The conversation is
 * the one that its parties have named, else a function of the two, so that it is the same both
 * ways, at every worker and after a restart; the contribution is one of the message.
 */
static void put_conversation(const struct sip_map *map, const struct msg *m, struct put *w)
{
	static const struct hash_key key = {0x428a2f98d728ae22ull, 0x7137449123ef65cdull};
	char                         room[2 * MSG_ADDR_SIZE_MAX + 2];
	uint64_t                     words[2];
	struct str                   named = map->services->conversation(map->services->context,
									 msg_addr(m, &m->from), msg_addr(m, &m->to));

	sip_put_header_begin(w, SIP_CONVERSATION_ID);
	if (named.n > 0) {
		sip_put_text(w, named);
	} else {
		hash_sip_wide(&key, room, pair_of(m, room), words);
		put_hex(w, words[0], words[1]);
	}
	sip_put_header_end(w);
	sip_put_header_begin(w, SIP_CONTRIBUTION_ID);
	put_hex(w, hash_mix(m->id ^ key.k0), hash_mix(m->id ^ key.k1)); /* no two ids have one */
	sip_put_header_end(w);
}

/* To a device that takes CPM all are, to a peer those that could not go as they are. */
static bool is_of_cpm(const struct sip_map *map, const struct msg *m, const struct sip_way *way)
{
	if (way->at == NULL)
		return sip_map_wrapped(map, m, way);
	return way->cpim && !msg_is_report(m) && m->kind != MSG_COMPOSING;
}

/* That it is a message of CPM (RCC.07, 3.2.2), for those on the way who choose by it. */
static void put_service(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			struct put *w)
{
	struct msg_extra extra;

	if (way->large)
		sip_put_header(w, SIP_ACCEPT_CONTACT,
			       way->chat ? STR("*;" SIP_CHAT_TAG) : STR("*;" SIP_LARGE_TAG));
	else if (!msg_extra_find(m, map->protocol, SIP_EXTRA_ACCEPT_CONTACT, &extra))
		sip_put_header(w, SIP_ACCEPT_CONTACT, STR("*;" SIP_CPM_TAG));
	/* RFC 7315, 4.2: the identity that its device is asked by; an S-CSCF says it itself. */
	if (way->at != NULL && !(way->at->binding->features & PROTO_BINDING_AT_PEER)) {
		sip_put_header_begin(w, SIP_P_CALLED_PARTY_ID);
		sip_put_name_addr(w, STR(""), way->at->record->address);
		sip_put_header_end(w);
	}
	if (way->trusted && way->large)
		sip_put_header(w, SIP_P_ASSERTED_SERVICE,
			       way->chat ? STR(SIP_CHAT_SERVICE) : STR(SIP_LARGE_SERVICE));
	else if (way->trusted &&
		 !msg_extra_find(m, map->protocol, SIP_EXTRA_P_ASSERTED_SERVICE, &extra))
		sip_put_header(w, SIP_P_ASSERTED_SERVICE, STR(SIP_CPM_SERVICE));
}

static void put_times(const struct sip_map *map, const struct msg *m, struct put *w)
{
	sip_put_header_begin(w, SIP_DATE);
	sip_put_date_again(w, map->now.wall_ms / 1000, map->date);
	sip_put_header_end(w);
	if (m->expires_us > map->now.us)
		sip_put_header_number(w, SIP_EXPIRES,
				      (uint32_t)((m->expires_us - map->now.us + US_PER_SECOND - 1) /
						 US_PER_SECOND));
}

enum reason sip_map_head(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			 struct str from_tag, struct put *w)
{
	struct str       uri;
	enum reason      why = put_from(map, w, m, way, from_tag, &uri);
	struct msg_extra conversation;

	if (why == REASON_NONE)
		why = put_to_field(w, m, way);
	if (why != REASON_NONE)
		return why;
	put_identity(map, w, m, way, uri);
	put_times(map, m, w);
	put_common(map, m, MSG_COMMON_SUBJECT, SIP_SUBJECT, w);
	put_common(map, m, MSG_COMMON_LANGUAGE, SIP_CONTENT_LANGUAGE, w);
	put_extras(map, m, way, w);
	if (way->cpim && (way->trusted || way->at != NULL) && !msg_is_report(m) &&
	    m->kind != MSG_COMPOSING &&
	    !msg_extra_find(m, map->protocol, SIP_EXTRA_CONVERSATION_ID, &conversation))
		put_conversation(map, m, w);
	if (is_of_cpm(map, m, way))
		put_service(map, m, way, w);
	return REASON_NONE;
}

enum reason sip_map_out(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			const struct sip_names *names, struct put *w)
{
	size_t      mark = put_size(w);
	enum reason why = sip_map_head(map, m, way, names->from_tag, w);

	if (why == REASON_NONE)
		why = sip_body_out(map, m, way, names->message_id, w);
	if (why == REASON_NONE)
		sip_identity_put_message(map, m, way, mark, w);
	return why;
}

uint32_t sip_map_forwards(const struct sip_map *map, const struct msg *m)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str came;

	if (!sip_extra_text(map, m, SIP_EXTRA_FORWARDS, room, &came) || came.n != 1)
		return SIP_FORWARDS_FIRST;
	return (uint8_t)came.p[0] > 0 ? (uint8_t)came.p[0] - 1u : 0;
}
