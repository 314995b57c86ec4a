/*
 * Our addresses: those configured, and of each port that speaks IPv6 one of the link, made from the
 * hardware address. They are announced at the start by one worker, so that neighbours forget who
 * had them before.
 */
#include <string.h>

#include <rte_byteorder.h>

#include "base/assert.h"
#include "net/ip6.h"

#define ANNOUNCEMENTS 2 /* RFC 5227, 2.3: ANNOUNCE_NUM */
#define ANNOUNCE_US (2 * US_PER_SECOND)
#define LINK_LOCAL_PREFIX 64

static void mask_make(uint32_t mask[4], unsigned prefix)
{
	uint8_t *bytes = (uint8_t *)mask;

	memset(mask, 0, 16);
	memset(bytes, 0xff, prefix / 8);
	if (prefix % 8 != 0)
		bytes[prefix / 8] = (uint8_t)(0xff << (8 - prefix % 8));
}

static void local_add(struct net *net, unsigned port, const struct net_addr *address,
		      unsigned prefix)
{
	struct net_local *local = &net->locals[net->local_count];

	ASSERT(net->local_count < NET_LOCALS_MAX && prefix <= (address->ip6 ? 128u : 32u));
	local->address = *address;
	mask_make(local->mask, prefix);
	local->port = (uint8_t)port;
	local->announcements = net->config.worker == 0 ? ANNOUNCEMENTS : 0;
	net->local_count++;
}

/* RFC 4291, appendix A: from the hardware address, with its universal bit turned. */
static struct net_addr link_local(const uint8_t mac[6])
{
	struct net_addr a = {.ip6 = true};
	const uint8_t   bytes[16] = {0xfe,       0x80,   0,      0,    0,    0,      0,      0,
				     mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};

	memcpy(a.w, bytes, 16);
	return a;
}

/* IPv6 is spoken on ports that have an address of it. */
static void link_local_add(struct net *net, unsigned port)
{
	bool            speaks = false, has = false;
	struct net_addr own = link_local(net->config.ports[port].mac);

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->port != port || !local->address.ip6)
			continue;
		has = has || ip6_is_link_local(&local->address);
		speaks = true;
	}
	if (speaks && !has)
		local_add(net, port, &own, LINK_LOCAL_PREFIX);
	if (speaks && net->link_local_port == NET_PORTS_MAX)
		net->link_local_port = (uint8_t)port;
}

void local_init(struct net *net)
{
	net->link_local_port = NET_PORTS_MAX;
	for (unsigned p = 0; p < net->config.port_count; p++) {
		const struct net_port_config *port = &net->config.ports[p];

		for (unsigned i = 0; i < port->address_count; i++)
			local_add(net, p, &port->addresses[i].address, port->addresses[i].prefix);
	}
	for (unsigned p = 0; p < net->config.port_count; p++)
		link_local_add(net, p);
}

const struct net_local *net_local_find(const struct net *net, const struct net_addr *a)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net_addr_same(&net->locals[i].address, a))
			return &net->locals[i];
	}
	return NULL;
}

struct net_local *local_find(struct net *net, const struct net_addr *a, unsigned port)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net->locals[i].port == port && net_addr_same(&net->locals[i].address, a))
			return &net->locals[i];
	}
	return NULL;
}

bool local_on_link(const struct net *net, const struct net_addr *a, unsigned port)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net->locals[i].port == port && net_addr_in(a, &net->locals[i]))
			return true;
	}
	return false;
}

const struct net_local *local_towards(const struct net *net, const struct net_addr *neighbour,
				      unsigned port)
{
	const struct net_local *any = NULL;

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->port != port || local->address.ip6 != neighbour->ip6)
			continue;
		if (net_addr_in(neighbour, local))
			return local;
		if (any == NULL) /* link-local ones are last */
			any = local;
	}
	return any;
}

const struct net_local *local_global(const struct net *net, const struct net_addr *neighbour,
				     unsigned port)
{
	const struct net_local *local = local_towards(net, neighbour, port);

	if (local == NULL || !local->address.ip6 || !ip6_is_link_local(&local->address))
		return local;
	return local_towards(net, &ip6_unspecified, port); /* in no network: the first of any */
}

uint64_t local_tick(struct net *net, struct now now)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned i = 0; i < net->local_count; i++) {
		struct net_local *local = &net->locals[i];

		if (local->announcements == 0)
			continue;
		if (local->announced_us == 0 || now.us >= local->announced_us + ANNOUNCE_US) {
			if (local->address.ip6)
				ndp_announce(net, local);
			else
				arp_request(net, local->port, &local->address, &local->address,
					    NULL);
			local->announced_us = now.us;
			local->announcements--;
		}
		if (local->announcements > 0 && local->announced_us + ANNOUNCE_US < next_us)
			next_us = local->announced_us + ANNOUNCE_US;
	}
	return next_us;
}
