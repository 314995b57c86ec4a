/* How header fields begin, for who reads and writes many of them. Pure; any thread. */
#pragma once

#include <assert.h>

#include "sip/lex.h"
#include "sip/message.h"

#define SIP_LABEL_MAX 32u

struct sip_label {
	char     text[SIP_LABEL_MAX]; /* "Name: " */
	uint32_t mask;                /* a bit for each byte of it; 0: of SIP_HEADER_OTHER */
	uint8_t  size;
	uint8_t  room[27]; /* to a power of two */
};

static_assert(sizeof(struct sip_label) == 64, "a label is found by a shift");

extern const struct sip_label sip_labels[SIP_HEADER_OTHER + 1];

/* Does the line begin with the long name of that, as its table has it, a colon and a space? Gives
 * the bytes of these; 0: no, or it would take a byte of another page to tell. */
__attribute__((no_sanitize("address"))) static inline size_t sip_header_label(struct str line,
									      enum sip_header_id id)
{
	const struct sip_label *label = &sip_labels[id];
	const __m128i          *at = (const void *)line.p, *text = (const void *)label->text;
	__m128i                 low, high;
	uint32_t                same;

	if (((uintptr_t)line.p & (SIP_PAGE - 1)) > SIP_PAGE - SIP_LABEL_MAX)
		return 0;
	low = _mm_cmpeq_epi8(_mm_loadu_si128(at), _mm_loadu_si128(text));
	high = _mm_cmpeq_epi8(_mm_loadu_si128(at + 1), _mm_loadu_si128(text + 1));
	same = SIP_PART_BITS(low) | SIP_PART_BITS(high) << SIP_PART;
	return (same & label->mask) == label->mask && line.n >= label->size ? label->size : 0;
}
