/* The values of the other header fields (RFC 3261, 20; digest: RFC 7616 and 8760). Everything is
 * lent from the text. Pure; any thread. */
#pragma once

#include "sip/message.h"
#include "sip/uri.h"

struct sip_media { /* Content-Type, an element of Accept: type "/" subtype, either maybe "*" */
	struct str type, subtype, params;
};

bool sip_media_parse(struct str value, struct sip_media *media);
bool sip_media_is(const struct sip_media *media, struct str type, struct str subtype);
/* charset, boundary: value as a token, or between the quotes. */
bool sip_media_param(const struct sip_media *media, struct str name, struct str *value);

/* delta-seconds, saturated at 2^32 - 1 (20.19); what follows (comment, parameters) is ignored. */
bool sip_seconds_parse(struct str value, uint32_t *seconds);
/* SIP-date (25.1), GMT only; seconds since 1970, years 1970 to 9999. */
bool sip_date_parse(struct str value, uint64_t *seconds);
/* The same, written; seconds below SIP_DATE_END. */
#define SIP_DATE_END 253402300800ull /* the year 10000 */
void sip_put_date(struct put *w, uint64_t seconds);

/* The last date that was written, for who writes one many times a second. Zeroed at first. */
#define SIP_DATE_SIZE 29u
struct sip_date {
	uint64_t seconds;
	char     text[SIP_DATE_SIZE]; /* its first byte 0: none was written */
};
void sip_put_date_again(struct put *w, uint64_t seconds, struct sip_date *last);

/* q of Contact (20.10) in thousandths, 0 to 1000. */
bool sip_q_parse(struct str text, unsigned *thousandths);

/* Does a list of tokens have this one, without regard to case? Supported, Require, Allow, Privacy
 * (whose elements a ";" parts) ... */
bool sip_list_has(const struct sip_message *m, enum sip_header_id id, struct str token);

enum sip_digest_field {
#define SIP_DIGEST(id, name) SIP_DIGEST_##id,
#include "sip/digest.def"
#undef SIP_DIGEST
	SIP_DIGEST_COUNT
};

/* A challenge or credentials: a scheme and its parameters. */
struct sip_auth {
	struct str scheme;
	bool       digest; /* the scheme is Digest: fields are filled */
	bool       has[SIP_DIGEST_COUNT];
	bool       quoted[SIP_DIGEST_COUNT];
	struct str field[SIP_DIGEST_COUNT]; /* quoted ones: between the quotes, pairs as they are */
};

/* One line of Authorization, Proxy-Authorization, WWW-Authenticate, Proxy-Authenticate (a line
 * holds one: 20.7, 20.44). False: wrong syntax, or a known parameter twice. */
bool sip_auth_parse(struct str value, struct sip_auth *auth);
/* The same for Authentication-Info, which has no scheme. */
bool sip_auth_info_parse(struct str value, struct sip_auth *auth);
