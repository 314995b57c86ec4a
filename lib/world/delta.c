#include "world/delta.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/put.h"
#include "conf/conf.h"
#include "world/world.h"

/* Fixed keys: the hashes must be the same on both sides; they find damage and drift, not forgery.
 */
static const struct hash_key delta_key = {0x776f726c642d6465ull, 0x6c74612d62797465ull};
static const struct hash_key object_key = {0x776f726c642d6f62ull, 0x6a6563742d73756dull};

#define CHECKSUM_AT 24u
#define OBJECT_SIZE_MAX                                                                            \
	(72u * 1024) /* the largest: an account with 256 senders of 255 characters */
#define SIZE_AT 32u

/* Rules are not: they travel as one image. */
static bool is_shipped(unsigned kind)
{
	return kind < CONF_KIND_COUNT && kind != CONF_RULE;
}

/* What is free behind the bytes, at least n of it; a put that has failed when memory is short. */
static struct put delta_room(struct world_delta *d, size_t n)
{
	if (!d->failed && d->room - d->size < n) {
		size_t   room = d->room * 2 + n + 256;
		uint8_t *grown = realloc(d->bytes, room);

		d->failed = grown == NULL;
		d->bytes = grown != NULL ? grown : d->bytes;
		d->room = grown != NULL ? room : d->room;
	}
	if (d->failed)
		return (struct put){NULL, NULL, NULL, true};
	return put_to(d->bytes + d->size, d->room - d->size);
}

static void delta_head(struct put *to, enum delta_what what, enum conf_kind kind, size_t size)
{
	put_u8(to, (uint8_t)what);
	put_u8(to, (uint8_t)kind);
	put_be32(to, (uint32_t)size);
}

static void delta_append(struct world_delta *d, enum delta_what what, enum conf_kind kind,
			 const void *bytes, size_t n)
{
	struct put to = delta_room(d, DELTA_OP_SIZE + n);

	ASSERT(n <= UINT32_MAX);
	delta_head(&to, what, kind, n);
	put_bytes(&to, bytes, n);
	if (!to.failed)
		d->size += put_size(&to);
}

void world_delta_begin(struct world_delta *d, uint64_t from_version, uint64_t to_version)
{
	struct put head;

	*d = (struct world_delta){NULL, 0, 0, false};
	head = delta_room(d, DELTA_HEADER_SIZE);
	put_be32(&head, DELTA_MAGIC);
	put_be32(&head, DELTA_FORMAT);
	put_be64(&head, from_version);
	put_be64(&head, to_version);
	put_be64(&head, 0); /* checksum and size: at the end */
	put_be64(&head, 0);
	if (!head.failed)
		d->size = DELTA_HEADER_SIZE;
}

void world_delta_put(struct world_delta *d, enum conf_kind kind, const void *object)
{
	bool packed = false;

	ASSERT(is_shipped(kind));
	for (size_t room = 512; !packed && !d->failed; room *= 2) {
		struct put head = delta_room(d, DELTA_OP_SIZE + room), to = head;

		put_reserve(&to, DELTA_OP_SIZE);
		packed = conf_object_pack(kind, object, &to);
		if (!packed)
			continue;
		delta_head(&head, DELTA_PUT, kind, put_size(&to) - DELTA_OP_SIZE);
		d->size += put_size(&to);
	}
}

void world_delta_remove(struct world_delta *d, enum conf_kind kind, const char *id)
{
	ASSERT(is_shipped(kind));
	delta_append(d, DELTA_REMOVE, kind, id, strlen(id));
}

void world_delta_rules(struct world_delta *d, const uint8_t *image, size_t size)
{
	delta_append(d, DELTA_RULES, CONF_RULE, image, size);
}

void world_delta_addresses(struct world_delta *d, const char *peer,
			   const struct world_addresses *addresses)
{
	uint8_t    room[CONF_NAME_SIZE + WORLD_ADDRESSES_SIZE_MAX];
	struct put to = put_to(room, sizeof(room));

	put_u8(&to, (uint8_t)strlen(peer));
	put_bytes(&to, peer, strlen(peer));
	world_addresses_pack(addresses, &to);
	ASSERT(!to.failed);
	delta_append(d, DELTA_ADDRESSES, CONF_PEER, room, put_size(&to));
}

bool world_delta_end(struct world_delta *d, uint64_t checksum_after)
{
	struct put end = delta_room(d, DELTA_HASH_SIZE), head;

	if (end.failed)
		return false;
	head = put_to(d->bytes + CHECKSUM_AT, 16);
	put_be64(&head, checksum_after);
	put_be64(&head, d->size + DELTA_HASH_SIZE);
	put_be64(&end, hash_sip(&delta_key, d->bytes, d->size));
	d->size += DELTA_HASH_SIZE;
	return true;
}

void world_delta_free(struct world_delta *d)
{
	free(d->bytes);
	*d = (struct world_delta){NULL, 0, 0, false};
}

static bool op_is_known(unsigned what, unsigned kind)
{
	if (what == DELTA_RULES)
		return kind == CONF_RULE;
	if (what == DELTA_ADDRESSES)
		return kind == CONF_PEER;
	return (what == DELTA_PUT || what == DELTA_REMOVE) && is_shipped(kind);
}

bool delta_next(struct cur *ops, struct delta_op *op)
{
	uint32_t size;

	if (ops->failed || cur_left(ops) == 0)
		return false;
	op->what = (enum delta_what)cur_u8(ops);
	op->kind = (enum conf_kind)cur_u8(ops);
	size = cur_be32(ops);
	op->bytes = cur_sub(ops, size);
	return !ops->failed;
}

static const char *ops_check(struct cur ops)
{
	struct delta_op op;
	unsigned        rules = 0;

	while (delta_next(&ops, &op)) {
		if (!op_is_known(op.what, op.kind))
			return "it holds an operation that this version does not know";
		rules += op.what == DELTA_RULES;
	}
	if (ops.failed)
		return "an operation in it is cut short";
	return rules > 1 ? "it holds rules twice" : NULL;
}

const char *delta_read(struct cur in, struct delta *delta)
{
	size_t     size = cur_left(&in);
	struct cur head, hashed = in;

	if (size < DELTA_HEADER_SIZE + DELTA_HASH_SIZE)
		return "it is cut short";
	head = cur_sub(&in, DELTA_HEADER_SIZE);
	if (cur_be32(&head) != DELTA_MAGIC)
		return "it is no delta of a world";
	if (cur_be32(&head) != DELTA_FORMAT)
		return "it has a format that this version does not know";
	delta->from_version = cur_be64(&head);
	delta->to_version = cur_be64(&head);
	delta->checksum_after = cur_be64(&head);
	if (cur_be64(&head) != size)
		return "it is not as long as it says";
	delta->ops = cur_sub(&in, size - DELTA_HEADER_SIZE - DELTA_HASH_SIZE);
	if (hash_sip(&delta_key, cur_bytes(&hashed, size - DELTA_HASH_SIZE),
		     size - DELTA_HASH_SIZE) != cur_be64(&in))
		return "its bytes are damaged";
	if (delta->to_version == 0)
		return "it leads to version 0, which no world has";
	return ops_check(delta->ops);
}

static uint64_t digest(enum conf_kind kind, const void *bytes, size_t n)
{
	struct hash_key key = {object_key.k0 ^ (uint64_t)kind, object_key.k1};

	return hash_sip(&key, bytes, n);
}

uint64_t world_object_digest(enum conf_kind kind, const void *object)
{
	uint8_t    packed[OBJECT_SIZE_MAX];
	struct put to = put_to(packed, sizeof(packed));
	bool       fits = conf_object_pack(kind, object, &to);

	ASSERT(is_shipped(kind) && fits);
	return digest(kind, packed, put_size(&to));
}

uint64_t world_rules_digest(const uint8_t *image, size_t size)
{
	return size > 0 ? digest(CONF_RULE, image, size) : 0;
}
