/* ICMP (RFC 792, RFC 1122 3.2.2): echo answered, errors about our TCP handed on, unreachables sent
 * with a limit. */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/cur.h"
#include "base/put.h"
#include "net/state.h"
#include "net/sum.h"

#define TYPE_ECHO_REPLY 0
#define TYPE_UNREACHABLE 3
#define TYPE_ECHO_REQUEST 8
#define TYPE_TIME_EXCEEDED 11
#define TYPE_PARAMETER 12
#define CODE_TOO_BIG 4
#define HEADER 8u
#define QUOTED_MAX (576u - NET_IP4_HEADER - HEADER) /* RFC 1812, 4.3.2.3 */
#define ECHOES_PER_S 10000
#define UNREACHABLES_PER_S 100
#define BURST 50

/* A request that came in fragments is answered in fragments. */
static void echo_large(struct net *net, struct now now, const struct net_packet *p)
{
	uint8_t *icmp = rte_pktmbuf_mtod_offset(p->m, uint8_t *, NET_ETHER_HEADER + p->header_size);
	struct datagram_out out = {.local = p->destination,
				   .remote = p->source,
				   .protocol = NET_PROTOCOL_ICMP,
				   .bytes = icmp + DATAGRAM_HEADER,
				   .size = p->payload_size};
	struct net_path     path;
	uint16_t            checksum = 0;

	icmp[0] = TYPE_ECHO_REPLY;
	memcpy(icmp + 2, &checksum, 2);
	checksum = sum_checksum(sum_bytes(icmp, p->payload_size));
	memcpy(icmp + 2, &checksum, 2);
	memcpy(out.header, icmp, DATAGRAM_HEADER);
	out.path = &path;
	metric_inc(net->metrics, METRIC_icmp_echoes_in);
	if (net_path_find(net, now, &p->source, &path))
		datagram_send(net, now, &out);
	rte_pktmbuf_free(p->m);
}

/* Turns the request into its reply, in place, and sends it back where it came from. */
static void echo(struct net *net, struct now now, const struct net_packet *p)
{
	struct rte_mbuf *m = p->m;
	uint8_t          macs[12];
	uint8_t         *frame, *icmp;
	uint16_t         type = rte_cpu_to_be_16(NET_TYPE_IP4), checksum = 0;

	if (p->link_many || rte_mbuf_refcnt_read(m) != 1 || !RTE_MBUF_DIRECT(m)) {
		net_drop(net, m, METRIC_icmp_dropped_ignored);
		return;
	}
	if (!net_bucket_take(&net->echoes, now, ECHOES_PER_S, BURST * 10)) {
		net_drop(net, m, METRIC_icmp_limited);
		return;
	}
	if (NET_IP4_HEADER + (uint32_t)p->payload_size > net->config.ports[p->port].mtu) {
		echo_large(net, now, p);
		return;
	}
	frame = rte_pktmbuf_mtod(m, uint8_t *);
	memcpy(macs, frame + 6, 6);
	memcpy(macs + 6, net->config.ports[p->port].mac, 6);
	frame = (uint8_t *)rte_pktmbuf_adj(
		m, (uint16_t)(p->header_size - NET_IP4_HEADER)); /* options do not go back */
	memcpy(frame, macs, 12);
	memcpy(frame + 12, &type, 2);
	ip4_header_write(frame + NET_ETHER_HEADER, (uint16_t)(NET_IP4_HEADER + p->payload_size),
			 NET_PROTOCOL_ICMP, p->destination.w[0], p->source.w[0]);
	icmp = frame + NET_ETHER_HEADER + NET_IP4_HEADER;
	icmp[0] = TYPE_ECHO_REPLY;
	memcpy(icmp + 2, &checksum, 2);
	checksum = sum_checksum(sum_bytes(icmp, p->payload_size));
	memcpy(icmp + 2, &checksum, 2);
	m->ol_flags = 0;
	metric_inc(net->metrics, METRIC_icmp_echoes_in);
	net_tx_append(net, p->port, m);
}

/* The packet of ours that an error quotes; *data is what follows the first eight bytes of its
 * payload, as far as it came back. */
static bool quote_read(const struct net *net, struct cur icmp, struct net_icmp_error *e,
		       struct cur *data)
{
	const uint8_t *addresses;
	uint8_t        version;
	uint16_t       fragment;

	*e = (struct net_icmp_error){.type = cur_u8(&icmp), .code = cur_u8(&icmp)};
	cur_be32(&icmp);
	e->mtu = cur_be16(&icmp);
	if (e->type != TYPE_UNREACHABLE || e->code != CODE_TOO_BIG)
		e->mtu = 0;
	version = cur_u8(&icmp);
	cur_u8(&icmp);
	e->size = cur_be16(&icmp);
	cur_be16(&icmp);
	fragment = cur_be16(&icmp);
	cur_u8(&icmp);
	e->protocol = cur_u8(&icmp);
	cur_be16(&icmp);
	addresses = cur_bytes(&icmp, 8);
	if (icmp.failed || version >> 4 != 4 || (version & 15) < 5 ||
	    (e->protocol != NET_PROTOCOL_TCP && e->protocol != NET_PROTOCOL_UDP) ||
	    (fragment & 0x1fff) != 0)
		return false;
	memcpy(e->local.w, addresses, 4);
	memcpy(e->remote.w, addresses + 4, 4);
	cur_bytes(&icmp, (version & 15) * 4u - NET_IP4_HEADER);
	e->local_port = cur_be16(&icmp);
	e->remote_port = cur_be16(&icmp);
	e->sequence = cur_be32(&icmp);
	*data = icmp;
	return !icmp.failed && net_is_local(net, &e->local);
}

static void error_append(struct net *net, struct rte_mbuf *m, const struct net_icmp_error *e)
{
	if (net->error_count == NET_ERRORS_MAX) {
		net_drop(net, m, METRIC_icmp_limited);
		return;
	}
	net->errors[net->error_count++] = *e;
	metric_inc(net->metrics, METRIC_icmp_errors_in);
	rte_pktmbuf_free(m);
}

void icmp_error_take(struct net *net, struct now now, struct rte_mbuf *m,
		     const struct net_icmp_error *e, struct cur data, bool forwarded)
{
	unsigned owner;

	if (e->protocol == NET_PROTOCOL_UDP) {
		udp_error_input(net, now, m, e, data, forwarded);
		return;
	}
	owner = net_owner(net, &e->local, e->local_port, &e->remote, e->remote_port);
	if (forwarded || owner == net->config.worker)
		error_append(net, m, e);
	else
		net_foreign_append(net, owner, m);
}

static void error_input(struct net *net, struct now now, const struct net_packet *p)
{
	struct net_icmp_error e;
	struct cur            data;

	if (!quote_read(net, packet_payload(p), &e, &data)) {
		net_drop(net, p->m, METRIC_icmp_dropped_ignored);
		return;
	}
	icmp_error_take(net, now, p->m, &e, data, false);
}

void icmp_input(struct net *net, struct now now, const struct net_packet *p)
{
	struct cur icmp = packet_payload(p);
	struct cur whole = icmp;
	uint8_t    type = cur_u8(&icmp);

	cur_bytes(&icmp, HEADER - 1);
	if (icmp.failed || sum_fold(sum_bytes(whole.p, cur_left(&whole))) != 0xffff)
		net_drop(net, p->m, METRIC_icmp_dropped_malformed);
	else if (type == TYPE_ECHO_REQUEST)
		echo(net, now, p);
	else if (type == TYPE_UNREACHABLE || type == TYPE_TIME_EXCEEDED || type == TYPE_PARAMETER)
		error_input(net, now, p);
	else
		net_drop(net, p->m, METRIC_icmp_dropped_ignored);
}

void icmp_input_forwarded(struct net *net, struct now now, const struct net_packet *p)
{
	struct net_icmp_error e;
	struct cur            data;

	if (p->protocol != NET_PROTOCOL_ICMP || !quote_read(net, packet_payload(p), &e, &data))
		net_drop(net, p->m, METRIC_icmp_dropped_ignored);
	else
		icmp_error_take(net, now, p->m, &e, data, true);
}

/* As much of the packet as may be: what is behind the first eight bytes of its payload says to the
 * other side's upper layer what it was. */
static uint16_t quoted_size(const struct net_packet *p)
{
	uint32_t whole = (uint32_t)p->header_size + p->payload_size;
	uint32_t there = p->m->data_len - NET_ETHER_HEADER;

	whole = whole < there ? whole : there;
	return whole < QUOTED_MAX ? (uint16_t)whole : QUOTED_MAX;
}

static void error_send(struct net *net, struct now now, const struct net_packet *p, uint8_t type,
		       uint8_t code)
{
	const uint8_t   *frame = rte_pktmbuf_mtod(p->m, const uint8_t *);
	uint16_t         quoted = quoted_size(p);
	uint16_t         size = (uint16_t)(HEADER + quoted), checksum;
	struct rte_mbuf *m;
	struct put       w;
	uint8_t         *at;

	if (p->link_many) { /* RFC 1122, 3.2.2 */
		rte_pktmbuf_free(p->m);
		return;
	}
	if (!net_bucket_take(&net->unreachables, now, UNREACHABLES_PER_S, BURST)) {
		net_drop(net, p->m, METRIC_icmp_limited);
		return;
	}
	m = net_mbuf_new(net);
	if (m == NULL) {
		net_drop(net, p->m, METRIC_net_no_memory);
		return;
	}
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(NET_ETHER_HEADER + NET_IP4_HEADER + size));
	w = put_to(at, NET_ETHER_HEADER + NET_IP4_HEADER + size);
	put_bytes(&w, frame + 6, 6);
	put_bytes(&w, net->config.ports[p->port].mac, 6);
	put_be16(&w, NET_TYPE_IP4);
	ip4_header_write(put_reserve(&w, NET_IP4_HEADER), (uint16_t)(NET_IP4_HEADER + size),
			 NET_PROTOCOL_ICMP, p->destination.w[0], p->source.w[0]);
	put_u8(&w, type);
	put_u8(&w, code);
	put_be16(&w, 0);
	put_be32(&w, 0);
	put_bytes(&w, frame + NET_ETHER_HEADER, quoted);
	at += NET_ETHER_HEADER + NET_IP4_HEADER;
	checksum = sum_checksum(sum_bytes(at, size));
	memcpy(at + 2, &checksum, 2);
	metric_inc(net->metrics, METRIC_icmp_unreachables_out);
	net_tx_append(net, p->port, m);
	rte_pktmbuf_free(p->m);
}

void icmp_unreachable_send(struct net *net, struct now now, const struct net_packet *p,
			   uint8_t code)
{
	metric_inc(net->metrics, METRIC_ip_dropped_protocol);
	error_send(net, now, p, TYPE_UNREACHABLE, code);
}

void icmp_time_exceeded_send(struct net *net, struct now now, const struct net_packet *p,
			     uint8_t code)
{
	error_send(net, now, p, TYPE_TIME_EXCEEDED, code);
}
