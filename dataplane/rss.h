/*
 * Receive-side scaling of a port: its redirection table is set so that the device gives each packet
 * to the worker that net_owner() names, everything is read back, and the hash that comes with the
 * first packets is compared with our own. A device that does otherwise does no harm: each worker
 * looks at every packet's owner and forwards what is not its own. But that costs, and is told.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "metrics/metrics.h"
#include "net/net.h"
#include "net/steer.h"

struct rss {
	uint16_t     reta_size;  /* 0: the device cannot be told how to steer */
	bool         steers;     /* it says that it steers as we do */
	const char  *why;        /* it does not: a few words; NULL: it does, or one worker */
	_Atomic bool misdirects; /* but its packets say otherwise; workers set, management reads */
	struct net_steer *steer; /* for comparing; NULL: nothing is compared */
	uint16_t          checks_left[NET_WORKERS_MAX]; /* the worker's own */
};

/* The hash to ask for when the device is configured: `key` outlives conf. Nothing where the device
 * cannot, or one queue is enough. */
void rss_configure(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, unsigned queues,
		   uint64_t shared_seed, uint8_t key[static NET_STEER_KEY_SIZE]);

/* After the device has started: can it steer at all? Sets reta_size and why. */
void rss_examine(struct rss *rss, const struct rte_eth_dev_info *info, unsigned queues,
		 unsigned workers);
/* Once all ports are open: the table and the key as net_owner() has them with so many entries. */
void rss_apply(struct rss *rss, uint16_t port, unsigned workers, unsigned entries,
	       uint64_t shared_seed);
void rss_free(struct rss *rss);

/* Worker: looks at packets that came in while there are checks left. */
void rss_check(struct rss *rss, unsigned worker, struct rte_mbuf *const pkts[], unsigned n,
	       struct metrics *metrics);

/* Entry i of a table of any size that devices have (64 and more), for the worker that owns it. */
static inline unsigned rss_entry(unsigned i, unsigned entries, unsigned workers)
{
	return i % entries % workers;
}
