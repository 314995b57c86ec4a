#include "xcore.h"

#include <errno.h>
#include <stdio.h>

#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include "base/assert.h"

#include "worker.h"

#define TURN_MAX 64u /* elements taken from one ring in one turn */

static struct rte_ring *ring_new(const char *kind, unsigned from, unsigned to,
				 unsigned element_size, unsigned count)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "cpm_%s_%u_%u", kind, from, to);
	return rte_ring_create_elem(name, element_size, count, SOCKET_ID_ANY,
				    RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
}

static int pair_connect(struct worker *from, struct worker *to)
{
	struct xcore *out = &from->xcore, *in = &to->xcore;
	unsigned      f = from->number, t = to->number;

	out->packets_out[t] = in->packets_in[f] =
		ring_new("packets", f, t, sizeof(void *), XCORE_PACKETS_RING);
	if (out->packets_out[t] == NULL)
		return -ENOMEM;
	if (f == t)
		return 0;
	out->messages_out[t] = in->messages_in[f] =
		ring_new("messages", f, t, sizeof(struct xmsg), XCORE_MESSAGES_RING);
	out->results_out[t] = in->results_in[f] =
		ring_new("results", f, t, sizeof(struct xresult), XCORE_OPEN_MAX);
	return out->messages_out[t] != NULL && out->results_out[t] != NULL ? 0 : -ENOMEM;
}

int xcore_connect(struct worker *const workers[], unsigned count)
{
	for (unsigned f = 0; f < count; f++) {
		for (unsigned t = 0; t < count; t++) {
			int err = pair_connect(workers[f], workers[t]);

			if (err < 0)
				return err;
		}
	}
	return 0;
}

void xcore_free(struct worker *w)
{
	for (unsigned i = 0; i < w->dp->worker_count; i++) {
		rte_ring_free(w->xcore.packets_out[i]);
		rte_ring_free(w->xcore.messages_out[i]);
		rte_ring_free(w->xcore.results_out[i]);
	}
}

bool xcore_lend(struct worker *w, const struct delivery_order *order, uint32_t flight)
{
	struct xmsg        x = {.kind = XMSG_LEND, .flight = flight, .lend = *order};
	struct session_ref to = order->to;

	if (w->xcore.open[to.worker] >= XCORE_OPEN_MAX ||
	    rte_ring_sp_enqueue_elem(w->xcore.messages_out[to.worker], &x, sizeof(x)) != 0)
		return false;
	w->xcore.open[to.worker]++;
	metric_inc(w->metrics, METRIC_hops_out);
	return true;
}

bool xcore_note(struct worker *w, unsigned to, enum xmsg_kind kind, const struct receipt_note *note)
{
	struct xmsg x = {.kind = kind, .note = *note};

	if (kind == XMSG_RECEIPT_ASK && w->xcore.open[to] >= XCORE_OPEN_MAX)
		return false;
	if (rte_ring_sp_enqueue_elem(w->xcore.messages_out[to], &x, sizeof(x)) != 0)
		return false;
	if (kind == XMSG_RECEIPT_ASK)
		w->xcore.open[to]++;
	return true;
}

bool xcore_conversation(struct worker *w, unsigned to, const struct conversation_note *note)
{
	struct xmsg x = {.kind = XMSG_CONVERSATION, .conversation = *note};

	return rte_ring_sp_enqueue_elem(w->xcore.messages_out[to], &x, sizeof(x)) == 0;
}

void xcore_replaced(struct worker *w, const struct registered_loss *loss)
{
	struct xmsg x = {.kind = XMSG_REPLACED, .loss = *loss};

	if (rte_ring_sp_enqueue_elem(w->xcore.messages_out[loss->lost.worker], &x, sizeof(x)) != 0)
		metric_inc(w->metrics, METRIC_replacements_lost);
}

static void handed_over(struct worker *w, const struct registered_loss *loss)
{
	conn_answer(w, loss->by, loss->token, &(struct result){.word = loss->word});
}

void xcore_handed_over(struct worker *w, const struct registered_loss *loss)
{
	struct xmsg x = {.kind = XMSG_HANDED_OVER, .loss = *loss};

	if (loss->by.worker == w->number)
		handed_over(w, loss);
	else if (rte_ring_sp_enqueue_elem(w->xcore.messages_out[loss->by.worker], &x, sizeof(x)) !=
		 0)
		metric_inc(w->metrics, METRIC_replacements_lost);
}

bool xcore_item(struct worker *w, unsigned to, const struct msg *m, const struct flow *from)
{
	struct xmsg x = {.kind = XMSG_ITEM, .item = {m, *from}};

	if (w->xcore.open[to] >= XCORE_OPEN_MAX ||
	    rte_ring_sp_enqueue_elem(w->xcore.messages_out[to], &x, sizeof(x)) != 0)
		return false;
	w->xcore.open[to]++;
	return true;
}

static void result_out(struct worker *w, unsigned home, struct xresult *x)
{
	int err = rte_ring_sp_enqueue_elem(w->xcore.results_out[home], x, sizeof(*x));

	ASSERT(err == 0); /* at most XCORE_OPEN_MAX of home's are open here */
}

void xcore_result(struct worker *w, unsigned home, uint32_t flight, const struct result *result)
{
	result_out(w, home,
		   &(struct xresult){.kind = XMSG_LEND, .flight = flight, .result = *result});
}

void xcore_receipt_answer(struct worker *w, unsigned home, uint32_t flight, uint32_t generation,
			  const struct receipt_found *found)
{
	result_out(w, home,
		   &(struct xresult){.kind = XMSG_RECEIPT_ASK,
				     .flight = flight,
				     .generation = generation,
				     .found = *found});
}

void xcore_packets_out(struct worker *w)
{
	struct rte_mbuf *pkts[NET_BURST_MAX];
	struct net_news  news[8];
	unsigned         count = w->dp->worker_count, n, sent;

	for (unsigned t = 0; t < count; t++) {
		while ((n = net_foreign_take(w->net, t, pkts, NET_BURST_MAX)) > 0) {
			sent = rte_ring_sp_enqueue_burst(w->xcore.packets_out[t], (void **)pkts, n,
							 NULL);
			metric_add(w->metrics, METRIC_packets_forwarded, sent);
			metric_add(w->metrics, METRIC_packets_forward_dropped, n - sent);
			if (sent < n)
				rte_pktmbuf_free_bulk(&pkts[sent], n - sent);
		}
	}
	while ((n = net_news_take(w->net, news, 8)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct xmsg x = {.kind = XMSG_NEWS, .news = news[i]};

			if (news[i].kind == NET_NEWS_DUPLICATE || news[i].kind == NET_NEWS_CONFLICT)
				conflict_note(&w->conflict, &news[i]);
			for (unsigned t = 0; t < count; t++) {
				if (t != w->number) /* full: the other finds out for itself when it
						       needs to know */
					rte_ring_sp_enqueue_elem(w->xcore.messages_out[t], &x,
								 sizeof(x));
			}
		}
	}
}

static unsigned packets_in(struct worker *w, unsigned from)
{
	struct rte_mbuf *pkts[NET_BURST_MAX], *tcp[NET_BURST_MAX];
	unsigned         n = rte_ring_sc_dequeue_burst(w->xcore.packets_in[from], (void **)pkts,
						       NET_BURST_MAX, NULL);

	if (n > 0)
		tcp_input_burst(w->tcp, w->now, tcp,
				net_input_forwarded(w->net, w->now, pkts, n, tcp));
	return n;
}

static void item_in(struct worker *w, unsigned home, const struct xmsg *x)
{
	struct xresult r = {.kind = XMSG_ITEM, .item.m = x->item.m};

	conn_item(w, x->item.m, &x->item.from, &r.item.answer);
	result_out(w, home, &r);
}

static void item_answered(struct worker *w, const struct xresult *x)
{
	struct msg *m = (struct msg *)(uintptr_t)x->item.m; /* it was lent, and is ours */

	if (m->token != 0)
		conn_answer(w, m->origin, m->token, &x->item.answer);
	msg_free(m);
}

static void message_in(struct worker *w, unsigned from, const struct xmsg *x)
{
	struct result result;

	switch ((enum xmsg_kind)x->kind) {
	case XMSG_LEND:
		metric_inc(w->metrics, METRIC_hops_in);
		if (!deliver_accept(w, &x->lend, NULL, from, x->flight, &result))
			xcore_result(w, from, x->flight, &result);
		break;
	case XMSG_RECEIPT_OPEN:
		receipts_note_open(w, &x->note);
		break;
	case XMSG_RECEIPT_ASK:
		receipts_note_ask(w, &x->note);
		break;
	case XMSG_RECEIPT_DONE:
		receipts_note_done(w, &x->note);
		break;
	case XMSG_CONVERSATION:
		conversations_note(w, &x->conversation);
		break;
	case XMSG_REPLACED:
		registered_replaced(w, &x->loss);
		break;
	case XMSG_HANDED_OVER:
		handed_over(w, &x->loss);
		break;
	case XMSG_NEWS:
		net_news_learn(w->net, w->now, &x->news);
		break;
	case XMSG_ITEM:
		item_in(w, from, x);
		break;
	}
}

static void result_in(struct worker *w, unsigned from, const struct xresult *x)
{
	ASSERT(w->xcore.open[from] > 0);
	w->xcore.open[from]--;
	if (x->kind == XMSG_ITEM)
		item_answered(w, x);
	else if (x->kind == XMSG_LEND)
		flight_result(w, x->flight, &x->result);
	else
		flight_receipt_found(w, x->flight, x->generation, &x->found);
}

unsigned xcore_turn(struct worker *w)
{
	struct xmsg    messages[TURN_MAX];
	struct xresult results[TURN_MAX];
	unsigned       work = 0, n;

	for (unsigned from = 0; from < w->dp->worker_count; from++) {
		work += packets_in(w, from);
		if (from == w->number)
			continue;
		n = rte_ring_sc_dequeue_burst_elem(w->xcore.results_in[from], results,
						   sizeof(results[0]), TURN_MAX, NULL);
		for (unsigned i = 0; i < n; i++)
			result_in(w, from, &results[i]);
		work += n;
		n = rte_ring_sc_dequeue_burst_elem(w->xcore.messages_in[from], messages,
						   sizeof(messages[0]), TURN_MAX, NULL);
		for (unsigned i = 0; i < n; i++)
			message_in(w, from, &messages[i]);
		work += n;
	}
	return work;
}
