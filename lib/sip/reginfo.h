/*
 * application/reginfo+xml (RFC 3680, 5): where somebody is registered, as a registrar tells who
 * watches. Read as a whole; what is not of that document is passed over, pub-gruu and temp-gruu
 * (RFC 5628) too. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "sip/body.h"

#define SIP_REGINFO_REGISTRATIONS_MAX 16u /* of one document: the identities of a user */
#define SIP_REGINFO_CONTACTS_MAX 64u      /* of all of them */

struct sip_reginfo_contact {
	struct str id; /* names it within the registration, also in later documents */
	bool       active;
	uint16_t   features; /* by its unknown-params (features.h) */
};

struct sip_reginfo_registration {
	struct str aor, id;
	bool       active;       /* else nobody is there: init or terminated */
	unsigned   first, count; /* of the contacts */
};

struct sip_reginfo {
	uint32_t                        version;
	bool                            full; /* else only what has changed */
	unsigned                        registration_count, contact_count;
	struct sip_reginfo_registration registrations[SIP_REGINFO_REGISTRATIONS_MAX];
	struct sip_reginfo_contact      contacts[SIP_REGINFO_CONTACTS_MAX];
};

/*
 * The texts point into the document or, those with references, into the room, which never needs
 * more than the document has. SYNTAX: not well-formed, another root, a version that is no number, a
 * state or aor that is not known or not there. LIMIT: more than the limits above, or those of
 * xml/xml.h.
 */
enum sip_body sip_reginfo_parse(struct cur document, struct put *room, struct sip_reginfo *info);
