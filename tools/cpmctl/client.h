/* Requests to control over its Unix socket. One thread. */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "ctl/ctl.h"

/* Exit codes of cpmctl, in cpmctl(1). */
enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NOT_IN_FORCE, EXIT_UNREACHABLE };

struct client;

struct client *client_new(const char *socket_path); /* NULL: no memory */
void           client_free(struct client *c);

/* Sends the command; the text of an apply file goes as body. Returns the status of HTTP and *reply
 * (owned by the caller), or 0 when control cannot be reached, with error. */
long client_call(struct client *c, enum ctl_command command, const json_t *args, const char *body,
		 size_t body_size, json_t **reply, char error[512]);
