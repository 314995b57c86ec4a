#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rcu/rcu.h"

#include "sim.h"

#define ALICE STR("sip:alice@example.org")
#define MANY 20000u
#define MINUTE_US (60 * US_PER_SECOND)

static struct directory *directory;
static struct now        now;

static int begin(void **state)
{
	(void)state;
	now = (struct now){.us = 5 * US_PER_SECOND};
	rcu_thread_begin();
	directory = directory_new(2, MANY, 1);
	return directory != NULL ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	rcu_offline();
	directory_free(directory);
	rcu_online();
	rcu_thread_end();
	return 0;
}

/* A binding whose texts are those of the parameters, over producer 0. */
static struct proto_registration binding(char *room, const char *contact, const char *call,
					 uint32_t sequence, uint64_t expires_us)
{
	struct proto_registration r = {.address = ALICE, .count = 1, .token = sequence};
	size_t                    n = strlen(contact), m = strlen(call);
	struct proto_binding     *b = &r.bindings[0];

	memcpy(room, contact, n);
	memcpy(room + n, call, m);
	r.text = (struct str){room, n + m};
	*b = (struct proto_binding){
		.key = contact[0], .sequence = sequence, .expires_us = expires_us, .priority = 500};
	b->text[BINDING_CONTACT].size = (uint16_t)n;
	b->text[BINDING_CALL].off = (uint16_t)n;
	b->text[BINDING_CALL].size = (uint16_t)m;
	return r;
}

static enum reason ask(const struct proto_registration *r)
{
	struct directory_answer answer;
	struct session_ref      origin = {.index = 7};

	assert_int_equal(directory_ask(directory, 0, 0, origin, false, r), REASON_NONE);
	directory_turn(directory, now);
	assert_int_equal(directory_answers(directory, 0, &answer, 1), 1);
	assert_int_equal(answer.token, r->token);
	assert_int_equal(answer.origin.index, 7);
	return answer.why;
}

static enum reason register_one(const char *contact, const char *call, uint32_t sequence,
				uint64_t lifetime_us)
{
	char                      room[256];
	struct proto_registration r = binding(room, contact, call, sequence, now.us + lifetime_us);

	return ask(&r);
}

/* As by session `index`; the answer. */
static struct directory_answer take_over(uint32_t index, uint32_t sequence)
{
	char                      room[256];
	struct proto_registration r = binding(room, "balcony", "call", sequence, UINT64_MAX / 2);
	struct directory_answer   answer;

	r.takes_over = true;
	assert_int_equal(directory_ask(directory, 0, 0, (struct session_ref){.index = index}, false, &r),
			 REASON_NONE);
	directory_turn(directory, now);
	assert_int_equal(directory_answers(directory, 0, &answer, 1), 1);
	assert_int_equal(answer.why, REASON_NONE);
	return answer;
}

static const struct proto_record *record(void)
{
	return directory_find(directory, 0, ALICE);
}

static void assert_contact(unsigned at, const char *contact)
{
	const struct proto_record *r = record();
	struct str                 text = proto_binding_text(r, &r->bindings[at], BINDING_CONTACT);

	assert_int_equal(text.n, strlen(contact));
	assert_memory_equal(text.p, contact, text.n);
}

static void a_registration_is_found_once_it_is_answered(void **state)
{
	(void)state;
	assert_null(record());
	assert_int_equal(register_one("a", "call", 1, MINUTE_US), REASON_NONE);
	assert_int_equal(record()->count, 1);
	assert_contact(0, "a");
	assert_int_equal(record()->bindings[0].session.index, 7);
	assert_null(directory_find(directory, 1, ALICE));
	assert_null(directory_find(directory, 0, STR("sip:alicf@example.org")));
}

static void a_refresh_keeps_the_id_and_replaces_the_rest(void **state)
{
	uint32_t id;

	(void)state;
	register_one("a", "call", 1, MINUTE_US);
	id = record()->bindings[0].id;
	assert_int_not_equal(id, 0);
	register_one("a and more", "call", 2, 2 * MINUTE_US);
	assert_int_equal(record()->count, 1);
	assert_int_equal(record()->bindings[0].id, id);
	assert_int_equal(record()->bindings[0].expires_us, now.us + 2 * MINUTE_US);
	assert_contact(0, "a and more");
}

/* However old that is, it undoes no refresh (RFC 3680: who tells it is another than who registers).
 */
static void features_change_alone_and_only_where_the_place_is(void **state)
{
	char                      room[256];
	struct proto_registration r = binding(room, "a", "else", 1, now.us);
	uint32_t                  id;

	(void)state;
	r.features_alone = true;
	r.bindings[0].features = 5;
	assert_int_equal(ask(&r), REASON_NONE);
	assert_null(record());
	register_one("a", "call", 2, MINUTE_US);
	register_one("b", "call", 1, MINUTE_US);
	id = record()->bindings[1].id;
	assert_int_equal(ask(&r), REASON_NONE);
	assert_int_equal(record()->count, 2);
	assert_int_equal(record()->bindings[1].id, id);
	assert_int_equal(record()->bindings[1].features, 5);
	assert_int_equal(record()->bindings[0].features, 0);
	assert_int_equal(record()->bindings[1].expires_us, now.us + MINUTE_US);
	assert_int_equal(record()->bindings[1].sequence, 2);
	assert_contact(1, "a");
}

static void an_older_request_of_the_same_call_changes_nothing(void **state)
{
	(void)state;
	register_one("a", "call", 5, MINUTE_US);
	assert_int_equal(register_one("a", "call", 5, 0), REASON_REGISTRATION_ORDER);
	assert_int_equal(register_one("a", "call", 4, 2 * MINUTE_US), REASON_REGISTRATION_ORDER);
	assert_int_equal(record()->bindings[0].expires_us, now.us + MINUTE_US);
	assert_int_equal(register_one("a", "other", 1, 2 * MINUTE_US), REASON_NONE);
}

static void bindings_stand_by_priority_and_the_newest_first(void **state)
{
	char                      room[256];
	struct proto_registration r = binding(room, "c", "call", 3, now.us + MINUTE_US);

	(void)state;
	register_one("a", "call", 1, MINUTE_US);
	register_one("b", "call", 2, MINUTE_US);
	r.bindings[0].priority = 900;
	ask(&r);
	assert_contact(0, "c");
	assert_contact(1, "b");
	assert_contact(2, "a");
}

static void more_bindings_than_an_address_may_have_are_refused(void **state)
{
	char contact[2] = "a";

	(void)state;
	for (unsigned i = 0; i < PROTO_BINDINGS_MAX; i++, contact[0]++)
		assert_int_equal(register_one(contact, "call", i + 1, MINUTE_US), REASON_NONE);
	assert_int_equal(register_one(contact, "call", 99, MINUTE_US), REASON_REGISTRATIONS_FULL);
	assert_int_equal(record()->count, PROTO_BINDINGS_MAX);
}

static void a_binding_that_expires_is_gone_and_the_others_stay(void **state)
{
	(void)state;
	register_one("a", "call", 1, MINUTE_US);
	register_one("b", "call", 2, 90 * MINUTE_US); /* more than the wheel has turns */
	now.us += 61 * US_PER_SECOND;
	assert_true(directory_turn(directory, now));
	assert_int_equal(record()->count, 1);
	assert_contact(0, "b");
	for (unsigned minute = 1; minute < 89; minute++) {
		now.us += MINUTE_US;
		directory_turn(directory, now);
		assert_non_null(record());
	}
	now.us += 2 * MINUTE_US;
	directory_turn(directory, now);
	assert_null(record());
	assert_int_equal(directory_addresses(directory), 0);
	assert_int_equal(directory_bindings(directory), 0);
}

static void bindings_are_removed_one_by_one_or_all(void **state)
{
	struct proto_registration all = {.address = ALICE, .remove_all = true};

	(void)state;
	register_one("a", "call", 1, MINUTE_US);
	register_one("b", "call", 2, MINUTE_US);
	register_one("c", "call", 3, MINUTE_US);
	assert_int_equal(register_one("b", "call", 4, 0), REASON_NONE);
	assert_int_equal(record()->count, 2);
	assert_int_equal(ask(&all), REASON_NONE);
	assert_null(record());
}

static void asking_for_more_than_the_writer_takes_is_refused_and_forgets_nothing(void **state)
{
	char                      room[256];
	struct proto_registration r = binding(room, "a", "call", 1, now.us + MINUTE_US);
	struct session_ref        origin = {0};
	struct directory_answer   answers[32];
	unsigned                  n = 0, got;

	(void)state;
	for (; directory_ask(directory, 0, 0, origin, false, &r) == REASON_NONE; n++)
		r.bindings[0].sequence++;
	assert_int_equal(n, DIRECTORY_CHANGES_MAX);
	while (directory_turn(directory, now))
		;
	while ((got = directory_answers(directory, 0, answers, 32)) > 0)
		n -= got;
	assert_int_equal(n, 0);
	assert_int_equal(directory_ask(directory, 0, 0, origin, false, &r), REASON_NONE);
}

static void no_more_addresses_than_the_limit_are_taken(void **state)
{
	char                      room[256], address[64];
	struct proto_registration r = binding(room, "a", "call", 1, now.us + MINUTE_US);
	struct directory_answer   answers[32];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		r.address = (struct str){address, (size_t)snprintf(address, sizeof(address),
								   "sip:%u@example.org", i)};
		assert_int_equal(directory_ask(directory, 0, 0, (struct session_ref){0}, false, &r),
				 REASON_NONE);
		if (i % 32 == 31) {
			directory_turn(directory, now);
			while (directory_answers(directory, 0, answers, 32) > 0)
				;
		}
	}
	directory_turn(directory, now);
	assert_int_equal(directory_addresses(directory), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		size_t n = (size_t)snprintf(address, sizeof(address), "sip:%u@example.org", i);

		assert_non_null(directory_find(directory, 0, (struct str){address, n}));
	}
	r.address = STR("sip:onemore@example.org");
	assert_int_equal(ask(&r), REASON_REGISTRATIONS_FULL);
	assert_int_equal(directory_addresses(directory), MANY);
}

static const struct session_ref stream = {.index = 9, .generation = 3};

static void ask_over_stream(const char *address, const char *contact, uint32_t sequence)
{
	char                      room[256];
	struct proto_registration r = binding(room, contact, "call", sequence, now.us + MINUTE_US);

	r.address = str_of(address);
	assert_int_equal(directory_ask(directory, 0, 0, stream, true, &r), REASON_NONE);
}

static void turn_until_idle(void)
{
	struct directory_answer answers[32];

	while (directory_turn(directory, now))
		;
	while (directory_answers(directory, 0, answers, 32) > 0)
		;
}

static void what_is_reached_over_a_stream_that_is_gone_is_gone_and_the_rest_stays(void **state)
{
	struct session_ref later = stream;

	(void)state;
	register_one("a", "call", 1, MINUTE_US);
	ask_over_stream("sip:alice@example.org", "b", 2);
	ask_over_stream("sip:bob@example.org", "b", 3);
	turn_until_idle();
	assert_int_equal(directory_bindings(directory), 3);
	later.generation++; /* in the same place */
	assert_true(directory_ended(directory, 0, later));
	turn_until_idle();
	assert_int_equal(directory_bindings(directory), 3);
	assert_true(directory_ended(directory, 0, stream));
	turn_until_idle();
	assert_int_equal(directory_bindings(directory), 1);
	assert_contact(0, "a");
	assert_null(directory_find(directory, 0, STR("sip:bob@example.org")));
}

/* The session index of datagrams is never that of a stream, but their bindings would stay anyway.
 */
static void the_end_of_a_session_takes_no_binding_of_datagrams(void **state)
{
	(void)state;
	register_one("a", "call", 1, MINUTE_US);
	assert_true(directory_ended(directory, 0, (struct session_ref){.index = 7}));
	turn_until_idle();
	assert_int_equal(record()->count, 1);
}

static void the_end_of_a_stream_overtakes_nothing_that_was_asked_for_before(void **state)
{
	char address[64];

	(void)state;
	for (unsigned i = 0; i < DIRECTORY_CHANGES_MAX; i++) { /* more than are done in a turn */
		snprintf(address, sizeof(address), "sip:%u@example.org", i);
		ask_over_stream(address, "b", 1);
	}
	assert_true(directory_ended(directory, 0, stream));
	directory_turn(directory, now);
	assert_true(directory_addresses(directory) > 0);
	turn_until_idle();
	assert_int_equal(directory_addresses(directory), 0);
}

static void a_stream_with_many_registrations_ends_some_in_a_turn(void **state)
{
	char     address[64];
	unsigned turns = 0;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(address, sizeof(address), "sip:%u@example.org", i);
		ask_over_stream(address, "b", 1);
		if (i % 100 == 0)
			turn_until_idle();
	}
	turn_until_idle();
	assert_int_equal(directory_addresses(directory), 2000);
	assert_true(directory_ended(directory, 0, stream));
	for (; directory_addresses(directory) > 0; turns++) {
		uint64_t before = directory_addresses(directory);

		assert_true(directory_turn(directory, now));
		assert_in_range(before - directory_addresses(directory), 1, 256);
	}
	assert_in_range(turns, 8, 9);
}

static void more_ends_than_there_is_room_for_are_to_be_told_again(void **state)
{
	struct session_ref some = stream;
	unsigned           n = 0;

	(void)state;
	for (; directory_ended(directory, 0, some); n++)
		some.index++;
	assert_int_equal(n, DIRECTORY_ENDED_MAX);
	turn_until_idle();
	assert_true(directory_ended(directory, 0, some));
}

/* A worker that reads all the time what the writer replaces all the time: the sanitizer would see a
 * record that is freed too early. */
static void *read_on(void *stop)
{
	rcu_thread_begin();
	while (!atomic_load((_Atomic bool *)stop)) {
		const struct proto_record *r = record();

		if (r != NULL)
			assert_true(proto_binding_text(r, &r->bindings[0], BINDING_CALL).p[0] ==
				    'c');
		rcu_quiescent();
	}
	rcu_thread_end();
	return NULL;
}

static void a_reader_meets_whole_records_while_they_are_replaced(void **state)
{
	_Atomic bool stop = false;
	pthread_t    reader;

	(void)state;
	assert_int_equal(pthread_create(&reader, NULL, read_on, &stop), 0);
	for (uint32_t i = 1; i < 2000; i++)
		assert_int_equal(register_one("a", "call", i, i % 3 == 0 ? 0 : MINUTE_US),
				 REASON_NONE);
	atomic_store(&stop, true);
	pthread_join(reader, NULL);
}

static void whoever_takes_over_a_place_is_told_whose_it_was(void **state)
{
	struct directory_answer answer;

	(void)state;
	assert_false(take_over(7, 1).has_lost);
	assert_false(take_over(7, 2).has_lost);
	answer = take_over(8, 3);
	assert_true(answer.has_lost);
	assert_int_equal(answer.lost.index, 7);
	assert_int_equal(record()->count, 1);
	assert_int_equal(record()->bindings[0].session.index, 8);
	assert_int_equal(register_one("balcony", "call", 4, MINUTE_US), REASON_NONE);
	assert_int_equal(take_over(9, 5).lost.index, 7);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_registration_is_found_once_it_is_answered),
		TEST(a_refresh_keeps_the_id_and_replaces_the_rest),
		TEST(features_change_alone_and_only_where_the_place_is),
		TEST(an_older_request_of_the_same_call_changes_nothing),
		TEST(bindings_stand_by_priority_and_the_newest_first),
		TEST(more_bindings_than_an_address_may_have_are_refused),
		TEST(a_binding_that_expires_is_gone_and_the_others_stay),
		TEST(bindings_are_removed_one_by_one_or_all),
		TEST(whoever_takes_over_a_place_is_told_whose_it_was),
		TEST(asking_for_more_than_the_writer_takes_is_refused_and_forgets_nothing),
		TEST(no_more_addresses_than_the_limit_are_taken),
		TEST(what_is_reached_over_a_stream_that_is_gone_is_gone_and_the_rest_stays),
		TEST(the_end_of_a_session_takes_no_binding_of_datagrams),
		TEST(the_end_of_a_stream_overtakes_nothing_that_was_asked_for_before),
		TEST(a_stream_with_many_registrations_ends_some_in_a_turn),
		TEST(more_ends_than_there_is_room_for_are_to_be_told_again),
		TEST(a_reader_meets_whole_records_while_they_are_replaced),
	};

	sim_eal();
	return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
