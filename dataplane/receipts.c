#include "receipts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/put.h"

#include "pages.h"
#include "worker.h"

#define RECEIPT_NONE UINT32_MAX
#define QUESTIONS_MAX                                                                              \
	4096u /* receipts that wait for their entry; beyond that the answer is "unknown" at once   \
	       */
#define SWEEP_PER_TICK 64u
#define SWEEP_TICK_US 1000u
#define KEYS_MAX 3u
#define SUBSCRIBER_DIGITS 7u
#define LONG_ID 8u /* characters, from which on chance does not meet another open message */

struct receipt_key { /* of (SMSC, id in normal form): 128 bits of two keyed hashes */
	uint64_t low, high;
};

/* An entry whose message came from no account has the number of an origin instead. */
#define ORIGIN_BIT 0x80000000u
#define READ_BIT 0x40000000u /* the receipt of delivery is not the last */
static_assert(WORLD_ACCOUNTS_MAX <= READ_BIT, "slots leave the bits free");

struct receipt {
	struct receipt_key key;
	uint64_t           msg_id;  /* 0: the place is free */
	uint32_t           account; /* a slot or an origin, with these bits */
	uint32_t           next, subscriber, expires_s;
};
static_assert(sizeof(struct receipt) == 40, "an open receipt costs 40 bytes");

struct receipt_origin {
	uint32_t next_free; /* index + 1; 0: the end */
	uint8_t  size;
	char     id[MSG_ORIGIN_ID_MAX];
};

struct receipt_question {
	struct receipt_key keys[KEYS_MAX];
	uint32_t           key_count, sure_count, flight, generation, subscriber;
	uint8_t            home;
	bool               open;
	bool               certain; /* the id alone names the message: it is ours, and long */
	uint64_t           expires_us;
};

int receipts_init(struct receipts *r, uint32_t max, uint64_t seed)
{
	uint32_t buckets = 1024;

	while (buckets < max)
		buckets *= 2;
	r->max = max;
	r->bucket_mask = buckets - 1;
	r->free_head = RECEIPT_NONE;
	r->key_low = (struct hash_key){hash_mix(seed + 1), hash_mix(seed + 2)};
	r->key_high = (struct hash_key){hash_mix(seed + 3), hash_mix(seed + 4)};
	r->table = pages_new(max * sizeof(r->table[0]));
	r->buckets = pages_new(buckets * sizeof(r->buckets[0])); /* index + 1; 0: empty */
	r->origins_max = max / 4;
	r->origins = pages_new(r->origins_max * sizeof(r->origins[0]));
	r->questions = calloc(QUESTIONS_MAX, sizeof(r->questions[0]));
	return r->table != NULL && r->buckets != NULL && r->origins != NULL && r->questions != NULL
		       ? 0
		       : -ENOMEM;
}

void receipts_free(struct receipts *r)
{
	pages_free(r->table, r->max * sizeof(r->table[0]));
	pages_free(r->origins, r->origins_max * sizeof(r->origins[0]));
	pages_free(r->buckets, ((size_t)r->bucket_mask + 1) * sizeof(r->buckets[0]));
	free(r->questions);
}

/* Normal form: lower case, no leading zeros. */
static struct str id_normal(struct str id, char room[RESULT_REMOTE_ID_MAX])
{
	size_t n = 0;

	while (id.n > 1 && id.p[0] == '0')
		id = str_skip(id, 1);
	for (; n < id.n && n < RESULT_REMOTE_ID_MAX; n++)
		room[n] = id.p[n] >= 'A' && id.p[n] <= 'Z' ? (char)(id.p[n] | 0x20) : id.p[n];
	return (struct str){room, n};
}

static struct receipt_key key_of(const struct receipts *r, uint32_t smsc, struct str normal)
{
	char bytes[4 + RESULT_REMOTE_ID_MAX];

	memcpy(bytes, &smsc, 4);
	memcpy(bytes + 4, normal.p, normal.n);
	return (struct receipt_key){hash_sip(&r->key_low, bytes, 4 + normal.n),
				    hash_sip(&r->key_high, bytes, 4 + normal.n)};
}

/* The same number in the other base; false when it is no number of at most 64 bits in that base. */
static bool id_rebase(struct str id, unsigned from, unsigned to, char room[RESULT_REMOTE_ID_MAX],
		      struct str *out)
{
	uint64_t v = 0;
	size_t   at = RESULT_REMOTE_ID_MAX;

	for (size_t i = 0; i < id.n; i++) {
		unsigned char c = (unsigned char)id.p[i];
		unsigned      digit = c >= '0' && c <= '9'   ? c - (unsigned)'0'
				      : c >= 'a' && c <= 'f' ? c - 'a' + 10u
							     : 99u;

		if (digit >= from || v > (UINT64_MAX - digit) / from)
			return false;
		v = v * from + digit;
	}
	do {
		room[--at] = "0123456789abcdef"[v % to];
		v /= to;
	} while (v > 0);
	*out = (struct str){room + at, RESULT_REMOTE_ID_MAX - at};
	return id.n > 0;
}

/*
 * The keys under which the message of a receipt can be found, by the peer's habit. Those after the
 * first *sure are guesses at the base of an id so short that it may be that of another message.
 */
static uint32_t keys_of(const struct receipts *r, const struct receipt_note *note,
			struct receipt_key keys[KEYS_MAX], uint32_t *sure)
{
	char       normal_room[RESULT_REMOTE_ID_MAX], room[RESULT_REMOTE_ID_MAX];
	struct str normal = id_normal((struct str){note->id, note->id_size}, normal_room), other;
	uint32_t   n = 0;

	if (note->ids == CONF_IDS_DECIMAL && id_rebase(normal, 10, 16, room, &other))
		keys[n++] = key_of(r, note->smsc, other);
	if (note->ids == CONF_IDS_HEXADECIMAL && id_rebase(normal, 16, 10, room, &other))
		keys[n++] = key_of(r, note->smsc, other);
	keys[n++] = key_of(r, note->smsc, normal);
	*sure = n;
	if (note->ids == CONF_IDS_AUTO) {
		if (id_rebase(normal, 10, 16, room, &other))
			keys[n++] = key_of(r, note->smsc, other);
		if (id_rebase(normal, 16, 10, room, &other))
			keys[n++] = key_of(r, note->smsc, other);
	}
	if (normal.n >= LONG_ID)
		*sure = n;
	return n;
}

static bool key_eq(const struct receipt_key *a, const struct receipt_key *b)
{
	return a->low == b->low && a->high == b->high;
}

static uint32_t *bucket(const struct receipts *r, const struct receipt_key *key)
{
	return &r->buckets[key->low & r->bucket_mask];
}

static struct receipt *entry_find(const struct receipts *r, const struct receipt_key *key)
{
	for (uint32_t i = *bucket(r, key); i != 0; i = r->table[i - 1].next) {
		if (key_eq(&r->table[i - 1].key, key))
			return &r->table[i - 1];
	}
	return NULL;
}

static struct receipt_origin *entry_origin(const struct receipts *r, const struct receipt *e)
{
	return (e->account & ORIGIN_BIT) != 0 ? &r->origins[e->account & ~(ORIGIN_BIT | READ_BIT)]
					      : NULL;
}

static void origin_free(struct receipts *r, const struct receipt *e)
{
	struct receipt_origin *o = entry_origin(r, e);

	if (o == NULL)
		return;
	o->next_free = r->origins_free;
	r->origins_free = (uint32_t)(o - r->origins) + 1;
}

/* The account of an entry, or its origin. False: no more origins are taken. */
static bool origin_take(struct receipts *r, const struct receipt_note *note, uint32_t *account)
{
	struct receipt_origin *o;

	*account = note->account;
	if (note->account != MSG_SLOT_NONE)
		return true;
	if (r->origins_free != 0) {
		o = &r->origins[r->origins_free - 1];
		r->origins_free = o->next_free;
	} else if (r->origins_high < r->origins_max) {
		o = &r->origins[r->origins_high++];
	} else {
		return false;
	}
	o->size = note->origin_id_size;
	memcpy(o->id, note->origin_id, o->size);
	*account = ORIGIN_BIT | (uint32_t)(o - r->origins);
	return true;
}

static struct receipt_found found_of(const struct receipts *r, const struct receipt *e)
{
	struct receipt_found         found = {.account = MSG_SLOT_NONE};
	const struct receipt_origin *o;

	if (e == NULL)
		return found;
	found.msg_id = e->msg_id;
	o = entry_origin(r, e);
	if (o == NULL) {
		found.account = e->account & ~READ_BIT;
		return found;
	}
	found.origin_id_size = o->size;
	memcpy(found.origin_id, o->id, o->size);
	return found;
}

static void entry_free(struct worker *w, struct receipt *e)
{
	struct receipts *r = &w->receipts;
	uint32_t        *at = bucket(r, &e->key);
	uint32_t         index = (uint32_t)(e - r->table);

	while (*at != index + 1) {
		ASSERT(*at != 0);
		at = &r->table[*at - 1].next;
	}
	*at = e->next;
	origin_free(r, e);
	e->msg_id = 0;
	e->next = r->free_head;
	r->free_head = index;
	r->open--;
	metric_sub(w->metrics, METRIC_receipts_open, 1);
}

static struct receipt *entry_new(struct receipts *r)
{
	uint32_t index = r->free_head;

	if (index != RECEIPT_NONE)
		r->free_head = r->table[index].next;
	else if (r->used_high < r->max)
		index = r->used_high++;
	else
		return NULL;
	return &r->table[index];
}

/* Counts of open questions by a few bits of their keys, so that opening an entry rarely has to look
 * through them. */
static void filter_add(struct receipts *r, const struct receipt_question *q, int n)
{
	for (uint32_t k = 0; k < q->key_count; k++)
		r->filter[q->keys[k].low % RECEIPTS_FILTER] += (uint16_t)n;
}

/* e NULL: there is none. */
static void question_answer(struct worker *w, struct receipt_question *q, const struct receipt *e)
{
	struct receipt_found found = found_of(&w->receipts, e);

	q->open = false;
	if (q->home == w->number)
		flight_receipt_found(w, q->flight, q->generation, &found);
	else
		xcore_receipt_answer(w, q->home, q->flight, q->generation, &found);
}

/*
 * Small numbers are ids of other messages in the other base, so the entry of the same subscriber is
 * taken first, under whichever key. Some message centres write addresses differently in receipts:
 * then the id is enough, as it should be written, or long.
 */
static const struct receipt *question_entry(const struct receipts         *r,
					    const struct receipt_question *q)
{
	const struct receipt *sure = NULL;

	for (uint32_t k = 0; k < q->key_count; k++) {
		const struct receipt *e = entry_find(r, &q->keys[k]);

		if (e != NULL && e->subscriber == q->subscriber)
			return e;
		if (sure == NULL && k < q->sure_count)
			sure = e;
	}
	return sure;
}

/* Receipts that came before this entry; those of another subscriber wait for one of theirs. */
static void questions_match(struct worker *w, const struct receipt *e)
{
	struct receipts *r = &w->receipts;

	for (uint32_t i = 0; i < r->question_count; i++) {
		struct receipt_question *q = &r->questions[(r->question_head + i) % QUESTIONS_MAX];

		for (uint32_t k = 0; q->open && k < q->key_count; k++) {
			if (key_eq(&q->keys[k], &e->key) &&
			    (q->certain || q->subscriber == e->subscriber)) {
				filter_add(r, q, -1);
				question_answer(w, q, e);
			}
		}
	}
}

void receipts_note_open(struct worker *w, const struct receipt_note *note)
{
	struct receipts   *r = &w->receipts;
	char               room[RESULT_REMOTE_ID_MAX];
	struct receipt_key key =
		key_of(r, note->smsc, id_normal((struct str){note->id, note->id_size}, room));
	struct receipt *e = entry_find(r, &key);
	uint32_t        account;

	if (!origin_take(r, note, &account)) {
		metric_refused(w->metrics, REASON_RECEIPTS_FULL);
		return;
	}
	if (e != NULL) { /* the peer uses its id again: the newer message has it */
		origin_free(r, e);
	} else {
		e = entry_new(r);
		if (e == NULL) {
			origin_free(r, &(struct receipt){.account = account});
			metric_refused(w->metrics, REASON_RECEIPTS_FULL);
			return;
		}
		e->key = key;
		e->next = *bucket(r, &key);
		*bucket(r, &key) = (uint32_t)(e - r->table) + 1;
		r->open++;
		metric_inc(w->metrics, METRIC_receipts_open);
	}
	e->msg_id = note->msg_id;
	e->account = account | (note->read_wanted ? READ_BIT : 0);
	e->subscriber = note->subscriber;
	e->expires_s = (uint32_t)((w->now.us + note->lifetime_us) / US_PER_SECOND) + 1;
	if (r->filter[key.low % RECEIPTS_FILTER] != 0)
		questions_match(w, e);
}

void receipts_note_ask(struct worker *w, const struct receipt_note *note)
{
	struct receipts        *r = &w->receipts;
	struct receipt_question q = {.flight = note->flight,
				     .generation = note->generation,
				     .home = note->home,
				     .subscriber = note->subscriber,
				     .open = true,
				     .certain = note->smsc == RECEIPTS_OURS &&
						note->id_size >= LONG_ID,
				     .expires_us = w->now.us + FLIGHT_RECEIPT_WAIT_US};

	const struct receipt *e;

	q.key_count = keys_of(r, note, q.keys, &q.sure_count);
	e = question_entry(r, &q);
	if (e != NULL) {
		question_answer(w, &q, e);
		return;
	}
	if (r->question_count == QUESTIONS_MAX) {
		question_answer(w, &q, NULL);
		return;
	}
	filter_add(r, &q, 1);
	r->questions[(r->question_head + r->question_count++) % QUESTIONS_MAX] = q;
}

void receipts_note_done(struct worker *w, const struct receipt_note *note)
{
	struct receipt_key keys[KEYS_MAX];
	uint32_t           sure, n = keys_of(&w->receipts, note, keys, &sure);

	for (uint32_t k = 0; k < n; k++) {
		struct receipt *e = entry_find(&w->receipts, &keys[k]);

		if (e == NULL || e->msg_id != note->msg_id)
			continue;
		if ((e->account & READ_BIT) == 0 || note->read)
			entry_free(w, e);
		return;
	}
}

uint32_t receipts_smsc(const struct worker *w, uint32_t peer)
{
	static const struct hash_key key = {0x3c6ef372fe94f82bull, 0xa54ff53a5f1d36f1ull};
	const struct world_peer     *p = world_peer(w->world, peer);
	char who[sizeof(p->conf->host) + sizeof(p->conf->system_id) + sizeof(p->conf->domain)];
	struct put to = put_to(who, sizeof(who));

	if (p == NULL)
		return peer;
	if (registry_ops(p->conf->protocol)->ids_are_ours)
		return RECEIPTS_OURS;
	put_cstr(&to, str_of(p->conf->host));
	put_str(&to, str_of(p->conf->system_id));
	put_str(&to, str_of(p->conf->domain));
	return (uint32_t)hash_sip(&key, who, put_size(&to));
}

uint32_t receipts_subscriber(struct str address)
{
	static const struct hash_key key = {0x1f83d9abfb41bd6bull, 0x5be0cd19137e2179ull};

	return (uint32_t)hash_sip(&key,
				  address.n > SUBSCRIBER_DIGITS
					  ? address.p + address.n - SUBSCRIBER_DIGITS
					  : address.p,
				  address.n > SUBSCRIBER_DIGITS ? SUBSCRIBER_DIGITS : address.n);
}

static unsigned table_worker(const struct worker *w, const struct receipt_note *note)
{
	static const struct hash_key key = {0x510e527fade682d1ull, 0x9b05688c2b3e6c1full};
	char                         room[RESULT_REMOTE_ID_MAX];
	struct str                   id = {note->id, note->id_size};

	if (note->smsc != RECEIPTS_OURS)
		return note->smsc % w->dp->worker_count;
	id = id_normal(id, room);
	return (unsigned)(hash_sip(&key, id.p, id.n) % w->dp->worker_count);
}

void receipt_open(struct worker *w, const struct receipt_note *note)
{
	unsigned t = table_worker(w, note);

	if (t == w->number)
		receipts_note_open(w, note);
	else if (!xcore_note(w, t, XMSG_RECEIPT_OPEN, note))
		metric_refused(w->metrics, REASON_RECEIPTS_FULL);
}

void receipt_ask(struct worker *w, const struct receipt_note *note)
{
	unsigned t = table_worker(w, note);

	if (t == w->number)
		receipts_note_ask(w, note);
	else if (!xcore_note(w, t, XMSG_RECEIPT_ASK, note))
		flight_receipt_found(w, note->flight, note->generation,
				     &(struct receipt_found){.account = MSG_SLOT_NONE});
}

void receipt_done(struct worker *w, const struct receipt_note *note)
{
	unsigned t = table_worker(w, note);

	if (t == w->number)
		receipts_note_done(w, note);
	else
		xcore_note(w, t, XMSG_RECEIPT_DONE,
			   note); /* full: the entry ends with its lifetime */
}

static void sweep(struct worker *w)
{
	struct receipts *r = &w->receipts;

	for (unsigned i = 0; i < SWEEP_PER_TICK && i < r->used_high; i++) {
		struct receipt *e = &r->table[r->sweep];

		r->sweep = r->sweep + 1 < r->used_high ? r->sweep + 1 : 0;
		if (e->msg_id != 0 && w->now.us / US_PER_SECOND >= e->expires_s) {
			metric_inc(w->metrics, METRIC_receipts_expired);
			entry_free(w, e);
		}
	}
}

uint64_t receipts_tick(struct worker *w)
{
	struct receipts *r = &w->receipts;

	while (r->question_count > 0) {
		struct receipt_question *q = &r->questions[r->question_head];

		if (q->open && w->now.us < q->expires_us)
			break;
		r->question_head = (r->question_head + 1) % QUESTIONS_MAX;
		r->question_count--;
		if (q->open) {
			filter_add(r, q, -1);
			question_answer(w, q, question_entry(r, q));
		}
	}
	if (r->open > 0 && w->now.us >= r->sweep_us) {
		r->sweep_us = w->now.us + SWEEP_TICK_US;
		sweep(w);
	}
	return r->question_count > 0 ? r->questions[r->question_head].expires_us : UINT64_MAX;
}
