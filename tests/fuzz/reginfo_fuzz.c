/*
 * Fuzz target: where a registrar says that somebody is registered. What is read stays within its
 * limits, its contacts belong to its registrations in order, its texts lie in the document or in
 * the room, and the same bytes are read the same again.
 */
#include <string.h>

#include "base/assert.h"
#include "sip/features.h"
#include "sip/reginfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 16384u

static char room[SIZE_MAX_IN], again_room[SIZE_MAX_IN];

static bool lies_in(struct str text, const void *from, size_t n)
{
	return text.p >= (const char *)from && text.p + text.n <= (const char *)from + n;
}

static void texts_are_lent(const struct sip_reginfo *info, struct cur in)
{
	size_t n = cur_left(&in);

	for (unsigned i = 0; i < info->registration_count; i++) {
		struct str aor = info->registrations[i].aor;

		ASSERT(lies_in(aor, in.p, n) || lies_in(aor, room, n));
	}
	for (unsigned i = 0; i < info->contact_count; i++) {
		struct str id = info->contacts[i].id;

		ASSERT(lies_in(id, in.p, n) || lies_in(id, room, n));
		ASSERT((info->contacts[i].features & ~SIP_FEATURES_TOLD) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_reginfo info, again;
	struct cur                in = cur_of(data, size);
	struct put                w = put_to(room, size), v = put_to(again_room, size);
	unsigned                  contacts = 0;

	if (size > SIZE_MAX_IN)
		return 0;
	if (sip_reginfo_parse(in, &w, &info) != SIP_BODY_OK)
		return 0;
	ASSERT(!w.failed && info.registration_count <= SIP_REGINFO_REGISTRATIONS_MAX);
	for (unsigned i = 0; i < info.registration_count; i++) {
		ASSERT(info.registrations[i].first == contacts);
		contacts += info.registrations[i].count;
	}
	ASSERT(contacts == info.contact_count && contacts <= SIP_REGINFO_CONTACTS_MAX);
	texts_are_lent(&info, in);
	ASSERT(sip_reginfo_parse(in, &v, &again) == SIP_BODY_OK);
	ASSERT(again.contact_count == contacts && again.version == info.version);
	return 0;
}
