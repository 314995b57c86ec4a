/*
 * Flights: messages of this worker that wait for their result. Home decides about targets, retries
 * and fail-over; every flight ends by exactly one answer to the submitter, within answer_max, and
 * the message is freed when it is home and answered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "msg/msg.h"
#include "proto/proto.h"
#include "route/route.h"

struct worker;
struct receipt_found;

#define FLIGHT_ANSWER_MAX_US UINT64_C(25000000)
#define FLIGHT_QUEUE_MAX_US                                                                        \
	UINT64_C(15000000) /* in a link's queue: what is left is the time for the answer */
#define FLIGHT_RECEIPT_WAIT_US                                                                     \
	UINT64_C(5000000) /* a receipt that came before the response to its message */
#define FLIGHT_TRIES_MAX ROUTE_TARGETS_MAX
#define FLIGHT_RELINKS_MAX 4u /* times that a target is asked again because its session ended */

enum flight_state {
	FLIGHT_FREE,
	FLIGHT_CHOOSING,
	FLIGHT_LENT,
	FLIGHT_MATCHING /* a receipt waits for its entry */
};

struct flight {
	struct msg *msg;
	struct list by_age; /* deadline order: all have the same time to answer */
	uint64_t    deadline_us;
	uint32_t    generation, next_free;
	uint32_t    rule_route;    /* route action of a rule, or UINT32_MAX: by destination */
	uint64_t    rules_version; /* of the rules that it is a number in */
	uint8_t     state, tries, relinks; /* relinks: sessions that ended before they sent it */
	bool        answered;       /* the submitter has its answer; only the result is awaited */
	bool        resend_unknown; /* of its account: an unknown outcome goes to the next target */
	struct route_target current;
	struct session_ref  lent; /* over which its registration was reached */
	struct route_target tried[FLIGHT_TRIES_MAX];
	struct result       last; /* why the last target did not take it */
};

struct flights {
	struct flight *table;
	uint32_t       max, free_head;
	struct list    by_age;
};

int  flights_init(struct flights *f, uint32_t max);
void flights_free(struct flights *f);

/* Leads to where the recipient is registered. */
extern const struct route_set flight_here;

/* The pipeline has decided; takes m. routes: found in this turn's world; NULL: to be looked for. */
void flight_start(struct worker *w, struct msg *m, const struct route_set *routes,
		  uint32_t rule_route, bool resend_unknown, bool answer_now);
/* A copy, whose result nobody is told; takes m. */
void flight_start_copy(struct worker *w, struct msg *m);
/* A receipt: find its message first; takes m. */
void flight_start_receipt(struct worker *w, struct msg *m);
/* What the receipt table said. */
void flight_receipt_found(struct worker *w, uint32_t flight, uint32_t generation,
			  const struct receipt_found *found);

/* The one result of a lent message has come home. */
void flight_result(struct worker *w, uint32_t flight, const struct result *result);

/* Answer those whose time is over. Returns the next deadline. */
uint64_t flights_tick(struct worker *w);
