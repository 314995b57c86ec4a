/*
 * Digest authentication (RFC 7616 and 8760, in SIP: RFC 3261, 22): MD5 and SHA-256, qop "auth".
 *
 * As server: a nonce is its time and a keyed hash over it and the realm, so that it is not kept and
 * every worker knows it; what is kept, for nonces that a right response came with, is which nonce
 * counts were seen. As client: the last challenge of a peer, answered again and again with a rising
 * nonce count. One worker; no memory but what is given.
 *
 * Server:
 *	switch (sip_digest_claim(d, message, SIP_AUTHORIZATION, realm, &claim))
 *	... the credentials of claim.username ...
 *	switch (sip_digest_check(d, now, &claim, method, uri, credentials or NULL))
 *	PROVEN: it is the subscriber. MALFORMED: 400. Else 401 (or 407) with sip_digest_challenge().
 */
#pragma once

#include <openssl/sha.h>

#include "base/now.h"
#include "metrics/metrics.h"
#include "proto/proto.h"
#include "sip/message.h"
#include "sip/value.h"

#define SIP_NONCE_SIZE 40u
#define SIP_NONCE_US (300 * US_PER_SECOND)
#define SIP_REALM_SIZE_MAX 255u

struct sip_nonce_set;

struct sip_digest { /* of an instance */
	struct metrics       *metrics;
	struct sip_nonce_set *sets;
	uint32_t              set_count;
	uint32_t              made; /* nonces; makes each another one */
	uint8_t               worker;
	SHA256_CTX            inner, outer; /* HMAC with the key taken in */
};

/* memory: zeroed, aligned to 64, kept by the caller; at least 128 bytes, of which each 128 remember
 * five nonces in use. shared_seed: the same at all workers, secret. */
void sip_digest_init(struct sip_digest *d, struct metrics *metrics, uint8_t worker,
		     uint64_t shared_seed, void *memory, size_t bytes);

enum sip_proof {
	SIP_PROOF_PROVEN,    /* of sip_digest_claim(): there are credentials, to be checked */
	SIP_PROOF_NONE,      /* no credentials for this realm: challenge */
	SIP_PROOF_STALE,     /* right, but for a nonce that is old, not ours, or its count was seen:
				challenge with stale */
	SIP_PROOF_WRONG,     /* challenge */
	SIP_PROOF_MALFORMED, /* 400 */
};

struct sip_claim { /* lent from the message */
	struct sip_auth auth;
	struct str      username; /* between the quotes, for sip_unquote_put() */
	struct str      realm;
	bool            sha256;
	uint32_t        nc;
	uint8_t         response[32];
};

/*
 * The credentials for a realm among Authorization or Proxy-Authorization. Those in the form of RFC
 * 2069, without qop and nonce count, are not taken (NONE): whoever overhears one could use it again
 * and again, and whom we challenge with qop must answer with it (RFC 3261, 22.4). So are an
 * algorithm, qop or user hash that no challenge of ours offers.
 */
enum sip_proof sip_digest_claim(struct sip_digest *d, const struct sip_message *m,
				enum sip_header_id header, struct str realm,
				struct sip_claim *claim);

/*
 * uri: the Request-URI, for which the credentials must be (MALFORMED otherwise, RFC 7616, 3.4).
 * credentials NULL: nobody has this name, which takes the same time and is WRONG. Every verdict is
 * counted.
 *
 * A count is seen by the worker that the request came to. Over UDP the same request comes to the
 * same worker, whatever its source; one that was overheard and given another Call-ID may come to
 * each other worker once, within the life of the nonce.
 */
enum sip_proof sip_digest_check(struct sip_digest *d, struct now now, const struct sip_claim *claim,
				struct str method, struct str uri,
				const struct proto_credentials *credentials);

enum sip_offer {
	SIP_OFFER_ALL, /* SHA-256 first, then MD5 (RFC 8760, 2.3) */
	SIP_OFFER_MD5, /* for who gives up where another is offered */
};

/* The lines WWW-Authenticate or Proxy-Authenticate, each with a new nonce. realm: at most
 * SIP_REALM_SIZE_MAX bytes. */
void sip_digest_challenge(struct sip_digest *d, struct now now, enum sip_header_id header,
			  struct str realm, enum sip_offer offer, bool stale, struct put *w);

#define SIP_CHALLENGE_REALM_MAX 96u
#define SIP_CHALLENGE_NONCE_MAX 192u
#define SIP_CHALLENGE_OPAQUE_MAX 64u

struct sip_challenge { /* of a peer, kept by a session; zeroed: none yet */
	bool     there, proxy, sha256;
	bool     qop;   /* "auth" is offered; else the form of RFC 2069 */
	bool     stale; /* a new nonce for credentials that were right */
	bool     opaque_there;
	uint8_t  realm_size, nonce_size, opaque_size;
	uint32_t nc; /* of the last use */
	uint8_t  ha1[32];
	char     realm[SIP_CHALLENGE_REALM_MAX];
	char     nonce[SIP_CHALLENGE_NONCE_MAX];
	char     opaque[SIP_CHALLENGE_OPAQUE_MAX];
};

/*
 * Takes the topmost challenge of a 401 or 407 that can be answered (RFC 8760, 2.4). False: there is
 * none; *c is as before. The nonce may be the one that is there: some give all who ask in a second
 * the same. Who gets true for a request that had credentials and finds ->stale false must not try
 * again (RFC 3261, 22.2).
 */
bool sip_challenge_take(struct sip_challenge *c, const struct sip_message *response,
			struct str identity, struct str secret);
/* The line Authorization or Proxy-Authorization for a request; each use counts. cnonce: random, of
 * the caller. Nothing where there is no challenge. */
void sip_challenge_answer(struct sip_challenge *c, struct str identity, struct str method,
			  struct str uri, uint64_t cnonce, struct put *w);
