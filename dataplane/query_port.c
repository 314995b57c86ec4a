/* Questions about ports: what they are and count, and faults for the laboratory. */
#include "query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

#include "dataplane.h"
#include "port.h"

#define FAULTS_TEXT 160

static void steering_text(const struct port *port, char *room, size_t size)
{
	const char *why =
		port_misdirects(port) ? "the device hashes by another key" : port->rss.why;

	snprintf(room, size, "%s%s%s", port_steering(port), why != NULL ? ": " : "",
		 why != NULL ? why : "");
}

static json_t *port_row(const struct port *port)
{
	const struct faults *faults = port->faults;
	struct port_stats    s;
	char                 steering[128], text[FAULTS_TEXT] = "";

	port_stats(port, &s);
	steering_text(port, steering, sizeof(steering));
	if (faults != NULL)
		faults_print(faults, text, sizeof(text));
	return json_pack("[s, s, s, i, i, i, s, I, I, I, I, I, I, s]", port->name, port->driver,
			 s.link_up ? "up" : "down", (int)port->profile.mtu, (int)port->profile.vlan,
			 (int)port->queues, steering, (json_int_t)s.packets_in,
			 (json_int_t)s.packets_out, (json_int_t)s.missed_in,
			 (json_int_t)s.errors_in, (json_int_t)s.errors_out, (json_int_t)s.no_mbuf,
			 text);
}

int query_port_list(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const columns[] = {
		"name", "driver", "link",   "mtu",       "vlan",       "queues",    "steering",
		"in",   "out",    "missed", "errors_in", "errors_out", "no_memory", "faults"};
	json_t *rows;

	*reply = query_table(columns, sizeof(columns) / sizeof(columns[0]), &rows);
	for (unsigned i = 0; dp->ports != NULL && i < dp->port_count; i++)
		json_array_append_new(rows, port_row(&dp->ports[i]));
	return 0;
}

static struct port *port_find(struct dataplane *dp, const char *name)
{
	for (unsigned i = 0; dp->ports != NULL && i < dp->port_count; i++) {
		if (strcmp(dp->ports[i].name, name) == 0)
			return &dp->ports[i];
	}
	return NULL;
}

int query_port_fault(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const columns[] = {"name", "faults"};
	struct conf_fault        wanted;
	struct conf_faults       faults = {0, NULL};
	struct port             *port;
	char                     text[FAULTS_TEXT];
	json_t                  *rows;

	/* Control has read the same with the same keys; what is wrong was told there. */
	if (conf_fault_from_json(&wanted, args, "request", &faults) < 0) {
		snprintf(error, 256, "%s", faults.n > 0 ? faults.lines[0] : "no memory");
		conf_faults_free(&faults);
		return -EINVAL;
	}
	port = port_find(dp, wanted.name);
	if (port == NULL) {
		snprintf(error, 256,
			 "there is no port '%s'; `cpmctl port list` shows those that are",
			 wanted.name);
		return -EINVAL;
	}
	if (port_fault(port, &wanted) < 0) {
		snprintf(error, 256, "no memory for faults");
		return -EINVAL;
	}
	faults_print(port->faults, text, sizeof(text));
	*reply = query_table(columns, 2, &rows);
	json_array_append_new(rows,
			      json_pack("[s, s]", port->name, text[0] != '\0' ? text : "off"));
	return 0;
}
