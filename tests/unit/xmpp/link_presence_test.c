/* Presence between users of ours and of others, over a component's stream. */
#include "client.h"

static void hears(struct client *c, const char *what)
{
	const char *sent = client_sent(c);

	if (strstr(sent, what) == NULL)
		print_error("%s\nhas not: %s\n", sent, what);
	assert_non_null(strstr(sent, what));
}

/* Up, of domain bot.example.org; bob and alice are users of ours. */
static struct client *bot(void)
{
	struct client       *c = client_new();
	struct proto_open    open = {.role = PROTO_ACCEPTED,
				     .link = LINK_COMPONENT,
				     .instance = c->instance,
				     .settings = &c->settings,
				     .login_us = 5 * US_PER_SECOND,
				     .domain = STR("example.org")};
	struct login_verdict v = {.why = REASON_NONE, .settings = &c->settings};
	struct out           out = client_out(c);

	memset(c->session, 0, xmpp_ops.session_size);
	xmpp_ops.open(c->session, c->now, &open, &out);
	client_took(c, &out);
	client_says(c, "<stream:stream xmlns='jabber:component:accept' "
		       "xmlns:stream='http://etherx.jabber.org/streams' to='bot.example.org'>"
		       "<handshake>00</handshake>");
	out = client_out(c);
	xmpp_ops.login(c->session, c->now, &v, &out);
	client_took(c, &out);
	assert_true(xmpp_ops.ready(c->session));
	client_sent(c);
	return c;
}

static void answers(struct client *c, enum roster_ask ask, const struct roster_effect *e)
{
	struct put w = put_to(c->answers[ask].bytes + c->answers[ask].size,
			      sizeof(c->answers[ask].bytes) - c->answers[ask].size);

	roster_effect_put(&w, e);
	c->answers[ask].size += put_size(&w);
}

static void control_says_who_may_see(struct client *c, bool may)
{
	struct put w = client_answer_put(c, ROSTER_ASK_MAY_SEE);

	roster_verdict_put(&w, may);
	c->answers[ROSTER_ASK_MAY_SEE].size = put_size(&w);
}

#define BOB_IS_HERE XMPP_FEATURE_AVAILABLE | XMPP_FEATURE_WANTS
#define PROBE "<presence type='probe' from='news@bot.example.org/x' to='bob@example.org'/>"

/* What comes: all four, with what is in them. */
static void a_subscription_from_elsewhere_is_asked_of_control(void **state)
{
	static const struct {
		const char          *word;
		enum roster_presence type;
	} table[] = {{"subscribe", ROSTER_SUBSCRIBE},
		     {"subscribed", ROSTER_SUBSCRIBED},
		     {"unsubscribe", ROSTER_UNSUBSCRIBE},
		     {"unsubscribed", ROSTER_UNSUBSCRIBED}};
	struct client *c = bot();

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "<presence type='%s' from='News@Bot.example.org/x' "
			 "to='Bob@Example.org/desk'><status>Hi</status></presence>",
			 table[i].word);
		client_says(c, text);
		assert_int_equal(c->questions[ROSTER_ASK_SUBSCRIPTION_IN], i + 1);
		assert_int_equal(c->question.type, table[i].type);
		assert_true(str_eq(c->question.owner, STR("bob@example.org")));
		assert_true(str_eq(c->question.contact, STR("news@bot.example.org")));
		assert_non_null(
			memmem(c->question.payload.p, c->question.payload.n, ">Hi</status>", 12));
	}
	assert_string_equal(client_sent(c), "");
	assert_int_equal(c->event_count, 0);
	client_free(c);
}

static void what_control_says_of_it_is_carried_out(void **state)
{
	struct client *c = bot();

	(void)state;
	client_place(c, "xmpp:bob@example.org", "desk", BOB_IS_HERE | XMPP_FEATURE_INTERESTED);
	client_place(c, "xmpp:bob@example.org", "hall", XMPP_FEATURE_INTERESTED);
	answers(c, ROSTER_ASK_SUBSCRIPTION_IN,
		&(struct roster_effect){.kind = ROSTER_EFFECT_PUSH,
					.to = STR("bob@example.org"),
					.version = STR("7"),
					.item = {.jid = STR("news@bot.example.org"),
						 .subscription = ROSTER_SUBSCRIPTION_TO}});
	answers(c, ROSTER_ASK_SUBSCRIPTION_IN,
		&(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
					.from = STR("news@bot.example.org"),
					.to = STR("bob@example.org"),
					.type = ROSTER_SUBSCRIBED,
					.to_is_local = true});
	answers(c, ROSTER_ASK_SUBSCRIPTION_IN,
		&(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
					.from = STR("bob@example.org"),
					.to = STR("news@bot.example.org"),
					.type = ROSTER_AVAILABLE});
	client_says(c, "<presence type='subscribed' from='news@bot.example.org' "
		       "to='bob@example.org'/>");
	assert_int_equal(c->event_count, 5);
	assert_non_null(strstr(client_heard(c, 0), "to=\"bob@example.org/desk\"><query xmlns="
						   "\"jabber:iq:roster\" ver=\"7\"><item jid="
						   "\"news@bot.example.org\" subscription=\"to\""));
	assert_non_null(strstr(client_heard(c, 1), "to=\"bob@example.org/hall\"><query"));
	assert_string_equal(client_heard(c, 2),
			    "<presence type=\"subscribed\" from=\"news@bot.example.org\" "
			    "to=\"bob@example.org/desk\"></presence>");
	assert_non_null(strstr(client_heard(c, 3), "to=\"bob@example.org/hall\""));
	assert_string_equal(client_heard(c, 4), /* an order: who is there says so itself */
			    "<presence type=\"probe\" from=\"news@bot.example.org\" "
			    "to=\"bob@example.org/desk\"></presence>");
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void what_comes_of_one_is_made_by_pieces(void **state)
{
	struct client *c = bot();

	(void)state;
	client_place(c, "xmpp:bob@example.org", "desk", BOB_IS_HERE | XMPP_FEATURE_INTERESTED);
	for (unsigned i = 0; i < 60; i++)
		answers(c, ROSTER_ASK_SUBSCRIPTION_IN,
			&(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
						.from = STR("news@bot.example.org"),
						.to = STR("bob@example.org"),
						.type = ROSTER_SUBSCRIBED,
						.to_is_local = true});
	client_says(c, "<presence type='subscribed' from='news@bot.example.org' "
		       "to='bob@example.org'/>");
	assert_int_equal(c->made, 60);
	assert_in_range(c->made_max, 1, XMPP_PIECE_MAX);
	client_free(c);
}

static void a_probe_is_answered_by_each_that_is_there(void **state)
{
	struct client *c = bot();

	(void)state;
	control_says_who_may_see(c, true);
	client_place(c, "xmpp:bob@example.org", "desk", BOB_IS_HERE);
	client_place(c, "xmpp:bob@example.org", "hall", 0);
	client_place(c, "xmpp:bob@example.org", "phone", XMPP_FEATURE_AVAILABLE);
	client_says(c, PROBE);
	assert_true(str_eq(c->question.contact, STR("news@bot.example.org")));
	assert_int_equal(c->event_count, 2);
	assert_string_equal(client_heard(c, 0),
			    "<presence type=\"probe\" from=\"news@bot.example.org/x\" "
			    "to=\"bob@example.org/desk\"></presence>");
	assert_non_null(strstr(client_heard(c, 1), "to=\"bob@example.org/phone\""));
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void a_probe_of_who_is_not_there_hears_so(void **state)
{
	struct client *c = bot();

	(void)state;
	control_says_who_may_see(c, true);
	client_says(c, PROBE);
	hears(c, "<presence type=\"unavailable\" from=\"bob@example.org\" "
		 "to=\"news@bot.example.org/x\"></presence>");
	assert_int_equal(c->event_count, 0);
	client_free(c);
}

static void who_may_not_see_is_told_that_he_is_not_subscribed(void **state)
{
	struct client *c = bot();

	(void)state;
	client_place(c, "xmpp:bob@example.org", "desk", BOB_IS_HERE);
	control_says_who_may_see(c, false);
	client_says(c, PROBE);
	hears(c, "<presence type=\"unsubscribed\" from=\"bob@example.org\" "
		 "to=\"news@bot.example.org/x\"></presence>");
	c->answers[ROSTER_ASK_MAY_SEE].size = 0; /* he is blocked (XEP-0191, 3.4) */
	client_says(c, PROBE);
	assert_string_equal(client_sent(c), "");
	c->answers[ROSTER_ASK_MAY_SEE].why = REASON_CONTROL_DOWN;
	client_says(c, PROBE);
	assert_string_equal(client_sent(c), "");
	assert_int_equal(c->event_count, 0);
	client_free(c);
}

static void who_is_no_user_lets_nobody_in(void **state)
{
	static const char *const answered[] = {"subscribe", "probe"};
	static const char *const silent[] = {"subscribed", "unsubscribe", "unsubscribed"};
	struct client           *c = bot();
	char                     text[256];

	(void)state;
	c->answers[ROSTER_ASK_MAY_SEE].why = REASON_ROSTER_OWNER;
	c->answers[ROSTER_ASK_SUBSCRIPTION_IN].why = REASON_ROSTER_OWNER;
	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			 "<presence type='%s' from='news@bot.example.org' "
			 "to='nobody@example.org'/>",
			 answered[i]);
		client_says(c, text);
		hears(c, "<presence type=\"unsubscribed\" from=\"nobody@example.org\" "
			 "to=\"news@bot.example.org\"></presence>");
	}
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			 "<presence type='%s' from='news@bot.example.org' "
			 "to='nobody@example.org'/>",
			 silent[i]);
		client_says(c, text);
		assert_string_equal(client_sent(c), "");
	}
	client_free(c);
}

static void a_subscription_that_cannot_be_kept_comes_back(void **state)
{
	static const struct {
		enum reason why;
		const char *error;
	} table[] = {{REASON_CONTROL_DOWN, "<error type=\"wait\"><resource-constraint"},
		     {REASON_ROSTER_FULL, "<policy-violation"}};
	struct client *c = bot();
	char           text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		c->answers[ROSTER_ASK_SUBSCRIPTION_IN].why = table[i].why;
		client_says(c, "<presence type='subscribe' id='s' from='news@bot.example.org' "
			       "to='bob@example.org'/>");
		hears(c, table[i].error);
	}
	snprintf(text, sizeof(text),
		 "<presence type='subscribe' id='s' from='news@bot.example.org' "
		 "to='bob@example.org'><status>%01100d</status></presence>",
		 0);
	client_says(c, text);
	hears(c, "<presence type=\"error\" id=\"s\" from=\"bob@example.org\" "
		 "to=\"news@bot.example.org\"><error type=\"modify\"><policy-violation");
	assert_int_equal(c->questions[ROSTER_ASK_SUBSCRIPTION_IN], 2);
	client_free(c);
}

#define SUBSCRIBED "<presence type='subscribed' from='news@bot.example.org' to='bob@example.org'/>"
#define HERE "<presence from='news@bot.example.org/x' to='bob@example.org/desk'/>"
#define HELLO                                                                                      \
	"<message from='news@bot.example.org' to='bob@example.org' "                               \
	"id='m'><body>x</body></message>"

/* Else a client would hear of one who is there before it is told that it may. */
static void presence_waits_for_the_answer_before_it(void **state)
{
	struct client *c = bot();
	size_t         left;

	(void)state;
	c->silent = true;
	client_says(c, SUBSCRIBED);
	client_says(c, HELLO); /* messages do not */
	assert_int_equal(client_last(c, EVENT_MSG)->msg->kind, MSG_TEXT);
	client_forget(c);
	left = client_feed(c, HERE, strlen(HERE));
	assert_int_equal(left, strlen(HERE));
	assert_int_equal(c->event_count, 0);
	assert_true(c->due <= c->now.us + XMPP_PATIENCE_US);
	client_told(c, &(struct client_answer){.why = REASON_NONE});
	assert_int_equal(client_feed(c, HERE, strlen(HERE)), 0);
	client_last(c, EVENT_MSG);
	client_free(c);
}

static void a_stream_does_not_wait_for_control_that_hangs(void **state)
{
	struct client *c = bot();

	(void)state;
	c->silent = true;
	client_says(c, SUBSCRIBED);
	assert_int_equal(client_feed(c, HERE, strlen(HERE)), strlen(HERE));
	c->now.us = c->due;
	assert_int_equal(client_feed(c, HERE, strlen(HERE)), 0);
	client_last(c, EVENT_MSG);
	for (unsigned i = 1; i < 8; i++)
		client_says(c, SUBSCRIBED);
	assert_int_equal(c->questions[ROSTER_ASK_SUBSCRIPTION_IN], 8);
	assert_string_equal(client_sent(c), "");
	client_says(c, SUBSCRIBED); /* more than may be asked */
	hears(c, "<error type=\"wait\"><resource-constraint");
	client_says(c, PROBE);
	assert_string_equal(client_sent(c), "");
	assert_int_equal(c->questions[ROSTER_ASK_SUBSCRIPTION_IN], 8);
	assert_int_equal(c->questions[ROSTER_ASK_MAY_SEE], 0);
	client_free(c);
}

static void who_is_there_is_shown_to_all_who_are(void **state)
{
	struct client *c = bot();

	(void)state;
	client_place(c, "xmpp:bob@example.org", "desk", BOB_IS_HERE);
	client_place(c, "xmpp:bob@example.org", "hall", 0);
	client_place(c, "xmpp:bob@example.org", "phone", BOB_IS_HERE);
	client_says(c, "<presence from='news@bot.example.org/x' to='bob@example.org'><show>away"
		       "</show></presence>");
	assert_int_equal(c->event_count, 2);
	assert_non_null(strstr(client_heard(c, 0), "to=\"bob@example.org/desk\"><show"));
	assert_non_null(strstr(client_heard(c, 1), "to=\"bob@example.org/phone\"><show"));
	client_says(c, "<presence type='unavailable' from='news@bot.example.org/x' "
		       "to='bob@example.org/phone'/>");
	assert_int_equal(c->event_count, 3);
	assert_non_null(strstr(client_heard(c, 2), "to=\"bob@example.org/phone\""));
	assert_int_equal(c->questions[ROSTER_ASK_MAY_SEE], 0);
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscription_from_elsewhere_is_asked_of_control),
		cmocka_unit_test(what_control_says_of_it_is_carried_out),
		cmocka_unit_test(what_comes_of_one_is_made_by_pieces),
		cmocka_unit_test(a_probe_is_answered_by_each_that_is_there),
		cmocka_unit_test(a_probe_of_who_is_not_there_hears_so),
		cmocka_unit_test(who_may_not_see_is_told_that_he_is_not_subscribed),
		cmocka_unit_test(who_is_no_user_lets_nobody_in),
		cmocka_unit_test(a_subscription_that_cannot_be_kept_comes_back),
		cmocka_unit_test(presence_waits_for_the_answer_before_it),
		cmocka_unit_test(a_stream_does_not_wait_for_control_that_hangs),
		cmocka_unit_test(who_is_there_is_shown_to_all_who_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
