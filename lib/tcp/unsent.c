/* Segments that never left, because too many waited for the same neighbour: again, now that he is
 * found. Nothing was lost on the way, so congestion control and the timers' backoff stay as they
 * are. */
#include "tcp/segment.h"

#define SEGMENTS_AT_ONCE 64u

static void conn_again(struct tcp *tcp, struct tcp_conn *conn, uint32_t sequence)
{
	uint32_t at = conn->chunk_head;

	while (at != conn->chunk_next && tcp_chunk_at(tcp, at)->seq != sequence)
		at = tcp_chunk_at(tcp, at)->next;
	if (at == conn->chunk_next) { /* it carried no data */
		if (tcp_state_synchronized((enum tcp_state)conn->state))
			conn->flags |= TCP_FLAG_ACK_NOW;
	} else if (!(tcp_chunk_at(tcp, at)->flags & TCP_CHUNK_SACKED)) {
		tcp_sack_lose(tcp, conn, at, TCP_NONE);
		conn->flags |= TCP_FLAG_RESCUE;
	}
	tcp_conn_touch(tcp, conn);
}

static void segment_again(struct tcp *tcp, const struct net_unsent *segment)
{
	struct tcp_key key = {.local = segment->local,
			      .remote = segment->remote,
			      .local_port = segment->local_port,
			      .remote_port = segment->remote_port};
	uint32_t       what = tcp_table_find(tcp, &key, tcp_table_hash(&tcp->table, &key));
	uint32_t       index = what & TCP_KIND_INDEX;

	if (what == TCP_NONE)
		return;
	switch ((enum tcp_kind)(what >> TCP_KIND_SHIFT)) {
	case TCP_KIND_CONN:
		conn_again(tcp, tcp_conn_at(tcp, index), segment->sequence);
		break;
	case TCP_KIND_HALF:
		tcp_syn_again(tcp, &tcp->halves[index]);
		break;
	case TCP_KIND_TIME_WAIT:
		break;
	}
}

/* As many as the network layer remembers, which is limited. */
void tcp_unsent_run(struct tcp *tcp)
{
	struct net_unsent segments[SEGMENTS_AT_ONCE];
	unsigned          n;

	while ((n = net_unsent_take(tcp->net, segments, SEGMENTS_AT_ONCE)) > 0) {
		metric_add(tcp->metrics, METRIC_tcp_unsent_again, n);
		for (unsigned i = 0; i < n; i++)
			segment_again(tcp, &segments[i]);
	}
}
