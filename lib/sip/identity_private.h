/* What the files of Identity share, and nobody else includes. */
#pragma once

#include "sip/identity.h"
#include "stir/passport.h"

struct sip_parties {
	struct sip_address from, to;
};

struct stir_party sip_party_of(const struct sip_address *a);
/* One of full form, and that it is of these two and this body; its time and signature are not
 * looked at. */
enum reason sip_identity_read(const struct sip_map *map, const struct sip_identity *identity,
			      const struct sip_parties *parties, struct str body,
			      struct stir_passport *p);
