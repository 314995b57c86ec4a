/* Rosters, as a client sees them when control answers (RFC 6121, 2). */
#include "client.h"

#define ALICE "xmpp:alice@example.org"
#define QUERY "<query xmlns='jabber:iq:roster'"
#define WANTS XMPP_FEATURE_INTERESTED

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static struct client *alice(void)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	client_place_over(c, ALICE, "phone", WANTS, (struct str){c->call, sizeof(c->call)});
	return c;
}

/* What control answers. */
static void roster(struct client *c, const struct roster_head *head,
		   const struct roster_item items[], unsigned n)
{
	struct put w = client_answer_put(c, ROSTER_ASK_ROSTER_GET);

	roster_head_put(&w, head);
	for (unsigned i = 0; i < n; i++)
		roster_item_put(&w, &items[i]);
	assert_false(w.failed);
	c->answers[ROSTER_ASK_ROSTER_GET].size = put_size(&w);
}

static struct str texts(struct put *w, const char *const list[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		roster_text_put(w, str_of(list[i]));
	assert_false(w->failed);
	return (struct str){(const char *)w->start, put_size(w)};
}

/* ---- reading ---- */

static void an_empty_roster_is_a_query_without_items(void **state)
{
	struct client *c = alice();
	unsigned       bindings = c->bindings;

	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	assert_string_equal(client_sent(c),
			    "<iq type=\"result\" id=\"r1\"><query xmlns=\"jabber:iq:roster\" "
			    "ver=\"0\"></query></iq>");
	assert_true(str_eq(c->question.owner, STR("alice@example.org")));
	assert_int_equal(c->bindings, bindings + 1); /* before control was asked */
	assert_true((c->binding.features & WANTS) != 0);
	assert_int_equal(((struct xmpp_session *)c->session)->sm_in, 2); /* and the bind */
	client_says(c, "<iq type='get' id='r2' to='Alice@Example.org'>" QUERY "/></iq>");
	has(client_sent(c), "<iq type=\"result\" id=\"r2\" from=\"Alice@Example.org\">");
	assert_int_equal(c->bindings, bindings + 1);
	assert_int_equal(c->questions[ROSTER_ASK_ROSTER_GET], 2);
	client_free(c);
}

static void the_version_that_the_client_has_need_not_be_told(void **state)
{
	struct client *c = alice();

	roster(c, &(struct roster_head){.same = true, .version = STR("17")}, NULL, 0);
	client_says(c, "<iq type='get' id='r1'>" QUERY " ver='17'/></iq>");
	assert_true(str_eq(c->question.version, STR("17")));
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"r1\"></iq>");
	client_says(c, "<iq type='get' id='r2'>" QUERY " ver='123456789012345678901'/></iq>");
	assert_int_equal(c->question.version.n, 0); /* none of ours */
	client_says(c, "<iq type='get' id='r3'>" QUERY " ver=''/></iq>");
	assert_int_equal(c->question.version.n, 0);
	client_free(c);
}

static void items_say_all_that_control_knows(void **state)
{
	static const char *const groups[] = {"Work", "R&D <1>"};
	char                     room[64];
	struct put               w = put_to(room, sizeof(room));
	const struct roster_item items[] = {
		{.jid = STR("bob@example.org"),
		 .name = STR("\"B\" & <b>"),
		 .subscription = ROSTER_SUBSCRIPTION_BOTH,
		 .groups = texts(&w, groups, 2)},
		{.jid = STR("carol@elsewhere.example"), .ask = true},
		{.jid = STR("dave@elsewhere.example"),
		 .subscription = ROSTER_SUBSCRIPTION_TO,
		 .approved = true},
		{.jid = STR("elsewhere.example"), .subscription = ROSTER_SUBSCRIPTION_FROM},
	};
	struct client *c = alice();

	roster(c, &(struct roster_head){.version = STR("4")}, items, 4);
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	assert_string_equal(
		client_sent(c),
		"<iq type=\"result\" id=\"r1\"><query xmlns=\"jabber:iq:roster\" ver=\"4\">"
		"<item jid=\"bob@example.org\" name=\"&quot;B&quot; &amp; &lt;b&gt;\" "
		"subscription=\"both\"><group>Work</group><group>R&amp;D &lt;1&gt;</group></item>"
		"<item jid=\"carol@elsewhere.example\" subscription=\"none\" ask=\"subscribe\">"
		"</item>"
		"<item jid=\"dave@elsewhere.example\" subscription=\"to\" approved=\"true\">"
		"</item>"
		"<item jid=\"elsewhere.example\" subscription=\"from\"></item></query></iq>");
	client_free(c);
}

/* ---- answers that are larger than the room there is ---- */

static void many(struct client *c)
{
	static struct roster_item items[100];
	static char               jids[100][64];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(jids[i], sizeof(jids[i]), "contact%02u@elsewhere.example", i);
		items[i] = (struct roster_item){.jid = str_of(jids[i]),
						.name = STR("A name of some length")};
	}
	roster(c, &(struct roster_head){.version = STR("9")}, items, 100);
}

/* So many bytes more. True: it has all. */
static bool told_piece(struct client *c, struct cur *answer, size_t room)
{
	struct proto_event event = {.msg = NULL};
	struct out         out = out_to(c->sent + c->sent_size, room);

	xmpp_ops.told(c->session, c->now, c->ask_token, REASON_NONE, answer, &out, &event);
	client_took(c, &out);
	assert_int_equal(event.kind, EVENT_NONE);
	return cur_left(answer) == 0;
}

static struct cur answer_of(struct client *c)
{
	const struct client_answer *a = &c->answers[ROSTER_ASK_ROSTER_GET];

	return cur_of(a->bytes, a->size);
}

/* Bytes with which an item is not begun, and with which some are. */
#define TOO_LITTLE (XMPP_ANSWER_ROOM + 1024u)
#define ENOUGH (XMPP_ANSWER_ROOM + 10240u + 512u)

static void a_large_roster_is_written_a_piece_at_a_time_and_is_whole(void **state)
{
	struct client *c = alice();
	struct cur     answer;
	unsigned       pieces = 1;
	char          *whole;

	many(c);
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	whole = strdup(client_sent(c));
	has(whole, "contact99@elsewhere.example");
	c->silent = true;
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	answer = answer_of(c);
	assert_false(told_piece(c, &answer, TOO_LITTLE));
	assert_false(told_piece(c, &answer, TOO_LITTLE)); /* nothing more is begun */
	while (!told_piece(c, &answer, ENOUGH))
		pieces++;
	assert_in_range(pieces, 5, 100);
	assert_string_equal(client_sent(c), whole);
	free(whole);
	client_free(c);
}

static void nothing_gets_between_its_pieces(void **state)
{
	static const char message[] = "<message to='bob@example.org' id='m1'><body>x</body>"
				      "</message>";
	struct client    *c = alice();
	struct msg       *m = msg_new(c->pool);
	struct result     r;
	struct cur        answer;
	uint64_t          token;
	const char       *sent;

	many(c);
	c->settings.keepalive_us = US_PER_SECOND;
	c->settings.resume_us = 20 * US_PER_SECOND;
	xmpp_ops.settings(c->session, &c->settings);
	client_says(c, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
	client_says(c, "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
	client_says(c, "<a xmlns='urn:xmpp:sm:3' h='0'/>"); /* and so there is something to ask */
	client_says(c, message);
	token = client_last(c, EVENT_MSG)->msg->token;
	client_sent(c);
	c->silent = true;
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	((struct xmpp_session *)c->session)->sm_asked = false; /* it may ask */
	answer = answer_of(c);
	client_sent(c);
	assert_false(told_piece(c, &answer, TOO_LITTLE));
	has(client_sent(c), "ver=\"9\">");
	c->now.us += 2 * US_PER_SECOND; /* a ping is due */
	client_tick(c);
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_LATER);
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), sizeof(message) - 1);
	client_answer(c, token, &(struct result){.why = REASON_NOT_REGISTERED});
	assert_string_equal(client_sent(c), "");
	while (!told_piece(c, &answer, ENOUGH))
		;
	sent = client_sent(c);
	has(sent, "</item></query></iq><message type=\"error\" id=\"m1\"");
	msg_free(m);
	client_free(c);
}

static void another_answer_that_is_due_does_not_get_between(void **state)
{
	struct client *c = alice();
	struct cur     answer;

	many(c);
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	client_sent(c);
	c->silent = true;
	((struct xmpp_session *)c->session)->binding = true; /* as for carbons */
	client_says(c, "<iq type='get' id='r2'>" QUERY "/></iq>");
	answer = answer_of(c);
	assert_false(told_piece(c, &answer, CLIENT_OUT));
	assert_string_equal(client_sent(c), "");
	client_answer(c, XMPP_TOKEN_CARBONS, &(struct result){0});
	client_sent(c);
	assert_true(told_piece(c, &answer, CLIENT_OUT));
	has(client_sent(c), "<iq type=\"result\" id=\"r2\">");
	client_free(c);
}

/* Whoever goes on in its place would get a half. */
static void half_a_roster_is_not_kept_for_another_stream(void **state)
{
	struct client *c = alice();
	struct cur     answer;

	many(c);
	c->settings.resume_us = 20 * US_PER_SECOND;
	xmpp_ops.settings(c->session, &c->settings);
	client_says(c, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
	c->silent = true;
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	answer = answer_of(c);
	assert_false(told_piece(c, &answer, TOO_LITTLE));
	assert_int_equal(((struct xmpp_session *)c->session)->said.count, 0);
	while (!told_piece(c, &answer, ENOUGH))
		;
	assert_int_equal(((struct xmpp_session *)c->session)->said.count, 0);
	client_free(c);
}

static void a_stream_that_ends_midway_has_no_last_words(void **state)
{
	struct client *c = alice();
	struct out     out;
	struct cur     answer;

	many(c);
	c->silent = true;
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	answer = answer_of(c);
	assert_false(told_piece(c, &answer, TOO_LITTLE));
	client_sent(c);
	out = client_out(c);
	xmpp_ops.close(c->session, c->now, REASON_SHUTDOWN, &out);
	assert_int_equal(out_mark(&out), 0);
	client_free(c);
}

/* ---- changes ---- */

static void a_set_is_for_control_in_normal_form(void **state)
{
	static const char *const groups[] = {"A & B", "C"};
	char                     room[64];
	struct put               w = put_to(room, sizeof(room));
	struct client           *c = alice();

	client_says(c, "<iq type='set' id='s1'>" QUERY "><item jid='Bob@Example.ORG/desk' "
		       "name='B &lt;o&gt;b' subscription='both' ask='subscribe'><group>A &amp; B"
		       "</group><other xmlns='u'>x</other><group>C</group></item></query></iq>");
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"s1\"></iq>");
	assert_int_equal(c->questions[ROSTER_ASK_ROSTER_SET], 1);
	assert_true(str_eq(c->question.owner, STR("alice@example.org")));
	assert_true(str_eq(c->question.item.jid, STR("bob@example.org")));
	assert_true(str_eq(c->question.item.name, STR("B <o>b")));
	assert_true(str_eq(c->question.item.groups, texts(&w, groups, 2)));
	assert_int_equal(c->question.item.subscription, ROSTER_SUBSCRIPTION_NONE); /* 2.1.2.5 */
	assert_false(c->question.item.ask);
	client_free(c);
}

static void a_removal_names_a_contact(void **state)
{
	struct client *c = alice();

	client_says(c, "<iq type='set' id='s1'>" QUERY "><item jid='Bob@example.org' "
		       "subscription='remove'/></query></iq>");
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"s1\"></iq>");
	assert_int_equal(c->questions[ROSTER_ASK_ROSTER_REMOVE], 1);
	assert_int_equal(c->questions[ROSTER_ASK_ROSTER_SET], 0);
	assert_true(str_eq(c->question.contact, STR("bob@example.org")));
	client_free(c);
}

#define ITEM(attributes, content) "><item " attributes ">" content "</item></query>"
#define NAMES_129                                                                                  \
	"12345678901234567890123456789012345678901234567890123456789012345678901234567890"         \
	"1234567890123456789012345678901234567890123456789"

/* RFC 6121, 2.3.3. */
static void a_set_that_is_wrong_comes_back_and_control_hears_nothing(void **state)
{
	static const struct {
		const char *query, *error;
	} table[] = {
		{"/>", "<error type=\"modify\"><bad-request"},
		{"><item jid='a@x.example'/><item jid='b@x.example'/></query>", "<bad-request"},
		{"><item jid='a@x.example'/><other/></query>", "<bad-request"},
		{"><other jid='a@x.example'/></query>", "<bad-request"},
		{"><item jid='a@x.example' xmlns='u'/></query>", "<bad-request"},
		{ITEM("", ""), "<bad-request"},
		{ITEM("jid='a b@x.example'", ""), "<error type=\"modify\"><jid-malformed"},
		{ITEM("jid='@x.example'", ""), "<jid-malformed"},
		{ITEM("jid='a@x.example'", "<group/>"), "<error type=\"modify\"><not-acceptable"},
		{ITEM("jid='a@x.example'", "<group>G</group><group></group>"), "<not-acceptable"},
		{ITEM("jid='a@x.example'", "<group>" NAMES_129 "</group>"), "<not-acceptable"},
		{ITEM("jid='a@x.example' name='" NAMES_129 "'", ""), "<not-acceptable"},
		{ITEM("jid='a@x.example'", "<group>G</group><group>G</group>"), "<bad-request"},
		{ITEM("jid='a@x.example'",
		      "<group>1</group><group>2</group><group>3</group><group>4</group>"
		      "<group>5</group><group>6</group><group>7</group><group>8</group>"
		      "<group>9</group>"),
		 "<not-acceptable"},
		{ITEM("jid='alice@example.org'", ""), "<error type=\"cancel\"><not-allowed"},
		{ITEM("jid='ALICE@example.org/tablet'", ""), "<not-allowed"},
		{ITEM("jid='a b@x.example' subscription='remove'", ""), "<jid-malformed"},
		{ITEM("subscription='remove'", ""), "<bad-request"},
	};
	struct client *c = alice();
	char           text[1024];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *sent;

		snprintf(text, sizeof(text), "<iq type='set' id='s1'>" QUERY "%s</iq>",
			 table[i].query);
		client_says(c, text);
		assert_false(c->bad);
		sent = client_sent(c);
		has(sent, "<iq type=\"error\" id=\"s1\"");
		has(sent, table[i].error);
	}
	assert_int_equal(c->questions[ROSTER_ASK_ROSTER_SET], 0);
	assert_int_equal(c->questions[ROSTER_ASK_ROSTER_REMOVE], 0);
	client_free(c);
}

static void the_largest_that_is_allowed_is_taken(void **state)
{
	static const char set[] =
		"<iq type='set' id='s1'>" QUERY
		"><item jid='a@x.example' name='%.128s'><group>%.128s</group>"
		"<group>2</group><group>3</group><group>4</group><group>5</group>"
		"<group>6</group><group>7</group><group>8</group></item></query></iq>";
	struct client *c = alice();
	char           text[1024];

	snprintf(text, sizeof(text), set, NAMES_129, NAMES_129);
	client_says(c, text);
	has(client_sent(c), "<iq type=\"result\" id=\"s1\"");
	assert_int_equal(c->question.item.name.n, ROSTER_TEXT_SIZE_MAX);
	client_free(c);
}

static void what_control_cannot_do_comes_back_as_its_error(void **state)
{
	static const struct {
		enum reason why;
		const char *error;
	} table[] = {
		{REASON_CONTROL_DOWN, "<error type=\"wait\"><resource-constraint"},
		{REASON_QUESTIONS_FULL, "<error type=\"wait\"><resource-constraint"},
		{REASON_ROSTER_ITEM, "<error type=\"cancel\"><item-not-found"},
		{REASON_ROSTER_FULL, "<error type=\"modify\"><policy-violation"},
		{REASON_ROSTER_OWNER, "<error type=\"cancel\"><service-unavailable"},
		{REASON_ROSTER_QUESTION, "<error type=\"modify\"><bad-request"},
	};
	static const struct {
		enum roster_ask ask;
		const char     *says;
	} asks[] = {
		{ROSTER_ASK_ROSTER_GET, "<iq type='get' id='r1'>" QUERY "/></iq>"},
		{ROSTER_ASK_ROSTER_SET,
		 "<iq type='set' id='r1'>" QUERY "><item jid='a@x.example'/></query></iq>"},
		{ROSTER_ASK_ROSTER_REMOVE,
		 "<iq type='set' id='r1'>" QUERY
		 "><item jid='a@x.example' subscription='remove'/></query></iq>"},
	};
	struct client *c = alice();

	for (size_t a = 0; a < sizeof(asks) / sizeof(asks[0]); a++) {
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			const char *sent;

			c->answers[asks[a].ask].why = table[i].why;
			client_says(c, asks[a].says);
			sent = client_sent(c);
			has(sent, "<iq type=\"error\" id=\"r1\">");
			has(sent, table[i].error);
		}
		c->answers[asks[a].ask].why = REASON_NONE;
		client_says(c, asks[a].says);
		has(client_sent(c), "<iq type=\"result\" id=\"r1\">");
	}
	client_free(c);
}

/* ---- pushes ---- */

static void effects(struct client *c, enum roster_ask ask, const struct roster_effect *e,
		    unsigned n)
{
	struct put w = client_answer_put(c, ask);

	for (unsigned i = 0; i < n; i++)
		roster_effect_put(&w, &e[i]);
	assert_false(w.failed);
	c->answers[ask].size = put_size(&w);
}

static const struct roster_effect pushed = {
	.kind = ROSTER_EFFECT_PUSH,
	.to = {"alice@example.org", 17},
	.item = {.jid = {"bob@example.org", 15}, .subscription = ROSTER_SUBSCRIPTION_REMOVE},
	.version = {"8", 1}};

static void a_push_goes_to_those_that_have_asked_and_then_comes_the_result(void **state)
{
	struct client *c = alice();

	client_place(c, ALICE, "tablet", WANTS | XMPP_FEATURE_AVAILABLE);
	client_place(c, ALICE, "deaf", XMPP_FEATURE_AVAILABLE);
	effects(c, ROSTER_ASK_ROSTER_REMOVE, &pushed, 1);
	client_says(c, "<iq type='set' id='s1'>" QUERY "><item jid='bob@example.org' "
		       "subscription='remove'/></query></iq>");
	assert_int_equal(c->event_count, 2);
	has(client_heard(c, 0), "from=\"alice@example.org\" to=\"alice@example.org/phone\">"
				"<query xmlns=\"jabber:iq:roster\" ver=\"8\"><item "
				"jid=\"bob@example.org\" subscription=\"remove\"></item></query>"
				"</iq>");
	has(client_heard(c, 0), "<iq type=\"set\" id=\"");
	has(client_heard(c, 1), "to=\"alice@example.org/tablet\"");
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"s1\"></iq>");
	client_free(c);
}

/* An operator took bob from alice's roster; bob has a client here, too. */
static void what_an_operator_changed_is_asked_for_and_carried_out(void **state)
{
	const struct roster_effect e[2] = {pushed,
					   {.kind = ROSTER_EFFECT_PRESENCE,
					    .from = STR("bob@example.org"),
					    .to = STR("alice@example.org"),
					    .type = ROSTER_UNAVAILABLE,
					    .to_is_local = true}};
	struct client             *c = alice();

	client_place(c, "xmpp:bob@example.org", "desk", XMPP_FEATURE_AVAILABLE);
	effects(c, ROSTER_ASK_EFFECTS, e, 2);
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_EFFECTS], 0);
	xmpp_ops.notice(c->session);
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_EFFECTS], 1);
	assert_true(str_eq(c->question.owner, STR("alice@example.org")));
	assert_int_equal(c->event_count, 2);
	has(client_heard(c, 0), "to=\"alice@example.org/phone\"><query "
				"xmlns=\"jabber:iq:roster\" ver=\"8\"><item "
				"jid=\"bob@example.org\" subscription=\"remove\">");
	has(client_heard(c, 1), "from=\"alice@example.org\" to=\"bob@example.org/desk\"");
	assert_string_equal(client_sent(c), ""); /* it has asked for nothing */
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_EFFECTS], 1);
	client_free(c);
}

static void it_is_asked_for_when_the_question_before_is_told(void **state)
{
	struct client *c = alice();

	c->silent = true;
	client_says(c, "<iq type='get' id='r1'>" QUERY "/></iq>");
	xmpp_ops.notice(c->session);
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_EFFECTS], 0);
	c->silent = false;
	client_told(c, &(struct client_answer){.why = REASON_CONTROL_DOWN});
	has(client_sent(c), "<iq type=\"error\" id=\"r1\">");
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_EFFECTS], 1);
	client_free(c);
}

static void what_a_client_answers_to_a_push_is_for_nobody(void **state)
{
	static const char *const says[] = {
		"<iq type='result' id='push'/>",
		"<iq type='result' id='push' to='alice@example.org'/>",
		"<iq type='error' id='push'><error type='cancel'><service-unavailable "
		"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		"<iq type='error' id='push' to='alice@example.org'>" QUERY "/><error/></iq>",
	};
	struct client *c = alice();

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		client_says(c, says[i]);
		assert_string_equal(client_sent(c), "");
		assert_int_equal(c->event_count, 0);
	}
	client_free(c);
}

/* 2.1.6: a client believes its own account alone, which nobody else can say that it is. */
static void nobody_else_pushes_or_reads_a_roster(void **state)
{
	struct client *d = client_new();
	const char    *heard;

	client_up(d, "bob", "desk");
	client_says(d,
		    "<iq type='set' id='f' to='alice@example.org' from='alice@example.org'>" QUERY
		    "><item jid='eve@x.example'/></query></iq>");
	has(client_sent(d), "<iq type=\"error\" id=\"f\" from=\"alice@example.org\"><error "
			    "type=\"auth\"><forbidden");
	client_says(d, "<iq type='get' id='f' to='alice@example.org'>" QUERY "/></iq>");
	has(client_sent(d), "<forbidden");
	assert_int_equal(d->questions[ROSTER_ASK_ROSTER_SET], 0);
	assert_int_equal(d->questions[ROSTER_ASK_ROSTER_GET], 0);
	client_says(d,
		    "<iq type='set' id='f' to='alice@example.org/phone' "
		    "from='alice@example.org'>" QUERY "><item jid='eve@x.example'/></query></iq>");
	heard = client_heard(d, 0);
	has(heard, " from=\"bob@example.org/desk\" to=\"alice@example.org/phone\"");
	client_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_roster_is_a_query_without_items),
		cmocka_unit_test(the_version_that_the_client_has_need_not_be_told),
		cmocka_unit_test(items_say_all_that_control_knows),
		cmocka_unit_test(a_large_roster_is_written_a_piece_at_a_time_and_is_whole),
		cmocka_unit_test(nothing_gets_between_its_pieces),
		cmocka_unit_test(another_answer_that_is_due_does_not_get_between),
		cmocka_unit_test(half_a_roster_is_not_kept_for_another_stream),
		cmocka_unit_test(a_stream_that_ends_midway_has_no_last_words),
		cmocka_unit_test(a_set_is_for_control_in_normal_form),
		cmocka_unit_test(a_removal_names_a_contact),
		cmocka_unit_test(a_set_that_is_wrong_comes_back_and_control_hears_nothing),
		cmocka_unit_test(the_largest_that_is_allowed_is_taken),
		cmocka_unit_test(what_control_cannot_do_comes_back_as_its_error),
		cmocka_unit_test(a_push_goes_to_those_that_have_asked_and_then_comes_the_result),
		cmocka_unit_test(what_an_operator_changed_is_asked_for_and_carried_out),
		cmocka_unit_test(it_is_asked_for_when_the_question_before_is_told),
		cmocka_unit_test(what_a_client_answers_to_a_push_is_for_nobody),
		cmocka_unit_test(nobody_else_pushes_or_reads_a_roster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
