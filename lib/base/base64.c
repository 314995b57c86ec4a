#include "base/base64.h"

#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char digits[] = DIGITS "+/", url_digits[] = DIGITS "-_";

/* Up to three bytes as four characters; of padding only where it is wanted. */
static bool put_three(struct put *w, const uint8_t *b, size_t n, const char *of, bool padded)
{
	uint32_t three =
		(uint32_t)b[0] << 16 | (n > 1 ? (uint32_t)b[1] << 8 : 0) | (n > 2 ? b[2] : 0);
	uint8_t four[4] = {(uint8_t)of[three >> 18], (uint8_t)of[three >> 12 & 63], '=', '='};

	if (n > 1)
		four[2] = (uint8_t)of[three >> 6 & 63];
	if (n > 2)
		four[3] = (uint8_t)of[three & 63];
	put_bytes(w, four, padded || n >= 3 ? 4 : n + 1);
	return !w->failed;
}

void base64_put(struct put *w, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (; n > 0; b += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		if (!put_three(w, b, n, digits, true))
			return;
	}
}

void base64url_put(struct put *w, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (; n > 0; b += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		if (!put_three(w, b, n, url_digits, false))
			return;
	}
}

static int digit_value(char c, const char *of)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == of[62] ? 62 : c == of[63] ? 63 : -1;
}

/* Four characters, of which `pads` at the end are padding. */
static bool four(const char *p, unsigned pads, const char *of, struct put *bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++) {
		int digit = i < 4 - pads ? digit_value(p[i], of) : 0;

		if (digit < 0)
			return false;
		value = value << 6 | (uint32_t)digit;
	}
	if ((pads == 1 && (value & 0xff) != 0) || (pads == 2 && (value & 0xffff) != 0))
		return false;
	put_u8(bytes, (uint8_t)(value >> 16));
	if (pads < 2)
		put_u8(bytes, (uint8_t)(value >> 8));
	if (pads < 1)
		put_u8(bytes, (uint8_t)value);
	return !bytes->failed;
}

bool base64_parse(struct str text, struct put *bytes)
{
	if (text.n % 4 != 0)
		return false;
	for (; text.n > 0; text = str_skip(text, 4)) {
		unsigned pads = text.n > 4 || text.p[3] != '=' ? 0 : text.p[2] != '=' ? 1 : 2;

		if (!four(text.p, pads, digits, bytes))
			return false;
	}
	return true;
}

bool base64url_parse(struct str text, struct put *bytes)
{
	if (text.n % 4 == 1)
		return false;
	for (; text.n > 0; text = str_skip(text, 4)) {
		if (!four(text.p, text.n < 4 ? 4 - (unsigned)text.n : 0, url_digits, bytes))
			return false;
	}
	return true;
}
