/* Datagrams made by hand, whole and in fragments, for the tests of UDP and reassembly. */
#pragma once

#include "rig6.h"

#include "net/udp.h"

#define RIG_UDP_PORT 5060
#define RIG_UDP_MAX 65535u

struct rig_datagram {
	bool     ip6;
	unsigned from; /* the last of the peer's address */
	uint32_t id;
	uint8_t  protocol;
	size_t   n; /* with its header */
	uint8_t  bytes[RIG_UDP_MAX];
};

static inline struct net_addr rig_any_addr(bool ip6, unsigned last)
{
	return ip6 ? rig6_addr(last) : rig_addr(last);
}

static inline uint16_t rig_transport_checksum(const struct rig_datagram *d, uint8_t protocol)
{
	struct net_addr from = rig_any_addr(d->ip6, d->from), to = rig_any_addr(d->ip6, 1);
	size_t          address = d->ip6 ? 16 : 4;
	uint32_t        sum = rte_raw_cksum(d->bytes, d->n) + rte_raw_cksum(from.w, address) +
		       rte_raw_cksum(to.w, address) + rte_cpu_to_be_16(protocol) +
		       rte_cpu_to_be_16((uint16_t)d->n);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* n bytes of payload; byte i is i * 7 mod 253. */
static inline void rig_datagram_make(struct rig_datagram *d, bool ip6, uint32_t id, size_t n)
{
	uint16_t sum;

	d->ip6 = ip6;
	d->from = 2;
	d->id = id;
	d->protocol = 17;
	d->n = n + 8;
	memcpy(d->bytes,
	       (uint8_t[]){4000 >> 8, 4000 & 255, RIG_UDP_PORT >> 8, RIG_UDP_PORT & 255,
			   (uint8_t)((n + 8) >> 8), (uint8_t)(n + 8), 0, 0},
	       8);
	for (size_t i = 0; i < n; i++)
		d->bytes[8 + i] = (uint8_t)(i * 7 % 253);
	sum = rig_transport_checksum(d, 17);
	memcpy(d->bytes + 6, &sum, 2);
}

/* Bytes at..at+n of it as a fragment, or the whole. Returns the size of the frame. */
static inline size_t rig_fragment(uint8_t *f, const struct rig_datagram *d, size_t at, size_t n,
				  bool more)
{
	struct net_addr from = rig_any_addr(d->ip6, d->from), to = rig_any_addr(d->ip6, 1);
	uint16_t        where = (uint16_t)(at / 8 | (more ? 0x2000 : 0)), sum = 0;
	size_t          size;

	if (!d->ip6) {
		size = rig_ip_frame(f, d->protocol, from.w[0], to.w[0], d->bytes + at, n);
		f[18] = (uint8_t)(d->id >> 8);
		f[19] = (uint8_t)d->id;
		f[20] = (uint8_t)(where >> 8);
		f[21] = (uint8_t)where;
		memcpy(f + 24, &sum, 2);
		sum = (uint16_t)~rte_raw_cksum(f + 14, 20);
		memcpy(f + 24, &sum, 2);
		return size;
	}
	size = rig6_frame(f, d->protocol, &from, &to, d->bytes + at, n);
	if (at == 0 && !more)
		return size;
	where = (uint16_t)((at & 0xfff8) | more);
	return rig6_extend(f, size, 44,
			   (uint8_t[]){d->protocol, 0, (uint8_t)(where >> 8), (uint8_t)where,
				       (uint8_t)(d->id >> 24), (uint8_t)(d->id >> 16),
				       (uint8_t)(d->id >> 8), (uint8_t)d->id},
			   8);
}

static inline unsigned rig_fragment_in(struct net *net, const struct rig_datagram *d, size_t at,
				       size_t n, bool more, struct rte_mbuf **tcp)
{
	uint8_t f[RIG_FRAME_MAX + 64];

	assert_in_range(n, 0, 1480);
	return rig_in(net, f, rig_fragment(f, d, at, n, more), tcp);
}

/* It has come, whole, and nothing else has. */
static inline void assert_datagram(struct net *net, const struct rig_datagram *d)
{
	struct net_udp_datagram in[2];
	struct net_addr         from = rig_any_addr(d->ip6, d->from);

	assert_int_equal(net_udp_receive(net, in, 2), 1);
	assert_int_equal(cur_left(&in[0].bytes), d->n - 8);
	assert_memory_equal(in[0].bytes.p, d->bytes + 8, d->n - 8);
	assert_int_equal(in[0].flow.remote_port, 4000);
	assert_int_equal(in[0].flow.local_port, RIG_UDP_PORT);
	assert_memory_equal(in[0].flow.remote.w, from.w, d->ip6 ? 16 : 4);
	assert_int_equal(in[0].flow.remote.ip6, d->ip6);
}

static inline void assert_no_datagram(struct net *net)
{
	struct net_udp_datagram in[1];

	assert_int_equal(net_udp_receive(net, in, 1), 0);
}

static inline struct net *rig_udp_new(unsigned worker, unsigned workers)
{
	struct net *net = rig6_new(worker, workers);

	assert_int_equal(net_udp_bind(net, &(struct net_addr){0}, RIG_UDP_PORT, NULL, 11), 0);
	assert_int_equal(net_udp_bind(net, &(struct net_addr){.ip6 = true}, RIG_UDP_PORT, NULL, 12),
			 0);
	rig_out_drop(net);
	return net;
}
