/* Congestion control of RFC 5681 with appropriate byte counting (RFC 3465) and the first window of
 * RFC 6928. */
#include "tcp/segment.h"

static void start(struct tcp_conn *conn)
{
	uint32_t mss = conn->mss, most = 2 * mss > 14600 ? 2 * mss : 14600;

	conn->cwnd = 10 * mss < most ? 10 * mss : most;
	conn->cc_private[0] = 0;
}

static void acked(struct tcp_conn *conn, uint32_t bytes)
{
	if (conn->cwnd < conn->ssthresh) {
		uint32_t most = conn->flags & TCP_FLAG_LOSS ? conn->mss : 2u * conn->mss;

		conn->cwnd += bytes < most ? bytes : most;
		return;
	}
	conn->cc_private[0] += bytes; /* acknowledged since the last growth */
	if (conn->cc_private[0] >= conn->cwnd) {
		conn->cc_private[0] -= conn->cwnd;
		conn->cwnd += conn->mss;
	}
}

static uint32_t half(const struct tcp_conn *conn, uint32_t flight)
{
	return flight / 2 > 2u * conn->mss ? flight / 2 : 2u * conn->mss;
}

static void lost(struct tcp_conn *conn, uint32_t flight)
{
	conn->ssthresh = half(conn, flight);
	conn->cwnd = conn->ssthresh;
	conn->cc_private[0] = 0;
}

static void timed_out(struct tcp_conn *conn, uint32_t flight)
{
	if (!(conn->flags & TCP_FLAG_LOSS)) /* not again for the same flight (RFC 5681, 3.1) */
		conn->ssthresh = half(conn, flight);
	conn->cwnd = conn->mss;
	conn->cc_private[0] = 0;
}

static void idle(struct tcp_conn *conn)
{
	uint32_t before = conn->cwnd;

	start(conn);
	if (before < conn->cwnd)
		conn->cwnd = before;
}

static const struct tcp_cc_ops newreno = {
	.name = "newreno",
	.start = start,
	.acked = acked,
	.lost = lost,
	.timed_out = timed_out,
	.idle = idle,
};

const struct tcp_cc_ops *const tcp_cc[] = {[TCP_CC_NEWRENO] = &newreno};
