/* One small request at a time, and its response, over a wire that loses: what a loss costs is the
 * time until somebody finds out. */
#include "rig.h"

#include "tcp/conn.h"

#define ONE_WAY_US 25u
#define ROUNDS 20000u
#define SIZE 100u

struct game {
	struct rig_end   end[2];
	uint32_t         conn[2];
	struct rte_mbuf *wire[2][64];
	unsigned         count[2], loss[2]; /* of 1000, towards the end */
	struct random    random;
	unsigned         rounds;
};

static void events(struct game *g, unsigned i)
{
	static const uint8_t bytes[SIZE];
	struct tcp_event     event;
	struct cur           in;

	while (tcp_events(g->end[i].tcp, &event, 1) > 0) {
		g->conn[i] = event.conn;
		assert_int_not_equal(event.kind, TCP_EVENT_CLOSED);
		if (event.kind == TCP_EVENT_CONNECTED)
			tcp_send(g->end[i].tcp, g->conn[i], bytes, SIZE);
		if (event.kind != TCP_EVENT_READABLE)
			continue;
		assert_int_equal(tcp_peek(g->end[i].tcp, g->conn[i], SIZE, &in), SIZE);
		tcp_consume(g->end[i].tcp, g->conn[i], SIZE);
		g->rounds += i == 0;
		assert_int_equal(tcp_send(g->end[i].tcp, g->conn[i], bytes, SIZE), SIZE);
	}
}

static uint64_t turn(struct game *g, unsigned i)
{
	struct rig_end   *end = &g->end[i];
	struct rte_mbuf **out;
	unsigned          n;

	for (unsigned k = 0; k < g->count[i]; k++)
		rig_frame_in(end, g->wire[i][k]);
	g->count[i] = 0;
	net_tick(end->net, rig_now);
	tcp_tick(end->tcp, rig_now);
	events(g, i);
	tcp_flush(end->tcp, rig_now);
	rig_learn(end, &g->end[!i].address, g->end[!i].mac);
	out = net_tx_peek(end->net, 0, &n);
	for (unsigned k = 0; k < n; k++) {
		bool lost = g->rounds > 0 && random_below(&g->random, 1000) < g->loss[!i];

		assert_true(g->count[!i] < 64);
		if (!lost)
			g->wire[!i][g->count[!i]++] = rig_frame_copy(out[k]);
		rte_pktmbuf_free(out[k]);
	}
	net_tx_sent(end->net, 0, n);
	return tcp_tick(end->tcp, rig_now);
}

/* Rounds a second. */
static double play(struct game *g, uint32_t rto_min_ms, unsigned loss_there, unsigned loss_back)
{
	const struct tcp_config config = {.rto_min_ms = rto_min_ms};
	uint64_t                start_us;

	memset(g, 0, sizeof(*g));
	random_seed(&g->random, 7);
	rig_now.us = start_us = RIG_START_US;
	for (unsigned i = 0; i < 2; i++)
		rig_end_new(&g->end[i], i + 1, i + 1, &config);
	g->loss[1] = loss_there;
	g->loss[0] = loss_back;
	for (unsigned i = 0; i < 2; i++)
		rig_learn(&g->end[i], &g->end[!i].address, g->end[!i].mac);
	assert_int_equal(
		tcp_listen(g->end[1].tcp, &(struct net_addr){0}, 7, &(struct tcp_options){0}, 0),
		0);
	tcp_connect(g->end[0].tcp, rig_now, &g->end[1].address, 7, &(struct tcp_options){0}, 0);
	while (g->rounds < ROUNDS) {
		uint64_t a = turn(g, 0), b = turn(g, 1), next = a < b ? a : b;

		if (g->count[0] + g->count[1] > 0 && next > rig_now.us + ONE_WAY_US)
			next = rig_now.us + ONE_WAY_US;
		assert_true(next != UINT64_MAX);
		rig_pass(next > rig_now.us ? next - rig_now.us : 1);
	}
	return ROUNDS * (double)US_PER_SECOND / (double)(rig_now.us - start_us);
}

static void over(struct game *g)
{
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < g->count[i]; k++)
			rte_pktmbuf_free(g->wire[i][k]);
		rig_end_free(&g->end[i]);
	}
}

static void a_lost_request_or_response_costs_a_probe_and_no_timeout(void **state)
{
	static const struct {
		uint32_t rto_min_ms;
		unsigned there, back;
		double   least; /* rounds a second */
	} rows[] = {{200, 0, 0, 10000}, {200, 20, 0, 500}, {200, 20, 20, 250}, {20, 20, 20, 700}};
	static struct game g;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double   rate = play(&g, rows[i].rto_min_ms, rows[i].there, rows[i].back);
		uint64_t probes = 0, timeouts = 0, dsacks = 0;

		for (unsigned k = 0; k < 2; k++) {
			probes += rig_metric(&g.end[k], METRIC_tcp_tail_probes);
			timeouts += rig_metric(&g.end[k], METRIC_tcp_timeouts);
			dsacks += rig_metric(&g.end[k], METRIC_tcp_dsacks_in);
		}
		printf("rto_min %u ms, loss %u and %u of 1000: %.0f rounds a second, %llu probes "
		       "(%llu in vain), %llu timeouts\n",
		       rows[i].rto_min_ms, rows[i].there, rows[i].back, rate,
		       (unsigned long long)probes, (unsigned long long)dsacks,
		       (unsigned long long)timeouts);
		assert_true(rate >= rows[i].least);
		assert_true(timeouts <= probes / 10);
		over(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_request_or_response_costs_a_probe_and_no_timeout),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
