#include "bodies.h"

#include "sip/multipart.h"

#define NL "\r\n"
#define TYPE STR("multipart/mixed;boundary=\"b1\"")

static void parts_are_taken_byte_for_byte(void **state)
{
	static const char text[] = "preamble" NL "--b1 " NL "Content-Type: text/plain" NL NL
				   "hello" NL NL "--b1" NL NL "--b10" NL "-- b1" NL "--b1x" NL
				   "--b1\t" NL "Content-Type: application/resource-lists+xml" NL
				   "Content-Disposition: recipient-list" NL NL NL "--b1--" NL
				   "epilogue" NL "--b1" NL                     NL;
	uint8_t             *copy = test_copy(text, sizeof(text) - 1);
	struct sip_multipart m;
	struct sip_part      part;

	(void)state;
	assert_true(sip_multipart_open(&m, TYPE, cur_of(copy, sizeof(text) - 1), NULL));
	assert_true(sip_multipart_next(&m, &part));
	assert_str(part.mime.type, "text/plain");
	assert_str(part.body, "hello" NL);
	assert_true(sip_multipart_next(&m, &part));
	assert_str(part.mime.type, "");
	assert_str(part.body, "--b10" NL "-- b1" NL "--b1x");
	assert_true(sip_multipart_next(&m, &part));
	assert_str(part.mime.disposition, "recipient-list");
	assert_str(part.body, "");
	assert_false(sip_multipart_next(&m, &part));
	assert_int_equal(m.fault, SIP_BODY_OK);
	free(copy);
}

static void bad_bodies_end_with_their_reason(void **state)
{
	static const struct {
		const char   *type, *bytes;
		unsigned      parts; /* before the fault was seen */
		enum sip_body fault;
	} table[] = {
		{"multipart/mixed;boundary=b", "--b" NL NL "x" NL "--b--", 1, SIP_BODY_OK},
		{"multipart/mixed;boundary=b", "--b" NL NL NL "--b--", 1, SIP_BODY_OK},
		{"multipart/mixed;boundary=b", "--b" NL NL "--b--", 1, SIP_BODY_OK},
		{"MULTIPART/related;boundary=b", "--b" NL NL "x" NL "--b--", 1, SIP_BODY_OK},
		{"text/plain;boundary=b", "--b" NL NL "x" NL "--b--", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed", "--b" NL NL "x" NL "--b--", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=\"\"", "--" NL NL "x" NL "----", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=\"b \"", "--b " NL NL "x" NL "--b --", 0,
		 SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=\"a\\\"b\"", "", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=b", "", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=b", "no delimiter", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=b", "--b--", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=b", "x--b" NL NL "x" NL "--b--", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=b", "--b\n\nx\n--b--", 0, SIP_BODY_SYNTAX},
		{"multipart/mixed;boundary=b", "--b" NL NL "x", 0, SIP_BODY_MISSING},
		{"multipart/mixed;boundary=b", "--b" NL NL "x" NL "--b" NL, 1, SIP_BODY_MISSING},
		{"multipart/mixed;boundary=b", "--b" NL NL "x" NL "--b", 0, SIP_BODY_MISSING},
		{"multipart/mixed;boundary=b", "--b" NL "A: b" NL "--b--", 0, SIP_BODY_MISSING},
		{"multipart/mixed;boundary=b", "--b" NL "no header" NL NL NL "--b--", 0,
		 SIP_BODY_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t               n = strlen(table[i].bytes);
		uint8_t             *copy = test_copy(table[i].bytes, n);
		struct sip_multipart m;
		struct sip_part      part;
		unsigned             parts = 0;

		if (sip_multipart_open(&m, str_of(table[i].type), cur_of(copy, n), NULL)) {
			while (sip_multipart_next(&m, &part))
				parts++;
		}
		assert_case(i, parts, table[i].parts);
		assert_case(i, m.fault, table[i].fault);
		free(copy);
	}
}

static void boundaries_of_seventy_characters_are_the_longest(void **state)
{
	(void)state;
	for (unsigned n = 69; n <= 71; n++) {
		char                 room[512], boundary[80];
		struct put           w = put_to(room, sizeof(room));
		struct put           t = put_to(boundary + 0, sizeof(boundary));
		char                 type[128];
		struct put           c = put_to(type, sizeof(type));
		struct sip_multipart m;

		for (unsigned i = 0; i < n; i++)
			put_u8(&t, 'b');
		put_str(&c, STR("multipart/mixed;boundary="));
		put_bytes(&c, boundary, n);
		put_str(&w, STR("--"));
		put_bytes(&w, boundary, n);
		put_str(&w, STR(NL NL NL "--"));
		put_bytes(&w, boundary, n);
		put_str(&w, STR("--"));
		assert_int_equal(sip_multipart_open(&m, (struct str){type, put_size(&c)},
						    cur_of(room, put_size(&w)), NULL),
				 n <= SIP_MULTIPART_BOUNDARY_MAX);
	}
}

static void parts_and_nesting_are_limited(void **state)
{
	char                 room[1024];
	struct sip_multipart outer, inner, innermost;
	struct sip_part      part;

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct put w = put_to(room, sizeof(room));
		unsigned   parts = 0;

		for (unsigned i = 0; i < SIP_MULTIPART_PARTS_MAX + over; i++)
			sip_multipart_part_put(&w, STR("b1"), &(struct sip_part){.body = STR("x")});
		sip_multipart_end_put(&w, STR("b1"));
		assert_false(w.failed);
		assert_true(sip_multipart_open(&outer, TYPE, cur_of(room, put_size(&w)), NULL));
		while (sip_multipart_next(&outer, &part))
			parts++;
		assert_int_equal(parts, SIP_MULTIPART_PARTS_MAX);
		assert_int_equal(outer.fault, over ? SIP_BODY_LIMIT : SIP_BODY_OK);
	}
	assert_true(sip_multipart_open(&inner, TYPE, cur_of(room, sizeof(room)), &outer));
	assert_false(sip_multipart_open(&innermost, TYPE, cur_of(room, sizeof(room)), &inner));
	assert_int_equal(innermost.fault, SIP_BODY_LIMIT);
}

static void what_is_written_is_read_again_and_never_ends_early(void **state)
{
	char                 room[512];
	struct put           w = put_to(room, sizeof(room));
	struct sip_part      part = {.mime = {.type = STR("text/plain")}, .body = STR("--b" NL)};
	struct sip_multipart m;

	(void)state;
	sip_multipart_part_put(&w, STR("b1"), &part);
	part.body = STR("");
	sip_multipart_part_put(&w, STR("b1"), &part);
	sip_multipart_end_put(&w, STR("b1"));
	assert_false(w.failed);
	assert_true(sip_multipart_open(&m, TYPE, cur_of(room, put_size(&w)), NULL));
	assert_true(sip_multipart_next(&m, &part));
	assert_str(part.mime.type, "text/plain");
	assert_str(part.body, "--b" NL);
	assert_true(sip_multipart_next(&m, &part));
	assert_str(part.body, "");
	assert_false(sip_multipart_next(&m, &part));
	assert_int_equal(m.fault, SIP_BODY_OK);
	part = (struct sip_part){.body = STR("x" NL "--b1--" NL)};
	w = put_to(room, sizeof(room));
	sip_multipart_part_put(&w, STR("b1"), &part);
	assert_true(w.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_taken_byte_for_byte),
		cmocka_unit_test(bad_bodies_end_with_their_reason),
		cmocka_unit_test(boundaries_of_seventy_characters_are_the_longest),
		cmocka_unit_test(parts_and_nesting_are_limited),
		cmocka_unit_test(what_is_written_is_read_again_and_never_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
