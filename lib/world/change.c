#include "world/change.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "conf/conf.h"

bool change_refuse(struct world_change *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, 256, format, args);
	va_end(args);
	return false;
}

bool change_short_of_memory(struct world_change *c)
{
	return change_refuse(c, "%s", "memory is short");
}

static void part_free(struct part *part)
{
	switch (part->kind) {
	case PART_BLOCK:
		free(part->p);
		return;
	case PART_PARTY:
		world_party_free(part->p);
		return;
	case PART_RULES:
		world_rules_free(part->p);
		return;
	case PART_RULE_ROUTES:
		world_rule_routes_free(part->p);
		return;
	}
}

void world_parts_free(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		part_free(&parts->items[i]);
	parts_forget(parts);
}

void parts_forget(struct parts *parts)
{
	free(parts->items);
	*parts = (struct parts){NULL, 0, 0};
}

static bool parts_append(struct parts *parts, struct part part)
{
	if (parts->n == parts->room) {
		size_t       room = parts->room * 2 + 16;
		struct part *grown = realloc(parts->items, room * sizeof(*grown));

		if (grown == NULL)
			return false;
		parts->items = grown;
		parts->room = room;
	}
	parts->items[parts->n++] = part;
	return true;
}

bool change_made(struct world_change *c, enum part_kind kind, void *p)
{
	struct part part = {p, kind};

	if (parts_append(&c->made, part))
		return true;
	part_free(&part);
	return change_short_of_memory(c);
}

bool change_replaced(struct world_change *c, enum part_kind kind, const void *p)
{
	return parts_append(&c->replaced, (struct part){(void *)p, kind}) ||
	       change_short_of_memory(c);
}

/* A world that says what `from` says, or (an image) nothing. */
static struct world_change *change_new(const struct world *from, const struct delta *d,
				       unsigned scratches, char error[256])
{
	struct world_change *c = calloc(1, sizeof(*c));
	struct world        *world = calloc(1, sizeof(*world));
	struct world_index  *index = calloc(1, sizeof(*index));

	if (c == NULL || world == NULL || index == NULL) {
		free(c);
		free(world);
		free(index);
		return NULL;
	}
	c->from = from;
	c->world = world;
	c->index = index;
	c->scratches = scratches;
	c->image = d->from_version == 0;
	c->error = error;
	if (!c->image) {
		*world = *from;
		*index = *from->index;
	}
	index->made = from != NULL ? from->index->made + 1 : 1;
	world->index = index;
	world->version = d->to_version;
	return c;
}

enum pass { PASS_KNOWN, PASS_NEW, PASS_ROUTES, PASS_REMOVED, PASS_COUNT };

/* What an operation does in one of the passes. */
static bool apply_op(struct world_change *c, const struct delta_op *op, enum pass pass)
{
	bool party = op->kind == CONF_ACCOUNT || op->kind == CONF_PEER;
	bool subscriber = op->kind == CONF_SUBSCRIBER;

	if (op->what == DELTA_ADDRESSES) /* when its peer is there */
		return pass != PASS_ROUTES || addresses_apply(c, op);
	switch (pass) {
	case PASS_KNOWN:
		if (op->what == DELTA_RULES)
			return rules_apply(c, op->bytes);
		if (subscriber)
			return subscribers_apply(c, op);
		return op->what != DELTA_PUT || !party || parties_put(c, op, true);
	case PASS_NEW:
		if (subscriber)
			return subscribers_name(c, op);
		return op->what != DELTA_PUT || !party || parties_put(c, op, false);
	case PASS_ROUTES:
		return op->kind != CONF_ROUTE || routes_apply(c, op);
	case PASS_REMOVED:
		return op->what != DELTA_REMOVE || !party || parties_remove(c, op);
	case PASS_COUNT:
		break;
	}
	return false;
}

/* Parties before the routes that need them, and removed after the routes that needed them: the
 * order within the delta does not matter. */
static bool apply(struct world_change *c, const struct delta *d)
{
	for (enum pass pass = 0; pass < PASS_COUNT; pass++) {
		struct cur      ops = d->ops;
		struct delta_op op;

		while (delta_next(&ops, &op))
			if (!apply_op(c, &op, pass))
				return false;
	}
	return parties_check_logins(c) && rules_resolve(c);
}

static bool finish(struct world_change *c, const struct delta *d)
{
	if (c->world->checksum != d->checksum_after)
		return change_refuse(
			c, "the world would have the checksum %016" PRIx64 " and not %016" PRIx64,
			c->world->checksum, d->checksum_after);
	if (c->parties_changed || c->image)
		c->world->parties_version = d->to_version;
	if (c->addresses_changed || c->image)
		c->world->addresses_made = c->index->made;
	c->world->account_slots = c->index->accounts.slots_max;
	c->world->peer_slots = c->index->peers.slots_max;
	return true;
}

struct world_change *world_change_build(const struct world *from, struct cur bytes,
					unsigned scratches, char error[256])
{
	struct delta         d;
	struct world_change *c;
	const char          *wrong = delta_read(bytes, &d);
	bool                 done;

	if (wrong != NULL) {
		snprintf(error, 256, "the delta is refused: %s", wrong);
		return NULL;
	}
	if (d.from_version != 0 && (from == NULL || from->version != d.from_version)) {
		snprintf(error, 256,
			 "the delta starts from version %" PRIu64 ", but %" PRIu64 " is in force",
			 d.from_version, from != NULL ? from->version : 0);
		return NULL;
	}
	c = change_new(from, &d, scratches, error);
	if (c == NULL) {
		snprintf(error, 256, "memory is short");
		return NULL;
	}
	done = apply(c, &d) && finish(c, &d);
	conf_object_free(CONF_ROUTE, c->route);
	conf_object_free(CONF_SUBSCRIBER, c->subscriber);
	if (!done) {
		world_change_abandon(c);
		return NULL;
	}
	c->route = NULL;
	c->subscriber = NULL;
	c->error = NULL; /* the caller's, and only lent for the build */
	return c;
}

const struct world *world_change_world(const struct world_change *c)
{
	return c->world;
}

bool world_change_erases(const struct world_change *c)
{
	return c->erases;
}

char *world_change_take_gone(struct world_change *c, size_t *size)
{
	char *gone = c->gone;

	*size = c->gone_size;
	c->gone = NULL;
	return gone;
}

void world_change_reclaim(struct world_change *c)
{
	free(c->gone);
	parts_forget(&c->made);
	world_parts_free(&c->replaced);
	if (c->routes != NULL)
		route_edit_reclaim(c->routes);
	if (c->image) {
		world_release(c->from, !c->rules_kept);
	} else {
		free((void *)c->from->index);
		free((void *)c->from);
	}
	free(c);
}

void world_change_abandon(struct world_change *c)
{
	parts_forget(&c->replaced);
	world_parts_free(&c->made);
	if (c->routes != NULL)
		route_edit_abandon(c->routes);
	subscribers_free(c->index, c->index->made);
	free(c->gone);
	free(c->index);
	free(c->world);
	free(c);
}
