/* Either side dies, is behind, is ahead, is cut off in the middle of a change: afterwards both are
 * in step, and control's database is the truth. */
#include "appliance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "dp_link.h"
#include "proxy.h"
#include "test.h"

static struct appliance appliance;
static struct proxy    *proxy;

static int start(void **state)
{
	appliance_make(&appliance);
	dataplane_start(&appliance);
	control_start(&appliance);
	*state = &appliance;
	return 0;
}

static int start_with_proxy(void **state)
{
	char from[128], to[128];

	appliance_make(&appliance);
	snprintf(appliance.control_file.cpm.run_dir, sizeof(appliance.control_file.cpm.run_dir),
		 "%s/proxy", appliance.dir);
	mkdir(appliance.control_file.cpm.run_dir, 0700);
	snprintf(from, sizeof(from), "%s/proxy/dataplane.sock", appliance.dir);
	snprintf(to, sizeof(to), "%s/run/dataplane.sock", appliance.dir);
	dataplane_start(&appliance);
	proxy = proxy_start(from, to);
	control_start(&appliance);
	*state = &appliance;
	return 0;
}

static int stop(void **state)
{
	control_stop(*state);
	if (proxy != NULL)
		proxy_stop(proxy);
	proxy = NULL;
	appliance_remove(*state);
	return 0;
}

static void put_basics(struct appliance *a)
{
	struct change *ch = change_begin(a->control, "test");

	put(ch, CONF_ACCOUNT, "{\"name\": \"esme1\", \"password\": \"x\"}");
	put(ch, CONF_PEER, "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\", \"password\": \"pw\"}");
	put(ch, CONF_PEER, "{\"name\": \"smsc2\", \"host\": \"198.18.0.2\", \"password\": \"pw\"}");
	put(ch, CONF_ROUTE, "{\"to\": \"+46\", \"via\": [\"smsc1\"]}");
	put(ch, CONF_RULE,
	    "{\"name\": \"r\", \"position\": 10, \"when\": {\"text\": \"spam\"}, \"then\": "
	    "{\"reject\": \"spam\"}}");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
}

static enum change_outcome route_to(struct appliance *a, const char *peer)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"to\": \"+46\", \"via\": [\"%s\"]}", peer);
	return apply_one(a, CONF_ROUTE, json);
}

/* Another inode: the image was written anew. */
static uint64_t image_file(const struct appliance *a)
{
	char        path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state/world.img", a->dir);
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_ino ^ (uint64_t)st.st_mtim.tv_nsec << 20;
}

static void a_change_while_the_dataplane_is_down_is_committed_and_comes_by_delta(void **state)
{
	struct appliance *a = *state;
	uint64_t          image;

	put_basics(a);
	dataplane_stop(a, false);
	until_down(a);
	assert_int_equal(route_to(a, "smsc2"), CHANGE_NOT_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"esme1\"]}"),
			 CHANGE_NOT_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+48\", \"via\": [\"esme1\"]}"),
			 CHANGE_NOT_IN_FORCE);
	assert_int_equal(remove_one(a, CONF_ROUTE, "+48 100"),
			 CHANGE_NOT_IN_FORCE); /* came and went: nothing to remove there */
	assert_int_equal(remove_one(a, CONF_PEER, "smsc1"), CHANGE_NOT_IN_FORCE);
	dataplane_start(a);
	assert_true(
		dataplane_has_route(a, "+46", "smsc1")); /* it has started alone, at what it had */
	image = image_file(a);
	until_in_step(a);
	assert_true(dataplane_has_route(a, "+46", "smsc2"));
	assert_true(dataplane_has_route(a, "+47", "esme1"));
	assert_false(dataplane_has_route(a, "+48", "esme1"));
	assert_null(world_peer_find(dataplane_world(a), STR("smsc1")));
	assert_int_equal(image_file(a), image);
	assert_int_equal(dataplane_published_count(a),
			 2); /* what it started with, and one delta for all five */
}

static void after_a_change_too_large_for_a_delta_the_whole_world_comes(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;
	uint64_t          image;

	put_basics(a);
	dataplane_stop(a, false);
	until_down(a);
	ch = change_begin(a->control, "test");
	for (int i = 0; i <= DB_DELTA_OBJECTS; i++) {
		struct conf_route *route = conf_object_new(CONF_ROUTE);

		snprintf(route->to, sizeof(route->to), "+1%06d", i);
		route->via.n = 1;
		route->via.items = calloc(1, sizeof(route->via.items[0]));
		strcpy(route->via.items[0].name, "smsc1");
		change_put(ch, CONF_ROUTE, route);
	}
	assert_int_equal(finish(ch, false, NULL), CHANGE_NOT_IN_FORCE);
	assert_int_equal(route_to(a, "smsc2"), CHANGE_NOT_IN_FORCE);
	dataplane_start(a);
	image = image_file(a);
	until_in_step(a);
	assert_int_not_equal(image_file(a), image);
	assert_true(dataplane_has_route(a, "+1000077", "smsc1"));
	assert_true(dataplane_has_route(a, "+46", "smsc2"));
}

static void deltas_older_than_those_kept_are_replaced_by_the_whole_world(void **state)
{
	struct appliance *a = *state;
	uint64_t          image;

	put_basics(a);
	dataplane_stop(a, false);
	until_down(a);
	for (int i = 0; i < DB_DELTAS_MAX - 1; i++)
		assert_int_equal(route_to(a, i % 2 == 0 ? "smsc2" : "smsc1"), CHANGE_NOT_IN_FORCE);
	dataplane_start(a);
	image = image_file(a);
	until_in_step(a);
	assert_int_equal(image_file(a), image); /* one less than are kept: a delta */
	dataplane_stop(a, false);
	until_down(a);
	for (int i = 0; i < DB_DELTAS_MAX; i++)
		assert_int_equal(route_to(a, i % 2 == 0 ? "smsc1" : "smsc2"), CHANGE_NOT_IN_FORCE);
	dataplane_start(a);
	image = image_file(a);
	until_in_step(a);
	assert_int_not_equal(image_file(a), image);
}

static void copy_database(const struct appliance *a, const char *from, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "mkdir -p %s/%s && rm -f %s/%s/control.db* && cp %s/%s/control.db* %s/%s", a->dir,
		 to, a->dir, to, a->dir, from, a->dir, to);
	assert_int_equal(system(command), 0);
}

static void a_database_that_was_put_back_is_the_truth(void **state)
{
	struct appliance *a = *state;

	put_basics(a);
	control_stop(a);
	copy_database(a, "state", "backup");
	control_start(a);
	until_in_step(a);
	for (int i = 0; i < 3; i++)
		assert_int_equal(route_to(a, i % 2 == 0 ? "smsc2" : "smsc1"), CHANGE_IN_FORCE);
	assert_true(dataplane_has_route(a, "+46", "smsc2"));
	control_stop(a);
	copy_database(a, "backup", "state");
	control_start(a); /* the dataplane is three versions ahead */
	until_in_step(a);
	assert_true(dataplane_has_route(a, "+46", "smsc1"));
	dataplane_stop(a, true);
	dataplane_start(a); /* and stays back */
	assert_int_equal(dataplane_version(a), a->control->version);
}

static void a_database_put_back_that_went_another_way_is_the_truth(void **state)
{
	struct appliance *a = *state;

	put_basics(a);
	control_stop(a);
	copy_database(a, "state", "backup");
	control_start(a);
	until_in_step(a);
	assert_int_equal(route_to(a, "smsc2"), CHANGE_IN_FORCE);
	assert_int_equal(route_to(a, "esme1"), CHANGE_IN_FORCE);
	control_stop(a);
	copy_database(a, "backup", "state");
	dataplane_stop(a, false);
	control_start(a);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+47\", \"via\": [\"smsc1\"]}"),
			 CHANGE_NOT_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+48\", \"via\": [\"smsc1\"]}"),
			 CHANGE_NOT_IN_FORCE);
	dataplane_start(a); /* at the same number, and another world */
	assert_int_equal(dataplane_version(a), a->control->version);
	until_in_step(a);
	assert_true(dataplane_has_route(a, "+46", "smsc1"));
	assert_true(dataplane_has_route(a, "+48", "smsc1"));
}

static void a_lost_database_is_the_truth_too(void **state)
{
	struct appliance *a = *state;
	char              command[128];

	put_basics(a);
	control_stop(a);
	snprintf(command, sizeof(command), "rm %s/state/control.db*", a->dir);
	assert_int_equal(system(command), 0);
	control_start(a);
	until_in_step(a);
	assert_int_equal(control_object_count(a->control, CONF_ROUTE), 0);
	assert_null(world_peer_find(dataplane_world(a), STR("smsc1")));
}

static void control_restarted_finds_the_dataplane_in_step_and_sends_nothing(void **state)
{
	struct appliance *a = *state;
	unsigned          published;

	put_basics(a);
	published = dataplane_published_count(a);
	control_stop(a);
	control_start(a);
	until_in_step(a);
	assert_int_equal(dataplane_published_count(a), published);
	assert_int_equal(control_object_count(a->control, CONF_PEER), 2);
}

static void the_dataplane_killed_restarts_at_the_same_version_with_control_and_without(void **state)
{
	struct appliance *a = *state;
	uint64_t          version;

	put_basics(a);
	assert_int_equal(route_to(a, "smsc2"), CHANGE_IN_FORCE);
	assert_int_equal(route_to(a, "esme1"), CHANGE_IN_FORCE);
	version = a->control->version;
	dataplane_stop(a, true);
	dataplane_start(a);
	assert_int_equal(dataplane_version(a), version);
	assert_true(dataplane_has_route(a, "+46", "esme1"));
	until_down(a);
	until_in_step(a);
	assert_int_equal(dataplane_published_count(a), 1);
	control_stop(a);
	dataplane_stop(a, true);
	dataplane_start(a);
	assert_int_equal(dataplane_version(a), version);
	assert_true(dataplane_has_route(a, "+46", "esme1"));
	assert_non_null(dataplane_world(a)->rules);
}

static void a_second_control_is_turned_away(void **state)
{
	struct appliance     *a = *state;
	struct appliance      second = *a;
	struct control_status status;

	snprintf(second.control_file.cpm.state_dir, sizeof(second.control_file.cpm.state_dir),
		 "%s/second", a->dir);
	put_basics(a);
	control_start(&second);
	control_status(second.control, &status);
	assert_false(status.dataplane_up);
	control_stop(&second);
	assert_int_equal(route_to(a, "smsc2"), CHANGE_IN_FORCE);
}

/* Frames of a change: PREPARE, READY, PUBLISH, IN_FORCE. */
static void a_change_cut_off_at_any_frame_leaves_both_in_step(void **state)
{
	struct appliance   *a = *state;
	enum change_outcome outcome;

	until_in_step(a);
	put_basics(a);
	for (unsigned frame = 1; frame <= 5; frame++) {
		const char *peer = frame % 2 == 1 ? "smsc2" : "smsc1";

		proxy_cut(proxy, frame);
		outcome = route_to(a, peer);
		assert_int_equal(outcome, frame <= 4 ? CHANGE_NOT_IN_FORCE : CHANGE_IN_FORCE);
		proxy_cut(proxy, 0);
		until_in_step(a);
		assert_true(dataplane_has_route(a, "+46", peer));
	}
}

/* As above, and the dataplane dies there: what it answered, it knows when it is back. */
static void the_dataplane_killed_at_any_frame_of_a_change_comes_back_in_step(void **state)
{
	struct appliance *a = *state;

	until_in_step(a);
	put_basics(a);
	for (unsigned frame = 1; frame <= 5; frame++) {
		const char *peer = frame % 2 == 1 ? "smsc2" : "smsc1";

		proxy_cut(proxy, frame);
		route_to(a, peer);
		dataplane_stop(a, true);
		until_down(a);
		proxy_cut(proxy, 0);
		dataplane_start(a);
		if (frame >= 4) /* IN_FORCE was sent */
			assert_int_equal(dataplane_version(a), a->control->version);
		until_in_step(a);
		assert_true(dataplane_has_route(a, "+46", peer));
	}
}

static void control_that_dies_between_prepare_and_commit_has_changed_nothing(void **state)
{
	struct appliance  *a = *state;
	struct world_delta d;
	char               why[256] = "";
	uint64_t           version;

	until_in_step(a);
	put_basics(a);
	version = a->control->version;
	world_delta_begin(&d, version, version + 1);
	assert_true(world_delta_end(&d, a->control->checksum));
	assert_int_equal(dp_link_prepare(a->control->link, &d, why), 0);
	world_delta_free(&d);
	control_stop(a);
	control_start(a);
	until_in_step(a);
	assert_int_equal(dataplane_version(a), version);
	assert_int_equal(route_to(a, "smsc2"), CHANGE_IN_FORCE);
}

static void
control_that_dies_between_commit_and_publish_puts_it_in_force_when_it_is_back(void **state)
{
	struct appliance *a = *state;

	until_in_step(a);
	put_basics(a);
	proxy_cut(proxy, 3); /* PUBLISH */
	assert_int_equal(route_to(a, "smsc2"), CHANGE_NOT_IN_FORCE);
	control_stop(a);
	assert_true(dataplane_has_route(a, "+46", "smsc1"));
	control_start(a);
	until_in_step(a);
	assert_true(dataplane_has_route(a, "+46", "smsc2"));
}

/* Frames until in step: HELLO, HELLO, PREPARE or IMAGE, READY, PUBLISH, IN_FORCE. */
static void a_resync_cut_off_at_any_frame_is_begun_anew(void **state)
{
	struct appliance *a = *state;

	until_in_step(a);
	put_basics(a);
	for (unsigned frame = 1; frame <= 7; frame++) {
		const char *peer = frame % 2 == 1 ? "smsc2" : "smsc1";

		dataplane_stop(a, true);
		until_down(a);
		assert_int_equal(route_to(a, peer), CHANGE_NOT_IN_FORCE);
		proxy_cut(proxy, frame);
		dataplane_start(a);
		until_in_step(a);
		assert_true(dataplane_has_route(a, "+46", peer));
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define P(name) cmocka_unit_test_setup_teardown(name, start_with_proxy, stop)
	const struct CMUnitTest tests[] = {
		T(a_change_while_the_dataplane_is_down_is_committed_and_comes_by_delta),
		T(after_a_change_too_large_for_a_delta_the_whole_world_comes),
		T(deltas_older_than_those_kept_are_replaced_by_the_whole_world),
		T(a_database_that_was_put_back_is_the_truth),
		T(a_database_put_back_that_went_another_way_is_the_truth),
		T(a_lost_database_is_the_truth_too),
		T(control_restarted_finds_the_dataplane_in_step_and_sends_nothing),
		T(the_dataplane_killed_restarts_at_the_same_version_with_control_and_without),
		T(a_second_control_is_turned_away),
		P(a_change_cut_off_at_any_frame_leaves_both_in_step),
		P(the_dataplane_killed_at_any_frame_of_a_change_comes_back_in_step),
		T(control_that_dies_between_prepare_and_commit_has_changed_nothing),
		P(control_that_dies_between_commit_and_publish_puts_it_in_force_when_it_is_back),
		P(a_resync_cut_off_at_any_frame_is_begun_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
