#include "transactions.h"

#include "sip/digest.h"
#include "sip/hash.h"

#define RESPONSE(status, lines)                                                                    \
	"SIP/2.0 " status " Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"                \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n" lines  \
	"Content-Length: 0\r\n\r\n"

static bool challenged(struct sip_challenge *c, const char *text)
{
	struct taken k;
	bool         taken;

	take_text(&k, text);
	taken = sip_challenge_take(c, &k.message, STR("bob"), STR("zanzibar"));
	drop(&k);
	return taken;
}

static struct str answered(struct sip_challenge *c)
{
	static char room[2048];
	struct put  w = put_to(room, sizeof(room));

	sip_challenge_answer(c, STR("bob"), STR("INVITE"), STR("sip:bob@biloxi.com"),
			     0x0123456789abcdef, &w);
	assert_false(w.failed);
	return (struct str){room, put_size(&w)};
}

static void assert_has(struct str text, const char *part)
{
	if (memmem(text.p, text.n, part, strlen(part)) == NULL)
		fail_msg("%s is not in %.*s", part, (int)text.n, text.p);
}

/* The response is that of draft-smith-sipping-auth-examples-01, 3.1. */
static void a_challenge_without_qop_is_answered_as_in_rfc_2069(void **state)
{
	struct sip_challenge c = {0};
	const char          *want =
		"Authorization: Digest username=\"bob\", realm=\"biloxi.com\", "
		"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"sip:bob@biloxi.com\", "
		"response=\"bf57e4e0d0bffc0fbaedce64d59add5e\", algorithm=MD5, "
		"opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"\r\n";

	assert_true(
		challenged(&c, RESPONSE("401", "WWW-Authenticate: Digest realm=\"biloxi.com\", "
					       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
					       "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"\r\n")));
	assert_true(str_eq(answered(&c), str_of(want)));
}

static void a_challenge_with_qop_is_answered_with_a_rising_count(void **state)
{
	struct sip_challenge c = {0};
	struct str           text;

	assert_true(challenged(
		&c, RESPONSE("407", "Proxy-Authenticate: Digest realm=\"biloxi.com\", "
				    "qop=\"auth-int, auth\", algorithm=SHA-256, nonce=\"n\"\r\n")));
	for (unsigned i = 1; i <= 17; i++) {
		uint8_t ha1[SIP_HASH_MAX], response[SIP_HASH_MAX];
		char    nc[9], part[128], hex[2 * SIP_HASH_MAX + 1] = "";

		text = answered(&c);
		snprintf(nc, sizeof(nc), "%08x", i);
		sip_hash_ha1(true, STR("bob"), STR("biloxi.com"), STR("zanzibar"), ha1);
		sip_hash_response(true, ha1,
				  &(struct sip_hash_terms){.nonce = STR("n"),
							   .nc = str_of(nc),
							   .cnonce = STR("0123456789abcdef"),
							   .method = STR("INVITE"),
							   .uri = STR("sip:bob@biloxi.com"),
							   .qop = true},
				  response);
		sip_hash_hex(true, response, hex);
		snprintf(part, sizeof(part), "response=\"%s\", algorithm=SHA-256", hex);
		assert_has(text, part);
		snprintf(part, sizeof(part), "cnonce=\"0123456789abcdef\", qop=auth, nc=%s\r\n",
			 nc);
		assert_has(text, part);
	}
	assert_true(str_starts(text, STR("Proxy-Authorization: Digest username=\"bob\", ")));
	assert_null(memmem(text.p, text.n, "opaque", 6));
}

/* RFC 8760, 2.4. */
static void the_topmost_challenge_that_can_be_answered_is_taken(void **state)
{
	static const struct {
		const char *text;
		bool        taken, sha256;
		const char *nonce;
	} cases[] = {
#define LINE(nonce, more) "WWW-Authenticate: Digest realm=\"r\", nonce=\"" nonce "\"" more "\r\n"
		{RESPONSE("401", LINE("1", ", algorithm=SHA-256") LINE("2", ", algorithm=MD5")),
		 true, true, "1"},
		{RESPONSE("401", LINE("1", ", algorithm=MD5") LINE("2", ", algorithm=SHA-256")),
		 true, false, "1"},
		{RESPONSE("401", LINE("1", ", algorithm=SHA-512-256") LINE("2", "")), true, false,
		 "2"},
		{RESPONSE("401", LINE("1", ", qop=\"auth-int\"") LINE("2", ", qop=\"auth\"")), true,
		 false, "2"},
		{RESPONSE("401", "WWW-Authenticate: Basic realm=\"r\"\r\n" LINE("2", "")), true,
		 false, "2"},
		{RESPONSE("401", "WWW-Authenticate: Digest nonce=\"1\"\r\n"
				 "WWW-Authenticate: Digest realm=\"r\"\r\n"),
		 false, false, ""},
		{RESPONSE("401", ""), false, false, ""},
		{RESPONSE("407", LINE("1", "")), false, false, ""},
#undef LINE
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_challenge c = {0};

		assert_int_equal(challenged(&c, cases[i].text), cases[i].taken);
		assert_int_equal(c.there, cases[i].taken);
		assert_int_equal(c.sha256, cases[i].sha256);
		assert_int_equal(c.nonce_size, strlen(cases[i].nonce));
		assert_memory_equal(c.nonce, cases[i].nonce, c.nonce_size);
	}
}

static void the_same_nonce_again_is_counted_on(void **state)
{
	struct sip_challenge c = {0};
	const char          *first = RESPONSE(
			 "401", "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", qop=\"auth\"\r\n");
	const char *stale = RESPONSE("401", "WWW-Authenticate: Digest realm=\"r\", nonce=\"2\", "
					    "qop=\"auth\", stale=TRUE\r\n");
	const char *again = RESPONSE("401", "WWW-Authenticate: Digest realm=\"r\", nonce=\"2\", "
					    "qop=\"auth\"\r\n");

	assert_true(challenged(&c, first));
	answered(&c);
	assert_int_equal(c.nc, 1);
	assert_true(challenged(&c, first));
	assert_int_equal(c.nc, 1);
	assert_true(challenged(&c, stale));
	assert_true(c.stale);
	assert_int_equal(c.nc, 0); /* another nonce, counted anew */
	answered(&c);
	assert_true(challenged(&c, stale));
	assert_int_equal(c.nc, 1);
	assert_true(challenged(&c, again));
	assert_false(c.stale);
}

static void what_does_not_fit_is_not_taken(void **state)
{
	static const struct {
		const char *name;
		size_t      max;
	} cases[] = {{"realm", SIP_CHALLENGE_REALM_MAX},
		     {"nonce", SIP_CHALLENGE_NONCE_MAX},
		     {"opaque", SIP_CHALLENGE_OPAQUE_MAX}};

	for (size_t i = 0; i < 3; i++) {
		for (size_t more = 0; more < 2; more++) {
			struct sip_challenge c = {0};
			char                 value[256], text[1024];

			memset(value, 'v', sizeof(value));
			value[cases[i].max + more] = '\0';
			snprintf(text, sizeof(text),
				 RESPONSE("401", "WWW-Authenticate: Digest %s%s%s=\"%s\"\r\n"),
				 i == 0 ? "" : "realm=\"r\", ", i == 1 ? "" : "nonce=\"n\", ",
				 cases[i].name, value);
			assert_int_equal(challenged(&c, text), more == 0);
			if (more == 0)
				assert_has(answered(&c), value);
		}
	}
}

static void without_a_challenge_nothing_is_written(void **state)
{
	struct sip_challenge c = {0};

	assert_int_equal(answered(&c).n, 0);
}

/* Our own server and our own client, over messages. */
static void our_challenge_is_answered_to_our_satisfaction(void **state)
{
	static const struct str  realm = {"example \"x\" org", 15};
	uint8_t                 *memory = aligned_alloc(64, 512);
	struct metrics           metrics = {0};
	struct sip_digest        d;
	struct sip_challenge     c = {0};
	struct now               now = {.us = 1000000};
	struct proto_credentials bob = {0};
	char                     lines[1024], text[2048];
	struct put               w = put_to(lines, sizeof(lines) - 1);

	memset(memory, 0, 512);
	sip_digest_init(&d, &metrics, 1, 5, memory, 512);
	/* the hash is over the realm as it stands between the quotes (RFC 7616, 3.4.2) */
	sip_hash_ha1(true, STR("bob"), STR("example \\\"x\\\" org"), STR("zanzibar"),
		     bob.ha1_sha256);
	sip_digest_challenge(&d, now, SIP_WWW_AUTHENTICATE, realm, SIP_OFFER_ALL, false, &w);
	lines[put_size(&w)] = '\0';
	snprintf(text, sizeof(text), RESPONSE("401", "%s"), lines);
	assert_true(challenged(&c, text));
	for (unsigned i = 0; i < 3; i++) {
		struct str       line = answered(&c);
		struct taken     k;
		struct sip_claim claim;

		snprintf(
			text, sizeof(text),
			"INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP "
			"h;branch=z9hG4bK1\r\n"
			"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
			"%.*s\r\n",
			(int)line.n, line.p);
		take_text(&k, text);
		assert_int_equal(sip_digest_claim(&d, &k.message, SIP_AUTHORIZATION, realm, &claim),
				 SIP_PROOF_PROVEN);
		assert_true(claim.sha256);
		assert_int_equal(claim.nc, i + 1);
		assert_int_equal(
			sip_digest_check(&d, now, &claim, STR("INVITE"), k.message.uri, &bob),
			SIP_PROOF_PROVEN);
		assert_int_equal(
			sip_digest_check(&d, now, &claim, STR("INVITE"), k.message.uri, &bob),
			SIP_PROOF_STALE);
		drop(&k);
	}
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_challenge_without_qop_is_answered_as_in_rfc_2069),
		cmocka_unit_test(a_challenge_with_qop_is_answered_with_a_rising_count),
		cmocka_unit_test(the_topmost_challenge_that_can_be_answered_is_taken),
		cmocka_unit_test(the_same_nonce_again_is_counted_on),
		cmocka_unit_test(what_does_not_fit_is_not_taken),
		cmocka_unit_test(without_a_challenge_nothing_is_written),
		cmocka_unit_test(our_challenge_is_answered_to_our_satisfaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
