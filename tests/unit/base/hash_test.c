#include "test.h"

#include "base/cur.h"
#include "base/hash.h"
#include "base/put.h"
#include "base/random.h"

/* Key and input are 00, 01, 02 ...; the values are those that OpenSSL 3 gives with c-rounds 1 and
 * d-rounds 3, as numbers of which the first byte is the highest. */
static void siphash_1_3_gives_what_openssl_gives(void **state)
{
	static const struct {
		size_t   size;
		uint64_t narrow, wide[2];
	} values[] = {
		{0, 0xdcc40f055801acab, {0xe77ebcb22788a5be, 0xfd62db6add303001}},
		{1, 0x93ca577df39bf4c9, {0xfc6f370460d3eda8, 0x5e0573cc2b2ff063}},
		{7, 0x4011b19b987d92d3, {0x1084b923f2aae0c3, 0xa62f2ec80848ab77}},
		{8, 0x8e9a298d11959036, {0xaa12fee1d5e3dab4, 0x724f16ab35f9c799}},
		{15, 0x5699512a6dd820d3, {0xc17e5505b2bd526c, 0x2921cdec1e7e0109}},
		{26, 0xa51399cae3353e3a, {0x7f4d0a1209d67e4e, 0xd06f7538e1cfad64}},
	};
	const struct hash_key key = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
	uint8_t               input[26];

	(void)state;
	for (unsigned i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint8_t *exact = test_copy(input, values[i].size);
		uint64_t wide[2];

		hash_sip_wide(&key, exact, values[i].size, wide);
		assert_int_equal(htobe64(hash_sip(&key, exact, values[i].size)), values[i].narrow);
		assert_int_equal(htobe64(wide[0]), values[i].wide[0]);
		assert_int_equal(htobe64(wide[1]), values[i].wide[1]);
		free(exact);
	}
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
		cmocka_unit_test(siphash_1_3_gives_what_openssl_gives),
		cmocka_unit_test(a_read_past_the_end_fails_for_good_and_gives_zero),
		cmocka_unit_test(a_string_without_terminator_fails_at_its_maximum),
		cmocka_unit_test(a_write_past_the_room_writes_nothing_and_fails_for_good),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
