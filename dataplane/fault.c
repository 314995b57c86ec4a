#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "base/assert.h"
#include "base/cur.h"
#include "base/hash.h"
#include "base/random.h"

#define HELD_MAX 2048u
#define REORDER_US_MAX 1000u /* what overtakes a packet held back comes within this time */
#define THOUSAND 1000u

struct held {
	uint64_t         due_us, order; /* order: among those due at once, first in, first out */
	struct rte_mbuf *m;
};

/* One direction of one worker. */
struct fault_line {
	uint32_t            version; /* that these follow: */
	uint32_t            loss, duplicate, reorder, corrupt, delay;
	struct random       random;
	struct rte_mempool *pool;
	struct metrics     *metrics;
	uint64_t            order;
	unsigned            held_count;
	struct held         held[HELD_MAX]; /* a heap, the first due on top */
};

void faults_free(struct faults *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < 2 * f->workers; i++) {
		struct fault_line *line = f->lines[i];

		for (unsigned h = 0; line != NULL && h < line->held_count; h++)
			rte_pktmbuf_free(line->held[h].m);
		free(line);
	}
	free(f->lines);
	free(f);
}

struct faults *faults_new(unsigned workers, struct rte_mempool *const pools[],
			  struct metrics metrics[])
{
	struct faults *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->lines = calloc(2 * workers, sizeof(struct fault_line *));
	if (f->lines == NULL)
		goto free_all;
	f->workers = workers;
	for (unsigned i = 0; i < 2 * workers; i++) {
		f->lines[i] = calloc(1, sizeof(*f->lines[i]));
		if (f->lines[i] == NULL)
			goto free_all;
		f->lines[i]->pool = pools[i / 2];
		f->lines[i]->metrics = &metrics[i / 2];
	}
	return f;
free_all:
	faults_free(f);
	return NULL;
}

void faults_set(struct faults *f, const struct conf_fault *wanted)
{
	/* One that reads between two of these follows a mixture for one turn, and the rest after.
	 */
	atomic_store_explicit(&f->loss, wanted->loss, memory_order_relaxed);
	atomic_store_explicit(&f->duplicate, wanted->duplicate, memory_order_relaxed);
	atomic_store_explicit(&f->reorder, wanted->reorder, memory_order_relaxed);
	atomic_store_explicit(&f->corrupt, wanted->corrupt, memory_order_relaxed);
	atomic_store_explicit(&f->delay, wanted->delay, memory_order_relaxed);
	atomic_store_explicit(&f->direction, wanted->direction, memory_order_relaxed);
	atomic_store_explicit(&f->seed, wanted->seed, memory_order_relaxed);
	/* Release: pairs with the acquire in line_follow(). */
	atomic_fetch_add_explicit(&f->version, 1, memory_order_release);
}

static size_t rate_print(char *room, size_t size, size_t at, const char *name, uint32_t value)
{
	if (value == 0 || at >= size)
		return at;
	return at +
	       (size_t)snprintf(room + at, size - at, "%s%s=%u", at > 0 ? " " : "", name, value);
}

void faults_print(const struct faults *f, char *room, size_t size)
{
	static const char *const directions[] = {"", " direction=rx", " direction=tx"};
	size_t                   at = 0;

	room[0] = '\0';
	at = rate_print(room, size, at, "loss", f->loss);
	at = rate_print(room, size, at, "duplicate", f->duplicate);
	at = rate_print(room, size, at, "reorder", f->reorder);
	at = rate_print(room, size, at, "corrupt", f->corrupt);
	at = rate_print(room, size, at, "delay", f->delay);
	if (at > 0 && at < size)
		snprintf(room + at, size - at, "%s", directions[f->direction]);
}

/* ---- the heap ---- */

static bool earlier_of(const struct held *a, const struct held *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void heap_up(struct held heap[], unsigned i)
{
	struct held moved = heap[i];

	for (; i > 0 && earlier_of(&moved, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = moved;
}

static void heap_down(struct held heap[], unsigned n)
{
	struct held moved = heap[n];
	unsigned    i = 0;

	for (unsigned child = 1; child < n; child = 2 * i + 1) {
		if (child + 1 < n && earlier_of(&heap[child + 1], &heap[child]))
			child++;
		if (!earlier_of(&heap[child], &moved))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moved;
}

static void hold(struct fault_line *line, uint64_t due_us, struct rte_mbuf *m)
{
	if (line->held_count == HELD_MAX) {
		metric_inc(line->metrics, METRIC_faults_held_dropped);
		rte_pktmbuf_free(m);
		return;
	}
	line->held[line->held_count] = (struct held){due_us, line->order++, m};
	heap_up(line->held, line->held_count++);
}

/* ---- what happens to a packet ---- */

static void line_follow(const struct faults *f, struct fault_line *line, unsigned number)
{
	/* Acquire: pairs with the release in faults_set(). */
	uint32_t version = atomic_load_explicit(&f->version, memory_order_acquire);
	uint32_t direction = atomic_load_explicit(&f->direction, memory_order_relaxed);
	bool     on = direction == CONF_FAULT_BOTH ||
		  direction == (number % 2 == FAULT_RX ? CONF_FAULT_RX : CONF_FAULT_TX);

	line->version = version;
	line->loss = on ? atomic_load_explicit(&f->loss, memory_order_relaxed) : 0;
	line->duplicate = on ? atomic_load_explicit(&f->duplicate, memory_order_relaxed) : 0;
	line->reorder = on ? atomic_load_explicit(&f->reorder, memory_order_relaxed) : 0;
	line->corrupt = on ? atomic_load_explicit(&f->corrupt, memory_order_relaxed) : 0;
	line->delay = on ? atomic_load_explicit(&f->delay, memory_order_relaxed) : 0;
	random_seed(&line->random,
		    hash_mix(atomic_load_explicit(&f->seed, memory_order_relaxed) + number));
}

static bool happens(struct fault_line *line, uint32_t per_thousand)
{
	return per_thousand > 0 && random_below(&line->random, THOUSAND) < per_thousand;
}

static bool is_ip(const struct rte_mbuf *m)
{
	struct cur frame = cur_of(rte_pktmbuf_mtod(m, const void *), m->data_len);
	uint16_t   type;

	cur_bytes(&frame, 2 * RTE_ETHER_ADDR_LEN);
	type = cur_be16(&frame);
	if (type == RTE_ETHER_TYPE_VLAN) {
		cur_be16(&frame);
		type = cur_be16(&frame);
	}
	return cur_left(&frame) > sizeof(struct rte_ipv4_hdr) &&
	       (type == RTE_ETHER_TYPE_IPV4 || type == RTE_ETHER_TYPE_IPV6);
}

/* The checksums that the device was to fill in, from a packet in one piece: else it would make the
 * turned bit right. */
static bool checksums_fill(struct rte_mbuf *m)
{
	const uint64_t wanted = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK;
	uint8_t       *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len);

	if ((m->ol_flags & (wanted | RTE_MBUF_F_TX_TCP_SEG)) == 0)
		return true;
	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 || m->nb_segs > 1)
		return false;
	if ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0) {
		((struct rte_ipv4_hdr *)ip)->hdr_checksum = 0;
		((struct rte_ipv4_hdr *)ip)->hdr_checksum = rte_ipv4_cksum((void *)ip);
	}
	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
		rte_be16_t *sum = (rte_be16_t *)(ip + m->l3_len + 16);

		*sum = 0;
		*sum = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0
			       ? rte_ipv6_udptcp_cksum((void *)ip, ip + m->l3_len)
			       : rte_ipv4_udptcp_cksum((void *)ip, ip + m->l3_len);
	}
	m->ol_flags &= ~wanted;
	return true;
}

/* Turns one bit of a copy, because TCP keeps what it sent. Takes m; gives back what goes on. */
static struct rte_mbuf *corrupted(struct fault_line *line, struct rte_mbuf *m)
{
	struct rte_mbuf *c = rte_pktmbuf_copy(m, line->pool, 0, UINT32_MAX);
	uint32_t         at;

	if (c == NULL)
		return m;
	if (!checksums_fill(c)) {
		rte_pktmbuf_free(c);
		return m;
	}
	rte_pktmbuf_free(m);
	at = RTE_ETHER_HDR_LEN + random_below(&line->random, c->data_len - RTE_ETHER_HDR_LEN);
	*rte_pktmbuf_mtod_offset(c, uint8_t *, at) ^=
		(uint8_t)(1u << random_below(&line->random, 8));
	/* The device has found the sums right before. */
	c->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	metric_inc(line->metrics, METRIC_faults_corrupted);
	return c;
}

static void pass(struct fault_line *line, uint64_t now_us, struct rte_mbuf *m)
{
	uint64_t due_us = now_us + line->delay;

	if (happens(line, line->loss)) {
		metric_inc(line->metrics, METRIC_faults_lost);
		rte_pktmbuf_free(m);
		return;
	}
	if (happens(line, line->duplicate)) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, line->pool, 0, UINT32_MAX);

		if (copy != NULL) {
			metric_inc(line->metrics, METRIC_faults_duplicated);
			hold(line, due_us, copy);
		}
	}
	if (happens(line, line->corrupt) && is_ip(m))
		m = corrupted(line, m);
	if (happens(line, line->reorder)) {
		metric_inc(line->metrics, METRIC_faults_reordered);
		due_us += 1 + random_below(&line->random, REORDER_US_MAX);
	}
	if (line->delay > 0)
		metric_inc(line->metrics, METRIC_faults_delayed);
	hold(line, due_us, m);
}

void faults_put(struct faults *f, unsigned worker, enum fault_direction d, uint64_t now_us,
		struct rte_mbuf *const pkts[], unsigned n)
{
	unsigned           number = 2 * worker + d;
	struct fault_line *line = f->lines[number];

	ASSERT_HOT(worker < f->workers);
	if (line->version != atomic_load_explicit(&f->version, memory_order_relaxed))
		line_follow(f, line, number);
	for (unsigned i = 0; i < n; i++)
		pass(line, now_us, pkts[i]);
}

unsigned faults_take(struct faults *f, unsigned worker, enum fault_direction d, uint64_t now_us,
		     struct rte_mbuf *pkts[], unsigned max)
{
	struct fault_line *line = f->lines[2 * worker + d];
	unsigned           n = 0;

	while (n < max && line->held_count > 0 && line->held[0].due_us <= now_us) {
		pkts[n++] = line->held[0].m;
		line->held_count--;
		heap_down(line->held, line->held_count);
	}
	return n;
}

void faults_return(struct faults *f, unsigned worker, enum fault_direction d,
		   struct rte_mbuf *const pkts[], unsigned n)
{
	/* Due at 0, in their order: before all others. */
	for (unsigned i = 0; i < n; i++)
		hold(f->lines[2 * worker + d], 0, pkts[i]);
}
