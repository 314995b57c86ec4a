/*
 * A value as somebody wrote it, whether in YAML or JSON: text, sequence or mapping, each with its
 * line. One tree for one object; all of it comes from an arena that is emptied before the next.
 * Control path; one owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/str.h"
#include "conf/conf.h"
#include "conf/key.h"
#include "conf/near.h"

enum conf_node_kind { CONF_NODE_TEXT, CONF_NODE_SEQUENCE, CONF_NODE_MAP };

struct conf_node {
	enum conf_node_kind kind;
	unsigned            line;
	bool                quoted; /* TEXT: never a number, true, false or null */
	struct str          text;   /* TEXT; NUL-terminated as well */
	struct str          key;    /* of a member of a map */
	unsigned            key_line;
	struct conf_node   *first, *next; /* children; siblings */
	unsigned            count;        /* of children */
};

#define CONF_DEPTH_MAX 32u    /* nesting of one value */
#define CONF_NODES_MAX 65536u /* parts of one value */

struct conf_arena {
	struct conf_chunk *chunks;
	unsigned           nodes;
};

void *conf_arena_take(struct conf_arena *a, size_t n); /* NULL when memory is short */
struct conf_node      *
conf_arena_node(struct conf_arena *a);  /* zeroed; NULL at CONF_NODES_MAX as well */
void conf_arena_reset(struct conf_arena *a); /* keeps one chunk */
void conf_arena_free(struct conf_arena *a);

/* Where faults go, and under which name. */
struct conf_reading {
	struct conf_faults *faults;
	const char         *file;
	char                path[256]; /* of what is read: "accounts[2]", "peer smsc1", "" */
};

/* A fault at a node; key "" names the path alone. */
void conf_reading_fault(struct conf_reading *r, unsigned line, const char *key, const char *format,
			...) __attribute__((format(printf, 4, 5)));

/* Set the keys that a map has; unknown ones, doubles and bad values are faults. Returns false when
 * there was any. */
bool conf_read_map(enum conf_section section, void *object, const struct conf_node *map,
		   struct conf_reading *r);

/* Faults for required keys that have no value. */
bool conf_check_required(enum conf_section section, const void *object, unsigned line,
			 struct conf_reading *r);

struct conf_node       *conf_node_from_json(struct conf_arena *a,
					    const json_t      *json); /* NULL: too deep or too much */
json_t                 *conf_node_to_json(const struct conf_node *node); /* caller owns */
const struct conf_node *conf_node_member(const struct conf_node *map, const char *key);

/* A key's default, in place of what the field has. False: memory is short. */
bool conf_key_default(const struct conf_key *key, void *object);
/* All defaults into zeroed memory; what a section's fields own is freed by conf_section_clear(). */
bool conf_section_defaults(enum conf_section section, void *object);
void conf_section_clear(enum conf_section section, void *object);

/* What the objects of one apply file must be to each other. */
void conf_set_check(const char *file, const struct conf_set *set, struct conf_faults *faults);
