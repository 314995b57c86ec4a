/*
 * Control's end of the channel: finds the dataplane, brings it in step, puts changes in force, asks
 * questions. Control holds the truth: a dataplane that stands elsewhere gets deltas where they are
 * kept and start from what it has, else the whole world. Every call ends by a deadline; a dataplane
 * that does not answer in time counts as down until it answers a new hello. Main thread of control.
 */
#pragma once

#include "base/reason.h"
#include "world/world.h"

#include "control.h"

/* Tries at once, then each 200 ms while it is down. NULL: no memory. */
struct dp_link *dp_link_new(struct control *c);
void            dp_link_free(struct dp_link *l);

/* The dataplane is up and has in force what is committed here. */
bool dp_link_in_step(const struct dp_link *l);

/* How many times it has come up. */
uint64_t dp_link_connections(const struct dp_link *l);

/* 0: built aside, and waiting for publish or abandon. -EINVAL: refused, why says why. Else it is
 * down now. */
int dp_link_prepare(struct dp_link *l, const struct world_delta *d, char why[256]);
/* What was prepared and is committed now: 0 in force. Else the dataplane is down, or will be
 * brought in step. */
int  dp_link_publish(struct dp_link *l, uint64_t *us);
void dp_link_abandon(struct dp_link *l);

/* Committed without a prepared delta: bring it in step now, if it is up. 0: in force. */
int dp_link_resync(struct dp_link *l, uint64_t *us);

int dp_link_query(struct dp_link *l, const char *name, json_t *args, json_t **reply,
		  char error[256]);
/* An answer to a question of a session (answers.h). Where the channel that it came by is gone,
 * nobody waits for it. */
void dp_link_tell(struct dp_link *l, uint64_t id, enum reason why, struct str answer);
void dp_link_status(const struct dp_link *l, struct control_status *status);
const struct metrics *dp_link_metrics(const struct dp_link *l, unsigned *workers);
