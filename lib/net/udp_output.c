/* Datagrams out: the way to a remote, header and checksum, and a note for ICMP errors. */
#include <string.h>

#include "base/assert.h"
#include "base/put.h"
#include "net/sum.h"
#include "net/udp_state.h"

static struct net_path *path_find(struct net *net, struct now now, const struct net_addr *remote)
{
	uint64_t         key = hash_mix((uint64_t)remote->w[0] << 32 | remote->w[3]);
	struct udp_path *place = &net->udp->paths[key % UDP_PATHS];

	if (!place->used || !net_addr_same(&place->remote, remote)) {
		place->used = net_path_find(net, now, remote, &place->path);
		place->remote = *remote;
	}
	if (!place->used)
		return NULL;
	if (place->path.mtu_generation != net->mtu_generation)
		net_path_mtu_follow(net, remote, &place->path);
	return &place->path;
}

static void header_make(struct datagram_out *out, uint16_t local_port, uint16_t remote_port)
{
	struct put w = put_to(out->header, DATAGRAM_HEADER);
	uint16_t   checksum;

	put_be16(&w, local_port);
	put_be16(&w, remote_port);
	put_be16(&w, (uint16_t)out->size);
	put_be16(&w, 0);
	checksum = sum_checksum(sum_bytes(out->bytes, out->size - DATAGRAM_HEADER) +
				sum_few(out->header, DATAGRAM_HEADER) +
				sum_pseudo(&out->local, &out->remote, NET_PROTOCOL_UDP, out->size));
	if (checksum == 0) /* 0 says that there is none */
		checksum = 0xffff;
	memcpy(out->header + 6, &checksum, 2);
}

static void sent_note(struct net *net, struct now now, const struct net_udp_flow *flow,
		      const struct datagram_out *out)
{
	struct cur header = cur_of(out->header + 4, 4);
	uint32_t   mark = cur_be32(&header);

	*udp_sent_place(net->udp, &flow->remote, mark) =
		(struct udp_sent){.remote = flow->remote,
				  .local_port = flow->local_port,
				  .remote_port = flow->remote_port,
				  .mark = mark,
				  .sent_us = now.us};
}

bool net_udp_send(struct net *net, struct now now, const struct net_udp_flow *flow,
		  const void *bytes, size_t n)
{
	struct datagram_out out = {.local = flow->local,
				   .remote = flow->remote,
				   .protocol = NET_PROTOCOL_UDP,
				   .bytes = bytes,
				   .size = (uint32_t)(n + DATAGRAM_HEADER)};

	ASSERT(n <= NET_UDP_SIZE_MAX);
	out.path = path_find(net, now, &flow->remote);
	if (out.path == NULL) {
		metric_inc(net->metrics, METRIC_udp_no_routes);
		return false;
	}
	if (net_addr_is_any(&out.local))
		out.local = *net_path_source(net, out.path);
	header_make(&out, flow->local_port, flow->remote_port);
	if (!datagram_send(net, now, &out))
		return false;
	metric_inc(net->metrics, METRIC_udp_out_datagrams);
	sent_note(net, now, flow, &out);
	return true;
}
