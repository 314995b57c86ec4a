/* Connections that end: every order of FINs, resets and who may send them, TIME_WAIT. */
#include "peer.h"

static const struct tcp_config  plain;
static const struct tcp_options defaults;
static const struct seg         with_ts = {.mss = 1460, .has_ts = true, .ts = 5000};

static void our_close_is_delivered_and_ends_in_time_wait(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_send(peer.end.tcp, peer.conn, "bye", 3);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	expect_segment(&peer, FIN | ACK, 1, 1, 3); /* the FIN rides on the data */
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 5});
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 5});
	expect_segment(&peer, ACK, 5, 2, 0);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_NONE);
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 1);
	peer_send(
		&peer,
		(struct seg){.flags = FIN | ACK, .seq = 1, .ack = 5}); /* our last word was lost */
	expect_segment(&peer, ACK, 5, 2, 0);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 2}); /* RFC 1337 */
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 1);
	peer_wait(&peer, 61 * US_PER_SECOND);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 0);
	peer_end(&peer);
}

static void the_peer_closes_first_and_we_may_go_on_sending(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 1});
	expect_segment(&peer, ACK, 1, 2, 0);
	assert_non_null(peer_event(&peer, TCP_EVENT_READABLE));
	assert_true(tcp_read_ended(peer.end.tcp, peer.conn));
	peer_write(&peer, 100);
	expect_segment(&peer, ACK, 1, 2, 100);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 2, .ack = 101});
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	expect_segment(&peer, FIN | ACK, 101, 2, 0);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 2, .ack = 102});
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CLOSED_BY_PEER);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 0);
	peer_end(&peer);
}

static void consume(struct peer *peer, uint32_t n)
{
	struct cur in;

	assert_int_equal(tcp_peek(peer->end.tcp, peer->conn, n, &in), n);
	tcp_consume(peer->end.tcp, peer->conn, n);
}

/* RFC 9293, 3.6: our direction ends, the peer's goes on for as long as it likes. */
static void after_our_end_the_peer_is_read_on(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_send(peer.end.tcp, peer.conn, "bye", 3);
	tcp_end(peer.end.tcp, peer.conn);
	assert_int_equal(tcp_send(peer.end.tcp, peer.conn, "more", 4), 0);
	peer_turn(&peer);
	expect_segment(&peer, FIN | ACK, 1, 1, 3);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 5});
	for (uint32_t at = 1; at <= 2000; at += 1000) {
		peer_forget(&peer);
		peer_wait(&peer, 50 * US_PER_SECOND); /* no FIN_WAIT_2 timeout while it is read */
		peer_forget(&peer);
		peer_send(&peer, (struct seg){.flags = ACK, .seq = at, .ack = 5, .len = 1000});
		expect_segment(&peer, ACK, 5, at + 1000, 0);
	}
	/* The end of the stream, and what came before it still unread. */
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 2001, .ack = 5});
	expect_segment(&peer, ACK, 5, 2002, 0);
	assert_true(tcp_read_ended(peer.end.tcp, peer.conn));
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	consume(&peer, 2000);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_NONE);
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 1);
	peer_end(&peer);
}

/* The peer that has forgotten the connection resets on a late duplicate of our acknowledgement, and
 * is silent for ever. */
static void after_both_ends_neither_reset_nor_silence_takes_bytes_from_the_reader(void **state)
{
	struct peer peer;
	struct cur  in;

	(void)state;
	for (unsigned first = 0; first < 2; first++) { /* who ends first */
		peer_open(&peer);
		if (first == 0) {
			tcp_end(peer.end.tcp, peer.conn);
			peer_turn(&peer);
			peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 2});
		}
		peer_send(&peer, (struct seg){.flags = FIN | ACK,
					      .seq = 1,
					      .ack = first == 0 ? 2 : 1,
					      .len = 1000});
		if (first == 1) {
			tcp_end(peer.end.tcp, peer.conn);
			peer_turn(&peer);
			peer_send(&peer, (struct seg){.flags = ACK, .seq = 1002, .ack = 2});
		}
		peer_send(&peer, (struct seg){.flags = RST, .seq = 1002});
		assert_int_equal(rig_metric(&peer.end, METRIC_tcp_late_resets), 1);
		peer_forget(&peer);
		peer_wait(&peer, 600 * US_PER_SECOND);
		expect_silence(&peer);
		assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
		assert_int_equal(tcp_peek(peer.end.tcp, peer.conn, 1000, &in), 1000);
		assert_true(tcp_read_ended(peer.end.tcp, peer.conn));
		consume(&peer, 1000);
		tcp_close(peer.end.tcp, peer.conn, false);
		peer_turn(&peer);
		assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why,
				 first == 0 ? REASON_NONE : REASON_CLOSED_BY_PEER);
		peer_end(&peer);
	}
}

static void expect_forgotten_after_a_minute(struct peer *peer)
{
	peer_wait(peer, 59 * US_PER_SECOND);
	assert_null(peer_event(peer, TCP_EVENT_CLOSED));
	peer_wait(peer, 2 * US_PER_SECOND);
	assert_non_null(peer_event(peer, TCP_EVENT_CLOSED));
	assert_int_equal(peer_event(peer, TCP_EVENT_CLOSED)->why, REASON_NONE);
}

static void closed_after_our_end_a_silent_peer_is_given_a_minute(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_end(peer.end.tcp, peer.conn);
	tcp_end(peer.end.tcp, peer.conn); /* once */
	peer_turn(&peer);
	expect_segment(&peer, FIN | ACK, 1, 1, 0);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 2});
	tcp_close(peer.end.tcp, peer.conn, false);
	expect_forgotten_after_a_minute(&peer);
	peer_end(&peer);
}

static void what_was_not_read_after_our_end_makes_the_close_a_reset(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_end(peer.end.tcp, peer.conn);
	peer_turn(&peer);
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 2, .len = 10});
	peer_forget(&peer);
	tcp_close(peer.end.tcp, peer.conn, false); /* RFC 1122, 4.2.2.13 */
	peer_turn(&peer);
	assert_true((peer_next(&peer)->flags & RST) != 0);
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	peer_end(&peer);
}

static void the_peer_ended_first_and_its_bytes_outlive_our_end(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 1, .len = 10});
	tcp_end(peer.end.tcp, peer.conn);
	peer_turn(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 12, .ack = 2});
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	consume(&peer, 10);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CLOSED_BY_PEER);
	peer_end(&peer);
}

static void fins_that_cross_end_in_time_wait(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	expect_segment(&peer, FIN | ACK, 1, 1, 0);
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 1});
	expect_segment(&peer, ACK, 2, 2, 0);
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 2, .ack = 2});
	assert_non_null(peer_event(&peer, TCP_EVENT_CLOSED));
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 1);
	peer_end(&peer);
}

static void a_fin_that_answers_both_at_once_ends_in_time_wait(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 2});
	expect_segment(&peer, ACK, 2, 2, 0);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 1);
	peer_end(&peer);
}

static void a_lost_fin_is_sent_again(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	peer_wait(&peer, 1100000);
	expect_segment(&peer, FIN | ACK, 1, 1, 0);
	expect_segment(&peer, FIN | ACK, 1, 1, 0);
	peer_end(&peer);
}

static void a_peer_that_never_closes_is_forgotten_after_a_minute(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 2});
	expect_forgotten_after_a_minute(&peer);
	peer_end(&peer);
}

static void a_close_with_unread_bytes_is_a_reset(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 10});
	peer_forget(&peer);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	expect_segment(&peer, RST | ACK, 1, 11, 0);
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	peer_end(&peer);
}

static void data_after_our_close_is_answered_by_a_reset(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 2, .len = 10});
	expect_segment(&peer, RST | ACK, 2, 1, 0);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_RESET);
	peer_end(&peer);
}

static void an_abort_resets_at_once_and_the_handle_is_dead(void **state)
{
	struct peer peer;
	struct cur  in;
	uint32_t    conn;

	(void)state;
	peer_open(&peer);
	conn = peer.conn;
	tcp_close(peer.end.tcp, conn, true);
	peer_turn(&peer);
	expect_segment(&peer, RST | ACK, 1, 1, 0);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_NONE);
	assert_int_equal(peer.event_count, 1);
	assert_int_equal(tcp_send(peer.end.tcp, conn, "x", 1), 0);
	assert_int_equal(tcp_peek(peer.end.tcp, conn, 1, &in), 0);
	assert_int_equal(tcp_send_room(peer.end.tcp, conn), 0);
	assert_false(tcp_info(peer.end.tcp, conn, &(struct tcp_info){0}));
	tcp_close(peer.end.tcp, conn, true);
	peer_turn(&peer);
	expect_silence(&peer);
	peer_end(&peer);
}

static void only_the_very_next_number_resets(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 2}); /* in the window: asked about */
	expect_segment(&peer, ACK, 1, 1, 0);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 100000}); /* outside: not heard */
	peer_send(&peer, (struct seg){.flags = RST, .seq = 0});
	expect_silence(&peer);
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	peer_send(&peer, (struct seg){.flags = RST, .seq = 1});
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_RESET);
	expect_silence(&peer);
	peer_end(&peer);
}

static void a_syn_in_a_connection_is_challenged_five_times_a_second(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	for (unsigned i = 0; i < 20; i++)
		peer_send(&peer, (struct seg){.flags = SYN, .seq = 1000 * i});
	for (unsigned i = 0; i < 5; i++)
		expect_segment(&peer, ACK, 1, 1, 0);
	expect_silence(&peer);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_challenge_acks_limited), 15);
	peer_wait(&peer, 1100000);
	peer_send(&peer, (struct seg){.flags = SYN, .seq = 1});
	expect_segment(&peer, ACK, 1, 1, 0);
	peer_end(&peer);
}

static void an_acknowledgement_of_what_was_not_sent_is_challenged(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 2, .len = 100});
	expect_segment(&peer, ACK, 1, 1, 0); /* and its data was not taken */
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 0x80000000u});
	expect_segment(&peer, ACK, 1, 1, 0);
	peer_end(&peer);
}

/* Opens with timestamps, closes from our side, and leaves it in TIME_WAIT. Returns where the peer's
 * numbers ended. */
static void into_time_wait(struct peer *peer, struct seg options)
{
	peer_open_with(peer, &plain, &defaults, options);
	tcp_close(peer->end.tcp, peer->conn, false);
	peer_turn(peer);
	peer_send(peer, (struct seg){.flags = FIN | ACK,
				     .seq = 1,
				     .ack = 2,
				     .has_ts = options.has_ts,
				     .ts = options.ts + 1});
	assert_int_equal(rig_metric(&peer->end, METRIC_tcp_time_waits), 1);
	peer_forget(peer);
	peer->event_count = 0;
}

static void time_wait_gives_way_to_a_newer_timestamp(void **state)
{
	struct peer peer;
	uint32_t    isn;

	(void)state;
	into_time_wait(&peer, with_ts);
	isn = peer.stack_isn;
	peer_send(&peer, (struct seg){.flags = SYN, .seq = 0u - 50000, .has_ts = true, .ts = 4999});
	expect_segment(&peer, ACK, 2, 2, 0); /* older: the old connection answers */
	peer_send(&peer, (struct seg){.flags = SYN, .seq = 0u - 50000, .has_ts = true, .ts = 5002});
	assert_int_equal(peer.out[1].flags, SYN | ACK);
	assert_true((int32_t)(peer.stack_isn - isn - 65536) >
		    0); /* our numbers go on beyond the old */
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits_reused), 1);
	peer_send(&peer,
		  (struct seg){
			  .flags = ACK, .seq = 1 - 50000u, .ack = 1, .has_ts = true, .ts = 5003});
	assert_non_null(peer_event(&peer, TCP_EVENT_ACCEPTED));
	peer_end(&peer);
}

static void time_wait_without_timestamps_gives_way_to_a_higher_number(void **state)
{
	struct peer peer;

	(void)state;
	into_time_wait(&peer, (struct seg){.mss = 1460});
	peer_send(&peer, (struct seg){.flags = SYN, .seq = 1});
	expect_segment(&peer, ACK, 2, 2, 0);
	peer_send(&peer, (struct seg){.flags = SYN, .seq = 3});
	assert_int_equal(peer.out[1].flags, SYN | ACK);
	peer_end(&peer);
}

static void when_time_wait_is_full_the_oldest_goes(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	for (unsigned i = 0; i < 20; i++) {
		peer.port = (uint16_t)(1000 + i);
		peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
		peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
		tcp_close(peer.end.tcp, peer.conn, false);
		peer_turn(&peer);
		peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 2});
		peer_forget(&peer);
		peer.event_count = 0;
	}
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 16);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits_recycled), 4);
	peer_wait(&peer, 61 * US_PER_SECOND);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_time_waits), 0);
	peer_end(&peer);
}

static void a_silent_peer_is_probed_and_then_dead(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_wait(&peer, 59 * US_PER_SECOND);
	expect_silence(&peer);
	peer_wait(&peer, 2 * US_PER_SECOND);
	expect_segment(&peer, ACK, 0, 1, 0); /* a number that must be answered */
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	peer_wait(&peer, 50 * US_PER_SECOND);
	expect_silence(&peer); /* alive: a new minute */
	peer_wait(&peer, 65 * US_PER_SECOND);
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	for (unsigned i = 0; i < 6; i++)
		expect_segment(&peer, ACK, 0, 1, 0);
	peer_wait(&peer, 10 * US_PER_SECOND);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_TIMEOUT);
	expect_segment(&peer, RST | ACK, 1, 1, 0);
	peer_end(&peer);
}

static void a_keepalive_of_the_peer_is_answered(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 0, .ack = 1});
	expect_segment(&peer, ACK, 1, 1, 0);
	peer_send(&peer, (struct seg){.flags = ACK,
				      .seq = 0,
				      .ack = 1,
				      .len = 1}); /* the old form, with a byte */
	expect_segment(&peer, ACK, 1, 1, 0);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_close_is_delivered_and_ends_in_time_wait),
		cmocka_unit_test(the_peer_closes_first_and_we_may_go_on_sending),
		cmocka_unit_test(after_our_end_the_peer_is_read_on),
		cmocka_unit_test(
			after_both_ends_neither_reset_nor_silence_takes_bytes_from_the_reader),
		cmocka_unit_test(closed_after_our_end_a_silent_peer_is_given_a_minute),
		cmocka_unit_test(what_was_not_read_after_our_end_makes_the_close_a_reset),
		cmocka_unit_test(the_peer_ended_first_and_its_bytes_outlive_our_end),
		cmocka_unit_test(fins_that_cross_end_in_time_wait),
		cmocka_unit_test(a_fin_that_answers_both_at_once_ends_in_time_wait),
		cmocka_unit_test(a_lost_fin_is_sent_again),
		cmocka_unit_test(a_peer_that_never_closes_is_forgotten_after_a_minute),
		cmocka_unit_test(a_close_with_unread_bytes_is_a_reset),
		cmocka_unit_test(data_after_our_close_is_answered_by_a_reset),
		cmocka_unit_test(an_abort_resets_at_once_and_the_handle_is_dead),
		cmocka_unit_test(only_the_very_next_number_resets),
		cmocka_unit_test(a_syn_in_a_connection_is_challenged_five_times_a_second),
		cmocka_unit_test(an_acknowledgement_of_what_was_not_sent_is_challenged),
		cmocka_unit_test(time_wait_gives_way_to_a_newer_timestamp),
		cmocka_unit_test(time_wait_without_timestamps_gives_way_to_a_higher_number),
		cmocka_unit_test(when_time_wait_is_full_the_oldest_goes),
		cmocka_unit_test(a_silent_peer_is_probed_and_then_dead),
		cmocka_unit_test(a_keepalive_of_the_peer_is_answered),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
