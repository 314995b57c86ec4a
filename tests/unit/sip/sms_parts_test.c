/* Messages that take several short ones over IP: two gateways, the one a device's network. */
#include "side.h"

#include "base/random.h"
#include "msg/concat.h"
#include "msg/text.h"
#include "msg/text_tables.h"
#include "sip/sms.h"

static struct result refused;

static void two_of_short_messages(struct side **a, struct side **b)
{
	*a = side_new(1);
	*b = side_new(2);
	(*a)->services.peer = (*b)->address;
	(*b)->services.peer = (*a)->address;
	(*a)->services.has_peer = (*b)->services.has_peer = true;
	(*a)->services.peer_trusted = (*b)->services.peer_trusted = true;
	(*a)->settings.body = PROTO_BODY_SMS;
	side_listen(*a, false);
	side_listen(*b, false);
	side_peer(*a, *b, true);
	sides_pump(*a, *b);
}

static void two_end(struct side *a, struct side *b)
{
	assert_int_equal(side_metric(a, METRIC_sip_transactions_open), 0);
	side_free(a);
	side_free(b);
}

static struct msg *text_new(struct side *s, enum msg_coding coding, const void *body, size_t n)
{
	struct msg *m = msg_new(s->pool);

	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46709999999"), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46701234567"), &m->to));
	assert_true(msg_append(m, body, n, &m->body));
	m->kind = coding == MSG_CODING_BINARY ? MSG_BINARY : MSG_TEXT;
	m->coding = (uint8_t)coding;
	m->native_protocol = 0xff;
	m->received_us = s->now.us;
	return m;
}

static enum submit submit(struct side *a, struct msg *m)
{
	enum submit how = side_submit_to(a, a->peer, m, NULL, 77, &refused);

	msg_free(m);
	return how;
}

/* The one message that has come to b; NULL: none. */
static struct side_event *arrived(struct side *a, struct side *b)
{
	side_forget_events(b);
	sides_pump(a, b);
	assert_true(b->event_count <= 1); /* never the next before its answer */
	return side_last(b, EVENT_MSG);
}

/* Takes parts until the message ends; their texts joined, how many, and how wide the reference is.
 */
static unsigned take_all(struct side *a, struct side *b, uint8_t *joined, size_t *size, bool *wide)
{
	struct side_event *e;
	unsigned           parts = 0;
	uint16_t           reference = 0;
	uint8_t            room[SIP_TPDU_BODY_MAX];

	*size = 0;
	while ((e = arrived(a, b)) != NULL) {
		const struct msg *m = e->msg;
		const uint8_t    *bytes = msg_view(m, m->body, room);
		struct concat_udh udh;

		assert_true(concat_parse(bytes, m->body.size, &udh));
		if (parts == 0)
			reference = udh.concat.reference;
		assert_int_equal(udh.concat.part, ++parts);
		assert_int_equal(udh.concat.reference, reference);
		assert_in_range(udh.concat.parts, parts, 255);
		*wide = udh.wide;
		memcpy(joined + *size, bytes + m->udh_size, m->body.size - m->udh_size);
		*size += m->body.size - m->udh_size;
		assert_null(side_last(a, EVENT_RESULT));
		side_answer(b, e, &(struct result){.why = REASON_NONE, .delivered = true});
		if (parts == udh.concat.parts) {
			assert_null(arrived(a, b));
			return parts;
		}
	}
	fail_msg("it ended after %u parts", parts);
	return parts;
}

static uint8_t text[SIP_SMS_CODED_MAX + 1];

static void fill(const char *unit)
{
	size_t n = strlen(unit);

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)unit[i % n];
}

static void a_text_goes_in_as_few_parts_as_hold_it_in_order(void **state)
{
	static const struct {
		enum msg_coding coding;
		const char     *unit;
		size_t          n;
		unsigned        parts;
		bool            wide;
		size_t          coded;
	} rows[] = {
		{MSG_CODING_GSM7, "abc", 161, 2, true, 161},
		{MSG_CODING_GSM7, "abc", 304, 2, true, 304},
		{MSG_CODING_GSM7, "abc", 305, 2, false, 305}, /* for which 8 bits are enough */
		{MSG_CODING_GSM7, "abc", 306, 2, false, 306},
		{MSG_CODING_GSM7, "abc", 307, 3, true, 307},
		{MSG_CODING_UTF8, "abc", 307, 3, true, 307},
		{MSG_CODING_LATIN1, "\xe5", 400, 3, true, 400},
		{MSG_CODING_UTF8, "\xd0\x96", 142, 2, true, 142}, /* 71 characters in UCS-2 */
		{MSG_CODING_UCS2, "\x04\x16", 268, 2, false, 268},
		{MSG_CODING_BINARY, "\1\2\3\4", 141, 2, true, 141},
		{MSG_CODING_GSM7, "abcd", 255 * 153, 255, false, 255 * 153},
	};
	struct side *a, *b;
	uint8_t      joined[SIP_SMS_CODED_MAX];
	size_t       size;
	bool         wide;

	(void)state;
	two_of_short_messages(&a, &b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t sent = side_metric(a, METRIC_sip_sms_out);

		fill(rows[i].unit);
		side_forget_events(a);
		assert_int_equal(submit(a, text_new(a, rows[i].coding, text, rows[i].n)),
				 SUBMIT_SENT);
		assert_int_equal(take_all(a, b, joined, &size, &wide), rows[i].parts);
		assert_int_equal(wide, rows[i].wide);
		assert_int_equal(size, rows[i].coded);
		if (rows[i].coding != MSG_CODING_UTF8 && rows[i].coding != MSG_CODING_LATIN1)
			assert_memory_equal(joined, text, size);
		assert_int_equal(side_metric(a, METRIC_sip_sms_out) - sent, rows[i].parts);
		assert_int_equal(a->event_count, 1);
		assert_int_equal(side_last(a, EVENT_RESULT)->token, 77);
		assert_true(side_last(a, EVENT_RESULT)->result.delivered);
		assert_int_equal(sip_ops.window_used(a->peer), 0);
		assert_ptr_equal(a->services.woken, a->peer);
	}
	two_end(a, b);
}

static void characters_are_not_cut_between_parts(void **state)
{
	static const struct {
		enum msg_coding coding;
		const char     *unit; /* where the first part would end after 152 or 132 */
	} rows[] = {
		{MSG_CODING_GSM7, "\x1b\x65"
				  "a"},
		{MSG_CODING_UCS2, "\0a\xd8\x3d\xde\x00"},
	};
	struct side *a, *b;

	(void)state;
	two_of_short_messages(&a, &b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t unit = rows[i].coding == MSG_CODING_GSM7 ? 3 : 6;

		for (size_t n = 280; n < 310; n++) {
			struct side_event *e;
			uint8_t            room[SIP_TPDU_BODY_MAX], last[2];

			for (size_t k = 0; k < n; k++)
				text[k] = (uint8_t)rows[i].unit[(k + n) % unit];
			if (rows[i].coding == MSG_CODING_UCS2 && n % 2 == 1)
				continue;
			assert_int_equal(submit(a, text_new(a, rows[i].coding, text, n)),
					 SUBMIT_SENT);
			e = arrived(a, b);
			memcpy(last, msg_view(e->msg, e->msg->body, room) + e->msg->body.size - 2,
			       2);
			if (rows[i].coding == MSG_CODING_GSM7)
				assert_int_not_equal(last[1], TEXT_ESCAPE);
			else
				assert_int_not_equal(last[0], 0xd8);
			side_answer(b, e, &(struct result){.why = REASON_FORBIDDEN});
			sides_pump(a, b);
		}
	}
	two_end(a, b);
}

static void what_takes_more_than_255_parts_or_is_a_part_is_refused(void **state)
{
	struct side *a, *b;
	struct msg  *m;

	(void)state;
	two_of_short_messages(&a, &b);
	fill("abcd");
	assert_int_equal(submit(a, text_new(a, MSG_CODING_GSM7, text, 255 * 153 + 1)),
			 SUBMIT_REFUSED);
	assert_int_equal(refused.why, REASON_MESSAGE_SIZE);
	assert_int_equal(submit(a, text_new(a, MSG_CODING_UCS2, text, 255 * 134 + 2)),
			 SUBMIT_REFUSED);
	assert_int_equal(refused.why, REASON_MESSAGE_SIZE);
	m = text_new(a, MSG_CODING_GSM7, text, 200);
	m->concat = (struct msg_concat){.reference = 1, .part = 1, .parts = 2};
	assert_int_equal(submit(a, m), SUBMIT_REFUSED);
	assert_int_equal(refused.why, REASON_MESSAGE_SIZE);
	two_end(a, b);
}

static struct msg *with_header(struct side *s, const void *header, size_t n)
{
	struct msg *m;

	fill("abcd");
	memcpy(text, header, n);
	m = text_new(s, MSG_CODING_GSM7, text, 300);
	m->udh_size = (uint8_t)n;
	return m;
}

/* Ports, and the Turkish table. */
static void each_part_has_the_header_of_the_message(void **state)
{
	static const uint8_t header[] = {9, 5, 4, 0x0b, 0x84, 0x23, 0xf0, 0x24, 1, 1};
	struct side         *a, *b;
	struct side_event   *e;
	uint8_t              room[SIP_TPDU_BODY_MAX];
	struct concat_udh    udh;

	(void)state;
	two_of_short_messages(&a, &b);
	assert_int_equal(submit(a, with_header(a, header, sizeof(header))), SUBMIT_SENT);
	for (unsigned part = 1; part <= 3; part++) {
		e = arrived(a, b);
		assert_non_null(e);
		assert_true(concat_parse(msg_view(e->msg, e->msg->body, room), e->msg->body.size,
					 &udh));
		assert_int_equal(udh.concat.part, part);
		assert_int_equal(udh.port_to, 0x0b84);
		assert_int_equal(udh.port_from, 0x23f0);
		assert_int_equal(udh.tables.shift, TEXT_TURKISH);
		side_answer(b, e, &(struct result){.delivered = true});
	}
	assert_null(arrived(a, b));
	assert_true(side_last(a, EVENT_RESULT)->result.delivered);
	assert_int_equal(submit(a, with_header(a, "\3\x70\1\1", 4)), SUBMIT_REFUSED);
	assert_int_equal(refused.why, REASON_MESSAGE_SIZE); /* an element that nobody knows */
	two_end(a, b);
}

static void the_part_that_is_refused_is_the_result_of_all(void **state)
{
	struct side *a, *b;

	(void)state;
	two_of_short_messages(&a, &b);
	fill("abcd");
	for (unsigned bad = 1; bad <= 3; bad++) {
		side_forget_events(a);
		assert_int_equal(submit(a, text_new(a, MSG_CODING_GSM7, text, 400)), SUBMIT_SENT);
		for (unsigned part = 1; part <= bad; part++) {
			struct side_event *e = arrived(a, b);

			assert_non_null(e);
			side_answer(b, e,
				    &(struct result){.why = part == bad ? REASON_FORBIDDEN
									: REASON_NONE});
		}
		assert_null(arrived(a, b));
		assert_int_equal(a->event_count, 1);
		assert_int_equal(side_last(a, EVENT_RESULT)->result.why, REASON_PEER_FORBIDDEN);
		assert_false(side_last(a, EVENT_RESULT)->result.delivered);
		assert_int_equal(sip_ops.window_used(a->peer), 0);
	}
	two_end(a, b);
}

static void a_part_without_report_leaves_the_outcome_unknown(void **state)
{
	struct side *a, *b;

	(void)state;
	two_of_short_messages(&a, &b);
	fill("abcd");
	assert_int_equal(submit(a, text_new(a, MSG_CODING_GSM7, text, 400)), SUBMIT_SENT);
	side_answer(b, arrived(a, b), &(struct result){.why = REASON_NONE});
	assert_non_null(arrived(a, b));
	sides_at(a, b, a->now.us + a->settings.response_us);
	assert_null(arrived(a, b));
	assert_int_equal(side_last(a, EVENT_RESULT)->result.why, REASON_UNKNOWN_OUTCOME);
	assert_true(side_last(a, EVENT_RESULT)->result.maybe_sent);
	two_end(a, b);
}

static void no_part_follows_twenty_seconds_after_the_first(void **state)
{
	const uint64_t step_us = 900 * US_PER_MS;
	struct side   *a, *b;
	unsigned       parts = 0;

	(void)state;
	two_of_short_messages(&a, &b);
	fill("abcd");
	assert_int_equal(submit(a, text_new(a, MSG_CODING_GSM7, text, 255 * 153)), SUBMIT_SENT);
	for (struct side_event *e; (e = arrived(a, b)) != NULL; parts++) {
		sides_at(a, b, a->now.us + step_us);
		side_answer(b, e, &(struct result){.why = REASON_NONE});
	}
	assert_int_equal(parts, (20 * US_PER_SECOND) / step_us + 1);
	assert_int_equal(side_last(a, EVENT_RESULT)->result.why, REASON_UNKNOWN_OUTCOME);
	assert_int_equal(side_metric(a, METRIC_sip_sms_parts_cut), 1);
	two_end(a, b);
}

static void what_waits_for_its_next_part_ends_with_the_session(void **state)
{
	struct side *a, *b;
	uint64_t     token = 0;

	(void)state;
	two_of_short_messages(&a, &b);
	fill("abcd");
	assert_int_equal(submit(a, text_new(a, MSG_CODING_GSM7, text, 400)), SUBMIT_SENT);
	side_answer(b, arrived(a, b), &(struct result){.why = REASON_NONE});
	side_move(b, a); /* a has the report, and has had no turn since */
	assert_int_equal(sip_ops.window_used(a->peer), 1);
	sip_ops.close(a->peer, a->now, REASON_SHUTDOWN, NULL);
	assert_true(sip_ops.drain(a->peer, &token));
	assert_int_equal(token, 77);
	assert_false(sip_ops.drain(a->peer, &token));
	assert_int_equal(side_metric(a, METRIC_sip_transactions_open), 0);
	side_free(a);
	side_free(b);
}

/* ---- in national tables ---- */

struct taken {
	unsigned           parts;
	enum msg_coding    coding;
	struct text_tables tables; /* of all parts, which have the same */
	size_t             size;   /* of the text, as UTF-8: each part read by itself */
	char               text[TEXT_UTF8_SIZE(SIP_SMS_CODED_MAX)];
};

static struct taken taken;

static void take_text(struct side *a, struct side *b)
{
	struct side_event *e;

	taken.parts = 0;
	taken.size = 0;
	while ((e = arrived(a, b)) != NULL) {
		uint8_t           gathered[SIP_TPDU_BODY_MAX];
		struct concat_udh udh = {.size = 0};
		struct str        read = concat_text(e->msg, gathered, taken.text + taken.size,
						     sizeof(taken.text) - taken.size);

		if (e->msg->udh_size > 0)
			assert_true(concat_parse(msg_view(e->msg, e->msg->body, gathered),
						 e->msg->body.size, &udh));
		if (taken.parts++ == 0) {
			taken.tables = udh.tables;
			taken.coding = (enum msg_coding)e->msg->coding;
		}
		assert_memory_equal(&udh.tables, &taken.tables, sizeof(udh.tables));
		assert_int_equal(e->msg->coding, taken.coding);
		taken.size += read.n;
		side_answer(b, e, &(struct result){.why = REASON_NONE, .delivered = true});
	}
	assert_true(side_last(a, EVENT_RESULT)->result.delivered);
}

static struct msg *recoded(struct side *s, enum msg_coding coding, struct str utf8)
{
	static uint8_t    bytes[TEXT_CODED_SIZE(8192)];
	struct text_coded c =
		text_from_utf8(coding, (struct text_tables){0}, utf8, bytes, sizeof(bytes));

	assert_true(c.replaced == 0 && !c.cut);
	return text_new(s, coding, bytes, c.size);
}

/* Of what stands in the tables of a language, in any order. */
static size_t text_of(uint8_t language, unsigned characters, struct random *random, char *to)
{
	size_t n = 0;

	while (characters > 0) {
		unsigned septet = random_below(random, 128);
		uint32_t packed = random_below(random, 4) == 0 ? text_shift[language][septet]
							       : text_locking[language][septet];

		memcpy(to + n, &packed, 4);
		n += packed >> 24;
		characters -= packed != 0;
	}
	return n;
}

static void a_text_arrives_whole_in_the_tables_of_any_language(void **state)
{
	static const enum msg_coding came[] = {MSG_CODING_UTF8, MSG_CODING_UCS2};
	const unsigned               codings =
		TEXT_CODING_BIT(MSG_CODING_GSM7) | TEXT_CODING_BIT(MSG_CODING_UCS2);
	struct side  *a, *b;
	struct random random;
	unsigned      fewer[TEXT_LANGUAGE_COUNT] = {0};

	(void)state;
	random_seed(&random, 24);
	two_of_short_messages(&a, &b);
	for (unsigned i = 0; i < 2 * 13 * 12; i++) {
		uint8_t            language = (uint8_t)(1 + i / 2 % 13);
		char               sent[4 * 500 + 4];
		size_t             n;
		struct text_choice best, without;

		n = text_of(language, 71 + random_below(&random, 420), &random, sent);
		text_choose((struct str){sent, n}, codings, 0, &without);
		text_choose((struct str){sent, n}, codings, TEXT_LANGUAGE_BIT(language), &best);
		a->settings.languages = (uint16_t)TEXT_LANGUAGE_BIT(language);
		sip_ops.settings(a->peer, &a->settings);
		side_forget_events(a);
		assert_int_equal(submit(a, recoded(a, came[i % 2], (struct str){sent, n})),
				 SUBMIT_SENT);
		take_text(a, b);
		assert_int_equal(taken.parts, best.parts);
		assert_int_equal(taken.coding, best.coding);
		assert_memory_equal(&taken.tables, &best.tables, sizeof(best.tables));
		assert_int_equal(taken.size, n);
		assert_memory_equal(taken.text, sent, n);
		fewer[language] += taken.parts < without.parts;
	}
	for (unsigned language = 1; language < TEXT_LANGUAGE_COUNT; language++)
		assert_true(fewer[language] > 0);
	two_end(a, b);
}

static void parts_in_a_national_table_are_filled_to_the_last_septet(void **state)
{
	static const struct {
		unsigned characters, parts; /* of "ş" */
	} rows[] = {{155, 1}, {156, 2}, {296, 2}, {297, 2}, {298, 2}, {299, 3}, {447, 3}, {448, 4}};
	struct side *a, *b;

	(void)state;
	two_of_short_messages(&a, &b);
	a->settings.languages = TEXT_LANGUAGE_BIT(TEXT_HINDI) | TEXT_LANGUAGE_BIT(TEXT_TURKISH);
	sip_ops.settings(a->peer, &a->settings);
	fill("\xc5\x9f");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		side_forget_events(a);
		assert_int_equal(
			submit(a, text_new(a, MSG_CODING_UTF8, text, 2 * rows[i].characters)),
			SUBMIT_SENT);
		take_text(a, b);
		assert_int_equal(taken.parts, rows[i].parts);
		assert_int_equal(taken.tables.locking, TEXT_TURKISH);
		assert_int_equal(taken.tables.shift, TEXT_DEFAULT);
		assert_int_equal(taken.size, 2 * rows[i].characters);
		assert_memory_equal(taken.text, text, taken.size);
	}
	two_end(a, b);
}

static void escapes_of_a_single_shift_are_not_cut_between_parts(void **state)
{
	struct side *a, *b;
	char         sent[512];

	(void)state;
	two_of_short_messages(&a, &b);
	a->settings.languages = TEXT_LANGUAGE_BIT(TEXT_SPANISH);
	sip_ops.settings(a->peer, &a->settings);
	for (unsigned before = 100; before < 110; before++) { /* of one septet each; then pairs */
		size_t n = before + 100;

		memset(sent, 'x', n);
		for (unsigned i = 0; i < 40; i++)
			memcpy(sent + before + 2 * i, "\xc3\xa1", 2);
		side_forget_events(a);
		assert_int_equal(submit(a, text_new(a, MSG_CODING_UTF8, sent, n)), SUBMIT_SENT);
		take_text(a, b);
		assert_int_equal(taken.parts, 2); /* of 148 septets, or of 147 and a pair */
		assert_int_equal(taken.coding, MSG_CODING_GSM7);
		assert_int_equal(taken.tables.shift, TEXT_SPANISH);
		assert_int_equal(taken.size, n);
		assert_memory_equal(taken.text, sent, n);
	}
	two_end(a, b);
}

/* 80 times U+015F in UCS-2, for which Turkish would take one part less. */
static struct msg *turkish(struct side *s, const void *header, size_t n)
{
	uint8_t     bytes[16 + 160];
	struct msg *m;

	fill("\x01\x5f");
	memcpy(bytes, header, n);
	memcpy(bytes + n, text, 160);
	m = text_new(s, MSG_CODING_UCS2, bytes, n + 160);
	m->udh_size = (uint8_t)n;
	return m;
}

static void what_no_table_makes_cheaper_stays_as_it_is(void **state)
{
	static const uint8_t ports[] = {6, 5, 4, 0x0b, 0x84, 0x23, 0xf0};
	struct side         *a, *b;
	struct side_event   *e;
	struct msg          *m;
	const uint8_t       *bytes;
	uint8_t              room[SIP_TPDU_BODY_MAX];

	(void)state;
	two_of_short_messages(&a, &b);
	for (unsigned i = 0; i < 4; i++) {
		a->settings.languages = i == 0 ? 0 : TEXT_LANGUAGE_BIT(TEXT_TURKISH);
		sip_ops.settings(a->peer, &a->settings);
		m = turkish(a, ports, i == 2 ? sizeof(ports) : 0);
		if (i == 1) /* as many parts */
			m->body.size = 140;
		if (i == 3) { /* half a pair is no text */
			msg_free(m);
			memcpy(text, "\xd8\x3d", 2);
			m = text_new(a, MSG_CODING_UCS2, text, 160);
		}
		side_forget_events(a);
		assert_int_equal(submit(a, m), SUBMIT_SENT);
		e = arrived(a, b);
		assert_int_equal(e->msg->coding, MSG_CODING_UCS2);
		bytes = msg_view(e->msg, e->msg->body, room);
		assert_memory_equal(bytes + e->msg->body.size - 2, "\x01\x5f", 2);
		if (i == 3)
			assert_memory_equal(bytes + e->msg->udh_size, "\xd8\x3d", 2);
		side_answer(b, e, &(struct result){.why = REASON_FORBIDDEN});
		sides_pump(a, b);
	}
	m = turkish(a, ports, 0); /* a part of one whose others are in UCS-2 */
	m->concat = (struct msg_concat){.reference = 1, .part = 1, .parts = 2};
	assert_int_equal(submit(a, m), SUBMIT_REFUSED);
	assert_int_equal(refused.why, REASON_MESSAGE_SIZE);
	side_forget_events(a);
	assert_int_equal(submit(a, turkish(a, ports, 0)), SUBMIT_SENT);
	take_text(a, b);
	assert_int_equal(taken.parts, 1);
	assert_int_equal(taken.coding, MSG_CODING_GSM7);
	two_end(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_goes_in_as_few_parts_as_hold_it_in_order),
		cmocka_unit_test(characters_are_not_cut_between_parts),
		cmocka_unit_test(what_takes_more_than_255_parts_or_is_a_part_is_refused),
		cmocka_unit_test(each_part_has_the_header_of_the_message),
		cmocka_unit_test(the_part_that_is_refused_is_the_result_of_all),
		cmocka_unit_test(a_part_without_report_leaves_the_outcome_unknown),
		cmocka_unit_test(no_part_follows_twenty_seconds_after_the_first),
		cmocka_unit_test(what_waits_for_its_next_part_ends_with_the_session),
		cmocka_unit_test(a_text_arrives_whole_in_the_tables_of_any_language),
		cmocka_unit_test(parts_in_a_national_table_are_filled_to_the_last_septet),
		cmocka_unit_test(escapes_of_a_single_shift_are_not_cut_between_parts),
		cmocka_unit_test(what_no_table_makes_cheaper_stays_as_it_is),
	};

	return cmocka_run_group_tests_name("sip sms parts", tests, NULL, NULL);
}
