/* IPv6 (RFC 8200) as an end of the path: the header and the chain of extension headers are believed
 * field by field, and the work on one packet is bounded (RFC 8504, 5.3). */
#include "net/ip6.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/cur.h"

#define EXTENSIONS_MAX 8u /* headers */
#define TCP_HEADER 20u
#define UDP_HEADER 8u
#define EXTENSIONS_SIZE_MAX 256u /* bytes of all; what comes out still fits an mbuf's l3_len */

enum next_header {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_NONE = 59,
	NEXT_DESTINATION = 60
};

enum option { OPTION_PAD1 = 0, OPTION_PADN = 1, OPTION_ROUTER_ALERT = 5 };
enum option_action { ACTION_SKIP, ACTION_DROP, ACTION_TELL, ACTION_TELL_UNLESS_MANY };
enum parameter_code { CODE_HEADER = 0, CODE_NEXT_HEADER = 1, CODE_OPTION = 2 };

const struct net_addr ip6_unspecified = {.ip6 = true};
const struct net_addr ip6_all_nodes = {.w = {RTE_BE32(0xff020000), 0, 0, RTE_BE32(1)}, .ip6 = true};

struct net_addr ip6_solicited_node(const struct net_addr *a)
{
	return (struct net_addr){.w = {RTE_BE32(0xff020000), 0, RTE_BE32(1),
				       RTE_BE32(0xff000000) | (a->w[3] & RTE_BE32(0x00ffffff))},
				 .ip6 = true};
}

void ip6_group_mac(const struct net_addr *group, uint8_t mac[6])
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, &group->w[3], 4);
}

void ip6_header_write(uint8_t *at, uint32_t flow, uint16_t payload_size, uint8_t protocol,
		      uint8_t hop_limit, const struct net_addr *source,
		      const struct net_addr *destination)
{
	struct rte_ipv6_hdr header = {
		.vtc_flow = rte_cpu_to_be_32(6u << 28 | (flow & 0xfffff)),
		.payload_len = rte_cpu_to_be_16(payload_size),
		.proto = protocol,
		.hop_limits = hop_limit,
	};

	memcpy(header.src_addr, source->w, 16);
	memcpy(header.dst_addr, destination->w, 16);
	memcpy(at, &header, sizeof(header));
}

/* What is wrong with a packet, and what its sender is told about it. */
struct fault {
	enum metric why; /* METRIC_COUNT: nothing */
	bool        told, told_to_many;
	uint8_t     code; /* enum parameter_code */
	uint32_t    at;
};

static bool fault_is(struct fault *f, enum metric why)
{
	f->why = why;
	return false;
}

static bool fault_told(struct fault *f, uint8_t code, size_t at, bool to_many)
{
	*f = (struct fault){.why = METRIC_ip_dropped_options,
			    .told = true,
			    .told_to_many = to_many,
			    .code = code,
			    .at = (uint32_t)at};
	return false;
}

/* A host on some network sent it; unspecified only who has no address yet (ICMPv6 looks at that).
 */
static bool source_passes(const struct net_addr *a)
{
	uint32_t last = rte_be_to_cpu_32(a->w[3]);

	if (ip6_is_multicast(a))
		return false;
	if ((a->w[0] | a->w[1]) != 0)
		return true;
	/* ::1, IPv4-mapped and IPv4-compatible addresses are on no wire (RFC 4291, 2.5) */
	return a->w[2] == 0 ? last == 0 : a->w[2] != RTE_BE32(0xffff);
}

/* Groups that every node is in: all nodes, and the solicited-node groups of its addresses. */
static bool group_is_ours(const struct net *net, const struct net_addr *group, unsigned port)
{
	if (net_addr_same(group, &ip6_all_nodes))
		return true;
	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];
		struct net_addr         own = ip6_solicited_node(&local->address);

		if (local->address.ip6 && local->port == port && net_addr_same(group, &own))
			return true;
	}
	return false;
}

static bool destination_passes(const struct net *net, struct net_packet *p)
{
	const struct net_local *local;

	if (ip6_is_multicast(&p->destination)) {
		p->link_many = true;
		return group_is_ours(net, &p->destination, p->port);
	}
	local = net_local_find(net, &p->destination);
	return local != NULL && (local->port == p->port || !ip6_is_link_local(&p->destination));
}

/* RFC 8200, 4.2: the two high bits of a type that is not known say what becomes of the packet. */
static bool options_pass(struct cur options, const uint8_t *start, struct fault *f)
{
	while (cur_left(&options) > 0) {
		size_t  at = (size_t)(options.p - start);
		uint8_t type = cur_u8(&options), size;

		if (type == OPTION_PAD1)
			continue;
		size = cur_u8(&options);
		cur_bytes(&options, size);
		if (options.failed)
			return fault_is(f, METRIC_ip_dropped_options);
		if (type == OPTION_PADN || type == OPTION_ROUTER_ALERT)
			continue;
		switch ((enum option_action)(type >> 6)) {
		case ACTION_SKIP:
			continue;
		case ACTION_DROP:
			return fault_is(f, METRIC_ip_dropped_options);
		case ACTION_TELL:
			return fault_told(f, CODE_OPTION, at, true);
		case ACTION_TELL_UNLESS_MANY:
			return fault_told(f, CODE_OPTION, at, false);
		}
	}
	return true;
}

/* One extension header, whose type stands at p->next_header_at; p->protocol becomes that of what
 * follows. */
static bool extension_pass(struct net_packet *p, struct cur *in, const uint8_t *start,
			   struct fault *f)
{
	size_t     at = (size_t)(in->p - start);
	uint8_t    type = p->protocol;
	struct cur body;
	size_t     size;

	p->protocol = cur_u8(in);
	size = cur_u8(in);
	body = cur_sub(in, type == NEXT_FRAGMENT ? 6 : size * 8 + 6);
	if (in->failed)
		return fault_is(f, METRIC_ip_dropped_options);
	p->next_header_at = (uint16_t)at;
	if (type == NEXT_FRAGMENT) {
		/* RFC 6946: one that is the whole packet waits for no other */
		uint16_t where = cur_be16(&body);

		p->fragment_header = true;
		p->fragment = (where & 0xfff9) != 0;
		p->fragment_offset = where & 0xfff8;
		p->more_fragments = (where & 1) != 0;
		p->fragment_id = cur_be32(&body);
		return true;
	}
	if (type == NEXT_ROUTING) { /* RFC 8200, 4.4; type 0 as one unknown: RFC 5095, 3 */
		cur_u8(&body);
		if (cur_u8(&body) != 0)
			return fault_told(f, CODE_HEADER, at + 2, false);
		return true;
	}
	return options_pass(body, start, f);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == NEXT_HOP_BY_HOP || protocol == NEXT_ROUTING ||
	       protocol == NEXT_FRAGMENT || protocol == NEXT_DESTINATION;
}

bool ip6_chain_is_whole(const struct net_packet *p)
{
	struct cur in = packet_payload(p);
	uint8_t    protocol = p->protocol;

	for (unsigned i = 0; is_extension(protocol) && i < EXTENSIONS_MAX; i++) {
		uint8_t next = cur_u8(&in), size = cur_u8(&in);

		cur_bytes(&in, protocol == NEXT_FRAGMENT ? 6 : size * 8u + 6);
		protocol = next;
	}
	cur_bytes(&in, protocol == NET_PROTOCOL_TCP     ? TCP_HEADER
		       : protocol == NET_PROTOCOL_UDP   ? UDP_HEADER
		       : protocol == NET_PROTOCOL_ICMP6 ? ICMP6_HEADER
							: 0);
	return !in.failed;
}

static bool extensions_pass(struct net_packet *p, struct cur *in, const uint8_t *start,
			    struct fault *f)
{
	/* what follows the header of a fragment is read when all fragments are here */
	for (unsigned i = 0; is_extension(p->protocol) && !p->fragment; i++) {
		if (p->protocol == NEXT_HOP_BY_HOP && i > 0) /* RFC 8200, 4.1: only the first */
			return fault_told(f, CODE_NEXT_HEADER, p->next_header_at, false);
		if (i == EXTENSIONS_MAX)
			return fault_is(f, METRIC_ip_dropped_options);
		if (!extension_pass(p, in, start, f))
			return false;
		p->header_size = (uint16_t)(in->p - start);
		if (p->header_size > NET_IP6_HEADER + EXTENSIONS_SIZE_MAX)
			return fault_is(f, METRIC_ip_dropped_options);
	}
	if (p->protocol == NEXT_NONE && !p->fragment)
		return fault_is(f, METRIC_ip_dropped_protocol);
	return true;
}

/* The headers; m is cut to the length they say. */
static bool headers_read(struct net *net, struct net_packet *p, struct fault *f)
{
	struct cur     in = cur_of(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, NET_ETHER_HEADER),
				   p->m->data_len - NET_ETHER_HEADER);
	const uint8_t *start = in.p, *addresses;
	uint8_t        version = cur_u8(&in);
	size_t         size, left;

	cur_bytes(&in, 3);
	size = cur_be16(&in);
	p->protocol = cur_u8(&in);
	p->hop_limit = cur_u8(&in);
	addresses = cur_bytes(&in, 32);
	left = cur_left(&in);
	if (in.failed || version >> 4 != 6 || size > left)
		return fault_is(f, METRIC_ip_dropped_header);
	memcpy(p->source.w, addresses, 16);
	memcpy(p->destination.w, addresses + 16, 16);
	p->source.ip6 = p->destination.ip6 = true;
	p->header_size = NET_IP6_HEADER;
	p->next_header_at = 6;
	if (!source_passes(&p->source))
		return fault_is(f, METRIC_ip_dropped_source);
	if (!destination_passes(net, p))
		return fault_is(f, METRIC_ip_dropped_destination);
	rte_pktmbuf_trim(p->m, (uint16_t)(left - size)); /* Ethernet's padding */
	in.end -= left - size;
	if (!extensions_pass(p, &in, start, f))
		return false;
	p->payload_size = (uint16_t)cur_left(&in);
	return true;
}

/* Neighbour discovery looks itself at who speaks without an address, or with ours. A link-local
 * address names a host on one port only, so TCP knows those of one port. */
static bool source_may(const struct net *net, const struct net_packet *p)
{
	if (p->protocol == NET_PROTOCOL_ICMP6)
		return true;
	return !ip6_is_unspecified(&p->source) && !net_is_local(net, &p->source) &&
	       (!ip6_is_link_local(&p->source) || p->port == net->link_local_port);
}

static void fault_end(struct net *net, struct now now, const struct net_packet *p,
		      const struct fault *f)
{
	if (f->told && (!p->link_many || f->told_to_many))
		icmp6_parameter_send(net, now, p, f->code, f->at, f->why);
	else
		net_drop(net, p->m, f->why);
}

enum input ip6_input(struct net *net, struct now now, unsigned port, struct rte_mbuf *m)
{
	struct net_packet p = {.m = m, .port = port};
	struct fault      f = {.why = METRIC_COUNT};

	p.link_many = (*rte_pktmbuf_mtod(m, const uint8_t *) & 1) != 0;
	if (!headers_read(net, &p, &f)) {
		fault_end(net, now, &p, &f);
		return INPUT_TAKEN;
	}
	if (!source_may(net, &p)) {
		net_drop(net, m, METRIC_ip_dropped_source);
		return INPUT_TAKEN;
	}
	return p.fragment ? frag_input(net, now, &p) : packet_input(net, now, &p);
}

enum input ip6_input_forwarded(struct net *net, struct now now, unsigned port, struct rte_mbuf *m)
{
	struct net_packet p = {.m = m, .port = port};
	struct fault      f = {.why = METRIC_COUNT};

	if (m->data_len < NET_ETHER_HEADER || !headers_read(net, &p, &f)) {
		net_drop(net, m, METRIC_ip_dropped_header);
		return INPUT_TAKEN;
	}
	return p.fragment ? frag_take(net, now, &p) : packet_input_forwarded(net, now, &p);
}
