/* What the files of lib/net share: the state of one worker's network layer, and the calls between
 * them. Not for other modules. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "net/net.h"
#include "net/output.h"
#include "net/steer.h"

#define NET_ETHER_HEADER 14u
#define NET_VLAN_TAG 4u
#define NET_IP4_HEADER 20u
#define NET_IP6_HEADER 40u
#define NET_TYPE_IP4 0x0800u
#define NET_TYPE_ARP 0x0806u
#define NET_TYPE_VLAN 0x8100u
#define NET_TYPE_VLAN_OUTER 0x88a8u
#define NET_TYPE_IP6 0x86ddu
#define NET_PROTOCOL_ICMP 1u
#define NET_PROTOCOL_TCP 6u
#define NET_PROTOCOL_UDP 17u
#define NET_PROTOCOL_ICMP6 58u
#define NET_LOCALS_MAX (NET_PORTS_MAX * 9u) /* those configured, and a link-local one each port */
#define NET_WAITING_MAX 8u                  /* packets that wait for one neighbour */
#define NET_NEIGHBOUR_SETS 128u
#define NET_NEIGHBOUR_WAYS 8u
#define NET_NEIGHBOURS_MAX (NET_NEIGHBOUR_SETS * NET_NEIGHBOUR_WAYS)
#define NET_FOREIGN_MAX (NET_BURST_MAX * NET_PORTS_MAX)
#define NET_PMTU_SETS 256u
#define NET_PMTU_WAYS 4u
#define NET_IP4_MTU_LEAST 552u  /* what every path of today carries */
#define NET_IP6_MTU_LEAST 1280u /* RFC 8200, 5 */
#define NET_NEWS_MAX 64u
#define NET_ERRORS_MAX 64u
#define NET_UNSENT_MAX 1024u

enum neighbour_state { /* RFC 4861, 7.3.2; ARP uses the same without STALE and DELAY */
		       NEIGHBOUR_FREE,
		       NEIGHBOUR_UNRESOLVED, /* no hardware address: packets wait */
		       NEIGHBOUR_REACHABLE,
		       NEIGHBOUR_STALE,  /* nobody has needed it since it was last known to be right
					  */
		       NEIGHBOUR_DELAY,  /* used again: TCP may confirm it before we ask */
		       NEIGHBOUR_PROBED, /* the hardware address is old: used, and asked for again
					  */
		       NEIGHBOUR_STATE_COUNT
};

struct neighbour {
	struct net_addr  address;
	uint8_t          mac[6];
	uint8_t          port;
	uint8_t          state;    /* enum neighbour_state */
	uint8_t          requests; /* sent since the last answer */
	uint8_t          waiting_count;
	uint64_t         confirmed_us;
	uint64_t         next_us; /* of the next request, or of the end of its age */
	struct rte_mbuf *waiting[NET_WAITING_MAX]; /* IP packets with room for Ethernet in front */
};

struct tx_queue {
	unsigned         head, tail; /* tail - head <= NET_TX_MAX */
	struct rte_mbuf *pkts[2 * NET_TX_MAX];
};

struct bucket { /* of a rate limit */
	uint64_t refilled_us;
	unsigned tokens;
};

enum local_state {
	LOCAL_VALID,
	LOCAL_TENTATIVE, /* nobody has been found to have it, but he was not given the time yet */
	LOCAL_DUPLICATE, /* another has it: not used */
};

struct net_local { /* one of our addresses; never moves, never goes */
	struct net_addr address;
	uint32_t        mask[4]; /* of the network it is in; network order */
	uint8_t         port;
	uint8_t         state;         /* enum local_state */
	bool            group_told;    /* IPv6: since who asked heard of its multicast group
					  from another */
	const struct local_step *step; /* of its beginning, to be made at due_us; NULL: over */
	uint64_t                 due_us, defended_us;
};

#define NET_ROUTERS_MAX 2u
#define NET_PREFIXES_MAX 4u

struct net_router { /* RFC 4861, 5.1: a default router; expires_us 0: none */
	struct net_addr address;
	uint64_t        expires_us;
};

struct net_prefix { /* what a router says is on the link; expires_us 0: none */
	struct net_addr address;
	uint32_t        mask[4];
	uint64_t        expires_us;
};

struct net_link6 { /* a port that speaks IPv6 */
	bool              speaks;
	uint8_t           solicitations; /* of routers, still to be sent */
	uint8_t           reports;       /* of multicast groups, still to be sent */
	bool              report_asked;  /* the next one answers a query */
	uint16_t          mtu;
	uint8_t           hop_limit;
	uint32_t          reachable_ms;             /* as routers say it */
	uint64_t          reachable_us, retrans_us; /* of neighbours: RFC 4861, 6.3.2 */
	uint64_t          mld1_until_us;            /* a querier of MLDv1 is on the link */
	uint64_t          solicit_us, report_us;    /* the next of each */
	struct net_router routers[NET_ROUTERS_MAX];
	struct net_prefix prefixes[NET_PREFIXES_MAX];
};

struct pmtu { /* of a path */
	struct net_addr address;
	uint16_t        mtu; /* 0: free */
	uint64_t        learned_us;
};

struct unsent {
	const struct neighbour *neighbour; /* NULL: he is found */
	struct net_unsent       segment;
};

struct frags;
struct udp;

struct net {
	struct metrics *metrics;
	uint32_t generation; /* moves when an entry of the neighbour table is resolved, changed or
				removed */
	unsigned              local_count;
	uint8_t               link_local_port; /* the first that speaks IPv6 */
	struct net_local      locals[NET_LOCALS_MAX];
	struct net_link6      links6[NET_PORTS_MAX];
	struct net_config     config;
	struct random         random;
	struct net_steer      steer;
	struct bucket         unreachables, echoes, requests, copies;
	unsigned              foreign_count[NET_WORKERS_MAX];
	struct rte_mbuf     **foreign; /* workers x NET_FOREIGN_MAX */
	unsigned              news_count;
	struct net_news       news[NET_NEWS_MAX];
	unsigned              error_count;
	struct net_icmp_error errors[NET_ERRORS_MAX];
	uint32_t              mtu_generation; /* moves when a path MTU is learned or forgotten */
	uint64_t              tick_us;        /* the earliest that net_tick() has something to do */
	struct frags         *frags;
	struct rte_mbuf      *whole; /* TCP for this worker that came in fragments */
	struct udp           *udp;
	uint32_t              fragment_id;
	unsigned         unsent_count, unsent_told; /* told: to be, their neighbours are found */
	struct unsent    unsent[NET_UNSENT_MAX];
	struct neighbour neighbours[NET_NEIGHBOURS_MAX];
	struct pmtu      pmtus[NET_PMTU_SETS * NET_PMTU_WAYS];
	struct tx_queue  tx[NET_PORTS_MAX];
};

/* A received IP packet of either family whose headers were checked. m's data starts at Ethernet. */
struct net_packet {
	struct rte_mbuf *m;
	unsigned         port;
	uint8_t          protocol; /* of the payload */
	uint8_t          hop_limit;
	uint16_t         header_size;    /* IPv4 with options, or IPv6 with extension headers */
	uint16_t         payload_size;   /* what follows the headers */
	uint16_t         next_header_at; /* IPv6: where in the header the protocol stands */
	struct net_addr  source, destination;
	bool             link_many;       /* it came by broadcast or multicast */
	bool             fragment;        /* the payload is a part of one */
	bool             fragment_header; /* IPv6: there is or was one */
	bool             more_fragments;
	uint16_t         fragment_offset; /* bytes */
	uint32_t         fragment_id;
};

enum input {
	INPUT_TAKEN,
	INPUT_TCP
}; /* freed, kept or turned into a reply; or: TCP for this worker */

static inline struct net_addr net_addr_ip4(uint32_t network_order)
{
	return (struct net_addr){.w = {network_order}};
}

static inline bool net_addr_is_any(const struct net_addr *a)
{
	return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

static inline bool net_addr_same(const struct net_addr *a, const struct net_addr *b)
{
	return a->ip6 == b->ip6 && a->w[0] == b->w[0] &&
	       (!a->ip6 || (a->w[1] == b->w[1] && a->w[2] == b->w[2] && a->w[3] == b->w[3]));
}

/* Whether both are of the network that the mask spans. */
static inline bool net_addr_in(const struct net_addr *a, const struct net_addr *network,
			       const uint32_t mask[4])
{
	const uint32_t *x = a->w, *y = network->w;
	uint32_t        differ = (x[0] ^ y[0]) & mask[0];

	if (a->ip6)
		differ |= ((x[1] ^ y[1]) & mask[1]) | ((x[2] ^ y[2]) & mask[2]) |
			  ((x[3] ^ y[3]) & mask[3]);
	return a->ip6 == network->ip6 && differ == 0;
}

static inline bool local_covers(const struct net_local *local, const struct net_addr *a)
{
	return net_addr_in(a, &local->address, local->mask);
}

void net_drop(struct net *net, struct rte_mbuf *m, enum metric why);
void net_tx_append(struct net *net, unsigned port,
		   struct rte_mbuf *m); /* takes m, also when the queue is full */
void net_news_append(struct net *net, const struct net_news *news);
void net_foreign_append(struct net *net, unsigned worker, struct rte_mbuf *m);
bool net_bucket_take(struct bucket *b, struct now now, unsigned rate_per_s, unsigned burst);

/* vlan.c. take: which VLAN a frame that came is of, 0 for none; its tag is taken off. false: it is
 * cut. put: the tag of one is put on a frame that goes; false: no room in front of it. */
bool vlan_take(struct rte_mbuf *m, uint16_t *vlan);
bool vlan_put(struct rte_mbuf *m, uint16_t vlan);

/* local.c: our addresses. What is tentative or another's is found by local_find() alone. */
void                    local_init(struct net *net);
void                    mask_make(uint32_t mask[4], unsigned prefix);
const struct net_local *net_local_find(const struct net *net, const struct net_addr *a);
struct net_local       *local_find(struct net *net, const struct net_addr *a, unsigned port);
/* Of the link alone, whatever its state; NULL: the port speaks no IPv6. */
const struct net_local *local_link(const struct net *net, unsigned port);
bool                    local_on_link(const struct net *net, const struct net_addr *a,
				      unsigned port); /* on a network of that port */
/* Our address to speak to a neighbour from; NULL: none. */
const struct net_local *local_towards(const struct net *net, const struct net_addr *neighbour,
				      unsigned port);
/* The same, but none of the link alone, unless there is no other. */
const struct net_local *local_global(const struct net *net, const struct net_addr *neighbour,
				     unsigned port);
/* Another, at mac, says that it is his. */
void local_conflict(struct net *net, struct now now, struct net_local *local, const uint8_t mac[6]);
void local_duplicate(struct net *net, const struct net_addr *a,
		     unsigned port); /* found elsewhere */
uint64_t local_tick(struct net *net, struct now now);

void arp_input(struct net *net, struct now now, unsigned port, struct rte_mbuf *m);
void arp_request(
	struct net *net, unsigned port, const struct net_addr *sender,
	const struct net_addr *target,
	const uint8_t *unicast); /* unicast: the hardware address to ask, or NULL for everyone */

/* packet.c: what an IP packet carries */
struct cur packet_payload(const struct net_packet *p);
enum input packet_input(struct net *net, struct now now, const struct net_packet *p);
enum input packet_input_forwarded(struct net *net, struct now now, const struct net_packet *p);
/* Whether the checksum over pseudo header and so much of the payload is right, by the port's word
 * or computed. */
bool packet_checksum_passes(const struct net *net, const struct net_packet *p, uint16_t size);

enum input ip4_input(struct net *net, struct now now, unsigned port, struct rte_mbuf *m);
enum input ip4_input_forwarded(struct net *net, struct now now, unsigned port,
			       struct rte_mbuf *m); /* one that another worker checked */
void       ip4_header_write(uint8_t *at, uint16_t total_size, uint8_t protocol, uint32_t source,
			    uint32_t destination);

void icmp_time_exceeded_send(struct net *net, struct now now, const struct net_packet *p,
			     uint8_t code);
void icmp_input(struct net *net, struct now now, const struct net_packet *p);
void icmp_input_forwarded(struct net *net, struct now now, const struct net_packet *p);
void icmp_unreachable_send(struct net *net, struct now now, const struct net_packet *p,
			   uint8_t code);

/* An error that m told, of either family, goes to whom it concerns. Takes m. */
void icmp_error_take(struct net *net, struct now now, struct rte_mbuf *m,
		     const struct net_icmp_error *e, struct cur data, bool forwarded);

struct neighbour *neighbour_find(struct net *net, const struct net_addr *address, unsigned port);
struct neighbour *neighbour_resolve(struct net *net, struct now now, const struct net_addr *address,
				    unsigned port);
void              neighbour_seen(struct net *net, struct now now, const struct net_addr *address,
				 const uint8_t mac[6], unsigned port, bool create);
/* A neighbour asked us: where it is, but not whether it hears us (RFC 4861, 7.2.3). */
void neighbour_heard(struct net *net, struct now now, const struct net_addr *address,
		     const uint8_t mac[6], unsigned port);
/* A neighbour told us (7.2.5); mac is NULL when it did not say where it is. */
void neighbour_advertised(struct net *net, struct now now, const struct net_addr *address,
			  const uint8_t *mac, unsigned port, bool solicited, bool override);
void neighbour_wait(struct net *net, struct neighbour *n,
		    struct rte_mbuf *m); /* takes m until there is a hardware address */
void neighbour_tell(struct net *net, enum net_news_kind kind, const struct net_addr *address,
		    const uint8_t mac[6], unsigned port); /* the other workers */
void neighbour_confirm(struct net *net, struct now now, const struct net_addr *address,
		       unsigned port);
struct neighbour *path_refresh(struct net *net, struct now now, const struct net_addr *remote,
			       struct net_path *path);
uint64_t          neighbour_tick(struct net *net, struct now now);
void              neighbour_clear(struct net *net);

/* unsent.c: what waited for n and makes room; how n ended */
void unsent_note(struct net *net, const struct neighbour *n, const struct rte_mbuf *m);
void unsent_end(struct net *net, const struct neighbour *n, bool found);

/* frag.c: reassembly. INPUT_TCP: the segment is net->whole. */
bool       frag_init(struct net *net);
void       frag_free(struct net *net);
enum input frag_input(struct net *net, struct now now, const struct net_packet *p);
enum input frag_take(struct net *net, struct now now,
		     const struct net_packet *p); /* one that belongs to this worker */
uint64_t   frag_tick(struct net *net, struct now now);

/* datagram.c: a datagram to be sent, `size` bytes with its header */
#define DATAGRAM_HEADER 8u
struct datagram_out {
	struct net_path *path;
	struct net_addr  local, remote;
	uint8_t          protocol;
	uint8_t          header[DATAGRAM_HEADER];
	const uint8_t   *bytes;
	uint32_t         size;
};
bool datagram_send(struct net *net, struct now now, const struct datagram_out *out);

/* output.c: m begins at an IP header that is complete, checksums too. Takes m. */
void output_ip(struct net *net, struct now now, struct net_path *path,
	       const struct net_addr *remote, struct rte_mbuf *m);

/* udp.c */
bool udp_init(struct net *net);
void udp_free(struct net *net);
bool udp_input(struct net *net, const struct net_packet *p); /* false: nobody hears its port */
void udp_input_forwarded(struct net *net, const struct net_packet *p);
/* An ICMP error about a datagram, m. Takes m. */
void udp_error_input(struct net *net, struct now now, struct rte_mbuf *m,
		     const struct net_icmp_error *e, struct cur data, bool forwarded);

void     pmtu_news_take(struct net *net, struct now now, const struct net_news *news);
uint64_t pmtu_tick(struct net *net, struct now now);
