/*
 * The size of segments follows what the path carries. Routers say it (RFC 1191, RFC 8201), which is
 * believed as RFC 5927, 7 advises; where they are silent, large segments that vanish while the peer
 * is heard say it (in the spirit of RFC 4821). What was too large is cut anew and goes again, and
 * the congestion window does not pay for it.
 */
#include "tcp/segment.h"

#define OPTIONS_SIZE 12u     /* timestamps */
#define TIMEOUTS_HEARD 2u    /* of a large segment, while the peer is heard */
#define TIMEOUTS_SILENT 3u   /* maybe nothing passes at all: trying a smaller one costs little */
#define TIMEOUTS_UNPROVEN 1u /* of this size none arrived yet, and that is no chance: see below */
#define BURST 3u             /* as many that all vanish are hardly lost by chance */

static uint16_t headers_of(const struct tcp_conn *conn)
{
	return (uint16_t)((conn->key.local.ip6 ? 60 : 40) +
			  (conn->flags & TCP_FLAG_TIMESTAMPS ? OPTIONS_SIZE : 0));
}

static uint16_t payload_of(const struct tcp_conn *conn, uint16_t mtu)
{
	return (uint16_t)(mtu - headers_of(conn));
}

static uint16_t least_payload(const struct tcp_conn *conn)
{
	return payload_of(conn, net_path_mtu_least(conn->key.local.ip6));
}

/* From now on segments are at most as large as mtu lets; what is on the way and larger is lost. */
static void use(struct tcp *tcp, struct tcp_conn *conn, uint16_t mtu)
{
	conn->path.mtu = mtu;
	if (conn->mss == 0)
		return; /* the peer's offer is not known yet */
	tcp_conn_set_mss(conn, conn->mss_peer);
	for (uint32_t c = conn->chunk_head; c != conn->chunk_next;) {
		const struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);

		if (chunk->len > conn->mss && !(chunk->flags & TCP_CHUNK_SACKED))
			tcp_sack_lose(tcp, conn, c, TCP_NONE);
		c = chunk->next;
	}
	if (conn->lost > 0) {
		conn->flags |= TCP_FLAG_RESCUE;
		tcp_conn_touch(tcp, conn);
	}
}

void tcp_pmtu_follow(struct tcp *tcp, struct tcp_conn *conn)
{
	uint16_t before = conn->path.mtu, mtu;

	net_path_mtu_follow(tcp->net, &conn->key.remote, &conn->path);
	mtu = conn->path.mtu;
	if (conn->mtu_tried != 0 && conn->mtu_tried < mtu)
		mtu = conn->mtu_tried;
	conn->path.mtu = before;
	if (mtu != before)
		use(tcp, conn, mtu);
}

static void learn(struct tcp *tcp, struct tcp_conn *conn, uint16_t mtu)
{
	conn->mtu_doubted = conn->mtu_tried = 0;
	if (conn->mss_proven > payload_of(conn, mtu))
		conn->mss_proven = payload_of(conn, mtu); /* it was another path */
	net_path_mtu_learn(tcp->net, tcp->now, &conn->key.remote, mtu);
	tcp_pmtu_follow(tcp, conn);
}

/* The quoted number is in flight. That is all a liar has to guess, so a report that contradicts
 * what was acknowledged waits until the quoted segment is indeed missing (RFC 5927, 7.2). */
void tcp_pmtu_reported(struct tcp *tcp, struct tcp_conn *conn, const struct net_icmp_error *error)
{
	uint16_t mtu = net_path_mtu_reported(error);

	if (mtu == 0 || mtu >= conn->path.mtu)
		return;
	if (payload_of(conn, mtu) < conn->mss_proven) {
		metric_inc(tcp->metrics, METRIC_tcp_mtu_reports_doubted);
		conn->mtu_doubted = mtu;
		conn->mtu_sequence = error->sequence;
		return;
	}
	metric_inc(tcp->metrics, METRIC_tcp_mtu_reports);
	learn(tcp, conn, mtu);
}

/* The next smaller size to try: what is known to pass, else what links and tunnels often carry. */
static uint16_t step_down(const struct tcp_conn *conn)
{
	static const uint16_t steps[] = {4352, 1500, 1280};
	uint16_t              least = net_path_mtu_least(conn->key.local.ip6);

	if (conn->mss_proven >= least_payload(conn) &&
	    conn->mss_proven < payload_of(conn, conn->path.mtu))
		return (uint16_t)(conn->mss_proven + headers_of(conn));
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i] < conn->path.mtu && steps[i] > least)
			return steps[i];
	}
	return least;
}

/* Smaller ones arrived, or so many went at once that some should have: it is about the size. */
static bool is_unproven(const struct tcp_conn *conn, uint32_t len)
{
	bool burst = conn->sacked == 0 && conn->snd_nxt - conn->snd_una >= BURST * len;

	return len > conn->mss_proven && (conn->mss_proven >= least_payload(conn) || burst);
}

/* Was the peer heard since the head first went? What he says may end before we ask again. */
static bool is_heard(const struct tcp *tcp, const struct tcp_conn *conn,
		     const struct tcp_chunk *head)
{
	uint32_t quiet_ms = tcp->now_ms - conn->heard_ms;
	uint32_t waited_ms = ((uint32_t)tcp->now.us - head->sent_us) / 1000;
	uint32_t before_ms = tcp_ack_rto_ms(conn) - conn->rto_ms; /* all timeouts but this */

	return quiet_ms < waited_ms + before_ms;
}

/* Would the head of the queue pass if it were smaller? */
static bool vanishes(const struct tcp *tcp, const struct tcp_conn *conn)
{
	const struct tcp_chunk *head = tcp_chunk_at(tcp, conn->chunk_head);
	bool                    heard = is_heard(tcp, conn, head);
	unsigned                needed = heard ? TIMEOUTS_HEARD : TIMEOUTS_SILENT;

	if (head->len <= least_payload(conn))
		return false;
	if (is_unproven(conn, head->len))
		needed = heard ? TIMEOUTS_UNPROVEN : TIMEOUTS_HEARD;
	return conn->backoff + 1u >= needed;
}

bool tcp_pmtu_timed_out(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->mss == 0 || conn->chunk_head == conn->chunk_next)
		return false;
	if (conn->mtu_doubted != 0) { /* the doubted report was right */
		metric_inc(tcp->metrics, METRIC_tcp_mtu_reports);
		learn(tcp, conn, conn->mtu_doubted);
		return conn->lost > 0;
	}
	if (vanishes(tcp, conn)) {
		metric_inc(tcp->metrics, METRIC_tcp_mtu_black_holes);
		conn->mtu_tried = step_down(conn);
		use(tcp, conn, conn->mtu_tried);
	}
	return false;
}

/* Does ack reach beyond what went again since the size was lowered? Then the large ones did arrive.
 */
static bool large_arrived(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t ack)
{
	for (uint32_t c = conn->chunk_head; c != conn->chunk_next;) {
		const struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);

		if (!seq_before(chunk->seq, ack))
			return false;
		if (chunk->flags & TCP_CHUNK_LOST && !(chunk->flags & TCP_CHUNK_AGAIN))
			return true;
		c = chunk->next;
	}
	return false;
}

void tcp_pmtu_acked(struct tcp *tcp, struct tcp_conn *conn, uint32_t ack)
{
	if (conn->mtu_doubted != 0 && seq_after(ack, conn->mtu_sequence))
		conn->mtu_doubted = 0;
	if (conn->mtu_tried == 0)
		return;
	if (large_arrived(tcp, conn, ack)) {
		conn->mtu_tried = 0;
		tcp_pmtu_follow(tcp, conn);
	} else {
		learn(tcp, conn, conn->mtu_tried);
	}
}
