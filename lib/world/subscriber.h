/*
 * Subscribers of a world: who is reached by a number of their own, and what they prove themselves
 * with. Look-ups: any thread that may read the world; what they give is lent until that thread is
 * quiescent. A look-up is one SipHash of the text and about three dependent loads that miss the
 * caches at a million subscribers, the subscriber's own line being the last.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/scram.h"
#include "base/str.h"

struct world;

#define WORLD_SUBSCRIBERS_MAX (1u << 24)
#define WORLD_HA1_MD5_SIZE 16u
#define WORLD_HA1_SHA256_SIZE 32u

/* Immutable. Its texts and digests lie behind it, so that most need one line. */
struct world_subscriber {
	uint64_t made : 34; /* the world's own: number of the change that made it */
	uint64_t address_size : 8;
	uint64_t sip_size : 8;
	uint64_t xmpp_size : 8;
	uint64_t reach_size : 4;
	uint64_t has_ha1 : 1;   /* it has a password, and an address of SIP or of XMPP */
	uint64_t has_scram : 1; /* and one of XMPP */
	char     bytes[];       /* address, sip, xmpp, reach, HA1 by MD5, HA1 by SHA-256,
				   scram_credentials */
};

/* "+46701234567", or a short number. */
static inline struct str world_subscriber_address(const struct world_subscriber *s)
{
	return (struct str){s->bytes, s->address_size};
}

/* "sip:alice@example.org"; empty: it does not register. */
static inline struct str world_subscriber_sip(const struct world_subscriber *s)
{
	return (struct str){s->bytes + s->address_size, s->sip_size};
}

/* "xmpp:alice@example.org"; empty: it does not log in. */
static inline struct str world_subscriber_xmpp(const struct world_subscriber *s)
{
	return (struct str){s->bytes + s->address_size + s->sip_size, s->xmpp_size};
}

/* In which order it is reached: words of struct conf_reach, a byte each; empty: it has not said. */
static inline struct str world_subscriber_reach(const struct world_subscriber *s)
{
	return (struct str){s->bytes + s->address_size + s->sip_size + s->xmpp_size, s->reach_size};
}

/* That of a scheme, "sip"; empty: it has none there. */
static inline struct str world_subscriber_in(const struct world_subscriber *s, struct str scheme)
{
	if (str_eq(scheme, STR("xmpp")))
		return world_subscriber_xmpp(s);
	return str_eq(scheme, STR("sip")) ? world_subscriber_sip(s) : STR("");
}

/* HA1 of RFC 7616, 3.4.2, and RFC 8760, over user, domain as realm, and password: raw bytes. NULL:
 * it has no password, or nothing to register as; zero where it has an address of XMPP alone. */
static inline const uint8_t *world_subscriber_ha1_md5(const struct world_subscriber *s)
{
	return s->has_ha1 ? (const uint8_t *)s->bytes + s->address_size + s->sip_size +
				    s->xmpp_size + s->reach_size
			  : NULL;
}

static inline const uint8_t *world_subscriber_ha1_sha256(const struct world_subscriber *s)
{
	return s->has_ha1 ? world_subscriber_ha1_md5(s) + WORLD_HA1_MD5_SIZE : NULL;
}

/* What it proves itself with in XMPP, struct scram_credentials. NULL: as above. */
static inline const struct scram_credentials *
world_subscriber_scram(const struct world_subscriber *s)
{
	return s->has_scram ? (const void *)(world_subscriber_ha1_sha256(s) + WORLD_HA1_SHA256_SIZE)
			    : NULL;
}

/* NULL: there is none. Texts in normal form; of an address of record that is aor_write()'s. */
const struct world_subscriber *world_subscriber_by_address(const struct world *w,
							   struct str          address);
const struct world_subscriber *world_subscriber_by_uri(const struct world *w, struct str uri);
uint64_t                       world_subscriber_count(const struct world *w);
