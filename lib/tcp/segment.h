/* A segment as received, its fields in host order; and segments that belong to no connection.
 * Inside lib/tcp only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tcp/conn.h"

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

struct tcp_segment {
	struct rte_mbuf *mbuf; /* its data is the payload; NULL once taken by a queue */
	uint64_t         hash;
	struct tcp_key   key;
	uint32_t         seq, ack, len; /* len: payload */
	uint32_t         ts_value, ts_echo;
	uint16_t         window; /* as on the wire */
	uint16_t         mss;
	uint8_t          flags, scale;
	bool             has_timestamp, has_scale, sack_permitted;
	uint8_t          sack_count;
	uint32_t         sack[TCP_SACK_MAX][2];
};

/* Sequence space: payload, SYN and FIN. */
static inline uint32_t tcp_segment_space(const struct tcp_segment *segment)
{
	return segment->len + ((segment->flags & TCP_SYN) != 0) + ((segment->flags & TCP_FIN) != 0);
}

/* Reads a packet of net_input_burst(): headers are cut off, what remains is the payload. false:
 * malformed. */
bool tcp_segment_parse(struct rte_mbuf *mbuf, struct tcp_segment *segment);

/* Cut payload off, in a chain too. */
struct rte_mbuf *tcp_segment_cut_front(struct rte_mbuf *mbuf,
				       uint32_t n); /* the new head; NULL when nothing is left */
void             tcp_segment_cut_back(struct rte_mbuf *mbuf, uint32_t keep); /* keep > 0 */

/* What a header says, to be written in front of an mbuf's data. */
struct tcp_header {
	const struct tcp_key *key;
	uint32_t              seq, ack;
	uint16_t              window;
	uint8_t               flags;
	bool                  again;        /* was sent before */
	uint8_t               options_size; /* a multiple of 4 */
	uint8_t               options[40];
};

void tcp_segment_prepend(struct rte_mbuf *mbuf, const struct tcp_header *header);

/* Options, appended to header->options and padded to 4 bytes by themselves. */
void tcp_option_mss(struct tcp_header *header, uint16_t mss);
void tcp_option_scale(struct tcp_header *header, uint8_t scale);
void tcp_option_sack_permitted(struct tcp_header *header);
void tcp_option_timestamp(struct tcp_header *header, uint32_t value, uint32_t echo);
void tcp_option_sack(struct tcp_header *header, const uint32_t ranges[][2], unsigned n);

/* Answers that need no connection. The way back is looked up. */
void tcp_reply(struct tcp *tcp, const struct tcp_header *header);
void tcp_reply_reset(struct tcp *tcp, const struct tcp_segment *segment); /* RFC 9293, 3.10.7.1 */

/* input.c: a segment whose connection is known; the caller frees segment->mbuf if it is still
 * there. */
void tcp_input_conn(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment);
void tcp_input_closed(struct tcp *tcp, struct tcp_segment *segment,
		      uint32_t iss_min); /* no connection: listener, cookie or reset */

/* reassembly.c */
void tcp_reassembly_take(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment);
void tcp_reassembly_duplicate(struct tcp *tcp, struct tcp_conn *conn, uint32_t start,
			      uint32_t end); /* to be told (RFC 2883) */
void tcp_reassembly_free(struct tcp *tcp, struct tcp_conn *conn);
void tcp_reassembly_drop_held(struct tcp *tcp, struct tcp_conn *conn); /* what waits behind holes */
unsigned tcp_reassembly_ranges(struct tcp_conn *conn, uint32_t ranges[][2],
			       unsigned max); /* for SACK; DSACK first */

/* What one acknowledgement told, gathered while it was taken. */
struct tcp_news {
	uint32_t acked;     /* bytes by which snd_una moved */
	uint32_t delivered; /* bytes newly known to have arrived, in order or not */
	uint32_t lost;      /* bytes newly found lost */
	uint32_t rtt_us;    /* of a segment sent once, or by its echo; UINT32_MAX: none */
	uint32_t flight;    /* before it */
	uint32_t dsack;     /* bytes told to have arrived twice (RFC 2883) */
	bool     sacked;    /* ranges beyond snd_una grew, or a duplicate stands for that */
	bool     limited;   /* the congestion window was what held sending back */
	bool     duplicate; /* nothing in it but the number known already */
	bool     spurious;  /* a timeout turns out to have been premature */
};

/* ack.c: false when the segment is to be dropped. */
bool     tcp_ack_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment);
uint32_t tcp_ack_rto_ms(const struct tcp_conn *conn); /* with backoff */
/* RFC 6298, 2. anew: what was known is worth nothing any more (RFC 4015, 3.2, step 7). */
void tcp_ack_measure(const struct tcp *tcp, struct tcp_conn *conn, uint32_t rtt_us, bool anew);

/* sack.c: the scoreboard. All changes of a piece's marks go through here. */
void tcp_sack_dsack(const struct tcp_conn *conn, const struct tcp_segment *segment,
		    struct tcp_news *news);
void tcp_sack_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		   struct tcp_news *news);
void tcp_sack_lose(struct tcp *tcp, struct tcp_conn *conn, uint32_t index,
		   uint32_t before); /* before which in the list of lost ones; TCP_NONE: last */
void tcp_sack_again(struct tcp *tcp, struct tcp_conn *conn, uint32_t index);
void tcp_sack_trim(struct tcp_conn *conn, struct tcp_chunk *chunk, uint32_t n);
void tcp_sack_split(struct tcp *tcp, struct tcp_conn *conn, uint32_t index);
void tcp_sack_forget(struct tcp *tcp, struct tcp_conn *conn, uint32_t index);
void tcp_sack_lose_all(struct tcp *tcp, struct tcp_conn *conn);
void tcp_sack_unlose(struct tcp *tcp, struct tcp_conn *conn); /* what waits to be sent again */

/* rack.c: when what (RFC 8985) */
void     tcp_rack_delivered(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_chunk *chunk,
			    const struct tcp_segment *segment, struct tcp_news *news);
void     tcp_rack_min_rtt(struct tcp *tcp, struct tcp_conn *conn, uint32_t rtt_us);
void     tcp_rack_dsack(struct tcp_conn *conn);
void     tcp_rack_recovered(struct tcp_conn *conn);
uint32_t tcp_rack_find_lost(struct tcp *tcp, struct tcp_conn *conn,
			    bool *again); /* bytes; again: sent anew since cwnd was reduced */
void     tcp_rack_reordered(struct tcp *tcp, struct tcp_conn *conn); /* the timer fired */
uint64_t tcp_rack_run(struct tcp *tcp); /* deadlines below a tick; returns the next */
void     tcp_rack_lone_acked(struct tcp_conn *conn, uint32_t rtt_us);
void     tcp_rack_probe_arm(struct tcp *tcp, struct tcp_conn *conn);
bool     tcp_rack_probe(struct tcp *tcp, struct tcp_conn *conn); /* true: one was sent */
void tcp_rack_probe_ack(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
			const struct tcp_news *news);

/* Less than what a peer must acknowledge at once (RFC 1122, 4.2.3.2). */
static inline bool tcp_rack_is_lone(const struct tcp_conn *conn, uint32_t flight)
{
	return flight < 2u * conn->mss;
}

/* recover.c: what follows from losses and from the news that there were none */
void tcp_recover_ack(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		     struct tcp_news *news);
void tcp_recover_lost(struct tcp *tcp, struct tcp_conn *conn, bool again); /* found by a timer */
void tcp_recover_timeout(struct tcp *tcp, struct tcp_conn *conn);
void tcp_recover_sent(struct tcp *tcp, struct tcp_conn *conn, uint32_t bytes, bool again);

/* output.c */
bool tcp_output_ack(struct tcp *tcp, struct tcp_conn *conn,
		    uint32_t seq); /* a segment without data; false: no memory */
void tcp_output_reset(struct tcp *tcp, struct tcp_conn *conn);
bool tcp_output_probe(struct tcp *tcp, struct tcp_conn *conn,
		      bool *again); /* one segment past cwnd; again: it had been sent before */
bool tcp_output_conn(struct tcp      *tcp,
		     struct tcp_conn *conn); /* what may go now; true: more could */

/* challenge.c: answers to what may be forged, limited (RFC 5961, 7) */
void tcp_output_challenge(struct tcp *tcp, struct tcp_conn *conn);
void tcp_output_probe_answer(struct tcp *tcp, struct tcp_conn *conn);
bool tcp_challenge_may(struct tcp *tcp, const struct net_addr *host);

/* queue.c: the send queue */
struct tcp_chunk *tcp_queue_control(struct tcp *tcp, struct tcp_conn *conn, uint8_t flag);
uint32_t tcp_queue_append(struct tcp *tcp, struct tcp_conn *conn, const void *bytes, uint32_t n);
bool tcp_queue_split(struct tcp *tcp, struct tcp_conn *conn, struct tcp_chunk *chunk, uint16_t len);
void tcp_queue_drop_head(struct tcp *tcp, struct tcp_conn *conn);
void tcp_queue_free(struct tcp *tcp, struct tcp_conn *conn);

/* listen.c, syn.c, cookie.c, time_wait.c */
const struct tcp_listener *tcp_listener_find(const struct tcp *tcp, const struct net_addr *address,
					     uint16_t port);
void                       tcp_syn_init(struct tcp *tcp);
void                       tcp_syn_begin(struct tcp *tcp, const struct tcp_segment *segment,
					 const struct tcp_listener *listener, uint32_t iss_min);
void     tcp_syn_input(struct tcp *tcp, struct tcp_half *half, struct tcp_segment *segment);
uint32_t tcp_syn_next_ms(const struct tcp *tcp, bool *any);
void     tcp_syn_refused(struct tcp *tcp, struct tcp_half *half, uint32_t sequence);
void     tcp_syn_again(struct tcp *tcp, const struct tcp_half *half); /* its answer, at once */
void     tcp_syn_run(struct tcp *tcp, unsigned budget);

/* A handshake that is complete becomes a connection, which takes the segment. */
struct tcp_handshake {
	uint32_t iss, irs, ts_recent;
	uint32_t rtt_us; /* 0: not known */
	uint16_t mss;
	uint8_t  scale, retries;
	bool     timestamps, sack, scaled;
};
bool tcp_syn_accept(struct tcp *tcp, struct tcp_segment *segment,
		    const struct tcp_listener *listener, const struct tcp_handshake *handshake);
void tcp_syn_answer(struct tcp *tcp, const struct tcp_key *key,
		    const struct tcp_handshake *handshake, uint32_t ts_value,
		    const struct tcp_listener *listener);

uint32_t tcp_cookie_make(struct tcp *tcp, const struct tcp_segment *syn, uint32_t *ts_value);
bool     tcp_cookie_out(const struct tcp *tcp);
bool     tcp_cookie_check(struct tcp *tcp, const struct tcp_segment *ack,
			  struct tcp_handshake *handshake);
/* Would a late first segment of this connection open it again, if nothing were left of it? */
bool tcp_cookie_reopens(const struct tcp *tcp, const struct tcp_conn *conn);

void tcp_time_wait_begin(struct tcp *tcp, const struct tcp_conn *conn);
void tcp_time_wait_input(struct tcp *tcp, uint32_t index, struct tcp_segment *segment);
void tcp_time_wait_run(struct tcp *tcp, unsigned budget);
bool tcp_time_wait_next_ms(const struct tcp *tcp, uint32_t *due_ms);

/* pmtu.c */
void tcp_pmtu_follow(struct tcp *tcp, struct tcp_conn *conn); /* what is known of paths changed */
void tcp_pmtu_reported(struct tcp *tcp, struct tcp_conn *conn, const struct net_icmp_error *error);
/* The retransmission timer fired. true: the size of the segments explains it, and they go again. */
bool tcp_pmtu_timed_out(struct tcp *tcp, struct tcp_conn *conn);
/* Before ack is taken. Call it where tcp_pmtu_waits(). */
void tcp_pmtu_acked(struct tcp *tcp, struct tcp_conn *conn, uint32_t ack);

static inline bool tcp_pmtu_waits(const struct tcp_conn *conn)
{
	return (conn->mtu_doubted | conn->mtu_tried) != 0;
}

/* memory.c */
void     tcp_memory_init(struct tcp *tcp);
void     tcp_memory_end(struct tcp *tcp);
void     tcp_memory_look(struct tcp *tcp);
uint32_t tcp_memory_window(const struct tcp *tcp, const struct tcp_conn *conn); /* may still come */

/* stream.c: the peer is told of a window that opened */
void tcp_stream_window_follow(struct tcp *tcp, struct tcp_conn *conn);

/* icmp.c */
void tcp_icmp_run(struct tcp *tcp);
void tcp_unsent_run(struct tcp *tcp);

/* Congestion control: what a connection grows and shrinks by. Each owns cc_private. */
struct tcp_cc_ops {
	const char *name;
	void (*start)(struct tcp_conn *conn);
	/* Outside recovery. limited: cwnd held sending back; if not, it says nothing of the path.
	 */
	void (*acked)(struct tcp_conn *conn, const struct tcp_news *news, uint32_t now_ms);
	void (*lost)(struct tcp_conn *conn, uint32_t flight); /* recovery begins: sets ssthresh */
	void (*timed_out)(struct tcp_conn *conn, uint32_t flight);
	void (*idle)(struct tcp_conn *conn,
		     uint32_t         idle_ms);      /* nothing was sent for an RTO (RFC 5681, 4.1) */
	void (*undo)(struct tcp_conn *conn); /* it was no loss; cwnd and ssthresh are back */
};
extern const struct tcp_cc_ops *const tcp_cc[];
extern const struct tcp_cc_ops        tcp_cc_newreno, tcp_cc_cubic;

/* What both algorithms share. */
void     tcp_cc_first_window(struct tcp_conn *conn);                    /* RFC 6928 */
void     tcp_cc_slow_start(struct tcp_conn *conn, uint32_t bytes);      /* RFC 3465 */
void     tcp_cc_restart(struct tcp_conn *conn, uint32_t idle_ms);       /* RFC 2861, 5681 */
uint32_t tcp_cc_at_least(const struct tcp_conn *conn, uint64_t window); /* two segments */
