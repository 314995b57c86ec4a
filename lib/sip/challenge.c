#include <string.h>

#include "base/assert.h"
#include "sip/digest.h"
#include "sip/hash.h"
#include "sip/print.h"

/* One of a quoted list of tokens, white space around them. */
static bool list_has_auth(struct str list)
{
	while (list.n > 0) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t      n = comma != NULL ? (size_t)(comma - list.p) : list.n;

		if (sip_same(sip_trim((struct str){list.p, n}), STR("auth")))
			return true;
		list = str_skip(list, n + 1);
	}
	return false;
}

/* Can this challenge be answered? */
static bool usable(const struct sip_auth *a, bool *sha256)
{
	struct str algorithm = a->field[SIP_DIGEST_ALGORITHM];

	*sha256 = a->has[SIP_DIGEST_ALGORITHM] && sip_same(algorithm, STR("SHA-256"));
	return a->digest && a->has[SIP_DIGEST_REALM] && a->has[SIP_DIGEST_NONCE] &&
	       (*sha256 || !a->has[SIP_DIGEST_ALGORITHM] || sip_same(algorithm, STR("MD5"))) &&
	       (!a->has[SIP_DIGEST_QOP] || list_has_auth(a->field[SIP_DIGEST_QOP])) &&
	       a->field[SIP_DIGEST_REALM].n <= SIP_CHALLENGE_REALM_MAX &&
	       a->field[SIP_DIGEST_NONCE].n <= SIP_CHALLENGE_NONCE_MAX &&
	       a->field[SIP_DIGEST_OPAQUE].n <= SIP_CHALLENGE_OPAQUE_MAX;
}

static struct str kept(const char *p, size_t n)
{
	return (struct str){p, n};
}

static uint8_t keep(char *room, struct str s)
{
	if (s.n > 0)
		memcpy(room, s.p, s.n);
	return (uint8_t)s.n;
}

static void take(struct sip_challenge *c, const struct sip_auth *a, bool sha256, bool proxy,
		 struct str identity, struct str secret)
{
	bool stale = a->has[SIP_DIGEST_STALE] && sip_same(a->field[SIP_DIGEST_STALE], STR("true"));

	if (c->there && c->proxy == proxy && c->sha256 == sha256 &&
	    str_eq(kept(c->nonce, c->nonce_size), a->field[SIP_DIGEST_NONCE])) {
		c->stale = stale; /* its count goes on */
		return;
	}
	*c = (struct sip_challenge){
		.there = true,
		.proxy = proxy,
		.sha256 = sha256,
		.qop = a->has[SIP_DIGEST_QOP],
		.stale = stale,
		.opaque_there = a->has[SIP_DIGEST_OPAQUE],
	};
	c->realm_size = keep(c->realm, a->field[SIP_DIGEST_REALM]);
	c->nonce_size = keep(c->nonce, a->field[SIP_DIGEST_NONCE]);
	c->opaque_size = keep(c->opaque, a->field[SIP_DIGEST_OPAQUE]);
	sip_hash_ha1(sha256, identity, a->field[SIP_DIGEST_REALM], secret, c->ha1);
}

bool sip_challenge_take(struct sip_challenge *c, const struct sip_message *response,
			struct str identity, struct str secret)
{
	bool               proxy = response->status == 407;
	enum sip_header_id id = proxy ? SIP_PROXY_AUTHENTICATE : SIP_WWW_AUTHENTICATE;
	struct sip_auth    a;
	bool               sha256;

	ASSERT(response->kind == SIP_RESPONSE);
	for (uint8_t slot = response->first[id]; slot != SIP_NO_SLOT;
	     slot = response->headers[slot].next) {
		if (!sip_auth_parse(response->headers[slot].value, &a) || !usable(&a, &sha256))
			continue;
		take(c, &a, sha256, proxy, identity, secret);
		return true;
	}
	return false;
}

static void put_hex32(uint32_t v, char hex[8])
{
	for (unsigned i = 8; i-- > 0; v >>= 4)
		hex[i] = "0123456789abcdef"[v & 15];
}

/* Text that came between quotes goes out between quotes, its quoted pairs as they are. */
static void put_raw(struct put *w, struct str name, struct str value)
{
	put_str(w, name);
	put_str(w, STR("=\""));
	sip_put_text(w, value);
	put_u8(w, '"');
}

void sip_challenge_answer(struct sip_challenge *c, struct str identity, struct str method,
			  struct str uri, uint64_t cnonce, struct put *w)
{
	char                  nc[8], cnonce_text[16], hex[2 * SIP_HASH_MAX];
	uint8_t               response[SIP_HASH_MAX];
	unsigned              hex_size;
	struct sip_hash_terms terms = {
		.nonce = kept(c->nonce, c->nonce_size),
		.nc = {nc, sizeof(nc)},
		.cnonce = {cnonce_text, sizeof(cnonce_text)},
		.method = method,
		.uri = uri,
		.qop = c->qop,
	};

	if (!c->there)
		return;
	put_hex32(++c->nc, nc);
	put_hex32((uint32_t)(cnonce >> 32), cnonce_text);
	put_hex32((uint32_t)cnonce, cnonce_text + 8);
	sip_hash_response(c->sha256, c->ha1, &terms, response);
	hex_size = sip_hash_hex(c->sha256, response, hex);
	sip_put_header_begin(w, c->proxy ? SIP_PROXY_AUTHORIZATION : SIP_AUTHORIZATION);
	put_str(w, STR("Digest username="));
	sip_put_quoted(w, identity);
	put_raw(w, STR(", realm"), kept(c->realm, c->realm_size));
	put_raw(w, STR(", nonce"), terms.nonce);
	put_raw(w, STR(", uri"), uri);
	put_raw(w, STR(", response"), kept(hex, hex_size));
	put_str(w, STR(", algorithm="));
	put_str(w, c->sha256 ? STR("SHA-256") : STR("MD5"));
	if (c->qop) {
		put_raw(w, STR(", cnonce"), terms.cnonce);
		put_str(w, STR(", qop=auth, nc="));
		put_str(w, terms.nc);
	}
	if (c->opaque_there)
		put_raw(w, STR(", opaque"), kept(c->opaque, c->opaque_size));
	sip_put_header_end(w);
}
