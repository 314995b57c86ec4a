/*
 * Received bytes: a chain in order that the consumer reads, and runs of segments behind holes.
 * Small segments are copied together once much more memory is held than bytes.
 */
#include <string.h>

#include "tcp/segment.h"
#include "tcp/trace.h"

#define COMPACT_MBUFS 4u /* fewer are never worth a copy */

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

/* Copy rather than link: much more memory is held than bytes, or memory is short. */
static bool copies(const struct tcp *tcp, const struct tcp_conn *conn, const struct rte_mbuf *mbuf)
{
	uint32_t n = mbuf->data_len;

	if (conn->rx_mbufs == 0 || !room_behind(conn->rx_tail, n))
		return false;
	if (tcp->pressure >= TCP_PRESSURE_HIGH)
		return true;
	return conn->rx_mbufs >= COMPACT_MBUFS && (conn->rx_mbufs + 1) * (uint32_t)mbuf->buf_len >
							  TCP_COMPACT_RATIO * (conn->rx_bytes + n);
}

/* One mbuf, not a chain; it begins at rcv_nxt. */
static void append(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf)
{
	bool     copy = copies(tcp, conn, mbuf);
	uint32_t n = mbuf->data_len;

	conn->rcv_nxt += n;
	conn->rx_bytes += n;
	conn->bytes_in += n;
	if (copy) {
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

/*
 * What waits behind a hole: runs without holes of their own, in order. A run is a chain of mbufs by
 * `next`; what is to be known of it lies in the headroom of its first, so that no memory is kept
 * for it. Work on a segment is bounded by the runs, however many segments wait.
 */
struct run {
	struct rte_mbuf *next; /* first of the next run */
	struct rte_mbuf *tail;
	uint32_t         start, end;
};

#define RUNS_MAX 32u /* looked at for one segment; what lies behind is dropped */

static struct run *run_of(struct rte_mbuf *first)
{
	return first->buf_addr;
}

/* The headers stood there, unless the mbuf is not ours alone. */
static bool run_fits(struct rte_mbuf *mbuf)
{
	return rte_mbuf_refcnt_read(mbuf) == 1 && RTE_MBUF_DIRECT(mbuf) &&
	       rte_pktmbuf_headroom(mbuf) >= sizeof(struct run);
}

static void held_free(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf)
{
	mbuf->next = NULL;
	rte_pktmbuf_free_seg(mbuf);
	conn->ooo_mbufs--;
	tcp->ooo_mbufs--;
}

static void run_free(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf)
{
	while (mbuf != NULL) {
		struct rte_mbuf *next = mbuf->next;

		held_free(tcp, conn, mbuf);
		mbuf = next;
	}
}

/* A run whose hole was filled moves into the chain; what is known of it already is freed. */
static void run_take(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf, uint32_t seq)
{
	while (mbuf != NULL) {
		struct rte_mbuf *next = mbuf->next;
		uint32_t         known = conn->rcv_nxt - seq, n = mbuf->data_len;

		if (known >= n) {
			held_free(tcp, conn, mbuf);
		} else {
			conn->ooo_mbufs--;
			tcp->ooo_mbufs--;
			mbuf->data_off = (uint16_t)(mbuf->data_off + known);
			mbuf->data_len = (uint16_t)(n - known);
			append(tcp, conn, mbuf);
		}
		seq += n;
		mbuf = next;
	}
}

/* Told once in the next acknowledgement; the newest run of bytes counts (RFC 2883, 4). */
void tcp_reassembly_duplicate(struct tcp *tcp, struct tcp_conn *conn, uint32_t start, uint32_t end)
{
	metric_inc(tcp->metrics, METRIC_tcp_duplicates);
	if (!(conn->flags & TCP_FLAG_DSACK) || conn->dsack_end != start)
		conn->dsack_start = start;
	conn->flags |= TCP_FLAG_DSACK;
	conn->dsack_end = end;
}

static void drain(struct tcp *tcp, struct tcp_conn *conn)
{
	while (conn->ooo_head != NULL && !seq_after(run_of(conn->ooo_head)->start, conn->rcv_nxt)) {
		struct rte_mbuf *first = conn->ooo_head;
		struct run       run = *run_of(first);

		if (seq_before(run.start, conn->rcv_nxt))
			tcp_reassembly_duplicate(tcp, conn, run.start,
						 seq_min(run.end, conn->rcv_nxt));
		conn->ooo_head = run.next;
		run_take(tcp, conn, first, run.start);
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

/* The last run that begins at seq or before it, NULL: none; *after: the one behind it. false: too
 * many runs lie before. */
static bool run_find(const struct tcp_conn *conn, uint64_t *walked, uint32_t seq,
		     struct rte_mbuf **before, struct rte_mbuf **after)
{
	unsigned steps = 0;

	*before = NULL;
	*after = conn->ooo_head;
	while (*after != NULL && !seq_after(run_of(*after)->start, seq)) {
		(*walked)++;
		if (++steps > RUNS_MAX)
			return false;
		*before = *after;
		*after = run_of(*after)->next;
	}
	return true;
}

/* Behind the last byte of a run: copied where that saves memory, else chained. */
static void run_append(struct tcp *tcp, struct tcp_conn *conn, struct run *run,
		       struct rte_mbuf *mbuf)
{
	run->end += mbuf->data_len;
	if (mbuf->data_len < mbuf->buf_len / TCP_COMPACT_RATIO &&
	    room_behind(run->tail, mbuf->data_len)) {
		copy_behind(run->tail, mbuf);
		return;
	}
	mbuf->next = NULL;
	run->tail->next = mbuf;
	run->tail = mbuf;
	conn->ooo_mbufs++;
	tcp->ooo_mbufs++;
}

/* A run of its own between before (NULL: the first) and after. */
static void run_new(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *before,
		    struct rte_mbuf *after, struct rte_mbuf *mbuf, uint32_t seq)
{
	mbuf->next = NULL;
	*run_of(mbuf) = (struct run){after, mbuf, seq, seq + mbuf->data_len};
	if (before != NULL)
		run_of(before)->next = mbuf;
	else
		conn->ooo_head = mbuf;
	conn->ooo_mbufs++;
	tcp->ooo_mbufs++;
}

/* The hole between a run and the next may be filled now. */
static void run_join(struct rte_mbuf *first)
{
	struct run *run = run_of(first), *next = run->next != NULL ? run_of(run->next) : NULL;

	if (next == NULL || next->start != run->end)
		return;
	run->tail->next = run->next;
	*run = (struct run){next->next, next->tail, run->start, next->end};
}

static void out_of_order_drop(struct tcp *tcp, struct rte_mbuf *mbuf)
{
	metric_inc(tcp->metrics, METRIC_tcp_out_of_order_dropped);
	rte_pktmbuf_free_seg(mbuf);
}

/* Keep one mbuf (not a chain) that begins at seq, after a hole. Of what overlaps, what was there
 * first stays, and of runs that it covers whole, what it brings. */
static void hold(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf, uint32_t seq)
{
	struct rte_mbuf *before, *after;
	uint32_t         end = seq + mbuf->data_len;

	if (!run_fits(mbuf) || !run_find(conn, &tcp->ooo_walked, seq, &before, &after)) {
		out_of_order_drop(tcp, mbuf);
		return;
	}
	if (before != NULL && seq_after(run_of(before)->end, seq)) {
		uint32_t known = run_of(before)->end - seq;

		tcp_reassembly_duplicate(tcp, conn, seq,
					 known < mbuf->data_len ? seq + known : end);
		if (known >= mbuf->data_len) {
			remember_recent(conn, seq);
			rte_pktmbuf_free_seg(mbuf);
			return;
		}
		mbuf->data_off = (uint16_t)(mbuf->data_off + known);
		mbuf->data_len = (uint16_t)(mbuf->data_len - known);
		seq += known;
	}
	while (after != NULL && !seq_after(run_of(after)->end, end)) {
		struct rte_mbuf *covered = after;

		after = run_of(covered)->next;
		tcp_reassembly_duplicate(tcp, conn, run_of(covered)->start, run_of(covered)->end);
		run_free(tcp, conn, covered);
	}
	if (before != NULL)
		run_of(before)->next = after;
	else
		conn->ooo_head = after;
	if (after != NULL && seq_before(run_of(after)->start, end)) {
		tcp_reassembly_duplicate(tcp, conn, run_of(after)->start, end);
		mbuf->data_len = (uint16_t)(run_of(after)->start - seq);
	}
	remember_recent(conn, seq);
	if (before != NULL && run_of(before)->end == seq) {
		run_append(tcp, conn, run_of(before), mbuf);
	} else {
		run_new(tcp, conn, before, after, mbuf, seq);
		before = mbuf;
	}
	run_join(before);
}

/* May n more wait? As many as the window has segments; and beyond a few no more than are left for
 * all others, so that nobody takes the whole budget of the worker. */
static bool may_hold(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t n)
{
	uint32_t segment = conn->rcv_mss > TCP_MSS_MIN ? conn->rcv_mss : TCP_MSS_MIN;
	uint32_t held = conn->ooo_mbufs + n;

	if (tcp->pressure >= TCP_PRESSURE_HIGH || tcp->ooo_mbufs + n > tcp->ooo_mbufs_max)
		return false;
	return held <= TCP_OOO_MIN || (held <= TCP_OOO_MIN + conn->receive_max / segment &&
				       held <= tcp->ooo_mbufs_max - tcp->ooo_mbufs);
}

/*
 * The budget in memory, not bytes: small segments are copied together, so only who sends what
 * cannot be copied meets its limit. When the pool is nearly empty, a connection that holds
 * something gets no more buffers, only what room they have.
 */
static bool may_take(const struct tcp *tcp, const struct tcp_conn *conn,
		     const struct rte_mbuf *mbuf)
{
	uint64_t held = (uint64_t)conn->rx_mbufs * mbuf->buf_len;

	if (conn->rx_mbufs < COMPACT_MBUFS && tcp->pressure != TCP_PRESSURE_FULL)
		return true;
	if (conn->rx_mbufs > 0 && room_behind(conn->rx_tail, mbuf->data_len))
		return true;
	if (tcp->pressure == TCP_PRESSURE_FULL)
		return conn->rx_mbufs == 0;
	return held <= (uint64_t)TCP_COMPACT_RATIO * conn->receive_max;
}

/* For memory.c, which finds it when packets become short. */
static inline void note_received(struct tcp *tcp, const struct tcp_conn *conn)
{
	uint32_t index = tcp_conn_index(tcp, conn);

	tcp->received[index / 64] |= 1ull << index % 64;
}

/* RFC 9293, 3.10.7.4, seventh: the segment was cut to the window, its ACK taken. */
void tcp_reassembly_take(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment)
{
	struct rte_mbuf *mbuf = segment->mbuf;
	uint32_t         seq = segment->seq;
	bool             in_order = seq == conn->rcv_nxt;

	segment->mbuf = NULL;
	if (in_order && !may_take(tcp, conn, mbuf)) {
		metric_inc(tcp->metrics, METRIC_tcp_receive_dropped);
		tcp_trace_event(tcp, conn, TCP_TRACE_DROPPED, METRIC_tcp_receive_dropped,
				seq - conn->irs);
		rte_pktmbuf_free(mbuf);
		return;
	}
	if (!in_order && !may_hold(tcp, conn, mbuf->nb_segs)) {
		metric_inc(tcp->metrics, METRIC_tcp_out_of_order_dropped);
		tcp_trace_event(tcp, conn, TCP_TRACE_DROPPED, METRIC_tcp_out_of_order_dropped,
				seq - conn->irs);
		rte_pktmbuf_free(mbuf);
		return;
	}
	if (!in_order)
		metric_inc(tcp->metrics, METRIC_tcp_out_of_order);
	note_received(tcp, conn);
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
		struct rte_mbuf *first = conn->ooo_head;

		conn->ooo_head = run_of(first)->next;
		run_free(tcp, conn, first);
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
	struct rte_mbuf *before, *after;
	uint64_t         walked = 0;

	if (!run_find(conn, &walked, seq, &before, &after) || before == NULL ||
	    !seq_before(seq, run_of(before)->end))
		return false;
	range[0] = run_of(before)->start;
	range[1] = run_of(before)->end;
	return true;
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
