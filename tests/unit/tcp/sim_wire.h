/* The wire: delay, jitter, rate and queue, loss of four kinds, reordering, duplicates, damage; and
 * a bystander who sees windows go by. */
#pragma once

#include "sim.h"

static inline struct rte_tcp_hdr *wire_tcp(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod_offset(mbuf, struct rte_tcp_hdr *, rig_headers());
}

static inline uint32_t wire_payload(const struct rte_mbuf *mbuf)
{
	return mbuf->pkt_len - rig_headers() - (unsigned)(wire_tcp(mbuf)->data_off >> 4) * 4;
}

/* Pads the options of that kind away, as some middleboxes do. */
static void option_strip(struct rte_mbuf *mbuf, uint8_t kind)
{
	struct rte_tcp_hdr *tcp = wire_tcp(mbuf);
	uint8_t            *o = (uint8_t *)(tcp + 1);
	unsigned            size = (unsigned)(tcp->data_off >> 4) * 4 - 20;

	for (unsigned i = 0; i < size && o[i] != 0; i += o[i] == 1 ? 1 : o[i + 1]) {
		if (o[i] == kind) {
			memset(o + i, 1, o[i + 1]);
			tcp->cksum = 0;
			tcp->cksum = rig_checksum(mbuf);
			return;
		}
	}
}

static void edge_syn(struct edge *edge, const struct rte_tcp_hdr *tcp, unsigned from)
{
	const uint8_t *options = (const uint8_t *)(tcp + 1);
	unsigned       size = (unsigned)(tcp->data_off >> 4) * 4 - 20;

	for (unsigned i = 0; i < size && options[i] != 0;) {
		if (options[i] == 3) {
			edge->scale[from] = options[i + 2];
			edge->scaled[from] = true;
		}
		i += options[i] == 1 ? 1 : options[i + 1];
	}
}

/* No right edge moves left, as a bystander sees them leave. */
static void watch(const struct rte_mbuf *mbuf, unsigned from)
{
	const struct rte_tcp_hdr *tcp = wire_tcp(mbuf);
	uint16_t     port = rte_be_to_cpu_16(from == 0 ? tcp->src_port : tcp->dst_port);
	struct edge *edge = NULL;
	uint32_t     right;

	for (unsigned i = 0; i < CONNS * 2 && edge == NULL; i++) {
		if (!sim.edges[i].known || sim.edges[i].port == port)
			edge = &sim.edges[i];
	}
	if (getenv("RIG_TRACE") != NULL)
		printf("%9.3f %u %u %s%s%s%s seq %u ack %u win %u len %u\n",
		       (double)(rig_now.us - sim.start_us) / 1000, from, port,
		       tcp->tcp_flags & 2 ? "S" : "", tcp->tcp_flags & 1 ? "F" : "",
		       tcp->tcp_flags & 4 ? "R" : "", tcp->tcp_flags & 8 ? "P" : "",
		       rte_be_to_cpu_32(tcp->sent_seq), rte_be_to_cpu_32(tcp->recv_ack),
		       rte_be_to_cpu_16(tcp->rx_win), wire_payload(mbuf));
	CHECK(edge != NULL);
	edge->known = true;
	edge->port = port;
	if (tcp->tcp_flags & RTE_TCP_SYN_FLAG) {
		edge_syn(edge, tcp, from);
		return;
	}
	edge->ended[from] |= (tcp->tcp_flags & RTE_TCP_FIN_FLAG) != 0;
	/* After both ends a late cookie may open it anew, in vain. */
	if (tcp->tcp_flags & RTE_TCP_RST_FLAG || (edge->ended[0] && edge->ended[1]))
		edge->over = true;
	if (!(tcp->tcp_flags & RTE_TCP_ACK_FLAG) || edge->over || tcp->rx_win == 0)
		return;
	right = rte_be_to_cpu_32(tcp->recv_ack) +
		((uint32_t)rte_be_to_cpu_16(tcp->rx_win)
		 << (edge->scaled[0] && edge->scaled[1] ? edge->scale[from] : 0));
	CHECK(!edge->has_edge[from] || (int32_t)(right - edge->edge[from]) >= 0);
	edge->edge[from] = right;
	edge->has_edge[from] = true;
}

static bool frame_earlier(const struct frame *a, const struct frame *b)
{
	return a->due_us < b->due_us || (a->due_us == b->due_us && a->serial < b->serial);
}

static void frame_push(struct rte_mbuf *mbuf, uint64_t due_us, unsigned to)
{
	unsigned     at = sim.frame_count++;
	struct frame frame = {mbuf, due_us, sim.frame_serial++, to};

	CHECK(mbuf != NULL && sim.frame_count < FRAMES_MAX);
	for (; at > 0 && frame_earlier(&frame, &sim.frames[(at - 1) / 2]); at = (at - 1) / 2)
		sim.frames[at] = sim.frames[(at - 1) / 2];
	sim.frames[at] = frame;
}

static struct frame frame_pop(void)
{
	struct frame first = sim.frames[0], last = sim.frames[--sim.frame_count];
	unsigned     at = 0;

	for (;;) {
		unsigned child = 2 * at + 1;

		if (child + 1 < sim.frame_count &&
		    frame_earlier(&sim.frames[child + 1], &sim.frames[child]))
			child++;
		if (child >= sim.frame_count || !frame_earlier(&sim.frames[child], &last))
			break;
		sim.frames[at] = sim.frames[child];
		at = child;
	}
	sim.frames[at] = last;
	return first;
}

static uint64_t wire_next_us(void)
{
	return sim.frame_count > 0 ? sim.frames[0].due_us : UINT64_MAX;
}

/* One frame with data, or one number and its repetitions. */
static bool aimed_at(const struct rte_mbuf *mbuf, unsigned from)
{
	struct direction *d = &sim.direction[from];
	uint32_t          seq, len = rig_is_tcp(mbuf) ? wire_payload(mbuf) : 0;

	if (len == 0)
		return false;
	seq = rte_be_to_cpu_32(wire_tcp(mbuf)->sent_seq);
	d->frames++;
	if (d->frames == sim.once[from])
		return true;
	if (d->frames == sim.hunt[from]) {
		d->hunted = seq;
		d->hunting = true;
		d->hunts_left = 2 + random_below(&sim.wire, 3);
	}
	if (!d->hunting || d->hunted - seq >= len)
		return false;
	d->hunting = --d->hunts_left > 0;
	return true;
}

static bool lost(const struct rte_mbuf *mbuf, unsigned from)
{
	struct direction *d = &sim.direction[from];

	if (aimed_at(mbuf, from) || one_in_1000(&sim.wire, sim.loss))
		return true;
	if (d->bad && (rig_now.us >= d->bad_until_us || random_below(&sim.wire, 5) == 0))
		d->bad = false;
	else if (!d->bad && one_in_1000(&sim.wire, sim.burst)) {
		d->bad = true;
		d->bad_until_us = rig_now.us + US_PER_SECOND;
	}
	return d->bad && random_below(&sim.wire, 4) != 0;
}

/* A line of limited rate, with room for 64 KB before it. false: no room. */
static bool line_take(uint32_t size, unsigned from, uint64_t *due_us)
{
	struct direction *d = &sim.direction[from];

	*due_us = rig_now.us;
	if (sim.rate == 0)
		return true;
	if (d->free_us < rig_now.us)
		d->free_us = rig_now.us;
	if ((d->free_us - rig_now.us) * sim.rate / 1000 > 65536)
		return false;
	d->free_us += (uint64_t)size * 1000 / sim.rate + 1;
	*due_us = d->free_us;
	return true;
}

static void frame_damage(struct rte_mbuf *mbuf)
{
	if (random_below(&sim.wire, 2) == 0)
		rte_pktmbuf_mtod(mbuf, uint8_t *)[random_below(&sim.wire, mbuf->data_len)] ^=
			(uint8_t)(1u << random_below(&sim.wire, 8));
	else
		rte_pktmbuf_trim(mbuf, (uint16_t)random_below(&sim.wire,
							      rte_pktmbuf_lastseg(mbuf)->data_len));
}

/* As a port with small buffers would receive it: the rest of the payload in a second mbuf. */
static struct rte_mbuf *chained(struct rte_mbuf *frame)
{
	uint32_t         keep = 114 + random_below(&sim.wire, 600), size = frame->pkt_len;
	struct rte_mbuf *head, *rest;

	if (!sim.chains || size <= keep)
		return frame;
	head = rte_pktmbuf_copy(frame, rig_wire, 0, keep);
	rest = rte_pktmbuf_copy(frame, rig_wire, keep, size - keep);
	CHECK(head != NULL && rest != NULL && rte_pktmbuf_chain(head, rest) == 0);
	rte_pktmbuf_free(frame);
	return head;
}

static void frame_send(const struct rte_mbuf *sent, unsigned from)
{
	struct rte_mbuf *mbuf;
	uint64_t         due_us;

	if (lost(sent, from) || !line_take(sent->pkt_len, from, &due_us))
		return;
	mbuf = rig_frame_copy(sent);
	CHECK(mbuf != NULL);
	if (rig_is_tcp(mbuf) && wire_tcp(mbuf)->tcp_flags & RTE_TCP_SYN_FLAG && sim.no_sack)
		option_strip(mbuf, 4);
	if (rig_is_tcp(mbuf) && wire_tcp(mbuf)->tcp_flags & RTE_TCP_SYN_FLAG && sim.no_timestamps)
		option_strip(mbuf, 8);
	mbuf = chained(mbuf);
	due_us += sim.delay_us + random_below(&sim.wire, sim.jitter_us + 1);
	if (one_in_1000(&sim.wire, sim.reorder))
		due_us += random_below(&sim.wire, 3 * sim.delay_us + 2000);
	if (one_in_1000(&sim.wire, sim.damage))
		frame_damage(mbuf);
	frame_push(mbuf, due_us, !from);
}

static void wire_out(unsigned from)
{
	unsigned          n;
	struct rte_mbuf **out = net_tx_peek(sim.end[from].net, 0, &n);

	for (unsigned i = 0; i < n; i++) {
		if (rig_is_tcp(out[i]))
			watch(out[i], from);
		frame_send(out[i], from);
		if (one_in_1000(&sim.wire, sim.duplicate))
			frame_send(out[i], from);
		if (sim.late_free && random_below(&sim.wire, 4) == 0)
			frame_push(out[i], rig_now.us + random_below(&sim.wire, 400000), 2);
		else
			rte_pktmbuf_free(out[i]);
	}
	net_tx_sent(sim.end[from].net, 0, n);
}

/* All that is due, to both ends. */
static void wire_in(void)
{
	while (wire_next_us() <= rig_now.us) {
		struct frame frame = frame_pop();

		if (frame.to == 2)
			rte_pktmbuf_free(frame.mbuf);
		else
			rig_frame_in(&sim.end[frame.to], frame.mbuf);
	}
}
