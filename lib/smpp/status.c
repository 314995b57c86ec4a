#include "smpp/status.h"

/* For submit_sm, submit_multi and data_sm: what a message centre says. */
static uint32_t submit_status(enum reason why)
{
	switch (why) {
	case REASON_NONE:
	case REASON_RULE_DROP:
	case REASON_UNBOUND:
	case REASON_CLOSED_BY_OPERATOR:
		return SMPP_ROK;
	case REASON_PDU_SIZE:
	case REASON_PDU_TRUNCATED:
		return SMPP_RINVCMDLEN;
	case REASON_PDU_COMMAND:
	case REASON_NOT_SUPPORTED:
		return SMPP_RINVCMDID;
	case REASON_PDU_FIELD:
		return SMPP_RINVPARLEN;
	case REASON_PDU_TLV:
		return SMPP_RINVOPTPARSTREAM;
	case REASON_BIND_STATE:
	case REASON_BIND_TIMEOUT:
		return SMPP_RINVBNDSTS;
	case REASON_BIND_AGAIN:
		return SMPP_RALYBND;
	case REASON_BIND_REFUSED:
		return SMPP_RBINDFAIL;
	case REASON_SYSTEM_ID:
		return SMPP_RINVSYSID;
	case REASON_PASSWORD:
		return SMPP_RINVPASWD;
	case REASON_WINDOW:
	case REASON_RATE:
	case REASON_RULE_LIMIT:
		return SMPP_RTHROTTLED;
	case REASON_QUEUE_FULL:
	case REASON_DOMAINS_FULL:
	case REASON_FEDERATION_FULL:
	case REASON_POOL:
	case REASON_RECEIPTS_FULL:
	case REASON_QUESTIONS_FULL:
	case REASON_BIND_LIMIT:
	case REASON_DATAGRAM_SIZE:
	case REASON_REGISTRATION_ORDER:
	case REASON_PEER_BUSY:
		return SMPP_RMSGQFUL;
	case REASON_MESSAGE_SIZE:
	case REASON_PEER_TOO_LARGE:
		return SMPP_RINVMSGLEN;
	case REASON_SENDER:
		return SMPP_RINVSRCADR;
	case REASON_DESTINATION:
	case REASON_NO_ROUTE:
	case REASON_DOMAIN_UNKNOWN:
	case REASON_NOT_REGISTERED:
	case REASON_PEER_UNKNOWN:
	case REASON_PEER_GONE:
		return SMPP_RINVDSTADR;
	case REASON_SCHEDULE:
		return SMPP_RINVSCHED;
	case REASON_VALIDITY:
	case REASON_EXPIRED:
		return SMPP_RINVEXPIRY;
	case REASON_CODING:
	case REASON_PEER_CONTENT:
		return SMPP_RINVDCS;
	case REASON_SPAM:
	case REASON_FORBIDDEN:
	case REASON_PEER_FORBIDDEN:
		return SMPP_RPROHIBITED;
	case REASON_RECEIPT_UNKNOWN:
		return SMPP_RINVMSGID;
	case REASON_PDU_RESPONSE:
	case REASON_INACTIVITY:
	case REASON_LINK_DEAD:
	case REASON_CLOSED_BY_PEER:
	case REASON_CONNECTION_RESET:
	case REASON_CONNECTION_TIMEOUT:
	case REASON_CONNECTION_UNREACHABLE:
	case REASON_CONNECTION_REFUSED:
	case REASON_SHUTDOWN:
	case REASON_ADDRESS_GONE:
	case REASON_NO_TARGET:
	case REASON_DOMAIN_UNREACHABLE:
	case REASON_SESSION_GONE:
	case REASON_REPLACED:
	case REASON_CONTROL_DOWN:
	case REASON_ROSTER_QUESTION:
	case REASON_PEER_TROUBLE:
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
	case REASON_SIP_HOST:
	case REASON_SIP_ROUTE:
	case REASON_SIP_FIELD:
	case REASON_SIP_EXTENSION:
	case REASON_SIP_CONTENT:
	case REASON_SIP_MERGED:
	case REASON_XMPP_XML:
	case REASON_XMPP_STREAM:
	case REASON_XMPP_STANZA:
	case REASON_XMPP_TRIES:
	case REASON_XMPP_DOMAIN:
	case REASON_SIP_DIALOG:
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
		return SMPP_RSYSERR;
	case REASON_UNKNOWN_OUTCOME:
	case REASON_ANSWER_TIMEOUT:
	case REASON_PEER_TEMPORARY:
	case REASON_PEER_AWAY:
	case REASON_PEER_TIMEOUT:
		return SMPP_RSUBMITFAIL;
	case REASON_LOOP:
	case REASON_PEER_PERMANENT:
	case REASON_PEER_UNSUPPORTED:
	case REASON_PEER_MALFORMED:
	case REASON_ACCOUNT_GONE:
	case REASON_SIP_PATH:
	case REASON_SIP_OFFER:
	case REASON_REGISTRATIONS_FULL:
	case REASON_ROSTER_OWNER:
	case REASON_ROSTER_ITEM:
	case REASON_ROSTER_FULL:
		return SMPP_RX_P_APPN; /* the one that says no more than that it is for good */
	case REASON_COUNT:
		break;
	}
	return SMPP_RUNKNOWNERR;
}

/* For deliver_sm: an ESME says only whether another try makes sense (5.1.3, ESME_RX_*). */
static uint32_t deliver_status(enum reason why)
{
	if (why == REASON_SPAM || why == REASON_FORBIDDEN || why == REASON_PEER_FORBIDDEN)
		return SMPP_RX_R_APPN;
	switch (reason_class(why)) {
	case REASON_CLASS_OK:
		return SMPP_ROK;
	case REASON_CLASS_TEMPORARY:
		return SMPP_RX_T_APPN;
	case REASON_CLASS_PERMANENT:
		return SMPP_RX_P_APPN;
	case REASON_CLASS_PROTOCOL:
		return submit_status(why);
	}
	return SMPP_RX_P_APPN;
}

uint32_t smpp_status_of_reason(uint32_t command, enum reason why)
{
	return command == SMPP_deliver_sm ? deliver_status(why) : submit_status(why);
}

uint32_t smpp_status_of_result(uint32_t command, const struct result *r, uint8_t protocol)
{
	if (r->why != REASON_NONE && r->has_status && r->peer_protocol == protocol &&
	    r->peer_status != SMPP_ROK)
		return r->peer_status;
	return smpp_status_of_reason(command, (enum reason)r->why);
}

uint32_t smpp_status_of_login(enum reason why)
{
	uint32_t status = submit_status(why);

	switch (status) {
	case SMPP_ROK:
	case SMPP_RINVSYSID:
	case SMPP_RINVPASWD:
	case SMPP_RALYBND:
	case SMPP_RTHROTTLED:
	case SMPP_RSYSERR:
		return status;
	default:
		return SMPP_RBINDFAIL;
	}
}

enum reason smpp_reason_of_fault(uint32_t status)
{
	switch (status) {
	case SMPP_RINVCMDLEN:
		return REASON_PDU_TRUNCATED;
	case SMPP_RINVOPTPARSTREAM:
	case SMPP_ROPTPARNOTALLWD:
	case SMPP_RINVPARLEN:
	case SMPP_RMISSINGOPTPARAM:
	case SMPP_RINVOPTPARAMVAL:
		return REASON_PDU_TLV;
	default:
		return REASON_PDU_FIELD;
	}
}

enum reason smpp_reason_of_status(uint32_t status, uint32_t *retry_after_ms)
{
	*retry_after_ms = 0;
	switch (status) {
	case SMPP_ROK:
		return REASON_NONE;
	case SMPP_RTHROTTLED:
	case SMPP_RMSGQFUL:
		*retry_after_ms = SMPP_RETRY_THROTTLED_MS;
		return REASON_PEER_BUSY;
	case SMPP_RSYSERR:
	case SMPP_RSERTYPUNAVAIL:
		return REASON_PEER_TROUBLE;
	case SMPP_RSUBMITFAIL:
	case SMPP_RINVBNDSTS:
	case SMPP_RX_T_APPN:
	case SMPP_RDELIVERYFAILURE:
	case SMPP_RUNKNOWNERR:
		return REASON_PEER_TEMPORARY;
	case SMPP_RINVDSTADR:
	case SMPP_RINVDSTTON:
	case SMPP_RINVDSTNPI:
	case SMPP_RINVDLNAME:
		return REASON_PEER_UNKNOWN;
	case SMPP_RINVSRCADR:
	case SMPP_RX_R_APPN:
	case SMPP_RSERTYPUNAUTH:
	case SMPP_RPROHIBITED:
	case SMPP_RSERTYPDENIED:
		return REASON_PEER_FORBIDDEN;
	case SMPP_RINVMSGLEN:
		return REASON_PEER_TOO_LARGE;
	case SMPP_RINVDCS:
	case SMPP_RINVESMCLASS:
		return REASON_PEER_CONTENT;
	case SMPP_RINVCMDID:
	case SMPP_RINVSERTYP:
	case SMPP_ROPTPARNOTALLWD:
		return REASON_PEER_UNSUPPORTED;
	case SMPP_RINVCMDLEN:
	case SMPP_RINVOPTPARSTREAM:
	case SMPP_RINVPARLEN:
	case SMPP_RMISSINGOPTPARAM:
	case SMPP_RINVOPTPARAMVAL:
		return REASON_PEER_MALFORMED;
	default:
		return REASON_PEER_PERMANENT;
	}
}

enum reason smpp_reason_of_bind(uint32_t status)
{
	switch (status) {
	case SMPP_RINVSYSID:
		return REASON_SYSTEM_ID;
	case SMPP_RINVPASWD:
		return REASON_PASSWORD;
	case SMPP_RALYBND:
		return REASON_BIND_AGAIN;
	case SMPP_RTHROTTLED:
	case SMPP_RMSGQFUL:
	case SMPP_RSYSERR:
		return REASON_BIND_LIMIT;
	default:
		return REASON_BIND_REFUSED;
	}
}
