/* How our addresses begin: tried for another owner, used, announced, defended; and the groups they
 * are in. */
#include "rig6.h"

#define SOLICITATION 135
#define ADVERTISEMENT 136
#define OVERRIDE 0x20
#define LISTENER_QUERY 130

static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 9};

static uint64_t metric(enum metric id)
{
	return rig_metrics.value[id];
}

static struct net *checked_new(unsigned worker, unsigned workers)
{
	struct net_config c = rig6_config(worker, workers);
	struct net       *net;

	memset(&rig_metrics, 0, sizeof(rig_metrics));
	c.ports[0].duplicate_check = true;
	net = net_new(&c);
	assert_non_null(net);
	return net;
}

/* Everything that leaves in that time, by kind. */
struct heard {
	unsigned arp_probes, arp_announcements, nd_probes, nd_announcements, reports, others;
};

static void frame_count(const uint8_t *f, struct heard *heard)
{
	static const uint8_t nobody[16];

	if (f[12] == 0x08 && f[13] == 0x06) {
		if (memcmp(f + 28, nobody, 4) == 0)
			heard->arp_probes++;
		else if (memcmp(f + 28, f + 38, 4) == 0)
			heard->arp_announcements++;
		else
			heard->others++;
	} else if (f[20] == 0 && f[RIG6_HEADERS + 8] == 143) {
		heard->reports++;
	} else if (f[RIG6_HEADERS] == SOLICITATION && memcmp(f + 22, nobody, 16) == 0) {
		heard->nd_probes++;
	} else if (f[RIG6_HEADERS] == ADVERTISEMENT) {
		heard->nd_announcements++;
	} else {
		heard->others++;
	}
}

static struct heard pass(struct net *net, uint64_t us)
{
	struct heard   heard = {0};
	const uint64_t end_us = rig_now.us + us;

	while (rig_now.us < end_us) {
		uint8_t f[RIG_FRAME_MAX];

		net_tick(net, rig_now);
		while (rig_out(net, f) > 0)
			frame_count(f, &heard);
		rig_now.us += 10 * US_PER_MS;
	}
	return heard;
}

static bool echo_is_answered(struct net *net)
{
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t         f[RIG_FRAME_MAX];

	rig_in(net, f, rig6_icmp_frame(f, &peer, &us, 128, 0, "abcd", 4), NULL);
	return rig_out(net, f) > 0;
}

static bool arp_is_answered(struct net *net)
{
	uint8_t f[RIG_FRAME_MAX];

	rig_in(net, f, rig_arp_frame(f, rig_mac, 1, rig_peer_mac, rig_ip(2), rig_ip(1)), NULL);
	return rig_out(net, f) > 0;
}

static void an_address_is_not_used_before_another_had_time_to_object(void **state)
{
	struct net     *net = checked_new(0, 1);
	struct net_addr remote = rig6_addr(2), remote4 = rig_addr(2);
	struct net_path path;
	struct heard    heard;

	(void)state;
	heard = pass(net, 110 * US_PER_MS);
	assert_int_equal(heard.nd_probes, 2); /* the one configured and that of the link */
	assert_int_equal(heard.arp_probes, 1);
	assert_false(echo_is_answered(net) || arp_is_answered(net));
	assert_false(net_path_find(net, rig_now, &remote, &path));
	assert_false(net_path_find(net, rig_now, &remote4, &path));
	heard = pass(net, 200 * US_PER_MS);
	assert_int_equal(heard.arp_announcements, 1);
	assert_true(arp_is_answered(net));
	assert_false(echo_is_answered(net));
	heard = pass(net, 900 * US_PER_MS);
	assert_int_equal(heard.nd_announcements, 2);
	assert_true(echo_is_answered(net));
	assert_true(net_path_find(net, rig_now, &remote, &path));
	heard = pass(net, 20 * US_PER_SECOND);
	assert_int_equal(heard.arp_probes, 2); /* the rest of RFC 5227's */
	assert_int_equal(heard.arp_announcements, 1);
	assert_int_equal(heard.nd_announcements, 2);
	assert_int_equal(heard.nd_probes, 0);
	rig_out_drop(net);
	rig_end(net);
}

static void only_one_worker_asks_and_all_wait(void **state)
{
	struct net  *net = checked_new(1, 2);
	struct heard heard = pass(net, US_PER_SECOND);

	(void)state;
	assert_false(echo_is_answered(net));
	assert_int_equal(heard.nd_probes + heard.arp_probes + heard.reports, 0);
	heard = pass(net, US_PER_SECOND / 2);
	assert_int_equal(heard.nd_announcements + heard.arp_announcements, 0);
	assert_true(echo_is_answered(net));
	rig_end(net);
}

static void advertise_ours(struct net *net, const uint8_t *mac)
{
	struct net_addr us = rig6_addr(1), all = rig6_all_nodes();
	uint8_t         f[RIG_FRAME_MAX];
	size_t          n = rig6_neighbour_frame(f, ADVERTISEMENT, OVERRIDE, &us, &all, &us, mac);

	memcpy(f + 6, mac, 6);
	rig_in(net, f, n, NULL);
}

static void an_address_that_another_has_is_never_used(void **state)
{
	struct net     *net = checked_new(0, 1);
	struct net_addr us = rig6_addr(1);

	(void)state;
	pass(net, 500 * US_PER_MS);
	advertise_ours(net, other_mac);
	assert_int_equal(metric(METRIC_addresses_duplicate), 1);
	assert_int_equal(metric(METRIC_address_conflicts), 1);
	assert_int_equal(pass(net, 60 * US_PER_SECOND).nd_announcements, 2); /* of the link's */
	assert_false(net_is_local(net, &us));
	assert_false(echo_is_answered(net));
	rig_out_drop(net);
	rig_end(net);
}

static void another_that_tries_the_same_address_at_the_same_time_is_a_conflict(void **state)
{
	struct net     *net = checked_new(0, 1);
	struct net_addr us = rig6_addr(1), nobody = {.ip6 = true}, group = rig6_solicited_node(1);
	uint8_t         f[RIG_FRAME_MAX];
	size_t          n;

	(void)state;
	pass(net, 500 * US_PER_MS);
	n = rig6_neighbour_frame(f, SOLICITATION, 0, &nobody, &group, &us, NULL);
	memcpy(f + 6, rig_mac, 6); /* our own question, come back */
	rig_in(net, f, n, NULL);
	assert_int_equal(metric(METRIC_address_conflicts), 0);
	memcpy(f + 6, other_mac, 6);
	rig_in(net, f, n, NULL);
	assert_int_equal(metric(METRIC_addresses_duplicate), 1);
	pass(net, 5 * US_PER_SECOND);
	assert_false(net_is_local(net, &us));
	rig_end(net);
}

static void who_only_asks_where_a_tentative_address_is_gets_no_answer(void **state)
{
	struct net     *net = checked_new(0, 1);
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2), group = rig6_solicited_node(1);
	uint8_t         f[RIG_FRAME_MAX];

	(void)state;
	pass(net, 500 * US_PER_MS);
	rig_in(net, f, rig6_neighbour_frame(f, SOLICITATION, 0, &peer, &group, &us, rig_peer_mac),
	       NULL);
	assert_int_equal(rig_out(net, f), 0);
	assert_int_equal(metric(METRIC_address_conflicts), 0);
	pass(net, US_PER_SECOND);
	assert_true(net_is_local(net, &us));
	rig_end(net);
}

static void an_ipv4_address_that_another_has_is_never_used(void **state)
{
	static const uint32_t senders[] = {RTE_BE32(0xc6120001), 0}; /* ours, or a probe for it */

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct net     *net = checked_new(0, 1);
		struct net_addr us = rig_addr(1);
		uint8_t         f[RIG_FRAME_MAX];

		pass(net, 150 * US_PER_MS);
		rig_in(net, f, rig_arp_frame(f, rig_mac, 1, other_mac, senders[i], rig_ip(1)),
		       NULL);
		assert_int_equal(metric(METRIC_addresses_duplicate), 1);
		assert_int_equal(pass(net, 20 * US_PER_SECOND).arp_announcements, 0);
		assert_false(net_is_local(net, &us));
		assert_false(arp_is_answered(net));
		rig_end(net);
	}
}

static void an_address_in_use_is_defended_once_in_ten_seconds(void **state)
{
	struct net     *net = checked_new(0, 1);
	struct net_addr us = rig6_addr(1);
	unsigned        defended = 0;

	(void)state;
	pass(net, 20 * US_PER_SECOND);
	for (unsigned i = 0; i < 30; i++) {
		advertise_ours(net, other_mac);
		defended += pass(net, US_PER_SECOND).nd_announcements;
	}
	assert_int_equal(defended, 3);
	assert_int_equal(metric(METRIC_address_conflicts), 30);
	assert_int_equal(metric(METRIC_addresses_duplicate), 0);
	assert_true(net_is_local(net, &us));
	rig_end(net);
}

static void a_conflict_that_one_worker_sees_ends_the_address_for_all(void **state)
{
	struct net     *net[2] = {checked_new(0, 2), checked_new(1, 2)};
	struct net_addr us = rig6_addr(1);
	struct net_news news[4];

	(void)state;
	pass(net[0], 500 * US_PER_MS);
	net_tick(net[1], rig_now);
	advertise_ours(net[1], other_mac);
	assert_int_equal(net_news_take(net[1], news, 4), 1);
	assert_int_equal(news[0].kind, NET_NEWS_DUPLICATE);
	assert_memory_equal(news[0].mac, other_mac, 6);
	net_news_learn(net[0], rig_now, &news[0]);
	pass(net[0], 5 * US_PER_SECOND);
	assert_false(net_is_local(net[0], &us));
	net_free(net[0]);
	net_free(net[1]);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
}

static void who_has_our_duplicate_is_a_neighbour_like_others(void **state)
{
	struct net_config c = rig6_config(0, 1);
	struct net_addr   him = rig6_addr(1), us = rig6_addr(7);
	struct net_path   path;
	struct net       *net;
	uint8_t           f[RIG_FRAME_MAX];

	(void)state;
	memset(&rig_metrics, 0, sizeof(rig_metrics));
	c.ports[0].duplicate_check = true;
	c.ports[0].addresses[2].address = us;
	c.ports[0].addresses[2].prefix = 64;
	c.ports[0].address_count = 3;
	net = net_new(&c);
	pass(net, 500 * US_PER_MS);
	advertise_ours(net, other_mac);
	pass(net, 5 * US_PER_SECOND);
	assert_true(net_path_find(net, rig_now, &him, &path));
	assert_memory_equal(net_path_source(net, &path)->w, us.w, 16);
	rig_out_drop(net);
	rig_in(net, f, rig6_neighbour_frame(f, ADVERTISEMENT, 0x60, &him, &us, &him, other_mac),
	       NULL);
	assert_true(net_path_find(net, rig_now, &him, &path));
	assert_true(path.resolved);
	assert_int_equal(metric(METRIC_address_conflicts), 1);
	rig_end(net);
}

static void a_gateway_that_moved_has_moved_for_all_workers(void **state)
{
	const uint8_t   everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct net     *net[2] = {rig_new(0, 2), rig_new(1, 2)};
	struct net_news news = {.address = rig_addr(254)};
	struct net_addr far = {.w = {RTE_BE32(0x08080808)}};
	struct net_path path;
	uint8_t         f[RIG_FRAME_MAX];

	(void)state;
	memcpy(news.mac, rig_peer_mac, 6);
	net_news_learn(net[1], rig_now, &news);
	/* it announces itself at another place; the frame comes to one worker, which knew it not */
	rig_in(net[0], f, rig_arp_frame(f, everyone, 1, other_mac, rig_ip(254), rig_ip(254)), NULL);
	assert_int_equal(net_news_take(net[0], &news, 1), 1);
	assert_int_equal(news.kind, NET_NEWS_MOVED);
	net_news_learn(net[1], rig_now, &news);
	assert_true(net_path_find(net[1], rig_now, &far, &path));
	assert_memory_equal(path.dst_mac, other_mac, 6);
	assert_true(net_path_find(net[0], rig_now, &far, &path));
	assert_false(path.resolved); /* who did not know it learns nothing from it */
	rig_out_drop(net[0]);
	net_free(net[0]);
	net_free(net[1]);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
}

static void groups_are_reported_twice_and_when_somebody_asks(void **state)
{
	struct net     *net = checked_new(0, 1);
	struct net_addr querier = rig6_link_local(0xfe), all = rig6_all_nodes();
	uint8_t         f[RIG_FRAME_MAX], query[24] = {0x03, 0xe8}; /* within a second */
	const uint8_t   reporters[6] = {0x33, 0x33, 0, 0, 0, 0x16};
	struct net_addr group = rig6_solicited_node(1);
	size_t          n;

	(void)state;
	net_tick(net, rig_now);
	n = rig_out(net, f);                            /* before any address is: from nobody */
	assert_int_equal(n, RIG6_HEADERS + 8 + 8 + 20); /* both addresses end alike: one group */
	assert_memory_equal(f, reporters, 6);
	assert_int_equal(f[21], 1);
	assert_memory_equal(f + 22, (uint8_t[16]){0}, 16);
	assert_memory_equal(f + RIG6_HEADERS, "\x3a\0\5\2\0\0\1\0", 8);
	assert_int_equal(f[RIG6_HEADERS + 8], 143);
	assert_int_equal(f[RIG6_HEADERS + 15], 1);
	assert_int_equal(f[RIG6_HEADERS + 16], 4);
	assert_memory_equal(f + RIG6_HEADERS + 20, group.w, 16);
	assert_int_equal(pass(net, 20 * US_PER_SECOND).reports, 1);
	n = rig6_icmp_frame(f, &querier, &all, LISTENER_QUERY, 0, query, sizeof(query));
	f[21] = 1;
	rig_in(net, f, n, NULL);
	rig_in(net, f, n, NULL); /* two questions, one answer */
	assert_int_equal(pass(net, 1010 * US_PER_MS).reports, 1);
	f[21] = 2; /* from beyond a router */
	rig_in(net, f, n, NULL);
	assert_int_equal(pass(net, 20 * US_PER_SECOND).reports, 0);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_not_used_before_another_had_time_to_object),
		cmocka_unit_test(only_one_worker_asks_and_all_wait),
		cmocka_unit_test(an_address_that_another_has_is_never_used),
		cmocka_unit_test(
			another_that_tries_the_same_address_at_the_same_time_is_a_conflict),
		cmocka_unit_test(who_only_asks_where_a_tentative_address_is_gets_no_answer),
		cmocka_unit_test(an_ipv4_address_that_another_has_is_never_used),
		cmocka_unit_test(an_address_in_use_is_defended_once_in_ten_seconds),
		cmocka_unit_test(a_conflict_that_one_worker_sees_ends_the_address_for_all),
		cmocka_unit_test(who_has_our_duplicate_is_a_neighbour_like_others),
		cmocka_unit_test(a_gateway_that_moved_has_moved_for_all_workers),
		cmocka_unit_test(groups_are_reported_twice_and_when_somebody_asks),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
