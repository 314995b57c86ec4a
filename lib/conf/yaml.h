/*
 * YAML as a bounded pull reader over libyaml: what configuration needs and no more. Anchors,
 * aliases, tags and second documents are refused; depth, parts and members are limited. Internal to
 * conf.
 */
#pragma once

#include <yaml.h>

#include "conf/node.h"

#define CONF_MEMBERS_MAX 256u /* of one map */

struct conf_yaml {
	yaml_parser_t       parser;
	yaml_event_t        event; /* the one being looked at */
	struct conf_reading reading;
	bool                broken; /* a fault after which nothing more can be read */
};

/* Begins to read text (lent until conf_yaml_close()); the event is that of the document's root.
 * false: a fault was given. Close it in any case. */
bool conf_yaml_open(struct conf_yaml *y, const char *file, const char *text, size_t n,
		    struct conf_faults *faults);
void conf_yaml_close(struct conf_yaml *y);
bool conf_yaml_next(struct conf_yaml *y);
/* The value that begins at the event, whole; the event is then the one after it. NULL: broken. */
struct conf_node *conf_yaml_node(struct conf_yaml *y, struct conf_arena *a);
/* After the root: nothing may follow. */
bool     conf_yaml_end(struct conf_yaml *y);
unsigned conf_yaml_line(const struct conf_yaml *y);
