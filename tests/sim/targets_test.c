/* Where messages go and what becomes of them when a target is down, full, slow, refuses or is
 * silent. */
#include "test.h"

#include <stdio.h>

#include "smpp/map.h"

#include "explain.h"
#include "record.h"

#define SEEDS 3
#define RECIPIENTS 40u
#define SESSIONS 8u

static struct sim sim;

#define ACCOUNTS                                                                                   \
	"accounts:\n"                                                                              \
	"  - {name: esme1, password: secret1, window: 1000%s}\n"                                   \
	"  - {name: esme2, password: secret2}\n"

static const char *world_of(const char *account, const char *smsc1, const char *smsc2,
			    const char *via)
{
	static char room[2048];

	snprintf(room, sizeof(room),
		 ACCOUNTS
		 "peers:\n"
		 "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw%s}\n"
		 "  - {name: smsc2, host: 198.18.0.2, port: 2777, system_id: two, password: pw%s}\n"
		 "routes:\n"
		 "  - {to: \"+4670\", via: %s}\n"
		 "  - {to: \"+4680\", via: [esme2]}\n"
		 "  - {to: \"=71234\", via: [esme2]}\n",
		 account, smsc1, smsc2, via);
	return room;
}

static void begin_how(const struct sim_config *how, const char *yaml, unsigned esmes,
		      unsigned links, uint32_t messages)
{
	struct sim_config config = *how;

	config.hooks = record_hooks;
	if (config.window == 0)
		config.window = 100;
	record.limit = 0;
	record_world(&sim, &config, yaml, 2, esmes, links);
	record_more(messages);
}

static void begin(const char *yaml, unsigned esmes, unsigned links, uint32_t messages)
{
	begin_how(&(struct sim_config){.workers = 2, .seed = 11}, yaml, esmes, links, messages);
}

static void end(void)
{
	sim_free(&sim);
	record_end();
}

static void answers_come(uint64_t seconds)
{
	assert_true(sim_until(&sim, record_all_answered, seconds * US_PER_SECOND));
	for (uint32_t i = 0; i < record.limit; i++)
		assert_int_equal(record.fates[i].positive + record.fates[i].negative, 1);
	assert_int_equal(record.wrong, 0);
}

static unsigned count_at(const char *identity)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < record.limit; i++)
		n += record.fates[i].arrivals > 0 && strcmp(record.fates[i].at, identity) == 0;
	return n;
}

static unsigned count_status(uint32_t status)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < record.limit; i++)
		n += record.fates[i].negative > 0 && record.fates[i].status == status;
	return n;
}

static unsigned count_positive(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < record.limit; i++)
		n += record.fates[i].positive;
	return n;
}

/* ---- fail-over ---- */

static void messages_go_to_the_second_target_while_the_first_is_down(void **state)
{
	(void)state;
	record_begin(0);
	begin(world_of("", ", connections: 2", ", connections: 2", "[smsc1, smsc2]"), 2, 4, 200);
	answers_come(5);
	assert_int_equal(count_at("one"), 200);
	host_listen_stop(&sim.host, 2776);
	for (unsigned k = 0; record_smsc(&sim, "one", 0) != NULL && k < 2; k++)
		host_reset(&sim.host, record_smsc(&sim, "one", 0));
	sim_pass(&sim, US_PER_SECOND / 10);
	record_more(500);
	answers_come(5);
	assert_int_equal(count_positive(), 500);
	assert_int_equal(count_at("two"), 300);
	assert_int_equal(host_listen(&sim.host, 2776), 0);
	sim_pass(&sim, 20 * US_PER_SECOND);
	record_more(600);
	answers_come(5);
	assert_int_equal(count_at("one"), 300);
	end();
}

/* ---- registered ---- */

static const struct {
	const char *via;
	bool        up; /* smsc1 */
	uint32_t    status;
	const char *explained[EXPLAINED_MAX];
} registered_cases[] = {
	{"[registered]",
	 true,
	 SMPP_RINVDSTADR,
	 {"rules: none", "route: +4670: longest prefix",
	  "target: registered: the recipient is not registered here",
	  "result: refused: The recipient is not registered here"}},
	{"[registered, smsc1]",
	 true,
	 SMPP_ROK,
	 {"rules: none", "route: +4670: longest prefix",
	  "target: registered: the recipient is not registered here",
	  "target: peer smsc1: session"}},
	{"[registered, smsc1]",
	 false,
	 SMPP_RSYSERR,
	 {"rules: none", "route: +4670: longest prefix",
	  "target: registered: the recipient is not registered here",
	  "target: peer smsc1: no session of it takes messages now",
	  "result: refused: No target of the route is up."}},
	{"[smsc1, registered]",
	 false,
	 SMPP_RSYSERR,
	 {"rules: none", "route: +4670: longest prefix",
	  "target: peer smsc1: no session of it takes messages now",
	  "target: registered: the recipient is not registered here",
	  "result: refused: No target of the route is up."}},
};

static void who_is_not_registered_is_reached_by_the_next_target_or_refused_for_good(void **state)
{
	(void)state;
	for (unsigned c = 0; c < sizeof(registered_cases) / sizeof(registered_cases[0]); c++) {
		record_begin(0);
		begin(world_of("", "", "", registered_cases[c].via), 2, 2, 0);
		if (!registered_cases[c].up) {
			host_listen_stop(&sim.host, 2776);
			host_reset(&sim.host, record_smsc(&sim, "one", 0));
			sim_pass(&sim, US_PER_SECOND / 10);
		}
		is_explained(&sim, "+46701234567", registered_cases[c].explained);
		record_more(100);
		answers_come(5);
		if (registered_cases[c].status == SMPP_ROK)
			assert_int_equal(count_at("one"), 100);
		else
			assert_int_equal(count_status(registered_cases[c].status), 100);
		assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_NOT_REGISTERED),
				 registered_cases[c].status == SMPP_RINVDSTADR ? 100 : 0);
		end();
	}
}

static void an_address_with_a_domain_is_explained_by_its_route(void **state)
{
	(void)state;
	record_begin(0);
	begin("accounts:\n  - {name: esme1, password: secret1}\n"
	      "peers:\n"
	      "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw}\n"
	      "routes:\n"
	      "  - {to: \"sip:*@IMS.example\", via: [smsc1]}\n"
	      "  - {to: \"=sip:alice@ims.example\", via: [registered]}\n",
	      1, 1, 0);
	is_explained(&sim, "sip:bob@ims.EXAMPLE",
		     (const char *const[EXPLAINED_MAX]){"rules: none",
							"route: sip:*@ims.example: domain",
							"target: peer smsc1"});
	is_explained(&sim, "SIP:alice@ims.example",
		     (const char *const[EXPLAINED_MAX]){
			     "rules: none", "route: =sip:alice@ims.example: exact address",
			     "target: registered",
			     "result: refused: The recipient is not registered"});
	is_explained(&sim, "sip:bob@other.example",
		     (const char *const[EXPLAINED_MAX]){"rules: none", "route: none",
							"result: refused: No route"});
	end();
}

static void a_link_that_breaks_under_load_loses_and_repeats_nothing_that_was_not_told(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		print_message("seed %u\n", (unsigned)seed);
		record_begin(0);
		begin_how(&(struct sim_config){.workers = 2, .seed = seed, .loss_per_mille = 10},
			  world_of("", ", connections: 2", ", connections: 2", "[smsc1, smsc2]"), 4,
			  4, 4000);
		for (unsigned k = 0; k < 10; k++) {
			struct host_session *s;

			sim_pass(&sim, 20000);
			s = record_smsc(&sim, k % 2 ? "one" : "two", 0);
			if (s != NULL)
				host_reset(&sim.host, s);
		}
		answers_come(60);
		for (uint32_t i = 0; i < record.limit; i++) {
			assert_in_range(record.fates[i].arrivals, record.fates[i].positive, 1);
			if (record.fates[i].arrivals > 0 && record.fates[i].negative > 0)
				assert_int_equal(record.fates[i].status, SMPP_RSUBMITFAIL);
		}
		assert_int_equal(count_status(SMPP_RSUBMITFAIL),
				 sim_metric(&sim, METRIC_messages_unknown));
		assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
		end();
	}
}

static bool one_is_silent(struct host_session *s, uint32_t number, struct msg *m,
			  struct result *answer)
{
	(void)number;
	(void)m;
	(void)answer;
	return strcmp(s->identity, "one") != 0;
}

static bool all_are_silent(struct host_session *s, uint32_t number, struct msg *m,
			   struct result *answer)
{
	(void)s;
	(void)number;
	(void)m;
	(void)answer;
	return false;
}

static void messages_go_to_the_second_target_when_the_queue_of_the_first_is_full(void **state)
{
	(void)state;
	record_begin(0);
	record.arrives = one_is_silent;
	begin(world_of("", ", window: 10, queue: 5", "", "[smsc1, smsc2]"), 1, 2, 100);
	answers_come(26);
	assert_int_equal(count_positive(), 85);
	assert_int_equal(count_at("two"), 85);
	assert_int_equal(count_status(SMPP_RSUBMITFAIL), 15);
	end();
}

static void a_message_is_refused_with_queue_full_when_the_queues_of_all_targets_are(void **state)
{
	(void)state;
	record_begin(0);
	record.arrives = all_are_silent;
	begin(world_of("", ", window: 10, queue: 5", ", window: 10, queue: 5", "[smsc1, smsc2]"), 1,
	      2, 100);
	answers_come(26);
	assert_int_equal(count_status(SMPP_RMSGQFUL), 70);
	assert_int_equal(count_status(SMPP_RSUBMITFAIL), 30);
	end();
}

static bool one_refuses_for_now(struct host_session *s, uint32_t number, struct msg *m,
				struct result *answer)
{
	(void)number;
	(void)m;
	if (strcmp(s->identity, "one") == 0)
		answer->why = REASON_PEER_TEMPORARY;
	return true;
}

static bool one_refuses_for_good(struct host_session *s, uint32_t number, struct msg *m,
				 struct result *answer)
{
	(void)number;
	(void)m;
	if (strcmp(s->identity, "one") == 0)
		answer->why = REASON_SCHEDULE;
	return true;
}

static void
messages_go_to_the_second_target_when_the_first_refuses_for_now_but_not_when_it_does_for_good(
	void **state)
{
	(void)state;
	record_begin(0);
	record.arrives = one_refuses_for_now;
	begin(world_of("", "", "", "[smsc1, smsc2]"), 1, 2, 200);
	answers_come(5);
	assert_int_equal(count_positive(), 200);
	assert_int_equal(count_at("two"), 200);
	assert_int_equal(sim_metric(&sim, METRIC_messages_failed_over), 200);
	record.arrives = one_refuses_for_good;
	record_more(300);
	answers_come(5);
	assert_int_equal(count_at("one"), 100);
	assert_int_equal(count_status(SMPP_RINVSCHED), 100);
	end();
}

/* ---- weights, order ---- */

static bool pairs_again(struct host_session *s, struct msg *m, uint32_t number)
{
	char from[24], to[24];

	(void)s;
	number %= 3000;
	snprintf(from, sizeof(from), "+4611%u", number % 7);
	snprintf(to, sizeof(to), "+4670%07u", number * 37);
	record_addresses(m, from, to);
	return true;
}

static void weights_share_out_pairs_within_tolerance_and_a_pair_stays_where_it_is(void **state)
{
	unsigned one;

	(void)state;
	record_begin(0);
	record.fill = pairs_again;
	begin(world_of("", ", connections: 2", ", connections: 2", "{smsc1: 70, smsc2: 30}"), 2, 4,
	      3000);
	answers_come(20);
	one = count_at("one");
	print_message("weight 70: %u of 3000\n", one);
	assert_in_range(one, 2100 - 120, 2100 + 120);
	record_more(6000);
	answers_come(20);
	for (uint32_t i = 0; i < 3000; i++) {
		assert_string_equal(record.fates[i].at, record.fates[i + 3000].at);
		assert_int_equal(record.fates[i].session, record.fates[i + 3000].session);
	}
	end();
}

static uint32_t recipient_of[8192], newest[SESSIONS * RECIPIENTS];
static unsigned disorder;

static bool of_this_session(struct host_session *s, struct msg *m, uint32_t number)
{
	uint32_t recipient =
		(uint32_t)(s - sim.host.sessions) % SESSIONS * RECIPIENTS + number % RECIPIENTS;
	char to[24];

	snprintf(to, sizeof(to), "+4670%07u", recipient);
	record_addresses(m, "+4611111", to);
	recipient_of[number] = recipient;
	return true;
}

static void order_note(uint32_t number)
{
	disorder += number + 1 <= newest[recipient_of[number]];
	newest[recipient_of[number]] = number + 1;
}

static bool in_order(struct host_session *s, uint32_t number, struct msg *m, struct result *answer)
{
	(void)s;
	(void)m;
	(void)answer;
	order_note(number);
	return true;
}

static struct {
	uint64_t last_us;
	unsigned accepted;
	bool     throttling;
} smsc[64];

/* Every 50 messages the link says "throttled" until it has been let alone for 500 ms: longer than a
 * lost segment takes, so that what was on the way with the refused one is refused too. */
static bool throttles(struct host_session *s, uint32_t number, struct msg *m, struct result *answer)
{
	unsigned i = (unsigned)(s - sim.host.sessions);

	(void)m;
	if (smsc[i].throttling && sim.now.us - smsc[i].last_us >= 500000)
		smsc[i].throttling = false;
	smsc[i].last_us = sim.now.us;
	if (smsc[i].throttling || ++smsc[i].accepted % 50 == 0) {
		smsc[i].throttling = true;
		answer->why = REASON_RATE;
		return true;
	}
	order_note(number);
	return true;
}

static void order_is_kept(bool (*arrives)(struct host_session *, uint32_t, struct msg *,
					  struct result *),
			  uint64_t seed, uint32_t messages)
{
	memset(newest, 0, sizeof(newest));
	memset(smsc, 0, sizeof(smsc));
	disorder = 0;
	record_begin(0);
	record.fill = of_this_session;
	record.arrives = arrives;
	begin_how(&(struct sim_config){.workers = 2,
				       .seed = seed,
				       .loss_per_mille = 10,
				       .forward_all = seed % 2 == 0},
		  world_of("", ", connections: 6, window: 10", "", "[smsc1]"), 4, 7, messages);
	answers_come(120);
	assert_int_equal(count_positive(), messages);
	assert_int_equal(disorder, 0);
}

static void order_is_kept_per_session_and_recipient(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		print_message("seed %u\n", (unsigned)seed);
		order_is_kept(in_order, seed, 6000);
		end();
	}
}

static void a_throttled_link_keeps_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		print_message("seed %u\n", (unsigned)seed);
		order_is_kept(throttles, seed, 2000);
		assert_true(sim_metric(&sim, METRIC_messages_requeued) >= 20);
		end();
	}
}

/* ---- time ---- */

static void a_silent_peer_makes_the_outcome_unknown_after_its_response_time(void **state)
{
	(void)state;
	record_begin(0);
	record.arrives = one_is_silent;
	begin(world_of("", "", "", "[smsc1, smsc2]"), 1, 2, 50);
	answers_come(11);
	assert_int_equal(count_status(SMPP_RSUBMITFAIL), 50);
	assert_int_equal(sim_metric(&sim, METRIC_messages_unknown), 50);
	for (uint32_t i = 0; i < 50; i++) {
		assert_int_equal(record.fates[i].arrivals, 1);
		assert_in_range(record.fates[i].answered_us - record.fates[i].sent_us, 10000000,
				10200000);
	}
	end();
}

static unsigned marked_count; /* messages that arrived marked as a possible duplicate */

static bool one_is_silent_and_marks_are_counted(struct host_session *s, uint32_t number,
						struct msg *m, struct result *answer)
{
	struct msg_extra extra;
	bool             marked = msg_extra_find(m, 0, SMPP_TLV_possible_duplicate, &extra);

	assert_int_equal(marked, strcmp(s->identity, "two") == 0);
	marked_count += marked;
	return one_is_silent(s, number, m, answer);
}

static void with_resend_unknown_the_next_target_gets_it_marked_and_it_is_counted(void **state)
{
	(void)state;
	record_begin(0);
	marked_count = 0;
	record.arrives = one_is_silent_and_marks_are_counted;
	begin(world_of(", resend_unknown: true", ", mark_duplicates: true",
		       ", mark_duplicates: true", "[smsc1, smsc2]"),
	      1, 2, 50);
	answers_come(11);
	assert_int_equal(marked_count, 50);
	assert_int_equal(count_positive(), 50);
	assert_int_equal(count_at("two"), 50);
	assert_int_equal(sim_metric(&sim, METRIC_messages_resent), 50);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(record.fates[i].arrivals, 2);
	end();
}

static void every_submission_is_answered_within_25_seconds_whatever_the_peers_do(void **state)
{
	static const char *const slow[] = {", response_time: 60", ", window: 1",
					   ", window: 1, rate: 1", ", window: 3, response_time: 8"};

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		record_begin(0);
		record.arrives = all_are_silent;
		begin(world_of(k % 2 ? "" : ", resend_unknown: true", slow[k], slow[k],
			       "[smsc1, smsc2]"),
		      1, 2, 90);
		answers_come(26);
		assert_int_equal(count_positive(), 0);
		for (uint32_t i = 0; i < record.limit; i++)
			assert_in_range(record.fates[i].answered_us - record.fates[i].sent_us, 1,
					25100000);
		sim_pass(&sim, 70 * US_PER_SECOND);
		assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
		end();
	}
}

static void in_datagram_mode_the_answer_comes_at_once(void **state)
{
	(void)state;
	record_begin(0);
	record.arrives = all_are_silent;
	begin(world_of(", mode: datagram", "", "", "[smsc1]"), 1, 2, 50);
	answers_come(1);
	assert_int_equal(count_positive(), 50);
	for (uint32_t i = 0; i < record.limit; i++)
		assert_in_range(record.fates[i].answered_us - record.fates[i].sent_us, 0, 50000);
	sim_pass(&sim, 12 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
	assert_int_equal(record.answered, 50);
	end();
}

/* ---- accounts as targets ---- */

static unsigned other_positive, other_results, esme_arrivals;
static uint32_t other_status;
static char     esme_text[64];

static void other_answered(struct host_session *s, uint64_t token, const struct result *r)
{
	(void)s;
	(void)token;
	other_results++;
	other_positive += r->why == REASON_NONE;
	other_status = r->peer_status;
}

static bool at_receiver(struct host_session *s, struct msg *m, struct result *answer)
{
	uint8_t room[64];

	(void)s;
	(void)answer;
	esme_arrivals++;
	str_copy(esme_text, sizeof(esme_text),
		 (struct str){(const char *)msg_view(m, m->body, room), m->body.size});
	return true;
}

static bool other_is_answered(struct sim *s)
{
	(void)s;
	return other_results > 0;
}

static void mobile_originates(const char *to)
{
	struct msg *m = msg_new(sim.host.msgs);

	assert_non_null(m);
	other_results = other_positive = 0;
	record_addresses(m, "+46701234567", to);
	record_text(m, "hello from a phone");
	host_submit(&sim.host, record_smsc(&sim, "one", 0), m, RECORD_OTHER);
	assert_true(sim_until(&sim, other_is_answered, 5 * US_PER_SECOND));
}

static void
a_message_from_a_phone_comes_to_the_receiver_of_the_account_that_has_its_number(void **state)
{
	(void)state;
	esme_arrivals = 0;
	record_begin(0);
	record.at_esme = at_receiver;
	record.other_result = other_answered;
	begin(world_of("", "", "", "[smsc1]"), 0, 2, 0);
	mobile_originates("71234");
	assert_int_equal(other_status, SMPP_RX_T_APPN); /* nobody is bound */
	assert_true(host_connect(&sim.host, sim.now, 2775, "esme2", "secret2", PROTO_SENDS));
	sim_pass(&sim, US_PER_SECOND);
	mobile_originates("71234");
	assert_int_equal(other_positive, 1);
	assert_int_equal(esme_arrivals, 1);
	assert_string_equal(esme_text, "hello from a phone");
	mobile_originates("71235");
	assert_int_equal(other_status, SMPP_RX_P_APPN); /* nobody has that number */
	end();
}

static bool to_account(struct host_session *s, struct msg *m, uint32_t number)
{
	char to[24];

	(void)s;
	snprintf(to, sizeof(to), "+4680%07u", number);
	record_addresses(m, "+4611111", to);
	return true;
}

static void an_account_may_be_the_target_of_another_ones_messages(void **state)
{
	(void)state;
	esme_arrivals = 0;
	record_begin(0);
	record.at_esme = at_receiver;
	record.fill = to_account;
	begin(world_of("", "", "", "[smsc1]"), 1, 2, 0);
	for (unsigned k = 0; k < 4; k++)
		assert_true(
			host_connect(&sim.host, sim.now, 2775, "esme2", "secret2", PROTO_SENDS));
	sim_pass(&sim, US_PER_SECOND);
	record_more(500);
	answers_come(5);
	assert_int_equal(count_positive(), 500);
	assert_int_equal(esme_arrivals, 500);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_to_the_second_target_while_the_first_is_down),
		cmocka_unit_test(
			who_is_not_registered_is_reached_by_the_next_target_or_refused_for_good),
		cmocka_unit_test(an_address_with_a_domain_is_explained_by_its_route),
		cmocka_unit_test(
			a_link_that_breaks_under_load_loses_and_repeats_nothing_that_was_not_told),
		cmocka_unit_test(
			messages_go_to_the_second_target_when_the_queue_of_the_first_is_full),
		cmocka_unit_test(
			a_message_is_refused_with_queue_full_when_the_queues_of_all_targets_are),
		cmocka_unit_test(
			messages_go_to_the_second_target_when_the_first_refuses_for_now_but_not_when_it_does_for_good),
		cmocka_unit_test(
			weights_share_out_pairs_within_tolerance_and_a_pair_stays_where_it_is),
		cmocka_unit_test(order_is_kept_per_session_and_recipient),
		cmocka_unit_test(a_throttled_link_keeps_order),
		cmocka_unit_test(a_silent_peer_makes_the_outcome_unknown_after_its_response_time),
		cmocka_unit_test(
			with_resend_unknown_the_next_target_gets_it_marked_and_it_is_counted),
		cmocka_unit_test(
			every_submission_is_answered_within_25_seconds_whatever_the_peers_do),
		cmocka_unit_test(in_datagram_mode_the_answer_comes_at_once),
		cmocka_unit_test(
			a_message_from_a_phone_comes_to_the_receiver_of_the_account_that_has_its_number),
		cmocka_unit_test(an_account_may_be_the_target_of_another_ones_messages),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
