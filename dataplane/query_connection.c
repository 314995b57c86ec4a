/* `cpmctl connection ...`: what TCP knows of its connections, asked of each worker in turn. */
#include "query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker.h"

static void connection_id(const struct worker *w, uint32_t handle, char room[48])
{
	snprintf(room, 48, "%u-%u-%u", w->number, handle & 0xffffffu, handle >> 24);
}

static void address_text(const struct net_addr *address, uint16_t port, char room[80])
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(address->ip6 ? AF_INET6 : AF_INET, address->w, text, sizeof(text));
	snprintf(room, 80, address->ip6 ? "[%s]:%u" : "%s:%u", text, port);
}

static const char *party_name(const struct world *world, const struct mailbox_connection *c)
{
	const struct world_account *a =
		c->account != MSG_SLOT_NONE ? world_account(world, c->account) : NULL;
	const struct world_peer *p = c->peer != MSG_SLOT_NONE ? world_peer(world, c->peer) : NULL;

	return a != NULL ? a->conf->name : p != NULL ? p->conf->name : "";
}

static void list_row(const struct dataplane *dp, const struct worker *w,
		     const struct mailbox_connection *c, json_t *rows)
{
	const struct tcp_info *i = &c->info;
	char                   id[48] = "", local[80], remote[80], session[48] = "";

	if (c->handle != TCP_CONN_NONE)
		connection_id(w, c->handle, id);
	address_text(&i->local, i->local_port, local);
	address_text(&i->remote, i->remote_port, remote);
	if (c->has_session)
		query_session_id(c->session, session);
	json_array_append_new(rows,
			      json_pack("[s, s, s, s, s, s, i, I, I, I, I, I, I, I, I, I]", id,
					local, remote, i->state, party_name(dp->world.current, c),
					session, (int)w->number, (json_int_t)i->srtt_us,
					(json_int_t)(i->rto_us / 1000), (json_int_t)i->cwnd,
					(json_int_t)i->send_queued, (json_int_t)i->receive_queued,
					(json_int_t)i->mss, (json_int_t)i->retransmits,
					(json_int_t)i->bytes_in, (json_int_t)i->bytes_out));
}

/* false: the worker does not answer. */
static bool list_kind(struct dataplane *dp, struct worker *w, enum mailbox_kind kind, json_t *rows)
{
	uint32_t from = 0;

	while (from != UINT32_MAX) {
		if (!mailbox_ask(w, kind, from, (struct session_ref){0}))
			return false;
		for (uint32_t r = 0; r < w->mailbox.count; r++)
			list_row(dp, w, &w->mailbox.connections[r], rows);
		from = w->mailbox.from;
	}
	return true;
}

int query_connection_list(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const columns[] = {
		"id",     "local",       "remote",   "state",    "party",      "session",
		"worker", "srtt_us",     "rto_ms",   "cwnd",     "send_queue", "receive_queue",
		"mss",    "retransmits", "bytes_in", "bytes_out"};
	bool    closed = query_flag(args, "closed");
	json_t *rows;

	*reply = query_table(columns, sizeof(columns) / sizeof(columns[0]), &rows);
	for (unsigned i = 0; i < dp->worker_count; i++) {
		struct worker *w = dp->workers[i];
		bool           told;

		if (closed)
			told = list_kind(dp, w, MAILBOX_CLOSED_CONNECTIONS, rows);
		else
			told = list_kind(dp, w, MAILBOX_CONNECTIONS, rows) &&
			       list_kind(dp, w, MAILBOX_OTHER_CONNECTIONS, rows);
		if (!told) {
			json_decref(*reply);
			return query_worker_silent(w, error);
		}
	}
	return 0;
}

static void show_row(json_t *rows, const char *at, const char *what, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void show_row(json_t *rows, const char *at, const char *what, const char *format, ...)
{
	char    text[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_array_append_new(rows, json_pack("[s, s, s]", at, what, text));
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void show_who(const struct dataplane *dp, const struct worker *w,
		     const struct mailbox_connection *c, json_t *rows)
{
	const struct tcp_info *i = &c->info;
	char                   text[80];

	address_text(&i->local, i->local_port, text);
	show_row(rows, "", "local", "%s", text);
	address_text(&i->remote, i->remote_port, text);
	show_row(rows, "", "remote", "%s", text);
	show_row(rows, "", "state", "%s", i->state);
	if (c->closed)
		show_row(rows, "", "why", "%s", reason_text(i->why));
	show_row(rows, "", "opened_by", "%s", i->accepted ? "peer" : "us");
	show_row(rows, "", "party", "%s", party_name(dp->world.current, c));
	text[0] = '\0';
	if (c->has_session)
		query_session_id(c->session, text);
	show_row(rows, "", "session", "%s", text);
	show_row(rows, "", "worker", "%u", w->number);
	show_row(rows, "", "silent_ms", "%" PRIu32, i->silent_ms);
}

static void show_numbers(const struct tcp_info *i, json_t *rows)
{
	show_row(rows, "", "srtt_us", "%" PRIu32, i->srtt_us);
	show_row(rows, "", "rttvar_us", "%" PRIu32, i->rttvar_us);
	show_row(rows, "", "rto_ms", "%" PRIu32, i->rto_us / 1000);
	show_row(rows, "", "congestion_control", "%s", i->congestion_control);
	show_row(rows, "", "cwnd", "%" PRIu32, i->cwnd);
	if (i->ssthresh != UINT32_MAX)
		show_row(rows, "", "ssthresh", "%" PRIu32, i->ssthresh);
	show_row(rows, "", "in_flight", "%" PRIu32, i->in_flight);
	show_row(rows, "", "peer_window", "%" PRIu32, i->peer_window);
	show_row(rows, "", "our_window", "%" PRIu32, i->our_window);
	show_row(rows, "", "send_queue", "%" PRIu32, i->send_queued);
	show_row(rows, "", "receive_queue", "%" PRIu32, i->receive_queued);
	show_row(rows, "", "out_of_order", "%" PRIu32, i->out_of_order);
	show_row(rows, "", "mss", "%" PRIu32, i->mss);
	show_row(rows, "", "sack", "%s", yes_no(i->sack));
	show_row(rows, "", "timestamps", "%s", yes_no(i->timestamps));
	show_row(rows, "", "window_scale", "%s", yes_no(i->scaled));
	show_row(rows, "", "retransmits", "%" PRIu64, i->retransmits);
	show_row(rows, "", "bytes_in", "%" PRIu64, i->bytes_in);
	show_row(rows, "", "bytes_out", "%" PRIu64, i->bytes_out);
}

/* Each with its age: how long before the question. */
static void show_records(const struct mailbox *m, json_t *rows)
{
	for (unsigned i = 0; i < m->record_count; i++) {
		const struct tcp_trace_entry *entry = &m->records[i];
		char                          at[32], what[32], detail[96];

		snprintf(at, sizeof(at), "-%.6f", (double)(m->asked_us - entry->us) / 1e6);
		tcp_trace_text(entry, what, detail);
		show_row(rows, at, what, "%s", detail);
	}
}

int query_connection_show(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const columns[] = {"at_s", "what", "value"};
	const char              *id = query_argument(args, "id");
	unsigned                 worker, index, generation;
	struct worker           *w;
	json_t                  *rows;

	if (id == NULL || sscanf(id, "%u-%u-%u", &worker, &index, &generation) != 3 ||
	    worker >= dp->worker_count || index > 0xffffff || generation > 0xff) {
		snprintf(error, 256,
			 "no connection has the id '%.40s'; `cpmctl connection list` shows those "
			 "that are open, with --closed those that ended last",
			 id != NULL ? id : "");
		return -EINVAL;
	}
	w = dp->workers[worker];
	if (!mailbox_ask(w, MAILBOX_CONNECTION, generation << 24 | index, (struct session_ref){0}))
		return query_worker_silent(w, error);
	if (w->mailbox.count == 0) {
		snprintf(error, 256, "connection %.40s has ended, and its record is gone", id);
		return -EINVAL;
	}
	*reply = query_table(columns, 3, &rows);
	show_who(dp, w, &w->mailbox.connections[0], rows);
	show_numbers(&w->mailbox.connections[0].info, rows);
	show_records(&w->mailbox, rows);
	return 0;
}
