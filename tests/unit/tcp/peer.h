/*
 * A peer played by hand against one stack: frames are built field by field, what the stack answers
 * is read back. Sequence numbers are relative: 0 is the SYN of the side that sends.
 */
#pragma once

#include "rig.h"

#define PEER_OUT_MAX 128u
#define PEER_EVENT_MAX 32u
#define STACK_PORT 2775

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct seg {
	uint8_t  flags;
	uint32_t seq, ack;
	uint32_t len;
	uint32_t window; /* to the stack: 0 means 60,000, see closed */
	bool     closed;
	uint16_t mss;
	bool     has_scale, sack_ok, has_ts;
	uint8_t  scale;
	uint32_t ts, echo;
	unsigned sacks;
	uint32_t sack[4][2];
	uint8_t  first; /* byte of the payload */
};

struct peer {
	struct rig_end   end;
	uint16_t         port, stack_port;
	uint32_t         isn, stack_isn;
	struct seg       out[PEER_OUT_MAX];
	unsigned         outs, seen;
	struct tcp_event events[PEER_EVENT_MAX];
	unsigned         event_count;
	uint32_t         conn;
	uint64_t         next_us;
	unsigned         pool_before, wire_before; /* in use by others, of tests that failed */
};

static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 99};

static inline void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline unsigned peer_options(const struct peer *peer, const struct seg *seg, uint8_t *o)
{
	uint8_t *start = o;

	if (seg->mss != 0) {
		memcpy(o, (uint8_t[]){2, 4, (uint8_t)(seg->mss >> 8), (uint8_t)seg->mss}, 4);
		o += 4;
	}
	if (seg->has_scale) {
		memcpy(o, (uint8_t[]){1, 3, 3, seg->scale}, 4);
		o += 4;
	}
	if (seg->sack_ok) {
		memcpy(o, (uint8_t[]){1, 1, 4, 2}, 4);
		o += 4;
	}
	if (seg->has_ts) {
		memcpy(o, (uint8_t[]){1, 1, 8, 10}, 4);
		put32(o + 4, seg->ts);
		put32(o + 8, seg->echo);
		o += 12;
	}
	if (seg->sacks > 0) {
		memcpy(o, (uint8_t[]){1, 1, 5, (uint8_t)(2 + 8 * seg->sacks)}, 4);
		o += 4;
		for (unsigned i = 0; i < seg->sacks; i++, o += 8) {
			put32(o, peer->stack_isn + seg->sack[i][0]);
			put32(o + 4, peer->stack_isn + seg->sack[i][1]);
		}
	}
	return (unsigned)(o - start);
}

/* Byte n of what the peer sends is n mod 251. */
static inline struct rte_mbuf *peer_frame(const struct peer *peer, const struct seg *seg)
{
	struct rte_mbuf      *mbuf = rte_pktmbuf_alloc(rig_wire);
	uint8_t               options[64];
	unsigned              size = peer_options(peer, seg, options);
	uint16_t              total = (uint16_t)(40 + size + seg->len);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr  *ip;
	struct rte_tcp_hdr   *tcp;

	assert_non_null(mbuf);
	ether = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(mbuf, (uint16_t)(14 + total));
	assert_non_null(ether);
	memcpy(&ether->dst_addr, peer->end.mac, 6);
	memcpy(&ether->src_addr, peer_mac, 6);
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip = (struct rte_ipv4_hdr *)(ether + 1);
	memset(ip, 0, sizeof(*ip));
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16(total);
	ip->time_to_live = 64;
	ip->next_proto_id = 6;
	ip->src_addr = rig_address(99).w[0];
	ip->dst_addr = peer->end.address.w[0];
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp = (struct rte_tcp_hdr *)(ip + 1);
	memset(tcp, 0, sizeof(*tcp));
	tcp->src_port = rte_cpu_to_be_16(peer->port);
	tcp->dst_port = rte_cpu_to_be_16(peer->stack_port);
	tcp->sent_seq = rte_cpu_to_be_32(peer->isn + seg->seq);
	if (seg->flags & ACK)
		tcp->recv_ack = rte_cpu_to_be_32(peer->stack_isn + seg->ack);
	tcp->data_off = (uint8_t)((20 + size) / 4 << 4);
	tcp->tcp_flags = seg->flags;
	tcp->rx_win = rte_cpu_to_be_16(
		seg->closed ? 0 : (uint16_t)(seg->window != 0 ? seg->window : 60000));
	memcpy(tcp + 1, options, size);
	for (uint32_t i = 0; i < seg->len; i++)
		((uint8_t *)(tcp + 1))[size + i] = (uint8_t)((seg->seq + i) % 251);
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	return mbuf;
}

static inline void peer_read_options(const struct peer *peer, struct seg *seg, const uint8_t *o,
				     unsigned size)
{
	for (unsigned i = 0; i < size && o[i] != 0; i += o[i] == 1 ? 1 : o[i + 1]) {
		switch (o[i]) {
		case 2:
			seg->mss = (uint16_t)(o[i + 2] << 8 | o[i + 3]);
			break;
		case 3:
			seg->has_scale = true;
			seg->scale = o[i + 2];
			break;
		case 4:
			seg->sack_ok = true;
			break;
		case 5:
			seg->sacks = (o[i + 1] - 2u) / 8;
			for (unsigned k = 0; k < seg->sacks; k++) {
				seg->sack[k][0] = get32(o + i + 2 + 8 * k) - peer->isn;
				seg->sack[k][1] = get32(o + i + 6 + 8 * k) - peer->isn;
			}
			break;
		case 8:
			seg->has_ts = true;
			seg->ts = get32(o + i + 2);
			seg->echo = get32(o + i + 6);
			break;
		}
	}
}

static inline void peer_read(struct peer *peer, const struct rte_mbuf *mbuf)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(mbuf, const struct rte_ipv4_hdr *, 14);
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);
	unsigned                  header = (unsigned)(tcp->data_off >> 4) * 4;
	struct seg               *seg = &peer->out[peer->outs];

	assert_true(peer->outs < PEER_OUT_MAX);
	assert_int_equal(rte_be_to_cpu_16(ip->total_length) + 14, mbuf->pkt_len);
	assert_int_equal(
		rte_ipv4_udptcp_cksum(ip, tcp) == 0xffff || rte_raw_cksum(ip, 20) == 0xffff, 1);
	peer->outs++;
	memset(seg, 0, sizeof(*seg));
	seg->flags = tcp->tcp_flags;
	if (seg->flags & SYN) {
		peer->stack_isn = rte_be_to_cpu_32(tcp->sent_seq);
		peer->stack_port = rte_be_to_cpu_16(tcp->src_port);
		peer->port = rte_be_to_cpu_16(tcp->dst_port);
	}
	seg->seq = rte_be_to_cpu_32(tcp->sent_seq) - peer->stack_isn;
	seg->ack = rte_be_to_cpu_32(tcp->recv_ack) - peer->isn;
	seg->window = rte_be_to_cpu_16(tcp->rx_win);
	seg->len = rte_be_to_cpu_16(ip->total_length) - 20u - header;
	if (seg->len > 0)
		seg->first = ((const uint8_t *)tcp)[header];
	peer_read_options(peer, seg, (const uint8_t *)(tcp + 1), header - 20);
}

/* Timers, events, flush; then what left is read. */
static inline void peer_turn(struct peer *peer)
{
	unsigned          n;
	struct rte_mbuf **out;

	rig_learn(&peer->end, &(struct net_addr){.w = {rig_address(99).w[0]}}, peer_mac);
	net_tick(peer->end.net, rig_now);
	tcp_tick(peer->end.tcp, rig_now);
	while ((n = tcp_events(peer->end.tcp, peer->events + peer->event_count, 1)) > 0) {
		peer->conn = peer->events[peer->event_count].conn;
		if (peer->event_count < PEER_EVENT_MAX - 1)
			peer->event_count++; /* the last place has the newest of too many */
	}
	tcp_flush(peer->end.tcp, rig_now);
	out = net_tx_peek(peer->end.net, 0, &n);
	for (unsigned i = 0; i < n; i++) {
		if (rig_is_tcp(out[i]))
			peer_read(peer, out[i]);
		rte_pktmbuf_free(out[i]);
	}
	net_tx_sent(peer->end.net, 0, n);
	peer->next_us = tcp_tick(peer->end.tcp, rig_now);
}

static inline void peer_send(struct peer *peer, struct seg seg)
{
	rig_frame_in(&peer->end, peer_frame(peer, &seg));
	peer_turn(peer);
}

/* ICMP about a segment of ours with this relative number, whose packet had `size` bytes. */
static inline void peer_icmp(struct peer *peer, uint8_t type, uint8_t code, uint16_t mtu,
			     uint16_t size, uint32_t seq)
{
	struct rte_mbuf     *frame = peer_frame(peer, &(struct seg){.flags = ACK, .len = 100});
	uint8_t             *start = rte_pktmbuf_mtod(frame, uint8_t *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(void *)(start + 14), *quoted;
	uint8_t             *icmp = start + 34;
	uint16_t             sum;

	ip->total_length = rte_cpu_to_be_16(20 + 8 + 28);
	ip->next_proto_id = 1;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	memset(icmp, 0, 36);
	icmp[0] = type;
	icmp[1] = code;
	icmp[6] = (uint8_t)(mtu >> 8);
	icmp[7] = (uint8_t)mtu;
	quoted = (struct rte_ipv4_hdr *)(void *)(icmp + 8);
	quoted->version_ihl = 0x45;
	quoted->total_length = rte_cpu_to_be_16(size);
	quoted->time_to_live = 60;
	quoted->next_proto_id = 6;
	quoted->src_addr = ip->dst_addr;
	quoted->dst_addr = ip->src_addr;
	quoted->hdr_checksum = rte_ipv4_cksum(quoted);
	icmp[28] = (uint8_t)(peer->stack_port >> 8);
	icmp[29] = (uint8_t)peer->stack_port;
	icmp[30] = (uint8_t)(peer->port >> 8);
	icmp[31] = (uint8_t)peer->port;
	put32(icmp + 32, peer->stack_isn + seq);
	sum = (uint16_t)~rte_raw_cksum(icmp, 36);
	memcpy(icmp + 2, &sum, 2);
	rte_pktmbuf_trim(frame, (uint16_t)(frame->pkt_len - 70));
	rig_frame_in(&peer->end, frame);
	peer_turn(peer);
}

/* Time passes in steps no longer than the stack asked for. */
static inline void peer_wait(struct peer *peer, uint64_t us)
{
	uint64_t end_us = rig_now.us + us;

	while (rig_now.us < end_us) {
		uint64_t next = peer->next_us < end_us ? peer->next_us : end_us;

		rig_pass(next > rig_now.us ? next - rig_now.us : 1000);
		peer_turn(peer);
	}
}

/* The next segment that the stack sent and nobody looked at; NULL when there is none. */
static inline struct seg *peer_next(struct peer *peer)
{
	return peer->seen < peer->outs ? &peer->out[peer->seen++] : NULL;
}

static inline void peer_forget(struct peer *peer)
{
	peer->outs = peer->seen = 0;
}

static inline struct tcp_event *peer_event(struct peer *peer, enum tcp_event_kind kind)
{
	for (unsigned i = 0; i < peer->event_count; i++) {
		if (peer->events[i].kind == kind)
			return &peer->events[i];
	}
	return NULL;
}

#define expect_segment(peer, wanted_flags, wanted_seq, wanted_ack, wanted_len)                     \
	do {                                                                                       \
		struct seg *s_ = peer_next(peer);                                                  \
		assert_non_null(s_);                                                               \
		assert_int_equal(s_->flags & ~PSH, wanted_flags);                                  \
		assert_int_equal(s_->seq, wanted_seq);                                             \
		assert_int_equal(s_->ack, wanted_ack);                                             \
		assert_int_equal(s_->len, wanted_len);                                             \
	} while (0)
#define expect_silence(peer) assert_null(peer_next(peer))

static inline void peer_begin(struct peer *peer, const struct tcp_config *config,
			      const struct tcp_options *options)
{
	memset(peer, 0, sizeof(*peer));
	rig_now.us = RIG_START_US;
	peer->pool_before = rte_mempool_in_use_count(rig_pool);
	peer->wire_before = rte_mempool_in_use_count(rig_wire);
	rig_end_new(&peer->end, 1, 42, config);
	rig_learn(&peer->end, &(struct net_addr){.w = {rig_address(99).w[0]}}, peer_mac);
	peer->port = 40000;
	peer->stack_port = STACK_PORT;
	peer->isn = 0xfffffff0u; /* numbers wrap in every test */
	assert_int_equal(tcp_listen(peer->end.tcp, &(struct net_addr){0}, STACK_PORT, options, 5),
			 0);
	peer_turn(peer);
	peer_forget(peer);
}

static inline void peer_end(struct peer *peer)
{
	rig_end_free(&peer->end);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), peer->pool_before);
	assert_int_equal(rte_mempool_in_use_count(rig_wire), peer->wire_before);
}

/* A listener's connection: 3-way handshake. extra: options of the SYN. */
static inline void peer_open_with(struct peer *peer, const struct tcp_config *config,
				  const struct tcp_options *options, struct seg extra)
{
	peer_begin(peer, config, options);
	extra.flags = SYN;
	peer_send(peer, extra);
	assert_int_equal(peer->outs, 1);
	assert_int_equal(peer->out[0].flags, SYN | ACK);
	peer_send(peer, (struct seg){.flags = ACK,
				     .seq = 1,
				     .ack = 1,
				     .has_ts = extra.has_ts,
				     .ts = extra.ts,
				     .echo = peer->out[0].ts,
				     .window = extra.window});
	assert_non_null(peer_event(peer, TCP_EVENT_ACCEPTED));
	peer_forget(peer);
	peer->event_count = 0;
}

static inline void peer_open(struct peer *peer)
{
	peer_open_with(peer, &(struct tcp_config){0}, &(struct tcp_options){0},
		       (struct seg){.mss = 1460, .sack_ok = true});
}

/* The same with the start-up quick acknowledgements used up and all consumed; the peer's next byte
 * is the returned number. */
static inline uint32_t peer_settle(struct peer *peer)
{
	uint32_t seq = 1;

	for (unsigned i = 0; i < 8; i++, seq += 1000) {
		peer_send(peer, (struct seg){.flags = ACK, .seq = seq, .ack = 1, .len = 1000});
		tcp_consume(peer->end.tcp, peer->conn, 1000);
	}
	peer_wait(peer, 100000);
	peer_forget(peer);
	peer->event_count = 0;
	return seq;
}

static inline void peer_write(struct peer *peer, unsigned n)
{
	static const uint8_t bytes[65536];

	assert_int_equal(tcp_send(peer->end.tcp, peer->conn, bytes, n), n);
	peer_turn(peer);
}
