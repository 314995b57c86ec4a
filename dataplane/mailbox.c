#include "mailbox.h"

#include <time.h>

#include "conn_private.h"
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
					.detached = c->detached,
					.transport = c->ws != NULL ? "ws"
						     : c->datagram ? "udp"
								   : "tcp",
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
	row->has_party = conn_has_session(c) && c->ops->party != NULL;
	if (row->has_party)
		c->ops->party(c->session, &row->party);
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

static void connection_row(struct worker *w, uint32_t handle, struct mailbox_connection *row)
{
	const struct conn *c;

	*row = (struct mailbox_connection){
		.handle = handle, .account = MSG_SLOT_NONE, .peer = MSG_SLOT_NONE};
	row->closed = !tcp_info(w->tcp, handle, &row->info);
	if (row->closed) {
		tcp_closed_info(w->tcp, handle, &row->info);
		return;
	}
	c = conn_of_tcp(w, row->info.user);
	if (c == NULL)
		return;
	row->has_session = true;
	row->session = conn_ref(w, c);
	row->account = c->account;
	row->peer = c->peer;
}

static void connections_fill(struct worker *w, struct mailbox *m)
{
	uint32_t handles[MAILBOX_ROWS];

	m->count = tcp_list(w->tcp, &m->from, handles, MAILBOX_ROWS);
	for (uint32_t i = 0; i < m->count; i++)
		connection_row(w, handles[i], &m->connections[i]);
}

static void others_fill(struct worker *w, struct mailbox *m)
{
	struct tcp_info infos[MAILBOX_ROWS];

	m->count = tcp_list_others(w->tcp, &m->from, infos, MAILBOX_ROWS);
	for (uint32_t i = 0; i < m->count; i++)
		m->connections[i] = (struct mailbox_connection){.handle = TCP_CONN_NONE,
								.account = MSG_SLOT_NONE,
								.peer = MSG_SLOT_NONE,
								.info = infos[i]};
}

static void closed_fill(struct worker *w, struct mailbox *m)
{
	uint32_t handles[TCP_TRACE_CLOSED_MAX];
	uint32_t n = tcp_closed_list(w->tcp, handles, TCP_TRACE_CLOSED_MAX), at = m->from;

	for (m->count = 0; at < n && m->count < MAILBOX_ROWS; at++)
		connection_row(w, handles[at], &m->connections[m->count++]);
	m->from = at < n ? at : UINT32_MAX;
}

static void connection_fill(struct worker *w, struct mailbox *m)
{
	struct tcp_info info;

	m->count = tcp_info(w->tcp, m->from, &info) || tcp_closed_info(w->tcp, m->from, &info);
	if (m->count == 0)
		return;
	connection_row(w, m->from, &m->connections[0]);
	m->asked_us = w->now.us;
	m->record_count = tcp_trace_read(w->tcp, m->from, m->records);
}

static void domain_row(struct worker *w, const struct domain *d, struct mailbox_domain *row)
{
	const struct conn *c = d->conn != 0 ? &w->conns.table[d->conn - 1] : NULL;

	*row = (struct mailbox_domain){.state = d->state, .why = d->why, .failures = d->failures};
	str_copy(row->name, sizeof(row->name), (struct str){d->name, d->size});
	if (d->state == DOMAIN_FAILED && d->retry_us > w->now.us)
		row->retry_us = d->retry_us - w->now.us;
	if (c == NULL)
		return;
	row->session = conn_ref(w, c);
	row->searched = c->state == CONN_CONNECTING && c->tcp == TCP_CONN_NONE;
	row->waiting = c->queued;
}

static void domains_fill(struct worker *w, struct mailbox *m)
{
	uint32_t i = m->from;

	for (m->count = 0; i < w->domains.used && m->count < MAILBOX_ROWS; i++)
		domain_row(w, &w->domains.table[i], &m->domains[m->count++]);
	m->from = i < w->domains.used ? i : UINT32_MAX;
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
	case MAILBOX_GONE: {
		struct conn *c = conn_get(w, m->ref);

		m->count = c != NULL && c->state == CONN_OPEN;
		if (m->count == 1)
			conn_close(w, c, REASON_ACCOUNT_GONE);
		break;
	}
	case MAILBOX_NOTICE: {
		struct conn *c = conn_get(w, m->ref);

		m->count = c != NULL && c->state == CONN_OPEN && c->ops->notice != NULL;
		if (m->count == 1) {
			c->ops->notice(c->session);
			conn_touch(w, c);
		}
		break;
	}
	case MAILBOX_CONNECTIONS:
		connections_fill(w, m);
		break;
	case MAILBOX_OTHER_CONNECTIONS:
		others_fill(w, m);
		break;
	case MAILBOX_CLOSED_CONNECTIONS:
		closed_fill(w, m);
		break;
	case MAILBOX_CONNECTION:
		connection_fill(w, m);
		break;
	case MAILBOX_DOMAINS:
		domains_fill(w, m);
		break;
	case MAILBOX_DOMAIN_RETRY:
		m->count = domain_retry(w, str_of(m->domain));
		break;
	}
	/* Release: pairs with the acquire in mailbox_ask(). */
	atomic_store_explicit(&m->state, MAILBOX_ANSWERED, memory_order_release);
}

/* Is the mailbox ours, and not a worker's that has never answered an earlier question? */
static bool is_free(struct mailbox *m)
{
	return atomic_load_explicit(&m->state, memory_order_acquire) != MAILBOX_ASKED;
}

bool mailbox_ask(struct worker *w, enum mailbox_kind kind, uint32_t from, struct session_ref ref)
{
	struct mailbox       *m = &w->mailbox;
	const struct timespec step = {.tv_nsec = WAIT_STEP_NS};

	if (!is_free(m))
		return false;
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

bool mailbox_ask_domain(struct worker *w, struct str domain)
{
	struct mailbox *m = &w->mailbox;

	return is_free(m) && str_copy(m->domain, sizeof(m->domain), domain) &&
	       mailbox_ask(w, MAILBOX_DOMAIN_RETRY, 0, (struct session_ref){0});
}
