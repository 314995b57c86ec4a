/*
 * The short message relay layer of application/vnd.3gpp.sms (3GPP TS 24.011, 7.3 and 8.2;
 * TS 24.341): RP-DATA, RP-ACK, RP-ERROR and RP-SMMA, taken from bytes and written. The user data is
 * a TPDU: sip/tpdu.h. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"

#define SIP_RP_USER_DATA_MAX 233u /* TS 24.011, 8.2.5.3 */

/* The message type indicator (8.2.2): MS is from the mobile station to the network, N the other
 * way. */
enum sip_rp_type {
	SIP_RP_DATA_MS,
	SIP_RP_DATA_N,
	SIP_RP_ACK_MS,
	SIP_RP_ACK_N,
	SIP_RP_ERROR_MS,
	SIP_RP_ERROR_N,
	SIP_RP_SMMA_MS,
	SIP_RP_TYPE_COUNT
};

/* Causes (8.2.5.4) that those need who answer; any other number may come. */
enum sip_rp_cause {
	SIP_RP_UNASSIGNED = 1,
	SIP_RP_OPERATOR_BARRED = 8,
	SIP_RP_CALL_BARRED = 10,
	SIP_RP_TRANSFER_REJECTED = 21,
	SIP_RP_MEMORY_EXCEEDED = 22,
	SIP_RP_DESTINATION_OUT_OF_ORDER = 27,
	SIP_RP_UNIDENTIFIED_SUBSCRIBER = 28,
	SIP_RP_FACILITY_REJECTED = 29,
	SIP_RP_UNKNOWN_SUBSCRIBER = 30,
	SIP_RP_NETWORK_OUT_OF_ORDER = 38,
	SIP_RP_TEMPORARY_FAILURE = 41,
	SIP_RP_CONGESTION = 42,
	SIP_RP_RESOURCES = 47,
	SIP_RP_FACILITY_NOT_SUBSCRIBED = 50,
	SIP_RP_FACILITY_NOT_IMPLEMENTED = 69,
	SIP_RP_INVALID_REFERENCE = 81,
	SIP_RP_SEMANTICALLY_INCORRECT = 95,
	SIP_RP_INVALID_MANDATORY = 96,
	SIP_RP_TYPE_UNKNOWN = 97,
	SIP_RP_WRONG_STATE = 98,
	SIP_RP_PROTOCOL_ERROR = 111,
	SIP_RP_INTERWORKING = 127,
};

#define SIP_RP_DIGITS_MAX 20u

/* A number in semi-octets: RP addresses and those of TPDUs. */
struct sip_rp_number {
	uint8_t ton, npi, size;
	char    digits[SIP_RP_DIGITS_MAX]; /* 0-9 * # a b c (TS 24.008, table 10.5.118) */
};

struct sip_rp {
	enum sip_rp_type type;
	uint8_t          reference;
	bool has_originator, has_destination; /* RP-DATA: which addresses are not empty */
	struct sip_rp_number originator, destination;
	uint8_t              cause;      /* RP-ERROR; enum sip_rp_cause, or any number up to 127 */
	uint8_t              diagnostic; /* RP-ERROR; 0: none */
	bool                 has_user_data; /* RP-DATA: always */
	struct cur           user_data;
};

/*
 * The whole body. Whether an RP-DATA names its service centre is not asked: SIP has routed it.
 * SYNTAX: it ends too early, an address is none, a cause is missing. LIMIT: more user data than
 * SIP_RP_USER_DATA_MAX. UNSUPPORTED: the reserved type; reference is then read. Optional elements
 * that nobody knows are passed over.
 */
enum sip_body sip_rp_parse(struct cur in, struct sip_rp *rp);
/* Fails where digits are none or there is too much of something. */
void sip_rp_put(struct put *w, const struct sip_rp *rp);

/* Digits, two in an octet, the first in the lower half; n semi-octets. False: one that is no digit
 * before the last, or more than SIP_RP_DIGITS_MAX. With stop, a filler ends them. */
bool sip_rp_digits_read(struct cur *in, unsigned n, bool stop, struct sip_rp_number *number);
void sip_rp_digits_put(struct put *w, const struct sip_rp_number *number);
