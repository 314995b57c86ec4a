#include "tcp/ledger.h"

#include <string.h>

#include "base/hash.h"
#include "tcp/segment.h"

/* Of addresses, ports and family; never 0. */
static uint32_t check_of(const struct tcp_ledger_line *line)
{
	uint64_t words[5], sum = 0x6c65646765720001ull;

	memcpy(words, line->local, sizeof(words));
	for (unsigned i = 0; i < 5; i++)
		sum = hash_mix(sum ^ words[i]);
	return (uint32_t)hash_mix(sum ^ line->ip6) | 1;
}
static_assert(offsetof(struct tcp_ledger_line, ip6) == 36 &&
		      offsetof(struct tcp_ledger_line, snd_una) == 40,
	      "tcp_ledger_line: the check covers the first five words");

void tcp_ledger_open(struct tcp *tcp, const struct tcp_conn *conn)
{
	struct tcp_ledger_line *line;

	if (tcp->ledger == NULL)
		return;
	line = &tcp->ledger[tcp_conn_index(tcp, conn)];
	memcpy(line->local, conn->key.local.w, sizeof(line->local));
	memcpy(line->remote, conn->key.remote.w, sizeof(line->remote));
	line->local_port = conn->key.local_port;
	line->remote_port = conn->key.remote_port;
	line->ip6 = conn->key.local.ip6;
	tcp_ledger_note(tcp, conn);
	/* Release: no line is valid before it is whole; who reads it does so after a crash. */
	__atomic_store_n(&line->check, check_of(line), __ATOMIC_RELEASE);
}

void tcp_ledger_close(struct tcp *tcp, const struct tcp_conn *conn)
{
	if (tcp->ledger != NULL)
		__atomic_store_n(&tcp->ledger[tcp_conn_index(tcp, conn)].check, 0,
				 __ATOMIC_RELEASE);
}

static bool line_holds(const struct tcp_ledger_line *line)
{
	return line->check != 0 && line->ip6 <= 1 && line->local_port != 0 &&
	       line->remote_port != 0 && line->check == check_of(line);
}

uint32_t tcp_ledger_read(const struct tcp_ledger_line lines[], uint32_t n,
			 struct tcp_ledger_line out[])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct tcp_ledger_line line = lines[i]; /* judged as it is kept */

		if (line_holds(&line))
			out[count++] = line;
	}
	return count;
}

static void say(struct tcp *tcp, const struct tcp_key *key, uint32_t seq, uint32_t ack,
		uint8_t flags)
{
	struct tcp_header header = {.key = key, .seq = seq, .ack = ack, .flags = flags};

	metric_add(tcp->metrics, METRIC_tcp_out_rsts, (flags & TCP_RST) != 0);
	tcp_reply(tcp, &header);
}

/*
 * The peer resets on the very number that it expects (RFC 5961, 3.2), which is snd_nxt where
 * nothing is on the way. Else it is one from snd_una to snd_nxt: one in its window makes it
 * challenge, and the number that its challenge tells resets it, as that of any unknown segment
 * does. Where its window is full none may be in it, so that it is asked as a keepalive asks.
 */
enum tcp_ledger_reset tcp_ledger_reset(struct tcp *tcp, struct now now,
				       const struct tcp_ledger_line *line)
{
	struct tcp_key  key = {.local_port = line->local_port, .remote_port = line->remote_port};
	struct net_path path;

	tcp_time_is(tcp, now);
	memcpy(key.local.w, line->local, sizeof(line->local));
	memcpy(key.remote.w, line->remote, sizeof(line->remote));
	key.local.ip6 = key.remote.ip6 = line->ip6 != 0;
	if (net_is_tentative(tcp->net, &key.local))
		return TCP_LEDGER_LATER;
	if (!net_is_local(tcp->net, &key.local) ||
	    !net_path_find(tcp->net, now, &key.remote, &path))
		return TCP_LEDGER_NO_ROUTE;
	if (!path.resolved)
		return TCP_LEDGER_LATER;
	say(tcp, &key, line->snd_nxt, line->rcv_nxt, TCP_RST | TCP_ACK);
	if (line->snd_una != line->snd_nxt) {
		say(tcp, &key, line->snd_una, line->rcv_nxt, TCP_RST | TCP_ACK);
		say(tcp, &key, line->snd_una - 1, line->rcv_nxt, TCP_ACK);
	}
	metric_inc(tcp->metrics, METRIC_tcp_peers_reset);
	return TCP_LEDGER_RESET;
}
