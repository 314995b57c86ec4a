/*
 * Addresses in normal form, and back to the type of number, plan and digits of the telephone world
 * (SMPP 3.4, 5.2.5 to 5.2.9; TS 23.040, 9.1.2.5). Every protocol maps its own addresses to these,
 * so that routes, rules and limits see one form. Pure; any thread. DESIGN.md 5, "Addresses".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "msg/msg.h"

enum addr_ton {
	TON_UNKNOWN,
	TON_INTERNATIONAL,
	TON_NATIONAL,
	TON_NETWORK,
	TON_SUBSCRIBER,
	TON_ALPHANUMERIC,
	TON_ABBREVIATED,
	TON_COUNT
};
enum addr_npi { NPI_UNKNOWN = 0, NPI_E164 = 1 };

#define ADDR_NUMBER_SIZE_MAX 20u /* digits or characters of a telephone address, as in SMPP */
#define ADDR_NORMAL_SIZE_MAX (ADDR_NUMBER_SIZE_MAX + 1)

/* An address in normal form. A telephone address keeps its text in room; text is valid as long as
 * the struct. */
struct addr_normal {
	enum addr_kind kind;
	size_t         size;
	char           text[ADDR_NORMAL_SIZE_MAX];
};

struct addr_number {
	uint8_t    ton, npi;
	struct str digits; /* lent from the normal text */
};

/*
 * From what a peer sent. default_ton says what TON 0 means; 0 there means international too. The
 * rules, in order: nothing at all is ADDR_NONE, which is a valid sender; TON 5 is ALPHA, printable
 * ASCII as it came; a leading + or TON 1 is E164; TON 3, 4 and 6, and 2, whose country nobody knows
 * here, are SHORT. False: a character that the kind does not allow, a + alone, more than
 * ADDR_NUMBER_SIZE_MAX characters, or a TON that does not exist.
 */
bool addr_normalise(uint8_t ton, struct str digits, uint8_t default_ton,
		    struct addr_normal *normal);

/* To what a peer expects: E164 is 1/1 without its +, SHORT 3/0, ALPHA 5/0, NONE 0/0. False: a URI,
 * or longer than ADDR_NUMBER_SIZE_MAX. */
bool addr_to_number(enum addr_kind kind, struct str text, struct addr_number *number);

/* The kind of a normal text that a person wrote: "+" and digits, digits, "sip:..." or
 * "user@domain", or ALPHA; ADDR_NONE when empty. */
enum addr_kind addr_kind_of(struct str text);
