/* Messages between clients and the record, through a session. */
#include "client.h"

#include "msg/id.h"
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

static void a_message_becomes_a_record(void **state)
{
	struct client *c = client_new();
	struct msg    *m;

	client_up(c, "alice", "phone");
	client_says(c, "<message to='Bob@Example.org/Desk' id='m1' type='chat' xml:lang='sv' "
		       "from='eve@example.org'><body>hej &amp; h\xc3\xa5</body>"
		       "<thread>t7</thread><request xmlns='urn:xmpp:receipts'/>"
		       "<markable xmlns='urn:xmpp:chat-markers:0'/></message>");
	m = last_msg(c);
	assert_int_equal(m->kind, MSG_TEXT);
	assert_int_equal(m->coding, MSG_CODING_UTF8);
	assert_int_equal(m->from.kind, ADDR_E164); /* by her number, whatever she says */
	assert_true(str_eq(msg_addr(m, &m->from), STR("+46701234567")));
	assert_int_equal(m->to.kind, ADDR_URI);
	assert_true(str_eq(msg_addr(m, &m->to), STR("xmpp:bob@example.org")));
	assert_true(m->to_place == xmpp_resource_key(STR("Desk")));
	assert_true(part_is(m, m->body, "hej & h\xc3\xa5"));
	assert_true(part_is(m, m->origin_id, "m1"));
	assert_int_equal(m->wants, MSG_WANT_SUCCESS | MSG_WANT_READ);
	assert_string_equal(c->conversation, "t7");
	client_free(c);
}

static void addresses_become_what_they_name(void **state)
{
	static const struct {
		const char    *to;
		enum addr_kind kind;
		const char    *text;
	} table[] = {
		{"+46701112233@example.org", ADDR_E164, "+46701112233"},
		{"+46701112233@elsewhere.example/x", ADDR_URI,
		 "xmpp:+46701112233@elsewhere.example"},
		{"71234@example.org", ADDR_SHORT, "71234"},
		{"71234@elsewhere.example", ADDR_URI, "xmpp:71234@elsewhere.example"},
		{"carol@elsewhere.example", ADDR_URI, "xmpp:carol@elsewhere.example"},
		{"+4670111223344556677889900@example.org", ADDR_URI,
		 "xmpp:+4670111223344556677889900@example.org"},
	};
	struct client *c = client_new();
	char           text[256];

	client_up(c, "bob", "r");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg *m;

		snprintf(text, sizeof(text), "<message to='%s'><body>x</body></message>",
			 table[i].to);
		client_says(c, text);
		m = last_msg(c);
		assert_int_equal(m->to.kind, table[i].kind);
		assert_true(str_eq(msg_addr(m, &m->to), str_of(table[i].text)));
		assert_true(str_eq(msg_addr(m, &m->from), STR("xmpp:bob@example.org")));
		client_answer(c, m->token, &(struct result){0});
		client_forget(c);
	}
	client_says(c, "<message><body>to myself</body></message>");
	assert_true(str_eq(msg_addr(last_msg(c), &last_msg(c)->to), STR("xmpp:bob@example.org")));
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

/* Of any length, with any number of payloads, and beside others in one piece. */
static void a_stanza_is_read_whatever_its_length(void **state)
{
	static char    text[16384];
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	for (unsigned payloads = 0; payloads < 120; payloads += 7) {
		struct put       w = put_to(text, sizeof(text) - 1);
		struct msg      *m;
		struct msg_extra e;

		put_str(&w, STR("<message to='bob@example.org' id='m1'><body>hello</body>"));
		for (unsigned i = 0; i < payloads; i++)
			put_str(&w, STR("<x xmlns='urn:x' y='z'/>"));
		put_str(&w, STR("</message><r xmlns='urn:xmpp:sm:3'/>"));
		put_u8(&w, 0);
		assert_false(w.failed);
		client_says(c, text);
		m = last_msg(c);
		assert_true(part_is(m, m->body, "hello"));
		assert_int_equal(msg_extra_find(m, m->native_protocol, XMPP_EXTRA_PAYLOADS, &e),
				 payloads > 0);
		if (payloads > 0)
			assert_int_equal(e.value.size,
					 payloads * strlen("<x xmlns='urn:x' y='z'/>"));
		client_answer(c, m->token, &(struct result){0});
		client_forget(c);
	}
	client_free(c);
}

static void a_failure_comes_back_and_success_is_silent(void **state)
{
	struct client *c = client_new();

	client_up(c, "bob", "r");
	client_says(c,
		    "<message to='+46701112233@example.org' id='a&lt;'><body>x</body></message>");
	client_answer(c, last_msg(c)->token, &(struct result){.msg_id = 7});
	assert_string_equal(client_sent(c), "");
	client_says(c,
		    "<message to='+46701112233@example.org' id='a&lt;'><body>x</body></message>");
	client_answer(c, last_msg(c)->token, &(struct result){.why = REASON_NO_ROUTE});
	has(client_sent(c), "<message type=\"error\" id=\"a&lt;\" "
			    "from=\"+46701112233@example.org\"><error type=\"cancel\">"
			    "<remote-server-not-found ");
	/* An answer that came twice is none. */
	client_answer(c, client_last(c, EVENT_MSG)->msg->token,
		      &(struct result){.why = REASON_NO_ROUTE});
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

/* XEP-0045, 7.4 and 7.5, and RFC 6121, 8.5.3. */
static void what_is_said_in_a_room_goes_to_the_room_and_to_the_place_it_names(void **state)
{
	struct client *c = client_new();
	struct msg    *m;

	(void)state;
	client_up(c, "bob", "r");
	client_says(c, "<message to='room@conference.example' type='groupchat' id='1'><body>x"
		       "</body></message>");
	m = client_last(c, EVENT_MSG)->msg;
	assert_true(str_eq(msg_addr(m, &m->to), STR("xmpp:room@conference.example")));
	assert_int_equal(m->kind, MSG_TEXT);
	assert_true(m->alone); /* the room sends it back */
	assert_false(m->there);
	client_says(c, "<message to='alice@example.org/phone' type='groupchat' id='2'><body>x"
		       "</body></message>");
	m = client_last(c, EVENT_MSG)->msg;
	assert_true(m->there);
	assert_true(m->to_place == xmpp_resource_key(STR("phone")));
	client_says(c, "<message to='alice@example.org/phone' type='chat' id='3'><body>x"
		       "</body></message>");
	assert_false(client_last(c, EVENT_MSG)->msg->there);
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void what_cannot_be_taken_comes_back_at_once(void **state)
{
	static const struct {
		const char *says, *error;
	} table[] = {
		{"<message to='a b@example.org' id='1'><body>x</body></message>", "<jid-malformed"},
		{"<message to='' id='1'><body>x</body></message>", "<jid-malformed"},
		{"<message to='example.org' id='1'><body>x</body></message>",
		 "<service-unavailable"},
		{"<message to='alice@example.org' type='groupchat' id='1'><body>x</body></message>",
		 "<service-unavailable"},
		{"<message to='example.org' type='groupchat' id='1'><body>x</body></message>",
		 "<service-unavailable"},
		{"<message type='groupchat' id='1'><body>x</body></message>",
		 "<service-unavailable"},
	};
	struct client *c = client_new();
	char           text[9000];
	int            n;

	client_up(c, "bob", "r");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		client_says(c, table[i].says);
		has(client_sent(c), table[i].error);
		assert_int_equal(c->event_count, 0);
	}
	n = snprintf(text, sizeof(text), "<message to='carol@x' id='1'><body>");
	memset(text + n, 'x', 8193);
	snprintf(text + n + 8193, sizeof(text) - (size_t)n - 8193, "</body></message>");
	client_says(c, text);
	has(client_sent(c), "<policy-violation");
	for (unsigned i = 0; i < 5; i++)
		client_says(c, "<message to='carol@x' id='w'><body>x</body></message>");
	assert_int_equal(c->event_count, 4); /* the window */
	has(client_sent(c),
	    "<message type=\"error\" id=\"w\" from=\"carol@x\"><error type=\"wait\">"
	    "<resource-constraint");
	client_free(c);
}

static void what_says_nothing_is_ignored(void **state)
{
	static const char *const table[] = {
		"<message to='carol@x'/>",
		"<message to='carol@x' type='error' />",
	};
	struct client *c = client_new();

	client_up(c, "bob", "r");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		client_says(c, table[i]);
	assert_int_equal(c->event_count, 0);
	assert_string_equal(client_sent(c), "");
	assert_int_equal(c->metrics->value[METRIC_xmpp_stanzas_ignored], 2);
	client_free(c);
}

static void receipts_markers_and_states_are_what_they_are_elsewhere(void **state)
{
	static const struct {
		const char    *inside;
		enum msg_kind  kind;
		enum msg_state state;
		const char    *text; /* of whose id, or the body */
	} table[] = {
		{"><received xmlns='urn:xmpp:receipts' id='77'/>", MSG_RECEIPT, MSG_STATE_DELIVERED,
		 "77"},
		{"><received xmlns='urn:xmpp:chat-markers:0' id='77'/>", MSG_RECEIPT,
		 MSG_STATE_DELIVERED, "77"},
		{"><displayed xmlns='urn:xmpp:chat-markers:0' id='77'/>", MSG_READ_REPORT,
		 MSG_STATE_DELIVERED, "77"},
		{" type='error' id='77'><error type='cancel'/>", MSG_RECEIPT,
		 MSG_STATE_UNDELIVERABLE, "77"},
		{"><composing xmlns='http://jabber.org/protocol/chatstates'/>", MSG_COMPOSING, 0,
		 "active"},
		{"><paused xmlns='http://jabber.org/protocol/chatstates'/>", MSG_COMPOSING, 0,
		 "idle"},
		{"><active xmlns='http://jabber.org/protocol/chatstates'/>", MSG_COMPOSING, 0,
		 "idle"},
		{"><gone xmlns='http://jabber.org/protocol/chatstates'/>", MSG_COMPOSING, 0,
		 "gone"},
		{"><active xmlns='http://jabber.org/protocol/chatstates'/><body>x</body>", MSG_TEXT,
		 0, "x"},
	};
	struct client *c = client_new();
	char           text[512];

	client_up(c, "bob", "r");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg *m;

		snprintf(text, sizeof(text), "<message to='carol@x'%s</message>", table[i].inside);
		client_says(c, text);
		m = last_msg(c);
		assert_int_equal(m->kind, table[i].kind);
		assert_int_equal(m->receipt.state, table[i].state);
		assert_true(part_is(m, msg_is_report(m) ? m->receipt.remote_id : m->body,
				    table[i].text));
		client_answer(c, m->token, &(struct result){0});
		client_forget(c);
	}
	client_free(c);
}

/* A record from elsewhere. */
static struct msg *record(struct client *c, enum msg_kind kind, enum addr_kind from_kind,
			  const char *from, enum msg_coding coding, struct str body)
{
	struct msg *m = msg_new(c->pool);

	assert_non_null(m);
	assert_true(msg_append_addr(m, from_kind, 0, 0, str_of(from), &m->from));
	assert_true(msg_append_addr(m, ADDR_URI, 0, 0, STR("xmpp:bob@example.org"), &m->to));
	m->id = 4711;
	m->kind = (uint8_t)kind;
	m->coding = (uint8_t)coding;
	m->native_protocol = 99;
	m->received_us = c->now.us;
	assert_true(msg_append(m, body.p, body.n, &m->body));
	return m;
}

static void a_short_message_becomes_a_chat_message(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;

	client_up(c, "bob", "desk");
	m = record(c, MSG_TEXT, ADDR_E164, "+46709998877", MSG_CODING_GSM7, STR("hej \x0f <&>"));
	m->wants = MSG_WANT_SUCCESS | MSG_WANT_READ;
	assert_int_equal(client_submit(c, m, 5, &r), SUBMIT_SENT);
	has(client_sent(c),
	    "<message type=\"chat\" id=\"cpm4711\" from=\"+46709998877@example.org\" "
	    "to=\"bob@example.org/desk\"><body>hej \xc3\xa5 &lt;&amp;&gt;</body>"
	    "<request xmlns=\"urn:xmpp:receipts\"/><markable");
	assert_int_equal(client_last(c, EVENT_RESULT)->token, 5);
	assert_int_equal(client_last(c, EVENT_RESULT)->result.why, REASON_NONE);
	assert_int_equal(client_last(c, EVENT_RESULT)->result.remote_id_size, 7);
	assert_memory_equal(client_last(c, EVENT_RESULT)->result.remote_id, "cpm4711", 7);
	msg_free(m);
	client_free(c);
}

static void a_message_from_client_to_client_arrives_as_it_was(void **state)
{
	struct client *c = client_new(), *d = client_new();
	struct result  r;
	const char    *sent;
	struct msg    *m;

	client_up(c, "alice", "phone");
	client_up(d, "bob", "desk");
	client_says(c, "<message to='bob@example.org' id='m-1' type='normal' xml:lang='de'>"
		       "<subject>S&amp;T</subject><thread>t</thread><body>a\n\tb</body>"
		       "<x xmlns='jabber:x:oob'><url>http://u</url></x>"
		       "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
		       "<replace xmlns='urn:xmpp:message-correct:0' id='m-0'/>"
		       "<c xmlns='u'><![CDATA[<&]]]>\r\n&#13;</c></message>");
	d->now.us += 60 * US_PER_SECOND;
	d->now.wall_ms += 60000;
	m = last_msg(c);
	m->id = 8;
	assert_int_equal(client_submit(d, m, 1, &r), SUBMIT_SENT);
	sent = client_sent(d);
	has(sent, "<message type=\"normal\" id=\"m-1\" from=\"alice@example.org/phone\" "
		  "to=\"bob@example.org/desk\" xml:lang=\"de\">");
	has(sent, "<body>a&#10;&#9;b</body>");
	has(sent, "<c xmlns='u'>&lt;&amp;]\n&#13;</c>");
	has(sent, "<stanza-id xmlns=\"urn:xmpp:sid:0\" by=\"bob@example.org\" id=\"8\"/>"
		  "<delay xmlns=\"urn:xmpp:delay\" from=\"example.org\" "
		  "stamp=\"2026-09-21T14:13:20Z\"/></message>");
	has(sent, "<subject>S&amp;T</subject>");
	has(sent, "<thread>t</thread>");
	has(sent, "<x xmlns='jabber:x:oob'><url>http://u</url></x>");
	has(sent, "<replace xmlns='urn:xmpp:message-correct:0' id='m-0'/>");
	client_free(c);
	client_free(d);
}

#define DELAY "<delay xmlns='urn:xmpp:delay'"
#define OUR_DELAY "<delay xmlns=\"urn:xmpp:delay\" from=\"example.org\" stamp="

/* XEP-0203: it may have waited twice, and who waited with it says so. */
static void a_delay_that_a_client_tells_of_goes_along_beside_ours(void **state)
{
	static const struct {
		const char *says;
		bool        goes;
	} table[] = {
		{DELAY " stamp='2026-09-20T10:00:00Z'/>", true},
		{DELAY " stamp='2026-09-20T10:00:00Z' from='alice@example.org/phone'/>", true},
		{DELAY " stamp='2026-09-20T10:00:00Z' from='elsewhere.example'>slow</delay>", true},
		{DELAY " stamp='2026-09-20T10:00:00Z' from='a b@example.org'/>", true},
		{DELAY " stamp='2026-09-20T10:00:00Z' from='example.org'/>", false},
		{DELAY " stamp='2026-09-20T10:00:00Z' from='Example.org/x'/>", false},
		{DELAY " stamp='2026-09-20T10:00:00Z' from='example.&#110;et'/>", false},
	};
	static const struct {
		unsigned    waited_s;
		const char *stamp; /* NULL: none of ours */
	} waits[] = {
		{0, NULL}, {4, NULL}, {5, "2026-09-21T14:13:20Z"}, {90000, "2026-09-21T14:13:20Z"}};
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (size_t k = 0; k < sizeof(waits) / sizeof(waits[0]); k++) {
			struct client *d = client_new();
			struct result  r;
			char           text[512];
			const char    *sent, *ours;

			client_up(d, "bob", "desk");
			snprintf(text, sizeof(text),
				 "<message to='bob@example.org'><body>x</body>%s</message>",
				 table[i].says);
			client_says(c, text);
			d->now.us += waits[k].waited_s * US_PER_SECOND;
			d->now.wall_ms += waits[k].waited_s * 1000ull;
			assert_int_equal(client_submit(d, last_msg(c), 1, &r), SUBMIT_SENT);
			sent = client_sent(d);
			assert_int_equal(strstr(sent, table[i].says) != NULL, table[i].goes);
			ours = strstr(sent, OUR_DELAY);
			assert_int_equal(ours != NULL, waits[k].stamp != NULL);
			if (ours != NULL) {
				has(ours, waits[k].stamp);
				assert_null(strstr(ours + 1, OUR_DELAY));
			}
			client_answer(c, last_msg(c)->token, &(struct result){0});
			client_forget(c);
			client_free(d);
		}
	}
	client_free(c);
}

/* Its window is full until the client acknowledges (XEP-0198). */
static void what_waited_for_a_full_window_says_since_when(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;

	client_up(c, "bob", "desk");
	client_says(c, "<enable xmlns='urn:xmpp:sm:3'/>");
	m = record(c, MSG_TEXT, ADDR_E164, "+46709998877", MSG_CODING_ASCII, STR("hej"));
	for (unsigned i = 0; i < c->settings.window_max; i++)
		assert_int_equal(client_submit(c, m, i, &r), SUBMIT_SENT);
	assert_null(strstr(client_sent(c), "<delay"));
	assert_int_equal(client_submit(c, m, 9, &r), SUBMIT_LATER);
	c->now.us += 8 * US_PER_SECOND;
	c->now.wall_ms += 8000;
	assert_int_equal(client_submit(c, m, 9, &r), SUBMIT_LATER);
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='4'/>");
	client_sent(c);
	assert_int_equal(client_submit(c, m, 9, &r), SUBMIT_SENT);
	has(client_sent(c), OUR_DELAY "\"2026-09-21T14:13:20Z\"/>");
	msg_free(m);
	client_free(c);
}

static void reports_and_states_become_stanzas(void **state)
{
	static const struct {
		enum msg_kind  kind;
		enum msg_state state;
		const char    *body, *stanza; /* NULL: nothing is written */
	} table[] = {
		{MSG_RECEIPT, MSG_STATE_DELIVERED, "",
		 "><received xmlns=\"urn:xmpp:receipts\" "
		 "id=\"m1\"/></message>"},
		{MSG_READ_REPORT, MSG_STATE_DELIVERED, "",
		 "<displayed xmlns=\"urn:xmpp:chat-markers:0\" id=\"m1\"/>"},
		{MSG_RECEIPT, MSG_STATE_ENROUTE, "", NULL},
		{MSG_RECEIPT, MSG_STATE_ACCEPTED, "", NULL},
		{MSG_RECEIPT, MSG_STATE_UNDELIVERABLE, "", "<message type=\"error\" id=\"m1\" "},
		{MSG_RECEIPT, MSG_STATE_EXPIRED, "", "<message type=\"error\" id=\"m1\" "},
		{MSG_COMPOSING, 0, "active",
		 "<composing xmlns=\"http://jabber.org/protocol/chatstates\"/></message>"},
		{MSG_COMPOSING, 0, "idle",
		 "<active xmlns=\"http://jabber.org/protocol/chatstates\"/></message>"},
		{MSG_COMPOSING, 0, "gone",
		 "<gone xmlns=\"http://jabber.org/protocol/chatstates\"/></message>"},
	};
	struct client *c = client_new();

	client_up(c, "bob", "desk");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg   *m = record(c, table[i].kind, ADDR_E164, "+46709998877",
					 MSG_CODING_ASCII, str_of(table[i].body));
		struct result r;
		const char   *sent;

		m->receipt.state = (uint8_t)table[i].state;
		assert_true(msg_append(m, "m1", 2, &m->origin_id));
		assert_int_equal(client_submit(c, m, i, &r), SUBMIT_SENT);
		sent = client_sent(c);
		if (table[i].stanza == NULL)
			assert_string_equal(sent, "");
		else
			has(sent, table[i].stanza);
		assert_int_equal(client_last(c, EVENT_RESULT)->token, i);
		msg_free(m);
	}
	client_free(c);
}

static void senders_have_an_address_of_xmpp_or_cannot_go_out(void **state)
{
	static const struct {
		enum addr_kind kind;
		const char    *from, *jid; /* NULL: refused */
	} table[] = {
		{ADDR_E164, "+46709998877", "+46709998877@example.org"},
		{ADDR_SHORT, "71234", "71234@example.org"},
		{ADDR_ALPHA, "bank 24", "bank\\2024@example.org"},
		{ADDR_URI, "sip:carol@sip.example", "carol@sip.example"},
		{ADDR_URI, "carol@sip.example", "carol@sip.example"},
		{ADDR_URI, "xmpp:carol@x.example", "carol@x.example"},
		{ADDR_URI, "sip:o'carol@sip.example", "o\\27carol@sip.example"},
		{ADDR_NONE, "", "example.org"},
		{ADDR_ALPHA, " bank", NULL},
		{ADDR_URI, "sip:carol", NULL},
	};
	struct client *c = client_new();
	char           want[128];

	client_up(c, "bob", "desk");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg   *m = record(c, MSG_TEXT, table[i].kind, table[i].from, MSG_CODING_UTF8,
					 STR("x"));
		struct result r;

		assert_int_equal(client_submit(c, m, i, &r),
				 table[i].jid != NULL ? SUBMIT_SENT : SUBMIT_REFUSED);
		if (table[i].jid != NULL) {
			snprintf(want, sizeof(want), " from=\"%s\" ", table[i].jid);
			has(client_sent(c), want);
		} else {
			assert_int_equal(r.why, REASON_SENDER);
			assert_string_equal(client_sent(c), "");
		}
		msg_free(m);
	}
	client_free(c);
}

static void each_report_is_asked_for_by_itself(void **state)
{
	static const struct {
		const char *inside;
		uint8_t     wants;
	} table[] = {
		{"", 0},
		{"<request xmlns='urn:xmpp:receipts'/>", MSG_WANT_SUCCESS},
		{"<markable xmlns='urn:xmpp:chat-markers:0'/>", MSG_WANT_READ},
		{"<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>",
		 MSG_WANT_SUCCESS | MSG_WANT_READ},
	};
	struct client *c = client_new();
	char           text[512];

	client_up(c, "bob", "r");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text),
			 "<message to='carol@x' id='1'><body>x</body>%s</message>",
			 table[i].inside);
		client_says(c, text);
		assert_int_equal(last_msg(c)->wants, table[i].wants);
	}
	client_free(c);
}

static void characters_that_xml_has_not_are_replaced(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;

	client_up(c, "bob", "desk");
	/* A page break of GSM 03.38; a character that is none, of UCS-2. */
	m = record(c, MSG_TEXT, ADDR_SHORT, "1", MSG_CODING_GSM7, STR("a\x1b\nb"));
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_SENT);
	has(client_sent(c), "<body>a b</body>");
	msg_free(m);
	m = record(c, MSG_TEXT, ADDR_SHORT, "1", MSG_CODING_UCS2,
		   (struct str){"\0a\xff\xfe\xff\xff", 6});
	assert_int_equal(client_submit(c, m, 2, &r), SUBMIT_SENT);
	has(client_sent(c), "<body>a\xef\xbf\xbd\xef\xbf\xbd</body>");
	msg_free(m);
	client_free(c);
}

static void what_is_no_text_cannot_go_out(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;

	client_up(c, "bob", "desk");
	m = record(c, MSG_BINARY, ADDR_SHORT, "1", MSG_CODING_BINARY, STR("x"));
	assert_int_equal(client_submit(c, m, 2, &r), SUBMIT_REFUSED);
	assert_int_equal(r.why, REASON_CODING);
	msg_free(m);
	client_free(c);
}

static void a_client_that_acknowledges_is_believed(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;

	client_up(c, "bob", "desk");
	client_says(c, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
	assert_string_equal(client_sent(c), "<enabled xmlns=\"urn:xmpp:sm:3\"/>");
	m = record(c, MSG_TEXT, ADDR_SHORT, "1", MSG_CODING_UTF8, STR("x"));
	for (uint64_t token = 1; token <= 4; token++)
		assert_int_equal(client_submit(c, m, token, &r), SUBMIT_SENT);
	assert_int_equal(client_submit(c, m, 5, &r), SUBMIT_LATER); /* the window */
	assert_int_equal(c->event_count, 0);
	has(client_sent(c), "<r xmlns=\"urn:xmpp:sm:3\"/>");
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
	assert_int_equal(c->event_count, 3);
	assert_int_equal(c->events[0].token, 1);
	assert_int_equal(c->events[1].token, 2);
	assert_int_equal(c->events[2].kind, EVENT_READY);
	assert_string_equal(client_sent(c), "<r xmlns=\"urn:xmpp:sm:3\"/>"); /* for the rest */
	c->now.us += 10 * US_PER_SECOND;
	client_tick(c);
	assert_int_equal(c->event_count, 5); /* it did not say in time */
	assert_int_equal(c->events[4].token, 4);
	assert_int_equal(c->events[4].result.why, REASON_UNKNOWN_OUTCOME);
	assert_true(c->events[4].result.maybe_sent);
	client_says(c, "<presence/><r xmlns='urn:xmpp:sm:3'/>");
	assert_string_equal(client_sent(c), "<a xmlns=\"urn:xmpp:sm:3\" h=\"1\"/>");
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='5'/>");
	has(client_sent(c), "<stream:error><undefined-condition");
	msg_free(m);
	client_free(c);
}

/* Its own count may lag behind for good. */
static void a_client_has_what_it_sends_a_receipt_of_and_all_before_it(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;
	char           id[64], says[256];
	unsigned       done = 0;

	client_up(c, "bob", "desk");
	client_says(c, "<enable xmlns='urn:xmpp:sm:3'/>");
	m = record(c, MSG_TEXT, ADDR_SHORT, "1", MSG_CODING_UTF8, STR("x"));
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_SENT);
	client_sent(c);
	m->id++;
	assert_int_equal(client_submit(c, m, 2, &r), SUBMIT_SENT);
	assert_int_equal(sscanf(strstr(client_sent(c), " id=\""), " id=\"%63[^\"]", id), 1);
	client_says(c, "<message to='1@example.org'><received xmlns='urn:xmpp:receipts' "
		       "id='no such'/></message>");
	snprintf(says, sizeof(says),
		 "<message to='1@example.org'><received xmlns='urn:xmpp:receipts' "
		 "id='%s'/></message>",
		 id);
	for (unsigned i = 0; i < c->event_count; i++)
		assert_int_not_equal(c->events[i].kind, EVENT_RESULT);
	client_says(c, says);
	client_tick(c);
	for (unsigned i = 0; i < c->event_count; i++) {
		if (c->events[i].kind != EVENT_RESULT)
			continue;
		assert_int_equal(c->events[i].token, ++done);
		assert_int_equal(c->events[i].result.why, REASON_NONE);
	}
	assert_int_equal(done, 2);
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	assert_null(strstr(client_sent(c), "<stream:error>"));
	msg_free(m);
	client_free(c);
}

/* XEP-0198, 4: not messages alone. */
static void every_stanza_that_is_sent_may_be_acknowledged(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;

	c->settings.keepalive_us = 60 * US_PER_SECOND;
	client_up(c, "bob", "desk");
	client_says(c, "<enable xmlns='urn:xmpp:sm:3'/><iq type='get' id='1'><ping "
		       "xmlns='urn:xmpp:ping'/></iq><iq type='get' id='2'><x xmlns='u'/></iq>"
		       "<message to='+4999@example.org' id='3'><body>x</body></message>");
	client_answer(c, last_msg(c)->token, &(struct result){.why = REASON_NO_ROUTE});
	c->now.us += 60 * US_PER_SECOND;
	client_tick(c); /* our ping is the fourth */
	client_sent(c);
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='4'/>");
	assert_true(xmpp_ops.ready(c->session));
	m = record(c, MSG_TEXT, ADDR_SHORT, "1", MSG_CODING_UTF8, STR("x"));
	client_forget(c);
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_SENT);
	assert_int_equal(c->event_count, 0);
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='5'/>");
	assert_int_equal(client_last(c, EVENT_RESULT)->result.why, REASON_NONE);
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='6'/>");
	has(client_sent(c), "<stream:error><undefined-condition");
	msg_free(m);
	client_free(c);
}

static void what_a_stream_leaves_open_has_no_known_outcome(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;
	uint64_t       token;

	client_up(c, "bob", "desk");
	client_says(c, "<enable xmlns='urn:xmpp:sm:3'/>");
	m = record(c, MSG_TEXT, ADDR_SHORT, "1", MSG_CODING_UTF8, STR("x"));
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_SENT);
	assert_int_equal(client_submit(c, m, 2, &r), SUBMIT_SENT);
	xmpp_ops.close(c->session, c->now, REASON_CONNECTION_RESET, NULL);
	assert_true(xmpp_ops.drain(c->session, &token));
	assert_int_equal(token, 1);
	assert_true(xmpp_ops.drain(c->session, &token));
	assert_int_equal(token, 2);
	assert_false(xmpp_ops.drain(c->session, &token));
	assert_int_equal(((struct xmpp_instance *)c->instance)->blocks.used, 0);
	msg_free(m);
	client_free(c);
}

static void nobody_who_does_not_look_is_told_of_typing(void **state)
{
	struct client *c = client_new();
	struct msg    *m;
	struct result  r;

	client_up(c, "bob", "desk");
	m = record(c, MSG_COMPOSING, ADDR_SHORT, "1", MSG_CODING_ASCII, STR("active"));
	client_says(c, "<inactive xmlns='urn:xmpp:csi:0'/>");
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_SENT);
	assert_string_equal(client_sent(c), "");
	assert_int_equal(client_last(c, EVENT_RESULT)->result.why, REASON_NONE);
	client_says(c, "<active xmlns='urn:xmpp:csi:0'/>");
	assert_int_equal(client_submit(c, m, 2, &r), SUBMIT_SENT);
	has(client_sent(c), "<composing");
	msg_free(m);
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_becomes_a_record),
		cmocka_unit_test(addresses_become_what_they_name),
		cmocka_unit_test(a_stanza_is_read_whatever_its_length),
		cmocka_unit_test(a_failure_comes_back_and_success_is_silent),
		cmocka_unit_test(what_is_said_in_a_room_goes_to_the_room_and_to_the_place_it_names),
		cmocka_unit_test(what_cannot_be_taken_comes_back_at_once),
		cmocka_unit_test(what_says_nothing_is_ignored),
		cmocka_unit_test(receipts_markers_and_states_are_what_they_are_elsewhere),
		cmocka_unit_test(a_short_message_becomes_a_chat_message),
		cmocka_unit_test(a_delay_that_a_client_tells_of_goes_along_beside_ours),
		cmocka_unit_test(what_waited_for_a_full_window_says_since_when),
		cmocka_unit_test(a_message_from_client_to_client_arrives_as_it_was),
		cmocka_unit_test(reports_and_states_become_stanzas),
		cmocka_unit_test(senders_have_an_address_of_xmpp_or_cannot_go_out),
		cmocka_unit_test(each_report_is_asked_for_by_itself),
		cmocka_unit_test(characters_that_xml_has_not_are_replaced),
		cmocka_unit_test(what_is_no_text_cannot_go_out),
		cmocka_unit_test(a_client_that_acknowledges_is_believed),
		cmocka_unit_test(a_client_has_what_it_sends_a_receipt_of_and_all_before_it),
		cmocka_unit_test(every_stanza_that_is_sent_may_be_acknowledged),
		cmocka_unit_test(what_a_stream_leaves_open_has_no_known_outcome),
		cmocka_unit_test(nobody_who_does_not_look_is_told_of_typing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
