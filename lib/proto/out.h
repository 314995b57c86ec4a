/*
 * Bytes that a session wants sent. The caller gives a room and the bytes that the connection can
 * still take; a session writes whole items only: it asks out_fits() first, or marks with out_mark()
 * and takes back with out_undo(). Single owner, no memory.
 *
 * A session of datagrams writes each between out_datagram_begin() and out_datagram_end(), which
 * puts a head before its bytes: where it goes, and how long it is.
 */
#pragma once

#include <stddef.h>
#include <string.h>

#include "base/cur.h"
#include "base/put.h"
#include "proto/flow.h"

struct out {
	struct put put;
};

static inline struct out out_to(void *room, size_t n)
{
	return (struct out){put_to(room, n)};
}

static inline bool out_fits(const struct out *o, size_t n)
{
	return !o->put.failed && put_room(&o->put) >= n;
}

static inline size_t out_mark(const struct out *o)
{
	return put_size(&o->put);
}

/* Take back all that was written since the mark, and the failure with it. */
static inline void out_undo(struct out *o, size_t mark)
{
	o->put.p = o->put.start + mark;
	o->put.failed = false;
}

struct out_datagram {
	struct flow to;
	uint32_t    size;
};

/* Returns the mark for end() or out_undo(). */
static inline size_t out_datagram_begin(struct out *o, const struct flow *to)
{
	size_t              mark = out_mark(o);
	struct out_datagram head = {*to, 0};

	put_bytes(&o->put, &head, sizeof(head));
	return mark;
}

/* False: there was no room, and nothing of it is left. */
static inline bool out_datagram_end(struct out *o, size_t mark)
{
	uint32_t size;

	if (o->put.failed) {
		out_undo(o, mark);
		return false;
	}
	size = (uint32_t)(put_size(&o->put) - mark - sizeof(struct out_datagram));
	memcpy(o->put.start + mark + offsetof(struct out_datagram, size), &size, sizeof(size));
	return true;
}

/* What was written, one datagram at a time; false after the last. */
static inline bool out_datagram_next(struct cur *written, struct flow *to, struct cur *bytes)
{
	const uint8_t *at =
		cur_left(written) > 0 ? cur_bytes(written, sizeof(struct out_datagram)) : NULL;
	struct out_datagram head;

	if (at == NULL)
		return false;
	memcpy(&head, at, sizeof(head));
	*to = head.to;
	*bytes = cur_sub(written, head.size);
	return true;
}
