#include "stir/json.h"

#include "base/utf8.h"

#define NUMBER_DIGITS_MAX 15u

void stir_json_open(struct stir_json *j, struct cur in, struct put *room)
{
	*j = (struct stir_json){.in = in, .room = room};
}

static void fail(struct stir_json *j)
{
	j->in.failed = true;
	j->in.p = j->in.end;
}

/* The next byte that is no white space; 0: there is none. */
static uint8_t peek(struct stir_json *j)
{
	while (j->in.p < j->in.end &&
	       (*j->in.p == ' ' || *j->in.p == '\t' || *j->in.p == '\n' || *j->in.p == '\r'))
		j->in.p++;
	return j->in.p < j->in.end ? *j->in.p : 0;
}

static bool take(struct stir_json *j, char c)
{
	if (peek(j) != (uint8_t)c) {
		fail(j);
		return false;
	}
	j->in.p++;
	return true;
}

bool stir_json_enter(struct stir_json *j, char open)
{
	if (!take(j, open))
		return false;
	if (j->depth == STIR_JSON_DEPTH_MAX) {
		fail(j);
		return false;
	}
	j->first |= (uint8_t)(1u << j->depth++);
	return true;
}

bool stir_json_next(struct stir_json *j, char close)
{
	uint8_t level;

	if (j->in.failed)
		return false;
	level = (uint8_t)(1u << (j->depth - 1));
	if (peek(j) == (uint8_t)close) {
		j->in.p++;
		j->first &= (uint8_t)~level;
		j->depth--;
		return false;
	}
	if (!(j->first & level) && !take(j, ','))
		return false;
	j->first &= (uint8_t)~level;
	if (++j->values > STIR_JSON_VALUES_MAX)
		fail(j);
	return !j->in.failed;
}

/* Four hexadecimal digits. */
static uint32_t unit(struct stir_json *j)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++) {
		int digit = str_hex((char)cur_u8(&j->in));

		if (digit < 0) {
			fail(j);
			return 0;
		}
		value = value << 4 | (uint32_t)digit;
	}
	return value;
}

/* What follows "\u"; NUL and half a pair are no text. */
static void put_unicode(struct stir_json *j)
{
	uint32_t code = unit(j);

	if (code >= 0xd800 && code < 0xdc00) {
		uint32_t low = cur_u8(&j->in) == '\\' && cur_u8(&j->in) == 'u' ? unit(j) : 0;

		code = low >= 0xdc00 && low < 0xe000
			       ? 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00))
			       : 0;
	} else if (code >= 0xdc00 && code < 0xe000) {
		code = 0;
	}
	if (code == 0) {
		fail(j);
		return;
	}
	utf8_put(j->room, code);
}

static void put_escaped(struct stir_json *j)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	uint8_t           c = cur_u8(&j->in);
	const char       *at = c != 0 ? strchr(escapes, c) : NULL;

	if (c == 'u')
		put_unicode(j);
	else if (at != NULL)
		put_u8(j->room, (uint8_t)meant[at - escapes]);
	else
		fail(j);
}

static bool is_text(struct str s)
{
	struct cur c = cur_of(s.p, s.n);

	while (cur_left(&c) > 0)
		utf8_next(&c);
	return !c.failed;
}

struct str stir_json_text(struct stir_json *j)
{
	size_t     from = put_size(j->room);
	struct str text;

	if (!take(j, '"'))
		return STR("");
	for (;;) {
		uint8_t c = cur_u8(&j->in);

		if (c == '"')
			break;
		if (j->in.failed || c < ' ') {
			fail(j);
			return STR("");
		}
		if (c == '\\')
			put_escaped(j);
		else
			put_u8(j->room, c);
	}
	text = (struct str){(const char *)j->room->start + from, put_size(j->room) - from};
	if (j->room->failed || !is_text(text))
		fail(j);
	return j->in.failed ? STR("") : text;
}

struct str stir_json_name(struct stir_json *j)
{
	struct str name = stir_json_text(j);

	take(j, ':');
	return name;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static unsigned digits(struct stir_json *j)
{
	unsigned n = 0;

	for (; j->in.p < j->in.end && is_digit(*j->in.p); j->in.p++)
		n++;
	return n;
}

uint64_t stir_json_number(struct stir_json *j)
{
	uint64_t       value = 0;
	const uint8_t *from;
	unsigned       n;

	peek(j);
	from = j->in.p;
	n = digits(j);
	if (n == 0 || n > NUMBER_DIGITS_MAX || (n > 1 && *from == '0')) {
		fail(j);
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		value = value * 10 + (uint64_t)(from[i] - '0');
	return value;
}

static bool at(const struct stir_json *j, const char *either)
{
	return j->in.p < j->in.end && *j->in.p != 0 && strchr(either, *j->in.p) != NULL;
}

/* A number of any form (RFC 8259, 6). */
static void skip_number(struct stir_json *j)
{
	const uint8_t *from;
	unsigned       n;

	if (at(j, "-"))
		j->in.p++;
	from = j->in.p;
	n = digits(j);
	if (n == 0 || (n > 1 && *from == '0')) {
		fail(j);
		return;
	}
	if (at(j, ".")) {
		j->in.p++;
		if (digits(j) == 0)
			fail(j);
	}
	if (at(j, "eE")) {
		j->in.p++;
		if (at(j, "+-"))
			j->in.p++;
		if (digits(j) == 0)
			fail(j);
	}
}

static void skip_word(struct stir_json *j, struct str word)
{
	const uint8_t *p = cur_bytes(&j->in, word.n);

	if (p == NULL || memcmp(p, word.p, word.n) != 0)
		fail(j);
}

void stir_json_skip(struct stir_json *j)
{
	switch (peek(j)) {
	case '{':
		for (stir_json_enter(j, '{'); stir_json_next(j, '}');) {
			stir_json_name(j);
			stir_json_skip(j);
		}
		break;
	case '[':
		for (stir_json_enter(j, '['); stir_json_next(j, ']');)
			stir_json_skip(j);
		break;
	case '"':
		stir_json_text(j);
		break;
	case 't':
		skip_word(j, STR("true"));
		break;
	case 'f':
		skip_word(j, STR("false"));
		break;
	case 'n':
		skip_word(j, STR("null"));
		break;
	default:
		skip_number(j);
	}
}

bool stir_json_end(struct stir_json *j)
{
	return peek(j) == 0 && j->in.p == j->in.end && !j->in.failed && j->depth == 0;
}
