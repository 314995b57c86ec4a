/* Blocking, as a client sees it when control answers, and whom it holds off (XEP-0191). */
#include "client.h"

#define ALICE "xmpp:alice@example.org"
#define SPACE "xmlns='urn:xmpp:blocking'"

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static struct str texts(struct put *w, const char *const jids[])
{
	for (unsigned i = 0; jids[i] != NULL; i++)
		roster_text_put(w, str_of(jids[i]));
	assert_false(w->failed);
	return (struct str){(const char *)w->start, put_size(w)};
}

/* What control has in the list from now on; ends with NULL. */
static void list(struct client *c, const char *const jids[])
{
	struct put w = client_answer_put(c, ROSTER_ASK_BLOCK_GET);

	c->answers[ROSTER_ASK_BLOCK_GET].size = texts(&w, jids).n;
}

#define LIST(c, ...) list(c, (const char *const[]){__VA_ARGS__, NULL})

static void up(struct client *c)
{
	client_up(c, "alice", "phone");
	client_place_over(c, ALICE, "phone", XMPP_FEATURE_AVAILABLE,
			  (struct str){c->call, sizeof(c->call)});
}

static struct client *alice(void)
{
	struct client *c = client_new();

	up(c);
	return c;
}

static struct client *alice_who_blocks(const char *jid)
{
	struct client *c = client_new();

	LIST(c, jid);
	up(c);
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_GET], 1); /* before anything is read */
	return c;
}

/* ---- the list ---- */

static void the_list_is_what_control_has(void **state)
{
	struct client *c = alice();

	client_says(c, "<iq type='get' id='b1'><blocklist " SPACE "/></iq>");
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"b1\"><blocklist "
					    "xmlns=\"urn:xmpp:blocking\"></blocklist></iq>");
	LIST(c, "eve@example.org", "elsewhere.example", "o'neill@example.org/a&b");
	client_says(c, "<iq type='get' id='b2' to='alice@example.org'><blocklist " SPACE "/></iq>");
	assert_string_equal(client_sent(c),
			    "<iq type=\"result\" id=\"b2\" from=\"alice@example.org\"><blocklist "
			    "xmlns=\"urn:xmpp:blocking\"><item jid=\"eve@example.org\"/><item "
			    "jid=\"elsewhere.example\"/><item jid=\"o'neill@example.org/a&amp;b\"/>"
			    "</blocklist></iq>");
	client_free(c);
}

static void a_large_list_is_written_a_piece_at_a_time_and_is_whole(void **state)
{
	struct client *c = alice();
	struct put     w = client_answer_put(c, ROSTER_ASK_BLOCK_GET);
	size_t         size = 0, room = XMPP_ANSWER_ROOM + 6 * ROSTER_JID_SIZE_MAX + 64;
	unsigned       pieces = 0;
	char           jid[64], *whole;
	struct cur     answer;

	for (unsigned i = 0; i < ROSTER_BLOCKED_MAX; i++) {
		snprintf(jid, sizeof(jid), "somebody%03u@elsewhere.example", i);
		roster_text_put(&w, str_of(jid));
	}
	size = c->answers[ROSTER_ASK_BLOCK_GET].size = put_size(&w);
	client_says(c, "<iq type='get' id='b1'><blocklist " SPACE "/></iq>");
	whole = strdup(client_sent(c));
	has(whole, "somebody199@elsewhere.example\"/></blocklist></iq>");
	c->silent = true;
	client_says(c, "<iq type='get' id='b1'><blocklist " SPACE "/></iq>");
	answer = cur_of(c->answers[ROSTER_ASK_BLOCK_GET].bytes, size);
	do {
		struct proto_event event = {.msg = NULL};
		struct out         out = out_to(c->sent + c->sent_size, room);

		xmpp_ops.told(c->session, c->now, c->ask_token, REASON_NONE, &answer, &out, &event);
		client_took(c, &out);
		pieces++;
	} while (cur_left(&answer) > 0 && pieces < 1000);
	assert_in_range(pieces, 10, 999);
	assert_string_equal(client_sent(c), whole);
	free(whole);
	client_free(c);
}

/* ---- changes ---- */

static void those_to_be_blocked_are_for_control_in_normal_form(void **state)
{
	static const char *const jids[] = {"bob@example.org", "elsewhere.example",
					   "bob@example.org/Desk", NULL};
	char                     room[256];
	struct put               w = put_to(room, sizeof(room));
	struct client           *c = alice();

	c->silent = true;
	client_says(c, "<iq type='set' id='b1'><block " SPACE "><item jid='Bob@Example.org'/>"
		       "<item jid='ELSEWHERE.example'/><item jid='bob@example.org/Desk'/></block>"
		       "</iq>");
	assert_int_equal(c->question.ask, ROSTER_ASK_BLOCK_ADD);
	assert_true(str_eq(c->question.owner, STR("alice@example.org")));
	assert_true(str_eq(c->question.jids, texts(&w, jids)));
	assert_string_equal(client_sent(c), ""); /* before it is done */
	client_free(c);
}

static void one_is_unblocked_or_all(void **state)
{
	static const char *const jids[] = {"bob@example.org", NULL};
	char                     room[64];
	struct put               w = put_to(room, sizeof(room));
	struct client           *c = alice();

	c->silent = true;
	client_says(c, "<iq type='set' id='b1'><unblock " SPACE "><item jid='bob@example.org'/>"
		       "</unblock></iq>");
	assert_int_equal(c->question.ask, ROSTER_ASK_BLOCK_REMOVE);
	assert_true(str_eq(c->question.jids, texts(&w, jids)));
	client_told(c, &(struct client_answer){.why = REASON_NONE});
	has(client_sent(c), "<iq type=\"result\" id=\"b1\"></iq>");
	client_tick(c);
	client_told(c, &(struct client_answer){.why = REASON_NONE}); /* the list, for ourselves */
	client_says(c, "<iq type='set' id='b2'><unblock " SPACE "/></iq>");
	assert_int_equal(c->question.ask, ROSTER_ASK_BLOCK_REMOVE);
	assert_int_equal(c->question.jids.n, 0);
	client_free(c);
}

static void a_change_that_is_wrong_comes_back_and_control_hears_nothing(void **state)
{
	static const struct {
		const char *says, *error;
	} table[] = {
		{"<block " SPACE "/>", "<error type=\"modify\"><bad-request"},
		{"<block " SPACE "><item jid='a b@x.example'/></block>",
		 "<error type=\"modify\"><jid-malformed"},
		{"<block " SPACE "><item jid='bob@example.org'/><item jid='@'/></block>",
		 "<jid-malformed"},
		{"<block " SPACE "><item jid='bob@example.org'/><other/></block>", "<bad-request"},
		{"<block " SPACE "><item/></block>", "<jid-malformed"},
		{"<unblock " SPACE "><item jid=''/></unblock>", "<jid-malformed"}, /* not: all */
		{"<unblock " SPACE "><other/></unblock>", "<bad-request"},
	};
	struct client *c = alice();
	char           text[512];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *sent;

		snprintf(text, sizeof(text), "<iq type='set' id='b1'>%s</iq>", table[i].says);
		client_says(c, text);
		sent = client_sent(c);
		has(sent, "<iq type=\"error\" id=\"b1\"");
		has(sent, table[i].error);
	}
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_ADD], 0);
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_REMOVE], 0);
	client_free(c);
}

static void more_than_a_list_may_have_are_refused(void **state)
{
	struct client *c = alice();
	char           text[16384];
	struct put     w = put_to(text, sizeof(text));

	put_str(&w, STR("<iq type='set' id='b1'><block " SPACE ">"));
	for (unsigned i = 0; i <= ROSTER_BLOCKED_MAX; i++) {
		char item[64];

		snprintf(item, sizeof(item), "<item jid='u%u@x.example'/>", i);
		put_str(&w, str_of(item));
	}
	put_str(&w, STR("</block></iq>"));
	client_feed(c, text, put_size(&w));
	has(client_sent(c), "<policy-violation");
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_ADD], 0);
	client_free(c);
}

static void long_addresses_are_blocked_by_several_requests(void **state)
{
	struct client *c = alice();
	char           text[16384];
	struct put     w = put_to(text, sizeof(text));
	const char    *sent;

	put_str(&w, STR("<iq type='set' id='b1'><block " SPACE ">"));
	for (unsigned i = 0; i < 30; i++) {
		char item[300];

		snprintf(item, sizeof(item), "<item jid='u@x.example/%0210u'/>", i);
		put_str(&w, str_of(item));
	}
	put_str(&w, STR("</block></iq>"));
	client_feed(c, text, put_size(&w));
	sent = client_sent(c);
	has(sent, "<error type=\"modify\"><policy-violation ");
	has(sent, ">One request takes 200 addresses and 6 KB of them. Say them in several.</text>");
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_ADD], 0);
	client_free(c);
}

static void without_control_a_change_is_refused_for_the_time_being(void **state)
{
	static const struct {
		enum roster_ask ask;
		const char     *says;
	} table[] = {
		{ROSTER_ASK_BLOCK_GET, "<iq type='get' id='b1'><blocklist " SPACE "/></iq>"},
		{ROSTER_ASK_BLOCK_ADD,
		 "<iq type='set' id='b1'><block " SPACE "><item jid='bob@example.org'/></block>"
		 "</iq>"},
		{ROSTER_ASK_BLOCK_REMOVE, "<iq type='set' id='b1'><unblock " SPACE "/></iq>"},
	};
	struct client *c = alice_who_blocks("eve@example.org");

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		c->answers[table[i].ask].why = REASON_CONTROL_DOWN;
		client_says(c, table[i].says);
		has(client_sent(c), "<iq type=\"error\" id=\"b1\"><error "
				    "type=\"wait\"><resource-constraint");
	}
	client_says(c, "<message to='eve@example.org'><body>x</body></message>");
	has(client_sent(c), "<not-acceptable"); /* nothing has changed */
	client_free(c);
}

/* ---- what others of ours are told ---- */

static void effects(struct client *c, enum roster_ask ask, const struct roster_effect *e,
		    unsigned n)
{
	struct put w = client_answer_put(c, ask);

	for (unsigned i = 0; i < n; i++)
		roster_effect_put(&w, &e[i]);
	assert_false(w.failed);
	c->answers[ask].size = put_size(&w);
}

static struct roster_effect change(enum roster_effect_kind kind, const char *jid)
{
	static char room[64];
	struct put  w = put_to(room, sizeof(room));

	return (struct roster_effect){
		.kind = kind,
		.to = STR("alice@example.org"),
		.jids = jid != NULL ? texts(&w, (const char *const[]){jid, NULL}) : STR("")};
}

/* Event n comes to the client itself. */
static void comes(struct client *c, unsigned n)
{
	struct result r;

	assert_int_equal(client_submit(c, c->events[n].msg, 99, &r), SUBMIT_SENT);
}

static void a_change_is_said_to_those_that_have_asked_for_the_list(void **state)
{
	struct roster_effect e = change(ROSTER_EFFECT_BLOCKED, "bob@example.org");
	struct client       *c = alice();

	client_place(c, ALICE, "tablet", 0);
	effects(c, ROSTER_ASK_BLOCK_ADD, &e, 1);
	client_says(c, "<iq type='set' id='b1'><block " SPACE "><item jid='bob@example.org'/>"
		       "</block></iq>");
	assert_string_equal(client_sent(c), "<iq type=\"result\" id=\"b1\"></iq>");
	assert_int_equal(c->event_count, 2);
	has(client_heard(c, 1), "to=\"alice@example.org/tablet\"><block "
				"xmlns=\"urn:xmpp:blocking\"><item jid=\"bob@example.org\"/>"
				"</block></iq>");
	has(client_heard(c, 1), "<iq type=\"set\" id=\"");
	comes(c, 0);
	assert_string_equal(client_sent(c), ""); /* it has not asked */
	client_says(c, "<iq type='get' id='b2'><blocklist " SPACE "/></iq>");
	client_sent(c);
	comes(c, 0);
	has(client_sent(c), "to=\"alice@example.org/phone\"><block xmlns=\"urn:xmpp:blocking\">");
	client_says(c, "<iq type='result' id='push'/>");
	assert_string_equal(client_sent(c), "");
	client_free(c);
}

static void that_all_are_unblocked_is_said_without_items(void **state)
{
	struct roster_effect e = change(ROSTER_EFFECT_UNBLOCKED, NULL);
	struct client       *c = alice();

	effects(c, ROSTER_ASK_BLOCK_REMOVE, &e, 1);
	client_says(c, "<iq type='set' id='b1'><unblock " SPACE "/></iq>");
	has(client_heard(c, 0), "><unblock xmlns=\"urn:xmpp:blocking\"></unblock></iq>");
	client_free(c);
}

/* ---- the list that we keep to ---- */

#define BLOCKED "<blocked xmlns=\"urn:xmpp:blocking:errors\"/>"

/* 3.3: to one who is blocked. */
static void what_a_client_sends_to_the_blocked_comes_back(void **state)
{
	static const struct {
		const char *says, *kind; /* NULL: nothing is said */
	} table[] = {
		{"<message to='bob@example.org' id='1'><body>x</body></message>", "message"},
		{"<message to='Bob@Example.org/desk' id='1' type='chat'><body>x</body></message>",
		 "message"},
		{"<iq type='get' to='bob@example.org/desk' id='1'><a xmlns='u'/></iq>", "iq"},
		{"<presence to='bob@example.org' id='1'/>", "presence"},
		{"<presence to='bob@example.org/desk' id='1'/>", "presence"},
		{"<presence to='bob@example.org' id='1' type='subscribe'/>", "presence"},
		{"<iq type='result' to='bob@example.org/desk' id='1'/>", NULL},
		{"<iq type='error' to='bob@example.org/desk' id='1'><error/></iq>", NULL},
		{"<message type='error' to='bob@example.org/desk' id='1'><error/></message>", NULL},
	};
	struct client *c = alice_who_blocks("bob@example.org");

	client_place(c, "xmpp:bob@example.org", "desk", XMPP_FEATURE_AVAILABLE);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char        begin[32];
		const char *sent;

		client_says(c, table[i].says);
		sent = client_sent(c);
		assert_int_equal(c->event_count, 0);
		if (table[i].kind == NULL) {
			assert_string_equal(sent, "");
			continue;
		}
		snprintf(begin, sizeof(begin), "<%s type=\"error\" id=\"1\"", table[i].kind);
		has(sent, begin);
		has(sent, "<error type=\"cancel\"><not-acceptable "
			  "xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>" BLOCKED "</error>");
	}
	assert_int_equal(c->questions[ROSTER_ASK_SUBSCRIPTION_OUT], 0);
	client_says(c, "<message to='carol@example.org' id='1'><body>x</body></message>");
	client_last(c, EVENT_MSG);
	client_free(c);
}

/* 3.2: from one who is blocked. */
static void what_the_blocked_send_is_not_heard(void **state)
{
	static const struct {
		const char *says;
		enum reason why; /* NONE: silence */
	} table[] = {
		{"<message to='alice@example.org/phone' id='1'><body>x</body></message>",
		 REASON_NOT_REGISTERED},
		{"<iq type='get' to='alice@example.org/phone' id='1'><a xmlns='u'/></iq>",
		 REASON_NOT_REGISTERED},
		{"<presence to='alice@example.org/phone'/>", REASON_NONE},
		{"<presence to='alice@example.org/phone' type='unavailable'/>", REASON_NONE},
	};
	struct client *c = alice_who_blocks("bob@example.org"), *d = client_new();

	client_up(d, "bob", "desk");
	client_place(d, ALICE, "phone", XMPP_FEATURE_AVAILABLE);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct result r;

		client_says(d, table[i].says);
		assert_int_equal(client_submit(c, client_last(d, EVENT_MSG)->msg, i, &r),
				 SUBMIT_SENT);
		assert_string_equal(client_sent(c), "");
		assert_int_equal(client_last(c, EVENT_RESULT)->result.why, table[i].why);
		client_answer(d, client_last(d, EVENT_MSG)->msg->token,
			      &(struct result){.why = (uint8_t)table[i].why});
		if (table[i].why == REASON_NONE) /* as if nobody were there */
			assert_string_equal(client_sent(d), "");
		else
			has(client_sent(d), "<error type=\"cancel\"><service-unavailable");
		client_forget(c);
		client_forget(d);
	}
	client_free(c);
	client_free(d);
}

/* Section 5. */
static void an_entry_is_of_a_resource_an_account_or_a_domain(void **state)
{
	static const struct {
		const char *entry, *jid;
		bool        blocked;
	} table[] = {
		{"bob@x.example/desk", "bob@x.example/desk", true},
		{"bob@x.example/desk", "bob@x.example/car", false},
		{"bob@x.example/desk", "bob@x.example", false},
		{"bob@x.example", "bob@x.example/desk", true},
		{"bob@x.example", "bob@x.example", true},
		{"bob@x.example", "carol@x.example/desk", false},
		{"bob@x.example", "x.example", false},
		{"x.example/desk", "x.example/desk", true},
		{"x.example/desk", "x.example", false},
		{"x.example/desk", "x.example/car", false},
		{"x.example/desk", "bob@x.example/desk", false},
		{"x.example", "x.example", true},
		{"x.example", "x.example/desk", true},
		{"x.example", "bob@x.example", true},
		{"x.example", "bob@x.example/desk", true},
		{"x.example", "bob@sub.x.example", false},
		{"example.org", "bob@example.org/desk", true},
		{"example.org", "alice@example.org/tablet", false}, /* nobody shuts itself out */
		{"alice@example.org", "alice@example.org", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client  *c = alice_who_blocks(table[i].entry);
		struct xmpp_jid jid;

		assert_true(xmpp_bare(str_of(table[i].jid), &jid));
		if (xmpp_is_blocked(c->session, &jid) != table[i].blocked)
			print_error("%s: %s\n", table[i].entry, table[i].jid);
		assert_true(xmpp_is_blocked(c->session, &jid) == table[i].blocked);
		client_free(c);
	}
}

static bool blocks(struct client *c, const char *text)
{
	struct xmpp_jid jid;

	assert_true(xmpp_bare(str_of(text), &jid));
	return xmpp_is_blocked(c->session, &jid);
}

static void another_client_s_change_is_kept_to(void **state)
{
	struct roster_effect e = change(ROSTER_EFFECT_BLOCKED, "bob@example.org");
	struct client       *c = alice(), *tablet = alice();
	struct result        r;

	effects(tablet, ROSTER_ASK_BLOCK_ADD, &e, 1);
	client_says(tablet, "<iq type='set' id='b1'><block " SPACE "><item jid='bob@example.org'/>"
			    "</block></iq>");
	assert_false(blocks(c, "bob@example.org"));
	LIST(c, "bob@example.org");
	assert_int_equal(client_submit(c, tablet->events[0].msg, 1, &r), SUBMIT_SENT);
	assert_true(blocks(c, "bob@example.org"));
	LIST(c, "eve@example.org", "elsewhere.example");
	client_submit(c, tablet->events[0].msg, 1, &r);
	assert_false(blocks(c, "bob@example.org"));
	assert_true(blocks(c, "dave@elsewhere.example"));
	c->answers[ROSTER_ASK_BLOCK_GET].size = 0;
	client_submit(c, tablet->events[0].msg, 1, &r);
	assert_false(blocks(c, "eve@example.org"));
	client_free(c);
	client_free(tablet);
}

/* Its own change is kept to before the list is read again. */
static void what_follows_a_change_is_read_under_the_new_list(void **state)
{
	static const char    message[] = "<message to='bob@example.org' id='m'><body>x</body>"
					 "</message>";
	struct roster_effect e = change(ROSTER_EFFECT_BLOCKED, "bob@example.org");
	struct client       *c = alice();
	const struct client_answer *told = &c->answers[ROSTER_ASK_BLOCK_ADD];

	effects(c, ROSTER_ASK_BLOCK_ADD, &e, 1);
	c->silent = true;
	client_says(c, "<iq type='set' id='b1'><block " SPACE "><item jid='bob@example.org'/>"
		       "</block></iq>");
	client_told(c, told);
	assert_true(blocks(c, "bob@example.org"));
	client_sent(c);
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), sizeof(message) - 1);
	assert_int_equal(c->question.ask, ROSTER_ASK_BLOCK_GET);
	LIST(c, "bob@example.org");
	client_told(c, &c->answers[ROSTER_ASK_BLOCK_GET]);
	client_feed(c, message, sizeof(message) - 1);
	has(client_sent(c), BLOCKED);
	client_free(c);
}

static void nothing_is_read_before_the_list_is_known(void **state)
{
	static const char message[] = "<message to='bob@example.org' id='m'><body>x</body>"
				      "</message>";
	struct client    *c = client_new();

	c->silent = true;
	up(c);
	assert_int_equal(c->question.ask, ROSTER_ASK_BLOCK_GET);
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), sizeof(message) - 1);
	LIST(c, "bob@example.org");
	client_told(c, &c->answers[ROSTER_ASK_BLOCK_GET]);
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), 0);
	has(client_sent(c), BLOCKED);
	client_free(c);
}

static void a_list_that_control_could_not_tell_is_asked_for_again(void **state)
{
	struct client *c = client_new();

	c->answers[ROSTER_ASK_BLOCK_GET].why = REASON_CONTROL_DOWN;
	up(c);
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_GET], 1);
	assert_int_equal(c->due, c->now.us + XMPP_ASK_AGAIN_US);
	client_says(c, "<message to='bob@example.org' id='m'><body>x</body></message>");
	assert_int_equal(client_last(c, EVENT_MSG)->kind, EVENT_MSG); /* it is no reason to wait */
	c->answers[ROSTER_ASK_BLOCK_GET].why = REASON_NONE;
	LIST(c, "bob@example.org");
	c->now.us += XMPP_ASK_AGAIN_US;
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_GET], 2);
	assert_true(blocks(c, "bob@example.org"));
	client_free(c);
}

/* Control hangs: who writes is not held up, and asks when it is through. */
static void nothing_waits_for_a_list_that_is_late(void **state)
{
	static const char message[] = "<message to='carol@example.org' id='m'><body>x</body>"
				      "</message>";
	static const char get[] = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>";
	struct client    *c = client_new();
	unsigned          in;

	c->answers[ROSTER_ASK_BLOCK_GET].why = REASON_CONTROL_DOWN;
	up(c);
	c->silent = true;
	c->now.us += XMPP_ASK_AGAIN_US;
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_GET], 2);
	in = ((struct xmpp_session *)c->session)->sm_in;
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), 0);
	client_last(c, EVENT_MSG);
	assert_int_equal(client_feed(c, get, sizeof(get) - 1), sizeof(get) - 1);
	assert_int_equal(c->questions[ROSTER_ASK_ROSTER_GET], 0);
	client_told(c, &(struct client_answer){.why = REASON_NONE});
	c->silent = false;
	assert_int_equal(client_feed(c, get, sizeof(get) - 1), 0);
	has(client_sent(c), "<iq type=\"result\" id=\"r\"");
	assert_int_equal(((struct xmpp_session *)c->session)->sm_in, in + 2);
	client_free(c);
}

/* A message of bob's for alice's phone, which waits until the list is there. */
static struct msg *message_of_bob(struct client *d)
{
	client_up(d, "bob", "desk");
	client_place(d, ALICE, "phone", XMPP_FEATURE_AVAILABLE);
	client_says(d, "<message to='alice@example.org/phone' id='1'><body>x</body></message>");
	return client_last(d, EVENT_MSG)->msg;
}

static void what_comes_for_the_client_waits_for_the_list(void **state)
{
	static const char *const listed[] = {"bob@example.org", "eve@example.org"};
	struct client           *d = client_new();
	struct msg              *m = message_of_bob(d);

	for (unsigned i = 0; i < 2; i++) {
		struct client *c = client_new();
		struct result  r;

		c->silent = true;
		up(c);
		assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_LATER);
		c->now.us += 4 * US_PER_SECOND;
		client_tick(c);
		assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_LATER);
		assert_int_equal(c->event_count, 0);
		LIST(c, listed[i]);
		client_told(c, &c->answers[ROSTER_ASK_BLOCK_GET]);
		client_tick(c);
		client_last(c, EVENT_READY);
		assert_string_equal(client_sent(c), "");
		assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_SENT);
		assert_int_equal(client_last(c, EVENT_RESULT)->result.why,
				 i == 0 ? REASON_NOT_REGISTERED : REASON_NONE);
		assert_int_equal(strstr(client_sent(c), "<body>x</body>") != NULL, i);
		client_free(c);
	}
	client_free(d);
}

static void it_comes_when_control_cannot_tell_the_list(void **state)
{
	struct client *c = client_new(), *d = client_new();
	struct msg    *m = message_of_bob(d);
	struct result  r;

	c->silent = true;
	up(c);
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_LATER);
	client_told(c, &(struct client_answer){.why = REASON_CONTROL_DOWN});
	client_tick(c);
	client_last(c, EVENT_READY);
	assert_int_equal(client_submit(c, m, 1, &r), SUBMIT_SENT);
	has(client_sent(c), "<body>x</body>");
	c->now.us += XMPP_ASK_AGAIN_US; /* it is asked for again, and nothing waits for that */
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_GET], 2);
	assert_int_equal(client_submit(c, m, 2, &r), SUBMIT_SENT);
	has(client_sent(c), "<body>x</body>");
	client_free(c);
	client_free(d);
}

/* It is not down, and does not answer, either. */
static void a_client_is_read_while_control_hangs(void **state)
{
	static const char message[] = "<message to='carol@example.org' id='m'><body>x</body>"
				      "</message>";
	static const char get[] = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>";
	struct client    *c = client_new();

	c->silent = true;
	up(c);
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), sizeof(message) - 1);
	assert_int_equal(c->due, c->now.us + XMPP_PATIENCE_US);
	c->now.us = c->due;
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), 0);
	client_last(c, EVENT_MSG);
	client_says(c, get);
	has(client_sent(c), "<error type=\"wait\"><resource-constraint");
	client_told(c, &(struct client_answer){.why = REASON_CONTROL_DOWN});
	client_says(c, get); /* of the client itself: what comes after waits, but not for long */
	assert_int_equal(c->question.ask, ROSTER_ASK_ROSTER_GET);
	client_forget(c);
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), sizeof(message) - 1);
	c->now.us += XMPP_PATIENCE_US;
	assert_int_equal(client_feed(c, message, sizeof(message) - 1), 0);
	client_last(c, EVENT_MSG);
	client_says(c, get);
	has(client_sent(c), "<resource-constraint");
	client_free(c);
}

static void a_list_without_room_is_asked_for_again_later(void **state)
{
	struct client      *c = client_new();
	struct xmpp_blocks *b;
	uint32_t            taken[CLIENT_BLOCKS];
	unsigned            n = 0;

	up(c);
	b = &((struct xmpp_session *)c->session)->instance->blocks;
	while (b->used < b->count)
		taken[n++] = xmpp_block_take(b);
	LIST(c, "bob@example.org");
	((struct xmpp_session *)c->session)->blocks_due = true;
	client_tick(c);
	assert_int_equal(c->questions[ROSTER_ASK_BLOCK_GET], 2);
	assert_int_equal(c->metrics->value[METRIC_xmpp_blocks_full], 1);
	while (n > 0)
		xmpp_block_give(b, taken[--n]);
	c->now.us += XMPP_ASK_AGAIN_US;
	client_tick(c);
	assert_true(blocks(c, "bob@example.org"));
	client_free(c);
}

/* ---- presence that a change brings (3.3 and 3.4) ---- */

static void who_is_unblocked_sees_the_user_come(void **state)
{
	struct roster_effect e[2] = {change(ROSTER_EFFECT_UNBLOCKED, "bob@elsewhere.example")};
	struct client       *c = alice_who_blocks("bob@elsewhere.example");

	client_says(c, "<presence><show>chat</show></presence>");
	client_forget(c);
	e[1] = (struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
				      .from = STR("alice@example.org"),
				      .to = STR("bob@elsewhere.example"),
				      .type = ROSTER_AVAILABLE};
	effects(c, ROSTER_ASK_BLOCK_REMOVE, e, 2);
	c->silent = true;
	client_says(c, "<iq type='set' id='b1'><unblock " SPACE "><item "
		       "jid='bob@elsewhere.example'/></unblock></iq>");
	client_told(c, &c->answers[ROSTER_ASK_BLOCK_REMOVE]);
	assert_int_equal(c->event_count, 2);
	comes(c, 0); /* the list is another: control is asked */
	comes(c, 1);
	client_told(c, &(struct client_answer){.why = REASON_NONE});
	client_tick(c);
	has(client_heard(c, c->event_count - 1),
	    "<presence from=\"alice@example.org/phone\" "
	    "to=\"bob@elsewhere.example\"><show>chat</show></presence>");
	client_free(c);
}

/* The other clients of the account hear of it by a message, and know the list a little later. */
static void so_it_does_of_the_account_s_other_clients(void **state)
{
	struct roster_effect e[2] = {change(ROSTER_EFFECT_UNBLOCKED, NULL)};
	struct client       *c = alice_who_blocks("bob@elsewhere.example"), *tablet = alice();
	struct result        r;

	client_says(c, "<presence><show>chat</show></presence>");
	client_forget(c);
	e[1] = (struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
				      .from = STR("alice@example.org"),
				      .to = STR("bob@elsewhere.example"),
				      .type = ROSTER_AVAILABLE};
	effects(tablet, ROSTER_ASK_BLOCK_REMOVE, e, 2);
	client_says(tablet, "<iq type='set' id='b1'><unblock " SPACE "/></iq>");
	c->silent = true;
	assert_int_equal(client_submit(c, tablet->events[0].msg, 1, &r), SUBMIT_SENT);
	assert_int_equal(client_submit(c, tablet->events[1].msg, 2, &r), SUBMIT_SENT);
	for (unsigned i = 0; i < c->event_count; i++)
		assert_int_equal(c->events[i].kind, EVENT_RESULT); /* not under the old list */
	client_told(c, &(struct client_answer){.why = REASON_NONE});
	client_tick(c);
	has(client_heard(c, c->event_count - 1), "to=\"bob@elsewhere.example\"><show>chat</show>");
	client_free(c);
	client_free(tablet);
}

static void who_is_blocked_sees_the_user_go(void **state)
{
	struct roster_effect e[2] = {change(ROSTER_EFFECT_BLOCKED, "bob@elsewhere.example")};
	struct client       *c = alice();

	client_says(c, "<presence><show>chat</show></presence>");
	client_forget(c);
	e[1] = (struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
				      .from = STR("alice@example.org"),
				      .to = STR("bob@elsewhere.example"),
				      .type = ROSTER_UNAVAILABLE};
	effects(c, ROSTER_ASK_BLOCK_ADD, e, 2);
	LIST(c, "bob@elsewhere.example");
	client_says(c, "<iq type='set' id='b1'><block " SPACE "><item "
		       "jid='bob@elsewhere.example'/></block></iq>");
	assert_int_equal(c->event_count, 2);
	comes(c, 0);
	comes(c, 1);
	has(client_heard(c, c->event_count - 1),
	    "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
	    "to=\"bob@elsewhere.example\"></presence>");
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_what_control_has),
		cmocka_unit_test(a_large_list_is_written_a_piece_at_a_time_and_is_whole),
		cmocka_unit_test(those_to_be_blocked_are_for_control_in_normal_form),
		cmocka_unit_test(one_is_unblocked_or_all),
		cmocka_unit_test(a_change_that_is_wrong_comes_back_and_control_hears_nothing),
		cmocka_unit_test(more_than_a_list_may_have_are_refused),
		cmocka_unit_test(long_addresses_are_blocked_by_several_requests),
		cmocka_unit_test(without_control_a_change_is_refused_for_the_time_being),
		cmocka_unit_test(a_change_is_said_to_those_that_have_asked_for_the_list),
		cmocka_unit_test(that_all_are_unblocked_is_said_without_items),
		cmocka_unit_test(what_a_client_sends_to_the_blocked_comes_back),
		cmocka_unit_test(what_the_blocked_send_is_not_heard),
		cmocka_unit_test(an_entry_is_of_a_resource_an_account_or_a_domain),
		cmocka_unit_test(another_client_s_change_is_kept_to),
		cmocka_unit_test(what_follows_a_change_is_read_under_the_new_list),
		cmocka_unit_test(nothing_is_read_before_the_list_is_known),
		cmocka_unit_test(a_list_that_control_could_not_tell_is_asked_for_again),
		cmocka_unit_test(nothing_waits_for_a_list_that_is_late),
		cmocka_unit_test(what_comes_for_the_client_waits_for_the_list),
		cmocka_unit_test(it_comes_when_control_cannot_tell_the_list),
		cmocka_unit_test(a_client_is_read_while_control_hangs),
		cmocka_unit_test(a_list_without_room_is_asked_for_again_later),
		cmocka_unit_test(who_is_unblocked_sees_the_user_come),
		cmocka_unit_test(so_it_does_of_the_account_s_other_clients),
		cmocka_unit_test(who_is_blocked_sees_the_user_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
