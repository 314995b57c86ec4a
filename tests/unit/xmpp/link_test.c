/* Streams of components and of servers, told by text what the other side says. */
#include "client.h"

#include <openssl/evp.h>

#include "xmpp/session_private.h"

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static void hears(struct client *c, const char *what)
{
	has(client_sent(c), what);
}

static void is_addr(const struct msg *m, const struct addr *a, const char *text)
{
	assert_true(str_eq(msg_addr(m, a), str_of(text)));
}

static void opens(struct client *c, const struct proto_open *how)
{
	struct proto_open open = *how;
	struct out        out = client_out(c);

	open.instance = c->instance;
	open.settings = &c->settings;
	open.login_us = 5 * US_PER_SECOND;
	memset(c->session, 0, xmpp_ops.session_size);
	xmpp_ops.open(c->session, c->now, &open, &out);
	client_took(c, &out);
}

/* The value of an attribute of the first tag that has it. */
static void value_of(const char *text, const char *name, char room[128])
{
	char        begin[40];
	const char *at;

	snprintf(begin, sizeof(begin), " %s=\"", name);
	at = strstr(text, begin);
	assert_non_null(at);
	at += strlen(begin);
	snprintf(room, 128, "%.*s", (int)strcspn(at, "\""), at);
}

static struct msg *text_from(struct client *c, enum addr_kind kind, const char *from,
			     const char *to)
{
	struct msg *m = msg_new(c->pool);

	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_UTF8;
	m->native_protocol = 200; /* another */
	m->id = 77;
	assert_true(msg_append_addr(m, kind, 0, 0, str_of(from), &m->from));
	assert_true(msg_append_addr(m, str_starts(str_of(to), STR("xmpp:")) ? ADDR_URI : ADDR_E164,
				    0, 0, str_of(to), &m->to));
	assert_true(msg_append(m, "hi", 2, &m->body));
	return m;
}

static enum submit submits(struct client *c, struct msg *m, struct result *result)
{
	struct out  out = client_out(c);
	enum submit done = xmpp_ops.submit(c->session, c->now, m, NULL, 5, &out, result);

	client_took(c, &out);
	client_tick(c);
	msg_free(m);
	return done;
}

/* ---- components ---- */

#define COMPONENT_HEAD(attributes)                                                                 \
	"<stream:stream xmlns='jabber:component:accept' "                                          \
	"xmlns:stream='http://etherx.jabber.org/streams' " attributes ">"

static void login(struct client *c, enum reason why)
{
	struct login_verdict v = {.why = why, .settings = &c->settings};
	struct out           out = client_out(c);

	xmpp_ops.login(c->session, c->now, &v, &out);
	client_took(c, &out);
}

static struct client *component_new(void)
{
	struct client *c = client_new();

	opens(c, &(struct proto_open){.role = PROTO_ACCEPTED,
				      .link = LINK_COMPONENT,
				      .domain = STR("example.org")});
	client_says(c, COMPONENT_HEAD("to='Bot.example.org'"));
	return c;
}

static struct client *component_up(void)
{
	struct client *c = component_new();

	client_says(c, "<handshake>00</handshake>");
	login(c, REASON_NONE);
	assert_true(xmpp_ops.ready(c->session));
	client_sent(c);
	return c;
}

static void a_component_logs_in_as_its_domain_by_a_hash(void **state)
{
	struct client *c = component_new();
	char           id[128];
	const char    *sent = client_sent(c);

	(void)state;
	has(sent, "<stream:stream xmlns=\"jabber:component:accept\"");
	has(sent, "from=\"bot.example.org\"");
	value_of(sent, "id", id);
	client_says(c, "<handshake>32532c0f7dbf1253c095b18b18e36d38d94c1256</handshake>");
	assert_string_equal(c->identity, "bot.example.org");
	assert_string_equal(c->proof, "32532c0f7dbf1253c095b18b18e36d38d94c1256");
	assert_string_equal(c->challenge, id);
	assert_false(xmpp_ops.ready(c->session));
	login(c, REASON_NONE);
	hears(c, "<handshake/>");
	assert_true(xmpp_ops.ready(c->session));
	client_free(c);
}

static void who_does_not_prove_it_is_told_so(void **state)
{
	static const struct {
		enum reason why;
		const char *error;
	} table[] = {{REASON_PASSWORD, "<not-authorized "},
		     {REASON_SYSTEM_ID, "<host-unknown "},
		     {REASON_BIND_LIMIT, "<conflict "}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client *c = component_new();

		client_says(c, "<handshake>00</handshake>");
		login(c, table[i].why);
		hears(c, table[i].error);
		assert_false(xmpp_ops.ready(c->session));
		client_free(c);
	}
}

static void before_it_has_logged_in_a_component_says_nothing(void **state)
{
	struct client *c = component_new();

	(void)state;
	client_says(c, "<message from='a@bot.example.org' to='bob@example.org'><body>x</body>"
		       "</message>");
	hears(c, "<not-authorized ");
	client_last(c, EVENT_CLOSE);
	client_free(c);
}

static void a_component_sends_as_its_own_users_alone(void **state)
{
	static const char *const others[] = {"alice@example.org", "a@chat.example", "a@org"};
	struct client           *c;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[256];

		c = component_up();
		snprintf(text, sizeof(text),
			 "<message from='%s' to='bob@example.org'><body>x</body></message>",
			 others[i]);
		client_says(c, text);
		hears(c, "<invalid-from ");
		client_last(c, EVENT_CLOSE);
		client_free(c);
	}
	c = component_up();
	client_says(c, "<message to='bob@example.org'><body>x</body></message>");
	is_addr(client_last(c, EVENT_MSG)->msg, &client_last(c, EVENT_MSG)->msg->from,
		"xmpp:bot.example.org"); /* which libraries leave out */
	client_says(c, "<message from='' to='bob@example.org'><body>x</body></message>");
	hears(c, "<improper-addressing ");
	client_free(c);
}

static void what_a_component_sends_comes_back_to_the_one_that_sent_it(void **state)
{
	struct client *c = component_up();
	struct msg    *m;

	(void)state;
	client_says(c, "<message from='news@bot.example.org/x' to='+46701112233@example.org' "
		       "id='n1'><body>x</body><request xmlns='urn:xmpp:receipts'/></message>");
	m = client_last(c, EVENT_MSG)->msg;
	is_addr(m, &m->from, "xmpp:news@bot.example.org");
	is_addr(m, &m->to, "+46701112233");
	assert_true(part_is(m, m->origin_id, "n1"));
	client_answer(c, m->token, &(struct result){.why = REASON_NO_ROUTE});
	hears(c, "<message type=\"error\" id=\"n1\" from=\"+46701112233@example.org\" "
		 "to=\"news@bot.example.org/x\"><error type=\"cancel\"><remote-server-not-found");
	client_says(c, "<iq type='get' id='q' from='bot.example.org' to='example.org'><ping "
		       "xmlns='urn:xmpp:ping'/></iq>");
	hears(c, "<iq type=\"result\" id=\"q\" from=\"example.org\" to=\"bot.example.org\"></iq>");
	client_free(c);
}

/* Rosters, block lists and copies are of those who logged in with a password of their own. */
static void what_accounts_have_is_refused_to_a_link(void **state)
{
	static const char *const asks[] = {
		"type='get'><query xmlns='jabber:iq:roster'/>",
		"type='set'><query xmlns='jabber:iq:roster'><item jid='a@x.example'/></query>",
		"type='get'><blocklist xmlns='urn:xmpp:blocking'/>",
		"type='set'><block xmlns='urn:xmpp:blocking'><item jid='a@x.example'/></block>",
		"type='set'><unblock xmlns='urn:xmpp:blocking'/>",
		"type='set'><enable xmlns='urn:xmpp:carbons:2'/>",
		"type='set'><disable xmlns='urn:xmpp:carbons:2'/>",
	};
	struct client *c = component_up();
	char           text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		snprintf(text, sizeof(text),
			 "<iq id='r' from='x@bot.example.org' to='example.org' %s</iq>", asks[i]);
		client_says(c, text);
		hears(c, "<service-unavailable");
		assert_int_equal(c->event_count, 0);
	}
	client_free(c);
}

static void a_component_without_users_is_reached_as_its_domain(void **state)
{
	struct client *c = component_up();
	struct result  result;
	struct msg    *m;

	(void)state;
	assert_int_equal(
		submits(c, text_from(c, ADDR_URI, "xmpp:bob@example.org", "xmpp:bot.example.org"),
			&result),
		SUBMIT_SENT);
	hears(c, "from=\"bob@example.org\" to=\"bot.example.org\"");
	client_says(c, "<presence from='bot.example.org' to='elsewhere.example'/>");
	m = client_last(c, EVENT_MSG)->msg;
	is_addr(m, &m->from, "xmpp:bot.example.org");
	is_addr(m, &m->to, "xmpp:elsewhere.example");
	client_says(c, "<iq type='get' id='q' from='bot.example.org' to='elsewhere.example'><ping "
		       "xmlns='urn:xmpp:ping'/></iq>");
	is_addr(client_last(c, EVENT_MSG)->msg, &client_last(c, EVENT_MSG)->msg->to,
		"xmpp:elsewhere.example");
	client_says(c, "<message from='bot.example.org' to='elsewhere.example'><body>x</body>"
		       "</message>");
	assert_int_equal(c->event_count, 4);
	client_sent(c);
	client_says(c, "<presence from='bot.example.org' to='example.org'/>");
	assert_string_equal(client_sent(c), "");
	client_says(c, "<message from='bot.example.org' to='example.org' id='1'><body>x</body>"
		       "</message>");
	hears(c, "<service-unavailable");
	assert_int_equal(c->event_count, 4);
	client_free(c);
}

/* Of an account we say no more than that it has nothing to say (RFC 6121, 8.5.1). */
static void requests_of_a_link_are_answered_for_a_domain_of_ours_alone(void **state)
{
	static const struct {
		const char *to, *payload, *answer;
	} table[] = {
		{"example.org", "<ping xmlns='urn:xmpp:ping'/>", "type=\"result\""},
		{"example.net", "<query xmlns='http://jabber.org/protocol/disco#info'/>",
		 "<feature var=\"urn:xmpp:ping\"/>"},
		{"example.org", "<vCard xmlns='vcard-temp'/>", "<service-unavailable"},
		{"alice@example.org", "<ping xmlns='urn:xmpp:ping'/>", "<service-unavailable"},
		{"alice@example.org", "<query xmlns='http://jabber.org/protocol/disco#info'/>",
		 "<service-unavailable"},
		{"alice@example.org", "<vCard xmlns='vcard-temp'/>", "<service-unavailable"},
		{"nobody@example.org", "<vCard xmlns='vcard-temp'/>", "<service-unavailable"},
	};
	struct client *c = component_up();
	char           text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text),
			 "<iq type='get' id='q' from='x@bot.example.org' to='%s'>%s</iq>",
			 table[i].to, table[i].payload);
		client_says(c, text);
		hears(c, table[i].answer);
		assert_int_equal(c->event_count, 0);
	}
	client_free(c);
}

/* RFC 7622, 3.1: such addresses are valid, and others of that stream are not to suffer. */
static void one_stanza_with_a_long_address_does_not_end_the_stream(void **state)
{
	struct client *c = component_up();
	char           text[8192], part[1024];

	(void)state;
	memset(part, 'y', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "<message id='1' from='x@bot.example.org/r' to='alice@example.org/%s'><body>x"
		 "</body></message>",
		 part);
	client_says(c, text);
	hears(c, "<message type=\"error\" id=\"1\" from=\"example.org\" "
		 "to=\"x@bot.example.org/r\"><error type=\"modify\"><policy-violation");
	snprintf(text, sizeof(text),
		 "<message id='2' from='x@bot.example.org/%s' to='alice@example.org'><body>x"
		 "</body></message>",
		 part);
	client_says(c, text);
	hears(c, "<message type=\"error\" id=\"2\" from=\"alice@example.org\" "
		 "to=\"x@bot.example.org\"><error type=\"modify\"><policy-violation");
	snprintf(text, sizeof(text),
		 "<message id='3' from='%s@bot.example.org/%s' to='%s@example.org/%s'><body>x"
		 "</body></message>",
		 part, part, part, part);
	client_says(c, text);
	hears(c, "<policy-violation");
	snprintf(text, sizeof(text),
		 "<message id='4' from='%.300s@bot.example.org' to='alice@example.org'><body>x"
		 "</body></message>",
		 part);
	client_says(c, text);
	hears(c, "<policy-violation");
	snprintf(text, sizeof(text),
		 "<iq type='result' id='5' from='x@bot.example.org/%s' "
		 "to='alice@example.org/r'/>",
		 part);
	client_says(c, text);
	assert_string_equal(client_sent(c), "");
	assert_int_equal(c->event_count, 0);
	client_says(c, "<message from='x@bot.example.org' to='alice@example.org'><body>x</body>"
		       "</message>");
	client_last(c, EVENT_MSG);
	client_free(c);
}

static void messages_go_to_users_of_the_component(void **state)
{
	struct client *c = component_up();
	struct result  result;

	(void)state;
	assert_int_equal(submits(c, text_from(c, ADDR_E164, "+46701112233", "+4611"), &result),
			 SUBMIT_SENT);
	hears(c, "<message type=\"chat\" id=\"cpm77\" from=\"+46701112233@example.org\" "
		 "to=\"+4611@bot.example.org\"><body>hi</body>");
	assert_int_equal(client_last(c, EVENT_RESULT)->result.why, REASON_NONE);
	assert_int_equal(
		submits(c,
			text_from(c, ADDR_URI, "sip:bob@example.org", "xmpp:svc@bot.example.org"),
			&result),
		SUBMIT_SENT);
	hears(c, "from=\"bob@example.org\" to=\"svc@bot.example.org\"");
	assert_int_equal(
		submits(c, text_from(c, ADDR_E164, "+46701112233", "xmpp:a@chat.example"), &result),
		SUBMIT_REFUSED);
	assert_int_equal(result.why, REASON_NO_ROUTE);
	client_free(c);
}

/* What its own user is called, it is answered as: XEP-0106, 5.1, and RFC 7622, 3.5. */
static void whoever_of_a_component_writes_is_answered(void **state)
{
	static const char *const users[] = {
		"space\\20cadet", "call\\20me\\20\\22ishmael\\22",
		"at\\26t\\20guy", "d\\27artagnan",
		"\\2f.fanboy",    "\\3a\\3afoo\\3a\\3a",
		"\\3cfoo\\3e",    "user\\40host",
		"c\\3a\\net",     "user\\40gmail.com",
		"a[1]",           "a{b}",
		"#pound",         "jürgen",
		"fußball",        "π",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct client *c = component_up();
		struct result  result;
		char           text[256], address[MSG_ADDR_SIZE_MAX + 1];
		struct msg    *m;

		snprintf(text, sizeof(text),
			 "<message from='%s@bot.example.org' to='alice@example.org'>"
			 "<body>x</body></message>",
			 users[i]);
		client_says(c, text);
		assert_int_equal(c->event_count, 1);
		m = c->events[0].msg;
		snprintf(address, sizeof(address), "%.*s", (int)m->from.size,
			 msg_addr(m, &m->from).p);
		snprintf(text, sizeof(text), "xmpp:%s@bot.example.org", users[i]);
		assert_string_equal(address, text);
		assert_int_equal(submits(c, text_from(c, ADDR_E164, "+46701", address), &result),
				 SUBMIT_SENT);
		snprintf(text, sizeof(text), " to=\"%s@bot.example.org\"", users[i]);
		hears(c, text);
		client_free(c);
	}
}

static void hex_sha1(const char *text, char hex[41])
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL), 1);
	for (unsigned i = 0; i < 20; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static struct client *of_new(void)
{
	struct client *c = client_new();

	opens(c, &(struct proto_open){.role = PROTO_CONNECTING,
				      .link = LINK_COMPONENT,
				      .link_domain = STR("sms.example.org"),
				      .domain = STR("example.org"),
				      .secret = STR("pw")});
	return c;
}

static struct client *of_up(void)
{
	struct client *c = of_new();

	client_says(c, COMPONENT_HEAD("from='sms.example.org' id='3BF96D32'"));
	client_says(c, "<handshake/>");
	client_last(c, EVENT_UP);
	client_sent(c);
	return c;
}

static void we_log_in_as_a_component(void **state)
{
	struct client *c = of_new();
	char           hex[41], text[80];

	(void)state;
	hears(c, "<stream:stream xmlns=\"jabber:component:accept\" "
		 "xmlns:stream=\"http://etherx.jabber.org/streams\" to=\"sms.example.org\">");
	client_says(c, COMPONENT_HEAD("from='sms.example.org' id='3BF96D32'"));
	hex_sha1("3BF96D32pw", hex);
	snprintf(text, sizeof(text), "<handshake>%s</handshake>", hex);
	hears(c, text);
	assert_false(xmpp_ops.ready(c->session));
	client_says(c, "<handshake/>");
	client_last(c, EVENT_UP);
	assert_true(xmpp_ops.ready(c->session));
	client_free(c);
}

static void a_component_that_is_refused_closes(void **state)
{
	struct client *c = of_new();

	(void)state;
	client_says(c, COMPONENT_HEAD("from='sms.example.org' id='3BF96D32'"));
	client_says(c, "<stream:error><not-authorized "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_BIND_REFUSED);
	client_free(c);
	c = of_new();
	c->now.us += XMPP_LINK_UP_US;
	client_tick(c);
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	client_free(c);
}

static void what_is_asked_over_a_gateway_is_answered_to_who_asked(void **state)
{
	static const char own[] = "xmpp:alice@example.org alice@example.org/phone";
	struct client    *c = of_up();
	struct msg *m = text_from(c, ADDR_URI, "xmpp:alice@example.org", "xmpp:carol@chat.example");
	uint8_t     protocol = ((struct xmpp_session *)c->session)->instance->protocol;
	struct result result;

	(void)state;
	m->kind = MSG_NATIVE;
	m->native_protocol = protocol;
	assert_true(msg_extra_add(m, protocol, XMPP_EXTRA_SENDER, own, sizeof(own) - 1));
	assert_true(msg_extra_add(m, protocol, XMPP_EXTRA_KIND, &(uint8_t){XMPP_IQ}, 1));
	assert_int_equal(submits(c, m, &result), SUBMIT_SENT);
	hears(c, "from=\"alice\\40example.org@sms.example.org/phone\" "
		 "to=\"carol@chat.example\"");
	client_says(c, "<iq type='result' id='1' from='carol@chat.example' "
		       "to='alice\\40example.org@sms.example.org/phone'/>");
	m = client_last(c, EVENT_MSG)->msg;
	is_addr(m, &m->to, "xmpp:alice@example.org");
	assert_true(m->to_place == xmpp_resource_key(STR("phone")));
	client_free(c);
}

static void users_of_its_server_write_to_numbers_and_to_escaped_addresses(void **state)
{
	static const struct {
		const char    *local;
		enum addr_kind kind;
		const char    *text;
	} table[] = {
		{"+46701112233", ADDR_E164, "+46701112233"},
		{"71234", ADDR_SHORT, "71234"},
		{"alice\\40example.org", ADDR_URI, "xmpp:alice@example.org"},
		{"sip\\3abob\\40example.org", ADDR_URI, "sip:bob@example.org"},
	};
	struct client *c = of_up();
	char           text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct msg *m;

		snprintf(text, sizeof(text),
			 "<message from='carol@chat.example/d' to='%s@sms.example.org' "
			 "id='1'><body>x</body></message>",
			 table[i].local);
		client_says(c, text);
		m = client_last(c, EVENT_MSG)->msg;
		assert_int_equal(m->to.kind, table[i].kind);
		is_addr(m, &m->to, table[i].text);
		is_addr(m, &m->from, "xmpp:carol@chat.example");
		client_answer(c, m->token, &(struct result){.why = REASON_NONE});
	}
	assert_string_equal(client_sent(c), "");
	client_says(c, "<message from='carol@chat.example/d' to='what@sms.example.org' "
		       "id='2'><body>x</body></message>");
	hears(c, "<message type=\"error\" id=\"2\" from=\"what@sms.example.org\" "
		 "to=\"carol@chat.example/d\"><error type=\"cancel\"><item-not-found");
	client_says(c, "<message from='alice@example.org' to='+4670@sms.example.org'><body>x"
		       "</body></message>"); /* ours */
	hears(c, "<invalid-from ");
	client_free(c);
}

static void what_leaves_by_a_component_is_of_its_domain(void **state)
{
	static const struct {
		enum addr_kind kind;
		const char    *from, *local;
	} table[] = {
		{ADDR_E164, "+46701112233", "+46701112233"},
		{ADDR_SHORT, "71234", "71234"},
		{ADDR_URI, "xmpp:alice@example.org", "alice\\40example.org"},
		{ADDR_URI, "sip:bob@example.org", "sip\\3abob\\40example.org"},
	};
	struct client *c = of_up();
	struct result  result;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char want[160];

		assert_int_equal(submits(c,
					 text_from(c, table[i].kind, table[i].from,
						   "xmpp:carol@chat.example"),
					 &result),
				 SUBMIT_SENT);
		snprintf(want, sizeof(want),
			 "from=\"%s@sms.example.org\" to=\"carol@chat.example\"", table[i].local);
		hears(c, want);
	}
	assert_int_equal(submits(c, text_from(c, ADDR_E164, "+4670", "+4611"), &result),
			 SUBMIT_REFUSED);
	assert_int_equal(result.why, REASON_DESTINATION);
	client_free(c);
}

/* ---- servers ---- */

#define SERVER_HEAD(attributes)                                                                    \
	"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "                  \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0' " attributes ">"

static struct client *server_in(void)
{
	struct client *c = client_new();

	opens(c, &(struct proto_open){.role = PROTO_ACCEPTED,
				      .link = LINK_SERVER,
				      .domain = STR("example.org")});
	return c;
}

static void another_server_is_told_what_we_offer(void **state)
{
	struct client *c = server_in();

	(void)state;
	client_says(c, SERVER_HEAD("from='chat.example' to='example.net'"));
	hears(c, "from=\"example.net\" version=\"1.0\"><stream:features><dialback "
		 "xmlns=\"urn:xmpp:features:dialback\"><errors/></dialback><limits "
		 "xmlns=\"urn:xmpp:stream-limits:0\"><max-bytes>65536</max-bytes></limits>"
		 "</stream:features>");
	client_free(c);
	c = server_in();
	client_says(c, SERVER_HEAD("from='chat.example' to='else.example'"));
	hears(c, "<host-unknown ");
	client_last(c, EVENT_CLOSE);
	client_free(c);
}

/* The key that we give to chat.example, of the stream that it calls s1. */
static void key_given(struct client *c, char key[128])
{
	const char *sent;
	const char *at;

	opens(c, &(struct proto_open){.role = PROTO_CONNECTING,
				      .link = LINK_SERVER,
				      .link_domain = STR("chat.example"),
				      .domain = STR("example.org")});
	client_says(c, SERVER_HEAD("from='chat.example' to='example.org' id='s1'"));
	client_sent(c);
	client_says(c, "<stream:features/>");
	sent = client_sent(c);
	has(sent, "<db:result from=\"example.org\" to=\"chat.example\">");
	at = strchr(sent, '>') + 1;
	snprintf(key, 128, "%.*s", (int)strcspn(at, "<"), at);
	assert_int_equal(strlen(key), 64);
	client_close(c);
}

static void a_key_is_vouched_for_by_whoever_is_asked(void **state)
{
	static const struct {
		const char *from, *to, *id;
		bool        right;
	} table[] = {
		{"chat.example", "example.org", "s1", true},
		{"Chat.Example", "example.org", "s1", true},
		{"chat.example", "example.org", "s2", false},
		{"chat.example", "example.net", "s1", false},
		{"evil.example", "example.org", "s1", false},
	};
	struct client *c = server_in();
	char           key[128], text[512], want[256];

	(void)state;
	key_given(c, key);
	opens(c, &(struct proto_open){.role = PROTO_ACCEPTED,
				      .link = LINK_SERVER,
				      .domain = STR("example.org")});
	client_says(c, SERVER_HEAD("from='chat.example' to='example.org'"));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		client_sent(c);
		snprintf(text, sizeof(text), "<db:verify from='%s' to='%s' id='%s'>%s</db:verify>",
			 table[i].from, table[i].to, table[i].id, key);
		client_says(c, text);
		snprintf(want, sizeof(want), "id=\"%s\" type=\"%s\"/>", table[i].id,
			 table[i].right ? "valid" : "invalid");
		hears(c, want);
	}
	key[0] = key[0] == '0' ? '1' : '0';
	snprintf(text, sizeof(text),
		 "<db:verify from='chat.example' to='example.org' id='s1'>%s</db:verify>", key);
	client_says(c, text);
	hears(c,
	      "<db:verify from=\"example.org\" to=\"chat.example\" id=\"s1\" type=\"invalid\"/>");
	client_says(c, "<db:verify from='chat.example' to='else.example' id='s1'>x</db:verify>");
	hears(c, "type=\"error\"><error type=\"cancel\"><item-not-found");
	client_free(c);
}

/* Up to its claim; returns the token by which we dial. */
static uint64_t claims(struct client *c, char id[128])
{
	client_says(c, SERVER_HEAD("from='chat.example' to='example.org'"));
	value_of(client_sent(c), "id", id);
	client_says(c, "<db:result from='chat.example' to='example.org'>k&amp;y</db:result>");
	assert_int_equal(c->dial.port, 5269);
	return client_last(c, EVENT_DIAL)->token;
}

/* What its own server says of it, over the stream that we dialled; answer: "valid" ... */
static void verifies(struct client *c, uint64_t token, const char *id, const char *answer)
{
	void *session = c->session;
	char  text[256];

	c->session = calloc(1, xmpp_ops.session_size);
	opens(c, &(struct proto_open){
			 .role = PROTO_CONNECTING, .domain = STR("example.org"), .dial = token});
	hears(c, "from=\"example.org\" to=\"chat.example\" version=\"1.0\">");
	client_says(c, SERVER_HEAD("from='chat.example' to='example.org' id='other'"));
	assert_string_equal(client_sent(c), "");
	client_says(c, "<stream:features/>");
	snprintf(
		text, sizeof(text),
		"<db:verify from=\"example.org\" to=\"chat.example\" id=\"%s\">k&amp;y</db:verify>",
		id);
	hears(c, text);
	snprintf(text, sizeof(text),
		 "<db:verify from='chat.example' to='example.org' id='%s' type='%s'/>", id, answer);
	if (answer[0] != '\0') {
		client_says(c, text);
		client_last(c, EVENT_CLOSE);
		hears(c, "</stream:stream>");
	}
	client_close(c);
	assert_true(c->woken > 0);
	free(c->session);
	c->session = session;
	client_tick(c);
}

static struct client *server_up(void)
{
	struct client *c = server_in();
	char           id[128];
	uint64_t       token = claims(c, id);

	client_answer(c, token, &(struct result){.why = REASON_NONE});
	verifies(c, token, id, "valid");
	hears(c, "<db:result from=\"example.org\" to=\"chat.example\" type=\"valid\"/>");
	return c;
}

static void a_domain_is_believed_when_its_server_says_so(void **state)
{
	struct client *c = server_up();
	struct msg    *m;

	(void)state;
	client_says(c, "<message from='carol@chat.example/d' to='bob@example.org/x' id='1' "
		       "type='chat'><body>x</body></message>");
	m = client_last(c, EVENT_MSG)->msg;
	is_addr(m, &m->from, "xmpp:carol@chat.example");
	is_addr(m, &m->to, "xmpp:bob@example.org");
	client_answer(c, m->token, &(struct result){.why = REASON_NONE});
	assert_string_equal(client_sent(c), "");
	client_says(c, "<db:result from='chat.example' to='example.org'>again</db:result>");
	hears(c, "type=\"valid\"/>");
	client_free(c);
}

static void is_party(struct client *c, enum link_kind link, bool domain, const char *name)
{
	struct proto_party p = {.link = LINK_KIND_COUNT};

	xmpp_ops.party(c->session, &p);
	assert_int_equal(p.link, link);
	assert_int_equal(p.domain, domain);
	assert_string_equal(p.name, name);
}

static void an_operator_sees_whom_a_stream_is_with(void **state)
{
	struct client *c = server_in();

	(void)state;
	client_says(c, SERVER_HEAD("from='chat.example' to='example.org'"));
	is_party(c, LINK_SERVER, true, ""); /* it says so, and has not proven it */
	client_free(c);
	c = server_up();
	is_party(c, LINK_SERVER, true, "chat.example");
	client_free(c);
	c = component_up();
	is_party(c, LINK_COMPONENT, true, "bot.example.org");
	client_free(c);
	c = client_new();
	client_open(c);
	is_party(c, LINK_CLIENT, false, "");
	client_up(c, "alice", "phone");
	is_party(c, LINK_CLIENT, false, "alice@example.org/phone");
	client_free(c);
}

static void a_domain_is_not_believed_otherwise(void **state)
{
	struct client *c = server_in();
	char           id[128];
	uint64_t       token = claims(c, id);

	(void)state;
	verifies(c, token, id, "invalid");
	hears(c, "<db:result from=\"example.org\" to=\"chat.example\" type=\"invalid\"/>"
		 "</stream:stream>");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_XMPP_DOMAIN);
	client_free(c);
	c = server_in();
	token = claims(c, id);
	verifies(c, token, id, ""); /* it breaks off */
	hears(c, "type=\"error\"><error type=\"wait\"><remote-server-timeout");
	client_says(c, "<message from='carol@chat.example' to='bob@example.org'><body>x</body>"
		       "</message>");
	hears(c, "<not-authorized ");
	client_free(c);
	c = server_in();
	token = claims(c, id);
	client_answer(c, token, &(struct result){.why = REASON_CONNECTION_REFUSED});
	client_tick(c);
	hears(c, "<remote-server-timeout");
	client_free(c);
	c = server_in();
	claims(c, id);
	c->now.us += 4 * US_PER_SECOND;
	client_tick(c);
	c->now.us += US_PER_SECOND;
	client_tick(c);
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	client_free(c);
}

static void who_claims_what_nobody_vouches_for_is_told(void **state)
{
	static const struct {
		const char *from, *to, *error;
	} table[] = {
		{"stranger.example", "example.org", "remote-server-not-found"},
		{"chat.example", "else.example", "item-not-found"},
		{"example.net", "example.org", "not-acceptable"}, /* it is ours */
	};
	struct client *c = server_in();

	(void)state;
	client_says(c, SERVER_HEAD(""));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[256];

		client_sent(c);
		snprintf(text, sizeof(text), "<db:result from='%s' to='%s'>k</db:result>",
			 table[i].from, table[i].to);
		client_says(c, text);
		hears(c, table[i].error);
	}
	assert_int_equal(c->event_count, 0);
	client_free(c);
}

static void a_server_speaks_for_the_domains_it_has_proven_to_those_it_proved_them_to(void **state)
{
	static const struct {
		const char *stanza, *error;
	} table[] = {
		{"<message from='a@evil.example' to='bob@example.org'><body>x</body></message>",
		 "<invalid-from "},
		{"<message from='a@example.org' to='bob@example.org'><body>x</body></message>",
		 "<invalid-from "},
		{"<message from='a@chat.example' to='bob@example.net'><body>x</body></message>",
		 "<invalid-from "}, /* example.net it was not proven to */
		{"<message from='a@chat.example' to='bob@else.example'><body>x</body></message>",
		 "<host-unknown "},
		{"<message from='a@chat.example'><body>x</body></message>",
		 "<improper-addressing "},
		{"<message to='bob@example.org'><body>x</body></message>", "<improper-addressing "},
		{"<message from='@' to='bob@example.org'><body>x</body></message>",
		 "<improper-addressing "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client *c = server_up();

		client_says(c, table[i].stanza);
		hears(c, table[i].error);
		client_last(c, EVENT_CLOSE);
		client_free(c);
	}
}

static void what_comes_back_to_a_server_goes_by_a_message_of_its_own(void **state)
{
	struct client *c = server_up();
	struct msg    *m;
	unsigned       woken;

	(void)state;
	client_says(c, "<message from='carol@chat.example/d' to='bob@example.org' id='m1'><body>x"
		       "</body></message>");
	m = client_last(c, EVENT_MSG)->msg;
	woken = c->woken;
	client_answer(c, m->token, &(struct result){.why = REASON_NOT_REGISTERED});
	assert_int_equal(c->woken, woken + 1);
	client_tick(c);
	m = client_last(c, EVENT_MSG)->msg;
	assert_int_equal(m->kind, MSG_NATIVE);
	is_addr(m, &m->to, "xmpp:carol@chat.example");
	is_addr(m, &m->from, "xmpp:bob@example.org");
	client_answer(c, m->token, &(struct result){.why = REASON_NO_ROUTE}); /* and that is all */
	client_tick(c);
	assert_string_equal(client_sent(c), "");
	client_says(c, "<iq type='get' id='q' from='carol@chat.example/d' to='example.org'><ping "
		       "xmlns='urn:xmpp:ping'/></iq>");
	m = client_last(c, EVENT_MSG)->msg;
	assert_int_equal(m->kind, MSG_NATIVE);
	is_addr(m, &m->from, "xmpp:example.org");
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static struct client *server_out(void)
{
	struct client *c = client_new();

	opens(c, &(struct proto_open){.role = PROTO_CONNECTING,
				      .link = LINK_SERVER,
				      .link_domain = STR("chat.example"),
				      .domain = STR("example.org")});
	hears(c, "<stream:stream xmlns=\"jabber:server\" "
		 "xmlns:stream=\"http://etherx.jabber.org/streams\" "
		 "xmlns:db=\"jabber:server:dialback\" from=\"example.org\" to=\"chat.example\" "
		 "version=\"1.0\">");
	client_says(c, SERVER_HEAD("from='chat.example' to='example.org' id='s1'"));
	client_says(c, "<stream:features/>");
	hears(c, "<db:result from=\"example.org\" to=\"chat.example\">");
	return c;
}

static void we_prove_our_domains_and_then_send(void **state)
{
	struct client *c = server_out();
	struct result  result;

	(void)state;
	assert_false(xmpp_ops.ready(c->session));
	client_says(c, "<db:result from='chat.example' to='example.org' type='valid'/>");
	client_last(c, EVENT_UP);
	assert_int_equal(submits(c,
				 text_from(c, ADDR_E164, "+46701112233", "xmpp:carol@chat.example"),
				 &result),
			 SUBMIT_SENT);
	hears(c, "<message type=\"chat\" id=\"cpm77\" from=\"+46701112233@example.org\" "
		 "to=\"carol@chat.example\"><body>hi</body>");
	/* Another of our domains waits until it is proven. */
	assert_int_equal(
		submits(c, text_from(c, ADDR_URI, "xmpp:a@example.net", "xmpp:carol@chat.example"),
			&result),
		SUBMIT_LATER);
	hears(c, "<db:result from=\"example.net\" to=\"chat.example\">");
	client_says(c, "<db:result from='chat.example' to='example.net' type='valid'/>");
	client_last(c, EVENT_READY);
	assert_int_equal(
		submits(c, text_from(c, ADDR_URI, "xmpp:a@example.net", "xmpp:carol@chat.example"),
			&result),
		SUBMIT_SENT);
	hears(c, "from=\"a@example.net\"");
	assert_int_equal(
		submits(c, text_from(c, ADDR_URI, "xmpp:a@else.example", "xmpp:carol@chat.example"),
			&result),
		SUBMIT_REFUSED); /* not ours */
	assert_int_equal(result.why, REASON_SENDER);
	client_free(c);
}

static void a_domain_of_ours_that_is_not_believed_sends_nothing(void **state)
{
	struct client *c = server_out();
	struct result  result;

	(void)state;
	client_says(c, "<db:result from='chat.example' to='example.org' type='invalid'/>");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_XMPP_DOMAIN);
	client_free(c);
	c = server_out();
	client_says(c, "<db:result from='chat.example' to='example.org' type='valid'/>");
	submits(c, text_from(c, ADDR_URI, "xmpp:a@example.net", "xmpp:carol@chat.example"),
		&result);
	c->now.us += XMPP_LINK_UP_US; /* no answer */
	client_tick(c);
	client_last(c, EVENT_READY);
	assert_int_equal(
		submits(c, text_from(c, ADDR_URI, "xmpp:a@example.net", "xmpp:carol@chat.example"),
			&result),
		SUBMIT_REFUSED);
	client_free(c);
}

static void nothing_is_taken_from_a_stream_that_goes_the_other_way(void **state)
{
	struct client *c = server_out();

	(void)state;
	client_says(c, "<db:result from='chat.example' to='example.org' type='valid'/>"
		       "<message from='carol@chat.example' to='bob@example.org'><body>x</body>"
		       "</message>");
	hears(c, "<not-authorized ");
	client_last(c, EVENT_CLOSE);
	client_free(c);
}

static void an_error_for_a_user_goes_to_that_user(void **state)
{
	struct client *c = server_up();
	struct msg    *m;

	(void)state;
	client_says(c, "<message type='error' from='carol@chat.example' to='bob@example.org/desk' "
		       "id='m9'><error type='cancel'><service-unavailable "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
	m = client_last(c, EVENT_MSG)->msg;
	assert_int_equal(m->kind, MSG_NATIVE);
	assert_true(m->to_place == xmpp_resource_key(STR("desk")));
	client_answer(c, m->token, &(struct result){.why = REASON_NOT_REGISTERED});
	client_tick(c);
	assert_ptr_equal(client_last(c, EVENT_MSG)->msg, m); /* errors are not answered */
	client_says(c, "<message type='error' from='carol@chat.example' "
		       "to='+46701112233@example.org' id='cpm77'><error type='cancel'/></message>");
	m = client_last(c, EVENT_MSG)->msg; /* whom no client is: as a receipt */
	assert_int_equal(m->kind, MSG_RECEIPT);
	assert_int_equal(m->receipt.state, MSG_STATE_UNDELIVERABLE);
	client_free(c);
}

static void servers_that_prove_nothing_are_few(void **state)
{
	struct client        *c = server_up(); /* which has, and is none of them */
	struct xmpp_instance *i = c->instance;
	void                 *proven = c->session;

	(void)state;
	assert_int_equal(i->strangers, 0);
	i->strangers = XMPP_STRANGERS_MAX;
	c->session = calloc(1, xmpp_ops.session_size);
	opens(c, &(struct proto_open){.role = PROTO_ACCEPTED,
				      .link = LINK_SERVER,
				      .domain = STR("example.org")});
	client_tick(c);
	hears(c, "<resource-constraint ");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_BIND_LIMIT);
	client_close(c);
	assert_int_equal(i->strangers, XMPP_STRANGERS_MAX);
	i->strangers--; /* one is gone, and another may come */
	opens(c, &(struct proto_open){.role = PROTO_ACCEPTED,
				      .link = LINK_SERVER,
				      .domain = STR("example.org")});
	client_says(c, SERVER_HEAD(""));
	hears(c, "<stream:features>");
	client_close(c);
	assert_int_equal(i->strangers, XMPP_STRANGERS_MAX - 1);
	free(c->session);
	c->session = proven;
	client_free(c);
}

/* Another stream of a server that comes, of the same instance, from an address of that number. */
static void comes_from(struct client *c, uint32_t address)
{
	c->session = calloc(1, xmpp_ops.session_size);
	opens(c, &(struct proto_open){.role = PROTO_ACCEPTED,
				      .link = LINK_SERVER,
				      .remote = {.address = {address}},
				      .domain = STR("example.org")});
	client_tick(c);
}

static void goes(struct client *c, void *session)
{
	c->session = session;
	client_close(c);
	free(session);
}

static void servers_of_one_address_that_prove_nothing_are_fewer(void **state)
{
	struct client *c = server_in();
	void          *first = c->session, *sessions[XMPP_SOURCE_MAX];

	(void)state;
	for (unsigned i = 0; i < XMPP_SOURCE_MAX; i++) {
		comes_from(c, 7);
		sessions[i] = c->session;
		client_says(c, SERVER_HEAD(""));
		hears(c, "<stream:features>");
	}
	comes_from(c, 7);
	hears(c, "<resource-constraint ");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_BIND_LIMIT);
	goes(c, c->session);
	comes_from(c, 8);
	client_says(c, SERVER_HEAD(""));
	hears(c, "<stream:features>");
	goes(c, c->session);
	goes(c, sessions[0]);
	comes_from(c, 7);
	client_says(c, SERVER_HEAD(""));
	hears(c, "<stream:features>");
	goes(c, c->session);
	for (unsigned i = 1; i < XMPP_SOURCE_MAX; i++)
		goes(c, sessions[i]);
	c->session = first;
	client_free(c);
}

static void a_domain_is_claimed_over_few_streams(void **state)
{
	struct client *c = server_in();
	void          *first = c->session, *sessions[XMPP_DOMAIN_PAIRS_MAX];
	char           id[128];

	(void)state;
	for (unsigned i = 0; i < XMPP_DOMAIN_PAIRS_MAX; i++) {
		comes_from(c, i);
		sessions[i] = c->session;
		claims(c, id);
	}
	comes_from(c, XMPP_DOMAIN_PAIRS_MAX);
	client_says(c, SERVER_HEAD("from='chat.example' to='example.org'"));
	client_says(c, "<db:result from='chat.example' to='example.org'>k</db:result>");
	hears(c, "type=\"error\"><error type=\"wait\"><resource-constraint ");
	goes(c, c->session);
	for (unsigned i = 0; i < XMPP_DOMAIN_PAIRS_MAX; i++)
		goes(c, sessions[i]);
	comes_from(c, 1);
	claims(c, id);
	goes(c, c->session);
	c->session = first;
	client_free(c);
}

static void a_stream_that_claims_again_and_again_is_closed(void **state)
{
	struct client *c = server_in();
	char           id[128];
	uint64_t       token = claims(c, id);

	(void)state;
	for (unsigned i = 1; i <= XMPP_CLAIMS_MAX; i++) {
		client_answer(c, token, &(struct result){.why = REASON_CONNECTION_REFUSED});
		client_tick(c);
		hears(c, "<remote-server-timeout");
		client_says(c, "<db:result from='chat.example' to='example.org'>k</db:result>");
		if (i < XMPP_CLAIMS_MAX)
			token = client_last(c, EVENT_DIAL)->token;
	}
	hears(c, "<policy-violation ");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_XMPP_DOMAIN);
	client_free(c);
}

/* However the bytes are cut. */
static void a_stream_cut_at_any_byte_is_read_alike(void **state)
{
	static const char text[] = SERVER_HEAD(
		"from='chat.example' to='example.org'") "<db:verify from='chat.example' "
							"to='example.org' id='s'>k</db:verify> "
							"<db:result from='chat.example' "
							"to='example.org'>k</db:result>";

	(void)state;
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		struct client *c = server_in();
		char           rest[sizeof(text)];
		size_t         left = client_feed(c, text, cut), n = sizeof(text) - 1 - cut + left;

		memcpy(rest, text + cut - left, n);
		assert_int_equal(client_feed(c, rest, n), 0);
		hears(c, "<db:verify from=\"example.org\" to=\"chat.example\" id=\"s\" "
			 "type=\"invalid\"/>");
		client_last(c, EVENT_DIAL);
		client_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_component_logs_in_as_its_domain_by_a_hash),
		cmocka_unit_test(who_does_not_prove_it_is_told_so),
		cmocka_unit_test(before_it_has_logged_in_a_component_says_nothing),
		cmocka_unit_test(a_component_sends_as_its_own_users_alone),
		cmocka_unit_test(what_a_component_sends_comes_back_to_the_one_that_sent_it),
		cmocka_unit_test(what_accounts_have_is_refused_to_a_link),
		cmocka_unit_test(a_component_without_users_is_reached_as_its_domain),
		cmocka_unit_test(requests_of_a_link_are_answered_for_a_domain_of_ours_alone),
		cmocka_unit_test(one_stanza_with_a_long_address_does_not_end_the_stream),
		cmocka_unit_test(messages_go_to_users_of_the_component),
		cmocka_unit_test(whoever_of_a_component_writes_is_answered),
		cmocka_unit_test(we_log_in_as_a_component),
		cmocka_unit_test(a_component_that_is_refused_closes),
		cmocka_unit_test(what_is_asked_over_a_gateway_is_answered_to_who_asked),
		cmocka_unit_test(users_of_its_server_write_to_numbers_and_to_escaped_addresses),
		cmocka_unit_test(what_leaves_by_a_component_is_of_its_domain),
		cmocka_unit_test(another_server_is_told_what_we_offer),
		cmocka_unit_test(a_key_is_vouched_for_by_whoever_is_asked),
		cmocka_unit_test(a_domain_is_believed_when_its_server_says_so),
		cmocka_unit_test(an_operator_sees_whom_a_stream_is_with),
		cmocka_unit_test(a_domain_is_not_believed_otherwise),
		cmocka_unit_test(who_claims_what_nobody_vouches_for_is_told),
		cmocka_unit_test(
			a_server_speaks_for_the_domains_it_has_proven_to_those_it_proved_them_to),
		cmocka_unit_test(what_comes_back_to_a_server_goes_by_a_message_of_its_own),
		cmocka_unit_test(we_prove_our_domains_and_then_send),
		cmocka_unit_test(a_domain_of_ours_that_is_not_believed_sends_nothing),
		cmocka_unit_test(nothing_is_taken_from_a_stream_that_goes_the_other_way),
		cmocka_unit_test(an_error_for_a_user_goes_to_that_user),
		cmocka_unit_test(servers_that_prove_nothing_are_few),
		cmocka_unit_test(servers_of_one_address_that_prove_nothing_are_fewer),
		cmocka_unit_test(a_domain_is_claimed_over_few_streams),
		cmocka_unit_test(a_stream_that_claims_again_and_again_is_closed),
		cmocka_unit_test(a_stream_cut_at_any_byte_is_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
