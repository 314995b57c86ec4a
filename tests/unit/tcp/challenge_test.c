/* How many challenges a host gets, and that it learns nothing of those of others. */
#include "rig.h"

#include "tcp/segment.h"

static unsigned challenges(struct tcp *tcp, struct net_addr host, unsigned asked)
{
	unsigned allowed = 0;

	for (unsigned i = 0; i < asked; i++)
		allowed += tcp_challenge_may(tcp, &host);
	return allowed;
}

static struct net_addr host_at(unsigned n, bool ip6)
{
	return (struct net_addr){.w = {rte_cpu_to_be_32(0x0a000000u + n), 0, 0, 7}, .ip6 = ip6};
}

static void a_host_gets_a_thousand_each_second(void **state)
{
	struct rig_end end;

	(void)state;
	rig_now.us = RIG_START_US;
	rig_end_new(&end, 1, 42, &(struct tcp_config){0});
	for (unsigned second = 0; second < 3; second++) {
		tcp_tick(end.tcp, rig_now);
		assert_int_equal(challenges(end.tcp, host_at(5, false), 10000), 1000);
		rig_pass(US_PER_SECOND);
	}
	assert_int_equal(rig_metric(&end, METRIC_tcp_challenge_acks_limited), 27000);
	rig_end_free(&end);
}

static void addresses_of_one_ip6_network_are_one_host(void **state)
{
	struct net_addr one = host_at(5, true), two = host_at(5, true);
	struct rig_end  end;

	(void)state;
	rig_now.us = RIG_START_US;
	rig_end_new(&end, 1, 42, &(struct tcp_config){0});
	tcp_tick(end.tcp, rig_now);
	two.w[3] = 8;
	assert_int_equal(challenges(end.tcp, one, 600), 600);
	assert_int_equal(challenges(end.tcp, two, 600), 400);
	rig_end_free(&end);
}

/* A few share a place with the host that asks too much; in the next second they are others. */
static void what_one_host_uses_up_says_nothing_of_another_for_long(void **state)
{
	bool           shared[2][1000];
	unsigned       count[2] = {0, 0}, again = 0;
	struct rig_end end;

	(void)state;
	rig_now.us = RIG_START_US;
	rig_end_new(&end, 1, 42, &(struct tcp_config){0});
	for (unsigned second = 0; second < 2; second++) {
		tcp_tick(end.tcp, rig_now);
		challenges(end.tcp, host_at(5000, false), 1000);
		for (unsigned i = 0; i < 1000; i++) {
			shared[second][i] = challenges(end.tcp, host_at(i, false), 1) == 0;
			count[second] += shared[second][i];
		}
		rig_pass(US_PER_SECOND);
	}
	for (unsigned i = 0; i < 1000; i++)
		again += shared[0][i] && shared[1][i];
	assert_in_range(count[0], 0, 15); /* of 256 places, so 4 are to be expected */
	assert_in_range(count[1], 0, 15);
	assert_in_range(again, 0, 1);
	rig_end_free(&end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_gets_a_thousand_each_second),
		cmocka_unit_test(addresses_of_one_ip6_network_are_one_host),
		cmocka_unit_test(what_one_host_uses_up_says_nothing_of_another_for_long),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
