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
	[FIELD_ACK] = "ack",
	[FIELD_WINDOW] = "win",
	[FIELD_MSS] = "mss",
	[FIELD_SCALE] = "scale",
	[FIELD_TS] = "ts",
	[FIELD_ECHO] = "ecr",
	[FIELD_URGENT] = "urg",
	[FIELD_MTU] = "mtu",
	[FIELD_LENGTH] = "len",
	[FIELD_FILL] = "fill",
	[FIELD_CUT] = "cut",
	[FIELD_PAD] = "pad",
	[FIELD_OFFSET] = "doff",
	[FIELD_HOP] = "hop",
	[FIELD_ID] = "id",
	[FIELD_VLAN] = "vlan",
	[FIELD_LIFETIME] = "lifetime",
	[FIELD_REACHABLE] = "reachable",
	[FIELD_RETRANS] = "retrans",
	[FIELD_PREFIX] = "prefix",
	[FIELD_HOP_ADVISED] = "curhop",
	[FIELD_DELAY] = "delay",
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
	{"incomplete-headers", 0, 0, 4, 3},
	{NULL, 0, 0, 0, 0},
};

static enum who source_of(const struct frame *f)
{
	return f->words & WORD_FROM_US ? WHO_US : f->words & WORD_FROM_OTHER ? WHO_OTHER : WHO_PEER;
}

static enum who destination_of(const struct frame *f)
{
	return f->words & WORD_TO_OTHER ? WHO_NOBODY : WHO_US;
}

/* The sum over pseudo header and payload, to be stored as it is. */
uint16_t frame_checksum(const struct net_addr *from, const struct net_addr *to, uint8_t protocol,
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

static uint8_t hop_of(const struct frame *f)
{
	return frame_has(f, FIELD_HOP) ? (uint8_t)f->value[FIELD_HOP] : 64;
}

static void ip_write(struct put *w, const struct frame *f, const struct hosts *hosts,
		     uint8_t protocol, size_t payload, bool more)
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
		put_u8(w, hop_of(f));
		put_bytes(w, from->w, 16);
		put_bytes(w, to->w, 16);
		return;
	}
	put_u8(w, (uint8_t)(0x40 | (20 + options) / 4));
	put_u8(w, traffic);
	put_be16(w, (uint16_t)(20 + options + payload));
	put_be16(w, (uint16_t)f->value[FIELD_ID]);
	put_be16(w, (uint16_t)(f->value[FIELD_PART] / 8 | (more ? 0x2000 : 0)));
	put_u8(w, hop_of(f));
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

static uint8_t upper_write(struct put *w, const struct frame *f, const struct flow *flow,
			   const struct hosts *hosts);

/* What of ours an ICMP error quotes, a datagram or a segment of 1,500 bytes: what every router must
 * give, 8 bytes of it. */
static void quote_write(struct put *w, const struct frame *f, const struct flow *flow,
			const struct hosts *hosts)
{
	struct frame quoted = {.kind = FRAME_UDP, .named = f->named};
	struct hosts turned = *hosts;

	turned.address[WHO_US] = hosts->address[WHO_PEER];
	turned.address[WHO_PEER] = hosts->address[WHO_US];
	if (f->ports[0] != 0) {
		uint8_t    bytes[FRAME_SIZE_MAX];
		struct put datagram = put_to(bytes, sizeof(bytes));

		memcpy(quoted.ports, f->ports, sizeof(quoted.ports));
		quoted.value[FIELD_LENGTH] = f->value[FIELD_LENGTH];
		upper_write(&datagram, &quoted, flow, &turned);
		quoted.named = 0;
		ip_write(w, &quoted, &turned, 17, put_size(&datagram), false);
		put_bytes(w, bytes, 8);
		return;
	}
	quoted.named = 0;
	ip_write(w, &quoted, &turned, 6, 1500u - (hosts->address[WHO_US].ip6 ? 40 : 20), false);
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
	if (frame_has(f, FIELD_LENGTH) && f->ports[0] == 0) {
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
		put_u8(w, frame_has(f, FIELD_FILL) ? (uint8_t)f->value[FIELD_FILL] : (uint8_t)i);
}

static uint16_t udp_checksum(const struct frame *f, uint16_t sum)
{
	return f->words & WORD_NO_CHECKSUM ? 0 : sum != 0 ? sum : 0xffff;
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
		patch(start + 16, frame_checksum(from, to, 6, start, (size_t)(w->p - start)),
		      spoil);
		return 6;
	case FRAME_UDP:
		udp_write(w, f);
		patch(start + 6,
		      udp_checksum(f, frame_checksum(from, to, 17, start, (size_t)(w->p - start))),
		      spoil);
		return 17;
	case FRAME_ICMP:
		icmp_write(w, f, flow, hosts);
		patch(start + 2,
		      from->ip6 ? frame_checksum(from, to, 58, start, (size_t)(w->p - start))
				: (uint16_t)~rte_raw_cksum(start, (size_t)(w->p - start)),
		      spoil);
		return from->ip6 ? 58 : 1;
	case FRAME_IP:
		put_bytes(w, f->payload.bytes, f->payload.size);
		return f->protocol;
	case FRAME_ARP:
	case FRAME_ROUTER:
	case FRAME_MLD:
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

/* The packet, or that fragment of it which the frame names. */
static void packet_write(struct put *w, const struct frame *f, const struct flow *flow,
			 const struct hosts *hosts)
{
	static uint8_t bytes[FRAME_UPPER_MAX];
	struct put     upper = put_to(bytes, sizeof(bytes));
	uint8_t        protocol = upper_write(&upper, f, flow, hosts);
	uint32_t       from = f->value[FIELD_PART], to = (uint32_t)put_size(&upper);
	bool           more = (f->words & WORD_MORE) != 0;
	struct frame   with = *f;

	if (frame_has(f, FIELD_PART) && f->value[FIELD_PART_END] < to) {
		to = f->value[FIELD_PART_END];
		more = true;
	}
	if (frame_has(f, FIELD_PART) && hosts->address[WHO_US].ip6) {
		struct frame_ext *last = &with.extension[with.extensions++];
		struct put        body = put_to(last->body.bytes, FRAME_HEX_MAX);

		last->type = 44;
		put_u8(&body, 0);
		put_be16(&body, (uint16_t)((from & 0xfff8) | more));
		put_be32(&body, f->value[FIELD_ID]);
		last->body.size = (uint8_t)put_size(&body);
	}
	ip_write(w, f, hosts, with.extensions > 0 ? with.extension[0].type : protocol,
		 to - from + extensions_size(&with), more);
	extensions_write(w, &with, protocol);
	put_bytes(w, bytes + from, to - from);
}

size_t frame_write(const struct frame *f, const struct flow *flow, const struct hosts *hosts,
		   uint8_t *bytes)
{
	static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct put           w = put_to(bytes, FRAME_SIZE_MAX);
	size_t               size;

	if (frame_is_of_link(f)) {
		frame_link_write(&w, f, hosts);
	} else {
		put_bytes(&w, f->words & WORD_BROADCAST ? everyone : hosts->mac[WHO_US], 6);
		put_bytes(&w, hosts->mac[source_of(f) == WHO_OTHER ? WHO_OTHER : WHO_PEER], 6);
		put_be16(&w, hosts->address[WHO_US].ip6 ? TYPE_IP6 : TYPE_IP4);
		packet_write(&w, f, flow, hosts);
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

static const char *udp_read(struct frame *f, const struct hosts *hosts, struct cur c)
{
	struct cur whole = c;

	f->kind = FRAME_UDP;
	f->ports[0] = cur_be16(&c);
	f->ports[1] = cur_be16(&c);
	if (cur_be16(&c) != cur_left(&whole))
		return "a UDP length that is not the packet's";
	if (cur_be16(&c) == 0)
		return "a datagram without checksum";
	if (frame_checksum(&hosts->address[WHO_US], &hosts->address[WHO_PEER], 17, whole.p,
			   cur_left(&whole)) != 0)
		return "a wrong UDP checksum";
	frame_set(f, FIELD_LENGTH, (uint32_t)cur_left(&c));
	for (uint32_t i = 0; i < f->value[FIELD_LENGTH]; i++) {
		if (cur_u8(&c) != (uint8_t)i)
			return "payload that is not what the application wrote there";
	}
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
		return frame_checksum(us, peer, 6, upper.p, cur_left(&upper)) == 0
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

/* A part of a packet of ours; c begins at what follows its header. */
static bool fragment_read(const uint8_t *ip, struct cur *c, uint8_t *protocol, struct frame *f)
{
	bool     ip6 = ip[0] >> 4 == 6;
	uint32_t where = ip6 ? 0 : (uint32_t)(ip[6] << 8 | ip[7]);

	if (ip6 && *protocol == 44) {
		*protocol = cur_u8(c);
		cur_u8(c);
		where = cur_be16(c);
		cur_be32(c);
		frame_set(f, FIELD_PART, where & 0xfff8);
	} else if (!ip6 && (where & 0x3fff) != 0) {
		frame_set(f, FIELD_PART, (where & 0x1fff) * 8);
	} else {
		return false;
	}
	frame_set(f, FIELD_PART_END, f->value[FIELD_PART] + (uint32_t)cur_left(c));
	if (where & (ip6 ? 1 : 0x2000))
		f->words |= WORD_MORE;
	return true;
}

static const char *ip_read(const struct rte_mbuf *m, const struct reading *r, struct cur c,
			   bool offloaded, struct frame *f)
{
	bool           ip6 = r->hosts->address[WHO_US].ip6;
	const uint8_t *ip = c.p;
	size_t         header = ip6 ? 40 : 20, total;
	uint8_t        protocol, source;
	const char    *why;

	if (cur_left(&c) < header + 8)
		return "an IP packet that is cut";
	total = ip6 ? 40u + (size_t)(ip[4] << 8 | ip[5]) : (size_t)(ip[2] << 8 | ip[3]);
	protocol = ip6 ? ip[6] : ip[9];
	if (total != cur_left(&c))
		return "an IP length that is not the frame's";
	if (ip6 && ip[6] == 0) { /* the header for each hop that MLD has */
		cur_bytes(&c, header);
		return frame_link_read(r->hosts, ip, cur_sub(&c, cur_left(&c)), f)
			       ? NULL
			       : "options for each hop where none belong";
	}
	frame_set(f, FIELD_HOP, ip[ip6 ? 7 : 8]);
	source = frame_who(r->hosts, ip + (ip6 ? 8 : 12));
	if (source != WHO_US && (!ip6 || (source != WHO_LINK && source != WHO_NONE)))
		return "a source address that is not ours";
	why = ip_header_check(m, ip, offloaded, protocol == 6);
	if (why != NULL)
		return why;
	cur_bytes(&c, header);
	if (fragment_read(ip, &c, &protocol, f)) {
		f->kind = FRAME_IP;
		f->protocol = protocol;
		return NULL;
	}
	if (protocol == 6) {
		why = cur_left(&c) < 20 ? "a TCP header that is cut"
					: tcp_checksum_check(m, r, ip, c, offloaded);
		return why != NULL ? why : tcp_read(f, r, c);
	}
	if (protocol == 58 && frame_link_read(r->hosts, ip, c, f))
		return NULL;
	if (protocol == 1 || protocol == 58)
		return icmp_read(f, ip6, c);
	if (protocol == 17)
		return udp_read(f, r->hosts, c);
	f->kind = FRAME_IP;
	f->protocol = protocol;
	return NULL;
}

static void via_note(struct frame *f, const struct hosts *hosts, const uint8_t mac[6])
{
	for (uint32_t i = 0; i < WHO_COUNT; i++) {
		if (memcmp(hosts->mac[i], mac, 6) == 0)
			frame_set(f, FIELD_VIA, i);
	}
}

const char *frame_read(const struct rte_mbuf *m, const struct hosts *hosts,
		       struct flow *(*find)(void *context, uint16_t peer_port, uint16_t our_port),
		       void *context, bool checksums_offloaded, struct frame *f)
{
	struct reading r = {hosts, find, context};
	struct cur     c = cur_of(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	const uint8_t *mac;
	uint16_t       type;

	memset(f, 0, sizeof(*f));
	if (m->nb_segs != 1 || m->pkt_len != m->data_len)
		return "more than one mbuf, which this port does not take";
	mac = cur_bytes(&c, 6);
	cur_bytes(&c, 6);
	type = cur_be16(&c);
	if (c.failed)
		return "a frame that is cut";
	via_note(f, hosts, mac);
	if (type == TYPE_ARP)
		return frame_arp_read(hosts, c, f);
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

/* Is it another than everybody's? */
static bool hop_tells(const struct frame *f)
{
	return f->value[FIELD_HOP] != 64 && f->value[FIELD_HOP] != 255;
}

void frame_print(const struct frame *f, char *text, size_t size)
{
	const char *const *who = frame_who_names;
	struct text        t = {text, size};

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
	case FRAME_ROUTER:
		say(&t, "router %s", frame_router_names[f->operation]);
		break;
	case FRAME_MLD:
		say(&t, "mld %s", frame_mld_names[f->operation]);
		break;
	}
	if (frame_has(f, FIELD_PART))
		say(&t, " part %u:%u", f->value[FIELD_PART], f->value[FIELD_PART_END]);
	for (unsigned field = 0; field < FIELD_COUNT; field++) {
		if (frame_field_name[field] != NULL && frame_has(f, field) &&
		    (field != FIELD_HOP || hop_tells(f)))
			say(&t, " %s %d", frame_field_name[field], (int32_t)f->value[field]);
	}
	if (f->words & WORD_SACK_PERMITTED)
		say(&t, " sackok");
	if (frame_has(f, FIELD_VIA) && f->value[FIELD_VIA] != WHO_PEER)
		say(&t, " via %s", who[f->value[FIELD_VIA]]);
	for (unsigned i = 0; i < f->sacks; i++)
		say(&t, "%s%d:%d", i == 0 ? " sack " : ",", (int32_t)f->value[FIELD_SACK + 2 * i],
		    (int32_t)f->value[FIELD_SACK + 2 * i + 1]);
}
