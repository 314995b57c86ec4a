/* `cpmctl top`: rates once a second, made of two readings of the counters. */
#pragma once

#include <stdbool.h>

#include "client.h"

/* Until q, Ctrl-C, or count lines (0: no end). Returns an exit code. */
int top_run(struct client *client, const json_t *args, bool as_json);
