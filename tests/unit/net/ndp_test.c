/* Neighbour discovery and the way out over IPv6, in virtual time. */
#include "rig6.h"

#define SOLICITATION 135
#define ADVERTISEMENT 136
#define ROUTER 0x80
#define SOLICITED 0x40
#define OVERRIDE 0x20
#define LINK_LOCAL_LAST 1 /* of our own: fe80::ff:fe00:1 */

static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 9};

static uint64_t metric(enum metric id)
{
	return rig_metrics.value[id];
}

static void pass(struct net *net, uint64_t us)
{
	rig_now.us += us;
	net_tick(net, rig_now);
}

/* The announcements of the start are over. */
static struct net *quiet_new(unsigned worker, unsigned workers)
{
	struct net *net = rig6_new(worker, workers);

	for (unsigned i = 0; i < 20; i++)
		pass(net, US_PER_SECOND);
	rig_out_drop(net);
	return net;
}

static struct rte_mbuf *segment(struct net *net, size_t data)
{
	struct rte_mbuf *m = net_mbuf_new(net);
	uint8_t         *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(20 + data));

	memset(at, 0, 20);
	at[12] = 0x50;
	memset(at + 20, (int)data, data);
	return m;
}

static void send_to(struct net *net, struct net_path *path, unsigned last, size_t data)
{
	struct net_addr local = rig6_addr(1), remote = rig6_addr(last);

	net_output_tcp(net, rig_now, path, &local, &remote, segment(net, data));
}

static struct net_path path_to(struct net *net, unsigned last)
{
	struct net_addr remote = rig6_addr(last);
	struct net_path path;

	assert_true(net_path_find(net, rig_now, &remote, &path));
	return path;
}

static void advertise(struct net *net, unsigned last, uint8_t flags, const uint8_t *mac)
{
	struct net_addr us = rig6_addr(1), peer = rig6_addr(last);
	uint8_t         f[RIG_FRAME_MAX];

	rig_in(net, f, rig6_neighbour_frame(f, ADVERTISEMENT, flags, &peer, &us, &peer, mac), NULL);
}

/* To the solicited-node group of `last`, from the address given. */
static void assert_solicits_group(struct net *net, unsigned last)
{
	struct net_addr us = rig6_addr(1), target = rig6_addr(last);
	struct net_addr group = rig6_solicited_node(last);
	uint8_t         f[RIG_FRAME_MAX], mac[6] = {0x33, 0x33, 0xff, 0, 0, (uint8_t)last};

	assert_int_equal(rig6_out_icmp(net, f, SOLICITATION), RIG6_HEADERS + 32);
	assert_memory_equal(f, mac, 6);
	assert_int_equal(f[21], 255);
	assert_memory_equal(f + 22, us.w, 16);
	assert_memory_equal(f + 38, group.w, 16);
	assert_memory_equal(f + RIG6_HEADERS + 8, target.w, 16);
	assert_memory_equal(f + RIG6_HEADERS + 24, "\1\1", 2);
	assert_memory_equal(f + RIG6_HEADERS + 26, rig_mac, 6);
}

static void assert_solicits_one(struct net *net, unsigned last, const uint8_t mac[6])
{
	struct net_addr target = rig6_addr(last);
	uint8_t         f[RIG_FRAME_MAX];

	assert_int_equal(rig6_out_icmp(net, f, SOLICITATION), RIG6_HEADERS + 32);
	assert_memory_equal(f, mac, 6);
	assert_memory_equal(f + 38, target.w, 16);
}

static void assert_silent(struct net *net)
{
	uint8_t f[RIG_FRAME_MAX];

	assert_int_equal(rig_out(net, f), 0);
}

/* Where the next packet to `last` goes. */
static void assert_goes_to(struct net *net, struct net_path *path, unsigned last,
			   const uint8_t mac[6])
{
	uint8_t f[RIG_FRAME_MAX];

	send_to(net, path, last, 5);
	assert_int_equal(rig_out(net, f), RIG6_HEADERS + 25);
	assert_memory_equal(f, mac, 6);
}

static void a_question_for_our_address_is_answered(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2), group = rig6_solicited_node(1);
	uint8_t         f[RIG_FRAME_MAX];
	struct net_path path;

	(void)state;
	rig_in(net, f, rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &group, &us, rig_peer_mac),
	       NULL);
	assert_int_equal(rig6_out_icmp(net, f, ADVERTISEMENT), RIG6_HEADERS + 32);
	assert_memory_equal(f, rig_peer_mac, 6);
	assert_int_equal(f[21], 255);
	assert_memory_equal(f + 22, us.w, 16);
	assert_memory_equal(f + 38, peer.w, 16);
	assert_int_equal(f[RIG6_HEADERS + 4], SOLICITED | OVERRIDE);
	assert_memory_equal(f + RIG6_HEADERS + 8, us.w, 16);
	assert_memory_equal(f + RIG6_HEADERS + 24, "\2\1", 2);
	assert_memory_equal(f + RIG6_HEADERS + 26, rig_mac, 6);
	path = path_to(net, 2); /* who asks is known from then on */
	assert_true(path.resolved);
	assert_silent(net);
	rig_end(net);
}

static void our_link_local_address_is_made_from_the_hardware_address(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_addr us = rig6_link_local(LINK_LOCAL_LAST), peer = rig6_link_local(2);
	struct net_addr group = rig6_solicited_node(LINK_LOCAL_LAST);
	uint8_t         f[RIG_FRAME_MAX];

	(void)state;
	assert_true(net_is_local(net, &us));
	rig_in(net, f, rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &group, &us, rig_peer_mac),
	       NULL);
	rig6_out_icmp(net, f, ADVERTISEMENT);
	assert_memory_equal(f + 22, us.w, 16);
	rig_end(net);
}

static void a_port_without_ipv6_has_no_address_of_it(void **state)
{
	struct net     *net = rig_new(0, 1);
	struct net_addr us = rig6_link_local(LINK_LOCAL_LAST), peer = rig6_addr(2);
	struct net_path path;

	(void)state;
	assert_false(net_is_local(net, &us));
	assert_false(net_path_find(net, rig_now, &peer, &path));
	rig_end(net);
}

static void one_without_an_address_is_answered_to_all(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_addr us = rig6_addr(1), nobody = {.ip6 = true}, group = rig6_solicited_node(1);
	struct net_addr all = rig6_all_nodes();
	uint8_t         f[RIG_FRAME_MAX];

	(void)state;
	rig_in(net, f, rig6_neighbour_frame(f, SOLICITATION, 0, &nobody, &group, &us, NULL), NULL);
	rig6_out_icmp(net, f, ADVERTISEMENT);
	assert_memory_equal(f, "\x33\x33\0\0\0\1", 6);
	assert_memory_equal(f + 38, all.w, 16);
	assert_int_equal(f[RIG6_HEADERS + 4], OVERRIDE);
	rig_end(net);
}

static void malformed_neighbour_messages_are_refused(void **state)
{
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2), group = rig6_solicited_node(1);
	struct net_addr nobody = {.ip6 = true}, all = rig6_all_nodes();
	const uint8_t   to_many[6] = {3, 0, 0, 0, 0, 1};
	struct net     *net = quiet_new(0, 1);
	uint8_t         f[RIG_FRAME_MAX], rest[28] = {0};
	size_t          n;
	uint64_t        count = 0;

	(void)state;
	n = rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &group, &us, rig_peer_mac);
	f[21] = 254; /* it crossed a router */
	rig_in(net, f, n, NULL);
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	memcpy(rest + 4, us.w, 16);
	rest[20] = 1; /* an option of length 0 */
	rig_in(net, f, rig6_icmp_frame(f, &peer, &us, SOLICITATION, 0, rest, 28), NULL);
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	rest[21] = 1; /* code not 0 */
	rig_in(net, f, rig6_icmp_frame(f, &peer, &us, SOLICITATION, 1, rest, 28), NULL);
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	n = rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &us, &group, rig_peer_mac);
	rig_in(net, f, n, NULL); /* for a group */
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	n = rig6_neighbour_frame(f, SOLICITATION, 0, &nobody, &group, &us, rig_peer_mac);
	rig_in(net, f, n, NULL); /* without address, but with a place */
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	n = rig6_neighbour_frame(f, SOLICITATION, 0, &nobody, &us, &us, NULL);
	rig_in(net, f, n, NULL); /* without address, to one */
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	n = rig6_neighbour_frame(f, ADVERTISEMENT, SOLICITED, &peer, &all, &peer, rig_peer_mac);
	rig_in(net, f, n, NULL); /* an answer to many */
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	n = rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &group, &us, to_many);
	rig_in(net, f, n, NULL); /* at a group's hardware address */
	assert_int_equal(metric(METRIC_nd_dropped_malformed), ++count);
	assert_silent(net);
	rig_end(net);
}

static void a_neighbour_message_cut_at_any_byte_is_refused(void **state)
{
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t         f[RIG_FRAME_MAX], g[RIG_FRAME_MAX];
	struct net     *net = quiet_new(0, 1);

	(void)state;
	rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &us, &us, rig_peer_mac);
	for (size_t cut = 0; cut < 28; cut++) {
		uint64_t before =
			metric(METRIC_nd_dropped_malformed) + metric(METRIC_icmp_dropped_malformed);
		size_t n =
			rig6_icmp_frame(g, &peer, &us, SOLICITATION, 0, f + RIG6_HEADERS + 4, cut);

		rig_in(net, g, n, NULL);
		if (cut == 20) { /* the option is not there, which is well */
			rig6_out_icmp(net, g, ADVERTISEMENT);
			continue;
		}
		assert_int_equal(metric(METRIC_nd_dropped_malformed) +
					 metric(METRIC_icmp_dropped_malformed),
				 before + 1);
		assert_silent(net);
	}
	rig_end(net);
}

static void options_that_are_not_known_are_passed_over(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t         f[RIG_FRAME_MAX], rest[20 + 16 + 8] = {0};

	(void)state;
	memcpy(rest + 4, us.w, 16);
	rest[20] = 14; /* nonce, of 16 bytes */
	rest[21] = 2;
	rest[36] = 1;
	rest[37] = 1;
	memcpy(rest + 38, other_mac, 6);
	rig_in(net, f, rig6_icmp_frame(f, &peer, &us, SOLICITATION, 0, rest, sizeof(rest)), NULL);
	rig6_out_icmp(net, f, ADVERTISEMENT);
	assert_memory_equal(path_to(net, 2).dst_mac, other_mac, 6);
	rig_end(net);
}

static void packets_wait_for_a_neighbour_and_leave_in_order(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_path path = path_to(net, 2);
	uint8_t         f[RIG_FRAME_MAX];

	(void)state;
	assert_false(path.resolved);
	assert_solicits_group(net, 2);
	for (size_t i = 0; i < 10; i++)
		send_to(net, &path, 2, i);
	assert_silent(net);
	advertise(net, 2, SOLICITED | OVERRIDE, rig_peer_mac);
	for (size_t i = 2; i < 10; i++) { /* the latest eight */
		assert_int_equal(rig_out(net, f), RIG6_HEADERS + 20 + i);
		assert_memory_equal(f, rig_peer_mac, 6);
	}
	assert_silent(net);
	assert_int_equal(metric(METRIC_arp_waiting_dropped), 2);
	rig_end(net);
}

static void a_neighbour_that_does_not_answer_is_given_up(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_path path = path_to(net, 2);

	(void)state;
	send_to(net, &path, 2, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_solicits_group(net, 2);
		assert_silent(net);
		pass(net, US_PER_SECOND);
	}
	assert_silent(net);
	assert_int_equal(metric(METRIC_arp_unanswered), 1);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
	rig_end(net);
}

static void a_reachable_neighbour_is_not_asked_before_it_is_used_again(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_path path = path_to(net, 2);

	(void)state;
	rig_out_drop(net);
	advertise(net, 2, SOLICITED, rig_peer_mac);
	assert_goes_to(net, &path, 2, rig_peer_mac);
	for (unsigned i = 0; i < 600; i++) /* it becomes stale and stays so */
		pass(net, US_PER_SECOND);
	assert_silent(net);
	assert_goes_to(net, &path, 2, rig_peer_mac);
	pass(net, 4 * US_PER_SECOND);
	assert_silent(net);
	pass(net, US_PER_SECOND);
	assert_solicits_one(net, 2, rig_peer_mac);
	advertise(net, 2, SOLICITED, rig_peer_mac);
	for (unsigned i = 0; i < 14; i++)
		pass(net, US_PER_SECOND);
	assert_silent(net);
	rig_end(net);
}

static void progress_of_tcp_spares_the_question(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_path path = path_to(net, 2);

	(void)state;
	rig_out_drop(net);
	advertise(net, 2, SOLICITED, rig_peer_mac);
	for (unsigned i = 0; i < 300; i++) {
		pass(net, US_PER_SECOND);
		net_path_confirm(net, rig_now, &path);
		assert_goes_to(net, &path, 2, rig_peer_mac);
		assert_silent(net);
	}
	rig_end(net);
}

static void a_stale_neighbour_in_use_that_is_silent_is_looked_for_anew(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_path path = path_to(net, 2);

	(void)state;
	rig_out_drop(net);
	advertise(net, 2, SOLICITED, rig_peer_mac);
	pass(net, 50 * US_PER_SECOND);
	assert_goes_to(net, &path, 2, rig_peer_mac);
	pass(net, 5 * US_PER_SECOND);
	for (unsigned i = 0; i < 3; i++) {
		assert_solicits_one(net, 2, rig_peer_mac);
		assert_goes_to(net, &path, 2, rig_peer_mac); /* which goes on meanwhile */
		pass(net, US_PER_SECOND);
	}
	send_to(net, &path, 2, 5);
	assert_solicits_group(net, 2);
	assert_silent(net);
	advertise(net, 2, SOLICITED, other_mac);
	rig_out_drop(net);
	assert_goes_to(net, &path, 2, other_mac);
	rig_end(net);
}

/* RFC 4861, 7.2.5 and appendix C. From a reachable neighbour at rig_peer_mac. */
static void an_advertisement_changes_what_its_flags_let_it(void **state)
{
	static const struct {
		const char *title;
		uint8_t     flags;
		int         mac;             /* 0: none, 1: the same, 2: another */
		bool        moves, is_asked; /* asked: stale, so 5 s after it was used */
	} cases[] = {
		{"the same, unsolicited", 0, 1, false, false},
		{"the same, unsolicited, override", OVERRIDE, 1, false, false},
		{"another, unsolicited", 0, 2, false, true},
		{"another, solicited, without override", SOLICITED, 2, false, true},
		{"another, unsolicited, override", OVERRIDE, 2, true, true},
		{"another, solicited, override", SOLICITED | OVERRIDE, 2, true, false},
		{"none", SOLICITED | OVERRIDE, 0, false, false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net     *net = quiet_new(0, 1);
		struct net_path path = path_to(net, 2);
		const uint8_t  *macs[3] = {NULL, rig_peer_mac, other_mac};
		const uint8_t  *then = cases[i].moves ? other_mac : rig_peer_mac;
		uint8_t         f[RIG_FRAME_MAX];

		rig_out_drop(net);
		advertise(net, 2, SOLICITED | OVERRIDE, rig_peer_mac);
		advertise(net, 2, cases[i].flags, macs[cases[i].mac]);
		assert_goes_to(net, &path, 2, then);
		pass(net, 5 * US_PER_SECOND);
		if ((rig_out(net, f) > 0) != cases[i].is_asked)
			fail_msg("%s", cases[i].title);
		rig_end(net);
	}
}

static void an_advertisement_nobody_asked_for_makes_no_entry(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_path path;

	(void)state;
	advertise(net, 2, SOLICITED | OVERRIDE, rig_peer_mac);
	path = path_to(net, 2);
	assert_false(path.resolved);
	assert_solicits_group(net, 2);
	advertise(net, 2, SOLICITED | OVERRIDE, NULL); /* nor does one that does not say where */
	send_to(net, &path, 2, 0);
	assert_silent(net);
	rig_end(net);
}

static void another_that_claims_our_address_is_counted(void **state)
{
	struct net *net = quiet_new(0, 1);

	(void)state;
	advertise(net, 1, OVERRIDE, other_mac);
	assert_int_equal(metric(METRIC_address_conflicts), 1);
	rig_end(net);
}

static void strangers_do_not_push_out_neighbours_in_use(void **state)
{
	struct net_addr us = rig6_addr(1);
	struct net     *net = quiet_new(0, 1);
	struct net_path path = path_to(net, 2);
	uint8_t         f[RIG_FRAME_MAX];

	(void)state;
	rig_out_drop(net);
	advertise(net, 2, SOLICITED | OVERRIDE, rig_peer_mac);
	for (unsigned i = 0; i < 20000; i++) {
		struct net_addr peer = rig6_addr(1000 + i);

		rig_in(net, f, rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &us, &us, other_mac),
		       NULL);
		rig_out_drop(net);
	}
	assert_goes_to(net, &path, 2, rig_peer_mac);
	assert_silent(net);
	rig_end(net);
}

static void a_flood_of_new_destinations_asks_with_a_limit(void **state)
{
	struct net *net = quiet_new(0, 1);
	unsigned    sent;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		path_to(net, 1000 + i);
	net_tx_peek(net, 0, &sent);
	assert_in_range(sent, 1, 300);
	assert_in_range(metric(METRIC_neighbours_limited), 9000, 10000);
	rig_out_drop(net);
	rig_end(net);
}

static void an_address_of_another_network_is_not_learned(void **state)
{
	struct net     *net = quiet_new(0, 1);
	struct net_addr us = rig6_addr(1), far = {.w = {RTE_BE32(0x20010db8)}, .ip6 = true};
	uint8_t         f[RIG_FRAME_MAX];

	(void)state;
	rig_in(net, f, rig6_neighbour_frame(f, SOLICITATION, 0, &far, &us, &us, other_mac), NULL);
	rig6_out_icmp(net, f, ADVERTISEMENT);
	far = rig6_addr(0xfe); /* its way is that of the gateway, which is not known */
	assert_false(path_to(net, 0xfe).resolved);
	rig_end(net);
}

static void what_one_worker_learns_the_others_know(void **state)
{
	struct net     *net[2] = {quiet_new(0, 2), quiet_new(1, 2)};
	struct net_news news[4];
	struct net_path path = path_to(net[1], 2);

	(void)state;
	rig_out_drop(net[1]);
	advertise(net[0], 2, SOLICITED, rig_peer_mac); /* the answer came to the wrong worker */
	assert_int_equal(net_news_take(net[0], news, 4), 1);
	net_news_learn(net[1], rig_now, &news[0]);
	assert_goes_to(net[1], &path, 2, rig_peer_mac);
	advertise(net[0], 2, OVERRIDE, other_mac); /* it moved */
	assert_int_equal(net_news_take(net[0], news, 4), 1);
	net_news_learn(net[1], rig_now, &news[0]);
	assert_goes_to(net[1], &path, 2, other_mac);
	advertise(net[0], 3, OVERRIDE, other_mac); /* one that nobody uses makes no entry */
	assert_int_equal(net_news_take(net[0], news, 4), 1);
	net_news_learn(net[1], rig_now, &news[0]);
	assert_false(path_to(net[1], 3).resolved);
	net_free(net[0]);
	net_free(net[1]);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
}

static void our_addresses_are_announced_by_one_worker(void **state)
{
	(void)state;
	for (unsigned worker = 0; worker < 2; worker++) {
		struct net *net = rig6_new(worker, 2);
		unsigned    announced[2] = {0};

		for (unsigned i = 0; i < 10; i++) {
			uint8_t f[RIG_FRAME_MAX];

			pass(net, US_PER_SECOND);
			while (rig_out(net, f) > 0) {
				if (f[12] != 0x86 || f[RIG6_HEADERS] != ADVERTISEMENT)
					continue;
				assert_memory_equal(f, "\x33\x33\0\0\0\1", 6);
				assert_int_equal(f[RIG6_HEADERS + 4], OVERRIDE);
				announced[f[22] == 0xfe]++;
			}
		}
		assert_int_equal(announced[0], worker == 0 ? 2 : 0);
		assert_int_equal(announced[1], worker == 0 ? 2 : 0);
		rig_end(net);
	}
}

static void the_way_is_the_link_or_the_gateway(void **state)
{
	static const struct net_addr nowhere[] = {
		{.ip6 = true},
		{.w = {0, 0, 0, RTE_BE32(1)}, .ip6 = true},
		{.w = {RTE_BE32(0xff0e0000), 0, 0, RTE_BE32(1)}, .ip6 = true},
		{.w = {RTE_BE32(0x20010002), 0, 0, RTE_BE32(1)}, .ip6 = true}};
	struct net     *net = quiet_new(0, 1);
	struct net_addr far = {.w = {RTE_BE32(0x20010db8), 0, 0, RTE_BE32(7)}, .ip6 = true};
	struct net_addr near = rig6_addr(200), gateway = rig6_addr(0xfe), us = rig6_addr(1);
	struct net_addr beside = rig6_link_local(2), ours = rig6_link_local(LINK_LOCAL_LAST);
	struct net_path path;

	(void)state;
	assert_true(net_path_find(net, rig_now, &near, &path));
	assert_memory_equal(path.next_hop.w, near.w, 16);
	assert_memory_equal(net_path_source(net, &path)->w, us.w, 16);
	assert_true(net_path_find(net, rig_now, &far, &path));
	assert_memory_equal(path.next_hop.w, gateway.w, 16);
	assert_memory_equal(net_path_source(net, &path)->w, us.w, 16);
	assert_true(net_path_find(net, rig_now, &beside, &path));
	assert_memory_equal(net_path_source(net, &path)->w, ours.w, 16);
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		assert_false(net_path_find(net, rig_now, &nowhere[i], &path));
	rig_end(net);
}

static void a_gateway_may_be_named_by_its_link_local_address(void **state)
{
	struct net_config c = rig6_config(0, 1);
	struct net_addr   far = {.w = {RTE_BE32(0x20010db8), 0, 0, RTE_BE32(7)}, .ip6 = true};
	struct net_addr   us = rig6_addr(1);
	struct net       *net;
	struct net_path   path;

	(void)state;
	c.ports[0].gateway6 = rig6_link_local(0xfe);
	net = net_new(&c);
	assert_true(net_path_find(net, rig_now, &far, &path));
	assert_memory_equal(path.next_hop.w, c.ports[0].gateway6.w, 16);
	assert_memory_equal(net_path_source(net, &path)->w, us.w, 16);
	rig_out_drop(net);
	rig_end(net);
}

static void assert_leaves_well(struct net *net, size_t data)
{
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t         f[RIG_FRAME_MAX];
	size_t          n = RIG6_HEADERS + 20 + data;

	assert_int_equal(rig_out(net, f), n);
	assert_memory_equal(f, rig_peer_mac, 6);
	assert_memory_equal(f + 6, rig_mac, 6);
	assert_int_equal(f[12] << 8 | f[13], 0x86dd);
	assert_int_equal(f[14] >> 4, 6);
	assert_int_equal(f[18] << 8 | f[19], 20 + data);
	assert_int_equal(f[20], 6);
	assert_int_equal(f[21], 64);
	assert_memory_equal(f + 22, us.w, 16);
	assert_memory_equal(f + 38, peer.w, 16);
	assert_int_equal(rig6_checksum(&us, &peer, 6, f + RIG6_HEADERS, 20 + data), 0);
}

static struct net *offload_new(bool tcp_checksum, bool multi_segment, struct net_path *path)
{
	struct net_config c = rig6_config(0, 1);
	struct net_news   news = {.address = rig6_addr(2)};
	struct net       *net;

	c.ports[0].tx_ip_checksum = c.ports[0].tx_tcp_checksum = tcp_checksum;
	c.ports[0].multi_segment = multi_segment;
	net = net_new(&c);
	memcpy(news.mac, rig_peer_mac, 6);
	net_news_learn(net, rig_now, &news);
	*path = path_to(net, 2);
	assert_true(path->resolved);
	return net;
}

static void a_segment_leaves_with_headers_and_a_good_checksum(void **state)
{
	struct net_path path;
	struct net     *net = offload_new(false, false, &path);

	(void)state;
	for (size_t data = 0; data < 10; data++) {
		send_to(net, &path, 2, data);
		assert_leaves_well(net, data);
	}
	rig_end(net);
}

static void a_chain_gets_the_checksum_of_all_its_segments(void **state)
{
	struct net_addr  us = rig6_addr(1), peer = rig6_addr(2);
	struct net_path  path;
	struct net      *net = offload_new(false, true, &path);
	struct rte_mbuf *head = segment(net, 7), *tail = segment(net, 3);

	(void)state;
	rte_pktmbuf_chain(head, tail); /* at an odd place */
	net_output_tcp(net, rig_now, &path, &us, &peer, head);
	assert_leaves_well(net, 7 + 23);
	rig_end(net);
}

static void a_port_that_fills_in_checksums_gets_the_pseudo_header(void **state)
{
	struct net_addr   us = rig6_addr(1), peer = rig6_addr(2);
	struct net_path   path;
	struct net       *net = offload_new(true, false, &path);
	struct rte_mbuf **out;
	uint16_t          sum, wanted;
	unsigned          n;

	(void)state;
	send_to(net, &path, 2, 4);
	out = net_tx_peek(net, 0, &n);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->ol_flags, RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_TCP_CKSUM);
	assert_int_equal(out[0]->l2_len, 14);
	assert_int_equal(out[0]->l3_len, 40);
	memcpy(&sum, rte_pktmbuf_mtod_offset(out[0], void *, RIG6_HEADERS + 16), 2);
	wanted = (uint16_t)~rig6_checksum(&us, &peer, 6, (uint8_t[24]){0}, 24);
	assert_int_equal(sum, wanted);
	rig_end(net);
}

static void flows_have_labels_of_their_own_that_last(void **state)
{
	struct net_path path;
	struct net     *net = offload_new(false, false, &path);
	uint32_t        labels[2][8];
	unsigned        same = 0;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 8; i++) {
			struct net_addr  us = rig6_addr(1), peer = rig6_addr(2);
			struct rte_mbuf *m = segment(net, 0);
			uint8_t          f[RIG_FRAME_MAX];

			rte_pktmbuf_mtod(m, uint8_t *)[1] = (uint8_t)i;
			net_output_tcp(net, rig_now, &path, &us, &peer, m);
			rig_out(net, f);
			labels[round][i] = (uint32_t)(f[15] & 15) << 16 | f[16] << 8 | f[17];
		}
	}
	assert_memory_equal(labels[0], labels[1], sizeof(labels[0]));
	for (unsigned i = 1; i < 8; i++)
		same += labels[0][i] == labels[0][0];
	assert_int_equal(same, 0);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_for_our_address_is_answered),
		cmocka_unit_test(our_link_local_address_is_made_from_the_hardware_address),
		cmocka_unit_test(a_port_without_ipv6_has_no_address_of_it),
		cmocka_unit_test(one_without_an_address_is_answered_to_all),
		cmocka_unit_test(malformed_neighbour_messages_are_refused),
		cmocka_unit_test(a_neighbour_message_cut_at_any_byte_is_refused),
		cmocka_unit_test(options_that_are_not_known_are_passed_over),
		cmocka_unit_test(packets_wait_for_a_neighbour_and_leave_in_order),
		cmocka_unit_test(a_neighbour_that_does_not_answer_is_given_up),
		cmocka_unit_test(a_reachable_neighbour_is_not_asked_before_it_is_used_again),
		cmocka_unit_test(progress_of_tcp_spares_the_question),
		cmocka_unit_test(a_stale_neighbour_in_use_that_is_silent_is_looked_for_anew),
		cmocka_unit_test(an_advertisement_changes_what_its_flags_let_it),
		cmocka_unit_test(an_advertisement_nobody_asked_for_makes_no_entry),
		cmocka_unit_test(another_that_claims_our_address_is_counted),
		cmocka_unit_test(strangers_do_not_push_out_neighbours_in_use),
		cmocka_unit_test(a_flood_of_new_destinations_asks_with_a_limit),
		cmocka_unit_test(an_address_of_another_network_is_not_learned),
		cmocka_unit_test(what_one_worker_learns_the_others_know),
		cmocka_unit_test(our_addresses_are_announced_by_one_worker),
		cmocka_unit_test(the_way_is_the_link_or_the_gateway),
		cmocka_unit_test(a_gateway_may_be_named_by_its_link_local_address),
		cmocka_unit_test(a_segment_leaves_with_headers_and_a_good_checksum),
		cmocka_unit_test(a_chain_gets_the_checksum_of_all_its_segments),
		cmocka_unit_test(a_port_that_fills_in_checksums_gets_the_pseudo_header),
		cmocka_unit_test(flows_have_labels_of_their_own_that_last),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
