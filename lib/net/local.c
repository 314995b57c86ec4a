/*
 * Our addresses: those configured, and of each port that speaks IPv6 one of the link, made from the
 * hardware address. At the start one worker asks whether another has them, and then announces them,
 * so that neighbours forget who had them before; all workers wait the same time.
 *
 * IPv6 addresses are not used before the answer had its second (RFC 4862, 5.4). RFC 5227 wants 4 to
 * 9 seconds for IPv4; an appliance that comes back must not be away that long, so it waits 0.2 s
 * after the first question and asks the others while it works.
 */
#include <string.h>

#include <rte_byteorder.h>

#include "base/assert.h"
#include "net/ip6.h"

#define JITTER_US (US_PER_SECOND / 10) /* of the first, so that not all hosts begin at once */
#define DEFEND_US (10 * US_PER_SECOND) /* RFC 5227, 2.4 */
#define LINK_LOCAL_PREFIX 64
#define SOLICITATIONS 3 /* RFC 4861, 10: of routers */
#define REPORTS 2       /* RFC 3810, 9.1: of multicast groups */

enum local_doing { LOCAL_PAUSE, LOCAL_PROBE, LOCAL_USE, LOCAL_ANNOUNCE, LOCAL_DONE };

struct local_step {
	enum local_doing doing;
	uint32_t         then_us; /* until the next */
};

static const struct local_step steps_ip4[] = {
	{LOCAL_PAUSE, 0},       {LOCAL_PROBE, 200000}, {LOCAL_USE, 1500000}, {LOCAL_PROBE, 1500000},
	{LOCAL_PROBE, 1500000}, {LOCAL_ANNOUNCE, 0},   {LOCAL_DONE, 0}};
static const struct local_step steps_ip6[] = {
	{LOCAL_PAUSE, 0},
	{LOCAL_PROBE, 1000000}, /* RFC 4861, 10: RETRANS_TIMER */
	{LOCAL_USE, 2000000},
	{LOCAL_ANNOUNCE, 0},
	{LOCAL_DONE, 0}};
static const struct local_step steps_unchecked[] = {
	{LOCAL_USE, 2000000}, {LOCAL_ANNOUNCE, 0}, {LOCAL_DONE, 0}};

void mask_make(uint32_t mask[4], unsigned prefix)
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
	bool              checked = net->config.ports[port].duplicate_check;

	ASSERT(net->local_count < NET_LOCALS_MAX && prefix <= (address->ip6 ? 128u : 32u));
	local->address = *address;
	mask_make(local->mask, prefix);
	local->port = (uint8_t)port;
	local->state = checked ? LOCAL_TENTATIVE : LOCAL_VALID;
	local->step = !checked ? steps_unchecked : address->ip6 ? steps_ip6 : steps_ip4;
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
static void link6_init(struct net *net, unsigned port)
{
	struct net_link6 *link = &net->links6[port];
	struct net_addr   own = link_local(net->config.ports[port].mac);
	bool              has = false;

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->port != port || !local->address.ip6)
			continue;
		has = has || ip6_is_link_local(&local->address);
		link->speaks = true;
	}
	link->mtu = net->config.ports[port].mtu;
	router_init(net, port);
	if (link->speaks && net->config.worker == 0) {
		link->solicitations = net->config.ports[port].has_gateway6 ? 0 : SOLICITATIONS;
		link->reports = REPORTS;
	}
	if (link->speaks && !has)
		local_add(net, port, &own, LINK_LOCAL_PREFIX);
	if (link->speaks && net->link_local_port == NET_PORTS_MAX)
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
		link6_init(net, p);
}

const struct net_local *net_local_find(const struct net *net, const struct net_addr *a)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net->locals[i].state == LOCAL_VALID &&
		    net_addr_same(&net->locals[i].address, a))
			return &net->locals[i];
	}
	return NULL;
}

bool net_is_tentative(const struct net *net, const struct net_addr *a)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net->locals[i].state == LOCAL_TENTATIVE &&
		    net_addr_same(&net->locals[i].address, a))
			return true;
	}
	return false;
}

struct net_local *local_find(struct net *net, const struct net_addr *a, unsigned port)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net->locals[i].port == port && net_addr_same(&net->locals[i].address, a))
			return &net->locals[i];
	}
	return NULL;
}

const struct net_local *local_link(const struct net *net, unsigned port)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->port == port && local->address.ip6 && ip6_is_link_local(&local->address))
			return local;
	}
	return NULL;
}

bool local_on_link(const struct net *net, const struct net_addr *a, unsigned port)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net->locals[i].port == port && local_covers(&net->locals[i], a))
			return true;
	}
	return a->ip6 && router_is_on_link(net, a, port);
}

const struct net_local *local_towards(const struct net *net, const struct net_addr *neighbour,
				      unsigned port)
{
	const struct net_local *any = NULL;

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->port != port || local->address.ip6 != neighbour->ip6 ||
		    local->state != LOCAL_VALID)
			continue;
		if (local_covers(local, neighbour))
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

static void announce(struct net *net, const struct net_local *local)
{
	if (local->address.ip6)
		ndp_announce(net, local);
	else
		arp_request(net, local->port, &local->address, &local->address, NULL);
}

static void local_give_up(struct net *net, struct net_local *local)
{
	if (local->state == LOCAL_DUPLICATE)
		return;
	local->state = LOCAL_DUPLICATE;
	local->step = NULL;
	net->generation++;
	metric_inc(net->metrics, METRIC_addresses_duplicate);
}

/* One that is in use is defended once in 10 s, and kept. */
void local_conflict(struct net *net, struct now now, struct net_local *local, const uint8_t mac[6])
{
	metric_inc(net->metrics, METRIC_address_conflicts);
	neighbour_tell(net, local->state == LOCAL_VALID ? NET_NEWS_CONFLICT : NET_NEWS_DUPLICATE,
		       &local->address, mac, local->port);
	if (local->state == LOCAL_TENTATIVE)
		local_give_up(net, local);
	else if (local->state == LOCAL_VALID &&
		 (local->defended_us == 0 || now.us >= local->defended_us + DEFEND_US)) {
		local->defended_us = now.us;
		announce(net, local);
	}
}

void local_duplicate(struct net *net, const struct net_addr *a, unsigned port)
{
	struct net_local *local = local_find(net, a, port);

	if (local != NULL)
		local_give_up(net, local);
}

static void probe(struct net *net, const struct net_local *local)
{
	if (local->address.ip6)
		ndp_solicit(net, local->port, &ip6_unspecified, &local->address, NULL);
	else
		arp_request(net, local->port, &(struct net_addr){.ip6 = false}, &local->address,
			    NULL);
}

/* All workers take the same steps; one of them speaks. */
static void local_step(struct net *net, struct now now, struct net_local *local)
{
	bool speaks = net->config.worker == 0;

	local->due_us = now.us + local->step->then_us;
	switch (local->step->doing) {
	case LOCAL_PAUSE:
		local->due_us += speaks ? random_below(&net->random, JITTER_US) : 2 * JITTER_US;
		break;
	case LOCAL_PROBE:
		if (speaks)
			probe(net, local);
		break;
	case LOCAL_USE:
		local->state = LOCAL_VALID;
		if (speaks)
			announce(net, local);
		break;
	case LOCAL_ANNOUNCE:
		if (speaks)
			announce(net, local);
		break;
	case LOCAL_DONE:
		local->step = NULL;
		return;
	}
	local->step++;
}

uint64_t local_tick(struct net *net, struct now now)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned i = 0; i < net->local_count; i++) {
		struct net_local *local = &net->locals[i];

		if (local->step != NULL && now.us >= local->due_us)
			local_step(net, now, local);
		if (local->step != NULL && local->due_us < next_us)
			next_us = local->due_us;
	}
	return next_us;
}
