/* The tables of open federation, when they are full. */
#include "chat.h"

#define NAME_ROOM 32u

static struct str name_of(unsigned i, char room[NAME_ROOM])
{
	return (struct str){room, (size_t)snprintf(room, NAME_ROOM, "d%u.example", i)};
}

/* Nobody says where it is. */
static struct worker *begins(void)
{
	world_adds("", "  - {name: world, protocol: xmpp, link: server, domain: \"*\"}\n", "");
	sim_pass(&sim, US_PER_MS);
	sim.dp.workers[0]->world = sim.dp.world.current; /* as in a turn */
	return sim.dp.workers[0];
}

/* What becomes of a message to somebody there. */
static enum reason goes_to(struct worker *w, unsigned i)
{
	char          name[NAME_ROOM], address[64];
	struct msg   *m = msg_new(w->msgs);
	struct result result;
	size_t        n;

	assert_non_null(m);
	n = (size_t)snprintf(address, sizeof(address), "xmpp:bob@%.*s", STR_ARG(name_of(i, name)));
	assert_true(msg_append_addr(m, ADDR_URI, 0, 0, (struct str){address, n}, &m->to));
	domain_conn(w, m, &result);
	msg_free(m);
	return (enum reason)result.why;
}

static bool is_known(struct worker *w, unsigned i)
{
	char name[NAME_ROOM];

	return domain_retry(w, name_of(i, name));
}

static void the_domain_without_a_stream_that_is_unused_for_longest_makes_room(void **state)
{
	struct worker *w = begins();
	unsigned       streams = w->conns.max / DOMAIN_CONNS_SHARE;

	(void)state;
	for (unsigned i = 0; i < DOMAINS_MAX; i++)
		assert_int_equal(goes_to(w, i), i < streams ? REASON_NONE : REASON_FEDERATION_FULL);
	assert_true(is_known(w, streams));
	assert_int_equal(goes_to(w, streams), REASON_FEDERATION_FULL); /* it is the last again */
	goes_to(w, DOMAINS_MAX);
	assert_true(is_known(w, DOMAINS_MAX));
	assert_true(is_known(w, streams));
	assert_false(is_known(w, streams + 1));
	for (unsigned i = 0; i < streams; i++)
		assert_true(is_known(w, i));
}

static void a_worker_looks_for_so_many_servers_at_a_time(void **state)
{
	struct worker *w = begins();
	char           name[NAME_ROOM];
	struct conn   *one = NULL;

	(void)state;
	for (unsigned i = 0; i < SEARCHES_MAX; i++) {
		one = search_begin(w, PROTO_xmpp, name_of(i, name));
		assert_non_null(one);
	}
	assert_null(search_begin(w, PROTO_xmpp, STR("more.example")));
	conn_unmade(w, one, REASON_DOMAIN_UNKNOWN);
	assert_non_null(search_begin(w, PROTO_xmpp, STR("more.example")));
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, world_open, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPEN(the_domain_without_a_stream_that_is_unused_for_longest_makes_room),
		OPEN(a_worker_looks_for_so_many_servers_at_a_time),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
