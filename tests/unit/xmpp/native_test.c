/* What is between clients alone: requests, their answers, and presence that names somebody. */
#include "client.h"

#include "xmpp/session_private.h"

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static struct msg *last_msg(struct client *c)
{
	return client_last(c, EVENT_MSG)->msg;
}

static void a_request_to_a_resource_becomes_a_record_for_that_place(void **state)
{
	struct client *c = client_new();
	struct msg    *m;

	client_up(c, "alice", "phone");
	client_says(c, "<iq to='Bob@Example.org/Desk' id='p1' type='get' from='eve@example.org/x'>"
		       "<ping xmlns='urn:xmpp:ping'/></iq>");
	m = last_msg(c);
	assert_int_equal(m->kind, MSG_NATIVE);
	assert_int_equal(m->wants, 0);
	assert_true(str_eq(msg_addr(m, &m->from), STR("+46701234567"))); /* whatever she says */
	assert_true(str_eq(msg_addr(m, &m->to), STR("xmpp:bob@example.org")));
	assert_true(m->to_place == xmpp_resource_key(STR("Desk")));
	assert_int_equal(m->body.size, 0);
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void what_one_client_says_the_other_hears(void **state)
{
	static const struct {
		const char *says, *heard;
	} table[] = {
		{"<iq to='bob@example.org/desk' id='p&amp;1' type='get'><ping "
		 "xmlns='urn:xmpp:ping'/></iq>",
		 "<iq type=\"get\" id=\"p&amp;1\" from=\"alice@example.org/phone\" "
		 "to=\"bob@example.org/desk\"><ping xmlns='urn:xmpp:ping'/></iq>"},
		{"<iq to='bob@example.org/desk' id='d' type='get' xml:lang='de'><query node='n' "
		 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		 "to=\"bob@example.org/desk\" xml:lang=\"de\"><query "
		 "xmlns='http://jabber.org/protocol/disco#info' node='n'/></iq>"},
		{"<iq to='bob@example.org/desk' id='s' type='set'><a xmlns='u'>1 &lt; "
		 "2<b/></a></iq>",
		 "<iq type=\"set\" id=\"s\" from=\"alice@example.org/phone\" "
		 "to=\"bob@example.org/desk\"><a xmlns='u'>1 &lt; 2<b/></a></iq>"},
		{"<iq to='bob@example.org/desk' id='r' type='result'/>",
		 "<iq type=\"result\" id=\"r\" from=\"alice@example.org/phone\" "
		 "to=\"bob@example.org/desk\"></iq>"},
		{"<iq to='bob@example.org/desk' id='e' type='error'><a xmlns='u'/><error "
		 "type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		 "</error></iq>",
		 "<iq type=\"error\" id=\"e\" from=\"alice@example.org/phone\" "
		 "to=\"bob@example.org/desk\"><a xmlns='u'/><error type='cancel'><item-not-found "
		 "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"},
		{"<presence to='bob@example.org/desk' id='1'><show>away</show><nick "
		 "xmlns='http://jabber.org/protocol/nick'>Al</nick></presence>",
		 "<presence id=\"1\" from=\"alice@example.org/phone\" to=\"bob@example.org/desk\">"
		 "<show>away</show><nick xmlns='http://jabber.org/protocol/nick'>Al</nick>"
		 "</presence>"},
		{"<presence to='bob@example.org' id='2' type='unavailable'/>",
		 "<presence type=\"unavailable\" id=\"2\" from=\"alice@example.org/phone\" "
		 "to=\"bob@example.org/desk\"></presence>"},
		{"<presence to='bob@example.org/desk' id='3' type='error'><error type='cancel'/>"
		 "</presence>",
		 "<presence type=\"error\" id=\"3\" from=\"alice@example.org/phone\" "
		 "to=\"bob@example.org/desk\"><error type='cancel'/></presence>"},
	};
	struct client *c = client_new(), *d = client_new();

	client_up(c, "alice", "phone");
	client_up(d, "bob", "desk");
	client_place(d, "xmpp:bob@example.org", "desk", XMPP_FEATURE_AVAILABLE);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct result r;
		struct msg   *m;

		client_says(c, table[i].says);
		m = last_msg(c);
		m->id = 8;
		assert_int_equal(m->kind, MSG_NATIVE);
		assert_int_equal(client_submit(d, m, i, &r), SUBMIT_SENT);
		has(client_sent(d), table[i].heard);
		client_answer(c, m->token, &(struct result){.msg_id = 8});
		assert_string_equal(client_sent(c), "");
		client_forget(c);
		client_forget(d);
	}
	client_free(c);
	client_free(d);
}

/* RFC 6120, 8.2.3 and 8.3.1; RFC 6121, 8.5.3.2. */
static void only_requests_hear_that_nobody_is_there(void **state)
{
	static const struct {
		const char *says, *error; /* NULL: nothing */
	} table[] = {
		{"<iq to='bob@example.org/x' id='1' type='get'><a xmlns='u'/></iq>",
		 "<iq type=\"error\" id=\"1\" from=\"bob@example.org/x\"><error type=\"cancel\">"
		 "<service-unavailable"},
		{"<iq to='bob@example.org/x' id='2' type='set'><a xmlns='u'/></iq>",
		 "<iq type=\"error\" id=\"2\" from=\"bob@example.org/x\"><error type=\"cancel\">"
		 "<service-unavailable"},
		{"<iq to='bob@example.org/x' id='3' type='result'/>", NULL},
		{"<iq to='bob@example.org/x' id='4' type='error'><error/></iq>", NULL},
		{"<presence to='bob@example.org/x'/>", NULL},
		{"<presence to='bob@example.org' type='unavailable'/>", NULL},
		{"<presence to='bob@example.org/x' type='error'><error/></presence>", NULL},
		{"<message to='bob@example.org/x' id='5' type='error'><error/></message>", NULL},
	};
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	client_place(c, "xmpp:bob@example.org", "x", XMPP_FEATURE_AVAILABLE);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *sent;

		client_says(c, table[i].says);
		client_answer(c, last_msg(c)->token,
			      &(struct result){.why = REASON_NOT_REGISTERED});
		client_forget(c);
		sent = client_sent(c);
		if (table[i].error == NULL)
			assert_string_equal(sent, "");
		else
			has(sent, table[i].error);
	}
	assert_int_equal(((struct xmpp_session *)c->session)->in.count, 0);
	client_free(c);
}

#define PING "<ping xmlns='urn:xmpp:ping'/></iq>"

static void a_request_that_names_no_client_goes_nowhere(void **state)
{
	static const struct {
		const char *says, *answer; /* NULL: nothing */
	} table[] = {
		{"<iq type='get' id='1' to='bob@example.org'>" PING, "<service-unavailable"},
		{"<iq type='get' id='1' to='example.org/x'>" PING, "<service-unavailable"},
		{"<iq type='get' id='1' to='a b@example.org/x'>" PING, "<jid-malformed"},
		{"<iq type='get' to='bob@example.org/desk'>" PING, "<bad-request"},
		{"<iq id='1' to='bob@example.org/desk'>" PING, "<bad-request"},
		{"<iq type='get' id='1' to='bob@example.org/desk'/>", "<bad-request"},
		{"<iq type='get' id='1' to='bob@example.org/desk'><a xmlns='u'/>" PING,
		 "<bad-request"},
		{"<iq type='result' id='1'/>", NULL},
		{"<iq type='result' id='1' to='example.org'/>", NULL},
		{"<iq type='result' id='1' to='bob@example.org'/>", NULL},
		{"<iq type='error' id='1' to='a b@example.org/x'/>", NULL},
		{"<iq type='result' to='bob@example.org/desk'/>", NULL},
		{"<iq type='result' id='1' to='bob@example.org/desk'><a xmlns='u'/>" PING, NULL},
		{"<presence to='example.org'/>", NULL},
		{"<presence type='probe' to='bob@example.org'/>", NULL},
		{"<presence type='subscribe' to='bob@example.org'/>", NULL},
		{"<presence type='subscribed' to='bob@example.org/desk'/>", NULL},
	};
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *sent;

		client_says(c, table[i].says);
		sent = client_sent(c);
		if (table[i].answer == NULL)
			assert_string_equal(sent, "");
		else
			has(sent, table[i].answer);
		assert_int_equal(c->event_count, 0);
	}
	client_free(c);
}

/* It names the answer, so it must come back as it was. */
/* RFC 6120, 10.4: to a domain that is not ours, whatever in it is named. */
static void what_is_for_another_domain_goes_there(void **state)
{
	static const struct {
		const char    *says, *to, *written;
		enum xmpp_kind kind;
	} table[] = {
		{"<iq type='get' id='1' to='Elsewhere.example'>" PING, "xmpp:elsewhere.example",
		 "to=\"elsewhere.example\"", XMPP_IQ},
		{"<iq type='get' id='1' to='elsewhere.example/a@b'>" PING, "xmpp:elsewhere.example",
		 "to=\"elsewhere.example/a@b\"", XMPP_IQ},
		{"<iq type='get' id='1' to='bob@elsewhere.example'><vCard "
		 "xmlns='vcard-temp'/></iq>",
		 "xmpp:bob@elsewhere.example", "to=\"bob@elsewhere.example\"", XMPP_IQ},
		{"<iq type='set' id='1' to='bob@elsewhere.example'><query "
		 "xmlns='jabber:iq:roster'/></iq>",
		 "xmpp:bob@elsewhere.example", "to=\"bob@elsewhere.example\"", XMPP_IQ},
		{"<iq type='result' id='1' to='elsewhere.example'/>", "xmpp:elsewhere.example",
		 "<iq type=\"result\" id=\"1\"", XMPP_IQ},
		{"<presence to='elsewhere.example'/>", "xmpp:elsewhere.example",
		 "to=\"elsewhere.example\"", XMPP_PRESENCE},
		{"<message to='elsewhere.example'><body>x</body></message>",
		 "xmpp:elsewhere.example", "to=\"elsewhere.example\"", XMPP_MESSAGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client  *c = client_new();
		struct xmpp_map map;
		char            room[4096], to[256];
		struct put      w = put_to(room, sizeof(room) - 1), jid = put_to(to, sizeof(to));
		struct msg     *m;

		client_up(c, "alice", "phone");
		map = xmpp_session_map(c->session, c->now);
		client_says(c, table[i].says);
		assert_string_equal(client_sent(c), "");
		m = last_msg(c);
		assert_true(str_eq(msg_addr(m, &m->to), str_of(table[i].to)));
		assert_int_equal(xmpp_map_kind(&map, m), table[i].kind);
		assert_true(xmpp_map_to_put(&map, m, STR("example.org"), &jid));
		assert_int_equal(xmpp_map_out(&map, m,
					      &(struct xmpp_way){.domain = STR("example.org"),
								 .address = {to, put_size(&jid)},
								 .id = STR("1")},
					      &w),
				 REASON_NONE);
		room[put_size(&w)] = '\0';
		has(room, table[i].written);
		has(room, "from=\"alice@example.org/phone\"");
		client_free(c);
	}
}

static void a_request_that_cannot_leave_comes_back(void **state)
{
	struct client *c = client_new();

	(void)state;
	client_up(c, "alice", "phone");
	client_says(c, "<iq type='get' id='1' to='elsewhere.example'>" PING);
	client_answer(c, last_msg(c)->token, &(struct result){.why = REASON_NO_ROUTE});
	has(client_sent(c), "<iq type=\"error\" id=\"1\" from=\"elsewhere.example\"><error "
			    "type=\"cancel\"><remote-server-not-found");
	client_says(c, "<iq type='get' id='2' to='elsewhere.example'>" PING);
	client_answer(c, last_msg(c)->token, &(struct result){.why = REASON_NO_TARGET});
	has(client_sent(c), "<remote-server-timeout");
	client_says(c, "<iq type='result' id='3' to='elsewhere.example'/>");
	client_answer(c, last_msg(c)->token, &(struct result){.why = REASON_NO_ROUTE});
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void an_id_that_has_no_place_is_refused(void **state)
{
	struct client *c = client_new();
	char           text[512], id[MSG_ORIGIN_ID_MAX + 2];

	client_up(c, "alice", "phone");
	memset(id, 'i', sizeof(id));
	id[MSG_ORIGIN_ID_MAX + 1] = '\0';
	snprintf(text, sizeof(text), "<iq type='get' to='bob@example.org/desk' id='%s'>" PING, id);
	client_says(c, text);
	has(client_sent(c), "<policy-violation");
	assert_int_equal(c->event_count, 0);
	id[MSG_ORIGIN_ID_MAX] = '\0';
	snprintf(text, sizeof(text), "<iq type='get' to='bob@example.org/desk' id='%s'>" PING, id);
	client_says(c, text);
	assert_int_equal(c->event_count, 1);
	client_free(c);
}

static void requests_and_messages_share_the_window(void **state)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	client_says(c, "<message to='bob@example.org'><body>x</body></message>"
		       "<presence to='bob@example.org/desk'/>"
		       "<iq type='result' id='1' to='bob@example.org/desk'/>"
		       "<iq type='get' id='2' to='bob@example.org/desk'>" PING);
	assert_int_equal(c->event_count, 4);
	assert_string_equal(client_sent(c), "");
	client_says(c, "<iq type='get' id='3' to='bob@example.org/desk'>" PING);
	has(client_sent(c), "<iq type=\"error\" id=\"3\" from=\"bob@example.org/desk\"><error "
			    "type=\"wait\"><resource-constraint");
	client_says(c, "<iq type='result' id='4' to='bob@example.org/desk'/>");
	assert_string_equal(client_sent(c), "");
	assert_int_equal(c->event_count, 4);
	client_answer(c, last_msg(c)->token, &(struct result){0});
	client_says(c, "<iq type='get' id='5' to='bob@example.org/desk'>" PING);
	assert_int_equal(c->event_count, 5);
	client_free(c);
}

static void a_request_from_another_protocol_cannot_go_out(void **state)
{
	struct client *c = client_new();
	struct msg    *m = msg_new(c->pool);
	struct result  r;

	client_up(c, "bob", "desk");
	assert_true(msg_append_addr(m, ADDR_SHORT, 0, 0, STR("1"), &m->from));
	assert_true(msg_append_addr(m, ADDR_URI, 0, 0, STR("xmpp:bob@example.org"), &m->to));
	m->kind = MSG_NATIVE;
	m->native_protocol = 99;
	assert_true(msg_extra_add(m, 99, XMPP_EXTRA_KIND, "\x02", 1));
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_REFUSED);
	assert_int_equal(r.why, REASON_CODING);
	assert_string_equal(client_sent(c), "");
	msg_free(m);
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_to_a_resource_becomes_a_record_for_that_place),
		cmocka_unit_test(what_one_client_says_the_other_hears),
		cmocka_unit_test(only_requests_hear_that_nobody_is_there),
		cmocka_unit_test(a_request_that_names_no_client_goes_nowhere),
		cmocka_unit_test(what_is_for_another_domain_goes_there),
		cmocka_unit_test(a_request_that_cannot_leave_comes_back),
		cmocka_unit_test(an_id_that_has_no_place_is_refused),
		cmocka_unit_test(requests_and_messages_share_the_window),
		cmocka_unit_test(a_request_from_another_protocol_cannot_go_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
