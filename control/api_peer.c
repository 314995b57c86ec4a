/* `cpmctl peer ...`. */
#include "api_call.h"

static const char *name_of(struct api_call *call)
{
	const char *name = api_text(call, "name");

	return name != NULL ? name : "";
}

void api_peer_list(struct api_call *call)
{
	static const char *const columns[] = {"name",      "protocol", "host", "port",
					      "system_id", "password", "bind", "connections",
					      "window",    "rate",     "queue"};

	api_object_list(call, CONF_PEER, columns, sizeof(columns) / sizeof(columns[0]));
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
