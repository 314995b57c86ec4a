/* As in hash.c. */
#define OPENSSL_API_COMPAT 0x10100000L

#include "sip/digest.h"

#include <openssl/crypto.h>

#include "base/assert.h"
#include "base/hash.h"
#include "sip/branch.h"
#include "sip/hash.h"
#include "sip/nonce.h"
#include "sip/print.h"

#define STAMP 10u /* milliseconds in 6 bytes, worker, number in 3 */
#define PROOF 15u
#define BYTES (STAMP + PROOF)
#define BLOCK 64u /* of SHA-256, for HMAC (RFC 2104) */
#define NUMBER_MASK 0xffffffu

static void pad(SHA256_CTX *sha, const uint8_t key[SHA256_DIGEST_LENGTH], uint8_t with)
{
	uint8_t block[BLOCK];

	memset(block, with, sizeof(block));
	for (unsigned i = 0; i < SHA256_DIGEST_LENGTH; i++)
		block[i] ^= key[i];
	SHA256_Init(sha);
	SHA256_Update(sha, block, sizeof(block));
}

void sip_digest_init(struct sip_digest *d, struct metrics *metrics, uint8_t worker,
		     uint64_t shared_seed, void *memory, size_t bytes)
{
	static const char purpose[] = "sip nonce";
	uint8_t           key[SHA256_DIGEST_LENGTH];
	SHA256_CTX        sha;

	ASSERT((uintptr_t)memory % 64 == 0 && bytes >= sizeof(struct sip_nonce_set));
	ASSERT(bytes / sizeof(struct sip_nonce_set) <= UINT32_MAX);
	SHA256_Init(&sha);
	SHA256_Update(&sha, purpose, sizeof(purpose));
	SHA256_Update(&sha, &shared_seed, sizeof(shared_seed));
	SHA256_Final(key, &sha);
	*d = (struct sip_digest){
		.metrics = metrics,
		.sets = memory,
		.set_count = (uint32_t)(bytes / sizeof(struct sip_nonce_set)),
		.worker = worker,
	};
	pad(&d->inner, key, 0x36);
	pad(&d->outer, key, 0x5c);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(&sha, sizeof(sha));
}

static void prove(const struct sip_digest *d, const uint8_t stamp[STAMP], struct str realm,
		  uint8_t proof[PROOF])
{
	SHA256_CTX sha = d->inner;
	uint8_t    digest[SHA256_DIGEST_LENGTH];

	SHA256_Update(&sha, stamp, STAMP);
	SHA256_Update(&sha, realm.p, realm.n);
	SHA256_Final(digest, &sha);
	sha = d->outer;
	SHA256_Update(&sha, digest, sizeof(digest));
	SHA256_Final(digest, &sha);
	memcpy(proof, digest, PROOF);
}

static void put_nonce(struct sip_digest *d, struct now now, struct str realm, struct put *w)
{
	uint8_t    bytes[BYTES];
	struct put to = put_to(bytes, STAMP);
	uint64_t   ms = now.us / US_PER_MS;

	put_be16(&to, (uint16_t)(ms >> 32));
	put_be32(&to, (uint32_t)ms);
	put_be32(&to, (uint32_t)d->worker << 24 | (d->made++ & NUMBER_MASK));
	prove(d, bytes, realm, bytes + STAMP);
	sip_base32_put(w, bytes, BYTES);
}

/* One that we gave, for this realm, and when; false: not, or too long ago. */
static bool nonce_holds(const struct sip_digest *d, struct now now, struct str nonce,
			struct str realm, uint64_t *issued_us, uint64_t *id)
{
	uint8_t    bytes[BYTES], proof[PROOF];
	struct cur from = cur_of(bytes, BYTES);
	uint64_t   high;

	if (!sip_base32_parse(nonce, bytes, BYTES))
		return false;
	prove(d, bytes, realm, proof);
	if (CRYPTO_memcmp(proof, bytes + STAMP, PROOF) != 0)
		return false;
	high = cur_be16(&from);
	*issued_us = (high << 32 | cur_be32(&from)) * US_PER_MS;
	cur_be32(&from);
	*id = cur_be64(&from) | 1; /* never 0; of its proof, so that it spreads */
	return now.us <= *issued_us + SIP_NONCE_US;
}

static void put_one(struct sip_digest *d, struct now now, enum sip_header_id header,
		    struct str realm, bool stale, struct str algorithm, struct put *w)
{
	sip_put_header_begin(w, header);
	put_str(w, STR("Digest realm="));
	sip_put_quoted(w, realm);
	put_str(w, STR(", nonce=\""));
	put_nonce(d, now, realm, w);
	put_str(w, STR("\", algorithm="));
	put_str(w, algorithm);
	put_str(w, STR(", qop=\"auth\""));
	if (stale)
		put_str(w, STR(", stale=true"));
	sip_put_header_end(w);
}

void sip_digest_challenge(struct sip_digest *d, struct now now, enum sip_header_id header,
			  struct str realm, enum sip_offer offer, bool stale, struct put *w)
{
	ASSERT(header == SIP_WWW_AUTHENTICATE || header == SIP_PROXY_AUTHENTICATE);
	ASSERT(realm.n <= SIP_REALM_SIZE_MAX);
	if (offer == SIP_OFFER_ALL)
		put_one(d, now, header, realm, stale, STR("SHA-256"), w);
	put_one(d, now, header, realm, stale, STR("MD5"), w);
	metric_inc(d->metrics, METRIC_sip_challenges_out);
}

/* Ours to compare: the text between the quotes with quoted pairs resolved. */
static bool same_quoted(const struct sip_auth *a, enum sip_digest_field which, struct str want)
{
	char       room[SIP_REALM_SIZE_MAX + 1];
	struct put w = put_to(room, sizeof(room));

	if (!a->has[which])
		return false;
	if (!a->quoted[which])
		return str_eq(a->field[which], want);
	sip_unquote_put(&w, a->field[which]);
	return !w.failed && str_eq((struct str){room, put_size(&w)}, want);
}

static bool field_is(const struct sip_auth *a, enum sip_digest_field which, struct str want)
{
	return a->has[which] && sip_same(a->field[which], want);
}

static bool hex_parse(struct str text, uint8_t *bytes, size_t n)
{
	if (text.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = str_hex(text.p[2 * i]), low = str_hex(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* What our challenge did not offer: what it is for cannot be checked. */
static bool offered(const struct sip_auth *a, bool *sha256)
{
	*sha256 = field_is(a, SIP_DIGEST_ALGORITHM, STR("SHA-256"));
	return (*sha256 || !a->has[SIP_DIGEST_ALGORITHM] ||
		field_is(a, SIP_DIGEST_ALGORITHM, STR("MD5"))) &&
	       field_is(a, SIP_DIGEST_QOP, STR("auth")) &&
	       !field_is(a, SIP_DIGEST_USERHASH, STR("true"));
}

static enum sip_proof read_claim(struct sip_claim *claim)
{
	const struct sip_auth *a = &claim->auth;
	uint8_t                nc[4];
	struct cur             from = cur_of(nc, sizeof(nc));

	if (!offered(a, &claim->sha256))
		return SIP_PROOF_NONE;
	if (!a->has[SIP_DIGEST_USERNAME] || !a->has[SIP_DIGEST_NONCE] || !a->has[SIP_DIGEST_URI] ||
	    !a->has[SIP_DIGEST_RESPONSE] || !a->has[SIP_DIGEST_CNONCE] || !a->has[SIP_DIGEST_NC] ||
	    !hex_parse(a->field[SIP_DIGEST_NC], nc, sizeof(nc)) ||
	    !hex_parse(a->field[SIP_DIGEST_RESPONSE], claim->response,
		       sip_hash_size(claim->sha256)))
		return SIP_PROOF_MALFORMED;
	claim->nc = cur_be32(&from);
	claim->username = a->field[SIP_DIGEST_USERNAME];
	return claim->nc != 0 ? SIP_PROOF_PROVEN : SIP_PROOF_MALFORMED;
}

enum sip_proof sip_digest_claim(struct sip_digest *d, const struct sip_message *m,
				enum sip_header_id header, struct str realm,
				struct sip_claim *claim)
{
	enum sip_proof found = SIP_PROOF_NONE;

	ASSERT(header == SIP_AUTHORIZATION || header == SIP_PROXY_AUTHORIZATION);
	claim->realm = realm;
	for (uint8_t slot = m->first[header]; slot != SIP_NO_SLOT; slot = m->headers[slot].next) {
		if (!sip_auth_parse(m->headers[slot].value, &claim->auth)) {
			found = SIP_PROOF_MALFORMED;
			break;
		}
		if (!claim->auth.digest || !same_quoted(&claim->auth, SIP_DIGEST_REALM, realm))
			continue;
		found = read_claim(claim);
		if (found != SIP_PROOF_NONE)
			break;
	}
	if (found == SIP_PROOF_MALFORMED)
		metric_inc(d->metrics, METRIC_sip_proofs_malformed);
	return found;
}

static bool same_uri(struct str a, struct str b)
{
	struct sip_uri x, y;

	return str_eq(a, b) ||
	       (sip_uri_parse(a, &x) && sip_uri_parse(b, &y) && sip_uri_equal(&x, &y));
}

static enum sip_proof verdict(struct sip_digest *d, struct now now, const struct sip_claim *claim,
			      bool right)
{
	uint64_t issued_us, id;

	if (!right) {
		metric_inc(d->metrics, METRIC_sip_proofs_wrong);
		return SIP_PROOF_WRONG;
	}
	if (!nonce_holds(d, now, claim->auth.field[SIP_DIGEST_NONCE], claim->realm, &issued_us,
			 &id)) {
		metric_inc(d->metrics, METRIC_sip_proofs_stale);
		return SIP_PROOF_STALE;
	}
	if (!sip_nonce_use(&d->sets[(id >> 32) * d->set_count >> 32], id, issued_us, claim->nc,
			   now.us, SIP_NONCE_US)) {
		metric_inc(d->metrics, METRIC_sip_proofs_replayed);
		return SIP_PROOF_STALE;
	}
	metric_inc(d->metrics, METRIC_sip_proofs_right);
	return SIP_PROOF_PROVEN;
}

enum sip_proof sip_digest_check(struct sip_digest *d, struct now now, const struct sip_claim *claim,
				struct str method, struct str uri,
				const struct proto_credentials *credentials)
{
	static const struct proto_credentials nobody;
	const struct proto_credentials       *c = credentials != NULL ? credentials : &nobody;
	const struct sip_auth                *a = &claim->auth;
	uint8_t                               response[SIP_HASH_MAX];
	bool                                  right;

	if (!same_uri(a->field[SIP_DIGEST_URI], uri)) {
		metric_inc(d->metrics, METRIC_sip_proofs_malformed);
		return SIP_PROOF_MALFORMED;
	}
	sip_hash_response(claim->sha256, claim->sha256 ? c->ha1_sha256 : c->ha1_md5,
			  &(struct sip_hash_terms){
				  .nonce = a->field[SIP_DIGEST_NONCE],
				  .nc = a->field[SIP_DIGEST_NC],
				  .cnonce = a->field[SIP_DIGEST_CNONCE],
				  .method = method,
				  .uri = a->field[SIP_DIGEST_URI],
				  .qop = true,
			  },
			  response);
	right = CRYPTO_memcmp(response, claim->response, sip_hash_size(claim->sha256)) == 0;
	return verdict(d, now, claim, right && credentials != NULL);
}
