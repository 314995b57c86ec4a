/* Segments follow the path MTU, and ICMP errors are believed as far as each state allows. */
#include "peer.h"

#include "net/output.h"

static const struct tcp_config  plain;
static const struct tcp_options defaults;
static const struct seg         sack_peer = {.mss = 1460, .sack_ok = true};

enum { UNREACHABLE = 3, TIME_EXCEEDED = 11, PARAMETER = 12, TOO_BIG = 4 };

static uint32_t said; /* the next number of the peer */

static void open_and_write(struct peer *peer, unsigned n)
{
	said = 1;
	peer_open_with(peer, &plain, &defaults, sack_peer);
	peer_write(peer, n);
}

static void acknowledge(struct peer *peer, uint32_t ack)
{
	peer_send(peer, (struct seg){.flags = ACK, .seq = said, .ack = ack});
}

/* Everything that the stack sends, until it is silent, is acknowledged. Returns the largest. */
static uint32_t take_all(struct peer *peer, uint32_t end)
{
	uint32_t una = 1, largest = 0;

	for (unsigned turns = 0; turns < 1000 && una != end; turns++) {
		struct seg *s = peer_next(peer);

		if (s == NULL) {
			peer_wait(peer, 1000);
			continue;
		}
		if (s->len > largest)
			largest = s->len;
		if (s->seq <= una && s->seq + s->len > una) {
			assert_int_equal(s->len == 0 ? 0 : s->first, 0);
			una = s->seq + s->len;
			acknowledge(peer, una);
		}
		if (peer->outs > PEER_OUT_MAX / 2 && peer->seen == peer->outs)
			peer_forget(peer);
	}
	assert_int_equal(una, end);
	return largest;
}

static uint32_t cwnd_of(const struct peer *peer)
{
	struct tcp_info info;

	assert_true(tcp_info(peer->end.tcp, peer->conn, &info));
	return info.cwnd;
}

static void a_report_about_a_segment_in_flight_cuts_it_and_the_congestion_window_stays(void **state)
{
	struct peer peer;
	uint32_t    cwnd;

	(void)state;
	open_and_write(&peer, 4000);
	expect_segment(&peer, ACK, 1, 1, 1460);
	expect_segment(&peer, ACK, 1461, 1, 1460);
	expect_segment(&peer, ACK, 2921, 1, 1080);
	cwnd = cwnd_of(&peer);
	peer_icmp(&peer, UNREACHABLE, TOO_BIG, 1300, 1500, 1461);
	expect_segment(&peer, ACK, 1, 1, 1260); /* at once, and only what was too large */
	expect_segment(&peer, ACK, 1261, 1, 200);
	expect_segment(&peer, ACK, 1461, 1, 1260);
	expect_segment(&peer, ACK, 2721, 1, 200);
	expect_silence(&peer);
	assert_int_equal(cwnd_of(&peer), cwnd);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_mtu_reports), 1);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_fast_retransmits), 0);
	acknowledge(&peer, 4001);
	peer_write(&peer, 1460);
	expect_segment(&peer, ACK, 4001, 1, 1260);
	expect_segment(&peer, ACK, 5261, 1, 200);
	peer_end(&peer);
}

static void
a_new_connection_begins_with_what_is_known_and_offers_what_the_link_carries(void **state)
{
	struct peer     peer;
	struct net_addr remote = rig_address(99);

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	net_path_mtu_learn(peer.end.net, rig_now, &remote, 1000);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460, .sack_ok = true});
	assert_int_equal(peer_next(&peer)->mss, 1460);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	peer_write(&peer, 1460);
	expect_segment(&peer, ACK, 1, 1, 960);
	expect_segment(&peer, ACK, 961, 1, 500);
	peer_end(&peer);
}

static void what_another_connection_learned_holds_for_the_next_segment(void **state)
{
	struct peer     peer;
	struct net_addr remote = rig_address(99);

	(void)state;
	open_and_write(&peer, 100);
	expect_segment(&peer, ACK, 1, 1, 100);
	acknowledge(&peer, 101);
	net_path_mtu_learn(peer.end.net, rig_now, &remote, 1000);
	peer_write(&peer, 1460);
	assert_int_equal(peer_next(&peer)->len, 960);
	peer_wait(&peer, 700 * US_PER_SECOND); /* and after ten minutes it is forgotten */
	peer_end(&peer);
	peer_open_with(&peer, &plain, &(struct tcp_options){.keepalive_s = 1000}, sack_peer);
	net_path_mtu_learn(peer.end.net, rig_now, &remote, 1000);
	peer_wait(&peer, 601 * US_PER_SECOND);
	peer_forget(&peer);
	peer_write(&peer, 1460);
	expect_segment(&peer, ACK, 1, 1, 1460);
	peer_end(&peer);
}

static void a_report_that_quotes_nothing_in_flight_is_not_believed(void **state)
{
	static const uint32_t forged[] = {0, 4001, 5000, 0x80000000u};
	struct peer           peer;

	(void)state;
	open_and_write(&peer, 4000);
	peer_forget(&peer);
	for (unsigned i = 0; i < 4; i++)
		peer_icmp(&peer, UNREACHABLE, TOO_BIG, 1300, 1500, forged[i]);
	expect_silence(&peer);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_icmp_errors), 0);
	assert_int_equal(rig_metric(&peer.end, METRIC_path_mtus_learned), 0);
	peer_end(&peer);
}

static void a_report_against_the_evidence_waits_until_the_segment_is_missing(void **state)
{
	struct peer peer;
	uint32_t    cwnd;

	(void)state;
	open_and_write(&peer, 1460);
	acknowledge(&peer, 1461); /* so large passes */
	peer_write(&peer, 2920);
	peer_forget(&peer);
	peer_icmp(&peer, UNREACHABLE, TOO_BIG, 1300, 1500, 1461);
	expect_silence(&peer);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_mtu_reports_doubted), 1);
	acknowledge(&peer, 2921); /* a lie */
	peer_wait(&peer, US_PER_SECOND);
	assert_int_equal(rig_metric(&peer.end, METRIC_path_mtus_learned), 0);
	assert_true(peer.outs > 0);
	assert_int_equal(peer.out[0].len, 1460);
	acknowledge(&peer, 4381);
	peer_write(&peer, 2920);
	peer_forget(&peer);
	cwnd = cwnd_of(&peer);
	peer_icmp(&peer, UNREACHABLE, TOO_BIG, 1300, 1500, 4381); /* the truth */
	expect_silence(&peer);
	peer_wait(&peer, 900000);
	expect_segment(&peer, ACK, 4381, 1, 1260);
	assert_int_equal(rig_metric(&peer.end, METRIC_path_mtus_learned), 1);
	assert_int_equal(cwnd_of(&peer), cwnd);
	peer_end(&peer);
}

static void no_report_makes_segments_smaller_than_a_path_of_552(void **state)
{
	struct peer peer;

	(void)state;
	open_and_write(&peer, 1460);
	peer_forget(&peer);
	peer_icmp(&peer, UNREACHABLE, TOO_BIG, 68, 1500, 1);
	expect_segment(&peer, ACK, 1, 1, 512);
	expect_segment(&peer, ACK, 513, 1, 512);
	expect_segment(&peer, ACK, 1025, 1, 436);
	peer_icmp(&peer, UNREACHABLE, TOO_BIG, 68, 552, 1);
	expect_silence(&peer);
	peer_end(&peer);
}

/* The network swallows what is larger than max without a word; the peer talks meanwhile, or not.
 * Returns how long it took until all had arrived. */
static uint64_t pass_black_hole(struct peer *peer, uint32_t max, uint32_t from, uint32_t end,
				bool talks)
{
	uint64_t start_us = rig_now.us;
	uint32_t una = from;

	while (rig_now.us < start_us + 60 * US_PER_SECOND && una != end) {
		struct seg *s = peer_next(peer);

		if (s == NULL) {
			peer_forget(peer);
			peer_wait(peer, 10000);
			if (talks)
				peer_send(peer, (struct seg){.flags = ACK,
							     .seq = said++,
							     .ack = una,
							     .len = 1});
			continue;
		}
		if (s->len > max || s->len == 0)
			continue;
		if (s->seq == una)
			una += s->len;
		peer_send(peer, (struct seg){.flags = ACK, .seq = said, .ack = una});
	}
	assert_int_equal(una, end);
	return rig_now.us - start_us;
}

static void a_black_hole_is_found_and_passed_with_smaller_segments(void **state)
{
	static const struct {
		uint32_t passes;
		bool     talks;
		uint64_t most_ms;
	} rows[] = {{1240, true, 250}, {1240, false, 700}, {512, true, 700}, {512, false, 1500}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer     peer;
		struct net_addr remote = rig_address(99);
		struct net_path path;

		open_and_write(&peer, 100);
		acknowledge(&peer, 101); /* now the timeout is the least */
		peer_write(&peer, 20000);
		assert_in_range(pass_black_hole(&peer, rows[i].passes, 101, 20101, rows[i].talks) /
					1000,
				200, rows[i].most_ms);
		assert_true(rig_metric(&peer.end, METRIC_tcp_mtu_black_holes) > 0);
		assert_true(net_path_find(peer.end.net, rig_now, &remote, &path));
		assert_true(path.mtu - 40u <= rows[i].passes); /* others profit from it */
		assert_true(path.mtu >= 552);
		peer_end(&peer);
	}
}

static void a_path_that_stays_narrow_is_found_so_again_at_the_first_loss(void **state)
{
	struct peer peer;

	(void)state;
	said = 1;
	peer_open_with(&peer, &plain, &(struct tcp_options){.keepalive_s = 1000}, sack_peer);
	peer_write(&peer, 100);
	acknowledge(&peer, 101);
	peer_write(&peer, 5000);
	pass_black_hole(&peer, 1240, 101, 5101, true);
	peer_wait(&peer, 601 * US_PER_SECOND);
	peer_write(&peer, 100);
	acknowledge(&peer, 5201);
	peer_forget(&peer);
	peer_write(&peer, 5000);
	assert_int_equal(peer.out[0].len, 1460); /* tried again */
	assert_in_range(pass_black_hole(&peer, 1240, 5201, 10201, false) / 1000, 200, 1000);
	peer_end(&peer);
}

static void an_outage_is_not_taken_for_a_black_hole_once_it_ends(void **state)
{
	struct peer     peer;
	struct net_addr remote = rig_address(99);
	struct net_path path;

	(void)state;
	open_and_write(&peer, 2920);
	peer_wait(&peer, 30 * US_PER_SECOND); /* smaller ones are tried meanwhile */
	assert_true(rig_metric(&peer.end, METRIC_tcp_mtu_black_holes) > 0);
	acknowledge(&peer, 2921); /* all had arrived, only their acknowledgements had not */
	assert_true(net_path_find(peer.end.net, rig_now, &remote, &path));
	assert_int_equal(path.mtu, 1500);
	peer_forget(&peer);
	peer_write(&peer, 1460);
	expect_segment(&peer, ACK, 2921, 1, 1460);
	peer_end(&peer);
}

static void a_dead_peer_costs_no_more_than_the_user_timeout(void **state)
{
	struct peer peer;

	(void)state;
	open_and_write(&peer, 2920);
	peer_wait(&peer, 121 * US_PER_SECOND);
	assert_non_null(peer_event(&peer, TCP_EVENT_CLOSED));
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_TIMEOUT);
	peer_end(&peer);
}

static void a_queue_of_many_pieces_is_cut_and_every_byte_arrives(void **state)
{
	struct peer peer;

	(void)state;
	peer_open_with(&peer, &plain, &defaults, sack_peer);
	peer_write(&peer, 60000);
	peer_forget(&peer);
	peer_icmp(&peer, UNREACHABLE, TOO_BIG, 576, 1500, 1);
	assert_in_range(take_all(&peer, 60001), 500, 536);
	peer_end(&peer);
}

static void errors_end_a_handshake_but_no_connection(void **state)
{
	static const struct {
		uint8_t     type, code;
		enum reason first, second; /* at the first and second try of a SYN */
	} rows[] = {
		{UNREACHABLE, 0, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
		{UNREACHABLE, 1, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
		{UNREACHABLE, 2, REASON_CONNECTION_REFUSED, REASON_NONE},
		{UNREACHABLE, 3, REASON_CONNECTION_REFUSED, REASON_NONE},
		{UNREACHABLE, 4, REASON_NONE, REASON_NONE},
		{UNREACHABLE, 5, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
		{UNREACHABLE, 9, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
		{UNREACHABLE, 13, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
		{TIME_EXCEEDED, 0, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
		{TIME_EXCEEDED, 1, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
		{PARAMETER, 0, REASON_NONE, REASON_CONNECTION_UNREACHABLE},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum reason       wanted[2] = {rows[i].first, rows[i].second};
		struct net_addr   remote = rig_address(99);
		struct tcp_event *closed;
		struct peer       peer;

		peer_begin(&peer, &plain, &defaults);
		tcp_connect(peer.end.tcp, rig_now, &remote, 2776, &defaults, 7);
		peer_turn(&peer);
		for (unsigned attempt = 0; attempt < 2; attempt++) {
			peer_icmp(&peer, rows[i].type, rows[i].code, 0, 60, 0);
			closed = peer_event(&peer, TCP_EVENT_CLOSED);
			if (wanted[attempt] == REASON_NONE) {
				assert_null(closed);
			} else {
				assert_non_null(closed);
				assert_int_equal(closed->why, wanted[attempt]);
				break;
			}
			peer_wait(&peer, 1100000);
		}
		peer_end(&peer);
		open_and_write(&peer, 100);
		for (unsigned n = 0; n < 5; n++)
			peer_icmp(&peer, rows[i].type, rows[i].code, 0, 140, 1);
		assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
		acknowledge(&peer, 101);
		peer_end(&peer);
	}
}

static void what_the_network_said_is_the_reason_when_a_connection_times_out(void **state)
{
	struct peer peer;

	(void)state;
	open_and_write(&peer, 100);
	peer_icmp(&peer, UNREACHABLE, 1, 0, 140, 1);
	peer_wait(&peer, 121 * US_PER_SECOND);
	assert_non_null(peer_event(&peer, TCP_EVENT_CLOSED));
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_UNREACHABLE);
	peer_end(&peer);
	open_and_write(&peer, 100);
	peer_icmp(&peer, UNREACHABLE, 1, 0, 140, 1);
	acknowledge(&peer, 101); /* it passed */
	peer_write(&peer, 100);
	peer_wait(&peer, 121 * US_PER_SECOND);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_TIMEOUT);
	peer_end(&peer);
}

static void a_refused_answer_to_a_syn_frees_its_entry(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 1);
	peer_icmp(&peer, UNREACHABLE, 3, 0, 44, 1); /* not its number */
	peer_icmp(&peer, UNREACHABLE, 1, 0, 44, 0); /* soft */
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 1);
	peer_icmp(&peer, UNREACHABLE, 3, 0, 44, 0);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 0);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_report_about_a_segment_in_flight_cuts_it_and_the_congestion_window_stays),
		cmocka_unit_test(
			a_new_connection_begins_with_what_is_known_and_offers_what_the_link_carries),
		cmocka_unit_test(what_another_connection_learned_holds_for_the_next_segment),
		cmocka_unit_test(a_report_that_quotes_nothing_in_flight_is_not_believed),
		cmocka_unit_test(a_report_against_the_evidence_waits_until_the_segment_is_missing),
		cmocka_unit_test(no_report_makes_segments_smaller_than_a_path_of_552),
		cmocka_unit_test(a_black_hole_is_found_and_passed_with_smaller_segments),
		cmocka_unit_test(a_path_that_stays_narrow_is_found_so_again_at_the_first_loss),
		cmocka_unit_test(an_outage_is_not_taken_for_a_black_hole_once_it_ends),
		cmocka_unit_test(a_dead_peer_costs_no_more_than_the_user_timeout),
		cmocka_unit_test(a_queue_of_many_pieces_is_cut_and_every_byte_arrives),
		cmocka_unit_test(errors_end_a_handshake_but_no_connection),
		cmocka_unit_test(what_the_network_said_is_the_reason_when_a_connection_times_out),
		cmocka_unit_test(a_refused_answer_to_a_syn_frees_its_entry),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
