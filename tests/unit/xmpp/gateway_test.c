/* What a client is told of the gateway to numbers (XEP-0100), and places that stand beside a text
 * (XEP-0066). */
#include "client.h"

#include "xmpp/session_private.h"

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static void each_domain_that_is_served_is_a_gateway(void **state)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	client_says(c, "<iq type='get' id='1' to='example.net'><query "
		       "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	has(client_sent(c), "<iq type=\"result\" id=\"1\" from=\"example.net\"><query "
			    "xmlns=\"http://jabber.org/protocol/disco#info\">");
	client_says(c, "<iq type='get' id='2' to='example.net'><query "
		       "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	has(client_sent(c), "<identity category=\"gateway\" type=\"sms\"");
	client_says(c, "<iq type='get' id='3' to='example.net'><query "
		       "xmlns='jabber:iq:gateway'/></iq>");
	has(client_sent(c), "<iq type=\"result\" id=\"3\" from=\"example.net\"><query "
			    "xmlns=\"jabber:iq:gateway\"><desc>");
	client_says(c, "<iq type='get' id='4' to='elsewhere.example'><query "
		       "xmlns='jabber:iq:gateway'/></iq>");
	client_last(c, EVENT_MSG); /* is asked there */
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void what_a_person_says_becomes_an_address(void **state)
{
	static const struct {
		const char *said, *jid; /* NULL: refused */
	} table[] = {
		{"+46701234567", "+46701234567"},
		{" +46 (70) 123-45.67 ", "+46701234567"},
		{"0046 70 1234567", "+46701234567"},
		{"71234", "71234"},
		{"00", NULL},
		{"", NULL},
		{"alice", NULL},
		{"46+70", NULL},
		{"++46", NULL},
		{"+1234567890123456789", "+1234567890123456789"},
		{"+12345678901234567890", NULL},
		{"123456789012345678901234567890", NULL},
	};
	struct client *c = client_new();
	char           text[512];

	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text),
			 "<iq type='set' id='1' to='example.net'><query "
			 "xmlns='jabber:iq:gateway'><prompt>%s</prompt></query></iq>",
			 table[i].said);
		client_says(c, text);
		if (table[i].jid == NULL)
			snprintf(text, sizeof(text), "<not-acceptable ");
		else
			snprintf(text, sizeof(text), "<jid>%s@example.net</jid></query></iq>",
				 table[i].jid);
		has(client_sent(c), text);
	}
	client_says(c, "<iq type='set' id='1'><query xmlns='jabber:iq:gateway'/></iq>");
	has(client_sent(c), "<not-acceptable ");
	client_free(c);
}

#define OOB "<x xmlns='jabber:x:oob'><url>https://x.example/a?b&amp;c</url><desc>d</desc></x>"
#define URL "https://x.example/a?b&c"

static void a_place_stands_in_the_text_where_nothing_else_arrives(void **state)
{
	static const struct {
		const char *says, *body;
	} table[] = {
		{"<message to='+46701112233@example.org'><body>look</body>" OOB "</message>",
		 "look\n" URL},
		{"<message to='+46701112233@example.org'>" OOB "<body>look</body></message>",
		 "look\n" URL},
		{"<message to='+46701112233@example.org'>" OOB "</message>", URL},
		{"<message to='bob@example.org'>" OOB "</message>", URL},
		{"<message to='bob@example.org'><body>look</body>" OOB "</message>", "look"},
		{"<message to='+46701112233@example.org'><body>see https://x.example/a?b&amp;c !"
		 "</body>" OOB "</message>",
		 "see " URL " !"},
		{"<message to='+46701112233@example.org'><body>look</body><x "
		 "xmlns='jabber:x:oob'/></message>",
		 "look"},
		{"<message to='+46701112233@example.org'><body>look</body><x "
		 "xmlns='jabber:x:other'><url>u</url></x></message>",
		 "look"},
	};
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg *m;

		client_says(c, table[i].says);
		m = client_last(c, EVENT_MSG)->msg;
		assert_int_equal(m->kind, MSG_TEXT);
		assert_true(part_is(m, m->body, table[i].body));
		client_answer(c, m->token, &(struct result){0});
		client_forget(c);
	}
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_domain_that_is_served_is_a_gateway),
		cmocka_unit_test(what_a_person_says_becomes_an_address),
		cmocka_unit_test(a_place_stands_in_the_text_where_nothing_else_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
