#include "flight.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

#include "copies.h"
#include "registered.h"
#include "worker.h"

#define FLIGHT_NONE UINT32_MAX

int flights_init(struct flights *f, uint32_t max)
{
	f->table = calloc(max, sizeof(f->table[0]));
	if (f->table == NULL)
		return -ENOMEM;
	f->max = max;
	for (uint32_t i = 0; i < max; i++)
		f->table[i].next_free = i + 1 < max ? i + 1 : FLIGHT_NONE;
	list_init(&f->by_age);
	return 0;
}

void flights_free(struct flights *f)
{
	free(f->table);
	f->table = NULL;
}

/* Of an address in a domain of ours to which no route leads. */
static const struct route_choice here = {.count = 1, .targets = {{.kind = ROUTE_REGISTERED}}};
const struct route_set           flight_here = {.count = 1, .to = "", .choices = {&here}};

static void flight_choose(struct worker *w, struct flight *e, const struct route_set *routes);

static struct flight *flight_new(struct worker *w, struct msg *m)
{
	struct flights *f = &w->flights;
	struct flight  *e;

	if (f->free_head == FLIGHT_NONE)
		return NULL;
	e = &f->table[f->free_head];
	f->free_head = e->next_free;
	e->msg = m;
	e->deadline_us = w->now.us + FLIGHT_ANSWER_MAX_US;
	e->rule_route = UINT32_MAX;
	e->state = FLIGHT_CHOOSING;
	e->tries = e->relinks = 0;
	e->answered = e->resend_unknown = false;
	e->last.why = REASON_NO_TARGET;
	e->last.has_status = false;
	e->last.retry_after_ms = 0;
	list_append(&f->by_age, &e->by_age);
	metric_inc(w->metrics, METRIC_messages_open);
	return e;
}

static uint32_t flight_index(const struct worker *w, const struct flight *e)
{
	return (uint32_t)(e - w->flights.table);
}

static void flight_free(struct worker *w, struct flight *e)
{
	list_remove(&e->by_age);
	metric_sub(w->metrics, METRIC_messages_open, 1);
	e->state = FLIGHT_FREE;
	e->msg = NULL;
	e->generation++;
	e->next_free = w->flights.free_head;
	w->flights.free_head = flight_index(w, e);
}

/* Undelivered for good. */
static void flight_refuse(struct worker *w, struct flight *e, const struct result *result)
{
	struct msg *m = e->msg;
	bool        answered = e->answered;

	flight_free(w, e);
	if (answered) { /* datagram mode, or out of time: the submitter has its answer, the reason
			   is counted */
		metric_refused(w->metrics, (enum reason)result->why);
		msg_free(m);
	} else {
		refuse_with(w, m, result);
	}
}

/* Whose ids a report names. */
static uint32_t receipts_centre(const struct worker *w, const struct msg *m)
{
	return m->peer != MSG_SLOT_NONE ? receipts_smsc(w, m->peer) : RECEIPTS_OURS;
}

/* The account that a receipt goes to; components are told by their address instead, as the world
 * beyond them is. */
static uint32_t receipts_account(const struct worker *w, uint32_t account)
{
	const struct world_account *a =
		account != MSG_SLOT_NONE ? world_account(w->world, account) : NULL;

	return a != NULL && a->conf->domain[0] != '\0' ? MSG_SLOT_NONE : account;
}

/* A receipt has reached who asked for it: nothing more is awaited, where it was the last word. */
static void report_delivered(struct worker *w, const struct msg *m)
{
	struct receipt_note note = {.smsc = receipts_centre(w, m),
				    .msg_id = m->receipt.msg_id,
				    .ids = CONF_IDS_AUTO,
				    .read = m->kind == MSG_READ_REPORT,
				    .id_size = (uint8_t)m->receipt.remote_id.size};
	uint8_t             room[RESULT_REMOTE_ID_MAX];

	metric_inc(w->metrics, METRIC_receipts_delivered);
	if (m->receipt.intermediate || note.id_size == 0)
		return;
	memcpy(note.id, msg_view(m, m->receipt.remote_id, room), note.id_size);
	receipt_done(w, &note);
}

/* The next hop will say what became of the message under the id that it gave. */
static void report_await(struct worker *w, const struct flight *e, const struct result *result)
{
	const struct msg   *m = e->msg;
	struct receipt_note note = {.smsc = RECEIPTS_OURS,
				    .account = receipts_account(w, m->account),
				    .msg_id = m->id,
				    .lifetime_us = RECEIPTS_LIFETIME_MAX_US,
				    .subscriber = receipts_subscriber(msg_addr(m, &m->to)),
				    /* Nobody says so of a short message. */
				    .read_wanted = (m->wants & MSG_WANT_READ) != 0 &&
						   !result->short_message,
				    .id_size = result->remote_id_size};
	uint8_t             room[MSG_ORIGIN_ID_MAX];

	if (e->current.kind == ROUTE_ACCOUNT &&
	    receipts_account(w, e->current.slot) != MSG_SLOT_NONE)
		return; /* its answer was the last word */
	if (e->current.kind == ROUTE_PEER)
		note.smsc = receipts_smsc(w, e->current.slot);
	if (m->expires_us > w->now.us && m->expires_us - w->now.us < note.lifetime_us)
		note.lifetime_us = m->expires_us - w->now.us +
				   3600 * US_PER_SECOND; /* the receipt that tells of the expiry
							    comes after it */
	memcpy(note.id, result->remote_id, result->remote_id_size);
	if (note.account == MSG_SLOT_NONE) {
		if (m->origin_id.size == 0 || m->origin_id.size > MSG_ORIGIN_ID_MAX)
			return;
		note.origin_id_size = (uint8_t)m->origin_id.size;
		memcpy(note.origin_id, msg_view(m, m->origin_id, room), note.origin_id_size);
	}
	receipt_open(w, &note);
}

static bool address_copy(struct msg *to, const struct msg *from, const struct addr *a,
			 struct addr *copy)
{
	return msg_append_addr(to, (enum addr_kind)a->kind, a->ton, a->npi, msg_addr(from, a),
			       copy);
}

/* What the next hop has said is told in a receipt that is made here. */
static void report_now(struct worker *w, const struct msg *m, struct msg_receipt says)
{
	struct msg    *r = msg_new(w->msgs);
	uint8_t        room[MSG_ORIGIN_ID_MAX];
	struct flight *e;

	if (r == NULL) {
		metric_refused(w->metrics, REASON_POOL);
		return;
	}
	r->kind = MSG_RECEIPT;
	r->class = m->class;
	r->account = receipts_account(w, m->account);
	r->received_us = w->now.us;
	r->receipt = says;
	r->receipt.msg_id = m->id;
	r->native_protocol = PROTO_COUNT;
	if (address_copy(r, m, &m->to, &r->from) && address_copy(r, m, &m->from, &r->to) &&
	    (m->origin_id.size > MSG_ORIGIN_ID_MAX ||
	     msg_append(r, msg_view(m, m->origin_id, room), m->origin_id.size, &r->origin_id)) &&
	    (e = flight_new(w, r)) != NULL) {
		e->answered = true; /* nobody waits for an answer */
		flight_choose(w, e, NULL);
		return;
	}
	metric_refused(w->metrics, REASON_POOL);
	msg_free(r);
}

/* It left its protocol for that of short messages, and its sender wants to know, or what became of
 * it on its way (RFC 5438, 7.2.1.3). */
static void report_interworking(struct worker *w, const struct msg *m)
{
	bool interworking = (m->wants & MSG_WANT_INTERWORKING) != 0;

	if (interworking || ((m->wants & MSG_WANT_INTERMEDIATE) != 0 &&
			     m->account == MSG_SLOT_NONE && m->origin_id.size > 0))
		report_now(w, m,
			   (struct msg_receipt){.state = MSG_STATE_ACCEPTED,
						.intermediate = true,
						.interworked = interworking});
}

static void flight_delivered(struct worker *w, struct flight *e, const struct result *result)
{
	struct msg *m = e->msg;

	if (m->copy != MSG_COPY_NONE) {
		metric_inc(w->metrics, METRIC_copies_delivered);
		flight_free(w, e);
		msg_free(m);
		return;
	}
	metric_inc(w->metrics, METRIC_messages_delivered);
	if (!e->answered) { /* before a receipt that waits can follow: it names the id that is told
			       here */
		struct result answer = {
			.why = REASON_NONE, .msg_id = m->id, .delivered = result->delivered};

		conn_answer(w, m->origin, m->token, &answer);
	}
	if (msg_is_report(m))
		report_delivered(w, m);
	else if (m->wants != 0 && result->short_message)
		report_interworking(w, m);
	if (!msg_is_report(m) && (m->wants & MSG_WANT_SUCCESS) != 0 && result->delivered)
		report_now(w, m, (struct msg_receipt){.state = MSG_STATE_DELIVERED});
	else if (!msg_is_report(m) && (m->wants & ~MSG_WANT_INTERWORKING) != 0 &&
		 !result->delivered && result->remote_id_size > 0)
		report_await(w, e, result);
	if (e->current.kind == ROUTE_REGISTERED)
		copies_received(w, m, e->current.slot);
	flight_free(w, e);
	msg_free(m);
}

/* Hand the message to a session of any worker; at: for that registration, or NULL. False: it does
 * not take it, e->last says why. */
static bool flight_lend(struct worker *w, struct flight *e, struct session_ref to,
			const struct proto_target *at)
{
	struct delivery_order order = {.msg = e->msg,
				       .to = to,
				       .binding = at != NULL ? at->binding->id : 0,
				       .deadline_us = e->deadline_us -
						      (FLIGHT_ANSWER_MAX_US - FLIGHT_QUEUE_MAX_US)};

	if (to.worker == w->number)
		return deliver_accept(w, &order, at, w->number, flight_index(w, e), &e->last);
	if (xcore_lend(w, &order, flight_index(w, e)))
		return true;
	e->last = (struct result){.why = REASON_QUEUE_FULL};
	return false;
}

/* The same to the worker that has the recipient's domain. */
static bool flight_try_domain(struct worker *w, struct flight *e)
{
	struct session_ref to;

	if (domain_session(w, e->msg, &to))
		return flight_lend(w, e, to, NULL);
	e->last = (struct result){.why = REASON_DESTINATION};
	return false;
}

/* Hand the message to one target. False: it does not take it, e->last says why. */
static bool flight_try(struct worker *w, struct flight *e, const struct route_target *target)
{
	struct link_line  *line;
	struct session_ref ref;

	if (domains_are_of(w, target))
		return flight_try_domain(w, e);
	line = link_choose(link_group(w->dp->links, target), msg_addr(e->msg, &e->msg->to));
	if (e->last.why == REASON_NOT_REGISTERED)
		e->last = (struct result){.why = REASON_NO_TARGET};
	if (line == NULL)
		return false;
	/* Relaxed: what ended meanwhile is found out by its generation. */
	ref = session_ref_unpack(atomic_load_explicit(&line->session, memory_order_relaxed));
	if (ref.worker != w->number &&
	    atomic_load_explicit(&line->queued, memory_order_relaxed) >=
		    atomic_load_explicit(&line->queue_max, memory_order_relaxed)) {
		e->last = (struct result){.why = REASON_QUEUE_FULL};
		return false;
	}
	return flight_lend(w, e, ref, NULL);
}

static bool was_tried(const struct flight *e, const struct route_target *t)
{
	for (unsigned i = 0; i < e->tries; i++) {
		if (e->tried[i].kind == t->kind && e->tried[i].slot == t->slot)
			return true;
	}
	return false;
}

static void flight_target_begin(struct worker *w, struct flight *e,
				const struct route_target *target)
{
	if (e->tries > 0)
		metric_inc(w->metrics, METRIC_messages_failed_over);
	e->tried[e->tries++] = e->current = *target;
	e->state = FLIGHT_LENT;
}

/* A registration that was tried last, and that another session has since, which may take it. */
static bool has_moved(struct flight *e, const struct route_target *t, struct session_ref ref)
{
	if (e->last.why != REASON_SESSION_GONE || e->last.maybe_sent ||
	    t->kind != e->current.kind || t->slot != e->current.slot ||
	    e->relinks == FLIGHT_RELINKS_MAX || session_ref_pack(ref) == session_ref_pack(e->lent))
		return false;
	e->relinks++;
	return true;
}

/* Hand it to one of these places of the recipient; each is a target of its own. */
static bool flight_try_places(struct worker *w, struct flight *e,
			      const struct registered_places *found, unsigned from, unsigned end)
{
	for (unsigned i = from; i < end && e->tries < FLIGHT_TRIES_MAX; i++) {
		struct proto_target at = {found->at[i].record, found->at[i].binding};
		struct route_target target = {.slot = at.binding->id, .kind = ROUTE_REGISTERED};
		struct session_ref  ref =
			registered_session(w, &found->at[i], msg_addr(e->msg, &e->msg->from));

		if (was_tried(e, &target) && !has_moved(e, &target, ref))
			continue;
		e->lent = ref;
		flight_target_begin(w, e, &target);
		if (flight_lend(w, e, ref, &at))
			return true;
		e->state = FLIGHT_CHOOSING;
	}
	return false;
}

static bool speaks(const struct worker *w, const struct route_target *t, uint8_t protocol)
{
	const struct world_peer *p = t->kind == ROUTE_PEER ? world_peer(w->world, t->slot) : NULL;
	const struct world_account *a =
		t->kind == ROUTE_ACCOUNT ? world_account(w->world, t->slot) : NULL;

	return (p != NULL && p->conf->protocol == protocol) ||
	       (a != NULL && a->conf->protocol == protocol);
}

/* What one protocol alone understands, or is for one place, goes to those who speak it: where the
 * recipient is, or, in a domain that is not ours, over the links that lead there. */
static unsigned native_targets(const struct worker *w, const struct msg *m,
			       struct route_target order[ROUTE_TARGETS_MAX])
{
	struct str              from = msg_addr(m, &m->from), to = msg_addr(m, &m->to);
	const struct route_set *set = NULL;
	unsigned                n = 0, kept = 0;

	if (!registered_here(w->dp, to) && w->world->routes != NULL)
		set = route_find(w->world->routes, to);
	if (set != NULL)
		n = route_order(set, from, to, order);
	for (unsigned i = 0; i < n; i++) {
		if (speaks(w, &order[i], m->native_protocol))
			order[kept++] = order[i];
	}
	if (kept > 0)
		return kept;
	order[0] = (struct route_target){.kind = ROUTE_REGISTERED};
	if (set == NULL && !registered_here(w->dp, to))
		domains_target(w, to, &order[0]);
	return 1;
}

/* set: what this turn has found already, or NULL. */
static unsigned flight_targets(struct worker *w, const struct flight *e,
			       const struct route_set *set,
			       struct route_target     order[ROUTE_TARGETS_MAX])
{
	const struct msg *m = e->msg;
	struct str        from = msg_addr(m, &m->from), to = msg_addr(m, &m->to);

	if (m->copy != MSG_COPY_NONE) { /* for further clients of the same recipient */
		order[0] = (struct route_target){.kind = ROUTE_REGISTERED};
		return 1;
	}
	if (m->kind == MSG_NATIVE || m->there)
		return native_targets(w, m, order);
	if (msg_is_report(m) && m->account != MSG_SLOT_NONE) {
		order[0] = (struct route_target){.slot = m->account, .kind = ROUTE_ACCOUNT};
		return 1;
	}
	if (set != NULL)
		return route_order(set, from, to, order);
	if (e->rule_route != UINT32_MAX)
		/* Under other rules the number means another route: there is no next target. */
		set = e->rules_version == w->world->rules_version
			      ? world_rule_route(w->world, e->rule_route)
			      : NULL;
	else
		set = w->world->routes != NULL ? route_find(w->world->routes, to) : NULL;
	if (set == NULL && !registered_here(w->dp, to))
		return e->rule_route == UINT32_MAX && domains_target(w, to, &order[0]) ? 1 : 0;
	return route_order(set != NULL ? set : &flight_here, from, to, order);
}

/* Hand it to a peer or an account, where it was not tried before. */
static bool flight_try_link(struct worker *w, struct flight *e, const struct route_target *target)
{
	if (e->tries == FLIGHT_TRIES_MAX || was_tried(e, target))
		return false;
	flight_target_begin(w, e, target);
	if (flight_try(w, e, target))
		return true;
	e->state = FLIGHT_CHOOSING;
	return false;
}

/*
 * Hand it to the next target in order; the recipient's own places stand where the route names them,
 * those after its `sms` behind the rest of the route. That there is none is a refusal for good only
 * where nothing else was tried: another target may be up again soon.
 */
static bool flight_try_next(struct worker *w, struct flight *e, const struct route_set *routes)
{
	struct route_target      order[ROUTE_TARGETS_MAX];
	unsigned                 n = flight_targets(w, e, routes, order);
	struct registered_places found;

	found.n = found.first = 0;
	found.alone = false;
	for (unsigned i = 0; i < n && !found.alone; i++) {
		if (order[i].kind != ROUTE_REGISTERED) {
			if (flight_try_link(w, e, &order[i]))
				return true;
			continue;
		}
		registered_find_for(w->dp, w->world, e->msg, w->now.us, &found);
		if (found.n == 0 && e->tries == 0)
			e->last = (struct result){.why = REASON_NOT_REGISTERED};
		if (flight_try_places(w, e, &found, 0, found.first))
			return true;
	}
	return flight_try_places(w, e, &found, found.first, found.n);
}

/* Choose the next target and hand over; when there is none left the message is refused with the
 * last target's reason. */
static void flight_choose(struct worker *w, struct flight *e, const struct route_set *routes)
{
	if (flight_try_next(w, e, routes))
		return;
	flight_refuse(w, e,
		      &(struct result){.why = e->last.why,
				       .has_status = e->last.has_status,
				       .peer_protocol = e->last.peer_protocol,
				       .peer_status = e->last.peer_status,
				       .retry_after_ms = e->last.retry_after_ms});
}

void flight_start(struct worker *w, struct msg *m, const struct route_set *routes,
		  uint32_t rule_route, bool resend_unknown, bool answer_now)
{
	struct flight *e = flight_new(w, m);

	if (e == NULL) {
		refuse(w, m, REASON_POOL);
		return;
	}
	e->rule_route = rule_route;
	e->rules_version = w->world->rules_version;
	e->resend_unknown = resend_unknown;
	if (answer_now) {
		uint32_t generation = e->generation;

		flight_choose(w, e, routes);
		if (e->generation != generation || e->answered)
			return; /* refused at once, or delivered */
		e->answered = true;
		conn_answer(w, m->origin, m->token,
			    &(struct result){.why = REASON_NONE, .msg_id = m->id});
		return;
	}
	flight_choose(w, e, routes);
}

void flight_start_copy(struct worker *w, struct msg *m)
{
	struct flight *e = flight_new(w, m);

	if (e == NULL) {
		metric_refused(w->metrics, REASON_POOL);
		msg_free(m);
		return;
	}
	e->answered = true;
	flight_choose(w, e, NULL);
}

void flight_start_receipt(struct worker *w, struct msg *m)
{
	struct flight           *e;
	const struct world_peer *peer =
		m->peer != MSG_SLOT_NONE ? world_peer(w->world, m->peer) : NULL;
	struct receipt_note note = {.smsc = receipts_centre(w, m),
				    .home = (uint8_t)w->number,
				    .subscriber = receipts_subscriber(msg_addr(m, &m->from)),
				    .ids = peer != NULL ? peer->conf->ids : CONF_IDS_AUTO};
	uint8_t             room[RESULT_REMOTE_ID_MAX];

	metric_inc(w->metrics, METRIC_receipts_in);
	if (m->receipt.remote_id.size == 0 && m->origin_id.size > 0 &&
	    registered_here(w->dp, msg_addr(m, &m->to))) {
		/* It names the message as its sender does, who is here. */
		flight_start(w, m, NULL, UINT32_MAX, false, false);
		return;
	}
	if (m->receipt.remote_id.size == 0 || m->receipt.remote_id.size > RESULT_REMOTE_ID_MAX) {
		refuse(w, m, REASON_RECEIPT_UNKNOWN);
		return;
	}
	e = flight_new(w, m);
	if (e == NULL) {
		refuse(w, m, REASON_POOL);
		return;
	}
	e->state = FLIGHT_MATCHING;
	note.flight = flight_index(w, e);
	note.generation = e->generation;
	note.id_size = (uint8_t)m->receipt.remote_id.size;
	memcpy(note.id, msg_view(m, m->receipt.remote_id, room), note.id_size);
	receipt_ask(w, &note);
}

void flight_receipt_found(struct worker *w, uint32_t flight, uint32_t generation,
			  const struct receipt_found *found)
{
	struct flight *e;

	ASSERT(flight < w->flights.max);
	e = &w->flights.table[flight];
	if (e->generation != generation || e->state != FLIGHT_MATCHING)
		return;
	if (found->msg_id == 0) {
		flight_refuse(w, e, &(struct result){.why = REASON_RECEIPT_UNKNOWN});
		return;
	}
	metric_inc(w->metrics, METRIC_receipts_matched);
	e->msg->receipt.msg_id = found->msg_id;
	e->msg->account = found->account;
	if (found->origin_id_size > 0 &&
	    !msg_append(e->msg, found->origin_id, found->origin_id_size, &e->msg->origin_id)) {
		flight_refuse(w, e, &(struct result){.why = REASON_POOL});
		return;
	}
	e->state = FLIGHT_CHOOSING;
	flight_choose(w, e, NULL);
}

void flight_result(struct worker *w, uint32_t flight, const struct result *result)
{
	struct flight *e;

	ASSERT(flight < w->flights.max);
	e = &w->flights.table[flight];
	ASSERT(e->state == FLIGHT_LENT);
	e->state = FLIGHT_CHOOSING;
	if (result->why == REASON_NONE) {
		flight_delivered(w, e, result);
		return;
	}
	e->last = *result;
	if (result->maybe_sent) {
		metric_inc(w->metrics, METRIC_messages_unknown);
		if (!e->resend_unknown || msg_is_report(e->msg)) {
			flight_refuse(w, e, &(struct result){.why = REASON_UNKNOWN_OUTCOME});
			return;
		}
		metric_inc(w->metrics, METRIC_messages_resent);
		e->msg->possible_duplicate = true;
	} else if (reason_class((enum reason)result->why) == REASON_CLASS_PERMANENT) {
		flight_refuse(w, e, result);
		return;
	}
	if (result->why == REASON_SESSION_GONE && !result->maybe_sent &&
	    e->current.kind != ROUTE_REGISTERED && e->relinks < FLIGHT_RELINKS_MAX) {
		e->relinks++;
		e->tries--; /* the target may have other sessions */
	}
	if (w->now.us >= e->deadline_us)
		flight_refuse(w, e, result);
	else
		flight_choose(w, e, NULL);
}

uint64_t flights_tick(struct worker *w)
{
	struct flights *f = &w->flights;

	while (!list_empty(&f->by_age)) {
		struct flight *e = list_entry(f->by_age.next, struct flight, by_age);

		if (w->now.us < e->deadline_us)
			return e->deadline_us;
		if (e->state == FLIGHT_MATCHING) {
			flight_refuse(w, e, &(struct result){.why = REASON_RECEIPT_UNKNOWN});
			continue;
		}
		/* Lent and not back: the submitter is answered now, the message is freed when its
		 * result comes home. */
		ASSERT(e->state == FLIGHT_LENT);
		if (!e->answered) {
			e->answered = true;
			metric_refused(w->metrics, REASON_UNKNOWN_OUTCOME);
			conn_answer(w, e->msg->origin, e->msg->token,
				    &(struct result){.why = REASON_UNKNOWN_OUTCOME});
		}
		list_remove(&e->by_age);
	}
	return UINT64_MAX;
}
