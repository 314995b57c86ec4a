#include "tcp/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACES_DEFAULT 4096u
#define SILENT_MS 10000u /* after which a recorder may go to another connection */
#define LOOKS_A_MS 8u
#define TIME_MASK ((1ull << TCP_TRACE_TIME_BITS) - 1)

/* More written than fits in the counter: it stays beyond the size of the rings and keeps its place.
 */
static_assert(256 % TCP_TRACE_SEGMENTS == 0 && 256 % TCP_TRACE_EVENTS == 0, "the counter wraps");

static const struct {
	const char *word, *first, *second;
} kinds[TCP_TRACE_COUNT] = {
#define TRACE(name, word, first, second) [TCP_TRACE_##name] = {word, first, second},
#include "tcp/trace.def"
#undef TRACE
};

static void give(struct tcp *tcp, uint32_t index)
{
	struct tcp_trace *trace = &tcp->traces[index];

	trace->conn = TCP_NONE;
	trace->handle = TCP_CONN_NONE;
	trace->next = tcp->trace_free;
	tcp->trace_free = index;
	tcp->trace_free_count++;
}

bool tcp_trace_init(struct tcp *tcp, uint32_t traces_max)
{
	uint32_t enough = tcp->conns_max + 2 * TCP_TRACE_CLOSED_MAX;

	if (traces_max == 0)
		traces_max = enough < TRACES_DEFAULT ? enough : TRACES_DEFAULT;
	ASSERT(traces_max > TCP_TRACE_CLOSED_MAX);
	tcp->trace_max = traces_max;
	tcp->trace_reserve = (traces_max - TCP_TRACE_CLOSED_MAX) / 8;
	tcp->trace_free = TCP_NONE;
	memset(tcp->trace_closed, 0xff, sizeof(tcp->trace_closed));
	tcp->traces = calloc(traces_max, sizeof(*tcp->traces));
	tcp->trace_rings = aligned_alloc(64, traces_max * sizeof(*tcp->trace_rings));
	if (tcp->traces == NULL || tcp->trace_rings == NULL)
		return false;
	memset(tcp->trace_rings, 0, traces_max * sizeof(*tcp->trace_rings));
	for (uint32_t i = traces_max; i-- > 0;)
		give(tcp, i);
	return true;
}

void tcp_trace_end(struct tcp *tcp)
{
	free(tcp->traces);
	free(tcp->trace_rings);
}

size_t tcp_trace_memory(const struct tcp *tcp)
{
	return tcp->trace_max * (sizeof(*tcp->traces) + sizeof(*tcp->trace_rings));
}

bool tcp_trace_take(struct tcp *tcp, struct tcp_conn *conn, uint32_t reserve)
{
	uint32_t          index = tcp->trace_free;
	struct tcp_trace *trace;

	if (tcp->trace_free_count <= reserve)
		return false;
	trace = &tcp->traces[index];
	tcp->trace_free = trace->next;
	tcp->trace_free_count--;
	trace->conn = tcp_conn_index(tcp, conn);
	trace->handle = tcp_conn_handle(tcp, conn);
	conn->trace = index;
	conn->trace_segments = conn->trace_events = 0;
	memset(&tcp->trace_rings[index], 0, sizeof(tcp->trace_rings[index]));
	return true;
}

void tcp_trace_event(struct tcp *tcp, struct tcp_conn *conn, enum tcp_trace_kind kind,
		     uint32_t first, uint32_t second)
{
	/* What every connection goes through is no trouble. */
	uint32_t reserve =
		kind == TCP_TRACE_STATE || kind == TCP_TRACE_CLOSE ? tcp->trace_reserve : 0;

	if (conn->trace == TCP_NONE && !tcp_trace_take(tcp, conn, reserve))
		return;
	tcp_trace_write(
		tcp, &tcp->trace_rings[conn->trace].events[conn->trace_events++ % TCP_TRACE_EVENTS],
		(uint8_t)kind, 0, first, second);
}

void tcp_trace_close(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t         *place = &tcp->trace_closed[tcp->trace_closed_next];
	struct tcp_trace *trace;

	if (conn->trace == TCP_NONE)
		return;
	trace = &tcp->traces[conn->trace];
	trace->conn = TCP_NONE;
	trace->segments = conn->trace_segments;
	trace->events = conn->trace_events;
	tcp_info_fill(tcp, conn, &trace->info);
	if (*place != TCP_NONE)
		give(tcp, *place);
	*place = conn->trace;
	tcp->trace_closed_next = (tcp->trace_closed_next + 1) % TCP_TRACE_CLOSED_MAX;
	conn->trace = TCP_NONE;
}

void tcp_trace_run(struct tcp *tcp)
{
	if (tcp->trace_free_count > 2 * tcp->trace_reserve || tcp->trace_ms == tcp->now_ms)
		return;
	tcp->trace_ms = tcp->now_ms;
	for (unsigned i = 0; i < LOOKS_A_MS; i++) {
		uint32_t         index = tcp->trace_hand;
		uint32_t         at = tcp->traces[index].conn;
		struct tcp_conn *conn;

		tcp->trace_hand = index + 1 < tcp->trace_max ? index + 1 : 0;
		if (at == TCP_NONE)
			continue;
		conn = tcp_conn_at(tcp, at);
		if (tcp->now_ms - conn->heard_ms < SILENT_MS)
			continue;
		conn->trace = TCP_NONE;
		give(tcp, index);
	}
}

static const struct tcp_trace *closed_find(const struct tcp *tcp, uint32_t handle)
{
	for (unsigned i = 0; i < TCP_TRACE_CLOSED_MAX; i++) {
		uint32_t index = tcp->trace_closed[i];

		if (index != TCP_NONE && tcp->traces[index].handle == handle)
			return &tcp->traces[index];
	}
	return NULL;
}

bool tcp_closed_info(const struct tcp *tcp, uint32_t handle, struct tcp_info *info)
{
	const struct tcp_trace *trace = closed_find(tcp, handle);

	if (trace != NULL)
		*info = trace->info;
	return trace != NULL;
}

unsigned tcp_closed_list(const struct tcp *tcp, uint32_t handles[], unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= TCP_TRACE_CLOSED_MAX && n < max; i++) {
		uint32_t at =
			(tcp->trace_closed_next + TCP_TRACE_CLOSED_MAX - i) % TCP_TRACE_CLOSED_MAX;

		if (tcp->trace_closed[at] != TCP_NONE)
			handles[n++] = tcp->traces[tcp->trace_closed[at]].handle;
	}
	return n;
}

/* ---- reading ---- */

static uint64_t full_time(const struct tcp *tcp, const struct tcp_trace_record *record)
{
	uint64_t us = (tcp->now.us & ~TIME_MASK) | (uint64_t)record->us_high << 32 | record->us;

	return us <= tcp->now.us ? us : us - TIME_MASK - 1;
}

/* The n-th oldest record of a ring in which so many were written. NULL: there is none. */
static const struct tcp_trace_record *nth(const struct tcp_trace_record ring[], unsigned size,
					  uint8_t written, unsigned n)
{
	const struct tcp_trace_record *record;
	bool full = ring[written % size].us != 0 || ring[written % size].us_high != 0;

	if (n >= (full ? size : written))
		return NULL;
	record = &ring[full ? (written + n) % size : n];
	return record;
}

static void entry_fill(const struct tcp *tcp, const struct tcp_trace_record *record, bool event,
		       struct tcp_trace_entry *entry)
{
	*entry = (struct tcp_trace_entry){
		.us = full_time(tcp, record),
		.kind = event ? (enum tcp_trace_kind)record->what
			      : (enum tcp_trace_kind)(record->what >> TCP_TRACE_KIND_SHIFT),
		.flags = event ? 0 : record->what & ((1u << TCP_TRACE_KIND_SHIFT) - 1),
		.len = record->len,
		.first = record->first,
		.second = record->second};
}

/* The two rings, merged by time; what happened in one turn keeps the order of its ring, events
 * last. */
static unsigned merge(const struct tcp *tcp, const struct tcp_trace_rings *rings, uint8_t segments,
		      uint8_t events, struct tcp_trace_entry entries[TCP_TRACE_ENTRIES_MAX])
{
	unsigned s = 0, e = 0, n = 0;

	for (;;) {
		const struct tcp_trace_record *segment =
			nth(rings->segments, TCP_TRACE_SEGMENTS, segments, s);
		const struct tcp_trace_record *event =
			nth(rings->events, TCP_TRACE_EVENTS, events, e);
		bool take_event =
			event != NULL &&
			(segment == NULL || full_time(tcp, event) < full_time(tcp, segment));

		if (segment == NULL && event == NULL)
			return n;
		entry_fill(tcp, take_event ? event : segment, take_event, &entries[n++]);
		s += !take_event;
		e += take_event;
	}
}

unsigned tcp_trace_read(const struct tcp *tcp, uint32_t handle,
			struct tcp_trace_entry entries[TCP_TRACE_ENTRIES_MAX])
{
	const struct tcp_conn  *conn = tcp_conn_get(tcp, handle);
	const struct tcp_trace *trace;

	if (conn != NULL)
		return conn->trace == TCP_NONE
			       ? 0
			       : merge(tcp, &tcp->trace_rings[conn->trace], conn->trace_segments,
				       conn->trace_events, entries);
	trace = closed_find(tcp, handle);
	return trace != NULL ? merge(tcp, &tcp->trace_rings[trace - tcp->traces], trace->segments,
				     trace->events, entries)
			     : 0;
}

static void flags_text(uint8_t flags, char room[8])
{
	static const char letters[] = "FSRP.";
	unsigned          n = 0;

	for (unsigned i = 0; i < TCP_TRACE_KIND_SHIFT; i++) {
		if (flags & 1u << i)
			room[n++] = letters[i];
	}
	room[n] = '\0';
}

void tcp_trace_text(const struct tcp_trace_entry *entry, char what[32], char detail[96])
{
	char flags[8];

	snprintf(what, 32, "%s", entry->kind < TCP_TRACE_COUNT ? kinds[entry->kind].word : "?");
	switch (entry->kind) {
	case TCP_TRACE_IN:
	case TCP_TRACE_OUT:
	case TCP_TRACE_AGAIN:
		flags_text(entry->flags, flags);
		snprintf(detail, 96, "%s seq %" PRIu32 " ack %" PRIu32 " len %u", flags,
			 entry->first, entry->second, entry->len);
		return;
	case TCP_TRACE_STATE:
		snprintf(detail, 96, "%s to %s", tcp_state_name(entry->first),
			 tcp_state_name(entry->second));
		return;
	case TCP_TRACE_TIMER:
		snprintf(detail, 96, "%s, backoff %" PRIu32, tcp_timer_name(entry->first),
			 entry->second);
		return;
	case TCP_TRACE_DROPPED:
		snprintf(detail, 96, "%s seq %" PRIu32,
			 entry->first < METRIC_COUNT ? metric_name(entry->first) : "?",
			 entry->second);
		return;
	case TCP_TRACE_LOSS:
	case TCP_TRACE_RECOVERED:
	case TCP_TRACE_PEER_WINDOW:
	case TCP_TRACE_OUR_WINDOW:
	case TCP_TRACE_NO_MEMORY:
	case TCP_TRACE_CLOSE:
	case TCP_TRACE_COUNT:
		break;
	}
	detail[0] = '\0';
	if (entry->kind < TCP_TRACE_COUNT)
		snprintf(detail, 96, "%s %" PRIu32 " %s %" PRIu32, kinds[entry->kind].first,
			 entry->first, kinds[entry->kind].second, entry->second);
}
