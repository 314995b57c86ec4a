#include "tcp/segment.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "base/cur.h"
#include "base/put.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMP = 8,
};

static void option_take(struct tcp_segment *segment, uint8_t kind, struct cur body)
{
	size_t size = cur_left(&body);

	switch (kind) {
	case OPTION_MSS:
		if (size == 2 && segment->flags & TCP_SYN)
			segment->mss = cur_be16(&body);
		break;
	case OPTION_SCALE:
		if (size == 1 && segment->flags & TCP_SYN) {
			segment->scale = cur_u8(&body);
			segment->has_scale = true;
			if (segment->scale > 14)
				segment->scale = 14; /* RFC 7323, 2.3 */
		}
		break;
	case OPTION_SACK_PERMITTED:
		segment->sack_permitted = size == 0 && segment->flags & TCP_SYN;
		break;
	case OPTION_SACK:
		for (segment->sack_count = 0;
		     segment->sack_count < TCP_SACK_MAX && cur_left(&body) >= 8;
		     segment->sack_count++) {
			segment->sack[segment->sack_count][0] = cur_be32(&body);
			segment->sack[segment->sack_count][1] = cur_be32(&body);
		}
		break;
	case OPTION_TIMESTAMP:
		if (size == 8) {
			segment->ts_value = cur_be32(&body);
			segment->ts_echo = cur_be32(&body);
			segment->has_timestamp = true;
		}
		break;
	}
}

/* RFC 9293, 3.2: an option that does not fit ends the list; what came before it counts. */
static void options_take(struct tcp_segment *segment, struct cur c)
{
	while (cur_left(&c) > 0) {
		uint8_t    kind = cur_u8(&c), size;
		struct cur body;

		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NOP)
			continue;
		size = cur_u8(&c);
		if (c.failed || size < 2)
			return;
		body = cur_sub(&c, size - 2u);
		if (c.failed)
			return;
		option_take(segment, kind, body);
	}
}

/* Addresses, and how many bytes the IP packet has behind its header. */
static bool ip_take(struct tcp_segment *segment, const uint8_t *ip, unsigned l3_len, uint32_t *size)
{
	uint16_t total;

	memset(&segment->key, 0, sizeof(segment->key));
	if (ip[0] >> 4 == 4 && l3_len >= 20) {
		total = (uint16_t)(ip[2] << 8 | ip[3]);
		if (total < l3_len)
			return false;
		*size = total - l3_len;
		memcpy(&segment->key.remote.w[0], ip + 12, 4);
		memcpy(&segment->key.local.w[0], ip + 16, 4);
		return true;
	}
	if (ip[0] >> 4 == 6 && l3_len >= 40) {
		total = (uint16_t)(ip[4] << 8 | ip[5]);
		if (total + 40u < l3_len)
			return false;
		*size = total + 40u - l3_len;
		segment->key.local.ip6 = segment->key.remote.ip6 = true;
		memcpy(segment->key.remote.w, ip + 8, 16);
		memcpy(segment->key.local.w, ip + 24, 16);
		return true;
	}
	return false;
}

static bool header_take(struct tcp_segment *segment, struct cur c, unsigned *header_size)
{
	uint16_t offset_flags;

	segment->key.remote_port = cur_be16(&c);
	segment->key.local_port = cur_be16(&c);
	segment->seq = cur_be32(&c);
	segment->ack = cur_be32(&c);
	offset_flags = cur_be16(&c);
	segment->window = cur_be16(&c);
	cur_be32(&c); /* checksum: verified; urgent pointer: data stays inline (RFC 6093) */
	segment->flags = (uint8_t)(offset_flags & 0x1f);
	*header_size = (offset_flags >> 12) * 4u;
	if (c.failed || *header_size < 20)
		return false;
	options_take(segment, cur_sub(&c, *header_size - 20u));
	return true;
}

bool tcp_segment_parse(struct rte_mbuf *mbuf, struct tcp_segment *segment)
{
	unsigned before = mbuf->l2_len + mbuf->l3_len, header_size;
	uint8_t *start = rte_pktmbuf_mtod(mbuf, uint8_t *);
	uint32_t size, header_max;

	segment->mbuf = mbuf;
	segment->mss = 0;
	segment->has_timestamp = segment->has_scale = segment->sack_permitted = false;
	segment->sack_count = 0;
	if (mbuf->l3_len < 20 || mbuf->data_len < before + 20u)
		return false;
	if (!ip_take(segment, start + mbuf->l2_len, mbuf->l3_len, &size) ||
	    mbuf->pkt_len < before + size)
		return false;
	header_max = mbuf->data_len - before;
	if (!header_take(segment, cur_of(start + before, size < header_max ? size : header_max),
			 &header_size) ||
	    header_size > size || header_size > header_max)
		return false;
	segment->len = size - header_size;
	if (mbuf->pkt_len > before + size)
		tcp_segment_cut_back(mbuf, before + size); /* padding of the link */
	rte_pktmbuf_adj(mbuf, (uint16_t)(before + header_size));
	return true;
}

struct rte_mbuf *tcp_segment_cut_front(struct rte_mbuf *mbuf, uint32_t n)
{
	while (mbuf != NULL && n >= mbuf->data_len) {
		struct rte_mbuf *next = mbuf->next;

		n -= mbuf->data_len;
		if (next != NULL) {
			next->pkt_len = mbuf->pkt_len - mbuf->data_len;
			next->nb_segs = (uint16_t)(mbuf->nb_segs - 1);
		}
		mbuf->next = NULL;
		mbuf->nb_segs = 1;
		rte_pktmbuf_free_seg(mbuf);
		mbuf = next;
	}
	if (mbuf != NULL && n > 0) {
		mbuf->data_off = (uint16_t)(mbuf->data_off + n);
		mbuf->data_len = (uint16_t)(mbuf->data_len - n);
		mbuf->pkt_len -= n;
	}
	return mbuf;
}

void tcp_segment_cut_back(struct rte_mbuf *mbuf, uint32_t keep)
{
	struct rte_mbuf *last = mbuf;
	uint32_t         left = keep;
	uint16_t         segments = 1;

	while (left > last->data_len) {
		left -= last->data_len;
		last = last->next;
		segments++;
	}
	last->data_len = (uint16_t)left;
	if (last->next != NULL)
		rte_pktmbuf_free(last->next);
	last->next = NULL;
	mbuf->nb_segs = segments;
	mbuf->pkt_len = keep;
}

void tcp_segment_prepend(struct rte_mbuf *mbuf, const struct tcp_header *header)
{
	uint16_t            size = (uint16_t)(sizeof(struct rte_tcp_hdr) + header->options_size);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(void *)rte_pktmbuf_prepend(mbuf, size);

	ASSERT(tcp != NULL);
	tcp->src_port = rte_cpu_to_be_16(header->key->local_port);
	tcp->dst_port = rte_cpu_to_be_16(header->key->remote_port);
	tcp->sent_seq = rte_cpu_to_be_32(header->seq);
	tcp->recv_ack = rte_cpu_to_be_32(header->ack);
	tcp->data_off = (uint8_t)(size / 4 << 4);
	tcp->tcp_flags = header->flags;
	tcp->rx_win = rte_cpu_to_be_16(header->window);
	tcp->cksum = 0;
	tcp->tcp_urp = 0;
	memcpy(tcp + 1, header->options, header->options_size);
	mbuf->l4_len = size;
}

static struct put option_begin(struct tcp_header *header)
{
	return put_to(header->options + header->options_size,
		      sizeof(header->options) - header->options_size);
}

static void option_end(struct tcp_header *header, const struct put *w)
{
	ASSERT(!w->failed);
	header->options_size = (uint8_t)(header->options_size + put_size(w));
}

void tcp_option_mss(struct tcp_header *header, uint16_t mss)
{
	struct put w = option_begin(header);

	put_be16(&w, OPTION_MSS << 8 | 4);
	put_be16(&w, mss);
	option_end(header, &w);
}

void tcp_option_scale(struct tcp_header *header, uint8_t scale)
{
	struct put w = option_begin(header);

	put_be32(&w, (uint32_t)OPTION_NOP << 24 | OPTION_SCALE << 16 | 3 << 8 | scale);
	option_end(header, &w);
}

void tcp_option_sack_permitted(struct tcp_header *header)
{
	struct put w = option_begin(header);

	put_be32(&w,
		 (uint32_t)OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_SACK_PERMITTED << 8 | 2);
	option_end(header, &w);
}

void tcp_option_timestamp(struct tcp_header *header, uint32_t value, uint32_t echo)
{
	struct put w = option_begin(header);

	put_be32(&w, (uint32_t)OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_TIMESTAMP << 8 | 10);
	put_be32(&w, value);
	put_be32(&w, echo);
	option_end(header, &w);
}

void tcp_option_sack(struct tcp_header *header, const uint32_t ranges[][2], unsigned n)
{
	struct put w = option_begin(header);

	put_be32(&w,
		 (uint32_t)OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_SACK << 8 | (2 + 8 * n));
	for (unsigned i = 0; i < n; i++) {
		put_be32(&w, ranges[i][0]);
		put_be32(&w, ranges[i][1]);
	}
	option_end(header, &w);
}

void tcp_reply(struct tcp *tcp, const struct tcp_header *header)
{
	struct net_path  path;
	struct rte_mbuf *mbuf;

	if (!net_path_find(tcp->net, tcp->now, &header->key->remote, &path))
		return;
	mbuf = rte_pktmbuf_alloc(tcp->pool);
	if (mbuf == NULL) {
		metric_inc(tcp->metrics, METRIC_tcp_no_memory);
		return;
	}
	mbuf->data_off = NET_HEADROOM + TCP_HEADER_MAX;
	tcp_segment_prepend(mbuf, header);
	metric_inc(tcp->metrics, header->again ? METRIC_tcp_retrans_segs : METRIC_tcp_out_segs);
	net_output_tcp(tcp->net, tcp->now, &path, &header->key->local, &header->key->remote, mbuf);
}

void tcp_reply_reset(struct tcp *tcp, const struct tcp_segment *segment)
{
	struct tcp_header header = {.key = &segment->key, .flags = TCP_RST};

	if (segment->flags & TCP_RST)
		return;
	if (segment->flags & TCP_ACK) {
		header.seq = segment->ack;
	} else {
		header.ack = segment->seq + tcp_segment_space(segment);
		header.flags |= TCP_ACK;
	}
	metric_inc(tcp->metrics, METRIC_tcp_out_rsts);
	tcp_reply(tcp, &header);
}
