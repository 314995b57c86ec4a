/* Acknowledgements: what they free, what they measure, what they say is lost (RFC 9293, 5681, 6298,
 * 6582, 6675). */
#include "tcp/segment.h"
#include "tcp/trace.h"

#define CONFIRM_MS 1000u /* progress tells the network layer that the next hop lives, so often */

void tcp_ack_measure(struct tcp_conn *conn, uint32_t rtt_us)
{
	uint32_t delta, rto_us;

	if (!(conn->flags & TCP_FLAG_RTT_KNOWN)) {
		conn->flags |= TCP_FLAG_RTT_KNOWN;
		conn->srtt_us = rtt_us;
		conn->rttvar_us = rtt_us / 2;
	} else {
		delta = conn->srtt_us > rtt_us ? conn->srtt_us - rtt_us : rtt_us - conn->srtt_us;
		conn->rttvar_us = conn->rttvar_us - conn->rttvar_us / 4 + delta / 4;
		conn->srtt_us = conn->srtt_us - conn->srtt_us / 8 + rtt_us / 8;
	}
	rto_us = 4 * conn->rttvar_us;
	if (rto_us < US_PER_MS)
		rto_us = US_PER_MS; /* the clock's grain */
	conn->rto_ms = (conn->srtt_us + rto_us) / (uint32_t)US_PER_MS + 1;
	if (conn->rto_ms < TCP_RTO_MIN_MS)
		conn->rto_ms = TCP_RTO_MIN_MS;
	if (conn->rto_ms > TCP_RTO_MAX_MS)
		conn->rto_ms = TCP_RTO_MAX_MS;
	conn->backoff = 0;
}

uint32_t tcp_ack_rto_ms(const struct tcp_conn *conn)
{
	uint64_t rto_ms = (uint64_t)conn->rto_ms << (conn->backoff < 16 ? conn->backoff : 16);

	return rto_ms < TCP_RTO_MAX_MS ? (uint32_t)rto_ms : TCP_RTO_MAX_MS;
}

/* Everything before ack has arrived. */
static void free_acked(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	uint32_t ack = segment->ack, rtt_us = UINT32_MAX, now_us = (uint32_t)tcp->now.us;

	while (conn->chunk_head != conn->chunk_next) {
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, conn->chunk_head);
		uint32_t          part = ack - chunk->seq;

		if (!seq_after(ack, chunk->seq))
			break;
		if (chunk->sent == 1 && !(chunk->flags & TCP_CHUNK_SACKED))
			rtt_us = now_us - chunk->sent_us; /* Karn: never of what was sent twice */
		if (part < tcp_chunk_space(chunk)) {
			uint8_t flags = chunk->flags;

			tcp_sack_mark(conn, chunk, 0, TCP_CHUNK_SACKED | TCP_CHUNK_LOST);
			chunk->seq += part;
			chunk->offset = (uint16_t)(chunk->offset + part);
			chunk->len = (uint16_t)(chunk->len - part);
			tcp_sack_mark(conn, chunk, flags & (TCP_CHUNK_SACKED | TCP_CHUNK_LOST), 0);
			break;
		}
		if (chunk->len > conn->mss_proven)
			conn->mss_proven = chunk->len;
		tcp_sack_mark(conn, chunk, 0, TCP_CHUNK_SACKED | TCP_CHUNK_LOST);
		tcp_queue_drop_head(tcp, conn);
	}
	if (rtt_us == UINT32_MAX && conn->flags & TCP_FLAG_TIMESTAMPS && segment->has_timestamp) {
		uint32_t rtt_ms = tcp->now_ms + conn->ts_offset - segment->ts_echo;

		if (rtt_ms < TCP_RTO_MAX_MS) /* an echo names the very transmission, so Karn's doubt
						does not arise */
			rtt_us = rtt_ms * (uint32_t)US_PER_MS;
	}
	if (rtt_us != UINT32_MAX)
		tcp_ack_measure(conn, rtt_us);
}

/* Without SACK each duplicate stands for a segment that left the network; at least one byte is
 * still missing. */
static void sacked_virtually(struct tcp_conn *conn, uint32_t bytes)
{
	uint32_t flight = conn->snd_nxt - conn->snd_una;
	uint32_t most = flight > conn->mss ? flight - conn->mss : 0;

	conn->sacked = bytes < most ? bytes : most;
}

static void recovery_begin(struct tcp *tcp, struct tcp_conn *conn)
{
	conn->recover = conn->snd_nxt;
	conn->flags |= TCP_FLAG_RECOVERY | TCP_FLAG_RESCUE;
	tcp_cc[conn->cc]->lost(conn, conn->snd_nxt - conn->snd_una);
	metric_inc(tcp->metrics, METRIC_tcp_fast_retransmits);
	tcp_trace_event(tcp, conn, TCP_TRACE_LOSS, conn->lost, conn->cwnd);
}

/* In NewReno a partial acknowledgement says that the next piece is missing too (RFC 6582, 3.2). */
static void partial(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->flags & TCP_FLAG_SACK || !(conn->flags & TCP_FLAG_RECOVERY) ||
	    conn->chunk_head == conn->chunk_next)
		return;
	tcp_sack_mark(conn, tcp_chunk_at(tcp, conn->chunk_head), TCP_CHUNK_LOST,
		      TCP_CHUNK_RETRANSMITTED);
	conn->flags |= TCP_FLAG_RESCUE;
}

static void advance(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	uint32_t ack = segment->ack, bytes = ack - conn->snd_una,
		 flight = conn->snd_nxt - conn->snd_una;
	bool limited = flight + 2u * conn->mss > conn->cwnd ||
		       (conn->cwnd < conn->ssthresh && 2 * flight >= conn->cwnd);
	bool recovering = (conn->flags & TCP_FLAG_RECOVERY) != 0;

	if (!(conn->flags & TCP_FLAG_SACK))
		conn->sacked = 0; /* the sum of the real marks, of which there are none */
	if (tcp_pmtu_waits(conn))
		tcp_pmtu_acked(tcp, conn, ack);
	free_acked(tcp, conn, segment);
	conn->snd_una = ack;
	conn->flags &= ~(uint32_t)TCP_FLAG_UNREACHABLE;
	if (tcp->now_ms - conn->confirmed_ms >= CONFIRM_MS) {
		conn->confirmed_ms = tcp->now_ms;
		net_path_confirm(tcp->net, tcp->now, &conn->path);
	}
	conn->duplicates = 0;
	if (conn->flags & (TCP_FLAG_RECOVERY | TCP_FLAG_LOSS)) {
		if (!seq_before(ack, conn->recover)) {
			conn->flags &= ~(uint32_t)(TCP_FLAG_RECOVERY | TCP_FLAG_LOSS);
			tcp_trace_event(tcp, conn, TCP_TRACE_RECOVERED, ack - conn->iss,
					conn->cwnd);
		} else {
			partial(tcp, conn);
		}
	}
	if (limited && !recovering)
		tcp_cc[conn->cc]->acked(conn, bytes);
	if (conn->flags & TCP_FLAG_WANT_WRITE &&
	    conn->snd_end - conn->snd_una <= conn->send_max / 2 &&
	    conn->chunks <= TCP_CHUNKS_MAX / 2) {
		conn->flags &= ~(uint32_t)TCP_FLAG_WANT_WRITE;
		tcp_conn_event(tcp, conn, TCP_EVENT_WRITABLE);
	}
	if (conn->snd_una != conn->snd_nxt) {
		tcp_timer_set(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_ack_rto_ms(conn));
		tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, conn->user_timeout_s * 1000u);
	} else {
		tcp_timer_clear(conn, TCP_TIMER_RETRANSMIT);
		tcp_timer_clear(conn, TCP_TIMER_GIVE_UP);
	}
}

/* RFC 9293, 3.10.7.4: the newest word on the window counts. */
static void window_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	if (!seq_before(conn->snd_wl1, segment->seq) &&
	    !(conn->snd_wl1 == segment->seq && !seq_after(conn->snd_wl2, segment->ack)))
		return;
	if ((segment->window == 0) != (conn->snd_wnd == 0))
		tcp_trace_event(tcp, conn, TCP_TRACE_PEER_WINDOW,
				(uint32_t)segment->window << conn->snd_scale,
				conn->snd_nxt - conn->snd_una);
	conn->snd_wnd = (uint32_t)segment->window << conn->snd_scale;
	conn->snd_wl1 = segment->seq;
	conn->snd_wl2 = segment->ack;
	if (conn->snd_wnd > conn->snd_wnd_max)
		conn->snd_wnd_max = conn->snd_wnd;
	if (tcp_timer_armed(conn, TCP_TIMER_PERSIST) && conn->snd_wnd > 0) {
		tcp_timer_clear(conn, TCP_TIMER_PERSIST);
		conn->backoff = 0;
	}
}

static bool is_duplicate(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
	return segment->ack == conn->snd_una && segment->len == 0 &&
	       !(segment->flags & (TCP_SYN | TCP_FIN)) && conn->snd_nxt != conn->snd_una &&
	       (uint32_t)segment->window << conn->snd_scale == conn->snd_wnd;
}

bool tcp_ack_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	bool     duplicate = is_duplicate(conn, segment);
	uint32_t sacked = 0;

	if (seq_after(segment->ack, conn->snd_nxt) ||
	    seq_before(segment->ack, conn->snd_una - conn->snd_wnd_max)) {
		metric_inc(tcp->metrics, METRIC_tcp_blind_acks);
		tcp_output_challenge(tcp, conn); /* RFC 5961, 5.2 */
		return false;
	}
	if (seq_after(segment->ack, conn->snd_una))
		advance(tcp, conn, segment);
	if (!seq_before(segment->ack, conn->snd_una))
		window_take(tcp, conn, segment);
	if (conn->flags & TCP_FLAG_SACK && segment->sack_count > 0) {
		sacked = tcp_sack_take(tcp, conn, segment);
	} else if (duplicate && !(conn->flags & TCP_FLAG_SACK)) {
		if (conn->duplicates < UINT8_MAX)
			conn->duplicates++;
		sacked_virtually(conn, conn->sacked + conn->mss);
		sacked = 1;
	}
	if (sacked > 0 && tcp_sack_find_lost(tcp, conn) &&
	    !(conn->flags & (TCP_FLAG_RECOVERY | TCP_FLAG_LOSS)))
		recovery_begin(tcp, conn);
	/* A peer that answers probes keeps its connection (RFC 1122, 4.2.2.17), unless nobody is
	 * here any more. */
	if (tcp_timer_armed(conn, TCP_TIMER_PERSIST) && !(conn->flags & TCP_FLAG_APP_CLOSED))
		tcp_timer_clear(conn, TCP_TIMER_GIVE_UP);
	if (conn->snd_una != conn->snd_end)
		tcp_conn_touch(tcp, conn);
	return true;
}
