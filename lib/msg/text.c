#include "msg/text.h"

#include <assert.h>
#include <string.h>

#include "base/assert.h"
#include "msg/text_tables.h"

#define REPLACEMENT 0xfffdu
#define REPLACEMENT_PACKED 0x03bdbfefu /* U+FFFD as text_tables.h packs a character */
#define SPACE_PACKED 0x01000020u

/* Sixteen bytes at once; the compiler makes vector instructions of it. */
typedef uint8_t  bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

static bool any(bytes16 v)
{
	words2 w = (words2)v;

	return (w[0] | w[1]) != 0;
}

static bytes16 load16(const uint8_t *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Not ASCII. */
static bytes16 high16(bytes16 v)
{
	return v & 0x80;
}

/* Not the same character in ASCII and in the default, Turkish and Portuguese alphabets. */
static bytes16 differ16(bytes16 v)
{
	bytes16 alike =
		(bytes16)((v - 0x20) <= 0x5a - 0x20) & (bytes16)(v != 0x24) & (bytes16)(v != 0x40);

	return ~(alike | (bytes16)((v - 0x61) <= 0x7a - 0x61) | (bytes16)(v == '\n') |
		 (bytes16)(v == '\r'));
}

/* Where UTF-8 goes. Stores of four bytes are allowed while fast > p; the last bytes are written one
 * by one. */
struct sink {
	char *p, *fast, *end;
	bool  cut;
};

static struct sink sink_of(char *room, size_t n)
{
	return (struct sink){room, n >= 4 ? room + n - 3 : room, room + n, false};
}

static void sink_packed(struct sink *s, uint32_t packed)
{
	size_t n = packed >> 24;

	if (s->p < s->fast) {
		memcpy(s->p, &packed, 4);
		s->p += n;
	} else if ((size_t)(s->end - s->p) >= n && !s->cut) {
		memcpy(s->p, &packed, n);
		s->p += n;
	} else {
		s->fast = s->p;
		s->cut = true;
	}
}

static void sink_code(struct sink *s, uint32_t c)
{
	uint32_t four;

	if (c < 0x80) {
		sink_packed(s, 1u << 24 | c);
	} else if (c < 0x800) {
		sink_packed(s, 2u << 24 | (0x80 | (c & 0x3f)) << 8 | 0xc0 | c >> 6);
	} else if (c < 0x10000) {
		sink_packed(s, 3u << 24 | (0x80 | (c & 0x3f)) << 16 |
				       (0x80 | (c >> 6 & 0x3f)) << 8 | 0xe0 | c >> 12);
	} else if (s->end - s->p >= 4 && !s->cut) {
		four = (0x80 | (c & 0x3f)) << 24 | (0x80 | (c >> 6 & 0x3f)) << 16 |
		       (0x80 | (c >> 12 & 0x3f)) << 8 | 0xf0 | c >> 18;
		memcpy(s->p, &four, 4);
		s->p += 4;
	} else {
		s->fast = s->p;
		s->cut = true;
	}
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "packed characters are stored as they are");

/* Copies the whole sixteens at the start for which `differs` finds nothing, and with the last of
 * them, once more, the few left behind it to the end, if they are such, too. Where it ends. */
static inline __attribute__((always_inline)) const uint8_t *
copy_run(struct sink *s, const uint8_t *p, const uint8_t *end, bytes16 (*differs)(bytes16))
{
	const uint8_t *start = p;
	char          *to = s->p;
	size_t         n = (size_t)(end - p), room = (size_t)(s->end - to);

	n = n < room ? n : room;
	for (; n >= 16 && !any(differs(load16(p))); n -= 16) {
		memcpy(to, p, 16);
		p += 16;
		to += 16;
	}
	if (n > 0 && n < 16 && p != start && !any(differs(load16(p + n - 16)))) {
		memcpy(to + n - 16, p + n - 16, 16);
		p += n;
		to += n;
	}
	s->p = to;
	return p;
}

/* The character after an escape. */
static uint32_t escaped(struct text_tables tables, uint8_t septet)
{
	uint32_t packed;

	if (septet == TEXT_ESCAPE)
		return SPACE_PACKED;
	if (septet > 0x7f)
		return REPLACEMENT_PACKED;
	packed = text_shift[tables.shift][septet];
	if (packed == 0)
		packed = text_locking[tables.locking][septet];
	return packed != 0 ? packed : REPLACEMENT_PACKED;
}

/* Bytes that are no septets of a table: escapes, and what has an eighth bit. */
static bytes16 odd16(bytes16 v)
{
	return (bytes16)(v == TEXT_ESCAPE) | high16(v);
}

/* Sixteen plain septets, with room for whatever they become; where it ends. */
static char *plain16(const uint32_t *locking, const uint8_t *p, char *to)
{
	for (int i = 0; i < 16; i++) {
		uint32_t packed = locking[p[i]];

		packed = packed != 0 ? packed : REPLACEMENT_PACKED;
		memcpy(to, &packed, 4);
		to += packed >> 24;
	}
	return to;
}

static const uint8_t *one_septet(struct text_tables tables, const uint8_t *p, const uint8_t *end,
				 struct sink *s)
{
	uint8_t  septet = *p++;
	uint32_t packed = septet < 0x80 ? text_locking[tables.locking][septet] : 0;

	if (septet == TEXT_ESCAPE && p < end)
		packed = escaped(tables, *p++);
	sink_packed(s, packed != 0 ? packed : REPLACEMENT_PACKED);
	return p;
}

static void gsm7_to_utf8(struct text_tables tables, const uint8_t *p, const uint8_t *end,
			 struct sink *s)
{
	const uint32_t *locking = text_locking[tables.locking];
	bool            runs = tables.locking <= TEXT_PORTUGUESE;

	while (p < end && !s->cut) {
		const uint8_t *stop;

		if (runs)
			p = copy_run(s, p, end, differ16);
		stop = end - p > 16 ? p + 16 : end;
		if (stop - p == 16 && s->end - s->p >= 64 && !any(odd16(load16(p)))) {
			s->p = plain16(locking, p, s->p);
			p = stop;
		}
		while (p < stop)
			p = one_septet(tables, p, end, s);
	}
}

static void ascii_to_utf8(bool latin1, const uint8_t *p, const uint8_t *end, struct sink *s)
{
	while (p < end && !s->cut) {
		const uint8_t *stop;

		p = copy_run(s, p, end, high16);
		stop = end - p > 16 ? p + 16 : end;
		for (; p < stop; p++)
			sink_code(s, *p < 0x80 || latin1 ? *p : REPLACEMENT);
	}
}

static void ucs2_to_utf8(const uint8_t *p, const uint8_t *end, struct sink *s)
{
	while (end - p >= 2 && !s->cut) {
		uint32_t c = (uint32_t)p[0] << 8 | p[1], low;

		p += 2;
		if (c >= 0xd800 && c <= 0xdfff) {
			low = end - p >= 2 ? (uint32_t)p[0] << 8 | p[1] : 0;
			if (c <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				p += 2;
			} else {
				c = REPLACEMENT;
			}
		}
		sink_code(s, c);
	}
	if (p < end)
		sink_code(s, REPLACEMENT);
}

/*
 * One character of UTF-8, or REPLACEMENT for the bytes that cannot be one: as many as begin one
 * well (Unicode 15, table 3-7 and "maximal subpart"). At least one byte is there; *valid says
 * which.
 */
static uint32_t decode(const uint8_t **at, const uint8_t *end, bool *valid)
{
	const uint8_t *p = *at;
	uint8_t        first = *p++, low = 0x80, high = 0xbf;
	unsigned       more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t       c = more == 0 ? first : first & (0x3fu >> more);

	*at = p;
	*valid = first < 0x80 || (first >= 0xc2 && first <= 0xf4);
	if (!*valid)
		return REPLACEMENT;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	for (; more > 0; more--) {
		if (p == end || *p < low || *p > high) {
			*at = p;
			*valid = false;
			return REPLACEMENT;
		}
		c = c << 6 | (*p++ & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	*at = p;
	return c;
}

static void utf8_to_utf8(const uint8_t *p, const uint8_t *end, struct sink *s)
{
	bool valid;

	while (p < end && !s->cut) {
		const uint8_t *stop;

		p = copy_run(s, p, end, high16);
		stop = end - p > 16 ? p + 16 : end;
		while (p < stop)
			sink_code(s, decode(&p, end, &valid));
	}
}

size_t text_to_utf8(enum msg_coding coding, struct text_tables tables, const uint8_t *bytes,
		    size_t n, char *room, size_t room_size)
{
	struct sink s = sink_of(room, room_size);

	ASSERT_HOT(tables.locking < TEXT_LANGUAGE_COUNT && tables.shift < TEXT_LANGUAGE_COUNT);
	switch (coding) {
	case MSG_CODING_GSM7:
		gsm7_to_utf8(tables, bytes, bytes + n, &s);
		break;
	case MSG_CODING_ASCII:
	case MSG_CODING_LATIN1:
		ascii_to_utf8(coding == MSG_CODING_LATIN1, bytes, bytes + n, &s);
		break;
	case MSG_CODING_UCS2:
		ucs2_to_utf8(bytes, bytes + n, &s);
		break;
	case MSG_CODING_UTF8:
		utf8_to_utf8(bytes, bytes + n, &s);
		break;
	case MSG_CODING_BINARY:
	case MSG_CODING_COUNT:
		break;
	}
	return (size_t)(s.p - room);
}

/* The septet of a code point in a table, or -1. */
static int reverse(const struct text_reverse *table, uint32_t code)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (table->entry[middle] >> 8 < code)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->count && table->entry[low] >> 8 == code
		       ? (int)(table->entry[low] & 0x7f)
		       : -1;
}

/* One character in a coding: its bytes into to[4], their count returned; 0: the coding does not
 * have it. */
static unsigned gsm7_encode(struct text_tables tables, uint32_t c, uint8_t to[4])
{
	bool in_place = c < 0x80 && text_locking[tables.locking][c] == (1u << 24 | c);
	int  septet = in_place ? (int)c : reverse(&text_locking_reverse[tables.locking], c);

	if (septet >= 0) {
		to[0] = (uint8_t)septet;
		return 1;
	}
	septet = reverse(&text_shift_reverse[tables.shift], c);
	if (septet < 0)
		return 0;
	to[0] = TEXT_ESCAPE;
	to[1] = (uint8_t)septet;
	return 2;
}

static unsigned ucs2_encode(uint32_t c, uint8_t to[4])
{
	uint32_t high = 0xd800 + ((c - 0x10000) >> 10), low = 0xdc00 + (c & 0x3ff);

	if (c < 0x10000) {
		to[0] = (uint8_t)(c >> 8);
		to[1] = (uint8_t)c;
		return 2;
	}
	to[0] = (uint8_t)(high >> 8);
	to[1] = (uint8_t)high;
	to[2] = (uint8_t)(low >> 8);
	to[3] = (uint8_t)low;
	return 4;
}

static unsigned utf8_encode(uint32_t c, uint8_t to[4])
{
	struct sink s = sink_of((char *)to, 4);

	sink_code(&s, c);
	return (unsigned)((uint8_t *)s.p - to);
}

static unsigned encode(enum msg_coding coding, struct text_tables tables, uint32_t c, uint8_t to[4])
{
	switch (coding) {
	case MSG_CODING_GSM7:
		return gsm7_encode(tables, c, to);
	case MSG_CODING_ASCII:
	case MSG_CODING_LATIN1:
		to[0] = (uint8_t)c;
		return c < (coding == MSG_CODING_ASCII ? 0x80 : 0x100);
	case MSG_CODING_UCS2:
		return ucs2_encode(c, to);
	case MSG_CODING_UTF8:
		return utf8_encode(c, to);
	case MSG_CODING_BINARY:
	case MSG_CODING_COUNT:
		break;
	}
	return 0;
}

/* True when ASCII bytes that differ16() or high16() let pass are the coding's own bytes. */
static bool copies_ascii(enum msg_coding coding, struct text_tables tables)
{
	return coding != MSG_CODING_UCS2 &&
	       (coding != MSG_CODING_GSM7 || tables.locking <= TEXT_PORTUGUESE);
}

struct text_coded text_from_utf8(enum msg_coding coding, struct text_tables tables, struct str utf8,
				 uint8_t *room, size_t room_size)
{
	struct text_coded done = {0};
	const uint8_t    *p = (const uint8_t *)utf8.p, *end = p + utf8.n;
	bool              runs = copies_ascii(coding, tables);

	ASSERT_HOT(tables.locking < TEXT_LANGUAGE_COUNT && tables.shift < TEXT_LANGUAGE_COUNT);
	if (coding == MSG_CODING_BINARY)
		return done;
	while (p < end) {
		uint8_t  bytes[4];
		unsigned n;
		bool     valid;

		if (runs && end - p >= 16 && room_size - done.size >= 16 &&
		    !any(differ16(load16(p)))) {
			memcpy(room + done.size, p, 16);
			done.size += 16;
			p += 16;
			continue;
		}
		n = encode(coding, tables, decode(&p, end, &valid), bytes);
		valid = valid && n > 0;
		if (n == 0)
			n = encode(coding, tables, '?', bytes);
		if (n > room_size - done.size) {
			done.cut = true;
			break;
		}
		done.replaced += !valid;
		memcpy(room + done.size, bytes, n);
		done.size += n;
	}
	return done;
}

/* Octets of user data in a short message, and of the element that tells its part:
 * TS 23.040, 9.2.3.24. */
enum { USER_DATA_SIZE = 140, CONCAT_ELEMENT_SIZE = 5, LANGUAGE_ELEMENT_SIZE = 3 };

static size_t part_size(enum msg_coding coding, size_t elements)
{
	size_t octets = USER_DATA_SIZE - (elements > 0 ? 1 + elements : 0);

	return coding == MSG_CODING_GSM7 ? octets * 8 / 7 : octets;
}

struct candidate {
	struct text_choice choice;
	uint32_t           replaced;
};

/* The short messages of `one` byte at most alone, or of `each` in parts, that the text takes,
 * no character parted. False, and looked at no further: it is no better than the best. */
static bool count(struct str utf8, size_t one, size_t each, const struct candidate *best,
		  struct candidate *c)
{
	enum msg_coding    coding = c->choice.coding;
	struct text_tables tables = c->choice.tables;
	const uint8_t     *p = (const uint8_t *)utf8.p, *end = p + utf8.n;
	bool               runs = copies_ascii(coding, tables);
	uint32_t           parts = 1;
	size_t             size = 0, used = 0;

	while (p < end) {
		uint8_t  bytes[4];
		bool     valid;
		unsigned n = 16;

		if (runs && end - p >= 16 && used + 16 <= each && !any(differ16(load16(p)))) {
			p += 16;
		} else {
			n = encode(coding, tables, decode(&p, end, &valid), bytes);
			c->replaced += !valid || n == 0;
			n = n > 0 ? n : 1; /* a question mark */
		}
		if (used + n > each) {
			parts++;
			used = 0;
		}
		used += n;
		size += n;
		c->choice.parts = size > one ? parts : 1;
		if (c->replaced > best->replaced ||
		    (best->replaced == 0 && c->choice.parts >= best->choice.parts))
			return false;
	}
	return c->replaced < best->replaced || c->choice.parts < best->choice.parts;
}

static void try_one(struct str utf8, enum msg_coding coding, struct text_tables tables,
		    struct candidate *best)
{
	size_t elements =
		LANGUAGE_ELEMENT_SIZE * ((tables.locking != 0) + (size_t)(tables.shift != 0));
	struct candidate c = {{coding, tables, 1}, 0};

	if (count(utf8, part_size(coding, elements),
		  part_size(coding, elements + CONCAT_ELEMENT_SIZE), best, &c))
		*best = c;
}

/* With a septet for each character. */
static bool tables_may_help(struct str utf8, const struct candidate *best)
{
	size_t characters = 0, one = part_size(MSG_CODING_GSM7, LANGUAGE_ELEMENT_SIZE),
	       each = part_size(MSG_CODING_GSM7, LANGUAGE_ELEMENT_SIZE + CONCAT_ELEMENT_SIZE);

	for (size_t i = 0; i < utf8.n; i++)
		characters += ((uint8_t)utf8.p[i] & 0xc0) != 0x80;
	return best->replaced > 0 ||
	       (characters <= one ? 1 : (characters + each - 1) / each) < best->choice.parts;
}

bool text_choose(struct str utf8, unsigned codings, unsigned languages, struct text_choice *choice)
{
	static const enum msg_coding order[] = {MSG_CODING_GSM7, MSG_CODING_ASCII,
						MSG_CODING_LATIN1, MSG_CODING_UCS2,
						MSG_CODING_UTF8};
	struct candidate             best = {{MSG_CODING_UCS2, {0}, UINT32_MAX}, UINT32_MAX};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if ((codings & TEXT_CODING_BIT(order[i])) != 0)
			try_one(utf8, order[i], (struct text_tables){0}, &best);
	}
	if ((codings & TEXT_CODING_BIT(MSG_CODING_GSM7)) == 0 || utf8.n > TEXT_NATIONAL_MAX ||
	    languages == 0 || !tables_may_help(utf8, &best))
		languages = 0;
	for (uint8_t language = 1; language < TEXT_LANGUAGE_COUNT; language++) {
		if ((languages & TEXT_LANGUAGE_BIT(language)) == 0)
			continue;
		try_one(utf8, MSG_CODING_GSM7, (struct text_tables){.shift = language}, &best);
		try_one(utf8, MSG_CODING_GSM7, (struct text_tables){.locking = language}, &best);
		try_one(utf8, MSG_CODING_GSM7, (struct text_tables){language, language}, &best);
	}
	*choice = best.choice;
	return best.replaced == 0;
}

uint32_t text_parts(struct str utf8)
{
	struct text_choice choice;

	text_choose(utf8, TEXT_CODING_BIT(MSG_CODING_GSM7) | TEXT_CODING_BIT(MSG_CODING_UCS2), 0,
		    &choice);
	return choice.parts;
}

/* Bytes before `at` that belong to a character which goes on behind it; see text_split(). */
static size_t unfinished(enum msg_coding coding, const uint8_t *bytes, size_t n, size_t at)
{
	size_t back = 0;

	switch (coding) {
	case MSG_CODING_GSM7:
		while (back < at && bytes[at - 1 - back] == TEXT_ESCAPE)
			back++;
		return back % 2; /* escapes pair up from the first of the run */
	case MSG_CODING_UCS2:
		back = at % 2;
		if (at - back >= 2 && n - (at - back) >= 2 &&
		    (bytes[at - back - 2] & 0xfc) == 0xd8 && (bytes[at - back] & 0xfc) == 0xdc)
			back += 2;
		return back;
	case MSG_CODING_UTF8:
		while (back < 3 && back < at && (bytes[at - back] & 0xc0) == 0x80)
			back++;
		return (bytes[at - back] & 0xc0) == 0x80 ? 0 : back;
	case MSG_CODING_ASCII:
	case MSG_CODING_LATIN1:
	case MSG_CODING_BINARY:
	case MSG_CODING_COUNT:
		break;
	}
	return 0;
}

size_t text_split(enum msg_coding coding, const uint8_t *bytes, size_t n, size_t max)
{
	return n <= max ? n : max - unfinished(coding, bytes, n, max);
}
