/*
 * Reading the rule language into an image's tables: shared by the readers of conditions (type_*.c)
 * and actions (action.c). Control only; one owner.
 */
#pragma once

#include <jansson.h>

#include "rules/compile.h"
#include "rules/image.h"
#include "rules/intern.h"

#define LANGUAGE_DEPTH_MAX 16u
#define LANGUAGE_LIST_MAX 1024u   /* strings in one list */
#define LANGUAGE_STRING_MAX 1024u /* bytes of a pattern or name */
#define LANGUAGE_PATH_SIZE 256u

/* A condition as a tree, until it is laid out as tests. */
enum node_kind { NODE_BIT, NODE_ALL, NODE_ANY, NODE_NOT };

#define NODE_NONE UINT32_MAX /* a fault was reported */

struct node {
	uint8_t  kind;  /* enum node_kind */
	uint16_t field; /* BIT: RULES_FIELD_ */
	uint32_t bit;
	uint32_t first, last, next; /* children; sibling */
	uint32_t tests;             /* BITs in it */
};

/* A pattern over one field, shared by all rules that have it. */
struct pattern {
	char    *text;
	uint32_t bit;
	uint8_t  field;
	unsigned flags; /* HS_FLAG_ */
	char    *fault; /* NULL: good; said again to each rule that has it */
	uint32_t rule;  /* where it came first, and under which key */
	char    *path;
};

struct language {
	struct image    image;
	struct intern   words; /* patterns by field, accounts, tags, names of rules */
	struct pattern *patterns;
	uint32_t        pattern_count, pattern_room;
	struct node    *nodes; /* of the rule being read */
	uint32_t        node_count, node_room;
	size_t          rule; /* being read */
	const char     *rule_name;
	char            path[LANGUAGE_PATH_SIZE]; /* of the value being read */
	bool            failed;                   /* memory was short */
	size_t          faults;
	rules_fault_fn *fault;
	void           *user;
};

/* Everything of all rules but the databases. False: faults or failed. Free it either way. */
bool language_read(struct language *l, const struct rules_source rules[], size_t n,
		   rules_fault_fn *fault, void *user);
void language_free(struct language *l);

/* A fault at the path being read. Returns NODE_NONE, so that a reader can end with it. */
uint32_t language_fault(struct language *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Longer by ".key" or "[index]"; the mark is for language_leave(). */
size_t language_enter_key(struct language *l, const char *key);
size_t language_enter_index(struct language *l, size_t index);
void   language_leave(struct language *l, size_t mark);

/* A condition: an object of keys of rule_types.def. */
uint32_t language_condition(struct language *l, const json_t *json, unsigned depth);
/* Nodes of the tree. NODE_NONE as a child is passed over. */
uint32_t language_node(struct language *l, enum node_kind kind);
void     language_append(struct language *l, uint32_t parent, uint32_t child);
uint32_t language_bit(struct language *l, unsigned field, uint32_t bit);

/* A condition on a field beside the texts (struct image_fact), as a bit that all that say the same
 * share. */
uint32_t language_fact(struct language *l, unsigned field, uint32_t low, uint32_t high);

/* One string or a list of them: calls one() for each with its path; the number of strings that were
 * in order. */
typedef void language_string_fn(struct language *l, struct str text, void *user);
size_t language_strings(struct language *l, const json_t *json, size_t max, language_string_fn *one,
			void *user);
/* The string itself, lent; p NULL after a fault. */
struct str language_string(struct language *l, const json_t *json);

/* The start of the text, at most max bytes, without half a character at the end: for quoting. */
struct str language_cut(struct str text, size_t max);

/* A word's number among those of its kind: the same text gives the same number. *fresh: it is new,
 * its number is `next`. */
enum word { WORD_FROM, WORD_TO, WORD_TEXT, WORD_ACCOUNT, WORD_TAG, WORD_RULE, WORD_FACT };
uint32_t language_word(struct language *l, enum word kind, struct str text, uint32_t next,
		       bool *fresh);

/* Readers of rule_types.def: a node, or NODE_NONE after faults. */
typedef uint32_t type_fn(struct language *l, const json_t *json, unsigned field, unsigned depth);
type_fn          type_pattern, type_account, type_all, type_any, type_not, type_range, type_content,
	type_reached, type_device, type_identity;

/* Readers of actions.def: add image actions, or report faults. */
typedef void action_fn(struct language *l, const json_t *json);
#define ACTION(key, kind, value, text) action_fn action_##key;
#include "rules/actions.def"
#undef ACTION

/* Lay the tree out as tests and triggers of the rule. */
void program_add(struct language *l, uint32_t root, struct image_rule *rule);
