/* What the tests of the network layer stand on: an EAL without huge pages, a pool, a layer of two
 * or more workers, and frames made by hand. */
#pragma once

#include "eal.h"
#include "test.h"

#include <stdio.h>

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "net/net.h"
#include "net/output.h"

#define RIG_FRAME_MAX 1514u

static struct rte_mempool *rig_pool;
static struct metrics      rig_metrics;
static struct now          rig_now = {1000000000, 0};
static const uint8_t       rig_mac[6] = {2, 0, 0, 0, 0, 1}, rig_peer_mac[6] = {2, 0, 0, 0, 0, 2};

static inline int rig_begin(void **state)
{
	(void)state;
	if (test_eal_start("64") < 0)
		return -1;
	rig_pool = rte_pktmbuf_pool_create("rig", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return rig_pool != NULL ? 0 : -1;
}

static inline uint32_t rig_ip(unsigned last)
{
	return rte_cpu_to_be_32(0xc6120000u + last); /* 198.18.0.last */
}

static inline struct net_addr rig_addr(unsigned last)
{
	return (struct net_addr){.w = {rig_ip(last)}};
}

/* We are 198.18.0.1/24, the gateway is .254. */
static inline struct net_config rig_config(unsigned worker, unsigned workers)
{
	struct net_config c = {.worker = worker,
			       .workers = workers,
			       .port_count = 1,
			       .pool = rig_pool,
			       .metrics = &rig_metrics,
			       .seed = worker + 1,
			       .shared_seed = 77};

	memcpy(c.ports[0].mac, rig_mac, 6);
	c.ports[0].mtu = 1500;
	c.ports[0].address_count = 1;
	c.ports[0].addresses[0].address = rig_addr(1);
	c.ports[0].addresses[0].prefix = 24;
	c.ports[0].gateway = rig_addr(254);
	c.ports[0].has_gateway = true;
	return c;
}

static inline struct net *rig_new(unsigned worker, unsigned workers)
{
	struct net_config c = rig_config(worker, workers);
	struct net       *net;

	memset(&rig_metrics, 0, sizeof(rig_metrics));
	net = net_new(&c);
	assert_non_null(net);
	return net;
}

/* Every mbuf went home. */
static inline void rig_end(struct net *net)
{
	net_free(net);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
}

/* The frame at the very end of its buffer, as far as an mbuf lets it, so that nothing follows it.
 */
static inline struct rte_mbuf *rig_mbuf(const uint8_t *frame, size_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig_pool);

	assert_non_null(m);
	m->data_off = (uint16_t)(m->buf_len - n);
	m->data_len = (uint16_t)n;
	m->pkt_len = (uint32_t)n;
	memcpy(rte_pktmbuf_mtod(m, void *), frame, n);
	return m;
}

static inline unsigned rig_in(struct net *net, const uint8_t *frame, size_t n,
			      struct rte_mbuf **tcp)
{
	struct rte_mbuf *m = rig_mbuf(frame, n);

	return net_input_burst(net, rig_now, 0, &m, 1, tcp);
}

/* The only packet that waits to be sent, copied out and freed; 0 bytes when there is none. */
static inline size_t rig_out(struct net *net, uint8_t frame[RIG_FRAME_MAX])
{
	unsigned          n;
	struct rte_mbuf **pkts = net_tx_peek(net, 0, &n);
	size_t            size;

	if (n == 0)
		return 0;
	size = pkts[0]->pkt_len;
	assert_in_range(size, 14, RIG_FRAME_MAX);
	memcpy(frame, rte_pktmbuf_read(pkts[0], 0, (uint32_t)size, frame), size);
	rte_pktmbuf_free(pkts[0]);
	net_tx_sent(net, 0, 1);
	return size;
}

static inline void rig_out_drop(struct net *net)
{
	uint8_t frame[RIG_FRAME_MAX];

	while (rig_out(net, frame) > 0)
		;
}

static inline size_t rig_ether(uint8_t *f, const uint8_t to[6], uint16_t type)
{
	memcpy(f, to, 6);
	memcpy(f + 6, rig_peer_mac, 6);
	f[12] = (uint8_t)(type >> 8);
	f[13] = (uint8_t)type;
	return 14;
}

static inline size_t rig_ip_frame(uint8_t *f, uint8_t protocol, uint32_t from, uint32_t to,
				  const void *payload, size_t n)
{
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
				  .total_length = rte_cpu_to_be_16((uint16_t)(20 + n)),
				  .time_to_live = 64,
				  .next_proto_id = protocol,
				  .src_addr = from,
				  .dst_addr = to};

	rig_ether(f, rig_mac, 0x0800);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(f + 14, &ip, 20);
	memcpy(f + 34, payload, n);
	return 34 + n;
}

static inline size_t rig_tcp_frame(uint8_t *f, uint32_t from, uint32_t to, uint16_t from_port,
				   uint16_t to_port, size_t data)
{
	uint8_t             segment[20 + 64] = {0};
	struct rte_tcp_hdr  tcp = {.src_port = rte_cpu_to_be_16(from_port),
				   .dst_port = rte_cpu_to_be_16(to_port),
				   .sent_seq = rte_cpu_to_be_32(0x01020304),
				   .data_off = 0x50,
				   .tcp_flags = RTE_TCP_ACK_FLAG};
	struct rte_ipv4_hdr ip;
	size_t              n;

	assert_in_range(data, 0, 64);
	memcpy(segment, &tcp, 20);
	memset(segment + 20, 0xa5, data);
	n = rig_ip_frame(f, 6, from, to, segment, 20 + data);
	memcpy(&ip, f + 14, 20);
	tcp.cksum = rte_ipv4_udptcp_cksum(&ip, f + 34);
	memcpy(f + 34 + 16, &tcp.cksum, 2);
	return n;
}

static inline size_t rig_icmp_frame(uint8_t *f, uint32_t from, uint8_t type, uint8_t code,
				    const void *rest, size_t n)
{
	uint8_t  icmp[1400] = {type, code};
	uint16_t sum;

	memcpy(icmp + 4, rest, n);
	sum = (uint16_t)~rte_raw_cksum(icmp, 4 + n);
	memcpy(icmp + 2, &sum, 2);
	return rig_ip_frame(f, 1, from, rig_ip(1), icmp, 4 + n);
}

static inline size_t rig_arp_frame(uint8_t *f, const uint8_t to[6], uint16_t operation,
				   const uint8_t sender_mac[6], uint32_t sender, uint32_t target)
{
	const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, (uint8_t)operation};

	rig_ether(f, to, 0x0806);
	memcpy(f + 14, head, 8);
	memcpy(f + 22, sender_mac, 6);
	memcpy(f + 28, &sender, 4);
	memset(f + 32, 0, 6);
	memcpy(f + 38, &target, 4);
	return 42;
}
