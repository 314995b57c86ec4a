/* The digest of a body (RFC 9475, 3.2). Kept from OpenSSL 1.1 because it allocates nothing: EVP
 * makes a context on the heap, and workers call this. */
#define OPENSSL_API_COMPAT 0x10100000L

#include <openssl/sha.h>

#include "base/base64.h"
#include "stir/digest.h"
#include "stir/passport.h"

void stir_sha256(const void *bytes, size_t n, uint8_t digest[STIR_SHA256_SIZE])
{
	SHA256_CTX c;

	SHA256_Init(&c);
	SHA256_Update(&c, bytes, n);
	SHA256_Final(digest, &c);
}

static void sha384(const void *bytes, size_t n, uint8_t *digest)
{
	SHA512_CTX c;

	SHA384_Init(&c);
	SHA384_Update(&c, bytes, n);
	SHA384_Final(digest, &c);
}

static void sha512(const void *bytes, size_t n, uint8_t *digest)
{
	SHA512_CTX c;

	SHA512_Init(&c);
	SHA512_Update(&c, bytes, n);
	SHA512_Final(digest, &c);
}

static const struct {
	struct str name;
	size_t     size;
	void (*make)(const void *bytes, size_t n, uint8_t *digest);
} algorithms[] = {
	{{"sha256-", 7}, 32, stir_sha256},
	{{"sha384-", 7}, 48, sha384},
	{{"sha512-", 7}, 64, sha512},
};

struct str stir_msgi(struct str body, char room[STIR_MSGI_MAX])
{
	struct put w = put_to(room, STIR_MSGI_MAX);
	uint8_t    digest[STIR_SHA256_SIZE];

	stir_sha256(body.p, body.n, digest);
	put_str(&w, algorithms[0].name);
	base64_put(&w, digest, sizeof(digest));
	return (struct str){room, put_size(&w)};
}

bool stir_msgi_holds(struct str msgi, struct str body)
{
	uint8_t    is[SHA512_DIGEST_LENGTH], said[SHA512_DIGEST_LENGTH];
	struct put w = put_to(said, sizeof(said));

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		size_t size = algorithms[i].size;

		if (!str_starts(msgi, algorithms[i].name))
			continue;
		if (!base64_parse(str_skip(msgi, algorithms[i].name.n), &w) || put_size(&w) != size)
			return false;
		algorithms[i].make(body.p, body.n, is);
		return memcmp(is, said, size) == 0;
	}
	return false;
}
