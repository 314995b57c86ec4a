/* What the files of connections share (conn*.c, ask.c, mailbox.c), and nobody else includes. */
#pragma once

#include "conn.h"
#include "worker.h"

#define CONN_SUBMIT_RESERVE (64u * 1024u) /* of send room, kept for answers */
#define CONN_USER (1ull << 40)            /* of tcp users: a connection's index, not a listener's */

static inline uint32_t conn_index(const struct worker *w, const struct conn *c)
{
	return (uint32_t)(c - w->conns.table);
}

/* NULL: all are in use. */
struct conn *conn_new(struct worker *w, uint8_t protocol, enum proto_role role);
void         conn_free(struct worker *w, struct conn *c);

/* A session asks for a stream. The answer comes when there is one, or is none. */
void conn_dial(struct worker *w, struct conn *dialler, const struct flow *to, struct str domain,
	       uint64_t token);
/* TCP has made one of ours. */
void conn_connected(struct worker *w, struct conn *c);

/* Open, or saying its last. */
static inline bool conn_has_session(const struct conn *c)
{
	return c->state == CONN_OPEN || c->state == CONN_LEAVING;
}

/* The room that a hook of the connection's session writes to, at most so many bytes; conn_send()
 * sends it on. */
struct out conn_out_within(struct worker *w, const struct conn *c, size_t room);
struct out conn_out(struct worker *w, const struct conn *c);
void       conn_send(struct worker *w, struct conn *c, const struct out *out);
size_t     conn_send_room(struct worker *w, const struct conn *c);
/*
 * Bytes for the stream under it all. A peer that does not read what it is owed, up to the send
 * buffer's size, has broken its side of the window, and its connection ends: false.
 */
bool conn_send_bytes(struct worker *w, struct conn *c, const void *bytes, size_t n);
/* Feed the run of bytes until an item is missing something. Returns false when the connection is
 * not to be read from any more in this turn. */
bool conn_feed(struct worker *w, struct conn *c, struct cur *in, unsigned *items);
/* Nothing more comes from the other side. */
void conn_read_ended(struct worker *w, struct conn *c);

/*
 * conn_ws.c: WebSockets (ws/ws.h), between the bytes of a stream and a session whose stream is of
 * messages. The session is open from the start, so that its time for a login holds for the
 * handshake, too, and nothing of it is sent before that.
 */
int  conn_ws_init(struct conns *cs);
void conn_ws_free(struct conns *cs);
void conn_ws_begin(struct worker *w, struct conn *c, const struct listener *l);
/* As conn_feed(). */
bool   conn_ws_feed(struct worker *w, struct conn *c, struct cur *in, unsigned *items);
void   conn_ws_send(struct worker *w, struct conn *c, const struct out *out);
size_t conn_ws_send_room(struct worker *w, const struct conn *c); /* for what a session writes */
/* The last of it: Close, where the other side has not had one. */
void conn_ws_end(struct worker *w, struct conn *c, enum reason why);

struct proto_event conn_event_none(void);
/* c: whose hook gave it; the event may be another session's. */
void conn_event(struct worker *w, struct conn *c, struct proto_event *event);
/*
 * May another item be read? The answer to it must find room, and a message memory (w->spare). From
 * the reserve only those are read who bring the answers that free messages.
 */
bool conn_may_read(struct worker *w, struct conn *c);
/* What it has sent is read in the next turn. */
void conn_go_on_later(struct worker *w, struct conn *c);
