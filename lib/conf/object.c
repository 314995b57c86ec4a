/* Live objects: made with their defaults, named, packed and unpacked; all by iterating over the
 * keys of their kind. */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "conf/key.h"
#include "conf/type.h"

void conf_section_clear(enum conf_section section, void *object)
{
	unsigned               n;
	const struct conf_key *key = conf_keys(section, &n);

	for (unsigned i = 0; i < n; i++)
		if (key[i].type->clear != NULL)
			key[i].type->clear(conf_field(&key[i], object));
}

bool conf_key_default(const struct conf_key *key, void *object)
{
	struct conf_faults  faults = {0, NULL};
	struct conf_reading reading = {.faults = &faults, .file = "keys.def"};
	struct conf_node    node = {.kind = CONF_NODE_TEXT};
	void               *field = conf_field(key, object);

	if (key->type->clear != NULL)
		key->type->clear(field);
	memset(field, 0, key->size);
	if (conf_key_required(key) && key->type->words != NULL)
		*(uint8_t *)field = CONF_ENUM_NONE;
	if (key->default_text == NULL || conf_key_required(key))
		return true;
	if (key->type->words != NULL && conf_key_words(key) == NULL)
		return true; /* a program that only packs and unpacks knows no protocols' names */
	node.text = str_of(key->default_text);
	if (key->type->read(key, field, &node, &reading))
		return true;
	conf_faults_free(&faults); /* memory was short: the defaults themselves are tested */
	return false;
}

bool conf_section_defaults(enum conf_section section, void *object)
{
	unsigned               n;
	const struct conf_key *key = conf_keys(section, &n);

	for (unsigned i = 0; i < n; i++)
		if (!conf_key_default(&key[i], object))
			return false;
	return true;
}

void *conf_object_new(enum conf_kind kind)
{
	void *object = calloc(1, conf_object_size(kind));

	if (object != NULL && !conf_section_defaults(conf_kind_section(kind), object)) {
		conf_object_free(kind, object);
		return NULL;
	}
	return object;
}

void conf_object_free(enum conf_kind kind, void *object)
{
	if (object == NULL)
		return;
	conf_section_clear(conf_kind_section(kind), object);
	free(object);
}

void conf_object_id(enum conf_kind kind, const void *object, char room[128])
{
	switch (kind) {
	case CONF_ACCOUNT:
		snprintf(room, 128, "%s", ((const struct conf_account *)object)->name);
		return;
	case CONF_PEER:
		snprintf(room, 128, "%s", ((const struct conf_peer *)object)->name);
		return;
	case CONF_ROUTE:
		snprintf(room, 128, "%s %u", ((const struct conf_route *)object)->to,
			 ((const struct conf_route *)object)->priority);
		return;
	case CONF_RULE:
		snprintf(room, 128, "%s", ((const struct conf_rule *)object)->name);
		return;
	case CONF_SUBSCRIBER:
		snprintf(room, 128, "%s", ((const struct conf_subscriber *)object)->address);
		return;
	case CONF_KIND_COUNT:
		break;
	}
	ASSERT(kind < CONF_KIND_COUNT);
}

bool conf_object_pack(enum conf_kind kind, const void *object, struct put *to)
{
	unsigned               n;
	const struct conf_key *key = conf_keys(conf_kind_section(kind), &n);

	for (unsigned i = 0; i < n; i++)
		key[i].type->pack(&key[i], conf_field_read(&key[i], object), to);
	return !to->failed;
}

bool conf_object_unpack(enum conf_kind kind, struct cur *from, void *object)
{
	unsigned               n;
	const struct conf_key *key = conf_keys(conf_kind_section(kind), &n);
	bool                   good = true;

	for (unsigned i = 0; i < n; i++) {
		void *field = conf_field(&key[i], object);

		if (key[i].type->clear != NULL)
			key[i].type->clear(field);
		memset(field, 0, key[i].size);
		good = good && key[i].type->unpack(&key[i], from, field);
	}
	return good && !from->failed;
}

json_t *conf_object_to_json(enum conf_kind kind, const void *object)
{
	unsigned               n;
	const struct conf_key *key = conf_keys(conf_kind_section(kind), &n);
	json_t                *json = json_object();

	for (unsigned i = 0; json != NULL && i < n; i++) {
		if (json_object_set_new(
			    json, key[i].name,
			    key[i].type->print(&key[i], conf_field_read(&key[i], object))) < 0) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

static int section_from_json(enum conf_section section, void *object, const json_t *json,
			     const char *where, struct conf_faults *faults)
{
	struct conf_arena   arena = {NULL, 0};
	struct conf_reading reading = {.faults = faults, .file = where};
	struct conf_node   *node = conf_node_from_json(&arena, json);
	int                 err = -EINVAL;

	if (node == NULL || node->kind != CONF_NODE_MAP)
		conf_fault(faults, where, 0, "",
			   "is no object with keys and values, or is nested deeper than %u; write "
			   "{\"key\": value}",
			   CONF_DEPTH_MAX);
	else if (conf_read_map(section, object, node, &reading))
		err = 0;
	conf_arena_free(&arena);
	return err;
}

int conf_object_from_json(enum conf_kind kind, void *object, const json_t *json, const char *where,
			  struct conf_faults *faults)
{
	return section_from_json(conf_kind_section(kind), object, json, where, faults);
}

int conf_fault_from_json(struct conf_fault *fault, const json_t *json, const char *where,
			 struct conf_faults *faults)
{
	struct conf_reading reading = {.faults = faults, .file = where};
	int                 err;

	*fault = (struct conf_fault){0};
	if (!conf_section_defaults(CONF_SECTION_fault, fault))
		return -ENOMEM;
	err = section_from_json(CONF_SECTION_fault, fault, json, where, faults);
	return err == 0 && !conf_check_required(CONF_SECTION_fault, fault, 0, &reading) ? -EINVAL
											: err;
}

bool conf_object_complete(enum conf_kind kind, const void *object, const char *where,
			  struct conf_faults *faults)
{
	struct conf_reading reading = {.faults = faults, .file = where};

	return conf_check_required(conf_kind_section(kind), object, 0, &reading);
}
