/*
 * Addresses of record: "sip:alice@example.org", or without a scheme "bob@chat.example"; with the
 * user "*" all users of a domain. A user is written by the rules of its scheme: RFC 3261, 25.1
 * ("o'hara", "j%C3%BCrgen"), or RFC 7622, 3.3 ("o\27hara", "jürgen"), where there is none by
 * either. An address of XMPP may be a domain alone, "xmpp:transport.example". Normal form: scheme
 * and domain in lower case, as they are compared without regard to case, and the user as it is (RFC
 * 3261, 19.1.4); letters beyond ASCII are compared as they are, and whoever reads them from people
 * or peers folds them. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define AOR_DOMAIN_MAX 253u

struct aor {                             /* lent from the text */
	struct str scheme, user, domain; /* scheme empty: none; user empty: a domain of XMPP */
};

/* False: it is none: no domain, no user where there must be one or one with what its scheme does
 * not allow, a port, a second "@". */
bool aor_split(struct str text, struct aor *a);

/* Letters, digits, "-", "_" and dots between them, letters beyond ASCII in UTF-8 (RFC
 * 5890, 2.3.2.1); or an IPv6 address in brackets. */
bool aor_is_domain(struct str text);

/* "SCHEME:USER@DOMAIN" in normal form with a NUL behind, without "SCHEME:" where that is empty, and
 * without "USER@" likewise. Returns its bytes; 0: the room is too small. */
size_t aor_write(char *room, size_t size, const struct aor *a);

/* Is the user one of its scheme, or where there is none of any? */
bool aor_has_user_of(const struct aor *a);

/* May it stand in a user of SIP as it is? */
bool aor_is_plain(char c);

static inline bool aor_is_all_users(const struct aor *a)
{
	return a->user.n == 1 && a->user.p[0] == '*';
}

static inline char aor_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
