/*
 * SMPP through the whole dataplane: submit_sm in, rules, 1 M routes, submit_sm out, responses back,
 * with full TCP and checksums on both sides over an in-memory port. Worker and peers take turns in
 * one thread and only the worker's cycles count, so a rate for one worker is what the worker alone
 * could do. Rows of several workers are marked computed. usage: smpp_bench [--json] [--short]
 * [ROW]: all rows, or those whose name begins so
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "rcu/rcu.h"

#include "rig.h"

#define SESSIONS 16u
#define WINDOW 100u

static const struct host_hooks hooks = {.next = rig_next_hook};

static const char parties[] = "accounts:\n  - {name: esme1, password: secret1, window: 1000}\n"
			      "peers:\n  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: "
			      "cpm, password: pw, connections: 16, window: 500}\n";

static bool bound(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == SESSIONS &&
	       sim_metric(s, METRIC_logins) >= 2 * SESSIONS;
}

static void begin(unsigned workers, unsigned window, unsigned rules)
{
	const struct rig_world world = {.sim = {.workers = workers,
						.seed = 1,
						.window = window,
						.messages_max = 32768,
						.hooks = hooks},
					.parties = parties,
					.via = "smsc1",
					.rules = rules,
					.routes = RIG_ROUTES};

	rig_begin(&world);
	ASSERT(host_listen(&sim.host, 2776) == 0);
	bench.limit = 1; /* nothing is sent until all are bound */
	bench.submitted = 1;
	for (unsigned i = 0; i < SESSIONS; i++)
		ASSERT(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
				    PROTO_SENDS | PROTO_RECEIVES));
	ASSERT(sim_until(&sim, bound, 10 * US_PER_SECOND));
	bench.limit = 0;
}

static void route_rows(void)
{
	static const unsigned rules[] = {0, 100, 1000, 10000};
	uint64_t              messages = bench.brief ? 100000 : 1000000;

	for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct figures f;
		char           name[64];

		snprintf(name, sizeof(name), "smpp-route-rules-%u", rules[i]);
		if (!rig_wanted(name))
			continue;
		begin(1, WINDOW, rules[i]);
		rig_turns(NULL, messages / 10);
		rig_measure(&f, messages);
		rig_row(name, "", 1, &f);
		rig_end();
	}
}

static void small_row(const char *name, unsigned workers, unsigned window, const char *note)
{
	uint64_t       messages = (bench.brief ? 100000 : 1000000) / (window == 1 ? 2 : 1);
	struct figures f;

	if (!rig_wanted(name))
		return;
	begin(workers, window, 100);
	rig_turns(NULL, messages / 10);
	rig_measure(&f, messages);
	rig_row(name, note, workers, &f);
	rig_end();
}

static struct {
	uint64_t    start_us, rate;
	uint32_t   *count; /* by microseconds */
	uint64_t    failed;
	atomic_bool stop;
} latency; /* open loop: message i is due at start_us + i / rate */

static uint64_t latency_due_us(uint64_t token)
{
	return latency.start_us + token * 1000000u / latency.rate;
}

static bool latency_next(struct host *h, struct host_session *s, struct msg *m, uint64_t *token)
{
	if (bench.limit == 0 && h->now.us < latency_due_us(bench.submitted))
		return false;
	return rig_next_hook(h, s, m, token);
}

/* From then on so many messages a second are offered, whatever the answers. */
static void offer(uint64_t rate, uint64_t start_us)
{
	sim.host.config.hooks.next = latency_next;
	latency.rate = rate;
	latency.start_us = start_us;
	bench.submitted = 0;
	bench.limit = 0;
}

/* EAL has bound this thread to one core, and a new thread would share it: the machine's last core
 * is for that. */
static void thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	cpu_set_t      cores;
	pthread_attr_t attributes;

	CPU_ZERO(&cores);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cores);
	ASSERT(pthread_attr_init(&attributes) == 0);
	ASSERT(pthread_attr_setaffinity_np(&attributes, sizeof(cores), &cores) == 0);
	ASSERT(pthread_create(thread, &attributes, run, argument) == 0);
	pthread_attr_destroy(&attributes);
}

/* ---- changes under load ---- */

static atomic_bool changing;
static uint64_t    publish_us_max, publish_us_sum, publish_count, build_us_max;
static unsigned    change_rules;

/* One route's weights change; the checksum follows. */
static void delta_route(struct sim_delta *d, unsigned i)
{
	struct conf_route   *route = conf_object_new(CONF_ROUTE);
	struct conf_via_item via = {.name = "smsc1"};

	snprintf(route->to, sizeof(route->to), "+46%06u", i % bench.routes);
	route->via.n = 1;
	route->via.items = &via;
	d->checksum = sim.dp.world.current->checksum - world_object_digest(CONF_ROUTE, route);
	route->via.weighted = true;
	via.weight = (uint16_t)(1 + i % 7);
	sim_delta_put(d, CONF_ROUTE, route);
	route->via.items = NULL;
	route->via.n = 0;
	conf_object_free(CONF_ROUTE, route);
}

static void change(unsigned i)
{
	struct sim_delta     d = {0};
	char                 error[256];
	struct world_change *next;
	uint64_t             from = sim.version++, start = rig_now().us, us;

	world_delta_begin(&d.delta, from, sim.version);
	if (change_rules == 0) {
		delta_route(&d, i);
	} else {
		d.checksum = sim.dp.world.current->checksum - bench.rules_digest;
		rig_rules_add(&d, change_rules, i + 1);
		start = rig_now().us; /* control compiles, before this */
	}
	ASSERT(world_delta_end(&d.delta, d.checksum));
	next = world_change_build(sim.dp.world.current, cur_of(d.delta.bytes, d.delta.size),
				  sim.dp.worker_count + 1, error);
	if (next == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	us = rig_now().us - start;
	build_us_max = us > build_us_max ? us : build_us_max;
	us = world_ref_publish(&sim.dp.world, next);
	publish_us_max = us > publish_us_max ? us : publish_us_max;
	publish_us_sum += us;
	publish_count++;
	world_delta_free(&d.delta);
}

static void *changer(void *argument)
{
	for (unsigned i = 0; i < *(unsigned *)argument; i++)
		change(i);
	atomic_store(&changing, false);
	return NULL;
}

/* rate: messages a second offered; 0: full load. */
static void change_row(const char *name, unsigned rules, unsigned count, bool rules_change,
		       uint64_t rate)
{
	struct figures before, during = {0};
	pthread_t      thread;

	if (!rig_wanted(name))
		return;
	change_rules = rules_change ? rules : 0;
	publish_us_max = publish_us_sum = publish_count = build_us_max = 0;
	begin(1, WINDOW, rules);
	if (rate > 0)
		offer(rate, rig_now().us);
	rig_turns(NULL, 50000);
	rig_measure(&before, 200000);
	atomic_store(&changing, true);
	thread_start(&thread, changer, &count);
	while (atomic_load(&changing)) {
		struct figures some;

		rig_measure(&some, 1000);
		during.messages += some.messages;
		during.cycles += some.cycles;
		during.longest_turn = some.longest_turn > during.longest_turn ? some.longest_turn
									      : during.longest_turn;
	}
	rcu_offline();
	pthread_join(thread, NULL);
	rcu_online();
	rig_end();
	if (bench.json)
		printf("{\"bench\": \"%s\", \"changes\": %llu, \"in_force_us_mean\": %.1f, "
		       "\"in_force_us_max\": %llu, \"build_us_max\": %llu, "
		       "\"cycles_per_msg_before\": %.0f, \"cycles_per_msg_during\": %.0f, "
		       "\"longest_turn_us\": %.0f}\n",
		       name, (unsigned long long)publish_count,
		       (double)publish_us_sum / (double)publish_count,
		       (unsigned long long)publish_us_max, (unsigned long long)build_us_max,
		       (double)before.cycles / (double)before.messages,
		       (double)during.cycles / (double)during.messages,
		       (double)during.longest_turn / (double)rte_get_tsc_hz() * 1e6);
	else
		printf("%-34s %llu changes under load: in force after %.1f us (mean), %llu us "
		       "(longest); built aside in %llu us (longest);\n"
		       "%-34s cycles per message %.0f before, %.0f during; longest turn %.0f us\n",
		       name, (unsigned long long)publish_count,
		       (double)publish_us_sum / (double)publish_count,
		       (unsigned long long)publish_us_max, (unsigned long long)build_us_max, "",
		       (double)before.cycles / (double)before.messages,
		       (double)during.cycles / (double)during.messages,
		       (double)during.longest_turn / (double)rte_get_tsc_hz() * 1e6);
	fflush(stdout);
}

/* ---- latency: open loop, worker and peers in threads of their own ---- */

#define LATENCY_US_MAX 100000u

static void latency_result(struct host *h, struct host_session *s, uint64_t token,
			   const struct result *r)
{
	uint64_t us = h->now.us - latency_due_us(token);

	(void)s;
	latency.failed += r->why != REASON_NONE;
	latency.count[us < LATENCY_US_MAX ? us : LATENCY_US_MAX - 1]++;
}

static void *latency_worker(void *argument)
{
	uint64_t next_us;

	(void)argument;
	rcu_thread_begin();
	while (!atomic_load_explicit(&latency.stop, memory_order_relaxed)) {
		worker_turn(sim.dp.workers[0], rig_now(), rcu_read(sim.dp.world.current), &next_us);
		rcu_quiescent();
	}
	rcu_thread_end();
	return NULL;
}

static unsigned latency_percentile(double p)
{
	uint64_t total = 0, sum = 0;
	unsigned us = 0;

	for (unsigned i = 0; i < LATENCY_US_MAX; i++)
		total += latency.count[i];
	while (us < LATENCY_US_MAX - 1 && (double)(sum += latency.count[us]) < (double)total * p)
		us++;
	return us;
}

/* Worker and peers on a core each, by the clock on the wall: what the machine takes from either
 * core counts. */
static void latency_by_clock(uint64_t duration_us)
{
	uint64_t end_us = latency.start_us + duration_us;

	while (rig_now().us < end_us)
		host_turn(&sim.host, rig_now());
	bench.limit = bench.submitted;
	while (sim.host.answered < sim.host.submitted)
		host_turn(&sim.host, rig_now());
}

/* The clock advances by what the worker's turns take, and the peers cost nothing, as if they were
 * other machines. */
static void latency_by_worker(uint64_t duration_us)
{
	double us = (double)latency.start_us, end_us = us + (double)duration_us,
	       hz = (double)rte_get_tsc_hz();
	bool busy;

	while (sim.host.answered < sim.host.submitted || bench.limit == 0) {
		struct now now = {(uint64_t)us, 1700000000000ull};

		if (us >= end_us)
			bench.limit = bench.submitted;
		host_turn(&sim.host, now);
		us += (double)rig_turn(0, now, &busy) * 1e6 / hz;
		rcu_quiescent();
	}
	sim.now = (struct now){(uint64_t)us, 1700000000000ull};
}

static void latency_row(const char *name, bool computed)
{
	void (*run)(uint64_t duration_us) = computed ? latency_by_worker : latency_by_clock;
	pthread_t thread;

	if (!rig_wanted(name))
		return;
	begin(1, WINDOW, 100);
	latency.count = calloc(LATENCY_US_MAX, sizeof(latency.count[0]));
	latency.start_us = rig_now().us;
	sim.host.config.hooks.result = latency_result;
	atomic_store(&latency.stop, false);
	if (!computed)
		thread_start(&thread, latency_worker, NULL);
	for (unsigned warm = 0; warm < 2; warm++) {
		memset(latency.count, 0, LATENCY_US_MAX * sizeof(latency.count[0]));
		offer(300000, computed ? sim.now.us : rig_now().us); /* half of the 0.6 M/s that are
									asked for with 100 rules */
		run(warm == 0 ? 300000 : bench.brief ? 1000000 : 5000000);
	}
	if (!computed) {
		atomic_store(&latency.stop, true);
		pthread_join(thread, NULL);
	}
	printf(bench.json ? "{\"bench\": \"%s\", \"msgs_per_s\": %llu, \"p50_us\": %u, \"p99_us\": "
			    "%u, \"p999_us\": %u, \"failed\": %llu, \"note\": \"%s\"}\n"
			  : "%-34s %9llu msg/s offered; p50 %u us, p99 %u us, p99.9 %u us; %llu "
			    "failed; %s\n",
	       name, (unsigned long long)latency.rate, latency_percentile(0.5),
	       latency_percentile(0.99), latency_percentile(0.999),
	       (unsigned long long)latency.failed,
	       computed ? "computed: the clock is the worker's time"
			: "two cores, wall clock, the peers' own turns included");
	fflush(stdout);
	free(latency.count);
	rig_end();
}

int main(int argc, char **argv)
{
	rig_init(argc, argv);
	rig_head();
	route_rows();
	small_row("smpp-route-one-pdu-a-segment", 1, 1, "window 1");
	small_row("smpp-route-two-workers", 2, WINDOW, "computed: both workers in one thread");
	latency_row("smpp-route-latency-half-load", true);
	latency_row("smpp-route-latency-two-cores", false);
	change_row("smpp-route-change-1M", 100, bench.brief ? 200 : 1000, false, 0);
	change_row("smpp-rules-replaced-half-load", 10000, bench.brief ? 1 : 3, true, 250000);
	rcu_thread_end();
	return 0;
}
