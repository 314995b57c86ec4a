/*
 * Apply files. Each object is read into a tree of its own and turned into its structure before the
 * next is read, so that a file of a million routes needs memory for its routes and not for its
 * text's tree.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "conf/yaml.h"

#define SET_OBJECTS_MAX (16u << 20)

static const char *const set_words[CONF_KIND_COUNT] = {"accounts", "peers", "routes", "rules",
						       "subscribers"}; /* by enum conf_kind */
static const char *const later_words[] = {"templates", "broadcasts", "domains", "sip", "xmpp"};

const char *conf_kind_plural(enum conf_kind kind)
{
	ASSERT(kind < CONF_KIND_COUNT);
	return set_words[kind];
}

static bool objects_grow(struct conf_objects *objects)
{
	void    **grown;
	uint32_t *lines;
	uint32_t  room;

	if ((objects->n & (objects->n - 1)) != 0)
		return true; /* room is always the next power of two */
	room = objects->n == 0 ? 1 : objects->n * 2;
	if (room > SET_OBJECTS_MAX)
		return false;
	grown = reallocarray(objects->objects, room, sizeof(grown[0]));
	if (grown == NULL)
		return false;
	objects->objects = grown;
	lines = reallocarray(objects->lines, room, sizeof(lines[0]));
	if (lines == NULL)
		return false;
	objects->lines = lines;
	return true;
}

/* What faults call the object: "routes.+4670" once it says who it is. */
static void path_set(struct conf_reading *r, enum conf_kind kind, const struct conf_node *node,
		     uint32_t index)
{
	unsigned                n;
	const struct conf_node *name =
		conf_node_member(node, conf_keys(conf_kind_section(kind), &n)[0].name);

	if (name != NULL && name->kind == CONF_NODE_TEXT && name->text.n > 0)
		snprintf(r->path, sizeof(r->path), "%s.%.120s", set_words[kind], name->text.p);
	else
		snprintf(r->path, sizeof(r->path), "%s[%u]", set_words[kind], index);
}

static bool object_read(struct conf_reading *r, enum conf_kind kind, const struct conf_node *node,
			struct conf_objects *objects)
{
	enum conf_section section = conf_kind_section(kind);
	void             *object;

	path_set(r, kind, node, objects->n);
	if (node->kind != CONF_NODE_MAP) {
		conf_reading_fault(r, node->line, "", "is no map; write {key: value, ...}");
		return true;
	}
	if (kind == CONF_RULE && conf_node_member(node, "position") != NULL)
		conf_reading_fault(r, conf_node_member(node, "position")->key_line, "position",
				   "rules are numbered by their order in the file; leave it out");
	object = objects_grow(objects) ? conf_object_new(kind) : NULL;
	if (object == NULL) {
		conf_reading_fault(r, node->line, "", "no memory for so many objects");
		return false;
	}
	if (conf_read_map(section, object, node, r))
		conf_check_required(section, object, node->line, r);
	if (kind == CONF_RULE)
		((struct conf_rule *)object)->position = (objects->n + 1) * 10;
	objects->lines[objects->n] = node->line;
	objects->objects[objects->n++] = object;
	return true;
}

static bool kind_read(struct conf_yaml *y, struct conf_arena *arena, enum conf_kind kind,
		      struct conf_set *set)
{
	snprintf(y->reading.path, sizeof(y->reading.path), "%s", set_words[kind]);
	if (y->event.type == YAML_SCALAR_EVENT && y->event.data.scalar.length == 0)
		return conf_yaml_next(y); /* "routes:" with nothing below */
	if (y->event.type != YAML_SEQUENCE_START_EVENT) {
		conf_reading_fault(&y->reading, conf_yaml_line(y), "",
				   "is no list; write one object a line, each after a '-'");
		return conf_yaml_node(y, arena) != NULL;
	}
	if (!conf_yaml_next(y))
		return false;
	while (y->event.type != YAML_SEQUENCE_END_EVENT) {
		struct conf_node *node;

		conf_arena_reset(arena);
		node = conf_yaml_node(y, arena);
		if (node == NULL || !object_read(&y->reading, kind, node, &set->kinds[kind]))
			return false;
	}
	return conf_yaml_next(y);
}

static void fault_section(struct conf_reading *r, unsigned line, struct str word)
{
	const unsigned n = sizeof(later_words) / sizeof(later_words[0]);
	char           key[64];
	const char    *near;

	str_copy(key, sizeof(key), word);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(key, later_words[i]) == 0) {
			conf_reading_fault(r, line, key, "is not in this version; leave it out");
			return;
		}
	near = conf_nearest(word, set_words, CONF_KIND_COUNT);
	if (near != NULL)
		conf_reading_fault(r, line, key, "unknown key; did you mean '%s'?", near);
	else
		conf_reading_fault(r, line, key,
				   "unknown key; an apply file has accounts, peers, routes, rules "
				   "and subscribers");
}

static bool root_read(struct conf_yaml *y, struct conf_arena *arena, struct conf_set *set)
{
	bool seen[CONF_KIND_COUNT] = {false};

	if (y->event.type != YAML_MAPPING_START_EVENT) {
		conf_reading_fault(&y->reading, conf_yaml_line(y), "",
				   "is no map; begin with 'accounts:', 'peers:', 'routes:', "
				   "'rules:' or 'subscribers:'");
		return false;
	}
	if (!conf_yaml_next(y))
		return false;
	while (y->event.type != YAML_MAPPING_END_EVENT) {
		struct conf_node *key;
		unsigned          kind = 0;

		conf_arena_reset(arena);
		y->reading.path[0] = '\0';
		key = conf_yaml_node(y, arena);
		if (key == NULL)
			return false;
		if (key->kind != CONF_NODE_TEXT) {
			conf_reading_fault(&y->reading, key->line, "",
					   "a key is a list or a map; write a word");
			return false;
		}
		while (kind < CONF_KIND_COUNT && !str_eq(key->text, str_of(set_words[kind])))
			kind++;
		if (kind < CONF_KIND_COUNT && seen[kind])
			conf_reading_fault(&y->reading, key->line, set_words[kind],
					   "is given twice; keep one");
		if (kind == CONF_KIND_COUNT) {
			fault_section(&y->reading, key->line, key->text);
			conf_arena_reset(arena);
			if (conf_yaml_node(y, arena) == NULL)
				return false;
		} else {
			seen[kind] = true;
			if (!kind_read(y, arena, kind, set))
				return false;
		}
	}
	y->reading.path[0] = '\0';
	return conf_yaml_next(y) && conf_yaml_end(y);
}

int conf_set_read(const char *file_name, const char *text, size_t n, struct conf_set *set,
		  struct conf_faults *faults)
{
	struct conf_yaml  y;
	struct conf_arena arena = {NULL, 0};
	unsigned          before = faults->n;

	*set = (struct conf_set){0};
	if (conf_yaml_open(&y, file_name, text, n, faults) && root_read(&y, &arena, set))
		conf_set_check(file_name, set, faults);
	conf_yaml_close(&y);
	conf_arena_free(&arena);
	if (faults->n == before)
		return 0;
	conf_set_free(set);
	return -EINVAL;
}

void conf_set_free(struct conf_set *set)
{
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		for (uint32_t i = 0; i < set->kinds[kind].n; i++)
			conf_object_free(kind, set->kinds[kind].objects[i]);
		free(set->kinds[kind].objects);
		free(set->kinds[kind].lines);
	}
	*set = (struct conf_set){0};
}
