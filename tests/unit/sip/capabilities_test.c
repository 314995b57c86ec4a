/* OPTIONS (RFC 3261, 11): what we can do, and what a user can where it is registered. */
#include "side.h"

static const struct flow asker = {.address = {0x090200c0}, .port = 6001};

#define CPM_TAG "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\""

static struct side *listener(bool let_in)
{
	struct side              *s = side_new(1);
	struct proto_registration r = {.address = STR("sip:alice@example.org"), .count = 2};

	s->services.has_peer = let_in;
	s->services.peer = asker;
	r.text = STR("");
	r.bindings[0].features = SIP_FEATURE_CPM;
	r.bindings[1].features = SIP_FEATURE_SMSIP;
	services_register(&s->services, &r);
	side_listen(s, false);
	return s;
}

static const char *options(struct side *s, const char *uri, unsigned number)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:6001;branch=z9hG4bKo%u\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:+46709999999@example.org>;tag=a\r\nTo: <%s>\r\n"
		 "Call-ID: o%u\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\n"
		 "Contact: <sip:x@192.0.2.9:6001>;%s\r\nContent-Length: 0\r\n\r\n",
		 uri, number, uri, number, CPM_TAG);
	return side_say(s, &asker, text);
}

static void what_a_user_can_do_is_told_to_who_is_let_in(void **state)
{
	static const struct {
		const char *uri;
		unsigned    status;
	} rows[] = {
		{"sip:alice@example.org", 200},
		{"tel:+46701234567", 200},
		{"sip:+46701234567@example.org;user=phone", 200},
		{"sip:bob@example.org", 480},
		{"sip:carol@example.org", 404},
		{"tel:+46700000000", 404},
	};
	struct side *s = listener(true);

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned again = 0; again < 2; again++) { /* the second time sent again */
			const char *answer = options(s, rows[i].uri, i);

			assert_int_equal(side_status(answer), rows[i].status);
			assert_int_equal(strstr(answer, "\r\nContact: <sip:example.org>;" CPM_TAG
							";+g.3gpp.smsip\r\n") != NULL,
					 rows[i].status == 200);
		}
	}
	assert_int_equal(s->event_count, 0);
	side_free(s);
}

/* RFC 3261, 7.3.1: no parameter twice; what of it there is more stands in one value. */
static void each_tag_of_a_user_stands_once(void **state)
{
	static const struct {
		uint16_t    features;
		const char *tags;
	} rows[] = {
		{0, ""},
		{SIP_FEATURE_STREAM | 3u << SIP_FEATURE_REG_ID_SHIFT, ""},
		{SIP_FEATURE_SMSIP, ";+g.3gpp.smsip"},
		{SIP_FEATURE_CPM | SIP_FEATURE_LARGE | SIP_FEATURE_SESSION,
		 ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg,"
		 "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg,"
		 "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\""},
		{SIP_FEATURE_SESSION | SIP_FEATURE_FILE | SIP_FEATURE_SMSIP,
		 ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\""
		 ";+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp\""
		 ";+g.3gpp.smsip"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = listener(true);
		char         contact[512];

		s->services.records[0]->bindings[0].features = rows[i].features;
		s->services.records[0]->bindings[1].features = 0;
		snprintf(contact, sizeof(contact), "\r\nContact: <sip:example.org>%s\r\n",
			 rows[i].tags);
		assert_non_null(strstr(options(s, "sip:alice@example.org", i), contact));
		assert_int_equal(
			sip_features_of(str_skip(str_of(rows[i].tags), rows[i].tags[0] == ';')),
			rows[i].features & 0x7e);
		side_free(s);
	}
}

static void what_we_can_do_is_told_to_everybody(void **state)
{
	static const char *const uris[] = {"sip:example.org", "sip:192.0.2.1", "sip:ping@192.0.2.1",
					   "sip:ping@elsewhere.example"};
	struct side             *s = listener(false);

	(void)state;
	for (unsigned i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		const char *answer = options(s, uris[i], i);

		assert_int_equal(side_status(answer), 200);
		assert_non_null(strstr(answer, "\r\nAllow: "));
		assert_null(strstr(answer, "\r\nContact: "));
	}
	side_free(s);
}

static void a_stranger_is_not_told_who_is_here(void **state)
{
	static const char *const uris[] = {"sip:alice@example.org", "sip:bob@example.org",
					   "sip:carol@example.org", "tel:+46701234567"};
	struct side             *s = listener(false);

	(void)state;
	for (unsigned i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		assert_int_equal(side_status(options(s, uris[i], i)), 401);
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_user_can_do_is_told_to_who_is_let_in),
		cmocka_unit_test(each_tag_of_a_user_stands_once),
		cmocka_unit_test(what_we_can_do_is_told_to_everybody),
		cmocka_unit_test(a_stranger_is_not_told_who_is_here),
	};

	return cmocka_run_group_tests_name("sip capabilities", tests, NULL, NULL);
}
