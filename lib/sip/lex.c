#include "sip/lex.h"

#define UNRESERVED                                                                                 \
	(SIP_CLASS_USER | SIP_CLASS_PASS | SIP_CLASS_PARAM | SIP_CLASS_HNV | SIP_CLASS_WORD |      \
	 SIP_CLASS_URI)
#define ALL (UNRESERVED | SIP_CLASS_TOKEN | SIP_CLASS_HOST)

const uint8_t sip_class[256] = {
	['a' ... 'z'] = ALL,
	['A' ... 'Z'] = ALL,
	['0' ... '9'] = ALL,
	['-'] = ALL,
	['.'] = ALL,
	['_'] = ALL,
	['!'] = UNRESERVED | SIP_CLASS_TOKEN,
	['~'] = UNRESERVED | SIP_CLASS_TOKEN,
	['*'] = UNRESERVED | SIP_CLASS_TOKEN,
	['\''] = UNRESERVED | SIP_CLASS_TOKEN,
	['('] = UNRESERVED,
	[')'] = UNRESERVED,
	['+'] = UNRESERVED | SIP_CLASS_TOKEN,
	['%'] = SIP_CLASS_TOKEN | SIP_CLASS_WORD | SIP_CLASS_URI,
	['`'] = SIP_CLASS_TOKEN | SIP_CLASS_WORD,
	['&'] = SIP_CLASS_USER | SIP_CLASS_PASS | SIP_CLASS_PARAM | SIP_CLASS_URI,
	['='] = SIP_CLASS_USER | SIP_CLASS_PASS | SIP_CLASS_URI,
	['$'] = SIP_CLASS_USER | SIP_CLASS_PASS | SIP_CLASS_PARAM | SIP_CLASS_HNV | SIP_CLASS_URI,
	[','] = SIP_CLASS_USER | SIP_CLASS_PASS | SIP_CLASS_URI,
	[';'] = SIP_CLASS_USER | SIP_CLASS_URI,
	['?'] = SIP_CLASS_USER | SIP_CLASS_HNV | SIP_CLASS_WORD | SIP_CLASS_URI,
	['/'] = SIP_CLASS_USER | SIP_CLASS_PARAM | SIP_CLASS_HNV | SIP_CLASS_WORD | SIP_CLASS_URI,
	[':'] = SIP_CLASS_PARAM | SIP_CLASS_HNV | SIP_CLASS_WORD | SIP_CLASS_URI,
	['['] = SIP_CLASS_PARAM | SIP_CLASS_HNV | SIP_CLASS_WORD | SIP_CLASS_URI,
	[']'] = SIP_CLASS_PARAM | SIP_CLASS_HNV | SIP_CLASS_WORD | SIP_CLASS_URI,
	['<'] = SIP_CLASS_WORD,
	['>'] = SIP_CLASS_WORD,
	['\\'] = SIP_CLASS_WORD,
	['"'] = SIP_CLASS_WORD,
	['{'] = SIP_CLASS_WORD,
	['}'] = SIP_CLASS_WORD,
	['@'] = SIP_CLASS_URI,
};

/* The same once more: by the low half of a byte, a bit for each high half with which it is in the
 * class. */
const uint8_t sip_class_rows[8][SIP_PART] = {
	/* TOKEN */
	{0xe8, 0xfc, 0xf8, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xf8, 0xf8, 0xf4, 0x54, 0x50, 0x54, 0xd4,
	 0x70},
	/* USER */
	{0xa8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xf4, 0x5c, 0x54, 0x5c, 0xd4,
	 0x7c},
	/* PASS */
	{0xa8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xf4, 0x54, 0x54, 0x5c, 0xd4,
	 0x70},
	/* PARAM */
	{0xa8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0x74, 0x50, 0x74, 0xd4,
	 0x74},
	/* HNV */
	{0xa8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0x74, 0x50, 0x74, 0xd4,
	 0x7c},
	/* HOST */
	{0xa8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf0, 0x50, 0x50, 0x54, 0x54,
	 0x70},
	/* WORD */
	{0xe8, 0xfc, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xf4, 0x78, 0xf4, 0xdc,
	 0x7c},
	/* URI */
	{0xb8, 0xfc, 0xf8, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0x7c, 0x54, 0x7c, 0xd4,
	 0x7c},
};

sip_part sip_part_copy(const uint8_t *p, size_t left)
{
	sip_part x = {0};

	memcpy(&x, p, left < SIP_PART ? left : SIP_PART);
	return x;
}

bool sip_class_put_tight(struct put *w, struct str s, enum sip_class class)
{
	if (!sip_lex_all(s, class))
		return false;
	put_str(w, s);
	return true;
}

/* Bytes of the white space that begins here: 1, 3 for a fold, 0 for none. */
static size_t space_size(const uint8_t *p, size_t left)
{
	if (left == 0)
		return 0;
	if (p[0] == ' ' || p[0] == '\t')
		return 1;
	return left >= 3 && p[0] == '\r' && p[1] == '\n' && (p[2] == ' ' || p[2] == '\t') ? 3 : 0;
}

void sip_lex_folds(struct cur *c)
{
	size_t n;

	while ((n = space_size(c->p, cur_left(c))) > 0)
		c->p += n;
}

bool sip_lex_quoted(struct cur *c, struct str *inside)
{
	const uint8_t *start;
	uint8_t        b;

	*inside = STR("");
	if (!sip_lex_char(c, '"'))
		return false;
	start = c->p;
	while (c->p < c->end) {
		size_t space = space_size(c->p, cur_left(c));

		if (space > 0) {
			c->p += space;
			continue;
		}
		b = cur_u8(c);
		if (b == '"') {
			*inside = (struct str){(const char *)start, (size_t)(c->p - start) - 1};
			return true;
		}
		if (b == '\\') {
			b = cur_u8(c);
			if (c->failed || b == '\r' || b == '\n' || b > 0x7f)
				return sip_lex_fail(c);
		} else if (b < ' ' || b == 0x7f) {
			return sip_lex_fail(c);
		}
	}
	return sip_lex_fail(c);
}

bool sip_lex_number(struct cur *c, uint32_t *number)
{
	const uint8_t *p = c->p;
	uint64_t       value = 0;

	for (; p < c->end && *p - (unsigned)'0' <= 9; p++) {
		value = value * 10 + (*p - (unsigned)'0');
		if (value > UINT32_MAX)
			value = UINT32_MAX;
	}
	*number = (uint32_t)value;
	if (p == c->p)
		return sip_lex_fail(c);
	c->p = p;
	return true;
}

bool sip_number_parse(struct str text, uint32_t *number)
{
	struct cur c = sip_cur(text);

	return sip_lex_number(&c, number) && cur_left(&c) == 0;
}

/* A quote is no more than a character where no control character is: a Call-ID may have one alone.
 */
bool sip_controls_quoted(struct str value)
{
	struct cur c = sip_cur(value);
	struct str inside;
	size_t     space, controls = 0;

	while (cur_left(&c) > 0) {
		space = space_size(c.p, cur_left(&c));
		controls += space == 0 && (*c.p < ' ' || *c.p == 0x7f);
		c.p += space > 0 ? space : 1;
	}
	for (c = sip_cur(value); controls > 0 && cur_left(&c) > 0;) {
		space = space_size(c.p, cur_left(&c));
		if (*c.p == '"') {
			if (!sip_lex_quoted(&c, &inside))
				return false;
			continue;
		}
		if (space == 0 && (*c.p < ' ' || *c.p == 0x7f))
			return false;
		c.p += space > 0 ? space : 1;
	}
	return true;
}

static void small_word(char *to, const char *from)
{
	uint64_t word = sip_word_at(from), low = word & SIP_OF_EACH(0x7f);
	uint64_t capitals = (low + SIP_OF_EACH(0x80 - 'A')) & ~(low + SIP_OF_EACH(0x7f - 'Z')) &
			    ~word & SIP_OF_EACH(0x80);

	word |= capitals >> 2;
	memcpy(to, &word, sizeof(word));
}

void sip_small_copy(char *to, struct str s)
{
	size_t at = 0;

	for (; s.n - at >= 8; at += 8)
		small_word(to + at, s.p + at);
	if (at < s.n && s.n >= 8) { /* some of it for a second time */
		small_word(to + s.n - 8, s.p + s.n - 8);
		return;
	}
	for (; at < s.n; at++)
		to[at] = (char)(s.p[at] >= 'A' && s.p[at] <= 'Z' ? s.p[at] | 0x20 : s.p[at]);
}

struct str sip_trim(struct str s)
{
	struct cur c = sip_cur(s);

	if (sip_is_trim(s))
		return s;
	sip_lex_space(&c);
	s = (struct str){(const char *)c.p, cur_left(&c)};
	while (s.n > 0) {
		char last = s.p[s.n - 1];

		if (last == ' ' || last == '\t')
			s.n--;
		else if (last == '\n' && s.n > 1 && s.p[s.n - 2] == '\r')
			s.n -= 2;
		else
			break;
	}
	return s;
}

void sip_unquote_put(struct put *w, struct str inside)
{
	struct cur c = sip_cur(inside);

	while (cur_left(&c) > 0) {
		uint8_t b = cur_u8(&c);

		if (b == '\\' && cur_left(&c) > 0) {
			b = cur_u8(&c);
		} else if (b == '\r') { /* a fold: one SP for it and the white space after it */
			while (sip_lex_peek(&c) == '\n' || sip_lex_peek(&c) == ' ' ||
			       sip_lex_peek(&c) == '\t')
				c.p++;
			b = ' ';
		}
		put_u8(w, b);
	}
}
