/* Random deltas and images, against a mirror that recounts everything from its own objects. */
#include "world/world.h"

#include <stdio.h>

#include "base/random.h"
#include "sample.h"

#define SEED 20260613u
#define PARTIES 150u /* of each kind; more than two pages */
#define ROUTES 200u

struct model {
	bool     peer[PARTIES], account[PARTIES];
	uint32_t revision[PARTIES]; /* of the peer: its port */
	struct {
		bool     set;
		unsigned priority, targets[3]; /* below PARTIES: a peer; else an account */
	} routes[ROUTES];
};

static void *peer_of(const struct model *x, unsigned i)
{
	char              name[16];
	struct conf_peer *p;

	snprintf(name, sizeof(name), "peer%u", i);
	p = sample_peer(name);
	p->port = x->revision[i];
	return p;
}

static void *account_of(unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "account%u", i);
	return sample_account(name, "");
}

static void *route_of(const struct model *x, unsigned i)
{
	char     to[24], via[100];
	unsigned n = 0;

	snprintf(to, sizeof(to), "%s%u", i % 2 == 0 ? "+4" : "=+4", i * i);
	for (unsigned k = 0; k < 3; k++) {
		unsigned t = x->routes[i].targets[k];

		n += (unsigned)snprintf(via + n, sizeof(via) - n, "%s%s%u%s", k > 0 ? " " : "",
					t < PARTIES ? "peer" : "account", t % PARTIES,
					i % 3 == 0 ? "=5" : "");
	}
	return sample_route(to, x->routes[i].priority, via);
}

static bool is_used(const struct model *x, unsigned target)
{
	for (unsigned i = 0; i < ROUTES; i++)
		for (unsigned k = 0; k < 3; k++)
			if (x->routes[i].set && x->routes[i].targets[k] == target)
				return true;
	return false;
}

static bool is_there(const struct model *x, unsigned target)
{
	return target < PARTIES ? x->peer[target] : x->account[target - PARTIES];
}

static void change_party(struct model *x, struct mirror *m, struct random *r)
{
	unsigned i = random_below(r, PARTIES);

	if (random_below(r, 2) == 0) {
		if (x->account[i] && !is_used(x, PARTIES + i))
			mirror_remove(m, CONF_ACCOUNT, account_of(i));
		else if (!x->account[i])
			mirror_put(m, CONF_ACCOUNT, account_of(i));
		else
			return;
		x->account[i] = !x->account[i];
		return;
	}
	if (x->peer[i] && !is_used(x, i) && random_below(r, 2) == 0) {
		mirror_remove(m, CONF_PEER, peer_of(x, i));
		x->peer[i] = false;
		return;
	}
	if (x->peer[i])
		mirror_gone(m, CONF_PEER, peer_of(x, i));
	x->peer[i] = true;
	x->revision[i] = random_below(r, 60000);
	mirror_put(m, CONF_PEER, peer_of(x, i));
}

static void change_route(struct model *x, struct mirror *m, struct random *r)
{
	unsigned i = random_below(r, ROUTES), targets[3];

	if (x->routes[i].set && random_below(r, 2) == 0) {
		mirror_remove(m, CONF_ROUTE, route_of(x, i));
		x->routes[i].set = false;
		return;
	}
	for (unsigned k = 0; k < 3; k++) {
		targets[k] = random_below(r, 2 * PARTIES);
		if (!is_there(x, targets[k]))
			return;
	}
	if (x->routes[i].set)
		mirror_gone(m, CONF_ROUTE, route_of(x, i));
	else
		x->routes[i].priority = random_below(r, 65536);
	x->routes[i].set = true;
	memcpy(x->routes[i].targets, targets, sizeof(targets));
	mirror_put(m, CONF_ROUTE, route_of(x, i));
}

static void whole(const struct model *x, struct mirror *m)
{
	for (unsigned i = 0; i < ROUTES; i++)
		if (x->routes[i].set)
			mirror_put(m, CONF_ROUTE, route_of(x, i));
	for (unsigned i = PARTIES; i-- > 0;) {
		if (x->peer[i])
			mirror_put(m, CONF_PEER, peer_of(x, i));
		if (x->account[i])
			mirror_put(m, CONF_ACCOUNT, account_of(i));
	}
}

/* By name and by slot; slots[] holds what each name had, and it must not change while the name
 * stays. */
static void check_party(const struct world *w, bool there, const struct conf_peer *peer,
			const struct conf_account *account, uint32_t *slot)
{
	const char                 *name = peer != NULL ? peer->name : account->name;
	const struct world_peer    *p = world_peer_find(w, str_of(name));
	const struct world_account *a = world_account_find(w, str_of(name));

	assert_int_equal((peer != NULL ? (const void *)p : (const void *)a) != NULL, there);
	if (!there) {
		*slot = UINT32_MAX;
		return;
	}
	if (*slot == UINT32_MAX)
		*slot = peer != NULL ? p->slot : a->slot;
	assert_int_equal(*slot, peer != NULL ? p->slot : a->slot);
	if (peer != NULL) {
		assert_ptr_equal(world_peer(w, *slot), p);
		assert_int_equal(p->conf->port, peer->port);
		return;
	}
	assert_ptr_equal(world_account(w, *slot), a);
	assert_ptr_equal(world_account_login(w, 0, str_of(name)), a);
}

static void check_route(const struct world *w, const struct model *x, unsigned i,
			const uint32_t slots[2 * PARTIES])
{
	struct conf_route      *route = route_of(x, i);
	const struct route_set *set = route_table_get(w->routes, str_of(route->to));

	assert_int_equal(set != NULL, x->routes[i].set);
	for (unsigned k = 0; set != NULL && k < 3; k++) {
		unsigned t = x->routes[i].targets[k];

		assert_int_equal(set->choices[0]->targets[k].slot, slots[t]);
		assert_int_equal(set->choices[0]->targets[k].kind,
				 t < PARTIES ? ROUTE_PEER : ROUTE_ACCOUNT);
	}
	conf_object_free(CONF_ROUTE, route);
}

static void check_all(const struct world *w, const struct model *x, uint32_t slots[2 * PARTIES])
{
	for (unsigned i = 0; i < PARTIES; i++) {
		struct conf_peer    *p = peer_of(x, i);
		struct conf_account *a = account_of(i);

		check_party(w, x->peer[i], p, NULL, &slots[i]);
		check_party(w, x->account[i], NULL, a, &slots[PARTIES + i]);
		conf_object_free(CONF_PEER, p);
		conf_object_free(CONF_ACCOUNT, a);
	}
	for (unsigned i = 0; i < ROUTES; i++)
		check_route(w, x, i, slots);
}

static void random_deltas_and_images_make_the_world_that_the_model_has(void **state)
{
	static struct model x, before;
	struct mirror       m = {.version = 0};
	const struct world *w = NULL;
	struct random       r;
	uint32_t            slots[2 * PARTIES];

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	memset(slots, 0xff, sizeof(slots));
	for (unsigned round = 0; round < 600; round++) {
		uint64_t checksum = m.checksum;

		before = x;
		mirror_begin(&m, w == NULL);
		if (random_below(&r, 2) == 0)
			change_party(&x, &m, &r);
		else
			for (unsigned k = 1 + random_below(&r, 20); k > 0; k--)
				change_route(&x, &m, &r);
		if (w != NULL && random_below(&r, 8) == 0) { /* the same, as a whole image */
			world_delta_free(&m.d);
			mirror_begin(&m, true);
			whole(&x, &m);
		}
		if (random_below(&r, 6) == 0) { /* damaged on the way: all as it was */
			m.checksum ^= 1;
			mirror_refused(&m, w, checksum, "checksum");
			x = before;
		} else {
			w = mirror_apply(&m, w);
			assert_int_equal(w->checksum, m.checksum);
		}
		if (w != NULL)
			check_all(w, &x, slots);
	}
	check_all(w, &x, slots);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_deltas_and_images_make_the_world_that_the_model_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
