#include "test.h"

#include <stdio.h>

#include "xmpp/stanza.h"

#define ROOT                                                                                       \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "    \
	"xmlns:e='urn:extra' to='example.org' version='1.0'>"

static struct xml_scope scope;

static int begin(void **state)
{
	struct xml x;

	(void)state;
	return xml_root_open(&x, STR(ROOT), &scope) == XML_FAULT_NONE ? 0 : -1;
}

static struct xmpp_stanza s;

static void open_stanza(const char *text)
{
	assert_true(xmpp_stanza_open(&s, str_of(text), &scope));
}

static void assert_text(struct str is, const char *wanted)
{
	if (!str_eq(is, str_of(wanted)))
		fail_msg("'%.*s', not '%s'", (int)is.n, is.p, wanted);
}

static void attributes_of_a_stanza_are_read_whatever_their_order(void **state)
{
	(void)state;
	open_stanza("<message xml:lang=\"sv\" id='a&amp;1' type='chat' to='bob@example.org'/>");
	assert_int_equal(s.kind, XMPP_MESSAGE);
	assert_int_equal(s.type, XMPP_TYPE_CHAT);
	assert_text(s.id, "a&amp;1");
	assert_text(s.to, "bob@example.org");
	assert_text(s.lang, "sv");
	assert_true(s.has_to);
	assert_false(s.has_from);
	open_stanza("<e:message xmlns:e='jabber:client' from='' e:to='x'/>");
	assert_int_equal(s.kind, XMPP_MESSAGE);
	assert_true(s.has_from);
	assert_false(s.has_to);
}

static void a_type_counts_only_for_its_own_kind(void **state)
{
	static const struct {
		const char    *text;
		enum xmpp_kind kind;
		enum xmpp_type type;
	} table[] = {
		{"<message/>", XMPP_MESSAGE, XMPP_TYPE_NONE},
		{"<message type='groupchat'/>", XMPP_MESSAGE, XMPP_TYPE_GROUPCHAT},
		{"<message type='get'/>", XMPP_MESSAGE, XMPP_TYPE_BAD},
		{"<message type='Chat'/>", XMPP_MESSAGE, XMPP_TYPE_BAD},
		{"<presence type='unavailable'/>", XMPP_PRESENCE, XMPP_TYPE_UNAVAILABLE},
		{"<presence type='chat'/>", XMPP_PRESENCE, XMPP_TYPE_BAD},
		{"<presence type='error'/>", XMPP_PRESENCE, XMPP_TYPE_ERROR},
		{"<iq type='set'/>", XMPP_IQ, XMPP_TYPE_SET},
		{"<iq type='probe'/>", XMPP_IQ, XMPP_TYPE_BAD},
		{"<iq/>", XMPP_IQ, XMPP_TYPE_NONE},
		{"<query/>", XMPP_OTHER, XMPP_TYPE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		open_stanza(table[i].text);
		assert_int_equal(s.kind, table[i].kind);
		assert_int_equal(s.type, table[i].type);
	}
}

static void payloads_come_one_after_the_other_whether_they_are_read_or_not(void **state)
{
	static const enum xmpp_payload wanted[] = {
		XMPP_PAYLOAD_SUBJECT, XMPP_PAYLOAD_BODY,    XMPP_PAYLOAD_UNKNOWN,
		XMPP_PAYLOAD_RECEIPT, XMPP_PAYLOAD_UNKNOWN, XMPP_PAYLOAD_CHAT_COMPOSING,
		XMPP_PAYLOAD_UNKNOWN,
	};
	char              room_bytes[64];
	struct put        room = put_to(room_bytes, sizeof(room_bytes));
	enum xmpp_payload p;
	struct str        text;
	unsigned          n = 0;

	(void)state;
	open_stanza("<message>text<subject>s</subject>\n<body>a <b>bold</b>&lt; c \r\n</body>"
		    "<body xmlns='urn:other'>no</body><received xmlns='urn:xmpp:receipts' "
		    "id='7'/><e:x><body>deep</body></e:x><composing "
		    "xmlns='http://jabber.org/protocol/chatstates'/><x/></message>");
	while (xmpp_payload_next(&s, &p)) {
		assert_true(n < sizeof(wanted) / sizeof(wanted[0]));
		assert_int_equal(p, wanted[n++]);
		if (p == XMPP_PAYLOAD_BODY) {
			assert_true(xmpp_text(&s.x, &room, &text));
			assert_text(text, "a < c \n");
		} else if (p == XMPP_PAYLOAD_RECEIPT) {
			assert_text(xmpp_attribute(&s.x, STR("id")), "7");
		}
	}
	assert_int_equal(n, sizeof(wanted) / sizeof(wanted[0]));
	assert_false(s.x.bad);
}

static void what_is_not_well_formed_ends_the_payloads_and_says_so(void **state)
{
	enum xmpp_payload p;

	(void)state;
	open_stanza("<message><body>a</body><x></y></message>");
	while (xmpp_payload_next(&s, &p))
		;
	assert_true(s.x.bad);
}

/* An element of a stanza, put again, and that again: the same, and equal by its namespaces. */
static void an_element_stands_for_itself_wherever_it_is_put(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
		{"<body>a</body>", "<body>a</body>"},
		{"<x xmlns='urn:x'/>", "<x xmlns='urn:x'/>"},
		{"<x xmlns='urn:x'><y><z xmlns='urn:z'>t</z><y/></y></x>",
		 "<x xmlns='urn:x'><y><z xmlns='urn:z'>t</z><y/></y></x>"},
		{"<e:x a='1' e:b=\"2'\"><e:y/></e:x>",
		 "<x xmlns='urn:extra' a='1' e:b=\"2'\" xmlns:e='urn:extra'><y/></x>"},
		{"<x xmlns='urn:x'><body xmlns='jabber:client'>b</body></x>",
		 "<x xmlns='urn:x'><body xmlns='jabber:client'>b</body></x>"},
		{"<x xmlns='urn:x' xml:lang='sv'>&amp;<![CDATA[<]]></x>",
		 "<x xmlns='urn:x' xml:lang='sv'>&amp;&lt;</x>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char              text[512], out[512];
		struct put        w = put_to(out, sizeof(out));
		enum xmpp_payload p;

		snprintf(text, sizeof(text), "<message>%s</message>", table[i].in);
		for (unsigned again = 0; again < 2; again++) {
			open_stanza(text);
			assert_true(xmpp_payload_next(&s, &p));
			w = put_to(out, sizeof(out));
			xmpp_element_put(&s.x, STR("jabber:client"), &w);
			assert_false(w.failed);
			assert_text((struct str){out, put_size(&w)}, table[i].out);
			snprintf(text, sizeof(text), "<message>%.*s</message>", (int)put_size(&w),
				 out);
		}
	}
}

static void an_error_names_its_condition_and_comes_back_as_a_reason(void **state)
{
	char              out[1024];
	enum xmpp_payload p;

	(void)state;
	for (unsigned c = 1; c < XMPP_CONDITION_COUNT; c++) {
		struct put             w = put_to(out, sizeof(out) - 1);
		const struct xmpp_head h = {
			.kind = XMPP_IQ, .id = STR("<1>"), .to = STR("a@b/c"), .from = STR("d@e")};

		xmpp_put_error_stanza(&w, &h, (enum xmpp_condition)c, STR("why & how"));
		assert_false(w.failed);
		out[put_size(&w)] = '\0';
		open_stanza(out);
		assert_int_equal(s.type, XMPP_TYPE_ERROR);
		assert_text(s.id, "&lt;1&gt;");
		assert_true(xmpp_payload_next(&s, &p));
		assert_int_equal(p, XMPP_PAYLOAD_ERROR);
		assert_int_equal(xmpp_error_read(&s.x), c);
		assert_false(xmpp_payload_next(&s, &p));
		assert_false(s.x.bad);
		assert_true(xmpp_reason_of((enum xmpp_condition)c) != REASON_NONE);
	}
	for (unsigned why = 1; why < REASON_COUNT; why++)
		assert_true(xmpp_condition_of((enum reason)why) != XMPP_CONDITION_NONE);
}

static void a_stream_error_is_one_element_with_its_text(void **state)
{
	char       out[512];
	struct put w = put_to(out, sizeof(out) - 1);

	(void)state;
	xmpp_put_stream_error(&w, XMPP_STREAM_RESTRICTED_XML, STR("no <!DOCTYPE>"));
	out[put_size(&w)] = '\0';
	assert_string_equal(out, "<stream:error><restricted-xml "
				 "xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\"/><text "
				 "xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\" xml:lang=\"en\">no "
				 "&lt;!DOCTYPE&gt;</text></stream:error>");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, begin)
	const struct CMUnitTest tests[] = {
		TEST(attributes_of_a_stanza_are_read_whatever_their_order),
		TEST(a_type_counts_only_for_its_own_kind),
		TEST(payloads_come_one_after_the_other_whether_they_are_read_or_not),
		TEST(what_is_not_well_formed_ends_the_payloads_and_says_so),
		TEST(an_element_stands_for_itself_wherever_it_is_put),
		TEST(an_error_names_its_condition_and_comes_back_as_a_reason),
		TEST(a_stream_error_is_one_element_with_its_text),
	};

	return cmocka_run_group_tests_name("stanza", tests, NULL, NULL);
}
