/*
 * Internationalised strings of addresses: the profiles of PRECIS (RFC 8264, 8265) that JIDs are
 * made of, and the labels of domain names (RFC 5891, 5892, 5893). What comes out is in normal form:
 * equal names are equal bytes. Text of ASCII takes a table, other text libunistring, with buffers
 * on the stack: 1,023 bytes have no more than 1,023 characters, so that it allocates nothing. Pure;
 * any thread.
 */
#pragma once

#include "base/put.h"
#include "base/str.h"

#define XMPP_PART_SIZE_MAX 1023u /* bytes of each part of a JID (RFC 7622, 3) */

/* Each enforces its profile and puts what comes out, of 1 .. XMPP_PART_SIZE_MAX bytes. False: the
 * text is not of that profile, or no room. */
bool xmpp_username_put(struct put *w, struct str text); /* UsernameCaseMapped */
bool xmpp_opaque_put(struct put *w, struct str text);   /* OpaqueString: resources, passwords */
bool xmpp_domain_put(struct put *w,
		     struct str  text); /* a name, an IPv4 address, or [an IPv6 one] */
