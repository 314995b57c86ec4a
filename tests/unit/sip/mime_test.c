#include "bodies.h"

#include "sip/mime.h"

static void contents_are_decoded_or_refused(void **state)
{
	static const struct {
		enum sip_mime_encoding encoding;
		const char            *encoded, *decoded; /* NULL: refused */
	} table[] = {
		{SIP_MIME_IDENTITY, "a=\r\n ", "a=\r\n "},
		{SIP_MIME_UNKNOWN, "a", NULL},
		{SIP_MIME_BASE64, "", ""},
		{SIP_MIME_BASE64, "YQ==", "a"},
		{SIP_MIME_BASE64, "YWI=", "ab"},
		{SIP_MIME_BASE64, "YWJj", "abc"},
		{SIP_MIME_BASE64, "YW\r\nJj Y\tQ==\r\n", "abca"},
		{SIP_MIME_BASE64, "+/+/", "\xfb\xff\xbf"},
		{SIP_MIME_BASE64, "YQ=", NULL},
		{SIP_MIME_BASE64, "YQ", NULL},
		{SIP_MIME_BASE64, "Y", NULL},
		{SIP_MIME_BASE64, "Y===", NULL},
		{SIP_MIME_BASE64, "=", NULL},
		{SIP_MIME_BASE64, "YQ===", NULL},
		{SIP_MIME_BASE64, "YQ==YQ==", NULL},
		{SIP_MIME_BASE64, "YWJj=", NULL},
		{SIP_MIME_BASE64, "Y-_j", NULL},
		{SIP_MIME_QUOTED, "", ""},
		{SIP_MIME_QUOTED, "a=3D=c3=A9 b", "a=\xc3\xa9 b"},
		{SIP_MIME_QUOTED, "a \t\r\nb  ", "a\r\nb"},
		{SIP_MIME_QUOTED, "a=\r\nb= \t\r\nc=", "abc"},
		{SIP_MIME_QUOTED, "a=20\r\n", "a \r\n"},
		{SIP_MIME_QUOTED, "a=b", NULL},
		{SIP_MIME_QUOTED, "a=x0", NULL},
		{SIP_MIME_QUOTED, "a=\nb", NULL},
		{SIP_MIME_QUOTED, "a=\rb", NULL},
		{SIP_MIME_QUOTED, "a= b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t        n = strlen(table[i].encoded);
		char         *copy = (char *)test_copy(table[i].encoded, n);
		char          room[64];
		struct put    w = put_to(room, sizeof(room));
		enum sip_body got = sip_mime_decode(table[i].encoding, (struct str){copy, n}, &w);

		if (got != (table[i].decoded != NULL ? SIP_BODY_OK : SIP_BODY_SYNTAX))
			print_error("%s\n", table[i].encoded);
		assert_int_equal(got, table[i].decoded != NULL ? SIP_BODY_OK : SIP_BODY_SYNTAX);
		if (table[i].decoded != NULL)
			assert_str((struct str){room, put_size(&w)}, table[i].decoded);
		free(copy);
	}
}

static void content_that_does_not_fit_is_a_limit(void **state)
{
	char room[2];

	(void)state;
	for (enum sip_mime_encoding e = SIP_MIME_IDENTITY; e <= SIP_MIME_QUOTED; e++) {
		struct put w = put_to(room, sizeof(room));

		assert_int_equal(sip_mime_decode(e, STR("YWJj"), &w), SIP_BODY_LIMIT);
	}
}

static void content_without_a_type_is_plain_text(void **state)
{
	struct sip_media media;

	(void)state;
	assert_true(sip_mime_media(&(struct sip_mime){.type = STR("")}, &media));
	assert_true(sip_media_is(&media, STR("text"), STR("plain")));
	assert_true(sip_mime_media(&(struct sip_mime){.type = STR("message/CPIM")}, &media));
	assert_true(sip_media_is(&media, STR("Message"), STR("cpim")));
	assert_false(sip_mime_media(&(struct sip_mime){.type = STR("text")}, &media));
}

static void a_folded_value_comes_out_on_one_line(void **state)
{
	static const char text[] = "Content-Type: text/plain;\r\n charset=utf-8\r\nX: y\r\n\r\nz";
	struct cur        in = cur_of(text, sizeof(text) - 1);
	struct sip_mime   m;
	char              room[128], room_two[128];
	struct put        w = put_to(room, sizeof(room));
	struct sip_media  media;
	struct str        charset;

	(void)state;
	assert_int_equal(sip_mime_parse(&in, &m), SIP_BODY_OK);
	assert_int_equal(cur_left(&in), 1);
	assert_true(sip_mime_media(&m, &media));
	assert_true(sip_media_param(&media, STR("charset"), &charset));
	assert_str(charset, "utf-8");
	sip_mime_put(&w, &m, 1);
	assert_str((struct str){room, put_size(&w)},
		   "Content-Type: text/plain; charset=utf-8\r\nX: y\r\n");
	w = put_to(room_two, sizeof(room_two));
	sip_mime_header_put(&w, STR("X Y"), STR("z"));
	assert_true(w.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_decoded_or_refused),
		cmocka_unit_test(content_that_does_not_fit_is_a_limit),
		cmocka_unit_test(content_without_a_type_is_plain_text),
		cmocka_unit_test(a_folded_value_comes_out_on_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
