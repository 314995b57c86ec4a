/*
 * The judge: compares what senders and receivers recorded (record.h). Pure but for reading the
 * files; one million messages take a table of 64 MB.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "options.h"

struct verdict {
	uint64_t sent, ok, failed, unanswered; /* as the senders were answered */
	uint64_t received, unmarked;           /* arrivals, each copy counted */
	uint64_t lost;       /* answered positively, and no receiver accepted it */
	uint64_t duplicated; /* copies that a receiver may have kept, beyond the first */
	uint64_t changed;    /* text, sender or recipient not as sent */
	uint64_t unknown;    /* received, and nobody sent it */
	uint64_t disordered; /* overtaken by a later one of the same session and recipient */
	uint64_t sent_twice; /* one marker in two records of senders: the records do not belong
				together */
	uint64_t failed_delivered; /* answered negatively, yet accepted: allowed, the outcome was
				      unknown */
	uint64_t receipts, receipts_missing, receipts_doubled, receipts_unknown;
	uint64_t malformed; /* lines that are none */
};

struct verify;

struct verify *verify_new(void);
void           verify_free(struct verify *v);
void verify_sent(struct verify *v, struct str lines); /* S and D lines of a sender's record */
void verify_received(struct verify *v,
		     struct str     lines); /* R lines of a receiver's record; after all senders */
/* receipts: they are wanted, so that none at all is a fault too. */
void verify_end(struct verify *v, bool receipts, struct verdict *verdict);
bool verify_passes(const struct verdict *verdict, const struct options *o);

int verify_run(const struct options *o); /* the command; 0: passed, 1: failed or unreadable */
