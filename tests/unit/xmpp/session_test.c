#include "client.h"

#include "base/random.h"
#include "msg/id.h"
#include "xmpp/session_private.h"

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

#define has_not(text, what) assert_null(strstr(text, what))

static unsigned blocks_used(struct client *c)
{
	return ((struct xmpp_instance *)c->instance)->blocks.used;
}

static void a_client_negotiates_authenticates_and_binds(void **state)
{
	struct client *c = client_new();
	const char    *sent;

	client_open(c);
	client_says(c, CLIENT_HEAD);
	sent = client_sent(c);
	has(sent, "<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:client\" "
		  "xmlns:stream=\"http://etherx.jabber.org/streams\" id=\"");
	has(sent, " from=\"example.org\" version=\"1.0\" xml:lang=\"en\"><stream:features>"
		  "<mechanisms xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\">"
		  "<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism>"
		  "</mechanisms>");
	has(sent, "<max-bytes>10000</max-bytes>");
	has_not(sent, "PLAIN");
	assert_true(client_authenticates(c, "Alice", "secret"));
	assert_false(xmpp_ops.ready(c->session));
	client_says(c, CLIENT_HEAD);
	sent = client_sent(c);
	has(sent, "<stream:features><bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"/>");
	has(sent, "<max-bytes>65536</max-bytes>");
	has_not(sent, "mechanism");
	client_says(c, "<iq type='set' id='b&lt;1'><bind "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>my "
		       "phone</resource></bind></iq>");
	assert_string_equal(client_sent(c),
			    "<iq type=\"result\" id=\"b&lt;1\"><bind "
			    "xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"><jid>alice@example.org/my "
			    "phone</jid></bind></iq>");
	assert_true(xmpp_ops.ready(c->session));
	assert_string_equal(c->address, "xmpp:alice@example.org");
	assert_string_equal(c->resource, "my phone");
	assert_int_equal(c->binding.features, PROTO_BINDING_DIRECT); /* until it is available */
	assert_true(c->binding.key == xmpp_resource_key(STR("my phone")));
	assert_int_equal(c->event_count, 0);
	client_free(c);
}

/* Everything at once, as a client may that knows what will come, and cut anywhere. */
static void a_stream_cut_anywhere_is_answered_alike(void **state)
{
	static const char bytes[] =
		"<message to='bob@example.org' id='m1' type='chat'><body>hej "
		"\xc3\xa5</body></message> <presence><priority>5</priority></presence>"
		"<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq></stream:stream>";
	struct client *c = client_new();
	char           whole[4096];

	client_up(c, "alice", "r");
	assert_int_equal(client_feed(c, bytes, sizeof(bytes) - 1), 0);
	assert_true(str_copy(whole, sizeof(whole), str_of(client_sent(c))));
	has(whole, "</stream:stream>");
	client_forget(c);
	for (size_t cut = 1; cut < sizeof(bytes) - 1; cut++) {
		size_t left;

		client_close(c);
		client_up(c, "alice", "r");
		left = client_feed(c, bytes, cut);
		assert_int_equal(client_feed(c, bytes + cut - left, sizeof(bytes) - 1 - cut + left),
				 0);
		assert_string_equal(client_sent(c), whole);
		assert_int_equal(c->event_count, 2);
		assert_int_equal(c->events[0].kind, EVENT_MSG);
		assert_int_equal(c->events[1].kind, EVENT_CLOSE);
		assert_int_equal(c->events[1].why, REASON_UNBOUND);
		client_forget(c);
	}
	client_free(c);
}

static void who_was_erased_after_logging_in_is_not_bound(void **state)
{
	struct client *c = client_new();

	client_open(c);
	client_says(c, CLIENT_HEAD);
	assert_true(client_authenticates(c, "alice", "secret"));
	client_says(c, CLIENT_HEAD);
	client_sent(c);
	client_erased = true;
	client_says(c, "<iq type='set' id='1'><bind "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	client_tick(c);
	client_erased = false;
	has(client_sent(c), "<not-authorized");
	assert_false(xmpp_ops.ready(c->session));
	assert_int_equal(c->event_count, 1);
	assert_int_equal(c->events[0].kind, EVENT_CLOSE);
	assert_int_equal(c->events[0].why, REASON_ACCOUNT_GONE);
	client_free(c);
}

/* The salt that somebody is told in a run with that seed and that secret. */
static void salt_of(const char *user, uint64_t seed, uint8_t secret, char salt[64])
{
	struct client *c;
	char           challenge[512], first[64];
	size_t         n;

	client_seed = seed;
	client_secret = secret;
	c = client_new();
	client_seed = 42;
	client_secret = 0;
	client_open(c);
	client_says(c, CLIENT_HEAD);
	client_sent(c);
	snprintf(first, sizeof(first), "n,,n=%s,r=nonce", user);
	client_says_base64(c, "<auth" CLIENT_SASL " mechanism='SCRAM-SHA-256'>", str_of(first),
			   "</auth>");
	n = client_decoded(client_sent(c), "challenge", challenge, sizeof(challenge) - 1);
	assert_int_not_equal(n, SIZE_MAX);
	challenge[n] = '\0';
	assert_non_null(strstr(challenge, ",s="));
	snprintf(salt, 64, "%.24s", strstr(challenge, ",s=") + 3);
	client_free(c);
}

/* One who exists has the same salt in each run, too. */
static void who_does_not_exist_has_the_same_salt_after_a_restart(void **state)
{
	char nobody[64], again[64], other[64], elsewhere[64];

	salt_of("nobody", 1, 7, nobody);
	salt_of("nobody", 2, 7, again);
	salt_of("somebody", 2, 7, other);
	salt_of("nobody", 1, 8, elsewhere);
	assert_string_equal(nobody, again);
	assert_string_not_equal(nobody, other);
	assert_string_not_equal(nobody, elsewhere); /* whoever has no secret cannot tell */
}

static void a_resource_is_made_for_who_names_none(void **state)
{
	struct client *c = client_new();
	char           first[64];

	for (unsigned i = 0; i < 2; i++) {
		client_open(c);
		client_says(c, CLIENT_HEAD);
		assert_true(client_authenticates(c, "bob", "secret"));
		client_says(c, CLIENT_HEAD "<iq type='set' id='1'><bind "
					   "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
		assert_int_equal(strlen(c->resource), XMPP_TEXT_SIZE);
		if (i == 1)
			assert_string_not_equal(c->resource, first);
		assert_true(str_copy(first, sizeof(first), str_of(c->resource)));
		client_close(c);
	}
	client_free(c);
}

static void a_binding_that_is_refused_may_be_tried_again(void **state)
{
	struct client *c = client_new();
	const char    *sent;

	client_open(c);
	client_says(c, CLIENT_HEAD);
	assert_true(client_authenticates(c, "bob", "secret"));
	c->binding_why = REASON_REGISTRATIONS_FULL;
	client_says(c, CLIENT_HEAD "<iq type='set' id='1'><bind "
				   "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	sent = client_sent(c);
	has(sent, "<iq type=\"error\" id=\"1\"><error type=\"wait\"><resource-constraint");
	assert_false(xmpp_ops.ready(c->session));
	c->binding_why = REASON_NONE;
	client_says(c, "<iq type='set' id='2'><bind "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	has(client_sent(c), "<iq type=\"result\" id=\"2\"><bind");
	client_says(c, "<iq type='set' id='3'><bind "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	has(client_sent(c), "<iq type=\"error\" id=\"3\" from=\"example.org\"><error "
			    "type=\"cancel\"><not-allowed");
	client_free(c);
}

static void who_fails_to_authenticate_three_times_is_parted_with(void **state)
{
	struct client *c = client_new();
	const char    *sent;

	client_open(c);
	client_says(c, CLIENT_HEAD);
	assert_false(client_authenticates(c, "alice", "wrong"));
	assert_false(client_authenticates(c, "nobody", "secret"));
	client_sent(c);
	client_says(c, "<auth" CLIENT_SASL " mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>");
	sent = client_sent(c);
	has(sent, "<failure xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"><encryption-required/>");
	has(sent, "<stream:error><policy-violation");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_XMPP_TRIES);
	assert_int_equal(c->metrics->value[METRIC_xmpp_proofs_wrong], 2);
	assert_int_equal(blocks_used(c), 0);
	client_free(c);
}

static void plain_is_for_listeners_that_allow_it(void **state)
{
	struct client *c = client_new();

	c->plain = true;
	client_open(c);
	client_says(c, CLIENT_HEAD);
	has(client_sent(c), "<mechanism>PLAIN</mechanism>");
	client_says(c, "<auth" CLIENT_SASL " mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>");
	has(client_sent(c), "<success");
	client_free(c);
}

static void tries_that_are_not_by_the_rules_fail_in_their_words(void **state)
{
	static const struct {
		const char *says, *error;
	} table[] = {
		{"<auth" CLIENT_SASL " mechanism='X'/>", "<invalid-mechanism/>"},
		{"<auth" CLIENT_SASL "/>", "<invalid-mechanism/>"},
		{"<auth" CLIENT_SASL " mechanism='SCRAM-SHA-1'>biws</auth>",
		 "<malformed-request/>"},
		{"<auth" CLIENT_SASL " mechanism='SCRAM-SHA-1'>bi*s</auth>",
		 "<incorrect-encoding/>"},
		{"<auth" CLIENT_SASL " mechanism='SCRAM-SHA-1'>=</auth>", "<malformed-request/>"},
		{"<response" CLIENT_SASL ">=</response>", "<malformed-request/>"},
		{"<auth" CLIENT_SASL " mechanism='SCRAM-SHA-1'/><abort" CLIENT_SASL "/>",
		 "<aborted/>"},
		{"<auth" CLIENT_SASL " mechanism='SCRAM-SHA-1'/><response" CLIENT_SASL
		 ">x</response>",
		 "<incorrect-encoding/>"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client *c = client_new();

		client_open(c);
		client_says(c, CLIENT_HEAD);
		client_sent(c);
		client_says(c, table[i].says);
		has(client_sent(c), table[i].error);
		assert_int_equal(blocks_used(c), 0);
		client_free(c);
	}
}

static void heads_that_are_not_served_end_the_stream_in_its_words(void **state)
{
	static const struct {
		const char *head, *error;
	} table[] = {
		{"<stream:stream to='example.com' xmlns='jabber:client' version='1.0' "
		 "xmlns:stream='http://etherx.jabber.org/streams'>",
		 "<host-unknown"},
		{"<stream:stream to='' xmlns='jabber:client' version='1.0' "
		 "xmlns:stream='http://etherx.jabber.org/streams'>",
		 "<host-unknown"},
		{"<stream:stream to='example.org' xmlns='jabber:server' version='1.0' "
		 "xmlns:stream='http://etherx.jabber.org/streams'>",
		 "<invalid-namespace"},
		{"<stream:stream to='example.org' xmlns='jabber:client' version='1.0' "
		 "xmlns:stream='urn:x'>",
		 "<invalid-namespace"},
		{"<stream:stream to='example.org' xmlns='jabber:client' "
		 "xmlns:stream='http://etherx.jabber.org/streams'>",
		 "<unsupported-version"},
		{"<stream:stream to='example.org' xmlns='jabber:client' version='2.0' "
		 "xmlns:stream='http://etherx.jabber.org/streams'>",
		 "<unsupported-version"},
		{"<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream>",
		 "<unsupported-encoding"},
		{"<stream:stream>", "<not-well-formed"},
		{"GET / HTTP/1.1\r\n", "<not-well-formed"},
		{"<!DOCTYPE x>", "<restricted-xml"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client *c = client_new();
		const char    *sent;

		client_open(c);
		client_says(c, table[i].head);
		sent = client_sent(c);
		assert_true(str_starts(str_of(sent), STR("<?xml version=\"1.0\"?><stream:stream")));
		has(sent, table[i].error);
		has(sent, "</stream:error></stream:stream>");
		assert_true(c->bad || client_last(c, EVENT_CLOSE) != NULL);
		client_free(c);
	}
}

static void a_stream_that_begins_anew_has_a_head_of_its_own(void **state)
{
	struct client *c = client_new();

	client_open(c);
	client_says(c, CLIENT_HEAD);
	assert_true(client_authenticates(c, "bob", "secret"));
	client_sent(c);
	client_says(c, "<s:s xmlns:s='urn:s'>");
	assert_true(
		str_starts(str_of(client_sent(c)), STR("<?xml version=\"1.0\"?><stream:stream")));
	client_free(c);
}

static void one_listener_serves_its_domains(void **state)
{
	struct client *c = client_new();

	client_open(c);
	client_says(c, "<stream:stream to='EXAMPLE.net' xmlns='jabber:client' version='1.0' "
		       "xmlns:stream='http://etherx.jabber.org/streams'>");
	has(client_sent(c), "from=\"example.net\"");
	assert_false(client_authenticates(c, "alice", "secret")); /* who is of another */
	client_free(c);
}

static void who_is_not_bound_may_not_speak(void **state)
{
	static const char *const table[] = {
		"<message to='bob@example.org'><body>x</body></message>",
		"<presence/>",
		"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (unsigned known = 0; known < 2; known++) {
			struct client *c = client_new();

			client_open(c);
			client_says(c, CLIENT_HEAD);
			if (known) {
				assert_true(client_authenticates(c, "bob", "secret"));
				client_says(c, CLIENT_HEAD);
			}
			client_sent(c);
			client_says(c, table[i]);
			has(client_sent(c), "<stream:error><not-authorized");
			assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_XMPP_STANZA);
			client_free(c);
		}
	}
}

#define WANTS (XMPP_FEATURE_AVAILABLE | XMPP_FEATURE_WANTS)
#define HIDES (XMPP_FEATURE_AVAILABLE | PROTO_BINDING_DIRECT)

static void presence_says_for_what_a_client_is_reached(void **state)
{
	static const struct {
		const char *says;
		unsigned    bindings; /* more */
		uint16_t    priority, features;
	} table[] = {
		{"<presence/>", 1, 128, WANTS},
		{"<presence><show>away</show></presence>", 0, 128, WANTS},
		{"<presence><priority> 5 </priority></presence>", 1, 133, WANTS},
		{"<presence><priority>127</priority></presence>", 1, 255, WANTS},
		{"<presence><priority>-1</priority></presence>", 1, 0, HIDES},
		{"<presence><priority>128</priority></presence>", 0, 0, HIDES},
		{"<presence><priority>x</priority></presence>", 0, 0, HIDES},
		{"<presence to='bob@example.org'/>", 0, 0, HIDES},
		{"<presence to='bob@example.org' type='unavailable'/>", 0, 0, HIDES},
		{"<presence type='subscribe' to='bob@example.org'/>", 0, 0, HIDES},
		{"<presence/>", 1, 128, WANTS},
		{"<presence type='unavailable'/>", 1, 128, PROTO_BINDING_DIRECT},
	};
	struct client *c = client_new();

	client_up(c, "bob", "r");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned before = c->bindings;

		client_says(c, table[i].says);
		assert_int_equal(c->bindings - before, table[i].bindings);
		assert_int_equal(c->binding.priority, table[i].priority);
		assert_int_equal(c->binding.features, table[i].features);
	}
	client_free(c);
}

static void requests_to_us_are_answered(void **state)
{
	static const struct {
		const char *says, *answer;
	} table[] = {
		{"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
		 "<iq type=\"result\" id=\"1\" from=\"example.org\"></iq>"},
		{"<iq type='get' id='1' to='example.org'><query "
		 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		 "<identity category=\"gateway\" type=\"sms\""},
		{"<iq type='get' id='1' to='alice@example.org'><query "
		 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		 "<query xmlns=\"http://jabber.org/protocol/disco#info\"><identity "
		 "category=\"account\" type=\"registered\" name=\"CPM\"/><feature "
		 "var=\"http://jabber.org/protocol/disco#info\"/><feature "
		 "var=\"http://jabber.org/protocol/disco#items\"/></query></iq>"},
		{"<iq type='get' id='1'><query "
		 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		 "category=\"account\" type=\"registered\""},
		{"<iq type='get' id='1' to='alice@example.org'><query node='n' "
		 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		 "<item-not-found"},
		{"<iq type='get' id='1' to='example.org'><query node='n' "
		 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		 "<item-not-found"},
		{"<iq type='get' id='1' to='example.org'><query "
		 "xmlns='http://jabber.org/protocol/disco#items'/></iq>",
		 "<query xmlns=\"http://jabber.org/protocol/disco#items\"/></iq>"},
		{"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
		 "<query xmlns=\"jabber:iq:roster\" ver=\"0\"></query></iq>"},
		{"<iq type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>", "<bad-request"},
		{"<iq type='get' id='1'><query xmlns='jabber:iq:version'/></iq>", "<name>CPM"},
		{"<iq type='get' id='1'><time xmlns='urn:xmpp:time'/></iq>",
		 "<utc>2026-09-21T14:13:20Z</utc>"},
		{"<iq type='set' id='1'><session "
		 "xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
		 "<iq type=\"result\" id=\"1\" from=\"example.org\"></iq>"},
		{"<iq type='get' id='1'><x xmlns='urn:x'/></iq>", "<service-unavailable"},
		{"<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>", "<bad-request"},
		{"<iq type='x' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "<bad-request"},
		{"<iq type='get' id='1'/>", "<bad-request"},
		{"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/><a xmlns='b'/></iq>",
		 "<bad-request"},
	};
	struct client *c = client_new();

	client_up(c, "alice", "r");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *sent;

		client_says(c, table[i].says);
		sent = client_sent(c);
		if (strstr(sent, table[i].answer) == NULL)
			print_error("%s: %s\n", table[i].says, sent);
		has(sent, table[i].answer);
	}
	client_says(c, "<iq type='result' id='x'/><iq type='error' id='y'/>");
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void a_silent_client_is_asked_and_then_parted_with(void **state)
{
	struct client *c = client_new();

	c->settings.keepalive_us = 60 * US_PER_SECOND;
	client_up(c, "alice", "r");
	assert_int_equal(c->due, c->now.us + 60 * US_PER_SECOND);
	c->now.us += 60 * US_PER_SECOND;
	client_tick(c);
	has(client_sent(c), "<iq type=\"get\" id=\"ping\" from=\"example.org\"><ping "
			    "xmlns=\"urn:xmpp:ping\"/></iq>");
	c->now.us += 5 * US_PER_SECOND;
	client_says(c, " "); /* anything is an answer */
	assert_int_equal(c->due, c->now.us + 60 * US_PER_SECOND);
	c->now.us += 60 * US_PER_SECOND;
	client_tick(c);
	has(client_sent(c), "<ping");
	c->now.us += 10 * US_PER_SECOND;
	client_tick(c);
	has(client_sent(c), "<stream:error><connection-timeout");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_LINK_DEAD);
	client_free(c);
}

static void who_does_not_log_in_in_time_is_parted_with(void **state)
{
	struct client *c = client_new();

	client_open(c);
	client_says(c, CLIENT_HEAD);
	client_sent(c);
	assert_int_equal(c->due, c->now.us + 30 * US_PER_SECOND);
	c->now.us += 30 * US_PER_SECOND;
	client_tick(c);
	has(client_sent(c), "<stream:error><connection-timeout");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	client_free(c);
}

static void the_end_of_a_stream_says_why(void **state)
{
	static const struct {
		enum reason why;
		const char *says;
	} table[] = {
		{REASON_REPLACED, "<stream:error><conflict xmlns=\"urn:ietf:params:xml:ns:xmpp-"
				  "streams\"/></stream:error></stream:stream>"},
		{REASON_SHUTDOWN, "<stream:error><system-shutdown"},
		{REASON_ACCOUNT_GONE, "<stream:error><not-authorized"},
		{REASON_CLOSED_BY_OPERATOR, "<stream:error><reset"},
		{REASON_UNBOUND, "</stream:stream>"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client *c = client_new();
		struct out     out;

		client_up(c, "alice", "r");
		out = client_out(c);
		xmpp_ops.close(c->session, c->now, table[i].why, &out);
		client_took(c, &out);
		assert_true(str_starts(str_of(client_sent(c)), str_of(table[i].says)));
		assert_int_equal(blocks_used(c), 0);
		client_free(c);
	}
}

static void bad_bytes_end_the_stream_and_nothing_else(void **state)
{
	static const struct {
		const char *says, *error;
	} table[] = {
		{"<message><body>&lol;</body></message>", "<restricted-xml"},
		{"<!-- -->", "<restricted-xml"},
		{"<message><body>\xff</body></message>", "<unsupported-encoding"},
		{"<message><body>\xef\xbf\xbe</body></message>", "<not-well-formed"},
		{"<message><body></message>", "<not-well-formed"},
		{"<message><stream:stream/></message>", "<not-well-formed"},
		{"</stream>", "<not-well-formed"},
		{"text", "<not-well-formed"},
		{"<foo xmlns='u'/>", "<unsupported-stanza-type"},
		{"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<unsupported-stanza-type"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client *c = client_new();

		client_up(c, "alice", "r");
		client_says(c, table[i].says);
		has(client_sent(c), table[i].error);
		client_says(c, "<presence/>"); /* which is not heard any more */
		assert_string_equal(client_sent(c), "");
		client_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_negotiates_authenticates_and_binds),
		cmocka_unit_test(a_stream_cut_anywhere_is_answered_alike),
		cmocka_unit_test(who_was_erased_after_logging_in_is_not_bound),
		cmocka_unit_test(who_does_not_exist_has_the_same_salt_after_a_restart),
		cmocka_unit_test(a_resource_is_made_for_who_names_none),
		cmocka_unit_test(a_binding_that_is_refused_may_be_tried_again),
		cmocka_unit_test(who_fails_to_authenticate_three_times_is_parted_with),
		cmocka_unit_test(plain_is_for_listeners_that_allow_it),
		cmocka_unit_test(tries_that_are_not_by_the_rules_fail_in_their_words),
		cmocka_unit_test(heads_that_are_not_served_end_the_stream_in_its_words),
		cmocka_unit_test(a_stream_that_begins_anew_has_a_head_of_its_own),
		cmocka_unit_test(one_listener_serves_its_domains),
		cmocka_unit_test(who_is_not_bound_may_not_speak),
		cmocka_unit_test(presence_says_for_what_a_client_is_reached),
		cmocka_unit_test(requests_to_us_are_answered),
		cmocka_unit_test(a_silent_client_is_asked_and_then_parted_with),
		cmocka_unit_test(who_does_not_log_in_in_time_is_parted_with),
		cmocka_unit_test(the_end_of_a_stream_says_why),
		cmocka_unit_test(bad_bytes_end_the_stream_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
