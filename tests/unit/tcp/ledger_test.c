/* The ledger: what it says of each connection, what a successor believes of it, and the reset that
 * a peer accepts. */
#include "peer.h"

#include "tcp/ledger.h"

#define LINES 64u

static struct tcp_ledger_line lines[LINES], kept[LINES];

static struct tcp_config with_ledger(void)
{
	memset(lines, 0, sizeof(lines));
	return (struct tcp_config){.connections_max = LINES, .ledger = lines};
}

static void open_noted(struct peer *peer)
{
	struct tcp_config config = with_ledger();

	peer_open_with(peer, &config, &(struct tcp_options){0}, (struct seg){.mss = 1460});
}

/* The process dies, another begins: nothing is said to the peer. */
static uint32_t die_and_begin(struct peer *peer)
{
	uint32_t isn = peer->stack_isn, n = tcp_ledger_read(lines, LINES, kept);

	peer_end(peer);
	peer_begin(peer, &(struct tcp_config){0}, &(struct tcp_options){0});
	peer->stack_isn = isn;
	return n;
}

static void a_line_follows_its_connection_and_ends_with_it(void **state)
{
	struct peer peer;

	(void)state;
	open_noted(&peer);
	assert_int_equal(tcp_ledger_read(lines, LINES, kept), 1);
	assert_int_equal(kept[0].remote_port, peer.port);
	assert_int_equal(kept[0].remote[0], rig_address(99).w[0]);
	peer_write(&peer, 100);
	assert_int_equal(tcp_ledger_read(lines, LINES, kept), 1);
	assert_int_equal(kept[0].snd_una - peer.stack_isn, 1);
	assert_int_equal(kept[0].snd_nxt - peer.stack_isn, 101);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 101, .len = 7});
	assert_int_equal(tcp_ledger_read(lines, LINES, kept), 1);
	assert_int_equal(kept[0].snd_una - peer.stack_isn, 101);
	assert_int_equal(kept[0].rcv_nxt - peer.isn, 8);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 8});
	assert_int_equal(tcp_ledger_read(lines, LINES, kept), 0);
	peer_end(&peer);
}

static void an_idle_peer_is_reset_with_the_very_number_it_expects(void **state)
{
	struct peer peer;

	(void)state;
	open_noted(&peer);
	peer_write(&peer, 100);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 101, .len = 7});
	tcp_consume(peer.end.tcp, peer.conn, 7);
	assert_int_equal(die_and_begin(&peer), 1);
	assert_int_equal(tcp_ledger_reset(peer.end.tcp, rig_now, &kept[0]), TCP_LEDGER_RESET);
	peer_turn(&peer);
	expect_segment(&peer, RST | ACK, 101, 8, 0);
	expect_silence(&peer);
	peer_end(&peer);
}

/* What it expects lies anywhere between; each of the three finds out another case. */
static void a_peer_with_bytes_on_the_way_is_reset_asked_and_reset(void **state)
{
	struct peer peer;

	(void)state;
	open_noted(&peer);
	peer_write(&peer, 100);
	assert_int_equal(die_and_begin(&peer), 1);
	assert_int_equal(tcp_ledger_reset(peer.end.tcp, rig_now, &kept[0]), TCP_LEDGER_RESET);
	peer_turn(&peer);
	expect_segment(&peer, RST | ACK, 101, 1, 0);
	expect_segment(&peer, RST | ACK, 1, 1, 0);
	expect_segment(&peer, ACK, 0, 1, 0); /* an old number: the peer says what it expects */
	expect_silence(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 61});
	expect_segment(&peer, RST, 61, 0u - peer.isn, 0);
	peer_end(&peer);
}

static void the_next_hop_is_asked_for_first(void **state)
{
	struct peer    peer;
	struct rig_end end;

	(void)state;
	open_noted(&peer);
	assert_int_equal(tcp_ledger_read(lines, LINES, kept), 1);
	rig_end_new(&end, 1, 7, &(struct tcp_config){0});
	assert_int_equal(tcp_ledger_reset(end.tcp, rig_now, &kept[0]), TCP_LEDGER_LATER);
	rig_learn(&end, &(struct net_addr){.w = {rig_address(99).w[0]}}, peer_mac);
	assert_int_equal(tcp_ledger_reset(end.tcp, rig_now, &kept[0]), TCP_LEDGER_RESET);
	rig_end_free(&end);
	rig_end_new(&end, 2, 7, &(struct tcp_config){0}); /* has another address now */
	assert_int_equal(tcp_ledger_reset(end.tcp, rig_now, &kept[0]), TCP_LEDGER_NO_ROUTE);
	rig_end_free(&end);
	peer_end(&peer);
}

static void an_address_that_is_still_tried_is_waited_for(void **state)
{
	struct peer    peer;
	struct rig_end end;

	(void)state;
	open_noted(&peer);
	assert_int_equal(tcp_ledger_read(lines, LINES, kept), 1);
	rig_duplicate_check = true;
	rig_end_new(&end, 1, 7, &(struct tcp_config){0});
	rig_duplicate_check = false;
	rig_learn(&end, &(struct net_addr){.w = {rig_address(99).w[0]}}, peer_mac);
	for (unsigned i = 0; i < 20; i++) { /* the address is asked for, for 0.2 s and a little */
		net_tick(end.net, rig_now);
		assert_int_equal(tcp_ledger_reset(end.tcp, rig_now, &kept[0]), TCP_LEDGER_LATER);
		rig_pass(10 * US_PER_MS);
	}
	rig_pass(120 * US_PER_MS);
	net_tick(end.net, rig_now);
	assert_int_equal(tcp_ledger_reset(end.tcp, rig_now, &kept[0]), TCP_LEDGER_RESET);
	rig_end_free(&end);
	peer_end(&peer);
}

static void a_line_with_any_bit_of_its_addresses_wrong_is_not_believed(void **state)
{
	struct peer            peer;
	struct tcp_ledger_line good;

	(void)state;
	open_noted(&peer);
	assert_int_equal(tcp_ledger_read(lines, LINES, kept), 1);
	good = kept[0];
	for (size_t bit = 0; bit < 8 * offsetof(struct tcp_ledger_line, spare); bit++) {
		struct tcp_ledger_line wrong = good;
		bool number = bit >= 8 * offsetof(struct tcp_ledger_line, snd_una) &&
			      bit < 8 * offsetof(struct tcp_ledger_line, check);

		((uint8_t *)&wrong)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(tcp_ledger_read(&wrong, 1, kept), number ? 1 : 0);
	}
	peer_end(&peer);
}

static void while_hushed_no_call_is_answered_and_all_else_is_reset(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &(struct tcp_config){0}, &(struct tcp_options){0});
	tcp_hush(peer.end.tcp, true);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	expect_silence(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 77});
	expect_segment(&peer, RST, 77, 0u - peer.isn, 0);
	tcp_hush(peer.end.tcp, false);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	assert_int_equal(peer_next(&peer)->flags, SYN | ACK);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_follows_its_connection_and_ends_with_it),
		cmocka_unit_test(an_idle_peer_is_reset_with_the_very_number_it_expects),
		cmocka_unit_test(a_peer_with_bytes_on_the_way_is_reset_asked_and_reset),
		cmocka_unit_test(the_next_hop_is_asked_for_first),
		cmocka_unit_test(an_address_that_is_still_tried_is_waited_for),
		cmocka_unit_test(a_line_with_any_bit_of_its_addresses_wrong_is_not_believed),
		cmocka_unit_test(while_hushed_no_call_is_answered_and_all_else_is_reset),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
