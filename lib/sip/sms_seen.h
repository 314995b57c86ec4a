/*
 * Short messages of devices that are here already (TS 23.040, 9.2.3.25; TS 24.011, 5.3.3): a device
 * that has not heard its RP-ACK sends the RPDU again, in a request of its own. They are the same
 * where the sender and all of the SUBMIT are, TP-MR with it, and the RP-MR too unless the device
 * says by TP-RD that it sends again. Kept while they are open and once they are taken; one that was
 * refused may come again. A table of fixed size: where all places of a row are taken, the oldest
 * goes. One worker; constant time but for the bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/now.h"
#include "base/str.h"

#define SIP_SMS_SEEN_ROWS 256u
#define SIP_SMS_SEEN_WAYS 4u
#define SIP_SMS_SEEN_US (90 * US_PER_SECOND) /* twice timer TR1M (TS 24.011, 10) */

struct sip_sms_known {
	uint64_t hash;     /* of sender and TPDU */
	uint64_t since_us; /* 0: the place is free */
	uint8_t  scts[7];  /* that its sender is told */
	uint8_t  reference;
	bool     taken; /* else its answer is still to come */
};

struct sip_sms_seen {
	struct hash_key      key;
	struct sip_sms_known rows[SIP_SMS_SEEN_ROWS][SIP_SMS_SEEN_WAYS];
};

/* Of a SUBMIT as it came, whose TP-RD is told beside it. */
uint64_t sip_sms_seen_hash(const struct sip_sms_seen *seen, struct str sender, struct str tpdu);
/* NULL: it is new. */
const struct sip_sms_known *sip_sms_seen_find(const struct sip_sms_seen *seen, struct now now,
					      uint64_t hash, uint8_t reference, bool again);
void sip_sms_seen_add(struct sip_sms_seen *seen, struct now now, uint64_t hash, uint8_t reference,
		      const uint8_t scts[7]);
/* Its answer. */
void sip_sms_seen_end(struct sip_sms_seen *seen, uint64_t hash, uint8_t reference, bool taken);
