/* A session that outlives its stream, and one that goes on in its place (XEP-0198, 5). */
#include "client.h"

#include "xmpp/session_private.h"

#define SM " xmlns='urn:xmpp:sm:3'"

static void has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		print_error("%s\nhas not: %s\n", text, what);
	assert_non_null(strstr(text, what));
}

static struct client *resumable(void)
{
	struct client *c = client_new();

	c->settings.resume_us = 90 * US_PER_SECOND;
	client_up(c, "alice", "phone");
	client_says(c, "<enable" SM " resume='true'/>");
	has(client_sent(c), " resume=\"true\" max=\"90\"/>");
	return c;
}

static void text_for_alice(struct client *c, uint64_t token)
{
	struct msg   *m = msg_new(c->pool);
	struct result result;

	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_UTF8;
	m->native_protocol = 0xfe;
	msg_append_addr(m, ADDR_E164, 0, 0, STR("+46701112233"), &m->from);
	msg_append(m, "hej", 3, &m->body);
	assert_int_equal(client_submit(c, m, token, &result), SUBMIT_SENT);
	msg_free(m);
}

static uint64_t hand_over(struct client *c, uint64_t h)
{
	struct out out = client_out(c);
	uint64_t   word = xmpp_ops.hand_over(c->session, c->now, h, &out);

	client_took(c, &out);
	client_tick(c);
	return word;
}

static void resumption_is_offered_where_it_is_asked_for_and_allowed(void **state)
{
	struct client *c = client_new();
	const char    *sent;

	client_up(c, "alice", "phone");
	client_says(c, "<enable" SM " resume='true'/>"); /* resume_time: 0 */
	assert_string_equal(client_sent(c), "<enabled xmlns=\"urn:xmpp:sm:3\"/>");
	assert_false(xmpp_ops.detach(c->session, c->now));
	client_says(c, "<enable" SM " resume='true'/>");
	has(client_sent(c), "<failed xmlns=\"urn:xmpp:sm:3\"><unexpected-request ");
	client_free(c);
	c = client_new();
	c->settings.resume_us = 90 * US_PER_SECOND;
	client_up(c, "alice", "phone");
	client_says(c, "<enable" SM "/>");
	assert_string_equal(client_sent(c), "<enabled xmlns=\"urn:xmpp:sm:3\"/>");
	assert_false(xmpp_ops.detach(c->session, c->now));
	client_free(c);
	c = resumable();
	client_says(c, "<r" SM "/>");
	sent = client_sent(c);
	has(sent, "<a xmlns=\"urn:xmpp:sm:3\" h=\"0\"/>");
	assert_true(xmpp_ops.detach(c->session, c->now));
	client_free(c);
}

static void what_the_client_has_is_delivered_and_the_rest_goes_elsewhere(void **state)
{
	struct client *c = resumable();

	for (uint64_t i = 1; i <= 3; i++)
		text_for_alice(c, i);
	assert_true(xmpp_ops.detach(c->session, c->now));
	client_tick(c);
	assert_int_equal(c->event_count, 0);
	hand_over(c, 2);
	assert_int_equal(c->event_count, 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(c->events[i].kind, EVENT_RESULT);
		assert_int_equal(c->events[i].token, i + 1);
		assert_int_equal(c->events[i].result.why,
				 i < 2 ? REASON_NONE : REASON_SESSION_GONE);
		assert_false(c->events[i].result.maybe_sent);
	}
	assert_int_equal(c->events[3].kind, EVENT_CLOSE);
	assert_int_equal(c->events[3].why, REASON_REPLACED);
	client_free(c);
}

static void a_message_for_a_session_without_stream_waits(void **state)
{
	struct client *c = resumable();
	struct msg    *m = msg_new(c->pool);
	struct result  result;

	assert_true(xmpp_ops.detach(c->session, c->now));
	client_sent(c);
	assert_int_equal(client_submit(c, m, 1, &result), SUBMIT_LATER);
	assert_false(xmpp_ops.ready(c->session));
	hand_over(c, 0);
	assert_int_equal(client_submit(c, m, 1, &result), SUBMIT_REFUSED);
	assert_int_equal(result.why, REASON_SESSION_GONE);
	msg_free(m);
	client_free(c);
}

static void a_session_without_stream_ends_when_its_time_is_over(void **state)
{
	struct client *c = resumable();

	text_for_alice(c, 7);
	assert_true(xmpp_ops.detach(c->session, c->now));
	c->now.us += 19 * US_PER_SECOND;
	client_tick(c);
	assert_int_equal(c->event_count, 0);
	c->now.us += US_PER_SECOND;
	client_tick(c);
	assert_int_equal(client_last(c, EVENT_RESULT)->result.why, REASON_UNKNOWN_OUTCOME);
	assert_true(client_last(c, EVENT_RESULT)->result.maybe_sent);
	assert_int_equal(c->due, 91 * US_PER_SECOND);
	c->now.us = 91 * US_PER_SECOND;
	client_tick(c);
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_CLOSED_BY_PEER);
	client_free(c);
}

static void more_than_was_sent_is_believed_by_nobody(void **state)
{
	struct client *c = resumable();
	uint64_t       word;

	text_for_alice(c, 7);
	client_sent(c);
	word = hand_over(c, 2);
	assert_int_equal((uint32_t)word, 0);
	has(client_sent(c), "<stream:error><conflict ");
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_REPLACED);
	client_free(c);
}

static void answers_of_ours_are_kept_until_they_are_acknowledged(void **state)
{
	struct client *c = resumable();
	struct msg    *m;

	client_says(c, "<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
	has(client_sent(c), "<r xmlns=\"urn:xmpp:sm:3\"/>");
	client_says(c, "<a" SM " h='1'/>");
	client_says(c, "<iq type='get' id='d1'><query "
		       "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	has(client_sent(c), "</query></iq>");
	client_says(c, "<message to='bob@example.org' id='m1'><body>x</body></message>");
	m = client_last(c, EVENT_MSG)->msg;
	assert_true(xmpp_ops.detach(c->session, c->now));
	client_answer(c, m->token, &(struct result){.why = REASON_NOT_REGISTERED});
	client_forget(c);
	assert_int_equal((uint32_t)hand_over(c, 1), 3);
	assert_int_equal(c->event_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		struct msg_extra stanza;
		char             text[2048];

		m = c->events[i].msg;
		assert_int_equal(m->kind, MSG_NATIVE);
		assert_true(m->to_place == xmpp_resource_key(STR("phone")));
		assert_true(str_eq(msg_addr(m, &m->to), STR("xmpp:alice@example.org")));
		assert_true(msg_extra_find(m, m->native_protocol, XMPP_EXTRA_STANZA, &stanza));
		snprintf(text, sizeof(text), "%.*s", (int)stanza.value.size,
			 (const char *)msg_view(m, stanza.value, (uint8_t[2048]){0}));
		has(text, i == 0 ? "</query></iq>" : "<message type=\"error\" id=\"m1\"");
	}
	client_answer(c, c->events[0].msg->token, &(struct result){0});
	client_answer(c, c->events[1].msg->token, &(struct result){0});
	client_tick(c);
	assert_int_equal(client_last(c, EVENT_CLOSE)->why, REASON_REPLACED);
	client_free(c);
}

static void beyond_a_limit_of_answers_nobody_goes_on(void **state)
{
	struct client *c = resumable();

	for (unsigned i = 0; i < XMPP_SAID_MAX; i++)
		client_says(c, "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_int_equal(c->metrics->value[METRIC_xmpp_said_full], 0);
	client_says(c, "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_int_equal(c->metrics->value[METRIC_xmpp_said_full], 1);
	assert_false(xmpp_ops.detach(c->session, c->now));
	client_free(c);
}

/* ---- what goes along ---- */

/* Another stream goes on in its place, with what that has said. */
static struct client *goes_on(struct client *c)
{
	struct client *d = client_new();
	char           text[128];

	assert_true(xmpp_ops.detach(c->session, c->now));
	client_forget(c);
	d->settings = c->settings;
	d->binding_word = hand_over(c, 0);
	client_place_over(d, "xmpp:alice@example.org", "phone", XMPP_FEATURE_AVAILABLE,
			  (struct str){c->call, sizeof(c->call)});
	client_open(d);
	client_says(d, CLIENT_HEAD);
	assert_true(client_authenticates(d, "alice", "secret"));
	client_says(d, CLIENT_HEAD);
	snprintf(text, sizeof(text), "<resume" SM " previd='%.16s' h='0'/>", c->call);
	client_says(d, text);
	has(client_sent(d), "<resumed ");
	return d;
}

/* The message that the session before has for it. */
static struct msg *kept_of(struct client *c)
{
	struct msg *m = c->events[0].msg;

	assert_int_equal(c->events[0].kind, EVENT_MSG);
	assert_true(m->to_place == xmpp_resource_key(STR("phone")));
	return m;
}

/* Carol asks it what it shows; and what she gets is the last event, if there is any. */
static void is_asked(struct client *d)
{
	struct xmpp_map    map = xmpp_session_map(d->session, d->now);
	struct xmpp_jid    to = xmpp_self(d->session);
	struct xmpp_sender from = {{STR("carol"), STR("elsewhere.example"), STR("desk")}, STR("")};
	struct xmpp_own    own = {.head = {.kind = XMPP_PRESENCE, .type = XMPP_TYPE_PROBE},
				  .order = XMPP_ORDER_PRESENCE};
	struct msg        *m = msg_new(d->pool);
	struct result      result;

	assert_true(xmpp_map_own(&map, &own, &to, &from, m));
	assert_int_equal(client_submit(d, m, 77, &result), SUBMIT_SENT);
	msg_free(m);
}

static unsigned messages(const struct client *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->event_count; i++)
		n += c->events[i].kind == EVENT_MSG;
	return n;
}

static struct client *away(void)
{
	struct client *c = resumable();

	client_says(c, "<presence xml:lang='sv'><show>away</show><status>Skogen</status>"
		       "<priority>7</priority></presence>");
	client_says(c, "<presence to='bob@elsewhere.example/x'/>");
	return c;
}

static void others_see_the_presence_that_the_client_had(void **state)
{
	struct client *c = away(), *d = goes_on(c);
	struct result  result;

	is_asked(d);
	assert_int_equal(messages(d), 0); /* not a plain one */
	assert_int_equal(client_submit(d, kept_of(c), 1, &result), SUBMIT_SENT);
	client_tick(d);
	assert_int_equal(messages(d), 1);
	assert_string_equal(client_heard(d, d->event_count - 1),
			    "<presence from=\"alice@example.org/phone\" "
			    "to=\"carol@elsewhere.example/desk\" xml:lang=\"sv\"><show>away</show>"
			    "<status>Skogen</status><priority>7</priority></presence>");
	client_free(c);
	client_free(d);
}

static void whom_the_client_told_by_name_hears_when_it_goes(void **state)
{
	struct client *c = away(), *d = goes_on(c);
	struct result  result;
	struct out     out;

	assert_int_equal(client_submit(d, kept_of(c), 1, &result), SUBMIT_SENT);
	client_forget(d);
	out = client_out(d);
	assert_true(xmpp_ops.outlive(d->session, d->now, REASON_CLOSED_BY_PEER, &out));
	client_tick(d);
	has(client_heard(d, 0), "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
				"to=\"bob@elsewhere.example/x\">");
	client_free(c);
	client_free(d);
}

static void what_the_client_says_meanwhile_is_newer(void **state)
{
	struct client *c = away(), *d = goes_on(c);
	struct result  result;

	client_says(d, "<presence><show>dnd</show></presence>");
	assert_int_equal(client_submit(d, kept_of(c), 1, &result), SUBMIT_SENT);
	client_forget(d);
	is_asked(d);
	client_tick(d);
	has(client_heard(d, d->event_count - 1), "to=\"carol@elsewhere.example/desk\"><show>dnd<");
	client_free(c);
	client_free(d);
}

static void what_does_not_come_is_not_waited_for(void **state)
{
	struct client *c = away(), *d = goes_on(c);

	is_asked(d);
	assert_int_equal(messages(d), 0);
	assert_true(d->due <= d->now.us + XMPP_KEPT_US);
	d->now.us += XMPP_KEPT_US;
	client_tick(d);
	assert_int_equal(messages(d), 1);
	client_free(c);
	client_free(d);
}

static void a_tour_of_presence_goes_on(void **state)
{
	struct client *c = resumable(), *d;
	struct put     w = client_answer_put(c, ROSTER_ASK_AUDIENCE);
	struct result  result;

	c->silent = true; /* it is not known yet who is to be told */
	client_says(c, "<presence><show>xa</show></presence>");
	assert_int_equal(c->question.ask, ROSTER_ASK_AUDIENCE);
	d = goes_on(c);
	roster_contact_put(
		&w, &(struct roster_contact){.jid = STR("eve@elsewhere.example"), .watches = true});
	memcpy(&d->answers[ROSTER_ASK_AUDIENCE], &c->answers[ROSTER_ASK_AUDIENCE],
	       sizeof(d->answers[0]));
	d->answers[ROSTER_ASK_AUDIENCE].size = put_size(&w);
	assert_int_equal(d->questions[ROSTER_ASK_AUDIENCE], 0);
	assert_int_equal(client_submit(d, kept_of(c), 1, &result), SUBMIT_SENT);
	client_tick(d);
	assert_int_equal(d->questions[ROSTER_ASK_AUDIENCE], 1);
	has(client_heard(d, d->event_count - 1), "to=\"eve@elsewhere.example\"><show>xa</show>");
	client_free(c);
	client_free(d);
}

static void what_is_damaged_is_not_taken(void **state)
{
	struct client *c = away(), *d = goes_on(c);
	char           kept[XMPP_KEPT_SIZE];
	struct put     w = put_to(kept, sizeof(kept));

	xmpp_kept_put(c->session, &w);
	for (size_t n = 0; n < put_size(&w); n++) {
		uint8_t *copy = test_copy(kept, n);

		xmpp_kept_read(d->session, cur_of(copy, n));
		free(copy);
	}
	assert_int_equal(((struct xmpp_session *)d->session)->directed, XMPP_BLOCK_NONE);
	client_free(c);
	client_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resumption_is_offered_where_it_is_asked_for_and_allowed),
		cmocka_unit_test(what_the_client_has_is_delivered_and_the_rest_goes_elsewhere),
		cmocka_unit_test(a_message_for_a_session_without_stream_waits),
		cmocka_unit_test(a_session_without_stream_ends_when_its_time_is_over),
		cmocka_unit_test(more_than_was_sent_is_believed_by_nobody),
		cmocka_unit_test(answers_of_ours_are_kept_until_they_are_acknowledged),
		cmocka_unit_test(beyond_a_limit_of_answers_nobody_goes_on),
		cmocka_unit_test(others_see_the_presence_that_the_client_had),
		cmocka_unit_test(whom_the_client_told_by_name_hears_when_it_goes),
		cmocka_unit_test(what_the_client_says_meanwhile_is_newer),
		cmocka_unit_test(what_does_not_come_is_not_waited_for),
		cmocka_unit_test(a_tour_of_presence_goes_on),
		cmocka_unit_test(what_is_damaged_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
