/* What a delta may not be: cut, damaged, of another version, or made of bytes that are no objects.
 */
#include "world/world.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/random.h"
#include "sample.h"
#include "world/delta.h"

#define SEED 20260612u

static void sample_delta(struct mirror *m)
{
	*m = (struct mirror){.version = 0};
	mirror_begin(m, true);
	mirror_put(m, CONF_ACCOUNT, sample_account("esme1", "one"));
	mirror_put(m, CONF_PEER, sample_peer("smsc1"));
	mirror_put(m, CONF_ROUTE, sample_route("+46", 100, "smsc1=70 esme1=30"));
	assert_true(world_delta_end(&m->d, m->checksum));
}

static struct world_change *build_exact(const struct world *from, const uint8_t *bytes, size_t n,
					char error[256])
{
	uint8_t             *exact = test_copy(bytes, n);
	struct world_change *c = world_change_build(from, cur_of(exact, n), 1, error);

	free(exact);
	return c;
}

/* The bytes again with the size and hash that they now need, so that what is behind the hash is
 * reached. */
static void reseal(struct world_delta *d)
{
	uint64_t checksum = 0;

	for (unsigned i = 0; i < 8; i++)
		checksum = checksum << 8 | d->bytes[24 + i];
	d->size -= DELTA_HASH_SIZE;
	assert_true(world_delta_end(d, checksum));
}

static void a_delta_cut_at_any_byte_is_refused(void **state)
{
	struct mirror m;
	char          error[256];

	(void)state;
	sample_delta(&m);
	for (size_t cut = 0; cut < m.d.size; cut++) {
		error[0] = '\0';
		assert_null(build_exact(NULL, m.d.bytes, cut, error));
		assert_true(strlen(error) > 0);
	}
	world_delta_free(&m.d);
}

static void a_delta_cut_at_any_byte_and_sealed_again_is_refused(void **state)
{
	struct mirror m;
	char          error[256];

	(void)state;
	sample_delta(&m);
	for (size_t cut = DELTA_HEADER_SIZE + DELTA_HASH_SIZE; cut < m.d.size; cut++) {
		struct world_delta d = {test_copy(m.d.bytes, cut), cut, cut, false};

		reseal(&d);
		assert_null(build_exact(NULL, d.bytes, d.size, error));
		world_delta_free(&d);
	}
	world_delta_free(&m.d);
}

static void a_delta_with_any_bit_turned_is_refused(void **state)
{
	struct mirror m;
	char          error[256];

	(void)state;
	sample_delta(&m);
	for (size_t bit = 0; bit < m.d.size * 8; bit++) {
		m.d.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_null(build_exact(NULL, m.d.bytes, m.d.size, error));
		m.d.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	world_delta_free(&m.d);
}

/* Sealed again, so only its contents can be refused; what is not refused must hold what it
 * promises. */
static void damage_behind_a_good_hash_does_no_harm(void **state)
{
	struct mirror m;
	struct random r;
	unsigned      refused = 0;
	char          error[256];

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	sample_delta(&m);
	for (unsigned i = 0; i < 20000; i++) {
		struct world_delta d = {test_copy(m.d.bytes, m.d.size), m.d.size, m.d.size, false};
		struct world_change *c;

		for (unsigned k = 1 + random_below(&r, 3); k > 0; k--) {
			size_t at = DELTA_HEADER_SIZE +
				    random_below(&r, (uint32_t)(d.size - DELTA_HEADER_SIZE));

			d.bytes[at] = (uint8_t)random_next(&r);
		}
		reseal(&d);
		c = build_exact(NULL, d.bytes, d.size, error);
		if (c == NULL) {
			refused++;
		} else {
			assert_int_equal(world_change_world(c)->checksum, m.checksum);
			world_change_abandon(c);
		}
		world_delta_free(&d);
	}
	assert_true(refused > 19000);
	world_delta_free(&m.d);
}

static void a_delta_from_another_version_is_refused(void **state)
{
	struct mirror       m;
	const struct world *w;
	char                error[256] = "";

	(void)state;
	sample_delta(&m);
	world_delta_free(&m.d);
	m = (struct mirror){.version = 0};
	mirror_begin(&m, true);
	w = mirror_apply(&m, NULL);
	m.version = 7;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_PEER, sample_peer("smsc1"));
	mirror_refused(&m, w, 0, "starts from version 7, but 1 is in force");
	mirror_begin(&m, false);
	mirror_refused(&m, NULL, 0, "starts from version 7, but 0 is in force");
	world_delta_begin(&m.d, 0, 0);
	assert_true(world_delta_end(&m.d, 0));
	assert_null(build_exact(w, m.d.bytes, m.d.size, error));
	assert_non_null(strstr(error, "version 0"));
	world_delta_free(&m.d);
	world_free(w);
}

static void a_delta_that_does_not_lead_to_its_checksum_is_refused(void **state)
{
	struct mirror m = {.version = 0};

	(void)state;
	mirror_begin(&m, true);
	mirror_put(&m, CONF_PEER, sample_peer("smsc1"));
	m.checksum++;
	mirror_refused(&m, NULL, 0, "checksum");
}

static void operations_that_are_none_are_refused(void **state)
{
	static const struct {
		uint8_t     bytes[8];
		size_t      n;
		const char *words;
	} cases[] = {
		{{0, 0, 0, 0, 0, 0}, 6, "does not know"},
		{{4, 0, 0, 0, 0, 0}, 6, "does not know"},
		{{DELTA_PUT, CONF_RULE, 0, 0, 0, 0}, 6, "does not know"},
		{{DELTA_REMOVE, CONF_RULE, 0, 0, 0, 0}, 6, "does not know"},
		{{DELTA_RULES, CONF_PEER, 0, 0, 0, 0}, 6, "does not know"},
		{{DELTA_PUT, 200, 0, 0, 0, 0}, 6, "does not know"},
		{{DELTA_PUT, CONF_PEER, 0, 0, 0, 0}, 6, "cannot be read"},
		{{DELTA_PUT, CONF_ACCOUNT, 0, 0, 0, 1, 0}, 7, "cannot be read"},
		{{DELTA_PUT, CONF_ROUTE, 0, 0, 0, 1, 0}, 7, "cannot be read"},
		{{DELTA_PUT, CONF_ROUTE, 0xff, 0xff, 0xff, 0xff, 0}, 7, "cut short"},
		{{DELTA_PUT, CONF_ROUTE, 0}, 3, "cut short"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mirror m = {.version = 0};

		mirror_begin(&m, true);
		m.d.bytes = realloc(m.d.bytes, m.d.size + cases[i].n);
		assert_non_null(m.d.bytes);
		m.d.room = m.d.size + cases[i].n;
		memcpy(m.d.bytes + m.d.size, cases[i].bytes, cases[i].n);
		m.d.size += cases[i].n;
		mirror_refused(&m, NULL, 0, cases[i].words);
	}
}

static void an_object_with_bytes_left_over_is_refused(void **state)
{
	static const enum conf_kind kinds[] = {CONF_ACCOUNT, CONF_PEER, CONF_ROUTE};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct mirror m = {.version = 0};
		size_t        size_at = DELTA_HEADER_SIZE + 2;

		mirror_begin(&m, true);
		mirror_put(&m, kinds[i],
			   kinds[i] == CONF_ACCOUNT ? (void *)sample_account("a", "")
			   : kinds[i] == CONF_PEER  ? (void *)sample_peer("a")
						    : (void *)sample_route("+1", 1, "a"));
		m.d.bytes[m.d.size++] = 0; /* there is room: a put reserves more than it needs */
		m.d.bytes[size_at + 3]++;
		mirror_refused(&m, NULL, 0, "cannot be read");
	}
}

static void digests_tell_kinds_and_contents_apart(void **state)
{
	struct conf_account *a = sample_account("x", ""), *b = sample_account("x", "y");

	(void)state;
	assert_true(world_object_digest(CONF_ACCOUNT, a) != world_object_digest(CONF_ACCOUNT, b));
	b->system_id[0] = '\0';
	assert_true(world_object_digest(CONF_ACCOUNT, a) == world_object_digest(CONF_ACCOUNT, b));
	assert_int_equal(world_rules_digest((const uint8_t *)"", 0), 0);
	assert_true(world_rules_digest((const uint8_t *)"a", 1) != 0);
	conf_object_free(CONF_ACCOUNT, a);
	conf_object_free(CONF_ACCOUNT, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delta_cut_at_any_byte_is_refused),
		cmocka_unit_test(a_delta_cut_at_any_byte_and_sealed_again_is_refused),
		cmocka_unit_test(a_delta_with_any_bit_turned_is_refused),
		cmocka_unit_test(damage_behind_a_good_hash_does_no_harm),
		cmocka_unit_test(a_delta_from_another_version_is_refused),
		cmocka_unit_test(a_delta_that_does_not_lead_to_its_checksum_is_refused),
		cmocka_unit_test(operations_that_are_none_are_refused),
		cmocka_unit_test(an_object_with_bytes_left_over_is_refused),
		cmocka_unit_test(digests_tell_kinds_and_contents_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
