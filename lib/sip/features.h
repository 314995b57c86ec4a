/*
 * What devices say of themselves by feature tags (RFC 3840), as bits of proto_binding.features; the
 * table is features.def. Pure; any thread.
 */
#pragma once

#include "base/put.h"
#include "base/str.h"

enum {
#define SIP_FEATURE(id, bit, ability, tag, value) SIP_FEATURE_##id = (bit),
#include "sip/features.def"
#undef SIP_FEATURE
#define SIP_FEATURE(id, bit, ability, tag, value) | (bit)
	SIP_FEATURES_TOLD = 0 /* all of them */
#include "sip/features.def"
#undef SIP_FEATURE
};

/* Of the parameters of a Contact; what is not known is passed over. */
uint16_t sip_features_of(struct str params);
/* One feature, by the name of its tag and by the tag's value between the quotes. */
uint16_t sip_feature_bits(struct str tag, struct str value);
/* The same as parameters, each with its ";". */
void sip_features_put(uint32_t features, struct put *w);
/* As abilities: bits of enum msg_ability. */
uint32_t sip_abilities(uint16_t features);
