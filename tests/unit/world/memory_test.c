/* Builds that run out of memory at any allocation. The code under test is compiled in, with
 * allocators that fail when told to. */
#include <stdio.h>
#include <stdlib.h>

static unsigned allowed; /* allocations before one fails */

static void *scarce_malloc(size_t n)
{
	return allowed-- == 0 ? NULL : malloc(n);
}

static void *scarce_calloc(size_t n, size_t size)
{
	return allowed-- == 0 ? NULL : calloc(n, size);
}

static void *scarce_realloc(void *p, size_t n)
{
	return allowed-- == 0 ? NULL : realloc(p, n);
}

#define malloc(n) scarce_malloc(n)
#define calloc(n, size) scarce_calloc(n, size)
#define realloc(p, n) scarce_realloc(p, n)
#include "world/change.c"
#include "world/pages.c"
#include "world/parties.c"
#include "world/routes.c"
#include "world/ruleset.c"
#include "world/hash_trie.c"
#include "world/subscribers.c"
#undef malloc
#undef calloc
#undef realloc

#include "rules/compile.h"
#include "sample.h"

#define PLENTY UINT32_MAX

static const struct rules_source sources[] = {
	{"slow", "{\"from\": \"^\\\\+46\"}", "{\"limit\": 10}"},
	{"away", "{\"text\": \"parcel\"}", "{\"route\": [\"smsc2\", \"esme1\"]}"},
};

static void put_rules(struct mirror *m)
{
	uint8_t *image;
	size_t   size;

	assert_int_equal(rules_compile(sources, 2, NULL, &image, &size, NULL, NULL), 0);
	world_delta_rules(&m->d, image, size);
	m->checksum += world_rules_digest(image, size);
	free(image);
}

/* Fails at its first allocation, then at its second, and so on until there are enough; then in
 * force. */
static const struct world *apply_scarcely(struct mirror *m, const struct world *from,
					  unsigned *failed)
{
	uint64_t             checksum = from != NULL ? from->checksum : 0;
	struct world_change *c;
	const struct world  *w;
	char                 error[256];

	assert_true(world_delta_end(&m->d, m->checksum));
	for (unsigned n = 0;; n++, ++*failed) {
		struct world_delta image;

		allowed = n;
		c = world_change_build(from, cur_of(m->d.bytes, m->d.size), 1, error);
		allowed = PLENTY;
		if (c != NULL)
			break;
		assert_string_equal(error, "memory is short");
		if (from == NULL || n % 8 != 0)
			continue;
		assert_true(world_to_image(from, &image)); /* reads all that there is */
		assert_int_equal(from->checksum, checksum);
		world_delta_free(&image);
	}
	world_delta_free(&m->d);
	w = world_change_world(c);
	m->version = w->version;
	world_change_reclaim(c);
	return w;
}

static struct conf_subscriber *subscriber_of(unsigned i, unsigned sip)
{
	char address[17], uri[32];

	snprintf(address, sizeof(address), "+46%u", i);
	snprintf(uri, sizeof(uri), "sip:user%u@example.org", sip);
	return sample_subscriber(address, uri, (uint8_t)(i + 1));
}

static void a_build_without_memory_is_refused_and_leaves_no_trace(void **state)
{
	struct mirror       m = {.version = 0};
	const struct world *w;
	unsigned            failed = 0;

	(void)state;
	mirror_begin(&m, true);
	for (unsigned i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "smsc%u", i);
		mirror_put(&m, CONF_PEER, sample_peer(name));
	}
	mirror_put(&m, CONF_ACCOUNT, sample_account("esme1", "login"));
	mirror_put(&m, CONF_ROUTE, sample_route("+46", 100, "smsc1=70 smsc2=30"));
	put_rules(&m);
	for (unsigned i = 0; i < 100; i++)
		mirror_put(&m, CONF_SUBSCRIBER, subscriber_of(i, i));
	w = apply_scarcely(&m, NULL, &failed);
	assert_non_null(world_rule_route(w, 0));
	mirror_begin(&m, false);
	mirror_gone(&m, CONF_ACCOUNT, sample_account("esme1", "login"));
	mirror_put(&m, CONF_ACCOUNT, sample_account("esme1", "other"));
	mirror_put(&m, CONF_ACCOUNT, sample_account("esme2", ""));
	mirror_remove(&m, CONF_PEER, sample_peer("smsc7"));
	mirror_put(&m, CONF_ROUTE, sample_route("+4670", 100, "smsc3 esme2"));
	mirror_gone(&m, CONF_ROUTE, sample_route("+46", 100, "smsc1=70 smsc2=30"));
	mirror_put(&m, CONF_ROUTE, sample_route("+46", 100, "smsc3"));
	for (unsigned i = 0; i < 10; i++) { /* what five register as goes round among them */
		mirror_gone(&m, CONF_SUBSCRIBER, subscriber_of(i, i));
		mirror_put(&m, CONF_SUBSCRIBER, subscriber_of(i, i < 5 ? (i + 1) % 5 : 100 + i));
	}
	mirror_put(&m, CONF_SUBSCRIBER, subscriber_of(100, 7));
	for (unsigned i = 50; i < 60; i++)
		mirror_remove(&m, CONF_SUBSCRIBER, subscriber_of(i, i));
	w = apply_scarcely(&m, w, &failed);
	assert_int_equal(w->checksum, m.checksum);
	assert_int_equal(world_subscriber_count(w), 91);
	assert_null(world_peer_find(w, STR("smsc7")));
	assert_non_null(world_account_login(w, 0, STR("other")));
	mirror_begin(&m, true);
	mirror_put(&m, CONF_PEER, sample_peer("smsc2"));
	mirror_put(&m, CONF_ACCOUNT, sample_account("esme1", ""));
	put_rules(&m);
	w = apply_scarcely(&m, w, &failed);
	assert_int_equal(w->checksum, m.checksum);
	assert_true(failed > 100);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_build_without_memory_is_refused_and_leaves_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
