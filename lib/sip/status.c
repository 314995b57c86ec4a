#include "sip/status.h"

#include "sip/message.h"

enum whose { HOP, RECIPIENT };

static const struct status {
	uint16_t    code;
	uint8_t     whose; /* enum whose */
	enum reason why;
	struct str  phrase;
} statuses[] = {
#define SIP_STATUS(code, phrase, why, whose)                                                       \
	{code, whose, REASON_##why, {phrase, sizeof(phrase) - 1}},
#include "sip/statuses.def"
#undef SIP_STATUS
};

enum {
#define SIP_STATUS(code, phrase, why, whose) AT_##code,
#include "sip/statuses.def"
#undef SIP_STATUS
};

#define CODE_END 700u

static const uint8_t at_code[CODE_END] = {
/* place + 1; 0: not known */
#define SIP_STATUS(code, phrase, why, whose) [code] = AT_##code + 1,
#include "sip/statuses.def"
#undef SIP_STATUS
};

static const struct status *status_find(unsigned code)
{
	unsigned at = code < CODE_END ? at_code[code] : 0;

	return at > 0 ? &statuses[at - 1] : NULL;
}

/* RFC 3261, 8.1.3.2: a code that is not known is treated as the x00 of its class. */
static const struct status *status_get(unsigned code)
{
	const struct status *s = status_find(code);

	if (s == NULL)
		s = status_find(code / 100 * 100);
	return s != NULL ? s : status_find(500);
}

struct str sip_status_phrase(unsigned status)
{
	return status_get(status)->phrase;
}

unsigned sip_status_of_reason(enum reason why)
{
	switch (why) {
	case REASON_NONE:
	case REASON_RULE_DROP:
	case REASON_UNBOUND:
	case REASON_CLOSED_BY_OPERATOR:
		return 202;
	case REASON_PDU_SIZE:
	case REASON_PDU_TRUNCATED:
	case REASON_PDU_FIELD:
	case REASON_PDU_TLV:
	case REASON_SIP_CONTENT:
	case REASON_MSRP_START_LINE:
	case REASON_MSRP_LINE:
	case REASON_MSRP_HEAD_SIZE:
	case REASON_MSRP_HEADER_MISSING:
	case REASON_MSRP_HEADER_REPEATED:
	case REASON_MSRP_PATH:
	case REASON_MSRP_FIELD:
	case REASON_MSRP_RANGE:
	case REASON_MSRP_ORDER:
	case REASON_PDU_RESPONSE:
	case REASON_XMPP_XML:
	case REASON_XMPP_STREAM:
	case REASON_XMPP_STANZA:
	case REASON_XMPP_TRIES:
	case REASON_XMPP_DOMAIN:
	case REASON_WS_REQUEST:
	case REASON_WS_HEAD_SIZE:
	case REASON_WS_METHOD:
	case REASON_WS_UPGRADE:
	case REASON_WS_VERSION:
	case REASON_WS_KEY:
	case REASON_WS_SUBPROTOCOL:
	case REASON_WS_UNMASKED:
	case REASON_WS_FRAME:
	case REASON_WS_TEXT:
	case REASON_WS_SIZE:
	case REASON_REGISTRATION_ORDER:
	case REASON_ROSTER_QUESTION:
	case REASON_SCHEDULE:
	case REASON_VALIDITY:
	case REASON_PEER_MALFORMED:
		return 400;
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
		return sip_fault_status(why);
	case REASON_IDENTITY_MISSING:
		return 428;
	case REASON_IDENTITY_CERTIFICATE:
		return 436;
	case REASON_IDENTITY_CREDENTIAL:
		return 437;
	case REASON_IDENTITY_INVALID:
		return 438;
	case REASON_SIP_EXTENSION:
		return 420;
	case REASON_SIP_OFFER:
		return 488;
	case REASON_SIP_DIALOG:
	case REASON_SIP_TRANSACTION:
	case REASON_MSRP_SESSION:
	case REASON_MSRP_SESSION_TAKEN:
		return 481;
	case REASON_SIP_MERGED:
		return 482;
	case REASON_PDU_COMMAND:
	case REASON_NOT_SUPPORTED:
		return 405;
	case REASON_BIND_STATE:
	case REASON_BIND_AGAIN:
	case REASON_BIND_REFUSED:
	case REASON_BIND_TIMEOUT:
	case REASON_SYSTEM_ID:
	case REASON_PASSWORD:
	case REASON_ACCOUNT_GONE:
	case REASON_SENDER:
	case REASON_SIP_PATH:
	case REASON_SPAM:
	case REASON_FORBIDDEN:
	case REASON_WS_ORIGIN:
	case REASON_IDENTITY_STALE:
	case REASON_PEER_PERMANENT:
	case REASON_PEER_FORBIDDEN:
	case REASON_REGISTRATIONS_FULL:
	case REASON_ROSTER_OWNER:
	case REASON_ROSTER_FULL:
		return 403;
	case REASON_BIND_LIMIT:
	case REASON_WINDOW:
	case REASON_RATE:
	case REASON_RULE_LIMIT:
	case REASON_QUEUE_FULL:
	case REASON_DOMAINS_FULL:
	case REASON_FEDERATION_FULL:
	case REASON_POOL:
	case REASON_RECEIPTS_FULL:
	case REASON_CONTROL_DOWN:
	case REASON_QUESTIONS_FULL:
	case REASON_DATAGRAM_SIZE:
	case REASON_SHUTDOWN:
		return 503;
	case REASON_MESSAGE_SIZE:
	case REASON_PEER_TOO_LARGE:
		return 413;
	case REASON_CODING:
		return 415; /* with Accept, which of a peer we do not know */
	case REASON_PEER_CONTENT:
		return 406;
	case REASON_PEER_UNSUPPORTED:
		return 501;
	case REASON_PEER_GONE:
		return 410;
	case REASON_PEER_BUSY:
	case REASON_PEER_TROUBLE:
		return 500;
	case REASON_DESTINATION:
	case REASON_NO_ROUTE:
	case REASON_DOMAIN_UNKNOWN:
	case REASON_NOT_REGISTERED:
	case REASON_RECEIPT_UNKNOWN:
	case REASON_ROSTER_ITEM:
	case REASON_PEER_UNKNOWN:
		return 404;
	case REASON_LOOP:
		return 483;
	case REASON_EXPIRED:
	case REASON_NO_TARGET:
	case REASON_DOMAIN_UNREACHABLE:
	case REASON_PEER_TEMPORARY:
	case REASON_PEER_AWAY:
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
	case REASON_MSRP_ABORTED:
	case REASON_MSRP_STALLED:
		return 480;
	case REASON_UNKNOWN_OUTCOME:
	case REASON_ANSWER_TIMEOUT:
	case REASON_PEER_TIMEOUT:
		return 504;
	case REASON_COUNT:
		break;
	}
	return 500;
}

unsigned sip_status_of_result(const struct result *r, uint8_t protocol)
{
	const struct status *s;

	if (r->why == REASON_NONE)
		return r->delivered ? 200 : 202;
	s = status_get(r->peer_status);
	if (r->has_status && r->peer_protocol == protocol && s->whose == RECIPIENT &&
	    s->why != REASON_NONE && r->peer_status >= 300 && r->peer_status <= 699)
		return r->peer_status;
	return sip_status_of_reason((enum reason)r->why);
}

enum reason sip_reason_of_status(unsigned status)
{
	return status_get(status)->why;
}

bool sip_status_retries(unsigned status)
{
	return status == 404 || status == 413 || status == 480 || status == 486 || status == 500 ||
	       status == 503 || status == 600 || status == 603;
}
