#include "sip/sms.h"

/* TP-FCS beside those of tpdu.h (TS 23.040, 9.2.3.22). */
#define FCS_DCS_UNSPECIFIED 0x9fu
#define FCS_NO_SUBSCRIPTION 0xc1u
#define FCS_SYSTEM_FAILURE 0xc2u

/* TP-ST (TS 23.040, 9.2.3.15). */
#define ST_RECEIVED 0x00u
#define ST_FORWARDED 0x01u
#define ST_REPLACED 0x02u
#define ST_TRYING 0x20u
#define ST_PERMANENT 0x40u
#define ST_REJECTED 0x42u
#define ST_NOT_OBTAINABLE 0x43u
#define ST_EXPIRED 0x46u
#define ST_DELETED_BY_SENDER 0x47u
#define ST_DELETED 0x48u
#define ST_DOES_NOT_EXIST 0x49u
#define ST_REJECTED_FOR_NOW 0x62u
#define ST_SERVICE_REJECTED 0x63u

struct sip_rp_report sip_rp_report_of(enum reason why)
{
	switch (why) {
	case REASON_NONE:
	case REASON_RULE_DROP:
	case REASON_UNBOUND:
	case REASON_CLOSED_BY_OPERATOR:
		return (struct sip_rp_report){0, 0};
	case REASON_DESTINATION:
	case REASON_NO_ROUTE:
		return (struct sip_rp_report){SIP_RP_UNASSIGNED, SIP_TPDU_FCS_INVALID_ADDRESS};
	case REASON_NOT_REGISTERED:
	case REASON_EXPIRED:
		return (struct sip_rp_report){SIP_RP_DESTINATION_OUT_OF_ORDER,
					      SIP_TPDU_FCS_UNSPECIFIED};
	case REASON_SENDER:
	case REASON_SYSTEM_ID:
	case REASON_PASSWORD:
	case REASON_ACCOUNT_GONE:
		return (struct sip_rp_report){SIP_RP_UNIDENTIFIED_SUBSCRIBER, FCS_NO_SUBSCRIPTION};
	case REASON_SPAM:
	case REASON_FORBIDDEN:
		return (struct sip_rp_report){SIP_RP_CALL_BARRED, SIP_TPDU_FCS_BARRED};
	case REASON_BIND_REFUSED:
	case REASON_REGISTRATIONS_FULL:
		return (struct sip_rp_report){SIP_RP_FACILITY_REJECTED, SIP_TPDU_FCS_UNSPECIFIED};
	case REASON_CODING:
		return (struct sip_rp_report){SIP_RP_TRANSFER_REJECTED, FCS_DCS_UNSPECIFIED};
	case REASON_VALIDITY:
	case REASON_SCHEDULE:
		return (struct sip_rp_report){SIP_RP_TRANSFER_REJECTED,
					      SIP_TPDU_FCS_VP_UNSUPPORTED};
	case REASON_MESSAGE_SIZE:
	case REASON_PEER_PERMANENT:
	case REASON_RECEIPT_UNKNOWN:
		return (struct sip_rp_report){SIP_RP_TRANSFER_REJECTED, SIP_TPDU_FCS_UNSPECIFIED};
	case REASON_NOT_SUPPORTED:
	case REASON_PDU_COMMAND:
		return (struct sip_rp_report){SIP_RP_FACILITY_NOT_IMPLEMENTED,
					      SIP_TPDU_FCS_TPDU_UNSUPPORTED};
	case REASON_BIND_LIMIT:
	case REASON_WINDOW:
	case REASON_RATE:
	case REASON_RULE_LIMIT:
	case REASON_QUEUE_FULL:
		return (struct sip_rp_report){SIP_RP_CONGESTION, SIP_TPDU_FCS_SC_BUSY};
	case REASON_POOL:
	case REASON_RECEIPTS_FULL:
	case REASON_DATAGRAM_SIZE:
		return (struct sip_rp_report){SIP_RP_RESOURCES, SIP_TPDU_FCS_SC_BUSY};
	case REASON_PEER_TEMPORARY:
		return (struct sip_rp_report){SIP_RP_TEMPORARY_FAILURE, SIP_TPDU_FCS_SC_BUSY};
	case REASON_UNKNOWN_OUTCOME:
	case REASON_ANSWER_TIMEOUT:
		return (struct sip_rp_report){SIP_RP_TEMPORARY_FAILURE, SIP_TPDU_FCS_UNSPECIFIED};
	case REASON_SHUTDOWN:
	case REASON_NO_TARGET:
	case REASON_INACTIVITY:
	case REASON_LINK_DEAD:
	case REASON_CLOSED_BY_PEER:
	case REASON_CONNECTION_RESET:
	case REASON_CONNECTION_TIMEOUT:
	case REASON_CONNECTION_UNREACHABLE:
	case REASON_CONNECTION_REFUSED:
	case REASON_ADDRESS_GONE:
	case REASON_SESSION_GONE:
	case REASON_REPLACED:
	case REASON_LOOP:
		return (struct sip_rp_report){SIP_RP_NETWORK_OUT_OF_ORDER, FCS_SYSTEM_FAILURE};
	case REASON_BIND_STATE:
	case REASON_BIND_AGAIN:
	case REASON_BIND_TIMEOUT:
		return (struct sip_rp_report){SIP_RP_WRONG_STATE, SIP_TPDU_FCS_UNSPECIFIED};
	case REASON_PDU_SIZE:
	case REASON_PDU_TRUNCATED:
	case REASON_PDU_FIELD:
	case REASON_PDU_TLV:
	case REASON_PDU_RESPONSE:
	case REASON_REGISTRATION_ORDER:
	case REASON_SIP_START_LINE:
	case REASON_SIP_VERSION:
	case REASON_SIP_LINE_END:
	case REASON_SIP_CONTROL:
	case REASON_SIP_HEAD_END:
	case REASON_SIP_HEAD_SIZE:
	case REASON_SIP_HEADER_COUNT:
	case REASON_SIP_HEADER_NAME:
	case REASON_SIP_HEADER_REPEATED:
	case REASON_SIP_HEADER_MISSING:
	case REASON_SIP_CONTENT_LENGTH:
	case REASON_SIP_NO_CONTENT_LENGTH:
	case REASON_SIP_BODY_SHORT:
	case REASON_SIP_CONTENT_TYPE:
	case REASON_SIP_URI:
	case REASON_SIP_URI_SIZE:
	case REASON_SIP_VIA:
	case REASON_SIP_FROM:
	case REASON_SIP_TO:
	case REASON_SIP_CALL_ID:
	case REASON_SIP_CSEQ:
	case REASON_SIP_MAX_FORWARDS:
	case REASON_SIP_CONTACT:
	case REASON_SIP_ROUTE:
	case REASON_SIP_FIELD:
	case REASON_SIP_EXTENSION:
	case REASON_SIP_CONTENT:
	case REASON_SIP_MERGED:
	case REASON_XMPP_XML:
	case REASON_XMPP_STREAM:
	case REASON_XMPP_STANZA:
	case REASON_XMPP_TRIES:
	case REASON_SIP_TRANSACTION:
	case REASON_MSRP_START_LINE:
	case REASON_MSRP_LINE:
	case REASON_MSRP_HEAD_SIZE:
	case REASON_MSRP_HEADER_MISSING:
	case REASON_MSRP_HEADER_REPEATED:
	case REASON_MSRP_PATH:
	case REASON_MSRP_FIELD:
	case REASON_MSRP_RANGE:
	case REASON_MSRP_ORDER:
	case REASON_MSRP_SESSION:
	case REASON_MSRP_SESSION_TAKEN:
	case REASON_MSRP_ABORTED:
	case REASON_MSRP_STALLED:
	case REASON_COUNT:
		break;
	}
	return (struct sip_rp_report){SIP_RP_PROTOCOL_ERROR, SIP_TPDU_FCS_UNSPECIFIED};
}

/* TS 24.011, 9.3. */
struct sip_rp_report sip_rp_report_of_fault(enum sip_body fault)
{
	switch (fault) {
	case SIP_BODY_OK:
		return (struct sip_rp_report){0, 0};
	case SIP_BODY_UNSUPPORTED:
		return (struct sip_rp_report){SIP_RP_TYPE_UNKNOWN, SIP_TPDU_FCS_UNSPECIFIED};
	case SIP_BODY_LIMIT:
	case SIP_BODY_REPEATED:
		return (struct sip_rp_report){SIP_RP_SEMANTICALLY_INCORRECT,
					      SIP_TPDU_FCS_UNSPECIFIED};
	case SIP_BODY_SYNTAX:
	case SIP_BODY_MISSING:
		break;
	}
	return (struct sip_rp_report){SIP_RP_INVALID_MANDATORY, SIP_TPDU_FCS_UNSPECIFIED};
}

struct sip_rp_report sip_rp_report_of_tpdu(enum sip_body fault, enum sip_tpdu_type type)
{
	if (fault == SIP_BODY_OK)
		return (struct sip_rp_report){0, 0};
	if (fault != SIP_BODY_UNSUPPORTED)
		return (struct sip_rp_report){SIP_RP_PROTOCOL_ERROR, SIP_TPDU_FCS_UNSPECIFIED};
	return (struct sip_rp_report){SIP_RP_FACILITY_NOT_IMPLEMENTED,
				      type == SIP_TPDU_COMMAND ? SIP_TPDU_FCS_COMMAND_UNSUPPORTED
							       : SIP_TPDU_FCS_TPDU_UNSUPPORTED};
}

enum reason sip_reason_of_rp(uint8_t cause)
{
	switch (cause) {
	case SIP_RP_MEMORY_EXCEEDED:
	case SIP_RP_DESTINATION_OUT_OF_ORDER:
	case SIP_RP_NETWORK_OUT_OF_ORDER:
	case SIP_RP_TEMPORARY_FAILURE:
	case SIP_RP_CONGESTION:
	case SIP_RP_RESOURCES:
		return REASON_PEER_TEMPORARY;
	default:
		return REASON_PEER_PERMANENT;
	}
}

enum msg_state sip_state_of_tpdu(uint8_t status, bool *more)
{
	*more = status >= ST_TRYING && status < ST_PERMANENT;
	switch (status) {
	case ST_RECEIVED:
		return MSG_STATE_DELIVERED;
	case ST_FORWARDED:
		return MSG_STATE_ACCEPTED;
	case ST_REPLACED:
	case ST_DELETED_BY_SENDER:
	case ST_DELETED:
		return MSG_STATE_DELETED;
	case ST_REJECTED:
	case ST_REJECTED_FOR_NOW:
	case ST_SERVICE_REJECTED:
		return MSG_STATE_REJECTED;
	case ST_EXPIRED:
		return MSG_STATE_EXPIRED;
	case ST_DOES_NOT_EXIST:
		return MSG_STATE_UNKNOWN;
	}
	if (status < ST_TRYING) /* of the service centre's own: it is completed */
		return MSG_STATE_DELIVERED;
	return *more ? MSG_STATE_ENROUTE : MSG_STATE_UNDELIVERABLE;
}

uint8_t sip_tpdu_status_of(enum msg_state state)
{
	switch (state) {
	case MSG_STATE_DELIVERED:
		return ST_RECEIVED;
	case MSG_STATE_ACCEPTED:
		return ST_FORWARDED;
	case MSG_STATE_ENROUTE:
		return ST_TRYING;
	case MSG_STATE_EXPIRED:
		return ST_EXPIRED;
	case MSG_STATE_DELETED:
		return ST_DELETED;
	case MSG_STATE_UNDELIVERABLE:
		return ST_NOT_OBTAINABLE;
	case MSG_STATE_REJECTED:
		return ST_REJECTED;
	case MSG_STATE_UNKNOWN:
	case MSG_STATE_COUNT:
		break;
	}
	return ST_DOES_NOT_EXIST;
}
