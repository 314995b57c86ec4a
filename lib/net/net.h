/*
 * The network layer of one worker: Ethernet, ARP, IPv4, ICMP (IPv6, ND, UDP and fragments join
 * later behind the same calls). Packets in by burst; what is TCP for this worker comes out by
 * burst; what belongs to another worker comes out by owner; replies and everything sent gather in a
 * transmit queue per port, which the worker empties with net_tx_*().
 *
 * No I/O, no clock, no allocation but mbufs from the pool given; one owner; `now` is passed in,
 * randomness is seeded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/hash.h"
#include "base/now.h"
#include "metrics/metrics.h"

#define NET_PORTS_MAX 8u
#define NET_BURST_MAX 64u
#define NET_TX_MAX 1024u /* packets that wait for a port, each port */
#define NET_WORKERS_MAX 64u
#define NET_RANGES_MAX 64u
#define NET_HEADROOM                                                                               \
	128u /* kept free before the payload of what is to be sent: Ethernet, VLAN, IP and TCP     \
	      * headers                                                                            \
	      */

struct net_addr { /* IPv4 in w[0], IPv6 in all four; network order */
	uint32_t w[4];
	bool     ip6;
};

struct net_port_config { /* the capability profile, from the port at start */
	uint8_t  mac[6];
	uint16_t mtu;
	uint16_t vlan; /* frames of this one only, by their tag (IEEE 802.1Q); 0: without a tag only
			*/
	bool     rx_checksum; /* the port says in ol_flags whether checksums were good */
	bool     tx_ip_checksum, tx_tcp_checksum; /* the port fills them in */
	bool     multi_segment;                   /* chained mbufs may be sent */
	bool     tso;
	unsigned address_count;
	struct {
		struct net_addr address;
		uint8_t         prefix;
	} addresses[8];
	struct net_addr gateway, gateway6; /* IPv4 and IPv6 */
	bool            has_gateway, has_gateway6;
	bool            duplicate_check; /* addresses are tried for another owner first */
};

/* Ports that name their owner: what comes to `local`, port first + w, belongs to worker w. */
struct net_range {
	struct net_addr local;
	uint16_t        first;
};

struct net_config {
	unsigned               worker, workers;
	unsigned               port_count;
	struct net_port_config ports[NET_PORTS_MAX];
	struct rte_mempool
		*pool; /* mbufs for what we send ourselves; with at least NET_HEADROOM headroom */
	struct metrics *metrics;
	uint64_t        seed; /* the worker's own */
	uint64_t shared_seed; /* the same in all workers: owner hash, TCP sequence numbers and
				 cookies */
	unsigned         steer_entries; /* of the ports' redirection tables; 0: NET_STEER_ENTRIES */
	unsigned         range_count;
	struct net_range ranges[NET_RANGES_MAX];
	bool forward_all; /* test mode: every packet is treated as if it had arrived at the wrong
			     worker first */
};

struct net;

/* Both: at start, on the control path (allocates). NULL when memory is short. */
struct net *net_new(const struct net_config *config);
void        net_free(struct net *net);

/*
 * Take n <= NET_BURST_MAX packets that came from a port. All are consumed. TCP segments that are
 * valid (checksums verified) and for this worker go to tcp[] (room for n), their l2_len and l3_len
 * set, data still starting at the Ethernet header. Returns their number.
 */
unsigned net_input_burst(struct net *net, struct now now, unsigned port,
			 struct rte_mbuf *const pkts[], unsigned n, struct rte_mbuf *tcp[]);

/* The same for packets that another worker passed on by net_foreign_take(); they are for this
 * worker whatever the hash says. */
unsigned net_input_forwarded(struct net *net, struct now now, struct rte_mbuf *const pkts[],
			     unsigned n, struct rte_mbuf *tcp[]);

/* Packets met by the last net_input_burst() that belong to another worker; the caller takes them
 * (at most max) and passes them by ring. */
unsigned net_foreign_take(struct net *net, unsigned worker, struct rte_mbuf *pkts[], unsigned max);

/* What was learned since the last call, to be told to the other workers by net_news_learn().
 * Returns how many of max were filled. */
enum net_news_kind {
	NET_NEWS_NEIGHBOUR, /* address is at mac, on the link of port */
	NET_NEWS_MOVED,     /* the same, for those who knew it elsewhere */
	NET_NEWS_DUPLICATE, /* address is ours, but another at mac has it: nobody uses it */
	NET_NEWS_CONFLICT,  /* the same, but we used it before, and go on */
	NET_NEWS_MTU,       /* the path to address carries packets of mtu */
};
struct net_news {
	struct net_addr address;
	uint8_t         kind; /* enum net_news_kind */
	uint8_t         port;
	uint8_t         mac[6];
	uint16_t        mtu;
};
unsigned net_news_take(struct net *net, struct net_news news[], unsigned max);
void     net_news_learn(struct net *net, struct now now, const struct net_news *news);

/*
 * The worker that owns a connection, the same on every worker and for both directions of the
 * packet's view: local is our side. Pure.
 */
unsigned net_owner(const struct net *net, const struct net_addr *local, uint16_t local_port,
		   const struct net_addr *remote, uint16_t remote_port);

/*
 * ICMP errors about our own TCP packets, checked as far as this layer can: the packet they quote
 * came from one of our addresses and belongs to this worker. TCP checks that the sequence number is
 * in flight (RFC 5927). Returns how many of max were filled; call it after each input.
 */
struct net_icmp_error {
	struct net_addr local, remote;
	uint16_t        local_port, remote_port;
	uint8_t         protocol;   /* 6 TCP, 17 UDP */
	uint32_t        sequence;   /* of the quoted segment; UDP: length and checksum */
	uint8_t         type, code; /* 3 unreachable, 11 time exceeded, 12 parameter problem */
	uint16_t        size;       /* of the quoted packet, as its header says */
	uint16_t mtu; /* type 3 code 4: of the next hop, 0 when it does not say (RFC 1191, 4) */
};
unsigned net_icmp_errors_take(struct net *net, struct net_icmp_error errors[], unsigned max);

/*
 * Segments of ours that were dropped because too many waited for one neighbour, once he is found:
 * TCP sends them again. Returns how many of max were filled; call it after each input.
 */
struct net_unsent {
	struct net_addr local, remote;
	uint16_t        local_port, remote_port;
	uint32_t        sequence;
};
unsigned net_unsent_take(struct net *net, struct net_unsent segments[], unsigned max);

/* Timers: neighbour retries, announcements at start. Returns the next deadline. */
uint64_t net_tick(struct net *net, struct now now);

/* What waits to be sent on a port: lent array; after rte_eth_tx_burst() say how many went. The rest
 * stays for the next turn. */
struct rte_mbuf **net_tx_peek(struct net *net, unsigned port, unsigned *n);
void              net_tx_sent(struct net *net, unsigned port, unsigned n);
unsigned net_tx_room(const struct net *net, unsigned port); /* packets until some are dropped */
