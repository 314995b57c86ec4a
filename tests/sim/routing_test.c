/* Messages through a whole dataplane: workers, wire and peers in virtual time. */
#include "test.h"

#include <stdio.h>

#include "sim.h"

#define SEEDS 3

static struct sim sim;

/* One numbered message after the other; what became of each. */
static struct {
	uint32_t      limit, next;
	uint8_t      *received; /* times that the SMSC saw it */
	uint8_t      *positive, *negative;
	uint64_t      last_status;
	unsigned      fault_per_mille, fault_seed;
	struct random random;
	uint64_t      wrong;
} record;

static void record_begin(uint32_t limit)
{
	free(record.received);
	free(record.positive);
	free(record.negative);
	memset(&record, 0, sizeof(record));
	record.limit = limit;
	record.received = calloc(limit, 1);
	record.positive = calloc(limit, 1);
	record.negative = calloc(limit, 1);
	random_seed(&record.random, 99);
}

static bool next_message(struct host *h, struct host_session *s, struct msg *m, uint64_t *token)
{
	char to[24], text[64];
	int  n;

	(void)h;
	(void)s;
	if (record.next == record.limit)
		return false;
	n = snprintf(to, sizeof(to), "+4670%07u", record.next);
	assert_true(msg_append_addr(m, ADDR_E164, 1, 1, STR("+4611111"), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 1, 1, (struct str){to, (size_t)n}, &m->to));
	n = snprintf(text, sizeof(text), "marker %u of the run", record.next);
	assert_true(msg_append(m, text, (size_t)n, &m->body));
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_GSM7;
	*token = record.next++;
	return true;
}

static void message_result(struct host *h, struct host_session *s, uint64_t token,
			   const struct result *r)
{
	(void)h;
	(void)s;
	assert_true(token < record.limit);
	if (r->why == REASON_NONE)
		record.positive[token]++;
	else
		record.negative[token]++;
	record.last_status = r->has_status ? r->peer_status : 0;
}

static bool message_arrives(struct host *h, struct host_session *s, struct msg *m,
			    struct result *answer)
{
	uint8_t  room[256];
	char     text[256];
	unsigned number;

	(void)h;
	(void)s;
	assert_in_range(m->body.size, 1, 200);
	memcpy(text, msg_view(m, m->body, room), m->body.size);
	text[m->body.size] = '\0';
	if (sscanf(text, "marker %u of the run", &number) != 1 || number >= record.limit) {
		record.wrong++;
		return true;
	}
	if (record.fault_per_mille > 0 &&
	    random_below(&record.random, 1000) < record.fault_per_mille) {
		switch (random_below(&record.random, 3)) {
		case 0:
			answer->why = REASON_RATE; /* ESME_RTHROTTLED: not taken */
			return true;
		case 1:
			answer->why = REASON_FORBIDDEN;
			return true;
		default:
			record.received[number]++;
			return false; /* taken, but no answer comes */
		}
	}
	record.received[number]++;
	return true;
}

static const struct host_hooks hooks = {
	.next = next_message, .result = message_result, .message = message_arrives};

static const char world[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, "
	"connections: 4, window: 50}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n"
	"rules:\n"
	"  - {name: spam-url, when: {text: 'bit\\.ly/[a-z0-9]+'}, then: {reject: spam}}\n";

static bool links_are_up(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == 4 && sim_metric(s, METRIC_logins) >= 8;
}

static bool all_answered(struct sim *s)
{
	return s->host.answered >= record.limit;
}

static void begin(const struct sim_config *config, uint32_t messages)
{
	record_begin(messages);
	sim_new(&sim, config);
	sim_apply(&sim, world);
	assert_int_equal(host_listen(&sim.host, 2776), 0);
	for (int i = 0; i < 4; i++)
		assert_true(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
					 PROTO_SENDS | PROTO_RECEIVES));
	assert_true(sim_until(&sim, links_are_up, 10 * US_PER_SECOND));
}

static void every_message_arrived_once_and_was_answered_positively(void)
{
	for (uint32_t i = 0; i < record.limit; i++) {
		assert_int_equal(record.received[i], 1);
		assert_int_equal(record.positive[i], 1);
		assert_int_equal(record.negative[i], 0);
	}
	assert_int_equal(record.wrong, 0);
}

static void messages_go_from_a_bind_to_a_peer_and_their_answers_back(void **state)
{
	const struct sim_config config = {.workers = 1, .seed = 1, .window = 100, .hooks = hooks};

	(void)state;
	begin(&config, 2000);
	assert_true(sim_until(&sim, all_answered, 20 * US_PER_SECOND));
	every_message_arrived_once_and_was_answered_positively();
	assert_int_equal(sim_metric(&sim, METRIC_messages_delivered), 2000);
	assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
	sim_free(&sim);
}

static void
two_workers_lose_and_repeat_nothing_though_every_packet_comes_to_the_wrong_one_and_some_are_lost(
	void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const struct sim_config config = {.workers = 2,
						  .seed = seed,
						  .loss_per_mille = 20,
						  .window = 100,
						  .forward_all = true,
						  .hooks = hooks};

		print_message("seed %u\n", (unsigned)seed);
		begin(&config, 3000);
		assert_true(sim_until(&sim, all_answered, 300 * US_PER_SECOND));
		every_message_arrived_once_and_was_answered_positively();
		assert_true(sim_metric(&sim, METRIC_hops_out) > 100);
		assert_int_equal(sim_metric(&sim, METRIC_hops_out),
				 sim_metric(&sim, METRIC_hops_in));
		sim_free(&sim);
	}
}

static void nothing_is_lost_or_repeated_over_a_port_with_every_fault_there_is(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const struct sim_config config = {.workers = 2,
						  .seed = seed,
						  .window = 100,
						  .faults = {.loss = 50,
							     .duplicate = 50,
							     .reorder = 50,
							     .corrupt = 50,
							     .delay = 500,
							     .seed = (uint32_t)seed},
						  .hooks = hooks};

		print_message("seed %u\n", (unsigned)seed);
		begin(&config, 3000);
		assert_true(sim_until(&sim, all_answered, 300 * US_PER_SECOND));
		every_message_arrived_once_and_was_answered_positively();
		assert_true(sim_metric(&sim, METRIC_faults_lost) > 5);
		assert_true(sim_metric(&sim, METRIC_faults_duplicated) > 5);
		assert_true(sim_metric(&sim, METRIC_faults_reordered) > 5);
		/* Each bit that was turned is found by a checksum, or by the address it spoilt. */
		assert_true(sim_metric(&sim, METRIC_faults_corrupted) > 5);
		assert_true(sim_metric(&sim, METRIC_ip_dropped_tcp_checksum) > 0);
		sim_free(&sim);
	}
}

static void
an_smsc_that_throttles_refuses_and_stays_silent_gives_each_submission_one_truthful_answer(
	void **state)
{
	const struct sim_config config = {.workers = 2, .seed = 5, .window = 100, .hooks = hooks};

	(void)state;
	begin(&config, 3000);
	record.fault_per_mille = 30;
	assert_true(sim_until(&sim, all_answered, 600 * US_PER_SECOND));
	for (uint32_t i = 0; i < record.limit; i++) {
		assert_int_equal(record.positive[i] + record.negative[i], 1);
		assert_in_range(record.received[i], record.positive[i], 1);
	}
	assert_true(sim_metric(&sim, METRIC_messages_requeued) > 0);
	assert_true(sim_metric(&sim, METRIC_messages_unknown) > 0);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_from_a_bind_to_a_peer_and_their_answers_back),
		cmocka_unit_test(
			two_workers_lose_and_repeat_nothing_though_every_packet_comes_to_the_wrong_one_and_some_are_lost),
		cmocka_unit_test(nothing_is_lost_or_repeated_over_a_port_with_every_fault_there_is),
		cmocka_unit_test(
			an_smsc_that_throttles_refuses_and_stays_silent_gives_each_submission_one_truthful_answer),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
