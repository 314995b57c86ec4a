#include "mailbox.h"

#include <time.h>

#include "worker.h"

#define WAIT_STEP_NS 200000
#define WAIT_STEPS 5000

static void session_row(struct worker *w, const struct conn *c, struct mailbox_session *row)
{
	*row = (struct mailbox_session){.ref = conn_ref(w, c),
					.role = c->role,
					.state = c->state,
					.may = c->may,
					.logged_in = c->logged_in,
					.account = c->account,
					.peer = c->peer,
					.queued = c->queued,
					.open = c->open,
					.since_ms = c->since_ms,
					.msgs_in = c->msgs_in,
					.msgs_out = c->msgs_out,
					.remote_port = c->flow.port};
	memcpy(row->remote.w, c->flow.address, sizeof(row->remote.w));
	row->remote.ip6 = c->flow.ip6;
	row->window_used = c->state == CONN_OPEN ? c->ops->window_used(c->session) : 0;
}

static void sessions_fill(struct worker *w, struct mailbox *m)
{
	uint32_t i = m->from;

	m->count = 0;
	for (; i < w->conns.used_high && m->count < MAILBOX_ROWS; i++) {
		if (w->conns.table[i].state != CONN_FREE)
			session_row(w, &w->conns.table[i], &m->rows[m->count++]);
	}
	m->from = i < w->conns.used_high ? i : UINT32_MAX;
}

void mailbox_turn(struct worker *w)
{
	struct mailbox *m = &w->mailbox;

	/* Acquire: pairs with the release in mailbox_ask(). */
	if (atomic_load_explicit(&m->state, memory_order_acquire) != MAILBOX_ASKED)
		return;
	switch ((enum mailbox_kind)m->kind) {
	case MAILBOX_SESSIONS:
		sessions_fill(w, m);
		break;
	case MAILBOX_CLOSE: {
		struct conn *c = conn_get(w, m->ref);

		m->count = c != NULL;
		if (c != NULL)
			conn_part(w, c, REASON_CLOSED_BY_OPERATOR);
		break;
	}
	}
	/* Release: pairs with the acquire in mailbox_ask(). */
	atomic_store_explicit(&m->state, MAILBOX_ANSWERED, memory_order_release);
}

bool mailbox_ask(struct worker *w, enum mailbox_kind kind, uint32_t from, struct session_ref ref)
{
	struct mailbox       *m = &w->mailbox;
	const struct timespec step = {.tv_nsec = WAIT_STEP_NS};

	if (atomic_load_explicit(&m->state, memory_order_acquire) == MAILBOX_ASKED)
		return false; /* an earlier question was never answered */
	m->kind = kind;
	m->from = from;
	m->ref = ref;
	atomic_store_explicit(&m->state, MAILBOX_ASKED, memory_order_release);
	for (unsigned i = 0; i < WAIT_STEPS; i++) {
		if (atomic_load_explicit(&m->state, memory_order_acquire) == MAILBOX_ANSWERED)
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}
