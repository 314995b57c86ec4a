/*
 * A wire in memory between the workers of a dataplane and one remote host. Packets are copied on
 * the way, as a network card would, so that neither side sees the other's memory; loss is seeded.
 * The copying is done on the host's side. Host and each worker may run in threads of their own:
 * between them are rings of one producer and one consumer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/random.h"
#include "net/net.h"

#define WIRE_QUEUE 8192u

struct wire {
	struct rte_ring    *to_worker[NET_WORKERS_MAX], *from_worker[NET_WORKERS_MAX];
	struct rte_mempool *pools[NET_WORKERS_MAX], *host_pool;
	unsigned            workers;
	unsigned            loss_per_mille;
	struct random       random;
	uint64_t            packets, lost;
	bool                first_only; /* all come to worker 0, as from a device with one queue */
	/* What lies between: does this packet of a worker reach the host? NULL: all do. */
	bool (*passes)(void *context, unsigned worker, const struct rte_mbuf *m);
	void    *passes_context;
	unsigned receiver; /* worker that gets the next packet from the host: dealt out in turn,
			      whoever owns it */
};

/* The wire's memory; pools and numbers are the caller's to fill. name makes the rings' names
 * unique. */
void wire_init(struct wire *wire, const char *name, unsigned workers);
void wire_free(struct wire *wire);

/* For struct worker_io of the dataplane's side; context is the wire. */
unsigned wire_receive(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
		      unsigned n);
unsigned wire_transmit(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
		       unsigned n);

/* The host's side. */
unsigned wire_host_receive(struct wire *wire, struct rte_mbuf *pkts[], unsigned n);
void     wire_host_discard(
	    struct wire *wire); /* a host that is dead: what waits for it is thrown away */
void wire_host_transmit(struct wire *wire, struct rte_mbuf *pkts[], unsigned n);
