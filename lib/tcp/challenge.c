/*
 * Acknowledgements that are sent because of a segment that may be forged (RFC 5961), and how many
 * of them. A connection has its own limit. All connections of one host have another, so that a
 * worker cannot be made to send without end; a limit common to all hosts would tell one of them
 * about the connections of others (CVE-2016-5696). Hosts share places of a small table by a hash
 * whose key lasts a second, so nobody can arrange to share a place with his victim and use it.
 */
#include <string.h>

#include "tcp/segment.h"

#define CONNECTION_PER_S 5u
#define HOST_PER_S 1000u /* many connections of one host may have good reasons at once */

bool tcp_challenge_may(struct tcp *tcp, const struct net_addr *host)
{
	struct tcp_challenges *all = &tcp->challenges;
	uint64_t               place;

	if (tcp->now_ms - all->since_ms >= 1000) {
		all->since_ms = tcp->now_ms;
		all->key = random_next(&tcp->random);
		memset(all->sent, 0, sizeof(all->sent));
	}
	/* An IPv6 host has as many addresses as it likes, of one /64. */
	place = hash_mix(hash_mix((uint64_t)host->w[0] << 32 | host->w[1]) ^ all->key);
	place %= TCP_CHALLENGE_PLACES;
	if (all->sent[place] >= HOST_PER_S) {
		metric_inc(tcp->metrics, METRIC_tcp_challenge_acks_limited);
		return false;
	}
	all->sent[place]++;
	return true;
}

static bool conn_may(struct tcp *tcp, struct tcp_conn *conn)
{
	if ((uint16_t)(tcp->now_ms / 1000) != conn->challenge_s) {
		conn->challenge_s = (uint16_t)(tcp->now_ms / 1000);
		conn->challenges = 0;
	}
	if (conn->challenges < CONNECTION_PER_S)
		return true;
	metric_inc(tcp->metrics, METRIC_tcp_challenge_acks_limited);
	return false;
}

void tcp_output_challenge(struct tcp *tcp, struct tcp_conn *conn)
{
	if (!conn_may(tcp, conn) || !tcp_challenge_may(tcp, &conn->key.remote))
		return;
	conn->challenges++;
	metric_inc(tcp->metrics, METRIC_tcp_challenge_acks);
	tcp_output_ack(tcp, conn, conn->snd_nxt);
}

/* A host may have very many idle connections, and asks in each of them. */
void tcp_output_probe_answer(struct tcp *tcp, struct tcp_conn *conn)
{
	if (!conn_may(tcp, conn))
		return;
	conn->challenges++;
	tcp_output_ack(tcp, conn, conn->snd_nxt);
}
