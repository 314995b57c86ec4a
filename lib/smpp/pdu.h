/*
 * The PDUs of SMPP 3.4 ("SMPP Protocol Specification v3.4", issue 1.2; what 5.0 adds beside it):
 * taken from bytes without copying, and written. Everything a parser gives points into the bytes it
 * was given. No state, no memory, no clock; pure; any thread. Sessions, the map to struct msg,
 * tests and cpm-load use it.
 *
 * A parser returns the command_status that answers the fault it found, SMPP_ROK when there is none;
 * the fields before the fault are filled. Maxima are those of the standard and count the
 * terminating NUL of a C-octet string. Builders fail (the put cursor's sticky failure) where a
 * field is longer than its maximum or a C-octet string holds a NUL.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/reason.h"
#include "base/str.h"
#include "proto/proto.h"

#define SMPP_HEADER_SIZE 16u
/* A message_payload of 65,535 bytes and room for the other fields. */
#define SMPP_PDU_SIZE_MAX (66u * 1024u)
#define SMPP_SEQUENCE_MAX 0x7fffffffu /* 3.4, 5.1.4 */
#define SMPP_RESPONSE 0x80000000u     /* bit of command_id */
#define SMPP_INTERFACE_VERSION 0x34u
#define SMPP_SHORT_MESSAGE_MAX 254u
#define SMPP_MULTI_DESTS_MAX 254u

/* Maxima of C-octet strings, their NUL counted (3.4, 4 and 5.2). */
#define SMPP_SYSTEM_ID_MAX 16u
#define SMPP_PASSWORD_MAX 9u
#define SMPP_SYSTEM_TYPE_MAX 13u
#define SMPP_ADDRESS_RANGE_MAX 41u
#define SMPP_SERVICE_TYPE_MAX 6u
#define SMPP_ADDR_MAX 21u
#define SMPP_ADDR_LONG_MAX 65u /* data_sm and alert_notification */
#define SMPP_TIME_MAX 17u
#define SMPP_MESSAGE_ID_MAX 65u
#define SMPP_DL_NAME_MAX 21u

enum smpp_command {
#define SMPP_COMMAND(name, id) SMPP_##name = (id),
#include "smpp/commands.def"
#undef SMPP_COMMAND
};

enum smpp_status {
#define SMPP_STATUS(name, value) SMPP_##name = (value),
#include "smpp/statuses.def"
#undef SMPP_STATUS
};

enum smpp_tag {
#define SMPP_TLV(name, tag, min, max) SMPP_TLV_##name = (tag),
#include "smpp/tlvs.def"
#undef SMPP_TLV
};

/* esm_class (5.2.12), registered_delivery (5.2.17). */
#define SMPP_ESM_MODE_MASK 0x03u
#define SMPP_ESM_TYPE_MASK 0x3cu
#define SMPP_ESM_RECEIPT 0x04u
#define SMPP_ESM_DELIVERY_ACK 0x08u
#define SMPP_ESM_USER_ACK 0x10u
#define SMPP_ESM_ABORT 0x18u
#define SMPP_ESM_INTERMEDIATE 0x20u
#define SMPP_ESM_UDHI 0x40u
#define SMPP_ESM_REPLY_PATH 0x80u
#define SMPP_REGISTERED_MASK 0x03u
#define SMPP_REGISTERED_ANY 0x01u
#define SMPP_REGISTERED_FAILURE 0x02u
#define SMPP_REGISTERED_SUCCESS 0x03u /* 5.0 */
#define SMPP_REGISTERED_INTERMEDIATE 0x10u

struct smpp_pdu {
	uint32_t   size;    /* command_length */
	uint32_t   command; /* enum smpp_command, or any number */
	uint32_t   status;
	uint32_t   sequence;
	struct cur body;
};

struct smpp_tlv {
	uint16_t   tag;
	uint16_t   size;
	struct cur value;
};

struct smpp_addr {
	uint8_t    ton, npi;
	struct str text;
};

struct smpp_bind { /* bind_receiver, bind_transmitter, bind_transceiver (4.1) */
	struct str system_id, password, system_type;
	uint8_t    interface_version, addr_ton, addr_npi;
	struct str address_range;
};

struct smpp_bind_resp {
	struct str system_id;
	struct cur tlvs;
};

struct smpp_outbind {
	struct str system_id, password;
};

/* submit_sm (4.4.1), deliver_sm (4.6.1); data_sm (4.7.1) has no field from protocol_id to
 * validity_period, none of text. */
struct smpp_sm {
	struct str       service_type;
	struct smpp_addr source, dest;
	uint8_t          esm_class, protocol_id, priority;
	struct str       schedule, validity;
	uint8_t          registered_delivery, replace_if_present, data_coding, sm_default_msg_id;
	struct cur       text; /* short_message */
	struct cur       tlvs;
};

struct smpp_multi { /* submit_multi (4.5.1): sm.dest is not used */
	struct smpp_sm sm;
	uint8_t        dest_count;
	struct cur     dests; /* for smpp_dest_next() */
};

enum smpp_dest_flag { SMPP_DEST_SME = 1, SMPP_DEST_LIST = 2 };

struct smpp_dest {
	uint8_t          flag; /* enum smpp_dest_flag */
	struct smpp_addr addr; /* a list's name is in addr.text */
};

struct smpp_multi_resp {
	struct str message_id;
	uint8_t    unsuccess_count;
	struct cur unsuccess; /* for smpp_unsuccess_next() */
};

struct smpp_unsuccess {
	struct smpp_addr addr;
	uint32_t         status;
};

struct smpp_id_resp { /* submit_sm_resp, deliver_sm_resp, data_sm_resp */
	struct str message_id;
	struct cur tlvs;
};

struct smpp_query {
	struct str       message_id;
	struct smpp_addr source;
};

struct smpp_query_resp {
	struct str message_id, final_date;
	uint8_t    message_state, error_code;
};

struct smpp_cancel {
	struct str       service_type, message_id;
	struct smpp_addr source, dest;
};

struct smpp_replace {
	struct str       message_id;
	struct smpp_addr source;
	struct str       schedule, validity;
	uint8_t          registered_delivery, sm_default_msg_id;
	struct cur       text;
};

struct smpp_alert { /* alert_notification (4.12) */
	struct smpp_addr source, esme;
	struct cur       tlvs;
};

const char *smpp_command_name(uint32_t command); /* "submit_sm"; NULL: unknown */
const char *smpp_status_name(uint32_t status);   /* "ESME_RTHROTTLED"; NULL: unknown */
bool        smpp_status_find(struct str name, uint32_t *status); /* with or without "ESME_" */

/*
 * One PDU (3.2). MORE: nothing consumed; *need = bytes from in->p without which to call again is
 * useless. ITEM: *pdu filled and consumed. BAD: the length is below the header or above
 * SMPP_PDU_SIZE_MAX, framing is lost (REASON_PDU_SIZE); *pdu has what of the header was there, its
 * sequence 0 when it was not, for the generic_nack; nothing consumed. Constant time.
 */
enum pull smpp_pdu_next(struct cur *in, struct smpp_pdu *pdu, uint32_t *need);

/* Begin a PDU; write its body; end it. The mark of begin is given to end, which writes the length;
 * false: it did not fit, and nothing is left of it. */
size_t smpp_pdu_begin(struct put *w, uint32_t command, uint32_t status, uint32_t sequence);
bool   smpp_pdu_end(struct put *w, size_t mark);
/* A PDU without body: enquire_link, unbind, generic_nack, their responses. False: no room, nothing
 * written. */
bool smpp_pdu_put(struct put *w, uint32_t command, uint32_t status, uint32_t sequence);

/* The next optional parameter; false at the end, or (tlvs->failed) where one runs past it. */
bool smpp_tlv_next(struct cur *tlvs, struct smpp_tlv *tlv);
/* The first of a tag. */
bool smpp_tlv_find(struct cur tlvs, uint16_t tag, struct smpp_tlv *tlv);
/* All of them: RINVOPTPARSTREAM where one runs past the end, RINVPARLEN where a known one has a
 * length that its table does not allow. */
enum smpp_status smpp_tlvs_check(struct cur tlvs, unsigned *unknown);
const char      *smpp_tlv_name(uint16_t tag);                                 /* NULL: unknown */
bool             smpp_tlv_limits(uint16_t tag, uint16_t *min, uint16_t *max); /* false: unknown */
void             smpp_tlv_put(struct put *w, uint16_t tag, const void *value, uint16_t size);
void             smpp_tlv_put_u8(struct put *w, uint16_t tag, uint8_t value);

/* Bodies in; TLVs are not looked into: smpp_tlvs_check() does. */
enum smpp_status smpp_bind_parse(struct cur body, struct smpp_bind *b);
enum smpp_status smpp_bind_resp_parse(struct cur body, struct smpp_bind_resp *r);
enum smpp_status smpp_outbind_parse(struct cur body, struct smpp_outbind *o);
enum smpp_status smpp_submit_parse(struct cur body, struct smpp_sm *sm);
/* deliver_sm: as submit_sm. The standard wants both times empty (4.6.1); peers that fill them are
 * not refused. */
enum smpp_status smpp_deliver_parse(struct cur body, struct smpp_sm *sm);
enum smpp_status smpp_data_parse(struct cur body, struct smpp_sm *sm);
enum smpp_status smpp_multi_parse(struct cur body, struct smpp_multi *m);
enum smpp_status smpp_multi_resp_parse(struct cur body, struct smpp_multi_resp *r);
/* Also an empty body, and one whose message_id lacks its NUL: peers send both (with an error, the
 * standard lets them). */
enum smpp_status smpp_id_resp_parse(struct cur body, struct smpp_id_resp *r);
enum smpp_status smpp_query_parse(struct cur body, struct smpp_query *q);
enum smpp_status smpp_query_resp_parse(struct cur body, struct smpp_query_resp *r);
enum smpp_status smpp_cancel_parse(struct cur body, struct smpp_cancel *c);
enum smpp_status smpp_replace_parse(struct cur body, struct smpp_replace *r);
enum smpp_status smpp_alert_parse(struct cur body, struct smpp_alert *a);
bool             smpp_dest_next(struct cur *dests, struct smpp_dest *d);
bool             smpp_unsuccess_next(struct cur *list, struct smpp_unsuccess *u);

/* Bodies out, between smpp_pdu_begin() and smpp_pdu_end(); the bytes of .tlvs are written as they
 * are. */
void smpp_bind_put(struct put *w, const struct smpp_bind *b);
void smpp_bind_resp_put(struct put *w, const struct smpp_bind_resp *r);
void smpp_outbind_put(struct put *w, const struct smpp_outbind *o);
/* All fields of submit_sm and deliver_sm before sm_length. */
void smpp_sm_head_put(struct put *w, const struct smpp_sm *sm);
void smpp_sm_put(struct put *w, const struct smpp_sm *sm); /* submit_sm and deliver_sm */
void smpp_data_put(struct put *w, const struct smpp_sm *sm);
void smpp_multi_put(struct put              *w,
		    const struct smpp_multi *m); /* .dests as smpp_dest_put() wrote them */
void smpp_multi_resp_put(struct put *w, const struct smpp_multi_resp *r);
void smpp_id_resp_put(struct put *w, const struct smpp_id_resp *r);
void smpp_query_put(struct put *w, const struct smpp_query *q);
void smpp_query_resp_put(struct put *w, const struct smpp_query_resp *r);
void smpp_cancel_put(struct put *w, const struct smpp_cancel *c);
void smpp_replace_put(struct put *w, const struct smpp_replace *r);
void smpp_alert_put(struct put *w, const struct smpp_alert *a);
void smpp_dest_put(struct put *w, const struct smpp_dest *d);
void smpp_unsuccess_put(struct put *w, const struct smpp_unsuccess *u);
