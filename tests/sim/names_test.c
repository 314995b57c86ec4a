/* Peers whose host is a name: sessions go where control has found it, move when it moves, try the
 * next address when one refuses, and share themselves out by weight. */
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "record.h"

static struct sim sim;

static const char *world_of(unsigned connections)
{
	static char room[512];

	snprintf(room, sizeof(room),
		 "accounts:\n"
		 "  - {name: esme1, password: secret1}\n"
		 "peers:\n"
		 "  - {name: smsc1, host: smsc.example, system_id: one, password: pw, connections: "
		 "%u, reconnect: 5}\n"
		 "routes:\n"
		 "  - {to: \"+4670\", via: [smsc1]}\n",
		 connections);
	return room;
}

static void begin(unsigned connections, unsigned ports)
{
	struct sim_config config = {.workers = 2, .seed = 7, .hooks = record_hooks};

	record_world(&sim, &config, world_of(connections), ports, 0, 0);
}

static void end(void)
{
	sim_free(&sim);
	record_end();
}

struct place {
	uint16_t    port, priority, weight;
	const char *address; /* NULL: the host's */
};

/* As control tells it, between versions. */
static void found_at(const struct place places[], unsigned n)
{
	const struct world    *w = sim.dp.world.current;
	struct world_addresses a = {.n = n};
	struct sim_delta       d = {.checksum = w->checksum};

	for (unsigned i = 0; i < n; i++) {
		a.items[i] = (struct world_address){.server = (uint8_t)i,
						    .port = places[i].port,
						    .priority = places[i].priority,
						    .weight = places[i].weight};
		if (places[i].address == NULL)
			inet_pton(AF_INET, "198.18.0.2", a.items[i].w);
		else if (inet_pton(AF_INET, places[i].address, a.items[i].w) != 1)
			a.items[i].ip6 = inet_pton(AF_INET6, places[i].address, a.items[i].w) == 1;
	}
	world_delta_begin(&d.delta, w->version, w->version);
	world_delta_addresses(&d.delta, "smsc1", &a);
	sim_delta_publish(&sim, &d);
}
#define FOUND_AT(...)                                                                              \
	found_at((const struct place[]){__VA_ARGS__},                                              \
		 sizeof((const struct place[]){__VA_ARGS__}) / sizeof(struct place))

static unsigned bound_at(uint16_t port)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sim.host.session_count; i++) {
		const struct host_session *s = &sim.host.sessions[i];
		struct tcp_info            info;

		n += s->role == HOST_SMSC && s->open && s->up &&
		     tcp_info(sim.host.tcp, s->tcp, &info) && info.local_port == port;
	}
	return n;
}

static struct {
	uint16_t port;
	unsigned n;
} wanted;

static bool is_bound(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == wanted.n && bound_at(wanted.port) == wanted.n;
}

static bool bound_within(uint16_t port, unsigned n, uint64_t ms)
{
	wanted.port = port;
	wanted.n = n;
	return sim_until(&sim, is_bound, ms * US_PER_MS);
}

static void a_peer_is_connected_when_its_name_is_known(void **state)
{
	begin(4, 2);
	sim_pass(&sim, 3 * US_PER_SECOND);
	assert_int_equal(sim.host.session_count, 0);
	FOUND_AT({2776, 0, 0, NULL});
	assert_true(bound_within(2776, 4, 1000));
	end();
}

static void sessions_move_with_the_name_and_stay_while_their_address_does(void **state)
{
	uint64_t logins;

	begin(4, 2);
	FOUND_AT({2776, 0, 0, NULL});
	assert_true(bound_within(2776, 4, 1000));
	logins = sim_metric(&sim, METRIC_logins);
	FOUND_AT({2777, 0, 0, NULL}, {2776, 1, 0, NULL});
	sim_pass(&sim, 3 * US_PER_SECOND);
	assert_int_equal(bound_at(2776), 4);
	assert_int_equal(sim_metric(&sim, METRIC_logins), logins);
	FOUND_AT({2777, 0, 0, NULL});
	assert_true(bound_within(2777, 4, 1000)); /* in order: no time-out, and no wait for 5 s */
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_CONNECTION_RESET), 0);
	assert_int_equal(sim_metric(&sim, METRIC_logins), logins + 4);
	found_at(NULL, 0); /* DNS says that there is no such name */
	assert_true(bound_within(2777, 0, 1000));
	sim_pass(&sim, 7 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_links_up), 0);
	FOUND_AT({2776, 0, 0, NULL});
	assert_true(bound_within(2776, 4, 1000));
	end();
}

static void the_next_address_is_tried_at_once_when_one_refuses(void **state)
{
	begin(3, 2);
	FOUND_AT({2790, 1, 0, NULL}, {2791, 2, 0, NULL}, {2777, 3, 0, NULL}, {2776, 4, 0, NULL});
	assert_true(bound_within(2777, 3, 1000));
	end();
}

static void when_all_refuse_there_is_a_pause_and_then_the_first_is_tried_again(void **state)
{
	begin(1, 0);
	FOUND_AT({2776, 1, 0, NULL}, {2777, 2, 0, NULL});
	sim_pass(&sim, 1 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_tcp_active_opens), 2);
	sim_pass(&sim, 2 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_tcp_active_opens), 2);
	host_listen(&sim.host, 2776);
	host_listen(&sim.host, 2777);
	assert_true(bound_within(2776, 1, 5000));
	end();
}

static void a_lost_session_comes_back_to_the_best_address(void **state)
{
	begin(1, 2);
	FOUND_AT({2776, 1, 0, NULL}, {2777, 2, 0, NULL});
	assert_true(bound_within(2776, 1, 1000));
	host_reset(&sim.host, record_smsc(&sim, "one", 0));
	assert_true(bound_within(2776, 0, 1000));
	assert_true(bound_within(2776, 1, 7000));
	end();
}

static void addresses_that_can_be_nobodys_do_no_harm(void **state)
{
	static const char *const nobodys[] = {
		"0.0.0.0",    "127.0.0.1",    "224.0.0.1", "255.255.255.255",
		"198.18.0.1", "198.18.0.255", "::",        "::1",
		"ff02::1",    "2001:2::9",    "fe80::9"};

	for (size_t i = 0; i < sizeof(nobodys) / sizeof(nobodys[0]); i++) {
		begin(2, 1);
		FOUND_AT({2776, 1, 0, nobodys[i]}, {2776, 2, 0, NULL});
		if (!bound_within(2776, 2, 15000))
			fail_msg("behind %s", nobodys[i]);
		end();
	}
}

static void many_sessions_share_themselves_out_by_weight(void **state)
{
	unsigned first;

	begin(60, 3);
	FOUND_AT({2776, 1, 30, NULL}, {2777, 1, 10, NULL}, {2778, 2, 10, NULL});
	sim_pass(&sim, 3 * US_PER_SECOND);
	first = bound_at(2776);
	assert_int_equal(first + bound_at(2777), 60);
	assert_in_range(first, 34, 56); /* 45, and three standard deviations */
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_is_connected_when_its_name_is_known),
		cmocka_unit_test(sessions_move_with_the_name_and_stay_while_their_address_does),
		cmocka_unit_test(the_next_address_is_tried_at_once_when_one_refuses),
		cmocka_unit_test(
			when_all_refuse_there_is_a_pause_and_then_the_first_is_tried_again),
		cmocka_unit_test(a_lost_session_comes_back_to_the_best_address),
		cmocka_unit_test(addresses_that_can_be_nobodys_do_no_harm),
		cmocka_unit_test(many_sessions_share_themselves_out_by_weight),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
