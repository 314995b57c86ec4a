#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "conn_private.h"
#include "pages.h"
#include "worker.h"

#define TELL_TURN 64u   /* sessions told in one turn */
#define TELL_EVENTS 64u /* of one session in one turn */

/* An id: the question's number, the worker's, the slot's. */
#define ID_SLOT_BITS 10u
#define ID_WORKER_BITS 6u
static_assert(ASKS_MAX == 1u << ID_SLOT_BITS && NET_WORKERS_MAX == 1u << ID_WORKER_BITS,
	      "an id names each slot of each worker");

static struct rte_ring *ring_new(const char *kind, unsigned worker)
{
	static _Atomic unsigned made; /* rings have names, and a process may have several of each */
	char                    name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "cpm_ask%u_%s_%u",
		 atomic_fetch_add_explicit(&made, 1, memory_order_relaxed), kind, worker);
	return rte_ring_create(name, ASKS_MAX, SOCKET_ID_ANY,
			       RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
}

int asks_init(struct worker *w)
{
	struct asks *a = &w->asks;

	a->to_mgmt = ring_new("q", w->number);
	a->to_worker = ring_new("a", w->number);
	a->slots = pages_new(ASKS_MAX * sizeof(a->slots[0]));
	list_init(&a->waiting);
	list_init(&a->telling);
	list_init(&a->out);
	if (a->to_mgmt == NULL || a->to_worker == NULL || a->slots == NULL)
		return -ENOMEM;
	for (uint32_t i = ASKS_MAX; i-- > 0;)
		a->free_slots[a->free_count++] = i;
	return 0;
}

void asks_free(struct worker *w)
{
	struct asks *a = &w->asks;

	for (uint32_t i = 0; a->slots != NULL && i < ASKS_MAX; i++)
		free(a->slots[i].answer);
	pages_free(a->slots, ASKS_MAX * sizeof(a->slots[0]));
	rte_ring_free(a->to_mgmt);
	rte_ring_free(a->to_worker);
}

/* There are as many slots as a ring has room for. */
static void hand_over(struct rte_ring *ring, struct ask *q)
{
	int err = rte_ring_enqueue(ring, q);

	ASSERT(err == 0);
}

/* ---- the worker ---- */

/*
 * The session takes of the answer what it has room for. True: it has it all, or is over. Of a
 * refusal it has all at once.
 */
static bool tell(struct worker *w, struct conn *c, uint64_t token, enum reason why,
		 struct cur *answer)
{
	for (unsigned i = 0; i < TELL_EVENTS; i++) {
		struct proto_event event = conn_event_none();
		size_t             room = conn_send_room(w, c);
		struct out         out = conn_out(w, c);

		if (why == REASON_NONE) {
			if (room <= CONN_SUBMIT_RESERVE)
				return false;
			room -= CONN_SUBMIT_RESERVE;
			out = conn_out_within(w, c, room);
		}
		if (conn_may_read(w, c))
			event.msg = w->spare;
		c->ops->told(c->session, w->now, token, why, answer, &out, &event);
		conn_send(w, c, &out);
		if (event.kind == EVENT_NONE)
			return cur_left(answer) == 0;
		conn_event(w, c, &event);
		if (!conn_has_session(c))
			return true;
	}
	return false;
}

/* One question less; what the session has sent meanwhile is read. */
static void answered(struct worker *w, struct conn *c)
{
	metric_inc(w->metrics, METRIC_questions_answered);
	if (c->asked-- == ASKS_SESSION_MAX && c->state == CONN_OPEN)
		conn_go_on_later(w, c);
	conn_touch(w, c);
}

static void refuse_question(struct worker *w, struct conn *c, uint64_t token, enum reason why)
{
	struct cur none = cur_of("", 0);

	metric_refused(w->metrics, why);
	tell(w, c, token, why, &none);
}

bool ask_has_room(const struct worker *w)
{
	return w->asks.free_count > 0;
}

void ask_begin(struct worker *w, struct conn *c, const struct proto_question *question)
{
	struct asks *a = &w->asks;
	struct ask  *q;

	ASSERT(question->bytes.n <= ASK_SIZE_MAX && c->ops->told != NULL);
	metric_inc(w->metrics, METRIC_questions_asked);
	if (a->free_count == 0) {
		refuse_question(w, c, question->token, REASON_QUESTIONS_FULL);
		return;
	}
	q = &a->slots[a->free_slots[--a->free_count]];
	ASSERT(q->state == ASK_FREE && q->answer == NULL);
	q->origin = conn_ref(w, c);
	q->token = question->token;
	q->due_us = w->now.us + ASK_ANSWER_US;
	q->given_up = q->told = q->back = false;
	q->why = REASON_NONE;
	q->size = (uint32_t)question->bytes.n;
	memcpy(q->bytes, question->bytes.p, question->bytes.n);
	q->state = ASK_ASKED;
	c->asked++;
	list_append(&a->waiting, &q->list);
	hand_over(a->to_mgmt, q);
}

/* The slot is empty once it is back, its session has what it asked for, and its memory is given
 * back. */
static void release(struct worker *w, struct ask *q)
{
	struct asks *a = &w->asks;

	if (q->answer != NULL) {
		q->state = ASK_DONE;
		hand_over(a->to_mgmt, q);
		return;
	}
	q->state = ASK_FREE;
	a->free_slots[a->free_count++] = (uint32_t)(q - a->slots);
}

static unsigned take_back(struct worker *w)
{
	struct asks *a = &w->asks;
	void        *slots[64];
	unsigned     n = rte_ring_dequeue_burst(a->to_worker, slots, 64, NULL);

	for (unsigned i = 0; i < n; i++) {
		struct ask *q = slots[i];

		q->back = true;
		if (q->state == ASK_FREE) {
			a->free_slots[a->free_count++] = (uint32_t)(q - a->slots);
		} else if (!q->given_up) {
			q->left = q->answer != NULL ? cur_of(q->answer, q->answer_size)
						    : cur_of("", 0);
			list_remove(&q->list);
			list_append(&a->telling, &q->list);
		} else {
			metric_inc(w->metrics, METRIC_questions_late);
			if (q->told)
				release(w, q);
		}
	}
	return n;
}

/* They are due in the order in which they were asked. */
static void give_up(struct worker *w)
{
	struct asks *a = &w->asks;

	while (!list_empty(&a->waiting)) {
		struct ask *q = list_entry(a->waiting.next, struct ask, list);

		if (q->due_us > w->now.us)
			return;
		q->given_up = true;
		q->left = cur_of("", 0);
		list_remove(&q->list);
		list_append(&a->telling, &q->list);
	}
}

/* It has no room for what it asked for, and would keep it for ever. */
static void end_stuck(struct worker *w, struct conn *c)
{
	bool detached = c->detached;

	conn_close(w, c, REASON_INACTIVITY);
	if (!detached)
		tcp_close(w->tcp, c->tcp, true);
}

static void tell_one(struct worker *w, struct ask *q)
{
	struct conn *c = conn_get(w, q->origin);
	enum reason  why = q->given_up ? REASON_CONTROL_DOWN : q->why;
	bool         open = c != NULL && conn_has_session(c);

	if (c != NULL && c->state == CONN_CONNECTING)
		search_told(w, c, why, &q->left);

	if (open && !c->datagram && q->due_us + ASK_TAKE_US <= w->now.us) {
		end_stuck(w, c);
		open = false;
	}
	if (open && !tell(w, c, q->token, why, &q->left)) {
		c->telling = q;
		return;
	}
	if (open && why != REASON_NONE)
		metric_refused(w->metrics, why);
	c = conn_get(w, q->origin);
	if (c != NULL) {
		c->telling = NULL;
		answered(w, c);
	}
	list_remove(&q->list);
	q->told = true;
	if (q->back)
		release(w, q);
}

unsigned asks_turn(struct worker *w, uint64_t *next_us)
{
	struct asks *a = &w->asks;
	unsigned     work = take_back(w), told = 0;
	struct list *at, *next;

	give_up(w);
	for (at = a->telling.next; at != &a->telling && told < TELL_TURN; at = next) {
		struct ask  *q = list_entry(at, struct ask, list);
		struct conn *c = conn_get(w, q->origin);

		next = at->next;
		if (c != NULL && c->telling != NULL && c->telling != q)
			continue; /* after the one before */
		told++;
		tell_one(w, q);
	}
	if (!list_empty(&a->waiting))
		*next_us = earlier(*next_us, list_entry(a->waiting.next, struct ask, list)->due_us);
	return work + told;
}

/* ---- the management thread ---- */

bool asks_may_come(const struct dataplane *dp)
{
	for (unsigned i = 0; i < dp->listener_count; i++) {
		if (registry_ops(dp->listeners[i].conf->protocol)->told != NULL)
			return true;
	}
	return false;
}

static void hand_back(struct dataplane *dp, struct asks *a, struct ask *q, enum reason why,
		      struct cur answer)
{
	size_t n = why == REASON_NONE ? cur_left(&answer) : 0;

	if (n > 0 && dp->answer_bytes + n <= ASK_ANSWERS_MAX)
		q->answer = malloc(n);
	if (n > 0 && q->answer == NULL) {
		why = REASON_POOL;
		n = 0;
	}
	if (n > 0)
		memcpy(q->answer, answer.p, n);
	dp->answer_bytes += n;
	q->answer_size = (uint32_t)n;
	q->why = why;
	q->id = 0;
	q->state = ASK_TOLD;
	hand_over(a->to_worker, q);
}

/* The memory of an answer that was read comes back, or a question comes. */
static struct ask *take(struct dataplane *dp, struct asks *a)
{
	void *slot;

	while (rte_ring_dequeue(a->to_mgmt, &slot) == 0) {
		struct ask *q = slot;

		if (q->state == ASK_ASKED)
			return q;
		ASSERT(q->state == ASK_DONE);
		dp->answer_bytes -= q->answer_size;
		free(q->answer);
		q->answer = NULL;
		q->state = ASK_FREE;
		hand_over(a->to_worker, q);
	}
	return NULL;
}

bool asks_next(struct dataplane *dp, uint64_t now_us, uint64_t *id, struct cur *question)
{
	for (unsigned i = 0; i < dp->worker_count; i++) {
		/* Each in turn, so that none keeps the others from asking. */
		unsigned     worker = (dp->asks_turn + i) % dp->worker_count;
		struct asks *a = &dp->workers[worker]->asks;
		struct ask  *q;

		while ((q = take(dp, a)) != NULL) {
			if (q->due_us <= now_us) {
				hand_back(dp, a, q, REASON_CONTROL_DOWN, cur_of("", 0));
				continue;
			}
			q->id = ++a->sequence << (ID_SLOT_BITS + ID_WORKER_BITS) |
				(uint64_t)worker << ID_SLOT_BITS | (uint64_t)(q - a->slots);
			list_append(&a->out, &q->out);
			dp->asks_turn = worker + 1;
			*id = q->id;
			*question = cur_of(q->bytes, q->size);
			return true;
		}
	}
	return false;
}

void asks_told(struct dataplane *dp, uint64_t id, enum reason why, struct cur answer)
{
	unsigned     worker = (unsigned)(id >> ID_SLOT_BITS) % NET_WORKERS_MAX;
	struct asks *a = worker < dp->worker_count ? &dp->workers[worker]->asks : NULL;
	struct ask  *q = a != NULL ? &a->slots[id % ASKS_MAX] : NULL;

	/* A slot that is not here belongs to its worker, but for the id. */
	if (q == NULL || id == 0 || q->id != id)
		return;
	list_remove(&q->out);
	hand_back(dp, a, q, why, answer);
}

void asks_lost(struct dataplane *dp)
{
	for (unsigned i = 0; i < dp->worker_count; i++) {
		struct asks *a = &dp->workers[i]->asks;

		while (!list_empty(&a->out)) {
			struct ask *q = list_entry(a->out.next, struct ask, out);

			list_remove(&q->out);
			hand_back(dp, a, q, REASON_CONTROL_DOWN, cur_of("", 0));
		}
	}
}
