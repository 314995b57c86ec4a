/*
 * The Identity header field (RFC 8224): the PASSporT that signs who sends a request, to whom, and
 * of a MESSAGE what (RFC 9475). A MESSAGE is held to one of type msg, whose digest covers the body
 * as it stands in the request; an INVITE to a plain one or one of SHAKEN. Others are passed over.
 *
 * The sender that is held to is the one that the message gets: P-Asserted-Identity of who is
 * trusted, else From (RFC 8224, 4.1); the recipient is To. Numbers are compared by their digits,
 * URIs in our normal form. No state, no memory of its own (OpenSSL's aside, stir/store.h). Workers.
 */
#pragma once

#include "sip/map.h"

#define SIP_IDENTITIES_MAX 4u       /* of a request that are looked at */
#define SIP_IDENTITY_KEPT_MAX 2048u /* bytes of one that goes along with its message */
#define SIP_IDENTITY_SIZE_MAX 5120u /* bytes of a line of ours */

struct sip_identity {
	struct str token; /* the PASSporT */
	struct str info;  /* the URL of its certificate, between < and > */
	struct str ppt;   /* empty: not said */
};

/* The value of one. False: the syntax is wrong, or an algorithm is named that is not ES256. */
bool sip_identity_parse(struct str value, struct sip_identity *identity);

/* What a request proves. NONE: its sender; IDENTITY_MISSING: it has no Identity of a type that is
 * taken; else what is wrong with the first that has. */
enum reason sip_identity_check(const struct sip_map *map, const struct sip_message *in,
			       const struct sip_mandatory *known, const struct sip_sender *from);

/* verstat of a URI (TS 24.229, 7.2A.20). */
enum msg_identity sip_verstat_of(const struct sip_uri *uri);
/* The word for it; empty: there is none. */
struct str sip_verstat(enum msg_identity identity);

/*
 * The Identity of a MESSAGE to a peer, that is written in *w from `at` on, goes in front of its
 * lines there: the one that it came with, where that still holds of what is written, else ours,
 * where the peer is to get one.
 */
void sip_identity_put_message(const struct sip_map *map, const struct msg *m,
			      const struct sip_way *way, size_t at, struct put *w);
/* Ours of an INVITE, as the next line. */
void sip_identity_put_invite(const struct sip_map *map, const struct msg *m,
			     const struct sip_way *way, struct put *w);
