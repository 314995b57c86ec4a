/* Header fields and methods by their names. */
#include "sip/names.h"

#include "base/assert.h"
#include "sip/print.h"

#define NAME_MAX SIP_LABEL_MAX

const struct sip_label sip_labels[SIP_HEADER_OTHER + 1] = {
#define SIP_HEADER(id, name, compact, how)                                                         \
	[SIP_##id] = {.text = name ": ",                                                           \
		      .mask = (1u << (sizeof(name) + 1)) - 1,                                      \
		      .size = sizeof(name) + 1},
#include "sip/headers.def"
#undef SIP_HEADER
};

static const struct {
	char                name[NAME_MAX];
	uint8_t             size;
	enum sip_header_how how;
} headers[SIP_HEADER_OTHER] = {
#define SIP_HEADER(id, name, compact, how) [SIP_##id] = {name, sizeof(name) - 1, SIP_HEADER_##how},
#include "sip/headers.def"
#undef SIP_HEADER
};

/* Where several names have one length or no compact form, the last line of the table stays. */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
static const uint8_t last_of_length[NAME_MAX] = {
/* id + 1; 0: no name has it */
#define SIP_HEADER(id, name, compact, how) [sizeof(name) - 1] = SIP_##id + 1,
#include "sip/headers.def"
#undef SIP_HEADER
};

static const uint8_t of_compact[256] = {
/* id + 1 */
#define SIP_HEADER(id, name, compact, how) [compact] = SIP_##id + 1,
#include "sip/headers.def"
#undef SIP_HEADER
};
#pragma GCC diagnostic pop

enum sip_header_id sip_header_classify(struct str name)
{
	unsigned id;

	if (name.n == 1) {
		id = of_compact[(uint8_t)(name.p[0] | 0x20)];
		return id > 0 && (name.p[0] | 0x20) != ' ' ? (enum sip_header_id)(id - 1)
							   : SIP_HEADER_OTHER;
	}
	if (name.n >= NAME_MAX)
		return SIP_HEADER_OTHER;
	/* The table is in the order of lengths: those of one length stand together. */
	for (id = last_of_length[name.n]; id > 0 && headers[id - 1].size == name.n; id--) {
		if (((headers[id - 1].name[0] ^ name.p[0]) & 0xdf) == 0 &&
		    sip_same_bytes(headers[id - 1].name, name.p, name.n))
			return (enum sip_header_id)(id - 1);
	}
	return SIP_HEADER_OTHER;
}

const char *sip_header_name(enum sip_header_id id)
{
	return id < SIP_HEADER_OTHER ? headers[id].name : NULL;
}

enum sip_header_how sip_header_how(enum sip_header_id id)
{
	return id < SIP_HEADER_OTHER ? headers[id].how : SIP_HEADER_MANY;
}

static const struct str methods[SIP_METHOD_COUNT] = {
#define SIP_METHOD(name) [SIP_METHOD_##name] = {#name, sizeof(#name) - 1},
#include "sip/methods.def"
#undef SIP_METHOD
};

enum sip_method sip_method_classify(struct str name)
{
	for (unsigned i = 1; i < SIP_METHOD_COUNT; i++) {
		if (str_eq(methods[i], name))
			return (enum sip_method)i;
	}
	return SIP_METHOD_OTHER;
}

const char *sip_method_name(enum sip_method method)
{
	return method > SIP_METHOD_OTHER && method < SIP_METHOD_COUNT ? methods[method].p : NULL;
}
