#include "appliance.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dp_link.h"
#include "object.h"
#include "test.h"

#define ESME "{\"name\": \"esme1\", \"password\": \"secret1\"}"
#define SMSC "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\", \"password\": \"peersecret\"}"
#define ROUTE "{\"to\": \"+46\", \"via\": [\"smsc1\"]}"

static struct appliance appliance;

static int start(void **state)
{
	appliance_make(&appliance);
	dataplane_start(&appliance);
	control_start(&appliance);
	*state = &appliance;
	return 0;
}

static int stop(void **state)
{
	appliance_remove(*state);
	return 0;
}

static void put_basics(struct appliance *a)
{
	struct change *ch = change_begin(a->control, "test");

	put(ch, CONF_ACCOUNT, ESME);
	put(ch, CONF_PEER, SMSC);
	put(ch, CONF_ROUTE, ROUTE);
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
}

static void a_change_is_in_force_when_the_command_returns(void **state)
{
	struct appliance *a = *state;
	uint64_t          version = a->control->version;

	until_in_step(a);
	put_basics(a);
	assert_int_equal(a->control->version, version + 1);
	assert_int_equal(dataplane_version(a), version + 1);
	assert_int_equal(dataplane_checksum(a), a->control->checksum);
	assert_true(dataplane_has_route(a, "+46701234567", "smsc1"));
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 1);
	assert_int_equal(remove_one(a, CONF_ROUTE, "+46 100"), CHANGE_IN_FORCE);
	assert_false(dataplane_has_route(a, "+46701234567", "smsc1"));
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_change_is_in_force_when_the_command_returns,
						start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
