/* Frames of IPv6 for the tests of the network layer: we are 2001:2::1/64, the gateway is ::fe, the
 * peer ::2. */
#pragma once

#include "rig.h"

#define RIG6_HEADERS 54u /* Ethernet and IPv6 */

static inline struct net_addr rig6_addr(unsigned last)
{
	return (struct net_addr){.w = {rte_cpu_to_be_32(0x20010002), 0, 0, rte_cpu_to_be_32(last)},
				 .ip6 = true};
}

/* Of the link, as the peer's hardware address makes it. */
static inline struct net_addr rig6_link_local(unsigned last)
{
	return (struct net_addr){.w = {rte_cpu_to_be_32(0xfe800000), 0, rte_cpu_to_be_32(0xff),
				       rte_cpu_to_be_32(0xfe000000 + last)},
				 .ip6 = true};
}

static inline struct net_addr rig6_solicited_node(unsigned last)
{
	return (struct net_addr){.w = {rte_cpu_to_be_32(0xff020000), 0, rte_cpu_to_be_32(1),
				       rte_cpu_to_be_32(0xff000000 + last)},
				 .ip6 = true};
}

static inline struct net_addr rig6_all_nodes(void)
{
	return (struct net_addr){.w = {rte_cpu_to_be_32(0xff020000), 0, 0, rte_cpu_to_be_32(1)},
				 .ip6 = true};
}

static inline struct net_config rig6_config(unsigned worker, unsigned workers)
{
	struct net_config c = rig_config(worker, workers);

	c.ports[0].addresses[1].address = rig6_addr(1);
	c.ports[0].addresses[1].prefix = 64;
	c.ports[0].address_count = 2;
	c.ports[0].gateway6 = rig6_addr(0xfe);
	c.ports[0].has_gateway6 = true;
	return c;
}

static inline struct net *rig6_new(unsigned worker, unsigned workers)
{
	struct net_config c = rig6_config(worker, workers);
	struct net       *net;

	memset(&rig_metrics, 0, sizeof(rig_metrics));
	net = net_new(&c);
	assert_non_null(net);
	return net;
}

/* Over pseudo header and payload; of a right packet 0. */
static inline uint16_t rig6_checksum(const struct net_addr *from, const struct net_addr *to,
				     uint8_t protocol, const void *payload, size_t n)
{
	uint32_t sum = rte_raw_cksum(payload, n) + rte_raw_cksum(from->w, 16) +
		       rte_raw_cksum(to->w, 16) + rte_cpu_to_be_16(protocol) +
		       rte_cpu_to_be_16((uint16_t)n);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline size_t rig6_frame(uint8_t *f, uint8_t protocol, const struct net_addr *from,
				const struct net_addr *to, const void *payload, size_t n)
{
	uint8_t group[6] = {0x33, 0x33};

	memcpy(group + 2, &to->w[3], 4);
	rig_ether(f, *(const uint8_t *)to->w == 0xff ? group : rig_mac, 0x86dd);
	memcpy(f + 14, (uint8_t[]){0x60, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, protocol, 255}, 8);
	memcpy(f + 22, from->w, 16);
	memcpy(f + 38, to->w, 16);
	memmove(f + RIG6_HEADERS, payload, n);
	return RIG6_HEADERS + n;
}

/* Extension headers between IPv6 and what is there; the first of them is of type `first`. */
static inline size_t rig6_extend(uint8_t *f, size_t n, uint8_t first, const void *headers,
				 size_t size)
{
	size_t payload = n - RIG6_HEADERS + size;

	memmove(f + RIG6_HEADERS + size, f + RIG6_HEADERS, n - RIG6_HEADERS);
	memcpy(f + RIG6_HEADERS, headers, size);
	f[20] = first;
	f[18] = (uint8_t)(payload >> 8);
	f[19] = (uint8_t)payload;
	return n + size;
}

static inline size_t rig6_tcp_frame(uint8_t *f, const struct net_addr *from,
				    const struct net_addr *to, uint16_t from_port, uint16_t to_port,
				    size_t data)
{
	uint8_t            segment[20 + 1400] = {0};
	struct rte_tcp_hdr tcp = {.src_port = rte_cpu_to_be_16(from_port),
				  .dst_port = rte_cpu_to_be_16(to_port),
				  .sent_seq = rte_cpu_to_be_32(0x01020304),
				  .data_off = 0x50,
				  .tcp_flags = RTE_TCP_ACK_FLAG};

	assert_in_range(data, 0, 1400);
	memcpy(segment, &tcp, 20);
	memset(segment + 20, 0xa5, data);
	tcp.cksum = rig6_checksum(from, to, 6, segment, 20 + data);
	memcpy(segment, &tcp, 20);
	return rig6_frame(f, 6, from, to, segment, 20 + data);
}

static inline size_t rig6_icmp_frame(uint8_t *f, const struct net_addr *from,
				     const struct net_addr *to, uint8_t type, uint8_t code,
				     const void *rest, size_t n)
{
	uint8_t  icmp[1450] = {type, code};
	uint16_t sum;

	assert_in_range(n, 0, sizeof(icmp) - 4);
	memcpy(icmp + 4, rest, n);
	sum = rig6_checksum(from, to, 58, icmp, 4 + n);
	memcpy(icmp + 2, &sum, 2);
	return rig6_frame(f, 58, from, to, icmp, 4 + n);
}

/* Neighbour solicitation (135) or advertisement (136); mac NULL: without that option. */
static inline size_t rig6_neighbour_frame(uint8_t *f, uint8_t type, uint8_t flags,
					  const struct net_addr *from, const struct net_addr *to,
					  const struct net_addr *target, const uint8_t *mac)
{
	uint8_t rest[28] = {flags};

	memcpy(rest + 4, target->w, 16);
	if (mac == NULL)
		return rig6_icmp_frame(f, from, to, type, 0, rest, 20);
	rest[20] = type == 135 ? 1 : 2;
	rest[21] = 1;
	memcpy(rest + 22, mac, 6);
	return rig6_icmp_frame(f, from, to, type, 0, rest, 28);
}

/* What we sent: a whole IPv6 packet with a right ICMPv6 checksum, of that type. */
static inline size_t rig6_out_icmp(struct net *net, uint8_t *f, uint8_t type)
{
	size_t          n = rig_out(net, f);
	struct net_addr from = {.ip6 = true}, to = {.ip6 = true};

	assert_in_range(n, RIG6_HEADERS + 8, RIG_FRAME_MAX);
	assert_int_equal(f[12] << 8 | f[13], 0x86dd);
	assert_int_equal(f[14] >> 4, 6);
	assert_int_equal(f[18] << 8 | f[19], n - RIG6_HEADERS);
	assert_int_equal(f[20], 58);
	assert_int_equal(f[RIG6_HEADERS], type);
	memcpy(from.w, f + 22, 16);
	memcpy(to.w, f + 38, 16);
	assert_int_equal(rig6_checksum(&from, &to, 58, f + RIG6_HEADERS, n - RIG6_HEADERS), 0);
	return n;
}
