/*
 * One request on its way through control: what was asked and the reply that is made. The handlers,
 * one for each line of commands.def, are api_<id>() in api_<noun>.c; main thread.
 */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "api.h"
#include "conf/conf.h"
#include "ctl/ctl.h"

/* Status codes of HTTP that replies have. */
#define API_OK 200u
#define API_NOT_IN_FORCE 202u /* committed; the dataplane is down */
#define API_BAD_REQUEST 400u
#define API_FORBIDDEN 403u
#define API_NOT_FOUND 404u
#define API_TOO_LARGE 413u
#define API_REFUSED 422u     /* nothing changed: faults */
#define API_UNAVAILABLE 503u /* the dataplane cannot be asked */

#define API_ROWS_DEFAULT 1000u /* of a list without a limit */
#define API_ROWS_MAX 100000u

struct api_call {
	struct control *control;
	json_t         *args; /* object */
	const char     *body; /* apply: the text of the file */
	size_t          body_size;
	char            who[32]; /* "uid 0" */

	unsigned status;
	json_t  *reply; /* owned by the call */
};

#define CMD(id, grammar, role, help) void api_##id(struct api_call *call);
#include "ctl/commands.def"
#undef CMD

/* The reply becomes an error; faults, if any, are taken over and emptied. */
void api_error(struct api_call *call, unsigned status, struct conf_faults *faults,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* An argument as text; NULL: not given. */
const char *api_text(const struct api_call *call, const char *name);
bool        api_flag(const struct api_call *call, const char *name);
/* "limit" of a list; false: an error was replied. */
bool api_limit(struct api_call *call, uint32_t *limit);

/* An empty table; rows for json_array_append_new(). */
json_t *api_table(struct api_call *call, const char *const columns[], size_t n);
/* The number of a table's column; beyond the last when it has none of that name. */
size_t api_column(const json_t *table, const char *name);
/* A question to the dataplane, its reply becoming the call's. */
void api_query(struct api_call *call, const char *name, json_t *args);

/* Live objects of any kind: what list, show, add, set and remove have in common. */
void api_object_list(struct api_call *call, enum conf_kind kind, const char *const columns[],
		     size_t n);
void api_object_show(struct api_call *call, enum conf_kind kind, const char *id);
void api_object_add(struct api_call *call, enum conf_kind kind, const char *id);
void api_object_set(struct api_call *call, enum conf_kind kind, const char *id);
void api_object_remove(struct api_call *call, enum conf_kind kind, const char *id);
/* Carries the change out and replies what became of it. */
void api_commit(struct api_call *call, struct change *change, bool dry);
