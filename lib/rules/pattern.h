/* What a pattern asks of Hyperscan, and what Hyperscan says of it in words for people. Control
 * only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/* Sets the flags of a pattern with text and field. False: fault says what is wrong, where, and what
 * would be right. */
bool pattern_check(struct pattern *p, char fault[400]);

/* Hyperscan's message about a pattern, said for people. */
void pattern_explain(const char *pattern, const char *message, char fault[400]);
