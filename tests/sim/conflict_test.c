/* What people are told of addresses that another claims. */
#include "test.h"

#include "../../dataplane/conflict.h"

static const char *const ports[] = {"core0"};

static void a_claim_is_logged_once_and_the_first_of_many(void **state)
{
	struct conflict conflict = {.full = false};
	struct net_news news = {.kind = NET_NEWS_CONFLICT, .mac = {2, 0, 0, 0, 0, 9}};

	(void)state;
	assert_false(conflict_log(&conflict, ports));
	conflict_note(&conflict, &news);
	for (uint8_t i = 10; i < 100; i++) {
		news.mac[5] = i;
		conflict_note(&conflict, &news);
	}
	assert_int_equal(conflict.news.mac[5], 9);
	assert_true(conflict_log(&conflict, ports));
	assert_false(conflict_log(&conflict, ports));
	conflict_note(&conflict, &news);
	assert_int_equal(conflict.news.mac[5], 99);
	assert_true(conflict_log(&conflict, ports));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_is_logged_once_and_the_first_of_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
