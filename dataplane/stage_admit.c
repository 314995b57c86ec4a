#include "base/assert.h"
#include "msg/id.h"

#include "pipeline.h"
#include "worker.h"

static enum reason admit(struct worker *w, struct item *i)
{
	struct msg *m = i->msg;

	if (w->world == NULL)
		return REASON_ACCOUNT_GONE;
	if (w->drain.state != DRAIN_NOT)
		return REASON_SHUTDOWN;
	if (m->account != MSG_SLOT_NONE) {
		i->account = world_account(w->world, m->account);
		if (i->account == NULL)
			return REASON_ACCOUNT_GONE;
		if (m->from.size > 0 && !world_sender_allowed(i->account, msg_addr(m, &m->from)))
			return REASON_SENDER;
		if (!limit_take(&w->dp->accounts[m->account].rate, &w->account_leases[m->account],
				w->now, 1))
			return REASON_RATE;
		if (m->mode == MSG_MODE_DEFAULT)
			m->mode = i->account->conf->mode;
	} else if (m->peer != MSG_SLOT_NONE) {
		i->peer = world_peer(w->world, m->peer);
		if (i->peer == NULL)
			return REASON_ACCOUNT_GONE;
	}
	if (m->hops >= MSG_HOPS_MAX)
		return REASON_LOOP;
	if (!msg_is_report(m) && m->to.size == 0)
		return REASON_DESTINATION;
	/* Acquire: pairs with the release of the management thread, which raises it when the lease
	 * is on disk. */
	if (w->sequence >= atomic_load_explicit(&w->dp->sequence_end, memory_order_acquire))
		return REASON_POOL;
	m->id = msg_id_make(w->dp->file->cpm.node_number, w->number, w->sequence++);
	m->received_us = w->now.us;
	return REASON_NONE;
}

void stage_admit(struct worker *w, struct item items[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		enum reason why = admit(w, &items[i]);

		if (why != REASON_NONE) {
			refuse(w, items[i].msg, why);
			items[i].msg = NULL;
		} else if (msg_is_report(items[i].msg) &&
			   (items[i].account == NULL ||
			    items[i].account->conf->domain[0] != '\0')) {
			flight_start_receipt(
				w,
				items[i].msg); /* its way was decided when its message went out */
			items[i].msg = NULL;
		}
	}
}
