/* Fuzz target: any bytes as a frame from the wire, then the same as if another worker had passed it
 * on; every mbuf must come home. */
#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_mbuf.h>

#include "base/assert.h"
#include "eal.h"
#include "net/net.h"
#include "net/output.h"

#define ETHER 14u
#define FRAME_MAX 1514u
#define FRAGMENTS_AGE_US (61 * US_PER_SECOND)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rte_mempool *pool;
static struct metrics      metrics;
static struct net         *layers[2]; /* of one worker, and the first of two */
static struct now          now = {1000000, 0};

static struct net *layer_new(unsigned workers)
{
	struct net_config c = {.workers = workers,
			       .port_count = 1,
			       .pool = pool,
			       .metrics = &metrics,
			       .seed = 1,
			       .shared_seed = 2};

	memcpy(c.ports[0].mac, "\2\0\0\0\0\1", 6);
	c.ports[0].mtu = 1500;
	c.ports[0].address_count = 2;
	memcpy(c.ports[0].addresses[0].address.w, "\xc6\x12\0\1", 4);
	c.ports[0].addresses[0].prefix = 24;
	memcpy(c.ports[0].addresses[1].address.w, "\x20\1\0\2\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	c.ports[0].addresses[1].address.ip6 = true;
	c.ports[0].addresses[1].prefix = 64;
	return net_new(&c);
}

static void begin(void)
{
	ASSERT(test_eal_start("64") == 0);
	pool = rte_pktmbuf_pool_create("fuzz", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT(pool != NULL);
	for (unsigned i = 0; i < 2; i++) {
		layers[i] = layer_new(i + 1);
		ASSERT(layers[i] != NULL);
	}
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

static void input(struct net *net, const uint8_t *data, size_t size)
{
	struct rte_mbuf      *m = frame_new(data, size), *tcp[1];
	struct net_icmp_error error;

	if (net_input_burst(net, now, 0, &m, 1, tcp) == 1) {
		ASSERT(tcp[0]->pkt_len >= (uint32_t)tcp[0]->l2_len + tcp[0]->l3_len + 20);
		rte_pktmbuf_free(tcp[0]);
	}
	if (net == layers[1] && net_foreign_take(net, 1, &m, 1) == 1 &&
	    net_input_forwarded(net, now, &m, 1, tcp) == 1)
		rte_pktmbuf_free(tcp[0]);
	while (net_icmp_errors_take(net, &error, 1) > 0)
		ASSERT(net_is_local(net, &error.local));
	tick(net);
	if (rte_mempool_in_use_count(pool) > 0) { /* a fragment waits for the others */
		now.us += FRAGMENTS_AGE_US;
		tick(net);
	}
	ASSERT(rte_mempool_in_use_count(pool) == 0);
}

/* What ICMPv6 carries is not looked at before its checksum is right, which nobody finds by trying.
 */
static void mend(uint8_t *frame, size_t size)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(frame + ETHER);
	uint8_t             *message = (uint8_t *)(ip + 1);
	uint32_t             sum;

	if (size < ETHER + sizeof(*ip) + 8 || frame[12] != 0x86 || frame[13] != 0xdd ||
	    ip->proto != IPPROTO_ICMPV6)
		return;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(size - ETHER - sizeof(*ip)));
	memset(message + 2, 0, 2);
	sum = rte_ipv6_phdr_cksum(ip, 0) + rte_raw_cksum(message, size - ETHER - sizeof(*ip));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	memcpy(message + 2, &(uint16_t){(uint16_t)sum}, 2);
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
	for (unsigned i = 0; i < 2; i++) {
		input(layers[i], data, size);
		input(layers[i], mended, size);
	}
	return 0;
}
