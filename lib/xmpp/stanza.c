#include "xmpp/stanza.h"

#include <string.h>

#include "xmpp/spaces.h"

static const struct {
	struct str space, local; /* space empty: that of the content */
} payloads[XMPP_PAYLOAD_COUNT] = {
#define CONTENT ""
#define PAYLOAD(id, space, local)                                                                  \
	[XMPP_PAYLOAD_##id] = {{space, sizeof(space) - 1}, {local, sizeof(local) - 1}},
#include "xmpp/payloads.def"
#undef PAYLOAD
#undef CONTENT
};

#define WORD(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
static const struct str kinds[] = {
	[XMPP_MESSAGE] = WORD("message"),
	[XMPP_PRESENCE] = WORD("presence"),
	[XMPP_IQ] = WORD("iq"),
};

#define OF(kind) (1u << (kind))
static const struct {
	struct str word;
	unsigned   kinds;
} types[XMPP_TYPE_COUNT] = {
	[XMPP_TYPE_NORMAL] = {WORD("normal"), OF(XMPP_MESSAGE)},
	[XMPP_TYPE_CHAT] = {WORD("chat"), OF(XMPP_MESSAGE)},
	[XMPP_TYPE_GROUPCHAT] = {WORD("groupchat"), OF(XMPP_MESSAGE)},
	[XMPP_TYPE_HEADLINE] = {WORD("headline"), OF(XMPP_MESSAGE)},
	[XMPP_TYPE_ERROR] = {WORD("error"), OF(XMPP_MESSAGE) | OF(XMPP_PRESENCE) | OF(XMPP_IQ)},
	[XMPP_TYPE_UNAVAILABLE] = {WORD("unavailable"), OF(XMPP_PRESENCE)},
	[XMPP_TYPE_SUBSCRIBE] = {WORD("subscribe"), OF(XMPP_PRESENCE)},
	[XMPP_TYPE_SUBSCRIBED] = {WORD("subscribed"), OF(XMPP_PRESENCE)},
	[XMPP_TYPE_UNSUBSCRIBE] = {WORD("unsubscribe"), OF(XMPP_PRESENCE)},
	[XMPP_TYPE_UNSUBSCRIBED] = {WORD("unsubscribed"), OF(XMPP_PRESENCE)},
	[XMPP_TYPE_PROBE] = {WORD("probe"), OF(XMPP_PRESENCE)},
	[XMPP_TYPE_GET] = {WORD("get"), OF(XMPP_IQ)},
	[XMPP_TYPE_SET] = {WORD("set"), OF(XMPP_IQ)},
	[XMPP_TYPE_RESULT] = {WORD("result"), OF(XMPP_IQ)},
};

static enum xmpp_kind kind_of(struct str local)
{
	for (unsigned k = 0; k < XMPP_OTHER; k++) {
		if (str_eq(local, kinds[k]))
			return (enum xmpp_kind)k;
	}
	return XMPP_OTHER;
}

static enum xmpp_type type_of(enum xmpp_kind kind, struct str word)
{
	for (unsigned t = XMPP_TYPE_NORMAL; t < XMPP_TYPE_BAD; t++) {
		if ((types[t].kinds & OF(kind)) != 0 && str_eq(word, types[t].word))
			return (enum xmpp_type)t;
	}
	return XMPP_TYPE_BAD;
}

static void attribute(struct xmpp_stanza *s, const struct xml_attribute *a)
{
	struct str name = a->name.local;

	if (a->name.prefix.n > 0) {
		if (str_eq(a->name.prefix, STR("xml")) && str_eq(name, STR("lang")))
			s->lang = a->value;
	} else if (str_eq(name, STR("id"))) {
		s->id = a->value;
	} else if (str_eq(name, STR("to"))) {
		s->to = a->value;
		s->has_to = true;
	} else if (str_eq(name, STR("from"))) {
		s->from = a->value;
		s->has_from = true;
	} else if (str_eq(name, STR("type"))) {
		s->type = type_of(s->kind, a->value);
	}
}

bool xmpp_stanza_open(struct xmpp_stanza *s, struct str item, const struct xml_scope *scope)
{
	xml_child_open(&s->x, item, scope);
	return xmpp_stanza_read(s);
}

bool xmpp_stanza_read(struct xmpp_stanza *s)
{
	s->type = XMPP_TYPE_NONE;
	s->id = s->to = s->from = s->lang = STR("");
	s->has_to = s->has_from = false;
	if (xml_next(&s->x) != XML_START)
		return false;
	s->content = s->x.space;
	s->kind = kind_of(s->x.name.local);
	for (unsigned i = 0; i < s->x.attributes; i++)
		attribute(s, &s->x.attribute[i]);
	return true;
}

static enum xmpp_payload payload_of(const struct xmpp_stanza *s)
{
	struct str local = s->x.name.local, space = s->x.space;

	if (str_eq(space, s->content))
		space = STR("");
	for (unsigned p = 1; p < XMPP_PAYLOAD_COUNT; p++) {
		if (str_eq(local, payloads[p].local) && str_eq(space, payloads[p].space))
			return (enum xmpp_payload)p;
	}
	return XMPP_PAYLOAD_UNKNOWN;
}

bool xmpp_is_foreign(struct str space, struct str content)
{
	static const struct str contents[] = {WORD(XMPP_SPACE_CLIENT), WORD(XMPP_SPACE_SERVER),
					      WORD(XMPP_SPACE_COMPONENT)};

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		if (str_eq(space, contents[i]))
			return !str_eq(space, content);
	}
	return false;
}

bool xmpp_payload_next(struct xmpp_stanza *s, enum xmpp_payload *p)
{
	enum xml_token t;

	do {
		t = xml_next(&s->x);
		if (t == XML_START && s->x.depth == 2 && !xmpp_is_foreign(s->x.space, s->content)) {
			*p = payload_of(s);
			return true;
		}
	} while (t != XML_BAD && t != XML_DONE);
	return false;
}

struct str xmpp_attribute(const struct xml *x, struct str name)
{
	for (unsigned i = 0; i < x->attributes; i++) {
		const struct xml_attribute *a = &x->attribute[i];

		if (a->name.prefix.n == 0 && str_eq(a->name.local, name))
			return a->value;
	}
	return STR("");
}

struct str xmpp_language(const struct xml *x)
{
	for (unsigned i = 0; i < x->attributes; i++) {
		const struct xml_attribute *a = &x->attribute[i];

		if (str_eq(a->name.prefix, STR("xml")) && str_eq(a->name.local, STR("lang")))
			return a->value;
	}
	return STR("");
}

struct str xmpp_value(struct str raw, struct put *room)
{
	const char *start = (const char *)room->p;

	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '&' || (uint8_t)raw.p[i] < ' ') {
			xml_value_put(room, raw);
			return (struct str){start, (size_t)((const char *)room->p - start)};
		}
	}
	return raw;
}

bool xmpp_text(struct xml *x, struct put *room, struct str *text)
{
	const char    *start = (const char *)room->p;
	unsigned       depth = x->depth;
	enum xml_token t;

	do {
		t = xml_next(x);
		if (t == XML_TEXT && x->depth == depth)
			xml_text_put(room, x->text);
	} while (t != XML_BAD && (t != XML_END || x->depth > depth));
	*text = (struct str){start, (size_t)((const char *)room->p - start)};
	return t == XML_END && !room->failed;
}

/* ---- an element that stands for itself ---- */

static void put_name(struct put *w, struct str prefix, struct str local)
{
	if (prefix.n > 0) {
		put_str(w, prefix);
		put_u8(w, ':');
	}
	put_str(w, local);
}

/* A value as it stood between either kind of quotes. */
static void put_raw_attribute(struct put *w, struct xml_name name, struct str value)
{
	char quote = value.n > 0 && memchr(value.p, '\'', value.n) != NULL ? '"' : '\'';

	put_u8(w, ' ');
	put_name(w, name.prefix, name.local);
	put_u8(w, '=');
	put_u8(w, (uint8_t)quote);
	put_str(w, value);
	put_u8(w, (uint8_t)quote);
}

/* Prefixes of attributes are declared where they are used. */
static void put_attributes(const struct xml *x, struct put *w)
{
	for (unsigned i = 0; i < x->attributes; i++) {
		const struct xml_attribute *a = &x->attribute[i];
		unsigned                    k = 0;

		put_raw_attribute(w, a->name, a->value);
		if (a->name.prefix.n == 0 || str_eq(a->name.prefix, STR("xml")))
			continue;
		while (!str_eq(x->attribute[k].name.prefix, a->name.prefix))
			k++;
		if (k == i) /* it is the first of its prefix */
			put_raw_attribute(w, (struct xml_name){STR("xmlns"), a->name.prefix},
					  a->space);
	}
}

/* The one namespace that has its prefix by itself, and can be no default (Namespaces, 3). */
static struct xml_name name_of(const struct xml *x)
{
	bool is_xml = str_eq(x->name.prefix, STR("xml"));

	return (struct xml_name){is_xml ? x->name.prefix : STR(""), x->name.local};
}

/* above: the default namespace where it stands; returns that within. */
static struct str put_start(const struct xml *x, struct str above, struct put *w)
{
	struct xml_name name = name_of(x);

	put_u8(w, '<');
	put_name(w, name.prefix, name.local);
	if (name.prefix.n == 0 && !str_eq(x->space, above))
		put_raw_attribute(w, (struct xml_name){STR(""), STR("xmlns")}, x->space);
	put_attributes(x, w);
	return name.prefix.n == 0 ? x->space : above;
}

/* Text without CDATA and with one kind of line end, so that whoever reads it reads the same. */
static void put_text(struct put *w, struct str raw)
{
	static const struct str begin = {"<![CDATA[", 9}, end = {"]]>", 3};
	bool                    cdata = str_starts(raw, begin);

	if (cdata)
		raw = (struct str){raw.p + begin.n, raw.n - begin.n - end.n};
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];

		if (c == '\r')
			i += i + 1 < raw.n && raw.p[i + 1] == '\n';
		if (c == '>') /* else "]]" of a section before and this would end one */
			put_str(w, STR("&gt;"));
		else if (cdata && (c == '<' || c == '&'))
			put_str(w, c == '<' ? STR("&lt;") : STR("&amp;"));
		else
			put_u8(w, (uint8_t)(c == '\r' ? '\n' : c));
	}
}

void xmpp_element_put(struct xml *x, struct str content, struct put *w)
{
	struct str     spaces[XML_DEPTH_MAX + 1];
	unsigned       top = x->depth;
	unsigned       plain = top - 1; /* down to here all are of the content's namespace */
	bool           open = true;     /* ">" of a start tag is still to come */
	enum xml_token t = XML_START;

	spaces[top - 1] = content;
	for (;;) {
		if (t != XML_END && t != XML_START && t != XML_TEXT) {
			w->failed = true;
			return;
		}
		if (t == XML_START && plain == x->depth - 1 && xmpp_is_foreign(x->space, content)) {
			xml_skip(x);
		} else if (t == XML_START) {
			if (x->depth > top && open)
				put_u8(w, '>');
			plain += plain == x->depth - 1 && str_eq(x->space, content);
			spaces[x->depth] = put_start(x, spaces[x->depth - 1], w);
			open = true;
		} else if (t == XML_TEXT) {
			if (open)
				put_u8(w, '>');
			put_text(w, x->text);
			open = false;
		} else if (open) {
			put_str(w, STR("/>"));
			open = false;
		} else {
			put_str(w, STR("</"));
			put_name(w, name_of(x).prefix, x->name.local);
			put_u8(w, '>');
		}
		if (t == XML_END && x->depth == top)
			return;
		if (t == XML_END && plain == x->depth)
			plain--;
		t = xml_next(x);
	}
}

/* ---- writing ---- */

void xmpp_put_attribute(struct put *w, struct str name, struct str value)
{
	put_u8(w, ' ');
	put_str(w, name);
	put_str(w, STR("=\""));
	xml_escape_put(w, value);
	put_u8(w, '"');
}

static void put_given(struct put *w, struct str name, struct str value)
{
	if (value.n > 0)
		xmpp_put_attribute(w, name, value);
}

struct str xmpp_kind_word(enum xmpp_kind kind)
{
	return kinds[kind];
}

void xmpp_put_head(struct put *w, const struct xmpp_head *h)
{
	put_u8(w, '<');
	put_str(w, kinds[h->kind]);
	put_given(w, STR("type"), types[h->type].word);
	put_given(w, STR("id"), h->id);
	put_given(w, STR("from"), h->from);
	put_given(w, STR("to"), h->to);
	put_given(w, STR("xml:lang"), h->lang);
}
