/* Copies of messages for the further clients of an account (XEP-0280), through the whole dataplane.
 */
#include "chat.h"

#define FORWARDED "\"><forwarded xmlns=\"urn:xmpp:forward:0\"><message "
#define RECEIVED "<received xmlns=\"urn:xmpp:carbons:2" FORWARDED
#define SENT "<sent xmlns=\"urn:xmpp:carbons:2" FORWARDED

static struct phone *with_copies(const char *proof, const char *resource)
{
	struct phone *p = chat_client(proof, resource);

	phone_send(p, "<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
	chat_expects(p, "<iq type=\"result\" id=\"c1\"/>");
	return p;
}

static void what_one_client_gets_and_sends_the_others_see(void **state)
{
	struct phone *phone = with_copies(ALICE, "phone"), *tablet = with_copies(ALICE, "tablet");
	struct phone *without = chat_client(ALICE, "tv"), *carol = chat_client(CAROL, "desk");

	(void)state;
	phone_send(carol,
		   "<message to='alice@example.org/phone' id='m1' type='chat'><body>Hi</body>"
		   "<request xmlns='urn:xmpp:receipts'/></message>");
	chat_expects(phone, "<body>Hi</body>");
	chat_expects(phone, "</message>");
	chat_expects(tablet,
		     "<message type=\"chat\" from=\"alice@example.org\" "
		     "to=\"alice@example.org/tablet\">" RECEIVED
		     "type=\"chat\" id=\"m1\" from=\"carol@example.org/desk\" "
		     "to=\"alice@example.org/phone\" xmlns=\"jabber:client\"><body>Hi</body>");
	chat_expects(tablet, "</message></forwarded></received></message>");
	phone_send(phone, "<message to='carol@example.org/desk' type='chat'><received "
			  "xmlns='urn:xmpp:receipts' id='m1'/></message>");
	chat_expects(carol, "<received xmlns=\"urn:xmpp:receipts\" id=\"m1\"/></message>");
	phone_send(phone, "<message to='carol@example.org' id='m2' type='chat'><body>Ho</body>"
			  "</message>");
	chat_expects(carol, "<body>Ho</body>");
	chat_expects(carol, "</message>");
	chat_expects(tablet,
		     SENT "type=\"chat\" id=\"m2\" from=\"alice@example.org/phone\" "
			  "to=\"carol@example.org\" xmlns=\"jabber:client\"><body>Ho</body>");
	chat_expects(tablet, "</message></forwarded></sent></message>");
	chat_hears_nothing(phone);
	chat_hears_nothing(tablet);
	chat_hears_nothing(without);
	chat_hears_nothing(carol);
	assert_int_equal(sim_metric(&sim, METRIC_copies_full), 0);
}

static void a_client_that_wants_no_more_copies_gets_none(void **state)
{
	struct phone *phone = chat_client(ALICE, "phone"), *tablet = with_copies(ALICE, "tablet");
	struct phone *carol = chat_client(CAROL, "desk");

	(void)state;
	phone_send(tablet, "<iq type='set' id='c2'><disable xmlns='urn:xmpp:carbons:2'/></iq>");
	chat_expects(tablet, "<iq type=\"result\" id=\"c2\"/>");
	phone_send(phone, "<message to='carol@example.org' type='chat'><body>a</body></message>");
	chat_expects(carol, "<body>a</body>");
	chat_expects(carol, "</message>");
	chat_hears_nothing(tablet);
}

static void what_is_private_or_no_conversation_is_not_copied(void **state)
{
	static const char *const ones[] = {
		"<message to='carol@example.org/desk' type='chat'><body>a</body><private "
		"xmlns='urn:xmpp:carbons:2'/></message>",
		"<message to='carol@example.org/desk' type='chat'><body>b</body><no-copy "
		"xmlns='urn:xmpp:hints'/></message>",
		"<message to='carol@example.org/desk' type='headline'><body>c</body></message>",
		"<message to='carol@example.org/desk'><x xmlns='u'/></message>",
		"<iq to='carol@example.org/desk' type='set' id='1'><x xmlns='u'/></iq>",
		"<presence to='carol@example.org/desk'/>",
	};
	struct phone *phone = chat_client(ALICE, "phone"), *tablet = with_copies(ALICE, "tablet");
	struct phone *desk = chat_client(CAROL, "desk"), *mobile = with_copies(CAROL, "mobile");

	(void)state;
	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
		phone_send(phone, "%s", ones[i]);
		chat_expects(desk, "from=\"alice@example.org/phone\"");
		chat_expects(desk, ">");
	}
	chat_hears_nothing(tablet);
	chat_hears_nothing(mobile);
	assert_int_equal(sim_metric(&sim, METRIC_copies_delivered), 0);
}

static void nobody_makes_copies_but_we(void **state)
{
	struct phone *phone = chat_client(ALICE, "phone"), *carol = with_copies(CAROL, "desk");

	(void)state;
	phone_send(phone,
		   "<message to='carol@example.org/desk' from='carol@example.org' type='chat'>"
		   "<received xmlns='urn:xmpp:carbons:2'><forwarded "
		   "xmlns='urn:xmpp:forward:0'><message from='bank@example.org' "
		   "xmlns='jabber:client'><body>pay</body></message></forwarded></received>"
		   "<body>hm</body></message>");
	chat_expects(carol, " from=\"alice@example.org/phone\" to=\"carol@example.org/desk\">"
			    "<body>hm</body><stanza-id");
	chat_expects(carol, "</message>");
	phone_send(phone, "<message to='carol@example.org/desk' type='chat'><sent "
			  "xmlns='urn:xmpp:carbons:2'/></message>");
	chat_hears_nothing(carol);
}

static void a_short_message_and_its_answer_are_seen_by_all_clients(void **state)
{
	struct phone *phone = with_copies(ALICE, "phone"), *tablet = with_copies(ALICE, "tablet");
	struct phone *first;

	(void)state;
	esme_begin();
	submit("+46731234567", "To a chat", MSG_WANT_SUCCESS);
	sim_pass(&sim, 200 * US_PER_MS);
	first = strstr(phone->in, RECEIVED) == NULL ? phone : tablet;
	chat_expects(first, "from=\"+4611111@example.org\" to=\"alice@example.org/");
	chat_expects(first, "<body>To a chat</body>");
	chat_expects(first, "</message>");
	chat_expects(first == phone ? tablet : phone, RECEIVED "type=\"chat\" id=\"");
	chat_expects(first == phone ? tablet : phone,
		     "from=\"+4611111@example.org\" to=\"alice@example.org\" "
		     "xmlns=\"jabber:client\"><body>To a chat</body>");
	chat_expects(first == phone ? tablet : phone, "</received></message>");
	assert_int_equal(esme_answers, 1);
	assert_int_equal(esme_answer.why, REASON_NONE);
	phone_send(first, "<message to='+46701112233@example.org' type='chat' id='a'><body>Back"
			  "</body></message>");
	chat_expects(first == phone ? tablet : phone,
		     SENT "type=\"chat\" id=\"a\" from=\"alice@example.org/");
	chat_expects(first == phone ? tablet : phone,
		     " to=\"+46701112233@example.org\" xmlns=\"jabber:client\"><body>Back</body>");
	chat_expects(first == phone ? tablet : phone, "</sent></message>");
	chat_hears_nothing(phone);
	chat_hears_nothing(tablet);
	assert_int_equal(centre.count, 1);
	assert_int_equal(esme_answers, 1);
}

/* The receipt of who got it tells once; a client that is gone does not make a failure. */
static void copies_change_nothing_for_the_sender(void **state)
{
	struct phone *carol = chat_client(CAROL, "desk"), *phone = chat_client(ALICE, "phone");
	struct phone *tablet = with_copies(ALICE, "tablet");

	(void)state;
	phone_reset(tablet);
	chat_expects(phone, "<presence type=\"unavailable\" from=\"alice@example.org/tablet\" "
			    "to=\"alice@example.org/phone\"></presence>");
	phone_send(carol,
		   "<message to='alice@example.org/phone' id='m1' type='chat'><body>Hi</body>"
		   "</message>");
	chat_expects(phone, "<body>Hi</body>");
	chat_expects(phone, "</message>");
	chat_hears_nothing(carol);
	chat_hears_nothing(phone);
	tablet = with_copies(ALICE, "tablet");
	phone_send(carol, "<message to='+4999@example.org' id='m3' type='chat'><body>x</body>"
			  "</message>");
	chat_expects(carol, "id=\"m3\" from=\"+4999@example.org\"><error");
	chat_expects(carol, "</message>");
	chat_hears_nothing(carol);
	chat_hears_nothing(tablet);
}

static void what_somebody_sends_to_themselves_comes_once(void **state)
{
	struct phone *phone = with_copies(ALICE, "phone"), *tablet = with_copies(ALICE, "tablet");
	struct phone *tv = with_copies(ALICE, "tv");

	(void)state;
	phone_send(phone, "<message to='alice@example.org/tablet' id='n' type='chat'><body>note"
			  "</body></message>");
	chat_expects(tablet, "<body>note</body>");
	chat_expects(tablet, "</message>");
	chat_expects(tv, RECEIVED);
	chat_expects(tv, "</received></message>");
	chat_hears_nothing(phone);
	chat_hears_nothing(tablet);
	chat_hears_nothing(tv);
}

#define CASE(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, world_open, world_end),                              \
	{                                                                                          \
#test "_of_two_workers", test, world_of_two, world_end, NULL                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_one_client_gets_and_sends_the_others_see),
		CASE(a_client_that_wants_no_more_copies_gets_none),
		CASE(what_is_private_or_no_conversation_is_not_copied),
		CASE(nobody_makes_copies_but_we),
		CASE(a_short_message_and_its_answer_are_seen_by_all_clients),
		CASE(copies_change_nothing_for_the_sender),
		CASE(what_somebody_sends_to_themselves_comes_once),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
