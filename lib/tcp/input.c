/* Segments of a connection in the order of RFC 9293, 3.10.7: sequence, RST, SYN, ACK, data, FIN;
 * with RFC 5961 and 7323. */
#include "tcp/segment.h"
#include "tcp/trace.h"

#define PAWS_IDLE_MS                                                                               \
	(24u * 24 * 3600 * 1000) /* after so long a timestamp says nothing (RFC 7323, 5.5) */

/* What both sides offered is in force. */
static void options_agree(struct tcp_conn *conn, const struct tcp_segment *segment)
{
	uint32_t window = conn->receive_max < UINT16_MAX ? conn->receive_max : UINT16_MAX;

	if (segment->has_timestamp)
		conn->flags |= TCP_FLAG_TIMESTAMPS;
	if (segment->sack_permitted)
		conn->flags |= TCP_FLAG_SACK;
	if (segment->has_scale)
		conn->flags |= TCP_FLAG_SCALE;
	else
		conn->rcv_scale = 0;
	conn->irs = segment->seq;
	conn->rcv_nxt = conn->rcv_acked = segment->seq + 1;
	conn->rcv_edge = conn->rcv_nxt + window; /* as our SYN said, unscaled */
	conn->ts_recent = segment->ts_value;
	tcp_conn_set_mss(conn, segment->mss != 0 ? segment->mss : TCP_MSS_MIN);
}

/* RFC 9293, 3.10.7.3 */
static void syn_sent(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment)
{
	bool ack = (segment->flags & TCP_ACK) != 0;

	if (ack && segment->ack != conn->snd_nxt) {
		tcp_reply_reset(tcp, segment);
		return;
	}
	if (segment->flags & TCP_RST) {
		if (ack) {
			metric_inc(tcp->metrics, METRIC_tcp_resets_in);
			tcp_conn_die(tcp, conn, REASON_CONNECTION_REFUSED);
		}
		return;
	}
	if (!(segment->flags & TCP_SYN))
		return;
	metric_add(tcp->metrics, METRIC_tcp_small_mss,
		   segment->mss != 0 && segment->mss < TCP_MSS_MIN);
	options_agree(conn, segment);
	conn->ts_recent_ms = conn->heard_ms = tcp->now_ms;
	conn->snd_wl1 = segment->seq;
	conn->snd_wl2 = segment->ack;
	conn->snd_wnd = conn->snd_wnd_max = segment->window;
	if (!ack) { /* both sides called at once */
		tcp_state_set(tcp, conn, TCP_SYN_RECEIVED);
		conn->snd_scale = segment->has_scale ? segment->scale : 0;
		if (conn->chunk_head != conn->chunk_next)
			tcp_sack_lose(tcp, conn, conn->chunk_head, TCP_NONE);
		conn->flags |= TCP_FLAG_RESCUE;
		tcp_conn_touch(tcp, conn);
		return;
	}
	tcp_ack_take(tcp, conn, segment); /* the window of a SYN is not scaled */
	conn->snd_scale = segment->has_scale ? segment->scale : 0;
	tcp_state_established(tcp, conn);
	conn->flags |= TCP_FLAG_ACK_NOW;
	tcp_conn_touch(tcp, conn);
}

/* Not taken, and why. */
static void dropped(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
		    enum metric why)
{
	metric_inc(tcp->metrics, why);
	tcp_trace_event(tcp, conn, TCP_TRACE_DROPPED, why, segment->seq - conn->irs);
}

/* RFC 7323, 5.3. false: an old duplicate. */
static bool timestamp_good(struct tcp *tcp, struct tcp_conn *conn,
			   const struct tcp_segment *segment)
{
	if (!(conn->flags & TCP_FLAG_TIMESTAMPS) || segment->flags & TCP_RST)
		return true;
	if (!segment->has_timestamp) {
		dropped(tcp, conn, segment, METRIC_tcp_paws_dropped);
		return false;
	}
	if (seq_before(segment->ts_value, conn->ts_recent) &&
	    tcp->now_ms - conn->ts_recent_ms < PAWS_IDLE_MS) {
		dropped(tcp, conn, segment, METRIC_tcp_paws_dropped);
		tcp_output_challenge(tcp, conn);
		return false;
	}
	return true;
}

static void timestamp_take(struct tcp *tcp, struct tcp_conn *conn,
			   const struct tcp_segment *segment)
{
	if (!(conn->flags & TCP_FLAG_TIMESTAMPS) || seq_after(segment->seq, conn->rcv_acked))
		return;
	conn->ts_recent = segment->ts_value;
	conn->ts_recent_ms = tcp->now_ms;
}

/* Does any of it lie in the window? The right edge itself is allowed: the number of an
 * acknowledgement after a full window. */
static bool in_window(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
	uint32_t space = tcp_segment_space(segment);

	if (seq_after(segment->seq, conn->rcv_edge))
		return false;
	if (space == 0)
		return !seq_before(segment->seq, conn->rcv_nxt);
	return seq_after(segment->seq + space, conn->rcv_nxt);
}

/* Outside: an answer says what is expected; a keepalive or window probe of the peer comes this way
 * too. */
static void outside(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	uint32_t space = tcp_segment_space(segment);

	dropped(tcp, conn, segment, METRIC_tcp_outside_window);
	if (segment->flags & TCP_RST)
		return;
	if (space == 0) {
		if (segment->seq + 1 == conn->rcv_nxt) /* keepalive or window probe */
			tcp_output_probe_answer(tcp, conn);
		else
			tcp_output_challenge(tcp, conn);
		return;
	}
	if (seq_before(segment->seq, conn->rcv_nxt) && segment->len > 0)
		tcp_reassembly_duplicate(tcp, conn, segment->seq, segment->seq + segment->len);
	conn->flags |= TCP_FLAG_ACK_NOW;
	tcp_conn_touch(tcp, conn);
}

/* RFC 5961, 3.2: only the very next number resets. */
static void reset_in(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment)
{
	if (segment->seq != conn->rcv_nxt) {
		dropped(tcp, conn, segment, METRIC_tcp_blind_resets);
		tcp_output_challenge(tcp, conn);
		return;
	}
	if (tcp_conn_is_over(conn)) {
		/* A peer that has forgotten it resets on a late duplicate (RFC 1337); what it sent
		 * is here, and is to be read. */
		dropped(tcp, conn, segment, METRIC_tcp_late_resets);
		return;
	}
	metric_inc(tcp->metrics, METRIC_tcp_resets_in);
	tcp_conn_die(tcp, conn,
		     conn->state == TCP_SYN_RECEIVED ? REASON_CONNECTION_REFUSED
						     : REASON_CONNECTION_RESET);
}

/* Cut to the window; what was cut at its end is not acknowledged, and so comes again. */
static void trim(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment)
{
	uint32_t edge = conn->rcv_edge, cut;

	if (conn->flags & TCP_FLAG_PEER_FIN_SEEN && seq_before(conn->fin_seq, edge))
		edge = conn->fin_seq;
	if (seq_before(segment->seq, conn->rcv_nxt)) {
		cut = conn->rcv_nxt - segment->seq;
		if (cut > segment->len)
			cut = segment->len;
		if (segment->len > 0) {
			tcp_reassembly_duplicate(tcp, conn, segment->seq, segment->seq + cut);
			segment->mbuf = tcp_segment_cut_front(segment->mbuf, cut);
		}
		segment->seq += cut;
		segment->len -= cut;
		conn->flags |= TCP_FLAG_ACK_NOW;
	}
	if (segment->len > 0 && seq_after(segment->seq + segment->len, edge)) {
		uint32_t keep = seq_after(edge, segment->seq) ? edge - segment->seq : 0;

		if (keep > 0)
			tcp_segment_cut_back(segment->mbuf, keep);
		segment->len = keep;
		segment->flags &= (uint8_t)~TCP_FIN;
		conn->flags |= TCP_FLAG_ACK_NOW;
	}
}

/* RFC 1122, 4.2.3.2, and RFC 5681, 4.2: at once for every second segment, for holes and at the
 * start; otherwise within 40 ms. */
static void data_answer(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
			bool holes)
{
	if (segment->len > conn->rcv_mss)
		conn->rcv_mss = (uint16_t)(segment->len < UINT16_MAX ? segment->len : UINT16_MAX);
	if (holes || conn->ooo_head != NULL) {
		conn->flags |= TCP_FLAG_ACK_NOW;
	} else if (conn->quick_acks > 0) {
		conn->quick_acks--;
		conn->flags |= TCP_FLAG_ACK_NOW;
	} else if (conn->rcv_nxt - conn->rcv_acked >= 2u * conn->rcv_mss) {
		conn->flags |= TCP_FLAG_ACK_NOW;
	} else if (!tcp_timer_armed(conn, TCP_TIMER_DELAYED_ACK)) {
		tcp_timer_set(tcp, conn, TCP_TIMER_DELAYED_ACK, TCP_DELAYED_ACK_MS);
	}
	if (conn->flags & TCP_FLAG_ACK_NOW)
		tcp_conn_touch(tcp, conn);
}

/* false: the connection is gone. */
static bool data_take(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment)
{
	bool     holes = conn->ooo_head != NULL;
	uint32_t fin_seq = segment->seq + segment->len;

	if (segment->len > 0 && conn->flags & TCP_FLAG_APP_CLOSED) {
		tcp_output_reset(tcp, conn); /* nobody will read it (RFC 1122, 4.2.2.13) */
		tcp_conn_die(tcp, conn, REASON_CONNECTION_RESET);
		return false;
	}
	if (segment->flags & TCP_FIN && !(conn->flags & TCP_FLAG_PEER_FIN_SEEN)) {
		conn->flags |= TCP_FLAG_PEER_FIN_SEEN | TCP_FLAG_ACK_NOW;
		conn->fin_seq = fin_seq;
	}
	if (segment->len > 0)
		tcp_reassembly_take(tcp, conn, segment);
	if (conn->flags & TCP_FLAG_PEER_FIN_SEEN && !(conn->flags & TCP_FLAG_PEER_FIN) &&
	    conn->rcv_nxt == conn->fin_seq) {
		conn->rcv_nxt++;
		conn->flags |= TCP_FLAG_PEER_FIN | TCP_FLAG_ACK_NOW;
		tcp_reassembly_drop_held(tcp, conn);
		tcp_conn_event(tcp, conn, TCP_EVENT_READABLE);
	}
	data_answer(tcp, conn, segment, holes);
	return true;
}

/* The peer's SYN again, or a SYN-ACK that crossed ours: without its SYN it is an ordinary
 * acknowledgement. */
static bool syn_again(const struct tcp_conn *conn, struct tcp_segment *segment)
{
	if (conn->state != TCP_SYN_RECEIVED || segment->seq != conn->irs ||
	    !(segment->flags & TCP_ACK))
		return false;
	segment->flags &= (uint8_t)~TCP_SYN;
	segment->seq++;
	return true;
}

/* false: dropped. In SYN_RECEIVED the acknowledgement of our SYN establishes. */
static bool ack_take(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment)
{
	bool opening = conn->state == TCP_SYN_RECEIVED;

	if (opening && segment->ack != conn->snd_nxt) {
		tcp_reply_reset(tcp, segment);
		return false;
	}
	if (!tcp_ack_take(tcp, conn, segment))
		return false;
	if (opening)
		tcp_state_established(tcp, conn);
	return true;
}

void tcp_input_conn(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *segment)
{
	tcp_trace_segment(tcp, conn, TCP_TRACE_IN, segment->flags, segment->len,
			  conn->state == TCP_SYN_SENT ? 0 : segment->seq - conn->irs,
			  segment->ack - conn->iss);
	if (conn->state == TCP_SYN_SENT) {
		syn_sent(tcp, conn, segment);
		return;
	}
	if (segment->flags & TCP_SYN && !syn_again(conn, segment)) {
		dropped(tcp, conn, segment, METRIC_tcp_blind_syns);
		if (!(segment->flags & TCP_RST))
			tcp_output_challenge(tcp, conn); /* RFC 5961, 4.2 */
		return;
	}
	if (!timestamp_good(tcp, conn, segment))
		return;
	if (!in_window(conn, segment)) {
		outside(tcp, conn, segment);
		return;
	}
	if (segment->flags & TCP_RST) {
		reset_in(tcp, conn, segment);
		return;
	}
	if (!(segment->flags & TCP_ACK))
		return;
	conn->heard_ms = tcp->now_ms;
	timestamp_take(tcp, conn, segment);
	trim(tcp, conn, segment);
	if (!ack_take(tcp, conn, segment))
		return;
	if (segment->len > 0 || segment->flags & TCP_FIN || conn->flags & TCP_FLAG_ACK_NOW) {
		if (!data_take(tcp, conn, segment))
			return;
	}
	tcp_state_step(tcp, conn);
}

void tcp_input_closed(struct tcp *tcp, struct tcp_segment *segment, uint32_t iss_min)
{
	const struct tcp_listener *listener =
		tcp_listener_find(tcp, &segment->key.local, segment->key.local_port);
	struct tcp_handshake handshake;

	if (segment->flags & TCP_RST ||
	    (tcp->hushed && (segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN))
		return;
	if (listener == NULL) {
		metric_inc(tcp->metrics, METRIC_tcp_no_connection);
		tcp_reply_reset(tcp, segment);
	} else if (segment->flags & TCP_ACK) {
		if (!(segment->flags & TCP_SYN) && tcp->pressure != TCP_PRESSURE_FULL &&
		    tcp_cookie_check(tcp, segment, &handshake)) {
			metric_inc(tcp->metrics, METRIC_tcp_passive_opens);
			if (!tcp_syn_accept(tcp, segment, listener, &handshake))
				metric_inc(tcp->metrics, METRIC_tcp_attempt_fails);
		} else if (!tcp_cookie_out(tcp)) {
			metric_inc(tcp->metrics, METRIC_tcp_no_connection);
			tcp_reply_reset(tcp, segment);
		} /* else it may have overtaken a cookie's acknowledgement: no reset for it */
	} else if ((segment->flags & (TCP_SYN | TCP_FIN)) == TCP_SYN) {
		tcp_syn_begin(tcp, segment, listener, iss_min);
	}
}
