/* What broken, careless and hostile peers send: for each the answer of the standard, a counted
 * reason, and a session that goes on. */
#include "side.h"

#include "smpp/pdu.h"

enum start { OPENED, BOUND_TX, BOUND_RX, BOUND_TRX };

static void bind_as(struct side *s, enum start start)
{
	static const uint32_t  commands[] = {0, SMPP_bind_transmitter, SMPP_bind_receiver,
					     SMPP_bind_transceiver};
	const struct smpp_bind b = {STR("esme1"), STR("secret1"), STR(""), 0x34, 0, 0, STR("")};
	uint8_t                room[128];
	struct put             w = put_to(room, sizeof(room));
	struct smpp_pdu        pdu;
	enum pull              last;
	size_t                 mark;

	side_open(s, PROTO_ACCEPTED, 0);
	if (start == OPENED)
		return;
	mark = smpp_pdu_begin(&w, commands[start], 0, 1);
	smpp_bind_put(&w, &b);
	assert_true(smpp_pdu_end(&w, mark));
	side_feed(s, room, put_size(&w), &last);
	assert_true(side_sent_pdu(s, &pdu));
	assert_int_equal(pdu.status, SMPP_ROK);
	side_forget_events(s);
}

/* Sends one PDU with this body and gives the one that came back. */
static bool exchange(struct side *s, uint32_t command, uint32_t sequence, const void *body,
		     size_t n, struct smpp_pdu *answer)
{
	uint8_t   *room = malloc(SMPP_HEADER_SIZE + n);
	struct put w = put_to(room, SMPP_HEADER_SIZE + n);
	size_t     mark = smpp_pdu_begin(&w, command, 0, sequence);
	enum pull  last;

	put_bytes(&w, body, n);
	assert_true(smpp_pdu_end(&w, mark));
	assert_int_equal(side_feed(s, room, put_size(&w), &last), put_size(&w));
	assert_int_equal(last, PULL_MORE);
	free(room);
	return side_sent_pdu(s, answer);
}

static void is_alive(struct side *s)
{
	struct smpp_pdu pdu;

	assert_true(exchange(s, SMPP_enquire_link, 4242, "", 0, &pdu));
	assert_int_equal(pdu.command, SMPP_enquire_link_resp);
	assert_int_equal(pdu.sequence, 4242);
	assert_int_equal(pdu.size, SMPP_HEADER_SIZE);
}

static void an_impossible_length_gets_a_nack_and_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t      n;
	} cases[] = {
		{"\0\0\0\0", 4},
		{"\0\0\0\1", 4},
		{"\0\0\0\2\0", 5},
		{"\0\0\0\3", 4},
		{"\0\0\0\4", 4},
		{"\0\0\0\10\0\0\0\4", 8},
		{"\0\0\0\17\0\0\0\4\0\0\0\0\0\0\0", 15},
		{"\x80\0\0\0", 4},
		{"\xff\xff\xff\xff", 4},
		{"GET / HTTP/1.1\r\n\r\n", 18},
		{"HTTP/1.1 200 OK\r\n", 17},
		{"AMQP\0\0\x09\x01", 8},
		{"\x16\x03\x01\x02\0\1\0\1\xfc\x03\x03", 11},
		{"REGISTER sip:a SIP/2.0\r\n", 24},
		{"<?xml version='1.0'?>", 21},
		{"\0\1\x08\1\0\0\0\4\0\0\0\0\0\0\0\1", 16} /* 67,585: one above the limit */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side    *s = side_new();
		struct smpp_pdu pdu;
		enum pull       last;

		bind_as(s, BOUND_TRX);
		assert_int_equal(side_feed(s, (const uint8_t *)cases[i].bytes, cases[i].n, &last),
				 0);
		assert_int_equal(last, PULL_BAD);
		assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_PDU_SIZE);
		assert_int_equal(side_refused(s, REASON_PDU_SIZE), 0); /* the close counts it */
		assert_true(side_sent_pdu(s, &pdu));
		assert_int_equal(pdu.command, SMPP_generic_nack);
		assert_int_equal(pdu.status, SMPP_RINVCMDLEN);
		side_free(s);
	}
}

static void a_length_of_16385_is_a_long_message_like_any_other(void **state)
{
	struct side    *s = side_new();
	struct smpp_pdu pdu;
	uint8_t        *body = calloc(1, 16385 - 16);
	struct put      w = put_to(body, 16385 - 16);
	struct smpp_sm  sm = {STR(""),
			      {0, 0, STR("")},
			      {1, 1, STR("46701")},
			      .schedule = STR(""),
			      .validity = STR("")};
	size_t          left;

	(void)state;
	bind_as(s, BOUND_TX);
	smpp_sm_put(&w, &sm);
	left = put_room(&w) - 4;
	put_be16(&w, SMPP_TLV_message_payload);
	put_be16(&w, (uint16_t)left);
	assert_false(exchange(s, SMPP_submit_sm, 9, body, 16385 - 16, &pdu));
	assert_int_equal(side_last(s, EVENT_MSG)->msg->body.size, left);
	is_alive(s);
	free(body);
	side_free(s);
}

#define ADDRS                                                                                      \
	"\0\1\1"                                                                                   \
	"467\0"                                                                                    \
	"\1\1"                                                                                     \
	"468\0"                    /* service_type, source, destination */
#define FLAGS "\0\0\0\0\0\0\0\0\0" /* esm_class .. sm_default_msg_id */
#define LONG_21 "123456789012345678901"
#define BYTES(b) (b), sizeof(b) - 1

struct bad {
	const char *name;
	uint32_t    command;
	const char *body;
	size_t      n;
	uint32_t    status;
	enum reason why;
};

static const struct bad bad_bodies[] = {
	{"empty", SMPP_submit_sm, BYTES(""), SMPP_RINVCMDLEN, REASON_PDU_TRUNCATED},
	{"service_type of 6 characters", SMPP_submit_sm, BYTES("ABCDEF\0"), SMPP_RINVSERTYP,
	 REASON_PDU_FIELD},
	{"service_type without NUL", SMPP_submit_sm, BYTES("ABC"), SMPP_RINVCMDLEN,
	 REASON_PDU_TRUNCATED},
	{"source one over its maximum", SMPP_submit_sm,
	 BYTES("\0\1\1" LONG_21 "\0\1\1"
	       "468\0" FLAGS "\1x"),
	 SMPP_RINVSRCADR, REASON_PDU_FIELD},
	{"destination one over its maximum", SMPP_submit_sm,
	 BYTES("\0\1\1"
	       "467\0\1\1" LONG_21 "\0" FLAGS "\1x"),
	 SMPP_RINVDSTADR, REASON_PDU_FIELD},
	{"no destination", SMPP_submit_sm,
	 BYTES("\0\1\1"
	       "467\0\1\1\0" FLAGS "\1x"),
	 SMPP_RINVDSTADR, REASON_DESTINATION},
	{"a letter in an international number", SMPP_submit_sm,
	 BYTES("\0\1\1"
	       "46x\0\1\1"
	       "468\0" FLAGS "\1x"),
	 SMPP_RINVSRCADR, REASON_SENDER},
	{"esm_class of a receipt from an ESME", SMPP_submit_sm,
	 BYTES(ADDRS "\4\0\0\0\0\0\0\0\0\1x"), SMPP_RINVESMCLASS, REASON_PDU_FIELD},
	{"reserved esm_class", SMPP_submit_sm, BYTES(ADDRS "\x3c\0\0\0\0\0\0\0\0\1x"),
	 SMPP_RINVESMCLASS, REASON_PDU_FIELD},
	{"priority 5", SMPP_submit_sm, BYTES(ADDRS "\0\0\5\0\0\0\0\0\0\1x"), SMPP_RINVPRTFLG,
	 REASON_PDU_FIELD},
	{"replace_if_present 2", SMPP_submit_sm, BYTES(ADDRS "\0\0\0\0\0\0\2\0\0\1x"),
	 SMPP_RINVREPFLAG, REASON_PDU_FIELD},
	{"schedule of 17 characters", SMPP_submit_sm,
	 BYTES(ADDRS "\0\0\0"
		     "26092200000000000+\0\0\0\0\0\0\1x"),
	 SMPP_RINVSCHED, REASON_PDU_FIELD},
	{"schedule in the past", SMPP_submit_sm,
	 BYTES(ADDRS "\0\0\0"
		     "250922000000000+\0\0\0\0\0\0\1x"),
	 SMPP_RINVSCHED, REASON_SCHEDULE},
	{"schedule that is no time", SMPP_submit_sm,
	 BYTES(ADDRS "\0\0\0"
		     "tomorrow\0\0\0\0\0\0\1x"),
	 SMPP_RINVSCHED, REASON_SCHEDULE},
	{"validity in the past", SMPP_submit_sm,
	 BYTES(ADDRS "\0\0\0\0"
		     "250922000000000+\0\0\0\0\0\1x"),
	 SMPP_RINVEXPIRY, REASON_VALIDITY},
	{"validity of 17 characters", SMPP_submit_sm,
	 BYTES(ADDRS "\0\0\0\0"
		     "26092200000000000+\0\0\0\0\0\1x"),
	 SMPP_RINVEXPIRY, REASON_PDU_FIELD},
	{"sm_length past the end", SMPP_submit_sm, BYTES(ADDRS FLAGS "\5four"), SMPP_RINVMSGLEN,
	 REASON_PDU_FIELD},
	{"sm_length one short", SMPP_submit_sm, BYTES(ADDRS FLAGS "\3four"), SMPP_RINVOPTPARSTREAM,
	 REASON_PDU_TLV},
	{"UDHI without a text", SMPP_submit_sm, BYTES(ADDRS "\x40\0\0\0\0\0\0\0\0\0"),
	 SMPP_RINVESMCLASS, REASON_PDU_FIELD},
	{"UDH longer than the text", SMPP_submit_sm, BYTES(ADDRS "\x40\0\0\0\0\0\0\0\0\3\5\0\3"),
	 SMPP_RINVESMCLASS, REASON_PDU_FIELD},
	{"UDH element past its header", SMPP_submit_sm,
	 BYTES(ADDRS "\x40\0\0\0\0\0\0\0\0\6\3\0\3\1\1\1"), SMPP_RINVESMCLASS, REASON_PDU_FIELD},
	{"TLV length past the end", SMPP_submit_sm, BYTES(ADDRS FLAGS "\1x\2\4\0\3ab"),
	 SMPP_RINVOPTPARSTREAM, REASON_PDU_TLV},
	{"TLV length 65535", SMPP_submit_sm,
	 BYTES(ADDRS FLAGS "\1x\x14\1\xff\xff"
			   "ab"),
	 SMPP_RINVOPTPARSTREAM, REASON_PDU_TLV},
	{"TLV of three bytes", SMPP_submit_sm, BYTES(ADDRS FLAGS "\1x\2\4\0"),
	 SMPP_RINVOPTPARSTREAM, REASON_PDU_TLV},
	{"known TLV of a wrong length", SMPP_submit_sm, BYTES(ADDRS FLAGS "\1x\2\4\0\1a"),
	 SMPP_RINVPARLEN, REASON_PDU_TLV},
	{"two payloads", SMPP_submit_sm, BYTES(ADDRS FLAGS "\0\4\x24\0\1a\4\x24\0\1b"),
	 SMPP_ROPTPARNOTALLWD, REASON_PDU_TLV},
	{"payload and text", SMPP_submit_sm, BYTES(ADDRS FLAGS "\1x\4\x24\0\1a"),
	 SMPP_ROPTPARNOTALLWD, REASON_PDU_TLV},
	{"data_sm cut off", SMPP_data_sm, BYTES(ADDRS "\0"), SMPP_RINVCMDLEN, REASON_PDU_TRUNCATED},
	{"submit_multi to nobody", SMPP_submit_multi,
	 BYTES("\0\1\1"
	       "467\0\0" FLAGS "\1x"),
	 SMPP_RINVNUMDESTS, REASON_PDU_FIELD},
	{"submit_multi to 255", SMPP_submit_multi,
	 BYTES("\0\1\1"
	       "467\0\xff" FLAGS "\1x"),
	 SMPP_RINVNUMDESTS, REASON_PDU_FIELD},
	{"submit_multi with a flag 3", SMPP_submit_multi,
	 BYTES("\0\1\1"
	       "467\0\1\3x\0" FLAGS "\1x"),
	 SMPP_RINVDESTFLAG, REASON_PDU_FIELD},
	{"submit_multi to a list's name one over", SMPP_submit_multi,
	 BYTES("\0\1\1"
	       "467\0\1\2" LONG_21 "\0" FLAGS "\1x"),
	 SMPP_RINVDLNAME, REASON_PDU_FIELD},
	{"submit_multi", SMPP_submit_multi,
	 BYTES("\0\1\1"
	       "467\0\1\1\1\1"
	       "468\0" FLAGS "\1x"),
	 SMPP_RINVCMDID, REASON_NOT_SUPPORTED},
	{"query_sm", SMPP_query_sm,
	 BYTES("77\0\1\1"
	       "467\0"),
	 SMPP_RQUERYFAIL, REASON_NOT_SUPPORTED},
	{"query_sm cut off", SMPP_query_sm,
	 BYTES("77\0\1\1"
	       "467"),
	 SMPP_RINVCMDLEN, REASON_PDU_TRUNCATED},
	{"cancel_sm", SMPP_cancel_sm,
	 BYTES("\0"
	       "77\0\1\1"
	       "467\0\1\1\0"),
	 SMPP_RCANCELFAIL, REASON_NOT_SUPPORTED},
	{"replace_sm", SMPP_replace_sm,
	 BYTES("77\0\1\1"
	       "467\0\0\0\0\0\1x"),
	 SMPP_RREPLACEFAIL, REASON_NOT_SUPPORTED},
	{"deliver_sm from an ESME", SMPP_deliver_sm, BYTES(ADDRS FLAGS "\1x"), SMPP_RINVBNDSTS,
	 REASON_BIND_STATE},
	{"bind twice", SMPP_bind_transceiver, BYTES("a\0b\0\0\x34\0\0\0"), SMPP_RALYBND,
	 REASON_BIND_AGAIN},
};

static void a_malformed_body_is_answered_by_its_own_response_and_the_session_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_bodies) / sizeof(bad_bodies[0]); i++) {
		const struct bad *bad = &bad_bodies[i];
		struct side      *s = side_new();
		struct smpp_pdu   pdu;

		s->now.wall_ms = 1790000000000ull;
		bind_as(s, BOUND_TRX);
		assert_true(exchange(s, bad->command, 9, bad->body, bad->n, &pdu));
		if (pdu.status != bad->status || side_refused(s, bad->why) != 1)
			print_error("%s: status %#x\n", bad->name, pdu.status);
		assert_int_equal(pdu.status, bad->status);
		assert_int_equal(pdu.command, bad->command | SMPP_RESPONSE);
		assert_int_equal(pdu.sequence, 9);
		assert_int_equal(side_refused(s, bad->why), 1);
		assert_int_equal(s->event_count, 0);
		is_alive(s);
		side_free(s);
	}
}

static void a_text_of_254_bytes_is_taken_and_one_of_255_is_not(void **state)
{
	uint8_t         body[sizeof(ADDRS FLAGS) + 255];
	struct smpp_pdu pdu;

	(void)state;
	for (unsigned n = 254; n <= 255; n++) {
		struct side *s = side_new();
		size_t       head = sizeof(ADDRS FLAGS) - 1;

		memcpy(body, ADDRS FLAGS, head);
		body[head] = (uint8_t)n;
		memset(body + head + 1, 'x', n);
		bind_as(s, BOUND_TX);
		assert_int_equal(exchange(s, SMPP_submit_sm, 9, body, head + 1 + n, &pdu),
				 n == 255);
		if (n == 255)
			assert_int_equal(pdu.status, SMPP_RINVMSGLEN);
		else
			assert_int_equal(side_last(s, EVENT_MSG)->msg->body.size, 254);
		is_alive(s);
		side_free(s);
	}
}

static void a_submit_multi_to_254_is_declined_without_harm(void **state)
{
	uint8_t         body[4096];
	struct put      w = put_to(body, sizeof(body));
	struct side    *s = side_new();
	struct smpp_pdu pdu;

	(void)state;
	bind_as(s, BOUND_TX);
	put_bytes(&w, BYTES("\0\1\1"
			    "467\0\xfe"));
	for (unsigned i = 0; i < 254; i++)
		put_bytes(&w, BYTES("\1\1\1"
				    "46701\0"));
	put_bytes(&w, BYTES(FLAGS "\1x"));
	assert_true(exchange(s, SMPP_submit_multi, 9, body, put_size(&w), &pdu));
	assert_int_equal(pdu.status, SMPP_RINVCMDID);
	assert_int_equal(side_refused(s, REASON_NOT_SUPPORTED), 1);
	is_alive(s);
	side_free(s);
}

static void a_command_on_the_wrong_bind_is_refused(void **state)
{
	static const enum start starts[] = {OPENED, BOUND_RX};
	static const uint32_t   commands[] = {SMPP_submit_sm,    SMPP_data_sm,  SMPP_deliver_sm,
					      SMPP_submit_multi, SMPP_query_sm, SMPP_cancel_sm,
					      SMPP_replace_sm};
	struct smpp_pdu         pdu;

	(void)state;
	for (size_t at = 0; at < 2; at++) {
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			struct side *s = side_new();

			bind_as(s, starts[at]);
			assert_true(exchange(s, commands[i], 3, BYTES(ADDRS FLAGS "\1x"), &pdu));
			assert_int_equal(pdu.command, commands[i] | SMPP_RESPONSE);
			assert_int_equal(pdu.status, SMPP_RINVBNDSTS);
			assert_int_equal(side_refused(s, REASON_BIND_STATE), 1);
			is_alive(s);
			side_free(s);
		}
	}
}

static void an_unknown_command_gets_a_nack_and_the_session_goes_on(void **state)
{
	static const uint32_t commands[] = {0, 0x0a, 0x0c, 0x22, 0x100, 0x111, 0x7fffffff};
	struct smpp_pdu       pdu;

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct side *s = side_new();

		bind_as(s, BOUND_TRX);
		assert_true(exchange(s, commands[i], 0x01020304, "junk", 4, &pdu));
		assert_int_equal(pdu.command, SMPP_generic_nack);
		assert_int_equal(pdu.status, SMPP_RINVCMDID);
		assert_int_equal(pdu.sequence, 0x01020304);
		assert_int_equal(side_refused(s, REASON_PDU_COMMAND), 1);
		is_alive(s);
		side_free(s);
	}
}

static void a_response_to_no_request_is_counted_and_gets_no_answer(void **state)
{
	static const uint32_t commands[] = {SMPP_submit_sm_resp,        SMPP_deliver_sm_resp,
					    SMPP_bind_transceiver_resp, SMPP_unbind_resp,
					    SMPP_enquire_link_resp,     SMPP_data_sm_resp,
					    SMPP_query_sm_resp,         0x8000abcd};
	struct smpp_pdu       pdu;

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct side *s = side_new();

		bind_as(s, BOUND_TRX);
		assert_false(exchange(s, commands[i], 1, "", 0, &pdu));
		assert_int_equal(side_refused(s, REASON_PDU_RESPONSE), 1);
		assert_int_equal(side_metric(s, METRIC_smpp_responses_late), 1);
		assert_int_equal(s->event_count, 0);
		is_alive(s);
		side_free(s);
	}
}

static void any_sequence_number_is_answered_with_itself_also_when_it_repeats(void **state)
{
	static const uint32_t sequences[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 1, 1};
	struct side          *s = side_new();
	struct smpp_pdu       pdu;

	(void)state;
	bind_as(s, BOUND_TX);
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		assert_false(
			exchange(s, SMPP_submit_sm, sequences[i], BYTES(ADDRS FLAGS "\1x"), &pdu));
		assert_int_equal(s->event_count, i + 1);
	}
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		side_answer(s, s->events[i].token, &(struct result){.msg_id = 5});
		assert_true(side_sent_pdu(s, &pdu));
		assert_int_equal(pdu.sequence, sequences[i]);
		assert_int_equal(pdu.status, SMPP_ROK);
	}
	side_free(s);
}

static void a_flood_of_enquire_links_is_answered_one_by_one(void **state)
{
	struct side *s = side_new();
	enum pull    last;
	uint8_t     *flood = malloc(1000 * 16);
	struct put   w = put_to(flood, 1000 * 16);

	(void)state;
	bind_as(s, BOUND_TRX);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(smpp_pdu_put(&w, SMPP_enquire_link, 0, i));
	assert_int_equal(side_feed(s, flood, 1000 * 16, &last), 1000 * 16);
	assert_int_equal(s->sent_size, 1000 * 16);
	free(flood);
	side_free(s);
}

static void a_login_refused_by_its_fields_leaves_time_for_another(void **state)
{
	static const struct bad cases[] = {
		{"system_id of 16", SMPP_bind_transmitter,
		 BYTES("1234567890123456\0p\0\0\x34\0\0\0"), SMPP_RINVSYSID, REASON_PDU_FIELD},
		{"password of 9", SMPP_bind_transmitter,
		 BYTES("a\0"
		       "123456789\0\0\x34\0\0\0"),
		 SMPP_RINVPASWD, REASON_PDU_FIELD},
		{"system_type of 13", SMPP_bind_receiver,
		 BYTES("a\0p\0"
		       "1234567890123\0\x34\0\0\0"),
		 SMPP_RINVSYSTYP, REASON_PDU_FIELD},
		{"address_range of 41", SMPP_bind_transceiver,
		 BYTES("a\0p\0\0\x34\0\0"
		       "12345678901234567890123456789012345678901\0"),
		 SMPP_RINVPARLEN, REASON_PDU_TLV},
		{"cut off", SMPP_bind_transceiver, BYTES("a\0p\0\0\x34\0\0"), SMPP_RINVCMDLEN,
		 REASON_PDU_TRUNCATED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side    *s = side_new();
		struct smpp_pdu pdu;

		bind_as(s, OPENED);
		assert_true(exchange(s, cases[i].command, 1, cases[i].body, cases[i].n, &pdu));
		assert_int_equal(pdu.status, cases[i].status);
		assert_int_equal(pdu.size, SMPP_HEADER_SIZE); /* 4.1.2: no body with an error */
		assert_int_equal(side_refused(s, cases[i].why), 1);
		assert_true(
			exchange(s, SMPP_bind_transmitter, 2, BYTES("a\0p\0\0\x34\0\0\0"), &pdu));
		assert_int_equal(pdu.status, SMPP_ROK);
		side_free(s);
	}
}

static void a_response_with_an_error_and_a_message_id_is_no_fault(void **state)
{
	static const uint8_t resp[] = {0, 0, 0, 0x19, 0x80, 0,   0,   4,   0,   0,   0,   0x0a, 0,
				       0, 0, 2, '0',  '0',  '0', '0', '0', '0', '0', '0', 0};
	static const char    bodies[][12] = {"", "id", "id\0\x04\x20"};
	struct side         *s = side_new(), *other = side_new();
	struct msg          *m = msg_new(s->pool);
	struct result        result;
	struct smpp_pdu      pdu;
	enum pull            last;

	(void)state;
	sides_bind(other, s, PROTO_SENDS | PROTO_RECEIVES);
	assert_true(msg_append_addr(m, ADDR_NONE, 0, 0, STR(""), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46701"), &m->to));
	assert_int_equal(side_submit(s, m, 1, &result),
			 SUBMIT_SENT); /* sequence 2: 1 was the bind */
	side_feed(s, resp, sizeof(resp), &last);
	assert_int_equal(side_last(s, EVENT_RESULT)->result.why, REASON_PEER_FORBIDDEN);
	assert_int_equal(side_last(s, EVENT_RESULT)->result.peer_status, SMPP_RINVSRCADR);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(side_submit(s, m, 2 + i, &result), SUBMIT_SENT);
		s->sent_size = 0;
		assert_false(exchange(s, SMPP_submit_sm_resp, 3 + i, bodies[i],
				      i == 0   ? 0
				      : i == 1 ? 2
					       : 5,
				      &pdu));
		assert_int_equal(side_last(s, EVENT_RESULT)->token, 2 + i);
		assert_int_equal(side_last(s, EVENT_RESULT)->result.why, REASON_NONE);
		assert_int_equal(side_last(s, EVENT_RESULT)->result.remote_id_size, i == 0 ? 0 : 2);
	}
	msg_free(m);
	side_free(s);
	side_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_impossible_length_gets_a_nack_and_ends_the_connection),
		cmocka_unit_test(a_length_of_16385_is_a_long_message_like_any_other),
		cmocka_unit_test(
			a_malformed_body_is_answered_by_its_own_response_and_the_session_goes_on),
		cmocka_unit_test(a_text_of_254_bytes_is_taken_and_one_of_255_is_not),
		cmocka_unit_test(a_submit_multi_to_254_is_declined_without_harm),
		cmocka_unit_test(a_command_on_the_wrong_bind_is_refused),
		cmocka_unit_test(an_unknown_command_gets_a_nack_and_the_session_goes_on),
		cmocka_unit_test(a_response_to_no_request_is_counted_and_gets_no_answer),
		cmocka_unit_test(any_sequence_number_is_answered_with_itself_also_when_it_repeats),
		cmocka_unit_test(a_flood_of_enquire_links_is_answered_one_by_one),
		cmocka_unit_test(a_login_refused_by_its_fields_leaves_time_for_another),
		cmocka_unit_test(a_response_with_an_error_and_a_message_id_is_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
