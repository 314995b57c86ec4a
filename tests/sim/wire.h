/*
 * A wire in memory between the workers of a dataplane and one remote host. Packets are copied on the way, as a network card would, so
 * that neither side sees the other's memory; loss is seeded. Time is what the caller says it is.
 */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "base/random.h"
#include "net/net.h"

#define WIRE_QUEUE 8192u

struct wire_queue {
	struct rte_mbuf *pkts[WIRE_QUEUE];
	unsigned         head, count;
};

struct wire {
	struct wire_queue   to_worker[NET_WORKERS_MAX], to_host, sent[NET_WORKERS_MAX];
	struct rte_mempool *pools[NET_WORKERS_MAX], *host_pool;
	unsigned            workers;
	unsigned            loss_per_mille;
	struct random       random;
	uint64_t            packets, lost;
	unsigned            receiver;           /* worker that gets the next packet from the host: dealt out in turn, whoever owns it */
};

/* The struct worker_io functions of the dataplane's side; context is the wire. */
unsigned wire_receive(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[], unsigned n);
unsigned wire_transmit(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[], unsigned n);
unsigned wire_turn(void *context, unsigned worker, unsigned port);

/* The host's side. */
unsigned wire_host_receive(struct wire *wire, struct rte_mbuf *pkts[], unsigned n);
void     wire_host_transmit(struct wire *wire, struct rte_mbuf *pkts[], unsigned n);
/* Carry what the workers have sent over to the host (outside of their time). */
void     wire_carry(struct wire *wire);
