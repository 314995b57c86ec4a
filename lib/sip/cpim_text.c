#include "sip/cpim.h"

#include "base/utf8.h"
#include "sip/lex.h"

#define REPLACEMENT 0xfffdu

/* The code of "\uXXXX" at the start of s, which is known to begin with "\u"; false: none. */
static bool unicode_escape(struct str s, uint32_t *code)
{
	*code = 0;
	if (s.n < 6)
		return false;
	for (unsigned i = 2; i < 6; i++) {
		int digit = str_hex(s.p[i]);

		if (digit < 0)
			return false;
		*code = *code << 4 | (uint32_t)digit;
	}
	return true;
}

static bool surrogate(uint32_t code, uint32_t first)
{
	return code >= first && code < first + 0x400;
}

/* One escape at the start of s; returns its size. */
static size_t escape_read(struct str s, uint32_t *code)
{
	uint32_t low;

	*code = REPLACEMENT;
	if (s.n < 2)
		return 1;
	switch (s.p[1]) {
	case 't':
		*code = '\t';
		return 2;
	case 'n':
		*code = '\n';
		return 2;
	case 'r':
		*code = '\r';
		return 2;
	case '"':
	case '\'':
	case '\\':
		*code = (uint8_t)s.p[1];
		return 2;
	case 'u':
		if (!unicode_escape(s, code)) {
			*code = REPLACEMENT;
			return 2;
		}
		if (surrogate(*code, 0xd800) && str_starts(str_skip(s, 6), STR("\\u")) &&
		    unicode_escape(str_skip(s, 6), &low) && surrogate(low, 0xdc00)) {
			*code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
			return 12;
		}
		return 6;
	default:
		return 2;
	}
}

void sip_cpim_text_put(struct put *w, struct str value)
{
	while (value.n > 0) {
		struct cur c = cur_of(value.p, value.n);
		uint32_t   code;
		size_t     n = 1;

		if (value.p[0] == '\\') {
			n = escape_read(value, &code);
		} else {
			code = utf8_next(&c);
			n = c.failed ? 1 : value.n - cur_left(&c);
			if (c.failed || code < 0x20)
				code = REPLACEMENT;
		}
		if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0x7f ||
		    (code >= 0xd800 && code < 0xe000))
			code = REPLACEMENT;
		utf8_put(w, code);
		value = str_skip(value, n);
	}
}

void sip_cpim_escape_put(struct put *w, struct str text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = (uint8_t)text.p[i];

		if (c == '"' || c == '\\') {
			put_u8(w, '\\');
			put_u8(w, c);
		} else if (c < 0x20 || c == 0x7f) {
			put_str(w, STR("\\u00"));
			put_u8(w, (uint8_t)hex[c >> 4]);
			put_u8(w, (uint8_t)hex[c & 15]);
		} else {
			put_u8(w, c);
		}
	}
}
