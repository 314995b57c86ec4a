/*
 * Flight recorders: what happened last on a connection, kept while it lives and after it ended. A
 * recorder is a ring of the last segments and one of the last events, so that bulk traffic does not
 * push out the loss that explains it.
 *
 * Recorders come from a pool of fixed size. Each connection has one while there are enough; when
 * they run short, those of connections long silent are taken back, and a reserve is for connections
 * in trouble. One ring for a worker would forget a quiet connection within a second of traffic on
 * others; a ring in each control block would cost idle connections more than all the rest of them.
 * Inside lib/tcp; the worker alone.
 */
#pragma once

#include <stdint.h>

#include "tcp/conn.h"

#define TCP_TRACE_SEGMENTS 32u /* powers of two */
#define TCP_TRACE_EVENTS 16u
#define TCP_TRACE_TIME_BITS 40 /* of microseconds: 12 days */
#define TCP_TRACE_KIND_SHIFT 5 /* of a segment's kind, above its flags */

struct tcp_trace_record {
	uint32_t us; /* low bits of the time */
	uint8_t  us_high;
	uint8_t  what; /* of a segment: kind and flags; of an event: kind */
	uint16_t len;
	uint32_t first, second;
};
static_assert(sizeof(struct tcp_trace_record) == 16, "tcp_trace_record: four on a cache line");

/* Segments, then events. */
struct tcp_trace_rings {
	struct tcp_trace_record segments[TCP_TRACE_SEGMENTS];
	struct tcp_trace_record events[TCP_TRACE_EVENTS];
} __attribute__((aligned(64)));

/* Whose the rings are. */
struct tcp_trace {
	uint32_t        conn; /* index of the control block; TCP_NONE: free, or it has ended */
	uint32_t        handle;
	uint32_t        next;             /* free ones are linked */
	uint8_t         segments, events; /* of one that ended: how many were written, up to 255 */
	struct tcp_info info;             /* of one that ended: as it was then */
};

bool   tcp_trace_init(struct tcp *tcp, uint32_t traces_max);
void   tcp_trace_end(struct tcp *tcp);
size_t tcp_trace_memory(const struct tcp *tcp);

/* A recorder for this connection, if more than `reserve` are free. */
bool tcp_trace_take(struct tcp *tcp, struct tcp_conn *conn, uint32_t reserve);
/* The connection ends: its recorder joins those of the last that ended. */
void tcp_trace_close(struct tcp *tcp, struct tcp_conn *conn);
/* Each turn: when few are free, look at some for one to take back, once a millisecond. */
void tcp_trace_run(struct tcp *tcp);

void tcp_trace_event(struct tcp *tcp, struct tcp_conn *conn, enum tcp_trace_kind kind,
		     uint32_t first, uint32_t second);

static inline void tcp_trace_write(const struct tcp *tcp, struct tcp_trace_record *record,
				   uint8_t what, uint16_t len, uint32_t first, uint32_t second)
{
	*record = (struct tcp_trace_record){.us = (uint32_t)tcp->now.us,
					    .us_high = (uint8_t)(tcp->now.us >> 32),
					    .what = what,
					    .len = len,
					    .first = first,
					    .second = second};
}

/* Of each segment, so it costs a few stores. */
static inline void tcp_trace_segment(struct tcp *tcp, struct tcp_conn *conn,
				     enum tcp_trace_kind kind, uint8_t flags, uint32_t len,
				     uint32_t seq, uint32_t ack)
{
	if (conn->trace == TCP_NONE && !tcp_trace_take(tcp, conn, tcp->trace_reserve))
		return;
	tcp_trace_write(tcp,
			&tcp->trace_rings[conn->trace]
				 .segments[conn->trace_segments++ % TCP_TRACE_SEGMENTS],
			(uint8_t)(kind << TCP_TRACE_KIND_SHIFT | flags), (uint16_t)len, seq, ack);
}
