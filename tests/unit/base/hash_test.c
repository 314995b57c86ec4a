#include "test.h"

#include "base/cur.h"
#include "base/hash.h"
#include "base/put.h"
#include "base/random.h"

/* OpenSSL has SipHash-2-4 only; this is the reference output of the authors' SipHash-1-3 for key
 * 00..0f and no input. */
static void siphash_1_3_gives_the_reference_value(void **state)
{
	const struct hash_key key = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
	uint8_t               input[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)i;
	assert_int_equal(hash_sip(&key, input, 0), 0xabac0158050fc4dcull);
	assert_int_not_equal(hash_sip(&key, input, 8), hash_sip(&key, input, 9));
}

static void a_read_past_the_end_fails_for_good_and_gives_zero(void **state)
{
	uint8_t   *exact = test_copy("\x01\x02\x03", 3);
	struct cur c = cur_of(exact, 3);

	(void)state;
	assert_int_equal(cur_be16(&c), 0x0102);
	assert_int_equal(cur_be16(&c), 0);
	assert_true(c.failed);
	assert_int_equal(cur_u8(&c), 0);
	assert_int_equal(cur_left(&c), 0);
	free(exact);
}

static void a_string_without_terminator_fails_at_its_maximum(void **state)
{
	uint8_t   *exact = test_copy("abc\0def", 7);
	struct cur c = cur_of(exact, 7);

	(void)state;
	assert_true(str_eq(cur_cstr(&c, 4), STR("abc")));
	assert_true(str_eq(cur_cstr(&c, 8), STR("")));
	assert_true(c.failed);
	c = cur_of(exact, 7);
	cur_cstr(&c, 3);
	assert_true(c.failed);
	free(exact);
}

static void a_write_past_the_room_writes_nothing_and_fails_for_good(void **state)
{
	uint8_t    room[3] = {0};
	struct put w = put_to(room, sizeof(room));

	(void)state;
	put_be16(&w, 0x0102);
	put_be16(&w, 0x0304);
	assert_true(w.failed);
	assert_int_equal(room[2], 0);
	put_u8(&w, 9);
	assert_int_equal(put_size(&w), 2);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	struct random a, b;

	(void)state;
	random_seed(&a, 7);
	random_seed(&b, 7);
	for (int i = 0; i < 100; i++)
		assert_int_equal(random_next(&a), random_next(&b));
	for (int i = 0; i < 1000; i++)
		assert_in_range(random_below(&a, 10), 0, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_1_3_gives_the_reference_value),
		cmocka_unit_test(a_read_past_the_end_fails_for_good_and_gives_zero),
		cmocka_unit_test(a_string_without_terminator_fails_at_its_maximum),
		cmocka_unit_test(a_write_past_the_room_writes_nothing_and_fails_for_good),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
