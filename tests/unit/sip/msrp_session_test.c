#include "side.h"

#include <stdio.h>

#include "sip/large.h"
#include "sip/msrp.h"
#include "sip/session_private.h"

#define NL "\r\n"
#define THEIR_PATH "msrp://[2001:db8::9]:7654/jshA7weztas;tcp"

/* The stream is the session that is fed, the session of the INVITE the one beside it. */
static struct side *streaming(void)
{
	struct side      *s = side_new(1);
	struct proto_open how = side_how(s, PROTO_DATAGRAM);

	s->peer = calloc(1, sip_ops.session_size);
	how.datagram = how.open_to_all = true;
	side_open_as(s, s->peer, &how);
	how = side_how(s, PROTO_ACCEPTED);
	how.media_stream = true;
	side_open_as(s, s->session, &how);
	return s;
}

static struct sip_instance *instance(struct side *s)
{
	return s->instance;
}

static const char invite_text[] =
	"INVITE sip:+46705550001@example.org;user=phone SIP/2.0" NL
	"Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKinvite" NL "Max-Forwards: 70" NL
	"From: <sip:alice@example.org>;tag=1" NL "To: <sip:+46705550001@example.org>" NL
	"Call-ID: invite@192.0.2.77" NL "CSeq: 1 INVITE" NL "Contact: <sip:alice@192.0.2.77>" NL
	"Conversation-ID: conversation-1" NL "Expires: 20" NL "Content-Type: application/sdp" NL
	"Content-Length: 3" NL NL "v=0";

/* A message that comes, as its INVITE leaves it. */
static struct sip_large *incoming(struct side *s, uint32_t size_max)
{
	static struct sip_input in;
	struct sip_large       *l = sip_large_new(instance(s), s->peer);
	struct sip_scan         scan = {0};
	struct cur              c = cur_of(invite_text, sizeof(invite_text) - 1);
	enum reason             why;

	assert_int_equal(sip_message_next(&scan, &c, SIP_DATAGRAM, &in.m, &why), PULL_ITEM);
	assert_int_equal(in.m.fault, REASON_NONE);
	in.sender = (struct sip_sender){.proven = STR("sip:alice@example.org"),
					.number = STR("+46701234567")};
	in.peer = 3;
	assert_true(sip_large_keep(instance(s), l, &in));
	assert_true(sip_large_path(instance(s), l, STR(THEIR_PATH)));
	l->m = msg_new(s->pool);
	l->size_max = size_max;
	l->local = side_flow(1, 9100);
	return l;
}

static void fill(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i % 61 == 60 ? '\n' : 'a' + i % 26);
}

/* A message that goes, its content `size` bytes. */
static struct sip_large *outgoing(struct side *s, uint32_t size)
{
	struct sip_large *l = sip_large_new(instance(s), s->peer);
	char             *text = malloc(size);

	fill(text, size);
	l->sends = true;
	l->m = msg_new(s->pool);
	assert_true(msg_append(l->m, text, size, &l->m->body));
	free(text);
	assert_true(
		sip_large_path(instance(s), l, STR("msrp://relay.example:2855;tcp " THEIR_PATH)));
	l->local = side_flow(1, 9100);
	l->type_size = 12;
	memcpy(l->type, "message/cpim", 12);
	return l;
}

static const char *uri_of(struct side *s, const struct sip_large *l)
{
	static char room[MSRP_URI_MAX + 1];
	struct put  w = put_to(room, MSRP_URI_MAX);

	sip_large_uri_put(instance(s), l, &w);
	room[put_size(&w)] = '\0';
	return room;
}

static enum pull feed(struct side *s, const char *text)
{
	enum pull   last;
	struct flow from = side_flow(9, 7654);

	side_feed(s, &from, text, strlen(text), &last);
	return last;
}

/* What the stream sent, taken. */
static const char *heard(struct side *s)
{
	static char text[SIDE_OUT + 1];

	memcpy(text, s->sent, s->sent_size);
	text[s->sent_size] = '\0';
	s->sent_size = 0;
	return text;
}

struct piece {
	const char *lines, *body; /* between the paths and the empty line; after it */
	char        flag;
};

/* A SEND to the session of l; NULL: to one that is not there. */
static const char *chunk_text(struct side *s, const struct sip_large *l, struct piece p)
{
	static char     text[8192];
	static unsigned number;

	number++;
	snprintf(text, sizeof(text),
		 "MSRP tr-%u SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL "%s%s%s%s"
		 "-------tr-%u%c" NL,
		 number, l != NULL ? uri_of(s, l) : "msrp://192.0.2.1:9100/nobody;tcp", p.lines,
		 p.body != NULL ? NL : "", p.body != NULL ? p.body : "", p.body != NULL ? NL : "",
		 number, p.flag);
	return text;
}

#define ID "Message-ID: m-12345" NL
#define TYPE "Content-Type: message/cpim" NL
#define RANGE(range) ID "Byte-Range: " range NL TYPE
#define HEADERS "From: <sip:alice@example.org>" NL "To: <tel:+46705550001>" NL NL /* 57 bytes */
#define TEXT_TYPE "Content-Type: text/plain; charset=utf-8" NL NL                 /* 43 */
#define TEXT "Hi, I'm Alice!"                                                     /* 14 */
#define WHOLE HEADERS TEXT_TYPE TEXT

/* What the stream answers; 0: nothing. */
static unsigned say(struct side *s, const struct sip_large *l, struct piece p)
{
	const char *text, *at;

	feed(s, chunk_text(s, l, p));
	text = heard(s);
	at = strchr(text, ' ');
	return at != NULL ? (unsigned)strtoul(strchr(at + 1, ' ') + 1, NULL, 10) : 0;
}

static const char *answer(struct side *s, struct result r)
{
	struct side_event *e = side_last(s, EVENT_MSG);

	assert_non_null(e);
	assert_ptr_equal(e->session, s->session);
	side_answer(s, e, &r);
	return heard(s);
}

static struct result done(void)
{
	return (struct result){.why = REASON_NONE};
}

static void assert_over(struct side *s, const struct sip_large *l, enum reason why)
{
	assert_true(l->over);
	if (l->result.why != why)
		print_error("%s\n", reason_text((enum reason)l->result.why));
	assert_int_equal(l->result.why, why);
	assert_ptr_equal(s->services.woken, s->peer);
}

static void end(struct side *s, struct sip_large *l)
{
	sip_large_end(instance(s), l);
	side_free(s);
}

static void assert_message(struct side *s, const char *text)
{
	struct side_event *e = side_last(s, EVENT_MSG);
	uint8_t            room[4096];
	struct msg_extra   extra;
	struct str         from, to;

	assert_non_null(e);
	from = msg_addr(e->msg, &e->msg->from);
	to = msg_addr(e->msg, &e->msg->to);
	assert_int_equal(e->peer, 3);
	assert_true(str_eq(from, STR("+46701234567")));
	assert_true(str_eq(to, STR("+46705550001")));
	assert_int_equal(e->msg->coding, MSG_CODING_UTF8);
	assert_int_equal(e->msg->body.size, strlen(text));
	assert_memory_equal(msg_view(e->msg, e->msg->body, room), text, strlen(text));
	assert_true(msg_extra_find(e->msg, 1, SIP_EXTRA_CONVERSATION_ID, &extra));
	assert_int_equal(e->msg->expires_us, 0); /* how long the INVITE may ring is no validity */
}

/* ---- taking ---- */

static void a_message_in_chunks_goes_to_the_pipeline_whose_answer_is_its_own(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);
	const char       *text;

	(void)state;
	assert_int_equal(say(s, l, (struct piece){RANGE("1-*/*"), HEADERS, '+'}), 200);
	assert_ptr_equal(l->stream, s->session);
	assert_int_equal(say(s, l, (struct piece){RANGE("58-114/114"), TEXT_TYPE, '+'}), 200);
	assert_int_equal(say(s, l, (struct piece){RANGE("101-114/114"), TEXT, '$'}), 0);
	assert_message(s, TEXT);
	assert_false(l->over);
	text = answer(s, done());
	assert_non_null(strstr(text, " 200 OK" NL "To-Path: " THEIR_PATH NL "From-Path: "));
	assert_non_null(strstr(text, uri_of(s, l)));
	assert_null(strstr(text, "REPORT"));
	assert_over(s, l, REASON_NONE);
	assert_int_equal(say(s, l, (struct piece){RANGE("1-114/114"), WHOLE, '$'}), 413);
	end(s, l);
}

/* RFC 4975, 7.3.1: whatever order they come in. The answer to the one that makes it whole waits. */
static void chunks_in_any_order_are_the_message(void **state)
{
	static const struct piece pieces[] = {
		{RANGE("1-57/114"), HEADERS, '+'},
		{RANGE("58-100/114"), TEXT_TYPE, '+'},
		{RANGE("101-107/*"), "Hi, I'm", '+'},
		{RANGE("108-114/114"), " Alice!", '$'},
	};

	(void)state;
	for (unsigned order = 0; order < 24; order++) {
		struct side      *s = streaming();
		struct sip_large *l = incoming(s, 4096);
		unsigned          left[] = {0, 1, 2, 3}, code = order;

		for (unsigned n = 4; n > 0; n--) {
			unsigned at = code % n, k = left[at];

			code /= n;
			memmove(&left[at], &left[at + 1], (n - 1 - at) * sizeof(left[0]));
			assert_int_equal(say(s, l, pieces[k]), n > 1 ? 200 : 0);
			assert_int_equal(side_last(s, EVENT_MSG) != NULL, n == 1);
		}
		assert_message(s, TEXT);
		assert_non_null(strstr(answer(s, done()), " 200 OK"));
		assert_over(s, l, REASON_NONE);
		end(s, l);
	}
}

static void no_more_chunks_wait_than_may(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);
	char              range[SIP_LARGE_AHEAD_MAX + 1][128];

	(void)state;
	for (unsigned i = 0; i <= SIP_LARGE_AHEAD_MAX; i++) {
		snprintf(range[i], sizeof(range[i]), RANGE("%u-%u/*"), 3 * i + 2, 3 * i + 2);
		assert_int_equal(say(s, l, (struct piece){range[i], "x", '+'}),
				 i < SIP_LARGE_AHEAD_MAX ? 200 : 400);
	}
	assert_over(s, l, REASON_MSRP_ORDER);
	end(s, l);
}

static void a_conversation_cut_at_any_byte_is_the_same(void **state)
{
	static char text[8192];
	size_t      size = 0;

	(void)state;
	for (size_t cut = 0; cut <= size; cut++) {
		struct side      *s = streaming();
		struct sip_large *l = incoming(s, 4096);
		struct flow       from = side_flow(9, 7654);
		enum pull         last;
		size_t            n;
		const char       *sent, *second;

		size = (size_t)snprintf(
			text, sizeof(text), "%s",
			chunk_text(s, l, (struct piece){RANGE("1-*/*"), HEADERS TEXT_TYPE, '+'}));
		size += (size_t)snprintf(
			text + size, sizeof(text) - size, "%s",
			chunk_text(s, l, (struct piece){RANGE("101-114/114"), TEXT, '$'}));
		n = side_feed(s, &from, text, cut, &last);
		side_feed(s, &from, text + n, size - n, &last);
		assert_message(s, TEXT);
		sent = heard(s);
		second = strstr(sent + 1, "MSRP ");
		assert_non_null(strstr(sent, " 200 OK"));
		assert_null(second);
		answer(s, done());
		assert_over(s, l, REASON_NONE);
		end(s, l);
	}
}

static void what_is_wrong_with_a_message_is_answered_and_ends_it(void **state)
{
	static const struct {
		struct piece chunks[2];
		unsigned     status;
		enum reason  why;
	} cases[] = {
		{{{RANGE("102-114/114"), "i, I'm Alice!", '$'}, {RANGE("101-114/114"), TEXT, '$'}},
		 400,
		 REASON_MSRP_ORDER},
		{{{RANGE("101-114/114"), TEXT, '$'}, {RANGE("1-114/114"), WHOLE, '$'}},
		 400,
		 REASON_MSRP_ORDER},
		{{{RANGE("101-114/114"), TEXT, '$'},
		  {RANGE("1-101/114"), HEADERS TEXT_TYPE "H", '+'}},
		 400,
		 REASON_MSRP_ORDER},
		{{{RANGE("101-114/115"), TEXT, '$'}}, 400, REASON_MSRP_RANGE},
		{{{RANGE("101-115/*"), TEXT, '$'}}, 400, REASON_MSRP_RANGE},
		{{{RANGE("4090-*/*"), TEXT, '+'}}, 413, REASON_MESSAGE_SIZE},
		{{{RANGE("1-57/114"), HEADERS, '+'}, {RANGE("57-114/114"), TEXT, '$'}},
		 400,
		 REASON_MSRP_ORDER},
		{{{RANGE("1-57/114"), HEADERS, '+'}, {RANGE("1-57/114"), HEADERS, '+'}},
		 400,
		 REASON_MSRP_ORDER},
		{{{RANGE("18446744073709551615-*/*"), HEADERS, '+'}}, 413, REASON_MSRP_ORDER},
		{{{RANGE("1-57/5000"), HEADERS, '+'}}, 413, REASON_MESSAGE_SIZE},
		{{{RANGE("1-18446744073709551616/*"), HEADERS, '+'}}, 413, REASON_MESSAGE_SIZE},
		{{{RANGE("1-57/115"), HEADERS, '+'}, {RANGE("58-114/115"), TEXT_TYPE TEXT, '$'}},
		 400,
		 REASON_MSRP_RANGE},
		{{{RANGE("1-56/*"), HEADERS, '+'}}, 400, REASON_MSRP_RANGE},
		{{{RANGE("1-115/*"), WHOLE, '$'}}, 400, REASON_MSRP_RANGE},
		{{{ID "Content-Type: text/plain" NL, TEXT, '$'}}, 415, REASON_CODING},
		{{{ID "Content-Type: message/cpim;"
		      "p=123456789012345678901234567890123456789012345678901234567890" NL,
		   WHOLE, '$'}},
		 415,
		 REASON_CODING},
		{{{ID TYPE, HEADERS "Content-Type: image/png" NL NL "x", '$'}}, 415, REASON_CODING},
		{{{ID TYPE, HEADERS "Content-Type: multipart/mixed;boundary=b" NL NL "x", '$'}},
		 415,
		 REASON_CODING},
		{{{ID TYPE, TEXT, '$'}}, 400, REASON_SIP_CONTENT},
		{{{ID TYPE, "", '$'}}, 400, REASON_SIP_CONTENT},
		{{{RANGE("1-57/114"), HEADERS, '#'}}, 200, REASON_MSRP_ABORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = streaming();
		struct sip_large *l = incoming(s, 4096);
		unsigned          n = cases[i].chunks[1].lines != NULL ? 2 : 1, status = 0;

		for (unsigned k = 0; k < n; k++) {
			assert_false(l->over);
			status = say(s, l, cases[i].chunks[k]);
		}
		if (status != cases[i].status && side_last(s, EVENT_MSG) == NULL)
			print_error("case %zu: %u\n", i, status);
		if (cases[i].why == REASON_NONE) {
			assert_non_null(strstr(answer(s, done()), " 200 "));
			assert_over(s, l, REASON_NONE);
		} else {
			assert_null(side_last(s, EVENT_MSG));
			assert_int_equal(status, cases[i].status);
			assert_over(s, l, cases[i].why);
			assert_int_equal(side_refused(s, cases[i].why), status != 200);
		}
		end(s, l);
	}
}

static void what_does_not_concern_a_message_leaves_it_alone(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);
	char              text[1024];

	(void)state;
	assert_int_equal(say(s, l, (struct piece){RANGE("1-57/114"), HEADERS, '+'}), 200);
	assert_int_equal(say(s, l, (struct piece){ID, NULL, '$'}), 200); /* keeps alive */
	assert_int_equal(say(s, l, (struct piece){"Message-ID: other" NL TYPE, WHOLE, '$'}), 413);
	assert_int_equal(say(s, l, (struct piece){"Message-ID: x" NL TYPE, WHOLE, '$'}), 400);
	assert_int_equal(say(s, l, (struct piece){RANGE("0-114/114"), WHOLE, '$'}), 400);
	assert_int_equal(say(s, NULL, (struct piece){RANGE("58-100/114"), TEXT_TYPE, '+'}), 481);
	snprintf(text, sizeof(text),
		 "MSRP abcd NICKNAME" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		 "-------abcd$" NL "MSRP abce REPORT" NL "To-Path: %s" NL
		 "From-Path: " THEIR_PATH NL "Message-ID: m-12345" NL "Status: 000 200 OK" NL
		 "-------abce$" NL "MSRP abcf 200 OK" NL "To-Path: x" NL "-------abcf$" NL,
		 uri_of(s, l), uri_of(s, l));
	assert_int_equal(feed(s, text), PULL_ITEM);
	assert_non_null(strstr(heard(s), "MSRP abcd 501 "));
	assert_int_equal(side_metric(s, METRIC_msrp_responses_stray), 1);
	assert_false(l->over);
	assert_int_equal(say(s, l, (struct piece){RANGE("58-114/114"), TEXT_TYPE TEXT, '$'}), 0);
	assert_message(s, TEXT);
	answer(s, done());
	end(s, l);
}

static void a_session_that_is_not_there_is_told_and_the_stream_closed(void **state)
{
	struct side *s = streaming();

	(void)state;
	assert_int_equal(say(s, NULL, (struct piece){ID TYPE, WHOLE, '$'}), 481);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_MSRP_SESSION);
	assert_int_equal(side_refused(s, REASON_MSRP_SESSION), 1);
	side_free(s);
}

static void a_second_stream_for_a_session_is_refused_and_closed(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);
	void             *first = s->session;
	struct proto_open how = side_how(s, PROTO_ACCEPTED);

	(void)state;
	assert_int_equal(say(s, l, (struct piece){RANGE("1-57/114"), HEADERS, '+'}), 200);
	how.media_stream = true;
	s->session = calloc(1, sip_ops.session_size);
	side_open_as(s, s->session, &how);
	assert_int_equal(say(s, l, (struct piece){RANGE("58-114/114"), TEXT_TYPE TEXT, '$'}), 506);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_MSRP_SESSION_TAKEN);
	side_end(s, s->session);
	free(s->session);
	s->session = first;
	assert_false(l->over);
	assert_int_equal(say(s, l, (struct piece){RANGE("58-114/114"), TEXT_TYPE TEXT, '$'}), 0);
	assert_message(s, TEXT);
	end(s, l);
}

static void one_stream_serves_several_messages_at_a_time(void **state)
{
	struct side      *s = streaming();
	struct sip_large *a = incoming(s, 4096), *b = incoming(s, 4096);

	(void)state;
	assert_int_equal(say(s, a, (struct piece){RANGE("1-57/114"), HEADERS, '+'}), 200);
	assert_int_equal(say(s, b, (struct piece){RANGE("1-57/114"), HEADERS, '+'}), 200);
	assert_int_equal(say(s, a, (struct piece){RANGE("58-114/114"), TEXT_TYPE TEXT, '$'}), 0);
	assert_message(s, TEXT);
	answer(s, done());
	assert_over(s, a, REASON_NONE);
	sip_large_end(instance(s), a);
	side_tick(s);
	assert_null(side_last(s, EVENT_CLOSE));
	assert_false(b->over);
	assert_int_equal(say(s, b, (struct piece){RANGE("58-114/114"), TEXT_TYPE TEXT, '$'}), 0);
	answer(s, done());
	assert_over(s, b, REASON_NONE);
	end(s, b);
}

/* As an endless "+" does, or one chunk without end. */
static void more_than_may_come_is_refused_when_it_comes(void **state)
{
	char body[1025];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	for (unsigned k = 0; k < 2; k++) {
		struct side      *s = streaming();
		struct sip_large *l = incoming(s, 4096);
		unsigned          at = 1;
		char              lines[128];

		for (;; at += 1024) {
			snprintf(lines, sizeof(lines), ID "Byte-Range: %u-*/*" NL TYPE, at);
			if (say(s, l, (struct piece){lines, body, '+'}) != 200)
				break;
		}
		assert_int_equal(at, 4097);
		assert_over(s, l, REASON_MESSAGE_SIZE);
		assert_int_equal(say(s, l, (struct piece){lines, body, '+'}), 413);
		feed(s, "MSRP endless SEND" NL "To-Path: msrp://192.0.2.1:9100/nobody;tcp" NL
			"From-Path: " THEIR_PATH NL ID TYPE NL);
		for (at = 0; at < 65536; at += 1024)
			assert_int_equal(feed(s, body), PULL_ITEM);
		assert_int_equal(feed(s, body), PULL_BAD);
		end(s, l);
	}
}

static void who_wants_no_answers_gets_none(void **state)
{
	static const struct {
		const char *lines;
		bool        refused;
		unsigned    status;
	} cases[] = {
		{"Failure-Report: yes" NL, false, 200},   {"Failure-Report: yes" NL, true, 403},
		{"Failure-Report: no" NL, false, 0},      {"Failure-Report: no" NL, true, 0},
		{"Failure-Report: partial" NL, false, 0}, {"Failure-Report: partial" NL, true, 403},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = streaming();
		struct sip_large *l = incoming(s, 4096);
		char              lines[256];
		const char       *at;
		struct result     r = done();

		snprintf(lines, sizeof(lines), ID "%s" TYPE, cases[i].lines);
		assert_int_equal(say(s, l, (struct piece){lines, HEADERS, '+'}),
				 cases[i].status == 0 || cases[i].refused ? (i == 1 ? 200 : 0)
									  : 200);
		snprintf(lines, sizeof(lines), ID "Byte-Range: 58-*/*" NL "%s" TYPE,
			 cases[i].lines);
		assert_int_equal(say(s, l, (struct piece){lines, TEXT_TYPE TEXT, '$'}), 0);
		if (cases[i].refused)
			r.why = REASON_SPAM;
		at = answer(s, r);
		assert_int_equal(*at != '\0', cases[i].status != 0);
		if (cases[i].status == 403)
			assert_non_null(strstr(at, " 403 Forbidden" NL));
		assert_over(s, l, (enum reason)r.why);
		end(s, l);
	}
}

static void a_report_tells_of_delivery_to_who_asked_and_when_it_is_so(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct side      *s = streaming();
		struct sip_large *l = incoming(s, 4096);
		bool              asked = k & 1, delivered = k & 2;
		struct result     r = {.delivered = delivered};
		char              lines[128];
		const char       *text;

		snprintf(lines, sizeof(lines), ID "Success-Report: %s" NL TYPE,
			 asked ? "yes" : "no");
		say(s, l, (struct piece){lines, WHOLE, '$'});
		text = answer(s, r);
		assert_int_equal(strstr(text, " REPORT" NL "To-Path: " THEIR_PATH NL) != NULL,
				 asked && delivered);
		assert_int_equal(strstr(text, "Byte-Range: 1-114/114" NL "Status: 000 200 OK" NL) !=
					 NULL,
				 asked && delivered);
		end(s, l);
	}
}

static void each_outcome_has_its_status(void **state)
{
	static const struct {
		enum reason why;
		unsigned    status;
	} cases[] = {
		{REASON_NONE, 200},           {REASON_RULE_DROP, 200},  {REASON_NO_ROUTE, 403},
		{REASON_NOT_REGISTERED, 403}, {REASON_SPAM, 403},       {REASON_NO_TARGET, 408},
		{REASON_MESSAGE_SIZE, 413},   {REASON_CODING, 415},     {REASON_POOL, 408},
		{REASON_ANSWER_TIMEOUT, 408}, {REASON_QUEUE_FULL, 408}, {REASON_SENDER, 403},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = streaming();
		struct sip_large *l = incoming(s, 4096);
		struct result     r = {.why = (uint8_t)cases[i].why};
		char              wanted[16];

		say(s, l, (struct piece){ID TYPE, WHOLE, '$'});
		snprintf(wanted, sizeof(wanted), " %u ", cases[i].status);
		assert_non_null(strstr(answer(s, r), wanted));
		assert_over(s, l, cases[i].why);
		end(s, l);
	}
}

static void who_asked_for_it_may_not_be_known_and_then_all_is_refused(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);
	struct msg       *m = msg_new(s->pool);
	enum reason       why;

	(void)state;
	assert_int_equal(sip_large_check(l, s->now, m, &why), 200);
	assert_int_equal(m->data_size, 0);
	l->proven.size = 0; /* nobody gave credentials: From alone, and that is alice */
	l->number_of.size = 0;
	assert_int_equal(sip_large_check(l, s->now, m, &why), 200);
	l->whole.size -= 3; /* not what came */
	assert_int_equal(sip_large_check(l, s->now, m, &why), 400);
	msg_free(m);
	end(s, l);
}

static void a_message_that_stands_still_is_given_up(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);
	uint64_t          begun = s->now.us;

	(void)state;
	assert_int_equal(say(s, l, (struct piece){RANGE("1-57/114"), HEADERS, '+'}), 200);
	side_at(s, begun + 40 * US_PER_SECOND);
	assert_int_equal(say(s, l, (struct piece){RANGE("58-100/114"), TEXT_TYPE, '+'}), 200);
	side_at(s, begun + 99 * US_PER_SECOND);
	assert_int_equal(say(s, l, (struct piece){ID, NULL, '$'}), 200); /* no progress */
	side_tick(s);
	assert_false(l->over);
	assert_int_equal(s->due, begun + 100 * US_PER_SECOND);
	side_at(s, s->due);
	side_tick(s);
	assert_over(s, l, REASON_MSRP_STALLED);
	end(s, l);
}

static void a_connection_cut_in_the_middle_is_an_outcome(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);

	(void)state;
	say(s, l, (struct piece){RANGE("1-57/114"), HEADERS, '+'});
	s->services.woken = NULL;
	sip_ops.close(s->session, s->now, REASON_CONNECTION_RESET, NULL);
	assert_over(s, l, REASON_CONNECTION_RESET);
	assert_null(l->stream);
	sip_large_end(instance(s), l);
	assert_int_equal(instance(s)->transactions.pool.used, 0);
	memset(s->session, 0, sip_ops.session_size);
	side_open_as(s, s->session,
		     &(struct proto_open){.role = PROTO_ACCEPTED,
					  .instance = s->instance,
					  .settings = &s->settings,
					  .media_stream = true});
	side_free(s);
}

static void a_dialog_that_ends_in_the_middle_of_a_chunk_leaves_no_session(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);
	char              text[8192];
	size_t            half;

	(void)state;
	snprintf(text, sizeof(text), "%s", chunk_text(s, l, (struct piece){ID TYPE, WHOLE, '$'}));
	half = (size_t)(strstr(text, "tel:") - text);
	{
		struct flow from = side_flow(9, 7654);
		enum pull   last;

		side_feed(s, &from, text, half, &last);
		assert_non_null(l->stream);
		sip_large_end(instance(s), l);
		assert_ptr_equal(s->services.woken, s->session);
		side_feed(s, &from, text + half, strlen(text) - half, &last);
	}
	assert_null(side_last(s, EVENT_MSG));
	assert_non_null(strstr(heard(s), " 481 Session Does Not Exist" NL));
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_MSRP_SESSION);
	side_free(s);
}

static void a_stream_that_served_waits_for_the_next_message_a_while(void **state)
{
	struct side      *s = streaming();
	struct sip_large *l = incoming(s, 4096);

	(void)state;
	say(s, l, (struct piece){ID TYPE, WHOLE, '$'});
	answer(s, done());
	sip_large_end(instance(s), l);
	side_tick(s);
	assert_int_equal(s->due, s->now.us + 60 * US_PER_SECOND);
	side_at(s, s->due - 1);
	side_tick(s);
	assert_null(side_last(s, EVENT_CLOSE));
	l = incoming(s, 4096);
	assert_int_equal(say(s, l, (struct piece){RANGE("1-57/114"), HEADERS, '+'}), 200);
	side_at(s, s->due);
	side_tick(s);
	assert_null(side_last(s, EVENT_CLOSE));
	sip_large_end(instance(s), l);
	side_tick(s);
	side_at(s, s->now.us + 60 * US_PER_SECOND);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_INACTIVITY);
	side_free(s);
}

static void a_stream_that_says_nothing_is_closed(void **state)
{
	struct side *s = streaming();

	(void)state;
	side_at(s, s->now.us + 5 * US_PER_SECOND);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	side_free(s);
}

static void what_is_no_msrp_closes_the_stream(void **state)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1" NL,
		"OPTIONS sip:a SIP/2.0" NL,
		"\x16\x03\x01\x02",
		"MSRP abcd SEND" NL "-------abcd$" NL, /* nobody to answer */
		"MSRP abcd SEND" NL "To-Path: msrp://a/b;tcp" NL "-------abcd$" NL,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct side *s = streaming();

		assert_int_equal(feed(s, texts[i]), PULL_BAD);
		assert_int_equal(s->sent_size, 0);
		side_free(s);
	}
}

/* ---- sending ---- */

struct sent { /* what the stream wrote, read as the other side reads it */
	struct msrp_reader reader;
	char               content[MSG_SIZE_MAX];
	size_t             size;
	unsigned           chunks, responses;
	char               transactions[64][MSRP_ID_MAX + 1];
	enum msrp_flag     flag;
};

static void read_sent(struct side *s, struct sip_large *l, struct sent *to)
{
	struct cur        in = cur_of(s->sent, s->sent_size);
	struct msrp_chunk c;
	enum reason       why;

	while (msrp_next(&to->reader, &in, &c, &why) == PULL_ITEM) {
		switch (c.item) {
		case MSRP_ITEM_HEAD:
			assert_int_equal(c.head.fault, REASON_NONE);
			if (c.head.kind == MSRP_RESPONSE) {
				to->responses++;
				break;
			}
			assert_int_equal(c.head.method, MSRP_SEND);
			assert_true(str_eq(c.head.to_path,
					   STR("msrp://relay.example:2855;tcp " THEIR_PATH)));
			assert_true(str_eq(c.head.from_path, str_of(uri_of(s, l))));
			if (l->m->body.size > 0 && l->sends) {
				assert_int_equal(c.head.range.first, to->size + 1);
				assert_int_equal(c.head.range.total, l->m->body.size);
			}
			snprintf(to->transactions[to->chunks++], MSRP_ID_MAX + 1, "%.*s",
				 STR_ARG(c.head.transaction));
			break;
		case MSRP_ITEM_BODY:
			memcpy(to->content + to->size, c.body.p, c.body.n);
			to->size += c.body.n;
			break;
		case MSRP_ITEM_END:
			to->flag = c.flag;
			break;
		}
	}
	assert_int_equal(cur_left(&in), 0);
	s->sent_size = 0;
}

static void respond(struct side *s, struct sip_large *l, const char *transaction, unsigned code)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "MSRP %s %u x" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL "-------%s$" NL,
		 transaction, code, uri_of(s, l), transaction);
	assert_int_equal(feed(s, text), PULL_ITEM);
}

/* A stream that we opened for the message. */
static struct side *dialled(struct sip_large *(*make)(struct side *, uint32_t), uint32_t size,
			    struct sip_large **l)
{
	struct side      *s = streaming();
	struct proto_open how = side_how(s, PROTO_CONNECTING);

	side_end(s, s->session);
	memset(s->session, 0, sip_ops.session_size);
	*l = make(s, size);
	how.dial = sip_large_token(instance(s), *l);
	side_open_as(s, s->session, &how);
	assert_ptr_equal((*l)->stream, s->session);
	return s;
}

static void a_message_goes_out_in_chunks_as_they_are_answered(void **state)
{
	static const uint32_t sizes[] = {1,     2047,      2048,          2049,
					 10000, 16 * 2048, 16 * 2048 + 1, 67000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sip_large  *l;
		struct side       *s = dialled(outgoing, sizes[i], &l);
		static struct sent to;
		static char        wanted[MSG_SIZE_MAX];
		unsigned           chunks = (sizes[i] + 2047) / 2048;

		to = (struct sent){0};
		fill(wanted, sizes[i]);
		read_sent(s, l, &to);
		assert_int_equal(to.chunks, chunks < 16 ? chunks : 16);
		for (unsigned k = 0; k < chunks; k++) {
			assert_false(l->over);
			respond(s, l, to.transactions[k], 200);
			read_sent(s, l, &to);
			assert_int_equal(to.chunks, chunks < k + 17 ? chunks : k + 17);
			assert_int_equal(to.flag == MSRP_COMPLETE, to.chunks == chunks);
		}
		assert_over(s, l, REASON_NONE);
		assert_int_equal(to.size, sizes[i]);
		assert_memory_equal(to.content, wanted, sizes[i]);
		sip_large_end(instance(s), l);
		side_tick(s);
		assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_UNBOUND);
		side_free(s);
	}
}

static void answers_in_another_order_and_answers_again_change_nothing(void **state)
{
	struct sip_large  *l;
	struct side       *s = dialled(outgoing, 3 * 2048, &l);
	static struct sent to;

	(void)state;
	to = (struct sent){0};
	read_sent(s, l, &to);
	respond(s, l, to.transactions[2], 200);
	respond(s, l, to.transactions[2], 200);
	respond(s, l, to.transactions[0], 200);
	assert_false(l->over);
	assert_int_equal(side_metric(s, METRIC_msrp_responses_stray), 1);
	respond(s, l, to.transactions[1], 299);
	assert_over(s, l, REASON_NONE);
	end(s, l);
}

static void an_answer_to_what_was_not_sent_is_none(void **state)
{
	struct sip_large  *l;
	struct side       *s = dialled(outgoing, 1000, &l);
	static struct sent to;
	char               forged[MSRP_ID_MAX + 1];

	(void)state;
	to = (struct sent){0};
	read_sent(s, l, &to);
	for (size_t i = 0; to.transactions[0][i] != '\0'; i++) {
		snprintf(forged, sizeof(forged), "%s", to.transactions[0]);
		forged[i] = forged[i] == 'q' ? 'r' : 'q';
		respond(s, l, forged, 200);
	}
	respond(s, l, "abcd", 200);
	assert_false(l->over);
	assert_int_equal(side_metric(s, METRIC_msrp_responses_stray), 25);
	respond(s, l, to.transactions[0], 200);
	assert_over(s, l, REASON_NONE);
	end(s, l);
}

static void a_refusal_ends_the_sending_and_goes_to_the_sender(void **state)
{
	static const struct {
		unsigned    status;
		enum reason why;
	} cases[] = {
		{400, REASON_PEER_PERMANENT}, {403, REASON_PEER_PERMANENT},
		{408, REASON_PEER_TEMPORARY}, {413, REASON_PEER_PERMANENT},
		{415, REASON_PEER_PERMANENT}, {423, REASON_PEER_PERMANENT},
		{481, REASON_PEER_TEMPORARY}, {501, REASON_PEER_PERMANENT},
		{506, REASON_PEER_TEMPORARY}, {799, REASON_PEER_PERMANENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_large  *l;
		struct side       *s = dialled(outgoing, 60000, &l);
		static struct sent to;

		to = (struct sent){0};
		read_sent(s, l, &to);
		respond(s, l, to.transactions[0], 200);
		read_sent(s, l, &to);
		assert_int_equal(to.chunks, 17);
		respond(s, l, to.transactions[1], cases[i].status);
		assert_over(s, l, cases[i].why);
		assert_true(l->result.has_status && !l->result.maybe_sent);
		assert_int_equal(l->result.peer_status, cases[i].status);
		respond(s, l, to.transactions[2], 200);
		read_sent(s, l, &to);
		assert_int_equal(to.chunks, 17); /* nothing more */
		end(s, l);
	}
}

static void a_connection_lost_before_the_last_chunk_cannot_have_delivered(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct sip_large *l;
		struct side      *s = dialled(outgoing, k == 0 ? 60000 : 10000, &l);

		sip_ops.close(s->session, s->now, REASON_CONNECTION_RESET, NULL);
		assert_over(s, l, k == 0 ? REASON_CONNECTION_RESET : REASON_UNKNOWN_OUTCOME);
		assert_int_equal(l->result.maybe_sent, k == 1);
		sip_large_end(instance(s), l);
		memset(s->session, 0, sip_ops.session_size);
		side_open_as(s, s->session,
			     &(struct proto_open){.role = PROTO_ACCEPTED,
						  .instance = s->instance,
						  .settings = &s->settings,
						  .media_stream = true});
		side_free(s);
	}
}

static void a_receiver_that_falls_silent_is_given_up(void **state)
{
	struct sip_large *l;
	struct side      *s = dialled(outgoing, 60000, &l);

	(void)state;
	side_tick(s);
	side_at(s, s->due);
	side_tick(s);
	assert_over(s, l, REASON_MSRP_STALLED);
	assert_false(l->result.maybe_sent);
	end(s, l);
}

static void who_connects_for_a_message_says_hello_and_gets_it(void **state)
{
	struct side       *s = streaming();
	struct sip_large  *l = outgoing(s, 5000);
	static struct sent to;

	(void)state;
	to = (struct sent){0};
	feed(s, chunk_text(s, l, (struct piece){ID "Byte-Range: 1-0/0" NL, NULL, '$'}));
	read_sent(s, l, &to);
	assert_int_equal(to.responses, 1);
	assert_int_equal(to.chunks, 3);
	assert_int_equal(say(s, l, (struct piece){ID TYPE, WHOLE, '$'}), 403); /* we send here */
	for (unsigned k = 0; k < 3; k++)
		respond(s, l, to.transactions[k], 200);
	assert_over(s, l, REASON_NONE);
	end(s, l);
}

/* Its hello may be faster than its answer to the INVITE, which says where it is. */
static void nothing_goes_before_it_is_known_where_to(void **state)
{
	struct side       *s = streaming();
	struct sip_large  *l = outgoing(s, 5000);
	static struct sent to;

	(void)state;
	to = (struct sent){0};
	sip_chain_give(&instance(s)->transactions.pool, &l->path);
	l->path = (struct sip_chain){0};
	feed(s, chunk_text(s, l, (struct piece){ID, NULL, '$'}));
	side_tick(s);
	read_sent(s, l, &to);
	assert_int_equal(to.responses, 1);
	assert_int_equal(to.chunks, 0);
	s->services.woken = NULL;
	assert_true(
		sip_large_path(instance(s), l, STR("msrp://relay.example:2855;tcp " THEIR_PATH)));
	assert_ptr_equal(s->services.woken, s->session);
	side_tick(s);
	read_sent(s, l, &to);
	assert_int_equal(to.chunks, 3);
	end(s, l);
}

static struct sip_large *incoming_by_relay(struct side *s, uint32_t size)
{
	struct sip_large *l = incoming(s, size);

	sip_chain_give(&instance(s)->transactions.pool, &l->path);
	l->path = (struct sip_chain){0};
	assert_true(
		sip_large_path(instance(s), l, STR("msrp://relay.example:2855;tcp " THEIR_PATH)));
	return l;
}

static void where_we_connect_to_take_a_message_we_say_hello(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct sip_large  *l;
		struct side       *s = dialled(incoming_by_relay, 4096, &l);
		static struct sent to;

		to = (struct sent){0};
		side_tick(s);
		side_tick(s);
		read_sent(s, l, &to);
		assert_int_equal(to.chunks, 1);
		assert_int_equal(to.size, 0);
		respond(s, l, to.transactions[0], k == 0 ? 200 : 481);
		if (k == 0) {
			assert_false(l->over);
			say(s, l, (struct piece){ID TYPE, WHOLE, '$'});
			assert_message(s, TEXT);
			assert_non_null(strstr(answer(s, done()), " 200 OK"));
			assert_over(s, l, REASON_NONE);
		} else {
			assert_over(s, l, REASON_PEER_TEMPORARY);
		}
		end(s, l);
	}
}

static void little_room_holds_chunks_back_and_loses_none(void **state)
{
	struct side       *s = streaming();
	struct sip_large  *l = outgoing(s, 20000);
	static struct sent to;
	unsigned           told = 0;

	(void)state;
	to = (struct sent){0};
	s->room_max = 12000;
	feed(s, chunk_text(s, l, (struct piece){ID, NULL, '$'}));
	while (told < 10) {
		read_sent(s, l, &to);
		assert_true(to.chunks > told);
		respond(s, l, to.transactions[told++], 200);
		side_tick(s);
	}
	assert_over(s, l, REASON_NONE);
	assert_int_equal(to.size, 20000);
	end(s, l);
}

static void a_stream_that_comes_too_late_is_closed(void **state)
{
	struct side      *s = streaming();
	struct proto_open how = side_how(s, PROTO_CONNECTING);
	struct sip_large *l = outgoing(s, 1000);

	(void)state;
	how.dial = sip_large_token(instance(s), l);
	sip_large_end(instance(s), l);
	side_end(s, s->session);
	memset(s->session, 0, sip_ops.session_size);
	side_open_as(s, s->session, &how);
	side_tick(s);
	assert_int_equal(side_last(s, EVENT_CLOSE)->why, REASON_UNBOUND);
	assert_int_equal(s->sent_size, 0);
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_in_chunks_goes_to_the_pipeline_whose_answer_is_its_own),
		cmocka_unit_test(chunks_in_any_order_are_the_message),
		cmocka_unit_test(no_more_chunks_wait_than_may),
		cmocka_unit_test(a_conversation_cut_at_any_byte_is_the_same),
		cmocka_unit_test(what_is_wrong_with_a_message_is_answered_and_ends_it),
		cmocka_unit_test(what_does_not_concern_a_message_leaves_it_alone),
		cmocka_unit_test(a_session_that_is_not_there_is_told_and_the_stream_closed),
		cmocka_unit_test(a_second_stream_for_a_session_is_refused_and_closed),
		cmocka_unit_test(one_stream_serves_several_messages_at_a_time),
		cmocka_unit_test(more_than_may_come_is_refused_when_it_comes),
		cmocka_unit_test(who_wants_no_answers_gets_none),
		cmocka_unit_test(a_report_tells_of_delivery_to_who_asked_and_when_it_is_so),
		cmocka_unit_test(each_outcome_has_its_status),
		cmocka_unit_test(who_asked_for_it_may_not_be_known_and_then_all_is_refused),
		cmocka_unit_test(a_message_that_stands_still_is_given_up),
		cmocka_unit_test(a_connection_cut_in_the_middle_is_an_outcome),
		cmocka_unit_test(a_dialog_that_ends_in_the_middle_of_a_chunk_leaves_no_session),
		cmocka_unit_test(a_stream_that_served_waits_for_the_next_message_a_while),
		cmocka_unit_test(a_stream_that_says_nothing_is_closed),
		cmocka_unit_test(what_is_no_msrp_closes_the_stream),
		cmocka_unit_test(a_message_goes_out_in_chunks_as_they_are_answered),
		cmocka_unit_test(answers_in_another_order_and_answers_again_change_nothing),
		cmocka_unit_test(an_answer_to_what_was_not_sent_is_none),
		cmocka_unit_test(a_refusal_ends_the_sending_and_goes_to_the_sender),
		cmocka_unit_test(a_connection_lost_before_the_last_chunk_cannot_have_delivered),
		cmocka_unit_test(a_receiver_that_falls_silent_is_given_up),
		cmocka_unit_test(who_connects_for_a_message_says_hello_and_gets_it),
		cmocka_unit_test(nothing_goes_before_it_is_known_where_to),
		cmocka_unit_test(where_we_connect_to_take_a_message_we_say_hello),
		cmocka_unit_test(little_room_holds_chunks_back_and_loses_none),
		cmocka_unit_test(a_stream_that_comes_too_late_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
