/* `cpmctl session ...`, `cpmctl domain ...`, `cpmctl connection ...` and `cpmctl worker ...`: what
 * the dataplane alone knows. */
#include "api_call.h"

#include "base/log.h"

#include "domains.h"

void api_session_list(struct api_call *call)
{
	api_query(call, "session_list", json_incref(call->args));
}

void api_session_close(struct api_call *call)
{
	const char *id = api_text(call, "id");

	api_query(call, "session_close", json_incref(call->args));
	log_info("session.close", "id=\"%.40s\" who=\"%s\" status=%u", id != NULL ? id : "",
		 call->who, call->status);
}

void api_domain_list(struct api_call *call)
{
	api_query(call, "domain_list", json_incref(call->args));
}

void api_domain_retry(struct api_call *call)
{
	const char *name = api_text(call, "name");

	if (name != NULL)
		domains_forget(call->control->domains, str_of(name));
	api_query(call, "domain_retry", json_incref(call->args));
	log_info("domain.retry", "name=\"%.120s\" who=\"%s\" status=%u", name != NULL ? name : "",
		 call->who, call->status);
}

void api_connection_list(struct api_call *call)
{
	api_query(call, "connection_list", json_incref(call->args));
}

void api_connection_show(struct api_call *call)
{
	api_query(call, "connection_show", json_incref(call->args));
}

void api_worker_list(struct api_call *call)
{
	api_query(call, "workers", json_incref(call->args));
}
