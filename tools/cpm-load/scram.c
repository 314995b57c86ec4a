#include "scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"

#define ITERATIONS_MAX 1000000u
#define AUTH_MAX 2048u

static const struct str gs2 = {"n,,", 3};

/* RFC 5802, 5.1: saslname. */
static void name_put(struct put *w, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == ',')
			put_str(w, STR("=2C"));
		else if (name.p[i] == '=')
			put_str(w, STR("=3D"));
		else
			put_u8(w, (uint8_t)name.p[i]);
	}
}

bool scram_client_begin(struct scram_client *s, struct str user, struct str nonce, struct put *w)
{
	struct put first = put_to(s->first, sizeof(s->first));

	put_str(&first, STR("n="));
	name_put(&first, user);
	put_str(&first, STR(",r="));
	put_str(&first, nonce);
	s->first_size = (uint16_t)put_size(&first);
	s->nonce_size = (uint16_t)nonce.n;
	put_str(w, gs2);
	put_str(w, (struct str){s->first, s->first_size});
	return !first.failed && !w->failed;
}

/* The value of "x=", which comes next, up to a comma or the end. */
static bool field(struct str *rest, char letter, struct str *value)
{
	const char *comma;

	if (rest->n < 2 || rest->p[0] != letter || rest->p[1] != '=')
		return false;
	*rest = str_skip(*rest, 2);
	comma = memchr(rest->p, ',', rest->n);
	*value = (struct str){rest->p, comma != NULL ? (size_t)(comma - rest->p) : rest->n};
	*rest = str_skip(*rest, value->n + 1);
	return true;
}

static bool iterations_parse(struct str text, uint32_t *n)
{
	*n = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || *n > ITERATIONS_MAX)
			return false;
		*n = *n * 10 + (uint32_t)(text.p[i] - '0');
	}
	return *n > 0 && *n <= ITERATIONS_MAX;
}

static bool stretch(struct scram_salted *s, struct str password, struct str salt,
		    uint32_t iterations)
{
	if (s->iterations == iterations && s->salt_size == salt.n &&
	    memcmp(s->salt, salt.p, salt.n) == 0 &&
	    str_eq((struct str){s->password, s->password_size}, password))
		return true;
	if (salt.n > sizeof(s->salt) || password.n > sizeof(s->password))
		return false;
	s->iterations = iterations;
	s->salt_size = (uint8_t)salt.n;
	memcpy(s->salt, salt.p, salt.n);
	s->password_size = (uint16_t)password.n;
	memcpy(s->password, password.p, password.n);
	return PKCS5_PBKDF2_HMAC(password.p, (int)password.n, s->salt, (int)salt.n, (int)iterations,
				 EVP_sha1(), sizeof(s->key), s->key) == 1;
}

static void hmac(const uint8_t key[SCRAM_SHA1_SIZE], struct str text, uint8_t mac[SCRAM_SHA1_SIZE])
{
	HMAC(EVP_sha1(), key, SCRAM_SHA1_SIZE, (const uint8_t *)text.p, text.n, mac, NULL);
}

/* ClientProof; and what the server will have to say. */
static void prove(struct scram_client *s, const uint8_t salted[SCRAM_SHA1_SIZE], struct str auth,
		  uint8_t proof[SCRAM_SHA1_SIZE])
{
	uint8_t client[SCRAM_SHA1_SIZE], stored[SCRAM_SHA1_SIZE], server[SCRAM_SHA1_SIZE];

	hmac(salted, STR("Client Key"), client);
	hmac(salted, STR("Server Key"), server);
	EVP_Digest(client, sizeof(client), stored, NULL, EVP_sha1(), NULL);
	hmac(stored, auth, proof);
	hmac(server, auth, s->signature);
	for (unsigned i = 0; i < SCRAM_SHA1_SIZE; i++)
		proof[i] ^= client[i];
}

bool scram_client_answer(struct scram_client *s, struct scram_salted *salted, struct str password,
			 struct str challenge, struct put *w)
{
	char           auth[AUTH_MAX];
	uint8_t        salt[SCRAM_CLIENT_SALT_MAX], proof[SCRAM_SHA1_SIZE];
	struct put     a = put_to(auth, sizeof(auth)), decoded = put_to(salt, sizeof(salt));
	struct str     rest = challenge, nonce, salt_text, iterations_text;
	struct str     first = {s->first, s->first_size};
	struct str     own = {s->first + s->first_size - s->nonce_size, s->nonce_size};
	const uint8_t *final = w->p;
	uint32_t       iterations;

	if (!field(&rest, 'r', &nonce) || !str_starts(nonce, own) ||
	    !field(&rest, 's', &salt_text) || !field(&rest, 'i', &iterations_text) ||
	    !iterations_parse(iterations_text, &iterations) || !base64_parse(salt_text, &decoded) ||
	    !stretch(salted, password, (struct str){(const char *)salt, put_size(&decoded)},
		     iterations))
		return false;
	put_str(w, STR("c="));
	base64_put(w, gs2.p, gs2.n);
	put_str(w, STR(",r="));
	put_str(w, nonce);
	put_str(&a, first);
	put_u8(&a, ',');
	put_str(&a, challenge);
	put_u8(&a, ',');
	put_bytes(&a, final, (size_t)(w->p - final));
	prove(s, salted->key, (struct str){auth, put_size(&a)}, proof);
	put_str(w, STR(",p="));
	base64_put(w, proof, sizeof(proof));
	return !w->failed && !a.failed;
}

bool scram_client_proves(const struct scram_client *s, struct str last)
{
	uint8_t    bytes[SCRAM_SHA1_SIZE + 3];
	struct put decoded = put_to(bytes, sizeof(bytes));
	struct str value;

	return field(&last, 'v', &value) && base64_parse(value, &decoded) &&
	       put_size(&decoded) == SCRAM_SHA1_SIZE &&
	       memcmp(bytes, s->signature, SCRAM_SHA1_SIZE) == 0;
}
