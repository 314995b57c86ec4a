#include "test.h"

#include "smpp/status.h"

static void a_reason_has_the_status_that_its_peer_understands(void **state)
{
	static const struct {
		enum reason why;
		uint32_t    submit, deliver;
	} cases[] = {
		{REASON_NONE, SMPP_ROK, SMPP_ROK},
		{REASON_RULE_DROP, SMPP_ROK, SMPP_ROK},
		{REASON_WINDOW, SMPP_RTHROTTLED, SMPP_RX_T_APPN},
		{REASON_RATE, SMPP_RTHROTTLED, SMPP_RX_T_APPN},
		{REASON_QUEUE_FULL, SMPP_RMSGQFUL, SMPP_RX_T_APPN},
		{REASON_POOL, SMPP_RMSGQFUL, SMPP_RX_T_APPN},
		{REASON_SENDER, SMPP_RINVSRCADR, SMPP_RX_P_APPN},
		{REASON_NO_ROUTE, SMPP_RINVDSTADR, SMPP_RX_P_APPN},
		{REASON_DESTINATION, SMPP_RINVDSTADR, SMPP_RX_P_APPN},
		{REASON_UNKNOWN_OUTCOME, SMPP_RSUBMITFAIL, SMPP_RX_T_APPN},
		{REASON_SPAM, SMPP_RPROHIBITED, SMPP_RX_R_APPN},
		{REASON_RECEIPT_UNKNOWN, SMPP_RINVMSGID, SMPP_RX_P_APPN},
		{REASON_RECEIPTS_FULL, SMPP_RMSGQFUL, SMPP_RX_T_APPN},
		{REASON_BIND_STATE, SMPP_RINVBNDSTS, SMPP_RINVBNDSTS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(smpp_status_of_reason(SMPP_submit_sm, cases[i].why),
				 cases[i].submit);
		assert_int_equal(smpp_status_of_reason(SMPP_data_sm, cases[i].why),
				 cases[i].submit);
		assert_int_equal(smpp_status_of_reason(SMPP_deliver_sm, cases[i].why),
				 cases[i].deliver);
	}
}

static void only_what_is_well_is_answered_well(void **state)
{
	(void)state;
	for (enum reason why = 0; why < REASON_COUNT; why++) {
		assert_int_equal(smpp_status_of_reason(SMPP_submit_sm, why) == SMPP_ROK,
				 reason_class(why) == REASON_CLASS_OK);
		assert_int_equal(smpp_status_of_reason(SMPP_deliver_sm, why) == SMPP_ROK,
				 reason_class(why) == REASON_CLASS_OK);
		assert_non_null(smpp_status_name(smpp_status_of_reason(SMPP_submit_sm, why)));
		assert_int_not_equal(smpp_status_of_reason(SMPP_submit_sm, why), SMPP_RUNKNOWNERR);
	}
}

static void
a_peers_own_status_goes_on_only_to_its_own_protocol_and_only_with_a_refusal(void **state)
{
	struct result r = {.why = REASON_PEER_PERMANENT,
			   .has_status = true,
			   .peer_protocol = 3,
			   .peer_status = SMPP_RINVSERTYP};

	(void)state;
	assert_int_equal(smpp_status_of_result(SMPP_submit_sm, &r, 3), SMPP_RINVSERTYP);
	assert_int_equal(smpp_status_of_result(SMPP_submit_sm, &r, 4), SMPP_RX_P_APPN);
	r.peer_status = SMPP_ROK;
	assert_int_equal(smpp_status_of_result(SMPP_submit_sm, &r, 3), SMPP_RX_P_APPN);
	r.why = REASON_NONE;
	r.peer_status = SMPP_RINVSERTYP;
	assert_int_equal(smpp_status_of_result(SMPP_submit_sm, &r, 3), SMPP_ROK);
}

static void a_peers_status_says_whether_to_try_again_and_when(void **state)
{
	static const struct {
		uint32_t    status;
		enum reason why;
		bool        pause;
	} cases[] = {
		{SMPP_ROK, REASON_NONE, false},
		{SMPP_RTHROTTLED, REASON_PEER_BUSY, true},
		{SMPP_RMSGQFUL, REASON_PEER_BUSY, true},
		{SMPP_RSYSERR, REASON_PEER_TROUBLE, false},
		{SMPP_RSUBMITFAIL, REASON_PEER_TEMPORARY, false},
		{SMPP_RX_T_APPN, REASON_PEER_TEMPORARY, false},
		{SMPP_RX_P_APPN, REASON_PEER_PERMANENT, false},
		{SMPP_RINVDSTADR, REASON_PEER_UNKNOWN, false},
		{0x4ab, REASON_PEER_PERMANENT, false},
	};
	uint32_t retry_after_ms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(smpp_reason_of_status(cases[i].status, &retry_after_ms),
				 cases[i].why);
		assert_int_equal(retry_after_ms > 0, cases[i].pause);
	}
}

static void a_refused_login_has_a_status_of_bind_responses(void **state)
{
	(void)state;
	assert_int_equal(smpp_status_of_login(REASON_NONE), SMPP_ROK);
	assert_int_equal(smpp_status_of_login(REASON_SYSTEM_ID), SMPP_RINVSYSID);
	assert_int_equal(smpp_status_of_login(REASON_PASSWORD), SMPP_RINVPASWD);
	assert_int_equal(smpp_status_of_login(REASON_BIND_LIMIT), SMPP_RBINDFAIL);
	assert_int_equal(smpp_status_of_login(REASON_BIND_REFUSED), SMPP_RBINDFAIL);
	assert_int_equal(smpp_status_of_login(REASON_POOL), SMPP_RBINDFAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reason_has_the_status_that_its_peer_understands),
		cmocka_unit_test(only_what_is_well_is_answered_well),
		cmocka_unit_test(
			a_peers_own_status_goes_on_only_to_its_own_protocol_and_only_with_a_refusal),
		cmocka_unit_test(a_peers_status_says_whether_to_try_again_and_when),
		cmocka_unit_test(a_refused_login_has_a_status_of_bind_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
