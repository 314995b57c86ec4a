#include <errno.h>
#include <string.h>

#include "tcp/segment.h"

static bool same_address(const struct net_addr *a, const struct net_addr *b)
{
	return a->ip6 == b->ip6 && memcmp(a->w, b->w, a->ip6 ? 16 : 4) == 0;
}

static bool is_any(const struct net_addr *a)
{
	return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

/* The listener of exactly this address, else the one of any. */
const struct tcp_listener *tcp_listener_find(const struct tcp *tcp, const struct net_addr *address,
					     uint16_t port)
{
	const struct tcp_listener *any = NULL;

	if (tcp->hushed)
		return NULL;
	for (uint32_t i = 0; i < tcp->listener_count; i++) {
		const struct tcp_listener *listener = &tcp->listeners[i];

		if (listener->port != port || listener->address.ip6 != address->ip6)
			continue;
		if (listener->any)
			any = listener;
		else if (same_address(&listener->address, address))
			return listener;
	}
	return any;
}

static struct tcp_listener *find_exact(struct tcp *tcp, const struct net_addr *address,
				       uint16_t port)
{
	for (uint32_t i = 0; i < tcp->listener_count; i++) {
		if (tcp->listeners[i].port == port &&
		    same_address(&tcp->listeners[i].address, address))
			return &tcp->listeners[i];
	}
	return NULL;
}

int tcp_listen(struct tcp *tcp, const struct net_addr *address, uint16_t port,
	       const struct tcp_options *options, uint64_t user)
{
	struct tcp_listener *listener;

	ASSERT(port != 0);
	if (find_exact(tcp, address, port) != NULL)
		return -EADDRINUSE;
	if (tcp->listener_count == TCP_LISTENERS_MAX)
		return -ENOSPC;
	listener = &tcp->listeners[tcp->listener_count++];
	*listener = (struct tcp_listener){.address = *address,
					  .options = *options,
					  .user = user,
					  .port = port,
					  .any = is_any(address)};
	tcp_options_complete(&listener->options);
	return 0;
}

void tcp_listen_stop(struct tcp *tcp, const struct net_addr *address, uint16_t port)
{
	struct tcp_listener *listener = find_exact(tcp, address, port);

	if (listener != NULL)
		*listener = tcp->listeners[--tcp->listener_count];
}

void tcp_hush(struct tcp *tcp, bool hushed)
{
	tcp->hushed = hushed;
}
