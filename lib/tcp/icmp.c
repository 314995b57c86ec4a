/*
 * ICMP errors about our segments. They are easily forged: one counts only when it quotes a number
 * in flight (RFC 5927, 4.1). Those of RFC 1122, 4.2.3.9 that are called hard end only a handshake,
 * and soft ones that only at the second try (RFC 5461, 4.2); an open connection goes on, because
 * retransmission finds out, and the error is the reason given if that fails.
 */
#include "tcp/segment.h"

#define ERRORS_PER_TURN 16u

/* ICMPv6 comes in the same terms. */
enum { ICMP_UNREACHABLE = 3, ICMP_PROTOCOL = 2, ICMP_PORT = 3, ICMP_TOO_BIG = 4 };

static bool is_hard(const struct net_icmp_error *error)
{
	return error->type == ICMP_UNREACHABLE &&
	       (error->code == ICMP_PROTOCOL || error->code == ICMP_PORT);
}

static bool is_too_big(const struct net_icmp_error *error)
{
	return error->type == ICMP_UNREACHABLE && error->code == ICMP_TOO_BIG;
}

static bool in_flight(const struct tcp_conn *conn, uint32_t sequence)
{
	return !seq_before(sequence, conn->snd_una) && seq_before(sequence, conn->snd_nxt);
}

static void conn_error(struct tcp *tcp, struct tcp_conn *conn, const struct net_icmp_error *error)
{
	bool again;

	if (!in_flight(conn, error->sequence)) {
		metric_inc(tcp->metrics, METRIC_tcp_forged_icmp);
		return;
	}
	metric_inc(tcp->metrics, METRIC_tcp_icmp_errors);
	if (is_too_big(error)) {
		tcp_pmtu_reported(tcp, conn, error);
		return;
	}
	again = (conn->flags & TCP_FLAG_UNREACHABLE) != 0 &&
		tcp_chunk_at(tcp, conn->chunk_head)->sent > 1;
	conn->flags |= TCP_FLAG_UNREACHABLE;
	if (tcp_state_synchronized((enum tcp_state)conn->state))
		return;
	if (is_hard(error))
		tcp_conn_die(tcp, conn, REASON_CONNECTION_REFUSED);
	else if (again)
		tcp_conn_die(tcp, conn, REASON_CONNECTION_UNREACHABLE);
}

static void error_take(struct tcp *tcp, const struct net_icmp_error *error)
{
	struct tcp_key key = {.local = error->local,
			      .remote = error->remote,
			      .local_port = error->local_port,
			      .remote_port = error->remote_port};
	uint32_t       what = tcp_table_find(tcp, &key, tcp_table_hash(&tcp->table, &key));
	uint32_t       index = what & TCP_KIND_INDEX;

	if (what == TCP_NONE)
		return;
	switch ((enum tcp_kind)(what >> TCP_KIND_SHIFT)) {
	case TCP_KIND_CONN:
		conn_error(tcp, tcp_conn_at(tcp, index), error);
		break;
	case TCP_KIND_HALF:
		if (is_hard(error))
			tcp_syn_refused(tcp, &tcp->halves[index], error->sequence);
		break;
	case TCP_KIND_TIME_WAIT:
		break;
	}
}

void tcp_icmp_run(struct tcp *tcp)
{
	struct net_icmp_error errors[ERRORS_PER_TURN];
	unsigned              n = net_icmp_errors_take(tcp->net, errors, ERRORS_PER_TURN);

	for (unsigned i = 0; i < n; i++)
		error_take(tcp, &errors[i]);
}
