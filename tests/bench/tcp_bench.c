/*
 * Cycles a segment of TCP alone, over lib/net and no port: two stacks in one thread hand each other
 * their packets by copy; the copies are not counted. usage: tcp_bench [--short] [connections]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/assert.h"
#include "tcp/tcp.h"

#define CONNECTIONS_MAX 4096u
#define BURST 32u

struct end {
	struct net     *net;
	struct tcp     *tcp;
	struct net_addr address;
	uint8_t         mac[6];
	struct metrics  metrics;
	uint32_t        conns[CONNECTIONS_MAX];
	uint32_t        connected;
	uint64_t        cycles, segments;
};

static struct end          ends[2];
static struct rte_mempool *pool;
static struct now          now = {1000000000, 1};
static struct rte_mbuf    *wire[2][NET_TX_MAX];
static unsigned            on_wire[2];
static uint32_t            connections = 64;
static unsigned            scale = 1; /* so many times fewer rounds */

static void end_new(unsigned i)
{
	struct net_config net = {.workers = 1,
				 .port_count = 1,
				 .pool = pool,
				 .metrics = &ends[i].metrics,
				 .seed = i + 1};
	struct tcp_config tcp = {.pool = pool,
				 .metrics = &ends[i].metrics,
				 .connections_max = CONNECTIONS_MAX,
				 .time_wait_max = 16};

	memcpy(ends[i].mac, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(i + 1)}, 6);
	ends[i].address = (struct net_addr){.w = {rte_cpu_to_be_32(0x0a000001u + i)}};
	memcpy(net.ports[0].mac, ends[i].mac, 6);
	net.ports[0].mtu = 1500;
	net.ports[0].rx_checksum = net.ports[0].tx_tcp_checksum = true;
	net.ports[0].address_count = 1;
	net.ports[0].addresses[0].address = ends[i].address;
	net.ports[0].addresses[0].prefix = 24;
	ends[i].net = net_new(&net);
	tcp.net = ends[i].net;
	ends[i].tcp = tcp_new(&tcp);
	ASSERT(ends[i].net != NULL && ends[i].tcp != NULL);
}

/* What the port of i received is taken in; the events handled by `on`; what i sent is put on the
 * wire. Cycles of all but the copies count. */
static void turn(unsigned i, void (*on)(struct end *end, const struct tcp_event *event))
{
	struct end      *end = &ends[i];
	struct tcp_event events[BURST];
	struct rte_mbuf *segments[NET_BURST_MAX], **out;
	unsigned         n, done = 0;
	uint64_t         start = rte_rdtsc();

	while (done < on_wire[i]) {
		unsigned burst = on_wire[i] - done < BURST ? on_wire[i] - done : BURST;

		n = net_input_burst(end->net, now, 0, wire[i] + done, burst, segments);
		tcp_input_burst(end->tcp, now, segments, n);
		done += burst;
	}
	end->segments += on_wire[i];
	on_wire[i] = 0;
	tcp_tick(end->tcp, now);
	while ((n = tcp_events(end->tcp, events, BURST)) > 0) {
		for (unsigned k = 0; k < n; k++)
			on(end, &events[k]);
	}
	tcp_flush(end->tcp, now);
	end->cycles += rte_rdtsc() - start;
	out = net_tx_peek(end->net, 0, &n);
	for (unsigned k = 0; k < n; k++) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(out[k], pool, 0, UINT32_MAX);

		ASSERT(copy != NULL && on_wire[!i] < NET_TX_MAX);
		copy->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		wire[!i][on_wire[!i]++] = copy;
		rte_pktmbuf_free(out[k]);
	}
	net_tx_sent(end->net, 0, n);
	end->segments += n;
}

static void on_open(struct end *end, const struct tcp_event *event)
{
	if (event->kind == TCP_EVENT_ACCEPTED || event->kind == TCP_EVENT_CONNECTED)
		end->conns[end->connected++] = event->conn;
}

static void read_all(struct end *end, const struct tcp_event *event)
{
	struct cur in;

	while (tcp_peek(end->tcp, event->conn, 0, &in) > 0)
		tcp_consume(end->tcp, event->conn, cur_left(&in));
}

static void on_read(struct end *end, const struct tcp_event *event)
{
	if (event->kind == TCP_EVENT_READABLE)
		read_all(end, event);
}

static void on_request(struct end *end, const struct tcp_event *event)
{
	static const uint8_t answer[40];

	if (event->kind != TCP_EVENT_READABLE)
		return;
	read_all(end, event);
	tcp_send(end->tcp, event->conn, answer, sizeof(answer));
}

static void reset(void)
{
	for (unsigned i = 0; i < 2; i++)
		ends[i].cycles = ends[i].segments = 0;
}

static void print(const char *what, unsigned i, double units)
{
	printf("%-34s %8.0f cycles/segment %8.0f cycles each\n", what,
	       (double)ends[i].cycles / (double)ends[i].segments, (double)ends[i].cycles / units);
}

/* One side streams full segments; the other reads and acknowledges. */
static void bulk(void)
{
	static const uint8_t bytes[1448 * 8];
	const unsigned       rounds = 400000 / scale / connections / 8;

	reset();
	for (unsigned r = 0; r < rounds; r++) {
		for (uint32_t c = 0; c < connections; c++) {
			uint64_t start = rte_rdtsc();

			tcp_send(ends[0].tcp, ends[0].conns[c], bytes, sizeof(bytes));
			ends[0].cycles += rte_rdtsc() - start;
			if (c % 16 == 15 || c + 1 == connections) {
				turn(0, on_read);
				turn(1, on_read);
			}
		}
		now.us += 100;
	}
	print("bulk, sender", 0, (double)rounds * connections * 8);
	print("bulk, receiver", 1, (double)rounds * connections * 8);
}

/* A request of 200 bytes and an answer of 40, one segment each. */
static void request_response(void)
{
	static const uint8_t request[200];
	const unsigned       rounds = 1000000 / scale / connections;

	reset();
	for (unsigned r = 0; r < rounds; r++) {
		uint64_t start = rte_rdtsc();

		for (uint32_t c = 0; c < connections; c++) {
			tcp_send(ends[0].tcp, ends[0].conns[c], request, sizeof(request));
			if (c % 256 == 255 || c + 1 == connections) {
				ends[0].cycles += rte_rdtsc() - start;
				turn(0, on_read);
				turn(1, on_request);
				start = rte_rdtsc();
			}
		}
		turn(0, on_read);
		now.us += 100;
	}
	print("request and answer, client", 0, (double)rounds * connections);
	print("request and answer, server", 1, (double)rounds * connections);
}

int main(int argc, char **argv)
{
	char *args[] = {(char *)"bench",       (char *)"--no-huge",
			(char *)"--no-pci",    (char *)"-m",
			(char *)"256",         (char *)"--no-telemetry",
			(char *)"--no-shconf", (char *)"--log-level=*:4"};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--short") == 0)
			scale = 10;
		else
			connections = (uint32_t)atoi(argv[i]);
	}
	ASSERT(connections >= 1 && connections <= CONNECTIONS_MAX);
	ASSERT(rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) >= 0);
	pool = rte_pktmbuf_pool_create("bench", 32767, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT(pool != NULL);
	for (unsigned i = 0; i < 2; i++)
		end_new(i);
	for (unsigned i = 0; i < 2; i++) {
		struct net_news news = {.address = ends[!i].address};

		memcpy(news.mac, ends[!i].mac, 6);
		net_news_learn(ends[i].net, now, &news);
	}
	ASSERT(tcp_listen(ends[1].tcp, &(struct net_addr){0}, 7, &(struct tcp_options){0}, 0) == 0);
	for (uint32_t c = 0; c < connections; c++) {
		ASSERT(tcp_connect(ends[0].tcp, now, &ends[1].address, 7, &(struct tcp_options){0},
				   0) != TCP_CONN_NONE);
		if (c % 64 == 63 || c + 1 == connections) {
			for (unsigned i = 0; i < 6; i++)
				turn(i & 1, on_open);
		}
	}
	ASSERT(ends[0].connected == connections && ends[1].connected == connections);
	printf("%u connections\n", connections);
	bulk();
	request_response();
	return 0;
}
