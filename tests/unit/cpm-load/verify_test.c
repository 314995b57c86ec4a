#include "test.h"

#include <stdio.h>

#include "verify.h"

/* Three messages of one session to one recipient, all answered positively, and how they arrived. */
#define SENT                                                                                       \
	"S 000100000000 1 +4670 +46 00000000 a 10 20\n"                                            \
	"S 000100000001 1 +4670 +46 00000000 b 11 21\n"                                            \
	"S 000100000002 1 +4670 +46 00000000 c 12 22\n"
#define ARRIVED(number) "R 00010000000" #number " 5 4670 46 00000000 - x intact 15\n"

static struct verdict judge(const char *sent, const char *received, bool receipts)
{
	struct verify *v = verify_new();
	struct verdict verdict;
	size_t         sent_n = strlen(sent), received_n = strlen(received);
	uint8_t       *sent_copy = test_copy(sent, sent_n),
		*received_copy = test_copy(received, received_n);

	verify_sent(v, (struct str){(char *)sent_copy, sent_n});
	verify_received(v, (struct str){(char *)received_copy, received_n});
	verify_end(v, receipts, &verdict);
	verify_free(v);
	free(sent_copy);
	free(received_copy);
	return verdict;
}

static bool passes(const struct verdict *verdict)
{
	return verify_passes(verdict, &(struct options){0});
}

static void what_arrived_once_and_in_order_passes(void **state)
{
	struct verdict d = judge(SENT, ARRIVED(0) ARRIVED(1) ARRIVED(2), false);

	(void)state;
	assert_true(passes(&d));
	assert_int_equal(d.sent, 3);
	assert_int_equal(d.ok, 3);
	assert_int_equal(d.received, 3);
}

static void a_message_answered_positively_that_no_receiver_accepted_is_lost(void **state)
{
	struct verdict d = judge(SENT, ARRIVED(0) ARRIVED(2), false);

	(void)state;
	assert_int_equal(d.lost, 1);
	assert_false(passes(&d));
	d = judge(SENT,
		  ARRIVED(0) "R 000100000001 5 4670 46 00000058 throttle - intact 15\n" ARRIVED(2),
		  false);
	assert_int_equal(d.lost, 1);
	d = judge(SENT, ARRIVED(0) "R 000100000001 5 4670 46 none silent - intact 15\n" ARRIVED(2),
		  false);
	assert_int_equal(d.lost, 1);
}

static void a_second_copy_is_a_duplicate_unless_it_is_expected(void **state)
{
	struct verdict d = judge(SENT, ARRIVED(0) ARRIVED(1) ARRIVED(1) ARRIVED(2), false);

	(void)state;
	assert_int_equal(d.duplicated, 1);
	assert_int_equal(d.disordered, 0);
	assert_false(passes(&d));
	assert_true(verify_passes(&d, &(struct options){.expect_duplicates = 1}));
}

static void a_copy_that_was_refused_is_no_duplicate_and_may_come_again_late(void **state)
{
	struct verdict d =
		judge(SENT,
		      "R 000100000000 5 4670 46 00000058 throttle - intact 14\n" ARRIVED(1)
			      ARRIVED(0) ARRIVED(2),
		      false);

	(void)state;
	assert_true(passes(&d));
	assert_int_equal(d.duplicated, 0);
}

static void a_copy_without_answer_may_have_been_kept(void **state)
{
	struct verdict d = judge(SENT,
				 "R 000100000000 5 4670 46 none silent - intact 14\n" ARRIVED(0)
					 ARRIVED(1) ARRIVED(2),
				 false);

	(void)state;
	assert_int_equal(d.duplicated, 1);
}

static void a_message_overtaken_by_a_later_one_fails(void **state)
{
	struct verdict d = judge(SENT, ARRIVED(1) ARRIVED(0) ARRIVED(2), false);

	(void)state;
	assert_int_equal(d.disordered, 1);
	assert_false(passes(&d));
	assert_true(verify_passes(&d, &(struct options){.any_order = true}));
}

static void messages_of_other_sessions_or_recipients_may_overtake(void **state)
{
	static const char sent[] = "S 000100000000 1 +4670 +46 00000000 a 10 20\n"
				   "S 000100000001 2 +4670 +46 00000000 b 11 21\n"
				   "S 000100000002 1 +4671 +46 00000000 c 12 22\n";
	struct verdict    d = judge(
		   sent, "R 000100000002 5 4671 46 00000000 - x intact 15\n" ARRIVED(1) ARRIVED(0),
		   false);

	(void)state;
	assert_true(passes(&d));
}

static void a_change_of_text_sender_or_recipient_is_seen(void **state)
{
	static const char *const changes[] = {"R 000100000001 5 4670 46 00000000 - x changed 15\n",
					      "R 000100000001 5 4671 46 00000000 - x intact 15\n",
					      "R 000100000001 5 4670 47 00000000 - x intact 15\n"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char           lines[512];
		struct verdict d;

		snprintf(lines, sizeof(lines), "%s%s%s", ARRIVED(0), changes[i], ARRIVED(2));
		d = judge(SENT, lines, false);
		assert_int_equal(d.changed, 1);
		assert_false(passes(&d));
	}
}

static void a_message_that_nobody_sent_fails_and_one_without_marker_is_told(void **state)
{
	struct verdict d =
		judge(SENT,
		      ARRIVED(0) ARRIVED(1)
			      ARRIVED(2) "R 000200000000 5 4670 46 00000000 - x intact 15\n",
		      false);

	(void)state;
	assert_int_equal(d.unknown, 1);
	assert_false(passes(&d));
	d = judge(SENT, ARRIVED(0) ARRIVED(1) ARRIVED(2) "R - 5 4670 46 00000000 - x changed 15\n",
		  false);
	assert_int_equal(d.unmarked, 1);
	assert_true(passes(&d));
}

static void a_failure_may_or_may_not_have_arrived_but_no_answer_fails(void **state)
{
	struct verdict d = judge("S 000100000000 1 +4670 +46 00000045 - 10 20\nS 000100000001 1 "
				 "+4670 +46 00000045 - 10 20\n",
				 ARRIVED(0), false);

	(void)state;
	assert_true(passes(&d));
	assert_int_equal(d.failed, 2);
	assert_int_equal(d.failed_delivered, 1);
	d = judge(SENT "S 000100000003 1 +4670 +46 none - 10 20\n",
		  ARRIVED(0) ARRIVED(1) ARRIVED(2), false);
	assert_int_equal(d.unanswered, 1);
	assert_false(passes(&d));
	assert_true(verify_passes(&d, &(struct options){.expect_unanswered = 1}));
}

static void receipts_are_matched_by_the_id_of_the_answer(void **state)
{
	const struct options wanted = {.check_receipts = true};
	struct verdict       d = judge(
		      SENT "D a ENROUTE 1 30\nD a DELIVRD 1 30\nD c UNDELIV 1 31\nD b DELIVRD 1 32\n",
		      ARRIVED(0) ARRIVED(1) ARRIVED(2), true);

	(void)state;
	assert_int_equal(d.receipts, 4);
	assert_true(verify_passes(&d, &wanted));
	d = judge(SENT "D a DELIVRD 1 30\nD a DELIVRD 1 30\nD z DELIVRD 1 30\n",
		  ARRIVED(0) ARRIVED(1) ARRIVED(2), true);
	assert_int_equal(d.receipts_doubled, 1);
	assert_int_equal(d.receipts_unknown, 1);
	assert_int_equal(d.receipts_missing, 2);
	assert_false(verify_passes(&d, &wanted));
	d = judge(SENT, ARRIVED(0) ARRIVED(1) ARRIVED(2), true);
	assert_int_equal(d.receipts_missing, 3);
	assert_false(verify_passes(&d, &wanted));
}

static void lines_that_are_no_record_fail(void **state)
{
	static const char *const lines[] = {"X\n", "S 1\n", "S zz 1 a b 00000000 c 1 2\n", "\n",
					    "S 000100000000 1 +4670 +46 0000000g a 10 20\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct verdict d = judge(lines[i], "", false);

		assert_int_equal(d.malformed, 1);
		assert_false(passes(&d));
	}
}

static void many_messages_are_known_again(void **state)
{
	const unsigned count = 20000;
	char          *sent = malloc(count * 64), *received = malloc(count * 64);
	size_t         s = 0, r = 0;
	struct verdict d;

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		s += (size_t)sprintf(sent + s, "S 0007%08x %u +46%u +1 00000000 %u 1 2\n", i, i % 7,
				     i % 1000, i);
		r += (size_t)sprintf(received + r, "R 0007%08x 1 46%u 1 00000000 - 1 intact 2\n", i,
				     i % 1000);
	}
	d = judge(sent, received, false);
	assert_int_equal(d.sent, count);
	assert_true(passes(&d));
	free(sent);
	free(received);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_arrived_once_and_in_order_passes),
		cmocka_unit_test(a_message_answered_positively_that_no_receiver_accepted_is_lost),
		cmocka_unit_test(a_second_copy_is_a_duplicate_unless_it_is_expected),
		cmocka_unit_test(a_copy_that_was_refused_is_no_duplicate_and_may_come_again_late),
		cmocka_unit_test(a_copy_without_answer_may_have_been_kept),
		cmocka_unit_test(a_message_overtaken_by_a_later_one_fails),
		cmocka_unit_test(messages_of_other_sessions_or_recipients_may_overtake),
		cmocka_unit_test(a_change_of_text_sender_or_recipient_is_seen),
		cmocka_unit_test(a_message_that_nobody_sent_fails_and_one_without_marker_is_told),
		cmocka_unit_test(a_failure_may_or_may_not_have_arrived_but_no_answer_fails),
		cmocka_unit_test(receipts_are_matched_by_the_id_of_the_answer),
		cmocka_unit_test(lines_that_are_no_record_fail),
		cmocka_unit_test(many_messages_are_known_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
