/*
 * Fuzz target: fragments of a few datagrams, in any order and of any place and length, to a worker
 * that hears their port. Bytes that arrive are those of their place, so whatever is put together
 * must be exactly that; what is held stays within its limits; every buffer comes home.
 *
 * Each fragment is 4 bytes: family and datagram (1 and 3 bits), last, silence before it, and in
 * IPv6 what the datagram begins with (2 bits: UDP, destination options, a fragment header again);
 * place in units of 8; length; a fault.
 */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "base/assert.h"
#include "base/cur.h"
#include "eal.h"
#include "net/net.h"
#include "net/udp.h"

#define PORT 5060
#define HELD_MAX (1023u / 8)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rte_mempool *pool;
static struct metrics      metrics;
static struct net         *net;
static struct now          now = {1000000, 0};

static void begin(void)
{
	struct net_config c = {
		.workers = 1, .port_count = 1, .metrics = &metrics, .seed = 1, .shared_seed = 2};

	ASSERT(test_eal_start("64") == 0);
	pool = rte_pktmbuf_pool_create("fuzz", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT(pool != NULL);
	c.pool = pool;
	memcpy(c.ports[0].mac, "\2\0\0\0\0\1", 6);
	c.ports[0].mtu = 1500;
	c.ports[0].address_count = 2;
	memcpy(c.ports[0].addresses[0].address.w, "\xc6\x12\0\1", 4);
	c.ports[0].addresses[0].prefix = 24;
	memcpy(c.ports[0].addresses[1].address.w, "\x20\x01\0\2\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	c.ports[0].addresses[1].address.ip6 = true;
	c.ports[0].addresses[1].prefix = 64;
	net = net_new(&c);
	ASSERT(net != NULL);
	ASSERT(net_udp_bind(net, &(struct net_addr){0}, PORT, NULL, 4) == 0);
	ASSERT(net_udp_bind(net, &(struct net_addr){.ip6 = true}, PORT, NULL, 6) == 0);
}

/* Byte at of each datagram: a UDP header without checksum (IPv6: its packets never pass, but are
 * put together) and a length that any datagram has, then a pattern. */
static uint8_t byte_at(uint32_t at)
{
	static const uint8_t header[8] = {0x0f, 0xa0, PORT >> 8, PORT & 255, 0, 16, 0, 0};

	return at < 8 ? header[at] : (uint8_t)(at * 31 + at / 251);
}

static uint8_t *ip4_put(uint8_t *at, unsigned id, uint32_t offset, uint32_t n, bool more)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(20 + n)),
		.packet_id = rte_cpu_to_be_16((uint16_t)id),
		.fragment_offset = rte_cpu_to_be_16((uint16_t)(offset / 8 | (more ? 0x2000 : 0))),
		.time_to_live = 9,
		.next_proto_id = 17,
	};

	memcpy(&ip.src_addr, "\xc6\x12\0\2", 4);
	memcpy(&ip.dst_addr, "\xc6\x12\0\1", 4);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(at, &ip, 20);
	return at + 20;
}

static uint8_t *ip6_put(uint8_t *at, uint8_t next, unsigned id, uint32_t offset, uint32_t n,
			bool more)
{
	uint16_t where = (uint16_t)((offset & 0xfff8) | more);
	uint8_t  header[48] = {0x60, 0, 0, 0, (uint8_t)((n + 8) >> 8), (uint8_t)(n + 8), 44, 9};

	memcpy(header + 8, "\x20\x01\0\2\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	memcpy(header + 24, "\x20\x01\0\2\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	memcpy(header + 40,
	       (uint8_t[]){next, 0, (uint8_t)(where >> 8), (uint8_t)where, 0, 0, 0, (uint8_t)id},
	       8);
	memcpy(at, header, 48);
	return at + 48;
}

static void fragment_in(bool ip6, uint8_t next, unsigned id, uint32_t offset, uint32_t n, bool more,
			uint8_t fault)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *tcp[1];
	uint8_t         *frame = rte_pktmbuf_mtod(m, uint8_t *), *at;

	memcpy(frame, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	memcpy(frame + 12, ip6 ? "\x86\xdd" : "\x08\x00", 2);
	at = ip6 ? ip6_put(frame + 14, next, id, offset, n, more)
		 : ip4_put(frame + 14, id, offset, n, more);
	for (uint32_t i = 0; i < n; i++)
		at[i] = byte_at(offset + i);
	m->data_len = (uint16_t)(at + n - frame);
	if (fault >= 0xf8 && m->data_len > 20) /* cut */
		m->data_len = (uint16_t)(m->data_len - fault % 8 - 1);
	else if (fault >= 0xf0 && n > 0) /* changed on the way */
		at[fault % n] ^= 1;
	m->pkt_len = m->data_len;
	ASSERT(net_input_burst(net, now, 0, &m, 1, tcp) == 0);
}

static void out_drop(void)
{
	unsigned          n;
	struct rte_mbuf **out = net_tx_peek(net, 0, &n);

	rte_pktmbuf_free_bulk(out, n);
	net_tx_sent(net, 0, n);
}

/* Without a fault what came is what was sent: by its place each byte is known. */
static void datagrams_check(bool faults)
{
	struct net_udp_datagram d;

	while (net_udp_receive(net, &d, 1) == 1) {
		ASSERT(d.user == 4 && (faults || cur_left(&d.bytes) == 8));
		for (uint32_t i = 0; i < 8 && !faults; i++)
			ASSERT(d.bytes.p[i] == byte_at(8 + i));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nexts[] = {17, 60, 44, 17};
	struct cur           in = cur_of(data, size);
	bool                 faults = false;

	if (net == NULL)
		begin();
	for (unsigned i = 0; i < 512 && cur_left(&in) >= 4; i++) {
		uint8_t kind = cur_u8(&in), place = cur_u8(&in), length = cur_u8(&in);
		uint8_t fault = cur_u8(&in);
		bool    more = (kind & 0x10) == 0;

		faults |= fault >= 0xf0;
		now.us += (kind & 0x20) != 0 ? 20 * US_PER_SECOND : 1;
		net_tick(net, now);
		fragment_in((kind & 1) != 0, nexts[kind >> 6], kind >> 1 & 7, place * 8u,
			    more ? length * 8u % 1456 : length * 5u % 1456, more, fault);
		ASSERT(rte_mempool_in_use_count(pool) <= HELD_MAX + 512 + NET_TX_MAX);
		datagrams_check(faults);
		out_drop();
		ASSERT(rte_mempool_in_use_count(pool) <= HELD_MAX);
	}
	now.us += 61 * US_PER_SECOND;
	net_tick(net, now);
	datagrams_check(faults);
	out_drop();
	ASSERT(rte_mempool_in_use_count(pool) == 0);
	return 0;
}
