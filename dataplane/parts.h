/*
 * Long messages before the rules: the decoded text of the parts that this worker has seen, so that
 * each part is judged on the text so far and a pattern that straddles two parts is found; and the
 * verdict that ended one part, so that the later ones end alike (DESIGN.md 3.8). No part is ever
 * held. Bounded in messages, bytes and time: what does not fit is forgotten, oldest first, and the
 * parts that come later are judged on what is left. One worker; parts of one message that come in
 * at two workers are judged apart.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/now.h"
#include "metrics/metrics.h"
#include "msg/msg.h"
#include "rules/rules.h"

#define PARTS_MESSAGES_MAX 4096u
#define PARTS_TEXT_MAX 8192u                  /* bytes of UTF-8 kept of one message */
#define PARTS_LIFETIME_US UINT64_C(300000000) /* since its latest part */

/* What ended a part. */
struct parts_verdict {
	uint8_t  outcome;     /* enum rules_outcome; PASS: nothing yet */
	uint8_t  why;         /* REJECT: enum reason */
	uint32_t rule, route; /* of the rules of rules_version */
	uint64_t rules_version;
};

struct parts_message;

struct parts {
	struct metrics       *metrics;
	struct hash_key       key_low, key_high;
	struct parts_message *table;
	uint32_t             *buckets; /* index + 1; 0: empty */
	char *texts; /* [PARTS_MESSAGES_MAX][PARTS_TEXT_MAX], zeroed pages, touched as they are used
		      */
	char       *room; /* of the joined text */
	uint32_t    free_head;
	struct list by_age; /* order of the latest parts */
};

/* 0 or -ENOMEM. */
int  parts_init(struct parts *p, struct metrics *metrics, uint64_t seed);
void parts_free(struct parts *p);

/* The message that the part belongs to: lent until the next call; found by account or peer, from,
 * to, reference and number of parts, or begun. */
struct parts_message *parts_find(struct parts *p, struct now now, const struct msg *part);

/*
 * What ended an earlier part and holds for this one, whose text is `text`: REJECT and DROP for
 * good, ROUTE while the rules are the same. A first part of another text begins a new message under
 * an old reference: nothing holds for it.
 */
const struct parts_verdict *parts_verdict(struct parts *p, struct parts_message *m, unsigned part,
					  struct str text, uint64_t rules_version);

/*
 * Keep the text of one part; returns the text of all that is kept, in order, with U+FFFC for each
 * run of parts that are missing before or between. Lent until the next call. A part that came
 * before counts with its new text.
 */
struct str parts_join(struct parts *p, struct parts_message *m, unsigned part, struct str text);

/* The part was judged: later ones end as it did. A message all of whose parts have passed is
 * forgotten. */
void parts_judged(struct parts *p, struct parts_message *m, const struct parts_verdict *verdict);

/* Forget what is too old, a bounded number. Returns the next deadline. */
uint64_t parts_tick(struct parts *p, struct now now);
