/* Changes timed: a thousand of one route each at a million routes, the million itself, and a
 * million subscribers, through control, database, channel and world. */
#include "appliance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test.h"

#define ROUTES 1000000u
#define SUBSCRIBERS 1000000u
#define CHANGES 1000u

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void put_route(struct change *ch, uint32_t number, const char *via)
{
	struct conf_route *route = conf_object_new(CONF_ROUTE);

	assert_non_null(route);
	snprintf(route->to, sizeof(route->to), "+46%07u", number);
	route->via.n = 1;
	route->via.items = calloc(1, sizeof(route->via.items[0]));
	snprintf(route->via.items[0].name, sizeof(route->via.items[0].name), "%s", via);
	change_put(ch, CONF_ROUTE, route);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_times(const char *what, uint64_t us[])
{
	qsort(us, CHANGES, sizeof(us[0]), by_size);
	printf("{\"bench\": \"control-change\", \"what\": \"%s\", \"p50_us\": %llu, \"p99_us\": "
	       "%llu, \"max_us\": %llu}\n",
	       what, (unsigned long long)us[CHANGES / 2],
	       (unsigned long long)us[CHANGES * 99 / 100], (unsigned long long)us[CHANGES - 1]);
}

static void put_subscriber(struct change *ch, uint32_t number, const char *domain)
{
	struct conf_subscriber *s = conf_object_new(CONF_SUBSCRIBER);

	assert_non_null(s);
	snprintf(s->address, sizeof(s->address), "+4670%07u", number);
	snprintf(s->sip, sizeof(s->sip), "sip:+4670%07u@%s", number, domain);
	s->password = (struct conf_secret){.form = CONF_SECRET_PLAIN, .size = 8};
	memcpy(s->password.bytes, "password", 8);
	change_put(ch, CONF_SUBSCRIBER, s);
}

static void apply_all(struct appliance *a, const char *what, uint32_t n,
		      void (*put_one)(struct change *ch, uint32_t number, const char *where),
		      const char *where)
{
	struct change       *ch = change_begin(a->control, "bench");
	struct change_result result;
	uint64_t             start = now_us(), made;

	for (uint32_t i = 0; i < n; i++)
		put_one(ch, i, where);
	made = now_us();
	change_commit(ch, false, &result);
	assert_int_equal(result.outcome, CHANGE_IN_FORCE);
	printf("{\"bench\": \"control-apply\", \"%s\": %u, \"gather_s\": %.2f, \"apply_s\": "
	       "%.2f, \"commit_s\": %.2f, \"publish_us\": %llu}\n",
	       what, n, (double)(made - start) / 1e6, (double)(now_us() - made) / 1e6,
	       (double)result.commit_us / 1e6, (unsigned long long)result.publish_us);
	conf_faults_free(&result.faults);
	json_decref(result.differences);
}

static void change_one_by_one(struct appliance *a)
{
	static uint64_t whole[CHANGES], commit[CHANGES], publish[CHANGES];

	for (uint32_t i = 0; i < CHANGES; i++) {
		struct change       *ch = change_begin(a->control, "bench");
		struct change_result result;
		uint64_t             start = now_us();

		put_route(ch, i * 7919 % ROUTES, i % 2 == 0 ? "smsc2" : "smsc1");
		change_commit(ch, false, &result);
		whole[i] = now_us() - start;
		commit[i] = result.commit_us;
		publish[i] = result.publish_us;
		conf_faults_free(&result.faults);
		json_decref(result.differences);
	}
	print_times("whole", whole);
	print_times("commit", commit);
	print_times("publish", publish);
}

static void until_restarted(struct appliance *a)
{
	uint64_t start = now_us();

	dataplane_stop(a, false);
	printf("{\"bench\": \"dataplane-stop\", \"s\": %.2f}\n", (double)(now_us() - start) / 1e6);
	start = now_us();
	dataplane_start(a);
	printf("{\"bench\": \"dataplane-start\", \"routes\": %u, \"s\": %.2f}\n", ROUTES,
	       (double)(now_us() - start) / 1e6);
}

static void run(void **state)
{
	struct appliance a;

	appliance_make(&a);
	dataplane_start(&a);
	control_start(&a);
	assert_int_equal(
		apply_one(&a, CONF_PEER, "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\"}"),
		CHANGE_IN_FORCE);
	assert_int_equal(
		apply_one(&a, CONF_PEER, "{\"name\": \"smsc2\", \"host\": \"198.18.0.2\"}"),
		CHANGE_IN_FORCE);
	apply_all(&a, "routes", ROUTES, put_route, "smsc1");
	change_one_by_one(&a);
	apply_all(&a, "subscribers", SUBSCRIBERS, put_subscriber, "ims.example");
	until_restarted(&a);
	until_in_step(&a);
	appliance_remove(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(run)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
