/*
 * The bounds cursor: the only way to read received bytes. Every read checks the end; a read past it
 * fails, gives 0 and makes every later read fail too, so that a body parser is a list of calls and
 * one test at the end. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cur { /* bytes received, not yet read; lent until the end of the worker's turn */
	const uint8_t *p, *end;
	bool           failed; /* sticky: once set, every read gives 0 and moves nothing */
};

static inline struct cur cur_of(const void *p, size_t n)
{
	return (struct cur){(const uint8_t *)p, (const uint8_t *)p + n, false};
}

static inline size_t cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n bytes, lent; NULL and failed when there are fewer. */
static inline const uint8_t *cur_bytes(struct cur *c, size_t n)
{
	if (c->failed || (size_t)(c->end - c->p) < n) {
		c->failed = true;
		c->p = c->end; /* so that loops over what is left end */
		return NULL;
	}
	c->p += n;
	return c->p - n;
}

static inline uint8_t cur_u8(struct cur *c)
{
	const uint8_t *b = cur_bytes(c, 1);

	return b != NULL ? b[0] : 0;
}

static inline uint16_t cur_be16(struct cur *c)
{
	const uint8_t *b = cur_bytes(c, 2);

	return b != NULL ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint32_t cur_be32(struct cur *c)
{
	const uint8_t *b = cur_bytes(c, 4);

	return b != NULL ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]
			 : 0;
}

static inline uint64_t cur_be64(struct cur *c)
{
	uint64_t high = cur_be32(c);

	return high << 32 | cur_be32(c);
}

/* A cursor over the next n bytes alone: what reads it cannot leave them. */
static inline struct cur cur_sub(struct cur *c, size_t n)
{
	const uint8_t *b = cur_bytes(c, n);

	return b != NULL ? (struct cur){b, b + n, false} : (struct cur){c->end, c->end, true};
}

/* A NUL-terminated string of at most max bytes, its NUL counted and consumed but not returned;
 * fails when no NUL comes in time. */
static inline struct str cur_cstr(struct cur *c, size_t max)
{
	size_t         left = cur_left(c);
	size_t         room = left < max ? left : max;
	const uint8_t *start = c->p;

	for (size_t i = 0; !c->failed && i < room; i++) {
		if (start[i] == 0) {
			c->p += i + 1;
			return (struct str){(const char *)start, i};
		}
	}
	c->failed = true;
	c->p = c->end;
	return (struct str){"", 0};
}
