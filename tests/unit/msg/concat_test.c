#include "test.h"

#include "msg/concat.h"

static bool parse(const char *bytes, size_t n, struct concat_udh *udh)
{
	uint8_t *exact = test_copy(bytes, n);
	bool     ok = concat_parse(exact, n, udh);

	free(exact);
	return ok;
}

static void a_part_is_read_with_references_of_8_and_16_bits(void **state)
{
	struct concat_udh udh;

	(void)state;
	assert_true(parse("\x05\x00\x03\xaa\x03\x02text", 10, &udh));
	assert_int_equal(udh.size, 6);
	assert_int_equal(udh.concat.reference, 0xaa);
	assert_int_equal(udh.concat.parts, 3);
	assert_int_equal(udh.concat.part, 2);
	assert_true(udh.concat.udh && !udh.wide);
	assert_true(parse("\x06\x08\x04\x12\x34\x02\x01", 7, &udh));
	assert_int_equal(udh.size, 7);
	assert_int_equal(udh.concat.reference, 0x1234);
	assert_true(udh.wide);
}

static void ports_and_languages_are_read_beside_a_part(void **state)
{
	struct concat_udh udh;

	(void)state;
	assert_true(
		parse("\x11\x05\x04\x0b\x84\x23\xf0\x24\x01\x03\x25\x01\x01\x00\x03\x01\x02\x01",
		      18, &udh));
	assert_true(udh.has_ports && udh.wide_ports);
	assert_int_equal(udh.port_to, 2948);
	assert_int_equal(udh.port_from, 9200);
	assert_int_equal(udh.tables.shift, TEXT_PORTUGUESE);
	assert_int_equal(udh.tables.locking, TEXT_TURKISH);
	assert_int_equal(udh.concat.parts, 2);
}

static void an_impossible_element_is_passed_over(void **state)
{
	static const char *const impossible[] = {
		"\x05\x00\x03\x01\x03\x00", /* part 0 of 3 */
		"\x05\x00\x03\x01\x03\x04", /* part 4 of 3 */
		"\x05\x00\x03\x01\x00\x00", /* no parts */
		"\x05\x08\x03\x01\x03\x01", /* 16 bits in 3 bytes */
		"\x05\x24\x03\x01\x03\x01", /* a language in 3 bytes */
		"\x05\x25\x01\x0e\x70\x00", /* a language that does not exist, and an element of no
					       bytes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		struct concat_udh udh;

		assert_true(parse(impossible[i], 6, &udh));
		assert_int_equal(udh.size, 6);
		assert_int_equal(udh.concat.parts, 0);
		assert_int_equal(udh.tables.locking, 0);
		assert_int_equal(udh.tables.shift, 0);
	}
}

static void a_header_cut_at_any_byte_means_nothing(void **state)
{
	static const char whole[] = "\x0b\x08\x04\x12\x34\x02\x01\x05\x04\x0b\x84\x23\xf0";
	struct concat_udh udh;

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
		assert_false(parse(whole, cut, &udh));
		assert_int_equal(udh.size, 0);
		assert_int_equal(udh.concat.parts, 0);
	}
	assert_false(
		parse("\x06\x00\x03\x01\x02\x01\x05", 7, &udh)); /* an element without a length */
	assert_false(parse("\x07\x00\x03\x01\x02\x01\x05\x04", 8,
			   &udh)); /* an element past the header */
	assert_int_equal(udh.concat.parts, 0);
	assert_true(parse("\x00", 1, &udh));
	assert_int_equal(udh.size, 1);
}

static void what_is_built_is_read_back(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 64; bits++) {
		struct concat_udh udh = {.wide = (bits & 2) != 0,
					 .wide_ports = (bits & 8) != 0,
					 .has_ports = (bits & 4) != 0},
				  back;
		uint8_t room[CONCAT_UDH_SIZE_MAX];
		size_t  n;

		if ((bits & 1) != 0)
			udh.concat =
				(struct msg_concat){(bits & 2) != 0 ? 0xfedc : 0xdc, 7, 9, true};
		udh.wide &= udh.concat.parts > 0;
		udh.wide_ports &= udh.has_ports;
		if (udh.has_ports) {
			udh.port_to = udh.wide_ports ? 2948 : 240;
			udh.port_from = udh.wide_ports ? 9200 : 241;
		}
		udh.tables = (struct text_tables){(bits & 16) != 0 ? TEXT_URDU : 0,
						  (bits & 32) != 0 ? TEXT_HINDI : 0};
		n = concat_build(&udh, room);
		if (n == 0) {
			assert_true(udh.concat.parts == 0 && !udh.has_ports && (bits & 48) == 0);
			continue;
		}
		assert_true(parse((const char *)room, n, &back));
		assert_int_equal(back.size, n);
		udh.size = (uint8_t)n;
		assert_int_equal(back.concat.reference, udh.concat.reference);
		assert_int_equal(back.concat.part, udh.concat.part);
		assert_int_equal(back.concat.parts, udh.concat.parts);
		assert_int_equal(back.wide, udh.wide);
		assert_int_equal(back.port_to, udh.port_to);
		assert_int_equal(back.port_from, udh.port_from);
		assert_int_equal(back.tables.locking, udh.tables.locking);
		assert_int_equal(back.tables.shift, udh.tables.shift);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_read_with_references_of_8_and_16_bits),
		cmocka_unit_test(ports_and_languages_are_read_beside_a_part),
		cmocka_unit_test(an_impossible_element_is_passed_over),
		cmocka_unit_test(a_header_cut_at_any_byte_means_nothing),
		cmocka_unit_test(what_is_built_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
