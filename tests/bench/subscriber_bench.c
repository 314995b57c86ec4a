/*
 * What subscribers cost in the published world: memory, building from an image, look-ups by number
 * and by address of record in random order, one changed. Each has a number, an address of record
 * and digests. usage: subscriber_bench [--json] [SUBSCRIBERS]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/random.h"
#include "conf/conf.h"
#include "world/world.h"

#define LOOKUPS 2000000u
#define CHANGES 20000u

static const struct world *current;
static uint64_t            checksum;

/* Of the processor: nothing here waits, and others may be busy beside it. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Numbers that do not repeat, in an order that helps nobody. */
static uint32_t number_of(uint32_t i)
{
	return (uint32_t)((uint64_t)i * 387420489u % 1000000000u);
}

static struct conf_subscriber subscriber(uint32_t i, uint8_t ha1)
{
	struct conf_subscriber s = {.password = {.form = CONF_SECRET_DIGEST, .size = 48}};

	snprintf(s.address, sizeof(s.address), "+46%09u", number_of(i));
	snprintf(s.sip, sizeof(s.sip), "sip:+46%09u@ims.example", number_of(i));
	memset(s.password.bytes, ha1, 48);
	return s;
}

static size_t put(struct world_delta *d, uint32_t i, uint8_t ha1)
{
	struct conf_subscriber s = subscriber(i, ha1);

	world_delta_put(d, CONF_SUBSCRIBER, &s);
	checksum += world_object_digest(CONF_SUBSCRIBER, &s);
	return strlen(s.address) + strlen(s.sip);
}

static void apply(struct world_delta *d)
{
	struct world_change *c;
	char                 error[256] = "";

	ASSERT(world_delta_end(d, checksum));
	c = world_change_build(current, cur_of(d->bytes, d->size), 1, error);
	if (c == NULL)
		fprintf(stderr, "%s\n", error);
	ASSERT(c != NULL);
	current = world_change_world(c);
	world_change_reclaim(c);
}

static double lookups(uint32_t n, bool by_uri)
{
	struct random r;
	char         *texts = malloc((size_t)LOOKUPS * 40);
	uint64_t      start;

	ASSERT(texts != NULL);
	random_seed(&r, 7);
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		struct conf_subscriber s = subscriber(random_below(&r, n), 1);

		str_copy(texts + (size_t)i * 40, 40, str_of(by_uri ? s.sip : s.address));
	}
	start = now_ns();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		struct str text = str_of(texts + (size_t)i * 40);

		ASSERT((by_uri ? world_subscriber_by_uri(current, text)
			       : world_subscriber_by_address(current, text)) != NULL);
	}
	start = now_ns() - start;
	free(texts);
	return (double)start / LOOKUPS;
}

static double changes(uint32_t n)
{
	struct random r;
	uint64_t      total = 0;
	uint8_t      *ha1 = malloc(n);

	ASSERT(ha1 != NULL);
	memset(ha1, 1, n);
	random_seed(&r, 8);
	for (uint32_t k = 0; k < CHANGES; k++) {
		uint32_t               i = random_below(&r, n);
		struct conf_subscriber old = subscriber(i, ha1[i]);
		struct world_delta     d;
		uint64_t               start;

		world_delta_begin(&d, current->version, current->version + 1);
		checksum -= world_object_digest(CONF_SUBSCRIBER, &old);
		put(&d, i, ++ha1[i]);
		start = now_ns();
		apply(&d);
		total += now_ns() - start;
		world_delta_free(&d);
	}
	free(ha1);
	return (double)total / CHANGES;
}

int main(int argc, char **argv)
{
	bool     json = argc > 1 && strcmp(argv[1], "--json") == 0;
	uint32_t n = argc > 1 + json ? (uint32_t)strtoul(argv[1 + json], NULL, 10) : 1000000u;
	struct world_delta d;
	size_t             text = 0, before;
	uint64_t           start;
	double             build, bytes, address, uri, change;

	ASSERT(n > 0 && n <= WORLD_SUBSCRIBERS_MAX);
	world_delta_begin(&d, 0, 1);
	for (uint32_t i = 0; i < n; i++)
		text += put(&d, i, 1);
	before = mallinfo2().uordblks;
	start = now_ns();
	apply(&d);
	build = (double)(now_ns() - start) / n;
	bytes = (double)(mallinfo2().uordblks - before) / n;
	world_delta_free(&d);
	address = lookups(n, false);
	uri = lookups(n, true);
	change = changes(n);
	if (json)
		printf("{\"bench\": \"subscribers\", \"subscribers\": %u, \"bytes\": %.1f, "
		       "\"text_bytes\": %.1f, \"build_ns\": %.0f, \"by_address_ns\": %.0f, "
		       "\"by_uri_ns\": %.0f, \"change_ns\": %.0f}\n",
		       n, bytes, (double)text / n, build, address, uri, change);
	else
		printf("%-36s%10u\n%-36s%10.1f\n%-36s%10.1f\n%-36s%10.0f\n%-36s%10.0f\n%-36s%10."
		       "0f\n"
		       "%-36s%10.0f\n",
		       "subscribers", n, "bytes per subscriber", bytes, "of these its texts",
		       (double)text / n, "built from an image, ns each", build,
		       "found by number, ns", address, "found by address of record, ns", uri,
		       "one changed, ns", change);
	world_free(current);
	return 0;
}
