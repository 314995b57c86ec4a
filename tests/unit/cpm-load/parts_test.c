#include "test.h"

#include "fault.h"
#include "histogram.h"
#include "marker.h"
#include "options.h"
#include "pattern.h"
#include "smpp/pdu.h"

static void a_pattern_makes_random_and_counting_digits(void **state)
{
	struct pattern p;
	struct random  r;
	const char    *why;
	char           room[PATTERN_SIZE_MAX];
	bool           differ = false;

	(void)state;
	random_seed(&r, 1);
	assert_true(pattern_parse("+46##****", &p, &why));
	for (uint64_t i = 0; i < 100; i++) {
		char first = room[3];

		assert_int_equal(pattern_make(&p, &r, 9950 + i, room), 9);
		assert_memory_equal(room, "+46", 3);
		assert_in_range(room[3], '0', '9');
		assert_int_equal(strtoul((char[]){room[5], room[6], room[7], room[8], 0}, NULL, 10),
				 (9950 + i) % 10000);
		differ |= i > 0 && first != room[3];
	}
	assert_true(differ);
}

static void of_several_patterns_each_is_taken(void **state)
{
	struct pattern p;
	struct random  r;
	const char    *why;
	char           room[PATTERN_SIZE_MAX];
	unsigned       seen[3] = {0};

	(void)state;
	random_seed(&r, 1);
	assert_true(pattern_parse("a,b,c", &p, &why));
	for (int i = 0; i < 300; i++) {
		assert_int_equal(pattern_make(&p, &r, 0, room), 1);
		seen[room[0] - 'a']++;
	}
	assert_true(seen[0] > 50 && seen[1] > 50 && seen[2] > 50);
}

static void a_pattern_that_fits_no_address_is_refused(void **state)
{
	static const char *const wrong[] = {"", "a,", ",a",
					    "a-name-of-more-than-one-hundred-and-twenty-eight-"
					    "characters-which-no-address-of-smpp-or-xmpp-that-we-"
					    "make-from-a-pattern-has@example.org"};
	struct pattern           p;
	const char              *why;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(pattern_parse(wrong[i], &p, &why));
}

static void percentiles_are_true_to_a_thirty_second(void **state)
{
	static struct histogram h;

	(void)state;
	assert_int_equal(histogram_percentile(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		histogram_add(&h, v);
	assert_in_range(histogram_percentile(&h, 0.5), 50000, 50000 + 50000 / 31);
	assert_in_range(histogram_percentile(&h, 0.99), 99000, 100000);
	assert_int_equal(histogram_percentile(&h, 1), 100000);
	assert_in_range(histogram_percentile(&h, 0.0001), 10, 10);
	histogram_add(&h, UINT64_MAX);
	assert_true(histogram_percentile(&h, 1) == UINT64_MAX);
	assert_true(h.max == UINT64_MAX);
}

static void a_marker_is_known_again_and_sees_a_changed_text(void **state)
{
	char          text[] = "........................hello";
	struct str    s = {text, sizeof(text) - 1};
	struct marker m;

	(void)state;
	marker_write(text, 0xbeef, 0x1234567, STR("hello"));
	assert_true(marker_parse(s, &m));
	assert_int_equal(m.run, 0xbeef);
	assert_int_equal(m.number, 0x1234567);
	assert_true(m.intact);
	text[sizeof(text) - 2] = '0';
	assert_true(marker_parse(s, &m));
	assert_false(m.intact);
	for (size_t cut = 0; cut < MARKER_SIZE; cut++) {
		uint8_t *exact = test_copy(text, cut);

		assert_false(marker_parse((struct str){(char *)exact, cut}, &m));
		free(exact);
	}
	text[5] = 'x';
	assert_false(marker_parse(s, &m));
}

static void a_fault_script_is_read_and_strikes_as_often_as_it_says(void **state)
{
	struct fault_script script;
	struct random       r;
	char                why[256];
	unsigned            count[FAULT_KIND_COUNT] = {0};

	(void)state;
	print_message("seed 3\n");
	random_seed(&r, 3);
	assert_true(
		fault_parse("throttle:10%,slow:50ms,early:100%,error:0x14:2%,error:RTHROTTLED:0.1%",
			    &script, why));
	assert_int_equal(script.count, 5);
	assert_int_equal(script.fault[1].slow_us, 50000);
	assert_int_equal(script.fault[3].status, 0x14);
	assert_int_equal(script.fault[4].status, SMPP_RTHROTTLED);
	for (int i = 0; i < 10000; i++)
		count[fault_draw(&script, &r)->kind]++;
	assert_in_range(count[FAULT_THROTTLE], 900, 1100);
	assert_int_equal(count[FAULT_THROTTLE] + count[FAULT_SLOW],
			 10000); /* slow strikes whatever is left */
	assert_true(fault_also(&script, FAULT_EARLY, &r));
	assert_false(fault_also(&script, FAULT_UNDELIVERABLE, &r));
	assert_true(fault_parse("", &script, why));
	assert_int_equal(fault_draw(&script, &r)->kind, FAULT_NONE);
}

static void a_wrong_fault_script_says_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {{"trottle:10%", "throttle"}, {"throttle:10", "share"},
		     {"throttle:101%", "share"},  {"slow", "slow:50ms"},
		     {"slow:fast", "slow:50ms"},  {"error:2%", "status"},
		     {"silent:1%:2%", "too much"}};
	struct fault_script script;
	char                why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(fault_parse(wrong[i].text, &script, why));
		assert_non_null(strstr(why, wrong[i].says));
	}
}

static void options_are_read_with_their_units(void **state)
{
	char          *words[] = {"--connect", "[::1]:2775", "--rate",   "50k/s", "--time",
				  "90",        "--receipts", "--window", "1M",    "--record",
				  "f",         "--receipts", "20ms"};
	struct options o;

	(void)state;
	assert_true(options_parse('e', sizeof(words) / sizeof(words[0]), words, &o));
	assert_string_equal(o.connect.host, "::1");
	assert_string_equal(o.connect.port, "2775");
	assert_int_equal(o.rate, 50000);
	assert_int_equal(o.time_us, 90000000);
	assert_int_equal(o.window, 1000000);
	assert_true(o.receipts.given);
	assert_int_equal(o.receipts.us, 20000);
	assert_true(o.markers); /* a record without them would be of no use */
}

static void lists_end_at_the_next_option(void **state)
{
	char          *words[] = {"--sent", "a", "b", "--received", "c", "--json"};
	struct options o;

	(void)state;
	assert_true(options_parse('v', sizeof(words) / sizeof(words[0]), words, &o));
	assert_int_equal(o.sent.count, 2);
	assert_string_equal(o.sent.item[1], "b");
	assert_int_equal(o.received.count, 1);
	assert_true(o.json);
}

static void wrong_options_are_refused(void **state)
{
	static char *const wrong[][2] = {{"--conect", "a:1"}, {"--connect", "a"},
					 {"--connect", ":1"}, {"--connect", "a:70000"},
					 {"--rate", "fast"},  {"--time", "-1"},
					 {"--count", "1x"},   {"--fault", "x"},
					 {"--window", NULL},  {"word", NULL}};
	struct options     o;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *words[2] = {wrong[i][0], wrong[i][1]};

		assert_false(options_parse('e', words[1] != NULL ? 2 : 1, words, &o));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_makes_random_and_counting_digits),
		cmocka_unit_test(of_several_patterns_each_is_taken),
		cmocka_unit_test(a_pattern_that_fits_no_address_is_refused),
		cmocka_unit_test(percentiles_are_true_to_a_thirty_second),
		cmocka_unit_test(a_marker_is_known_again_and_sees_a_changed_text),
		cmocka_unit_test(a_fault_script_is_read_and_strikes_as_often_as_it_says),
		cmocka_unit_test(a_wrong_fault_script_says_what_would_be_right),
		cmocka_unit_test(options_are_read_with_their_units),
		cmocka_unit_test(lists_end_at_the_next_option),
		cmocka_unit_test(wrong_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
