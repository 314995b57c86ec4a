/*
 * Text in the codings of the telephone world, to UTF-8 and back: the default alphabet of 3GPP
 * TS 23.038 with its extension table and the national language tables, ASCII, Latin-1, UCS-2 with
 * the surrogates of UTF-16, and UTF-8 itself, which is made valid. Nothing fails on what a peer
 * sent: bytes that mean nothing become U+FFFD. Called per message on workers; pure, table-driven,
 * no memory but the caller's; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "msg/msg.h"

/* National language identifiers, TS 23.038, 6.2.1.2.4. */
enum text_language {
	TEXT_DEFAULT,
#define LANGUAGE(name, word) TEXT_##name,
#include "base/languages.def"
#undef LANGUAGE
	TEXT_LANGUAGE_COUNT
};

/* The tables in force for GSM7, each an enum text_language: locking for single septets, shift for
 * those after an escape. Other codings have none. */
struct text_tables {
	uint8_t locking, shift;
};

#define TEXT_ESCAPE 0x1bu

/* Room that text_to_utf8() can fill at most for n bytes, in any coding. */
#define TEXT_UTF8_SIZE(n) (3 * (size_t)(n))
/* Room that text_from_utf8() can fill at most for n bytes of UTF-8: a byte is two septets, or one
 * unit of UCS-2. */
#define TEXT_CODED_SIZE(n) (3 * (size_t)(n))

/*
 * The text of n bytes, without user data header, as valid UTF-8; returns its size. What does not
 * fit into the room is left out, cut between characters. BINARY has no text: 0. Of GSM7: a septet
 * after an escape that has no meaning in the shift table is read from the default alphabet, a
 * double escape is a space (TS 23.038, 6.2.1.1), a byte above 0x7f or an escape at the end is
 * U+FFFD.
 */
size_t text_to_utf8(enum msg_coding coding, struct text_tables tables, const uint8_t *bytes,
		    size_t n, char *room, size_t room_size);

/* What text_from_utf8() wrote. */
struct text_coded {
	size_t   size;     /* bytes; for GSM7 that is septets, an escaped character being two */
	uint32_t replaced; /* characters that the coding does not have: written as "?", U+FFFD in
			      UCS2 and UTF8 */
	bool cut;          /* the room was too small; cut between characters */
};

struct text_coded text_from_utf8(enum msg_coding coding, struct text_tables tables, struct str utf8,
				 uint8_t *room, size_t room_size);

#define TEXT_CODING_BIT(coding) (1u << (coding))
#define TEXT_LANGUAGE_BIT(language) (1u << (language))

/* How to send a text in the fewest short messages. */
struct text_choice {
	enum msg_coding    coding;
	struct text_tables tables;
	uint32_t parts; /* short messages of 140 octets on the air, user data headers counted */
};

/*
 * The coding of the allowed ones (TEXT_CODING_BIT) that carries all of the text in the fewest
 * parts; of equals GSM7 before ASCII before Latin-1 before UCS-2, and default tables before
 * national ones (TEXT_LANGUAGE_BIT; only those languages are tried, for texts of up to
 * TEXT_NATIONAL_MAX bytes). False: none carries it without replacing a character; *choice is then
 * the one that replaces fewest.
 */
#define TEXT_NATIONAL_MAX 2048u /* all languages together may take a worker 3 ms */
bool text_choose(struct str utf8, unsigned codings, unsigned languages, struct text_choice *choice);
/* Short messages that the text takes in GSM 7 bit, or where that has not all of it in UCS-2. */
uint32_t text_parts(struct str utf8);

/* The most bytes <= max at which n bytes may be cut without parting an escape, a surrogate pair or
 * a UTF-8 sequence; n when n <= max. */
size_t text_split(enum msg_coding coding, const uint8_t *bytes, size_t n, size_t max);
