#include "test.h"

#include "sip/status.h"

static void a_reason_has_the_status_that_its_sender_understands(void **state)
{
	static const struct {
		enum reason why;
		unsigned    status;
	} cases[] = {
		{REASON_NONE, 202},
		{REASON_RULE_DROP, 202},
		{REASON_SIP_VERSION, 505},
		{REASON_SIP_EXTENSION, 420},
		{REASON_SIP_TRANSACTION, 481},
		{REASON_SIP_MERGED, 482},
		{REASON_PDU_COMMAND, 405},
		{REASON_NOT_SUPPORTED, 405},
		{REASON_SENDER, 403},
		{REASON_PASSWORD, 403},
		{REASON_FORBIDDEN, 403},
		{REASON_SPAM, 403},
		{REASON_PEER_PERMANENT, 403},
		{REASON_PEER_UNKNOWN, 404},
		{REASON_PEER_GONE, 410},
		{REASON_PEER_CONTENT, 406},
		{REASON_DESTINATION, 404},
		{REASON_NO_ROUTE, 404},
		{REASON_MESSAGE_SIZE, 413},
		{REASON_CODING, 415},
		{REASON_LOOP, 483},
		{REASON_NO_TARGET, 480},
		{REASON_PEER_TEMPORARY, 480},
		{REASON_EXPIRED, 480},
		{REASON_WINDOW, 503},
		{REASON_RATE, 503},
		{REASON_QUEUE_FULL, 503},
		{REASON_POOL, 503},
		{REASON_SHUTDOWN, 503},
		{REASON_UNKNOWN_OUTCOME, 504},
		{REASON_ANSWER_TIMEOUT, 504},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sip_status_of_reason(cases[i].why), cases[i].status);
}

static void only_what_is_well_is_answered_well_and_every_answer_has_a_phrase(void **state)
{
	(void)state;
	for (enum reason why = 0; why < REASON_COUNT; why++) {
		unsigned status = sip_status_of_reason(why);

		assert_int_equal(status / 100 == 2, reason_class(why) == REASON_CLASS_OK);
		assert_true(status >= 200 && status <= 699);
		assert_true(sip_status_phrase(status).n > 0);
		assert_int_not_equal(status, 401); /* has a challenge, which no reason can make */
		assert_int_not_equal(status, 407);
	}
}

/* Temporary and permanent stay what they are over two hops. */
static void a_reason_keeps_its_weight_when_the_next_gateway_reads_its_status(void **state)
{
	(void)state;
	for (enum reason why = 0; why < REASON_COUNT; why++) {
		enum reason there = sip_reason_of_status(sip_status_of_reason(why));

		if (reason_class(why) != REASON_CLASS_PROTOCOL && why != REASON_EXPIRED)
			assert_int_equal(reason_class(there), reason_class(why));
	}
}

static void every_final_status_of_a_peer_has_a_meaning(void **state)
{
	static const struct {
		unsigned    status;
		enum reason why;
	} cases[] = {
		{200, REASON_NONE},           {202, REASON_NONE},
		{299, REASON_NONE},           {300, REASON_PEER_PERMANENT},
		{302, REASON_PEER_TEMPORARY}, {400, REASON_PEER_MALFORMED},
		{401, REASON_PEER_TEMPORARY}, {403, REASON_PEER_FORBIDDEN},
		{404, REASON_PEER_UNKNOWN},   {407, REASON_PEER_TEMPORARY},
		{408, REASON_PEER_TIMEOUT},   {413, REASON_PEER_TOO_LARGE},
		{415, REASON_PEER_CONTENT},   {480, REASON_PEER_AWAY},
		{482, REASON_PEER_PERMANENT}, {486, REASON_PEER_AWAY},
		{499, REASON_PEER_MALFORMED}, /* not registered: as 400 */
		{500, REASON_PEER_TROUBLE},   {501, REASON_PEER_UNSUPPORTED},
		{503, REASON_PEER_BUSY},      {504, REASON_PEER_TIMEOUT},
		{513, REASON_PEER_TOO_LARGE}, {599, REASON_PEER_TROUBLE}, /* as 500 */
		{600, REASON_PEER_AWAY},      {603, REASON_PEER_FORBIDDEN},
		{607, REASON_PEER_FORBIDDEN}, {699, REASON_PEER_AWAY}, /* as 600 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sip_reason_of_status(cases[i].status), cases[i].why);
}

static void a_peers_status_goes_on_only_to_sip_and_only_when_it_is_of_the_recipient(void **state)
{
	static const struct {
		enum reason why;
		bool        has_status;
		uint8_t     protocol;
		unsigned    peer, status;
	} cases[] = {
		{REASON_PEER_PERMANENT, true, 1, 404, 404},
		{REASON_PEER_TEMPORARY, true, 1, 486, 486},
		{REASON_PEER_PERMANENT, true, 1, 603, 603},
		{REASON_PEER_PERMANENT, true, 0, 404, 403},  /* of another protocol */
		{REASON_PEER_PERMANENT, false, 1, 404, 403}, /* none was given */
		{REASON_PEER_TEMPORARY, true, 1, 401, 480},  /* its credentials are ours */
		{REASON_PEER_TEMPORARY, true, 1, 407, 480},
		{REASON_PEER_TEMPORARY, true, 1, 503, 480}, /* it is down, we are not (16.7, 6) */
		{REASON_PEER_PERMANENT, true, 1, 420, 403},
		{REASON_PEER_PERMANENT, true, 1, 482, 403},
		{REASON_PEER_PERMANENT, true, 1, 200, 403}, /* a refusal is never answered well */
		{REASON_PEER_PERMANENT, true, 1, 70000, 403},
		{REASON_PEER_TIMEOUT, true, 1, 408, 504}, /* RFC 4320, 4.2 */
		{REASON_NONE, true, 1, 404, 202},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct result r = {.why = (uint8_t)cases[i].why,
					 .has_status = cases[i].has_status,
					 .peer_protocol = cases[i].protocol,
					 .peer_status = cases[i].peer};

		assert_int_equal(sip_status_of_result(&r, 1), cases[i].status);
	}
}

static void delivered_is_200_and_accepted_is_202(void **state)
{
	(void)state;
	assert_int_equal(sip_status_of_result(&(struct result){.delivered = true}, 1), 200);
	assert_int_equal(sip_status_of_result(&(struct result){.delivered = false}, 1), 202);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reason_has_the_status_that_its_sender_understands),
		cmocka_unit_test(only_what_is_well_is_answered_well_and_every_answer_has_a_phrase),
		cmocka_unit_test(a_reason_keeps_its_weight_when_the_next_gateway_reads_its_status),
		cmocka_unit_test(every_final_status_of_a_peer_has_a_meaning),
		cmocka_unit_test(
			a_peers_status_goes_on_only_to_sip_and_only_when_it_is_of_the_recipient),
		cmocka_unit_test(delivered_is_200_and_accepted_is_202),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
