#include <string.h>

#include "base/aor_map.h"
#include "base/hash.h"
#include "msg/addr.h"
#include "xmpp/map.h"
#include "xmpp/spaces.h"

#define LANGUAGE_MAX 35u /* RFC 5646, 4.4.1 */

uint64_t xmpp_resource_key(struct str resource)
{
	static const struct hash_key key = {0x7265736f75726365ull, 0x6f66786d7070ull};

	return hash_sip(&key, resource.p, resource.n) | 1u;
}

/* What is read of a stanza before the record is filled: its parts must come in order. */
struct content {
	struct str body, subject, thread, language, id;
	struct str url;                /* that stands beside the text (XEP-0066) */
	struct str receipt, displayed; /* ids of messages of ours */
	bool       has_body, wants_receipt, wants_read, composing, gone, chat_state, error, alone;
	struct str payloads;
	enum xmpp_condition condition; /* of an error */
};

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

static bool has_subscriber(const struct xmpp_map *map, struct str address)
{
	struct proto_credentials c;

	return map->services->credentials(map->services->context, map->protocol, address, &c);
}

static bool is_gateway(const struct xmpp_map *map, const struct xmpp_jid *jid)
{
	return map->gateway.n > 0 && str_eq(jid->domain, map->gateway);
}

/* Whom an escaped local part stands for. */
static bool append_unescaped(struct str local, struct msg *m)
{
	char       text[MSG_ADDR_SIZE_MAX];
	struct put w = put_to(text, sizeof(text));
	struct aor a;
	struct str address;

	put_str(&w, STR("xmpp:"));
	aor_unescape_put(&w, local);
	address = (struct str){text, put_size(&w)};
	if (str_starts(str_skip(address, 5), STR("sip:")))
		address = str_skip(address, 5);
	return !w.failed && aor_split(address, &a) && a.user.n > 0 &&
	       msg_append_addr(m, ADDR_URI, 0, 0, address, &m->to);
}

/* Is there a place for it in a record? */
static bool fits(const struct xmpp_jid *jid)
{
	return sizeof("xmpp:") + jid->local.n + jid->domain.n <= MSG_ADDR_SIZE_MAX;
}

static bool append_to(const struct xmpp_map *map, const struct xmpp_jid *to, struct msg *m)
{
	char       text[MSG_ADDR_SIZE_MAX];
	struct put w = put_to(text, sizeof(text));
	struct str address, local = to->local;
	bool       plus = str_starts(local, STR("+")), gateway = is_gateway(map, to);

	put_str(&w, STR("xmpp:"));
	xmpp_jid_put_bare(&w, to);
	address = (struct str){text, put_size(&w)};
	if (w.failed)
		return false;
	if (all_digits(plus ? str_skip(local, 1) : local) && local.n <= ADDR_NUMBER_SIZE_MAX &&
	    (gateway || map->services->serves(map->services->context, map->protocol, to->domain)) &&
	    (plus || !has_subscriber(map, address)))
		return msg_append_addr(m, plus ? ADDR_E164 : ADDR_SHORT, 0, 0, local, &m->to);
	if (gateway)
		return append_unescaped(local, m);
	return (to->local.n > 0 ||
		!map->services->serves(map->services->context, map->protocol, to->domain)) &&
	       msg_append_addr(m, ADDR_URI, 0, 0, address, &m->to);
}

static bool append_from(const struct xmpp_sender *from, struct msg *m)
{
	char       text[MSG_ADDR_SIZE_MAX];
	struct put w = put_to(text, sizeof(text));

	if (from->number.n > 0)
		return msg_append_addr(m, addr_kind_of(from->number), 0, 0, from->number, &m->from);
	put_str(&w, STR("xmpp:"));
	xmpp_jid_put_bare(&w, &from->jid);
	return !w.failed &&
	       msg_append_addr(m, ADDR_URI, 0, 0, (struct str){text, put_size(&w)}, &m->from);
}

/* ---- payloads ---- */

static struct str id_of(const struct xmpp_stanza *s, struct put *room)
{
	return xmpp_value(xmpp_attribute(&s->x, STR("id")), room);
}

/* What a payload says. True: it was read to its END. */
static bool take(struct xmpp_stanza *s, enum xmpp_payload p, struct content *c, struct put *room)
{
	switch (p) {
	case XMPP_PAYLOAD_BODY:
		if (c->has_body)
			return false; /* in another language: goes on as a payload */
		c->has_body = true;
		c->language = xmpp_language(&s->x);
		return xmpp_text(&s->x, room, &c->body);
	case XMPP_PAYLOAD_RECEIPT_REQUEST:
		c->wants_receipt = true;
		return false;
	case XMPP_PAYLOAD_MARKABLE:
		c->wants_read = true;
		return false;
	case XMPP_PAYLOAD_MARKER_RECEIVED:
	case XMPP_PAYLOAD_RECEIPT:
		c->receipt = id_of(s, room);
		return false;
	case XMPP_PAYLOAD_MARKER_DISPLAYED:
		c->displayed = id_of(s, room);
		return false;
	case XMPP_PAYLOAD_CARBONS_PRIVATE:
	case XMPP_PAYLOAD_NO_COPY:
		c->alone = true;
		return false;
	case XMPP_PAYLOAD_CHAT_COMPOSING:
	case XMPP_PAYLOAD_CHAT_ACTIVE:
	case XMPP_PAYLOAD_CHAT_PAUSED:
	case XMPP_PAYLOAD_CHAT_INACTIVE:
	case XMPP_PAYLOAD_CHAT_GONE:
		c->composing = c->composing || p == XMPP_PAYLOAD_CHAT_COMPOSING;
		c->gone = p == XMPP_PAYLOAD_CHAT_GONE;
		c->chat_state = true;
		return false;
	default:
		return false;
	}
}

static bool is_ours(const struct xmpp_map *map, const struct xmpp_jid *jid)
{
	return is_gateway(map, jid) ||
	       map->services->serves(map->services->context, map->protocol, jid->domain);
}

/* Does the id claim to be one that we gave? What names nobody is nobody's. */
static bool is_our_id(const struct xmpp_map *map, const struct xmpp_stanza *s)
{
	char            text[XMPP_JID_SIZE_MAX], value[XMPP_JID_SIZE_MAX];
	struct put      room = put_to(text, sizeof(text)), by = put_to(value, sizeof(value));
	struct xmpp_jid jid;

	return !xmpp_jid_parse(xmpp_value(xmpp_attribute(&s->x, STR("by")), &by), &room, &jid) ||
	       is_ours(map, &jid);
}

/* Does it claim that the message waited with us? With its sender it may have. */
static bool is_our_delay(const struct xmpp_map *map, const struct xmpp_stanza *s)
{
	char            text[XMPP_JID_SIZE_MAX], value[XMPP_JID_SIZE_MAX];
	struct put      room = put_to(text, sizeof(text)), from = put_to(value, sizeof(value));
	struct xmpp_jid jid;

	return xmpp_jid_parse(xmpp_value(xmpp_attribute(&s->x, STR("from")), &from), &room, &jid) &&
	       jid.local.n == 0 && is_ours(map, &jid);
}

/* Servers alone say so (XEP-0280, 11), and of ids and delays each its own (XEP-0359, 5). */
static bool is_servers_own(const struct xmpp_map *map, const struct xmpp_stanza *s,
			   enum xmpp_payload p)
{
	return p == XMPP_PAYLOAD_CARBONS_SENT || p == XMPP_PAYLOAD_CARBONS_RECEIVED ||
	       (p == XMPP_PAYLOAD_STANZA_ID && is_our_id(map, s)) ||
	       (p == XMPP_PAYLOAD_DELAY && is_our_delay(map, s));
}

static void read_url(struct xml *x, struct content *c, struct put *room)
{
	enum xml_token t;

	do {
		t = xml_next(x);
		if (t == XML_START && xml_is(x, STR(XMPP_SPACE_OOB), STR("url"))) {
			if (!xmpp_text(x, room, &c->url))
				c->url = STR("");
			return;
		}
	} while (t != XML_DONE && t != XML_BAD);
}

/* Subject, thread and place are read, and go on as they came, too. */
static void take_twice(enum xmpp_payload p, struct str raw, struct xmpp_stanza *s,
		       struct content *c, struct put *room)
{
	struct xml_scope none = {0};
	struct xml       x;

	if (p != XMPP_PAYLOAD_SUBJECT && p != XMPP_PAYLOAD_THREAD && p != XMPP_PAYLOAD_OOB)
		return;
	xml_child_open(&x, raw, &none);
	if (xml_next(&x) != XML_START)
		return;
	if (p == XMPP_PAYLOAD_OOB)
		read_url(&x, c, room);
	else
		xmpp_text(&x, room, p == XMPP_PAYLOAD_SUBJECT ? &c->subject : &c->thread);
}

/* room: texts, then payloads, which must lie together. */
static bool read_payloads(const struct xmpp_map *map, struct xmpp_stanza *s, struct content *c,
			  struct put *room)
{
	size_t            half = put_room(room) / 2;
	struct put        texts = put_to(room->p, half), raw = put_to(room->p + half, half);
	enum xmpp_payload p;

	while (xmpp_payload_next(s, &p)) {
		const char *start = (const char *)raw.p;

		if (p == XMPP_PAYLOAD_ERROR) {
			c->error = true;
			c->condition = xmpp_error_read(&s->x);
			continue;
		}
		if (is_servers_own(map, s, p) || take(s, p, c, &texts))
			continue;
		if (map->several && p == XMPP_PAYLOAD_ADDRESSES) {
			xmpp_addresses_put(&s->x, &raw);
			continue;
		}
		xmpp_element_put(&s->x, s->content, &raw);
		take_twice(p, (struct str){start, (size_t)((const char *)raw.p - start)}, s, c,
			   &texts);
	}
	c->payloads = (struct str){(const char *)raw.start, put_size(&raw)};
	return !s->x.bad && !raw.failed && !texts.failed;
}

/* What goes on as it is: requests and presence; all that we say ourselves; and an error that a
 * server names a user of XMPP by, who knows what it is about. */
static bool is_native(const struct xmpp_map *map, const struct xmpp_stanza *s, const struct msg *m)
{
	return map->native || s->kind != XMPP_MESSAGE ||
	       (map->link && s->type == XMPP_TYPE_ERROR && m->to.kind == ADDR_URI &&
		str_starts(msg_addr(m, &m->to), STR("xmpp:")));
}

/* All of a request or of presence, which are for the other client to understand. */
static bool read_native(struct xmpp_stanza *s, struct content *c, struct put *room)
{
	const char       *start = (const char *)room->p;
	enum xmpp_payload p;

	while (xmpp_payload_next(s, &p))
		xmpp_element_put(&s->x, s->content, room);
	c->payloads = (struct str){start, (size_t)((const char *)room->p - start)};
	return !s->x.bad && !room->failed;
}

/* ---- the record ---- */

static bool fill_report(struct msg *m, enum msg_kind kind, enum msg_state state, struct str id)
{
	m->kind = (uint8_t)kind;
	m->coding = MSG_CODING_ASCII;
	m->receipt.state = (uint8_t)state;
	return msg_append(m, id.p, id.n, &m->receipt.remote_id);
}

/* Does all of it arrive, and not the text alone? */
static bool arrives_whole(const struct xmpp_map *map, const struct msg *m)
{
	uint16_t features;

	return map->services->reach != NULL &&
	       map->services->reach(map->services->context, map->protocol, msg_addr(m, &m->to),
				    &features) == PROTO_REACH_HERE;
}

/* The text, and the place that stands beside it where nothing but the text arrives. */
static bool fill_text(const struct xmpp_map *map, const struct content *c, struct msg *m)
{
	struct msg_part end, url;

	if (!msg_append(m, c->body.p, c->body.n, &m->body))
		return false;
	if (c->url.n == 0 ||
	    (c->body.n > 0 &&
	     (memmem(c->body.p, c->body.n, c->url.p, c->url.n) != NULL || arrives_whole(map, m))))
		return true;
	if (!msg_append(m, "\n", c->body.n > 0 ? 1 : 0, &end) ||
	    !msg_append(m, c->url.p, c->url.n, &url))
		return false;
	m->body.size += end.size + url.size;
	return true;
}

/* What kind of message it is. False: the pool is dry. */
static bool fill_kind(const struct xmpp_map *map, const struct xmpp_stanza *s,
		      const struct content *c, bool native, struct msg *m)
{
	struct str word = c->composing ? STR("active") : c->gone ? STR("gone") : STR("idle");

	if (native) {
		m->kind = MSG_NATIVE;
		m->coding = MSG_CODING_BINARY;
		return true;
	}
	if (s->type == XMPP_TYPE_ERROR) {
		if (c->id.n == 0 || c->id.n > RESULT_REMOTE_ID_MAX) {
			m->kind = XMPP_NO_MESSAGE;
			return true;
		}
		m->receipt.why = (uint8_t)xmpp_reason_of(c->condition);
		return fill_report(m, MSG_RECEIPT, xmpp_state_of(c->condition), c->id);
	}
	if (c->has_body || c->url.n > 0) {
		m->kind = MSG_TEXT;
		m->coding = MSG_CODING_UTF8;
		m->carries = c->url.n > 0 ? MSG_CONTENT_FILE : MSG_CONTENT_TEXT;
		if ((c->wants_receipt || c->wants_read) && c->id.n > 0 &&
		    c->id.n <= MSG_ORIGIN_ID_MAX) {
			m->wants = (c->wants_receipt ? MSG_WANT_SUCCESS : 0) |
				   (c->wants_read ? MSG_WANT_READ : 0);
			if (!msg_append(m, c->id.p, c->id.n, &m->origin_id))
				return false;
		}
		return fill_text(map, c, m);
	}
	if (c->receipt.n > 0 && c->receipt.n <= RESULT_REMOTE_ID_MAX)
		return fill_report(m, MSG_RECEIPT, MSG_STATE_DELIVERED, c->receipt);
	if (c->displayed.n > 0 && c->displayed.n <= RESULT_REMOTE_ID_MAX)
		return fill_report(m, MSG_READ_REPORT, MSG_STATE_DELIVERED, c->displayed);
	m->coding = c->chat_state ? MSG_CODING_ASCII : MSG_CODING_BINARY;
	m->kind = c->chat_state ? MSG_COMPOSING : c->payloads.n > 0 ? MSG_NATIVE : XMPP_NO_MESSAGE;
	return !c->chat_state || msg_append(m, word.p, word.n, &m->body);
}

static bool add(const struct xmpp_map *map, struct msg *m, uint16_t tag, struct str value)
{
	return value.n == 0 || (value.n <= UINT16_MAX &&
				msg_extra_add(m, map->protocol, tag, value.p, (uint16_t)value.n));
}

static bool add_common(struct msg *m, uint16_t tag, struct str value)
{
	return value.n == 0 || value.n > MSG_COMMON_SIZE_MAX ||
	       msg_extra_add(m, MSG_COMMON, tag, value.p, (uint16_t)value.n);
}

static bool add_sender(const struct xmpp_map *map, const struct xmpp_sender *from, struct msg *m)
{
	char       text[MSG_ADDR_SIZE_MAX + 1 + XMPP_JID_SIZE_MAX];
	struct put w = put_to(text, sizeof(text));

	put_str(&w, msg_addr(m, &m->from));
	put_u8(&w, ' ');
	xmpp_jid_put(&w, &from->jid);
	return !w.failed && add(map, m, XMPP_EXTRA_SENDER, (struct str){text, put_size(&w)});
}

static bool fill_extras(const struct xmpp_map *map, const struct xmpp_head *s,
			const struct content *c, const struct xmpp_jid *to,
			const struct xmpp_sender *from, struct msg *m)
{
	uint8_t    type = (uint8_t)s->type, kind = (uint8_t)s->kind;
	struct str language = c->language.n > 0 ? c->language : s->lang;

	return add_sender(map, from, m) && add(map, m, XMPP_EXTRA_RESOURCE, to->resource) &&
	       (s->kind == XMPP_MESSAGE ||
		add(map, m, XMPP_EXTRA_KIND, (struct str){(const char *)&kind, 1})) &&
	       add(map, m, XMPP_EXTRA_TYPE, (struct str){(const char *)&type, 1}) &&
	       add(map, m, XMPP_EXTRA_PAYLOADS, c->payloads) &&
	       add(map, m, XMPP_EXTRA_ID, c->id.n <= MSG_ORIGIN_ID_MAX ? c->id : STR("")) &&
	       add(map, m, XMPP_EXTRA_BODY_LANGUAGE,
		   c->language.n <= LANGUAGE_MAX ? c->language : STR("")) &&
	       add_common(m, MSG_COMMON_SUBJECT, c->subject) &&
	       add_common(m, MSG_COMMON_LANGUAGE, language.n <= LANGUAGE_MAX ? language : STR(""));
}

/* XEP-0280, 6: chat, and what else has a text, or tells of one. */
static bool is_alone(const struct xmpp_stanza *s, const struct content *c, const struct msg *m)
{
	if (s->kind != XMPP_MESSAGE || c->alone)
		return true;
	if (s->type == XMPP_TYPE_CHAT)
		return false;
	return (s->type != XMPP_TYPE_NONE && s->type != XMPP_TYPE_NORMAL) || m->kind == MSG_NATIVE;
}

static void learn_thread(const struct xmpp_map *map, const struct content *c, const struct msg *m)
{
	if (c->thread.n > 0 && c->thread.n <= UINT8_MAX && map->services->converse != NULL)
		map->services->converse(map->services->context, msg_addr(m, &m->from),
					msg_addr(m, &m->to), c->thread);
}

enum xmpp_condition xmpp_map_in(const struct xmpp_map *map, struct xmpp_stanza *s,
				const struct xmpp_jid *to, const struct xmpp_sender *from,
				struct put *room, struct msg *m, enum reason *why)
{
	bool             native;
	struct content   c = {.has_body = false};
	struct xmpp_head head = {.kind = s->kind, .type = s->type, .lang = s->lang};

	c.id = xmpp_value(s->id, room);
	*why = fits(&from->jid) ? REASON_DESTINATION : REASON_SENDER;
	if (!fits(to) || !fits(&from->jid))
		return XMPP_POLICY_VIOLATION;
	if (!append_to(map, to, m))
		return is_gateway(map, to) ? XMPP_ITEM_NOT_FOUND
		       : to->local.n > 0   ? XMPP_JID_MALFORMED
					   : XMPP_SERVICE_UNAVAILABLE;
	native = is_native(map, s, m);
	*why = REASON_MESSAGE_SIZE;
	if (!(native ? read_native(s, &c, room) : read_payloads(map, s, &c, room)))
		return XMPP_POLICY_VIOLATION;
	if (s->kind == XMPP_IQ && c.id.n > MSG_ORIGIN_ID_MAX) /* the answer would name another */
		return XMPP_POLICY_VIOLATION;
	if (c.body.n + c.url.n > map->settings->message_size_max)
		return XMPP_POLICY_VIOLATION;
	*why = REASON_SENDER;
	if (!append_from(from, m))
		return XMPP_FORBIDDEN;
	*why = REASON_POOL;
	m->native_protocol = map->protocol;
	m->received_us = map->now.us;
	m->to_place = to->resource.n > 0 ? xmpp_resource_key(to->resource) : 0;
	m->there = s->type == XMPP_TYPE_GROUPCHAT && m->to_place != 0; /* RFC 6121, 8.5.3.2.1 */
	m->class = s->type == XMPP_TYPE_HEADLINE ? MSG_BULK : MSG_NORMAL;
	if (!fill_kind(map, s, &c, native, m))
		return XMPP_RESOURCE_CONSTRAINT;
	if (m->kind != XMPP_NO_MESSAGE && !fill_extras(map, &head, &c, to, from, m))
		return XMPP_RESOURCE_CONSTRAINT;
	m->alone = is_alone(s, &c, m);
	learn_thread(map, &c, m);
	*why = REASON_NONE;
	return XMPP_CONDITION_NONE;
}

bool xmpp_map_said(const struct xmpp_map *map, const struct xmpp_jid *to, struct str stanza,
		   struct msg *m)
{
	char       text[MSG_ADDR_SIZE_MAX];
	struct put w = put_to(text, sizeof(text));

	put_str(&w, STR("xmpp:"));
	xmpp_jid_put_bare(&w, to);
	m->kind = MSG_NATIVE;
	m->coding = MSG_CODING_BINARY;
	m->native_protocol = map->protocol;
	m->alone = true;
	m->to_place = xmpp_resource_key(to->resource);
	return !w.failed &&
	       msg_append_addr(m, ADDR_URI, 0, 0, (struct str){text, put_size(&w)}, &m->to) &&
	       add(map, m, XMPP_EXTRA_STANZA, stanza);
}

bool xmpp_map_kept(const struct xmpp_map *map, const struct xmpp_jid *to, struct str bytes,
		   struct msg *m)
{
	uint8_t order = XMPP_ORDER_KEPT;

	return xmpp_map_said(map, to, bytes, m) &&
	       add(map, m, XMPP_EXTRA_ORDER, (struct str){(const char *)&order, 1});
}

bool xmpp_map_own(const struct xmpp_map *map, const struct xmpp_own *own, const struct xmpp_jid *to,
		  const struct xmpp_sender *from, struct msg *m)
{
	struct content c = {.id = own->head.id, .payloads = own->payloads};
	uint8_t        order = (uint8_t)own->order;

	if (!append_to(map, to, m) || !append_from(from, m))
		return false;
	m->kind = MSG_NATIVE;
	m->coding = MSG_CODING_BINARY;
	m->mode = MSG_DATAGRAM;
	m->alone = true;
	m->class = MSG_NORMAL;
	m->native_protocol = map->protocol;
	m->received_us = map->now.us;
	m->to_place = to->resource.n > 0 ? xmpp_resource_key(to->resource) : 0;
	return fill_extras(map, &own->head, &c, to, from, m) &&
	       (order == XMPP_ORDER_NONE ||
		add(map, m, XMPP_EXTRA_ORDER, (struct str){(const char *)&order, 1}));
}
