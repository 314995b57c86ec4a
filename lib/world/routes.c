/* Routes put and removed, their targets found by name. */
#include "world/change.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "conf/conf.h"

bool routes_target(struct world_change *c, const char *name, struct route_target *t)
{
	const struct world_peer    *peer = world_peer_find(c->world, str_of(name));
	const struct world_account *account = world_account_find(c->world, str_of(name));

	if (strcmp(name, CONF_VIA_REGISTERED) == 0) {
		*t = (struct route_target){.kind = ROUTE_REGISTERED};
		return true;
	}
	if (peer != NULL)
		*t = (struct route_target){.slot = peer->slot, .kind = ROUTE_PEER};
	else if (account != NULL)
		*t = (struct route_target){.slot = account->slot, .kind = ROUTE_ACCOUNT};
	return peer != NULL || account != NULL;
}

static bool use(struct world_change *c, const struct route_target targets[], unsigned n, int by)
{
	for (unsigned i = 0; i < n; i++) {
		enum conf_kind kind = targets[i].kind == ROUTE_ACCOUNT ? CONF_ACCOUNT : CONF_PEER;

		if (targets[i].kind != ROUTE_REGISTERED &&
		    !pages_use(c, change_parties(c, kind), targets[i].slot, by))
			return false;
	}
	return true;
}

static const struct route_choice *choice_of(const struct route_set *set, uint32_t priority)
{
	for (unsigned i = 0; set != NULL && i < set->count; i++)
		if (set->choices[i]->priority == priority)
			return set->choices[i];
	return NULL;
}

/* What a route said until now no longer counts. */
static bool forget(struct world_change *c, struct str to, uint32_t priority)
{
	const struct route_set    *set = route_table_get(route_edit_table(c->routes), to);
	const struct route_choice *choice = choice_of(set, priority);
	struct conf_via_item       items[ROUTE_TARGETS_MAX];
	struct conf_route          route;

	if (choice == NULL)
		return true;
	world_route_conf(c->world, set, choice, items, &route);
	c->world->checksum -= world_object_digest(CONF_ROUTE, &route);
	return use(c, choice->targets, choice->count, -1);
}

static bool put(struct world_change *c, const struct conf_route *route)
{
	struct route_target    targets[ROUTE_TARGETS_MAX];
	const struct conf_via *via = &route->via;
	int                    err;

	if (via->n > ROUTE_TARGETS_MAX || route->priority > UINT16_MAX)
		return change_refuse(c, "route %s %u: too many targets, or too great a priority",
				     route->to, route->priority);
	for (uint32_t i = 0; i < via->n; i++) {
		if (!routes_target(c, via->items[i].name, &targets[i]))
			return change_refuse(c, "route %s %u: there is no peer or account named %s",
					     route->to, route->priority, via->items[i].name);
		targets[i].weight = via->items[i].weight;
	}
	if (!forget(c, str_of(route->to), route->priority) || !use(c, targets, via->n, 1))
		return false;
	err = route_edit_put(c->routes, str_of(route->to), (uint16_t)route->priority, via->weighted,
			     targets, via->n);
	if (err == -ENOMEM)
		return change_short_of_memory(c);
	if (err == -E2BIG)
		return change_refuse(
			c, "route %s %u: it has %u other priorities, the most there can be",
			route->to, route->priority, ROUTE_CHOICES_MAX);
	if (err < 0)
		return change_refuse(c,
				     "route %s %u: no such destination; write \"+4670\" for a "
				     "prefix, \"=71234\" for one number, \"sip:*@ims.example\" "
				     "for a domain",
				     route->to, route->priority);
	c->world->checksum += world_object_digest(CONF_ROUTE, route);
	return true;
}

static bool put_read(struct world_change *c, struct cur bytes)
{
	if (c->route == NULL)
		c->route = conf_object_new(CONF_ROUTE);
	if (c->route == NULL)
		return change_short_of_memory(c);
	if (!conf_object_unpack(CONF_ROUTE, &bytes, c->route) || cur_left(&bytes) > 0)
		return change_refuse(c, "%s", "a route in the delta cannot be read");
	return put(c, c->route);
}

/* "TO PRIORITY", as conf_object_id() writes it. */
static bool read_id(struct str id, struct str *to, uint32_t *priority)
{
	size_t space = id.n;

	while (space > 0 && id.p[space - 1] != ' ')
		space--;
	if (space < 2 || space == id.n || id.n - space > 5)
		return false;
	*to = (struct str){id.p, space - 1};
	*priority = 0;
	for (size_t i = space; i < id.n; i++) {
		if (id.p[i] < '0' || id.p[i] > '9')
			return false;
		*priority = *priority * 10 + (uint32_t)(id.p[i] - '0');
	}
	return *priority <= UINT16_MAX;
}

static bool remove_id(struct world_change *c, struct str id)
{
	struct str to;
	uint32_t   priority;
	int        err;

	if (!read_id(id, &to, &priority))
		return change_refuse(c, "%s",
				     "a route to be removed is not named by destination "
				     "and priority");
	if (!forget(c, to, priority))
		return false;
	err = route_edit_remove(c->routes, to, (uint16_t)priority);
	if (err == -ENOENT)
		return change_refuse(c, "route %.*s: there is none to remove",
				     (int)(id.n < 80 ? id.n : 80), id.p);
	return err == 0 || change_short_of_memory(c);
}

bool routes_apply(struct world_change *c, const struct delta_op *op)
{
	if (c->routes == NULL) {
		c->routes = route_edit_begin(c->image ? NULL : c->world->routes);
		if (c->routes == NULL)
			return change_short_of_memory(c);
		c->world->routes = route_edit_table(c->routes);
	}
	if (op->what == DELTA_PUT)
		return put_read(c, op->bytes);
	return remove_id(c, (struct str){(const char *)op->bytes.p, cur_left(&op->bytes)});
}
