/*
 * The scoreboard lies in the pieces of the send queue: which of them arrived, which are lost (RFC
 * 6675). A lost one is in the list of what is to be sent again, in the order in which it shall go;
 * one that was sent again, and is neither acknowledged nor lost anew, is in the list of those, in
 * the order in which it went. Nothing else needs a search: what was sent once was sent in the order
 * of its numbers.
 */
#include "tcp/segment.h"

#define DSACK_MAX (1u << 20) /* a longer duplicate is not believed */

/* Before `at`, in a ring that has no end: before its head is behind its tail. */
static void list_add(struct tcp *tcp, uint32_t *head, uint32_t index, uint32_t at)
{
	struct tcp_link *link = &tcp->links[index];

	if (*head == TCP_NONE) {
		link->before = link->after = *head = index;
		return;
	}
	link->after = at;
	link->before = tcp->links[at].before;
	tcp->links[link->before].after = index;
	tcp->links[at].before = index;
}

static void list_cut(struct tcp *tcp, uint32_t *head, uint32_t index)
{
	const struct tcp_link *link = &tcp->links[index];

	if (link->after == index) {
		*head = TCP_NONE;
		return;
	}
	tcp->links[link->before].after = link->after;
	tcp->links[link->after].before = link->before;
	if (*head == index)
		*head = link->after;
}

static bool waits(const struct tcp_chunk *chunk)
{
	return (chunk->flags & (TCP_CHUNK_LOST | TCP_CHUNK_AGAIN)) == TCP_CHUNK_LOST;
}

/* Out of its list and out of the sums; its marks stay. */
static void take_out(struct tcp *tcp, struct tcp_conn *conn, uint32_t index)
{
	const struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

	if (chunk->flags & TCP_CHUNK_SACKED) {
		conn->sacked -= tcp_chunk_space(chunk);
		conn->sacked_pieces--;
	} else if (waits(chunk)) {
		conn->lost -= tcp_chunk_space(chunk);
		list_cut(tcp, &conn->lost_head, index);
	} else if (chunk->flags & TCP_CHUNK_AGAIN) {
		list_cut(tcp, &conn->again_head, index);
	}
}

static void set_marks(struct tcp_chunk *chunk, uint8_t set)
{
	const uint8_t marks = TCP_CHUNK_SACKED | TCP_CHUNK_LOST | TCP_CHUNK_AGAIN;

	chunk->flags = (uint8_t)((chunk->flags & ~marks) | set);
}

void tcp_sack_lose(struct tcp *tcp, struct tcp_conn *conn, uint32_t index, uint32_t before)
{
	struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

	if (waits(chunk) && !(chunk->flags & TCP_CHUNK_SACKED))
		return;
	take_out(tcp, conn, index);
	set_marks(chunk, TCP_CHUNK_LOST);
	chunk->skip = TCP_NONE;
	conn->lost += tcp_chunk_space(chunk);
	list_add(tcp, &conn->lost_head, index, before != TCP_NONE ? before : conn->lost_head);
}

void tcp_sack_again(struct tcp *tcp, struct tcp_conn *conn, uint32_t index)
{
	struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);
	uint8_t           lost = chunk->flags & TCP_CHUNK_LOST;

	ASSERT_HOT(!(chunk->flags & TCP_CHUNK_SACKED));
	take_out(tcp, conn, index);
	set_marks(chunk, lost | TCP_CHUNK_AGAIN);
	list_add(tcp, &conn->again_head, index, conn->again_head);
}

static void arrived(struct tcp *tcp, struct tcp_conn *conn, uint32_t index)
{
	struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

	take_out(tcp, conn, index);
	set_marks(chunk, TCP_CHUNK_SACKED);
	conn->sacked += tcp_chunk_space(chunk);
	conn->sacked_pieces++;
}

/* The first n bytes of a piece were acknowledged. */
void tcp_sack_trim(struct tcp_conn *conn, struct tcp_chunk *chunk, uint32_t n)
{
	if (chunk->flags & TCP_CHUNK_SACKED)
		conn->sacked -= n;
	else if (waits(chunk))
		conn->lost -= n;
	chunk->seq += n;
	chunk->offset = (uint16_t)(chunk->offset + n);
	chunk->len = (uint16_t)(chunk->len - n);
}

/* A piece was cut in two, and both halves have its marks: one that waits is followed by the other.
 */
void tcp_sack_split(struct tcp *tcp, struct tcp_conn *conn, uint32_t index)
{
	const struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

	ASSERT(!(chunk->flags & (TCP_CHUNK_SACKED | TCP_CHUNK_AGAIN)));
	if (waits(chunk))
		list_add(tcp, &conn->lost_head, chunk->next, tcp->links[index].after);
}

/* The first piece leaves the queue. */
void tcp_sack_forget(struct tcp *tcp, struct tcp_conn *conn, uint32_t index)
{
	const struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

	if (conn->chunk_rack == index)
		conn->chunk_rack = TCP_NONE;
	if (chunk->flags & (TCP_CHUNK_SACKED | TCP_CHUNK_LOST | TCP_CHUNK_AGAIN))
		take_out(tcp, conn, index);
}

/* After a timeout all that is not known to have arrived goes again, oldest first. A first piece
 * that is known to have arrived, and yet is not acknowledged, shows that the peer threw away what
 * it had told of (RFC 2018, 8). */
void tcp_sack_lose_all(struct tcp *tcp, struct tcp_conn *conn)
{
	bool reneged = (tcp_chunk_at(tcp, conn->chunk_head)->flags & TCP_CHUNK_SACKED) != 0;

	metric_add(tcp->metrics, METRIC_tcp_reneged, reneged);
	if (!(conn->flags & TCP_FLAG_SACK))
		conn->sacked = 0;
	for (uint32_t c = conn->chunk_head; c != conn->chunk_next;) {
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);

		if (reneged || !(chunk->flags & TCP_CHUNK_SACKED)) {
			take_out(tcp, conn, c); /* so that the list is in the order of numbers */
			set_marks(chunk, 0);
			tcp_sack_lose(tcp, conn, c, TCP_NONE);
		}
		c = chunk->next;
	}
}

/* They were not lost: on their way as before. What was sent twice went before all that is in the
 * list of those now. */
void tcp_sack_unlose(struct tcp *tcp, struct tcp_conn *conn)
{
	while (conn->lost_head != TCP_NONE) {
		uint32_t          index = tcp->links[conn->lost_head].before;
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

		take_out(tcp, conn, index);
		set_marks(chunk, 0);
		if (chunk->sent > 1) {
			tcp_sack_again(tcp, conn, index);
			conn->again_head = index;
		}
	}
	conn->chunk_rack = TCP_NONE;
}

/* RFC 2883, 4: the first range tells of a duplicate when it was acknowledged already, or lies in
 * the second. */
void tcp_sack_dsack(const struct tcp_conn *conn, const struct tcp_segment *segment,
		    struct tcp_news *news)
{
	const uint32_t(*range)[2] = segment->sack;
	uint32_t size = range[0][1] - range[0][0];

	if (segment->sack_count == 0 || size == 0 || size > DSACK_MAX ||
	    seq_after(range[0][1], conn->snd_nxt))
		return;
	if (!seq_after(range[0][1], segment->ack) ||
	    (segment->sack_count > 1 && !seq_before(range[0][0], range[1][0]) &&
	     !seq_after(range[0][1], range[1][1])))
		news->dsack = size;
}

/* A range is good when it lies in what was sent and is not acknowledged: not inverted, no DSACK. */
static bool range_good(const struct tcp_conn *conn, const uint32_t range[2])
{
	return seq_before(range[0], range[1]) && !seq_before(range[0], conn->snd_una) &&
	       !seq_after(range[1], conn->snd_nxt);
}

/* In place; those that touch become one, so that a piece that lies in both is found. */
static unsigned ranges_join(uint32_t ranges[TCP_SACK_MAX][2], unsigned n)
{
	unsigned last = 0;

	for (unsigned i = 1; i < n; i++) {
		if (seq_after(ranges[i][0], ranges[last][1])) {
			last++;
			ranges[last][0] = ranges[i][0];
			ranges[last][1] = ranges[i][1];
		} else {
			ranges[last][1] = seq_max(ranges[last][1], ranges[i][1]);
		}
	}
	return n > 0 ? last + 1 : 0;
}

/* The good ranges of a segment, lowest first. */
static unsigned ranges_sort(struct tcp *tcp, const struct tcp_conn *conn,
			    const struct tcp_segment *segment, uint32_t ranges[TCP_SACK_MAX][2])
{
	unsigned n = 0;

	for (unsigned i = 0; i < segment->sack_count; i++) {
		unsigned at = n;

		if (!range_good(conn, segment->sack[i])) {
			/* A duplicate told by RFC 2883 lies below what is acknowledged. */
			if (!seq_before(segment->sack[i][0], segment->sack[i][1]) ||
			    seq_after(segment->sack[i][1], conn->snd_nxt))
				metric_inc(tcp->metrics, METRIC_tcp_bad_sacks);
			continue;
		}
		for (; at > 0 && seq_before(segment->sack[i][0], ranges[at - 1][0]); at--) {
			ranges[at][0] = ranges[at - 1][0];
			ranges[at][1] = ranges[at - 1][1];
		}
		ranges[at][0] = segment->sack[i][0];
		ranges[at][1] = segment->sack[i][1];
		n++;
	}
	return ranges_join(ranges, n);
}

/* The last of a run of pieces that have arrived: the way there is remembered, so that it is not
 * walked again. */
static uint32_t run_end(struct tcp *tcp, uint32_t index)
{
	struct tcp_chunk *first = tcp_chunk_at(tcp, index);
	uint32_t          at = first->skip != TCP_NONE ? first->skip : index;

	for (;;) {
		const struct tcp_chunk *chunk = tcp_chunk_at(tcp, at);

		tcp->walked++;
		if (chunk->skip != TCP_NONE && chunk->skip != at) {
			at = chunk->skip;
		} else if (chunk->next != TCP_NONE &&
			   tcp_chunk_at(tcp, chunk->next)->flags & TCP_CHUNK_SACKED) {
			at = chunk->next;
		} else {
			break;
		}
	}
	first->skip = at;
	return at;
}

/* One walk through the pieces and the ranges, both in the order of numbers. */
void tcp_sack_take(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		   struct tcp_news *news)
{
	uint32_t ranges[TCP_SACK_MAX][2];
	unsigned n = ranges_sort(tcp, conn, segment, ranges), r = 0;

	for (uint32_t c = conn->chunk_head; c != conn->chunk_next && r < n;) {
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, c);
		uint32_t          end = chunk->seq + tcp_chunk_space(chunk);

		tcp->walked++;
		while (r < n && !seq_before(chunk->seq, ranges[r][1]))
			r++;
		if (r < n && !(chunk->flags & TCP_CHUNK_SACKED) &&
		    !seq_before(chunk->seq, ranges[r][0]) && !seq_after(end, ranges[r][1])) {
			tcp_rack_delivered(tcp, conn, chunk, segment, news);
			arrived(tcp, conn, c);
			news->sacked = true;
		}
		if (chunk->flags & TCP_CHUNK_SACKED)
			chunk = tcp_chunk_at(tcp, run_end(tcp, c));
		c = chunk->next;
	}
}
