/* ICMPv6 (RFC 4443): echo answered, errors about our TCP handed on in the terms of ICMPv4, errors
 * sent with a limit. Neighbour discovery is in ndp.c. */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/cur.h"
#include "base/put.h"
#include "net/ip6.h"
#include "net/sum.h"

#define ECHOES_PER_S 10000
#define ECHOES_BURST 500
#define ERRORS_PER_S 100
#define ERRORS_BURST 50
#define PROTOCOL_FRAGMENT 44
#define CODE_NEXT_HEADER 1

/* Over the pseudo header and an ICMPv6 message in one piece; 0xffff when the message has it right.
 */
static uint16_t message_sum(const struct net_addr *source, const struct net_addr *destination,
			    const void *message, size_t n)
{
	return sum_fold(sum_bytes(message, n) +
			sum_pseudo(source, destination, NET_PROTOCOL_ICMP6, (uint32_t)n));
}

struct rte_mbuf *icmp6_new(struct net *net, uint16_t n, uint8_t **at)
{
	struct rte_mbuf *m = net_mbuf_new(net);

	*at = m != NULL ? (uint8_t *)rte_pktmbuf_append(m, n) : NULL;
	if (*at == NULL) {
		metric_inc(net->metrics, METRIC_net_no_memory);
		rte_pktmbuf_free(m);
		return NULL;
	}
	memset(*at, 0, n);
	return m;
}

void icmp6_send(struct net *net, const struct icmp6_way *way, struct rte_mbuf *m)
{
	static const uint8_t alert[8] = {NET_PROTOCOL_ICMP6, 0, 5, 2, 0, 0, 1, 0};
	uint8_t             *message = rte_pktmbuf_mtod(m, uint8_t *), *frame;
	uint16_t             size = m->data_len, checksum, extension;
	struct put           w;

	extension = way->router_alert ? sizeof(alert) : 0;
	frame = (uint8_t *)rte_pktmbuf_prepend(
		m, (uint16_t)(NET_ETHER_HEADER + NET_IP6_HEADER + extension));
	if (frame == NULL) {
		net_drop(net, m, METRIC_ip_dropped_output);
		return;
	}
	memset(message + 2, 0, 2);
	checksum = (uint16_t)~message_sum(&way->source, &way->destination, message, size);
	memcpy(message + 2, &checksum, 2);
	w = put_to(frame, NET_ETHER_HEADER + NET_IP6_HEADER + extension);
	put_bytes(&w, way->to, 6);
	put_bytes(&w, net->config.ports[way->port].mac, 6);
	put_be16(&w, NET_TYPE_IP6);
	ip6_header_write(put_reserve(&w, NET_IP6_HEADER), 0, (uint16_t)(size + extension),
			 extension > 0 ? 0 : NET_PROTOCOL_ICMP6, way->hop_limit, &way->source,
			 &way->destination);
	put_bytes(&w, alert, extension);
	m->ol_flags = 0;
	net_tx_append(net, way->port, m);
}

/* Back to where it came from. */
static struct icmp6_way way_back(const struct net *net, const struct net_packet *p)
{
	struct icmp6_way way = {.port = p->port,
				.hop_limit = net->links6[p->port].hop_limit,
				.source = p->destination,
				.destination = p->source};

	memcpy(way.to, rte_pktmbuf_mtod_offset(p->m, const uint8_t *, 6), 6);
	return way;
}

/* A request that came in fragments is answered in fragments. */
static void echo_large(struct net *net, struct now now, const struct net_packet *p,
		       const struct icmp6_way *way)
{
	uint8_t *message =
		rte_pktmbuf_mtod_offset(p->m, uint8_t *, NET_ETHER_HEADER + p->header_size);
	struct net_path     path;
	struct datagram_out out = {.path = &path,
				   .local = way->source,
				   .remote = way->destination,
				   .protocol = NET_PROTOCOL_ICMP6,
				   .bytes = message + DATAGRAM_HEADER,
				   .size = p->payload_size};
	uint16_t            checksum;

	message[0] = ICMP6_ECHO_REPLY;
	memset(message + 2, 0, 2);
	checksum = (uint16_t)~message_sum(&out.local, &out.remote, message, p->payload_size);
	memcpy(message + 2, &checksum, 2);
	memcpy(out.header, message, DATAGRAM_HEADER);
	if (net_path_find(net, now, &out.remote, &path))
		datagram_send(net, now, &out);
	rte_pktmbuf_free(p->m);
}

/* Turns the request into its reply, in place. */
static void echo(struct net *net, struct now now, const struct net_packet *p)
{
	struct rte_mbuf        *m = p->m;
	struct icmp6_way        way = way_back(net, p);
	const struct net_local *local = local_towards(net, &p->source, p->port);

	if (ip6_is_unspecified(&p->source) || rte_mbuf_refcnt_read(m) != 1 || !RTE_MBUF_DIRECT(m) ||
	    local == NULL) {
		net_drop(net, m, METRIC_icmp_dropped_ignored);
		return;
	}
	if (!net_bucket_take(&net->echoes, now, ECHOES_PER_S, ECHOES_BURST)) {
		net_drop(net, m, METRIC_icmp_limited);
		return;
	}
	if (p->link_many)
		way.source = local->address;
	metric_inc(net->metrics, METRIC_icmp_echoes_in);
	if (NET_IP6_HEADER + (uint32_t)p->payload_size > net->config.ports[p->port].mtu) {
		echo_large(net, now, p, &way);
		return;
	}
	*(uint8_t *)rte_pktmbuf_adj(m, (uint16_t)(NET_ETHER_HEADER + p->header_size)) =
		ICMP6_ECHO_REPLY;
	icmp6_send(net, &way, m);
}

/* What TCP makes of errors is written down in the terms of ICMPv4 (as RFC 7915, 5.2, translates
 * them). */
static void translate(struct net_icmp_error *e, uint8_t type, uint8_t code, uint32_t argument)
{
	static const uint8_t unreachable[] = {0, 13, 1, 1, 3, 13, 13};

	switch (type) {
	case ICMP6_UNREACHABLE:
		e->type = 3;
		e->code = code < sizeof(unreachable) ? unreachable[code] : 1;
		break;
	case ICMP6_TOO_BIG:
		e->type = 3;
		e->code = 4;
		e->mtu = argument > UINT16_MAX ? UINT16_MAX : (uint16_t)argument;
		break;
	case ICMP6_TIME_EXCEEDED:
		e->type = 11;
		e->code = code;
		break;
	default:
		e->type = code == CODE_NEXT_HEADER ? 3 : 12;
		e->code = code == CODE_NEXT_HEADER ? 2 : 0;
		break;
	}
}

/* The packet of ours that an error quotes; *data is what follows the first eight bytes of its
 * payload, as far as it came back. We send no extension headers. */
static bool quote_read(const struct net *net, struct cur icmp, struct net_icmp_error *e,
		       struct cur *data)
{
	uint8_t        type = cur_u8(&icmp), code = cur_u8(&icmp), version;
	uint32_t       argument, size;
	const uint8_t *addresses;
	bool           first = true;

	*e = (struct net_icmp_error){.local.ip6 = true, .remote.ip6 = true};
	cur_be16(&icmp);
	argument = cur_be32(&icmp);
	translate(e, type, code, argument);
	version = cur_u8(&icmp);
	cur_bytes(&icmp, 3);
	size = cur_be16(&icmp);
	e->size =
		size > UINT16_MAX - NET_IP6_HEADER ? UINT16_MAX : (uint16_t)(size + NET_IP6_HEADER);
	e->protocol = cur_u8(&icmp);
	cur_u8(&icmp);
	addresses = cur_bytes(&icmp, 32);
	if (e->protocol == PROTOCOL_FRAGMENT) { /* the first one of a datagram */
		e->protocol = cur_u8(&icmp);
		cur_u8(&icmp);
		first = (cur_be16(&icmp) & 0xfff8) == 0;
		cur_be32(&icmp);
	}
	e->local_port = cur_be16(&icmp);
	e->remote_port = cur_be16(&icmp);
	e->sequence = cur_be32(&icmp);
	*data = icmp;
	if (icmp.failed || version >> 4 != 6 || !first ||
	    (e->protocol != NET_PROTOCOL_TCP && e->protocol != NET_PROTOCOL_UDP))
		return false;
	memcpy(e->local.w, addresses, 16);
	memcpy(e->remote.w, addresses + 16, 16);
	return net_is_local(net, &e->local);
}

static void error_input(struct net *net, struct now now, const struct net_packet *p)
{
	struct net_icmp_error e;
	struct cur            data;

	if (p->link_many || !quote_read(net, packet_payload(p), &e, &data)) {
		net_drop(net, p->m, METRIC_icmp_dropped_ignored);
		return;
	}
	icmp_error_take(net, now, p->m, &e, data, false);
}

void icmp6_input(struct net *net, struct now now, const struct net_packet *p)
{
	struct cur message = packet_payload(p);
	uint8_t    type = cur_u8(&message);

	/* the checksum is not the port's to check: few do for ICMPv6 */
	if (p->payload_size < ICMP6_HEADER ||
	    message_sum(&p->source, &p->destination, packet_payload(p).p, p->payload_size) !=
		    0xffff)
		net_drop(net, p->m, METRIC_icmp_dropped_malformed);
	else if (type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT &&
		 p->fragment_header) /* RFC 6980, 5 */
		net_drop(net, p->m, METRIC_icmp_dropped_malformed);
	else if (type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT)
		ndp_input(net, now, p);
	else if (type == ICMP6_LISTENER_QUERY)
		mld_query(net, now, p);
	else if (net_is_local(net, &p->source))
		net_drop(net, p->m, METRIC_ip_dropped_source);
	else if (type == ICMP6_LISTENER_REPORT1)
		mld_report1(net, now, p);
	else if (type == ICMP6_ECHO_REQUEST)
		echo(net, now, p);
	else if (type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER)
		error_input(net, now, p);
	else
		net_drop(net, p->m, METRIC_icmp_dropped_ignored);
}

void icmp6_input_forwarded(struct net *net, struct now now, const struct net_packet *p)
{
	struct net_icmp_error e;
	struct cur            message = packet_payload(p), data;

	if (cur_u8(&message) == ICMP6_ROUTER_ADVERTISEMENT)
		router_input_forwarded(net, now, p);
	else if (!quote_read(net, packet_payload(p), &e, &data))
		net_drop(net, p->m, METRIC_icmp_dropped_ignored);
	else
		icmp_error_take(net, now, p->m, &e, data, true);
}

/* As much of the packet as fits what every link carries (RFC 4443, 2.4 (c)). */
static void error_send(struct net *net, struct now now, const struct net_packet *p, uint8_t type,
		       uint8_t code, uint32_t argument)
{
	const uint16_t          quote_max = NET_IP6_MTU_LEAST - NET_IP6_HEADER - ICMP6_HEADER;
	uint32_t                whole = p->m->data_len - NET_ETHER_HEADER;
	uint16_t                quoted = whole < quote_max ? (uint16_t)whole : quote_max;
	const struct net_local *local = local_towards(net, &p->source, p->port);
	struct icmp6_way        way = way_back(net, p);
	struct rte_mbuf        *m;
	struct put              w;
	uint8_t                *at;

	if (ip6_is_unspecified(&p->source) || local == NULL)
		return;
	if (!net_bucket_take(&net->unreachables, now, ERRORS_PER_S, ERRORS_BURST)) {
		metric_inc(net->metrics, METRIC_icmp_limited);
		return;
	}
	m = icmp6_new(net, (uint16_t)(ICMP6_HEADER + quoted), &at);
	if (m == NULL)
		return;
	w = put_to(at, ICMP6_HEADER + quoted);
	put_u8(&w, type);
	put_u8(&w, code);
	put_be16(&w, 0);
	put_be32(&w, argument);
	put_bytes(&w, rte_pktmbuf_mtod_offset(p->m, const uint8_t *, NET_ETHER_HEADER), quoted);
	if (ip6_is_multicast(&p->destination))
		way.source = local->address;
	metric_inc(net->metrics, METRIC_icmp_unreachables_out);
	icmp6_send(net, &way, m);
}

void icmp6_unreachable_send(struct net *net, struct now now, const struct net_packet *p,
			    uint8_t code)
{
	if (!p->link_many)
		error_send(net, now, p, ICMP6_UNREACHABLE, code, 0);
	net_drop(net, p->m, METRIC_ip_dropped_protocol);
}

void icmp6_parameter_send(struct net *net, struct now now, const struct net_packet *p, uint8_t code,
			  uint32_t at, enum metric why)
{
	error_send(net, now, p, ICMP6_PARAMETER, code, at);
	net_drop(net, p->m, why);
}

void icmp6_time_exceeded_send(struct net *net, struct now now, const struct net_packet *p,
			      uint8_t code)
{
	error_send(net, now, p, ICMP6_TIME_EXCEEDED, code, 0);
	rte_pktmbuf_free(p->m);
}
