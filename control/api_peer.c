/* `cpmctl peer ...`. */
#include "api_call.h"

#include <stdio.h>
#include <string.h>

#include "control.h"
#include "resolver.h"

#define ADDRESS_TEXT 200u

static const char *name_of(struct api_call *call)
{
	const char *name = api_text(call, "name");

	return name != NULL ? name : "";
}

/* One more session: "bound" counts, "address" and "trying" name where to, each once. */
static void note_session(json_t *by_name, const char *name, const char *state, const char *remote)
{
	bool        bound = strcmp(state, "bound") == 0;
	const char *key = bound ? "address" : "trying", *before;
	json_t     *peer = json_object_get(by_name, name);

	if (peer == NULL) {
		peer = json_pack("{s:i, s:s, s:s}", "bound", 0, "address", "", "trying", "");
		json_object_set_new(by_name, name, peer);
	}
	if (bound)
		json_object_set_new(
			peer, "bound",
			json_integer(json_integer_value(json_object_get(peer, "bound")) + 1));
	before = json_string_value(json_object_get(peer, key));
	if (strstr(before, remote) != NULL ||
	    strlen(before) + strlen(remote) + sizeof(", ") > ADDRESS_TEXT)
		return;
	json_object_set_new(peer, key,
			    json_sprintf("%s%s%s", before, before[0] != '\0' ? ", " : "", remote));
}

/* The sessions of each peer, by its name; NULL while the dataplane is down. The caller owns it. */
static json_t *sessions_by_name(struct control *control)
{
	json_t *args = json_object(), *reply = NULL, *by_name = NULL, *row;
	char    error[256];
	size_t  i, kind, party, state, remote;

	if (control_query(control, "session_list", args, &reply, error) == 0) {
		by_name = json_object();
		kind = api_column(reply, "kind");
		party = api_column(reply, "party");
		state = api_column(reply, "state");
		remote = api_column(reply, "remote");
		json_array_foreach(json_object_get(reply, "rows"), i, row)
		{
			const char *name = json_string_value(json_array_get(row, party)),
				   *of = json_string_value(json_array_get(row, kind)),
				   *is = json_string_value(json_array_get(row, state)),
				   *to = json_string_value(json_array_get(row, remote));

			if (name != NULL && of != NULL && is != NULL && to != NULL &&
			    strcmp(of, "peer") == 0 && strcmp(is, "closing") != 0)
				note_session(by_name, name, is, to);
		}
	}
	json_decref(reply);
	json_decref(args);
	return by_name;
}

static const char *session_text(const json_t *peer, const char *key)
{
	const char *text = json_string_value(json_object_get(peer, key));

	return text != NULL ? text : "";
}

/* Where its sessions are, or why there are none. */
static json_t *address_of(struct control *control, const json_t *sessions, const char *name)
{
	const json_t         *peer = json_object_get(sessions, name);
	const char           *address = session_text(peer, "address");
	struct resolver_state s;
	char                  known[ADDRESS_TEXT], text[2 * ADDRESS_TEXT];

	if (address[0] != '\0')
		return json_string(address);
	address = session_text(peer, "trying");
	if (address[0] != '\0')
		snprintf(text, sizeof(text), "connecting to %s", address);
	else if (!resolver_get(control->resolver, name, &s))
		snprintf(text, sizeof(text), "not connected");
	else if (s.known == NULL || s.known->n == 0)
		snprintf(text, sizeof(text), "none: %s", s.why);
	else {
		resolver_text(s.known, known, sizeof(known));
		snprintf(text, sizeof(text), "not connected; found at %s", known);
	}
	return json_string(text);
}

void api_peer_list(struct api_call *call)
{
	static const char *const columns[] = {
		"name",     "protocol", "link",        "domain", "host", "port", "system_id",
		"password", "bind",     "connections", "window", "rate", "queue"};
	json_t *sessions, *names, *row;
	size_t  i;

	api_object_list(call, CONF_PEER, columns, sizeof(columns) / sizeof(columns[0]));
	if (call->status != API_OK)
		return;
	sessions = sessions_by_name(call->control);
	names = json_object_get(call->reply, "columns");
	json_array_append_new(names, json_string("bound"));
	json_array_append_new(names, json_string("address"));
	json_array_foreach(json_object_get(call->reply, "rows"), i, row)
	{
		const char *name = json_string_value(json_array_get(row, 0));

		json_array_append_new(
			row, sessions != NULL ? json_integer(json_integer_value(json_object_get(
							json_object_get(sessions, name), "bound")))
					      : json_null());
		json_array_append_new(row, address_of(call->control, sessions, name));
	}
	json_decref(sessions);
}

void api_peer_show(struct api_call *call)
{
	json_t *sessions;

	api_object_show(call, CONF_PEER, name_of(call));
	if (call->status != API_OK)
		return;
	sessions = sessions_by_name(call->control);
	json_array_append_new(json_object_get(call->reply, "rows"),
			      json_pack("[s, o, s]", "(address)",
					address_of(call->control, sessions, name_of(call)),
					"Where its sessions are, or why there are none."));
	json_decref(sessions);
}

void api_peer_add(struct api_call *call)
{
	api_object_add(call, CONF_PEER, name_of(call));
}

void api_peer_set(struct api_call *call)
{
	api_object_set(call, CONF_PEER, name_of(call));
}

void api_peer_remove(struct api_call *call)
{
	api_object_remove(call, CONF_PEER, name_of(call));
}
