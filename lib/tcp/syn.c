/*
 * Handshakes that peers begin: a small entry each until the last acknowledgement, and when there
 * are too many, none (cookie.c). Entries wait in a list for each number of repetitions, so each
 * list is in the order of its deadlines.
 */
#include <string.h>

#include "tcp/segment.h"

#define STEP_MS(level) (1000u << (level))

void tcp_syn_init(struct tcp *tcp)
{
	tcp->half_free = TCP_NONE;
	for (uint32_t i = tcp->half_max; i-- > 0;) {
		tcp->halves[i].next = tcp->half_free;
		tcp->half_free = i;
	}
	for (unsigned level = 0; level < TCP_HALF_LEVELS; level++)
		tcp->half_head[level] = tcp->half_tail[level] = TCP_NONE;
}

static void list_add(struct tcp *tcp, uint32_t index, uint8_t level)
{
	struct tcp_half *half = &tcp->halves[index];

	half->retries = level;
	half->due_ms = tcp->now_ms + STEP_MS(level);
	half->next = TCP_NONE;
	half->prev = tcp->half_tail[level];
	if (half->prev != TCP_NONE)
		tcp->halves[half->prev].next = index;
	else
		tcp->half_head[level] = index;
	tcp->half_tail[level] = index;
}

static void list_cut(struct tcp *tcp, uint32_t index)
{
	struct tcp_half *half = &tcp->halves[index];

	if (half->prev != TCP_NONE)
		tcp->halves[half->prev].next = half->next;
	else
		tcp->half_head[half->retries] = half->next;
	if (half->next != TCP_NONE)
		tcp->halves[half->next].prev = half->prev;
	else
		tcp->half_tail[half->retries] = half->prev;
}

static void half_free(struct tcp *tcp, struct tcp_half *half)
{
	uint32_t index = (uint32_t)(half - tcp->halves);

	tcp_table_remove(tcp, &half->key, TCP_KIND_HALF, index);
	list_cut(tcp, index);
	half->used = false;
	half->next = tcp->half_free;
	tcp->half_free = index;
	tcp->half_count--;
	metric_sub(tcp->metrics, METRIC_tcp_half_open, 1);
}

static void half_fail(struct tcp *tcp, struct tcp_half *half)
{
	metric_inc(tcp->metrics, METRIC_tcp_attempt_fails);
	half_free(tcp, half);
}

void tcp_syn_answer(struct tcp *tcp, const struct tcp_key *key,
		    const struct tcp_handshake *handshake, uint32_t ts_value,
		    const struct tcp_listener *listener)
{
	struct tcp_header header = {.key = key,
				    .seq = handshake->iss,
				    .ack = handshake->irs + 1,
				    .again = handshake->retries > 0,
				    .flags = TCP_SYN | TCP_ACK};
	uint32_t          receive_max = listener->options.receive_max;
	struct net_path   path;

	if (!net_path_find(tcp->net, tcp->now, &key->remote, &path))
		return;
	header.window = receive_max < UINT16_MAX ? (uint16_t)receive_max : UINT16_MAX;
	tcp_option_mss(&header, tcp_conn_mss_offer(&path, key->local.ip6));
	if (handshake->sack)
		tcp_option_sack_permitted(&header);
	if (handshake->timestamps)
		tcp_option_timestamp(&header, ts_value, handshake->ts_recent);
	if (handshake->scaled)
		tcp_option_scale(&header, tcp_conn_scale(receive_max));
	tcp_reply(tcp, &header);
}

static struct tcp_handshake handshake_of(const struct tcp_half *half)
{
	return (struct tcp_handshake){.iss = half->iss,
				      .irs = half->irs,
				      .ts_recent = half->ts_recent,
				      .mss = half->mss,
				      .scale = half->scale,
				      .retries = half->retries,
				      .timestamps = half->timestamps,
				      .sack = half->sack,
				      .scaled = half->scaled};
}

static void half_answer(struct tcp *tcp, const struct tcp_half *half,
			const struct tcp_listener *listener)
{
	struct tcp_handshake handshake = handshake_of(half);
	uint32_t             iss, ts_offset;

	tcp_conn_isn(tcp, &half->key, &iss, &ts_offset);
	tcp_syn_answer(tcp, &half->key, &handshake, tcp->now_ms + ts_offset, listener);
}

static void cookie_answer(struct tcp *tcp, const struct tcp_segment *segment,
			  const struct tcp_listener *listener)
{
	struct tcp_handshake handshake = {.irs = segment->seq,
					  .ts_recent = segment->ts_value,
					  .timestamps = segment->has_timestamp};
	uint32_t             ts_value;

	handshake.iss = tcp_cookie_make(tcp, segment, &ts_value);
	/* Without a timestamp there is nowhere to keep them. */
	handshake.sack = segment->has_timestamp && segment->sack_permitted;
	handshake.scaled = segment->has_timestamp && segment->has_scale;
	metric_inc(tcp->metrics, METRIC_tcp_cookies_sent);
	tcp_syn_answer(tcp, &segment->key, &handshake, ts_value, listener);
}

/* A SYN to a listener. iss_min: not 0 when the numbers of an earlier connection must be passed. */
void tcp_syn_begin(struct tcp *tcp, const struct tcp_segment *segment,
		   const struct tcp_listener *listener, uint32_t iss_min)
{
	uint32_t         index = tcp->half_free, ts_offset;
	struct tcp_half *half;

	metric_inc(tcp->metrics, METRIC_tcp_syns_in);
	metric_add(tcp->metrics, METRIC_tcp_small_mss,
		   segment->mss != 0 && segment->mss < TCP_MSS_MIN);
	if (tcp->cookies_always || index == TCP_NONE || tcp->pressure >= TCP_PRESSURE_HIGH) {
		cookie_answer(tcp, segment, listener);
		return;
	}
	half = &tcp->halves[index];
	tcp->half_free = half->next;
	*half = (struct tcp_half){.key = segment->key,
				  .irs = segment->seq,
				  .ts_recent = segment->ts_value,
				  .mss = segment->mss != 0 ? segment->mss : TCP_MSS_MIN,
				  .scale = segment->scale,
				  .used = true,
				  .timestamps = segment->has_timestamp,
				  .sack = segment->sack_permitted,
				  .scaled = segment->has_scale};
	tcp_conn_isn(tcp, &half->key, &half->iss, &ts_offset);
	if (iss_min != 0 && seq_before(half->iss, iss_min))
		half->iss = iss_min;
	list_add(tcp, index, 0);
	tcp_table_add(tcp, &half->key, TCP_KIND_HALF, index);
	tcp->half_count++;
	metric_inc(tcp->metrics, METRIC_tcp_passive_opens);
	metric_inc(tcp->metrics, METRIC_tcp_half_open);
	half->answered_us = (uint32_t)tcp->now.us | 1;
	half_answer(tcp, half, listener);
}

static void accepted_fill(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *segment,
			  const struct tcp_handshake *handshake)
{
	uint32_t window = conn->receive_max < UINT16_MAX ? conn->receive_max : UINT16_MAX, iss;

	conn->flags |= TCP_FLAG_ACCEPTED | (handshake->timestamps ? TCP_FLAG_TIMESTAMPS : 0) |
		       (handshake->sack ? TCP_FLAG_SACK : 0) |
		       (handshake->scaled ? TCP_FLAG_SCALE : 0);
	conn->backoff = handshake->retries;
	conn->iss = handshake->iss;
	conn->irs = handshake->irs;
	conn->snd_una = conn->snd_nxt = conn->snd_end = handshake->iss + 1;
	conn->rcv_nxt = conn->rcv_acked = handshake->irs + 1;
	conn->rcv_edge = conn->rcv_nxt + window;
	conn->snd_wl1 = segment->seq;
	conn->snd_wl2 = segment->ack;
	conn->ts_recent = handshake->ts_recent;
	conn->ts_recent_ms = tcp->now_ms;
	if (handshake->scaled) {
		conn->snd_scale = handshake->scale;
		conn->rcv_scale = tcp_conn_scale(conn->receive_max);
	}
	conn->snd_wnd = conn->snd_wnd_max = (uint32_t)segment->window << conn->snd_scale;
	tcp_conn_isn(tcp, &conn->key, &iss, &conn->ts_offset);
	tcp_conn_set_mss(conn, handshake->mss);
	if (handshake->rtt_us > 0) {
		tcp_rack_min_rtt(tcp, conn, handshake->rtt_us);
		tcp_ack_measure(tcp, conn, handshake->rtt_us, false);
	}
}

bool tcp_syn_accept(struct tcp *tcp, struct tcp_segment *segment,
		    const struct tcp_listener *listener, const struct tcp_handshake *handshake)
{
	struct net_path  path;
	struct tcp_conn *conn;

	if (!net_path_find(tcp->net, tcp->now, &segment->key.remote, &path))
		return false;
	conn = tcp_conn_new(tcp, &segment->key, &listener->options);
	if (conn == NULL)
		return false;
	conn->path = path;
	conn->user = listener->user;
	accepted_fill(tcp, conn, segment, handshake);
	tcp_state_established(tcp, conn);
	tcp_input_conn(tcp, conn, segment);
	return true;
}

static void half_ack(struct tcp *tcp, struct tcp_half *half, struct tcp_segment *segment,
		     const struct tcp_listener *listener)
{
	struct tcp_handshake handshake = handshake_of(half);

	if (segment->ack != half->iss + 1) {
		tcp_reply_reset(tcp, segment);
		return;
	}
	if (segment->seq - (half->irs + 1) > UINT16_MAX ||
	    (half->timestamps && segment->has_timestamp &&
	     seq_before(segment->ts_value, half->ts_recent))) {
		metric_inc(tcp->metrics, METRIC_tcp_outside_window);
		return;
	}
	if (tcp->conns_used == tcp->conns_max || tcp->pressure == TCP_PRESSURE_FULL) {
		metric_inc(tcp->metrics, METRIC_tcp_connections_full);
		return; /* the entry stays: the peer will say it again */
	}
	if (half->answered_us != 0) /* Karn: it went once, so this is the answer to it */
		handshake.rtt_us = ((uint32_t)tcp->now.us | 1) - half->answered_us;
	half_free(tcp, half);
	if (!tcp_syn_accept(tcp, segment, listener, &handshake))
		metric_inc(tcp->metrics, METRIC_tcp_attempt_fails);
}

void tcp_syn_input(struct tcp *tcp, struct tcp_half *half, struct tcp_segment *segment)
{
	const struct tcp_listener *listener =
		tcp_listener_find(tcp, &half->key.local, half->key.local_port);

	if (listener == NULL) {
		half_fail(tcp, half);
		tcp_reply_reset(tcp, segment);
	} else if (segment->flags & TCP_RST) {
		if (segment->seq == half->irs + 1) {
			metric_inc(tcp->metrics, METRIC_tcp_resets_in);
			half_fail(tcp, half);
		}
	} else if (segment->flags & TCP_SYN) {
		/* Again, or another: the answer to the first serves both, as one who lost its state
		 * resets on it (RFC 5961, 4.2). */
		half->answered_us = 0;
		half_answer(tcp, half, listener);
	} else if (segment->flags & TCP_ACK) {
		half_ack(tcp, half, segment, listener);
	}
}

/* Who got our answer says that nobody there wants it. */
void tcp_syn_refused(struct tcp *tcp, struct tcp_half *half, uint32_t sequence)
{
	if (sequence != half->iss)
		return;
	metric_inc(tcp->metrics, METRIC_tcp_icmp_errors);
	half_fail(tcp, half);
}

void tcp_syn_again(struct tcp *tcp, const struct tcp_half *half)
{
	const struct tcp_listener *listener =
		tcp_listener_find(tcp, &half->key.local, half->key.local_port);

	if (listener != NULL)
		half_answer(tcp, half, listener);
}

/* What is due is sent again, or given up; budget entries at most. */
void tcp_syn_run(struct tcp *tcp, unsigned budget)
{
	for (uint8_t level = 0; level < TCP_HALF_LEVELS; level++) {
		while (tcp->half_head[level] != TCP_NONE && budget > 0) {
			uint32_t                   index = tcp->half_head[level];
			struct tcp_half           *half = &tcp->halves[index];
			const struct tcp_listener *listener;

			if (seq_after(half->due_ms, tcp->now_ms))
				break;
			budget--;
			listener = tcp_listener_find(tcp, &half->key.local, half->key.local_port);
			if (level == TCP_HALF_LEVELS - 1 || listener == NULL) {
				metric_inc(tcp->metrics, METRIC_tcp_half_open_expired);
				half_fail(tcp, half);
				continue;
			}
			list_cut(tcp, index);
			list_add(tcp, index, (uint8_t)(level + 1));
			half->answered_us = 0;
			half_answer(tcp, half, listener);
		}
	}
}

uint32_t tcp_syn_next_ms(const struct tcp *tcp, bool *any)
{
	uint32_t next = 0;

	*any = false;
	for (unsigned level = 0; level < TCP_HALF_LEVELS; level++) {
		uint32_t due;

		if (tcp->half_head[level] == TCP_NONE)
			continue;
		due = tcp->halves[tcp->half_head[level]].due_ms;
		next = *any ? seq_min(next, due) : due;
		*any = true;
	}
	return next;
}
