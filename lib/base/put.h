/*
 * The writing twin of the bounds cursor: bytes go into a room of fixed size; a write that does not
 * fit writes nothing and fails for good. Pure; any thread.
 */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct put {
	uint8_t *start, *p, *end;
	bool     failed; /* sticky: what did not fit is missing, so the whole is worthless */
};

static inline struct put put_to(void *room, size_t n)
{
	return (struct put){(uint8_t *)room, (uint8_t *)room, (uint8_t *)room + n, false};
}

static inline size_t put_size(const struct put *w)
{
	return (size_t)(w->p - w->start);
}

static inline size_t put_room(const struct put *w)
{
	return (size_t)(w->end - w->p);
}

/* n bytes of room, to be filled by the caller; NULL and failed when there are fewer. */
static inline uint8_t *put_reserve(struct put *w, size_t n)
{
	if (w->failed || (size_t)(w->end - w->p) < n) {
		w->failed = true;
		return NULL;
	}
	w->p += n;
	return w->p - n;
}

static inline void put_bytes(struct put *w, const void *b, size_t n)
{
	uint8_t *to = put_reserve(w, n);

	if (to != NULL && n > 0)
		memcpy(to, b, n);
}

/* The same of a text that lies in a larger constant, such as a name of a table: where all of that
 * has room it is copied at once, and what comes next overwrites the rest. */
static inline void put_padded(struct put *w, const void *b, size_t n, size_t padded)
{
	if (!w->failed && (size_t)(w->end - w->p) >= padded) {
		memcpy(w->p, b, padded);
		w->p += n;
	} else {
		put_bytes(w, b, n);
	}
}

static inline void put_str(struct put *w, struct str s)
{
	put_bytes(w, s.p, s.n);
}

static inline void put_u8(struct put *w, uint8_t v)
{
	put_bytes(w, &v, 1);
}

/* As one store each: of bytes put together in memory a processor waits for all earlier stores. */
static inline void put_be16(struct put *w, uint16_t v)
{
	v = htobe16(v);
	put_bytes(w, &v, sizeof(v));
}

static inline void put_be32(struct put *w, uint32_t v)
{
	v = htobe32(v);
	put_bytes(w, &v, sizeof(v));
}

static inline void put_be64(struct put *w, uint64_t v)
{
	v = htobe64(v);
	put_bytes(w, &v, sizeof(v));
}

/* The string and its NUL. */
static inline void put_cstr(struct put *w, struct str s)
{
	put_str(w, s);
	put_u8(w, 0);
}

/* Decimal, the last n digits with zeros before them. */
static inline void put_digits(struct put *w, uint64_t number, unsigned n)
{
	uint8_t *to = put_reserve(w, n);

	for (unsigned i = n; to != NULL && i-- > 0; number /= 10)
		to[i] = (uint8_t)('0' + number % 10);
}

static inline void put_number(struct put *w, uint64_t number)
{
	unsigned n = 1;

	for (uint64_t more = 10; number >= more && n < 20; more *= 10)
		n++;
	put_digits(w, number, n);
}
