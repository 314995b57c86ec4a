/*
 * The ledger: a line for each open connection, in memory that outlives the process (the caller maps
 * a file), so that a successor can reset the peers of one that was killed, at once and with a
 * number that they accept. The worker writes its lines with plain stores, in tcp_flush(), before
 * the port sends what they tell of: so what a line says was sent is at least what was.
 *
 * A successor reads lines that it cannot trust: the file may be damaged, or another's. A line
 * is believed when its check holds, which covers addresses and ports; wrong numbers in it make
 * a reset that the peer ignores.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "tcp/tcp.h"

struct tcp_ledger_line {
	uint32_t local[4], remote[4]; /* network order; IPv4 in the first word */
	uint16_t local_port, remote_port;
	uint32_t ip6;
	uint32_t snd_una, snd_nxt, rcv_nxt;
	uint32_t check; /* of all but the numbers; 0: free. Written last, cleared first */
	uint32_t spare[2];
};
static_assert(sizeof(struct tcp_ledger_line) == 64, "tcp_ledger_line: one cache line");

/* Lines that hold, from n of a predecessor, to out[n]. Returns how many. */
uint32_t tcp_ledger_read(const struct tcp_ledger_line lines[], uint32_t n,
			 struct tcp_ledger_line out[]);

enum tcp_ledger_reset {
	TCP_LEDGER_RESET,    /* the peer was told */
	TCP_LEDGER_LATER,    /* the next hop is asked for, or whether the address is ours: try
				again */
	TCP_LEDGER_NO_ROUTE, /* the address is not ours any more, or there is no way there */
};

/* Worker: reset the peer of a predecessor's connection. */
enum tcp_ledger_reset tcp_ledger_reset(struct tcp *tcp, struct now now,
				       const struct tcp_ledger_line *line);
