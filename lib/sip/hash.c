/* Kept from OpenSSL 1.1 because it allocates nothing: EVP makes a context on the heap, and workers
 * call this. */
#define OPENSSL_API_COMPAT 0x10100000L

#include "sip/hash.h"

void sip_hash_begin(struct sip_hash *h, bool sha256)
{
	h->sha256 = sha256;
	if (sha256)
		SHA256_Init(&h->u.sha);
	else
		MD5_Init(&h->u.md5);
}

void sip_hash_add(struct sip_hash *h, struct str s)
{
	if (h->sha256)
		SHA256_Update(&h->u.sha, s.p, s.n);
	else
		MD5_Update(&h->u.md5, s.p, s.n);
}

void sip_hash_end(struct sip_hash *h, uint8_t *digest)
{
	if (h->sha256)
		SHA256_Final(digest, &h->u.sha);
	else
		MD5_Final(digest, &h->u.md5);
}

unsigned sip_hash_hex(bool sha256, const uint8_t *digest, char hex[2 * SIP_HASH_MAX])
{
	unsigned size = sip_hash_size(sha256);

	for (unsigned i = 0; i < size; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	return 2 * size;
}

static void add_hex(struct sip_hash *h, const uint8_t *digest)
{
	char     hex[2 * SIP_HASH_MAX];
	unsigned n = sip_hash_hex(h->sha256, digest, hex);

	sip_hash_add(h, (struct str){hex, n});
}

static void add_more(struct sip_hash *h, struct str s)
{
	sip_hash_add(h, STR(":"));
	sip_hash_add(h, s);
}

void sip_hash_ha1(bool sha256, struct str user, struct str realm, struct str password, uint8_t *ha1)
{
	struct sip_hash h;

	sip_hash_begin(&h, sha256);
	sip_hash_add(&h, user);
	add_more(&h, realm);
	add_more(&h, password);
	sip_hash_end(&h, ha1);
}

void sip_hash_response(bool sha256, const uint8_t *ha1, const struct sip_hash_terms *terms,
		       uint8_t *response)
{
	struct sip_hash h;
	uint8_t         ha2[SIP_HASH_MAX];

	sip_hash_begin(&h, sha256);
	sip_hash_add(&h, terms->method);
	add_more(&h, terms->uri);
	sip_hash_end(&h, ha2);
	sip_hash_begin(&h, sha256);
	add_hex(&h, ha1);
	add_more(&h, terms->nonce);
	if (terms->qop) {
		add_more(&h, terms->nc);
		add_more(&h, terms->cnonce);
		add_more(&h, STR("auth"));
	}
	sip_hash_add(&h, STR(":"));
	add_hex(&h, ha2);
	sip_hash_end(&h, response);
}
