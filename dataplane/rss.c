#include "rss.h"

#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "base/cur.h"

#define CHECKS 64u /* packets with a hash, of each worker */
#define RETA_MAX RTE_ETH_RSS_RETA_SIZE_512
#define GROUP RTE_ETH_RETA_GROUP_SIZE
#define HASHES (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)

static bool key_fits(const struct rte_eth_dev_info *info)
{
	return info->hash_key_size > 0 && info->hash_key_size <= NET_STEER_KEY_SIZE;
}

void rss_configure(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, unsigned queues,
		   uint64_t shared_seed, uint8_t key[static NET_STEER_KEY_SIZE])
{
	if (queues == 1 || (info->flow_type_rss_offloads & HASHES) == 0 || info->reta_size == 0 ||
	    !key_fits(info))
		return;
	net_steer_key(shared_seed, key);
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
	conf->rx_adv_conf.rss_conf.rss_key = key;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	conf->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & HASHES;
}

void rss_examine(struct rss *rss, const struct rte_eth_dev_info *info, unsigned queues,
		 unsigned workers)
{
	*rss = (struct rss){0};
	if (workers == 1)
		return;
	if (queues < workers)
		rss->why = "fewer queues than workers";
	else if ((info->flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV4_TCP) == 0 ||
		 !key_fits(info))
		rss->why = "the device does not hash TCP by a key of ours";
	else if (info->reta_size < 64 || info->reta_size > RETA_MAX ||
		 (info->reta_size & (info->reta_size - 1)) != 0)
		rss->why = "the device has no redirection table of 64 to 512 entries";
	else
		rss->reta_size = info->reta_size;
}

static bool reta_set(uint16_t port, uint16_t size, unsigned entries, unsigned workers)
{
	struct rte_eth_rss_reta_entry64 wanted[RETA_MAX / GROUP] = {0};
	struct rte_eth_rss_reta_entry64 got[RETA_MAX / GROUP] = {0};

	for (unsigned i = 0; i < size; i++) {
		wanted[i / GROUP].mask = got[i / GROUP].mask = UINT64_MAX;
		wanted[i / GROUP].reta[i % GROUP] = (uint16_t)rss_entry(i, entries, workers);
	}
	return rte_eth_dev_rss_reta_update(port, wanted, size) == 0 &&
	       rte_eth_dev_rss_reta_query(port, got, size) == 0 &&
	       memcmp(wanted, got, size / GROUP * sizeof(got[0])) == 0;
}

static bool key_holds(uint16_t port, uint64_t shared_seed)
{
	uint8_t                 key[NET_STEER_KEY_SIZE], got[NET_STEER_KEY_SIZE] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = got};
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port, &info) != 0)
		return false;
	conf.rss_key_len = info.hash_key_size;
	net_steer_key(shared_seed, key);
	return rte_eth_dev_rss_hash_conf_get(port, &conf) == 0 &&
	       memcmp(key, got, info.hash_key_size) == 0 &&
	       (conf.rss_hf & RTE_ETH_RSS_NONFRAG_IPV4_TCP) != 0;
}

void rss_apply(struct rss *rss, uint16_t port, unsigned workers, unsigned entries,
	       uint64_t shared_seed)
{
	if (rss->reta_size == 0)
		return;
	if (!reta_set(port, rss->reta_size, entries, workers))
		rss->why = "the redirection table is not as it was set";
	else if (!key_holds(port, shared_seed))
		rss->why = "the hash key is not as it was set";
	else
		rss->steers = true;
	if (!rss->steers)
		return;
	rss->steer = malloc(sizeof(*rss->steer));
	if (rss->steer == NULL)
		return;
	net_steer_init(rss->steer, shared_seed, workers, entries);
	for (unsigned w = 0; w < workers; w++)
		rss->checks_left[w] = CHECKS;
}

void rss_free(struct rss *rss)
{
	free(rss->steer);
	rss->steer = NULL;
}

/* Our hash of a TCP segment; false: it is none, or has what devices hash in other ways. */
static bool hash_of(const struct net_steer *steer, const struct rte_mbuf *m, uint32_t *hash)
{
	struct cur      frame = cur_of(rte_pktmbuf_mtod(m, const void *), m->data_len);
	struct net_addr source = {0}, destination = {0};
	uint16_t        type, remote_port, local_port;
	size_t          size;
	uint8_t         protocol;
	const uint8_t  *addresses;

	cur_bytes(&frame, 2 * RTE_ETHER_ADDR_LEN);
	type = cur_be16(&frame);
	if (type == RTE_ETHER_TYPE_VLAN) {
		cur_be16(&frame);
		type = cur_be16(&frame);
	}
	if (type == RTE_ETHER_TYPE_IPV4 && cur_u8(&frame) == 0x45) {
		cur_bytes(&frame, 5);
		if ((cur_be16(&frame) & 0x3fff) != 0)
			return false; /* a fragment */
		cur_u8(&frame);
		protocol = cur_u8(&frame);
		cur_be16(&frame);
		size = 4;
	} else if (type == RTE_ETHER_TYPE_IPV6) {
		cur_bytes(&frame, 6);
		protocol = cur_u8(&frame);
		cur_u8(&frame);
		size = 16;
	} else {
		return false;
	}
	addresses = cur_bytes(&frame, 2 * size);
	remote_port = cur_be16(&frame);
	local_port = cur_be16(&frame);
	if (frame.failed || protocol != IPPROTO_TCP)
		return false;
	source.ip6 = destination.ip6 = size == 16;
	memcpy(source.w, addresses, size);
	memcpy(destination.w, addresses + size, size);
	*hash = net_steer_hash(steer, &destination, local_port, &source, remote_port);
	return true;
}

void rss_check(struct rss *rss, unsigned worker, struct rte_mbuf *const pkts[], unsigned n,
	       struct metrics *metrics)
{
	for (unsigned i = 0; i < n && rss->checks_left[worker] > 0; i++) {
		uint32_t hash;

		if ((pkts[i]->ol_flags & RTE_MBUF_F_RX_RSS_HASH) == 0 ||
		    !hash_of(rss->steer, pkts[i], &hash))
			continue;
		rss->checks_left[worker]--;
		if (hash == pkts[i]->hash.rss)
			continue;
		metric_inc(metrics, METRIC_packets_misdirected);
		/* Relaxed: a fact by itself. */
		atomic_store_explicit(&rss->misdirects, true, memory_order_relaxed);
	}
}
