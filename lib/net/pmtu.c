/*
 * The path MTU by destination (RFC 1191, RFC 8201): a set-associative table of fixed size, so that
 * a look-up costs the same whatever strangers report. It holds only what TCP or UDP vouched for
 * (the quoted packet was theirs), forgets after ten minutes, so that a path that became wider is
 * found, and is told to the other workers.
 */
#include "base/assert.h"
#include "net/state.h"

#define AGE_US (600 * US_PER_SECOND) /* RFC 1191, 6.3 */

static struct pmtu *set_of(struct net *net, const struct net_addr *a)
{
	uint64_t key = net->config.shared_seed ^ (uint64_t)a->w[0] << 32;

	if (a->ip6)
		key = hash_mix(key ^ a->w[1]) ^ ((uint64_t)a->w[2] << 32 | a->w[3]);
	return net->pmtus + hash_mix(key) % NET_PMTU_SETS * NET_PMTU_WAYS;
}

static struct pmtu *pmtu_find(struct net *net, const struct net_addr *remote)
{
	struct pmtu *set = set_of(net, remote);

	for (unsigned i = 0; i < NET_PMTU_WAYS; i++) {
		if (set[i].mtu != 0 && net_addr_same(&set[i].address, remote))
			return &set[i];
	}
	return NULL;
}

/* A free place, or that of the oldest. */
static struct pmtu *pmtu_place(struct net *net, const struct net_addr *remote)
{
	struct pmtu *set = set_of(net, remote), *place = &set[0];

	for (unsigned i = 1; i < NET_PMTU_WAYS && place->mtu != 0; i++) {
		if (set[i].mtu == 0 || set[i].learned_us < place->learned_us)
			place = &set[i];
	}
	return place;
}

uint16_t net_path_mtu_least(bool ip6)
{
	return ip6 ? NET_IP6_MTU_LEAST : NET_IP4_MTU_LEAST;
}

uint16_t net_path_mtu_reported(const struct net_icmp_error *e)
{
	/* RFC 1191, 7: what links carry, for routers that do not say it */
	static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};
	uint16_t              least = net_path_mtu_least(e->remote.ip6), mtu = e->mtu;

	if (mtu == 0 && !e->remote.ip6) {
		mtu = least;
		for (unsigned i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++) {
			if (plateaus[i] < e->size) {
				mtu = plateaus[i];
				break;
			}
		}
	}
	if (mtu < least && e->remote.ip6)
		return 0; /* RFC 8201, 4 */
	if (mtu < least)
		mtu = least;
	return mtu < e->size ? mtu : 0; /* else the quoted packet would have passed */
}

static bool pmtu_learn(struct net *net, struct now now, const struct net_addr *remote, uint16_t mtu)
{
	struct pmtu *entry = pmtu_find(net, remote);

	if (entry != NULL && entry->mtu < mtu)
		return false; /* only age widens a path */
	if (entry == NULL)
		entry = pmtu_place(net, remote);
	*entry = (struct pmtu){.address = *remote, .mtu = mtu, .learned_us = now.us};
	net->mtu_generation++;
	metric_inc(net->metrics, METRIC_path_mtus_learned);
	if (now.us + AGE_US < net->tick_us)
		net->tick_us = now.us + AGE_US;
	return true;
}

void net_path_mtu_learn(struct net *net, struct now now, const struct net_addr *remote,
			uint16_t mtu)
{
	struct net_news news = {.kind = NET_NEWS_MTU, .address = *remote};

	news.mtu = mtu < net_path_mtu_least(remote->ip6) ? net_path_mtu_least(remote->ip6) : mtu;
	if (pmtu_learn(net, now, remote, news.mtu))
		net_news_append(net, &news);
}

void pmtu_news_take(struct net *net, struct now now, const struct net_news *news)
{
	ASSERT(news->mtu >= net_path_mtu_least(news->address.ip6));
	pmtu_learn(net, now, &news->address, news->mtu);
}

void net_path_mtu_follow(struct net *net, const struct net_addr *remote, struct net_path *path)
{
	const struct pmtu *entry = pmtu_find(net, remote);

	path->mtu_generation = net->mtu_generation;
	path->mtu = entry != NULL && entry->mtu < path->link_mtu ? entry->mtu : path->link_mtu;
}

uint32_t net_path_mtu_generation(const struct net *net)
{
	return net->mtu_generation;
}

/* Forgets what is old. Returns when the next will be. */
uint64_t pmtu_tick(struct net *net, struct now now)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned i = 0; i < NET_PMTU_SETS * NET_PMTU_WAYS; i++) {
		struct pmtu *entry = &net->pmtus[i];

		if (entry->mtu == 0)
			continue;
		if (now.us >= entry->learned_us + AGE_US) {
			entry->mtu = 0;
			net->mtu_generation++;
			metric_inc(net->metrics, METRIC_path_mtus_aged);
		} else if (entry->learned_us + AGE_US < next_us) {
			next_us = entry->learned_us + AGE_US;
		}
	}
	return next_us;
}
