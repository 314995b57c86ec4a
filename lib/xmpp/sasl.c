#include "xmpp/sasl.h"

#include <openssl/crypto.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/cur.h"
#include "base/utf8.h"
#include "xmpp/jid.h"
#include "xmpp/scram_hash.h"

enum { STEP_INITIAL, STEP_FINAL, STEP_OVER };

static const struct str mechanisms[XMPP_MECHANISM_COUNT] = {
#define XMPP_MECHANISM(name, text) {text, sizeof(text) - 1},
#include "xmpp/sasl_mechanisms.def"
#undef XMPP_MECHANISM
};

static const struct str errors[XMPP_SASL_ERROR_COUNT] = {
#define XMPP_SASL_ERROR(name, element) {element, sizeof(element) - 1},
#include "xmpp/sasl_errors.def"
#undef XMPP_SASL_ERROR
};

struct str xmpp_mechanism_text(enum xmpp_mechanism m)
{
	return mechanisms[m];
}

enum xmpp_mechanism xmpp_mechanism_of(struct str text)
{
	enum xmpp_mechanism m = 0;

	while (m < XMPP_MECHANISM_COUNT && !str_eq(mechanisms[m], text))
		m++;
	return m;
}

struct str xmpp_sasl_error_text(enum xmpp_sasl_error error)
{
	return errors[error];
}

static enum xmpp_sasl_step fail(struct xmpp_sasl *s, enum xmpp_sasl_error *error,
				enum xmpp_sasl_error why)
{
	s->step = STEP_OVER;
	*error = why;
	return XMPP_SASL_FAILURE;
}

static bool is_utf8(struct str s)
{
	struct cur c = cur_of(s.n > 0 ? s.p : "", s.n);

	while (cur_left(&c) > 0) {
		if (utf8_next(&c) == 0)
			return false; /* NUL, too: it stands in no name and no password */
	}
	return !c.failed;
}

/* Up to the next comma, which is taken. */
static struct str field(struct str *rest)
{
	const char *comma = rest->n > 0 ? memchr(rest->p, ',', rest->n) : NULL;
	struct str  f = {rest->p, comma != NULL ? (size_t)(comma - rest->p) : rest->n};

	*rest = str_skip(*rest, f.n + 1);
	return f;
}

/* A field "x=value"; false: another. */
static bool field_value(struct str f, char name, struct str *value)
{
	*value = str_skip(f, 2);
	return f.n >= 2 && f.p[0] == name && f.p[1] == '=';
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, and no other stands (RFC 5802, 5.1). */
static bool name_put(struct put *w, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		struct str left = str_skip(name, i);
		bool       comma = str_starts(left, STR("=2C"));

		if (name.p[i] == '=' && !comma && !str_starts(left, STR("=3D")))
			return false;
		put_u8(w, (uint8_t)(comma ? ',' : name.p[i]));
		i += name.p[i] == '=' ? 2 : 0;
	}
	return name.n > 0 && !w->failed;
}

static bool nonce_valid(struct str nonce)
{
	for (size_t i = 0; i < nonce.n; i++) {
		if (nonce.p[i] <= ' ' || nonce.p[i] == 0x7f || nonce.p[i] == ',')
			return false;
	}
	return nonce.n > 0 && nonce.n <= XMPP_SASL_NONCE_MAX;
}

/* The name in normal form. One that has none is kept empty: nobody has it. */
static void user_keep(struct xmpp_sasl *s, struct str name)
{
	struct put w = put_to(s->user, sizeof(s->user));

	s->user_size = xmpp_username_put(&w, name) ? (uint8_t)put_size(&w) : 0;
}

/* Credentials, real or made up of the name. */
static bool credentials(const struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
			struct scram_credentials *c)
{
	struct str user = xmpp_sasl_user(s);
	uint8_t    digest[SCRAM_HASH_MAX];

	if (user.n > 0 && env->credentials(env->context, user, env->domain, c))
		return true;
	memset(c, 0, sizeof(*c));
	scram_hmac(true, env->secret, user, digest);
	memcpy(c->salt, digest, sizeof(c->salt));
	return false;
}

/* Asked for itself, or nobody else: user@domain, or nothing (RFC 6120, 6.3.8). */
static bool authorised(const struct xmpp_sasl *s, const struct xmpp_sasl_env *env)
{
	char            room[XMPP_SASL_USER_MAX + 256];
	struct put      w = put_to(room, sizeof(room));
	struct xmpp_jid jid;

	return s->authzid_size == 0 ||
	       (xmpp_jid_parse((struct str){s->authzid, s->authzid_size}, &w, &jid) &&
		jid.resource.n == 0 && str_eq(jid.local, xmpp_sasl_user(s)) &&
		str_eq(jid.domain, env->domain));
}

static enum xmpp_sasl_step verdict(struct xmpp_sasl *s, const struct xmpp_sasl_env *env, bool right,
				   enum xmpp_sasl_error *error)
{
	if (!right)
		return fail(s, error, XMPP_SASL_NOT_AUTHORIZED);
	if (!authorised(s, env))
		return fail(s, error, XMPP_SASL_INVALID_AUTHZID);
	s->step = STEP_OVER;
	return XMPP_SASL_SUCCESS;
}

static bool authzid_keep(struct xmpp_sasl *s, struct str text)
{
	if (text.n > sizeof(s->authzid) || !is_utf8(text))
		return false;
	s->authzid_size = (uint8_t)text.n;
	if (text.n > 0)
		memcpy(s->authzid, text.p, text.n);
	return true;
}

/* RFC 4616, 2: [authzid] NUL authcid NUL passwd */
static enum xmpp_sasl_step plain(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
				 struct str message, enum xmpp_sasl_error *error)
{
	const char *first = message.n > 0 ? memchr(message.p, 0, message.n) : NULL;
	struct str  authzid = {message.p, first != NULL ? (size_t)(first - message.p) : 0};
	struct str  name = first != NULL ? str_skip(message, authzid.n + 1) : STR("");
	const char *second = name.n > 0 ? memchr(name.p, 0, name.n) : NULL;
	struct str  password =
                second != NULL ? str_skip(name, (size_t)(second - name.p) + 1) : STR("");
	char                     room[XMPP_PART_SIZE_MAX];
	struct put               w = put_to(room, sizeof(room));
	struct scram_credentials c;
	uint8_t                  digest[SCRAM_HASH_MAX];
	bool                     known, right;

	if (second == NULL || password.n == 0)
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	name.n = (size_t)(second - name.p);
	if (!is_utf8(name) || !is_utf8(password) || !authzid_keep(s, authzid))
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	user_keep(s, name);
	known = credentials(s, env, &c);
	known &= xmpp_opaque_put(&w, password);
	scram_hash(true, (struct str){(const char *)c.salt, sizeof(c.salt)},
		   (struct str){room, put_size(&w)}, digest);
	right = CRYPTO_memcmp(digest, c.plain, sizeof(c.plain)) == 0;
	OPENSSL_cleanse(room, sizeof(room));
	OPENSSL_cleanse(&c, sizeof(c));
	return verdict(s, env, right && known, error);
}

/* gs2-header: channel binding that nobody asks for, and an authorisation identity (RFC 5802, 7). */
static bool gs2_read(struct xmpp_sasl *s, struct str message, struct str *bare)
{
	struct str rest = message, flag = field(&rest), identity = field(&rest), name;
	char       room[XMPP_SASL_USER_MAX];
	struct put w = put_to(room, sizeof(room));

	if (!str_eq(flag, STR("n")) && !str_eq(flag, STR("y")))
		return false; /* "p=...": no mechanism that was offered binds a channel */
	if (identity.n > 0) {
		if (!field_value(identity, 'a', &name) || !name_put(&w, name) ||
		    !authzid_keep(s, (struct str){room, put_size(&w)}))
			return false;
	}
	*bare = rest;
	s->gs2_size = (uint16_t)(message.n - rest.n);
	return rest.n > 0;
}

/* server-first-message */
static void challenge_put(struct put *w, struct str client_nonce, struct str nonce,
			  const struct scram_credentials *c)
{
	char   digits[12];
	size_t n = 0;

	put_str(w, STR("r="));
	put_str(w, client_nonce);
	put_str(w, nonce);
	put_str(w, STR(",s="));
	base64_put(w, c->salt, sizeof(c->salt));
	put_str(w, STR(",i="));
	for (unsigned left = SCRAM_ITERATIONS; left > 0; left /= 10)
		digits[n++] = (char)('0' + left % 10);
	while (n > 0)
		put_u8(w, (uint8_t)digits[--n]);
}

/* client-first-message */
static enum xmpp_sasl_step scram_first(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
				       struct str message, struct str nonce, struct put *reply,
				       enum xmpp_sasl_error *error)
{
	char       room[XMPP_SASL_MESSAGE_MAX];
	struct put w = put_to(s->text, sizeof(s->text)), name = put_to(room, sizeof(room));
	struct str bare, rest, user, client_nonce;
	struct scram_credentials c;
	size_t                   mark;

	if (!is_utf8(message) || !gs2_read(s, message, &bare))
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	rest = bare; /* "m=" would come first: an extension that must be understood */
	if (!field_value(field(&rest), 'n', &user) || !name_put(&name, user) ||
	    !field_value(field(&rest), 'r', &client_nonce) || !nonce_valid(client_nonce))
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	user_keep(s, (struct str){room, put_size(&name)});
	credentials(s, env, &c);
	put_str(&w, (struct str){message.p, s->gs2_size});
	put_str(&w, bare);
	put_u8(&w, ',');
	mark = put_size(&w);
	challenge_put(&w, client_nonce, nonce, &c);
	ASSERT(!w.failed);
	OPENSSL_cleanse(&c, sizeof(c));
	s->bare_size = (uint16_t)bare.n;
	s->first_size = (uint16_t)(put_size(&w) - mark);
	s->nonce_off = (uint16_t)(mark + 2);
	s->nonce_size = (uint16_t)(client_nonce.n + nonce.n);
	put_str(reply, (struct str){s->text + mark, s->first_size});
	s->step = STEP_FINAL;
	return XMPP_SASL_CHALLENGE;
}

/* The fields of client-final-message; *proofless is where ",p=" begins. */
static bool final_read(const struct xmpp_sasl *s, struct str message, size_t *proofless,
		       struct put *proof)
{
	struct str rest = message, value;
	char       room[XMPP_SASL_MESSAGE_MAX];
	struct put w = put_to(room, sizeof(room));

	if (!field_value(field(&rest), 'c', &value) || !base64_parse(value, &w) ||
	    !str_eq((struct str){room, put_size(&w)}, (struct str){s->text, s->gs2_size}))
		return false;
	if (!field_value(field(&rest), 'r', &value) ||
	    !str_eq(value, (struct str){s->text + s->nonce_off, s->nonce_size}))
		return false;
	while (rest.n > 0) { /* extensions that need not be understood come before the proof */
		*proofless = message.n - rest.n - 1;
		if (field_value(field(&rest), 'p', &value))
			return rest.n == 0 && base64_parse(value, proof);
	}
	return false;
}

/* client-final-message */
static enum xmpp_sasl_step scram_final(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
				       struct str message, struct put *reply,
				       enum xmpp_sasl_error *error)
{
	bool       sha256 = s->mechanism == XMPP_MECHANISM_SCRAM_SHA_256, known, right;
	unsigned   size = scram_hash_size(sha256);
	uint8_t    proof[SCRAM_HASH_MAX], key[SCRAM_HASH_MAX], digest[SCRAM_HASH_MAX];
	struct put p = put_to(proof, sizeof(proof));
	char       room[3 * XMPP_SASL_MESSAGE_MAX];
	struct put auth = put_to(room, sizeof(room));
	struct scram_credentials c;
	const uint8_t           *stored = sha256 ? c.stored_sha256 : c.stored_sha1;
	size_t                   proofless;
	enum xmpp_sasl_step      step;

	if (!is_utf8(message) || !final_read(s, message, &proofless, &p) || put_size(&p) != size)
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	known = credentials(s, env, &c);
	put_str(&auth,
		(struct str){s->text + s->gs2_size, (size_t)s->bare_size + 1 + s->first_size});
	put_u8(&auth, ',');
	put_str(&auth, (struct str){message.p, proofless});
	ASSERT(!auth.failed);
	scram_hmac(sha256, stored, (struct str){room, put_size(&auth)}, key);
	for (unsigned i = 0; i < size; i++)
		key[i] ^= proof[i]; /* ClientKey, if it is he */
	scram_hash(sha256, (struct str){(const char *)key, size}, STR(""), digest);
	right = CRYPTO_memcmp(digest, stored, size) == 0;
	scram_hmac(sha256, sha256 ? c.server_sha256 : c.server_sha1,
		   (struct str){room, put_size(&auth)}, digest);
	OPENSSL_cleanse(&c, sizeof(c));
	OPENSSL_cleanse(key, sizeof(key));
	step = verdict(s, env, right && known, error);
	if (step == XMPP_SASL_SUCCESS) {
		put_str(reply, STR("v="));
		base64_put(reply, digest, size);
	}
	return step;
}

static enum xmpp_sasl_step initial_read(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
					struct str nonce, struct str message, struct put *reply,
					enum xmpp_sasl_error *error)
{
	if (message.n > XMPP_SASL_MESSAGE_MAX)
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	return s->mechanism == XMPP_MECHANISM_PLAIN
		       ? plain(s, env, message, error)
		       : scram_first(s, env, message, nonce, reply, error);
}

enum xmpp_sasl_step xmpp_sasl_begin(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
				    enum xmpp_mechanism m, struct str nonce, struct str initial,
				    struct put *reply, enum xmpp_sasl_error *error)
{
	ASSERT(m < XMPP_MECHANISM_COUNT && nonce.n > 0 && nonce.n <= 64);
	s->mechanism = (uint8_t)m;
	s->step = STEP_INITIAL;
	s->user_size = s->authzid_size = 0;
	if (initial.p != NULL)
		return initial_read(s, env, nonce, initial, reply, error);
	memcpy(s->text, nonce.p, nonce.n); /* until the first message comes */
	s->nonce_size = (uint16_t)nonce.n;
	return XMPP_SASL_CHALLENGE;
}

enum xmpp_sasl_step xmpp_sasl_response(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
				       struct str response, struct put *reply,
				       enum xmpp_sasl_error *error)
{
	char nonce[64];

	if (response.n > XMPP_SASL_MESSAGE_MAX)
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	if (s->step == STEP_FINAL)
		return scram_final(s, env, response, reply, error);
	if (s->step != STEP_INITIAL)
		return fail(s, error, XMPP_SASL_MALFORMED_REQUEST);
	memcpy(nonce, s->text, s->nonce_size);
	return initial_read(s, env, (struct str){nonce, s->nonce_size}, response, reply, error);
}
