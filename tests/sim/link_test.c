/* Components and other servers of XMPP through the whole dataplane: what the other side says is
 * text of the test's own. */
#include "chat.h"

#include <openssl/sha.h>

#include "dataplane/ask.h"
#include "roster/question.h"

static const char   *wanted;
static struct phone *who;

static bool got(struct sim *s)
{
	return strstr(who->in, wanted) != NULL;
}

static bool is_open(struct sim *s)
{
	return who->open;
}

static void opened(struct phone *p)
{
	who = p;
	assert_true(sim_until(&sim, is_open, 10 * US_PER_SECOND));
}

static struct phone *alice(void)
{
	return chat_client(ALICE, "phone");
}

/* The value of an attribute in what comes next, up to the end of a tag that begins so. */
static void value_of(struct phone *p, const char *tag, const char *name, char room[128])
{
	char        begin[40];
	const char *at;

	who = p;
	wanted = tag;
	p->in[p->in_size] = '\0';
	assert_true(sim_until(&sim, got, US_PER_SECOND));
	snprintf(begin, sizeof(begin), " %s=\"", name);
	at = strstr(strstr(p->in, tag), begin);
	assert_non_null(at);
	at += strlen(begin);
	snprintf(room, 128, "%.*s", (int)strcspn(at, "\""), at);
}

/* ---- components ---- */

#define COMPONENT_HEAD(attributes)                                                                 \
	"<stream:stream xmlns='jabber:component:accept' "                                          \
	"xmlns:stream='http://etherx.jabber.org/streams' " attributes ">"

static void handshake(const char *id, const char *password, char hex[41])
{
	char    text[256];
	uint8_t digest[SHA_DIGEST_LENGTH];

	snprintf(text, sizeof(text), "%s%s", id, password);
	SHA1((const uint8_t *)text, strlen(text), digest);
	for (unsigned i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static struct phone *bot_connects(const char *password)
{
	struct phone *bot = phone_chat_to(&sim.host, 5347);
	char          id[128], hex[41];

	world_adds("  - {name: bot, protocol: xmpp, domain: bot.example.org, password: pw}\n", "",
		   "  - {to: \"xmpp:*@bot.example.org\", via: [bot]}\n");
	opened(bot);
	phone_send(bot, COMPONENT_HEAD("to='bot.example.org'"));
	value_of(bot, "<stream:stream", "id", id);
	handshake(id, password, hex);
	phone_send(bot, "<handshake>%s</handshake>", hex);
	return bot;
}

static void a_component_and_clients_write_to_each_other(void **state)
{
	struct phone *client = alice(), *bot = bot_connects("pw");

	(void)state;
	chat_expects(bot, "<handshake/>");
	phone_send(client,
		   "<message to='news@bot.example.org' id='m1' type='chat'><body>any?</body>"
		   "<request xmlns='urn:xmpp:receipts'/></message>");
	chat_expects(bot, "<message type=\"chat\" id=\"m1\" from=\"alice@example.org/phone\" "
			  "to=\"news@bot.example.org\"><body>any?</body>");
	phone_send(bot, "<message from='news@bot.example.org' to='alice@example.org/phone'>"
			"<received xmlns='urn:xmpp:receipts' id='m1'/></message>");
	chat_expects(client, "<received xmlns=\"urn:xmpp:receipts\" id=\"m1\"/>");
	phone_send(bot, "<message from='news@bot.example.org' to='alice@example.org' id='n1' "
			"type='chat'><body>some</body><request xmlns='urn:xmpp:receipts'/>"
			"</message>");
	chat_expects(client,
		     "from=\"news@bot.example.org\" to=\"alice@example.org/phone\"><body>some");
	phone_send(client, "<message to='news@bot.example.org'><received "
			   "xmlns='urn:xmpp:receipts' id='n1'/></message>");
	chat_expects(bot, "to=\"news@bot.example.org\"><received xmlns=\"urn:xmpp:receipts\" "
			  "id=\"n1\"/>");
	phone_send(bot, "<message from='news@bot.example.org' to='nobody@example.org' id='n2'>"
			"<body>x</body></message>");
	chat_expects(bot,
		     "<message type=\"error\" id=\"n2\" from=\"nobody@example.org\" "
		     "to=\"news@bot.example.org\"><error type=\"cancel\"><service-unavailable");
	phone_send(client, "<iq type='get' id='q' to='news@bot.example.org/x'><ping "
			   "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(bot, "<iq type=\"get\" id=\"q\" from=\"alice@example.org/phone\" "
			  "to=\"news@bot.example.org/x\"><ping ");
	phone_send(bot, "<iq type='result' id='q' from='news@bot.example.org/x' "
			"to='alice@example.org/phone'/>");
	chat_expects(client, "<iq type=\"result\" id=\"q\" from=\"news@bot.example.org/x\"");
	phone_send(bot, "<message from='alice@example.org' to='alice@example.org'/>");
	chat_expects(bot, "<invalid-from ");
}

/* XEP-0100, 4.4 and XEP-0030: what has no users is reached by its domain. */
static void a_component_is_asked_and_told_as_its_domain(void **state)
{
	struct phone *client = alice(), *bot = bot_connects("pw");

	(void)state;
	chat_expects(bot, "<handshake/>");
	phone_send(client, "<presence to='bot.example.org'/>");
	chat_expects(bot, "from=\"alice@example.org/phone\" to=\"bot.example.org\"");
	phone_send(bot, "<presence from='bot.example.org' to='alice@example.org/phone'/>");
	chat_expects(client, "<presence from=\"bot.example.org\"");
	phone_send(client, "<iq type='get' id='d' to='bot.example.org'><query "
			   "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	chat_expects(bot, "<iq type=\"get\" id=\"d\" from=\"alice@example.org/phone\" "
			  "to=\"bot.example.org\"><query ");
	phone_send(bot, "<iq type='result' id='d' from='bot.example.org' "
			"to='alice@example.org/phone'><query "
			"xmlns='http://jabber.org/protocol/disco#info'><identity category='x' "
			"type='y'/></query></iq>");
	chat_expects(client, "<iq type=\"result\" id=\"d\" from=\"bot.example.org\"");
	phone_send(bot, "<iq type='get' id='p' from='bot.example.org' "
			"to='alice@example.org/phone'><ping xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(client, "<iq type=\"get\" id=\"p\" from=\"bot.example.org\"");
	phone_send(client, "<iq type='result' id='p' to='bot.example.org'/>");
	chat_expects(bot, "<iq type=\"result\" id=\"p\" from=\"alice@example.org/phone\" "
			  "to=\"bot.example.org\"");
	phone_send(client, "<iq type='get' id='v' to='news@bot.example.org'><vCard "
			   "xmlns='vcard-temp'/></iq>");
	chat_expects(bot, "to=\"news@bot.example.org\"><vCard ");
	phone_send(bot, "<iq type='error' id='v' from='news@bot.example.org' "
			"to='alice@example.org/phone'><error type='cancel'><item-not-found "
			"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
	chat_expects(client, "<item-not-found ");
	phone_send(client, "<iq type='get' id='n' to='nowhere.example'><ping "
			   "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(client, "<iq type=\"error\" id=\"n\" from=\"nowhere.example\"");
	chat_expects(client, "<remote-server-not-found ");
}

/* XEP-0045, 7.2 to 7.5, with the component as the room. */
static void clients_speak_in_a_room_of_another_domain(void **state)
{
	struct phone *client = alice(), *desk = chat_client(ALICE, "desk"),
		     *bot = bot_connects("pw");

	(void)state;
	chat_expects(bot, "<handshake/>");
	phone_send(client, "<presence to='room@bot.example.org/al'><x "
			   "xmlns='http://jabber.org/protocol/muc'/></presence>");
	chat_expects(bot, "from=\"alice@example.org/phone\" to=\"room@bot.example.org/al\"");
	phone_send(bot, "<presence from='room@bot.example.org/al' to='alice@example.org/phone'><x "
			"xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>"
			"</presence>");
	chat_expects(client, "<status code='110'/>");
	phone_send(client, "<message to='room@bot.example.org' type='groupchat' id='g1'><body>hi "
			   "all</body></message>");
	chat_expects(bot, "<message type=\"groupchat\" id=\"g1\" from=\"alice@example.org/phone\" "
			  "to=\"room@bot.example.org\"><body>hi all");
	phone_send(bot, "<message from='room@bot.example.org/al' to='alice@example.org/phone' "
			"type='groupchat' id='g1'><body>hi all</body></message>");
	chat_expects(client, "<message type=\"groupchat\" id=\"g1\" "
			     "from=\"room@bot.example.org/al\" to=\"alice@example.org/phone\">");
	phone_send(bot, "<message from='room@bot.example.org' to='alice@example.org/gone' "
			"type='groupchat' id='g2'><body>for nobody</body></message>");
	chat_expects(bot, "<message type=\"error\" id=\"g2\" from=\"alice@example.org/gone\" "
			  "to=\"room@bot.example.org\"><error type=\"cancel\">"
			  "<service-unavailable");
	phone_send(bot, "<message from='room@bot.example.org' to='alice@example.org' "
			"type='groupchat' id='g3'><body>for nobody</body></message>");
	chat_expects(bot, "<message type=\"error\" id=\"g3\"");
	phone_send(bot, "<message from='room@bot.example.org/al' to='alice@example.org/desk' "
			"id='c'><body>last</body></message>");
	chat_expects(desk, "<body>last");
	assert_null(strstr(desk->in, "groupchat"));
	assert_null(strstr(client->in, "nobody"));
}

static void a_component_with_another_password_is_not_let_in(void **state)
{
	struct phone *bot = bot_connects("other");

	(void)state;
	chat_expects(bot, "<not-authorized ");
	assert_int_equal(sim_metric(&sim, METRIC_logins_refused), 1);
}

static void we_are_a_component_of_another_server(void **state)
{
	struct phone *client = alice(), *server = phone_chat_listen(&sim.host, 5347);
	char          hex[41], text[64];

	(void)state;
	world_adds("",
		   "  - {name: chat, protocol: xmpp, link: component, domain: sms.chat.example, "
		   "host: 198.18.0.2, password: pw, reconnect: 1}\n",
		   "  - {to: \"xmpp:*@chat.example\", via: [chat]}\n");
	opened(server);
	chat_expects(server, "to=\"sms.chat.example\">");
	phone_send(server, COMPONENT_HEAD("from='sms.chat.example' id='s7'"));
	handshake("s7", "pw", hex);
	snprintf(text, sizeof(text), "<handshake>%s</handshake>", hex);
	chat_expects(server, text);
	phone_send(server, "<handshake/>");
	phone_send(server, "<message from='dora@chat.example/d' id='d1' type='chat' "
			   "to='alice\\40example.org@sms.chat.example'><body>By a gateway</body>"
			   "<request xmlns='urn:xmpp:receipts'/></message>");
	chat_expects(client, "id=\"d1\" from=\"dora@chat.example/d\" "
			     "to=\"alice@example.org/phone\"><body>By a gateway");
	phone_send(client, "<message to='dora@chat.example/d'><received "
			   "xmlns='urn:xmpp:receipts' id='d1'/></message>");
	chat_expects(server, "from=\"+46731234567@sms.chat.example\" to=\"dora@chat.example/d\">"
			     "<received xmlns=\"urn:xmpp:receipts\" id=\"d1\"/>");
	phone_send(server, "<message from='dora@chat.example/d' to='+4999@sms.chat.example' "
			   "id='d2'><body>x</body></message>");
	chat_expects(server, "<message type=\"error\" id=\"d2\" from=\"+4999@sms.chat.example\" "
			     "to=\"dora@chat.example/d\"><error type=\"cancel\">"
			     "<remote-server-not-found");
	phone_send(client, "<message to='dora@chat.example' id='a1' type='chat'><body>Hi</body>"
			   "<request xmlns='urn:xmpp:receipts'/></message>");
	chat_expects(server,
		     "from=\"+46731234567@sms.chat.example\" to=\"dora@chat.example\"><body>Hi");
	phone_send(server, "<message from='dora@chat.example/d' "
			   "to='+46731234567@sms.chat.example'><received "
			   "xmlns='urn:xmpp:receipts' id='a1'/></message>");
	chat_expects(client, "<received xmlns=\"urn:xmpp:receipts\" id=\"a1\"/>");
	phone_reset(server); /* and it is connected to again */
	server->open = false;
	opened(server);
	chat_expects(server, "to=\"sms.chat.example\">");
}

/* ---- servers ---- */

#define SERVER_HEAD(attributes)                                                                    \
	"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "                  \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0' " attributes ">"

/* Our own stream to the other server, up. */
static struct phone *our_link(void)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);

	world_adds("",
		   "  - {name: chat, protocol: xmpp, link: server, domain: chat.example, host: "
		   "198.18.0.2, reconnect: 1}\n",
		   "  - {to: \"xmpp:*@chat.example\", via: [chat]}\n");
	opened(server);
	chat_expects(server, "from=\"example.org\" to=\"chat.example\" version=\"1.0\">");
	phone_send(server, SERVER_HEAD("from='chat.example' to='example.org' id='s1'"));
	phone_send(server, "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
			   "</stream:features>");
	return server;
}

static void key_of(struct phone *server, char key[65])
{
	chat_expects(server, "<db:result from=\"example.org\" to=\"chat.example\">");
	who = server;
	wanted = "</db:result>";
	assert_true(sim_until(&sim, got, US_PER_SECOND));
	snprintf(key, 65, "%.64s", server->in);
	chat_expects(server, "</db:result>");
}

/* The other server's own stream, its domain proven. */
static struct phone *other_up(struct phone *server, const char *verdict)
{
	struct phone *in = phone_chat_to(&sim.host, 5269), *verify;
	char          id[128], text[256];

	opened(in);
	phone_send(in, SERVER_HEAD("from='chat.example' to='example.org'"));
	value_of(in, "<stream:stream", "id", id);
	phone_send(in, "<db:result from='chat.example' to='example.org'>their key</db:result>");
	for (unsigned i = 0; i < 10000 && server->next == NULL; i++)
		sim_step(&sim, 100);
	verify = server->next;
	assert_non_null(verify);
	chat_expects(verify, "from=\"example.org\" to=\"chat.example\" version=\"1.0\">");
	phone_send(verify, SERVER_HEAD("from='chat.example' to='example.org' id='v1'"));
	phone_send(verify, "<stream:features/>");
	snprintf(text, sizeof(text),
		 "<db:verify from=\"example.org\" to=\"chat.example\" id=\"%s\">their key<", id);
	chat_expects(verify, text);
	phone_send(verify, "<db:verify from='chat.example' to='example.org' id='%s' type='%s'/>",
		   id, verdict);
	chat_expects(verify, "</stream:stream>");
	snprintf(text, sizeof(text),
		 "<db:result from=\"example.org\" to=\"chat.example\" type=\"%s\"/>", verdict);
	chat_expects(in, text);
	return in;
}

static void our_key_is_vouched_for_at_any_worker(void **state)
{
	struct phone *server = our_link();
	char          key[65];

	(void)state;
	key_of(server, key);
	for (unsigned i = 0; i < 4; i++) { /* some come to another worker */
		struct phone *ask = phone_chat_to(&sim.host, 5269);

		opened(ask);
		phone_send(ask, SERVER_HEAD("from='chat.example' to='example.org'"));
		phone_send(ask,
			   "<db:verify from='chat.example' to='example.org' id='s1'>%s"
			   "</db:verify>",
			   key);
		chat_expects(ask, "id=\"s1\" type=\"valid\"/>");
		phone_send(ask,
			   "<db:verify from='chat.example' to='example.org' id='s2'>%s"
			   "</db:verify>",
			   key);
		chat_expects(ask, "id=\"s2\" type=\"invalid\"/>");
	}
}

static void users_of_two_servers_write_to_each_other(void **state)
{
	struct phone *client = alice(), *server = our_link(), *in;

	(void)state;
	phone_send(client, "<message to='dora@chat.example' id='m0'><body>x</body></message>");
	chat_expects(client, "<message type=\"error\" id=\"m0\" from=\"dora@chat.example\"><error "
			     "type=\"wait\"><remote-server-timeout"); /* it is not up yet */
	phone_send(server, "<db:result from='chat.example' to='example.org' type='valid'/>");
	sim_pass(&sim, 100 * US_PER_MS);
	in = other_up(server, "valid");
	phone_send(client, "<message to='dora@chat.example' id='m1' type='chat'><body>Hi</body>"
			   "<request xmlns='urn:xmpp:receipts'/></message>");
	chat_expects(server, "<message type=\"chat\" id=\"m1\" from=\"alice@example.org/phone\" "
			     "to=\"dora@chat.example\"><body>Hi");
	phone_send(in, "<message from='dora@chat.example/d' to='alice@example.org/phone'>"
		       "<received xmlns='urn:xmpp:receipts' id='m1'/></message>");
	chat_expects(client, "<received xmlns=\"urn:xmpp:receipts\" id=\"m1\"/>");
	phone_send(in, "<message from='dora@chat.example/d' to='alice@example.org' id='d1'>"
		       "<body>Hello</body></message>");
	chat_expects(client,
		     "from=\"dora@chat.example/d\" to=\"alice@example.org/phone\"><body>Hello");
	phone_send(in, "<message from='dora@chat.example/d' to='nobody@example.org' id='d2'>"
		       "<body>x</body></message>"); /* the error goes by our own stream */
	chat_expects(server, "<message type=\"error\" id=\"d2\" from=\"nobody@example.org\" "
			     "to=\"dora@chat.example/d\">");
	chat_expects(server, "<service-unavailable ");
	phone_send(in, "<iq type='get' id='q' from='dora@chat.example/d' to='example.org'><ping "
		       "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(server, "<iq type=\"result\" id=\"q\" from=\"example.org\" "
			     "to=\"dora@chat.example/d\"></iq>");
	phone_send(client, "<presence to='dora@chat.example' type='subscribed'/>"
			   "<message to='nobody@chat.example' id='m2'><body>x</body></message>");
	chat_expects(server, "id=\"m2\"");
	phone_send(in, "<message type='error' id='m2' from='nobody@chat.example' "
		       "to='alice@example.org/phone'><error type='cancel'><item-not-found "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
	chat_expects(client, "<message type=\"error\" id=\"m2\" from=\"nobody@chat.example\"");
	chat_expects(client, "<item-not-found ");
}

static void a_server_that_is_not_vouched_for_says_nothing(void **state)
{
	struct phone *server = our_link(), *in;

	(void)state;
	in = other_up(server, "invalid");
	chat_expects(in, "</stream:stream>");
	assert_int_equal(sim_metric(&sim, METRIC_xmpp_domains_proven), 0);
	in = phone_chat_to(&sim.host, 5269);
	opened(in);
	phone_send(in, SERVER_HEAD("from='evil.example' to='example.org'"));
	phone_send(in, "<db:result from='evil.example' to='example.org'>key</db:result>");
	chat_expects(in, "<remote-server-not-found "); /* nobody's peer */
	sim_pass(&sim, 6 * US_PER_SECOND);             /* the time to prove something */
	chat_expects(in, "<connection-timeout ");
}

/* ---- presence of users of other servers ---- */

static bool control_waits;

static void shows(struct put *w, const char *from, const char *to, enum roster_presence type)
{
	roster_effect_put(w, &(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
						     .from = str_of(from),
						     .to = str_of(to),
						     .type = type,
						     .to_is_local = to[0] == 'a'});
}

/* Alice has dora in her roster, and both see each other. */
static void answer_of_control(const struct roster_question *q, struct put *w)
{
	static const struct roster_contact dora = {
		.jid = {"dora@chat.example", 17}, .watches = true, .watched = true};

	if (q->ask == ROSTER_ASK_AUDIENCE)
		roster_contact_put(w, &dora);
	if (q->ask == ROSTER_ASK_MAY_SEE)
		roster_verdict_put(w, str_eq(q->contact, dora.jid));
	if (q->ask == ROSTER_ASK_SUBSCRIPTION_IN)
		shows(w, "dora@chat.example", "alice@example.org", q->type);
	if (q->ask == ROSTER_ASK_SUBSCRIPTION_OUT)
		shows(w, "alice@example.org", "dora@chat.example", q->type);
	if (q->ask == ROSTER_ASK_SUBSCRIPTION_OUT && q->type == ROSTER_SUBSCRIBED)
		shows(w, "alice@example.org", "dora@chat.example", ROSTER_AVAILABLE);
}

static void control_of_alice(struct sim *s)
{
	uint8_t    room[1024];
	uint64_t   id;
	struct cur question;

	while (!control_waits && asks_next(&s->dp, s->now.us, &id, &question)) {
		struct put             w = put_to(room, sizeof(room));
		struct roster_question q;

		assert_true(roster_question_read(question, &q));
		answer_of_control(&q, &w);
		assert_false(w.failed);
		asks_told(&s->dp, id, REASON_NONE, cur_of(room, put_size(&w)));
		s->busy = true;
	}
}

#define FROM_DORA "from='dora@chat.example/d' to='alice@example.org'"

static void users_of_two_servers_see_each_other_come_and_go(void **state)
{
	struct phone *client, *server = our_link(), *in;

	(void)state;
	control_waits = false;
	sim.control = control_of_alice;
	phone_send(server, "<db:result from='chat.example' to='example.org' type='valid'/>");
	in = other_up(server, "valid");
	client = chat_bound(ALICE, "phone");
	phone_send(client, "<presence><show>away</show></presence>");
	chat_expects(server, "<presence from=\"alice@example.org/phone\" "
			     "to=\"dora@chat.example\"><show>away</show></presence>");
	chat_expects(server, "<presence type=\"probe\" from=\"alice@example.org/phone\" "
			     "to=\"dora@chat.example\">");
	phone_send(in, "<presence type='subscribe' " FROM_DORA "><status>Hi</status></presence>");
	chat_expects(client, "<presence type=\"subscribe\" from=\"dora@chat.example\" "
			     "to=\"alice@example.org/phone\">");
	phone_send(client, "<presence type='subscribed' to='dora@chat.example'/>");
	chat_expects(server, "<presence type=\"subscribed\" from=\"alice@example.org\" "
			     "to=\"dora@chat.example\">");
	chat_expects(server, "<presence from=\"alice@example.org/phone\" "
			     "to=\"dora@chat.example\"><show>away</show></presence>");
	phone_send(client, "<presence type='subscribe' to='dora@chat.example'/>");
	chat_expects(server, "<presence type=\"subscribe\" from=\"alice@example.org\" "
			     "to=\"dora@chat.example\">");
	phone_send(in, "<presence type='subscribed' " FROM_DORA "/><presence " FROM_DORA "/>");
	chat_expects(client, "<presence type=\"subscribed\" from=\"dora@chat.example\"");
	chat_expects(client, "<presence from=\"dora@chat.example/d\" "
			     "to=\"alice@example.org/phone\">");
	phone_send(in, "<presence type='probe' " FROM_DORA "/>");
	chat_expects(server, "<presence from=\"alice@example.org/phone\" "
			     "to=\"dora@chat.example/d\"><show>away</show></presence>");
	phone_send(in, "<presence type='probe' from='eve@chat.example' to='alice@example.org'/>");
	chat_expects(server, "<presence type=\"unsubscribed\" from=\"alice@example.org\" "
			     "to=\"eve@chat.example\"></presence>");
	phone_send(client, "<presence><show>dnd</show></presence>");
	chat_expects(server, "to=\"dora@chat.example\"><show>dnd</show></presence>");
	phone_send(in, "<presence type='unavailable' " FROM_DORA "/>");
	chat_expects(client, "<presence type=\"unavailable\" from=\"dora@chat.example/d\" "
			     "to=\"alice@example.org/phone\">");
	phone_reset(client);
	chat_expects(server, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			     "to=\"dora@chat.example\">");
	phone_send(in, "<presence type='probe' " FROM_DORA "/>");
	chat_expects(server, "<presence type=\"unavailable\" from=\"alice@example.org\" "
			     "to=\"dora@chat.example/d\"></presence>");
}

/* Its stream is gone before control has answered. */
static void what_a_server_said_last_is_carried_out(void **state)
{
	struct phone *client, *server = our_link(), *in;
	uint64_t      open;

	(void)state;
	control_waits = false;
	sim.control = control_of_alice;
	phone_send(server, "<db:result from='chat.example' to='example.org' type='valid'/>");
	in = other_up(server, "valid");
	client = chat_client(ALICE, "phone");
	open = sim_metric(&sim, METRIC_sessions_open);
	control_waits = true;
	phone_send(in, "<presence type='unsubscribe' " FROM_DORA "/><presence type='probe' "
		       "from='eve@chat.example' to='alice@example.org'/></stream:stream>");
	chat_closes(in);
	sim_pass(&sim, US_PER_SECOND);
	control_waits = false;
	chat_expects(client, "<presence type=\"unsubscribe\" from=\"dora@chat.example\" "
			     "to=\"alice@example.org/phone\">");
	chat_expects(server, "<presence type=\"unsubscribed\" from=\"alice@example.org\" "
			     "to=\"eve@chat.example\">");
	sim_pass(&sim, 100 * US_PER_MS);
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), open - 1);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, world_open, world_end)
#define OF_TWO(test)                                                                               \
	{                                                                                          \
#test "_of_two_workers", test, world_of_two, world_end, NULL                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPEN(a_component_and_clients_write_to_each_other),
		OPEN(a_component_is_asked_and_told_as_its_domain),
		OPEN(clients_speak_in_a_room_of_another_domain),
		OPEN(a_component_with_another_password_is_not_let_in),
		OPEN(we_are_a_component_of_another_server),
		OPEN(users_of_two_servers_write_to_each_other),
		OPEN(a_server_that_is_not_vouched_for_says_nothing),
		OPEN(users_of_two_servers_see_each_other_come_and_go),
		OPEN(what_a_server_said_last_is_carried_out),
		OF_TWO(a_component_and_clients_write_to_each_other),
		OF_TWO(a_component_is_asked_and_told_as_its_domain),
		OF_TWO(clients_speak_in_a_room_of_another_domain),
		OF_TWO(we_are_a_component_of_another_server),
		OF_TWO(our_key_is_vouched_for_at_any_worker),
		OF_TWO(users_of_two_servers_write_to_each_other),
		OF_TWO(users_of_two_servers_see_each_other_come_and_go),
		OF_TWO(what_a_server_said_last_is_carried_out),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
