/*
 * Recovery: it begins when something is found lost, by acknowledgements or by time, and lasts until
 * all that was on the way then is acknowledged. Meanwhile sending is paced by what arrives (RFC
 * 6937). When it turns out that nothing was lost (RFC 3522, 2883, 5682), what congestion control
 * did is undone (RFC 4015): detection alone would let the window fall with each reordering.
 */
#include "tcp/segment.h"
#include "tcp/trace.h"

#define IN_RECOVERY (TCP_FLAG_RECOVERY | TCP_FLAG_LOSS)
#define DOUBTS (TCP_FLAG_DOUBT | TCP_FLAG_DOUBT_SENT)

/* What one loss after another did is undone together. */
static void undo_note(struct tcp_conn *conn)
{
	if (conn->flags & IN_RECOVERY)
		return;
	conn->undo_cwnd = conn->cwnd;
	conn->undo_ssthresh = conn->ssthresh;
	if (!(conn->flags & TCP_FLAG_PROBED_OLD)) /* the probe of the tail was such a repetition */
		conn->undo_bytes = 0;
	conn->flags |= TCP_FLAG_UNDO;
}

/* What cwnd allowed is `used`; congestion control sets ssthresh by it. */
static void reduce(struct tcp *tcp, struct tcp_conn *conn, uint32_t used)
{
	conn->recover = conn->snd_nxt;
	conn->prr_flight = conn->snd_nxt - conn->snd_una;
	conn->prr_delivered = conn->prr_out = 0;
	conn->reductions++;
	conn->flags &= ~(uint32_t)(TCP_FLAG_PROBED | TCP_FLAG_PROBED_OLD | TCP_FLAG_LOSS | DOUBTS);
	conn->flags |= TCP_FLAG_RECOVERY | TCP_FLAG_RESCUE;
	tcp_timer_clear(conn, TCP_TIMER_PROBE);
	tcp_cc[conn->cc]->lost(conn, used);
	tcp_trace_event(tcp, conn, TCP_TRACE_LOSS, conn->lost, conn->cwnd);
}

static void recovery_begin(struct tcp *tcp, struct tcp_conn *conn)
{
	undo_note(conn);
	reduce(tcp, conn, conn->snd_nxt - conn->snd_una);
	metric_inc(tcp->metrics, METRIC_tcp_fast_retransmits);
}

/* What was sent again is lost again, though the window had been reduced before it was sent: a
 * second indication of congestion (RFC 5681, 4.3). What else of that window is lost is part of it,
 * so this is done once a round trip. */
static void recovery_again(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->flags & TCP_FLAG_RECOVERY)
		conn->cwnd = conn->ssthresh; /* where it was led; until now it was what is paced */
	reduce(tcp, conn, conn->cwnd);
	metric_inc(tcp->metrics, METRIC_tcp_lost_again);
}

static void recovery_end(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->flags & TCP_FLAG_RECOVERY)
		conn->cwnd = conn->ssthresh;
	conn->flags &= ~(uint32_t)(IN_RECOVERY | DOUBTS | TCP_FLAG_RESCUE);
	tcp_rack_recovered(conn);
	tcp_trace_event(tcp, conn, TCP_TRACE_RECOVERED, conn->snd_una - conn->iss, conn->cwnd);
}

static void undo(struct tcp *tcp, struct tcp_conn *conn)
{
	conn->flags &= ~(uint32_t)(IN_RECOVERY | DOUBTS | TCP_FLAG_RESCUE | TCP_FLAG_UNDO);
	if (conn->cwnd < conn->undo_cwnd)
		conn->cwnd = conn->undo_cwnd;
	if (conn->ssthresh < conn->undo_ssthresh)
		conn->ssthresh = conn->undo_ssthresh;
	tcp_cc[conn->cc]->undo(conn);
	tcp_sack_unlose(tcp, conn);
	conn->backoff = 0;
	conn->duplicates = 0;
	metric_inc(tcp->metrics, METRIC_tcp_undone);
	tcp_trace_event(tcp, conn, TCP_TRACE_RECOVERED, conn->snd_una - conn->iss, conn->cwnd);
}

/* Eifel (RFC 3522): what filled the first hole had left before anything was sent again. */
static bool echo_is_older(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
	return conn->flags & TCP_FLAG_TIMESTAMPS && segment->has_timestamp &&
	       conn->undo_bytes > 0 &&
	       seq_before(segment->ts_echo, conn->undo_ms + conn->ts_offset);
}

/* RFC 2883, 3708: all that was sent again had arrived already. */
static bool all_came_twice(struct tcp_conn *conn, const struct tcp_segment *segment, uint32_t dsack)
{
	uint32_t end = segment->sack[0][1];

	if (conn->undo_bytes == 0 || seq_after(end, conn->recover) ||
	    !seq_after(end, conn->recover - conn->prr_flight))
		return false;
	conn->undo_bytes -= dsack < conn->undo_bytes ? dsack : conn->undo_bytes;
	return conn->undo_bytes == 0;
}

static bool new_data_waits(const struct tcp *tcp, const struct tcp_conn *conn)
{
	return conn->chunk_next != TCP_NONE &&
	       conn->snd_wnd >=
		       conn->snd_nxt - conn->snd_una + tcp_chunk_at(tcp, conn->chunk_next)->len;
}

/*
 * F-RTO (RFC 5682, 3.1). After a timeout only the first piece was sent again. When the answer to it
 * moves on, new data goes instead of what seems lost; if then something arrives that was sent
 * before the timeout, and not again, the timeout was wrong. true: so it is.
 */
static bool doubt_settled(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_news *news)
{
	if (conn->flags & TCP_FLAG_DOUBT) {
		if (news->acked == 0)
			return false;
		conn->flags &= ~(uint32_t)TCP_FLAG_DOUBT;
		if (seq_before(conn->snd_una, conn->recover) && new_data_waits(tcp, conn)) {
			conn->flags |= TCP_FLAG_DOUBT_SENT;
			conn->cwnd = tcp_conn_pipe(conn) + 2u * conn->mss;
		}
		return false;
	}
	if (news->acked == 0 && !news->sacked && !news->duplicate)
		return false;
	conn->flags &= ~(uint32_t)TCP_FLAG_DOUBT_SENT;
	if ((news->acked > 0 || (news->sacked && conn->flags & TCP_FLAG_SACK)) &&
	    !seq_after(conn->rack_fack, conn->recover))
		return true;
	if (conn->cwnd > 3u * conn->mss)
		conn->cwnd = 3u * conn->mss;
	return false;
}

/* RFC 6937, with the bound that grows only while nothing more is lost and the holes are filled. */
static void pace(struct tcp_conn *conn, const struct tcp_news *news)
{
	uint32_t pipe = tcp_conn_pipe(conn), may = 0, room;

	conn->prr_delivered += news->delivered;
	if (pipe > conn->ssthresh) {
		uint64_t share =
			((uint64_t)conn->prr_delivered * conn->ssthresh + conn->prr_flight - 1) /
			conn->prr_flight;

		may = share > conn->prr_out ? (uint32_t)(share - conn->prr_out) : 0;
	} else {
		room = conn->ssthresh - pipe;
		may = conn->prr_delivered > conn->prr_out ? conn->prr_delivered - conn->prr_out : 0;
		if (news->acked > 0 && news->lost == 0)
			may = (may > news->delivered ? may : news->delivered) + conn->mss;
		may = may < room ? may : room;
	}
	conn->cwnd = pipe + may;
}

/* Without SACK three duplicates, or in recovery an acknowledgement of a part, tell of the first
 * piece only (RFC 6582, 3.2). */
static uint32_t first_lost(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_news *news)
{
	bool partial = conn->flags & TCP_FLAG_RECOVERY && news->acked > 0;
	bool third = conn->duplicates >= 3 && !(conn->flags & IN_RECOVERY) &&
		     conn->snd_una != conn->recover;

	if (conn->chunk_head == conn->chunk_next || (!partial && !third))
		return 0;
	tcp_sack_lose(tcp, conn, conn->chunk_head, TCP_NONE);
	conn->flags |= TCP_FLAG_RESCUE;
	return tcp_chunk_space(tcp_chunk_at(tcp, conn->chunk_head));
}

static void settle(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		   struct tcp_news *news)
{
	if (news->dsack > 0) {
		metric_inc(tcp->metrics, METRIC_tcp_dsacks_in);
		tcp_rack_dsack(conn);
		if (conn->flags & TCP_FLAG_UNDO && all_came_twice(conn, segment, news->dsack))
			undo(tcp, conn);
	}
	if (conn->flags & IN_RECOVERY && conn->flags & TCP_FLAG_UNDO && news->acked > 0 &&
	    echo_is_older(conn, segment)) {
		news->spurious = (conn->flags & TCP_FLAG_LOSS) != 0;
		conn->flags |= TCP_FLAG_REORDERING;
		undo(tcp, conn);
	}
	if (conn->flags & DOUBTS && doubt_settled(tcp, conn, news)) {
		news->spurious = true;
		undo(tcp, conn);
	}
	if (conn->flags & IN_RECOVERY && !seq_before(conn->snd_una, conn->recover))
		recovery_end(tcp, conn);
}

void tcp_recover_ack(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		     struct tcp_news *news)
{
	bool was_in = (conn->flags & IN_RECOVERY) != 0, again = false;

	if (conn->flags & TCP_FLAG_PROBED)
		tcp_rack_probe_ack(tcp, conn, segment, news);
	settle(tcp, conn, segment, news);
	news->lost = conn->flags & TCP_FLAG_SACK ? tcp_rack_find_lost(tcp, conn, &again)
						 : first_lost(tcp, conn, news);
	/* What was found lost while the last recovery went on belongs to the next. (What was too
	 * large for the path is no loss.) */
	if ((news->lost > 0 || (was_in && conn->lost > 0)) && !(conn->flags & IN_RECOVERY))
		recovery_begin(tcp, conn);
	else if (again)
		recovery_again(tcp, conn);
	if (conn->flags & TCP_FLAG_RECOVERY)
		pace(conn, news);
}

void tcp_recover_lost(struct tcp *tcp, struct tcp_conn *conn, bool again)
{
	const struct tcp_news nothing = {.lost = conn->lost};

	if (!(conn->flags & IN_RECOVERY))
		recovery_begin(tcp, conn);
	else if (again)
		recovery_again(tcp, conn);
	if (conn->flags & TCP_FLAG_RECOVERY)
		pace(conn, &nothing);
	tcp_conn_touch(tcp, conn);
}

/* All in flight that is not known to have arrived is to go again, as slowly as at the start (RFC
 * 6298, 5.4 to 5.6; RFC 6675, 5.1). */
void tcp_recover_timeout(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t flight = conn->snd_nxt - conn->snd_una, flags = TCP_FLAG_LOSS | TCP_FLAG_RESCUE;
	bool     first = !(conn->flags & IN_RECOVERY);

	/* A doubt makes sense as long as nothing but the first piece was sent again. */
	if ((first || conn->flags & TCP_FLAG_DOUBT) && !tcp_pmtu_waits(conn) &&
	    tcp_state_synchronized(conn->state))
		flags |= TCP_FLAG_DOUBT;
	undo_note(conn);
	if (conn->mss > 0)
		tcp_cc[conn->cc]->timed_out(conn, flight);
	tcp_sack_lose_all(tcp, conn);
	conn->flags &=
		~(uint32_t)(TCP_FLAG_RECOVERY | DOUBTS | TCP_FLAG_PROBED | TCP_FLAG_PROBED_OLD);
	conn->flags |= flags;
	conn->recover = conn->snd_nxt;
	conn->prr_flight = flight;
	conn->reductions++;
	conn->duplicates = 0;
	tcp_timer_clear(conn, TCP_TIMER_PROBE);
	tcp_timer_clear(conn, TCP_TIMER_REORDER);
}

void tcp_recover_sent(struct tcp *tcp, struct tcp_conn *conn, uint32_t bytes, bool again)
{
	if (again) {
		if (conn->undo_bytes == 0)
			conn->undo_ms = tcp->now_ms;
		conn->undo_bytes += bytes;
	}
	if (conn->flags & TCP_FLAG_RECOVERY)
		conn->prr_out += bytes;
}
