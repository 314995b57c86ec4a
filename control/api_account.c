/* `cpmctl account ...`. */
#include "api_call.h"

static const char *name_of(struct api_call *call)
{
	const char *name = api_text(call, "name");

	return name != NULL ? name : "";
}

void api_account_list(struct api_call *call)
{
	static const char *const columns[] = {"name", "protocol", "system_id", "password",
					      "bind", "sessions", "window",    "rate",
					      "mode", "sender"};

	api_object_list(call, CONF_ACCOUNT, columns, sizeof(columns) / sizeof(columns[0]));
}

void api_account_show(struct api_call *call)
{
	api_object_show(call, CONF_ACCOUNT, name_of(call));
}

void api_account_add(struct api_call *call)
{
	api_object_add(call, CONF_ACCOUNT, name_of(call));
}

void api_account_set(struct api_call *call)
{
	api_object_set(call, CONF_ACCOUNT, name_of(call));
}

void api_account_remove(struct api_call *call)
{
	api_object_remove(call, CONF_ACCOUNT, name_of(call));
}
