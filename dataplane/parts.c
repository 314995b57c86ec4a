#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "msg/text.h"

#include "pages.h"

#define PARTS_BUCKETS 8192u
#define PARTS_NONE UINT32_MAX
#define PARTS_NUMBER_MAX 255u
#define EXPIRE_PER_TICK 64u
#define KEEP_OF_ONE_MAX                                                                            \
	(PARTS_TEXT_MAX /                                                                          \
	 2) /* a part longer than this leaves its end behind: what comes next may go on there */
#define GAP                                                                                        \
	"\xef\xbf\xbc" /* U+FFFC, so that text on both sides of a missing part is not taken for    \
			  one run */
#define GAP_SIZE 3u
#define ROOM_SIZE                                                                                  \
	(TEXT_UTF8_SIZE(MSG_SIZE_MAX) + PARTS_TEXT_MAX + (PARTS_NUMBER_MAX + 1) * GAP_SIZE)

struct parts_message {
	struct list          by_age;
	uint64_t             key_low, key_high;
	uint64_t             expires_us;
	uint32_t             next; /* of the bucket, or the free list */
	uint32_t             text_size;
	uint8_t              parts, seen_count;
	bool                 has_first;  /* first_hash holds */
	uint64_t             first_hash; /* of the text of part 1 */
	struct parts_verdict verdict;
	uint64_t             seen[4], kept[4]; /* bit n - 1: part n came; its text is there */
	uint16_t             sizes[PARTS_NUMBER_MAX];
};

_Static_assert(KEEP_OF_ONE_MAX <= UINT16_MAX, "sizes are 16 bits");

int parts_init(struct parts *p, struct metrics *metrics, uint64_t seed)
{
	p->metrics = metrics;
	p->key_low = (struct hash_key){hash_mix(seed + 1), hash_mix(seed + 2)};
	p->key_high = (struct hash_key){hash_mix(seed + 3), hash_mix(seed + 4)};
	p->table = calloc(PARTS_MESSAGES_MAX, sizeof(p->table[0]));
	p->buckets = calloc(PARTS_BUCKETS, sizeof(p->buckets[0]));
	p->texts = pages_new((size_t)PARTS_MESSAGES_MAX * PARTS_TEXT_MAX);
	p->room = malloc(ROOM_SIZE);
	list_init(&p->by_age);
	if (p->table == NULL || p->buckets == NULL || p->texts == NULL || p->room == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < PARTS_MESSAGES_MAX; i++)
		p->table[i].next = i + 1 < PARTS_MESSAGES_MAX ? i + 1 : PARTS_NONE;
	p->free_head = 0;
	return 0;
}

void parts_free(struct parts *p)
{
	free(p->table);
	free(p->buckets);
	free(p->room);
	pages_free(p->texts, (size_t)PARTS_MESSAGES_MAX * PARTS_TEXT_MAX);
}

static bool bit_get(const uint64_t bits[4], unsigned part)
{
	return (bits[(part - 1) / 64] >> (part - 1) % 64 & 1) != 0;
}

static void bit_set(uint64_t bits[4], unsigned part, bool on)
{
	uint64_t bit = UINT64_C(1) << (part - 1) % 64;

	bits[(part - 1) / 64] = on ? bits[(part - 1) / 64] | bit : bits[(part - 1) / 64] & ~bit;
}

/* ---- the table ---- */

static uint32_t *bucket(const struct parts *p, uint64_t key_low)
{
	return &p->buckets[key_low % PARTS_BUCKETS];
}

static void message_forget(struct parts *p, struct parts_message *m)
{
	uint32_t  index = (uint32_t)(m - p->table);
	uint32_t *at = bucket(p, m->key_low);

	while (*at != index + 1) {
		ASSERT(*at != 0);
		at = &p->table[*at - 1].next;
	}
	*at = m->next;
	list_remove(&m->by_age);
	m->next = p->free_head;
	p->free_head = index;
	metric_sub(p->metrics, METRIC_parts_open, 1);
}

static struct parts_message *message_begin(struct parts *p, uint64_t key_low, uint64_t key_high,
					   unsigned parts)
{
	struct parts_message *m;

	if (p->free_head == PARTS_NONE) {
		message_forget(p, list_entry(p->by_age.next, struct parts_message, by_age));
		metric_inc(p->metrics, METRIC_parts_forgotten);
	}
	m = &p->table[p->free_head];
	p->free_head = m->next;
	*m = (struct parts_message){.key_low = key_low,
				    .key_high = key_high,
				    .parts = (uint8_t)parts,
				    .next = *bucket(p, key_low)};
	*bucket(p, key_low) = (uint32_t)(m - p->table) + 1;
	list_init(&m->by_age);
	metric_inc(p->metrics, METRIC_parts_open);
	return m;
}

/* Addresses are kept apart by their sizes: "1", "23" is not "12", "3". */
static size_t key_bytes(const struct msg *part, uint8_t bytes[16 + 2 * MSG_ADDR_SIZE_MAX])
{
	struct str from = msg_addr(part, &part->from), to = msg_addr(part, &part->to);
	size_t     n = 0;

	memcpy(bytes, &part->account, 4);
	memcpy(bytes + 4, &part->peer, 4);
	memcpy(bytes + 8, &part->concat.reference, 2);
	bytes[10] = part->concat.parts;
	bytes[11] = part->from.size;
	n = 12;
	memcpy(bytes + n, from.p, from.n);
	n += from.n;
	memcpy(bytes + n, to.p, to.n);
	return n + to.n;
}

struct parts_message *parts_find(struct parts *p, struct now now, const struct msg *part)
{
	uint8_t  bytes[16 + 2 * MSG_ADDR_SIZE_MAX];
	size_t   n = key_bytes(part, bytes);
	uint64_t low = hash_sip(&p->key_low, bytes, n), high = hash_sip(&p->key_high, bytes, n);
	struct parts_message *m = NULL;

	ASSERT(part->concat.part >= 1 && part->concat.part <= part->concat.parts);
	for (uint32_t i = *bucket(p, low); i != 0 && m == NULL; i = p->table[i - 1].next) {
		if (p->table[i - 1].key_low == low && p->table[i - 1].key_high == high)
			m = &p->table[i - 1];
	}
	if (m == NULL)
		m = message_begin(p, low, high, part->concat.parts);
	m->expires_us = now.us + PARTS_LIFETIME_US;
	list_remove(&m->by_age);
	list_append(&p->by_age, &m->by_age);
	return m;
}

uint64_t parts_tick(struct parts *p, struct now now)
{
	for (unsigned i = 0; i < EXPIRE_PER_TICK && !list_empty(&p->by_age); i++) {
		struct parts_message *m = list_entry(p->by_age.next, struct parts_message, by_age);

		if (now.us < m->expires_us)
			return m->expires_us;
		message_forget(p, m);
	}
	return list_empty(&p->by_age) ? UINT64_MAX : now.us;
}

/* ---- the text ---- */

static char *text_of(const struct parts *p, const struct parts_message *m)
{
	return p->texts + (size_t)(m - p->table) * PARTS_TEXT_MAX;
}

/* Where the text of the part begins, or would. */
static uint32_t text_offset(const struct parts_message *m, unsigned part)
{
	uint32_t off = 0;

	for (unsigned n = 1; n < part; n++)
		off += m->sizes[n - 1];
	return off;
}

static void text_remove(struct parts *p, struct parts_message *m, unsigned part)
{
	char    *text = text_of(p, m);
	uint32_t off = text_offset(m, part), size = m->sizes[part - 1];

	memmove(text + off, text + off + size, m->text_size - off - size);
	m->text_size -= size;
	m->sizes[part - 1] = 0;
	bit_set(m->kept, part, false);
}

/* Room for the part: the lowest go first, then the highest, its neighbour before it last. */
static void text_make_room(struct parts *p, struct parts_message *m, unsigned part, size_t size)
{
	unsigned n;

	for (n = 1; n + 1 < part && m->text_size + size > PARTS_TEXT_MAX; n++) {
		if (bit_get(m->kept, n))
			text_remove(p, m, n);
	}
	for (n = m->parts; n >= 1 && m->text_size + size > PARTS_TEXT_MAX; n--) {
		if (n != part && bit_get(m->kept, n))
			text_remove(p, m, n);
	}
}

static void text_keep(struct parts *p, struct parts_message *m, unsigned part, struct str text)
{
	char    *kept = text_of(p, m);
	uint32_t off;

	if (text.n > KEEP_OF_ONE_MAX)
		text = str_skip(text, text.n - KEEP_OF_ONE_MAX);
	while (text.n > 0 && ((unsigned char)text.p[0] & 0xc0) == 0x80)
		text = str_skip(text, 1); /* cut between characters */
	text_make_room(p, m, part, text.n);
	off = text_offset(m, part);
	memmove(kept + off + text.n, kept + off, m->text_size - off);
	memcpy(kept + off, text.p, text.n);
	m->text_size += (uint32_t)text.n;
	m->sizes[part - 1] = (uint16_t)text.n;
	bit_set(m->kept, part, true);
	ASSERT(m->text_size <= PARTS_TEXT_MAX);
}

/* The kept text of all parts in order, that of one part in full. */
static struct str text_joined(const struct parts *p, const struct parts_message *m, unsigned part,
			      struct str whole)
{
	const char *text = text_of(p, m);
	size_t      n = 0;
	unsigned    last = 0;

	for (unsigned k = 1; k <= m->parts; k++) {
		size_t size = k == part ? whole.n : m->sizes[k - 1];

		if (k != part && !bit_get(m->kept, k))
			continue;
		if (last + 1 != k) {
			memcpy(p->room + n, GAP, GAP_SIZE);
			n += GAP_SIZE;
		}
		last = k;
		ASSERT(n + size <= ROOM_SIZE);
		memcpy(p->room + n, k == part ? whole.p : text, size);
		n += size;
		text += k == part ? 0 : size;
	}
	return (struct str){p->room, n};
}

static bool begins_anew(struct parts *p, const struct parts_message *m, unsigned part,
			struct str text)
{
	return part == 1 && m->has_first && m->first_hash != hash_sip(&p->key_low, text.p, text.n);
}

static void message_empty(struct parts_message *m)
{
	m->text_size = 0;
	m->seen_count = 0;
	m->has_first = false;
	m->verdict = (struct parts_verdict){.outcome = RULES_PASS};
	memset(m->seen, 0, sizeof(m->seen));
	memset(m->kept, 0, sizeof(m->kept));
	memset(m->sizes, 0, sizeof(m->sizes));
}

const struct parts_verdict *parts_verdict(struct parts *p, struct parts_message *m, unsigned part,
					  struct str text, uint64_t rules_version)
{
	if (begins_anew(p, m, part, text))
		message_empty(m);
	if (m->verdict.outcome == RULES_ROUTE && m->verdict.rules_version != rules_version)
		m->verdict = (struct parts_verdict){.outcome = RULES_PASS};
	if (m->verdict.outcome == RULES_REJECT || m->verdict.outcome == RULES_DROP)
		metric_inc(p->metrics, METRIC_parts_ended);
	return &m->verdict;
}

struct str parts_join(struct parts *p, struct parts_message *m, unsigned part, struct str text)
{
	struct str joined;

	ASSERT(part >= 1 && part <= m->parts);
	if (part == 1) {
		m->first_hash = hash_sip(&p->key_low, text.p, text.n);
		m->has_first = true;
	}
	if (bit_get(m->kept, part))
		text_remove(p, m, part);
	joined = text_joined(p, m, part, text);
	text_keep(p, m, part, text);
	if (!bit_get(m->seen, part)) {
		bit_set(m->seen, part, true);
		m->seen_count++;
	}
	return joined;
}

void parts_judged(struct parts *p, struct parts_message *m, const struct parts_verdict *verdict)
{
	m->verdict = *verdict;
	if (m->seen_count == m->parts && verdict->outcome != RULES_REJECT &&
	    verdict->outcome != RULES_DROP)
		message_forget(p, m);
}
