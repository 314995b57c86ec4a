/* Files and places that a device of CPM sends, and what they are to who does not understand their
 * bodies: a link, as a short message and to a chat client. */
#include "chat.h"

#define FT "application/vnd.gsma.rcs-ft-http+xml"
#define PLACE "application/vnd.gsma.rcspushlocation+xml"

static const char file[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	"<file xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:fthttp\">\r\n"
	"<file-info type=\"thumbnail\"><file-size>6208</file-size><content-type>image/jpeg"
	"</content-type><data url=\"https://ft.example/thumb?id=1\" "
	"until=\"2026-12-01T10:00:00Z\"/>"
	"</file-info>\r\n"
	"<file-info type=\"file\"><file-size>183524</file-size><file-name>DSC1.JPG</file-name>"
	"<content-type>image/jpeg</content-type><data url=\"https://ft.example/get?id=1&amp;s=2\" "
	"until=\"2026-12-01T10:00:00Z\"/></file-info>\r\n</file>\r\n";
static const char place[] =
	"<rcsenvelope xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:geolocation\"><rcspushlocation "
	"id=\"a\" label=\"Here\"><pos>59.32 18.06</pos></rcspushlocation></rcsenvelope>";

static void send_body(struct phone *p, const char *to, const char *type, const char *body)
{
	char head[1024];

	sequence++;
	snprintf(head, sizeof(head),
		 "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKf%u\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=f%u\r\nTo: <%s>\r\n"
		 "Call-ID: file%u\r\nCSeq: %u MESSAGE\r\nContent-Type: %s\r\n",
		 to, p->port, sequence, sequence, to, sequence, sequence, type);
	phone_send_body(p, head, body, strlen(body));
}

static struct phone *alice_comes(void)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	return alice;
}

static void a_file_is_a_link_as_a_short_message(void **state)
{
	struct phone *alice = alice_comes();

	(void)state;
	send_body(alice, "sip:+46701234567@example.org", FT, file);
	assert_status(next_of(alice), "202");
	assert_int_equal(centre.count, 1);
	assert_string_equal(centre.text, "DSC1.JPG https://ft.example/get?id=1&s=2");
	send_body(alice, "sip:+46701234567@example.org", PLACE, place);
	assert_status(next_of(alice), "202");
	assert_string_equal(centre.text, "Here geo:59.32,18.06");
}

static void a_wrapped_file_is_the_same_link(void **state)
{
	struct phone *alice = alice_comes();
	char          cpim[2048];

	(void)state;
	snprintf(cpim, sizeof(cpim),
		 "From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>"
		 "\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m1\r\n"
		 "imdn.Disposition-Notification: positive-delivery\r\n"
		 "DateTime: 2026-11-28T10:00:00Z\r\n\r\nContent-Type: " FT "\r\n\r\n%s",
		 file);
	send_body(alice, "sip:+46701234567@example.org", "message/cpim", cpim);
	assert_status(next_of(alice), "202");
	assert_string_equal(centre.text, "DSC1.JPG https://ft.example/get?id=1&s=2");
	assert_true(centre.wants & MSG_WANT_SUCCESS);
}

static void a_chat_client_gets_a_file_to_fetch_and_a_place_to_read(void **state)
{
	struct phone *alice = alice_comes(), *carol = chat_client(CAROL, "desk");

	(void)state;
	send_body(alice, "sip:carol@example.org", FT, file);
	chat_expects(carol,
		     "<body>https://ft.example/get?id=1&amp;s=2</body><x xmlns=\"jabber:x:oob\">"
		     "<url>https://ft.example/get?id=1&amp;s=2</url><desc>DSC1.JPG</desc></x>");
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
	send_body(alice, "sip:carol@example.org", PLACE, place);
	chat_expects(carol, "<body>Here geo:59.32,18.06</body>");
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
}

static void a_link_of_a_chat_client_is_a_text_for_a_device(void **state)
{
	struct phone *alice = alice_comes(), *carol = chat_client(CAROL, "desk");
	const char   *text;

	(void)state;
	phone_send(carol, "<message to='alice@example.org' id='l' type='chat'><body>look</body><x "
			  "xmlns='jabber:x:oob'><url>https://up.example/1.png</url></x></message>");
	text = next_of(alice);
	assert_non_null(text);
	assert_string_equal(phone_body(text), "look\nhttps://up.example/1.png");
	phone_answer(alice, text, "200 OK", "");
}

static void a_device_gets_a_file_and_a_place_as_they_came(void **state)
{
	static const char *const bodies[][2] = {{FT, file}, {PLACE, place}, {FT, "<file/>"}};
	struct phone            *alice = alice_comes(), *dave = phone_udp(&sim.host, 6002);

	(void)state;
	send_register(dave, "sip:dave@example.org", "sip:dave@198.18.0.2:6002", "");
	assert_status(next_of(dave), "200");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const char *text;

		send_body(alice, "sip:dave@example.org", bodies[i][0], bodies[i][1]);
		text = next_of(dave);
		assert_non_null(text);
		assert_string_equal(phone_header(text, "Content-Type"), bodies[i][0]);
		assert_string_equal(phone_body(text), bodies[i][1]);
		phone_answer(dave, text, "200 OK", "");
		assert_status(next_of(alice), "200");
	}
}

/* Nothing that can be told: not http, and a body that is for devices alone. */
static void what_no_text_stands_for_is_refused(void **state)
{
	static const char ftp[] =
		"<file><file-info type=\"file\"><data url=\"ftp://ft.example/1\"/>"
		"</file-info></file>";
	struct phone *alice = alice_comes();

	(void)state;
	send_body(alice, "sip:+46701234567@example.org", FT, ftp);
	assert_status(next_of(alice), "415");
	send_body(alice, "sip:+46701234567@example.org",
		  "application/vnd.gsma.botmessage.v1.0+json", "{}");
	assert_status(next_of(alice), "415");
	assert_int_equal(centre.count, 0);
}

static void a_rule_knows_a_file_and_reads_its_link(void **state)
{
	struct phone *alice = alice_comes();

	(void)state;
	sim_apply(&sim,
		  "peers:\n"
		  "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw}\n"
		  "routes:\n  - {to: \"+4670\", via: [smsc1]}\n"
		  "rules:\n"
		  "  - {name: bad, when: {text: 'ft\\.example/get'}, then: {reject: spam}}\n"
		  "  - {name: places, when: {content: location}, then: {reject: forbidden}}\n"
		  "subscribers:\n  - {address: \"+46731234567\", sip: \"sip:alice@example.org\", "
		  "password: secret}\n");
	send_body(alice, "sip:+46701234567@example.org", FT, file);
	assert_status(next_of(alice), "403");
	send_body(alice, "sip:+46701234567@example.org", PLACE, place);
	assert_status(next_of(alice), "403");
	assert_int_equal(centre.count, 0);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_SPAM), 1);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_FORBIDDEN), 1);
}

int main(void)
{
#define OPEN(f) cmocka_unit_test_setup_teardown(f, world_open, world_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_of_two, world_end)
	const struct CMUnitTest tests[] = {
		OPEN(a_file_is_a_link_as_a_short_message),
		OPEN(a_wrapped_file_is_the_same_link),
		OPEN(a_chat_client_gets_a_file_to_fetch_and_a_place_to_read),
		TWO(a_chat_client_gets_a_file_to_fetch_and_a_place_to_read),
		OPEN(a_link_of_a_chat_client_is_a_text_for_a_device),
		OPEN(a_device_gets_a_file_and_a_place_as_they_came),
		TWO(a_device_gets_a_file_and_a_place_as_they_came),
		OPEN(what_no_text_stands_for_is_refused),
		OPEN(a_rule_knows_a_file_and_reads_its_link),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
