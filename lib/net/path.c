/* Where a packet for a remote goes: the port and the next hop, by the longest of our networks that
 * it is in, else by a gateway. */
#include <string.h>

#include <rte_byteorder.h>

#include "base/assert.h"
#include "net/ip6.h"

/* Bytes of network order, so that more ones to the left compare greater. */
static bool mask_longer(const struct net_local *a, const struct net_local *b)
{
	return memcmp(a->mask, b->mask, sizeof(a->mask)) > 0;
}

/* The link that the remote is on: our address there. */
static const struct net_local *link_find(const struct net *net, const struct net_addr *remote)
{
	const struct net_local *best = NULL;

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->state == LOCAL_VALID && local_covers(local, remote) &&
		    (best == NULL || mask_longer(local, best)))
			best = local;
	}
	for (unsigned p = 0; best == NULL && remote->ip6 && p < net->config.port_count; p++) {
		if (router_is_on_link(net, remote, p))
			best = local_global(net, remote, p);
	}
	return best;
}

static const struct net_addr *gateway_of(struct net *net, bool ip6, unsigned port)
{
	const struct net_port_config *config = &net->config.ports[port];

	if (!ip6)
		return config->has_gateway ? &config->gateway : NULL;
	return config->has_gateway6 ? &config->gateway6 : router_find(net, port);
}

/* Our address on the way to the gateway of the first port that has one. A gateway may be named by
 * its link-local address; ours on the way is one that the world knows. */
static const struct net_local *gateway_find(struct net *net, bool ip6, struct net_addr *next_hop)
{
	for (unsigned p = 0; p < net->config.port_count; p++) {
		const struct net_addr  *gateway = gateway_of(net, ip6, p);
		const struct net_local *local =
			gateway != NULL ? local_global(net, gateway, p) : NULL;

		if (local == NULL)
			continue;
		*next_hop = *gateway;
		return local;
	}
	return NULL;
}

static bool is_host(const struct net_addr *a)
{
	uint32_t host = rte_be_to_cpu_32(a->w[0]);

	if (a->ip6)
		return !ip6_is_multicast(a) &&
		       ((a->w[0] | a->w[1] | a->w[2]) != 0 || rte_be_to_cpu_32(a->w[3]) > 1);
	return host >> 24 != 0 && host >> 24 != 127 && host < 0xe0000000u;
}

static bool is_broadcast(const struct net_addr *a, const struct net_local *link)
{
	uint32_t inside = ~link->mask[0];

	return !a->ip6 && rte_be_to_cpu_32(inside) > 1 && (a->w[0] & inside) == inside;
}

/* Takes the hardware address from the neighbour table, which is asked to find it when it is not
 * there. Routers come and go: a path by one of them asks again for the one to take. */
struct neighbour *path_refresh(struct net *net, struct now now, const struct net_addr *remote,
			       struct net_path *path)
{
	struct neighbour *n;

	if (remote->ip6 && !net_addr_same(remote, &path->next_hop)) {
		const struct net_addr *gateway = gateway_of(net, true, path->port);

		if (gateway != NULL)
			path->next_hop = *gateway;
	}
	n = neighbour_resolve(net, now, &path->next_hop, path->port);
	path->generation = net->generation;
	path->resolved = n->state != NEIGHBOUR_UNRESOLVED;
	if (path->resolved)
		memcpy(path->dst_mac, n->mac, 6);
	return n;
}

bool net_path_find(struct net *net, struct now now, const struct net_addr *remote,
		   struct net_path *path)
{
	struct net_addr         next_hop = *remote;
	const struct net_local *local;

	if (!is_host(remote) || net_is_local(net, remote))
		return false;
	local = link_find(net, remote);
	if (local != NULL && is_broadcast(remote, local))
		return false;
	if (local == NULL && !(remote->ip6 && ip6_is_link_local(remote)))
		local = gateway_find(net, remote->ip6, &next_hop);
	if (local == NULL)
		return false;
	*path = (struct net_path){.next_hop = next_hop,
				  .port = local->port,
				  .source = (uint8_t)(local - net->locals),
				  .link_mtu = remote->ip6 ? net->links6[local->port].mtu
							  : net->config.ports[local->port].mtu};
	net_path_mtu_follow(net, remote, path);
	path_refresh(net, now, remote, path);
	return true;
}

const struct net_addr *net_path_source(const struct net *net, const struct net_path *path)
{
	ASSERT_HOT(path->source < net->local_count);
	return &net->locals[path->source].address;
}

void net_path_confirm(struct net *net, struct now now, const struct net_path *path)
{
	neighbour_confirm(net, now, &path->next_hop, path->port);
}
