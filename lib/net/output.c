#include "net/output.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "base/assert.h"
#include "base/put.h"
#include "net/state.h"

#define KEPT_FLAGS (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_TX_TCP_SEG)

/* The link that the remote is on, by the longest prefix. */
static const struct net_local *link_find(const struct net *net, uint32_t remote)
{
	const struct net_local *best = NULL;

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (((remote ^ local->address.w[0]) & local->mask) != 0)
			continue;
		if (best == NULL || rte_be_to_cpu_32(local->mask) > rte_be_to_cpu_32(best->mask))
			best = local;
	}
	return best;
}

/* Our address on the way to the gateway of the first port that has one. */
static const struct net_local *gateway_find(const struct net *net, uint32_t *next_hop)
{
	for (unsigned p = 0; p < net->config.port_count; p++) {
		const struct net_port_config *port = &net->config.ports[p];

		if (!port->has_gateway || port->gateway.ip6)
			continue;
		for (unsigned i = 0; i < net->local_count; i++) {
			const struct net_local *local = &net->locals[i];

			if (local->port != p ||
			    ((port->gateway.w[0] ^ local->address.w[0]) & local->mask) != 0)
				continue;
			*next_hop = port->gateway.w[0];
			return local;
		}
	}
	return NULL;
}

/* Takes the hardware address from the neighbour table, which is asked to find it when it is not
 * there. */
static struct neighbour *path_refresh(struct net *net, struct now now, struct net_path *path)
{
	struct net_addr   next_hop = net_addr_ip4(path->next_hop);
	struct neighbour *n = neighbour_resolve(net, now, &next_hop, path->port);

	path->generation = net->generation;
	path->resolved = n->state != NEIGHBOUR_UNRESOLVED;
	if (path->resolved)
		memcpy(path->dst_mac, n->mac, 6);
	return n;
}

bool net_path_find(struct net *net, struct now now, const struct net_addr *remote,
		   struct net_path *path)
{
	uint32_t                host = rte_be_to_cpu_32(remote->w[0]);
	uint32_t                next_hop = remote->w[0];
	const struct net_local *local;

	if (remote->ip6 || host >> 24 == 0 || host >> 24 == 127 || host >= 0xe0000000u ||
	    net_is_local(net, remote))
		return false;
	local = link_find(net, remote->w[0]);
	if (local != NULL && rte_be_to_cpu_32(~local->mask) > 1 &&
	    (host | rte_be_to_cpu_32(local->mask)) == UINT32_MAX)
		return false; /* the broadcast address of that link */
	if (local == NULL)
		local = gateway_find(net, &next_hop);
	if (local == NULL)
		return false;
	*path = (struct net_path){.next_hop = next_hop,
				  .port = local->port,
				  .source = local->address,
				  .link_mtu = net->config.ports[local->port].mtu};
	net_path_mtu_follow(net, remote, path);
	memcpy(path->src_mac, net->config.ports[local->port].mac, 6);
	path_refresh(net, now, path);
	return true;
}

void net_path_confirm(struct net *net, struct now now, const struct net_path *path)
{
	struct net_addr   next_hop = net_addr_ip4(path->next_hop);
	struct neighbour *n = neighbour_find(net, &next_hop);

	if (n == NULL || n->state == NEIGHBOUR_UNRESOLVED)
		return;
	n->state = NEIGHBOUR_REACHABLE;
	n->requests = 0;
	n->confirmed_us = now.us;
}

/*
 * Over the pseudo header and all segments of m after the IP header. Not rte_raw_cksum_mbuf():
 * in 22.11 it swaps the low half only of an unfolded sum, so that a segment at an odd place, longer
 * than a few bytes, comes out wrong.
 */
static uint16_t chain_checksum(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	uint32_t sum = rte_ipv4_phdr_cksum(ip, 0);
	uint32_t skip = NET_ETHER_HEADER + NET_IP4_HEADER;
	bool     odd = false;

	for (; m != NULL; m = m->next) {
		uint16_t part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, skip),
					      m->data_len - skip);

		sum += odd ? rte_bswap16(part) : part;
		odd ^= ((m->data_len - skip) & 1) != 0;
		skip = 0; /* all headers are in the first */
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* What the port does not do is done here. m begins at Ethernet. */
static void checksum(const struct net_port_config *port, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, NET_ETHER_HEADER);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);

	m->ol_flags &= KEPT_FLAGS;
	m->l2_len = NET_ETHER_HEADER;
	m->l3_len = NET_IP4_HEADER;
	if (port->tx_ip_checksum) {
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		ip->hdr_checksum = 0;
	}
	tcp->cksum = 0;
	if (port->tx_tcp_checksum) {
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
		tcp->cksum = rte_ipv4_phdr_cksum(ip, m->ol_flags);
	} else if (m->nb_segs == 1) {
		tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	} else {
		tcp->cksum = chain_checksum(m, ip);
	}
}

/* Ethernet and IPv4 in front of m's data. false: no room, or too large. */
static bool headers_put(const struct net_path *path, const struct net_addr *local,
			const struct net_addr *remote, struct rte_mbuf *m)
{
	uint32_t   total = m->pkt_len + NET_IP4_HEADER;
	uint8_t   *frame;
	struct put w;

	if (total > UINT16_MAX || m->data_len < sizeof(struct rte_tcp_hdr))
		return false;
	frame = (uint8_t *)rte_pktmbuf_prepend(m, NET_ETHER_HEADER + NET_IP4_HEADER);
	if (frame == NULL)
		return false;
	w = put_to(frame, NET_ETHER_HEADER + NET_IP4_HEADER);
	put_bytes(&w, path->dst_mac, 6);
	put_bytes(&w, path->src_mac, 6);
	put_be16(&w, NET_TYPE_IP4);
	ip4_header_write(put_reserve(&w, NET_IP4_HEADER), (uint16_t)total, NET_PROTOCOL_TCP,
			 local->w[0], remote->w[0]);
	return true;
}

void net_output_tcp(struct net *net, struct now now, struct net_path *path,
		    const struct net_addr *local, const struct net_addr *remote, struct rte_mbuf *m)
{
	struct neighbour *n = NULL;

	if (path->generation != net->generation || !path->resolved)
		n = path_refresh(net, now, path);
	if (!headers_put(path, local, remote, m)) {
		net_drop(net, m, METRIC_ip_dropped_output);
		return;
	}
	checksum(&net->config.ports[path->port], m);
	if (path->resolved) {
		net_tx_append(net, path->port, m);
	} else if (n->waiting_count < NET_WAITING_MAX) {
		n->waiting[n->waiting_count++] = m;
	} else { /* RFC 1122, 2.3.2.2: the latest is kept */
		net_drop(net, n->waiting[0], METRIC_arp_waiting_dropped);
		memmove(n->waiting, n->waiting + 1, (NET_WAITING_MAX - 1) * sizeof(n->waiting[0]));
		n->waiting[NET_WAITING_MAX - 1] = m;
	}
}
