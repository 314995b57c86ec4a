/* Long messages through a whole dataplane: each part is judged on the text so far, and none is held
 * for another. */
#include "test.h"

#include <stdio.h>

#include "smpp/pdu.h"

#include "record.h"

#define PARTS_SEEN_MAX 512u

static struct sim sim;

static const char world[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000}\n"
	"  - {name: esme2, password: secret2, window: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw, "
	"connections: 2}\n"
	"  - {name: smsc2, host: 198.18.0.2, port: 2777, system_id: two, password: pw}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n"
	"rules:\n"
	"  - {name: metered, when: {text: 'metered'}, then: {limit: 3}}\n"
	"  - {name: spam-url, when: {text: 'bit\\.ly/[a-z0-9]+'}, then: {reject: spam}}\n"
	"  - {name: turkish, when: {text: 'ğüş'}, then: {reject: forbidden}}\n"
	"  - {name: silent, when: {text: 'dropped word'}, then: {drop: true}}\n"
	"  - {name: aside, when: {text: 'other way'}, then: {route: smsc2}}\n";

/* Parts are submitted by hand; token is the index here. */
static struct {
	unsigned sent, answered;
	bool     positive[PARTS_SEEN_MAX];
	uint32_t status[PARTS_SEEN_MAX];
	unsigned arrived[PARTS_SEEN_MAX]; /* by token, told by the recipient and the part */
	char     at[PARTS_SEEN_MAX][17];
} seen;

static void part_result(struct host *h, struct host_session *s, uint64_t token,
			const struct result *r)
{
	(void)h;
	(void)s;
	assert_in_range(token, 0, PARTS_SEEN_MAX - 1);
	seen.answered++;
	seen.positive[token] = r->why == REASON_NONE;
	seen.status[token] = r->has_status ? r->peer_status : 0;
}

/* Which one it is stands in the recipient and in the header. */
static bool part_arrives(struct host *h, struct host_session *s, struct msg *m,
			 struct result *answer)
{
	uint8_t  room[MSG_ADDR_SIZE_MAX];
	unsigned part = m->concat.part, base = 0;

	(void)h;
	(void)answer;
	memcpy(room, msg_addr(m, &m->to).p, m->to.size);
	room[m->to.size] = '\0';
	assert_int_equal(sscanf((char *)room, "+4670%u", &base), 1);
	assert_in_range(base + part, 1, PARTS_SEEN_MAX - 1);
	seen.arrived[base + part]++;
	memcpy(seen.at[base + part], s->identity, sizeof(s->identity));
	return true;
}

static const struct host_hooks hooks = {.result = part_result, .message = part_arrives};

enum form { UDH_8, UDH_16, SAR, FORM_COUNT };

static void part_body(struct msg *m, enum form form, uint16_t reference, unsigned part,
		      unsigned parts, const char *text)
{
	uint8_t body[256], number[2] = {(uint8_t)(reference >> 8), (uint8_t)reference};
	size_t  n = 0;

	if (form == UDH_8) {
		const uint8_t header[] = {5, 0, 3, number[1], (uint8_t)parts, (uint8_t)part};

		memcpy(body, header, n = sizeof(header));
	} else if (form == UDH_16) {
		const uint8_t header[] = {
			6, 8, 4, number[0], number[1], (uint8_t)parts, (uint8_t)part};

		memcpy(body, header, n = sizeof(header));
	}
	m->udh_size = (uint8_t)n;
	memcpy(body + n, text, strlen(text));
	assert_true(msg_append(m, body, n + strlen(text), &m->body));
	m->concat = (struct msg_concat){.reference = reference,
					.part = (uint8_t)part,
					.parts = (uint8_t)parts,
					.udh = form != SAR};
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_GSM7;
}

/* Part `part` of the message to +4670<base>; its token is base + part. */
static void part_send(unsigned session, enum form form, unsigned base, uint16_t reference,
		      unsigned part, unsigned parts, const char *text)
{
	struct msg *m = msg_new(sim.host.msgs);
	char        to[24];

	assert_non_null(m);
	snprintf(to, sizeof(to), "+4670%07u", base);
	record_addresses(m, "+4611111", to);
	part_body(m, form, reference, part, parts, text);
	seen.sent++;
	host_submit(&sim.host, &sim.host.sessions[session], m, base + part);
}

static bool parts_answered(struct sim *s)
{
	(void)s;
	return seen.answered == seen.sent;
}

static void answers_come(void)
{
	assert_true(sim_until(&sim, parts_answered, 5 * US_PER_SECOND));
}

static void begin(unsigned workers)
{
	const struct sim_config config = {
		.workers = workers, .seed = 3, .window = 100, .hooks = hooks};

	memset(&seen, 0, sizeof(seen));
	record_world(&sim, &config, world, 2, 1, 3);
}

static void assert_part(unsigned token, bool passes)
{
	assert_int_equal(seen.positive[token], passes);
	assert_int_equal(seen.arrived[token], passes ? 1 : 0);
	if (!passes)
		assert_int_equal(seen.status[token], SMPP_RPROHIBITED);
}

static const char *const spam[] = {"cheap things, look at ", "our new place: bit.l",
				   "y/abc123 and buy ", "as long as there is ", "something left"};

static void a_pattern_across_parts_two_and_three_refuses_part_three_and_those_after_it(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 2; workers++) {
		begin(workers);
		for (enum form form = UDH_8; form < FORM_COUNT; form++) {
			for (unsigned k = 1; k <= 5; k++) {
				part_send(0, form, 10 * form, (uint16_t)(300 + form), k, 5,
					  spam[k - 1]);
				answers_come(); /* the submitter with a window of 1 has its answer
						   before it sends the next */
			}
			for (unsigned k = 1; k <= 5; k++)
				assert_part(10 * form + k, k < 3);
		}
		assert_int_equal(sim_metric(&sim, METRIC_parts_ended), 2 * FORM_COUNT);
		sim_free(&sim);
	}
}

static void
parts_sent_all_at_once_and_out_of_order_are_judged_in_their_order_in_the_text(void **state)
{
	(void)state;
	begin(1);
	part_send(0, UDH_8, 0, 9, 3, 3, spam[2]);
	part_send(0, UDH_8, 0, 9, 1, 3, spam[0]);
	part_send(0, UDH_8, 0, 9, 2, 3, spam[1]);
	answers_come();
	assert_part(3, true);
	assert_part(1, true);
	assert_part(2, false);
	sim_free(&sim);
}

static void text_on_both_sides_of_a_missing_part_is_not_one_run(void **state)
{
	(void)state;
	begin(1);
	part_send(0, SAR, 0, 9, 1, 3, "our new place: bit.l");
	part_send(0, SAR, 0, 9, 3, 3, "y/abc123 and buy");
	answers_come();
	assert_part(1, true);
	assert_part(3, true);
	part_send(0, SAR, 0, 9, 2, 3, " what we have ");
	answers_come();
	assert_part(2, true);
	assert_int_equal(sim_metric(&sim, METRIC_parts_open), 0); /* all have passed */
	sim_free(&sim);
}

static void parts_of_other_references_recipients_and_accounts_are_other_messages(void **state)
{
	(void)state;
	begin(1);
	assert_true(host_connect(&sim.host, sim.now, 2775, "esme2", "secret2", PROTO_RECEIVES));
	sim_pass(&sim, US_PER_SECOND);
	part_send(0, UDH_16, 0, 9, 1, 2, "bit.l");
	part_send(0, UDH_16, 0, 10, 2, 2, "y/abc123");
	part_send(0, UDH_16, 10, 9, 2, 2, "y/abc123");
	part_send(sim.host.session_count - 1, UDH_16, 20, 9, 1, 2, "bit.l");
	part_send(0, UDH_16, 20, 9, 2, 2, "y/abc123");
	answers_come();
	assert_part(1, true);
	assert_part(2, true);
	assert_part(12, true);
	assert_part(21, true);
	assert_part(22, true);
	sim_free(&sim);
}

static void
a_dropped_part_takes_the_later_ones_with_it_and_the_sender_is_answered_well(void **state)
{
	(void)state;
	begin(1);
	for (unsigned k = 1; k <= 3; k++) {
		part_send(0, SAR, 0, 77, k, 3, k == 1 ? "a drop" : k == 2 ? "ped word" : "the end");
		answers_come();
	}
	for (unsigned k = 1; k <= 3; k++) {
		assert_true(seen.positive[k]);
		assert_int_equal(seen.arrived[k], k == 1);
	}
	assert_int_equal(sim_metric(&sim, METRIC_messages_dropped_by_rule), 2);
	sim_free(&sim);
}

static void
later_parts_follow_the_route_that_a_rule_gave_an_earlier_one_unless_a_rule_before_it_refuses(
	void **state)
{
	(void)state;
	begin(1);
	part_send(0, UDH_8, 0, 5, 2, 4, "go the other way now ");
	part_send(0, UDH_8, 0, 5, 3, 4, "and nothing else");
	part_send(0, UDH_8, 0, 5, 4, 4, "see bit.ly/abc");
	answers_come();
	assert_part(2, true);
	assert_part(3, true);
	assert_string_equal(seen.at[2], "two");
	assert_string_equal(seen.at[3], "two");
	assert_part(4, false);
	sim_free(&sim);
}

static void a_limit_counts_parts_and_refuses_one_for_now_not_the_message(void **state)
{
	unsigned passed = 0;

	(void)state;
	begin(1);
	for (unsigned k = 1; k <= 6; k++)
		part_send(0, SAR, 0, 5, k, 6, "metered text");
	answers_come();
	for (unsigned k = 1; k <= 6; k++) {
		if (seen.positive[k])
			passed++;
		else
			assert_int_equal(seen.status[k], SMPP_RTHROTTLED);
	}
	assert_in_range(passed, 1, 5);
	sim_pass(&sim, 2 * US_PER_SECOND);
	part_send(0, SAR, 0, 5, 6, 6, "metered text");
	answers_come();
	assert_true(seen.positive[6]);
	sim_free(&sim);
}

static void
a_refused_message_is_refused_again_but_a_new_first_part_under_its_reference_is_another(void **state)
{
	(void)state;
	begin(1);
	part_send(0, UDH_8, 0, 5, 1, 2, "look at bit.l");
	part_send(0, UDH_8, 0, 5, 2, 2, "y/abc");
	answers_come();
	assert_part(1, true);
	assert_part(2, false);
	part_send(0, UDH_8, 0, 5, 2, 2, "y/abc");
	answers_come();
	assert_part(2, false);
	part_send(0, UDH_8, 0, 5, 1, 2, "see you at noon, ");
	part_send(0, UDH_8, 0, 5, 2, 2, "dear");
	answers_come();
	assert_true(seen.positive[1]);
	assert_part(2, true);
	sim_free(&sim);
}

static void parts_are_forgotten_five_minutes_after_the_latest(void **state)
{
	(void)state;
	begin(1);
	part_send(0, UDH_8, 0, 5, 1, 2, "look at bit.l");
	answers_come();
	assert_int_equal(sim_metric(&sim, METRIC_parts_open), 1);
	sim_pass(&sim, 301 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_parts_open), 0);
	part_send(0, UDH_8, 0, 5, 2, 2, "y/abc");
	answers_come();
	assert_part(2, true);
	sim_free(&sim);
}

/* 100 parts of 128 bytes are more than the 8 KiB that are kept: what stands next to the newest
 * stays. */
static void a_message_longer_than_what_is_kept_is_still_judged_across_neighbours(void **state)
{
	char text[129];

	(void)state;
	begin(1);
	memset(text, 'x', 128);
	text[128] = '\0';
	for (unsigned k = 1; k <= 100; k++) {
		memcpy(text + 120, k == 97 ? " bit.ly/" : "xxxxxxxx", 8);
		memcpy(text, k == 98 ? "abc12345" : "xxxx xxx", 8);
		part_send(0, UDH_16, 0, 5, k, 100, text);
		if (k % 50 == 0)
			answers_come();
	}
	for (unsigned k = 1; k <= 100; k++)
		assert_part(k, k < 98);
	sim_free(&sim);
}

/* TS 23.038, A.3.1: shift table 1 is Turkish; after an escape 0x67 is g with breve, 0x53 S with
 * cedilla, 0x73 s with cedilla. */
static void the_national_tables_of_a_header_say_how_its_text_is_read(void **state)
{
	const uint8_t header[] = {3, 0x24, 1, 1}, turkish[] = {0x1b, 0x67, 0x7e, 0x1b, 0x73};

	(void)state;
	for (unsigned with = 0; with <= 1; with++) {
		struct msg *m;
		uint8_t     body[16];
		size_t      n = with ? sizeof(header) : 0;

		begin(1);
		m = msg_new(sim.host.msgs);
		assert_non_null(m);
		record_addresses(m, "+4611111", "+46700000001");
		memcpy(body, header, n);
		memcpy(body + n, turkish, sizeof(turkish));
		assert_true(msg_append(m, body, n + sizeof(turkish), &m->body));
		m->udh_size = (uint8_t)n;
		m->kind = MSG_TEXT;
		m->coding = MSG_CODING_GSM7;
		seen.sent++;
		host_submit(&sim.host, &sim.host.sessions[0], m, 1);
		answers_come();
		assert_int_equal(seen.positive[1], with == 0);
		sim_free(&sim);
	}
}

/* More messages than the table holds: the oldest are forgotten, nobody is refused for it. */
static void too_many_long_messages_at_once_forget_the_oldest(void **state)
{
	const unsigned many = 5000;

	(void)state;
	begin(1);
	for (unsigned i = 0; i < many; i++) {
		part_send(0, UDH_16, 0, (uint16_t)i, 1, 2, "the first half");
		if (i % 50 == 49) {
			answers_come();
			assert_true(seen.positive[1]);
		}
	}
	assert_int_equal(sim_metric(&sim, METRIC_parts_open), 4096);
	assert_int_equal(sim_metric(&sim, METRIC_parts_forgotten), many - 4096);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_pattern_across_parts_two_and_three_refuses_part_three_and_those_after_it),
		cmocka_unit_test(
			parts_sent_all_at_once_and_out_of_order_are_judged_in_their_order_in_the_text),
		cmocka_unit_test(text_on_both_sides_of_a_missing_part_is_not_one_run),
		cmocka_unit_test(
			parts_of_other_references_recipients_and_accounts_are_other_messages),
		cmocka_unit_test(
			a_dropped_part_takes_the_later_ones_with_it_and_the_sender_is_answered_well),
		cmocka_unit_test(
			later_parts_follow_the_route_that_a_rule_gave_an_earlier_one_unless_a_rule_before_it_refuses),
		cmocka_unit_test(a_limit_counts_parts_and_refuses_one_for_now_not_the_message),
		cmocka_unit_test(
			a_refused_message_is_refused_again_but_a_new_first_part_under_its_reference_is_another),
		cmocka_unit_test(parts_are_forgotten_five_minutes_after_the_latest),
		cmocka_unit_test(
			a_message_longer_than_what_is_kept_is_still_judged_across_neighbours),
		cmocka_unit_test(the_national_tables_of_a_header_say_how_its_text_is_read),
		cmocka_unit_test(too_many_long_messages_at_once_forget_the_oldest),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
