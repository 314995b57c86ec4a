/* `cpmctl status`, `metric` and `top`: how control and the dataplane are. */
#include "api_call.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "metrics/metrics.h"

#include "control.h"
#include "resolver.h"

#define NAMES_WARNED 20u

static void status_row(json_t *rows, const char *what, json_t *value)
{
	json_array_append_new(rows, json_pack("[s, o]", what, value));
}

static uint64_t uptime_s(uint64_t started_ms)
{
	struct timespec now;
	uint64_t        now_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return now_ms > started_ms ? (now_ms - started_ms) / 1000 : 0;
}

/* A warning for each port that injects faults, or whose packets have to be forwarded. */
static void status_ports(struct api_call *call, json_t *rows)
{
	json_t *args = json_object(), *reply = NULL, *row;
	char    error[256], text[320];
	size_t  i;

	if (control_query(call->control, "port_list", args, &reply, error) == 0) {
		size_t name = api_column(reply, "name"), faults = api_column(reply, "faults"),
		       steering = api_column(reply, "steering");

		json_array_foreach(json_object_get(reply, "rows"), i, row)
		{
			const char *port = json_string_value(json_array_get(row, name));
			const char *on = json_string_value(json_array_get(row, faults));
			const char *how = json_string_value(json_array_get(row, steering));

			if (port != NULL && on != NULL && on[0] != '\0') {
				snprintf(text, sizeof(text),
					 "port %s injects faults: %s; `cpmctl port fault %s off` "
					 "ends it",
					 port, on, port);
				status_row(rows, "warning", json_string(text));
			}
			if (port != NULL && how != NULL && strstr(how, "another key") != NULL) {
				snprintf(text, sizeof(text), "port %s: %s", port, how);
				status_row(rows, "warning", json_string(text));
			}
		}
	}
	json_decref(reply);
	json_decref(args);
}

static void status_name(json_t *rows, const struct resolver_state *s)
{
	char known[200], text[800];

	if (s->known != NULL && s->known->n > 0) {
		resolver_text(s->known, known, sizeof(known));
		snprintf(text, sizeof(text),
			 "peer %s: no DNS server answers for host %s (%s); it is still looked for "
			 "at %s%s",
			 s->peer, s->host, s->why, known, s->stale ? ", which has expired" : "");
	} else {
		snprintf(text, sizeof(text), "peer %s: host %s has no address: %s", s->peer,
			 s->host, s->why);
	}
	status_row(rows, "warning", json_string(text));
}

/* A warning for each peer whose name leads nowhere, or of which nobody knows whether it still leads
 * there. */
static void status_names(struct api_call *call, json_t *rows)
{
	struct resolver_state s;
	unsigned              more = 0, named = 0;
	char                  text[96];

	for (size_t i = 0; resolver_at(call->control->resolver, i, &s); i++) {
		if (s.why[0] == '\0')
			continue;
		if (named++ < NAMES_WARNED)
			status_name(rows, &s);
		else
			more++;
	}
	if (more == 0)
		return;
	snprintf(text, sizeof(text), "%u more peers, as `cpmctl peer list` shows", more);
	status_row(rows, "warning", json_string(text));
}

void api_status(struct api_call *call)
{
	static const char *const columns[] = {"what", "value"};
	struct control_status    s;
	json_t                  *rows = api_table(call, columns, 2);
	unsigned                 workers = 0;
	const struct metrics    *metrics = control_metrics(call->control, &workers);

	control_status(call->control, &s);
	status_row(rows, "dataplane", json_string(s.dataplane_up ? "up" : "down"));
	status_row(rows, "in step", json_boolean(s.in_step));
	status_row(rows, "version", json_integer((json_int_t)s.version));
	status_row(rows, "version in force", json_integer((json_int_t)s.dataplane_version));
	status_row(rows, "rule set", json_string(s.rules_state != NULL ? s.rules_state : ""));
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++)
		status_row(rows, conf_kind_plural(kind),
			   json_integer((json_int_t)control_object_count(call->control, kind)));
	if (metrics != NULL) {
		status_row(rows, "workers", json_integer(workers));
		status_row(rows, "sessions",
			   json_integer((json_int_t)metrics_sum(metrics, workers,
								METRIC_sessions_open)));
		status_row(
			rows, "links up",
			json_integer((json_int_t)metrics_sum(metrics, workers, METRIC_links_up)));
	}
	status_row(rows, "control up for (s)", json_integer((json_int_t)uptime_s(s.started_ms)));
	status_ports(call, rows);
	status_names(call, rows);
}

static uint64_t metric_value(struct api_call *call, const struct metrics *metrics, unsigned workers,
			     unsigned id)
{
	if (metric_scope(id) == METRIC_SCOPE_CONTROL)
		return metrics_sum(control_counters(call->control), 1, id);
	return metrics != NULL ? metrics_sum(metrics, workers, id) : 0;
}

void api_metric(struct api_call *call)
{
	static const char *const columns[] = {"name", "value", "help"};
	const char              *begin = api_text(call, "name");
	unsigned                 workers = 0;
	const struct metrics    *metrics = control_metrics(call->control, &workers);
	json_t                  *rows = api_table(call, columns, 3);

	if (begin == NULL)
		begin = "";
	for (unsigned id = 0; id < METRIC_COUNT; id++) {
		char name[96];

		if (metrics == NULL && metric_scope(id) != METRIC_SCOPE_CONTROL)
			continue;
		if (id < METRIC_REFUSED)
			snprintf(name, sizeof(name), "%s", metric_name(id));
		else
			snprintf(name, sizeof(name), "%s{reason=\"%s\"}", metric_name(id),
				 reason_name((enum reason)(id - METRIC_REFUSED)));
		if (strncmp(name, begin, strlen(begin)) == 0)
			json_array_append_new(rows, json_pack("[s, I, s]", name,
							      (json_int_t)metric_value(
								      call, metrics, workers, id),
							      metric_help(id)));
	}
	if (json_array_size(rows) > 0)
		return;
	if (metrics == NULL)
		api_error(call, API_UNAVAILABLE, NULL,
			  "the dataplane is down: its counters cannot be read; start it (systemctl "
			  "start cpm-dataplane)");
	else
		api_error(call, API_NOT_FOUND, NULL,
			  "no counter begins with '%.60s'; `cpmctl metric` shows all", begin);
}

void api_top(struct api_call *call)
{
	api_metric(call); /* rates are made of two of these by whoever shows them */
}
