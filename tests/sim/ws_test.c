/* SIP over WebSocket (RFC 7118) through the whole dataplane: a device as browsers are, whose host
 * is a name that leads nowhere, is reached over its connection alone; and XMPP (RFC 7395). */
#include "test.h"

#include "chat.h"

#define FIN_TEXT 0x81u
#define FIN_CLOSE 0x88u
#define FIN_PING 0x89u
#define CLOSE 0x8u
#define PONG 0xau
#define CROWD 6u

static struct phone *alice, *bob;
static uint64_t      sessions; /* beside those of the test */

static bool alice_is_open(struct sim *s)
{
	(void)s;
	return alice->open;
}

static bool alice_is_shut(struct sim *s)
{
	(void)s;
	return !alice->open;
}

static bool bob_is_open(struct sim *s)
{
	(void)s;
	return bob->open;
}

static bool centre_has_it(struct sim *s)
{
	(void)s;
	return centre.count > 0;
}

static bool nobody_is_registered(struct sim *s)
{
	return directory_bindings(s->dp.directory) == 0;
}

static void alice_opens(void)
{
	alice = phone_ws(&sim.host, NULL);
	assert_true(sim_until(&sim, alice_is_open, US_PER_SECOND));
}

static void registers(struct phone *p, const char *name, unsigned expires)
{
	const char *text;
	char        contact[80];

	sequence++;
	snprintf(contact, sizeof(contact), "<sip:%s@df7jal23ls0d.invalid;transport=ws>", name);
	phone_send(p,
		   "REGISTER sip:example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKasudf%u\r\n"
		   "From: <sip:%s@example.org>;tag=65bnmj.34asd\r\nTo: <sip:%s@example.org>\r\n"
		   "Call-ID: aiuy7k9njasd%s\r\nCSeq: %u REGISTER\r\nMax-Forwards: 70\r\n"
		   "Supported: path, outbound\r\nContact: %s;reg-id=1;"
		   "+sip.instance=\"<urn:uuid:f81-7dec-14a06cf1%s>\";expires=%u\r\n\r\n",
		   sequence, name, name, name, sequence, contact, name, expires);
	text = next_of(p);
	assert_status(text, "200");
	assert_string_equal(phone_header(text, "Require"), "outbound");
	if (expires > 0)
		assert_memory_equal(phone_header(text, "Contact"), contact, strlen(contact));
}

static void a_browser_and_a_short_message_centre_talk(void **state)
{
	const char *text;

	(void)state;
	alice_opens();
	registers(alice, "alice", 600);
	submit_ucs2("+46731234567", "h\xc3\xa4r");
	text = next_of(alice);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:alice@df7jal23ls0d.invalid;transport=ws SIP/2.0\r\n",
			    61);
	assert_memory_equal(phone_header(text, "Via"), "SIP/2.0/WS 198.18.0.1:5080;branch=", 34);
	assert_string_equal(phone_body(text), "h\xc3\xa4r");
	assert_int_equal(alice->ws_binary, 0);
	phone_answer(alice, text, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	send_message(alice, "sip:+46701234567@example.org", "sip:alice@example.org", "",
		     "hall\xc3\xa5");
	assert_status(next_of(alice), "202");
	assert_true(sim_until(&sim, centre_has_it, US_PER_SECOND));
	assert_string_equal(centre.text, "hall\xc3\xa5");
	assert_int_equal(sim_metric(&sim, METRIC_websockets_opened), 1);
	assert_int_equal(sim_metric(&sim, METRIC_websocket_messages_in), 3);
	assert_int_equal(sim_metric(&sim, METRIC_websocket_messages_out), 3);
}

/* Each has a worker of its own by chance; all of them write to all. */
static void devices_of_all_workers_reach_each_other(void **state)
{
	struct phone *phones[CROWD] = {0};
	uint64_t      hops;

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		char name[16];

		snprintf(name, sizeof(name), "user%u", i);
		alice_opens();
		phones[i] = alice;
		registers(alice, name, 600);
	}
	hops = sim_metric(&sim, METRIC_hops_out);
	for (unsigned i = 0; i < CROWD * CROWD; i++) {
		struct phone *from = phones[i / CROWD], *to = phones[i % CROWD];
		char          uri[32], own[32];
		const char   *text;

		snprintf(uri, sizeof(uri), "sip:user%u@example.org", i % CROWD);
		snprintf(own, sizeof(own), "sip:user%u@example.org", i / CROWD);
		send_message(from, uri, own, "", "hello");
		text = next_of(to);
		assert_non_null(text);
		assert_memory_equal(text, "MESSAGE sip:user", 16);
		assert_string_equal(phone_body(text), "hello");
		phone_answer(to, text, "200 OK", "");
		assert_status(next_of(from), "200");
	}
	assert_in_range(sim_metric(&sim, METRIC_hops_out) - hops, 1, CROWD * CROWD - 1);
}

static void fragments_pings_and_keepalives_are_served(void **state)
{
	static const char message[] =
		"MESSAGE sip:+46701234567@example.org SIP/2.0\r\n"
		"Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKfrag\r\nMax-Forwards: 70\r\n"
		"From: <sip:alice@example.org>;tag=f\r\nTo: <sip:+46701234567@example.org>\r\n"
		"Call-ID: frag\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n\r\nwithout a "
		"length";

	(void)state;
	alice_opens();
	phone_ws_frame(alice, 0x01, message, 100);
	phone_ws_frame(alice, FIN_PING, "are you there", 13);
	sim_pass(&sim, 10000);
	assert_int_equal(alice->ws_opcode, PONG);
	assert_string_equal(alice->ws_control, "are you there");
	phone_ws_frame(alice, 0x00, message + 100, 50);
	phone_ws_frame(alice, 0x80, message + 150, sizeof(message) - 1 - 150);
	assert_status(next_of(alice), "202");
	assert_true(sim_until(&sim, centre_has_it, US_PER_SECOND));
	assert_string_equal(centre.text, "without a length");
	alice->ws_piece = 7;
	send_message(alice, "sip:+46701234567@example.org", "sip:alice@example.org", "", "again");
	assert_status(next_of(alice), "202");
	alice->ws_piece = 0;
	phone_send(alice, "\r\n\r\n"); /* RFC 5626, 4.4.1 */
	assert_string_equal(next_of(alice), "\r\n");
	assert_int_equal(sim_metric(&sim, METRIC_websocket_pings_in), 1);
	assert_true(alice->open);
}

/* Its framing is not lost: RFC 7118, 5. */
static void a_message_that_is_no_sip_ends_nothing(void **state)
{
	(void)state;
	alice_opens();
	phone_send(alice, "what is this\r\n\r\n");
	phone_ws_frame(alice, FIN_TEXT, "", 0);
	phone_send(alice, "MESSAGE sip:x@example.org SIP/2.0\r\nVia: SIP/2.0/WS a.invalid");
	sim_pass(&sim, 100000);
	assert_null(phone_take(alice));
	assert_int_equal(sim_metric(&sim, METRIC_sip_malformed_dropped), 2);
	registers(alice, "alice", 600);
}

static void a_browser_that_leaves_is_registered_no_more(void **state)
{
	(void)state;
	alice_opens();
	registers(alice, "alice", 600);
	phone_ws_frame(alice, FIN_CLOSE, "\x03\xe9", 2); /* going away */
	assert_true(sim_until(&sim, nobody_is_registered, US_PER_SECOND));
	assert_true(sim_until(&sim, alice_is_shut, US_PER_SECOND));
	assert_int_equal(alice->ws_opcode, CLOSE);
	assert_memory_equal(alice->ws_control, "\x03\xe9", 3);
	alice_opens();
	registers(alice, "alice", 600);
	phone_reset(alice);
	assert_true(sim_until(&sim, nobody_is_registered, US_PER_SECOND));
	alice_opens();
	registers(alice, "alice", 600);
	registers(alice, "alice", 0);
	assert_true(nobody_is_registered(&sim));
}

static void who_breaks_the_framing_is_told_and_closed(void **state)
{
	static const struct {
		const char *bytes;
		size_t      n;
		unsigned    code;
		enum reason why;
	} cases[] = {
		{"\x81\x05Hello", 7, 1002, REASON_WS_UNMASKED},
		{"\xc1\x80\0\0\0\0", 6, 1002, REASON_WS_FRAME},
		{"\x81\x81\0\0\0\0\xff", 7, 1007, REASON_WS_TEXT},
		{"\x82\xff\0\0\0\0\0\x01\0\x01", 10, 1009, REASON_WS_SIZE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned refused = METRIC_REFUSED + cases[i].why;
		uint64_t before = sim_metric(&sim, refused);

		alice_opens();
		phone_bytes(alice, cases[i].bytes, cases[i].n);
		assert_true(sim_until(&sim, alice_is_shut, US_PER_SECOND));
		assert_int_equal(alice->ws_opcode, CLOSE);
		assert_int_equal((uint8_t)alice->ws_control[0] << 8 | (uint8_t)alice->ws_control[1],
				 cases[i].code);
		assert_string_equal(alice->ws_control + 2, reason_text(cases[i].why));
		assert_int_equal(sim_metric(&sim, refused), before + 1);
	}
	sim_pass(&sim, 100000);
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), sessions);
}

static void who_asks_for_something_else_is_told_why(void **state)
{
	(void)state;
	alice = phone_ws(&sim.host, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	sim_pass(&sim, 100000);
	assert_false(alice->open);
	assert_memory_equal(alice->ws_answer, "HTTP/1.1 426 Upgrade Required\r\n", 31);
	assert_non_null(strstr(alice->ws_answer, reason_text(REASON_WS_UPGRADE)));
	assert_int_equal(sim_metric(&sim, METRIC_websockets_refused), 1);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_WS_UPGRADE), 1);
}

static void a_handshake_that_takes_too_long_is_ended(void **state)
{
	(void)state;
	bob = phone_ws(&sim.host, "GET /");
	sim_pass(&sim, 4 * US_PER_SECOND);
	phone_bytes(bob, "ws", 2);
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), sessions + 1);
	sim_pass(&sim, 2 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), sessions);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_BIND_TIMEOUT), 1);
	bob = phone_ws(&sim.host, NULL);
	assert_true(sim_until(&sim, bob_is_open, US_PER_SECOND));
	sim_pass(&sim, 6 * US_PER_SECOND); /* nor is anything sent in it */
	assert_false(bob->open);
	assert_int_equal(bob->ws_opcode, CLOSE);
	assert_memory_equal(bob->ws_control, "\x03\xf0", 2);
}

/* ---- XMPP ---- */

#define FRAMING "xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\""

static const char *hears(const char *start)
{
	const char *text = next_of(alice);

	assert_non_null(text);
	if (strncmp(text, start, strlen(start)) != 0)
		print_error("%s\n", text);
	assert_memory_equal(text, start, strlen(start));
	return text;
}

static void stream_opens(void)
{
	phone_send(alice, "<open " FRAMING " to=\"example.org\" version=\"1.0\"/>");
	assert_non_null(strstr(hears("<open " FRAMING " id=\""), " from=\"example.org\""));
	hears("<stream:features xmlns:stream=\"http://etherx.jabber.org/streams\">");
}

static void alice_logs_in(void)
{
	chat_without_control();
	alice = phone_ws_chat(&sim.host);
	assert_true(sim_until(&sim, alice_is_open, US_PER_SECOND));
	stream_opens();
	phone_send(alice,
		   "<auth xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\" mechanism=\"PLAIN\">" ALICE
		   "</auth>");
	hears("<success xmlns=");
	stream_opens();
	phone_send(
		alice,
		"<iq xmlns=\"jabber:client\" type=\"set\" id=\"b\">"
		"<bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"><resource>web</resource></bind>"
		"</iq>");
	hears("<iq xmlns=\"jabber:client\" type=\"result\"");
	phone_send(alice, "<presence xmlns=\"jabber:client\"/>");
	hears("<presence xmlns=\"jabber:client\"");
}

static void a_chat_client_in_a_browser_talks(void **state)
{
	const char *text;

	(void)state;
	alice_logs_in();
	submit_ucs2("+46731234567", "h\xc3\xa4r & nu");
	do
		text = next_of(alice);
	while (text != NULL && strncmp(text, "<message xmlns=\"jabber:client\" ", 31) != 0);
	assert_non_null(text);
	assert_non_null(strstr(text, "<body>h\xc3\xa4r &amp; nu</body>"));
	phone_send(alice, "<message xmlns=\"jabber:client\" to=\"+46701234567@example.org\" "
			  "type=\"chat\"><body>hall\xc3\xa5</body></message>");
	assert_true(sim_until(&sim, centre_has_it, US_PER_SECOND));
	assert_string_equal(centre.text, "hall\xc3\xa5");
	phone_send(alice, "<close " FRAMING "/>");
	do
		text = next_of(alice);
	while (text != NULL && strncmp(text, "<close ", 7) != 0);
	assert_string_equal(text, "<close " FRAMING "/>");
	assert_true(sim_until(&sim, alice_is_shut, US_PER_SECOND));
	assert_int_equal(alice->ws_opcode, CLOSE);
	assert_true(sim_until(&sim, nobody_is_registered, US_PER_SECOND));
}

static void a_message_that_is_no_item_ends_the_stream(void **state)
{
	static const char *const wrong[] = {"<open xmlns=\"jabber:client\" to=\"example.org\"/>",
					    "<open " FRAMING " to=\"example.org\" version=\"1.0\">",
					    "<message xmlns=\"jabber:client\"/>",
					    "<stream:stream version=\"1.0\">", "text"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		alice = phone_ws_chat(&sim.host);
		assert_true(sim_until(&sim, alice_is_open, US_PER_SECOND));
		phone_send(alice, "%s", wrong[i]);
		hears("<open " FRAMING);
		hears("<stream:error xmlns:stream=\"http://etherx.jabber.org/streams\">");
		hears("<close " FRAMING "/>");
		assert_true(sim_until(&sim, alice_is_shut, US_PER_SECOND));
	}
	alice_logs_in();
	phone_send(alice, "<message xmlns=\"jabber:client\" to=\"bob@example.org\"><body>");
	hears("<stream:error ");
	assert_true(sim_until(&sim, alice_is_shut, US_PER_SECOND));
}

static int begin(void **state)
{
	world_open(state);
	esme_begin();
	sessions = sim_metric(&sim, METRIC_sessions_open);
	return 0;
}

int main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, begin, world_end)
	const struct CMUnitTest tests[] = {
		ONE(a_browser_and_a_short_message_centre_talk),
		cmocka_unit_test_setup_teardown(devices_of_all_workers_reach_each_other,
						world_of_two, world_end),
		ONE(fragments_pings_and_keepalives_are_served),
		ONE(a_message_that_is_no_sip_ends_nothing),
		ONE(a_browser_that_leaves_is_registered_no_more),
		ONE(who_breaks_the_framing_is_told_and_closed),
		ONE(who_asks_for_something_else_is_told_why),
		ONE(a_handshake_that_takes_too_long_is_ended),
		ONE(a_chat_client_in_a_browser_talks),
		ONE(a_message_that_is_no_item_ends_the_stream),
	};

	sim_eal();
	return cmocka_run_group_tests_name("ws", tests, NULL, NULL);
}
