/* Loss, what looks like it, and what follows: RFC 8985, 6937, 3522, 2883, 5682. */
#include "peer.h"

#include "tcp/conn.h"

#define MS US_PER_MS
#define RTT_MS 20u

static const struct tcp_config  plain;
static const struct tcp_options defaults;

struct loss {
	struct peer peer;
	uint32_t    next; /* what the stack sends next */
	uint32_t    ts;   /* the peer's clock */
};

static void loss_send(struct loss *t, struct seg seg)
{
	seg.flags = ACK;
	seg.seq = 1;
	if (seg.has_ts)
		seg.ts = ++t->ts;
	peer_send(&t->peer, seg);
}

static void acked(struct loss *t, uint32_t ack)
{
	loss_send(t, (struct seg){.ack = ack});
}

static void acked_echo(struct loss *t, uint32_t ack, uint32_t echo)
{
	loss_send(t, (struct seg){.ack = ack, .has_ts = true, .echo = echo});
}

static void sacked(struct loss *t, uint32_t ack, uint32_t from, uint32_t to)
{
	loss_send(t, (struct seg){.ack = ack, .sacks = 1, .sack = {{from, to}}});
}

/* Full segments of 1,000 bytes are said to be sent; the number of the first. */
static uint32_t send_segments(struct loss *t, unsigned n)
{
	uint32_t first = t->next;

	peer_write(&t->peer, n * 1000);
	t->next += n * 1000;
	return first;
}

/* A connection whose round trip of rtt_us is known, and nothing on the way. */
static void loss_begin(struct loss *t, uint32_t rtt_us, struct seg opening,
		       const struct tcp_options *options)
{
	memset(t, 0, sizeof(*t));
	opening.mss = opening.has_ts ? 1012 : 1000;
	peer_open_with(&t->peer, &plain, options, opening);
	t->next = 1;
	t->ts = opening.ts;
	for (unsigned i = 0; i < 30; i++) {
		uint32_t echo;

		send_segments(t, 2);
		echo = t->peer.out[t->peer.outs - 1].ts;
		peer_wait(&t->peer, rtt_us);
		if (opening.has_ts)
			acked_echo(t, t->next, echo);
		else
			acked(t, t->next);
		peer_forget(&t->peer);
	}
}

static void begin(struct loss *t)
{
	loss_begin(t, RTT_MS * MS, (struct seg){.sack_ok = true}, &defaults);
}

/* With timestamps. */
static void begin_timed(struct loss *t)
{
	loss_begin(t, RTT_MS * MS, (struct seg){.sack_ok = true, .has_ts = true, .ts = 5},
		   &defaults);
}

static void begin_newreno(struct loss *t)
{
	loss_begin(t, RTT_MS * MS, (struct seg){.sack_ok = true},
		   &(struct tcp_options){.congestion = TCP_CONGESTION_NEWRENO});
}

static struct tcp_info info_of(struct loss *t)
{
	struct tcp_info info;

	assert_true(tcp_info(t->peer.end.tcp, t->peer.conn, &info));
	return info;
}

static const struct tcp_conn *conn_of(struct loss *t)
{
	return tcp_conn_get(t->peer.end.tcp, t->peer.conn);
}

static void end(struct loss *t)
{
	tcp_check(t->peer.end.tcp);
	peer_end(&t->peer);
}

static void what_is_late_by_less_than_a_quarter_round_trip_is_not_sent_again(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	begin(&t);
	s = send_segments(&t, 5);
	peer_forget(&t.peer);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s, s + 1000, s + 2000);
	peer_wait(&t.peer, 4 * MS);
	expect_silence(&t.peer);
	acked(&t, s + 2000);
	acked(&t, s + 5000);
	expect_silence(&t.peer);
	assert_int_equal(info_of(&t).retransmits, 0);
	end(&t);
}

static void what_is_later_is_sent_again_without_a_third_duplicate(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	begin(&t);
	s = send_segments(&t, 3);
	peer_forget(&t.peer);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s, s + 1000, s + 2000);
	peer_wait(&t.peer, 7 * MS);
	expect_segment(&t.peer, ACK, s, 1, 1000);
	expect_silence(&t.peer);
	acked(&t, s + 3000);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 0);
	end(&t);
}

static void on_a_path_of_microseconds_loss_is_found_within_a_tick(void **state)
{
	struct loss t;
	uint32_t    s;
	uint64_t    start_us;

	(void)state;
	loss_begin(&t, 20, (struct seg){.sack_ok = true}, &defaults);
	s = send_segments(&t, 3);
	peer_forget(&t.peer);
	rig_pass(20);
	sacked(&t, s, s + 1000, s + 2000);
	expect_silence(&t.peer);
	start_us = rig_now.us;
	while (t.peer.outs == 0 && rig_now.us - start_us < 1000)
		peer_wait(&t.peer, t.peer.next_us > rig_now.us ? t.peer.next_us - rig_now.us : 1);
	expect_segment(&t.peer, ACK, s, 1, 1000);
	assert_in_range(rig_now.us - start_us, 40, 100);
	acked(&t, s + 3000);
	end(&t);
}

static void
reports_of_duplicates_widen_the_reordering_window_and_16_recoveries_narrow_it(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	begin(&t);
	for (unsigned i = 0; i < 3; i++) { /* three rounds in which it was only late */
		s = send_segments(&t, 3);
		peer_wait(&t.peer, RTT_MS * MS);
		sacked(&t, s, s + 1000, s + 2000);
		peer_wait(&t.peer, 18 * MS);
		sacked(&t, s + 3000, s, s + 1000); /* RFC 2883 */
		peer_forget(&t.peer);
	}
	assert_int_equal(conn_of(&t)->reorder_steps, 4);
	s = send_segments(&t, 3);
	peer_forget(&t.peer);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s, s + 1000, s + 2000);
	peer_wait(&t.peer, 15 * MS);
	expect_silence(&t.peer);
	acked(&t, s + 3000);
	for (unsigned i = 0; i < 16; i++) {
		s = send_segments(&t, 3);
		peer_wait(&t.peer, RTT_MS * MS);
		sacked(&t, s, s + 1000, s + 2000);
		peer_wait(&t.peer, 30 * MS);
		acked(&t, s + 3000);
		peer_forget(&t.peer);
	}
	assert_int_equal(conn_of(&t)->reorder_steps, 1);
	end(&t);
}

static void a_lost_repetition_is_found_by_time_too(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	begin(&t);
	s = send_segments(&t, 8);
	peer_forget(&t.peer);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s, s + 1000, s + 5000);
	expect_segment(&t.peer, ACK, s, 1, 1000);
	peer_wait(&t.peer, MS);
	send_segments(&t, 4);
	sacked(&t, s, s + 1000, s + 8000);
	peer_wait(&t.peer, RTT_MS * MS);
	peer_forget(&t.peer);
	sacked(&t, s, s + 1000, t.next); /* sent after the repetition */
	peer_wait(&t.peer, 6 * MS);
	expect_segment(&t.peer, ACK, s, 1, 1000);
	acked(&t, t.next);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 0);
	end(&t);
}

/* Until the congestion window is twenty segments. */
static void grow(struct loss *t)
{
	while (info_of(t).cwnd < 20000) {
		uint32_t s = send_segments(t, 20);

		for (uint32_t a = s + 2000; a <= t->next; a += 2000)
			acked(t, a);
		peer_forget(&t->peer);
	}
}

/* Two holes were filled in vain: what was sent after has arrived. */
static void lose_repetitions(struct loss *t, uint32_t s)
{
	uint32_t before = s + info_of(t).in_flight;

	send_segments(t, 3);
	peer_wait(&t->peer, RTT_MS * MS);
	peer_forget(&t->peer);
	loss_send(t,
		  (struct seg){.ack = s,
			       .sacks = 2,
			       .sack = {{before, s + info_of(t).in_flight}, {s + 1000, s + 2000}}});
}

static void what_is_lost_again_reduces_the_window_once_a_round_trip(void **state)
{
	struct loss t;
	uint32_t    s, ssthresh;

	(void)state;
	begin_newreno(&t);
	grow(&t);
	s = send_segments(&t, 20);
	peer_wait(&t.peer, RTT_MS * MS);
	peer_forget(&t.peer);
	loss_send(&t, (struct seg){.ack = s,
				   .sacks = 2,
				   .sack = {{s + 3000, s + 20000}, {s + 1000, s + 2000}}});
	expect_segment(&t.peer, ACK, s, 1, 1000);
	expect_segment(&t.peer, ACK, s + 2000, 1, 1000);
	ssthresh = info_of(&t).ssthresh;
	assert_int_equal(ssthresh, 10000);
	for (unsigned round = 0; round < 2; round++) {
		peer_wait(&t.peer, MS);
		lose_repetitions(&t, s);
		expect_segment(&t.peer, ACK, s, 1, 1000); /* the other as the window lets */
		ssthresh /= 2;
		assert_int_equal(info_of(&t).ssthresh, ssthresh);
		assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_lost_again), round + 1);
	}
	acked(&t, s + info_of(&t).in_flight);
	assert_int_equal(info_of(&t).cwnd, ssthresh);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_fast_retransmits), 1);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 0);
	end(&t);
}

static void what_is_lost_again_after_a_timeout_reduces_the_window_too(void **state)
{
	struct loss t;
	uint32_t    s, ssthresh;

	(void)state;
	begin_newreno(&t);
	s = send_segments(&t, 8);
	peer_wait(&t.peer, 400 * MS);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 1);
	ssthresh = info_of(&t).ssthresh;
	acked(&t, s + 1000);
	peer_wait(&t.peer, RTT_MS * MS);
	acked(&t, s + 2000);
	peer_wait(&t.peer, MS);
	peer_wait(&t.peer, RTT_MS * MS);
	peer_forget(&t.peer);
	sacked(&t, s + 2000, s + 3000, s + 5000);
	peer_wait(&t.peer, 6 * MS);
	expect_segment(&t.peer, ACK, s + 2000, 1, 1000);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_lost_again), 1);
	assert_true(info_of(&t).ssthresh < ssthresh);
	acked(&t, t.next);
	assert_int_equal(info_of(&t).cwnd, info_of(&t).ssthresh);
	end(&t);
}

static void the_last_segment_is_probed_after_two_round_trips(void **state)
{
	struct loss t;
	uint32_t    s, cwnd;

	(void)state;
	begin(&t);
	cwnd = info_of(&t).cwnd;
	s = send_segments(&t, 4);
	peer_forget(&t.peer);
	peer_wait(&t.peer, 38 * MS);
	expect_silence(&t.peer);
	peer_wait(&t.peer, 4 * MS);
	expect_segment(&t.peer, ACK, s + 3000, 1, 1000);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s + 1000, s + 3000, s + 4000); /* two had been lost, and the last */
	peer_wait(&t.peer, 6 * MS);
	expect_segment(&t.peer, ACK, s + 1000, 1, 1000);
	expect_segment(&t.peer, ACK, s + 2000, 1, 1000);
	acked(&t, s + 4000);
	assert_true(info_of(&t).cwnd < cwnd);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 0);
	end(&t);
}

static void a_probe_is_new_data_where_there_is_some(void **state)
{
	struct loss t;
	uint32_t    s;
	unsigned    n;

	(void)state;
	begin(&t);
	s = t.next;
	peer_write(&t.peer, 30000);
	n = t.peer.outs;
	assert_in_range(n, 10, 29); /* the congestion window is full */
	peer_forget(&t.peer);
	peer_wait(&t.peer, 42 * MS);
	expect_segment(&t.peer, ACK, s + n * 1000, 1, 1000);
	expect_silence(&t.peer); /* one only */
	acked(&t, s + 1000 + n * 1000);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_tail_losses), 0);
	end(&t);
}

static void a_lone_segment_is_given_time_for_the_peers_delay(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	begin(&t);
	s = send_segments(&t, 1);
	peer_forget(&t.peer);
	peer_wait(&t.peer, 190 * MS);
	expect_silence(&t.peer);
	acked(&t, s + 1000);
	peer_wait(&t.peer, US_PER_SECOND);
	expect_silence(&t.peer);
	end(&t);
}

static void a_probe_that_came_twice_costs_nothing(void **state)
{
	struct loss t;
	uint32_t    s, cwnd;

	(void)state;
	begin(&t);
	cwnd = info_of(&t).cwnd;
	s = send_segments(&t, 2);
	peer_wait(&t.peer, 42 * MS);
	acked(&t, s + 2000);
	sacked(&t, s + 2000, s + 1000, s + 2000);
	s = send_segments(&t, 2);
	acked(&t, s + 2000);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_tail_probes), 1);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_tail_losses), 0);
	assert_true(info_of(&t).cwnd >= cwnd);
	end(&t);
}

static void a_loss_that_the_probe_repaired_counts_as_one(void **state)
{
	struct loss t;
	uint32_t    s, cwnd;

	(void)state;
	begin(&t);
	cwnd = info_of(&t).cwnd;
	s = send_segments(&t, 2);
	peer_wait(&t.peer, 42 * MS);
	acked(&t, s + 2000);
	s = send_segments(&t, 2);
	acked(&t, s + 2000);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_tail_losses), 1);
	assert_true(info_of(&t).cwnd < cwnd);
	end(&t);
}

/* Twenty segments are on the way, the first is lost: what may be sent until the repetition is
 * acknowledged comes down to ssthresh evenly. */
static void recovery_is_paced_by_what_arrives(void **state)
{
	struct loss t;
	uint32_t    s;
	unsigned    sent = 0;

	(void)state;
	begin_newreno(&t);
	grow(&t);
	s = t.next;
	peer_write(&t.peer, 60000);
	sent = t.peer.outs;
	assert_in_range(sent, 20, 30);
	peer_forget(&t.peer);
	peer_wait(&t.peer, RTT_MS * MS);
	for (unsigned i = 1; i < sent; i++)
		sacked(&t, s, s + 1000, s + (i + 1) * 1000);
	/* Two by limited transmit (RFC 3042), the repetition, and then a segment for every second
	 * one that arrived. */
	assert_in_range(t.peer.outs, sent / 2, sent / 2 + 3);
	assert_int_equal(t.peer.out[2].seq, s);
	acked(&t, s + sent * 1000);
	assert_in_range(info_of(&t).cwnd, sent * 500, sent * 500 + 2000);
	end(&t);
}

static void when_nearly_all_is_lost_no_burst_follows(void **state)
{
	struct loss t;
	uint32_t    s;
	unsigned    sent;

	(void)state;
	begin(&t);
	s = t.next;
	peer_write(&t.peer, 60000);
	sent = t.peer.outs;
	peer_forget(&t.peer);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s, s + (sent - 1) * 1000, s + sent * 1000);
	peer_wait(&t.peer, 7 * MS);
	assert_in_range(t.peer.outs, 1, 2); /* one arrived, so one goes */
	end(&t);
}

static void an_echo_of_the_first_transmission_undoes_the_recovery(void **state)
{
	struct loss t;
	uint32_t    s, cwnd, echo;

	(void)state;
	begin_timed(&t);
	cwnd = info_of(&t).cwnd;
	s = send_segments(&t, 8);
	echo = t.peer.out[t.peer.outs - 1].ts;
	peer_forget(&t.peer);
	peer_wait(&t.peer, RTT_MS * MS);
	loss_send(&t, (struct seg){.ack = s,
				   .has_ts = true,
				   .echo = echo,
				   .sacks = 1,
				   .sack = {{s + 1000, s + 6000}}});
	expect_segment(&t.peer, ACK, s, 1, 1000);
	assert_true(info_of(&t).cwnd < cwnd);
	peer_wait(&t.peer, 3 * MS);
	acked_echo(&t, s + 8000, echo); /* it was late, not lost */
	assert_int_equal(info_of(&t).cwnd, cwnd);
	assert_int_equal(conn_of(&t)->ssthresh, UINT32_MAX);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_undone), 1);
	end(&t);
}

static void a_report_of_the_duplicate_undoes_the_recovery_even_after_it(void **state)
{
	struct loss t;
	uint32_t    s, cwnd;

	(void)state;
	begin(&t);
	cwnd = info_of(&t).cwnd;
	s = send_segments(&t, 8);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s, s + 1000, s + 6000);
	acked(&t, s + 8000);
	assert_true(info_of(&t).cwnd < cwnd);
	sacked(&t, s + 8000, s, s + 1000);
	assert_true(info_of(&t).cwnd >= cwnd);
	assert_int_equal(conn_of(&t)->ssthresh, UINT32_MAX);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_undone), 1);
	end(&t);
}

static void a_report_of_another_duplicate_undoes_nothing(void **state)
{
	struct loss t;
	uint32_t    s, old;

	(void)state;
	begin(&t);
	old = send_segments(&t, 2);
	acked(&t, old + 2000);
	s = send_segments(&t, 8);
	peer_wait(&t.peer, RTT_MS * MS);
	sacked(&t, s, s + 1000, s + 6000);
	loss_send(&t, (struct seg){.ack = s + 8000, .sacks = 1, .sack = {{old, old + 1000}}});
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_undone), 0);
	end(&t);
}

/* The path stands still for a second, then all that was sent arrives. */
static void a_premature_timeout_is_found_by_new_data_and_undone(void **state)
{
	struct loss t;
	uint32_t    s, cwnd;

	(void)state;
	begin(&t);
	cwnd = info_of(&t).cwnd;
	s = send_segments(&t, 8);
	peer_wait(&t.peer, 900 * MS);
	assert_true(rig_metric(&t.peer.end, METRIC_tcp_timeouts) >= 1);
	assert_int_equal(info_of(&t).cwnd, 1000);
	send_segments(&t, 5); /* waits */
	peer_forget(&t.peer);
	acked(&t, s + 1000);
	expect_segment(&t.peer, ACK, s + 8000, 1, 1000); /* RFC 5682, 2.1, step 2b */
	expect_segment(&t.peer, ACK, s + 9000, 1, 1000);
	expect_silence(&t.peer);
	acked(&t, s + 2000);
	assert_true(info_of(&t).cwnd >= cwnd);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_undone), 1);
	acked(&t, s + 8000);
	acked(&t, s + 13000);
	for (unsigned i = 2; i < t.peer.outs; i++) /* nothing of old was sent again */
		assert_true(t.peer.out[i].seq >= s + 8000);
	assert_true(info_of(&t).rto_us > 900 * MS); /* RFC 4015: what the path can take is known */
	end(&t);
}

static void a_real_timeout_sends_again_what_is_missing(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	begin(&t);
	s = send_segments(&t, 8);
	peer_wait(&t.peer, 400 * MS);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 1);
	send_segments(&t, 5);
	peer_forget(&t.peer);
	acked(&t, s + 1000);
	expect_segment(&t.peer, ACK, s + 8000, 1, 1000);
	expect_segment(&t.peer, ACK, s + 9000, 1, 1000);
	sacked(&t, s + 1000, s + 8000, s + 9000);
	expect_segment(&t.peer, ACK, s + 1000, 1, 1000);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_undone), 0);
	for (unsigned i = 0; i < 20 && info_of(&t).send_queued > 0; i++) {
		peer_wait(&t.peer, RTT_MS * MS);
		acked(&t, t.peer.out[t.peer.outs - 1].seq + 1000);
	}
	assert_int_equal(info_of(&t).send_queued, 0);
	end(&t);
}

static void an_echo_undoes_a_timeout_at_once(void **state)
{
	struct loss t;
	uint32_t    s, cwnd, echo;

	(void)state;
	begin_timed(&t);
	cwnd = info_of(&t).cwnd;
	s = send_segments(&t, 1);
	echo = t.peer.out[t.peer.outs - 1].ts;
	peer_wait(&t.peer, 100 * MS);
	send_segments(&t, 7);
	peer_wait(&t.peer, 900 * MS);
	assert_int_equal(info_of(&t).cwnd, 1000);
	peer_forget(&t.peer);
	acked_echo(&t, s + 1000, echo);
	assert_true(info_of(&t).cwnd >= cwnd);
	assert_int_equal(info_of(&t).rto_us, 3 * info_of(&t).srtt_us);
	end(&t);
}

static void without_sack_a_duplicate_of_what_a_timeout_repeated_starts_nothing(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	loss_begin(&t, RTT_MS * MS, (struct seg){0}, &defaults);
	s = send_segments(&t, 4);
	peer_wait(&t.peer, 500 * MS);
	acked(&t, s + 4000);
	send_segments(&t, 4);
	peer_forget(&t.peer);
	for (unsigned i = 0; i < 5; i++) /* RFC 6582, 4 */
		acked(&t, s + 4000);
	for (unsigned i = 0; i < t.peer.outs; i++)
		assert_true(t.peer.out[i].seq != s + 4000);
	acked(&t, s + 8000);
	end(&t);
}

/* So many segments on the way. */
static void fill(struct loss *t, unsigned n)
{
	while (conn_of(t)->snd_nxt - conn_of(t)->snd_una < n * 1000) {
		if (conn_of(t)->chunk_next == TCP_NONE)
			peer_write(&t->peer, 5000);
		peer_turn(&t->peer);
		peer_forget(&t->peer);
		if (conn_of(t)->snd_nxt - conn_of(t)->snd_una + 1000 > conn_of(t)->cwnd)
			return;
	}
}

/* SegmentSmack and its kin: whatever ranges a peer tells of, the work for one segment is bounded,
 * and that of all of them is that of sending. */
static void hostile_ranges_cost_bounded_work(void **state)
{
	struct loss   t;
	struct random random;
	uint32_t      s;
	uint64_t      walked = 0;
	unsigned      most = 0;

	(void)state;
	random_seed(&random, 1);
	loss_begin(&t, RTT_MS * MS, (struct seg){.sack_ok = true, .has_scale = true, .scale = 8},
		   &(struct tcp_options){.send_max = 1000000});
	while (info_of(&t).cwnd < 510000) { /* a window of some hundred segments */
		fill(&t, 505);
		acked(&t, conn_of(&t)->snd_nxt - t.peer.stack_isn);
	}
	acked(&t, conn_of(&t)->snd_nxt - t.peer.stack_isn);
	s = conn_of(&t)->snd_nxt - t.peer.stack_isn;
	fill(&t, 505);
	for (unsigned i = 0; i < 2000; i++) {
		struct seg seg = {.ack = s, .sacks = 4};

		for (unsigned k = 0; k < 4; k++) {
			seg.sack[k][0] = s + random_below(&random, 500) * 1000;
			seg.sack[k][1] = seg.sack[k][0] + random_below(&random, 5) * 1000;
		}
		loss_send(&t, seg);
		walked += t.peer.end.tcp->walked;
		most = t.peer.end.tcp->walked > most ? t.peer.end.tcp->walked : most;
		tcp_check(t.peer.end.tcp);
		peer_forget(&t.peer);
	}
	printf("of %u in flight most %u, mean %.1f pieces looked at for a segment\n",
	       (conn_of(&t)->snd_nxt - conn_of(&t)->snd_una) / 1000, most, (double)walked / 2000);
	assert_true(most <= TCP_WALK_MAX);
	end(&t);
}

static void the_least_timeout_is_what_was_configured(void **state)
{
	static const struct {
		uint32_t configured, rto_ms;
	} rows[] = {{0, 200}, {10, 10}, {200, 200}, {1000, 1000}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tcp_config config = {.rto_min_ms = rows[i].configured};
		struct loss             t = {.next = 1};

		peer_open_with(&t.peer, &config, &defaults, (struct seg){.mss = 1000});
		for (unsigned n = 0; n < 50; n++) { /* no variance is left */
			send_segments(&t, 2);
			peer_wait(&t.peer, MS);
			acked(&t, t.next);
			peer_forget(&t.peer);
		}
		assert_in_range(info_of(&t).rto_us / MS, rows[i].rto_ms + 1, rows[i].rto_ms + 2);
		send_segments(&t, 2);
		peer_forget(&t.peer);
		peer_wait(&t.peer, rows[i].rto_ms * MS);
		expect_silence(&t.peer);
		peer_wait(&t.peer, 3 * MS);
		assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 1);
		expect_segment(&t.peer, ACK, t.next - 2000, 1, 1000);
		end(&t);
	}
}

/* Requests of one segment, each answered at once; then one is lost. */
static uint32_t lose_a_prompt_one(struct loss *t)
{
	uint32_t s;

	begin(t);
	for (unsigned i = 0; i < 20; i++) {
		send_segments(t, 1);
		peer_wait(&t->peer, RTT_MS * MS);
		acked(t, t->next);
	}
	s = send_segments(t, 1);
	peer_forget(&t->peer);
	peer_wait(&t->peer, 85 * MS);
	expect_silence(&t->peer);
	peer_wait(&t->peer, 25 * MS);
	expect_segment(&t->peer, ACK, s, 1, 1000);
	assert_int_equal(rig_metric(&t->peer.end, METRIC_tcp_tail_probes), 1);
	return s;
}

static void a_peer_that_answers_at_once_is_probed_earlier(void **state)
{
	struct loss t;

	(void)state;
	lose_a_prompt_one(&t);
	acked(&t, t.next);
	assert_int_equal(rig_metric(&t.peer.end, METRIC_tcp_timeouts), 0);
	end(&t);
}

static void a_peer_that_was_probed_in_vain_is_given_its_delay_again(void **state)
{
	struct loss t;
	uint32_t    s;

	(void)state;
	s = lose_a_prompt_one(&t);
	sacked(&t, t.next, s, t.next); /* it came twice */
	send_segments(&t, 1);
	peer_forget(&t.peer);
	peer_wait(&t.peer, 190 * MS);
	expect_silence(&t.peer);
	acked(&t, t.next);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_late_by_less_than_a_quarter_round_trip_is_not_sent_again),
		cmocka_unit_test(what_is_later_is_sent_again_without_a_third_duplicate),
		cmocka_unit_test(on_a_path_of_microseconds_loss_is_found_within_a_tick),
		cmocka_unit_test(
			reports_of_duplicates_widen_the_reordering_window_and_16_recoveries_narrow_it),
		cmocka_unit_test(a_lost_repetition_is_found_by_time_too),
		cmocka_unit_test(what_is_lost_again_reduces_the_window_once_a_round_trip),
		cmocka_unit_test(what_is_lost_again_after_a_timeout_reduces_the_window_too),
		cmocka_unit_test(the_last_segment_is_probed_after_two_round_trips),
		cmocka_unit_test(a_probe_is_new_data_where_there_is_some),
		cmocka_unit_test(a_lone_segment_is_given_time_for_the_peers_delay),
		cmocka_unit_test(a_probe_that_came_twice_costs_nothing),
		cmocka_unit_test(a_loss_that_the_probe_repaired_counts_as_one),
		cmocka_unit_test(recovery_is_paced_by_what_arrives),
		cmocka_unit_test(when_nearly_all_is_lost_no_burst_follows),
		cmocka_unit_test(an_echo_of_the_first_transmission_undoes_the_recovery),
		cmocka_unit_test(a_report_of_the_duplicate_undoes_the_recovery_even_after_it),
		cmocka_unit_test(a_report_of_another_duplicate_undoes_nothing),
		cmocka_unit_test(a_premature_timeout_is_found_by_new_data_and_undone),
		cmocka_unit_test(a_real_timeout_sends_again_what_is_missing),
		cmocka_unit_test(an_echo_undoes_a_timeout_at_once),
		cmocka_unit_test(
			without_sack_a_duplicate_of_what_a_timeout_repeated_starts_nothing),
		cmocka_unit_test(the_least_timeout_is_what_was_configured),
		cmocka_unit_test(a_peer_that_answers_at_once_is_probed_earlier),
		cmocka_unit_test(a_peer_that_was_probed_in_vain_is_given_its_delay_again),
		cmocka_unit_test(hostile_ranges_cost_bounded_work),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
