/*
 * Rules: patterns over from, to, account and text, and what a message is beside these, joined by
 * all, any and not; the first terminal action in order wins. Control compiles them (compile.h) into
 * an image: rule program, action table and serialised Hyperscan databases. The dataplane loads an
 * image, with a scratch for each worker, and scans. rules_load() and rules_free(): management
 * thread. rules_scan(): each worker with its own scratch number, no allocation, no lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/reason.h"
#include "base/str.h"

#define RULES_TARGETS_MAX 16u
#define RULES_LIMITS_MAX 8u         /* that one message can meet */
#define RULES_LIMIT_RULES_MAX 4096u /* rules with a limit in one set */

struct rules;

/* NULL: error says why (damaged, other Hyperscan version or platform, memory). scratches: one a
 * worker and one for the management thread. The image's bytes are not kept. */
struct rules *rules_load(struct cur image, unsigned scratches, char error[256]);
void          rules_free(struct rules *rules);

/* Fields that rules look at, as bits: what nobody looks at need not be prepared. */
#define RULES_FIELD_FROM 1u
#define RULES_FIELD_TO 2u
#define RULES_FIELD_ACCOUNT 4u
#define RULES_FIELD_TEXT 8u
#define RULES_FIELD_SIZE 16u
#define RULES_FIELD_PARTS 32u
#define RULES_FIELD_CONTENT 64u
#define RULES_FIELD_REACHED 128u
#define RULES_FIELD_DEVICE 256u
#define RULES_FIELD_IDENTITY 512u
#define RULES_FIELDS_BESIDE                                                                        \
	(RULES_FIELD_SIZE | RULES_FIELD_PARTS | RULES_FIELD_CONTENT | RULES_FIELD_REACHED |        \
	 RULES_FIELD_DEVICE | RULES_FIELD_IDENTITY)
unsigned rules_fields(const struct rules *rules);

#define RULES_PROTOCOLS_MAX 31u
#define RULES_NOBODY 31u /* number of the bit that says so in `reached` */

struct rules_input {
	struct str from, to, account; /* normal form; name of the account or peer */
	struct str text;              /* valid UTF-8, or empty */
	uint32_t   size, parts;       /* bytes; short messages that it would take */
	uint32_t   content;           /* enum msg_content */
	uint32_t   reached;           /* where the recipient is: bits by protocol */
	uint32_t   device;            /* what it takes there: bits by enum msg_ability */
	uint32_t   identity;          /* enum msg_identity */
};

enum rules_outcome { RULES_PASS, RULES_REJECT, RULES_DROP, RULES_ROUTE };

struct rules_verdict {
	enum rules_outcome outcome;
	enum reason        why; /* REJECT */
	uint32_t   rule;  /* index of the rule whose terminal action ended it; UINT32_MAX: none */
	uint32_t   route; /* ROUTE: index for rules_route_targets() */
	uint16_t   tags;  /* bits; rules_tag_name() */
	bool       hit;   /* at least one rule acted */
	struct str from, to;  /* rewritten (the last rewrite counts), lent by the rule set; p NULL:
				 as it was */
	unsigned limit_count; /* a rule that would add one too many refuses instead: REJECT,
				 RULE_LIMIT */
	uint32_t limits[RULES_LIMITS_MAX]; /* indices of limits it must pass, in order; over one ->
					      RULE_LIMIT */
};

/*
 * scratch: number of the caller, below what rules_load() was given. Every rule looks at the input
 * as it came, whatever rules before it rewrote. A field that is empty matches no pattern. Cost: a
 * Hyperscan scan of each field that has patterns, a comparison for each different condition on the
 * fields beside, then by what matched.
 */
void rules_scan(const struct rules *rules, unsigned scratch, const struct rules_input *input,
		struct rules_verdict *verdict);

uint32_t    rules_count(const struct rules *rules);
const char *rules_name(const struct rules *rules, uint32_t rule);
const char *rules_tag_name(const struct rules *rules, unsigned bit); /* NULL: no rule sets it */

/* Limits: a rate each, named after its rule so that its bucket survives a new version of the rules.
 */
uint32_t    rules_limit_count(const struct rules *rules);
const char *rules_limit_name(const struct rules *rules, uint32_t limit);
uint32_t    rules_limit_rate(const struct rules *rules, uint32_t limit); /* messages a second */

/* Route actions: the names of their targets in fail-over order. */
uint32_t rules_route_count(const struct rules *rules);
unsigned rules_route_targets(const struct rules *rules, uint32_t route,
			     const char *names[RULES_TARGETS_MAX]);

/* Hits of a rule, for `cpmctl rule list`: those counted by the first so many scratches, so that
 * questions asked with a later one do not count. */
uint64_t rules_hits(const struct rules *rules, unsigned scratches, uint32_t rule);
