#include "pipeline.h"
#include "registered.h"
#include "worker.h"

void stage_route(struct worker *w, struct item items[], unsigned n)
{
	struct str              to[PIPELINE_BURST] = {0};
	const struct route_set *found[PIPELINE_BURST] = {0};

	for (unsigned i = 0; i < n; i++) {
		to[i] = msg_addr(items[i].msg, &items[i].msg->to);
	}
	if (w->world->routes != NULL)
		route_find_burst(w->world->routes, to, n, found);
	for (unsigned i = 0; i < n; i++) {
		if (items[i].rule_route != UINT32_MAX)
			found[i] = world_rule_route(w->world, items[i].rule_route);
		items[i].routes = found[i];
		if (found[i] != NULL)
			continue;
		if (registered_here(w->dp, to[i])) {
			items[i].routes = &flight_here;
		} else if (!domains_target(w, to[i], &(struct route_target){0})) {
			refuse(w, items[i].msg, REASON_NO_ROUTE);
			items[i].msg = NULL;
		}
	}
}
