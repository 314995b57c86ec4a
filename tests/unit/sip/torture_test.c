/* The torture messages of RFC 4475 and RFC 5118, each with the verdict that its RFC gives. */
#include "sip/torture.h"

#include "sip/value.h"
#include "sip/via.h"

enum { GOOD, WRONG };

static const struct torture {
	const char *name;
	enum reason fault;
	bool        field;
	enum pull   stream;
	enum reason lost;
	unsigned    headers;
} messages[] = {
#define TORTURE(name, fault, fields, stream, lost, headers)                                        \
	{name, fault, fields, stream, lost, headers},
#include "sip/torture.def"
#undef TORTURE
};

static struct sip_message   m;
static struct sip_mandatory known;

/* The message as a datagram; its fault. *whole is freed by the caller. */
static enum reason take(const char *name, struct str *whole)
{
	struct sip_scan scan = {0};
	struct cur      in;
	enum reason     why;

	*whole = torture_read(name);
	in = cur_of(whole->p, whole->n);
	assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
	assert_int_equal(cur_left(&in), 0);
	return m.fault != REASON_NONE ? m.fault : sip_mandatory_parse(&m, &known);
}

/* Those fields of the message that a registrar or a reader of dates looks into. */
static bool fields_are_good(void)
{
	static const uint8_t addresses[] = {SIP_CONTACT, SIP_ROUTE, SIP_RECORD_ROUTE};
	struct sip_name_addr a;
	struct sip_list      l;
	struct sip_auth      auth;
	struct str           value;
	uint64_t             seconds;

	for (size_t i = 0; i < sizeof(addresses); i++) {
		for (sip_list_init(&l, &m, addresses[i]); sip_list_next(&l, &value);) {
			if (!sip_name_addr_parse(value, &a))
				return false;
		}
		if (l.failed)
			return false;
	}
	if (sip_header_find(&m, SIP_AUTHORIZATION, &value) && !sip_auth_parse(value, &auth))
		return false;
	return !sip_header_find(&m, SIP_DATE, &value) || sip_date_parse(value, &seconds);
}

static void each_message_gets_the_verdict_of_its_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct torture *t = &messages[i];
		struct str            whole;
		enum reason           fault = take(t->name, &whole);

		if (fault != t->fault || m.header_count != t->headers ||
		    fields_are_good() == t->field)
			fail_msg("%s: %s, %u headers, fields %d", t->name, reason_name(fault),
				 m.header_count, fields_are_good());
		assert_int_equal(sip_fault_status(fault), fault == REASON_SIP_VERSION ? 505 : 400);
		torture_free(whole);
	}
}

static void on_a_stream_only_what_loses_the_frame_ends_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct torture *t = &messages[i];
		struct str            whole = torture_read(t->name);
		struct cur            in = cur_of(whole.p, whole.n);
		struct sip_scan       scan = {0};
		enum reason           why, fault;

		if (sip_message_next(&scan, &in, SIP_STREAM, &m, &why) != t->stream ||
		    why != t->lost)
			fail_msg("%s: %s", t->name, reason_name(why));
		if (t->stream == PULL_ITEM) {
			fault = m.fault != REASON_NONE ? m.fault : sip_mandatory_parse(&m, &known);
			assert_int_equal(fault, t->fault);
		} else if (t->stream == PULL_BAD) {
			assert_int_equal(m.kind, SIP_REQUEST); /* it can be answered */
			assert_int_equal(m.fault, why);
			assert_ptr_equal(in.p, whole.p);
		}
		torture_free(whole);
	}
}

static void assert_str(struct str got, const char *want)
{
	if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void the_tortuous_invite_is_read_to_the_last_field(void **state)
{
	struct sip_name_addr a;
	struct sip_param     p;
	struct sip_list      l;
	struct sip_via       via;
	struct str           whole, value;

	(void)state;
	assert_int_equal(take("wsinv", &whole), REASON_NONE);
	assert_int_equal(m.method, SIP_METHOD_INVITE);
	assert_str(known.uri.host.text, "chair-dnrc.example.com");
	assert_str(known.to.tag, "1918181833n");
	assert_str(known.from.display, "J Rosenberg \\\\\\\"");
	assert_str(known.from.tag, "98asjd8");
	assert_int_equal(known.max_forwards, 68);
	assert_int_equal(known.cseq.number, 9);
	assert_int_equal(known.cseq.method, SIP_METHOD_INVITE);
	assert_str(known.via.branch, "390skdjuw");
	assert_false(known.via.has_cookie);
	assert_int_equal(cur_left(&m.body), 150);
	assert_true(sip_header_find(&m, SIP_SUBJECT, &value));
	assert_int_equal(value.n, 0);
	sip_list_init(&l, &m, SIP_VIA);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(sip_list_next(&l, &value));
		assert_true(sip_via_parse(value, &via));
	}
	assert_str(via.host.text, "192.168.255.111");
	assert_str(via.branch, "z9hG4bK30239");
	assert_true(via.has_cookie);
	assert_false(sip_list_next(&l, &value));
	assert_false(l.failed);
	assert_true(sip_header_find(&m, SIP_CONTACT, &value));
	assert_true(sip_name_addr_parse(value, &a));
	assert_true(sip_param_find(a.params, STR("newparam"), &p));
	assert_str(p.value, "newvalue");
	assert_true(sip_param_find(a.params, STR("secondparam"), &p));
	assert_false(p.has_value);
	torture_free(whole);
}

static void unusual_characters_stay_in_their_fields(void **state)
{
	struct str whole;

	(void)state;
	assert_int_equal(take("intmeth", &whole), REASON_NONE);
	assert_int_equal(m.method, SIP_METHOD_OTHER);
	assert_str(known.uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
	assert_str(known.uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
	assert_str(known.from.display, "token1~` token2'+_ token3*%!.-");
	assert_str(known.from.tag, "_token~1'+`*%!-.");
	assert_int_equal(known.to.display.n, 20);
	assert_memory_equal(known.to.display.p, "BEL:\\\a NUL:\\\0 DEL:\\\x7f", 20);
	assert_str(known.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
	torture_free(whole);
	assert_int_equal(take("semiuri", &whole), REASON_NONE);
	assert_str(known.uri.user, "user;par=u%40example.net");
	assert_str(known.uri.host.text, "example.com");
	torture_free(whole);
}

static void a_percent_sign_is_an_escape_in_uris_alone(void **state)
{
	struct sip_list l;
	struct str      whole, value;
	unsigned        contacts = 0;

	(void)state;
	assert_int_equal(take("esc02", &whole), REASON_NONE);
	assert_int_equal(m.method, SIP_METHOD_OTHER);
	for (sip_list_init(&l, &m, SIP_CONTACT); sip_list_next(&l, &value);)
		contacts++;
	assert_int_equal(contacts, 2);
	torture_free(whole);
}

static void parameters_belong_to_the_field_or_the_uri_by_the_brackets(void **state)
{
	struct sip_name_addr a;
	struct sip_param     p;
	struct str           whole, value;

	(void)state;
	assert_int_equal(take("cparam01", &whole), REASON_NONE);
	assert_true(sip_header_find(&m, SIP_CONTACT, &value) && sip_name_addr_parse(value, &a));
	assert_true(sip_param_find(a.params, STR("unknownparam"), &p));
	assert_int_equal(a.uri.params.n, 0);
	torture_free(whole);
	assert_int_equal(take("cparam02", &whole), REASON_NONE);
	assert_true(sip_header_find(&m, SIP_CONTACT, &value) && sip_name_addr_parse(value, &a));
	assert_true(sip_uri_param_find(&a.uri, STR("unknownparam"), &p));
	assert_int_equal(a.params.n, 0);
	torture_free(whole);
}

static void what_no_one_knows_is_left_to_the_next_layer(void **state)
{
	struct sip_auth auth;
	struct str      whole, value;

	(void)state;
	assert_int_equal(take("novelsc", &whole), REASON_NONE);
	assert_int_equal(known.uri.scheme, SIP_SCHEME_OTHER);
	assert_str(known.uri.scheme_text, "soap.beep");
	torture_free(whole);
	assert_int_equal(take("unksm2", &whole), REASON_NONE);
	assert_int_equal(known.to.uri.scheme, SIP_SCHEME_OTHER);
	torture_free(whole);
	assert_int_equal(take("regaut01", &whole), REASON_NONE);
	assert_true(sip_header_find(&m, SIP_AUTHORIZATION, &value));
	assert_true(sip_auth_parse(value, &auth));
	assert_false(auth.digest);
	assert_str(auth.scheme, "NoOneKnowsThisScheme");
	torture_free(whole);
	assert_int_equal(take("badbranch", &whole), REASON_NONE);
	assert_false(known.via.has_cookie); /* so it is matched as RFC 2543 has it */
	torture_free(whole);
}

static void ipv6_references_are_addresses_with_and_without_a_port(void **state)
{
	static const uint8_t embedded[16] = {0x20, 0x01, 0x0d, 0xb8, [12] = 192, 0, 2, 1};
	struct str           whole;

	(void)state;
	assert_int_equal(take("port-ambiguous", &whole), REASON_NONE);
	assert_str(known.uri.host.text, "2001:db8::10:5070");
	assert_false(known.uri.has_port);
	torture_free(whole);
	assert_int_equal(take("port-unambiguous", &whole), REASON_NONE);
	assert_str(known.uri.host.text, "2001:db8::10");
	assert_int_equal(known.uri.port, 5070);
	torture_free(whole);
	assert_int_equal(take("via-received-param-with-delim", &whole), REASON_NONE);
	assert_str(known.via.received.text, "2001:db8::9:255");
	torture_free(whole);
	assert_int_equal(take("via-received-param-no-delim", &whole), REASON_NONE);
	assert_str(known.via.received.text, "2001:db8::9:255");
	assert_int_equal(known.via.received.kind, SIP_HOST_IP6);
	torture_free(whole);
	assert_int_equal(take("ipv6-bug-abnf-3-colons", &whole), REASON_NONE);
	assert_memory_equal(known.uri.host.address, embedded, 16);
	torture_free(whole);
	assert_int_equal(take("ipv6-correct-abnf-2-colons", &whole), REASON_NONE);
	assert_memory_equal(known.uri.host.address, embedded, 16);
	torture_free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_gets_the_verdict_of_its_rfc),
		cmocka_unit_test(on_a_stream_only_what_loses_the_frame_ends_it),
		cmocka_unit_test(the_tortuous_invite_is_read_to_the_last_field),
		cmocka_unit_test(unusual_characters_stay_in_their_fields),
		cmocka_unit_test(a_percent_sign_is_an_escape_in_uris_alone),
		cmocka_unit_test(parameters_belong_to_the_field_or_the_uri_by_the_brackets),
		cmocka_unit_test(what_no_one_knows_is_left_to_the_next_layer),
		cmocka_unit_test(ipv6_references_are_addresses_with_and_without_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
