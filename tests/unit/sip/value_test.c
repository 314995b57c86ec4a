/* The values of other header fields. */
#include "test.h"

#include "sip/value.h"

static void assert_str(struct str got, const char *want)
{
	if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void a_media_type_has_parameters(void **state)
{
	struct sip_media media;
	struct str       value;

	(void)state;
	assert_true(sip_media_parse(STR("Multipart / Mixed ; boundary=\"a;b\" ; charset = utf-8"),
				    &media));
	assert_true(sip_media_is(&media, STR("multipart"), STR("mixed")));
	assert_true(sip_media_param(&media, STR("Boundary"), &value));
	assert_str(value, "a;b");
	assert_true(sip_media_param(&media, STR("charset"), &value));
	assert_str(value, "utf-8");
	assert_false(sip_media_param(&media, STR("q"), &value));
	assert_true(sip_media_parse(STR("*/*"), &media));
	assert_false(sip_media_parse(STR("text"), &media));
	assert_false(sip_media_parse(STR("text/"), &media));
	assert_false(sip_media_parse(STR("/plain"), &media));
	assert_false(sip_media_parse(STR("text/plain x"), &media));
	assert_false(sip_media_parse(STR("text/plain;charset=\"utf-8"), &media));
}

static void seconds_are_saturated(void **state)
{
	uint32_t seconds;

	(void)state;
	assert_true(sip_seconds_parse(STR("3600"), &seconds));
	assert_int_equal(seconds, 3600);
	assert_true(sip_seconds_parse(STR("18000;duration=3600"), &seconds));
	assert_int_equal(seconds, 18000);
	assert_true(sip_seconds_parse(STR("120 (I'm in a meeting)"), &seconds));
	assert_int_equal(seconds, 120);
	assert_true(sip_seconds_parse(STR("99999999999999999999999"), &seconds));
	assert_int_equal(seconds, UINT32_MAX);
	assert_false(sip_seconds_parse(STR("-1"), &seconds));
	assert_false(sip_seconds_parse(STR(""), &seconds));
	assert_false(sip_seconds_parse(STR("1.5"), &seconds));
}

static void a_q_is_between_0_and_1(void **state)
{
	static const struct {
		const char *text;
		int         thousandths; /* -1: none */
	} values[] = {{"0", 0},        {"1", 1000}, {"0.5", 500},  {"0.25", 250}, {"0.125", 125},
		      {"1.000", 1000}, {"0.", 0},   {"1.001", -1}, {"2", -1},     {"0.1234", -1},
		      {"", -1},        {".5", -1},  {"0.x", -1},   {"-0", -1},    {"0.5 ", -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		unsigned q;
		bool     good = sip_q_parse(str_of(values[i].text), &q);

		assert_int_equal(good, values[i].thousandths >= 0);
		if (good)
			assert_int_equal(q, values[i].thousandths);
	}
}

static void dates_are_gmt_and_their_weekday_is_right(void **state)
{
	static const struct {
		const char *text;
		uint64_t    seconds;
	} good[] = {
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Sat, 13 Nov 2010 23:29:00 GMT", 1289690940},
		{"Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
		{"Sun, 01 Mar 2100 00:00:00 GMT", 0},
		{"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
		{"Fri, 31 Dec 9999 23:59:59 GMT", SIP_DATE_END - 1},
	};
	static const char *const bad[] = {
		"Fri, 01 Jan 2010 16:00:00 EST", "Sat, 01 Jan 2010 16:00:00 GMT",
		"Fri, 1 Jan 2010 16:00:00 GMT",  "Fri, 01 Jan 2010 16:00:00 GMT ",
		"Fri, 01 Jan 2010 24:00:00 GMT", "Fri, 01 Jan 2010 16:60:00 GMT",
		"Fri, 00 Jan 2010 16:00:00 GMT", "Mon, 29 Feb 2010 16:00:00 GMT",
		"Fri, 32 Jan 2010 16:00:00 GMT", "Wed, 31 Dec 1969 23:59:59 GMT",
		"fri, 01 jan 2010 16:00:00 gmt", "",
	};
	uint64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint8_t    room[64];
		struct put w = put_to(room, sizeof(room));
		bool       right = i == 0 || good[i].seconds > 0;

		assert_int_equal(sip_date_parse(str_of(good[i].text), &seconds), right);
		if (!right)
			continue;
		assert_int_equal(seconds, good[i].seconds);
		sip_put_date(&w, seconds);
		assert_str((struct str){(char *)room, put_size(&w)}, good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(sip_date_parse(str_of(bad[i]), &seconds));
}

static void every_day_is_written_as_it_is_read(void **state)
{
	(void)state;
	for (uint64_t seconds = 0; seconds < SIP_DATE_END; seconds += 86399 * 13) {
		uint8_t    room[64];
		struct put w = put_to(room, sizeof(room));
		uint64_t   again;

		sip_put_date(&w, seconds);
		assert_true(sip_date_parse((struct str){(char *)room, put_size(&w)}, &again));
		assert_int_equal(again, seconds);
	}
}

static void a_date_is_the_same_when_it_is_written_again(void **state)
{
	static const uint64_t times[] = {0, 0, 1, 1, 0, 86399, 86400, 86400, 951825600, 951825600};
	struct sip_date       last = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		uint8_t    rooms[2][SIP_DATE_SIZE];
		struct put w = put_to(rooms[0], SIP_DATE_SIZE),
			   again = put_to(rooms[1], SIP_DATE_SIZE);
		struct put none = put_to(rooms[1], 0);

		sip_put_date(&w, times[i]);
		sip_put_date_again(&none, times[i], &last);
		sip_put_date_again(&again, times[i], &last);
		assert_true(none.failed);
		assert_int_equal(put_size(&again), put_size(&w));
		assert_memory_equal(rooms[0], rooms[1], SIP_DATE_SIZE);
	}
}

static void digest_parameters_are_found_by_name(void **state)
{
	struct sip_auth a;

	(void)state;
	assert_true(sip_auth_parse(
		STR("Digest username=\"bob\", realm=\"biloxi.com\",\r\n nonce=\"dcd\\\"98\", "
		    "uri=\"sip:bob@b\","
		    " qop=auth , nc = 00000001,cnonce=\"0a,4f\", response=\"6629\", opaque=\"\","
		    " algorithm=SHA-256, unknown=x"),
		&a));
	assert_true(a.digest);
	assert_str(a.field[SIP_DIGEST_USERNAME], "bob");
	assert_str(a.field[SIP_DIGEST_NONCE], "dcd\\\"98");
	assert_str(a.field[SIP_DIGEST_CNONCE], "0a,4f");
	assert_str(a.field[SIP_DIGEST_NC], "00000001");
	assert_true(a.has[SIP_DIGEST_OPAQUE]);
	assert_false(a.has[SIP_DIGEST_STALE]);
	assert_true(a.quoted[SIP_DIGEST_REALM]);
	assert_false(a.quoted[SIP_DIGEST_QOP]);
	assert_true(sip_auth_parse(STR("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), &a));
	assert_false(a.digest);
	assert_true(sip_auth_info_parse(STR("nextnonce=\"47364c23\", rspauth=\"\""), &a));
	assert_str(a.field[SIP_DIGEST_NEXTNONCE], "47364c23");
}

static void credentials_with_faults_are_refused(void **state)
{
	static const char *const values[] = {
		"",
		" ",
		"Digest",
		"Digest ",
		"Digest realm",
		"Digest realm=",
		"Digest realm=\"x",
		"Digest realm=\"x\",",
		"Digest ,realm=\"x\"",
		"Digest realm=\"x\" nonce=\"y\"",
		"Digest realm=\"x\", realm=\"y\"",
		"Digest realm=\"x\", REALM=\"y\"",
		"Digest realm=\"x\";a=b",
		"Digest =\"x\"",
		"Digest realm=\"x\"y",
		"Digest realm=a b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t          n = strlen(values[i]);
		uint8_t        *exact = test_copy(values[i], n);
		struct sip_auth a;

		if (sip_auth_parse((struct str){(char *)exact, n}, &a))
			fail_msg("%s", values[i]);
		free(exact);
	}
}

static void tokens_are_found_in_lists_of_several_lines(void **state)
{
	static const char bytes[] = "OPTIONS sip:a SIP/2.0\r\nk: timer\r\nSupported: Path, gruu\r\n"
				    "Privacy: id; critical\r\n\r\n";
	static struct sip_message m;
	struct sip_scan           scan = {0};
	struct cur                in = cur_of(bytes, sizeof(bytes) - 1);
	enum reason               why;

	(void)state;
	assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
	assert_true(sip_list_has(&m, SIP_SUPPORTED, STR("timer")));
	assert_true(sip_list_has(&m, SIP_SUPPORTED, STR("path")));
	assert_true(sip_list_has(&m, SIP_SUPPORTED, STR("GRUU")));
	assert_false(sip_list_has(&m, SIP_SUPPORTED, STR("pat")));
	assert_false(sip_list_has(&m, SIP_REQUIRE, STR("path")));
	assert_true(sip_list_has(&m, SIP_PRIVACY, STR("id")));
	assert_true(sip_list_has(&m, SIP_PRIVACY, STR("critical")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_media_type_has_parameters),
		cmocka_unit_test(seconds_are_saturated),
		cmocka_unit_test(a_q_is_between_0_and_1),
		cmocka_unit_test(dates_are_gmt_and_their_weekday_is_right),
		cmocka_unit_test(every_day_is_written_as_it_is_read),
		cmocka_unit_test(a_date_is_the_same_when_it_is_written_again),
		cmocka_unit_test(digest_parameters_are_found_by_name),
		cmocka_unit_test(credentials_with_faults_are_refused),
		cmocka_unit_test(tokens_are_found_in_lists_of_several_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
