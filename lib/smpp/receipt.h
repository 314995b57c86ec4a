/*
 * The text of a delivery receipt (SMPP 3.4, appendix B): "id:... sub:... dlvrd:... submit date:...
 * done date:... stat:... err:... text:...". The standard leaves its form to the vendor, so it is
 * read leniently: keys in any case and any order, any that is missing. Bytes in, nothing kept.
 * Pure; any thread.
 */
#pragma once

#include "base/put.h"
#include "msg/msg.h"

#define SMPP_RECEIPT_TEXT_MAX 512u /* longer texts are not looked into */

struct smpp_receipt_text {
	struct str id; /* lent from the text; empty: none */
	uint32_t   error;
	bool       has_state, has_error;
	uint8_t    state; /* enum msg_state */
};

/* False: no id in it. */
bool smpp_receipt_parse(struct str text, struct smpp_receipt_text *r);

/* The text with our id in place of the one at *r; the rest as it was. */
void smpp_receipt_rewrite(struct put *w, struct str text, const struct smpp_receipt_text *r,
			  uint64_t msg_id);

/* A whole text made from what the record says; the date is that of wall_ms for both, since the
 * record has no other. */
void smpp_receipt_write(struct put *w, const struct msg_receipt *r, uint64_t wall_ms);

uint8_t
smpp_receipt_state_in(uint8_t message_state); /* TLV message_state (5.2.28) to enum msg_state */
uint8_t smpp_receipt_state_out(uint8_t state);
