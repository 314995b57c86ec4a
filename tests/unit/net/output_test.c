#include "rig.h"

static const uint8_t everyone[6] = {255, 255, 255, 255, 255, 255};

/* A TCP header of 20 bytes and n bytes of data, as TCP gives it. */
static struct rte_mbuf *segment(struct net *net, size_t n)
{
	struct rte_mbuf   *m = net_mbuf_new(net);
	struct rte_tcp_hdr tcp = {.src_port = rte_cpu_to_be_16(2775), .data_off = 0x50};
	uint8_t           *at;

	assert_non_null(m);
	assert_true(rte_pktmbuf_headroom(m) >= NET_HEADROOM);
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(20 + n));
	memcpy(at, &tcp, 20);
	memset(at + 20, 0x5a, n);
	return m;
}

static void learn(struct net *net, unsigned last)
{
	struct net_news news = {.address = rig_addr(last)};

	memcpy(news.mac, rig_peer_mac, 6);
	net_news_learn(net, rig_now, &news);
}

static void send_to(struct net *net, struct net_path *path, unsigned last, size_t n)
{
	struct net_addr local = rig_addr(1), remote = rig_addr(last);

	net_output_tcp(net, rig_now, path, &local, &remote, segment(net, n));
}

static void assert_is_request(const uint8_t *frame, size_t n, const uint8_t to[6], uint32_t target)
{
	assert_true(n >= 42);
	assert_memory_equal(frame, to, 6);
	assert_memory_equal(frame + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
	assert_memory_equal(frame + 22, rig_mac, 6);
	assert_memory_equal(frame + 38, &target, 4);
}

static void a_segment_leaves_with_headers_and_good_checksums(void **state)
{
	(void)state;
	for (size_t data = 0; data < 10; data++) {
		struct net         *net = rig_new(0, 1);
		struct net_addr     remote = rig_addr(2);
		struct net_path     path;
		uint8_t             f[RIG_FRAME_MAX];
		struct rte_ipv4_hdr ip;

		learn(net, 2);
		assert_true(net_path_find(net, rig_now, &remote, &path));
		assert_true(path.resolved);
		assert_int_equal(path.mtu, 1500);
		assert_int_equal(net_path_source(net, &path)->w[0], rig_ip(1));
		send_to(net, &path, 2, data);
		assert_int_equal(rig_out(net, f), 14 + 20 + 20 + data);
		assert_memory_equal(f, rig_peer_mac, 6);
		assert_memory_equal(f + 6, rig_mac, 6);
		memcpy(&ip, f + 14, 20);
		assert_int_equal(rte_raw_cksum(&ip, 20), 0xffff);
		assert_int_equal(rte_ipv4_udptcp_cksum_verify(&ip, f + 34), 0);
		rig_end(net);
	}
}

static void a_chain_gets_the_checksum_of_all_its_segments(void **state)
{
	struct net_config   c = rig_config(0, 1);
	struct net_addr     local = rig_addr(1), remote = rig_addr(2);
	struct net_path     path;
	struct net         *net;
	struct rte_mbuf    *head, *tail;
	struct rte_ipv4_hdr ip;
	uint8_t             f[RIG_FRAME_MAX];

	(void)state;
	c.ports[0].multi_segment = true;
	net = net_new(&c);
	learn(net, 2);
	assert_true(net_path_find(net, rig_now, &remote, &path));
	head = segment(net, 7); /* an odd place to go on from */
	tail = segment(net, 3);
	rte_pktmbuf_chain(head, tail);
	net_output_tcp(net, rig_now, &path, &local, &remote, head);
	assert_int_equal(rig_out(net, f), 34 + 27 + 23);
	memcpy(&ip, f + 14, 20);
	assert_int_equal(rte_ipv4_udptcp_cksum_verify(&ip, f + 34), 0);
	rig_end(net);
}

static void a_port_that_fills_in_checksums_gets_the_pseudo_header(void **state)
{
	struct net_config   c = rig_config(0, 1);
	struct net_addr     local = rig_addr(1), remote = rig_addr(2);
	struct net_path     path;
	struct net         *net;
	struct rte_mbuf   **out;
	struct rte_ipv4_hdr ip;
	unsigned            n;
	uint16_t            sum;

	(void)state;
	c.ports[0].tx_ip_checksum = c.ports[0].tx_tcp_checksum = true;
	net = net_new(&c);
	learn(net, 2);
	assert_true(net_path_find(net, rig_now, &remote, &path));
	net_output_tcp(net, rig_now, &path, &local, &remote, segment(net, 4));
	out = net_tx_peek(net, 0, &n);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->ol_flags,
			 RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
	assert_int_equal(out[0]->l2_len, 14);
	assert_int_equal(out[0]->l3_len, 20);
	memcpy(&ip, rte_pktmbuf_mtod_offset(out[0], void *, 14), 20);
	memcpy(&sum, rte_pktmbuf_mtod_offset(out[0], void *, 34 + 16), 2);
	assert_int_equal(ip.hdr_checksum, 0);
	assert_int_equal(sum, rte_ipv4_phdr_cksum(&ip, 0));
	rig_end(net);
}

static void eight_packets_wait_for_a_neighbour_and_leave_in_order(void **state)
{
	struct net      *net = rig_new(0, 1);
	struct net_addr  remote = rig_addr(2);
	struct net_path  path;
	struct rte_mbuf *tcp[1];
	uint8_t          f[RIG_FRAME_MAX];
	size_t           n;

	(void)state;
	assert_true(net_path_find(net, rig_now, &remote, &path));
	assert_false(path.resolved);
	assert_is_request(f, rig_out(net, f), everyone, rig_ip(2));
	for (size_t i = 0; i < 10; i++)
		send_to(net, &path, 2, i);
	assert_int_equal(rig_out(net, f), 0);
	assert_int_equal(rig_metrics.value[METRIC_arp_waiting_dropped], 2);
	n = rig_arp_frame(f, rig_mac, 2, rig_peer_mac, rig_ip(2), rig_ip(1));
	rig_in(net, f, n, tcp);
	for (size_t i = 2; i < 10; i++) {
		assert_int_equal(rig_out(net, f), 54 + i);
		assert_memory_equal(f, rig_peer_mac, 6);
	}
	send_to(net, &path, 2, 1); /* the path learned of it by itself */
	assert_int_equal(rig_out(net, f), 55);
	assert_true(path.resolved);
	rig_end(net);
}

static void a_neighbour_that_never_answers_is_asked_thrice_and_given_up(void **state)
{
	struct net     *net = rig_new(1, 2); /* not the worker that announces */
	struct net_addr remote = rig_addr(2);
	struct net_path path;
	struct now      start = rig_now;
	uint8_t         f[RIG_FRAME_MAX];
	unsigned        requests = 0;

	(void)state;
	assert_true(net_path_find(net, rig_now, &remote, &path));
	send_to(net, &path, 2, 0);
	for (unsigned s = 0; s < 20; s++) {
		for (size_t n = rig_out(net, f); n > 0; n = rig_out(net, f)) {
			assert_is_request(f, n, everyone, rig_ip(2));
			requests++;
		}
		rig_now.us += US_PER_SECOND;
		net_tick(net, rig_now);
	}
	assert_int_equal(requests, 3);
	assert_int_equal(rig_metrics.value[METRIC_arp_unanswered], 1);
	assert_int_equal(rig_metrics.value[METRIC_arp_waiting_dropped], 1);
	rig_now = start;
	rig_end(net);
}

static void an_old_neighbour_is_asked_directly_unless_tcp_confirms_it(void **state)
{
	(void)state;
	for (unsigned confirmed = 0; confirmed < 2; confirmed++) {
		struct net     *net = rig_new(1, 2);
		struct net_addr remote = rig_addr(2);
		struct net_path path;
		struct now      start = rig_now;
		uint8_t         f[RIG_FRAME_MAX];
		size_t          n;

		learn(net, 2);
		assert_true(net_path_find(net, rig_now, &remote, &path));
		rig_now.us += 59 * US_PER_SECOND;
		net_tick(net, rig_now);
		assert_int_equal(rig_out(net, f), 0);
		if (confirmed)
			net_path_confirm(net, rig_now, &path);
		rig_now.us += 2 * US_PER_SECOND;
		net_tick(net, rig_now);
		n = rig_out(net, f);
		if (confirmed)
			assert_int_equal(n, 0);
		else
			assert_is_request(f, n, rig_peer_mac, rig_ip(2));
		send_to(net, &path, 2, 0); /* used all the while */
		assert_int_equal(rig_out(net, f), 54);
		rig_now = start;
		rig_end(net);
	}
}

static void unsolicited_arp_changes_what_is_known_and_adds_nothing(void **state)
{
	static const uint8_t other[6] = {2, 9, 9, 9, 9, 9};
	struct net          *net = rig_new(0, 1);
	struct net_addr      known = rig_addr(2), unknown = rig_addr(3);
	struct net_path      path;
	struct rte_mbuf     *tcp[1];
	uint8_t              f[RIG_FRAME_MAX];

	(void)state;
	learn(net, 2);
	assert_true(net_path_find(net, rig_now, &known, &path));
	rig_in(net, f, rig_arp_frame(f, everyone, 1, other, rig_ip(2), rig_ip(2)), tcp);
	rig_in(net, f, rig_arp_frame(f, everyone, 1, other, rig_ip(3), rig_ip(3)), tcp);
	send_to(net, &path, 2, 0);
	assert_int_equal(rig_out(net, f), 54);
	assert_memory_equal(f, other, 6);
	assert_true(net_path_find(net, rig_now, &unknown, &path));
	assert_false(path.resolved);
	rig_end(net);
}

static void a_request_for_us_is_answered_and_remembered(void **state)
{
	struct net               *net = rig_new(0, 2);
	struct net_addr           remote = rig_addr(2);
	struct net_news news[2];
	struct net_path           path;
	struct rte_mbuf          *tcp[1];
	uint8_t                   f[RIG_FRAME_MAX];
	uint32_t                  us = rig_ip(1), peer = rig_ip(2);

	(void)state;
	rig_in(net, f, rig_arp_frame(f, everyone, 1, rig_peer_mac, rig_ip(2), rig_ip(7)), tcp);
	assert_int_equal(rig_out(net, f), 0); /* for somebody else */
	rig_in(net, f, rig_arp_frame(f, everyone, 1, rig_peer_mac, rig_ip(2), rig_ip(1)), tcp);
	assert_true(rig_out(net, f) >= 42);
	assert_memory_equal(f, rig_peer_mac, 6);
	assert_int_equal(f[21], 2);
	assert_memory_equal(f + 22, rig_mac, 6);
	assert_memory_equal(f + 28, &us, 4);
	assert_memory_equal(f + 38, &peer, 4);
	assert_true(net_path_find(net, rig_now, &remote, &path));
	assert_true(path.resolved);
	assert_int_equal(net_news_take(net, news, 2), 1);
	assert_int_equal(news[0].address.w[0], rig_ip(2));
	assert_memory_equal(news[0].mac, rig_peer_mac, 6);
	rig_end(net);
}

static void our_address_is_announced_twice_and_defended_once_in_ten_seconds(void **state)
{
	struct net      *net = rig_new(0, 1);
	struct now       start = rig_now;
	struct rte_mbuf *tcp[1];
	uint8_t          f[RIG_FRAME_MAX];
	unsigned         announced = 0;

	(void)state;
	for (unsigned s = 0; s < 30; s++) {
		net_tick(net, rig_now);
		for (size_t n = rig_out(net, f); n > 0; n = rig_out(net, f)) {
			assert_is_request(f, n, everyone, rig_ip(1));
			announced++;
		}
		rig_now.us += US_PER_SECOND;
	}
	assert_int_equal(announced, 2);
	for (unsigned i = 0; i < 5; i++)
		rig_in(net, f, rig_arp_frame(f, everyone, 1, rig_peer_mac, rig_ip(1), rig_ip(1)),
		       tcp);
	/* The rival's question for its own address is answered too; announcements are counted by
	 * their sender and target. */
	assert_int_equal(rig_metrics.value[METRIC_address_conflicts], 5);
	assert_int_equal(rig_metrics.value[METRIC_arp_requests_out], 3);
	rig_out_drop(net);
	rig_now = start;
	rig_end(net);
}

static void the_way_is_the_link_the_gateway_or_none(void **state)
{
	struct net     *net = rig_new(0, 1);
	struct net_path path;
	struct net_addr near = rig_addr(200), far = {.w = {rte_cpu_to_be_32(0x08080808)}};
	struct net_addr nowhere[] = {{.w = {0}},
				     {.w = {rte_cpu_to_be_32(0x7f000001)}},
				     {.w = {rte_cpu_to_be_32(0xe0000001)}},
				     {.w = {UINT32_MAX}},
				     rig_addr(255),
				     rig_addr(1),
				     {.ip6 = true}};

	(void)state;
	assert_true(net_path_find(net, rig_now, &near, &path));
	assert_int_equal(path.next_hop.w[0], rig_ip(200));
	assert_true(net_path_find(net, rig_now, &far, &path));
	assert_int_equal(path.next_hop.w[0], rig_ip(254));
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		assert_false(net_path_find(net, rig_now, &nowhere[i], &path));
	rig_out_drop(net);
	rig_end(net);
}

static void the_transmit_queue_keeps_order_and_drops_beyond_its_limit(void **state)
{
	struct net       *net = rig_new(0, 1);
	struct net_addr   remote = rig_addr(2);
	struct net_path   path;
	struct rte_mbuf **out;
	unsigned          n, next = 0;

	(void)state;
	learn(net, 2);
	assert_true(net_path_find(net, rig_now, &remote, &path));
	for (unsigned i = 0; i < 3000; i++) {
		send_to(net, &path, 2, i % 1000);
		if (i % 3 == 0)
			continue;
		out = net_tx_peek(net, 0, &n);
		assert_int_equal(out[0]->pkt_len, 54 + next % 1000);
		rte_pktmbuf_free(out[0]);
		net_tx_sent(net, 0, 1);
		next++;
	}
	assert_int_equal(rig_metrics.value[METRIC_packets_tx_dropped], 0);
	for (unsigned i = 0; i < 100; i++)
		send_to(net, &path, 2, 0);
	net_tx_peek(net, 0, &n);
	assert_int_equal(n, NET_TX_MAX);
	assert_int_equal(rig_metrics.value[METRIC_packets_tx_dropped], 1000 + 100 - NET_TX_MAX);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_leaves_with_headers_and_good_checksums),
		cmocka_unit_test(a_chain_gets_the_checksum_of_all_its_segments),
		cmocka_unit_test(a_port_that_fills_in_checksums_gets_the_pseudo_header),
		cmocka_unit_test(eight_packets_wait_for_a_neighbour_and_leave_in_order),
		cmocka_unit_test(a_neighbour_that_never_answers_is_asked_thrice_and_given_up),
		cmocka_unit_test(an_old_neighbour_is_asked_directly_unless_tcp_confirms_it),
		cmocka_unit_test(unsolicited_arp_changes_what_is_known_and_adds_nothing),
		cmocka_unit_test(a_request_for_us_is_answered_and_remembered),
		cmocka_unit_test(our_address_is_announced_twice_and_defended_once_in_ten_seconds),
		cmocka_unit_test(the_way_is_the_link_the_gateway_or_none),
		cmocka_unit_test(the_transmit_queue_keeps_order_and_drops_beyond_its_limit),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
