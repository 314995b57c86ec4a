/* The instance: its memory, its turn (segments in, timers, events, flush). */
#include "tcp/tcp.h"

#include <stdlib.h>
#include <string.h>

#include "tcp/segment.h"
#include "tcp/trace.h"

#define HALF_OPEN_DEFAULT 16384u
#define TIMERS_PER_TICK 128u

void tcp_time_is(struct tcp *tcp, struct now now)
{
	ASSERT_HOT(now.us != 0);
	tcp->now = now;
	tcp->now_ms = (uint32_t)(now.us / US_PER_MS);
	if (tcp->wheel.count == 0)
		tcp->wheel.now_ms = tcp->now_ms; /* nothing to fire between */
}

static void *lines_new(size_t n, size_t size)
{
	size_t bytes = (n * size + 63) & ~(size_t)63;
	void  *memory = aligned_alloc(64, bytes > 0 ? bytes : 64);

	if (memory != NULL)
		memset(memory, 0, bytes); /* touched now, so that no page is missing later */
	return memory;
}

static bool memory_new(struct tcp *tcp)
{
	/* One for each mbuf there is, and one SYN or FIN for each connection: so they never run out
	 * first. */
	uint32_t chunks = tcp->pool->size + tcp->conns_max;

	tcp->conns = lines_new(tcp->conns_max, sizeof(*tcp->conns));
	tcp->halves = lines_new(tcp->half_max, sizeof(*tcp->halves));
	tcp->time_waits = lines_new(tcp->time_wait_max, sizeof(*tcp->time_waits));
	tcp->chunks = lines_new(chunks, sizeof(*tcp->chunks));
	tcp->links = lines_new(chunks, sizeof(*tcp->links));
	tcp->received = lines_new(tcp->conns_max / 64 + 1, sizeof(*tcp->received));
	tcp->scratch = lines_new(TCP_SCRATCH_SIZE, 1);
	if (tcp->conns == NULL || tcp->halves == NULL || tcp->time_waits == NULL ||
	    tcp->chunks == NULL || tcp->links == NULL || tcp->received == NULL ||
	    tcp->scratch == NULL)
		return false;
	tcp->chunk_free = TCP_NONE;
	for (uint32_t i = chunks; i-- > 0;) {
		tcp->chunks[i].next = tcp->chunk_free;
		tcp->chunk_free = i;
	}
	return tcp_table_init(&tcp->table, tcp->conns_max + tcp->half_max + tcp->time_wait_max,
			      random_next(&tcp->random));
}

struct tcp *tcp_new(const struct tcp_config *config)
{
	struct tcp *tcp = lines_new(1, sizeof(*tcp));

	ASSERT(config->connections_max > 0 && config->connections_max < 1u << 24);
	if (tcp == NULL)
		return NULL;
	tcp->net = config->net;
	tcp->pool = config->pool;
	tcp->metrics = config->metrics;
	tcp->conns_max = config->connections_max;
	tcp->half_max = config->half_open_max != 0 ? config->half_open_max : HALF_OPEN_DEFAULT;
	tcp->time_wait_max = config->time_wait_max != 0 ? config->time_wait_max : 1;
	tcp->cookies_always = config->cookies_always;
	tcp->rto_min_ms = config->rto_min_ms != 0 ? config->rto_min_ms : TCP_RTO_MIN_MS;
	tcp->ledger = config->ledger;
	tcp->free_head = tcp->free_tail = TCP_NONE;
	tcp->dirty_head = tcp->dirty_tail = tcp->ready_head = tcp->ready_tail = TCP_NONE;
	tcp->ooo_mbufs_max = tcp->pool->size / 4;
	random_seed(&tcp->random, config->seed);
	tcp->isn_key = (struct hash_key){hash_mix(config->shared_seed + 1),
					 hash_mix(config->shared_seed + 2)};
	tcp->cookie_key = (struct hash_key){hash_mix(config->shared_seed + 3),
					    hash_mix(config->shared_seed + 4)};
	if (!memory_new(tcp) || !tcp_trace_init(tcp, config->traces_max)) {
		tcp_free(tcp);
		return NULL;
	}
	tcp_memory_init(tcp);
	tcp_syn_init(tcp);
	tcp_timer_init(&tcp->wheel);
	return tcp;
}

void tcp_free(struct tcp *tcp)
{
	if (tcp == NULL)
		return;
	for (uint32_t i = 0; i < tcp->conns_fresh; i++) {
		tcp_reassembly_free(tcp, tcp_conn_at(tcp, i));
		tcp_queue_free(tcp, tcp_conn_at(tcp, i));
	}
	tcp_trace_end(tcp);
	tcp_memory_end(tcp);
	tcp_table_end(&tcp->table);
	free(tcp->conns);
	free(tcp->halves);
	free(tcp->time_waits);
	free(tcp->chunks);
	free(tcp->links);
	free(tcp->received);
	free(tcp->scratch);
	free(tcp);
}

static void segment_in(struct tcp *tcp, struct tcp_segment *segment)
{
	uint32_t what = tcp_table_find(tcp, &segment->key, segment->hash);
	uint32_t index = what & TCP_KIND_INDEX;

	if (what == TCP_NONE) {
		tcp_input_closed(tcp, segment, 0);
		return;
	}
	switch ((enum tcp_kind)(what >> TCP_KIND_SHIFT)) {
	case TCP_KIND_CONN:
		tcp_input_conn(tcp, tcp_conn_at(tcp, index), segment);
		break;
	case TCP_KIND_HALF:
		tcp_syn_input(tcp, &tcp->halves[index], segment);
		break;
	case TCP_KIND_TIME_WAIT:
		tcp_time_wait_input(tcp, index, segment);
		break;
	}
}

/* An mbuf that somebody else still holds (a port that passes pointers) is not ours to cut: a copy
 * is. */
static struct rte_mbuf *own(struct tcp *tcp, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *copy;

	if (rte_mbuf_refcnt_read(mbuf) == 1)
		return mbuf;
	copy = rte_pktmbuf_copy(mbuf, tcp->pool, 0, UINT32_MAX);
	if (copy != NULL) {
		copy->l2_len = mbuf->l2_len;
		copy->l3_len = mbuf->l3_len;
	} else {
		metric_inc(tcp->metrics, METRIC_tcp_no_memory);
	}
	rte_pktmbuf_free(mbuf);
	return copy;
}

/* All lines that a segment's way through touches. */
static inline void conn_prefetch(const struct tcp *tcp, uint32_t index)
{
	const char *conn = (const char *)tcp_conn_at(tcp, index);

	for (unsigned line = 0; line < sizeof(struct tcp_conn); line += 64)
		__builtin_prefetch(conn + line);
	if (tcp->ledger != NULL)
		__builtin_prefetch(&tcp->ledger[index], 1);
}

static void burst_in(struct tcp *tcp, struct rte_mbuf *const mbufs[], unsigned n)
{
	struct tcp_segment segments[NET_BURST_MAX];
	unsigned           good = 0;

	for (unsigned i = 0; i < n; i++) {
		struct tcp_segment *segment = &segments[good];
		struct rte_mbuf    *mbuf = own(tcp, mbufs[i]);

		if (mbuf == NULL)
			continue;
		if (!tcp_segment_parse(mbuf, segment)) {
			metric_inc(tcp->metrics, METRIC_tcp_in_errs);
			rte_pktmbuf_free(mbuf);
			continue;
		}
		segment->hash = tcp_table_hash(&tcp->table, &segment->key);
		tcp_table_prefetch(&tcp->table, segment->hash);
		good++;
	}
	for (unsigned i = 0; i < good; i++) {
		uint32_t what = tcp_table_guess(&tcp->table, segments[i].hash);

		if (what != TCP_NONE && what >> TCP_KIND_SHIFT == TCP_KIND_CONN)
			conn_prefetch(tcp, what);
	}
	for (unsigned i = 0; i < good; i++) {
		segment_in(tcp, &segments[i]);
		if (segments[i].mbuf != NULL)
			rte_pktmbuf_free(segments[i].mbuf);
	}
}

void tcp_input_burst(struct tcp *tcp, struct now now, struct rte_mbuf *const segments[], unsigned n)
{
	tcp_time_is(tcp, now);
	metric_add(tcp->metrics, METRIC_tcp_in_segs, n);
	for (unsigned done = 0; done < n; done += NET_BURST_MAX)
		burst_in(tcp, segments + done, n - done < NET_BURST_MAX ? n - done : NET_BURST_MAX);
}

static uint64_t sooner(const struct tcp *tcp, uint64_t next_us, uint32_t due_ms)
{
	int32_t  wait_ms = (int32_t)(due_ms - tcp->now_ms);
	uint64_t due_us = wait_ms <= 0 ? tcp->now.us
				       : (tcp->now.us / US_PER_MS + (uint32_t)wait_ms) * US_PER_MS;

	return due_us < next_us ? due_us : next_us;
}

uint64_t tcp_tick(struct tcp *tcp, struct now now)
{
	uint64_t next_us, soon_us;
	uint32_t due_ms;
	bool     any;

	tcp_time_is(tcp, now);
	tcp_memory_look(tcp);
	tcp_trace_run(tcp);
	tcp_icmp_run(tcp);
	tcp_unsent_run(tcp);
	tcp_timer_run(tcp, TIMERS_PER_TICK);
	tcp_syn_run(tcp, TIMERS_PER_TICK);
	tcp_time_wait_run(tcp, TIMERS_PER_TICK);
	soon_us = tcp_rack_run(tcp);
	next_us = tcp_timer_next_us(tcp);
	if (soon_us < next_us)
		next_us = soon_us;
	due_ms = tcp_syn_next_ms(tcp, &any);
	if (any)
		next_us = sooner(tcp, next_us, due_ms);
	if (tcp_time_wait_next_ms(tcp, &due_ms))
		next_us = sooner(tcp, next_us, due_ms);
	if (tcp->dirty_head != TCP_NONE || tcp->ready_head != TCP_NONE)
		next_us = now.us;
	return next_us;
}

static struct tcp_event event_of(struct tcp *tcp, struct tcp_conn *conn, enum tcp_event_kind kind)
{
	return (struct tcp_event){.kind = kind,
				  .conn = tcp_conn_handle(tcp, conn),
				  .user = conn->user,
				  .why = kind == TCP_EVENT_CLOSED ? (enum reason)conn->why
								  : REASON_NONE};
}

unsigned tcp_events(struct tcp *tcp, struct tcp_event events[], unsigned max)
{
	unsigned n = 0;

	while (tcp->ready_head != TCP_NONE && n < max) {
		struct tcp_conn    *conn = tcp_conn_at(tcp, tcp->ready_head);
		enum tcp_event_kind kind = TCP_EVENT_READABLE;

		if (conn->events != 0) { /* else tcp_close() took back what was left */
			kind = (enum tcp_event_kind)__builtin_ctz(conn->events);
			events[n++] = event_of(tcp, conn, kind);
			conn->events &= (uint8_t)(conn->events - 1);
		}
		if (conn->events != 0)
			continue;
		tcp->ready_head = conn->ready_next;
		if (tcp->ready_head == TCP_NONE)
			tcp->ready_tail = TCP_NONE;
		conn->flags &= ~(uint32_t)TCP_FLAG_READY;
		if (kind == TCP_EVENT_CLOSED)
			tcp_conn_free(tcp, conn);
	}
	return n;
}

/* The port is full: those from `at` to `last` come first with the next call. */
static void flush_later(struct tcp *tcp, uint32_t at, uint32_t last)
{
	tcp_conn_at(tcp, last)->dirty_next = tcp->dirty_head;
	if (tcp->dirty_head == TCP_NONE)
		tcp->dirty_tail = last;
	tcp->dirty_head = at;
}

void tcp_flush(struct tcp *tcp, struct now now)
{
	uint32_t at = tcp->dirty_head, last = tcp->dirty_tail;

	tcp_time_is(tcp, now);
	tcp->dirty_head = tcp->dirty_tail = TCP_NONE;
	while (at != TCP_NONE) {
		struct tcp_conn *conn = tcp_conn_at(tcp, at);

		if (net_tx_room(tcp->net, conn->path.port) < TCP_QUANTUM) {
			flush_later(tcp, at, last);
			return;
		}
		at = conn->dirty_next;
		if (at != TCP_NONE)
			conn_prefetch(tcp, at);
		conn->flags &= ~(uint32_t)TCP_FLAG_DIRTY;
		if (tcp_output_conn(tcp, conn))
			tcp_conn_touch(tcp, conn);
		if (tcp->ledger != NULL && tcp_state_synchronized(conn->state))
			tcp_ledger_note(tcp, conn);
	}
}

unsigned tcp_count(const struct tcp *tcp)
{
	return tcp->conns_used;
}
