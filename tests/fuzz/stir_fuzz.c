/*
 * Fuzz target: PASSporTs and the lists of numbers of certificates. What is read as a PASSporT is
 * within its limits, and written again, where it can be, and read, it says the same. The input: one
 * byte that says which, then a token, or header and claims as JSON with a NUL between, or DER.
 */
#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "stir/json.h"
#include "stir/passport.h"
#include "stir/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stir_passport passport, again;

static void same(const struct stir_claims *a, const struct stir_claims *b)
{
	unsigned numbers = 0;

	ASSERT(a->ppt == b->ppt && a->iat == b->iat && a->dest_count == b->dest_count);
	ASSERT(str_eq(a->x5u, b->x5u) && a->orig.uri == b->orig.uri);
	ASSERT(a->orig.uri ? str_eq(a->orig.text, b->orig.text)
			   : stir_tn_same(a->orig.text, b->orig.text));
	for (unsigned i = 0; i < a->dest_count; i++)
		numbers += !a->dest[i].uri;
	for (unsigned i = 0; i < b->dest_count; i++)
		ASSERT(b->dest[i].uri == (i >= numbers)); /* numbers are written first */
}

/* Another signature than it had: that is not looked into. */
static void write_again(const struct stir_claims *c)
{
	static char   room[2 * STIR_TOKEN_MAX];
	const uint8_t signature[STIR_SIGNATURE_SIZE] = {0};
	struct put    w = put_to(room, sizeof(room));

	stir_claims_put(&w, c);
	put_u8(&w, '.');
	base64url_put(&w, signature, sizeof(signature));
	if (w.failed || put_size(&w) > STIR_TOKEN_MAX)
		return;
	ASSERT(stir_passport_read((struct str){room, put_size(&w)}, &again) == REASON_NONE);
	same(c, &again.claims);
}

static void token(struct str text)
{
	const struct stir_claims *c = &passport.claims;

	if (stir_passport_read(text, &passport) != REASON_NONE)
		return;
	ASSERT(text.n <= STIR_TOKEN_MAX && c->dest_count > 0 && c->dest_count <= STIR_DEST_MAX);
	ASSERT(c->x5u.n > 0 && c->orig.text.n > 0);
	ASSERT(c->ppt != STIR_PPT_SHAKEN || (c->attest.n == 1 && c->origid.n > 0));
	stir_msgi_holds(c->msgi, text);
	if (c->ppt != STIR_PPT_OTHER)
		write_again(c);
}

static void parts(struct str both)
{
	static char room[2 * STIR_TOKEN_MAX];
	const char *middle = both.n > 0 ? memchr(both.p, 0, both.n) : NULL;
	size_t      head = middle != NULL ? (size_t)(middle - both.p) : both.n;
	struct put  w = put_to(room, sizeof(room));

	base64url_put(&w, both.p, head);
	put_u8(&w, '.');
	both = str_skip(both, head + 1);
	base64url_put(&w, both.p, both.n);
	put_u8(&w, '.');
	base64url_put(&w, passport.signature, sizeof(passport.signature));
	if (!w.failed)
		token((struct str){room, put_size(&w)});
}

static void json(struct cur in)
{
	static char      room[4 * STIR_TOKEN_MAX];
	struct put       w = put_to(room, cur_left(&in));
	struct stir_json j;

	stir_json_open(&j, in, &w);
	stir_json_skip(&j);
	stir_json_end(&j);
	ASSERT(!w.failed && j.depth <= STIR_JSON_DEPTH_MAX);
}

static void scope(struct cur der)
{
	static struct stir_scope s;

	if (!stir_scope_read(der, &s))
		return;
	ASSERT(s.count <= STIR_SCOPE_MAX && s.count + s.providers > 0);
	for (unsigned i = 0; i < s.count; i++)
		ASSERT(s.ranges[i].count > 0 && s.ranges[i].size <= STIR_SCOPE_NUMBER_MAX);
	stir_scope_has(&s, STR("+46701234567"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest;

	if (size == 0 || size > 3 * STIR_TOKEN_MAX)
		return 0;
	rest = (struct str){(const char *)data + 1, size - 1};
	switch (data[0] % 4) {
	case 0:
		token(rest);
		break;
	case 1:
		parts(rest);
		break;
	case 2:
		json(cur_of(rest.p, rest.n));
		break;
	case 3:
		scope(cur_of(rest.p, rest.n));
		break;
	}
	return 0;
}
