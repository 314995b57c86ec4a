#include "sip/map.h"

#include "msg/addr.h"
#include "msg/concat.h"
#include "msg/text.h"

/* A body that must be rewritten as UTF-8 is no longer than this. */
#define TRANSCODE_MAX 8192u

struct transcode {
	uint8_t gathered[TRANSCODE_MAX];
	char    utf8[TEXT_UTF8_SIZE(TRANSCODE_MAX)];
};

struct body {
	const void *p; /* NULL: the record's own bytes */
	size_t      size;
	struct str  type;
};

const struct sip_extra_header sip_extra_headers[SIP_EXTRA_HEADERS] = {
#define ANYONE false
#define TRUSTED true
#define SIP_EXTRA(tag, header, to) [SIP_EXTRA_AT_##header] = {tag, SIP_##header, to},
#include "sip/extras.def"
#undef SIP_EXTRA
#undef ANYONE
#undef TRUSTED
};

static bool extra_text(const struct sip_map *map, const struct msg *m, uint16_t tag,
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

static enum reason put_target(struct put *w, const struct msg *m, const struct sip_way *way)
{
	if (m->to.kind == ADDR_NONE || m->to.kind == ADDR_ALPHA)
		return REASON_DESTINATION;
	return put_address(w, m, &m->to, way->host, way->port) ? REASON_NONE : REASON_DESTINATION;
}

enum reason sip_map_uri(const struct msg *m, const struct sip_way *way, struct put *w)
{
	if (way->at == NULL)
		return put_target(w, m, way);
	sip_put_text(w, proto_binding_text(way->at->record, way->at->binding, BINDING_CONTACT));
	return REASON_NONE;
}

/* What the sender calls itself, where no rule has made somebody else of it. */
static bool own_uri(const struct sip_map *map, const struct msg *m,
		    uint8_t room[SIP_EXTRA_VALUE_MAX], struct str *uri)
{
	struct str number = msg_addr(m, &m->from);

	if (!extra_text(map, m, SIP_EXTRA_URI, room, uri) || !str_starts(*uri, number) ||
	    uri->n == number.n || uri->p[number.n] != ' ')
		return false;
	*uri = str_skip(*uri, number.n + 1);
	return true;
}

static enum reason put_from(const struct sip_map *map, struct put *w, const struct msg *m,
			    const struct sip_way *way, struct str tag)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str uri;

	sip_put_header_begin(w, SIP_FROM);
	if (m->from.kind == ADDR_NONE)
		put_str(w, STR("\"Anonymous\" "));
	else if (m->from.kind == ADDR_ALPHA)
		sip_put_quoted(w, msg_addr(m, &m->from));
	put_u8(w, '<');
	if (own_uri(map, m, room, &uri))
		sip_put_text(w, uri);
	else if (!put_address(w, m, &m->from, way->domain, 0))
		return REASON_SENDER;
	put_str(w, STR(">;tag="));
	sip_put_token(w, tag);
	sip_put_header_end(w);
	return REASON_NONE;
}

static enum reason put_to_field(struct put *w, const struct msg *m, const struct sip_way *way)
{
	enum reason why = REASON_NONE;

	sip_put_header_begin(w, SIP_TO);
	put_u8(w, '<');
	if (way->at != NULL)
		sip_put_text(w, way->at->record->address);
	else
		why = put_target(w, m, way);
	put_u8(w, '>');
	sip_put_header_end(w);
	return why;
}

static void put_asserted(struct put *w, enum addr_kind kind, struct str text,
			 const struct sip_way *way)
{
	size_t mark = put_size(w);

	sip_put_header_begin(w, SIP_P_ASSERTED_IDENTITY);
	put_u8(w, '<');
	if (!sip_address_put(w, kind, text, way->domain, 0)) {
		w->p = w->start + mark;
		return;
	}
	put_u8(w, '>');
	if (kind == ADDR_E164) {
		put_str(w, STR(", <tel:"));
		put_str(w, text);
		put_u8(w, '>');
	}
	sip_put_header_end(w);
}

/* RFC 3325, 9.1: who sent it, for those who may know. */
static void put_identity(const struct sip_map *map, struct put *w, const struct msg *m,
			 const struct sip_way *way)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str hidden, privacy;

	if (!way->trusted)
		return;
	if (m->from.kind != ADDR_NONE) {
		put_asserted(w, (enum addr_kind)m->from.kind, msg_addr(m, &m->from), way);
		return;
	}
	if (!extra_text(map, m, SIP_EXTRA_ASSERTED, room, &hidden))
		return;
	put_asserted(w, addr_kind_of(hidden), hidden, way);
	if (!extra_text(map, m, SIP_EXTRA_PRIVACY, room, &privacy))
		sip_put_header(w, SIP_PRIVACY, STR("id"));
}

static void put_extras(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
		       struct put *w)
{
	uint8_t          room[SIP_EXTRA_VALUE_MAX];
	struct msg_extra extra;
	uint32_t         at = 0;

	while (msg_extra_next(m, &at, &extra)) {
		size_t n = extra.value.size;

		if (extra.protocol != map->protocol || n > sizeof(room))
			continue;
		for (size_t i = 0; i < SIP_EXTRA_HEADERS; i++) {
			if (sip_extra_headers[i].tag != extra.tag ||
			    (sip_extra_headers[i].trusted && !way->trusted))
				continue;
			sip_put_header(
				w, sip_extra_headers[i].id,
				(struct str){(const char *)msg_view(m, extra.value, room), n});
		}
	}
}

static void put_times(const struct sip_map *map, const struct msg *m, struct put *w)
{
	sip_put_header_begin(w, SIP_DATE);
	sip_put_date(w, map->now.wall_ms / 1000);
	sip_put_header_end(w);
	if (m->expires_us > map->now.us)
		sip_put_header_number(w, SIP_EXPIRES,
				      (uint32_t)((m->expires_us - map->now.us + US_PER_SECOND - 1) /
						 US_PER_SECOND));
}

/* The text as UTF-8. A user data header has no place here: parts go each as a message. */
static bool transcode(const struct msg *m, struct transcode *t, struct body *body)
{
	size_t             head = m->udh_size;
	struct text_tables tables = {0};
	struct concat_udh  udh;
	const uint8_t     *bytes;

	if (m->body.size > TRANSCODE_MAX || head > m->body.size)
		return false;
	bytes = msg_view(m, m->body, t->gathered);
	if (head > 0 && concat_parse(bytes, m->body.size, &udh))
		tables = udh.tables;
	body->size = text_to_utf8((enum msg_coding)m->coding, tables, bytes + head,
				  m->body.size - head, t->utf8, sizeof(t->utf8));
	body->p = t->utf8;
	return true;
}

static enum reason make_body(const struct sip_map *map, const struct msg *m, struct transcode *t,
			     uint8_t room[SIP_EXTRA_VALUE_MAX], struct body *body)
{
	*body = (struct body){.size = m->body.size};
	if (m->native_protocol == map->protocol &&
	    extra_text(map, m, SIP_EXTRA_CONTENT_TYPE, room, &body->type))
		return REASON_NONE; /* as it came */
	if (m->kind != MSG_TEXT)
		return REASON_CODING;
	body->type = STR("text/plain;charset=UTF-8");
	if (m->coding == MSG_CODING_UTF8 && m->udh_size == 0)
		return REASON_NONE;
	return transcode(m, t, body) ? REASON_NONE : REASON_MESSAGE_SIZE;
}

static void put_record_bytes(const struct msg *m, struct put *w)
{
	uint8_t *to = put_reserve(w, m->body.size);

	if (to != NULL && m->body.size > 0) {
		const uint8_t *from = msg_view(m, m->body, to);

		if (from != to)
			memcpy(to, from, m->body.size);
	}
}

static void put_body(const struct msg *m, const struct body *body, struct put *w)
{
	if (body->p != NULL || body->size == 0) {
		sip_put_body(w, body->type, body->p, body->size);
		return;
	}
	sip_put_header(w, SIP_CONTENT_TYPE, body->type);
	sip_put_header_number(w, SIP_CONTENT_LENGTH, (uint32_t)body->size);
	put_str(w, STR("\r\n"));
	put_record_bytes(m, w);
}

enum reason sip_map_out(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			struct str from_tag, struct put *w)
{
	uint8_t          type[SIP_EXTRA_VALUE_MAX];
	struct transcode t;
	struct body      body;
	enum reason      why = make_body(map, m, &t, type, &body);

	if (why == REASON_NONE)
		why = put_from(map, w, m, way, from_tag);
	if (why == REASON_NONE)
		why = put_to_field(w, m, way);
	if (why != REASON_NONE)
		return why;
	put_identity(map, w, m, way);
	put_times(map, m, w);
	put_extras(map, m, way, w);
	put_body(m, &body, w);
	return REASON_NONE;
}

uint32_t sip_map_forwards(const struct sip_map *map, const struct msg *m)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str came;

	if (!extra_text(map, m, SIP_EXTRA_FORWARDS, room, &came) || came.n != 1)
		return SIP_FORWARDS_FIRST;
	return (uint8_t)came.p[0] > 0 ? (uint8_t)came.p[0] - 1u : 0;
}
