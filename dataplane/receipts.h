/*
 * Open receipts: which message of ours has which id at an SMSC. The table of an SMSC is at one
 * worker, that of ids that we have made ourselves at all, by the id; entries and questions of other
 * workers come by ring. A question that comes before its entry is held until FLIGHT_RECEIPT_WAIT_US
 * are over; each question gets exactly one answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"
#include "proto/proto.h"

struct worker;

#define RECEIPTS_FILTER 4096u
#define RECEIPTS_LIFETIME_MAX_US (72ull * 3600 * 1000000)

struct receipt_note { /* an entry, a question, or the end of an entry, as it travels by ring */
	uint32_t smsc, account; /* smsc: receipts_smsc() */
	uint64_t msg_id;
	uint64_t lifetime_us;
	uint32_t flight, generation; /* question: who asks */
	uint32_t subscriber; /* receipts_subscriber() of the recipient, who is the receipt's sender
			      */
	uint8_t ids;         /* enum conf_ids: the peer's habit */
	uint8_t home;
	uint8_t id_size;
	uint8_t origin_id_size; /* entry of a message that came from no account: what its sender
				   called it; the receipt goes to where its own address leads */
	bool read_wanted;       /* entry: the receipt of delivery is not the last */
	bool read;              /* end: it has been read */
	char id[RESULT_REMOTE_ID_MAX];
	char origin_id[MSG_ORIGIN_ID_MAX];
};

/* What the table knows of the message of a receipt. */
struct receipt_found {
	uint64_t msg_id;  /* 0: nothing */
	uint32_t account; /* or MSG_SLOT_NONE */
	uint8_t  origin_id_size;
	char     origin_id[MSG_ORIGIN_ID_MAX];
};

struct receipts {
	struct hash_key          key_low, key_high;
	struct receipt          *table;   /* zeroed pages, touched as they are used */
	struct receipt_origin   *origins; /* the same */
	uint32_t                 origins_max, origins_high, origins_free;
	uint32_t                *buckets;
	uint32_t                 max, bucket_mask, used_high, free_head, open;
	uint32_t                 sweep;
	uint64_t                 sweep_us;
	struct receipt_question *questions;
	uint32_t                 question_head, question_count;
	uint16_t                 filter[RECEIPTS_FILTER];
};

int  receipts_init(struct receipts *r, uint32_t max, uint64_t seed);
void receipts_free(struct receipts *r);

/*
 * Whose message ids a peer's are: the same for all peers of one host and system_id (and domain), so
 * that the receipt on a receiver bind finds what was sent over the transmitter bind beside it.
 */
uint32_t receipts_smsc(const struct worker *w, uint32_t peer);
/* Of all that is registered here, and of peers to which the ids are ours: what was sent to a device
 * is reported on by the peer before it. */
#define RECEIPTS_OURS 0u

/* The end of a number, which international, national and prefixed forms of it share. */
uint32_t receipts_subscriber(struct str address);

/* These go to the table's worker, by ring where that is another. */
void receipt_open(struct worker *w, const struct receipt_note *note);
void receipt_ask(struct worker             *w,
		 const struct receipt_note *note); /* flight_receipt_found() follows, once */
void receipt_done(
	struct worker             *w,
	const struct receipt_note *note); /* the final receipt was delivered: forget the entry */

/* The same at the table's worker; called by the three above and by xcore. */
void receipts_note_open(struct worker *w, const struct receipt_note *note);
void receipts_note_ask(struct worker *w, const struct receipt_note *note);
void receipts_note_done(struct worker *w, const struct receipt_note *note);

uint64_t receipts_tick(struct worker *w); /* give up old entries and questions, a bounded number */
