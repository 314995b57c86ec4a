/* SIP messages written: what is read back, and what never gets into a line. */
#include "test.h"

#include <stdio.h>

#include "sip/print.h"

static uint8_t room[4096];

static struct str written(const struct put *w)
{
	return (struct str){(char *)room, put_size(w)};
}

static void assert_str(struct str got, const char *want)
{
	if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void a_request_is_written_and_read_back(void **state)
{
	static struct sip_message m;
	struct put                w = put_to(room, sizeof(room));
	struct sip_mandatory      known;
	struct sip_scan           scan = {0};
	struct str                value;
	struct cur                in;
	enum reason               why;
	struct sip_host           host = {.kind = SIP_HOST_IP6, .text = STR("2001:db8::2")};

	(void)state;
	sip_put_request(&w, STR("MESSAGE"), STR("sip:bob@[2001:db8::1]:5070;transport=tcp"));
	sip_put_via(&w, SIP_TRANSPORT_TCP, &host, 5060, STR("z9hG4bK7"), true);
	sip_put_header_number(&w, SIP_MAX_FORWARDS, 70);
	sip_put_header_begin(&w, SIP_FROM);
	sip_put_name_addr(&w, STR("A \"B\" \\C"), STR("sip:a@b"));
	sip_put_text(&w, STR(";tag="));
	sip_put_token(&w, STR("t1"));
	sip_put_header_end(&w);
	sip_put_header_begin(&w, SIP_TO);
	sip_put_text(&w, STR("<sip:"));
	sip_put_user(&w, STR("b@o:b\xc3\xa4"));
	sip_put_text(&w, STR("@c>"));
	sip_put_header_end(&w);
	sip_put_header(&w, SIP_CALL_ID, STR("x@y"));
	sip_put_cseq(&w, 7, STR("MESSAGE"));
	sip_put_header_named(&w, STR("X-Own"), STR(" a\r\n b "));
	sip_put_body(&w, STR("text/plain"), "hi\r\n", 4);
	assert_false(w.failed);
	in = cur_of(room, put_size(&w));
	assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_ITEM);
	assert_int_equal(m.fault, REASON_NONE);
	assert_int_equal(sip_mandatory_parse(&m, &known), REASON_NONE);
	assert_int_equal(m.method, SIP_METHOD_MESSAGE);
	assert_int_equal(known.uri.port, 5070);
	assert_str(known.via.host.text, "2001:db8::2");
	assert_true(known.via.has_rport);
	assert_str(known.from.display, "A \\\"B\\\" \\\\C");
	assert_str(known.from.tag, "t1");
	assert_str(known.to.uri.user, "b%40o%3Ab%C3%A4");
	assert_int_equal(known.max_forwards, 70);
	assert_int_equal(cur_left(&m.body), 4);
	assert_str(m.headers[6].value, "a b");
	assert_true(sip_header_find(&m, SIP_CONTENT_TYPE, &value));
	assert_str(value, "text/plain");
}

static void put_text(struct put *w, struct str text)
{
	sip_put_header(w, SIP_SUBJECT, text);
}

static void put_reason(struct put *w, struct str text)
{
	sip_put_response(w, 400, text);
}

static void put_uri(struct put *w, struct str text)
{
	sip_put_request(w, STR("MESSAGE"), text);
}

static void put_method(struct put *w, struct str text)
{
	sip_put_request(w, text, STR("sip:a"));
}

static void put_name(struct put *w, struct str text)
{
	sip_put_header_named(w, text, STR("x"));
}

static void put_display(struct put *w, struct str text)
{
	sip_put_name_addr(w, text, STR("sip:a"));
}

static void put_address(struct put *w, struct str text)
{
	sip_put_name_addr(w, STR("a"), text);
}

static void put_branch(struct put *w, struct str text)
{
	struct sip_host host = {.kind = SIP_HOST_NAME, .text = STR("a")};

	sip_put_via(w, SIP_TRANSPORT_UDP, &host, 0, text, false);
}

static void put_type(struct put *w, struct str text)
{
	sip_put_body(w, text, "", 0);
}

static void put_cseq(struct put *w, struct str text)
{
	sip_put_cseq(w, 1, text);
}

static void no_text_makes_a_line_of_its_own(void **state)
{
	static void (*const writers[])(struct put *, struct str) = {
		put_text,     put_reason,     put_uri,      put_method, put_name,
		put_display,  put_address,    put_branch,   put_type,   put_cseq,
		sip_put_text, sip_put_quoted, sip_put_token};
	static const struct str texts[] = {
#define TEXT(literal) {literal, sizeof(literal) - 1}
		TEXT("a\r\nTo: b"), TEXT("a\nTo: b"), TEXT("a\rTo: b"),   TEXT("a\r\n"),
		TEXT("a\r"),        TEXT("a\n"),      TEXT("\r\n\r\n"),   TEXT("a\0b"),
		TEXT("a\x1b"),      TEXT("a\x7f"),    TEXT("a\n b"),      TEXT("\"\\\r\nTo: b\""),
		TEXT("\"\\\n\""),   TEXT("\"\\\r\""), TEXT("\"a\r\nb\""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++) {
			struct put w = put_to(room, sizeof(room));

			writers[i](&w, texts[j]);
			if (!w.failed)
				fail_msg("writer %zu, text %zu", i, j);
		}
	}
}

static void a_quoted_pair_with_a_control_character_is_passed_on(void **state)
{
	struct put w = put_to(room, sizeof(room));

	(void)state;
	sip_put_text(&w, (struct str){"\"a\\\0b\" <sip:c>", 14});
	assert_false(w.failed);
	assert_memory_equal(room, "\"a\\\0b\" <sip:c>", 14);
}

static void what_does_not_fit_fails(void **state)
{
	(void)state;
	for (size_t size = 0; size < 27; size++) {
		uint8_t   *exact = test_copy(room, size);
		struct put w = put_to(exact, size);

		sip_put_header(&w, SIP_SUBJECT, STR("seventeen letters"));
		put_number(&w, 4294967295u);
		assert_true(w.failed);
		free(exact);
	}
}

static void numbers_of_any_size_are_written_whole(void **state)
{
	static const uint32_t numbers[] = {0,   9,   10,   99,   100,  101,   199,     200,
					   699, 999, 1000, 1001, 9999, 65535, 1000000, 4294967295u};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char   want[64];
		size_t n = (size_t)snprintf(want, sizeof(want),
					    "Max-Forwards: %u\r\nCSeq: %u MESSAGE\r\n", numbers[i],
					    numbers[i]);

		for (size_t size = 0; size < sizeof(want); size++) {
			uint8_t   *exact = test_copy(room, size);
			struct put w = put_to(exact, size);

			sip_put_header_number(&w, SIP_MAX_FORWARDS, numbers[i]);
			sip_put_cseq(&w, numbers[i], STR("MESSAGE"));
			assert_int_equal(w.failed, size < n);
			if (!w.failed)
				assert_str((struct str){(char *)exact, put_size(&w)}, want);
			free(exact);
		}
	}
}

static void a_response_repeats_what_its_request_is_known_by(void **state)
{
	static const char bytes[] =
		"OPTIONS sip:a SIP/2.0\r\n"
		"v: SIP / 2.0 / UDP "
		"[2001:db8::1]:5070;branch=z9hG4bK1;rport;received=9.9.9.9;x=\"y\"\r\n"
		" , SIP/2.0/TCP b\r\n"
		"t: <sip:c>\r\n"
		"Via: SIP/2.0/TCP c\r\n"
		"f: \"D\r\n E\" <sip:d>;tag=1\r\n"
		"i: x\r\nCSEQ: 5\r\n OPTIONS\r\n\r\n";
	static struct sip_message m;
	struct put                w = put_to(room, sizeof(room));
	struct sip_mandatory      known;
	struct sip_scan           scan = {0};
	struct cur                in = cur_of(bytes, sizeof(bytes) - 1);
	enum reason               why;

	(void)state;
	assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
	assert_int_equal(sip_mandatory_parse(&m, &known), REASON_NONE);
	sip_put_response_fields(&w, &m, &known, STR("192.0.2.7"), 6000, STR("ours"));
	assert_false(w.failed);
	assert_str(written(&w),
		   "Via: SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK1;x=\"y\";received=192.0.2.7;"
		   "rport=6000\r\n"
		   "Via: SIP/2.0/TCP b\r\n"
		   "Via: SIP/2.0/TCP c\r\n"
		   "From: \"D E\" <sip:d>;tag=1\r\n"
		   "To: <sip:c>;tag=ours\r\n"
		   "Call-ID: x\r\n"
		   "CSeq: 5 OPTIONS\r\n");
	w = put_to(room, sizeof(room));
	sip_put_response_fields(&w, &m, &known, STR(""), 0, STR(""));
	assert_memory_equal(room,
			    "Via: SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK1;rport;"
			    "received=9.9.9.9;x=\"y\"\r\n",
			    82);
}

#define VIA "Via: SIP/2.0/UDP h:5070;rport;branch=z9hG4bK1\r\n"
#define FROM "From: <sip:d>;tag=1\r\n"
#define TO "To: <sip:c>\r\n"
#define CALL "Call-ID: x\r\n"
#define CSEQ "CSeq: 5 OPTIONS\r\n"

/* Lines that are as we write them go on as they lie there; the second time a shape is known. */
static void it_does_so_alike_however_the_request_is_laid_out(void **state)
{
	static const char *const layouts[] = {
		VIA FROM TO CALL                              CSEQ,
		CSEQ CALL TO FROM                             VIA,
		VIA "Max-Forwards: 70\r\n" FROM "X: y\r\n" TO CALL "Y: z\r\n" CSEQ,
		"v: SIP/2.0/UDP  h:05070 ; rport ; branch=z9hG4bK1\r\nf:<sip:d>;tag=1\r\n"
		"To:  <sip:c> \r\nCALL-ID: x\r\nCSeq:5 OPTIONS\r\n",
		VIA FROM TO CALL "CSeq: 5\r\n\tOPTIONS\r\n",
	};
	static struct sip_message m;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(layouts) / sizeof(layouts[0]); i++) {
		struct put             w = put_to(room, sizeof(room)), request;
		char                   text[512];
		static struct sip_scan scan;
		struct sip_mandatory   known;
		struct cur             in;
		enum reason            why;

		request = put_to(text, sizeof(text));
		put_str(&request, STR("OPTIONS sip:c SIP/2.0\r\n"));
		put_str(&request, str_of(layouts[i / 2]));
		put_str(&request, STR("\r\n"));
		in = cur_of(text, put_size(&request));
		assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
		assert_int_equal(sip_mandatory_parse(&m, &known), REASON_NONE);
		sip_put_response_fields(&w, &m, &known, STR("192.0.2.7"), 6000, STR("ours"));
		assert_false(w.failed);
		put_u8(&w, 0);
		assert_memory_equal(room, "Via: SIP/2.0/UDP h:5070", 23);
		assert_string_equal(strstr((char *)room, ";received"),
				    ";received=192.0.2.7;rport=6000\r\n"
				    "From: <sip:d>;tag=1\r\n"
				    "To: <sip:c>;tag=ours\r\n"
				    "Call-ID: x\r\n"
				    "CSeq: 5 OPTIONS\r\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_written_and_read_back),
		cmocka_unit_test(no_text_makes_a_line_of_its_own),
		cmocka_unit_test(a_quoted_pair_with_a_control_character_is_passed_on),
		cmocka_unit_test(what_does_not_fit_fails),
		cmocka_unit_test(numbers_of_any_size_are_written_whole),
		cmocka_unit_test(a_response_repeats_what_its_request_is_known_by),
		cmocka_unit_test(it_does_so_alike_however_the_request_is_laid_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
