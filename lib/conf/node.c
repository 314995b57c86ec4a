#include "conf/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

#define CHUNK_SIZE 65536u

struct conf_chunk {
	struct conf_chunk *next;
	size_t             used, size;
	_Alignas(16) uint8_t bytes[];
};

void *conf_arena_take(struct conf_arena *a, size_t n)
{
	struct conf_chunk *chunk = a->chunks;
	void              *taken;

	n = (n + 15) & ~(size_t)15;
	if (chunk == NULL || chunk->size - chunk->used < n) {
		size_t size = n > CHUNK_SIZE ? n : CHUNK_SIZE;

		chunk = malloc(sizeof(*chunk) + size);
		if (chunk == NULL)
			return NULL;
		*chunk = (struct conf_chunk){.next = a->chunks, .used = 0, .size = size};
		a->chunks = chunk;
	}
	taken = chunk->bytes + chunk->used;
	chunk->used += n;
	return taken;
}

struct conf_node *conf_arena_node(struct conf_arena *a)
{
	struct conf_node *node =
		a->nodes < CONF_NODES_MAX ? conf_arena_take(a, sizeof(*node)) : NULL;

	if (node == NULL)
		return NULL;
	a->nodes++;
	*node = (struct conf_node){0};
	return node;
}

void conf_arena_reset(struct conf_arena *a)
{
	while (a->chunks != NULL && a->chunks->next != NULL) {
		struct conf_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	if (a->chunks != NULL)
		a->chunks->used = 0;
	a->nodes = 0;
}

void conf_arena_free(struct conf_arena *a)
{
	conf_arena_reset(a);
	free(a->chunks);
	a->chunks = NULL;
}

const struct conf_node *conf_node_member(const struct conf_node *map, const char *key)
{
	if (map->kind == CONF_NODE_MAP)
		for (const struct conf_node *n = map->first; n != NULL; n = n->next)
			if (str_eq(n->key, str_of(key)))
				return n;
	return NULL;
}

static bool text_set(struct conf_arena *a, struct str *to, const char *text, size_t n)
{
	char *copy = conf_arena_take(a, n + 1);

	if (copy == NULL)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	*to = (struct str){copy, n};
	return true;
}

static struct conf_node *from_json(struct conf_arena *a, const json_t *json, unsigned depth);

static bool children_from_json(struct conf_arena *a, struct conf_node *node, const json_t *json,
			       unsigned depth)
{
	struct conf_node **link = &node->first;
	const char        *key;
	size_t             index;
	json_t            *value;

	json_array_foreach((json_t *)json, index, value)
	{
		if ((*link = from_json(a, value, depth + 1)) == NULL)
			return false;
		link = &(*link)->next;
		node->count++;
	}
	json_object_foreach((json_t *)json, key, value)
	{
		if ((*link = from_json(a, value, depth + 1)) == NULL ||
		    !text_set(a, &(*link)->key, key, strlen(key)))
			return false;
		link = &(*link)->next;
		node->count++;
	}
	return true;
}

static struct conf_node *from_json(struct conf_arena *a, const json_t *json, unsigned depth)
{
	struct conf_node *node = depth < CONF_DEPTH_MAX ? conf_arena_node(a) : NULL;
	char              number[32];

	if (node == NULL)
		return NULL;
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		node->kind = CONF_NODE_MAP;
		return children_from_json(a, node, json, depth) ? node : NULL;
	case JSON_ARRAY:
		node->kind = CONF_NODE_SEQUENCE;
		return children_from_json(a, node, json, depth) ? node : NULL;
	case JSON_STRING:
		node->quoted = true;
		return text_set(a, &node->text, json_string_value(json), json_string_length(json))
			       ? node
			       : NULL;
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(json));
		break;
	case JSON_REAL:
		snprintf(number, sizeof(number), "%.17g", json_real_value(json));
		break;
	case JSON_TRUE:
		snprintf(number, sizeof(number), "true");
		break;
	case JSON_FALSE:
		snprintf(number, sizeof(number), "false");
		break;
	case JSON_NULL:
		snprintf(number, sizeof(number), "null");
		break;
	}
	return text_set(a, &node->text, number, strlen(number)) ? node : NULL;
}

struct conf_node *conf_node_from_json(struct conf_arena *a, const json_t *json)
{
	return json != NULL ? from_json(a, json, 0) : NULL;
}

/* A plain word: an integer, true, false, null (the core schema of YAML 1.2), else text. */
static json_t *plain_to_json(struct str s)
{
	bool   negative = str_starts(s, STR("-"));
	size_t i = negative ? 1 : 0;

	if (str_eq(s, STR("true")) || str_eq(s, STR("false")))
		return json_boolean(s.p[0] == 't');
	if (s.n == 0 || str_eq(s, STR("~")) || str_eq(s, STR("null")))
		return json_null();
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == s.n && s.n > (negative ? 1u : 0u) && s.n <= 18)
		return json_integer(strtoll(s.p, NULL, 10));
	return json_stringn(s.p, s.n);
}

json_t *conf_node_to_json(const struct conf_node *node)
{
	json_t *json;

	if (node->kind == CONF_NODE_TEXT)
		return node->quoted ? json_stringn(node->text.p, node->text.n)
				    : plain_to_json(node->text);
	json = node->kind == CONF_NODE_MAP ? json_object() : json_array();
	for (const struct conf_node *n = node->first; n != NULL && json != NULL; n = n->next) {
		json_t *child = conf_node_to_json(n);
		int err = node->kind == CONF_NODE_MAP ? json_object_set_new(json, n->key.p, child)
						      : json_array_append_new(json, child);

		if (err < 0) {
			json_decref(json);
			json = NULL;
		}
	}
	return json;
}
