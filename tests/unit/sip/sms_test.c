/* Short messages over IP against the tables of TS 24.011 and 23.040, and the session around them.
 */
#include "subscriber.h"

#include "msg/sms.h"
#include "sip/sms.h"
#include "sip/sms_seen.h"

static const struct flow device = {.address = {0x090200c0}, .port = 6001};

static const uint8_t submit_hello[] = {0x00, 0x2a, 0x00, 0x07, 0x91, 0x64, 0x07, 0x05, 0x80, 0x99,
				       0xf9, 0x12, 0x21, 0x05, 0x0b, 0x91, 0x64, 0x07, 0x21, 0x43,
				       0x65, 0xf7, 0x00, 0x00, 0x05, 0xe8, 0x32, 0x9b, 0xfd, 0x06};

static void every_reason_has_a_cause_that_its_class_allows(void **state)
{
	(void)state;
	for (unsigned why = 0; why < REASON_COUNT; why++) {
		struct sip_rp_report says = sip_rp_report_of((enum reason)why);
		enum reason_class class = reason_class((enum reason)why);

		if ((class == REASON_CLASS_OK) != (says.cause == 0))
			fail_msg("%s: cause %u", reason_text((enum reason)why), says.cause);
		if (says.cause == 0)
			continue;
		assert_in_range(says.cause, 1, 127);
		assert_in_range(says.fcs, 0x80, 0xff);
		/* A device tries again after 41, 42 and 47, and after 38 later. */
		if (class == REASON_CLASS_PERMANENT)
			assert_false(says.cause == SIP_RP_TEMPORARY_FAILURE ||
				     says.cause == SIP_RP_CONGESTION ||
				     says.cause == SIP_RP_RESOURCES);
	}
}

static void reasons_are_told_by_their_own_causes(void **state)
{
	static const struct {
		enum reason why;
		uint8_t     cause, fcs;
	} rows[] = {
		{REASON_DESTINATION, 1, 0xc3},     {REASON_NO_ROUTE, 1, 0xc3},
		{REASON_NOT_REGISTERED, 30, 0xff}, {REASON_EXPIRED, 21, 0xff},
		{REASON_SENDER, 28, 0xc1},         {REASON_ACCOUNT_GONE, 28, 0xc1},
		{REASON_SPAM, 10, 0xc4},           {REASON_FORBIDDEN, 10, 0xc4},
		{REASON_CODING, 21, 0x9f},         {REASON_VALIDITY, 21, 0xc7},
		{REASON_MESSAGE_SIZE, 21, 0xff},   {REASON_PEER_PERMANENT, 21, 0xff},
		{REASON_NOT_SUPPORTED, 69, 0xb0},  {REASON_RATE, 42, 0xc0},
		{REASON_QUEUE_FULL, 42, 0xc0},     {REASON_POOL, 47, 0xc0},
		{REASON_PEER_TEMPORARY, 41, 0xc0}, {REASON_UNKNOWN_OUTCOME, 41, 0xff},
		{REASON_SHUTDOWN, 38, 0xc2},       {REASON_NO_TARGET, 38, 0xc2},
		{REASON_BIND_STATE, 98, 0xff},     {REASON_SIP_CONTENT, 111, 0xff},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_rp_report says = sip_rp_report_of(rows[i].why);

		assert_int_equal(says.cause, rows[i].cause);
		assert_int_equal(says.fcs, rows[i].fcs);
	}
}

static void causes_of_a_recipient_are_for_now_or_for_good(void **state)
{
	(void)state;
	for (unsigned cause = 1; cause < 128; cause++) {
		bool for_now = cause == 22 || cause == 27 || cause == 38 || cause == 41 ||
			       cause == 42 || cause == 47;

		assert_int_equal(reason_class(sip_reason_of_rp((uint8_t)cause, 0)),
				 for_now ? REASON_CLASS_TEMPORARY : REASON_CLASS_PERMANENT);
	}
}

static void states_of_a_receipt_have_their_status(void **state)
{
	static const uint8_t st[MSG_STATE_COUNT] = {
		[MSG_STATE_UNKNOWN] = 0x49,   [MSG_STATE_ENROUTE] = 0x20,
		[MSG_STATE_DELIVERED] = 0x00, [MSG_STATE_EXPIRED] = 0x46,
		[MSG_STATE_DELETED] = 0x48,   [MSG_STATE_UNDELIVERABLE] = 0x43,
		[MSG_STATE_ACCEPTED] = 0x01,  [MSG_STATE_REJECTED] = 0x42,
	};

	(void)state;
	for (unsigned i = 0; i < MSG_STATE_COUNT; i++)
		assert_int_equal(sip_tpdu_status_of((enum msg_state)i), st[i]);
}

static struct side *listener(void)
{
	struct side *s = side_new(1);

	s->services.has_peer = true;
	s->services.peer_trusted = true;
	memcpy(s->services.peer.address, device.address, sizeof(device.address));
	side_listen(s, false);
	return s;
}

/* A request with an RPDU from the device; its answer as SIP says it. */
static unsigned rpdu_to(struct side *s, const char *uri, const char *id, const char *more,
			const void *bytes, size_t n)
{
	char        text[2048];
	int         size = snprintf(text, sizeof(text),
				    "MESSAGE %s SIP/2.0\r\n"
					    "Via: SIP/2.0/UDP 192.0.2.9:6001;branch=z9hG4bK%s\r\n"
					    "Max-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=a\r\n"
					    "To: <sip:smsc@example.org>\r\nCall-ID: %s\r\n"
					    "CSeq: 1 MESSAGE\r\n%s"
					    "Content-Type: application/vnd.3gpp.sms\r\n"
					    "Content-Length: %zu\r\n\r\n",
				    uri, id, id, more, n);
	enum pull   last;
	struct flow to;

	if (n > 0)
		memcpy(text + size, bytes, n);
	side_feed(s, &device, text, (size_t)size + n, &last);
	return side_status(side_heard(s, &to));
}

static unsigned rpdu(struct side *s, const char *id, const char *more, const void *bytes, size_t n)
{
	return rpdu_to(s, "sip:smsc@example.org", id, more, bytes, n);
}

static const uint8_t *body_of(const char *message)
{
	assert_non_null(message);
	return (const uint8_t *)strstr(message, "\r\n\r\n") + 4;
}

static void submit_is_taken_at_once_and_reported_when_it_is_known(void **state)
{
	struct side       *s = listener();
	struct flow        to;
	struct side_event *e;
	const char        *text;
	uint8_t            room[64];

	(void)state;
	assert_int_equal(rpdu(s, "one", "", submit_hello, sizeof(submit_hello)), 202);
	assert_null(side_heard(s, &to));
	e = side_last(s, EVENT_MSG);
	assert_non_null(e);
	assert_true(str_eq(msg_addr(e->msg, &e->msg->to), STR("+46701234567")));
	assert_true(str_eq(msg_addr(e->msg, &e->msg->from), STR("+46701234567")));
	assert_int_equal(e->msg->coding, MSG_CODING_GSM7);
	assert_int_equal(e->msg->body.size, 5);
	assert_memory_equal(msg_view(e->msg, e->msg->body, room), "hello", 5);
	assert_int_equal(e->msg->wants, MSG_WANT_SUCCESS | MSG_WANT_FAILURE);
	/* Sent again it is answered again, and no second message. */
	assert_int_equal(rpdu(s, "one", "", submit_hello, sizeof(submit_hello)), 202);
	assert_int_equal(s->event_count, 1);
	side_answer(s, e, &(struct result){.why = REASON_RATE});
	text = side_heard(s, &to);
	assert_true(flow_eq(&to, &device));
	assert_non_null(strstr(text, "\r\nIn-Reply-To: one\r\n"));
	assert_memory_equal(text, "MESSAGE sip:alice@example.org SIP/2.0\r\n", 39);
	assert_memory_equal(body_of(text), ((uint8_t[]){5, 0x2a, 1, 42, 0x41, 10, 1, 0xc0, 0}), 9);
	assert_int_equal(side_metric(s, METRIC_sip_sms_refused), 1);
	side_free(s);
}

/* Its RP-ACK was lost, and the RPDU comes again in a request of its own (TS 24.011, 5.3.3). */
static void
an_rpdu_that_comes_again_in_a_new_request_goes_on_once_and_has_its_answer_again(void **state)
{
	struct side *s = listener();
	struct flow  to;
	const char  *text;
	char         first[2048];
	uint8_t      bytes[sizeof(submit_hello)];

	assert_int_equal(rpdu(s, "one", "", submit_hello, sizeof(submit_hello)), 202);
	assert_int_equal(s->event_count, 1);
	assert_int_equal(rpdu(s, "two", "", submit_hello, sizeof(submit_hello)), 202);
	assert_int_equal(s->event_count, 1); /* its answer is still to come */
	assert_null(side_heard(s, &to));
	side_answer(s, side_last(s, EVENT_MSG), &(struct result){.why = REASON_NONE});
	text = side_heard(s, &to);
	assert_non_null(strstr(text, "\r\nIn-Reply-To: one\r\n"));
	memcpy(first, body_of(text), 13);
	side_at(s, s->now.us + 40 * US_PER_SECOND);
	assert_int_equal(rpdu(s, "three", "", submit_hello, sizeof(submit_hello)), 202);
	assert_int_equal(s->event_count, 1);
	text = side_heard(s, &to);
	assert_non_null(strstr(text, "\r\nIn-Reply-To: three\r\n"));
	assert_memory_equal(body_of(text), first, 13); /* the same time, too */
	assert_int_equal(side_metric(s, METRIC_sip_sms_again), 2);
	/* another RP-MR is another message, unless the device says that it comes again (TP-RD) */
	memcpy(bytes, submit_hello, sizeof(bytes));
	bytes[1]++;
	bytes[12] |= 4;
	assert_int_equal(rpdu(s, "four", "", bytes, sizeof(bytes)), 202);
	assert_int_equal(s->event_count, 1);
	text = side_heard(s, &to);
	assert_int_equal(body_of(text)[1], bytes[1]);
	bytes[12] &= (uint8_t)~4;
	assert_int_equal(rpdu(s, "five", "", bytes, sizeof(bytes)), 202);
	assert_int_equal(s->event_count, 2);
	/* and so is the same after its time */
	side_at(s, s->now.us + SIP_SMS_SEEN_US);
	assert_int_equal(rpdu(s, "six", "", submit_hello, sizeof(submit_hello)), 202);
	assert_int_equal(s->event_count, 3);
	side_free(s);
}

/* Else nobody could try again. */
static void an_rpdu_that_was_refused_may_come_again(void **state)
{
	struct side *s = listener();
	struct flow  to;

	assert_int_equal(rpdu(s, "one", "", submit_hello, sizeof(submit_hello)), 202);
	side_answer(s, side_last(s, EVENT_MSG), &(struct result){.why = REASON_RATE});
	side_heard(s, &to);
	assert_int_equal(rpdu(s, "two", "", submit_hello, sizeof(submit_hello)), 202);
	assert_int_equal(s->event_count, 2);
	assert_int_equal(side_metric(s, METRIC_sip_sms_again), 0);
	side_free(s);
}

static void what_is_seen_is_bounded_and_whoever_sends_much_displaces_the_oldest(void **state)
{
	static struct sip_sms_seen seen = {.key = {1, 2}};
	const uint8_t              scts[7] = {0};
	struct now                 now = {.us = 1};
	unsigned                   known = 0;

	for (unsigned i = 0; i < 20000; i++) {
		struct str sender = {(const char *)&i, sizeof(i)};
		uint64_t   hash = sip_sms_seen_hash(&seen, sender, STR("\x01\x05"));

		now.us += US_PER_MS;
		assert_null(sip_sms_seen_find(&seen, now, hash, 7, false));
		sip_sms_seen_add(&seen, now, hash, 7, scts);
		assert_non_null(sip_sms_seen_find(&seen, now, hash, 7, false));
		assert_null(sip_sms_seen_find(&seen, now, hash, 8, false));
		assert_non_null(sip_sms_seen_find(&seen, now, hash, 8, true));
	}
	for (unsigned i = 0; i < 20000; i++) {
		struct str sender = {(const char *)&i, sizeof(i)};
		uint64_t   hash = sip_sms_seen_hash(&seen, sender, STR("\x01\x05"));

		known += sip_sms_seen_find(&seen, now, hash, 7, false) != NULL;
	}
	assert_in_range(known, SIP_SMS_SEEN_ROWS * SIP_SMS_SEEN_WAYS / 2,
			SIP_SMS_SEEN_ROWS * SIP_SMS_SEEN_WAYS);
}

static void what_is_no_message_is_told_why(void **state)
{
	static const struct {
		const char *what;
		uint8_t     bytes[40];
		size_t      n;
		unsigned    status;
		uint8_t     cause, fcs; /* 0: there is no report */
	} rows[] = {
		{"nothing", {0}, 0, 400, 0, 0},
		{"no reference", {0}, 1, 400, 0, 0},
		{"the reserved type", {7, 9}, 2, 202, 97, 0},
		{"addresses missing", {0, 9}, 2, 202, 96, 0xff},
		{"no TPDU", {0, 9, 0, 0, 0}, 5, 202, 111, 0xff},
		{"a command", {0, 9, 0, 0, 2, 2, 0}, 7, 202, 69, 0xa1},
		{"the reserved TPDU", {0, 9, 0, 0, 2, 3, 0}, 7, 202, 69, 0xb0},
		{"an error without its cause", {4, 9}, 2, 400, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side   *s = listener();
		struct flow    to;
		unsigned       status = rpdu(s, "bad", "", rows[i].bytes, rows[i].n);
		const char    *text = side_heard(s, &to);
		const uint8_t *body;

		if (status != rows[i].status || (text != NULL) != (rows[i].cause != 0))
			fail_msg("%s: %u", rows[i].what, status);
		if (text != NULL) {
			body = body_of(text);
			assert_int_equal(body[0], 5);
			assert_int_equal(body[1], 9);
			assert_int_equal(body[3], rows[i].cause);
			if (rows[i].fcs != 0)
				assert_int_equal(body[7], rows[i].fcs);
		}
		assert_null(side_last(s, EVENT_MSG));
		side_free(s);
	}
}

static void a_destination_that_is_no_number_is_an_error(void **state)
{
	struct side *s = listener();
	uint8_t      bytes[sizeof(submit_hello)];
	struct flow  to;

	(void)state;
	memcpy(bytes, submit_hello, sizeof(bytes));
	bytes[16] = 0xba; /* "*" and "#" */
	assert_int_equal(rpdu(s, "none", "", bytes, sizeof(bytes)), 202);
	assert_int_equal(body_of(side_heard(s, &to))[3], 1);
	assert_null(side_last(s, EVENT_MSG));
	side_free(s);
}

static void memory_that_is_free_again_is_counted_and_acknowledged(void **state)
{
	static const uint8_t smma[] = {6, 3};
	struct side         *s = listener();
	struct flow          to;

	(void)state;
	assert_int_equal(rpdu(s, "smma", "", smma, sizeof(smma)), 202);
	assert_memory_equal(body_of(side_heard(s, &to)), ((uint8_t[]){3, 3}), 2);
	assert_int_equal(side_metric(s, METRIC_sip_sms_memory_available), 1);
	side_free(s);
}

static void a_report_on_nothing_of_ours_ends_nothing(void **state)
{
	static const uint8_t     ack[] = {2, 7};
	static const char *const ids[] = {"", "In-Reply-To: x\r\n",
					  "In-Reply-To: z9hG4bKaaaaaaaaaaaaaaaaaaaaaaaa\r\n"};
	struct side             *s = listener();
	char                     id[8];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "r%u", i);
		assert_int_equal(rpdu(s, id, ids[i], ack, sizeof(ack)), 202);
		assert_int_equal(side_metric(s, METRIC_sip_sms_reports_stray), i + 1);
	}
	assert_int_equal(s->event_count, 0);
	side_free(s);
}

static struct msg *text_new(struct side *s, enum msg_coding coding, const void *body, size_t n)
{
	struct msg *m = msg_new(s->pool);

	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46709999999"), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46701234567"), &m->to));
	assert_true(msg_append(m, body, n, &m->body));
	m->coding = (uint8_t)coding;
	m->native_protocol = 0xff;
	m->received_us = s->now.us;
	return m;
}

static void text_goes_as_it_is_wherever_a_short_message_can_hold_it(void **state)
{
	static const struct {
		enum msg_coding coding;
		const char     *body;
		size_t          n;
		uint8_t         dcs, udl;
		enum reason     why;
	} rows[] = {
		{MSG_CODING_GSM7, "hello", 5, 0, 5, REASON_NONE},
		{MSG_CODING_UTF8, "hello", 5, 0, 5, REASON_NONE},
		{MSG_CODING_ASCII, "hello", 5, 0, 5, REASON_NONE},
		{MSG_CODING_LATIN1, "\xe5", 1, 0, 1, REASON_NONE},
		{MSG_CODING_UTF8, "\xe2\x82\xac", 3, 0, 2, REASON_NONE},
		{MSG_CODING_UTF8, "\xd0\x96", 2, 8, 2, REASON_NONE},
		{MSG_CODING_UCS2, "\x04\x16\x04\x17", 4, 8, 4, REASON_NONE},
		{MSG_CODING_BINARY, "\0\1\2", 3, 4, 3, REASON_NONE},
		{MSG_CODING_UTF8, NULL, 160, 0, 160, REASON_NONE},
		{MSG_CODING_UTF8, NULL, 161, 0, 0, REASON_MESSAGE_SIZE},
		{MSG_CODING_BINARY, NULL, 141, 0, 0, REASON_MESSAGE_SIZE},
		{MSG_CODING_UTF8, NULL, 1000, 0, 0, REASON_MESSAGE_SIZE},
	};
	char           long_text[1000];
	struct side   *s = listener();
	struct sip_map map = {&s->settings, &s->services.ops, s->metrics, s->now, 1, NULL, NULL};

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char     *body = rows[i].body != NULL ? rows[i].body : long_text;
		struct msg     *m = text_new(s, rows[i].coding, body, rows[i].n);
		uint8_t         bytes[SIP_RPDU_MAX];
		struct put      w = put_to(bytes, sizeof(bytes));
		struct sip_rp   rp;
		struct sip_tpdu t;

		m->kind = rows[i].coding == MSG_CODING_BINARY ? MSG_BINARY : MSG_TEXT;
		assert_int_equal(sip_sms_out(&map, m, 9, &w), rows[i].why);
		msg_free(m);
		if (rows[i].why != REASON_NONE)
			continue;
		assert_int_equal(sip_rp_parse(cur_of(bytes, put_size(&w)), &rp), SIP_BODY_OK);
		assert_int_equal(rp.type, SIP_RP_DATA_N);
		assert_int_equal(rp.reference, 9);
		assert_int_equal(sip_tpdu_parse(rp.user_data, rp.type, &t), SIP_BODY_OK);
		assert_int_equal(t.type, SIP_TPDU_DELIVER);
		assert_int_equal(t.dcs, rows[i].dcs);
		assert_int_equal(t.udl, rows[i].udl);
		assert_int_equal(t.address.ton, 1);
		assert_memory_equal(t.address.number.digits, "46709999999", 11);
	}
	side_free(s);
}

/* As it came by another protocol: flash, silent, one that replaces another, and what waits. */
static void class_and_protocol_identifier_go_with_the_text(void **state)
{
	static const struct {
		enum msg_coding coding;
		const char     *body;
		uint8_t         form, pid, dcs;
	} rows[] = {
		{MSG_CODING_GSM7, "hello", 0, 0, 0},
		{MSG_CODING_GSM7, "hello", MSG_SMS_CLASS, 0, 0x10},
		{MSG_CODING_UTF8, "hello", MSG_SMS_CLASS | 1, 0, 0x11},
		{MSG_CODING_UTF8, "\xd0\x96", MSG_SMS_CLASS, 0, 0x18},
		{MSG_CODING_BINARY, "hello", MSG_SMS_CLASS | 2, 0x7d, 0x16},
		{MSG_CODING_GSM7, "hello", 0, 0x40, 0},
		{MSG_CODING_GSM7, "hello", 0, 0x47, 0},
		{MSG_CODING_GSM7, "hello", MSG_SMS_DISCARD | 8, 0, 0xc8},
		{MSG_CODING_GSM7, "hello", MSG_SMS_STORE | 1, 0, 0xd1},
		{MSG_CODING_UTF8, "\xd0\x96", MSG_SMS_STORE | 8, 0, 0xe8},
	};
	struct side   *s = listener();
	struct sip_map map = {&s->settings, &s->services.ops, s->metrics, s->now, 1, NULL, NULL};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct msg     *m = text_new(s, rows[i].coding, rows[i].body, strlen(rows[i].body));
		uint8_t         bytes[SIP_RPDU_MAX];
		struct put      w = put_to(bytes, sizeof(bytes));
		struct sip_rp   rp;
		struct sip_tpdu t;

		m->kind = rows[i].coding == MSG_CODING_BINARY ? MSG_BINARY : MSG_TEXT;
		m->sms_form = rows[i].form;
		m->sms_pid = rows[i].pid;
		assert_int_equal(sip_sms_out(&map, m, 9, &w), REASON_NONE);
		msg_free(m);
		assert_int_equal(sip_rp_parse(cur_of(bytes, put_size(&w)), &rp), SIP_BODY_OK);
		assert_int_equal(sip_tpdu_parse(rp.user_data, rp.type, &t), SIP_BODY_OK);
		assert_int_equal(t.dcs, rows[i].dcs);
		assert_int_equal(t.pid, rows[i].pid);
	}
	side_free(s);
}

/* SUBMIT: flash, of type 0 and of replace type 1. */
static void class_and_protocol_identifier_of_a_device_are_fields_of_its_message(void **state)
{
	static const struct {
		uint8_t pid, dcs, form;
	} rows[] = {{0, 0, 0},
		    {0, 0x10, MSG_SMS_CLASS},
		    {0x40, 0, 0},
		    {0x41, 0xf1, MSG_SMS_CLASS | 1},
		    {0, 0xd8, MSG_SMS_STORE | 8}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t      bytes[sizeof(submit_hello)];
		struct side *s = listener();

		memcpy(bytes, submit_hello, sizeof(bytes));
		bytes[22] = rows[i].pid;
		bytes[23] = rows[i].dcs;
		assert_int_equal(rpdu(s, "1", "", bytes, sizeof(bytes)), 202);
		assert_non_null(side_last(s, EVENT_MSG));
		assert_int_equal(side_last(s, EVENT_MSG)->msg->sms_form, rows[i].form);
		assert_int_equal(side_last(s, EVENT_MSG)->msg->sms_pid, rows[i].pid);
		side_free(s);
	}
}

/* A part of a long message that parameters told of is told of by a header. */
static void a_part_keeps_its_place(void **state)
{
	struct side    *s = listener();
	struct sip_map  map = {&s->settings, &s->services.ops, s->metrics, s->now, 1, NULL, NULL};
	struct msg     *m = text_new(s, MSG_CODING_GSM7, "hello", 5);
	uint8_t         bytes[SIP_RPDU_MAX];
	struct put      w = put_to(bytes, sizeof(bytes));
	struct sip_rp   rp;
	struct sip_tpdu t;

	(void)state;
	m->concat = (struct msg_concat){.reference = 0x1234, .part = 2, .parts = 3};
	assert_int_equal(sip_sms_out(&map, m, 9, &w), REASON_NONE);
	assert_int_equal(sip_rp_parse(cur_of(bytes, put_size(&w)), &rp), SIP_BODY_OK);
	assert_int_equal(sip_tpdu_parse(rp.user_data, rp.type, &t), SIP_BODY_OK);
	assert_true(t.header);
	assert_memory_equal(t.data.p, ((uint8_t[]){6, 8, 4, 0x12, 0x34, 3, 2}), 7);
	msg_free(m);
	side_free(s);
}

/* A time that is none does not refuse a message of a network. */
static void a_deliver_of_a_trusted_network_is_taken_whatever_its_time(void **state)
{
	static const uint8_t deliver[] = {0x01, 0x11, 0x00, 0x00, 0x18, 0x04, 0x0b, 0x91,
					  0x64, 0x07, 0x99, 0x99, 0x99, 0xf9, 0x00, 0x00,
					  0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x05,
					  0xe8, 0x32, 0x9b, 0xfd, 0x06};
	struct side         *s = listener();
	struct side_event   *e;
	struct flow          to;

	(void)state;
	assert_int_equal(rpdu(s, "net", "", deliver, sizeof(deliver)), 202);
	e = side_last(s, EVENT_MSG);
	assert_non_null(e);
	assert_true(str_eq(msg_addr(e->msg, &e->msg->from), STR("+46709999999")));
	assert_true(str_eq(msg_addr(e->msg, &e->msg->to), STR("sip:smsc@example.org")));
	side_answer(s, e, &(struct result){.delivered = true});
	assert_memory_equal(body_of(side_heard(s, &to)), ((uint8_t[]){2, 0x11}), 2);
	side_free(s);
}

/* RP-DATA of a network with a STATUS-REPORT: TP-MR 0x42, about +46701234567. */
static const uint8_t status_report[] = {0x01, 0x11, 0x00, 0x00, 0x19, 0x06, 0x42, 0x0b, 0x91, 0x64,
					0x07, 0x21, 0x43, 0x65, 0xf7, 0x62, 0x11, 0x72, 0x91, 0x41,
					0x31, 0x00, 0x62, 0x11, 0x72, 0x91, 0x51, 0x31, 0x00, 0x00};

static void a_status_report_of_a_trusted_network_is_a_receipt(void **state)
{
	struct side       *s = listener();
	struct side_event *e;
	struct flow        to;
	uint8_t            room[MSG_ORIGIN_ID_MAX];
	const uint8_t     *id;

	(void)state;
	assert_int_equal(rpdu(s, "st", "", status_report, sizeof(status_report)), 202);
	e = side_last(s, EVENT_MSG);
	assert_non_null(e);
	assert_int_equal(e->msg->kind, MSG_RECEIPT);
	assert_int_equal(e->msg->receipt.state, MSG_STATE_DELIVERED);
	assert_false(e->msg->receipt.intermediate);
	assert_true(str_eq(msg_addr(e->msg, &e->msg->from), STR("+46701234567")));
	assert_true(str_eq(msg_addr(e->msg, &e->msg->to), STR("sip:smsc@example.org")));
	assert_true(sip_sms_reported(e->msg));
	id = msg_view(e->msg, e->msg->origin_id, room);
	assert_memory_equal(id, ((uint8_t[]){1, 0x42}), 2);
	assert_memory_equal(id + 2, status_report + 15, 7);
	side_answer(s, e, &(struct result){.why = REASON_NONE});
	assert_memory_equal(body_of(side_heard(s, &to)), ((uint8_t[]){2, 0x11}), 2);
	side_free(s);
	s = listener();
	s->services.peer_trusted = false;
	assert_int_equal(rpdu(s, "st", "", status_report, sizeof(status_report)), 403);
	assert_null(side_last(s, EVENT_MSG));
	side_free(s);
}

static void a_status_report_goes_on_saying_what_it_said(void **state)
{
	struct side   *s = listener();
	struct sip_map map = {&s->settings, &s->services.ops, s->metrics, s->now, 1, NULL, NULL};
	uint8_t        in[sizeof(status_report)], bytes[SIP_RPDU_MAX];
	char           id[8];
	struct flow    to;

	(void)state;
	memcpy(in, status_report, sizeof(in));
	for (unsigned st = 0; st < 256; st++) {
		struct put         w = put_to(bytes, sizeof(bytes));
		struct side_event *e;
		struct sip_rp      rp;
		struct sip_tpdu    t;

		in[sizeof(in) - 1] = (uint8_t)st;
		snprintf(id, sizeof(id), "s%u", st);
		assert_int_equal(rpdu(s, id, "", in, sizeof(in)), 202);
		e = side_last(s, EVENT_MSG);
		assert_int_equal(e->msg->receipt.intermediate, st >= 0x20 && st < 0x40);
		assert_int_equal(sip_sms_out(&map, e->msg, 9, &w), REASON_NONE);
		assert_int_equal(sip_rp_parse(cur_of(bytes, put_size(&w)), &rp), SIP_BODY_OK);
		assert_int_equal(sip_tpdu_parse(rp.user_data, rp.type, &t), SIP_BODY_OK);
		assert_int_equal(t.status, st);
		assert_int_equal(t.reference, 0x42);
		assert_memory_equal(t.time, status_report + 15, 7);
		assert_memory_equal(t.discharge, status_report + 22, 7);
		side_answer(s, e, &(struct result){.why = REASON_NONE});
		assert_non_null(side_heard(s, &to));
		side_forget_events(s);
		side_end(s, s->session);
		memset(s->session, 0, sip_ops.session_size);
		side_listen(s, false);
	}
	side_free(s);
}

static void statuses_have_their_states(void **state)
{
	static const struct {
		uint8_t        st;
		enum msg_state state;
	} rows[] = {
		{0x00, MSG_STATE_DELIVERED},     {0x01, MSG_STATE_ACCEPTED},
		{0x02, MSG_STATE_DELETED},       {0x10, MSG_STATE_DELIVERED},
		{0x20, MSG_STATE_ENROUTE},       {0x3f, MSG_STATE_ENROUTE},
		{0x40, MSG_STATE_UNDELIVERABLE}, {0x42, MSG_STATE_REJECTED},
		{0x46, MSG_STATE_EXPIRED},       {0x47, MSG_STATE_DELETED},
		{0x48, MSG_STATE_DELETED},       {0x49, MSG_STATE_UNKNOWN},
		{0x60, MSG_STATE_UNDELIVERABLE}, {0x63, MSG_STATE_REJECTED},
		{0x80, MSG_STATE_UNDELIVERABLE}, {0xff, MSG_STATE_UNDELIVERABLE},
	};
	bool more;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(sip_state_of_tpdu(rows[i].st, &more), rows[i].state);
		assert_int_equal(more, rows[i].state == MSG_STATE_ENROUTE);
	}
}

static void a_service_centre_has_its_number(void **state)
{
	static const struct {
		const char *uri;
		unsigned    status;
	} rows[] = {
		{"sip:+46705000099@example.org;user=phone", 202},
		{"tel:+46705000099", 202},
		{"sip:smsc@example.org", 202},
		{"sip:+46705000098@example.org;user=phone", 404},
		{"tel:+46705000098", 404},
	};
	struct side   *s = side_new(1);
	struct sip_map map = {&s->settings, &s->services.ops, s->metrics, s->now, 1, NULL, NULL};
	struct msg    *m = text_new(s, MSG_CODING_GSM7, "hello", 5);
	uint8_t        bytes[SIP_RPDU_MAX];
	struct put     w = put_to(bytes, sizeof(bytes));
	struct sip_rp  rp;

	(void)state;
	s->services.has_peer = true;
	s->services.peer_trusted = true;
	memcpy(s->services.peer.address, device.address, sizeof(device.address));
	snprintf(s->settings.service_centre, sizeof(s->settings.service_centre), "+46705000099");
	side_listen(s, false);
	assert_int_equal(sip_sms_out(&map, m, 9, &w), REASON_NONE);
	msg_free(m);
	assert_int_equal(sip_rp_parse(cur_of(bytes, put_size(&w)), &rp), SIP_BODY_OK);
	assert_int_equal(rp.originator.ton, 1);
	assert_int_equal(rp.originator.npi, 1);
	assert_int_equal(rp.originator.size, 11);
	assert_memory_equal(rp.originator.digits, "46705000099", 11);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char id[8];

		snprintf(id, sizeof(id), "c%u", i);
		assert_int_equal(
			rpdu_to(s, rows[i].uri, id, "", submit_hello, sizeof(submit_hello)),
			rows[i].status);
	}
	assert_int_equal(side_refused(s, REASON_DESTINATION), 2);
	side_free(s);
}

/* Two gateways whose peers take short messages. */
static void a_peer_of_short_messages_gets_and_reports_them(void **state)
{
	struct side       *a = side_new(1), *b = side_new(2);
	struct side_event *e;
	struct result      refused;
	struct msg        *m;
	uint8_t            room[64];

	(void)state;
	a->services.peer = b->address;
	b->services.peer = a->address;
	a->services.has_peer = b->services.has_peer = true;
	a->services.peer_trusted = b->services.peer_trusted = true;
	a->settings.body = PROTO_BODY_SMS;
	side_listen(a, false);
	side_listen(b, false);
	side_peer(a, b, true);
	sides_pump(a, b);
	for (unsigned good = 0; good < 2; good++) {
		m = text_new(a, MSG_CODING_GSM7, "hello", 5);
		side_forget_events(a);
		assert_int_equal(side_submit_to(a, a->peer, m, NULL, 77, &refused), SUBMIT_SENT);
		msg_free(m);
		sides_pump(a, b);
		e = side_last(b, EVENT_MSG);
		assert_non_null(e);
		assert_int_equal(e->msg->coding, MSG_CODING_GSM7);
		assert_memory_equal(msg_view(e->msg, e->msg->body, room), "hello", 5);
		assert_null(side_last(a, EVENT_RESULT)); /* 202 is not the last word */
		side_answer(b, e, &(struct result){.why = good ? REASON_NONE : REASON_FORBIDDEN});
		sides_pump(a, b);
		e = side_last(a, EVENT_RESULT);
		assert_non_null(e);
		assert_int_equal(e->token, 77);
		assert_int_equal(e->result.why, good ? REASON_NONE : REASON_PEER_FORBIDDEN);
		assert_int_equal(e->result.delivered, good);
		assert_int_equal(sip_ops.window_used(a->peer), 0);
	}
	side_free(a);
	side_free(b);
}

static void stream_to_peer(struct side *a)
{
	struct proto_open how = side_how(a, PROTO_CONNECTING);

	a->settings.body = PROTO_BODY_SMS;
	how.remote = device;
	how.host = STR(SERVICES_DOMAIN);
	side_open_as(a, a->session, &how);
	side_tick(a);
}

static void over_a_stream_the_report_comes_on_it(void **state)
{
	struct side      *a = side_new(1), *b = side_new(2);
	struct proto_open how = side_how(b, PROTO_ACCEPTED);
	struct result     refused;
	struct msg       *m;

	(void)state;
	b->services.peer = a->address;
	b->services.has_peer = true;
	b->services.peer_trusted = true;
	stream_to_peer(a);
	how.remote = a->address;
	side_open_as(b, b->session, &how);
	m = text_new(a, MSG_CODING_GSM7, "hello", 5);
	assert_int_equal(side_submit_to(a, a->session, m, NULL, 77, &refused), SUBMIT_SENT);
	msg_free(m);
	sides_pump(a, b);
	assert_non_null(side_last(b, EVENT_MSG));
	side_answer(b, side_last(b, EVENT_MSG), &(struct result){.why = REASON_NONE});
	sides_pump(a, b);
	assert_true(side_last(a, EVENT_RESULT)->result.delivered);
	assert_int_equal(sip_ops.window_used(a->session), 0);
	side_free(a);
	side_free(b);
}

/* The value of a header field of a request that was heard. */
static const char *field(const char *text, const char *name, char room[256])
{
	const char *at = strstr(text, name);

	assert_non_null(at);
	at += strlen(name);
	snprintf(room, 256, "%.*s", (int)strcspn(at, "\r"), at);
	return room;
}

static void say_back(struct side *s, const char *request, const char *status)
{
	char      text[2048], via[256], from[256], to[256], id[256], cseq[256];
	enum pull last;

	snprintf(
		text, sizeof(text),
		"SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=x\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5\r\n"
		"Content-Length: 0\r\n\r\n",
		status, field(request, "\r\nVia: ", via), field(request, "\r\nFrom: ", from),
		field(request, "\r\nTo: ", to), field(request, "\r\nCall-ID: ", id),
		field(request, "\r\nCSeq: ", cseq));
	side_feed(s, &device, text, strlen(text), &last);
}

/* The one that is sent with credentials has another branch, and with it another name. */
static void a_report_names_the_request_that_had_credentials(void **state)
{
	struct side  *a = side_new(1);
	char          first[256], second[256], more[300];
	uint8_t       ack[] = {2, 0};
	struct result refused;
	struct flow   to;
	const char   *text;
	struct msg   *m = text_new(a, MSG_CODING_GSM7, "hello", 5);

	(void)state;
	stream_to_peer(a);
	assert_int_equal(side_submit_to(a, a->session, m, NULL, 77, &refused), SUBMIT_SENT);
	msg_free(m);
	text = side_heard(a, &to);
	field(text, "\r\nCall-ID: ", first);
	say_back(a, text, "401 Unauthorized");
	text = side_heard(a, &to);
	assert_non_null(strstr(text, "\r\nAuthorization: Digest "));
	field(text, "\r\nCall-ID: ", second);
	assert_string_not_equal(first, second);
	ack[1] = body_of(text)[1];
	say_back(a, text, "202 Accepted");
	assert_null(side_last(a, EVENT_RESULT));
	snprintf(more, sizeof(more), "In-Reply-To: %s\r\n", first);
	assert_int_equal(rpdu(a, "r1", more, ack, sizeof(ack)), 202);
	assert_null(side_last(a, EVENT_RESULT));
	snprintf(more, sizeof(more), "In-Reply-To: %s\r\n", second);
	assert_int_equal(rpdu(a, "r2", more, ack, sizeof(ack)), 202);
	assert_non_null(side_last(a, EVENT_RESULT));
	assert_true(side_last(a, EVENT_RESULT)->result.delivered);
	side_free(a);
}

static void a_report_that_does_not_come_leaves_the_outcome_unknown(void **state)
{
	struct side  *a = side_new(1), *b = side_new(2);
	struct result refused;
	struct msg   *m;

	(void)state;
	a->services.peer = b->address;
	b->services.peer = a->address;
	a->services.has_peer = b->services.has_peer = true;
	b->services.peer_trusted = true;
	a->settings.body = PROTO_BODY_SMS;
	side_listen(a, false);
	side_listen(b, false);
	side_peer(a, b, true);
	sides_pump(a, b);
	m = text_new(a, MSG_CODING_GSM7, "hello", 5);
	assert_int_equal(side_submit_to(a, a->peer, m, NULL, 77, &refused), SUBMIT_SENT);
	msg_free(m);
	sides_pump(a, b);
	assert_null(side_last(a, EVENT_RESULT));
	sides_at(a, b, a->now.us + a->settings.response_us);
	sides_pump(a, b);
	assert_non_null(side_last(a, EVENT_RESULT));
	assert_int_equal(side_last(a, EVENT_RESULT)->result.why, REASON_UNKNOWN_OUTCOME);
	assert_true(side_last(a, EVENT_RESULT)->result.maybe_sent);
	side_free(a);
	side_free(b);
}

static struct msg *hello_to_alice(struct side *s)
{
	struct msg *m = msg_new(s->pool);

	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46709999999"), &m->from));
	assert_true(msg_append_addr(m, ADDR_URI, 0, 0, STR("sip:alice@example.org"), &m->to));
	assert_true(msg_append(m, "hello", 5, &m->body));
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_GSM7;
	m->native_protocol = 0xff;
	m->received_us = s->now.us;
	return m;
}

/* A listener that is open to all, where a device is registered; two messages go to it, which it
 * takes with 202. Their RP-MRs. */
static struct side *two_sent(uint8_t references[2])
{
	struct subscriber   alice = subscriber_alice();
	struct side        *s = side_new(1);
	struct proto_target at;

	alice.flow = device;
	s->settings.body = PROTO_BODY_SMS;
	side_listen(s, true);
	subscriber_say(s, &alice, "REGISTER", "sip:example.org",
		       "From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n"
		       "Contact: <sip:alice@192.0.2.9:6001>;+g.3gpp.smsip\r\n",
		       "");
	side_forget_events(s);
	at = (struct proto_target){s->services.records[0], &s->services.records[0]->bindings[0]};
	for (unsigned i = 0; i < 2; i++) {
		struct msg   *m = hello_to_alice(s);
		struct result refused;
		char          request[2048], *line;
		char          answer[2048];
		const char   *sent;
		struct flow   to;

		assert_int_equal(side_submit_to(s, s->session, m, &at, 70 + i, &refused),
				 SUBMIT_SENT);
		msg_free(m);
		sent = side_heard(s, &to);
		assert_true(flow_eq(&to, &device));
		references[i] = body_of(sent)[1];
		snprintf(request, sizeof(request), "%.2047s", sent);
		line = strstr(request, "\r\n");
		*strstr(line, "Content-Type") = '\0';
		snprintf(answer, sizeof(answer),
			 "SIP/2.0 202 Accepted%.1900sContent-Length: 0\r\n\r\n", line);
		assert_null(side_say(s, &device, answer));
		assert_null(side_last(s, EVENT_RESULT));
	}
	return s;
}

static void a_report_that_does_not_say_on_what_is_for_the_only_one_that_is_open(void **state)
{
	uint8_t      references[2];
	struct side *s = two_sent(references);
	uint8_t      ack[] = {SIP_RP_ACK_MS, 0};

	assert_int_not_equal(references[0], references[1]);
	ack[1] = (uint8_t)(references[1] + 100);
	assert_int_equal(rpdu(s, "none", "", ack, sizeof(ack)), 202);
	assert_null(side_last(s, EVENT_RESULT));
	assert_int_equal(side_metric(s, METRIC_sip_sms_reports_stray), 1);
	for (unsigned i = 2; i-- > 0;) {
		ack[1] = references[i];
		assert_int_equal(rpdu(s, i == 1 ? "b" : "a", "", ack, sizeof(ack)), 202);
		assert_int_equal(side_last(s, EVENT_RESULT)->token, 70 + i);
		assert_int_equal(side_last(s, EVENT_RESULT)->result.why, REASON_NONE);
	}
	assert_int_equal(rpdu(s, "again", "", ack, sizeof(ack)), 202);
	assert_int_equal(side_metric(s, METRIC_sip_sms_reports_stray), 2);
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_cause_that_its_class_allows),
		cmocka_unit_test(reasons_are_told_by_their_own_causes),
		cmocka_unit_test(causes_of_a_recipient_are_for_now_or_for_good),
		cmocka_unit_test(states_of_a_receipt_have_their_status),
		cmocka_unit_test(submit_is_taken_at_once_and_reported_when_it_is_known),
		cmocka_unit_test(
			an_rpdu_that_comes_again_in_a_new_request_goes_on_once_and_has_its_answer_again),
		cmocka_unit_test(an_rpdu_that_was_refused_may_come_again),
		cmocka_unit_test(
			what_is_seen_is_bounded_and_whoever_sends_much_displaces_the_oldest),
		cmocka_unit_test(what_is_no_message_is_told_why),
		cmocka_unit_test(a_destination_that_is_no_number_is_an_error),
		cmocka_unit_test(memory_that_is_free_again_is_counted_and_acknowledged),
		cmocka_unit_test(a_report_on_nothing_of_ours_ends_nothing),
		cmocka_unit_test(text_goes_as_it_is_wherever_a_short_message_can_hold_it),
		cmocka_unit_test(class_and_protocol_identifier_go_with_the_text),
		cmocka_unit_test(
			class_and_protocol_identifier_of_a_device_are_fields_of_its_message),
		cmocka_unit_test(a_part_keeps_its_place),
		cmocka_unit_test(a_deliver_of_a_trusted_network_is_taken_whatever_its_time),
		cmocka_unit_test(a_status_report_of_a_trusted_network_is_a_receipt),
		cmocka_unit_test(a_status_report_goes_on_saying_what_it_said),
		cmocka_unit_test(statuses_have_their_states),
		cmocka_unit_test(a_service_centre_has_its_number),
		cmocka_unit_test(a_peer_of_short_messages_gets_and_reports_them),
		cmocka_unit_test(over_a_stream_the_report_comes_on_it),
		cmocka_unit_test(a_report_names_the_request_that_had_credentials),
		cmocka_unit_test(a_report_that_does_not_come_leaves_the_outcome_unknown),
		cmocka_unit_test(
			a_report_that_does_not_say_on_what_is_for_the_only_one_that_is_open),
	};

	return cmocka_run_group_tests_name("sip sms", tests, NULL, NULL);
}
