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
#include <openssl/rand.h>

#include "base/assert.h"
#include "base/cur.h"

#define KEY_SIZE 32
#define SALT_SIZE 16
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define FORMAT 1
#define SEAL_SIZE (1 + SALT_SIZE + NONCE_SIZE + TAG_SIZE) /* before the ciphertext */
#define PLAIN_MAX 64

static_assert(SEAL_SIZE + PLAIN_MAX <= sizeof(((struct conf_secret *)0)->bytes),
	      "a sealed password fits its field");

struct secrets {
	uint8_t         key[KEY_SIZE];
	EVP_CIPHER     *cipher;
	EVP_MD         *sha256, *md5;
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
	s->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	s->context = EVP_CIPHER_CTX_new();
	s->hash = EVP_MD_CTX_new();
	if (s->cipher != NULL && s->sha256 != NULL && s->md5 != NULL && s->context != NULL &&
	    s->hash != NULL)
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
	EVP_MD_free(s->md5);
	EVP_CIPHER_CTX_free(s->context);
	EVP_MD_CTX_free(s->hash);
	OPENSSL_cleanse(s->key, sizeof(s->key));
	free(s);
}

/* GCM either way over at most PLAIN_MAX bytes; tag is written or checked. */
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

int secret_seal(struct secrets *s, const char *owner, struct conf_secret *secret)
{
	struct conf_secret sealed = {.form = CONF_SECRET_SEALED,
				     .size = (uint8_t)(SEAL_SIZE + secret->size)};
	uint8_t *salt = sealed.bytes + 1, *nonce = salt + SALT_SIZE, *tag = nonce + NONCE_SIZE;

	ASSERT(secret->form == CONF_SECRET_PLAIN && secret->size <= PLAIN_MAX);
	sealed.bytes[0] = FORMAT;
	if (RAND_bytes(salt, SALT_SIZE + NONCE_SIZE) != 1 ||
	    !gcm(s, true, owner, nonce, secret->bytes, secret->size, tag + TAG_SIZE, tag))
		return -EIO;
	OPENSSL_cleanse(secret, sizeof(*secret));
	*secret = sealed;
	return 0;
}

int secret_open(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		struct conf_secret *plain)
{
	struct cur     in = cur_of(sealed->bytes, sealed->size);
	uint8_t        format = cur_u8(&in);
	const uint8_t *nonce, *tag;
	uint8_t        expected[TAG_SIZE];

	cur_bytes(&in, SALT_SIZE);
	nonce = cur_bytes(&in, NONCE_SIZE);
	tag = cur_bytes(&in, TAG_SIZE);
	if (sealed->form != CONF_SECRET_SEALED || in.failed || format != FORMAT ||
	    cur_left(&in) > PLAIN_MAX)
		return -EBADMSG;
	memcpy(expected, tag, TAG_SIZE);
	*plain = (struct conf_secret){.form = CONF_SECRET_PLAIN, .size = (uint8_t)cur_left(&in)};
	if (gcm(s, false, owner, nonce, in.p, plain->size, plain->bytes, expected))
		return 0;
	OPENSSL_cleanse(plain, sizeof(*plain));
	return -EBADMSG;
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

int secret_ha1(struct secrets *s, const char *owner, const struct conf_secret *sealed,
	       struct str user, struct str realm, struct conf_secret *digest)
{
	struct conf_secret     plain = {.form = CONF_SECRET_NONE};
	int                    err = secret_open(s, owner, sealed, &plain);
	const struct hash_part parts[] = {{user.p, user.n},
					  {":", 1},
					  {realm.p, realm.n},
					  {":", 1},
					  {plain.bytes, plain.size}};

	if (err < 0)
		return err;
	*digest = (struct conf_secret){.form = CONF_SECRET_DIGEST, .size = 16 + 32};
	if (!hash_parts(s, s->md5, parts, 5, digest->bytes) ||
	    !hash_parts(s, s->sha256, parts, 5, digest->bytes + 16))
		err = -EIO;
	OPENSSL_cleanse(&plain, sizeof(plain));
	return err;
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
