#include <openssl/crypto.h>

#include "transactions.h"

#include "sip/digest.h"
#include "sip/hash.h"
#include "sip/print.h"

#define SETS 512u

struct gate {
	struct sip_digest        d;
	struct metrics           metrics;
	void                    *memory;
	struct now               now;
	struct proto_credentials alice;
};

static const struct str realm = {"example.org", 11};

static void gate_open(struct gate *g, uint8_t worker, uint64_t seed)
{
	memset(g, 0, sizeof(*g));
	g->memory = aligned_alloc(64, SETS);
	assert_non_null(g->memory);
	memset(g->memory, 0, SETS);
	g->now.us = 5 * US_PER_SECOND;
	sip_digest_init(&g->d, &g->metrics, worker, seed, g->memory, SETS);
	sip_hash_ha1(false, STR("alice"), realm, STR("secret"), g->alice.ha1_md5);
	sip_hash_ha1(true, STR("alice"), realm, STR("secret"), g->alice.ha1_sha256);
}

static uint64_t count_of(const struct metrics *m, unsigned id)
{
	return m->value[id];
}

static void gate_close(struct gate *g)
{
	free(g->memory);
}

static void gate_nonce(struct gate *g, struct str of, char nonce[SIP_NONCE_SIZE + 1])
{
	char        room[1024];
	struct put  w = put_to(room, sizeof(room));
	const char *at;

	sip_digest_challenge(&g->d, g->now, SIP_WWW_AUTHENTICATE, of, SIP_OFFER_ALL, false, &w);
	assert_false(w.failed);
	at = memmem(room, put_size(&w), "nonce=\"", 7);
	assert_non_null(at);
	memcpy(nonce, at + 7, SIP_NONCE_SIZE);
	nonce[SIP_NONCE_SIZE] = '\0';
	assert_int_equal(at[7 + SIP_NONCE_SIZE], '"');
}

/* Credentials for a REGISTER, as alice would make them, and what is otherwise in the line. */
struct line {
	const char *user, *realm, *nonce, *uri, *nc, *qop, *cnonce, *algorithm, *password, *more;
};

static const struct line usual = {"alice", "example.org", "", "sip:example.org", "00000001",
				  "auth",  "0a4f113b",    "", "secret",          ""};

static void write_line(const struct line *l, char *text, size_t size)
{
	uint8_t  ha1[SIP_HASH_MAX], response[SIP_HASH_MAX];
	char     hex[2 * SIP_HASH_MAX];
	bool     sha256 = strcmp(l->algorithm, "SHA-256") == 0;
	unsigned n;

	sip_hash_ha1(sha256, str_of(l->user), str_of(l->realm), str_of(l->password), ha1);
	sip_hash_response(sha256, ha1,
			  &(struct sip_hash_terms){.nonce = str_of(l->nonce),
						   .nc = str_of(l->nc),
						   .cnonce = str_of(l->cnonce),
						   .method = STR("REGISTER"),
						   .uri = str_of(l->uri),
						   .qop = l->qop[0] != '\0'},
			  response);
	n = sip_hash_hex(sha256, response, hex);
	snprintf(text, size,
		 "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
		 "response=\"%.*s\"%s%s%s%s%s%s%s%s%s\r\n",
		 l->user, l->realm, l->nonce, l->uri, (int)n, hex,
		 l->qop[0] != '\0' ? ", qop=" : "", l->qop, l->nc[0] != '\0' ? ", nc=" : "", l->nc,
		 l->cnonce[0] != '\0' ? ", cnonce=" : "", l->cnonce,
		 l->algorithm[0] != '\0' ? ", algorithm=" : "", l->algorithm, l->more);
}

static enum sip_proof judge_text(struct gate *g, const char *lines,
				 const struct proto_credentials *credentials)
{
	struct taken     k;
	struct sip_claim claim;
	enum sip_proof   proof;
	char             text[4096];

	snprintf(text, sizeof(text),
		 "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		 "From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n"
		 "Call-ID: c\r\nCSeq: 1 REGISTER\r\n%s\r\n",
		 lines);
	take_text(&k, text);
	proof = sip_digest_claim(&g->d, &k.message, SIP_AUTHORIZATION, realm, &claim);
	if (proof == SIP_PROOF_PROVEN)
		proof = sip_digest_check(&g->d, g->now, &claim, STR("REGISTER"), k.message.uri,
					 credentials);
	drop(&k);
	return proof;
}

static enum sip_proof judge(struct gate *g, const struct line *l)
{
	char text[2048];

	write_line(l, text, sizeof(text));
	return judge_text(g, text, &g->alice);
}

/* RFC 7616, 3.9.1; RFC 2617, 3.5; RFC 2069, 2.4 with its erratum; and for SIP, where RFC 3261 took
 * over RFC 2617's response, draft-smith-sipping-auth-examples-01, 3.1 and 3.2. */
static void the_published_examples_come_out(void **state)
{
	static const struct {
		bool        sha256, qop;
		const char *user, *realm, *password, *nonce, *cnonce, *method, *uri, *response;
	} cases[] = {
		{false, true, "Mufasa", "http-auth@example.org", "Circle of Life",
		 "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		 "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "GET", "/dir/index.html",
		 "8ca523f5e9506fed4657c9700eebdbec"},
		{true, true, "Mufasa", "http-auth@example.org", "Circle of Life",
		 "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		 "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "GET", "/dir/index.html",
		 "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		{false, true, "Mufasa", "testrealm@host.com", "Circle Of Life",
		 "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "GET", "/dir/index.html",
		 "6629fae49393a05397450978507c4ef1"},
		{false, false, "Mufasa", "testrealm@host.com", "CircleOfLife",
		 "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", "GET", "/dir/index.html",
		 "1949323746fe6a43ef61f9606e7febea"},
		{false, false, "bob", "biloxi.com", "zanzibar",
		 "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", "INVITE", "sip:bob@biloxi.com",
		 "bf57e4e0d0bffc0fbaedce64d59add5e"},
		{false, true, "bob", "biloxi.com", "zanzibar", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		 "0a4f113b", "INVITE", "sip:bob@biloxi.com", "89eb0059246c02b2f6ee02c7961d5ea3"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t ha1[SIP_HASH_MAX], response[SIP_HASH_MAX];
		char    hex[2 * SIP_HASH_MAX];

		sip_hash_ha1(cases[i].sha256, str_of(cases[i].user), str_of(cases[i].realm),
			     str_of(cases[i].password), ha1);
		sip_hash_response(cases[i].sha256, ha1,
				  &(struct sip_hash_terms){.nonce = str_of(cases[i].nonce),
							   .nc = STR("00000001"),
							   .cnonce = str_of(cases[i].cnonce),
							   .method = str_of(cases[i].method),
							   .uri = str_of(cases[i].uri),
							   .qop = cases[i].qop},
				  response);
		assert_int_equal(sip_hash_hex(cases[i].sha256, response, hex),
				 strlen(cases[i].response));
		assert_memory_equal(hex, cases[i].response, strlen(cases[i].response));
	}
}

static void a_challenge_offers_sha_256_first_and_each_nonce_once(void **state)
{
	struct gate g;
	char        room[1024], nonce[SIP_NONCE_SIZE + 1], other[SIP_NONCE_SIZE + 1], want[512];
	struct put  w = put_to(room, sizeof(room));
	struct str  text;

	gate_open(&g, 1, 9);
	sip_digest_challenge(&g.d, g.now, SIP_PROXY_AUTHENTICATE, STR("a \"b\""), SIP_OFFER_ALL,
			     true, &w);
	text = (struct str){room, put_size(&w)};
	assert_true(str_starts(text,
			       STR("Proxy-Authenticate: Digest realm=\"a \\\"b\\\"\", nonce=\"")));
	snprintf(want, sizeof(want), "%s", "\", algorithm=SHA-256, qop=\"auth\", stale=true\r\n");
	assert_non_null(memmem(text.p, text.n, want, strlen(want)));
	snprintf(want, sizeof(want), "%s", "\", algorithm=MD5, qop=\"auth\", stale=true\r\n");
	assert_memory_equal(text.p + text.n - strlen(want), want, strlen(want));
	gate_nonce(&g, realm, nonce);
	gate_nonce(&g, realm, other);
	assert_string_not_equal(nonce, other);
	assert_int_equal(count_of(&g.metrics, METRIC_sip_challenges_out), 3);
	gate_close(&g);
}

static void right_credentials_are_taken_with_either_algorithm(void **state)
{
	static const char *const algorithms[] = {"", "MD5", "md5", "SHA-256", "\"MD5\""};

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		struct gate g;
		struct line l = usual;
		char        nonce[SIP_NONCE_SIZE + 1];

		gate_open(&g, 1, 9);
		gate_nonce(&g, realm, nonce);
		l.nonce = nonce;
		l.algorithm = algorithms[i];
		assert_int_equal(judge(&g, &l), SIP_PROOF_PROVEN);
		assert_int_equal(count_of(&g.metrics, METRIC_sip_proofs_right), 1);
		gate_close(&g);
	}
}

static void credentials_are_judged_by_what_is_wrong_with_them(void **state)
{
	static const struct {
		const char    *what;
		struct line    l; /* fields not NULL replace the usual ones */
		enum sip_proof want;
	} cases[] = {
		{"another password", {.password = "Secret"}, SIP_PROOF_WRONG},
		{"another user", {.user = "bob"}, SIP_PROOF_WRONG},
		{"another realm", {.realm = "example.com"}, SIP_PROOF_NONE},
		{"another realm, beginning alike", {.realm = "example.org2"}, SIP_PROOF_NONE},
		{"as in RFC 2069", {.qop = "", .nc = "", .cnonce = ""}, SIP_PROOF_NONE},
		{"a count but no qop", {.qop = ""}, SIP_PROOF_NONE},
		{"qop not offered", {.qop = "auth-int"}, SIP_PROOF_NONE},
		{"qop quoted", {.qop = "\"auth\""}, SIP_PROOF_PROVEN},
		{"algorithm not offered", {.algorithm = "SHA-512-256"}, SIP_PROOF_NONE},
		{"algorithm with session", {.algorithm = "MD5-sess"}, SIP_PROOF_NONE},
		{"response of the other algorithm",
		 {.more = ", algorithm=SHA-256"},
		 SIP_PROOF_MALFORMED},
		{"hashed name", {.more = ", userhash=true"}, SIP_PROOF_NONE},
		{"name not hashed", {.more = ", userhash=false"}, SIP_PROOF_PROVEN},
		{"count of 7 digits", {.nc = "0000001"}, SIP_PROOF_MALFORMED},
		{"count of 9 digits", {.nc = "000000001"}, SIP_PROOF_MALFORMED},
		{"count not hexadecimal", {.nc = "0000000g"}, SIP_PROOF_MALFORMED},
		{"count 0", {.nc = "00000000"}, SIP_PROOF_MALFORMED},
		{"no count", {.nc = ""}, SIP_PROOF_MALFORMED},
		{"no cnonce", {.cnonce = ""}, SIP_PROOF_MALFORMED},
		{"a parameter twice", {.more = ", nc=00000001"}, SIP_PROOF_MALFORMED},
		{"another Request-URI", {.uri = "sip:example.com"}, SIP_PROOF_MALFORMED},
		{"the same Request-URI in other letters",
		 {.uri = "SIP:EXAMPLE.org"},
		 SIP_PROOF_PROVEN},
		{"no URI", {.uri = "%%%"}, SIP_PROOF_MALFORMED},
		{"parameters nobody knows", {.more = ", x=y, opaque=\"\""}, SIP_PROOF_PROVEN},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct line *c = &cases[i].l;
		struct gate        g;
		char               nonce[SIP_NONCE_SIZE + 1];
		struct line        l = usual;

		gate_open(&g, 1, 9);
		gate_nonce(&g, realm, nonce);
		l.nonce = nonce;
#define TAKE(field)                                                                                \
	if (c->field != NULL)                                                                      \
	l.field = c->field
		TAKE(user);
		TAKE(realm);
		TAKE(uri);
		TAKE(nc);
		TAKE(qop);
		TAKE(cnonce);
		TAKE(algorithm);
		TAKE(password);
		TAKE(more);
#undef TAKE
		if (judge(&g, &l) != cases[i].want)
			fail_msg("%s", cases[i].what);
		gate_close(&g);
	}
}

static void without_credentials_or_with_another_scheme_there_is_none(void **state)
{
	struct gate g;

	gate_open(&g, 1, 9);
	assert_int_equal(judge_text(&g, "", &g.alice), SIP_PROOF_NONE);
	assert_int_equal(judge_text(&g, "Authorization: Basic YTpi\r\n", &g.alice), SIP_PROOF_NONE);
	assert_int_equal(
		judge_text(&g, "Proxy-Authorization: Digest realm=\"example.org\"\r\n", &g.alice),
		SIP_PROOF_NONE);
	assert_int_equal(judge_text(&g, "Authorization: Digest realm=\"example.org\r\n", &g.alice),
			 SIP_PROOF_MALFORMED);
	assert_int_equal(judge_text(&g, "Authorization: Digest realm=\"example.org\", qop=auth\r\n",
				    &g.alice),
			 SIP_PROOF_MALFORMED);
	gate_close(&g);
}

static void among_several_lines_that_of_our_realm_counts(void **state)
{
	struct gate g;
	struct line l = usual, other = usual;
	char        nonce[SIP_NONCE_SIZE + 1], text[4096];

	gate_open(&g, 1, 9);
	gate_nonce(&g, realm, nonce);
	l.nonce = other.nonce = nonce;
	other.realm = "elsewhere.example";
	write_line(&other, text, sizeof(text));
	write_line(&l, text + strlen(text), sizeof(text) - strlen(text));
	assert_int_equal(judge_text(&g, text, &g.alice), SIP_PROOF_PROVEN);
	gate_close(&g);
}

static void a_name_that_nobody_has_is_wrong_even_with_the_hash_of_nothing(void **state)
{
	static const uint8_t nothing[SIP_HASH_MAX];
	struct gate          g;
	char                 nonce[SIP_NONCE_SIZE + 1], text[1024], hex[2 * SIP_HASH_MAX];
	uint8_t              response[SIP_HASH_MAX];

	gate_open(&g, 1, 9);
	gate_nonce(&g, realm, nonce);
	sip_hash_response(false, nothing,
			  &(struct sip_hash_terms){.nonce = str_of(nonce),
						   .nc = STR("00000001"),
						   .cnonce = STR("x"),
						   .method = STR("REGISTER"),
						   .uri = STR("sip:example.org"),
						   .qop = true},
			  response);
	sip_hash_hex(false, response, hex);
	snprintf(text, sizeof(text),
		 "Authorization: Digest username=\"nobody\", realm=\"example.org\", nonce=\"%s\", "
		 "uri=\"sip:example.org\", response=\"%.32s\", qop=auth, nc=00000001, "
		 "cnonce=\"x\"\r\n",
		 nonce, hex);
	assert_int_equal(judge_text(&g, text, NULL), SIP_PROOF_WRONG);
	assert_int_equal(count_of(&g.metrics, METRIC_sip_proofs_wrong), 1);
	gate_close(&g);
}

static void a_nonce_is_stale_after_five_minutes(void **state)
{
	struct gate g;
	struct line l = usual;
	char        nonce[SIP_NONCE_SIZE + 1];

	gate_open(&g, 1, 9);
	gate_nonce(&g, realm, nonce);
	l.nonce = nonce;
	g.now.us += SIP_NONCE_US;
	assert_int_equal(judge(&g, &l), SIP_PROOF_PROVEN);
	g.now.us += US_PER_MS;
	l.nc = "00000002";
	assert_int_equal(judge(&g, &l), SIP_PROOF_STALE);
	l.password = "wrong"; /* stale is said to none but those who know the password */
	assert_int_equal(judge(&g, &l), SIP_PROOF_WRONG);
	assert_int_equal(count_of(&g.metrics, METRIC_sip_proofs_stale), 1);
	gate_close(&g);
}

static void a_nonce_that_is_not_ours_is_stale(void **state)
{
	struct gate g, other;
	struct line l = usual;
	char        nonce[SIP_NONCE_SIZE + 1], altered[SIP_NONCE_SIZE + 1];

	gate_open(&g, 1, 9);
	gate_open(&other, 1, 10);
	gate_nonce(&g, realm, nonce);
	for (size_t i = 0; i < SIP_NONCE_SIZE; i++) {
		memcpy(altered, nonce, sizeof(nonce));
		altered[i] = altered[i] == 'a' ? 'b' : 'a';
		l.nonce = altered;
		assert_int_equal(judge(&g, &l), SIP_PROOF_STALE);
	}
	l.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
	assert_int_equal(judge(&g, &l), SIP_PROOF_STALE);
	l.nonce = "";
	assert_int_equal(judge(&g, &l), SIP_PROOF_STALE);
	l.nonce = nonce;
	assert_int_equal(judge(&other, &l), SIP_PROOF_STALE); /* of another run */
	assert_int_equal(judge(&g, &l), SIP_PROOF_PROVEN);
	gate_nonce(&g, STR("example.com"), nonce); /* of another realm */
	assert_int_equal(judge(&g, &l), SIP_PROOF_STALE);
	gate_close(&g);
	gate_close(&other);
}

static void another_worker_knows_the_nonce(void **state)
{
	struct gate one, two;
	struct line l = usual;
	char        nonce[SIP_NONCE_SIZE + 1];

	gate_open(&one, 1, 9);
	gate_open(&two, 2, 9);
	gate_nonce(&one, realm, nonce);
	l.nonce = nonce;
	two.now.us -= 200 * US_PER_MS; /* its turn began before the nonce was made */
	assert_int_equal(judge(&two, &l), SIP_PROOF_PROVEN);
	assert_int_equal(judge(&two, &l), SIP_PROOF_STALE);
	two.now.us += 400 * US_PER_MS;
	assert_int_equal(judge(&two, &l), SIP_PROOF_STALE);
	gate_close(&one);
	gate_close(&two);
}

static void a_count_is_taken_once(void **state)
{
	static const struct {
		const char    *nc;
		enum sip_proof want;
	} steps[] = {{"00000001", SIP_PROOF_PROVEN}, {"00000001", SIP_PROOF_STALE},
		     {"00000003", SIP_PROOF_PROVEN}, {"00000002", SIP_PROOF_PROVEN},
		     {"00000003", SIP_PROOF_STALE},  {"0000000A", SIP_PROOF_PROVEN},
		     {"0000000a", SIP_PROOF_STALE}};
	struct gate g;
	struct line l = usual;
	char        nonce[SIP_NONCE_SIZE + 1];

	gate_open(&g, 1, 9);
	gate_nonce(&g, realm, nonce);
	l.nonce = nonce;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		l.nc = steps[i].nc;
		assert_int_equal(judge(&g, &l), steps[i].want);
	}
	l.nc = "00000020"; /* a wrong response uses no count up */
	l.password = "wrong";
	assert_int_equal(judge(&g, &l), SIP_PROOF_WRONG);
	l.password = "secret";
	assert_int_equal(judge(&g, &l), SIP_PROOF_PROVEN);
	assert_int_equal(count_of(&g.metrics, METRIC_sip_proofs_replayed), 3);
	gate_close(&g);
}

static unsigned allocations;

static void *counted_malloc(size_t n, const char *file, int line)
{
	allocations++;
	return malloc(n);
}

static void *counted_realloc(void *p, size_t n, const char *file, int line)
{
	allocations++;
	return realloc(p, n);
}

static void counted_free(void *p, const char *file, int line)
{
	free(p);
}

static void no_challenge_and_no_check_allocates(void **state)
{
	struct gate g;
	struct line l = usual;
	char        nonce[SIP_NONCE_SIZE + 1], text[2048];

	gate_open(&g, 1, 9);
	allocations = 0;
	gate_nonce(&g, realm, nonce);
	l.nonce = nonce;
	l.algorithm = "SHA-256";
	write_line(&l, text, sizeof(text));
	assert_int_equal(judge_text(&g, text, &g.alice), SIP_PROOF_PROVEN);
	assert_int_equal(allocations, 0);
	gate_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_examples_come_out),
		cmocka_unit_test(a_challenge_offers_sha_256_first_and_each_nonce_once),
		cmocka_unit_test(right_credentials_are_taken_with_either_algorithm),
		cmocka_unit_test(credentials_are_judged_by_what_is_wrong_with_them),
		cmocka_unit_test(without_credentials_or_with_another_scheme_there_is_none),
		cmocka_unit_test(among_several_lines_that_of_our_realm_counts),
		cmocka_unit_test(a_name_that_nobody_has_is_wrong_even_with_the_hash_of_nothing),
		cmocka_unit_test(a_nonce_is_stale_after_five_minutes),
		cmocka_unit_test(a_nonce_that_is_not_ours_is_stale),
		cmocka_unit_test(another_worker_knows_the_nonce),
		cmocka_unit_test(a_count_is_taken_once),
		cmocka_unit_test(no_challenge_and_no_check_allocates),
	};

	if (CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
