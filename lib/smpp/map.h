/*
 * Between submit_sm, deliver_sm or data_sm and struct msg, both ways, so that a message that goes
 * from SMPP to SMPP arrives as it was: the fields that only SMPP knows travel as one extra of tag 0
 * (put there first), each optional parameter as an extra of its own tag, in order; message_payload,
 * which is the body, leaves an empty extra at its place. No state, no memory but the message's
 * pool. Workers.
 */
#pragma once

#include "proto/proto.h"
#include "smpp/pdu.h"

/* 0 is no tag of the standard; the first extra of this tag is ours. */
#define SMPP_EXTRA_FIELDS 0u
/* Ours, of the range for vendors (3.4, 5.3.2): with value 1 the receiver may have the message
 * already. */
#define SMPP_TLV_possible_duplicate 0x14d0u
/* Optional parameters of one message: each costs a walk through its blocks. */
#define SMPP_TLVS_MAX 256u

struct smpp_map {
	const struct proto_settings *settings;
	struct metrics              *metrics;
	struct now                   now;
	uint8_t                      protocol; /* our index in protocols.def */
	bool to_centre; /* in: the peer is an ESME; out: the peer is a message centre: submit_sm,
			   not deliver_sm */
	bool tlvs;      /* out: the peer speaks 3.4 and so knows optional parameters (3.4, 3.4.2) */
};

enum msg_coding smpp_coding_of(uint8_t data_coding, uint8_t default_alphabet);

/* Fills the empty record *m from a parsed body. SMPP_ROK, or the status that answers the fault,
 * *why its reason and *m half filled. */
uint32_t smpp_map_in(const struct smpp_map *map, const struct smpp_sm *sm, struct msg *m,
		     enum reason *why);

/* Writes the body of submit_sm or deliver_sm. A reason: it can never go out here. NONE with
 * w->failed: too little room. */
enum reason smpp_map_out(const struct smpp_map *map, const struct msg *m, struct put *w);
