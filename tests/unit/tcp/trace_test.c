/* Flight recorders: what they tell, how long they are kept, and that they never outgrow their pool.
 */
#include "peer.h"

static const struct tcp_options defaults;

static struct tcp_trace_entry entries[TCP_TRACE_ENTRIES_MAX];

static unsigned count_of(unsigned n, enum tcp_trace_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += entries[i].kind == kind;
	return count;
}

static void a_record_tells_segments_in_order_with_numbers_from_the_syn(void **state)
{
	struct peer peer;
	unsigned    n;

	(void)state;
	peer_open(&peer);
	rig_pass(1000);
	peer_send(&peer, (struct seg){.flags = ACK | PSH, .seq = 1, .ack = 1, .len = 10});
	n = tcp_trace_read(peer.end.tcp, peer.conn, entries);
	assert_int_equal(n, 4); /* the state, the handshake's end, data, its acknowledgement */
	assert_int_equal(count_of(n, TCP_TRACE_STATE), 1);
	assert_int_equal(entries[2].kind, TCP_TRACE_IN);
	assert_int_equal(entries[2].us, rig_now.us);
	assert_int_equal(entries[2].flags, ACK | PSH);
	assert_int_equal(entries[2].first, 1);
	assert_int_equal(entries[2].second, 1);
	assert_int_equal(entries[2].len, 10);
	assert_int_equal(entries[3].kind, TCP_TRACE_OUT);
	assert_int_equal(entries[3].second, 11);
	peer_end(&peer);
}

static void bulk_traffic_does_not_push_out_events(void **state)
{
	struct peer peer;
	unsigned    n;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 100}); /* in the window: challenged */
	for (uint32_t i = 0; i < 200; i++) {
		rig_pass(1000);
		peer_send(&peer,
			  (struct seg){.flags = ACK, .seq = 1 + i * 10, .ack = 1, .len = 10});
		tcp_consume(peer.end.tcp, peer.conn, 10);
		peer_forget(&peer);
	}
	n = tcp_trace_read(peer.end.tcp, peer.conn, entries);
	assert_int_equal(n, 34); /* the ring of segments is full */
	assert_int_equal(count_of(n, TCP_TRACE_DROPPED), 1);
	assert_int_equal(entries[1].first, METRIC_tcp_blind_resets);
	assert_int_equal(entries[1].second, 100);
	for (unsigned i = 1; i < n; i++)
		assert_true(entries[i].us >= entries[i - 1].us);
	peer_end(&peer);
}

static void losses_timeouts_and_closed_windows_are_events(void **state)
{
	struct peer peer;
	unsigned    n;

	(void)state;
	peer_open(&peer);
	peer_write(&peer, 100);
	peer_wait(&peer, 2200000); /* the probe of the tail, then the timeout */
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 101, .closed = true});
	n = tcp_trace_read(peer.end.tcp, peer.conn, entries);
	assert_int_equal(count_of(n, TCP_TRACE_TIMER), 2);
	assert_int_equal(count_of(n, TCP_TRACE_AGAIN), 2);
	assert_int_equal(count_of(n, TCP_TRACE_RECOVERED), 1);
	assert_int_equal(count_of(n, TCP_TRACE_PEER_WINDOW), 1);
	peer_end(&peer);
}

static void our_closed_window_is_told_when_it_shuts_and_when_it_opens(void **state)
{
	struct peer peer;
	unsigned    n;

	(void)state;
	peer_open_with(&peer, &(struct tcp_config){0}, &(struct tcp_options){.receive_max = 2000},
		       (struct seg){.mss = 1460});
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 1000});
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1001, .ack = 1, .len = 1000});
	n = tcp_trace_read(peer.end.tcp, peer.conn, entries);
	assert_int_equal(count_of(n, TCP_TRACE_OUR_WINDOW), 1);
	tcp_consume(peer.end.tcp, peer.conn, 2000);
	peer_turn(&peer);
	n = tcp_trace_read(peer.end.tcp, peer.conn, entries);
	assert_int_equal(count_of(n, TCP_TRACE_OUR_WINDOW), 2);
	peer_end(&peer);
}

static void the_record_outlives_its_connection(void **state)
{
	struct peer     peer;
	struct tcp_info info;
	uint32_t        closed[TCP_TRACE_CLOSED_MAX];
	unsigned        n;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 10});
	rig_pass(1000);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 11});
	assert_false(tcp_info(peer.end.tcp, peer.conn, &info));
	assert_int_equal(tcp_closed_list(peer.end.tcp, closed, TCP_TRACE_CLOSED_MAX), 1);
	assert_int_equal(closed[0], peer.conn);
	assert_true(tcp_closed_info(peer.end.tcp, peer.conn, &info));
	assert_int_equal(info.why, REASON_CONNECTION_RESET);
	assert_int_equal(info.bytes_in, 10);
	assert_int_equal(info.receive_queued, 10); /* as it was: nobody had read them */
	assert_int_equal(info.remote_port, peer.port);
	n = tcp_trace_read(peer.end.tcp, peer.conn, entries);
	assert_int_equal(entries[n - 2].flags, RST);
	assert_int_equal(entries[n - 1].kind, TCP_TRACE_STATE);
	peer_end(&peer);
}

static void open_one(struct peer *peer)
{
	peer->port++;
	peer_send(peer, (struct seg){.flags = SYN, .mss = 1460});
	peer_send(peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	peer_forget(peer);
	peer->event_count = 0;
}

static void the_last_that_ended_are_kept_newest_first(void **state)
{
	struct peer peer;
	uint32_t    closed[TCP_TRACE_CLOSED_MAX + 1];

	(void)state;
	peer_begin(&peer, &(struct tcp_config){.connections_max = 8}, &defaults);
	for (unsigned i = 0; i < TCP_TRACE_CLOSED_MAX + 50; i++) {
		open_one(&peer);
		peer_send(&peer, (struct seg){.flags = RST, .seq = 1});
	}
	assert_int_equal(tcp_closed_list(peer.end.tcp, closed, TCP_TRACE_CLOSED_MAX + 1),
			 TCP_TRACE_CLOSED_MAX);
	assert_int_equal(closed[0], peer.conn);
	assert_int_not_equal(closed[1], peer.conn);
	peer_end(&peer);
}

#define FEW (TCP_TRACE_CLOSED_MAX + 16) /* sixteen recorders, two of them for trouble */
#define MANY 300u

/* Opens 20 connections over 16 recorders; conns[] in the order of opening. */
static void open_too_many(struct peer *peer, uint32_t conns[20])
{
	peer_begin(peer, &(struct tcp_config){.connections_max = 64, .traces_max = FEW}, &defaults);
	for (unsigned i = 0; i < 20; i++) {
		open_one(peer);
		conns[i] = peer->conn;
	}
}

/* More connections than there are recorders: the last have none. */
static void recorders_use_up(struct peer *peer, uint32_t conns[MANY])
{
	peer_begin(peer, &(struct tcp_config){.connections_max = 512, .traces_max = FEW},
		   &defaults);
	for (unsigned i = 0; i < MANY; i++) {
		open_one(peer);
		conns[i] = peer->conn;
	}
	assert_int_equal(tcp_trace_read(peer->end.tcp, conns[MANY - 1], entries), 0);
}

static void when_recorders_run_short_the_silent_give_theirs(void **state)
{
	struct peer peer;
	uint32_t    conns[MANY];
	unsigned    recorded = 0;

	(void)state;
	recorders_use_up(&peer, conns);
	peer_wait(&peer, 11 * US_PER_SECOND);
	for (unsigned i = 0; i < 100; i++)
		peer_turn(&peer); /* a few are looked at in each */
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 10});
	assert_true(tcp_trace_read(peer.end.tcp, conns[MANY - 1], entries) > 0);
	for (unsigned i = 0; i < MANY; i++)
		recorded += tcp_trace_read(peer.end.tcp, conns[i], entries) > 0;
	assert_true(recorded <= FEW);
	peer_end(&peer);
}

static void a_connection_in_trouble_gets_one_of_the_reserve(void **state)
{
	struct peer peer;
	uint32_t    conns[MANY];

	(void)state;
	recorders_use_up(&peer, conns);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 100});
	assert_int_equal(
		count_of(tcp_trace_read(peer.end.tcp, conns[MANY - 1], entries), TCP_TRACE_DROPPED),
		1);
	peer_end(&peer);
}

static void living_connections_are_listed_in_pieces(void **state)
{
	struct peer peer;
	uint32_t    conns[20], handles[8], from = 0;
	unsigned    seen = 0, n;

	(void)state;
	open_too_many(&peer, conns);
	tcp_close(peer.end.tcp, conns[3], true);
	peer_turn(&peer);
	while (from != UINT32_MAX) {
		n = tcp_list(peer.end.tcp, &from, handles, 8);
		for (unsigned i = 0; i < n; i++, seen++)
			assert_int_equal(handles[i], conns[seen < 3 ? seen : seen + 1]);
	}
	assert_int_equal(seen, 19);
	peer_end(&peer);
}

static void every_kind_has_words(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < TCP_TRACE_COUNT; kind++) {
		struct tcp_trace_entry entry = {.kind = kind, .flags = ACK | SYN, .first = 3};
		char                   what[32], detail[96];

		tcp_trace_text(&entry, what, detail);
		assert_true(what[0] != '\0' && what[0] != '?');
		assert_true(detail[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_tells_segments_in_order_with_numbers_from_the_syn),
		cmocka_unit_test(bulk_traffic_does_not_push_out_events),
		cmocka_unit_test(losses_timeouts_and_closed_windows_are_events),
		cmocka_unit_test(our_closed_window_is_told_when_it_shuts_and_when_it_opens),
		cmocka_unit_test(the_record_outlives_its_connection),
		cmocka_unit_test(the_last_that_ended_are_kept_newest_first),
		cmocka_unit_test(when_recorders_run_short_the_silent_give_theirs),
		cmocka_unit_test(a_connection_in_trouble_gets_one_of_the_reserve),
		cmocka_unit_test(living_connections_are_listed_in_pieces),
		cmocka_unit_test(every_kind_has_words),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
