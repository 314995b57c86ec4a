/* Inside a change: what it gathers, and what it works with while it is carried out. Main thread of
 * control. */
#pragma once

#include "control.h"
#include "names.h"
#include "object.h"
#include "world/world.h"

#define CHANGE_DIFFERENCES_MAX 1000u

/* One object put (object set) or removed. */
struct change_op {
	char           key[DB_KEY_SIZE]; /* longest: a destination, a space, five digits */
	enum conf_kind kind;
	uint32_t       sequence; /* later ones win */
	void          *object;   /* owned */
	const char    *file;     /* NULL: no file */
	unsigned       line;
	bool           differs, existed;
	char          *was_user; /* of a subscriber that differs: its chat address before, with its
				   scheme; owned, or NULL */
};

struct change {
	struct control   *control;
	char              who[64];
	struct change_op *ops;
	size_t            n, room;
	bool              prune[CONF_KIND_COUNT];
	bool              failed; /* memory was short */

	struct change_result *result;
	uint64_t              checksum; /* of the world after it */
	bool                  rules;    /* they differ */
	bool                  peers;    /* likewise */
	bool                  erases;   /* it removes a subscriber */
	struct names          targets;  /* names in use by routes and rules: how many uses more */
	struct object_room    packed;   /* of the object at hand */
};

/* A fault of an operation, at its file and line or else at the object's own name. */
void change_fault(struct change *ch, const struct change_op *op, const char *key,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Within a transaction: does every operation, notes what differs and every fault. 0 or -errno
 * (database, memory). */
int change_apply(struct change *ch);
/* Then what objects are to each other: targets exist, and none is taken away from a route or rule.
 */
int change_check_targets(struct change *ch);
/* The change itself asked: where a rule of it stands. */
void change_where_rule(void *user, const char *rule, const char **file, unsigned *line);
/* The report as the history may keep it: the first rows, subscribers without what tells of them.
 * The caller frees. */
char *change_differences_print(const json_t *differences);
/* One more row of the report. old, new: NULL where there is none. */
void change_difference(struct change *ch, const struct change_op *op, const void *old);
