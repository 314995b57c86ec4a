/*
 * ICMP errors about our segments. They are easily forged: one counts only when it quotes a number
 * in flight (RFC 5927, 4.1), and ends only a connection that is still being opened (RFC 5461, 4);
 * elsewhere retransmission finds out.
 */
#include "tcp/segment.h"

#define ERRORS_PER_TURN 16u

enum { ICMP_UNREACHABLE = 3, ICMP_PROTOCOL = 2, ICMP_PORT = 3 };

static void error_take(struct tcp *tcp, const struct net_icmp_error *error)
{
	struct tcp_key   key = {.local = error->local,
				.remote = error->remote,
				.local_port = error->local_port,
				.remote_port = error->remote_port};
	uint32_t         what = tcp_table_find(tcp, &key, tcp_table_hash(&tcp->table, &key));
	struct tcp_conn *conn;

	if (what == TCP_NONE || what >> TCP_KIND_SHIFT != TCP_KIND_CONN)
		return;
	conn = tcp_conn_at(tcp, what & TCP_KIND_INDEX);
	if (seq_before(error->sequence, conn->snd_una) ||
	    !seq_before(error->sequence, conn->snd_nxt)) {
		metric_inc(tcp->metrics, METRIC_tcp_forged_icmp);
		return;
	}
	metric_inc(tcp->metrics, METRIC_tcp_icmp_errors);
	if (conn->state == TCP_SYN_SENT && error->type == ICMP_UNREACHABLE &&
	    (error->code == ICMP_PROTOCOL || error->code == ICMP_PORT))
		tcp_conn_die(tcp, conn, REASON_CONNECTION_REFUSED);
}

void tcp_icmp_run(struct tcp *tcp)
{
	struct net_icmp_error errors[ERRORS_PER_TURN];
	unsigned              n = net_icmp_errors_take(tcp->net, errors, ERRORS_PER_TURN);

	for (unsigned i = 0; i < n; i++)
		error_take(tcp, &errors[i]);
}
