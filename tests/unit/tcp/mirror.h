/*
 * Any number of peers without memory: what each says follows from what it hears. A SYN-ACK is
 * acknowledged, data is acknowledged (and answered by the next request, while there are to be any),
 * a FIN by a FIN. So a stack meets a hundred thousand peers, and only its own memory counts.
 */
#pragma once

#include "rig.h"

#define MIRROR_PORT 2775
#define MIRROR_GATEWAY 99

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct mirror {
	struct rig_end end;
	uint32_t       request; /* bytes that each answer of the stack is followed by; 0: none */
	uint32_t       active_from;    /* peers from this on begin with a request */
	uint64_t       heard, answers; /* segments, and those with data */
	uint64_t       frames_out;     /* by the stack */
	bool           answers_probes; /* and every other acknowledgement, which is harmless */
	/* May say another window, or nothing at all (false). */
	bool (*says)(struct mirror *m, uint32_t peer, uint8_t flags, uint16_t *window);
	struct tcp_event events[256];
	void (*on_event)(struct mirror *m, const struct tcp_event *event);
	uint64_t next_us;
};

static const uint8_t mirror_mac[6] = {2, 0, 0, 0, 0, MIRROR_GATEWAY};

/* Peer n is 11.0.0.0 + n / 32,000 port 1,024 + n mod 32,000: behind the gateway. */
static inline void mirror_name(uint32_t peer, uint32_t *address, uint16_t *port)
{
	*address = rte_cpu_to_be_32(0x0b000001u + peer / 32000);
	*port = rte_cpu_to_be_16((uint16_t)(1024 + peer % 32000));
}

static inline uint32_t mirror_peer(uint32_t address, uint16_t port)
{
	return (rte_be_to_cpu_32(address) - 0x0b000001u) * 32000 + rte_be_to_cpu_16(port) - 1024u;
}

static inline struct rte_mbuf *mirror_frame(const struct mirror *m, uint32_t address, uint16_t port,
					    uint8_t flags, uint32_t seq, uint32_t ack,
					    uint16_t window, uint32_t len)
{
	struct rte_mbuf      *mbuf = rte_pktmbuf_alloc(rig_wire);
	uint16_t              total = (uint16_t)(40 + len);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr  *ip;
	struct rte_tcp_hdr   *tcp;

	assert_non_null(mbuf);
	ether = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(mbuf, (uint16_t)(14 + total));
	memset(ether, 0, 14u + total);
	memcpy(&ether->dst_addr, m->end.mac, 6);
	memcpy(&ether->src_addr, mirror_mac, 6);
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip = (struct rte_ipv4_hdr *)(ether + 1);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16(total);
	ip->time_to_live = 64;
	ip->next_proto_id = 6;
	ip->src_addr = address;
	ip->dst_addr = m->end.address.w[0];
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp = (struct rte_tcp_hdr *)(ip + 1);
	tcp->src_port = port;
	tcp->dst_port = rte_cpu_to_be_16(MIRROR_PORT);
	tcp->sent_seq = rte_cpu_to_be_32(seq);
	tcp->recv_ack = rte_cpu_to_be_32(ack);
	tcp->data_off = 5 << 4;
	tcp->tcp_flags = flags;
	tcp->rx_win = rte_cpu_to_be_16(window);
	mbuf->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return mbuf;
}

static inline void mirror_in(struct mirror *m, struct rte_mbuf *frames[], unsigned n)
{
	struct rte_mbuf *segments[NET_BURST_MAX];

	for (unsigned done = 0; done < n; done += NET_BURST_MAX) {
		unsigned burst = n - done < NET_BURST_MAX ? n - done : NET_BURST_MAX;

		tcp_input_burst(
			m->end.tcp, rig_now, segments,
			net_input_burst(m->end.net, rig_now, 0, frames + done, burst, segments));
	}
}

/* What the peer of this frame says to it; NULL: nothing. */
static inline struct rte_mbuf *mirror_reply(struct mirror *m, const struct rte_mbuf *frame)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, 14);
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);
	uint32_t                  len =
		rte_be_to_cpu_16(ip->total_length) - 20u - (uint32_t)(tcp->data_off >> 4) * 4;
	uint32_t seq = rte_be_to_cpu_32(tcp->sent_seq) + len, more = 0;
	uint32_t peer = mirror_peer(ip->dst_addr, tcp->dst_port);
	uint16_t window = 65535;
	uint8_t  flags = ACK;

	m->heard++;
	if (tcp->tcp_flags & RST)
		return NULL;
	if (len == 0 && !(tcp->tcp_flags & (SYN | FIN)) && !m->answers_probes)
		return NULL;
	if (m->says != NULL && !m->says(m, peer, tcp->tcp_flags, &window))
		return NULL;
	m->answers += len > 0;
	if (len > 0 || (tcp->tcp_flags & SYN && peer >= m->active_from))
		more = m->request;
	if (tcp->tcp_flags & FIN)
		flags |= FIN;
	seq += (tcp->tcp_flags & (SYN | FIN)) != 0;
	return mirror_frame(m, ip->dst_addr, tcp->dst_port, flags, rte_be_to_cpu_32(tcp->recv_ack),
			    seq, window, more);
}

/* A turn of the stack, and the replies to what it sent, which come in at once. */
static inline void mirror_turn(struct mirror *m)
{
	struct rte_mbuf **out, *replies[NET_TX_MAX];
	unsigned          n, reply_count = 0;

	tcp_tick(m->end.tcp, rig_now);
	net_tick(m->end.net, rig_now);
	while ((n = tcp_events(m->end.tcp, m->events, 1)) > 0)
		m->on_event(m, &m->events[0]);
	tcp_flush(m->end.tcp, rig_now);
	out = net_tx_peek(m->end.net, 0, &n);
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *reply = rig_is_tcp(out[i]) ? mirror_reply(m, out[i]) : NULL;

		if (reply != NULL)
			replies[reply_count++] = reply;
		rte_pktmbuf_free(out[i]);
	}
	net_tx_sent(m->end.net, 0, n);
	m->frames_out += n;
	mirror_in(m, replies, reply_count);
	m->next_us = tcp_tick(m->end.tcp, rig_now);
}

static inline void mirror_call(struct mirror *m, uint32_t from, uint32_t to)
{
	struct rte_mbuf *frames[NET_BURST_MAX];
	unsigned         n = 0;

	for (uint32_t peer = from; peer < to; peer++) {
		uint32_t address;
		uint16_t port;

		mirror_name(peer, &address, &port);
		frames[n++] = mirror_frame(m, address, port, SYN, peer * 7, 0, 65535, 0);
		if (n < NET_BURST_MAX && peer + 1 < to)
			continue;
		mirror_in(m, frames, n);
		n = 0;
		mirror_turn(m);
		mirror_turn(m);
		rig_pass(20);
	}
}

/* Time passes, from deadline to deadline. */
static inline void mirror_wait(struct mirror *m, uint64_t us)
{
	uint64_t end = rig_now.us + us;

	for (;;) {
		mirror_turn(m);
		if (m->next_us >= end)
			break;
		rig_now.us = m->next_us > rig_now.us ? m->next_us : rig_now.us + 1;
	}
	rig_now.us = end;
	mirror_turn(m);
}

static inline void mirror_ignore(struct mirror *m, const struct tcp_event *event)
{
	(void)m;
	(void)event;
}

static inline void mirror_begin(struct mirror *m, const struct tcp_config *config,
				const struct tcp_options *options)
{
	*m = (struct mirror){.on_event = mirror_ignore};
	rig_now.us = RIG_START_US;
	rig_end_new_behind(&m->end, 1, 42, config, MIRROR_GATEWAY);
	rig_learn(&m->end, &(struct net_addr){.w = {rig_address(MIRROR_GATEWAY).w[0]}}, mirror_mac);
	assert_int_equal(tcp_listen(m->end.tcp, &(struct net_addr){0}, MIRROR_PORT, options, 5), 0);
}
