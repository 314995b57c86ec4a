/*
 * One stack and a peer made of a fuzz target's input: frames with right checksums in, what goes out
 * looked at, and the work for one segment bounded.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "base/assert.h"
#include "eal.h"
#include "base/cur.h"
#include "tcp/conn.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PORT 2775u
#define CONNS 4u
#define WALK_HELD_MAX 64u /* steps along what waits behind holes, for one segment */
/* A share of each connection, and beside it an answer and a few that timers send. */
#define FRAMES_MAX (CONNS * (TCP_QUANTUM + 8))

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static struct rte_mempool *pool;
static struct metrics      metrics;

static struct {
	struct net_news news;
	struct net     *net;
	struct tcp     *tcp;
	struct now      now;
	uint32_t        conn;
	uint16_t        port, stack_port;
	uint32_t        seq, ack; /* what the stack expects next; what it said last */
	bool            timestamps;
	uint32_t        ts;
	/* What the stack sends, or NULL. len: payload. */
	void (*sees)(const struct rte_tcp_hdr *tcp, uint32_t len);
} f;

static const uint8_t stack_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

static struct net_addr address(unsigned n)
{
	return (struct net_addr){.w = {rte_cpu_to_be_32(0x0a000000u + n)}};
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	ASSERT(test_eal_start("128") == 0);
	pool = rte_pktmbuf_pool_create("fuzz", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT(pool != NULL);
	return 0;
}

static void watch(const struct rte_mbuf *frame)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, 14);
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);

	if (frame->pkt_len < 54 || ip->next_proto_id != 6)
		return;
	if (f.sees != NULL)
		f.sees(tcp, rte_be_to_cpu_16(ip->total_length) - 20u -
				    (uint32_t)(tcp->data_off >> 4) * 4);
	if (tcp->tcp_flags & RST)
		return;
	f.ack = rte_be_to_cpu_32(tcp->sent_seq) + rte_be_to_cpu_16(ip->total_length) - 20u -
		(uint32_t)(tcp->data_off >> 4) * 4 + ((tcp->tcp_flags & (SYN | FIN)) != 0);
	if (tcp->tcp_flags & ACK)
		f.seq = rte_be_to_cpu_32(tcp->recv_ack);
	if (tcp->tcp_flags == SYN) {
		f.stack_port = rte_be_to_cpu_16(tcp->src_port);
		f.port = rte_be_to_cpu_16(tcp->dst_port);
	}
}

static inline void turn(void)
{
	struct tcp_event  event;
	struct rte_mbuf **out;
	unsigned          n;

	net_news_learn(f.net, f.now, &f.news); /* it answers every request */
	net_tick(f.net, f.now);
	tcp_tick(f.tcp, f.now);
	for (unsigned i = 0; i < 16 && tcp_events(f.tcp, &event, 1) > 0; i++)
		f.conn = event.conn;
	tcp_flush(f.tcp, f.now);
	out = net_tx_peek(f.net, 0, &n);
	ASSERT(n <= FRAMES_MAX);
	for (unsigned i = 0; i < n; i++) {
		watch(out[i]);
		rte_pktmbuf_free(out[i]);
	}
	net_tx_sent(f.net, 0, n);
}

static inline void segment_in(uint32_t seq, uint32_t ack, uint8_t flags, uint16_t window,
			      struct cur options, uint16_t len)
{
	struct rte_mbuf      *frame = rte_pktmbuf_alloc(pool), *segments[1];
	uint8_t               option_bytes[40] = {0};
	uint16_t              option_size = (uint16_t)((cur_left(&options) + 3) & ~3u);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr  *ip;
	struct rte_tcp_hdr   *tcp;
	uint64_t              held;

	if (frame == NULL)
		return;
	memcpy(option_bytes, options.p, cur_left(&options));
	ether = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(
		frame, (uint16_t)(54 + option_size + len));
	ASSERT(ether != NULL);
	memset(ether, 0, 54u + option_size + len);
	memcpy(&ether->dst_addr, stack_mac, 6);
	memcpy(&ether->src_addr, peer_mac, 6);
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip = (struct rte_ipv4_hdr *)(ether + 1);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(40 + option_size + len));
	ip->time_to_live = 64;
	ip->next_proto_id = 6;
	ip->src_addr = address(2).w[0];
	ip->dst_addr = address(1).w[0];
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp = (struct rte_tcp_hdr *)(ip + 1);
	tcp->src_port = rte_cpu_to_be_16(f.port);
	tcp->dst_port = rte_cpu_to_be_16(f.stack_port);
	tcp->sent_seq = rte_cpu_to_be_32(seq);
	tcp->recv_ack = rte_cpu_to_be_32(ack);
	tcp->data_off = (uint8_t)((20 + option_size) / 4 << 4);
	tcp->tcp_flags = flags;
	tcp->rx_win = rte_cpu_to_be_16(window);
	memcpy(tcp + 1, option_bytes, option_size);
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	f.tcp->walked = 0;
	held = f.tcp->ooo_walked;
	tcp_input_burst(f.tcp, f.now, segments,
			net_input_burst(f.net, f.now, 0, &frame, 1, segments));
	ASSERT(f.tcp->walked <= TCP_WALK_MAX && f.tcp->ooo_walked - held <= WALK_HELD_MAX);
	turn();
}

/* One for all inputs, as its tables take longer to make than an input runs; nothing of it is under
 * test. */
static struct net *net_start(void)
{
	struct net_config config = {
		.workers = 1, .port_count = 1, .pool = pool, .metrics = &metrics, .seed = 1};

	memcpy(config.ports[0].mac, stack_mac, 6);
	config.ports[0].mtu = 1500;
	config.ports[0].address_count = 1;
	config.ports[0].addresses[0].address = address(1);
	config.ports[0].addresses[0].prefix = 24;
	return net_new(&config);
}

static inline void begin(bool cookies)
{
	static struct net *net;
	struct tcp_config  config = {.pool = pool,
				     .metrics = &metrics,
				     .connections_max = CONNS,
				     .half_open_max = 4,
				     .time_wait_max = 4,
				     .seed = 1,
				     .cookies_always = cookies};

	if (net == NULL)
		net = net_start();
	ASSERT(net != NULL);
	memset(&f, 0, sizeof(f));
	f.news.address = address(2);
	memcpy(f.news.mac, peer_mac, 6);
	f.now = (struct now){1000000000, 1};
	f.port = 40000;
	f.stack_port = PORT;
	f.conn = TCP_CONN_NONE;
	f.net = net;
	config.net = net;
	f.tcp = tcp_new(&config);
	ASSERT(f.tcp != NULL);
	net_news_learn(net, f.now, &f.news);
}

static inline void end(void)
{
	tcp_free(f.tcp);
	ASSERT(rte_mempool_in_use_count(pool) == 0);
}
