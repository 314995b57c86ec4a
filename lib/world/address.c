#include "world/address.h"

#include <string.h>

#include "base/hash.h"

static bool same(const struct world_address *a, const struct world_address *b)
{
	return memcmp(a->w, b->w, sizeof(a->w)) == 0 && a->ip6 == b->ip6 &&
	       a->server == b->server && a->port == b->port && a->priority == b->priority &&
	       a->weight == b->weight;
}

bool world_addresses_equal(const struct world_addresses *a, const struct world_addresses *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!same(&a->items[i], &b->items[i]))
			return false;
	return true;
}

void world_addresses_pack(const struct world_addresses *a, struct put *to)
{
	put_u8(to, (uint8_t)a->n);
	for (uint32_t i = 0; i < a->n; i++) {
		const struct world_address *item = &a->items[i];

		put_u8(to, item->ip6);
		put_u8(to, item->server);
		put_be16(to, item->port);
		put_be16(to, item->priority);
		put_be16(to, item->weight);
		put_bytes(to, item->w, sizeof(item->w));
	}
}

#define DOMAIN_QUESTION 0xffu /* no question of lib/roster */

void world_domain_question_put(struct put *to, struct str domain)
{
	if (domain.n == 0 || domain.n > WORLD_DOMAIN_SIZE_MAX)
		to->failed = true;
	put_u8(to, DOMAIN_QUESTION);
	put_u8(to, (uint8_t)domain.n);
	put_str(to, domain);
}

bool world_domain_question_read(struct cur question, struct str *domain)
{
	bool           is_domain = cur_u8(&question) == DOMAIN_QUESTION;
	size_t         n = cur_u8(&question);
	const uint8_t *p = cur_bytes(&question, n);

	*domain = (struct str){(const char *)p, n};
	return is_domain && p != NULL && n > 0 && n <= WORLD_DOMAIN_SIZE_MAX &&
	       cur_left(&question) == 0;
}

/* Does b stand right behind a? */
static bool in_order(const struct world_address *a, const struct world_address *b)
{
	if (b->priority != a->priority)
		return b->priority > a->priority && b->server > a->server;
	return b->server > a->server || (b->server == a->server && b->weight == a->weight);
}

bool world_addresses_unpack(struct cur *from, struct world_addresses *a)
{
	unsigned n = cur_u8(from);

	*a = (struct world_addresses){.n = 0};
	if (from->failed || n > WORLD_ADDRESSES_MAX)
		return false;
	for (; a->n < n; a->n++) {
		struct world_address *item = &a->items[a->n];
		uint8_t               ip6 = cur_u8(from);
		const uint8_t        *bytes;

		item->ip6 = ip6 == 1;
		item->server = cur_u8(from);
		item->port = cur_be16(from);
		item->priority = cur_be16(from);
		item->weight = cur_be16(from);
		bytes = cur_bytes(from, sizeof(item->w));
		if (bytes == NULL || ip6 > 1 || item->server >= WORLD_ADDRESSES_MAX ||
		    (a->n > 0 && !in_order(item - 1, item)))
			return false;
		memcpy(item->w, bytes, sizeof(item->w));
	}
	return true;
}

/* Servers of one priority that are still to be drawn. */
struct lot {
	uint8_t  first[WORLD_ADDRESSES_MAX]; /* each server's first address */
	unsigned n;
	uint32_t weight; /* of all */
};

static struct lot lot_of(const struct world_addresses *a, unsigned from, unsigned end)
{
	struct lot lot = {.n = 0};

	for (unsigned i = from; i < end; i++) {
		if (i > from && a->items[i].server == a->items[i - 1].server)
			continue;
		lot.first[lot.n++] = (uint8_t)i;
		lot.weight += a->items[i].weight;
	}
	return lot;
}

/*
 * RFC 2782 places those without a weight first and draws from 0 to the sum, both included; so they
 * have a chance where others have weights, but a small one. Where all have weights 0 would only
 * favour the first, so the draw begins at 1.
 */
static unsigned draw(const struct world_addresses *a, const struct lot *lot, uint64_t random)
{
	uint32_t drawn, sum = 0;
	unsigned nothing = 0, which;

	if (lot->weight == 0)
		return (unsigned)(random % lot->n);
	for (unsigned i = 0; i < lot->n; i++)
		nothing += a->items[lot->first[i]].weight == 0;
	drawn = nothing > 0 ? (uint32_t)(random % (lot->weight + 1))
			    : (uint32_t)(random % lot->weight) + 1;
	which = nothing > 0 ? (unsigned)((random >> 32) % nothing) : 0;
	for (unsigned i = 0; i < lot->n; i++) {
		uint16_t weight = a->items[lot->first[i]].weight;

		if (drawn == 0 && nothing > 0 && weight == 0 && which-- == 0)
			return i;
		sum += weight;
		if (weight > 0 && drawn > 0 && sum >= drawn)
			return i;
	}
	return lot->n - 1;
}

static unsigned lot_order(const struct world_addresses *a, struct lot *lot, uint64_t *random,
			  uint8_t order[])
{
	unsigned n = 0;

	while (lot->n > 0) {
		unsigned drawn = draw(a, lot, *random = hash_mix(*random + lot->n)),
			 i = lot->first[drawn];
		uint8_t server = a->items[i].server;

		lot->weight -= a->items[i].weight;
		memmove(&lot->first[drawn], &lot->first[drawn + 1], --lot->n - drawn);
		for (; i < a->n && a->items[i].server == server; i++)
			order[n++] = (uint8_t)i;
	}
	return n;
}

unsigned world_addresses_order(const struct world_addresses *a, uint64_t seed,
			       uint8_t order[WORLD_ADDRESSES_MAX])
{
	unsigned n = 0;

	while (n < a->n) {
		unsigned   end = n + 1;
		struct lot lot;

		while (end < a->n && a->items[end].priority == a->items[n].priority)
			end++;
		lot = lot_of(a, n, end);
		n += lot_order(a, &lot, &seed, order + n);
	}
	return n;
}
