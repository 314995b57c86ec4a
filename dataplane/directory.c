#include "directory.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"

#include "directory_private.h"
#include "link.h"
#include "pages.h"

#define BUCKETS_FIRST 1024u
#define BUCKETS_MAX 16777216u
#define BATCH_PRODUCER 32u /* of one producer in one go */
#define EXPIRE_MAX 1024u   /* entries looked at in one turn */
#define OVER_BUCKETS 65536u
#define SLEEP_NS 1000000
#define REMOVE_STEPS 1000

static struct rte_ring *ring_new(const char *kind, unsigned producer)
{
	static _Atomic unsigned directories; /* rings have names, and a process may have several */
	char                    name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "cpm_dir%u_%s_%u",
		 atomic_fetch_add_explicit(&directories, 1, memory_order_relaxed), kind, producer);
	return rte_ring_create(name, DIRECTORY_CHANGES_MAX, SOCKET_ID_ANY,
			       RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
}

static bool producer_init(struct producer *p, unsigned number)
{
	p->asked = ring_new("ask", number);
	p->confirmed = ring_new("yes", number);
	p->ended = ring_new("end", number);
	p->changes = pages_new(DIRECTORY_CHANGES_MAX * sizeof(p->changes[0]));
	return p->asked != NULL && p->confirmed != NULL && p->ended != NULL && p->changes != NULL;
}

struct directory *directory_new(unsigned producers, uint32_t max, uint64_t seed)
{
	struct directory *d = calloc(1, sizeof(*d));
	bool              made = d != NULL;

	ASSERT(producers <= NET_WORKERS_MAX + 1);
	if (d == NULL)
		return NULL;
	d->key = (struct hash_key){hash_mix(seed + 1), hash_mix(seed + 2)};
	d->max = max;
	d->buckets = BUCKETS_FIRST;
	d->producer_count = producers;
	d->table = cds_lfht_new(BUCKETS_FIRST, BUCKETS_FIRST, BUCKETS_MAX, 0, NULL);
	for (unsigned i = 0; i < DIRECTORY_WHEEL_SLOTS; i++)
		list_init(&d->wheel[i]);
	d->over = calloc(OVER_BUCKETS, sizeof(d->over[0]));
	for (unsigned i = 0; d->over != NULL && i < OVER_BUCKETS; i++)
		list_init(&d->over[i]);
	for (unsigned i = 0; i < producers; i++)
		made = producer_init(&d->producers[i], i) && made;
	if (made && d->table != NULL && d->over != NULL)
		return d;
	directory_free(d);
	return NULL;
}

static struct entry *entry_at(struct cds_lfht_iter *iter)
{
	struct cds_lfht_node *node = cds_lfht_iter_get_node(iter);

	return node != NULL ? caa_container_of(node, struct entry, node) : NULL;
}

void directory_retired_free(struct directory *d)
{
	while (d->retired != NULL) {
		struct entry *e = d->retired;

		d->retired = e->retired;
		free(e);
	}
}

void directory_free(struct directory *d)
{
	struct cds_lfht_iter iter;

	if (d == NULL)
		return;
	if (d->table != NULL) {
		cds_lfht_first(d->table, &iter);
		for (struct entry *e; (e = entry_at(&iter)) != NULL;
		     cds_lfht_next(d->table, &iter)) {
			cds_lfht_del(d->table, &e->node);
			e->retired = d->retired;
			d->retired = e;
		}
		cds_lfht_destroy(d->table, NULL);
	}
	directory_retired_free(d);
	for (unsigned i = 0; i < d->producer_count; i++) {
		rte_ring_free(d->producers[i].asked);
		rte_ring_free(d->producers[i].confirmed);
		rte_ring_free(d->producers[i].ended);
		pages_free(d->producers[i].changes, DIRECTORY_CHANGES_MAX * sizeof(struct change));
	}
	if (d->keeps)
		journal_close(&d->journal);
	free(d->over);
	free(d);
}

/* ---- reading ---- */

static int matches(struct cds_lfht_node *node, const void *key)
{
	const struct entry  *e = caa_container_of(node, struct entry, node);
	const struct wanted *wanted = key;

	return e->protocol == wanted->protocol && str_eq(e->record.address, wanted->address);
}

static uint64_t hash_of(const struct directory *d, const struct wanted *wanted)
{
	return hash_sip(&d->key, wanted->address.p, wanted->address.n) + wanted->protocol;
}

struct entry *directory_entry(const struct directory *d, const struct wanted *wanted)
{
	struct cds_lfht_iter iter;

	cds_lfht_lookup(d->table, hash_of(d, wanted), matches, wanted, &iter);
	return entry_at(&iter);
}

const struct proto_record *directory_find(const struct directory *d, unsigned protocol,
					  struct str address)
{
	const struct entry *e = directory_entry(d, &(struct wanted){protocol, address});

	return e != NULL ? &e->record : NULL;
}

const struct proto_binding *directory_binding(const struct proto_record *r, uint32_t id)
{
	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		if (r->bindings[i].id == id)
			return &r->bindings[i];
	}
	return NULL;
}

void directory_each(const struct directory *d,
		    bool (*visit)(void *user, unsigned protocol, const struct proto_record *r),
		    void *user)
{
	struct cds_lfht_iter iter;

	rcu_thread_begin();
	cds_lfht_first(d->table, &iter);
	for (const struct entry *e; (e = entry_at(&iter)) != NULL; cds_lfht_next(d->table, &iter)) {
		if (!visit(user, e->protocol, &e->record))
			break;
	}
	rcu_thread_end();
}

uint64_t directory_addresses(const struct directory *d)
{
	return atomic_load_explicit(&d->addresses, memory_order_relaxed);
}

uint64_t directory_bindings(const struct directory *d)
{
	return atomic_load_explicit(&d->bindings, memory_order_relaxed);
}

uint64_t directory_numbers(const struct directory *d)
{
	return atomic_load_explicit(&d->numbers, memory_order_relaxed);
}

/* ---- producers ---- */

static struct change *change_new(struct producer *p)
{
	uint32_t taken = p->free_head;

	if (taken != 0) {
		p->free_head = p->changes[taken - 1].next_free;
		return &p->changes[taken - 1];
	}
	return p->used_high < DIRECTORY_CHANGES_MAX ? &p->changes[p->used_high++] : NULL;
}

static void change_free(struct producer *p, struct change *c)
{
	c->next_free = p->free_head;
	p->free_head = (uint32_t)(c - p->changes) + 1;
}

static void change_ask(struct producer *p, struct change *c)
{
	int err = rte_ring_sp_enqueue(p->asked, c);

	ASSERT(err == 0); /* as many places as there are changes */
}

static bool change_fill(struct change *c, const struct proto_registration *r)
{
	if (r->address.n > sizeof(c->address) || r->text.n > sizeof(c->text))
		return false;
	ASSERT(r->count <= PROTO_BINDINGS_MAX);
	c->asked = *r;
	memcpy(c->address, r->address.p, r->address.n);
	if (r->text.n > 0)
		memcpy(c->text, r->text.p, r->text.n);
	c->asked.address.p = c->address;
	c->asked.text.p = c->text;
	return true;
}

enum reason directory_ask(struct directory *d, unsigned producer, unsigned protocol,
			  struct session_ref origin, bool stream,
			  const struct proto_registration *r)
{
	struct producer *p = &d->producers[producer];
	struct change   *c = change_new(p);

	if (c == NULL)
		return REASON_QUEUE_FULL;
	if (!change_fill(c, r)) {
		change_free(p, c);
		return REASON_MESSAGE_SIZE;
	}
	c->origin = origin;
	c->protocol = (uint8_t)protocol;
	c->has_lost = false;
	for (unsigned i = 0; i < r->count; i++) {
		c->asked.bindings[i].session = origin;
		c->asked.bindings[i].stream =
			stream && !(r->bindings[i].features & PROTO_BINDING_AT_PEER);
	}
	change_ask(p, c);
	return REASON_NONE;
}

bool directory_ended(struct directory *d, unsigned producer, struct session_ref session)
{
	void *packed = (void *)(uintptr_t)session_ref_pack(session);

	return rte_ring_sp_enqueue(d->producers[producer].ended, packed) == 0;
}

unsigned directory_answers(struct directory *d, unsigned producer,
			   struct directory_answer answers[], unsigned max)
{
	struct producer *p = &d->producers[producer];
	struct change   *done[BATCH_PRODUCER];
	unsigned         n = max < BATCH_PRODUCER ? max : BATCH_PRODUCER;

	n = rte_ring_sc_dequeue_burst(p->confirmed, (void **)done, n, NULL);
	for (unsigned i = 0; i < n; i++) {
		answers[i] = (struct directory_answer){.origin = done[i]->origin,
						       .token = done[i]->asked.token,
						       .why = (enum reason)done[i]->why,
						       .has_lost = done[i]->has_lost,
						       .lost = done[i]->lost,
						       .hands_over = done[i]->asked.hands_over,
						       .word = done[i]->asked.word};
		change_free(p, done[i]);
	}
	return n;
}

bool directory_remove(struct directory *d, unsigned producer, unsigned protocol, struct str address)
{
	struct proto_registration r = {.address = address, .remove_all = true};
	const struct timespec     step = {.tv_nsec = SLEEP_NS};
	struct directory_answer   answer;
	bool                      there;

	while (directory_answers(d, producer, &answer, 1) == 1)
		; /* to questions that were given up */
	rcu_thread_begin();
	there = directory_find(d, protocol, address) != NULL;
	rcu_thread_end();
	if (!there ||
	    directory_ask(d, producer, protocol, (struct session_ref){0}, false, &r) != REASON_NONE)
		return false;
	for (unsigned i = 0; i < REMOVE_STEPS; i++) {
		if (directory_answers(d, producer, &answer, 1) == 1) {
			d->renew_asked = true;
			return answer.why == REASON_NONE;
		}
		nanosleep(&step, NULL);
	}
	return false; /* the writer hangs */
}

/* ---- the writer ---- */

static struct list *over_bucket(const struct directory *d, const struct session_ref *session)
{
	return &d->over[hash_mix(session_ref_pack(*session)) % OVER_BUCKETS];
}

static void overs_add(struct directory *d, struct entry *e)
{
	for (uint32_t i = 0; i < e->record.count; i++) {
		struct over *o = &e->overs[e->over_count];

		if (!e->record.bindings[i].stream)
			continue;
		o->entry = e;
		o->session = e->record.bindings[i].session;
		list_append(over_bucket(d, &o->session), &o->node);
		e->over_count++;
	}
}

static void overs_remove(struct entry *e)
{
	for (uint32_t i = 0; i < e->over_count; i++)
		list_remove(&e->overs[i].node);
}

static bool is_number(const struct entry *e)
{
	return str_starts(e->record.address, STR("+"));
}

static void entry_retire(struct directory *d, struct entry *e)
{
	list_remove(&e->due);
	overs_remove(e);
	atomic_fetch_sub_explicit(&d->bindings, e->record.count, memory_order_relaxed);
	atomic_fetch_sub_explicit(&d->addresses, 1, memory_order_relaxed);
	if (is_number(e))
		atomic_fetch_sub_explicit(&d->numbers, 1, memory_order_relaxed);
	e->retired = d->retired;
	d->retired = e;
}

/* The wheel looks at an entry when the first of its bindings ends, or after a turn of the wheel. */
static void entry_schedule(struct directory *d, struct entry *e)
{
	uint64_t first_us = UINT64_MAX, at_s;

	for (uint32_t i = 0; i < e->record.count; i++) {
		if (e->record.bindings[i].expires_us < first_us)
			first_us = e->record.bindings[i].expires_us;
	}
	at_s = first_us / US_PER_SECOND + 1;
	if (at_s <= d->wheel_s)
		at_s = d->wheel_s + 1;
	if (at_s >= d->wheel_s + DIRECTORY_WHEEL_SLOTS)
		at_s = d->wheel_s + DIRECTORY_WHEEL_SLOTS - 1;
	list_append(&d->wheel[at_s % DIRECTORY_WHEEL_SLOTS], &e->due);
}

static struct entry *entry_new(struct directory *d, const struct wanted *wanted,
			       const struct record_plan *plan)
{
	size_t        size = offsetof(struct entry, record) + record_size(plan, wanted->address);
	size_t        overs = (size + alignof(struct over) - 1) / alignof(struct over);
	struct entry *e;

	overs *= alignof(struct over);
	e = malloc(overs + plan->count * sizeof(struct over));
	if (e == NULL)
		return NULL;
	e->overs = (struct over *)(void *)((char *)e + overs);
	e->over_count = 0;
	e->round = d->round;
	e->kept = false;
	e->protocol = (uint8_t)wanted->protocol;
	e->hash = hash_of(d, wanted);
	cds_lfht_node_init(&e->node);
	list_init(&e->due);
	record_write(&e->record, plan, wanted->address);
	return e;
}

enum reason directory_put(struct directory *d, const struct wanted *wanted, struct entry *old,
			  const struct record_plan *plan, struct entry **put)
{
	struct entry         *e;
	struct cds_lfht_node *before;

	*put = NULL;
	if (plan->count == 0) {
		if (old == NULL)
			return REASON_NONE;
		cds_lfht_del(d->table, &old->node);
		entry_retire(d, old);
		return REASON_NONE;
	}
	if (old == NULL && directory_addresses(d) >= d->max)
		return REASON_REGISTRATIONS_FULL;
	e = entry_new(d, wanted, plan);
	if (e == NULL)
		return REASON_POOL;
	before = cds_lfht_add_replace(d->table, e->hash, matches, wanted, &e->node);
	ASSERT((before != NULL) == (old != NULL));
	if (old != NULL)
		entry_retire(d, old);
	entry_schedule(d, e);
	overs_add(d, e);
	atomic_fetch_add_explicit(&d->bindings, e->record.count, memory_order_relaxed);
	atomic_fetch_add_explicit(&d->addresses, 1, memory_order_relaxed);
	if (is_number(e))
		atomic_fetch_add_explicit(&d->numbers, 1, memory_order_relaxed);
	*put = e;
	return REASON_NONE;
}

static bool same_session(struct session_ref a, struct session_ref b)
{
	return a.index == b.index && a.generation == b.generation && a.worker == b.worker &&
	       a.protocol == b.protocol;
}

/* Whose binding it takes over. */
static void note_lost(struct change *c, const struct proto_record *old)
{
	for (uint32_t i = 0; old != NULL && c->asked.takes_over && i < old->count; i++) {
		const struct proto_binding *b = &old->bindings[i];

		if (b->key == c->asked.bindings[0].key && !same_session(b->session, c->origin)) {
			c->has_lost = true;
			c->lost = b->session;
		}
	}
}

static enum reason change_apply(struct directory *d, struct now now, struct change *c)
{
	struct wanted      wanted = {c->protocol, c->asked.address};
	struct entry      *old = directory_entry(d, &wanted);
	bool               was_kept = old != NULL && old->kept;
	struct record_plan plan;
	struct entry      *e;
	enum reason        why =
		record_plan(&plan, old != NULL ? &old->record : NULL, &c->asked, now.us, &d->ids);

	if (why != REASON_NONE)
		return why;
	note_lost(c, old != NULL ? &old->record : NULL);
	why = directory_put(d, &wanted, old, &plan, &e);
	if (why == REASON_NONE)
		directory_keep_change(d, now, &wanted, was_kept, e);
	return why;
}

/* What was asked for before a stream ended is done before its end is: so ends are counted first. */
static void count_ended(struct directory *d)
{
	for (unsigned i = 0; i < d->producer_count; i++) {
		struct producer *p = &d->producers[i];

		p->ended_count = rte_ring_count(p->ended);
		p->drained = false;
	}
	/* Pairs with the release of directory_ended()'s enqueue. */
	atomic_thread_fence(memory_order_acquire);
}

static unsigned take_changes(struct directory *d, struct now now)
{
	unsigned taken = 0, before;

	do {
		before = taken;
		for (unsigned i = 0; i < d->producer_count; i++) {
			struct producer *p = &d->producers[i];
			struct change   *asked[BATCH_PRODUCER];
			unsigned         n = rte_ring_sc_dequeue_burst(p->asked, (void **)asked,
								       BATCH_PRODUCER, NULL);

			for (unsigned k = 0; k < n; k++) {
				asked[k]->why = (uint8_t)change_apply(d, now, asked[k]);
				p->done[p->done_count++] = asked[k];
			}
			p->drained = p->drained || n < BATCH_PRODUCER;
			taken += n;
		}
	} while (taken > before && taken < DIRECTORY_BATCH);
	return taken;
}

/* Each change is in force, and in the journal. */
static void confirm(struct directory *d)
{
	for (unsigned i = 0; i < d->producer_count; i++) {
		struct producer *p = &d->producers[i];

		rte_ring_sp_enqueue_bulk(p->confirmed, (void **)p->done, p->done_count, NULL);
		p->done_count = 0;
	}
}

static struct over *over_find(const struct directory *d, const struct session_ref *session)
{
	struct list *bucket = over_bucket(d, session);

	for (struct list *at = bucket->next; at != bucket; at = at->next) {
		struct over *o = list_entry(at, struct over, node);

		if (session_ref_pack(o->session) == session_ref_pack(*session))
			return o;
	}
	return NULL;
}

static void entry_end_stream(struct directory *d, struct now now, struct entry *e,
			     const struct session_ref *session)
{
	struct wanted      wanted = {e->protocol, e->record.address};
	struct record_plan plan;
	struct entry      *left;

	record_plan_without(&plan, &e->record, session, now.us);
	if (directory_put(d, &wanted, e, &plan, &left) != REASON_NONE) {
		overs_remove(e); /* no memory for its shorter record: it ends by its time */
		return;
	}
	if (left != NULL) {
		left->kept = e->kept;
		left->round = e->round;
		directory_keep_moved(d, now, left);
	}
}

static bool ending_next(struct directory *d)
{
	for (unsigned i = 0; i < d->producer_count; i++) {
		struct producer *p = &d->producers[i];
		void            *packed;

		if (!p->drained || p->ended_count == 0 ||
		    rte_ring_sc_dequeue(p->ended, &packed) != 0)
			continue;
		p->ended_count--;
		d->ending = session_ref_unpack((uintptr_t)packed);
		d->is_ending = true;
		return true;
	}
	return false;
}

/* A stream may carry any number of registrations: their end takes as many turns as it needs. */
static unsigned take_ended(struct directory *d, struct now now)
{
	unsigned n = 0;

	for (; n < DIRECTORY_BATCH && (d->is_ending || ending_next(d)); n++) {
		struct over *o = over_find(d, &d->ending);

		if (o != NULL)
			entry_end_stream(d, now, o->entry, &d->ending);
		else
			d->is_ending = false;
	}
	return n;
}

static void entry_expire(struct directory *d, struct now now, struct entry *e)
{
	struct proto_registration nothing = {.address = e->record.address};
	struct wanted             wanted = {e->protocol, e->record.address};
	struct record_plan        plan;
	struct entry             *left;

	record_plan(&plan, &e->record, &nothing, now.us, &d->ids);
	if (plan.count < e->record.count &&
	    directory_put(d, &wanted, e, &plan, &left) == REASON_NONE) {
		if (left == NULL)
			return;
		left->kept = e->kept; /* what has expired may stay in the journal */
		left->round = e->round;
		e = left;
	} else {
		list_remove(&e->due); /* no memory for its shorter record: again in a while */
		entry_schedule(d, e);
	}
	directory_keep_moved(d, now, e);
}

static unsigned expire(struct directory *d, struct now now)
{
	uint64_t now_s = now.us / US_PER_SECOND;
	unsigned n = 0;

	if (d->wheel_s + DIRECTORY_WHEEL_SLOTS < now_s)
		d->wheel_s = now_s - DIRECTORY_WHEEL_SLOTS;
	while (d->wheel_s < now_s && n < EXPIRE_MAX) {
		struct list *slot = &d->wheel[(d->wheel_s + 1) % DIRECTORY_WHEEL_SLOTS];

		while (!list_empty(slot) && n < EXPIRE_MAX) {
			entry_expire(d, now, list_entry(slot->next, struct entry, due));
			n++;
		}
		if (list_empty(slot))
			d->wheel_s++;
	}
	return n;
}

void directory_grow(struct directory *d)
{
	if (directory_addresses(d) <= d->buckets || d->buckets >= BUCKETS_MAX)
		return;
	while (d->buckets < directory_addresses(d))
		d->buckets *= 2;
	rcu_offline(); /* it waits for readers itself */
	cds_lfht_resize(d->table, d->buckets);
	rcu_online();
}

bool directory_turn(struct directory *d, struct now now)
{
	unsigned work;

	count_ended(d);
	work = take_changes(d, now);
	work += take_ended(d, now) + expire(d, now) + directory_keep_renew(d, now);
	directory_keep_flush(d);
	confirm(d);
	if (d->retired != NULL) {
		rcu_wait();
		directory_retired_free(d);
	}
	directory_grow(d);
	return work > 0;
}

struct now directory_now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct now){(uint64_t)mono.tv_sec * US_PER_SECOND + (uint64_t)mono.tv_nsec / 1000,
			    (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000};
}

void *directory_run(void *thread)
{
	const struct directory_thread *t = thread;
	const struct timespec          step = {.tv_nsec = SLEEP_NS};

	rcu_thread_begin();
	while (!atomic_load_explicit(t->stop, memory_order_relaxed)) {
		if (directory_turn(t->directory, directory_now()))
			continue;
		rcu_offline();
		nanosleep(&step, NULL);
		rcu_online();
	}
	rcu_thread_end();
	return NULL;
}
