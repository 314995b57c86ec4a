/*
 * Questions of the dataplane's sessions about what users make (lib/roster), and of workers
 * about servers of other domains (domains.h): they come over the
 * channel whenever control looks there, also while it waits for something else, and are answered
 * when it does nothing else: all that have come, in their order, in one transaction. Main thread of
 * control.
 */
#pragma once

#include "control.h"

struct answers;

struct answers *answers_new(struct control *c); /* NULL: no memory */
void            answers_free(struct answers *a);

/* A question has come; it is answered in a later turn of the loop, through dp_link_tell(). False:
 * more than the dataplane may ask at a time. */
bool answers_take(struct answers *a, uint64_t id, struct cur question);
/* The channel ended: nobody waits for them any more. */
void answers_drop(struct answers *a);
