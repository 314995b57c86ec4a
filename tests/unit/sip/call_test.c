/* Large messages from end to end: INVITE, its MSRP, and BYE, between two instances and against
 * scripts, over wires that lose datagrams. */
#include "side.h"

#include "base/random.h"
#include "sip/dialog.h"

#define MEDIA_PORT 20000u
#define US "192.0.2.1"
#define PATH "msrp://192.0.2.66:7394/abcdef;tcp"

static struct proto_open media_of(struct side *s, struct proto_open how)
{
	how.media = s->address;
	how.media.port = MEDIA_PORT;
	return how;
}

static struct side *listener(uint8_t number)
{
	struct side      *s = side_new(number);
	struct proto_open how;

	s->datagram = true;
	how = media_of(s, side_how(s, PROTO_DATAGRAM));
	how.open_to_all = true;
	side_open_as(s, s->session, &how);
	return s;
}

/* ---- what scripts say ---- */

#define SDP                                                                                        \
	"v=0\r\no=a 1 1 IN IP4 192.0.2.66\r\ns=-\r\nc=IN IP4 192.0.2.66\r\nt=0 0\r\n"              \
	"m=message 7394 TCP/MSRP *\r\na=accept-types:message/cpim\r\na=path:" PATH "\r\n"

static const char *request(const char *method, const char *branch, const char *to_tag,
			   unsigned sequence, const char *more, const char *body)
{
	static char text[65536];

	snprintf(
		text, sizeof(text),
		"%s sip:+46701111111@example.org SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.66:5066;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n"
		"From: <sip:+46702222222@example.net>;tag=88\r\n"
		"To: <sip:+46701111111@example.org>%s%s\r\nCall-ID: c1@example.net\r\n"
		"CSeq: %u %s\r\nContact: <sip:a@192.0.2.66:5066>\r\n"
		"Record-Route: <sip:p1.example.net;lr>\r\nRecord-Route: <sip:p2.example.net;lr>\r\n"
		"%sContent-Length: %zu\r\n\r\n%s",
		method, branch, to_tag[0] != '\0' ? ";tag=" : "", to_tag, sequence, method, more,
		strlen(body), body);
	return text;
}

#define IS_SDP "Content-Type: application/sdp\r\n"

static const char *invite(const char *body)
{
	return request("INVITE", "1", "", 1, IS_SDP, body);
}

/* The To tag of a text. */
static const char *tag_of(const char *text)
{
	static char tag[64];
	const char *at = strstr(text, "\r\nTo: ");

	assert_non_null(at);
	at = strstr(at, ";tag=");
	assert_non_null(at);
	snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(at + 5, "\r;"), at + 5);
	return tag;
}

static struct flow script(void)
{
	return side_flow(66, 5066);
}

static const char *say(struct side *s, const char *text)
{
	struct flow from = script();

	return side_say(s, &from, text);
}

/* What is sent within the time, by its timers. */
static const char *wait_for(struct side *s, uint64_t us)
{
	uint64_t until = s->now.us + us;

	for (;;) {
		struct flow to;

		side_tick(s);
		if (s->sent_size > 0)
			return side_heard(s, &to);
		if (s->due > until)
			break;
		side_at(s, s->due > s->now.us ? s->due : s->now.us + 1);
	}
	side_at(s, until);
	return NULL;
}

static void an_invite_is_refused_with_the_status_that_says_why(void **state)
{
#define M(line) "v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n" line
	static const struct {
		const char *more, *body;
		unsigned    status;
		enum reason why;
		const char *with;
	} cases[] = {
		{"", "", 488, REASON_SIP_OFFER, "Warning: 304 "},
		{IS_SDP, M("m=audio 9 RTP/AVP 0\r\n"), 488, REASON_SIP_OFFER, "Warning: 304 " US},
		{IS_SDP, M("m=message 9 TCP/TLS/MSRP *\r\na=path:" PATH "\r\n"), 488,
		 REASON_SIP_OFFER, "Warning: 302 "},
		{IS_SDP, M("m=message 9 TCP/MSRP *\r\n"), 488, REASON_SIP_OFFER, "Warning: 306 "},
		{IS_SDP, M("m=message 9 TCP/MSRP *\r\na=path:http://a\r\n"), 488, REASON_SIP_OFFER,
		 "Warning: 306 "},
		{IS_SDP, M("m=message 9 TCP/MSRP *\r\na=path:msrps://a:1/b;tcp\r\n"), 488,
		 REASON_SIP_OFFER, "Warning: 306 "},
		{IS_SDP, "v=1\r\n", 400, REASON_SIP_CONTENT, ""},
		{"Content-Type: text/plain\r\n", "hello", 415, REASON_CODING,
		 "Accept: application/sdp\r\n"},
		{"", SDP, 415, REASON_CODING, "Accept: application/sdp\r\n"},
		{IS_SDP, SDP "a=file-selector:size:70000\r\n", 413, REASON_MESSAGE_SIZE, ""},
		{IS_SDP "Require: 100rel\r\n", SDP, 420, REASON_SIP_EXTENSION,
		 "Unsupported: 100rel\r\n"},
	};
#undef M

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *s = listener(1);
		const char  *answer =
			say(s, request("INVITE", "1", "", 1, cases[i].more, cases[i].body));

		assert_non_null(answer);
		if (side_status(answer) != cases[i].status)
			fail_msg("case %zu: %s", i, answer);
		assert_non_null(strstr(answer, cases[i].with));
		assert_int_equal(side_refused(s, cases[i].why), 1);
		assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
		say(s, request("ACK", "1", tag_of(answer), 1, "", ""));
		assert_null(wait_for(s, 40 * US_PER_SECOND));
		side_free(s);
	}
}

static void more_sessions_than_the_window_are_busy(void **state)
{
	struct side *s = listener(1);

	s->settings.window_max = 1;
	sip_ops.settings(s->session, &s->settings);
	assert_int_equal(side_status(say(s, invite(SDP))), 200);
	{
		char text[4096];

		assert_true(str_copy(text, sizeof(text),
				     str_of(request("INVITE", "2", "", 1, IS_SDP, SDP))));
		strstr(text, "c1@example")[1] = '2';
		assert_int_equal(side_status(say(s, text)), 486);
	}
	assert_int_equal(side_refused(s, REASON_WINDOW), 1);
	side_free(s);
}

static void an_offer_is_answered_so_that_they_connect_or_we(void **state)
{
	static const struct {
		const char *setup, *want;
		bool        dials;
	} cases[] = {
		{"", "a=setup:passive\r\n", false},
		{"a=setup:actpass\r\n", "a=setup:passive\r\n", false},
		{"a=setup:active\r\n", "a=setup:passive\r\n", false},
		{"a=setup:passive\r\n", "a=setup:active\r\n", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *s = listener(1);
		char         body[1024], tag[64];
		const char  *answer;

		snprintf(body, sizeof(body), SDP "%s", cases[i].setup);
		answer = say(s, invite(body));
		assert_int_equal(side_status(answer), 200);
		assert_non_null(strstr(answer, cases[i].want));
		assert_non_null(strstr(answer, "a=recvonly\r\n"));
		assert_non_null(strstr(answer, "a=path:msrp://" US ":20000/"));
		assert_non_null(strstr(answer, "\r\nContact: <sip:" US ":5060>;"));
		assert_non_null(strstr(answer, "Record-Route: <sip:p1.example.net;lr>\r\n"
					       "Record-Route: <sip:p2.example.net;lr>\r\n"));
		snprintf(tag, sizeof(tag), "%s", tag_of(answer));
		assert_int_equal(strlen(tag), 24);
		say(s, request("ACK", "2", tag, 1, "", ""));
		assert_int_equal(side_last(s, EVENT_DIAL) != NULL, cases[i].dials);
		assert_int_equal(side_metric(s, METRIC_sip_invites_in), 1);
		side_free(s);
	}
}

static const char *routed(unsigned count, const char *element)
{
	static char more[32768];
	struct put  w = put_to(more, sizeof(more));

	put_str(&w, STR(IS_SDP "Record-Route: "));
	for (unsigned i = 0; i < count; i++) {
		put_str(&w, i > 0 ? STR(",") : STR(""));
		put_str(&w, str_of(element));
	}
	put_str(&w, STR("\r\n"));
	put_u8(&w, 0);
	assert_false(w.failed);
	return more;
}

/* The two of request() come before. */
static void a_route_set_of_any_length_costs_no_more_than_the_longest_that_is_taken(void **state)
{
	static const struct {
		unsigned    count;
		const char *element;
		unsigned    status;
	} cases[] = {
		{SIP_DIALOG_ROUTES_MAX - 2, "<sip:a;lr>", 200},
		{14,
		 "<sip:0123456789@pcscf17.visited.ims.mnc001.mcc001.3gppnetwork.org:5060;lr;"
		 "transport=tcp;ftag=88;did=0123456789abcdef;dlg=0123456789>",
		 200},
		{SIP_DIALOG_ROUTES_MAX - 1, "<sip:a;lr>", 400},
		{1400, "<sip:a;lr>", 400},
		{20,
		 "<sip:0123456789@pcscf17.visited.ims.mnc001.mcc001.3gppnetwork.org:5060;lr;"
		 "transport=tcp;ftag=88;did=0123456789abcdef;dlg=0123456789>",
		 400},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char  *more = routed(cases[i].count, cases[i].element);
		struct side *s = listener(1);
		const char  *answer = say(s, request("INVITE", "1", "", 1, more, SDP));
		char         tag[64];

		assert_int_equal(side_status(answer), cases[i].status);
		snprintf(tag, sizeof(tag), "%s", tag_of(answer));
		if (cases[i].status == 200) {
			char lines[8192];

			assert_true(str_copy(lines, sizeof(lines), str_of(more + strlen(IS_SDP))));
			assert_non_null(strstr(answer, lines));
			say(s, request("ACK", "2", tag, 1, "", ""));
			assert_int_equal(side_status(say(s, request("BYE", "3", tag, 2, "", ""))),
					 200);
		} else {
			assert_null(strstr(answer, "Record-Route:"));
			assert_int_equal(side_refused(s, REASON_SIP_ROUTE), 1);
			say(s, request("ACK", "1", tag, 1, "", ""));
		}
		side_tick(s);
		assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
		side_free(s);
	}
}

static void an_invite_without_contact_is_told_so(void **state)
{
	struct side *s = listener(1);
	char         text[4096], *contact;

	assert_true(str_copy(text, sizeof(text), str_of(invite(SDP))));
	contact = strstr(text, "Contact:");
	memcpy(contact, "Kontakt:", 8);
	assert_int_equal(side_status(say(s, text)), 400);
	assert_int_equal(side_refused(s, REASON_SIP_CONTACT), 1);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
	side_free(s);
}

/* Else whoever is let in could make us connect to a third. */
static void a_device_is_connected_to_itself_alone_and_a_peer_to_whom_it_names(void **state)
{
	for (unsigned peer = 0; peer < 2; peer++) {
		struct side *s = listener(1);
		char         body[1024], tag[64], *path;

		s->services.has_peer = peer == 1;
		s->services.peer = script();
		snprintf(body, sizeof(body), SDP "a=setup:passive\r\n");
		path = strstr(body, "a=path:msrp://192.0.2.66");
		path[strlen("a=path:msrp://192.0.2.")] = '7';
		snprintf(tag, sizeof(tag), "%s", tag_of(say(s, invite(body))));
		say(s, request("ACK", "2", tag, 1, "", ""));
		assert_int_equal(side_last(s, EVENT_DIAL) != NULL, peer == 1);
		side_free(s);
	}
}

/* RFC 6714: by what a middlebox puts there, whatever the path says. */
static void with_cema_a_stream_goes_by_connection_and_medium(void **state)
{
	static const struct {
		const char *from, *to; /* what is changed in the offer */
		uint8_t     last;      /* of the address that is connected to; 0: none */
	} cases[] = {
		{"a=path:msrp://192.0.2.66", "a=path:msrp://192.0.2.76", 66},
		{"c=IN IP4 192.0.2.66", "c=IN IP4 192.0.2.76", 0}, /* a third party */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side             *s = listener(1);
		char                     body[1024], tag[64];
		const char              *answer;
		const struct side_event *dial;

		snprintf(body, sizeof(body), SDP "a=setup:passive\r\na=msrp-cema\r\n");
		memcpy(strstr(body, cases[i].from), cases[i].to, strlen(cases[i].to));
		memcpy(strstr(body, "m=message 7394"), "m=message 7395", 14);
		answer = say(s, invite(body));
		assert_non_null(strstr(answer, "a=setup:active\r\na=msrp-cema\r\n"));
		snprintf(tag, sizeof(tag), "%s", tag_of(answer));
		say(s, request("ACK", "2", tag, 1, "", ""));
		dial = side_last(s, EVENT_DIAL);
		assert_int_equal(dial != NULL, cases[i].last != 0);
		if (dial != NULL) {
			assert_int_equal(((const uint8_t *)dial->dial.address)[3], cases[i].last);
			assert_int_equal(dial->dial.port, 7395);
		}
		side_free(s);
	}
}

/* A call before shows that they are where their datagrams come from. */
static void prove_address(struct side *s)
{
	char text[4096], tag[64];

	assert_true(
		str_copy(text, sizeof(text), str_of(request("INVITE", "p1", "", 1, IS_SDP, SDP))));
	strstr(text, "c1@example")[1] = '0';
	snprintf(tag, sizeof(tag), "%s", tag_of(say(s, text)));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(str_copy(text, sizeof(text),
				     str_of(request(i == 0 ? "ACK" : "BYE", i == 0 ? "p2" : "p3",
						    tag, 1 + i, "", ""))));
		strstr(text, "c1@example")[1] = '0';
		say(s, text);
	}
	side_tick(s);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
}

/* 13.3.1.4. */
static void without_ack_the_answer_comes_again_and_then_bye(void **state)
{
	struct side *s = listener(1);
	const char  *answer;
	char         first[4096];
	unsigned     again = 0;
	uint64_t     start = s->now.us;

	prove_address(s);
	answer = say(s, invite(SDP));
	snprintf(first, sizeof(first), "%s", answer);
	assert_null(say(s, invite(SDP))); /* absorbed */
	while ((answer = wait_for(s, 60 * US_PER_SECOND)) != NULL && strcmp(answer, first) == 0)
		again++;
	assert_int_equal(again, 10);
	assert_non_null(answer);
	assert_int_equal(s->now.us - start, 32000000);
	assert_int_equal(strncmp(answer, "BYE sip:a@192.0.2.66:5066 SIP/2.0\r\n", 35), 0);
	assert_non_null(strstr(answer, "\r\nRoute: <sip:p1.example.net;lr>, "
				       "<sip:p2.example.net;lr>\r\n"));
	assert_non_null(strstr(answer, "\r\nTo: <sip:+46702222222@example.net>;tag=88\r\n"));
	assert_non_null(strstr(answer, "\r\nCall-ID: c1@example.net\r\nCSeq: 1 BYE\r\n"));
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
	side_free(s);
}

/* It may not have come from there: neither BYE goes there nor, but for what the INVITE pays, the
 * answer again. */
static void without_ack_to_an_address_that_may_be_forged_all_ends_in_silence(void **state)
{
	struct side *s = listener(1);
	size_t       came = strlen(invite(SDP)), went = 0;
	const char  *answer;

	answer = say(s, invite(SDP));
	assert_int_equal(side_status(answer), 200);
	while ((answer = wait_for(s, 60 * US_PER_SECOND)) != NULL) {
		assert_int_equal(side_status(answer), 200);
		went += strlen(answer);
	}
	assert_true(went <= came);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
	side_free(s);
}

static void bye_ends_a_dialog_once(void **state)
{
	struct side *s = listener(1);
	char         tag[64];

	snprintf(tag, sizeof(tag), "%s", tag_of(say(s, invite(SDP))));
	say(s, request("ACK", "2", tag, 1, "", ""));
	assert_int_equal(side_status(say(s, request("BYE", "3", tag, 1, "", ""))), 500);
	assert_int_equal(side_status(say(s, request("BYE", "4", "other", 2, "", ""))), 481);
	assert_int_equal(side_status(say(s, request("BYE", "5", tag, 2, "", ""))), 200);
	assert_int_equal(side_status(say(s, request("BYE", "5", tag, 2, "", ""))), 200);
	assert_int_equal(side_status(say(s, request("BYE", "6", tag, 3, "", ""))), 481);
	side_tick(s);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
	assert_null(wait_for(s, 60 * US_PER_SECOND));
	side_free(s);
}

/* A request within the dialog with one thing other than it should be. */
static const char *forged(const char *text, const char *what, const char *with)
{
	static char other[8192];
	const char *at = strstr(text, what);

	assert_non_null(at);
	snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
	return other;
}

/* RFC 3261, 12.2.2: whoever knows less than the dialog's tags, Call-ID and sequence ends nothing
 * and changes nothing; and what is refused does not count in the sequence. */
static void a_forged_request_within_a_dialog_neither_ends_nor_changes_it(void **state)
{
	static const struct {
		const char *method;
		unsigned    sequence;
		const char *what, *with;
		unsigned    status; /* 0: no answer */
		enum reason why;
	} cases[] = {
		{"BYE", 4, "CSeq: 4 BYE", "CSeq: 4 BYE", 500, REASON_SIP_DIALOG},
		{"BYE", 5, "CSeq: 5 BYE", "CSeq: 5 BYE", 500, REASON_SIP_DIALOG},
		{"BYE", 6, "CSeq: 6 BYE", "CSeq: 6 INVITE", 400, REASON_SIP_CSEQ},
		{"BYE", 6, "CSeq: 6 BYE", "CSeq: 6 bye", 400, REASON_SIP_CSEQ},
		{"BYE", 6, "CSeq: 6 BYE", "CSeq: 2147483648 BYE", 400, REASON_SIP_CSEQ},
		{"BYE", 6, "CSeq: 6 BYE", "CSeq: -6 BYE", 400, REASON_SIP_CSEQ},
		{"BYE", 6, ";tag=88", ";tag=89", 481, REASON_SIP_DIALOG},
		{"BYE", 6, ";tag=88", "", 481, REASON_SIP_DIALOG},
		{"BYE", 6, ";tag=88", ";tag=888", 481, REASON_SIP_DIALOG},
		{"BYE", 6, "c1@example", "C1@example", 481, REASON_SIP_DIALOG},
		{"INVITE", 4, "CSeq: 4 INVITE", "CSeq: 4 INVITE", 500, REASON_SIP_DIALOG},
		{"INVITE", 6, "CSeq: 6 INVITE", "CSeq: 6 BYE", 400, REASON_SIP_CSEQ},
		{"INVITE", 6, ";tag=88", ";tag=89", 481, REASON_SIP_DIALOG},
		{"INVITE", 6, "c1@example", "c2@example", 481, REASON_SIP_DIALOG},
		{"UPDATE", 5, "CSeq: 5 UPDATE", "CSeq: 5 UPDATE", 500, REASON_SIP_DIALOG},
		{"UPDATE", 6, ";tag=88", ";tag=89", 481, REASON_SIP_DIALOG},
		{"ACK", 5, ";tag=88", ";tag=89", 0, REASON_NONE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *s = listener(1);
		char         tag[64];
		const char  *answer;
		bool         sdp = strcmp(cases[i].method, "INVITE") == 0;

		snprintf(tag, sizeof(tag), "%s",
			 tag_of(say(s, request("INVITE", "1", "", 5, IS_SDP, SDP))));
		if (cases[i].status != 0)
			say(s, request("ACK", "2", tag, 5, "", ""));
		answer = say(s, forged(request(cases[i].method, "3", tag, cases[i].sequence,
					       sdp ? IS_SDP : "", sdp ? SDP : ""),
				       cases[i].what, cases[i].with));
		if (cases[i].status == 0)
			assert_null(answer);
		else if (side_status(answer) != cases[i].status)
			fail_msg("case %zu: %s", i, answer);
		if (cases[i].status != 0)
			assert_int_equal(side_refused(s, cases[i].why), 1);
		assert_int_equal(side_metric(s, METRIC_sip_large_open), 1);
		assert_int_equal(side_metric(s, METRIC_sip_refreshes_in), 0);
		/* Who has all of it is heard, with the very next number. */
		say(s, request("ACK", "2", tag, 5, "", ""));
		assert_int_equal(side_status(say(s, request("BYE", "4", tag, 6, "", ""))), 200);
		side_tick(s);
		assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
		side_free(s);
	}
}

/* Our tag proves itself: none but the one that was given finds a dialog. */
static void no_tag_but_the_one_that_was_given_finds_a_dialog(void **state)
{
	struct side *s = listener(1);
	char         tag[64], other[64];

	snprintf(tag, sizeof(tag), "%s", tag_of(say(s, invite(SDP))));
	say(s, request("ACK", "2", tag, 1, "", ""));
	for (size_t i = 0; i <= strlen(tag); i++) {
		char branch[16];

		snprintf(other, sizeof(other), "%s", tag);
		if (i == strlen(tag))
			strcat(other, "a");
		else
			other[i] = other[i] == 'b' ? 'c' : 'b';
		snprintf(branch, sizeof(branch), "t%zu", i);
		assert_int_equal(side_status(say(s, request("BYE", branch, other, 2, "", ""))),
				 481);
	}
	assert_int_equal(side_refused(s, REASON_SIP_DIALOG), strlen(tag) + 1);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 1);
	assert_int_equal(side_status(say(s, request("BYE", "4", tag, 2, "", ""))), 200);
	side_free(s);
}

#define OTHER                                                                                      \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.66\r\ns=-\r\nc=IN IP4 192.0.2.66\r\nt=0 0\r\n"              \
	"m=message 7394 TCP/MSRP *\r\na=accept-types:message/cpim\r\n"                             \
	"a=path:msrp://192.0.2.66:7394/another;tcp\r\n"

static void an_invite_within_a_dialog_changes_nothing(void **state)
{
	struct side *s = listener(1);
	char         tag[64];
	const char  *answer;

	snprintf(tag, sizeof(tag), "%s", tag_of(say(s, invite(SDP))));
	say(s, request("ACK", "2", tag, 1, "", ""));
	answer = say(s, request("INVITE", "3", tag, 2, IS_SDP, OTHER));
	assert_int_equal(side_status(answer), 488);
	assert_non_null(strstr(answer, "Warning: 370 "));
	answer = say(s, request("INVITE", "3", tag, 2, IS_SDP, OTHER)); /* the 488 was lost */
	assert_int_equal(side_status(answer), 488);
	assert_int_equal(side_status(say(s, request("INVITE", "7", tag, 0, IS_SDP, OTHER))), 500);
	assert_int_equal(side_status(say(s, request("INVITE", "4", "none", 3, IS_SDP, OTHER))),
			 481);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 1);
	assert_int_equal(side_status(say(s, request("BYE", "5", tag, 3, "", ""))), 200);
	side_free(s);
}

static void cancel_comes_too_late_for_an_invite_that_is_answered(void **state)
{
	struct side *s = listener(1);

	assert_int_equal(side_status(say(s, request("CANCEL", "1", "", 1, "", ""))), 481);
	say(s, invite(SDP));
	assert_int_equal(side_status(say(s, request("CANCEL", "1", "", 1, "", ""))), 200);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 1);
	side_free(s);
}

/* RFC 3261, 9.2 */
static void the_answers_to_an_invite_and_its_cancel_have_one_tag(void **state)
{
	struct side *s = listener(1);
	char         tag[64];

	snprintf(tag, sizeof(tag), "%s", tag_of(say(s, invite("v=0\r\n"))));
	assert_int_not_equal(tag[0], '\0');
	assert_string_equal(tag_of(say(s, request("CANCEL", "1", "", 1, "", ""))), tag);
	side_free(s);
}

static void a_stream_that_does_not_come_ends_the_dialog(void **state)
{
	struct side *s = listener(1);
	char         tag[64];
	const char  *bye;
	uint64_t     start;

	snprintf(tag, sizeof(tag), "%s", tag_of(say(s, invite(SDP))));
	start = s->now.us;
	say(s, request("ACK", "2", tag, 1, "", ""));
	bye = wait_for(s, 60 * US_PER_SECOND);
	assert_non_null(bye);
	assert_int_equal(strncmp(bye, "BYE ", 4), 0);
	assert_int_equal(s->now.us - start, 10000000);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
	side_free(s);
}

/* ---- ours, against a script ---- */

static void copy_line(const char *from, const char *name, const char *more, char *room, size_t size)
{
	const char *at = strstr(from, name);
	size_t      n = strlen(room);

	assert_non_null(at);
	at += 2;
	snprintf(room + n, size - n, "%.*s%s\r\n", (int)(strstr(at, "\r\n") - at), at, more);
}

/* The answer to a request of ours; tag: of To, empty: none is added. */
static void answer_text(const char *to, unsigned status, const char *tag, const char *more,
			const char *body, char *room, size_t size)
{
	char   with[64];
	size_t n;

	snprintf(with, sizeof(with), "%s%s", tag[0] != '\0' ? ";tag=" : "", tag);
	snprintf(room, size, "SIP/2.0 %u Whatever\r\n", status);
	copy_line(to, "\r\nVia: ", "", room, size);
	copy_line(to, "\r\nFrom: ", "", room, size);
	copy_line(to, "\r\nTo: ", with, room, size);
	copy_line(to, "\r\nCall-ID: ", "", room, size);
	copy_line(to, "\r\nCSeq: ", "", room, size);
	n = strlen(room);
	snprintf(room + n, size - n, "%sContent-Length: %zu\r\n\r\n%s", more, strlen(body), body);
}

static struct side *caller(void)
{
	struct side      *s = side_new(1);
	struct proto_open how;
	struct flow       to;
	const char       *options;
	char              answer[4096];

	s->datagram = true;
	how = media_of(s, side_how(s, PROTO_DATAGRAM));
	how.open_to_all = true;
	side_open_as(s, s->session, &how);
	s->settings.large = true;
	how = media_of(s, side_how(s, PROTO_CONNECTING));
	how.remote = script();
	how.host = STR("peer.example");
	how.secret = STR("");
	s->peer = calloc(1, sip_ops.session_size);
	side_open_as(s, s->peer, &how);
	options = side_heard(s, &to);
	assert_non_null(options);
	answer_text(options, 200, "", "", "", answer, sizeof(answer));
	say(s, answer);
	side_forget_events(s);
	return s;
}

static void submit(struct side *s, size_t n)
{
	struct msg   *m = msg_new(s->pool);
	char         *text = malloc(n);
	struct result r;

	memset(text, 'x', n);
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46702222222"), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46701111111"), &m->to));
	m->coding = MSG_CODING_UTF8;
	assert_true(msg_append(m, text, n, &m->body));
	assert_int_equal(side_submit_to(s, s->peer, m, NULL, 77, &r), SUBMIT_SENT);
	msg_free(m);
	free(text);
}

#define ANSWER_SDP(setup) SDP "a=recvonly\r\n" setup

/* The script's answer to our request. */
static const char *respond(struct side *s, const char *to, unsigned status, const char *tag,
			   const char *more, const char *body)
{
	char text[8192];

	answer_text(to, status, tag, more, body, text, sizeof(text));
	return say(s, text);
}

#define THEIRS                                                                                     \
	IS_SDP "Contact: <sip:b@192.0.2.66:5066>\r\n"                                              \
	       "Record-Route: <sip:p2.example.net;lr>, <sip:p1.example.net;lr>\r\n"

static const char *called(struct side *s, char invite_text[8192])
{
	struct flow to;

	submit(s, 3000);
	assert_true(str_copy(invite_text, 8192, str_of(side_heard(s, &to))));
	assert_int_equal(strncmp(invite_text, "INVITE sip:+46701111111@peer.example", 36), 0);
	return invite_text;
}

static void what_is_too_long_for_a_message_goes_by_invite(void **state)
{
	struct side *s = caller();
	char         text[8192];

	called(s, text);
	assert_non_null(strstr(text, "a=setup:actpass\r\na=msrp-cema\r\na=sendonly\r\n"));
	assert_non_null(strstr(text, "a=file-selector:size:"));
	assert_non_null(strstr(text, "a=path:msrp://" US ":20000/"));
	assert_non_null(strstr(text, "\r\nAccept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-"
				     "service.ims.icsi.oma.cpm.largemsg\"\r\n"));
	assert_non_null(strstr(text, "\r\nContact: <sip:" US ":5060>"));
	assert_int_equal(sip_ops.window_used(s->peer), 1);
	side_free(s);
}

static void a_refusal_of_the_invite_is_the_result(void **state)
{
	struct side *s = caller();
	char         text[8192];
	const char  *ack;

	called(s, text);
	respond(s, text, 100, "", "", "");
	ack = respond(s, text, 486, "b", "", "");
	assert_int_equal(strncmp(ack, "ACK ", 4), 0);
	assert_int_equal(side_last(s, EVENT_RESULT)->token, 77);
	assert_int_equal(side_last(s, EVENT_RESULT)->result.peer_status, 486);
	assert_int_equal(side_last(s, EVENT_RESULT)->result.why, REASON_PEER_AWAY);
	assert_ptr_equal(side_last(s, EVENT_RESULT)->session, s->peer);
	assert_int_equal(sip_ops.window_used(s->peer), 0);
	ack = respond(s, text, 486, "b", "", "");
	assert_int_equal(strncmp(ack, "ACK ", 4), 0);
	assert_null(wait_for(s, 40 * US_PER_SECOND));
	side_free(s);
}

/* RFC 4028, 7.3. */
static void an_interval_that_is_too_small_there_is_made_larger(void **state)
{
	struct side *s = caller();
	char         text[8192];
	struct flow  to;
	const char  *again;

	called(s, text);
	assert_non_null(strstr(text, "\r\nSupported: timer\r\nSession-Expires: 1800\r\n"));
	assert_null(strstr(text, "Min-SE"));
	again = respond(s, text, 422, "b", "Min-SE: 3600\r\n", "");
	while (again != NULL && strncmp(again, "ACK ", 4) == 0)
		again = side_heard(s, &to);
	assert_non_null(again);
	assert_int_equal(strncmp(again, "INVITE sip:+46701111111@peer.example", 36), 0);
	assert_non_null(strstr(again, "\r\nCSeq: 2 INVITE\r\n"));
	assert_non_null(strstr(again, "\r\nSupported: timer\r\nSession-Expires: 3600\r\nMin-SE: "
				      "3600\r\n"));
	assert_null(strstr(again, "1800"));
	assert_null(side_last(s, EVENT_RESULT));
	side_free(s);
}

static void an_invite_that_rings_too_long_is_cancelled(void **state)
{
	struct side *s = caller();
	char         text[8192];
	const char  *cancel, *ack;
	uint64_t     start = s->now.us;

	called(s, text);
	respond(s, text, 180, "b", "", "");
	cancel = wait_for(s, 33 * US_PER_SECOND);
	assert_non_null(cancel);
	assert_int_equal(strncmp(cancel, "CANCEL ", 7), 0);
	assert_int_equal(s->now.us - start, 32000000);
	assert_int_equal(side_last(s, EVENT_RESULT)->result.why, REASON_ANSWER_TIMEOUT);
	assert_false(side_last(s, EVENT_RESULT)->result.maybe_sent);
	ack = respond(s, text, 487, "b", "", "");
	assert_int_equal(strncmp(ack, "ACK ", 4), 0);
	assert_null(wait_for(s, 40 * US_PER_SECOND));
	side_free(s);
}

static unsigned count_of(struct side *s, const char *word)
{
	unsigned    n = 0;
	const char *text;
	struct flow to;

	while ((text = side_heard(s, &to)) != NULL)
		n += strncmp(text, word, strlen(word)) == 0;
	return n;
}

/* Each answer to an INVITE of ours that goes wrong: ACK, then BYE, and the result says why. */
static void an_answer_that_is_of_no_use_is_acknowledged_and_ended(void **state)
{
	static const struct {
		const char *body;
		enum reason why;
	} cases[] = {
		{"", REASON_SIP_CONTENT},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=message 0 TCP/MSRP *\r\n",
		 REASON_SIP_OFFER},
		{SDP "a=sendonly\r\n", REASON_SIP_OFFER},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=message 1 TCP/MSRP *\r\n"
		 "a=accept-types:text/plain\r\na=path:" PATH "\r\n",
		 REASON_CODING},
		{SDP "a=max-size:100\r\n", REASON_MESSAGE_SIZE},
		{"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=message 1 TCP/MSRP *\r\n"
		 "a=accept-types:*\r\na=path:msrp://unknown.example:1/b;tcp\r\n",
		 REASON_CONNECTION_UNREACHABLE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *s = caller();
		char         text[8192], answer[8192];
		struct flow  from = script();
		enum pull    last;

		called(s, text);
		answer_text(text, 200, "b", THEIRS, cases[i].body, answer, sizeof(answer));
		side_feed(s, &from, answer, strlen(answer), &last);
		assert_int_equal(count_of(s, "ACK "), 1);
		side_tick(s);
		assert_int_equal(count_of(s, "BYE "), 1);
		assert_int_equal(side_last(s, EVENT_RESULT)->result.why, cases[i].why);
		assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
		side_free(s);
	}
}

/* 13.2.2.4. */
static void the_second_branch_of_a_fork_is_acknowledged_and_ended(void **state)
{
	struct side *s = caller();
	char         text[8192], answer[8192];
	struct flow  from = script(), to;
	enum pull    last;
	const char  *ack;

	called(s, text);
	ack = respond(s, text, 200, "b", THEIRS, ANSWER_SDP("a=setup:active\r\n"));
	assert_int_equal(strncmp(ack, "ACK sip:b@192.0.2.66:5066 SIP/2.0\r\n", 35), 0);
	assert_non_null(strstr(ack, "\r\nRoute: <sip:p1.example.net;lr>, "
				    "<sip:p2.example.net;lr>\r\n"));
	assert_null(strstr(text, strstr(ack, "branch=")));
	assert_null(side_last(s, EVENT_DIAL));
	answer_text(text, 200, "b", THEIRS, ANSWER_SDP(""), answer, sizeof(answer));
	side_feed(s, &from, answer, strlen(answer), &last); /* ACK was lost */
	assert_int_equal(count_of(s, "ACK "), 1);
	answer_text(text, 200, "c", THEIRS, ANSWER_SDP(""), answer, sizeof(answer));
	side_feed(s, &from, answer, strlen(answer), &last);
	ack = side_heard(s, &to);
	assert_int_equal(strncmp(ack, "ACK ", 4), 0);
	assert_string_equal(tag_of(ack), "c");
	ack = side_heard(s, &to);
	assert_int_equal(strncmp(ack, "BYE ", 4), 0);
	assert_string_equal(tag_of(ack), "c");
	assert_int_equal(side_metric(s, METRIC_sip_forks_ended), 1);
	assert_null(side_last(s, EVENT_RESULT));
	side_free(s);
}

static void a_dial_that_fails_is_the_result(void **state)
{
	struct side             *s = caller();
	char                     text[8192];
	const struct side_event *dial;
	struct out               out;
	struct flow              to;

	called(s, text);
	respond(s, text, 200, "b", THEIRS, ANSWER_SDP("a=setup:passive\r\n"));
	dial = side_last(s, EVENT_DIAL);
	assert_non_null(dial);
	assert_ptr_equal(dial->session, s->peer);
	out = side_out(s);
	sip_ops.answer(s->peer, s->now, dial->token,
		       &(struct result){.why = REASON_CONNECTION_REFUSED}, &out);
	side_took(s, &out);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_RESULT)->result.why, REASON_CONNECTION_REFUSED);
	assert_int_equal(strncmp(side_heard(s, &to), "BYE ", 4), 0);
	side_free(s);
}

static void a_session_that_ends_gives_back_what_is_under_way(void **state)
{
	struct side *s = caller();
	char         text[8192];
	uint64_t     token = 0;

	called(s, text);
	respond(s, text, 200, "b", THEIRS, ANSWER_SDP("a=setup:active\r\n"));
	sip_ops.close(s->peer, s->now, REASON_SHUTDOWN, NULL);
	assert_true(sip_ops.drain(s->peer, &token));
	assert_int_equal(token, 77);
	assert_false(sip_ops.drain(s->peer, &token));
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
	side_free(s);
}

/* ---- two instances ---- */

static void stream_move(struct side *from, struct side *to, void *session)
{
	/* Streams write bytes alone: what was sent before a stream's turn is datagrams. */
	uint8_t  *bytes = test_copy(from->sent, from->sent_size);
	size_t    n = from->sent_size;
	void     *listening = to->session;
	bool      datagram = to->datagram;
	enum pull last;

	from->sent_size = 0;
	to->session = session;
	to->datagram = false;
	if (n > 0)
		side_feed(to, &from->address, bytes, n, &last);
	to->session = listening;
	to->datagram = datagram;
	free(bytes);
}

/* All that two streams have for each other. */
static void streams_pump(struct side *a, void *of_a, struct side *b, void *of_b)
{
	struct side_event *msg;

	for (unsigned rounds = 0; rounds < 200; rounds++) {
		stream_move(a, b, of_b);
		msg = side_last(b, EVENT_MSG);
		if (msg != NULL && msg->token != 0) {
			struct out out = side_out(b);

			sip_ops.answer(of_b, b->now, msg->token,
				       &(struct result){.delivered = true}, &out);
			side_took(b, &out);
			msg->token = 0;
		}
		side_tick_one(b, of_b);
		stream_move(b, a, of_a);
		side_tick_one(a, of_a);
		if (a->sent_size == 0 && b->sent_size == 0)
			return;
	}
}

static void run(unsigned loss_percent, uint64_t seed)
{
	struct side       *a = side_new(1), *b = listener(2);
	struct proto_open  how;
	struct random      random;
	void              *of_a = calloc(1, sip_ops.session_size);
	void              *of_b = calloc(1, sip_ops.session_size);
	bool               connected = false;
	struct side_event *e;

	random_seed(&random, seed);
	a->datagram = true;
	how = media_of(a, side_how(a, PROTO_DATAGRAM));
	how.open_to_all = true;
	side_open_as(a, a->session, &how);
	a->settings.large = true;
	how = media_of(a, side_how(a, PROTO_CONNECTING));
	how.remote = b->address;
	how.host = STR("peer.example");
	a->peer = calloc(1, sip_ops.session_size);
	side_open_as(a, a->peer, &how);
	sides_pump(a, b);
	side_forget_events(a);
	submit(a, 40000);
	for (unsigned step = 0; step < 400 && side_last(a, EVENT_RESULT) == NULL; step++) {
		a->lose = random_below(&random, 100) < loss_percent ? 1 : 0;
		b->lose = random_below(&random, 100) < loss_percent ? 1 : 0;
		sides_pump(a, b);
		e = side_last(a, EVENT_DIAL);
		if (e != NULL && !connected) {
			struct proto_open to = side_how(b, PROTO_ACCEPTED);
			struct out        out;

			connected = true;
			to.datagram = false;
			to.media_stream = true;
			side_open_as(b, of_b, &to);
			to = side_how(a, PROTO_CONNECTING);
			to.datagram = false;
			to.dial = e->token;
			side_open_as(a, of_a, &to);
			streams_pump(a, of_a, b, of_b);
			out = side_out(a);
			sip_ops.answer(a->peer, a->now, e->token, &(struct result){0}, &out);
			side_took(a, &out);
		}
		sides_at(a, b, a->now.us + 250 * US_PER_MS);
	}
	if (side_last(a, EVENT_RESULT) == NULL)
		fail_msg("seed %llu: no result", (unsigned long long)seed);
	assert_int_equal(side_last(a, EVENT_RESULT)->token, 77);
	assert_int_equal(side_last(a, EVENT_RESULT)->result.why, REASON_NONE);
	e = side_last(b, EVENT_MSG);
	assert_non_null(e);
	assert_int_equal(e->msg->body.size, 40000);
	assert_int_equal(e->msg->coding, MSG_CODING_UTF8);
	assert_true(str_eq(msg_addr(e->msg, &e->msg->to), STR("+46701111111")));
	assert_true(str_eq(msg_addr(e->msg, &e->msg->from), STR("+46702222222")));
	for (unsigned step = 0; step < 400; step++) { /* BYE, and all timers */
		a->lose = random_below(&random, 100) < loss_percent ? 1 : 0;
		b->lose = random_below(&random, 100) < loss_percent ? 1 : 0;
		sides_pump(a, b);
		sides_at(a, b, a->now.us + 250 * US_PER_MS);
	}
	assert_int_equal(side_metric(a, METRIC_sip_large_open), 0);
	assert_int_equal(side_metric(b, METRIC_sip_large_open), 0);
	assert_int_equal(side_metric(a, METRIC_sip_transactions_open), 0);
	assert_int_equal(side_metric(b, METRIC_sip_transactions_open), 0);
	side_end(a, of_a);
	side_end(b, of_b);
	side_free(a);
	side_free(b);
	free(of_a);
	free(of_b);
}

static void a_large_message_goes_by_invite_and_arrives_as_a_message(void **state)
{
	run(0, 1);
}

static void a_large_message_arrives_once_though_datagrams_are_lost(void **state)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		run(30, seed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_is_refused_with_the_status_that_says_why),
		cmocka_unit_test(more_sessions_than_the_window_are_busy),
		cmocka_unit_test(an_offer_is_answered_so_that_they_connect_or_we),
		cmocka_unit_test(
			a_route_set_of_any_length_costs_no_more_than_the_longest_that_is_taken),
		cmocka_unit_test(an_invite_without_contact_is_told_so),
		cmocka_unit_test(a_device_is_connected_to_itself_alone_and_a_peer_to_whom_it_names),
		cmocka_unit_test(with_cema_a_stream_goes_by_connection_and_medium),
		cmocka_unit_test(without_ack_the_answer_comes_again_and_then_bye),
		cmocka_unit_test(without_ack_to_an_address_that_may_be_forged_all_ends_in_silence),
		cmocka_unit_test(bye_ends_a_dialog_once),
		cmocka_unit_test(a_forged_request_within_a_dialog_neither_ends_nor_changes_it),
		cmocka_unit_test(no_tag_but_the_one_that_was_given_finds_a_dialog),
		cmocka_unit_test(an_invite_within_a_dialog_changes_nothing),
		cmocka_unit_test(cancel_comes_too_late_for_an_invite_that_is_answered),
		cmocka_unit_test(the_answers_to_an_invite_and_its_cancel_have_one_tag),
		cmocka_unit_test(a_stream_that_does_not_come_ends_the_dialog),
		cmocka_unit_test(what_is_too_long_for_a_message_goes_by_invite),
		cmocka_unit_test(a_refusal_of_the_invite_is_the_result),
		cmocka_unit_test(an_interval_that_is_too_small_there_is_made_larger),
		cmocka_unit_test(an_invite_that_rings_too_long_is_cancelled),
		cmocka_unit_test(an_answer_that_is_of_no_use_is_acknowledged_and_ended),
		cmocka_unit_test(the_second_branch_of_a_fork_is_acknowledged_and_ended),
		cmocka_unit_test(a_dial_that_fails_is_the_result),
		cmocka_unit_test(a_session_that_ends_gives_back_what_is_under_way),
		cmocka_unit_test(a_large_message_goes_by_invite_and_arrives_as_a_message),
		cmocka_unit_test(a_large_message_arrives_once_though_datagrams_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
