/* Rules on their way: compiled when one differs and only then, for the dataplane's platform; what
 * is refused leaves the old ones in force. */
#include "appliance.h"

#include <stdio.h>

#include "rules/rules.h"
#include "rules/image.h"
#include "rules_build.h"
#include "test.h"

static struct appliance appliance;

static int start(void **state)
{
	appliance_make(&appliance);
	dataplane_start(&appliance);
	control_start(&appliance);
	until_in_step(&appliance);
	*state = &appliance;
	return 0;
}

static int stop(void **state)
{
	appliance_remove(*state);
	return 0;
}

static enum change_outcome rule(struct appliance *a, const char *name, unsigned position,
				const char *text, const char *then)
{
	char json[256];

	snprintf(json, sizeof(json),
		 "{\"name\": \"%s\", \"position\": %u, \"when\": {\"text\": \"%s\"}, \"then\": %s}",
		 name, position, text, then);
	return apply_one(a, CONF_RULE, json);
}

/* Which rule ends a message of this text; "" none. */
static const char *ended_by(struct appliance *a, const char *text)
{
	const struct rules  *rules = dataplane_world(a)->rules;
	struct rules_input   in = {.from = STR("+4670"),
				   .to = STR("+4671"),
				   .account = STR("esme1"),
				   .text = str_of(text)};
	struct rules_verdict v;

	if (rules == NULL)
		return "";
	rules_scan(rules, 0, &in, &v);
	return v.rule == UINT32_MAX ? "" : rules_name(rules, v.rule);
}

static void rules_are_in_force_in_order_of_position(void **state)
{
	struct appliance *a = *state;

	assert_int_equal(rule(a, "second", 20, "spam", "{\"reject\": \"spam\"}"), CHANGE_IN_FORCE);
	assert_string_equal(ended_by(a, "a spam"), "second");
	assert_int_equal(rule(a, "third", 30, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	assert_string_equal(ended_by(a, "a spam"), "second");
	assert_int_equal(rule(a, "first", 10, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	assert_string_equal(ended_by(a, "a spam"), "first");
	assert_string_equal(ended_by(a, "a message"), "");
	assert_int_equal(remove_one(a, CONF_RULE, "first"), CHANGE_IN_FORCE);
	assert_string_equal(ended_by(a, "a spam"), "second");
	assert_int_equal(remove_one(a, CONF_RULE, "second"), CHANGE_IN_FORCE);
	assert_int_equal(remove_one(a, CONF_RULE, "third"), CHANGE_IN_FORCE);
	assert_string_equal(ended_by(a, "a spam"), "");
}

static void a_rule_put_without_position_keeps_its_own(void **state)
{
	struct appliance *a = *state;
	struct conf_rule *r = conf_object_new(CONF_RULE);
	struct change    *ch = change_begin(a->control, "test");

	assert_int_equal(rule(a, "r", 20, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	assert_int_equal(control_object_get(a->control, CONF_RULE, "r", r), 0);
	r->position = 0;
	change_put(ch, CONF_RULE, r);
	assert_int_equal(finish(ch, false, NULL), CHANGE_NOTHING);
}

static void rules_stay_as_compiled_while_other_objects_change(void **state)
{
	struct appliance   *a = *state;
	const struct rules *compiled;

	assert_int_equal(rule(a, "r", 10, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	compiled = dataplane_world(a)->rules;
	assert_int_equal(apply_one(a, CONF_PEER, "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\"}"),
			 CHANGE_IN_FORCE);
	assert_int_equal(apply_one(a, CONF_ROUTE, "{\"to\": \"+46\", \"via\": [\"smsc1\"]}"),
			 CHANGE_IN_FORCE);
	assert_ptr_equal(dataplane_world(a)->rules, compiled);
	assert_int_equal(rule(a, "r", 10, "spam", "{\"drop\": true}"), CHANGE_NOTHING);
	assert_ptr_equal(dataplane_world(a)->rules, compiled);
}

static void faults_of_several_rules_are_all_named_and_the_old_rules_stay(void **state)
{
	struct appliance    *a = *state;
	struct change       *ch = change_begin(a->control, "test");
	struct change_result r;
	unsigned             named = 0;

	assert_int_equal(rule(a, "good", 10, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	put(ch, CONF_RULE,
	    "{\"name\": \"bad1\", \"position\": 20, \"when\": {\"text\": \"(\"}, \"then\": "
	    "{\"drop\": true}}");
	put(ch, CONF_RULE,
	    "{\"name\": \"bad2\", \"position\": 30, \"when\": {\"nose\": \"x\"}, \"then\": "
	    "{\"drop\": true}}");
	change_commit(ch, false, &r);
	assert_int_equal(r.outcome, CHANGE_REFUSED);
	for (unsigned i = 0; i < r.faults.n; i++)
		named |= strstr(r.faults.lines[i], "rule 'bad1'") != NULL   ? 1
			 : strstr(r.faults.lines[i], "rule 'bad2'") != NULL ? 2
									    : 4;
	assert_int_equal(named, 3);
	conf_faults_free(&r.faults);
	json_decref(r.differences);
	assert_string_equal(ended_by(a, "spam"), "good");
	assert_int_equal(control_object_count(a->control, CONF_RULE), 1);
}

static void rules_for_another_platform_are_compiled_again_when_the_dataplane_is_back(void **state)
{
	struct appliance       *a = *state;
	struct control_platform other;
	uint64_t                version;

	assert_int_equal(rule(a, "r", 10, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	dataplane_stop(a, false);
	until_down(a);
	other = a->control->platform;
	other.info.features ^= 4; /* a machine with other vector instructions */
	control_platform_set(a->control, &other);
	assert_int_equal(rule(a, "r2", 20, "more spam", "{\"drop\": true}"), CHANGE_NOT_IN_FORCE);
	version = a->control->version;
	dataplane_start(a);
	until_in_step(a);
	assert_int_equal(a->control->version, version + 1);
	assert_false(rules_build_is_due(a->control));
	assert_string_equal(ended_by(a, "spam"), "r");
}

static void rules_in_the_form_of_another_version_are_compiled_again(void **state)
{
	struct appliance *a = *state;
	struct db_rules   old;
	uint8_t           older[64];
	struct put        w = put_to(older, sizeof(older));

	assert_int_equal(rule(a, "r", 10, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	assert_false(rules_build_is_due(a->control));
	dataplane_stop(a, false);
	until_down(a);
	put_be64(&w, IMAGE_MAGIC);
	put_be32(&w, IMAGE_FORMAT - 1);
	assert_int_equal(db_rules_get(a->control->db, &old), 0);
	old = (struct db_rules){.image = cur_of(older, put_size(&w)),
				.platform =
					cur_of(&a->control->platform, sizeof(a->control->platform)),
				.digest = old.digest};
	db_release(a->control->db);
	assert_int_equal(db_begin(a->control->db), 0);
	assert_int_equal(db_rules_put(a->control->db, &old), 0);
	assert_int_equal(db_commit(a->control->db), 0);
	assert_true(rules_build_is_due(a->control));
	dataplane_start(a);
	until_in_step(a);
	assert_false(rules_build_is_due(a->control));
	assert_string_equal(ended_by(a, "spam"), "r");
}

static void a_rule_routes_to_what_exists(void **state)
{
	struct appliance *a = *state;
	struct change    *ch;

	assert_int_equal(apply_one(a, CONF_PEER, "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\"}"),
			 CHANGE_IN_FORCE);
	assert_int_equal(rule(a, "r", 10, "spam", "{\"route\": [\"smsc1\"]}"), CHANGE_IN_FORCE);
	ch = change_begin(a->control, "test");
	change_remove(ch, CONF_PEER, "smsc1");
	finish(ch, false, "peer 'smsc1': rule 'r' leads to it (1 in all)");
	ch = change_begin(a->control, "test");
	change_remove(ch, CONF_PEER, "smsc1");
	change_remove(ch, CONF_RULE, "r");
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_int_equal(rule(a, "r", 10, "spam", "{\"route\": [\"registered\"]}"),
			 CHANGE_IN_FORCE);
	assert_int_equal(world_rule_route(dataplane_world(a), 0)->choices[0]->targets[0].kind,
			 ROUTE_REGISTERED);
}

static void a_world_that_the_dataplane_refuses_leaves_the_old_one_and_status_says_so(void **state)
{
	struct appliance     *a = *state;
	struct db_rules       damaged = {.digest = 1};
	uint8_t               nonsense[20] = "";
	struct put            w = put_to(nonsense, sizeof(nonsense));
	struct db_version     v = {.who = "test", .rules = true, .differences = "[]"};
	struct control_status status;

	assert_int_equal(rule(a, "r", 10, "spam", "{\"drop\": true}"), CHANGE_IN_FORCE);
	/* The database says that the rules are nonsense, whose head shows nothing of it. */
	put_be64(&w, IMAGE_MAGIC);
	put_be32(&w, IMAGE_FORMAT);
	damaged.image = cur_of(nonsense, sizeof(nonsense));
	dataplane_stop(a, false);
	until_down(a);
	assert_int_equal(db_begin(a->control->db), 0);
	damaged.platform = cur_of(&a->control->platform, sizeof(a->control->platform));
	assert_int_equal(db_rules_put(a->control->db, &damaged), 0);
	v.version = a->control->version + 1;
	v.checksum = 1;
	assert_int_equal(db_version_add(a->control->db, &v), 0);
	assert_int_equal(db_commit(a->control->db), 0);
	assert_int_equal(control_reload(a->control), 0);
	a->control->counts[CONF_RULE] = 0;
	dataplane_start(a);
	do {
		event_loop_turn(a->loop, 50);
		control_status(a->control, &status);
	} while (!status.dataplane_up);
	assert_false(status.in_step);
	assert_non_null(strstr(status.rules_state, "not the newest: "));
	assert_string_equal(ended_by(a, "spam"), "r");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(rules_are_in_force_in_order_of_position),
		T(a_rule_put_without_position_keeps_its_own),
		T(rules_stay_as_compiled_while_other_objects_change),
		T(faults_of_several_rules_are_all_named_and_the_old_rules_stay),
		T(rules_for_another_platform_are_compiled_again_when_the_dataplane_is_back),
		T(rules_in_the_form_of_another_version_are_compiled_again),
		T(a_rule_routes_to_what_exists),
		T(a_world_that_the_dataplane_refuses_leaves_the_old_one_and_status_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
