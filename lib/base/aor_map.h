/*
 * Users and domains of one protocol as another writes them (RFC 7247, 5): what XMPP escapes by
 * XEP-0106 SIP writes with percents (RFC 3261, 19.1.2), and letters beyond ASCII as the percents of
 * their UTF-8; domains beyond ASCII are in UTF-8 for XMPP and "xn--..." for SIP. What went to
 * the other protocol and came back is the same from then on. Pure; any thread.
 */
#pragma once

#include "base/aor.h"
#include "base/put.h"

/*
 * "user@domain" of the address as `scheme` ("sip", "xmpp") writes it; of one without a scheme as it
 * is, where that will do. False: it cannot be written so (no UTF-8, a control character, a blank at
 * an end, a domain that is too long), or no room.
 */
bool aor_map_put(struct put *w, const struct aor *a, struct str scheme);

/* What a localpart may not have, as "\20" and so on, and back (XEP-0106). False: what begins or
 * ends with a blank has no such form. */
bool aor_escape_put(struct put *w, struct str text);
void aor_unescape_put(struct put *w, struct str local);
