/*
 * Bytes that a session wants sent. The caller gives a room and the bytes that the connection can
 * still take; a session writes whole items only: it asks out_fits() first, or marks with out_mark()
 * and takes back with out_undo(). Single owner, no memory.
 */
#pragma once

#include "base/put.h"

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
