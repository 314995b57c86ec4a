#include "test.h"

#include "sip/branch.h"

static const struct hash_key key = {1, 2};

static void a_branch_comes_back_as_it_was(void **state)
{
	static const struct sip_branch cases[] = {
		{0, 1, 0}, {255, UINT32_MAX, UINT32_MAX}, {7, 0x12345678, 0x9abcdef0}};

	for (size_t i = 0; i < 3; i++) {
		char              text[SIP_BRANCH_SIZE];
		struct put        w = put_to(text, sizeof(text));
		struct str        s = {text, sizeof(text)};
		struct sip_branch back;
		unsigned          worker;

		sip_branch_put(&w, &key, &cases[i]);
		assert_false(w.failed);
		assert_int_equal(put_size(&w), SIP_BRANCH_SIZE);
		assert_memory_equal(text, "z9hG4bK", 7);
		assert_true(sip_branch_parse(s, &key, &back));
		assert_int_equal(back.worker, cases[i].worker);
		assert_int_equal(back.index, cases[i].index);
		assert_int_equal(back.generation, cases[i].generation);
		assert_true(sip_branch_worker(s, &worker));
		assert_int_equal(worker, cases[i].worker);
		assert_false(sip_branch_parse(s, &(struct hash_key){1, 3}, &back));
		assert_false(sip_branch_parse(str_skip(s, 1), &key, &back));
		s.n--;
		assert_false(sip_branch_parse(s, &key, &back));
		assert_false(sip_branch_worker(s, &worker));
	}
}

static void branches_of_others_are_not_ours(void **state)
{
	static const char *const others[] = {"", "z9hG4bK", "z9hG4bK-524287-1---0f9a2b3c4d5e6f70",
					     "z9hG4bK12345678901234567890!234",
					     "y9hG4bKaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct sip_branch        b;
	unsigned                 worker;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(sip_branch_parse(str_of(others[i]), &key, &b));
		assert_false(sip_branch_worker(str_of(others[i]), &worker));
	}
}

/* RFC 4648, 10, as far as its groups are whole; in small letters. */
static void five_bits_go_into_each_character(void **state)
{
	char       text[16];
	uint8_t    bytes[5];
	struct put w = put_to(text, sizeof(text));

	sip_base32_put(&w, (const uint8_t *)"fooba", 5);
	assert_int_equal(put_size(&w), 8);
	assert_memory_equal(text, "mzxw6ytb", 8);
	assert_true(sip_base32_parse(STR("MZXW6YTB"), bytes, 5));
	assert_memory_equal(bytes, "fooba", 5);
	assert_false(sip_base32_parse(STR("MZXW6YT1"), bytes, 5));
	assert_false(sip_base32_parse(STR("MZXW6YT"), bytes, 5));
}

/* RFC 4648, 6, by its alphabet, in any case; each byte at each place of a group. */
static void letters_of_the_alphabet_alone_are_read(void **state)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

	(void)state;
	for (unsigned at = 0; at < 8; at++) {
		for (unsigned b = 0; b < 256; b++) {
			char        text[8] = {'7', 'a', 'z', '2', 'b', '3', 'q', 'm'};
			char        small = b >= 'A' && b <= 'Z' ? (char)(b | 0x20) : (char)b;
			const char *letter = b != 0 ? strchr(alphabet, small) : NULL;
			uint8_t     bytes[5];
			uint64_t    five = 0;

			text[at] = (char)b;
			assert_int_equal(sip_base32_parse((struct str){text, 8}, bytes, 5),
					 letter != NULL);
			if (letter == NULL)
				continue;
			for (unsigned i = 0; i < 5; i++)
				five = five << 8 | bytes[i];
			assert_int_equal(five >> (35 - 5 * at) & 31, letter - alphabet);
			assert_int_equal(five >> (35 - 5 * ((at + 1) % 8)) & 31,
					 strchr(alphabet, text[(at + 1) % 8]) - alphabet);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_branch_comes_back_as_it_was),
		cmocka_unit_test(branches_of_others_are_not_ours),
		cmocka_unit_test(five_bits_go_into_each_character),
		cmocka_unit_test(letters_of_the_alphabet_alone_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
