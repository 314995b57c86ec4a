/* Fuzz target: any bytes as a frame from the wire, as they are and with right checksums, to a
 * worker that hears a UDP port and has sent a datagram from it, to one of two workers as if the
 * other had passed it on, and to one whose port is in a VLAN; every mbuf must come home. */
#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_mbuf.h>

#include "base/assert.h"
#include "eal.h"
#include "net/net.h"
#include "net/output.h"
#include "net/udp.h"

#define ETHER 14u
#define FRAME_MAX 1514u
#define VLAN 77
#define LAYERS 3u
#define OUR_PORT                                                                                   \
	6000 /* these and the datagram: as scripts have them, whose frames are the corpus */
#define PEER_PORT 5000
#define DATAGRAM_SIZE 100u
#define FRAGMENTS_AGE_US (61 * US_PER_SECOND)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rte_mempool *pool;
static struct metrics      metrics;
static struct net         *layers[LAYERS]; /* of one worker, the first of two, and in a VLAN */
static struct now          now = {1000000, 0};

static struct net_addr peer_of(bool ip6)
{
	struct net_addr a = {.ip6 = ip6};

	memcpy(a.w, ip6 ? "\x20\1\0\2\0\0\0\0\0\0\0\0\0\0\0\x63" : "\xc6\x12\0\x63", ip6 ? 16 : 4);
	return a;
}

static struct net *layer_new(unsigned workers, uint16_t vlan)
{
	struct net_config c = {.workers = workers,
			       .port_count = 1,
			       .pool = pool,
			       .metrics = &metrics,
			       .seed = 1,
			       .shared_seed = 2};
	struct net       *net;

	c.ports[0].vlan = vlan;
	memcpy(c.ports[0].mac, "\2\0\0\0\0\1", 6);
	c.ports[0].mtu = 1500;
	c.ports[0].address_count = 2;
	memcpy(c.ports[0].addresses[0].address.w, "\xc6\x12\0\1", 4);
	c.ports[0].addresses[0].prefix = 24;
	memcpy(c.ports[0].addresses[1].address.w, "\x20\1\0\2\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	c.ports[0].addresses[1].address.ip6 = true;
	c.ports[0].addresses[1].prefix = 64;
	net = net_new(&c);
	ASSERT(net != NULL);
	for (unsigned ip6 = 0; ip6 < 2; ip6++)
		ASSERT(net_udp_bind(net, &(struct net_addr){.ip6 = ip6 == 1}, OUR_PORT, NULL,
				    OUR_PORT) == 0);
	return net;
}

static void begin(void)
{
	ASSERT(test_eal_start("64") == 0);
	pool = rte_pktmbuf_pool_create("fuzz", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT(pool != NULL);
	layers[0] = layer_new(1, 0);
	layers[1] = layer_new(2, 0);
	layers[2] = layer_new(1, VLAN);
}

/* At the end of the buffer, so that nothing follows the last byte. */
static struct rte_mbuf *frame_new(const uint8_t *data, size_t size)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	ASSERT(m != NULL);
	m->data_off = (uint16_t)(m->buf_len - size);
	m->data_len = (uint16_t)size;
	m->pkt_len = (uint32_t)size;
	memcpy(rte_pktmbuf_mtod(m, void *), data, size);
	return m;
}

static void tick(struct net *net)
{
	struct rte_mbuf **out;
	unsigned          n;

	net_tick(net, now);
	out = net_tx_peek(net, 0, &n);
	rte_pktmbuf_free_bulk(out, n);
	net_tx_sent(net, 0, n);
}

/* What an ICMP error may be about, to a neighbour who is known, so that nothing waits for him. */
static void datagrams_send(struct net *net)
{
	uint8_t bytes[DATAGRAM_SIZE];

	for (unsigned i = 0; i < DATAGRAM_SIZE; i++)
		bytes[i] = (uint8_t)i;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct net_udp_flow flow = {.local.ip6 = ip6 == 1,
					    .remote = peer_of(ip6 == 1),
					    .local_port = OUR_PORT,
					    .remote_port = PEER_PORT};
		struct net_news     news = {.address = flow.remote, .mac = {2, 0, 0, 0, 0, 99}};

		net_news_learn(net, now, &news);
		net_udp_send(net, now, &flow, bytes, sizeof(bytes));
	}
}

static void udp_take(struct net *net)
{
	struct net_udp_datagram datagram;
	struct net_udp_error    error;

	while (net_udp_receive(net, &datagram, 1) == 1) {
		ASSERT(datagram.user == OUR_PORT && datagram.flow.local_port == OUR_PORT);
		ASSERT(net_is_local(net, &datagram.flow.local));
		while (cur_left(&datagram.bytes) > 0)
			cur_u8(&datagram.bytes);
	}
	while (net_udp_errors(net, &error, 1) == 1)
		ASSERT(error.user == OUR_PORT && error.flow.remote_port == PEER_PORT);
}

static void input(struct net *net, const uint8_t *data, size_t size)
{
	struct rte_mbuf      *m = frame_new(data, size), *tcp[1];
	struct net_icmp_error error;
	struct net_news       news;

	datagrams_send(net);
	if (net_input_burst(net, now, 0, &m, 1, tcp) == 1) {
		ASSERT(tcp[0]->pkt_len >= (uint32_t)tcp[0]->l2_len + tcp[0]->l3_len + 20);
		rte_pktmbuf_free(tcp[0]);
	}
	if (net == layers[1] && net_foreign_take(net, 1, &m, 1) == 1 &&
	    net_input_forwarded(net, now, &m, 1, tcp) == 1)
		rte_pktmbuf_free(tcp[0]);
	while (net == layers[1] &&
	       net_foreign_take(net, 1, &m, 1) == 1) /* an error that goes round all workers */
		rte_pktmbuf_free(m);
	while (net_icmp_errors_take(net, &error, 1) > 0)
		ASSERT(net_is_local(net, &error.local));
	while (net_news_take(net, &news, 1) > 0)
		;
	udp_take(net);
	tick(net);
	if (rte_mempool_in_use_count(pool) > 0) { /* a fragment waits for the others */
		now.us += FRAGMENTS_AGE_US;
		tick(net);
	}
	ASSERT(rte_mempool_in_use_count(pool) == 0);
}

/* Where the checksum of a protocol stands in its header; 0: it has none that is looked at. */
static size_t sum_place(uint8_t protocol)
{
	return protocol == IPPROTO_TCP                                  ? 16
	       : protocol == IPPROTO_UDP                                ? 6
	       : protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? 2
									: 0;
}

static void sum_put(uint8_t *upper, size_t size, uint8_t protocol, uint32_t pseudo)
{
	size_t   place = sum_place(protocol);
	uint32_t sum;

	if (place == 0 || size < place + 2)
		return;
	memset(upper + place, 0, 2);
	sum = pseudo + rte_raw_cksum(upper, size);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	memcpy(upper + place, &(uint16_t){(uint16_t)sum}, 2);
}

static void mend4(uint8_t *frame, size_t size)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + ETHER);
	size_t               header = (ip->version_ihl & 15) * 4u;

	if (header < sizeof(*ip) || size < ETHER + header)
		return;
	if ((ip->fragment_offset & RTE_BE16(0x3fff)) == 0) {
		ip->total_length = rte_cpu_to_be_16((uint16_t)(size - ETHER));
		sum_put((uint8_t *)ip + header, size - ETHER - header, ip->next_proto_id,
			ip->next_proto_id == IPPROTO_ICMP ? 0 : rte_ipv4_phdr_cksum(ip, 0));
	}
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, header);
}

static void mend6(uint8_t *frame, size_t size)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(frame + ETHER);
	uint8_t             *at = (uint8_t *)(ip + 1), *end = frame + size, protocol = ip->proto;
	struct rte_ipv6_hdr  pseudo = *ip;

	ip->payload_len = rte_cpu_to_be_16((uint16_t)(end - at));
	while ((protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
		protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT) &&
	       end - at >= 8) {
		size_t n = protocol == IPPROTO_FRAGMENT ? 8 : at[1] * 8u + 8;

		if (n > (size_t)(end - at))
			return;
		protocol = at[0];
		at += n;
	}
	pseudo.proto = protocol;
	pseudo.payload_len = rte_cpu_to_be_16((uint16_t)(end - at));
	sum_put(at, (size_t)(end - at), protocol, rte_ipv6_phdr_cksum(&pseudo, 0));
}

/* What packets carry is not looked at before their checksums are right, which nobody finds by
 * trying. */
static void mend(uint8_t *frame, size_t size)
{
	if (size >= ETHER + sizeof(struct rte_ipv4_hdr) && frame[12] == 8 && frame[13] == 0)
		mend4(frame, size);
	else if (size >= ETHER + sizeof(struct rte_ipv6_hdr) && frame[12] == 0x86 &&
		 frame[13] == 0xdd)
		mend6(frame, size);
}

static void input_tagged(struct net *net, const uint8_t *data, size_t size)
{
	static const uint8_t tag[4] = {0x81, 0, 0, VLAN};
	uint8_t              tagged[FRAME_MAX + sizeof(tag)];

	if (size < 12)
		return;
	memcpy(tagged, data, 12);
	memcpy(tagged + 12, tag, sizeof(tag));
	memcpy(tagged + 16, data + 12, size - 12);
	input(net, tagged, size + sizeof(tag));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t mended[FRAME_MAX];

	if (pool == NULL)
		begin();
	if (size > FRAME_MAX)
		return 0;
	now.us += 100000; /* so that rate limits do not hide what is behind them */
	memcpy(mended, data, size);
	mend(mended, size);
	for (unsigned i = 0; i < LAYERS; i++) {
		input(layers[i], data, size);
		input(layers[i], mended, size);
	}
	input_tagged(layers[2], mended, size);
	return 0;
}
