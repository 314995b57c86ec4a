#include "wire.h"

#include "base/assert.h"

static void push(struct wire_queue *q, struct rte_mbuf *m)
{
	if (q->count == WIRE_QUEUE) {
		rte_pktmbuf_free(m);
		return;
	}
	q->pkts[(q->head + q->count++) % WIRE_QUEUE] = m;
}

static unsigned pull(struct wire_queue *q, struct rte_mbuf *pkts[], unsigned n)
{
	unsigned i = 0;

	for (; i < n && q->count > 0; i++, q->count--) {
		pkts[i] = q->pkts[q->head];
		q->head = (q->head + 1) % WIRE_QUEUE;
	}
	return i;
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

unsigned wire_receive(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[], unsigned n)
{
	struct wire *wire = context;

	ASSERT(port == 0);
	return pull(&wire->to_worker[worker], pkts, n);
}

unsigned wire_transmit(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[], unsigned n)
{
	struct wire *wire = context;

	ASSERT(port == 0);
	for (unsigned i = 0; i < n; i++)
		push(&wire->sent[worker], pkts[i]);
	return n;
}

unsigned wire_turn(void *context, unsigned worker, unsigned port)
{
	(void)context;
	(void)worker;
	(void)port;
	return 0;
}

unsigned wire_host_receive(struct wire *wire, struct rte_mbuf *pkts[], unsigned n)
{
	return pull(&wire->to_host, pkts, n);
}

void wire_host_transmit(struct wire *wire, struct rte_mbuf *pkts[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned         worker = wire->receiver++ % wire->workers;
		struct rte_mbuf *c = copy(wire, pkts[i], wire->pools[worker]);

		if (c != NULL)
			push(&wire->to_worker[worker], c);
	}
}

void wire_carry(struct wire *wire)
{
	for (unsigned w = 0; w < wire->workers; w++) {
		struct rte_mbuf *m;

		while (pull(&wire->sent[w], &m, 1) == 1) {
			struct rte_mbuf *c = copy(wire, m, wire->host_pool);

			if (c != NULL)
				push(&wire->to_host, c);
		}
	}
}
