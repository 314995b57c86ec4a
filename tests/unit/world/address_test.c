/* RFC 2782: priorities in order, weights as shares, servers with all their addresses. */
#include "world/address.h"

#include "test.h"

#define DRAWS 20000u

static struct world_address at(uint8_t server, uint16_t priority, uint16_t weight)
{
	return (struct world_address){.w = {0x0100000a + ((uint32_t)server << 24)},
				      .server = server,
				      .priority = priority,
				      .weight = weight,
				      .port = 5060};
}

static const struct {
	const char *title;
	struct {
		uint16_t priority, weight;
	} servers[4];
	unsigned n;
	unsigned first_per_mille[4]; /* how often each is first */
} tables[] = {
	{"one", {{0, 0}}, 1, {1000}},
	{"priority before weight", {{1, 0}, {2, 65535}}, 2, {1000, 0}},
	{"weights are shares", {{5, 70}, {5, 30}}, 2, {700, 300}},
	{"of three", {{5, 60}, {5, 30}, {5, 10}}, 3, {600, 300, 100}},
	{"none has a weight: all alike", {{5, 0}, {5, 0}, {5, 0}, {5, 0}}, 4, {250, 250, 250, 250}},
	{"without a weight there is a small chance", {{5, 9}, {5, 0}}, 2, {900, 100}},
	{"two without share it", {{5, 9}, {5, 0}, {5, 0}}, 3, {900, 50, 50}},
	{"the second priority is not drawn first", {{1, 50}, {1, 50}, {2, 1}}, 3, {500, 500, 0}},
};

static void the_first_is_drawn_by_priority_and_weight(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		struct world_addresses a = {.n = tables[t].n};
		unsigned               first[4] = {0};

		for (unsigned i = 0; i < a.n; i++)
			a.items[i] = at((uint8_t)i, tables[t].servers[i].priority,
					tables[t].servers[i].weight);
		for (unsigned seed = 0; seed < DRAWS; seed++) {
			uint8_t order[WORLD_ADDRESSES_MAX];

			assert_int_equal(world_addresses_order(&a, seed, order), a.n);
			first[order[0]]++;
		}
		for (unsigned i = 0; i < a.n; i++) {
			unsigned wanted = tables[t].first_per_mille[i] * (DRAWS / 1000);

			if (first[i] + DRAWS / 50 < wanted || first[i] > wanted + DRAWS / 50 ||
			    (wanted == 0 && first[i] > 0))
				fail_msg("%s: server %u is first %u times of %u", tables[t].title,
					 i, first[i], DRAWS);
		}
	}
}

static void every_address_comes_once_whatever_is_drawn(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 2000; seed++) {
		struct world_addresses a = {.n = seed % (WORLD_ADDRESSES_MAX + 1)};
		uint8_t                order[WORLD_ADDRESSES_MAX];
		unsigned               seen = 0;

		for (unsigned i = 0; i < a.n; i++)
			a.items[i] = at((uint8_t)i, (uint16_t)(i / 3), (uint16_t)(seed * i % 5));
		assert_int_equal(world_addresses_order(&a, seed, order), a.n);
		for (unsigned i = 0; i < a.n; i++) {
			seen |= 1u << order[i];
			if (i > 0)
				assert_true(a.items[order[i]].priority >=
					    a.items[order[i - 1]].priority);
		}
		assert_int_equal(seen, (1u << a.n) - 1);
	}
}

static void the_addresses_of_a_server_stand_together(void **state)
{
	struct world_addresses a = {.n = 4};
	uint8_t                order[WORLD_ADDRESSES_MAX];
	unsigned               first_server = 0;

	(void)state;
	a.items[0] = a.items[1] = at(0, 1, 10);
	a.items[1].ip6 = true;
	a.items[2] = a.items[3] = at(1, 1, 10);
	a.items[3].ip6 = true;
	for (unsigned seed = 0; seed < DRAWS; seed++) {
		world_addresses_order(&a, seed, order);
		assert_int_equal(order[1], order[0] + 1);
		assert_int_equal(order[3], order[2] + 1);
		first_server += order[0] == 0;
	}
	/* two addresses do not make a server twice as likely */
	assert_in_range(first_server, DRAWS * 48 / 100, DRAWS * 52 / 100);
}

static void packed_addresses_are_read_back_and_no_others(void **state)
{
	struct world_addresses a = {.n = 3}, b;
	uint8_t                room[WORLD_ADDRESSES_SIZE_MAX];
	struct put             to = put_to(room, sizeof(room));
	struct cur             in;

	(void)state;
	a.items[0] = at(0, 1, 10);
	a.items[1] = at(0, 1, 10);
	a.items[1].ip6 = true;
	a.items[2] = at(1, 7, 0);
	world_addresses_pack(&a, &to);
	for (size_t cut = 0; cut <= put_size(&to); cut++) {
		uint8_t *exact = test_copy(room, cut);

		in = cur_of(exact, cut);
		assert_int_equal(world_addresses_unpack(&in, &b), cut == put_size(&to));
		free(exact);
	}
	assert_true(world_addresses_equal(&a, &b));
	b.items[2].port++;
	assert_false(world_addresses_equal(&a, &b));
	b = a;
	b.items[2].priority = 0; /* below the one before */
	to = put_to(room, sizeof(room));
	world_addresses_pack(&b, &to);
	in = cur_of(room, put_size(&to));
	assert_false(world_addresses_unpack(&in, &b));
}

static void a_question_about_a_domain_is_read_back_whole_or_not_at_all(void **state)
{
	char       room[WORLD_DOMAIN_QUESTION_SIZE_MAX + 1], longest[WORLD_DOMAIN_SIZE_MAX + 1];
	struct put to = put_to(room, sizeof(room));
	struct str domain;

	(void)state;
	world_domain_question_put(&to, STR("far.example"));
	for (size_t n = 0; n < put_size(&to); n++) {
		uint8_t *exact = test_copy(room, n);

		assert_false(world_domain_question_read(cur_of(exact, n), &domain));
		free(exact);
	}
	assert_true(world_domain_question_read(cur_of(room, put_size(&to)), &domain));
	assert_true(str_eq(domain, STR("far.example")));
	assert_false(world_domain_question_read(cur_of(room, put_size(&to) + 1), &domain));
	room[0] = 0; /* one of lib/roster */
	assert_false(world_domain_question_read(cur_of(room, put_size(&to)), &domain));
	memset(longest, 'a', sizeof(longest));
	to = put_to(room, sizeof(room));
	world_domain_question_put(&to, (struct str){longest, WORLD_DOMAIN_SIZE_MAX});
	assert_true(world_domain_question_read(cur_of(room, put_size(&to)), &domain));
	to = put_to(room, sizeof(room));
	world_domain_question_put(&to, (struct str){longest, WORLD_DOMAIN_SIZE_MAX + 1});
	assert_true(to.failed);
	to = put_to(room, sizeof(room));
	world_domain_question_put(&to, STR(""));
	assert_true(to.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_drawn_by_priority_and_weight),
		cmocka_unit_test(every_address_comes_once_whatever_is_drawn),
		cmocka_unit_test(the_addresses_of_a_server_stand_together),
		cmocka_unit_test(packed_addresses_are_read_back_and_no_others),
		cmocka_unit_test(a_question_about_a_domain_is_read_back_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
