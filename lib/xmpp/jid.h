/*
 * Addresses of XMPP (RFC 7622): local@domain/resource, of which only the domain must be there, in
 * normal form: equal addresses are equal bytes. Pure; any thread.
 */
#pragma once

#include "xmpp/precis.h"

#define XMPP_JID_SIZE_MAX (3 * XMPP_PART_SIZE_MAX + 2)

struct xmpp_jid { /* an empty part is not there */
	struct str local, domain, resource;
};

/* The normal form goes into the room, which its parts are lent from. False: no address, or no room.
 */
bool xmpp_jid_parse(struct str text, struct put *room, struct xmpp_jid *jid);

void xmpp_jid_put(struct put *w, const struct xmpp_jid *jid);
void xmpp_jid_put_bare(struct put *w, const struct xmpp_jid *jid);

/* Are they of one account; are they the same? */
bool xmpp_jid_same_bare(const struct xmpp_jid *a, const struct xmpp_jid *b);
bool xmpp_jid_same(const struct xmpp_jid *a, const struct xmpp_jid *b);
