/* What a change of the published world costs: a whole image built and applied, and one route
 * changed in it. usage: world_bench [--json] [ROUTES] */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/random.h"
#include "conf/conf.h"
#include "rcu/rcu.h"
#include "world/world.h"

#define PEERS 100u
#define CHANGES 2000u

static const struct world *current;       /* RCU */
static _Atomic bool        stop, started; /* relaxed: nothing is published by them */
static uint64_t            version, checksum;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A worker with nothing to do but be quiescent. */
static void *reader(void *user)
{
	uint64_t sum = 0;

	(void)user;
	rcu_thread_begin();
	atomic_store_explicit(&started, true, memory_order_relaxed);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		sum += ((const struct world *)rcu_read(current))->version;
		rcu_quiescent();
	}
	rcu_thread_end();
	return (void *)(uintptr_t)sum;
}

static void put_peer(struct world_delta *d, unsigned i)
{
	struct conf_peer *p = conf_object_new(CONF_PEER);

	ASSERT(p != NULL);
	snprintf(p->name, sizeof(p->name), "smsc%u", i);
	snprintf(p->host, sizeof(p->host), "198.18.0.2");
	p->protocol = 0;
	world_delta_put(d, CONF_PEER, p);
	checksum += world_object_digest(CONF_PEER, p);
	conf_object_free(CONF_PEER, p);
}

static uint64_t put_route(struct world_delta *d, uint32_t number, unsigned peer)
{
	struct conf_via_item item = {.weight = 0};
	struct conf_route    r = {.priority = 100, .via = {1, false, &item}};

	snprintf(r.to, sizeof(r.to), "=+46%09u", number);
	snprintf(item.name, sizeof(item.name), "smsc%u", peer);
	if (d != NULL)
		world_delta_put(d, CONF_ROUTE, &r);
	return world_object_digest(CONF_ROUTE, &r);
}

static struct world_change *build(struct world_delta *d)
{
	struct world_change *c;
	char                 error[256] = "";

	ASSERT(world_delta_end(d, checksum));
	c = world_change_build(current, cur_of(d->bytes, d->size), 1, error);
	if (c == NULL)
		fprintf(stderr, "%s\n", error);
	ASSERT(c != NULL);
	world_delta_free(d);
	version++;
	return c;
}

/* Numbers that do not repeat, in an order that helps nobody: a bijection of the first 10^9. */
static uint32_t number_of(uint32_t i)
{
	return (uint32_t)((uint64_t)i * 387420489u % 1000000000u);
}

struct times {
	double write, build, delta, publish, reclaim, again;
};

static void publish(struct world_change *c, struct times *t)
{
	double start = now_us(), seen;

	rcu_publish(current, world_change_world(c));
	rcu_wait();
	seen = now_us();
	world_change_reclaim(c);
	t->publish += seen - start;
	t->reclaim += now_us() - seen;
}

static void whole(unsigned routes, struct times *t)
{
	struct world_delta   d;
	struct world_change *c;
	double               start = now_us(), written;

	world_delta_begin(&d, 0, version + 1);
	for (unsigned i = 0; i < PEERS; i++)
		put_peer(&d, i);
	for (uint32_t i = 0; i < routes; i++)
		checksum += put_route(&d, number_of(i), i % PEERS);
	written = now_us();
	t->write = written - start;
	c = build(&d);
	t->build = now_us() - written;
	publish(c, t);
}

static void changes(unsigned routes, struct times *t)
{
	struct random r;
	uint8_t      *moved = calloc(routes, 1); /* places that a route has moved on */

	ASSERT(moved != NULL);
	random_seed(&r, 1);
	t->publish = t->reclaim = 0;
	for (unsigned n = 0; n < CHANGES; n++) {
		uint32_t             i = random_below(&r, routes);
		struct world_delta   d;
		struct world_change *c;
		double               start;

		world_delta_begin(&d, version, version + 1);
		checksum -= put_route(NULL, number_of(i), (i + moved[i]) % PEERS);
		moved[i] = (uint8_t)((moved[i] + 1) % PEERS);
		checksum += put_route(&d, number_of(i), (i + moved[i]) % PEERS);
		start = now_us();
		c = build(&d);
		t->delta += now_us() - start;
		publish(c, t);
	}
	free(moved);
}

/* The image of what is in force, applied on it, as after a hello with unequal versions. */
static void resynchronise(struct times *t)
{
	struct world_delta   d;
	struct world_change *c;
	char                 error[256];
	double               start = now_us();

	ASSERT(world_to_image(current, &d));
	c = world_change_build(current, cur_of(d.bytes, d.size), 1, error);
	ASSERT(c != NULL);
	world_delta_free(&d);
	publish(c, t);
	t->again = now_us() - start;
}

int main(int argc, char **argv)
{
	bool     json = argc > 1 && strcmp(argv[1], "--json") == 0;
	unsigned routes = argc > 1 + json ? (unsigned)strtoul(argv[1 + json], NULL, 10) : 1000000u;
	struct times t = {0};
	pthread_t    thread;

	ASSERT(routes > 0 && routes <= 1000000000u);
	whole(routes, &t);
	ASSERT(pthread_create(&thread, NULL, reader, NULL) == 0);
	while (!atomic_load_explicit(&started, memory_order_relaxed))
		sched_yield();
	changes(routes, &t);
	if (json)
		printf("{\"bench\": \"world\", \"routes\": %u, \"image_write_ms\": %.0f, "
		       "\"image_build_ms\": %.0f, \"delta_build_us\": %.2f, \"publish_us\": %.2f, "
		       "\"reclaim_us\": %.2f",
		       routes, t.write / 1e3, t.build / 1e3, t.delta / CHANGES, t.publish / CHANGES,
		       t.reclaim / CHANGES);
	else
		printf("%-44s%10u\n%-44s%10.0f\n%-44s%10.0f\n%-44s%10.2f\n%-44s%10.2f\n%-44s%10."
		       "2f\n",
		       "routes", routes, "image written, ms", t.write / 1e3,
		       "image built into a world, ms", t.build / 1e3, "one route changed, us",
		       t.delta / CHANGES, "published to one idle reader, us", t.publish / CHANGES,
		       "replaced parts freed, us", t.reclaim / CHANGES);
	resynchronise(&t);
	printf(json ? ", \"resynchronise_ms\": %.0f}\n"
		    : "written, built again, old one freed, ms%16.0f\n",
	       t.again / 1e3);
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	pthread_join(thread, NULL);
	world_free(current);
	return 0;
}
