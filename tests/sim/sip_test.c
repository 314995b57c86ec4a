/* SIP through the whole dataplane: devices that a test drives by text, message centres and ESMEs of
 * the host. */
#include <openssl/evp.h>

#include "msg/text.h"

#include "sip_world.h"

static void a_message_of_a_sip_peer_reaches_the_message_centre(void **state)
{
	(void)state;
	send_message(ims, "sip:+46701234567@198.18.0.1;user=phone", "sip:+46721111111@ims.example",
		     "", "Hej, \xc3\xa5ngstr\xc3\xb6m");
	assert_status(next_of(ims), "202"); /* the centre has it, not yet the recipient */
	assert_int_equal(centre.count, 1);
	assert_string_equal(centre.from, "+46721111111");
	assert_string_equal(centre.to, "+46701234567");
	assert_string_equal(centre.text, "Hej, \xc3\xa5ngstr\xc3\xb6m");
}

static void a_request_sent_again_gets_the_same_answer_and_is_delivered_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		send_message(ims, "sip:+46701234567@198.18.0.1", "sip:+46721111111@ims.example", "",
			     "once");
		sequence--;
		assert_status(next_of(ims), "202");
	}
	sequence++;
	assert_int_equal(centre.count, 1);
}

static void a_message_for_a_sip_peer_is_sent_again_until_it_answers(void **state)
{
	const char *text;

	(void)state;
	esme_begin();
	submit("+46721234567", "Hello", 0);
	text = next_of(ims);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:+46721234567@198.18.0.2", 35);
	assert_string_equal(phone_body(text), "Hello");
	text = next_of(ims); /* after half a second */
	assert_non_null(text);
	assert_int_equal(esme_answers, 0);
	phone_answer(ims, text, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	sim_pass(&sim, 10 * US_PER_SECOND);
	assert_null(ims_take());
}

/* RFC 3261, 18.1.1 */
static void a_message_too_long_for_a_datagram_goes_over_a_stream_to_the_peer(void **state)
{
	struct phone *stream = phone_tcp_listen(&sim.host, 5070);
	char          long_text[1401];
	const char   *text;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	send_message(ims, "sip:+46721234567@198.18.0.1", "sip:+46721111111@ims.example", "",
		     long_text);
	do
		text = next_of(stream);
	while (text != NULL && strncmp(text, "OPTIONS", 7) == 0);
	assert_non_null(text);
	assert_non_null(strstr(phone_header(text, "Via"), "SIP/2.0/TCP"));
	assert_string_equal(phone_body(text), long_text);
	phone_answer(stream, text, "200 OK", "");
	assert_status(next_of(ims), "200");
}

static void what_waits_for_a_stream_that_does_not_come_is_refused(void **state)
{
	char long_text[1401];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	send_message(ims, "sip:+46721234567@198.18.0.1", "sip:+46721111111@ims.example", "",
		     long_text);
	assert_status(next_of(ims), "480");
}

static void a_refusal_of_a_sip_peer_is_told_in_the_words_of_smpp(void **state)
{
	(void)state;
	esme_begin();
	submit("+46721234567", "Hello", 0);
	phone_answer(ims, next_of(ims), "404 Not Found", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_not_equal(esme_answer.why, REASON_NONE);
}

/* What control has found by SRV, between versions. */
static void peer_found(uint16_t port)
{
	const struct world    *w = sim.dp.world.current;
	struct world_addresses a = {.n = 1};
	struct sim_delta       d = {.checksum = w->checksum};

	memcpy(a.items[0].w, (const uint8_t[]){198, 18, 0, 2}, 4);
	a.items[0].port = port;
	world_delta_begin(&d.delta, w->version, w->version);
	world_delta_addresses(&d.delta, "ims", &a);
	sim_delta_publish(&sim, &d);
}

static void a_sip_peer_by_name_is_sent_to_and_trusted_where_its_name_leads(void **state)
{
	const char *text;

	(void)state;
	peer_by_name();
	sim_pass(&sim, US_PER_SECOND);
	esme_begin();
	submit("+46721234567", "to nobody", 0);
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_not_equal(esme_answer.why, REASON_NONE);
	peer_found(5070);
	assert_true(sim_until(&sim, ims_answers_until_up, US_PER_SECOND));
	esme_answers = 0;
	submit("+46721234567", "Hello", 0);
	text = next_of(ims);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:+46721234567@ims.example", 36);
	phone_answer(ims, text, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	/* What the peer asserts is believed: its machine is known by the name's addresses. */
	send_message(ims, "sip:+46701234567@198.18.0.1;user=phone", "sip:anonymous@ims.example",
		     "P-Asserted-Identity: <tel:+46721111111>\r\n", "Hej");
	assert_status(next_of(ims), "202");
	assert_string_equal(centre.from, "+46721111111");
}

static void a_registered_phone_gets_what_is_for_its_address_and_its_number(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	const char   *text;

	(void)state;
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	text = next_of(alice);
	assert_status(text, "200");
	assert_non_null(strstr(phone_header(text, "Contact"), "sip:alice@198.18.0.2:6001"));
	send_message(ims, "sip:alice@example.org", "sip:+46721111111@ims.example", "",
		     "by address");
	text = next_of(alice);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:alice@198.18.0.2:6001 SIP/2.0", 41);
	assert_string_equal(phone_body(text), "by address");
	phone_answer(alice, text, "200 OK", "");
	assert_status(next_of(ims), "200");
	esme_begin();
	submit("+46731234567", "by number", 0);
	text = next_of(alice);
	assert_non_null(text);
	assert_string_equal(phone_body(text), "by number");
	phone_answer(alice, text, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(centre.count, 0);
}

static bool receipt_came(struct sim *s)
{
	(void)s;
	return receipt.count > 0;
}

static void a_phone_that_has_the_message_is_the_receipt(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	(void)state;
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	esme_begin();
	submit("+46731234567", "tell me", MSG_WANT_SUCCESS | MSG_WANT_FAILURE);
	phone_answer(alice, next_of(alice), "200 OK", "");
	assert_true(sim_until(&sim, receipt_came, US_PER_SECOND));
	assert_int_equal(receipt.count, 1);
	assert_int_equal(receipt.state, MSG_STATE_DELIVERED);
	assert_string_equal(receipt.from, "+46731234567");
	assert_string_equal(receipt.to, "+4611111");
}

/* The value of an element or of a header field inside a body; "" when there is none. */
static const char *word_after(const char *text, const char *start)
{
	static char room[256];
	const char *at = strstr(text, start);

	room[0] = '\0';
	if (at != NULL)
		sscanf(at + strlen(start), " %255[^<\r\n]", room);
	return room;
}

static void send_body(struct phone *p, const char *to, const char *type, const char *body)
{
	sequence++;
	phone_send(
		p,
		"MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKb%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:+46721234567@ims.example>;tag=f%u\r\nTo: <%s>\r\n"
		"Call-ID: body%u\r\nCSeq: 1 MESSAGE\r\nContent-Type: %s\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		to, p->port, sequence, sequence, to, sequence, type, strlen(body), body);
}

/* RFC 5438: a receipt that the message centre's user asked for. */
static void a_notification_of_a_sip_peer_is_a_receipt_of_smpp(void **state)
{
	char        imdn[1024], id[128];
	const char *text;

	(void)state;
	esme_begin();
	submit("+46721234567", "tell me", MSG_WANT_SUCCESS | MSG_WANT_FAILURE);
	text = next_of(ims);
	assert_non_null(text);
	assert_string_equal(phone_header(text, "Content-Type"), "message/cpim");
	assert_string_equal(word_after(text, "imdn.Disposition-Notification:"),
			    "positive-delivery, negative-delivery");
	snprintf(id, sizeof(id), "%s", word_after(text, "imdn.Message-ID:"));
	assert_int_not_equal(strlen(id), 0);
	phone_answer(ims, text, "202 Accepted", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	sim_pass(&sim, US_PER_SECOND);
	assert_int_equal(receipt.count, 0); /* nobody has said so yet */
	snprintf(imdn, sizeof(imdn),
		 "From: <sip:+46721234567@ims.example>\r\nTo: <sip:+4611111@example.org>\r\n"
		 "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: other\r\n\r\n"
		 "Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n"
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		 "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>%s</message-id>"
		 "<datetime>2026-11-27T12:00:00Z</datetime><delivery-notification><status>"
		 "<delivered/></status></delivery-notification></imdn>",
		 id);
	send_body(ims, "sip:+4611111@198.18.0.1", "message/cpim", imdn);
	text = next_of(ims);
	assert_non_null(text);
	assert_memory_equal(text, "SIP/2.0 20", 10);
	assert_true(sim_until(&sim, receipt_came, US_PER_SECOND));
	assert_int_equal(receipt.state, MSG_STATE_DELIVERED);
	assert_string_equal(receipt.to, "+4611111");
	send_body(ims, "sip:+4611111@198.18.0.1", "message/cpim", imdn);
	sim_pass(&sim, 10 * US_PER_SECOND); /* a second time it belongs to nothing */
	assert_int_equal(receipt.count, 1);
}

static void a_receipt_of_smpp_is_a_notification_for_a_sip_peer(void **state)
{
	const char *text;

	(void)state;
	send_body(ims, "sip:+46701234567@198.18.0.1", "message/cpim",
		  "From: <sip:+46721234567@ims.example>\r\nTo: <sip:+46701234567@example.org>\r\n"
		  "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n"
		  "imdn.Disposition-Notification: positive-delivery\r\n"
		  "DateTime: 2026-11-27T12:00:00Z\r\n\r\n"
		  "Content-Type: text/plain;charset=UTF-8\r\n\r\nis it there?");
	assert_status(next_of(ims), "202");
	assert_string_equal(centre.text, "is it there?");
	assert_true((centre.wants & MSG_WANT_SUCCESS) != 0);
	centre_sends_receipt("+46701234567", "+46721234567", "1");
	text = next_of(ims);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE ", 8);
	assert_string_equal(word_after(text, "<message-id>"), "34jk324j");
	assert_non_null(strstr(text, "<delivered/>"));
	phone_answer(ims, text, "200 OK", "");
	sim_pass(&sim, US_PER_SECOND);
	assert_null(ims_take());
}

/* OMA CPM, and RFC 5438, 7.2.1.3, where the sender knows no more than that. */
static void a_sender_that_asks_is_told_that_its_message_went_as_a_short_message(void **state)
{
	static const struct {
		const char *asks, *told;
	} cases[] = {
		{"interworking",
		 "<interworking-notification xmlns=\"urn:oma:xml:cpm:imdn-extensions:1.0\">"
		 "<status><legacy-sms/></status></interworking-notification>"},
		{"positive-delivery, interworking",
		 "<interworking-notification xmlns=\"urn:oma:xml:cpm:imdn-extensions:1.0\">"
		 "<status><legacy-sms/></status></interworking-notification>"},
		{"processing", "<processing-notification><status><processed/></status></"
			       "processing-notification>"},
		{"positive-delivery, negative-delivery", NULL},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char        body[1024], id[16];
		const char *text;

		snprintf(body, sizeof(body),
			 "From: <sip:+46721234567@ims.example>\r\nTo: "
			 "<sip:+46701234567@example.org>\r\n"
			 "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: asked%u\r\n"
			 "imdn.Disposition-Notification: %s\r\n"
			 "DateTime: 2026-11-27T12:00:00Z\r\n\r\n"
			 "Content-Type: text/plain;charset=UTF-8\r\n\r\nis it there?",
			 i, cases[i].asks);
		send_body(ims, "sip:+46701234567@198.18.0.1", "message/cpim", body);
		assert_status(next_of(ims), "202");
		assert_int_equal(centre.count, i + 1);
		text = next_of(ims);
		assert_int_equal(text != NULL, cases[i].told != NULL);
		if (text == NULL)
			continue;
		assert_memory_equal(text, "MESSAGE ", 8);
		snprintf(id, sizeof(id), "asked%u", i);
		assert_string_equal(word_after(text, "<message-id>"), id);
		assert_non_null(strstr(text, cases[i].told));
		assert_null(strstr(text, "Disposition-Notification"));
		phone_answer(ims, text, "200 OK", "");
	}
	/* And what was asked for beside it comes as ever. */
	centre_sends_receipt("+46701234567", "+46721234567", "2");
	assert_non_null(strstr(next_of(ims), "<delivered/>"));
}

/* RFC 5438, 7.2.1.1; the route outlives the message in the table of open receipts. */
static void a_notification_goes_the_way_that_its_message_recorded(void **state)
{
	const char *text;

	(void)state;
	send_body(ims, "sip:+46701234567@198.18.0.1", "message/cpim",
		  "From: <sip:+46721234567@ims.example>\r\nTo: <sip:+46701234567@example.org>\r\n"
		  "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n"
		  "imdn.Disposition-Notification: positive-delivery\r\n"
		  "imdn.IMDN-Record-Route: <sip:second.relay.ims.example>\r\n"
		  "imdn.IMDN-Record-Route: <sip:first.relay.ims.example>\r\n"
		  "DateTime: 2026-11-27T12:00:00Z\r\n\r\n"
		  "Content-Type: text/plain;charset=UTF-8\r\n\r\nis it there?");
	assert_status(next_of(ims), "202");
	centre_sends_receipt("+46701234567", "+46721234567", "1");
	text = next_of(ims);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:second.relay.ims.example SIP/2.0", 44);
	assert_non_null(strstr(text, "imdn.IMDN-Route: <sip:second.relay.ims.example>\r\n"
				     "imdn.IMDN-Route: <sip:first.relay.ims.example>\r\n"));
	assert_string_equal(word_after(text, "<message-id>"), "34jk324j");
	phone_answer(ims, text, "200 OK", "");
	sim_pass(&sim, US_PER_SECOND);
	assert_null(ims_take());
}

static void a_conversation_has_one_id_both_ways_and_each_message_its_own(void **state)
{
	char        conversation[3][64], contribution[3][64];
	const char *texts[] = {"one", "two", "three"};

	(void)state;
	esme_begin();
	for (unsigned i = 0; i < 3; i++) {
		const char *text;

		submit(i < 2 ? "+46721234567" : "+46727654321", texts[i], MSG_WANT_SUCCESS);
		text = next_of(ims);
		assert_non_null(text);
		snprintf(conversation[i], 64, "%s", phone_header(text, "Conversation-ID"));
		snprintf(contribution[i], 64, "%s", phone_header(text, "Contribution-ID"));
		assert_int_equal(strlen(conversation[i]), 32);
		phone_answer(ims, text, "202 Accepted", "");
	}
	assert_string_equal(conversation[0], conversation[1]);
	assert_string_not_equal(conversation[0], conversation[2]);
	assert_string_not_equal(contribution[0], contribution[1]);
}

static void who_is_not_registered_gets_a_short_message(void **state)
{
	(void)state;
	esme_begin();
	submit("+46731234567", "short", 0);
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_string_equal(centre.text, "short");
}

static void who_wants_short_messages_alone_gets_them_though_registered(void **state)
{
	struct phone *bob = phone_udp(&sim.host, 6002);

	(void)state;
	send_register(bob, "sip:bob@example.org", "sip:bob@198.18.0.2:6002", "");
	assert_status(next_of(bob), "200");
	esme_begin();
	submit("+46737654321", "short", 0);
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_string_equal(centre.text, "short");
	assert_null(phone_take(bob));
}

static void nobody_there_is_said_to_a_sender(void **state)
{
	(void)state;
	send_message(ims, "sip:carol@example.org", "sip:+46721111111@ims.example", "", "hello?");
	assert_status(next_of(ims), "404");
}

static void a_phone_over_tcp_is_reached_over_its_connection(void **state)
{
	struct phone *alice = phone_tcp(&sim.host);
	const char   *text;

	(void)state;
	sim_pass(&sim, 10000);
	assert_true(alice->open);
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:7777;transport=tcp",
		      "");
	assert_status(next_of(alice), "200");
	send_message(ims, "sip:alice@example.org", "sip:+46721111111@ims.example", "", "over TCP");
	text = next_of(alice);
	assert_non_null(text);
	assert_string_equal(phone_body(text), "over TCP");
	phone_answer(alice, text, "200 OK", "");
	assert_status(next_of(ims), "200");
	send_message(alice, "sip:+46701234567@example.org", "sip:+46731234567@example.org", "",
		     "back");
	assert_status(next_of(alice), "202");
	assert_string_equal(centre.from, "+46731234567");
	assert_string_equal(centre.text, "back");
}

static bool one_link(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == 1;
}

static void a_peer_that_is_trusted_no_more_is_told_no_identity(void **state)
{
	const char *text;

	(void)state;
	esme_begin();
	for (unsigned trusted = 2; trusted-- > 0;) {
		submit("+46721234567", "Hello", 0);
		text = next_of(ims);
		assert_non_null(text);
		assert_int_equal(strstr(text, "P-Asserted-Identity") != NULL, trusted);
		phone_answer(ims, text, "200 OK", "");
		if (trusted == 0)
			continue;
		sim_apply(&sim, "accounts:\n  - {name: esme1, password: secret1, window: 10}\n"
				"peers:\n"
				"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, "
				"password: pw}\n"
				"  - {name: ims, protocol: sip, host: 198.18.0.2, port: 5070, "
				"transport: udp}\n"
				"routes:\n  - {to: \"+4672\", via: [ims]}\n");
		assert_true(sim_until(&sim, one_link, US_PER_SECOND));
		assert_true(sim_until(&sim, ims_answers_until_up, 5 * US_PER_SECOND));
	}
}

static void a_stream_may_have_many_requests_open(void **state)
{
	struct phone *gateway = phone_tcp(&sim.host);
	const char   *texts[20];

	(void)state;
	sim_pass(&sim, 10000);
	for (unsigned i = 0; i < 20; i++)
		send_message(gateway, "sip:+46721234567@198.18.0.1", "sip:+46701@ims.example", "",
			     "one of many");
	for (unsigned i = 0; i < 20; i++) {
		texts[i] = next_of(ims);
		assert_non_null(texts[i]);
	}
	assert_null(phone_take(gateway));
	for (unsigned i = 0; i < 20; i++)
		phone_answer(ims, texts[i], "200 OK", "");
	for (unsigned i = 0; i < 20; i++)
		assert_status(next_of(gateway), "200");
}

static void hex_digest(const char *text, char room[33])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned      n;

	EVP_Digest(text, strlen(text), digest, &n, EVP_md5(), NULL);
	for (unsigned i = 0; i < n; i++)
		snprintf(room + 2 * i, 3, "%02x", digest[i]);
}

/* The Authorization line for a challenge, as a device computes it (RFC 7616, 3.4, MD5). */
static void authorize(char *room, size_t size, const char *challenge, const char *method,
		      const char *uri, const char *password)
{
	char        nonce[256] = "", ha1[33], ha2[33], response[33], text[1024];
	const char *at = strstr(challenge, "nonce=\"");

	assert_non_null(at);
	sscanf(at, "nonce=\"%255[^\"]", nonce);
	snprintf(text, sizeof(text), "alice:example.org:%s", password);
	hex_digest(text, ha1);
	snprintf(text, sizeof(text), "%s:%s", method, uri);
	hex_digest(text, ha2);
	snprintf(text, sizeof(text), "%s:%s:00000001:c0ffee:auth:%s", ha1, nonce, ha2);
	hex_digest(text, response);
	snprintf(room, size,
		 "Authorization: Digest username=\"alice\", realm=\"example.org\", nonce=\"%s\", "
		 "uri=\"%s\", response=\"%s\", algorithm=MD5, qop=auth, nc=00000001, "
		 "cnonce=\"c0ffee\"\r\n",
		 nonce, uri, response);
}

/* The challenge for MD5 among those of a response. */
static const char *md5_challenge(const char *text)
{
	for (const char *line = strstr(text, "WWW-Authenticate:"); line != NULL;
	     line = strstr(line + 1, "WWW-Authenticate:")) {
		const char *md5 = strstr(line, "MD5");

		if (md5 != NULL && md5 < strstr(line, "\r\n"))
			return line;
	}
	return "";
}

static void only_who_knows_the_password_registers(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	char          line[1024];
	const char   *text;

	(void)state;
	for (unsigned right = 0; right < 2; right++) {
		send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
		text = next_of(alice);
		assert_status(text, "401");
		authorize(line, sizeof(line), md5_challenge(text), "REGISTER", "sip:example.org",
			  right ? "secret" : "wrong");
		send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", line);
		text = next_of(alice);
		if (right)
			assert_status(text, "200");
		else
			assert_int_not_equal(strncmp(text, "SIP/2.0 200", 11), 0);
	}
	assert_int_equal(directory_addresses(sim.dp.directory), 1);
}

static void a_subscriber_is_known_by_its_number_where_numbers_are_known(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	char          line[1024];
	const char   *text;

	(void)state;
	/* From the peer's machine, whose word is taken: not without proof, so the peer goes. */
	sim_apply(&sim,
		  "peers:\n"
		  "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw}\n"
		  "routes:\n  - {to: \"+4670\", via: [smsc1]}\n"
		  "subscribers:\n  - {address: \"+46731234567\", sip: \"sip:alice@example.org\", "
		  "password: secret}\n");
	sim_pass(&sim, US_PER_SECOND);
	send_message(alice, "sip:+46701234567@example.org", "sip:alice@example.org", "", "mine");
	text = next_of(alice);
	assert_status(text, "401");
	authorize(line, sizeof(line), md5_challenge(text), "MESSAGE",
		  "sip:+46701234567@example.org", "secret");
	send_message(alice, "sip:+46701234567@example.org", "sip:alice@example.org", line, "mine");
	assert_status(next_of(alice), "202");
	assert_string_equal(centre.from, "+46731234567");
	assert_string_equal(centre.text, "mine");
}

static void a_stranger_sends_nothing(void **state)
{
	struct phone *mallory = phone_udp(&sim.host, 6666);

	(void)state;
	/* The same machine as the peer ims, but not its port: in this listener's eyes it is the
	 * peer all the same, for a stream of it comes from any port. So it comes from nowhere
	 * known: the peer is removed first. */
	sim_apply(&sim, "accounts:\n  - {name: esme1, password: secret1}\n"
			"routes:\n  - {to: \"+4670\", via: [esme1]}\n");
	sim_pass(&sim, 10000);
	send_message(mallory, "sip:+46701234567@example.org", "sip:alice@example.org", "", "spoof");
	assert_status(next_of(mallory), "401");
	assert_int_equal(centre.count, 0);
}

/* An edge proxy registers a phone, by a name that control has found for a peer. */
static void a_phone_behind_a_peer_is_reached_by_the_name_in_its_path(void **state)
{
	struct phone *edge = phone_udp(&sim.host, 6001);
	const char   *text;

	(void)state;
	peer_by_name();
	sim_pass(&sim, US_PER_SECOND);
	peer_found(5070);
	assert_true(sim_until(&sim, ims_answers_until_up, US_PER_SECOND));
	send_register(ims, "sip:alice@example.org", "sip:alice@10.0.0.1",
		      "Path: <sip:else.example;lr>\r\n");
	assert_status(next_of(ims), "400");
	send_register(ims, "sip:alice@example.org", "sip:alice@10.0.0.1",
		      "Path: <sip:ims.example:6001;lr>\r\n");
	assert_status(next_of(ims), "200");
	send_message(ims, "sip:alice@example.org", "sip:+46721111111@ims.example", "", "hej");
	text = next_of(edge);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:alice@10.0.0.1", 26);
	assert_string_equal(phone_header(text, "Route"), "<sip:ims.example:6001;lr>");
	phone_answer(edge, text, "200 OK", "");
	assert_status(next_of(ims), "200");
}

/* RFC 3608 */
static void what_comes_by_the_way_that_a_registration_was_told_is_taken(void **state)
{
	struct phone *alice = phone_tcp(&sim.host);
	const char   *answer;
	char          route[128];

	(void)state;
	sim_pass(&sim, 10000);
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	answer = next_of(alice);
	assert_status(answer, "200");
	snprintf(route, sizeof(route), "Route: %s\r\n", phone_header(answer, "Service-Route"));
	assert_string_equal(route, "Route: <sip:198.18.0.1;lr>\r\n");
	send_message(alice, "tel:+46701234567", "sip:alice@example.org", route, "hej");
	assert_status(next_of(alice), "202");
	assert_string_equal(centre.to, "+46701234567");
	assert_string_equal(centre.text, "hej");
}

static void two_workers_reach_a_phone_that_registered_with_either(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	(void)state;
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	for (unsigned i = 0; i < 20; i++) { /* Call-IDs of both */
		const char *text;

		send_message(ims, "sip:alice@example.org", "sip:+46721111111@ims.example", "",
			     "hi");
		text = next_of(alice);
		assert_non_null(text);
		phone_answer(alice, text, "200 OK", "");
		assert_status(next_of(ims), "200");
	}
}

int main(void)
{
#define OPEN(f) cmocka_unit_test_setup_teardown(f, world_open, world_end)
#define CLOSED(f) cmocka_unit_test_setup_teardown(f, world_closed, world_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_of_two, world_end)
	const struct CMUnitTest tests[] = {
		OPEN(a_message_of_a_sip_peer_reaches_the_message_centre),
		OPEN(a_request_sent_again_gets_the_same_answer_and_is_delivered_once),
		OPEN(a_message_for_a_sip_peer_is_sent_again_until_it_answers),
		OPEN(a_message_too_long_for_a_datagram_goes_over_a_stream_to_the_peer),
		OPEN(what_waits_for_a_stream_that_does_not_come_is_refused),
		OPEN(a_refusal_of_a_sip_peer_is_told_in_the_words_of_smpp),
		OPEN(a_sip_peer_by_name_is_sent_to_and_trusted_where_its_name_leads),
		OPEN(a_registered_phone_gets_what_is_for_its_address_and_its_number),
		OPEN(a_phone_that_has_the_message_is_the_receipt),
		OPEN(a_notification_of_a_sip_peer_is_a_receipt_of_smpp),
		OPEN(a_receipt_of_smpp_is_a_notification_for_a_sip_peer),
		OPEN(a_sender_that_asks_is_told_that_its_message_went_as_a_short_message),
		OPEN(a_notification_goes_the_way_that_its_message_recorded),
		OPEN(a_conversation_has_one_id_both_ways_and_each_message_its_own),
		OPEN(who_is_not_registered_gets_a_short_message),
		OPEN(who_wants_short_messages_alone_gets_them_though_registered),
		OPEN(nobody_there_is_said_to_a_sender),
		OPEN(a_phone_over_tcp_is_reached_over_its_connection),
		OPEN(a_peer_that_is_trusted_no_more_is_told_no_identity),
		OPEN(a_stream_may_have_many_requests_open),
		OPEN(a_phone_behind_a_peer_is_reached_by_the_name_in_its_path),
		OPEN(what_comes_by_the_way_that_a_registration_was_told_is_taken),
		CLOSED(only_who_knows_the_password_registers),
		CLOSED(a_subscriber_is_known_by_its_number_where_numbers_are_known),
		CLOSED(a_stranger_sends_nothing),
		TWO(two_workers_reach_a_phone_that_registered_with_either),
	};

	sim_eal();
	return cmocka_run_group_tests_name("sip", tests, NULL, NULL);
}