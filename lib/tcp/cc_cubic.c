/*
 * CUBIC (RFC 9438), in whole numbers: windows in bytes, time in milliseconds. The first slow start
 * ends when the round trip grows (HyStart++, RFC 9406), before the queue of the path overflows.
 */
#include "tcp/segment.h"

#define C_TENTHS 4u           /* C = 0.4 segments a second cubed */
#define BETA_TENTHS 7u        /* what a loss leaves */
#define TIME_MAX_MS (1 << 20) /* its cube, times a segment, stays within 64 bits */

#define ROUND_SAMPLES 8u
#define CAREFUL_ROUNDS 5u
#define CAREFUL_DIVISOR 4u
#define RISE_MIN_US 4000u
#define RISE_MAX_US 16000u

struct cubic {
	uint32_t max, max_before; /* W_max, and as it was before the last loss */
	uint32_t estimate;        /* W_est: what RFC 5681 would have; 0: the epoch has not begun */
	union {
		struct { /* congestion avoidance */
			uint32_t epoch_ms, k_ms, acked;
			uint32_t quiet_ms; /* since when cwnd is not the limit; 0: it is */
		};
		struct { /* the first slow start */
			uint32_t round_end, rtt_before_us, rtt_us;
			uint16_t samples, careful;
		};
	};
};
static_assert(sizeof(struct cubic) <= sizeof(((struct tcp_conn *)0)->cc_private), "cubic: fits");

static struct cubic *cubic_of(struct tcp_conn *conn)
{
	return (struct cubic *)(void *)conn->cc_private;
}

static void first_slow_start_begin(struct tcp_conn *conn)
{
	struct cubic *c = cubic_of(conn);

	c->rtt_us = c->rtt_before_us = UINT32_MAX;
	c->samples = c->careful = 0;
	c->round_end = conn->snd_nxt;
}

static void start(struct tcp_conn *conn)
{
	tcp_cc_first_window(conn);
	*cubic_of(conn) = (struct cubic){0};
	first_slow_start_begin(conn);
}

static uint64_t cube_root(uint64_t x)
{
	uint64_t root = 0;

	for (int bit = 20; bit >= 0; bit--) {
		uint64_t more = root | 1ull << bit;

		if (more * more * more <= x)
			root = more;
	}
	return root;
}

/* RFC 9438, 4.2: K is where the curve reaches W_max. */
static void epoch_begin(struct tcp_conn *conn, struct cubic *c, uint32_t now_ms)
{
	c->epoch_ms = now_ms;
	c->k_ms = 0;
	if (conn->cwnd < c->max) {
		uint64_t segments_e9 = (uint64_t)(c->max - conn->cwnd) * 1000000000u / conn->mss;

		c->k_ms = (uint32_t)cube_root(segments_e9 * 10 / C_TENTHS);
	} else {
		c->max = conn->cwnd;
	}
	c->estimate = conn->cwnd;
	c->acked = c->quiet_ms = 0;
}

/* W_cubic(t) */
static uint64_t curve(const struct tcp_conn *conn, const struct cubic *c, uint32_t t_ms)
{
	int32_t  from_k = (int32_t)(t_ms - c->k_ms);
	uint64_t d = (uint64_t)(from_k < 0 ? -(int64_t)from_k : from_k), bytes;

	if (d > TIME_MAX_MS)
		d = TIME_MAX_MS;
	bytes = d * d / 1000 * d / 1000 * conn->mss * C_TENTHS / 10000;
	if (from_k >= 0)
		return c->max + bytes;
	return bytes < c->max ? c->max - bytes : 0;
}

/* RFC 9438, 4.3: as fast as RFC 5681 at least. alpha is 9/17 until the window of the last loss is
 * reached. */
static void estimate_grow(struct tcp_conn *conn, struct cubic *c, uint32_t bytes)
{
	uint64_t before = (uint64_t)conn->ssthresh * 10 / BETA_TENTHS;
	uint64_t each = c->estimate < before ? (uint64_t)conn->cwnd * 17 / 9 : conn->cwnd;

	c->acked += bytes;
	if (c->acked >= each) {
		c->acked -= (uint32_t)each;
		c->estimate += conn->mss;
	}
}

static void grow(struct tcp_conn *conn, struct cubic *c, uint32_t bytes, uint32_t now_ms)
{
	uint32_t t_ms = now_ms - c->epoch_ms;
	uint64_t target = curve(conn, c, t_ms + conn->srtt_us / (uint32_t)US_PER_MS);

	estimate_grow(conn, c, bytes);
	if (curve(conn, c, t_ms) < c->estimate) {
		if (conn->cwnd < c->estimate)
			conn->cwnd = c->estimate;
		return;
	}
	if (target <= conn->cwnd)
		return;
	if (target > conn->cwnd + conn->cwnd / 2)
		target = conn->cwnd + conn->cwnd / 2;
	conn->cwnd += (uint32_t)((target - conn->cwnd) * bytes / conn->cwnd);
}

/* A round is a window; its lowest round trip is compared with that of the round before, or with
 * that at which slow start became careful. */
static void first_slow_start(struct tcp_conn *conn, struct cubic *c, const struct tcp_news *news)
{
	uint32_t rise_us = c->rtt_before_us / 8;

	if (!seq_before(conn->snd_una, c->round_end)) {
		c->round_end = conn->snd_nxt;
		if (c->careful == 0)
			c->rtt_before_us = c->rtt_us;
		c->rtt_us = UINT32_MAX;
		c->samples = 0;
		if (c->careful > 0 && --c->careful == 0)
			conn->ssthresh = conn->cwnd;
	}
	if (news->rtt_us != UINT32_MAX) {
		c->rtt_us = news->rtt_us < c->rtt_us ? news->rtt_us : c->rtt_us;
		c->samples++;
	}
	if (c->samples < ROUND_SAMPLES || c->rtt_before_us == UINT32_MAX)
		return;
	rise_us = rise_us < RISE_MIN_US ? RISE_MIN_US : rise_us;
	rise_us = rise_us > RISE_MAX_US ? RISE_MAX_US : rise_us;
	if (c->careful > 0 && c->rtt_us < c->rtt_before_us) {
		c->careful = 0;
	} else if (c->careful == 0 && c->rtt_us >= c->rtt_before_us + rise_us) {
		c->careful = CAREFUL_ROUNDS;
		c->rtt_before_us = c->rtt_us;
	}
}

static void acked(struct tcp_conn *conn, const struct tcp_news *news, uint32_t now_ms)
{
	struct cubic *c = cubic_of(conn);
	uint32_t      bytes = news->acked;

	if (!news->limited) { /* 5.8: such time does not count */
		if (c->estimate != 0 && c->quiet_ms == 0)
			c->quiet_ms = now_ms | 1;
		return;
	}
	if (conn->ssthresh == UINT32_MAX) {
		first_slow_start(conn, c, news);
		bytes = c->careful > 0 ? bytes / CAREFUL_DIVISOR : bytes;
	}
	if (conn->cwnd < conn->ssthresh) {
		tcp_cc_slow_start(conn, bytes);
		return;
	}
	if (c->estimate == 0)
		epoch_begin(conn, c, now_ms);
	if (c->quiet_ms != 0)
		c->epoch_ms += now_ms - c->quiet_ms;
	c->quiet_ms = 0;
	grow(conn, c, bytes, now_ms);
}

/* 4.6 and, where the window did not come back to where it was, 4.7: room for others. What was not
 * used of the window says nothing, but for that of the start: else a lost message of a few bytes
 * would leave two segments to those after it. */
static uint32_t reduce(struct tcp_conn *conn, uint32_t flight)
{
	struct cubic *c = cubic_of(conn);
	uint32_t      used = flight > 10u * conn->mss ? flight : 10u * conn->mss;

	if (used > conn->cwnd)
		used = conn->cwnd;

	c->max_before = c->max;
	c->max = used < c->max ? (uint32_t)((uint64_t)used * (10 + BETA_TENTHS) / 20) : used;
	c->estimate = 0;
	return tcp_cc_at_least(conn, (uint64_t)used * BETA_TENTHS / 10);
}

static void lost(struct tcp_conn *conn, uint32_t flight)
{
	conn->ssthresh = reduce(conn, flight);
}

static void timed_out(struct tcp_conn *conn, uint32_t flight)
{
	if (!(conn->flags & TCP_FLAG_LOSS))
		conn->ssthresh = reduce(conn, flight);
	cubic_of(conn)->estimate = 0;
	conn->cwnd = conn->mss;
}

static void idle(struct tcp_conn *conn, uint32_t idle_ms)
{
	cubic_of(conn)->estimate = 0;
	tcp_cc_restart(conn, idle_ms);
}

static void undo(struct tcp_conn *conn)
{
	cubic_of(conn)->max = cubic_of(conn)->max_before;
	cubic_of(conn)->estimate = 0;
	if (conn->ssthresh == UINT32_MAX)
		first_slow_start_begin(conn);
}

const struct tcp_cc_ops tcp_cc_cubic = {
	.name = "cubic",
	.start = start,
	.acked = acked,
	.lost = lost,
	.timed_out = timed_out,
	.idle = idle,
	.undo = undo,
};
