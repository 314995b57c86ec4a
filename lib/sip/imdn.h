/*
 * message/imdn+xml: an instant message disposition notification (RFC 5438, 7.2 and 11;
 * interworking: OMA CPM), taken from bytes and written. All text is plain: references are resolved
 * and made here. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"

enum sip_imdn_kind {
	SIP_IMDN_DELIVERY,
	SIP_IMDN_PROCESSING,
	SIP_IMDN_DISPLAY,
	SIP_IMDN_INTERWORKING, /* in a namespace of CPM */
	SIP_IMDN_KIND_COUNT
};

enum sip_imdn_status {
	SIP_IMDN_DELIVERED,
	SIP_IMDN_FAILED,
	SIP_IMDN_PROCESSED,
	SIP_IMDN_STORED,
	SIP_IMDN_DISPLAYED,
	SIP_IMDN_FORBIDDEN, /* of every kind */
	SIP_IMDN_ERROR,     /* of every kind */
	SIP_IMDN_LEGACY_SMS,
	SIP_IMDN_LEGACY_MMS,
	SIP_IMDN_STATUS_COUNT
};

struct sip_imdn {
	struct str           message_id;
	struct str           datetime; /* of the message, RFC 3339, not looked into */
	struct str           recipient_uri, original_recipient_uri, subject; /* empty: none */
	enum sip_imdn_kind   kind;
	enum sip_imdn_status status;
};

/*
 * The whole document; text that had to be decoded lies in the room, which never needs more bytes
 * than the document has. Elements of other namespaces are passed over. SYNTAX: not well-formed,
 * another root, a status that is not one of its kind. LIMIT: those of xml/xml.h, or the room is
 * full. REPEATED: an element twice. MISSING: no message-id, datetime or status.
 */
enum sip_body sip_imdn_parse(struct cur in, struct put *room, struct sip_imdn *n);
/* Fails where a text has characters that XML has not, or the status is not one of the kind's. */
void sip_imdn_put(struct put *w, const struct sip_imdn *n);
