/*
 * The pipeline: admit, rules, route, deliver, over bursts of messages that sessions of this worker
 * took in. A stage looks at each item and leaves it, or refuses it; cycles are counted around the
 * stages.
 */
#pragma once

#include <stdint.h>

#include "msg/msg.h"
#include "proto/proto.h"
#include "rules/rules.h"
#include "world/world.h"

struct worker;

#define PIPELINE_BURST 64u

enum stage { STAGE_ADMIT, STAGE_RULES, STAGE_ROUTE, STAGE_DELIVER, STAGE_COUNT };

struct item { /* a message on its way through the stages, within one turn */
	struct msg                 *msg;     /* NULL: it has left the pipeline */
	const struct world_account *account; /* or NULL */
	const struct world_peer    *peer;    /* or NULL */
	const struct route_set     *routes;  /* ROUTE */
	uint32_t                    rule_route;
};

struct pipeline {
	struct item items[PIPELINE_BURST];
	unsigned    count;
	uint64_t    cycles[STAGE_COUNT]; /* of the time-stamp counter, for the benchmark and `cpmctl
					    status` */
};

const char *stage_name(enum stage stage);

/* Take a message that a session gave (EVENT_MSG); runs the stages when the burst is full. */
void pipeline_add(struct worker *w, struct msg *m);
/* Run the stages over what is there. */
void pipeline_run(struct worker *w);

/* The stages, stage_<name>.c. */
void stage_admit(struct worker *w, struct item items[], unsigned n);
void stage_rules(struct worker *w, struct item items[], unsigned n);
void stage_route(struct worker *w, struct item items[], unsigned n);
void stage_deliver(struct worker *w, struct item items[], unsigned n);

/* The only way a message ends undelivered: answers its origin, counts, frees. Takes m. */
void refuse(struct worker *w, struct msg *m, enum reason why);
void refuse_with(struct worker *w, struct msg *m, const struct result *result);

/* What the rules say about a message that came from this account or peer, or NULL; shared with
 * `route explain`. scratch: the worker's number, or the count of workers for the management
 * thread. */
void rules_judge(const struct world *world, unsigned scratch, const struct world_account *account,
		 const struct world_peer *peer, struct rules_input *input,
		 struct rules_verdict *verdict);
