/* From files to contexts. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stir/store_private.h"

#define TN_AUTH_LIST "1.3.6.1.5.5.7.1.26" /* RFC 8226, 9 */

void stir_say(char error[STIR_ERROR_SIZE], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, STIR_ERROR_SIZE, format, args);
	va_end(args);
	ERR_clear_error();
}

/* A secret that others may read is none. */
static FILE *open_key(const char *path, char error[STIR_ERROR_SIZE])
{
	FILE       *f = fopen(path, "re");
	struct stat about;

	if (f == NULL) {
		stir_say(error, "%s: cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fileno(f), &about) < 0 || !S_ISREG(about.st_mode)) {
		stir_say(error, "%s: is no file; write that of the private key", path);
	} else if ((about.st_mode & 077) != 0) {
		stir_say(error, "%s: others than its owner may read it; chmod 600 it", path);
	} else {
		return f;
	}
	fclose(f);
	return NULL;
}

static bool is_p256(EVP_PKEY *key)
{
	char   group[64];
	size_t n;

	return EVP_PKEY_is_a(key, "EC") == 1 &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

static EVP_PKEY_CTX *context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);

	if (c != NULL && init(c) == 1)
		return c;
	EVP_PKEY_CTX_free(c);
	return NULL;
}

/* Nobody is there who could say a passphrase. */
static int no_passphrase(char *room, int size, int writing, void *user)
{
	return 0;
}

static X509 *first_certificate(const char *path, FILE **file, char error[STIR_ERROR_SIZE])
{
	X509 *x;

	*file = fopen(path, "re");
	if (*file == NULL) {
		stir_say(error, "%s: cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	x = PEM_read_X509(*file, NULL, no_passphrase, NULL);
	if (x == NULL) {
		stir_say(error, "%s: has no certificate; write a PEM file", path);
		fclose(*file);
	}
	return x;
}

static bool is_of(const char *path, EVP_PKEY *key, char error[STIR_ERROR_SIZE])
{
	FILE *file;
	X509 *x = first_certificate(path, &file, error);
	bool  same;

	if (x == NULL)
		return false;
	fclose(file);
	same = EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1;
	X509_free(x);
	if (!same)
		stir_say(error, "%s: is the certificate of another key than that of stir.key",
			 path);
	return same;
}

static bool copied(char **to, const char *text)
{
	*to = text != NULL ? strdup(text) : NULL;
	return text == NULL || *to != NULL;
}

bool stir_load_key(struct stir *s, const struct stir_files *files, char error[STIR_ERROR_SIZE])
{
	FILE     *f;
	EVP_PKEY *key;

	if (files->key == NULL)
		return true;
	f = open_key(files->key, error);
	if (f == NULL)
		return false;
	key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	fclose(f);
	if (key == NULL || !is_p256(key)) {
		stir_say(error,
			 "%s: has no private key on the curve P-256 without a passphrase; make one "
			 "by `openssl ecparam -name prime256v1 -genkey -noout`",
			 files->key);
	} else if (files->certificate == NULL || is_of(files->certificate, key, error)) {
		s->sign = context(key, EVP_PKEY_sign_init);
	}
	EVP_PKEY_free(key);
	return s->sign != NULL && copied(&s->url, files->url) &&
	       copied(&s->attest, files->attest) && copied(&s->origid, files->origid);
}

/* ---- those of others ---- */

/* Seconds since 1970; 0: not to be read. */
static uint64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;
	time_t    s;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	s = timegm(&tm);
	return s > 0 ? (uint64_t)s : 0;
}

/* The time in which all of the chain are valid. */
static void take_validity(STACK_OF(X509) * chain, struct stir_certificate *c)
{
	c->from_s = 0;
	c->until_s = UINT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *x = sk_X509_value(chain, i);
		uint64_t    from = seconds_of(X509_get0_notBefore(x)),
			 until = seconds_of(X509_get0_notAfter(x));

		c->from_s = from > c->from_s ? from : c->from_s;
		c->until_s = until < c->until_s ? until : c->until_s;
	}
}

static bool take_scope(const X509 *x, struct stir_certificate *c)
{
	ASN1_OBJECT             *object = OBJ_txt2obj(TN_AUTH_LIST, 1);
	int                      at = object != NULL ? X509_get_ext_by_OBJ(x, object, -1) : -1;
	const ASN1_OCTET_STRING *bytes;

	ASN1_OBJECT_free(object);
	if (at < 0)
		return true;
	bytes = X509_EXTENSION_get_data(X509_get_ext(x, at));
	c->scoped = true;
	return stir_scope_read(
		cur_of(ASN1_STRING_get0_data(bytes), (size_t)ASN1_STRING_length(bytes)), &c->scope);
}

/* Time is looked at when something is verified: what ends today must not keep us from starting. */
static bool vouched(X509_STORE *anchors, X509 *x, STACK_OF(X509) * between,
		    const struct stir_file *file, struct stir_certificate *c,
		    char error[STIR_ERROR_SIZE])
{
	X509_STORE_CTX *v = X509_STORE_CTX_new();
	bool            good = false;

	if (v == NULL || X509_STORE_CTX_init(v, anchors, x, between) != 1) {
		stir_say(error, "%s: cannot be checked", file->file);
	} else {
		X509_STORE_CTX_set_flags(v, X509_V_FLAG_NO_CHECK_TIME);
		good = X509_verify_cert(v) == 1;
		if (good)
			take_validity(X509_STORE_CTX_get0_chain(v), c);
		else
			stir_say(error,
				 "%s: none of stir.anchors vouches for it (%s); add those between "
				 "to the file, or its root to the anchors",
				 file->file,
				 X509_verify_cert_error_string(X509_STORE_CTX_get_error(v)));
	}
	X509_STORE_CTX_free(v);
	return good;
}

static bool take(X509_STORE *anchors, X509 *x, STACK_OF(X509) * between,
		 const struct stir_file *file, struct stir_certificate *c,
		 char error[STIR_ERROR_SIZE])
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	if (key == NULL || !is_p256(key)) {
		stir_say(error, "%s: its key is not on the curve P-256, which ES256 needs",
			 file->file);
		return false;
	}
	if (!take_scope(x, c)) {
		stir_say(error,
			 "%s: its TN Authorization List is not one of RFC 8226, or has more than "
			 "%u entries",
			 file->file, STIR_SCOPE_MAX);
		return false;
	}
	if (!vouched(anchors, x, between, file, c, error))
		return false;
	c->verify = context(key, EVP_PKEY_verify_init);
	return c->verify != NULL && copied(&c->url, file->url);
}

static bool load(X509_STORE *anchors, const struct stir_file *file, struct stir_certificate *c,
		 char error[STIR_ERROR_SIZE])
{
	FILE *f;
	X509 *x = first_certificate(file->file, &f, error), *next;
	STACK_OF(X509) *between = sk_X509_new_null();
	bool good = false;

	if (x != NULL) {
		while (between != NULL &&
		       (next = PEM_read_X509(f, NULL, no_passphrase, NULL)) != NULL)
			sk_X509_push(between, next);
		ERR_clear_error(); /* the end of the file is one, to OpenSSL */
		good = between != NULL && take(anchors, x, between, file, c, error);
		fclose(f);
	}
	sk_X509_pop_free(between, X509_free);
	X509_free(x);
	return good;
}

static X509_STORE *load_anchors(const char *path, char error[STIR_ERROR_SIZE])
{
	X509_STORE *anchors = X509_STORE_new();

	if (anchors != NULL && X509_STORE_load_file(anchors, path) == 1)
		return anchors;
	X509_STORE_free(anchors);
	stir_say(error, "%s: has no certificates to trust; write a PEM file of them", path);
	return NULL;
}

static int by_url(const void *a, const void *b)
{
	return strcmp(((const struct stir_certificate *)a)->url,
		      ((const struct stir_certificate *)b)->url);
}

bool stir_load_certificates(struct stir *s, const struct stir_files *files,
			    char error[STIR_ERROR_SIZE])
{
	X509_STORE *anchors;
	bool        good = true;

	if (files->count == 0)
		return true;
	anchors = load_anchors(files->anchors, error);
	s->certificates = calloc(files->count, sizeof(s->certificates[0]));
	good = anchors != NULL && s->certificates != NULL;
	for (unsigned i = 0; good && i < files->count; i++)
		good = load(anchors, &files->certificates[i], &s->certificates[s->count++], error);
	X509_STORE_free(anchors);
	if (good)
		qsort(s->certificates, s->count, sizeof(s->certificates[0]), by_url);
	return good;
}
