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

static inline bool sip_is(uint8_t c, enum sip_class class)
{
	return (sip_class[c] & class) != 0;
}

/* Bytes that one instruction compares on every x86-64; 32 were no faster. A bit for each that
 * holds.
 */
#define SIP_PART 16u
#define SIP_PART_BITS(part) ((uint32_t)_mm_movemask_epi8((__m128i)(part)))
typedef uint8_t sip_part __attribute__((vector_size(SIP_PART)));

#define SIP_PAGE 4096u

sip_part sip_part_copy(const uint8_t *p, size_t left); /* by its bytes that are there */

/* The part at p, of which left bytes (at least one) are there. What follows them is read as well
 * and means nothing: in a page that is there it can be read, and what it is changes no result. */
__attribute__((no_sanitize("address"))) static inline sip_part sip_part_at(const uint8_t *p,
									   size_t         left)
{
	if (__builtin_expect(((uintptr_t)p & (SIP_PAGE - 1)) > SIP_PAGE - SIP_PART, 0))
		return sip_part_copy(p, left);
	return (sip_part)_mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Of the bits of a part the place of the first, or where the bytes end that are there; SIP_PART:
 * neither is in it. */
static inline unsigned sip_part_first(uint32_t bits, size_t left)
{
	return (unsigned)__builtin_ctz(bits | 1u << (left < SIP_PART ? left : SIP_PART));
}

/* The byte in each of the eight of a word. */
#define SIP_OF_EACH(byte) (0x0101010101010101ull * (byte))

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

extern const uint8_t sip_class_rows[8][SIP_PART];

/* A bit for each byte that is not in the class. */
static inline uint32_t sip_part_outside(sip_part part, enum sip_class class)
{
	const __m128i half = _mm_set1_epi8(0x0f);
	const __m128i high_bit =
		_mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
	const void *row = sip_class_rows[__builtin_ctz(class)];
	__m128i     x = (__m128i)part, high = _mm_and_si128(_mm_srli_epi16(x, 4), half);
	/* By the low half of a byte; nothing for one above ASCII, which is in no class. */
	__m128i rows = _mm_shuffle_epi8(_mm_loadu_si128(row), x);
	__m128i in = _mm_and_si128(rows, _mm_shuffle_epi8(high_bit, high));

	return SIP_PART_BITS(_mm_cmpeq_epi8(in, _mm_setzero_si128()));
}

/* The first byte that is not in the class, or the end. */
static inline const uint8_t *sip_class_end(const uint8_t *p, const uint8_t *end,
					   enum sip_class class)
{
	for (; p < end; p += SIP_PART) {
		size_t   left = (size_t)(end - p);
		sip_part x = sip_part_at(p, left);
		unsigned at = sip_part_first(sip_part_outside(x, class), left);

		if (at < SIP_PART)
			return p + at;
	}
	return end;
}

/* As many bytes of the class as there are, maybe none. */
static inline struct str sip_lex_while(struct cur *c, enum sip_class class)
{
	const uint8_t *start = c->p;

	c->p = sip_class_end(start, c->end, class);
	return (struct str){(const char *)start, (size_t)(c->p - start)};
}

/* The first of such a byte, or the end. */
static inline const uint8_t *sip_byte_find(const uint8_t *p, const uint8_t *end, uint8_t byte)
{
	for (; p < end; p += SIP_PART) {
		size_t   left = (size_t)(end - p);
		unsigned at = sip_part_first(SIP_PART_BITS(sip_part_at(p, left) == byte), left);

		if (at < SIP_PART)
			return p + at;
	}
	return end;
}

void sip_lex_folds(struct cur *c); /* SWS where there may be some */

/* SWS. */
static inline void sip_lex_space(struct cur *c)
{
	if (c->p < c->end && *c->p <= ' ')
		sip_lex_folds(c);
}

/* Not empty, and every byte of it. */
static inline bool sip_lex_all(struct str s, enum sip_class class)
{
	const uint8_t *p = (const uint8_t *)s.p;

	return s.n > 0 && sip_class_end(p, p + s.n, class) == p + s.n;
}

/* What sip_class_put() does where there is little room. */
bool sip_class_put_tight(struct put *w, struct str s, enum sip_class class);

/* Writes the text, of which each byte is of the class; false, and nothing is written: it is empty,
 * or one is not. What a part has too much is overwritten by what comes next. */
static inline bool sip_class_put(struct put *w, struct str s, enum sip_class class)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t         at = 0;

	if (__builtin_expect(w->failed || s.n == 0 || put_room(w) < s.n + SIP_PART, 0))
		return sip_class_put_tight(w, s, class);
	do {
		size_t   left = s.n - at;
		sip_part x = sip_part_at(p + at, left);

		memcpy(w->p + at, &x, sizeof(x));
		if (sip_part_first(sip_part_outside(x, class), left) <
		    (left < SIP_PART ? left : SIP_PART))
			return false;
		at += SIP_PART;
	} while (at < s.n);
	w->p += s.n;
	return true;
}

static inline bool sip_lex_token(struct cur *c, struct str *token)
{
	*token = sip_lex_while(c, SIP_CLASS_TOKEN);
	return token->n > 0 ? true : sip_lex_fail(c);
}

/* From the opening quote to the closing; *inside is what stands between, quoted pairs as they are.
 */
bool sip_lex_quoted(struct cur *c, struct str *inside);
/* 1*DIGIT, saturated at 2^32 - 1. */
bool sip_lex_number(struct cur *c, uint32_t *number);
/* The whole text is one number. */
bool sip_number_parse(struct str text, uint32_t *number);
/* Every control character of a value is in a fold or, in a quoted string, part of a quoted pair. */
bool sip_controls_quoted(struct str value);

/* Eight bytes at once: they differ in nothing but the bit of the case, and there in letters. */
static inline bool sip_same_word(uint64_t x, uint64_t y)
{
	uint64_t small, low, letters;

	if (__builtin_expect(x == y, 1))
		return true;
	small = x | SIP_OF_EACH(0x20);
	low = small & SIP_OF_EACH(0x7f);
	letters = (low + SIP_OF_EACH(0x80 - 'a')) & ~(low + SIP_OF_EACH(0x80 - 'z' - 1)) & ~small &
		  SIP_OF_EACH(0x80);
	return ((x ^ y) & ~(letters >> 2)) == 0;
}

static inline uint64_t sip_word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Up to seven bytes as a number that no other such text has; parts of it overlap. */
static inline uint64_t sip_short_word(const char *p, size_t n)
{
	uint32_t first, last;

	if (n >= 4) {
		memcpy(&first, p, sizeof(first));
		memcpy(&last, p + n - 4, sizeof(last));
		return (uint64_t)last << 32 | first;
	}
	return n == 0 ? 0
		      : (uint64_t)(uint8_t)p[n - 1] << 16 | (uint64_t)(uint8_t)p[n / 2] << 8 |
				(uint8_t)p[0];
}

static inline bool sip_same_bytes(const char *a, const char *b, size_t n)
{
	if (n < 8)
		return sip_same_word(sip_short_word(a, n), sip_short_word(b, n));
	for (size_t i = 0; i + 8 < n; i += 8) {
		if (!sip_same_word(sip_word_at(a + i), sip_word_at(b + i)))
			return false;
	}
	return sip_same_word(sip_word_at(a + n - 8), sip_word_at(b + n - 8));
}

/* Without regard to the case of ASCII letters. */
static inline bool sip_same(struct str a, struct str b)
{
	return a.n == b.n && sip_same_bytes(a.p, b.p, a.n);
}
/* With ASCII's capitals as small letters; to has room for all. */
void       sip_small_copy(char *to, struct str s);
struct str sip_trim(struct str s); /* without white space at both ends */

/* There is some of it, and no white space (or control character) at either end. */
static inline bool sip_is_trim(struct str s)
{
	return s.n > 0 && (uint8_t)s.p[0] > ' ' && (uint8_t)s.p[s.n - 1] > ' ';
}
/* The inside of a quoted string with quoted pairs resolved and folds made one SP. */
void sip_unquote_put(struct put *w, struct str inside);
