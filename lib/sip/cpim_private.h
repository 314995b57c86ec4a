/* What reading and writing message/cpim share: the table of headers and the names in them. */
#pragma once

#include "sip/cpim.h"

struct sip_cpim_known {
	enum sip_cpim_space space;
	bool                once; /* a second one is refused */
	struct str          name;
};

extern const struct sip_cpim_known sip_cpim_known[SIP_CPIM_HEADER_COUNT];

#define SIP_CPIM_WANTS 5u
extern const struct str sip_cpim_want_names[SIP_CPIM_WANTS]; /* by bit of SIP_CPIM_WANT_ */

extern const struct str sip_cpim_imdn_uri, sip_cpim_imdn_prefix;

bool sip_cpim_name_char(char c); /* RFC 3862, 3: NAMECHAR */
bool sip_cpim_uri_valid(struct str uri);
/* The value of an NS; false: it is none. */
bool sip_cpim_ns_parse(struct str value, struct str *prefix, struct str *uri);
