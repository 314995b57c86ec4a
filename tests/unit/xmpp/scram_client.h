/* The other side of SCRAM, by OpenSSL's own PBKDF2 and HMAC: credentials as control makes them, and
 * what a client answers. */
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/scram.h"
#include "test.h"

static inline const EVP_MD *scram_md(bool sha256)
{
	return sha256 ? EVP_sha256() : EVP_sha1();
}

static inline void scram_keys(bool sha256, const char *password, const uint8_t *salt, size_t salt_n,
			      uint8_t client_key[32], uint8_t stored[32], uint8_t server[32])
{
	uint8_t  salted[32];
	int      size = EVP_MD_size(scram_md(sha256));
	unsigned n;

	assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_n,
					   SCRAM_ITERATIONS, scram_md(sha256), size, salted),
			 1);
	HMAC(scram_md(sha256), salted, size, (const uint8_t *)"Client Key", 10, client_key, &n);
	HMAC(scram_md(sha256), salted, size, (const uint8_t *)"Server Key", 10, server, &n);
	EVP_Digest(client_key, (size_t)size, stored, &n, scram_md(sha256), NULL);
}

static inline void scram_make(const char *password, const uint8_t salt[SCRAM_SALT_SIZE],
			      struct scram_credentials *c)
{
	uint8_t  key[32], stored[32], server[32], both[SCRAM_SALT_SIZE + 64];
	size_t   n = strlen(password);
	unsigned size;

	memcpy(c->salt, salt, SCRAM_SALT_SIZE);
	scram_keys(true, password, salt, SCRAM_SALT_SIZE, key, stored, server);
	memcpy(c->stored_sha256, stored, 32);
	memcpy(c->server_sha256, server, 32);
	scram_keys(false, password, salt, SCRAM_SALT_SIZE, key, stored, server);
	memcpy(c->stored_sha1, stored, 20);
	memcpy(c->server_sha1, server, 20);
	memcpy(both, salt, SCRAM_SALT_SIZE);
	memcpy(both + SCRAM_SALT_SIZE, password, n);
	EVP_Digest(both, SCRAM_SALT_SIZE + n, c->plain, &size, EVP_sha256(), NULL);
}

/* client-final-message for the first messages of both sides; *server_signature is what the server
 * must say. */
static inline void scram_answer(bool sha256, const char *password, const char *gs2,
				struct str first_bare, struct str challenge, struct put *w,
				char signature[64])
{
	char        auth[2048];
	uint8_t     salt[64], key[32], stored[32], server[32], mac[32];
	struct put  s = put_to(salt, sizeof(salt)), a = put_to(auth, sizeof(auth));
	const char *at = memmem(challenge.p, challenge.n, ",s=", 3);
	const char *end = memmem(challenge.p, challenge.n, ",i=4096", 7);
	struct put  v = put_to(signature, 64);
	unsigned    n;

	assert_non_null(at);
	assert_non_null(end);
	assert_true(base64_parse((struct str){at + 3, (size_t)(end - at) - 3}, &s));
	scram_keys(sha256, password, salt, put_size(&s), key, stored, server);
	put_str(w, STR("c="));
	base64_put(w, gs2, strlen(gs2));
	put_str(w, STR(","));
	put_str(w, (struct str){challenge.p, (size_t)(at - challenge.p)});
	put_str(&a, first_bare);
	put_u8(&a, ',');
	put_str(&a, challenge);
	put_u8(&a, ',');
	put_bytes(&a, w->start, put_size(w));
	HMAC(scram_md(sha256), stored, EVP_MD_size(scram_md(sha256)), (uint8_t *)auth, put_size(&a),
	     mac, &n);
	for (unsigned i = 0; i < n; i++)
		mac[i] ^= key[i];
	put_str(w, STR(",p="));
	base64_put(w, mac, n);
	HMAC(scram_md(sha256), server, EVP_MD_size(scram_md(sha256)), (uint8_t *)auth, put_size(&a),
	     mac, &n);
	put_str(&v, STR("v="));
	base64_put(&v, mac, n);
	put_u8(&v, 0);
	assert_false(v.failed || w->failed);
}
