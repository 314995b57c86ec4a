#include "stir/store.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/base64.h"
#include "stir/digest.h"
#include "stir/store_private.h"

#define DER_SIGNATURE_MAX 80u

struct stir *stir_new(const struct stir_files *files, char error[STIR_ERROR_SIZE])
{
	struct stir *s = calloc(1, sizeof(*s));

	error[0] = '\0';
	ASSERT(files->count <= STIR_CERTIFICATES_MAX);
	if (s != NULL && stir_load_key(s, files, error) && stir_load_certificates(s, files, error))
		return s;
	if (error[0] == '\0')
		stir_say(error, "no memory is free for keys and certificates");
	stir_free(s);
	return NULL;
}

void stir_free(struct stir *s)
{
	if (s == NULL)
		return;
	EVP_PKEY_CTX_free(s->sign);
	for (unsigned i = 0; i < s->count; i++) {
		EVP_PKEY_CTX_free(s->certificates[i].verify);
		free(s->certificates[i].url);
	}
	free(s->url);
	free(s->attest);
	free(s->origid);
	free(s->certificates);
	free(s);
}

bool stir_can_sign(const struct stir *s)
{
	return s->sign != NULL;
}

bool stir_can_attest(const struct stir *s)
{
	return s->sign != NULL && s->attest != NULL && s->origid != NULL;
}

static bool valid_at(const struct stir_certificate *c, uint64_t now_s)
{
	return now_s >= c->from_s && now_s <= c->until_s;
}

const char *stir_expired(const struct stir *s, uint64_t now_s, unsigned *at)
{
	while (*at < s->count) {
		const struct stir_certificate *c = &s->certificates[(*at)++];

		if (!valid_at(c, now_s))
			return c->url;
	}
	return NULL;
}

/* One of the two numbers of a signature, as 32 bytes; false: it is none of ES256. */
static bool take_number(struct cur *der, uint8_t to[STIR_SIGNATURE_SIZE / 2])
{
	const size_t   size = STIR_SIGNATURE_SIZE / 2;
	uint8_t        tag = cur_u8(der), n = cur_u8(der);
	const uint8_t *bytes = cur_bytes(der, n);

	while (bytes != NULL && n > size && *bytes == 0) {
		bytes++;
		n--;
	}
	if (bytes == NULL || tag != 0x02 || n > size)
		return false;
	memset(to, 0, size - n);
	memcpy(to + size - n, bytes, n);
	return true;
}

/* From the form that OpenSSL has (RFC 3279, 2.2.3) to that of RFC 7518, 3.4. */
static bool to_raw(const uint8_t *bytes, size_t n, uint8_t raw[STIR_SIGNATURE_SIZE])
{
	struct cur der = cur_of(bytes, n);

	return cur_u8(&der) == 0x30 && cur_u8(&der) == n - 2 && take_number(&der, raw) &&
	       take_number(&der, raw + STIR_SIGNATURE_SIZE / 2) && cur_left(&der) == 0;
}

static void put_number_der(struct put *w, const uint8_t from[STIR_SIGNATURE_SIZE / 2])
{
	size_t n = STIR_SIGNATURE_SIZE / 2;

	while (n > 1 && *from == 0) {
		from++;
		n--;
	}
	put_u8(w, 0x02);
	put_u8(w, (uint8_t)(n + (*from >> 7)));
	if ((*from & 0x80) != 0)
		put_u8(w, 0); /* else it were negative */
	put_bytes(w, from, n);
}

static size_t to_der(const uint8_t raw[STIR_SIGNATURE_SIZE], uint8_t der[DER_SIGNATURE_MAX])
{
	struct put w = put_to(der, DER_SIGNATURE_MAX);

	put_u8(&w, 0x30);
	put_u8(&w, 0);
	put_number_der(&w, raw);
	put_number_der(&w, raw + STIR_SIGNATURE_SIZE / 2);
	ASSERT(!w.failed);
	der[1] = (uint8_t)(put_size(&w) - 2);
	return put_size(&w);
}

bool stir_sign(struct stir *s, struct stir_claims *c, struct put *w)
{
	size_t  mark = put_size(w), size = DER_SIGNATURE_MAX;
	uint8_t digest[STIR_SHA256_SIZE], der[DER_SIGNATURE_MAX], raw[STIR_SIGNATURE_SIZE];

	ASSERT(stir_can_sign(s));
	c->x5u = str_of(s->url);
	if (c->ppt == STIR_PPT_SHAKEN) {
		ASSERT(stir_can_attest(s));
		c->attest = str_of(s->attest);
		c->origid = str_of(s->origid);
	}
	stir_claims_put(w, c);
	if (!w->failed) {
		stir_sha256(w->start + mark, put_size(w) - mark, digest);
		if (EVP_PKEY_sign(s->sign, der, &size, digest, sizeof(digest)) == 1 &&
		    to_raw(der, size, raw)) {
			put_u8(w, '.');
			base64url_put(w, raw, sizeof(raw));
			if (!w->failed)
				return true;
		}
	}
	w->p = w->start + mark;
	w->failed = false;
	return false;
}

bool stir_fresh(uint64_t iat, uint64_t now_s)
{
	return iat <= now_s + STIR_FRESH_S && now_s <= iat + STIR_FRESH_S;
}

static const struct stir_certificate *find(const struct stir *s, struct str url)
{
	unsigned low = 0, high = s->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		int      order = str_cmp(str_of(s->certificates[middle].url), url);

		if (order == 0)
			return &s->certificates[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

enum reason stir_verify(struct stir *s, const struct stir_passport *p, uint64_t now_s)
{
	const struct stir_certificate *c = find(s, p->claims.x5u);
	uint8_t                        digest[STIR_SHA256_SIZE], der[DER_SIGNATURE_MAX];
	size_t                         size;

	if (!stir_fresh(p->claims.iat, now_s))
		return REASON_IDENTITY_STALE;
	if (c == NULL)
		return REASON_IDENTITY_CERTIFICATE;
	if (!valid_at(c, now_s) ||
	    (c->scoped && (p->claims.orig.uri || !stir_scope_has(&c->scope, p->claims.orig.text))))
		return REASON_IDENTITY_CREDENTIAL;
	stir_sha256(p->signing.p, p->signing.n, digest);
	size = to_der(p->signature, der);
	return EVP_PKEY_verify(c->verify, der, size, digest, sizeof(digest)) == 1
		       ? REASON_NONE
		       : REASON_IDENTITY_INVALID;
}
