/* Questions about domains of open federation. */
#include "query.h"

#include <errno.h>
#include <stdio.h>

#include "base/aor.h"
#include "base/reason.h"

#include "worker.h"

static const char *state_text(const struct mailbox_domain *d)
{
	switch ((enum domain_state)d->state) {
	case DOMAIN_IDLE:
		break;
	case DOMAIN_CONNECTING:
		return d->searched ? "resolving" : "connecting";
	case DOMAIN_UP:
		return "up";
	case DOMAIN_FAILED:
		return "failed";
	}
	return "idle";
}

static void domain_row(const struct mailbox_domain *d, unsigned worker, json_t *rows)
{
	bool open = d->state == DOMAIN_CONNECTING || d->state == DOMAIN_UP;
	char session[48] = "";

	if (open)
		query_session_id(d->session, session);
	json_array_append_new(rows,
			      json_pack("[s, s, i, i, i, s, i, s]", d->name, state_text(d),
					(int)d->waiting, (int)d->failures,
					(int)((d->retry_us + US_PER_SECOND - 1) / US_PER_SECOND),
					session, (int)worker,
					d->failures > 0 ? reason_text((enum reason)d->why) : ""));
}

int query_domain_list(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const columns[] = {"domain",  "state",   "waiting", "failures",
					      "retry_s", "session", "worker",  "why"};
	json_t                  *rows;

	(void)args;
	*reply = query_table(columns, sizeof(columns) / sizeof(columns[0]), &rows);
	for (unsigned i = 0; i < dp->worker_count; i++) {
		struct worker *w = dp->workers[i];
		uint32_t       from = 0;

		while (from != UINT32_MAX) {
			if (!mailbox_ask(w, MAILBOX_DOMAINS, from, (struct session_ref){0})) {
				json_decref(*reply);
				return query_worker_silent(w, error);
			}
			for (uint32_t r = 0; r < w->mailbox.count; r++)
				domain_row(&w->mailbox.domains[r], i, rows);
			from = w->mailbox.from;
		}
	}
	return 0;
}

/* Names are kept in small letters. */
static struct str small(const char *text, char room[WORLD_DOMAIN_SIZE_MAX + 1])
{
	if (text == NULL || !str_copy(room, WORLD_DOMAIN_SIZE_MAX + 1, str_of(text)))
		room[0] = '\0';
	for (char *c = room; *c != '\0'; c++)
		*c = aor_lower(*c);
	return str_of(room);
}

int query_domain_retry(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const columns[] = {"domain", "result"};
	char                     room[WORLD_DOMAIN_SIZE_MAX + 1];
	struct str               name = small(query_argument(args, "name"), room);
	struct worker           *w = dp->workers[domain_home(dp, name)];
	json_t                  *rows;

	if (!mailbox_ask_domain(w, name))
		return query_worker_silent(w, error);
	if (w->mailbox.count == 0) {
		snprintf(
			error, 256,
			"nothing is known of the domain '%.100s'; `cpmctl domain list` shows those "
			"that something is",
			room);
		return -EINVAL;
	}
	*reply = query_table(columns, 2, &rows);
	json_array_append_new(rows, json_pack("[s, s]", room, "tried when there is something"));
	return 0;
}
