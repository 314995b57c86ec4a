/*
 * Received bytes: a chain in order that the consumer reads, and segments behind a hole, sorted,
 * each with its sequence number in hash.usr. Small segments are copied together once much more
 * memory is held than bytes.
 */
#include <string.h>

#include "tcp/segment.h"
#include "tcp/trace.h"

#define COMPACT_MBUFS 4u /* fewer are never worth a copy */
#define COMPACT_RATIO 4u /* memory held per byte held */

/* May bytes be copied behind what this mbuf holds? */
static bool room_behind(struct rte_mbuf *mbuf, uint32_t n)
{
	return rte_mbuf_refcnt_read(mbuf) == 1 && RTE_MBUF_DIRECT(mbuf) &&
	       rte_pktmbuf_tailroom(mbuf) >= n;
}

static void copy_behind(struct rte_mbuf *mbuf, struct rte_mbuf *from)
{
	memcpy(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, mbuf->data_len),
	       rte_pktmbuf_mtod(from, uint8_t *), from->data_len);
	mbuf->data_len = (uint16_t)(mbuf->data_len + from->data_len);
	rte_pktmbuf_free_seg(from);
}

/* One mbuf, not a chain; it begins at rcv_nxt. */
static void append(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf)
{
	uint32_t n = mbuf->data_len;

	conn->rcv_nxt += n;
	conn->rx_bytes += n;
	conn->bytes_in += n;
	if (conn->rx_mbufs >= COMPACT_MBUFS &&
	    (conn->rx_mbufs + 1) * (uint32_t)mbuf->buf_len > COMPACT_RATIO * conn->rx_bytes &&
	    room_behind(conn->rx_tail, n)) {
		copy_behind(conn->rx_tail, mbuf);
		metric_inc(tcp->metrics, METRIC_tcp_compactions);
		return;
	}
	mbuf->next = NULL;
	if (conn->rx_tail != NULL)
		conn->rx_tail->next = mbuf;
	else
		conn->rx_head = mbuf;
	conn->rx_tail = mbuf;
	conn->rx_mbufs++;
}

static void held_free(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf)
{
	mbuf->next = NULL;
	rte_pktmbuf_free_seg(mbuf);
	conn->ooo_mbufs--;
	tcp->ooo_mbufs--;
}

/* The hole before them was filled: what waits moves into the chain. */
static void drain(struct tcp *tcp, struct tcp_conn *conn)
{
	while (conn->ooo_head != NULL && !seq_after(conn->ooo_head->hash.usr, conn->rcv_nxt)) {
		struct rte_mbuf *mbuf = conn->ooo_head;
		uint32_t         known = conn->rcv_nxt - mbuf->hash.usr;

		conn->ooo_head = mbuf->next;
		if (known >= mbuf->data_len) {
			held_free(tcp, conn, mbuf);
			continue;
		}
		conn->ooo_mbufs--;
		tcp->ooo_mbufs--;
		mbuf->data_off = (uint16_t)(mbuf->data_off + known);
		mbuf->data_len = (uint16_t)(mbuf->data_len - known);
		append(tcp, conn, mbuf);
	}
}

static void remember_recent(struct tcp_conn *conn, uint32_t seq)
{
	if (conn->recent_count < TCP_SACK_MAX)
		conn->recent_count++;
	for (unsigned i = conn->recent_count - 1u; i > 0; i--)
		conn->recent[i] = conn->recent[i - 1];
	conn->recent[0] = seq;
}

static void duplicate(struct tcp *tcp, struct tcp_conn *conn, uint32_t start, uint32_t end)
{
	metric_inc(tcp->metrics, METRIC_tcp_duplicates);
	conn->flags |= TCP_FLAG_DSACK;
	conn->dsack_start = start;
	conn->dsack_end = end;
}

/* Keep one mbuf (not a chain) that begins at seq, after a hole. Overlaps go to what was there
 * first. */
static void hold(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf, uint32_t seq)
{
	struct rte_mbuf **link = &conn->ooo_head, *before = NULL;
	uint32_t          end = seq + mbuf->data_len;

	while (*link != NULL && !seq_after((*link)->hash.usr, seq)) {
		before = *link;
		link = &before->next;
	}
	if (before != NULL && seq_after(before->hash.usr + before->data_len, seq)) {
		uint32_t known = before->hash.usr + before->data_len - seq;

		duplicate(tcp, conn, seq, known < mbuf->data_len ? seq + known : end);
		if (known >= mbuf->data_len) {
			remember_recent(conn, seq);
			rte_pktmbuf_free_seg(mbuf);
			return;
		}
		mbuf->data_off = (uint16_t)(mbuf->data_off + known);
		mbuf->data_len = (uint16_t)(mbuf->data_len - known);
		seq += known;
	}
	while (*link != NULL && !seq_after((*link)->hash.usr + (*link)->data_len, end)) {
		struct rte_mbuf *covered = *link;

		*link = covered->next;
		held_free(tcp, conn, covered);
	}
	if (*link != NULL && seq_before((*link)->hash.usr, end))
		mbuf->data_len = (uint16_t)((*link)->hash.usr - seq);
	remember_recent(conn, seq);
	if (before != NULL && before->hash.usr + before->data_len == seq &&
	    mbuf->data_len < mbuf->buf_len / COMPACT_RATIO && room_behind(before, mbuf->data_len)) {
		copy_behind(before, mbuf);
		return;
	}
	mbuf->hash.usr = seq;
	mbuf->next = *link;
	*link = mbuf;
	conn->ooo_mbufs++;
	tcp->ooo_mbufs++;
}

/* RFC 9293, 3.10.7.4, seventh: the segment was cut to the window, its ACK taken. */
void tcp_reassembly_take(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment)
{
	struct rte_mbuf *mbuf = segment->mbuf;
	uint32_t         seq = segment->seq;
	bool             in_order = seq == conn->rcv_nxt;

	segment->mbuf = NULL;
	if (!in_order &&
	    (tcp->pressure != TCP_PRESSURE_NONE || conn->ooo_mbufs + mbuf->nb_segs > TCP_OOO_MAX ||
	     tcp->ooo_mbufs + mbuf->nb_segs > tcp->ooo_mbufs_max)) {
		metric_inc(tcp->metrics, METRIC_tcp_out_of_order_dropped);
		tcp_trace_event(tcp, conn, TCP_TRACE_DROPPED, METRIC_tcp_out_of_order_dropped,
				seq - conn->irs);
		rte_pktmbuf_free(mbuf);
		return;
	}
	if (!in_order)
		metric_inc(tcp->metrics, METRIC_tcp_out_of_order);
	while (mbuf != NULL) {
		struct rte_mbuf *next = mbuf->next;
		uint32_t         n = mbuf->data_len;

		mbuf->next = NULL;
		mbuf->nb_segs = 1;
		if (n == 0)
			rte_pktmbuf_free_seg(mbuf);
		else if (in_order)
			append(tcp, conn, mbuf);
		else
			hold(tcp, conn, mbuf, seq);
		seq += n;
		mbuf = next;
	}
	if (in_order) {
		drain(tcp, conn);
		tcp_conn_event(tcp, conn, TCP_EVENT_READABLE);
	}
}

void tcp_reassembly_drop_held(struct tcp *tcp, struct tcp_conn *conn)
{
	while (conn->ooo_head != NULL) {
		struct rte_mbuf *mbuf = conn->ooo_head;

		conn->ooo_head = mbuf->next;
		held_free(tcp, conn, mbuf);
	}
	conn->recent_count = 0;
}

void tcp_reassembly_free(struct tcp *tcp, struct tcp_conn *conn)
{
	tcp_reassembly_drop_held(tcp, conn);
	while (conn->rx_head != NULL) {
		struct rte_mbuf *mbuf = conn->rx_head;

		conn->rx_head = mbuf->next;
		mbuf->next = NULL;
		rte_pktmbuf_free_seg(mbuf);
	}
	conn->rx_tail = NULL;
	conn->rx_bytes = conn->rx_mbufs = 0;
}

/* The run of held bytes around seq; false when nothing is held there any more. */
static bool range_around(const struct tcp_conn *conn, uint32_t seq, uint32_t range[2])
{
	for (const struct rte_mbuf *m = conn->ooo_head; m != NULL;) {
		range[0] = m->hash.usr;
		range[1] = range[0] + m->data_len;
		for (m = m->next; m != NULL && m->hash.usr == range[1]; m = m->next)
			range[1] += m->data_len;
		if (!seq_before(seq, range[0]) && seq_before(seq, range[1]))
			return true;
	}
	return false;
}

/* RFC 2018, 4: the range that grew last comes first; RFC 2883: a duplicate is told once, before all
 * others. */
unsigned tcp_reassembly_ranges(struct tcp_conn *conn, uint32_t ranges[][2], unsigned max)
{
	unsigned n = 0, first = 0, kept = 0;

	if (conn->flags & TCP_FLAG_DSACK && max > 0) {
		ranges[n][0] = conn->dsack_start;
		ranges[n++][1] = conn->dsack_end;
		first = 1;
	}
	for (unsigned i = 0; i < conn->recent_count; i++) {
		uint32_t range[2];
		bool     known = false;

		if (!range_around(conn, conn->recent[i], range))
			continue;
		for (unsigned k = first; k < n; k++)
			known |= ranges[k][0] == range[0];
		if (known)
			continue;
		conn->recent[kept++] = conn->recent[i];
		if (n < max) {
			ranges[n][0] = range[0];
			ranges[n++][1] = range[1];
		}
	}
	conn->recent_count = (uint8_t)kept;
	return n;
}
