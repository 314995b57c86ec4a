#include "copies.h"
#include "pipeline.h"
#include "worker.h"

void stage_deliver(struct worker *w, struct item items[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bool resend = items[i].account != NULL && items[i].account->conf->resend_unknown;

		copies_sent(w, items[i].msg);
		flight_start(w, items[i].msg, items[i].routes, items[i].rule_route, resend,
			     items[i].msg->mode == MSG_DATAGRAM);
		items[i].msg = NULL;
	}
}
