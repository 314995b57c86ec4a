/*
 * TCP of one worker, over its struct net: RFC 9293 and what reference/tcp.md lists. Segments in by
 * burst, events out by burst, bytes lent in place. No I/O, no clock, no global, no allocation after
 * tcp_new() but mbufs from the pool; one owner.
 *
 * A worker's turn: tcp_input_burst() for all that arrived, tcp_tick(), then tcp_events() until it
 * returns 0, each handled with peek/consume/send/close, then tcp_flush(), which builds the segments
 * of all connections touched (acknowledgements ride along).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/now.h"
#include "base/reason.h"
#include "net/net.h"

#define TCP_CONN_NONE UINT32_MAX

struct tcp_ledger_line;

struct tcp_config {
	struct net         *net;
	struct rte_mempool *pool; /* mbufs of what is sent; each holds one segment linearly */
	struct metrics     *metrics;
	uint32_t            connections_max;
	uint32_t half_open_max; /* SYN_RECEIVED entries before SYN cookies; default 16,384 */
	uint32_t time_wait_max; /* 64 bytes each; when all are taken, the oldest ends early */
	uint64_t seed, shared_seed;
	bool     cookies_always; /* test mode */
	uint32_t rto_min_ms;     /* least retransmission timeout beyond the round trip; 0: 200 */
	uint32_t traces_max;     /* flight recorders; 0: one for each connection, at most 4,096 */
	struct tcp_ledger_line *ledger; /* [connections_max], zeroed, or NULL (tcp/ledger.h) */
};

enum tcp_congestion { TCP_CONGESTION_CUBIC, TCP_CONGESTION_NEWRENO, TCP_CONGESTION_COUNT };

/* What a listener or a connect asks for; 0 = default. */
struct tcp_options {
	uint32_t receive_max; /* bytes that wait for the consumer: the receive window; default
				 65,535 * 4; never below item_size_max of the protocol */
	uint32_t send_max; /* bytes accepted from the producer and not yet acknowledged; default 256
			      KiB */
	uint32_t            keepalive_s;       /* default 60; probes each 10 s, dead after 6 */
	uint32_t            user_timeout_s;    /* unacknowledged data: give up after; default 120 */
	uint32_t            connect_timeout_s; /* default 10 */
	enum tcp_congestion congestion;
	bool nagle; /* default off: what one turn wrote leaves in that turn, packed into full
		       segments */
};

struct tcp;

struct tcp *tcp_new(const struct tcp_config *config); /* at start; NULL when memory is short */
void        tcp_free(struct tcp *tcp);

/* Accept connections to address:port (address 0.0.0.0 or ::: any of ours). user comes back in the
 * accept event. 0 or -errno (EADDRINUSE, ENOSPC). */
int  tcp_listen(struct tcp *tcp, const struct net_addr *address, uint16_t port,
		const struct tcp_options *options, uint64_t user);
void tcp_listen_stop(struct tcp *tcp, const struct net_addr *address, uint16_t port);

/* While hushed, nobody listens and no SYN is answered, so that callers try again a little later;
 * all else of unknown connections is reset. */
void tcp_hush(struct tcp *tcp, bool hushed);

/*
 * Connect; the source port is chosen at random among those whose answers come back to this worker
 * (net_owner()). TCP_EVENT_CONNECTED or TCP_EVENT_CLOSED follows. Returns TCP_CONN_NONE when no
 * connection or port is free, or the remote cannot be routed.
 */
uint32_t tcp_connect(struct tcp *tcp, struct now now, const struct net_addr *remote, uint16_t port,
		     const struct tcp_options *options, uint64_t user);

/* Segments from net_input_burst(); all are consumed. */
void tcp_input_burst(struct tcp *tcp, struct now now, struct rte_mbuf *const segments[],
		     unsigned n);

/* Fire what is due (bounded per call). Returns the next deadline, UINT64_MAX when there is none. */
uint64_t tcp_tick(struct tcp *tcp, struct now now);

enum tcp_event_kind {
	TCP_EVENT_ACCEPTED, /* user: the listener's. Call tcp_set_user() */
	TCP_EVENT_CONNECTED,
	TCP_EVENT_READABLE, /* bytes or the end of the stream wait; given once until something more
			       arrives */
	TCP_EVENT_WRITABLE, /* after tcp_send() took less than asked for, or tcp_send_room() was
			       found too small: half of send_max is free again */
	TCP_EVENT_CLOSED, /* gone, for the reason given: CLOSED_BY_PEER, CONNECTION_RESET, _TIMEOUT,
			     _REFUSED, NONE (our own orderly close done). The handle is invalid
			     after this event; given exactly once for each accepted or connecting
			     connection, also after tcp_close() */
};

struct tcp_event {
	enum tcp_event_kind kind;
	uint32_t            conn; /* handle: index 24 bits, generation 8 bits */
	uint64_t            user;
	enum reason         why;
};

unsigned tcp_events(struct tcp *tcp, struct tcp_event events[], unsigned max);

void tcp_set_user(struct tcp *tcp, uint32_t conn, uint64_t user);

/*
 * Look at received bytes in order, lent until the next tcp_peek(), tcp_consume(), tcp_close() or
 * tcp_tick() of the instance (tcp_send() leaves them be): at least `want` bytes in one run if so
 * many have arrived (gathered, with some that follow, into a scratch of the instance when they
 * straddle mbufs; want <= 128 KiB), else as many as lie together. Returns the number of bytes that
 * wait in all (which may be more than *in shows); *in is empty when it is 0.
 */
size_t tcp_peek(struct tcp *tcp, uint32_t conn, size_t want, struct cur *in);
void   tcp_consume(struct tcp *tcp, uint32_t conn, size_t n); /* the receive window follows */
bool   tcp_read_ended(
	  struct tcp *tcp,
	  uint32_t    conn); /* the peer's FIN was reached: nothing more will come after what waits */

/* Take n bytes (copied into the tail of the send queue). Returns how many were taken: all, or what
 * send_max and the memory for packets allow. Leaves with the next tcp_flush(). */
size_t tcp_send(struct tcp *tcp, uint32_t conn, const void *bytes, size_t n);
size_t tcp_send_room(const struct tcp *tcp, uint32_t conn);

/* Our direction ends: what was sent is delivered, then FIN; what the peer sends is read on, and
 * tcp_close() follows. For connections that are open; others are left as they are. */
void tcp_end(struct tcp *tcp, uint32_t conn);

/* Orderly: what was sent is delivered, then FIN; received bytes not consumed make it a reset (RFC
 * 1122, 4.2.2.13). Abort: RST now. */
void tcp_close(struct tcp *tcp, uint32_t conn, bool abort);

/* Build and queue the segments of all connections touched; a connection's share per call is
 * bounded, the rest goes on with the next call. */
void tcp_flush(struct tcp *tcp, struct now now);

unsigned tcp_count(const struct tcp *tcp); /* connections that hold a control block */

/* ---- a look from outside: between turns, by the worker, for operators ---- */

size_t tcp_memory(const struct tcp *tcp); /* bytes, all taken by tcp_new() */

struct tcp_info {
	struct net_addr local, remote;
	uint16_t        local_port, remote_port;
	uint64_t        user;
	const char     *state, *congestion_control;
	enum reason     why; /* of one that ended */
	bool            accepted, sack, timestamps, scaled;
	uint32_t        srtt_us, rttvar_us, rto_us, cwnd, ssthresh, in_flight;
	uint32_t        peer_window, our_window, send_queued, receive_queued, out_of_order, mss;
	uint32_t        silent_ms; /* since a segment of the peer was taken */
	uint64_t        bytes_in, bytes_out, retransmits;
};
bool tcp_info(const struct tcp *tcp, uint32_t conn, struct tcp_info *info);

/* Handles of living connections from *from on, which is moved to where to go on; UINT32_MAX at the
 * end. Bounded: it may return 0 before the end. */
unsigned tcp_list(const struct tcp *tcp, uint32_t *from, uint32_t handles[], unsigned max);

/* What has no control block and so no handle: handshakes of peers that are not complete, and
 * connections in TIME_WAIT. Names, state and MSS are filled. *from as of tcp_list(). */
unsigned tcp_list_others(const struct tcp *tcp, uint32_t *from, struct tcp_info infos[],
			 unsigned max);

/* The last that ended, newest first, as long as their handle is not given again. */
#define TCP_TRACE_CLOSED_MAX 256u
unsigned tcp_closed_list(const struct tcp *tcp, uint32_t handles[], unsigned max);
bool     tcp_closed_info(const struct tcp *tcp, uint32_t conn, struct tcp_info *info);

enum tcp_trace_kind {
#define TRACE(name, word, first, second) TCP_TRACE_##name,
#include "tcp/trace.def"
#undef TRACE
	TCP_TRACE_COUNT
};

/* What happened on a connection, from its flight recorder. */
#define TCP_TRACE_ENTRIES_MAX 48u
struct tcp_trace_entry {
	uint64_t            us; /* as now.us was */
	enum tcp_trace_kind kind;
	uint8_t             flags; /* of a segment */
	uint16_t            len;
	uint32_t            first, second;
};

/* Oldest first; of a living connection or of one of tcp_closed_list(). Returns how many. */
unsigned tcp_trace_read(const struct tcp *tcp, uint32_t conn,
			struct tcp_trace_entry entries[TCP_TRACE_ENTRIES_MAX]);
/* In words; formats, so for the management thread. */
void tcp_trace_text(const struct tcp_trace_entry *entry, char what[32], char detail[96]);
