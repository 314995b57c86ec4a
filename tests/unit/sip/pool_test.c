#include "test.h"

#include "sip/pool.h"

static void blocks_come_once_each_and_untouched_memory_comes_last(void **state)
{
	struct sip_block *memory = calloc(4, sizeof(*memory));
	struct sip_pool   p;

	sip_pool_init(&p, memory, 4);
	assert_int_equal(sip_pool_take(&p), 1);
	assert_int_equal(sip_pool_take(&p), 2);
	sip_pool_give(&p, 1);
	assert_int_equal(sip_pool_take(&p), 1);
	assert_int_equal(p.touched, 2);
	assert_int_equal(sip_pool_take(&p), 3);
	assert_int_equal(sip_pool_take(&p), 4);
	assert_int_equal(sip_pool_take(&p), SIP_BLOCK_NONE);
	assert_int_equal(p.used, 4);
	assert_int_equal(sip_pool_at(&p, 1)->generation, 1);
	assert_int_equal(sip_pool_at(&p, 2)->generation, 0);
	free(memory);
}

static void a_chain_gives_back_what_was_appended_in_any_pieces(void **state)
{
	static const uint32_t starts[] = {0, 120, 503};
	static uint8_t        bytes[1600], back[1600];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 >> 2);
	for (size_t s = 0; s < 3; s++) {
		for (size_t piece = 1; piece <= sizeof(bytes); piece = piece * 3 + 1) {
			struct sip_block *memory = calloc(8, sizeof(*memory));
			struct sip_pool   p;
			struct sip_chain  c;
			uint32_t          first;

			sip_pool_init(&p, memory, 8);
			first = sip_pool_take(&p);
			c = (struct sip_chain){first, first, starts[s], 0};
			for (size_t at = 0; at < sizeof(bytes); at += piece) {
				size_t n = sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece;

				assert_true(sip_chain_append(&p, &c, bytes + at, n));
			}
			assert_int_equal(c.size, sizeof(bytes));
			for (size_t off = 0; off < sizeof(bytes); off += 97) {
				struct put w = put_to(back, sizeof(bytes) - off);

				sip_chain_put(&p, &c, off, sizeof(bytes) - off, &w);
				assert_false(w.failed);
				assert_memory_equal(back, bytes + off, sizeof(bytes) - off);
			}
			sip_chain_give(&p, &c);
			assert_int_equal(p.used, 0);
			free(memory);
		}
	}
}

static void a_chain_that_finds_no_block_is_as_before(void **state)
{
	static uint8_t    bytes[2000], back[504];
	struct sip_block *memory = calloc(3, sizeof(*memory));
	struct sip_pool   p;
	struct sip_chain  c = {1, 1, 100, 0};
	struct put        w = put_to(back, sizeof(back));

	memset(bytes, 'b', sizeof(bytes));
	sip_pool_init(&p, memory, 3);
	sip_pool_take(&p);
	assert_true(sip_chain_append(&p, &c, "first", 5));
	assert_false(sip_chain_append(&p, &c, bytes, sizeof(bytes)));
	assert_int_equal(c.size, 5);
	assert_int_equal(c.last, 1);
	assert_int_equal(p.used, 1);
	assert_true(sip_chain_append(&p, &c, bytes, 450));
	assert_int_equal(p.used, 2);
	sip_chain_put(&p, &c, 0, 455, &w);
	assert_memory_equal(back, "first", 5);
	assert_memory_equal(back + 5, bytes, 450);
	sip_chain_give(&p, &c);
	assert_int_equal(p.used, 0);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_once_each_and_untouched_memory_comes_last),
		cmocka_unit_test(a_chain_gives_back_what_was_appended_in_any_pieces),
		cmocka_unit_test(a_chain_that_finds_no_block_is_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
