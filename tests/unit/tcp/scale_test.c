/*
 * Many connections, and attacks, in virtual time with real memory: what each costs, that traffic
 * goes on, and that all is back where it was when it is over. Cycles are printed, not judged.
 */
#define RIG_MBUFS 32767
#define RIG_MEMORY "512"
#include "mirror.h"

#include <inttypes.h>

#include <rte_cycles.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__has_feature)
#define FEWER 10u
#else
#define FEWER 1u /* so many times fewer where each access is checked */
#endif

#define IDLE (100000u / FEWER)
#define ACTIVE (10000u / FEWER)
#define SYNS (1000000u / FEWER)
#define REQUEST 128u
#define MSS 536u /* the peers offer none */

static const struct tcp_options defaults;

static struct mirror m;
static unsigned      pool_before, wire_before;
static uint32_t     *conns; /* handles, by peer */
static uint32_t      accepted;

static void begin(const struct tcp_config *config, const struct tcp_options *options)
{
	pool_before = rte_mempool_in_use_count(rig_pool);
	wire_before = rte_mempool_in_use_count(rig_wire);
	accepted = 0;
	conns = calloc(config->connections_max, sizeof(*conns));
	assert_non_null(conns);
	mirror_begin(&m, config, options);
}

/* An echo server. */
static void serve(struct mirror *mirror, const struct tcp_event *event)
{
	struct cur in;

	if (event->kind == TCP_EVENT_ACCEPTED)
		conns[accepted++] = event->conn;
	while (event->kind == TCP_EVENT_READABLE &&
	       tcp_peek(mirror->end.tcp, event->conn, 0, &in) > 0) {
		assert_int_equal(tcp_send(mirror->end.tcp, event->conn, in.p, cur_left(&in)),
				 cur_left(&in));
		tcp_consume(mirror->end.tcp, event->conn, cur_left(&in));
	}
}

/* Everything as at the start: no block, entry, timer or packet buffer is missing. */
static void nothing_is_left(void)
{
	assert_int_equal(tcp_count(m.end.tcp), 0);
	assert_int_equal(rig_metric(&m.end, METRIC_tcp_connections), 0);
	assert_int_equal(rig_metric(&m.end, METRIC_tcp_curr_estab), 0);
	assert_int_equal(rig_metric(&m.end, METRIC_tcp_half_open), 0);
	assert_int_equal(rig_metric(&m.end, METRIC_tcp_time_waits), 0);
	assert_int_equal(tcp_tick(m.end.tcp, rig_now), UINT64_MAX);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), pool_before);
	assert_int_equal(rte_mempool_in_use_count(rig_wire), wire_before);
	rig_end_free(&m.end);
	free(conns);
}

/* Half by FIN, which the peer answers, half by reset. */
static void hang_up(void)
{
	for (uint32_t i = 0; i < accepted; i++) {
		tcp_close(m.end.tcp, conns[i], i % 2 == 0);
		if (i % 256 == 255)
			mirror_turn(&m);
	}
	mirror_wait(&m, 62 * US_PER_SECOND); /* TIME_WAIT passes too */
}

static void a_connection_costs_less_than_a_kilobyte(void **state)
{
	struct tcp_config many = {
		.connections_max = IDLE + ACTIVE, .half_open_max = 1024, .time_wait_max = 1};
	struct tcp_config one = {
		.connections_max = 1000, .half_open_max = 1024, .time_wait_max = 1};
	size_t with_many, with_one, each;

	(void)state;
	many.traces_max = one.traces_max = 1000;
	begin(&many, &defaults);
	with_many = tcp_memory(m.end.tcp);
	nothing_is_left();
	begin(&one, &defaults);
	with_one = tcp_memory(m.end.tcp);
	nothing_is_left();
	each = (with_many - with_one) / (IDLE + ACTIVE - 1000);
	printf("a connection: %zu bytes of TCP state, %zu with its line of the ledger\n", each,
	       each + 64);
	assert_true(each + 64 <= 1024);
}

/* Turns without anything to do. */
static void idle_turns_are_timed(const char *what)
{
	uint64_t start = rte_rdtsc();

	for (unsigned i = 0; i < 10000; i++) {
		rig_pass(50);
		tcp_tick(m.end.tcp, rig_now);
		tcp_flush(m.end.tcp, rig_now);
	}
	printf("%s: %.0f cycles a turn\n", what, (double)(rte_rdtsc() - start) / 10000);
}

static void idle_and_active_connections_live_side_by_side(void **state)
{
	struct tcp_config config = {
		.connections_max = IDLE + ACTIVE, .half_open_max = 1024, .time_wait_max = IDLE};
	struct tcp_info info;
	uint64_t        start;

	(void)state;
	begin(&config, &defaults);
	m.on_event = serve;
	m.active_from = IDLE;
	m.request = REQUEST;
	mirror_call(&m, 0, IDLE);
	mirror_turn(&m);
	assert_int_equal(accepted, IDLE);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), pool_before); /* they hold none */
	assert_int_equal(rte_mempool_in_use_count(rig_wire), wire_before);
	mirror_call(&m, IDLE, IDLE + ACTIVE);
	for (unsigned i = 0; i < 100; i++) {
		mirror_turn(&m);
		rig_pass(100);
	}
	assert_int_equal(accepted, IDLE + ACTIVE);
	for (uint32_t i = IDLE; i < IDLE + ACTIVE; i++) {
		assert_true(tcp_info(m.end.tcp, conns[i], &info));
		assert_true(info.bytes_in >= 3 * REQUEST);
		assert_int_equal(info.retransmits, 0);
	}
	m.request = 0;
	mirror_wait(&m, US_PER_SECOND);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), pool_before);
	idle_turns_are_timed("100,000 idle connections");
	m.answers_probes = true;
	start = rte_rdtsc();
	mirror_wait(&m, 60 * US_PER_SECOND);
	printf("their keepalives: %.1f million cycles a second\n",
	       (double)(rte_rdtsc() - start) / 60e6);
	assert_in_range(rig_metric(&m.end, METRIC_tcp_keepalive_probes), IDLE, IDLE + 2 * ACTIVE);
	assert_int_equal(tcp_count(m.end.tcp), IDLE + ACTIVE);
	hang_up();
	nothing_is_left();
}

#define TRAFFIC 400u

/* The callers of a flood never say more. */
static bool flood_is_silent(struct mirror *mirror, uint32_t peer, uint8_t flags, uint16_t *window)
{
	(void)mirror;
	(void)flags;
	(void)window;
	return peer <= TRAFFIC;
}

static void flood(struct random *random, unsigned n)
{
	struct rte_mbuf *frames[NET_BURST_MAX];

	for (unsigned i = 0; i < n; i++)
		frames[i] = mirror_frame(
			&m, rte_cpu_to_be_32(0x20000000u + random_below(random, 1u << 24)),
			(uint16_t)random_next(random) | 1, SYN, (uint32_t)random_next(random), 0,
			1024, 0);
	mirror_in(&m, frames, n);
}

static void a_million_syns_do_not_slow_the_traffic(void **state)
{
	struct tcp_config config = {
		.connections_max = 1000, .half_open_max = 1024, .time_wait_max = 1000};
	struct random random;
	uint64_t      before, during;
	unsigned      held = 0;

	(void)state;
	random_seed(&random, 77);
	begin(&config, &defaults);
	m.on_event = serve;
	m.says = flood_is_silent;
	m.request = REQUEST;
	mirror_call(&m, 0, TRAFFIC);
	before = m.answers;
	for (unsigned i = 0; i < 1000; i++) {
		mirror_turn(&m);
		rig_pass(100);
	}
	before = m.answers - before;
	during = m.answers;
	for (unsigned i = 0; i < SYNS / NET_BURST_MAX; i++) {
		flood(&random, NET_BURST_MAX);
		mirror_turn(&m);
		rig_pass(100);
		if (rte_mempool_in_use_count(rig_pool) > held)
			held = rte_mempool_in_use_count(rig_pool);
	}
	during = (m.answers - during) * 1000 / (SYNS / NET_BURST_MAX);
	printf("requests in 1,000 turns: %" PRIu64 " before the flood, %" PRIu64 " in it\n", before,
	       during);
	assert_true(during * 100 >= before * 99);
	assert_true(rig_metric(&m.end, METRIC_tcp_half_open) <= 1024);
	assert_true(rig_metric(&m.end, METRIC_tcp_cookies_sent) > SYNS / 2);
	assert_int_equal(tcp_count(m.end.tcp), TRAFFIC);
	assert_true(held - pool_before <= 4 * TRAFFIC);
	mirror_call(&m, TRAFFIC, TRAFFIC + 1); /* an honest caller, let in by a cookie */
	assert_int_equal(accepted, TRAFFIC + 1);
	assert_true(rig_metric(&m.end, METRIC_tcp_cookies_good) == 1);
	m.request = 0;
	hang_up();
	mirror_wait(&m, 10 * US_PER_SECOND);
	nothing_is_left();
}

#define READERS 200u
#define SEND_MAX 32768u
#define STREAM (SEND_MAX * 4)

static uint32_t written[READERS];

static bool slow_windows(struct mirror *mirror, uint32_t peer, uint8_t flags, uint16_t *window)
{
	(void)mirror;
	if (peer % 10 == 0 && !(flags & SYN))
		*window = 0;
	return true;
}

/* Writes to everybody as much as goes. */
static void pour(struct mirror *mirror, const struct tcp_event *event)
{
	static const uint8_t bytes[STREAM];
	uint32_t             i;

	if (event->kind == TCP_EVENT_ACCEPTED) {
		conns[accepted] = event->conn;
		tcp_set_user(mirror->end.tcp, event->conn, accepted++);
		return;
	}
	if (event->kind != TCP_EVENT_WRITABLE)
		return;
	i = (uint32_t)event->user;
	written[i] += (uint32_t)tcp_send(mirror->end.tcp, event->conn, bytes, STREAM - written[i]);
}

static void slow_readers_hold_no_more_than_their_share(void **state)
{
	struct tcp_config config = {
		.connections_max = READERS, .half_open_max = 1024, .time_wait_max = 1000};
	struct tcp_info info;
	unsigned        slow = 0;

	(void)state;
	begin(&config, &(struct tcp_options){.send_max = SEND_MAX});
	memset(written, 0, sizeof(written));
	m.on_event = pour;
	m.says = slow_windows;
	mirror_call(&m, 0, READERS);
	for (uint32_t i = 0; i < READERS; i++)
		pour(&m,
		     &(struct tcp_event){.kind = TCP_EVENT_WRITABLE, .conn = conns[i], .user = i});
	mirror_wait(&m, 5 * US_PER_SECOND);
	for (uint32_t i = 0; i < READERS; i++) {
		assert_true(tcp_info(m.end.tcp, conns[i], &info));
		if (i % 10 != 0) {
			assert_int_equal(info.bytes_out, STREAM);
			assert_int_equal(info.send_queued, 0);
			continue;
		}
		slow++;
		assert_true(info.bytes_out < STREAM);
		assert_true(info.send_queued <= SEND_MAX);
	}
	assert_int_equal(slow, READERS / 10);
	assert_true(rte_mempool_in_use_count(rig_pool) - pool_before <=
		    slow * (SEND_MAX / MSS + 2));
	hang_up();
	mirror_wait(&m, 130 * US_PER_SECOND); /* those that never take their end are given up */
	nothing_is_left();
}

static void churn_keeps_time_wait_at_its_limit(void **state)
{
	struct tcp_config config = {
		.connections_max = 64, .half_open_max = 1024, .time_wait_max = 500};

	(void)state;
	begin(&config, &defaults);
	m.on_event = serve;
	for (uint32_t done = 0; done < 5120; done += 64) {
		accepted = 0;
		mirror_call(&m, done, done + 64);
		assert_int_equal(accepted, 64);
		for (uint32_t i = 0; i < 64; i++)
			tcp_close(m.end.tcp, conns[i], false);
		mirror_turn(&m);
		mirror_turn(&m);
		assert_int_equal(tcp_count(m.end.tcp), 0);
		assert_true(rig_metric(&m.end, METRIC_tcp_time_waits) <= 500);
	}
	assert_int_equal(rig_metric(&m.end, METRIC_tcp_time_waits_recycled), 5120 - 500);
	mirror_wait(&m, 62 * US_PER_SECOND);
	nothing_is_left();
}

static void a_full_port_is_waited_for_and_nothing_is_dropped(void **state)
{
	static const uint8_t bytes[27 * MSS];
	struct tcp_config    config = {
		   .connections_max = 300, .half_open_max = 1024, .time_wait_max = 1000};

	(void)state;
	begin(&config, &defaults);
	m.on_event = serve;
	mirror_call(&m, 0, 300);
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(tcp_send(m.end.tcp, conns[i], bytes, sizeof(bytes)),
				 sizeof(bytes));
	for (unsigned i = 0; i < 5; i++)
		tcp_flush(m.end.tcp, rig_now); /* ten segments of each may go: 3,000, and the queue
						  is of 1,024 */
	assert_int_equal(rig_metric(&m.end, METRIC_packets_tx_dropped), 0);
	for (unsigned i = 0; i < 20; i++)
		mirror_turn(&m);
	assert_int_equal(m.answers, 300 * 27);
	assert_int_equal(rig_metric(&m.end, METRIC_tcp_retrans_segs), 0);
	hang_up();
	nothing_is_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_costs_less_than_a_kilobyte),
		cmocka_unit_test(idle_and_active_connections_live_side_by_side),
		cmocka_unit_test(a_million_syns_do_not_slow_the_traffic),
		cmocka_unit_test(slow_readers_hold_no_more_than_their_share),
		cmocka_unit_test(churn_keeps_time_wait_at_its_limit),
		cmocka_unit_test(a_full_port_is_waited_for_and_nothing_is_dropped),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
