#include <string.h>

#include "base/aor_map.h"
#include "base/date.h"
#include "msg/concat.h"
#include "msg/id.h"
#include "msg/text.h"
#include "xmpp/map.h"
#include "xmpp/spaces.h"

#define BODY_MAX 65536u /* of what is no UTF-8 yet */
#define PIECE 1024u

static bool extra(const struct xmpp_map *map, const struct msg *m, uint16_t tag,
		  struct msg_part *value)
{
	struct msg_extra e;

	if (!msg_extra_find(m, map->protocol, tag, &e))
		return false;
	*value = e.value;
	return true;
}

static struct str small_extra(const struct xmpp_map *map, const struct msg *m, uint16_t tag,
			      uint8_t *room, size_t n)
{
	struct msg_part value;

	if (!extra(map, m, tag, &value) || value.size > n)
		return STR("");
	return (struct str){(const char *)msg_view(m, value, room), value.size};
}

static struct str common(const struct msg *m, uint16_t tag, uint8_t room[MSG_COMMON_SIZE_MAX])
{
	struct msg_extra e;

	if (!msg_extra_find(m, MSG_COMMON, tag, &e) || e.value.size > MSG_COMMON_SIZE_MAX)
		return STR("");
	return (struct str){(const char *)msg_view(m, e.value, room), e.value.size};
}

/* ---- addresses ---- */

/* XML has no place for the other control characters. */
static struct str tame(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((uint8_t)text[i] < ' ' && text[i] != '\n' && text[i] != '\r' && text[i] != '\t')
			text[i] = ' ';
		else if (n - i >= 3 && memcmp(text + i, "\xef\xbf", 2) == 0 &&
			 text[i + 2] > (char)0xbd)
			text[i + 2] = (char)0xbd; /* nor for U+FFFE and U+FFFF */
	}
	return (struct str){text, n};
}

static bool is_plain(struct str text)
{
	bool plain = true;

	for (size_t i = 0; i < text.n; i++)
		plain &= text.p[i] >= ' ' && text.p[i] < 0x7f;
	return plain;
}

/* Texts of other protocols may be no UTF-8, or have control characters. */
static struct str valid(struct str text, char *room, size_t n)
{
	struct text_tables none = {0};

	if (is_plain(text))
		return text;
	return tame(room,
		    text_to_utf8(MSG_CODING_UTF8, none, (const uint8_t *)text.p, text.n, room, n));
}

static bool put_at(struct put *w, struct str local, struct str domain)
{
	if (!aor_escape_put(w, local))
		return false;
	put_u8(w, '@');
	put_str(w, domain);
	return true;
}

/* The JID of an address in normal form. False: it has none. */
static bool put_address(struct put *w, enum addr_kind kind, struct str text, struct str domain)
{
	struct aor a;

	switch (kind) {
	case ADDR_NONE:
		put_str(w, domain);
		return true;
	case ADDR_E164:
	case ADDR_SHORT:
	case ADDR_ALPHA:
		return put_at(w, text, domain);
	case ADDR_URI:
		if (!aor_split(text, &a))
			return false;
		if (!str_eq(a.scheme, STR("xmpp")))
			return aor_map_put(w, &a, STR("xmpp"));
		put_str(w, str_skip(text, 5));
		return true;
	case ADDR_KIND_COUNT:
		break;
	}
	return false;
}

static struct str bare(struct str jid)
{
	const char *slash = memchr(jid.p, '/', jid.n);

	return (struct str){jid.p, slash != NULL ? (size_t)(slash - jid.p) : jid.n};
}

/* As a user of a gateway. */
static bool put_escaped(struct put *w, enum addr_kind kind, struct str text, struct str domain)
{
	if (kind != ADDR_URI)
		return put_address(w, kind, text, domain);
	return put_at(w, str_starts(text, STR("xmpp:")) ? str_skip(text, 5) : text, domain);
}

bool xmpp_map_to_put(const struct xmpp_map *map, const struct msg *m, struct str domain,
		     struct put *w)
{
	uint8_t    room[XMPP_PART_SIZE_MAX];
	struct str resource = small_extra(map, m, XMPP_EXTRA_RESOURCE, room, sizeof(room));

	if (m->to.size == 0 ||
	    !put_address(w, (enum addr_kind)m->to.kind, msg_addr(m, &m->to), domain))
		return false;
	if (m->native_protocol == map->protocol && m->to.kind == ADDR_URI && resource.n > 0) {
		put_u8(w, '/');
		put_str(w, resource);
	}
	return !w->failed;
}

/* The sender's own, where no rule has made somebody else of it. */
bool xmpp_map_from(const struct xmpp_map *map, const struct msg *m, const struct xmpp_way *way,
		   struct put *w)
{
	uint8_t    room[MSG_ADDR_SIZE_MAX + 1 + XMPP_JID_SIZE_MAX];
	struct str from = msg_addr(m, &m->from);
	struct str own = small_extra(map, m, XMPP_EXTRA_SENDER, room, sizeof(room));
	bool       known = own.n > from.n && str_starts(own, from) && own.p[from.n] == ' ';

	own = str_skip(own, known ? from.n + 1 : own.n);
	if (known && !way->gateway) {
		put_str(w, own);
		return true;
	}
	if (!way->gateway)
		return put_address(w, (enum addr_kind)m->from.kind, from, way->domain);
	if (!put_escaped(w, (enum addr_kind)m->from.kind, from, way->domain))
		return false;
	if (known && xmpp_map_kind(map, m) == XMPP_IQ) /* so that the answer finds who asks */
		put_str(w, str_skip(own, bare(own).n));
	return true;
}

/* ---- content ---- */

/* A part of the record as it stands. */
static void put_part(struct put *w, const struct msg *m, struct msg_part part)
{
	uint8_t *to = put_reserve(w, part.size);

	if (to != NULL) {
		const uint8_t *view = msg_view(m, part, to);

		if (view != to)
			memcpy(to, view, part.size);
	}
}

/* UTF-8, cut at the ends of characters. */
static void escape_part(struct put *w, const struct msg *m, struct msg_part part)
{
	uint8_t  room[PIECE];
	uint32_t at = 0;

	while (at < part.size && !w->failed) {
		uint32_t       n = part.size - at < PIECE ? part.size - at : PIECE;
		const uint8_t *p = msg_view(m, (struct msg_part){part.off + at, n}, room);
		uint32_t       whole = n;

		while (at + n < part.size && whole > 0 && whole + 4 > n &&
		       (p[whole - 1] & 0x80) != 0)
			whole--;
		if (whole == 0)
			whole = n;
		xml_escape_put(w, (struct str){(const char *)p, whole});
		at += whole;
	}
}

static enum reason put_transcoded(struct put *w, const struct msg *m)
{
	uint8_t gathered[BODY_MAX];
	char    text[TEXT_UTF8_SIZE(BODY_MAX)];

	if (m->body.size > BODY_MAX || m->udh_size > m->body.size)
		return REASON_MESSAGE_SIZE;
	xml_escape_put(w, tame(text, concat_text(m, gathered, text, sizeof(text)).n));
	return REASON_NONE;
}

static enum reason put_body(const struct xmpp_map *map, const struct msg *m, struct put *w)
{
	uint8_t     room[64];
	struct str  language = small_extra(map, m, XMPP_EXTRA_BODY_LANGUAGE, room, sizeof(room));
	enum reason why = REASON_NONE;

	put_str(w, STR("<body"));
	if (language.n > 0)
		xmpp_put_attribute(w, STR("xml:lang"), language);
	put_u8(w, '>');
	if (m->native_protocol == map->protocol)
		escape_part(w, m, m->body);
	else
		why = put_transcoded(w, m);
	put_str(w, STR("</body>"));
	return why;
}

static void put_element(struct put *w, struct str name, struct str text)
{
	put_u8(w, '<');
	put_str(w, name);
	put_u8(w, '>');
	xml_escape_put(w, text);
	put_str(w, STR("</"));
	put_str(w, name);
	put_u8(w, '>');
}

/* A file that is elsewhere: its URL as the text, and as what clients fetch (XEP-0066). */
static bool put_link(const struct msg *m, struct put *w)
{
	uint8_t    link_room[MSG_COMMON_SIZE_MAX], name_room[MSG_COMMON_SIZE_MAX];
	char       text[TEXT_UTF8_SIZE(MSG_COMMON_SIZE_MAX)];
	struct str link = common(m, MSG_COMMON_LINK, link_room);
	struct str name = common(m, MSG_COMMON_LINK_NAME, name_room);

	if (m->carries != MSG_CONTENT_FILE || link.n == 0)
		return false;
	put_element(w, STR("body"), link);
	put_str(w, STR("<x xmlns=\"" XMPP_SPACE_OOB "\">"));
	put_element(w, STR("url"), link);
	if (name.n > 0)
		put_element(w, STR("desc"), valid(name, text, sizeof(text)));
	put_str(w, STR("</x>"));
	return true;
}

/* What other protocols have said beside the text. */
static void put_translated(const struct xmpp_map *map, const struct msg *m, struct put *w)
{
	uint8_t    room[MSG_COMMON_SIZE_MAX];
	char       text[TEXT_UTF8_SIZE(MSG_COMMON_SIZE_MAX)];
	struct str subject = common(m, MSG_COMMON_SUBJECT, room), thread = STR("");

	if (subject.n > 0)
		put_element(w, STR("subject"), valid(subject, text, sizeof(text)));
	if (map->services->conversation != NULL)
		thread = map->services->conversation(map->services->context, msg_addr(m, &m->from),
						     msg_addr(m, &m->to));
	if (thread.n > 0)
		put_element(w, STR("thread"), valid(thread, text, sizeof(text)));
	if ((m->wants & MSG_WANT_SUCCESS) != 0)
		put_str(w, STR("<request xmlns=\"urn:xmpp:receipts\"/>"));
	if ((m->wants & MSG_WANT_READ) != 0)
		put_str(w, STR("<markable xmlns=\"urn:xmpp:chat-markers:0\"/>"));
}

static void put_id_element(struct put *w, const char *name, const char *space, struct str id)
{
	put_u8(w, '<');
	put_str(w, str_of(name));
	put_str(w, STR(" xmlns=\""));
	put_str(w, str_of(space));
	put_u8(w, '"');
	xmpp_put_attribute(w, STR("id"), id);
	put_str(w, STR("/>"));
}

/* A report, on the message whose id its sender gave. */
static void put_report(const struct msg *m, struct str id, struct put *w)
{
	if (m->kind == MSG_READ_REPORT)
		put_id_element(w, "displayed", "urn:xmpp:chat-markers:0", id);
	else if (m->receipt.state == MSG_STATE_DELIVERED)
		put_id_element(w, "received", "urn:xmpp:receipts", id);
	else
		xmpp_put_error(w, xmpp_condition_of_report(&m->receipt),
			       STR("The message was not delivered."));
}

static bool is_failure(const struct msg *m)
{
	return m->kind == MSG_RECEIPT && m->receipt.state != MSG_STATE_DELIVERED;
}

static void put_state(const struct msg *m, struct put *w)
{
	uint8_t    room[8];
	struct str word = {"", 0};

	if (m->body.size <= sizeof(room))
		word = (struct str){(const char *)msg_view(m, m->body, room), m->body.size};
	put_str(w, str_eq(word, STR("active")) ? STR("<composing")
		   : str_eq(word, STR("gone")) ? STR("<gone")
					       : STR("<active"));
	put_str(w, STR(" xmlns=\"http://jabber.org/protocol/chatstates\"/>"));
}

struct str xmpp_map_kept_get(const struct xmpp_map *map, const struct msg *m, uint8_t *room,
			     size_t n)
{
	return small_extra(map, m, XMPP_EXTRA_STANZA, room, n);
}

enum xmpp_order xmpp_map_order(const struct xmpp_map *map, const struct msg *m)
{
	uint8_t    room[1];
	struct str order = small_extra(map, m, XMPP_EXTRA_ORDER, room, sizeof(room));

	return m->native_protocol == map->protocol && order.n == 1 &&
			       (uint8_t)order.p[0] < XMPP_ORDER_COUNT
		       ? (enum xmpp_order)order.p[0]
		       : XMPP_ORDER_NONE;
}

enum xmpp_kind xmpp_map_kind(const struct xmpp_map *map, const struct msg *m)
{
	uint8_t    room[1];
	struct str kind = small_extra(map, m, XMPP_EXTRA_KIND, room, sizeof(room));

	return kind.n == 1 && kind.p[0] < XMPP_OTHER ? (enum xmpp_kind)kind.p[0] : XMPP_MESSAGE;
}

static enum xmpp_type type_of(const struct xmpp_map *map, const struct msg *m, enum xmpp_kind kind)
{
	uint8_t    room[1];
	struct str type = small_extra(map, m, XMPP_EXTRA_TYPE, room, sizeof(room));

	if (is_failure(m))
		return XMPP_TYPE_ERROR;
	if (m->native_protocol == map->protocol && type.n == 1 && type.p[0] < XMPP_TYPE_BAD &&
	    (type.p[0] != XMPP_TYPE_ERROR || kind != XMPP_MESSAGE || m->kind == MSG_NATIVE))
		return (enum xmpp_type)type.p[0];
	return XMPP_TYPE_CHAT;
}

enum xmpp_type xmpp_map_type(const struct xmpp_map *map, const struct msg *m)
{
	return type_of(map, m, xmpp_map_kind(map, m));
}

/* As it came from XMPP. */
static enum reason put_native(const struct xmpp_map *map, const struct msg *m, struct put *w)
{
	struct msg_part payloads;
	enum reason     why = m->kind == MSG_TEXT ? put_body(map, m, w) : REASON_NONE;

	if (extra(map, m, XMPP_EXTRA_PAYLOADS, &payloads))
		put_part(w, m, payloads);
	return why;
}

static enum reason put_content(const struct xmpp_map *map, const struct msg *m, struct put *w)
{
	uint8_t     room[MSG_ORIGIN_ID_MAX];
	struct str  id = STR("");
	enum reason why;

	if (m->origin_id.size <= sizeof(room))
		id = (struct str){(const char *)msg_view(m, m->origin_id, room), m->origin_id.size};
	if (msg_is_report(m)) {
		if (id.n == 0 || m->receipt.intermediate)
			return REASON_RECEIPT_UNKNOWN;
		put_report(m, id, w);
		return REASON_NONE;
	}
	if (m->native_protocol == map->protocol)
		return put_native(map, m, w);
	if (m->kind == MSG_COMPOSING) {
		put_state(m, w);
		return REASON_NONE;
	}
	if (m->kind != MSG_TEXT)
		return REASON_CODING;
	why = put_link(m, w) ? REASON_NONE : put_body(map, m, w);
	put_translated(map, m, w);
	return why;
}

/* What we say of a text: the id that it has here (XEP-0359), and since when it waited (0203). */
static void put_stamps(const struct xmpp_map *map, const struct msg *m, const struct xmpp_way *way,
		       struct put *w)
{
	uint64_t   waited_us = map->now.us > m->received_us ? map->now.us - m->received_us : 0;
	char       id[MSG_ID_TEXT_SIZE_MAX], stamp[DATE_TEXT_SIZE];
	struct put date = put_to(stamp, sizeof(stamp));

	if (m->id != 0 && !map->link) { /* else the other side has a word of its own */
		put_str(w, STR("<stanza-id xmlns=\"urn:xmpp:sid:0\""));
		xmpp_put_attribute(w, STR("by"), bare(way->address));
		xmpp_put_attribute(w, STR("id"), (struct str){id, msg_id_text(m->id, id)});
		put_str(w, STR("/>"));
	}
	if (m->received_us == 0 || waited_us < XMPP_DELAY_US)
		return;
	date_put(&date, map->now.wall_ms - waited_us / US_PER_MS);
	put_str(w, STR("<delay xmlns=\"urn:xmpp:delay\""));
	xmpp_put_attribute(w, STR("from"), way->domain);
	xmpp_put_attribute(w, STR("stamp"), (struct str){stamp, put_size(&date)});
	put_str(w, STR("/>"));
}

struct str xmpp_map_id(const struct xmpp_map *map, const struct msg *m,
		       char room[MSG_ORIGIN_ID_MAX])
{
	struct put w = put_to(room, MSG_ORIGIN_ID_MAX);
	char       id[MSG_ID_TEXT_SIZE_MAX];
	struct str own = small_extra(map, m, XMPP_EXTRA_ID, (uint8_t *)room, MSG_ORIGIN_ID_MAX);

	if (m->native_protocol == map->protocol &&
	    (own.n > 0 || xmpp_map_kind(map, m) == XMPP_PRESENCE)) /* which nothing answers */
		return own;
	put_str(&w, STR("cpm"));
	put_bytes(&w, id, msg_id_text(m->id, id));
	return (struct str){room, put_size(&w)};
}

bool xmpp_map_notified(const struct msg *m)
{
	return m->kind == MSG_TEXT && (m->wants & MSG_WANT_SUCCESS) != 0;
}

/* The first of a list (RFC 3261, 20.13), where it is one of RFC 5646. */
static struct str one_language(struct str list)
{
	size_t n = 0;

	while (n < list.n &&
	       ((list.p[n] >= 'a' && list.p[n] <= 'z') || (list.p[n] >= 'A' && list.p[n] <= 'Z') ||
		(list.p[n] >= '0' && list.p[n] <= '9') || list.p[n] == '-'))
		n++;
	return n == list.n || list.p[n] == ',' ? (struct str){list.p, n} : STR("");
}

/* to: whom it says that it is for. forwarded: it stands in another (XEP-0297). */
static enum reason put_stanza(const struct xmpp_map *map, const struct msg *m,
			      const struct xmpp_way *way, struct str to, bool forwarded,
			      struct put *w)
{
	uint8_t          language[MSG_COMMON_SIZE_MAX], id[MSG_ORIGIN_ID_MAX];
	char             from[XMPP_JID_SIZE_MAX], whole[TEXT_UTF8_SIZE(XMPP_JID_SIZE_MAX)];
	struct put       jid = put_to(from, sizeof(from));
	enum xmpp_kind   kind = xmpp_map_kind(map, m);
	enum reason      why;
	struct xmpp_head head = {.kind = kind,
				 .type = type_of(map, m, kind),
				 .id = way->id,
				 .to = to,
				 .lang = one_language(common(m, MSG_COMMON_LANGUAGE, language))};

	if (!xmpp_map_from(map, m, way, &jid) || jid.failed)
		return REASON_SENDER;
	if (is_failure(m) && m->origin_id.size <= sizeof(id)) /* it answers that one */
		head.id = (struct str){(const char *)msg_view(m, m->origin_id, id),
				       m->origin_id.size};
	head.from = valid((struct str){from, put_size(&jid)}, whole, sizeof(whole));
	xmpp_put_head(w, &head);
	if (forwarded)
		put_str(w, STR(" xmlns=\"" XMPP_SPACE_CLIENT "\""));
	put_u8(w, '>');
	why = put_content(map, m, w);
	if (m->kind == MSG_TEXT)
		put_stamps(map, m, way, w);
	put_str(w, STR("</"));
	put_str(w, xmpp_kind_word(kind));
	put_u8(w, '>');
	return why;
}

/* As its sender addressed it. */
static bool put_addressed(const struct xmpp_map *map, const struct msg *m,
			  const struct xmpp_way *way, struct put *w)
{
	uint8_t    room[XMPP_PART_SIZE_MAX];
	struct str resource = small_extra(map, m, XMPP_EXTRA_RESOURCE, room, sizeof(room));

	if (m->copy == MSG_COPY_RECEIVED)
		put_str(w, bare(way->address));
	else if (!put_address(w, (enum addr_kind)m->to.kind, msg_addr(m, &m->to), way->domain))
		return false;
	if (resource.n > 0) {
		put_u8(w, '/');
		put_str(w, resource);
	}
	return !w->failed;
}

/* XEP-0280, 7 and 8: from the account itself. */
static enum reason put_copy(const struct xmpp_map *map, const struct msg *m,
			    const struct xmpp_way *way, struct put *w)
{
	struct str  which = m->copy == MSG_COPY_SENT ? STR("sent") : STR("received");
	char        to[2 * XMPP_JID_SIZE_MAX];
	struct put  addressed = put_to(to, sizeof(to));
	enum reason why;

	if (!put_addressed(map, m, way, &addressed))
		return REASON_DESTINATION;
	xmpp_put_head(w, &(struct xmpp_head){.kind = XMPP_MESSAGE,
					     .type = xmpp_map_type(map, m),
					     .from = bare(way->address),
					     .to = way->address});
	put_str(w, STR("><"));
	put_str(w, which);
	put_str(w,
		STR(" xmlns=\"" XMPP_SPACE_CARBONS "\"><forwarded xmlns=\"urn:xmpp:forward:0\">"));
	why = put_stanza(map, m, way, (struct str){to, put_size(&addressed)}, true, w);
	put_str(w, STR("</forwarded></"));
	put_str(w, which);
	put_str(w, STR("></message>"));
	return why;
}

enum reason xmpp_map_out(const struct xmpp_map *map, const struct msg *m,
			 const struct xmpp_way *way, struct put *w)
{
	struct msg_part stanza;

	if (extra(map, m, XMPP_EXTRA_STANZA, &stanza)) {
		put_part(w, m, stanza);
		return REASON_NONE;
	}
	if (m->copy != MSG_COPY_NONE)
		return put_copy(map, m, way, w);
	return put_stanza(map, m, way, way->address, false, w);
}
