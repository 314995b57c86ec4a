/* `cpmctl session ...` and `cpmctl worker ...`: what the dataplane alone knows. */
#include "api_call.h"

void api_session_list(struct api_call *call)
{
	api_query(call, "session_list", json_incref(call->args));
}

void api_session_close(struct api_call *call)
{
	api_query(call, "session_close", json_incref(call->args));
}

void api_worker_list(struct api_call *call)
{
	api_query(call, "workers", json_incref(call->args));
}
