/* Data both ways: windows, acknowledgements, loss and its repair. */
#include "peer.h"

static const struct tcp_config  plain;
static const struct tcp_options defaults;
static const struct seg         sack_peer = {.mss = 1000, .sack_ok = true};

static void receive(struct peer *peer, uint32_t seq, uint32_t len)
{
	peer_send(peer, (struct seg){.flags = ACK, .seq = seq, .ack = 1, .len = len});
}

static void acknowledge(struct peer *peer, uint32_t ack)
{
	peer_send(peer, (struct seg){.flags = ACK, .seq = 1, .ack = ack});
}

static void acknowledge_sacked(struct peer *peer, uint32_t ack, uint32_t from, uint32_t to)
{
	peer_send(
		peer,
		(struct seg){.flags = ACK, .seq = 1, .ack = ack, .sacks = 1, .sack = {{from, to}}});
}

static void a_lone_segment_is_acknowledged_within_40_ms_and_every_second_at_once(void **state)
{
	struct peer peer;
	uint32_t    seq;

	(void)state;
	peer_open(&peer);
	seq = peer_settle(&peer);
	receive(&peer, seq, 1000);
	expect_silence(&peer);
	peer_wait(&peer, 39000);
	expect_silence(&peer);
	peer_wait(&peer, 2000);
	expect_segment(&peer, ACK, 1, seq + 1000, 0);
	receive(&peer, seq + 1000, 1000);
	expect_silence(&peer);
	receive(&peer, seq + 2000, 1000);
	expect_segment(&peer, ACK, 1, seq + 3000, 0);
	expect_silence(&peer);
	peer_end(&peer);
}

static void the_first_segments_are_acknowledged_at_once(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	for (uint32_t i = 0; i < 8; i++) {
		receive(&peer, 1 + i * 100, 100);
		expect_segment(&peer, ACK, 1, 101 + i * 100, 0);
	}
	receive(&peer, 801, 100);
	expect_silence(&peer);
	peer_end(&peer);
}

static void an_answer_carries_the_acknowledgement(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	rig_frame_in(&peer.end,
		     peer_frame(&peer, &(struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 10}));
	tcp_send(peer.end.tcp, peer.conn, "answer", 6);
	tcp_send(peer.end.tcp, peer.conn, "answer", 6);
	peer_turn(&peer);
	expect_segment(&peer, ACK, 1, 11, 12); /* one segment for both */
	expect_silence(&peer);
	peer_end(&peer);
}

static void holes_are_told_newest_first_and_filled(void **state)
{
	struct peer peer;
	struct seg *s;
	struct cur  in;

	(void)state;
	peer_open(&peer);
	receive(&peer, 101, 100);
	receive(&peer, 301, 100);
	receive(&peer, 501, 100);
	peer.seen = 2;
	s = peer_next(&peer);
	assert_non_null(s);
	assert_int_equal(s->ack, 1);
	assert_int_equal(s->sacks, 3);
	assert_int_equal(s->sack[0][0], 501);
	assert_int_equal(s->sack[0][1], 601);
	assert_int_equal(s->sack[1][0], 301);
	assert_int_equal(s->sack[2][0], 101);
	receive(&peer, 201, 100); /* joins two */
	s = peer_next(&peer);
	assert_int_equal(s->sacks, 2);
	assert_int_equal(s->sack[0][0], 101);
	assert_int_equal(s->sack[0][1], 401);
	receive(&peer, 1, 100);
	s = peer_next(&peer);
	assert_int_equal(s->ack, 401);
	assert_int_equal(s->sacks, 1);
	receive(&peer, 401, 100);
	s = peer_next(&peer);
	assert_int_equal(s->ack, 601);
	assert_int_equal(s->sacks, 0);
	assert_int_equal(tcp_peek(peer.end.tcp, peer.conn, 600, &in), 600);
	assert_int_equal(cur_left(&in), 600);
	for (uint32_t i = 0; i < 600; i++)
		assert_int_equal(in.p[i], (1 + i) % 251);
	tcp_consume(peer.end.tcp, peer.conn, 600);
	peer_end(&peer);
}

static void a_duplicate_is_told_as_one(void **state)
{
	struct peer peer;
	struct seg *s;

	(void)state;
	peer_open(&peer);
	receive(&peer, 1, 100);
	peer_forget(&peer);
	receive(&peer, 1, 100);
	s = peer_next(&peer);
	assert_non_null(s);
	assert_int_equal(s->ack, 101);
	assert_int_equal(s->sacks, 1); /* RFC 2883 */
	assert_int_equal(s->sack[0][0], 1);
	assert_int_equal(s->sack[0][1], 101);
	tcp_consume(peer.end.tcp, peer.conn, 100);
	peer_end(&peer);
}

static void what_waits_behind_holes_is_bounded(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	for (uint32_t i = 1; i <= 200; i++) {
		receive(&peer, 1 + i * 20, 10);
		peer_forget(&peer);
	}
	/* Each makes a hole of its own, and work for those that come after. */
	assert_int_equal(rte_mempool_in_use_count(rig_wire) - peer.wire_before, 33);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_out_of_order_dropped), 167);
	peer_end(&peer);
}

static void small_segments_that_wait_are_copied_together(void **state)
{
	struct peer peer;
	struct cur  in;

	(void)state;
	peer_open(&peer);
	for (uint32_t i = 0; i < 2000; i++) {
		receive(&peer, 1 + i, 1);
		peer_forget(&peer);
	}
	assert_true(rte_mempool_in_use_count(rig_wire) - peer.wire_before <= 8);
	assert_int_equal(tcp_peek(peer.end.tcp, peer.conn, 2000, &in), 2000);
	for (uint32_t i = 0; i < 2000; i++)
		assert_int_equal(in.p[i], (1 + i) % 251);
	tcp_consume(peer.end.tcp, peer.conn, 2000);
	assert_int_equal(rte_mempool_in_use_count(rig_wire), peer.wire_before);
	peer_end(&peer);
}

/* A head of 16 KB is not copied 16,000 times. */
static void who_asks_for_a_byte_more_each_time_is_shown_many(void **state)
{
	struct peer peer;
	struct cur  in;
	size_t      waiting, asked = 0;

	(void)state;
	peer_open(&peer);
	for (uint32_t i = 0; i < 8; i++)
		receive(&peer, 1 + i * 1000, 1000);
	for (size_t want = 1; want <= 8000; want = cur_left(&in) + 1, asked++) {
		waiting = tcp_peek(peer.end.tcp, peer.conn, want, &in);
		assert_int_equal(waiting, 8000);
		assert_true(cur_left(&in) >= want);
		for (size_t i = 0; i < cur_left(&in); i++)
			assert_int_equal(in.p[i], (1 + i) % 251);
	}
	assert_true(asked <= 8);
	tcp_consume(peer.end.tcp, peer.conn, 8000);
	peer_end(&peer);
}

static void the_window_closes_with_a_slow_consumer_and_opens_with_it(void **state)
{
	struct peer peer;
	struct seg *s = NULL;
	uint32_t    seq = 1;

	(void)state;
	peer_open_with(&peer, &plain, &(struct tcp_options){.receive_max = 8000}, sack_peer);
	for (unsigned i = 0; i < 8; i++, seq += 1000)
		receive(&peer, seq, 1000);
	s = &peer.out[peer.outs - 1];
	assert_int_equal(s->ack, 8001);
	assert_int_equal(s->window, 0);
	peer_forget(&peer);
	receive(&peer, seq, 1000); /* too much: not taken, but answered */
	expect_segment(&peer, ACK, 1, 8001, 0);
	tcp_consume(peer.end.tcp, peer.conn, 500);
	peer_turn(&peer);
	expect_silence(&peer); /* not worth telling */
	tcp_consume(peer.end.tcp, peer.conn, 3500);
	peer_turn(&peer);
	s = peer_next(&peer);
	assert_non_null(s);
	assert_int_equal(s->window, 4000);
	receive(&peer, seq, 1000);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_outside_window), 0);
	tcp_consume(peer.end.tcp, peer.conn, 5000);
	peer_end(&peer);
}

static void a_lost_segment_is_sent_again_at_doubled_intervals_until_the_user_timeout(void **state)
{
	/* The first is the probe of the tail (RFC 8985), after which the timeout begins anew. */
	static const uint64_t after_ms[] = {1000, 1000, 2000, 4000, 8000};
	struct peer           peer;

	(void)state;
	peer_open_with(&peer, &plain, &(struct tcp_options){.user_timeout_s = 60}, sack_peer);
	peer_write(&peer, 100);
	expect_segment(&peer, ACK, 1, 1, 100);
	for (unsigned i = 0; i < 5; i++) {
		peer_wait(&peer, after_ms[i] * US_PER_MS - 10000);
		expect_silence(&peer);
		peer_wait(&peer, 11000);
		expect_segment(&peer, ACK, 1, 1, 100);
	}
	peer_wait(&peer, 50 * US_PER_SECOND);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_TIMEOUT);
	assert_int_equal(peer.out[peer.outs - 1].flags, RST | ACK);
	peer_end(&peer);
}

static void the_timeout_is_200_ms_longer_than_the_round_trip_at_least(void **state)
{
	struct peer     peer;
	struct tcp_info info;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	for (uint32_t i = 0; i < 50; i++) {
		peer_write(&peer, 10);
		peer_wait(&peer, 1000);
		acknowledge(&peer, 11 + i * 10);
		peer_forget(&peer);
	}
	assert_true(tcp_info(peer.end.tcp, peer.conn, &info));
	assert_in_range(info.srtt_us, 900, 1100);
	assert_in_range(info.rto_us, 200000, 202000);
	for (uint32_t i = 50; i < 150; i++) {
		peer_write(&peer, 10);
		peer_wait(&peer, 180000);
		acknowledge(&peer, 11 + i * 10);
		peer_forget(&peer);
	}
	tcp_info(peer.end.tcp, peer.conn, &info);
	assert_in_range(info.srtt_us, 175000, 185000);
	assert_in_range(info.rto_us, 375000, 400000); /* and never shorter than a delayed answer */
	peer_end(&peer);
}

static void an_ambiguous_acknowledgement_measures_nothing(void **state)
{
	struct peer     peer;
	struct tcp_info info;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 100);
	peer_wait(&peer, 2100000);
	acknowledge(&peer, 101); /* of which of the three? (Karn) */
	tcp_info(peer.end.tcp, peer.conn, &info);
	assert_int_equal(info.srtt_us, 0);
	assert_int_equal(info.rto_us, 2000000); /* the doubled one stays until a clear answer */
	peer_write(&peer, 100);
	peer_wait(&peer, 10000);
	acknowledge(&peer, 201);
	tcp_info(peer.end.tcp, peer.conn, &info);
	assert_in_range(info.srtt_us, 9000, 11000);
	peer_end(&peer);
}

static void three_sacked_segments_above_a_hole_bring_it_back_at_once(void **state)
{
	struct peer     peer;
	struct tcp_info info;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 10000);
	assert_int_equal(peer.outs, 10);
	peer_forget(&peer);
	peer_wait(&peer, 1000);
	acknowledge_sacked(&peer, 1, 1001, 2001);
	acknowledge_sacked(&peer, 1, 1001, 3001);
	expect_silence(&peer);
	acknowledge_sacked(&peer, 1, 1001, 4001);
	expect_segment(&peer, ACK, 1, 1, 1000);
	expect_silence(&peer);
	acknowledge_sacked(&peer, 1, 1001, 5001);
	acknowledge(&peer, 10001);
	tcp_info(peer.end.tcp, peer.conn, &info);
	assert_int_equal(info.cwnd, 7000); /* of what was on the way (RFC 9438) */
	assert_int_equal(info.retransmits, 1);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_timeouts), 0);
	peer_end(&peer);
}

static void only_the_holes_are_sent_again(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 10000);
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = ACK,
				      .seq = 1,
				      .ack = 1,
				      .sacks = 2,
				      .sack = {{5001, 10001}, {1001, 4001}}});
	expect_segment(&peer, ACK, 1, 1, 1000);
	expect_segment(&peer, ACK, 4001, 1, 1000);
	expect_silence(&peer);
	peer_end(&peer);
}

static void without_sack_three_duplicates_and_partial_answers_repair(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, (struct seg){.mss = 1000});
	peer_write(&peer, 10000);
	peer_forget(&peer);
	for (unsigned i = 0; i < 3; i++) {
		expect_silence(&peer);
		acknowledge(&peer, 1);
	}
	expect_segment(&peer, ACK, 1, 1, 1000);
	acknowledge(&peer, 3001); /* partial: the next is missing too (RFC 6582) */
	expect_segment(&peer, ACK, 3001, 1, 1000);
	expect_silence(&peer);
	acknowledge(&peer, 10001);
	expect_silence(&peer);
	peer_end(&peer);
}

static void the_first_two_duplicates_let_new_data_out(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, (struct seg){.mss = 1000});
	peer_write(&peer, 15000);
	assert_int_equal(peer.outs, 10); /* the first window (RFC 6928) */
	peer_forget(&peer);
	acknowledge(&peer, 1);
	expect_segment(&peer, ACK, 10001, 1, 1000); /* RFC 3042 */
	acknowledge(&peer, 1);
	expect_segment(&peer, ACK, 11001, 1, 1000);
	peer_end(&peer);
}

static void the_window_doubles_each_round_while_it_is_the_limit(void **state)
{
	struct peer     peer;
	struct tcp_info info;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 50000);
	for (uint32_t i = 1; i <= 5; i++)
		acknowledge(&peer, 1 + i * 2000);
	tcp_info(peer.end.tcp, peer.conn, &info);
	assert_int_equal(info.cwnd, 20000);
	acknowledge(&peer, 30001);
	tcp_info(peer.end.tcp, peer.conn, &info);
	assert_int_equal(info.cwnd,
			 22000); /* one word counts for two segments at most (RFC 3465) */
	peer_end(&peer);
}

static void the_window_does_not_grow_while_the_application_is_the_limit(void **state)
{
	struct peer     peer;
	struct tcp_info info;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	for (uint32_t i = 0; i < 100; i++) {
		peer_write(&peer, 100);
		acknowledge(&peer, 101 + i * 100);
		peer_forget(&peer);
	}
	tcp_info(peer.end.tcp, peer.conn, &info);
	assert_int_equal(info.cwnd, 10000);
	peer_end(&peer);
}

static void hostile_sack_blocks_change_nothing(void **state)
{
	static const uint32_t blocks[][2] = {
		{2001, 1001}, {1, 20001}, {10001, 11001}, {0x80000000u, 0x80001000u},
		{0, 1},       {500, 600}, {3001, 3001}};
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 10000);
	peer_forget(&peer);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		acknowledge_sacked(&peer, 1, blocks[i][0], blocks[i][1]);
	expect_silence(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 10001});
	assert_int_equal(rte_mempool_in_use_count(rig_pool), peer.pool_before);
	peer_end(&peer);
}

static void a_peer_that_forgets_what_it_sacked_still_gets_it(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 3000);
	peer_forget(&peer);
	acknowledge_sacked(&peer, 1, 1001, 3001);
	peer_wait(&peer, 500000);
	expect_segment(&peer, ACK, 1, 1, 1000);
	expect_silence(&peer);
	acknowledge(&peer, 1001); /* reneged (RFC 2018, 8) */
	peer_wait(&peer, 10 * US_PER_SECOND);
	expect_segment(&peer, ACK, 1001, 1, 1000);
	acknowledge(&peer, 2001);
	peer_wait(&peer, 10 * US_PER_SECOND);
	peer_end(&peer);
}

static void a_closed_window_is_probed_ever_more_rarely(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .closed = true});
	peer_write(&peer, 3000);
	expect_silence(&peer);
	for (unsigned i = 0; i < 5; i++) {
		peer_wait(&peer, (1000u << i) * US_PER_MS - 10000);
		expect_silence(&peer);
		peer_wait(&peer, 11000);
		expect_segment(&peer, ACK, 0, 1, 0);
		peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .closed = true});
	}
	for (unsigned i = 0; i < 10; i++) { /* alive as long as it answers (RFC 1122, 4.2.2.17) */
		peer_wait(&peer, 59 * US_PER_SECOND);
		peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .closed = true});
	}
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	expect_segment(&peer, ACK, 1, 1, 1000);
	expect_segment(&peer, ACK, 1001, 1, 1000);
	expect_segment(&peer, ACK, 2001, 1, 1000);
	peer_end(&peer);
}

static void a_closed_window_without_answers_ends_the_connection(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .closed = true});
	peer_write(&peer, 3000);
	peer_wait(&peer, 125 * US_PER_SECOND);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_TIMEOUT);
	peer_end(&peer);
}

static void a_small_window_is_not_filled_until_the_timer_says_so(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .window = 300});
	peer_write(&peer, 3000);
	expect_silence(&peer); /* silly window avoidance */
	peer_wait(&peer, 1100000);
	expect_segment(&peer, ACK, 1, 1, 300);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 301});
	expect_segment(&peer, ACK, 301, 1, 700);
	expect_segment(&peer, ACK, 1001, 1, 1000);
	expect_segment(&peer, ACK, 2001, 1, 1000);
	peer_end(&peer);
}

static void an_old_timestamp_is_dropped_and_answered(void **state)
{
	struct peer peer;
	struct seg  opening = {.mss = 1460, .has_ts = true, .ts = 0xfffffff0u};
	struct seg  data = {.flags = ACK, .seq = 1, .ack = 1, .len = 10, .has_ts = true, .ts = 5};

	(void)state;
	peer_open_with(&peer, &plain, &defaults, opening);
	peer_send(&peer, data); /* timestamps wrap */
	assert_int_equal(peer_next(&peer)->echo, 5);
	data.seq = 11;
	data.ts = 0xfffffff1u;
	peer_send(&peer, data);
	expect_segment(&peer, ACK, 1, 11, 0);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_paws_dropped), 1);
	data.has_ts = false;
	peer_send(&peer, data); /* and without one: not a word (RFC 7323, 3.2) */
	expect_silence(&peer);
	peer_end(&peer);
}

static void a_producer_is_told_when_half_is_free_again(void **state)
{
	struct peer    peer;
	static uint8_t bytes[20000];

	(void)state;
	peer_open_with(&peer, &plain, &(struct tcp_options){.send_max = 8000}, sack_peer);
	assert_int_equal(tcp_send_room(peer.end.tcp, peer.conn), 8000);
	assert_int_equal(tcp_send(peer.end.tcp, peer.conn, bytes, 20000), 8000);
	peer_turn(&peer);
	acknowledge(&peer, 3001);
	assert_null(peer_event(&peer, TCP_EVENT_WRITABLE));
	acknowledge(&peer, 4001);
	assert_non_null(peer_event(&peer, TCP_EVENT_WRITABLE));
	assert_int_equal(tcp_send_room(peer.end.tcp, peer.conn), 4000);
	peer_end(&peer);
}

static void nagle_holds_a_small_segment_while_another_is_out(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &(struct tcp_options){.nagle = true}, sack_peer);
	peer_write(&peer, 10);
	expect_segment(&peer, ACK, 1, 1, 10);
	peer_write(&peer, 10);
	peer_write(&peer, 10);
	expect_silence(&peer);
	acknowledge(&peer, 11);
	expect_segment(&peer, ACK, 11, 1, 20);
	peer_end(&peer);
}

static void an_idle_connection_holds_no_memory(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 5000);
	acknowledge(&peer, 5001);
	receive(&peer, 1, 1000);
	tcp_consume(peer.end.tcp, peer.conn, 1000);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), peer.pool_before);
	assert_int_equal(rte_mempool_in_use_count(rig_wire), peer.wire_before);
	peer_end(&peer);
}

static void when_memory_is_short_the_producer_is_told_later(void **state)
{
	struct peer      peer;
	struct rte_mbuf *taken[8191];
	unsigned         n = 0;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	while (n < 8191 && (taken[n] = rte_pktmbuf_alloc(rig_pool)) != NULL)
		n++;
	assert_int_equal(tcp_send(peer.end.tcp, peer.conn, "hello", 5), 0);
	receive(&peer, 1, 100); /* cannot even be acknowledged */
	expect_silence(&peer);
	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_free(taken[i]);
	peer_wait(&peer, 20000);
	expect_segment(&peer, ACK, 1, 101, 0);
	assert_non_null(peer_event(&peer, TCP_EVENT_WRITABLE));
	tcp_consume(peer.end.tcp, peer.conn, 100);
	peer_end(&peer);
}

static void the_urgent_pointer_and_unknown_options_are_passed_over(void **state)
{
	struct peer         peer;
	struct rte_mbuf    *frame;
	struct rte_tcp_hdr *tcp;
	struct cur          in;

	(void)state;
	peer_open(&peer);
	frame = peer_frame(
		&peer, &(struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 50, .has_ts = true});
	tcp = rte_pktmbuf_mtod_offset(frame, struct rte_tcp_hdr *, 34);
	tcp->tcp_flags |= RTE_TCP_URG_FLAG;
	tcp->tcp_urp = rte_cpu_to_be_16(7);
	memcpy(tcp + 1, (uint8_t[]){253, 6, 1, 2, 3, 4, 254, 0, 9, 9, 9, 9},
	       12); /* the last is malformed */
	tcp->cksum = 0;
	tcp->cksum = rte_ipv4_udptcp_cksum(
		rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, 14), tcp);
	rig_frame_in(&peer.end, frame);
	peer_turn(&peer);
	assert_int_equal(tcp_peek(peer.end.tcp, peer.conn, 50, &in), 50); /* inline (RFC 6093) */
	tcp_consume(peer.end.tcp, peer.conn, 50);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_lone_segment_is_acknowledged_within_40_ms_and_every_second_at_once),
		cmocka_unit_test(the_first_segments_are_acknowledged_at_once),
		cmocka_unit_test(an_answer_carries_the_acknowledgement),
		cmocka_unit_test(holes_are_told_newest_first_and_filled),
		cmocka_unit_test(a_duplicate_is_told_as_one),
		cmocka_unit_test(what_waits_behind_holes_is_bounded),
		cmocka_unit_test(small_segments_that_wait_are_copied_together),
		cmocka_unit_test(who_asks_for_a_byte_more_each_time_is_shown_many),
		cmocka_unit_test(the_window_closes_with_a_slow_consumer_and_opens_with_it),
		cmocka_unit_test(
			a_lost_segment_is_sent_again_at_doubled_intervals_until_the_user_timeout),
		cmocka_unit_test(the_timeout_is_200_ms_longer_than_the_round_trip_at_least),
		cmocka_unit_test(an_ambiguous_acknowledgement_measures_nothing),
		cmocka_unit_test(three_sacked_segments_above_a_hole_bring_it_back_at_once),
		cmocka_unit_test(only_the_holes_are_sent_again),
		cmocka_unit_test(without_sack_three_duplicates_and_partial_answers_repair),
		cmocka_unit_test(the_first_two_duplicates_let_new_data_out),
		cmocka_unit_test(the_window_doubles_each_round_while_it_is_the_limit),
		cmocka_unit_test(the_window_does_not_grow_while_the_application_is_the_limit),
		cmocka_unit_test(hostile_sack_blocks_change_nothing),
		cmocka_unit_test(a_peer_that_forgets_what_it_sacked_still_gets_it),
		cmocka_unit_test(a_closed_window_is_probed_ever_more_rarely),
		cmocka_unit_test(a_closed_window_without_answers_ends_the_connection),
		cmocka_unit_test(a_small_window_is_not_filled_until_the_timer_says_so),
		cmocka_unit_test(an_old_timestamp_is_dropped_and_answered),
		cmocka_unit_test(a_producer_is_told_when_half_is_free_again),
		cmocka_unit_test(nagle_holds_a_small_segment_while_another_is_out),
		cmocka_unit_test(an_idle_connection_holds_no_memory),
		cmocka_unit_test(when_memory_is_short_the_producer_is_told_later),
		cmocka_unit_test(the_urgent_pointer_and_unknown_options_are_passed_over),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
