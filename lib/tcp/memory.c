/*
 * Packet memory of the worker. How much of the pool is left decides what may be held; so what frees
 * memory (acknowledgements, retransmissions, resets, ARP) always finds some. What rests half read
 * is moved out of packet buffers when they become short, a bounded number of connections at a time.
 */
#include <stdio.h>
#include <string.h>

#include "tcp/segment.h"

#define LOOK_MS 1u
#define SMALL_ROOM 512u    /* bytes; most of what rests is a piece of one message */
#define SMALL_MAX 8191u    /* 5 MB a worker */
#define SMALL_CHAIN_MAX 8u /* more is not worth it */
#define SWEEP_LOW 256u     /* connections, or 64 that hold nothing, looked at each time */
#define SWEEP_HIGH 1024u

void tcp_memory_init(struct tcp *tcp)
{
	unsigned count = tcp->conns_max < SMALL_MAX ? tcp->conns_max : SMALL_MAX;
	char     name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "small%lx", (unsigned long)tcp);
	/* Without it half messages stay where they are; all else works. */
	tcp->pool_most = rte_mempool_avail_count(tcp->pool);
	tcp->small = rte_pktmbuf_pool_create(name, count, 0, 0, SMALL_ROOM, SOCKET_ID_ANY);
}

void tcp_memory_end(struct tcp *tcp)
{
	rte_mempool_free(tcp->small);
}

static enum tcp_pressure level_of(unsigned left, unsigned most)
{
	if (left < most / 10)
		return TCP_PRESSURE_FULL;
	if (left < most / 5)
		return TCP_PRESSURE_HIGH;
	if (left < most / 5 * 2)
		return TCP_PRESSURE_LOW;
	return TCP_PRESSURE_NONE;
}

uint32_t tcp_memory_window(const struct tcp *tcp, const struct tcp_conn *conn)
{
	uint32_t held = conn->rx_bytes, few = 2u * conn->rcv_mss;
	uint32_t room = held < conn->receive_max ? conn->receive_max - held : 0;
	uint32_t most = UINT32_MAX, told = conn->rcv_edge - conn->rcv_acked;
	uint32_t field = (uint32_t)UINT16_MAX << conn->rcv_scale; /* what it can say */

	if (room > field)
		room = field;
	switch ((enum tcp_pressure)tcp->pressure) {
	case TCP_PRESSURE_NONE:
		break;
	case TCP_PRESSURE_LOW:
		most = told > few ? told : few;
		break;
	case TCP_PRESSURE_HIGH:
		most = few; /* goes on, but slowly */
		break;
	case TCP_PRESSURE_FULL:
		most = held > 0 ? 0 : few; /* who reads at once holds nothing */
		break;
	}
	return room < most ? room : most;
}

static struct rte_mbuf *small_chain(struct tcp *tcp, unsigned count)
{
	struct rte_mbuf *mbufs[SMALL_CHAIN_MAX];

	if (tcp->small == NULL || rte_pktmbuf_alloc_bulk(tcp->small, mbufs, count) != 0)
		return NULL;
	for (unsigned i = 0; i < count; i++) {
		mbufs[i]->data_off = 0;
		mbufs[i]->next = i + 1 < count ? mbufs[i + 1] : NULL;
	}
	return mbufs[0];
}

static void move(const struct rte_mbuf *from, struct rte_mbuf *to)
{
	for (; from != NULL; from = from->next) {
		const uint8_t *bytes = rte_pktmbuf_mtod(from, const uint8_t *);

		for (uint16_t done = 0, n; done < from->data_len; done = (uint16_t)(done + n)) {
			uint16_t left = (uint16_t)(from->data_len - done);
			uint16_t room = (uint16_t)(to->buf_len - to->data_len);

			if (room == 0) {
				to = to->next;
				n = 0;
				continue;
			}
			n = left < room ? left : room;
			memcpy((uint8_t *)to->buf_addr + to->data_len, bytes + done, n);
			to->data_len = (uint16_t)(to->data_len + n);
		}
	}
}

/* What waits half read, in little of many buffers, moves to small ones. */
static void compact(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t         count = (conn->rx_bytes + SMALL_ROOM - 1) / SMALL_ROOM;
	struct rte_mbuf *old = conn->rx_head, *to;

	if (conn->rx_bytes == 0 || count > SMALL_CHAIN_MAX || conn->rx_tail->pool == tcp->small ||
	    conn->rx_mbufs * (uint32_t)conn->rx_tail->buf_len < TCP_COMPACT_RATIO * conn->rx_bytes)
		return;
	to = small_chain(tcp, count);
	if (to == NULL)
		return;
	metric_inc(tcp->metrics, METRIC_tcp_compactions);
	move(old, to);
	conn->rx_head = to;
	conn->rx_mbufs = count;
	for (conn->rx_tail = to; conn->rx_tail->next != NULL;)
		conn->rx_tail = conn->rx_tail->next;
	while (old != NULL) {
		struct rte_mbuf *next = old->next;

		old->next = NULL;
		rte_pktmbuf_free_seg(old);
		old = next;
	}
}

static void relieve(struct tcp *tcp, struct tcp_conn *conn)
{
	if (conn->state == TCP_CLOSED)
		return;
	if (tcp->pressure >= TCP_PRESSURE_HIGH && conn->ooo_head != NULL) {
		metric_add(tcp->metrics, METRIC_tcp_out_of_order_dropped, conn->ooo_mbufs);
		tcp_reassembly_drop_held(tcp, conn);
	}
	if (tcp->pressure != TCP_PRESSURE_NONE && !(conn->events & 1u << TCP_EVENT_READABLE))
		compact(tcp, conn); /* else it will be read in this turn */
	if (tcp_state_synchronized((enum tcp_state)conn->state))
		tcp_stream_window_follow(tcp, conn);
}

static bool window_is_open(const struct tcp_conn *conn)
{
	return conn->rcv_edge - conn->rcv_nxt > conn->receive_max / 2;
}

/* Nothing is left to be done for it before it receives again. */
static bool is_relieved(const struct tcp *tcp, const struct tcp_conn *conn)
{
	return conn->state == TCP_CLOSED ||
	       (conn->rx_head == NULL && conn->ooo_head == NULL &&
		(tcp->pressure == TCP_PRESSURE_NONE || window_is_open(conn)));
}

/* The hand goes round the connections that received while memory is short, and once more when it no
 * longer is, to open their windows. */
static void sweep(struct tcp *tcp)
{
	uint32_t n = tcp->pressure >= TCP_PRESSURE_HIGH ? SWEEP_HIGH : SWEEP_LOW;

	for (; n > 0 && tcp->sweep_left > 0; n--) {
		uint32_t at = tcp->sweep_at, passed = 64 - at % 64;
		uint64_t here = tcp->received[at / 64] >> at % 64;

		if (here != 0) {
			struct tcp_conn *conn;

			passed = (uint32_t)__builtin_ctzll(here) + 1;
			at += passed - 1;
			conn = tcp_conn_at(tcp, at);
			relieve(tcp, conn);
			if (is_relieved(tcp, conn))
				tcp->received[at / 64] &= ~(1ull << at % 64);
		}
		tcp->sweep_at += passed;
		if (tcp->sweep_at >= tcp->conns_fresh)
			tcp->sweep_at = 0;
		tcp->sweep_left -= passed < tcp->sweep_left ? passed : tcp->sweep_left;
	}
}

void tcp_memory_look(struct tcp *tcp)
{
	uint8_t  before = tcp->pressure;
	unsigned left;

	if (tcp->now_ms - tcp->pressure_ms < LOOK_MS)
		return;
	tcp->pressure_ms = tcp->now_ms;
	left = rte_mempool_avail_count(tcp->pool);
	if (left > tcp->pool_most)
		tcp->pool_most = left; /* what ports hold for receiving is not ours */
	tcp->pressure = (uint8_t)level_of(left, tcp->pool_most);
	if (tcp->pressure != TCP_PRESSURE_NONE || before != TCP_PRESSURE_NONE)
		tcp->sweep_left = tcp->conns_fresh;
	sweep(tcp);
}
