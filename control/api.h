/*
 * The API of operators: HTTP/1.1 and JSON over the Unix socket, on control's main thread. Paths,
 * methods and roles come from commands.def; who asks is told by the socket (SO_PEERCRED).
 *
 * A reply is {"columns": [...], "rows": [[...]]}, or {"outcome": ..., "version": ..., ...} for a
 * change, or {"error": ..., "faults": [...]}.
 */
#pragma once

#include "change.h"

struct api;

/* Listens at socket_path (mode 0660, an old socket there is replaced) and watches it with
 * control_watch(). NULL with error filled. */
struct api *api_new(struct control *c, const char *socket_path, char error[256]);
/* Ends all connections and removes the socket. */
void api_free(struct api *api);
