#include "test.h"

#include "base/base64.h"
#include "pki.h"
#include "stir/store.h"

#define NOW 1700000000u
#define URL "https://cert.example.org/passport.cer"

/* The key of RFC 7515, A.3, what it signs there, and how. (With the key that RFC 8225, A has, the
 * signature there is not verified by anybody.) */
static const char example_key[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
	"6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
	"-----END PUBLIC KEY-----\n";
static const char example[] = "eyJhbGciOiJFUzI1NiJ9."
			      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"
			      "LmNvbS9pc19yb290Ijp0cnVlfQ";
static const char example_signature[] =
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

static struct pki pki;
static EVP_PKEY  *our_key;

static int setup(void **state)
{
	pki_open(&pki);
	our_key = pki_key();
	pki_write_key(&pki, "our.key", our_key);
	return 0;
}

static int teardown(void **state)
{
	EVP_PKEY_free(our_key);
	pki_close(&pki);
	return 0;
}

/* A store that knows one certificate, of that key, by URL, and signs with our.key. */
static struct stir *store_with(const struct pki_wish *wish, char error[STIR_ERROR_SIZE])
{
	char             key[96], file[96], anchors[96];
	X509            *x = pki_certificate(&pki, wish);
	struct stir_file certificate = {URL, pki_path(&pki, "one.pem", file)};
	struct stir     *s;

	pki_write(&pki, "one.pem", (X509 *const[]){x, NULL});
	s = stir_new(&(struct stir_files){.key = pki_path(&pki, "our.key", key),
					  .url = URL,
					  .attest = "B",
					  .origid = "123e4567-e89b-12d3-a456-426655440000",
					  .anchors = pki_path(&pki, "anchors.pem", anchors),
					  .count = 1,
					  .certificates = &certificate},
		     error);
	X509_free(x);
	return s;
}

static struct stir *ours(const char *scope)
{
	char         error[STIR_ERROR_SIZE];
	struct stir *s = store_with(&(struct pki_wish){.key = our_key, .scope = scope}, error);

	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

static struct stir_claims claims(enum stir_ppt ppt)
{
	return (struct stir_claims){.ppt = ppt,
				    .orig = {false, STR("+46701")},
				    .dest_count = 1,
				    .dest = {{false, STR("+46702")}},
				    .iat = NOW,
				    .msgi = STR("sha256-x")};
}

static struct str signed_token(struct stir *s, struct stir_claims c, char room[STIR_TOKEN_MAX])
{
	struct put w = put_to(room, STIR_TOKEN_MAX);

	assert_true(stir_sign(s, &c, &w));
	return (struct str){room, put_size(&w)};
}

static enum reason verify(struct stir *s, struct str token, uint64_t now)
{
	struct stir_passport p;
	enum reason          why = stir_passport_read(token, &p);

	return why == REASON_NONE ? stir_verify(s, &p, now) : why;
}

static void the_example_of_the_standard_is_verified(void **state)
{
	BIO                 *bio = BIO_new_mem_buf(example_key, -1);
	EVP_PKEY            *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	char                 error[STIR_ERROR_SIZE];
	struct stir         *s = store_with(&(struct pki_wish){.key = key}, error);
	struct stir_passport p = {.claims = {.x5u = STR(URL), .iat = NOW}, .signing = STR(example)};
	struct put           signature = put_to(p.signature, sizeof(p.signature));

	assert_non_null(s);
	assert_true(base64url_parse(STR(example_signature), &signature));
	assert_int_equal(stir_verify(s, &p, NOW), REASON_NONE);
	p.signature[63] ^= 1;
	assert_int_equal(stir_verify(s, &p, NOW), REASON_IDENTITY_INVALID);
	BIO_free(bio);
	EVP_PKEY_free(key);
	stir_free(s);
}

static void what_we_sign_is_verified(void **state)
{
	struct stir         *s = ours(NULL);
	char                 room[STIR_TOKEN_MAX];
	struct stir_passport p;

	for (unsigned i = 0; i < 300; i++) { /* numbers of a signature have leading zeros, too */
		struct stir_claims c = claims(i % 3);

		c.iat += i % 50;
		assert_int_equal(verify(s, signed_token(s, c, room), NOW), REASON_NONE);
	}
	assert_int_equal(stir_passport_read(signed_token(s, claims(STIR_PPT_SHAKEN), room), &p),
			 REASON_NONE);
	assert_true(str_eq(p.claims.x5u, STR(URL)));
	assert_true(str_eq(p.claims.attest, STR("B")));
	assert_true(str_eq(p.claims.origid, STR("123e4567-e89b-12d3-a456-426655440000")));
	stir_free(s);
}

static void any_changed_character_is_found_out(void **state)
{
	struct stir *s = ours(NULL);
	char         room[STIR_TOKEN_MAX];
	struct str   token = signed_token(s, claims(STIR_PPT_MSG), room);

	for (size_t i = 0; i < token.n; i++) {
		char was = room[i];

		room[i] = was == 'A' ? 'B' : 'A';
		assert_int_not_equal(verify(s, token, NOW), REASON_NONE);
		room[i] = was;
	}
	for (size_t cut = 0; cut < token.n; cut++)
		assert_int_equal(verify(s, (struct str){token.p, cut}, NOW),
				 REASON_IDENTITY_INVALID);
	assert_int_equal(verify(s, token, NOW), REASON_NONE);
	stir_free(s);
}

static void a_passport_is_fresh_for_a_minute_on_either_side(void **state)
{
	struct stir *s = ours(NULL);
	char         room[STIR_TOKEN_MAX];
	struct str   token = signed_token(s, claims(STIR_PPT_MSG), room);

	assert_int_equal(verify(s, token, NOW + STIR_FRESH_S), REASON_NONE);
	assert_int_equal(verify(s, token, NOW - STIR_FRESH_S), REASON_NONE);
	assert_int_equal(verify(s, token, NOW + STIR_FRESH_S + 1), REASON_IDENTITY_STALE);
	assert_int_equal(verify(s, token, NOW - STIR_FRESH_S - 1), REASON_IDENTITY_STALE);
	stir_free(s);
}

static void a_certificate_that_is_not_known_or_not_valid_is_told_apart(void **state)
{
	char         room[STIR_TOKEN_MAX], error[STIR_ERROR_SIZE];
	struct stir *s = ours(NULL);
	struct str   token = signed_token(s, claims(STIR_PPT_MSG), room);
	struct stir *none = stir_new(&(struct stir_files){0}, error);
	struct stir *ends = store_with(
		&(struct pki_wish){.key = our_key, .from = NOW - 9, .until = NOW - 1}, error);
	struct stir *begins =
		store_with(&(struct pki_wish){.key = our_key, .from = NOW + 1}, error);
	unsigned at = 0;

	assert_non_null(none);
	assert_non_null(ends);
	assert_non_null(begins);
	assert_false(stir_can_sign(none));
	assert_int_equal(verify(none, token, NOW), REASON_IDENTITY_CERTIFICATE);
	assert_int_equal(verify(ends, token, NOW), REASON_IDENTITY_CREDENTIAL);
	assert_int_equal(verify(ends, token, NOW - 1), REASON_NONE);
	assert_int_equal(verify(begins, token, NOW), REASON_IDENTITY_CREDENTIAL);
	assert_int_equal(verify(begins, token, NOW + 1), REASON_NONE);
	assert_null(stir_expired(s, NOW, &at));
	at = 0;
	assert_string_equal(stir_expired(ends, NOW, &at), URL);
	assert_null(stir_expired(ends, NOW, &at));
	stir_free(s);
	stir_free(none);
	stir_free(ends);
	stir_free(begins);
}

static void a_certificate_speaks_for_its_numbers_alone(void **state)
{
	struct stir       *s = ours("3009a20716053436373031"); /* 46701 */
	char               room[STIR_TOKEN_MAX];
	struct stir_claims c = claims(STIR_PPT_MSG);

	assert_int_equal(verify(s, signed_token(s, c, room), NOW), REASON_NONE);
	c.orig.text = STR("46703");
	assert_int_equal(verify(s, signed_token(s, c, room), NOW), REASON_IDENTITY_CREDENTIAL);
	c.orig = (struct stir_party){true, STR("sip:alice@example.org")};
	assert_int_equal(verify(s, signed_token(s, c, room), NOW), REASON_IDENTITY_CREDENTIAL);
	stir_free(s);
}

static void a_certificate_in_between_is_in_the_file(void **state)
{
	EVP_PKEY *middle_key = pki_key();
	X509     *middle = pki_certificate(
		    &pki, &(struct pki_wish){.key = middle_key, .issuer = true, .until = NOW + 5});
	X509 *x = pki_certificate(
		&pki, &(struct pki_wish){.key = our_key, .by = middle, .by_key = middle_key});
	char              file[96], anchors[96], error[STIR_ERROR_SIZE], room[STIR_TOKEN_MAX];
	struct stir_file  certificate = {URL, pki_path(&pki, "two.pem", file)};
	struct stir_files files = {.anchors = pki_path(&pki, "anchors.pem", anchors),
				   .count = 1,
				   .certificates = &certificate};
	struct stir      *signer = ours(NULL), *s;
	struct str        token = signed_token(signer, claims(STIR_PPT_MSG), room);

	pki_write(&pki, "two.pem", (X509 *const[]){x, NULL});
	assert_null(stir_new(&files, error));
	assert_non_null(strstr(error, "two.pem: none of stir.anchors vouches for it"));
	pki_write(&pki, "two.pem", (X509 *const[]){x, middle, NULL});
	s = stir_new(&files, error);
	assert_non_null(s);
	assert_int_equal(verify(s, token, NOW + 5), REASON_NONE);
	assert_int_equal(verify(s, token, NOW + 6), REASON_IDENTITY_CREDENTIAL); /* the middle */
	stir_free(s);
	stir_free(signer);
	X509_free(x);
	X509_free(middle);
	EVP_PKEY_free(middle_key);
}

static void certificates_are_found_by_their_urls(void **state)
{
	enum { COUNT = 9 };
	static const char *const urls[COUNT] = {"h", "b", "hh", "a", "", "c", "z", "y", "ab"};
	struct stir_file         certificates[COUNT];
	char                     file[96], anchors[96], error[STIR_ERROR_SIZE];
	struct stir             *signer = ours(NULL), *s;

	for (unsigned i = 0; i < COUNT; i++)
		certificates[i] = (struct stir_file){urls[i], pki_path(&pki, "one.pem", file)};
	s = stir_new(&(struct stir_files){.anchors = pki_path(&pki, "anchors.pem", anchors),
					  .count = COUNT,
					  .certificates = certificates},
		     error);
	assert_non_null(s);
	for (unsigned i = 0; i < COUNT; i++) {
		char                 room[STIR_TOKEN_MAX];
		struct stir_passport p;

		assert_int_equal(stir_passport_read(signed_token(signer, claims(0), room), &p),
				 REASON_NONE);
		p.claims.x5u = str_of(urls[i]);
		assert_int_equal(stir_verify(s, &p, NOW), REASON_NONE);
		p.claims.x5u = STR("x");
		assert_int_equal(stir_verify(s, &p, NOW), REASON_IDENTITY_CERTIFICATE);
	}
	stir_free(s);
	stir_free(signer);
}

static void refused(const struct stir_files *files, const char *says)
{
	char error[STIR_ERROR_SIZE];

	assert_null(stir_new(files, error));
	if (strstr(error, says) == NULL)
		fail_msg("'%s' instead of '%s'", error, says);
	assert_null(strstr(error, "PRIVATE"));
}

static void files_that_are_no_use_are_named(void **state)
{
	EVP_PKEY *other = pki_key(), *wide = EVP_EC_gen("P-384");
	X509     *stranger = pki_certificate(
		    &pki, &(struct pki_wish){.key = other, .by = NULL, .by_key = other});
	X509 *of_wide = pki_certificate(&pki, &(struct pki_wish){.key = wide});
	X509 *bad_scope = pki_certificate(&pki, &(struct pki_wish){.key = other, .scope = "3000"});
	char  path[96], anchors[96], key[96];
	struct stir_file  one = {URL, path};
	struct stir_files files = {.url = URL, .anchors = pki_path(&pki, "anchors.pem", anchors)};

	files.key = pki_path(&pki, "none.key", key);
	refused(&files, "none.key: cannot be read: No such file");
	files.key = pki_path(&pki, "open.key", key);
	pki_write_key(&pki, "open.key", other);
	chmod(key, 0640);
	refused(&files, "open.key: others than its owner may read it; chmod 600 it");
	files.key = pki.dir;
	refused(&files, "is no file");
	files.key = pki_path(&pki, "wide.key", key);
	pki_write_key(&pki, "wide.key", wide);
	refused(&files, "wide.key: has no private key on the curve P-256");
	files.key = pki_path(&pki, "our.key", key);
	files.certificate = pki_path(&pki, "stranger.pem", path);
	pki_write(&pki, "stranger.pem", (X509 *const[]){stranger, NULL});
	refused(&files, "stranger.pem: is the certificate of another key");
	files.certificate = NULL;
	files.count = 1;
	files.certificates = &one;
	refused(&files, "stranger.pem: none of stir.anchors vouches for it");
	pki_path(&pki, "wide.pem", path);
	pki_write(&pki, "wide.pem", (X509 *const[]){of_wide, NULL});
	refused(&files, "wide.pem: its key is not on the curve P-256");
	pki_path(&pki, "scope.pem", path);
	pki_write(&pki, "scope.pem", (X509 *const[]){bad_scope, NULL});
	refused(&files, "scope.pem: its TN Authorization List");
	pki_path(&pki, "our.key", path);
	refused(&files, "our.key: has no certificate");
	files.anchors = pki_path(&pki, "our.key", anchors);
	refused(&files, "our.key: has no certificates to trust");
	X509_free(stranger);
	X509_free(of_wide);
	X509_free(bad_scope);
	EVP_PKEY_free(other);
	EVP_PKEY_free(wide);
}

static void what_has_no_room_leaves_nothing(void **state)
{
	struct stir       *s = ours(NULL);
	char               room[STIR_TOKEN_MAX];
	struct stir_claims c = claims(STIR_PPT_MSG);
	size_t             whole = signed_token(s, c, room).n;

	for (size_t n = 0; n < whole; n++) {
		struct put w = put_to(room, n);

		assert_false(stir_sign(s, &c, &w));
		assert_int_equal(put_size(&w), 0);
		assert_false(w.failed);
	}
	stir_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_standard_is_verified),
		cmocka_unit_test(what_we_sign_is_verified),
		cmocka_unit_test(any_changed_character_is_found_out),
		cmocka_unit_test(a_passport_is_fresh_for_a_minute_on_either_side),
		cmocka_unit_test(a_certificate_that_is_not_known_or_not_valid_is_told_apart),
		cmocka_unit_test(a_certificate_speaks_for_its_numbers_alone),
		cmocka_unit_test(a_certificate_in_between_is_in_the_file),
		cmocka_unit_test(certificates_are_found_by_their_urls),
		cmocka_unit_test(files_that_are_no_use_are_named),
		cmocka_unit_test(what_has_no_room_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
