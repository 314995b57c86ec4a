/*
 * Addresses of record: "sip:alice@example.org", or without a scheme "bob@chat.example"; with the
 * user "*" all users of a domain. Normal form: scheme and domain in lower case, as they are
 * compared without regard to case, and the user as it is (RFC 3261, 19.1.4). Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct aor {                             /* lent from the text */
	struct str scheme, user, domain; /* scheme empty: none */
};

/* False: it is none: no user or no domain, a port, a second "@", white space, quotes or brackets.
 */
bool aor_split(struct str text, struct aor *a);

/* Letters, digits, "-", "_" and dots between them; or an IPv6 address in brackets. */
bool aor_is_domain(struct str text);

/* "SCHEME:USER@DOMAIN" in normal form with a NUL behind, without "SCHEME:" where that is empty.
 * Returns its bytes; 0: the room is too small. */
size_t aor_write(char *room, size_t size, const struct aor *a);

static inline bool aor_is_all_users(const struct aor *a)
{
	return a->user.n == 1 && a->user.p[0] == '*';
}

static inline char aor_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
