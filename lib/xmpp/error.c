/* Errors of stanzas and streams (RFC 6120, 8.3 and 4.9), and what they are to the rest of us. */
#include "xmpp/spaces.h"
#include "xmpp/stanza.h"

#define WORD(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static const struct {
	struct str word, type;
} conditions[XMPP_CONDITION_COUNT] = {
#define AUTH "auth"
#define CANCEL "cancel"
#define MODIFY "modify"
#define WAIT "wait"
#define CONDITION(id, word, type) [XMPP_##id] = {WORD(word), WORD(type)},
#include "xmpp/conditions.def"
#undef CONDITION
#undef AUTH
#undef CANCEL
#undef MODIFY
#undef WAIT
};

static const struct str stream_errors[XMPP_STREAM_ERROR_COUNT] = {
#define STREAM_ERROR(id, word) [XMPP_STREAM_##id] = WORD(word),
#include "xmpp/stream_errors.def"
#undef STREAM_ERROR
};

static void put_condition(struct put *w, struct str word, struct str space, struct str text)
{
	put_u8(w, '<');
	put_str(w, word);
	put_str(w, STR(" xmlns=\""));
	put_str(w, space);
	put_str(w, STR("\"/>"));
	if (text.n == 0)
		return;
	put_str(w, STR("<text xmlns=\""));
	put_str(w, space);
	put_str(w, STR("\" xml:lang=\"en\">"));
	xml_escape_put(w, text);
	put_str(w, STR("</text>"));
}

struct str xmpp_condition_text(enum xmpp_condition c)
{
	return conditions[c].word;
}

void xmpp_put_error(struct put *w, enum xmpp_condition c, struct str text)
{
	put_str(w, STR("<error type=\""));
	put_str(w, conditions[c].type);
	put_str(w, STR("\">"));
	put_condition(w, conditions[c].word, STR(XMPP_SPACE_STANZA_ERRORS), text);
	put_str(w, STR("</error>"));
}

void xmpp_put_error_stanza(struct put *w, const struct xmpp_head *h, enum xmpp_condition c,
			   struct str text)
{
	struct xmpp_head head = *h;

	head.type = XMPP_TYPE_ERROR;
	xmpp_put_head(w, &head);
	put_u8(w, '>');
	xmpp_put_error(w, c, text);
	put_str(w, STR("</"));
	put_str(w, xmpp_kind_word(h->kind));
	put_u8(w, '>');
}

void xmpp_put_stream_error(struct put *w, enum xmpp_stream_error e, struct str text)
{
	put_str(w, STR("<stream:error>"));
	put_condition(w, stream_errors[e], STR(XMPP_SPACE_STREAM_ERRORS), text);
	put_str(w, STR("</stream:error>"));
}

enum xmpp_condition xmpp_error_read(struct xml *x)
{
	enum xmpp_condition found = XMPP_UNDEFINED_CONDITION;
	unsigned            depth = x->depth;
	enum xml_token      t;

	do {
		t = xml_next(x);
		if (t != XML_START || x->depth != depth + 1 ||
		    !str_eq(x->space, STR(XMPP_SPACE_STANZA_ERRORS)))
			continue;
		for (unsigned c = 1; c < XMPP_CONDITION_COUNT; c++) {
			if (str_eq(x->name.local, conditions[c].word))
				found = (enum xmpp_condition)c;
		}
	} while (t != XML_BAD && (t != XML_END || x->depth > depth));
	return found;
}

enum reason xmpp_reason_of(enum xmpp_condition c)
{
	switch (c) {
	case XMPP_CONDITION_NONE:
		return REASON_NONE;
	case XMPP_RECIPIENT_UNAVAILABLE:
		return REASON_PEER_AWAY;
	case XMPP_REMOTE_SERVER_TIMEOUT:
		return REASON_PEER_TIMEOUT;
	case XMPP_RESOURCE_CONSTRAINT:
		return REASON_PEER_BUSY;
	case XMPP_INTERNAL_SERVER_ERROR:
		return REASON_PEER_TROUBLE;
	case XMPP_UNEXPECTED_REQUEST:
		return REASON_PEER_TEMPORARY;
	case XMPP_BAD_REQUEST:
	case XMPP_CONFLICT:
	case XMPP_JID_MALFORMED:
		return REASON_PEER_MALFORMED;
	case XMPP_FEATURE_NOT_IMPLEMENTED:
		return REASON_PEER_UNSUPPORTED;
	case XMPP_FORBIDDEN:
	case XMPP_NOT_ALLOWED:
	case XMPP_NOT_AUTHORIZED:
	case XMPP_POLICY_VIOLATION:
	case XMPP_REGISTRATION_REQUIRED:
	case XMPP_SUBSCRIPTION_REQUIRED:
		return REASON_PEER_FORBIDDEN;
	case XMPP_GONE:
		return REASON_PEER_GONE;
	case XMPP_ITEM_NOT_FOUND:
	case XMPP_REMOTE_SERVER_NOT_FOUND:
		return REASON_PEER_UNKNOWN;
	case XMPP_NOT_ACCEPTABLE:
		return REASON_PEER_CONTENT;
	case XMPP_REDIRECT:
	case XMPP_SERVICE_UNAVAILABLE: /* says nothing of the kind of SIP's 503 (RFC 7247, 7) */
	case XMPP_UNDEFINED_CONDITION:
	case XMPP_CONDITION_COUNT:
		break;
	}
	return REASON_PEER_PERMANENT;
}

enum msg_state xmpp_state_of(enum xmpp_condition c)
{
	return xmpp_reason_of(c) == REASON_PEER_FORBIDDEN ? MSG_STATE_REJECTED
							  : MSG_STATE_UNDELIVERABLE;
}

enum xmpp_condition xmpp_condition_of_report(const struct msg_receipt *r)
{
	if (r->why != REASON_NONE)
		return xmpp_condition_of((enum reason)r->why);
	switch ((enum msg_state)r->state) {
	case MSG_STATE_REJECTED:
		return XMPP_FORBIDDEN;
	case MSG_STATE_UNDELIVERABLE:
		return XMPP_SERVICE_UNAVAILABLE;
	case MSG_STATE_EXPIRED:
	case MSG_STATE_ENROUTE:
		return XMPP_RECIPIENT_UNAVAILABLE;
	case MSG_STATE_UNKNOWN:
	case MSG_STATE_DELIVERED:
	case MSG_STATE_DELETED:
	case MSG_STATE_ACCEPTED:
	case MSG_STATE_COUNT:
		break;
	}
	return XMPP_UNDEFINED_CONDITION;
}

/* Of what has no place of its own in XMPP, by whether trying again may help. */
static enum xmpp_condition by_class(enum reason why)
{
	switch (reason_class(why)) {
	case REASON_CLASS_OK:
	case REASON_CLASS_TEMPORARY:
		return XMPP_RECIPIENT_UNAVAILABLE;
	case REASON_CLASS_PROTOCOL:
		return XMPP_BAD_REQUEST;
	case REASON_CLASS_PERMANENT:
		break;
	}
	return XMPP_UNDEFINED_CONDITION;
}

enum xmpp_condition xmpp_condition_of(enum reason why)
{
	switch (why) {
	case REASON_NONE:
		return XMPP_CONDITION_NONE;
	case REASON_WINDOW:
	case REASON_RATE:
	case REASON_RULE_LIMIT:
	case REASON_QUEUE_FULL:
	case REASON_POOL:
	case REASON_RECEIPTS_FULL:
	case REASON_CONTROL_DOWN:
	case REASON_QUESTIONS_FULL:
	case REASON_BIND_LIMIT:
	case REASON_PEER_BUSY:
	case REASON_DOMAINS_FULL:
	case REASON_FEDERATION_FULL:
		return XMPP_RESOURCE_CONSTRAINT;
	case REASON_UNKNOWN_OUTCOME:
	case REASON_ANSWER_TIMEOUT:
	case REASON_NO_TARGET:
	case REASON_PEER_TIMEOUT:
	case REASON_DOMAIN_UNREACHABLE:
		return XMPP_REMOTE_SERVER_TIMEOUT;
	case REASON_MESSAGE_SIZE:
	case REASON_PEER_TOO_LARGE:
	case REASON_LOOP:
	case REASON_SPAM:
	case REASON_REGISTRATIONS_FULL:
	case REASON_ROSTER_FULL:
		return XMPP_POLICY_VIOLATION;
	case REASON_FORBIDDEN:
	case REASON_WS_ORIGIN:
	case REASON_IDENTITY_MISSING:
	case REASON_IDENTITY_CERTIFICATE:
	case REASON_IDENTITY_CREDENTIAL:
	case REASON_IDENTITY_INVALID:
	case REASON_IDENTITY_STALE:
	case REASON_SENDER:
	case REASON_ACCOUNT_GONE:
	case REASON_PEER_FORBIDDEN:
		return XMPP_FORBIDDEN;
	case REASON_CODING:
	case REASON_PEER_CONTENT:
		return XMPP_NOT_ACCEPTABLE;
	case REASON_DESTINATION:
		return XMPP_JID_MALFORMED;
	case REASON_NO_ROUTE:
	case REASON_DOMAIN_UNKNOWN:
		return XMPP_REMOTE_SERVER_NOT_FOUND;
	case REASON_RECEIPT_UNKNOWN:
	case REASON_ROSTER_ITEM:
	case REASON_PEER_UNKNOWN:
		return XMPP_ITEM_NOT_FOUND;
	case REASON_PEER_GONE:
		return XMPP_GONE;
	case REASON_PEER_UNSUPPORTED:
		return XMPP_FEATURE_NOT_IMPLEMENTED;
	case REASON_PEER_MALFORMED:
		return XMPP_BAD_REQUEST;
	case REASON_PEER_AWAY:
		return XMPP_RECIPIENT_UNAVAILABLE;
	case REASON_NOT_REGISTERED:
	case REASON_PEER_PERMANENT:
	case REASON_NOT_SUPPORTED:
	case REASON_ROSTER_OWNER:
		return XMPP_SERVICE_UNAVAILABLE;
	case REASON_SHUTDOWN:
	case REASON_PEER_TROUBLE:
		return XMPP_INTERNAL_SERVER_ERROR;
	case REASON_PDU_SIZE:
	case REASON_PDU_COMMAND:
	case REASON_PDU_TRUNCATED:
	case REASON_PDU_FIELD:
	case REASON_PDU_TLV:
	case REASON_PDU_RESPONSE:
	case REASON_BIND_STATE:
	case REASON_BIND_AGAIN:
	case REASON_BIND_REFUSED:
	case REASON_BIND_TIMEOUT:
	case REASON_SYSTEM_ID:
	case REASON_PASSWORD:
	case REASON_INACTIVITY:
	case REASON_LINK_DEAD:
	case REASON_UNBOUND:
	case REASON_CLOSED_BY_PEER:
	case REASON_CLOSED_BY_OPERATOR:
	case REASON_CONNECTION_RESET:
	case REASON_CONNECTION_TIMEOUT:
	case REASON_CONNECTION_UNREACHABLE:
	case REASON_CONNECTION_REFUSED:
	case REASON_ADDRESS_GONE:
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
	case REASON_SIP_PATH:
	case REASON_SIP_ROUTE:
	case REASON_SIP_FIELD:
	case REASON_SIP_EXTENSION:
	case REASON_SIP_CONTENT:
	case REASON_SIP_MERGED:
	case REASON_SIP_DIALOG:
	case REASON_SIP_OFFER:
	case REASON_SIP_TRANSACTION:
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
	case REASON_DATAGRAM_SIZE:
	case REASON_SCHEDULE:
	case REASON_VALIDITY:
	case REASON_RULE_DROP:
	case REASON_EXPIRED:
	case REASON_PEER_TEMPORARY:
	case REASON_REGISTRATION_ORDER:
	case REASON_REPLACED:
	case REASON_SESSION_GONE:
	case REASON_ROSTER_QUESTION:
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
	return by_class(why);
}
