/*
 * Loss found by time (RFC 8985): what was sent clearly before something that has arrived, and has
 * not arrived itself, is lost. How much before is the reordering window, which adapts to the path;
 * what is still inside it is looked at again when its time is over. At the tail nothing follows
 * that could arrive, so a probe is sent.
 *
 * Each piece is judged once for each time it was sent: conn->chunk_rack divides those that were
 * sent once, the list of those sent again loses its head. So the work is that of sending.
 */
#include <string.h>

#include "tcp/segment.h"
#include "tcp/trace.h"

#define MIN_RTT_WINDOW_MS 10000u
#define WINDOW_MIN_US                                                                              \
	50u           /* below it, the grain of our turns and of the peer's looks like reordering */
#define DUPLICATES 3u /* so much after a hole is a loss where no reordering was ever seen */
#define STEPS_MAX 100u
#define ROUNDS 16u /* recoveries without a sign of reordering until the window is small again */
#define SOON_US (2u * (uint32_t)US_PER_MS)
#define ACK_DELAY_MS                                                                               \
	200u /* a lone segment may be acknowledged so late (RFC 1122, 4.2.3.2, and practice) */
#define PROMPT_ENOUGH 8u /* unless so many of this peer's were not, by more than that: */
#define PROMPT_MS 50u    /* beyond the delay of most, as it begins where a stream ends */

void tcp_rack_min_rtt(struct tcp *tcp, struct tcp_conn *conn, uint32_t rtt_us)
{
	if (!(conn->flags & TCP_FLAG_RTT_KNOWN) || rtt_us <= conn->min_rtt_us ||
	    tcp->now_ms - conn->min_ms > MIN_RTT_WINDOW_MS) {
		conn->min_rtt_us = rtt_us;
		conn->min_ms = tcp->now_ms;
	}
}

/* Was it the first transmission that arrived, when there were several? Then its time is unknown. */
static bool arrived_early(const struct tcp *tcp, const struct tcp_conn *conn,
			  const struct tcp_chunk *chunk, const struct tcp_segment *segment,
			  uint32_t age_us)
{
	if (conn->flags & TCP_FLAG_TIMESTAMPS && segment->has_timestamp &&
	    seq_before(segment->ts_echo,
		       (uint32_t)((tcp->now.us - age_us) / US_PER_MS) + conn->ts_offset))
		return true;
	return age_us < conn->min_rtt_us;
}

/* RFC 8985, 6.2, steps 2 and 3. */
void tcp_rack_delivered(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_chunk *chunk,
			const struct tcp_segment *segment, struct tcp_news *news)
{
	uint32_t end = chunk->seq + tcp_chunk_space(chunk);
	uint32_t age_us = (uint32_t)tcp->now.us - chunk->sent_us;

	if (!(conn->flags & TCP_FLAG_RACK)) {
		conn->flags |= TCP_FLAG_RACK;
		conn->rack_sent_us = chunk->sent_us;
		conn->rack_end = conn->rack_fack = end;
	}
	if (chunk->sent == 1) {
		news->rtt_us = age_us; /* Karn: never of what was sent twice */
		if (seq_before(end, conn->rack_fack))
			conn->flags |= TCP_FLAG_REORDERING;
	} else if (arrived_early(tcp, conn, chunk, segment, age_us)) {
		return;
	}
	conn->rack_fack = seq_max(conn->rack_fack, end);
	conn->rack_rtt_us = age_us;
	if (seq_after(chunk->sent_us, conn->rack_sent_us) ||
	    (chunk->sent_us == conn->rack_sent_us && seq_after(end, conn->rack_end))) {
		conn->rack_sent_us = chunk->sent_us;
		conn->rack_end = end;
	}
}

/* RFC 8985, 6.2, step 4: a duplicate says that the window was too small. Once a round trip. */
void tcp_rack_dsack(struct tcp_conn *conn)
{
	if (conn->flags & TCP_FLAG_DSACK_ROUND && !seq_before(conn->snd_una, conn->dsack_round))
		conn->flags &= ~(uint32_t)TCP_FLAG_DSACK_ROUND;
	if (conn->flags & TCP_FLAG_DSACK_ROUND)
		return;
	conn->flags |= TCP_FLAG_DSACK_ROUND;
	conn->dsack_round = conn->snd_nxt;
	conn->reorder_rounds = ROUNDS;
	if (conn->reorder_steps < STEPS_MAX)
		conn->reorder_steps++;
}

void tcp_rack_recovered(struct tcp_conn *conn)
{
	if (conn->reorder_rounds > 0 && --conn->reorder_rounds == 0)
		conn->reorder_steps = 1;
}

static uint32_t reorder_window_us(const struct tcp_conn *conn)
{
	uint32_t window_us = conn->min_rtt_us / 4 * conn->reorder_steps;

	if (!(conn->flags & TCP_FLAG_REORDERING) &&
	    (conn->flags & (TCP_FLAG_RECOVERY | TCP_FLAG_LOSS) ||
	     conn->sacked_pieces >= DUPLICATES))
		return 0;
	if (window_us > conn->srtt_us)
		window_us = conn->srtt_us;
	return window_us > WINDOW_MIN_US ? window_us : WINDOW_MIN_US;
}

/* Is it to be judged by what has arrived, and how long may it still take? */
static bool overtaken(const struct tcp *tcp, const struct tcp_conn *conn,
		      const struct tcp_chunk *chunk, uint32_t window_us, int32_t *left_us)
{
	if (seq_after(chunk->sent_us, conn->rack_sent_us) ||
	    (chunk->sent_us == conn->rack_sent_us &&
	     !seq_before(chunk->seq + tcp_chunk_space(chunk), conn->rack_end)))
		return false;
	*left_us =
		(int32_t)(chunk->sent_us + conn->rack_rtt_us + window_us - (uint32_t)tcp->now.us);
	return true;
}

/* What was sent again, oldest transmission first: lost anew, it goes before all that waits. */
static int32_t judge_again(struct tcp *tcp, struct tcp_conn *conn, uint32_t window_us, bool *again)
{
	uint32_t before = conn->lost_head;
	bool     first = true;

	while (conn->again_head != TCP_NONE) {
		uint32_t index = conn->again_head;
		int32_t  left_us;

		tcp->walked++;
		if (!overtaken(tcp, conn, tcp_chunk_at(tcp, index), window_us, &left_us))
			break;
		if (left_us > 0)
			return left_us;
		*again |= tcp_chunk_at(tcp, index)->reductions == conn->reductions;
		tcp_sack_lose(tcp, conn, index, before);
		if (first)
			conn->lost_head = index;
		first = false;
	}
	return INT32_MAX;
}

/* What was sent once, in the order of numbers, which is that of time. */
static int32_t judge_once(struct tcp *tcp, struct tcp_conn *conn, uint32_t window_us)
{
	const uint8_t marks = TCP_CHUNK_SACKED | TCP_CHUNK_LOST | TCP_CHUNK_AGAIN;
	uint32_t      c = conn->chunk_rack != TCP_NONE ? tcp_chunk_at(tcp, conn->chunk_rack)->next
						       : conn->chunk_head;

	while (c != conn->chunk_next) {
		const struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);
		int32_t                 left_us;

		tcp->walked++;
		if (!(chunk->flags & marks)) {
			if (!overtaken(tcp, conn, chunk, window_us, &left_us))
				break;
			if (left_us > 0)
				return left_us;
			tcp_sack_lose(tcp, conn, c, TCP_NONE);
		}
		conn->chunk_rack = c;
		c = chunk->next;
	}
	return INT32_MAX;
}

static void wait_for(struct tcp *tcp, struct tcp_conn *conn, int32_t left_us)
{
	if (left_us == INT32_MAX) {
		conn->flags &= ~(uint32_t)TCP_FLAG_SOON;
		tcp_timer_clear(conn, TCP_TIMER_REORDER);
	} else if ((uint32_t)left_us >= SOON_US || tcp->soon_count == TCP_SOON_MAX) {
		tcp_timer_set(tcp, conn, TCP_TIMER_REORDER,
			      (uint32_t)left_us / (uint32_t)US_PER_MS + 1);
	} else if (!(conn->flags & TCP_FLAG_SOON)) { /* else it is looked at soon anyway */
		conn->flags |= TCP_FLAG_SOON;
		tcp->soon[tcp->soon_count++] =
			(struct tcp_soon){.conn = tcp_conn_index(tcp, conn),
					  .due_us = (uint32_t)tcp->now.us + (uint32_t)left_us};
	}
}

/* RFC 8985, 6.2, step 5. */
uint32_t tcp_rack_find_lost(struct tcp *tcp, struct tcp_conn *conn, bool *again)
{
	uint32_t before = conn->lost, window_us;
	int32_t  again_us, once_us;

	if (!(conn->flags & TCP_FLAG_RACK))
		return 0;
	window_us = reorder_window_us(conn);
	again_us = judge_again(tcp, conn, window_us, again);
	once_us = judge_once(tcp, conn, window_us);
	wait_for(tcp, conn, again_us < once_us ? again_us : once_us);
	return conn->lost - before;
}

void tcp_rack_reordered(struct tcp *tcp, struct tcp_conn *conn)
{
	bool again = false;

	if (conn->flags & TCP_FLAG_SACK && tcp_rack_find_lost(tcp, conn, &again) > 0)
		tcp_recover_lost(tcp, conn, again);
}

uint64_t tcp_rack_run(struct tcp *tcp)
{
	struct tcp_soon was[TCP_SOON_MAX];
	unsigned        n = tcp->soon_count;
	uint64_t        next_us = UINT64_MAX;

	memcpy(was, tcp->soon, n * sizeof(was[0]));
	tcp->soon_count = 0;
	for (unsigned i = 0; i < n; i++) {
		struct tcp_conn *conn = tcp_conn_at(tcp, was[i].conn);

		if (!(conn->flags & TCP_FLAG_SOON) || conn->state == TCP_CLOSED)
			continue;
		if (seq_after(was[i].due_us, (uint32_t)tcp->now.us)) {
			tcp->soon[tcp->soon_count++] = was[i];
			continue;
		}
		conn->flags &= ~(uint32_t)TCP_FLAG_SOON;
		tcp_rack_reordered(tcp, conn);
	}
	for (unsigned i = 0; i < tcp->soon_count; i++) {
		int32_t  left_us = (int32_t)(tcp->soon[i].due_us - (uint32_t)tcp->now.us);
		uint64_t due_us = tcp->now.us + (left_us > 0 ? (uint32_t)left_us : 0);

		next_us = due_us < next_us ? due_us : next_us;
	}
	return next_us;
}

static bool may_probe(const struct tcp_conn *conn)
{
	const uint32_t mask = TCP_FLAG_SACK | TCP_FLAG_RECOVERY | TCP_FLAG_LOSS | TCP_FLAG_PROBED;

	return conn->snd_una != conn->snd_nxt && !tcp_pmtu_waits(conn) && conn->sacked == 0 &&
	       conn->lost == 0 && (conn->flags & mask) == TCP_FLAG_SACK &&
	       tcp_state_synchronized(conn->state);
}

/* How late the peer's acknowledgement of a lone segment is, beyond two round trips. */
static uint32_t prompt_us(const struct tcp_conn *conn)
{
	return 4 * conn->rttvar_us + PROMPT_MS * (uint32_t)US_PER_MS;
}

void tcp_rack_lone_acked(struct tcp_conn *conn, uint32_t rtt_us)
{
	if (!(conn->flags & TCP_FLAG_RTT_KNOWN))
		return;
	if (rtt_us > 2 * conn->srtt_us + prompt_us(conn))
		conn->prompt = 0;
	else if (conn->prompt < PROMPT_ENOUGH)
		conn->prompt++;
}

/* RFC 8985, 7.2: the budget for the peer's delay is what a peer may take, until it has shown that
 * it answers at once, as it does where each request has its response. If it was wrong, the probe
 * came twice, which costs that segment and some of the belief. */
static uint32_t ack_delay_ms(const struct tcp *tcp, const struct tcp_conn *conn)
{
	uint32_t most_ms = tcp->rto_min_ms < ACK_DELAY_MS ? tcp->rto_min_ms : ACK_DELAY_MS;
	uint32_t prompt_ms = prompt_us(conn) / (uint32_t)US_PER_MS;

	return conn->prompt == PROMPT_ENOUGH && prompt_ms < most_ms ? prompt_ms : most_ms;
}

/* RFC 8985, 7.2. A peer may wait with its acknowledgement for a second full segment. The probe that
 * would be due with the retransmission timer has no timer of its own: that one sends it. */
void tcp_rack_probe_arm(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t after_ms = TCP_RTO_FIRST_MS;

	if (conn->flags & TCP_FLAG_RTT_KNOWN)
		after_ms = 2 * conn->srtt_us / (uint32_t)US_PER_MS +
			   2; /* ticks: one of it has passed */
	if (tcp_rack_is_lone(conn, conn->snd_nxt - conn->snd_una))
		after_ms += ack_delay_ms(tcp, conn);
	if (!may_probe(conn) || after_ms >= conn->deadline[TCP_TIMER_RETRANSMIT] - tcp->now_ms)
		tcp_timer_clear(conn, TCP_TIMER_PROBE);
	else
		tcp_timer_set(tcp, conn, TCP_TIMER_PROBE, after_ms);
}

bool tcp_rack_probe(struct tcp *tcp, struct tcp_conn *conn)
{
	bool again = false;

	if (!may_probe(conn) || !tcp_output_probe(tcp, conn, &again))
		return false;
	metric_inc(tcp->metrics, METRIC_tcp_tail_probes);
	tcp_trace_event(tcp, conn, TCP_TRACE_TIMER, TCP_TIMER_PROBE, conn->backoff);
	conn->flags |= TCP_FLAG_PROBED | (again ? TCP_FLAG_PROBED_OLD : 0);
	conn->probe_end = conn->snd_nxt;
	tcp_timer_clear(conn, TCP_TIMER_PROBE);
	tcp_timer_set(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_ack_rto_ms(conn));
	return true;
}

/*
 * RFC 8985, 7.4.2: did the probe repair a loss? If it was new data there is nothing to know. If it
 * was a repetition, and nobody says that it came twice, congestion control has to be told.
 */
void tcp_rack_probe_ack(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
			const struct tcp_news *news)
{
	bool old = (conn->flags & TCP_FLAG_PROBED_OLD) != 0;

	if (seq_before(segment->ack, conn->probe_end))
		return;
	if (old && news->dsack == 0 && segment->ack == conn->probe_end && !news->duplicate)
		return; /* the next acknowledgement says more */
	conn->flags &= ~(uint32_t)(TCP_FLAG_PROBED | TCP_FLAG_PROBED_OLD);
	if (old && (news->dsack > 0 || news->duplicate))
		conn->prompt /= 2; /* it may be that its acknowledgement was lost */
	if (old && news->dsack == 0 && seq_after(segment->ack, conn->probe_end)) {
		metric_inc(tcp->metrics, METRIC_tcp_tail_losses);
		tcp_cc[conn->cc]->lost(conn, news->flight);
		conn->cwnd = conn->ssthresh;
	}
}
