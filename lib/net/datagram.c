/* Datagrams out (UDP, echo): one packet where the path carries it, else fragments (RFC 791, RFC
 * 8200 4.5). TCP cuts its segments itself. */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/assert.h"
#include "base/put.h"
#include "net/ip6.h"
#include "net/sum.h"

#define FRAGMENTS_MAX 128u
#define FRAGMENT_HEADER 8u
#define FRAGMENT_NEXT 44
#define MORE_FRAGMENTS 0x2000u

/* RFC 7739 and RFC 6864: not to be guessed, and long not the same again; each worker has numbers of
 * its own. */
static uint32_t fragment_id(struct net *net)
{
	uint32_t n = net->fragment_id++;

	return n * net->config.workers + net->config.worker +
	       (uint32_t)hash_mix(net->config.shared_seed + 77);
}

static void ip4_put(uint8_t *at, const struct datagram_out *out, uint32_t offset, uint32_t n,
		    uint32_t id)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(void *)at;
	bool                 more = offset + n < out->size;

	ip4_header_write(at, (uint16_t)(NET_IP4_HEADER + n), out->protocol, out->local.w[0],
			 out->remote.w[0]);
	if (n == out->size)
		return; /* not to be fragmented: so the path MTU is found */
	ip->packet_id = rte_cpu_to_be_16((uint16_t)id);
	ip->fragment_offset =
		rte_cpu_to_be_16((uint16_t)(offset / 8 | (more ? MORE_FRAGMENTS : 0)));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = sum_checksum(sum_few(at, NET_IP4_HEADER));
}

static void ip6_put(uint8_t *at, const struct net *net, const struct datagram_out *out,
		    uint32_t offset, uint32_t n, uint32_t id)
{
	bool       whole = n == out->size;
	uint16_t   extra = whole ? 0 : FRAGMENT_HEADER;
	struct put w = put_to(at + NET_IP6_HEADER, extra);

	ip6_header_write(at, 0, (uint16_t)(extra + n), whole ? out->protocol : FRAGMENT_NEXT,
			 net->links6[out->path->port].hop_limit, &out->local, &out->remote);
	if (whole)
		return;
	put_u8(&w, out->protocol);
	put_u8(&w, 0);
	put_be16(&w, (uint16_t)(offset | (offset + n < out->size ? 1u : 0u)));
	put_be32(&w, id);
}

/* Bytes of the datagram, its header first, from offset on. */
static void bytes_put(uint8_t *at, const struct datagram_out *out, uint32_t offset, uint32_t n)
{
	uint32_t header = offset < DATAGRAM_HEADER ? DATAGRAM_HEADER - offset : 0;

	if (header > n)
		header = n;
	if (header > 0)
		memcpy(at, out->header + offset, header);
	if (n > header)
		memcpy(at + header, out->bytes + offset + header - DATAGRAM_HEADER, n - header);
}

static void piece_fill(struct rte_mbuf *m, const struct net *net, const struct datagram_out *out,
		       uint32_t offset, uint32_t n, uint32_t id)
{
	bool     ip6 = out->remote.ip6;
	uint32_t headers =
		ip6 ? NET_IP6_HEADER + (n == out->size ? 0 : FRAGMENT_HEADER) : NET_IP4_HEADER;
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(headers + n));

	ASSERT(at != NULL);
	if (ip6)
		ip6_put(at, net, out, offset, n, id);
	else
		ip4_put(at, out, offset, n, id);
	bytes_put(at + headers, out, offset, n);
}

/* How many bytes go in one packet: all, or what a fragment takes. */
static uint32_t piece_size(const struct net *net, const struct datagram_out *out)
{
	uint32_t header = out->remote.ip6 ? NET_IP6_HEADER : NET_IP4_HEADER;
	uint32_t most = out->path->mtu;
	uint32_t room = rte_pktmbuf_data_room_size(net->config.pool) - NET_HEADROOM;

	if (room < most)
		most = room;
	if (header + out->size <= most)
		return out->size;
	if (out->remote.ip6)
		header += FRAGMENT_HEADER;
	return (most - header) / 8 * 8;
}

static bool whole_send(struct net *net, struct now now, const struct datagram_out *out)
{
	struct rte_mbuf *m = net_mbuf_new(net);

	if (m == NULL) {
		metric_inc(net->metrics, METRIC_net_no_memory);
		return false;
	}
	piece_fill(m, net, out, 0, out->size, 0);
	output_ip(net, now, out->path, &out->remote, m);
	return true;
}

static bool fragments_send(struct net *net, struct now now, const struct datagram_out *out,
			   uint32_t size)
{
	struct rte_mbuf *pieces[FRAGMENTS_MAX];
	uint32_t         count = (out->size + size - 1) / size, id;

	if (count > FRAGMENTS_MAX) {
		metric_inc(net->metrics, METRIC_ip_dropped_output);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		pieces[i] = net_mbuf_new(net);
		if (pieces[i] == NULL) { /* a part of a datagram is of no use */
			rte_pktmbuf_free_bulk(pieces, i);
			metric_inc(net->metrics, METRIC_net_no_memory);
			return false;
		}
	}
	id = fragment_id(net);
	metric_inc(net->metrics, METRIC_ip_frag_oks);
	metric_add(net->metrics, METRIC_ip_frag_creates, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t left = out->size - i * size;

		piece_fill(pieces[i], net, out, i * size, left < size ? left : size, id);
		output_ip(net, now, out->path, &out->remote, pieces[i]);
	}
	return true;
}

bool datagram_send(struct net *net, struct now now, const struct datagram_out *out)
{
	uint32_t size = piece_size(net, out);

	return size == out->size ? whole_send(net, now, out) : fragments_send(net, now, out, size);
}
