/* Default routers that advertise themselves. */
#include "rig6.h"

#define ADVERTISEMENT 134
#define LINK_LOCAL_LAST 1

static const uint8_t router_mac[6] = {2, 0, 0, 0, 0, 0xfe};

static uint64_t metric(enum metric id)
{
	return rig_metrics.value[id];
}

static struct net *unrouted_new(unsigned worker, unsigned workers)
{
	struct net_config c = rig6_config(worker, workers);
	struct net       *net;

	memset(&rig_metrics, 0, sizeof(rig_metrics));
	c.ports[0].has_gateway6 = false;
	net = net_new(&c);
	assert_non_null(net);
	return net;
}

static struct net_addr far_address(void)
{
	return (struct net_addr){.w = {RTE_BE32(0x20010db8), 0, 0, RTE_BE32(7)}, .ip6 = true};
}

static void pass(struct net *net, uint64_t us)
{
	rig_now.us += us;
	net_tick(net, rig_now);
}

struct advertisement {
	uint16_t lifetime_s;
	uint32_t mtu;     /* 0: none */
	uint32_t valid_s; /* of the prefix 2001:db8::/64 */
	uint8_t  flags;   /* of it; 0: no prefix */
};

static size_t advertisement_frame(uint8_t *f, unsigned router, const struct advertisement *a)
{
	struct net_addr from = rig6_link_local(router), all = rig6_all_nodes();
	uint8_t         rest[12 + 8 + 8 + 32] = {64,
						 0,
						 (uint8_t)(a->lifetime_s >> 8),
						 (uint8_t)a->lifetime_s,
						 0,
						 0,
						 0,
						 0,
						 0,
						 0,
						 0,
						 0,
						 1,
						 1,
						 2,
						 0,
						 0,
						 0,
						 0,
						 (uint8_t)router};
	size_t          n = 20;

	if (a->mtu != 0) {
		uint32_t mtu = rte_cpu_to_be_32(a->mtu);

		rest[n] = 5;
		rest[n + 1] = 1;
		memcpy(rest + n + 4, &mtu, 4);
		n += 8;
	}
	if (a->flags != 0) {
		uint32_t valid = rte_cpu_to_be_32(a->valid_s);

		rest[n] = 3;
		rest[n + 1] = 4;
		rest[n + 2] = 64;
		rest[n + 3] = a->flags;
		memcpy(rest + n + 4, &valid, 4);
		memcpy(rest + n + 16, "\x20\1\x0d\xb8", 4);
		n += 32;
	}
	return rig6_icmp_frame(f, &from, &all, ADVERTISEMENT, 0, rest, n);
}

static void advertise(struct net *net, unsigned router, uint16_t lifetime_s)
{
	uint8_t f[RIG_FRAME_MAX];

	rig_in(net, f,
	       advertisement_frame(f, router, &(struct advertisement){.lifetime_s = lifetime_s}),
	       NULL);
}

static void assert_way_is(struct net *net, unsigned router)
{
	struct net_addr far = far_address(), hop = rig6_link_local(router), us = rig6_addr(1);
	struct net_path path;

	assert_true(net_path_find(net, rig_now, &far, &path));
	assert_memory_equal(path.next_hop.w, hop.w, 16);
	assert_memory_equal(net_path_source(net, &path)->w, us.w, 16);
}

static void assert_no_way(struct net *net)
{
	struct net_addr far = far_address();
	struct net_path path;

	assert_false(net_path_find(net, rig_now, &far, &path));
}

static void routers_are_asked_for_three_times_by_one_worker(void **state)
{
	(void)state;
	for (unsigned worker = 0; worker < 2; worker++) {
		struct net *net = unrouted_new(worker, 2);
		unsigned    asked = 0;

		for (unsigned i = 0; i < 300; i++) {
			uint8_t f[RIG_FRAME_MAX];

			pass(net, 100 * US_PER_MS);
			while (rig_out(net, f) > 0) {
				struct net_addr us = rig6_link_local(LINK_LOCAL_LAST);

				if (f[12] != 0x86 || f[RIG6_HEADERS] != 133)
					continue;
				assert_memory_equal(f, "\x33\x33\0\0\0\2", 6);
				assert_int_equal(f[21], 255);
				assert_memory_equal(f + 22, us.w, 16);
				assert_memory_equal(f + RIG6_HEADERS + 8, "\1\1", 2);
				assert_memory_equal(f + RIG6_HEADERS + 10, rig_mac, 6);
				asked++;
			}
		}
		assert_int_equal(asked, worker == 0 ? 3 : 0);
		rig_end(net);
	}
}

static void an_advertised_router_is_the_way_as_long_as_it_says(void **state)
{
	struct net     *net = unrouted_new(0, 1);
	struct net_addr far = far_address();
	struct net_path path;

	(void)state;
	assert_no_way(net);
	advertise(net, 0xfe, 30);
	assert_way_is(net, 0xfe);
	assert_true(net_path_find(net, rig_now, &far, &path));
	assert_true(path.resolved); /* it said where it is */
	assert_memory_equal(path.dst_mac, router_mac, 6);
	pass(net, 29 * US_PER_SECOND);
	assert_way_is(net, 0xfe);
	advertise(net, 0xfe, 30); /* again */
	pass(net, 29 * US_PER_SECOND);
	assert_way_is(net, 0xfe);
	pass(net, US_PER_SECOND);
	assert_no_way(net);
	advertise(net, 0xfe, 30);
	advertise(net, 0xfe, 0); /* it goes */
	assert_no_way(net);
	rig_out_drop(net);
	rig_end(net);
}

static void a_configured_gateway_is_not_for_others_to_change(void **state)
{
	struct net     *net = rig6_new(0, 1);
	struct net_addr far = far_address(), gateway = rig6_addr(0xfe);
	struct net_path path;

	(void)state;
	advertise(net, 0xfd, 1800);
	assert_int_equal(metric(METRIC_router_advertisements_ignored), 1);
	assert_true(net_path_find(net, rig_now, &far, &path));
	assert_memory_equal(path.next_hop.w, gateway.w, 16);
	rig_out_drop(net);
	rig_end(net);
}

static void send_far(struct net *net, struct net_path *path)
{
	struct net_addr  us = rig6_addr(1), far = far_address();
	struct rte_mbuf *m = net_mbuf_new(net);

	memset(rte_pktmbuf_append(m, 20), 0, 20);
	net_output_tcp(net, rig_now, path, &us, &far, m);
}

static void a_path_follows_when_its_router_goes_or_does_not_answer(void **state)
{
	struct net     *net = unrouted_new(0, 1);
	struct net_addr far = far_address(), second = rig6_link_local(0xfd);
	struct net_path path;

	(void)state;
	advertise(net, 0xfe, 1800);
	advertise(net, 0xfd, 1800);
	assert_true(net_path_find(net, rig_now, &far, &path));
	pass(net, 50 * US_PER_SECOND);
	for (unsigned i = 0; i < 12; i++) { /* used and silent: asked, given up */
		send_far(net, &path);
		pass(net, US_PER_SECOND);
	}
	send_far(net, &path);
	assert_memory_equal(path.next_hop.w, second.w, 16);
	advertise(net, 0xfd, 0);
	send_far(net, &path);
	assert_memory_equal(path.next_hop.w, rig6_link_local(0xfe).w, 16);
	rig_out_drop(net);
	rig_end(net);
}

static void the_mtu_of_the_link_is_taken_within_its_bounds(void **state)
{
	static const struct {
		uint32_t advertised;
		uint16_t mtu;
	} cases[] = {{0, 1500},    {1400, 1400}, {1280, 1280},
		     {1279, 1500}, {1501, 1500}, {UINT32_MAX, 1500}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net     *net = unrouted_new(0, 1);
		struct net_addr near = rig6_addr(2), near4 = rig_addr(2);
		struct net_path path;
		uint8_t         f[RIG_FRAME_MAX];

		rig_in(net, f,
		       advertisement_frame(f, 0xfe,
					   &(struct advertisement){.lifetime_s = 60,
								   .mtu = cases[i].advertised}),
		       NULL);
		assert_true(net_path_find(net, rig_now, &near, &path));
		assert_int_equal(path.mtu, cases[i].mtu);
		assert_true(net_path_find(net, rig_now, &near4, &path));
		assert_int_equal(path.mtu, 1500);
		rig_out_drop(net);
		rig_end(net);
	}
}

static void a_network_that_is_on_the_link_needs_no_router(void **state)
{
	struct net          *net = unrouted_new(0, 1);
	struct net_addr      far = far_address();
	struct net_path      path;
	struct advertisement a = {.lifetime_s = 1800, .valid_s = 100, .flags = 0x40};
	uint8_t              f[RIG_FRAME_MAX];

	(void)state;
	rig_in(net, f, advertisement_frame(f, 0xfe, &a), NULL); /* autonomous, not on the link */
	assert_way_is(net, 0xfe);
	a.flags = 0xc0;
	rig_in(net, f, advertisement_frame(f, 0xfe, &a), NULL);
	assert_true(net_path_find(net, rig_now, &far, &path));
	assert_memory_equal(path.next_hop.w, far.w, 16);
	pass(net, 100 * US_PER_SECOND);
	assert_way_is(net, 0xfe);
	rig_in(net, f, advertisement_frame(f, 0xfe, &a), NULL);
	a.valid_s = 0;
	rig_in(net, f, advertisement_frame(f, 0xfe, &a), NULL);
	assert_way_is(net, 0xfe);
	rig_out_drop(net);
	rig_end(net);
}

static void malformed_advertisements_are_refused(void **state)
{
	struct net          *net = unrouted_new(0, 1);
	struct advertisement a = {.lifetime_s = 60, .mtu = 1400, .valid_s = 60, .flags = 0xc0};
	struct net_addr      from = rig6_link_local(0xfe), far = rig6_addr(0xfe);
	struct net_addr      all = rig6_all_nodes();
	uint8_t              f[RIG_FRAME_MAX], g[RIG_FRAME_MAX];
	size_t               n = advertisement_frame(f, 0xfe, &a), rest = n - RIG6_HEADERS - 4;
	uint64_t             refused = 0;

	(void)state;
	f[21] = 254;
	rig_in(net, f, n, NULL);
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++refused);
	rig_in(net, g, rig6_icmp_frame(g, &far, &all, ADVERTISEMENT, 0, f + RIG6_HEADERS + 4, rest),
	       NULL);
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++refused);
	rig_in(net, g,
	       rig6_icmp_frame(g, &from, &all, ADVERTISEMENT, 1, f + RIG6_HEADERS + 4, rest), NULL);
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++refused);
	for (size_t cut = 4; cut < rest; cut++) { /* every option is cut once */
		bool whole = cut == 12 || cut == 20 || cut == 28;

		rig_in(net, g,
		       rig6_icmp_frame(g, &from, &all, ADVERTISEMENT, 0, f + RIG6_HEADERS + 4, cut),
		       NULL);
		refused += !whole;
		assert_int_equal(metric(METRIC_nd_dropped_malformed), refused);
	}
	assert_int_equal(metric(METRIC_router_advertisements_in), 3);
	rig_out_drop(net);
	rig_end(net);
}

static void a_flood_of_routers_is_bounded(void **state)
{
	struct net *net = unrouted_new(0, 2);
	unsigned    copies = 0;

	(void)state;
	advertise(net, 0xfe, 1800);
	for (unsigned i = 0; i < 1000; i++)
		advertise(net, 0x1000 + i, 1800);
	assert_way_is(net, 0xfe);
	assert_int_equal(metric(METRIC_router_advertisements_in), 10);
	for (struct rte_mbuf *m; net_foreign_take(net, 1, &m, 1) == 1; copies++)
		rte_pktmbuf_free(m);
	assert_int_equal(copies, 10);
	rig_out_drop(net);
	rig_end(net);
}

static void an_advertisement_reaches_every_worker(void **state)
{
	struct net      *net[2] = {unrouted_new(0, 2), unrouted_new(1, 2)};
	struct rte_mbuf *m, *tcp[1];

	(void)state;
	advertise(net[1], 0xfe, 1800);
	assert_way_is(net[1], 0xfe);
	assert_no_way(net[0]);
	assert_int_equal(net_foreign_take(net[1], 0, &m, 1), 1);
	assert_int_equal(net_input_forwarded(net[0], rig_now, &m, 1, tcp), 0);
	assert_way_is(net[0], 0xfe);
	assert_int_equal(net_foreign_take(net[0], 1, &m, 1), 0); /* not back again */
	net_free(net[0]);
	net_free(net[1]);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
}

static void a_redirect_is_ignored_and_counted(void **state)
{
	struct net     *net = unrouted_new(0, 1);
	struct net_addr from = rig6_link_local(0xfe), us = rig6_addr(1);
	uint8_t         f[RIG_FRAME_MAX], rest[36] = {0};

	(void)state;
	rig_in(net, f, rig6_icmp_frame(f, &from, &us, 137, 0, rest, sizeof(rest)), NULL);
	assert_int_equal(metric(METRIC_nd_redirects_ignored), 1);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routers_are_asked_for_three_times_by_one_worker),
		cmocka_unit_test(an_advertised_router_is_the_way_as_long_as_it_says),
		cmocka_unit_test(a_configured_gateway_is_not_for_others_to_change),
		cmocka_unit_test(a_path_follows_when_its_router_goes_or_does_not_answer),
		cmocka_unit_test(the_mtu_of_the_link_is_taken_within_its_bounds),
		cmocka_unit_test(a_network_that_is_on_the_link_needs_no_router),
		cmocka_unit_test(malformed_advertisements_are_refused),
		cmocka_unit_test(a_flood_of_routers_is_bounded),
		cmocka_unit_test(an_advertisement_reaches_every_worker),
		cmocka_unit_test(a_redirect_is_ignored_and_counted),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
