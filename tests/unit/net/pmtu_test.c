/* What is known of path MTUs: learned, told to other workers, forgotten. */
#include "rig.h"

static uint16_t mtu_of(struct net *net, unsigned last)
{
	struct net_addr remote = rig_addr(last);
	struct net_path path;

	assert_true(net_path_find(net, rig_now, &remote, &path));
	rig_out_drop(net);
	return path.mtu;
}

static void learn(struct net *net, unsigned last, uint16_t mtu)
{
	struct net_addr remote = rig_addr(last);

	net_path_mtu_learn(net, rig_now, &remote, mtu);
}

static void a_path_is_as_wide_as_the_link_until_it_is_known_to_be_narrower(void **state)
{
	struct net     *net = rig_new(0, 1);
	struct net_addr remote = rig_addr(2);
	struct net_path path;

	(void)state;
	assert_true(net_path_find(net, rig_now, &remote, &path));
	assert_int_equal(path.mtu, 1500);
	assert_int_equal(path.mtu_generation, net_path_mtu_generation(net));
	learn(net, 2, 1400);
	assert_int_not_equal(path.mtu_generation, net_path_mtu_generation(net));
	net_path_mtu_follow(net, &remote, &path);
	assert_int_equal(path.mtu, 1400);
	assert_int_equal(path.link_mtu, 1500);
	assert_int_equal(mtu_of(net, 3), 1500);
	learn(net, 2, 1450); /* wider again: only by age */
	assert_int_equal(mtu_of(net, 2), 1400);
	learn(net, 2, 68);
	assert_int_equal(mtu_of(net, 2), 552);
	learn(net, 4, 9000); /* wider than the link */
	assert_int_equal(mtu_of(net, 4), 1500);
	rig_out_drop(net);
	rig_end(net);
}

static void after_ten_minutes_a_path_is_tried_at_full_width_again(void **state)
{
	struct net *net = rig_new(0, 1);
	struct now  start = rig_now;

	(void)state;
	learn(net, 2, 1400);
	rig_now.us += 300 * US_PER_SECOND;
	learn(net, 3, 1300);
	rig_now.us += 299 * US_PER_SECOND;
	net_tick(net, rig_now);
	assert_int_equal(mtu_of(net, 2), 1400);
	rig_now.us += US_PER_SECOND;
	net_tick(net, rig_now);
	assert_int_equal(mtu_of(net, 2), 1500);
	assert_int_equal(mtu_of(net, 3), 1300);
	assert_int_equal(rig_metrics.value[METRIC_path_mtus_aged], 1);
	rig_now.us += 300 * US_PER_SECOND;
	net_tick(net, rig_now);
	assert_int_equal(mtu_of(net, 3), 1500);
	rig_now = start;
	rig_out_drop(net);
	rig_end(net);
}

static void the_other_workers_are_told_once(void **state)
{
	struct net     *net[2] = {rig_new(0, 2), rig_new(1, 2)};
	struct net_news news[2];

	(void)state;
	learn(net[0], 2, 1400);
	assert_int_equal(net_news_take(net[0], news, 2), 1);
	assert_int_equal(news[0].kind, NET_NEWS_MTU);
	assert_int_equal(news[0].mtu, 1400);
	net_news_learn(net[1], rig_now, &news[0]);
	assert_int_equal(mtu_of(net[1], 2), 1400);
	assert_int_equal(net_news_take(net[1], news, 2), 0);
	rig_out_drop(net[1]);
	net_free(net[1]);
	rig_end(net[0]);
}

static void reports_mean_what_rfc_1191_and_8201_say(void **state)
{
	static const struct {
		bool     ip6;
		uint16_t size, mtu, means;
	} rows[] = {
		{false, 1500, 1400, 1400}, {false, 1500, 1500, 0}, /* it would have passed */
		{false, 1500, 9000, 0},    {false, 9000, 0, 8166}, /* the next plateau */
		{false, 8166, 0, 4352},    {false, 1500, 0, 1492},
		{false, 1492, 0, 1006},    {false, 1006, 0, 552},
		{false, 1500, 68, 552},    {false, 552, 68, 0}, /* not below the least */
		{false, 40, 0, 0},         {true, 1500, 1280, 1280},
		{true, 1500, 1279, 0},     {true, 1500, 0, 0},
		{true, 1280, 1280, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_icmp_error e = {.type = 3,
					   .code = 4,
					   .remote.ip6 = rows[i].ip6,
					   .size = rows[i].size,
					   .mtu = rows[i].mtu};

		assert_int_equal(net_path_mtu_reported(&e), rows[i].means);
	}
}

static void a_flood_of_paths_keeps_to_its_table_and_the_newest_stay(void **state)
{
	struct net *net = rig_new(0, 1);

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct net_addr remote = {.w = {rte_cpu_to_be_32(0x0b000000u + i)}};
		struct net_path path;

		rig_now.us++;
		net_path_mtu_learn(net, rig_now, &remote, 1300);
		assert_true(net_path_find(net, rig_now, &remote, &path));
		assert_int_equal(path.mtu, 1300);
	}
	rig_out_drop(net);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_as_wide_as_the_link_until_it_is_known_to_be_narrower),
		cmocka_unit_test(after_ten_minutes_a_path_is_tried_at_full_width_again),
		cmocka_unit_test(the_other_workers_are_told_once),
		cmocka_unit_test(reports_mean_what_rfc_1191_and_8201_say),
		cmocka_unit_test(a_flood_of_paths_keeps_to_its_table_and_the_newest_stay),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
