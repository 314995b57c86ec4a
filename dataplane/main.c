/*
 * cpm-dataplane: brings up DPDK and the ports, starts a worker on each of its cores, and is itself
 * the management thread until a signal says stop; then every session parts in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/notify.h"
#include "conf/conf.h"
#include "registry/registry.h"

#include "ask.h"
#include "eal.h"
#include "directory.h"
#include "identity.h"
#include "kept_secret.h"
#include "mgmt.h"
#include "port.h"
#include "registered.h"
#include "sequence.h"
#include "stall.h"
#include "worker.h"

struct process {
	struct conf_file       *file;
	struct port             ports[NET_PORTS_MAX];
	unsigned                ports_open, workers;
	struct dataplane        dp;
	struct dataplane_config config;
	struct sequence         sequence;
	struct stall            stalls[NET_WORKERS_MAX];
	uint64_t                alive_ms; /* when the service manager was told last */
	struct ledger           ledger;
	int                     metrics_fd, stop_fd;
	_Atomic bool            directory_stops;
	bool                    idle_sleeps;
	bool                    misdirected[NET_PORTS_MAX]; /* that was told */
};

static unsigned io_receive(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
			   unsigned n)
{
	return port_rx_burst(&((struct process *)context)->ports[port], worker, pkts, n);
}

static unsigned io_transmit(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
			    unsigned n)
{
	return port_tx_burst(&((struct process *)context)->ports[port], worker, pkts, n);
}

static unsigned io_turn(void *context, unsigned worker, unsigned port)
{
	return port_turn(&((struct process *)context)->ports[port], worker);
}

static int fail(const char *event, const char *why)
{
	log_error(event, "%s", why);
	return -1;
}

static unsigned mtu_max(const struct conf_file *file)
{
	unsigned mtu = 0;

	for (unsigned i = 0; i < file->port_count; i++)
		mtu = file->ports[i].mtu > mtu ? file->ports[i].mtu : mtu;
	return mtu;
}

static int eal_begin(struct process *p)
{
	const struct conf_dataplane *d = &p->file->dataplane;
	struct eal_config            ec = {.node = p->file->cpm.node,
					   .main_lcore = d->main_lcore,
					   .device_count = p->file->port_count};
	char                         why[256];

	p->workers = ec.workers = d->worker_lcores.n;
	for (unsigned i = 0; i < ec.workers; i++)
		ec.worker_lcores[i] = (unsigned)strtoul(d->worker_lcores.items[i], NULL, 10);
	for (unsigned i = 0; i < ec.device_count; i++)
		ec.devices[i] = p->file->ports[i].device;
	ec.hugepages = d->hugepages == CONF_HUGEPAGES_REQUIRED ? EAL_HUGEPAGES_REQUIRED
		       : d->hugepages == CONF_HUGEPAGES_OFF    ? EAL_HUGEPAGES_OFF
							       : EAL_HUGEPAGES_AUTO;
	ec.memory_mb =
		(unsigned)((uint64_t)(d->packets_max + port_mbufs_needed() * ec.device_count) *
				   port_mbuf_size(mtu_max(p->file)) * ec.workers >>
			   20) +
		32 * ec.workers + 64;
	return eal_start(&ec, why, sizeof(why)) < 0 ? fail("eal.failed", why) : 0;
}

static int pools_make(struct process *p)
{
	for (unsigned w = 0; w < p->workers; w++) {
		char name[32];

		snprintf(name, sizeof(name), "packets_%u", w);
		p->config.pools[w] = port_pool_new(
			name,
			p->file->dataplane.packets_max + port_mbufs_needed() * p->file->port_count,
			mtu_max(p->file));
		if (p->config.pools[w] == NULL)
			return fail("memory.failed",
				    "no memory for packets; lower dataplane.packets_max, or give "
				    "more huge pages");
	}
	return 0;
}

/* How packets come to their workers, told once. */
static void ports_steer(struct process *p)
{
	p->config.steer_entries = port_steer(p->ports, p->ports_open, p->config.shared_seed);
	for (unsigned i = 0; i < p->ports_open; i++) {
		const struct port *port = &p->ports[i];

		log_info("port.open", "name=%s driver=%s queues=%u steering=%s%s%s", port->name,
			 port->driver, port->queues, port_steering(port),
			 port->rss.why != NULL ? ": " : "",
			 port->rss.why != NULL ? port->rss.why : "");
	}
}

static int ports_open(struct process *p)
{
	for (unsigned i = 0; i < p->file->port_count; i++) {
		const struct conf_port *conf = &p->file->ports[i];
		struct port_config      pc = {.name = conf->name,
					      .device = conf->device,
					      .mtu = (uint16_t)conf->mtu,
					      .vlan = (uint16_t)conf->vlan,
					      .shared_seed = p->config.shared_seed,
					      .metrics = p->config.metrics,
					      .has_gateway = conf->gateway.set,
					      .has_gateway6 = conf->gateway6.set,
					      .duplicate_check = conf->duplicate_check};
		char                    why[256];

		for (unsigned a = 0; a < conf->addresses.n; a++) {
			memcpy(pc.addresses[a].w, conf->addresses.items[a].w,
			       sizeof(pc.addresses[a].w));
			pc.addresses[a].ip6 = conf->addresses.items[a].ip6;
			pc.prefixes[a] = conf->addresses.items[a].prefix;
		}
		pc.address_count = conf->addresses.n;
		memcpy(pc.gateway.w, conf->gateway.w, sizeof(pc.gateway.w));
		memcpy(pc.gateway6.w, conf->gateway6.w, sizeof(pc.gateway6.w));
		pc.gateway6.ip6 = true;
		if (port_open(&pc, p->workers, p->config.pools, &p->ports[i], why, sizeof(why)) < 0)
			return fail("port.failed", why);
		p->config.ports[p->ports_open++] = p->ports[i].profile;
	}
	p->config.port_count = p->ports_open;
	p->config.devices = p->ports;
	ports_steer(p);
	return 0;
}

/* Counters: a memfd, so that control can map them read-only. */
static int metrics_map(struct process *p)
{
	size_t size = p->workers * sizeof(struct metrics);

	p->metrics_fd = memfd_create("cpm-metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->metrics_fd < 0 || ftruncate(p->metrics_fd, (off_t)size) < 0)
		return fail("metrics.failed", strerror(errno));
	p->config.metrics = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, p->metrics_fd, 0);
	if (p->config.metrics == MAP_FAILED)
		return fail("metrics.failed", strerror(errno));
	return fcntl(p->metrics_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0
		       ? fail("metrics.failed", strerror(errno))
		       : 0;
}

static bool core_isolated(unsigned cpu)
{
	char  list[256] = "";
	FILE *f = fopen("/sys/devices/system/cpu/isolated", "re");

	if (f == NULL)
		return false;
	if (fgets(list, sizeof(list), f) == NULL)
		list[0] = '\0';
	fclose(f);
	for (char *p = list; *p >= '0' && *p <= '9';) {
		unsigned long first = strtoul(p, &p, 10),
			      last = *p == '-' ? strtoul(p + 1, &p, 10) : first;

		if (cpu >= first && cpu <= last)
			return true;
		p += *p == ',';
	}
	return false;
}

static bool idle_sleeps(const struct conf_dataplane *d)
{
	switch ((enum conf_idle)d->idle) {
	case CONF_IDLE_POLL:
		return false;
	case CONF_IDLE_SLEEP:
		return true;
	case CONF_IDLE_AUTO:
		break;
	}
	for (unsigned i = 0; i < d->worker_lcores.n; i++) {
		if (!core_isolated((unsigned)strtoul(d->worker_lcores.items[i], NULL, 10)))
			return true;
	}
	return false;
}

static int worker_main(void *argument)
{
	struct process *p = argument;

	for (unsigned i = 0; i < p->workers; i++) {
		if (eal_worker_lcore(i) == rte_lcore_id())
			worker_run(p->dp.workers[i], p->idle_sleeps);
	}
	return 0;
}

/* A device that hashes otherwise than it says is told once. */
static void steering_watch(struct process *p)
{
	for (unsigned i = 0; i < p->ports_open; i++) {
		if (p->misdirected[i] || !port_misdirects(&p->ports[i]))
			continue;
		p->misdirected[i] = true;
		log_warn("port.misdirects",
			 "name=%s driver=%s: its hash is not ours; packets are forwarded between "
			 "workers",
			 p->ports[i].name, p->ports[i].driver);
	}
}

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void conflicts_watch(struct process *p)
{
	const char *names[CONF_PORTS_MAX];

	for (unsigned i = 0; i < p->file->port_count; i++)
		names[i] = p->file->ports[i].name;
	for (unsigned i = 0; i < p->dp.worker_count; i++)
		conflict_log(&p->dp.workers[i]->conflict, names);
}

static void management_tick(struct dataplane *dp)
{
	struct process *p = (struct process *)((char *)dp - offsetof(struct process, dp));
	uint64_t        used = 0, now_ms = clock_ms();

	steering_watch(p);
	conflicts_watch(p);
	for (unsigned i = 0; i < dp->worker_count; i++) {
		/* Racy by design: a lease is made long before it is needed. */
		uint64_t s = __atomic_load_n(&dp->workers[i]->sequence, __ATOMIC_RELAXED);

		used = s > used ? s : used;
	}
	/* Release: pairs with the acquire in stage_admit.c; the lease is on disk. */
	if (sequence_extend(&p->sequence, used))
		atomic_store_explicit(&dp->sequence_end, p->sequence.end, memory_order_release);
	if (stalls_look(p->stalls, dp->metrics, dp->worker_count, now_ms) == 0 &&
	    now_ms - p->alive_ms >= NOTIFY_ALIVE_MS) {
		p->alive_ms = now_ms;
		notify(NOTIFY_ALIVE);
	}
}

static int run(struct process *p)
{
	static const struct mgmt_asks asks = {asks_next, asks_told, asks_lost};
	struct mgmt_config            mc = {.file = p->file,
					    .dataplane = &p->dp,
					    .world = &p->dp.world,
					    .workers = p->workers,
					    .metrics_fd = p->metrics_fd,
					    .published = dataplane_published,
					    .gone = registered_gone,
					    .asks = asks_may_come(&p->dp) ? &asks : NULL};
	struct directory_thread       directory = {.directory = p->dp.directory,
						   .stop = &p->directory_stops};
	char                          error[256] = "";
	struct mgmt                  *m = mgmt_new(&mc, error);
	pthread_t                     thread;

	if (m == NULL)
		return fail("management.failed", error);
	if (pthread_create(&thread, NULL, directory_run, &directory) != 0) {
		mgmt_free(m);
		return fail("directory.failed", "no thread can be made for it");
	}
	for (unsigned i = 0; i < p->workers; i++)
		rte_eal_remote_launch(worker_main, p, eal_worker_lcore(i));
	log_info("ready", "node=%s workers=%u huge_pages=%s idle=%s", p->file->cpm.node, p->workers,
		 eal_has_hugepages() ? "yes" : "no", p->idle_sleeps ? "sleep" : "poll");
	notify(NOTIFY_READY);
	mgmt_run(m, p->stop_fd, management_tick);
	log_info("stopping", "sessions part");
	atomic_store_explicit(&p->dp.stopping, true, memory_order_relaxed);
	rte_eal_mp_wait_lcore();
	atomic_store_explicit(&p->directory_stops, true, memory_order_relaxed);
	pthread_join(thread, NULL);
	mgmt_free(m);
	return 0;
}

static int folders_make(const struct conf_cpm *c)
{
	if ((mkdir(c->run_dir, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(c->state_dir, 0700) < 0 && errno != EEXIST)) {
		log_error("folder.failed", "run_dir=%s state_dir=%s error=%s", c->run_dir,
			  c->state_dir, strerror(errno));
		return -1;
	}
	return 0;
}

static int start(struct process *p)
{
	char     error[DATAPLANE_ERROR_SIZE];
	sigset_t signals;
	uint64_t seed;
	int      err = -1;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals,
		    NULL); /* before EAL makes threads, so that none of them takes a signal */
	p->stop_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p->stop_fd < 0 || getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return fail("start.failed", strerror(errno));
	if (folders_make(&p->file->cpm) < 0 ||
	    sequence_begin(&p->sequence, p->file->cpm.state_dir) < 0)
		return -1;
	if (kept_secret_open(p->file->cpm.state_dir, p->config.kept_secret) < 0)
		return fail("start.failed", strerror(errno));
	p->idle_sleeps = idle_sleeps(&p->file->dataplane);
	p->config.file = p->file;
	p->config.seed = seed;
	p->config.shared_seed = hash_mix(seed);
	p->config.sequence_first = p->sequence.first;
	p->config.sequence_end = p->sequence.end;
	p->config.state_dir = p->file->cpm.state_dir;
	p->config.now = directory_now();
	p->config.io = (struct worker_io){io_receive, io_transmit, io_turn, p};
	if (eal_begin(p) < 0)
		return -1;
	p->config.workers = p->workers;
	if (pools_make(p) == 0 && metrics_map(p) == 0 && ports_open(p) == 0) {
		ledger_open(&p->ledger, p->file->cpm.run_dir, p->workers,
			    p->file->dataplane.connections_max);
		p->config.ledger = &p->ledger;
		if (dataplane_init(&p->dp, &p->config, error) < 0) {
			fail("start.failed", error);
		} else {
			err = run(p);
			dataplane_free(&p->dp);
			ledger_close(&p->ledger);
		}
	}
	for (unsigned i = 0; i < p->ports_open; i++)
		port_close(&p->ports[i]);
	eal_stop();
	return err;
}

/* The files that the configuration names. */
static int check_keys(const struct conf_file *file)
{
	char         error[STIR_ERROR_SIZE];
	struct stir *keys;

	if (!identity_open(file, &keys, error)) {
		fprintf(stderr, "%s\n", error);
		return -EINVAL;
	}
	stir_free(keys);
	return 0;
}

static void usage(FILE *to)
{
	fputs("usage: cpm-dataplane --config FILE [--check]\n\n"
	      "The packet and message path of CPM: DPDK ports, TCP, protocols, rules, routes.\n\n"
	      "  --config FILE  the configuration, cpm.yaml(5)\n"
	      "  --check        read the configuration, print every fault, exit 0 or 1\n"
	      "  --help         this text\n",
	      to);
}

static const struct conf_protocol protocols[] = {
#define PROTO(name, port, transports, service, users, help)                                        \
	{#name, transports, service, port, CONF_##users},
#include "registry/protocols.def"
#undef PROTO
};

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"check", no_argument, NULL, 'k'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	static struct process      process;
	struct conf_faults         faults = {0};
	const char                *path = NULL;
	bool                       check = false;
	int                        option, err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			path = optarg;
		else if (option == 'k')
			check = true;
		else
			return usage(option == 'h' ? stdout : stderr), option == 'h' ? 0 : 2;
	}
	if (path == NULL || optind < argc)
		return usage(stderr), 2;
	conf_protocols_set(protocols, sizeof(protocols) / sizeof(protocols[0]));
	err = conf_file_read(path, &process.file, &faults);
	for (unsigned i = 0; i < faults.n; i++)
		fprintf(stderr, "%s\n", faults.lines[i]);
	conf_faults_free(&faults);
	if (err < 0 && err != -EINVAL)
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
	if (err == 0 && check)
		err = check_keys(process.file);
	if (err < 0 || check)
		return err < 0;
	err = start(&process);
	conf_file_free(process.file);
	return err < 0;
}
