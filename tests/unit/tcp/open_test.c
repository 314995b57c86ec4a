/* Connections that begin: handshakes both ways, cookies, both sides at once, and what is refused.
 */
#include "peer.h"

static const struct tcp_config  plain;
static const struct tcp_options defaults;

static void a_syn_is_answered_with_what_both_sides_can_do(void **state)
{
	struct peer peer;
	struct seg *answer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN,
				      .mss = 1460,
				      .sack_ok = true,
				      .has_scale = true,
				      .scale = 7,
				      .has_ts = true,
				      .ts = 1234});
	answer = peer_next(&peer);
	assert_non_null(answer);
	assert_int_equal(answer->flags, SYN | ACK);
	assert_int_equal(answer->ack, 1);
	assert_int_equal(answer->mss, 1460);
	assert_true(answer->sack_ok && answer->has_scale && answer->has_ts);
	assert_int_equal(answer->scale, 3);      /* 262,140 bytes */
	assert_int_equal(answer->window, 65535); /* never scaled in a SYN */
	assert_int_equal(answer->echo, 1234);
	assert_int_equal(tcp_count(peer.end.tcp),
			 0); /* no control block before the third segment */
	peer_send(&peer, (struct seg){.flags = ACK,
				      .seq = 1,
				      .ack = 1,
				      .has_ts = true,
				      .ts = 1235,
				      .echo = answer->ts});
	assert_non_null(peer_event(&peer, TCP_EVENT_ACCEPTED));
	assert_int_equal(peer_event(&peer, TCP_EVENT_ACCEPTED)->user, 5);
	expect_silence(&peer);
	peer_end(&peer);
}

static void a_plain_syn_gets_no_options_but_the_mss(void **state)
{
	struct peer peer;
	struct seg *answer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN});
	answer = peer_next(&peer);
	assert_non_null(answer);
	assert_false(answer->sack_ok || answer->has_scale || answer->has_ts);
	assert_int_equal(answer->mss, 1460);
	peer_end(&peer);
}

static void the_mss_of_a_peer_is_never_taken_below_536(void **state)
{
	static const struct {
		uint16_t offered, used;
	} cases[] = {{0, 536},     {1, 536},     {88, 536},   {536, 536},
		     {1000, 1000}, {1460, 1460}, {9000, 1460}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer     peer;
		struct tcp_info info;

		peer_open_with(&peer, &plain, &defaults, (struct seg){.mss = cases[i].offered});
		assert_true(tcp_info(peer.end.tcp, peer.conn, &info));
		assert_int_equal(info.mss, cases[i].used);
		peer_write(&peer, 3000);
		assert_int_equal(peer.out[0].len, cases[i].used);
		peer_end(&peer);
	}
}

static void the_answer_to_our_syn_ack_measures_the_round_trip_unless_it_went_twice(void **state)
{
	static const struct {
		bool     again, late, cookie;
		uint32_t srtt_us, rto_ms;
	} rows[] = {{.srtt_us = 30000, .rto_ms = 230},
		    {.again = true, .rto_ms = 1000},
		    {.late = true, .rto_ms = 3000},
		    {.cookie = true, .rto_ms = 1000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tcp_config config = {.cookies_always = rows[i].cookie};
		struct peer             peer;
		struct tcp_info         info;

		peer_begin(&peer, &config, &defaults);
		peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
		if (rows[i].again)
			peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
		peer_wait(&peer, rows[i].late ? 1500000 : 30000);
		peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
		assert_true(tcp_info(peer.end.tcp, peer.conn, &info));
		assert_int_equal(info.srtt_us, rows[i].srtt_us);
		assert_int_equal(info.rto_us / 1000, rows[i].rto_ms);
		peer_end(&peer);
	}
}

static void half_open_and_ended_connections_are_listed_without_a_handle(void **state)
{
	struct tcp_info infos[8];
	struct peer     peer;
	uint32_t        from = 0, handle;
	unsigned        n = 0, halves = 0;

	(void)state;
	peer_open(&peer);
	tcp_close(peer.end.tcp, peer.conn, false);
	peer_turn(&peer);
	peer_send(&peer, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 2});
	for (unsigned i = 0; i < 3; i++) {
		peer.port = (uint16_t)(50000 + i);
		peer_send(&peer, (struct seg){.flags = SYN, .mss = 1000, .sack_ok = true});
	}
	while (from != UINT32_MAX) { /* two at a time */
		n += tcp_list_others(peer.end.tcp, &from, infos + n, 2);
		assert_in_range(n, 0, 4);
	}
	assert_int_equal(n, 4);
	for (unsigned i = 0; i < n; i++) {
		bool half = strcmp(infos[i].state, "syn-received") == 0;

		assert_true(half || strcmp(infos[i].state, "time-wait") == 0);
		assert_int_equal(infos[i].local_port, STACK_PORT);
		assert_int_equal(infos[i].remote_port, half ? 50000 + halves : 40000);
		assert_int_equal(infos[i].mss, half ? 1000 : 0);
		halves += half;
	}
	assert_int_equal(halves, 3);
	from = 0;
	assert_int_equal(tcp_list(peer.end.tcp, &from, &handle, 1), 0);
	peer_end(&peer);
}

static void a_segment_to_no_listener_is_reset(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer.stack_port = 9;
	peer_send(&peer, (struct seg){.flags = SYN, .seq = 100, .len = 3});
	expect_segment(&peer, RST | ACK, 0u - peer.stack_isn, 104, 0);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 7, .ack = 55});
	expect_segment(&peer, RST, 55, 0u - peer.isn, 0);
	peer_send(&peer, (struct seg){.flags = RST, .seq = 7});
	expect_silence(&peer);
	peer_end(&peer);
}

static void a_handshake_without_its_end_is_repeated_and_forgotten(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	peer_wait(&peer, 130 * US_PER_SECOND);
	assert_int_equal(peer.outs, 6); /* at once, and after 1, 2, 4, 8 and 16 s more */
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 0);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open_expired), 1);
	peer_end(&peer);
}

static void a_wrong_acknowledgement_of_a_syn_ack_is_reset(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN});
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 2});
	expect_segment(&peer, RST, 2, 0u - peer.isn, 0);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	assert_non_null(peer_event(&peer, TCP_EVENT_ACCEPTED));
	peer_end(&peer);
}

static void data_with_the_last_acknowledgement_is_read(void **state)
{
	struct peer peer;
	struct cur  in;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 5});
	assert_int_equal(peer.events[0].kind, TCP_EVENT_ACCEPTED);
	assert_int_equal(peer.events[1].kind, TCP_EVENT_READABLE);
	assert_int_equal(tcp_peek(peer.end.tcp, peer.conn, 5, &in), 5);
	assert_int_equal(in.p[4], 5);
	tcp_consume(peer.end.tcp, peer.conn, 5);
	peer_end(&peer);
}

static struct tcp_config cookies = {.cookies_always = true};

static struct seg cookie_syn(struct peer *peer)
{
	peer_begin(peer, &cookies, &defaults);
	peer_send(peer, (struct seg){.flags = SYN,
				     .mss = 1400,
				     .sack_ok = true,
				     .has_scale = true,
				     .scale = 5,
				     .has_ts = true,
				     .ts = 1000});
	assert_int_equal(peer->outs, 1);
	assert_int_equal(rig_metric(&peer->end, METRIC_tcp_half_open), 0);
	return peer->out[peer->seen++];
}

static void a_cookie_remembers_mss_scale_and_sack(void **state)
{
	struct peer     peer;
	struct seg      syn_ack = cookie_syn(&peer);
	struct tcp_info info;

	(void)state;
	peer_wait(&peer, 70 * US_PER_SECOND); /* in the next period */
	peer_send(&peer, (struct seg){.flags = ACK,
				      .seq = 1,
				      .ack = 1,
				      .has_ts = true,
				      .ts = 1001,
				      .echo = syn_ack.ts,
				      .window = 100});
	assert_non_null(peer_event(&peer, TCP_EVENT_ACCEPTED));
	assert_true(tcp_info(peer.end.tcp, peer.conn, &info));
	assert_int_equal(info.mss, 1400 - 12);
	peer_write(&peer, 10000); /* the window is 100 * 2^5 */
	assert_int_equal(peer.outs - peer.seen, 2);
	peer_send(&peer, (struct seg){.flags = ACK,
				      .seq = 1001,
				      .ack = 1,
				      .len = 10,
				      .has_ts = true,
				      .ts = 1002,
				      .echo = syn_ack.ts,
				      .window = 100});
	assert_int_equal(peer.out[peer.outs - 1].sacks, 1);
	peer_end(&peer);
}

static void a_forged_cookie_opens_nothing(void **state)
{
	struct peer peer;
	struct seg  syn_ack = cookie_syn(&peer);

	(void)state;
	for (uint32_t i = 1; i < 200; i++)
		peer_send(&peer, (struct seg){.flags = ACK,
					      .seq = 1,
					      .ack = 1 + i * 7919,
					      .has_ts = true,
					      .ts = 1001,
					      .echo = syn_ack.ts});
	peer_send(&peer,
		  (struct seg){.flags = ACK, .seq = 2, .ack = 1, .has_ts = true, .ts = 1001});
	peer.port++;
	peer_send(&peer,
		  (struct seg){.flags = ACK, .seq = 1, .ack = 1, .has_ts = true, .ts = 1001});
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	expect_silence(&peer);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_cookies_bad), 201);
	peer_end(&peer);
}

static void an_old_cookie_is_reset(void **state)
{
	struct peer peer;
	struct seg  syn_ack = cookie_syn(&peer);

	(void)state;
	peer_wait(&peer, 200 * US_PER_SECOND);
	peer_send(&peer, (struct seg){.flags = ACK,
				      .seq = 1,
				      .ack = 1,
				      .has_ts = true,
				      .ts = 1001,
				      .echo = syn_ack.ts});
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	expect_segment(&peer, RST, 1, 0u - peer.isn, 0);
	peer_end(&peer);
}

static void a_flood_of_syns_turns_to_cookies(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	for (unsigned i = 0; i < 40; i++) {
		peer.port = (uint16_t)(1000 + i);
		peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	}
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 16);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_cookies_sent), 24);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1}); /* the last of them */
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_cookies_good), 1);
	assert_int_equal(tcp_count(peer.end.tcp), 1);
	peer_end(&peer);
}

static uint32_t call(struct peer *peer, const struct tcp_options *options)
{
	uint32_t conn;

	peer_begin(peer, &plain, &defaults);
	conn = tcp_connect(peer->end.tcp, rig_now, &(struct net_addr){.w = {rig_address(99).w[0]}},
			   7777, options, 9);
	assert_int_not_equal(conn, TCP_CONN_NONE);
	peer_turn(peer);
	assert_int_equal(peer->outs, 1);
	peer->conn = conn;
	return conn;
}

static void connect_sends_a_syn_and_reports_the_answer(void **state)
{
	struct peer peer;
	uint32_t    conn = call(&peer, &defaults);
	struct seg *syn = peer_next(&peer);

	(void)state;
	assert_int_equal(syn->flags, SYN);
	assert_int_equal(syn->window, 65535);
	assert_true(syn->sack_ok && syn->has_scale && syn->has_ts && syn->mss == 1460);
	assert_int_equal(tcp_send(peer.end.tcp, conn, "early", 5), 0);
	peer_send(&peer, (struct seg){.flags = SYN | ACK, .ack = 1, .mss = 1460});
	expect_segment(&peer, ACK, 1, 1, 0);
	assert_int_equal(peer.events[0].kind, TCP_EVENT_CONNECTED);
	assert_int_equal(peer.events[0].user, 9);
	assert_int_equal(peer.events[1].kind, TCP_EVENT_WRITABLE);
	peer_write(&peer, 5);
	expect_segment(&peer, ACK, 1, 1, 5);
	peer_end(&peer);
}

static void a_syn_without_answer_is_repeated_until_the_connect_timeout(void **state)
{
	struct peer peer;

	(void)state;
	call(&peer, &(struct tcp_options){.connect_timeout_s = 12});
	peer_wait(&peer, 11 * US_PER_SECOND);
	assert_int_equal(peer.outs, 4); /* 0, 1, 3, 7 s */
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	peer_wait(&peer, 2 * US_PER_SECOND);
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_TIMEOUT);
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	peer_end(&peer);
}

static void a_refused_connect_says_so_once(void **state)
{
	struct peer peer;

	(void)state;
	call(&peer, &defaults);
	peer_send(&peer, (struct seg){.flags = RST | ACK, .ack = 7}); /* not an answer to our SYN */
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	peer_send(&peer, (struct seg){.flags = RST | ACK, .ack = 1});
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_REFUSED);
	assert_int_equal(peer.event_count, 1);
	peer_end(&peer);
}

static void a_wrong_answer_to_a_syn_is_reset_and_the_connect_goes_on(void **state)
{
	struct peer peer;

	(void)state;
	call(&peer, &defaults);
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = SYN | ACK, .ack = 99});
	expect_segment(&peer, RST, 99, 0u - peer.isn, 0);
	peer_send(&peer, (struct seg){.flags = SYN | ACK, .ack = 1});
	assert_non_null(peer_event(&peer, TCP_EVENT_CONNECTED));
	peer_end(&peer);
}

static void two_syns_that_cross_make_one_connection(void **state)
{
	struct peer peer;

	(void)state;
	call(&peer, &defaults);
	peer_forget(&peer);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	expect_segment(&peer, SYN | ACK, 0, 1, 0);
	assert_null(peer_event(&peer, TCP_EVENT_CONNECTED));
	peer_send(&peer, (struct seg){.flags = SYN | ACK, .seq = 0, .ack = 1, .mss = 1460});
	assert_non_null(peer_event(&peer, TCP_EVENT_CONNECTED));
	peer_write(&peer, 10);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 11, .len = 10});
	assert_non_null(peer_event(&peer, TCP_EVENT_READABLE));
	peer_end(&peer);
}

static void the_same_ports_get_growing_sequence_numbers(void **state)
{
	struct peer peer;
	uint32_t    first;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	peer_send(&peer, (struct seg){.flags = SYN});
	first = peer.stack_isn;
	peer_send(&peer, (struct seg){.flags = RST, .seq = 1});
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 0);
	peer_wait(&peer, 4000000);
	peer_send(&peer, (struct seg){.flags = SYN});
	assert_int_equal(peer.stack_isn - first, 1000000); /* a number each 4 us (RFC 6528) */
	peer.port++;
	peer_send(&peer, (struct seg){.flags = SYN});
	assert_true(peer.stack_isn - first > 2000000); /* other ports: elsewhere */
	peer_end(&peer);
}

#define PORTS 60u

static void ports_of(uint64_t seed, uint16_t ports[PORTS])
{
	struct net_addr remote = rig_address(99);
	struct rig_end  end;
	struct tcp_info info;

	rig_now.us = RIG_START_US;
	rig_end_new(&end, 1, seed, &(struct tcp_config){0});
	for (unsigned i = 0; i < PORTS; i++) {
		uint32_t conn = tcp_connect(end.tcp, rig_now, &remote, 7, &defaults, i);

		assert_true(tcp_info(end.tcp, conn, &info));
		ports[i] = info.local_port;
	}
	rig_end_free(&end);
}

/* RFC 6056: over all that there are, and the next is not to be told from those before. */
static void source_ports_are_spread_and_not_to_be_guessed(void **state)
{
	uint16_t ports[PORTS], others[PORTS];
	unsigned quarter[4] = {0}, near = 0, same = 0;

	(void)state;
	ports_of(42, ports);
	ports_of(43, others);
	for (unsigned i = 0; i < PORTS; i++) {
		assert_true(ports[i] >= 16384);
		quarter[(ports[i] - 16384) / 12288]++;
		same += ports[i] == others[i];
		for (unsigned k = 0; k < i; k++) {
			assert_int_not_equal(ports[i], ports[k]);
			near += k == i - 1 && abs(ports[i] - ports[k]) < 100;
		}
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(quarter[i], 5, 30); /* 15 are to be expected */
	assert_in_range(near, 0, 3);
	assert_in_range(same, 0, 1);
}

static void no_more_connections_than_allowed_are_opened(void **state)
{
	struct tcp_config two = {.connections_max = 2};
	struct peer       peer;

	(void)state;
	peer_begin(&peer, &two, &defaults);
	for (unsigned i = 0; i < 3; i++) {
		peer.port = (uint16_t)(1000 + i);
		peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
		peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	}
	assert_int_equal(tcp_count(peer.end.tcp), 2);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 1);
	tcp_close(peer.end.tcp, peer.conn, true);
	peer_turn(&peer);
	peer_send(&peer,
		  (struct seg){.flags = ACK, .seq = 1, .ack = 1}); /* its patience is rewarded */
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_half_open), 0);
	peer_end(&peer);
}

static void a_listener_address_is_taken_once(void **state)
{
	struct peer peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	assert_int_equal(tcp_listen(peer.end.tcp, &(struct net_addr){0}, STACK_PORT, &defaults, 1),
			 -EADDRINUSE);
	tcp_listen_stop(peer.end.tcp, &(struct net_addr){0}, STACK_PORT);
	peer_send(&peer, (struct seg){.flags = SYN});
	assert_int_equal(peer.out[0].flags, RST | ACK);
	peer_end(&peer);
}

static void icmp_port_unreachable(struct peer *peer, uint32_t seq)
{
	peer_icmp(peer, 3, 3, 0, 40, seq);
}

static void an_unreachable_port_ends_a_connect_but_no_connection(void **state)
{
	struct peer peer;

	(void)state;
	call(&peer, &defaults);
	icmp_port_unreachable(&peer, 5); /* forged: no such number is out */
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	icmp_port_unreachable(&peer, 0);
	assert_non_null(peer_event(&peer, TCP_EVENT_CLOSED));
	assert_int_equal(peer_event(&peer, TCP_EVENT_CLOSED)->why, REASON_CONNECTION_REFUSED);
	peer_end(&peer);
	peer_open(&peer);
	peer_write(&peer, 100);
	icmp_port_unreachable(&peer, 1);
	assert_null(peer_event(&peer, TCP_EVENT_CLOSED));
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_icmp_errors), 1);
	peer_end(&peer);
}

static void when_memory_is_nearly_gone_nothing_new_is_accepted(void **state)
{
	static struct rte_mbuf *taken[7600];
	struct peer             peer;

	(void)state;
	peer_begin(&peer, &plain, &defaults);
	assert_int_equal(rte_pktmbuf_alloc_bulk(rig_pool, taken, 7600), 0);
	peer_wait(&peer, 20000);
	peer_send(&peer, (struct seg){.flags = SYN, .mss = 1460});
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_cookies_sent), 1);
	peer_send(&peer, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	assert_int_equal(tcp_count(peer.end.tcp), 0);
	rte_pktmbuf_free_bulk(taken, 7600);
	peer_wait(&peer, 20000);
	peer_send(&peer,
		  (struct seg){.flags = ACK, .seq = 1, .ack = 1}); /* the cookie still holds */
	assert_int_equal(tcp_count(peer.end.tcp), 1);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syn_is_answered_with_what_both_sides_can_do),
		cmocka_unit_test(a_plain_syn_gets_no_options_but_the_mss),
		cmocka_unit_test(the_mss_of_a_peer_is_never_taken_below_536),
		cmocka_unit_test(
			the_answer_to_our_syn_ack_measures_the_round_trip_unless_it_went_twice),
		cmocka_unit_test(half_open_and_ended_connections_are_listed_without_a_handle),
		cmocka_unit_test(a_segment_to_no_listener_is_reset),
		cmocka_unit_test(a_handshake_without_its_end_is_repeated_and_forgotten),
		cmocka_unit_test(a_wrong_acknowledgement_of_a_syn_ack_is_reset),
		cmocka_unit_test(data_with_the_last_acknowledgement_is_read),
		cmocka_unit_test(a_cookie_remembers_mss_scale_and_sack),
		cmocka_unit_test(a_forged_cookie_opens_nothing),
		cmocka_unit_test(an_old_cookie_is_reset),
		cmocka_unit_test(a_flood_of_syns_turns_to_cookies),
		cmocka_unit_test(connect_sends_a_syn_and_reports_the_answer),
		cmocka_unit_test(a_syn_without_answer_is_repeated_until_the_connect_timeout),
		cmocka_unit_test(a_refused_connect_says_so_once),
		cmocka_unit_test(a_wrong_answer_to_a_syn_is_reset_and_the_connect_goes_on),
		cmocka_unit_test(two_syns_that_cross_make_one_connection),
		cmocka_unit_test(the_same_ports_get_growing_sequence_numbers),
		cmocka_unit_test(source_ports_are_spread_and_not_to_be_guessed),
		cmocka_unit_test(no_more_connections_than_allowed_are_opened),
		cmocka_unit_test(a_listener_address_is_taken_once),
		cmocka_unit_test(an_unreachable_port_ends_a_connect_but_no_connection),
		cmocka_unit_test(when_memory_is_nearly_gone_nothing_new_is_accepted),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
