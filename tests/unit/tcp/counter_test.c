/* The counters that RFC 4022 names, and one for each attack that is fended off. */
#include "peer.h"

static const struct tcp_config  plain;
static const struct tcp_options defaults;

#define expect_counter(peer, name, wanted)                                                         \
	assert_int_equal(rig_metric(&(peer)->end, METRIC_tcp_##name), wanted)

static void an_open_connection_is_a_passive_open_and_established(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	expect_counter(&peer, passive_opens, 1);
	expect_counter(&peer, curr_estab, 1);
	expect_counter(&peer, in_segs, 2);
	expect_counter(&peer, out_segs, 1);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	expect_counter(&peer, curr_estab, 0);
	expect_counter(&peer, estab_resets, 0);
	peer_end(&peer);
}

static void a_reset_connection_counts_once_whoever_resets(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 1});
	expect_counter(&peer, estab_resets, 1);
	expect_counter(&peer, curr_estab, 0);
	peer_end(&peer);
	peer_open(&peer);
	tcp_close(peer.end.tcp, peer.conn, true);
	peer_turn(&peer);
	expect_counter(&peer, estab_resets, 1);
	expect_counter(&peer, out_rsts, 1);
	peer_end(&peer);
}

static void a_handshake_without_connection_is_a_failed_attempt(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	peer_send(&peer, (struct seg){.flags = RST, .seq = 1});
	expect_counter(&peer, passive_opens, 1);
	expect_counter(&peer, attempt_fails, 1);
	assert_true(tcp_connect(peer.end.tcp, rig_now,
				&(struct net_addr){.w = {rig_address(99).w[0]}}, 7, &defaults,
				0) != TCP_CONN_NONE);
	peer_turn(&peer);
	expect_counter(&peer, active_opens, 1);
	peer_wait(&peer, 11 * US_PER_SECOND);
	expect_counter(&peer, attempt_fails, 2);
	expect_counter(&peer, curr_estab, 0);
	peer_end(&peer);
}

static void what_is_sent_again_is_not_counted_as_sent(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_write(&peer, 100);
	expect_counter(&peer, out_segs, 2);
	peer_wait(&peer, 4 * US_PER_SECOND);
	expect_counter(&peer, out_segs, 2);
	assert_true(rig_metric(&peer.end, METRIC_tcp_retrans_segs) >= 2);
	peer_end(&peer);
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	peer_wait(&peer, 2 * US_PER_SECOND);
	expect_counter(&peer, out_segs, 1);
	expect_counter(&peer, retrans_segs, 1);
	peer_end(&peer);
}

static void each_attack_has_its_counter(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 100});
	expect_counter(&peer, blind_resets, 1);
	peer_send(&peer, (struct seg){.flags = SYN, .seq = 1});
	expect_counter(&peer, blind_syns, 1);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 5000});
	expect_counter(&peer, blind_acks, 1);
	peer_write(&peer, 100);
	peer_send(&peer, (struct seg){.flags = ACK,
				      .seq = 1,
				      .ack = 1,
				      .sacks = 2,
				      .sack = {{50, 20}, {1, 9000}}});
	expect_counter(&peer, bad_sacks, 2);
	peer.port++;
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 88});
	expect_counter(&peer, small_mss, 1);
	expect_counter(&peer, curr_estab, 1);
	peer_end(&peer);
}

static void a_wrong_checksum_is_a_segment_in_error(void **state)
{
	struct peer      peer;
	struct rte_mbuf *frame;

	(void)state;
	peer_open(&peer);
	frame = peer_frame(&peer, &(struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 10});
	*rte_pktmbuf_mtod_offset(frame, uint8_t *, 60) ^= 1;
	rig_frame_in(&peer.end, frame);
	expect_counter(&peer, in_segs, 3);
	expect_counter(&peer, in_errs, 1);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_connection_is_a_passive_open_and_established),
		cmocka_unit_test(a_reset_connection_counts_once_whoever_resets),
		cmocka_unit_test(a_handshake_without_connection_is_a_failed_attempt),
		cmocka_unit_test(what_is_sent_again_is_not_counted_as_sent),
		cmocka_unit_test(each_attack_has_its_counter),
		cmocka_unit_test(a_wrong_checksum_is_a_segment_in_error),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
