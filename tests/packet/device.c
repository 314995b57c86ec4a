#include "device.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "base/assert.h"
#include "eal.h"

#define POOL_SIZE 1023u
#define SEED 42u
#define TURNS_MAX 64u

static struct rte_mempool *stack_pool, *wire_pool;

/* Documentation's range of RFC 2544 for hosts; the fuzz targets use the same, so that frames can
 * become their corpus. */
static void hosts_make(struct hosts *h, bool ip6)
{
	static const uint8_t last[WHO_COUNT] = {1, 99, 50, 1, 100, 0, 77};

	memset(h, 0, sizeof(*h));
	for (unsigned i = 0; i < WHO_COUNT; i++) {
		struct net_addr *a = &h->address[i];

		a->ip6 = ip6;
		a->w[0] = rte_cpu_to_be_32(ip6 ? 0x20010002u : 0xc6120000u | last[i]);
		if (ip6)
			a->w[3] = rte_cpu_to_be_32(last[i]);
		h->mac[i][0] = 2;
		h->mac[i][5] = last[i];
	}
	h->address[WHO_NONE] = (struct net_addr){.ip6 = ip6};
	if (!ip6)
		return;
	/* RFC 4291, appendix A: ours is made of the hardware address */
	h->address[WHO_LINK].w[0] = h->address[WHO_ROUTER].w[0] = rte_cpu_to_be_32(0xfe800000);
	h->address[WHO_LINK].w[2] = rte_cpu_to_be_32(0x000000ff);
	h->address[WHO_LINK].w[3] = rte_cpu_to_be_32(0xfe000001);
}

bool device_init(void)
{
	if (test_eal_start("64") < 0)
		return false;
	stack_pool =
		rte_pktmbuf_pool_create("stack", POOL_SIZE, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	wire_pool = rte_pktmbuf_pool_create("wire", POOL_SIZE, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return stack_pool != NULL && wire_pool != NULL;
}

static struct net *net_make(struct device *d)
{
	struct net_config       config = {.workers = 1, .port_count = 1, .pool = stack_pool};
	struct net_port_config *port = &config.ports[0];
	bool                    offload = (d->traits & TRAIT_OFFLOAD) != 0;

	config.metrics = d->metrics;
	config.seed = SEED;
	config.shared_seed = SEED + 7;
	memcpy(port->mac, d->hosts.mac[WHO_US], 6);
	port->mtu = d->script->mtu;
	port->vlan = d->traits & TRAIT_VLAN ? DEVICE_VLAN : 0;
	port->rx_checksum = port->tx_ip_checksum = port->tx_tcp_checksum = offload;
	port->address_count = 1;
	port->addresses[0].address = d->hosts.address[WHO_US];
	port->addresses[0].prefix = d->hosts.address[WHO_US].ip6 ? 64 : 24;
	port->duplicate_check = d->script->duplicate_check;
	if (d->script->gateway || d->script->router)
		d->hosts.address[WHO_PEER].w[0] ^= rte_cpu_to_be_32(0x00010000);
	if (d->script->gateway) {
		port->has_gateway = true;
		port->gateway = d->hosts.address[WHO_OTHER];
	}
	return net_new(&config);
}

static void flows_make(struct device *d)
{
	for (unsigned i = 0; i < DEVICE_FLOWS; i++) {
		d->flows[i] = (struct flow){.peer_port = (uint16_t)(40000 + i),
					    .our_port = DEVICE_PORT,
					    .conn = TCP_CONN_NONE};
	}
}

static void neighbour_is_known(struct device *d)
{
	enum who        hop = d->script->gateway ? WHO_OTHER : WHO_PEER;
	struct net_news news = {.address = d->hosts.address[hop]};

	memcpy(news.mac, d->hosts.mac[hop], 6);
	if (!d->script->neighbours_seen && !d->script->router)
		net_news_learn(d->net, d->now, &news);
}

void device_begin(struct device *d, const struct script *script, uint32_t traits, uint64_t start_us)
{
	struct tcp_config config = script->config;

	memset(d, 0, offsetof(struct device, out));
	d->out_first = d->out_count = d->event_count = d->burst_count = d->squeezed_count = 0;
	d->datagram_count = d->udp_error_count = 0;
	d->logged = 0;
	d->lost_count = false;
	d->script = script;
	d->traits = traits;
	d->start_us = d->now.us = start_us;
	hosts_make(&d->hosts, (traits & TRAIT_IP6) != 0);
	d->metrics = aligned_alloc(64, (sizeof(*d->metrics) + 63) & ~(size_t)63);
	ASSERT(d->metrics != NULL);
	memset(d->metrics, 0, sizeof(*d->metrics));
	d->net = net_make(d);
	config.net = d->net;
	config.pool = stack_pool;
	config.metrics = d->metrics;
	config.seed = SEED;
	config.shared_seed = SEED + 7;
	if (config.connections_max == 0)
		config.connections_max = 64;
	if (config.half_open_max == 0)
		config.half_open_max = 64;
	if (config.time_wait_max == 0)
		config.time_wait_max = 16;
	d->tcp = tcp_new(&config);
	ASSERT(d->net != NULL && d->tcp != NULL);
	flows_make(d);
	device_turn(d);
	d->out_count = 0;
}

const char *device_end(struct device *d)
{
	rte_pktmbuf_free_bulk(d->squeezed, d->squeezed_count);
	rte_pktmbuf_free_bulk(d->burst, d->burst_count);
	tcp_free(d->tcp);
	net_free(d->net);
	free(d->metrics);
	if (rte_mempool_in_use_count(stack_pool) != 0 || rte_mempool_in_use_count(wire_pool) != 0)
		return "packet buffers did not come back at the end";
	return NULL;
}

static void log_add(struct device *d, const struct frame *frame, bool in)
{
	d->log[d->logged++ % DEVICE_LOG] =
		(struct device_log){.frame = *frame, .at_us = d->now.us, .in = in};
}

static struct flow *flow_find(void *context, uint16_t peer_port, uint16_t our_port)
{
	struct device *d = context;

	d->found = 0;
	if (peer_port >= DEVICE_FLOOD_PORT)
		return &d->flows[0];
	for (unsigned i = 1; i < DEVICE_FLOWS; i++) {
		struct flow *flow = &d->flows[i];

		if (flow->peer_port != peer_port ||
		    (flow->our_port != 0 && flow->our_port != our_port))
			continue;
		flow->our_port = our_port;
		d->found = i;
		return flow;
	}
	return NULL;
}

/* Announcements, questions and answers about neighbours are seen only by scripts that want to. */
static bool hidden(const struct device *d, const struct rte_mbuf *m)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);

	if (d->script->link_seen)
		return false;
	if (bytes[12] == 0x08 && bytes[13] == 0x06)
		return !d->script->neighbours_seen;
	if (bytes[12] != 0x86)
		return false;
	/* Routers and multicast groups: what is said by the link's own address or with options. */
	if (bytes[20] == 0 || (bytes[22] == 0xfe && bytes[23] == 0x80))
		return true;
	return !d->script->neighbours_seen && bytes[20] == 58 && bytes[54] >= 133 &&
	       bytes[54] <= 137;
}

static void timestamp_note(struct device *d, struct flow *flow, struct frame *f)
{
	uint32_t passed_ms = (uint32_t)((d->now.us - d->start_us) / US_PER_MS);
	bool     cookies = d->metrics->value[METRIC_tcp_cookies_sent] > 0;

	if (!frame_has(f, FIELD_TS))
		return;
	/* A cookie's timestamp carries bits of the handshake. */
	if (!flow->ts_known || (f->flags & SYN && !cookies))
		flow->ts_base = f->value[FIELD_TS] - passed_ms;
	flow->ts_known |= !(f->flags & SYN) || !cookies;
	flow->ts_seen = f->value[FIELD_TS];
	f->value[FIELD_TS] -= flow->ts_base;
}

/* Takes off the tag that all must have; false: it is another. */
static bool tag_take(const struct device *d, struct rte_mbuf *m)
{
	static const uint8_t tag[4] = {0x81, 0, 0, DEVICE_VLAN};
	uint8_t             *bytes = rte_pktmbuf_mtod(m, uint8_t *);

	if (!(d->traits & TRAIT_VLAN))
		return true;
	if (m->data_len < 18 || memcmp(bytes + 12, tag, sizeof(tag)) != 0 ||
	    (m->ol_flags & RTE_MBUF_F_TX_L4_MASK && m->l2_len != 18))
		return false;
	memmove(bytes + 4, bytes, 12);
	return rte_pktmbuf_adj(m, 4) != NULL;
}

static void out_read(struct device *d, struct rte_mbuf *m)
{
	struct device_out *out = &d->out[(d->out_first + d->out_count) % DEVICE_OUT_MAX];
	bool               tagged = tag_take(d, m);

	if (d->ears != NULL)
		d->ears->out(d->ears->context, d, rte_pktmbuf_mtod(m, const uint8_t *),
			     m->data_len);
	if (hidden(d, m))
		return;
	if (d->out_count == DEVICE_OUT_MAX) {
		d->lost_count = true;
		return;
	}
	d->found = 1;
	out->at_us = d->now.us;
	out->wrong = frame_read(m, &d->hosts, flow_find, d, (d->traits & TRAIT_OFFLOAD) != 0,
				&out->frame);
	out->frame.flow = d->found;
	if (!tagged)
		out->wrong = "not the tag of the port's VLAN";
	if (out->wrong == NULL && out->frame.kind == FRAME_TCP) {
		if (d->found == 0)
			return;
		timestamp_note(d, &d->flows[d->found], &out->frame);
	}
	log_add(d, &out->frame, false);
	d->out_count++;
}

static void collect(struct device *d)
{
	unsigned          n;
	struct rte_mbuf **out = net_tx_peek(d->net, 0, &n);

	for (unsigned i = 0; i < n; i++) {
		out_read(d, out[i]);
		rte_pktmbuf_free(out[i]);
	}
	net_tx_sent(d->net, 0, n);
}

static void event_take(struct device *d, const struct tcp_event *event)
{
	struct device_event *e = &d->events[d->event_count];
	struct tcp_info      info;

	if (d->event_count == DEVICE_EVENTS_MAX) {
		d->lost_count = true;
		return;
	}
	d->event_count++;
	*e = (struct device_event){.event = *event, .flow = (unsigned)event->user};
	if (event->kind == TCP_EVENT_ACCEPTED) {
		d->found = 1;
		if (tcp_info(d->tcp, event->conn, &info))
			flow_find(d, info.remote_port, info.local_port);
		e->flow = d->found;
		d->flows[d->found].conn = event->conn;
		tcp_set_user(d->tcp, event->conn, d->found);
	}
}

static void application(struct device *d)
{
	struct tcp_event event;

	while (tcp_events(d->tcp, &event, 1) > 0)
		event_take(d, &event);
	device_udp_take(d);
	for (unsigned i = 1; i < DEVICE_FLOWS; i++) {
		if (d->flows[i].drains)
			device_read(d, &d->flows[i], SIZE_MAX);
	}
}

void device_turn(struct device *d)
{
	struct rte_mbuf *segments[NET_BURST_MAX];
	unsigned         n = d->burst_count, turns = 0;

	neighbour_is_known(d);
	d->burst_count = 0;
	if (n > 0) {
		n = net_input_burst(d->net, d->now, 0, d->burst, n, segments);
		tcp_input_burst(d->tcp, d->now, segments, n);
	}
	do {
		uint64_t net_us = net_tick(d->net, d->now), tcp_us;

		tcp_tick(d->tcp, d->now);
		application(d);
		tcp_flush(d->tcp, d->now);
		collect(d);
		tcp_us = tcp_tick(d->tcp, d->now);
		net_us = net_tick(d->net, d->now);
		d->next_us = tcp_us < net_us ? tcp_us : net_us;
	} while (d->next_us <= d->now.us && ++turns < TURNS_MAX);
}

/* One piece, or pieces cut at odd places, each in an mbuf of its own. */
static struct rte_mbuf *mbuf_of(struct device *d, const uint8_t *bytes, size_t size)
{
	static const uint16_t cuts[] = {13, 1, 30, 7, 11, 101};
	bool                  chained = (d->traits & TRAIT_CHAINED) != 0;
	struct rte_mbuf      *head = NULL;

	for (size_t done = 0, i = 0; done < size || head == NULL; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(wire_pool);
		size_t           n = size - done;

		ASSERT(m != NULL);
		if (chained && i < sizeof(cuts) / sizeof(cuts[0]) && n > cuts[i])
			n = cuts[i];
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), bytes + done, n);
		done += n;
		if (head == NULL)
			head = m;
		else
			ASSERT(rte_pktmbuf_chain(head, m) == 0);
	}
	return head;
}

/* Variants with a VLAN give each frame its tag, unless the script says which, or none. */
static size_t tag_put(const struct device *d, const struct frame *frame, uint8_t *bytes,
		      size_t size)
{
	uint32_t vlan = frame_has(frame, FIELD_VLAN) ? frame->value[FIELD_VLAN] : DEVICE_VLAN;
	uint8_t  tag[4] = {0x81, 0, (uint8_t)(vlan >> 8), (uint8_t)vlan};

	if ((!(d->traits & TRAIT_VLAN) && !frame_has(frame, FIELD_VLAN)) ||
	    frame->words & WORD_UNTAGGED || size < 12)
		return size;
	memmove(bytes + 16, bytes + 12, size - 12);
	memcpy(bytes + 12, tag, sizeof(tag));
	return size + sizeof(tag);
}

void device_frame(struct device *d, const struct frame *frame)
{
	uint8_t          bytes[FRAME_SIZE_MAX + 4];
	size_t           size = frame_write(frame, &d->flows[frame->flow], &d->hosts, bytes);
	struct rte_mbuf *m;

	size = tag_put(d, frame, bytes, size);
	if (d->ears != NULL)
		d->ears->in(d->ears->context, d, bytes, size);
	log_add(d, frame, true);
	m = mbuf_of(d, bytes, size);
	if (d->traits & TRAIT_OFFLOAD)
		m->ol_flags |= frame->words & WORD_BAD_CHECKSUM ? RTE_MBUF_F_RX_L4_CKSUM_BAD
								: RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (d->burst_count == NET_BURST_MAX) {
		d->lost_count = true;
		rte_pktmbuf_free(m);
		return;
	}
	d->burst[d->burst_count++] = m;
}

void device_pass_before(struct device *d, uint64_t until_us)
{
	while (d->out_count == 0 && d->next_us < until_us) {
		if (d->next_us > d->now.us)
			d->now.us = d->next_us;
		device_turn(d);
		if (d->next_us <= d->now.us)
			d->next_us = d->now.us + 1;
	}
	if (d->out_count == 0 && d->now.us < until_us)
		d->now.us = until_us;
}

void device_pass(struct device *d, uint64_t until_us)
{
	device_pass_before(d, until_us);
	if (d->out_count == 0 && d->now.us == until_us)
		device_turn(d);
}

bool device_listen(struct device *d, const struct step *step)
{
	struct net_addr any = {.ip6 = d->hosts.address[WHO_US].ip6};

	return tcp_listen(d->tcp, &any, DEVICE_PORT, &step->options, 1) == 0;
}

bool device_connect(struct device *d, const struct step *step)
{
	struct flow *flow = &d->flows[step->flow];

	flow->peer_port = (uint16_t)(7000 + step->flow);
	flow->our_port = 0;
	flow->conn = tcp_connect(d->tcp, d->now, &d->hosts.address[WHO_PEER], flow->peer_port,
				 &step->options, step->flow);
	return flow->conn != TCP_CONN_NONE;
}

const char *device_read(struct device *d, struct flow *flow, size_t n)
{
	const char *wrong = NULL;

	while (n > 0 && wrong == NULL) {
		struct cur in;
		size_t     part;

		if (tcp_peek(d->tcp, flow->conn, 1, &in) == 0)
			return n == SIZE_MAX ? NULL : "fewer bytes wait than are to be read";
		part = cur_left(&in) < n ? cur_left(&in) : n;
		for (size_t i = 0; i < part; i++) {
			if (in.p[i] != (flow->read + 1 + i) % 251)
				wrong = "what is read is not what the peer sent there";
		}
		tcp_consume(d->tcp, flow->conn, part);
		flow->read += (uint32_t)part;
		n -= n == SIZE_MAX ? 0 : part;
	}
	return wrong;
}

size_t device_send(struct device *d, struct flow *flow, size_t n)
{
	uint8_t bytes[4096];
	size_t  done = 0;

	while (done < n) {
		size_t part = n - done < sizeof(bytes) ? n - done : sizeof(bytes), taken;

		for (size_t i = 0; i < part; i++)
			bytes[i] = (uint8_t)((flow->sent + 1 + i) % 251);
		taken = tcp_send(d->tcp, flow->conn, bytes, part);
		flow->sent += (uint32_t)taken;
		done += taken;
		if (taken < part)
			break;
	}
	return done;
}

void device_squeeze(struct device *d, unsigned percent)
{
	rte_pktmbuf_free_bulk(d->squeezed, d->squeezed_count);
	d->squeezed_count = 0;
	while (d->squeezed_count < 1024 &&
	       rte_mempool_avail_count(stack_pool) > POOL_SIZE * percent / 100) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(stack_pool);

		if (m == NULL)
			break;
		d->squeezed[d->squeezed_count++] = m;
	}
}

uint32_t device_offer(const struct device *d)
{
	return d->script->mtu - (d->hosts.address[WHO_US].ip6 ? 60u : 40u);
}

/* RFC 9293, 3.7.1: what the peer offered (536 when it said nothing), no more than fits, less the
 * options of every segment. */
uint32_t device_mss(const struct device *d, const struct flow *flow)
{
	uint32_t mss = flow->peer_mss != 0 ? flow->peer_mss : 536;

	if (mss < 536)
		mss = 536;
	if (mss > device_offer(d))
		mss = device_offer(d);
	return mss - (flow->timestamps ? 12 : 0);
}
