/*
 * Bytes that a session wants sent. The caller gives a room and the bytes that the connection can
 * still take; a session writes whole items only: it asks out_fits() first, or marks with out_mark()
 * and takes back with out_undo(). Single owner, no memory.
 *
 * A session of datagrams writes each between out_datagram_begin() and out_datagram_end(), which
 * puts a head before its bytes: where it goes, and how long it is. One whose stream is of messages
 * (WebSocket) has the same head before each message, where only the length counts. Who writes for
 * any kind of session does so between out_item_begin() and out_item_end().
 */
#pragma once

#include <stddef.h>
#include <string.h>

#include "base/cur.h"
#include "base/put.h"
#include "proto/flow.h"

struct out {
	struct put put;
	bool       messages; /* the stream is of messages; the caller's to say */
};

static inline struct out out_to(void *room, size_t n)
{
	return (struct out){.put = put_to(room, n)};
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

/* The bytes that begin() of an item puts before it. */
static inline size_t out_item_head(const struct out *o, bool datagram)
{
	return datagram || o->messages ? sizeof(struct out_datagram) : 0;
}

/* An item of any session: a datagram to somebody, or, NULL, what goes into the stream. */
static inline size_t out_item_begin(struct out *o, const struct flow *to)
{
	static const struct flow stream;

	return out_item_head(o, to != NULL) > 0 ? out_datagram_begin(o, to != NULL ? to : &stream)
						: out_mark(o);
}

/* False: there was no room, and nothing of it is left. */
static inline bool out_item_end(struct out *o, size_t mark, bool datagram)
{
	if (out_item_head(o, datagram) > 0)
		return out_datagram_end(o, mark);
	if (!o->put.failed)
		return true;
	out_undo(o, mark);
	return false;
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
