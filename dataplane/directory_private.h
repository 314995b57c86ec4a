/*
 * What the writer of the directory is made of: directory.c, the table and who changes it, and
 * directory_keep.c, what of it outlives the process. Not for others.
 */
#pragma once

#include "directory.h"

#include <rte_ring.h>

#include "base/hash.h"
#include "base/list.h"
#include "rcu/rcu.h"

#include <urcu/rculfhash.h>

#include "directory_record.h"
#include "journal.h"

#define DIRECTORY_BATCH 256u        /* changes of one turn */
#define DIRECTORY_WHEEL_SLOTS 4096u /* of a second */

struct entry {
	struct cds_lfht_node node;
	struct list          due;
	struct entry        *retired;
	uint64_t             hash;
	struct over         *overs; /* behind the record: its bindings over streams */
	uint32_t             over_count;
	uint32_t             round; /* of renewals of the journal: the last that it was in */
	bool                 kept;  /* the journal has bindings of it */
	uint8_t              protocol;
	struct proto_record  record;
};

struct over { /* a binding over a stream, found by its session */
	struct list        node;
	struct entry      *entry;
	struct session_ref session;
};

struct change { /* what a producer asks for; its own again when it comes back */
	struct session_ref        origin;
	struct proto_registration asked;
	uint32_t                  next_free;
	uint8_t                   protocol, why; /* why: enum reason, the answer */
	bool                      has_lost;
	struct session_ref        lost; /* whose binding it took over */
	char                      address[MSG_ADDR_SIZE_MAX];
	char                      text[PROTO_RECORD_TEXT_MAX];
};

struct producer {
	struct rte_ring *asked, *confirmed, *ended;
	struct change   *changes; /* [DIRECTORY_CHANGES_MAX], touched as they are used */
	uint32_t         used_high, free_head; /* free_head: index + 1; 0: none */
	/* The writer's, of this turn. */
	unsigned       done_count, ended_count;
	bool           drained; /* all that was asked for before those ends is done */
	struct change *done[DIRECTORY_CHANGES_MAX]; /* to be confirmed */
};

struct directory {
	struct cds_lfht *table;
	struct hash_key  key;
	unsigned         producer_count;
	struct producer  producers[NET_WORKERS_MAX + 1];
	/* The writer's. */
	uint64_t            max, buckets;
	struct entry       *retired;
	struct list         wheel[DIRECTORY_WHEEL_SLOTS];
	uint64_t            wheel_s;
	uint32_t            ids;
	struct list        *over; /* [OVER_BUCKETS], by session */
	struct session_ref  ending;
	bool                is_ending; /* there may be more bindings over it */
	bool                keeps;
	struct journal      journal;
	struct store_places places;
	uint32_t            round, renew_slot;
	uint64_t            renew_after_us;
	_Atomic bool        renew_asked; /* of what was removed nothing is to be left */
	uint8_t             room[STORE_RECORD_MAX];
	_Atomic uint64_t    addresses, bindings, numbers; /* relaxed: counts */
};

struct wanted {
	unsigned   protocol;
	struct str address;
};

struct entry *directory_entry(const struct directory *d, const struct wanted *wanted);
/* What the plan says takes the place of the old entry; nothing left: the address goes, and *put is
 * NULL. */
enum reason directory_put(struct directory *d, const struct wanted *wanted, struct entry *old,
			  const struct record_plan *plan, struct entry **put);
void        directory_grow(struct directory *d);
void        directory_retired_free(struct directory *d); /* once no reader can have them */

/* A change is in force: it is written. e: what there is now; NULL: nothing. */
void directory_keep_change(struct directory *d, struct now now, const struct wanted *wanted,
			   bool was_kept, struct entry *e);
/* An entry that is kept has moved on the wheel. */
void directory_keep_moved(struct directory *d, struct now now, struct entry *e);
/* A new journal where the old one is long, some entries a turn. Returns how many. */
unsigned directory_keep_renew(struct directory *d, struct now now);
void     directory_keep_flush(struct directory *d);
