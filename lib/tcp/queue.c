/* The send queue: pieces of at most one MSS, each in one mbuf, oldest first. Sent and
 * unacknowledged ones come before chunk_next. */
#include <string.h>

#include "tcp/segment.h"

static uint32_t chunk_take(struct tcp *tcp)
{
	uint32_t index = tcp->chunk_free;

	if (index != TCP_NONE)
		tcp->chunk_free = tcp_chunk_at(tcp, index)->next;
	return index;
}

static void chunk_give(struct tcp *tcp, uint32_t index)
{
	struct tcp_chunk *chunk = tcp_chunk_at(tcp, index);

	if (chunk->mbuf != NULL)
		rte_pktmbuf_free(chunk->mbuf);
	chunk->mbuf = NULL;
	chunk->next = tcp->chunk_free;
	tcp->chunk_free = index;
}

static struct tcp_chunk *chunk_link(struct tcp *tcp, struct tcp_conn *conn, struct rte_mbuf *mbuf)
{
	uint32_t          index = chunk_take(tcp);
	struct tcp_chunk *chunk;

	if (index == TCP_NONE)
		return NULL;
	chunk = tcp_chunk_at(tcp, index);
	*chunk = (struct tcp_chunk){
		.mbuf = mbuf, .seq = conn->snd_end, .next = TCP_NONE, .skip = TCP_NONE};
	if (mbuf != NULL)
		chunk->offset = mbuf->data_off;
	if (conn->chunk_tail != TCP_NONE)
		tcp_chunk_at(tcp, conn->chunk_tail)->next = index;
	else
		conn->chunk_head = index;
	conn->chunk_tail = index;
	if (conn->chunk_next == TCP_NONE)
		conn->chunk_next = index;
	conn->chunks++;
	return chunk;
}

static struct rte_mbuf *payload_mbuf(struct tcp *tcp)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(tcp->pool);

	if (mbuf == NULL) {
		metric_inc(tcp->metrics, METRIC_tcp_no_memory);
		return NULL;
	}
	mbuf->data_off = NET_HEADROOM + TCP_HEADER_MAX;
	return mbuf;
}

/* SYN or FIN: on the last piece where that was not sent yet, else a piece of its own. */
struct tcp_chunk *tcp_queue_control(struct tcp *tcp, struct tcp_conn *conn, uint8_t flag)
{
	struct tcp_chunk *chunk = NULL;

	if (flag == TCP_CHUNK_FIN && conn->chunk_next != TCP_NONE)
		chunk = tcp_chunk_at(tcp, conn->chunk_tail);
	if (chunk == NULL)
		chunk = chunk_link(tcp, conn, NULL);
	if (chunk == NULL)
		return NULL;
	chunk->flags |= flag;
	conn->snd_end++;
	return chunk;
}

/* The unsent piece at the end, if bytes still fit there. */
static struct tcp_chunk *tail_with_room(struct tcp *tcp, const struct tcp_conn *conn)
{
	struct tcp_chunk *chunk;

	if (conn->chunk_next == TCP_NONE)
		return NULL;
	chunk = tcp_chunk_at(tcp, conn->chunk_tail);
	if (chunk->mbuf == NULL || chunk->flags != 0 || chunk->len >= conn->mss ||
	    chunk->offset + chunk->len >= chunk->mbuf->buf_len)
		return NULL;
	return chunk;
}

uint32_t tcp_queue_append(struct tcp *tcp, struct tcp_conn *conn, const void *bytes, uint32_t n)
{
	const uint8_t *from = bytes;
	uint32_t       taken = 0;

	while (taken < n) {
		struct tcp_chunk *chunk = tail_with_room(tcp, conn);
		uint32_t          room, part = n - taken;

		if (chunk == NULL) {
			struct rte_mbuf *mbuf;

			if (conn->chunks >= TCP_CHUNKS_MAX)
				break;
			mbuf = payload_mbuf(tcp);
			if (mbuf == NULL)
				break;
			chunk = chunk_link(tcp, conn, mbuf);
			if (chunk == NULL) {
				rte_pktmbuf_free(mbuf);
				break;
			}
		}
		room = chunk->mbuf->buf_len - chunk->offset - chunk->len;
		if (room > (uint32_t)conn->mss - chunk->len)
			room = (uint32_t)conn->mss - chunk->len;
		if (part > room)
			part = room;
		memcpy((uint8_t *)chunk->mbuf->buf_addr + chunk->offset + chunk->len, from + taken,
		       part);
		chunk->len = (uint16_t)(chunk->len + part);
		conn->snd_end += part;
		taken += part;
	}
	return taken;
}

/* The window takes only part of an unsent piece: its first len bytes become a piece of their own,
 * by copy. */
bool tcp_queue_split(struct tcp *tcp, struct tcp_conn *conn, struct tcp_chunk *chunk, uint16_t len)
{
	struct rte_mbuf  *mbuf = payload_mbuf(tcp);
	uint32_t          index;
	struct tcp_chunk *rest;

	ASSERT(len > 0 && len < chunk->len);
	if (mbuf == NULL)
		return false;
	index = chunk_take(tcp);
	if (index == TCP_NONE) {
		rte_pktmbuf_free(mbuf);
		return false;
	}
	/* The new descriptor follows and keeps the old mbuf; the old descriptor, which others point
	 * to, gets the copy. */
	rest = tcp_chunk_at(tcp, index);
	*rest = *chunk;
	memcpy(rte_pktmbuf_mtod(mbuf, uint8_t *), (uint8_t *)chunk->mbuf->buf_addr + chunk->offset,
	       len);
	chunk->mbuf = mbuf;
	chunk->offset = mbuf->data_off;
	chunk->len = len;
	chunk->next = index;
	chunk->flags &= (uint8_t)~TCP_CHUNK_FIN;
	rest->seq += len;
	rest->offset = (uint16_t)(rest->offset + len);
	rest->len = (uint16_t)(rest->len - len);
	if (tcp_chunk_at(tcp, conn->chunk_tail) == chunk)
		conn->chunk_tail = index;
	conn->chunks++;
	tcp_sack_split(tcp, conn, (uint32_t)(chunk - tcp->chunks));
	return true;
}

void tcp_queue_drop_head(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t index = conn->chunk_head;

	ASSERT_HOT(index != TCP_NONE && index != conn->chunk_next);
	conn->chunk_head = tcp_chunk_at(tcp, index)->next;
	if (conn->chunk_head == TCP_NONE)
		conn->chunk_tail = TCP_NONE;
	conn->chunks--;
	chunk_give(tcp, index);
}

void tcp_queue_free(struct tcp *tcp, struct tcp_conn *conn)
{
	while (conn->chunk_head != TCP_NONE) {
		uint32_t index = conn->chunk_head;

		conn->chunk_head = tcp_chunk_at(tcp, index)->next;
		chunk_give(tcp, index);
	}
	conn->chunk_next = conn->chunk_tail = TCP_NONE;
	conn->chunk_rack = conn->lost_head = conn->again_head = TCP_NONE;
	conn->sacked = conn->lost = conn->sacked_pieces = 0;
	conn->chunks = 0;
}
