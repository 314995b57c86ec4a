/* XMPP through the whole dataplane: clients that a test drives by text, with each other, with a
 * message centre and with devices of SIP. */
#include <pthread.h>
#include <stdatomic.h>

#include "chat.h"

static void a_message_goes_from_client_to_client_and_its_receipt_back(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *carol = chat_client(CAROL, "desk");

	(void)state;
	phone_send(alice, "<message to='carol@example.org' id='m1' type='chat'><body>Hi &amp; "
			  "hello</body><request xmlns='urn:xmpp:receipts'/></message>");
	chat_expects(carol, "<message type=\"chat\" id=\"m1\" from=\"alice@example.org/phone\" "
			    "to=\"carol@example.org/desk\"");
	chat_expects(carol, "<body>Hi &amp; hello</body>");
	phone_send(carol, "<message to='alice@example.org/phone' type='chat'><received "
			  "xmlns='urn:xmpp:receipts' id='m1'/></message>");
	chat_expects(alice, "<received xmlns=\"urn:xmpp:receipts\" id=\"m1\"/>");
}

static void a_message_of_a_client_reaches_the_message_centre_and_its_receipt_returns(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone");

	(void)state;
	phone_send(alice, "<message to='+46701234567@example.org' id='m2'><body>To a "
			  "phone</body><request xmlns='urn:xmpp:receipts'/></message>");
	for (unsigned i = 0; i < 10000 && centre.count == 0; i++)
		sim_step(&sim, 100);
	assert_int_equal(centre.count, 1);
	assert_string_equal(centre.from, "+46731234567");
	assert_string_equal(centre.to, "+46701234567");
	assert_string_equal(centre.text, "To a phone");
	assert_true(centre.wants & MSG_WANT_SUCCESS);
	sim_pass(&sim, 100 * US_PER_MS);
	centre_sends_receipt("+46701234567", "+46731234567", "1");
	chat_expects(alice, "<received xmlns=\"urn:xmpp:receipts\" id=\"m2\"/>");
}

static void a_short_message_reaches_a_client_by_its_number(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone");

	(void)state;
	esme_begin();
	submit("+46731234567", "To a chat", 0);
	chat_expects(alice, "from=\"+4611111@example.org\" to=\"alice@example.org/phone\"");
	chat_expects(alice, "<body>To a chat</body>");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
}

static void a_message_goes_from_a_client_to_a_device_of_sip_and_back(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 5080), *carol = chat_client(CAROL, "desk");
	const char   *text;

	(void)state;
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:5080", "");
	assert_status(next_of(alice), "200");
	phone_send(carol, "<message to='alice@example.org' id='m3' type='chat'><body>Hi "
			  "Alice</body></message>");
	text = next_of(alice);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:alice@198.18.0.2:5080", 33);
	assert_non_null(strstr(text, "Hi Alice"));
	assert_non_null(strstr(phone_header(text, "From"), "+46735555555"));
	phone_answer(alice, text, "200 OK", "");
	send_message(alice, "sip:+46735555555@example.org", "sip:alice@example.org", "",
		     "Hi Carol");
	chat_expects(carol, "<body>Hi Carol</body>");
	assert_memory_equal(next_of(alice), "SIP/2.0 20", 10);
}

static void who_has_the_same_name_in_another_protocol_is_reached_by_it(void **state)
{
	struct phone *dave = phone_udp(&sim.host, 5080), *carol = chat_client(CAROL, "desk");
	const char   *text;

	(void)state;
	send_register(dave, "sip:dave@example.org", "sip:dave@198.18.0.2:5080", "");
	assert_status(next_of(dave), "200");
	phone_send(carol, "<message to='dave@example.org' id='m4'><body>Hi Dave</body></message>");
	text = next_of(dave);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:dave@198.18.0.2:5080", 32);
	assert_non_null(strstr(phone_header(text, "To"), "sip:dave@example.org"));
	phone_answer(dave, text, "200 OK", "");
	send_message(dave, "sip:carol@example.org", "sip:dave@example.org", "", "Hi Carol");
	chat_expects(carol, "to=\"carol@example.org/desk\"");
	chat_expects(carol, "<body>Hi Carol</body>");
	assert_memory_equal(next_of(dave), "SIP/2.0 20", 10);
}

/* RFC 7247, 5: the apostrophe is a letter like others to SIP, and escaped in XMPP (XEP-0106). */
static void the_name_is_the_same_however_each_protocol_writes_it(void **state)
{
	struct phone *ohara = phone_udp(&sim.host, 5080), *carol = chat_client(CAROL, "desk");
	const char   *text;

	(void)state;
	world_adds_subscribers("  - {address: \"+46737777777\", sip: \"sip:o'hara@example.org\", "
			       "password: secret}\n");
	send_register(ohara, "sip:o'hara@example.org", "sip:o'hara@198.18.0.2:5080", "");
	assert_status(next_of(ohara), "200");
	phone_send(carol, "<message to='o\\27hara@example.org' id='m4'><body>Hi Tom</body>"
			  "</message>");
	text = next_of(ohara);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:o'hara@198.18.0.2:5080", 34);
	assert_non_null(strstr(phone_header(text, "To"), "sip:o'hara@example.org"));
	phone_answer(ohara, text, "200 OK", "");
}

static void what_cannot_be_delivered_comes_back_as_an_error(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone");

	(void)state;
	phone_send(alice, "<message to='carol@example.org' id='off'><body>x</body></message>");
	chat_expects(alice, "<message type=\"error\" id=\"off\" from=\"carol@example.org\"><error "
			    "type=\"cancel\"><service-unavailable");
	phone_send(alice, "<message to='+4999@example.org' id='no'><body>x</body></message>");
	chat_expects(alice, "<message type=\"error\" id=\"no\" from=\"+4999@example.org\"><error "
			    "type=\"cancel\"><remote-server-not-found");
}

static void a_resource_has_one_stream_and_the_newer_one_stays(void **state)
{
	struct phone *old = chat_client(ALICE, "phone"), *now = chat_client(ALICE, "phone");
	struct phone *carol = chat_client(CAROL, "desk");

	(void)state;
	chat_expects(old,
		     "<stream:error><conflict xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\"/>");
	chat_closes(old);
	phone_send(carol, "<message to='alice@example.org/phone' id='m4'><body>there?</body>"
			  "</message>");
	chat_expects(now, "<body>there?</body>");
}

static void a_client_that_is_gone_gets_nothing_more(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *carol = chat_client(CAROL, "desk");

	(void)state;
	phone_send(carol, "</stream:stream>");
	chat_expects(carol, "</stream:stream>");
	chat_closes(carol);
	sim_pass(&sim, 100 * US_PER_MS);
	phone_send(alice, "<message to='carol@example.org' id='m5'><body>x</body></message>");
	chat_expects(alice, "<message type=\"error\" id=\"m5\"");
}

static void a_request_goes_to_the_client_it_names_and_its_answer_back(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *other = chat_client(ALICE, "tablet");
	struct phone *desk = chat_client(CAROL, "desk"), *mobile = chat_client(CAROL, "mobile");

	(void)state;
	phone_send(alice, "<iq type='get' id='q1' to='carol@example.org/mobile'><ping "
			  "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(mobile, "<iq type=\"get\" id=\"q1\" from=\"alice@example.org/phone\" "
			     "to=\"carol@example.org/mobile\"><ping xmlns='urn:xmpp:ping'/></iq>");
	phone_send(mobile, "<iq type='result' id='q1' to='alice@example.org/phone'/>");
	chat_expects(alice, "<iq type=\"result\" id=\"q1\" from=\"carol@example.org/mobile\" "
			    "to=\"alice@example.org/phone\"></iq>");
	phone_send(alice, "<iq type='set' id='q2' to='carol@example.org/desk'><a xmlns='u'/></iq>");
	chat_expects(desk, "<iq type=\"set\" id=\"q2\" from=\"alice@example.org/phone\"");
	chat_expects(desk, "</iq>");
	phone_send(desk, "<iq type='error' id='q2' to='alice@example.org/phone'><error "
			 "type='cancel'/></iq>");
	chat_expects(alice, "<iq type=\"error\" id=\"q2\" from=\"carol@example.org/desk\" "
			    "to=\"alice@example.org/phone\"><error type='cancel'/></iq>");
	chat_hears_nothing(other);
	chat_hears_nothing(desk);
	chat_hears_nothing(mobile);
	chat_hears_nothing(alice);
	assert_int_equal(centre.count, 0);
}

/* Neither another resource, nor a device of SIP, nor the route of the number sees it. */
static void a_request_to_a_resource_that_is_not_there_comes_back(void **state)
{
	struct phone *carol = chat_client(CAROL, "desk"), *alice = chat_client(ALICE, "phone");
	struct phone *sip = phone_udp(&sim.host, 5080);

	(void)state;
	send_register(sip, "sip:alice@example.org", "sip:alice@198.18.0.2:5080", "");
	assert_status(next_of(sip), "200");
	phone_send(carol, "<iq type='get' id='q3' to='alice@example.org/tablet'><ping "
			  "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(carol, "<iq type=\"error\" id=\"q3\" from=\"alice@example.org/tablet\"><error "
			    "type=\"cancel\"><service-unavailable");
	chat_expects(carol, "</iq>");
	phone_send(carol, "<iq type='get' id='q4' to='+46731234567@example.org/tablet'><ping "
			  "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(carol,
		     "<iq type=\"error\" id=\"q4\" from=\"+46731234567@example.org/tablet\"><error "
		     "type=\"cancel\"><service-unavailable");
	chat_expects(carol, "</iq>");
	phone_send(carol, "<presence to='alice@example.org/tablet'/>"
			  "<iq type='result' id='q5' to='alice@example.org/tablet'/>");
	chat_hears_nothing(carol);
	chat_hears_nothing(alice);
	assert_null(phone_take(sip));
	assert_int_equal(centre.count, 0);
}

static void a_request_to_a_client_that_is_gone_comes_back(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *carol = chat_client(CAROL, "desk");
	struct phone *mobile = chat_client(CAROL, "mobile");

	(void)state;
	phone_send(carol, "</stream:stream>");
	chat_closes(carol);
	sim_pass(&sim, 100 * US_PER_MS);
	phones_forget_presence();
	phone_send(alice, "<iq type='get' id='q6' to='carol@example.org/desk'><ping "
			  "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(alice, "<iq type=\"error\" id=\"q6\" from=\"carol@example.org/desk\"><error "
			    "type=\"cancel\"><service-unavailable");
	chat_expects(alice, "</iq>");
	chat_hears_nothing(mobile);
	chat_hears_nothing(alice);
}

static void what_only_clients_understand_goes_to_none_but_them(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *desk = chat_client(CAROL, "desk");
	struct phone *mobile = chat_client(CAROL, "mobile");
	struct phone *sip = phone_udp(&sim.host, 5080);

	(void)state;
	send_register(sip, "sip:alice@example.org", "sip:alice@198.18.0.2:5080", "");
	assert_status(next_of(sip), "200");
	phone_send(alice, "<presence to='carol@example.org/mobile' id='1'><show>dnd</show>"
			  "</presence>");
	chat_expects(mobile, "<presence id=\"1\" from=\"alice@example.org/phone\" "
			     "to=\"carol@example.org/mobile\"><show>dnd</show></presence>");
	chat_hears_nothing(desk);
	phone_send(mobile, "<presence to='alice@example.org' id='2' type='unavailable'/>");
	chat_expects(alice, "<presence type=\"unavailable\" id=\"2\" "
			    "from=\"carol@example.org/mobile\" to=\"alice@example.org/phone\">"
			    "</presence>");
	phone_send(alice, "</stream:stream>");
	chat_closes(alice);
	sim_pass(&sim, 100 * US_PER_MS);
	chat_expects(mobile, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			     "to=\"carol@example.org/mobile\"></presence>");
	phone_send(mobile, "<presence to='alice@example.org' id='3'/>");
	chat_hears_nothing(mobile);
	phone_send(mobile, "<message to='alice@example.org' id='4'><x xmlns='u'/></message>");
	chat_expects(mobile, "<message type=\"error\" id=\"4\" from=\"alice@example.org\"><error "
			     "type=\"cancel\"><service-unavailable");
	chat_expects(mobile, "</message>");
	chat_hears_nothing(mobile);
	assert_null(phone_take(sip));
	assert_int_equal(centre.count, 0);
}

static void a_place_beside_a_text_stands_in_it_where_nothing_else_arrives(void **state)
{
	struct phone *carol = chat_client(CAROL, "desk"), *sip = phone_udp(&sim.host, 5080);
	const char   *text;

	(void)state;
	phone_send(carol, "<message to='+46701234567@example.org'><body>look</body><x "
			  "xmlns='jabber:x:oob'><url>http://x.example/a</url></x></message>");
	for (unsigned i = 0; i < 10000 && centre.count == 0; i++)
		sim_step(&sim, 100);
	assert_string_equal(centre.text, "look\nhttp://x.example/a");
	send_register(sip, "sip:alice@example.org", "sip:alice@198.18.0.2:5080", "");
	assert_status(next_of(sip), "200");
	phone_send(carol, "<message to='alice@example.org'><body>see</body><x "
			  "xmlns='jabber:x:oob'><url>http://x.example/b</url></x></message>");
	text = next_of(sip);
	assert_non_null(text);
	assert_non_null(strstr(text, "see\nhttp://x.example/b"));
	phone_answer(sip, text, "200 OK", "");
}

static void one_message_for_several_goes_to_each(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *carol = chat_client(CAROL, "desk");

	(void)state;
	phone_send(alice, "<message to='example.org' id='s' type='chat'><body>to all</body>"
			  "<addresses xmlns='http://jabber.org/protocol/address'>"
			  "<address type='to' jid='carol@example.org'/>"
			  "<address type='bcc' jid='+46701234567@example.org'/>"
			  "<address type='cc' jid='+4999@example.org'/></addresses></message>");
	chat_expects(carol, "<body>to all</body><addresses "
			    "xmlns=\"http://jabber.org/protocol/address\"><address type=\"to\" "
			    "jid=\"carol@example.org\" delivered=\"true\"/><address type=\"cc\" "
			    "jid=\"+4999@example.org\" delivered=\"true\"/></addresses>");
	chat_expects(carol, "</message>");
	chat_expects(alice, "<message type=\"error\" id=\"s\" from=\"+4999@example.org\">");
	chat_expects(alice, "</message>");
	chat_hears_nothing(alice);
	chat_hears_nothing(carol);
	assert_int_equal(centre.count, 1);
	assert_string_equal(centre.text, "to all");
}

static void whom_to_write_to_stands_in_what_a_domain_can(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone");

	(void)state;
	phone_send(alice, "<iq type='get' id='d' to='example.org'><query "
			  "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	chat_expects(alice, "<field var=\"abuse-addresses\" type=\"list-multi\">"
			    "<value>mailto:abuse@example.org</value></field>");
	chat_expects(alice, "</x></query></iq>");
}

static _Atomic bool all_gone;

/* On a thread of its own, as the management thread does, while the workers take turns. */
static void *management(void *unused)
{
	(void)unused;
	registered_gone(&sim.dp, STR("xmpp:alice@example.org"));
	atomic_store(&all_gone, true);
	return NULL;
}

static void the_streams_of_who_is_erased_end_and_those_of_others_do_not(void **state)
{
	struct phone *phone = chat_client(ALICE, "phone"), *tablet = chat_client(ALICE, "tablet");
	struct phone *carol = chat_client(CAROL, "desk");
	pthread_t     thread;

	(void)state;
	atomic_store(&all_gone, false);
	assert_int_equal(pthread_create(&thread, NULL, management, NULL), 0);
	while (!atomic_load(&all_gone))
		sim_step(&sim, 100);
	assert_int_equal(pthread_join(thread, NULL), 0);
	chat_expects(phone, "<not-authorized");
	chat_closes(phone);
	chat_expects(tablet, "<not-authorized");
	chat_closes(tablet);
	chat_hears_nothing(carol);
	sim_pass(&sim, 100 * US_PER_MS);
	assert_int_equal(directory_addresses(sim.dp.directory), 1);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, world_open, world_end)
#define OF_TWO(test)                                                                               \
	{                                                                                          \
#test "_of_two_workers", test, world_of_two, world_end, NULL                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPEN(a_message_goes_from_client_to_client_and_its_receipt_back),
		OPEN(a_message_of_a_client_reaches_the_message_centre_and_its_receipt_returns),
		OPEN(a_short_message_reaches_a_client_by_its_number),
		OPEN(a_message_goes_from_a_client_to_a_device_of_sip_and_back),
		OPEN(who_has_the_same_name_in_another_protocol_is_reached_by_it),
		OPEN(the_name_is_the_same_however_each_protocol_writes_it),
		OPEN(what_cannot_be_delivered_comes_back_as_an_error),
		OPEN(a_resource_has_one_stream_and_the_newer_one_stays),
		OPEN(a_client_that_is_gone_gets_nothing_more),
		OPEN(whom_to_write_to_stands_in_what_a_domain_can),
		OPEN(the_streams_of_who_is_erased_end_and_those_of_others_do_not),
		OF_TWO(the_streams_of_who_is_erased_end_and_those_of_others_do_not),
		OPEN(a_request_goes_to_the_client_it_names_and_its_answer_back),
		OPEN(a_request_to_a_resource_that_is_not_there_comes_back),
		OPEN(a_request_to_a_client_that_is_gone_comes_back),
		OPEN(what_only_clients_understand_goes_to_none_but_them),
		OPEN(a_place_beside_a_text_stands_in_it_where_nothing_else_arrives),
		OPEN(one_message_for_several_goes_to_each),
		OF_TWO(one_message_for_several_goes_to_each),
		OF_TWO(a_request_goes_to_the_client_it_names_and_its_answer_back),
		OF_TWO(a_request_to_a_resource_that_is_not_there_comes_back),
		OF_TWO(a_request_to_a_client_that_is_gone_comes_back),
		OF_TWO(what_only_clients_understand_goes_to_none_but_them),
		OF_TWO(a_message_goes_from_client_to_client_and_its_receipt_back),
		OF_TWO(a_message_of_a_client_reaches_the_message_centre_and_its_receipt_returns),
		OF_TWO(a_resource_has_one_stream_and_the_newer_one_stays),
		OF_TWO(a_client_that_is_gone_gets_nothing_more),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
