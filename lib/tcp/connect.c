#include "tcp/segment.h"

#define PORT_FIRST 16384u
#define PORT_COUNT (65536u - PORT_FIRST)
#define PORTS_TRIED 8192u /* of which one in `workers` is ours */

/* RFC 6056, 3.3.1: a random start, then the first that is free and whose answers come back to this
 * worker. */
static bool choose_port(struct tcp *tcp, struct tcp_key *key)
{
	uint32_t at = random_below(&tcp->random, PORT_COUNT);

	for (unsigned i = 0; i < PORTS_TRIED; i++) {
		key->local_port = (uint16_t)(PORT_FIRST + (at + i) % PORT_COUNT);
		if (net_owner(tcp->net, &key->local, key->local_port, &key->remote,
			      key->remote_port) == net_worker(tcp->net) &&
		    tcp_listener_find(tcp, &key->local, key->local_port) == NULL &&
		    tcp_table_find(tcp, key, tcp_table_hash(&tcp->table, key)) == TCP_NONE)
			return true;
	}
	metric_inc(tcp->metrics, METRIC_tcp_no_port);
	return false;
}

uint32_t tcp_connect(struct tcp *tcp, struct now now, const struct net_addr *remote, uint16_t port,
		     const struct tcp_options *options, uint64_t user)
{
	struct tcp_options wanted = *options;
	struct tcp_key     key = {.remote = *remote, .remote_port = port};
	struct net_path    path;
	struct tcp_conn   *conn;

	tcp_time_is(tcp, now);
	tcp_options_complete(&wanted);
	if (tcp->pressure == TCP_PRESSURE_FULL) {
		metric_inc(tcp->metrics, METRIC_tcp_no_memory);
		return TCP_CONN_NONE;
	}
	if (!net_path_find(tcp->net, now, remote, &path))
		return TCP_CONN_NONE;
	key.local = *net_path_source(tcp->net, &path);
	if (!choose_port(tcp, &key))
		return TCP_CONN_NONE;
	conn = tcp_conn_new(tcp, &key, &wanted);
	if (conn == NULL)
		return TCP_CONN_NONE;
	metric_inc(tcp->metrics, METRIC_tcp_active_opens);
	conn->path = path;
	conn->user = user;
	tcp_state_set(tcp, conn, TCP_SYN_SENT);
	conn->rcv_scale = tcp_conn_scale(conn->receive_max);
	tcp_conn_isn(tcp, &key, &conn->iss, &conn->ts_offset);
	conn->snd_una = conn->snd_nxt = conn->snd_end = conn->iss;
	if (tcp_queue_control(tcp, conn, TCP_CHUNK_SYN) == NULL)
		ASSERT(false); /* a descriptor is kept for each connection */
	tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, wanted.connect_timeout_s * 1000u);
	tcp_conn_touch(tcp, conn);
	return tcp_conn_handle(tcp, conn);
}
