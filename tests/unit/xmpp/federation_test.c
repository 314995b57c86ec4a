/* Streams of other servers that open federation lets in: how many, and how long. */
#include "client.h"

#define SERVER_HEAD(attributes)                                                                    \
	"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "                  \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0' " attributes ">"

static void hears(struct client *c, const char *what)
{
	const char *sent = client_sent(c);

	if (strstr(sent, what) == NULL)
		print_error("%s\nhas not: %s\n", sent, what);
	assert_non_null(strstr(sent, what));
}

static unsigned federated(const struct client *c)
{
	return ((const struct xmpp_instance *)c->instance)->federated;
}

/* Another session, which is the one that is spoken by. */
static void *opens(struct client *c, const struct proto_open *how)
{
	struct proto_open open = *how;
	struct out        out = client_out(c);

	open.instance = c->instance;
	open.settings = &c->settings;
	open.login_us = 5 * US_PER_SECOND;
	open.domain = STR("example.org");
	c->session = calloc(1, xmpp_ops.session_size);
	xmpp_ops.open(c->session, c->now, &open, &out);
	client_took(c, &out);
	client_tick(c);
	return c->session;
}

static void goes(struct client *c, void *session)
{
	c->session = session;
	client_close(c);
	free(session);
	c->session = NULL;
}

/* A stream of another server, which claims a domain. */
static void *claims(struct client *c, const char *domain)
{
	void *session = opens(c, &(struct proto_open){.role = PROTO_ACCEPTED, .link = LINK_SERVER});
	char  text[256];

	client_says(c, SERVER_HEAD("to='example.org'"));
	hears(c, "<stream:features>");
	snprintf(text, sizeof(text), "<db:result from='%s' to='example.org'>key</db:result>",
		 domain);
	client_says(c, text);
	return session;
}

/* The domain's own server says that the key of a stream is its own. */
static void is_vouched_for(struct client *c, void *session, uint64_t token, const char *domain)
{
	struct xmpp_session    *s = session;
	const struct xmpp_link *l = xmpp_link(s);
	char                    text[512];

	opens(c, &(struct proto_open){.role = PROTO_CONNECTING, .dial = token});
	snprintf(text, sizeof(text), SERVER_HEAD("from='%s' id='v'") "<stream:features/>", domain);
	client_says(c, text);
	hears(c, "<db:verify ");
	snprintf(text, sizeof(text),
		 "<db:verify from='%s' to='example.org' id='%.*s' type='valid'/>", domain,
		 (int)l->id_size, l->id);
	client_says(c, text);
	client_last(c, EVENT_CLOSE);
	client_sent(c);
	goes(c, c->session);
	c->session = session;
	client_tick(c);
}

/* A stream of the server of a domain, proven. */
static void *comes(struct client *c, const char *domain)
{
	void *session = claims(c, domain);

	is_vouched_for(c, session, client_last(c, EVENT_DIAL)->token, domain);
	hears(c, "type=\"valid\"/>");
	return session;
}

/* Up to the last that may come. */
static void come(struct client *c, void *sessions[CLIENT_FEDERATED])
{
	char domain[32];

	for (unsigned i = 0; i < CLIENT_FEDERATED; i++) {
		snprintf(domain, sizeof(domain), "n%u.far.example", i);
		sessions[i] = comes(c, domain);
		assert_int_equal(federated(c), i + 1);
	}
}

static void streams_that_open_federation_lets_in_are_so_many(void **state)
{
	struct client *c = client_new();
	void          *sessions[CLIENT_FEDERATED], *more;

	(void)state;
	free(c->session);
	come(c, sessions);
	assert_int_equal(c->metrics->value[METRIC_xmpp_streams_federated], CLIENT_FEDERATED);
	client_forget(c);
	more = claims(c, "other.far.example");
	hears(c, "type=\"error\"><error type=\"wait\"><resource-constraint ");
	assert_int_equal(c->event_count, 0); /* nobody is asked about it */
	assert_int_equal(c->metrics->value[METRIC_REFUSED + REASON_FEDERATION_FULL], 1);
	assert_false(xmpp_ops.ready(more));
	goes(c, more);
	goes(c, comes(c, "chat.example")); /* has a peer of its own */
	goes(c, sessions[0]);
	sessions[0] = comes(c, "other.far.example");
	for (unsigned i = 0; i < CLIENT_FEDERATED; i++)
		goes(c, sessions[i]);
	assert_int_equal(federated(c), 0);
	assert_int_equal(c->metrics->value[METRIC_xmpp_streams_federated], 0);
	comes(c, "n.far.example");
	client_free(c);
}

/* Who was asked about while there was place may find none. */
static void who_proves_itself_after_the_last_is_not_let_in(void **state)
{
	struct client *c = client_new();
	void          *sessions[CLIENT_FEDERATED], *late;
	uint64_t       token;

	(void)state;
	free(c->session);
	late = claims(c, "late.far.example");
	token = client_last(c, EVENT_DIAL)->token;
	assert_int_equal(federated(c), 0);
	come(c, sessions);
	is_vouched_for(c, late, token, "late.far.example");
	hears(c, "type=\"error\"><error type=\"wait\"><resource-constraint ");
	assert_false(xmpp_ops.ready(late));
	goes(c, late);
	assert_int_equal(federated(c), CLIENT_FEDERATED);
	for (unsigned i = 1; i < CLIENT_FEDERATED; i++)
		goes(c, sessions[i]);
	c->session = sessions[0];
	client_free(c);
}

static void one_stream_counts_once_whatever_it_proves(void **state)
{
	struct client *c = client_new();
	void          *sessions[CLIENT_FEDERATED];

	(void)state;
	free(c->session);
	come(c, sessions);
	client_says(c, "<db:result from='more.far.example' to='example.org'>key</db:result>");
	is_vouched_for(c, c->session, client_last(c, EVENT_DIAL)->token, "more.far.example");
	hears(c, "to=\"more.far.example\" type=\"valid\"/>");
	assert_int_equal(federated(c), CLIENT_FEDERATED);
	for (unsigned i = 1; i < CLIENT_FEDERATED; i++)
		goes(c, sessions[i]);
	c->session = sessions[0];
	client_free(c);
}

/* Has it ended for that reason, and been told so? False: it is open. */
static bool has_ended(struct client *c, enum reason why, const char *error)
{
	client_tick(c);
	if (xmpp_ops.ready(c->session))
		return false;
	hears(c, error);
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, why);
	return true;
}

static bool is_idle(struct client *c)
{
	return has_ended(c, REASON_INACTIVITY, "<connection-timeout ");
}

static void a_stream_of_open_federation_that_is_idle_is_closed(void **state)
{
	struct client *c = client_new();

	(void)state;
	free(c->session);
	c->settings.inactivity_us = 60 * US_PER_SECOND;
	claims(c, "n.far.example");
	c->now.us += 4 * US_PER_SECOND;
	is_vouched_for(c, c->session, client_last(c, EVENT_DIAL)->token, "n.far.example");
	c->now.us += 60 * US_PER_SECOND - 1; /* since it is let in */
	assert_false(is_idle(c));
	assert_int_equal(c->due, c->now.us + 1);
	client_says(c, "<iq type='get' id='q' from='eve@n.far.example' to='example.org'><ping "
		       "xmlns='urn:xmpp:ping'/></iq>");
	c->now.us += 30 * US_PER_SECOND;
	client_says(c, " "); /* which is not to say anything */
	c->now.us += 30 * US_PER_SECOND - 1;
	assert_false(is_idle(c));
	c->now.us++;
	client_sent(c);
	assert_true(is_idle(c));
	client_free(c);
}

/* Nothing calls tick() when the answer comes. */
static void a_stream_with_a_message_that_has_no_answer_is_looked_at_again(void **state)
{
	struct client *c = client_new();

	(void)state;
	free(c->session);
	c->settings.inactivity_us = 60 * US_PER_SECOND;
	comes(c, "n.far.example");
	client_says(c, "<message from='eve@n.far.example' to='bob@example.org'><body>x</body>"
		       "</message>");
	assert_int_equal(c->due, c->now.us + 60 * US_PER_SECOND);
	c->now.us = c->due;
	assert_false(is_idle(c));
	assert_int_equal(c->due, c->now.us + 60 * US_PER_SECOND);
	client_answer(c, client_last(c, EVENT_MSG)->msg->token,
		      &(struct result){.why = REASON_NONE});
	c->now.us = c->due;
	assert_true(is_idle(c));
	client_free(c);
}

static void a_stream_of_a_peer_of_its_own_may_be_idle(void **state)
{
	struct client *c = client_new();

	(void)state;
	free(c->session);
	c->settings.inactivity_us = 60 * US_PER_SECOND;
	comes(c, "chat.example");
	c->now.us += 3600 * US_PER_SECOND;
	assert_false(is_idle(c));
	client_free(c);
}

/* An account or peer has changed. */
static void changes(struct client *c)
{
	xmpp_ops.settings(c->session, &c->settings);
}

static bool is_dismissed(struct client *c)
{
	return has_ended(c, REASON_ACCOUNT_GONE, "<not-authorized ");
}

#define STANZA "<message from='eve@n.far.example' to='bob@example.org'><body>x</body></message>"
#define CLAIM "<db:result from='n.far.example' to='example.org'>key</db:result>"

static void who_is_not_let_in_any_more_says_nothing_more(void **state)
{
	static const char *const texts[] = {STANZA, CLAIM};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned has_peer = 0; has_peer < 2; has_peer++) {
			struct client *c = client_new();

			free(c->session);
			((struct xmpp_instance *)c->instance)->looks = 1; /* not at once */
			comes(c, "n.far.example");
			changes(c);
			client_says(c, texts[i]);
			client_sent(c);
			assert_true(xmpp_ops.ready(c->session));
			if (has_peer)
				c->configured = "n.far.example"; /* and nobody there was asked */
			else
				c->left_out = "n.far.example";
			changes(c);
			client_forget(c);
			client_says(c, texts[i]);
			assert_int_equal(c->event_count, 1);
			assert_true(is_dismissed(c));
			client_free(c);
		}
	}
}

static void one_domain_that_is_not_let_in_ends_the_stream(void **state)
{
	struct client *c = client_new();

	(void)state;
	free(c->session);
	comes(c, "n.far.example");
	client_says(c, "<db:result from='more.far.example' to='example.org'>key</db:result>");
	is_vouched_for(c, c->session, client_last(c, EVENT_DIAL)->token, "more.far.example");
	c->left_out = "more.far.example";
	changes(c);
	client_sent(c);
	client_says(c, STANZA);
	assert_true(is_dismissed(c));
	client_free(c);
}

static void who_is_asked_about_meanwhile_is_not_let_in(void **state)
{
	struct client *c = client_new();

	(void)state;
	free(c->session);
	((struct xmpp_instance *)c->instance)->looks = 0;
	claims(c, "n.far.example");
	c->left_out = "n.far.example";
	changes(c);
	assert_true(is_dismissed(c));
	client_free(c);
}

/* Each change is heard of by all streams in one turn. */
static void those_that_are_silent_are_looked_at_one_after_the_other(void **state)
{
	struct client *c = client_new();
	void          *sessions[CLIENT_FEDERATED];
	uint64_t       begin_us = c->now.us;

	(void)state;
	free(c->session);
	come(c, sessions);
	c->left_out = "n2.far.example";
	for (unsigned i = 0; i < CLIENT_FEDERATED; i++) {
		c->session = sessions[i];
		changes(c);
		assert_false(is_dismissed(c));
		assert_int_equal(c->due, i == 0 ? UINT64_MAX : begin_us + i * XMPP_LOOK_US);
	}
	c->now.us = c->due - 1;
	changes(c); /* once more, which puts nothing off */
	assert_false(is_dismissed(c));
	assert_int_equal(c->due, c->now.us + 1);
	c->now.us++;
	assert_true(is_dismissed(c));
	goes(c, sessions[2]);
	c->session = sessions[1];
	assert_false(is_dismissed(c));
	assert_int_equal(c->due, UINT64_MAX);
	goes(c, sessions[1]);
	c->session = sessions[0];
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_that_open_federation_lets_in_are_so_many),
		cmocka_unit_test(who_proves_itself_after_the_last_is_not_let_in),
		cmocka_unit_test(one_stream_counts_once_whatever_it_proves),
		cmocka_unit_test(a_stream_of_open_federation_that_is_idle_is_closed),
		cmocka_unit_test(a_stream_with_a_message_that_has_no_answer_is_looked_at_again),
		cmocka_unit_test(a_stream_of_a_peer_of_its_own_may_be_idle),
		cmocka_unit_test(who_is_not_let_in_any_more_says_nothing_more),
		cmocka_unit_test(one_domain_that_is_not_let_in_ends_the_stream),
		cmocka_unit_test(who_is_asked_about_meanwhile_is_not_let_in),
		cmocka_unit_test(those_that_are_silent_are_looked_at_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
