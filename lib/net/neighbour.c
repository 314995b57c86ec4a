/*
 * Who is where on the link: a set-associative table of fixed size, so that a look-up costs the same
 * whatever a stranger makes us ask for. An IPv4 entry is asked for again when it is a minute old;
 * an IPv6 one when it is used and nothing has confirmed it (RFC 4861, 7.3). Nobody answers: given
 * up. Whoever must not age in vain is not told apart on the way out: when an entry changes, the
 * generation of the table moves, and all that is sent next comes by here.
 */
#include <string.h>

#include "base/assert.h"
#include "net/ip6.h"

#define REQUEST_US US_PER_SECOND /* IPv4 */
#define REQUESTS_MAX 3
#define REACHABLE_US (60 * US_PER_SECOND) /* IPv4 */
#define DELAY_US (5 * US_PER_SECOND)      /* RFC 4861, 10: DELAY_FIRST_PROBE_TIME */
#define REQUESTS_PER_S 1000
#define REQUESTS_BURST 256

static struct neighbour *set_of(struct net *net, const struct net_addr *a)
{
	uint64_t key = (uint64_t)a->w[0] << 32 ^ net->config.shared_seed;

	if (a->ip6)
		key = hash_mix(key ^ a->w[1]) + ((uint64_t)a->w[2] << 32 | a->w[3]);
	return net->neighbours + hash_mix(key) % NET_NEIGHBOUR_SETS * NET_NEIGHBOUR_WAYS;
}

struct neighbour *neighbour_find(struct net *net, const struct net_addr *address, unsigned port)
{
	struct neighbour *set = set_of(net, address);

	for (unsigned i = 0; i < NET_NEIGHBOUR_WAYS; i++) {
		if (set[i].state != NEIGHBOUR_FREE && set[i].port == port &&
		    net_addr_same(&set[i].address, address))
			return &set[i];
	}
	return NULL;
}

static void waiting_drop(struct net *net, struct neighbour *n)
{
	unsent_end(net, n, false);
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

static bool in_use(const struct neighbour *n)
{
	return n->state != NEIGHBOUR_FREE && n->state != NEIGHBOUR_UNRESOLVED &&
	       n->state != NEIGHBOUR_STALE;
}

/* A free place, or that of a neighbour nobody needs or has found, or of one heard of longest ago.
 * A stranger gets no place of one in use (RFC 6583, 7.4): then NULL. */
static struct neighbour *neighbour_place(struct net *net, const struct net_addr *address,
					 unsigned port, bool stranger)
{
	struct neighbour *set = set_of(net, address);
	struct neighbour *place = &set[0];

	for (unsigned i = 1; i < NET_NEIGHBOUR_WAYS && place->state != NEIGHBOUR_FREE; i++) {
		bool older = set[i].confirmed_us < place->confirmed_us;

		if (set[i].state == NEIGHBOUR_FREE ||
		    (in_use(&set[i]) == in_use(place) ? older : in_use(place)))
			place = &set[i];
	}
	if (stranger && in_use(place)) {
		metric_inc(net->metrics, METRIC_neighbours_refused);
		return NULL;
	}
	if (place->state != NEIGHBOUR_FREE)
		neighbour_remove(net, place);
	*place = (struct neighbour){
		.address = *address, .port = (uint8_t)port, .state = NEIGHBOUR_UNRESOLVED};
	return place;
}

static void due_at(struct net *net, struct neighbour *n, uint64_t us)
{
	n->next_us = us;
	if (us < net->tick_us)
		net->tick_us = us;
}

static void neighbour_ask(struct net *net, struct now now, struct neighbour *n)
{
	const struct net_local *sender = local_towards(net, &n->address, n->port);
	const uint8_t          *unicast = n->state == NEIGHBOUR_PROBED ? n->mac : NULL;

	n->requests++;
	due_at(net, n, now.us + (n->address.ip6 ? net->links6[n->port].retrans_us : REQUEST_US));
	if (sender == NULL) /* no address of ours may be used yet */
		return;
	if (!net_bucket_take(&net->requests, now, REQUESTS_PER_S, REQUESTS_BURST))
		metric_inc(net->metrics, METRIC_neighbours_limited);
	else if (n->address.ip6)
		ndp_solicit(net, n->port, &sender->address, &n->address, unicast);
	else
		arp_request(net, n->port, &sender->address, &n->address, unicast);
}

struct neighbour *neighbour_resolve(struct net *net, struct now now, const struct net_addr *address,
				    unsigned port)
{
	struct neighbour *n = neighbour_find(net, address, port);

	if (n != NULL && n->state == NEIGHBOUR_STALE) {
		n->state = NEIGHBOUR_DELAY;
		due_at(net, n, now.us + DELAY_US);
	}
	if (n != NULL)
		return n;
	n = neighbour_place(net, address, port, false);
	n->confirmed_us = now.us; /* of its making: the youngest is not the one to go */
	neighbour_ask(net, now, n);
	return n;
}

void neighbour_wait(struct net *net, struct neighbour *n, struct rte_mbuf *m)
{
	if (n->waiting_count == NET_WAITING_MAX) { /* RFC 1122, 2.3.2.2: the latest is kept */
		unsent_note(net, n, n->waiting[0]);
		net_drop(net, n->waiting[0], METRIC_arp_waiting_dropped);
		memmove(n->waiting, n->waiting + 1, (NET_WAITING_MAX - 1) * sizeof(n->waiting[0]));
		n->waiting_count--;
	}
	n->waiting[n->waiting_count++] = m;
}

static void waiting_send(struct net *net, struct neighbour *n)
{
	for (unsigned i = 0; i < n->waiting_count; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(n->waiting[i], uint8_t *);

		memcpy(frame, n->mac, 6);
		net_tx_append(net, n->port, n->waiting[i]);
	}
	if (n->waiting_count == NET_WAITING_MAX)
		unsent_end(net, n, true);
	n->waiting_count = 0;
}

static uint64_t reachable_us(const struct net *net, const struct neighbour *n)
{
	return n->address.ip6 ? net->links6[n->port].reachable_us : REACHABLE_US;
}

/* It is at mac. Paths look again when that is new, or when somebody must notice that it is used. */
static void neighbour_at(struct net *net, struct neighbour *n, const uint8_t mac[6],
			 enum neighbour_state state)
{
	if (n->state == NEIGHBOUR_UNRESOLVED || state == NEIGHBOUR_STALE ||
	    memcmp(n->mac, mac, 6) != 0)
		net->generation++;
	memmove(n->mac, mac, 6);
	n->state = (uint8_t)state;
	n->requests = 0;
	waiting_send(net, n);
}

static void neighbour_reachable(struct net *net, struct now now, struct neighbour *n,
				const uint8_t mac[6])
{
	n->confirmed_us = now.us;
	due_at(net, n, now.us + reachable_us(net, n));
	neighbour_at(net, n, mac, NEIGHBOUR_REACHABLE);
}

static void neighbour_stale(struct net *net, struct neighbour *n, const uint8_t mac[6])
{
	n->next_us = UINT64_MAX; /* until it is used */
	neighbour_at(net, n, mac, NEIGHBOUR_STALE);
}

void neighbour_seen(struct net *net, struct now now, const struct net_addr *address,
		    const uint8_t mac[6], unsigned port, bool create)
{
	struct neighbour *n = neighbour_find(net, address, port);

	if (n == NULL && create)
		n = neighbour_place(net, address, port, true);
	if (n != NULL)
		neighbour_reachable(net, now, n, mac);
}

void neighbour_heard(struct net *net, struct now now, const struct net_addr *address,
		     const uint8_t mac[6], unsigned port)
{
	struct neighbour *n = neighbour_find(net, address, port);

	if (n == NULL) {
		n = neighbour_place(net, address, port, true);
		if (n == NULL)
			return;
		n->confirmed_us = now.us;
	} else if (n->state != NEIGHBOUR_UNRESOLVED && memcmp(n->mac, mac, 6) == 0) {
		return;
	}
	neighbour_stale(net, n, mac);
}

void neighbour_advertised(struct net *net, struct now now, const struct net_addr *address,
			  const uint8_t *mac, unsigned port, bool solicited, bool override)
{
	struct neighbour *n = neighbour_find(net, address, port);
	bool              other;

	if (n == NULL || (n->state == NEIGHBOUR_UNRESOLVED && mac == NULL))
		return;
	other = n->state == NEIGHBOUR_UNRESOLVED || (mac != NULL && memcmp(n->mac, mac, 6) != 0);
	if (other && !override && n->state != NEIGHBOUR_UNRESOLVED) {
		if (n->state == NEIGHBOUR_REACHABLE) /* two say so: see who answers */
			neighbour_stale(net, n, n->mac);
	} else if (solicited) {
		neighbour_reachable(net, now, n, mac != NULL ? mac : n->mac);
	} else if (other) {
		neighbour_stale(net, n, mac);
	}
}

void neighbour_confirm(struct net *net, struct now now, const struct net_addr *address,
		       unsigned port)
{
	struct neighbour *n = neighbour_find(net, address, port);

	if (n == NULL || n->state == NEIGHBOUR_UNRESOLVED)
		return;
	if (n->state == NEIGHBOUR_STALE || n->state == NEIGHBOUR_DELAY)
		due_at(net, n, now.us + reachable_us(net, n));
	n->state = NEIGHBOUR_REACHABLE;
	n->requests = 0;
	n->confirmed_us = now.us;
}

void neighbour_tell(struct net *net, enum net_news_kind kind, const struct net_addr *address,
		    const uint8_t mac[6], unsigned port)
{
	struct net_news news = {.address = *address, .kind = (uint8_t)kind, .port = (uint8_t)port};

	memcpy(news.mac, mac, 6);
	net_news_append(net, &news);
}

static void neighbour_due(struct net *net, struct now now, struct neighbour *n)
{
	if (n->state == NEIGHBOUR_REACHABLE) {
		if (now.us < n->confirmed_us + reachable_us(net, n)) { /* confirmed since */
			n->next_us = n->confirmed_us + reachable_us(net, n);
			return;
		}
		if (n->address.ip6) {
			neighbour_stale(net, n, n->mac);
			return;
		}
		n->state = NEIGHBOUR_PROBED;
	} else if (n->state == NEIGHBOUR_DELAY) {
		n->state = NEIGHBOUR_PROBED;
	}
	if (n->requests >= REQUESTS_MAX) {
		metric_inc(net->metrics, METRIC_arp_unanswered);
		if (n->address.ip6)
			router_failed(net, &n->address, n->port);
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
