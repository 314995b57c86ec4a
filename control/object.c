#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

void object_key(enum conf_kind kind, const void *object, char key[DB_KEY_SIZE])
{
	const struct conf_route *route = object;

	if (kind == CONF_ROUTE)
		snprintf(key, DB_KEY_SIZE, "%s %05u", route->to, route->priority);
	else
		conf_object_id(kind, object, key);
}

/* The last word as a priority; false: it is none. */
static bool split_route(const char *text, int *to_size, unsigned *priority)
{
	const char *space = strrchr(text, ' ');
	char       *end;

	if (space == NULL || space - text >= CONF_TO_SIZE || space[1] < '0' || space[1] > '9')
		return false;
	*to_size = (int)(space - text);
	*priority = (unsigned)strtoul(space + 1, &end, 10);
	return *end == '\0' && end - space <= 6 && *priority <= 65535;
}

void object_key_of_id(enum conf_kind kind, const char *id, char key[DB_KEY_SIZE])
{
	unsigned priority;
	int      n;
	char     to[CONF_TO_SIZE];

	if (kind == CONF_ROUTE && split_route(id, &n, &priority) &&
	    conf_destination((struct str){id, (size_t)n}, to))
		snprintf(key, DB_KEY_SIZE, "%s %05u", to, priority);
	else
		snprintf(key, DB_KEY_SIZE, "%s", id);
}

void object_id_of_key(enum conf_kind kind, const char *key, char id[DB_KEY_SIZE])
{
	unsigned priority;
	int      n;

	if (kind == CONF_ROUTE && split_route(key, &n, &priority))
		snprintf(id, DB_KEY_SIZE, "%.*s %u", n, key, priority);
	else
		snprintf(id, DB_KEY_SIZE, "%s", key);
}

void object_owner(enum conf_kind kind, const char *key, char owner[DB_KEY_SIZE + 16])
{
	snprintf(owner, DB_KEY_SIZE + 16, "%s %s", conf_kind_name(kind), key);
}

struct conf_secret *object_secret(enum conf_kind kind, void *object)
{
	switch (kind) {
	case CONF_ACCOUNT:
		return &((struct conf_account *)object)->password;
	case CONF_PEER:
		return &((struct conf_peer *)object)->password;
	case CONF_SUBSCRIBER:
		return &((struct conf_subscriber *)object)->password;
	case CONF_ROUTE:
	case CONF_RULE:
	case CONF_KIND_COUNT:
		break;
	}
	return NULL;
}

static unsigned subscriber_logins(const struct conf_subscriber *s,
				  struct object_login           logins[OBJECT_LOGINS_MAX])
{
	unsigned n = 0;

	if (s->sip[0] != '\0')
		logins[n++] = (struct object_login){s->sip, "sip", DB_LOGIN_ADDRESS};
	if (s->xmpp[0] != '\0')
		logins[n++] = (struct object_login){s->xmpp, "xmpp", DB_LOGIN_ADDRESS};
	return n;
}

unsigned object_logins(enum conf_kind kind, const void *object,
		       struct object_login logins[OBJECT_LOGINS_MAX])
{
	const struct conf_account *a = object;

	switch (kind) {
	case CONF_ACCOUNT:
		logins[0] = (struct object_login){conf_account_login(a),
						  a->domain[0] != '\0' ? "domain" : "system_id",
						  a->protocol};
		return 1;
	case CONF_SUBSCRIBER:
		return subscriber_logins(object, logins);
	case CONF_PEER:
	case CONF_ROUTE:
	case CONF_RULE:
	case CONF_KIND_COUNT:
		break;
	}
	return 0;
}

void object_id_redacted(enum conf_kind kind, const char *id, char room[DB_KEY_SIZE])
{
	size_t n;

	snprintf(room, DB_KEY_SIZE, "%s", id);
	n = strlen(room);
	for (size_t i = 3; kind == CONF_SUBSCRIBER && i + 2 < n; i++)
		room[i] = '*';
}

bool object_pack(enum conf_kind kind, const void *object, struct object_room *to)
{
	for (;;) {
		uint8_t *grown;

		if (to->room > 0) {
			struct put w = put_to(to->bytes, to->room);

			to->size = conf_object_pack(kind, object, &w) ? put_size(&w) : 0;
			if (!w.failed)
				return true;
		}
		grown = to->room < 64u << 20 ? realloc(to->bytes, to->room * 2 + 1024) : NULL;
		if (grown == NULL)
			return false;
		to->bytes = grown;
		to->room = to->room * 2 + 1024;
	}
}

void *object_read(enum conf_kind kind, struct cur body)
{
	void *object = conf_object_new(kind);

	if (object != NULL && conf_object_unpack(kind, &body, object))
		return object;
	conf_object_free(kind, object);
	return NULL;
}

static unsigned add_name(const char *name, unsigned n, char names[CONF_VIA_MAX][CONF_NAME_SIZE])
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return n;
	if (n == CONF_VIA_MAX || strcmp(name, CONF_VIA_REGISTERED) == 0)
		return n;
	snprintf(names[n], CONF_NAME_SIZE, "%s", name);
	return n + 1;
}

/* Of a rule: what its action `route` names, one word or a list. */
static unsigned rule_targets(const struct conf_rule *rule, char names[CONF_VIA_MAX][CONF_NAME_SIZE])
{
	json_t  *then = rule->then != NULL ? json_loads(rule->then, JSON_DECODE_ANY, NULL) : NULL;
	json_t  *route = json_object_get(then, "route"), *item;
	unsigned n = 0;
	size_t   i;

	if (json_is_string(route))
		n = add_name(json_string_value(route), n, names);
	json_array_foreach(route, i, item) if (json_is_string(item)) n =
		add_name(json_string_value(item), n, names);
	json_decref(then);
	return n;
}

unsigned object_targets(enum conf_kind kind, const void *object,
			char names[CONF_VIA_MAX][CONF_NAME_SIZE])
{
	const struct conf_route *route = object;
	unsigned                 n = 0;

	if (kind == CONF_RULE)
		return rule_targets(object, names);
	for (uint32_t i = 0; kind == CONF_ROUTE && i < route->via.n; i++)
		n = add_name(route->via.items[i].name, n, names);
	return n;
}
