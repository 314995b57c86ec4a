#include "xml/frame.h"

#include <assert.h>
#include <immintrin.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "xml/private.h"

static_assert(XML_FRAME_AGAIN >= XML_REFERENCE_MAX, "a reference may be looked at again");

#define PART 16u  /* bytes that one instruction compares on every x86-64 */
#define BLOCK 64u /* a bit each */

enum {
	BETWEEN, /* where an item begins, and between the declaration and the root */
	TEXT,
	TAG,
	QUOTED,      /* a value in "" */
	APOSTROPHED, /* in '' */
	CDATA,
	DECLARATION
};

enum step { GO, WAIT, ITEM, BAD };

/* One look at an item, from where the last ended. */
struct look {
	struct xml_frame *f;
	const uint8_t    *p;
	size_t            n, at;
	size_t            block; /* where the block begins of which stops are known */
	uint64_t          stops;
};

typedef uint8_t part __attribute__((vector_size(PART)));

/* Markup, references, quotes, what is not ASCII, and control characters. */
static uint64_t stops_part(const uint8_t *p)
{
	part    x;
	__m128i is;

	memcpy(&x, p, sizeof(x));
	is = (__m128i)(((x | 2) == '>') | ((x | 1) == '\'') | (x == '"'));
	is = _mm_or_si128(is, _mm_cmplt_epi8((__m128i)x, _mm_set1_epi8(' ')));
	return (uint32_t)_mm_movemask_epi8(is);
}

static uint64_t stops_of(const uint8_t *p, size_t left)
{
	uint8_t  tail[BLOCK];
	uint64_t stops = 0;

	if (left < BLOCK) {
		memset(tail, ' ', sizeof(tail));
		memcpy(tail, p, left);
		p = tail;
	}
	for (unsigned at = 0; at < BLOCK; at += PART)
		stops |= stops_part(p + at) << at;
	return stops;
}

/* Goes to the next stop; false: there is none. */
static bool find_stop(struct look *l)
{
	while (l->at < l->n) {
		uint64_t left;

		if (l->at - l->block >= BLOCK) {
			l->block = l->at;
			l->stops = stops_of(l->p + l->at, l->n - l->at);
		}
		left = l->stops >> (l->at - l->block);
		if (left != 0) {
			l->at += (unsigned)__builtin_ctzll(left);
			return true;
		}
		l->at = l->block + BLOCK;
	}
	l->at = l->n;
	return false;
}

static enum step bad(struct look *l, enum xml_fault fault)
{
	l->f->fault = (uint8_t)fault;
	return BAD;
}

static struct str rest(const struct look *l)
{
	return (struct str){(const char *)l->p + l->at, l->n - l->at};
}

/* Does the rest begin so? WAIT: so far. BAD: no. */
static enum step begins(const struct look *l, struct str what)
{
	struct str there = rest(l);

	if (there.n >= what.n)
		return str_starts(there, what) ? GO : BAD;
	return str_starts(what, there) ? WAIT : BAD;
}

/* Could these first bytes of a character of `size` bytes be followed by right ones? (RFC 3629, 4.)
 */
static bool may_become(const uint8_t *p, size_t n)
{
	uint8_t least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;

	if (p[0] < 0xc2 || p[0] > 0xf4 || (n > 1 && (p[1] < least || p[1] > most)))
		return false;
	return n < 3 || (p[2] & 0xc0) == 0x80;
}

/* A run of characters beyond ASCII. */
static enum step far(struct look *l)
{
	while (l->at < l->n && l->p[l->at] >= 0x80) {
		const uint8_t *p = l->p + l->at;
		size_t         size = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
		struct cur     c = cur_of(p, size);
		uint32_t       code;

		if (l->n - l->at < size)
			return may_become(p, l->n - l->at) ? WAIT : bad(l, XML_FAULT_ENCODING);
		code = utf8_next(&c);
		if (c.failed)
			return bad(l, XML_FAULT_ENCODING);
		if (!xml_character(code))
			return bad(l, XML_FAULT_SYNTAX);
		l->at += size;
	}
	return GO;
}

static enum step reference(struct look *l)
{
	struct str s = rest(l);
	uint32_t   code;
	size_t     n;

	if (s.n < XML_REFERENCE_MAX && memchr(s.p, ';', s.n) == NULL)
		return WAIT;
	n = xml_reference(s, &code);
	if (n == 0)
		return bad(l, str_starts(s, STR("&#")) ? XML_FAULT_SYNTAX : XML_FAULT_RESTRICTED);
	l->at += n;
	return GO;
}

static enum step tag_begin(struct look *l, size_t size, bool closing)
{
	l->f->where = TAG;
	l->f->closing = closing;
	l->f->values = 0;
	l->f->mark = (uint32_t)l->at;
	l->at += size;
	l->f->name = (uint16_t)l->at;
	return GO;
}

static enum step open_special(struct look *l, struct str what, unsigned where)
{
	enum step step = begins(l, what);

	if (step == BAD)
		return bad(l, XML_FAULT_RESTRICTED);
	if (step == WAIT)
		return WAIT;
	l->f->mark = (uint32_t)l->at;
	l->f->where = (uint8_t)where;
	l->at += what.n;
	return GO;
}

/* At "<" in text or between items. */
static enum step markup(struct look *l)
{
	bool    between = l->f->where == BETWEEN, first = !l->f->begun && l->at == 0;
	uint8_t next;

	if (l->n - l->at < 2)
		return WAIT;
	next = l->p[l->at + 1];
	if (next == '/')
		return between && !l->f->open ? bad(l, XML_FAULT_SYNTAX) : tag_begin(l, 2, true);
	if (next == '?')
		return first ? open_special(l, STR("<?xml"), DECLARATION)
			     : bad(l, XML_FAULT_RESTRICTED);
	if (next == '!')
		return between ? bad(l, XML_FAULT_RESTRICTED)
			       : open_special(l, STR("<![CDATA["), CDATA);
	if (l->at + 2 >= XML_FRAME_SIZE_MAX)
		return bad(l, XML_FAULT_LIMIT);
	if (!xml_name_start(next) && next < 0x80)
		return bad(l, first && next == 0 ? XML_FAULT_ENCODING : XML_FAULT_SYNTAX);
	return tag_begin(l, 1, false);
}

static size_t name_size(const uint8_t *p)
{
	size_t n = 0;

	while (p[n] != '>' && p[n] != '/' && !xml_space_char((char)p[n]))
		n++; /* the tag has its ">" */
	return n;
}

/* Is the end tag that of the element which is open? */
static bool closes(const struct look *l)
{
	const uint8_t *name = l->p + l->f->name, *open = l->p + l->f->names[l->f->depth - 1];
	size_t         n = name_size(name);

	return name_size(open) == n && memcmp(name, open, n) == 0;
}

/* At the ">" of a tag. */
static enum step tag_end(struct look *l)
{
	struct xml_frame *f = l->f;
	bool              empty = l->p[l->at - 1] == '/';

	if (l->at - f->mark > XML_FRAME_UNQUOTED_MAX)
		return bad(l, XML_FAULT_LIMIT);
	l->at++;
	f->where = TEXT;
	if (!f->open) {
		f->open = true;
		f->empty = empty;
		return ITEM;
	}
	if (f->closing && f->depth > 0 && !closes(l))
		return bad(l, XML_FAULT_SYNTAX);
	if (!f->closing && !empty && f->depth == XML_DEPTH_MAX)
		return bad(l, XML_FAULT_LIMIT);
	if (f->closing) {
		f->closed = f->depth == 0;
		f->depth -= !f->closed;
	} else if (!empty) {
		f->names[f->depth++] = f->name;
	}
	return f->depth == 0 ? ITEM : GO;
}

static enum step in_tag(struct look *l, uint8_t b)
{
	struct xml_frame *f = l->f;

	if (b == '>')
		return tag_end(l);
	if (b == '<' || b == '&')
		return bad(l, XML_FAULT_SYNTAX);
	if (f->values == XML_ATTRIBUTES_MAX || l->at - f->mark > XML_FRAME_UNQUOTED_MAX)
		return bad(l, XML_FAULT_LIMIT);
	f->values++;
	f->where = b == '"' ? QUOTED : APOSTROPHED;
	l->at++;
	return GO;
}

static enum step in_value(struct look *l, uint8_t b, uint8_t end)
{
	if (b == '<')
		return bad(l, XML_FAULT_SYNTAX);
	if (b == '&')
		return reference(l);
	if (b == end) {
		l->f->where = TAG;
		l->f->mark = (uint32_t)l->at;
	}
	l->at++;
	return GO;
}

static enum step in_cdata(struct look *l, uint8_t b)
{
	static const struct str begin = {"<![CDATA[", 9}, end = {"]]>", 3};

	if (b == '>' && l->at + 1 >= l->f->mark + begin.n + end.n &&
	    memcmp(l->p + l->at - 2, end.p, end.n) == 0)
		l->f->where = TEXT;
	l->at++;
	return GO;
}

static enum step in_declaration(struct look *l, uint8_t b)
{
	if (b == '<' || b == '&' || l->at > XML_FRAME_DECLARATION_MAX)
		return bad(l, XML_FAULT_SYNTAX);
	if (b == '>')
		l->f->where = BETWEEN;
	l->at++;
	return GO;
}

/* At a byte that means something, by where it stands. */
static enum step stop(struct look *l)
{
	uint8_t b = l->p[l->at];

	if (b >= 0x80)
		return far(l);
	if (b < ' ') {
		l->at++;
		return xml_character(b) ? GO : bad(l, XML_FAULT_SYNTAX);
	}
	switch (l->f->where) {
	case TAG:
		return in_tag(l, b);
	case QUOTED:
		return in_value(l, b, '"');
	case APOSTROPHED:
		return in_value(l, b, '\'');
	case CDATA:
		return in_cdata(l, b);
	case DECLARATION:
		return in_declaration(l, b);
	}
	if (b == '<')
		return markup(l);
	if (b == '&')
		return reference(l);
	l->at++;
	return GO;
}

/* Between items there is white space and markup. */
static enum step between(struct look *l)
{
	while (l->at < l->n && xml_space_char((char)l->p[l->at]))
		l->at++;
	if (l->at == l->n)
		return WAIT;
	if (l->p[l->at] != '<')
		return bad(l, !l->f->begun && (l->p[l->at] == 0 || l->p[l->at] >= 0xf8)
				      ? XML_FAULT_ENCODING
				      : XML_FAULT_SYNTAX);
	return markup(l);
}

static enum step look(struct look *l)
{
	enum step step = GO;

	while (step == GO) {
		if (l->f->where == BETWEEN)
			step = between(l);
		else
			step = find_stop(l) ? stop(l) : WAIT;
	}
	return step;
}

bool xml_plain(struct str item)
{
	const __m128i blank = _mm_set1_epi8(' ');
	size_t        at = 0;
	__m128i       bad = _mm_setzero_si128();

	for (; item.n - at >= PART; at += PART) {
		part x;

		memcpy(&x, item.p + at, sizeof(x));
		bad = _mm_or_si128(bad, _mm_cmplt_epi8((__m128i)x, blank)); /* and beyond ASCII */
	}
	for (; at < item.n; at++)
		bad = _mm_or_si128(bad, _mm_cvtsi32_si128((int8_t)item.p[at] < ' '));
	return _mm_testz_si128(bad, bad) != 0;
}

/* Nothing more can come that makes an item of it. */
static bool hopeless(const struct xml_frame *f, size_t n, size_t size_max)
{
	return n >= size_max || (f->where == TAG && n - f->mark > XML_FRAME_UNQUOTED_MAX) ||
	       (f->where == DECLARATION && n > XML_FRAME_DECLARATION_MAX);
}

static enum xml_frame_item give(struct xml_frame *f, struct cur *in, size_t n, struct str *item,
				enum xml_frame_item what)
{
	*item = (struct str){(const char *)cur_bytes(in, n), n};
	f->seen = f->mark = 0;
	f->where = BETWEEN;
	f->begun = true;
	return what;
}

static size_t spaces(const struct cur *in)
{
	size_t n = 0, left = cur_left(in);

	while (n < left && xml_space_char((char)in->p[n]))
		n++;
	return n;
}

/* The item that has ended after n bytes. */
static enum xml_frame_item ended(struct xml_frame *f, struct cur *in, size_t n, size_t size_max,
				 bool was_open, struct str *item)
{
	if (n > size_max) {
		f->fault = XML_FAULT_LIMIT;
		return XML_FRAME_BAD;
	}
	return give(f, in, n, item,
		    !was_open   ? XML_FRAME_OPEN
		    : f->closed ? XML_FRAME_CLOSE
				: XML_FRAME_CHILD);
}

enum xml_frame_item xml_frame_next(struct xml_frame *f, struct cur *in, size_t size_max,
				   struct str *item)
{
	size_t      n = f->seen == 0 ? spaces(in) : 0;
	bool        was_open = f->open;
	struct look l = {.f = f, .p = in->p, .n = cur_left(in), .at = f->seen};

	ASSERT(size_max <= XML_FRAME_SIZE_MAX && f->seen <= l.n);
	if (f->fault != XML_FAULT_NONE)
		return XML_FRAME_BAD;
	if (f->empty) {
		f->empty = false;
		f->closed = true;
		return give(f, in, 0, item, XML_FRAME_CLOSE);
	}
	if (n > 0)
		return give(f, in, n, item, XML_FRAME_SPACE);
	if (f->closed && l.n > 0) {
		f->fault = XML_FAULT_SYNTAX;
		return XML_FRAME_BAD;
	}
	l.block = l.at - BLOCK; /* none */
	switch (look(&l)) {
	case ITEM:
		return ended(f, in, l.at, size_max, was_open, item);
	case WAIT:
		f->seen = (uint32_t)l.at;
		if (!hopeless(f, l.n, size_max))
			return XML_FRAME_MORE;
		f->fault = XML_FAULT_LIMIT;
		return XML_FRAME_BAD;
	case GO:
	case BAD:
		break;
	}
	return XML_FRAME_BAD;
}
