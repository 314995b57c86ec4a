/* The states after the handshake (RFC 9293, 3.3.2): what follows from our FIN acknowledged and the
 * peer's FIN reached. */
#include "tcp/segment.h"
#include "tcp/trace.h"

void tcp_state_set(struct tcp *tcp, struct tcp_conn *conn, enum tcp_state state)
{
	tcp_trace_event(tcp, conn, TCP_TRACE_STATE, conn->state, state);
	conn->state = (uint8_t)state;
}

void tcp_state_established(struct tcp *tcp, struct tcp_conn *conn)
{
	tcp_state_set(tcp, conn, TCP_ESTABLISHED);
	metric_inc(tcp->metrics, METRIC_tcp_curr_estab);
	tcp_ledger_open(tcp, conn);
	tcp_cc[conn->cc]->start(conn);
	if (conn->backoff > 1)
		conn->cwnd = conn->mss; /* the handshake was lost more than once (RFC 6928, 2) */
	if (conn->backoff > 0 && !(conn->flags & TCP_FLAG_RTT_KNOWN)) {
		conn->rto_ms = TCP_RTO_SYN_LOST_MS;
		conn->backoff = 0;
	}
	tcp_timer_clear(conn, TCP_TIMER_GIVE_UP);
	tcp_timer_set(tcp, conn, TCP_TIMER_KEEPALIVE, conn->keepalive_s * 1000u);
	metric_inc(tcp->metrics,
		   conn->flags & TCP_FLAG_ACCEPTED ? METRIC_tcp_accepted : METRIC_tcp_connected);
	tcp_conn_event(tcp, conn,
		       conn->flags & TCP_FLAG_ACCEPTED ? TCP_EVENT_ACCEPTED : TCP_EVENT_CONNECTED);
}

/* Queue the FIN behind what was sent; a descriptor for it is kept for each connection, so there
 * always is one. */
void tcp_state_fin(struct tcp *tcp, struct tcp_conn *conn)
{
	struct tcp_chunk *chunk = tcp_queue_control(tcp, conn, TCP_CHUNK_FIN);

	ASSERT(chunk != NULL && tcp_conn_is_established(conn));
	metric_sub(tcp->metrics, METRIC_tcp_curr_estab, 1);
	conn->flags |= TCP_FLAG_FIN_QUEUED;
	tcp_state_set(tcp, conn, conn->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1);
	tcp_conn_touch(tcp, conn);
}

static bool fin_acked(const struct tcp_conn *conn)
{
	return (conn->flags & TCP_FLAG_FIN_QUEUED) && conn->snd_una == conn->snd_end;
}

/* After tcp_end() the consumer may not have read all yet: what remains waits for tcp_close(), which
 * comes back here. */
static bool is_still_read(const struct tcp_conn *conn)
{
	return !(conn->flags & TCP_FLAG_APP_CLOSED);
}

static void time_wait(struct tcp *tcp, struct tcp_conn *conn)
{
	if (is_still_read(conn))
		return;
	/* The FIN is acknowledged now: the block that remains knows the numbers, but sends nothing
	 * by itself. */
	tcp_output_ack(tcp, conn, conn->snd_nxt);
	tcp_conn_die(tcp, conn, REASON_NONE);
	tcp_time_wait_begin(tcp, conn);
}

/* The peer keeps TIME_WAIT, and what comes late finds nothing here; but a cookie that is still good
 * would take it for a handshake, and its data for new. */
static void last_ack(struct tcp *tcp, struct tcp_conn *conn)
{
	bool reopens = tcp_cookie_reopens(tcp, conn);

	tcp_conn_die(tcp, conn, REASON_CLOSED_BY_PEER);
	if (reopens)
		tcp_time_wait_begin(tcp, conn);
}

void tcp_state_step(struct tcp *tcp, struct tcp_conn *conn)
{
	bool peer_fin = (conn->flags & TCP_FLAG_PEER_FIN) != 0;

	switch ((enum tcp_state)conn->state) {
	case TCP_ESTABLISHED:
		if (peer_fin)
			tcp_state_set(tcp, conn, TCP_CLOSE_WAIT);
		break;
	case TCP_FIN_WAIT_1:
		if (fin_acked(conn) && peer_fin) {
			time_wait(tcp, conn);
		} else if (fin_acked(conn)) {
			tcp_state_set(tcp, conn, TCP_FIN_WAIT_2);
			if (!is_still_read(conn))
				tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, TCP_FIN_WAIT_MS);
		} else if (peer_fin) {
			tcp_state_set(tcp, conn, TCP_CLOSING);
		}
		break;
	case TCP_FIN_WAIT_2:
		if (peer_fin)
			time_wait(tcp, conn);
		break;
	case TCP_CLOSING:
		if (fin_acked(conn))
			time_wait(tcp, conn);
		break;
	case TCP_LAST_ACK:
		if (fin_acked(conn) && !is_still_read(conn))
			last_ack(tcp, conn);
		break;
	case TCP_CLOSED:
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_CLOSE_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
}

void tcp_state_read_out(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->state == TCP_FIN_WAIT_2)
		tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, TCP_FIN_WAIT_MS);
	tcp_state_step(tcp, conn);
}
