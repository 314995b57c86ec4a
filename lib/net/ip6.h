/* What the files of lib/net share about IPv6 (RFC 8200), ICMPv6 (RFC 4443) and neighbour discovery
 * (RFC 4861). Not for other modules. */
#pragma once

#include "net/state.h"

#define ICMP6_UNREACHABLE 1
#define ICMP6_TOO_BIG 2
#define ICMP6_TIME_EXCEEDED 3
#define ICMP6_PARAMETER 4
#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ECHO_REPLY 129
#define ICMP6_LISTENER_QUERY 130
#define ICMP6_LISTENER_REPORT1 131
#define ICMP6_ROUTER_SOLICITATION 133
#define ICMP6_ROUTER_ADVERTISEMENT 134
#define ICMP6_SOLICITATION 135
#define ICMP6_ADVERTISEMENT 136
#define ICMP6_REDIRECT 137
#define ICMP6_HEADER 8u

extern const struct net_addr ip6_all_nodes, ip6_unspecified;

static inline bool ip6_is_multicast(const struct net_addr *a)
{
	return *(const uint8_t *)a->w == 0xff;
}

static inline bool ip6_is_link_local(const struct net_addr *a)
{
	const uint8_t *bytes = (const uint8_t *)a->w;

	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

static inline bool ip6_is_unspecified(const struct net_addr *a)
{
	return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

struct net_addr ip6_solicited_node(const struct net_addr *a);                /* RFC 4291, 2.7.1 */
void            ip6_group_mac(const struct net_addr *group, uint8_t mac[6]); /* RFC 2464, 7 */

enum input ip6_input(struct net *net, struct now now, unsigned port, struct rte_mbuf *m);
enum input ip6_input_forwarded(struct net *net, struct now now, unsigned port, struct rte_mbuf *m);
/* Does a first fragment have all headers, that of the upper layer too? (RFC 7112, 5) */
bool ip6_chain_is_whole(const struct net_packet *p);
void ip6_header_write(uint8_t *at, uint32_t flow, uint16_t payload_size, uint8_t protocol,
		      uint8_t hop_limit, const struct net_addr *source,
		      const struct net_addr *destination);

/* How an ICMPv6 message goes out; m begins at it, with NET_HEADROOM in front. Takes m. */
struct icmp6_way {
	unsigned        port;
	uint8_t         hop_limit;
	bool            router_alert; /* RFC 2711: in a header for each hop */
	uint8_t         to[6];
	struct net_addr source, destination;
};
void icmp6_send(struct net *net, const struct icmp6_way *way, struct rte_mbuf *m);
/* An ICMPv6 message of n bytes to be written; NULL: no memory, which is counted. */
struct rte_mbuf *icmp6_new(struct net *net, uint16_t n, uint8_t **at);

void icmp6_input(struct net *net, struct now now, const struct net_packet *p);
void icmp6_input_forwarded(struct net *net, struct now now, const struct net_packet *p);
void icmp6_unreachable_send(struct net *net, struct now now, const struct net_packet *p,
			    uint8_t code);
void icmp6_time_exceeded_send(struct net *net, struct now now, const struct net_packet *p,
			      uint8_t code);
/* RFC 4443, 3.4: what stands at that place of the packet is not understood. Drops the packet, as
 * `why`. */
void icmp6_parameter_send(struct net *net, struct now now, const struct net_packet *p, uint8_t code,
			  uint32_t at, enum metric why);

/* The values that hosts begin with (RFC 4861, 10). */
void router_init(struct net *net, unsigned port);
/* router.c and mld.c; router_input(), mld_query() and mld_report1() take the packet */
void                   router_input(struct net *net, struct now now, const struct net_packet *p);
void                   router_input_forwarded(struct net *net, struct now now,
					      const struct net_packet *p); /* one that another worker checked */
const struct net_addr *router_find(struct net *net, unsigned port); /* NULL: none */
void     router_failed(struct net *net, const struct net_addr *address, unsigned port);
bool     router_is_on_link(const struct net *net, const struct net_addr *a, unsigned port);
uint64_t router_tick(struct net *net, struct now now);
void     mld_query(struct net *net, struct now now, const struct net_packet *p);
void     mld_report1(struct net *net, struct now now, const struct net_packet *p);
uint64_t mld_tick(struct net *net, struct now now);

void ndp_input(struct net *net, struct now now, const struct net_packet *p);
void ndp_solicit(struct net *net, unsigned port, const struct net_addr *sender,
		 const struct net_addr *target,
		 const uint8_t *unicast); /* as arp_request(); sender unspecified: for ourselves */
void ndp_announce(struct net *net, const struct net_local *local);
