/* The hashes of SCRAM under one name, and HMAC (RFC 2104) with them. Nothing is allocated. Pure;
 * any thread. */
#pragma once

#include <openssl/sha.h>

#include "base/str.h"

#define SCRAM_HASH_MAX SHA256_DIGEST_LENGTH

static inline unsigned scram_hash_size(bool sha256)
{
	return sha256 ? SHA256_DIGEST_LENGTH : SHA_DIGEST_LENGTH;
}

/* Of two texts, one after the other. */
void scram_hash(bool sha256, struct str a, struct str b, uint8_t *digest);
/* key: scram_hash_size() bytes. */
void scram_hmac(bool sha256, const uint8_t *key, struct str text, uint8_t *digest);
