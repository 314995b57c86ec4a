/* Read reports that come after the receipt of delivery, through the whole dataplane: each finds the
 * message, and reaches its sender in the sender's form. */
#include "test.h"

#include "smpp/pdu.h"

#include "chat.h"

#define NL "\r\n"

static struct phone *device(const char *address, uint16_t port)
{
	struct phone *p = phone_udp(&sim.host, port);

	sequence++;
	phone_send(p,
		   "REGISTER sip:example.org SIP/2.0" NL
		   "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKr%u" NL "Max-Forwards: 70" NL
		   "From: <%s>;tag=f%u" NL "To: <%s>" NL "Call-ID: reg%u" NL "CSeq: 1 REGISTER" NL
		   "Contact: <sip:device@198.18.0.2:%u>;+g.3gpp.icsi-ref="
		   "\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.msg\"" NL
		   "Content-Length: 0" NL NL,
		   port, sequence, address, sequence, address, sequence, port);
	assert_status(next_of(p), "200");
	return p;
}

static void send_cpim(struct phone *p, const char *from, const char *to, const char *headers,
		      const char *content)
{
	char cpim[2048];

	snprintf(cpim, sizeof(cpim),
		 "From: <%s>" NL "To: <%s>" NL "NS: imdn <urn:ietf:params:imdn>" NL
		 "DateTime: 2026-11-27T12:00:00Z" NL "%s" NL "%s",
		 from, to, headers, content);
	sequence++;
	phone_send(p,
		   "MESSAGE %s SIP/2.0" NL
		   "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKq%u" NL "Max-Forwards: 70" NL
		   "From: <%s>;tag=f%u" NL "To: <%s>" NL "Call-ID: q%u" NL "CSeq: 1 MESSAGE" NL
		   "Content-Type: message/cpim" NL "Content-Length: %zu" NL NL "%s",
		   to, p->port, sequence, from, sequence, to, sequence, strlen(cpim), cpim);
}

enum report { DELIVERED, DISPLAYED };

static const char *const kinds[] = {"delivery", "display"}, *const statuses[] = {"delivered",
										 "displayed"};

static void send_imdn(struct phone *p, const char *from, const char *to, const char *id,
		      enum report report)
{
	char content[1024];

	snprintf(content, sizeof(content),
		 "Content-Type: message/imdn+xml" NL "Content-Disposition: notification" NL NL
		 "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>%s</message-id>"
		 "<datetime>2026-11-27T12:00:00Z</datetime><%s-notification><status><%s/>"
		 "</status></%s-notification></imdn>",
		 id, kinds[report], statuses[report], kinds[report]);
	send_cpim(p, from, to, "imdn.Message-ID: report" NL, content);
}

/* The value of a CPIM header field; a copy that holds until the next call. */
static const char *cpim_value(const char *text, const char *name)
{
	static char room[256];
	const char *at = strstr(text, name);

	room[0] = '\0';
	if (at != NULL)
		sscanf(at + strlen(name), " %255[^\r\n]", room);
	return room;
}

/* A device takes a message that asks for both; what the message is called in its notifications. */
static void takes(struct phone *p, const char *asks, char id[256])
{
	const char *text = next_of(p);

	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE ", 8);
	assert_string_equal(cpim_value(text, "imdn.Disposition-Notification:"), asks);
	snprintf(id, 256, "%s", cpim_value(text, "imdn.Message-ID:"));
	assert_int_not_equal(strlen(id), 0);
	phone_answer(p, text, "200 OK", "");
}

static void assert_imdn(struct phone *p, const char *id, enum report report)
{
	const char *text = next_of(p);
	char        element[512];

	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE ", 8);
	snprintf(element, sizeof(element), "<message-id>%s</message-id>", id);
	assert_non_null(strstr(text, element));
	snprintf(element, sizeof(element), "<%s-notification><status><%s/>", kinds[report],
		 statuses[report]);
	assert_non_null(strstr(text, element));
	phone_answer(p, text, "200 OK", "");
}

/* The peer is asked how it is meanwhile. */
static void pass(unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		sim_pass(&sim, US_PER_SECOND);
		assert_null(ims_take());
	}
}

static const char text_part[] = "Content-Type: text/plain;charset=UTF-8" NL NL "is it there?";

static void a_device_that_asked_is_told_by_a_device_that_its_message_was_read(void **state)
{
	struct phone *alice = device("sip:alice@example.org", 6001),
		     *dave = device("sip:dave@example.org", 6002);
	char id[256];

	(void)state;
	send_cpim(alice, "sip:alice@example.org", "sip:dave@example.org",
		  "imdn.Message-ID: 34jk324j" NL
		  "imdn.Disposition-Notification: positive-delivery, display" NL,
		  text_part);
	takes(dave, "positive-delivery, display", id);
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
	for (enum report report = DELIVERED; report <= DISPLAYED; report++) {
		send_imdn(dave, "sip:dave@example.org", "sip:alice@example.org", id, report);
		assert_imdn(alice, "34jk324j", report);
		assert_memory_equal(next_of(dave), "SIP/2.0 20", 10);
		pass(60);
		assert_int_equal(sim_metric(&sim, METRIC_receipts_open), report == DELIVERED);
	}
}

static void a_client_of_xmpp_is_told_by_a_device_that_its_message_was_read(void **state)
{
	struct phone *alice = device("sip:alice@example.org", 6001),
		     *carol = chat_client(CAROL, "desk");
	char id[256];

	(void)state;
	phone_send(carol, "<message to='alice@example.org' id='m3' type='chat'><body>Hi "
			  "Alice</body><request xmlns='urn:xmpp:receipts'/><markable "
			  "xmlns='urn:xmpp:chat-markers:0'/></message>");
	takes(alice, "positive-delivery, display", id);
	send_imdn(alice, "sip:alice@example.org", "sip:+46735555555@example.org", id, DELIVERED);
	chat_expects(carol, "<received xmlns=\"urn:xmpp:receipts\" id=\"m3\"/>");
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
	pass(60);
	send_imdn(alice, "sip:alice@example.org", "sip:+46735555555@example.org", id, DISPLAYED);
	chat_expects(carol, "<displayed xmlns=\"urn:xmpp:chat-markers:0\" id=\"m3\"/>");
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
	pass(1);
	assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 0);
}

static void a_device_is_told_by_a_client_of_xmpp_that_its_message_was_read(void **state)
{
	struct phone *alice = device("sip:alice@example.org", 6001),
		     *carol = chat_client(CAROL, "desk");
	char        id[64];
	const char *at;

	(void)state;
	send_cpim(alice, "sip:alice@example.org", "sip:carol@example.org",
		  "imdn.Message-ID: 34jk324j" NL
		  "imdn.Disposition-Notification: positive-delivery, display" NL,
		  text_part);
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
	at = strstr(carol->in, " id=\"");
	assert_non_null(at);
	sscanf(at, " id=\"%63[^\"]", id);
	chat_expects(carol, "<markable xmlns=\"urn:xmpp:chat-markers:0\"/>");
	phone_send(carol,
		   "<message to='alice@example.org'><received xmlns='urn:xmpp:receipts' "
		   "id='%s'/></message>",
		   id);
	assert_imdn(alice, "34jk324j", DELIVERED);
	pass(60);
	phone_send(carol,
		   "<message to='alice@example.org'><displayed "
		   "xmlns='urn:xmpp:chat-markers:0' id='%s'/></message>",
		   id);
	assert_imdn(alice, "34jk324j", DISPLAYED);
	pass(1);
	assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 0);
}

static unsigned wanted_receipts;

static bool receipts_came(struct sim *s)
{
	(void)s;
	return receipt.count == wanted_receipts;
}

/* SMPP 3.4, 5.2.17: a receipt, and the acknowledgement of the user. */
static void an_esme_that_asked_is_told_that_its_message_was_read(void **state)
{
	struct phone *alice = device("sip:alice@example.org", 6001);
	char          id[256];

	(void)state;
	esme_begin();
	submit_registered("+46731234567", "is it there?", 0x09);
	takes(alice, "positive-delivery, negative-delivery, display", id);
	for (enum report report = DELIVERED; report <= DISPLAYED; report++) {
		send_imdn(alice, "sip:alice@example.org", "sip:+4611111@example.org", id, report);
		wanted_receipts = report + 1;
		assert_true(sim_until(&sim, receipts_came, US_PER_SECOND));
		assert_int_equal(receipt.esm_class,
				 report == DELIVERED ? SMPP_ESM_RECEIPT : SMPP_ESM_USER_ACK);
		assert_string_equal(receipt.from, "+46731234567");
		assert_string_equal(receipt.to, "+4611111");
		assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
		pass(60);
		assert_int_equal(sim_metric(&sim, METRIC_receipts_open), report == DELIVERED);
	}
}

/* Nor is the entry of a message kept for a report that nobody waits for. */
static void who_asked_for_delivery_alone_is_told_of_delivery_alone(void **state)
{
	struct phone *alice = device("sip:alice@example.org", 6001);
	char          id[256];

	(void)state;
	esme_begin();
	submit_registered("+46731234567", "is it there?", 0x01);
	takes(alice, "positive-delivery, negative-delivery", id);
	send_imdn(alice, "sip:alice@example.org", "sip:+4611111@example.org", id, DELIVERED);
	wanted_receipts = 1;
	assert_true(sim_until(&sim, receipts_came, US_PER_SECOND));
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
	pass(1);
	assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 0);
}

/* No short message is reported as read, so its entry ends with its receipt. */
static void a_short_message_is_not_waited_for_until_somebody_reads_it(void **state)
{
	struct phone *alice = device("sip:alice@example.org", 6001);

	(void)state;
	send_cpim(alice, "sip:alice@example.org", "sip:+46701234567@example.org",
		  "imdn.Message-ID: 34jk324j" NL
		  "imdn.Disposition-Notification: positive-delivery, display" NL,
		  text_part);
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
	assert_int_equal(centre.count, 1);
	assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 1);
	centre_sends_receipt("+46701234567", "+46731234567", "1");
	assert_imdn(alice, "34jk324j", DELIVERED);
	pass(1);
	assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 0);
}

int main(void)
{
#define OPEN(test) cmocka_unit_test_setup_teardown(test, world_open, world_end)
#define OF_TWO(test)                                                                               \
	{                                                                                          \
#test "_of_two_workers", test, world_of_two, world_end, NULL                       \
	}
	const struct CMUnitTest tests[] = {
		OPEN(a_device_that_asked_is_told_by_a_device_that_its_message_was_read),
		OF_TWO(a_device_that_asked_is_told_by_a_device_that_its_message_was_read),
		OPEN(a_client_of_xmpp_is_told_by_a_device_that_its_message_was_read),
		OF_TWO(a_client_of_xmpp_is_told_by_a_device_that_its_message_was_read),
		OPEN(a_device_is_told_by_a_client_of_xmpp_that_its_message_was_read),
		OF_TWO(a_device_is_told_by_a_client_of_xmpp_that_its_message_was_read),
		OPEN(an_esme_that_asked_is_told_that_its_message_was_read),
		OF_TWO(an_esme_that_asked_is_told_that_its_message_was_read),
		OPEN(who_asked_for_delivery_alone_is_told_of_delivery_alone),
		OPEN(a_short_message_is_not_waited_for_until_somebody_reads_it),
	};

	sim_eal();
	return cmocka_run_group_tests_name("read_report", tests, NULL, NULL);
}
