/*
 * Rosters, subscriptions and block lists (RFC 6121, XEP-0191): what each question of lib/roster
 * changes, and what is to be done for it to be known. Where both users are subscribers, both sides
 * change together. Main thread of control, within a transaction.
 */
#pragma once

#include "base/reason.h"
#include "control.h"
#include "roster/question.h"

#define ROSTER_BYTES_MAX                                                                           \
	131072u /* of all rows of an owner, so that an answer has room for them                    \
		 */

/* NONE: the answer is written. Else nothing was changed. answer: ROSTER_ANSWER_SIZE_MAX of room. */
enum reason roster_answer(struct control *c, struct cur question, struct put *answer);

/* The effects of a change that an operator makes, for those whom they are about (notices.h). */
void roster_notices(struct control *c, struct cur effects);
/* A user is no more: whatever it made goes, and those who had it among theirs hear of it. 0 or
 * -errno. */
int roster_erase(struct control *c, struct str user);
