/*
 * The server's side of SASL (RFC 4422): SCRAM-SHA-256 and SCRAM-SHA-1 (RFC 5802, 7677) without
 * channel binding, and PLAIN (RFC 4616). Nothing that takes a client thousands of hashes is
 * computed here: the credentials have it. Who does not exist is challenged like everybody, with a
 * salt that is always the same, and fails at the end.
 *
 *	step = xmpp_sasl_begin(s, env, mechanism, nonce, initial, reply, &error)
 *	while (step == XMPP_SASL_CHALLENGE)
 *		... reply goes out, a response comes ...
 *		step = xmpp_sasl_response(s, env, response, reply, &error)
 *	SUCCESS: reply is the additional data, xmpp_sasl_user() whom the client is.
 *
 * What comes and goes here is without its Base 64. One owner; no memory. Workers.
 */
#pragma once

#include "base/put.h"
#include "base/scram.h"
#include "base/str.h"

enum xmpp_mechanism {
#define XMPP_MECHANISM(name, text) XMPP_MECHANISM_##name,
#include "xmpp/sasl_mechanisms.def"
#undef XMPP_MECHANISM
	XMPP_MECHANISM_COUNT
};

enum xmpp_sasl_error {
#define XMPP_SASL_ERROR(name, element) XMPP_SASL_##name,
#include "xmpp/sasl_errors.def"
#undef XMPP_SASL_ERROR
	XMPP_SASL_ERROR_COUNT
};

struct str xmpp_mechanism_text(enum xmpp_mechanism m);
/* COUNT: there is none of that name. */
enum xmpp_mechanism xmpp_mechanism_of(struct str text);
struct str          xmpp_sasl_error_text(enum xmpp_sasl_error error);

enum xmpp_sasl_step { XMPP_SASL_CHALLENGE, XMPP_SASL_SUCCESS, XMPP_SASL_FAILURE };

#define XMPP_SASL_MESSAGE_MAX 1024u /* of the client, decoded */
#define XMPP_SASL_USER_MAX 248u     /* bytes; with its domain it must be an address of a message */
#define XMPP_SASL_NONCE_MAX 128u    /* of the client */
#define XMPP_SASL_REPLY_MAX 512u
#define XMPP_SASL_SECRET_SIZE 32u

/* Whom to ask. */
struct xmpp_sasl_env {
	struct str domain;     /* of the stream, in normal form: user@domain may be asked for as
				  authorisation identity */
	const uint8_t *secret; /* makes the salts of those who do not exist; the same everywhere */
	void          *context;
	/* What proves user@domain; false: there is nobody, or nothing proves it. */
	bool (*credentials)(void *context, struct str user, struct str domain,
			    struct scram_credentials *c);
};

struct xmpp_sasl { /* of one try */
	uint8_t  mechanism, step;
	uint16_t gs2_size; /* of the first message: its head, which must come again */
	uint16_t bare_size, first_size;
	uint16_t nonce_off, nonce_size; /* in the text: both nonces, the client's first */
	uint8_t  user_size, authzid_size;
	char     user[XMPP_SASL_USER_MAX];    /* in normal form */
	char     authzid[XMPP_SASL_USER_MAX]; /* as it came */
	/* The head; then the first messages of both sides without it, with a comma between. */
	char text[XMPP_SASL_MESSAGE_MAX + 256];
};

/* initial: the first message of the client; all these mechanisms have one (p == NULL: it is left
 * out, and a challenge of no bytes asks for it). nonce: ours, of printable ASCII without comma,
 * never used before; at most 64 bytes. */
enum xmpp_sasl_step xmpp_sasl_begin(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
				    enum xmpp_mechanism m, struct str nonce, struct str initial,
				    struct put *reply, enum xmpp_sasl_error *error);
enum xmpp_sasl_step xmpp_sasl_response(struct xmpp_sasl *s, const struct xmpp_sasl_env *env,
				       struct str response, struct put *reply,
				       enum xmpp_sasl_error *error);

static inline struct str xmpp_sasl_user(const struct xmpp_sasl *s)
{
	return (struct str){s->user, s->user_size};
}
