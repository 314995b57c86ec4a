/* Congestion control alone: windows over a path that is two numbers, a round trip and what it
 * holds. */
#include "rig.h"

#include "tcp/segment.h"

#define MSS 1000u

static struct tcp_conn conn;
static uint32_t        now_ms;

static void begin(enum tcp_congestion which, uint32_t rtt_ms)
{
	memset(&conn, 0, sizeof(conn));
	conn.cc = (uint8_t)which;
	conn.mss = MSS;
	conn.ssthresh = UINT32_MAX;
	conn.srtt_us = rtt_ms * 1000;
	conn.rto_ms = 200;
	now_ms = 5000;
	tcp_cc[which]->start(&conn);
}

/* All of a window is acknowledged, every second segment, in the time of a round trip. */
static void round_trip(bool limited, uint32_t rtt_us)
{
	uint32_t acks = conn.cwnd / (2 * MSS), start_ms = now_ms;

	conn.snd_nxt = conn.snd_una + conn.cwnd;
	for (uint32_t i = 0; i < acks; i++) {
		struct tcp_news news = {.acked = 2 * MSS, .rtt_us = rtt_us, .limited = limited};

		conn.snd_una += news.acked;
		now_ms = start_ms + (uint32_t)((uint64_t)(i + 1) * conn.srtt_us / 1000 / acks);
		tcp_cc[conn.cc]->acked(&conn, &news, now_ms);
	}
	now_ms = start_ms + conn.srtt_us / 1000;
}

static void lose(void)
{
	tcp_cc[conn.cc]->lost(&conn, conn.cwnd);
	conn.cwnd = conn.ssthresh;
}

static void the_first_window_is_ten_segments(void **state)
{
	(void)state;
	for (unsigned which = 0; which < TCP_CONGESTION_COUNT; which++) {
		begin(which, 100);
		assert_int_equal(conn.cwnd, 10 * MSS);
		conn.mss = 1460;
		tcp_cc[which]->start(&conn);
		assert_int_equal(conn.cwnd, 14600);
		conn.mss = 8948;
		tcp_cc[which]->start(&conn);
		assert_int_equal(conn.cwnd, 2 * 8948);
	}
}

static double root3(double x)
{
	double root = 1;

	for (unsigned i = 0; i < 100; i++)
		root -= (root * root * root - x) / (3 * root * root);
	return root;
}

static void cubic_follows_its_curve(void **state)
{
	static const uint32_t windows[] = {100, 1000, 5000};

	(void)state;
	for (unsigned w = 0; w < 3; w++) {
		double max = windows[w], k, t;

		begin(TCP_CONGESTION_CUBIC, 100);
		conn.cwnd = conn.ssthresh = windows[w] * MSS;
		lose();
		assert_in_range(conn.cwnd, windows[w] * 700, windows[w] * 701);
		k = root3(max * 0.3 / 0.4);
		round_trip(true, 100000); /* the epoch begins with it */
		for (unsigned i = 1; i < 300; i++) {
			double reno = 0.7 * max + i * 9 / 17., wanted;

			if (reno > max) /* from there on as fast as RFC 5681 */
				reno = max + (reno - max) * 17 / 9;

			round_trip(true, 100000);
			t = (i + 1) * 0.1;
			wanted = 0.4 * (t - k) * (t - k) * (t - k) + max;
			if (wanted < 1.01 * reno || wanted > 2 * max)
				continue;
			assert_true(conn.cwnd / (double)MSS > 0.97 * wanted);
			assert_true(conn.cwnd / (double)MSS < 1.03 * wanted);
		}
	}
}

static void cubic_is_no_slower_than_reno_where_the_round_trip_is_short(void **state)
{
	uint32_t before;

	(void)state;
	begin(TCP_CONGESTION_CUBIC, 2);
	conn.cwnd = conn.ssthresh = 40 * MSS;
	lose();
	before = conn.cwnd;
	for (unsigned i = 0; i < 20; i++) /* 40 ms: the curve has hardly moved */
		round_trip(true, 2000);
	assert_in_range(conn.cwnd, before + 9 * MSS, before + 11 * MSS); /* 9/17 a round trip */
}

static void a_second_loss_below_the_first_leaves_room(void **state)
{
	(void)state;
	begin(TCP_CONGESTION_CUBIC, 100);
	conn.cwnd = conn.ssthresh = 1000 * MSS;
	lose();
	lose();
	assert_int_equal(conn.cc_private[0], 595 * MSS); /* 700 * (1 + 0.7) / 2 */
	tcp_cc[conn.cc]->undo(&conn);
	assert_int_equal(conn.cc_private[0], 1000 * MSS);
}

static void a_loss_of_little_leaves_seven_segments(void **state)
{
	(void)state;
	begin(TCP_CONGESTION_CUBIC, 100);
	conn.cwnd = 40 * MSS;
	tcp_cc[conn.cc]->lost(&conn, 200);
	assert_int_equal(conn.ssthresh, 7 * MSS);
	conn.cwnd = 4 * MSS; /* but not more than there was */
	tcp_cc[conn.cc]->lost(&conn, 200);
	assert_int_equal(conn.ssthresh, 2800);
}

static void no_window_grows_that_is_not_used_and_time_does_not_count(void **state)
{
	(void)state;
	for (unsigned which = 0; which < TCP_CONGESTION_COUNT; which++) {
		uint32_t before;

		begin(which, 100);
		round_trip(false, 100000);
		assert_int_equal(conn.cwnd, 10 * MSS);
		conn.cwnd = conn.ssthresh = 100 * MSS;
		lose();
		for (unsigned i = 0; i < 5; i++)
			round_trip(true, 100000);
		before = conn.cwnd;
		for (unsigned i = 0; i < 600; i++)
			round_trip(false, 100000);
		assert_int_equal(conn.cwnd, before);
		round_trip(true, 100000);
		assert_in_range(conn.cwnd, before, before + 6 * MSS); /* RFC 9438, 5.8 */
	}
}

static void idle_time_leads_back_to_the_first_window(void **state)
{
	(void)state;
	for (unsigned which = 0; which < TCP_CONGESTION_COUNT; which++) {
		begin(which, 100);
		conn.cwnd = 80 * MSS;
		tcp_cc[which]->idle(&conn, 450);
		assert_int_equal(conn.cwnd, 20 * MSS); /* two timeouts of 200 ms */
		tcp_cc[which]->idle(&conn, 1000000);
		assert_int_equal(conn.cwnd, 10 * MSS);
		conn.cwnd = 2 * MSS;
		tcp_cc[which]->idle(&conn, 1000000);
		assert_int_equal(conn.cwnd, 2 * MSS);
	}
}

static void a_timeout_halves_once_for_a_flight(void **state)
{
	(void)state;
	begin(TCP_CONGESTION_NEWRENO, 100);
	conn.cwnd = 40 * MSS;
	tcp_cc[conn.cc]->timed_out(&conn, 40 * MSS);
	conn.flags |= TCP_FLAG_LOSS;
	tcp_cc[conn.cc]->timed_out(&conn, 20 * MSS);
	assert_int_equal(conn.ssthresh, 20 * MSS);
	assert_int_equal(conn.cwnd, MSS);
}

static void a_rising_round_trip_ends_the_first_slow_start(void **state)
{
	uint32_t rtt_us = 100000;

	(void)state;
	begin(TCP_CONGESTION_CUBIC, 100);
	for (unsigned i = 0; i < 4; i++)
		round_trip(true, rtt_us);
	assert_int_equal(conn.ssthresh, UINT32_MAX);
	for (unsigned i = 0; i < 7; i++) {
		rtt_us += 20000;
		round_trip(true, rtt_us);
	}
	assert_true(conn.ssthresh < 1000 * MSS); /* RFC 9406 */
}

static void a_steady_round_trip_does_not_end_it(void **state)
{
	(void)state;
	begin(TCP_CONGESTION_CUBIC, 100);
	for (unsigned i = 0; i < 10; i++)
		round_trip(true, 100000 + i % 2 * 3000);
	assert_int_equal(conn.ssthresh, UINT32_MAX);
	assert_true(conn.cwnd > 9000 * MSS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_window_is_ten_segments),
		cmocka_unit_test(cubic_follows_its_curve),
		cmocka_unit_test(cubic_is_no_slower_than_reno_where_the_round_trip_is_short),
		cmocka_unit_test(a_second_loss_below_the_first_leaves_room),
		cmocka_unit_test(a_loss_of_little_leaves_seven_segments),
		cmocka_unit_test(no_window_grows_that_is_not_used_and_time_does_not_count),
		cmocka_unit_test(idle_time_leads_back_to_the_first_window),
		cmocka_unit_test(a_timeout_halves_once_for_a_flight),
		cmocka_unit_test(a_rising_round_trip_ends_the_first_slow_start),
		cmocka_unit_test(a_steady_round_trip_does_not_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
