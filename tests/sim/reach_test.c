/* In which order a subscriber is reached who is registered in SIP, logs in as a chat client and has
 * a number: what her `reach` says, and who is there. */
#include "chat.h"

#include "smpp/pdu.h"

#include "explain.h"

#define NUMBER "+46731234567"

static struct phone *device, *client;
static unsigned      centre_had;

/* The site with this order of hers and this way to her number. */
static void site_with(const char *reach, const char *via)
{
	char site[1536];

	snprintf(site, sizeof(site),
		 "accounts:\n"
		 "  - {name: esme1, password: secret1, window: 10}\n"
		 "peers:\n"
		 "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw}\n"
		 "  - {name: ims, protocol: sip, host: 198.18.0.2, port: 5070, transport: udp, "
		 "trusted: true}\n"
		 "routes:\n"
		 "  - {to: \"+4673\", via: [%s]}\n"
		 "subscribers:\n"
		 "  - {address: \"" NUMBER "\", sip: \"sip:alice@example.org\", xmpp: "
		 "\"xmpp:alice@example.org\", password: secret%s%s}\n",
		 via, reach[0] != '\0' ? ", reach: " : "", reach);
	sim_apply(&sim, site);
}

static void both_come(void)
{
	device = phone_udp(&sim.host, 6001);
	send_register(device, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(device), "200");
	client = chat_client(ALICE, "phone");
	esme_begin();
	centre_had = 0;
}

static void device_goes(void)
{
	send_register(device, "sip:alice@example.org", "sip:alice@198.18.0.2:6001",
		      "Expires: 0\r\n");
	assert_status(next_of(device), "200");
}

static bool centre_has_more(struct sim *s)
{
	(void)s;
	return centre.count > centre_had;
}

static void centre_has(const char *text)
{
	assert_true(sim_until(&sim, centre_has_more, US_PER_SECOND));
	assert_string_equal(centre.text, text);
	centre_had = centre.count;
}

static void answer_is(uint32_t status)
{
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answers, 1);
	assert_int_equal(esme_answer.peer_status, status);
	esme_answers = 0;
}

static void client_gets(const char *text)
{
	char body[64];

	snprintf(body, sizeof(body), "<body>%s</body>", text);
	submit(NUMBER, text, 0);
	chat_expects(client, body);
	chat_expects(client, "</message>");
	answer_is(SMPP_ROK);
}

static void device_gets(const char *text)
{
	const char *request;

	submit(NUMBER, text, 0);
	request = next_of(device);
	assert_non_null(request);
	assert_non_null(strstr(request, text));
	phone_answer(device, request, "200 OK", "");
	answer_is(SMPP_ROK);
}

static void centre_gets(const char *text)
{
	submit(NUMBER, text, 0);
	centre_has(text);
	answer_is(SMPP_ROK);
}

static void nobody_gets(const char *text)
{
	unsigned before = centre.count;

	submit(NUMBER, text, 0);
	answer_is(SMPP_RINVDSTADR);
	assert_int_equal(centre.count, before);
	assert_null(phone_take(device));
}

static void a_chat_client_comes_first_then_the_device_then_the_centre(void **state)
{
	(void)state;
	site_with("[xmpp, sip, sms]", "registered, smsc1");
	both_come();
	client_gets("one");
	phone_send(client, "<presence type='unavailable'/>"); /* her stream goes on */
	sim_pass(&sim, 100 * US_PER_MS);
	device_gets("two");
	phone_send(client, "<presence><priority>-1</priority></presence>");
	sim_pass(&sim, 100 * US_PER_MS);
	device_gets("three");
	device_goes();
	centre_gets("four");
	phone_send(client, "<presence/>");
	sim_pass(&sim, 100 * US_PER_MS);
	client_gets("five");
}

static void the_order_turned_round_is_followed_and_changes_at_once(void **state)
{
	(void)state;
	site_with("[sip, xmpp, sms]", "registered, smsc1");
	both_come();
	device_gets("one");
	site_with("[xmpp, sip, sms]", "registered, smsc1");
	client_gets("two");
	site_with("[sms, xmpp, sip]", "registered, smsc1");
	centre_gets("three");
	site_with("[sms]", "registered, smsc1");
	centre_gets("four");
}

static void without_an_order_the_protocol_of_the_address_comes_first(void **state)
{
	struct phone *bob = phone_udp(&sim.host, 6002);
	const char   *request;

	(void)state;
	site_with("", "registered, smsc1");
	both_come();
	device_gets("to the number");
	send_message(bob, "sip:alice@example.org", "sip:bob@example.org", "", "to the address");
	request = next_of(device);
	assert_non_null(request);
	phone_answer(device, request, "200 OK", "");
	assert_status(next_of(bob), "200");
	site_with("[xmpp, sip]", "registered, smsc1");
	send_message(bob, "sip:alice@example.org", "sip:bob@example.org", "", "in her order");
	chat_expects(client, "<body>in her order</body>");
	assert_memory_equal(next_of(bob), "SIP/2.0 20", 10);
}

static void what_an_order_does_not_name_is_never_used(void **state)
{
	(void)state;
	site_with("[xmpp]", "registered, smsc1");
	both_come();
	client_gets("one");
	phone_send(client, "<presence type='unavailable'/>");
	sim_pass(&sim, 100 * US_PER_MS);
	nobody_gets("two");
	site_with("[sms]", "registered");
	nobody_gets("three");
}

static void what_refuses_for_now_is_followed_by_the_next_of_the_order(void **state)
{
	const char *request;

	(void)state;
	site_with("[sip, xmpp, sms]", "registered, smsc1");
	both_come();
	submit(NUMBER, "busy", 0);
	request = next_of(device);
	assert_non_null(request);
	phone_answer(device, request, "503 Service Unavailable", "");
	chat_expects(client, "<body>busy</body>");
	chat_expects(client, "</message>");
	answer_is(SMPP_ROK);
	site_with("[sip, sms, xmpp]", "registered, smsc1");
	submit(NUMBER, "again", 0);
	request = next_of(device);
	assert_non_null(request);
	phone_answer(device, request, "503 Service Unavailable", "");
	centre_has("again");
	answer_is(SMPP_ROK);
	chat_hears_nothing(client);
}

/* The centre is not there, and what is named behind it is. */
static void what_stands_behind_sms_comes_after_the_targets_of_the_route(void **state)
{
	(void)state;
	sim_apply(&sim, "accounts:\n"
			"  - {name: esme1, password: secret1, window: 10}\n"
			"  - {name: away, password: secret2}\n"
			"routes:\n  - {to: \"+4673\", via: [registered, away]}\n"
			"subscribers:\n"
			"  - {address: \"" NUMBER "\", sip: \"sip:alice@example.org\", xmpp: "
			"\"xmpp:alice@example.org\", password: secret, reach: [sip, sms, xmpp]}\n");
	client = chat_client(ALICE, "phone");
	esme_begin();
	client_gets("last");
	is_explained(&sim, NUMBER,
		     (const char *const[EXPLAINED_MAX]){
			     "rules: none", "route: +4673: longest prefix",
			     "reach: sip, sms, xmpp: the order of this subscriber; sms: "
			     "the next targets",
			     "target: registered sip: not there: passed over",
			     "target: account away: no session of it takes messages now",
			     "target: registered xmpp:alice@example.org: phone, session "});
}

/* Nobody answers: it is not known whether she has it, so nobody else gets it. */
static void what_may_have_arrived_is_not_sent_to_the_next(void **state)
{
	(void)state;
	site_with("[sip, xmpp, sms]", "registered, smsc1");
	both_come();
	submit(NUMBER, "silence", 0);
	assert_true(sim_until(&sim, esme_answered, 60 * US_PER_SECOND));
	answer_is(SMPP_RSUBMITFAIL);
	chat_hears_nothing(client);
	assert_int_equal(centre.count, 0);
}

/* The clock of a question is that of the machine: only what does not expire is seen here. */
static void an_order_is_explained(void **state)
{
	(void)state;
	site_with("[sip, xmpp, sms]", "registered, smsc1");
	client = chat_client(ALICE, "phone");
	is_explained(&sim, NUMBER,
		     (const char *const[EXPLAINED_MAX]){
			     "rules: none", "route: +4673: longest prefix",
			     "reach: sip, xmpp, sms: the order of this subscriber; sms: "
			     "the next targets",
			     "target: registered sip: not there: passed over",
			     "target: registered xmpp:alice@example.org: phone, session ",
			     "target: peer smsc1: session "});
	phone_send(client, "<presence type='unavailable'/>");
	sim_pass(&sim, 100 * US_PER_MS);
	site_with("[xmpp]", "registered, smsc1");
	is_explained(&sim, NUMBER,
		     (const char *const[EXPLAINED_MAX]){
			     "rules: none", "route: +4673: longest prefix",
			     "reach: xmpp: the order of this subscriber, without sms: the "
			     "next targets are not "
			     "used",
			     "target: registered xmpp: not there: passed over",
			     "target: registered: the recipient is not registered here",
			     "result: refused: The recipient is not registered here"});
}

int main(void)
{
#define OPEN(f) cmocka_unit_test_setup_teardown(f, world_open, world_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_of_two, world_end)
	const struct CMUnitTest tests[] = {
		OPEN(a_chat_client_comes_first_then_the_device_then_the_centre),
		TWO(a_chat_client_comes_first_then_the_device_then_the_centre),
		OPEN(the_order_turned_round_is_followed_and_changes_at_once),
		TWO(the_order_turned_round_is_followed_and_changes_at_once),
		OPEN(without_an_order_the_protocol_of_the_address_comes_first),
		OPEN(what_an_order_does_not_name_is_never_used),
		OPEN(what_refuses_for_now_is_followed_by_the_next_of_the_order),
		OPEN(what_stands_behind_sms_comes_after_the_targets_of_the_route),
		OPEN(what_may_have_arrived_is_not_sent_to_the_next),
		OPEN(an_order_is_explained),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
