/* TIME_WAIT: one cache line each, in a ring by the time it ends. When the ring is full, the oldest
 * goes early. */
#include <string.h>

#include "tcp/segment.h"

#define ANSWER_MS 200u

static void forget(struct tcp *tcp, uint32_t index)
{
	struct tcp_time_wait *wait = &tcp->time_waits[index];

	tcp_table_remove(tcp, &wait->key, TCP_KIND_TIME_WAIT, index);
	wait->used = false;
	metric_sub(tcp->metrics, METRIC_tcp_time_waits, 1);
}

static void drop_first(struct tcp *tcp)
{
	if (tcp->time_waits[tcp->time_wait_first].used)
		forget(tcp, tcp->time_wait_first);
	tcp->time_wait_first = (tcp->time_wait_first + 1) % tcp->time_wait_max;
	tcp->time_wait_count--;
}

static void append(struct tcp *tcp, const struct tcp_time_wait *wait)
{
	uint32_t index;

	if (tcp->time_wait_count == tcp->time_wait_max) {
		metric_inc(tcp->metrics, METRIC_tcp_time_waits_recycled);
		drop_first(tcp);
	}
	index = (tcp->time_wait_first + tcp->time_wait_count) % tcp->time_wait_max;
	tcp->time_waits[index] = *wait;
	tcp->time_waits[index].used = true;
	tcp->time_waits[index].due_ms = tcp->now_ms + TCP_TIME_WAIT_MS;
	tcp->time_wait_count++;
	tcp_table_add(tcp, &wait->key, TCP_KIND_TIME_WAIT, index);
	metric_inc(tcp->metrics, METRIC_tcp_time_waits);
}

/* The connection has left the table. */
void tcp_time_wait_begin(struct tcp *tcp, const struct tcp_conn *conn)
{
	struct tcp_time_wait wait = {.key = conn->key,
				     .snd_nxt = conn->snd_nxt,
				     .rcv_nxt = conn->rcv_nxt,
				     .ts_recent = conn->ts_recent,
				     .answered_ms = (uint16_t)(tcp->now_ms - ANSWER_MS),
				     .timestamps = (conn->flags & TCP_FLAG_TIMESTAMPS) != 0};

	append(tcp, &wait);
}

static void answer(struct tcp *tcp, const struct tcp_time_wait *wait)
{
	struct tcp_header header = {
		.key = &wait->key, .seq = wait->snd_nxt, .ack = wait->rcv_nxt, .flags = TCP_ACK};
	uint32_t iss, ts_offset;

	if (wait->timestamps) {
		tcp_conn_isn(tcp, &wait->key, &iss, &ts_offset);
		tcp_option_timestamp(&header, tcp->now_ms + ts_offset, wait->ts_recent);
	}
	tcp_reply(tcp, &header);
}

/* RFC 6191: a new connection may begin when its numbers or its timestamps are beyond the old one's.
 */
static bool may_reuse(const struct tcp_time_wait *wait, const struct tcp_segment *segment)
{
	if (wait->timestamps && segment->has_timestamp && segment->ts_value != wait->ts_recent)
		return seq_after(segment->ts_value, wait->ts_recent);
	return seq_after(segment->seq, wait->rcv_nxt);
}

/* An acknowledgement with wrong numbers, seldom: two such ends would keep each other busy. */
static bool may_answer(const struct tcp *tcp, struct tcp_time_wait *wait)
{
	if ((uint16_t)(tcp->now_ms - wait->answered_ms) < ANSWER_MS)
		return false;
	wait->answered_ms = (uint16_t)tcp->now_ms;
	return true;
}

void tcp_time_wait_input(struct tcp *tcp, uint32_t index, struct tcp_segment *segment)
{
	struct tcp_time_wait wait = tcp->time_waits[index];

	if (segment->flags & TCP_RST)
		return; /* RFC 1337 */
	if ((segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && may_reuse(&wait, segment)) {
		metric_inc(tcp->metrics, METRIC_tcp_time_waits_reused);
		forget(tcp, index);
		tcp_input_closed(tcp, segment, (wait.snd_nxt + 65537) | 1);
		return;
	}
	if (tcp_segment_space(segment) == 0 && segment->seq == wait.rcv_nxt)
		return; /* nothing to tell: no answer, so no echo of answers */
	if (tcp_segment_space(segment) == 0 && !may_answer(tcp, &tcp->time_waits[index]))
		return;
	answer(tcp, &wait);
	/* The peer repeats its FIN: the time begins anew (RFC 9293, 3.10.7.4), once a second at
	 * most. */
	if (segment->flags & TCP_FIN && segment->seq + segment->len + 1 == wait.rcv_nxt &&
	    tcp->now_ms + TCP_TIME_WAIT_MS - wait.due_ms >= 1000) {
		forget(tcp, index);
		append(tcp, &wait);
	}
}

void tcp_time_wait_run(struct tcp *tcp, unsigned budget)
{
	for (; budget > 0 && tcp->time_wait_count > 0; budget--) {
		const struct tcp_time_wait *wait = &tcp->time_waits[tcp->time_wait_first];

		if (wait->used && seq_after(wait->due_ms, tcp->now_ms))
			return;
		drop_first(tcp);
	}
}

bool tcp_time_wait_next_ms(const struct tcp *tcp, uint32_t *due_ms)
{
	if (tcp->time_wait_count == 0)
		return false;
	*due_ms = tcp->time_waits[tcp->time_wait_first].due_ms;
	return true;
}
