#include "test.h"

#include <stdio.h>

#include "sip/msrp.h"

#define NL "\r\n"
#define TO "To-Path: msrp://bob.example.com:8888/9di4ea;tcp" NL
#define FROM "From-Path: msrp://alicepc.example.com:7777/iau39;tcp" NL

/* The messages of RFC 4975, 11.1 and 4, as it has them. */
static const char                     send_text[] =
	"MSRP d93kswow SEND" NL TO    FROM "Message-ID: 12339sdqwer" NL "Byte-Range: 1-16/16" NL
	"Content-Type: text/plain" NL NL "Hi, I'm Alice!" NL NL "-------d93kswow$" NL;
static const char                                            response_text[] =
	"MSRP d93kswow 200 OK" NL "To-Path: msrp://alicepc.example.com:7777/iau39;tcp" NL
	"From-Path: msrp://bob.example.com:8888/9di4ea;tcp" NL "-------d93kswow$" NL;
static const char                    report_text[] =
	"MSRP dkei38sd REPORT" NL TO FROM "Message-ID: 12339sdqwer" NL "Byte-Range: 1-106/106" NL
	"Status: 000 200 OK" NL "-------dkei38sd$" NL;

static void assert_str(struct str is, const char *wanted)
{
	assert_int_equal(is.n, strlen(wanted));
	assert_memory_equal(is.p, wanted, is.n);
}

/* A connection: bytes come as the test says, each time in memory that ends where they end; what was
 * not consumed comes again. What was read is kept as one text. */
struct reading {
	struct msrp_reader reader;
	uint8_t           *unread;
	size_t             unread_size;
	char               heads[4096], body[32768], ends[64];
	size_t             head_size, body_size, end_count;
	enum reason        fault, why;
	enum pull          last;
};

static void read_all(struct reading *r)
{
	struct cur        in = cur_of(r->unread, r->unread_size);
	struct msrp_chunk chunk;
	uint8_t          *rest;

	while ((r->last = msrp_next(&r->reader, &in, &chunk, &r->why)) == PULL_ITEM) {
		switch (chunk.item) {
		case MSRP_ITEM_HEAD:
			r->fault = chunk.head.fault;
			r->head_size += (size_t)snprintf(
				r->heads + r->head_size, sizeof(r->heads) - r->head_size,
				"%d %d %d %.*s %.*s %.*s %.*s %llu-%llu/%llu;", chunk.head.kind,
				chunk.head.method, chunk.head.status,
				STR_ARG(chunk.head.transaction), STR_ARG(chunk.head.from_path),
				STR_ARG(chunk.head.message_id), STR_ARG(chunk.head.content_type),
				(unsigned long long)chunk.head.range.first,
				(unsigned long long)chunk.head.range.last,
				(unsigned long long)chunk.head.range.total);
			break;
		case MSRP_ITEM_BODY:
			assert_true(chunk.body.n > 0);
			memcpy(r->body + r->body_size, chunk.body.p, chunk.body.n);
			r->body_size += chunk.body.n;
			break;
		case MSRP_ITEM_END:
			r->ends[r->end_count++] = (char)chunk.flag;
			break;
		}
	}
	r->unread_size = cur_left(&in);
	rest = test_copy(in.p, r->unread_size);
	free(r->unread);
	r->unread = rest;
}

static void more(struct reading *r, const void *bytes, size_t n)
{
	uint8_t *all = malloc(r->unread_size + n > 0 ? r->unread_size + n : 1);

	if (r->unread_size > 0)
		memcpy(all, r->unread, r->unread_size);
	if (n > 0)
		memcpy(all + r->unread_size, bytes, n);
	free(r->unread);
	r->unread = all;
	r->unread_size += n;
	read_all(r);
}

static struct reading *reading(const void *bytes, size_t n)
{
	struct reading *r = calloc(1, sizeof(*r));

	r->unread = test_copy("", 0);
	more(r, bytes, n);
	return r;
}

static struct reading *reading_text(const char *text)
{
	return reading(text, strlen(text));
}

static void done(struct reading *r)
{
	free(r->unread);
	free(r);
}

static void read_one(const char *text, size_t n, struct msrp_chunk *chunk, uint8_t **copy)
{
	struct msrp_reader r = {0};
	struct cur         in;
	enum reason        why;

	*copy = test_copy(text, n);
	in = cur_of(*copy, n);
	assert_int_equal(msrp_next(&r, &in, chunk, &why), PULL_ITEM);
	assert_int_equal(chunk->item, MSRP_ITEM_HEAD);
}

static void every_part_of_a_request_is_found(void **state)
{
	struct msrp_chunk c;
	uint8_t          *copy;
	struct reading   *r = reading_text(send_text);

	(void)state;
	read_one(send_text, sizeof(send_text) - 1, &c, &copy);
	assert_int_equal(c.head.fault, REASON_NONE);
	assert_int_equal(c.head.kind, MSRP_REQUEST);
	assert_int_equal(c.head.method, MSRP_SEND);
	assert_str(c.head.transaction, "d93kswow");
	assert_str(c.head.to_path, "msrp://bob.example.com:8888/9di4ea;tcp");
	assert_str(c.head.to.session, "9di4ea");
	assert_str(c.head.from.host.text, "alicepc.example.com");
	assert_int_equal(c.head.from.port, 7777);
	assert_str(c.head.message_id, "12339sdqwer");
	assert_str(c.head.content_type, "text/plain");
	assert_true(c.head.has_range && c.head.has_body && !c.head.success_report);
	assert_int_equal(c.head.range.first, 1);
	assert_int_equal(c.head.range.last, 16);
	assert_int_equal(c.head.range.total, 16);
	assert_int_equal(c.head.failure_report, MSRP_FAILURE_YES);
	free(copy);
	assert_int_equal(r->body_size, 16);
	assert_memory_equal(r->body, "Hi, I'm Alice!" NL, 16);
	assert_int_equal(r->end_count, 1);
	assert_int_equal(r->ends[0], '$');
	assert_int_equal(r->unread_size, 0);
	done(r);
}

static void responses_and_reports_have_their_status(void **state)
{
	struct msrp_chunk c;
	uint8_t          *copy;

	(void)state;
	read_one(response_text, sizeof(response_text) - 1, &c, &copy);
	assert_int_equal(c.head.fault, REASON_NONE);
	assert_int_equal(c.head.kind, MSRP_RESPONSE);
	assert_int_equal(c.head.status, 200);
	assert_str(c.head.comment, "OK");
	assert_false(c.head.has_body);
	free(copy);
	read_one(report_text, sizeof(report_text) - 1, &c, &copy);
	assert_int_equal(c.head.fault, REASON_NONE);
	assert_int_equal(c.head.method, MSRP_REPORT);
	assert_int_equal(c.head.status, 200);
	assert_int_equal(c.head.range.last, 106);
	free(copy);
}

static void chunks_cut_at_any_byte_read_the_same(void **state)
{
	char   text[2048];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s%s%s%s", send_text, response_text,
				    report_text, send_text);
	struct reading *whole = reading(text, n);

	(void)state;
	assert_int_equal(whole->end_count, 4);
	for (size_t a = 0; a <= n; a++) {
		struct reading *r = reading(text, a);

		assert_int_not_equal(r->last, PULL_BAD);
		more(r, text + a, n - a);
		assert_int_equal(r->unread_size, 0);
		assert_string_equal(r->heads, whole->heads);
		assert_int_equal(r->body_size, whole->body_size);
		assert_memory_equal(r->body, whole->body, whole->body_size);
		assert_string_equal(r->ends, whole->ends);
		done(r);
	}
	done(whole);
}

/* need never asks for more than the rest that must come. */
static void byte_by_byte_and_by_what_is_needed_read_the_same(void **state)
{
	struct reading *bytes = reading("", 0), *needed = reading("", 0);
	const char     *text = send_text;
	size_t          n = sizeof(send_text) - 1, given = 0;

	(void)state;
	for (size_t i = 0; i < n; i++)
		more(bytes, text + i, 1);
	while (given < n) {
		size_t want = needed->reader.need - needed->unread_size;

		assert_true(needed->reader.need > needed->unread_size);
		assert_true(given + want <= n);
		more(needed, text + given, want);
		given += want;
	}
	assert_int_equal(bytes->end_count, 1);
	assert_int_equal(needed->end_count, 1);
	assert_string_equal(bytes->heads, needed->heads);
	assert_int_equal(bytes->body_size, 16);
	assert_memory_equal(bytes->body, needed->body, 16);
	done(bytes);
	done(needed);
}

static void the_work_is_linear_however_the_bytes_are_cut(void **state)
{
	static char      text[32768];
	static size_t    parts[] = {1, 2, 3, 7, 64, 1460, sizeof(text)};
	struct put       w = put_to(text, sizeof(text));
	size_t           n;
	struct msrp_send s = {STR("tr4nsact1on"),
			      STR("msrp://b.example:1/x;tcp"),
			      STR("msrp://a.example:2/y;tcp"),
			      STR("mess-1"),
			      STR("text/plain"),
			      {1, 20000, 20000},
			      MSRP_COMPLETE};
	static char      body[20000];

	(void)state;
	memset(body, '\r', sizeof(body)); /* each could begin the end */
	assert_true(msrp_send_put(&w, &s, body, sizeof(body)));
	n = put_size(&w);
	for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
		struct reading *r = reading("", 0);

		for (size_t at = 0; at < n; at += parts[k])
			more(r, text + at, n - at < parts[k] ? n - at : parts[k]);
		assert_int_equal(r->end_count, 1);
		assert_int_equal(r->body_size, sizeof(body));
		assert_true(r->reader.steps <= 3 * n);
		done(r);
	}
}

static void only_the_whole_line_of_its_own_transaction_ends_a_body(void **state)
{
	static const char *const not_ends[] = {
		"-------abcd",         NL "-------abcd",          NL "-------abcd$",
		"-------abcd$",        "-------abcd$" NL "x", /* no line: something before it */
		NL "-------abcde$" NL, NL "-------abc$" NL,       NL "------abcd$" NL,
		NL "--------abcd$" NL, NL "-------ABCD$" NL,      NL "-------abcd!" NL,
		NL "-------abcd$\n",   "\n-------abcd$" NL,       NL "-------abcd$ " NL,
		NL "-------abcd$$" NL, "\r\r\n\n-------abcd$" NL,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(not_ends) / sizeof(not_ends[0]); i++) {
		char            text[512], body[64];
		size_t          n = (size_t)snprintf(body, sizeof(body), "x%sx", not_ends[i]);
		struct reading *r;

		snprintf(text, sizeof(text),
			 "MSRP abcd SEND" NL TO FROM "Message-ID: 12339" NL
			 "Content-Type: a/b" NL NL "%s" NL "-------abcd+" NL,
			 body);
		r = reading_text(text);
		assert_int_equal(r->end_count, 1);
		assert_int_equal(r->ends[0], '+');
		assert_int_equal(r->body_size, n);
		assert_memory_equal(r->body, body, n);
		done(r);
	}
}

static void a_body_that_ends_its_chunk_early_loses_the_framing(void **state)
{
	struct reading *r = reading_text("MSRP abcd SEND" NL TO FROM "Message-ID: 12339" NL
					 "Content-Type: a/b" NL NL "one" NL "-------abcd$" NL
					 "two" NL "-------abcd$" NL);

	(void)state;
	assert_int_equal(r->end_count, 1);
	assert_int_equal(r->body_size, 3);
	assert_int_equal(r->last, PULL_BAD);
	assert_int_equal(r->why, REASON_MSRP_START_LINE);
	done(r);
}

static void a_body_may_be_empty_with_and_without_its_line(void **state)
{
	static const char *const bodies[] = {"", NL};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "MSRP abcd SEND" NL TO FROM "Message-ID: 12339" NL
			 "Content-Type: a/b" NL NL "%s-------abcd$" NL,
			 bodies[i]);
		for (size_t cut = 0; cut <= strlen(text); cut++) {
			struct reading *r = reading(text, cut);

			more(r, text + cut, strlen(text) - cut);
			assert_int_equal(r->fault, REASON_NONE);
			assert_int_equal(r->end_count, 1);
			assert_int_equal(r->body_size, 0);
			assert_int_equal(r->unread_size, 0);
			done(r);
		}
	}
}

static void a_range_is_three_numbers_or_stars_in_their_order(void **state)
{
	static const struct {
		const char *text;
		bool        good;
		uint64_t    first, last, total;
	} cases[] = {
		{"1-25/25", true, 1, 25, 25},
		{"1-*/*", true, 1, MSRP_UNKNOWN, MSRP_UNKNOWN},
		{"1-*/16", true, 1, MSRP_UNKNOWN, 16},
		{"17-20/*", true, 17, 20, MSRP_UNKNOWN},
		{"1-0/0", true, 1, 0, 0},
		{"5-4/4", true, 5, 4, 4},
		{"18446744073709551616-*/*", true, MSRP_UNKNOWN - 1, MSRP_UNKNOWN, MSRP_UNKNOWN},
		{"1-99999999999999999999999/*", true, 1, MSRP_UNKNOWN - 1, MSRP_UNKNOWN},
		{"1-9/18446744073709551615", true, 1, 9, MSRP_UNKNOWN - 1},
		{"0-5/5", false, 0, 0, 0},
		{"2-0/5", false, 0, 0, 0},
		{"1-6/5", false, 0, 0, 0},
		{"1-5", false, 0, 0, 0},
		{"1/5", false, 0, 0, 0},
		{"*-5/5", false, 0, 0, 0},
		{"-1-5/5", false, 0, 0, 0},
		{"", false, 0, 0, 0},
		{"1-5/5x", false, 0, 0, 0},
		{"1 - 5/5", false, 0, 0, 0},
		{"0x1-5/5", false, 0, 0, 0},
		{"1-5/-5", false, 0, 0, 0},
		{"1-**/5", false, 0, 0, 0},
		{"1-5/", false, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char              text[512];
		struct msrp_chunk c;
		uint8_t          *copy;

		snprintf(text, sizeof(text),
			 "MSRP abcd SEND" NL TO FROM "Message-ID: 12339" NL "Byte-Range: %s" NL
			 "-------abcd$" NL,
			 cases[i].text);
		read_one(text, strlen(text), &c, &copy);
		assert_int_equal(c.head.fault, cases[i].good ? REASON_NONE : REASON_MSRP_RANGE);
		if (cases[i].good) {
			assert_true(c.head.range.first == cases[i].first);
			assert_true(c.head.range.last == cases[i].last);
			assert_true(c.head.range.total == cases[i].total);
		}
		free(copy);
	}
}

static void a_head_with_a_fault_is_one_chunk_all_the_same(void **state)
{
	static const struct {
		const char *lines;
		enum reason fault;
	} cases[] = {
		{TO FROM "Message-ID: 12339" NL, REASON_NONE},
		{"TO-PATH:msrp://b.example:1/x;tcp" NL "from-path:   msrp://a.example/y;tcp \t" NL
		 "MESSAGE-ID:12339" NL "X-More: a:b" NL,
		 REASON_NONE},
		{TO FROM "Message-ID: 12339" NL "Success-Report: yes" NL
			 "Failure-Report: partial" NL,
		 REASON_NONE},
		{TO "Message-ID: 12339" NL, REASON_MSRP_HEADER_MISSING},
		{FROM TO "Message-ID: 12339" NL, REASON_MSRP_HEADER_MISSING},
		{"Message-ID: 12339" NL TO FROM, REASON_MSRP_HEADER_MISSING},
		{TO FROM, REASON_MSRP_HEADER_MISSING},
		{TO FROM TO "Message-ID: 12339" NL, REASON_MSRP_HEADER_REPEATED},
		{TO FROM "Message-ID: 12339" NL "Message-ID: 12339" NL,
		 REASON_MSRP_HEADER_REPEATED},
		{TO FROM "Message-ID: 123" NL, REASON_MSRP_FIELD},
		{TO FROM "Message-ID: 123456789012345678901234567890123" NL, REASON_MSRP_FIELD},
		{TO FROM "Message-ID: -2339" NL, REASON_MSRP_FIELD},
		{TO FROM "Message-ID: 12339" NL "Success-Report: maybe" NL, REASON_MSRP_FIELD},
		{TO FROM "Message-ID: 12339" NL "Failure-Report: " NL, REASON_MSRP_FIELD},
		{TO "From-Path: msrp://a.example/y" NL "Message-ID: 12339" NL, REASON_MSRP_PATH},
		{TO "From-Path: sip:a.example" NL "Message-ID: 12339" NL, REASON_MSRP_PATH},
		{TO "From-Path:" NL "Message-ID: 12339" NL, REASON_MSRP_PATH},
		{TO FROM "Message-ID: 12339" NL "no colon" NL, REASON_MSRP_LINE},
		{TO FROM "Message-ID: 12339" NL ": no name" NL, REASON_MSRP_LINE},
		{TO FROM "Message-ID: 12339" NL "X: a\rb" NL, REASON_MSRP_LINE},
		{TO FROM "Message-ID: 12339" NL " folded: x" NL, REASON_MSRP_LINE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char            text[1024];
		struct reading *r;

		snprintf(text, sizeof(text), "MSRP abcd SEND" NL "%s-------abcd$" NL "%s",
			 cases[i].lines, response_text);
		r = reading_text(text);
		assert_int_equal(r->end_count, 2); /* what follows is read */
		assert_int_equal(r->unread_size, 0);
		done(r);
		r = reading(text, strlen(text) - strlen(response_text));
		if (r->fault != cases[i].fault)
			print_error("case %zu\n", i);
		assert_int_equal(r->fault, cases[i].fault);
		done(r);
	}
}

static void what_is_no_msrp_is_found_out_at_once(void **state)
{
	static const struct {
		const char *text;
		enum reason why;
	} cases[] = {
		{"G", REASON_MSRP_START_LINE},
		{"MSRPX", REASON_MSRP_START_LINE},
		{"msrp abcd SEND" NL, REASON_MSRP_START_LINE},
		{"\r\n", REASON_MSRP_START_LINE},
		{"MSRP abcd" NL, REASON_MSRP_START_LINE},
		{"MSRP abc SEND" NL, REASON_MSRP_START_LINE},
		{"MSRP abcdefghijklmnopqrstuvwxyz0123456 SEND" NL, REASON_MSRP_START_LINE},
		{"MSRP +bcd SEND" NL, REASON_MSRP_START_LINE},
		{"MSRP ab$d SEND" NL, REASON_MSRP_START_LINE},
		{"MSRP abcd send" NL, REASON_MSRP_START_LINE},
		{"MSRP abcd SEND " NL, REASON_MSRP_START_LINE},
		{"MSRP abcd " NL, REASON_MSRP_START_LINE},
		{"MSRP abcd 20" NL, REASON_MSRP_START_LINE},
		{"MSRP abcd 099 x" NL, REASON_MSRP_START_LINE},
		{"MSRP abcd 2000 x" NL, REASON_MSRP_START_LINE},
		{"MSRP abcd SEND\n", REASON_MSRP_LINE},
		{"MSRP abcd SEND" NL "To-Path: x\n", REASON_MSRP_LINE},
		{"MSRP abcd SEND" NL "\n", REASON_MSRP_LINE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading *r = reading_text(cases[i].text);

		if (r->last != PULL_BAD)
			print_error("case %zu\n", i);
		assert_int_equal(r->last, PULL_BAD);
		assert_int_equal(r->why, cases[i].why);
		done(r);
	}
}

static void a_head_that_does_not_end_is_refused_at_its_limit(void **state)
{
	static char     text[MSRP_HEAD_MAX];
	size_t          n = (size_t)snprintf(text, sizeof(text), "MSRP abcd SEND" NL "X: ");
	struct reading *r;

	(void)state;
	memset(text + n, 'x', sizeof(text) - n);
	r = reading(text, sizeof(text) - 1);
	assert_int_equal(r->last, PULL_MORE);
	more(r, text + sizeof(text) - 1, 1);
	assert_int_equal(r->last, PULL_BAD);
	assert_int_equal(r->why, REASON_MSRP_HEAD_SIZE);
	done(r);
}

static void a_uri_has_a_scheme_a_host_and_a_transport(void **state)
{
	static const struct {
		const char *text, *host, *session;
		unsigned    port;
		bool        good;
	} cases[] = {
		{"msrp://bob.example.com:8888/9di4ea;tcp", "bob.example.com", "9di4ea", 8888, true},
		{"MSRPS://a.example/x;tcp", "a.example", "x", 0, true},
		{"msrp://a@a.example:9/x;tcp;more=1;and", "a.example", "x", 9, true},
		{"msrp://[2001:db8::1]:9/x+/=y~z;tcp", "2001:db8::1", "x+/=y~z", 9, true},
		{"msrp://relay.example:2855;tcp", "relay.example", "", 2855, true},
		{"msrp://192.0.2.1:1/x;sctp", "192.0.2.1", "x", 1, true},
		{"msrp://a.example:9/x", "", "", 0, false},
		{"msrp://a.example:9/;tcp", "", "", 0, false},
		{"msrp:a.example/x;tcp", "", "", 0, false},
		{"msrp://:9/x;tcp", "", "", 0, false},
		{"msrp://a.example:0/x;tcp", "", "", 0, false},
		{"msrp://a.example:65536/x;tcp", "", "", 0, false},
		{"msrp://a.example:/x;tcp", "", "", 0, false},
		{"msrp://a.example/x y;tcp", "", "", 0, false},
		{"msrp://a.example/x;", "", "", 0, false},
		{"msrp://a.example/x;tcp;", "", "", 0, false},
		{"msrp://a.example/x;tcp;a=", "", "", 0, false},
		{"sip://a.example/x;tcp", "", "", 0, false},
		{"msrp://[2001:db8::1/x;tcp", "", "", 0, false},
		{"msrp://a b@c.example/x;tcp", "", "", 0, false},
		{"", "", "", 0, false},
		{"msrp://", "", "", 0, false},
	};
	char long_one[MSRP_URI_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msrp_uri uri;
		uint8_t        *copy = test_copy(cases[i].text, strlen(cases[i].text));
		bool good = msrp_uri_parse((struct str){(char *)copy, strlen(cases[i].text)}, &uri);

		if (good != cases[i].good)
			print_error("case %zu\n", i);
		assert_int_equal(good, cases[i].good);
		if (good) {
			assert_str(uri.host.text, cases[i].host);
			assert_str(uri.session, cases[i].session);
			assert_int_equal(uri.port, cases[i].port);
		}
		free(copy);
	}
	for (size_t n = MSRP_URI_MAX; n <= MSRP_URI_MAX + 1; n++) {
		struct msrp_uri uri;
		struct put      w = put_to(long_one, sizeof(long_one));

		put_str(&w, STR("msrp://a.example/"));
		while (put_size(&w) < n - 4)
			put_u8(&w, 'x');
		put_str(&w, STR(";tcp"));
		assert_int_equal(msrp_uri_parse((struct str){long_one, n}, &uri),
				 n <= MSRP_URI_MAX);
	}
}

static void a_path_is_uris_with_one_space_between(void **state)
{
	static const char *const bad[] = {"",
					  " ",
					  "msrp://a.example/x;tcp ",
					  " msrp://a.example/x;tcp",
					  "msrp://a.example/x;tcp  msrp://b.example/x;tcp",
					  "msrp://a.example/x;tcp,msrp://b.example/x;tcp",
					  "msrp://a.example/x;tcp b"};
	struct msrp_uri          first, last;
	char                     room[1024];
	struct put               w = put_to(room, sizeof(room));

	(void)state;
	assert_true(msrp_path_parse(STR("msrp://r.example:1;tcp msrp://s.example:2/x;tcp "
					"msrps://a.example:3/y;tcp"),
				    &first, &last));
	assert_str(first.host.text, "r.example");
	assert_str(last.host.text, "a.example");
	assert_true(last.secure);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(msrp_path_parse(str_of(bad[i]), &first, &last));
	for (unsigned n = 1; n <= MSRP_PATH_URIS_MAX + 1; n++) {
		if (n > 1)
			put_u8(&w, ' ');
		msrp_uri_put(&w, STR("2001:db8::1"), 7000, STR("abc"));
		assert_int_equal(msrp_path_parse((struct str){room, put_size(&w)}, &first, &last),
				 n <= MSRP_PATH_URIS_MAX);
	}
	assert_str(first.text, "msrp://[2001:db8::1]:7000/abc;tcp");
}

static void what_is_written_is_read_the_same(void **state)
{
	char             text[4096], body[] = "one\r\n-------two$\r\nthree";
	struct put       w = put_to(text, sizeof(text));
	struct msrp_send s = {STR("tr4ns.1"),
			      STR("msrp://r.example:1;tcp msrp://b.example:1/x;tcp"),
			      STR("msrp://a.example:2/y;tcp"),
			      STR("mess-1"),
			      STR("message/cpim"),
			      {11, 10 + sizeof(body) - 1, 100},
			      MSRP_CONTINUED};
	struct reading  *r;

	(void)state;
	assert_true(msrp_send_put(&w, &s, body, sizeof(body) - 1));
	msrp_response_put(&w, STR("tr4ns.1"), 413, STR("msrp://a.example:2/y;tcp"),
			  STR("msrp://b.example:1/x;tcp"));
	msrp_report_put(&w, STR("tr4ns.2"), s.to_path, s.from_path, s.message_id, 100, 200);
	s.content_type = STR("");
	s.range = (struct msrp_range){1, 0, 0};
	s.flag = MSRP_COMPLETE;
	assert_true(msrp_send_put(&w, &s, NULL, 0));
	s.range = (struct msrp_range){1, MSRP_UNKNOWN, MSRP_UNKNOWN};
	s.flag = MSRP_ABORTED;
	assert_true(msrp_send_put(&w, &s, NULL, 0));
	assert_false(w.failed);
	r = reading(text, put_size(&w));
	assert_int_equal(r->fault, REASON_NONE);
	assert_int_equal(r->unread_size, 0);
	assert_string_equal(r->ends, "+$$$#");
	assert_int_equal(r->body_size, sizeof(body) - 1);
	assert_memory_equal(r->body, body, sizeof(body) - 1);
	assert_string_equal(r->heads,
			    "0 1 0 tr4ns.1 msrp://a.example:2/y;tcp mess-1 message/cpim 11-33/100;"
			    "1 0 413 tr4ns.1 msrp://b.example:1/x;tcp   1-18446744073709551615/"
			    "18446744073709551615;"
			    "0 2 200 tr4ns.2 msrp://a.example:2/y;tcp mess-1  1-100/100;"
			    "0 1 0 tr4ns.1 msrp://a.example:2/y;tcp mess-1  1-0/0;"
			    "0 1 0 tr4ns.1 msrp://a.example:2/y;tcp mess-1  1-18446744073709551615/"
			    "18446744073709551615;");
	done(r);
}

static void a_body_that_holds_the_transaction_is_not_written_under_it(void **state)
{
	char             text[1024];
	struct put       w = put_to(text, sizeof(text));
	struct msrp_send s = {STR("tr4ns.1"),
			      STR("msrp://b.example:1/x;tcp"),
			      STR("msrp://a.example:2/y;tcp"),
			      STR("mess-1"),
			      STR("text/plain"),
			      {1, 22, 22},
			      MSRP_COMPLETE};

	(void)state;
	assert_false(msrp_send_put(&w, &s, "one\r\n-------tr4ns.1$\r\n", 22));
	assert_int_equal(put_size(&w), 0);
	s.transaction = STR("tr4ns.2");
	assert_true(msrp_send_put(&w, &s, "one\r\n-------tr4ns.1$\r\n", 22));
}

static void a_value_cannot_make_a_line_of_its_own(void **state)
{
	char       text[1024];
	struct put w = put_to(text, sizeof(text));

	(void)state;
	msrp_response_put(&w, STR("tr4ns.1"), 200, STR("msrp://a.example/x;tcp\r\nX: y"),
			  STR("msrp://b.example/x;tcp"));
	assert_true(w.failed);
}

static void statuses_have_comments_and_meanings(void **state)
{
	static const struct {
		unsigned    sip, msrp;
		enum reason why;
	} cases[] = {
		{200, 200, REASON_NONE},           {202, 200, REASON_NONE},
		{400, 400, REASON_PEER_PERMANENT}, {403, 403, REASON_PEER_PERMANENT},
		{404, 403, REASON_PEER_PERMANENT}, {405, 501, REASON_PEER_PERMANENT},
		{413, 413, REASON_PEER_PERMANENT}, {415, 415, REASON_PEER_PERMANENT},
		{480, 408, REASON_PEER_TEMPORARY}, {503, 408, REASON_PEER_TEMPORARY},
		{504, 408, REASON_PEER_TEMPORARY}, {513, 413, REASON_PEER_PERMANENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(msrp_status_of_sip(cases[i].sip), cases[i].msrp);
		assert_int_equal(msrp_reason_of_status(cases[i].msrp), cases[i].why);
		assert_true(msrp_status_comment(cases[i].msrp).n > 0);
	}
	assert_int_equal(msrp_reason_of_status(481), REASON_PEER_TEMPORARY);
	assert_int_equal(msrp_reason_of_status(506), REASON_PEER_TEMPORARY);
	assert_int_equal(msrp_reason_of_status(299), REASON_NONE);
	assert_int_equal(msrp_reason_of_status(499), REASON_PEER_PERMANENT);
	assert_int_equal(msrp_status_comment(499).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_a_request_is_found),
		cmocka_unit_test(responses_and_reports_have_their_status),
		cmocka_unit_test(chunks_cut_at_any_byte_read_the_same),
		cmocka_unit_test(byte_by_byte_and_by_what_is_needed_read_the_same),
		cmocka_unit_test(the_work_is_linear_however_the_bytes_are_cut),
		cmocka_unit_test(only_the_whole_line_of_its_own_transaction_ends_a_body),
		cmocka_unit_test(a_body_that_ends_its_chunk_early_loses_the_framing),
		cmocka_unit_test(a_body_may_be_empty_with_and_without_its_line),
		cmocka_unit_test(a_range_is_three_numbers_or_stars_in_their_order),
		cmocka_unit_test(a_head_with_a_fault_is_one_chunk_all_the_same),
		cmocka_unit_test(what_is_no_msrp_is_found_out_at_once),
		cmocka_unit_test(a_head_that_does_not_end_is_refused_at_its_limit),
		cmocka_unit_test(a_uri_has_a_scheme_a_host_and_a_transport),
		cmocka_unit_test(a_path_is_uris_with_one_space_between),
		cmocka_unit_test(what_is_written_is_read_the_same),
		cmocka_unit_test(a_body_that_holds_the_transaction_is_not_written_under_it),
		cmocka_unit_test(a_value_cannot_make_a_line_of_its_own),
		cmocka_unit_test(statuses_have_comments_and_meanings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
