/*
 * Between a short message over IP (3GPP TS 24.341: RP-DATA in a MESSAGE, TS 24.011 and 23.040) and
 * struct msg, both ways: the MESSAGE around it is the session's. The coding of the text stays as it
 * is, septets one a byte, wherever a TPDU can hold it. No state, no memory but the message's pool.
 * Workers.
 */
#pragma once

#include "msg/concat.h"
#include "sip/map.h"
#include "sip/rp.h"
#include "sip/tpdu.h"

#define SIP_SMS_TYPE "application/vnd.3gpp.sms"
/* An RP-DATA with the longest user data and addresses. */
#define SIP_RPDU_MAX (2u + 2u * 12u + 1u + SIP_RP_USER_DATA_MAX)

/* What a report to the sender says; cause 0: RP-ACK. */
struct sip_rp_report {
	uint8_t cause; /* TS 24.011, 8.2.5.4 */
	uint8_t fcs;   /* TP-FCS: TS 23.040, 9.2.3.22 */
};

/* What became of a message that came by RP-DATA. */
struct sip_rp_report sip_rp_report_of(enum reason why);
/* What is wrong with a relay message, or with the TPDU in one. */
struct sip_rp_report sip_rp_report_of_fault(enum sip_body fault);
struct sip_rp_report sip_rp_report_of_tpdu(enum sip_body fault, enum sip_tpdu_type type);
/* What the RP-ERROR of a recipient means, and the TP-FCS of the report inside; 0: there is none. */
enum reason sip_reason_of_rp(uint8_t cause, uint8_t fcs);
/* TP-ST (TS 23.040, 9.2.3.15) of what a receipt says. */
uint8_t sip_tpdu_status_of(enum msg_state state);
/* The other way; *more: the service centre tries on. */
enum msg_state sip_state_of_tpdu(uint8_t status, bool *more);

/*
 * Fills the empty record *m from the TPDU of an RP-DATA: SUBMIT, to TP-DA, or the DELIVER of a
 * trusted network, to the Request-URI. scts: the time by which the sender is told of it. A reason:
 * it cannot be taken, and *m is half filled; SENDER: it says that it is somebody else.
 */
enum reason sip_sms_in(const struct sip_map *map, const struct sip_message *in,
		       const struct sip_mandatory *known, const struct sip_sender *from,
		       const struct sip_tpdu *t, const uint8_t scts[7], struct msg *m);
/* The same from the STATUS-REPORT of a trusted network: the receipt for what the Request-URI sent
 * by SUBMIT, as it calls it. */
enum reason sip_sms_status_in(const struct sip_map *map, const struct sip_message *in,
			      const struct sip_mandatory *known, const struct sip_sender *from,
			      const struct sip_tpdu *t, struct msg *m);

/*
 * RP-DATA with the DELIVER of a message, or the STATUS-REPORT of a receipt for one that came by
 * SUBMIT. A reason: it has no place in one short message.
 */
enum reason sip_sms_out(const struct sip_map *map, const struct msg *m, uint8_t reference,
			struct put *w);

/*
 * A message that takes several: its text is coded once, and each part is an RP-DATA with a DELIVER
 * that says which of how many it is (TS 23.040, 9.2.3.24.1 and .8).
 */
#define SIP_SMS_PARTS_MAX 255u
#define SIP_SMS_CODED_MAX (SIP_SMS_PARTS_MAX * 153u) /* septets or octets of all */
#define SIP_SMS_LOOK (SIP_TPDU_SEPTETS_MAX + 2u)

struct sip_sms_parts {       /* what they have in common */
	struct sip_tpdu   t; /* but for the user data */
	struct concat_udh udh;
	enum msg_coding   coding;
	uint32_t          size; /* of the coded text */
};

/* The coded text, without headers, to w. MESSAGE_SIZE: it takes more parts, or is one itself. */
enum reason sip_sms_split(const struct sip_map *map, const struct msg *m, uint16_t reference,
			  struct sip_sms_parts *p, struct put *w);
/* How much of the coded text that is left goes into the next part; of that
 * SIP_SMS_LOOK bytes are enough to say it. */
size_t      sip_sms_part_size(const struct sip_sms_parts *p, const uint8_t *bytes, size_t n);
enum reason sip_sms_part_out(const struct sip_map *map, const struct sip_sms_parts *p,
			     unsigned part, struct str text, uint8_t reference, struct put *w);
/* Is it a receipt for a message that came by SUBMIT? */
bool sip_sms_reported(const struct msg *m);

/* RP-ACK or RP-ERROR for an RP-DATA or RP-SMMA of this type. */
void sip_rp_report_put(struct put *w, enum sip_rp_type answered, uint8_t reference,
		       const struct sip_rp_report *report, const uint8_t scts[7]);

/* What a sender by SUBMIT called its message, as origin_id of the record: TP-MR and the time of its
 * report, after a byte that no other name begins with. */
#define SIP_SMS_ORIGIN_SIZE 9u
#define SIP_SMS_ORIGIN 1u
/* SIP_EXTRA_TPDU of a receipt that came as STATUS-REPORT: TP-ST and TP-DT. */
#define SIP_SMS_STATUS_SIZE 8u
