/* Questions about registrations: where addresses of record are reached now. */
#include "query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "registry/registry.h"

#include "dataplane.h"
#include "directory.h"
#include "registered.h"

#define ROWS_MAX 10000u /* of a list; what is beyond is counted in its last row */

struct listing {
	json_t     *rows;
	const char *protocol, *address; /* NULL: all */
	uint64_t    now_us, left_out;
	bool        all; /* every column of `show` */
};

static json_t *text(struct str s)
{
	return json_stringn_nocheck(s.p, s.n);
}

static json_t *flow_text(const struct flow *f)
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(f->ip6 ? AF_INET6 : AF_INET, f->address, address, sizeof(address));
	return f->ip6 ? json_sprintf("[%s]:%u", address, f->port)
		      : json_sprintf("%s:%u", address, f->port);
}

static json_t *binding_row(const struct listing *l, unsigned protocol, const struct proto_record *r,
			   const struct proto_binding *b)
{
	uint64_t left_s =
		b->expires_us > l->now_us ? (b->expires_us - l->now_us) / US_PER_SECOND : 0;
	char    session[48], takes[QUERY_ABILITIES_SIZE];
	json_t *row =
		json_pack("[o, s, o, o, I, i]", text(r->address), registry_ops(protocol)->name,
			  text(proto_binding_text(r, b, BINDING_CONTACT)), flow_text(&b->flow),
			  (json_int_t)left_s, b->priority);

	query_session_id(b->session, session);
	json_array_append_new(row, json_string(session));
	if (!l->all)
		return row;
	json_array_append_new(row, text(proto_binding_text(r, b, BINDING_PATH)));
	json_array_append_new(row, text(proto_binding_text(r, b, BINDING_INSTANCE)));
	json_array_append_new(row, text(proto_binding_text(r, b, BINDING_CALL)));
	json_array_append_new(row, json_integer(b->sequence));
	json_array_append_new(row, json_integer(b->id));
	query_abilities(registry_ops(protocol)->abilities != NULL
				? registry_ops(protocol)->abilities(b->features)
				: 0,
			takes);
	json_array_append_new(row, json_string(takes));
	return row;
}

static bool visit(void *user, unsigned protocol, const struct proto_record *r)
{
	struct listing *l = user;

	if ((l->protocol != NULL && strcmp(l->protocol, registry_ops(protocol)->name) != 0) ||
	    (l->address != NULL && !str_eq(str_of(l->address), r->address)))
		return true;
	for (uint32_t i = 0; i < r->count; i++) {
		if (json_array_size(l->rows) >= ROWS_MAX)
			l->left_out++;
		else
			json_array_append_new(l->rows,
					      binding_row(l, protocol, r, &r->bindings[i]));
	}
	return true;
}

static const char *const columns[] = {"address",  "protocol", "contact", "from",     "expires_s",
				      "priority", "session",  "path",    "instance", "call",
				      "sequence", "id",       "takes"};
#define LIST_COLUMNS 7u

int query_registration_list(struct dataplane *dp, const json_t *args, json_t **reply,
			    char error[256])
{
	struct listing l = {.protocol = query_argument(args, "protocol"),
			    .now_us = query_clock_us(dp)};

	*reply = query_table(columns, LIST_COLUMNS, &l.rows);
	directory_each(dp->directory, visit, &l);
	if (l.left_out > 0)
		json_array_append_new(
			l.rows, json_pack("[o, s, s, s, i, i, s]",
					  json_sprintf("%llu more", (unsigned long long)l.left_out),
					  "", "", "", 0, 0, ""));
	return 0;
}

static int nobody(const char *address, char error[256])
{
	snprintf(error, 256,
		 "nobody is registered as '%.100s'; `cpmctl registration list` shows who is",
		 address != NULL ? address : "");
	return -EINVAL;
}

int query_registration_show(struct dataplane *dp, const json_t *args, json_t **reply,
			    char error[256])
{
	struct listing l = {.address = query_argument(args, "address"),
			    .now_us = query_clock_us(dp),
			    .all = true};

	*reply = query_table(columns, sizeof(columns) / sizeof(columns[0]), &l.rows);
	if (l.address != NULL)
		directory_each(dp->directory, visit, &l);
	if (json_array_size(l.rows) > 0)
		return 0;
	json_decref(*reply);
	return nobody(l.address, error);
}

int query_notices(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const away[] = {"away"};
	const json_t            *user;
	json_t                  *rows;
	size_t                   i;

	*reply = query_table(away, 1, &rows);
	json_array_foreach(json_object_get(args, "users"), i, user)
	{
		const char *jid = json_string_value(user);
		char        address[MSG_ADDR_SIZE_MAX];
		bool        told = false;

		if (jid == NULL)
			continue;
		if (snprintf(address, sizeof(address), "xmpp:%s", jid) < (int)sizeof(address) &&
		    !registered_notice(dp, str_of(address), &told)) {
			json_decref(*reply);
			snprintf(error, 256, "a worker does not answer");
			return -EINVAL;
		}
		if (!told)
			json_array_append_new(rows, json_pack("[s]", jid));
	}
	return 0;
}

int query_registration_remove(struct dataplane *dp, const json_t *args, json_t **reply,
			      char error[256])
{
	static const char *const names[] = {"address", "result"};
	const char              *address = query_argument(args, "address");
	bool                     removed = false;
	json_t                  *rows;

	for (unsigned p = 0; address != NULL && p < PROTO_COUNT; p++)
		removed = directory_remove(dp->directory, dp->worker_count, p, str_of(address)) ||
			  removed;
	if (!removed)
		return nobody(address, error);
	*reply = query_table(names, 2, &rows);
	json_array_append_new(rows, json_pack("[s, s]", address, "removed"));
	return 0;
}
