/* What broken, careless and hostile senders say: for each the answer of the standard, a counted
 * reason, and a session that goes on. */
#include "subscriber.h"

#include "sip/via.h"

#define VIA "Via: SIP/2.0/UDP 192.0.2.66:5066;branch=z9hG4bKbad;rport\r\n"
#define REST "From: <sip:bob@else.example>;tag=1\r\nTo: <sip:alice@example.org>\r\nCall-ID: 1\r\n"
#define MESSAGE "MESSAGE sip:alice@example.org SIP/2.0\r\n"
#define END "Content-Length: 1\r\n\r\nx"

static const char good[] = MESSAGE VIA REST "CSeq: 1 MESSAGE\r\n" END;

static struct side *open_new(void)
{
	struct side *s = side_new(1);

	side_listen(s, true);
	return s;
}

static void is_alive(struct side *s)
{
	struct flow from = side_flow(66, 5066);

	assert_int_equal(side_status(side_say(s, &from,
					      "OPTIONS sip:example.org SIP/2.0\r\n" VIA REST
					      "CSeq: 9 OPTIONS\r\nContent-Length: 0\r\n\r\n")),
			 200);
}

static void a_bad_datagram_gets_its_answer_or_none_and_the_session_goes_on(void **state)
{
	static const struct {
		const char *text;
		unsigned    status; /* 0: no answer, but it is counted; 1: a message */
		enum reason why;
	} cases[] = {
		{good, 1, REASON_NONE},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: -1\r\n\r\nx", 400,
		 REASON_SIP_CONTENT_LENGTH},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: 99999999999\r\n\r\nx", 400,
		 REASON_COUNT},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: 1\r\nl: 2\r\n\r\nxx", 400,
		 REASON_COUNT},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: 5\r\n\r\nx", 400,
		 REASON_SIP_BODY_SHORT},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nSubject\x01: x\r\n" END, 400, REASON_COUNT},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nSubject: a\rb\r\n" END, 400, REASON_COUNT},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nSubject: a\nb: c\r\n" END, 400, REASON_COUNT},
		{MESSAGE VIA REST "CSeq: 1 INVITE\r\n" END, 400, REASON_SIP_CSEQ},
		{MESSAGE VIA REST "CSeq: 2147483648 MESSAGE\r\n" END, 400, REASON_SIP_CSEQ},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nMax-Forwards: -1\r\n" END, 400,
		 REASON_SIP_MAX_FORWARDS},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nMax-Forwards: 999\r\n" END, 400,
		 REASON_SIP_MAX_FORWARDS},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nMax-Forwards: 0\r\n" END, 483, REASON_LOOP},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nFrom: <sip:eve@x>;tag=2\r\n" END, 400,
		 REASON_SIP_HEADER_REPEATED},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nf: <sip:eve@x>;tag=2\r\n" END, 400,
		 REASON_SIP_HEADER_REPEATED},
		{"MESSAGE sip:alice@example.org SIP/3.0\r\n" VIA REST "CSeq: 1 MESSAGE\r\n" END,
		 505, REASON_SIP_VERSION},
		{"MESSAGE <sip:alice@example.org> SIP/2.0\r\n" VIA REST "CSeq: 1 MESSAGE\r\n" END,
		 400, REASON_SIP_URI},
		{"MESSAGE mailto:x@y SIP/2.0\r\n" VIA REST "CSeq: 1 MESSAGE\r\n" END, 416,
		 REASON_DESTINATION},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nRequire: nothing, path, 100rel\r\n" END, 420,
		 REASON_SIP_EXTENSION},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Type: image/png\r\n" END, 415,
		 REASON_CODING},
		{MESSAGE VIA
		 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKaeaaaaacaaaaaady7at654m7"
		 "\r\n" REST "CSeq: 1 MESSAGE\r\n" END,
		 482, REASON_LOOP},
		{"INVITE sip:alice@example.org SIP/2.0\r\n" VIA REST "CSeq: 1 INVITE\r\n" END, 488,
		 REASON_NOT_SUPPORTED},
		{"BYE sip:alice@example.org SIP/2.0\r\n" VIA REST "CSeq: 1 BYE\r\n" END, 481,
		 REASON_SIP_DIALOG},
		{"NOTIFY sip:alice@example.org SIP/2.0\r\n" VIA REST "CSeq: 1 NOTIFY\r\n" END, 481,
		 REASON_SIP_DIALOG},
		{"SUBSCRIBE sip:alice@example.org SIP/2.0\r\n" VIA REST "CSeq: 1 SUBSCRIBE\r\n" END,
		 405, REASON_NOT_SUPPORTED},
		{"FROBNICATE sip:alice@example.org SIP/2.0\r\n" VIA REST
		 "CSeq: 1 FROBNICATE\r\n" END,
		 405, REASON_PDU_COMMAND},
		{"CANCEL sip:alice@example.org SIP/2.0\r\n" VIA REST "CSeq: 1 CANCEL\r\n" END, 481,
		 REASON_SIP_TRANSACTION},
		{"ACK sip:alice@example.org SIP/2.0\r\n" VIA REST "CSeq: 1 ACK\r\n" END, 0,
		 REASON_NONE},
		{"ACK sip:alice@example.org SIP/2.0\r\n" VIA REST "CSeq: 1 INVITE\r\n" END, 0,
		 REASON_SIP_CSEQ},
		{MESSAGE REST "CSeq: 1 MESSAGE\r\n" END, 0, REASON_SIP_HEADER_MISSING},
		{MESSAGE "Via: junk\r\n" REST "CSeq: 1 MESSAGE\r\n" END, 0, REASON_SIP_VIA},
		{MESSAGE "Via: SIP/2.0/UDP 192.0.2.66;;x\r\n" REST "CSeq: 1 MESSAGE\r\n" END, 400,
		 REASON_SIP_VIA},
		{MESSAGE VIA "Via: SIP/2.0/UDP a,,\r\n" REST "CSeq: 1 MESSAGE\r\n" END, 400,
		 REASON_SIP_VIA},
		{MESSAGE VIA "CSeq: 1 MESSAGE\r\n" END, 400, REASON_SIP_HEADER_MISSING},
		{MESSAGE VIA REST END, 0, REASON_SIP_HEADER_MISSING},
		{"SIP/2.0 200 OK\r\n" VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n", 0,
		 REASON_NONE},
		{"SIP/2.0 999 OK\r\n" VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n", 0,
		 REASON_SIP_START_LINE},
		{"GET / HTTP/1.1\r\n\r\n", 0, REASON_COUNT},
		{"\r\n\r\n\r\n\r\n", 0, REASON_NONE},
		{"\x16\x03\x01\x02", 0, REASON_COUNT},
	};
	struct flow from = side_flow(66, 5066);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *s = open_new();
		const char  *answer = side_say(s, &from, cases[i].text);

		if (cases[i].status < 2)
			assert_null(answer);
		else
			assert_int_equal(side_status(answer), cases[i].status);
		assert_int_equal(side_last(s, EVENT_MSG) != NULL, cases[i].status == 1);
		if (cases[i].why != REASON_NONE && cases[i].why != REASON_COUNT)
			assert_int_equal(side_refused(s, cases[i].why), 1);
		is_alive(s);
		side_free(s);
	}
}

/* A MESSAGE with so many Vias in one line, the last of which is this one. */
static const char *with_vias(unsigned count, const char *last, size_t pad)
{
	static char text[32768];
	struct put  w = put_to(text, sizeof(text));

	put_str(&w, STR(MESSAGE VIA "Via: "));
	for (unsigned i = 2; i < count; i++)
		put_str(&w, STR("SIP/2.0/U a,"));
	put_str(&w, str_of(last));
	put_str(&w, STR("\r\nFrom: <sip:bob@else.example>;tag="));
	for (size_t i = 0; i < pad; i++)
		put_u8(&w, 't');
	put_str(&w,
		STR("1\r\nTo: <sip:alice@example.org>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n" END));
	put_u8(&w, 0);
	assert_false(w.failed);
	return text;
}

static unsigned vias_of(const char *answer)
{
	unsigned n = 0;

	for (; (answer = strstr(answer, "\r\nVia: ")) != NULL; answer += 2)
		n++;
	return n;
}

/* RFC 3261, 20.22: no Max-Forwards lets a request through more than 255 hops. */
static void vias_beyond_the_hops_that_can_be_are_refused_however_few_lines_they_have(void **state)
{
	static const char ours[] =
		"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKaeaaaaacaaaaaady7at654m7";
	static const struct {
		unsigned    count;
		const char *last;
		size_t      pad;
		unsigned    status; /* 0: a message */
	} cases[] = {
		{SIP_VIAS_MAX, "SIP/2.0/U a", 0, 0},
		{SIP_VIAS_MAX, ours, 0, 482},
		{SIP_VIAS_MAX, "SIP/2.0/U a", 12800, 0},
		{SIP_VIAS_MAX, ours, 12800, 482}, /* all of the head comes back */
		{SIP_VIAS_MAX + 1, "SIP/2.0/U a", 0, 400},
		{SIP_VIAS_MAX + 1, ours, 0, 400},
		{SIP_VIAS_MAX + 1, ours, 12800, 400},
		{1340, "SIP/2.0/U a", 0, 400},
	};
	struct flow from = side_flow(66, 5066);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *s = open_new();
		const char  *answer =
			side_say(s, &from, with_vias(cases[i].count, cases[i].last, cases[i].pad));

		assert_int_equal(side_last(s, EVENT_MSG) != NULL, cases[i].status == 0);
		if (cases[i].status == 0) {
			struct flow to;

			side_answer(s, side_last(s, EVENT_MSG),
				    &(struct result){.delivered = true});
			answer = side_heard(s, &to);
		}
		assert_int_equal(side_status(answer), cases[i].status == 0 ? 200 : cases[i].status);
		assert_int_equal(vias_of(answer), SIP_VIAS_MAX);
		assert_int_equal(side_refused(s, REASON_SIP_HEADER_COUNT), cases[i].status == 400);
		is_alive(s);
		side_free(s);
	}
}

/* What is a list of routes to who is a proxy is nothing to who is not (16.12.1.1). */
static void routes_that_a_message_has_cost_nothing_however_many(void **state)
{
	static char  text[32768];
	struct put   w = put_to(text, sizeof(text) - 1);
	struct flow  from = side_flow(66, 5066);
	struct side *s = open_new();

	(void)state;
	put_str(&w, STR(MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nRoute: "));
	for (unsigned i = 0; i < 1300; i++)
		put_str(&w, STR("<sip:a;lr>,"));
	put_str(&w, STR("<sip:b;lr>\r\n" END));
	text[put_size(&w)] = '\0';
	assert_null(side_say(s, &from, text));
	assert_non_null(side_last(s, EVENT_MSG));
	side_free(s);
}

static void of_extensions_that_are_required_by_the_thousand_some_are_told(void **state)
{
	static char  text[32768];
	struct put   w = put_to(text, sizeof(text) - 1);
	struct flow  from = side_flow(66, 5066);
	struct side *s = open_new();
	const char  *answer;

	(void)state;
	put_str(&w, STR(MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nRequire: "));
	for (unsigned i = 0; i < 7900; i++)
		put_str(&w, STR("a,"));
	put_str(&w, STR("b\r\n" END));
	text[put_size(&w)] = '\0';
	answer = side_say(s, &from, text);
	assert_int_equal(side_status(answer), 420);
	assert_non_null(strstr(answer, "\r\nUnsupported: a, a, a"));
	assert_non_null(strstr(answer, "a\r\nContent-Length: 0\r\n\r\n"));
	is_alive(s);
	side_free(s);
}

static void an_answer_says_what_would_have_been_right(void **state)
{
	static const struct {
		const char *text, *with;
	} cases[] = {
		{"INVITE sip:a@b SIP/2.0\r\n" VIA REST "CSeq: 1 INVITE\r\n" END,
		 "Warning: 399 192.0.2.1 \"Messages come by MESSAGE alone here: no msrp_port is "
		 "configured\"\r\n"},
		{"INFO sip:a@b SIP/2.0\r\n" VIA REST "CSeq: 1 INFO\r\n" END,
		 "Allow: MESSAGE, OPTIONS, REGISTER, INVITE, ACK, BYE, CANCEL, UPDATE, "
		 "NOTIFY\r\n"},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nRequire: nothing, path, 100rel\r\n" END,
		 "Unsupported: nothing, 100rel\r\n"},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Type: image/png\r\n" END,
		 "Accept: text/plain, "},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Encoding: br\r\n" END,
		 "Accept-Encoding: deflate, gzip, identity\r\n"},
		{good, "received=192.0.2.66;rport=5066"},
		{good, "Retry-After: 5\r\n"},
	};
	struct flow from = side_flow(66, 5066);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side *s = open_new();
		const char  *answer = side_say(s, &from, cases[i].text);
		struct flow  to;

		if (cases[i].text == good) {
			side_answer(s, side_last(s, EVENT_MSG),
				    &(struct result){.why = REASON_QUEUE_FULL});
			answer = side_heard(s, &to);
		}
		assert_non_null(strstr(answer, cases[i].with));
		side_free(s);
	}
}

static void a_stream_whose_framing_is_lost_is_told_so_and_ends(void **state)
{
	static const struct {
		const char *text;
		unsigned    status; /* 0: nothing can be said */
	} cases[] = {
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: -1\r\n\r\nx", 400},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Length: 99999999\r\n\r\nx", 413},
		{MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n\r\nx", 400},
		{"GET / HTTP/1.1\r\n\r\n", 0},
	};
	struct flow from = side_flow(66, 5066);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = side_new(1);
		struct proto_open how = side_how(s, PROTO_ACCEPTED);
		const char       *answer;

		how.open_to_all = true;
		how.remote = from;
		side_open_as(s, s->session, &how);
		answer = side_say(s, &from, cases[i].text);
		if (cases[i].status == 0)
			assert_null(answer);
		else
			assert_int_equal(side_status(answer), cases[i].status);
		assert_non_null(side_last(s, EVENT_CLOSE));
		side_free(s);
	}
}

/* Whoever forges the source of a datagram gets one answer for it at most, to that source, and none
 * that is more than three times as long. */
static void a_forged_datagram_is_of_no_use_against_a_third(void **state)
{
	static const char *const requests[] = {
		good,
		MESSAGE VIA REST "CSeq: 1 MESSAGE\r\nContent-Type: image/png\r\n" END,
		"OPTIONS sip:example.org SIP/2.0\r\n" VIA REST "CSeq: 1 OPTIONS\r\n\r\n",
		"OPTIONS sip:e SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:sip:a@b;tag=1\r\n"
		"t:sip:a@b\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n",
		"REGISTER sip:example.org SIP/2.0\r\n" VIA REST "CSeq: 1 REGISTER\r\n"
		"Contact: <sip:a@198.51.100.9>\r\nContent-Length: 0\r\n\r\n",
		"REGISTER sip:e SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:sip:a@b;tag=1\r\n"
		"t:sip:a@b\r\ni:1\r\nCSeq:1 REGISTER\r\n\r\n",
		"INVITE sip:e SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:sip:a@b;tag=1\r\n"
		"t:sip:a@b\r\ni:1\r\nCSeq:1 INVITE\r\n\r\n",
	};
	struct flow from = side_flow(66, 5066), to;

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct side *s = side_new(1);
		size_t       asked = strlen(requests[i]), told;
		const char  *answer;

		side_listen(s, false);
		side_feed(s, &from, requests[i], asked, &(enum pull){0});
		answer = side_heard(s, &to);
		told = answer != NULL ? strlen(answer) : 0;
		assert_true(told <= 3 * asked);
		assert_true(asked < 150 || told > 0); /* real agents are answered */
		if (told > 0)
			assert_memory_equal(to.address, from.address, sizeof(to.address));
		assert_null(side_heard(s, &to));
		/* and nothing comes later by itself */
		for (uint64_t us = 0; us < 40 * US_PER_SECOND; us += US_PER_SECOND / 2) {
			side_at(s, 1000000 + us);
			side_tick(s);
			assert_int_equal(s->sent_size, 0);
		}
		side_free(s);
	}
}

#define JUNK                                                                                       \
	"Authorization: Digest "                                                                   \
	"username=\"alice\",realm=\"example.org\",nonce=\"n\",uri=\"sip:e\","                      \
	"response=\"00000000000000000000000000000000\",cnonce=\"c\",qop=auth,nc=00000001\r\n"
#define INVITE(more, body)                                                                         \
	"INVITE sip:e SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:sip:a@example.org;tag=1\r\n" \
	"t:sip:a@b\r\ni:1\r\nCSeq:1 INVITE\r\nm:<sip:a@h>\r\ns:an agent says more of itself, as "  \
	"real ones do, "                                                                           \
	"each of which has a name, its features and all that it can do in its INVITE\r\n" more     \
	"\r\n" body
#define SDP(lines) "v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n" lines
#define IS_SDP "c:application/sdp\r\n"
#define MSRP SDP("m=message 9 TCP/MSRP *\r\na=path:msrp://h:9/a;tcp\r\n")

/* Every way an INVITE ends before its ACK, of who never gets what we say: one answer goes out, of
 * three times its bytes at most, and what follows by itself is no more than came in. */
static void a_forged_invite_is_paid_for_byte_by_byte(void **state)
{
	static const struct {
		const char *text;
		unsigned    status;
		bool        open, peer; /* let in without credentials: all, or by address */
		unsigned    window;
	} cases[] = {
		{INVITE("", ""), 401, false, false, 10},
		{INVITE(JUNK, ""), 401, false, false, 10},
		{INVITE("Authorization: Digest username\r\n", ""), 400, false, false, 10},
		{INVITE("Authorization: Digest realm=\"example.org\",qop=auth\r\n", ""), 400, false,
		 false, 10},
		{INVITE("", ""), 488, true, false, 10},
		{INVITE("c:text/plain\r\n", "x"), 415, true, false, 10},
		{INVITE(IS_SDP, "v=1\r\n"), 400, true, false, 10},
		{INVITE(IS_SDP, SDP("m=audio 9 RTP/AVP 0\r\n")), 488, false, true, 10},
		{INVITE(IS_SDP, MSRP "a=file-selector:size:99999\r\n"), 413, true, false, 10},
		{INVITE("Require:x\r\n", ""), 420, true, false, 10},
		{INVITE("Max-Forwards:0\r\n", ""), 483, true, false, 10},
		{INVITE(IS_SDP, MSRP), 200, true, false, 10},
		{INVITE(IS_SDP, MSRP), 200, false, true, 10},
		{INVITE(IS_SDP, MSRP), 503, true, false, 0},
		{"INVITE sip:e SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:sip:a@b;tag=1\r\n"
		 "t:sip:a@b;tag=2\r\ni:1\r\nCSeq:1 INVITE\r\n\r\n",
		 481, true, false, 10},
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t      at = i / 2;
		const size_t      size = strlen(cases[at].text);
		struct flow       from = side_flow(66, 5066), to;
		struct side      *s = side_new(1);
		struct proto_open how;
		size_t            came = 0, went = 0, first = 0;

		s->services.has_peer = cases[at].peer;
		s->services.peer = from;
		s->settings.window_max = cases[at].window;
		s->datagram = true;
		how = side_how(s, PROTO_DATAGRAM);
		how.open_to_all = cases[at].open;
		how.media = s->address;
		how.media.port = 20000;
		side_open_as(s, s->session, &how);
		for (unsigned step = 0; step < 80; step++) { /* half a second each */
			const char *answer;

			if (step == 0 || (i % 2 == 1 && step < 20)) {
				side_feed(s, &from, cases[at].text, size, &(enum pull){0});
				came += size;
			}
			side_tick(s);
			while ((answer = side_heard(s, &to)) != NULL) {
				assert_memory_equal(to.address, from.address, sizeof(to.address));
				if (side_status(answer) != cases[at].status)
					fail_msg("case %zu: %s", at, answer);
				first = first == 0 ? strlen(answer) : first;
				went += strlen(answer);
			}
			assert_true(went <= 3 * came);
			if (came == size)
				assert_true(went - first <= came);
			side_at(s, s->now.us + US_PER_SECOND / 2);
		}
		if (first == 0)
			fail_msg("case %zu has no answer", at);
		side_free(s);
	}
}

static void nobody_sends_in_the_name_of_another(void **state)
{
	static const struct {
		const char *from;
		unsigned    status; /* 1: delivered */
	} cases[] = {
		{"<sip:alice@example.org>", 1}, {"<sip:+46701234567@example.org>", 1},
		{"<sip:bob@example.org>", 403}, {"<sip:alice@bank.example>", 403},
		{"<tel:+46709999999>", 403},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = side_new(1);
		struct subscriber alice = subscriber_alice();
		char              lines[512];
		const char       *answer;

		side_listen(s, false);
		snprintf(lines, sizeof(lines),
			 "From: %s;tag=1\r\nTo: <sip:bob@example.org>\r\n"
			 "P-Asserted-Identity: <sip:bob@example.org>\r\n",
			 cases[i].from);
		answer = subscriber_prove(s, &alice, "MESSAGE", "sip:bob@example.org", lines, "x");
		if (cases[i].status == 1) {
			assert_null(answer);
			assert_true(str_eq(msg_addr(side_last(s, EVENT_MSG)->msg,
						    &side_last(s, EVENT_MSG)->msg->from),
					   STR("+46701234567")));
			assert_int_equal(side_last(s, EVENT_MSG)->peer, MSG_SLOT_NONE);
		} else {
			assert_int_equal(side_status(answer), cases[i].status);
			assert_null(side_last(s, EVENT_MSG));
			assert_int_equal(side_refused(s, REASON_SENDER), 1);
		}
		side_free(s);
	}
}

static void a_message_whose_credentials_were_overheard_is_not_taken_twice(void **state)
{
	struct side      *s = side_new(1);
	struct subscriber alice = subscriber_alice();
	char              text[4096], *branch;
	static const char lines[] =
		"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:bob@example.org>\r\n";
	const char *answer;

	(void)state;
	side_listen(s, false);
	answer = subscriber_say(s, &alice, "MESSAGE", "sip:bob@example.org", lines, "x");
	subscriber_challenged(&alice, answer);
	subscriber_request(&alice, "MESSAGE", "sip:bob@example.org", lines, "x", text,
			   sizeof(text));
	assert_null(side_say(s, &alice.flow, text));
	assert_non_null(side_last(s, EVENT_MSG));
	side_answer(s, side_last(s, EVENT_MSG), &(struct result){0});
	s->sent_size = 0;
	side_forget_events(s);
	branch = strstr(text, "z9hG4bK");
	branch[7] = 'X'; /* as if it came another way */
	answer = side_say(s, &alice.flow, text);
	assert_int_equal(side_status(answer), 482);
	assert_int_equal(side_refused(s, REASON_SIP_MERGED), 1);
	s->sent_size = 0;
	strstr(text, "Call-ID: ")[9] ^= 1; /* as a new request */
	answer = side_say(s, &alice.flow, text);
	assert_int_equal(side_status(answer), 401);
	assert_non_null(strstr(answer, "stale=true"));
	assert_null(side_last(s, EVENT_MSG));
	side_free(s);
}

static void a_head_cut_at_any_byte_and_bytes_changed_at_any_place_do_no_harm(void **state)
{
	struct flow from = side_flow(66, 5066);
	enum pull   last;

	(void)state;
	for (size_t cut = 0; cut < sizeof(good) - 1; cut++) {
		struct side *s = open_new();
		char         text[sizeof(good)];

		side_feed(s, &from, good, cut, &last);
		side_forget_events(s);
		s->sent_size = 0;
		memcpy(text, good, sizeof(text));
		text[cut] ^= 0x15;
		side_feed(s, &from, text, sizeof(text) - 1, &last);
		s->sent_size = 0;
		is_alive(s);
		side_free(s);
	}
}

static void a_stream_cut_at_any_byte_gives_the_same_message(void **state)
{
	struct flow from = side_flow(66, 5066);
	enum pull   last;

	(void)state;
	for (size_t cut = 0; cut < sizeof(good) - 1; cut++) {
		struct side      *s = side_new(1);
		struct proto_open how = side_how(s, PROTO_ACCEPTED);

		how.open_to_all = true;
		side_open_as(s, s->session, &how);
		assert_int_equal(side_feed(s, &from, good, cut, &last), 0);
		assert_null(side_last(s, EVENT_MSG));
		assert_int_equal(side_feed(s, &from, good, sizeof(good) - 1, &last),
				 sizeof(good) - 1);
		assert_non_null(side_last(s, EVENT_MSG));
		side_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_datagram_gets_its_answer_or_none_and_the_session_goes_on),
		cmocka_unit_test(
			vias_beyond_the_hops_that_can_be_are_refused_however_few_lines_they_have),
		cmocka_unit_test(routes_that_a_message_has_cost_nothing_however_many),
		cmocka_unit_test(of_extensions_that_are_required_by_the_thousand_some_are_told),
		cmocka_unit_test(an_answer_says_what_would_have_been_right),
		cmocka_unit_test(a_stream_whose_framing_is_lost_is_told_so_and_ends),
		cmocka_unit_test(a_forged_datagram_is_of_no_use_against_a_third),
		cmocka_unit_test(a_forged_invite_is_paid_for_byte_by_byte),
		cmocka_unit_test(nobody_sends_in_the_name_of_another),
		cmocka_unit_test(a_message_whose_credentials_were_overheard_is_not_taken_twice),
		cmocka_unit_test(a_head_cut_at_any_byte_and_bytes_changed_at_any_place_do_no_harm),
		cmocka_unit_test(a_stream_cut_at_any_byte_gives_the_same_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
