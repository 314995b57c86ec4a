/* Session timers (RFC 4028): what header fields ask for, and what is granted. */
#include "test.h"

#include <stdio.h>

#include "sip/print.h"
#include "sip/timer.h"

static struct sip_message m;

/* Lines of a request; kept until the next. */
static void take(const char *lines)
{
	static char     text[2048];
	struct sip_scan scan = {0};
	struct cur      in;
	enum reason     why;
	int             n = snprintf(text, sizeof(text),
				     "UPDATE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP b\r\n%s\r\n", lines);

	in = cur_of(text, (size_t)n);
	assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
}

static void what_is_asked_for_is_read(void **state)
{
	static const struct {
		const char            *lines;
		struct sip_timer_asked want;
	} cases[] = {
		{"", {false, 0, 90, SIP_REFRESHER_NONE}},
		{"Supported: path, timer\r\n", {true, 0, 90, SIP_REFRESHER_NONE}},
		{"Require: timer\r\nSession-Expires: 1800\r\n",
		 {true, 1800, 90, SIP_REFRESHER_NONE}},
		{"x: 4000;refresher=UAC\r\nk: timer\r\n", {true, 4000, 90, SIP_REFRESHER_UAC}},
		{"Session-Expires: 4000 ; a=b ; refresher=uas\r\nMin-SE: 120;lr\r\n",
		 {false, 4000, 120, SIP_REFRESHER_UAS}},
		{"Session-Expires: 89\r\nMin-SE: 1\r\n", {false, 89, 90, SIP_REFRESHER_NONE}},
		{"Session-Expires: 99999999999\r\n", {false, UINT32_MAX, 90, SIP_REFRESHER_NONE}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_timer_asked asked;

		take(cases[i].lines);
		assert_true(sip_timer_read(&m, &asked));
		assert_int_equal(asked.supported, cases[i].want.supported);
		assert_int_equal(asked.seconds, cases[i].want.seconds);
		assert_int_equal(asked.min, cases[i].want.min);
		assert_int_equal(asked.refresher, cases[i].want.refresher);
	}
}

static void what_is_no_interval_is_refused(void **state)
{
	static const char *const cases[] = {
		"Session-Expires: \r\n",
		"Session-Expires: x\r\n",
		"Session-Expires: 0\r\n",
		"Session-Expires: 1800 x\r\n",
		"Session-Expires: 1800;refresher\r\n",
		"Session-Expires: 1800;refresher=me\r\n",
		"Min-SE: -1\r\n",
		"Min-SE: 90,120\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_timer_asked asked;

		take(cases[i]);
		if (sip_timer_read(&m, &asked))
			fail_msg("%s", cases[i]);
	}
}

/* RFC 4028, 9, and its table 2. */
static void the_answer_grants_what_both_sides_can_keep(void **state)
{
	static const struct {
		const char *lines;
		bool        offers;
		uint32_t    seconds; /* 1: refused */
		const char *answer;
	} cases[] = {
		{"", false, 0, ""},
		{"", true, 0, ""},
		{"Supported: timer\r\n", false, 0, ""},
		{"Supported: timer\r\n", true, 1800,
		 "Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n"},
		{"Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n", false, 100,
		 "Session-Expires: 100;refresher=uas\r\n"},
		{"Supported: timer\r\nSession-Expires: 100\r\nMin-SE: 200\r\n", false, 200,
		 "Require: timer\r\nSession-Expires: 200;refresher=uac\r\n"},
		{"Session-Expires: 100\r\n", false, 100, "Session-Expires: 100;refresher=uas\r\n"},
		{"Session-Expires: 100;refresher=uac\r\n", false, 100,
		 "Session-Expires: 100;refresher=uas\r\n"},
		{"Supported: timer\r\nSession-Expires: 89\r\n", false, 1, ""},
		{"Session-Expires: 89\r\n", true, 0, ""},
		{"Session-Expires: 99999999\r\n", false, SIP_TIMER_MAX_S,
		 "Session-Expires: 86400;refresher=uas\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_timer_asked asked;
		struct sip_timer       t;
		char                   room[256] = "";
		struct put             w = put_to(room, sizeof(room));

		take(cases[i].lines);
		assert_true(sip_timer_read(&m, &asked));
		assert_int_equal(sip_timer_grant(&asked, cases[i].offers, &t),
				 cases[i].seconds != 1);
		assert_int_equal(t.seconds, cases[i].seconds == 1 ? 0 : cases[i].seconds);
		sip_timer_put_answer(&w, &t);
		assert_false(w.failed);
		room[put_size(&w)] = '\0';
		assert_string_equal(room, cases[i].answer);
	}
}

static void a_session_is_given_up_a_third_or_32_seconds_before_its_end(void **state)
{
	(void)state;
	assert_int_equal(sip_timer_patience_us(90), 60 * US_PER_SECOND);
	assert_int_equal(sip_timer_patience_us(96), 64 * US_PER_SECOND);
	assert_int_equal(sip_timer_patience_us(1800), 1768 * US_PER_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_read),
		cmocka_unit_test(what_is_no_interval_is_refused),
		cmocka_unit_test(the_answer_grants_what_both_sides_can_keep),
		cmocka_unit_test(a_session_is_given_up_a_third_or_32_seconds_before_its_end),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
