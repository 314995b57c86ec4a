/* Conversation ids of CPM through the whole dataplane: those that devices choose come back on
 * answers by short message, at whichever worker. */
#include "sip_world.h"

#define ALICE "+46731234567"

static struct phone *alice_registers(void)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	sequence++;
	phone_send(alice,
		   "REGISTER sip:example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:6001;rport;branch=z9hG4bKr%u\r\nMax-Forwards: "
		   "70\r\nFrom: <sip:alice@example.org>;tag=f%u\r\nTo: "
		   "<sip:alice@example.org>\r\nCall-ID: reg%u\r\nCSeq: %u REGISTER\r\n"
		   "Contact: <sip:alice@198.18.0.2:6001>;+g.3gpp.icsi-ref=\""
		   "urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.msg\"\r\n"
		   "Content-Length: 0\r\n\r\n",
		   sequence, sequence, sequence, sequence);
	assert_status(next_of(alice), "200");
	return alice;
}

static void says(struct phone *p, const char *from, const char *to, const char *conversation)
{
	char more[128], uri[64], sender[64];

	snprintf(uri, sizeof(uri), "sip:%s@example.org;user=phone", to);
	snprintf(sender, sizeof(sender), "sip:%s@example.org", from);
	snprintf(more, sizeof(more), "Conversation-ID: %s\r\n", conversation);
	send_message(p, uri, sender, more, "hello");
	assert_status(next_of(p), "202");
}

/* The Conversation-ID on what the centre sends. */
static const char *answered_in(struct phone *p, const char *from, const char *to)
{
	static char id[128];
	const char *text;

	centre_sends_text(from, to, "yes?");
	text = next_of(p);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE ", 8);
	assert_string_equal(phone_header(text, "P-Called-Party-ID"),
			    p == ims ? "" : "<sip:alice@example.org>");
	snprintf(id, sizeof(id), "%s", phone_header(text, "Conversation-ID"));
	phone_answer(p, text, "200 OK", "");
	sim_pass(&sim, 100000);
	return id;
}

static void an_answer_by_short_message_is_in_the_conversation_that_a_device_began(void **state)
{
	struct phone *alice = alice_registers();

	(void)state;
	assert_int_equal(strlen(answered_in(alice, "+46701234567", ALICE)), 32); /* of ours */
	says(alice, ALICE, "+46701234567", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
	assert_string_equal(centre.text, "hello");
	assert_string_equal(answered_in(alice, "+46701234567", ALICE),
			    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
	assert_int_equal(strlen(answered_in(alice, "+46707654321", ALICE)), 32);
	says(alice, ALICE, "+46701234567", "another");
	assert_string_equal(answered_in(alice, "+46701234567", ALICE), "another");
}

static void an_id_too_long_to_keep_is_counted_and_the_conversation_has_one_of_ours(void **state)
{
	struct phone *alice = alice_registers();
	char          most[CONVERSATION_ID_MAX + 1], more[CONVERSATION_ID_MAX + 2];

	(void)state;
	memset(most, 'm', sizeof(most));
	most[sizeof(most) - 1] = '\0';
	snprintf(more, sizeof(more), "%sm", most);
	says(alice, ALICE, "+46701234567", more);
	assert_int_equal(strlen(answered_in(alice, "+46701234567", ALICE)), 32);
	assert_int_equal(sim_metric(&sim, METRIC_conversations_untold), 1);
	says(alice, ALICE, "+46701234567", most);
	assert_string_equal(answered_in(alice, "+46701234567", ALICE), most);
}

static void what_one_worker_learns_all_know(void **state)
{
	char number[16], id[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++) { /* Call-IDs of both workers */
		snprintf(number, sizeof(number), "+467212345%02u", i);
		snprintf(id, sizeof(id), "talk-%u", i);
		says(ims, number, "+46701234567", id);
	}
	assert_int_equal(sim_metric(&sim, METRIC_conversations_known), 2 * 16);
	for (unsigned i = 0; i < 16; i++) {
		snprintf(number, sizeof(number), "+467212345%02u", i);
		snprintf(id, sizeof(id), "talk-%u", i);
		assert_string_equal(answered_in(ims, "+46701234567", number), id);
	}
	assert_int_equal(sim_metric(&sim, METRIC_conversations_untold), 0);
}

static struct str known(const char *number)
{
	return conversation_find(sim.dp.workers[0], STR("+46701234567"), str_of(number));
}

static void learn(unsigned n)
{
	char number[16], id[16];

	snprintf(number, sizeof(number), "+4672%07u", n);
	snprintf(id, sizeof(id), "%u", n);
	conversation_learn(sim.dp.workers[0], str_of(number), STR("+46701234567"), str_of(id));
}

static void the_longest_unused_is_forgotten_when_there_are_too_many(void **state)
{
	const uint32_t max = sim.dp.workers[0]->conversations.max;

	(void)state;
	for (unsigned i = 0; i < max; i++)
		learn(i);
	assert_int_equal(sim_metric(&sim, METRIC_conversations_known), max);
	assert_true(str_eq(known("+46720000000"), STR("0"))); /* a use */
	learn(2);                                             /* another */
	learn(max);
	learn(max + 1);
	assert_int_equal(sim_metric(&sim, METRIC_conversations_known), max);
	assert_int_equal(sim_metric(&sim, METRIC_conversations_forgotten), 2);
	assert_true(str_eq(known("+46720000000"), STR("0")));
	assert_int_equal(known("+46720000001").n, 0);
	assert_true(str_eq(known("+46720000002"), STR("2")));
	assert_int_equal(known("+46720000003").n, 0);
	assert_true(str_eq(known("+46720000004"), STR("4")));
}

static void a_conversation_is_forgotten_three_days_after_its_id_was_learnt(void **state)
{
	struct worker *w = sim.dp.workers[0];

	(void)state;
	learn(0);
	w->now.us += CONVERSATION_TOLD_US;
	learn(0); /* anew */
	w->now.us += CONVERSATION_LIFETIME_US - 1;
	assert_true(str_eq(known("+46720000000"), STR("0")));
	w->now.us++;
	assert_int_equal(known("+46720000000").n, 0);
	learn(0);
	assert_true(str_eq(known("+46720000000"), STR("0")));
}

int main(void)
{
#define OPEN(f) cmocka_unit_test_setup_teardown(f, world_open, world_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_of_two, world_end)
	const struct CMUnitTest tests[] = {
		OPEN(an_answer_by_short_message_is_in_the_conversation_that_a_device_began),
		OPEN(an_id_too_long_to_keep_is_counted_and_the_conversation_has_one_of_ours),
		TWO(what_one_worker_learns_all_know),
		OPEN(the_longest_unused_is_forgotten_when_there_are_too_many),
		OPEN(a_conversation_is_forgotten_three_days_after_its_id_was_learnt),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
