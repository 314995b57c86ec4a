#include "secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/assert.h"
#include "base/cur.h"

#define KEY_SIZE 32
#define SALT_SIZE 16
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define FORMAT 1
#define FORMAT_SCRAM 2 /* the plain text ends with the salted passwords of SCRAM */
#define SEAL_SIZE (1 + SALT_SIZE + NONCE_SIZE + TAG_SIZE) /* before the ciphertext */
#define PLAIN_MAX 64
#define SALTED_SIZE (SCRAM_SHA1_SIZE + SCRAM_SHA256_SIZE)

static_assert(SEAL_SIZE + PLAIN_MAX + SALTED_SIZE <= sizeof(((struct conf_secret *)0)->bytes),
	      "a sealed password fits its field");

struct secrets {
	uint8_t         key[KEY_SIZE];
	EVP_CIPHER     *cipher;
	EVP_MD         *sha256, *sha1, *md5;
	EVP_CIPHER_CTX *context;
	EVP_MD_CTX     *hash;
};

static int read_key(const char *path, uint8_t key[KEY_SIZE], char error[256])
{
	int         fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int         err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_size != KEY_SIZE || read(fd, key, KEY_SIZE) != KEY_SIZE) {
		snprintf(error, 256, "%.120s is no key of %d bytes; put the right file back", path,
			 KEY_SIZE);
		err = -EINVAL;
	} else if ((st.st_mode & 077) != 0) {
		snprintf(error, 256,
			 "%.120s can be read by others; chmod 600 it, and change the passwords if "
			 "anybody has",
			 path);
		err = -EPERM;
	}
	close(fd);
	return err;
}

static int make_key(const char *path, uint8_t key[KEY_SIZE], char error[256])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0 || RAND_bytes(key, KEY_SIZE) != 1 || write(fd, key, KEY_SIZE) != KEY_SIZE ||
	    fsync(fd) < 0) {
		err = errno != 0 ? -errno : -EIO;
		snprintf(error, 256, "%.150s cannot be made: %s", path, strerror(-err));
		if (fd >= 0)
			unlink(path);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int load_key(const char *state_dir, bool create, uint8_t key[KEY_SIZE], char error[256])
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char        path[4096];
	int         err;

	if (credentials != NULL) {
		snprintf(path, sizeof(path), "%s/cpm.key", credentials);
		err = read_key(path, key, error);
		if (err != -ENOENT)
			return err;
	}
	snprintf(path, sizeof(path), "%s/secret.key", state_dir);
	err = read_key(path, key, error);
	if (err == -ENOENT && create)
		return make_key(path, key, error);
	if (err < 0 && error[0] == '\0')
		snprintf(error, 256,
			 "%.120s: %s; the database's passwords are sealed with it, so put it back",
			 path, strerror(-err));
	return err;
}

struct secrets *secrets_open(const char *state_dir, bool create, char error[256])
{
	struct secrets *s = calloc(1, sizeof(*s));

	error[0] = '\0';
	if (s == NULL || load_key(state_dir, create, s->key, error) < 0)
		goto fail;
	s->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	s->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	s->context = EVP_CIPHER_CTX_new();
	s->hash = EVP_MD_CTX_new();
	if (s->cipher != NULL && s->sha256 != NULL && s->sha1 != NULL && s->md5 != NULL &&
	    s->context != NULL && s->hash != NULL)
		return s;
fail:
	if (error[0] == '\0')
		snprintf(error, 256, "no memory for the key, or OpenSSL lacks AES-256-GCM or MD5");
	secrets_free(s);
	return NULL;
}

void secrets_free(struct secrets *s)
{
	if (s == NULL)
		return;
	EVP_CIPHER_free(s->cipher);
	EVP_MD_free(s->sha256);
	EVP_MD_free(s->sha1);
	EVP_MD_free(s->md5);
	EVP_CIPHER_CTX_free(s->context);
	EVP_MD_CTX_free(s->hash);
	OPENSSL_cleanse(s->key, sizeof(s->key));
	free(s);
}

/* GCM either way; tag is written or checked. */
static bool gcm(struct secrets *s, bool seal, const char *owner, const uint8_t nonce[],
		const uint8_t from[], int n, uint8_t to[], uint8_t tag[])
{
	EVP_CIPHER_CTX *x = s->context;
	uint8_t         none[16];
	int             out;

	if (EVP_CipherInit_ex2(x, s->cipher, s->key, nonce, seal, NULL) != 1 ||
	    EVP_CipherUpdate(x, NULL, &out, (const uint8_t *)owner, (int)strlen(owner)) != 1 ||
	    EVP_CipherUpdate(x, to, &out, from, n) != 1)
		return false;
	if (!seal && EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) != 1)
		return false;
	if (EVP_CipherFinal_ex(x, none, &out) != 1)
		return false;
	return !seal || EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1;
}

/* SaltedPassword of RFC 5802, 3, by both hashes. */
static bool salt_password(struct secrets *s, const uint8_t salt[SALT_SIZE],
			  const struct conf_secret *plain, uint8_t salted[SALTED_SIZE])
{
	const char *text = (const char *)plain->bytes;

	return PKCS5_PBKDF2_HMAC(text, plain->size, salt, SALT_SIZE, SCRAM_ITERATIONS, s->sha1,
				 SCRAM_SHA1_SIZE, salted) == 1 &&
	       PKCS5_PBKDF2_HMAC(text, plain->size, salt, SALT_SIZE, SCRAM_ITERATIONS, s->sha256,
				 SCRAM_SHA256_SIZE, salted + SCRAM_SHA1_SIZE) == 1;
}

int secret_seal(struct secrets *s, const char *owner, struct conf_secret *secret, bool scram)
{
	size_t             more = scram ? SALTED_SIZE : 0;
	uint8_t            text[PLAIN_MAX + SALTED_SIZE];
	uint8_t           *salt, *nonce, *tag;
	bool               done;
	struct conf_secret sealed = {.form = CONF_SECRET_SEALED,
				     .size = (uint8_t)(SEAL_SIZE + secret->size + more)};

	ASSERT(secret->form == CONF_SECRET_PLAIN && secret->size <= PLAIN_MAX);
	sealed.bytes[0] = scram ? FORMAT_SCRAM : FORMAT;
	salt = sealed.bytes + 1;
	nonce = salt + SALT_SIZE;
	tag = nonce + NONCE_SIZE;
	memcpy(text, secret->bytes, secret->size);
	done = RAND_bytes(salt, SALT_SIZE + NONCE_SIZE) == 1 &&
	       (!scram || salt_password(s, salt, secret, text + secret->size)) &&
	       gcm(s, true, owner, nonce, text, secret->size + more, tag + TAG_SIZE, tag);
	OPENSSL_cleanse(text, sizeof(text));
	if (!done)
		return -EIO;
	OPENSSL_cleanse(secret, sizeof(*secret));
	*secret = sealed;
	return 0;
}

bool secret_has_scram(const struct conf_secret *sealed)
{
	return sealed->form == CONF_SECRET_SEALED && sealed->bytes[0] == FORMAT_SCRAM;
}

/* Password and, where it was sealed with them, salted passwords; -EBADMSG. */
static int open_text(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		     uint8_t text[PLAIN_MAX + SALTED_SIZE])
{
	struct cur     in = cur_of(sealed->bytes, sealed->size);
	uint8_t        format = cur_u8(&in);
	const uint8_t *nonce, *tag;
	uint8_t        expected[TAG_SIZE];
	size_t         more = format == FORMAT_SCRAM ? SALTED_SIZE : 0;

	cur_bytes(&in, SALT_SIZE);
	nonce = cur_bytes(&in, NONCE_SIZE);
	tag = cur_bytes(&in, TAG_SIZE);
	if (sealed->form != CONF_SECRET_SEALED || in.failed ||
	    (format != FORMAT && format != FORMAT_SCRAM) || cur_left(&in) < more ||
	    cur_left(&in) > PLAIN_MAX + more)
		return -EBADMSG;
	memcpy(expected, tag, TAG_SIZE);
	if (gcm(s, false, owner, nonce, in.p, cur_left(&in), text, expected))
		return (int)(cur_left(&in) - more);
	OPENSSL_cleanse(text, PLAIN_MAX + SALTED_SIZE);
	return -EBADMSG;
}

int secret_open(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		struct conf_secret *plain)
{
	uint8_t text[PLAIN_MAX + SALTED_SIZE];
	int     n = open_text(s, owner, sealed, text);

	if (n < 0)
		return n;
	*plain = (struct conf_secret){.form = CONF_SECRET_PLAIN, .size = (uint8_t)n};
	memcpy(plain->bytes, text, (size_t)n);
	OPENSSL_cleanse(text, sizeof(text));
	return 0;
}

struct hash_part {
	const void *p;
	size_t      n;
};

static bool hash_parts(struct secrets *s, const EVP_MD *md, const struct hash_part parts[],
		       unsigned n, uint8_t *to)
{
	if (EVP_DigestInit_ex2(s->hash, md, NULL) != 1)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (EVP_DigestUpdate(s->hash, parts[i].p, parts[i].n) != 1)
			return false;
	return EVP_DigestFinal_ex(s->hash, to, NULL) == 1;
}

int secret_digest(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		  struct conf_secret *digest)
{
	struct conf_secret     plain = {.form = CONF_SECRET_NONE};
	const uint8_t         *salt = sealed->bytes + 1;
	int                    err = secret_open(s, owner, sealed, &plain);
	const struct hash_part parts[] = {{salt, SALT_SIZE}, {plain.bytes, plain.size}};

	if (err < 0)
		return err;
	*digest = (struct conf_secret){.form = CONF_SECRET_SHA256, .size = SALT_SIZE + 32};
	memcpy(digest->bytes, salt, SALT_SIZE);
	if (!hash_parts(s, s->sha256, parts, 2, digest->bytes + SALT_SIZE))
		err = -EIO;
	OPENSSL_cleanse(&plain, sizeof(plain));
	return err;
}

/* StoredKey and ServerKey of RFC 5802, 3. */
static bool scram_keys(struct secrets *s, const EVP_MD *md, const uint8_t *salted, int size,
		       uint8_t *stored, uint8_t *server)
{
	static const char client_key[] = "Client Key", server_key[] = "Server Key";
	uint8_t           client[SCRAM_SHA256_SIZE];

	return HMAC(md, salted, size, (const void *)client_key, sizeof(client_key) - 1, client,
		    NULL) != NULL &&
	       hash_parts(s, md, (const struct hash_part[]){{client, (size_t)size}}, 1, stored) &&
	       HMAC(md, salted, size, (const void *)server_key, sizeof(server_key) - 1, server,
		    NULL) != NULL;
}

static bool scram_make(struct secrets *s, const uint8_t salt[SALT_SIZE], const uint8_t *text,
		       size_t n, struct scram_credentials *c)
{
	const struct hash_part parts[] = {{salt, SALT_SIZE}, {text, n}};

	memcpy(c->salt, salt, SALT_SIZE);
	return hash_parts(s, s->sha256, parts, 2, c->plain) &&
	       scram_keys(s, s->sha1, text + n, SCRAM_SHA1_SIZE, c->stored_sha1, c->server_sha1) &&
	       scram_keys(s, s->sha256, text + n + SCRAM_SHA1_SIZE, SCRAM_SHA256_SIZE,
			  c->stored_sha256, c->server_sha256);
}

int secret_subscriber(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		      struct str user, struct str realm, struct conf_secret *digest)
{
	uint8_t                  text[PLAIN_MAX + SALTED_SIZE];
	struct scram_credentials scram;
	int                      n = open_text(s, owner, sealed, text);
	const struct hash_part   parts[] = {
		  {user.p, user.n}, {":", 1}, {realm.p, realm.n}, {":", 1}, {text, n > 0 ? n : 0}};
	bool done = true;

	if (n < 0)
		return n;
	*digest = (struct conf_secret){.form = CONF_SECRET_DIGEST, .size = CONF_SECRET_HA1_SIZE};
	if (realm.n > 0)
		done = hash_parts(s, s->md5, parts, 5, digest->bytes) &&
		       hash_parts(s, s->sha256, parts, 5, digest->bytes + 16);
	if (secret_has_scram(sealed)) {
		done = done && scram_make(s, sealed->bytes + 1, text, (size_t)n, &scram);
		memcpy(digest->bytes + CONF_SECRET_HA1_SIZE, &scram, sizeof(scram));
		digest->size = CONF_SECRET_SIZE_MAX;
		OPENSSL_cleanse(&scram, sizeof(scram));
	}
	OPENSSL_cleanse(text, sizeof(text));
	return done ? 0 : -EIO;
}

bool secret_is(struct secrets *s, const char *owner, const struct conf_secret *sealed,
	       const struct conf_secret *plain)
{
	struct conf_secret opened;
	bool               same;

	if (secret_open(s, owner, sealed, &opened) < 0)
		return false;
	same = opened.size == plain->size &&
	       CRYPTO_memcmp(opened.bytes, plain->bytes, plain->size) == 0;
	OPENSSL_cleanse(&opened, sizeof(opened));
	return same;
}
