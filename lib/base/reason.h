/* Why something was refused: one closed list, reasons.def. Pure; any thread. */
#pragma once

enum reason_class {
	REASON_CLASS_OK,
	REASON_CLASS_TEMPORARY,
	REASON_CLASS_PERMANENT,
	REASON_CLASS_PROTOCOL
};

enum reason {
#define REASON(name, class, text) REASON_##name,
#include "base/reasons.def"
#undef REASON
	REASON_COUNT
};

const char       *reason_name(enum reason why); /* "NO_ROUTE": lists, labels, JSON */
const char       *reason_text(enum reason why); /* a sentence */
enum reason_class reason_class(enum reason why);
