/* `cpmctl rule ...`. */
#include "api_call.h"

#define POSITION_STEP 10u

static const char *name_of(struct api_call *call)
{
	const char *name = api_text(call, "name");

	return name != NULL ? name : "";
}

/* The hits of each rule by name, an empty object while the dataplane is down; the caller owns it.
 */
static json_t *hits_by_name(struct control *control)
{
	json_t *by_name = json_object(), *args = json_object(), *reply = NULL, *row;
	char    error[256];
	size_t  i;

	if (control_query(control, "rule_hits", args, &reply, error) == 0)
		json_array_foreach(json_object_get(reply, "rows"), i, row) json_object_set(
			by_name, json_string_value(json_array_get(row, 0)), json_array_get(row, 1));
	json_decref(reply);
	json_decref(args);
	return by_name;
}

void api_rule_list(struct api_call *call)
{
	static const char *const columns[] = {"name", "position", "when", "then"};
	json_t                  *hits, *row;
	size_t                   i;

	api_object_list(call, CONF_RULE, columns, sizeof(columns) / sizeof(columns[0]));
	if (call->status != API_OK)
		return;
	hits = hits_by_name(call->control);
	json_array_append_new(json_object_get(call->reply, "columns"), json_string("hits"));
	json_array_foreach(json_object_get(call->reply, "rows"), i, row)
	{
		json_t *count = json_object_get(hits, json_string_value(json_array_get(row, 0)));

		json_array_append_new(row, count != NULL ? json_incref(count) : json_null());
	}
	json_decref(hits);
}

void api_rule_show(struct api_call *call)
{
	api_object_show(call, CONF_RULE, name_of(call));
}

static bool last_position(void *user, const char *id, const void *object)
{
	const struct conf_rule *rule = object;
	uint32_t               *last = user;

	(void)id;
	if (rule->position > *last)
		*last = rule->position;
	return true;
}

/* A rule without a position comes after the last. */
static void position_give(struct api_call *call)
{
	uint32_t last = 0;

	if (json_object_get(call->args, "position") != NULL)
		return;
	control_object_each(call->control, CONF_RULE, "", last_position, &last);
	json_object_set_new(call->args, "position", json_integer((json_int_t)last + POSITION_STEP));
}

void api_rule_add(struct api_call *call)
{
	position_give(call);
	api_object_add(call, CONF_RULE, name_of(call));
}

void api_rule_set(struct api_call *call)
{
	api_object_set(call, CONF_RULE, name_of(call));
}

void api_rule_remove(struct api_call *call)
{
	api_object_remove(call, CONF_RULE, name_of(call));
}
