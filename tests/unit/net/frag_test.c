/* Packets in fragments: put together in any order, refused when they overlap, bounded in all. */
#include "rig_udp.h"

static struct rig_datagram d; /* large */

/* All of it in pieces of `size` bytes, in the order of `order`. */
static void pieces_in(struct net *net, size_t size, const unsigned order[], unsigned count)
{
	struct rte_mbuf *tcp[1];

	for (unsigned i = 0; i < count; i++) {
		size_t at = order[i] * size, n = d.n - at < size ? d.n - at : size;

		assert_int_equal(rig_fragment_in(net, &d, at, n, at + n < d.n, tcp), 0);
	}
}

static void four_fragments_in_any_order_make_the_datagram(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		for (unsigned permutation = 0; permutation < 24; permutation++) {
			struct net *net = rig_udp_new(0, 1);
			unsigned    order[4] = {0, 1, 2, 3}, left = permutation;

			for (unsigned i = 3; i > 0; i--) {
				unsigned other = left % (i + 1), hold = order[i];

				left /= i + 1;
				order[i] = order[other];
				order[other] = hold;
			}
			rig_datagram_make(&d, ip6 == 1, 77, 4500);
			pieces_in(net, 1200, order, 4);
			assert_datagram(net, &d);
			assert_int_equal(rig_metrics.value[METRIC_ip_reasm_oks], 1);
			rig_end(net);
		}
	}
}

static void a_datagram_of_any_size_is_put_together(void **state)
{
	static const size_t sizes[] = {1, 8, 9, 1500, 2000, 2050, 9000, 32768, 65000};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct net *net = rig_udp_new(0, 1);
		unsigned    order[64], count;
		size_t      piece = sizes[i / 2] > 1400 ? 1400 : 8;

		rig_datagram_make(&d, i % 2 == 1, i, sizes[i / 2]);
		count = (unsigned)((d.n + piece - 1) / piece);
		for (unsigned k = 0; k < count; k++)
			order[k] = count - 1 - k;
		pieces_in(net, piece, order, count);
		assert_datagram(net, &d);
		rig_end(net);
	}
}

static void two_datagrams_of_one_sender_are_kept_apart(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct net      *net = rig_udp_new(0, 1);
		struct rte_mbuf *tcp[1];

		rig_datagram_make(&d, ip6 == 1, 1, 2000);
		rig_fragment_in(net, &d, 0, 1000, true, tcp);
		rig_datagram_make(&d, ip6 == 1, 2, 2500);
		rig_fragment_in(net, &d, 0, 1200, true, tcp);
		rig_fragment_in(net, &d, 1200, d.n - 1200, false, tcp);
		assert_datagram(net, &d);
		rig_datagram_make(&d, ip6 == 1, 1, 2000);
		rig_fragment_in(net, &d, 1000, d.n - 1000, false, tcp);
		assert_datagram(net, &d);
		rig_end(net);
	}
}

static void a_fragment_that_comes_twice_is_passed_over(void **state)
{
	struct net      *net = rig_udp_new(0, 1);
	struct rte_mbuf *tcp[1];

	(void)state;
	rig_datagram_make(&d, false, 1, 3000);
	for (unsigned i = 0; i < 3; i++)
		rig_fragment_in(net, &d, 0, 1400, true, tcp);
	for (unsigned i = 0; i < 2; i++)
		rig_fragment_in(net, &d, 2800, d.n - 2800, false, tcp);
	rig_fragment_in(net, &d, 1400, 1400, true, tcp);
	assert_datagram(net, &d);
	assert_int_equal(rig_metrics.value[METRIC_fragments_dropped_duplicate], 3);
	rig_end(net);
}

/* After [0, 800) and [1600, end of 2408). */
static void an_overlap_spoils_its_datagram_for_good(void **state)
{
	static const struct {
		size_t at, n;
		bool   more, changed;
	} rows[] = {
		{0, 808, true, false},    {792, 808, true, false},  {792, 8, true, false},
		{800, 808, true, false},  {0, 400, true, false},    {8, 8, true, false},
		{1592, 816, true, false}, {1600, 400, true, false}, {2400, 16, true, false},
		{2408, 8, true, false},   {2408, 8, false, false},  {800, 8, false, false},
		{0, 800, true, true},     {1600, 808, false, true}, {1600, 800, false, false},
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t     at = rows[i / 2].at, n = rows[i / 2].n;
		struct net      *net = rig_udp_new(0, 1);
		struct rte_mbuf *tcp[1];

		rig_datagram_make(&d, i % 2 == 1, 1, 2400);
		rig_fragment_in(net, &d, 0, 800, true, tcp);
		rig_fragment_in(net, &d, 1600, 808, false, tcp);
		if (rows[i / 2].changed)
			d.bytes[at + n / 2] ^= 1;
		rig_fragment_in(net, &d, at, n, rows[i / 2].more, tcp);
		rig_datagram_make(&d, i % 2 == 1, 1, 2400);
		rig_fragment_in(net, &d, 800, 800, true, tcp);
		assert_no_datagram(net);
		assert_int_equal(rig_metrics.value[METRIC_fragments_dropped_overlap], 2);
		assert_int_equal(rte_mempool_in_use_count(rig_pool), 0); /* and holds nothing */
		pieces_in(net, 800, (unsigned[]){0, 1, 2}, 3); /* not by a second try either */
		assert_no_datagram(net);
		rig_now.us += 61 * US_PER_SECOND;
		net_tick(net, rig_now);
		rig_out_drop(net);
		pieces_in(net, 1000, (unsigned[]){0, 1, 2}, 3); /* when it is forgotten */
		assert_datagram(net, &d);
		rig_end(net);
	}
}

static void malformed_fragments_are_dropped(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct net      *net = rig_udp_new(0, 1);
		struct rte_mbuf *tcp[1];

		rig_datagram_make(&d, ip6 == 1, 1, 3000);
		rig_fragment_in(net, &d, 0, 1001, true, tcp);  /* not a multiple of 8 */
		rig_fragment_in(net, &d, 1000, 0, true, tcp);  /* empty */
		rig_fragment_in(net, &d, 1000, 0, false, tcp); /* empty and last */
		rig_datagram_make(&d, ip6 == 1, 1, 65500);
		rig_fragment_in(net, &d, 65496, 39, false, tcp); /* larger than can be */
		assert_int_equal(rig_metrics.value[METRIC_fragments_dropped_malformed], 4);
		/* and told, in IPv6, of what none may send (RFC 8200, 4.5) */
		assert_int_equal(rig_metrics.value[METRIC_icmp_unreachables_out], ip6 == 1 ? 2 : 0);
		rig_out_drop(net);
		assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
		rig_end(net);
	}
}

static void a_fragment_cut_at_any_byte_is_dropped(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct net      *net = rig_udp_new(0, 1);
		struct rte_mbuf *tcp[1];
		uint8_t          f[RIG_FRAME_MAX];
		size_t           n;

		rig_datagram_make(&d, ip6 == 1, 1, 200);
		n = rig_fragment(f, &d, 0, 104, true);
		for (size_t cut = 0; cut < n; cut++)
			rig_in(net, f, cut, tcp);
		assert_int_equal(rig_metrics.value[METRIC_ip_reasm_reqds], 0);
		rig_in(net, f, n, tcp);
		assert_int_equal(rig_metrics.value[METRIC_ip_reasm_reqds], 1);
		rig_end(net);
	}
}

static void what_is_not_complete_after_a_minute_is_forgotten_and_its_sender_told(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool             ip6 = i % 2 == 1, first = i / 2 == 0;
		struct net      *net = rig_udp_new(0, 1);
		struct rte_mbuf *tcp[1];
		uint8_t          f[RIG_FRAME_MAX];
		size_t           n, icmp = ip6 ? RIG6_HEADERS : 34;

		rig_datagram_make(&d, ip6, 1, 3000);
		rig_fragment_in(net, &d, first ? 0 : 1000, 1000, true, tcp);
		rig_now.us += 59 * US_PER_SECOND;
		assert_true(net_tick(net, rig_now) <= rig_now.us + US_PER_SECOND);
		rig_out_drop(net);
		assert_int_equal(rte_mempool_in_use_count(rig_pool), 1);
		rig_now.us += US_PER_SECOND;
		net_tick(net, rig_now);
		assert_int_equal(rig_metrics.value[METRIC_fragments_timeouts], 1);
		for (n = rig_out(net, f); n > 0 && f[icmp] != (ip6 ? 3 : 11); n = rig_out(net, f))
			;
		assert_int_equal(n > 0, first);
		if (first)
			assert_int_equal(f[icmp + 1], 1); /* reassembly time exceeded */
		rig_out_drop(net);
		assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
		rig_end(net);
	}
}

static void of_a_pair_of_addresses_the_newest_sixteen_datagrams_wait(void **state)
{
	struct net      *net = rig_udp_new(0, 1);
	struct rte_mbuf *tcp[1];

	(void)state;
	for (uint32_t id = 0; id < 17; id++) {
		rig_now.us++;
		rig_datagram_make(&d, false, id, 1000);
		rig_fragment_in(net, &d, 0, 800, true, tcp);
	}
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 16);
	assert_int_equal(rig_metrics.value[METRIC_fragments_dropped_limit], 1);
	rig_datagram_make(&d, false, 16, 1000);
	rig_fragment_in(net, &d, 800, d.n - 800, false, tcp);
	assert_datagram(net, &d);
	rig_end(net);
}

static void a_datagram_has_64_fragments_at_most(void **state)
{
	struct net      *net = rig_udp_new(0, 1);
	struct rte_mbuf *tcp[1];

	(void)state;
	rig_datagram_make(&d, false, 1, 1000);
	for (unsigned i = 0; i < 64; i++)
		rig_fragment_in(net, &d, i * 8, 8, true, tcp);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 64);
	rig_fragment_in(net, &d, 512, 8, true, tcp);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
	rig_end(net);
}

static void a_flood_of_fragments_holds_an_eighth_of_the_pool(void **state)
{
	struct net      *net = rig_udp_new(0, 1);
	struct rte_mbuf *tcp[1];
	struct now       start = rig_now;
	unsigned         most = 0, held;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		rig_now.us++;
		rig_datagram_make(&d, i % 2 == 1, i, 100);
		d.from = 2 + i % 251;
		rig_fragment_in(net, &d, i % 3 * 8, 8, true, tcp);
		held = rte_mempool_in_use_count(rig_pool);
		most = held > most ? held : most;
	}
	assert_in_range(most, 400, 4095 / 8);
	rig_datagram_make(&d, false, 70000, 2000); /* it still works */
	pieces_in(net, 1000, (unsigned[]){1, 0, 2}, 3);
	assert_datagram(net, &d);
	assert_no_datagram(net); /* what was lent is back */
	rig_now.us += 61 * US_PER_SECOND;
	net_tick(net, rig_now);
	rig_out_drop(net);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
	rig_now = start;
	rig_end(net);
}

/* A TCP header over n bytes, instead of UDP's. */
static void tcp_make(bool ip6, size_t n)
{
	struct rte_tcp_hdr header = {.src_port = rte_cpu_to_be_16(4000),
				     .dst_port = rte_cpu_to_be_16(2775),
				     .data_off = 0x50,
				     .tcp_flags = RTE_TCP_ACK_FLAG};

	rig_datagram_make(&d, ip6, 9, n);
	d.protocol = 6;
	d.n = n + 20;
	memcpy(d.bytes, &header, 20);
	memset(d.bytes + 20, 0x55, n);
	header.cksum = rig_transport_checksum(&d, 6);
	memcpy(d.bytes, &header, 20);
}

static void a_tcp_segment_in_fragments_is_handed_on_in_ordinary_buffers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		static const size_t sizes[] = {1000, 1900, 5000};
		size_t              n = sizes[i / 2];
		struct net         *net = rig_udp_new(0, 1);
		struct rte_mbuf    *tcp[1];
		unsigned            headers = i % 2 == 1 ? 14 + 48 : 34;

		tcp_make(i % 2 == 1, n);
		for (size_t at = 0; at < d.n; at += 1000) {
			size_t   part = d.n - at < 1000 ? d.n - at : 1000;
			unsigned got = rig_fragment_in(net, &d, at, part, at + part < d.n, tcp);

			assert_int_equal(got, at + part == d.n);
		}
		assert_int_equal(tcp[0]->l2_len + tcp[0]->l3_len, headers);
		assert_int_equal(tcp[0]->pkt_len, headers + 20 + n);
		assert_ptr_equal(tcp[0]->pool, rig_pool);
		assert_int_equal(tcp[0]->nb_segs, n > 2000 ? 3 : 1);
		rte_pktmbuf_free(tcp[0]);
		rig_end(net);
	}
}

/* To the worker of the addresses, then to the worker of addresses and ports. */
static void fragments_find_one_worker_and_the_datagram_its_own(void **state)
{
	unsigned hops[3] = {0};

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		struct net     *net[2] = {rig_udp_new(0, 2), rig_udp_new(1, 2)};
		struct net_addr local, remote;
		unsigned        holder, owner;

		rig_datagram_make(&d, i % 2 == 1, i, 3000);
		d.from = 2 + i;
		rig_datagram_make(&d, i % 2 == 1, i, 3000);
		d.from = 2 + i;
		memset(d.bytes + 6, 0, 2); /* the sender's address is in the sum */
		{
			uint16_t sum = rig_transport_checksum(&d, 17);

			memcpy(d.bytes + 6, &sum, 2);
		}
		local = rig_any_addr(d.ip6, 1);
		remote = rig_any_addr(d.ip6, d.from);
		holder = net_owner(net[0], &local, 0, &remote, 0);
		owner = net_owner(net[0], &local, RIG_UDP_PORT, &remote, 4000);
		for (unsigned k = 0; k < 3; k++) { /* they arrive at either */
			struct rte_mbuf *pkt, *tcp[1];
			unsigned         at = (i + k) % 2;

			rig_fragment_in(net[at], &d, k * 1008, k == 2 ? d.n - 2016 : 1008, k < 2,
					tcp);
			while (net_foreign_take(net[at], !at, &pkt, 1) == 1)
				assert_int_equal(
					net_input_forwarded(net[!at], rig_now, &pkt, 1, tcp), 0);
			while (net_foreign_take(net[!at], at, &pkt, 1) == 1)
				assert_int_equal(
					net_input_forwarded(net[at], rig_now, &pkt, 1, tcp), 0);
		}
		hops[holder != owner]++;
		assert_datagram(net[owner], &d);
		rig_out_drop(net[0]);
		rig_out_drop(net[1]);
		net_free(net[1]);
		rig_end(net[0]);
	}
	assert_true(hops[0] > 0 && hops[1] > 0);
}

static void a_large_ping_is_answered_in_fragments(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct net     *net = rig_udp_new(0, 1);
		struct net_news news = {.address = rig_any_addr(ip6 == 1, 2)};
		uint8_t         f[RIG_FRAME_MAX];
		size_t          total = 0, n, headers = ip6 == 1 ? RIG6_HEADERS + 8 : 34;
		uint16_t        sum = 0;

		memcpy(news.mac, rig_peer_mac, 6);
		net_news_learn(net, rig_now, &news);
		rig_datagram_make(&d, ip6 == 1, 3, 4000);
		d.protocol = ip6 == 1 ? 58 : 1;
		memcpy(d.bytes, (uint8_t[]){ip6 == 1 ? 128 : 8, 0, 0, 0, 0, 1, 0, 2}, 8);
		sum = ip6 == 1 ? rig_transport_checksum(&d, 58)
			       : (uint16_t)~rte_raw_cksum(d.bytes, d.n);
		memcpy(d.bytes + 2, &sum, 2);
		rig_out_drop(net);
		pieces_in(net, 1400, (unsigned[]){0, 2, 1}, 3);
		while ((n = rig_out(net, f)) > 0) {
			assert_in_range(n, headers + 1, 1514);
			if (total > 0)
				assert_memory_equal(f + headers, d.bytes + total, n - headers);
			else
				assert_int_equal(f[headers], ip6 == 1 ? 129 : 0);
			total += n - headers;
		}
		assert_int_equal(total, d.n);
		rig_end(net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_fragments_in_any_order_make_the_datagram),
		cmocka_unit_test(a_datagram_of_any_size_is_put_together),
		cmocka_unit_test(two_datagrams_of_one_sender_are_kept_apart),
		cmocka_unit_test(a_fragment_that_comes_twice_is_passed_over),
		cmocka_unit_test(an_overlap_spoils_its_datagram_for_good),
		cmocka_unit_test(malformed_fragments_are_dropped),
		cmocka_unit_test(a_fragment_cut_at_any_byte_is_dropped),
		cmocka_unit_test(
			what_is_not_complete_after_a_minute_is_forgotten_and_its_sender_told),
		cmocka_unit_test(of_a_pair_of_addresses_the_newest_sixteen_datagrams_wait),
		cmocka_unit_test(a_datagram_has_64_fragments_at_most),
		cmocka_unit_test(a_flood_of_fragments_holds_an_eighth_of_the_pool),
		cmocka_unit_test(a_tcp_segment_in_fragments_is_handed_on_in_ordinary_buffers),
		cmocka_unit_test(fragments_find_one_worker_and_the_datagram_its_own),
		cmocka_unit_test(a_large_ping_is_answered_in_fragments),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
