/*
 * Our end of an interop run: a port of DPDK, lib/net and lib/tcp on one or more workers, and the
 * tests of app.h over them. No control, no configuration, no protocol.
 *
 *   endpoint listen|connect ADDRESS PORT TEST device=DEVICE [address=A/24] [workers=N] [forward=1]
 *            [gateway=A] [mtu=N] [vlan=N] [bytes=N] [count=N] [parallel=N] [receive=N] [send=N]
 * [cookies=1] [half=1] [loss=N] [duplicate=N] [reorder=N] [corrupt=N] [delay=US] [direction=rx|tx]
 *            [pause=1]
 *
 * ADDRESS: of the peer. With pause prints "port" when its port is open, and goes on at SIGUSR1.
 * Prints "ready", and "done ..." with what app_print() says and our counters; then it stays, so
 * that what the peer may have missed is sent again, until SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "base/assert.h"
#include "tcp/tcp.h"

#include "../../../dataplane/eal.h"
#include "../../../dataplane/port.h"

#include "app.h"

#define PACKETS 24576u
#define RING 4096u
#define SEED 20260101u
#define WORKERS_MAX 8u
#define IDLE_AFTER_US 200u
#define IDLE_SLEEP_NS 50000

struct worker {
	unsigned         number;
	struct net      *net;
	struct tcp      *tcp;
	struct app       app;
	struct rte_ring *packets_in[WORKERS_MAX], *news_in[WORKERS_MAX]; /* from each */
	struct now       now;
	uint64_t         busy_us;
	_Atomic uint32_t closed; /* for main */
};

static struct {
	struct app_config  app;
	struct port_config port;
	struct conf_fault  faults;
	struct net_addr    remote;
	uint16_t           remote_port;
	unsigned           workers;
	bool               forward_all, cookies, pause;
	struct tcp_options options;
} config;

static struct port    port;
static struct worker  workers[WORKERS_MAX];
static struct metrics metrics[WORKERS_MAX];
static _Atomic bool   stopping;

static struct now clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct now){(uint64_t)t.tv_sec * US_PER_SECOND + (uint64_t)t.tv_nsec / 1000, 1};
}

static int fail(const char *why)
{
	printf("failed: %s\n", why);
	fflush(stdout);
	return 1;
}

/* ---- the transport of app.h ---- */

static bool io_connect(void *context, struct app_conn *c)
{
	struct worker *w = context;

	c->handle = tcp_connect(w->tcp, w->now, &config.remote, config.remote_port, &config.options,
				(uintptr_t)c);
	return c->handle != TCP_CONN_NONE;
}

static size_t io_send(void *context, uint32_t handle, const void *bytes, size_t n)
{
	return tcp_send(((struct worker *)context)->tcp, handle, bytes, n);
}

static long io_receive(void *context, uint32_t handle, void *room, size_t n)
{
	struct worker *w = context;
	struct cur     in;

	if (tcp_peek(w->tcp, handle, 0, &in) == 0)
		return tcp_read_ended(w->tcp, handle) ? -1 : 0;
	n = cur_left(&in) < n ? cur_left(&in) : n;
	memcpy(room, in.p, n);
	tcp_consume(w->tcp, handle, n);
	return (long)n;
}

static void io_end(void *context, uint32_t handle)
{
	tcp_end(((struct worker *)context)->tcp, handle);
}

static void io_close(void *context, uint32_t handle, bool abort)
{
	tcp_close(((struct worker *)context)->tcp, handle, abort);
}

static void on_event(struct worker *w, const struct tcp_event *e)
{
	struct app_conn *c = (struct app_conn *)(uintptr_t)e->user;

	switch (e->kind) {
	case TCP_EVENT_ACCEPTED:
		c = app_accepted(&w->app, e->conn);
		if (c == NULL) {
			fail("too many connections");
			exit(1);
		}
		tcp_set_user(w->tcp, e->conn, (uintptr_t)c);
		app_opened(&w->app, c);
		break;
	case TCP_EVENT_CONNECTED:
		app_opened(&w->app, c);
		break;
	case TCP_EVENT_READABLE:
	case TCP_EVENT_WRITABLE:
		app_ready(&w->app, c);
		break;
	case TCP_EVENT_CLOSED:
		if (e->why != REASON_NONE && e->why != REASON_CLOSED_BY_PEER &&
		    e->why != REASON_CONNECTION_RESET)
			fprintf(stderr, "connection %u: %s\n", c->number, reason_text(e->why));
		app_closed(&w->app, c, e->why == REASON_CONNECTION_RESET,
			   e->why == REASON_CONNECTION_TIMEOUT || !c->open);
		break;
	}
}

/* ---- the turn of a worker ---- */

static void pass_on(struct worker *w)
{
	struct rte_mbuf *pkts[NET_BURST_MAX];
	struct net_news  news;
	unsigned         n, sent;

	for (unsigned t = 0; t < config.workers; t++) {
		while ((n = net_foreign_take(w->net, t, pkts, NET_BURST_MAX)) > 0) {
			sent = rte_ring_sp_enqueue_burst(workers[t].packets_in[w->number],
							 (void **)pkts, n, NULL);
			metric_add(&metrics[w->number], METRIC_packets_forwarded, sent);
			metric_add(&metrics[w->number], METRIC_packets_forward_dropped, n - sent);
			if (sent < n)
				rte_pktmbuf_free_bulk(&pkts[sent], n - sent);
		}
	}
	while (net_news_take(w->net, &news, 1) == 1) {
		for (unsigned t = 0; t < config.workers; t++) {
			if (t != w->number)
				rte_ring_sp_enqueue_elem(workers[t].news_in[w->number], &news,
							 sizeof(news));
		}
	}
}

static unsigned receive(struct worker *w)
{
	struct rte_mbuf *pkts[NET_BURST_MAX], *tcp[NET_BURST_MAX];
	struct net_news  news;
	unsigned         n = port_rx_burst(&port, w->number, pkts, NET_BURST_MAX), total = n;

	if (n > 0)
		tcp_input_burst(w->tcp, w->now, tcp,
				net_input_burst(w->net, w->now, 0, pkts, n, tcp));
	pass_on(w);
	for (unsigned from = 0; from < config.workers; from++) {
		n = rte_ring_sc_dequeue_burst(w->packets_in[from], (void **)pkts, NET_BURST_MAX,
					      NULL);
		if (n > 0)
			tcp_input_burst(w->tcp, w->now, tcp,
					net_input_forwarded(w->net, w->now, pkts, n, tcp));
		total += n;
		while (rte_ring_sc_dequeue_elem(w->news_in[from], &news, sizeof(news)) == 0)
			net_news_learn(w->net, w->now, &news);
	}
	return total + port_turn(&port, w->number);
}

static unsigned turn(struct worker *w)
{
	struct tcp_event  event;
	struct rte_mbuf **out;
	unsigned          work, n, sent;

	w->now = clock_now();
	work = receive(w);
	tcp_tick(w->tcp, w->now);
	net_tick(w->net, w->now);
	while (tcp_events(w->tcp, &event, 1) == 1) {
		on_event(w, &event);
		work++;
	}
	app_connect(&w->app);
	tcp_flush(w->tcp, w->now);
	pass_on(w);
	out = net_tx_peek(w->net, 0, &n);
	sent = n > 0 ? port_tx_burst(&port, w->number, out, n) : 0;
	net_tx_sent(w->net, 0, sent);
	atomic_store_explicit(&w->closed, w->app.closed, memory_order_release);
	return work + sent;
}

static int worker_main(void *argument)
{
	const struct timespec sleep = {.tv_nsec = IDLE_SLEEP_NS};

	(void)argument;
	for (unsigned i = 0; i < config.workers; i++) {
		struct worker *w = &workers[i];

		if (eal_worker_lcore(i) != rte_lcore_id())
			continue;
		while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
			if (turn(w) > 0)
				w->busy_us = w->now.us;
			else if (w->now.us - w->busy_us > IDLE_AFTER_US)
				nanosleep(&sleep, NULL);
		}
	}
	return 0;
}

/* ---- start ---- */

static void address_read(const char *text, struct net_addr *a, uint8_t *prefix)
{
	char        room[64];
	const char *slash = strchr(text, '/');

	snprintf(room, sizeof(room), "%.*s", (int)strcspn(text, "/"), text);
	*a = (struct net_addr){.ip6 = strchr(room, ':') != NULL};
	if (inet_pton(a->ip6 ? AF_INET6 : AF_INET, room, a->w) != 1)
		exit(fail(text));
	if (prefix != NULL)
		*prefix = slash != NULL ? (uint8_t)atoi(slash + 1) : a->ip6 ? 64 : 24;
}

static void own_address_add(const char *text)
{
	unsigned i = config.port.address_count++;

	ASSERT(i < 8);
	address_read(text, &config.port.addresses[i], &config.port.prefixes[i]);
}

static void gateway_set(const char *text)
{
	struct net_addr a;

	address_read(text, &a, NULL);
	if (a.ip6) {
		config.port.gateway6 = a;
		config.port.has_gateway6 = true;
	} else {
		config.port.gateway = a;
		config.port.has_gateway = true;
	}
}

/* KEY=NUMBER into a field of any size. */
static const struct {
	const char *key;
	void       *field;
	size_t      size;
} numbers[] = {
#define NUMBER(key, field)                                                                         \
	{                                                                                          \
		key "=", &config.field, sizeof(config.field)                                       \
	}
	NUMBER("workers", workers),
	NUMBER("forward", forward_all),
	NUMBER("cookies", cookies),
	NUMBER("pause", pause),
	NUMBER("half", app.half_closer),
	NUMBER("mtu", port.mtu),
	NUMBER("vlan", port.vlan),
	NUMBER("bytes", app.bytes),
	NUMBER("count", app.count),
	NUMBER("parallel", app.parallel),
	NUMBER("receive", options.receive_max),
	NUMBER("send", options.send_max),
	NUMBER("loss", faults.loss),
	NUMBER("duplicate", faults.duplicate),
	NUMBER("reorder", faults.reorder),
	NUMBER("corrupt", faults.corrupt),
	NUMBER("delay", faults.delay),
#undef NUMBER
};

static bool number_read(const char *text)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t   n = strlen(numbers[i].key);
		uint64_t value;

		if (strncmp(text, numbers[i].key, n) != 0)
			continue;
		value = strtoull(text + n, NULL, 10);
		memcpy(numbers[i].field, &value, numbers[i].size); /* little-endian */
		return true;
	}
	return false;
}

static void option_read(const char *text)
{
	if (strncmp(text, "device=", 7) == 0)
		config.port.device = text + 7;
	else if (strncmp(text, "address=", 8) == 0)
		own_address_add(text + 8);
	else if (strncmp(text, "gateway=", 8) == 0)
		gateway_set(text + 8);
	else if (strcmp(text, "direction=rx") == 0)
		config.faults.direction = CONF_FAULT_RX;
	else if (strcmp(text, "direction=tx") == 0)
		config.faults.direction = CONF_FAULT_TX;
	else if (!number_read(text))
		exit(fail(text));
}

static int environment_start(char why[256])
{
	struct eal_config ec = {.node = "cpm-endpoint",
				.workers = config.workers,
				.hugepages = EAL_HUGEPAGES_OFF,
				.devices = {config.port.device},
				.device_count = 1};
	char              name[32];

	for (unsigned i = 0; i < config.workers; i++)
		ec.worker_lcores[i] = i % (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	snprintf(name, sizeof(name), "cpm-endpoint-%d", (int)getpid());
	ec.node = name;
	ec.memory_mb = (PACKETS + port_mbufs_needed()) / 1024 * port_mbuf_size(config.port.mtu) /
			       1024 * config.workers +
		       64 + 32 * config.workers;
	return eal_start(&ec, why, 256);
}

static struct rte_ring *ring_new(const char *kind, unsigned from, unsigned to, unsigned size)
{
	char             name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "%s_%u_%u", kind, from, to);
	ring = rte_ring_create_elem(name, size, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	ASSERT(ring != NULL);
	return ring;
}

/* This worker's share of what is opened from here. */
static struct app_config app_share(unsigned i)
{
	struct app_config share = config.app;

	if (!share.connector)
		return share;
	share.parallel = share.parallel / config.workers + (i < share.parallel % config.workers);
	if (share.test == APP_CHURN || share.test == APP_RESET)
		share.count = share.count / config.workers + (i < share.count % config.workers);
	share.seed += i * 1000000u;
	return share;
}

static void worker_start(struct worker *w, unsigned i, struct rte_mempool *pool, unsigned entries)
{
	struct net_config nc = {.worker = i,
				.workers = config.workers,
				.port_count = 1,
				.pool = pool,
				.metrics = &metrics[i],
				.seed = SEED + i,
				.shared_seed = config.port.shared_seed,
				.steer_entries = entries,
				.forward_all = config.forward_all};
	struct tcp_config tc = {.pool = pool,
				.metrics = &metrics[i],
				.connections_max = 16384,
				.time_wait_max = 65536,
				.seed = SEED + i,
				.shared_seed = config.port.shared_seed,
				.cookies_always = config.cookies};
	struct app_io     io = {io_connect, io_send, io_receive, io_end, io_close, w};
	struct app_config share = app_share(i);

	w->number = i;
	nc.ports[0] = port.profile;
	w->net = net_new(&nc);
	tc.net = w->net;
	w->tcp = w->net != NULL ? tcp_new(&tc) : NULL;
	ASSERT(w->tcp != NULL && app_new(&w->app, &share, &io));
	if (!config.app.connector) {
		struct net_addr any = {.ip6 = config.remote.ip6};
		int err = tcp_listen(w->tcp, &any, config.remote_port, &config.options, 0);

		ASSERT(err == 0);
	}
	for (unsigned from = 0; from < config.workers; from++) {
		w->packets_in[from] = ring_new("packets", from, i, sizeof(void *));
		w->news_in[from] = ring_new("news", from, i, sizeof(struct net_news));
	}
}

static bool all_done(void)
{
	uint32_t closed = 0;
	uint32_t wanted = config.app.test == APP_CHURN || config.app.test == APP_RESET
				  ? config.app.count
				  : config.app.parallel;

	for (unsigned i = 0; i < config.workers; i++)
		/* Acquire: what the worker counted before is seen. */
		closed += atomic_load_explicit(&workers[i].closed, memory_order_acquire);
	return closed == wanted;
}

static uint64_t sum(unsigned id)
{
	return metrics_sum(metrics, config.workers, id);
}

static void done_print(uint64_t us)
{
	struct app       *all = &workers[0].app;
	struct port_stats stats;

	port_stats(&port, &stats);
	for (unsigned i = 1; i < config.workers; i++) {
		const struct app *a = &workers[i].app;

		all->closed += a->closed;
		all->resets += a->resets;
		all->failed += a->failed;
		all->bytes_in += a->bytes_in;
		all->bytes_out += a->bytes_out;
		for (unsigned b = 0; b < 32; b++) {
			all->in_hash[b] ^= a->in_hash[b];
			all->out_hash[b] ^= a->out_hash[b];
		}
	}
	app_print(all, us);
	printf(" retransmits=%" PRIu64 " timeouts=%" PRIu64 " segments=%" PRIu64
	       " duplicates=%" PRIu64 " out_of_order=%" PRIu64 " bad_sums=%" PRIu64 " lost=%" PRIu64
	       " forwarded=%" PRIu64 " ring_dropped=%" PRIu64 " cookies=%" PRIu64 " missed=%" PRIu64
	       " dropped=%" PRIu64 "\n",
	       sum(METRIC_tcp_retrans_segs), sum(METRIC_tcp_timeouts), sum(METRIC_tcp_out_segs),
	       sum(METRIC_tcp_duplicates), sum(METRIC_tcp_out_of_order),
	       sum(METRIC_ip_dropped_tcp_checksum), sum(METRIC_faults_lost),
	       sum(METRIC_packets_forwarded), sum(METRIC_packets_forward_dropped),
	       sum(METRIC_tcp_cookies_good), stats.missed_in + stats.no_mbuf,
	       sum(METRIC_tcp_out_of_order_dropped) + sum(METRIC_tcp_outside_window));
	fflush(stdout);
}

static void configure(int argc, char **argv)
{
	config.workers = 1;
	config.port = (struct port_config){
		.name = "p", .mtu = 1500, .shared_seed = SEED, .metrics = metrics};
	config.app = (struct app_config){.test = (enum app_test)app_test(argv[4]),
					 .connector = strcmp(argv[1], "connect") == 0,
					 .bytes = 1 << 20,
					 .count = 1,
					 .parallel = 1,
					 .seed = 2};
	config.faults.seed = SEED;
	address_read(argv[2], &config.remote, NULL);
	config.remote_port = (uint16_t)atoi(argv[3]);
	for (int i = 5; i < argc; i++)
		option_read(argv[i]);
	if (config.port.address_count == 0)
		own_address_add("198.18.0.1/24");
}

static bool has_faults(void)
{
	const struct conf_fault *f = &config.faults;

	return f->loss + f->duplicate + f->reorder + f->corrupt + f->delay > 0;
}

static int start(void)
{
	struct rte_mempool *pools[WORKERS_MAX];
	char                why[256] = "";
	unsigned            entries;

	if (environment_start(why) < 0)
		return fail(why);
	for (unsigned i = 0; i < config.workers; i++) {
		char name[32];

		snprintf(name, sizeof(name), "packets_%u", i);
		pools[i] = port_pool_new(name, PACKETS + port_mbufs_needed(), config.port.mtu);
		if (pools[i] == NULL)
			return fail("no memory for packets");
	}
	if (port_open(&config.port, config.workers, pools, &port, why, sizeof(why)) < 0)
		return fail(why);
	entries = port_steer(&port, 1, config.port.shared_seed);
	for (unsigned i = 0; i < config.workers; i++)
		worker_start(&workers[i], i, pools[i], entries);
	if (has_faults() && port_fault(&port, &config.faults) < 0)
		return fail("no memory for faults");
	return 0;
}

int main(int argc, char **argv)
{
	const struct timespec step = {.tv_nsec = 1000000};
	sigset_t              signals;
	bool                  told = false;
	uint64_t              begun_us;

	if (argc < 6 || app_test(argv[4]) < 0)
		return fail("usage: endpoint listen|connect ADDRESS PORT TEST device=DEVICE ...");
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	configure(argc, argv);
	if (start() != 0)
		return 1;
	if (config.pause) {
		puts("port");
		fflush(stdout);
		sigwaitinfo(&signals, NULL);
	}
	sigdelset(&signals, SIGUSR1);
	for (unsigned i = 0; i < config.workers; i++)
		rte_eal_remote_launch(worker_main, NULL, eal_worker_lcore(i));
	puts("ready");
	fflush(stdout);
	begun_us = clock_now().us;
	while (sigtimedwait(&signals, NULL, &step) < 0) {
		if (told || !all_done())
			continue;
		done_print(clock_now().us - begun_us);
		told = true;
	}
	atomic_store_explicit(&stopping, true, memory_order_relaxed);
	rte_eal_mp_wait_lcore();
	port_close(&port);
	return told ? 0 : 1;
}
