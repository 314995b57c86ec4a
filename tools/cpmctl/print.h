/* Replies as people read them. */
#pragma once

#include <stdio.h>

#include <jansson.h>

void print_table(FILE *out, const json_t *reply); /* {"columns": [...], "rows": [[...], ...]} */
void print_change(FILE         *out,
		  const json_t *reply); /* what changed, the version, and when it was in force */
void print_error(FILE *out, const json_t *reply); /* the error and each fault */
