/* One message for several (XEP-0033). */
#include "client.h"

#include "xmpp/session_private.h"

#define LIST "<addresses xmlns='http://jabber.org/protocol/address'>"

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static const char *payloads(const struct msg *m)
{
	static char      text[4096];
	struct msg_extra e;

	assert_true(msg_extra_find(m, m->native_protocol, XMPP_EXTRA_PAYLOADS, &e));
	snprintf(text, sizeof(text), "%.*s", (int)e.value.size,
		 (const char *)msg_view(m, e.value, (uint8_t[4096]){0}));
	return text;
}

static void each_gets_a_message_of_its_own_without_those_of_bcc(void **state)
{
	static const char *const to[] = {"xmpp:bob@example.org", "+46701112233",
					 "xmpp:carol@x.example"};
	struct client           *c = client_new();

	client_up(c, "alice", "phone");
	client_says(c, "<enable xmlns='urn:xmpp:sm:3'/>");
	client_sent(c);
	client_says(c, "<message to='example.org' id='m1' type='chat'><body>all</body>" LIST
		       "<address type='to' jid='bob@example.org/desk' desc='B &amp; b'/>"
		       "<address type='bcc' jid='+46701112233@example.org'/>"
		       "<address type='replyto' jid='alice@example.org'/>"
		       "<address type='cc' jid='carol@x.example'/></addresses>"
		       "<thread>t</thread></message><r xmlns='urn:xmpp:sm:3'/>");
	assert_int_equal(c->event_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct msg *m = c->events[i].msg;

		assert_int_equal(c->events[i].kind, EVENT_MSG);
		assert_true(str_eq(msg_addr(m, &m->to), str_of(to[i])));
		assert_true(part_is(m, m->body, "all"));
		has(payloads(m),
		    "<addresses xmlns=\"http://jabber.org/protocol/address\"><address "
		    "type=\"to\" jid=\"bob@example.org/desk\" desc=\"B &amp; b\" "
		    "delivered=\"true\"/>"
		    "<address type=\"replyto\" jid=\"alice@example.org\"/><address type=\"cc\" "
		    "jid=\"carol@x.example\" delivered=\"true\"/></addresses><thread>t</thread>");
	}
	assert_true(c->events[0].msg->to_place == xmpp_resource_key(STR("desk")));
	has(client_sent(c), "<a xmlns=\"urn:xmpp:sm:3\" h=\"1\"/>"); /* it was one stanza */
	client_answer(c, c->events[2].msg->token, &(struct result){.why = REASON_NO_ROUTE});
	has(client_sent(c), "<message type=\"error\" id=\"m1\" from=\"carol@x.example\">");
	client_free(c);
}

static void they_come_one_by_one_however_the_bytes_are_cut(void **state)
{
	static const char text[] = "<message to='example.org'><body>a</body>" LIST
				   "<address type='to' jid='bob@example.org'/>"
				   "<address type='to' jid='carol@x.example'/></addresses>"
				   "</message>";

	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		struct client *c = client_new();
		size_t         left;
		char           rest[sizeof(text)];

		client_up(c, "alice", "phone");
		left = client_feed(c, text, cut);
		memcpy(rest, text + cut - left, sizeof(text) - 1 - cut + left);
		assert_int_equal(client_feed(c, rest, sizeof(text) - 1 - cut + left), 0);
		assert_int_equal(c->event_count, 2);
		client_free(c);
	}
}

static void a_list_that_is_not_valid_comes_back_whole(void **state)
{
	static const struct {
		const char *list, *error;
	} table[] = {
		{LIST "</addresses>", "<bad-request "},
		{LIST "<address type='replyto' jid='bob@example.org'/></addresses>",
		 "<bad-request "},
		{LIST "<address type='to' jid='bob@example.org'/><address type='to'/></addresses>",
		 "<jid-malformed "},
		{LIST "<address type='to' jid='bob@example.org'/><address type='cc' jid='a b@c'/>"
		      "</addresses>",
		 "<jid-malformed "},
		{"", "<service-unavailable "},
	};
	struct client *c = client_new();
	char           text[4096];
	struct put     w = put_to(text, sizeof(text));

	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text),
			 "<message to='example.org' id='1'><body>x</body>%s</message>",
			 table[i].list);
		client_says(c, text);
		has(client_sent(c), table[i].error);
		assert_int_equal(c->event_count, 0);
	}
	for (unsigned n = XMPP_MULTICAST_MAX; n <= XMPP_MULTICAST_MAX + 1; n++) {
		w = put_to(text, sizeof(text));
		put_str(&w, STR("<message to='example.org' id='1'><body>x</body>" LIST));
		for (unsigned i = 0; i < n; i++)
			put_str(&w, STR("<address type='to' jid='bob@example.org'/>"));
		put_str(&w, STR("</addresses></message>"));
		c->settings.window_max = 100;
		xmpp_ops.settings(c->session, &c->settings);
		client_feed(c, text, put_size(&w));
		if (n > XMPP_MULTICAST_MAX)
			has(client_sent(c), "<not-acceptable ");
		assert_int_equal(c->event_count, n > XMPP_MULTICAST_MAX ? 0 : n);
		client_forget(c);
	}
	client_free(c);
}

static void beyond_the_window_only_those_come_back(void **state)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone"); /* a window of four */
	client_says(c, "<message to='example.org' id='1'><body>x</body>" LIST
		       "<address type='to' jid='a@x'/><address type='to' jid='b@x'/>"
		       "<address type='to' jid='c@x'/><address type='to' jid='d@x'/>"
		       "<address type='to' jid='e@x'/></addresses></message>");
	assert_int_equal(c->event_count, 4);
	has(client_sent(c), "<message type=\"error\" id=\"1\" from=\"e@x\"><error type=\"wait\">");
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gets_a_message_of_its_own_without_those_of_bcc),
		cmocka_unit_test(they_come_one_by_one_however_the_bytes_are_cut),
		cmocka_unit_test(a_list_that_is_not_valid_comes_back_whole),
		cmocka_unit_test(beyond_the_window_only_those_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
