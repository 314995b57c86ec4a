#include "conversations.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"

#include "pages.h"
#include "worker.h"

struct conversation {
	struct list by_use;
	uint64_t    key_low, key_high;
	uint64_t    learnt_us;
	uint32_t    next; /* of the bucket: index + 1; 0: none */
	uint8_t     id_size;
	char        id[CONVERSATION_ID_MAX];
};

_Static_assert(sizeof(struct conversation) == 112, "keys.def says so");

static size_t table_bytes(const struct conversations *c)
{
	return c->max * sizeof(c->table[0]);
}

static size_t bucket_bytes(const struct conversations *c)
{
	return (c->bucket_mask + (size_t)1) * sizeof(c->buckets[0]);
}

int conversations_init(struct conversations *c, uint32_t max, uint64_t shared_seed)
{
	*c = (struct conversations){.max = max, .bucket_mask = 1};
	while (c->bucket_mask + 1 < max)
		c->bucket_mask = c->bucket_mask * 2 + 1;
	c->key_low = (struct hash_key){hash_mix(shared_seed + 301), hash_mix(shared_seed + 302)};
	c->key_high = (struct hash_key){hash_mix(shared_seed + 303), hash_mix(shared_seed + 304)};
	list_init(&c->by_use);
	c->table = pages_new(table_bytes(c));
	c->buckets = pages_new(bucket_bytes(c));
	return c->table != NULL && c->buckets != NULL ? 0 : -ENOMEM;
}

void conversations_free(struct conversations *c)
{
	pages_free(c->table, table_bytes(c));
	pages_free(c->buckets, bucket_bytes(c));
}

/* The two in whichever order, each with an end. */
static void put_key(const struct conversations *c, struct str one, struct str other,
		    struct conversation_note *note)
{
	uint8_t bytes[2 * MSG_ADDR_SIZE_MAX + 2];
	bool    swap = str_cmp(one, other) > 0;
	size_t  n = 0;

	ASSERT(one.n <= MSG_ADDR_SIZE_MAX && other.n <= MSG_ADDR_SIZE_MAX);
	for (unsigned i = 0; i < 2; i++) {
		struct str s = (i == 0) == swap ? other : one;

		if (s.n > 0)
			memcpy(bytes + n, s.p, s.n);
		n += s.n;
		bytes[n++] = 0;
	}
	note->key_low = hash_sip(&c->key_low, bytes, n);
	note->key_high = hash_sip(&c->key_high, bytes, n);
}

static uint32_t *bucket(const struct conversations *c, uint64_t key_low)
{
	return &c->buckets[key_low & c->bucket_mask];
}

static struct conversation *find(const struct conversations     *c,
				 const struct conversation_note *note)
{
	for (uint32_t i = *bucket(c, note->key_low); i != 0; i = c->table[i - 1].next) {
		struct conversation *e = &c->table[i - 1];

		if (e->key_low == note->key_low && e->key_high == note->key_high)
			return e;
	}
	return NULL;
}

static void used(struct conversations *c, struct conversation *e)
{
	list_remove(&e->by_use);
	list_append(&c->by_use, &e->by_use);
}

static void leave_bucket(struct conversations *c, const struct conversation *e)
{
	uint32_t *at = bucket(c, e->key_low);

	while (*at != (uint32_t)(e - c->table) + 1) {
		ASSERT(*at != 0);
		at = &c->table[*at - 1].next;
	}
	*at = e->next;
}

/* One that nobody has used yet, else the one that is unused the longest. */
static struct conversation *entry_new(struct worker *w, const struct conversation_note *note)
{
	struct conversations *c = &w->conversations;
	struct conversation  *e;

	if (c->count < c->max) {
		e = &c->table[c->count++];
		list_init(&e->by_use);
		metric_inc(w->metrics, METRIC_conversations_known);
	} else {
		e = list_entry(c->by_use.next, struct conversation, by_use);
		leave_bucket(c, e);
		metric_inc(w->metrics, METRIC_conversations_forgotten);
	}
	e->key_low = note->key_low;
	e->key_high = note->key_high;
	e->next = *bucket(c, note->key_low);
	*bucket(c, note->key_low) = (uint32_t)(e - c->table) + 1;
	return e;
}

void conversations_note(struct worker *w, const struct conversation_note *note)
{
	struct conversation *e = find(&w->conversations, note);

	if (e == NULL)
		e = entry_new(w, note);
	used(&w->conversations, e);
	e->learnt_us = w->now.us;
	e->id_size = note->id_size;
	memcpy(e->id, note->id, note->id_size);
}

void conversation_learn(struct worker *w, struct str one, struct str other, struct str id)
{
	struct conversation_note note = {.id_size = (uint8_t)id.n};
	struct conversation     *e;

	if (id.n == 0 || id.n > sizeof(note.id)) {
		metric_inc(w->metrics, METRIC_conversations_untold);
		return;
	}
	put_key(&w->conversations, one, other, &note);
	e = find(&w->conversations, &note);
	if (e != NULL && str_eq((struct str){e->id, e->id_size}, id) &&
	    w->now.us - e->learnt_us < CONVERSATION_TOLD_US) {
		used(&w->conversations, e);
		return;
	}
	memcpy(note.id, id.p, id.n);
	conversations_note(w, &note);
	for (unsigned to = 0; to < w->dp->worker_count; to++) {
		if (to != w->number && !xcore_conversation(w, to, &note))
			metric_inc(w->metrics, METRIC_conversations_untold);
	}
}

struct str conversation_find(struct worker *w, struct str one, struct str other)
{
	struct conversation_note note;
	struct conversation     *e;

	if (w->conversations.count == 0)
		return STR("");
	put_key(&w->conversations, one, other, &note);
	e = find(&w->conversations, &note);
	if (e == NULL || w->now.us - e->learnt_us >= CONVERSATION_LIFETIME_US)
		return STR("");
	used(&w->conversations, e);
	return (struct str){e->id, e->id_size};
}
