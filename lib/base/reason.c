#include "base/reason.h"

#include "base/assert.h"

static const struct {
	const char *name, *text;
	enum reason_class class;
} reasons[REASON_COUNT] = {
#define REASON(name, class, text) [REASON_##name] = {#name, text, REASON_CLASS_##class},
#include "base/reasons.def"
#undef REASON
};

const char *reason_name(enum reason why)
{
	ASSERT(why < REASON_COUNT);
	return reasons[why].name;
}

const char *reason_text(enum reason why)
{
	ASSERT(why < REASON_COUNT);
	return reasons[why].text;
}

enum reason_class reason_class(enum reason why)
{
	ASSERT(why < REASON_COUNT);
	return reasons[why].class;
}
