#include "net/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "base/assert.h"
#include "net/ip6.h"
#include "net/udp_state.h"

bool udp_init(struct net *net)
{
	net->udp = calloc(1, sizeof(*net->udp));
	return net->udp != NULL;
}

static void lent_free(struct udp *udp)
{
	rte_pktmbuf_free_bulk(udp->lent, udp->lent_count);
	udp->lent_count = 0;
}

static void lent_errors_free(struct udp *udp)
{
	rte_pktmbuf_free_bulk(udp->lent_errors, udp->lent_error_count);
	udp->lent_error_count = 0;
}

void udp_free(struct net *net)
{
	struct udp *udp = net->udp;

	if (udp == NULL)
		return;
	lent_free(udp);
	lent_errors_free(udp);
	for (unsigned i = 0; i < udp->waiting_count; i++)
		rte_pktmbuf_free(udp->waiting[i].m);
	for (unsigned i = 0; i < udp->error_count; i++)
		rte_pktmbuf_free(udp->errors[i].m);
	free(udp);
}

static struct udp_binding *binding_exact(const struct net *net, const struct net_addr *address,
					 uint16_t port)
{
	for (unsigned i = 0; i < net->udp->binding_count; i++) {
		struct udp_binding *b = &net->udp->bindings[i];

		if (b->port == port && port != 0 && net_addr_same(&b->address, address))
			return b;
	}
	return NULL;
}

/* That of the address, else that of any of its family. */
static struct udp_binding *binding_find(const struct net *net, const struct net_addr *address,
					uint16_t port)
{
	struct net_addr     any = {.ip6 = address->ip6};
	struct udp_binding *b = binding_exact(net, address, port);

	return b != NULL ? b : binding_exact(net, &any, port);
}

int net_udp_bind(struct net *net, const struct net_addr *address, uint16_t port,
		 net_udp_owner *owner, uint64_t user)
{
	ASSERT(port != 0);
	if (binding_exact(net, address, port) != NULL)
		return -EADDRINUSE;
	for (unsigned i = 0; i < UDP_BINDINGS_MAX; i++) {
		struct udp_binding *b = &net->udp->bindings[i];

		if (b->port != 0)
			continue;
		if (i == net->udp->binding_count)
			net->udp->binding_count++;
		*b = (struct udp_binding){
			.address = *address, .port = port, .owner = owner, .user = user};
		return 0;
	}
	return -ENOSPC;
}

void net_udp_unbind(struct net *net, const struct net_addr *address, uint16_t port)
{
	struct udp_binding *b = binding_exact(net, address, port);

	if (b != NULL)
		b->port = 0;
}

/* The header is believed, and *datagram is what it says. METRIC_COUNT, or why not. */
static enum metric datagram_read(const struct net *net, const struct net_packet *p, bool checked,
				 struct net_udp_datagram *datagram)
{
	struct cur payload = packet_payload(p);
	uint16_t   size, checksum;

	datagram->flow = (struct net_udp_flow){.local = p->destination, .remote = p->source};
	datagram->flow.remote_port = cur_be16(&payload);
	datagram->flow.local_port = cur_be16(&payload);
	size = cur_be16(&payload);
	checksum = cur_be16(&payload);
	if (payload.failed || size < DATAGRAM_HEADER || size > p->payload_size)
		return METRIC_udp_dropped_malformed;
	if (checksum == 0 && p->source.ip6)
		return METRIC_udp_dropped_checksum; /* RFC 8200, 8.1 */
	if (!checked && checksum != 0 && !packet_checksum_passes(net, p, size))
		return METRIC_udp_dropped_checksum;
	datagram->bytes = cur_of(payload.p, size - DATAGRAM_HEADER);
	return METRIC_COUNT;
}

static void waiting_append(struct net *net, const struct net_packet *p,
			   const struct net_udp_datagram *datagram)
{
	struct udp *udp = net->udp;

	if (udp->waiting_count == UDP_WAITING_MAX) {
		net_drop(net, p->m, METRIC_udp_dropped_full);
		return;
	}
	metric_inc(net->metrics, METRIC_udp_in_datagrams);
	udp->waiting[udp->waiting_count].m = p->m;
	udp->waiting[udp->waiting_count++].datagram = *datagram;
}

static unsigned owner_of(const struct net *net, const struct udp_binding *binding,
			 const struct net_udp_datagram *datagram)
{
	const struct net_udp_flow *flow = &datagram->flow;

	if (binding->owner != NULL)
		return binding->owner(datagram->bytes, net->config.workers) % net->config.workers;
	return net_owner(net, &flow->local, flow->local_port, &flow->remote, flow->remote_port);
}

bool udp_input(struct net *net, const struct net_packet *p)
{
	struct net_udp_datagram datagram;
	struct udp_binding     *binding;
	enum metric             why = datagram_read(net, p, false, &datagram);
	unsigned                owner;

	if (p->link_many)
		return false; /* nothing here is for many */
	if (why != METRIC_COUNT) {
		net_drop(net, p->m, why);
		return true;
	}
	binding = binding_find(net, &datagram.flow.local, datagram.flow.local_port);
	if (binding == NULL)
		return false;
	datagram.user = binding->user;
	owner = owner_of(net, binding, &datagram);
	if (owner == net->config.worker && !net->config.forward_all)
		waiting_append(net, p, &datagram);
	else
		net_foreign_append(net, owner, p->m);
	return true;
}

void udp_input_forwarded(struct net *net, const struct net_packet *p)
{
	struct net_udp_datagram datagram;
	struct udp_binding     *binding = NULL;

	if (datagram_read(net, p, true, &datagram) == METRIC_COUNT)
		binding = binding_find(net, &datagram.flow.local, datagram.flow.local_port);
	if (binding == NULL) { /* unbound meanwhile */
		net_drop(net, p->m, METRIC_udp_no_ports);
		return;
	}
	datagram.user = binding->user;
	waiting_append(net, p, &datagram);
}

unsigned net_udp_receive(struct net *net, struct net_udp_datagram datagrams[], unsigned max)
{
	struct udp *udp = net->udp;
	unsigned    n = udp->waiting_count < max ? udp->waiting_count : max;

	lent_free(udp);
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		datagrams[i] = udp->waiting[i].datagram;
		udp->lent[i] = udp->waiting[i].m;
	}
	udp->lent_count = n;
	udp->waiting_count -= n;
	memmove(udp->waiting, udp->waiting + n, udp->waiting_count * sizeof(udp->waiting[0]));
	return n;
}

/* Did we send what the error quotes? Ports are easily guessed, a length and a checksum less so (RFC
 * 8085, 5.2). */
static bool was_sent(const struct net *net, struct now now, const struct net_icmp_error *e)
{
	const struct udp_sent *s = udp_sent_place(net->udp, &e->remote, e->sequence);

	return s->mark == e->sequence && s->local_port == e->local_port &&
	       s->remote_port == e->remote_port && net_addr_same(&s->remote, &e->remote) &&
	       s->sent_us != 0 && now.us - s->sent_us <= UDP_SENT_US;
}

/* A router may quote more than the datagram, for what it adds (RFC 4884). */
static struct cur bytes_quoted(const struct net_icmp_error *e, struct cur data)
{
	uint32_t size = e->sequence >> 16, n = size > DATAGRAM_HEADER ? size - DATAGRAM_HEADER : 0;

	return cur_sub(&data, n < cur_left(&data) ? n : cur_left(&data));
}

static void error_take(struct net *net, struct now now, struct rte_mbuf *m,
		       const struct net_icmp_error *e, struct cur data)
{
	struct udp         *udp = net->udp;
	struct udp_binding *binding = binding_find(net, &e->local, e->local_port);
	uint16_t            mtu;

	metric_inc(net->metrics, METRIC_udp_icmp_errors);
	if (e->type == 3 && e->code == 4) {
		mtu = net_path_mtu_reported(e);
		if (mtu != 0)
			net_path_mtu_learn(net, now, &e->remote, mtu);
	}
	if (binding == NULL || udp->error_count == UDP_ERRORS_MAX) {
		rte_pktmbuf_free(m);
		return;
	}
	udp->errors[udp->error_count].m = m;
	udp->errors[udp->error_count++].error =
		(struct net_udp_error){.flow = {.local = e->local,
						.remote = e->remote,
						.local_port = e->local_port,
						.remote_port = e->remote_port},
				       .user = binding->user,
				       .type = e->type,
				       .code = e->code,
				       .quoted = bytes_quoted(e, data)};
}

/* With an owner of the upper layer's choice nobody knows who sent it: it goes round the workers
 * once, from that of its addresses and ports. */
void udp_error_input(struct net *net, struct now now, struct rte_mbuf *m,
		     const struct net_icmp_error *e, struct cur data, bool forwarded)
{
	unsigned workers = net->config.workers, next = (net->config.worker + 1) % workers;
	unsigned first = net_owner(net, &e->local, e->local_port, &e->remote, e->remote_port);
	bool     begins = !forwarded && first != net->config.worker;

	if (was_sent(net, now, e)) {
		error_take(net, now, m, e, data);
	} else if ((begins || next != first) && workers > 1 &&
		   net_bucket_take(&net->udp->errors_round, now, UDP_ERRORS_PER_S,
				   UDP_ERRORS_PER_S)) {
		net_foreign_append(net, begins ? first : next, m);
	} else {
		net_drop(net, m, METRIC_icmp_dropped_ignored);
	}
}

unsigned net_udp_errors(struct net *net, struct net_udp_error errors[], unsigned max)
{
	struct udp *udp = net->udp;
	unsigned    n = udp->error_count < max ? udp->error_count : max;

	lent_errors_free(udp);
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		errors[i] = udp->errors[i].error;
		udp->lent_errors[i] = udp->errors[i].m;
	}
	udp->lent_error_count = n;
	udp->error_count -= n;
	memmove(udp->errors, udp->errors + n, udp->error_count * sizeof(udp->errors[0]));
	return n;
}
