/* Kept from OpenSSL 1.1 because it allocates nothing: EVP makes a context on the heap, and workers
 * call this. */
#define OPENSSL_API_COMPAT 0x10100000L

#include "xmpp/scram_hash.h"

#define BLOCK 64u /* of both hashes */

union context {
	SHA_CTX    sha1;
	SHA256_CTX sha256;
};

static void begin(bool sha256, union context *c)
{
	if (sha256)
		SHA256_Init(&c->sha256);
	else
		SHA1_Init(&c->sha1);
}

static void add(bool sha256, union context *c, const void *p, size_t n)
{
	if (sha256)
		SHA256_Update(&c->sha256, p, n);
	else
		SHA1_Update(&c->sha1, p, n);
}

static void end(bool sha256, union context *c, uint8_t *digest)
{
	if (sha256)
		SHA256_Final(digest, &c->sha256);
	else
		SHA1_Final(digest, &c->sha1);
}

void scram_hash(bool sha256, struct str a, struct str b, uint8_t *digest)
{
	union context c;

	begin(sha256, &c);
	add(sha256, &c, a.p, a.n);
	add(sha256, &c, b.p, b.n);
	end(sha256, &c, digest);
}

static void pad(bool sha256, union context *c, const uint8_t *key, uint8_t with)
{
	uint8_t block[BLOCK];

	memset(block, with, sizeof(block));
	for (unsigned i = 0; i < scram_hash_size(sha256); i++)
		block[i] ^= key[i];
	begin(sha256, c);
	add(sha256, c, block, sizeof(block));
}

void scram_hmac(bool sha256, const uint8_t *key, struct str text, uint8_t *digest)
{
	union context c;

	pad(sha256, &c, key, 0x36);
	add(sha256, &c, text.p, text.n);
	end(sha256, &c, digest);
	pad(sha256, &c, key, 0x5c);
	add(sha256, &c, digest, scram_hash_size(sha256));
	end(sha256, &c, digest);
}
