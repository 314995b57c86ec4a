/* Presence: what is kept, who is told, and when nobody can be asked (RFC 6121, 3, 4 and 8). */
#include "client.h"

#define ALICE "xmpp:alice@example.org"
#define BOB "xmpp:bob@example.org"
#define HERE XMPP_FEATURE_AVAILABLE

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static void nobody_else(struct client *c, unsigned events)
{
	for (unsigned i = events; i < c->event_count; i++)
		print_error("also: %s\n", client_heard(c, i));
	assert_int_equal(c->event_count, events);
}

static void audience(struct client *c, const struct roster_contact contacts[], unsigned n)
{
	struct put w = client_answer_put(c, ROSTER_ASK_AUDIENCE);

	for (unsigned i = 0; i < n; i++)
		roster_contact_put(&w, &contacts[i]);
	assert_false(w.failed);
	c->answers[ROSTER_ASK_AUDIENCE].size = put_size(&w);
}

static struct client *alice(void)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	client_place_over(c, ALICE, "phone", HERE | XMPP_FEATURE_WANTS,
			  (struct str){c->call, sizeof(c->call)});
	return c;
}

static void who_comes_is_told_to_all_its_own_places_and_asks_them(void **state)
{
	struct client *c = alice();

	client_place(c, ALICE, "tablet", HERE);
	client_place(c, ALICE, "off", 0);
	client_says(c, "<presence xml:lang='sv'><show>away</show></presence>");
	has(client_heard(c, 0),
	    "<presence from=\"alice@example.org/phone\" "
	    "to=\"alice@example.org/phone\" xml:lang=\"sv\"><show>away</show></presence>");
	has(client_heard(c, 1),
	    "<presence from=\"alice@example.org/phone\" "
	    "to=\"alice@example.org/tablet\" xml:lang=\"sv\"><show>away</show>");
	has(client_heard(c, 2), "<presence type=\"probe\" from=\"alice@example.org/phone\" "
				"to=\"alice@example.org/tablet\">");
	nobody_else(c, 3);
	client_forget(c);
	client_says(c, "<presence><show>dnd</show></presence>");
	has(client_heard(c, 0), "to=\"alice@example.org/phone\"><show>dnd</show>");
	has(client_heard(c, 1), "to=\"alice@example.org/tablet\"><show>dnd</show>");
	nobody_else(c, 2);
	client_free(c);
}

static void watchers_hear_of_it_and_the_watched_are_asked(void **state)
{
	const struct roster_contact contacts[] = {
		{.jid = STR("bob@example.org"), .watches = true, .local = true},
		{.jid = STR("carol@example.org"), .watched = true, .local = true},
		{.jid = STR("dave@elsewhere.example"), .watches = true, .watched = true},
		{.jid = STR("eve@example.org"),
		 .local = true,
		 .request = true,
		 .payload = STR("<status>Hi</status>")},
	};
	struct client *c = alice();

	client_place(c, BOB, "desk", HERE);
	client_place(c, BOB, "car", HERE);
	client_place(c, "xmpp:carol@example.org", "x", HERE);
	audience(c, contacts, 4);
	client_says(c, "<presence/>");
	assert_int_equal(c->questions[ROSTER_ASK_AUDIENCE], 1);
	assert_true(str_eq(c->question.owner, STR("alice@example.org")));
	has(client_heard(c, 1), "to=\"bob@example.org/desk\"></presence>");
	has(client_heard(c, 2), "to=\"bob@example.org/car\"></presence>");
	has(client_heard(c, 3), "<presence type=\"probe\" from=\"alice@example.org/phone\" "
				"to=\"carol@example.org/x\"");
	has(client_heard(c, 4), "<presence from=\"alice@example.org/phone\" "
				"to=\"dave@elsewhere.example\"");
	has(client_heard(c, 5), "<presence type=\"probe\" from=\"alice@example.org/phone\" "
				"to=\"dave@elsewhere.example\"");
	nobody_else(c, 6);
	has(client_sent(c), "<presence type=\"subscribe\" from=\"eve@example.org\" "
			    "to=\"alice@example.org\"><status>Hi</status></presence>");
	client_forget(c);
	client_says(c, "<presence><show>xa</show></presence>"); /* it is no newcomer now */
	has(client_heard(c, 3), "to=\"dave@elsewhere.example\"><show>xa</show>");
	nobody_else(c, 4);
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void who_goes_in_order_is_said_to_be_gone(void **state)
{
	const struct roster_contact contacts[] = {
		{.jid = STR("bob@example.org"), .watches = true, .watched = true, .local = true},
	};
	struct client *c = alice();

	client_place(c, BOB, "desk", HERE);
	client_says(c, "<presence/><presence to='dave@elsewhere.example/room'/>");
	client_forget(c);
	audience(c, contacts, 1);
	c->records[0].head.bindings[0].features = 0; /* as the directory has it by then */
	client_says(c, "<presence type='unavailable'><status>Bye</status></presence>");
	has(client_heard(c, 0),
	    "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
	    "to=\"dave@elsewhere.example/room\"><status>Bye</status></presence>");
	has(client_heard(c, 1), "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
				"to=\"bob@example.org/desk\"><status>Bye</status></presence>");
	nobody_else(c, 2);
	client_forget(c);
	client_says(c, "<presence type='unavailable'/>"); /* nobody knows of it */
	nobody_else(c, 0);
	client_free(c);
}

static bool outlives(struct client *c, enum reason why)
{
	return xmpp_ops.outlive(c->session, c->now, why, NULL);
}

static void who_breaks_off_is_said_to_be_gone(void **state)
{
	const struct roster_contact contacts[] = {
		{.jid = STR("bob@example.org"), .watches = true, .watched = true, .local = true},
	};
	struct client *c = alice();

	client_place(c, ALICE, "tablet", HERE);
	client_place(c, BOB, "desk", HERE);
	audience(c, contacts, 1);
	client_says(c, "<presence><show>away</show></presence>");
	client_forget(c);
	assert_true(outlives(c, REASON_CONNECTION_RESET));
	assert_false(xmpp_ops.ready(c->session));
	client_tick(c);
	has(client_heard(c, 0), "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
				"to=\"alice@example.org/tablet\"></presence>");
	has(client_heard(c, 1), "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
				"to=\"bob@example.org/desk\"></presence>");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_CONNECTION_RESET);
	assert_int_equal(c->event_count, 3);
	client_free(c);
}

static void who_was_never_there_just_ends(void **state)
{
	struct client *c = alice();

	assert_false(outlives(c, REASON_CONNECTION_RESET));
	client_says(c, "<presence/>");
	assert_false(outlives(c, REASON_SHUTDOWN));
	assert_true(outlives(c, REASON_CLOSED_BY_PEER));
	client_free(c);
}

/* The stream that took the resource over speaks for it. */
static void who_came_back_is_not_said_to_be_gone(void **state)
{
	const struct roster_contact contacts[] = {
		{.jid = STR("bob@example.org"), .watches = true, .local = true},
	};
	struct client *c = alice();

	client_place(c, BOB, "desk", HERE);
	client_says(c, "<presence/>");
	client_forget(c);
	audience(c, contacts, 1);
	assert_true(outlives(c, REASON_REPLACED));
	client_place(c, ALICE, "phone", HERE);
	c->records[0].head.bindings[0].features = 0;
	client_tick(c);
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_REPLACED);
	assert_int_equal(c->event_count, 1);
	client_free(c);
}

static void without_control_it_is_asked_again_and_given_up_at_last(void **state)
{
	struct client *c = alice();

	c->answers[ROSTER_ASK_AUDIENCE].why = REASON_CONTROL_DOWN;
	client_says(c, "<presence/>");
	assert_int_equal(c->questions[ROSTER_ASK_AUDIENCE], 1);
	assert_int_equal(c->due, c->now.us + XMPP_ASK_AGAIN_US);
	c->now.us += XMPP_ASK_AGAIN_US;
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_AUDIENCE], 2);
	client_says(c, "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>");
	has(client_sent(c), "<iq type=\"result\" id=\"1\"");
	client_forget(c);
	assert_true(outlives(c, REASON_CONNECTION_RESET));
	client_tick(c);
	assert_int_equal(c->event_count, 0);
	c->now.us += XMPP_LEAVE_US;
	client_tick(c);
	client_last(c, EVENT_CLOSE);
	client_free(c);
}

static void nothing_is_read_while_control_is_asked(void **state)
{
	static const char ping[] = "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>";
	struct client    *c = alice();

	c->silent = true;
	client_says(c, "<presence/>");
	assert_int_equal(client_feed(c, ping, sizeof(ping) - 1), sizeof(ping) - 1);
	assert_string_equal(client_sent(c), "");
	client_told(c, &c->answers[ROSTER_ASK_AUDIENCE]);
	assert_int_equal(client_feed(c, ping, sizeof(ping) - 1), 0);
	has(client_sent(c), "<iq type=\"result\" id=\"1\"");
	client_free(c);
}

static void many_watchers_are_told_a_piece_a_turn(void **state)
{
	struct roster_contact contacts[200];
	char                  names[200][32];
	struct client        *c = alice();

	for (unsigned i = 0; i < 200; i++) {
		snprintf(names[i], sizeof(names[i]), "u%u@elsewhere.example", i);
		contacts[i] = (struct roster_contact){.jid = str_of(names[i]), .watches = true};
	}
	audience(c, contacts, 48);
	client_says(c, "<presence/>");
	assert_int_equal(c->made, 49); /* and itself */
	assert_in_range(c->made_max, 1, XMPP_PIECE_MAX);
	client_forget(c);
	client_free(c);
}

static void presence_that_has_no_room_or_comes_too_often_is_refused(void **state)
{
	struct client *c = alice();
	char           text[XMPP_PRESENCE_MAX + 128], status[XMPP_PRESENCE_MAX];

	memset(status, 's', sizeof(status));
	snprintf(text, sizeof(text), "<presence id='p'><status>%.*s</status></presence>",
		 (int)(XMPP_PRESENCE_MAX - 16), status);
	client_says(c, text);
	has(client_sent(c), "<presence type=\"error\" id=\"p\" from=\"example.org\"><error "
			    "type=\"modify\"><policy-violation");
	assert_int_equal(c->event_count, 0);
	snprintf(text, sizeof(text), "<presence><status>%.*s</status></presence>",
		 (int)(XMPP_PRESENCE_MAX - 17), status);
	for (unsigned i = 0; i < XMPP_PRESENCE_BURST; i++) {
		client_says(c, text);
		assert_string_equal(client_sent(c), "");
		client_forget(c);
	}
	client_says(c, "<presence/>");
	has(client_sent(c), "<policy-violation");
	nobody_else(c, 0);
	c->now.us += XMPP_PRESENCE_US;
	client_says(c, "<presence/>");
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static uint32_t blocks_in_use(struct client *c)
{
	return ((struct xmpp_instance *)c->instance)->blocks.used;
}

/* What it says of itself takes a block of its own only while it is long. */
static void who_is_idle_takes_a_quarter_of_a_block(void **state)
{
	struct client       *c = alice();
	struct xmpp_session *s = c->session;
	struct xmpp_blocks  *b = &s->instance->blocks;
	char                 text[XMPP_PRESENCE_MAX + 128], status[XMPP_PRESENCE_MAX];

	memset(status, 's', sizeof(status));
	for (int size = 0; size <= (int)XMPP_PRESENCE_MAX - 17; size += 25) {
		struct str kept;

		c->now.us += XMPP_PRESENCE_US;
		snprintf(text, sizeof(text),
			 "<presence xml:lang='sv'><status>%.*s</status></presence>", size, status);
		if (strlen(text) - strlen("<presence xml:lang=''></presence>") > XMPP_PRESENCE_MAX)
			break;
		client_says(c, text);
		client_forget(c);
		kept = xmpp_who_part(xmpp_who(s), XMPP_WHO_PRESENCE);
		assert_true(str_starts(kept, STR("sv<status")));
		assert_int_equal(xmpp_block_is_quarter(b, s->who), size < 400);
		assert_true(str_eq(xmpp_self(s).resource, STR("phone")));
		assert_true(str_eq(xmpp_self(s).local, STR("alice")));
	}
	assert_false(xmpp_block_is_quarter(b, s->who));
	c->now.us += XMPP_PRESENCE_US;
	client_says(c, "<presence/>");
	client_forget(c);
	assert_true(xmpp_block_is_quarter(b, s->who));
	assert_int_equal(blocks_in_use(c), 1);
	assert_true(str_eq(xmpp_self(s).resource, STR("phone")));
	client_free(c);
}

static void presence_for_which_there_is_no_block_is_refused(void **state)
{
	struct client       *c = alice();
	struct xmpp_session *s = c->session;
	struct xmpp_blocks  *b = &s->instance->blocks;
	uint32_t             taken[CLIENT_BLOCKS], n = 0;
	char                 text[XMPP_PRESENCE_MAX], status[600];

	client_says(c, "<presence><show>away</show></presence>");
	client_forget(c);
	client_sent(c);
	while (b->used < b->count)
		taken[n++] = xmpp_block_take(b);
	memset(status, 's', sizeof(status));
	snprintf(text, sizeof(text), "<presence id='p'><status>%.600s</status></presence>", status);
	client_says(c, text);
	has(client_sent(c), "<resource-constraint");
	assert_true(str_starts(xmpp_who_part(xmpp_who(s), XMPP_WHO_PRESENCE), STR("<show>away")));
	while (n > 0)
		xmpp_block_give(b, taken[--n]);
	client_free(c);
}

/* ---- probes ---- */

/* An order of another of our streams. */
static enum submit order(struct client *c, enum xmpp_order what, struct str from, unsigned token)
{
	struct xmpp_map    map = xmpp_session_map(c->session, c->now);
	struct xmpp_own    own = {.head = {.kind = XMPP_PRESENCE, .type = XMPP_TYPE_PROBE},
				  .order = what};
	struct xmpp_sender sender = {.number = STR("")};
	struct xmpp_jid    to = xmpp_self(c->session);
	struct msg        *m = msg_new(c->pool);
	struct result      r;
	enum submit        submit;

	assert_true(xmpp_bare(from, &sender.jid));
	assert_true(xmpp_map_own(&map, &own, &to, &sender, m));
	submit = client_submit(c, m, token, &r);
	msg_free(m);
	return submit;
}

static void who_asks_is_told_what_is_now(void **state)
{
	struct client *c = alice();

	client_says(c, "<presence><show>chat</show></presence>");
	client_forget(c);
	assert_int_equal(order(c, XMPP_ORDER_PRESENCE, STR("bob@example.org/desk"), 1),
			 SUBMIT_SENT);
	assert_string_equal(client_sent(c), ""); /* the client sees nothing of it */
	assert_int_equal(c->events[0].kind, EVENT_RESULT);
	has(client_heard(c, 1), "<presence from=\"alice@example.org/phone\" "
				"to=\"bob@example.org/desk\"><show>chat</show></presence>");
	nobody_else(c, 2);
	client_forget(c);
	assert_int_equal(order(c, XMPP_ORDER_FAREWELL, STR("dave@elsewhere.example"), 2),
			 SUBMIT_SENT);
	has(client_heard(c, 1), "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
				"to=\"dave@elsewhere.example\"></presence>");
	client_free(c);
}

static void who_is_not_there_answers_no_probe(void **state)
{
	struct client *c = alice();

	assert_int_equal(order(c, XMPP_ORDER_PRESENCE, STR("bob@example.org/desk"), 1),
			 SUBMIT_SENT);
	assert_int_equal(c->event_count, 1);
	client_last(c, EVENT_RESULT);
	client_free(c);
}

/* ---- stanzas to an account (8.5.2) ---- */

static void to_an_account_each_kind_goes_where_the_rfc_says(void **state)
{
	static const struct {
		const char *says;
		unsigned    places;
		const char *error; /* NULL: nothing is said when nobody is there */
	} table[] = {
		{"<message to='bob@example.org' id='1' type='chat'><body>x</body></message>", 0,
		 "<service-unavailable"},
		{"<message to='bob@example.org' id='1'><body>x</body></message>", 0,
		 "<service-unavailable"},
		{"<message to='bob@example.org' id='1' type='headline'><body>x</body></message>", 2,
		 NULL},
		{"<presence to='bob@example.org'/>", 3, NULL},
		{"<presence to='bob@example.org' type='unavailable'/>", 3, NULL},
	};
	struct client *c = alice();

	client_place(c, BOB, "a", HERE | XMPP_FEATURE_WANTS);
	client_place(c, BOB, "hidden", HERE);
	client_place(c, BOB, "b", HERE | XMPP_FEATURE_WANTS);
	client_place(c, BOB, "off", 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned in = ((struct xmpp_session *)c->session)->sm_in;
		unsigned n = table[i].places == 0 ? 1 : table[i].places;

		client_says(c, table[i].says);
		assert_int_equal(c->event_count, n);
		assert_int_equal(((struct xmpp_session *)c->session)->sm_in, in + 1);
		for (unsigned k = 0; k < n; k++) {
			assert_int_equal(c->events[k].msg->to_place != 0, table[i].places > 0);
			client_answer(c, c->events[k].msg->token,
				      &(struct result){.why = REASON_NOT_REGISTERED});
		}
		if (table[i].error != NULL)
			has(client_sent(c), table[i].error);
		else
			assert_string_equal(client_sent(c), "");
		client_forget(c);
	}
	client_says(c, "<message to='bob@example.org' id='g' type='groupchat'><body>x</body>"
		       "</message>");
	has(client_sent(c), "<service-unavailable");
	client_says(c, "<message to='bob@example.org' id='none' type='error'><error/></message>");
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

/* ---- subscriptions ---- */

static void a_subscription_is_for_control(void **state)
{
	static const struct {
		const char          *type;
		enum roster_presence asked;
	} table[] = {
		{"subscribe", ROSTER_SUBSCRIBE},
		{"subscribed", ROSTER_SUBSCRIBED},
		{"unsubscribe", ROSTER_UNSUBSCRIBE},
		{"unsubscribed", ROSTER_UNSUBSCRIBED},
	};
	struct client *c = alice();
	char           text[512];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text),
			 "<presence from='eve@example.org' to='Bob@Example.org/desk' type='%s' "
			 "id='s'><status>Let me</status></presence>",
			 table[i].type);
		client_says(c, text);
		assert_int_equal(c->questions[ROSTER_ASK_SUBSCRIPTION_OUT], i + 1);
		assert_int_equal(c->question.type, table[i].asked);
		assert_true(str_eq(c->question.owner, STR("alice@example.org")));
		assert_true(str_eq(c->question.contact, STR("bob@example.org")));
		assert_true(str_eq(c->question.payload, STR("<status>Let me</status>")));
		assert_true(c->question.contact_is_local);
	}
	client_says(c, "<presence to='dave@elsewhere.example' type='subscribe'/>");
	assert_false(c->question.contact_is_local);
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void a_subscription_that_cannot_be_comes_back(void **state)
{
	struct client *c = alice();
	char           text[2048], status[ROSTER_PAYLOAD_SIZE_MAX + 1];

	c->answers[ROSTER_ASK_SUBSCRIPTION_OUT].why = REASON_CONTROL_DOWN;
	client_says(c, "<presence to='bob@example.org' type='subscribe' id='s'/>");
	has(client_sent(c), "<presence type=\"error\" id=\"s\" from=\"bob@example.org\"><error "
			    "type=\"wait\">");
	client_says(c, "<presence type='subscribe' id='n'/>");
	has(client_sent(c), "<bad-request");
	client_says(c, "<presence to='alice@example.org' type='subscribe' id='n'/>");
	assert_string_equal(client_sent(c), "");
	memset(status, 's', sizeof(status));
	snprintf(text, sizeof(text),
		 "<presence type='subscribe' to='bob@example.org'><status>%.*s</status></presence>",
		 (int)sizeof(status) - 17, status);
	client_says(c, text);
	has(client_sent(c), "<policy-violation");
	assert_int_equal(c->questions[ROSTER_ASK_SUBSCRIPTION_OUT], 1);
	client_free(c);
}

static void what_control_decides_is_carried_out(void **state)
{
	const struct roster_effect effects[] = {
		{.kind = ROSTER_EFFECT_PUSH,
		 .to = STR("alice@example.org"),
		 .item = {.jid = STR("bob@example.org"),
			  .subscription = ROSTER_SUBSCRIPTION_FROM,
			  .ask = true,
			  .name = STR("B & B")},
		 .version = STR("7")},
		{.kind = ROSTER_EFFECT_PRESENCE,
		 .from = STR("alice@example.org"),
		 .to = STR("bob@example.org"),
		 .type = ROSTER_SUBSCRIBED,
		 .to_is_local = true,
		 .payload = STR("<status>Yes</status>")},
		{.kind = ROSTER_EFFECT_PRESENCE,
		 .from = STR("alice@example.org"),
		 .to = STR("bob@example.org"),
		 .type = ROSTER_AVAILABLE},
		{.kind = ROSTER_EFFECT_PRESENCE,
		 .from = STR("alice@example.org"),
		 .to = STR("dave@elsewhere.example"),
		 .type = ROSTER_UNSUBSCRIBED},
	};
	struct client *c = alice();
	struct put     w = client_answer_put(c, ROSTER_ASK_SUBSCRIPTION_OUT);

	for (unsigned i = 0; i < 4; i++)
		roster_effect_put(&w, &effects[i]);
	assert_false(w.failed);
	c->answers[ROSTER_ASK_SUBSCRIPTION_OUT].size = put_size(&w);
	client_place(c, ALICE, "tablet", XMPP_FEATURE_INTERESTED);
	client_place(c, BOB, "a", XMPP_FEATURE_INTERESTED);
	client_place(c, BOB, "b", 0);
	client_says(c, "<presence to='bob@example.org' type='subscribed'/>");
	has(client_heard(c, 0), "to=\"alice@example.org/tablet\"><query xmlns=\"jabber:iq:roster\" "
				"ver=\"7\"><item jid=\"bob@example.org\" name=\"B &amp; B\" "
				"subscription=\"from\" ask=\"subscribe\"></item></query></iq>");
	has(client_heard(c, 0), "<iq type=\"set\"");
	has(client_heard(c, 0), "from=\"alice@example.org\"");
	has(client_heard(c, 1), "<presence type=\"subscribed\" from=\"alice@example.org\" "
				"to=\"bob@example.org/a\"><status>Yes</status></presence>");
	has(client_heard(c, 2), "<presence type=\"probe\" from=\"bob@example.org\" "
				"to=\"alice@example.org/phone\">");
	has(client_heard(c, 3), "<presence type=\"unsubscribed\" from=\"alice@example.org\" "
				"to=\"dave@elsewhere.example\">");
	nobody_else(c, 4);
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

/* RFC 6120, 8.1.2.1: whatever a client says, it is itself. */
static void nobody_speaks_for_another(void **state)
{
	static const char *const says[] = {
		"<presence from='bob@example.org/desk'/>",
		"<presence from='bob@example.org/desk' to='dave@elsewhere.example'/>",
		"<presence from='' to='dave@elsewhere.example' type='unavailable'/>",
		"<message from='example.org' to='dave@elsewhere.example'><body>x</body></message>",
		("<iq from='alice@example.org/tablet' type='get' id='1' "
		 "to='dave@elsewhere.example/x'><a xmlns='u'/></iq>"),
	};
	struct client *c = alice();

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		client_says(c, says[i]);
		has(client_heard(c, 0), "from=\"alice@example.org/phone\"");
		client_forget(c);
	}
	client_says(c, "<iq from='bob@example.org' type='get' id='1'>"
		       "<query xmlns='jabber:iq:roster'/></iq>");
	assert_true(str_eq(c->question.owner, STR("alice@example.org")));
	client_says(c, "<presence to='bob@example.org' type='probe' from='carol@example.org'/>");
	nobody_else(c, 0);
	client_free(c);
}

static void whom_it_told_by_name_is_remembered_up_to_a_limit(void **state)
{
	struct client *c = alice();
	char           text[256];
	unsigned       n = 0;

	c->settings.window_max = 1000;
	xmpp_ops.settings(c->session, &c->settings);
	do {
		snprintf(text, sizeof(text), "<presence id='d' to='user%04u@elsewhere.example/r'/>",
			 n++);
		client_says(c, text);
		client_forget(c);
	} while (c->sent_size == 0 && n < 1000);
	has(client_sent(c), "<presence type=\"error\" id=\"d\"");
	assert_in_range(n, 10, 999);
	client_says(c, "<presence to='user0000@elsewhere.example/r' type='unavailable'/>");
	client_forget(c);
	snprintf(text, sizeof(text), "<presence to='user%04u@elsewhere.example/r'/>", n - 1);
	client_says(c, text); /* there is place for another */
	assert_int_equal(c->event_count, 1);
	assert_string_equal(client_sent(c), "");
	client_forget(c);
	assert_true(outlives(c, REASON_CONNECTION_RESET));
	for (unsigned turn = 0; turn < 8 && c->event_count == 0; turn++) {
		client_tick(c);
		for (unsigned i = 0; i < c->event_count; i++)
			if (c->events[i].kind == EVENT_MSG)
				has(client_heard(c, i), "type=\"unavailable\"");
	}
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_is_told_to_all_its_own_places_and_asks_them),
		cmocka_unit_test(watchers_hear_of_it_and_the_watched_are_asked),
		cmocka_unit_test(who_goes_in_order_is_said_to_be_gone),
		cmocka_unit_test(who_breaks_off_is_said_to_be_gone),
		cmocka_unit_test(who_was_never_there_just_ends),
		cmocka_unit_test(who_came_back_is_not_said_to_be_gone),
		cmocka_unit_test(without_control_it_is_asked_again_and_given_up_at_last),
		cmocka_unit_test(nothing_is_read_while_control_is_asked),
		cmocka_unit_test(many_watchers_are_told_a_piece_a_turn),
		cmocka_unit_test(presence_that_has_no_room_or_comes_too_often_is_refused),
		cmocka_unit_test(who_is_idle_takes_a_quarter_of_a_block),
		cmocka_unit_test(presence_for_which_there_is_no_block_is_refused),
		cmocka_unit_test(who_asks_is_told_what_is_now),
		cmocka_unit_test(who_is_not_there_answers_no_probe),
		cmocka_unit_test(to_an_account_each_kind_goes_where_the_rfc_says),
		cmocka_unit_test(a_subscription_is_for_control),
		cmocka_unit_test(a_subscription_that_cannot_be_comes_back),
		cmocka_unit_test(what_control_decides_is_carried_out),
		cmocka_unit_test(nobody_speaks_for_another),
		cmocka_unit_test(whom_it_told_by_name_is_remembered_up_to_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
