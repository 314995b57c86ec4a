/*
 * Domain names beyond ASCII (RFC 5890): as XMPP has them, in UTF-8, and as DNS and SIP have them,
 * labels of "xn--" and Punycode (RFC 3492). Names are taken as they are: whoever reads them from
 * people or peers has folded them. Labels of up to 63 bytes either way. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "base/put.h"

#define PUNYCODE_LABEL_MAX 63u

/* The domain with each label that has letters beyond ASCII as "xn--...". False: no UTF-8, a label
 * that is too long, or no room. */
bool punycode_ascii_put(struct put *w, struct str domain);

/* The domain with each label of "xn--" in UTF-8; one that stands for nothing, or for what another
 * label stands for, as it is. False: no room. */
bool punycode_unicode_put(struct put *w, struct str domain);

/* Whether the domain may have such a label; a dash, which few have, is found sooner than a word. */
static inline bool punycode_may_be_in(struct str domain)
{
	return domain.n > 0 && memchr(domain.p, '-', domain.n) != NULL &&
	       memmem(domain.p, domain.n, "xn--", 4) != NULL;
}

/* One label of "xn--", whatever the case of its letters. False: it stands for nothing beyond ASCII,
 * or is not how that is written. Nothing is put then. */
bool punycode_label_put(struct put *w, struct str label);
