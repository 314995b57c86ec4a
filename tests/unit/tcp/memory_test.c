/* What peers can make a worker hold, and how much work they can make it do, is bounded; what memory
 * there is decides what is taken. */
#include "peer.h"

#include "base/random.h"
#include "net/output.h"
#include "tcp/conn.h"

static const struct tcp_config  plain;
static const struct tcp_options defaults;
static const struct seg         sack_peer = {.mss = 1460, .sack_ok = true};

static struct rte_mbuf *taken[8191];
static unsigned         taken_count;

/* Leaves so many of a hundred buffers free. */
static void leave(struct peer *peer, unsigned percent)
{
	unsigned most = peer->end.tcp->pool_most;

	rte_pktmbuf_free_bulk(taken, taken_count);
	taken_count = rte_mempool_avail_count(rig_pool) - most * percent / 100;
	if (taken_count > 0)
		assert_int_equal(rte_pktmbuf_alloc_bulk(rig_pool, taken, taken_count), 0);
	peer_wait(peer, 2000);
	peer_forget(peer);
}

static void leave_all(struct peer *peer)
{
	rte_pktmbuf_free_bulk(taken, taken_count);
	taken_count = 0;
	peer_wait(peer, 2000);
	peer_forget(peer);
}

static void receive(struct peer *peer, uint32_t seq, uint32_t len)
{
	peer_send(peer, (struct seg){.flags = ACK, .seq = seq, .ack = 1, .len = len});
}

static unsigned wire_held(const struct peer *peer)
{
	return rte_mempool_in_use_count(rig_wire) - peer->wire_before;
}

static void assert_readable(struct peer *peer, uint32_t from, uint32_t n)
{
	struct cur in;

	assert_true(tcp_peek(peer->end.tcp, peer->conn, n, &in) >= n);
	assert_true(cur_left(&in) >= n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(in.p[i], (from + i) % 251);
}

static void the_level_follows_what_is_free(void **state)
{
	static const struct {
		unsigned          percent;
		enum tcp_pressure level;
	} rows[] = {{100, TCP_PRESSURE_NONE}, {45, TCP_PRESSURE_NONE}, {38, TCP_PRESSURE_LOW},
		    {22, TCP_PRESSURE_LOW},   {18, TCP_PRESSURE_HIGH}, {11, TCP_PRESSURE_HIGH},
		    {8, TCP_PRESSURE_FULL},   {45, TCP_PRESSURE_NONE}};
	struct peer peer;

	(void)state;
	peer_open(&peer);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		leave(&peer, rows[i].percent);
		assert_int_equal(peer.end.tcp->pressure, rows[i].level);
	}
	leave_all(&peer);
	peer_end(&peer);
}

static void below_two_fifths_no_window_grows_and_below_one_it_is_two_segments(void **state)
{
	struct peer peer;
	uint32_t    seq = 1;

	(void)state;
	peer_open_with(&peer, &plain, &(struct tcp_options){.receive_max = 60000}, sack_peer);
	receive(&peer, seq, 1000);
	seq += 1000;
	tcp_consume(peer.end.tcp, peer.conn, 1000);
	peer_turn(&peer);
	leave(&peer, 30);
	for (unsigned i = 0; i < 20; i++, seq += 1000) { /* a slow reader's window closes... */
		receive(&peer, seq, 1000);
		assert_true(peer.outs == 0 || peer.out[peer.outs - 1].window <= 60000);
	}
	peer_forget(&peer);
	tcp_consume(peer.end.tcp, peer.conn, 20000); /* ...and does not open again */
	receive(&peer, seq, 1000);
	seq += 1000;
	peer_wait(&peer, 50000);
	assert_in_range(peer.out[peer.outs - 1].window, 38000, 41000);
	leave(&peer, 15);
	for (unsigned i = 0; i < 60; i++, seq += 1000) {
		tcp_consume(peer.end.tcp, peer.conn, 1000);
		receive(&peer, seq, 1000);
	}
	assert_in_range(peer.out[peer.outs - 1].window, 1,
			2000); /* no edge moved left on the way */
	tcp_consume(peer.end.tcp, peer.conn, 1000);
	peer_turn(&peer);
	peer_forget(&peer);
	leave_all(&peer);
	peer_wait(&peer, 1000);
	peer_turn(&peer);
	receive(&peer, seq, 1);
	peer_wait(&peer, 50000);
	assert_true(peer.out[peer.outs - 1].window > 50000);
	tcp_consume(peer.end.tcp, peer.conn, 1);
	peer_end(&peer);
}

static void a_window_that_memory_had_closed_opens_by_itself(void **state)
{
	struct peer peer;
	uint32_t    seq = 1;

	(void)state;
	peer_open_with(&peer, &plain, &(struct tcp_options){.receive_max = 8000}, sack_peer);
	for (unsigned i = 0; i < 8; i++, seq += 1000)
		receive(&peer, seq, 1000);
	leave(&peer, 8);
	tcp_consume(peer.end.tcp, peer.conn, 6000); /* what is still held keeps it closed */
	peer_wait(&peer, 50000);
	assert_int_equal(peer.outs, 0);
	rte_pktmbuf_free_bulk(taken, taken_count);
	taken_count = 0;
	peer_wait(&peer, 5000);
	assert_true(peer.outs > 0);
	assert_true(peer.out[peer.outs - 1].window >= 6000);
	peer_end(&peer);
}

static void below_a_fifth_what_waits_behind_holes_goes_and_no_more_is_kept(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	for (unsigned i = 0; i < 10; i++)
		receive(&peer, 2001 + i * 2000, 1000);
	assert_int_equal(wire_held(&peer), 10);
	leave(&peer, 30);
	assert_int_equal(wire_held(&peer), 10);
	leave(&peer, 15);
	assert_int_equal(wire_held(&peer), 0);
	receive(&peer, 2001, 1000);
	assert_int_equal(wire_held(&peer), 0);
	receive(&peer, 1, 1000); /* in order it goes on */
	assert_readable(&peer, 1, 1000);
	tcp_consume(peer.end.tcp, peer.conn, 1000);
	leave_all(&peer);
	peer_end(&peer);
}

static void below_a_tenth_nothing_is_begun_and_only_read_memory_is_filled_again(void **state)
{
	struct net_addr remote = rig_address(99);
	struct peer     peer;

	(void)state;
	peer_open(&peer);
	leave(&peer, 8);
	assert_int_equal(tcp_connect(peer.end.tcp, rig_now, &remote, 7777, &defaults, 1),
			 TCP_CONN_NONE);
	assert_int_equal(tcp_send(peer.end.tcp, peer.conn, "x", 1), 0);
	receive(&peer, 1, 1400); /* it holds nothing yet: maybe it is read at once */
	assert_int_equal(wire_held(&peer), 1);
	receive(&peer, 1401, 300); /* into the room behind */
	assert_int_equal(wire_held(&peer), 1);
	receive(&peer, 1701, 1400); /* no room: the peer will send it again */
	assert_int_equal(wire_held(&peer), 1);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_receive_dropped), 1);
	assert_readable(&peer, 1, 1700);
	tcp_consume(peer.end.tcp, peer.conn, 1700);
	receive(&peer, 1701, 1400);
	assert_readable(&peer, 1701, 1400);
	leave_all(&peer);
	peer_end(&peer);
}

static void half_messages_leave_packet_buffers_when_memory_is_short(void **state)
{
	enum { CONNS = 60 };
	struct peer peer;
	uint32_t    conns[CONNS];
	struct cur  in;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	for (unsigned i = 0; i < CONNS; i++) {
		peer.port = (uint16_t)(40000 + i);
		peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
		peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
		receive(&peer, 1, 100 + i);
		conns[i] = peer.conn;
		peer_forget(&peer);
	}
	assert_int_equal(wire_held(&peer), CONNS);
	leave(&peer, 30);
	assert_int_equal(wire_held(&peer), 0);
	for (unsigned i = 0; i < CONNS; i++) {
		peer.conn = conns[i];
		assert_int_equal(tcp_peek(peer.end.tcp, conns[i], 1, &in), 100 + i);
		assert_readable(&peer, 1, 100 + i);
		tcp_consume(peer.end.tcp, conns[i], 50); /* the rest stays as it is */
		peer_turn(&peer);
		assert_readable(&peer, 51, 50 + i);
	}
	leave_all(&peer);
	peer_end(&peer);
}

static void what_is_worth_its_buffers_is_not_moved(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	receive(&peer, 1, 1400);
	receive(&peer, 1401, 1400);
	leave(&peer, 30);
	assert_int_equal(wire_held(&peer), 2);
	assert_readable(&peer, 1, 2800);
	leave_all(&peer);
	peer_end(&peer);
}

static void a_stream_of_single_bytes_holds_no_more_than_four_times_its_size(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	for (uint32_t i = 0; i < 20000; i++) {
		receive(&peer, 1 + i, 1);
		peer_forget(&peer);
		assert_true(wire_held(&peer) <= 4 + 4 * (i + 1) / 2048 + 1);
	}
	assert_readable(&peer, 1, 20000);
	peer_end(&peer);
}

/* CVE-2018-5390: segments at random places of the window, one byte each. */
static void a_flood_at_random_offsets_costs_a_bounded_walk_for_each_segment(void **state)
{
	struct random random;
	struct peer   peer;

	(void)state;
	random_seed(&random, 5390);
	peer_open(&peer);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t before = peer.end.tcp->ooo_walked;

		receive(&peer, 2 + 2 * random_below(&random, 30000), 1);
		peer_forget(&peer);
		assert_true(peer.end.tcp->ooo_walked - before <= 33); /* runs */
		assert_true(wire_held(&peer) <= TCP_OOO_MIN + 65535 * 4 / TCP_MSS_MIN);
	}
	assert_true(rig_metric(&peer.end, METRIC_tcp_out_of_order_dropped) > 10000);
	receive(&peer, 1, 1000); /* it still works */
	assert_readable(&peer, 1, 1000);
	peer_end(&peer);
}

static void all_connections_together_hold_a_quarter_of_the_pool_behind_holes(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer.end.tcp->ooo_mbufs_max = 300; /* instead of a quarter of 8,191 */
	for (unsigned i = 0; i < 20; i++) {
		peer.port = (uint16_t)(40000 + i);
		peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
		peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
		for (unsigned n = 0; n < 40; n++) {
			receive(&peer, 101 + n * 200, 100);
			peer_forget(&peer);
		}
	}
	assert_int_equal(wire_held(&peer), 300);
	assert_int_equal(peer.end.tcp->ooo_mbufs, 300);
	peer_end(&peer);
}

static void an_acknowledgement_that_finds_no_memory_waits_a_millisecond(void **state)
{
	struct peer peer;
	unsigned    turns = 0;

	(void)state;
	peer_open(&peer);
	taken_count = rte_mempool_avail_count(rig_pool);
	assert_int_equal(rte_pktmbuf_alloc_bulk(rig_pool, taken, taken_count), 0);
	receive(&peer, 1, 1000);
	tcp_consume(peer.end.tcp, peer.conn, 1000);
	peer_turn(&peer);
	for (uint64_t end_us = rig_now.us + 20000; rig_now.us < end_us; turns++) {
		assert_in_range(peer.next_us - rig_now.us, 1, 1000); /* the worker may sleep */
		rig_pass(peer.next_us - rig_now.us);
		peer_turn(&peer);
	}
	assert_in_range(turns, 15, 25);
	expect_silence(&peer);
	rte_pktmbuf_free_bulk(taken, taken_count);
	taken_count = 0;
	rig_pass(1000);
	peer_turn(&peer);
	expect_segment(&peer, ACK, 1, 1001, 0);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_level_follows_what_is_free),
		cmocka_unit_test(below_two_fifths_no_window_grows_and_below_one_it_is_two_segments),
		cmocka_unit_test(a_window_that_memory_had_closed_opens_by_itself),
		cmocka_unit_test(below_a_fifth_what_waits_behind_holes_goes_and_no_more_is_kept),
		cmocka_unit_test(
			below_a_tenth_nothing_is_begun_and_only_read_memory_is_filled_again),
		cmocka_unit_test(half_messages_leave_packet_buffers_when_memory_is_short),
		cmocka_unit_test(what_is_worth_its_buffers_is_not_moved),
		cmocka_unit_test(a_stream_of_single_bytes_holds_no_more_than_four_times_its_size),
		cmocka_unit_test(a_flood_at_random_offsets_costs_a_bounded_walk_for_each_segment),
		cmocka_unit_test(an_acknowledgement_that_finds_no_memory_waits_a_millisecond),
		cmocka_unit_test(all_connections_together_hold_a_quarter_of_the_pool_behind_holes),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
