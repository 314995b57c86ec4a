#include "rules/language.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE_NAME_MAX 32u
#define PATH_KEY_MAX 40u /* an unknown key may be anything; its start is enough */

static const struct {
	const char *key;
	type_fn    *read;
	unsigned    field;
} types[] = {
#define RULE_TYPE(key, reader, field, value, text) {#key, type_##reader, field},
#include "rules/rule_types.def"
#undef RULE_TYPE
};

enum action_kind { TERMINAL, GATHERED };

static const struct {
	const char      *key;
	action_fn       *read;
	enum action_kind kind;
} actions[ACTION_COUNT] = {
#define ACTION(key, kind, value, text) {#key, action_##key, kind},
#include "rules/actions.def"
#undef ACTION
};

/* For what is wrong with a key: the words that would be right. */
#define RULE_TYPE(key, reader, field, value, text) ", " #key
static const char type_words[] =
#include "rules/rule_types.def"
	;
#undef RULE_TYPE
#define ACTION(key, kind, value, text) ", " #key
static const char action_words[] =
#include "rules/actions.def"
	;
#undef ACTION

uint32_t language_fault(struct language *l, const char *format, ...)
{
	char    text[512];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	l->faults++;
	if (l->fault != NULL)
		l->fault(l->user, l->rule, l->path, text);
	return NODE_NONE;
}

struct str language_cut(struct str text, size_t max)
{
	if (text.n <= max)
		return text;
	while (max > 0 && ((unsigned char)text.p[max] & 0xc0) == 0x80)
		max--;
	return (struct str){text.p, max};
}

size_t language_enter_key(struct language *l, const char *key)
{
	size_t mark = strlen(l->path);

	struct str shown = language_cut(str_of(key), PATH_KEY_MAX);

	snprintf(l->path + mark, sizeof(l->path) - mark, "%s%.*s", mark > 0 ? "." : "",
		 STR_ARG(shown));
	return mark;
}

size_t language_enter_index(struct language *l, size_t index)
{
	size_t mark = strlen(l->path);

	snprintf(l->path + mark, sizeof(l->path) - mark, "[%zu]", index);
	return mark;
}

void language_leave(struct language *l, size_t mark)
{
	l->path[mark] = '\0';
}

uint32_t language_node(struct language *l, enum node_kind kind)
{
	if (l->node_count == l->node_room) {
		uint32_t     room = l->node_room > 0 ? l->node_room * 2 : 64;
		struct node *nodes = realloc(l->nodes, room * sizeof(*nodes));

		if (nodes == NULL) {
			l->failed = true;
			return NODE_NONE;
		}
		l->nodes = nodes;
		l->node_room = room;
	}
	l->nodes[l->node_count] = (struct node){
		.kind = kind, .first = NODE_NONE, .last = NODE_NONE, .next = NODE_NONE};
	return l->node_count++;
}

void language_append(struct language *l, uint32_t parent, uint32_t child)
{
	struct node *p;

	if (parent == NODE_NONE || child == NODE_NONE)
		return;
	p = &l->nodes[parent];
	if (p->first == NODE_NONE)
		p->first = child;
	else
		l->nodes[p->last].next = child;
	p->last = child;
	p->tests += l->nodes[child].tests;
}

uint32_t language_bit(struct language *l, unsigned field, uint32_t bit)
{
	uint32_t node = language_node(l, NODE_BIT);

	if (node == NODE_NONE)
		return NODE_NONE;
	l->nodes[node].field = (uint16_t)field;
	l->nodes[node].bit = bit;
	l->nodes[node].tests = 1;
	return node;
}

uint32_t language_fact(struct language *l, unsigned field, uint32_t low, uint32_t high)
{
	const uint32_t     same[] = {field, low, high};
	uint32_t           next = l->image.bit_count, bit;
	struct image_fact *fact;
	bool               fresh;

	bit = language_word(l, WORD_FACT, (struct str){(const char *)same, sizeof(same)}, next,
			    &fresh);
	if (fresh && image_count(&l->image, fact) == RULES_FACTS_MAX)
		return language_fault(l,
				      "the rules have more than %u different conditions of size, "
				      "parts, content, reached, device and identity",
				      RULES_FACTS_MAX);
	if (fresh) {
		fact = image_add(&l->image, IMAGE_fact);
		if (fact != NULL)
			*fact = (struct image_fact){field, low, high, bit};
		l->image.bit_count++;
	}
	return language_bit(l, field, bit);
}

struct str language_string(struct language *l, const json_t *json)
{
	struct str text = {json_string_value(json), json_string_length(json)};

	if (text.p == NULL)
		language_fault(l, "is not a text; put it in quotes");
	else if (text.n == 0)
		language_fault(l, "is empty; write at least one character, or remove it");
	else if (text.n > LANGUAGE_STRING_MAX)
		language_fault(l, "has %zu bytes; at most %u are possible", text.n,
			       LANGUAGE_STRING_MAX);
	else
		return text;
	return (struct str){NULL, 0};
}

size_t language_strings(struct language *l, const json_t *json, size_t max, language_string_fn *one,
			void *user)
{
	size_t  good = 0, i;
	json_t *item;

	if (!json_is_array(json)) {
		struct str text = language_string(l, json);

		if (text.p == NULL)
			return 0;
		one(l, text, user);
		return 1;
	}
	if (json_array_size(json) == 0 || json_array_size(json) > max) {
		language_fault(l, "is a list of %zu; a list has 1 to %zu", json_array_size(json),
			       max);
		return 0;
	}
	json_array_foreach((json_t *)json, i, item)
	{
		size_t     mark = language_enter_index(l, i);
		struct str text = language_string(l, item);

		if (text.p != NULL) {
			one(l, text, user);
			good++;
		}
		language_leave(l, mark);
	}
	return good;
}

uint32_t language_word(struct language *l, enum word kind, struct str text, uint32_t next,
		       bool *fresh)
{
	struct intern_entry *e = intern_word(&l->words, kind, text, fresh);

	if (e == NULL) {
		l->failed = true;
		*fresh = false;
		return 0;
	}
	if (*fresh)
		e->number = next;
	return e->number;
}

static uint32_t read_member(struct language *l, const char *key, const json_t *value,
			    unsigned depth)
{
	size_t   mark = language_enter_key(l, key);
	uint32_t node = NODE_NONE;
	size_t   t = 0;

	while (t < sizeof(types) / sizeof(types[0]) && strcmp(types[t].key, key) != 0)
		t++;
	if (t < sizeof(types) / sizeof(types[0]))
		node = types[t].read(l, value, types[t].field, depth);
	else
		language_fault(l, "is not a condition; the conditions are %s", type_words + 2);
	language_leave(l, mark);
	return node;
}

uint32_t language_condition(struct language *l, const json_t *json, unsigned depth)
{
	uint32_t    all;
	const char *key;
	json_t     *value;

	if (depth >= LANGUAGE_DEPTH_MAX)
		return language_fault(l, "is nested deeper than %u; use fewer all, any and not",
				      LANGUAGE_DEPTH_MAX);
	if (!json_is_object(json))
		return language_fault(l, "is not an object; write {text: PATTERN} or the like");
	if (json_object_size(json) == 0 && depth > 0)
		return language_fault(l, "is an empty condition; remove it or say what it is to "
					 "hold for");
	all = language_node(l, NODE_ALL);
	json_object_foreach((json_t *)json, key, value)
		language_append(l, all, read_member(l, key, value, depth));
	return all;
}

static json_t *parse(struct language *l, const char *text)
{
	json_error_t why;
	json_t      *json = json_loads(text != NULL ? text : "", JSON_REJECT_DUPLICATES, &why);

	if (json == NULL)
		language_fault(l, "is not valid JSON: %s (line %d, column %d)", why.text, why.line,
			       why.column);
	return json;
}

static void read_when(struct language *l, const char *text, struct image_rule *rule)
{
	size_t   mark = language_enter_key(l, "when");
	json_t  *json = parse(l, text);
	uint32_t root;

	l->node_count = 0;
	if (json != NULL) {
		root = language_condition(l, json, 0);
		if (root != NODE_NONE && l->nodes[root].tests > IMAGE_TESTS_MAX)
			language_fault(l,
				       "has %u patterns and names; a rule has at most %u: make "
				       "several rules of it",
				       l->nodes[root].tests, IMAGE_TESTS_MAX);
		else if (root != NODE_NONE && l->faults == 0 && !l->failed && !l->image.failed)
			program_add(l, root, rule);
	}
	json_decref(json);
	language_leave(l, mark);
}

/* Returns whether the action ends the rules. */
static bool read_action(struct language *l, const char *key, const json_t *value)
{
	size_t mark = language_enter_key(l, key);
	size_t a = 0;

	while (a < ACTION_COUNT && strcmp(actions[a].key, key) != 0)
		a++;
	if (a < ACTION_COUNT)
		actions[a].read(l, value);
	else
		language_fault(l, "is not an action; the actions are %s", action_words + 2);
	language_leave(l, mark);
	return a < ACTION_COUNT && actions[a].kind == TERMINAL;
}

/* Gathered actions first: what ends the rules must not hide them. */
static void read_actions(struct language *l, const json_t *json)
{
	unsigned    terminal = 0;
	const char *key;
	json_t     *value;

	for (size_t a = ACTION_COUNT; a-- > 0;) {
		value = json_object_get(json, actions[a].key);
		if (value != NULL && read_action(l, actions[a].key, value))
			terminal++;
	}
	json_object_foreach((json_t *)json, key, value)
	{
		size_t a = 0;

		while (a < ACTION_COUNT && strcmp(actions[a].key, key) != 0)
			a++;
		if (a == ACTION_COUNT)
			read_action(l, key, value);
	}
	if (terminal > 1)
		language_fault(l,
			       "has %u of reject, drop and route; a rule has at most one of "
			       "them",
			       terminal);
}

static void read_then(struct language *l, const char *text, struct image_rule *rule)
{
	uint32_t before = image_count(&l->image, action);
	size_t   mark = language_enter_key(l, "then");
	json_t  *json = parse(l, text);

	if (json != NULL && !json_is_object(json))
		language_fault(l, "is not an object; write {reject: spam} or the like");
	else if (json != NULL && json_object_size(json) == 0)
		language_fault(l, "has no action; the actions are %s", action_words + 2);
	else if (json != NULL)
		read_actions(l, json);
	rule->action_count = image_count(&l->image, action) - before;
	json_decref(json);
	language_leave(l, mark);
}

static void read_name(struct language *l, const char *name, struct image_rule *rule)
{
	struct str text = str_of(name != NULL ? name : "");
	size_t     mark = language_enter_key(l, "name");
	bool       fresh = true;
	uint32_t   first;

	if (text.n == 0 || text.n > RULE_NAME_MAX) {
		language_fault(l, "has %zu bytes; a name has 1 to %u", text.n, RULE_NAME_MAX);
	} else {
		first = language_word(l, WORD_RULE, text, (uint32_t)l->rule, &fresh);
		if (!fresh && !l->failed)
			language_fault(l, "is the name of rule %u as well; give each its own",
				       first + 1);
	}
	rule->name = image_name(&l->image, text);
	language_leave(l, mark);
}

bool language_read(struct language *l, const struct rules_source rules[], size_t n,
		   rules_fault_fn *fault, void *user)
{
	memset(l, 0, sizeof(*l));
	l->fault = fault;
	l->user = user;
	if (n > RULES_MAX) {
		language_fault(l, "there are %zu rules; at most %u are possible", n, RULES_MAX);
		return false;
	}
	for (l->rule = 0; l->rule < n && !l->failed && !l->image.failed; l->rule++) {
		struct image_rule  rule = {0};
		struct image_rule *added;

		l->rule_name = rules[l->rule].name;
		read_name(l, rules[l->rule].name, &rule);
		read_when(l, rules[l->rule].when, &rule);
		read_then(l, rules[l->rule].then, &rule);
		added = image_add(&l->image, IMAGE_rule);
		if (added != NULL)
			*added = rule;
	}
	l->failed = l->failed || l->image.failed;
	return !l->failed && l->faults == 0;
}

void language_free(struct language *l)
{
	for (uint32_t i = 0; i < l->pattern_count; i++) {
		free(l->patterns[i].text);
		free(l->patterns[i].fault);
		free(l->patterns[i].path);
	}
	free(l->patterns);
	free(l->nodes);
	intern_free(&l->words);
	image_free(&l->image);
}
