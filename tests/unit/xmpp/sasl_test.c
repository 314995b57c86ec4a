#include "scram_client.h"

#include "xmpp/sasl.h"
#include "xmpp/scram_hash.h"

static const uint8_t salt[SCRAM_SALT_SIZE] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
					      0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
static const uint8_t secret[XMPP_SASL_SECRET_SIZE] = {1, 2, 3};
static struct scram_credentials of_user, of_strasse;
static const char               nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

static bool find(void *context, struct str user, struct str domain, struct scram_credentials *c)
{
	assert_true(str_eq(domain, STR("example.org")));
	if (str_eq(user, STR("user")))
		*c = of_user;
	else if (str_eq(user, STR("stra\xc3\x9f"
				  "e")))
		*c = of_strasse;
	else
		return false;
	return true;
}

static const struct xmpp_sasl_env env = {{"example.org", 11}, secret, NULL, find};

static int setup(void **state)
{
	scram_make("pencil", salt, &of_user);
	scram_make("p\xc3\xa4 ss", salt, &of_strasse);
	return 0;
}

static char       room[XMPP_SASL_REPLY_MAX];
static struct put reply;

static enum xmpp_sasl_step begin(struct xmpp_sasl *s, enum xmpp_mechanism m, const char *first,
				 size_t n, enum xmpp_sasl_error *error)
{
	uint8_t            *copy = test_copy(first, n);
	enum xmpp_sasl_step step;

	reply = put_to(room, sizeof(room));
	step = xmpp_sasl_begin(s, &env, m, STR(nonce), (struct str){(char *)copy, n}, &reply,
			       error);
	assert_false(reply.failed);
	free(copy);
	return step;
}

static enum xmpp_sasl_step respond(struct xmpp_sasl *s, struct str text,
				   enum xmpp_sasl_error *error)
{
	uint8_t            *copy = test_copy(text.p, text.n);
	enum xmpp_sasl_step step;

	reply = put_to(room, sizeof(room));
	step = xmpp_sasl_response(s, &env, (struct str){(char *)copy, text.n}, &reply, error);
	assert_false(reply.failed);
	free(copy);
	return step;
}

static bool replied(const char *text)
{
	return str_eq((struct str){room, put_size(&reply)}, str_of(text));
}

/* RFC 7677, 3. */
static void the_exchange_of_the_standard_succeeds(void **state)
{
	static const char final[] = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
				    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
	static const char first[] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
	struct xmpp_sasl  s;
	enum xmpp_sasl_error error;

	assert_int_equal(begin(&s, XMPP_MECHANISM_SCRAM_SHA_256, first, sizeof(first) - 1, &error),
			 XMPP_SASL_CHALLENGE);
	assert_true(replied("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
			    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
	assert_int_equal(respond(&s, STR(final), &error), XMPP_SASL_SUCCESS);
	assert_true(replied("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
	assert_true(str_eq(xmpp_sasl_user(&s), STR("user")));
	assert_int_equal(respond(&s, STR(final), &error), XMPP_SASL_FAILURE); /* it is over */
}

/* RFC 5802, 5, whose salt is shorter than ours: the signatures alone. */
static void the_keys_of_sha_1_are_those_of_the_standard(void **state)
{
	static const char auth[] =
		"n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
	uint8_t    short_salt[12], key[32], stored[32], server[32], mac[32];
	char       text[64];
	struct put w = put_to(short_salt, sizeof(short_salt)), t = put_to(text, sizeof(text));

	assert_true(base64_parse(STR("QSXCR+Q6sek8bf92"), &w));
	scram_keys(false, "pencil", short_salt, sizeof(short_salt), key, stored, server);
	scram_hmac(false, stored, STR(auth), mac);
	for (unsigned i = 0; i < 20; i++)
		mac[i] ^= key[i];
	base64_put(&t, mac, 20);
	assert_true(str_eq((struct str){text, put_size(&t)}, STR("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")));
	t = put_to(text, sizeof(text));
	scram_hmac(false, server, STR(auth), mac);
	base64_put(&t, mac, 20);
	assert_true(str_eq((struct str){text, put_size(&t)}, STR("rmF9pqV8S7suAoZWja4dJRkFsKQ=")));
}

/* A whole exchange; the last step. */
static enum xmpp_sasl_step exchange(enum xmpp_mechanism m, const char *gs2, const char *bare,
				    const char *password, struct xmpp_sasl *s,
				    enum xmpp_sasl_error *error)
{
	bool                sha256 = m == XMPP_MECHANISM_SCRAM_SHA_256;
	char                first[512], challenge[XMPP_SASL_REPLY_MAX], final[1024], signature[64];
	struct put          f = put_to(first, sizeof(first)), w = put_to(final, sizeof(final));
	size_t              n;
	enum xmpp_sasl_step step;

	put_str(&f, str_of(gs2));
	put_str(&f, str_of(bare));
	step = begin(s, m, first, put_size(&f), error);
	if (step != XMPP_SASL_CHALLENGE)
		return step;
	n = put_size(&reply);
	memcpy(challenge, room, n);
	scram_answer(sha256, password, gs2, str_of(bare), (struct str){challenge, n}, &w,
		     signature);
	step = respond(s, (struct str){final, put_size(&w)}, error);
	if (step == XMPP_SASL_SUCCESS)
		assert_true(replied(signature));
	return step;
}

static void who_knows_the_password_is_let_in_and_nobody_else(void **state)
{
	static const struct {
		const char          *gs2, *bare, *password;
		enum xmpp_sasl_step  step;
		enum xmpp_sasl_error error;
	} table[] = {
		{"n,,", "n=user,r=abc", "pencil", XMPP_SASL_SUCCESS, 0},
		{"y,,", "n=user,r=abc", "pencil", XMPP_SASL_SUCCESS, 0},
		{"n,,", "n=USER,r=abc", "pencil", XMPP_SASL_SUCCESS, 0},
		{"n,,", "n=user,r=abc,x=an extension", "pencil", XMPP_SASL_SUCCESS, 0},
		{"n,a=user@example.org,", "n=user,r=abc", "pencil", XMPP_SASL_SUCCESS, 0},
		{"n,a=User@Example.org,", "n=user,r=abc", "pencil", XMPP_SASL_SUCCESS, 0},
		{"n,,",
		 "n=Stra\xc3\x9f"
		 "e,r=abc",
		 "p\xc3\xa4 ss", XMPP_SASL_SUCCESS, 0},
		{"n,,", "n=user,r=abc", "Pencil", XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{"n,,", "n=user,r=abc", "pencil ", XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{"n,,", "n=nobody,r=abc", "pencil", XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{"n,,", "n=nobody,r=abc", "", XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{"n,,", "n=us=2Cer,r=abc", "x", XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{"n,,", "n=us@er,r=abc", "x", XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{"n,a=other@example.org,", "n=user,r=abc", "pencil", XMPP_SASL_FAILURE,
		 XMPP_SASL_INVALID_AUTHZID},
		{"n,a=user@example.net,", "n=user,r=abc", "pencil", XMPP_SASL_FAILURE,
		 XMPP_SASL_INVALID_AUTHZID},
		{"n,a=user@example.org/r,", "n=user,r=abc", "pencil", XMPP_SASL_FAILURE,
		 XMPP_SASL_INVALID_AUTHZID},
		{"n,a=other@example.org,", "n=user,r=abc", "wrong", XMPP_SASL_FAILURE,
		 XMPP_SASL_NOT_AUTHORIZED},
	};
	struct xmpp_sasl     s;
	enum xmpp_sasl_error error;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (enum xmpp_mechanism m = 0; m < XMPP_MECHANISM_PLAIN; m++) {
			error = XMPP_SASL_ERROR_COUNT;
			assert_int_equal(exchange(m, table[i].gs2, table[i].bare, table[i].password,
						  &s, &error),
					 table[i].step);
			if (table[i].step == XMPP_SASL_FAILURE)
				assert_int_equal(error, table[i].error);
		}
	}
}

static void malformed_first_messages_are_refused(void **state)
{
	static const struct str table[] = {
#define BYTES(s) {s, sizeof(s) - 1}
		BYTES(""),
		BYTES("n"),
		BYTES("n,,"),
		BYTES("n,n=user,r=abc"),
		BYTES("p=tls-unique,,n=user,r=abc"), /* not offered */
		BYTES("x,,n=user,r=abc"),
		BYTES("n,user,n=user,r=abc"),
		BYTES("n,a=,n=user,r=abc"),
		BYTES("n,a==2,n=user,r=abc"),
		BYTES("n,,m=ext,n=user,r=abc"), /* must be understood */
		BYTES("n,,n=,r=abc"),
		BYTES("n,,n=us=er,r=abc"),
		BYTES("n,,n=us=2cer,r=abc"),
		BYTES("n,,n=user"),
		BYTES("n,,n=user,r="),
		BYTES("n,,n=user,r=a b"),
		BYTES("n,,n=user,r=a\x7f"),
		BYTES("n,,n=user\0,r=abc"),
		BYTES("n,,n=\xff,r=abc"),
		BYTES("n,,r=abc,n=user"),
	};
	char                 text[XMPP_SASL_MESSAGE_MAX + 1];
	struct xmpp_sasl     s;
	enum xmpp_sasl_error error;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
			begin(&s, XMPP_MECHANISM_SCRAM_SHA_256, table[i].p, table[i].n, &error),
			XMPP_SASL_FAILURE);
		assert_int_equal(error, XMPP_SASL_MALFORMED_REQUEST);
	}
	memset(text, 'a', sizeof(text));
	memcpy(text, "n,,n=user,r=", 12);
	assert_int_equal(
		begin(&s, XMPP_MECHANISM_SCRAM_SHA_1, text, 12 + XMPP_SASL_NONCE_MAX, &error),
		XMPP_SASL_CHALLENGE);
	assert_int_equal(
		begin(&s, XMPP_MECHANISM_SCRAM_SHA_1, text, 13 + XMPP_SASL_NONCE_MAX, &error),
		XMPP_SASL_FAILURE);
	assert_int_equal(begin(&s, XMPP_MECHANISM_SCRAM_SHA_1, text, sizeof(text), &error),
			 XMPP_SASL_FAILURE);
}

/* What was said first must be what is said last, and nothing of it can be left out. */
static void malformed_last_messages_are_refused(void **state)
{
#define NONCES "abc%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	static const char *const table[] = {
		"",
		"c=biws,r=" NONCES,
		"c=biws,r=" NONCES ",p=",
		"c=biws,r=" NONCES ",p=AAAA",
		"c=biws,r=" NONCES ",p=" PROOF ",x=y",
		"c=biws,r=" NONCES "x,p=" PROOF,
		"c=biws,r=abc,p=" PROOF,
		"c=eSws,r=" NONCES ",p=" PROOF,
		"c=biws\n,r=" NONCES ",p=" PROOF,
		"r=" NONCES ",c=biws,p=" PROOF,
		"c=biws,r=" NONCES ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR=",
		"c=biws,r=" NONCES ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ",
	};
	struct xmpp_sasl     s;
	enum xmpp_sasl_error error;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
			begin(&s, XMPP_MECHANISM_SCRAM_SHA_256, "n,,n=user,r=abc", 15, &error),
			XMPP_SASL_CHALLENGE);
		assert_int_equal(respond(&s, str_of(table[i]), &error), XMPP_SASL_FAILURE);
		assert_int_equal(error, XMPP_SASL_MALFORMED_REQUEST);
	}
}

static void who_does_not_exist_is_challenged_like_everybody(void **state)
{
	char                 first[XMPP_SASL_REPLY_MAX];
	struct xmpp_sasl     s;
	enum xmpp_sasl_error error;
	size_t               n;

	begin(&s, XMPP_MECHANISM_SCRAM_SHA_256, "n,,n=nobody,r=abc", 17, &error);
	n = put_size(&reply);
	memcpy(first, room, n);
	begin(&s, XMPP_MECHANISM_SCRAM_SHA_1, "n,,n=nobody,r=abc", 17, &error);
	assert_int_equal(put_size(&reply), n);
	assert_memory_equal(room, first, n); /* always the same salt */
	begin(&s, XMPP_MECHANISM_SCRAM_SHA_256, "n,,n=nobodx,r=abc", 17, &error);
	assert_int_equal(put_size(&reply), n);
	assert_memory_not_equal(room, first, n); /* and not for everybody */
	begin(&s, XMPP_MECHANISM_SCRAM_SHA_256, "n,,n=user,r=abc", 15, &error);
	assert_int_equal(put_size(&reply), n);
}

static void a_first_message_that_is_left_out_is_asked_for(void **state)
{
	struct xmpp_sasl     s;
	enum xmpp_sasl_error error;

	reply = put_to(room, sizeof(room));
	assert_int_equal(xmpp_sasl_begin(&s, &env, XMPP_MECHANISM_PLAIN, STR(nonce),
					 (struct str){NULL, 0}, &reply, &error),
			 XMPP_SASL_CHALLENGE);
	assert_int_equal(put_size(&reply), 0);
	assert_int_equal(respond(&s, (struct str){"\0user\0pencil", 12}, &error),
			 XMPP_SASL_SUCCESS);
	reply = put_to(room, sizeof(room));
	assert_int_equal(xmpp_sasl_begin(&s, &env, XMPP_MECHANISM_SCRAM_SHA_256, STR(nonce),
					 (struct str){NULL, 0}, &reply, &error),
			 XMPP_SASL_CHALLENGE);
	assert_int_equal(respond(&s, STR("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &error),
			 XMPP_SASL_CHALLENGE);
	assert_true(replied("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
			    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
}

static void plain_lets_in_who_knows_the_password(void **state)
{
	static const struct {
		struct str           message;
		enum xmpp_sasl_step  step;
		enum xmpp_sasl_error error;
	} table[] = {
		{BYTES("\0user\0pencil"), XMPP_SASL_SUCCESS, 0},
		{BYTES("\0User\0pencil"), XMPP_SASL_SUCCESS, 0},
		{BYTES("user@example.org\0user\0pencil"), XMPP_SASL_SUCCESS, 0},
		/* a decomposed letter and another blank are the same password (RFC 8265, 4.2) */
		{BYTES("\0stra\xc3\x9f"
		       "e\0pa\xcc\x88\xc2\xa0ss"),
		 XMPP_SASL_SUCCESS, 0},
		{BYTES("\0user\0Pencil"), XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{BYTES("\0nobody\0pencil"), XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{BYTES("\0\0pencil"), XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{BYTES("\0user\0pen\x01"), XMPP_SASL_FAILURE, XMPP_SASL_NOT_AUTHORIZED},
		{BYTES("x@example.org\0user\0pencil"), XMPP_SASL_FAILURE,
		 XMPP_SASL_INVALID_AUTHZID},
		{BYTES(""), XMPP_SASL_FAILURE, XMPP_SASL_MALFORMED_REQUEST},
		{BYTES("user"), XMPP_SASL_FAILURE, XMPP_SASL_MALFORMED_REQUEST},
		{BYTES("\0user"), XMPP_SASL_FAILURE, XMPP_SASL_MALFORMED_REQUEST},
		{BYTES("\0user\0"), XMPP_SASL_FAILURE, XMPP_SASL_MALFORMED_REQUEST},
		{BYTES("\0user\0pencil\0"), XMPP_SASL_FAILURE, XMPP_SASL_MALFORMED_REQUEST},
		{BYTES("\0user\0\xff"), XMPP_SASL_FAILURE, XMPP_SASL_MALFORMED_REQUEST},
	};
	struct xmpp_sasl     s;
	enum xmpp_sasl_error error;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(begin(&s, XMPP_MECHANISM_PLAIN, table[i].message.p,
				       table[i].message.n, &error),
				 table[i].step);
		if (table[i].step == XMPP_SASL_FAILURE)
			assert_int_equal(error, table[i].error);
	}
}

static void base_64_has_one_form_only(void **state)
{
	static const char *const bad[] = {"A",     "AA",       "AAA",  "A===",  "====",
					  "AB==",  "AAB=",     "AA=A", "AAAA=", "AA AA",
					  "AAA\n", "AA==AAAA", "-_AA"};
	uint8_t                  bytes[64], back[64];
	char                     text[96];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct put w = put_to(bytes, sizeof(bytes));

		assert_false(base64_parse(str_of(bad[i]), &w));
	}
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct put w = put_to(text, sizeof(text)), b = put_to(back, n);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(i * 89 + n);
		base64_put(&w, bytes, n);
		assert_true(base64_parse((struct str){text, put_size(&w)}, &b));
		assert_int_equal(put_size(&b), n);
		assert_memory_equal(bytes, back, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exchange_of_the_standard_succeeds),
		cmocka_unit_test(the_keys_of_sha_1_are_those_of_the_standard),
		cmocka_unit_test(who_knows_the_password_is_let_in_and_nobody_else),
		cmocka_unit_test(malformed_first_messages_are_refused),
		cmocka_unit_test(malformed_last_messages_are_refused),
		cmocka_unit_test(who_does_not_exist_is_challenged_like_everybody),
		cmocka_unit_test(a_first_message_that_is_left_out_is_asked_for),
		cmocka_unit_test(plain_lets_in_who_knows_the_password),
		cmocka_unit_test(base_64_has_one_form_only),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
