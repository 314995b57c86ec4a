#include "conflict.h"

#include <arpa/inet.h>

#include "base/log.h"

void conflict_note(struct conflict *conflict, const struct net_news *news)
{
	/* Acquire: pairs with the release in conflict_log(); what was there has been read. */
	if (atomic_load_explicit(&conflict->full, memory_order_acquire))
		return;
	conflict->news = *news;
	/* Release: pairs with the acquire in conflict_log(). */
	atomic_store_explicit(&conflict->full, true, memory_order_release);
}

bool conflict_log(struct conflict *conflict, const char *const port_names[])
{
	const struct net_news *news = &conflict->news;
	const uint8_t         *mac = news->mac;
	char                   address[INET6_ADDRSTRLEN] = "";

	if (!atomic_load_explicit(&conflict->full, memory_order_acquire))
		return false;
	inet_ntop(news->address.ip6 ? AF_INET6 : AF_INET, news->address.w, address,
		  sizeof(address));
	log_warn(news->kind == NET_NEWS_DUPLICATE ? "address.duplicate" : "address.conflict",
		 "port=%s address=%s mac=%02x:%02x:%02x:%02x:%02x:%02x %s", port_names[news->port],
		 address, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
		 news->kind == NET_NEWS_DUPLICATE ? "and is not used" : "and is defended");
	atomic_store_explicit(&conflict->full, false, memory_order_release);
	return true;
}
