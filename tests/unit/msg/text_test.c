#include "test.h"

#include <stdio.h>

#include "base/random.h"
#include "msg/concat.h"
#include "msg/text.h"
#include "msg/text_tables.h"

#define RUN_MAX 50u

static const struct text_tables plain = {0};

static struct str to_utf8(enum msg_coding coding, struct text_tables tables, const void *bytes,
			  size_t n)
{
	static char room[8192];
	uint8_t    *exact = test_copy(bytes, n);
	char       *exact_room = (char *)test_copy(room, TEXT_UTF8_SIZE(n));
	struct str  s = {room,
			 text_to_utf8(coding, tables, exact, n, exact_room, TEXT_UTF8_SIZE(n))};

	assert_true(s.n <= TEXT_UTF8_SIZE(n) && s.n <= sizeof(room));
	memcpy(room, exact_room, s.n);
	free(exact);
	free(exact_room);
	return s;
}

static void bytes_of_every_coding_become_their_text(void **state)
{
	static const struct {
		enum msg_coding    coding;
		struct text_tables tables;
		const char        *bytes;
		size_t             n;
		const char        *text;
	} cases[] = {
		{MSG_CODING_GSM7, {0}, "Hello\x00\x02\x11", 8, "Hello@$_"},
		{MSG_CODING_GSM7, {0}, "1\x1b\x65 \x1b\x28\x1b\x29", 8, "1€ {}"},
		{MSG_CODING_GSM7,
		 {0},
		 "a\x1b\x41",
		 3,
		 "aA"}, /* no such escape: the default alphabet */
		{MSG_CODING_GSM7, {0}, "a\x1b\x1b", 3, "a "}, /* an escape to another table */
		{MSG_CODING_GSM7, {0}, "a\x1b", 2, "a\xef\xbf\xbd"},
		{MSG_CODING_GSM7, {0}, "a\x80\xff", 3, "a\xef\xbf\xbd\xef\xbf\xbd"},
		{MSG_CODING_GSM7, {0}, "a\x1b\x80", 3, "a\xef\xbf\xbd"},
		{MSG_CODING_GSM7,
		 {0},
		 "exactly sixteen.and then \x7b",
		 26,
		 "exactly sixteen.and then ä"},
		{MSG_CODING_GSM7, {0, TEXT_SPANISH}, "\x1b\x41\x1b\x61", 4, "Áá"},
		{MSG_CODING_GSM7, {TEXT_TURKISH, 0}, "\x07\x1d\x40", 3, "ışİ"},
		{MSG_CODING_GSM7, {TEXT_HINDI, TEXT_HINDI}, "\x15\x1b\x1c", 3, "क०"},
		{MSG_CODING_ASCII, {0}, "caf\xe9", 4, "caf\xef\xbf\xbd"},
		{MSG_CODING_LATIN1, {0}, "caf\xe9 \xff", 6, "café ÿ"},
		{MSG_CODING_UCS2, {0}, "\x00h\x20\xac", 4, "h€"},
		{MSG_CODING_UCS2,
		 {0},
		 "\xd8\x3d\xde\x00!",
		 5,
		 "😀\xef\xbf\xbd"}, /* half a unit at the end */
		{MSG_CODING_UCS2, {0}, "\xd8\x3d\x00h", 4, "\xef\xbf\xbdh"},
		{MSG_CODING_UCS2, {0}, "\xde\x00\xd8\x3d", 4, "\xef\xbf\xbd\xef\xbf\xbd"},
		{MSG_CODING_UTF8, {0}, "åäö 😀 plain text", 22, "åäö 😀 plain text"},
		{MSG_CODING_UTF8,
		 {0},
		 "\xc0\xaf\xed\xa0\x80",
		 5,
		 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{MSG_CODING_UTF8, {0}, "\xf0\x9f\x98", 3, "\xef\xbf\xbd"},
		{MSG_CODING_UTF8, {0}, "\xf0\x9f\x98x\xf5", 5, "\xef\xbf\xbdx\xef\xbf\xbd"},
		{MSG_CODING_BINARY, {0}, "abc", 3, ""},
		{MSG_CODING_GSM7, {0}, "", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s =
			to_utf8(cases[i].coding, cases[i].tables, cases[i].bytes, cases[i].n);

		if (!str_eq(s, str_of(cases[i].text)))
			fail_msg("case %zu: \"%.*s\"", i, STR_ARG(s));
	}
}

/* Whatever is taken many at a time is what each character alone becomes, as far as there is room.
 */
static void assert_as_one_by_one(enum msg_coding coding, const uint8_t *bytes, size_t n)
{
	char   expected[4 * RUN_MAX], found[4 * RUN_MAX];
	size_t whole = 0, part;

	for (size_t i = 0; i < n; i++)
		whole += text_to_utf8(coding, plain, bytes + i, 1, expected + whole, 4);
	for (size_t room = whole > 20 ? whole - 20 : 0; room <= whole + 20; room++) {
		memset(found, '#', sizeof(found));
		part = text_to_utf8(coding, plain, bytes, n, found, room);
		assert_true(part <= room && (room >= whole ? part == whole : room - part < 4));
		assert_memory_equal(found, expected, part);
		for (size_t i = room; i < sizeof(found); i++)
			assert_int_equal(found[i], '#');
	}
}

static void a_run_of_any_length_is_as_its_characters_one_by_one(void **state)
{
	static const struct {
		enum msg_coding coding;
		uint8_t         odd;
	} cases[] = {{MSG_CODING_GSM7, 0x02}, {MSG_CODING_LATIN1, 0xe9}, {MSG_CODING_UTF8, 0xff}};
	uint8_t bytes[RUN_MAX];

	(void)state;
	for (unsigned c = 0; c < 3; c++) {
		for (size_t n = 0; n <= RUN_MAX; n++) {
			for (size_t odd = 0; odd <= n; odd++) {
				for (size_t i = 0; i < n; i++)
					bytes[i] = (uint8_t)('A' + i % 26);
				if (odd < n)
					bytes[odd] = cases[c].odd;
				assert_as_one_by_one(cases[c].coding, bytes, n);
			}
		}
	}
}

static void a_room_too_small_cuts_between_characters(void **state)
{
	static const char text[] = "ab€😀 0123456789012345678901234567890 é";

	(void)state;
	for (size_t room_size = 0; room_size <= sizeof(text) - 1; room_size++) {
		char   whole[64];
		char  *room = (char *)test_copy(text, room_size);
		size_t n = text_to_utf8(MSG_CODING_UTF8, plain, (const uint8_t *)text,
					sizeof(text) - 1, room, room_size);

		assert_true(n <= room_size && room_size - n < 4);
		assert_memory_equal(room, text, n);
		assert_int_equal(text_to_utf8(MSG_CODING_UTF8, plain, (const uint8_t *)room, n,
					      whole, sizeof(whole)),
				 n);
		assert_memory_equal(whole, text, n);
		free(room);
	}
}

/* Whatever comes in: what comes out is valid UTF-8, so that making it valid changes nothing. */
static void noise_in_any_coding_becomes_valid_utf8(void **state)
{
	struct random r;

	(void)state;
	print_message("seed 5\n");
	random_seed(&r, 5);
	for (int round = 0; round < 20000; round++) {
		uint8_t            noise[200];
		char               again[sizeof(noise) * 3];
		struct text_tables tables = {(uint8_t)random_below(&r, TEXT_LANGUAGE_COUNT),
					     (uint8_t)random_below(&r, TEXT_LANGUAGE_COUNT)};
		size_t             n = random_below(&r, sizeof(noise));
		struct str         s;

		for (size_t i = 0; i < n; i++)
			noise[i] = (uint8_t)(random_below(&r, 2) ? random_below(&r, 256)
								 : 'a' + random_below(&r, 26));
		s = to_utf8((enum msg_coding)random_below(&r, MSG_CODING_BINARY), tables, noise, n);
		assert_int_equal(text_to_utf8(MSG_CODING_UTF8, plain, (const uint8_t *)s.p, s.n,
					      again, sizeof(again)),
				 s.n);
		assert_memory_equal(again, s.p, s.n);
	}
}

static void text_goes_into_each_coding_and_comes_back(void **state)
{
	static const struct {
		enum msg_coding    coding;
		struct text_tables tables;
		const char        *text;
		size_t             size;
	} cases[] = {
		{MSG_CODING_GSM7, {0}, "The quick brown fox @ 10 € [costs] Ωmega ñandú~", 51},
		{MSG_CODING_GSM7, {TEXT_TURKISH, TEXT_TURKISH}, "İstanbul'da ışık ğ", 18},
		{MSG_CODING_GSM7, {TEXT_URDU, TEXT_URDU}, "اردو", 4},
		{MSG_CODING_GSM7, {TEXT_BENGALI, TEXT_BENGALI}, "বাংলা", 5},
		{MSG_CODING_ASCII, {0}, "plain text, longer than sixteen bytes", 37},
		{MSG_CODING_LATIN1, {0}, "café ÿ", 6},
		{MSG_CODING_UCS2, {0}, "žluťoučký 😀", 24},
		{MSG_CODING_UTF8, {0}, "žluťoučký 😀", 18},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str        text = str_of(cases[i].text);
		uint8_t          *room = malloc(cases[i].size);
		struct text_coded coded =
			text_from_utf8(cases[i].coding, cases[i].tables, text, room, cases[i].size);

		if (cases[i].coding == MSG_CODING_GSM7 && i == 0)
			assert_int_equal(coded.replaced,
					 1); /* the alphabet has no u with acute accent */
		else
			assert_int_equal(coded.replaced, 0);
		assert_false(coded.cut);
		assert_int_equal(coded.size, cases[i].size);
		if (coded.replaced == 0)
			assert_true(str_eq(
				to_utf8(cases[i].coding, cases[i].tables, room, coded.size), text));
		free(room);
		room = test_copy("", 0);
		assert_true(text_from_utf8(cases[i].coding, cases[i].tables, text, room, 0).cut);
		free(room);
	}
}

static void every_septet_of_every_language_comes_back_the_same_character(void **state)
{
	(void)state;
	for (uint8_t language = 0; language < TEXT_LANGUAGE_COUNT; language++) {
		struct text_tables tables = {language, language};

		for (unsigned septet = 0; septet < 256; septet++) {
			uint8_t         in[2] = {TEXT_ESCAPE, (uint8_t)(septet & 0x7f)}, out[4];
			unsigned        size = septet < 128 ? 1 : 2;
			const uint32_t *table =
				size == 1 ? text_locking[language] : text_shift[language];
			struct str s;
			char       text[4];

			if (table[septet & 0x7f] == 0)
				continue;
			s = to_utf8(MSG_CODING_GSM7, tables, in + 2 - size, size);
			memcpy(text, s.p, s.n);
			assert_true(text_from_utf8(MSG_CODING_GSM7, tables, (struct str){text, s.n},
						   out, sizeof(out))
					    .replaced == 0);
			s = to_utf8(MSG_CODING_GSM7, tables, out, out[0] == TEXT_ESCAPE ? 2 : 1);
			assert_memory_equal(s.p, text, s.n);
		}
	}
}

static void the_coding_with_the_fewest_parts_is_chosen(void **state)
{
	static char sixteen_tens[161];
	unsigned    all = TEXT_CODING_BIT(MSG_CODING_GSM7) | TEXT_CODING_BIT(MSG_CODING_LATIN1) |
		       TEXT_CODING_BIT(MSG_CODING_UCS2);
	char               long_text[400], wide[160 * 2];
	struct text_choice choice;

	(void)state;
	memset(sixteen_tens, 'x', 160);
	assert_true(text_choose(str_of(sixteen_tens), all, 0, &choice));
	assert_true(choice.coding == MSG_CODING_GSM7 && choice.parts == 1);
	memset(long_text, 'x', sizeof(long_text));
	assert_true(text_choose((struct str){long_text, 161}, all, 0, &choice));
	assert_int_equal(choice.parts, 2);
	assert_true(text_choose((struct str){long_text, 306}, all, 0, &choice));
	assert_int_equal(choice.parts, 2);
	long_text[152] = '{'; /* the pair does not fit at the end of the first part, so one septet
				 stays empty */
	assert_true(text_choose((struct str){long_text, 305}, all, 0, &choice));
	assert_int_equal(choice.parts, 3);
	assert_true(text_choose(STR("žluť"), all, 0, &choice));
	assert_true(choice.coding == MSG_CODING_UCS2 && choice.parts == 1);
	assert_true(text_choose(STR("ú"), all, 0, &choice));
	assert_int_equal(choice.coding, MSG_CODING_LATIN1);
	assert_false(text_choose(STR("žluť"), TEXT_CODING_BIT(MSG_CODING_GSM7), 0, &choice));
	for (int i = 0; i < 100; i++)
		memcpy(wide + 2 * i, "ş", 2);
	assert_true(text_choose((struct str){wide, 200}, all, 0, &choice));
	assert_true(choice.coding == MSG_CODING_UCS2 && choice.parts == 2);
	assert_true(text_choose((struct str){wide, 200}, all, TEXT_LANGUAGE_BIT(TEXT_TURKISH),
				&choice));
	assert_true(choice.coding == MSG_CODING_GSM7 && choice.tables.locking == TEXT_TURKISH &&
		    choice.tables.shift == 0 && choice.parts == 1);
}

/* A character of the language's own tables, or now and then one of ASCII, as UTF-8. */
static size_t character_of(uint8_t language, struct random *random, char to[4])
{
	for (;;) {
		unsigned septet = random_below(random, 128);
		uint32_t packed = random_below(random, 3) == 0 ? text_shift[language][septet]
							       : text_locking[language][septet];

		if (random_below(random, 4) == 0)
			packed = 1u << 24 | ('a' + random_below(random, 26));
		if (packed == 0)
			continue;
		memcpy(to, &packed, 4);
		return packed >> 24;
	}
}

/* The short messages that the coded text takes, counted by cutting it; UINT32_MAX: it lacks one of
 * the characters. */
static uint32_t messages_of(enum msg_coding coding, struct text_tables tables, struct str text)
{
	static uint8_t    coded[TEXT_CODED_SIZE(4096)];
	struct concat_udh udh = {.tables = tables};
	uint8_t           header[CONCAT_UDH_SIZE_MAX];
	struct text_coded c = text_from_utf8(coding, tables, text, coded, sizeof(coded));
	uint32_t          parts = 1;
	bool              septets = coding == MSG_CODING_GSM7;
	size_t            free_octets = 140 - concat_build(&udh, header), at = 0;

	assert_false(c.cut);
	if (c.replaced > 0)
		return UINT32_MAX;
	if (c.size <= (septets ? free_octets * 8 / 7 : free_octets))
		return 1;
	udh.concat = (struct msg_concat){.reference = 1, .parts = 2, .part = 1};
	free_octets = 140 - concat_build(&udh, header);
	for (;; parts++) {
		at += text_split(coding, coded + at, c.size - at,
				 septets ? free_octets * 8 / 7 : free_octets);
		if (at == c.size)
			return parts;
	}
}

static void the_cheapest_of_all_tables_carries_the_text_of_each_language(void **state)
{
	const unsigned codings =
		TEXT_CODING_BIT(MSG_CODING_GSM7) | TEXT_CODING_BIT(MSG_CODING_UCS2);
	unsigned      national = 0, chosen[4] = {0};
	struct random random;

	(void)state;
	random_seed(&random, 23038);
	for (unsigned i = 0; i < 13 * 200; i++) {
		uint8_t            language = (uint8_t)(1 + i % 13), coded[3 * 2048];
		char               text[2048], back[TEXT_UTF8_SIZE(3 * 2048)];
		size_t             n = 0;
		uint32_t           fewest = UINT32_MAX;
		struct text_choice choice;
		struct text_coded  c;

		for (unsigned left = 1 + random_below(&random, 500); left > 0; left--)
			n += character_of(language, &random, text + n);
		for (unsigned tables = 0; tables < 4; tables++) {
			uint32_t parts =
				messages_of(MSG_CODING_GSM7,
					    (struct text_tables){tables & 1 ? language : 0,
								 tables & 2 ? language : 0},
					    (struct str){text, n});

			fewest = parts < fewest ? parts : fewest;
		}
		if (messages_of(MSG_CODING_UCS2, plain, (struct str){text, n}) < fewest)
			fewest = messages_of(MSG_CODING_UCS2, plain, (struct str){text, n});
		assert_true(text_choose((struct str){text, n}, codings, TEXT_LANGUAGE_BIT(language),
					&choice));
		assert_int_equal(choice.parts, fewest);
		assert_int_equal(messages_of(choice.coding, choice.tables, (struct str){text, n}),
				 fewest);
		c = text_from_utf8(choice.coding, choice.tables, (struct str){text, n}, coded,
				   sizeof(coded));
		assert_int_equal(text_to_utf8(choice.coding, choice.tables, coded, c.size, back,
					      sizeof(back)),
				 n);
		assert_memory_equal(back, text, n);
		national += choice.tables.locking == language || choice.tables.shift == language;
		chosen[(choice.tables.locking != 0) + 2 * (choice.tables.shift != 0)]++;
	}
	assert_true(national > 1000);
	for (unsigned i = 0; i < 4; i++) /* each way is the cheapest for some */
		assert_true(chosen[i] > 20);
}

static void the_header_of_tables_is_room_that_the_text_does_not_have(void **state)
{
	static const struct {
		const char *unit;
		unsigned    language, characters, parts, ucs2_parts;
		bool        locking, shift;
	} rows[] = {
		{"\xc5\x9f", TEXT_TURKISH, 70, 1, 1, false, false}, /* UCS-2 is as good */
		{"\xc5\x9f", TEXT_TURKISH, 71, 1, 2, false, true},  /* 142 septets */
		{"\xc5\x9f", TEXT_TURKISH, 77, 1, 2, false, true},
		{"\xc5\x9f", TEXT_TURKISH, 78, 1, 2, true, false}, /* 156 would be one too many */
		{"\xc5\x9f", TEXT_TURKISH, 155, 1, 3, true, false},
		{"\xc5\x9f", TEXT_TURKISH, 156, 2, 3, true, false},
		{"\xc5\x9f", TEXT_TURKISH, 298, 2, 5, true, false},
		{"\xc5\x9f", TEXT_TURKISH, 299, 3, 5, true, false},
		{"\xc3\xa1", TEXT_SPANISH, 77, 1, 2, false, true},
		{"\xc3\xa1", TEXT_SPANISH, 78, 2, 2, false, false}, /* it has no locking table */
		{"\xe0\xa4\x95", TEXT_HINDI, 155, 1, 3, true, false},
		{"\xe0\xa4\x95\xe0\xa4\x95\xe0\xa4\x95\x41", TEXT_HINDI, 120, 1, 2, true, true},
		{"\xe0\xa4\x95\xe0\xa4\x95\xe0\xa4\x95\x41", TEXT_HINDI, 124, 2, 2, false, false},
	};
	const unsigned codings =
		TEXT_CODING_BIT(MSG_CODING_GSM7) | TEXT_CODING_BIT(MSG_CODING_UCS2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char               text[1024];
		size_t             n = 0, unit = strlen(rows[i].unit);
		struct text_choice choice;

		for (unsigned left = rows[i].characters; left > 0; n++) {
			text[n] = rows[i].unit[n % unit];
			left -= (rows[i].unit[(n + 1) % unit] & 0xc0) != 0x80;
		}
		assert_true(text_choose((struct str){text, n}, codings, 0, &choice));
		assert_int_equal(choice.parts, rows[i].ucs2_parts);
		assert_true(text_choose((struct str){text, n}, codings,
					TEXT_LANGUAGE_BIT(rows[i].language), &choice));
		assert_int_equal(choice.parts, rows[i].parts);
		assert_int_equal(choice.tables.locking, rows[i].locking ? rows[i].language : 0);
		assert_int_equal(choice.tables.shift, rows[i].shift ? rows[i].language : 0);
		assert_int_equal(choice.coding, rows[i].locking || rows[i].shift ? MSG_CODING_GSM7
										 : MSG_CODING_UCS2);
	}
}

static void a_very_long_text_is_not_tried_in_national_tables(void **state)
{
	const unsigned codings =
		TEXT_CODING_BIT(MSG_CODING_GSM7) | TEXT_CODING_BIT(MSG_CODING_UCS2);
	char               text[TEXT_NATIONAL_MAX + 2];
	struct text_choice choice;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\xc5\x9f", 2);
	assert_true(text_choose((struct str){text, TEXT_NATIONAL_MAX}, codings,
				TEXT_LANGUAGE_BIT(TEXT_TURKISH), &choice));
	assert_int_equal(choice.parts, (TEXT_NATIONAL_MAX / 2 + 148) / 149);
	assert_true(text_choose((struct str){text, sizeof(text)}, codings,
				TEXT_LANGUAGE_BIT(TEXT_TURKISH), &choice));
	assert_int_equal(choice.coding, MSG_CODING_UCS2);
}

static void a_cut_parts_no_character(void **state)
{
	static const struct {
		enum msg_coding coding;
		const char     *bytes;
		size_t          n, max, at;
	} cases[] = {
		{MSG_CODING_GSM7, "ab\x1b\x65z", 5, 3, 2},
		{MSG_CODING_GSM7, "ab\x1b\x65z", 5, 4, 4},
		{MSG_CODING_GSM7, "a\x1b\x1b\x1b\x65z", 6, 4, 3},
		{MSG_CODING_GSM7, "a\x1b\x1bzz", 5, 3, 3},
		{MSG_CODING_GSM7, "abc", 3, 3, 3},
		{MSG_CODING_UCS2, "\0a\xd8\x3d\xde\x00\0b", 8, 4, 2},
		{MSG_CODING_UCS2, "\0a\xd8\x3d\xde\x00\0b", 8, 5, 2},
		{MSG_CODING_UCS2, "\0a\xd8\x3d\xde\x00\0b", 8, 6, 6},
		{MSG_CODING_UCS2, "\0a\0b\0c", 6, 3, 2},
		{MSG_CODING_UTF8, "a\xf0\x9f\x98\x80z", 6, 4, 1},
		{MSG_CODING_UTF8, "a\xf0\x9f\x98\x80z", 6, 5, 5},
		{MSG_CODING_UTF8, "\x80\x80\x80\x80\x80\x80", 6, 5, 5},
		{MSG_CODING_LATIN1, "abcdef", 6, 4, 4},
		{MSG_CODING_BINARY, "\x1b\x1b\x1b", 3, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *exact = test_copy(cases[i].bytes, cases[i].n);

		assert_int_equal(text_split(cases[i].coding, exact, cases[i].n, cases[i].max),
				 cases[i].at);
		free(exact);
	}
}

/* A cell of the standard's table as the CSV files write it. */
static uint32_t cell_code(struct str cell)
{
	if (str_eq(cell, STR("SP")))
		return ' ';
	if (str_eq(cell, STR("QM")))
		return '"';
	if (str_eq(cell, STR("LF")))
		return '\n';
	if (str_eq(cell, STR("CR")))
		return '\r';
	return cell.n == 4 ? (uint32_t)strtoul(cell.p, NULL, 16) : (uint8_t)cell.p[0];
}

static unsigned check_table(FILE *file, const uint32_t table[128])
{
	char     line[256];
	unsigned row = 0, checked = 0;

	assert_non_null(fgets(line, sizeof(line), file));
	for (; fgets(line, sizeof(line), file) != NULL; row++) {
		char *at = line + 4; /* "r", */

		for (unsigned column = 0; column < 8; column++) {
			char *end = at[0] != '"' || at[1] == '"' ? at + 1 : strchr(at + 2, '"');
			struct str cell = {at + 1, (size_t)(end - at - 1)};
			char       text[4];
			uint8_t    ucs2[2];

			at = at[0] == '"' ? end + 2
					  : at + 1; /* some empty cells come without quotes */
			if (cell.n == 0 || (row == 11 && column == 1))
				continue;
			ucs2[0] = (uint8_t)(cell_code(cell) >> 8);
			ucs2[1] = (uint8_t)cell_code(cell);
			assert_int_equal(text_to_utf8(MSG_CODING_UCS2, plain, ucs2, 2, text, 4),
					 table[column * 16 + row] >> 24);
			assert_memory_equal(text, &table[column * 16 + row],
					    table[column * 16 + row] >> 24);
			checked++;
		}
	}
	assert_int_equal(row, 16);
	return checked;
}

static void the_tables_are_those_of_the_standard(void **state)
{
	static const char *const names[] = {
		"default", "turkish",   "spanish", "portugese", "bengali", "gujarati", "hindi",
		"kannada", "malayalam", "oriya",   "punjabi",   "tamil",   "telugu",   "urdu"};
	const char *data = getenv("CPM_DATA");
	unsigned    files = 0, cells = 0;

	(void)state;
	for (size_t i = 0; i < 2 * TEXT_LANGUAGE_COUNT; i++) {
		char  path[512];
		FILE *file;

		snprintf(path, sizeof(path), "%s/gsm0338/%s_%s.csv",
			 data != NULL ? data : "../shared/data", names[i / 2],
			 i % 2 == 0 ? "lock" : "shift");
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		cells += check_table(file, i % 2 == 0 ? text_locking[i / 2] : text_shift[i / 2]);
		files++;
		fclose(file);
	}
	if (files == 0) {
		print_message("skipped: no gsm0338 tables below $CPM_DATA\n");
		skip();
	}
	assert_int_equal(files, 27); /* Spanish has no locking table */
	print_message("%u characters of %u tables\n", cells, files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_every_coding_become_their_text),
		cmocka_unit_test(a_run_of_any_length_is_as_its_characters_one_by_one),
		cmocka_unit_test(a_room_too_small_cuts_between_characters),
		cmocka_unit_test(noise_in_any_coding_becomes_valid_utf8),
		cmocka_unit_test(text_goes_into_each_coding_and_comes_back),
		cmocka_unit_test(every_septet_of_every_language_comes_back_the_same_character),
		cmocka_unit_test(the_coding_with_the_fewest_parts_is_chosen),
		cmocka_unit_test(the_cheapest_of_all_tables_carries_the_text_of_each_language),
		cmocka_unit_test(the_header_of_tables_is_room_that_the_text_does_not_have),
		cmocka_unit_test(a_very_long_text_is_not_tried_in_national_tables),
		cmocka_unit_test(a_cut_parts_no_character),
		cmocka_unit_test(the_tables_are_those_of_the_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
