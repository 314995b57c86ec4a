/*
 * Sends each UDP datagram to port 7 back where it came from, over a port of DPDK and lib/net: our
 * end of udp.sh.
 *
 *   udp-echo DEVICE ADDRESS/PREFIX...
 *
 * Prints "ready", and until SIGTERM nothing; then its counters.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/net.h"
#include "net/output.h"
#include "net/udp.h"

#include "../../../dataplane/eal.h"
#include "../../../dataplane/port.h"

#define PORT 7
#define PACKETS 8192u
#define BURST 32u
#define IDLE_SLEEP_NS 50000

static volatile sig_atomic_t stopping;
static struct port           port;
static struct metrics        metrics;

static void on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

static struct now clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct now){(uint64_t)t.tv_sec * US_PER_SECOND + (uint64_t)t.tv_nsec / 1000, 1};
}

static int fail(const char *why)
{
	printf("failed: %s\n", why);
	return 1;
}

static bool address_read(char *text, struct port_config *config)
{
	unsigned         i = config->address_count++;
	struct net_addr *a = &config->addresses[i];
	char            *slash = strchr(text, '/');

	if (i == 8 || slash == NULL)
		return false;
	*slash = '\0';
	a->ip6 = strchr(text, ':') != NULL;
	config->prefixes[i] = (uint8_t)atoi(slash + 1);
	return inet_pton(a->ip6 ? AF_INET6 : AF_INET, text, a->w) == 1;
}

static unsigned turn(struct net *net)
{
	struct net_udp_datagram datagrams[BURST];
	struct rte_mbuf        *pkts[NET_BURST_MAX], *tcp[NET_BURST_MAX], **out;
	struct now              now = clock_now();
	unsigned                work = port_rx_burst(&port, 0, pkts, NET_BURST_MAX), n;

	n = net_input_burst(net, now, 0, pkts, work, tcp);
	rte_pktmbuf_free_bulk(tcp, n);
	net_tick(net, now);
	while ((n = net_udp_receive(net, datagrams, BURST)) > 0) {
		for (unsigned i = 0; i < n; i++)
			net_udp_send(net, now, &datagrams[i].flow, datagrams[i].bytes.p,
				     cur_left(&datagrams[i].bytes));
	}
	out = net_tx_peek(net, 0, &n);
	if (n > 0)
		net_tx_sent(net, 0, port_tx_burst(&port, 0, out, n));
	return work + n + port_turn(&port, 0);
}

static struct net *net_start(const struct port_config *config, struct rte_mempool *pool)
{
	struct net_config c = {.workers = 1,
			       .port_count = 1,
			       .pool = pool,
			       .metrics = &metrics,
			       .seed = (uint64_t)getpid(),
			       .shared_seed = config->shared_seed};
	struct net       *net;

	c.ports[0] = port.profile;
	net = net_new(&c);
	if (net == NULL || net_udp_bind(net, &(struct net_addr){0}, PORT, NULL, 0) != 0 ||
	    net_udp_bind(net, &(struct net_addr){.ip6 = true}, PORT, NULL, 0) != 0)
		return NULL;
	return net;
}

int main(int argc, char **argv)
{
	const struct timespec sleep = {.tv_nsec = IDLE_SLEEP_NS};
	struct eal_config     ec = {
		    .workers = 1, .hugepages = EAL_HUGEPAGES_OFF, .memory_mb = 128, .device_count = 1};
	struct port_config  config = {.mtu = 1500, .shared_seed = (uint64_t)getpid()};
	struct rte_mempool *pool;
	struct net         *net;
	char                why[256] = "", name[32];

	if (argc < 3)
		return fail("udp-echo DEVICE ADDRESS/PREFIX...");
	config.device = argv[1];
	for (int i = 2; i < argc; i++) {
		if (!address_read(argv[i], &config))
			return fail(argv[i]);
	}
	snprintf(name, sizeof(name), "cpm-echo-%d", (int)getpid());
	ec.node = name;
	ec.devices[0] = config.device;
	signal(SIGTERM, on_signal);
	if (eal_start(&ec, why, sizeof(why)) < 0)
		return fail(why);
	pool = port_pool_new("echo", PACKETS + port_mbufs_needed(), config.mtu);
	if (pool == NULL || port_open(&config, 1, &pool, &port, why, sizeof(why)) < 0)
		return fail(why);
	net = net_start(&config, pool);
	if (net == NULL)
		return fail("no memory");
	puts("ready");
	fflush(stdout);
	while (stopping == 0) {
		if (turn(net) == 0)
			nanosleep(&sleep, NULL);
	}
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		if (metrics.value[i] != 0)
			printf("%s %" PRIu64 "\n", metric_name(i), metrics.value[i]);
	}
	net_free(net);
	return 0;
}
