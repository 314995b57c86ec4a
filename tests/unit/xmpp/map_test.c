/* Stanzas to records and back: what is said survives, and what is not XMPP's is told in its words.
 */
#include "test.h"

#include <stdio.h>

#include "base/aor.h"
#include "msg/addr.h"
#include "xmpp/map.h"

#define ROOT "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define PROTOCOL 2u
#define POOL 128u

static struct xml_scope          scope;
static struct msg_pool          *pool;
static struct proto_settings     settings = {.message_size_max = 60000};
static char                      thread[64], one[64], other[64];
static uint8_t                   scratch[160 * 1024];
static struct xmpp_stanza        s;
static const char               *is_a_user = "";
static const struct xmpp_sender *who;

static bool credentials(void *context, unsigned protocol, struct str address,
			struct proto_credentials *c)
{
	(void)context, (void)protocol, (void)c;
	return str_eq(address, str_of(is_a_user));
}

static bool serves(void *context, unsigned protocol, struct str domain)
{
	(void)context, (void)protocol;
	return str_eq(domain, STR("example.org")) || str_eq(domain, STR("sms.example.org"));
}

static struct str conversation(void *context, struct str a, struct str b)
{
	(void)context, (void)a, (void)b;
	return str_of(thread);
}

static void converse(void *context, struct str a, struct str b, struct str id)
{
	(void)context;
	str_copy(one, sizeof(one), a);
	str_copy(other, sizeof(other), b);
	str_copy(thread, sizeof(thread), id);
}

static const struct proto_services services = {.credentials = credentials,
					       .serves = serves,
					       .conversation = conversation,
					       .converse = converse};
static const struct xmpp_map       map = {
	      .settings = &settings, .services = &services, .now = {.us = 5000000}, .protocol = PROTOCOL};

static const struct xmpp_sender alice = {.jid = {{"alice", 5}, {"example.org", 11}, {"balcony", 7}},
					 .number = {"+46701234567", 12}};
static const struct xmpp_sender bob = {.jid = {{"bob", 3}, {"example.org", 11}, {"phone", 5}}};

static int begin(void **state)
{
	struct xml x;

	(void)state;
	pool = msg_pool_init(aligned_alloc(64, msg_pool_size(POOL)), POOL);
	thread[0] = one[0] = other[0] = '\0';
	is_a_user = "";
	who = &alice;
	return xml_root_open(&x, STR(ROOT), &scope) == XML_FAULT_NONE ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(msg_pool_free_count(pool), POOL);
	free(pool);
	return 0;
}

static struct msg *take(const char *text, enum xmpp_condition wanted)
{
	char            room_bytes[XMPP_JID_SIZE_MAX], value_bytes[2048];
	struct put      room = put_to(room_bytes, sizeof(room_bytes));
	struct put      value = put_to(value_bytes, sizeof(value_bytes));
	struct put      rest = put_to(scratch, sizeof(scratch));
	struct msg     *m = msg_new(pool);
	struct xmpp_jid to;
	enum reason     why;

	assert_true(xmpp_stanza_open(&s, str_of(text), &scope));
	assert_true(xmpp_jid_parse(xmpp_value(s.to, &value), &room, &to));
	assert_int_equal(xmpp_map_in(&map, &s, &to, who, &rest, m, &why), wanted);
	assert_int_equal(why == REASON_NONE, wanted == XMPP_CONDITION_NONE);
	return m;
}

static const char *give(const struct msg *m, const char *address)
{
	static char     out[70000];
	char            id[MSG_ORIGIN_ID_MAX];
	struct put      w = put_to(out, sizeof(out) - 1);
	struct xmpp_way way = {.domain = STR("example.org"), .address = str_of(address)};
	enum reason     why;

	way.id = xmpp_map_id(&map, m, id);
	why = xmpp_map_out(&map, m, &way, &w);
	assert_false(w.failed);
	if (why != REASON_NONE)
		return reason_name(why);
	out[put_size(&w)] = '\0';
	return out;
}

static void assert_addr(const struct msg *m, const struct addr *a, enum addr_kind kind,
			const char *text)
{
	assert_int_equal(a->kind, kind);
	if (!str_eq(msg_addr(m, a), str_of(text)))
		fail_msg("'%.*s', not '%s'", (int)a->size, msg_addr(m, a).p, text);
}

static struct msg *of_smpp(enum msg_kind kind, const char *from, const char *text)
{
	struct msg *m = msg_new(pool);

	m->id = 77;
	m->kind = (uint8_t)kind;
	m->coding = MSG_CODING_UTF8;
	assert_true(msg_append_addr(m, addr_kind_of(str_of(from)), 0, 0, str_of(from), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46701234567"), &m->to));
	if (msg_is_report(m))
		assert_true(msg_append(m, text, strlen(text), &m->origin_id));
	else
		assert_true(msg_append(m, text, strlen(text), &m->body));
	return m;
}

static void a_message_between_clients_arrives_with_all_that_was_in_it(void **state)
{
	struct msg *m = take("<message to='bob@example.org/phone' id='m&lt;1' type='chat' "
			     "xml:lang='sv'><body xml:lang='en'>Hello &amp; hej\xc3\xa5</body>"
			     "<subject>S</subject><thread parent='p'>t-1</thread><request "
			     "xmlns='urn:xmpp:receipts'/><x xmlns='urn:x'><y/></x></message>",
			     XMPP_CONDITION_NONE);

	(void)state;
	assert_int_equal(m->kind, MSG_TEXT);
	assert_addr(m, &m->from, ADDR_E164, "+46701234567");
	assert_addr(m, &m->to, ADDR_URI, "xmpp:bob@example.org");
	assert_int_equal(m->to_place, xmpp_resource_key(STR("phone")));
	assert_int_equal(m->wants, MSG_WANT_SUCCESS);
	assert_string_equal(thread, "t-1");
	assert_string_equal(one, "+46701234567");
	assert_string_equal(other, "xmpp:bob@example.org");
	assert_string_equal(
		give(m, "bob@example.org/phone"),
		"<message type=\"chat\" id=\"m&lt;1\" from=\"alice@example.org/balcony\" "
		"to=\"bob@example.org/phone\" xml:lang=\"en\"><body xml:lang=\"en\">Hello &amp; "
		"hej\xc3\xa5</body><subject>S</subject><thread parent='p'>t-1</thread><request "
		"xmlns='urn:xmpp:receipts'/><x xmlns='urn:x'><y/></x></message>");
	msg_free(m);
}

static void a_rule_that_changes_the_sender_hides_the_address_of_the_client(void **state)
{
	struct msg *m = take("<message to='bob@example.org' id='1'><body>x</body></message>",
			     XMPP_CONDITION_NONE);

	(void)state;
	assert_true(msg_append_addr(m, ADDR_SHORT, 0, 0, STR("71234"), &m->from));
	assert_string_equal(give(m, "bob@example.org"),
			    "<message id=\"1\" from=\"71234@example.org\" "
			    "to=\"bob@example.org\"><body>x</body></message>");
	msg_free(m);
}

static void local_parts_of_digits_are_numbers_where_we_serve_the_domain(void **state)
{
	static const struct {
		const char    *to;
		enum addr_kind kind;
		const char    *address;
	} table[] = {
		{"+46707654321@sms.example.org", ADDR_E164, "+46707654321"},
		{"+46707654321@example.org/any", ADDR_E164, "+46707654321"},
		{"71234@sms.example.org", ADDR_SHORT, "71234"},
		{"12345@example.org", ADDR_URI, "xmpp:12345@example.org"},
		{"+46707654321@other.example", ADDR_URI, "xmpp:+46707654321@other.example"},
		{"+@example.org", ADDR_URI, "xmpp:+@example.org"},
		{"Carol@Other.example", ADDR_URI, "xmpp:carol@other.example"},
		{"d\\27artagnan@example.org", ADDR_URI, "xmpp:d\\27artagnan@example.org"},
	};

	(void)state;
	is_a_user = "xmpp:12345@example.org";
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char        text[256];
		struct msg *m;

		snprintf(text, sizeof(text), "<message to='%s'><body>x</body></message>",
			 table[i].to);
		m = take(text, XMPP_CONDITION_NONE);
		assert_addr(m, &m->to, table[i].kind, table[i].address);
		msg_free(m);
	}
}

static void a_message_to_a_domain_itself_goes_nowhere(void **state)
{
	(void)state;
	msg_free(take("<message to='example.org'><body>x</body></message>",
		      XMPP_SERVICE_UNAVAILABLE));
}

static void what_is_said_without_words_has_its_kind(void **state)
{
#define STATES " xmlns='http://jabber.org/protocol/chatstates'/></message>"
	static const struct {
		const char   *text;
		enum msg_kind kind;
		const char   *body, *remote_id;
	} table[] = {
		{"<message to='+46@example.org'><received xmlns='urn:xmpp:receipts' "
		 "id='a'/></message>",
		 MSG_RECEIPT, "", "a"},
		{"<message to='+46@example.org'><displayed xmlns='urn:xmpp:chat-markers:0' "
		 "id='b'/></message>",
		 MSG_READ_REPORT, "", "b"},
		{"<message to='+46@example.org'><composing" STATES, MSG_COMPOSING, "active", ""},
		{"<message to='+46@example.org'><paused" STATES, MSG_COMPOSING, "idle", ""},
		{"<message to='+46@example.org'><gone" STATES, MSG_COMPOSING, "gone", ""},
		{"<message to='+46@example.org'><x xmlns='urn:x'/></message>", MSG_NATIVE, "", ""},
		{"<message to='+46@example.org' type='error' id='c'><error "
		 "type='cancel'><service-unavailable "
		 "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		 MSG_RECEIPT, "", "c"},
		{"<message to='+46@example.org' type='error' id='d'><error type='auth'><forbidden "
		 "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		 MSG_RECEIPT, "", "d"},
	};
	static const struct {
		enum msg_state state;
		enum reason    why;
	} said[] = {{MSG_STATE_DELIVERED, REASON_NONE},
		    {0},
		    {MSG_STATE_UNDELIVERABLE, REASON_PEER_PERMANENT},
		    {MSG_STATE_REJECTED, REASON_PEER_FORBIDDEN}}; /* by the id: a to d */

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t     room[16];
		struct msg *m = take(table[i].text, XMPP_CONDITION_NONE);

		assert_int_equal(m->kind, table[i].kind);
		assert_true(
			str_eq((struct str){(const char *)msg_view(m, m->body, room), m->body.size},
			       str_of(table[i].body)));
		assert_true(
			str_eq((struct str){(const char *)msg_view(m, m->receipt.remote_id, room),
					    m->receipt.remote_id.size},
			       str_of(table[i].remote_id)));
		if (m->kind == MSG_RECEIPT)
			assert_int_equal(m->receipt.state, said[table[i].remote_id[0] - 'a'].state);
		if (m->kind == MSG_RECEIPT)
			assert_int_equal(m->receipt.why, said[table[i].remote_id[0] - 'a'].why);
		msg_free(m);
	}
}

static void what_says_nothing_is_no_message(void **state)
{
	struct msg *m = take("<message to='bob@example.org'/>", XMPP_CONDITION_NONE);

	(void)state;
	assert_int_equal(m->kind, XMPP_NO_MESSAGE);
	msg_free(m);
	m = take("<message to='bob@example.org' type='error'><error/></message>",
		 XMPP_CONDITION_NONE);
	assert_int_equal(m->kind, XMPP_NO_MESSAGE);
	msg_free(m);
}

static void clients_cannot_say_what_servers_alone_say(void **state)
{
	struct msg *m = take("<message to='bob@example.org' id='1'><body>x</body><sent "
			     "xmlns='urn:xmpp:carbons:2'/><received "
			     "xmlns='urn:xmpp:carbons:2'><forwarded/></received><stanza-id "
			     "xmlns='urn:xmpp:sid:0' id='1' by='bob@example.org'/><stanza-id "
			     "xmlns='urn:xmpp:sid:0' id='1' by='Example.org'/><stanza-id "
			     "xmlns='urn:xmpp:sid:0' id='1'/><stanza-id "
			     "xmlns='urn:xmpp:sid:0' id='1' by='a b'/><origin-id "
			     "xmlns='urn:xmpp:sid:0' id='2'/><stanza-id xmlns='urn:xmpp:sid:0' "
			     "id='3' by='room@conference.example'/></message>",
			     XMPP_CONDITION_NONE);

	(void)state;
	assert_string_equal(give(m, "bob@example.org"),
			    "<message id=\"1\" from=\"alice@example.org/balcony\" "
			    "to=\"bob@example.org\"><body>x</body><origin-id "
			    "xmlns='urn:xmpp:sid:0' id='2'/><stanza-id xmlns='urn:xmpp:sid:0' "
			    "id='3' by='room@conference.example'/></message>");
	msg_free(m);
}

/* RFC 7247, 5 */
static void a_sender_of_sip_is_written_as_one_of_xmpp(void **state)
{
	static const struct {
		const char *sip, *jid;
	} table[] = {
		{"sip:bob@x.example", " from=\"bob@x.example\""},
		{"sip:o'hara@x.example", " from=\"o\\27hara@x.example\""},
		{"sip:j%C3%BCrgen@xn--mnchen-3ya.example", " from=\"jürgen@münchen.example\""},
		{"sip:user%40host@x.example", " from=\"user\\40host@x.example\""},
		{"sip:a%23b@x.example", " from=\"a#b@x.example\""},
		{"sips:at&t%20guy@x.example", " from=\"at\\26t\\20guy@x.example\""},
		{"sip:%FF@x.example", "SENDER"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg *m = of_smpp(MSG_TEXT, table[i].sip, "x");

		if (strstr(give(m, "alice@example.org"), table[i].jid) == NULL)
			fail_msg("%s: %s", table[i].sip, give(m, "alice@example.org"));
		msg_free(m);
	}
}

/* The id that a message has at another server is that server's word (XEP-0359, 5). */
static void a_link_hears_no_id_of_ours(void **state)
{
	struct msg     *m = of_smpp(MSG_TEXT, "71234", "x");
	struct xmpp_map link = map;
	char            out[2048];
	struct put      w = put_to(out, sizeof(out) - 1);
	struct xmpp_way way = {.domain = STR("example.org"), .address = STR("dora@chat.example")};

	(void)state;
	assert_non_null(strstr(give(m, "dora@chat.example"), "<stanza-id "));
	link.link = true;
	assert_int_equal(xmpp_map_out(&link, m, &way, &w), REASON_NONE);
	out[put_size(&w)] = '\0';
	assert_non_null(strstr(out, "<body>x</body>"));
	assert_null(strstr(out, "<stanza-id "));
	msg_free(m);
}

static void an_address_too_long_for_a_record_is_a_matter_of_policy(void **state)
{
	char text[1200], local[256];

	(void)state;
	for (size_t n = 230; n < sizeof(local); n++) {
		bool fits = n + sizeof("xmpp:@example.org") - 1 <= MSG_ADDR_SIZE_MAX;

		memset(local, 'x', n);
		local[n] = '\0';
		snprintf(text, sizeof(text),
			 "<message to='%s@example.org'><body>x</body></message>", local);
		msg_free(take(text, fits ? XMPP_CONDITION_NONE : XMPP_POLICY_VIOLATION));
	}
}

static void a_short_message_is_a_chat_with_what_its_sender_asks_for(void **state)
{
	struct msg *m = of_smpp(MSG_TEXT, "+46707654321", "1 < 2 & 3\x1b");

	(void)state;
	m->wants = MSG_WANT_SUCCESS;
	strcpy(thread, "conv");
	assert_string_equal(give(m, "alice@example.org/balcony"),
			    "<message type=\"chat\" id=\"cpm77\" from=\"+46707654321@example.org\" "
			    "to=\"alice@example.org/balcony\"><body>1 &lt; 2 &amp; 3 </body>"
			    "<thread>conv</thread><request xmlns=\"urn:xmpp:receipts\"/>"
			    "<stanza-id xmlns=\"urn:xmpp:sid:0\" by=\"alice@example.org\" "
			    "id=\"77\"/></message>");
	assert_true(xmpp_map_notified(m));
	msg_free(m);
	m = of_smpp(MSG_TEXT, "+46707654321", "x");
	thread[0] = '\0';
	assert_true(msg_extra_add(m, MSG_COMMON, MSG_COMMON_SUBJECT, "a\xff\x01<", 4));
	assert_true(msg_extra_add(m, MSG_COMMON, MSG_COMMON_LANGUAGE, "sv, en", 6));
	assert_string_equal(
		give(m, "alice@example.org"),
		"<message type=\"chat\" id=\"cpm77\" from=\"+46707654321@example.org\" "
		"to=\"alice@example.org\" xml:lang=\"sv\"><body>x</body>"
		"<subject>a\xef\xbf\xbd &lt;</subject><stanza-id "
		"xmlns=\"urn:xmpp:sid:0\" by=\"alice@example.org\" id=\"77\"/></message>");
	msg_free(m);
	m = of_smpp(MSG_TEXT, "A C/ME", "x");
	m->from.kind = ADDR_ALPHA;
	thread[0] = '\0';
	assert_string_equal(
		give(m, "alice@example.org"),
		"<message type=\"chat\" id=\"cpm77\" "
		"from=\"A\\20C\\2fME@example.org\" to=\"alice@example.org\"><body>x"
		"</body><stanza-id "
		"xmlns=\"urn:xmpp:sid:0\" by=\"alice@example.org\" id=\"77\"/></message>");
	msg_free(m);
	m = of_smpp(MSG_TEXT, "sip:carol@ims.example", "x");
	assert_string_equal(
		give(m, "alice@example.org"),
		"<message type=\"chat\" id=\"cpm77\" from=\"carol@ims.example\" "
		"to=\"alice@example.org\"><body>x</body><stanza-id "
		"xmlns=\"urn:xmpp:sid:0\" by=\"alice@example.org\" id=\"77\"/></message>");
	msg_free(m);
}

static void a_long_text_of_another_protocol_comes_whole(void **state)
{
	static char text[30001], wanted[32000];
	struct msg *m;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	m = of_smpp(MSG_TEXT, "+46707654321", text);
	snprintf(wanted, sizeof(wanted), "<body>%s</body>", text);
	assert_non_null(strstr(give(m, "alice@example.org"), wanted));
	msg_free(m);
}

static void reports_of_others_name_the_message_by_the_id_of_its_sender(void **state)
{
	struct msg *m = of_smpp(MSG_RECEIPT, "+46707654321", "m1");

	(void)state;
	m->receipt.state = MSG_STATE_DELIVERED;
	assert_string_equal(give(m, "alice@example.org"),
			    "<message type=\"chat\" id=\"cpm77\" from=\"+46707654321@example.org\" "
			    "to=\"alice@example.org\"><received xmlns=\"urn:xmpp:receipts\" "
			    "id=\"m1\"/></message>");
	m->receipt.state = MSG_STATE_EXPIRED;
	assert_non_null(
		strstr(give(m, "alice@example.org"),
		       "<message type=\"error\" id=\"m1\" from=\"+46707654321@example.org\" "
		       "to=\"alice@example.org\"><error type=\"wait\"><recipient-unavailable"));
	m->receipt.state = MSG_STATE_REJECTED;
	assert_non_null(strstr(give(m, "alice@example.org"), "<error type=\"auth\"><forbidden"));
	m->receipt.why = REASON_PEER_GONE; /* what more is known is said */
	assert_non_null(strstr(give(m, "alice@example.org"), "<error type=\"cancel\"><gone"));
	m->receipt.why = REASON_NONE;
	m->receipt.state = MSG_STATE_EXPIRED;
	m->receipt.intermediate = true;
	assert_string_equal(give(m, "alice@example.org"), "RECEIPT_UNKNOWN");
	msg_free(m);
	m = of_smpp(MSG_READ_REPORT, "+46707654321", "m1");
	m->receipt.state = MSG_STATE_DELIVERED;
	assert_non_null(strstr(give(m, "alice@example.org"),
			       "<displayed xmlns=\"urn:xmpp:chat-markers:0\" id=\"m1\"/>"));
	msg_free(m);
}

static void writing_and_what_has_no_text_of_others(void **state)
{
	struct msg *m = of_smpp(MSG_COMPOSING, "+46707654321", "active");

	(void)state;
	assert_non_null(strstr(give(m, "alice@example.org"), "<composing xmlns="));
	msg_free(m);
	m = of_smpp(MSG_COMPOSING, "+46707654321", "idle");
	assert_non_null(strstr(give(m, "alice@example.org"), "<active xmlns="));
	msg_free(m);
	m = of_smpp(MSG_BINARY, "+46707654321", "\x01\x02");
	assert_string_equal(give(m, "alice@example.org"), "CODING");
	msg_free(m);
}

static void a_text_of_many_blocks_comes_whole(void **state)
{
	static char text[42000], wanted[42000];
	struct msg *m;
	size_t      n;

	(void)state;
	n = (size_t)sprintf(text, "<message to='bob@example.org' id='1'><body>");
	for (unsigned i = 0; i < 13000; i++)
		n += (size_t)sprintf(text + n, "\xe2\x82\xac");
	sprintf(text + n, "</body></message>");
	who = &bob;
	m = take(text, XMPP_CONDITION_NONE);
	assert_addr(m, &m->from, ADDR_URI, "xmpp:bob@example.org");
	n = (size_t)sprintf(wanted, "<message id=\"1\" from=\"bob@example.org/phone\" "
				    "to=\"bob@example.org\"><body>");
	memcpy(wanted + n, strstr(text, "<body>") + 6, 39000);
	sprintf(wanted + n + 39000, "</body></message>");
	assert_string_equal(give(m, "bob@example.org"), wanted);
	msg_free(m);
	settings.message_size_max = 38999;
	msg_free(take(text, XMPP_POLICY_VIOLATION));
	settings.message_size_max = 60000;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_message_between_clients_arrives_with_all_that_was_in_it),
		TEST(a_rule_that_changes_the_sender_hides_the_address_of_the_client),
		TEST(local_parts_of_digits_are_numbers_where_we_serve_the_domain),
		TEST(a_message_to_a_domain_itself_goes_nowhere),
		TEST(what_is_said_without_words_has_its_kind),
		TEST(what_says_nothing_is_no_message),
		TEST(clients_cannot_say_what_servers_alone_say),
		TEST(a_sender_of_sip_is_written_as_one_of_xmpp),
		TEST(a_link_hears_no_id_of_ours),
		TEST(an_address_too_long_for_a_record_is_a_matter_of_policy),
		TEST(a_short_message_is_a_chat_with_what_its_sender_asks_for),
		TEST(a_long_text_of_another_protocol_comes_whole),
		TEST(reports_of_others_name_the_message_by_the_id_of_its_sender),
		TEST(writing_and_what_has_no_text_of_others),
		TEST(a_text_of_many_blocks_comes_whole),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
