/* How many there are of each: never more than may be, and as many again when some have left. */
#include "test.h"

#include "base/random.h"
#include "xmpp/crowd.h"

#define MANY 20000u

static struct xmpp_crowd crowd;

static void no_more_than_may_be_enter(void **state)
{
	uint64_t hash = 0x0123456789abcdefull;

	(void)state;
	crowd = (struct xmpp_crowd){0};
	for (unsigned i = 0; i < 16; i++)
		assert_true(xmpp_crowd_enter(&crowd, hash, 16));
	assert_false(xmpp_crowd_enter(&crowd, hash, 16));
	xmpp_crowd_leave(&crowd, hash);
	assert_true(xmpp_crowd_enter(&crowd, hash, 16));
	assert_false(xmpp_crowd_enter(&crowd, hash, 16));
	assert_true(xmpp_crowd_enter(&crowd, hash ^ 1, 16)); /* another, at one of its places */
	assert_true(xmpp_crowd_enter(&crowd, hash ^ 1ull << 32, 16));
}

static void who_enters_and_leaves_leaves_nothing(void **state)
{
	static uint64_t hashes[MANY];
	unsigned        entered = 0;
	struct random   random;

	(void)state;
	crowd = (struct xmpp_crowd){0};
	random_seed(&random, 17);
	for (unsigned i = 0; i < MANY; i++) {
		uint64_t hash = random_next(&random) % 500 * 0x9e3779b97f4a7c15ull;

		if (xmpp_crowd_enter(&crowd, hash, 30))
			hashes[entered++] = hash;
	}
	assert_in_range(entered, 1, 500 * 30);
	while (entered > 0)
		xmpp_crowd_leave(&crowd, hashes[--entered]);
	for (unsigned i = 0; i < XMPP_CROWD_PLACES; i++) {
		assert_int_equal(crowd.counts[0][i], 0);
		assert_int_equal(crowd.counts[1][i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_than_may_be_enter),
		cmocka_unit_test(who_enters_and_leaves_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
