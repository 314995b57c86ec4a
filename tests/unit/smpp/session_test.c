#include "side.h"

#include "smpp/pdu.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_goes_from_one_bind_to_the_other_and_its_answer_back),
		cmocka_unit_test(a_message_is_delivered_to_a_receiver_and_its_answer_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
