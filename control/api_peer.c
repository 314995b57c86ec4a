/* `cpmctl peer ...`. */
#include "api_call.h"

static const char *name_of(struct api_call *call)
{
	const char *name = api_text(call, "name");

	return name != NULL ? name : "";
}

/* How many sessions each peer has that are bound, by name; NULL while the dataplane is down. The
 * caller owns it. */
static json_t *bound_by_name(struct control *control)
{
	json_t *args = json_object(), *reply = NULL, *by_name = NULL, *row;
	char    error[256];
	size_t  i, kind, party, state;

	if (control_query(control, "session_list", args, &reply, error) == 0) {
		by_name = json_object();
		kind = api_column(reply, "kind");
		party = api_column(reply, "party");
		state = api_column(reply, "state");
		json_array_foreach(json_object_get(reply, "rows"), i, row)
		{
			const char *name = json_string_value(json_array_get(row, party));
			const char *of = json_string_value(json_array_get(row, kind)),
				   *is = json_string_value(json_array_get(row, state));

			if (name != NULL && of != NULL && is != NULL && strcmp(of, "peer") == 0 &&
			    strcmp(is, "bound") == 0)
				json_object_set_new(by_name, name,
						    json_integer(json_integer_value(json_object_get(
									 by_name, name)) +
								 1));
		}
	}
	json_decref(reply);
	json_decref(args);
	return by_name;
}

void api_peer_list(struct api_call *call)
{
	static const char *const columns[] = {"name",      "protocol", "host", "port",
					      "system_id", "password", "bind", "connections",
					      "window",    "rate",     "queue"};
	json_t                  *bound, *row;
	size_t                   i;

	api_object_list(call, CONF_PEER, columns, sizeof(columns) / sizeof(columns[0]));
	if (call->status != API_OK)
		return;
	bound = bound_by_name(call->control);
	json_array_append_new(json_object_get(call->reply, "columns"), json_string("bound"));
	json_array_foreach(json_object_get(call->reply, "rows"), i, row)
	{
		const char *name = json_string_value(json_array_get(row, 0));

		json_array_append_new(row, bound != NULL ? json_integer(json_integer_value(
								   json_object_get(bound, name)))
							 : json_null());
	}
	json_decref(bound);
}

void api_peer_show(struct api_call *call)
{
	api_object_show(call, CONF_PEER, name_of(call));
}

void api_peer_add(struct api_call *call)
{
	api_object_add(call, CONF_PEER, name_of(call));
}

void api_peer_set(struct api_call *call)
{
	api_object_set(call, CONF_PEER, name_of(call));
}

void api_peer_remove(struct api_call *call)
{
	api_object_remove(call, CONF_PEER, name_of(call));
}
