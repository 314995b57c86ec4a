/*
 * The marker at the start of a text: "CPM", run in 4 hexadecimal digits, number in 8, checksum of
 * the rest of the text in 8, a space. Its characters are the same in every coding, and the checksum
 * is that of the text in UTF-8, so that a message may change its coding on the way and still be
 * known for the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define MARKER_SIZE 24u

struct marker {
	uint16_t run;
	uint32_t number;
	bool     intact; /* the text is the one that was sent */
};

static inline uint64_t marker_key(const struct marker *m)
{
	return (uint64_t)m->run << 32 | m->number;
}

void marker_write(char room[MARKER_SIZE], uint16_t run, uint32_t number, struct str rest);
bool marker_parse(struct str text, struct marker *m); /* false: no marker */
