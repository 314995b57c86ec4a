/*
 * Keys and certificates: our own, to sign with, and those of others, to verify by. All comes from
 * files, at the start; nothing is fetched, so a certificate is known by the URL that the
 * configuration has for its file. Each worker has a store of its own: contexts of OpenSSL are made
 * at load, and no file, certificate or ASN.1 is looked into afterwards; OpenSSL itself allocates in
 * signing and verifying. ES256 alone (RFC 8225, 8).
 */
#pragma once

#include "base/str.h"
#include "stir/passport.h"

#define STIR_FRESH_S 60u /* RFC 8224, 6.2 */
#define STIR_ERROR_SIZE 512u
#define STIR_CERTIFICATES_MAX 256u

struct stir_file {
	const char *url, *file; /* a PEM: the certificate, then those between it and the anchor */
};

struct stir_files {
	const char *key; /* PEM of our private key, which nobody else may read; NULL: none signs */
	const char *url; /* where its certificate is, for others */
	const char *certificate;     /* it, to see that the key is its own; NULL: not given */
	const char *attest, *origid; /* of SHAKEN; NULL: it is not used */
	const char *anchors;         /* PEM of those who vouch for certificates */
	unsigned    count;
	const struct stir_file *certificates;
};

struct stir;

/* NULL: error says which file, what is wrong and what would be right. The files are not kept. */
struct stir *stir_new(const struct stir_files *files, char error[STIR_ERROR_SIZE]);
void         stir_free(struct stir *s); /* NULL is allowed */

bool stir_can_sign(const struct stir *s);
bool stir_can_attest(const struct stir *s);
/* The URL of a certificate that is not valid at that time; NULL: there is none from *at on. */
const char *stir_expired(const struct stir *s, uint64_t now_s, unsigned *at);
/*
 * The PASSporT of these claims, whose x5u, attest and origid are filled in. False: it cannot be
 * written (a party without a number, too little room), and nothing is left of it.
 */
bool stir_sign(struct stir *s, struct stir_claims *c, struct put *w);
/*
 * All that does not depend on the request's own fields, the signature last. NONE;
 * IDENTITY_CERTIFICATE: none is known for its x5u; IDENTITY_CREDENTIAL: it is not valid now, or not
 * for that number; IDENTITY_STALE; IDENTITY_INVALID: the signature is wrong.
 */
enum reason stir_verify(struct stir *s, const struct stir_passport *p, uint64_t now_s);
bool        stir_fresh(uint64_t iat, uint64_t now_s);
