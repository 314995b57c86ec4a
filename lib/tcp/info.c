/* A look at connections from outside: for operators, never on a segment's path. */
#include "tcp/segment.h"
#include "tcp/trace.h"

#define LOOKED_AT_MAX 4096u /* control blocks in one call of tcp_list() */

const char *tcp_state_name(unsigned state)
{
	static const char *const names[TCP_STATE_COUNT] = {
		[TCP_CLOSED] = "closed",
		[TCP_SYN_SENT] = "syn-sent",
		[TCP_SYN_RECEIVED] = "syn-received",
		[TCP_ESTABLISHED] = "established",
		[TCP_FIN_WAIT_1] = "fin-wait-1",
		[TCP_FIN_WAIT_2] = "fin-wait-2",
		[TCP_CLOSE_WAIT] = "close-wait",
		[TCP_CLOSING] = "closing",
		[TCP_LAST_ACK] = "last-ack",
	};

	return state < TCP_STATE_COUNT ? names[state] : "?";
}

const char *tcp_timer_name(unsigned timer)
{
	static const char *const names[TCP_TIMER_COUNT] = {
		[TCP_TIMER_RETRANSMIT] = "retransmit",
		[TCP_TIMER_PERSIST] = "persist",
		[TCP_TIMER_DELAYED_ACK] = "delayed ack",
		[TCP_TIMER_KEEPALIVE] = "keepalive",
		[TCP_TIMER_GIVE_UP] = "give up",
		[TCP_TIMER_STARVED] = "starved",
		[TCP_TIMER_PROBE] = "probe",
		[TCP_TIMER_REORDER] = "reorder",
	};

	return timer < TCP_TIMER_COUNT ? names[timer] : "?";
}

void tcp_info_fill(const struct tcp *tcp, const struct tcp_conn *conn, struct tcp_info *info)
{
	*info = (struct tcp_info){
		.local = conn->key.local,
		.remote = conn->key.remote,
		.local_port = conn->key.local_port,
		.remote_port = conn->key.remote_port,
		.user = conn->user,
		.state = tcp_state_name(conn->state),
		.why = (enum reason)conn->why,
		.accepted = (conn->flags & TCP_FLAG_ACCEPTED) != 0,
		.sack = (conn->flags & TCP_FLAG_SACK) != 0,
		.timestamps = (conn->flags & TCP_FLAG_TIMESTAMPS) != 0,
		.scaled = (conn->flags & TCP_FLAG_SCALE) != 0,
		.congestion_control = tcp_cc[conn->cc]->name,
		.srtt_us = conn->srtt_us,
		.rttvar_us = conn->rttvar_us,
		.rto_us = tcp_ack_rto_ms(conn) * (uint32_t)US_PER_MS,
		.cwnd = conn->cwnd,
		.ssthresh = conn->ssthresh,
		.peer_window = conn->snd_wnd,
		.our_window = seq_after(conn->rcv_edge, conn->rcv_nxt)
				      ? conn->rcv_edge - conn->rcv_nxt
				      : 0,
		.in_flight = conn->snd_nxt - conn->snd_una,
		.send_queued = conn->snd_end - conn->snd_una,
		.receive_queued = conn->rx_bytes,
		.out_of_order = conn->ooo_mbufs,
		.mss = conn->mss,
		.silent_ms = tcp->now_ms - conn->heard_ms,
		.bytes_in = conn->bytes_in,
		.bytes_out = conn->bytes_out,
		.retransmits = conn->retransmits,
	};
}

bool tcp_info(const struct tcp *tcp, uint32_t handle, struct tcp_info *info)
{
	const struct tcp_conn *conn = tcp_conn_get(tcp, handle);

	if (conn != NULL)
		tcp_info_fill(tcp, conn, info);
	return conn != NULL;
}

unsigned tcp_list(const struct tcp *tcp, uint32_t *from, uint32_t handles[], unsigned max)
{
	uint32_t i = *from, end = tcp->conns_fresh;
	unsigned n = 0;

	if (end - i > LOOKED_AT_MAX && i < end)
		end = i + LOOKED_AT_MAX;
	for (; i < end && n < max; i++) {
		const struct tcp_conn *conn = tcp_conn_at(tcp, i);

		if (conn->state != TCP_CLOSED)
			handles[n++] = tcp_conn_handle(tcp, conn);
	}
	*from = i < tcp->conns_fresh ? i : UINT32_MAX;
	return n;
}

static void key_fill(const struct tcp_key *key, const char *state, struct tcp_info *info)
{
	*info = (struct tcp_info){.local = key->local,
				  .remote = key->remote,
				  .local_port = key->local_port,
				  .remote_port = key->remote_port,
				  .state = state};
}

static bool half_fill(const struct tcp_half *half, struct tcp_info *info)
{
	key_fill(&half->key, "syn-received", info);
	info->accepted = true;
	info->sack = half->sack;
	info->timestamps = half->timestamps;
	info->scaled = half->scaled;
	info->mss = half->mss;
	return half->used;
}

static bool time_wait_fill(const struct tcp_time_wait *wait, struct tcp_info *info)
{
	key_fill(&wait->key, "time-wait", info);
	info->timestamps = wait->timestamps;
	return wait->used;
}

unsigned tcp_list_others(const struct tcp *tcp, uint32_t *from, struct tcp_info infos[],
			 unsigned max)
{
	uint32_t i = *from, all = tcp->half_max + tcp->time_wait_max, end = all;
	unsigned n = 0;

	if (i < end && end - i > LOOKED_AT_MAX)
		end = i + LOOKED_AT_MAX;
	for (; i < end && n < max; i++) {
		if (i < tcp->half_max)
			n += half_fill(&tcp->halves[i], &infos[n]);
		else
			n += time_wait_fill(&tcp->time_waits[i - tcp->half_max], &infos[n]);
	}
	*from = i < all ? i : UINT32_MAX;
	return n;
}

size_t tcp_memory(const struct tcp *tcp)
{
	return sizeof(*tcp) + tcp->conns_max * sizeof(*tcp->conns) +
	       (tcp->conns_max / 64 + 1) * sizeof(*tcp->received) +
	       tcp->half_max * sizeof(*tcp->halves) +
	       tcp->time_wait_max * sizeof(*tcp->time_waits) +
	       (tcp->pool->size + (size_t)tcp->conns_max) * sizeof(*tcp->chunks) +
	       tcp_table_memory(&tcp->table) + tcp_trace_memory(tcp) + TCP_SCRATCH_SIZE;
}
