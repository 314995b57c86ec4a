/*
 * The data of the module: the control block of a connection, the queue of what is sent, and the
 * instance. Inside lib/tcp only. Everything is reached by index, so that a control block can be
 * moved. One owner: the worker.
 *
 * A number of milliseconds is now.us / 1000 cut to 32 bits and compared signed (seq.h).
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/random.h"
#include "metrics/metrics.h"
#include "net/output.h"
#include "tcp/ledger.h"
#include "tcp/seq.h"
#include "tcp/tcp.h"

#define TCP_NONE UINT32_MAX /* no index */

#define TCP_LISTENERS_MAX 256u
#define TCP_MSS_MIN 536u /* RFC 9293, 3.7.1; smaller offers are raised to it (CVE-2019-11479) */
#define TCP_HEADER_MAX 60u
#define TCP_SACK_MAX 4u
#define TCP_OOO_MIN 64u      /* segments that may wait behind holes beside those of a full window */
#define TCP_COMPACT_RATIO 4u /* memory held for each byte held; more is worth a copy */
#define TCP_CHUNKS_MAX                                                                             \
	512u /* pieces of a send queue, so that an acknowledgement's work is bounded */
#define TCP_WALK_MAX (5u * TCP_CHUNKS_MAX) /* pieces looked at for one segment */
#define TCP_QUANTUM 32u                    /* segments of one connection that one flush sends */
#define TCP_SCRATCH_SIZE (128u * 1024u)
#define TCP_RTO_FIRST_MS 1000u    /* RFC 6298, 2.1 */
#define TCP_RTO_SYN_LOST_MS 3000u /* RFC 6298, 5.7: of data after a handshake that was repeated */
#define TCP_RTO_MIN_MS 200u       /* unless configured otherwise */
#define TCP_RTO_MAX_MS 60000u
#define TCP_DELAYED_ACK_MS 40u
#define TCP_QUICK_ACKS                                                                             \
	8u /* segments answered at once at the start: the peer's window opens faster */
#define TCP_KEEPALIVE_STEP_MS 10000u
#define TCP_KEEPALIVE_PROBES 6u
#define TCP_FIN_WAIT_MS 60000u  /* the peer's FIN after ours was acknowledged */
#define TCP_TIME_WAIT_MS 60000u /* 2 MSL */
#define TCP_STARVED_MS 10u      /* memory was short: try again after */
#define TCP_STARVED_ACK_MS 1u   /* and an acknowledgement, which makes the peer free memory */

enum tcp_state {
	TCP_CLOSED, /* free, or dead and waiting for its last event to be taken */
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED, /* only after a simultaneous open: passive ones are entries of syn.c */
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_STATE_COUNT
};

enum tcp_timer {
	TCP_TIMER_RETRANSMIT,
	TCP_TIMER_PERSIST,
	TCP_TIMER_DELAYED_ACK,
	TCP_TIMER_KEEPALIVE,
	TCP_TIMER_GIVE_UP, /* connect, user and FIN_WAIT_2 timeout */
	TCP_TIMER_STARVED,
	TCP_TIMER_PROBE,   /* of the tail (RFC 8985) */
	TCP_TIMER_REORDER, /* what may only be late is lost (RFC 8985) */
	TCP_TIMER_COUNT
};

enum tcp_flag {
	TCP_FLAG_APP_CLOSED = 1u << 0,    /* tcp_close() was called: no event but CLOSED */
	TCP_FLAG_FIN_QUEUED = 1u << 1,    /* our FIN has its place at the end of the send queue */
	TCP_FLAG_PEER_FIN_SEEN = 1u << 2, /* fin_seq holds; what is before it may be missing */
	TCP_FLAG_PEER_FIN = 1u << 3,      /* the peer's FIN was reached */
	TCP_FLAG_ACK_NOW = 1u << 4,
	TCP_FLAG_WANT_WRITE = 1u << 5,
	TCP_FLAG_RECOVERY = 1u << 6, /* fast recovery until recover is acknowledged */
	TCP_FLAG_LOSS = 1u << 7,     /* the same after a timeout */
	TCP_FLAG_RESCUE =
		1u
		<< 8, /* the next retransmission goes whatever cwnd says (RFC 6675, 5, step 4.3) */
	TCP_FLAG_TIMESTAMPS = 1u << 9,
	TCP_FLAG_SACK = 1u << 10,
	TCP_FLAG_SCALE = 1u << 11,
	TCP_FLAG_DIRTY = 1u << 12, /* linked in the dirty list; outlives the connection */
	TCP_FLAG_READY = 1u << 13, /* linked in the ready list */
	TCP_FLAG_DSACK = 1u << 14,
	TCP_FLAG_NAGLE = 1u << 15,
	TCP_FLAG_ACCEPTED = 1u << 16, /* opened by the peer */
	TCP_FLAG_RTT_KNOWN = 1u << 17,
	TCP_FLAG_FORCE = 1u << 18,       /* the persist timer fired: a short segment may go */
	TCP_FLAG_UNREACHABLE = 1u << 19, /* ICMP says so, and nothing has been acknowledged since */
	TCP_FLAG_REORDERING = 1u << 20,  /* the path was seen to reorder */
	TCP_FLAG_DSACK_ROUND = 1u << 21, /* dsack_round holds */
	TCP_FLAG_PROBED = 1u << 22,      /* a tail loss probe is out; probe_end holds */
	TCP_FLAG_PROBED_OLD = 1u << 23,  /* and repeated what had been sent */
	TCP_FLAG_UNDO = 1u << 24,        /* undo_* hold */
	TCP_FLAG_DOUBT = 1u << 25,      /* a timeout that may be spurious (RFC 5682, 3.1, step 2) */
	TCP_FLAG_DOUBT_SENT = 1u << 26, /* and new data went out to find out (step 3) */
	TCP_FLAG_SOON = 1u << 27,       /* in the list of reordering deadlines below a tick */
	TCP_FLAG_RACK = 1u << 28,       /* rack_* hold */
};

/* Addresses and ports as this side sees them. The first field of all that the look-up table finds.
 */
struct tcp_key {
	struct net_addr local, remote;
	uint16_t        local_port, remote_port; /* host order */
};

/* A piece of the send queue: at most one MSS in one mbuf, sent as one segment. The mbuf is never
 * written once somebody else holds it. */
struct tcp_chunk {
	struct rte_mbuf *mbuf; /* NULL: SYN or FIN alone */
	uint32_t         seq, next;
	uint32_t         sent_us;     /* last transmission */
	uint32_t         skip;        /* all from here to there have arrived; TCP_NONE */
	uint16_t         len, offset; /* payload: offset from buf_addr */
	uint8_t          flags, sent; /* sent: how often, stops at 255 */
	uint8_t          reductions;  /* conn->reductions when it was sent again */
	uint8_t          spare;
};
static_assert(sizeof(struct tcp_chunk) == 32, "tcp_chunk: two on a cache line");

enum tcp_chunk_flag {
	TCP_CHUNK_SYN = 1u << 0,
	TCP_CHUNK_FIN = 1u << 1,
	TCP_CHUNK_SACKED = 1u << 2,
	TCP_CHUNK_LOST = 1u << 3,
	TCP_CHUNK_AGAIN = 1u << 4, /* sent again, and not found lost since */
};

/* The neighbours of a piece in one of the two lists of sack.c. Beside the pieces, as what arrives
 * in order needs neither. */
struct tcp_link {
	uint32_t before, after;
};

struct tcp_conn {
	/* line 0: who */
	struct tcp_key key;
	uint32_t       flags;
	uint8_t        state, generation;
	uint8_t        events; /* bits by enum tcp_event_kind, not yet taken */
	uint8_t        armed;  /* bits by enum tcp_timer */
	uint32_t       dirty_next, ready_next;
	uint16_t       keepalive_s, user_timeout_s;

	/* line 1: receiving */
	uint32_t rcv_nxt, rcv_edge,
		rcv_acked; /* edge: advertised, never moves left; acked: last told */
	uint32_t         ts_recent, ts_recent_ms, heard_ms;
	struct rte_mbuf *rx_head, *rx_tail; /* in order, linked by next */
	uint32_t         rx_bytes, rx_mbufs;
	uint32_t         receive_max;
	uint16_t         rcv_mss; /* largest segment seen: what "every second segment" means */
	uint8_t          rcv_scale, snd_scale;
	uint8_t          quick_acks, why;
	uint8_t          challenges, keepalives;
	uint16_t         challenge_s;                  /* in which second they were given */
	uint8_t          trace_segments, trace_events; /* records written, modulo 256 */

	/* line 2: sending */
	uint32_t snd_una, snd_nxt, snd_end; /* end: after the last queued byte or FIN */
	uint32_t snd_wnd, snd_wl1, snd_wl2, snd_wnd_max;
	uint32_t cwnd, ssthresh, recover;
	uint32_t chunk_head, chunk_next, chunk_tail; /* next: the first that was never sent */
	uint32_t sacked, lost;                       /* bytes of the flight */
	uint16_t mss, chunks; /* mss: payload of a full segment, options allowed for */

	/* line 3: time */
	uint32_t deadline[TCP_TIMER_COUNT];
	uint32_t timer_next, timer_prev, timer_at;
	uint16_t timer_slot;
	uint8_t  backoff, duplicates;
	uint32_t srtt_us, rttvar_us, rto_ms;
	uint32_t sent_ms; /* last data sent */

	/* line 4: holes */
	struct rte_mbuf *ooo_head; /* first run behind a hole; reassembly.c */
	uint32_t         fin_seq;
	uint32_t recent[TCP_SACK_MAX]; /* a byte of each range that grew last, newest first */
	uint32_t dsack_start, dsack_end;
	uint32_t ts_offset;
	uint16_t confirmed_s; /* the second of the last net_path_confirm() */
	bool     window_shut; /* that our window is closed was recorded */
	uint8_t  reductions;  /* of the congestion window, modulo 256 */
	uint32_t send_max;
	uint16_t ooo_mbufs;
	uint8_t  recent_count : 4, cc : 4;
	uint8_t  prompt;     /* lone segments in succession that the peer acknowledged at once */
	uint32_t chunk_rack; /* last whose only transmission was judged; TCP_NONE: none */
	uint32_t lost_head, again_head; /* lists of sack.c */

	/* line 5: where to and for whom */
	struct net_path path;
	uint32_t        iss, irs;
	uint64_t        user;

	/* line 6: accounts, and what RACK knows (RFC 8985, 5.2) */
	uint64_t bytes_in, bytes_out;
	uint32_t retransmits;
	uint32_t rack_sent_us, rack_end; /* of the segment sent last among those that arrived */
	uint32_t rack_rtt_us, rack_fack; /* fack: the highest number that arrived */
	uint32_t min_rtt_us, min_ms;     /* the lowest since */
	uint32_t dsack_round;
	uint8_t reorder_steps, reorder_rounds; /* how much is waited, and for how many recoveries */
	uint16_t sacked_pieces;
	uint32_t probe_end;            /* snd_nxt when the tail loss probe was sent */
	uint16_t mss_peer, mss_proven; /* offered; the largest payload that was acknowledged */
	uint32_t trace;                /* flight recorder, or TCP_NONE */

	/* line 7: recovery and congestion control */
	uint32_t cc_private[7];
	uint32_t prr_delivered, prr_out, prr_flight; /* RFC 6937: since and when recovery began */
	uint32_t undo_cwnd, undo_ssthresh;           /* as they were before */
	uint32_t undo_bytes; /* sent again since, and not known to have been superfluous */
	uint32_t undo_ms;    /* when the first of it went; with TCP_FLAG_UNDO and undo_bytes > 0 */
	/* the path MTU (pmtu.c) */
	uint32_t mtu_sequence; /* of the segment that mtu_doubted is about */
	uint16_t mtu_doubted;  /* reported, and not believed yet; 0: none */
	uint16_t mtu_tried;    /* smaller ones may pass; not known yet; 0: none */
} __attribute__((aligned(64)));

static_assert(offsetof(struct tcp_conn, rcv_nxt) == 64,
	      "tcp_conn: line 1 is what receiving touches");
static_assert(offsetof(struct tcp_conn, snd_una) == 128,
	      "tcp_conn: line 2 is what sending touches");
static_assert(offsetof(struct tcp_conn, deadline) == 192, "tcp_conn: line 3 is the timers");
static_assert(offsetof(struct tcp_conn, ooo_head) == 256,
	      "tcp_conn: line 4 is loss and reordering");
static_assert(offsetof(struct tcp_conn, path) == 320, "tcp_conn: line 5 is the way out");
static_assert(offsetof(struct tcp_conn, bytes_in) == 384, "tcp_conn: line 6 is each segment's");
static_assert(offsetof(struct tcp_conn, cc_private) == 448, "tcp_conn: line 7 is congestion");
static_assert(sizeof(struct tcp_conn) <= 512, "tcp_conn: 512 bytes an idle connection");

struct tcp_listener {
	struct net_addr    address;
	struct tcp_options options;
	uint64_t           user;
	uint16_t           port;
	bool               any;
};

/* A handshake that a peer began: no control block before it is complete. */
struct tcp_half {
	struct tcp_key key;
	uint32_t       iss, irs, ts_recent, due_ms;
	uint32_t       answered_us; /* when the SYN-ACK went; odd, or 0: it went twice */
	uint32_t       next, prev;
	uint16_t       mss;
	uint8_t        scale, retries;
	bool           used, timestamps, sack, scaled;
};
static_assert(sizeof(struct tcp_half) <= 80, "tcp_half: compact");

struct tcp_time_wait {
	struct tcp_key key;
	uint32_t       snd_nxt, rcv_nxt, ts_recent, due_ms;
	bool           used, timestamps;
	uint16_t       answered_ms; /* low bits of the time */
};
static_assert(sizeof(struct tcp_time_wait) == 64, "tcp_time_wait: one cache line");

#define TCP_BUCKET_SIZE 8u
struct tcp_bucket {
	uint16_t tag[TCP_BUCKET_SIZE];
	uint32_t what[TCP_BUCKET_SIZE]; /* enum tcp_kind and index; TCP_NONE: free */
	uint32_t more;                  /* overflow bucket */
	uint32_t spare[3];
} __attribute__((aligned(64)));
static_assert(sizeof(struct tcp_bucket) == 64, "tcp_bucket: one cache line");

enum tcp_kind { TCP_KIND_CONN, TCP_KIND_HALF, TCP_KIND_TIME_WAIT };
#define TCP_KIND_SHIFT 28
#define TCP_KIND_INDEX ((1u << TCP_KIND_SHIFT) - 1)

struct tcp_table {
	struct tcp_bucket *buckets;     /* mask + 1, then the overflow buckets */
	uint32_t           mask, count; /* count: with the overflow buckets */
	uint32_t           free;        /* overflow buckets, linked by more */
	struct hash_key    key;
};

#define TCP_WHEEL_BITS 12
#define TCP_WHEEL_SLOTS (1u << TCP_WHEEL_BITS)
#define TCP_WHEEL_NO_SLOT UINT16_MAX
struct tcp_wheel {
	uint32_t head[2 * TCP_WHEEL_SLOTS]; /* level 0: 1 ms a slot; level 1: 4,096 ms */
	uint64_t occupied[2 * TCP_WHEEL_SLOTS / 64];
	uint32_t now_ms;  /* all before and including it has been fired */
	uint32_t next_ms; /* nothing is to be done before it; holds while count > 0 */
	uint32_t count;
};

/* How much of the pool is left. What frees memory (acknowledgements, retransmission) must always
 * find some. */
enum tcp_pressure {
	TCP_PRESSURE_NONE,
	TCP_PRESSURE_LOW,  /* less than two fifths: no window grows, half messages are moved */
	TCP_PRESSURE_HIGH, /* less than a fifth: nothing is held behind holes, handshakes by cookie
			    */
	TCP_PRESSURE_FULL, /* less than a tenth: no new connections, nothing more to send */
};

/* Deadlines of reordering that are nearer than a tick of the wheel. An entry may be stale:
 * TCP_FLAG_SOON of the connection says whether it counts. */
#define TCP_SOON_MAX 64u
struct tcp_soon {
	uint32_t conn, due_us;
};

#define TCP_HALF_LEVELS 6u /* SYN-ACK sent again after 1, 2, 4, 8, 16 s; gone after 32 s more */

#define TCP_CHALLENGE_PLACES 256u
struct tcp_challenges { /* of the second that runs, by host; challenge.c */
	uint64_t key;
	uint32_t since_ms;
	uint16_t sent[TCP_CHALLENGE_PLACES];
};

struct tcp {
	struct now          now;
	uint32_t            now_ms;
	struct net         *net;
	struct rte_mempool *pool;
	struct metrics     *metrics;
	struct random       random;
	struct hash_key     isn_key, cookie_key;

	struct tcp_conn *conns;
	uint32_t         conns_max, conns_used, conns_fresh; /* fresh: from here on never used */
	uint32_t         free_head, free_tail;

	struct tcp_chunk *chunks;
	struct tcp_link  *links; /* one for each chunk */
	uint32_t          chunk_free;
	unsigned          walked; /* pieces looked at for this segment or timer: bounded */

	uint32_t dirty_head, dirty_tail, ready_head, ready_tail;

	struct tcp_table table;
	struct tcp_wheel wheel;
	struct tcp_soon  soon[TCP_SOON_MAX];
	unsigned         soon_count;

	struct tcp_listener listeners[TCP_LISTENERS_MAX];
	uint32_t            listener_count;

	struct tcp_half *halves;
	uint32_t         half_max, half_count, half_free;
	uint32_t         half_head[TCP_HALF_LEVELS], half_tail[TCP_HALF_LEVELS];
	bool             cookies_always;
	uint32_t         cookie_ms; /* when the last cookie was given */
	bool             cookie_given;

	struct tcp_time_wait *time_waits; /* a ring in the order of their end */
	uint32_t              time_wait_max, time_wait_first, time_wait_count;

	uint32_t ooo_mbufs, ooo_mbufs_max;
	uint64_t ooo_walked; /* steps along what waits behind holes: tests see that it is bounded */
	uint32_t pressure_ms; /* when it was looked at */
	uint8_t  pressure;    /* enum tcp_pressure */
	uint32_t pool_most;   /* buffers that were ever free at once */
	uint32_t sweep_at, sweep_left;
	uint64_t             *received; /* a bit for each connection that may hold packets */
	struct rte_mempool   *small;    /* for what rests half read */
	struct tcp_challenges challenges;
	uint8_t              *scratch;

	struct tcp_ledger_line *ledger; /* by index of the control block, or NULL */
	bool                    hushed;
	uint32_t                rto_min_ms;

	struct tcp_trace       *traces;
	struct tcp_trace_rings *trace_rings; /* one for each of them */
	uint32_t                trace_max, trace_free, trace_free_count, trace_hand, trace_ms;
	/* trace_ms: of the last look for one to take back */
	uint32_t trace_reserve; /* free ones that are kept for connections in trouble */
	uint32_t trace_closed[TCP_TRACE_CLOSED_MAX], trace_closed_next;
};

static inline struct tcp_conn *tcp_conn_at(const struct tcp *tcp, uint32_t index)
{
	ASSERT_HOT(index < tcp->conns_max);
	return &tcp->conns[index];
}

static inline uint32_t tcp_conn_index(const struct tcp *tcp, const struct tcp_conn *conn)
{
	return (uint32_t)(conn - tcp->conns);
}

static inline uint32_t tcp_conn_handle(const struct tcp *tcp, const struct tcp_conn *conn)
{
	return (uint32_t)conn->generation << 24 | tcp_conn_index(tcp, conn);
}

static inline struct tcp_chunk *tcp_chunk_at(const struct tcp *tcp, uint32_t index)
{
	return &tcp->chunks[index];
}

static inline uint32_t tcp_chunk_space(const struct tcp_chunk *chunk)
{
	return chunk->len + ((chunk->flags & (TCP_CHUNK_SYN | TCP_CHUNK_FIN)) != 0);
}

/* Bytes believed to be on the wire (RFC 6675, 4, pipe). */
static inline uint32_t tcp_conn_pipe(const struct tcp_conn *conn)
{
	uint32_t flight = conn->snd_nxt - conn->snd_una;
	uint32_t away = conn->sacked + conn->lost;

	return flight > away ? flight - away : 0;
}

static inline bool tcp_state_synchronized(enum tcp_state state)
{
	return state >= TCP_ESTABLISHED;
}

/* In the words of RFC 4022, tcpCurrEstab. */
static inline bool tcp_conn_is_established(const struct tcp_conn *conn)
{
	return conn->state == TCP_ESTABLISHED || conn->state == TCP_CLOSE_WAIT;
}

/* Both directions are closed and acknowledged; it lives on only to be read. */
static inline bool tcp_conn_is_over(const struct tcp_conn *conn)
{
	const uint32_t fins = TCP_FLAG_FIN_QUEUED | TCP_FLAG_PEER_FIN;

	return (conn->flags & fins) == fins && conn->snd_una == conn->snd_end;
}

/* conn.c: a control block's life. */

struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct tcp_key *key,
			      const struct tcp_options *options);
struct tcp_conn *tcp_conn_get(const struct tcp *tcp,
			      uint32_t          handle); /* NULL: stale handle, or dead */

/* Gone on the wire: memory back, out of the table; the block itself stays until its CLOSED event is
 * taken. */
void tcp_conn_die(struct tcp *tcp, struct tcp_conn *conn, enum reason why);
void tcp_conn_free(struct tcp *tcp, struct tcp_conn *conn);
void tcp_conn_touch(struct tcp      *tcp,
		    struct tcp_conn *conn); /* something to do at the next tcp_flush() */
void tcp_conn_event(struct tcp *tcp, struct tcp_conn *conn, enum tcp_event_kind kind);

/* Our MSS offer and the payload of a full segment towards a peer that offered mss, with or without
 * timestamps. */
uint16_t tcp_conn_mss_offer(const struct net_path *path, bool ip6);
void     tcp_conn_set_mss(struct tcp_conn *conn, uint16_t offered);
uint8_t  tcp_conn_scale(uint32_t receive_max);
void     tcp_conn_isn(const struct tcp *tcp, const struct tcp_key *key, uint32_t *iss,
		      uint32_t *ts_offset);

/* tcp.c and stream.c */

void tcp_time_is(struct tcp *tcp, struct now now);
void tcp_options_complete(struct tcp_options *options); /* 0 becomes the default */

/* ledger.c */

void tcp_ledger_open(struct tcp *tcp, const struct tcp_conn *conn);
void tcp_ledger_close(struct tcp *tcp, const struct tcp_conn *conn);

/* Before what was queued leaves. */
static inline void tcp_ledger_note(struct tcp *tcp, const struct tcp_conn *conn)
{
	struct tcp_ledger_line *line = &tcp->ledger[tcp_conn_index(tcp, conn)];

	line->snd_una = conn->snd_una;
	line->snd_nxt = conn->snd_nxt;
	line->rcv_nxt = conn->rcv_nxt;
}

/* info.c */

void tcp_info_fill(const struct tcp *tcp, const struct tcp_conn *conn, struct tcp_info *info);
const char *tcp_state_name(unsigned state);
const char *tcp_timer_name(unsigned timer);

/* state.c */

void tcp_state_set(struct tcp *tcp, struct tcp_conn *conn, enum tcp_state state);

void tcp_state_step(
	struct tcp      *tcp,
	struct tcp_conn *conn); /* after acknowledgements and data were taken: what follows */
void tcp_state_read_out(struct tcp *tcp, struct tcp_conn *conn); /* tcp_close() after tcp_end() */
void tcp_state_established(struct tcp *tcp, struct tcp_conn *conn);
void tcp_state_fin(struct tcp *tcp, struct tcp_conn *conn); /* queue our FIN */

/* table.c */

bool     tcp_table_init(struct tcp_table *table, uint32_t entries_max, uint64_t seed);
void     tcp_table_end(struct tcp_table *table);
size_t   tcp_table_memory(const struct tcp_table *table);
uint64_t tcp_table_hash(const struct tcp_table *table, const struct tcp_key *key);
uint32_t tcp_table_guess(const struct tcp_table *table, uint64_t hash);
void     tcp_table_prefetch(const struct tcp_table *table, uint64_t hash);
uint32_t tcp_table_find(const struct tcp *tcp, const struct tcp_key *key,
			uint64_t hash); /* kind and index, or TCP_NONE */
void tcp_table_add(struct tcp *tcp, const struct tcp_key *key, enum tcp_kind kind, uint32_t index);
void tcp_table_remove(struct tcp *tcp, const struct tcp_key *key, enum tcp_kind kind,
		      uint32_t index);

/* timer.c */

void tcp_timer_init(struct tcp_wheel *wheel);
void tcp_timer_set(struct tcp *tcp, struct tcp_conn *conn, enum tcp_timer timer, uint32_t after_ms);
void tcp_timer_stop(struct tcp *tcp, struct tcp_conn *conn); /* all, and off the wheel */
unsigned tcp_timer_run(struct tcp *tcp,
		       unsigned    budget); /* returns how many control blocks were looked at */
uint64_t tcp_timer_next_us(const struct tcp *tcp);

static inline void tcp_timer_clear(struct tcp_conn *conn, enum tcp_timer timer)
{
	conn->armed &= (uint8_t) ~(1u << timer); /* the node finds out by itself */
}

static inline bool tcp_timer_armed(const struct tcp_conn *conn, enum tcp_timer timer)
{
	return (conn->armed & 1u << timer) != 0;
}

/* expire.c: what each timer does */

void tcp_expire(struct tcp *tcp, struct tcp_conn *conn, enum tcp_timer timer);

/* check.c: for tests; dies when the numbers of a connection contradict each other */
void tcp_check(struct tcp *tcp);
