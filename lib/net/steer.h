/*
 * Which worker owns a connection: the Toeplitz hash of receive-side scaling, computed here as a
 * port computes it, over the tuple as it stands in a packet that comes to us; but for the ranges of
 * our ports that name their owner, whose packets a port may bring to any worker. Pure once made; a
 * copy for each worker.
 */
#pragma once

#include <stdint.h>

#include "net/net.h"

#define NET_STEER_KEY_SIZE 52u /* the longest that ports take; those with 40 take its start */
#define NET_STEER_ENTRIES 128u /* of the redirection table, where no port has a smaller one */
#define NET_STEER_INPUT 36u    /* bytes of the longest tuple: two IPv6 addresses and two ports */

struct net_steer {
	unsigned workers;
	unsigned entries; /* entry i belongs to worker i % workers; larger tables repeat it */
	unsigned range_count;
	uint16_t range_first, range_last; /* no port outside is in a range */
	struct net_range ranges[NET_RANGES_MAX];
	uint32_t         table[NET_STEER_INPUT]
		      [256]; /* the share of each byte at each place: 12 rows are touched by IPv4 */
};

/* The RSS key that all workers and ports of one instance share. */
void net_steer_key(uint64_t shared_seed, uint8_t key[static NET_STEER_KEY_SIZE]);

void net_steer_init(struct net_steer *steer, uint64_t shared_seed, unsigned workers,
		    unsigned entries);
/* At start: the range of one port for each worker. */
void     net_steer_range_add(struct net_steer *steer, const struct net_range *range);
uint32_t net_steer_hash(const struct net_steer *steer, const struct net_addr *local,
			uint16_t local_port, const struct net_addr *remote, uint16_t remote_port);
unsigned net_steer_owner(const struct net_steer *steer, const struct net_addr *local,
			 uint16_t local_port, const struct net_addr *remote, uint16_t remote_port);
