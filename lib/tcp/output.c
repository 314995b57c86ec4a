/* From queue to segments: what may go now, and the header of each (RFC 9293, 3.8.6; RFC 6675, 5).
 */
#include <string.h>

#include "tcp/segment.h"
#include "tcp/trace.h"

/*
 * The window field. The right edge follows the consumer by steps that are worth a segment (RFC
 * 1122, 4.2.3.3), never moves left, and is rounded up where rounding down would move it (RFC
 * 7323, 2.4).
 */
static uint16_t window_field(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t edge = conn->rcv_nxt + tcp_memory_window(tcp, conn);
	uint32_t step =
		conn->receive_max / 2 < conn->rcv_mss ? conn->receive_max / 2 : conn->rcv_mss;
	uint32_t field;

	if (seq_before(edge, conn->rcv_edge + step))
		edge = conn->rcv_edge;
	if (seq_before(edge, conn->rcv_nxt))
		edge = conn->rcv_nxt;
	field = (edge - conn->rcv_nxt) >> conn->rcv_scale;
	if (seq_before(conn->rcv_nxt + (field << conn->rcv_scale), conn->rcv_edge))
		field++;
	if (field > UINT16_MAX)
		field = UINT16_MAX;
	conn->rcv_edge = seq_max(conn->rcv_edge, conn->rcv_nxt + (field << conn->rcv_scale));
	if ((field == 0) != conn->window_shut) {
		conn->window_shut = field == 0;
		tcp_trace_event(tcp, conn, TCP_TRACE_OUR_WINDOW, field << conn->rcv_scale,
				conn->rx_bytes);
	}
	return (uint16_t)field;
}

/* The window of a SYN is never scaled (RFC 7323, 2.2). */
static uint16_t window_unscaled(struct tcp_conn *conn)
{
	uint32_t window = conn->receive_max < UINT16_MAX ? conn->receive_max : UINT16_MAX;

	conn->rcv_edge = conn->rcv_nxt + window;
	return (uint16_t)window;
}

static void header_syn(struct tcp *tcp, struct tcp_conn *conn, struct tcp_header *header)
{
	bool first = conn->state == TCP_SYN_SENT;

	header->flags = first ? TCP_SYN : TCP_SYN | TCP_ACK;
	header->window = window_unscaled(conn);
	tcp_option_mss(header, tcp_conn_mss_offer(&conn->path, conn->key.local.ip6));
	if (first || conn->flags & TCP_FLAG_SACK)
		tcp_option_sack_permitted(header);
	if (first || conn->flags & TCP_FLAG_TIMESTAMPS)
		tcp_option_timestamp(header, tcp->now_ms + conn->ts_offset, conn->ts_recent);
	if (first || conn->flags & TCP_FLAG_SCALE)
		tcp_option_scale(header, conn->rcv_scale);
}

/* Holes are told in the room that the payload leaves; a full segment's acknowledgement goes without
 * them. */
static void header_sack(struct tcp_conn *conn, struct tcp_header *header, uint32_t payload)
{
	uint32_t ranges[TCP_SACK_MAX][2];
	unsigned room = 40u - header->options_size, n;

	if (!(conn->flags & TCP_FLAG_SACK) ||
	    (conn->ooo_head == NULL && !(conn->flags & TCP_FLAG_DSACK)))
		return;
	if (payload > 0) {
		uint32_t full = conn->mss;

		room = payload >= full ? 0 : (full - payload < room ? full - payload : room);
	}
	n = room >= 12 ? (room - 4) / 8 : 0;
	n = tcp_reassembly_ranges(conn, ranges, n < TCP_SACK_MAX ? n : TCP_SACK_MAX);
	if (n > 0)
		tcp_option_sack(header, (const uint32_t(*)[2])ranges, n);
	conn->flags &= ~(uint32_t)TCP_FLAG_DSACK;
}

static void header_make(struct tcp *tcp, struct tcp_conn *conn, struct tcp_header *header,
			uint32_t payload)
{
	header->flags = TCP_ACK;
	header->ack = conn->rcv_nxt;
	header->window = window_field(tcp, conn);
	if (conn->flags & TCP_FLAG_TIMESTAMPS)
		tcp_option_timestamp(header, tcp->now_ms + conn->ts_offset, conn->ts_recent);
	header_sack(conn, header, payload);
}

/* Puts the header in front of the payload in mbuf and gives it to the network. Whatever is sent
 * acknowledges. */
static void emit(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf,
		 const struct tcp_header *header)
{
	tcp_trace_segment(tcp, conn, header->again ? TCP_TRACE_AGAIN : TCP_TRACE_OUT, header->flags,
			  mbuf->pkt_len, header->seq - conn->iss, header->ack - conn->irs);
	tcp_segment_prepend(mbuf, header);
	if (header->flags & TCP_ACK) {
		conn->rcv_acked = conn->rcv_nxt;
		conn->flags &= ~(uint32_t)TCP_FLAG_ACK_NOW;
		tcp_timer_clear(conn, TCP_TIMER_DELAYED_ACK);
	}
	metric_inc(tcp->metrics, header->again ? METRIC_tcp_retrans_segs : METRIC_tcp_out_segs);
	net_output_tcp(tcp->net, tcp->now, &conn->path, &conn->key.local, &conn->key.remote, mbuf);
}

static struct rte_mbuf *header_mbuf(struct tcp *tcp)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(tcp->pool);

	if (mbuf == NULL)
		metric_inc(tcp->metrics, METRIC_tcp_no_memory);
	else
		mbuf->data_off = NET_HEADROOM + TCP_HEADER_MAX;
	return mbuf;
}

bool tcp_output_ack(struct tcp *tcp, struct tcp_conn *conn, uint32_t seq)
{
	struct tcp_header header = {.key = &conn->key, .seq = seq};
	struct rte_mbuf  *mbuf = header_mbuf(tcp);

	if (mbuf == NULL) {
		conn->flags |= TCP_FLAG_ACK_NOW;
		tcp_timer_set(tcp, conn, TCP_TIMER_STARVED, TCP_STARVED_ACK_MS);
		return false;
	}
	header_make(tcp, conn, &header, 0);
	emit(tcp, conn, mbuf, &header);
	return true;
}

void tcp_output_reset(struct tcp *tcp, struct tcp_conn *conn)
{
	struct tcp_header header = {.key = &conn->key, .seq = conn->snd_nxt, .ack = conn->rcv_nxt};
	struct rte_mbuf  *mbuf = header_mbuf(tcp);

	if (mbuf == NULL)
		return;
	header.flags = TCP_RST | TCP_ACK;
	if (conn->flags & TCP_FLAG_TIMESTAMPS) /* RFC 7323, 3.2: a peer may want to see one */
		tcp_option_timestamp(&header, tcp->now_ms + conn->ts_offset, conn->ts_recent);
	metric_inc(tcp->metrics, METRIC_tcp_out_rsts);
	emit(tcp, conn, mbuf, &header);
}

/* Our own mbuf where nobody else holds it, with a second reference for the way out; a copy
 * otherwise. */
static struct rte_mbuf *payload_ready(struct tcp *tcp, struct tcp_chunk *chunk)
{
	struct rte_mbuf *mbuf = chunk->mbuf;

	if (mbuf == NULL)
		return header_mbuf(tcp);
	if (rte_mbuf_refcnt_read(mbuf) == 1 && chunk->offset % 4 == 0) { /* headers stay aligned */
		mbuf->data_off = chunk->offset;
		mbuf->data_len = chunk->len;
		mbuf->pkt_len = chunk->len;
		mbuf->ol_flags = 0;
		rte_mbuf_refcnt_update(mbuf, 1);
		return mbuf;
	}
	mbuf = header_mbuf(tcp);
	if (mbuf != NULL)
		memcpy(rte_pktmbuf_append(mbuf, chunk->len),
		       (uint8_t *)chunk->mbuf->buf_addr + chunk->offset, chunk->len);
	return mbuf;
}

static bool chunk_emit(struct tcp *tcp, struct tcp_conn *conn, struct tcp_chunk *chunk)
{
	struct tcp_header header = {.key = &conn->key,
				    .seq = chunk->seq,
				    .ack = conn->rcv_nxt,
				    .again = chunk->sent > 0};
	struct rte_mbuf  *mbuf = payload_ready(tcp, chunk);

	if (mbuf == NULL)
		return false;
	if (chunk->flags & TCP_CHUNK_SYN)
		header_syn(tcp, conn, &header);
	else
		header_make(tcp, conn, &header, chunk->len);
	if (chunk->flags & TCP_CHUNK_FIN)
		header.flags |= TCP_FIN;
	if (chunk->len > 0 && chunk->next == TCP_NONE)
		header.flags |= TCP_PSH;
	chunk->sent_us = (uint32_t)tcp->now.us;
	if (chunk->sent < UINT8_MAX)
		chunk->sent++;
	if (!tcp_timer_armed(conn, TCP_TIMER_RETRANSMIT)) {
		tcp_timer_set(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_ack_rto_ms(conn));
		if (!tcp_timer_armed(conn, TCP_TIMER_GIVE_UP))
			tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, conn->user_timeout_s * 1000u);
	}
	conn->sent_ms = tcp->now_ms;
	emit(tcp, conn, mbuf, &header);
	return true;
}

static void sent_again(struct tcp *tcp, struct tcp_conn *conn, uint32_t index)
{
	tcp_sack_again(tcp, conn, index);
	tcp_chunk_at(tcp, index)->reductions = conn->reductions;
	tcp_recover_sent(tcp, conn, tcp_chunk_space(tcp_chunk_at(tcp, index)), true);
	conn->retransmits++;
}

/* Lost pieces as far as the congestion window lets. Returns how many went; *stuck: memory was
 * short. */
static unsigned send_lost(struct tcp *tcp, struct tcp_conn *conn, unsigned budget, bool *stuck)
{
	unsigned sent = 0;

	while (conn->lost_head != TCP_NONE) {
		uint32_t          index = conn->lost_head, pipe = tcp_conn_pipe(conn);
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

		if (sent == budget || (pipe + tcp_chunk_space(chunk) > conn->cwnd && pipe > 0 &&
				       !(conn->flags & TCP_FLAG_RESCUE)))
			break;
		*stuck = (chunk->len > conn->mss && /* the path became narrower */
			  !tcp_queue_split(tcp, conn, chunk, conn->mss)) ||
			 !chunk_emit(tcp, conn, chunk);
		if (*stuck)
			break;
		conn->flags &= ~(uint32_t)TCP_FLAG_RESCUE;
		sent_again(tcp, conn, index);
		sent++;
	}
	return sent;
}

/*
 * How much of the first unsent piece may go: 0, a part, or all. Silly window avoidance (RFC
 * 1122, 4.2.3.4): a part only when it is at least half of the largest window the peer ever had, or
 * when the persist timer has fired.
 */
static uint32_t sendable(const struct tcp_conn *conn, const struct tcp_chunk *chunk)
{
	uint32_t used = conn->snd_nxt - conn->snd_una;
	uint32_t room = conn->snd_wnd > used ? conn->snd_wnd - used : 0;
	uint32_t pipe = tcp_conn_pipe(conn);
	uint32_t len = chunk->len < conn->mss ? chunk->len : conn->mss;

	if (pipe > 0 && pipe + len > conn->cwnd)
		return 0;
	if (conn->flags & TCP_FLAG_NAGLE && chunk->len < conn->mss && used > 0 &&
	    !(chunk->flags & TCP_CHUNK_FIN) && chunk->next == TCP_NONE)
		return 0;
	if (len <= room)
		return len;
	if (room > 0 && (room >= conn->snd_wnd_max / 2 || conn->flags & TCP_FLAG_FORCE))
		return room;
	return 0;
}

static void sent_new(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_chunk *chunk)
{
	conn->chunk_next = chunk->next;
	conn->snd_nxt = chunk->seq + tcp_chunk_space(chunk);
	conn->bytes_out += chunk->len;
	if (conn->flags & TCP_FLAG_RECOVERY)
		tcp_recover_sent(tcp, conn, tcp_chunk_space(chunk), false);
}

static unsigned send_new(struct tcp *tcp, struct tcp_conn *conn, unsigned budget, bool *stuck)
{
	unsigned sent = 0;

	while (conn->chunk_next != TCP_NONE && sent < budget) {
		struct tcp_chunk *chunk = tcp_chunk_at(tcp, conn->chunk_next);
		uint32_t          n = sendable(conn, chunk);

		if (n == 0 && (chunk->len > 0 ||
			       (tcp_conn_pipe(conn) >= conn->cwnd && tcp_conn_pipe(conn) > 0)))
			break;
		if (n < chunk->len && !tcp_queue_split(tcp, conn, chunk, (uint16_t)n)) {
			*stuck = true;
			break;
		}
		if (!chunk_emit(tcp, conn, chunk)) {
			*stuck = true;
			break;
		}
		sent_new(tcp, conn, chunk);
		sent++;
	}
	return sent;
}

static struct tcp_chunk *last_sent(struct tcp *tcp, const struct tcp_conn *conn, uint32_t *index)
{
	*index = conn->chunk_tail;
	if (conn->chunk_next != TCP_NONE) {
		*index = conn->chunk_head;
		while (tcp_chunk_at(tcp, *index)->next != conn->chunk_next)
			*index = tcp_chunk_at(tcp, *index)->next;
	}
	return tcp_chunk_at(tcp, *index);
}

/* RFC 8985, 7.3: new data where there is some and the peer has room, else the last again. */
bool tcp_output_probe(struct tcp *tcp, struct tcp_conn *conn, bool *again)
{
	uint32_t          used = conn->snd_nxt - conn->snd_una, index = conn->chunk_next;
	struct tcp_chunk *chunk;

	ASSERT_HOT(used > 0);
	*again = index == TCP_NONE || used + tcp_chunk_at(tcp, index)->len > conn->snd_wnd ||
		 tcp_chunk_at(tcp, index)->len > conn->mss;
	chunk = *again ? last_sent(tcp, conn, &index) : tcp_chunk_at(tcp, index);
	if (!chunk_emit(tcp, conn, chunk))
		return false;
	if (!*again) {
		sent_new(tcp, conn, chunk);
		return true;
	}
	conn->flags &= ~(uint32_t)TCP_FLAG_UNDO; /* what a recovery before noted */
	conn->undo_bytes = 0;
	sent_again(tcp, conn, index);
	return true;
}

/* Data waits, nothing is on the way and the window is too small: only a probe can find out that it
 * opened (RFC 9293, 3.8.6.1). */
static void persist(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->chunk_next != TCP_NONE && conn->snd_una == conn->snd_nxt &&
	    !tcp_timer_armed(conn, TCP_TIMER_PERSIST))
		tcp_timer_set(tcp, conn, TCP_TIMER_PERSIST, tcp_ack_rto_ms(conn));
}

bool tcp_output_conn(struct tcp *tcp, struct tcp_conn *conn)
{
	bool     stuck = false, doubt = (conn->flags & TCP_FLAG_DOUBT_SENT) != 0;
	uint32_t before = conn->snd_nxt;
	unsigned sent;

	if (conn->state == TCP_CLOSED)
		return false;
	if (conn->path.mtu_generation != net_path_mtu_generation(tcp->net))
		tcp_pmtu_follow(tcp, conn);
	if (conn->snd_una == conn->snd_nxt && conn->chunk_next != TCP_NONE && conn->mss > 0 &&
	    tcp->now_ms - conn->sent_ms > conn->rto_ms)
		tcp_cc[conn->cc]->idle(conn, tcp->now_ms - conn->sent_ms);
	sent = conn->lost > 0 && !doubt ? send_lost(tcp, conn, TCP_QUANTUM, &stuck) : 0;
	if ((conn->lost == 0 || doubt) && !stuck)
		sent += send_new(tcp, conn, TCP_QUANTUM - sent, &stuck);
	if (conn->snd_nxt != before)
		tcp_rack_probe_arm(tcp, conn);
	conn->flags &= ~(uint32_t)TCP_FLAG_FORCE;
	if (stuck) {
		tcp_trace_event(tcp, conn, TCP_TRACE_NO_MEMORY, conn->snd_end - conn->snd_una, 0);
		tcp_timer_set(tcp, conn, TCP_TIMER_STARVED, TCP_STARVED_MS);
		return false;
	}
	if (sent < TCP_QUANTUM && !tcp_state_synchronized(conn->state))
		return false;
	if (sent < TCP_QUANTUM)
		persist(tcp, conn);
	if (conn->flags & TCP_FLAG_ACK_NOW)
		tcp_output_ack(tcp, conn, conn->snd_nxt);
	return sent == TCP_QUANTUM;
}
