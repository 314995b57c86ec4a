/* Who wants copies, which message has them, and how they are written (XEP-0280). */
#include "client.h"

#include "xmpp/session_private.h"

#define ENABLE "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"

static void copies_are_a_feature_of_the_registration(void **state)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	assert_int_equal(c->binding.features & PROTO_BINDING_COPIES, 0);
	client_says(c, ENABLE);
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"c\"/>");
	assert_true(c->binding.features & PROTO_BINDING_COPIES);
	client_says(c, "<presence/>");
	assert_true(c->binding.features & PROTO_BINDING_COPIES);
	client_says(c, "<iq type='set' id='d'><disable xmlns='urn:xmpp:carbons:2'/></iq>");
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"d\"/>");
	assert_int_equal(c->binding.features & PROTO_BINDING_COPIES, 0);
	client_free(c);
}

static void a_request_that_is_not_in_force_comes_back(void **state)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	c->binding_why = REASON_QUEUE_FULL;
	client_says(c, ENABLE);
	assert_non_null(
		strstr(client_sent(c), "<iq type=\"error\" id=\"c\"><error type=\"wait\">"));
	client_free(c);
}

static void conversations_are_copied_and_nothing_else(void **state)
{
	static const struct {
		const char *says;
		bool        alone;
	} table[] = {
		{"<message to='bob@example.org' type='chat'><body>x</body></message>", false},
		{"<message to='bob@example.org'><body>x</body></message>", false},
		{"<message to='bob@example.org' type='normal'><body>x</body></message>", false},
		{"<message to='bob@example.org' type='chat'><x xmlns='u'/></message>", false},
		{"<message to='bob@example.org'><x xmlns='u'/></message>", true},
		{"<message to='bob@example.org'><received xmlns='urn:xmpp:receipts' id='1'/>"
		 "</message>",
		 false},
		{"<message to='bob@example.org'><displayed xmlns='urn:xmpp:chat-markers:0' "
		 "id='1'/></message>",
		 false},
		{"<message to='bob@example.org' type='headline'><body>x</body></message>", true},
		{"<message to='bob@example.org' type='error' id='1'><error type='cancel'/>"
		 "</message>",
		 true},
		{"<message to='bob@example.org' type='chat'><body>x</body><private "
		 "xmlns='urn:xmpp:carbons:2'/></message>",
		 true},
		{"<message to='bob@example.org' type='chat'><no-copy xmlns='urn:xmpp:hints'/>"
		 "<body>x</body></message>",
		 true},
		{"<presence to='bob@example.org'/>", true},
		{"<iq to='bob@example.org/d' type='get' id='1'><x xmlns='u'/></iq>", true},
	};
	struct client *c = client_new();

	client_place(c, "xmpp:bob@example.org", "desk", XMPP_FEATURE_AVAILABLE);
	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg *m;

		client_says(c, table[i].says);
		m = client_last(c, EVENT_MSG)->msg;
		if (m->alone != table[i].alone)
			print_error("%s\n", table[i].says);
		assert_int_equal(m->alone, table[i].alone);
		client_answer(c, m->token, &(struct result){0});
		client_forget(c);
	}
	client_free(c);
}

static void a_copy_stands_in_a_message_from_the_account_itself(void **state)
{
	struct client *c = client_new();
	struct result  result;
	struct msg    *m;

	client_up(c, "alice", "phone");
	client_says(c, "<message to='bob@example.org/desk' id='m' type='chat'><body>a &lt; b</body>"
		       "<thread>t</thread></message>");
	m = msg_copy(c->pool, client_last(c, EVENT_MSG)->msg);
	m->copy = MSG_COPY_SENT;
	assert_int_equal(client_submit(c, m, 7, &result), SUBMIT_SENT);
	assert_string_equal(
		client_sent(c),
		"<message type=\"chat\" from=\"alice@example.org\" to=\"alice@example.org/phone\">"
		"<sent xmlns=\"urn:xmpp:carbons:2\"><forwarded xmlns=\"urn:xmpp:forward:0\">"
		"<message type=\"chat\" id=\"m\" from=\"alice@example.org/phone\" "
		"to=\"bob@example.org/desk\" xmlns=\"jabber:client\"><body>a &lt; b</body>"
		"<thread>t</thread></message></forwarded></sent></message>");
	msg_free(m);
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_a_feature_of_the_registration),
		cmocka_unit_test(a_request_that_is_not_in_force_comes_back),
		cmocka_unit_test(conversations_are_copied_and_nothing_else),
		cmocka_unit_test(a_copy_stands_in_a_message_from_the_account_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
