/* `cpmctl subscriber ...`. */
#include "api_call.h"

static const char *address_of(struct api_call *call)
{
	const char *address = api_text(call, "address");

	return address != NULL ? address : "";
}

void api_subscriber_list(struct api_call *call)
{
	static const char *const columns[] = {"address", "sip", "xmpp", "password", "reach"};

	api_object_list(call, CONF_SUBSCRIBER, columns, sizeof(columns) / sizeof(columns[0]));
}

void api_subscriber_show(struct api_call *call)
{
	api_object_show(call, CONF_SUBSCRIBER, address_of(call));
}

void api_subscriber_add(struct api_call *call)
{
	api_object_add(call, CONF_SUBSCRIBER, address_of(call));
}

void api_subscriber_set(struct api_call *call)
{
	api_object_set(call, CONF_SUBSCRIBER, address_of(call));
}

void api_subscriber_remove(struct api_call *call)
{
	api_object_remove(call, CONF_SUBSCRIBER, address_of(call));
}
