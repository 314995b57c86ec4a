/*
 * What an operator's change does to rosters, until those whom it is about know it: effects of
 * lib/roster, each kept for the user whose sessions carry it out. When the change is committed the
 * dataplane is told whom there is something for; a session of theirs asks for it (EFFECTS), and
 * what is for who is not there is thrown away: such a client reads its roster when it comes.
 * In memory alone, bounded in bytes and in time: what is lost when control ends or the room is full
 * clients see when they ask next, by the version of the roster. Main thread of control.
 */
#pragma once

#include "control.h"
#include "roster/question.h"

#define NOTICES_BYTES_MAX (256u * 1024u)
#define NOTICES_MS 10000u /* then it is old, and may not be true any more */

struct notices;

struct notices *notices_new(struct control *c); /* NULL: no memory */
void            notices_free(struct notices *n);

/* Of a change that is not committed yet: for the user, or, farewell: for streams of one who is
 * erased, which end by themselves and say so to `to`. */
void notices_add(struct notices *n, uint64_t now_ms, struct str user, bool farewell,
		 const struct roster_effect *e);
/* The change is committed and in force: whom it is about hears that there is something. */
void notices_send(struct notices *n);
/* The change is not made. */
void notices_undo(struct notices *n);

/* Each effect for the user, in order; what each() takes is gone, what it returns false for stays.
 */
void notices_take(struct notices *n, uint64_t now_ms, struct str user,
		  bool (*each)(void *context, const struct roster_effect *e), void *context);
/* Each to whom a user who is erased says that it is gone; they stay. False: there is none. */
bool notices_farewells(struct notices *n, uint64_t now_ms, struct str user,
		       void (*each)(void *context, const struct roster_effect *e), void *context);
