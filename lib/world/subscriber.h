/*
 * Subscribers of a world: who is reached by a number of their own, and what they prove themselves
 * with. Look-ups: any thread that may read the world; what they give is lent until that thread is
 * quiescent. A look-up is one SipHash of the text and about three dependent loads that miss the
 * caches at a million subscribers, the subscriber's own line being the last.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct world;

#define WORLD_SUBSCRIBERS_MAX (1u << 24)
#define WORLD_HA1_MD5_SIZE 16u
#define WORLD_HA1_SHA256_SIZE 32u

/* Immutable. Its texts and digests lie behind it, so that most need one line. */
struct world_subscriber {
	uint64_t made : 40; /* the world's own: number of the change that made it */
	uint64_t address_size : 8;
	uint64_t sip_size : 8;
	uint64_t reach : 4; /* enum conf_reach */
	uint64_t has_password : 1;
	char     bytes[]; /* address, sip, HA1 by MD5, HA1 by SHA-256 */
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

/* HA1 of RFC 7616, 3.4.2, and RFC 8760, over user, domain as realm, and password: raw bytes. NULL:
 * it has no password, or nothing to register as. */
static inline const uint8_t *world_subscriber_ha1_md5(const struct world_subscriber *s)
{
	return s->has_password ? (const uint8_t *)s->bytes + s->address_size + s->sip_size : NULL;
}

static inline const uint8_t *world_subscriber_ha1_sha256(const struct world_subscriber *s)
{
	return s->has_password ? world_subscriber_ha1_md5(s) + WORLD_HA1_MD5_SIZE : NULL;
}

/* NULL: there is none. Texts in normal form; of an address of record that is aor_write()'s. */
const struct world_subscriber *world_subscriber_by_address(const struct world *w,
							   struct str          address);
const struct world_subscriber *world_subscriber_by_uri(const struct world *w, struct str uri);
uint64_t                       world_subscriber_count(const struct world *w);
