/* The end of worlds and their parts, and a world written out as an image. Writer only. */
#include "world/index.h"
#include "world/hash_trie.h"

#include <stdlib.h>

#include "base/assert.h"
#include "conf/conf.h"

void world_party_free(struct world_party *p)
{
	conf_object_free(p->kind, p->conf);
	free(p);
}

void world_rules_free(struct world_rules *r)
{
	if (r == NULL)
		return;
	rules_free(r->rules);
	free(r->image);
	free(r);
}

void world_rule_routes_free(struct world_rule_routes *r)
{
	if (r == NULL)
		return;
	route_table_free(r->table);
	free(r);
}

static void parties_free(const struct world_parties *parties)
{
	for (unsigned i = 0; i < WORLD_PAGES; i++) {
		struct world_page *page = parties->pages[i];

		for (unsigned k = 0; page != NULL && k < WORLD_PAGE_SLOTS; k++) {
			if (page->parties[k] != NULL)
				world_party_free((struct world_party *)page->parties[k]);
			free((void *)page->addresses[k]);
		}
		free(page);
	}
	for (unsigned i = 0; i < WORLD_BUCKETS; i++)
		free(parties->names[i]);
}

void world_release(const struct world *w, bool rules_too)
{
	if (w == NULL)
		return;
	parties_free(&w->index->accounts);
	parties_free(&w->index->peers);
	for (unsigned i = 0; i < WORLD_BUCKETS; i++)
		free(w->index->logins[i]);
	subscribers_free(w->index, 0);
	route_table_free(w->routes);
	world_rule_routes_free(w->index->rule_routes);
	if (rules_too)
		world_rules_free(w->index->rules);
	free((void *)w->index);
	free((void *)w);
}

void world_free(const struct world *w)
{
	world_release(w, true);
}

/* The name in `via`. */
static struct str target_name(const struct world *w, const struct route_target *t)
{
	enum conf_kind            kind = t->kind == ROUTE_ACCOUNT ? CONF_ACCOUNT : CONF_PEER;
	const struct world_party *p;

	if (t->kind == ROUTE_REGISTERED)
		return STR(CONF_VIA_REGISTERED);
	p = world_party_at(world_parties(w, kind), t->slot);
	ASSERT(p != NULL);
	return world_party_name(p);
}

void world_route_conf(const struct world *w, const struct route_set *set,
		      const struct route_choice *c, struct conf_via_item items[],
		      struct conf_route *route)
{
	bool whole = str_copy(route->to, sizeof(route->to), (struct str){set->to, set->to_size});

	route->priority = c->priority;
	route->via = (struct conf_via){c->count, c->weighted, items};
	for (unsigned i = 0; i < c->count; i++) {
		const struct route_target *t = &c->targets[i];

		whole = whole && str_copy(items[i].name, sizeof(items[i].name), target_name(w, t));
		items[i].weight = t->weight;
	}
	ASSERT(whole);
}

struct writing {
	const struct world *world;
	struct world_delta *delta;
};

static bool write_set(void *user, const struct route_set *set)
{
	struct writing      *w = user;
	struct conf_via_item items[ROUTE_TARGETS_MAX];
	struct conf_route    route;

	for (unsigned i = 0; i < set->count; i++) {
		world_route_conf(w->world, set, set->choices[i], items, &route);
		world_delta_put(w->delta, CONF_ROUTE, &route);
	}
	return !w->delta->failed;
}

static bool write_subscriber(void *user, const struct world_subscriber *s)
{
	struct writing        *w = user;
	struct conf_subscriber conf;

	world_subscriber_conf(s, &conf);
	world_delta_put(w->delta, CONF_SUBSCRIBER, &conf);
	return !w->delta->failed;
}

static void write_parties(const struct world_parties *parties, struct world_delta *d)
{
	for (uint32_t slot = 0; slot < parties->slots_max; slot++) {
		const struct world_party *p = world_party_at(parties, slot);

		if (p != NULL)
			world_delta_put(d, p->kind, p->conf);
	}
}

static void write_addresses(const struct world *w, struct world_delta *d)
{
	for (uint32_t slot = 0; slot < w->index->peers.slots_max; slot++) {
		const struct world_addresses *a = world_peer_addresses(w, slot);

		if (a != NULL)
			world_delta_addresses(d, world_peer(w, slot)->conf->name, a);
	}
}

bool world_to_image(const struct world *w, struct world_delta *d)
{
	struct writing writing = {w, d};

	world_delta_begin(d, 0, w->version);
	write_parties(&w->index->accounts, d);
	write_parties(&w->index->peers, d);
	write_addresses(w, d);
	route_table_each(w->routes, write_set, &writing);
	hash_trie_each(w->index->subscribers[SUBSCRIBER_ADDRESS], write_subscriber, &writing);
	if (w->index->rules != NULL)
		world_delta_rules(d, w->index->rules->image, w->index->rules->size);
	return world_delta_end(d, w->checksum);
}
