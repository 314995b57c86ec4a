/* Keys and certificates for tests, made as they are needed, in a folder of their own. */
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#define PKI_FROM 1000000000u /* seconds since 1970 */
#define PKI_UNTIL 4000000000u

struct pki {
	char      dir[32];
	EVP_PKEY *key; /* of the anchor */
	X509     *anchor;
};

struct pki_wish {
	EVP_PKEY   *key;
	uint64_t    from, until; /* 0: PKI_FROM, PKI_UNTIL */
	const char *scope;       /* TN Authorization List as hexadecimal DER; NULL: none */
	bool        issuer;      /* it vouches for others */
	X509       *by;          /* who vouches for it, and the key; NULL: the anchor */
	EVP_PKEY   *by_key;
};

static inline const char *pki_path(const struct pki *p, const char *name, char room[96])
{
	snprintf(room, 96, "%s/%s", p->dir, name);
	return room;
}

static inline EVP_PKEY *pki_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

static inline void pki_extend(X509 *x, X509 *by, const char *name, const char *value)
{
	X509V3_CTX      c;
	X509_EXTENSION *e;

	X509V3_set_ctx(&c, by, x, NULL, NULL, 0);
	e = X509V3_EXT_conf(NULL, &c, name, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static inline X509 *pki_certificate(const struct pki *p, const struct pki_wish *wish)
{
	static long serial;
	X509       *x = X509_new(), *by = wish->by != NULL ? wish->by : p->anchor;
	EVP_PKEY   *by_key = wish->by_key != NULL ? wish->by_key : p->key;
	char        name[32], scope[256];

	assert_non_null(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	snprintf(name, sizeof(name), "test %ld", serial);
	ASN1_TIME_set(X509_getm_notBefore(x), wish->from != 0 ? (time_t)wish->from : PKI_FROM);
	ASN1_TIME_set(X509_getm_notAfter(x), wish->until != 0 ? (time_t)wish->until : PKI_UNTIL);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, by != NULL ? X509_get_subject_name(by) : X509_get_subject_name(x));
	assert_int_equal(X509_set_pubkey(x, wish->key), 1);
	if (wish->issuer)
		pki_extend(x, by != NULL ? by : x, "basicConstraints", "critical,CA:TRUE");
	if (wish->scope != NULL) {
		snprintf(scope, sizeof(scope), "DER:%s", wish->scope);
		pki_extend(x, by, "1.3.6.1.5.5.7.1.26", scope);
	}
	assert_int_not_equal(X509_sign(x, by_key, EVP_sha256()), 0);
	return x;
}

/* The certificates one after the other; NULL ends them. */
static inline void pki_write(const struct pki *p, const char *name, X509 *const list[])
{
	char  room[96];
	FILE *f = fopen(pki_path(p, name, room), "w");

	assert_non_null(f);
	for (unsigned i = 0; list[i] != NULL; i++)
		assert_int_equal(PEM_write_X509(f, list[i]), 1);
	fclose(f);
}

static inline void pki_write_key(const struct pki *p, const char *name, EVP_PKEY *key)
{
	char  room[96];
	FILE *f = fopen(pki_path(p, name, room), "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

/* An anchor, as anchors.pem. */
static inline void pki_open(struct pki *p)
{
	*p = (struct pki){.dir = "/tmp/cpm-pki-XXXXXX"};
	assert_non_null(mkdtemp(p->dir));
	p->key = pki_key();
	p->anchor = pki_certificate(p, &(struct pki_wish){.key = p->key, .issuer = true});
	pki_write(p, "anchors.pem", (X509 *const[]){p->anchor, NULL});
}

static inline void pki_close(struct pki *p)
{
	char command[64];

	X509_free(p->anchor);
	EVP_PKEY_free(p->key);
	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	assert_int_equal(system(command), 0);
}
