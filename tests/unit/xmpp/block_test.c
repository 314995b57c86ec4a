#include "test.h"

#include "xmpp/block.h"

#define COUNT 6u

static struct xmpp_block memory[COUNT];

static struct xmpp_blocks begin(void)
{
	struct xmpp_blocks b;

	memset(memory, 0, sizeof(memory));
	xmpp_blocks_init(&b, memory, COUNT);
	return b;
}

static void a_block_has_four_quarters_that_lie_apart(void **state)
{
	struct xmpp_blocks b = begin();
	uint32_t           quarter[XMPP_QUARTERS * COUNT];

	(void)state;
	for (unsigned i = 0; i < XMPP_QUARTERS * COUNT; i++) {
		quarter[i] = xmpp_quarter_take(&b);
		assert_int_not_equal(quarter[i], XMPP_BLOCK_NONE);
		assert_int_equal(b.used, i / XMPP_QUARTERS + 1);
		assert_true(xmpp_block_is_quarter(&b, quarter[i]));
		for (unsigned k = 0; k < i; k++) {
			char *one = (char *)xmpp_block_at(&b, quarter[i]);
			char *other = (char *)xmpp_block_at(&b, quarter[k]);

			assert_true(one - other >= (ptrdiff_t)XMPP_QUARTER_SIZE ||
				    other - one >= (ptrdiff_t)XMPP_QUARTER_SIZE);
		}
	}
	assert_int_equal(xmpp_quarter_take(&b), XMPP_BLOCK_NONE);
	assert_int_equal(xmpp_block_take(&b), XMPP_BLOCK_NONE);
}

static void a_block_is_whole_again_when_its_quarters_are_back(void **state)
{
	/* Which goes when. */
	static const unsigned orders[][XMPP_QUARTERS] = {
		{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};

	(void)state;
	for (unsigned n = 0; n < 4; n++) {
		struct xmpp_blocks b = begin();
		uint32_t           quarter[XMPP_QUARTERS], whole;

		for (unsigned times = 0; times < 3; times++) {
			for (unsigned i = 0; i < XMPP_QUARTERS; i++)
				quarter[i] = xmpp_quarter_take(&b);
			whole = xmpp_block_take(&b);
			memset(&xmpp_block_at(&b, whole)->u, 0xff,
			       sizeof(xmpp_block_at(&b, whole)->u));
			assert_false(xmpp_block_is_quarter(&b, whole));
			assert_int_equal(b.used, 2);
			for (unsigned i = 0; i < XMPP_QUARTERS; i++)
				xmpp_block_give(&b, quarter[orders[n][i]]);
			assert_int_equal(b.used, 1);
			assert_int_equal(b.quarters.count, 0);
			xmpp_block_give(&b, whole);
			assert_int_equal(b.used, 0);
		}
		assert_true(b.touched <= 2);
	}
}

static void a_quarter_that_is_back_is_taken_before_a_block_is_split(void **state)
{
	struct xmpp_blocks b = begin();
	uint32_t           first = xmpp_quarter_take(&b), second = xmpp_quarter_take(&b);

	(void)state;
	xmpp_block_give(&b, first);
	assert_int_equal(b.quarters.count, XMPP_QUARTERS - 1);
	for (unsigned i = 1; i < XMPP_QUARTERS; i++)
		assert_int_not_equal(xmpp_quarter_take(&b), second);
	assert_int_equal(b.used, 1);
}

static void what_names_a_block_that_was_split_since_finds_nothing(void **state)
{
	struct xmpp_blocks b = begin();
	uint32_t           number = xmpp_block_take(&b);
	uint64_t           token = xmpp_block_token(&b, number);

	(void)state;
	assert_int_equal(xmpp_block_find(&b, token), number);
	assert_int_equal(xmpp_block_number(&b, xmpp_block_at(&b, number)), number);
	xmpp_block_give(&b, number);
	assert_int_equal(xmpp_block_find(&b, token), XMPP_BLOCK_NONE);
	assert_int_equal(xmpp_quarter_take(&b), number);
	assert_int_equal(xmpp_block_find(&b, token), XMPP_BLOCK_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_has_four_quarters_that_lie_apart),
		cmocka_unit_test(a_block_is_whole_again_when_its_quarters_are_back),
		cmocka_unit_test(a_quarter_that_is_back_is_taken_before_a_block_is_split),
		cmocka_unit_test(what_names_a_block_that_was_split_since_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
