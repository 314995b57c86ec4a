/*
 * Which segments had to make room among those that wait for a neighbour. When he is found, TCP is
 * told and sends them again at once; otherwise its timer would, a second later (a worker that opens
 * hundreds of connections by one gateway has them all at its start).
 */
#include <string.h>

#include "base/cur.h"
#include "net/state.h"

/* The segment in m, a frame of ours; false: it has another protocol. */
static bool segment_of(const struct rte_mbuf *m, struct net_unsent *s)
{
	struct cur in = cur_of(rte_pktmbuf_mtod(m, const void *), m->data_len);
	size_t     size;
	uint8_t    protocol;
	struct cur addresses;

	cur_bytes(&in, 12);
	*s = (struct net_unsent){.local.ip6 = cur_be16(&in) == NET_TYPE_IP6};
	s->remote.ip6 = s->local.ip6;
	size = s->local.ip6 ? 16 : 4;
	cur_bytes(&in, s->local.ip6 ? 6 : 9);
	protocol = cur_u8(&in);
	cur_bytes(&in, s->local.ip6 ? 1 : 2);
	addresses = cur_sub(&in, 2 * size);
	s->local_port = cur_be16(&in);
	s->remote_port = cur_be16(&in);
	s->sequence = cur_be32(&in);
	if (in.failed || protocol != NET_PROTOCOL_TCP)
		return false;
	memcpy(s->local.w, cur_bytes(&addresses, size), size);
	memcpy(s->remote.w, cur_bytes(&addresses, size), size);
	return true;
}

void unsent_note(struct net *net, const struct neighbour *n, const struct rte_mbuf *m)
{
	struct unsent *u = &net->unsent[net->unsent_count];

	if (net->unsent_count == NET_UNSENT_MAX || !segment_of(m, &u->segment))
		return;
	u->neighbour = n;
	net->unsent_count++;
}

void unsent_end(struct net *net, const struct neighbour *n, bool found)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < net->unsent_count; i++) {
		struct unsent *u = &net->unsent[i];

		if (u->neighbour == n && !found)
			continue;
		if (u->neighbour == n) {
			u->neighbour = NULL;
			net->unsent_told++;
		}
		net->unsent[kept++] = *u;
	}
	net->unsent_count = kept;
}

unsigned net_unsent_take(struct net *net, struct net_unsent segments[], unsigned max)
{
	unsigned n = 0, kept = 0;

	if (net->unsent_told == 0)
		return 0;
	for (unsigned i = 0; i < net->unsent_count; i++) {
		if (net->unsent[i].neighbour == NULL && n < max)
			segments[n++] = net->unsent[i].segment;
		else
			net->unsent[kept++] = net->unsent[i];
	}
	net->unsent_count = kept;
	net->unsent_told -= n;
	return n;
}
