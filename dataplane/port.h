/*
 * A port: any DPDK device, opened by name, seen by each worker as one receive and one transmit
 * burst. Opened and closed on the main thread while no worker runs; bursts and port_turn() by
 * workers, each with its own number.
 *
 * Queues: one pair for each worker where the device has so many; queue q belongs to worker q. A
 * worker without a queue receives nothing (others pass its packets on by net_foreign_take()) and
 * transmits through a ring, which the worker that owns a queue empties in port_turn().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "net/net.h"

#include "fault.h"
#include "rss.h"

struct port_config {
	const char *name; /* the operator's: "core0" */
	const char
		*device; /* PCI address or "driverN,key=value,...": "net_af_xdp0,iface=veth-cpm" */
	uint16_t mtu;    /* of IP packets; cut to what device and mbufs carry */
	uint16_t vlan;   /* of struct net_port_config */
	uint64_t shared_seed;    /* of struct net_config: the RSS key comes from it */
	struct metrics *metrics; /* one for each worker: what befalls its packets here */
	unsigned        address_count;
	struct net_addr addresses[8];
	uint8_t         prefixes[8];
	struct net_addr gateway, gateway6;
	bool            has_gateway, has_gateway6;
	bool            duplicate_check;
};

struct port {
	uint16_t id; /* DPDK's */
	unsigned workers;
	unsigned queues;    /* receive and transmit alike, 1 .. workers */
	bool copies_shared; /* the device hands mbufs on by pointer: what has other references is
			       copied first */
	struct rte_mempool *copy_pool;
	struct rte_ring *tx_rings[NET_WORKERS_MAX]; /* of workers without a queue; single producer,
						       single consumer */
	struct net_port_config profile;             /* for struct net_config */
	struct rss             rss;
	struct faults *_Atomic faults; /* NULL: none since the start */
	struct metrics        *metrics;
	struct rte_mempool    *pools[NET_WORKERS_MAX];
	char                   name[32], driver[32];
};

/*
 * rx_pools[w]: where queue w takes its mbufs (at least 2,048 bytes of room, RTE_PKTMBUF_HEADROOM >=
 * NET_HEADROOM, and at least port_mbufs_needed() of them free beyond what the worker itself holds).
 * 0, or -errno with a sentence in why; on failure nothing is left open.
 */
int  port_open(const struct port_config *config, unsigned workers,
	       struct rte_mempool *const rx_pools[], struct port *port, char *why, size_t why_size);
void port_close(struct port *port);
/* A pool for that, whose buffers take packets of `mtu` whole; NULL: no memory. */
struct rte_mempool *port_pool_new(const char *name, unsigned count, unsigned mtu);
unsigned            port_mbuf_size(unsigned mtu); /* bytes that one buffer of it takes */
unsigned port_mbufs_needed(void); /* mbufs that one queue pair of one port holds at most */

/* Main thread, once all ports are open: sets up receive-side scaling. Returns the entries of its
 * table, for struct net_config. */
unsigned port_steer(struct port ports[], unsigned count, uint64_t shared_seed);

/* "one worker", "rss" or "forwarding": how packets come to the worker that owns them. Any thread.
 */
const char *port_steering(const struct port *port);
bool        port_misdirects(const struct port *port); /* its first packets say so */

/* Management thread: faults of the laboratory, fault.h. 0 or -ENOMEM. */
int port_fault(struct port *port, const struct conf_fault *wanted);

/* At most n packets that came to this worker's queue; 0 for a worker without one. */
unsigned port_rx_burst(struct port *port, unsigned worker, struct rte_mbuf *pkts[], unsigned n);

/* How many of the packets were taken, from the first; the rest stays the caller's. */
unsigned port_tx_burst(struct port *port, unsigned worker, struct rte_mbuf *pkts[], unsigned n);

/* Once each turn, for each port: sends what workers without a queue have put on their rings.
 * Returns how many went. */
unsigned port_turn(struct port *port, unsigned worker);

struct port_stats {
	uint64_t packets_in, packets_out, bytes_in, bytes_out, missed_in, errors_in, errors_out,
		no_mbuf;
	bool link_up;
};
void port_stats(const struct port *port, struct port_stats *stats); /* main or management thread */
