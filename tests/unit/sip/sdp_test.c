#include "test.h"

#include <stdio.h>

#include "sip/sdp.h"

#define SESSION "v=0\r\no=alice 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
#define MESSAGE "m=message 2855 TCP/MSRP *\r\n"
#define PATH "a=path:msrp://192.0.2.7:2855/abcd;tcp\r\n"
#define TYPES "a=accept-types:message/cpim\r\n"
#define OFFER SESSION MESSAGE TYPES PATH "a=setup:actpass\r\na=sendonly\r\n"

static enum sip_body parse(const char *text, struct sip_sdp *sdp)
{
	size_t        n = strlen(text);
	uint8_t      *exact = test_copy(text, n);
	enum sip_body fault = sip_sdp_parse((struct str){(const char *)exact, n}, sdp);

	free(exact);
	return fault == SIP_BODY_OK ? sip_sdp_parse((struct str){text, n}, sdp) : fault;
}

static void an_offer_of_msrp_is_read(void **state)
{
	struct sip_sdp              sdp;
	const struct sip_sdp_media *m = &sdp.media[0];
	unsigned                    warning;

	assert_int_equal(parse(SESSION MESSAGE TYPES
			       "a=accept-wrapped-types:text/plain image/*\r\n" PATH
			       "a=setup:ACTPASS\r\na=sendonly\r\na=max-size:65536\r\n"
			       "a=file-selector:name:\"a size:7 b\" size:4096 type:text/plain\r\n"
			       "a=unknown:what ever\r\na=flag\r\n",
			       &sdp),
			 SIP_BODY_OK);
	assert_int_equal(sdp.count, 1);
	assert_true(str_eq(m->kind, STR("message")));
	assert_true(str_eq(m->protocol, STR("TCP/MSRP")));
	assert_true(str_eq(m->formats, STR("*")));
	assert_int_equal(m->port, 2855);
	assert_int_equal(m->direction, SIP_SDP_SENDS);
	assert_int_equal(m->setup, SIP_SDP_ACTPASS);
	assert_true(str_eq(m->path, STR("msrp://192.0.2.7:2855/abcd;tcp")));
	assert_true(str_eq(m->accept_types, STR("message/cpim")));
	assert_true(str_eq(m->wrapped_types, STR("text/plain image/*")));
	assert_true(m->has_max_size && m->has_file_size);
	assert_int_equal(m->max_size, 65536);
	assert_int_equal(m->file_size, 4096);
	assert_ptr_equal(sip_sdp_choose(&sdp, &warning), m);
}

static void what_the_session_says_holds_for_media_that_do_not_say(void **state)
{
	struct sip_sdp sdp;

	assert_int_equal(parse(SESSION
			       "a=recvonly\r\na=setup:passive\r\n" MESSAGE PATH
			       "m=audio 9/2 RTP/AVP 0 8\r\na=sendrecv\r\na=setup:active\r\n",
			       &sdp),
			 SIP_BODY_OK);
	assert_int_equal(sdp.count, 2);
	assert_int_equal(sdp.media[0].direction, SIP_SDP_RECEIVES);
	assert_int_equal(sdp.media[0].setup, SIP_SDP_PASSIVE);
	assert_int_equal(sdp.media[1].direction, SIP_SDP_SENDS | SIP_SDP_RECEIVES);
	assert_int_equal(sdp.media[1].setup, SIP_SDP_ACTIVE);
	assert_int_equal(sdp.media[1].path.n, 0);
	assert_true(str_eq(sdp.media[1].formats, STR("0 8")));
}

static void a_description_is_taken_or_its_fault_is_named(void **state)
{
	static const struct {
		const char   *text;
		enum sip_body fault;
	} cases[] = {
		{SESSION, SIP_BODY_OK},
		{OFFER, SIP_BODY_OK},
		{"v=0\no=a 1 1 IN IP6 ::1\ns= \nt=0 0\n", SIP_BODY_OK},
		{"v=0\r\no=a 1 1 IN IP6 ::1\r\ns=\r\nt=0 0\r\n", SIP_BODY_OK},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\ni=x\r\nu=x\r\ne=x\r\ne=y\r\np=x\r\n"
		 "c=IN IP4 h\r\nb=AS:1\r\nb=CT:1\r\nt=0 0\r\nr=1 2\r\nt=1 2\r\nr=3 4\r\nz=1 2\r\n"
		 "k=clear:x\r\na=x\r\nm=a 1 b c\r\ni=x\r\nc=IN IP4 h\r\nb=AS:1\r\nk=clear:x\r\n"
		 "a=x\r\nm=a 1 b c\r\ni=x\r\n",
		 SIP_BODY_OK},
		{"", SIP_BODY_MISSING},
		{"v=0\r\n", SIP_BODY_MISSING},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\n", SIP_BODY_MISSING},
		{"o=a 1 1 IN IP4 h\r\nv=0\r\ns=-\r\nt=0 0\r\n", SIP_BODY_MISSING},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\n" MESSAGE, SIP_BODY_MISSING},
		{"v=1\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n", SIP_BODY_SYNTAX},
		{"v=0\r\no=a 1 1 IN IP4\r\ns=-\r\nt=0 0\r\n", SIP_BODY_SYNTAX},
		{"v=0\r\no=a  1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n", SIP_BODY_SYNTAX},
		{"v=0\r\no=a 1 1 IN IP4 h \r\ns=-\r\nt=0 0\r\n", SIP_BODY_SYNTAX},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0\r\n", SIP_BODY_SYNTAX},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 x\r\n", SIP_BODY_SYNTAX},
		{SESSION "v=0\r\n", SIP_BODY_SYNTAX},
		{SESSION "c=IN IP4 192.0.2.7\r\n", SIP_BODY_SYNTAX}, /* behind t= */
		{SESSION "r=1 2\r\n", SIP_BODY_OK},
		{SESSION "x=1\r\n", SIP_BODY_SYNTAX},
		{SESSION "a\r\n", SIP_BODY_SYNTAX},
		{SESSION "\r\n", SIP_BODY_SYNTAX},
		{SESSION "a =1\r\n", SIP_BODY_SYNTAX},
		{SESSION "a=x:\r\n", SIP_BODY_OK},
		{SESSION "a=\r\n", SIP_BODY_SYNTAX},
		{SESSION "a=:x\r\n", SIP_BODY_SYNTAX},
		{SESSION "a=x", SIP_BODY_SYNTAX}, /* no end of the line */
		{SESSION "a=x\ry\r\n", SIP_BODY_SYNTAX},
		{SESSION "a=x\x01\r\n", SIP_BODY_SYNTAX},
		{SESSION "m=message 2855 TCP/MSRP\r\n", SIP_BODY_SYNTAX},
		{SESSION "m=message  2855 TCP/MSRP *\r\n", SIP_BODY_SYNTAX},
		{SESSION "m=message 65536 TCP/MSRP *\r\n", SIP_BODY_SYNTAX},
		{SESSION "m=message -1 TCP/MSRP *\r\n", SIP_BODY_SYNTAX},
		{SESSION "m=message 1/0 TCP/MSRP *\r\n", SIP_BODY_SYNTAX},
		{SESSION "m=message 1/x TCP/MSRP *\r\n", SIP_BODY_SYNTAX},
		{SESSION "m=mess@ge 1 TCP/MSRP *\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE PATH PATH, SIP_BODY_REPEATED},
		{SESSION MESSAGE TYPES TYPES, SIP_BODY_REPEATED},
		{SESSION MESSAGE "a=path:\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE "a=path:a  b\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE "a=setup:maybe\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE "a=max-size:1\r\na=max-size:2\r\n", SIP_BODY_REPEATED},
		{SESSION MESSAGE "a=max-size:-1\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE "a=max-size:99999999999999999999\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE "a=file-selector:size:1 size:2\r\n", SIP_BODY_REPEATED},
		{SESSION MESSAGE "a=file-selector:size:\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE "a=file-selector:name:\"x\r\n", SIP_BODY_SYNTAX},
		{SESSION MESSAGE "a=file-selector:oversize:x\r\n", SIP_BODY_OK},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_sdp sdp;

		if (parse(cases[i].text, &sdp) != cases[i].fault)
			fail_msg("case %zu: %d", i, (int)parse(cases[i].text, &sdp));
	}
}

static void a_description_cut_at_any_byte_ends_within_its_bytes(void **state)
{
	static const char text[] = OFFER;
	unsigned          taken = 0;

	for (size_t n = 0; n < sizeof(text); n++) {
		uint8_t       *exact = test_copy(text, n);
		struct sip_sdp sdp;

		taken += sip_sdp_parse((struct str){(const char *)exact, n}, &sdp) == SIP_BODY_OK;
		free(exact);
	}
	assert_int_equal(taken, 6); /* at the end of t= and of each line after it */
}

static void more_than_the_limits_is_refused(void **state)
{
	static char    text[2 * SIP_SDP_SIZE_MAX];
	struct sip_sdp sdp;
	size_t         n = (size_t)snprintf(text, sizeof(text), SESSION);

	for (unsigned i = 5; i < SIP_SDP_LINES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a=x\r\n");
	assert_int_equal(sip_sdp_parse((struct str){text, n}, &sdp), SIP_BODY_OK);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "a=x\r\n");
	assert_int_equal(sip_sdp_parse((struct str){text, n}, &sdp), SIP_BODY_LIMIT);
	n = (size_t)snprintf(text, sizeof(text), SESSION);
	for (unsigned i = 0; i < SIP_SDP_MEDIA_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, MESSAGE);
	assert_int_equal(sip_sdp_parse((struct str){text, n}, &sdp), SIP_BODY_OK);
	n += (size_t)snprintf(text + n, sizeof(text) - n, MESSAGE);
	assert_int_equal(sip_sdp_parse((struct str){text, n}, &sdp), SIP_BODY_LIMIT);
	n = (size_t)snprintf(text, sizeof(text), SESSION "a=x:%0*d\r\n", (int)SIP_SDP_SIZE_MAX, 0);
	assert_int_equal(sip_sdp_parse((struct str){text, n}, &sdp), SIP_BODY_LIMIT);
}

static void where_a_medium_is_comes_from_its_own_connection_else_from_the_session(void **state)
{
	static const struct {
		const char        *media;
		bool               cema;
		enum sip_host_kind kind; /* NONE: no host */
		const char        *host;
	} cases[] = {
		{MESSAGE PATH, false, SIP_HOST_IP4, "192.0.2.7"},
		{MESSAGE PATH "a=msrp-cema\r\n", true, SIP_HOST_IP4, "192.0.2.7"},
		{MESSAGE PATH "a=msrp-cema:\r\n", false, SIP_HOST_IP4, "192.0.2.7"},
		{MESSAGE PATH "a=MSRP-CEMA\r\n", false, SIP_HOST_IP4, "192.0.2.7"},
		{MESSAGE "c=IN IP4 198.51.100.9\r\n" PATH "a=msrp-cema\r\n", true, SIP_HOST_IP4,
		 "198.51.100.9"},
		{MESSAGE "c=IN IP6 2001:db8::9\r\n" PATH, false, SIP_HOST_IP6, "2001:db8::9"},
		{MESSAGE "c=IN IP4 box.example.org\r\n" PATH, false, SIP_HOST_NAME,
		 "box.example.org"},
		{MESSAGE "c=IN IP4 233.252.0.1/127\r\n" PATH, false, SIP_HOST_NONE, ""},
		{"a=msrp-cema\r\n" MESSAGE PATH, true, SIP_HOST_IP4, "192.0.2.7"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char            text[1024];
		struct sip_sdp  sdp;
		struct sip_host host;

		snprintf(text, sizeof(text), SESSION "%s", cases[i].media);
		assert_int_equal(parse(text, &sdp), SIP_BODY_OK);
		assert_int_equal(sdp.media[0].cema, cases[i].cema);
		assert_int_equal(sip_sdp_host(&sdp.media[0], &host),
				 cases[i].kind != SIP_HOST_NONE);
		if (cases[i].kind == SIP_HOST_NONE)
			continue;
		assert_int_equal(host.kind, cases[i].kind);
		assert_true(str_eq(host.text, str_of(cases[i].host)));
	}
	{
		struct sip_sdp  sdp;
		struct sip_host host;

		assert_int_equal(
			parse("v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n" MESSAGE PATH, &sdp),
			SIP_BODY_OK);
		assert_false(sip_sdp_host(&sdp.media[0], &host));
	}
}

static void a_type_is_accepted_by_itself_by_its_kind_or_by_a_star(void **state)
{
	assert_true(sip_sdp_accepts(STR("text/plain message/CPIM"), STR("message/cpim")));
	assert_true(sip_sdp_accepts(STR("text/plain message/*"), STR("message/cpim")));
	assert_true(sip_sdp_accepts(STR("*"), STR("message/cpim")));
	assert_false(sip_sdp_accepts(STR("text/* message/cpimx"), STR("message/cpim")));
	assert_false(sip_sdp_accepts(STR(""), STR("message/cpim")));
}

static void a_medium_is_chosen_or_a_warning_says_what_is_wrong(void **state)
{
	static const struct {
		const char *media;
		int         chosen; /* -1: none */
		unsigned    warning;
	} cases[] = {
		{"", -1, 304},
		{"m=audio 9 RTP/AVP 0\r\n", -1, 304},
		{"m=message 9 TCP/TLS/MSRP *\r\n" PATH, -1, 302},
		{MESSAGE, -1, 306},
		{MESSAGE PATH "a=recvonly\r\n", -1, 306},
		{MESSAGE PATH "a=inactive\r\n", -1, 306},
		{MESSAGE PATH "a=setup:holdconn\r\n", -1, 306},
		{"m=message 0 TCP/MSRP *\r\n" PATH, -1, 304},
		{MESSAGE PATH, 0, 0},
		{"m=audio 9 RTP/AVP 0\r\n" MESSAGE PATH MESSAGE PATH, 1, 0},
		{"m=message 9 TCP/TLS/MSRP *\r\n" PATH MESSAGE PATH "a=sendrecv\r\n", 1, 0},
		{"m=Message 9 tcp/msrp *\r\n" PATH, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char                        text[1024];
		struct sip_sdp              sdp;
		unsigned                    warning;
		const struct sip_sdp_media *m;

		snprintf(text, sizeof(text), SESSION "%s", cases[i].media);
		assert_int_equal(parse(text, &sdp), SIP_BODY_OK);
		m = sip_sdp_choose(&sdp, &warning);
		if (cases[i].chosen >= 0) {
			assert_ptr_equal(m, &sdp.media[cases[i].chosen]);
			continue;
		}
		assert_null(m);
		assert_int_equal(warning, cases[i].warning);
	}
}

static struct sip_sdp_ours ours(void)
{
	struct sip_sdp_ours o = {.media = {.port = 20001},
				 .path = STR("msrp://198.51.100.1:20001/xyz;tcp"),
				 .setup = SIP_SDP_PASSIVE,
				 .types = STR("message/cpim"),
				 .wrapped_types = STR("text/plain"),
				 .size_max = 65536,
				 .number = 7};

	memcpy(o.media.address, (uint8_t[]){198, 51, 100, 1}, 4);
	return o;
}

#define HEAD "v=0\r\no=- 7 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"

static void an_offer_is_written_as_it_is_read(void **state)
{
	struct sip_sdp_ours o = ours();
	char                room[1024];
	struct put          w = put_to(room, sizeof(room));
	struct sip_sdp      sdp;
	struct str          want = STR(
			 HEAD
			 "m=message 20001 TCP/MSRP *\r\na=accept-types:message/cpim\r\n"
				  "a=accept-wrapped-types:text/plain\r\n"
				  "a=path:msrp://198.51.100.1:20001/xyz;tcp\r\na=setup:actpass\r\n"
				  "a=msrp-cema\r\na=sendonly\r\na=max-size:65536\r\na=file-selector:size:9000\r\n");

	o.setup = SIP_SDP_ACTPASS;
	o.sends = true;
	o.file_size = 9000;
	o.cema = true;
	sip_sdp_put(&w, &o, NULL, NULL);
	assert_false(w.failed);
	assert_true(str_eq((struct str){room, put_size(&w)}, want));
	assert_int_equal(sip_sdp_parse(want, &sdp), SIP_BODY_OK);
	assert_int_equal(sdp.media[0].file_size, 9000);
	assert_int_equal(sdp.media[0].setup, SIP_SDP_ACTPASS);
	assert_true(sdp.media[0].cema);
}

/* RFC 3264, 6: as many media as the offer has, in its order. */
static void an_answer_refuses_all_media_but_one_in_their_places(void **state)
{
	struct sip_sdp_ours o = ours();
	char                room[1024];
	struct put          w = put_to(room, sizeof(room));
	struct sip_sdp      offer;
	unsigned            warning;
	struct str          want =
		STR(HEAD "m=audio 0 RTP/AVP 0 8\r\nm=message 20001 TCP/MSRP *\r\n"
			 "a=accept-types:message/cpim\r\na=accept-wrapped-types:text/plain\r\n"
			 "a=path:msrp://198.51.100.1:20001/xyz;tcp\r\na=setup:passive\r\n"
			 "a=recvonly\r\na=max-size:65536\r\nm=message 0 TCP/TLS/MSRP *\r\n");

	assert_int_equal(parse(SESSION "m=audio 9/2 RTP/AVP 0 8\r\n" MESSAGE PATH
				       "m=message 7 TCP/TLS/MSRP *\r\n",
			       &offer),
			 SIP_BODY_OK);
	sip_sdp_put(&w, &o, &offer, sip_sdp_choose(&offer, &warning));
	assert_false(w.failed);
	assert_true(str_eq((struct str){room, put_size(&w)}, want));
}

static void addresses_of_ip6_are_named_so(void **state)
{
	struct sip_sdp_ours o = ours();
	char                room[1024];
	struct put          w = put_to(room, sizeof(room));
	const char *want = "v=0\r\no=- 7 7 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1";

	o.media.ip6 = true;
	memcpy(o.media.address, (uint8_t[]){0x20, 1, 0x0d, 0xb8, [15] = 1}, 16);
	sip_sdp_put(&w, &o, NULL, NULL);
	assert_true(str_starts((struct str){room, put_size(&w)}, str_of(want)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_of_msrp_is_read),
		cmocka_unit_test(what_the_session_says_holds_for_media_that_do_not_say),
		cmocka_unit_test(a_description_is_taken_or_its_fault_is_named),
		cmocka_unit_test(a_description_cut_at_any_byte_ends_within_its_bytes),
		cmocka_unit_test(more_than_the_limits_is_refused),
		cmocka_unit_test(
			where_a_medium_is_comes_from_its_own_connection_else_from_the_session),
		cmocka_unit_test(a_type_is_accepted_by_itself_by_its_kind_or_by_a_star),
		cmocka_unit_test(a_medium_is_chosen_or_a_warning_says_what_is_wrong),
		cmocka_unit_test(an_offer_is_written_as_it_is_read),
		cmocka_unit_test(an_answer_refuses_all_media_but_one_in_their_places),
		cmocka_unit_test(addresses_of_ip6_are_named_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
