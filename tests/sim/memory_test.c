/* Whatever happens to messages and peers, memory comes back: blocks, flights, deliveries, requests
 * and packet buffers are where they were. */
#include "test.h"

#include <stdio.h>

#include <rte_mempool.h>

#include "smpp/session_private.h"

#include "record.h"

#define SEEDS 2

static struct sim sim;

static const char world[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw, "
	"connections: 4, window: 300}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n"
	"rules:\n"
	"  - {name: some, when: {text: 'marker [0-9]*7 of'}, then: {reject: spam}}\n";
static const char nobody[] = "accounts: []\n";

struct level {
	unsigned blocks, flights, deliveries, requests, packets;
};

static unsigned flights_free_count(const struct flights *f)
{
	unsigned n = 0;

	for (uint32_t i = f->free_head; i != UINT32_MAX; i = f->table[i].next_free)
		n++;
	return n;
}

static unsigned deliveries_free_count(const struct deliveries *d)
{
	unsigned n = 0;

	for (uint32_t i = d->free_head; i != DELIVERY_NONE; i = d->table[i].next)
		n++;
	return n;
}

static struct level level_of(unsigned worker)
{
	struct worker              *w = sim.dp.workers[worker];
	const struct smpp_instance *smpp = w->instances[PROTO_smpp];

	return (struct level){
		.blocks = msg_pool_free_count(w->msgs) + (w->spare != NULL),
		.flights = flights_free_count(&w->flights),
		.deliveries = deliveries_free_count(&w->deliveries),
		.requests = smpp->requests.free_count,
		.packets = rte_mempool_avail_count(sim.wire.pools[worker]),
	};
}

static void assert_level(const struct level before[], bool packets_too)
{
	for (unsigned w = 0; w < sim.dp.worker_count; w++) {
		struct level now = level_of(w);

		assert_int_equal(now.blocks, before[w].blocks);
		assert_int_equal(now.flights, before[w].flights);
		assert_int_equal(now.deliveries, before[w].deliveries);
		assert_int_equal(now.requests, before[w].requests);
		if (packets_too)
			assert_int_equal(now.packets, before[w].packets);
	}
}

static struct random chance;

static bool anything(struct host_session *s, uint32_t number, struct msg *m, struct result *answer)
{
	(void)s;
	(void)number;
	(void)m;
	switch (random_below(&chance, 40)) {
	case 0:
		answer->why = REASON_RATE;
		return true;
	case 1:
		answer->why = REASON_DESTINATION;
		return true;
	case 2:
		return false;
	default:
		return true;
	}
}

static void after_a_drain_all_memory_is_back_at_its_start(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_config config = {.workers = 2,
					    .seed = seed,
					    .window = 50,
					    .loss_per_mille = 10,
					    .hooks = record_hooks,
					    .forward_all = true};
		struct level      start[2];

		print_message("seed %u\n", (unsigned)seed);
		random_seed(&chance, seed);
		record_begin(0);
		record.arrives = anything;
		record_world(&sim, &config, world, 1, 4, 4);
		sim_pass(&sim, 2 * US_PER_SECOND);
		for (unsigned w = 0; w < 2; w++)
			start[w] = level_of(w);
		record_more(6000);
		assert_true(sim_until(&sim, record_all_answered, 600 * US_PER_SECOND));
		sim_pass(&sim, 12 * US_PER_SECOND);
		assert_level(start, true);
		assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
		sim_free(&sim);
		record_end();
	}
}

static void with_packet_memory_squeezed_to_30_percent_every_message_is_answered(void **state)
{
	static struct rte_mbuf *taken[2][32768];
	struct sim_config       config = {.workers = 2,
					  .seed = 11,
					  .window = 200,
					  .loss_per_mille = 5,
					  .hooks = record_hooks};
	struct level            start[2];
	unsigned                count[2];

	(void)state;
	random_seed(&chance, 11);
	record_begin(0);
	record_world(&sim, &config, world, 1, 8, 4);
	sim_pass(&sim, 2 * US_PER_SECOND);
	for (unsigned w = 0; w < 2; w++) {
		start[w] = level_of(w);
		count[w] = start[w].packets / 10 * 7;
		assert_int_equal(
			rte_mempool_get_bulk(sim.wire.pools[w], (void **)taken[w], count[w]), 0);
	}
	record_more(20000);
	assert_true(sim_until(&sim, record_all_answered, 600 * US_PER_SECOND));
	for (unsigned w = 0; w < 2; w++)
		rte_mempool_put_bulk(sim.wire.pools[w], (void **)taken[w], count[w]);
	for (uint32_t i = 0; i < record.limit; i++)
		assert_int_equal(record.fates[i].positive + record.fates[i].negative, 1);
	sim_pass(&sim, 12 * US_PER_SECOND);
	assert_level(start, true);
	sim_free(&sim);
	record_end();
}

/* An SMSC that takes 20 ms for its answer. */
static struct {
	uint32_t session;
	uint64_t token, due_us;
} held[16384];
static unsigned held_first, held_count, pool_least;

static bool slowly(struct host_session *s, uint32_t number, struct msg *m, struct result *answer)
{
	unsigned i = (held_first + held_count++) % 16384;

	(void)number;
	(void)answer;
	assert_in_range(held_count, 1, 16384);
	held[i].session = (uint32_t)(s - sim.host.sessions);
	held[i].token = m->token;
	held[i].due_us = sim.now.us + 20000;
	return false;
}

static bool slow_drain(struct sim *s)
{
	for (; held_count > 0 && held[held_first].due_us <= s->now.us;
	     held_count--, held_first = (held_first + 1) % 16384)
		host_answer(&s->host, &s->host.sessions[held[held_first].session],
			    held[held_first].token,
			    &(struct result){.why = REASON_NONE, .msg_id = 1});
	for (unsigned w = 0; w < s->dp.worker_count; w++) {
		unsigned free_count = msg_pool_free_count(s->dp.workers[w]->msgs);

		pool_least = free_count < pool_least ? free_count : pool_least;
	}
	return record_all_answered(s);
}

static void
with_a_pool_of_1024_blocks_many_more_messages_wait_at_their_senders_and_none_is_lost(void **state)
{
	struct sim_config config = {.workers = 2,
				    .seed = 3,
				    .window = 400,
				    .messages_max = 1024,
				    .hooks = record_hooks};
	struct level      start[2];

	(void)state;
	held_first = held_count = 0;
	pool_least = 1024;
	record_begin(0);
	record.arrives = slowly;
	record_world(&sim, &config, world, 1, 8, 4);
	sim_pass(&sim, 2 * US_PER_SECOND);
	for (unsigned w = 0; w < 2; w++)
		start[w] = level_of(w);
	record_more(20000);
	assert_true(sim_until(&sim, slow_drain, 60 * US_PER_SECOND));
	for (uint32_t i = 0; i < record.limit; i++) {
		assert_int_equal(record.fates[i].positive + record.fates[i].negative, 1);
		assert_int_equal(record.fates[i].arrivals, i % 10 == 7 ? 0 : 1);
		assert_int_equal(record.fates[i].positive, i % 10 == 7 ? 0 : 1);
	}
	print_message("least free: %u blocks\n", pool_least);
	assert_in_range(pool_least, 1, WORKER_POOL_RESERVE); /* so it was squeezed, and its reserve
								kept for what frees it */
	sim_pass(&sim, 2 * US_PER_SECOND);
	assert_level(start, true);
	sim_free(&sim);
	record_end();
}

static bool nothing_is_left(struct sim *s)
{
	return sim_metric(s, METRIC_tcp_connections) == 0 &&
	       sim_metric(s, METRIC_sessions_open) == 0;
}

static void a_peer_that_dies_without_a_word_leaves_nothing_behind(void **state)
{
	struct sim_config config = {.workers = 2, .seed = 4, .window = 200, .hooks = record_hooks};
	struct level      start[2];

	(void)state;
	held_first = held_count = 0;
	record_begin(0);
	record.arrives = slowly;
	sim_new(&sim, &config);
	for (unsigned w = 0; w < 2; w++)
		start[w] = level_of(w);
	sim_free(&sim);
	record_world(&sim, &config, world, 1, 6, 4);
	record_more(100000);
	sim_pass(&sim, 50000);
	assert_true(sim_metric(&sim, METRIC_messages_open) > 0);
	sim.host_dead = true;
	sim_pass(&sim, 30 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0); /* 25 s are over */
	sim_change(&sim, world, nobody);
	assert_true(sim_until(&sim, nothing_is_left, 900 * US_PER_SECOND));
	sim_pass(&sim, 100 * US_PER_SECOND);
	assert_level(start, true);
	assert_int_equal(sim_metric(&sim, METRIC_links_up), 0);
	sim_free(&sim);
	record_end();
}

/* What each of connections_max more costs a worker, in all tables that are made for it. */
static void a_connection_with_its_session_costs_less_than_two_kilobytes(void **state)
{
	struct worker *w;
	size_t         tcp, session;

	(void)state;
	sim_new(&sim, &(struct sim_config){.workers = 1, .seed = 1});
	w = sim.dp.workers[0];
	tcp = sizeof(struct tcp_ledger_line) + 1024; /* tests/unit/tcp/scale_test.c asserts less */
	session = sizeof(struct conn) + w->conns.session_size[PROTO_smpp] +
		  sizeof(*w->conns.free_next) + 2 * sizeof(*w->conns.dirty) +
		  sizeof(*w->conns.again) + sizeof(*w->conns.again_now);
	printf("an SMPP session and its connection: %zu bytes beside TCP's\n", session);
	assert_true(tcp + session <= 2048);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_drain_all_memory_is_back_at_its_start),
		cmocka_unit_test(
			with_packet_memory_squeezed_to_30_percent_every_message_is_answered),
		cmocka_unit_test(
			with_a_pool_of_1024_blocks_many_more_messages_wait_at_their_senders_and_none_is_lost),
		cmocka_unit_test(a_peer_that_dies_without_a_word_leaves_nothing_behind),
		cmocka_unit_test(a_connection_with_its_session_costs_less_than_two_kilobytes),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
