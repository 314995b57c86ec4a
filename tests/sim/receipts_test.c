/* Delivery receipts through a whole dataplane: from the SMSC that took the message back to who
 * submitted it, under our id. */
#include "test.h"

#include <inttypes.h>
#include <stdio.h>

#include "smpp/pdu.h"

#include "record.h"

#define MESSAGES_MAX 1000u

static struct sim sim;

enum form { TEXT_AND_PARAMETER, TEXT_HEXADECIMAL, TEXT_DECIMAL, TEXT_PADDED };

static struct {
	uint64_t id_base;         /* added to the SMSC's ids */
	bool     early;           /* before the response */
	bool     held;            /* the response waits for responses_go() */
	bool     rewritten;       /* the sender of a receipt is not who the message went to */
	unsigned due_count, sent; /* receipts that the SMSC is to send; has sent */
	struct {
		uint32_t session;
		uint64_t id, token;
		uint32_t number;
	} due[MESSAGES_MAX];
	unsigned results, positive; /* our answers to receipts */
	uint32_t status;
	unsigned at_esme[MESSAGES_MAX], before_response;
	char     told_id[MESSAGES_MAX][RESULT_REMOTE_ID_MAX + 1];
} receipts;

static struct msg *receipt_new(uint32_t number, uint64_t id, enum form form, uint8_t state)
{
	struct msg *m = msg_new(sim.host.msgs);
	char        room[160];

	assert_non_null(m);
	snprintf(room, sizeof(room), "+4670%07u", number + (receipts.rewritten ? 5000000 : 0));
	record_addresses(m, room, "+4611111");
	if (form == TEXT_AND_PARAMETER) {
		m->receipt.msg_id = id;
	} else {
		snprintf(room, sizeof(room),
			 form == TEXT_HEXADECIMAL ? "id:%" PRIX64
						    " sub:001 dlvrd:001 submit date:2311240900 "
						    "done date:2311240901 stat:%s err:000 text:"
			 : form == TEXT_DECIMAL
				 ? "id:%" PRIu64 " sub:001 dlvrd:001 submit date:2311240900 done "
				   "date:2311240901 stat:%s err:000 text:"
				 : "id:%010" PRIu64 " sub:001 dlvrd:001 submit date:2311240900 "
				   "done date:2311240901 stat:%s err:000 text:",
			 id, state == MSG_STATE_DELIVERED ? "DELIVRD" : "ACCEPTD");
		record_text(m, room);
	}
	m->kind = MSG_RECEIPT;
	m->receipt.state = state;
	m->receipt.intermediate = state != MSG_STATE_DELIVERED;
	return m;
}

static void receipt_send(uint32_t session, uint32_t number, uint64_t id, enum form form,
			 uint8_t state)
{
	host_submit(&sim.host, &sim.host.sessions[session], receipt_new(number, id, form, state),
		    RECORD_OTHER + number);
	receipts.sent++;
}

static bool wants_receipt(struct host_session *s, struct msg *m, uint32_t number)
{
	char to[24];

	(void)s;
	snprintf(to, sizeof(to), "+4670%07u", number);
	record_addresses(m, "+4611111", to);
	m->wants = MSG_WANT_SUCCESS | MSG_WANT_FAILURE;
	return true;
}

static bool taken(struct host_session *s, uint32_t number, struct msg *m, struct result *answer)
{
	assert_in_range(number, 0, MESSAGES_MAX - 1);
	answer->msg_id += receipts.id_base;
	receipts.due[receipts.due_count].session = (uint32_t)(s - sim.host.sessions);
	receipts.due[receipts.due_count].id = answer->msg_id;
	receipts.due[receipts.due_count].token = m->token;
	receipts.due[receipts.due_count++].number = number;
	if (receipts.early)
		receipt_send((uint32_t)(s - sim.host.sessions), number, answer->msg_id,
			     TEXT_AND_PARAMETER, MSG_STATE_DELIVERED);
	return !receipts.held;
}

static bool receipt_arrives(struct host_session *s, struct msg *m, struct result *answer)
{
	uint8_t  room[RESULT_REMOTE_ID_MAX + 1] = {0};
	char     from[32];
	unsigned number;

	(void)s;
	(void)answer;
	assert_int_equal(m->kind, MSG_RECEIPT);
	str_copy(from, sizeof(from), msg_addr(m, &m->from));
	assert_int_equal(sscanf(from, "+4670%u", &number), 1);
	assert_in_range(number, 0, record.limit - 1);
	receipts.at_esme[number]++;
	if (record.fates[number].positive == 0)
		receipts.before_response++;
	assert_in_range(m->receipt.remote_id.size, 1, RESULT_REMOTE_ID_MAX);
	memcpy(receipts.told_id[number], msg_view(m, m->receipt.remote_id, room),
	       m->receipt.remote_id.size);
	return true;
}

static void receipt_answered(struct host_session *s, uint64_t token, const struct result *r)
{
	(void)s;
	(void)token;
	receipts.results++;
	receipts.positive += r->why == REASON_NONE;
	receipts.status = r->peer_status;
}

static const char world[] = "accounts:\n"
			    "  - {name: esme1, password: secret1}\n"
			    "peers:\n"
			    "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, "
			    "password: pw, connections: 4}\n"
			    "routes:\n"
			    "  - {to: \"+4670\", via: [smsc1]}\n";

static const char world_hexadecimal[] = "accounts:\n"
					"  - {name: esme1, password: secret1}\n"
					"peers:\n"
					"  - {name: smsc1, host: 198.18.0.2, port: 2776, password: "
					"pw, connections: 4, ids: hexadecimal}\n"
					"routes:\n"
					"  - {to: \"+4670\", via: [smsc1]}\n";

static const char world_pair[] = "accounts:\n"
				 "  - {name: esme1, password: secret1}\n"
				 "peers:\n"
				 "  - {name: smsc-tx, host: 198.18.0.2, port: 2776, password: pw, "
				 "bind: transmitter, connections: 2}\n"
				 "  - {name: smsc-rx, host: 198.18.0.2, port: 2776, password: pw, "
				 "bind: receiver, connections: 2}\n"
				 "routes:\n"
				 "  - {to: \"+4670\", via: [smsc-tx]}\n";

#define EARLY 1u     /* the receipt comes a second before the response */
#define PLAIN 2u     /* none is asked for */
#define SMALL_IDS 4u /* from 1: most are ids in the other base too */
#define HELD 8u      /* the test sends receipts before the responses */

static void begin(unsigned workers, uint64_t seed, const char *yaml, unsigned esmes,
		  uint32_t messages, unsigned how)
{
	const struct sim_config config = {
		.workers = workers, .seed = seed, .window = 50, .hooks = record_hooks};

	memset(&receipts, 0, sizeof(receipts));
	receipts.id_base = (how & SMALL_IDS) != 0 ? 0 : 5000000000;
	receipts.early = (how & EARLY) != 0;
	receipts.held = (how & (EARLY | HELD)) != 0;
	record_begin(messages);
	record.fill = (how & PLAIN) != 0 ? NULL : wants_receipt;
	record.arrives = taken;
	record.at_esme = receipt_arrives;
	record.other_result = receipt_answered;
	record_world(&sim, &config, yaml, 1, esmes, 4);
}

static void end(void)
{
	sim_free(&sim);
	record_end();
}

static bool all_receipts_answered(struct sim *s)
{
	return record_all_answered(s) && receipts.results == receipts.sent;
}

static void receipts_go(enum form form)
{
	for (unsigned i = 0; i < receipts.due_count; i++) {
		receipt_send(receipts.due[i].session, receipts.due[i].number, receipts.due[i].id,
			     form, MSG_STATE_DELIVERED);
		sim_step(&sim, 100);
	}
	assert_true(sim_until(&sim, all_receipts_answered, 20 * US_PER_SECOND));
}

static void every_message_has_its_receipt_under_our_id(void)
{
	for (uint32_t i = 0; i < record.limit; i++) {
		assert_int_equal(record.fates[i].positive, 1);
		assert_int_equal(receipts.at_esme[i], 1);
		assert_string_equal(receipts.told_id[i], record.fates[i].id);
	}
	assert_int_equal(receipts.positive, record.limit);
	assert_int_equal(sim_metric(&sim, METRIC_receipts_delivered), record.limit);
}

static void a_receipt_after_the_response_comes_to_the_submitter_under_our_id(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 2; workers++) {
		for (enum form form = TEXT_AND_PARAMETER; form <= TEXT_PADDED; form++) {
			begin(workers, form + 1, world, workers * 2, 200, 0);
			print_message("seed %u\n", form + 1);
			assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
			sim_pass(&sim, US_PER_SECOND / 10);
			assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 200);
			receipts_go(form);
			every_message_has_its_receipt_under_our_id();
			sim_pass(&sim, US_PER_SECOND / 10);
			assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 0);
			assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
			end();
		}
	}
}

static void
a_peer_that_writes_hexadecimal_in_its_receipts_is_understood_also_where_both_bases_fit(void **state)
{
	(void)state;
	begin(1, 1, world_hexadecimal, 1, 200, SMALL_IDS);
	assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
	receipts_go(TEXT_HEXADECIMAL); /* 10 is 16 there, and both are the id of a message */
	every_message_has_its_receipt_under_our_id();
	end();
}

/* A session of the SMSC that no message came in on. */
static uint32_t receiver_session(void)
{
	for (uint32_t i = 0; i < sim.host.session_count; i++) {
		bool used = sim.host.sessions[i].role != HOST_SMSC;

		for (unsigned d = 0; d < receipts.due_count; d++)
			used = used || receipts.due[d].session == i;
		if (!used)
			return i;
	}
	fail_msg("no session is left for receipts");
	return 0;
}

static void a_receipt_on_a_receiver_bind_finds_what_went_out_over_the_transmitter_bind(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 2; workers++) {
		begin(workers, 1, world_pair, workers, 200, 0);
		assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
		for (unsigned d = 0, rx = receiver_session(); d < receipts.due_count; d++)
			receipts.due[d].session = rx;
		receipts_go(TEXT_AND_PARAMETER);
		every_message_has_its_receipt_under_our_id();
		end();
	}
}

/* The responses that were held back. */
static void responses_go(void)
{
	for (unsigned i = 0; i < receipts.due_count; i++) {
		struct result answer = {.why = REASON_NONE, .msg_id = receipts.due[i].id};

		host_answer(&sim.host, &sim.host.sessions[receipts.due[i].session],
			    receipts.due[i].token, &answer);
	}
}

static void
early_receipts_find_their_message_where_an_id_is_that_of_another_in_the_other_base(void **state)
{
	(void)state;
	for (enum form form = TEXT_HEXADECIMAL; form <= TEXT_DECIMAL; form++) {
		begin(1, 7, world, 1, 50, SMALL_IDS | HELD);
		sim_pass(&sim, US_PER_SECOND / 10);
		for (unsigned i = receipts.due_count; i-- > 0;)
			receipt_send(receipts.due[i].session, receipts.due[i].number,
				     receipts.due[i].id, form, MSG_STATE_DELIVERED);
		sim_pass(&sim, US_PER_SECOND / 10);
		responses_go();
		assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
		every_message_has_its_receipt_under_our_id();
		end();
	}
}

static void a_receipt_with_a_rewritten_address_is_matched_by_its_id_alone(void **state)
{
	(void)state;
	for (enum form form = TEXT_HEXADECIMAL; form <= TEXT_DECIMAL; form++) { /* long ids */
		begin(2, 3, world, 1, 20, 0);
		assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
		receipts.rewritten = true;
		record.at_esme = NULL;
		receipts_go(form);
		assert_int_equal(receipts.positive, 20);
		assert_int_equal(sim_metric(&sim, METRIC_receipts_delivered), 20);
		end();
	}
}

static void a_receipt_before_its_response_waits_and_comes_after_our_own_response(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 2; workers++) {
		begin(workers, 7, world, 1, 50, EARLY);
		sim_pass(&sim, US_PER_SECOND);
		assert_int_equal(receipts.due_count, 50);
		assert_int_equal(receipts.results, 0);
		responses_go();
		assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
		every_message_has_its_receipt_under_our_id();
		assert_int_equal(receipts.before_response, 0);
		end();
	}
}

static void an_unknown_receipt_is_refused_for_good_after_its_wait(void **state)
{
	uint64_t start;

	(void)state;
	for (unsigned workers = 1; workers <= 2; workers++) {
		begin(workers, 1, world, 1, 1, 0);
		assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
		start = sim.now.us;
		for (unsigned k = 0; k < 4; k++)
			receipt_send(receipts.due[0].session, 0, 999999 + k, k,
				     MSG_STATE_DELIVERED);
		assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
		assert_in_range(sim.now.us - start, 4900000, 5200000);
		assert_int_equal(receipts.positive, 0);
		assert_int_equal(receipts.status, SMPP_RX_P_APPN);
		assert_int_equal(receipts.at_esme[0], 0);
		assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
		end();
	}
}

static void
a_receipt_for_nobody_bound_is_refused_for_now_and_delivered_when_it_is_repeated_after_the_bind(
	void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 2; workers++) {
		begin(workers, 2, world, 0, 1, 0);
		assert_true(
			host_connect(&sim.host, sim.now, 2775, "esme1", "secret1", PROTO_RECEIVES));
		assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
		receipt_send(receipts.due[0].session, 0, receipts.due[0].id, TEXT_DECIMAL,
			     MSG_STATE_DELIVERED);
		assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
		assert_int_equal(receipts.positive, 0);
		assert_int_equal(receipts.status, SMPP_RX_T_APPN);
		assert_true(
			host_connect(&sim.host, sim.now, 2775, "esme1", "secret1", PROTO_SENDS));
		sim_pass(&sim, US_PER_SECOND);
		receipt_send(receipts.due[0].session, 0, receipts.due[0].id, TEXT_DECIMAL,
			     MSG_STATE_DELIVERED);
		assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
		every_message_has_its_receipt_under_our_id();
		end();
	}
}

static void an_intermediate_receipt_is_passed_on_and_the_final_one_ends_it(void **state)
{
	(void)state;
	begin(2, 4, world, 2, 1, 0);
	assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
	receipt_send(receipts.due[0].session, 0, receipts.due[0].id, TEXT_DECIMAL,
		     MSG_STATE_ACCEPTED);
	assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
	receipt_send(receipts.due[0].session, 0, receipts.due[0].id, TEXT_DECIMAL,
		     MSG_STATE_DELIVERED);
	assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
	assert_int_equal(receipts.at_esme[0], 2);
	assert_int_equal(receipts.positive, 2);
	sim_pass(&sim, US_PER_SECOND / 10);
	receipt_send(receipts.due[0].session, 0, receipts.due[0].id, TEXT_DECIMAL,
		     MSG_STATE_DELIVERED);
	assert_true(sim_until(&sim, all_receipts_answered, 10 * US_PER_SECOND));
	assert_int_equal(receipts.positive, 2);
	assert_int_equal(receipts.at_esme[0], 2);
	end();
}

static void no_receipt_is_awaited_for_a_message_that_asked_for_none(void **state)
{
	(void)state;
	begin(1, 4, world, 1, 50, PLAIN);
	assert_true(sim_until(&sim, record_all_answered, 10 * US_PER_SECOND));
	assert_int_equal(sim_metric(&sim, METRIC_receipts_open), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receipt_after_the_response_comes_to_the_submitter_under_our_id),
		cmocka_unit_test(
			a_receipt_on_a_receiver_bind_finds_what_went_out_over_the_transmitter_bind),
		cmocka_unit_test(
			a_peer_that_writes_hexadecimal_in_its_receipts_is_understood_also_where_both_bases_fit),
		cmocka_unit_test(
			a_receipt_before_its_response_waits_and_comes_after_our_own_response),
		cmocka_unit_test(
			early_receipts_find_their_message_where_an_id_is_that_of_another_in_the_other_base),
		cmocka_unit_test(a_receipt_with_a_rewritten_address_is_matched_by_its_id_alone),
		cmocka_unit_test(an_unknown_receipt_is_refused_for_good_after_its_wait),
		cmocka_unit_test(
			a_receipt_for_nobody_bound_is_refused_for_now_and_delivered_when_it_is_repeated_after_the_bind),
		cmocka_unit_test(an_intermediate_receipt_is_passed_on_and_the_final_one_ends_it),
		cmocka_unit_test(no_receipt_is_awaited_for_a_message_that_asked_for_none),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
