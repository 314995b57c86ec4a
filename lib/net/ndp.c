/* Neighbour discovery (RFC 4861): who has an address is asked and told. Everything here comes from
 * the link itself, or it would not have a hop limit of 255. */
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>

#include "base/cur.h"
#include "net/ip6.h"

#define HOP_LIMIT 255
#define FLAG_SOLICITED 0x40000000u
#define FLAG_OVERRIDE 0x20000000u

enum ndp_option { OPTION_SOURCE_MAC = 1, OPTION_TARGET_MAC = 2 };

/* A solicitation or an advertisement. */
struct ndp_message {
	uint8_t         type;
	uint32_t        flags;
	struct net_addr target;
	const uint8_t  *source_mac, *target_mac; /* NULL: not given */
};

/* RFC 4861, 4.6: no option has length 0; the first of a kind counts. */
static bool options_read(struct cur options, struct ndp_message *message)
{
	while (cur_left(&options) > 0) {
		uint8_t    kind = cur_u8(&options), units = cur_u8(&options);
		struct cur body;

		if (options.failed || units == 0)
			return false;
		body = cur_sub(&options, units * 8u - 2);
		if (options.failed)
			return false;
		if (kind == OPTION_SOURCE_MAC && message->source_mac == NULL)
			message->source_mac = cur_bytes(&body, 6);
		else if (kind == OPTION_TARGET_MAC && message->target_mac == NULL)
			message->target_mac = cur_bytes(&body, 6);
	}
	return true;
}

static const uint8_t *source_mac(const struct net_packet *p)
{
	return rte_pktmbuf_mtod_offset(p->m, const uint8_t *, 6);
}

static bool mac_passes(const uint8_t *mac)
{
	return mac == NULL || (mac[0] & 1) == 0;
}

static bool message_read(const struct net_packet *p, struct ndp_message *message)
{
	struct cur     in = packet_payload(p);
	const uint8_t *target;
	uint8_t        code;

	*message = (struct ndp_message){.type = cur_u8(&in), .target.ip6 = true};
	code = cur_u8(&in);
	cur_be16(&in);
	message->flags = cur_be32(&in);
	target = cur_bytes(&in, 16);
	if (in.failed || code != 0)
		return false;
	memcpy(message->target.w, target, 16);
	return !ip6_is_multicast(&message->target) && options_read(in, message) &&
	       mac_passes(message->source_mac) && mac_passes(message->target_mac);
}

struct wire { /* both, with the option that says where the sender is */
	uint8_t  type, code;
	uint16_t checksum;
	uint32_t flags;
	uint8_t  target[16];
	uint8_t  option, option_units, mac[6];
};

static void message_send(struct net *net, const struct icmp6_way *way, uint8_t type, uint32_t flags,
			 const struct net_addr *target, bool with_mac)
{
	bool             asks = type == ICMP6_SOLICITATION;
	struct wire      wire = {.type = type,
				 .flags = rte_cpu_to_be_32(flags),
				 .option = asks ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC,
				 .option_units = 1};
	uint16_t         size = with_mac ? sizeof(wire) : offsetof(struct wire, option);
	uint8_t         *at;
	struct rte_mbuf *m = icmp6_new(net, size, &at);

	if (m == NULL)
		return;
	memcpy(wire.target, target->w, 16);
	memcpy(wire.mac, net->config.ports[way->port].mac, 6);
	memcpy(at, &wire, size);
	metric_inc(net->metrics, asks ? METRIC_nd_solicitations_out : METRIC_nd_advertisements_out);
	icmp6_send(net, way, m);
}

void ndp_solicit(struct net *net, unsigned port, const struct net_addr *sender,
		 const struct net_addr *target, const uint8_t *unicast)
{
	struct icmp6_way way = {.port = port,
				.hop_limit = HOP_LIMIT,
				.source = *sender,
				.destination =
					unicast != NULL ? *target : ip6_solicited_node(target)};

	if (unicast != NULL)
		memcpy(way.to, unicast, 6);
	else
		ip6_group_mac(&way.destination, way.to);
	message_send(net, &way, ICMP6_SOLICITATION, 0, target, !ip6_is_unspecified(sender));
}

/* To all nodes, unasked (RFC 4861, 7.2.6), or asked by one who has no address yet. */
void ndp_announce(struct net *net, const struct net_local *local)
{
	struct icmp6_way way = {.port = local->port,
				.hop_limit = HOP_LIMIT,
				.source = local->address,
				.destination = ip6_all_nodes};

	ip6_group_mac(&way.destination, way.to);
	message_send(net, &way, ICMP6_ADVERTISEMENT, FLAG_OVERRIDE, &local->address, true);
}

static void answer(struct net *net, const struct net_packet *p, const struct net_local *local)
{
	struct icmp6_way way = {.port = p->port,
				.hop_limit = HOP_LIMIT,
				.source = local->address,
				.destination = p->source};

	memcpy(way.to, source_mac(p), 6);
	message_send(net, &way, ICMP6_ADVERTISEMENT, FLAG_SOLICITED | FLAG_OVERRIDE,
		     &local->address, true);
}

/* RFC 4861, 7.2.3. */
static void solicitation_take(struct net *net, struct now now, const struct net_packet *p,
			      const struct ndp_message *message)
{
	struct net_local *local = local_find(net, &message->target, p->port);

	if (local == NULL)
		return;
	if (local->state == LOCAL_TENTATIVE && ip6_is_unspecified(&p->source))
		local_conflict(net, now, local, source_mac(p)); /* he tries the same */
	if (local->state != LOCAL_VALID)
		return;
	if (ip6_is_unspecified(&p->source)) {
		ndp_announce(net, local);
		return;
	}
	if (message->source_mac != NULL && local_on_link(net, &p->source, p->port))
		neighbour_heard(net, now, &p->source, message->source_mac, p->port);
	answer(net, p, local);
}

/* RFC 4861, 7.2.5: of a neighbour that we know or asked for. */
static void advertisement_take(struct net *net, struct now now, const struct net_packet *p,
			       const struct ndp_message *message)
{
	bool solicited = (message->flags & FLAG_SOLICITED) != 0;
	bool override = (message->flags & FLAG_OVERRIDE) != 0;

	struct net_local *own = local_find(net, &message->target, p->port);

	if (own != NULL && own->state != LOCAL_DUPLICATE) {
		local_conflict(net, now, own, source_mac(p));
		return;
	}
	neighbour_advertised(net, now, &message->target, message->target_mac, p->port, solicited,
			     override);
	if (message->target_mac == NULL || !local_on_link(net, &message->target, p->port))
		return;
	if (solicited) /* maybe the answer to another worker's question */
		neighbour_tell(net, NET_NEWS_NEIGHBOUR, &message->target, message->target_mac,
			       p->port);
	else if (override)
		neighbour_tell(net, NET_NEWS_MOVED, &message->target, message->target_mac, p->port);
}

/* What each of the two must be, beyond its form (RFC 4861, 7.1). */
static bool message_passes(const struct net_packet *p, const struct ndp_message *message)
{
	struct net_addr group = ip6_solicited_node(&message->target);

	if (message->type == ICMP6_ADVERTISEMENT)
		return !ip6_is_unspecified(&p->source) && (!ip6_is_multicast(&p->destination) ||
							   (message->flags & FLAG_SOLICITED) == 0);
	return !ip6_is_unspecified(&p->source) ||
	       (net_addr_same(&p->destination, &group) && message->source_mac == NULL);
}

void ndp_input(struct net *net, struct now now, const struct net_packet *p)
{
	uint8_t            type = *packet_payload(p).p;
	struct ndp_message message;

	metric_inc(net->metrics, METRIC_nd_in);
	if (memcmp(source_mac(p), net->config.ports[p->port].mac, 6) ==
	    0) { /* our own, come back */
		rte_pktmbuf_free(p->m);
		return;
	}
	if (p->hop_limit != HOP_LIMIT) {
		net_drop(net, p->m, METRIC_nd_dropped_malformed);
		return;
	}
	if (type == ICMP6_ROUTER_ADVERTISEMENT) {
		router_input(net, now, p);
		return;
	}
	if (type == ICMP6_REDIRECT || type == ICMP6_ROUTER_SOLICITATION) {
		/* a redirect is obeyed by nobody whose way out was configured or advertised */
		net_drop(net, p->m,
			 type == ICMP6_REDIRECT ? METRIC_nd_redirects_ignored
						: METRIC_icmp_dropped_ignored);
		return;
	}
	if (!message_read(p, &message) || !message_passes(p, &message)) {
		net_drop(net, p->m, METRIC_nd_dropped_malformed);
		return;
	}
	if (type == ICMP6_SOLICITATION)
		solicitation_take(net, now, p, &message);
	else
		advertisement_take(net, now, p, &message);
	rte_pktmbuf_free(p->m);
}
