/* Congestion control of RFC 5681 with appropriate byte counting (RFC 3465). */
#include "tcp/segment.h"

#define ACKED cc_private[0] /* bytes since the last growth */

static void start(struct tcp_conn *conn)
{
	tcp_cc_first_window(conn);
	conn->ACKED = 0;
}

static void acked(struct tcp_conn *conn, const struct tcp_news *news, uint32_t now_ms)
{
	(void)now_ms;
	if (!news->limited)
		return;
	if (conn->cwnd < conn->ssthresh) {
		tcp_cc_slow_start(conn, news->acked);
		return;
	}
	conn->ACKED += news->acked;
	if (conn->ACKED >= conn->cwnd) {
		conn->ACKED -= conn->cwnd;
		conn->cwnd += conn->mss;
	}
}

static void lost(struct tcp_conn *conn, uint32_t flight)
{
	conn->ssthresh = tcp_cc_at_least(conn, flight / 2);
	conn->ACKED = 0;
}

static void timed_out(struct tcp_conn *conn, uint32_t flight)
{
	if (!(conn->flags & TCP_FLAG_LOSS)) /* not again for the same flight (RFC 5681, 3.1) */
		conn->ssthresh = tcp_cc_at_least(conn, flight / 2);
	conn->cwnd = conn->mss;
	conn->ACKED = 0;
}

static void undo(struct tcp_conn *conn)
{
	(void)conn;
}

const struct tcp_cc_ops tcp_cc_newreno = {
	.name = "newreno",
	.start = start,
	.acked = acked,
	.lost = lost,
	.timed_out = timed_out,
	.idle = tcp_cc_restart,
	.undo = undo,
};
