#include "test.h"

#include "base/base64.h"
#include "stir/json.h"
#include "stir/passport.h"

#define HEAD                                                                                       \
	"{\"alg\":\"ES256\",\"ppt\":\"msg\",\"typ\":\"passport\",\"x5u\":\"https://a.example/b\"}"
#define CLAIMS                                                                                     \
	"{\"dest\":{\"tn\":[\"46702\"]},\"iat\":1700000000,\"msgi\":\"sha256-x\",\"orig\":{"       \
	"\"tn\":\"46701\"}}"

static const uint8_t no_signature[STIR_SIGNATURE_SIZE] = {1, 2, 3};

static struct stir_claims claims_of_msg(void)
{
	return (struct stir_claims){.ppt = STIR_PPT_MSG,
				    .x5u = STR("https://a.example/b"),
				    .orig = {false, STR("+46701")},
				    .dest_count = 1,
				    .dest = {{false, STR("+46702")}},
				    .iat = 1700000000,
				    .msgi = STR("sha256-x")};
}

/* What is written of the claims, as JSON: header, a line's end, claims. */
static struct str written(const struct stir_claims *c, char room[4096])
{
	char        token[STIR_TOKEN_MAX];
	struct put  w = put_to(token, sizeof(token)), json = put_to(room, 4096);
	const char *dot;

	stir_claims_put(&w, c);
	if (w.failed)
		return STR("failed");
	dot = memchr(token, '.', put_size(&w));
	assert_non_null(dot);
	assert_true(base64url_parse((struct str){token, (size_t)(dot - token)}, &json));
	put_u8(&json, '\n');
	assert_true(base64url_parse((struct str){dot + 1, put_size(&w) - (size_t)(dot - token) - 1},
				    &json));
	return (struct str){room, put_size(&json)};
}

static struct str token_of(struct str head, struct str claims, char room[2 * STIR_TOKEN_MAX])
{
	struct put w = put_to(room, 2 * STIR_TOKEN_MAX);

	base64url_put(&w, head.p, head.n);
	put_u8(&w, '.');
	base64url_put(&w, claims.p, claims.n);
	put_u8(&w, '.');
	base64url_put(&w, no_signature, sizeof(no_signature));
	assert_false(w.failed);
	return (struct str){room, put_size(&w)};
}

/* Read from a copy that ends where the token does. */
static enum reason read_exact(struct str token, struct stir_passport *p, uint8_t **copy)
{
	*copy = test_copy(token.p, token.n);
	return stir_passport_read((struct str){(const char *)*copy, token.n}, p);
}

static enum reason read_json(const char *head, const char *claims)
{
	char                 room[2 * STIR_TOKEN_MAX];
	struct stir_passport p;
	uint8_t             *copy;
	enum reason why = read_exact(token_of(str_of(head), str_of(claims), room), &p, &copy);

	free(copy);
	return why;
}

static void assert_text(struct str is, const char *expected)
{
	assert_int_equal(is.n, strlen(expected));
	assert_memory_equal(is.p, expected, is.n);
}

static void the_example_of_the_standard_is_written_as_there(void **state)
{
	const struct stir_claims c = {.x5u = STR("https://cert.example.org/passport.cer"),
				      .orig = {false, STR("12155551212")},
				      .dest_count = 1,
				      .dest = {{true, STR("sip:alice@example.com")}},
				      .iat = 1471375418};
	char                     room[STIR_TOKEN_MAX];
	struct put               w = put_to(room, sizeof(room));

	stir_claims_put(&w, &c);
	assert_false(w.failed);
	assert_text((struct str){room, put_size(&w)},
		    "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1"
		    "wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9."
		    "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NT"
		    "QxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19");
}

static void members_are_written_in_the_order_of_their_names(void **state)
{
	struct stir_claims c = claims_of_msg();
	char               room[4096];

	assert_text(written(&c, room), HEAD "\n" CLAIMS);
	c.ppt = STIR_PPT_SHAKEN;
	c.attest = STR("A");
	c.origid = STR("123e4567-e89b-12d3-a456-426655440000");
	assert_text(written(&c, room),
		    "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":"
		    "\"https://a.example/b\"}\n{\"attest\":\"A\",\"dest\":{\"tn\":[\"46702\"]},"
		    "\"iat\":1700000000,\"orig\":{\"tn\":\"46701\"},\"origid\":"
		    "\"123e4567-e89b-12d3-a456-426655440000\"}");
}

static void numbers_and_uris_are_lists_of_their_own(void **state)
{
	struct stir_claims c = claims_of_msg();
	char               room[4096];

	c.dest_count = 4;
	c.dest[0] = (struct stir_party){true, STR("sip:a@b")};
	c.dest[1] = (struct stir_party){false, STR("+1 (215) 555-1212")};
	c.dest[2] = (struct stir_party){true, STR("sip:\"c\\@d")};
	c.dest[3] = (struct stir_party){false, STR("71234")};
	c.orig = (struct stir_party){true, STR("sip:e@f")};
	assert_text(written(&c, room),
		    HEAD "\n{\"dest\":{\"tn\":[\"12155551212\",\"71234\"],\"uri\":[\"sip:a@b\","
			 "\"sip:\\\"c\\\\@d\"]},\"iat\":1700000000,\"msgi\":\"sha256-x\",\"orig\":"
			 "{\"uri\":\"sip:e@f\"}}");
}

static void what_cannot_be_said_is_not_written(void **state)
{
	struct stir_claims c = claims_of_msg();
	char               room[4096];

	c.dest_count = 0;
	assert_text(written(&c, room), "failed");
	c = claims_of_msg();
	c.orig.text = STR("ACME");
	assert_text(written(&c, room), "failed");
	c = claims_of_msg();
	c.orig = (struct stir_party){true, STR("sip:a\nb@c")};
	assert_text(written(&c, room), "failed");
	c = claims_of_msg();
	c.msgi = STR("");
	assert_text(written(&c, room), "failed");
}

static void what_is_written_is_read(void **state)
{
	struct stir_claims   c = claims_of_msg();
	char                 room[2 * STIR_TOKEN_MAX], json[4096];
	struct str           both, token;
	struct stir_passport p;
	uint8_t             *copy;
	const char          *line;

	c.dest[c.dest_count++] = (struct stir_party){true, STR("sip:\"c\\@d")};
	both = written(&c, json);
	line = memchr(both.p, '\n', both.n);
	token = token_of((struct str){both.p, (size_t)(line - both.p)},
			 str_skip(both, (size_t)(line + 1 - both.p)), room);
	assert_int_equal(read_exact(token, &p, &copy), REASON_NONE);
	assert_int_equal(p.claims.ppt, STIR_PPT_MSG);
	assert_text(p.claims.x5u, "https://a.example/b");
	assert_false(p.claims.orig.uri);
	assert_text(p.claims.orig.text, "46701");
	assert_int_equal(p.claims.dest_count, 2);
	assert_text(p.claims.dest[0].text, "46702");
	assert_true(p.claims.dest[1].uri);
	assert_text(p.claims.dest[1].text, "sip:\"c\\@d");
	assert_int_equal(p.claims.iat, 1700000000);
	assert_text(p.claims.msgi, "sha256-x");
	assert_memory_equal(p.signature, no_signature, sizeof(no_signature));
	assert_int_equal(p.signing.n, token.n - 87);
	free(copy);
}

static void json_of_any_form_is_read(void **state)
{
	char                 room[2 * STIR_TOKEN_MAX];
	struct stir_passport p;
	uint8_t             *copy;
	enum reason          why = read_exact(
			 token_of(STR(" {\n\t\"x5u\" : \"https:\\/\\/a.example\\/\\u0062\", \"typ\":"
					       "\"passport\",\r\"alg\":\"ES256\", \"kid\":[1,{\"a\":null}]} "),
				  STR("{\"rph\":{\"auth\":[\"ets.0\",true,false,-1.5e+3,[]]},\"iat\":0,"
					       "\"orig\":{"
					       "\"uri\":\"sip:\\ud83d\\ude00\\t@b\"},\"dest\":{\"uri\":[\"sip:c\"],"
					       "\"tn\":[\"1\",\"2\"]}}"),
				  room),
			 &p, &copy);

	assert_int_equal(why, REASON_NONE);
	assert_int_equal(p.claims.ppt, STIR_PPT_BASE);
	assert_text(p.claims.x5u, "https://a.example/b");
	assert_text(p.claims.orig.text, "sip:\xf0\x9f\x98\x80\t@b");
	assert_int_equal(p.claims.dest_count, 3);
	assert_true(p.claims.dest[0].uri && !p.claims.dest[2].uri);
	free(copy);
}

static void what_is_no_passport_is_refused(void **state)
{
	static const struct {
		const char *head, *claims;
		enum reason why;
	} table[] = {
		{HEAD, CLAIMS, REASON_NONE},
		{"", CLAIMS, REASON_IDENTITY_INVALID},
		{HEAD "x", CLAIMS, REASON_IDENTITY_INVALID},
		{"[]", CLAIMS, REASON_IDENTITY_INVALID},
		{"{\"alg\":\"ES256\",\"typ\":\"passport\"}", CLAIMS, REASON_IDENTITY_INVALID},
		{"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"x5u\":\"a\"}", CLAIMS,
		 REASON_IDENTITY_INVALID},
		{"{\"alg\":\"none\",\"typ\":\"passport\",\"x5u\":\"a\"}", CLAIMS,
		 REASON_IDENTITY_CREDENTIAL},
		{"{\"typ\":\"passport\",\"x5u\":\"a\"}", CLAIMS, REASON_IDENTITY_CREDENTIAL},
		{"{\"alg\":\"ES256\",\"crit\":[\"b\"],\"typ\":\"passport\",\"x5u\":\"a\"}", CLAIMS,
		 REASON_IDENTITY_CREDENTIAL},
		{"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"a\"}", CLAIMS,
		 REASON_IDENTITY_INVALID},
		{"{\"alg\":1,\"typ\":\"passport\",\"x5u\":\"a\"}", CLAIMS, REASON_IDENTITY_INVALID},
		{"{\"alg\":\"ES256\",\"ppt\":\"\",\"typ\":\"passport\",\"x5u\":\"a\"}", CLAIMS,
		 REASON_IDENTITY_INVALID},
		{HEAD, "{}", REASON_IDENTITY_INVALID},
		{HEAD, "{\"dest\":{\"tn\":[\"2\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID}, /* msgi */
		{HEAD, "{\"dest\":{\"tn\":[\"2\"]},\"iat\":1,\"msgi\":\"s\"}",
		 REASON_IDENTITY_INVALID},
		{HEAD, "{\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD, "{\"dest\":{\"tn\":[\"2\"]},\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD, "{\"dest\":{\"tn\":[]},\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD, "{\"dest\":{},\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD, "{\"dest\":{\"tn\":\"2\"},\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"],\"tn\":[\"3\"]},\"iat\":1,\"msgi\":\"s\",\"orig\":{"
		 "\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"]},\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\","
		 "\"uri\":\"sip:a\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"]},\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":[\"1\"]}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"]},\"iat\":1,\"iat\":2,\"msgi\":\"s\",\"orig\":{\"tn\":"
		 "\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"]},\"iat\":\"1\",\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"]},\"iat\":-1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"]},\"iat\":1.5,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{HEAD,
		 "{\"dest\":{\"tn\":[\"2\"]},\"iat\":1000000000000000,\"msgi\":\"s\",\"orig\":{"
		 "\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{"{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"a\"}",
		 "{\"attest\":\"D\",\"dest\":{\"tn\":[\"2\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"},"
		 "\"origid\":\"x\"}",
		 REASON_IDENTITY_INVALID},
		{"{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"a\"}",
		 "{\"attest\":\"C\",\"dest\":{\"tn\":[\"2\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}",
		 REASON_IDENTITY_INVALID},
		{"{\"alg\":\"ES256\",\"ppt\":\"div\",\"typ\":\"passport\",\"x5u\":\"a\"}",
		 "{\"dest\":{\"tn\":[\"2\"]},\"div\":{\"tn\":\"3\"},\"iat\":1,\"orig\":{\"tn\":"
		 "\"1\"}}",
		 REASON_NONE},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (read_json(table[i].head, table[i].claims) != table[i].why)
			fail_msg("%s %s", table[i].head, table[i].claims);
	}
}

static void a_passport_cut_at_any_byte_is_refused(void **state)
{
	char                 room[2 * STIR_TOKEN_MAX];
	struct str           token = token_of(STR(HEAD), STR(CLAIMS), room);
	struct stir_passport p;
	uint8_t             *copy;

	for (size_t cut = 0; cut < token.n; cut++) {
		assert_int_not_equal(read_exact((struct str){token.p, cut}, &p, &copy),
				     REASON_NONE);
		free(copy);
	}
	assert_int_equal(read_exact(token, &p, &copy), REASON_NONE);
	free(copy);
}

/* So many recipients, or so deep. */
static enum reason read_big(unsigned dests, unsigned depth, size_t pad)
{
	char       json[8192];
	struct put w = put_to(json, sizeof(json));

	put_str(&w, STR("{\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"},\"dest\":{\"tn\":["));
	for (unsigned i = 0; i < dests; i++)
		put_str(&w, i > 0 ? STR(",\"2\"") : STR("\"2\""));
	put_str(&w, STR("]},\"x\":"));
	for (unsigned i = 0; i < depth; i++)
		put_u8(&w, '[');
	put_str(&w, STR("0"));
	for (unsigned i = 0; i < depth; i++)
		put_u8(&w, ']');
	for (size_t i = 0; i < pad; i++)
		put_u8(&w, ' ');
	put_cstr(&w, STR("}"));
	assert_false(w.failed);
	return read_json(HEAD, json);
}

static void every_limit_holds(void **state)
{
	size_t least = strlen("{\"iat\":1,\"msgi\":\"s\",\"orig\":{\"tn\":\"1\"},\"dest\":{\"tn\":["
			      "\"2\"]},\"x\":0}");

	assert_int_equal(read_big(STIR_DEST_MAX, 0, 0), REASON_NONE);
	assert_int_equal(read_big(STIR_DEST_MAX + 1, 0, 0), REASON_IDENTITY_INVALID);
	assert_int_equal(read_big(1, STIR_JSON_DEPTH_MAX - 1, 0), REASON_NONE);
	assert_int_equal(read_big(1, STIR_JSON_DEPTH_MAX, 0), REASON_IDENTITY_INVALID);
	assert_int_equal(read_big(1, 0, STIR_CLAIMS_MAX - least), REASON_NONE);
	assert_int_equal(read_big(1, 0, STIR_CLAIMS_MAX - least + 1), REASON_IDENTITY_INVALID);
	assert_int_equal(read_big(1, 0, 4000), REASON_IDENTITY_INVALID);
}

static void the_compact_form_is_put_together_from_the_request(void **state)
{
	struct stir_claims   c = claims_of_msg();
	char                 room[2 * STIR_TOKEN_MAX], compact[128];
	struct str           full = token_of(STR(HEAD), STR(CLAIMS), room);
	struct put           w = put_to(compact, sizeof(compact));
	struct stir_passport p;

	put_str(&w, STR(".."));
	base64url_put(&w, no_signature, sizeof(no_signature));
	assert_true(stir_passport_is_compact((struct str){compact, put_size(&w)}));
	assert_false(stir_passport_is_compact(full));
	assert_int_equal(stir_passport_complete((struct str){compact, put_size(&w)}, &c, &p),
			 REASON_NONE);
	assert_int_equal(p.signing.n, full.n - 87);
	assert_memory_equal(p.signing.p, full.p, p.signing.n);
	assert_int_equal(stir_passport_complete((struct str){compact, put_size(&w) - 1}, &c, &p),
			 REASON_IDENTITY_INVALID);
	c.orig.text = STR("ACME");
	assert_int_equal(stir_passport_complete((struct str){compact, put_size(&w)}, &c, &p),
			 REASON_IDENTITY_INVALID);
}

static void numbers_are_compared_by_their_digits(void **state)
{
	static const struct {
		const char *number, *canonical;
	} table[] = {{"+1 (215) 555-1212", "12155551212"},
		     {"12155551212", "12155551212"},
		     {"*67#", "*67#"},
		     {"", ""},
		     {"+", ""},
		     {"ACME", ""},
		     {"1+2", ""},
		     {"12345678901234567890123456789012", "12345678901234567890123456789012"},
		     {"123456789012345678901234567890123", ""}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char room[STIR_TN_MAX];

		assert_text(stir_tn(str_of(table[i].number), room), table[i].canonical);
	}
	assert_true(stir_tn_same(STR("+1-215-555-1212"), STR("12155551212")));
	assert_false(stir_tn_same(STR("+12155551212"), STR("2155551212")));
	assert_false(stir_tn_same(STR("ACME"), STR("ACME")));
}

/* The digests are those of `printf "alert('Hello, world.');" | openssl dgst -binary | base64`. */
static void a_body_is_held_to_by_its_digest(void **state)
{
	static const char *const good[] = {
		"sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=",
		"sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO",
		("sha512-Q2bFTOhEALkN8hOms2FKTDLy7eugP2zFZ1T8LCvX42Fp3WoNr3bjZSAHeOsHrbV1Fu9/"
		 "A0EzCinRE7Af1ofPrw==")};
	static const char *const bad[] = {"",
					  "sha256-",
					  "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng",
					  "sha256-rznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=",
					  "SHA256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=",
					  "sha1-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=",
					  "sha512-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="};
	struct str               body = STR("alert('Hello, world.');");
	char                     room[STIR_MSGI_MAX];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(stir_msgi_holds(str_of(good[i]), body));
		assert_false(stir_msgi_holds(str_of(good[i]), str_skip(body, 1)));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(stir_msgi_holds(str_of(bad[i]), body));
	assert_text(stir_msgi(body, room), good[0]);
	assert_true(stir_msgi_holds(stir_msgi(STR(""), room), STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_standard_is_written_as_there),
		cmocka_unit_test(members_are_written_in_the_order_of_their_names),
		cmocka_unit_test(numbers_and_uris_are_lists_of_their_own),
		cmocka_unit_test(what_cannot_be_said_is_not_written),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(json_of_any_form_is_read),
		cmocka_unit_test(what_is_no_passport_is_refused),
		cmocka_unit_test(a_passport_cut_at_any_byte_is_refused),
		cmocka_unit_test(every_limit_holds),
		cmocka_unit_test(the_compact_form_is_put_together_from_the_request),
		cmocka_unit_test(numbers_are_compared_by_their_digits),
		cmocka_unit_test(a_body_is_held_to_by_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
