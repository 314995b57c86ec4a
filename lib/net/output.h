/*
 * Sending through the network layer of one worker: the way to a remote, found once per connection
 * and kept, and packets given to it. Called by lib/tcp (and UDP later), on the worker that owns the
 * struct net.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/now.h"
#include "net/net.h"

/*
 * Where to send. net_path_find() fills it; net_output_tcp() refreshes the addresses of the next hop
 * by itself when the neighbour table has moved on (generation), so a connection keeps one for life.
 * local and remote of a connection never change with it.
 */
struct net_path {
	struct net_addr next_hop;
	uint32_t        generation;     /* of the neighbour table, when dst_mac was taken from it */
	uint32_t        mtu_generation; /* of the path MTU table, when mtu was taken from it */
	uint16_t        link_mtu;       /* of an IP packet */
	uint16_t        mtu;            /* of the whole path, as far as known */
	uint8_t         dst_mac[6];
	bool            resolved; /* dst_mac holds */
	uint8_t         port;
	uint8_t         source; /* which of our addresses: net_path_source() */
};

/* Find port, source address and next hop for a remote. false: no route. Starts resolution when the
 * neighbour is unknown. */
bool net_path_find(struct net *net, struct now now, const struct net_addr *remote,
		   struct net_path *path);

/* Our address on the way; lent for the life of net. */
const struct net_addr *net_path_source(const struct net *net, const struct net_path *path);

/*
 * Send one TCP packet. m's data begins at the TCP header, its checksum field is still to be filled,
 * NET_HEADROOM bytes before it are free; m is linear, or chained where the port's profile says
 * multi_segment, its pkt_len (all but the headers put here) within the path's mtu (for TSO:
 * tso_segsz and l4_len set by the caller, RTE_MBUF_F_TX_TCP_SEG in ol_flags, profile tso). IP and
 * Ethernet are put in front, checksums are done or offloaded by the port's profile, and it is
 * queued on the port. Takes m, also on failure (dropped, counted). While the neighbour is
 * unresolved m waits in the entry's bounded queue.
 */
void net_output_tcp(struct net *net, struct now now, struct net_path *path,
		    const struct net_addr *local, const struct net_addr *remote,
		    struct rte_mbuf *m);

/*
 * The path MTU of a remote. learn: a message about a packet that we sent reported it, or it was
 * found by trying (the caller vouches for it); the other workers are told. follow: path->mtu is
 * what is known now; to be called when net_path_mtu_generation() is no longer path->mtu_generation.
 * reported: what a "too big" message means, 0 when it cannot be true. Never below least.
 */
void     net_path_mtu_learn(struct net *net, struct now now, const struct net_addr *remote,
			    uint16_t mtu);
void     net_path_mtu_follow(struct net *net, const struct net_addr *remote, struct net_path *path);
uint32_t net_path_mtu_generation(const struct net *net);
uint16_t net_path_mtu_reported(const struct net_icmp_error *e);
uint16_t net_path_mtu_least(bool ip6);

/* Peers were heard from (TCP made progress): the neighbour is reachable, its entry does not age. */
void net_path_confirm(struct net *net, struct now now, const struct net_path *path);

struct rte_mbuf *net_mbuf_new(struct net *net); /* headroom of at least NET_HEADROOM, no data; NULL
						   when the pool is dry */

const struct net_port_config *net_port(const struct net *net,
				       unsigned          port); /* lent for the life of net */
unsigned                      net_worker(const struct net *net);
uint64_t                      net_shared_seed(const struct net *net);
/* Ours as soon as it is known that nobody else has it. */
bool net_is_tentative(const struct net *net, const struct net_addr *a);
bool net_is_local(const struct net *net, const struct net_addr *a);
