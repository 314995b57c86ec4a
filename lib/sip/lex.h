/*
 * The tokens of SIP's grammar (RFC 3261, 25.1), read with the bounds cursor. Linear white space is
 * skipped where the grammar says SWS: SP, HT, and CRLF before SP or HT (the head has no other
 * CRLF in a value). Each function that returns false has failed the cursor. Pure; any thread.
 */
#pragma once

#include <immintrin.h>

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"

enum sip_class {
	SIP_CLASS_TOKEN = 1u, /* token */
	SIP_CLASS_USER = 2u,  /* user, without "%" */
	SIP_CLASS_PASS = 4u,  /* password, without "%" */
	SIP_CLASS_PARAM = 8u, /* paramchar of a URI, without "%" */
	SIP_CLASS_HNV = 16u,  /* header of a URI, without "%" */
	SIP_CLASS_HOST = 32u, /* host name: alphanumeric, "-", "." and "_", which peers use */
	SIP_CLASS_WORD = 64u, /* word, as of a Call-ID */
	SIP_CLASS_URI = 128u, /* any character of a URI, with "%" */
};

extern const uint8_t sip_class[256];

static inline bool sip_is(uint8_t c, unsigned classes)
{
	return (sip_class[c] & classes) != 0;
}

/* Bytes that one instruction compares on every x86-64; 32 were no faster. A bit for each that
 * holds.
 */
#define SIP_PART 16u
#define SIP_PART_BITS(part) ((uint32_t)_mm_movemask_epi8((__m128i)(part)))
typedef uint8_t sip_part __attribute__((vector_size(SIP_PART)));

static inline struct cur sip_cur(struct str s)
{
	return cur_of(s.n > 0 ? s.p : "", s.n); /* an empty text may have no place */
}

/* Gives false. */
static inline bool sip_lex_fail(struct cur *c)
{
	c->failed = true;
	c->p = c->end;
	return false;
}

/* The next byte, -1 at the end. */
static inline int sip_lex_peek(const struct cur *c)
{
	return c->p < c->end ? *c->p : -1;
}

/* Exactly this byte. */
static inline bool sip_lex_char(struct cur *c, uint8_t want)
{
	if (sip_lex_peek(c) != want)
		return sip_lex_fail(c);
	c->p++;
	return true;
}

/* As many bytes of these classes as there are, maybe none. */
static inline struct str sip_lex_while(struct cur *c, unsigned classes)
{
	const uint8_t *start = c->p, *p = start;

	while (p < c->end && sip_is(*p, classes))
		p++;
	c->p = p;
	return (struct str){(const char *)start, (size_t)(p - start)};
}

void sip_lex_folds(struct cur *c); /* SWS that begins with white space or CR */

/* SWS. */
static inline void sip_lex_space(struct cur *c)
{
	if (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r'))
		sip_lex_folds(c);
}

bool sip_lex_all(struct str s, unsigned classes); /* not empty, and every byte of a class */
bool sip_lex_token(struct cur *c, struct str *token);
/* From the opening quote to the closing; *inside is what stands between, quoted pairs as they are.
 */
bool sip_lex_quoted(struct cur *c, struct str *inside);
/* 1*DIGIT, saturated at 2^32 - 1. */
bool sip_lex_number(struct cur *c, uint32_t *number);
/* The whole text is one number. */
bool sip_number_parse(struct str text, uint32_t *number);
/* Every control character of a value is in a fold or, in a quoted string, part of a quoted pair. */
bool       sip_controls_quoted(struct str value);
bool       sip_same(struct str a, struct str b); /* without regard to the case of ASCII letters */
struct str sip_trim(struct str s);               /* without white space at both ends */
/* The inside of a quoted string with quoted pairs resolved and folds made one SP. */
void sip_unquote_put(struct put *w, struct str inside);
