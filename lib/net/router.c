/*
 * Default routers, and what they say of the link (RFC 4861, 6.3): its MTU and which networks are on
 * it. Only on ports whose gateway is not configured: what was configured is not for a stranger on
 * the link to change. Addresses are configured too, so prefixes make none (RFC 4862, 5.5).
 *
 * Every worker keeps its own list; the one that an advertisement reaches gives the others copies.
 */
#include <string.h>

#include <rte_byteorder.h>

#include "base/cur.h"
#include "net/ip6.h"

#define HOP_LIMIT 255
#define SOLICITATIONS_US (4 * US_PER_SECOND) /* RFC 4861, 10 */
#define LOOK_AGAIN_US (US_PER_SECOND / 10)
#define COPIES_PER_S 10
#define FLAG_ON_LINK 0x80
#define FOREVER UINT32_MAX

/* What routers may set, and what they may not, by mistake or malice: so few hops that nothing
 * arrives, a neighbour that is asked for all the time or never again. */
#define HOPS 64
#define HOPS_MIN 32
#define REACHABLE_MS 30000u
#define REACHABLE_MS_MIN 1000u
#define REACHABLE_MS_MAX 3600000u /* RFC 4861, 6.2.1 */
#define RETRANS_MS 1000u
#define RETRANS_MS_MIN 100u
#define RETRANS_MS_MAX 10000u

enum router_option { OPTION_SOURCE_MAC = 1, OPTION_PREFIX = 3, OPTION_MTU = 5 };

static const struct net_addr all_routers = {.w = {RTE_BE32(0xff020000), 0, 0, RTE_BE32(2)},
					    .ip6 = true};

struct prefix_option {
	uint8_t         length, flags;
	uint32_t        valid_s;
	struct net_addr address;
};

struct advertisement {
	uint8_t              hop_limit; /* this and the next: 0: not said */
	uint32_t             reachable_ms, retrans_ms;
	uint16_t             lifetime_s;
	uint32_t             mtu;        /* 0: not given */
	const uint8_t       *source_mac; /* NULL: not given */
	unsigned             prefix_count;
	struct prefix_option prefixes[NET_PREFIXES_MAX];
};

static void prefix_read(struct cur body, struct advertisement *a)
{
	struct prefix_option prefix = {.length = cur_u8(&body), .flags = cur_u8(&body)};
	const uint8_t       *address;

	prefix.valid_s = cur_be32(&body);
	cur_be64(&body);
	address = cur_bytes(&body, 16);
	if (body.failed || prefix.length > 128 || a->prefix_count == NET_PREFIXES_MAX)
		return;
	prefix.address.ip6 = true;
	memcpy(prefix.address.w, address, 16);
	if (!ip6_is_link_local(&prefix.address) && !ip6_is_multicast(&prefix.address))
		a->prefixes[a->prefix_count++] = prefix;
}

static void option_read(uint8_t kind, struct cur body, struct advertisement *a)
{
	switch (kind) {
	case OPTION_SOURCE_MAC:
		a->source_mac = cur_bytes(&body, 6);
		break;
	case OPTION_PREFIX:
		prefix_read(body, a);
		break;
	case OPTION_MTU:
		cur_be16(&body);
		a->mtu = cur_be32(&body);
		break;
	}
}

/* RFC 4861, 6.1.2. */
static bool advertisement_read(const struct net_packet *p, struct advertisement *a)
{
	struct cur in = packet_payload(p);
	uint8_t    code;

	*a = (struct advertisement){0};
	cur_u8(&in);
	code = cur_u8(&in);
	cur_be16(&in);
	a->hop_limit = cur_u8(&in);
	cur_u8(&in);
	a->lifetime_s = cur_be16(&in);
	a->reachable_ms = cur_be32(&in);
	a->retrans_ms = cur_be32(&in);
	if (in.failed || code != 0 || !ip6_is_link_local(&p->source))
		return false;
	while (cur_left(&in) > 0) {
		uint8_t    kind = cur_u8(&in), units = cur_u8(&in);
		struct cur body;

		if (in.failed || units == 0)
			return false;
		body = cur_sub(&in, units * 8u - 2);
		if (in.failed)
			return false;
		option_read(kind, body, a);
	}
	return a->source_mac == NULL || (a->source_mac[0] & 1) == 0;
}

/* RFC 4861, 6.3.2 and 6.3.4: at random between half and one and a half of what was said. */
static void reachable_set(struct net *net, struct net_link6 *link, uint32_t ms)
{
	if (ms == link->reachable_ms)
		return;
	link->reachable_ms = ms;
	link->reachable_us = (ms / 2 + random_below(&net->random, ms)) * US_PER_MS;
}

void router_init(struct net *net, unsigned port)
{
	struct net_link6 *link = &net->links6[port];

	link->hop_limit = HOPS;
	link->retrans_us = RETRANS_MS * US_PER_MS;
	reachable_set(net, link, REACHABLE_MS);
}

static void parameters_take(struct net *net, struct net_link6 *link, const struct advertisement *a)
{
	if (a->hop_limit >= HOPS_MIN)
		link->hop_limit = a->hop_limit;
	if (a->reachable_ms >= REACHABLE_MS_MIN && a->reachable_ms <= REACHABLE_MS_MAX)
		reachable_set(net, link, a->reachable_ms);
	if (a->retrans_ms >= RETRANS_MS_MIN && a->retrans_ms <= RETRANS_MS_MAX)
		link->retrans_us = a->retrans_ms * US_PER_MS;
}

static uint64_t after(struct now now, uint32_t seconds)
{
	return seconds == FOREVER ? UINT64_MAX : now.us + seconds * US_PER_SECOND;
}

static void due_at(struct net *net, uint64_t us)
{
	if (us < net->tick_us)
		net->tick_us = us;
}

/* The place of an address in the list, or a free one for it; NULL: the list is full. */
static struct net_router *router_place(struct net_link6 *link, const struct net_addr *address)
{
	struct net_router *free = NULL;

	for (unsigned i = 0; i < NET_ROUTERS_MAX; i++) {
		struct net_router *r = &link->routers[i];

		if (r->expires_us != 0 && net_addr_same(&r->address, address))
			return r;
		if (r->expires_us == 0 && free == NULL)
			free = r;
	}
	return free;
}

static void router_take(struct net *net, struct now now, const struct net_packet *p,
			uint16_t lifetime_s)
{
	struct net_link6  *link = &net->links6[p->port];
	struct net_router *router = router_place(link, &p->source);
	bool               had;

	if (router == NULL)
		return;
	had = router->expires_us != 0;
	router->address = p->source;
	router->expires_us = lifetime_s == 0 ? 0 : after(now, lifetime_s);
	if (lifetime_s != 0) {
		link->solicitations = 0;
		due_at(net, router->expires_us);
	}
	if (had != (lifetime_s != 0))
		net->generation++; /* paths look again */
}

static void prefix_take(struct net *net, struct now now, unsigned port,
			const struct prefix_option *option)
{
	struct net_link6  *link = &net->links6[port];
	struct net_prefix *place = NULL;
	uint32_t           mask[4];

	if ((option->flags & FLAG_ON_LINK) == 0)
		return;
	mask_make(mask, option->length);
	for (unsigned i = 0; i < NET_PREFIXES_MAX; i++) {
		struct net_prefix *prefix = &link->prefixes[i];

		if (prefix->expires_us == 0) {
			place = place == NULL ? prefix : place;
		} else if (memcmp(prefix->mask, mask, sizeof(mask)) == 0 &&
			   net_addr_in(&option->address, &prefix->address, mask)) {
			place = prefix;
			break;
		}
	}
	if (place == NULL)
		return;
	place->address = option->address;
	memcpy(place->mask, mask, sizeof(mask));
	place->expires_us = option->valid_s == 0 ? 0 : after(now, option->valid_s);
	due_at(net, place->expires_us != 0 ? place->expires_us : UINT64_MAX);
}

static void advertisement_take(struct net *net, struct now now, const struct net_packet *p,
			       const struct advertisement *a)
{
	struct net_link6 *link = &net->links6[p->port];

	metric_inc(net->metrics, METRIC_router_advertisements_in);
	router_take(net, now, p, a->lifetime_s);
	if (a->source_mac != NULL)
		neighbour_heard(net, now, &p->source, a->source_mac, p->port);
	if (a->mtu >= NET_IP6_MTU_LEAST && a->mtu <= net->config.ports[p->port].mtu)
		link->mtu = (uint16_t)a->mtu;
	parameters_take(net, link, a);
	for (unsigned i = 0; i < a->prefix_count; i++)
		prefix_take(net, now, p->port, &a->prefixes[i]);
}

static void copies_pass_on(struct net *net, struct rte_mbuf *m)
{
	for (unsigned w = 0; w < net->config.workers; w++) {
		struct rte_mbuf *copy;

		if (w == net->config.worker)
			continue;
		copy = rte_pktmbuf_copy(m, net->config.pool, 0, UINT32_MAX);
		if (copy == NULL) {
			metric_inc(net->metrics, METRIC_net_no_memory);
			return;
		}
		copy->port = m->port;
		net_foreign_append(net, w, copy);
	}
}

void router_input(struct net *net, struct now now, const struct net_packet *p)
{
	struct advertisement a;

	if (!advertisement_read(p, &a)) {
		net_drop(net, p->m, METRIC_nd_dropped_malformed);
		return;
	}
	if (!net->links6[p->port].speaks || net->config.ports[p->port].has_gateway6 ||
	    !net_bucket_take(&net->copies, now, COPIES_PER_S, COPIES_PER_S)) {
		net_drop(net, p->m, METRIC_router_advertisements_ignored);
		return;
	}
	copies_pass_on(net, p->m);
	advertisement_take(net, now, p, &a);
	rte_pktmbuf_free(p->m);
}

void router_input_forwarded(struct net *net, struct now now, const struct net_packet *p)
{
	struct advertisement a;

	if (advertisement_read(p, &a))
		advertisement_take(net, now, p, &a);
	rte_pktmbuf_free(p->m);
}

/* RFC 4861, 6.3.6: rather one that is not being looked for in vain. */
const struct net_addr *router_find(struct net *net, unsigned port)
{
	const struct net_addr *any = NULL;

	for (unsigned i = 0; i < NET_ROUTERS_MAX; i++) {
		const struct net_router *router = &net->links6[port].routers[i];
		const struct neighbour  *n;

		if (router->expires_us == 0)
			continue;
		n = neighbour_find(net, &router->address, port);
		if (n == NULL || n->state != NEIGHBOUR_UNRESOLVED)
			return &router->address;
		any = any == NULL ? &router->address : any;
	}
	return any;
}

/* It did not answer: the others come first from now on. */
void router_failed(struct net *net, const struct net_addr *address, unsigned port)
{
	struct net_router *routers = net->links6[port].routers;

	for (unsigned i = 0; i + 1 < NET_ROUTERS_MAX; i++) {
		struct net_router failed = routers[i];

		if (failed.expires_us == 0 || !net_addr_same(&failed.address, address))
			continue;
		routers[i] = routers[i + 1];
		routers[i + 1] = failed;
	}
}

bool router_is_on_link(const struct net *net, const struct net_addr *a, unsigned port)
{
	for (unsigned i = 0; i < NET_PREFIXES_MAX; i++) {
		const struct net_prefix *prefix = &net->links6[port].prefixes[i];

		if (prefix->expires_us != 0 && net_addr_in(a, &prefix->address, prefix->mask))
			return true;
	}
	return false;
}

static void solicit(struct net *net, unsigned port, const struct net_addr *source)
{
	struct icmp6_way way = {.port = port,
				.hop_limit = HOP_LIMIT,
				.source = *source,
				.destination = all_routers};
	uint8_t         *at;
	struct rte_mbuf *m = icmp6_new(net, 16, &at);

	if (m == NULL)
		return;
	ip6_group_mac(&way.destination, way.to);
	at[0] = ICMP6_ROUTER_SOLICITATION;
	at[8] = OPTION_SOURCE_MAC;
	at[9] = 1;
	memcpy(at + 10, net->config.ports[port].mac, 6);
	metric_inc(net->metrics, METRIC_nd_solicitations_out);
	icmp6_send(net, &way, m);
}

static void solicit_due(struct net *net, struct now now, unsigned port)
{
	struct net_link6       *link = &net->links6[port];
	const struct net_local *local = local_link(net, port);

	link->solicit_us = now.us + LOOK_AGAIN_US;
	if (local == NULL || local->state == LOCAL_DUPLICATE) {
		link->solicitations = 0;
	} else if (local->state == LOCAL_VALID) {
		solicit(net, port, &local->address);
		link->solicitations--;
		link->solicit_us = now.us + SOLICITATIONS_US;
	}
}

static uint64_t expire(struct net *net, struct now now, uint64_t *expires_us)
{
	if (*expires_us == 0)
		return UINT64_MAX;
	if (now.us < *expires_us)
		return *expires_us;
	*expires_us = 0;
	net->generation++;
	return UINT64_MAX;
}

uint64_t router_tick(struct net *net, struct now now)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned port = 0; port < net->config.port_count; port++) {
		struct net_link6 *link = &net->links6[port];

		if (link->solicitations > 0 && now.us >= link->solicit_us)
			solicit_due(net, now, port);
		if (link->solicitations > 0)
			next_us = RTE_MIN(next_us, link->solicit_us);
		for (unsigned i = 0; i < NET_ROUTERS_MAX; i++)
			next_us = RTE_MIN(next_us, expire(net, now, &link->routers[i].expires_us));
		for (unsigned i = 0; i < NET_PREFIXES_MAX; i++)
			next_us = RTE_MIN(next_us, expire(net, now, &link->prefixes[i].expires_us));
	}
	return next_us;
}
