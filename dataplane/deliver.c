#include "deliver.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

#include "registered.h"
#include "worker.h"

#define THROTTLE_DEFAULT_US                                                                        \
	(200 * US_PER_MS) /* how long a link rests when its peer says "throttled" and no more */

int deliveries_init(struct deliveries *d, uint32_t max)
{
	d->table = calloc(max, sizeof(d->table[0]));
	if (d->table == NULL)
		return -ENOMEM;
	d->max = max;
	for (uint32_t i = 0; i < max; i++)
		d->table[i].next = i + 1 < max ? i + 1 : DELIVERY_NONE;
	d->free_head = 0;
	return 0;
}

void deliveries_free(struct deliveries *d)
{
	free(d->table);
	d->table = NULL;
}

static uint64_t delivery_token(const struct deliveries *d, uint32_t index)
{
	return (uint64_t)d->table[index].generation << 32 | index;
}

static uint32_t delivery_new(struct deliveries *d)
{
	uint32_t index = d->free_head;

	if (index != DELIVERY_NONE)
		d->free_head = d->table[index].next;
	return index;
}

static void delivery_free(struct deliveries *d, uint32_t index)
{
	struct delivery *e = &d->table[index];

	ASSERT(e->state != DELIVERY_FREE);
	e->state = DELIVERY_FREE;
	e->generation++;
	e->msg = NULL;
	e->next = d->free_head;
	d->free_head = index;
}

static void result_home(struct worker *w, unsigned home, uint32_t flight,
			const struct result *result)
{
	if (home == w->number)
		flight_result(w, flight, result);
	else
		xcore_result(w, home, flight, result);
}

/* The delivery is over; its place is free before home hears of it, so that home may use it again.
 */
static void delivery_end(struct worker *w, uint32_t index, const struct result *result)
{
	unsigned home = w->deliveries.table[index].home;
	uint32_t flight = w->deliveries.table[index].flight;

	delivery_free(&w->deliveries, index);
	result_home(w, home, flight, result);
}

static void queue_append(struct worker *w, struct conn *c, uint32_t index)
{
	w->deliveries.table[index].next = DELIVERY_NONE;
	if (c->queued == 0)
		c->queue_head = index;
	else
		w->deliveries.table[c->queue_tail].next = index;
	c->queue_tail = index;
	c->queued++;
}

static bool comes_after(const struct worker *w, uint32_t index, uint32_t other)
{
	return (int32_t)(w->deliveries.table[index].order - w->deliveries.table[other].order) > 0;
}

/*
 * A throttled delivery goes back to its place, which is before all that was never sent. Answers
 * mostly come in order, so it is looked for from where the last one went; at worst the steps are as
 * many as requests fit in the window.
 */
static void queue_return(struct worker *w, struct conn *c, uint32_t index)
{
	struct delivery *table = w->deliveries.table;
	uint32_t         before = DELIVERY_NONE, at = c->queued > 0 ? c->queue_head : DELIVERY_NONE;

	if (c->requeued_last != DELIVERY_NONE && comes_after(w, index, c->requeued_last)) {
		before = c->requeued_last;
		at = table[before].next;
	}
	while (at != DELIVERY_NONE && comes_after(w, index, at)) {
		before = at;
		at = table[at].next;
	}
	table[index].next = at;
	if (before == DELIVERY_NONE)
		c->queue_head = index;
	else
		table[before].next = index;
	if (at == DELIVERY_NONE)
		c->queue_tail = index;
	c->requeued_last = index;
	c->queued++;
}

static uint32_t queue_take(struct worker *w, struct conn *c)
{
	uint32_t index = c->queue_head;

	ASSERT(c->queued > 0);
	c->queue_head = w->deliveries.table[index].next;
	c->queued--;
	if (c->requeued_last == index)
		c->requeued_last = DELIVERY_NONE;
	return index;
}

static bool rate_allows(struct worker *w, const struct conn *c)
{
	if (c->domain != 0)
		return domain_rate_allows(w, c);
	if (c->peer == MSG_SLOT_NONE)
		return true;
	return limit_take(&w->dp->peer_rates[c->peer], &w->peer_leases[c->peer], w->now, 1);
}

/* The way to its domain is not there yet: what comes for it waits. */
static bool is_awaited(const struct conn *c)
{
	return c->domain != 0 && !c->logged_in;
}

/* Submit a delivery that is in no queue. LATER: it is the caller's to queue. */
static enum conn_submit delivery_submit(struct worker *w, struct conn *c, uint32_t index,
					const struct proto_target *at, struct result *result)
{
	struct delivery    *e = &w->deliveries.table[index];
	struct proto_target found;
	enum conn_submit    submitted;

	if (c->blocked || w->now.us < c->throttled_until_us || is_awaited(c))
		return CONN_LATER;
	if (!rate_allows(w, c)) {
		c->throttled_until_us = w->now.us + US_PER_MS;
		return CONN_LATER;
	}
	if (e->binding != 0 && at == NULL) {
		at = &found;
		if (!registered_target(w, c->protocol, registered_address(e->msg), e->binding,
				       &found)) {
			*result = (struct result){.why = REASON_NOT_REGISTERED};
			return CONN_REFUSED;
		}
	}
	submitted = conn_submit(w, c, e->msg, at, delivery_token(&w->deliveries, index), result);
	if (submitted == CONN_SENT) {
		e->state = DELIVERY_SENT;
		c->open++;
		c->msgs_out++;
	} else if (submitted == CONN_LATER) {
		c->blocked = true;
	}
	return submitted;
}

/* What is too long for a datagram goes over the stream beside it (RFC 3261, 18.1.1). */
static bool deliver_by_stream(struct worker *w, struct conn *c, uint32_t index,
			      const struct result *refused)
{
	struct delivery *e = &w->deliveries.table[index];
	struct conn *stream = refused->why == REASON_DATAGRAM_SIZE ? session_stream(w, c) : NULL;

	if (stream == NULL || stream->queued >= c->queue_max)
		return false;
	e->order = stream->deliveries_taken++;
	queue_append(w, stream, index);
	conn_touch(w, stream);
	return true;
}

bool deliver_accept(struct worker *w, const struct delivery_order *order,
		    const struct proto_target *at, unsigned home, uint32_t flight,
		    struct result *result)
{
	struct conn     *c;
	uint32_t         index;
	enum conn_submit submitted = CONN_LATER;

	if (order->to.index == DOMAIN_SESSION) {
		c = domain_conn(w, order->msg, result);
		if (c == NULL)
			return false;
	} else {
		c = conn_get(w, order->to);
		if (c != NULL)
			session_follow(w, c);
	}
	if (c == NULL || c->parting ||
	    (!is_awaited(c) && (c->state != CONN_OPEN || (!c->logged_in && order->binding == 0)))) {
		*result = (struct result){.why = REASON_SESSION_GONE};
		return false;
	}
	if (c->queued >= c->queue_max) {
		*result = (struct result){.why = REASON_QUEUE_FULL};
		return false;
	}
	index = delivery_new(&w->deliveries);
	if (index == DELIVERY_NONE) {
		*result = (struct result){.why = REASON_POOL};
		return false;
	}
	w->deliveries.table[index] =
		(struct delivery){.msg = order->msg,
				  .deadline_us = order->deadline_us,
				  .binding = order->binding,
				  .flight = flight,
				  .next = DELIVERY_NONE,
				  .order = c->deliveries_taken++,
				  .generation = w->deliveries.table[index].generation,
				  .home = (uint16_t)home,
				  .state = DELIVERY_QUEUED};
	conn_touch(w, c);
	if (c->queued == 0)
		submitted = delivery_submit(w, c, index, at, result);
	if (submitted == CONN_REFUSED && !deliver_by_stream(w, c, index, result)) {
		delivery_free(&w->deliveries, index);
		return false;
	}
	if (submitted == CONN_LATER)
		queue_append(w, c, index);
	return true;
}

/* "Throttled" and "queue full" of a peer say: later, the whole link. The message goes back to its
 * place, so order is kept. */
static bool throttles(const struct result *r)
{
	return !r->maybe_sent && r->retry_after_ms > 0 &&
	       reason_class((enum reason)r->why) == REASON_CLASS_TEMPORARY;
}

/* False: it is too late for it. */
static bool deliver_again(struct worker *w, struct conn *c, uint32_t index)
{
	struct delivery *e = &w->deliveries.table[index];

	if (w->now.us >= e->deadline_us)
		return false;
	e->state = DELIVERY_QUEUED;
	queue_return(w, c, index);
	metric_inc(w->metrics, METRIC_messages_requeued);
	return true;
}

void deliver_result(struct worker *w, struct conn *c, uint64_t token, const struct result *result)
{
	uint32_t         index = (uint32_t)token;
	struct delivery *e;

	ASSERT(index < w->deliveries.max);
	e = &w->deliveries.table[index];
	ASSERT(e->state == DELIVERY_SENT && e->generation == (uint32_t)(token >> 32));
	ASSERT(c->open > 0);
	c->open--;
	c->blocked = false;
	conn_touch(w, c);
	if (result->way_gone && e->binding != 0)
		registered_way_gone(w, c, e->msg, e->binding);
	if (result->again && deliver_again(w, c, index))
		return;
	/* One device of many says nothing about the others of its listener. */
	if (e->binding == 0 && throttles(result)) {
		uint64_t rest_us = result->retry_after_ms * US_PER_MS;

		c->throttled_until_us = w->now.us + (rest_us > 0 ? rest_us : THROTTLE_DEFAULT_US);
		if (deliver_again(w, c, index))
			return;
	}
	delivery_end(w, index, result);
}

/* Its validity has ended, or the time in which it must go out for an answer in time. */
static bool delivery_is_late(const struct worker *w, const struct delivery *e,
			     struct result *result)
{
	if (e->msg->expires_us != 0 && w->now.us >= e->msg->expires_us) {
		*result = (struct result){.why = REASON_EXPIRED};
		return true;
	}
	*result = (struct result){.why = REASON_ANSWER_TIMEOUT};
	return w->now.us >= e->deadline_us;
}

void deliver_pump(struct worker *w, struct conn *c)
{
	struct result result;

	while (c->queued > 0 && c->state == CONN_OPEN && !c->parting) {
		uint32_t         index = c->queue_head;
		enum conn_submit submitted;

		if (delivery_is_late(w, &w->deliveries.table[index], &result)) {
			queue_take(w, c);
			delivery_end(w, index, &result);
			continue;
		}
		submitted = delivery_submit(w, c, index, NULL, &result);
		if (submitted == CONN_LATER)
			return;
		queue_take(w, c);
		if (submitted == CONN_REFUSED && !deliver_by_stream(w, c, index, &result))
			delivery_end(w, index, &result);
	}
}

void deliver_expire(struct worker *w, struct conn *c)
{
	struct result result;

	while (c->queued > 0 && delivery_is_late(w, &w->deliveries.table[c->queue_head], &result))
		delivery_end(w, queue_take(w, c), &result);
}

uint64_t deliver_due_us(const struct worker *w, const struct conn *c)
{
	const struct delivery *e;
	uint64_t               due_us;

	if (c->queued == 0)
		return UINT64_MAX;
	e = &w->deliveries.table[c->queue_head];
	due_us = e->deadline_us;
	if (e->msg->expires_us != 0 && e->msg->expires_us < due_us)
		due_us = e->msg->expires_us;
	if (c->throttled_until_us > w->now.us && c->throttled_until_us < due_us)
		due_us = c->throttled_until_us;
	return due_us;
}

void deliver_closed(struct worker *w, struct conn *c)
{
	struct result unknown = {.why = REASON_UNKNOWN_OUTCOME, .maybe_sent = true};
	uint64_t      token;

	while (c->ops->drain(c->session, &token)) {
		uint32_t index = (uint32_t)token;

		ASSERT(w->deliveries.table[index].generation == (uint32_t)(token >> 32));
		ASSERT(c->open > 0);
		c->open--;
		delivery_end(w, index, &unknown);
	}
	ASSERT(c->open == 0);
	deliver_unsent(w, c);
}

void deliver_unsent(struct worker *w, struct conn *c)
{
	struct result not_sent = {.why = c->unsent_why};

	while (c->queued > 0)
		delivery_end(w, queue_take(w, c), &not_sent);
}
