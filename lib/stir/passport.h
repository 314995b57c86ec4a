/*
 * PASSporTs (RFC 8225): who says what of a request, signed. Of their extensions msg (RFC 9475),
 * whose claim msgi is a digest over the body of a message, and shaken (RFC 8588). Written in the
 * one form that RFC 8225, 9 has, so that their compact form (7; RFC 8224, 4.1) can be put together
 * again from a request; read in any form, strictly, within limits. No memory, no clock; pure; any
 * thread.
 */
#pragma once

#include "base/put.h"
#include "base/reason.h"
#include "base/str.h"

#define STIR_TOKEN_MAX 4096u  /* of a PASSporT as it travels */
#define STIR_HEADER_MAX 1024u /* of its parts, as JSON */
#define STIR_CLAIMS_MAX 2048u
#define STIR_DEST_MAX 16u
#define STIR_TN_MAX 32u
#define STIR_SIGNATURE_SIZE 64u /* of ES256: r and s (RFC 7518, 3.4) */
#define STIR_MSGI_MAX 96u

enum stir_ppt {
	STIR_PPT_BASE, /* it has no extension */
	STIR_PPT_MSG,
	STIR_PPT_SHAKEN,
	STIR_PPT_OTHER
};

struct stir_party {
	bool       uri;  /* else a telephone number */
	struct str text; /* of a number its digits alone, when written */
};

struct stir_claims {
	enum stir_ppt     ppt;
	struct str        x5u; /* where the certificate is */
	struct stir_party orig;
	unsigned          dest_count;
	struct stir_party dest[STIR_DEST_MAX];
	uint64_t          iat;            /* seconds since 1970 */
	struct str        msgi;           /* MSG */
	struct str        attest, origid; /* SHAKEN */
};

struct stir_passport {
	struct stir_claims claims;  /* its texts lie in the token or the room */
	struct str         signing; /* what is signed */
	uint8_t            signature[STIR_SIGNATURE_SIZE];
	uint8_t            room[STIR_TOKEN_MAX + STIR_HEADER_MAX + STIR_CLAIMS_MAX];
};

/* The extension of that name; an empty one is none. */
enum stir_ppt stir_ppt_of(struct str name);
struct str    stir_ppt_name(enum stir_ppt ppt); /* empty: BASE, OTHER */

/* Header and claims, what is signed. Fails where a text is none of JSON, or a number has none. */
void stir_claims_put(struct put *w, const struct stir_claims *c);

/*
 * A PASSporT of full form; lent from token and *p, which therefore stays where it is. NONE;
 * IDENTITY_CREDENTIAL: its algorithm is not ES256; IDENTITY_INVALID: it is none. Of an extension
 * that is not known only the claims that all have are looked at.
 */
enum reason stir_passport_read(struct str token, struct stir_passport *p);
/* One of compact form, "..signature": what is not said is taken from the request. */
enum reason stir_passport_complete(struct str token, const struct stir_claims *c,
				   struct stir_passport *p);
bool        stir_passport_is_compact(struct str token);

/*
 * The canonical form of a telephone number (RFC 8224, 8.3): its digits, * and #, without a + and
 * separators. Empty: it has other characters, none, or too many.
 */
struct str stir_tn(struct str number, char room[STIR_TN_MAX]);
bool       stir_tn_same(struct str a, struct str b);

/* msgi of a body: "sha256-" and the digest in base 64. */
struct str stir_msgi(struct str body, char room[STIR_MSGI_MAX]);
/* Is it that, by SHA-256, SHA-384 or SHA-512? */
bool stir_msgi_holds(struct str msgi, struct str body);
