#include "net/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/cur.h"
#include "net/ip6.h"

struct net *net_new(const struct net_config *config)
{
	struct net *net;

	ASSERT(config->workers > 0 && config->workers <= NET_WORKERS_MAX);
	ASSERT(config->worker < config->workers);
	ASSERT(config->port_count <= NET_PORTS_MAX);
	net = aligned_alloc(64, (sizeof(*net) + 63) & ~(size_t)63);
	if (net == NULL)
		return NULL;
	memset(net, 0, sizeof(*net));
	net->foreign = calloc((size_t)config->workers * NET_FOREIGN_MAX, sizeof(*net->foreign));
	net->config = *config;
	if (net->foreign == NULL || !frag_init(net) || !udp_init(net)) {
		net_free(net);
		return NULL;
	}
	net->metrics = config->metrics;
	net->generation = 1;
	random_seed(&net->random, config->seed);
	net_steer_init(&net->steer, config->shared_seed, config->workers,
		       config->steer_entries != 0 ? config->steer_entries : NET_STEER_ENTRIES);
	for (unsigned i = 0; i < config->range_count; i++)
		net_steer_range_add(&net->steer, &config->ranges[i]);
	local_init(net);
	return net;
}

void net_free(struct net *net)
{
	if (net == NULL)
		return;
	neighbour_clear(net);
	frag_free(net);
	udp_free(net);
	for (unsigned w = 0; net->foreign != NULL && w < net->config.workers; w++)
		rte_pktmbuf_free_bulk(net->foreign + w * NET_FOREIGN_MAX, net->foreign_count[w]);
	for (unsigned p = 0; p < net->config.port_count; p++)
		rte_pktmbuf_free_bulk(net->tx[p].pkts + net->tx[p].head,
				      net->tx[p].tail - net->tx[p].head);
	free(net->foreign);
	free(net);
}

void net_drop(struct net *net, struct rte_mbuf *m, enum metric why)
{
	metric_inc(net->metrics, why);
	rte_pktmbuf_free(m);
}

bool net_bucket_take(struct bucket *b, struct now now, unsigned rate_per_s, unsigned burst)
{
	uint64_t earned = (now.us - b->refilled_us) * rate_per_s / 1000000;

	if (earned > 0) {
		b->tokens = earned >= burst - b->tokens ? burst : b->tokens + (unsigned)earned;
		b->refilled_us = now.us;
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

static bool is_for_us(const uint8_t to[6], const uint8_t mac[6])
{
	return (to[0] & 1) != 0 || memcmp(to, mac, 6) == 0;
}

static enum input frame_input(struct net *net, struct now now, unsigned port, struct rte_mbuf *m)
{
	struct cur     frame;
	const uint8_t *to;
	uint16_t       type, vlan;

	if (m->nb_segs > 1 && rte_pktmbuf_linearize(m) < 0) {
		net_drop(net, m, METRIC_eth_dropped_short);
		return INPUT_TAKEN;
	}
	if (!vlan_take(m, &vlan)) {
		net_drop(net, m, METRIC_eth_dropped_short);
		return INPUT_TAKEN;
	}
	frame = cur_of(rte_pktmbuf_mtod(m, const void *), m->data_len);
	to = cur_bytes(&frame, 6);
	cur_bytes(&frame, 6);
	type = cur_be16(&frame);
	if (frame.failed)
		net_drop(net, m, METRIC_eth_dropped_short);
	else if (!is_for_us(to, net->config.ports[port].mac))
		net_drop(net, m, METRIC_eth_dropped_address);
	else if (vlan != net->config.ports[port].vlan)
		net_drop(net, m, METRIC_eth_dropped_vlan);
	else if (type == NET_TYPE_IP4)
		return ip4_input(net, now, port, m);
	else if (type == NET_TYPE_IP6)
		return ip6_input(net, now, port, m);
	else if (type == NET_TYPE_ARP)
		arp_input(net, now, port, m);
	else if (type == NET_TYPE_VLAN || type == NET_TYPE_VLAN_OUTER)
		net_drop(net, m, METRIC_eth_dropped_vlan);
	else
		net_drop(net, m, METRIC_eth_dropped_type);
	return INPUT_TAKEN;
}

/* The segment that an input of m led to: m, or what came in fragments. TCP may keep it long, so a
 * buffer for large datagrams is not given away. */
static struct rte_mbuf *segment_of(struct net *net, struct rte_mbuf *m)
{
	struct rte_mbuf *segment = net->whole != NULL ? net->whole : m, *copy;

	net->whole = NULL;
	if (segment->buf_len <= rte_pktmbuf_data_room_size(net->config.pool))
		return segment;
	copy = rte_pktmbuf_copy(segment, net->config.pool, 0, UINT32_MAX);
	if (copy != NULL) {
		copy->l2_len = segment->l2_len;
		copy->l3_len = segment->l3_len;
	} else {
		metric_inc(net->metrics, METRIC_net_no_memory);
	}
	rte_pktmbuf_free(segment);
	return copy;
}

#define PREFETCH_MAX 1024u

/* What comes next is read whole, for its checksum. */
static void packet_prefetch(const struct rte_mbuf *m)
{
	for (unsigned at = 64; at < m->data_len && at < PREFETCH_MAX; at += 64)
		rte_prefetch0(rte_pktmbuf_mtod_offset(m, const void *, at));
}

unsigned net_input_burst(struct net *net, struct now now, unsigned port,
			 struct rte_mbuf *const pkts[], unsigned n, struct rte_mbuf *tcp[])
{
	unsigned count = 0;

	ASSERT(port < net->config.port_count && n <= NET_BURST_MAX);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], const void *));
	for (unsigned i = 0; i < n; i++) {
		if (i + 1 < n)
			packet_prefetch(pkts[i + 1]);
		pkts[i]->port = (uint16_t)port;
		if (frame_input(net, now, port, pkts[i]) == INPUT_TAKEN)
			continue;
		tcp[count] = segment_of(net, pkts[i]);
		count += tcp[count] != NULL;
	}
	return count;
}

static enum input forwarded_input(struct net *net, struct now now, struct rte_mbuf *m)
{
	struct cur frame = cur_of(rte_pktmbuf_mtod(m, const void *), m->data_len);
	uint16_t   type;

	cur_bytes(&frame, 12);
	type = cur_be16(&frame);
	/* the port was noted in the packet by the worker that received it */
	if (m->port < net->config.port_count && type == NET_TYPE_IP4)
		return ip4_input_forwarded(net, now, m->port, m);
	if (m->port < net->config.port_count && type == NET_TYPE_IP6)
		return ip6_input_forwarded(net, now, m->port, m);
	net_drop(net, m, METRIC_ip_dropped_header);
	return INPUT_TAKEN;
}

unsigned net_input_forwarded(struct net *net, struct now now, struct rte_mbuf *const pkts[],
			     unsigned n, struct rte_mbuf *tcp[])
{
	unsigned count = 0;

	ASSERT(n <= NET_BURST_MAX);
	for (unsigned i = 0; i < n; i++) {
		if (forwarded_input(net, now, pkts[i]) == INPUT_TAKEN)
			continue;
		tcp[count] = segment_of(net, pkts[i]);
		count += tcp[count] != NULL;
	}
	return count;
}

void net_foreign_append(struct net *net, unsigned worker, struct rte_mbuf *m)
{
	if (net->foreign_count[worker] == NET_FOREIGN_MAX) {
		net_drop(net, m, METRIC_packets_forward_dropped);
		return;
	}
	net->foreign[worker * NET_FOREIGN_MAX + net->foreign_count[worker]++] = m;
}

unsigned net_foreign_take(struct net *net, unsigned worker, struct rte_mbuf *pkts[], unsigned max)
{
	struct rte_mbuf **from = net->foreign + worker * NET_FOREIGN_MAX;
	unsigned          count, n;

	ASSERT(worker < net->config.workers);
	count = net->foreign_count[worker];
	n = count < max ? count : max;
	if (n == 0)
		return 0;
	memcpy(pkts, from, n * sizeof(*pkts));
	memmove(from, from + n, (count - n) * sizeof(*from));
	net->foreign_count[worker] = count - n;
	return n;
}

void net_news_append(struct net *net, const struct net_news *news)
{
	bool for_people = news->kind == NET_NEWS_DUPLICATE || news->kind == NET_NEWS_CONFLICT;

	if (net->config.workers == 1 && !for_people)
		return;
	if (net->news_count == NET_NEWS_MAX)
		metric_inc(net->metrics, METRIC_net_news_dropped);
	else
		net->news[net->news_count++] = *news;
}

unsigned net_news_take(struct net *net, struct net_news news[], unsigned max)
{
	unsigned n = net->news_count < max ? net->news_count : max;

	if (n == 0)
		return 0;
	memcpy(news, net->news, n * sizeof(*news));
	memmove(net->news, net->news + n, (net->news_count - n) * sizeof(*news));
	net->news_count -= n;
	return n;
}

void net_news_learn(struct net *net, struct now now, const struct net_news *news)
{
	switch ((enum net_news_kind)news->kind) {
	case NET_NEWS_NEIGHBOUR:
		ASSERT(news->port < net->config.port_count);
		neighbour_seen(net, now, &news->address, news->mac, news->port, true);
		break;
	case NET_NEWS_MOVED:
		ASSERT(news->port < net->config.port_count);
		if (news->address.ip6)
			neighbour_advertised(net, now, &news->address, news->mac, news->port, false,
					     true);
		else
			neighbour_seen(net, now, &news->address, news->mac, news->port, false);
		break;
	case NET_NEWS_DUPLICATE:
		local_duplicate(net, &news->address, news->port);
		break;
	case NET_NEWS_CONFLICT: /* for people */
		break;
	case NET_NEWS_MTU:
		pmtu_news_take(net, now, news);
		break;
	}
}

unsigned net_icmp_errors_take(struct net *net, struct net_icmp_error errors[], unsigned max)
{
	unsigned n = net->error_count < max ? net->error_count : max;

	if (n == 0)
		return 0;
	memcpy(errors, net->errors, n * sizeof(*errors));
	memmove(net->errors, net->errors + n, (net->error_count - n) * sizeof(*errors));
	net->error_count -= n;
	return n;
}

unsigned net_owner(const struct net *net, const struct net_addr *local, uint16_t local_port,
		   const struct net_addr *remote, uint16_t remote_port)
{
	return net_steer_owner(&net->steer, local, local_port, remote, remote_port);
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t net_tick(struct net *net, struct now now)
{
	if (now.us < net->tick_us)
		return net->tick_us;
	net->tick_us = UINT64_MAX; /* what is set off now may bring it forward */
	net->tick_us = earliest(net->tick_us, local_tick(net, now));
	net->tick_us = earliest(net->tick_us, router_tick(net, now));
	net->tick_us = earliest(net->tick_us, mld_tick(net, now));
	net->tick_us = earliest(net->tick_us, neighbour_tick(net, now));
	net->tick_us = earliest(net->tick_us, pmtu_tick(net, now));
	net->tick_us = earliest(net->tick_us, frag_tick(net, now));
	return net->tick_us;
}

void net_tx_append(struct net *net, unsigned port, struct rte_mbuf *m)
{
	struct tx_queue *q = &net->tx[port];
	uint16_t         vlan = net->config.ports[port].vlan;

	ASSERT_HOT(q->tail - q->head <= NET_TX_MAX);
	if (q->tail - q->head == NET_TX_MAX) {
		net_drop(net, m, METRIC_packets_tx_dropped);
		return;
	}
	if (vlan != 0 && !vlan_put(m, vlan)) {
		net_drop(net, m, METRIC_ip_dropped_output);
		return;
	}
	if (q->tail == 2 * NET_TX_MAX) {
		memmove(q->pkts, q->pkts + q->head, (q->tail - q->head) * sizeof(q->pkts[0]));
		q->tail -= q->head;
		q->head = 0;
	}
	q->pkts[q->tail++] = m;
}

struct rte_mbuf **net_tx_peek(struct net *net, unsigned port, unsigned *n)
{
	struct tx_queue *q = &net->tx[port];

	*n = q->tail - q->head;
	return q->pkts + q->head;
}

unsigned net_tx_room(const struct net *net, unsigned port)
{
	return NET_TX_MAX - (net->tx[port].tail - net->tx[port].head);
}

void net_tx_sent(struct net *net, unsigned port, unsigned n)
{
	struct tx_queue *q = &net->tx[port];

	ASSERT(n <= q->tail - q->head);
	q->head += n;
	if (q->head == q->tail)
		q->head = q->tail = 0;
}

struct rte_mbuf *net_mbuf_new(struct net *net)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(net->config.pool);

	if (m != NULL)
		m->data_off = NET_HEADROOM;
	return m;
}

const struct net_port_config *net_port(const struct net *net, unsigned port)
{
	ASSERT(port < net->config.port_count);
	return &net->config.ports[port];
}

unsigned net_worker(const struct net *net)
{
	return net->config.worker;
}

uint64_t net_shared_seed(const struct net *net)
{
	return net->config.shared_seed;
}

bool net_is_local(const struct net *net, const struct net_addr *a)
{
	return net_local_find(net, a) != NULL;
}
