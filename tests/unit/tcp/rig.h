/*
 * What the tests of TCP stand on: an EAL without huge pages, pools, a stack (net and tcp) and
 * frames made and read by hand. Time is a number that tests move.
 */
#pragma once

#include "eal.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "base/random.h"
#include "tcp/tcp.h"

#ifndef RIG_MBUFS
#define RIG_MBUFS 8191 /* of each pool */
#define RIG_MEMORY "128"
#endif
#define RIG_START_US (1000 * US_PER_SECOND)

struct rig_end {
	struct net     *net;
	struct tcp     *tcp;
	struct metrics *metrics;
	struct net_addr address;
	uint8_t         mac[6];
};

static struct rte_mempool *rig_pool; /* what the stacks send */
static struct rte_mempool *rig_wire; /* frames on the wire and in receive queues */
static bool                rig_ip6;  /* what the ends of a test speak */
static bool                rig_duplicate_check;
static struct now          rig_now = {RIG_START_US, 0};

static inline int rig_begin(void **state)
{
	(void)state;
	if (rig_pool != NULL)
		return 0;
	if (test_eal_start(RIG_MEMORY) < 0)
		return -1;
	rig_pool =
		rte_pktmbuf_pool_create("rig_pool", RIG_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	rig_wire =
		rte_pktmbuf_pool_create("rig_wire", RIG_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return rig_pool != NULL && rig_wire != NULL ? 0 : -1;
}

static inline void rig_pass(uint64_t us)
{
	rig_now.us += us;
	rig_now.wall_ms += us / US_PER_MS;
}

/* 10.0.0.n, or 2001:2::n */
static inline struct net_addr rig_address(unsigned n)
{
	if (rig_ip6)
		return (struct net_addr){.w = {RTE_BE32(0x20010002), 0, 0, rte_cpu_to_be_32(n)},
					 .ip6 = true};
	return (struct net_addr){.w = {rte_cpu_to_be_32(0x0a000000u + n)}};
}

/* gateway: 0, or the one behind which all peers are, on a port that does checksums itself. */
static inline void rig_end_new_behind(struct rig_end *end, unsigned n, uint64_t seed,
				      const struct tcp_config *wanted, unsigned gateway)
{
	struct net_config net = {.workers = 1, .port_count = 1, .pool = rig_pool, .seed = seed};
	struct tcp_config tcp = *wanted;

	memset(end, 0, sizeof(*end));
	end->metrics = aligned_alloc(64, (sizeof(*end->metrics) + 63) & ~(size_t)63);
	assert_non_null(end->metrics);
	memset(end->metrics, 0, sizeof(*end->metrics));
	end->address = rig_address(n);
	memcpy(end->mac, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)n}, 6);
	net.metrics = end->metrics;
	net.shared_seed = seed + 7;
	net.ports[0].mtu = 1500;
	net.ports[0].address_count = 1;
	net.ports[0].addresses[0].address = end->address;
	net.ports[0].addresses[0].prefix = rig_ip6 ? 64 : 24;
	net.ports[0].duplicate_check = rig_duplicate_check;
	memcpy(net.ports[0].mac, end->mac, 6);
	net.ports[0].has_gateway = gateway != 0;
	net.ports[0].gateway = rig_address(gateway);
	net.ports[0].rx_checksum = net.ports[0].tx_tcp_checksum = gateway != 0;
	end->net = net_new(&net);
	assert_non_null(end->net);
	tcp.net = end->net;
	tcp.pool = rig_pool;
	tcp.metrics = end->metrics;
	tcp.seed = seed;
	tcp.shared_seed = seed + 7;
	if (tcp.connections_max == 0)
		tcp.connections_max = 64;
	if (tcp.half_open_max == 0)
		tcp.half_open_max = 16;
	if (tcp.time_wait_max == 0)
		tcp.time_wait_max = 16;
	end->tcp = tcp_new(&tcp);
	assert_non_null(end->tcp);
}

static inline void rig_end_new(struct rig_end *end, unsigned n, uint64_t seed,
			       const struct tcp_config *wanted)
{
	rig_end_new_behind(end, n, seed, wanted, 0);
}

static inline void rig_end_free(struct rig_end *end)
{
	tcp_free(end->tcp);
	net_free(end->net);
	free(end->metrics);
}

static inline void rig_learn(struct rig_end *end, const struct net_addr *address,
			     const uint8_t mac[6])
{
	struct net_news news = {.address = *address};

	memcpy(news.mac, mac, 6);
	net_news_learn(end->net, rig_now, &news);
}

static inline uint64_t rig_metric(const struct rig_end *end, enum metric id)
{
	return end->metrics->value[id];
}

/* A copy in one piece, with its own buffer, as a port would have received it. */
static inline struct rte_mbuf *rig_frame_copy(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_copy(mbuf, rig_wire, 0, UINT32_MAX);
}

static inline void rig_frame_in(struct rig_end *end, struct rte_mbuf *frame)
{
	struct rte_mbuf *segments[NET_BURST_MAX];
	unsigned         n = net_input_burst(end->net, rig_now, 0, &frame, 1, segments);

	tcp_input_burst(end->tcp, rig_now, segments, n);
}

static inline unsigned rig_headers(void) /* Ethernet and IP */
{
	return rig_ip6 ? 54 : 34;
}

/* What the checksum of its TCP must be, when the field is 0. */
static inline uint16_t rig_checksum(const struct rte_mbuf *frame)
{
	const void *ip = rte_pktmbuf_mtod_offset(frame, const void *, 14);
	const void *tcp = rte_pktmbuf_mtod_offset(frame, const void *, rig_headers());

	return rig_ip6 ? rte_ipv6_udptcp_cksum(ip, tcp) : rte_ipv4_udptcp_cksum(ip, tcp);
}

static inline bool rig_is_tcp(const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	if (ether->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6))
		return rte_pktmbuf_mtod_offset(frame, const struct rte_ipv6_hdr *, 14)->proto == 6;
	return ether->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, 14)->next_proto_id == 6;
}
