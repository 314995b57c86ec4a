/* What the consumer does with one connection: look, consume, send, close. */
#include <string.h>

#include "tcp/segment.h"
#include "tcp/trace.h"

void tcp_options_complete(struct tcp_options *options)
{
	if (options->receive_max == 0)
		options->receive_max = 65535u * 4u;
	if (options->send_max == 0)
		options->send_max = 256u * 1024u;
	if (options->keepalive_s == 0)
		options->keepalive_s = 60;
	if (options->user_timeout_s == 0)
		options->user_timeout_s = 120;
	if (options->connect_timeout_s == 0)
		options->connect_timeout_s = 10;
}

void tcp_set_user(struct tcp *tcp, uint32_t handle, uint64_t user)
{
	struct tcp_conn *conn = tcp_conn_get(tcp, handle);

	if (conn != NULL)
		conn->user = user;
}

/* Who looks for an end asks for one byte more each time. */
#define PEEK_AHEAD 1024u

static void gather(struct tcp *tcp, const struct tcp_conn *conn, size_t n)
{
	size_t done = 0;

	for (const struct rte_mbuf *m = conn->rx_head; done < n; m = m->next) {
		size_t part = m->data_len < n - done ? m->data_len : n - done;

		memcpy(tcp->scratch + done, rte_pktmbuf_mtod(m, const uint8_t *), part);
		done += part;
	}
}

size_t tcp_peek(struct tcp *tcp, uint32_t handle, size_t want, struct cur *in)
{
	struct tcp_conn *conn = tcp_conn_get(tcp, handle);

	ASSERT(want <= TCP_SCRATCH_SIZE);
	if (conn == NULL || conn->rx_bytes == 0) {
		*in = cur_of(tcp->scratch, 0);
		return 0;
	}
	if (conn->rx_head->data_len >= want || conn->rx_bytes < want) {
		*in = cur_of(rte_pktmbuf_mtod(conn->rx_head, const uint8_t *),
			     conn->rx_head->data_len);
	} else {
		want += PEEK_AHEAD;
		want = want < conn->rx_bytes ? want : conn->rx_bytes;
		want = want < TCP_SCRATCH_SIZE ? want : TCP_SCRATCH_SIZE;
		gather(tcp, conn, want);
		*in = cur_of(tcp->scratch, want);
	}
	return conn->rx_bytes;
}

/* The peer is told of the room once it is worth two segments or half of the budget, also when
 * nothing else is to be said. */
void tcp_stream_window_follow(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t edge = conn->rcv_nxt + tcp_memory_window(tcp, conn);
	uint32_t step = 2u * conn->rcv_mss;

	if (step > conn->receive_max / 2)
		step = conn->receive_max / 2;
	if (conn->flags & TCP_FLAG_PEER_FIN_SEEN || !seq_after(edge, conn->rcv_edge) ||
	    edge - conn->rcv_edge < step)
		return;
	/* While plenty is open the next acknowledgement of data says it. */
	if (conn->rcv_edge - conn->rcv_nxt > conn->receive_max / 2)
		return;
	conn->flags |= TCP_FLAG_ACK_NOW;
	tcp_conn_touch(tcp, conn);
}

void tcp_consume(struct tcp *tcp, uint32_t handle, size_t n)
{
	struct tcp_conn *conn = tcp_conn_get(tcp, handle);

	if (conn == NULL)
		return;
	ASSERT(n <= conn->rx_bytes);
	conn->rx_bytes -= (uint32_t)n;
	while (n > 0) {
		struct rte_mbuf *head = conn->rx_head;

		if (n < head->data_len) {
			head->data_off = (uint16_t)(head->data_off + n);
			head->data_len = (uint16_t)(head->data_len - n);
			break;
		}
		n -= head->data_len;
		conn->rx_head = head->next;
		conn->rx_mbufs--;
		head->next = NULL;
		rte_pktmbuf_free_seg(head);
	}
	if (conn->rx_head == NULL)
		conn->rx_tail = NULL;
	tcp_stream_window_follow(tcp, conn);
}

bool tcp_read_ended(struct tcp *tcp, uint32_t handle)
{
	const struct tcp_conn *conn = tcp_conn_get(tcp, handle);

	return conn == NULL || (conn->flags & TCP_FLAG_PEER_FIN) != 0;
}

static bool may_send(const struct tcp_conn *conn)
{
	return (conn->state == TCP_ESTABLISHED || conn->state == TCP_CLOSE_WAIT) &&
	       !(conn->flags & TCP_FLAG_APP_CLOSED);
}

static uint32_t room(const struct tcp_conn *conn)
{
	uint32_t queued = conn->snd_end - conn->snd_una;

	return may_send(conn) && queued < conn->send_max ? conn->send_max - queued : 0;
}

size_t tcp_send(struct tcp *tcp, uint32_t handle, const void *bytes, size_t n)
{
	struct tcp_conn *conn = tcp_conn_get(tcp, handle);
	uint32_t         taken, may;

	if (conn == NULL || n == 0)
		return 0;
	may = tcp->pressure == TCP_PRESSURE_FULL ? 0 : room(conn);
	taken = tcp_queue_append(tcp, conn, bytes, n < may ? (uint32_t)n : may);
	if (taken > 0)
		tcp_conn_touch(tcp, conn);
	if (taken < n) {
		conn->flags |= TCP_FLAG_WANT_WRITE;
		if (conn->snd_end ==
		    conn->snd_una) /* no acknowledgement will come to wake it: memory was short */
			tcp_timer_set(tcp, conn, TCP_TIMER_STARVED, TCP_STARVED_MS);
	}
	return taken;
}

size_t tcp_send_room(const struct tcp *tcp, uint32_t handle)
{
	struct tcp_conn *conn = tcp_conn_get(tcp, handle);
	uint32_t         may;

	if (conn == NULL)
		return 0;
	may = room(conn);
	if (may < conn->send_max / 2)
		conn->flags |= TCP_FLAG_WANT_WRITE;
	return may;
}

void tcp_close(struct tcp *tcp, uint32_t handle, bool abort)
{
	struct tcp_conn *conn = tcp_conn_get(tcp, handle);
	bool             unread;

	if (conn == NULL || (conn->flags & TCP_FLAG_APP_CLOSED && !abort))
		return;
	unread = conn->rx_bytes > 0;
	tcp_trace_event(tcp, conn, TCP_TRACE_CLOSE, abort, conn->rx_bytes);
	conn->flags |= TCP_FLAG_APP_CLOSED;
	conn->events &= 1u << TCP_EVENT_CLOSED;
	if (conn->state == TCP_SYN_SENT) {
		tcp_conn_die(tcp, conn, REASON_NONE);
	} else if (abort || unread || conn->state == TCP_SYN_RECEIVED) {
		tcp_output_reset(tcp, conn);
		tcp_conn_die(tcp, conn, REASON_NONE);
	} else if (conn->flags & TCP_FLAG_FIN_QUEUED) {
		tcp_state_read_out(tcp, conn);
	} else {
		tcp_state_fin(tcp, conn);
	}
}

void tcp_end(struct tcp *tcp, uint32_t handle)
{
	struct tcp_conn *conn = tcp_conn_get(tcp, handle);

	if (conn == NULL || !may_send(conn))
		return;
	tcp_trace_event(tcp, conn, TCP_TRACE_CLOSE, 0, conn->rx_bytes);
	tcp_state_fin(tcp, conn);
}
