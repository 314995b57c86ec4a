/* One character of UTF-8 (RFC 3629) at a time, read strictly and written. Pure; any thread. */
#pragma once

#include "base/cur.h"
#include "base/put.h"

/* The next character; fails where there is none, or it is overlong, a surrogate or above U+10FFFF.
 */
static inline uint32_t utf8_next(struct cur *c)
{
	static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
	uint32_t              code = cur_u8(c);
	unsigned              more = code < 0x80 ? 0 : code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3;
	const uint8_t        *rest;

	if (more == 0)
		return code;
	rest = cur_bytes(c, more);
	if (rest == NULL || code < 0xc0 || code > 0xf7) {
		c->failed = true;
		return 0;
	}
	code &= 0x3fu >> more;
	for (unsigned i = 0; i < more; i++) {
		c->failed |= (rest[i] & 0xc0) != 0x80;
		code = code << 6 | (rest[i] & 0x3f);
	}
	if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		c->failed = true;
	return c->failed ? 0 : code;
}

/* A character that exists; fails otherwise. */
static inline void utf8_put(struct put *w, uint32_t code)
{
	if (code < 0x80) {
		put_u8(w, (uint8_t)code);
	} else if (code < 0x800) {
		put_u8(w, (uint8_t)(0xc0 | code >> 6));
		put_u8(w, (uint8_t)(0x80 | (code & 0x3f)));
	} else if (code < 0x10000 && (code < 0xd800 || code >= 0xe000)) {
		put_u8(w, (uint8_t)(0xe0 | code >> 12));
		put_u8(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
		put_u8(w, (uint8_t)(0x80 | (code & 0x3f)));
	} else if (code >= 0x10000 && code <= 0x10ffff) {
		put_u8(w, (uint8_t)(0xf0 | code >> 18));
		put_u8(w, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
		put_u8(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
		put_u8(w, (uint8_t)(0x80 | (code & 0x3f)));
	} else {
		w->failed = true;
	}
}
