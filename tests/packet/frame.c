#include "frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "base/cur.h"
#include "base/put.h"

#define ETHER 14u
#define TYPE_IP4 0x0800u
#define TYPE_ARP 0x0806u
#define TYPE_IP6 0x86ddu

const char *const frame_field_name[FIELD_COUNT] = {
	[FIELD_ACK] = "ack",     [FIELD_WINDOW] = "win", [FIELD_MSS] = "mss",
	[FIELD_SCALE] = "scale", [FIELD_TS] = "ts",      [FIELD_ECHO] = "ecr",
	[FIELD_URGENT] = "urg",  [FIELD_MTU] = "mtu",    [FIELD_LENGTH] = "len",
	[FIELD_FILL] = "fill",   [FIELD_CUT] = "cut",    [FIELD_PAD] = "pad",
	[FIELD_OFFSET] = "doff",
};

const struct icmp_name frame_icmp_names[] = {
	{"net-unreachable", 3, 0, 1, 0},
	{"host-unreachable", 3, 1, 1, 3},
	{"protocol-unreachable", 3, 2, 4, 1},
	{"port-unreachable", 3, 3, 1, 4},
	{"too-big", 3, 4, 2, 0},
	{"source-route-failed", 3, 5, 1, 5},
	{"admin-prohibited", 3, 13, 1, 1},
	{"source-quench", 4, 0, 0, 0},
	{"time-exceeded", 11, 0, 3, 0},
	{"reassembly-timeout", 11, 1, 3, 1},
	{"parameter-problem", 12, 0, 4, 0},
	{"unknown-option", 12, 2, 4, 2},
	{"echo", 8, 0, 128, 0},
	{"echo-reply", 0, 0, 129, 0},
	{NULL, 0, 0, 0, 0},
};

static size_t address_size(const struct hosts *hosts)
{
	return hosts->address[WHO_US].ip6 ? 16 : 4;
}

static enum who source_of(const struct frame *f)
{
	return f->words & WORD_FROM_US ? WHO_US : f->words & WORD_FROM_OTHER ? WHO_OTHER : WHO_PEER;
}

static enum who destination_of(const struct frame *f)
{
	return f->words & WORD_TO_OTHER ? WHO_NOBODY : WHO_US;
}

/* The sum over pseudo header and payload, to be stored as it is. */
static uint16_t checksum(const struct net_addr *from, const struct net_addr *to, uint8_t protocol,
			 const uint8_t *bytes, size_t size)
{
	size_t   n = from->ip6 ? 16 : 4;
	uint32_t sum = rte_raw_cksum(bytes, size);

	sum += rte_raw_cksum(from->w, n);
	sum += rte_raw_cksum(to->w, n);
	sum += rte_cpu_to_be_16(protocol) + rte_cpu_to_be_16((uint16_t)size);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void patch(uint8_t *at, uint16_t as_stored, bool spoil)
{
	memcpy(at, &as_stored, 2);
	if (spoil)
		at[0] ^= 0x5a;
}

/* Writing. */

static void ip_write(struct put *w, const struct frame *f, const struct hosts *hosts,
		     uint8_t protocol, size_t payload)
{
	const struct net_addr *from = &hosts->address[source_of(f)];
	const struct net_addr *to = &hosts->address[destination_of(f)];
	size_t                 options = (f->ip_options.size + 3u) & ~3u;
	uint8_t                traffic = f->words & WORD_CONGESTED ? 3 : 0;
	uint8_t               *start = w->p;

	if (from->ip6) {
		put_be32(w, 6u << 28 | (uint32_t)traffic << 20);
		put_be16(w, (uint16_t)payload);
		put_u8(w, protocol);
		put_u8(w, 64);
		put_bytes(w, from->w, 16);
		put_bytes(w, to->w, 16);
		return;
	}
	put_u8(w, (uint8_t)(0x40 | (20 + options) / 4));
	put_u8(w, traffic);
	put_be16(w, (uint16_t)(20 + options + payload));
	put_be32(w, 0);
	put_u8(w, 64);
	put_u8(w, protocol);
	put_be16(w, 0);
	put_bytes(w, from->w, 4);
	put_bytes(w, to->w, 4);
	put_bytes(w, f->ip_options.bytes, f->ip_options.size);
	for (size_t i = f->ip_options.size; i < options; i++)
		put_u8(w, 0);
	patch(start + 10, (uint16_t)~rte_raw_cksum(start, 20 + options),
	      f->words & WORD_BAD_IP_CHECKSUM);
}

static void tcp_options_write(struct put *w, const struct frame *f, const struct flow *flow)
{
	if (frame_has(f, FIELD_MSS)) {
		put_be16(w, 0x0204);
		put_be16(w, (uint16_t)f->value[FIELD_MSS]);
	}
	if (f->words & WORD_SACK_PERMITTED)
		put_be32(w, 0x01010402);
	if (frame_has(f, FIELD_TS)) {
		put_be32(w, 0x0101080a);
		put_be32(w, flow->peer_ts_base + f->value[FIELD_TS]);
		put_be32(w, frame_has(f, FIELD_ECHO) ? flow->ts_base + f->value[FIELD_ECHO] : 0);
	}
	if (frame_has(f, FIELD_SCALE))
		put_be32(w, 0x01030300u | (f->value[FIELD_SCALE] & 0xff));
	put_bytes(w, f->tcp_options.bytes, f->tcp_options.size);
	for (unsigned i = f->tcp_options.size; i % 4 != 0; i++)
		put_u8(w, 0);
	if (f->sacks > 0)
		put_be32(w, 0x01010500u | (2 + 8 * f->sacks));
	for (unsigned i = 0; i < 2 * f->sacks; i++)
		put_be32(w, flow->our_isn + f->value[FIELD_SACK + i]);
}

static uint8_t payload_byte(const struct frame *f, uint32_t i)
{
	uint32_t first = f->value[FIELD_SEQ] + ((f->flags & SYN) != 0);

	return frame_has(f, FIELD_FILL) ? (uint8_t)f->value[FIELD_FILL]
					: (uint8_t)((first + i) % 251);
}

static void tcp_write(struct put *w, const struct frame *f, const struct flow *flow)
{
	uint8_t *start = w->p;
	uint32_t len = f->value[FIELD_END] - f->value[FIELD_SEQ];

	put_be16(w, flow->peer_port);
	put_be16(w, flow->our_port);
	put_be32(w, flow->peer_isn + f->value[FIELD_SEQ]);
	put_be32(w, f->flags & ACK ? flow->our_isn + f->value[FIELD_ACK] : 0);
	put_be16(w, f->flags);
	put_be16(w, (uint16_t)(frame_has(f, FIELD_WINDOW) ? f->value[FIELD_WINDOW] : 60000));
	put_be16(w, 0);
	put_be16(w, (uint16_t)(frame_has(f, FIELD_URGENT) ? f->value[FIELD_URGENT] : 0));
	tcp_options_write(w, f, flow);
	start[12] = (uint8_t)((w->p - start) / 4 << 4);
	if (frame_has(f, FIELD_OFFSET))
		start[12] = (uint8_t)(f->value[FIELD_OFFSET] << 4);
	for (uint32_t i = 0; i < len; i++)
		put_u8(w, payload_byte(f, i));
}

/* The segment of ours that an ICMP error quotes, one of 1,500 bytes: what every router must give,
 * 8 bytes of it. */
static void quote_write(struct put *w, const struct frame *f, const struct flow *flow,
			const struct hosts *hosts)
{
	struct frame quoted = {0};
	struct hosts turned = *hosts;

	turned.address[WHO_US] = hosts->address[WHO_PEER];
	turned.address[WHO_PEER] = hosts->address[WHO_US];
	ip_write(w, &quoted, &turned, 6, 1500u - (hosts->address[WHO_US].ip6 ? 40 : 20));
	put_be16(w, flow->our_port);
	put_be16(w, flow->peer_port);
	put_be32(w, flow->our_isn + f->value[FIELD_SEQ]);
}

static void icmp_write(struct put *w, const struct frame *f, const struct flow *flow,
		       const struct hosts *hosts)
{
	const struct icmp_name *name = &frame_icmp_names[f->icmp];
	bool                    ip6 = hosts->address[WHO_US].ip6;

	put_u8(w, ip6 ? name->type6 : name->type);
	put_u8(w, ip6 ? name->code6 : name->code);
	put_be16(w, 0);
	if (frame_has(f, FIELD_LENGTH)) {
		put_be32(w, 0x00010001);
		for (uint32_t i = 0; i < f->value[FIELD_LENGTH]; i++)
			put_u8(w, (uint8_t)i);
		return;
	}
	put_be32(w, frame_has(f, FIELD_MTU) ? f->value[FIELD_MTU] : 0);
	quote_write(w, f, flow, hosts);
}

static void udp_write(struct put *w, const struct frame *f)
{
	put_be16(w, f->ports[0]);
	put_be16(w, f->ports[1]);
	put_be16(w, (uint16_t)(8 + f->value[FIELD_LENGTH]));
	put_be16(w, 0);
	for (uint32_t i = 0; i < f->value[FIELD_LENGTH]; i++)
		put_u8(w, (uint8_t)i);
}

static void arp_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	static const uint8_t none[6];

	put_be32(w, 0x00010800);
	put_be16(w, 0x0604);
	put_be16(w, f->operation);
	put_bytes(w, hosts->mac[f->sender == WHO_US ? WHO_OTHER : f->sender], 6);
	put_bytes(w, hosts->address[f->sender].w, 4);
	put_bytes(w, f->operation == 1 ? none : hosts->mac[f->target], 6);
	put_bytes(w, hosts->address[f->target].w, 4);
}

/*
 * Neighbour discovery in the words of ARP: a request is a solicitation, a reply the advertisement
 * that answers it, and a request of one for himself the advertisement that nobody asked for.
 */
static void ndp_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	const uint8_t  *mac = hosts->mac[f->sender == WHO_US ? WHO_OTHER : f->sender];
	const uint8_t  *last = (const uint8_t *)hosts->address[f->target].w + 13;
	bool            asks = f->operation == 1 && f->sender != f->target;
	struct net_addr to = hosts->address[f->target];
	uint8_t         bytes[32];
	struct put      body = put_to(bytes, sizeof(bytes));

	if (f->operation == 1)
		memcpy(to.w,
		       asks ? "\xff\2\0\0\0\0\0\0\0\0\0\1\xff"
			    : "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1",
		       asks ? 13 : 16);
	put_u8(&body, asks ? 135 : 136);
	put_u8(&body, 0);
	put_be16(&body, 0);
	put_be32(&body, asks ? 0 : f->operation == 1 ? 0x20000000 : 0x60000000);
	put_bytes(&body, hosts->address[asks ? f->target : f->sender].w, 16);
	put_be16(&body, asks ? 0x0101 : 0x0201);
	put_bytes(&body, mac, 6);
	patch(bytes + 2, checksum(&hosts->address[f->sender], &to, 58, bytes, sizeof(bytes)),
	      false);
	put_bytes(w,
		  f->operation == 2 ? (const char *)hosts->mac[WHO_US]
		  : asks            ? "\x33\x33\xff"
				    : "\x33\x33\0\0\0\1",
		  f->operation == 2 || !asks ? 6 : 3);
	if (asks)
		put_bytes(w, last, 3);
	put_bytes(w, mac, 6);
	put_be16(w, TYPE_IP6);
	put_be32(w, 6u << 28);
	put_be16(w, sizeof(bytes));
	put_be16(w, 58 << 8 | 255);
	put_bytes(w, hosts->address[f->sender].w, 16);
	put_bytes(w, to.w, 16);
	put_bytes(w, bytes, sizeof(bytes));
}

/* The upper layer's bytes, its checksum filled in. Returns the protocol number. */
static uint8_t upper_write(struct put *w, const struct frame *f, const struct flow *flow,
			   const struct hosts *hosts)
{
	const struct net_addr *from = &hosts->address[source_of(f)];
	const struct net_addr *to = &hosts->address[destination_of(f)];
	uint8_t               *start = w->p;
	bool                   spoil = (f->words & WORD_BAD_CHECKSUM) != 0;

	switch (f->kind) {
	case FRAME_TCP:
		tcp_write(w, f, flow);
		patch(start + 16, checksum(from, to, 6, start, (size_t)(w->p - start)), spoil);
		return 6;
	case FRAME_UDP:
		udp_write(w, f);
		patch(start + 6, checksum(from, to, 17, start, (size_t)(w->p - start)), spoil);
		return 17;
	case FRAME_ICMP:
		icmp_write(w, f, flow, hosts);
		patch(start + 2,
		      from->ip6 ? checksum(from, to, 58, start, (size_t)(w->p - start))
				: (uint16_t)~rte_raw_cksum(start, (size_t)(w->p - start)),
		      spoil);
		return from->ip6 ? 58 : 1;
	case FRAME_IP:
		put_bytes(w, f->payload.bytes, f->payload.size);
		return f->protocol;
	case FRAME_ARP:
		break;
	}
	return 0;
}

static size_t extensions_size(const struct frame *f)
{
	size_t size = 0;

	for (unsigned i = 0; i < f->extensions; i++)
		size += 1u + f->extension[i].body.size;
	return size;
}

static void extensions_write(struct put *w, const struct frame *f, uint8_t protocol)
{
	for (unsigned i = 0; i < f->extensions; i++) {
		put_u8(w, i + 1 < f->extensions ? f->extension[i + 1].type : protocol);
		put_bytes(w, f->extension[i].body.bytes, f->extension[i].body.size);
	}
}

size_t frame_write(const struct frame *f, const struct flow *flow, const struct hosts *hosts,
		   uint8_t *bytes)
{
	static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t              upper_bytes[FRAME_SIZE_MAX];
	struct put w = put_to(bytes, FRAME_SIZE_MAX), upper = put_to(upper_bytes, FRAME_SIZE_MAX);
	uint8_t    protocol;
	size_t     size;

	if (f->kind == FRAME_ARP && hosts->address[WHO_US].ip6) {
		ndp_write(&w, f, hosts);
	} else if (f->kind == FRAME_ARP) {
		put_bytes(&w, f->operation == 1 ? everyone : hosts->mac[WHO_US], 6);
		put_bytes(&w, hosts->mac[f->sender == WHO_US ? WHO_OTHER : f->sender], 6);
		put_be16(&w, TYPE_ARP);
		arp_write(&w, f, hosts);
	} else {
		protocol = upper_write(&upper, f, flow, hosts);
		put_bytes(&w, f->words & WORD_BROADCAST ? everyone : hosts->mac[WHO_US], 6);
		put_bytes(&w, hosts->mac[source_of(f) == WHO_OTHER ? WHO_OTHER : WHO_PEER], 6);
		put_be16(&w, hosts->address[WHO_US].ip6 ? TYPE_IP6 : TYPE_IP4);
		ip_write(&w, f, hosts, f->extensions > 0 ? f->extension[0].type : protocol,
			 put_size(&upper) + extensions_size(f));
		extensions_write(&w, f, protocol);
		put_bytes(&w, upper_bytes, put_size(&upper));
	}
	for (uint32_t i = 0; frame_has(f, FIELD_PAD) && i < f->value[FIELD_PAD]; i++)
		put_u8(&w, 0xee);
	size = put_size(&w);
	if (frame_has(f, FIELD_CUT))
		size -= f->value[FIELD_CUT] < size ? f->value[FIELD_CUT] : size;
	return size;
}

/* Reading. */

static void tcp_option_read(struct frame *f, const struct flow *flow, uint8_t kind, struct cur body)
{
	switch (kind) {
	case 2:
		frame_set(f, FIELD_MSS, cur_be16(&body));
		break;
	case 3:
		frame_set(f, FIELD_SCALE, cur_u8(&body));
		break;
	case 4:
		f->words |= WORD_SACK_PERMITTED;
		break;
	case 5:
		for (f->sacks = 0; f->sacks < 4 && cur_left(&body) >= 8; f->sacks++) {
			frame_set(f, FIELD_SACK + 2 * f->sacks, cur_be32(&body) - flow->peer_isn);
			frame_set(f, FIELD_SACK + 2 * f->sacks + 1,
				  cur_be32(&body) - flow->peer_isn);
		}
		break;
	case 8:
		frame_set(f, FIELD_TS, cur_be32(&body));
		frame_set(f, FIELD_ECHO, cur_be32(&body));
		break;
	}
}

static const char *tcp_options_read(struct frame *f, const struct flow *flow, struct cur c)
{
	while (cur_left(&c) > 0) {
		uint8_t kind = cur_u8(&c), size;

		if (kind == 0)
			break;
		if (kind == 1)
			continue;
		size = cur_u8(&c);
		if (c.failed || size < 2)
			return "an option whose length is wrong";
		tcp_option_read(f, flow, kind, cur_sub(&c, size - 2u));
	}
	return c.failed ? "options that do not fit their header" : NULL;
}

static const char *payload_check(const struct frame *f, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != payload_byte(f, (uint32_t)i))
			return "payload that is not what the application wrote there";
	}
	return NULL;
}

struct reading {
	const struct hosts *hosts;
	struct flow *(*find)(void *context, uint16_t peer_port, uint16_t our_port);
	void *context;
};

static const char *tcp_read(struct frame *f, const struct reading *r, struct cur c)
{
	struct cur   whole = c;
	uint16_t     our_port = cur_be16(&c), peer_port = cur_be16(&c);
	uint32_t     seq = cur_be32(&c), ack = cur_be32(&c);
	uint16_t     offset_flags = cur_be16(&c), window = cur_be16(&c), urgent;
	size_t       header = (offset_flags >> 12) * 4u;
	struct flow *flow;
	const char  *why;

	cur_be16(&c);
	urgent = cur_be16(&c);
	if (c.failed || header < 20 || header > cur_left(&whole))
		return "a TCP header that does not fit";
	f->kind = FRAME_TCP;
	f->flags = (uint8_t)offset_flags;
	flow = r->find(r->context, peer_port, our_port);
	if (flow == NULL)
		return "ports that belong to no flow of this script";
	if (f->flags & SYN && !flow->our_isn_known) {
		flow->our_isn = seq;
		flow->our_isn_known = true;
	}
	frame_set(f, FIELD_SEQ, seq - flow->our_isn);
	frame_set(f, FIELD_END, seq - flow->our_isn + (uint32_t)(cur_left(&whole) - header));
	if (f->flags & ACK)
		frame_set(f, FIELD_ACK, ack - flow->peer_isn);
	frame_set(f, FIELD_WINDOW, window);
	if (urgent != 0)
		frame_set(f, FIELD_URGENT, urgent);
	why = tcp_options_read(f, flow, cur_sub(&c, header - 20));
	if (why != NULL)
		return why;
	if (frame_has(f, FIELD_ECHO))
		f->value[FIELD_ECHO] -= flow->peer_ts_base;
	return payload_check(f, c.p, cur_left(&c));
}

static uint8_t who_has(const struct hosts *hosts, const uint8_t *address)
{
	uint8_t i = 0;

	while (i < WHO_NOBODY && memcmp(hosts->address[i].w, address, address_size(hosts)) != 0)
		i++;
	return i;
}

/* A solicitation or advertisement; ip is the packet's header. */
static void ndp_read(struct frame *f, const struct hosts *hosts, const uint8_t *ip)
{
	const uint8_t *target = ip + 48;

	f->kind = FRAME_ARP;
	f->operation = ip[40] == 135 || ip[24] == 0xff ? 1 : 2;
	f->sender = who_has(hosts, ip[40] == 135 ? ip + 8 : target);
	f->target = who_has(hosts, f->operation == 2 ? ip + 24 : target);
}

static const char *icmp_read(struct frame *f, bool ip6, struct cur c)
{
	uint8_t  type = cur_u8(&c), code = cur_u8(&c);
	unsigned i = 0;

	f->kind = FRAME_ICMP;
	for (; frame_icmp_names[i].name != NULL; i++) {
		const struct icmp_name *n = &frame_icmp_names[i];

		if ((ip6 ? n->type6 : n->type) == type && (ip6 ? n->code6 : n->code) == code)
			break;
	}
	f->icmp = (uint8_t)i;
	if (frame_icmp_names[i].name == NULL)
		return "an ICMP message that scripts have no name for";
	cur_be16(&c);
	if (type == 2 && ip6)
		frame_set(f, FIELD_MTU, cur_be32(&c));
	else
		cur_be32(&c);
	if (type == (ip6 ? 129 : 0))
		frame_set(f, FIELD_LENGTH, (uint32_t)cur_left(&c));
	return NULL;
}

static const char *tcp_checksum_check(const struct rte_mbuf *m, const struct reading *r,
				      const uint8_t *ip, struct cur upper, bool offloaded)
{
	const struct net_addr *us = &r->hosts->address[WHO_US],
			      *peer = &r->hosts->address[WHO_PEER];
	uint16_t stored, wanted;

	memcpy(&stored, upper.p + 16, 2);
	if (!offloaded)
		return checksum(us, peer, 6, upper.p, cur_left(&upper)) == 0
			       ? NULL
			       : "a wrong TCP checksum";
	wanted = us->ip6 ? rte_ipv6_phdr_cksum((const void *)ip, m->ol_flags)
			 : rte_ipv4_phdr_cksum((const void *)ip, m->ol_flags);
	if (!(m->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM) || stored != wanted)
		return "a checksum that the port cannot complete";
	return NULL;
}

static const char *ip_header_check(const struct rte_mbuf *m, const uint8_t *ip, bool offloaded,
				   bool tcp)
{
	if (ip[0] >> 4 == 6)
		return NULL;
	if (offloaded && tcp && m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM)
		return ip[10] == 0 && ip[11] == 0 ? NULL : "an IP checksum where the port puts one";
	return rte_raw_cksum(ip, 20) == 0xffff ? NULL : "a wrong IP checksum";
}

static const char *ip_read(const struct rte_mbuf *m, const struct reading *r, struct cur c,
			   bool offloaded, struct frame *f)
{
	bool           ip6 = r->hosts->address[WHO_US].ip6;
	const uint8_t *ip = c.p;
	size_t         header = ip6 ? 40 : 20, total;
	uint8_t        protocol;
	const char    *why;

	if (cur_left(&c) < header + 8)
		return "an IP packet that is cut";
	total = ip6 ? 40u + (size_t)(ip[4] << 8 | ip[5]) : (size_t)(ip[2] << 8 | ip[3]);
	protocol = ip6 ? ip[6] : ip[9];
	if (total != cur_left(&c))
		return "an IP length that is not the frame's";
	if (memcmp(ip + (ip6 ? 8 : 12), r->hosts->address[WHO_US].w, address_size(r->hosts)) != 0)
		return "a source address that is not ours";
	why = ip_header_check(m, ip, offloaded, protocol == 6);
	if (why != NULL)
		return why;
	cur_bytes(&c, header);
	if (protocol == 6) {
		why = cur_left(&c) < 20 ? "a TCP header that is cut"
					: tcp_checksum_check(m, r, ip, c, offloaded);
		return why != NULL ? why : tcp_read(f, r, c);
	}
	if (protocol == 58 && cur_left(&c) >= 24 && (c.p[0] == 135 || c.p[0] == 136)) {
		ndp_read(f, r->hosts, ip);
		return NULL;
	}
	if (protocol == 1 || protocol == 58)
		return icmp_read(f, ip6, c);
	f->kind = FRAME_IP;
	f->protocol = protocol;
	return NULL;
}

static const char *arp_read(const struct hosts *hosts, struct cur c, struct frame *f)
{
	const uint8_t *bytes = cur_bytes(&c, 28);

	if (bytes == NULL)
		return "an ARP packet that is cut";
	f->kind = FRAME_ARP;
	f->operation = bytes[7];
	f->sender = who_has(hosts, bytes + 14);
	f->target = who_has(hosts, bytes + 24);
	return NULL;
}

const char *frame_read(const struct rte_mbuf *m, const struct hosts *hosts,
		       struct flow *(*find)(void *context, uint16_t peer_port, uint16_t our_port),
		       void *context, bool checksums_offloaded, struct frame *f)
{
	struct reading r = {hosts, find, context};
	struct cur     c = cur_of(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	uint16_t       type;

	memset(f, 0, sizeof(*f));
	if (m->nb_segs != 1 || m->pkt_len != m->data_len)
		return "more than one mbuf, which this port does not take";
	cur_bytes(&c, 12);
	type = cur_be16(&c);
	if (type == TYPE_ARP)
		return arp_read(hosts, c, f);
	if (type != (hosts->address[WHO_US].ip6 ? TYPE_IP6 : TYPE_IP4))
		return "an Ethernet type of another family";
	return ip_read(m, &r, c, checksums_offloaded, f);
}

/* Printing. */

struct text {
	char  *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...)
{
	va_list list;
	int     n;

	va_start(list, format);
	n = vsnprintf(t->at, t->left, format, list);
	va_end(list);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left > 0 ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

static void tcp_print(struct text *t, const struct frame *f)
{
	static const char letters[] = "FSRPAUEC";

	for (unsigned i = 0; i < 8; i++) {
		if (f->flags & 1u << i)
			say(t, "%c", letters[i]);
	}
	say(t, f->flags == 0 ? "- %d" : " %d", (int32_t)f->value[FIELD_SEQ]);
	if (f->value[FIELD_END] != f->value[FIELD_SEQ])
		say(t, ":%d", (int32_t)f->value[FIELD_END]);
}

void frame_print(const struct frame *f, char *text, size_t size)
{
	static const char *const who[] = {"us", "peer", "other", "nobody"};
	struct text              t = {text, size};

	switch (f->kind) {
	case FRAME_TCP:
		tcp_print(&t, f);
		break;
	case FRAME_ICMP:
		say(&t, "icmp %s", frame_icmp_names[f->icmp].name);
		break;
	case FRAME_UDP:
		say(&t, "udp %u %u", f->ports[0], f->ports[1]);
		break;
	case FRAME_ARP:
		say(&t, "arp %s %s %s", f->operation == 1 ? "request" : "reply", who[f->sender],
		    who[f->target]);
		break;
	case FRAME_IP:
		say(&t, "ip %u", f->protocol);
		break;
	}
	for (unsigned field = 0; field < FIELD_COUNT; field++) {
		if (frame_field_name[field] != NULL && frame_has(f, field))
			say(&t, " %s %d", frame_field_name[field], (int32_t)f->value[field]);
	}
	if (f->words & WORD_SACK_PERMITTED)
		say(&t, " sackok");
	for (unsigned i = 0; i < f->sacks; i++)
		say(&t, "%s%d:%d", i == 0 ? " sack " : ",", (int32_t)f->value[FIELD_SACK + 2 * i],
		    (int32_t)f->value[FIELD_SACK + 2 * i + 1]);
}
