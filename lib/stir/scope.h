/*
 * The numbers that a certificate is for: the TN Authorization List of RFC 8226, 9, an extension of
 * certificates. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/str.h"

#define STIR_SCOPE_MAX 64u /* entries of a list */
#define STIR_SCOPE_NUMBER_MAX 15u

struct stir_range {
	uint8_t  size;         /* digits of each number */
	uint64_t first, count; /* of numbers */
};

struct stir_scope {
	unsigned          providers; /* codes of service providers, which numbers do not tell */
	unsigned          count;
	struct stir_range ranges[STIR_SCOPE_MAX];
};

/* From the DER of the extension. False: it is no such list, or longer than the limit. */
bool stir_scope_read(struct cur der, struct stir_scope *scope);
/* May who has it speak for that number? One with the code of a provider for any. */
bool stir_scope_has(const struct stir_scope *scope, struct str number);
