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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
