/*
 * application/im-iscomposing+xml (RFC 3994): is somebody writing? Taken from bytes and written; all
 * text is plain. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"

/* Seconds for which "active" holds when no refresh is named; what is asked for below 60 is taken
 * as 60 (RFC 3994, 3.3). */
#define SIP_COMPOSING_REFRESH_S 120u
#define SIP_COMPOSING_REFRESH_MIN_S 60u
#define SIP_COMPOSING_REFRESH_MAX_S 86400u /* ours: nobody writes for longer than a day */

struct sip_composing {
	bool       active;       /* a state that is not "active" is idle (RFC 3994, 4) */
	bool       gone;         /* and "gone", of us alone: the chat is over (RFC 7573, 5) */
	uint32_t   refresh_s;    /* never 0 when read; 0 when written: none is named */
	struct str content_type; /* of what is written; empty: not said */
	struct str last_active;  /* RFC 3339, not looked into; empty: not said */
};

/* The whole document; room as for sip_imdn_parse(). SYNTAX: not well-formed, another root, a
 * refresh that is no number. MISSING: no state. */
enum sip_body sip_composing_parse(struct cur in, struct put *room, struct sip_composing *c);
void          sip_composing_put(struct put *w, const struct sip_composing *c);
