/* What is done to all connections of a worker at once. */
#include "conn.h"

#include "datagram.h"
#include "worker.h"

/* Datagrams first: their sessions have the same index at every worker. */
int conns_listen(struct worker *w)
{
	int err = datagrams_listen(w);

	for (unsigned i = 0; i < w->dp->listener_count && err == 0; i++) {
		const struct listener *l = &w->dp->listeners[i];
		struct tcp_options     options = {.send_max = CONN_BUFFER_MAX,
						  .receive_max = CONN_BUFFER_MAX};

		if (listener_speaks(l, TRANSPORT_TCP))
			err = tcp_listen(w->tcp, &l->address, l->port, &options, i);
		if (err == 0 && l->conf->msrp_port != 0)
			err = tcp_listen(w->tcp, &l->address, listener_media(l, w->number).port,
					 &options, CONN_USER_MEDIA | i);
		options.send_max = CONN_WS_SEND_MAX;
		if (err == 0 && l->conf->ws_port != 0)
			err = tcp_listen(w->tcp, &l->address, listener_ws(l).port, &options,
					 CONN_USER_WS | i);
	}
	return err;
}

void conns_listen_stop(struct worker *w)
{
	for (unsigned i = 0; i < w->dp->listener_count; i++) {
		const struct listener *l = &w->dp->listeners[i];

		tcp_listen_stop(w->tcp, &l->address, l->port);
		if (l->conf->msrp_port != 0)
			tcp_listen_stop(w->tcp, &l->address, listener_media(l, w->number).port);
		if (l->conf->ws_port != 0)
			tcp_listen_stop(w->tcp, &l->address, listener_ws(l).port);
	}
}

void conns_part(struct worker *w, enum proto_role role)
{
	for (uint32_t i = 0; i < w->conns.used_high; i++) {
		if (w->conns.table[i].state != CONN_FREE && w->conns.table[i].role == role)
			conn_part(w, &w->conns.table[i], REASON_SHUTDOWN);
	}
}

uint32_t conns_reset(struct worker *w, uint32_t from, uint32_t max)
{
	for (; from < w->conns.used_high && max > 0; from++) {
		struct conn *c = &w->conns.table[from];

		if (c->state == CONN_FREE || c->datagram || c->detached)
			continue;
		search_end(w, c);
		if (c->state == CONN_CONNECTING && c->tcp == TCP_CONN_NONE) {
			conn_unmade(w, c, REASON_SHUTDOWN);
			continue;
		}
		tcp_close(w->tcp, c->tcp, true);
		max--;
	}
	return from;
}
