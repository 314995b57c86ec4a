#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct put *w, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (; n > 0; b += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		uint32_t three = (uint32_t)b[0] << 16 | (n > 1 ? (uint32_t)b[1] << 8 : 0) |
				 (n > 2 ? b[2] : 0);
		uint8_t *to = put_reserve(w, 4);

		if (to == NULL)
			return;
		to[0] = (uint8_t)digits[three >> 18];
		to[1] = (uint8_t)digits[three >> 12 & 63];
		to[2] = (uint8_t)(n > 1 ? digits[three >> 6 & 63] : '=');
		to[3] = (uint8_t)(n > 2 ? digits[three & 63] : '=');
	}
}

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which `pads` at the end are padding. */
static bool four(const char *p, unsigned pads, struct put *bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++) {
		int digit = i < 4 - pads ? digit_value(p[i]) : 0;

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

		if (!four(text.p, pads, bytes))
			return false;
	}
	return true;
}
