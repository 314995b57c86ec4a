/* What each timer of a connection does. A handler looks at the state again: it may run for a
 * deadline that no longer means anything. */
#include "tcp/segment.h"
#include "tcp/trace.h"

static void retransmit(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->snd_una == conn->snd_nxt || tcp_rack_probe(tcp, conn))
		return;
	metric_inc(tcp->metrics, METRIC_tcp_timeouts);
	tcp_trace_event(tcp, conn, TCP_TRACE_TIMER, TCP_TIMER_RETRANSMIT, conn->backoff);
	if (tcp_pmtu_timed_out(tcp, conn)) {
		tcp_timer_set(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_ack_rto_ms(conn));
		return;
	}
	tcp_recover_timeout(tcp, conn);
	if (conn->backoff < UINT8_MAX)
		conn->backoff++;
	tcp_timer_set(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_ack_rto_ms(conn));
	tcp_conn_touch(tcp, conn);
}

/* A window that exists but is small is used; a closed one is asked about with a number the peer
 * must answer. */
static void persist(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->snd_una != conn->snd_nxt || conn->chunk_next == TCP_NONE)
		return;
	if (conn->snd_wnd > 0) {
		conn->flags |= TCP_FLAG_FORCE;
		tcp_conn_touch(tcp, conn);
		return;
	}
	metric_inc(tcp->metrics, METRIC_tcp_window_probes);
	tcp_trace_event(tcp, conn, TCP_TRACE_TIMER, TCP_TIMER_PERSIST, conn->backoff);
	if (!tcp_timer_armed(conn, TCP_TIMER_GIVE_UP))
		tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, conn->user_timeout_s * 1000u);
	tcp_output_ack(tcp, conn, conn->snd_una - 1);
	if (conn->backoff < UINT8_MAX)
		conn->backoff++;
	tcp_timer_set(tcp, conn, TCP_TIMER_PERSIST, tcp_ack_rto_ms(conn));
}

static void give_up(struct tcp *tcp, struct tcp_conn *conn, enum reason why)
{
	metric_inc(tcp->metrics, METRIC_tcp_given_up);
	tcp_trace_event(tcp, conn, TCP_TRACE_TIMER, TCP_TIMER_GIVE_UP, conn->backoff);
	if (why == REASON_CONNECTION_TIMEOUT && conn->flags & TCP_FLAG_UNREACHABLE)
		why = REASON_CONNECTION_UNREACHABLE;
	/* In FIN_WAIT_2 the peer has all; a reset would take from it what it has not read yet. */
	if (conn->state != TCP_SYN_SENT && conn->state != TCP_FIN_WAIT_2)
		tcp_output_reset(tcp, conn);
	tcp_conn_die(tcp, conn, why);
}

/* RFC 1122, 4.2.3.6. Each segment heard only notes its time; the timer looks at the note. */
static void keepalive(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t silent_ms = tcp->now_ms - conn->heard_ms, allowed_ms = conn->keepalive_s * 1000u;

	if (tcp_conn_is_over(conn))
		return; /* nobody is there any more, rightly */
	if (silent_ms < allowed_ms) {
		conn->keepalives = 0;
		tcp_timer_set(tcp, conn, TCP_TIMER_KEEPALIVE, allowed_ms - silent_ms);
		return;
	}
	if (conn->keepalives >= TCP_KEEPALIVE_PROBES) {
		metric_inc(tcp->metrics, METRIC_tcp_keepalive_deaths);
		give_up(tcp, conn, REASON_CONNECTION_TIMEOUT);
		return;
	}
	conn->keepalives++;
	tcp_timer_set(tcp, conn, TCP_TIMER_KEEPALIVE, TCP_KEEPALIVE_STEP_MS);
	if (conn->snd_una != conn->snd_nxt || tcp_timer_armed(conn, TCP_TIMER_PERSIST))
		return; /* retransmissions or window probes ask already */
	metric_inc(tcp->metrics, METRIC_tcp_keepalive_probes);
	tcp_trace_event(tcp, conn, TCP_TRACE_TIMER, TCP_TIMER_KEEPALIVE, conn->keepalives);
	tcp_output_ack(tcp, conn, conn->snd_una - 1);
}

void tcp_expire(struct tcp *tcp, struct tcp_conn *conn, enum tcp_timer timer)
{
	switch (timer) {
	case TCP_TIMER_RETRANSMIT:
		retransmit(tcp, conn);
		break;
	case TCP_TIMER_PERSIST:
		persist(tcp, conn);
		break;
	case TCP_TIMER_DELAYED_ACK:
		metric_inc(tcp->metrics, METRIC_tcp_delayed_acks);
		conn->flags |= TCP_FLAG_ACK_NOW;
		tcp_conn_touch(tcp, conn);
		break;
	case TCP_TIMER_KEEPALIVE:
		keepalive(tcp, conn);
		break;
	case TCP_TIMER_GIVE_UP:
		give_up(tcp, conn,
			conn->state == TCP_FIN_WAIT_2 ? REASON_NONE : REASON_CONNECTION_TIMEOUT);
		break;
	case TCP_TIMER_STARVED:
		if (conn->flags & TCP_FLAG_WANT_WRITE) {
			conn->flags &= ~(uint32_t)TCP_FLAG_WANT_WRITE;
			tcp_conn_event(tcp, conn, TCP_EVENT_WRITABLE);
		}
		tcp_conn_touch(tcp, conn);
		break;
	case TCP_TIMER_PROBE:
		tcp_rack_probe(tcp, conn);
		break;
	case TCP_TIMER_REORDER:
		tcp_rack_reordered(tcp, conn);
		break;
	case TCP_TIMER_COUNT:
		break;
	}
}
