/* The world changes while messages flow: accounts, rates, peers, routes and rules. */
#include "test.h"

#include <stdio.h>

#include "smpp/pdu.h"

#include "record.h"

static struct sim sim;

#define MESSAGES_MAX 65536u

static void begin(const char *yaml, unsigned smscs, unsigned esmes, unsigned links, unsigned window,
		  uint32_t messages)
{
	const struct sim_config config = {
		.workers = 2, .seed = 21, .window = window, .hooks = record_hooks};

	record_world(&sim, &config, yaml, smscs, esmes, links);
	record_more(messages);
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
}

static void all_were_delivered_once(void)
{
	for (uint32_t i = 0; i < record.limit; i++) {
		assert_int_equal(record.fates[i].positive, 1);
		assert_int_equal(record.fates[i].arrivals, 1);
	}
}

#define SMSC1 "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw}\n"
#define ROUTES "routes:\n  - {to: \"+4670\", via: [smsc1]}\n"

static const char two_accounts[] = "accounts:\n"
				   "  - {name: esme1, password: secret1}\n"
				   "  - {name: esme2, password: secret2}\n"
				   "peers:\n" SMSC1 ROUTES;
static const char                                   one_account[] = "accounts:\n"
								    "  - {name: esme1, password: secret1}\n"
				  "peers:\n" SMSC1 ROUTES;
static const char                                  other_password[] = "accounts:\n"
								      "  - {name: esme1, password: secret1}\n"
								      "  - {name: esme2, password: other7}\n"
				     "peers:\n" SMSC1 ROUTES;

static void
an_account_that_is_removed_or_has_a_new_password_loses_its_sessions_and_nobody_else_does(
	void **state)
{
	static const char *const after[] = {one_account, other_password};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct host_session *gone;

		record_begin(0);
		begin(two_accounts, 1, 1, 1, 20, 0);
		assert_true(
			host_connect(&sim.host, sim.now, 2775, "esme2", "secret2", PROTO_SENDS));
		gone = &sim.host.sessions[sim.host.session_count - 1];
		sim_pass(&sim, US_PER_SECOND);
		assert_true(gone->up);
		record_more(2000);
		sim_pass(&sim, 20000);
		sim_change(&sim, two_accounts, after[k]);
		answers_come(10);
		sim_pass(&sim, US_PER_SECOND);
		all_were_delivered_once();
		assert_false(gone->up);
		assert_true(sim.host.sessions[0].up);
		assert_true(
			host_connect(&sim.host, sim.now, 2775, "esme2", "secret2", PROTO_SENDS));
		gone = &sim.host.sessions[sim.host.session_count - 1];
		sim_pass(&sim, US_PER_SECOND);
		assert_false(gone->up);
		end();
	}
}

static const char many_sessions[] = "accounts:\n"
				    "  - {name: esme1, password: secret1}\n"
				    "  - {name: esme2, password: secret2, sessions: 250}\n"
				    "peers:\n" SMSC1 ROUTES;

static uint32_t not_followed(void)
{
	uint32_t left = 0;

	for (unsigned w = 0; w < sim.dp.worker_count; w++)
		left += sim.dp.workers[w]->following.left;
	return left;
}

static void many_sessions_of_an_account_that_is_removed_end_over_several_turns(void **state)
{
	enum { SESSIONS = 250 };

	(void)state;
	record_begin(0);
	begin(many_sessions, 1, 1, 1, 20, 0);
	for (unsigned i = 0; i < SESSIONS; i++) {
		assert_true(
			host_connect(&sim.host, sim.now, 2775, "esme2", "secret2", PROTO_SENDS));
		sim_pass(&sim, 20000);
	}
	for (unsigned i = 0; i < sim.host.session_count; i++)
		assert_true(sim.host.sessions[i].up);
	assert_int_equal(not_followed(), 0);
	sim_change(&sim, many_sessions, one_account);
	sim_step(&sim, 100);
	assert_in_range(not_followed(), 1, SESSIONS);
	record_more(200);
	answers_come(10);
	sim_pass(&sim, US_PER_SECOND);
	all_were_delivered_once();
	assert_int_equal(not_followed(), 0);
	for (unsigned i = 0; i < sim.host.session_count; i++) {
		if (sim.host.sessions[i].role == HOST_ESME)
			assert_int_equal(sim.host.sessions[i].up, i == 0);
	}
	end();
}

static const char rate_100[] = "accounts:\n"
			       "  - {name: esme1, password: secret1, rate: 100}\n"
			       "peers:\n" SMSC1 ROUTES;
static const char                               rate_1000[] = "accounts:\n"
							      "  - {name: esme1, password: secret1, rate: 1000}\n"
				"peers:\n" SMSC1 ROUTES;

static uint64_t last_us[HOST_SESSIONS_MAX];

/* 2,000 a second from each session. */
static bool paced(struct host_session *s, struct msg *m, uint32_t number)
{
	uint64_t *last = &last_us[s - sim.host.sessions];
	char      to[24];

	if (sim.now.us - *last < 500)
		return false;
	*last = sim.now.us;
	snprintf(to, sizeof(to), "+4670%07u", number);
	record_addresses(m, "+4611111", to);
	return true;
}

/* Taken in one second. */
static unsigned taken_in_a_second(void)
{
	uint64_t before = sim_metric(&sim, METRIC_messages_delivered);

	sim_pass(&sim, US_PER_SECOND);
	assert_true(record.next < record.limit);
	return (unsigned)(sim_metric(&sim, METRIC_messages_delivered) - before);
}

static void a_rate_that_changes_holds_at_once_for_bound_sessions(void **state)
{
	(void)state;
	memset(last_us, 0, sizeof(last_us));
	record_begin(0);
	record.fill = paced;
	begin(rate_100, 1, 2, 1, 1, MESSAGES_MAX);
	taken_in_a_second();
	assert_in_range(taken_in_a_second(), 90, 110);
	sim_change(&sim, rate_100, rate_1000);
	taken_in_a_second();
	assert_in_range(taken_in_a_second(), 950, 1050);
	sim_change(&sim, rate_1000, rate_100);
	taken_in_a_second();
	assert_in_range(taken_in_a_second(), 90, 110);
	for (uint32_t i = 0; i < record.next; i++) {
		if (record.fates[i].negative > 0)
			assert_int_equal(record.fates[i].status, SMPP_RTHROTTLED);
	}
	end();
}

static const char four_links[] = "accounts:\n"
				 "  - {name: esme1, password: secret1}\n"
				 "  - {name: esme2, password: secret2}\n"
				 "peers:\n"
				 "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, "
				 "password: pw, connections: 4}\n" ROUTES;
static const char new_password[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1}\n"
	"  - {name: esme2, password: secret2}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: new}\n" ROUTES;

static unsigned open_smscs(void)
{
	unsigned n = 0;

	while (record_smsc(&sim, "one", n) != NULL)
		n++;
	return n;
}

static void a_peer_goes_from_one_connection_to_four_and_back_and_no_message_is_lost(void **state)
{
	(void)state;
	record_begin(0);
	begin(two_accounts, 1, 2, 1, 20, 6000);
	sim_pass(&sim, 20000);
	sim_change(&sim, two_accounts, four_links);
	sim_pass(&sim, US_PER_SECOND);
	assert_int_equal(open_smscs(), 4);
	assert_int_equal(sim_metric(&sim, METRIC_links_up), 4);
	answers_come(10);
	record_more(12000);
	sim_pass(&sim, 20000);
	sim_change(&sim, four_links, two_accounts);
	answers_come(20);
	all_were_delivered_once();
	sim_pass(&sim, US_PER_SECOND);
	assert_int_equal(open_smscs(), 1);
	assert_int_equal(sim_metric(&sim, METRIC_links_up), 1);
	end();
}

static unsigned logins;
static char     proof_seen[16];

static enum reason login_seen(struct host *h, struct host_session *s,
			      const struct proto_login *login)
{
	(void)h;
	(void)s;
	logins++;
	str_copy(proof_seen, sizeof(proof_seen), login->proof);
	return REASON_NONE;
}

static void a_peers_new_password_reconnects_with_it_and_each_message_has_one_answer(void **state)
{
	struct sim_config config = {.workers = 2, .seed = 21, .window = 20, .hooks = record_hooks};

	(void)state;
	logins = 0;
	config.hooks.login = login_seen;
	record_begin(0);
	record_world(&sim, &config, two_accounts, 1, 2, 1);
	assert_string_equal(proof_seen, "pw");
	record_more(2000);
	sim_pass(&sim, 5000);
	sim_change(&sim, two_accounts, new_password);
	answers_come(30);
	sim_pass(&sim, 10 * US_PER_SECOND);
	assert_int_equal(logins, 2);
	assert_string_equal(proof_seen, "new");
	assert_int_equal(open_smscs(), 1);
	assert_int_equal(sim_metric(&sim, METRIC_messages_unknown),
			 0); /* it parts in order: what was sent is answered first */
	record_more(2500);
	answers_come(10);
	for (uint32_t i = 2000; i < 2500; i++)
		assert_int_equal(record.fates[i].positive, 1);
	end();
}

/* ---- routes ---- */

#define TARGETS 4u
#define CHANGES 1000u

static char     route_worlds[TARGETS][1024];
static uint32_t change_of[MESSAGES_MAX]; /* changes in force when it was sent */
static uint32_t changes, forbidden, changes_apart_max;

static bool under_this_route(struct host_session *s, struct msg *m, uint32_t number)
{
	char to[24];

	(void)s;
	snprintf(to, sizeof(to), "+4670%07u", number);
	record_addresses(m, "+4611111", to);
	change_of[number] = changes;
	return true;
}

/* It may go by a route that was in force at some moment between its sending and now. */
static bool by_an_allowed_route(struct host_session *s, uint32_t number, struct msg *m,
				struct result *answer)
{
	uint32_t apart = changes - change_of[number];
	bool     allowed = false;

	(void)m;
	(void)answer;
	for (uint32_t c = change_of[number]; c <= changes; c++)
		allowed = allowed || (uint32_t)(s->identity[4] - '0') == c % TARGETS;
	forbidden += !allowed;
	changes_apart_max = apart > changes_apart_max ? apart : changes_apart_max;
	return true;
}

static void a_thousand_route_changes_under_load_hold_at_once(void **state)
{
	(void)state;
	for (unsigned k = 0; k < TARGETS; k++) {
		int n = snprintf(route_worlds[k], sizeof(route_worlds[k]),
				 "accounts:\n  - {name: esme1, password: secret1}\npeers:\n");

		for (unsigned p = 0; p < TARGETS; p++)
			n += snprintf(route_worlds[k] + n, sizeof(route_worlds[k]) - (size_t)n,
				      "  - {name: smsc%u, host: 198.18.0.2, port: %u, system_id: "
				      "smsc%u, password: pw, connections: 2}\n",
				      p, 2776 + p, p);
		snprintf(route_worlds[k] + n, sizeof(route_worlds[k]) - (size_t)n,
			 "routes:\n  - {to: \"+4670\", via: [smsc%u]}\n", k);
	}
	changes = forbidden = changes_apart_max = 0;
	record_begin(0);
	record.fill = under_this_route;
	record.arrives = by_an_allowed_route;
	begin(route_worlds[0], TARGETS, 4, 2 * TARGETS, 2, MESSAGES_MAX);
	while (changes < CHANGES && record.next < record.limit) {
		sim_change(&sim, route_worlds[changes % TARGETS],
			   route_worlds[(changes + 1) % TARGETS]);
		changes++;
		for (unsigned i = 0; i < 8; i++)
			sim_step(&sim, 100);
	}
	assert_int_equal(changes, CHANGES);
	record.limit = record.next;
	answers_come(10);
	print_message("%u messages, at most %u changes under way with one\n", record.limit,
		      changes_apart_max);
	assert_true(record.limit > 10 * CHANGES);
	assert_in_range(changes_apart_max, 0,
			TARGETS - 2); /* so that a wrong route is seen as one */
	assert_int_equal(forbidden, 0);
	all_were_delivered_once();
	end();
}

/* ---- rules ---- */

#define THREE_PEERS                                                                                \
	"accounts:\n  - {name: esme1, password: secret1}\npeers:\n"                                \
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw}\n"          \
	"  - {name: smsc2, host: 198.18.0.2, port: 2777, system_id: two, password: pw}\n"          \
	"  - {name: smsc3, host: 198.18.0.2, port: 2778, system_id: three, password: pw}\n"        \
	"routes:\n  - {to: \"+4670\", via: [smsc3]}\nrules:\n"

static const char rules_before[] =
	THREE_PEERS "  - {name: aside, when: {text: marker}, then: {route: [smsc1, smsc2]}}\n";
static const char rules_after[] =
	THREE_PEERS "  - {name: other, when: {text: nothing}, then: {route: [smsc3]}}\n";

static struct {
	uint32_t session;
	uint64_t token;
} held[16];
static unsigned held_count;

static bool one_waits(struct host_session *s, uint32_t number, struct msg *m, struct result *answer)
{
	(void)number;
	(void)answer;
	if (strcmp(s->identity, "one") != 0)
		return true;
	held[held_count].session = (uint32_t)(s - sim.host.sessions);
	held[held_count++].token = m->token;
	return false;
}

static void a_message_that_a_rule_has_routed_never_fails_over_by_another_set_of_rules(void **state)
{
	(void)state;
	for (unsigned change = 0; change <= 1; change++) {
		held_count = 0;
		record_begin(0);
		record.arrives = one_waits;
		begin(rules_before, 3, 1, 3, 20, 10);
		sim_pass(&sim, US_PER_SECOND);
		assert_int_equal(held_count, 10);
		if (change)
			sim_apply(&sim, rules_after);
		for (unsigned i = 0; i < held_count; i++)
			host_answer(&sim.host, &sim.host.sessions[held[i].session], held[i].token,
				    &(struct result){.why = REASON_PEER_TEMPORARY});
		answers_come(5);
		for (uint32_t i = 0; i < record.limit; i++) {
			assert_string_equal(record.fates[i].at, change ? "one" : "two");
			assert_int_equal(record.fates[i].negative, change);
		}
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_account_that_is_removed_or_has_a_new_password_loses_its_sessions_and_nobody_else_does),
		cmocka_unit_test(
			many_sessions_of_an_account_that_is_removed_end_over_several_turns),
		cmocka_unit_test(a_rate_that_changes_holds_at_once_for_bound_sessions),
		cmocka_unit_test(
			a_peer_goes_from_one_connection_to_four_and_back_and_no_message_is_lost),
		cmocka_unit_test(
			a_peers_new_password_reconnects_with_it_and_each_message_has_one_answer),
		cmocka_unit_test(a_thousand_route_changes_under_load_hold_at_once),
		cmocka_unit_test(
			a_message_that_a_rule_has_routed_never_fails_over_by_another_set_of_rules),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
