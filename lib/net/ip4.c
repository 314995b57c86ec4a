/* IPv4 (RFC 791, RFC 1122 section 3): what comes in is believed field by field, each checked before
 * it is used. */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/assert.h"
#include "base/cur.h"
#include "net/state.h"
#include "net/sum.h"

#define TTL 64
#define MORE_FRAGMENTS 0x2000u
#define FRAGMENT_OFFSET 0x1fffu
#define OPTION_END 0
#define OPTION_NOTHING 1
#define OPTION_LOOSE_ROUTE 131
#define OPTION_STRICT_ROUTE 137

void ip4_header_write(uint8_t *at, uint16_t total_size, uint8_t protocol, uint32_t source,
		      uint32_t destination)
{
	struct rte_ipv4_hdr header = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(total_size),
		.packet_id = 0, /* RFC 6864, 4.1: means nothing in what is never fragmented */
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = TTL,
		.next_proto_id = protocol,
		.src_addr = source,
		.dst_addr = destination,
	};

	header.hdr_checksum = sum_checksum(sum_few(&header, sizeof(header)));
	memcpy(at, &header, sizeof(header));
}

/* Well formed, and no source route (RFC 7126, 4.3 and 4.4). All others are passed over. */
static bool options_pass(struct cur options)
{
	while (cur_left(&options) > 0) {
		uint8_t kind = cur_u8(&options);
		uint8_t size;

		if (kind == OPTION_END)
			return true;
		if (kind == OPTION_NOTHING)
			continue;
		if (kind == OPTION_LOOSE_ROUTE || kind == OPTION_STRICT_ROUTE)
			return false;
		size = cur_u8(&options);
		if (options.failed || size < 2)
			return false;
		cur_bytes(&options, size - 2u);
	}
	return !options.failed;
}

/* A host on some network sent it: not this network, loopback, multicast, class E, broadcast, or
 * ourselves (RFC 1122, 3.2.1.3). */
static bool source_passes(const struct net *net, const struct net_addr *source)
{
	uint32_t a = rte_be_to_cpu_32(source->w[0]);

	if (a >> 24 == 0 || a >> 24 == 127 || a >= 0xe0000000u)
		return false;
	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->address.ip6)
			continue;
		if (source->w[0] == local->address.w[0])
			return false;
		if (local->mask[0] != 0 && rte_be_to_cpu_32(~local->mask[0]) > 1 &&
		    source->w[0] == (local->address.w[0] | ~local->mask[0]))
			return false;
	}
	return true;
}

/* The header's fields and lengths; m is cut to the total length. METRIC_COUNT when it passes, else
 * why not. */
static unsigned header_read(struct net *net, struct net_packet *p)
{
	struct rte_mbuf *m = p->m;
	struct cur packet = cur_of(rte_pktmbuf_mtod_offset(m, const uint8_t *, NET_ETHER_HEADER),
				   m->data_len - NET_ETHER_HEADER);
	struct cur whole = packet, options;
	uint8_t    version = cur_u8(&packet);
	uint16_t   total, id, fragment;
	const uint8_t *bytes;

	p->header_size = (uint8_t)((version & 15) * 4);
	cur_u8(&packet);
	total = cur_be16(&packet);
	id = cur_be16(&packet);
	fragment = cur_be16(&packet);
	cur_u8(&packet);
	p->protocol = cur_u8(&packet);
	cur_be16(&packet);
	bytes = cur_bytes(&packet, 8);
	if (packet.failed || version >> 4 != 4 || p->header_size < NET_IP4_HEADER ||
	    total < p->header_size || total > cur_left(&whole))
		return METRIC_ip_dropped_header;
	options = cur_sub(&packet, p->header_size - NET_IP4_HEADER);
	if (sum_fold(sum_few(whole.p, NET_IP4_HEADER) + sum_few(options.p, cur_left(&options))) !=
	    0xffff)
		return METRIC_ip_dropped_checksum;
	memcpy(p->source.w, bytes, 4);
	memcpy(p->destination.w, bytes + 4, 4);
	if (!options_pass(options))
		return METRIC_ip_dropped_options;
	if (!source_passes(net, &p->source))
		return METRIC_ip_dropped_source;
	if (!net_is_local(net, &p->destination))
		return METRIC_ip_dropped_destination;
	if ((fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) != 0) {
		p->fragment = true;
		p->fragment_id = id;
		p->fragment_offset = (uint16_t)((fragment & FRAGMENT_OFFSET) * 8);
		p->more_fragments = (fragment & MORE_FRAGMENTS) != 0;
	}
	p->payload_size = (uint16_t)(total - p->header_size);
	rte_pktmbuf_trim(m, (uint16_t)(cur_left(&whole) - total)); /* Ethernet's padding */
	return METRIC_COUNT;
}

enum input ip4_input(struct net *net, struct now now, unsigned port, struct rte_mbuf *m)
{
	struct net_packet p = {.m = m, .port = port};
	unsigned          why = header_read(net, &p);

	if (why != METRIC_COUNT) {
		net_drop(net, m, (enum metric)why);
		return INPUT_TAKEN;
	}
	p.link_many = (*rte_pktmbuf_mtod(m, const uint8_t *) & 1) != 0;
	return p.fragment ? frag_input(net, now, &p) : packet_input(net, now, &p);
}

enum input ip4_input_forwarded(struct net *net, struct now now, unsigned port, struct rte_mbuf *m)
{
	struct net_packet p = {.m = m, .port = port};

	/* Checked once where it arrived; read again because only bytes travel between workers. */
	if (m->data_len < NET_ETHER_HEADER + NET_IP4_HEADER ||
	    header_read(net, &p) != METRIC_COUNT) {
		net_drop(net, m, METRIC_ip_dropped_header);
		return INPUT_TAKEN;
	}
	return p.fragment ? frag_take(net, now, &p) : packet_input_forwarded(net, now, &p);
}
