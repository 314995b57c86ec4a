/*
 * Questions of sessions to control (proto.h, EVENT_ASK): a worker puts one into a slot and hands it
 * to the management thread by ring; that one sends it to control, and hands the slot back with the
 * answer, whose memory it has made and frees when the slot is back once more. Nobody waits: what is
 * not answered in time, or while control is down, is told with REASON_CONTROL_DOWN, and what comes
 * too late is thrown away.
 *
 * An answer is read by its session as it has room, in the order of its questions. A session that
 * does not take its answer within ASK_TAKE_US does not read what it is sent, and is reset.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "base/list.h"
#include "proto/proto.h"

#define ASKS_MAX 1024u       /* of one worker, not yet all read */
#define ASKS_SESSION_MAX 16u /* of one session: then it is not read from */
#define ASK_SIZE_MAX 8192u   /* bytes of a question */
#define ASK_ANSWER_MAX 262144u
#define ASK_ANSWERS_MAX (64u * 1024u * 1024u) /* bytes of answers of all workers */
#define ASK_ANSWER_US (5 * US_PER_SECOND)
#define ASK_TAKE_US (10 * US_PER_SECOND) /* after that */

struct worker;
struct conn;
struct dataplane;

struct ask {
	/* Of the worker. */
	struct list        list; /* of those that wait, or are told */
	struct session_ref origin;
	uint64_t           token, due_us;
	bool               given_up; /* told before it came back */
	bool               told;     /* given_up: the session has taken that */
	bool               back;     /* the management thread has handed it back */
	struct cur         left;     /* of the answer */

	/* Of who has the slot; written before it is handed over by ring. */
	enum { ASK_FREE, ASK_ASKED, ASK_TOLD, ASK_DONE } state;
	enum reason why;
	uint8_t    *answer; /* or NULL */
	uint32_t    answer_size;
	uint32_t    size;
	uint8_t     bytes[ASK_SIZE_MAX];

	/* Of the management thread. */
	struct list out; /* of those that control has */
	uint64_t    id;  /* while it is there; 0: it is not */
};

struct asks {                                 /* of one worker */
	struct rte_ring *to_mgmt, *to_worker; /* of slots; each has room for all */
	struct ask      *slots;
	/* Of the worker. */
	uint32_t    free_count, free_slots[ASKS_MAX];
	struct list waiting, telling;
	/* Of the management thread. */
	struct list out;
	uint64_t    sequence;
};

int  asks_init(struct worker *w); /* 0 or -ENOMEM */
void asks_free(struct worker *w);

/* ---- the worker ---- */

/* May another question be asked now? */
bool ask_has_room(const struct worker *w);
/* c's session asks, or c itself, which has none yet (search.h); it is told later, or at once why
 * not. */
void ask_begin(struct worker *w, struct conn *c, const struct proto_question *q);
/* Takes what has come back, and tells it. Returns how much there was; *next_us as of worker_turn().
 */
unsigned asks_turn(struct worker *w, uint64_t *next_us);

/* ---- the management thread ---- */

/* Does a protocol of one of our listeners ask? */
bool asks_may_come(const struct dataplane *dp);
/* The next question of any worker, lent until asks_told(); false: there is none. What is too late
 * is handed back by the way. */
bool asks_next(struct dataplane *dp, uint64_t now_us, uint64_t *id, struct cur *question);
/* An answer, which is copied; NONE or why there is none. One to no question of now is passed over.
 */
void asks_told(struct dataplane *dp, uint64_t id, enum reason why, struct cur answer);
/* Control is gone: what it has is not answered. */
void asks_lost(struct dataplane *dp);
