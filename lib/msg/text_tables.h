/*
 * The tables of 3GPP TS 23.038 as made by tools/dev/gsm_tables; for text.c and its tests. Constant.
 */
#pragma once

#include <stdint.h>

#include "msg/text.h"

/* A character as UTF-8, ready to be stored: its bytes in order from the lowest, the size in the
 * highest. 0: no character. */
extern const uint32_t text_locking[TEXT_LANGUAGE_COUNT][128];
extern const uint32_t text_shift[TEXT_LANGUAGE_COUNT][128];

/* Code point << 8 | septet, ascending; each code point once. */
struct text_reverse {
	const uint32_t *entry;
	uint32_t        count;
};

extern const struct text_reverse text_locking_reverse[TEXT_LANGUAGE_COUNT];
extern const struct text_reverse text_shift_reverse[TEXT_LANGUAGE_COUNT];
