/* The tag of a VLAN (IEEE 802.1Q): off as soon as a frame comes, on as the last thing before it
 * goes, so that nothing in between knows of it. */
#include <string.h>

#include "base/cur.h"
#include "base/put.h"
#include "net/state.h"

#define ADDRESSES 12u
#define VLAN_ID 0x0fffu

/* RTE_MBUF_F_RX_VLAN_STRIPPED: the device took it off. A tag that names no VLAN gives a priority
 * only (6.9): 0 as for a frame without. */
bool vlan_take(struct rte_mbuf *m, uint16_t *vlan)
{
	uint8_t   *start = rte_pktmbuf_mtod(m, uint8_t *);
	struct cur frame = cur_of(start, m->data_len);

	*vlan = 0;
	if ((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
		*vlan = m->vlan_tci & VLAN_ID;
		return true;
	}
	cur_bytes(&frame, ADDRESSES);
	if (cur_be16(&frame) != NET_TYPE_VLAN)
		return !frame.failed;
	*vlan = cur_be16(&frame) & VLAN_ID;
	if (frame.failed)
		return false;
	memmove(start + NET_VLAN_TAG, start, ADDRESSES);
	rte_pktmbuf_adj(m, NET_VLAN_TAG);
	return true;
}

bool vlan_put(struct rte_mbuf *m, uint16_t vlan)
{
	uint8_t   *start = (uint8_t *)rte_pktmbuf_prepend(m, NET_VLAN_TAG);
	struct put w;

	if (start == NULL)
		return false;
	memmove(start, start + NET_VLAN_TAG, ADDRESSES);
	w = put_to(start + ADDRESSES, NET_VLAN_TAG);
	put_be16(&w, NET_TYPE_VLAN);
	put_be16(&w, vlan);
	m->l2_len = NET_ETHER_HEADER + NET_VLAN_TAG; /* for what the device puts in */
	return true;
}
