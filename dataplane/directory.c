#include "directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_ring.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/list.h"
#include "rcu/rcu.h"

#include <urcu/rculfhash.h>

#include "directory_record.h"
#include "pages.h"

#define BUCKETS_FIRST 1024u
#define BUCKETS_MAX 16777216u
#define BATCH 256u         /* changes of one turn */
#define BATCH_PRODUCER 32u /* of one producer in one go */
#define WHEEL_SLOTS 4096u  /* of a second */
#define EXPIRE_MAX 1024u   /* entries looked at in one turn */
#define SLEEP_NS 1000000
#define REMOVE_STEPS 1000

struct entry {
	struct cds_lfht_node node;
	struct list          due;
	struct entry        *retired;
	uint64_t             hash;
	uint8_t              protocol;
	struct proto_record  record;
};

struct change { /* what a producer asks for; its own again when it comes back */
	struct session_ref        origin;
	struct proto_registration asked;
	uint32_t                  next_free;
	uint8_t                   protocol, why; /* why: enum reason, the answer */
	bool                      has_lost;
	struct session_ref        lost; /* whose binding it took over */
	char                      address[MSG_ADDR_SIZE_MAX];
	char                      text[PROTO_RECORD_TEXT_MAX];
};

struct producer {
	struct rte_ring *asked, *confirmed;
	struct change   *changes; /* [DIRECTORY_CHANGES_MAX], touched as they are used */
	uint32_t         used_high, free_head; /* free_head: index + 1; 0: none */
};

struct directory {
	struct cds_lfht *table;
	struct hash_key  key;
	unsigned         producer_count;
	struct producer  producers[NET_WORKERS_MAX + 1];
	/* The writer's. */
	uint64_t         max, buckets;
	struct entry    *retired;
	struct list      wheel[WHEEL_SLOTS];
	uint64_t         wheel_s;
	uint32_t         ids;
	_Atomic uint64_t addresses, bindings; /* relaxed: counts */
};

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
	p->changes = pages_new(DIRECTORY_CHANGES_MAX * sizeof(p->changes[0]));
	return p->asked != NULL && p->confirmed != NULL && p->changes != NULL;
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
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		list_init(&d->wheel[i]);
	for (unsigned i = 0; i < producers; i++)
		made = producer_init(&d->producers[i], i) && made;
	if (made && d->table != NULL)
		return d;
	directory_free(d);
	return NULL;
}

static struct entry *entry_at(struct cds_lfht_iter *iter)
{
	struct cds_lfht_node *node = cds_lfht_iter_get_node(iter);

	return node != NULL ? caa_container_of(node, struct entry, node) : NULL;
}

static void retired_free(struct directory *d)
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
	retired_free(d);
	for (unsigned i = 0; i < d->producer_count; i++) {
		rte_ring_free(d->producers[i].asked);
		rte_ring_free(d->producers[i].confirmed);
		pages_free(d->producers[i].changes, DIRECTORY_CHANGES_MAX * sizeof(struct change));
	}
	free(d);
}

/* ---- reading ---- */

struct wanted {
	unsigned   protocol;
	struct str address;
};

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

static struct entry *entry_find(const struct directory *d, const struct wanted *wanted)
{
	struct cds_lfht_iter iter;

	cds_lfht_lookup(d->table, hash_of(d, wanted), matches, wanted, &iter);
	return entry_at(&iter);
}

const struct proto_record *directory_find(const struct directory *d, unsigned protocol,
					  struct str address)
{
	const struct entry *e = entry_find(d, &(struct wanted){protocol, address});

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
			  struct session_ref origin, const struct proto_registration *r)
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
	for (unsigned i = 0; i < r->count; i++)
		c->asked.bindings[i].session = origin;
	change_ask(p, c);
	return REASON_NONE;
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
						       .lost = done[i]->lost};
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
	    directory_ask(d, producer, protocol, (struct session_ref){0}, &r) != REASON_NONE)
		return false;
	for (unsigned i = 0; i < REMOVE_STEPS; i++) {
		if (directory_answers(d, producer, &answer, 1) == 1)
			return answer.why == REASON_NONE;
		nanosleep(&step, NULL);
	}
	return false; /* the writer hangs */
}

/* ---- the writer ---- */

static void entry_retire(struct directory *d, struct entry *e)
{
	list_remove(&e->due);
	atomic_fetch_sub_explicit(&d->bindings, e->record.count, memory_order_relaxed);
	atomic_fetch_sub_explicit(&d->addresses, 1, memory_order_relaxed);
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
	if (at_s >= d->wheel_s + WHEEL_SLOTS)
		at_s = d->wheel_s + WHEEL_SLOTS - 1;
	list_append(&d->wheel[at_s % WHEEL_SLOTS], &e->due);
}

static struct entry *entry_new(struct directory *d, const struct wanted *wanted,
			       const struct record_plan *plan)
{
	size_t        record = record_size(plan, wanted->address);
	struct entry *e = malloc(offsetof(struct entry, record) + record);

	if (e == NULL)
		return NULL;
	e->protocol = (uint8_t)wanted->protocol;
	e->hash = hash_of(d, wanted);
	cds_lfht_node_init(&e->node);
	list_init(&e->due);
	record_write(&e->record, plan, wanted->address);
	return e;
}

/* What the plan says takes the place of the old entry; nothing left: the address goes. */
static enum reason entry_put(struct directory *d, const struct wanted *wanted, struct entry *old,
			     const struct record_plan *plan)
{
	struct entry         *e;
	struct cds_lfht_node *before;

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
	atomic_fetch_add_explicit(&d->bindings, e->record.count, memory_order_relaxed);
	atomic_fetch_add_explicit(&d->addresses, 1, memory_order_relaxed);
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
	struct entry      *old = entry_find(d, &wanted);
	struct record_plan plan;
	enum reason        why =
		record_plan(&plan, old != NULL ? &old->record : NULL, &c->asked, now.us, &d->ids);

	if (why != REASON_NONE)
		return why;
	note_lost(c, old != NULL ? &old->record : NULL);
	return entry_put(d, &wanted, old, &plan);
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
				rte_ring_sp_enqueue(p->confirmed, asked[k]);
			}
			taken += n;
		}
	} while (taken > before && taken < BATCH);
	return taken;
}

static void entry_expire(struct directory *d, struct now now, struct entry *e)
{
	struct proto_registration nothing = {.address = e->record.address};
	struct wanted             wanted = {e->protocol, e->record.address};
	struct record_plan        plan;

	record_plan(&plan, &e->record, &nothing, now.us, &d->ids);
	if (plan.count < e->record.count && entry_put(d, &wanted, e, &plan) == REASON_NONE)
		return;
	list_remove(&e->due); /* no memory for its shorter record: again in a while */
	entry_schedule(d, e);
}

static unsigned expire(struct directory *d, struct now now)
{
	uint64_t now_s = now.us / US_PER_SECOND;
	unsigned n = 0;

	if (d->wheel_s + WHEEL_SLOTS < now_s)
		d->wheel_s = now_s - WHEEL_SLOTS;
	while (d->wheel_s < now_s && n < EXPIRE_MAX) {
		struct list *slot = &d->wheel[(d->wheel_s + 1) % WHEEL_SLOTS];

		while (!list_empty(slot) && n < EXPIRE_MAX) {
			entry_expire(d, now, list_entry(slot->next, struct entry, due));
			n++;
		}
		if (list_empty(slot))
			d->wheel_s++;
	}
	return n;
}

static void grow(struct directory *d)
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
	unsigned work = take_changes(d, now) + expire(d, now);

	if (d->retired != NULL) {
		rcu_wait();
		retired_free(d);
	}
	grow(d);
	return work > 0;
}

void *directory_run(void *thread)
{
	const struct directory_thread *t = thread;
	const struct timespec          step = {.tv_nsec = SLEEP_NS};

	rcu_thread_begin();
	while (!atomic_load_explicit(t->stop, memory_order_relaxed)) {
		struct timespec mono;

		clock_gettime(CLOCK_MONOTONIC, &mono);
		if (directory_turn(t->directory,
				   (struct now){(uint64_t)mono.tv_sec * US_PER_SECOND +
							(uint64_t)mono.tv_nsec / 1000,
						0}))
			continue;
		rcu_offline();
		nanosleep(&step, NULL);
		rcu_online();
	}
	rcu_thread_end();
	return NULL;
}
