/* Connections that we make: to peers, for sessions that ask for a stream, and where nothing is
 * known yet but a domain (search.h). */
#include "conn.h"

#include "base/assert.h"

#include "conn_private.h"
#include "session.h"
#include "worker.h"

struct conn *conn_begin(struct worker *w, uint8_t protocol)
{
	struct conn *c = conn_new(w, protocol, PROTO_CONNECTING);

	if (c != NULL)
		c->state = CONN_CONNECTING;
	return c;
}

bool conn_try(struct worker *w, struct conn *c, const struct net_addr *remote, uint16_t port)
{
	struct tcp_options options = {.send_max = CONN_BUFFER_MAX,
				      .receive_max = CONN_BUFFER_MAX,
				      .connect_timeout_s = 5};

	c->tcp = tcp_connect(w->tcp, w->now, remote, port, &options, CONN_USER | conn_index(w, c));
	if (c->tcp == TCP_CONN_NONE)
		return false;
	memcpy(c->flow.address, remote->w, sizeof(c->flow.address));
	c->flow.ip6 = remote->ip6;
	c->flow.port = port;
	return true;
}

struct conn *conn_connect(struct worker *w, uint8_t protocol, const struct net_addr *remote,
			  uint16_t port)
{
	struct conn *c = conn_begin(w, protocol);

	if (c == NULL)
		return NULL;
	if (conn_try(w, c, remote, port))
		return c;
	conn_free(w, c);
	return NULL;
}

void conn_dial(struct worker *w, struct conn *dialler, const struct flow *to, struct str domain,
	       uint64_t token)
{
	struct session_ref ref = conn_ref(w, dialler);
	struct net_addr    remote = {.ip6 = to->ip6};
	struct conn       *c;

	ASSERT(token != 0);
	memcpy(remote.w, to->address, sizeof(remote.w));
	c = to->port != 0 ? conn_connect(w, dialler->protocol, &remote, to->port)
			  : search_begin(w, dialler->protocol, domain);
	if (c == NULL) {
		conn_answer(w, ref, token, &(struct result){.why = REASON_CONNECTION_UNREACHABLE});
		return;
	}
	c->dialler = ref;
	c->dial = token;
}

void conn_connected(struct worker *w, struct conn *c)
{
	const struct conn *dialler;
	struct out         out = conn_out(w, c);

	search_end(w, c);
	if (c->dial == 0) {
		conn_begun(w, c);
		return;
	}
	dialler = conn_get(w, c->dialler);
	if (dialler == NULL || dialler->state != CONN_OPEN) {
		tcp_close(w->tcp, c->tcp, true);
		return;
	}
	c->state = CONN_OPEN;
	session_open_dialled(w, c, &out);
	conn_send(w, c, &out);
	conn_touch(w, c);
	conn_answer(w, c->dialler, c->dial, &(struct result){.why = REASON_NONE});
}

void conn_unmade(struct worker *w, struct conn *c, enum reason why)
{
	uint64_t           token = c->dial;
	struct session_ref dialler = c->dialler;

	ASSERT(c->state == CONN_CONNECTING && c->tcp == TCP_CONN_NONE);
	search_end(w, c);
	if (c->domain != 0)
		domain_ended(w, c, why);
	deliver_unsent(w, c); /* what waited for the connection */
	conn_free(w, c);
	if (token != 0)
		conn_answer(w, dialler, token, &(struct result){.why = (uint8_t)why});
}
