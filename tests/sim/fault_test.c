/* The faults that a port injects, packet by packet in virtual time. */
#include "test.h"

#include <stdlib.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "../../dataplane/fault.h"
#include "sim.h"

#define POOL_SIZE 8191u
#define PACKETS 20000u
#define PAYLOAD 100u
#define FRAME                                                                                      \
	(RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr) + PAYLOAD)

static struct rte_mempool *pool;
static struct metrics      metrics[2];
static struct faults      *faults;

static uint64_t metric(unsigned id)
{
	return metrics_sum(metrics, 2, id);
}

static int begin(void **state)
{
	struct rte_mempool *pools[2] = {pool, pool};

	(void)state;
	memset(metrics, 0, sizeof(metrics));
	faults = faults_new(2, pools, metrics);
	return faults != NULL ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	faults_free(faults);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_SIZE); /* nothing was lost or kept */
	return 0;
}

/* A frame of TCP over IPv4 with right checksums, numbered in its payload. */
static struct rte_mbuf *packet(uint32_t number, uint16_t ether_type)
{
	struct rte_mbuf      *m = rte_pktmbuf_alloc(pool);
	uint8_t              *frame;
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr  *ip;
	struct rte_tcp_hdr   *tcp;

	assert_non_null(m);
	frame = (uint8_t *)rte_pktmbuf_append(m, FRAME);
	memset(frame, 0, FRAME);
	ether = (struct rte_ether_hdr *)frame;
	ip = (struct rte_ipv4_hdr *)(ether + 1);
	tcp = (struct rte_tcp_hdr *)(ip + 1);
	ether->ether_type = rte_cpu_to_be_16(ether_type);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
				    .total_length = rte_cpu_to_be_16(FRAME - RTE_ETHER_HDR_LEN),
				    .time_to_live = 64,
				    .next_proto_id = IPPROTO_TCP,
				    .src_addr = 0x010012c6,
				    .dst_addr = 0x020012c6};
	memcpy(tcp + 1, &number, sizeof(number));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	return m;
}

static uint32_t number_of(const struct rte_mbuf *m)
{
	uint32_t number;

	memcpy(&number, rte_pktmbuf_mtod_offset(m, uint8_t *, FRAME - PAYLOAD), sizeof(number));
	return number;
}

static bool sums_are_right(const struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);

	return ip->version_ihl == 0x45 && rte_raw_cksum(ip, sizeof(*ip)) == 0xffff &&
	       ip->total_length == rte_cpu_to_be_16(FRAME - RTE_ETHER_HDR_LEN) &&
	       rte_ipv4_udptcp_cksum_verify(ip, ip + 1) == 0;
}

static void put_one(struct rte_mbuf *m, uint64_t now_us)
{
	faults_put(faults, 0, FAULT_RX, now_us, &m, 1);
}

static unsigned drain(uint64_t now_us)
{
	struct rte_mbuf *m;
	unsigned         n = 0;

	while (faults_take(faults, 0, FAULT_RX, now_us, &m, 1) == 1) {
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

static void packets_pass_unchanged_and_in_order_while_all_faults_are_off(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		put_one(packet(i, RTE_ETHER_TYPE_IPV4), 1000);
	for (uint32_t i = 0; i < 100; i++) {
		struct rte_mbuf *m;

		assert_int_equal(faults_take(faults, 0, FAULT_RX, 1000, &m, 1), 1);
		assert_int_equal(number_of(m), i);
		assert_true(sums_are_right(m));
		rte_pktmbuf_free(m);
	}
	assert_int_equal(drain(UINT64_MAX), 0);
}

/* What came out of PACKETS packets with these faults, one a microsecond. */
static unsigned run(const struct conf_fault *wanted)
{
	unsigned came = 0;

	faults_set(faults, wanted);
	for (uint32_t i = 0; i < PACKETS; i++) {
		put_one(packet(i, RTE_ETHER_TYPE_IPV4), i);
		came += drain(i);
	}
	return came + drain(UINT64_MAX);
}

static void as_many_are_lost_and_doubled_as_was_asked_for(void **state)
{
	unsigned came = run(&(struct conf_fault){.loss = 100, .duplicate = 50, .seed = 1});

	(void)state;
	assert_in_range(metric(METRIC_faults_lost), PACKETS / 10 - 200, PACKETS / 10 + 200);
	assert_in_range(metric(METRIC_faults_duplicated), PACKETS * 45 / 1000 - 150,
			PACKETS * 45 / 1000 + 150);
	assert_int_equal(came,
			 PACKETS - metric(METRIC_faults_lost) + metric(METRIC_faults_duplicated));
}

static void the_same_seed_gives_the_same_faults_and_another_gives_others(void **state)
{
	uint64_t lost[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t before = metric(METRIC_faults_lost);

		run(&(struct conf_fault){.loss = 37, .corrupt = 5, .seed = i == 2 ? 8 : 7});
		lost[i] = metric(METRIC_faults_lost) - before;
	}
	assert_int_equal(lost[0], lost[1]);
	assert_int_not_equal(lost[0], lost[2]);
}

static void a_delay_holds_every_packet_so_long_and_keeps_their_order(void **state)
{
	struct rte_mbuf *m[3];

	(void)state;
	faults_set(faults, &(struct conf_fault){.delay = 5000});
	for (uint32_t i = 0; i < 3; i++)
		put_one(packet(i, RTE_ETHER_TYPE_IPV4), 1000 + i);
	assert_int_equal(faults_take(faults, 0, FAULT_RX, 5999, m, 3), 0);
	assert_int_equal(faults_take(faults, 0, FAULT_RX, 6001, m, 3), 2);
	assert_int_equal(faults_take(faults, 0, FAULT_RX, 6002, m + 2, 3), 1);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(number_of(m[i]), i);
		rte_pktmbuf_free(m[i]);
	}
	assert_int_equal(metric(METRIC_faults_delayed), 3);
}

static void a_packet_held_back_is_overtaken_and_comes_within_a_millisecond(void **state)
{
	uint32_t highest = 0;
	unsigned overtaken = 0, came = 0;

	(void)state;
	faults_set(faults, &(struct conf_fault){.reorder = 100, .seed = 3});
	for (uint32_t now = 0; now < 3000; now++) {
		struct rte_mbuf *m;

		if (now < 2000)
			put_one(packet(now, RTE_ETHER_TYPE_IPV4), now);
		while (faults_take(faults, 0, FAULT_RX, now, &m, 1) == 1) {
			assert_in_range(now - number_of(m), 0, 1000);
			overtaken += number_of(m) < highest;
			highest = RTE_MAX(highest, number_of(m));
			rte_pktmbuf_free(m);
			came++;
		}
	}
	assert_int_equal(came, 2000);
	assert_in_range(metric(METRIC_faults_reordered), 150, 250);
	assert_in_range(overtaken, 140, metric(METRIC_faults_reordered));
}

static void a_corrupted_packet_differs_in_one_bit_that_a_checksum_finds(void **state)
{
	(void)state;
	faults_set(faults, &(struct conf_fault){.corrupt = 1000, .seed = 5});
	for (uint32_t i = 0; i < 500; i++) {
		struct rte_mbuf *m = packet(i, RTE_ETHER_TYPE_IPV4), *out;
		unsigned         bits = 0;

		/* TCP keeps what it sent, and a device may have said that the sums are right. */
		rte_mbuf_refcnt_update(m, 1);
		m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
		put_one(m, 0);
		assert_int_equal(faults_take(faults, 0, FAULT_RX, 0, &out, 1), 1);
		for (unsigned at = 0; at < FRAME; at++)
			bits += (unsigned)__builtin_popcount(
				*rte_pktmbuf_mtod_offset(m, uint8_t *, at) ^
				*rte_pktmbuf_mtod_offset(out, uint8_t *, at));
		assert_int_equal(bits, 1);
		assert_int_equal(number_of(m), i);
		assert_true(sums_are_right(m));
		assert_false(sums_are_right(out));
		assert_int_equal(out->ol_flags, 0);
		rte_pktmbuf_free(m);
		rte_pktmbuf_free(out);
	}
}

static void the_device_does_not_make_right_what_was_corrupted(void **state)
{
	(void)state;
	faults_set(faults, &(struct conf_fault){.corrupt = 1000, .seed = 5});
	for (uint32_t i = 0; i < 500; i++) {
		struct rte_mbuf     *m = packet(i, RTE_ETHER_TYPE_IPV4);
		struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);

		/* As lib/net gives it to a device that fills sums in. */
		m->l2_len = RTE_ETHER_HDR_LEN;
		m->l3_len = sizeof(*ip);
		m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM;
		ip->hdr_checksum = 0;
		tcp->cksum = rte_ipv4_phdr_cksum(ip, m->ol_flags);
		put_one(m, 0);
		assert_int_equal(faults_take(faults, 0, FAULT_RX, 0, &m, 1), 1);
		assert_int_equal(m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK), 0);
		assert_false(sums_are_right(m));
		rte_pktmbuf_free(m);
	}
}

static void arp_which_has_no_checksum_is_never_corrupted(void **state)
{
	(void)state;
	faults_set(faults, &(struct conf_fault){.corrupt = 1000});
	put_one(packet(1, RTE_ETHER_TYPE_ARP), 0);
	assert_int_equal(drain(0), 1);
	assert_int_equal(metric(METRIC_faults_corrupted), 0);
}

static void one_direction_alone_may_have_faults(void **state)
{
	struct rte_mbuf *m = packet(1, RTE_ETHER_TYPE_IPV4);

	(void)state;
	faults_set(faults, &(struct conf_fault){.loss = 1000, .direction = CONF_FAULT_RX});
	faults_put(faults, 1, FAULT_TX, 0, &m, 1);
	put_one(packet(2, RTE_ETHER_TYPE_IPV4), 0);
	assert_int_equal(drain(0), 0);
	assert_int_equal(faults_take(faults, 1, FAULT_TX, 0, &m, 1), 1);
	rte_pktmbuf_free(m);
}

static void what_is_held_is_bounded_and_comes_out_when_faults_end(void **state)
{
	unsigned dropped, came = 0;

	(void)state;
	faults_set(faults, &(struct conf_fault){.delay = 1000});
	for (uint32_t i = 0; i < 3000; i++)
		put_one(packet(i, RTE_ETHER_TYPE_IPV4), 0);
	dropped = (unsigned)metric(METRIC_faults_held_dropped);
	assert_in_range(dropped, 1, 2000);
	faults_set(faults, &(struct conf_fault){0});
	put_one(packet(9, RTE_ETHER_TYPE_IPV4), 1);
	came = drain(1000);
	assert_int_equal(came + metric(METRIC_faults_held_dropped), 3001);
}

static void what_the_device_did_not_take_comes_first_the_next_time(void **state)
{
	struct rte_mbuf *m[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		put_one(packet(i, RTE_ETHER_TYPE_IPV4), 10);
	assert_int_equal(faults_take(faults, 0, FAULT_RX, 10, m, 3), 3);
	faults_return(faults, 0, FAULT_RX, m + 1, 2);
	rte_pktmbuf_free(m[0]);
	assert_int_equal(faults_take(faults, 0, FAULT_RX, 10, m, 4), 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(number_of(m[i]), i + 1);
		rte_pktmbuf_free(m[i]);
	}
}

static void faults_are_told_as_they_were_asked_for(void **state)
{
	char text[160];

	(void)state;
	faults_print(faults, text, sizeof(text));
	assert_string_equal(text, "");
	faults_set(faults,
		   &(struct conf_fault){
			   .loss = 10, .corrupt = 2, .delay = 500, .direction = CONF_FAULT_TX});
	faults_print(faults, text, sizeof(text));
	assert_string_equal(text, "loss=10 corrupt=2 delay=500 direction=tx");
}

static int group_begin(void **state)
{
	(void)state;
	sim_eal();
	pool = rte_pktmbuf_pool_create("faults", POOL_SIZE, 0, 0, RTE_PKTMBUF_HEADROOM + 2048,
				       SOCKET_ID_ANY);
	return pool != NULL ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_pass_unchanged_and_in_order_while_all_faults_are_off),
		TEST(as_many_are_lost_and_doubled_as_was_asked_for),
		TEST(the_same_seed_gives_the_same_faults_and_another_gives_others),
		TEST(a_delay_holds_every_packet_so_long_and_keeps_their_order),
		TEST(a_packet_held_back_is_overtaken_and_comes_within_a_millisecond),
		TEST(a_corrupted_packet_differs_in_one_bit_that_a_checksum_finds),
		TEST(the_device_does_not_make_right_what_was_corrupted),
		TEST(arp_which_has_no_checksum_is_never_corrupted),
		TEST(one_direction_alone_may_have_faults),
		TEST(what_is_held_is_bounded_and_comes_out_when_faults_end),
		TEST(what_the_device_did_not_take_comes_first_the_next_time),
		TEST(faults_are_told_as_they_were_asked_for),
	};

	return cmocka_run_group_tests(tests, group_begin, NULL);
}
