/* What precis.c and code_point.c share, and nobody else includes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each character takes a byte at least; mapped and normalised, three at most of them. */
#define XMPP_CODES_MAX 1023u
#define XMPP_CODES_ROOM (4 * XMPP_CODES_MAX)

enum xmpp_class {
	XMPP_CLASS_IDENTIFIER, /* IdentifierClass; but for ASCII the same as IDNA's PVALID */
	XMPP_CLASS_FREEFORM
};

/* Is each of the characters of the class (RFC 8264, 8; RFC 5892), in its context (RFC 5892, A)? */
bool xmpp_codes_of_class(const uint32_t *codes, size_t n, enum xmpp_class class);
/* The bidi rule (RFC 5893, 2), which holds where there are characters from right to left. */
bool xmpp_codes_bidi(const uint32_t *codes, size_t n);
