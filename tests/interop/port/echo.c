/*
 * One port and one network layer, for a few seconds: answers ARP and ping, so that a kernel peer
 * can tell whether a device works here. usage: echo DEVICE ADDRESS PREFIX SECONDS huge|nohuge
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>

#include "eal.h"
#include "port.h"

static struct now clock_read(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct now){(uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000, 0};
}

static void serve(struct port *port, struct net *net, unsigned seconds)
{
	struct rte_mbuf *pkts[NET_BURST_MAX], *tcp[NET_BURST_MAX];
	struct now       now = clock_read();
	uint64_t         end_us = now.us + seconds * 1000000ull;

	for (; now.us < end_us; now = clock_read()) {
		unsigned          n = port_rx_burst(port, 0, pkts, NET_BURST_MAX), waiting;
		struct rte_mbuf **out;

		n = net_input_burst(net, now, 0, pkts, n, tcp);
		rte_pktmbuf_free_bulk(tcp, n);
		net_tick(net, now);
		out = net_tx_peek(net, 0, &waiting);
		if (waiting > 0)
			net_tx_sent(net, 0, port_tx_burst(port, 0, out, waiting));
		else
			nanosleep(&(struct timespec){0, 100000}, NULL);
	}
}

int main(int argc, char **argv)
{
	struct eal_config eal = {
		.node = "cpm-echo", .workers = 1, .memory_mb = 128, .device_count = 1};
	struct port_config config = {.name = "echo", .mtu = 1500, .address_count = 1};
	struct metrics    *metrics = aligned_alloc(64, (sizeof(*metrics) + 63) & ~(size_t)63);
	struct net_config  nc = {.workers = 1, .port_count = 1, .metrics = metrics};
	struct port_stats  stats;
	struct port        port;
	struct net        *net;
	char               why[256];

	if (argc != 6 || metrics == NULL || inet_pton(AF_INET, argv[2], config.addresses[0].w) != 1)
		return 2;
	memset(metrics, 0, sizeof(*metrics));
	config.device = eal.devices[0] = argv[1];
	config.prefixes[0] = (uint8_t)atoi(argv[3]);
	eal.hugepages = strcmp(argv[5], "huge") == 0 ? EAL_HUGEPAGES_REQUIRED : EAL_HUGEPAGES_OFF;
	if (eal_start(&eal, why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	nc.pool = rte_pktmbuf_pool_create("packets", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					  SOCKET_ID_ANY);
	if (nc.pool == NULL || port_open(&config, 1, &nc.pool, &port, why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", nc.pool == NULL ? "no memory for packets" : why);
		return 1;
	}
	nc.ports[0] = port.profile;
	net = net_new(&nc);
	if (net == NULL)
		return 1;
	printf("driver=%s mtu=%u queues=%u rx_checksum=%d tx_checksum=%d multi_segment=%d "
	       "huge=%d\n",
	       port.driver, port.profile.mtu, port.queues, port.profile.rx_checksum,
	       port.profile.tx_tcp_checksum, port.profile.multi_segment, eal_has_hugepages());
	fflush(stdout);
	serve(&port, net, (unsigned)atoi(argv[4]));
	port_stats(&port, &stats);
	printf("in=%" PRIu64 " out=%" PRIu64 " echoes=%" PRIu64 "\n", stats.packets_in,
	       stats.packets_out, metrics->value[METRIC_icmp_echoes_in]);
	net_free(net);
	port_close(&port);
	eal_stop();
	return 0;
}
