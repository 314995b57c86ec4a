/* Acknowledgements: what they free, what they measure, and to whom their news are told (RFC 9293,
 * 5681, 6298). */
#include "tcp/segment.h"
#include "tcp/trace.h"

#define CONFIRM_MS 1000u /* progress tells the network layer that the next hop lives, so often */

void tcp_ack_measure(const struct tcp *tcp, struct tcp_conn *conn, uint32_t rtt_us, bool anew)
{
	uint32_t delta, rto_us, least_us = tcp->rto_min_ms * (uint32_t)US_PER_MS;

	if (!(conn->flags & TCP_FLAG_RTT_KNOWN) || anew) {
		conn->flags |= TCP_FLAG_RTT_KNOWN;
		conn->srtt_us = rtt_us;
		conn->rttvar_us = rtt_us / 2;
	} else {
		delta = conn->srtt_us > rtt_us ? conn->srtt_us - rtt_us : rtt_us - conn->srtt_us;
		conn->rttvar_us = conn->rttvar_us - conn->rttvar_us / 4 + delta / 4;
		conn->srtt_us = conn->srtt_us - conn->srtt_us / 8 + rtt_us / 8;
	}
	/* A peer may sit on an acknowledgement for as long as a round trip never shows. */
	rto_us = 4 * conn->rttvar_us;
	if (rto_us < least_us)
		rto_us = least_us;
	conn->rto_ms = (conn->srtt_us + rto_us + US_PER_MS - 1) / (uint32_t)US_PER_MS;
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
static void free_acked(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		       struct tcp_news *news)
{
	while (conn->chunk_head != conn->chunk_next) {
		uint32_t          index = conn->chunk_head;
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);
		uint32_t          part = segment->ack - chunk->seq;

		if (!seq_after(segment->ack, chunk->seq))
			break;
		if (part < tcp_chunk_space(chunk)) {
			tcp_sack_trim(conn, chunk, part);
			break;
		}
		if (chunk->len > conn->mss_proven)
			conn->mss_proven = chunk->len;
		if (!(chunk->flags & TCP_CHUNK_SACKED))
			tcp_rack_delivered(tcp, conn, chunk, segment, news);
		tcp_sack_forget(tcp, conn, index);
		tcp_queue_drop_head(tcp, conn);
	}
}

/* An echo names the very transmission, so Karn's doubt does not arise; but it is coarse. */
static void clock_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		       const struct tcp_news *news)
{
	uint32_t rtt_us = news->rtt_us, rtt_ms;

	if (rtt_us != UINT32_MAX) {
		tcp_rack_min_rtt(tcp, conn, rtt_us);
		if (tcp_rack_is_lone(conn, news->flight))
			tcp_rack_lone_acked(conn, rtt_us);
	} else if (news->acked > 0 && conn->flags & TCP_FLAG_TIMESTAMPS && segment->has_timestamp) {
		rtt_ms = tcp->now_ms + conn->ts_offset - segment->ts_echo;
		if (rtt_ms >= TCP_RTO_MAX_MS)
			return;
		rtt_us = rtt_ms * (uint32_t)US_PER_MS;
	} else {
		return;
	}
	tcp_ack_measure(tcp, conn, rtt_us, news->spurious && rtt_us > conn->srtt_us);
}

static void advance(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		    struct tcp_news *news)
{
	news->acked = segment->ack - conn->snd_una;
	news->limited = news->flight + 2u * conn->mss > conn->cwnd ||
			(conn->cwnd < conn->ssthresh && 2 * news->flight >= conn->cwnd);
	if (tcp_pmtu_waits(conn))
		tcp_pmtu_acked(tcp, conn, segment->ack);
	free_acked(tcp, conn, segment, news);
	conn->snd_una = segment->ack;
	conn->flags &= ~(uint32_t)TCP_FLAG_UNREACHABLE;
	conn->duplicates = 0;
	/* Without SACK one filled the hole, and duplicates stood for the rest. */
	if (!(conn->flags & TCP_FLAG_SACK)) {
		uint32_t known = news->acked > conn->mss ? news->acked - conn->mss : 0;

		conn->sacked -= known < conn->sacked ? known : conn->sacked;
	}
	if ((uint16_t)(tcp->now_ms / CONFIRM_MS) != conn->confirmed_s) {
		conn->confirmed_s = (uint16_t)(tcp->now_ms / CONFIRM_MS);
		net_path_confirm(tcp->net, tcp->now, &conn->path);
	}
	if (conn->flags & TCP_FLAG_WANT_WRITE &&
	    conn->snd_end - conn->snd_una <= conn->send_max / 2 &&
	    conn->chunks <= TCP_CHUNKS_MAX / 2) {
		conn->flags &= ~(uint32_t)TCP_FLAG_WANT_WRITE;
		tcp_conn_event(tcp, conn, TCP_EVENT_WRITABLE);
	}
}

static void timers_follow(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->snd_una != conn->snd_nxt) {
		tcp_timer_set(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_ack_rto_ms(conn));
		tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, conn->user_timeout_s * 1000u);
	} else {
		tcp_timer_clear(conn, TCP_TIMER_RETRANSMIT);
		tcp_timer_clear(conn, TCP_TIMER_GIVE_UP);
	}
}

/* Without SACK each duplicate stands for a segment that left the network; at least one byte is
 * still missing. */
static void sacked_virtually(struct tcp_conn *conn, struct tcp_news *news)
{
	uint32_t flight = conn->snd_nxt - conn->snd_una;
	uint32_t most = flight > conn->mss ? flight - conn->mss : 0;
	uint32_t bytes = conn->sacked + conn->mss;

	if (conn->duplicates < UINT8_MAX)
		conn->duplicates++;
	conn->sacked = bytes < most ? bytes : most;
	news->sacked = true;
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

/* Nothing but a number that is known already (RFC 5681, 2, but for the flight). */
static bool is_duplicate(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
	return segment->ack == conn->snd_una && segment->len == 0 &&
	       !(segment->flags & (TCP_SYN | TCP_FIN)) &&
	       (uint32_t)segment->window << conn->snd_scale == conn->snd_wnd;
}

/* In order, with nothing missing, there is nothing to tell. */
static bool recovery_cares(const struct tcp_conn *conn, const struct tcp_news *news)
{
	return conn->flags & (TCP_FLAG_RECOVERY | TCP_FLAG_LOSS | TCP_FLAG_PROBED) ||
	       conn->sacked > 0 || news->sacked || news->dsack > 0 || conn->again_head != TCP_NONE;
}

static void news_tell(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		      struct tcp_news *news)
{
	bool recovering = (conn->flags & TCP_FLAG_RECOVERY) != 0;

	if (recovery_cares(conn, news))
		tcp_recover_ack(tcp, conn, segment, news);
	clock_take(tcp, conn, segment, news);
	if (news->acked > 0) {
		if (!recovering && !(conn->flags & (TCP_FLAG_RECOVERY | TCP_FLAG_DOUBT_SENT)))
			tcp_cc[conn->cc]->acked(conn, news, tcp->now_ms);
		timers_follow(tcp, conn);
	}
	if (conn->snd_una == conn->snd_nxt)
		tcp_timer_clear(conn, TCP_TIMER_PROBE);
	else if (news->delivered > 0)
		tcp_rack_probe_arm(tcp, conn);
}

static void ack_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	struct tcp_news news = {.rtt_us = UINT32_MAX, .flight = conn->snd_nxt - conn->snd_una};
	uint32_t        sacked = conn->sacked;

	tcp->walked = 0;
	news.duplicate = is_duplicate(conn, segment);
	if (seq_after(segment->ack, conn->snd_una))
		advance(tcp, conn, segment, &news);
	if (!seq_before(segment->ack, conn->snd_una))
		window_take(tcp, conn, segment);
	if (conn->flags & TCP_FLAG_SACK && segment->sack_count > 0) {
		tcp_sack_dsack(conn, segment, &news);
		tcp_sack_take(tcp, conn, segment, &news);
	} else if (news.duplicate && news.flight > 0 && !(conn->flags & TCP_FLAG_SACK)) {
		sacked_virtually(conn, &news);
	}
	news.delivered = news.acked + conn->sacked - sacked;
	news_tell(tcp, conn, segment, &news);
	ASSERT_HOT(tcp->walked <= TCP_WALK_MAX);
}

/* Of one that only receives: nothing is on the way, so there is nothing to acknowledge. */
static bool says_nothing(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
	return segment->ack == conn->snd_nxt && conn->snd_una == conn->snd_nxt &&
	       segment->sack_count == 0 && !(conn->flags & TCP_FLAG_PROBED);
}

/* A peer that answers with a closed window keeps its connection (RFC 1122, 4.2.2.17), also when it
 * closed before what is on the way; unless nobody is here any more. */
static void closed_window_lives(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->flags & TCP_FLAG_APP_CLOSED)
		return;
	if (tcp_timer_armed(conn, TCP_TIMER_PERSIST))
		tcp_timer_clear(conn, TCP_TIMER_GIVE_UP);
	else if (conn->snd_wnd == 0 && tcp_timer_armed(conn, TCP_TIMER_GIVE_UP))
		tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, conn->user_timeout_s * 1000u);
}

bool tcp_ack_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	if (seq_after(segment->ack, conn->snd_nxt) ||
	    seq_before(segment->ack, conn->snd_una - conn->snd_wnd_max)) {
		metric_inc(tcp->metrics, METRIC_tcp_blind_acks);
		tcp_output_challenge(tcp, conn); /* RFC 5961, 5.2 */
		return false;
	}
	if (says_nothing(conn, segment))
		window_take(tcp, conn, segment);
	else
		ack_take(tcp, conn, segment);
	closed_window_lives(tcp, conn);
	if (conn->snd_una != conn->snd_end)
		tcp_conn_touch(tcp, conn);
	return true;
}
