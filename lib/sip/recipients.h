/*
 * application/resource-lists+xml as the recipients of one message (RFC 4826, 3; RFC 5365, with
 * copyControl of RFC 5364): taken one by one. Pure; any thread.
 */
#pragma once

#include "base/put.h"
#include "sip/body.h"
#include "xml/xml.h"

#define SIP_RECIPIENTS_MAX 254u /* as many as submit_multi of SMPP has */

enum sip_recipient_copy {
	SIP_RECIPIENT_TO, /* also where none is said, or one unknown */
	SIP_RECIPIENT_CC,
	SIP_RECIPIENT_BCC
};

struct sip_recipient {
	struct str              uri; /* plain */
	enum sip_recipient_copy copy;
	bool                    anonymous; /* not to be shown to the other recipients */
};

struct sip_recipients {
	struct xml    xml;
	struct put   *room; /* lent: for URIs with references; never needs more than the document */
	unsigned      count;
	enum sip_body fault; /* why the iteration ended; OK: the document did */
};

void sip_recipients_open(struct sip_recipients *l, struct cur document, struct put *room);
/*
 * The next entry of any list of the document; false at its end, or with l->fault. SYNTAX: not
 * well-formed, another root, an entry without uri. LIMIT: more than SIP_RECIPIENTS_MAX, or those
 * of xml/xml.h. MISSING: the document ends without an entry. A list elsewhere (entry-ref,
 * external), which nobody here fetches, is SYNTAX: else recipients would be left out in silence.
 * Nothing may be sent to anybody before the end was reached without fault.
 */
bool sip_recipients_next(struct sip_recipients *l, struct sip_recipient *entry);

/* A document of such entries. */
void sip_recipients_begin(struct put *w);
void sip_recipients_put(struct put *w, const struct sip_recipient *entry);
void sip_recipients_end(struct put *w);
