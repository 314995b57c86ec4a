#include "side.h"

#include "smpp/pdu.h"
#include "smpp/session_private.h"

static struct msg *text_to(struct side *s, const char *to, const char *text)
{
	struct msg *m = msg_new(s->pool);

	assert_true(msg_append_addr(m, ADDR_ALPHA, 0, 0, STR("ACME"), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, str_of(to), &m->to));
	assert_true(msg_append(m, text, strlen(text), &m->body));
	m->coding = MSG_CODING_GSM7;
	return m;
}

static void a_message_goes_from_one_bind_to_the_other_and_its_answer_back(void **state)
{
	struct side       *server = side_new(), *client = side_new();
	struct msg        *m = text_to(client, "+46701234567", "hello");
	struct side_event *got;
	struct result      result;
	uint8_t            room[16];

	(void)state;
	sides_bind(server, client, PROTO_SENDS | PROTO_RECEIVES);
	assert_int_equal(side_submit(client, m, 77, &result), SUBMIT_SENT);
	sides_pump(server, client);
	got = side_last(server, EVENT_MSG);
	assert_non_null(got);
	assert_true(str_eq(msg_addr(got->msg, &got->msg->from), STR("ACME")));
	assert_true(str_eq(msg_addr(got->msg, &got->msg->to), STR("+46701234567")));
	assert_int_equal(got->msg->body.size, 5);
	assert_memory_equal(msg_view(got->msg, got->msg->body, room), "hello", 5);

	side_answer(server, got->token, &(struct result){.why = REASON_NONE, .msg_id = 123456789});
	sides_pump(server, client);
	got = side_last(client, EVENT_RESULT);
	assert_non_null(got);
	assert_int_equal(got->token, 77);
	assert_int_equal(got->result.why, REASON_NONE);
	assert_int_equal(got->result.remote_id_size, 9);
	assert_memory_equal(got->result.remote_id, "123456789", 9);
	msg_free(m);
	side_free(server);
	side_free(client);
}

static void a_message_is_delivered_to_a_receiver_and_its_answer_comes_back(void **state)
{
	struct side       *server = side_new(), *client = side_new();
	struct msg        *m = text_to(server, "+46701234567", "hej");
	struct side_event *got;
	struct result      result;

	(void)state;
	sides_bind(server, client, PROTO_SENDS);
	assert_true(smpp_ops.ready(server->session));
	assert_false(smpp_ops.ready(client->session));
	assert_int_equal(side_submit(server, m, 5, &result), SUBMIT_SENT);
	assert_int_equal(smpp_ops.window_used(server->session), 1);
	sides_pump(server, client);
	got = side_last(client, EVENT_MSG);
	assert_non_null(got);
	side_answer(client, got->token, &(struct result){.why = REASON_QUEUE_FULL});
	sides_pump(server, client);
	got = side_last(server, EVENT_RESULT);
	assert_non_null(got);
	assert_int_equal(got->token, 5);
	assert_int_equal(got->result.why, REASON_PEER_TEMPORARY);
	assert_int_equal(got->result.peer_status, SMPP_RX_T_APPN);
	msg_free(m);
	side_free(server);
	side_free(client);
}

/* Two bound sessions and a message for the server to deliver, another for the client to submit. */
struct pair {
	struct side  *server, *client;
	struct msg   *down, *up;
	struct result result;
};

static struct pair pair_new(unsigned window, unsigned wants)
{
	struct pair p = {.server = side_new(), .client = side_new()};

	p.server->settings.window_max = p.client->settings.window_max = window;
	sides_bind(p.server, p.client, wants);
	p.down = text_to(p.server, "+46701234567", "down");
	p.up = text_to(p.client, "+46701234567", "up");
	return p;
}

static void pair_free(struct pair *p)
{
	msg_free(p->down);
	msg_free(p->up);
	side_free(p->server);
	side_free(p->client);
}

static void pass_to(struct pair *p, uint64_t us)
{
	sides_at(p->server, p->client, us);
	side_tick(p->server);
	side_tick(p->client);
}

#define BOTH (PROTO_SENDS | PROTO_RECEIVES)
#define SECONDS(n) ((n)*US_PER_SECOND)

static void answers_find_their_requests_in_any_order(void **state)
{
	struct pair p = pair_new(10, BOTH);

	(void)state;
	for (uint64_t t = 0; t < 10; t++)
		assert_int_equal(side_submit(p.client, p.up, 100 + t, &p.result), SUBMIT_SENT);
	sides_pump(p.server, p.client);
	assert_int_equal(p.server->event_count, 10);
	for (unsigned i = 10; i-- > 0;)
		side_answer(p.server, p.server->events[i].token,
			    &(struct result){.msg_id = 1000 + i});
	sides_pump(p.server, p.client);
	assert_int_equal(p.client->event_count, 10);
	for (unsigned i = 0; i < 10; i++) {
		char want[5] = {'1', '0', '0', (char)('9' - i), 0};

		assert_int_equal(p.client->events[i].token, 109 - i);
		assert_memory_equal(p.client->events[i].result.remote_id, want, 4);
	}
	pair_free(&p);
}

static void a_full_window_makes_the_submitter_wait_until_an_answer_makes_room(void **state)
{
	struct pair p = pair_new(2, BOTH);

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	assert_int_equal(side_submit(p.client, p.up, 2, &p.result), SUBMIT_SENT);
	assert_int_equal(side_submit(p.client, p.up, 3, &p.result), SUBMIT_LATER);
	sides_pump(p.server, p.client);
	assert_null(side_last(p.client, EVENT_READY));
	side_answer(p.server, p.server->events[1].token, &(struct result){.msg_id = 1});
	sides_pump(p.server, p.client);
	assert_non_null(side_last(p.client, EVENT_READY));
	assert_int_equal(side_submit(p.client, p.up, 3, &p.result), SUBMIT_SENT);
	pair_free(&p);
}

static void a_submit_without_room_writes_nothing_and_is_ready_when_there_is_room(void **state)
{
	struct pair p = pair_new(2, BOTH);

	(void)state;
	p.client->room_max = 40;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_LATER);
	assert_int_equal(p.client->sent_size, 0);
	side_tick(p.client);
	assert_null(side_last(p.client, EVENT_READY)); /* still no room: no use in trying again */
	p.client->room_max = 400;
	side_tick(p.client);
	assert_non_null(side_last(p.client, EVENT_READY));
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	assert_int_equal(smpp_ops.window_used(p.client->session), 1);
	pair_free(&p);
}

static void a_peer_beyond_its_window_is_throttled_and_still_heard(void **state)
{
	struct pair     p = pair_new(2, BOTH);
	struct smpp_pdu pdu;

	(void)state;
	p.client->settings.window_max = 5;
	smpp_ops.settings(p.client->session, &p.client->settings);
	for (uint64_t t = 0; t < 3; t++)
		assert_int_equal(side_submit(p.client, p.up, t, &p.result), SUBMIT_SENT);
	side_move(p.client, p.server);
	assert_int_equal(p.server->event_count, 2);
	assert_int_equal(side_refused(p.server, REASON_WINDOW), 1);
	side_move(p.server, p.client);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->token, 2);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->result.peer_status, SMPP_RTHROTTLED);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->result.why, REASON_PEER_BUSY);
	assert_true(side_last(p.client, EVENT_RESULT)->result.retry_after_ms > 0);
	side_answer(p.server, p.server->events[0].token, &(struct result){.msg_id = 7});
	assert_true(side_sent_pdu(p.server, &pdu));
	assert_int_equal(pdu.status, SMPP_ROK);
	pair_free(&p);
}

static void a_request_without_answer_has_an_unknown_outcome_exactly_at_its_deadline(void **state)
{
	struct pair p = pair_new(10, BOTH);
	uint64_t    start = p.client->now.us;

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	sides_at(p.server, p.client, start + SECONDS(1));
	assert_int_equal(side_submit(p.client, p.up, 2, &p.result), SUBMIT_SENT);
	side_tick(p.client);
	assert_int_equal(p.client->due, start + SECONDS(10));
	pass_to(&p, start + SECONDS(10) - 1);
	assert_int_equal(p.client->event_count, 0);
	pass_to(&p, start + SECONDS(10));
	assert_int_equal(p.client->event_count, 1);
	assert_int_equal(p.client->events[0].token, 1);
	assert_int_equal(p.client->events[0].result.why, REASON_UNKNOWN_OUTCOME);
	assert_true(p.client->events[0].result.maybe_sent);
	assert_int_equal(p.client->due, start + SECONDS(11));
	pass_to(&p, start + SECONDS(11));
	assert_int_equal(p.client->event_count, 2);
	assert_int_equal(smpp_ops.window_used(p.client->session), 0);
	pair_free(&p);
}

static void an_answer_after_forty_minutes_is_counted_and_disturbs_nobody(void **state)
{
	struct pair p = pair_new(10, BOTH);

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	side_move(p.client, p.server);
	pass_to(&p, SECONDS(2400));
	assert_int_equal(side_last(p.client, EVENT_RESULT)->result.why, REASON_UNKNOWN_OUTCOME);
	side_answer(p.server, p.server->events[0].token, &(struct result){.msg_id = 7});
	sides_pump(p.server, p.client);
	assert_int_equal(p.client->event_count, 1);
	assert_int_equal(side_metric(p.client, METRIC_smpp_responses_late), 1);
	assert_true(smpp_ops.ready(p.client->session));
	pair_free(&p);
}

static void an_answer_after_forty_minutes_counts_where_the_peer_is_given_an_hour(void **state)
{
	struct pair p = pair_new(10, BOTH);

	(void)state;
	p.client->settings.response_us = SECONDS(3600);
	smpp_ops.settings(p.client->session, &p.client->settings);
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	side_move(p.client, p.server);
	pass_to(&p, SECONDS(2400));
	side_answer(p.server, p.server->events[0].token, &(struct result){.msg_id = 7});
	sides_pump(p.server, p.client);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->result.why, REASON_NONE);
	pair_free(&p);
}

static void a_connection_without_a_bind_is_closed_at_its_deadline(void **state)
{
	struct side *s = side_new();

	(void)state;
	side_open(s, PROTO_ACCEPTED, 0);
	side_tick(s);
	assert_int_equal(s->due, s->now.us + SECONDS(5));
	s->now.us += SECONDS(5);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	side_free(s);
}

static void a_verdict_that_comes_too_late_finds_the_session_closed(void **state)
{
	static const uint8_t bind[] = {0, 0, 0, 25,  0, 0,   0, 9, 0,    0, 0, 0, 0,
				       0, 0, 1, 'a', 0, 'b', 0, 0, 0x34, 0, 0, 0};
	struct side         *s = side_new();
	struct cur           in = cur_of(bind, sizeof(bind));
	struct proto_event   e = {0};
	struct flow          from = {0};
	struct out           out = side_out(s);

	(void)state;
	side_open(s, PROTO_ACCEPTED, 0);
	assert_int_equal(smpp_ops.feed(s->session, s->now, &from, &in, &out, &e), PULL_ITEM);
	assert_int_equal(e.kind, EVENT_LOGIN);
	s->now.us += SECONDS(5);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	smpp_ops.login(s->session, s->now, &(struct login_verdict){REASON_NONE, &s->settings},
		       &out);
	assert_int_equal(out_mark(&out), 0);
	assert_false(smpp_ops.ready(s->session));
	side_free(s);
}

static void a_bind_that_nobody_answers_ends_the_connection(void **state)
{
	struct side *s = side_new();

	(void)state;
	side_open(s, PROTO_CONNECTING, BOTH);
	side_tick(s);
	assert_int_equal(s->due, s->now.us + s->settings.response_us);
	s->now.us = s->due;
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	side_free(s);
}

static void a_refused_login_tells_both_sides_why(void **state)
{
	static const struct {
		enum reason verdict;
		enum reason told;
	} cases[] = {
		{REASON_SYSTEM_ID, REASON_SYSTEM_ID},
		{REASON_PASSWORD, REASON_PASSWORD},
		{REASON_BIND_LIMIT, REASON_BIND_REFUSED},
		{REASON_BIND_REFUSED, REASON_BIND_REFUSED},
		{REASON_RATE, REASON_BIND_LIMIT},
		{REASON_SHUTDOWN, REASON_BIND_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *server = side_new(), *client = side_new();

		server->verdict = cases[i].verdict;
		side_open(server, PROTO_ACCEPTED, 0);
		side_open(client, PROTO_CONNECTING, BOTH);
		sides_pump(server, client);
		assert_null(side_last(client, EVENT_UP));
		assert_int_equal(side_last(client, EVENT_CLOSE)->why, cases[i].told);
		assert_int_equal(side_last(server, EVENT_CLOSE)->why, cases[i].verdict);
		side_free(server);
		side_free(client);
	}
}

static void the_bind_says_who_we_are_and_what_we_want(void **state)
{
	static const struct {
		unsigned wants;
		uint32_t command;
	} cases[] = {{PROTO_RECEIVES, SMPP_bind_transmitter},
		     {PROTO_SENDS, SMPP_bind_receiver},
		     {BOTH, SMPP_bind_transceiver}};
	struct smpp_bind_resp r;
	struct smpp_bind      b;
	struct smpp_pdu       pdu;
	struct smpp_tlv       tlv;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct side *server = side_new(), *client = side_new();
		enum pull    last;

		side_open(server, PROTO_ACCEPTED, 0);
		side_open(client, PROTO_CONNECTING, cases[i].wants);
		side_feed(server, client->sent, client->sent_size, &last);
		assert_true(side_sent_pdu(client, &pdu));
		assert_int_equal(pdu.command, cases[i].command);
		assert_int_equal(smpp_bind_parse(pdu.body, &b), SMPP_ROK);
		assert_true(str_eq(b.system_id, STR("esme1")));
		assert_true(str_eq(b.password, STR("secret1")));
		assert_int_equal(b.interface_version, 0x34);
		assert_int_equal(server->login.may,
				 cases[i].wants == BOTH ? BOTH : BOTH & ~cases[i].wants);
		assert_true(side_sent_pdu(server, &pdu));
		assert_int_equal(pdu.command, cases[i].command | SMPP_RESPONSE);
		assert_int_equal(smpp_bind_resp_parse(pdu.body, &r), SMPP_ROK);
		assert_true(str_eq(r.system_id, STR("cpm1")));
		assert_true(smpp_tlv_find(r.tlvs, SMPP_TLV_sc_interface_version, &tlv));
		assert_int_equal(cur_u8(&tlv.value), 0x34);
		side_free(server);
		side_free(client);
	}
}

static void silence_is_asked_about_and_a_dead_link_is_closed(void **state)
{
	struct pair     p;
	struct smpp_pdu pdu;
	uint64_t        start;

	(void)state;
	p = pair_new(10, BOTH);
	p.client->settings.keepalive_us = SECONDS(30);
	smpp_ops.settings(p.client->session, &p.client->settings);
	start = p.client->now.us;
	side_tick(p.client);
	assert_int_equal(p.client->due, start + SECONDS(30));
	pass_to(&p, start + SECONDS(30));
	sides_pump(p.server, p.client); /* asked and answered */
	assert_int_equal(p.client->due, start + SECONDS(60));
	pass_to(&p, start + SECONDS(60));
	assert_true(side_sent_pdu(p.client, &pdu));
	assert_int_equal(pdu.command, SMPP_enquire_link);
	assert_int_equal(p.client->due, start + SECONDS(70));
	pass_to(&p, start + SECONDS(70));
	assert_int_equal(side_last(p.client, EVENT_CLOSE)->why, REASON_LINK_DEAD);
	pair_free(&p);
}

static void a_session_without_messages_is_ended_in_order_after_its_inactivity_time(void **state)
{
	struct pair p = pair_new(10, BOTH);
	uint64_t    start = p.server->now.us;

	(void)state;
	p.server->settings.inactivity_us = SECONDS(100);
	smpp_ops.settings(p.server->session, &p.server->settings);
	side_tick(p.server);
	assert_int_equal(p.server->due, start + SECONDS(100));
	pass_to(&p, start + SECONDS(100));
	sides_pump(p.server, p.client);
	assert_int_equal(side_last(p.server, EVENT_CLOSE)->why, REASON_INACTIVITY);
	assert_int_equal(side_last(p.client, EVENT_CLOSE)->why, REASON_UNBOUND);
	pair_free(&p);
}

static void an_unbind_is_answered_when_the_open_answers_are_home(void **state)
{
	struct pair     p = pair_new(10, BOTH);
	struct smpp_pdu pdu;
	enum pull       last;
	uint8_t         unbind[16];
	struct put      w = put_to(unbind, sizeof(unbind));

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	assert_int_equal(side_submit(p.server, p.down, 2, &p.result), SUBMIT_SENT);
	sides_pump(p.server, p.client);
	smpp_pdu_put(&w, SMPP_unbind, 0, 99);
	side_feed(p.server, unbind, sizeof(unbind), &last);
	assert_int_equal(p.server->sent_size, 0);
	assert_false(smpp_ops.ready(p.server->session));
	assert_int_equal(side_submit(p.server, p.down, 3, &p.result), SUBMIT_REFUSED);
	side_answer(p.client, p.client->events[0].token, &(struct result){0});
	side_move(p.client, p.server);
	assert_int_equal(side_last(p.server, EVENT_RESULT)->token, 2);
	assert_int_equal(p.server->sent_size, 0);
	side_answer(p.server, p.server->events[0].token, &(struct result){.msg_id = 4});
	assert_true(side_sent_pdu(p.server, &pdu));
	assert_int_equal(pdu.command, SMPP_submit_sm_resp);
	assert_true(side_sent_pdu(p.server, &pdu));
	assert_int_equal(pdu.command, SMPP_unbind_resp);
	assert_int_equal(pdu.sequence, 99);
	side_tick(p.server);
	assert_int_equal(side_last(p.server, EVENT_CLOSE)->why, REASON_UNBOUND);
	pair_free(&p);
}

static void an_unbind_is_answered_in_time_also_when_answers_stay_out(void **state)
{
	struct pair     p = pair_new(10, BOTH);
	struct smpp_pdu pdu;
	enum pull       last;
	uint8_t         unbind[16];
	struct put      w = put_to(unbind, sizeof(unbind));
	uint64_t        token;

	(void)state;
	assert_int_equal(side_submit(p.server, p.down, 2, &p.result), SUBMIT_SENT);
	sides_pump(p.server, p.client);
	smpp_pdu_put(&w, SMPP_unbind, 0, 99);
	side_feed(p.server, unbind, sizeof(unbind), &last);
	side_tick(p.server);
	assert_int_equal(p.server->due, p.server->now.us + SMPP_PART_US);
	pass_to(&p, p.server->due);
	assert_true(side_sent_pdu(p.server, &pdu));
	assert_int_equal(pdu.command, SMPP_unbind_resp);
	assert_int_equal(side_last(p.server, EVENT_CLOSE)->why, REASON_UNBOUND);
	smpp_ops.close(p.server->session, p.server->now, REASON_UNBOUND, NULL);
	assert_true(smpp_ops.drain(p.server->session, &token));
	assert_int_equal(token, 2);
	assert_false(smpp_ops.drain(p.server->session, &token));
	pair_free(&p);
}

static void parting_by_our_wish_waits_for_answers_and_then_unbinds(void **state)
{
	struct pair p = pair_new(10, BOTH);
	struct out  out;

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	sides_pump(p.server, p.client);
	out = side_out(p.client);
	smpp_ops.part(p.client->session, p.client->now, &out);
	side_took(p.client, &out);
	assert_int_equal(p.client->sent_size, 0);
	assert_false(smpp_ops.ready(p.client->session));
	side_answer(p.server, p.server->events[0].token, &(struct result){.msg_id = 4});
	sides_pump(p.server, p.client);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->result.why, REASON_NONE);
	assert_int_equal(side_last(p.client, EVENT_CLOSE)->why, REASON_UNBOUND);
	assert_int_equal(side_last(p.server, EVENT_CLOSE)->why, REASON_UNBOUND);
	pair_free(&p);
}

static void parting_does_not_wait_for_ever(void **state)
{
	struct pair     p = pair_new(10, BOTH);
	struct smpp_pdu pdu;
	struct out      out;

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	p.client->sent_size = 0;
	out = side_out(p.client);
	smpp_ops.part(p.client->session, p.client->now, &out);
	side_took(p.client, &out);
	side_tick(p.client);
	pass_to(&p, p.client->due);
	assert_true(side_sent_pdu(p.client, &pdu));
	assert_int_equal(pdu.command, SMPP_unbind);
	assert_null(side_last(p.client, EVENT_CLOSE));
	pass_to(&p, p.client->due);
	assert_int_equal(side_last(p.client, EVENT_CLOSE)->why, REASON_UNBOUND);
	pair_free(&p);
}

static void closing_says_goodbye_and_gives_back_every_open_token_once(void **state)
{
	struct pair     p = pair_new(10, BOTH);
	struct smpp_pdu pdu;
	struct out      out;
	uint64_t        token, sum = 0;

	(void)state;
	for (uint64_t t = 1; t <= 5; t++)
		assert_int_equal(side_submit(p.client, p.up, t, &p.result), SUBMIT_SENT);
	p.client->sent_size = 0;
	out = side_out(p.client);
	smpp_ops.close(p.client->session, p.client->now, REASON_SHUTDOWN, &out);
	side_took(p.client, &out);
	assert_true(side_sent_pdu(p.client, &pdu));
	assert_int_equal(pdu.command, SMPP_unbind);
	while (smpp_ops.drain(p.client->session, &token))
		sum += token;
	assert_int_equal(sum, 15);
	pair_free(&p);
}

static void a_nack_answers_the_request_whose_sequence_it_has(void **state)
{
	struct pair p = pair_new(10, BOTH);
	uint8_t     nack[16];
	struct put  w = put_to(nack, sizeof(nack));
	enum pull   last;

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 9, &p.result), SUBMIT_SENT); /* sequence 2 */
	smpp_pdu_put(&w, SMPP_generic_nack, SMPP_RINVCMDLEN, 2);
	side_feed(p.client, nack, sizeof(nack), &last);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->token, 9);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->result.why, REASON_PEER_MALFORMED);
	assert_int_equal(side_metric(p.client, METRIC_smpp_nacks_in), 1);
	pair_free(&p);
}

static void sessions_of_one_instance_share_its_blocks_and_not_their_sequences(void **state)
{
	struct pair  p = pair_new(1000, BOTH);
	struct side *other = side_new();
	void        *session = calloc(1, smpp_ops.session_size), *first = p.client->session;
	unsigned     sent = 0, ours = 0;
	uint64_t     token;

	(void)state;
	p.client->session = session; /* a second session of the client's instance */
	side_open(other, PROTO_ACCEPTED, 0);
	side_open(p.client, PROTO_CONNECTING, BOTH);
	sides_pump(other, p.client);
	for (; side_submit(p.client, p.up, 1000 + sent, &p.result) == SUBMIT_SENT; sent++) {
		p.client->sent_size = 0;
		p.client->session = first;
		if (side_submit(p.client, p.up, 5000 + ours, &p.result) == SUBMIT_SENT)
			ours++;
		p.client->sent_size = 0;
		p.client->session = session;
	}
	assert_int_equal(sent + ours, SIDE_BLOCKS);
	side_forget_events(p.client);
	side_tick(p.client); /* no block is free: the session looks again soon */
	assert_int_equal(p.client->due, p.client->now.us + SMPP_POOL_WAIT_US);
	for (unsigned i = 0; i < sent; i++) {
		assert_true(smpp_ops.drain(session, &token));
		assert_int_equal(token, 1000 + i);
	}
	assert_false(smpp_ops.drain(session, &token));
	p.client->session = first;
	for (unsigned i = 0; i < ours; i++) {
		assert_true(smpp_ops.drain(first, &token));
		assert_int_equal(token, 5000 + i);
	}
	free(session);
	side_free(other);
	pair_free(&p);
}

static void bytes_one_at_a_time_give_what_one_run_gives(void **state)
{
	struct pair p = pair_new(10, BOTH);
	size_t      n, at = 0;
	enum pull   last;

	(void)state;
	for (uint64_t t = 0; t < 5; t++)
		assert_int_equal(side_submit(p.client, p.up, t, &p.result), SUBMIT_SENT);
	n = p.client->sent_size;
	for (size_t end = 1; end <= n; end++)
		at += side_feed(p.server, p.client->sent + at, end - at, &last);
	assert_int_equal(at, n);
	assert_int_equal(p.server->event_count, 5);
	assert_int_equal(side_metric(p.server, METRIC_smpp_pdus_in), 6);
	pair_free(&p);
}

static void
a_wait_for_more_bytes_says_how_many_and_costs_the_same_however_long_the_item(void **state)
{
	struct pair        p = pair_new(10, BOTH);
	uint8_t           *item = calloc(1, 60000);
	struct proto_event e = {0};
	struct flow        from = {0};
	struct out         out = side_out(p.server);

	(void)state;
	item[1] = 60000 >> 16;
	item[2] = 60000 >> 8 & 0xff;
	item[3] = 60000 & 0xff;
	for (size_t n = 0; n < 60000; n += 1 + n / 3) {
		uint8_t *exact =
			test_copy(item, n < 4 ? n : 4); /* what lies after the length is not looked
							   at: it is not there */
		struct cur in = n < 4 ? cur_of(exact, n) : (struct cur){exact, exact + n, false};

		assert_int_equal(
			smpp_ops.feed(p.server->session, p.server->now, &from, &in, &out, &e),
			PULL_MORE);
		assert_int_equal(e.need, n < 4 ? 4 : 60000);
		free(exact);
	}
	free(item);
	pair_free(&p);
}

static void sequences_wrap_from_the_highest_to_one(void **state)
{
	struct pair     p = pair_new(10, BOTH);
	struct smpp_pdu pdu;
	uint32_t        want[] = {0x7fffffff, 1, 2};

	(void)state;
	((struct smpp_session *)p.client->session)->sequence = 0x7ffffffe;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(side_submit(p.client, p.up, i, &p.result), SUBMIT_SENT);
		assert_true(side_sent_pdu(p.client, &pdu));
		assert_int_equal(pdu.sequence, want[i]);
	}
	pair_free(&p);
}

static void an_esme_of_an_older_version_gets_no_optional_parameters(void **state)
{
	static const uint8_t  bind[] = {0, 0, 0, 25,  0, 0,   0, 9, 0,    0, 0, 0, 0,
					0, 0, 1, 'a', 0, 'b', 0, 0, 0x33, 0, 0, 0};
	struct side          *s = side_new();
	struct msg           *m = text_to(s, "+46701234567", "x");
	struct smpp_bind_resp r;
	struct smpp_sm        sm;
	struct smpp_pdu       pdu;
	struct result         result;
	enum pull             last;

	(void)state;
	side_open(s, PROTO_ACCEPTED, 0);
	side_feed(s, bind, sizeof(bind), &last);
	assert_true(side_sent_pdu(s, &pdu));
	assert_int_equal(smpp_bind_resp_parse(pdu.body, &r), SMPP_ROK);
	assert_int_equal(cur_left(&r.tlvs), 0);
	m->kind = MSG_RECEIPT;
	m->receipt.msg_id = 5;
	assert_int_equal(side_submit(s, m, 1, &result), SUBMIT_SENT);
	assert_true(side_sent_pdu(s, &pdu));
	assert_int_equal(smpp_deliver_parse(pdu.body, &sm), SMPP_ROK);
	assert_int_equal(cur_left(&sm.tlvs), 0);
	assert_true(cur_left(&sm.text) > 0);
	msg_free(m);
	side_free(s);
}

static void a_status_of_the_next_hop_goes_to_the_submitter_as_it_is(void **state)
{
	struct pair p = pair_new(10, BOTH);

	(void)state;
	assert_int_equal(side_submit(p.client, p.up, 1, &p.result), SUBMIT_SENT);
	sides_pump(p.server, p.client);
	side_answer(p.server, p.server->events[0].token,
		    &(struct result){.why = REASON_PEER_PERMANENT,
				     .has_status = true,
				     .peer_protocol = 0,
				     .peer_status = 0x4ab});
	sides_pump(p.server, p.client);
	assert_int_equal(side_last(p.client, EVENT_RESULT)->result.peer_status, 0x4ab);
	pair_free(&p);
}

static void an_unbind_from_both_sides_at_once_ends_both(void **state)
{
	struct pair  p = pair_new(10, BOTH);
	struct side *sides[] = {p.server, p.client};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct out out = side_out(sides[i]);

		smpp_ops.part(sides[i]->session, sides[i]->now, &out);
		side_took(sides[i], &out);
	}
	sides_pump(p.server, p.client);
	assert_int_equal(side_last(p.server, EVENT_CLOSE)->why, REASON_UNBOUND);
	assert_int_equal(side_last(p.client, EVENT_CLOSE)->why, REASON_UNBOUND);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_goes_from_one_bind_to_the_other_and_its_answer_back),
		cmocka_unit_test(a_message_is_delivered_to_a_receiver_and_its_answer_comes_back),
		cmocka_unit_test(answers_find_their_requests_in_any_order),
		cmocka_unit_test(a_full_window_makes_the_submitter_wait_until_an_answer_makes_room),
		cmocka_unit_test(
			a_submit_without_room_writes_nothing_and_is_ready_when_there_is_room),
		cmocka_unit_test(a_peer_beyond_its_window_is_throttled_and_still_heard),
		cmocka_unit_test(
			a_request_without_answer_has_an_unknown_outcome_exactly_at_its_deadline),
		cmocka_unit_test(an_answer_after_forty_minutes_is_counted_and_disturbs_nobody),
		cmocka_unit_test(
			an_answer_after_forty_minutes_counts_where_the_peer_is_given_an_hour),
		cmocka_unit_test(a_connection_without_a_bind_is_closed_at_its_deadline),
		cmocka_unit_test(a_verdict_that_comes_too_late_finds_the_session_closed),
		cmocka_unit_test(a_bind_that_nobody_answers_ends_the_connection),
		cmocka_unit_test(a_refused_login_tells_both_sides_why),
		cmocka_unit_test(the_bind_says_who_we_are_and_what_we_want),
		cmocka_unit_test(silence_is_asked_about_and_a_dead_link_is_closed),
		cmocka_unit_test(
			a_session_without_messages_is_ended_in_order_after_its_inactivity_time),
		cmocka_unit_test(an_unbind_is_answered_when_the_open_answers_are_home),
		cmocka_unit_test(an_unbind_is_answered_in_time_also_when_answers_stay_out),
		cmocka_unit_test(parting_by_our_wish_waits_for_answers_and_then_unbinds),
		cmocka_unit_test(parting_does_not_wait_for_ever),
		cmocka_unit_test(closing_says_goodbye_and_gives_back_every_open_token_once),
		cmocka_unit_test(a_nack_answers_the_request_whose_sequence_it_has),
		cmocka_unit_test(sessions_of_one_instance_share_its_blocks_and_not_their_sequences),
		cmocka_unit_test(bytes_one_at_a_time_give_what_one_run_gives),
		cmocka_unit_test(
			a_wait_for_more_bytes_says_how_many_and_costs_the_same_however_long_the_item),
		cmocka_unit_test(sequences_wrap_from_the_highest_to_one),
		cmocka_unit_test(an_esme_of_an_older_version_gets_no_optional_parameters),
		cmocka_unit_test(a_status_of_the_next_hop_goes_to_the_submitter_as_it_is),
		cmocka_unit_test(an_unbind_from_both_sides_at_once_ends_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
