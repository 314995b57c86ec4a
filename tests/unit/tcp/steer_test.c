/* Source ports of connections from here: answers come back to the worker that connects, whatever
 * the number of workers and the size of the port's redirection table. */
#include "rig.h"

#include <rte_thash.h>

#include "net/steer.h"

#define SHARED_SEED 99u
#define CONNECTIONS 8u

struct worker {
	struct net    *net;
	struct tcp    *tcp;
	struct metrics metrics;
};

static void worker_new(struct worker *w, unsigned number, unsigned workers, unsigned entries)
{
	struct net_config net = {.worker = number,
				 .workers = workers,
				 .port_count = 1,
				 .pool = rig_pool,
				 .metrics = &w->metrics,
				 .seed = number + 1,
				 .shared_seed = SHARED_SEED,
				 .steer_entries = entries};
	struct tcp_config tcp = {.pool = rig_pool,
				 .metrics = &w->metrics,
				 .connections_max = CONNECTIONS,
				 .half_open_max = 16,
				 .time_wait_max = 16,
				 .seed = number + 1,
				 .shared_seed = SHARED_SEED};

	net.ports[0].mtu = 1500;
	net.ports[0].address_count = 1;
	net.ports[0].addresses[0].address = rig_address(1);
	net.ports[0].addresses[0].prefix = 24;
	w->net = net_new(&net);
	assert_non_null(w->net);
	tcp.net = w->net;
	w->tcp = tcp_new(&tcp);
	assert_non_null(w->tcp);
}

/* The worker to which a port with a table of `size` gives the answer from 10.0.0.2:2775. */
static unsigned answered_at(uint16_t local_port, unsigned size, unsigned entries, unsigned workers)
{
	uint32_t tuple[3] = {0x0a000002, 0x0a000001, 2775u << 16 | local_port};
	uint8_t  key[NET_STEER_KEY_SIZE];

	net_steer_key(SHARED_SEED, key);
	return rte_softrss(tuple, 3, key) % size % entries % workers;
}

static void connect_some(unsigned number, unsigned workers, unsigned entries)
{
	static struct worker w;
	struct net_addr      remote = rig_address(2);

	memset(&w, 0, sizeof(w));
	worker_new(&w, number, workers, entries);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct tcp_info info;
		uint32_t        conn =
			tcp_connect(w.tcp, rig_now, &remote, 2775, &(struct tcp_options){0}, i);

		assert_int_not_equal(conn, TCP_CONN_NONE);
		assert_true(tcp_info(w.tcp, conn, &info));
		for (unsigned size = entries; size <= 512; size *= 2)
			assert_int_equal(answered_at(info.local_port, size, entries, workers),
					 number);
	}
	tcp_free(w.tcp);
	net_free(w.net);
}

static void answers_come_back_to_the_worker_that_connects(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= NET_WORKERS_MAX; workers++) {
		for (unsigned entries = 64; entries <= NET_STEER_ENTRIES; entries *= 2) {
			connect_some(0, workers, entries);
			connect_some(workers / 2, workers, entries);
			connect_some(workers - 1, workers, entries);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_back_to_the_worker_that_connects),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
