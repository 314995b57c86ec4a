/*
 * UDP of one worker, over its struct net (RFC 768, RFC 8200 8.1, RFC 8085): datagrams of bound
 * ports come in by burst and are lent in place, however many fragments they came in; what is sent
 * finds its way by itself, in fragments where the path is narrower. Called on the worker that owns
 * the struct net; every worker binds the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/now.h"
#include "net/net.h"

#define NET_UDP_SIZE_MAX 65000u /* bytes of a datagram that can be sent */

/* Which worker a datagram belongs to, of so many; pure, and the same on every worker. */
typedef unsigned net_udp_owner(struct cur datagram, unsigned workers);

struct net_udp_flow {
	struct net_addr local, remote;
	uint16_t        local_port, remote_port;
};

/* Take the datagrams to address:port (address 0.0.0.0 or ::: any of ours of that family). owner
 * NULL: by addresses and ports. user comes back with each. 0, or -EADDRINUSE or -ENOSPC. */
int  net_udp_bind(struct net *net, const struct net_addr *address, uint16_t port,
		  net_udp_owner *owner, uint64_t user);
void net_udp_unbind(struct net *net, const struct net_addr *address, uint16_t port);

/* What has come in, at most max; the bytes are lent until the next call. Call it after each input:
 * what nobody takes is dropped when there is too much of it. */
struct net_udp_datagram {
	struct net_udp_flow flow;
	uint64_t            user;
	struct cur          bytes;
};
unsigned net_udp_receive(struct net *net, struct net_udp_datagram datagrams[], unsigned max);

/* Send n <= NET_UDP_SIZE_MAX bytes, copied. flow->local 0.0.0.0 or ::: our address on the way.
 * false: no way to there, or no memory, which is counted; true promises nothing. */
bool net_udp_send(struct net *net, struct now now, const struct net_udp_flow *flow,
		  const void *bytes, size_t n);

/* ICMP errors about datagrams that were sent from a bound port a short while ago: type and code are
 * those of struct net_icmp_error. Nothing is done about them here but that the path MTU is learned.
 * What they quote is lent until the next call. */
struct net_udp_error {
	struct net_udp_flow flow;
	uint64_t            user;
	uint8_t             type, code;
	struct cur          quoted; /* of the datagram's bytes, from the first one */
};
unsigned net_udp_errors(struct net *net, struct net_udp_error errors[], unsigned max);
