/*
 * What an IP packet of either family carries, once its headers are checked: TCP goes to the worker
 * that owns the connection, ICMP is answered or handed on, of anything else the sender is told that
 * nobody here hears it.
 */
#include "base/cur.h"
#include "net/ip6.h"
#include "net/sum.h"

#define TCP_HEADER_MIN 20u
#define UNREACHABLE_PROTOCOL 2
#define UNREACHABLE_PORT 3
#define UNREACHABLE6_PORT 4
#define PARAMETER6_NEXT_HEADER 1

struct cur packet_payload(const struct net_packet *p)
{
	return cur_of(
		rte_pktmbuf_mtod_offset(p->m, const uint8_t *, NET_ETHER_HEADER + p->header_size),
		p->payload_size);
}

bool packet_checksum_passes(const struct net *net, const struct net_packet *p, uint16_t size)
{
	uint64_t   state = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
	struct cur payload = packet_payload(p);

	if (net->config.ports[p->port].rx_checksum) {
		if (state == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
			return true;
		if (state == RTE_MBUF_F_RX_L4_CKSUM_BAD)
			return false;
	}
	return sum_fold(sum_bytes(payload.p, size) +
			sum_pseudo(&p->source, &p->destination, p->protocol, size)) == 0xffff;
}

static enum input tcp_input(struct net *net, const struct net_packet *p)
{
	struct cur segment = packet_payload(p);
	uint16_t   remote_port, local_port;
	unsigned   owner;

	if (p->payload_size < TCP_HEADER_MIN || !packet_checksum_passes(net, p, p->payload_size)) {
		metric_inc(net->metrics, METRIC_tcp_in_segs);
		metric_inc(net->metrics, METRIC_tcp_in_errs);
		net_drop(net, p->m, METRIC_ip_dropped_tcp_checksum);
		return INPUT_TAKEN;
	}
	if (p->link_many) { /* RFC 9293, 3.9.2: never to many */
		net_drop(net, p->m, METRIC_ip_dropped_destination);
		return INPUT_TAKEN;
	}
	p->m->l2_len = NET_ETHER_HEADER;
	p->m->l3_len = p->header_size;
	if (net->config.workers == 1 && !net->config.forward_all)
		return INPUT_TCP;
	remote_port = cur_be16(&segment);
	local_port = cur_be16(&segment);
	owner = net_owner(net, &p->destination, local_port, &p->source, remote_port);
	if (owner == net->config.worker && !net->config.forward_all)
		return INPUT_TCP;
	net_foreign_append(net, owner, p->m);
	return INPUT_TAKEN;
}

static void refuse(struct net *net, struct now now, const struct net_packet *p)
{
	bool is_udp = p->protocol == NET_PROTOCOL_UDP;

	if (is_udp)
		metric_inc(net->metrics, METRIC_udp_no_ports);
	if (!p->source.ip6)
		icmp_unreachable_send(net, now, p,
				      is_udp ? UNREACHABLE_PORT : UNREACHABLE_PROTOCOL);
	else if (is_udp)
		icmp6_unreachable_send(net, now, p, UNREACHABLE6_PORT);
	else
		icmp6_parameter_send(net, now, p, PARAMETER6_NEXT_HEADER, p->next_header_at,
				     METRIC_ip_dropped_protocol);
}

enum input packet_input(struct net *net, struct now now, const struct net_packet *p)
{
	if (p->protocol == NET_PROTOCOL_TCP)
		return tcp_input(net, p);
	if (p->protocol == NET_PROTOCOL_ICMP && !p->source.ip6)
		icmp_input(net, now, p);
	else if (p->protocol == NET_PROTOCOL_ICMP6 && p->source.ip6)
		icmp6_input(net, now, p);
	else if (p->protocol != NET_PROTOCOL_UDP || !udp_input(net, p))
		refuse(net, now, p);
	return INPUT_TAKEN;
}

enum input packet_input_forwarded(struct net *net, struct now now, const struct net_packet *p)
{
	if (p->protocol == NET_PROTOCOL_TCP) {
		p->m->l2_len = NET_ETHER_HEADER;
		p->m->l3_len = p->header_size;
		return INPUT_TCP;
	}
	if (p->protocol == NET_PROTOCOL_UDP)
		udp_input_forwarded(net, p);
	else if (p->source.ip6)
		icmp6_input_forwarded(net, now, p);
	else
		icmp_input_forwarded(net, now, p);
	return INPUT_TAKEN;
}
