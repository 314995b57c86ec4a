/* Via, CSeq, Call-ID, and what every message must have. */
#include "test.h"

#include <stdio.h>

#include "sip/via.h"

static void assert_str(struct str got, const char *want)
{
	if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void a_via_is_split_into_its_parts(void **state)
{
	struct sip_via v;

	(void)state;
	assert_true(sip_via_parse(
		STR("SIP / 2.0 / UDP first.example.com: 4000;ttl=16;maddr=224.2.0.1 ;branch="
		    "z9hG4bKa7c6a8dlze.1;rport;received=192.0.2.9;x=\"y\""),
		&v));
	assert_int_equal(v.transport, SIP_TRANSPORT_UDP);
	assert_str(v.host.text, "first.example.com");
	assert_int_equal(v.port, 4000);
	assert_int_equal(v.ttl, 16);
	assert_str(v.maddr, "224.2.0.1");
	assert_str(v.branch, "z9hG4bKa7c6a8dlze.1");
	assert_true(v.has_cookie && v.has_rport && v.has_ttl);
	assert_int_equal(v.rport, 0);
	assert_int_equal(v.received.kind, SIP_HOST_IP4);
	assert_true(sip_via_parse(STR("sip/2.0/tls-sctp [::1];rport=5070;Branch=Z9HG4BKx"), &v));
	assert_int_equal(v.transport, SIP_TRANSPORT_TLS_SCTP);
	assert_int_equal(v.rport, 5070);
	assert_true(v.has_cookie);
	assert_true(sip_via_parse(STR("SIP/2.0/NEW\r\n a"), &v));
	assert_int_equal(v.transport, SIP_TRANSPORT_OTHER);
	assert_str(v.transport_text, "NEW");
	assert_str(v.branch, "");
}

static void what_is_no_via_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"SIP",
		"SIP/2.0",
		"SIP/2.0/UDP",
		"SIP/2.0/UDP ",
		"SIP/2.0/UDPa",
		"SIP/3.0/UDP a",
		"SIP/2.00/UDP a",
		"HTTP/2.0/UDP a",
		"SIP/2.0/UDP a b",
		"SIP/2.0/UDP a:",
		"SIP/2.0/UDP a:0",
		"SIP/2.0/UDP a:65536",
		"SIP/2.0/UDP a;",
		"SIP/2.0/UDP a;;branch=x",
		"SIP/2.0/UDP a;branch",
		"SIP/2.0/UDP a;branch=",
		"SIP/2.0/UDP a;branch=\"x\"",
		"SIP/2.0/UDP a;branch=x;branch=y",
		"SIP/2.0/UDP a;rport=0",
		"SIP/2.0/UDP a;rport=x",
		"SIP/2.0/UDP a;rport=65536",
		"SIP/2.0/UDP a;rport;rport",
		"SIP/2.0/UDP a;ttl=256",
		"SIP/2.0/UDP a;ttl",
		"SIP/2.0/UDP a;received=name",
		"SIP/2.0/UDP a;received=1.2.3",
		"SIP/2.0/UDP a;received",
		"SIP/2.0/UDP a;maddr",
		"SIP/2.0/UDP [::1",
		"SIP/2.0/UDP 2001:db8::1",
		"SIP/2.0/UDP a/b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t         n = strlen(texts[i]);
		uint8_t       *exact = test_copy(texts[i], n);
		struct sip_via v;

		if (sip_via_parse((struct str){(char *)exact, n}, &v))
			fail_msg("%s", texts[i]);
		free(exact);
	}
}

static void a_cseq_is_a_number_below_2_to_the_31_and_a_method(void **state)
{
	static const struct {
		const char *text;
		bool        good;
		uint32_t    number;
	} values[] = {
		{"0 INVITE", true, 0},
		{"2147483647 X", true, 2147483647},
		{"0009\r\n  INVITE", true, 9},
		{"2147483648 INVITE", false, 0},
		{"4294967297 INVITE", false, 0},
		{"-1 INVITE", false, 0},
		{"1INVITE", false, 0},
		{"1", false, 0},
		{"1 ", false, 0},
		{"INVITE", false, 0},
		{"1 IN VITE", false, 0},
		{"1 INVITE;x", false, 0},
		{"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct sip_cseq cseq;

		assert_int_equal(sip_cseq_parse(str_of(values[i].text), &cseq), values[i].good);
		if (values[i].good)
			assert_int_equal(cseq.number, values[i].number);
	}
}

static void a_call_id_is_one_word_or_two(void **state)
{
	(void)state;
	assert_true(sip_call_id_check(STR("a@b")));
	assert_true(sip_call_id_check(STR("(<>:\\\"/[]?{}-.!%*_+`'~")));
	assert_false(sip_call_id_check(STR("")));
	assert_false(sip_call_id_check(STR("@b")));
	assert_false(sip_call_id_check(STR("a@")));
	assert_false(sip_call_id_check(STR("a@b@c")));
	assert_false(sip_call_id_check(STR("a b")));
	assert_false(sip_call_id_check(STR("a,b")));
	assert_false(sip_call_id_check(STR("a\0b")));
}

static void each_mandatory_field_has_a_fault_of_its_own(void **state)
{
	static const char *const good[] = {
		"OPTIONS sip:a@b SIP/2.0",
		"Via: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b",
		"From: <sip:a@b>;tag=1",
		"To: <sip:c@d>",
		"Call-ID: x@y",
		"CSeq: 7 OPTIONS",
		"Max-Forwards: 70",
		"Content-Type: text/plain; charset=\"utf-8\"",
	};
	static const struct {
		unsigned    line;
		const char *text;
		enum reason why;
	} faults[] = {
		{0, "OPTIONS sip:a@b SIP/2.0", REASON_NONE},
		{0, "OPTIONS sip:a@b%4 SIP/2.0", REASON_SIP_URI},
		{0, "OPTIONS sip:a@b?x=y SIP/2.0", REASON_SIP_URI},
		{0, "OPTIONS http://a?x=y SIP/2.0", REASON_NONE},
		{0, "MESSAGE sip:a@b SIP/2.0", REASON_SIP_CSEQ},
		{1, "Via: SIP/2.0/UDP a, SIP/2.0/TCP", REASON_SIP_VIA},
		{1, "Via: SIP/2.0/UDP a,", REASON_SIP_VIA},
		{1, "Via:", REASON_SIP_VIA},
		{2, "From: sip:a@b c", REASON_SIP_FROM},
		{2, "From: sip:a@b", REASON_NONE},
		{3, "To:", REASON_SIP_TO},
		{4, "Call-ID: a b", REASON_SIP_CALL_ID},
		{5, "CSeq: 7 options", REASON_SIP_CSEQ},
		{6, "Max-Forwards: 255", REASON_NONE},
		{6, "Max-Forwards: 256", REASON_SIP_MAX_FORWARDS},
		{6, "Max-Forwards: 999", REASON_SIP_MAX_FORWARDS},
		{6, "Max-Forwards: -1", REASON_SIP_MAX_FORWARDS},
		{6, "Max-Forwards: ", REASON_SIP_MAX_FORWARDS},
		{6, "X: y", REASON_NONE},
		{7, "Content-Type: text", REASON_SIP_CONTENT_TYPE},
		{7, "Content-Type: text/plain;", REASON_SIP_CONTENT_TYPE},
	};
	static struct sip_message m;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		char                 bytes[1024];
		size_t               n = 0;
		struct sip_scan      scan = {0};
		struct sip_mandatory known;
		struct cur           in;
		enum reason          why;

		for (unsigned line = 0; line < 8; line++)
			n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "%s\r\n",
					      line == faults[i].line ? faults[i].text : good[line]);
		n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "\r\n");
		in = cur_of(bytes, n);
		assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
		assert_int_equal(m.fault, REASON_NONE);
		why = sip_mandatory_parse(&m, &known);
		if (why != faults[i].why)
			fail_msg("%s: %s", faults[i].text, reason_name(why));
	}
}

static enum reason response_of(const char *vias, struct str own, struct str *branch,
			       char bytes[512])
{
	static struct sip_message m;
	struct sip_scan           scan = {0};
	struct sip_mandatory      known;
	struct cur                in;
	enum reason               why;

	in = cur_of(bytes, (size_t)snprintf(bytes, 512,
					    "SIP/2.0 200 OK\r\n%s\r\nFrom: <sip:a@b>\r\n"
					    "To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"
					    "\r\n",
					    vias));
	assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
	assert_int_equal(m.fault, REASON_NONE);
	why = sip_response_parse(&m, own, &known);
	*branch = known.via.branch;
	return why;
}

/* To know how it begins saves work, and changes no verdict. */
static void a_via_of_ours_is_judged_as_any_other(void **state)
{
	static const struct {
		const char *vias;
		enum reason why;
		const char *branch;
	} responses[] = {
		{"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport", REASON_NONE, "z9hG4bKx"},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060 ; rport=1 ;branch = x", REASON_NONE, "x"},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060", REASON_NONE, ""},
		{"Via: SIP/2.0/UDP 192.0.2.1:50601;branch=x", REASON_NONE, "x"},
		{"Via: SIP/2.0/UDP 192.0.2.2:5060;branch=x", REASON_NONE, "x"},
		{"Via: sip / 2.0 / udp 192.0.2.1:5060;branch=x", REASON_NONE, "x"},
		{"v: SIP/2.0/UDP 192.0.2.1:5060;branch=x, SIP/2.0/TCP b;branch=y", REASON_NONE,
		 "x"},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=x\r\nVia: nothing", REASON_NONE, "x"},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=x;branch=x", REASON_SIP_VIA, NULL},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=x;", REASON_SIP_VIA, NULL},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=x;rport=0", REASON_SIP_VIA, NULL},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=x;received=y", REASON_SIP_VIA, NULL},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060x;branch=x", REASON_SIP_VIA, NULL},
		{"Via: SIP/2.0/UDP 192.0.2.1:506001;branch=x", REASON_SIP_VIA, NULL},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060 x;branch=x", REASON_SIP_VIA, NULL},
		{"Via: SIP/2.0/UDP 192.0.2.1:5060;", REASON_SIP_VIA, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		static const struct str ours[] = {{"", 0}, {"SIP/2.0/UDP 192.0.2.1:5060", 26}};

		for (size_t k = 0; k < 2; k++) {
			char       bytes[512];
			struct str branch;

			if (response_of(responses[i].vias, ours[k], &branch, bytes) !=
			    responses[i].why)
				fail_msg("%s", responses[i].vias);
			if (responses[i].branch != NULL)
				assert_true(str_eq(branch, str_of(responses[i].branch)));
		}
	}
}

static void each_transport_has_its_name_and_port(void **state)
{
	(void)state;
	for (unsigned t = 0; t < SIP_TRANSPORT_OTHER; t++) {
		assert_int_equal(sip_transport_classify(str_of(sip_transport_name(t))), t);
		assert_true(sip_transport_port(t) > 0);
	}
	assert_int_equal(sip_transport_port(SIP_TRANSPORT_TLS), 5061);
	assert_true(sip_transport_stream(SIP_TRANSPORT_TCP));
	assert_false(sip_transport_stream(SIP_TRANSPORT_UDP));
	assert_null(sip_transport_name(SIP_TRANSPORT_OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_via_is_split_into_its_parts),
		cmocka_unit_test(what_is_no_via_is_refused),
		cmocka_unit_test(a_cseq_is_a_number_below_2_to_the_31_and_a_method),
		cmocka_unit_test(a_call_id_is_one_word_or_two),
		cmocka_unit_test(each_mandatory_field_has_a_fault_of_its_own),
		cmocka_unit_test(a_via_of_ours_is_judged_as_any_other),
		cmocka_unit_test(each_transport_has_its_name_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
