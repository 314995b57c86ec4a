/* The two hashes of Digest under one name, and the responses made with them (RFC 7616, 3.4). Pure;
 * any thread. */
#pragma once

#include <stdbool.h>

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/str.h"

#define SIP_HASH_MAX 32u

struct sip_hash {
	bool sha256;
	union {
		SHA256_CTX sha;
		MD5_CTX    md5;
	} u;
};

static inline unsigned sip_hash_size(bool sha256)
{
	return sha256 ? SHA256_DIGEST_LENGTH : MD5_DIGEST_LENGTH;
}

/* Digests, HA1 and responses have sip_hash_size() bytes. */
void sip_hash_begin(struct sip_hash *h, bool sha256);
void sip_hash_add(struct sip_hash *h, struct str s);
void sip_hash_end(struct sip_hash *h, uint8_t *digest);
/* Twice the bytes of the digest, in small letters; returns their number. */
unsigned sip_hash_hex(bool sha256, const uint8_t *digest, char hex[2 * SIP_HASH_MAX]);

/* user:realm:password */
void sip_hash_ha1(bool sha256, struct str user, struct str realm, struct str password,
		  uint8_t *ha1);

struct sip_hash_terms {
	struct str nonce, nc, cnonce, method, uri;
	bool       qop; /* "auth"; false: as in RFC 2069, without nc and cnonce */
};

void sip_hash_response(bool sha256, const uint8_t *ha1, const struct sip_hash_terms *terms,
		       uint8_t *response);
