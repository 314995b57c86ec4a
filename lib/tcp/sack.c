/* The scoreboard lies in the pieces of the send queue: which of them arrived, which are lost (RFC
 * 6675). */
#include "tcp/segment.h"

static uint32_t counts_sacked(const struct tcp_chunk *chunk)
{
	return chunk->flags & TCP_CHUNK_SACKED ? tcp_chunk_space(chunk) : 0;
}

static uint32_t counts_lost(const struct tcp_chunk *chunk)
{
	const uint8_t mask = TCP_CHUNK_LOST | TCP_CHUNK_RETRANSMITTED | TCP_CHUNK_SACKED;

	return (chunk->flags & mask) == TCP_CHUNK_LOST ? tcp_chunk_space(chunk) : 0;
}

/* All changes of these flags go through here, so that the sums of the connection hold. */
void tcp_sack_mark(struct tcp_conn *conn, struct tcp_chunk *chunk, uint8_t set, uint8_t clear)
{
	conn->sacked -= counts_sacked(chunk);
	conn->lost -= counts_lost(chunk);
	chunk->flags = (uint8_t)((chunk->flags & ~clear) | set);
	conn->sacked += counts_sacked(chunk);
	conn->lost += counts_lost(chunk);
}

/* A range is good when it lies in what was sent and is not acknowledged: not inverted, no DSACK. */
static bool range_good(const struct tcp_conn *conn, const uint32_t range[2])
{
	return seq_before(range[0], range[1]) && !seq_before(range[0], conn->snd_una) &&
	       !seq_after(range[1], conn->snd_nxt);
}

uint32_t tcp_sack_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	uint32_t before = conn->sacked, lowest = 0, highest = 0;
	bool     any = false;

	for (unsigned i = 0; i < segment->sack_count; i++) {
		if (!range_good(conn, segment->sack[i])) {
			/* A duplicate told by RFC 2883 lies below what is acknowledged. */
			if (!seq_before(segment->sack[i][0], segment->sack[i][1]) ||
			    seq_after(segment->sack[i][1], conn->snd_nxt))
				metric_inc(tcp->metrics, METRIC_tcp_bad_sacks);
			continue;
		}
		lowest = any ? seq_min(lowest, segment->sack[i][0]) : segment->sack[i][0];
		highest = any ? seq_max(highest, segment->sack[i][1]) : segment->sack[i][1];
		any = true;
	}
	if (!any)
		return 0;
	for (uint32_t c = conn->chunk_head; c != conn->chunk_next;) {
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);
		uint32_t          end = chunk->seq + tcp_chunk_space(chunk);

		c = chunk->next;
		if (!seq_before(chunk->seq, highest))
			break;
		if (seq_before(chunk->seq, lowest) || chunk->flags & TCP_CHUNK_SACKED)
			continue;
		for (unsigned i = 0; i < segment->sack_count; i++) {
			if (range_good(conn, segment->sack[i]) &&
			    !seq_before(chunk->seq, segment->sack[i][0]) &&
			    !seq_after(end, segment->sack[i][1])) {
				tcp_sack_mark(conn, chunk, TCP_CHUNK_SACKED, 0);
				break;
			}
		}
	}
	return conn->sacked - before;
}

/*
 * RFC 6675, 4, IsLost: three pieces or more than two segments of bytes above it have arrived.
 * Without SACK, three duplicates say it of the first. Pieces that were sent again are not judged:
 * they wait for the timeout.
 */
bool tcp_sack_find_lost(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t above = conn->sacked, pieces = 0;
	bool     found = false;

	if (conn->sacked == 0)
		return false;
	if (!(conn->flags & TCP_FLAG_SACK)) {
		struct tcp_chunk *first = tcp_chunk_at(tcp, conn->chunk_head);

		if (conn->duplicates < 3 || first->flags & TCP_CHUNK_LOST)
			return false;
		tcp_sack_mark(conn, first, TCP_CHUNK_LOST, 0);
		return true;
	}
	for (uint32_t c = conn->chunk_head; c != conn->chunk_next;) {
		const struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);

		pieces += (chunk->flags & TCP_CHUNK_SACKED) != 0;
		c = chunk->next;
	}
	for (uint32_t c = conn->chunk_head; c != conn->chunk_next && above > 0;) {
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);

		c = chunk->next;
		if (chunk->flags & TCP_CHUNK_SACKED) {
			above -= tcp_chunk_space(chunk);
			pieces--;
			continue;
		}
		if (pieces < 3 && above <= 2u * conn->mss)
			break;
		if (!(chunk->flags & TCP_CHUNK_LOST)) {
			tcp_sack_mark(conn, chunk, TCP_CHUNK_LOST, 0);
			found = true;
		}
	}
	return found;
}
