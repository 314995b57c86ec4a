/* Real threads: readers look up in whatever world is in force while the writer publishes; a
 * sanitizer sees what is read after it was freed. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/random.h"
#include "rcu/rcu.h"
#include "sample.h"
#include "world/world.h"

#define SEED 20260614u
#define CHANGES 2000u
#define READERS 2u
#define PEERS 100u

static const struct world *current; /* RCU */
static pthread_barrier_t   ready; /* all readers are registered: every publication waits for them */
static _Atomic bool        stop;  /* relaxed: nothing is published by it */

struct reader {
	pthread_t thread;
	uint64_t  seed, turns, routed, torn;
};

/* Everything that a route of this world names must be in this world, under the name that the route
 * was made for. */
static void look_up(struct reader *r, const struct world *w, struct random *random)
{
	char                    to[24];
	const struct route_set *set;
	struct route_target     order[ROUTE_TARGETS_MAX];
	unsigned                n;

	snprintf(to, sizeof(to), "+46%u", random_below(random, 5000));
	set = route_find(w->routes, str_of(to));
	if (set == NULL)
		return;
	n = route_order(set, STR("+1"), str_of(to), order);
	for (unsigned i = 0; i < n; i++) {
		const struct world_peer *p = world_peer(w, order[i].slot);

		if (p == NULL || world_peer_find(w, p->name) != p || p->conf->window != 100)
			r->torn++;
	}
	r->routed++;
}

static void *read_worlds(void *user)
{
	struct reader *r = user;
	struct random  random;
	uint64_t       newest = 0;

	random_seed(&random, r->seed);
	rcu_thread_begin();
	pthread_barrier_wait(&ready);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		const struct world *w = rcu_read(current);

		if (w->version < newest)
			r->torn++;
		newest = w->version;
		for (unsigned i = 0; i < 32; i++)
			look_up(r, w, &random);
		r->turns++;
		rcu_quiescent();
	}
	rcu_thread_end();
	return NULL;
}

static void publish(struct world_change *c)
{
	rcu_publish(current, world_change_world(c));
	rcu_wait();
	world_change_reclaim(c);
}

static void *peer_of(unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "peer%u", i);
	return sample_peer(name);
}

static void *route_of(unsigned i, unsigned peer)
{
	char to[16], via[64];

	snprintf(to, sizeof(to), "+46%u", i);
	snprintf(via, sizeof(via), "peer%u=1 peer%u=2", peer, (peer + 1) % PEERS);
	return sample_route(to, 100, via);
}

#define ROUTES 300u
static unsigned route_peer[ROUTES]; /* where it leads; PEERS: there is none */

static void whole(struct mirror *m)
{
	mirror_begin(m, true);
	for (unsigned i = 0; i < PEERS; i++)
		mirror_put(m, CONF_PEER, peer_of(i));
	for (unsigned i = 0; i < ROUTES; i++)
		if (route_peer[i] < PEERS)
			mirror_put(m, CONF_ROUTE, route_of(i, route_peer[i]));
}

static void change(struct mirror *m, struct random *r)
{
	unsigned i = random_below(r, ROUTES), peer = random_below(r, PEERS + 20);

	if (random_below(r, 100) == 0) { /* now and then all anew */
		whole(m);
		return;
	}
	mirror_begin(m, false);
	mirror_gone(m, CONF_PEER, peer_of(i % PEERS));
	mirror_put(m, CONF_PEER, peer_of(i % PEERS));
	if (peer < PEERS) {
		if (route_peer[i] < PEERS)
			mirror_gone(m, CONF_ROUTE, route_of(i, route_peer[i]));
		mirror_put(m, CONF_ROUTE, route_of(i, peer));
		route_peer[i] = peer;
	} else if (route_peer[i] < PEERS) {
		mirror_remove(m, CONF_ROUTE, route_of(i, route_peer[i]));
		route_peer[i] = PEERS;
	}
}

static void readers_never_see_a_world_that_is_gone_or_half_made(void **state)
{
	struct mirror m = {.version = 0};
	struct reader readers[READERS] = {{.seed = SEED}, {.seed = SEED + 1}};
	struct random r;
	char          error[256];

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	for (unsigned i = 0; i < ROUTES; i++)
		route_peer[i] = i % (PEERS + 1);
	whole(&m);
	current = mirror_apply(&m, NULL);
	assert_int_equal(pthread_barrier_init(&ready, NULL, READERS + 1), 0);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_worlds, &readers[i]),
				 0);
	pthread_barrier_wait(&ready);
	for (unsigned i = 0; i < CHANGES; i++) {
		struct world_change *c;

		change(&m, &r);
		c = mirror_build(&m, current, error);
		assert_non_null(c);
		publish(c);
		m.version = current->version;
	}
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		assert_int_equal(readers[i].torn, 0);
		assert_true(readers[i].turns >= CHANGES); /* each publication waited for it */
		assert_true(readers[i].routed > 0);
	}
	assert_int_equal(current->version, CHANGES + 1);
	pthread_barrier_destroy(&ready);
	world_free(current);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_never_see_a_world_that_is_gone_or_half_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
