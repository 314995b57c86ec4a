/*
 * The TPDUs of short messages (3GPP TS 23.040, 9.2; TS 23.038): taken from the user data of the
 * relay layer, and written. SMS-COMMAND is told apart and refused. User data is packed and unpacked
 * to the form that struct msg has: the header's octets, then septets of the GSM alphabet one a
 * byte, or octets as they are. Everything lies inside its own length: nothing is read past an end.
 * Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/now.h"
#include "base/put.h"
#include "base/str.h"
#include "msg/msg.h"
#include "sip/body.h"
#include "sip/rp.h"

#define SIP_TPDU_OCTETS_MAX 140u  /* of user data */
#define SIP_TPDU_SEPTETS_MAX 160u /* of user data, the header's share counted */
/* Room that sip_tpdu_unpack() can fill at most: a header of 140 octets, or one of 1 and 158
 * septets. */
#define SIP_TPDU_BODY_MAX SIP_TPDU_SEPTETS_MAX
#define SIP_TPDU_ADDRESS_MAX 20u /* semi-octets (9.1.2.5) */

enum sip_tpdu_type {
	SIP_TPDU_DELIVER,
	SIP_TPDU_DELIVER_REPORT,
	SIP_TPDU_SUBMIT,
	SIP_TPDU_SUBMIT_REPORT,
	SIP_TPDU_STATUS_REPORT,
	SIP_TPDU_COMMAND,
	SIP_TPDU_TYPE_COUNT
};

enum sip_tpdu_vpf {
	SIP_TPDU_VP_NONE,
	SIP_TPDU_VP_ENHANCED,
	SIP_TPDU_VP_RELATIVE,
	SIP_TPDU_VP_ABSOLUTE
};

/* TP-PI (9.2.3.27): which optional fields are there. */
#define SIP_TPDU_HAS_PID 1u
#define SIP_TPDU_HAS_DCS 2u
#define SIP_TPDU_HAS_DATA 4u

/* TP-FCS (9.2.3.22) that those need who answer. */
#define SIP_TPDU_FCS_COMMAND_UNSUPPORTED 0xa1u
#define SIP_TPDU_FCS_TPDU_UNSUPPORTED 0xb0u
#define SIP_TPDU_FCS_SC_BUSY 0xc0u
#define SIP_TPDU_FCS_INVALID_ADDRESS 0xc3u
#define SIP_TPDU_FCS_BARRED 0xc4u
#define SIP_TPDU_FCS_VP_UNSUPPORTED 0xc7u
#define SIP_TPDU_FCS_UNSPECIFIED 0xffu

struct sip_tpdu_address {
	uint8_t ton, npi;
	struct sip_rp_number
		number; /* ton and npi are those above; empty when ton is alphanumeric */
	uint8_t size;   /* septets of an alphanumeric address */
	uint8_t septets[SIP_TPDU_ADDRESS_MAX * 4 / 7]; /* GSM default alphabet */
};

struct sip_tpdu {
	enum sip_tpdu_type type;
	bool    more; /* more messages wait (TP-MMS, turned round): DELIVER, STATUS-REPORT */
	bool    loop; /* forwarded or spawned: do not send on (TP-LP) */
	bool    reject_duplicates; /* SUBMIT */
	bool    report;     /* TP-SRI, TP-SRR; of a STATUS-REPORT TP-SRQ: answers a COMMAND */
	bool    header;     /* TP-UDHI */
	bool    reply_path; /* DELIVER, SUBMIT */
	bool    failed;     /* a report inside RP-ERROR: it has an fcs */
	uint8_t reference;  /* TP-MR: SUBMIT, STATUS-REPORT */
	uint8_t fcs, status;
	uint8_t has; /* SIP_TPDU_HAS_ bits; DELIVER and SUBMIT have all */
	uint8_t pid, dcs;
	struct sip_tpdu_address address; /* the originator, destination or recipient */
	enum sip_tpdu_vpf       vpf;
	uint8_t                 vp[7];        /* as on the wire: sip_tpdu_validity() */
	uint8_t                 time[7];      /* TP-SCTS, as on the wire: sip_tpdu_time() */
	uint8_t                 discharge[7]; /* TP-DT */
	uint8_t                 udl;          /* TP-UDL: septets or octets, by dcs */
	struct str              data;         /* TP-UD, as on the wire */
};

/*
 * A TPDU that came in this kind of RP message, which tells its direction and whether a report is
 * one of failure. A time that is none does not spoil the message: sip_tpdu_time() says so. SYNTAX:
 * it ends too early, is longer than it says (but reports may have parts yet to be invented), an
 * address has more than 20 semi-octets or a filler inside, the user data header is longer than the
 * user data or has an element longer than itself. LIMIT: more user data than 140 octets, more than
 * 4 octets of TP-PI. UNSUPPORTED: SMS-COMMAND, the reserved type, an RP-SMMA.
 */
enum sip_body sip_tpdu_parse(struct cur in, enum sip_rp_type carrier, struct sip_tpdu *t);
/* Fails for COMMAND, and where something is longer than its field. */
void sip_tpdu_put(struct put *w, const struct sip_tpdu *t);

/* What TP-DCS says (TS 23.038, 4). */
struct sip_tpdu_dcs {
	enum msg_coding coding;        /* compressed text is BINARY */
	uint8_t         message_class; /* 0 to 3; SIP_TPDU_NO_CLASS */
	bool            compressed;
	bool            delete_after_reading; /* group 01xx */
	bool            reserved; /* taken as the default alphabet, as the standard wants */
	bool            waiting;  /* message waiting indication */
	bool            waiting_active, waiting_discard;
	uint8_t         waiting_type; /* 0 voicemail, 1 fax, 2 e-mail, 3 other */
};

#define SIP_TPDU_NO_CLASS 0xffu

struct sip_tpdu_dcs sip_tpdu_dcs(uint8_t dcs);

/* User data as a body of struct msg; *udh_size: the bytes of header at its start. Fails (sticky)
 * when there is no room. Only for what sip_tpdu_parse() accepted. */
void sip_tpdu_unpack(const struct sip_tpdu *t, struct put *w, uint8_t *udh_size);
/* The other way: sets .has, .header, .udl and .data of *t by t->dcs; the packed octets go into the
 * room. False: no room, more than a short message holds, a septet above 0x7f, or a header that is
 * none. */
bool sip_tpdu_pack(struct sip_tpdu *t, struct str body, uint8_t udh_size, struct put *room);

/* Seven octets (9.2.3.11): local time and its distance from UTC, to milliseconds since 1970. Years
 * from 90 are of the last century. False: it is no time. */
bool sip_tpdu_time(const uint8_t octets[7], uint64_t *wall_ms);
/* In UTC, whole seconds. */
void sip_tpdu_time_of(uint64_t wall_ms, uint8_t octets[7]);

enum sip_tpdu_validity {
	SIP_TPDU_VALIDITY_NONE,
	SIP_TPDU_VALIDITY_OK,
	SIP_TPDU_VALIDITY_PAST,
	SIP_TPDU_VALIDITY_BAD, /* reserved format, or no time */
};

/* TP-VP in all its forms (9.2.3.12): *in_ms, for OK, from now; *single_shot: try once. */
enum sip_tpdu_validity sip_tpdu_validity(const struct sip_tpdu *t, struct now now, uint64_t *in_ms,
					 bool *single_shot);
/* The relative form that is nearest and not shorter; at most 63 weeks. */
void sip_tpdu_validity_set(struct sip_tpdu *t, uint64_t in_ms);
