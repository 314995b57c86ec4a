#include "wire.h"

#include <stdio.h>

#include "base/assert.h"

static struct rte_ring *ring_new(const char *name, const char *direction, unsigned worker)
{
	char             full[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(full, sizeof(full), "%s_%s%u", name, direction, worker);
	ring = rte_ring_create(full, WIRE_QUEUE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	ASSERT(ring != NULL);
	return ring;
}

void wire_init(struct wire *wire, const char *name, unsigned workers)
{
	wire->workers = workers;
	for (unsigned w = 0; w < workers; w++) {
		wire->to_worker[w] = ring_new(name, "in", w);
		wire->from_worker[w] = ring_new(name, "out", w);
	}
}

static void ring_free(struct rte_ring *ring)
{
	void *m;

	while (rte_ring_sc_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

void wire_free(struct wire *wire)
{
	for (unsigned w = 0; w < wire->workers; w++) {
		ring_free(wire->to_worker[w]);
		ring_free(wire->from_worker[w]);
	}
}

/* NULL: lost, or no memory there. */
static struct rte_mbuf *copy(struct wire *wire, struct rte_mbuf *m, struct rte_mempool *pool)
{
	struct rte_mbuf *c = NULL;

	wire->packets++;
	if (wire->loss_per_mille > 0 && random_below(&wire->random, 1000) < wire->loss_per_mille)
		wire->lost++;
	else
		c = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
	rte_pktmbuf_free(m);
	if (c != NULL)
		c->ol_flags = 0;
	return c;
}

unsigned wire_receive(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
		      unsigned n)
{
	struct wire *wire = context;

	ASSERT(port == 0);
	return rte_ring_sc_dequeue_burst(wire->to_worker[worker], (void **)pkts, n, NULL);
}

unsigned wire_transmit(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
		       unsigned n)
{
	struct wire *wire = context;

	ASSERT(port == 0);
	return rte_ring_sp_enqueue_burst(wire->from_worker[worker], (void **)pkts, n, NULL);
}

unsigned wire_host_receive(struct wire *wire, struct rte_mbuf *pkts[], unsigned n)
{
	unsigned got = 0;

	for (unsigned w = 0; w < wire->workers; w++) {
		void *m;

		while (got < n && rte_ring_sc_dequeue(wire->from_worker[w], &m) == 0) {
			if (wire->passes != NULL && !wire->passes(wire->passes_context, w, m)) {
				rte_pktmbuf_free(m);
				continue;
			}
			pkts[got] = copy(wire, m, wire->host_pool);
			got += pkts[got] != NULL;
		}
	}
	return got;
}

void wire_host_discard(struct wire *wire)
{
	struct rte_mbuf *m;

	while (wire_host_receive(wire, &m, 1) == 1)
		rte_pktmbuf_free(m);
}

void wire_host_transmit(struct wire *wire, struct rte_mbuf *pkts[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned         worker = wire->first_only ? 0 : wire->receiver++ % wire->workers;
		struct rte_mbuf *c = copy(wire, pkts[i], wire->pools[worker]);

		if (c != NULL && rte_ring_sp_enqueue(wire->to_worker[worker], c) != 0)
			rte_pktmbuf_free(c);
	}
}
