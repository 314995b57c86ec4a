/* What the algorithms of congestion control share, and their table. */
#include "tcp/segment.h"

const struct tcp_cc_ops *const tcp_cc[] = {
	[TCP_CONGESTION_CUBIC] = &tcp_cc_cubic, [TCP_CONGESTION_NEWRENO] = &tcp_cc_newreno};
static_assert(sizeof(tcp_cc) / sizeof(tcp_cc[0]) == TCP_CONGESTION_COUNT, "an algorithm each");

void tcp_cc_first_window(struct tcp_conn *conn)
{
	uint32_t mss = conn->mss, most = 2 * mss > 14600 ? 2 * mss : 14600;

	conn->cwnd = 10 * mss < most ? 10 * mss : most;
}

/* One acknowledgement counts for two segments at most, after a timeout for one. */
void tcp_cc_slow_start(struct tcp_conn *conn, uint32_t bytes)
{
	uint32_t most = conn->flags & TCP_FLAG_LOSS ? conn->mss : 2u * conn->mss;

	conn->cwnd += bytes < most ? bytes : most;
}

uint32_t tcp_cc_at_least(const struct tcp_conn *conn, uint64_t window)
{
	return window > 2u * conn->mss ? (uint32_t)window : 2u * conn->mss;
}

/* What was true of the path decays with the time it was not tried, to the first window; slow start
 * leads back to near where it was. */
void tcp_cc_restart(struct tcp_conn *conn, uint32_t idle_ms)
{
	uint32_t before = conn->cwnd, first, reached = before - before / 4;

	tcp_cc_first_window(conn);
	first = conn->cwnd;
	conn->cwnd = before;
	if (before <= first)
		return;
	if (conn->ssthresh < reached)
		conn->ssthresh = reached;
	for (; idle_ms > conn->rto_ms && conn->cwnd > first; idle_ms -= conn->rto_ms)
		conn->cwnd /= 2;
	if (conn->cwnd < first)
		conn->cwnd = first;
}
