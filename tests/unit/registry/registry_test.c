#include "test.h"

#include "registry/registry.h"

static void every_protocol_is_found_by_its_own_name_and_has_all_hooks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROTO_COUNT; i++) {
		const struct proto_ops *ops = registry_ops(i);

		assert_int_equal(registry_find(str_of(ops->name)), i);
		assert_true(str_eq(registry_name(i), str_of(ops->name)));
		assert_int_not_equal(registry_port(i), 0);
		assert_int_not_equal(registry_transports(i), 0);
		assert_true(strlen(registry_text(i)) > 0);
		assert_true(ops->instance_init && ops->open && ops->feed && ops->login &&
			    ops->settings && ops->submit && ops->answer && ops->tick &&
			    ops->close && ops->drain && ops->part && ops->ready &&
			    ops->window_used);
		assert_true(ops->session_size > 0 && ops->instance_size > 0 &&
			    ops->item_size_max > 0 && ops->out_size_max > 0);
	}
}

static void a_name_that_is_no_protocol_is_not_found(void **state)
{
	(void)state;
	assert_int_equal(registry_find(STR("telex")), PROTO_COUNT);
	assert_int_equal(registry_find(STR("smp")), PROTO_COUNT);
	assert_int_equal(registry_find(STR("")), PROTO_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_protocol_is_found_by_its_own_name_and_has_all_hooks),
		cmocka_unit_test(a_name_that_is_no_protocol_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
