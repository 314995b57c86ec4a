/*
 * The two-stack simulator: seeds in the time there is (RIG_SECONDS=n of processor time, three times
 * that of the clock at most, from RIG_FIRST=n on), in a child process, so that a failed assertion
 * of the stack is a finding too. A failing seed is made smaller (faults left out one by one, fewer
 * connections, fewer bytes) and the smallest that still fails is printed as RIG_SEED and the other
 * variables that run it.
 */
#include "sim.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "sim_apps.h"
#include "sim_oracle.h"
#include "sim_wire.h"

static const char *const knobs[KNOB_COUNT] = {
	[LOSS] = "loss",
	[BURST] = "burst",
	[ONCE] = "once",
	[HUNT] = "hunt",
	[DUPLICATE] = "duplicate",
	[REORDER] = "reorder",
	[DAMAGE] = "damage",
	[JITTER] = "jitter",
	[RATE] = "rate",
	[LATE_FREE] = "late-free",
	[CHAINS] = "chains",
	[SQUEEZE] = "squeeze",
	[ABORT] = "abort",
	[PAUSE] = "pause",
	[NO_SACK] = "no-sack",
	[NO_TIMESTAMPS] = "no-timestamps",
	[WRAP] = "wrap",
	[NAGLE] = "nagle",
	[COOKIES] = "cookies",
	[NEWRENO] = "newreno",
	[TICK_WRAP] = "tick-wrap",
	[IP6] = "ip6",
	[HALF_CLOSE] = "half-close",
};

/* What a run is besides its seed. */
struct how {
	uint32_t off;
	unsigned conns;
	uint32_t bytes_max;
};

/* What parent and child share. */
struct tally {
	volatile uint64_t seed, done;
};

static void wire_draw(void)
{
	struct random *draw = &sim.draw;

	sim.delay_us = random_below(draw, 3) == 0 ? 20 : random_below(draw, 100000);
	sim.jitter_us = has(JITTER, 2) ? random_below(draw, sim.delay_us + 1) : 0;
	sim.loss = has(LOSS, 2) ? 1 + random_below(draw, 100) : 0;
	sim.burst = has(BURST, 5) ? 1 + random_below(draw, 20) : 0;
	sim.duplicate = has(DUPLICATE, 3) ? 1 + random_below(draw, 50) : 0;
	sim.reorder = has(REORDER, 3) ? 1 + random_below(draw, 200) : 0;
	sim.damage = has(DAMAGE, 3) ? 1 + random_below(draw, 30) : 0;
	sim.rate = has(RATE, 4) ? 100 + random_below(draw, 10000) : 0;
	for (unsigned i = 0; i < 2; i++) {
		sim.once[i] = has(ONCE, 4) ? 1 + random_below(draw, 100) : 0;
		sim.hunt[i] = has(HUNT, 4) ? 1 + random_below(draw, 100) : 0;
	}
	sim.late_free = has(LATE_FREE, 2);
	sim.chains = has(CHAINS, 4);
	sim.no_sack = has(NO_SACK, 4);
	sim.no_timestamps = has(NO_TIMESTAMPS, 3);
}

static void ends_draw(uint64_t seed)
{
	static const uint32_t sizes[] = {3000, 10000, 65536, 262140};
	struct random        *draw = &sim.draw;
	struct tcp_config     config = {.connections_max = APPS};

	config.cookies_always = has(COOKIES, 4);
	for (unsigned i = 0; i < 2; i++) {
		rig_end_new(&sim.end[i], i + 1, seed * 2 + i, &config);
		sim.options[i] =
			(struct tcp_options){.receive_max = sizes[random_below(draw, 4)],
					     .send_max = sizes[random_below(draw, 4)],
					     .keepalive_s = 600, /* for what a late cookie opened */
					     .user_timeout_s = 20000,
					     .connect_timeout_s = 2000,
					     .nagle = has(NAGLE, 4)};
		sim.options[i].congestion =
			has(NEWRENO, 3) ? TCP_CONGESTION_NEWRENO : TCP_CONGESTION_CUBIC;
	}
	rig_learn(&sim.end[0], &sim.end[1].address, sim.end[1].mac);
	rig_learn(&sim.end[1], &sim.end[0].address, sim.end[0].mac);
}

/* Sequence numbers and timestamps of the client wrap soon, and those that the server will give to
 * this client: its key is sought so. */
static void wrap_soon(struct tcp_conn *conn)
{
	struct tcp    *server = sim.end[1].tcp;
	struct tcp_key key = {.local = conn->key.remote,
			      .remote = conn->key.local,
			      .local_port = conn->key.remote_port,
			      .remote_port = conn->key.local_port};
	uint32_t       iss, offset;

	iss = 0u - random_below(&sim.draw, 20000);
	conn->iss = conn->snd_una = conn->snd_nxt = iss;
	conn->snd_end = iss + 1;
	tcp_chunk_at(sim.end[0].tcp, conn->chunk_head)->seq = iss;
	conn->ts_offset = 0u - (uint32_t)(rig_now.us / US_PER_MS) - random_below(&sim.draw, 5000);
	tcp_time_is(server, rig_now);
	do {
		server->isn_key = (struct hash_key){random_next(&sim.draw), 0};
		tcp_conn_isn(server, &key, &iss, &offset);
	} while (0u - iss > 100000);
}

static void apps_draw(void)
{
	struct random *draw = &sim.draw;
	bool           wrap = has(WRAP, 3);

	for (unsigned i = 0; i < CONNS; i++) {
		struct app *app = &sim.apps[0][i];
		uint32_t    most = random_below(draw, 4) == 0 ? 150000 : 4000;

		app->stream = random_next(draw);
		app->to_send = 8 + random_below(draw, most) % sim.bytes_max;
		most = random_below(draw, 4) == 0 ? 150000 : 4000;
		app->expected = random_below(draw, most) % sim.bytes_max;
		if (i >= sim.conns)
			continue;
		app->open = true;
		app->conn = tcp_connect(sim.end[0].tcp, rig_now, &sim.end[1].address, PORT,
					&sim.options[0], i);
		CHECK(app->conn != TCP_CONN_NONE);
		if (wrap && i == 0)
			wrap_soon(tcp_conn_get(sim.end[0].tcp, app->conn));
	}
	for (unsigned i = sim.conns; i < CONNS; i++)
		sim.apps[0][i] = (struct app){0};
}

static void sim_begin(uint64_t seed, const struct how *how)
{
	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	sim.off = how->off;
	sim.bytes_max = how->bytes_max;
	random_seed(&sim.draw, seed);
	random_seed(&sim.wire, hash_mix(seed));
	random_seed(&sim.play, hash_mix(~seed));
	rig_ip6 = seed % 3 == 0 && !(sim.off & 1u << IP6);
	rig_now.us = RIG_START_US;
	if (has(TICK_WRAP, 3)) /* the clock of milliseconds wraps meanwhile */
		rig_now.us = ((1ull << 32) - random_below(&sim.draw, 8000)) * US_PER_MS;
	sim.start_us = rig_now.us;
	sim.conns = 1 + random_below(&sim.draw, CONNS);
	if (sim.conns > how->conns)
		sim.conns = how->conns;
	wire_draw();
	sim.aborts = has(ABORT, 5);
	sim.pauses = has(PAUSE, 4);
	sim.squeezes = has(SQUEEZE, 5);
	if (sim.squeezes) /* with loss besides, a handshake may rightly be given up */
		sim.loss = sim.damage = sim.burst = 0;
	ends_draw(seed);
	CHECK(tcp_listen(sim.end[1].tcp, &(struct net_addr){.ip6 = rig_ip6}, PORT, &sim.options[1],
			 77) == 0);
	apps_draw();
	sim.half_closes = has(HALF_CLOSE, 2);
}

static uint64_t turn(unsigned i)
{
	uint64_t next, net_next;

	rig_learn(&sim.end[i], &sim.end[!i].address, sim.end[!i].mac);
	net_next = net_tick(sim.end[i].net, rig_now);
	tcp_tick(sim.end[i].tcp, rig_now);
	apps_events(i);
	if (sim.app_us[i] <= rig_now.us)
		sim.app_us[i] =
			apps_turn(i) ? rig_now.us + 1 + random_below(&sim.play, 20000) : UINT64_MAX;
	tcp_flush(sim.end[i].tcp, rig_now);
	apps_events(i);
	wire_out(i);
	next = tcp_tick(sim.end[i].tcp, rig_now);
	if (sim.app_us[i] == UINT64_MAX && i == 1)
		sim.app_us[i] = rig_now.us + 20000; /* it may yet accept */
	return next < net_next ? next : net_next;
}

static bool all_over(void)
{
	if (wire_next_us() != UINT64_MAX)
		return false; /* it may yet end a handshake, or begin one */
	for (unsigned i = 0; i < APPS; i++) {
		if ((sim.apps[0][i].open && !sim.apps[0][i].closed) ||
		    (sim.apps[1][i].open && !sim.apps[1][i].closed))
			return false;
	}
	return tcp_count(sim.end[0].tcp) == 0 && tcp_count(sim.end[1].tcp) == 0;
}

/* For the first ten seconds memory is short. */
static void squeeze(void)
{
	if (sim.squeezes && sim.squeeze == 0) {
		sim.squeeze = 7000 + random_below(&sim.play, 1100);
		if (rte_pktmbuf_alloc_bulk(rig_pool, sim.squeezed, sim.squeeze) != 0)
			sim.squeeze = 0;
	}
	if (sim.squeezes && rig_now.us - sim.start_us > 10 * US_PER_SECOND) {
		rte_pktmbuf_free_bulk(sim.squeezed, sim.squeeze);
		sim.squeeze = 0;
		sim.squeezes = false;
	}
}

static void sim_run(void)
{
	bool     good = wire_is_good() && !sim.squeezes;
	unsigned still = 0;

	while (!all_over()) {
		uint64_t next = UINT64_MAX;

		squeeze();
		wire_in();
		for (unsigned i = 0; i < 2; i++) {
			uint64_t wait = turn(i);

			next = wait < next ? wait : next;
			next = sim.app_us[i] < next ? sim.app_us[i] : next;
		}
		if (wire_next_us() < next)
			next = wire_next_us();
		step_check();
		CHECK(next != UINT64_MAX);
		still = next <= rig_now.us ? still + 1 : 0;
		CHECK(still < STILL_MAX); /* time goes on */
		if (next > rig_now.us)
			rig_pass(next - rig_now.us);
	}
	end_check(good);
}

/* In a child: seeds until one fails, the time is over, or just one. true: none failed. */
static bool child(struct tally *tally, uint64_t first, unsigned seconds, const struct how *how,
		  bool quiet)
{
	pid_t pid;

	int status = 0;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
		clock_t          stop = clock() + (clock_t)seconds * CLOCKS_PER_SEC;
		time_t           late = time(NULL) + 3 * (time_t)seconds;

		for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
			signal(signals[i], SIG_DFL);
		setrlimit(RLIMIT_CORE, &(struct rlimit){0});
		if (quiet && (freopen("/dev/null", "w", stdout) == NULL ||
			      freopen("/dev/null", "w", stderr) == NULL))
			_exit(2);
		if (rig_begin(NULL) !=
		    0) /* EAL's memory is shared by children, so each has its own */
			_exit(2);
		tally->seed = first;
		do {
			sim_begin(tally->seed, how);
			sim_run();
			tally->done++;
			tally->seed++;
		} while (clock() < stop && time(NULL) < late);
		fflush(stdout);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void shrink(struct tally *tally, uint64_t seed, struct how *how)
{
	static const uint32_t sizes[] = {200, 1000, 5000, 20000, 60000};
	struct how            less;

	for (unsigned k = 0; k < KNOB_COUNT; k++) {
		less = *how;
		less.off |= 1u << k;
		if (!child(tally, seed, 0, &less, true))
			*how = less;
	}
	for (unsigned n = 1; n < how->conns; n++) {
		less = *how;
		less.conns = n;
		if (!child(tally, seed, 0, &less, true))
			*how = less;
	}
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		less = *how;
		less.bytes_max = sizes[i];
		if (sizes[i] < how->bytes_max && !child(tally, seed, 0, &less, true))
			*how = less;
	}
}

static uint64_t variable(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtoull(value, NULL, 0) : otherwise;
}

static void streams_survive_any_wire(void **state)
{
	struct how    how = {.off = (uint32_t)variable("RIG_OFF", 0),
			     .conns = (unsigned)variable("RIG_CONNS", CONNS),
			     .bytes_max = (uint32_t)variable("RIG_BYTES", 1000000)};
	bool          one = getenv("RIG_SEED") != NULL;
	uint64_t      first = one ? variable("RIG_SEED", 0) : variable("RIG_FIRST", 1), seed;
	struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool          held;

	(void)state;
	assert_true(tally != MAP_FAILED);
	held = child(tally, first, one ? 0 : (unsigned)variable("RIG_SECONDS", 6), &how, false);
	seed = tally->seed;
	printf("%llu seeds from %llu on held\n", (unsigned long long)tally->done,
	       (unsigned long long)first);
	if (!held && !one) {
		printf("seed %llu fails; smaller:\n", (unsigned long long)seed);
		shrink(tally, seed, &how);
		printf("RIG_SEED=%llu RIG_OFF=0x%x RIG_CONNS=%u RIG_BYTES=%u; left:",
		       (unsigned long long)seed, how.off, how.conns, how.bytes_max);
		for (unsigned k = 0; k < KNOB_COUNT; k++)
			printf("%s%s", how.off & 1u << k ? "" : " ",
			       how.off & 1u << k ? "" : knobs[k]);
		printf("\n");
		child(tally, seed, 0, &how, false);
	}
	munmap(tally, sizeof(*tally));
	assert_true(held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_survive_any_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
