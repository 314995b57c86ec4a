/* Do the numbers of the connections agree with each other? For tests, as it looks at everything. */
#include "tcp/segment.h"

struct sums {
	uint32_t sacked, lost, pieces, flight_pieces, sacked_pieces, waiting, again;
};

static void chunk_check(struct tcp *tcp, const struct tcp_conn *conn, uint32_t index, bool sent,
			struct sums *sums)
{
	const struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);
	bool                    sacked = (chunk->flags & TCP_CHUNK_SACKED) != 0;
	bool                    again = (chunk->flags & TCP_CHUNK_AGAIN) != 0;
	bool                    lost = (chunk->flags & TCP_CHUNK_LOST) != 0;

	ASSERT(tcp_chunk_space(chunk) > 0 && (chunk->len == 0 || chunk->mbuf != NULL));
	ASSERT(sent == (chunk->sent > 0));
	ASSERT(sent || (!sacked && !again && !lost && chunk->skip == TCP_NONE));
	ASSERT(!sacked || (!again && !lost));
	sums->pieces++;
	sums->flight_pieces += sent;
	sums->sacked += sacked ? tcp_chunk_space(chunk) : 0;
	sums->sacked_pieces += sacked;
	sums->lost += lost && !again ? tcp_chunk_space(chunk) : 0;
	sums->waiting += lost && !again;
	sums->again += again;
}

/* The pieces lie end to end from snd_una to snd_nxt to snd_end. */
static void queue_check(struct tcp *tcp, const struct tcp_conn *conn, struct sums *sums)
{
	uint32_t seq = conn->snd_una, last = TCP_NONE;
	bool     sent = true;

	for (uint32_t c = conn->chunk_head; c != TCP_NONE; c = tcp_chunk_at(tcp, c)->next) {
		if (c == conn->chunk_next) {
			ASSERT(seq == conn->snd_nxt);
			sent = false;
		}
		ASSERT(tcp_chunk_at(tcp, c)->seq == seq);
		chunk_check(tcp, conn, c, sent, sums);
		seq += tcp_chunk_space(tcp_chunk_at(tcp, c));
		last = c;
	}
	ASSERT(sent ? conn->chunk_next == TCP_NONE && seq == conn->snd_nxt : seq == conn->snd_end);
	ASSERT(seq == conn->snd_end && conn->chunk_tail == last && conn->chunks == sums->pieces);
}

static unsigned list_count(const struct tcp *tcp, uint32_t head)
{
	unsigned n = 0;

	for (uint32_t c = head; c != TCP_NONE && (n == 0 || c != head); c = tcp->links[c].after) {
		ASSERT(tcp->links[tcp->links[c].after].before == c);
		n++;
	}
	return n;
}

static void board_check(struct tcp *tcp, const struct tcp_conn *conn)
{
	const uint32_t both = TCP_FLAG_RECOVERY | TCP_FLAG_LOSS;
	struct sums    sums = {0};

	queue_check(tcp, conn, &sums);
	if (conn->flags & TCP_FLAG_SACK)
		ASSERT(sums.sacked == conn->sacked);
	ASSERT(sums.sacked_pieces == conn->sacked_pieces && sums.lost == conn->lost);
	ASSERT(list_count(tcp, conn->lost_head) == sums.waiting);
	ASSERT(list_count(tcp, conn->again_head) == sums.again);
	ASSERT((conn->flags & both) != both);
	ASSERT(!(conn->flags & TCP_FLAG_PROBED) || !(conn->flags & both));
	if (tcp_state_synchronized(conn->state))
		ASSERT(conn->ssthresh > 0 && conn->mss > 0 &&
		       (conn->cwnd > 0 || conn->flags & TCP_FLAG_RECOVERY));
}

/* What is outstanding has a timer, and what is not has none. A connection that is touched is
 * looked at again by tcp_flush(). */
static void timers_check(const struct tcp_conn *conn)
{
	bool flight = conn->snd_una != conn->snd_nxt;
	bool waits = conn->chunk_next != TCP_NONE && !(conn->flags & TCP_FLAG_DIRTY);

	ASSERT(!flight || tcp_timer_armed(conn, TCP_TIMER_RETRANSMIT) ||
	       tcp_timer_armed(conn, TCP_TIMER_STARVED));
	ASSERT(flight || (!tcp_timer_armed(conn, TCP_TIMER_RETRANSMIT) &&
			  !tcp_timer_armed(conn, TCP_TIMER_PROBE)));
	ASSERT(flight || !waits || tcp_timer_armed(conn, TCP_TIMER_PERSIST) ||
	       tcp_timer_armed(conn, TCP_TIMER_STARVED) || !tcp_state_synchronized(conn->state));
	ASSERT(conn->rcv_nxt == conn->rcv_acked || conn->flags & TCP_FLAG_ACK_NOW ||
	       tcp_timer_armed(conn, TCP_TIMER_DELAYED_ACK) ||
	       !tcp_state_synchronized(conn->state));
	ASSERT(conn->armed == 0 || conn->timer_slot != TCP_WHEEL_NO_SLOT);
}

/* Who holds packets is found when they become short. */
static void holding_check(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t index)
{
	ASSERT((conn->rx_head == NULL && conn->ooo_head == NULL) ||
	       tcp->received[index / 64] >> index % 64 & 1);
}

static void numbers_check(const struct tcp_conn *conn)
{
	ASSERT(!seq_after(conn->snd_una, conn->snd_nxt) &&
	       !seq_after(conn->snd_nxt, conn->snd_end));
	ASSERT(!seq_after(conn->rcv_acked, conn->rcv_nxt));
	if (tcp_state_synchronized(conn->state)) /* the SYN and the FIN lie beside the window */
		ASSERT(conn->snd_nxt - conn->snd_una <= conn->snd_wnd_max + 1);
}

void tcp_check(struct tcp *tcp)
{
	for (uint32_t i = 0; i < tcp->conns_fresh; i++) {
		const struct tcp_conn *conn = tcp_conn_at(tcp, i);

		if (conn->state == TCP_CLOSED)
			continue;
		numbers_check(conn);
		holding_check(tcp, conn, i);
		board_check(tcp, conn);
		timers_check(conn);
	}
}
