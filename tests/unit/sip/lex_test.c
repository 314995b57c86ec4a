/* Runs of bytes of a class and texts without regard to case, each against its definition. */
#include "test.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/random.h"
#include "sip/lex.h"

#define PAGE 4096u
#define ROUNDS 20000u
#define SIZE_MAX_TRIED 70u

static const enum sip_class classes[] = {
	SIP_CLASS_TOKEN, SIP_CLASS_USER, SIP_CLASS_PASS, SIP_CLASS_PARAM,
	SIP_CLASS_HNV,   SIP_CLASS_HOST, SIP_CLASS_WORD, SIP_CLASS_URI,
};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

static void every_byte_is_where_its_class_says(void **state)
{
	(void)state;
	for (size_t k = 0; k < CLASSES; k++) {
		for (unsigned b = 0; b < 256; b++) {
			uint8_t bytes[SIP_PART] = {(uint8_t)b};
			size_t  n = (size_t)(sip_class_end(bytes, bytes + 1, classes[k]) - bytes);

			if ((n == 1) != sip_is((uint8_t)b, classes[k]))
				fail_msg("0x%02x in class 0x%02x", b, (unsigned)classes[k]);
		}
	}
}

static void a_run_ends_at_its_first_other_byte(void **state)
{
	struct random r;

	(void)state;
	random_seed(&r, 1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum sip_class class = classes[random_below(&r, CLASSES)];
		size_t   n = random_below(&r, SIZE_MAX_TRIED), want = 0;
		uint8_t *bytes = malloc(n + 1); /* so that what reads past it is found */

		for (size_t i = 0; i < n; i++)
			bytes[i] = random_below(&r, 40) == 0
					   ? (uint8_t)random_below(&r, 256)
					   : (uint8_t)('a' + random_below(&r, 26));
		while (want < n && sip_is(bytes[want], class))
			want++;
		assert_int_equal(sip_class_end(bytes, bytes + n, class) - bytes, want);
		assert_int_equal(sip_lex_all((struct str){(char *)bytes, n}, class),
				 n > 0 && want == n);
		free(bytes);
	}
}

static void nothing_is_read_of_a_page_that_is_not_there(void **state)
{
	uint8_t *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	memset(pages, 'a', PAGE);
	for (size_t n = 0; n < SIZE_MAX_TRIED; n++) {
		const uint8_t *end = pages + PAGE;

		assert_ptr_equal(sip_class_end(end - n, end, SIP_CLASS_TOKEN), end);
	}
	munmap(pages, 2 * PAGE);
}

static bool same(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n; i++) {
		unsigned x = (uint8_t)a.p[i], y = (uint8_t)b.p[i];

		if (x != y && !(x < 0x80 && y < 0x80 && isalpha((int)x) && isalpha((int)y) &&
				tolower((int)x) == tolower((int)y)))
			return false;
	}
	return a.n == b.n;
}

static void case_is_of_no_meaning_in_letters_alone(void **state)
{
	char x[19] = "0123456789abcdefghi", y[19];

	(void)state;
	for (size_t at = 0; at < sizeof(x); at++) {
		for (unsigned a = 0; a < 256; a++) {
			for (unsigned b = 0; b < 256; b++) {
				struct str one = {x, sizeof(x)}, other = {y, sizeof(y)};

				memcpy(y, x, sizeof(y));
				y[at] = (char)b;
				x[at] = (char)a;
				if (sip_same(one, other) != same(one, other))
					fail_msg("0x%02x and 0x%02x at %zu", a, b, at);
			}
		}
	}
	assert_false(sip_same(STR("To"), STR("To ")));
	assert_true(sip_same(STR(""), STR("")));
}

static void a_text_is_written_when_all_of_it_is_of_the_class(void **state)
{
	struct random r;

	(void)state;
	random_seed(&r, 2);
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum sip_class class = classes[random_below(&r, CLASSES)];
		size_t     n = random_below(&r, SIZE_MAX_TRIED), room = random_below(&r, 100);
		char      *bytes = malloc(n + 1), *to = malloc(room + 1);
		struct put w = put_to(to, room);
		struct str s = {bytes, n};
		bool       good = n > 0;

		for (size_t i = 0; i < n; i++) {
			bytes[i] = random_below(&r, 40) == 0 ? (char)random_below(&r, 256) : 'x';
			good = good && sip_is((uint8_t)bytes[i], class);
		}
		assert_int_equal(sip_class_put(&w, s, class), good);
		assert_int_equal(w.failed, good && n > room);
		assert_int_equal(put_size(&w), good && n <= room ? n : 0);
		assert_memory_equal(to, bytes, put_size(&w));
		free(bytes);
		free(to);
	}
}

static void capitals_of_ascii_alone_become_small(void **state)
{
	struct random r;
	char          from[40], to[40];

	(void)state;
	random_seed(&r, 3);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t n = random_below(&r, sizeof(from));

		for (size_t i = 0; i < n; i++)
			from[i] = (char)random_below(&r, 256);
		memset(to, '#', sizeof(to));
		sip_small_copy(to, (struct str){from, n});
		for (size_t i = 0; i < n; i++)
			assert_int_equal(to[i], from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 0x20
										 : from[i]);
		for (size_t i = n; i < sizeof(to); i++)
			assert_int_equal(to[i], '#');
	}
}

static void a_byte_is_found_or_the_end(void **state)
{
	(void)state;
	for (size_t n = 0; n < SIZE_MAX_TRIED; n++) {
		uint8_t *bytes = malloc(n + 1);

		memset(bytes, 'x', n);
		assert_ptr_equal(sip_byte_find(bytes, bytes + n, '>'), bytes + n);
		for (size_t at = n; at-- > 0;) { /* before the ones that are there already */
			bytes[at] = '>';
			assert_ptr_equal(sip_byte_find(bytes, bytes + n, '>'), bytes + at);
		}
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_where_its_class_says),
		cmocka_unit_test(a_run_ends_at_its_first_other_byte),
		cmocka_unit_test(nothing_is_read_of_a_page_that_is_not_there),
		cmocka_unit_test(case_is_of_no_meaning_in_letters_alone),
		cmocka_unit_test(a_text_is_written_when_all_of_it_is_of_the_class),
		cmocka_unit_test(capitals_of_ascii_alone_become_small),
		cmocka_unit_test(a_byte_is_found_or_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
