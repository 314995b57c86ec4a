/* `cpmctl registration ...`: what the dataplane alone knows. */
#include "api_call.h"

#include "base/log.h"

void api_registration_list(struct api_call *call)
{
	api_query(call, "registration_list", json_incref(call->args));
}

void api_registration_show(struct api_call *call)
{
	api_query(call, "registration_show", json_incref(call->args));
}

void api_registration_remove(struct api_call *call)
{
	api_query(call, "registration_remove", json_incref(call->args));
	log_info("registration.remove", "who=\"%s\" status=%u", call->who, call->status);
}
