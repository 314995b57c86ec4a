#include "xmpp/framing.h"

#include "base/assert.h"
#include "xml/xml.h"
#include "xmpp/spaces.h"
#include "xmpp/stanza.h"

/* ---- out ---- */

/* Where in what we write a byte is. What others wrote and goes along is well-formed, and has
 * neither comments nor instructions. */
enum where { TEXT, LESS, TAG, APOSTROPHES, QUOTES, END_TAG, INSTRUCTION, CDATA };

#define CDATA_END '\x01' /* ->before: "]]" */

static uint8_t after_less(uint8_t byte)
{
	switch (byte) {
	case '/':
		return END_TAG;
	case '?':
		return INSTRUCTION;
	case '!':
		return CDATA;
	default:
		return TAG;
	}
}

/* The end of a tag. True: and of the item. */
static bool tag_ends(struct xmpp_framing *f)
{
	bool empty = f->where == TAG && f->before == '/';

	if (f->where == END_TAG && f->depth > 0)
		f->depth--;
	else if (f->where == TAG && !empty && !f->head)
		f->depth++;
	f->where = TEXT;
	return f->depth == 0;
}

static bool takes(struct xmpp_framing *f, uint8_t byte)
{
	uint8_t before = f->before;

	switch ((enum where)f->where) {
	case TEXT:
		f->where = byte == '<' ? LESS : TEXT;
		break;
	case LESS:
		f->where = after_less(byte);
		break;
	case TAG:
		if (byte == '>')
			return tag_ends(f);
		f->where = byte == '"' ? QUOTES : byte == '\'' ? APOSTROPHES : TAG;
		break;
	case APOSTROPHES:
		f->where = byte == '\'' ? TAG : APOSTROPHES;
		break;
	case QUOTES:
		f->where = byte == '"' ? TAG : QUOTES;
		break;
	case END_TAG:
		if (byte == '>')
			return tag_ends(f);
		break;
	case INSTRUCTION:
		f->where = byte == '>' ? TEXT : INSTRUCTION;
		break;
	case CDATA:
		if (byte == '>' && before == CDATA_END)
			f->where = TEXT;
		if (byte == ']' && (before == ']' || before == CDATA_END))
			byte = CDATA_END;
		break;
	}
	f->before = byte;
	return false;
}

/* Of an item of depth 0 with a name: what its tag must say of namespaces, which the stream's said
 * for it. */
static struct str spaces_of(struct str item)
{
	const char *end = item.n > 0 ? memchr(item.p, '>', item.n) : NULL;
	struct str  tag = {item.p, end != NULL ? (size_t)(end - item.p) : item.n};

	if (str_starts(item, STR("<stream:")))
		return STR(" xmlns:stream=\"" XMPP_SPACE_STREAMS "\"");
	return tag.n > 0 && memmem(tag.p, tag.n, " xmlns=", 7) != NULL
		       ? STR("")
		       : STR(" xmlns=\"" XMPP_SPACE_CLIENT "\"");
}

static size_t name_end(struct str item)
{
	size_t n = 0;

	while (n < item.n && item.p[n] != ' ' && item.p[n] != '/' && item.p[n] != '>')
		n++;
	return n;
}

static void piece_of_first(struct str item, struct proto_piece *piece)
{
	const struct str head = STR(XMPP_CLIENT_HEAD);
	size_t           name;

	if (str_starts(item, head)) {
		piece->parts[0] = STR("<open xmlns=\"" XMPP_SPACE_FRAMING "\"");
		piece->parts[1] = (struct str){item.p + head.n, item.n - head.n - 1};
		piece->parts[2] = STR("/>");
		return;
	}
	if (str_starts(item, STR("</stream:stream>"))) {
		piece->parts[0] = STR("<close xmlns=\"" XMPP_SPACE_FRAMING "\"/>");
		return;
	}
	name = name_end(item);
	piece->parts[0] = (struct str){item.p, name};
	piece->parts[1] = spaces_of(item);
	piece->parts[2] = str_skip(item, name);
}

void xmpp_framing_next(struct xmpp_framing *f, struct cur *written, struct proto_piece *piece)
{
	const char *start = (const char *)written->p;
	struct str  all = {start, cur_left(written)}, item = {start, 0};
	bool        first = !f->begun, last = false;

	if (first)
		*f = (struct xmpp_framing){.begun = true,
					   .head = str_starts(all, STR(XMPP_CLIENT_HEAD))};
	while (!last && cur_left(written) > 0)
		last = takes(f, cur_u8(written));
	item.n = (size_t)((const char *)written->p - start);
	*piece = (struct proto_piece){.last = last};
	for (unsigned i = 0; i < PROTO_PIECE_PARTS; i++)
		piece->parts[i] = STR("");
	if (first)
		piece_of_first(item, piece);
	else
		piece->parts[0] = item;
	f->begun = !last;
}

/* ---- in ---- */

static void open_tag_put(const struct xml *x, struct put *tag)
{
	put_str(tag, STR("<stream:stream xmlns=\"" XMPP_SPACE_CLIENT "\" "
			 "xmlns:stream=\"" XMPP_SPACE_STREAMS "\""));
	for (unsigned i = 0; i < x->attributes; i++) {
		const struct xml_attribute *a = &x->attribute[i];
		char                        room[XMPP_STREAM_HEAD_MAX];
		struct put                  value = put_to(room, sizeof(room));

		if (a->name.prefix.n > 0)
			continue;
		xml_value_put(&value, a->value);
		xmpp_put_attribute(tag, a->name.local, (struct str){room, put_size(&value)});
		tag->failed |= value.failed;
	}
	put_u8(tag, '>');
}

static bool is_named(struct str message, struct str start)
{
	return str_starts(message, start) && message.n > start.n &&
	       strchr(" \t\r\n/>", message.p[start.n]) != NULL;
}

enum xmpp_framed xmpp_framing_read(struct cur message, struct put *tag)
{
	struct str text = {(const char *)message.p, cur_left(&message)};
	bool       opens = is_named(text, STR("<open")), closes = is_named(text, STR("<close"));
	struct xml x;

	if (!opens && !closes)
		return XMPP_FRAMED_STANZA;
	xml_open(&x, message);
	if (xml_next(&x) != XML_START ||
	    !xml_is(&x, STR(XMPP_SPACE_FRAMING), opens ? STR("open") : STR("close")))
		return XMPP_FRAMED_BAD;
	if (opens)
		open_tag_put(&x, tag);
	else
		put_str(tag, STR("</stream:stream>"));
	if (xml_next(&x) != XML_END || xml_next(&x) != XML_DONE || tag->failed)
		return XMPP_FRAMED_BAD;
	return opens ? XMPP_FRAMED_OPEN : XMPP_FRAMED_CLOSE;
}
