#include <string.h>

#include "tcp/segment.h"
#include "tcp/trace.h"

#define QUEUE_MAX (64u * 1024u * 1024u) /* far below what sequence numbers can tell apart */

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

static uint32_t index_take(struct tcp *tcp)
{
	uint32_t index = tcp->free_head;

	/* Fresh ones first, then the one that was free longest: a stale handle meets its own
	 * generation as late as can be. */
	if (tcp->conns_fresh < tcp->conns_max)
		return tcp->conns_fresh++;
	if (index != TCP_NONE)
		tcp->free_head = tcp_conn_at(tcp, index)->ready_next;
	return index;
}

struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct tcp_key *key,
			      const struct tcp_options *options)
{
	uint32_t         index = index_take(tcp);
	struct tcp_conn *conn;
	uint32_t         dirty, dirty_next;
	uint8_t          generation;

	if (index == TCP_NONE) {
		metric_inc(tcp->metrics, METRIC_tcp_connections_full);
		return NULL;
	}
	conn = tcp_conn_at(tcp, index);
	generation = conn->generation;
	dirty = conn->flags & TCP_FLAG_DIRTY; /* its place in the list outlives it */
	dirty_next = conn->dirty_next;
	memset(conn, 0, sizeof(*conn));
	conn->key = *key;
	conn->generation = (uint8_t)(generation + 1);
	conn->flags = dirty | (options->nagle ? TCP_FLAG_NAGLE : 0);
	conn->dirty_next = dirty_next;
	conn->ready_next = TCP_NONE;
	conn->trace = TCP_NONE;
	conn->timer_slot = TCP_WHEEL_NO_SLOT;
	conn->chunk_head = conn->chunk_next = conn->chunk_tail = TCP_NONE;
	conn->receive_max = at_most(options->receive_max, QUEUE_MAX);
	conn->send_max = at_most(options->send_max, QUEUE_MAX);
	conn->keepalive_s = (uint16_t)at_most(options->keepalive_s, UINT16_MAX);
	conn->user_timeout_s = (uint16_t)at_most(options->user_timeout_s, UINT16_MAX);
	conn->quick_acks = TCP_QUICK_ACKS;
	conn->rcv_mss = TCP_MSS_MIN;
	conn->rto_ms = TCP_RTO_FIRST_MS;
	conn->heard_ms = tcp->now_ms;
	conn->cc = (uint8_t)options->congestion;
	conn->chunk_rack = conn->lost_head = conn->again_head = TCP_NONE;
	conn->reorder_steps = 1;
	conn->ssthresh = UINT32_MAX;
	tcp->conns_used++;
	metric_inc(tcp->metrics, METRIC_tcp_connections);
	tcp_table_add(tcp, key, TCP_KIND_CONN, index);
	return conn;
}

struct tcp_conn *tcp_conn_get(const struct tcp *tcp, uint32_t handle)
{
	uint32_t         index = handle & 0xffffffu;
	struct tcp_conn *conn;

	if (index >= tcp->conns_fresh)
		return NULL;
	conn = tcp_conn_at(tcp, index);
	return conn->generation == handle >> 24 && conn->state != TCP_CLOSED ? conn : NULL;
}

void tcp_conn_touch(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t index = tcp_conn_index(tcp, conn);

	if (conn->flags & TCP_FLAG_DIRTY)
		return;
	conn->flags |= TCP_FLAG_DIRTY;
	conn->dirty_next = TCP_NONE;
	if (tcp->dirty_tail != TCP_NONE)
		tcp_conn_at(tcp, tcp->dirty_tail)->dirty_next = index;
	else
		tcp->dirty_head = index;
	tcp->dirty_tail = index;
}

void tcp_conn_event(struct tcp *tcp, struct tcp_conn *conn, enum tcp_event_kind kind)
{
	uint32_t index = tcp_conn_index(tcp, conn);

	if (conn->flags & TCP_FLAG_APP_CLOSED && kind != TCP_EVENT_CLOSED)
		return;
	conn->events |= (uint8_t)(1u << kind);
	if (conn->flags & TCP_FLAG_READY)
		return;
	conn->flags |= TCP_FLAG_READY;
	conn->ready_next = TCP_NONE;
	if (tcp->ready_tail != TCP_NONE)
		tcp_conn_at(tcp, tcp->ready_tail)->ready_next = index;
	else
		tcp->ready_head = index;
	tcp->ready_tail = index;
}

void tcp_conn_die(struct tcp *tcp, struct tcp_conn *conn, enum reason why)
{
	ASSERT(conn->state != TCP_CLOSED);
	if (conn->state == TCP_SYN_SENT || conn->state == TCP_SYN_RECEIVED)
		metric_inc(tcp->metrics, METRIC_tcp_attempt_fails);
	if (tcp_conn_is_established(conn)) {
		metric_inc(tcp->metrics, METRIC_tcp_estab_resets);
		metric_sub(tcp->metrics, METRIC_tcp_curr_estab, 1);
	}
	conn->why = (uint8_t)why;
	tcp_state_set(tcp, conn, TCP_CLOSED);
	tcp_trace_close(tcp, conn);
	tcp_ledger_close(tcp, conn);
	tcp_timer_stop(tcp, conn);
	tcp_table_remove(tcp, &conn->key, TCP_KIND_CONN, tcp_conn_index(tcp, conn));
	tcp_reassembly_free(tcp, conn);
	tcp_queue_free(tcp, conn);
	tcp_conn_event(tcp, conn, TCP_EVENT_CLOSED);
}

/* Its CLOSED event was taken. */
void tcp_conn_free(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t index = tcp_conn_index(tcp, conn);

	ASSERT(conn->state == TCP_CLOSED && !(conn->flags & TCP_FLAG_READY));
	conn->ready_next = TCP_NONE;
	if (tcp->free_head != TCP_NONE)
		tcp_conn_at(tcp, tcp->free_tail)->ready_next = index;
	else
		tcp->free_head = index;
	tcp->free_tail = index;
	tcp->conns_used--;
	metric_sub(tcp->metrics, METRIC_tcp_connections, 1);
}

uint16_t tcp_conn_mss_offer(const struct net_path *path, bool ip6)
{
	uint16_t headers = ip6 ? 60 : 40;

	return path->link_mtu > headers + TCP_MSS_MIN ? (uint16_t)(path->link_mtu - headers)
						      : TCP_MSS_MIN;
}

void tcp_conn_set_mss(struct tcp_conn *conn, uint16_t offered)
{
	uint16_t mss = (uint16_t)(conn->path.mtu - (conn->key.local.ip6 ? 60 : 40));

	conn->mss_peer = offered < TCP_MSS_MIN ? TCP_MSS_MIN : offered;
	if (conn->mss_peer < mss)
		mss = conn->mss_peer;
	if (conn->flags & TCP_FLAG_TIMESTAMPS)
		mss -= 12; /* RFC 6691: the offer does not count options */
	conn->mss = mss;
}

/* The shift that lets the whole budget be advertised (RFC 7323, 2.3). */
uint8_t tcp_conn_scale(uint32_t receive_max)
{
	uint8_t scale = 0;

	while (scale < 14 && receive_max >> scale >= 65535)
		scale++;
	return scale;
}

/* RFC 6528: a clock of 4 us, and a keyed hash of the connection, which also gives the timestamp's
 * offset (RFC 7323, 5.4). */
void tcp_conn_isn(const struct tcp *tcp, const struct tcp_key *key, uint32_t *iss,
		  uint32_t *ts_offset)
{
	struct tcp_table keyed = {.key = tcp->isn_key};
	uint64_t         hash = tcp_table_hash(&keyed, key);

	*iss = (uint32_t)hash + (uint32_t)(tcp->now.us >> 2);
	*ts_offset = (uint32_t)(hash >> 32);
}
