#include "test.h"

#include "smpp/pdu.h"

static const uint8_t submit_sm_bytes[] = {
	0,    0,    0,   0x45, 0,    0,    0,   4,   0,   0,   0,   0,   0,   0, 0, 7, /* header */
	0,                                                                       /* service_type */
	5,    0,    'A', 'C',  'M',  'E',  0,                                    /* source */
	1,    1,    '4', '6',  '7',  '0',  '1', '2', '3', '4', '5', '6', '7', 0, /* destination */
	0,    0,    0,   0,    0,    1,    0,   0,   0,        /* esm_class .. sm_default_msg_id */
	5,    'h',  'e', 'l',  'l',  'o',                      /* short_message */
	2,    4,    0,   2,    0x12, 0x34,                     /* user_message_reference */
	0x14, 0x55, 0,   6,    'v',  'e',  'n', 'd', 'o', 'r', /* vendor's own */
};

static void a_pdu_cut_at_any_byte_waits_for_more(void **state)
{
	(void)state;
	assert_int_equal(sizeof(submit_sm_bytes), submit_sm_bytes[3]);
	for (size_t cut = 0; cut < sizeof(submit_sm_bytes); cut++) {
		uint8_t        *exact = test_copy(submit_sm_bytes, cut);
		struct cur      in = cur_of(exact, cut);
		struct smpp_pdu pdu;
		uint32_t        need = 0;

		assert_int_equal(smpp_pdu_next(&in, &pdu, &need), PULL_MORE);
		assert_int_equal(need, cut < 4 ? 4 : sizeof(submit_sm_bytes));
		assert_ptr_equal(in.p, exact);
		free(exact);
	}
}

static void a_whole_submit_sm_gives_its_fields_without_copying(void **state)
{
	uint8_t        *exact = test_copy(submit_sm_bytes, sizeof(submit_sm_bytes));
	struct cur      in = cur_of(exact, sizeof(submit_sm_bytes));
	struct smpp_pdu pdu;
	struct smpp_sm  sm;
	struct smpp_tlv tlv;
	uint32_t        need;
	unsigned        unknown;

	(void)state;
	assert_int_equal(smpp_pdu_next(&in, &pdu, &need), PULL_ITEM);
	assert_int_equal(cur_left(&in), 0);
	assert_int_equal(pdu.command, SMPP_submit_sm);
	assert_int_equal(pdu.sequence, 7);
	assert_int_equal(smpp_submit_parse(pdu.body, &sm), SMPP_ROK);
	assert_true(str_eq(sm.source.text, STR("ACME")));
	assert_int_equal(sm.source.ton, 5);
	assert_true(str_eq(sm.dest.text, STR("46701234567")));
	assert_int_equal(cur_left(&sm.text), 5);
	assert_in_range((uintptr_t)sm.text.p, (uintptr_t)exact,
			(uintptr_t)exact + sizeof(submit_sm_bytes));
	assert_int_equal(smpp_tlvs_check(sm.tlvs, &unknown), SMPP_ROK);
	assert_int_equal(unknown, 1);
	assert_true(smpp_tlv_find(sm.tlvs, SMPP_TLV_user_message_reference, &tlv));
	assert_int_equal(cur_be16(&tlv.value), 0x1234);
	free(exact);
}

static void what_was_parsed_is_written_back_byte_for_byte(void **state)
{
	struct cur      in = cur_of(submit_sm_bytes, sizeof(submit_sm_bytes));
	struct smpp_pdu pdu;
	struct smpp_sm  sm;
	uint8_t         room[sizeof(submit_sm_bytes)];
	struct put      w = put_to(room, sizeof(room));
	uint32_t        need;
	size_t          mark;

	(void)state;
	assert_int_equal(smpp_pdu_next(&in, &pdu, &need), PULL_ITEM);
	assert_int_equal(smpp_submit_parse(pdu.body, &sm), SMPP_ROK);
	mark = smpp_pdu_begin(&w, pdu.command, pdu.status, pdu.sequence);
	smpp_sm_put(&w, &sm);
	assert_true(smpp_pdu_end(&w, mark));
	assert_int_equal(put_size(&w), sizeof(room));
	assert_memory_equal(room, submit_sm_bytes, sizeof(room));
}

static void a_length_below_the_header_or_above_the_limit_is_refused_at_once(void **state)
{
	static const uint32_t sizes[] = {0,
					 1,
					 3,
					 4,
					 8,
					 15,
					 SMPP_PDU_SIZE_MAX + 1,
					 1u << 31,
					 UINT32_MAX,
					 0x48545450 /* HTTP */,
					 0x414d5150 /* AMQP */,
					 0x16030100 /* TLS */,
					 0x5245474d /* SIP */};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t         head[4] = {(uint8_t)(sizes[i] >> 24), (uint8_t)(sizes[i] >> 16),
					   (uint8_t)(sizes[i] >> 8), (uint8_t)sizes[i]};
		uint8_t        *exact = test_copy(head, 4);
		struct cur      in = cur_of(exact, 4);
		struct smpp_pdu pdu;
		uint32_t        need;

		assert_int_equal(smpp_pdu_next(&in, &pdu, &need), PULL_BAD);
		assert_int_equal(pdu.sequence, 0);
		assert_ptr_equal(in.p, exact);
		free(exact);
	}
}

/* A body of each command with a parser, every string at its maximum, and how many of its bytes must
 * be there. */
struct sample {
	uint32_t command;
	uint8_t  body[4096];
	size_t   size, mandatory;
};

#define TEXT_OF(max)                                                                               \
	((struct str){"12345678901234567890123456789012345678901234567890123456789012345678901234" \
		      "567890",                                                                    \
		      (max)-1})

static const struct smpp_addr
	addr_max = {1, 1, {"12345678901234567890", 20}},
	addr_long_max = {
		1, 1, {"1234567890123456789012345678901234567890123456789012345678901234", 64}};

static struct smpp_sm sm_max(void)
{
	static const uint8_t text[254] = "text";
	static const uint8_t tlvs[] = {2, 4, 0, 2, 1, 2, 0x14, 1, 0, 0, 2, 1, 0, 1, 3};

	return (struct smpp_sm){
		.service_type = TEXT_OF(SMPP_SERVICE_TYPE_MAX),
		.source = addr_max,
		.dest = addr_max,
		.schedule = TEXT_OF(SMPP_TIME_MAX),
		.validity = TEXT_OF(SMPP_TIME_MAX),
		.text = cur_of(text, sizeof(text)),
		.tlvs = cur_of(tlvs, sizeof(tlvs)),
	};
}

static enum smpp_status parse_any(uint32_t command, struct cur body)
{
	union {
		struct smpp_bind       bind;
		struct smpp_bind_resp  bind_resp;
		struct smpp_outbind    outbind;
		struct smpp_sm         sm;
		struct smpp_multi      multi;
		struct smpp_multi_resp multi_resp;
		struct smpp_query      query;
		struct smpp_query_resp query_resp;
		struct smpp_cancel     cancel;
		struct smpp_replace    replace;
		struct smpp_alert      alert;
	} u;
	enum smpp_status status;
	struct cur       tlvs = cur_of(body.p, 0);
	unsigned         unknown;

	switch (command) {
	case SMPP_bind_transceiver:
		return smpp_bind_parse(body, &u.bind);
	case SMPP_bind_transceiver_resp:
		status = smpp_bind_resp_parse(body, &u.bind_resp);
		tlvs = u.bind_resp.tlvs;
		break;
	case SMPP_outbind:
		return smpp_outbind_parse(body, &u.outbind);
	case SMPP_submit_sm:
		status = smpp_submit_parse(body, &u.sm);
		tlvs = u.sm.tlvs;
		break;
	case SMPP_data_sm:
		status = smpp_data_parse(body, &u.sm);
		tlvs = u.sm.tlvs;
		break;
	case SMPP_submit_multi:
		status = smpp_multi_parse(body, &u.multi);
		tlvs = u.multi.sm.tlvs;
		break;
	case SMPP_submit_multi_resp:
		return smpp_multi_resp_parse(body, &u.multi_resp);
	case SMPP_query_sm:
		return smpp_query_parse(body, &u.query);
	case SMPP_query_sm_resp:
		return smpp_query_resp_parse(body, &u.query_resp);
	case SMPP_cancel_sm:
		return smpp_cancel_parse(body, &u.cancel);
	case SMPP_replace_sm:
		return smpp_replace_parse(body, &u.replace);
	default:
		status = smpp_alert_parse(body, &u.alert);
		tlvs = u.alert.tlvs;
		break;
	}
	return status == SMPP_ROK ? smpp_tlvs_check(tlvs, &unknown) : status;
}

/* Writes the sample of this number; false: there is none. */
static bool write_sample(unsigned i, struct sample *s, struct put *w)
{
	struct smpp_sm sm = sm_max();

	switch (i) {
	case 0:
		s->command = SMPP_bind_transceiver;
		smpp_bind_put(w, &(struct smpp_bind){TEXT_OF(16), TEXT_OF(9), TEXT_OF(13), 0x34, 0,
						     0, TEXT_OF(41)});
		break;
	case 1:
		s->command = SMPP_outbind;
		smpp_outbind_put(w, &(struct smpp_outbind){TEXT_OF(16), TEXT_OF(9)});
		break;
	case 2:
		s->command = SMPP_submit_sm;
		smpp_sm_put(w, &sm);
		break;
	case 3:
		s->command = SMPP_data_sm;
		sm.source = sm.dest = addr_long_max;
		smpp_data_put(w, &sm);
		break;
	case 4:
		s->command = SMPP_query_sm;
		smpp_query_put(w, &(struct smpp_query){TEXT_OF(65), addr_max});
		break;
	case 5:
		s->command = SMPP_query_sm_resp;
		smpp_query_resp_put(w, &(struct smpp_query_resp){TEXT_OF(65), TEXT_OF(17), 2, 3});
		break;
	case 6:
		s->command = SMPP_cancel_sm;
		smpp_cancel_put(w,
				&(struct smpp_cancel){TEXT_OF(6), TEXT_OF(65), addr_max, addr_max});
		break;
	case 7:
		s->command = SMPP_replace_sm;
		smpp_replace_put(w, &(struct smpp_replace){TEXT_OF(65), addr_max, TEXT_OF(17),
							   TEXT_OF(17), 1, 2, sm.text});
		break;
	case 8:
		s->command = SMPP_alert_notification;
		smpp_alert_put(w, &(struct smpp_alert){addr_long_max, addr_long_max, sm.tlvs});
		break;
	case 9:
		s->command = SMPP_submit_multi;
		smpp_multi_put(w, &(struct smpp_multi){sm, 2,
						       cur_of("\1\1\1"
							      "467\0\2"
							      "list\0",
							      13)});
		break;
	case 10:
		s->command = SMPP_submit_multi_resp;
		smpp_multi_resp_put(w, &(struct smpp_multi_resp){TEXT_OF(65), 1,
								 cur_of("\1\1"
									"467\0\0\0\0\x0b",
									10)});
		break;
	default:
		return false;
	}
	s->size = put_size(w);
	s->mandatory = s->size;
	if (s->command == SMPP_submit_sm || s->command == SMPP_data_sm ||
	    s->command == SMPP_alert_notification || s->command == SMPP_submit_multi)
		s->mandatory -= cur_left(&sm.tlvs);
	return true;
}

static void a_body_cut_anywhere_is_refused_and_nothing_is_read_beyond_it(void **state)
{
	static struct sample s;

	(void)state;
	for (unsigned i = 0;; i++) {
		struct put w = put_to(s.body, sizeof(s.body));

		if (!write_sample(i, &s, &w))
			break;
		assert_false(w.failed);
		for (size_t cut = 0; cut <= s.size; cut++) {
			uint8_t         *exact = test_copy(s.body, cut);
			enum smpp_status status = parse_any(s.command, cur_of(exact, cut));
			size_t           into = cut - s.mandatory;
			/* Between two optional parameters is an end like any other. */
			bool whole = cut >= s.mandatory &&
				     (into == 0 || into == 6 || into == 10 || into == 15);

			assert_int_equal(status == SMPP_ROK, whole);
			free(exact);
		}
	}
}

static void a_builder_refuses_what_is_longer_than_its_field_or_holds_a_nul(void **state)
{
	static uint8_t text[255];
	uint8_t        room[1024];
	struct smpp_sm bad[9];

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		bad[i] = sm_max();
	bad[0].service_type = TEXT_OF(7);
	bad[1].source.text = TEXT_OF(22);
	bad[2].dest.text = TEXT_OF(22);
	bad[3].schedule = TEXT_OF(18);
	bad[4].validity = TEXT_OF(18);
	bad[5].text = cur_of(text, 255);
	bad[6].source.text = (struct str){"46\0"
					  "7",
					  4};
	bad[7].service_type = (struct str){"\0", 1};
	bad[8].dest.text = (struct str){"1\0", 2};
	for (unsigned i = 0; i < 9; i++) {
		struct put w = put_to(room, sizeof(room));

		smpp_sm_put(&w, &bad[i]);
		assert_true(w.failed);
		assert_false(smpp_pdu_end(&w, 0));
		assert_int_equal(put_size(&w), 0);
	}
}

static void a_pdu_that_does_not_fit_leaves_nothing_behind(void **state)
{
	struct smpp_sm sm = sm_max();
	uint8_t        room[512];

	(void)state;
	for (size_t n = 0; n < 400; n++) {
		struct put w = put_to(room, n);
		size_t     mark = smpp_pdu_begin(&w, SMPP_submit_sm, 0, 1);

		smpp_sm_put(&w, &sm);
		assert_int_equal(smpp_pdu_end(&w, mark),
				 n >= 16 + 6 + 2 * 23 + 3 + 2 * 17 + 4 + 255 + 15);
		assert_int_equal(w.failed, false);
	}
}

static void names_are_found_both_ways(void **state)
{
	uint32_t status;

	(void)state;
	assert_string_equal(smpp_command_name(0x80000004), "submit_sm_resp");
	assert_null(smpp_command_name(0x0a));
	assert_string_equal(smpp_status_name(0x58), "ESME_RTHROTTLED");
	assert_null(smpp_status_name(0x400));
	assert_true(smpp_status_find(STR("RTHROTTLED"), &status));
	assert_int_equal(status, 0x58);
	assert_true(smpp_status_find(STR("ESME_RX_T_APPN"), &status));
	assert_int_equal(status, 0x64);
	assert_false(smpp_status_find(STR("ESME_"), &status));
	assert_string_equal(smpp_tlv_name(0x0424), "message_payload");
	assert_null(smpp_tlv_name(0x1401));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pdu_cut_at_any_byte_waits_for_more),
		cmocka_unit_test(a_whole_submit_sm_gives_its_fields_without_copying),
		cmocka_unit_test(what_was_parsed_is_written_back_byte_for_byte),
		cmocka_unit_test(a_length_below_the_header_or_above_the_limit_is_refused_at_once),
		cmocka_unit_test(a_body_cut_anywhere_is_refused_and_nothing_is_read_beyond_it),
		cmocka_unit_test(a_builder_refuses_what_is_longer_than_its_field_or_holds_a_nul),
		cmocka_unit_test(a_pdu_that_does_not_fit_leaves_nothing_behind),
		cmocka_unit_test(names_are_found_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
