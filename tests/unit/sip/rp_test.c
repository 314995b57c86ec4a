#include "bodies.h"

#include "sip/rp.h"
#include "sip/tpdu.h"

static void assert_number(const struct sip_rp_number *number, const char *digits)
{
	assert_int_equal(number->size, strlen(digits));
	assert_memory_equal(number->digits, digits, number->size);
}

/* RP-DATA of a mobile, to a service centre, with a SUBMIT. */
static const uint8_t data_ms[] = {0x00, 0x2a, 0x00, 0x07, 0x91, 0x64, 0x07, 0x58,
				  0x99, 0x04, 0xf0, 0x0b, 0x01, 0x01, 0x03, 0x81,
				  0x11, 0xf2, 0x00, 0x00, 0x02, 0xc8, 0x34};
static const uint8_t data_n[] = {0x01, 0x2b, 0x02, 0x81, 0x21, 0x00, 0x02, 0x04, 0x00};
static const uint8_t ack_ms[] = {0x02, 0x2b};
static const uint8_t ack_n[] = {0x03, 0x2a, 0x41, 0x09, 0x01, 0x00, 0x32,
				0x11, 0x41, 0x22, 0x31, 0x02, 0x00};
static const uint8_t error_ms[] = {0x04, 0x2b, 0x02, 0x16, 0x07, 0x41, 0x02, 0x00, 0x00};
static const uint8_t error_n[] = {0x05, 0x2a, 0x01, 0x26};
static const uint8_t smma[] = {0x06, 0x2c};

static const struct {
	const uint8_t   *octets;
	size_t           n;
	enum sip_rp_type type;
	size_t           least; /* after which the optional user data begins */
} messages[] = {
	{data_ms, sizeof(data_ms), SIP_RP_DATA_MS, 0},
	{data_n, sizeof(data_n), SIP_RP_DATA_N, 0},
	{ack_ms, sizeof(ack_ms), SIP_RP_ACK_MS, 0},
	{ack_n, sizeof(ack_n), SIP_RP_ACK_N, 2},
	{error_ms, sizeof(error_ms), SIP_RP_ERROR_MS, 5},
	{error_n, sizeof(error_n), SIP_RP_ERROR_N, 0},
	{smma, sizeof(smma), SIP_RP_SMMA_MS, 0},
};
#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

static void the_fields_of_every_message_are_found(void **state)
{
	struct sip_rp   rp;
	struct sip_tpdu t;

	(void)state;
	assert_int_equal(sip_rp_parse(cur_of(data_ms, sizeof(data_ms)), &rp), SIP_BODY_OK);
	assert_int_equal(rp.reference, 0x2a);
	assert_false(rp.has_originator);
	assert_true(rp.has_destination);
	assert_number(&rp.destination, "46708599400");
	assert_int_equal(rp.destination.ton, 1);
	assert_int_equal(rp.destination.npi, 1);
	assert_int_equal(sip_tpdu_parse(rp.user_data, rp.type, &t), SIP_BODY_OK);
	assert_int_equal(t.type, SIP_TPDU_SUBMIT);
	assert_number(&t.address.number, "112");

	assert_int_equal(sip_rp_parse(cur_of(data_n, sizeof(data_n)), &rp), SIP_BODY_OK);
	assert_number(&rp.originator, "12");
	assert_false(rp.has_destination);
	assert_int_equal(cur_left(&rp.user_data), 2);

	assert_int_equal(sip_rp_parse(cur_of(ack_ms, sizeof(ack_ms)), &rp), SIP_BODY_OK);
	assert_int_equal(rp.reference, 0x2b);
	assert_false(rp.has_user_data);

	assert_int_equal(sip_rp_parse(cur_of(ack_n, sizeof(ack_n)), &rp), SIP_BODY_OK);
	assert_true(rp.has_user_data);
	assert_int_equal(sip_tpdu_parse(rp.user_data, rp.type, &t), SIP_BODY_OK);
	assert_int_equal(t.type, SIP_TPDU_SUBMIT_REPORT);

	assert_int_equal(sip_rp_parse(cur_of(error_ms, sizeof(error_ms)), &rp), SIP_BODY_OK);
	assert_int_equal(rp.cause, SIP_RP_MEMORY_EXCEEDED);
	assert_int_equal(rp.diagnostic, 7);
	assert_int_equal(cur_left(&rp.user_data), 2);

	assert_int_equal(sip_rp_parse(cur_of(error_n, sizeof(error_n)), &rp), SIP_BODY_OK);
	assert_int_equal(rp.cause, SIP_RP_NETWORK_OUT_OF_ORDER);
	assert_false(rp.has_user_data);
}

static void every_message_is_written_back_and_every_cut_one_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		uint8_t       room[64];
		struct put    w = put_to(room, sizeof(room));
		struct sip_rp rp;

		assert_int_equal(sip_rp_parse(cur_of(messages[i].octets, messages[i].n), &rp),
				 SIP_BODY_OK);
		assert_int_equal(rp.type, messages[i].type);
		sip_rp_put(&w, &rp);
		assert_false(w.failed);
		assert_int_equal(put_size(&w), messages[i].n);
		assert_memory_equal(room, messages[i].octets, messages[i].n);
		for (size_t cut = 0; cut < messages[i].n; cut++) {
			uint8_t *copy = test_copy(messages[i].octets, cut);

			assert_int_equal(sip_rp_parse(cur_of(copy, cut), &rp),
					 cut > 0 && cut == messages[i].least ? SIP_BODY_OK
									     : SIP_BODY_SYNTAX);
			free(copy);
		}
	}
}

static void user_data_where_none_belongs_is_passed_over(void **state)
{
	static const uint8_t octets[] = {0x06, 0x2a, 0x41, 0x01, 0x00};
	struct sip_rp        rp;

	(void)state;
	assert_int_equal(sip_rp_parse(cur_of(octets, sizeof(octets)), &rp), SIP_BODY_OK);
	assert_false(rp.has_user_data);
}

static void lengths_are_bounded(void **state)
{
	static const struct {
		uint8_t       octets[32];
		size_t        n;
		enum sip_body why;
	} table[] = {
		{{0, 1, 0, 0, 0}, 5, SIP_BODY_OK},       /* no address at all */
		{{0, 1, 0, 1, 0x91, 0}, 6, SIP_BODY_OK}, /* a type of number alone */
		{{0, 1, 0, 11, 0x91, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0}, 16, SIP_BODY_OK},
		{{0, 1, 0, 12, 0x91, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0}, 17, SIP_BODY_SYNTAX},
		{{0, 1, 0, 255, 0x91, 1}, 6, SIP_BODY_SYNTAX},
		{{0, 1, 0, 3, 0x91, 0xf1, 0x11, 0}, 8, SIP_BODY_SYNTAX}, /* a filler inside */
		{{0, 1, 0, 0, 5, 1, 2}, 7, SIP_BODY_SYNTAX},
		{{4, 1, 0}, 3, SIP_BODY_SYNTAX}, /* an error without cause */
		{{4, 1, 3, 1, 2, 3}, 6, SIP_BODY_SYNTAX},
		{{2, 1, 0x41, 5, 0}, 5, SIP_BODY_SYNTAX},
		{{2, 1, 0x42, 1, 0, 0x91}, 6, SIP_BODY_OK}, /* elements nobody knows */
		{{2, 1, 0x42}, 3, SIP_BODY_SYNTAX},
		{{7, 1}, 2, SIP_BODY_UNSUPPORTED},
		{{0xf8 | 2, 1}, 2, SIP_BODY_OK}, /* spare bits */
	};
	uint8_t       octets[5 + 255] = {1, 1, 0, 0};
	struct sip_rp rp;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t      *copy = test_copy(table[i].octets, table[i].n);
		enum sip_body got = sip_rp_parse(cur_of(copy, table[i].n), &rp);

		assert_case(i, got, table[i].why);
		free(copy);
	}
	for (size_t n = 230; n < 256; n++) {
		octets[4] = (uint8_t)n;
		assert_int_equal(sip_rp_parse(cur_of(octets, 5 + n), &rp),
				 n <= SIP_RP_USER_DATA_MAX ? SIP_BODY_OK : SIP_BODY_LIMIT);
	}
}

static void what_does_not_fit_is_not_written(void **state)
{
	uint8_t             data[234] = {0}, room[512];
	const struct sip_rp table[] = {
		{.type = SIP_RP_TYPE_COUNT},
		{.type = SIP_RP_DATA_MS, .has_destination = true, .destination = {.size = 21}},
		{.type = SIP_RP_DATA_MS,
		 .has_destination = true,
		 .destination = {.size = 2, .digits = "1x"}},
		{.type = SIP_RP_DATA_MS,
		 .has_user_data = true,
		 .user_data = cur_of(data, sizeof(data))},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct put w = put_to(room, sizeof(room));

		sip_rp_put(&w, &table[i]);
		assert_true(w.failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fields_of_every_message_are_found),
		cmocka_unit_test(every_message_is_written_back_and_every_cut_one_refused),
		cmocka_unit_test(user_data_where_none_belongs_is_passed_over),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(what_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
