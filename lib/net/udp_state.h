/* What udp.c and udp_output.c share. Not for other modules. */
#pragma once

#include "net/udp.h"

#include "net/state.h"

#define UDP_BINDINGS_MAX 64u
#define UDP_WAITING_MAX 512u
#define UDP_ERRORS_MAX 64u
#define UDP_PATHS 256u
#define UDP_SENT_MAX 4096u
#define UDP_SENT_US (10 * US_PER_SECOND) /* an error comes sooner, or is none */
#define UDP_ERRORS_PER_S 200u            /* that may go round the workers */

struct udp_binding {
	struct net_addr address;
	uint16_t        port; /* 0: free */
	net_udp_owner  *owner;
	uint64_t        user;
};

struct udp_path { /* to where datagrams went last */
	struct net_addr remote;
	bool            used;
	struct net_path path;
};

struct udp_sent { /* what an ICMP error may quote */
	struct net_addr remote;
	uint16_t        local_port, remote_port;
	uint32_t        mark; /* length and checksum, as in the header */
	uint64_t        sent_us;
};

struct udp {
	struct udp_binding bindings[UDP_BINDINGS_MAX];
	unsigned           binding_count; /* behind the last that was ever in use */
	unsigned           waiting_count, lent_count, error_count, lent_error_count;
	struct {
		struct rte_mbuf        *m;
		struct net_udp_datagram datagram; /* its bytes are in m */
	} waiting[UDP_WAITING_MAX];
	struct rte_mbuf *lent[UDP_WAITING_MAX];
	struct {
		struct rte_mbuf     *m;
		struct net_udp_error error; /* what it quotes is in m */
	} errors[UDP_ERRORS_MAX];
	struct rte_mbuf *lent_errors[UDP_ERRORS_MAX];
	struct bucket    errors_round;
	struct udp_path  paths[UDP_PATHS];
	struct udp_sent  sent[UDP_SENT_MAX];
};

static inline struct udp_sent *udp_sent_place(struct udp *udp, const struct net_addr *remote,
					      uint32_t mark)
{
	return &udp->sent[hash_mix((uint64_t)mark << 32 | (remote->w[0] ^ remote->w[3])) %
			  UDP_SENT_MAX];
}
