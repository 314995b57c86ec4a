/* `cpmctl route ...`. A route is named by its destination and priority. */
#include "api_call.h"

#include "conf/key.h"

/* "TO PRIORITY"; the priority as given, or the default of keys.def. */
static const char *id_of(struct api_call *call, char room[128])
{
	const char            *to = api_text(call, "to");
	const json_t          *priority = json_object_get(call->args, "priority");
	const struct conf_key *key = conf_key_find(CONF_SECTION_route, STR("priority"));

	if (json_is_integer(priority))
		snprintf(room, 128, "%.120s %lld", to != NULL ? to : "",
			 (long long)json_integer_value(priority));
	else
		snprintf(room, 128, "%.120s %.6s", to != NULL ? to : "",
			 json_is_string(priority) ? json_string_value(priority)
						  : key->default_text);
	return room;
}

void api_route_list(struct api_call *call)
{
	static const char *const columns[] = {"to", "priority", "via"};

	api_object_list(call, CONF_ROUTE, columns, sizeof(columns) / sizeof(columns[0]));
}

void api_route_show(struct api_call *call)
{
	char id[128];

	api_object_show(call, CONF_ROUTE, id_of(call, id));
}

void api_route_add(struct api_call *call)
{
	char id[128];

	api_object_add(call, CONF_ROUTE, id_of(call, id));
}

void api_route_set(struct api_call *call)
{
	char id[128];

	api_object_set(call, CONF_ROUTE, id_of(call, id));
}

void api_route_remove(struct api_call *call)
{
	char id[128];

	api_object_remove(call, CONF_ROUTE, id_of(call, id));
}

void api_route_explain(struct api_call *call)
{
	api_query(call, "route_explain", json_incref(call->args));
}
