/* Ports of DPDK without hardware: what goes out of a ring comes in again, and a null device says
 * how it steers. */
#include "test.h"

#include <rte_ether.h>
#include <rte_thash.h>

#include "base/put.h"

#include "../../dataplane/dataplane.h"
#include "../../dataplane/port.h"
#include "../../dataplane/query.h"
#include "sim.h"

#define SEED 77u
#define FRAME 64u

static struct metrics      metrics[NET_WORKERS_MAX];
static struct rte_mempool *pools[NET_WORKERS_MAX];
static struct port         port;

static void port_begin(const char *device, unsigned workers)
{
	struct port_config config = {.name = "core0",
				     .device = device,
				     .mtu = 1500,
				     .shared_seed = SEED,
				     .metrics = metrics};
	char               why[256] = "";

	memset(metrics, 0, sizeof(metrics));
	if (port_open(&config, workers, pools, &port, why, sizeof(why)) < 0)
		fail_msg("%s", why);
}

static struct rte_mbuf *frame_new(uint8_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pools[0]);

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, FRAME), number, FRAME);
	return m;
}

/* How many of 1,000 frames come back over the loop. */
static unsigned loop(void)
{
	unsigned came = 0;

	for (unsigned i = 0; i < 1000; i++) {
		struct rte_mbuf *m = frame_new((uint8_t)i), *in[8];
		unsigned         n;

		assert_int_equal(port_tx_burst(&port, 0, &m, 1), 1);
		n = port_rx_burst(&port, 0, in, 8);
		came += n;
		rte_pktmbuf_free_bulk(in, n);
	}
	return came;
}

static void
a_port_loses_nothing_until_faults_are_on_and_nothing_when_they_are_off_again(void **state)
{
	(void)state;
	port_begin("net_ring0", 1);
	assert_int_equal(loop(), 1000);
	assert_int_equal(port_fault(&port, &(struct conf_fault){.loss = 100, .seed = 1}), 0);
	assert_in_range(loop(), 700, 900); /* on the way out and on the way in */
	assert_in_range(metrics[0].value[METRIC_faults_lost], 100, 300);
	assert_int_equal(port_fault(&port, &(struct conf_fault){0}), 0);
	assert_int_equal(loop(), 1000);
	port_close(&port);
}

static void what_is_delayed_on_the_way_out_is_sent_by_later_turns(void **state)
{
	struct rte_mbuf *m = NULL, *in[8];
	unsigned         n = 0;

	(void)state;
	port_begin("net_ring1", 1);
	assert_int_equal(
		port_fault(&port, &(struct conf_fault){.delay = 1000, .direction = CONF_FAULT_TX}),
		0);
	m = frame_new(1);
	assert_int_equal(port_tx_burst(&port, 0, &m, 1), 1);
	/* The clock of a port is the processor's: no sleep, only turns. */
	for (unsigned long turn = 0; n == 0 && turn < 1000000000; turn++) {
		port_turn(&port, 0);
		n = port_rx_burst(&port, 0, in, 8);
	}
	assert_int_equal(n, 1);
	assert_int_equal(metrics[0].value[METRIC_faults_delayed], 1);
	rte_pktmbuf_free(in[0]);
	port_close(&port);
}

static void a_device_that_cannot_be_told_how_to_steer_has_its_packets_forwarded(void **state)
{
	(void)state;
	port_begin("net_null0", 4);
	assert_int_equal(port.queues, 4);
	assert_int_equal(port_steer(&port, 1, SEED), NET_STEER_ENTRIES);
	assert_string_equal(port_steering(&port), "forwarding");
	assert_non_null(port.rss.why);
	port_close(&port);
}

static void one_worker_needs_no_steering(void **state)
{
	(void)state;
	port_begin("net_null1", 1);
	port_steer(&port, 1, SEED);
	assert_string_equal(port_steering(&port), "one worker");
	assert_null(port.rss.why);
	port_close(&port);
}

static unsigned mtu_of(const char *device, struct rte_mempool *pool, uint16_t wanted)
{
	struct port_config config = {
		.name = "core0", .device = device, .mtu = wanted, .metrics = metrics};
	char     why[256] = "";
	unsigned mtu;

	if (port_open(&config, 1, &pool, &port, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	mtu = port.profile.mtu;
	port_close(&port);
	return mtu;
}

static void the_mtu_is_cut_to_what_buffers_and_device_hold(void **state)
{
	struct rte_mempool *large = port_pool_new("large", 4095, 9000);

	(void)state;
	assert_non_null(large);
	assert_int_equal(mtu_of("net_ring2", pools[0], 1500), 1500);
	assert_in_range(mtu_of("net_ring3", pools[0], 9000), 1500, 2048);
	assert_int_equal(mtu_of("net_ring4", large, 9000), 9000);
	assert_in_range(port_mbuf_size(9000), 9000 + RTE_PKTMBUF_HEADROOM, 10000);
	rte_mempool_free(large);
}

static const json_t *cell(const json_t *reply, const char *column)
{
	const json_t *name;
	size_t        i;

	json_array_foreach(json_object_get(reply, "columns"), i, name)
	{
		if (strcmp(json_string_value(name), column) == 0)
			return json_array_get(json_array_get(json_object_get(reply, "rows"), 0), i);
	}
	fail_msg("there is no column %s", column);
	return NULL;
}

static void the_list_of_ports_shows_each_with_its_vlan(void **state)
{
	static struct dataplane  dp = {.ports = &port, .port_count = 1};
	static const uint16_t    vlans[] = {0, 100, 4094};
	static const char *const devices[] = {"net_ring5", "net_ring6", "net_ring7"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct port_config config = {.name = "core0",
					     .device = devices[i],
					     .mtu = 1400,
					     .vlan = vlans[i],
					     .metrics = metrics};
		json_t            *reply = NULL;
		char               why[256] = "";

		if (port_open(&config, 1, pools, &port, why, sizeof(why)) < 0)
			fail_msg("%s", why);
		assert_int_equal(query_port_list(&dp, NULL, &reply, why), 0);
		assert_string_equal(json_string_value(cell(reply, "name")), "core0");
		assert_int_equal(json_integer_value(cell(reply, "mtu")), 1400);
		assert_int_equal(json_integer_value(cell(reply, "vlan")), vlans[i]);
		assert_int_equal(json_integer_value(cell(reply, "queues")), 1);
		assert_string_equal(json_string_value(cell(reply, "faults")), "");
		json_decref(reply);
		port_close(&port);
	}
}

struct link {
	bool ip6, tagged;
};

static const struct link links[] = {{false, false}, {false, true}, {true, false}, {true, true}};

#define LINKS (sizeof(links) / sizeof(links[0]))

/* A segment from remote_port to 2775, with the hash of a device that has the key of this seed. */
static struct rte_mbuf *hashed_segment(struct link link, uint16_t remote_port, uint64_t seed)
{
	/* source and destination; the last word is of the ports */
	uint32_t         tuple4[3] = {0xc6120002, 0xc6120001};
	uint32_t         tuple6[9] = {0x20010002, 0, 0, 2, 0x20010002, 0, 0, 1};
	uint32_t        *tuple = link.ip6 ? tuple6 : tuple4;
	unsigned         words = link.ip6 ? 9 : 3;
	struct rte_mbuf *m = frame_new(0);
	struct put       w = put_to(rte_pktmbuf_mtod(m, uint8_t *), FRAME);
	uint8_t          key[NET_STEER_KEY_SIZE], zeros[12] = {0};

	net_steer_key(seed, key);
	tuple[words - 1] = (uint32_t)remote_port << 16 | 2775;
	put_bytes(&w, zeros, 12);
	if (link.tagged)
		put_be32(&w, (uint32_t)RTE_ETHER_TYPE_VLAN << 16 | 100);
	put_be16(&w, link.ip6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	put_u8(&w, link.ip6 ? 0x60 : 0x45);
	put_bytes(&w, zeros, link.ip6 ? 5 : 8);
	put_u8(&w, IPPROTO_TCP);
	put_bytes(&w, zeros, link.ip6 ? 1 : 2);
	for (unsigned i = 0; i < words; i++)
		put_be32(&w, tuple[i]);
	m->ol_flags = RTE_MBUF_F_RX_RSS_HASH;
	m->hash.rss = rte_softrss(tuple, words, key);
	return m;
}

static void check(struct rss *rss, struct link link, unsigned packets, uint64_t seed)
{
	for (unsigned i = 0; i < packets; i++) {
		struct rte_mbuf *m = hashed_segment(link, (uint16_t)(1024 + i), seed);

		rss_check(rss, 0, &m, 1, metrics);
		rte_pktmbuf_free(m);
	}
}

static void a_device_whose_packets_bear_another_hash_is_found_out_by_the_first(void **state)
{
	static struct net_steer steer;

	(void)state;
	net_steer_init(&steer, SEED, 2, NET_STEER_ENTRIES);
	for (unsigned i = 0; i < LINKS; i++) {
		struct rss rss = {
			.reta_size = 128, .steers = true, .steer = &steer, .checks_left = {64}};

		memset(metrics, 0, sizeof(metrics));
		check(&rss, links[i], 10, SEED);
		assert_false(rss.misdirects);
		assert_int_equal(rss.checks_left[0], 54);
		check(&rss, links[i], 1, SEED + 1);
		assert_true(rss.misdirects);
		assert_int_equal(metrics[0].value[METRIC_packets_misdirected], 1);
		check(&rss, links[i], 100, SEED);
		assert_int_equal(rss.checks_left[0], 0);
	}
}

static void what_bears_no_hash_or_is_no_tcp_is_not_judged(void **state)
{
	static struct net_steer steer;
	struct rss              rss = {.steers = true, .steer = &steer, .checks_left = {64}};
	struct rte_mbuf        *m = hashed_segment(links[0], 1, SEED + 1);

	(void)state;
	net_steer_init(&steer, SEED, 2, NET_STEER_ENTRIES);
	m->ol_flags = 0;
	rss_check(&rss, 0, &m, 1, metrics);
	m->ol_flags = RTE_MBUF_F_RX_RSS_HASH;
	for (uint16_t cut = 0; cut < 38; cut++) {
		m->data_len = cut;
		rss_check(&rss, 0, &m, 1, metrics);
	}
	m->data_len = FRAME;
	rte_pktmbuf_mtod_offset(m, uint8_t *, RTE_ETHER_HDR_LEN)[9] = IPPROTO_UDP;
	rss_check(&rss, 0, &m, 1, metrics);
	assert_false(rss.misdirects);
	assert_int_equal(rss.checks_left[0], 64);
	rte_pktmbuf_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_port_loses_nothing_until_faults_are_on_and_nothing_when_they_are_off_again),
		cmocka_unit_test(what_is_delayed_on_the_way_out_is_sent_by_later_turns),
		cmocka_unit_test(
			a_device_that_cannot_be_told_how_to_steer_has_its_packets_forwarded),
		cmocka_unit_test(one_worker_needs_no_steering),
		cmocka_unit_test(the_mtu_is_cut_to_what_buffers_and_device_hold),
		cmocka_unit_test(the_list_of_ports_shows_each_with_its_vlan),
		cmocka_unit_test(
			a_device_whose_packets_bear_another_hash_is_found_out_by_the_first),
		cmocka_unit_test(what_bears_no_hash_or_is_no_tcp_is_not_judged),
	};

	sim_eal();
	for (unsigned w = 0; w < 4; w++) {
		char name[32];

		snprintf(name, sizeof(name), "port_test_%u", w);
		pools[w] = port_pool_new(name, 8191, 1500);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
