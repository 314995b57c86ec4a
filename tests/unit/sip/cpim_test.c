#include "bodies.h"

#include "sip/cpim.h"

#define NL "\r\n"

static const char text_message[] =
	"From: \"Alice \\\"A\\\"\" <sip:alice@example.com>" NL "To: <sip:bob@example.com>" NL
	"To: Carol White <tel:+15551230001>" NL "cc: <im:dan@example.com>" NL
	"DateTime: 2000-12-13T13:40:00-08:00" NL "Subject: the weather will be fine today" NL
	"Subject:;lang=fr beau temps pr\xc3\xa9vu" NL "NS: imdn <urn:ietf:params:imdn>" NL
	"NS: MyFeatures <mid:MessageFeatures@id.foo.com>" NL
	"Require: MyFeatures.VitalMessageOption" NL
	"MyFeatures.VitalMessageOption: Confirmation-requested" NL "imdn.Message-ID: 34jk324j" NL
	"imdn.Disposition-Notification: positive-delivery, display" NL
	"imdn.IMDN-Record-Route: <sip:relay1.example.com>" NL
	"imdn.IMDN-Record-Route: <sip:relay2.example.com>" NL
	"imdn.Original-To: <sip:friends@example.com>" NL NL
	"Content-Type: text/plain; charset=utf-8" NL "Content-ID: <1234567890@foo.com>" NL
	"Content-Disposition: notification" NL "Content-Length: 7" NL NL "a" NL NL "b" NL;

static enum sip_body parse(const char *bytes, size_t n, struct sip_cpim *m, uint8_t **copy)
{
	*copy = test_copy(bytes, n);
	return sip_cpim_parse(cur_of(*copy, n), m);
}

static void every_part_of_a_message_is_found(void **state)
{
	struct sip_cpim  m;
	uint8_t         *copy;
	struct sip_media media;
	struct str       charset;

	(void)state;
	assert_int_equal(parse(text_message, sizeof(text_message) - 1, &m, &copy), SIP_BODY_OK);
	assert_str(m.from.name, "Alice \\\"A\\\"");
	assert_str(m.from.uri, "sip:alice@example.com");
	assert_str(m.to.name, "");
	assert_str(m.to.uri, "sip:bob@example.com");
	assert_int_equal(m.to_count, 2);
	assert_int_equal(m.cc_count, 1);
	assert_str(m.datetime, "2000-12-13T13:40:00-08:00");
	assert_str(m.subject, "the weather will be fine today");
	assert_str(m.subject_language, "");
	assert_str(m.required, "MyFeatures.VitalMessageOption");
	assert_str(m.message_id, "34jk324j");
	assert_int_equal(m.wants, SIP_CPIM_WANT_POSITIVE | SIP_CPIM_WANT_DISPLAY);
	assert_int_equal(m.record_routes, 2);
	assert_int_equal(m.routes, 0);
	assert_str(m.original_to.uri, "sip:friends@example.com");
	assert_true(sip_mime_media(&m.content, &media));
	assert_true(sip_media_is(&media, STR("TEXT"), STR("plain")));
	assert_true(sip_media_param(&media, STR("charset"), &charset));
	assert_str(charset, "utf-8");
	assert_str(m.content.id, "<1234567890@foo.com>");
	assert_str(m.body, "a" NL NL "b" NL);
	free(copy);
}

static void what_is_written_is_strict_and_says_the_same(void **state)
{
	static const char expected[] =
		"From: \"Alice \\\"A\\\"\" <sip:alice@example.com>" NL
		"To: <sip:bob@example.com>" NL "DateTime: 2000-12-13T13:40:00-08:00" NL
		"Subject: the weather will be fine today" NL
		"To: \"Carol White\" <tel:+15551230001>" NL "cc: <im:dan@example.com>" NL
		"Subject:;lang=fr beau temps pr\xc3\xa9vu" NL "NS: imdn <urn:ietf:params:imdn>" NL
		"imdn.Message-ID: 34jk324j" NL
		"imdn.Disposition-Notification: positive-delivery, display" NL
		"imdn.Original-To: <sip:friends@example.com>" NL
		"imdn.IMDN-Record-Route: <sip:relay1.example.com>" NL
		"imdn.IMDN-Record-Route: <sip:relay2.example.com>" NL
		"NS: MyFeatures <mid:MessageFeatures@id.foo.com>" NL
		"Require: MyFeatures.VitalMessageOption" NL
		"MyFeatures.VitalMessageOption: Confirmation-requested" NL NL
		"Content-Type: text/plain; charset=utf-8" NL "Content-ID: <1234567890@foo.com>" NL
		"Content-Disposition: notification" NL "Content-Length: 8" NL NL "a" NL NL "b" NL;
	struct sip_cpim                                                                 m;
	uint8_t                                                                        *copy;
	char                                                                            room[2048];
	struct put w = put_to(room, sizeof(room));

	(void)state;
	assert_int_equal(parse(text_message, sizeof(text_message) - 1, &m, &copy), SIP_BODY_OK);
	sip_cpim_put(&w, &m);
	assert_false(w.failed);
	assert_str((struct str){room, put_size(&w)}, expected);
	free(copy);
}

/* However often it goes through us, it does not grow. */
static void a_quote_without_an_end_begins_no_parameter(void **state)
{
	static const char in[] = "From: <sip:a@b>" NL "Subject: one" NL
				 "Subject:;lang=x:\"two" NL NL "Content-Type: text/plain" NL NL "x";
	struct sip_cpim                                                                      m;
	uint8_t                                                                             *copy;
	char       rooms[2][512];
	struct put w = put_to(rooms[0], sizeof(rooms[0])), again;

	(void)state;
	assert_int_equal(parse(in, sizeof(in) - 1, &m, &copy), SIP_BODY_OK);
	sip_cpim_put(&w, &m);
	free(copy);
	assert_int_equal(parse(rooms[0], put_size(&w), &m, &copy), SIP_BODY_OK);
	again = put_to(rooms[1], sizeof(rooms[1]));
	sip_cpim_put(&again, &m);
	free(copy);
	assert_int_equal(put_size(&again), put_size(&w));
	assert_memory_equal(rooms[0], rooms[1], put_size(&w));
}

/* What operators' equipment sent (emergency-compliance, C-3), the numbers replaced. */
static void what_operators_write_is_understood(void **state)
{
	static const struct {
		const char *what, *bytes;
	} table[] = {
		{"no blank between prefix and namespace, tel: in To",
		 "From: <sip:anonymous@anonymous.invalid>" NL "To: <tel:+15551230001>" NL
		 "NS: imdn<urn:ietf:params:imdn>" NL "imdn.Message-ID: Mx1" NL
		 "imdn.Disposition-Notification: positive-delivery, display" NL NL
		 "Content-Type: text/plain;charset=UTF-8" NL
		 "Content-Transfer-Encoding: base64" NL NL "aGVsbG8="},
		{"no blank line before the headers of the content",
		 "From: <sip:anonymous@anonymous.invalid>" NL "To: <tel:+15551230001>" NL
		 "NS: imdn <urn:ietf:params:imdn>" NL "imdn.Message-ID: Mx1" NL
		 "imdn.Disposition-Notification: display, positive-delivery" NL
		 "Content-type: text/plain; charset=UTF-8" NL NL "hello"},
		{"another prefix, another case, no blanks, more blanks",
		 "from:<sip:anonymous@anonymous.invalid>" NL "TO:    tel:+15551230001" NL
		 "NS: x   <urn:ietf:params:imdn>" NL "x.message-id:Mx1" NL
		 "x.Disposition-Notification: positive-delivery,display" NL                    NL
		 "content-type:text/plain" NL "content-transfer-encoding: Quoted-Printable" NL NL
		 "he=6C=" NL "lo"},
		{"the default namespace",
		 "From: <sip:anonymous@anonymous.invalid>" NL "To: <tel:+15551230001>" NL
		 "NS: <urn:ietf:params:imdn>" NL "Message-ID: Mx1" NL
		 "Disposition-Notification: positive-delivery,display" NL NL NL "hello"},
		{"a prefix that nobody declared",
		 "From: <sip:anonymous@anonymous.invalid>" NL "To: <tel:+15551230001>" NL
		 "imdn.Message-ID: Mx1" NL
		 "imdn.Disposition-Notification: positive-delivery,display" NL NL
		 "Content-Type: text/plain" NL                                 NL "hello"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sip_cpim  m;
		uint8_t         *copy;
		char             room[64];
		struct put       w = put_to(room, sizeof(room));
		struct sip_media media;

		print_message("%s\n", table[i].what);
		assert_case(i, parse(table[i].bytes, strlen(table[i].bytes), &m, &copy),
			    SIP_BODY_OK);
		assert_str(m.from.uri, "sip:anonymous@anonymous.invalid");
		assert_str(m.to.uri, "tel:+15551230001");
		assert_str(m.message_id, "Mx1");
		assert_int_equal(m.wants, SIP_CPIM_WANT_POSITIVE | SIP_CPIM_WANT_DISPLAY);
		assert_true(sip_mime_media(&m.content, &media));
		assert_true(sip_media_is(&media, STR("text"), STR("plain")));
		assert_int_equal(sip_cpim_content(&m, &w), SIP_BODY_OK);
		assert_str((struct str){room, put_size(&w)}, "hello");
		free(copy);
	}
}

static void a_prefix_bound_to_something_else_is_not_of_notifications(void **state)
{
	static const char bytes[] = "From: <sip:a@b>" NL "NS: imdn <urn:example:other>" NL
				    "imdn.Message-ID: 1" NL NL "Content-Type: text/plain" NL NL;
	struct sip_cpim                                                                      m;
	uint8_t                                                                             *copy;
	char       room[256];
	struct put w = put_to(room, sizeof(room));

	(void)state;
	assert_int_equal(parse(bytes, sizeof(bytes) - 1, &m, &copy), SIP_BODY_OK);
	assert_str(m.message_id, "");
	assert_str(m.body, "");
	m.message_id = STR("2"); /* ours beside the stranger's */
	sip_cpim_put(&w, &m);
	assert_str((struct str){room, put_size(&w)},
		   "From: <sip:a@b>" NL "NS: imdn <urn:ietf:params:imdn>" NL "imdn.Message-ID: 2" NL
		   "NS: imdn <urn:example:other>" NL "imdn.Message-ID: 1" NL NL
		   "Content-Type: text/plain" NL                             NL);
	free(copy);
}

#define OK_END NL NL "Content-Type: text/plain" NL NL "x"

static void bad_messages_are_refused_with_their_reason(void **state)
{
	static const struct {
		const char   *bytes;
		enum sip_body why;
	} table[] = {
		{"", SIP_BODY_MISSING},
		{"From: <sip:a@b>" NL, SIP_BODY_MISSING},
		{"From: <sip:a@b>" NL NL, SIP_BODY_MISSING},
		{"From: <sip:a@b>" NL NL "Content-Type: text/plain" NL, SIP_BODY_MISSING},
		{"From: <sip:a@b>\n\nContent-Type: text/plain\n\nx", SIP_BODY_SYNTAX},
		{"From: <sip:a@b>\rX: y" OK_END, SIP_BODY_SYNTAX},
		{"From\x01: <sip:a@b>" OK_END, SIP_BODY_SYNTAX},
		{"From : <sip:a@b>" OK_END, SIP_BODY_SYNTAX},
		{"From:\t<sip:a@b>" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL " folded" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL ".Name: x" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL "p.: x" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL "no colon" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL "NS: x urn:y" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL "NS: x <urn:y" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL "NS: x <>" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b> <sip:c@d>" OK_END, SIP_BODY_SYNTAX},
		{"From: \"A <sip:a@b>" OK_END, SIP_BODY_SYNTAX},
		{"From: \"A\\\" <sip:a@b>" OK_END, SIP_BODY_SYNTAX},
		{"From: A\"B <sip:a@b>" OK_END, SIP_BODY_SYNTAX},
		{"From: Alice" OK_END, SIP_BODY_SYNTAX},
		{"From: <>" OK_END, SIP_BODY_SYNTAX},
		{"From: <:x>" OK_END, SIP_BODY_SYNTAX},
		{"To: <sip:a b>" OK_END, SIP_BODY_SYNTAX},
		{"Subject: \xff" OK_END, SIP_BODY_SYNTAX},
		{"Subject: \xc0\xaf" OK_END, SIP_BODY_SYNTAX},
		{"Subject: \xed\xa0\x80" OK_END, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL "From: <sip:c@d>" OK_END, SIP_BODY_REPEATED},
		{"From: <sip:a@b>" NL "from: <sip:c@d>" OK_END, SIP_BODY_REPEATED},
		{"DateTime: 1" NL "DateTime: 2" OK_END, SIP_BODY_REPEATED},
		{"imdn.Message-ID: 1" NL "NS: x <urn:ietf:params:imdn>" NL "x.Message-ID: 2" OK_END,
		 SIP_BODY_REPEATED},
		{"From: <sip:a@b>" NL         NL "Content-Type: text/plain" NL
		 "content-type: text/html" NL NL,
		 SIP_BODY_REPEATED},
		{"From: <sip:a@b>" NL NL "Content Type: text/plain" NL NL, SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL NL "Content-Type: text/plain\n\nx", SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL NL "Content-Type: text/plain" NL "\rx", SIP_BODY_SYNTAX},
		{"From: <sip:a@b>" NL NL "hello", SIP_BODY_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sip_cpim m;
		uint8_t        *copy;

		assert_int_equal(parse(table[i].bytes, strlen(table[i].bytes), &m, &copy),
				 table[i].why);
		free(copy);
	}
}

static void a_message_cut_before_its_body_is_refused_wherever_it_is_cut(void **state)
{
	size_t body = sizeof(text_message) - 1 - strlen("a" NL NL "b" NL);

	(void)state;
	for (size_t cut = 0; cut < sizeof(text_message); cut++) {
		struct sip_cpim m;
		uint8_t        *copy;

		assert_int_equal(parse(text_message, cut, &m, &copy) == SIP_BODY_OK, cut >= body);
		free(copy);
	}
}

static void headers_and_namespaces_have_limits(void **state)
{
	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct sip_cpim m;
		char            room[4096];
		struct put      w = put_to(room, sizeof(room));

		for (unsigned i = 0; i < SIP_CPIM_HEADERS_MAX + over; i++)
			put_str(&w, STR("cc: <sip:a@b>" NL));
		put_str(&w, STR(NL NL "x"));
		assert_int_equal(sip_cpim_parse(cur_of(room, put_size(&w)), &m),
				 over ? SIP_BODY_LIMIT : SIP_BODY_OK);
		w = put_to(room, sizeof(room));
		for (unsigned i = 0; i < SIP_CPIM_SPACES_MAX + over; i++) {
			put_str(&w, STR("NS: p"));
			put_u8(&w, (uint8_t)('a' + i));
			put_str(&w, STR(" <urn:x>" NL));
		}
		put_str(&w, STR(NL NL "x"));
		assert_int_equal(sip_cpim_parse(cur_of(room, put_size(&w)), &m),
				 over ? SIP_BODY_LIMIT : SIP_BODY_OK);
		w = put_to(room, sizeof(room));
		put_str(&w, STR("From: <sip:a@b>" NL NL));
		for (unsigned i = 0; i < SIP_MIME_HEADERS_MAX + over; i++)
			put_str(&w, STR("X-Y: z" NL));
		put_str(&w, STR(NL "x"));
		assert_int_equal(sip_cpim_parse(cur_of(room, put_size(&w)), &m),
				 over ? SIP_BODY_LIMIT : SIP_BODY_OK);
	}
}

static void a_value_that_would_break_its_line_is_not_written(void **state)
{
	const struct sip_cpim table[] = {
		{.subject = STR("a\r\nFrom: <sip:evil@b>")},
		{.subject = STR("a"), .subject_language = STR("en x")},
		{.datetime = STR("a\nb")},
		{.message_id = STR("a\0b")},
		{.from = {.uri = STR("sip:a>b")}},
		{.from = {.uri = STR("alice")}},
		{.from = {.name = STR("a\" <sip:evil@b> \""), .uri = STR("sip:a")}},
		{.from = {.name = STR("a\\"), .uri = STR("sip:a")}},
		{.content = {.type = STR("text/plain\r\n\r\nx")}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char       room[256];
		struct put w = put_to(room, sizeof(room));

		sip_cpim_put(&w, &table[i]);
		assert_case(i, w.failed, true);
	}
}

static void escapes_are_resolved_and_made(void **state)
{
	static const struct {
		const char *value, *text;
	} table[] = {
		{"plain \xc3\xa9", "plain \xc3\xa9"},
		{"\\\"\\'\\\\\\t\\n\\r", "\"'\\\t\n\r"},
		{"\\u00e9\\u20AC", "\xc3\xa9\xe2\x82\xac"},
		{"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
		{"\\ud83dx", "\xef\xbf\xbdx"},
		{"\\ud83d\\u0041", "\xef\xbf\xbd"
				   "A"},
		{"\\u0000", "\xef\xbf\xbd"},
		{"\\u12", "\xef\xbf\xbd"
			  "12"},
		{"\\q", "\xef\xbf\xbd"},
		{"end\\", "end\xef\xbf\xbd"},
		{"\xff", "\xef\xbf\xbd"},
	};
	char       room[64], value[64];
	struct put w, again;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		w = put_to(room, sizeof(room));
		sip_cpim_text_put(&w, str_of(table[i].value));
		assert_str((struct str){room, put_size(&w)}, table[i].text);
		again = put_to(value, sizeof(value));
		sip_cpim_escape_put(&again, (struct str){room, put_size(&w)});
		w = put_to(room, sizeof(room));
		sip_cpim_text_put(&w, (struct str){value, put_size(&again)});
		assert_str((struct str){room, put_size(&w)}, table[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_a_message_is_found),
		cmocka_unit_test(what_is_written_is_strict_and_says_the_same),
		cmocka_unit_test(a_quote_without_an_end_begins_no_parameter),
		cmocka_unit_test(what_operators_write_is_understood),
		cmocka_unit_test(a_prefix_bound_to_something_else_is_not_of_notifications),
		cmocka_unit_test(bad_messages_are_refused_with_their_reason),
		cmocka_unit_test(a_message_cut_before_its_body_is_refused_wherever_it_is_cut),
		cmocka_unit_test(headers_and_namespaces_have_limits),
		cmocka_unit_test(a_value_that_would_break_its_line_is_not_written),
		cmocka_unit_test(escapes_are_resolved_and_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
