/* `cpmctl port ...`: the ports of the dataplane, and faults for the laboratory. */
#include "api_call.h"

#include "base/log.h"

void api_port_list(struct api_call *call)
{
	api_query(call, "port_list", json_incref(call->args));
}

void api_port_fault(struct api_call *call)
{
	const char        *off = api_text(call, "off");
	struct conf_fault  wanted;
	struct conf_faults faults = {0, NULL};
	json_t            *keys = json_copy(call->args);
	int                err;

	json_object_del(keys, "off");
	err = conf_fault_from_json(&wanted, keys, "request", &faults);
	if (err < 0) {
		api_error(call, API_REFUSED, &faults, "refused: nothing was changed");
	} else if (off != NULL && (strcmp(off, "off") != 0 || json_object_size(keys) > 1)) {
		api_error(call, API_BAD_REQUEST, NULL,
			  "'%.40s' is not understood; write `off` alone, or keys as in loss=10",
			  off);
	} else if (off == NULL && json_object_size(keys) == 1) {
		api_error(call, API_BAD_REQUEST, NULL,
			  "this wants more; write `off`, or keys as in loss=10");
	} else {
		api_query(call, "port_fault", json_incref(keys));
		log_info("port.fault",
			 "name=\"%s\" loss=%u duplicate=%u reorder=%u corrupt=%u "
			 "delay=%u who=\"%s\" status=%u",
			 wanted.name, wanted.loss, wanted.duplicate, wanted.reorder, wanted.corrupt,
			 wanted.delay, call->who, call->status);
	}
	json_decref(keys);
}
