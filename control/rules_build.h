/* Compiling the rules of the database for the dataplane's platform. Takes time: up to seconds for
 * ten thousand patterns. Main thread of control. */
#pragma once

#include "control.h"

/* Says in which file and line the rule stands, where the change that is checked knows it. */
typedef void rules_where_fn(void *user, const char *rule, const char **file, unsigned *line);

/*
 * Within a transaction: compile all rules as they are now and put the image into the database. 0;
 * -EINVAL after faults; -errno. digest: what the rules now add to the world's checksum.
 */
int rules_build(struct control *c, struct conf_faults *faults, rules_where_fn *where, void *user,
		uint64_t *digest);

/* Is the stored image for another platform than c->platform? */
bool rules_build_is_due(struct control *c);
/* A transaction of its own: the same rules for c->platform, as a new version. 0 or -errno. */
int rules_build_again(struct control *c);
