/* Bodies of MESSAGE, written: plain, or in message/cpim where there is more to say. */
#include "base/date.h"
#include "msg/concat.h"
#include "msg/id.h"
#include "msg/text.h"
#include "sip/composing.h"
#include "sip/cpim.h"
#include "sip/imdn.h"
#include "sip/map.h"

/* A body that must be rewritten, or wrapped, is no longer than this. */
#define BODY_MAX 65536u
#define LENGTH_DIGITS 6u
#define ROUTE_GROWTH 24u /* of a route of one letter, in a line of its own */

struct body {
	const void *p; /* NULL: the record's own bytes */
	size_t      size;
	struct str  type;
	struct str  disposition;
	struct str  routes; /* of a notification: as struct sip_origin has them */
	uint8_t     origin[MSG_ORIGIN_ID_MAX];
	uint8_t     type_room[SIP_EXTRA_VALUE_MAX];
	uint8_t     gathered[BODY_MAX];
	char        made[TEXT_UTF8_SIZE(BODY_MAX)];
};

static struct str date_text(uint64_t wall_ms, char room[DATE_TEXT_SIZE])
{
	struct put w = put_to(room, DATE_TEXT_SIZE);

	date_put(&w, wall_ms);
	return (struct str){room, put_size(&w)};
}

/* The text as UTF-8. A user data header has no place here: parts go each as a message. */
static enum reason transcode(const struct msg *m, struct body *b)
{
	if (m->body.size > BODY_MAX || m->udh_size > m->body.size)
		return REASON_MESSAGE_SIZE;
	b->size = concat_text(m, b->gathered, b->made, sizeof(b->made)).n;
	b->p = b->made;
	return REASON_NONE;
}

static enum reason make_text(const struct sip_map *map, const struct msg *m, struct body *b)
{
	struct msg_extra document;

	b->size = m->body.size;
	if (m->native_protocol == map->protocol &&
	    sip_extra_text(map, m, SIP_EXTRA_CONTENT_TYPE, b->type_room, &b->type)) {
		if (m->carries != MSG_CONTENT_TEXT &&
		    msg_extra_find(m, map->protocol, SIP_EXTRA_DOCUMENT, &document)) {
			b->p = msg_view(m, document.value, b->gathered);
			b->size = document.value.size;
		}
		return REASON_NONE; /* as it came */
	}
	if (m->kind != MSG_TEXT)
		return REASON_CODING;
	b->type = STR("text/plain;charset=UTF-8");
	return m->coding == MSG_CODING_UTF8 && m->udh_size == 0 ? REASON_NONE : transcode(m, b);
}

static void state_to(const struct msg *m, struct sip_imdn *n)
{
	bool read = m->kind == MSG_READ_REPORT;

	n->kind = read                      ? SIP_IMDN_DISPLAY
		  : m->receipt.intermediate ? SIP_IMDN_PROCESSING
					    : SIP_IMDN_DELIVERY;
	switch ((enum msg_state)m->receipt.state) {
	case MSG_STATE_DELIVERED:
		n->status = read ? SIP_IMDN_DISPLAYED : SIP_IMDN_DELIVERED;
		break;
	case MSG_STATE_ACCEPTED:
		n->status = SIP_IMDN_PROCESSED;
		break;
	case MSG_STATE_ENROUTE:
		n->status = SIP_IMDN_STORED;
		break;
	case MSG_STATE_REJECTED:
		n->status = SIP_IMDN_FORBIDDEN;
		break;
	case MSG_STATE_EXPIRED:
	case MSG_STATE_DELETED:
	case MSG_STATE_UNDELIVERABLE:
		n->status = read ? SIP_IMDN_ERROR : SIP_IMDN_FAILED;
		break;
	case MSG_STATE_UNKNOWN:
	case MSG_STATE_COUNT:
		n->status = SIP_IMDN_ERROR;
		break;
	}
	if (m->receipt.interworked && n->status == SIP_IMDN_PROCESSED) {
		n->kind = SIP_IMDN_INTERWORKING;
		n->status = SIP_IMDN_LEGACY_SMS;
	} else if (n->status == SIP_IMDN_DELIVERED || n->status == SIP_IMDN_FAILED) {
		n->kind = SIP_IMDN_DELIVERY; /* those words have no other place */
	} else if (!read && (n->status == SIP_IMDN_PROCESSED || n->status == SIP_IMDN_STORED)) {
		n->kind = SIP_IMDN_PROCESSING;
	} else if (read && n->status != SIP_IMDN_DISPLAYED) {
		n->status = SIP_IMDN_ERROR;
	}
}

bool sip_origin_of(const struct msg *m, uint8_t *room, struct sip_origin *origin)
{
	struct str  whole = {NULL, m->origin_id.size};
	const char *end;

	if (whole.n == 0 || whole.n > MSG_ORIGIN_ID_MAX)
		return false;
	whole.p = (const char *)msg_view(m, m->origin_id, room);
	end = memchr(whole.p, SIP_ORIGIN_ROUTE, whole.n);
	origin->message_id = (struct str){whole.p, end != NULL ? (size_t)(end - whole.p) : whole.n};
	origin->routes = str_skip(whole, origin->message_id.n);
	return true;
}

struct str sip_origin_route(struct str *routes)
{
	struct str  first = routes->n > 0 ? str_skip(*routes, 1) : STR("");
	const char *end = first.n > 0 ? memchr(first.p, SIP_ORIGIN_ROUTE, first.n) : NULL;

	if (end != NULL)
		first.n = (size_t)(end - first.p);
	*routes = routes->n > 0 ? str_skip(*routes, first.n + 1) : *routes;
	return first;
}

static enum reason make_imdn(const struct sip_map *map, const struct msg *m,
			     const struct sip_way *way, struct body *b)
{
	struct put        w = put_to(b->made, sizeof(b->made));
	struct sip_origin origin;
	char              date[DATE_TEXT_SIZE], uri_room[SIP_URI_MAX];
	struct put        uri = put_to(uri_room, sizeof(uri_room));
	struct sip_imdn   n = {.datetime = date_text(map->now.wall_ms, date)};

	if (!sip_origin_of(m, b->origin, &origin))
		return REASON_RECEIPT_UNKNOWN;
	if (sip_source_put(map, &uri, m, way) != REASON_NONE)
		return REASON_SENDER;
	n.message_id = origin.message_id;
	b->routes = origin.routes;
	n.recipient_uri = (struct str){uri_room, put_size(&uri)};
	state_to(m, &n);
	sip_imdn_put(&w, &n);
	b->p = b->made;
	b->size = put_size(&w);
	b->type = STR("message/imdn+xml");
	b->disposition = STR("notification");
	return w.failed ? REASON_CODING : REASON_NONE;
}

static enum reason make_composing(const struct sip_map *map, const struct msg *m, struct body *b)
{
	struct put           w = put_to(b->made, sizeof(b->made));
	struct sip_composing c = {0};
	struct str           refresh;
	uint8_t              word[8];

	if (m->body.size > sizeof(word))
		return REASON_CODING;
	c.active = str_eq((struct str){(const char *)msg_view(m, m->body, word), m->body.size},
			  STR("active"));
	if (sip_extra_text(map, m, SIP_EXTRA_REFRESH, b->type_room, &refresh) && refresh.n == 4) {
		struct cur in = cur_of(refresh.p, refresh.n);

		c.refresh_s = cur_be32(&in);
	}
	sip_composing_put(&w, &c);
	b->p = b->made;
	b->size = put_size(&w);
	b->type = STR("application/im-iscomposing+xml");
	return w.failed ? REASON_CODING : REASON_NONE;
}

bool sip_map_notified(const struct msg *m, const struct sip_way *way)
{
	return way->cpim && m->wants != 0 && (m->kind == MSG_TEXT || m->kind == MSG_BINARY);
}

/* It came with what has no place but in message/cpim. */
static bool came_wrapped(const struct sip_map *map, const struct msg *m)
{
	struct msg_extra extra;

	return msg_extra_find(m, map->protocol, SIP_EXTRA_CPIM, &extra) ||
	       msg_extra_find(m, map->protocol, SIP_EXTRA_CONVERSATION_ID, &extra) ||
	       msg_extra_find(m, map->protocol, SIP_EXTRA_CONTRIBUTION_ID, &extra);
}

bool sip_map_wrapped(const struct sip_map *map, const struct msg *m, const struct sip_way *way)
{
	return way->cpim && !msg_is_report(m) && m->kind != MSG_COMPOSING &&
	       (way->wraps || m->wants != 0 || came_wrapped(map, m));
}

static unsigned wants_of(const struct msg *m)
{
	return (m->wants & MSG_WANT_SUCCESS ? SIP_CPIM_WANT_POSITIVE : 0) |
	       (m->wants & MSG_WANT_FAILURE ? SIP_CPIM_WANT_NEGATIVE : 0) |
	       (m->wants & MSG_WANT_INTERMEDIATE ? SIP_CPIM_WANT_PROCESSING : 0) |
	       (m->wants & MSG_WANT_READ ? SIP_CPIM_WANT_DISPLAY : 0) |
	       (m->wants & MSG_WANT_INTERWORKING ? SIP_CPIM_WANT_INTERWORKING : 0);
}

/* IMDN-Route for each (RFC 5438, 7.2.1.1). */
static struct str routes_text(struct str routes, char *room, size_t size)
{
	struct put w = put_to(room, size);

	for (struct str uri; (uri = sip_origin_route(&routes)).n > 0;)
		sip_cpim_address_put(&w, SIP_CPIM_ROUTE, &(struct sip_cpim_address){.uri = uri});
	return (struct str){room, w.failed ? 0 : put_size(&w)};
}

/* Subject and time of the message as it came. */
static void came_with(struct str headers, struct sip_cpim *c)
{
	struct sip_cpim_headers it = sip_cpim_headers(headers);
	struct sip_cpim_header  h;

	while (sip_cpim_header_next(&it, &h)) {
		if (h.kind == SIP_CPIM_SUBJECT && c->subject.n == 0)
			c->subject = h.value;
		else if (h.kind == SIP_CPIM_DATETIME)
			c->datetime = h.value;
	}
	c->headers = headers;
}

static enum reason put_wrapped(const struct sip_map *map, const struct msg *m,
			       const struct sip_way *way, struct str message_id,
			       const struct body *b, struct put *w)
{
	uint8_t         headers_room[SIP_EXTRA_VALUE_MAX];
	char            date[DATE_TEXT_SIZE], from_room[SIP_URI_MAX], to_room[SIP_URI_MAX];
	char            routes[MSG_ORIGIN_ID_MAX * ROUTE_GROWTH];
	struct put      from = put_to(from_room, sizeof(from_room));
	struct put      to = put_to(to_room, sizeof(to_room));
	struct sip_cpim c = {.datetime = date_text(map->now.wall_ms, date)};
	struct str      headers;

	if (sip_source_put(map, &from, m, way) != REASON_NONE)
		return REASON_SENDER;
	if (sip_target_put(&to, m, way) != REASON_NONE)
		return REASON_DESTINATION;
	if (!msg_is_report(m) && sip_extra_text(map, m, SIP_EXTRA_CPIM, headers_room, &headers))
		came_with(headers, &c);
	else if (msg_is_report(m))
		c.headers = routes_text(b->routes, routes, sizeof(routes));
	c.from.uri = (struct str){from_room, put_size(&from)};
	c.to.uri = (struct str){to_room, put_size(&to)};
	c.to_count = 1;
	c.message_id = message_id;
	c.ends_routes = !msg_is_report(
		m); /* RFC 5438, 6.5: they name the message by the id that we gave it */
	c.wants = msg_is_report(m) ? 0 : wants_of(m);
	c.content.type = b->type;
	c.content.disposition = b->disposition;
	c.body = (struct str){b->p, b->size};
	sip_cpim_put(w, &c);
	return REASON_NONE;
}

/* Content-Type and a Content-Length that is filled in when the body is there. */
static enum reason put_cpim(const struct sip_map *map, const struct msg *m,
			    const struct sip_way *way, struct str message_id, const struct body *b,
			    struct put *w)
{
	uint8_t    *digits;
	size_t      mark;
	enum reason why;

	sip_put_header(w, SIP_CONTENT_TYPE, STR("message/cpim"));
	sip_put_header_begin(w, SIP_CONTENT_LENGTH);
	digits = put_reserve(w, LENGTH_DIGITS);
	sip_put_header_end(w);
	put_str(w, STR("\r\n"));
	mark = put_size(w);
	why = put_wrapped(map, m, way, message_id, b, w);
	if (!w->failed) {
		struct put length = put_to(digits, LENGTH_DIGITS);

		put_digits(&length, (unsigned)(put_size(w) - mark), LENGTH_DIGITS);
	}
	return why;
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

static void put_plain(const struct msg *m, const struct body *b, struct put *w)
{
	if (b->p != NULL || b->size == 0) {
		sip_put_body(w, b->type, b->p, b->size);
		return;
	}
	sip_put_header(w, SIP_CONTENT_TYPE, b->type);
	sip_put_header_number(w, SIP_CONTENT_LENGTH, (uint32_t)b->size);
	put_str(w, STR("\r\n"));
	put_record_bytes(m, w);
}

static enum reason make(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			struct body *b)
{
	b->p = NULL;
	b->size = 0;
	b->type = b->disposition = b->routes = STR("");
	if (msg_is_report(m))
		return make_imdn(map, m, way, b);
	if (m->kind == MSG_COMPOSING)
		return make_composing(map, m, b);
	return make_text(map, m, b);
}

/* For what is written around it. */
static enum reason gather(const struct msg *m, struct body *b)
{
	if (b->p == NULL && b->size > BODY_MAX)
		return REASON_MESSAGE_SIZE;
	if (b->p == NULL)
		b->p = msg_view(m, m->body, b->gathered);
	return REASON_NONE;
}

enum reason sip_body_out(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			 struct str message_id, struct put *w)
{
	struct body b; /* not zeroed: it is mostly rooms */
	enum reason why = make(map, m, way, &b);

	if (why != REASON_NONE)
		return why;
	if (!msg_is_report(m) && !sip_map_wrapped(map, m, way)) {
		put_plain(m, &b, w);
		return REASON_NONE;
	}
	why = gather(m, &b);
	return why == REASON_NONE ? put_cpim(map, m, way, message_id, &b, w) : why;
}

enum reason sip_content_out(const struct sip_map *map, const struct msg *m,
			    const struct sip_way *way, struct str message_id, struct put *w)
{
	struct body b; /* likewise */
	enum reason why = make(map, m, way, &b);

	if (why == REASON_NONE)
		why = gather(m, &b);
	return why == REASON_NONE ? put_wrapped(map, m, way, message_id, &b, w) : why;
}
