/* What must hold at every step, and at the end. */
#pragma once

#include "sim.h"

#define STILL_MAX 1000u /* turns at one instant */
#define SILENCE_MAX_US                                                                             \
	(900 * US_PER_SECOND) /* without a byte or an end: many times the longest timeout */
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define RUN_MAX_US (8ull * 3600 * US_PER_SECOND)

static bool fin_queued(unsigned state)
{
	return state == TCP_FIN_WAIT_1 || state == TCP_FIN_WAIT_2 || state == TCP_CLOSING ||
	       state == TCP_LAST_ACK;
}

static bool fin_seen(unsigned state)
{
	return state == TCP_CLOSE_WAIT || state == TCP_CLOSING || state == TCP_LAST_ACK;
}

/* What one end can know only from the other, the other has done; and only what was sent has
 * arrived, only what has arrived is acknowledged. */
static void pair_check(const struct tcp_conn *a, const struct tcp_conn *b)
{
	CHECK(a->state != TCP_SYN_SENT && b->state != TCP_SYN_SENT);
	CHECK(!fin_seen(a->state) || fin_queued(b->state));
	CHECK(a->state != TCP_FIN_WAIT_2 || fin_seen(b->state));
	CHECK(a->state != TCP_LAST_ACK || fin_queued(b->state));
	CHECK(!(b->flags & TCP_FLAG_PEER_FIN) || b->rcv_nxt == a->snd_end);
	CHECK(!seq_after(a->snd_una, b->rcv_nxt) && !seq_after(b->rcv_nxt, a->snd_nxt));
}

static void pairs_check(void)
{
	const struct tcp *client = sim.end[0].tcp, *server = sim.end[1].tcp;

	if (sim.aborts) /* a late cookie may open again what one end has left */
		return;
	for (uint32_t i = 0; i < client->conns_fresh; i++) {
		const struct tcp_conn *a = tcp_conn_at(client, i);

		for (uint32_t k = 0; k < server->conns_fresh && a->state != TCP_CLOSED; k++) {
			const struct tcp_conn *b = tcp_conn_at(server, k);

			if (b->state == TCP_CLOSED || a->key.local_port != b->key.remote_port)
				continue;
			pair_check(a, b);
			pair_check(b, a);
		}
	}
}

/* Every buffer is somewhere. */
static void buffers_check(void)
{
	unsigned sent = sim.squeeze, received = 0;

	for (unsigned end = 0; end < 2; end++) {
		const struct tcp *tcp = sim.end[end].tcp;

		for (uint32_t i = 0; i < tcp->conns_fresh; i++) {
			const struct tcp_conn *conn = tcp_conn_at(tcp, i);

			received += conn->ooo_mbufs;
			for (const struct rte_mbuf *m = conn->rx_head; m != NULL; m = m->next)
				received += m->pool == rig_wire;
			for (uint32_t c = conn->chunk_head; c != TCP_NONE;
			     c = tcp_chunk_at(tcp, c)->next)
				sent += tcp_chunk_at(tcp, c)->mbuf != NULL;
		}
	}
	for (unsigned i = 0; i < sim.frame_count; i++) {
		const struct frame *frame = &sim.frames[i];

		if (frame->to != 2)
			received += frame->mbuf->nb_segs;
		else
			sent += rte_mbuf_refcnt_read(frame->mbuf) == 1;
	}
	if (rte_mempool_in_use_count(rig_pool) != sent)
		printf("pool %u sent %u\n", rte_mempool_in_use_count(rig_pool), sent);
	CHECK(rte_mempool_in_use_count(rig_pool) == sent);
	CHECK(rte_mempool_in_use_count(rig_wire) == received);
}

static void step_check(void)
{
	static uint64_t progress;

	sim.steps++;
	tcp_check(sim.end[0].tcp);
	tcp_check(sim.end[1].tcp);
	pairs_check();
	if (sim.steps % 16 == 0)
		buffers_check();
	if (sim.progress != progress || sim.steps == 1) {
		progress = sim.progress;
		sim.progress_us = rig_now.us;
	}
	CHECK(rig_now.us - sim.progress_us < SILENCE_MAX_US);
	CHECK(rig_now.us - sim.start_us < RUN_MAX_US);
	CHECK(sim.steps < 10000000);
}

static bool wire_is_good(void)
{
	return sim.loss + sim.burst + sim.duplicate + sim.reorder + sim.damage + sim.jitter_us +
			       sim.rate + sim.once[0] + sim.once[1] + sim.hunt[0] + sim.hunt[1] ==
		       0 &&
	       !sim.pauses && sim.squeeze == 0;
}

/* A wire that is bad for a minute may rightly cost a handshake: the other end gives it up, and the
 * client, which thinks that it is connected, is told. */
static bool handshake_died(const struct app *client)
{
	for (unsigned i = 0; i < APPS; i++) {
		if (sim.apps[1][i].received > 0 && sim.apps[1][i].stream == ~client->stream)
			return false;
	}
	return client->why == REASON_CONNECTION_RESET &&
	       client->closed_us - sim.start_us > US_PER_MINUTE;
}

/* How many at the server had all of this client's stream, and sent all of theirs. */
static unsigned served(const struct app *client)
{
	unsigned n = 0;

	for (unsigned i = 0; i < APPS; i++) {
		const struct app *server = &sim.apps[1][i];

		if (server->received == 0 || server->stream != ~client->stream)
			continue;
		CHECK(server->received == server->expected && server->sent == server->to_send);
		n++;
	}
	return n;
}

static void streams_check(void)
{
	for (unsigned i = 0; i < CONNS && !sim.aborts; i++) {
		const struct app *client = &sim.apps[0][i];

		if (!client->open || handshake_died(client))
			continue;
		CHECK(client->received == client->expected && client->sent == client->to_send);
		CHECK(served(client) == 1);
	}
}

static void end_check(bool good)
{
	streams_check();
	rig_pass(70 * US_PER_SECOND); /* TIME_WAIT ends */
	for (unsigned i = 0; i < 2; i++) {
		unsigned          n;
		struct rte_mbuf **out;

		tcp_tick(sim.end[i].tcp, rig_now);
		tcp_flush(sim.end[i].tcp, rig_now);
		CHECK(rig_metric(&sim.end[i], METRIC_tcp_connections) == 0);
		CHECK(rig_metric(&sim.end[i], METRIC_tcp_time_waits) == 0);
		/* Nothing was lost or late, so nothing goes twice. */
		CHECK(!good || rig_metric(&sim.end[i], METRIC_tcp_retrans_segs) == 0);
		out = net_tx_peek(sim.end[i].net, 0, &n);
		for (unsigned k = 0; k < n; k++)
			rte_pktmbuf_free(out[k]);
		net_tx_sent(sim.end[i].net, 0, n);
	}
	while (sim.frame_count > 0)
		rte_pktmbuf_free(sim.frames[--sim.frame_count].mbuf);
	/* The stacks hold none now; what net still holds goes with it. */
	for (unsigned i = 0; i < 2; i++)
		rig_end_free(&sim.end[i]);
	rte_pktmbuf_free_bulk(sim.squeezed, sim.squeeze);
	CHECK(rte_mempool_in_use_count(rig_pool) == 0);
	CHECK(rte_mempool_in_use_count(rig_wire) == 0);
}
