/* ARP (RFC 826) for IPv4 over Ethernet; whose addresses are ours, local.c knows. */
#include <string.h>

#include <rte_byteorder.h>

#include "base/cur.h"
#include "base/put.h"
#include "net/state.h"

#define OPERATION_REQUEST 1
#define OPERATION_REPLY 2
#define FRAME_SIZE 60u /* the shortest of Ethernet, without its check sequence */

static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void arp_send(struct net *net, unsigned port, uint16_t operation, const uint8_t to[6],
		     const struct net_addr *sender, const uint8_t target_mac[6],
		     const struct net_addr *target)
{
	const uint8_t   *mac = net->config.ports[port].mac;
	struct rte_mbuf *m = net_mbuf_new(net);
	struct put       w;
	uint8_t         *at;

	if (m == NULL) {
		metric_inc(net->metrics, METRIC_net_no_memory);
		return;
	}
	at = (uint8_t *)rte_pktmbuf_append(m, FRAME_SIZE);
	memset(at, 0, FRAME_SIZE);
	w = put_to(at, FRAME_SIZE);
	put_bytes(&w, to, 6);
	put_bytes(&w, mac, 6);
	put_be16(&w, NET_TYPE_ARP);
	put_be16(&w, 1); /* Ethernet */
	put_be16(&w, NET_TYPE_IP4);
	put_u8(&w, 6);
	put_u8(&w, 4);
	put_be16(&w, operation);
	put_bytes(&w, mac, 6);
	put_bytes(&w, sender->w, 4);
	put_bytes(&w, target_mac, 6);
	put_bytes(&w, target->w, 4);
	metric_inc(net->metrics, operation == OPERATION_REQUEST ? METRIC_arp_requests_out
								: METRIC_arp_replies_out);
	net_tx_append(net, port, m);
}

void arp_request(struct net *net, unsigned port, const struct net_addr *sender,
		 const struct net_addr *target, const uint8_t *unicast)
{
	static const uint8_t unknown[6];

	arp_send(net, port, OPERATION_REQUEST, unicast != NULL ? unicast : everyone, sender,
		 unknown, target);
}

struct arp {
	uint16_t        operation;
	const uint8_t  *sender_mac;
	struct net_addr sender, target;
};

static bool arp_read(const struct rte_mbuf *m, struct arp *arp)
{
	struct cur     in = cur_of(rte_pktmbuf_mtod_offset(m, const uint8_t *, NET_ETHER_HEADER),
				   m->data_len - NET_ETHER_HEADER);
	const uint8_t *sender, *target;
	uint64_t       kind = (uint64_t)cur_be32(&in) << 16 | cur_be16(&in);

	arp->operation = cur_be16(&in);
	arp->sender_mac = cur_bytes(&in, 6);
	sender = cur_bytes(&in, 4);
	cur_bytes(&in, 6);
	target = cur_bytes(&in, 4);
	if (in.failed || kind != 0x000108000604ull || (arp->sender_mac[0] & 1) != 0 ||
	    (arp->operation != OPERATION_REQUEST && arp->operation != OPERATION_REPLY))
		return false;
	arp->sender = (struct net_addr){0};
	arp->target = (struct net_addr){0};
	memcpy(arp->sender.w, sender, 4);
	memcpy(arp->target.w, target, 4);
	return true;
}

void arp_input(struct net *net, struct now now, unsigned port, struct rte_mbuf *m)
{
	const uint8_t    *mac = net->config.ports[port].mac;
	struct arp        arp;
	struct net_local *mine, *claimed;

	metric_inc(net->metrics, METRIC_arp_in);
	if (!arp_read(m, &arp)) {
		net_drop(net, m, METRIC_arp_dropped_malformed);
		return;
	}
	if (memcmp(arp.sender_mac, mac, 6) == 0) { /* our own, come back */
		rte_pktmbuf_free(m);
		return;
	}
	mine = local_find(net, &arp.target, port);
	claimed = local_find(net, &arp.sender, port);
	if (claimed != NULL && claimed->state != LOCAL_DUPLICATE)
		local_conflict(net, now, claimed, arp.sender_mac);
	else if (arp.sender.w[0] == 0 && mine != NULL && mine->state == LOCAL_TENTATIVE)
		local_conflict(net, now, mine, arp.sender_mac); /* he asks for the same */
	else if (arp.sender.w[0] != 0 && local_on_link(net, &arp.sender, port)) {
		bool asks = arp.operation == OPERATION_REQUEST && mine != NULL;

		neighbour_seen(net, now, &arp.sender, arp.sender_mac, port, asks);
		if (mine != NULL) /* maybe the answer to another worker's question */
			neighbour_tell(net, NET_NEWS_NEIGHBOUR, &arp.sender, arp.sender_mac, port);
		else if (net_addr_same(&arp.sender, &arp.target)) /* an announcement */
			neighbour_tell(net, NET_NEWS_MOVED, &arp.sender, arp.sender_mac, port);
	}
	if (arp.operation == OPERATION_REQUEST && mine != NULL && mine->state == LOCAL_VALID)
		arp_send(net, port, OPERATION_REPLY, arp.sender_mac, &mine->address, arp.sender_mac,
			 &arp.sender);
	rte_pktmbuf_free(m);
}
