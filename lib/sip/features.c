#include "sip/features.h"

#include "msg/msg.h"
#include "sip/lex.h"
#include "sip/uri.h"

static const struct feature {
	uint16_t   bit;
	uint8_t    ability;
	struct str tag, value;
} features[] = {
#define SIP_FEATURE(id, bit, ability, tag, value)                                                  \
	{(bit), MSG_ABILITY_##ability, {(tag), sizeof(tag) - 1}, {(value), sizeof(value) - 1}},
#include "sip/features.def"
#undef SIP_FEATURE
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

/* The last name of a URN, however its colons are written. */
static struct str last_name(struct str urn)
{
	size_t at = urn.n;

	while (at > 0 && urn.p[at - 1] != ':' &&
	       !(at >= 3 && sip_same((struct str){urn.p + at - 3, 3}, STR("%3a"))))
		at--;
	return str_skip(urn, at);
}

/* The elements of a tag's value have commas between them. */
static bool has_element(struct str list, struct str wanted)
{
	while (list.n > 0) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t      n = comma != NULL ? (size_t)(comma - list.p) : list.n;
		struct str  element = {list.p, n};

		while (element.n > 0 && (element.p[0] == ' ' || element.p[0] == '<'))
			element = str_skip(element, 1);
		while (element.n > 0 &&
		       (element.p[element.n - 1] == ' ' || element.p[element.n - 1] == '>'))
			element.n--;
		if (sip_same(last_name(element), last_name(wanted)))
			return true;
		list = str_skip(list, n < list.n ? n + 1 : n);
	}
	return false;
}

uint16_t sip_feature_bits(struct str tag, struct str value)
{
	uint16_t bits = 0;

	for (size_t i = 0; i < FEATURES; i++) {
		const struct feature *f = &features[i];

		if (sip_same(tag, f->tag) && (f->value.n == 0 || has_element(value, f->value)))
			bits |= f->bit;
	}
	return bits;
}

uint16_t sip_features_of(struct str params)
{
	struct cur       c = sip_cur(params);
	struct sip_param p;
	uint16_t         bits = 0;

	while (sip_param_next(&c, &p))
		bits |= sip_feature_bits(p.name, p.value);
	return bits;
}

void sip_features_put(uint32_t bits, struct put *w)
{
	const struct feature *before = NULL;

	for (size_t i = 0; i < FEATURES; i++) {
		const struct feature *f = &features[i];
		bool                  same = before != NULL && str_eq(before->tag, f->tag);

		if ((bits & f->bit) == 0)
			continue;
		if (before != NULL && before->value.n > 0 && !same)
			put_u8(w, '"');
		put_str(w, same ? STR(",") : STR(";"));
		if (!same)
			put_str(w, f->tag);
		if (!same && f->value.n > 0)
			put_str(w, STR("=\""));
		put_str(w, f->value);
		before = f;
	}
	if (before != NULL && before->value.n > 0)
		put_u8(w, '"');
}

uint32_t sip_abilities(uint16_t bits)
{
	uint32_t abilities = 0;

	for (size_t i = 0; i < FEATURES; i++) {
		if ((bits & features[i].bit) != 0)
			abilities |= 1u << features[i].ability;
	}
	return abilities;
}
