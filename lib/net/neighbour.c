/*
 * Who is where on the link: a set-associative table of fixed size, so that a look-up costs the same
 * whatever a stranger makes us ask for. An entry is asked for again when it is a minute old, and
 * given up when nobody answers.
 */
#include <string.h>

#include "base/assert.h"
#include "net/state.h"

#define REQUEST_US US_PER_SECOND
#define REQUESTS_MAX 3
#define REACHABLE_US (60 * US_PER_SECOND)

static struct neighbour *set_of(struct net *net, const struct net_addr *a)
{
	uint64_t key = (uint64_t)a->w[0] << 32 ^ net->config.shared_seed;

	return net->neighbours + hash_mix(key) % NET_NEIGHBOUR_SETS * NET_NEIGHBOUR_WAYS;
}

struct neighbour *neighbour_find(struct net *net, const struct net_addr *address)
{
	struct neighbour *set = set_of(net, address);

	for (unsigned i = 0; i < NET_NEIGHBOUR_WAYS; i++) {
		if (set[i].state != NEIGHBOUR_FREE && net_addr_same(&set[i].address, address))
			return &set[i];
	}
	return NULL;
}

static void waiting_drop(struct net *net, struct neighbour *n)
{
	metric_add(net->metrics, METRIC_arp_waiting_dropped, n->waiting_count);
	rte_pktmbuf_free_bulk(n->waiting, n->waiting_count);
	n->waiting_count = 0;
}

static void neighbour_remove(struct net *net, struct neighbour *n)
{
	waiting_drop(net, n);
	n->state = NEIGHBOUR_FREE;
	net->generation++;
}

/* A free place, or that of the neighbour heard of longest ago. */
static struct neighbour *neighbour_place(struct net *net, const struct net_addr *address,
					 unsigned port)
{
	struct neighbour *set = set_of(net, address);
	struct neighbour *place = &set[0];

	for (unsigned i = 0; i < NET_NEIGHBOUR_WAYS && place->state != NEIGHBOUR_FREE; i++) {
		if (set[i].state == NEIGHBOUR_FREE || set[i].confirmed_us < place->confirmed_us)
			place = &set[i];
	}
	if (place->state != NEIGHBOUR_FREE)
		neighbour_remove(net, place);
	*place = (struct neighbour){
		.address = *address, .port = (uint8_t)port, .state = NEIGHBOUR_UNRESOLVED};
	return place;
}

static const struct net_addr *sender_for(const struct net *net, const struct neighbour *n)
{
	const struct net_addr *any = NULL;

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];

		if (local->port != n->port)
			continue;
		if (((local->address.w[0] ^ n->address.w[0]) & local->mask) == 0)
			return &local->address;
		any = &local->address;
	}
	return any;
}

static void neighbour_ask(struct net *net, struct now now, struct neighbour *n)
{
	const struct net_addr *sender = sender_for(net, n);

	ASSERT(sender != NULL); /* it was found by a route, or came in, on a port with an address */
	arp_request(net, n->port, sender, &n->address,
		    n->state == NEIGHBOUR_PROBED ? n->mac : NULL);
	n->requests++;
	n->next_us = now.us + REQUEST_US;
	if (n->next_us < net->tick_us)
		net->tick_us = n->next_us;
}

struct neighbour *neighbour_resolve(struct net *net, struct now now, const struct net_addr *address,
				    unsigned port)
{
	struct neighbour *n = neighbour_find(net, address);

	if (n != NULL)
		return n;
	n = neighbour_place(net, address, port);
	n->confirmed_us = now.us; /* of its making: the youngest is not the one to go */
	neighbour_ask(net, now, n);
	return n;
}

static void waiting_send(struct net *net, struct neighbour *n)
{
	for (unsigned i = 0; i < n->waiting_count; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(n->waiting[i], uint8_t *);

		memcpy(frame, n->mac, 6);
		net_tx_append(net, n->port, n->waiting[i]);
	}
	n->waiting_count = 0;
}

void neighbour_seen(struct net *net, struct now now, const struct net_addr *address,
		    const uint8_t mac[6], unsigned port, bool create)
{
	struct neighbour *n = neighbour_find(net, address);

	if (n == NULL && !create)
		return;
	if (n == NULL)
		n = neighbour_place(net, address, port);
	if (n->state == NEIGHBOUR_UNRESOLVED || n->port != port || memcmp(n->mac, mac, 6) != 0)
		net->generation++;
	memcpy(n->mac, mac, 6);
	n->port = (uint8_t)port;
	n->state = NEIGHBOUR_REACHABLE;
	n->requests = 0;
	n->confirmed_us = now.us;
	n->next_us = now.us + REACHABLE_US;
	if (n->next_us < net->tick_us)
		net->tick_us = n->next_us;
	waiting_send(net, n);
}

static void neighbour_due(struct net *net, struct now now, struct neighbour *n)
{
	if (n->state == NEIGHBOUR_REACHABLE) {
		if (now.us < n->confirmed_us + REACHABLE_US) { /* confirmed since */
			n->next_us = n->confirmed_us + REACHABLE_US;
			return;
		}
		n->state = NEIGHBOUR_PROBED;
	}
	if (n->requests >= REQUESTS_MAX) {
		metric_inc(net->metrics, METRIC_arp_unanswered);
		neighbour_remove(net, n);
		return;
	}
	neighbour_ask(net, now, n);
}

uint64_t neighbour_tick(struct net *net, struct now now)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned i = 0; i < NET_NEIGHBOURS_MAX; i++) {
		struct neighbour *n = &net->neighbours[i];

		if (n->state != NEIGHBOUR_FREE && now.us >= n->next_us)
			neighbour_due(net, now, n);
		if (n->state != NEIGHBOUR_FREE && n->next_us < next_us)
			next_us = n->next_us;
	}
	return next_us;
}

void neighbour_clear(struct net *net)
{
	for (unsigned i = 0; i < NET_NEIGHBOURS_MAX; i++)
		rte_pktmbuf_free_bulk(net->neighbours[i].waiting, net->neighbours[i].waiting_count);
}
