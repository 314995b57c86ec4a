#include "conf/yaml.h"

static bool fail(struct conf_yaml *y, unsigned line, const char *what)
{
	y->broken = true;
	conf_reading_fault(&y->reading, line, "", "%s", what);
	return false;
}

unsigned conf_yaml_line(const struct conf_yaml *y)
{
	return (unsigned)y->event.start_mark.line + 1;
}

static bool anchored(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor != NULL;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor != NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor != NULL;
	default: /* of a foreign list: the rest has no anchors */
		return false;
	}
}

static bool tagged(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return e->data.scalar.tag != NULL;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.tag != NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.tag != NULL;
	default: /* of a foreign list: the rest has no tags */
		return false;
	}
}

bool conf_yaml_next(struct conf_yaml *y)
{
	if (y->broken)
		return false;
	yaml_event_delete(&y->event);
	if (!yaml_parser_parse(&y->parser, &y->event)) {
		y->broken = true;
		conf_reading_fault(&y->reading, (unsigned)y->parser.problem_mark.line + 1, "",
				   "this is not YAML: %s%s%s",
				   y->parser.problem != NULL ? y->parser.problem : "no memory",
				   y->parser.context != NULL ? ", " : "",
				   y->parser.context != NULL ? y->parser.context : "");
		return false;
	}
	if (anchored(&y->event))
		return fail(y, conf_yaml_line(y),
			    "anchors and aliases are not allowed; write the value out");
	if (tagged(&y->event))
		return fail(y, conf_yaml_line(y), "tags are not allowed; write the value alone");
	return true;
}

bool conf_yaml_open(struct conf_yaml *y, const char *file, const char *text, size_t n,
		    struct conf_faults *faults)
{
	*y = (struct conf_yaml){.reading = {.faults = faults, .file = file}};
	if (!yaml_parser_initialize(&y->parser))
		return fail(y, 0, "no memory to read it");
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)text, n);
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	if (!conf_yaml_next(y) || !conf_yaml_next(y))
		return false;
	if (y->event.type == YAML_STREAM_END_EVENT)
		return fail(y, 1, "the file is empty");
	return conf_yaml_next(y);
}

void conf_yaml_close(struct conf_yaml *y)
{
	yaml_event_delete(&y->event);
	yaml_parser_delete(&y->parser);
}

bool conf_yaml_end(struct conf_yaml *y)
{
	if (y->broken || !conf_yaml_next(y))
		return false;
	if (y->event.type != YAML_STREAM_END_EVENT)
		return fail(y, conf_yaml_line(y), "a second document begins; write one");
	return true;
}

static bool take_text(struct conf_yaml *y, struct conf_arena *a, struct str *to)
{
	size_t n = y->event.data.scalar.length;
	char  *copy = conf_arena_take(a, n + 1);

	if (copy == NULL)
		return fail(y, conf_yaml_line(y), "no memory to read it");
	if (memchr(y->event.data.scalar.value, '\0', n) != NULL)
		return fail(y, conf_yaml_line(y), "the character of value 0 is not allowed");
	memcpy(copy, y->event.data.scalar.value, n);
	copy[n] = '\0';
	*to = (struct str){copy, n};
	return true;
}

static struct conf_node *node_read(struct conf_yaml *y, struct conf_arena *a, unsigned depth);

static bool map_read(struct conf_yaml *y, struct conf_arena *a, struct conf_node *map,
		     unsigned depth)
{
	struct conf_node **link = &map->first;

	while (y->event.type != YAML_MAPPING_END_EVENT) {
		struct str key;
		unsigned   line = conf_yaml_line(y);
		bool       doubled = false;

		if (y->event.type != YAML_SCALAR_EVENT)
			return fail(y, line, "a key is a list or a map; write a word");
		if (!take_text(y, a, &key) || !conf_yaml_next(y) ||
		    (*link = node_read(y, a, depth + 1)) == NULL)
			return false;
		for (const struct conf_node *n = map->first; n != *link; n = n->next)
			doubled = doubled || str_eq(n->key, key);
		if (doubled) {
			conf_reading_fault(&y->reading, line, key.p, "is given twice; keep one");
			*link = NULL;
			continue;
		}
		if (map->count == CONF_MEMBERS_MAX)
			return fail(y, line, "a map has more than 256 keys");
		(*link)->key = key;
		(*link)->key_line = line;
		link = &(*link)->next;
		map->count++;
	}
	return true;
}

static bool sequence_read(struct conf_yaml *y, struct conf_arena *a, struct conf_node *sequence,
			  unsigned depth)
{
	struct conf_node **link = &sequence->first;

	while (y->event.type != YAML_SEQUENCE_END_EVENT) {
		if ((*link = node_read(y, a, depth + 1)) == NULL)
			return false;
		link = &(*link)->next;
		sequence->count++;
	}
	return true;
}

static struct conf_node *node_read(struct conf_yaml *y, struct conf_arena *a, unsigned depth)
{
	struct conf_node *node = depth < CONF_DEPTH_MAX ? conf_arena_node(a) : NULL;
	bool              good = false;

	if (node == NULL) {
		fail(y, conf_yaml_line(y),
		     "is nested deeper than 32, or one value has more than 65,536 parts");
		return NULL;
	}
	node->line = conf_yaml_line(y);
	if (y->event.type == YAML_SCALAR_EVENT) {
		node->quoted = y->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		good = take_text(y, a, &node->text);
	} else if (y->event.type == YAML_MAPPING_START_EVENT) {
		node->kind = CONF_NODE_MAP;
		good = conf_yaml_next(y) && map_read(y, a, node, depth);
	} else if (y->event.type == YAML_SEQUENCE_START_EVENT) {
		node->kind = CONF_NODE_SEQUENCE;
		good = conf_yaml_next(y) && sequence_read(y, a, node, depth);
	}
	return good && conf_yaml_next(y) ? node : NULL;
}

struct conf_node *conf_yaml_node(struct conf_yaml *y, struct conf_arena *a)
{
	return y->broken ? NULL : node_read(y, a, 0);
}
