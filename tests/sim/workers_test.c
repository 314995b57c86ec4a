/* What workers tell each other: packets of connections, and where neighbours are. */
#include "test.h"

#include "record.h"

static struct sim sim;

static const char world[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, "
	"connections: 4, window: 50}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n";

static uint64_t of_worker(unsigned w, unsigned id)
{
	return sim.metrics[w].value[id];
}

static bool links_are_up(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == 4;
}

/* A device with one queue: worker 1 hears nothing but by ring, and so must learn from worker 0
 * where its peers are. */
static void a_worker_that_hears_no_answer_learns_of_a_neighbour_from_the_one_that_does(void **state)
{
	const struct sim_config config = {
		.workers = 2, .seed = 3, .window = 100, .hooks = record_hooks};

	(void)state;
	record_begin(2000);
	sim_new(&sim, &config);
	sim.wire.first_only = true;
	sim_apply(&sim, world);
	assert_int_equal(host_listen(&sim.host, 2776), 0);
	assert_true(sim_until(&sim, links_are_up, 10 * US_PER_SECOND));
	assert_int_equal(of_worker(0, METRIC_links_up), 2);
	assert_int_equal(of_worker(1, METRIC_links_up), 2);
	/* All that came to worker 1 came through worker 0. */
	assert_true(of_worker(0, METRIC_packets_forwarded) > 0);
	assert_int_equal(of_worker(1, METRIC_arp_in), 0);
	assert_int_equal(sim_metric(&sim, METRIC_arp_unanswered), 0);
	for (int i = 0; i < 4; i++)
		assert_true(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
					 PROTO_SENDS | PROTO_RECEIVES));
	assert_true(sim_until(&sim, record_all_answered, 20 * US_PER_SECOND));
	for (uint32_t i = 0; i < record.limit; i++)
		assert_int_equal(record.fates[i].positive, 1);
	assert_true(sim_metric(&sim, METRIC_hops_out) > 0);
	sim_free(&sim);
	record_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_worker_that_hears_no_answer_learns_of_a_neighbour_from_the_one_that_does),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
