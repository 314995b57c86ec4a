/* What a listener says to the INVITEs of RFC 4475 and RFC 5118, by the verdict that each has there.
 * Those that are sound offer no message over MSRP, and are refused for that where all before it was
 * read. */
#include "side.h"

#include "sip/torture.h"

static const struct {
	const char *name;
	unsigned    status;
} cases[] = {
	{"wsinv", 481},          /* 3.1.1.1: sound, with a tag of ours that is of no dialog */
	{"esc01", 488},          /* 3.1.1.3: sound */
	{"longreq", 488},        /* 3.1.1.7: sound */
	{"badinv01", 400},       /* 3.1.2.1 */
	{"clerr", 400},          /* 3.1.2.2: over UDP 400 */
	{"ncl", 400},            /* 3.1.2.3 */
	{"quotbal", 400},        /* 3.1.2.6 */
	{"ltgtruri", 400},       /* 3.1.2.7 */
	{"lwsruri", 400},        /* 3.1.2.8 */
	{"lwsstart", 400},       /* 3.1.2.9 */
	{"escruri", 400},        /* 3.1.2.11 */
	{"baddate", 488},        /* 3.1.2.12: a Date that nobody needs may be passed over */
	{"insuf", 400},          /* 3.3.1: From, To and Call-ID are not there */
	{"multi01", 400},        /* 3.3.8 */
	{"invut", 415},          /* 3.3.15 (3.3.6) */
	{"sdp01", 488},          /* 3.3.11: no answer is made whose type it would have to accept */
	{"inv2543", 488},        /* 3.4.1: sound by RFC 2543, without a branch of 3261 */
	{"ipv6-in-sdp", 488},    /* RFC 5118, 4.7: sound */
	{"mult-ip-in-sdp", 488}, /* 4.8: sound */
	{"ipv4-mapped-ipv6", 488}, /* 4.10: sound */
};

static void each_invite_has_the_answer_of_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = side_new(1);
		struct str        whole = torture_read(cases[i].name);
		const struct flow from = side_flow(66, 5060);
		struct proto_open how;
		struct flow       to;
		enum pull         last;
		const char       *answer;

		s->datagram = true;
		how = side_how(s, PROTO_DATAGRAM);
		how.open_to_all = true;
		how.media = side_flow(1, 9100);
		side_open_as(s, s->session, &how);
		side_feed(s, &from, whole.p, whole.n, &last);
		answer = side_heard(s, &to);
		if (answer == NULL || side_status(answer) != cases[i].status)
			fail_msg("%s: %s", cases[i].name, answer != NULL ? answer : "nothing");
		assert_null(side_heard(s, &to));
		assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
		free((void *)(uintptr_t)whole.p);
		side_forget_events(s);
		side_at(s, s->now.us + 64 * US_PER_SECOND); /* nobody acknowledges */
		do
			side_tick(s);
		while (side_heard(s, &to) != NULL);
		side_free(s);
	}
}

/* The answer to one of them, alone. Lent until the next. */
static const char *answer_to(struct side *s, const char *name)
{
	struct str        whole = torture_read(name);
	const struct flow from = side_flow(66, 5060);
	struct flow       to;
	enum pull         last;

	side_listen(s, true);
	side_feed(s, &from, whole.p, whole.n, &last);
	free((void *)(uintptr_t)whole.p);
	return side_heard(s, &to);
}

static void what_a_request_lacks_or_has_wrong_its_answer_does_not_have(void **state)
{
	struct side *s = side_new(1);
	const char  *answer = answer_to(s, "badinv01");

	(void)state;
	assert_non_null(strstr(answer, "\r\nVia: SIP/2.0/UDP 192.0.2.15;received=192.0.2.66\r\n"
				       "From: sip:caller@example.net;tag=134161461246\r\n"));
	assert_int_equal(side_refused(s, REASON_SIP_VIA), 1);
	side_free(s);

	s = side_new(1);
	answer = answer_to(s, "insuf");
	assert_non_null(strstr(answer, "\r\nVia: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf;"
				       "received=192.0.2.66\r\nCSeq: 193942 INVITE\r\n"
				       "Content-Length: 0\r\n"));
	assert_int_equal(side_refused(s, REASON_SIP_HEADER_MISSING), 1);
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_invite_has_the_answer_of_its_verdict),
		cmocka_unit_test(what_a_request_lacks_or_has_wrong_its_answer_does_not_have),
	};

	return cmocka_run_group_tests_name("torture_session", tests, NULL, NULL);
}
