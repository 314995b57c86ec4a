/*
 * The one way in which live objects change: gather, check, prepare at the dataplane, commit to the
 * database, publish, acknowledge when in force (DESIGN.md 5). All on control's main thread; a
 * change is one transaction and one version.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

struct control;
struct change;

struct change *change_begin(struct control *c,
			    const char     *who); /* who: for the audit and history ("uid 0") */
/* Both take over the object. What was put or removed later in the same change wins. */
void change_put(struct change *ch, enum conf_kind kind, void *object);
/* The same for an object that was read from a file: faults name file (lent until change_commit())
 * and line. */
void change_put_at(struct change *ch, enum conf_kind kind, void *object, const char *file,
		   unsigned line);
void change_remove(struct change *ch, enum conf_kind kind, const char *id);
/* Remove all of that kind which the change does not put (apply --prune). */
void change_prune(struct change *ch, enum conf_kind kind);

enum change_outcome {
	CHANGE_IN_FORCE,     /* committed, and every worker has passed a quiescent state with it */
	CHANGE_NOT_IN_FORCE, /* committed; the dataplane is down and will get it when it is back */
	CHANGE_DRY,          /* checked only */
	CHANGE_NOTHING,      /* nothing differs */
	CHANGE_REFUSED,      /* nothing changed; the faults say why */
};

struct change_result {
	enum change_outcome outcome;
	uint64_t            version; /* of the world after it */
	uint32_t            added, replaced, removed;
	uint64_t publish_us; /* from publication to the last quiescent state, as the dataplane
				measured */
	uint64_t           commit_us; /* of the database's commit, to the disk */
	struct conf_faults faults;    /* owned by the caller: conf_faults_free() */
	json_t *differences; /* array of {kind, id, what: "add|replace|remove", keys: {...}} at most
				1,000; caller owns */
};

/* Carries it out (dry: check and report only) and frees the change. */
void change_commit(struct change *ch, bool dry, struct change_result *result);

/* Reading what is committed. */
int control_object_get(struct control *c, enum conf_kind kind, const char *id,
		       void *object); /* 0, -ENOENT */
/* Calls each in order (routes by destination, rules by position, others by name) until it returns
 * false; from: skip ids below; object is lent. */
int      control_object_each(struct control *c, enum conf_kind kind, const char *from,
			     bool (*each)(void *user, const char *id, const void *object), void *user);
uint64_t control_object_count(struct control *c, enum conf_kind kind);

/* Ask the dataplane (query.h there): reply and error as it gave them. 0, -ENOTCONN (dataplane
 * down), -EINVAL (error filled), -ETIMEDOUT. */
int control_query(struct control *c, const char *name, json_t *args, json_t **reply,
		  char error[256]);

struct control_status {
	bool        dataplane_up, in_step;
	uint64_t    version, dataplane_version;
	const char *rules_state; /* "in force", or why the rules in force are not the newest */
	uint64_t    started_ms;
};
void control_status(struct control *c, struct control_status *status);

/* Counters of the dataplane, mapped read-only; NULL while it is down. */
struct metrics;
const struct metrics *control_metrics(struct control *c, unsigned *workers);

/* Counters of control itself (METRIC_SCOPE_CONTROL): written on the main thread only. */
struct metrics *control_counters(struct control *c);

/* Register a file descriptor with control's event loop (epoll); called back on the main thread when
 * it is readable. */
void control_watch(struct control *c, int fd, void (*ready)(void *user), void *user);
/* Before the descriptor is closed; no further call comes, not even in the same turn of the loop. */
void control_unwatch(struct control *c, int fd);
