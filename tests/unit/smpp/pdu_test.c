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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pdu_cut_at_any_byte_waits_for_more),
		cmocka_unit_test(a_whole_submit_sm_gives_its_fields_without_copying),
		cmocka_unit_test(what_was_parsed_is_written_back_byte_for_byte),
		cmocka_unit_test(a_length_below_the_header_or_above_the_limit_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
