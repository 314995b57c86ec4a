/* Open federation of XMPP through the whole dataplane: the test is DNS, behind control, and the
 * servers of other domains, whose words are texts of its own. */
#include "chat.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "dataplane/ask.h"
#include "dataplane/query.h"
#include "xmpp/session_private.h"

#define NAMES_MAX 16u
#define HERE "198.18.0.2"
#define NOBODY "198.18.0.77"

/* ---- DNS ---- */

static struct zone_name {
	const char *domain, *addresses[2]; /* of its servers, in their order */
	uint16_t    port;
	enum reason why;    /* instead of an answer */
	bool        silent; /* it is still being looked up */
	unsigned    asked;  /* and answered */
} zone[NAMES_MAX];

static struct zone_name *name_of(struct str domain)
{
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		if (zone[i].domain != NULL && str_eq(str_of(zone[i].domain), domain))
			return &zone[i];
	}
	return NULL;
}

static void addresses_of(const struct zone_name *z, struct world_addresses *a)
{
	*a = (struct world_addresses){.n = 0};
	for (unsigned i = 0; i < 2 && z->addresses[i] != NULL && !z->silent; i++) {
		struct world_address *item = &a->items[a->n++];

		*item = (struct world_address){
			.server = (uint8_t)i, .port = z->port, .priority = (uint16_t)i};
		assert_int_equal(inet_pton(AF_INET, z->addresses[i], item->w), 1);
	}
}

static void answer(uint64_t id, struct zone_name *z)
{
	uint8_t                room[WORLD_ADDRESSES_SIZE_MAX];
	struct put             w = put_to(room, sizeof(room));
	struct world_addresses a;

	addresses_of(z, &a);
	world_addresses_pack(&a, &w);
	asks_told(&sim.dp, id, z->why, cur_of(room, put_size(&w)));
}

static bool control_is_late;

/* Rosters are not known here. */
static void control(struct sim *s)
{
	static const uint8_t nothing[1];
	uint64_t             id;
	struct cur           question;
	struct str           domain;

	while (!control_is_late && asks_next(&s->dp, s->now.us, &id, &question)) {
		struct zone_name *z = NULL;

		s->busy = true;
		if (!world_domain_question_read(question, &domain)) {
			asks_told(&s->dp, id, REASON_CONTROL_DOWN, cur_of(nothing, 0));
			continue;
		}
		z = name_of(domain);
		assert_non_null(z); /* else nobody should have asked */
		z->asked += !z->silent;
		answer(id, z);
	}
}

/* ---- the site ---- */

static struct phone *client;

#define WORLD "  - {name: world, protocol: xmpp, link: server, domain: \"*\"%s}\n%s"

static void begins(const char *accounts, const char *peer, const char *more)
{
	static char peers[512];

	snprintf(peers, sizeof(peers), WORLD, peer, more);
	memset(zone, 0, sizeof(zone));
	control_is_late = false;
	zone[0] = (struct zone_name){.domain = "far.example", .addresses = {HERE}, .port = 5269};
	zone[1] = (struct zone_name){.domain = "dead.example", .addresses = {NOBODY}};
	zone[2] = (struct zone_name){.domain = "none.example", .why = REASON_DOMAIN_UNKNOWN};
	sim.control = control;
	world_adds(accounts, peers, "");
	client = chat_client(ALICE, "phone");
}

static void writes(const char *to, const char *id)
{
	phone_send(client, "<message to='%s' id='%s' type='chat'><body>%s</body></message>", to, id,
		   id);
}

/* What was written comes back. */
static void comes_back(const char *to, const char *id, const char *type, const char *condition)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "<message type=\"error\" id=\"%s\" from=\"%s\"><error type=\"%s\"><%s", id, to,
		 type, condition);
	chat_expects(client, text);
}

/* Other peers of the site are answered meanwhile. */
static void passes(uint64_t us)
{
	for (uint64_t step; us > 0; us -= step) {
		step = us < 10 * US_PER_SECOND ? us : 10 * US_PER_SECOND;
		sim_pass(&sim, step);
		ims_take();
	}
}

/* ---- servers ---- */

static struct phone *who;
static const char   *wanted;

static bool is_open(struct sim *s)
{
	(void)s;
	return who->open;
}

static bool has_next(struct sim *s)
{
	(void)s;
	return who->next != NULL;
}

static bool has(struct sim *s)
{
	(void)s;
	return strstr(who->in, wanted) != NULL;
}

static void opened(struct phone *p)
{
	who = p;
	assert_true(sim_until(&sim, is_open, 10 * US_PER_SECOND));
}

#define HEAD                                                                                       \
	"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "                  \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0' from='%s' to='%s'%s>"

/* The other server lets our own stream in. */
static void lets_in(struct phone *server, const char *domain)
{
	char text[256];

	opened(server);
	snprintf(text, sizeof(text), "from=\"example.org\" to=\"%s\" version=\"1.0\">", domain);
	chat_expects(server, text);
	phone_send(server, HEAD, domain, "example.org", " id='s1'");
	phone_send(server, "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
			   "</stream:features>");
	snprintf(text, sizeof(text), "<db:result from=\"example.org\" to=\"%s\">", domain);
	chat_expects(server, text);
	chat_expects(server, "</db:result>");
	phone_send(server, "<db:result from='%s' to='example.org' type='valid'/>", domain);
}

/* A stream of another server, which claims a domain. Its id. */
static struct phone *claims(const char *domain, char id[128])
{
	struct phone *in = phone_chat_to(&sim.host, 5269);
	const char   *at;

	opened(in);
	phone_send(in, HEAD, domain, "example.org", "");
	who = in;
	wanted = "<stream:features";
	assert_true(sim_until(&sim, has, US_PER_SECOND));
	at = strstr(in->in, " id=\"");
	assert_non_null(at);
	snprintf(id, 128, "%.*s", (int)strcspn(at + 5, "\""), at + 5);
	phone_send(in, "<db:result from='%s' to='example.org'>key</db:result>", domain);
	return in;
}

/* The server that is asked says so. */
static void vouches(struct phone *verify, const char *domain, const char *id, const char *verdict)
{
	char text[256];

	opened(verify);
	snprintf(text, sizeof(text), "from=\"example.org\" to=\"%s\" version=\"1.0\">", domain);
	chat_expects(verify, text);
	phone_send(verify, HEAD, domain, "example.org", " id='v1'");
	phone_send(verify, "<stream:features/>");
	snprintf(text, sizeof(text),
		 "<db:verify from=\"example.org\" to=\"%s\" id=\"%s\">key</db:verify>", domain, id);
	chat_expects(verify, text);
	phone_send(verify, "<db:verify from='%s' to='example.org' id='%s' type='%s'/>", domain, id,
		   verdict);
	chat_expects(verify, "</stream:stream>");
}

/* The other server's own stream, its domain proven; it is asked at the port of `server`. */
static struct phone *proven(struct phone *server, const char *domain)
{
	char          id[128], text[256];
	struct phone *in = claims(domain, id);

	if (server->open) {
		who = server;
		assert_true(sim_until(&sim, has_next, US_PER_SECOND));
		server = server->next;
	}
	vouches(server, domain, id, "valid");
	snprintf(text, sizeof(text), "<db:result from=\"example.org\" to=\"%s\" type=\"valid\"/>",
		 domain);
	chat_expects(in, text);
	return in;
}

/* ---- ---- */

static void users_of_a_domain_that_dns_knows_are_written_to_and_write(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269), *in;

	(void)state;
	begins("", "", "");
	writes("bob@far.example", "m1");
	lets_in(server, "far.example");
	chat_expects(server, "<message type=\"chat\" id=\"m1\" from=\"alice@example.org/phone\" "
			     "to=\"bob@far.example\"><body>m1");
	in = proven(server, "far.example");
	phone_send(in, "<message from='bob@far.example/x' to='alice@example.org' id='b1'>"
		       "<body>Hello</body></message>");
	chat_expects(client,
		     "from=\"bob@far.example/x\" to=\"alice@example.org/phone\"><body>Hello");
	writes("bob@far.example/x", "m2"); /* by the same stream */
	chat_expects(server, "to=\"bob@far.example/x\"><body>m2");
	phone_send(client, "<iq type='get' id='q' to='bob@far.example/x'><ping "
			   "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(server, "<iq type=\"get\" id=\"q\" from=\"alice@example.org/phone\" "
			     "to=\"bob@far.example/x\">");
	phone_send(client, "<iq type='get' id='d' to='far.example'><query "
			   "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	chat_expects(server, "<iq type=\"get\" id=\"d\" from=\"alice@example.org/phone\" "
			     "to=\"far.example\">");
	assert_int_equal(zone[0].asked, 2); /* for the stream, and to ask about the other */
}

static void a_domain_beyond_ascii_is_reached(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);

	(void)state;
	begins("", "", "");
	zone[3] = (struct zone_name){
		.domain = "f\xc3\xa4r.example", .addresses = {HERE}, .port = 5269};
	writes("bob@F\xc3\x84R.example", "m1");
	lets_in(server, "f\xc3\xa4r.example");
	chat_expects(server, "to=\"bob@f\xc3\xa4r.example\"><body>m1");
	writes("bob@xn--fr-via.example", "m2"); /* the same */
	chat_expects(server, "to=\"bob@f\xc3\xa4r.example\"><body>m2");
}

static void users_of_ours_are_not_looked_for_elsewhere(void **state)
{
	struct phone *other;

	(void)state;
	begins("", "", "");
	other = chat_client(CAROL, "desk");
	phone_send(client, "<iq type='get' id='q' to='carol@example.org/desk'><ping "
			   "xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(other, "<iq type=\"get\" id=\"q\" from=\"alice@example.org/phone\"");
	writes("carol@example.org", "m1");
	chat_expects(other, "<body>m1");
	writes("nobody@example.org", "m2");
	comes_back("nobody@example.org", "m2", "cancel", "service-unavailable");
	assert_int_equal(sim_metric(&sim, METRIC_domains_searched), 0);
}

/* ---- what waits ---- */

static bool no_message_is_open(struct sim *s)
{
	return sim_metric(s, METRIC_messages_open) == 0;
}

static void what_waits_for_a_domain_goes_in_its_order_when_it_is_connected(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);
	char          text[64];

	(void)state;
	begins("", "", "");
	zone[0].silent = true;
	for (unsigned i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "w%02u", i);
		writes("bob@far.example", text);
	}
	sim_pass(&sim, US_PER_SECOND);
	assert_false(server->open);
	zone[0].silent = false;
	lets_in(server, "far.example");
	for (unsigned i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "<body>w%02u</body>", i);
		chat_expects(server, text);
	}
	assert_int_equal(zone[0].asked, 1);
}

static void more_than_may_wait_for_a_domain_comes_back(void **state)
{
	char id[16];

	(void)state;
	begins("", "", "");
	zone[0].silent = true;
	for (unsigned i = 0; i < DOMAIN_WAITING_MAX; i++) {
		snprintf(id, sizeof(id), "w%u", i);
		writes("bob@far.example", id);
		sim_pass(&sim, US_PER_MS);
	}
	chat_hears_nothing(client);
	writes("bob@far.example", "over");
	comes_back("bob@far.example", "over", "wait", "resource-constraint");
}

static void more_bytes_than_may_wait_for_a_domain_come_back(void **state)
{
	static char body[3001];
	unsigned    fit = DOMAIN_WAITING_BYTES_MAX / 3000;

	(void)state;
	begins("", ", queue: 1000", "");
	zone[0].silent = true;
	memset(body, 'x', 3000);
	for (unsigned i = 0; i <= fit; i++) {
		phone_send(client,
			   "<message to='bob@far.example' id='w%u'><body>%s</body></message>", i,
			   body);
		sim_pass(&sim, 10 * US_PER_MS);
		if (i + 1 < fit) /* what stands around the text counts, too */
			assert_int_equal(sim_metric(&sim, METRIC_messages_open), i + 1);
	}
	assert_true(sim_metric(&sim, METRIC_messages_open) < fit + 1);
	chat_expects(client, "<resource-constraint");
}

static void what_waits_too_long_comes_back(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);

	(void)state;
	begins("", "", "");
	writes("bob@far.example", "m1");
	opened(server); /* and it says nothing */
	passes(14 * US_PER_SECOND);
	chat_hears_nothing(client);
	sim_pass(&sim, US_PER_SECOND);
	comes_back("bob@far.example", "m1", "wait", "remote-server-timeout");
	passes(16 * US_PER_SECOND); /* then it is given up */
	writes("bob@far.example", "m2");
	comes_back("bob@far.example", "m2", "wait", "remote-server-timeout");
	assert_int_equal(zone[0].asked, 1);
}

static void while_control_is_late_nothing_is_held_against_a_domain(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);

	(void)state;
	begins("", "", "");
	control_is_late = true;
	writes("bob@far.example", "m1");
	passes(5 * US_PER_SECOND + 100 * US_PER_MS);
	comes_back("bob@far.example", "m1", "wait", "resource-constraint");
	control_is_late = false;
	writes("bob@far.example", "m2");
	lets_in(server, "far.example");
	chat_expects(server, "<body>m2");
}

/* ---- failures ---- */

/* A message to it comes back within so many seconds, and so often it was asked for altogether. */
static void comes_back_within(struct zone_name *z, const char *condition, unsigned seconds,
			      unsigned asked)
{
	static unsigned number;
	char            to[64], id[16];

	snprintf(to, sizeof(to), "bob@%s", z->domain);
	snprintf(id, sizeof(id), "f%u", number++);
	writes(to, id);
	sim_pass(&sim, 10 * US_PER_MS);
	assert_true(sim_until(&sim, no_message_is_open, seconds * US_PER_SECOND + 1));
	comes_back(to, id, strstr(condition, "timeout") != NULL ? "wait" : "cancel", condition);
	assert_int_equal(z->asked, asked);
}

static void a_domain_that_is_not_reached_rests_longer_and_longer(void **state)
{
	static const unsigned rests_s[] = {30, 60, 120, 240, 480, 600, 600};

	(void)state;
	begins("", "", "");
	for (unsigned i = 0; i < sizeof(rests_s) / sizeof(rests_s[0]); i++) {
		comes_back_within(&zone[1], "remote-server-timeout", 10, i + 1);
		comes_back_within(&zone[1], "remote-server-timeout", 0, i + 1);
		passes(rests_s[i] * (US_PER_SECOND * 7 / 8) - 2 * US_PER_SECOND);
		comes_back_within(&zone[1], "remote-server-timeout", 0, i + 1);
		passes(rests_s[i] * (US_PER_SECOND / 4) + 2 * US_PER_SECOND);
	}
	assert_int_equal(sim_metric(&sim, METRIC_domains_failed), 7);
}

static void a_domain_that_does_not_exist_is_said_not_to_and_not_asked_for_again(void **state)
{
	(void)state;
	begins("", "", "");
	comes_back_within(&zone[2], "remote-server-not-found", 1, 1);
	comes_back_within(&zone[2], "remote-server-not-found", 0, 1);
	passes(40 * US_PER_SECOND);
	comes_back_within(&zone[2], "remote-server-not-found", 1, 2);
}

static void a_domain_that_comes_itself_is_tried_at_once(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5270);

	(void)state;
	begins("", "", "");
	zone[0].port = 5271; /* refused */
	comes_back_within(&zone[0], "remote-server-timeout", 1, 1);
	comes_back_within(&zone[0], "remote-server-timeout", 0, 1);
	zone[0].port = 5270;
	proven(server, "far.example");
	phone_reset(server);
	server->open = false;
	writes("bob@far.example", "m1");
	lets_in(server, "far.example");
	chat_expects(server, "<body>m1");
}

static void the_next_server_of_a_domain_is_tried(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);

	(void)state;
	begins("", "", "");
	zone[0].addresses[0] = NOBODY;
	zone[0].addresses[1] = HERE;
	writes("bob@far.example", "m1");
	lets_in(server, "far.example");
	chat_expects(server, "<body>m1");
}

static void a_server_that_does_not_let_us_in_has_failed(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);

	(void)state;
	begins("", "", "");
	writes("bob@far.example", "m1");
	opened(server);
	chat_expects(server, "to=\"far.example\" version=\"1.0\">");
	phone_send(server, HEAD, "far.example", "example.org", " id='s1'");
	phone_send(server, "<stream:features/>");
	chat_expects(server, "</db:result>");
	phone_send(server, "<db:result from='far.example' to='example.org' type='invalid'/>");
	comes_back("bob@far.example", "m1", "wait", "remote-server-timeout");
	comes_back_within(&zone[0], "remote-server-timeout", 0, 1);
}

/* ---- limits ---- */

static void addresses_of_ours_and_of_nowhere_are_not_tried(void **state)
{
	static const char *const addresses[] = {"198.18.0.1", "127.0.0.1",   "224.0.0.1",
						"0.0.0.0",    "169.254.1.1", "255.255.255.255"};
	char                     to[64];

	(void)state;
	begins("", "", "");
	for (unsigned i = 0; i < 6; i++) {
		zone[3 + i] = (struct zone_name){.addresses = {addresses[i]}};
		zone[3 + i].domain =
			(const char *const[]){"a.example", "b.example", "c.example",
					      "d.example", "e.example", "f.example"}[i];
		zone[3 + i].why = REASON_NONE;
		snprintf(to, sizeof(to), "bob@%s", zone[3 + i].domain);
		writes(to, "m1");
		comes_back(to, "m1", "cancel", "remote-server-not-found");
	}
	assert_int_equal(sim_metric(&sim, METRIC_domain_addresses_refused), 6);
	assert_int_equal(sim_metric(&sim, METRIC_domains_searched), 6);
}

static void a_stream_that_is_idle_is_closed_and_opened_again(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269);

	(void)state;
	begins("", ", inactivity: 60", "");
	writes("bob@far.example", "m1");
	lets_in(server, "far.example");
	chat_expects(server, "<body>m1");
	passes(59 * US_PER_SECOND);
	assert_true(server->open);
	passes(2 * US_PER_SECOND);
	chat_expects(server, "</stream:stream>");
	phone_reset(server);
	server->open = false;
	writes("bob@far.example", "m2");
	lets_in(server, "far.example");
	chat_expects(server, "<body>m2");
}

static void a_stream_of_another_server_that_is_idle_is_closed(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269), *in;

	(void)state;
	begins("", ", inactivity: 60", "");
	in = proven(server, "far.example");
	passes(50 * US_PER_SECOND);
	phone_send(in, "<message from='bob@far.example' to='alice@example.org'><body>Hello</body>"
		       "</message>");
	chat_expects(client, "<body>Hello");
	passes(59 * US_PER_SECOND);
	assert_null(strstr(in->in, "</stream:stream>"));
	passes(2 * US_PER_SECOND);
	chat_expects(in, "<connection-timeout");
	chat_expects(in, "</stream:stream>");
	assert_int_equal(sim_metric(&sim, METRIC_xmpp_streams_federated), 0);
}

static struct xmpp_instance *instance(void)
{
	return sim.dp.workers[0]->instances[PROTO_xmpp];
}

/* As if others had all but one of the places. */
static void a_quarter_of_the_connections_is_of_domains(void **state)
{
	struct phone   *server = phone_chat_listen(&sim.host, 5269);
	struct domains *ds = &sim.dp.workers[0]->domains;
	uint32_t        others = sim.file.dataplane.connections_max / 4;

	(void)state;
	begins("", ", inactivity: 60", "");
	ds->conns = others;
	writes("bob@far.example", "m1");
	comes_back("bob@far.example", "m1", "wait", "resource-constraint");
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_FEDERATION_FULL), 1);
	assert_int_equal(zone[0].asked, 0);
	ds->conns = --others;
	writes("bob@far.example", "m2");
	lets_in(server, "far.example");
	chat_expects(server, "<body>m2");
	assert_int_equal(sim_metric(&sim, METRIC_domains_connected), 1);
	writes("bob@dead.example", "m3");
	comes_back("bob@dead.example", "m3", "wait", "resource-constraint");
	passes(61 * US_PER_SECOND);
	assert_int_equal(ds->conns, others); /* the stream was idle */
	writes("bob@dead.example", "m4");
	passes(30 * US_PER_SECOND);
	comes_back("bob@dead.example", "m4", "wait", "remote-server-timeout");
	assert_int_equal(ds->conns, others); /* nobody was there */
	assert_int_equal(sim_metric(&sim, METRIC_domains_connected), 0);
}

static void a_quarter_of_the_connections_is_of_servers_that_come(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269), *in;
	struct phone *chat = phone_chat_listen(&sim.host, 5270);
	uint32_t      others = sim.file.dataplane.connections_max / 4;
	char          id[128];

	(void)state;
	begins("", "",
	       "  - {name: chat, protocol: xmpp, link: server, domain: chat.example, host: " HERE
	       ", port: 5270}\n");
	opened(chat); /* by us, as it is a peer */
	instance()->federated = others;
	in = claims("far.example", id);
	chat_expects(in, "type=\"error\"><error type=\"wait\"><resource-constraint");
	proven(chat, "chat.example");
	instance()->federated = others - 1;
	in = proven(server, "far.example");
	assert_int_equal(sim_metric(&sim, METRIC_xmpp_streams_federated), 1);
	phone_reset(in);
	sim_pass(&sim, US_PER_SECOND);
	assert_int_equal(instance()->federated, others - 1);
	instance()->federated = 0;
}

static void the_rate_of_the_peer_holds_for_each_domain(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269), *other;
	char          id[16];

	(void)state;
	begins("", ", rate: 1", "");
	zone[3] = (struct zone_name){.domain = "other.example", .addresses = {HERE}, .port = 5270};
	other = phone_chat_listen(&sim.host, 5270);
	writes("bob@far.example", "m1");
	lets_in(server, "far.example");
	chat_expects(server, "<body>m1");
	for (unsigned i = 2; i < 5; i++) {
		snprintf(id, sizeof(id), "m%u", i);
		writes("bob@far.example", id);
	}
	writes("eve@other.example", "o1"); /* is not behind them */
	lets_in(other, "other.example");
	chat_expects(other, "<body>o1");
	assert_null(strstr(server->in, "<body>m4"));
	passes(3 * US_PER_SECOND);
	chat_expects(server, "<body>m4");
}

/* ---- whom it is not for ---- */

static void domains_of_ours_of_others_and_those_excepted_are_not_for_it(void **state)
{
	static const char *const domains[] = {"bad.example", "bot.example.org", "chat.example"};
	char                     id[128];

	(void)state;
	begins("  - {name: bot, protocol: xmpp, domain: bot.example.org, password: pw}\n",
	       ", except: [bad.example]",
	       "  - {name: chat, protocol: xmpp, link: server, domain: chat.example, host: "
	       "198.18.0.77}\n");
	for (unsigned i = 0; i < 3; i++) { /* whoever is asked about fails the test */
		struct phone *in;
		char          to[64];

		snprintf(to, sizeof(to), "bob@%s", domains[i]);
		writes(to, "m1");
		comes_back(to, "m1", "cancel", "remote-server-not-found");
		if (i == 2)
			continue; /* its own peer says where it is asked */
		in = claims(domains[i], id);
		chat_expects(in, "<remote-server-not-found");
	}
	chat_expects(claims("example.org", id), "<not-acceptable");
}

/* Everything that says of far.example that it is not let in. */
static const struct {
	const char *accounts, *peer, *more;
} changes[] = {
	{"", ", except: [far.example]", ""},
	{"  - {name: bot, protocol: xmpp, domain: far.example, password: pw}\n", "", ""},
	{"", "",
	 "  - {name: far, protocol: xmpp, link: server, domain: far.example, host: 198.18.0.77}\n"},
	{"", NULL, ""}, /* there is no open federation */
};

static void world_changes(const char *accounts, const char *peer, const char *more)
{
	char peers[512] = "";

	if (peer != NULL)
		snprintf(peers, sizeof(peers), WORLD, peer, more);
	world_adds_instead(accounts, peers);
}

static void who_is_not_let_in_any_more_says_nothing_more(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct phone *server, *in;

		if (i > 0)
			world_open(state);
		server = phone_chat_listen(&sim.host, 5269);
		begins("", "", "");
		in = proven(server, "far.example");
		instance()->looks = XMPP_LOOKS / 2; /* not at once */
		world_changes("", ", except: [other.example]", "");
		phone_send(in, "<message from='bob@far.example' to='alice@example.org'><body>1"
			       "</body></message>");
		chat_expects(client, "<body>1");
		chat_expects(client, "</message>");
		world_changes(changes[i].accounts, changes[i].peer, changes[i].more);
		phone_send(in, "<message from='bob@far.example' to='alice@example.org'><body>2"
			       "</body></message>");
		chat_expects(in, "<not-authorized");
		chat_expects(in, "</stream:stream>");
		chat_hears_nothing(client);
		assert_int_equal(sim_metric(&sim, METRIC_xmpp_streams_federated), 0);
		if (i + 1 < sizeof(changes) / sizeof(changes[0]))
			world_end(state);
	}
}

static void who_is_not_let_in_any_more_is_sent_away_though_silent(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269), *in;

	(void)state;
	begins("", "", "");
	in = proven(server, "far.example");
	instance()->looks = XMPP_LOOKS - 1;
	world_changes("", ", except: [far.example]", "");
	passes((XMPP_LOOKS - 1) * XMPP_LOOK_US - US_PER_SECOND);
	assert_null(strstr(in->in, "</stream:stream>"));
	passes(US_PER_SECOND + 20 * US_PER_MS);
	chat_expects(in, "<not-authorized");
	chat_expects(in, "</stream:stream>");
}

static void idle_time_follows_the_peer(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269), *in;

	(void)state;
	begins("", ", inactivity: 600", "");
	in = proven(server, "far.example");
	world_changes("", ", inactivity: 60", "");
	passes(61 * US_PER_SECOND);
	chat_expects(in, "<connection-timeout");
}

static void nobody_speaks_for_a_domain_that_it_has_not_proven(void **state)
{
	struct phone *server = phone_chat_listen(&sim.host, 5269), *in;

	(void)state;
	begins("", "", "");
	in = proven(server, "far.example");
	phone_send(in, "<message from='eve@other.example' to='alice@example.org'><body>x</body>"
		       "</message>");
	chat_expects(in, "<invalid-from");
	in = phone_chat_to(&sim.host, 5269);
	opened(in);
	phone_send(in, HEAD, "far.example", "example.org", "");
	phone_send(in, "<message from='bob@far.example' to='alice@example.org'><body>x</body>"
		       "</message>");
	chat_expects(in, "<not-authorized");
	chat_hears_nothing(client);
}

/* ---- operators ---- */

struct question {
	const char *name;
	json_t     *args, *reply;
	char        error[256];
	int         err;
	atomic_bool answered;
};

static void *ask_there(void *user)
{
	struct question *q = user;

	q->err = query_run(&sim.dp, q->name, q->args, &q->reply, q->error);
	atomic_store(&q->answered, true);
	return NULL;
}

/* The workers turn while the question waits. Its rows as text; freed. */
static char *asks(const char *name, json_t *args, int err)
{
	struct question q = {.name = name, .args = args};
	pthread_t       thread;
	char           *text;

	assert_int_equal(pthread_create(&thread, NULL, ask_there, &q), 0);
	while (!atomic_load(&q.answered))
		sim_step(&sim, 1);
	pthread_join(thread, NULL);
	json_decref(args);
	assert_int_equal(q.err, err);
	if (err < 0)
		return strdup(q.error);
	text = json_dumps(json_object_get(q.reply, "rows"), JSON_COMPACT);
	json_decref(q.reply);
	return text;
}

static void has_row(const char *begin, const char *why)
{
	char *rows = asks("domain_list", json_object(), 0), *at = strstr(rows, begin);

	if (at == NULL)
		print_error("%s\nhas not: %s\n", rows, begin);
	assert_non_null(at);
	assert_memory_equal(strchr(at, ']') - strlen(why), why, strlen(why));
	free(rows);
}

static void retried(const char *domain, int err, const char *said)
{
	char *text = asks("domain_retry", json_pack("{s:s}", "name", domain), err);

	assert_non_null(strstr(text, said));
	free(text);
}

static void explained(const char *to, const char *said)
{
	char *text = asks("route_explain",
			  json_pack("{s:s, s:s}", "from", "xmpp:alice@example.org", "to", to), 0);

	if (strstr(text, said) == NULL)
		print_error("%s\nhas not: %s\n", text, said);
	assert_non_null(strstr(text, said));
	free(text);
}

static void an_operator_sees_domains_and_has_one_tried_again(void **state)
{
	struct phone *server;

	(void)state;
	begins("", "", "");
	server = phone_chat_listen(&sim.host, 5269);
	zone[0].silent = true;
	writes("bob@far.example", "m1");
	writes("bob@none.example", "n1");
	comes_back("bob@none.example", "n1", "cancel", "remote-server-not-found");
	has_row("[\"far.example\",\"resolving\",1,0,0,", "\"\"");
	has_row("[\"none.example\",\"failed\",0,1,", "\"DNS knows no server of the domain, or the "
						     "domain is not one that is reached from "
						     "here.\"");
	zone[0].silent = false;
	lets_in(server, "far.example");
	chat_expects(server, "<body>m1");
	has_row("[\"far.example\",\"up\",0,0,0,", "\"\"");
	zone[2].why = REASON_NONE;
	zone[2].addresses[0] = HERE;
	zone[2].port = 5270;
	server = phone_chat_listen(&sim.host, 5270);
	comes_back_within(&zone[2], "remote-server-not-found", 0, 1);
	retried("None.Example", 0, "tried when there is something");
	has_row("[\"none.example\",\"idle\",0,0,0,\"\",", "\"\"");
	writes("bob@none.example", "n2");
	lets_in(server, "none.example");
	chat_expects(server, "<body>n2");
	retried("other.example", -EINVAL, "nothing is known of the domain 'other.example'");
	explained("xmpp:bob@far.example", "domain far.example at worker");
	explained("sip:bob@far.example", "no route matches");
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, world_open, world_end)
#define OF_TWO(test)                                                                               \
	{                                                                                          \
#test "_of_two_workers", test, world_of_two, world_end, NULL                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPEN(users_of_a_domain_that_dns_knows_are_written_to_and_write),
		OPEN(a_domain_beyond_ascii_is_reached),
		OPEN(users_of_ours_are_not_looked_for_elsewhere),
		OPEN(what_waits_for_a_domain_goes_in_its_order_when_it_is_connected),
		OPEN(more_than_may_wait_for_a_domain_comes_back),
		OPEN(more_bytes_than_may_wait_for_a_domain_come_back),
		OPEN(what_waits_too_long_comes_back),
		OPEN(while_control_is_late_nothing_is_held_against_a_domain),
		OPEN(a_domain_that_is_not_reached_rests_longer_and_longer),
		OPEN(a_domain_that_does_not_exist_is_said_not_to_and_not_asked_for_again),
		OPEN(a_domain_that_comes_itself_is_tried_at_once),
		OPEN(the_next_server_of_a_domain_is_tried),
		OPEN(a_server_that_does_not_let_us_in_has_failed),
		OPEN(addresses_of_ours_and_of_nowhere_are_not_tried),
		OPEN(a_stream_that_is_idle_is_closed_and_opened_again),
		OPEN(a_stream_of_another_server_that_is_idle_is_closed),
		OPEN(a_quarter_of_the_connections_is_of_domains),
		OPEN(a_quarter_of_the_connections_is_of_servers_that_come),
		OPEN(the_rate_of_the_peer_holds_for_each_domain),
		OPEN(domains_of_ours_of_others_and_those_excepted_are_not_for_it),
		OPEN(who_is_not_let_in_any_more_says_nothing_more),
		OPEN(who_is_not_let_in_any_more_is_sent_away_though_silent),
		OPEN(idle_time_follows_the_peer),
		OPEN(nobody_speaks_for_a_domain_that_it_has_not_proven),
		OPEN(an_operator_sees_domains_and_has_one_tried_again),
		OF_TWO(an_operator_sees_domains_and_has_one_tried_again),
		OF_TWO(what_waits_for_a_domain_goes_in_its_order_when_it_is_connected),
		OF_TWO(a_domain_that_comes_itself_is_tried_at_once),
		OF_TWO(domains_of_ours_of_others_and_those_excepted_are_not_for_it),
		OF_TWO(users_of_a_domain_that_dns_knows_are_written_to_and_write),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
