/* The rules of a world: loaded, their limits given slots, their routes found. */
#include "world/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* The slot of the limit of this name in a rule set, or WORLD_RULE_LIMITS_MAX. */
static uint32_t limit_slot_of(const struct world_rules *r, const char *name)
{
	for (uint32_t i = 0; r != NULL && i < r->limit_count; i++)
		if (strcmp(rules_limit_name(r->rules, i), name) == 0)
			return r->limit_slots[i];
	return WORLD_RULE_LIMITS_MAX;
}

/* A limit keeps the slot of its name, because its bucket is there; a new one gets a slot that
 * neither rule set uses, if there is one. */
static void limits_place(struct world_rules *r, const struct world_rules *before)
{
	uint8_t  used[WORLD_RULE_LIMITS_MAX] = {0}; /* bit 0: now, bit 1: before */
	uint32_t next = 0;

	for (uint32_t i = 0; before != NULL && i < before->limit_count; i++)
		used[before->limit_slots[i]] |= 2;
	for (uint32_t i = 0; i < r->limit_count; i++) {
		r->limit_slots[i] = limit_slot_of(before, rules_limit_name(r->rules, i));
		if (r->limit_slots[i] < WORLD_RULE_LIMITS_MAX)
			used[r->limit_slots[i]] |= 1;
	}
	for (uint32_t i = 0; i < r->limit_count; i++) {
		if (r->limit_slots[i] < WORLD_RULE_LIMITS_MAX)
			continue;
		while (next < WORLD_RULE_LIMITS_MAX && used[next] != 0)
			next++;
		if (next == WORLD_RULE_LIMITS_MAX)
			r->limit_slots[i] =
				(uint32_t)((uint8_t *)memchr(used, 2, sizeof(used)) - used);
		else
			r->limit_slots[i] = next;
		used[r->limit_slots[i]] |= 1;
	}
}

static struct world_rules *rules_new(struct rules *rules, struct cur image)
{
	uint32_t            limits = rules_limit_count(rules);
	struct world_rules *r = malloc(sizeof(*r) + limits * sizeof(r->limit_slots[0]));
	uint8_t            *copy = malloc(cur_left(&image));

	if (r == NULL || copy == NULL) {
		free(r);
		free(copy);
		return NULL;
	}
	memcpy(copy, image.p, cur_left(&image));
	*r = (struct world_rules){.rules = rules,
				  .image = copy,
				  .size = cur_left(&image),
				  .digest = world_rules_digest(image.p, cur_left(&image)),
				  .limit_count = limits};
	return r;
}

static bool rules_adopt(struct world_change *c, struct world_rules *r)
{
	struct world_rules *old = c->index->rules;

	if (old != NULL) {
		c->world->checksum -= old->digest;
		if (!change_replaced(c, PART_RULES, old))
			return false;
	}
	c->index->rules = r;
	c->world->rules = r != NULL ? r->rules : NULL;
	c->world->rules_version = c->world->version;
	c->world->checksum += r != NULL ? r->digest : 0;
	return true;
}

static bool rules_same(const struct world_rules *r, struct cur image)
{
	return r != NULL && r->size == cur_left(&image) && memcmp(r->image, image.p, r->size) == 0;
}

bool rules_apply(struct world_change *c, struct cur image)
{
	struct world_rules *before = c->from != NULL ? c->from->index->rules : NULL, *r;
	struct rules       *rules;

	c->rules_changed = true;
	if (cur_left(&image) == 0)
		return rules_adopt(c, NULL);
	if (rules_same(before, image)) { /* their counters go on */
		c->rules_kept = c->image;
		return c->index->rules == before || rules_adopt(c, before);
	}
	rules = rules_load(image, c->scratches, c->error);
	if (rules == NULL)
		return false;
	if (rules_limit_count(rules) > WORLD_RULE_LIMITS_MAX) {
		change_refuse(c, "the rules have %u limits; %u is the most there can be",
			      rules_limit_count(rules), WORLD_RULE_LIMITS_MAX);
		rules_free(rules);
		return false;
	}
	r = rules_new(rules, image);
	if (r == NULL) {
		rules_free(rules);
		return change_short_of_memory(c);
	}
	limits_place(r, before);
	return change_made(c, PART_RULES, r) && rules_adopt(c, r);
}

static bool resolve_one(struct world_change *c, struct route_edit *e, uint32_t route)
{
	const char         *names[RULES_TARGETS_MAX];
	struct route_target targets[RULES_TARGETS_MAX] = {{.slot = 0}};
	unsigned            n = rules_route_targets(c->world->rules, route, names);
	char                to[32];

	snprintf(to, sizeof(to), "rule route %u", route);
	for (unsigned i = 0; i < n; i++)
		if (!routes_target(c, names[i], &targets[i]))
			return change_refuse(
				c,
				"a rule leads to %s, but there is no peer or account of this name",
				names[i]);
	switch (route_edit_put(e, str_of(to), 0, false, targets, n)) {
	case 0:
		return true;
	case -ENOMEM:
		return change_short_of_memory(c);
	}
	return change_refuse(c, "%s", "a rule's route leads nowhere");
}

static struct world_rule_routes *resolve_all(struct world_change *c, uint32_t count)
{
	struct world_rule_routes *r = calloc(1, sizeof(*r) + count * sizeof(r->sets[0]));
	struct route_edit        *e = route_edit_begin(NULL);
	char                      to[32];

	if (r == NULL || e == NULL) {
		change_short_of_memory(c);
		goto undo;
	}
	for (uint32_t i = 0; i < count; i++)
		if (!resolve_one(c, e, i))
			goto undo;
	r->table = route_edit_table(e);
	route_edit_reclaim(e);
	for (r->count = 0; r->count < count; r->count++) {
		snprintf(to, sizeof(to), "rule route %u", r->count);
		r->sets[r->count] = route_table_get(r->table, str_of(to));
	}
	return r;
undo:
	if (e != NULL)
		route_edit_abandon(e);
	free(r);
	return NULL;
}

bool rules_resolve(struct world_change *c)
{
	uint32_t count = c->world->rules != NULL ? rules_route_count(c->world->rules) : 0;
	struct world_rule_routes *r = NULL;

	if (!c->parties_changed && !c->rules_changed)
		return true;
	if (count > 0) {
		r = resolve_all(c, count);
		if (r == NULL || !change_made(c, PART_RULE_ROUTES, r))
			return false;
	}
	if (c->index->rule_routes != NULL &&
	    !change_replaced(c, PART_RULE_ROUTES, c->index->rule_routes))
		return false;
	c->index->rule_routes = r;
	return true;
}
