/*
 * Two stacks in one thread that hand each other their packets by copy, as an in-memory port; the
 * copies are not counted. Cycles are summed in batches of turns, and the cost of a batch is told by
 * the median, so that a batch in which another program had the core does not count.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/assert.h"
#include "base/random.h"
#include "tcp/ledger.h"
#include "tcp/tcp.h"

#define PAIR_BURST 32u
#define PAIR_CONNECTIONS_MAX 100000u
#define PAIR_PORT 7

/* Each connection's last answer waits for its acknowledgement, which the next request or the timer
 * of a delayed one brings; so many packets that this is no pressure on memory for the stacks. */
#define PAIR_PACKETS (2 * PAIR_CONNECTIONS_MAX)

struct pair_end {
	struct net     *net;
	struct tcp     *tcp;
	struct net_addr address;
	uint8_t         mac[6];
	struct metrics  metrics;
	uint32_t        conns[PAIR_CONNECTIONS_MAX];
	uint32_t        open, closed;
	uint64_t        cycles; /* of this batch */
	uint64_t        input_cycles;
};

typedef void pair_on(struct pair_end *end, const struct tcp_event *event);

static struct pair_end     pair[2];
static struct rte_mempool *pair_pool;
static struct now          pair_now = {1000000000, 1};
static struct rte_mbuf    *pair_wire[2][NET_TX_MAX];
static unsigned            pair_on_wire[2];

static inline void pair_end_new(unsigned i)
{
	struct net_config net = {.workers = 1,
				 .port_count = 1,
				 .pool = pair_pool,
				 .metrics = &pair[i].metrics,
				 .seed = i + 1};
	struct tcp_config tcp = {
		.pool = pair_pool,
		.metrics = &pair[i].metrics,
		.connections_max = PAIR_CONNECTIONS_MAX,
		.ledger = calloc(PAIR_CONNECTIONS_MAX, sizeof(struct tcp_ledger_line)),
		.time_wait_max = 1024};

	memcpy(pair[i].mac, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(i + 1)}, 6);
	pair[i].address = (struct net_addr){.w = {rte_cpu_to_be_32(0x0a000001u + i)}};
	memcpy(net.ports[0].mac, pair[i].mac, 6);
	net.ports[0].mtu = 1500;
	net.ports[0].rx_checksum = net.ports[0].tx_tcp_checksum = true;
	net.ports[0].address_count = 1;
	net.ports[0].addresses[0].address = pair[i].address;
	net.ports[0].addresses[0].prefix = 24;
	pair[i].net = net_new(&net);
	tcp.net = pair[i].net;
	pair[i].tcp = tcp_new(&tcp);
	ASSERT(pair[i].net != NULL && pair[i].tcp != NULL);
}

static inline void pair_learn(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct net_news news = {.kind = NET_NEWS_NEIGHBOUR, .address = pair[!i].address};

		memcpy(news.mac, pair[!i].mac, 6);
		net_news_learn(pair[i].net, pair_now, &news);
	}
}

static inline void pair_carry(unsigned i)
{
	unsigned          n;
	struct rte_mbuf **out = net_tx_peek(pair[i].net, 0, &n);

	for (unsigned k = 0; k < n; k++) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(out[k], pair_pool, 0, UINT32_MAX);

		ASSERT(copy != NULL && pair_on_wire[!i] < NET_TX_MAX);
		copy->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		pair_wire[!i][pair_on_wire[!i]++] = copy;
		rte_pktmbuf_free(out[k]);
	}
	net_tx_sent(pair[i].net, 0, n);
}

/* What the port of i received is taken in, the events handled by `on`, and what follows is sent. */
static inline void pair_turn(unsigned i, pair_on *on)
{
	struct pair_end *end = &pair[i];
	struct tcp_event events[PAIR_BURST];
	struct rte_mbuf *segments[NET_BURST_MAX];
	unsigned         n, done = 0;
	uint64_t         start = rte_rdtsc(), taken;

	while (done < pair_on_wire[i]) {
		unsigned burst =
			pair_on_wire[i] - done < PAIR_BURST ? pair_on_wire[i] - done : PAIR_BURST;

		n = net_input_burst(end->net, pair_now, 0, pair_wire[i] + done, burst, segments);
		tcp_input_burst(end->tcp, pair_now, segments, n);
		done += burst;
	}
	taken = rte_rdtsc();
	pair_on_wire[i] = 0;
	tcp_tick(end->tcp, pair_now);
	while ((n = tcp_events(end->tcp, events, PAIR_BURST)) > 0) {
		for (unsigned k = 0; k < n; k++)
			on(end, &events[k]);
	}
	tcp_flush(end->tcp, pair_now);
	end->cycles += rte_rdtsc() - start;
	end->input_cycles += taken - start;
	pair_carry(i);
}

static inline void pair_count(struct pair_end *end, const struct tcp_event *event)
{
	if (event->kind == TCP_EVENT_ACCEPTED || event->kind == TCP_EVENT_CONNECTED)
		end->conns[end->open++] = event->conn;
	end->closed += event->kind == TCP_EVENT_CLOSED;
}

static inline void pair_drop(struct pair_end *end, const struct tcp_event *event)
{
	struct cur in;

	while (event->kind == TCP_EVENT_READABLE && tcp_peek(end->tcp, event->conn, 0, &in) > 0)
		tcp_consume(end->tcp, event->conn, cur_left(&in));
}

static inline void pair_echo(struct pair_end *end, const struct tcp_event *event)
{
	struct cur in;

	while (event->kind == TCP_EVENT_READABLE && tcp_peek(end->tcp, event->conn, 0, &in) > 0) {
		tcp_send(end->tcp, event->conn, in.p, cur_left(&in));
		tcp_consume(end->tcp, event->conn, cur_left(&in));
	}
}

static inline void pair_turns(unsigned n, pair_on *on0, pair_on *on1)
{
	for (unsigned i = 0; i < n; i++)
		pair_turn(i & 1, i & 1 ? on1 : on0);
}

static inline void pair_call(uint32_t wanted)
{
	struct random random;

	ASSERT(wanted <= PAIR_CONNECTIONS_MAX);
	random_seed(&random, 1);
	for (uint32_t c = pair[0].open; c < wanted; c++) {
		ASSERT(tcp_connect(pair[0].tcp, pair_now, &pair[1].address,
				   (uint16_t)(PAIR_PORT + c / 40000), &(struct tcp_options){0},
				   0) != TCP_CONN_NONE);
		if (c % 64 == 63 || c + 1 == wanted)
			pair_turns(6, pair_count, pair_count);
	}
	ASSERT(pair[0].open == wanted && pair[1].open == wanted);
	for (uint32_t c = wanted; c > 1; c--) { /* requests come in no order of memory */
		uint32_t other = random_below(&random, c), handle = pair[0].conns[c - 1];

		pair[0].conns[c - 1] = pair[0].conns[other];
		pair[0].conns[other] = handle;
	}
}

static inline void pair_hang_up(void)
{
	for (uint32_t c = 0; c < pair[0].open; c++) {
		tcp_close(pair[0].tcp, pair[0].conns[c], true);
		if (c % 64 == 63 || c + 1 == pair[0].open)
			pair_turns(4, pair_count, pair_count);
	}
	ASSERT(tcp_count(pair[0].tcp) == 0 && tcp_count(pair[1].tcp) == 0);
	pair[0].open = pair[1].open = pair[0].closed = pair[1].closed = 0;
}

static inline void pair_begin(void)
{
	char *args[] = {(char *)"bench",       (char *)"--no-huge",      (char *)"--no-pci",
			(char *)"-m",          (char *)"1024",           (char *)"--no-telemetry",
			(char *)"--no-shconf", (char *)"--log-level=*:4"};

	ASSERT(rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) >= 0);
	pair_pool = rte_pktmbuf_pool_create("bench", PAIR_PACKETS, 256, 0,
					    RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT(pair_pool != NULL);
	for (unsigned i = 0; i < 2; i++) {
		pair_end_new(i);
		for (uint16_t p = 0; p < 4; p++)
			ASSERT(tcp_listen(pair[i].tcp, &(struct net_addr){0},
					  (uint16_t)(PAIR_PORT + p), &(struct tcp_options){0},
					  0) == 0);
	}
	pair_learn();
}
