/* What the files of this module share, and nobody else includes. */
#pragma once

#include <immintrin.h>

#include "xml/xml.h"

#define XML_PART 16u /* bytes that one instruction compares on every x86-64 */

typedef uint8_t xml_part __attribute__((vector_size(XML_PART)));

/* The bit of the first byte of sixteen is the lowest. */
static inline unsigned xml_part_bits(xml_part is)
{
	return (unsigned)_mm_movemask_epi8((__m128i)is);
}

/* Fewer than sixteen bytes, and zeros behind; nothing beyond them is read. */
static inline xml_part xml_part_of(struct str s)
{
	uint64_t low = 0, high = 0;
	uint32_t last;

	if (s.n >= 8) {
		memcpy(&low, s.p, 8);
		memcpy(&high, s.p + s.n - 8, 8);
		high = s.n > 8 ? high >> 8 * (16 - s.n) : 0;
	} else if (s.n >= 4) {
		memcpy(&low, s.p, 4);
		memcpy(&last, s.p + s.n - 4, 4);
		low |= (uint64_t)last << 8 * (s.n - 4);
	} else {
		for (size_t i = 0; i < s.n; i++)
			low |= (uint64_t)(uint8_t)s.p[i] << 8 * i;
	}
	return (xml_part)_mm_set_epi64x((long long)high, (long long)low);
}

static inline unsigned xml_part_first(xml_part is, size_t n)
{
	return (unsigned)__builtin_ctz(xml_part_bits(is) | 1u << n);
}

/* How many bytes come before the first of these three, or all. */
static inline size_t xml_before(struct str s, char a, char b, char c)
{
	size_t   at = 0;
	xml_part tail;

	for (; s.n - at >= XML_PART; at += XML_PART) {
		xml_part x;
		unsigned is;

		memcpy(&x, s.p + at, sizeof(x));
		is = xml_part_bits(
			(xml_part)((x == (uint8_t)a) | (x == (uint8_t)b) | (x == (uint8_t)c)));
		if (is != 0)
			return at + (unsigned)__builtin_ctz(is);
	}
	tail = xml_part_of((struct str){s.p + at, s.n - at});
	return at + xml_part_first((xml_part)((tail == (uint8_t)a) | (tail == (uint8_t)b) |
					      (tail == (uint8_t)c)),
				   s.n - at);
}

/* XML 1.0, production 2. */
static inline bool xml_character(uint32_t c)
{
	return c >= 0x20 ? c < 0xd800 || (c >= 0xe000 && c != 0xfffe && c != 0xffff)
			 : c == '\t' || c == '\n' || c == '\r';
}

static inline bool xml_space_char(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool xml_name_start(uint8_t c) /* of ASCII */
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* The reference at the start of s, which begins with "&"; returns its size, 0: it is none. */
#define XML_REFERENCE_MAX 12u
size_t xml_reference(struct str s, uint32_t *code);

/* xml_open() of what is UTF-8 of XML's characters, without a declaration. */
void xml_begin(struct xml *x, struct cur document);
/* Binds a prefix, the empty one too, for all that is read. False: too many. */
bool xml_bind(struct xml *x, struct str prefix, struct str uri);
/* The end tag at the start of *in. */
bool xml_end_tag(struct cur *in, struct xml_name *name);
