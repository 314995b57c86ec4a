/* What a change changes, for people: which object, and which of its keys. Secrets are said to be
 * set or changed, never what they are. */
#include <stdio.h>
#include <string.h>

#include "change_work.h"

static bool secret_differs(const struct change_op *op, const void *old, const char *key)
{
	const struct conf_secret *a = object_secret(op->kind, op->object),
				 *b = object_secret(op->kind, (void *)old);

	return a != NULL && strcmp(key, "password") == 0 &&
	       (a->form != b->form || a->size != b->size ||
		memcmp(a->bytes, b->bytes, a->size) != 0);
}

/* Of a new object: what differs from the defaults. Its name, or its destination, always does. */
static json_t *keys_of_new(enum conf_kind kind, const void *object)
{
	void       *bare = conf_object_new(kind);
	json_t     *keys = conf_object_to_json(kind, object), *value;
	json_t     *defaults = bare != NULL ? conf_object_to_json(kind, bare) : NULL;
	const char *key;

	json_object_foreach(defaults, key, value)
	{
		if (json_equal(json_object_get(keys, key), value))
			json_object_del(keys, key);
	}
	json_decref(defaults);
	conf_object_free(kind, bare);
	return keys;
}

static json_t *keys_of(const struct change_op *op, const void *old)
{
	json_t     *now, *before, *keys, *value;
	const char *key;

	if (op->object == NULL)
		return json_object();
	if (old == NULL)
		return keys_of_new(op->kind, op->object);
	now = conf_object_to_json(op->kind, op->object);
	before = conf_object_to_json(op->kind, old);
	keys = json_object();
	json_object_foreach(now, key, value)
	{
		json_t *was = json_object_get(before, key);

		if (!json_equal(was, value))
			json_object_set_new(keys, key,
					    json_pack("{s:O?, s:O}", "was", was, "is", value));
		else if (secret_differs(op, old, key))
			json_object_set_new(keys, key, json_string("changed"));
	}
	json_decref(now);
	json_decref(before);
	return keys;
}

void change_difference(struct change *ch, const struct change_op *op, const void *old)
{
	char        id[DB_KEY_SIZE];
	const char *what = op->object == NULL ? "remove" : old != NULL ? "replace" : "add";

	if (json_array_size(ch->result->differences) >= CHANGE_DIFFERENCES_MAX)
		return;
	object_id_of_key(op->kind, op->key, id);
	json_array_append_new(ch->result->differences,
			      json_pack("{s:s, s:s, s:s, s:o}", "kind", conf_kind_name(op->kind),
					"id", id, "what", what, "keys", keys_of(op, old)));
}

/* A row without names, numbers and addresses: which keys were set or changed is enough. */
static json_t *row_redacted(const json_t *row)
{
	const char *id = json_string_value(json_object_get(row, "id")), *key;
	char        redacted[DB_KEY_SIZE];
	json_t     *keys = json_object(), *copy = json_copy((json_t *)row), *value;

	object_id_redacted(CONF_SUBSCRIBER, id != NULL ? id : "", redacted);
	json_object_foreach(json_object_get(row, "keys"), key, value)
	{
		const char *word = json_string_value(value);
		bool        changed =
			json_is_object(value) || (word != NULL && strcmp(word, "changed") == 0);

		json_object_set_new(keys, key, json_string(changed ? "changed" : "set"));
	}
	json_object_set_new(copy, "id", json_string(redacted));
	json_object_set_new(copy, "keys", keys);
	return copy;
}

char *change_differences_print(const json_t *differences)
{
	json_t *first = json_array();
	char   *text;

	for (size_t i = 0; i < json_array_size(differences) && i < DB_DIFFERENCES_MAX; i++) {
		json_t     *row = json_array_get(differences, i);
		const char *kind = json_string_value(json_object_get(row, "kind"));

		if (kind != NULL && strcmp(kind, conf_kind_name(CONF_SUBSCRIBER)) == 0)
			json_array_append_new(first, row_redacted(row));
		else
			json_array_append(first, row);
	}
	text = json_dumps(first, JSON_COMPACT);
	json_decref(first);
	return text;
}
