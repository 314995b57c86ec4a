/* What workers tell each other: packets of connections, and where neighbours are. */
#include "test.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "record.h"

#define NARROW 1300u /* what the link beyond the router carries */

static struct sim sim;

static const char world[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, "
	"connections: 4, window: 50}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n";

static uint64_t of_worker(unsigned w, unsigned id)
{
	return sim.metrics[w].value[id];
}

static bool links_are_up(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == 4;
}

/* A device with one queue: worker 1 hears nothing but by ring, and so must learn from worker 0
 * where its peers are. */
static void a_worker_that_hears_no_answer_learns_of_a_neighbour_from_the_one_that_does(void **state)
{
	const struct sim_config config = {
		.workers = 2, .seed = 3, .window = 100, .hooks = record_hooks};

	(void)state;
	record_begin(2000);
	sim_new(&sim, &config);
	sim.wire.first_only = true;
	sim_apply(&sim, world);
	assert_int_equal(host_listen(&sim.host, 2776), 0);
	assert_true(sim_until(&sim, links_are_up, 10 * US_PER_SECOND));
	assert_int_equal(of_worker(0, METRIC_links_up), 2);
	assert_int_equal(of_worker(1, METRIC_links_up), 2);
	/* All that came to worker 1 came through worker 0. */
	assert_true(of_worker(0, METRIC_packets_forwarded) > 0);
	assert_int_equal(of_worker(1, METRIC_arp_in), 0);
	assert_int_equal(sim_metric(&sim, METRIC_arp_unanswered), 0);
	for (int i = 0; i < 4; i++)
		assert_true(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
					 PROTO_SENDS | PROTO_RECEIVES));
	assert_true(sim_until(&sim, record_all_answered, 20 * US_PER_SECOND));
	for (uint32_t i = 0; i < record.limit; i++)
		assert_int_equal(record.fates[i].positive, 1);
	assert_true(sim_metric(&sim, METRIC_hops_out) > 0);
	sim_free(&sim);
	record_end();
}

/* Worker 0 is asked, and so knows who asked; worker 1 needs no question of its own. */
static void a_neighbour_that_one_worker_heard_is_asked_by_no_other(void **state)
{
	const struct sim_config config = {
		.workers = 2, .seed = 3, .window = 100, .hooks = record_hooks};
	uint64_t asked;

	(void)state;
	record_begin(0);
	sim_new(&sim, &config);
	sim.wire.first_only = true;
	assert_int_equal(host_listen(&sim.host, 2776), 0);
	assert_true(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1", PROTO_SENDS));
	sim_pass(&sim, 10 * US_PER_MS);
	assert_true(of_worker(0, METRIC_arp_in) > 0);
	asked = of_worker(1, METRIC_arp_requests_out);
	sim_apply(&sim, world);
	assert_true(sim_until(&sim, links_are_up, 10 * US_PER_SECOND));
	assert_int_equal(of_worker(1, METRIC_links_up), 2);
	assert_int_equal(of_worker(1, METRIC_arp_requests_out), asked);
	assert_int_equal(of_worker(1, METRIC_arp_in), 0);
	sim_free(&sim);
	record_end();
}

/* A router beyond which packets of more than NARROW bytes do not pass. It says so to worker 0
 * alone; what worker 1 sends too large vanishes. */
static struct router {
	uint64_t said_us;          /* first */
	unsigned large, narrow[2]; /* a millisecond later: too large, and as large as may be */
} router;

static void too_big_say(const struct rte_ipv4_hdr *quoted)
{
	const uint16_t        size = 20 + 8 + 20 + 8;
	struct rte_mbuf      *m = rte_pktmbuf_alloc(sim.wire.host_pool);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr  *ip;
	struct rte_icmp_hdr  *icmp;

	assert_non_null(m);
	ether = (struct rte_ether_hdr *)rte_pktmbuf_append(m, RTE_ETHER_HDR_LEN + size);
	*ether = (struct rte_ether_hdr){.dst_addr = {{2, 0, 0, 0, 0, 1}},
					.src_addr = {{2, 0, 0, 0, 0, 2}},
					.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)};
	ip = (struct rte_ipv4_hdr *)(ether + 1);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
				    .total_length = rte_cpu_to_be_16(size),
				    .time_to_live = 64,
				    .next_proto_id = IPPROTO_ICMP,
				    .src_addr = quoted->dst_addr,
				    .dst_addr = quoted->src_addr};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	icmp = (struct rte_icmp_hdr *)(ip + 1);
	*icmp = (struct rte_icmp_hdr){
		.icmp_type = 3, .icmp_code = 4, .icmp_seq_nb = rte_cpu_to_be_16(NARROW)};
	memcpy(icmp + 1, quoted, 20 + 8);
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, 8 + 20 + 8);
	wire_host_transmit(&sim.wire, &m, 1);
	if (router.said_us == 0)
		router.said_us = sim.now.us;
}

static bool router_passes(void *context, unsigned worker, const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	uint16_t size = rte_be_to_cpu_16(ip->total_length);
	bool     later = router.said_us != 0 && sim.now.us >= router.said_us + US_PER_MS;

	(void)context;
	if (ip->version_ihl != 0x45 || size <= NARROW) {
		router.narrow[worker] += later && size > NARROW - 100;
		return true;
	}
	router.large += later;
	if (worker == 0)
		too_big_say(ip);
	return false;
}

static void what_a_router_told_one_worker_of_a_path_holds_for_the_other(void **state)
{
	const struct sim_config config = {
		.workers = 2, .seed = 3, .window = 100, .hooks = record_hooks};

	(void)state;
	router = (struct router){0};
	record_begin(0);
	sim_new(&sim, &config);
	sim.wire.first_only = true;
	sim.wire.passes = router_passes;
	sim_apply(&sim, world);
	assert_int_equal(host_listen(&sim.host, 2776), 0);
	for (int i = 0; i < 4; i++)
		assert_true(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
					 PROTO_SENDS | PROTO_RECEIVES));
	assert_true(sim_until(&sim, links_are_up, 10 * US_PER_SECOND));
	record_more(4000);
	assert_true(sim_until(&sim, record_all_answered, 20 * US_PER_SECOND));
	for (uint32_t i = 0; i < record.limit; i++)
		assert_int_equal(record.fates[i].positive, 1);
	assert_true(of_worker(0, METRIC_tcp_mtu_reports) > 0);
	assert_int_equal(of_worker(1, METRIC_tcp_mtu_reports), 0);
	assert_int_equal(of_worker(1, METRIC_tcp_mtu_black_holes), 0);
	assert_int_equal(of_worker(1, METRIC_tcp_timeouts), 0);
	assert_true(of_worker(1, METRIC_path_mtus_learned) > 0);
	assert_int_equal(router.large, 0);
	assert_true(router.narrow[0] > 0 && router.narrow[1] > 0);
	sim_free(&sim);
	record_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_worker_that_hears_no_answer_learns_of_a_neighbour_from_the_one_that_does),
		cmocka_unit_test(a_neighbour_that_one_worker_heard_is_asked_by_no_other),
		cmocka_unit_test(what_a_router_told_one_worker_of_a_path_holds_for_the_other),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
