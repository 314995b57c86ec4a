#include "datagram.h"

#include <errno.h>

#include "base/assert.h"
#include "base/transport.h"
#include "net/udp.h"

#include "session.h"
#include "worker.h"

#define BURST 64u

int datagrams_listen(struct worker *w)
{
	for (unsigned i = 0; i < w->dp->listener_count; i++) {
		const struct listener *l = &w->dp->listeners[i];
		struct flow            local = listener_flow(l);
		struct conn           *c;
		struct out             out = out_to(w->out_room, WORKER_OUT_SIZE);
		int                    err;

		if (!listener_speaks(l, TRANSPORT_UDP))
			continue;
		c = conn_of_datagrams(w, l->conf->protocol, PROTO_DATAGRAM, &local,
				      &(struct flow){.ip6 = local.ip6});
		if (c == NULL)
			return -ENOSPC;
		ASSERT(c == &w->conns.table[listener_session(w->dp, l)]);
		err = net_udp_bind(w->net, &l->address, l->port, c->ops->owner,
				   (uint64_t)(c - w->conns.table));
		if (err < 0)
			return err;
		c->since_ms = w->dp->started_ms; /* the clock of the turns has not begun */
		session_open_accepted(w, c, l, &out);
	}
	return 0;
}

bool datagrams_local(const struct worker *w, unsigned protocol, bool ip6, struct flow *local)
{
	for (unsigned i = 0; i < w->dp->listener_count; i++) {
		const struct listener *l = &w->dp->listeners[i];

		if (l->conf->protocol == protocol && l->address.ip6 == ip6 &&
		    listener_speaks(l, TRANSPORT_UDP)) {
			*local = listener_flow(l);
			return true;
		}
	}
	return false;
}

#define ICMP_UNREACHABLE 3
#define ICMP_TOO_BIG 4 /* a code of it: the network layer has made the path narrower */

/* RFC 3261, 18.4: unreachable, for whatever reason; what ran out of time or found a loop may come
 * through yet. */
static void errors_receive(struct worker *w)
{
	struct net_udp_error errors[BURST];
	unsigned             n;

	while ((n = net_udp_errors(w->net, errors, BURST)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			if (errors[i].type == ICMP_UNREACHABLE && errors[i].code != ICMP_TOO_BIG)
				conn_unreached(w, &w->conns.table[errors[i].user],
					       errors[i].quoted);
		}
	}
}

void datagrams_receive(struct worker *w)
{
	struct net_udp_datagram d[BURST];
	unsigned                n;

	while ((n = net_udp_receive(w->net, d, BURST)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct flow from = {.port = d[i].flow.remote_port,
					    .ip6 = d[i].flow.remote.ip6};

			memcpy(from.address, d[i].flow.remote.w, sizeof(from.address));
			conn_datagram(w, &w->conns.table[d[i].user], &from, d[i].bytes);
		}
	}
	errors_receive(w);
}

void datagrams_send(struct worker *w, struct conn *c, const struct out *out)
{
	struct cur  written = cur_of(out->put.start, put_size(&out->put)), bytes;
	struct flow to;

	while (out_datagram_next(&written, &to, &bytes)) {
		struct net_udp_flow flow = {.local_port = c->local.port, .remote_port = to.port};
		size_t              n = cur_left(&bytes);

		flow.local.ip6 = c->local.ip6;
		flow.remote.ip6 = to.ip6;
		memcpy(flow.local.w, c->local.address, sizeof(flow.local.w));
		memcpy(flow.remote.w, to.address, sizeof(flow.remote.w));
		if (to.ip6 == c->local.ip6)
			net_udp_send(w->net, w->now, &flow, cur_bytes(&bytes, n), n);
	}
}
