#include "msg/msg.h"

#include <assert.h>
#include <string.h>

#include "base/assert.h"
#include "base/put.h"

/* A block after the first: a link, then data. A free block uses the same link. */
struct msg_block {
	struct msg_block *next;
	uint8_t           data[MSG_BLOCK_SIZE - sizeof(void *)];
};

#define DATA_MORE (MSG_BLOCK_SIZE - sizeof(struct msg_block *))
#define EXTRA_HEADER 5u /* protocol, tag, size of the value */
#define POOL_HEADER_SIZE 64u

struct msg_pool {
	struct msg_block *free;
	uint32_t          free_count, count;
};

static_assert(sizeof(struct msg_block) == MSG_BLOCK_SIZE, "a block is a block");
static_assert(sizeof(struct msg_pool) <= POOL_HEADER_SIZE, "the blocks begin on a cache line");
static_assert(sizeof(struct msg) <= 256, "most of the first block is for data");
static_assert(offsetof(struct msg, pool) >= sizeof(struct msg_block *),
	      "the link of a free block leaves the mark alone");

size_t msg_pool_size(uint32_t count)
{
	return POOL_HEADER_SIZE + (size_t)count * MSG_BLOCK_SIZE;
}

struct msg_pool *msg_pool_init(void *memory, uint32_t count)
{
	struct msg_pool *pool = memory;
	uint8_t         *blocks = (uint8_t *)memory + POOL_HEADER_SIZE;

	ASSERT((uintptr_t)memory % 64 == 0);
	*pool = (struct msg_pool){NULL, count, count};
	for (uint32_t i = count; i-- > 0;) {
		struct msg_block *block = (void *)(blocks + (size_t)i * MSG_BLOCK_SIZE);

		block->next = pool->free;
		pool->free = block;
	}
	return pool;
}

uint32_t msg_pool_free_count(const struct msg_pool *pool)
{
	return pool->free_count;
}

static struct msg_block *block_take(struct msg_pool *pool)
{
	struct msg_block *block = pool->free;

	ASSERT_HOT(block != NULL);
	pool->free = block->next;
	__builtin_prefetch(pool->free, 1); /* the next to be taken, for its link */
	pool->free_count--;
	return block;
}

static void block_give(struct msg_pool *pool, struct msg_block *block)
{
	block->next = pool->free;
	pool->free = block;
	pool->free_count++;
	ASSERT_HOT(pool->free_count <= pool->count);
}

static void head_clear(struct msg *m, struct msg_pool *pool)
{
	memset(m, 0, sizeof(*m));
	m->account = MSG_SLOT_NONE;
	m->peer = MSG_SLOT_NONE;
	m->block_count = 1;
	m->pool = pool;
}

struct msg *msg_new(struct msg_pool *pool)
{
	struct msg *m;

	if (pool->free == NULL)
		return NULL;
	m = (void *)block_take(pool);
	head_clear(m, pool);
	return m;
}

static void more_give(struct msg *m)
{
	for (struct msg_block *block = m->more, *next; block != NULL; block = next) {
		next = block->next;
		block_give(m->pool, block);
	}
	m->more = NULL;
}

void msg_free(struct msg *m)
{
	struct msg_pool *pool;

	if (m == NULL)
		return;
	pool = m->pool;
	ASSERT(pool != NULL); /* a freed head keeps this mark until it is handed out again */
	more_give(m);
	m->pool = NULL;
	block_give(pool, (void *)m);
}

void msg_reset(struct msg *m)
{
	more_give(m);
	head_clear(m, m->pool);
}

/* The block that holds data byte off, and where in it; *left: bytes from there to the end of the
 * block. */
static uint8_t *locate(const struct msg *m, uint32_t off, struct msg_block **block, size_t *left)
{
	size_t at = off;

	if (at < MSG_DATA_FIRST) {
		*block = NULL;
		*left = MSG_DATA_FIRST - at;
		return (uint8_t *)m->data + at;
	}
	*block = m->more;
	for (at -= MSG_DATA_FIRST; at >= DATA_MORE; at -= DATA_MORE)
		*block = (*block)->next;
	*left = DATA_MORE - at;
	return (*block)->data + at;
}

static void write_at(struct msg *m, uint32_t off, const void *bytes, size_t n)
{
	const uint8_t    *from = bytes;
	struct msg_block *block;
	size_t            left;
	uint8_t          *to;

	if (n == 0)
		return;
	to = locate(m, off, &block, &left);
	while (n > left) {
		memcpy(to, from, left);
		from += left;
		n -= left;
		block = block == NULL ? m->more : block->next;
		to = block->data;
		left = DATA_MORE;
	}
	memcpy(to, from, n);
}

static void read_at(const struct msg *m, uint32_t off, uint8_t *room, size_t n)
{
	struct msg_block *block;
	size_t            left;
	const uint8_t    *from = locate(m, off, &block, &left);

	while (n > left) {
		memcpy(room, from, left);
		room += left;
		n -= left;
		block = block == NULL ? m->more : block->next;
		from = block->data;
		left = DATA_MORE;
	}
	memcpy(room, from, n);
}

/* Makes the data n bytes longer, by as many blocks as that takes; all or nothing. */
static bool grow(struct msg *m, size_t n)
{
	struct msg_block **tail = &m->more;
	size_t             size = m->data_size + n, blocks;

	if (n > MSG_SIZE_MAX || size > MSG_SIZE_MAX)
		return false;
	blocks = size <= MSG_DATA_FIRST ? 1
					: 1 + (size - MSG_DATA_FIRST + DATA_MORE - 1) / DATA_MORE;
	if (blocks > m->block_count) {
		if (blocks - m->block_count > m->pool->free_count)
			return false;
		while (*tail != NULL)
			tail = &(*tail)->next;
		for (; m->block_count < blocks; m->block_count++) {
			*tail = block_take(m->pool);
			(*tail)->next = NULL;
			tail = &(*tail)->next;
		}
	}
	m->data_size = (uint32_t)size;
	return true;
}

struct msg *msg_copy(struct msg_pool *pool, const struct msg *m)
{
	struct msg             *copy = msg_new(pool);
	struct msg_block       *more;
	const struct msg_block *from = m->more;
	uint8_t                 block_count;

	if (copy == NULL)
		return NULL;
	if (!grow(copy, m->data_size)) {
		msg_free(copy);
		return NULL;
	}
	more = copy->more;
	block_count = copy->block_count;
	memcpy(copy, m, MSG_BLOCK_SIZE);
	copy->pool = pool;
	copy->more = more;
	copy->block_count = block_count;
	for (; more != NULL; more = more->next, from = from->next)
		memcpy(more->data, from->data, sizeof(more->data));
	return copy;
}

bool msg_append(struct msg *m, const void *bytes, size_t n, struct msg_part *part)
{
	uint32_t off = m->data_size;

	ASSERT_HOT(m->pool != NULL);
	if (n <= MSG_DATA_FIRST && off + n <= MSG_DATA_FIRST) {
		if (n > 0)
			memcpy(m->data + off, bytes, n);
		m->data_size = off + (uint32_t)n;
	} else {
		if (!grow(m, n))
			return false;
		write_at(m, off, bytes, n);
	}
	*part = (struct msg_part){off, (uint32_t)n};
	return true;
}

bool msg_append_addr(struct msg *m, enum addr_kind kind, uint8_t ton, uint8_t npi, struct str text,
		     struct addr *addr)
{
	uint32_t off = m->data_size;

	if (text.n > MSG_ADDR_SIZE_MAX || off + text.n > MSG_DATA_FIRST)
		return false;
	if (text.n > 0)
		memcpy(m->data + off, text.p, text.n);
	m->data_size = off + (uint32_t)text.n;
	*addr = (struct addr){(uint8_t)kind, ton, npi, (uint8_t)text.n, off};
	return true;
}

const uint8_t *msg_view(const struct msg *m, struct msg_part part, uint8_t *room)
{
	struct msg_block *block;
	size_t            left;
	const uint8_t    *in_place;

	ASSERT((uint64_t)part.off + part.size <= m->data_size);
	if ((uint64_t)part.off + part.size <= MSG_DATA_FIRST || part.size == 0)
		return m->data + (part.size > 0 ? part.off : 0);
	in_place = locate(m, part.off, &block, &left);
	if (part.size <= left)
		return in_place;
	read_at(m, part.off, room, part.size);
	return room;
}

bool msg_extra_add(struct msg *m, uint8_t protocol, uint16_t tag, const void *bytes, uint16_t n)
{
	uint32_t   off = m->data_size;
	uint8_t    header[EXTRA_HEADER];
	struct put w = put_to(header, sizeof(header));

	ASSERT(m->extras.size == 0 || m->extras.off + m->extras.size == off);
	if (!grow(m, EXTRA_HEADER + (size_t)n))
		return false;
	put_u8(&w, protocol);
	put_be16(&w, tag);
	put_be16(&w, n);
	write_at(m, off, header, sizeof(header));
	write_at(m, off + EXTRA_HEADER, bytes, n);
	if (m->extras.size == 0)
		m->extras.off = off;
	m->extras.size += EXTRA_HEADER + n;
	m->extra_marks |= msg_extra_mark(protocol, tag);
	return true;
}

static inline bool extra_next(const struct msg *m, uint32_t *at, struct msg_extra *extra)
{
	uint8_t        room[EXTRA_HEADER];
	uint32_t       off = m->extras.off + *at;
	const uint8_t *header;

	if (*at >= m->extras.size)
		return false;
	header = off + EXTRA_HEADER <= MSG_DATA_FIRST
			 ? m->data + off
			 : msg_view(m, (struct msg_part){off, EXTRA_HEADER}, room);
	extra->protocol = header[0];
	extra->tag = (uint16_t)(header[1] << 8 | header[2]);
	extra->value = (struct msg_part){off + EXTRA_HEADER, (uint32_t)header[3] << 8 | header[4]};
	*at += EXTRA_HEADER + extra->value.size;
	return true;
}

bool msg_extra_next(const struct msg *m, uint32_t *at, struct msg_extra *extra)
{
	return extra_next(m, at, extra);
}

bool msg_extra_search(const struct msg *m, uint8_t protocol, uint16_t tag, struct msg_extra *extra)
{
	for (uint32_t at = 0; extra_next(m, &at, extra);) {
		if (extra->protocol == protocol && extra->tag == tag)
			return true;
	}
	return false;
}

const char *msg_content_word(unsigned content)
{
	static const char *const words[MSG_CONTENT_COUNT] = {
#define MSG_CONTENT(id, word) [MSG_CONTENT_##id] = (word),
#include "msg/contents.def"
#undef MSG_CONTENT
	};

	return content < MSG_CONTENT_COUNT ? words[content] : NULL;
}

const char *msg_ability_word(unsigned ability)
{
	static const char *const words[MSG_ABILITY_COUNT] = {
#define MSG_ABILITY(id, word) [MSG_ABILITY_##id] = (word),
#include "msg/abilities.def"
#undef MSG_ABILITY
	};

	return ability < MSG_ABILITY_COUNT ? words[ability] : NULL;
}

const char *msg_identity_word(unsigned identity)
{
	static const char *const words[MSG_IDENTITY_COUNT] = {
#define MSG_IDENTITY(id, word) [MSG_IDENTITY_##id] = (word),
#include "msg/identities.def"
#undef MSG_IDENTITY
	};

	return identity < MSG_IDENTITY_COUNT ? words[identity] : NULL;
}
