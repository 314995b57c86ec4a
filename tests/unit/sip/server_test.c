#include "transactions.h"

#define HEAD                                                                                       \
	"MESSAGE sip:bob@example.org SIP/2.0\r\n"                                                  \
	"Via: SIP/2.0/UDP client.example.net:5070;branch=z9hG4bKabc;rport\r\n"
#define REST                                                                                       \
	"From: <sip:alice@example.net>;tag=88\r\n"                                                 \
	"To: <sip:bob@example.org>\r\n"                                                            \
	"Call-ID: c1@example.net\r\n"                                                              \
	"CSeq: 4 MESSAGE\r\n"                                                                      \
	"Max-Forwards: 70\r\n"                                                                     \
	"Content-Length: 2\r\n\r\nhi"
#define REQUEST HEAD REST

static uint8_t room[8192];

struct asked {
	struct taken         k;
	struct flow          from;
	struct sip_incoming  in;
	struct out           out;
	struct sip_server   *server;
	struct sip_again     again;
	enum sip_server_step step;
};

static void ask_from(struct bench *b, const char *text, struct flow from, bool datagram,
		     struct asked *a)
{
	take_text(&a->k, text);
	a->from = from;
	a->in = (struct sip_incoming){&a->k.message, &a->k.known, &a->from, datagram};
	a->out = out_to(room, sizeof(room));
	a->step = sip_server_request(&b->t, &b->servers, b->now, &a->in, &a->out, &a->server,
				     &a->again);
}

static void ask(struct bench *b, const char *text, struct asked *a)
{
	ask_from(b, text, peer_flow(), true, a);
}

/* Asks again and again, as a test that looks at the step alone. */
static enum sip_server_step step_of(struct bench *b, const char *text, bool datagram)
{
	struct asked a;

	ask_from(b, text, peer_flow(), datagram, &a);
	drop(&a.k);
	return a.step;
}

static const struct sip_answer ok = {.status = 200, .reason = {"OK", 2}, .note = 77};

static void answer(struct bench *b, struct sip_server *s, struct str *text)
{
	static uint8_t answered[8192];
	struct out     out = out_to(answered, sizeof(answered));
	struct flow    to;

	assert_true(sip_server_answer(&b->t, s, b->now, &ok, &out));
	*text = only_datagram(&out, &to);
}

/* Figure 8 of RFC 3261 with RFC 4320: Trying, Proceeding, Completed, Terminated. */
static void a_request_that_comes_again_is_never_delivered_twice(void **state)
{
	struct bench b;
	struct asked first, a;
	struct str   text;
	struct out   out;
	struct flow  to, want = peer_flow();
	uint64_t     begun, answered;

	bench_open(&b, MEMORY);
	begun = b.now.us;
	ask(&b, REQUEST, &first);
	assert_int_equal(first.step, SIP_SERVER_NEW);
	assert_int_equal(put_size(&first.out.put), 0);
	b.now.us += SIP_T1_US;
	ask(&b, REQUEST, &a); /* Trying: absorbed */
	assert_int_equal(a.step, SIP_SERVER_PENDING);
	assert_int_equal(put_size(&a.out.put), 0);
	drop(&a.k);

	out = out_to(room, sizeof(room));
	b.now.us = begun + 3499999;
	assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), begun + 3500000);
	assert_int_equal(put_size(&out.put), 0);
	b.now.us = begun + 3500000;
	assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), UINT64_MAX);
	text = only_datagram(&out, &to);
	assert_true(str_starts(text, STR("SIP/2.0 100 Trying\r\n")));
	assert_true(flow_eq(&to, &want));
	ask(&b, REQUEST, &a); /* Proceeding: 100 again */
	assert_int_equal(a.step, SIP_SERVER_PENDING);
	assert_true(str_starts(only_datagram(&a.out, &to), STR("SIP/2.0 100 Trying\r\n")));
	drop(&a.k);

	answer(&b, first.server, &text);
	answered = b.now.us;
	assert_int_equal(b.servers.open, 0);
	assert_int_equal(b.t.pool.used, 0);
	for (unsigned i = 0; i < 3; i++) { /* Completed */
		ask(&b, REQUEST, &a);
		assert_int_equal(a.step, SIP_SERVER_AGAIN);
		assert_int_equal(a.again.status, 200);
		assert_int_equal(a.again.note, 77);
		drop(&a.k);
		b.now.us = answered + (i == 0 ? SIP_T1_US : SIP_TIMEOUT_US);
	}
	b.now.us += 2 * 65536; /* timer J is kept in units of 2^16 us */
	ask(&b, REQUEST, &a);
	assert_int_equal(a.step, SIP_SERVER_NEW);
	assert_int_equal(count(&b, METRIC_sip_requests_again), 5);
	drop(&a.k);
	drop(&first.k);
	bench_close(&b);
}

static void over_tcp_timer_j_is_zero(void **state)
{
	struct bench b;
	struct asked a;
	struct out   out = out_to(room, sizeof(room));
	struct str   want = STR("SIP/2.0 200 OK\r\n");

	bench_open(&b, MEMORY);
	ask_from(&b, REQUEST, peer_flow(), false, &a);
	assert_int_equal(step_of(&b, REQUEST, false), SIP_SERVER_PENDING);
	assert_true(sip_server_answer(&b.t, a.server, b.now, &ok, &out));
	assert_memory_equal(room, want.p, want.n); /* no head of a datagram */
	assert_int_equal(b.t.completed.used, 0);
	assert_int_equal(step_of(&b, REQUEST, false), SIP_SERVER_NEW);
	drop(&a.k);
	bench_close(&b);
}

static void over_tcp_100_is_written_once_when_the_answer_takes_long(void **state)
{
	struct bench b;
	struct asked a, again;
	struct out   out = out_to(room, sizeof(room));
	struct str   want = STR("SIP/2.0 100 Trying\r\n");

	bench_open(&b, MEMORY);
	ask_from(&b, REQUEST, peer_flow(), false, &a);
	b.now.us += SIP_TRYING_US;
	assert_int_equal(sip_server_tick(&b.t, &b.servers, b.now, &out), UINT64_MAX);
	assert_true(put_size(&out.put) > want.n);
	assert_memory_equal(room, want.p, want.n);
	ask_from(&b, REQUEST, peer_flow(), false, &again);
	assert_int_equal(put_size(&again.out.put), 0);
	drop(&a.k);
	drop(&again.k);
	bench_close(&b);
}

static void the_answer_has_the_fields_of_the_request_and_a_tag(void **state)
{
	struct bench b;
	struct asked a;
	struct str   text;
	char         want[1024], tag[SIP_TAG_SIZE + 1] = "";
	const char  *at;

	bench_open(&b, MEMORY);
	ask(&b,
	    HEAD "Via: SIP/2.0/TCP far.example.com;branch=z9hG4bKdef\r\n"
		 "Timestamp: 12.5\r\n" REST,
	    &a);
	answer(&b, a.server, &text);
	at = memmem(text.p, text.n, "To: <sip:bob@example.org>;tag=", 30);
	assert_non_null(at);
	memcpy(tag, at + 30, SIP_TAG_SIZE);
	snprintf(want, sizeof(want),
		 "SIP/2.0 200 OK\r\n"
		 "Via: SIP/2.0/UDP client.example.net:5070;branch=z9hG4bKabc;"
		 "received=192.0.2.7;rport=5070\r\n"
		 "Via: SIP/2.0/TCP far.example.com;branch=z9hG4bKdef\r\n"
		 "From: <sip:alice@example.net>;tag=88\r\n"
		 "To: <sip:bob@example.org>;tag=%s\r\n"
		 "Call-ID: c1@example.net\r\n"
		 "CSeq: 4 MESSAGE\r\n"
		 "Timestamp: 12.5\r\n"
		 "Content-Length: 0\r\n\r\n",
		 tag);
	assert_int_equal(text.n, strlen(want));
	assert_memory_equal(text.p, want, text.n);
	drop(&a.k);
	bench_close(&b);
}

static void the_answer_to_a_retransmission_is_the_same_bytes(void **state)
{
	static const char *const requests[] = {
		REQUEST,
		"MESSAGE sip:bob@example.org SIP/2.0\r\n"
		"v: SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bKabc\r\n"
		"f: <sip:alice@example.net>;tag=88\r\nt: <sip:bob@example.org>;tag=old\r\n"
		"i: c1@example.net\r\nCSeq: 4 MESSAGE\r\nl: 0\r\n\r\n",
		"MESSAGE sip:bob@example.org SIP/2.0\r\n"
		"Via: SIP/2.0/UDP old.example.net\r\n"
		"From: <sip:alice@example.net>\r\nTo: <sip:bob@example.org>\r\n"
		"Call-ID: c1@example.net\r\nCSeq: 4 MESSAGE\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct bench b;
		struct asked a;
		struct str   text;
		struct flow  to;

		bench_open(&b, MEMORY);
		ask(&b, requests[i], &a);
		answer(&b, a.server, &text);
		drop(&a.k);
		ask(&b, requests[i], &a);
		assert_int_equal(a.step, SIP_SERVER_AGAIN);
		a.out = out_to(room, sizeof(room));
		assert_true(sip_server_reply(&b.t, &a.in, &ok, &a.out));
		assert_true(str_eq(only_datagram(&a.out, &to), text));
		drop(&a.k);
		bench_close(&b);
	}
}

static void header_fields_and_body_of_the_session_go_into_the_answer(void **state)
{
	struct bench      b;
	struct asked      a;
	struct out        out = out_to(room, sizeof(room));
	struct flow       to;
	struct str        text;
	struct sip_answer busy = {.status = 503,
				  .reason = STR("Busy"),
				  .headers = STR("Retry-After: 5\r\nServer: cpm\r\n"),
				  .type = STR("text/plain"),
				  .body = STR("later")};
	struct str        end = STR("Retry-After: 5\r\nServer: cpm\r\nContent-Type: text/plain\r\n"
					   "Content-Length: 5\r\n\r\nlater");

	bench_open(&b, MEMORY);
	ask(&b, REQUEST, &a);
	assert_true(sip_server_answer(&b.t, a.server, b.now, &busy, &out));
	text = only_datagram(&out, &to);
	assert_true(str_starts(text, STR("SIP/2.0 503 Busy\r\nVia: ")));
	assert_true(str_eq(str_skip(text, text.n - end.n), end));
	drop(&a.k);
	bench_close(&b);
}

/* RFC 3261, 17.2.3 and 8.2.2.2. A branch that comes with another Call-ID is of a sender that makes
 * its branches badly, and is another request. */
static void a_request_is_matched_by_what_names_it_and_by_its_way(void **state)
{
#define TEXT(method, by, branch, from, to, call, cseq)                                             \
	method " sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP " by ";branch=z9hG4bK" branch     \
	       "\r\nFrom: <sip:alice@example.net>" from "\r\nTo: <sip:bob@example.org>" to         \
	       "\r\nCall-ID: " call "\r\nCSeq: " cseq " " method "\r\nContent-Length: 0\r\n\r\n"
#define BY "client.example.net:5070"
	static const struct {
		const char          *first, *text;
		enum sip_server_step step;
	} cases[] = {
#define FIRST TEXT("MESSAGE", BY, "abc", ";tag=88", "", "c1", "4")
		{FIRST, FIRST, SIP_SERVER_PENDING},
		{FIRST, TEXT("MESSAGE", "CLIENT.example.net:5070", "abc", ";tag=88", "", "c1", "4"),
		 SIP_SERVER_PENDING},
		{FIRST, TEXT("MESSAGE", BY, "abd", ";tag=88", "", "c1", "4"), SIP_SERVER_MERGED},
		{FIRST, TEXT("MESSAGE", "client.example.net:5071", "abc", ";tag=88", "", "c1", "4"),
		 SIP_SERVER_MERGED},
		{FIRST, TEXT("MESSAGE", "client.example.net", "abc", ";tag=88", "", "c1", "4"),
		 SIP_SERVER_MERGED},
		{FIRST, TEXT("MESSAGE", "client.example.com:5070", "abc", ";tag=88", "", "c1", "4"),
		 SIP_SERVER_MERGED},
		{FIRST, TEXT("OPTIONS", BY, "abc", ";tag=88", "", "c1", "4"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAG", BY, "abc", ";tag=88", "", "c1", "4"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAGE", BY, "abc", ";tag=88", "", "other", "4"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAGE", BY, "abd", ";tag=88", "", "other", "4"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAGE", BY, "abc", ";tag=8", "", "8c1", "4"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAGE", BY, "abc", ";tag=88c", "", "1", "4"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAGE", BY, "abd", ";tag=89", "", "c1", "4"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAGE", BY, "abd", ";tag=88", "", "c1", "5"), SIP_SERVER_NEW},
		{FIRST, TEXT("MESSAGE", BY, "abd", ";tag=88", ";tag=2", "c1", "4"), SIP_SERVER_NEW},
#undef FIRST
		{TEXT("MESSAGE", BY, "abc", ";tag=88", ";tag=2", "c1", "4"),
		 TEXT("MESSAGE", BY, "abd", ";tag=88", ";tag=2", "c1", "4"), SIP_SERVER_NEW},
		{TEXT("MESSAGE", BY, "abc", "", "", "c1", "4"),
		 TEXT("MESSAGE", BY, "abd", "", "", "c1", "4"), SIP_SERVER_NEW},
	};
#undef BY
#undef TEXT

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench b;
		struct asked a;
		struct str   text;

		bench_open(&b, MEMORY);
		ask(&b, cases[i].first, &a);
		answer(&b, a.server, &text);
		drop(&a.k);
		assert_int_equal(step_of(&b, cases[i].text, true),
				 cases[i].step == SIP_SERVER_PENDING ? SIP_SERVER_AGAIN
								     : cases[i].step);
		bench_close(&b);
		bench_open(&b, MEMORY);
		ask(&b, cases[i].first, &a);
		assert_int_equal(step_of(&b, cases[i].text, true), cases[i].step);
		drop(&a.k);
		bench_close(&b);
	}
}

/* What came another way is remembered as long as an answer is, and no longer. */
static void a_request_is_merged_for_the_time_of_timer_j(void **state)
{
	struct bench b;
	struct asked a;
	struct str   text;
	const char  *other = "MESSAGE sip:bob@example.org SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP proxy.example.net;branch=z9hG4bKdef\r\n" REST;

	bench_open(&b, MEMORY);
	ask(&b, REQUEST, &a);
	answer(&b, a.server, &text);
	drop(&a.k);
	b.now.us += SIP_TIMEOUT_US;
	assert_int_equal(step_of(&b, other, true), SIP_SERVER_MERGED);
	assert_int_equal(b.t.pool.used, 0);
	b.now.us += 2 * 65536;
	assert_int_equal(step_of(&b, other, true), SIP_SERVER_NEW);
	bench_close(&b);
}

/* RFC 3261, 17.2.3, for peers whose branch has no cookie. */
static void a_request_of_rfc_2543_is_matched_by_all_that_names_it(void **state)
{
#define TEXT(uri, via, from, to, call, cseq)                                                       \
	"MESSAGE " uri " SIP/2.0\r\nVia: SIP/2.0/UDP " via "\r\nFrom: <sip:a@example.net>" from    \
	"\r\nTo: <sip:bob@example.org>" to "\r\nCall-ID: " call "\r\nCSeq: " cseq                  \
	" MESSAGE\r\nContent-Length: 0\r\n\r\n"
#define URI "sip:bob@example.org"
	static const struct {
		const char *text;
		bool        same;
	} cases[] = {
		{TEXT(URI, "h.example;branch=1", ";tag=1", ";tag=2", "c", "4"), true},
		{TEXT("sip:bobo@example.org", "h.example;branch=1", ";tag=1", ";tag=2", "c", "4"),
		 false},
		{TEXT(URI, "h.example;branch=2", ";tag=1", ";tag=2", "c", "4"), false},
		{TEXT(URI, "h.example", ";tag=1", ";tag=2", "c", "4"), false},
		{TEXT(URI, "i.example;branch=1", ";tag=1", ";tag=2", "c", "4"), false},
		{TEXT(URI, "h.example;branch=1", ";tag=2", ";tag=2", "c", "4"), false},
		{TEXT(URI, "h.example;branch=1", ";tag=1", "", "c", "4"), false},
		{TEXT(URI, "h.example;branch=1", ";tag=1", ";tag=2", "d", "4"), false},
		{TEXT(URI, "h.example;branch=1", ";tag=1", ";tag=2", "c", "5"), false},
	};
#undef TEXT

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench b;
		struct asked a;
		struct str   text;

		bench_open(&b, MEMORY);
		ask(&b, cases[0].text, &a);
		assert_int_equal(step_of(&b, cases[i].text, true),
				 cases[i].same ? SIP_SERVER_PENDING : SIP_SERVER_NEW);
		answer(&b, a.server, &text);
		assert_int_equal(step_of(&b, cases[i].text, true),
				 cases[i].same ? SIP_SERVER_AGAIN : SIP_SERVER_PENDING);
		drop(&a.k);
		bench_close(&b);
	}
}

/* RFC 3261, 18.2.1 and 18.2.2; RFC 3581, 4. */
static void the_answer_goes_to_the_source_and_says_what_it_was(void **state)
{
	static const struct {
		const char *via, *want;
		uint16_t    port;
	} cases[] = {
		{"192.0.2.7:5070", "192.0.2.7:5070;branch=z9hG4bK1;received=192.0.2.7", 5070},
		{"192.0.2.7:5080", "192.0.2.7:5080;branch=z9hG4bK1;received=192.0.2.7", 5080},
		{"192.0.2.7", "192.0.2.7;branch=z9hG4bK1;received=192.0.2.7", 5060},
		{"10.0.0.1:5080", "10.0.0.1:5080;branch=z9hG4bK1;received=192.0.2.7", 5080},
		{"a.example", "a.example;branch=z9hG4bK1;received=192.0.2.7", 5060},
		{"10.0.0.1:5080;rport",
		 "10.0.0.1:5080;branch=z9hG4bK1;received=192.0.2.7;rport=5070", 5070},
		{"a.example;received=203.0.113.5;rport=9",
		 "a.example;branch=z9hG4bK1;received=192.0.2.7;rport=5070", 5070},
		{"10.0.0.1;maddr=203.0.113.5",
		 "10.0.0.1;maddr=203.0.113.5;branch=z9hG4bK1;received=192.0.2.7", 5060},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench b;
		struct asked a;
		struct flow  to, want;
		struct str   text;
		char         request[1024], line[256];

		bench_open(&b, MEMORY);
		snprintf(request, sizeof(request),
			 "OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP "
			 "%s;branch=z9hG4bK1\r\n%s",
			 cases[i].via,
			 "From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: c\r\n"
			 "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
		ask(&b, request, &a);
		a.out = out_to(room, sizeof(room));
		assert_true(sip_server_answer(&b.t, a.server, b.now, &ok, &a.out));
		text = only_datagram(&a.out, &to);
		want = flow_of(192, 0, 2, 7, cases[i].port);
		assert_true(flow_eq(&to, &want));
		snprintf(line, sizeof(line), "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP %s\r\n",
			 cases[i].want);
		assert_true(str_starts(text, str_of(line)));
		drop(&a.k);
		bench_close(&b);
	}
}

static void received_is_written_for_ip6_too(void **state)
{
	static const uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, 0, 0,    0,    0,
					    0,    0, 0,    0,    0, 0x10, 0xab, 0xcd};
	struct bench         b;
	struct asked         a;
	struct flow          from = {.port = 5070, .ip6 = true}, to;
	struct str           text;

	memcpy(from.address, address, sizeof(address));
	bench_open(&b, MEMORY);
	ask_from(&b, REQUEST, from, true, &a);
	a.out = out_to(room, sizeof(room));
	assert_true(sip_server_answer(&b.t, a.server, b.now, &ok, &a.out));
	text = only_datagram(&a.out, &to);
	assert_true(flow_eq(&to, &from));
	assert_non_null(memmem(text.p, text.n, ";received=2001:db8::10:abcd;rport=5070\r\n", 40));
	drop(&a.k);
	bench_close(&b);
}

static void what_the_session_keeps_comes_back_whole(void **state)
{
	static uint8_t bytes[2000], back[2000];
	struct bench   b;
	struct asked   a;
	struct put     w = put_to(back, sizeof(back));
	struct str     text;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	bench_open(&b, MEMORY);
	ask(&b, REQUEST, &a);
	assert_int_equal(sip_server_kept_size(a.server), 0);
	assert_true(sip_server_keep(&b.t, a.server, bytes, 3));
	assert_true(sip_server_keep(&b.t, a.server, bytes + 3, sizeof(bytes) - 3));
	assert_int_equal(sip_server_kept_size(a.server), sizeof(bytes));
	sip_server_kept(&b.t, a.server, &w);
	assert_int_equal(put_size(&w), sizeof(bytes));
	assert_memory_equal(back, bytes, sizeof(bytes));
	answer(&b, a.server, &text);
	assert_null(memmem(text.p, text.n, bytes, 8)); /* and not in the answer */
	assert_int_equal(b.t.pool.used, 0);
	drop(&a.k);
	bench_close(&b);
}

static void a_token_names_a_transaction_until_it_is_answered(void **state)
{
	struct bench b;
	struct asked a;
	struct str   text;
	uint64_t     token;

	bench_open(&b, MEMORY);
	ask(&b, REQUEST, &a);
	token = sip_server_token(&b.t, a.server);
	assert_true(token != 0);
	assert_ptr_equal(sip_server_find(&b.t, token), a.server);
	assert_null(sip_server_find(&b.t, 0));
	assert_null(sip_server_find(&b.t, token + 1));
	assert_null(sip_server_find(&b.t, token + (1ull << 32)));
	answer(&b, a.server, &text);
	assert_null(sip_server_find(&b.t, token));
	drop(&a.k);
	b.now.us += 2 * SIP_TIMEOUT_US;
	ask(&b, REQUEST, &a);
	assert_null(sip_server_find(&b.t, token)); /* the block is in use again */
	drop(&a.k);
	bench_close(&b);
}

static void another(char *text, size_t size, unsigned i)
{
	snprintf(
		text, size,
		"OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h.example;branch=z9hG4bK%u\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: c%u\r\n"
		"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		i, i);
}

static void without_memory_a_request_is_answered_from_itself_and_the_others_live(void **state)
{
	struct bench b;
	struct asked a;
	struct flow  to;
	char         text[1024];
	unsigned     i = 0;

	bench_open(&b, 16 * 1024);
	for (;; i++) {
		another(text, sizeof(text), i);
		ask(&b, text, &a);
		if (a.step != SIP_SERVER_NEW)
			break;
		drop(&a.k);
	}
	assert_int_equal(a.step, SIP_SERVER_FULL);
	assert_int_equal(i, b.t.pool.count);
	assert_int_equal(count(&b, METRIC_sip_transactions_full), 1);
	assert_int_equal(b.servers.open, i);
	a.out = out_to(room, sizeof(room));
	assert_true(sip_server_reply(&b.t, &a.in, &(struct sip_answer){.status = 503}, &a.out));
	assert_true(str_starts(only_datagram(&a.out, &to), STR("SIP/2.0 503 \r\nVia: ")));
	drop(&a.k);
	another(text, sizeof(text), 0);
	assert_int_equal(step_of(&b, text, true), SIP_SERVER_PENDING);
	sip_server_end_all(&b.t, &b.servers);
	assert_int_equal(b.servers.open, 0);
	assert_int_equal(b.t.pool.used, 0);
	assert_int_equal(count(&b, METRIC_sip_transactions_open), 0);
	assert_int_equal(step_of(&b, text, true), SIP_SERVER_NEW);
	bench_close(&b);
}

static void when_too_many_were_answered_the_oldest_is_forgotten_and_counted(void **state)
{
	struct bench b;
	struct asked a;
	struct str   answered;
	char         text[1024];
	unsigned     size;

	bench_open(&b, 16 * 1024);
	size = b.t.completed.count;
	for (unsigned i = 0; i < size + 3; i++) {
		another(text, sizeof(text), i);
		ask(&b, text, &a);
		assert_int_equal(a.step, SIP_SERVER_NEW);
		answer(&b, a.server, &answered);
		drop(&a.k);
	}
	assert_int_equal(count(&b, METRIC_sip_answers_forgotten), 3);
	for (unsigned i = size + 3; i-- > 0;) {
		another(text, sizeof(text), i);
		assert_int_equal(step_of(&b, text, true),
				 i < 3 ? SIP_SERVER_NEW : SIP_SERVER_AGAIN);
	}
	bench_close(&b);
}

static void
an_answer_that_does_not_fit_ends_the_transaction_and_is_given_when_asked_again(void **state)
{
	struct bench b;
	struct asked a;
	uint8_t      small[200];
	struct out   out = out_to(small, sizeof(small));

	bench_open(&b, MEMORY);
	ask(&b, REQUEST, &a);
	assert_false(sip_server_answer(&b.t, a.server, b.now, &ok, &out));
	assert_int_equal(put_size(&out.put), 0);
	assert_int_equal(b.servers.open, 0);
	assert_int_equal(step_of(&b, REQUEST, true), SIP_SERVER_AGAIN);
	drop(&a.k);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_that_comes_again_is_never_delivered_twice),
		cmocka_unit_test(over_tcp_timer_j_is_zero),
		cmocka_unit_test(over_tcp_100_is_written_once_when_the_answer_takes_long),
		cmocka_unit_test(the_answer_has_the_fields_of_the_request_and_a_tag),
		cmocka_unit_test(the_answer_to_a_retransmission_is_the_same_bytes),
		cmocka_unit_test(header_fields_and_body_of_the_session_go_into_the_answer),
		cmocka_unit_test(a_request_is_matched_by_what_names_it_and_by_its_way),
		cmocka_unit_test(a_request_is_merged_for_the_time_of_timer_j),
		cmocka_unit_test(a_request_of_rfc_2543_is_matched_by_all_that_names_it),
		cmocka_unit_test(the_answer_goes_to_the_source_and_says_what_it_was),
		cmocka_unit_test(received_is_written_for_ip6_too),
		cmocka_unit_test(what_the_session_keeps_comes_back_whole),
		cmocka_unit_test(a_token_names_a_transaction_until_it_is_answered),
		cmocka_unit_test(
			without_memory_a_request_is_answered_from_itself_and_the_others_live),
		cmocka_unit_test(when_too_many_were_answered_the_oldest_is_forgotten_and_counted),
		cmocka_unit_test(
			an_answer_that_does_not_fit_ends_the_transaction_and_is_given_when_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
