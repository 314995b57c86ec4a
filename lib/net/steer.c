#include "net/steer.h"

#include <string.h>

#include "base/assert.h"
#include "base/random.h"

void net_steer_key(uint64_t shared_seed, uint8_t key[static NET_STEER_KEY_SIZE])
{
	struct random r;

	random_seed(&r, shared_seed);
	for (unsigned i = 0; i < NET_STEER_KEY_SIZE; i++)
		key[i] = (uint8_t)(random_next(&r) >> 56);
}

/* 32 bits of the key, from bit `start`, the first bit highest. */
static uint32_t key_window(const uint8_t key[NET_STEER_KEY_SIZE], unsigned start)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < 5; i++)
		bits = bits << 8 | key[start / 8 + i];
	return (uint32_t)(bits >> (8 - start % 8));
}

void net_steer_init(struct net_steer *steer, uint64_t shared_seed, unsigned workers,
		    unsigned entries)
{
	uint8_t key[NET_STEER_KEY_SIZE];

	net_steer_key(shared_seed, key);
	steer->workers = workers;
	steer->entries = entries;
	steer->range_count = 0;
	for (unsigned place = 0; place < NET_STEER_INPUT; place++) {
		for (unsigned value = 0; value < 256; value++) {
			uint32_t hash = 0;

			for (unsigned bit = 0; bit < 8; bit++) {
				if ((value & 0x80u >> bit) != 0)
					hash ^= key_window(key, place * 8 + bit);
			}
			steer->table[place][value] = hash;
		}
	}
}

uint32_t net_steer_hash(const struct net_steer *steer, const struct net_addr *local,
			uint16_t local_port, const struct net_addr *remote, uint16_t remote_port)
{
	uint8_t  input[NET_STEER_INPUT];
	size_t   address_size = local->ip6 ? 16 : 4;
	size_t   size = 2 * address_size + 4;
	uint8_t *ports = input + 2 * address_size;
	uint32_t hash = 0;

	/* The order of an incoming packet: its source is the remote side. */
	memcpy(input, remote->w, address_size);
	memcpy(input + address_size, local->w, address_size);
	ports[0] = (uint8_t)(remote_port >> 8);
	ports[1] = (uint8_t)remote_port;
	ports[2] = (uint8_t)(local_port >> 8);
	ports[3] = (uint8_t)local_port;
	for (size_t i = 0; i < size; i++)
		hash ^= steer->table[i][input[i]];
	return hash;
}

void net_steer_range_add(struct net_steer *steer, const struct net_range *range)
{
	uint16_t last = (uint16_t)(range->first + steer->workers - 1);

	ASSERT(steer->range_count < NET_RANGES_MAX && last >= range->first);
	if (steer->range_count == 0 || range->first < steer->range_first)
		steer->range_first = range->first;
	if (steer->range_count == 0 || last > steer->range_last)
		steer->range_last = last;
	steer->ranges[steer->range_count++] = *range;
}

/* The worker that the port names, or -1. */
static int range_owner(const struct net_steer *steer, const struct net_addr *local, uint16_t port)
{
	if (steer->range_count == 0 || port < steer->range_first || port > steer->range_last)
		return -1;
	for (unsigned i = 0; i < steer->range_count; i++) {
		const struct net_range *r = &steer->ranges[i];

		if (port >= r->first && port - r->first < (int)steer->workers &&
		    r->local.ip6 == local->ip6 &&
		    memcmp(r->local.w, local->w, local->ip6 ? 16 : 4) == 0)
			return port - r->first;
	}
	return -1;
}

unsigned net_steer_owner(const struct net_steer *steer, const struct net_addr *local,
			 uint16_t local_port, const struct net_addr *remote, uint16_t remote_port)
{
	int      named = range_owner(steer, local, local_port);
	uint32_t hash;

	if (named >= 0)
		return (unsigned)named;
	hash = net_steer_hash(steer, local, local_port, remote, remote_port);
	return hash % steer->entries % steer->workers;
}
