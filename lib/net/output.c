#include "net/output.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "base/assert.h"
#include "base/put.h"
#include "net/ip6.h"
#include "net/sum.h"

#define KEPT_FLAGS (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_TX_TCP_SEG)

/* Over all segments of m after the IP header. */
static uint64_t chain_sum(const struct rte_mbuf *m)
{
	uint32_t skip = (uint32_t)m->l2_len + m->l3_len;
	uint64_t sum = 0;
	bool     odd = false;

	for (; m != NULL; m = m->next) {
		uint64_t part = sum_bytes(rte_pktmbuf_mtod_offset(m, const void *, skip),
					  m->data_len - skip);

		sum += odd ? rte_bswap16(sum_fold(part)) : part;
		odd ^= ((m->data_len - skip) & 1) != 0;
		skip = 0; /* all headers are in the first */
	}
	return sum;
}

/* What the port does not do is done here. m begins at Ethernet. */
static void checksum(const struct net_port_config *port, const struct net_addr *local,
		     const struct net_addr *remote, struct rte_mbuf *m)
{
	bool                ip6 = remote->ip6;
	struct rte_tcp_hdr *tcp;
	uint64_t            family = ip6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4, pseudo;
	uint32_t            size;

	m->ol_flags &= KEPT_FLAGS;
	m->l2_len = NET_ETHER_HEADER;
	m->l3_len = ip6 ? NET_IP6_HEADER : NET_IP4_HEADER;
	tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, m->l2_len + m->l3_len);
	if (port->tx_ip_checksum && !ip6) {
		m->ol_flags |= family | RTE_MBUF_F_TX_IP_CKSUM;
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len)->hdr_checksum = 0;
	}
	/* The port knows the sizes of what it cuts. */
	size = m->ol_flags & RTE_MBUF_F_TX_TCP_SEG ? 0 : m->pkt_len - m->l2_len - m->l3_len;
	pseudo = sum_pseudo(local, remote, NET_PROTOCOL_TCP, size);
	tcp->cksum = 0;
	if (port->tx_tcp_checksum) {
		m->ol_flags |= family | RTE_MBUF_F_TX_TCP_CKSUM;
		tcp->cksum = sum_fold(pseudo);
	} else {
		tcp->cksum = sum_checksum(pseudo + chain_sum(m));
	}
}

/* RFC 6437: one label a flow, that says nothing about it, so that routers may share a load out. */
static uint32_t flow_label(const struct net *net, const struct rte_mbuf *m,
			   const struct net_addr *remote)
{
	uint32_t ports;

	memcpy(&ports, rte_pktmbuf_mtod(m, const void *), sizeof(ports));
	return (uint32_t)(hash_mix(((uint64_t)remote->w[3] << 32 | ports) ^
				   net->config.shared_seed) >>
			  44);
}

/* Ethernet and IP in front of m's data. false: no room, or too large. */
static bool headers_put(const struct net *net, const struct net_path *path,
			const struct net_addr *local, const struct net_addr *remote,
			struct rte_mbuf *m)
{
	uint16_t   header = remote->ip6 ? NET_IP6_HEADER : NET_IP4_HEADER;
	uint32_t   total = m->pkt_len + header, flow;
	uint8_t   *frame;
	struct put w;

	if (total > UINT16_MAX || m->data_len < sizeof(struct rte_tcp_hdr))
		return false;
	flow = remote->ip6 ? flow_label(net, m, remote) : 0;
	frame = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)(NET_ETHER_HEADER + header));
	if (frame == NULL)
		return false;
	w = put_to(frame, NET_ETHER_HEADER + header);
	put_bytes(&w, path->dst_mac, 6);
	put_bytes(&w, net->config.ports[path->port].mac, 6);
	put_be16(&w, remote->ip6 ? NET_TYPE_IP6 : NET_TYPE_IP4);
	if (remote->ip6)
		ip6_header_write(put_reserve(&w, header), flow, (uint16_t)(total - header),
				 NET_PROTOCOL_TCP, net->links6[path->port].hop_limit, local,
				 remote);
	else
		ip4_header_write(put_reserve(&w, header), (uint16_t)total, NET_PROTOCOL_TCP,
				 local->w[0], remote->w[0]);
	return true;
}

void net_output_tcp(struct net *net, struct now now, struct net_path *path,
		    const struct net_addr *local, const struct net_addr *remote, struct rte_mbuf *m)
{
	struct neighbour *n = NULL;

	if (path->generation != net->generation || !path->resolved)
		n = path_refresh(net, now, remote, path);
	if (!headers_put(net, path, local, remote, m)) {
		net_drop(net, m, METRIC_ip_dropped_output);
		return;
	}
	checksum(&net->config.ports[path->port], local, remote, m);
	if (path->resolved)
		net_tx_append(net, path->port, m);
	else
		neighbour_wait(net, n, m);
}

void output_ip(struct net *net, struct now now, struct net_path *path,
	       const struct net_addr *remote, struct rte_mbuf *m)
{
	struct neighbour *n = NULL;
	struct put        w;

	if (path->generation != net->generation || !path->resolved)
		n = path_refresh(net, now, remote, path);
	w = put_to(rte_pktmbuf_prepend(m, NET_ETHER_HEADER), NET_ETHER_HEADER);
	put_bytes(&w, path->dst_mac, 6);
	put_bytes(&w, net->config.ports[path->port].mac, 6);
	put_be16(&w, remote->ip6 ? NET_TYPE_IP6 : NET_TYPE_IP4);
	m->ol_flags = 0;
	if (path->resolved)
		net_tx_append(net, path->port, m);
	else
		neighbour_wait(net, n, m);
}
