/*
 * Fuzz target: session descriptions. What is read points into the text; the answer to an offer can
 * be read, and has a medium for each of the offer's, of which one at most is wanted.
 */
#include <string.h>

#include "base/assert.h"
#include "sip/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str text;
static char       room[2 * SIP_SDP_SIZE_MAX];

static void inside(struct str s)
{
	ASSERT(s.n == 0 || (s.p >= text.p && s.p + s.n <= text.p + text.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_sdp              offer, answer;
	struct sip_sdp_ours         ours = {.media = {.port = 7},
					    .path = STR("msrp://0.0.0.0:7/x;tcp"),
					    .setup = SIP_SDP_PASSIVE,
					    .types = STR("message/cpim")};
	struct put                  w = put_to(room, sizeof(room));
	const struct sip_sdp_media *chosen;
	unsigned                    warning, wanted = 0;

	text = (struct str){(const char *)data, size};
	if (sip_sdp_parse(text, &offer) != SIP_BODY_OK)
		return 0;
	ASSERT(offer.count <= SIP_SDP_MEDIA_MAX);
	for (unsigned i = 0; i < offer.count; i++) {
		inside(offer.media[i].kind);
		inside(offer.media[i].protocol);
		inside(offer.media[i].formats);
		inside(offer.media[i].path);
		inside(offer.media[i].accept_types);
		inside(offer.media[i].wrapped_types);
	}
	chosen = sip_sdp_choose(&offer, &warning);
	ASSERT(chosen != NULL || (warning >= 302 && warning <= 306));
	sip_sdp_put(&w, &ours, &offer, chosen);
	ASSERT(!w.failed);
	ASSERT(sip_sdp_parse((struct str){room, put_size(&w)}, &answer) == SIP_BODY_OK);
	ASSERT(answer.count == offer.count);
	for (unsigned i = 0; i < answer.count; i++) {
		ASSERT(str_eq(answer.media[i].kind,
			      &offer.media[i] == chosen ? STR("message") : offer.media[i].kind));
		wanted += answer.media[i].port != 0;
	}
	ASSERT(wanted == (chosen != NULL));
	return 0;
}
