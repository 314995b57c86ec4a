#include "drain.h"

#include "worker.h"

#define RESETS_A_TURN 256u /* what a port takes */

/* Messages of any worker that wait for a result: those of others may have been lent to us. */
static bool answers_awaited(const struct worker *w)
{
	return metrics_sum(w->dp->metrics, w->dp->worker_count, METRIC_messages_open) > 0;
}

static void begin(struct worker *w)
{
	w->drain.state = DRAIN_ANSWER;
	w->drain.begun_us = w->now.us;
	conns_listen_stop(w);
	conns_part(w, PROTO_ACCEPTED);
}

static void part(struct worker *w)
{
	w->drain.state = DRAIN_PART;
	conns_part(w, PROTO_CONNECTING);
	conns_part(w, PROTO_DATAGRAM);
}

void drain_turn(struct worker *w)
{
	uint64_t taken_us = w->now.us - w->drain.begun_us;

	switch ((enum drain_state)w->drain.state) {
	case DRAIN_NOT:
		/* Relaxed: nothing is published by it. */
		if (atomic_load_explicit(&w->dp->stopping, memory_order_relaxed))
			begin(w);
		break;
	case DRAIN_ANSWER:
		if (!answers_awaited(w) || taken_us >= DRAIN_ANSWER_US)
			part(w);
		break;
	case DRAIN_PART:
		if (taken_us >= DRAIN_PART_US)
			w->drain.state = DRAIN_RESET;
		break;
	case DRAIN_RESET:
		w->drain.reset = conns_reset(w, w->drain.reset, RESETS_A_TURN);
		break;
	}
}

bool drain_done(const struct worker *w)
{
	return w->drain.state >= DRAIN_PART && tcp_count(w->tcp) == 0;
}
